"""How fast frames are made and taken, and what viper saves: ``python -m tests.protocol.bench``.

Prints microseconds of a TELEMETRY frame (the best of five runs), frames per second, and ratios. A Unix machine is some
hundred times faster than a Pico: the ratios carry over, the times do not.
"""

import os
import subprocess
import sys
from pathlib import Path

from hil.toolchain.micropython import find_or_fetch

ROOT = Path(__file__).parents[2]
PROGRAM = Path(__file__).parent / "on_micropython" / "speed.py"
LOOPS = ("stuff", "unstuff", "collect")


def measured(command: list[str]) -> dict[str, float]:
    """Run the measurement under a Python and return microseconds by name."""
    environment = os.environ | {"MICROPYPATH": f"{ROOT}:.frozen", "PYTHONPATH": str(ROOT)}
    done = subprocess.run([*command, str(PROGRAM)], env=environment, check=True, capture_output=True, text=True)
    return {name: float(value) for name, value in map(str.split, done.stdout.splitlines())}


def main() -> None:
    """Measure under both Pythons and print the table."""
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


if __name__ == "__main__":
    main()
