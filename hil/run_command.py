"""`rig hil run` and `rig hil compare`: scenarios on the bench, and two recordings side by side."""

from pathlib import Path
from typing import Annotated

import typer

from host.cli_run import put_json, reported
from host.errors import UsageError

DEFAULT_TARGETS = ["twin"]
_NAME_WIDTH = 96

TargetOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME[,NAME]", help="Boards to run on: twin, vm, rp2040, serial. Default: twin. May be repeated."
    ),
]
SeedOption = Annotated[int, typer.Option(min=0, help="Seed of everything random at the bench.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]


def targets_of(given: list[str] | None) -> list[str]:
    """Return the targets named, each once. Raises UsageError for one that there is not."""
    from hil.boards.base import TARGETS  # noqa: PLC0415

    names = [name.strip() for item in given or DEFAULT_TARGETS for name in item.split(",") if name.strip()]
    unknown = [name for name in names if name not in TARGETS]
    if unknown or not names:
        raise UsageError(
            f"There is no target {', '.join(unknown) or 'without a name'}.", f"Choose from {', '.join(TARGETS)}."
        )
    return list(dict.fromkeys(names))


@reported
def run_command(
    select: Annotated[
        str, typer.Argument(metavar="[SELECT]", help="File, node id, or words of a scenario's name; all without it.")
    ] = "",
    target: TargetOption = None,
    seed: SeedOption = 1,
    record: Annotated[Path | None, typer.Option(metavar="DIR", help="Leave a recording of every scenario.")] = None,
    image: Annotated[Path | None, typer.Option(metavar="FILE", help="rp2040: this image instead of the own.")] = None,
    list_only: Annotated[bool, typer.Option("--list", help="Only name the scenarios.")] = False,
    json_output: JsonOption = False,
) -> int:
    """Run scenarios on the bench and tell how each ended; a failed one leaves a recording.

    Exit codes: 0 all that ran passed; 1 one failed, or nothing could be run on these targets; 2 nothing is called so.
    """
    from hil.scenario_runs import list_scenarios, run_scenarios  # noqa: PLC0415

    targets = targets_of(target)
    if image is not None:
        from hil.rp2040_options import board_options  # noqa: PLC0415

        board_options("rp2040" if "rp2040" in targets else targets[0], image)
    if list_only:
        nodes = list_scenarios(select, targets)
        if json_output:
            put_json({"targets": targets, "select": select, "scenarios": nodes})
        else:
            typer.echo("\n".join(nodes))
        return 0
    chosen = {} if image is None else {"image": image}
    report = run_scenarios(select, targets, seed, record, **chosen)
    if json_output:
        put_json(report.as_dict())
    else:
        typer.echo(_table(report))
    return 0 if report.held else 1


@reported
def compare_command(
    first: Annotated[Path, typer.Argument(help="A recording.")],
    second: Annotated[Path, typer.Argument(help="Another.")],
    within_ms: Annotated[
        float, typer.Option(min=0.0, help="How far edges of two boards may lie apart, counted from their order, ms.")
    ] = 10.0,
    json_output: JsonOption = False,
) -> int:
    """Compare two recordings: the same to the nanosecond, or the same steps within one tick of the firmware.

    Exit codes: 0 edges and frames are the same, or the steps are within the tolerance; 1 they are not.
    """
    from hil import recording_file  # noqa: PLC0415
    from hil.compare import first_difference, likeness  # noqa: PLC0415

    mine, other = recording_file.read(first), recording_file.read(second)
    difference = first_difference(mine, other)
    like = likeness(mine, other, round(within_ms * 1_000_000))
    if json_output:
        put_json(
            {
                "same": difference is None,
                "first_difference": None if difference is None else difference.as_dict(),
                "within_ms": within_ms,
                "same_steps": like.same,
                "orders": like.orders,
                "edges": list(like.edges),
                "worst_ms": like.worst_ns / 1e6,
                "steps_differ": None if like.difference is None else like.difference.as_dict(),
            }
        )
    elif difference is None:
        typer.echo("the same edges and frames, to the nanosecond and the octet")
    else:
        typer.echo(f"first difference: {difference}")
        verdict = "the same steps" if like.same else f"other steps: {like.difference}"
        typer.echo(
            f"counted from {like.orders} orders, within {within_ms:g} ms: {verdict}; "
            f"{like.edges[0]} and {like.edges[1]} edges, at most {like.worst_ns / 1e6:.3f} ms apart"
        )
    return 0 if difference is None or like.same else 1


def _table(report: "RunReport") -> str:  # type: ignore[name-defined] # noqa: F821
    lines = [f"{'result':<8} {'target':<7} {'simulated':>11} {'wall':>9}  scenario"]
    for each in report.results:
        name = _shortened(each.scenario.rpartition("/")[2])
        simulated, wall = f"{each.simulated_ms / 1000:.1f} s", f"{each.wall_ms / 1000:.2f} s"
        lines.append(f"{each.result:<8} {each.target:<7} {simulated:>11} {wall:>9}  {name}")
        if each.result == "not run":
            lines.append(f"{'':>9}{each.why.partition(chr(10))[0][:_NAME_WIDTH]}")
        elif each.result == "failed":
            why = [line for line in each.why.splitlines() if line.startswith("E ")] or each.why.splitlines()[-1:]
            lines += [f"{'':>9}{line[:_NAME_WIDTH]}" for line in why[:3]]
            if each.recording:
                lines.append(f"{'':>9}rig hil replay {each.recording}")
    passed, failed, not_run = (report.count(result) for result in ("passed", "failed", "not run"))
    lines.append(f"{passed} passed, {failed} failed, {not_run} not run; seed {report.seed}")
    return "\n".join(lines)


def _shortened(name: str) -> str:
    """Leave out the middle of a long name: its parameters stand at the end."""
    kept = _NAME_WIDTH - 3
    return name if len(name) <= _NAME_WIDTH else f"{name[: kept - kept // 3]}...{name[-(kept // 3) :]}"
