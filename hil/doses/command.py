"""The command `rig hil doses`."""

import time
from functools import partial
from typing import Annotated

import typer

from host.cli_run import put_json, reported

AT_ONCE = 2
DOSES_PER_RIG = 400
"""More than the 320 records that a rig keeps, so that its journal overwrites, and is compared in time."""

MOST_LOSS = 0.3
EXIT_FAILED = 1


@reported
def doses_command(
    count: Annotated[int, typer.Option(min=1, help="How many doses.")] = 10_000,
    loss: Annotated[
        float,
        typer.Option(
            min=0.0,
            max=MOST_LOSS,
            help="Share of the frames lost, in each direction. A quarter as many each are doubled, damaged, exchanged.",
        ),
    ] = 0.2,
    seed: Annotated[int, typer.Option(min=0, help="Seed of everything.")] = 1,
    json_output: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
) -> int:
    """Give doses over a bad link, with power cut in journal writes, cables pulled, stops; count what went wrong.

    On the twin, in virtual time; judged by the steps at the pins and the liquid at the tip.
    Exit codes: 0 every dose is accounted for; 1 one is not; 2 an option makes no sense.
    """
    from hil.doses.life import live  # noqa: PLC0415 -- the command line starts without the bench
    from hil.doses.report import DosesReport, doses_table  # noqa: PLC0415
    from hil.latency.forks import in_copies  # noqa: PLC0415
    from hil.latency.measure import firmware  # noqa: PLC0415

    report = DosesReport(seed, loss, count)
    began_s = time.perf_counter()
    jobs = [
        partial(live, seed, number, min(DOSES_PER_RIG, count - begun), loss)
        for number, begun in enumerate(range(0, count, DOSES_PER_RIG))
    ]
    report.take(in_copies(jobs, AT_ONCE))
    report.wall_s = time.perf_counter() - began_s
    report.firmware = firmware()
    if json_output:
        put_json(report.as_dict())
    else:
        typer.echo(doses_table(report))
    return 0 if report.held else EXIT_FAILED
