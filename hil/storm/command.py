"""The command `rig hil storm`."""

from pathlib import Path
from typing import Annotated

import typer

from host.cli_run import put_json, reported, say
from host.errors import UsageError

_TARGETS = ("twin", "vm", "rp2040")
DEFAULT_SCHEDULES = 50
DEFAULT_FOLDER = Path("build/storm")
EXIT_VIOLATED = 1


@reported
def storm_command(
    schedules: Annotated[int, typer.Option(min=1, help="How many schedules.")] = DEFAULT_SCHEDULES,
    seed: Annotated[int, typer.Option(min=0, help="Seed of every schedule.")] = 1,
    target: Annotated[str | None, typer.Option(help="twin, vm or rp2040; twin by default.")] = None,
    family: Annotated[
        list[str] | None, typer.Option(help="Only faults of this family, such as link; may be given more than once.")
    ] = None,
    replay: Annotated[Path | None, typer.Option(help="Run this schedule again instead.")] = None,
    folder: Annotated[Path, typer.Option(help="Where schedules that fail are kept.")] = DEFAULT_FOLDER,
    json_output: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
) -> int:
    """Run random schedules of acts and faults on the simulated rig and judge them by what the plant saw.

    Exit codes: 0 every promise held; 1 one did not; 2 a schedule or option makes no sense.
    """
    if target is not None and target not in _TARGETS:
        raise UsageError(f"There is no target {target!r}.", f"Targets: {', '.join(_TARGETS)}.")
    if replay is not None:
        return _replay(replay, target, json_output=json_output)
    return _storm(target or _TARGETS[0], schedules, seed, family or [], folder, json_output=json_output)


def _storm(target: str, schedules: int, seed: int, families: list[str], folder: Path, *, json_output: bool) -> int:
    from hil.faults.generate import FAMILIES  # noqa: PLC0415 -- the command line starts without the bench
    from hil.storm.run import RunResult  # noqa: PLC0415
    from hil.storm.storm import storm  # noqa: PLC0415

    for name in families:
        if name not in FAMILIES:
            raise UsageError(f"There is no family {name!r} of faults.", f"Families: {', '.join(FAMILIES)}.")

    def told(number: int, run: RunResult) -> None:
        if run.violations and not json_output:
            say(f"schedule {number}: {run.violations[0]}; making it smaller")

    result = storm(target, schedules, seed, families=families, folder=folder, told=told)
    if json_output:
        put_json(result.as_dict())
        return EXIT_VIOLATED if result.found else 0
    typer.echo(
        f"{target}, seed {seed}: {result.schedules} schedules, {result.simulated_s:.0f} s of the rig, "
        f"{result.edges} steps, {len(result.found)} failed"
    )
    for found in result.found:
        shrunk = found.result.schedule
        typer.echo(f"\nschedule {found.number}, now {len(shrunk.faults)} faults and {len(shrunk.acts)} acts:")
        for violation in found.result.violations:
            typer.echo(f"  {violation}")
        typer.echo(f"  again: {found.replay}")
    return EXIT_VIOLATED if result.found else 0


def _replay(path: Path, target: str | None, *, json_output: bool) -> int:
    from dataclasses import replace  # noqa: PLC0415

    from hil.faults.schedule import load  # noqa: PLC0415
    from hil.storm.run import run_schedule  # noqa: PLC0415

    schedule = load(path)
    if target is not None:
        schedule = replace(schedule, target=target)
    run = run_schedule(schedule)
    if json_output:
        put_json(
            {
                "schedule": schedule.as_dict(),
                "violations": [str(violation) for violation in run.violations],
                "digest": run.digest,
                "simulated_s": round(run.simulated_s, 3),
                "edges": run.edges,
            }
        )
    else:
        held = "every promise held" if not run.violations else f"{len(run.violations)} violations"
        typer.echo(f"{path}, {schedule.target}: {held} (digest {run.digest[:16]})")
        for violation in run.violations:
            typer.echo(f"  {violation}")
    return EXIT_VIOLATED if run.violations else 0
