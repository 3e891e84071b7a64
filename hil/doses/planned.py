"""What is ordered and what goes wrong meanwhile, all of it drawn from the seed."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from hil.faults import LinkFaults
from protocol import codes

NONE, CUT, CABLE, STOP = "none", "cut", "cable", "stop"
TROUBLES = (NONE, CUT, CABLE, STOP)
_TROUBLE_WEIGHTS = (10, 3, 1, 2)

_KINDS = (
    # kind, channel, weight, least and most nL, rate nL/s
    ("prime", codes.CHANNEL_FLUSH, 8, 200, 1_200, 5_000),
    ("purge", codes.CHANNEL_FLUSH, 4, 200, 1_200, 8_000),
    ("dose", codes.CHANNEL_FLUSH, 4, 200, 1_500, 5_000),
    ("dose", codes.CHANNEL_AGENT, 1, 200, 800, 2_000),
)

MOST_OCTETS = 400
"""An order that is accepted, marked, ended and counted stores about so many octets in the FRAM."""

CABLE_OUT_S = (0.05, 4.0)
MAX_PAUSE_S = (0.5, 5.0)
AFTER_STEPS = (1, 120)

BESIDE = 4
"""Duplicates, damage and exchanges of places are each so many times rarer than losses."""


@dataclass(frozen=True, slots=True)
class Planned:
    """One order, and what goes wrong while it is under way."""

    dose_id: bytes
    kind: str
    channel: int
    volume_nl: int
    rate_nl_s: int
    trouble: str
    cut_octet: int
    """With trouble ``cut``: the power goes away after so many octets were stored from the order on."""

    after_steps: int
    """With trouble ``cable`` or ``stop``: it comes when so many steps have left the pin, or none come any more."""

    cable_out_s: float
    max_pause_s: float
    """A dose that the rig has paused, as it does without its host, is stopped after so long."""


def planned(random: Random) -> Planned:
    """Draw the next order."""
    kind, channel, _, least_nl, most_nl, rate_nl_s = random.choices(_KINDS, [row[2] for row in _KINDS])[0]
    return Planned(
        dose_id=random.randbytes(8),
        kind=kind,
        channel=channel,
        volume_nl=random.randint(least_nl, most_nl),
        rate_nl_s=rate_nl_s,
        trouble=random.choices(TROUBLES, _TROUBLE_WEIGHTS)[0],
        cut_octet=random.randrange(MOST_OCTETS),
        after_steps=random.randint(*AFTER_STEPS),
        cable_out_s=random.uniform(*CABLE_OUT_S),
        max_pause_s=random.uniform(*MAX_PAUSE_S),
    )


def faults(loss: float) -> LinkFaults:
    """Return what a link does of whose frames a share ``loss`` never arrives, in each direction."""
    beside = loss / BESIDE
    return LinkFaults(drop=loss, duplicate=beside, corrupt=beside, reorder=beside)
