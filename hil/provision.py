"""A rig as it comes from the clinic's workshop: serial, keys, ceilings, an open treatment, good cartridges.

The journal and the cartridges' memories are written by the firmware's own modules, under this Python. What a bench is
given is drawn from its seed, so that a run can be repeated; there is no key that two benches of different seeds share.
"""

import hmac
from dataclasses import dataclass
from random import Random
from struct import calcsize, pack

from device.authority import pack_key
from device.ceilings import LOOSEST, Ceilings
from device.contents import Contents
from device.drivers import cartridge
from device.drivers.fram import SIZE
from device.journal import Journal
from device.journal_cells import CELL_CEILINGS, CELL_KEY, CELL_LINE, CELL_RIG, CELL_TOTALS, CELL_TREATMENT
from device.treatment import Treatment
from hil.plant.noise import stream
from hil.plant.rig import SimulatedRig
from protocol import codes, messages

KEY_OCTETS = 32
ID_OCTETS = 8
TAG_OCTETS = 16
TODAY = 9497
"""2026-01-01, in days since 2000-01-01: the date at the bench, and every cartridge is good for a year more."""

EXPIRY_DAY = TODAY + 365
CONCENTRATION = 1_000
GENERATION = 1
SLOTS = len(codes.SLOTS)
CHANNELS = len(codes.CHANNELS)


@dataclass(frozen=True, slots=True, repr=False)
class Provision:
    """Who a rig is, whom it believes, and what is in it. Never printed: it holds keys."""

    rig: bytes
    keys: tuple[bytes, ...]
    """By SLOT_ number."""

    treatment: bytes
    lots: tuple[bytes, ...]
    """By channel, like ``serials``."""

    serials: tuple[bytes, ...]
    ceilings: tuple[int, ...] = LOOSEST
    """Of clinic and plan, in the order of SET_CEILINGS."""

    day: int = TODAY

    @classmethod
    def of_seed(cls, seed: int) -> "Provision":
        """Return what a bench of this seed gives its rig."""
        return cls.drawn(stream(seed, "provision"))

    @classmethod
    def drawn(cls, random: Random) -> "Provision":
        """Draw everything that nobody may guess or that has to differ between rigs."""
        return cls(
            rig=random.randbytes(ID_OCTETS),
            keys=tuple(random.randbytes(KEY_OCTETS) for _ in range(SLOTS)),
            treatment=random.randbytes(ID_OCTETS),
            lots=tuple(random.randbytes(ID_OCTETS) for _ in range(CHANNELS)),
            serials=tuple(random.randbytes(ID_OCTETS) for _ in range(CHANNELS)),
        )

    def sign(self, slot: int, number: int, *values: int | bytes) -> bytes:
        """Return the body of message ``number`` with its tag, the last field, under the key of ``slot``."""
        form = messages.FORMATS[number].removesuffix(f"{TAG_OCTETS}s")
        body = pack(form, *values)
        assert calcsize(form) == messages.SIZES[number] - TAG_OCTETS
        return body + self.tag(slot, number, body)

    def tag(self, slot: int, number: int, body: bytes) -> bytes:
        """Return the tag over a message's number and its body without the tag."""
        return hmac.digest(self.keys[slot], bytes([number]) + body, "sha256")[:TAG_OCTETS]


class _Image:
    """An FRAM's contents, with the two methods by which the firmware reads and writes it."""

    def __init__(self) -> None:
        self.contents = bytearray(SIZE)

    def read_into(self, address: int, buffer: bytearray | memoryview) -> None:
        """Fill ``buffer`` from ``address``."""
        buffer[:] = self.contents[address : address + len(buffer)]

    def write(self, address: int, buffer: bytes | bytearray | memoryview) -> None:
        """Write ``buffer`` at ``address``."""
        self.contents[address : address + len(buffer)] = buffer


def journal_image(provision: Provision) -> bytes:
    """Return the contents of a provisioned rig's FRAM: no dose yet, a line without agent, the treatment open."""
    image = _Image()
    journal = Journal(image)  # type: ignore[arg-type]  # all that it asks of the part
    journal.begin()
    ceilings = Ceilings()
    ceilings.restore(provision.ceilings, provision.ceilings)
    treatment = Treatment()
    opened = (b"", 0, provision.treatment, provision.day, codes.SCREENING_PASSED, 0, *provision.ceilings, b"")
    reason = treatment.open(opened, ceilings)
    assert reason == codes.REASON_NONE, f"the treatment cannot be opened: reason {reason}"
    line = Contents()
    line.clear()
    cells = {
        CELL_RIG: provision.rig,
        CELL_CEILINGS: ceilings.pack_clinic(),
        CELL_TREATMENT: treatment.pack(ceilings.plan),
        CELL_TOTALS: treatment.pack_totals(0, 0),
        CELL_LINE: line.pack(),
    }
    cells |= {CELL_KEY + slot: pack_key(GENERATION, key) for slot, key in enumerate(provision.keys)}
    for cell, payload in cells.items():
        stored = journal.store(cell, payload)
        assert stored, f"cell {cell} cannot be stored"
        durable = journal.flush()
        assert durable, f"cell {cell} is not durable"
    return bytes(image.contents)


def cartridge_image(provision: Provision, channel: int, fill_nl: int, left_nl: int, **changes: int | bytes) -> bytes:
    """Return the memory of a good cartridge; ``changes`` replaces fields of its label before it is signed.

    Fields: kind, lot, serial, concentration, fill_nl, expiry_day.
    """
    fields: dict[str, int | bytes] = {
        "kind": channel,
        "lot": provision.lots[channel],
        "serial": provision.serials[channel],
        "concentration": CONCENTRATION if channel == codes.CHANNEL_AGENT else 0,
        "fill_nl": fill_nl,
        "expiry_day": EXPIRY_DAY,
    }
    unknown = changes.keys() - fields.keys()
    assert not unknown, f"no such field: {unknown}"
    label = cartridge.pack_label(*(fields | changes).values())  # type: ignore[arg-type]
    tag = provision.tag(codes.SLOT_CARTRIDGE, cartridge.TAG_NUMBER, label)
    return cartridge.pack_memory(label, tag, left_nl)


def provision_rig(plant: SimulatedRig, provision: Provision) -> None:
    """Write a rig's FRAM and the memories of its cartridges, before its controller has power."""
    plant.fram.contents[:] = journal_image(provision)
    fill_nl = round(plant.parameters.fill_nl)
    # Behind the end switch there is liquid that no plunger may reach.
    left_nl = max(0, fill_nl - round(plant.parameters.end_switch_nl))
    for channel, chip in enumerate(plant.cartridges):
        memory = cartridge_image(provision, channel, fill_nl, left_nl)
        chip.contents[: len(memory)] = memory
