"""The command `rig hil model`."""

from pathlib import Path
from typing import Annotated

import typer

from host.cli_run import put_json, reported

DEFAULT_STEPS = 10_000
DEFAULT_EXAMPLE_STEPS = 200
DEFAULT_FOLDER = Path("build/model")
SHRINK_RUNS = 60
EXIT_VIOLATED = 1


@reported
def model_command(
    steps: Annotated[int, typer.Option(min=1, help="How many steps in all.")] = DEFAULT_STEPS,
    seed: Annotated[int, typer.Option(min=0, help="Seed of every example.")] = 1,
    example_steps: Annotated[int, typer.Option(min=1, help="Steps of one rig.")] = DEFAULT_EXAMPLE_STEPS,
    replay: Annotated[Path | None, typer.Option(help="Take the steps of this file again instead.")] = None,
    folder: Annotated[Path, typer.Option(help="Where examples that fail are kept.")] = DEFAULT_FOLDER,
    json_output: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
) -> int:
    """Take the whole simulated device through random steps; every edge is judged at the pin and at the plant's tip.

    Exit codes: 0 every promise held; 1 one did not; 2 a file or option makes no sense.
    """
    from hil.model.run import again, load, run_model, save  # noqa: PLC0415 -- the command line starts without the bench

    if replay is not None:
        example = load(replay)
        again_ = again(example.setting, example.steps)
        if json_output:
            put_json(again_.as_dict())
        else:
            typer.echo(f"{replay}: {len(again_.steps)} steps, {len(again_.violations)} violations")
            for violation in again_.violations:
                typer.echo(f"  {violation}")
        return EXIT_VIOLATED if again_.violations else 0
    result = run_model(steps, seed, example_steps=example_steps, shrink_runs=SHRINK_RUNS)
    paths = [folder / f"seed-{seed}-{number}.json" for number in range(len(result.found))]
    for found, path in zip(result.found, paths, strict=True):
        save(found, path)
    if json_output:
        put_json(result.as_dict() | {"replays": [f"rig hil model --replay {path}" for path in paths]})
        return EXIT_VIOLATED if result.found else 0
    typer.echo(
        f"seed {seed}: {result.steps} steps in {result.examples} examples, {result.simulated_s:.0f} s of the rig, "
        f"{result.edges} edges, {len(result.found)} failed"
    )
    typer.echo(", ".join(f"{name} {count}" for name, count in sorted(result.rules.items())))
    for found, path in zip(result.found, paths, strict=True):
        typer.echo(f"\n{len(found.steps)} steps of seed {found.setting.seed}:")
        for violation in found.violations[:5]:
            typer.echo(f"  {violation}")
        typer.echo(f"  again: rig hil model --replay {path}")
    return EXIT_VIOLATED if result.found else 0
