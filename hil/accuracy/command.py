"""The command `rig hil accuracy`."""

import time
from pathlib import Path
from typing import Annotated

import typer

from host.cli_run import put_json, reported, say
from host.errors import RigError, UsageError

TARGETS = ("twin", "vm", "rp2040")
SEEDS = 20
EXIT_NOT_HELD = 1


@reported
def accuracy_command(
    target: Annotated[str, typer.Option(help="twin, vm or rp2040.")] = "twin",
    seed: Annotated[int, typer.Option(min=0, help="Seed of the first rig.")] = 1,
    seeds: Annotated[int, typer.Option(min=1, help="How many rigs of each grain.")] = SEEDS,
    flow: Annotated[bool, typer.Option("--flow/--no-flow", help="Weigh two hours of 0.05 uL/s, too.")] = True,
    quick: Annotated[bool, typer.Option(help="Three doses of 1 uL after one short run: for slow boards.")] = False,
    draw: Annotated[
        Path | None, typer.Option(metavar="FILE.svg", help="Draw every rig's bias, and the trumpet.")
    ] = None,
    json_output: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
) -> int:
    """Calibrate rigs of random bore, backlash and friction, then weigh ten doses each of 1, 10 and 50 uL at the tip.

    Every rig is measured twice: with the reference rig's friction, and with one drawn from its whole range. Exit codes:
    0 every dose weighed what the rig told, and the reference friction keeps the commercial limits; 1 not so.
    """
    from hil.accuracy import chart, doses, rigs  # noqa: PLC0415 -- the command line starts without the bench
    from hil.accuracy.flow import flow as long_flow  # noqa: PLC0415
    from hil.accuracy.report import Report, table  # noqa: PLC0415
    from hil.latency.measure import firmware  # noqa: PLC0415

    if target not in TARGETS:
        raise UsageError(f"There is no target {target!r}.", f"Targets: {', '.join(TARGETS)}.")
    if draw is not None and draw.suffix != ".svg":
        raise UsageError(f"{draw.name} is not called .svg.", "Name the picture so.")
    began_s = time.perf_counter()
    plan = doses.QUICK if quick else doses.Plan()
    try:
        rows = list(doses.measure(target, doses.planned(seed, seeds, rigs.GRAINS), plan))
        say(f"{len(rows)} rigs, {time.perf_counter() - began_s:.0f} s")
        flowed = long_flow(target, rigs.drawn(seed, rigs.DEFAULT)) if flow and not quick else None
    except KeyboardInterrupt:
        raise RigError("interrupted", "Interrupted before all was measured.", "") from None
    report = Report(target, seed, rows, flowed, time.perf_counter() - began_s, firmware())
    if draw is not None:
        chart.save(report, draw)
    if json_output:
        put_json(report.as_dict())
    else:
        typer.echo(table(report))
    return 0 if report.held else EXIT_NOT_HELD
