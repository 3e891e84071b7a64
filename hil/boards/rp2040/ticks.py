"""What a tick of the firmware costs on the emulated Pico, and which functions it goes to.

    python -m hil.boards.rp2040.ticks [--seconds 1.0] [--rate 2000] [--functions 25]

The figures are lower bounds: the emulator counts instructions and knows no flash cache misses.
"""

from __future__ import annotations

import argparse
import asyncio

from hil.bench import Bench
from hil.boards.rp2040.profile import Profile

US_PER_NS = 1e-3
SETTLING_S = 0.5
BOUNDARIES = ("_begin_tick", "_report", "_end_tick")
SLICES = ("sense", "judge", "advance")
EXECUTIVE, CONTROLLER = "device_executive_Executive_", "device_controller_Controller_"


async def measure(bench: Bench, seconds: float, rate_nl_s: int) -> Profile:
    """Profile ``seconds`` of a running dose of flush; the dose is stopped afterwards."""
    rig = await bench.connect()
    volume_nl = round(rate_nl_s * (seconds + 2 * SETTLING_S))
    dose = asyncio.ensure_future(rig.dose(volume_nl=volume_nl, rate_nl_s=rate_nl_s, channel="flush"))
    await asyncio.sleep(SETTLING_S)
    profile = Profile(bench.board.chip, bench.board.image.with_suffix(".elf"))
    profile.start()
    await asyncio.sleep(seconds)
    profile.stop()
    await rig.stop()
    await dose
    await rig.__aexit__(None, None, None)
    return profile


def report(profile: Profile, functions: int) -> str:
    """Return the parts of a tick and the functions with the most time of their own, as text."""
    parts = [CONTROLLER + name for name in SLICES] + [EXECUTIVE + name for name in BOUNDARIES]
    ticks = profile.functions[parts[0]].calls
    lines = [f"{ticks} ticks, us a tick:"]
    total_us = 0.0
    for name in parts:
        function = profile.functions[name]
        mean_us = function.total_ns * US_PER_NS / ticks
        total_us += mean_us
        lines.append(f"  {name:56} mean {mean_us:7.0f}  worst {function.worst_ns * US_PER_NS:7.0f}")
    lines.append(f"  {'together':56} mean {total_us:7.0f}")
    lines.append("functions by their own time, us a tick:")
    for name, function in profile.table()[:functions]:
        own_us = function.own_ns * US_PER_NS / ticks
        lines.append(f"  {name:56} own  {own_us:7.0f}  calls {function.calls / ticks:7.2f}")
    return "\n".join(lines)


def main() -> None:
    """Entry point of ``python -m hil.boards.rp2040.ticks``."""
    parser = argparse.ArgumentParser(prog="hil.boards.rp2040.ticks", description="Measure the firmware's tick.")
    parser.add_argument("--seconds", type=float, default=1.0, help="of the dose, in the device's time")
    parser.add_argument("--rate", type=int, default=2000, help="of the dose, nL/s")
    parser.add_argument("--functions", type=int, default=25, help="functions to list")
    options = parser.parse_args()
    with Bench("rp2040") as bench:
        print(report(bench.run(measure(bench, options.seconds, options.rate)), options.functions))


if __name__ == "__main__":
    main()
