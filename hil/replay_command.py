"""`rig hil replay`: run a recorded run again, compare, and draw it."""

from pathlib import Path
from typing import Annotated

import typer

from host.cli_run import put_json, reported
from host.errors import UsageError


@reported
def replay_command(
    recording: Annotated[Path, typer.Argument(metavar="FILE", help="A recording of the bench.")],
    octets: Annotated[
        bool, typer.Option("--octets", help="Not the scenario again: only what the host sent and people did.")
    ] = False,
    draw: Annotated[
        Path | None, typer.Option(metavar="OUT.svg", help="Draw the recording as .svg, or as .png.")
    ] = None,
    run: Annotated[bool, typer.Option(" /--no-run", help="Run nothing, only draw.")] = True,
    record: Annotated[Path | None, typer.Option(metavar="OUT", help="Keep the recording of the new run.")] = None,
    json_output: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
) -> int:
    """Run a recorded run again, on its target with its seed, and say where it first differs from the recording.

    Exit codes: 0 the same edges and frames; 1 they differ; 2 it cannot be read or run again; 7 the file is damaged.
    """
    from hil import recording_file  # noqa: PLC0415
    from hil.boards.base import BoardError  # noqa: PLC0415
    from host.errors import RigError  # noqa: PLC0415

    recorded = recording_file.read(recording)
    if not run and draw is None:
        raise UsageError("There is nothing to do.", "Leave --no-run out, or draw: --draw OUT.svg")
    if draw is not None:
        from hil.draw import save  # noqa: PLC0415

        save(recorded, draw)
    if not run:
        _say({"drawn": str(draw)}, f"drawn: {draw}", json_output=json_output)
        return 0
    from hil.replay import replay  # noqa: PLC0415

    try:
        result = replay(recorded, octets=octets)
    except BoardError as error:
        raise RigError("internal", f"The board cannot run: {error}", "") from error
    if record is not None:
        recording_file.write(result.again, record)
    facts = result.as_dict() | ({"drawn": str(draw)} if draw is not None else {})
    _say(facts, _text(result, draw), json_output=json_output)
    return 0 if result.difference is None else 1


def _say(facts: dict[str, object], words: str, *, json_output: bool) -> None:
    if json_output:
        put_json(facts)
    else:
        typer.echo(words)


def _text(result: "Replay", drawn: Path | None) -> str:  # type: ignore[name-defined] # noqa: F821
    header, again = result.recorded.header, result.again.header
    what = header.node if result.by == "scenario" else f"the octets of {header.node or 'a run'}"
    lines = [f"{what} on {header.target}, seed {header.seed}: recorded {header.outcome}, now {again.outcome}"]
    if result.firmware_differs:
        lines.append(f"the firmware is another: recorded with {header.firmware_hash}, now {again.firmware_hash}")
    if result.difference is None:
        lines.append(f"the same {result.recorded.edge_count()} edges and {len(result.recorded.frames)} frames")
    else:
        lines.append(f"first difference: {result.difference}")
    if drawn is not None:
        lines.append(f"drawn: {drawn}")
    return "\n".join(lines)
