"""`rig ledger verify` and `show` read a ledger without holding it; `acknowledge` writes what a person answers for."""

import sqlite3
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Final

from host.cli_run import put_json, run, show_error
from host.errors import RigError
from host.ledger_errors import translated
from host.ledger_verify import Verdict, read_rows
from host.ledger_verify import verify as verify_file

if TYPE_CHECKING:
    from host.comparing import OpenDisagreement

_END_NOT_CHECKED: Final = (
    "Rows missing at the end cannot be seen from the file alone: keep rows and head elsewhere, and compare with"
    " --expect-rows and --expect-head."
)


def verify(path: Path, expect_head: str | None, expect_rows: int | None, *, json_output: bool) -> int:
    """Check the ledger; returns the exit code."""
    try:
        verdict = verify_file(path, expect_head=expect_head, expect_rows=expect_rows)
    except FileNotFoundError:
        raise _missing(path) from None
    except (sqlite3.Error, OSError) as error:
        raise translated(error, path) from error
    failure = _failure(verdict)
    if json_output:
        _put_verdict(verdict, failure)
    else:
        _print_verdict(verdict)
        if failure is not None:
            show_error(failure, json_output=False)
    return 0 if failure is None else failure.exit_code


def show(path: Path, limit: int, *, json_output: bool) -> int:
    """Show the last rows; returns the exit code."""
    try:
        rows = deque(read_rows(path), maxlen=limit)
    except FileNotFoundError:
        raise _missing(path) from None
    except ValueError as error:
        raise RigError("tampered", f"A row of {path} cannot be read: {error}.", "See: rig ledger verify") from error
    except (sqlite3.Error, OSError) as error:
        raise translated(error, path) from error
    if json_output:
        put_json({"path": str(path), "rows": [{"sequence": sequence, **fields} for sequence, fields in rows]})
        return 0
    for sequence, fields in rows:
        print(_line(sequence, fields))
    return 0


def acknowledge(url: str, ledger: Path, row: int, person: str, *, json_output: bool) -> int:
    """Acknowledge what rig and ledger disagree about, up to a ledger row; returns the exit code."""
    known = run(lambda _: _acknowledge(url, ledger, row, person))
    if json_output:
        put_json({"rig": url, "acknowledged_by": person, "acknowledged": [found.as_dict() for found in known]})
        return 0
    for found in known:
        print(f"acknowledged by {person}: row {found.row}, {found.utc}: {found.what}")
    return 0


async def _acknowledge(url: str, ledger_path: Path, row: int, person: str) -> "list[OpenDisagreement]":
    from host.ledger import Ledger  # noqa: PLC0415
    from host.rig import Rig  # noqa: PLC0415

    async with await Ledger.open(ledger_path) as ledger, Rig.connect(url, ledger=ledger) as rig:
        return await rig.acknowledge_disagreements(row, person)


def _failure(verdict: Verdict) -> RigError | None:
    if verdict.verified:
        return None
    code = "head_differs" if verdict.findings[0].startswith("end:") else "tampered"
    return RigError(
        code,
        f"The ledger {verdict.path} is NOT verified; first finding: {verdict.findings[0]}.",
        "Keep the file as it is, and compare it with the last backup.",
    )


def _put_verdict(verdict: Verdict, failure: RigError | None) -> None:
    whole: dict[str, object] = {
        "path": verdict.path,
        "rows": verdict.rows,
        "head": verdict.head,
        "verified": verdict.verified,
        "end_checked": verdict.end_checked,
        "findings": verdict.findings,
    }
    if failure is not None:
        whole["error"] = {"code": failure.code, "what": failure.what, "todo": failure.todo}
    put_json(whole)


def _print_verdict(verdict: Verdict) -> None:
    for finding in verdict.findings:
        print(finding)
    print(f"{verdict.path}: {verdict.rows} rows, head {verdict.head}")
    if verdict.verified:
        print("verified: every row is as it was written and where it was written" if verdict.rows else "empty")
        if not verdict.end_checked:
            print(_END_NOT_CHECKED)


def _line(sequence: int, fields: dict[str, object]) -> str:
    known = [str(fields.get(name)) for name in ("utc", "kind", "dose_id", "outcome") if fields.get(name) is not None]
    volume = f" asked {fields['asked_nl']} nL" if "asked_nl" in fields else ""
    emitted = f" emitted {fields['emitted_nl']} nL" if "emitted_nl" in fields else ""
    text = "".join(f" {fields[name]}" for name in ("text", "what", "acknowledged_by") if name in fields)
    return f"{sequence:6}  {'  '.join(known)}{volume}{emitted}{text}"


def _missing(path: Path) -> RigError:
    return RigError("ledger_missing", f"There is no ledger {path}.", "Name it: rig ledger verify FILE")
