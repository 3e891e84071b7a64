"""Drives the rules with the same random cases wherever it runs; prints how many answers there were and their digest."""

from binascii import hexlify
from hashlib import sha256

from device import limits
from device.authority import Authority, Keys, pack_key
from device.ceilings import LOOSEST, Ceilings, unpack_row
from device.intervals import Intervals
from device.permit import PermitGate
from device.rescue import Rescue
from device.treatment import Treatment
from device.window import Window
from protocol import codes

SEED = globals().get("SEED", 1)
ROUNDS = globals().get("ROUNDS", 300)
WRAP_MASK = 0x3FFFFFFF
RIG, TREATMENT, LOT, DOSE = b"RIGSERIA", b"TREATMNT", b"LOTLOTLO", b"DOSEDOSE"

answers = sha256()
# The state of the random numbers, and how many answers there were.
state = [SEED, 0]


def below(bound):
    """Return the next random number below ``bound``, the same under every Python."""
    state[0] = (state[0] * 1103515245 + 12345) & 0x7FFFFFFF
    return (state[0] >> 8) % bound


def tell(*values):
    state[1] += 1
    answers.update(repr(values).encode())


def random_octets(length):
    return bytes([below(256) for _ in range(length)])


def random_row():
    row = [below(LOOSEST[index] * 2) if below(8) else 0 for index in range(9)]
    row[4] = below(3000)
    return tuple(row)


def authority():
    keys = Keys()
    boot = random_octets(8)
    for slot in range(4):
        generation = below(1 << 30)
        key = random_octets(32)
        tell(keys.judge(slot, generation, key))
        keys.restore(slot, pack_key(generation, key))
    judge = Authority(keys, boot)
    for _ in range(20):
        number = below(256)
        slot = below(4)
        body = (b"RIGSERIA" if number in (0x09, 0x92) else b"") + boot + below(40).to_bytes(4, "little")
        body += random_octets(below(60))
        tag = keys.tag(slot, number, memoryview(body), len(body))
        if not below(5):
            tag = random_octets(16)
        whole = body + tag
        tell(tag, judge.check(slot, number, memoryview(whole), len(whole)))


def amounts():
    ceilings = Ceilings()
    tell(ceilings.set_clinic(random_row()), ceilings.nearest)
    ceilings.restore(LOOSEST, random_row())
    treatment = Treatment()
    row = random_row()
    values = tuple([b"", 0, random_octets(8), below(3), below(4), below(50_000)] + list(row) + [b""])  # noqa: RUF005
    tell(treatment.open(values, ceilings), ceilings.nearest, ceilings.row)
    tell(unpack_row(ceilings.pack_clinic()) == ceilings.clinic)
    for _ in range(10):
        kind = 1 + below(6)
        channel = below(3)
        volume_nl = below(130_000)
        case = (kind, channel, volume_nl, below(25_000), below(3) * 500, treatment, below(300_000), below(10_000))
        tell(ceilings.judge(*case), ceilings.nearest, treatment.judge_agent(kind, channel, volume_nl))
        treatment.ended(kind, channel, 1, volume_nl, 0, volume_nl // 2)
    again = Treatment()
    tell(again.unpack(treatment.pack(ceilings.plan)), again.unpack_totals(treatment.pack_totals(state[1], 5)))
    rule = Rescue()
    tell(rule.judge(1, False, below(30), 0, True, 0, below(70_000), below(21_000), below(130_000)), rule.nearest)


def times():
    window = Window()
    intervals = Intervals()
    gate = PermitGate()
    now_ms = (1 << 30) - 2_000_000
    for _ in range(60):
        now_ms = (now_ms + below(200_000)) & WRAP_MASK
        volume_nl = below(100_000)
        window.add(now_ms, volume_nl)
        intervals.ended(below(3), (now_ms - below(20_000)) & WRAP_MASK)
        tell(
            window.project(now_ms, below(2_561), below(20_000), volume_nl),
            intervals.judge(below(3), now_ms),
            intervals.nearest,
        )
        expires_ms = (now_ms + below(2_200)) & WRAP_MASK
        values = (RIG, b"", 0, TREATMENT, LOT, DOSE, expires_ms, volume_nl, below(21_000), b"")
        step_fl = limits.STEP_FL + below(50_000)
        reason = gate.offer(values, now_ms, RIG, TREATMENT, LOT, DOSE, below(20_000), step_fl, below(10_000))
        tell(reason, gate.nearest, gate.step_limit, gate.left_ms((now_ms + below(2_200)) & WRAP_MASK))
        tell(codes.REASON_NONE, limits.volume_of(below(189_000), step_fl), limits.steps_of(volume_nl, step_fl))


for _ in range(ROUNDS):
    authority()
    amounts()
    times()
print(state[1], hexlify(answers.digest()).decode())
