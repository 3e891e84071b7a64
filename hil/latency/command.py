"""The command `rig hil latency`."""

import time
from pathlib import Path
from typing import Annotated

import typer

from host.cli_run import put_json, reported, say
from host.errors import RigError, UsageError

TARGETS = ("twin", "vm", "rp2040")
INSTANTS, STOPS, HANGS = 1000, 1000, 200
PROGRESS_EVERY_S = 10.0
EXIT_NOT_HELD = 1


@reported
def latency_command(
    target: Annotated[str, typer.Option(help="twin, vm or rp2040.")] = "rp2040",
    seed: Annotated[int, typer.Option(min=0, help="Seed of every instant.")] = 1,
    instants: Annotated[int, typer.Option(min=0, help="How often SAFE falls.")] = INSTANTS,
    stops: Annotated[int, typer.Option(min=0, help="How many stop frames.")] = STOPS,
    hangs: Annotated[int, typer.Option(min=0, help="How often the processor hangs.")] = HANGS,
    draw: Annotated[Path | None, typer.Option(metavar="FILE.svg", help="Draw the stops as a histogram.")] = None,
    image: Annotated[Path | None, typer.Option(metavar="FILE", help="rp2040: this image instead of the own.")] = None,
    json_output: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
) -> int:
    """Measure how soon flow ends: by the SAFE line, by a stop frame in every state, and when the processor hangs.

    Edges are counted at the pin, liquid is weighed at the tip. Exit codes: 0 every bound held; 1 one did not.
    """
    from hil.latency import histogram, host_part, measure  # noqa: PLC0415 -- the command line starts without the bench
    from hil.latency.report import Report, table  # noqa: PLC0415
    from hil.rp2040_options import board_options, prepared  # noqa: PLC0415

    if target not in TARGETS:
        raise UsageError(f"There is no target {target!r}.", f"Targets: {', '.join(TARGETS)}.")
    if draw is not None and draw.suffix != ".svg":
        raise UsageError(f"{draw.name} is not called .svg.", "Name the picture so.")
    options = board_options(target, image)
    prepared(target, image)
    began_s = time.perf_counter()
    host_us = host_part.measure(stops)
    total = instants + stops + hangs
    rows = []
    told_s = time.perf_counter()
    try:
        for row in measure.trials(target, seed, instants, stops, hangs, **options):
            rows.append(row)
            if time.perf_counter() - told_s >= PROGRESS_EVERY_S:
                told_s = time.perf_counter()
                say(f"{len(rows)} of {total} trials, {told_s - began_s:.0f} s")
    except KeyboardInterrupt:
        raise RigError("interrupted", f"Interrupted after {len(rows)} of {total} trials.", "") from None
    rows.sort(key=lambda row: (row["kind"], str(sorted(row.items()))))
    report = Report(target, seed, rows, host_us, time.perf_counter() - began_s, measure.firmware())
    if draw is not None:
        histogram.save(report, draw)
    if json_output:
        put_json(report.as_dict())
    else:
        typer.echo(table(report))
    return 0 if report.held else EXIT_NOT_HELD
