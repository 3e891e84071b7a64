"""The command `rig hil occlusion`."""

import time
from pathlib import Path
from typing import Annotated

import typer

from host.cli_run import put_json, reported, say
from host.errors import RigError, UsageError

TARGETS = ("twin", "vm")
HOURS = 24.0
FIRMWARE_HOURS = 24.0
MOST_HOURS = 240.0
EXIT_NOT_HELD = 1


@reported
def occlusion_command(
    target: Annotated[str, typer.Option(help="twin or vm.")] = "twin",
    seed: Annotated[int, typer.Option(min=0, help="Seed of all noise.")] = 1,
    hours: Annotated[float, typer.Option(min=0, help="How long the supervision watches a healthy rig.")] = HOURS,
    firmware_hours: Annotated[
        float, typer.Option(min=0, max=MOST_HOURS, help="How long the whole firmware does: a new rig every half hour.")
    ] = FIRMWARE_HOURS,
    draw: Annotated[Path | None, typer.Option(metavar="FILE.svg", help="Draw the volumes as columns.")] = None,
    json_output: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
) -> int:
    """Close the patient line at several rates and compliances, and measure what it has stored when that is found.

    Then let a healthy rig dose and rest for hours: nothing may be alarmed. The plant judges. Exit codes: 0 every bound
    held; 1 one did not.
    """
    from hil.latency.measure import firmware  # noqa: PLC0415 -- the command line starts without the bench
    from hil.occlusion import chart, trials, watch  # noqa: PLC0415
    from hil.occlusion.report import Report, table  # noqa: PLC0415

    if target not in TARGETS:
        raise UsageError(f"There is no target {target!r}.", f"Targets: {', '.join(TARGETS)}.")
    if draw is not None and draw.suffix != ".svg":
        raise UsageError(f"{draw.name} is not called .svg.", "Name the picture so.")
    began_s = time.perf_counter()
    try:
        rows = list(trials.run(target, seed, trials.planned()))
        say(f"{len(rows)} occlusions, {time.perf_counter() - began_s:.0f} s")
        watches = list(watch.watch(hours, seed)) if hours else []
        firmware_watches = list(watch.watch_firmware(target, firmware_hours, seed)) if firmware_hours else []
    except KeyboardInterrupt:
        raise RigError("interrupted", "Interrupted before all was measured.", "") from None
    report = Report(target, seed, rows, watches, firmware_watches, time.perf_counter() - began_s, firmware())
    if draw is not None:
        chart.save(report, draw)
    if json_output:
        put_json(report.as_dict())
    else:
        typer.echo(table(report))
    return 0 if report.held else EXIT_NOT_HELD
