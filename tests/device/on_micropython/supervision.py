"""Drives the supervision through runs to patient and waste; prints a digest of all it says, and octets allocated."""

import gc
from binascii import hexlify
from hashlib import sha256

from device.drivers.pressure import PressureSensor
from device.supervision import Supervision

SEED = globals().get("SEED", 1)
RUNS = globals().get("RUNS", 20)
TICKS = 400
MIXER = 1103515245


class Random:
    """The same numbers under every Python."""

    state = SEED

    def below(self, bound):
        self.state = (self.state * MIXER + 12345) & 0x7FFFFFFF
        return (self.state >> 8) % bound


class Flow:
    faulty = False
    flow_nl_s = 0


below = Random().below
flow = Flow()
pressure = PressureSensor()
supervision = Supervision(pressure, flow)
answers = sha256()
raws = [0] * TICKS
flows = [0] * TICKS
steps = [0] * TICKS
causes = bytearray(TICKS)


def plan(rate_nl_s, share):
    """A run at a rate, of which a share of 256 passes from the middle on."""
    for tick in range(TICKS):
        passing = rate_nl_s if tick < TICKS // 2 else rate_nl_s * share >> 8
        flows[tick] = passing - 20 + below(41)
        raws[tick] = 6554 + min(40_000, passing // 2) + below(160)
        steps[tick] = rate_nl_s * 10 * (tick + 1) // 5608 - rate_nl_s * 10 * tick // 5608


def run(rate_nl_s):
    for tick in range(TICKS):
        flow.flow_nl_s = flows[tick]
        pressure.take(raws[tick])
        causes[tick] = supervision.tick(steps[tick], rate_nl_s, 10)


def allocated(function, *arguments):
    if not hasattr(gc, "mem_alloc"):
        function(*arguments)
        return 0
    gc.collect()
    before = gc.mem_alloc()
    function(*arguments)
    return gc.mem_alloc() - before


run(0)
octets = 0
for _ in range(RUNS):
    rate_nl_s = (50, 100, 1_000, 10_000, 20_000)[below(5)]
    plan(rate_nl_s, below(600))
    supervision.begin(below(4) > 0)
    octets += allocated(run, rate_nl_s)
    answers.update(bytes(causes))
    answers.update(repr((supervision.stored_nl,)).encode())
    octets += allocated(run, 0)
    supervision.rest()
    octets += allocated(run, 0)
    answers.update(bytes(causes))
print(hexlify(answers.digest()).decode(), octets)
