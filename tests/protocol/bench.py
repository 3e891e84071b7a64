"""How fast frames are made and taken, and what viper saves: ``python -m tests.protocol.bench``.

Prints microseconds of a TELEMETRY frame (the best of five runs), frames per second, and ratios. A Unix machine is some
hundred times faster than a Pico: the ratios carry over, the times do not. ``--rp2040`` adds what the device's end costs
on the emulated Pico, which models no misses of the flash cache: lower bounds.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from hil.toolchain.micropython import find_or_fetch
from tests.protocol.runners import EmulatedPico, program, run_process

LOOPS = ("stuff", "unstuff", "collect")


def table(text: str) -> dict[str, float]:
    """Return what a program printed: a number for each name."""
    return {name: float(value) for name, value in map(str.split, text.splitlines())}


def measured(command: list[str]) -> dict[str, float]:
    """Run the measurement under a Python and return microseconds by name."""
    with tempfile.TemporaryDirectory() as folder:
        return table(run_process(command, program("speed"), Path(folder)))


def main() -> None:
    """Measure and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rp2040", action="store_true", help="measure on the emulated Pico too")
    options = parser.parse_args()
    micropython = find_or_fetch()
    results = {"MicroPython": measured(micropython.command), "CPython": measured([sys.executable])}
    print(f"{micropython.banner}; CPython {sys.version.split()[0]}")
    for python, times in results.items():
        for what in ("encode", "decode"):
            print(f"{python:12} {what:18} {times[what]:9.2f} us {1e6 / times[what]:12,.0f} frames/s")
        print(f"{python:12} {'idle receive':18} {times['idle']:9.2f} us")
        print(f"{python:12} {'idle next_request':18} {times['nothing']:9.2f} us")
    times = results["MicroPython"]
    for loop in LOOPS:
        viper, bytecode = times[loop], times[f"{loop}-bytecode"]
        print(
            f"{'MicroPython':12} {loop:18} {viper:9.2f} us viper, {bytecode:.2f} us bytecode: {bytecode / viper:.0f} x"
        )
    if options.rp2040:
        for name, microseconds in table(EmulatedPico().run(program("cost"))).items():
            print(f"{'emulated Pico':13} {name:17} {microseconds:9.0f} us")


if __name__ == "__main__":
    main()
