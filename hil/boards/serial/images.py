"""The contents of a bench's FRAM and cartridges as files, for whoever programs the chips beside a real Pico."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from hil.bench import Bench
from protocol import codes


def main(arguments: Sequence[str] | None = None) -> int:
    """Write fram.bin and cartridge0.bin to cartridge2.bin, those that a bench of this seed gives its rig."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER")
    named = parser.parse_args(arguments)
    named.out.mkdir(parents=True, exist_ok=True)
    with Bench("twin", named.seed, power=False) as bench:
        (named.out / "fram.bin").write_bytes(bench.plant.fram.contents)
        for channel, _ in enumerate(codes.CHANNELS):
            (named.out / f"cartridge{channel}.bin").write_bytes(bench.plant.cartridges[channel].contents)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
