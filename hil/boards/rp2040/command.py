"""The commands `rig hil ticks` and `rig hil steps`: what the firmware costs, and how fast it can step."""

from typing import Annotated

import typer

from host.cli_run import put_json, reported

SeedOption = Annotated[int, typer.Option(min=0, help="Seed of everything random at the bench.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]
TargetOption = Annotated[str, typer.Option(help="rp2040, the only one whose firmware takes time.")]


@reported
def ticks_command(
    target: TargetOption = "rp2040",
    seed: SeedOption = 1,
    seconds: Annotated[float, typer.Option(min=0.1, max=4.0, help="Of the dose, in the device's time.")] = 2.0,
    rate_nl_s: Annotated[int, typer.Option(min=50, max=20_000, help="Of the dose.")] = 20_000,
    functions: Annotated[int, typer.Option(min=0, help="Functions to list.")] = 25,
    json_output: JsonOption = False,
) -> int:
    """Measure what a tick of the firmware costs in a dose, and which functions it goes to.

    Exit codes: 0 a tick takes half of its period at most, all of it when it collects the heap; 1 one takes longer.
    """
    _only_rp2040(target)
    from hil.boards.rp2040.ticks import measure, report  # noqa: PLC0415 -- the command line starts without the bench

    ticks = measure(seed, seconds, rate_nl_s)
    if json_output:
        put_json(ticks.as_dict(functions))
    else:
        typer.echo(report(ticks, functions))
    return 0 if ticks.held else 1


@reported
def steps_command(
    target: TargetOption = "rp2040",
    seed: SeedOption = 1,
    seconds: Annotated[float, typer.Option(min=0.1, help="At 20,000 steps/s.")] = 20.0,
    tried_s: Annotated[float, typer.Option(min=0.0, help="At each faster rate; 0 for none.")] = 2.0,
    json_output: JsonOption = False,
) -> int:
    """Drive one channel at 20,000 steps/s and faster with the firmware's own pump, and count and time every edge.

    Exit codes: 0 every step at 20,000 steps/s left the pin, in its time; 1 one did not.
    """
    _only_rp2040(target)
    from hil.latency import steps  # noqa: PLC0415

    runs = steps.measure(seed, seconds, tried_s)
    exact = [run for run in runs if run.exact]
    if json_output:
        highest = round(1e6 / exact[-1].period_us) if exact else None
        put_json({"seed": seed, "runs": [run.as_dict() for run in runs], "highest_exact_steps_per_s": highest})
    else:
        typer.echo(steps.table(runs))
    return 0 if runs[0].exact else 1


def _only_rp2040(target: str) -> None:
    from hil.rp2040_options import prepared  # noqa: PLC0415
    from host.errors import UsageError  # noqa: PLC0415

    if target != "rp2040":
        raise UsageError(f"There is nothing to measure on {target!r}.", "The target for this is rp2040.")
    prepared(target)
