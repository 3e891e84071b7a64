"""The commands `rig ledger ...`: all read a ledger without holding it, but `acknowledge`, which writes a row."""

import errno
import sqlite3
import sys
import tempfile
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from host.cli_run import open_ledger, put_json, run, show_error
from host.errors import RigError, UsageError
from host.ledger_backup import back_up, backup_path, check_target, verified
from host.ledger_copy import replacing
from host.ledger_errors import translated
from host.ledger_export import write_csv, write_jsonl
from host.ledger_row import utc_text
from host.ledger_verify import Verdict, read_rows
from host.ledger_verify import verify as verify_file

if TYPE_CHECKING:
    from host.comparing import OpenDisagreement

_END_NOT_CHECKED: Final = (
    "Rows cut off at the end, or all rows written anew, cannot be found from the file alone: name the heads that a"
    " witness kept with --head HEADFILE, or rows and head that you noted with --expect-rows and --expect-head."
)


def verify(
    path: Path, head_file: Path | None, expect_head: str | None, expect_rows: int | None, *, json_output: bool
) -> int:
    """Check the ledger; returns the exit code."""
    if head_file is not None and not head_file.is_file():
        raise UsageError(f"There is no head file {head_file}.", "Name the file that the witness writes: --head FILE")
    with _reading(path):
        verdict = verify_file(path, expect_head=expect_head, expect_rows=expect_rows, head_file=head_file)
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
    with _reading(path):
        rows = deque(read_rows(path), maxlen=limit)
    if json_output:
        put_json({"path": str(path), "rows": [{"sequence": sequence, **fields} for sequence, fields in rows]})
        return 0
    for sequence, fields in rows:
        print(_line(sequence, fields))
    return 0


def backup(path: Path, to: Path | None, *, json_output: bool) -> int:
    """Copy the ledger to a new file and verify the copy; returns the exit code."""
    target = to or backup_path(path, utc_text(time.time_ns()))
    with _reading(path):
        verdict = back_up(path, target)
    if json_output:
        put_json({"path": str(path), "backup": str(target), "rows": verdict.rows, "head": verdict.head})
    else:
        print(f"{target}: {verdict.rows} rows, head {verdict.head}, verified")
        print("The key that signs heads is not in it: a ledger restored from it gets a new one, and a row says so.")
    return 0


def export(path: Path, form: str, to: Path | None, *, json_output: bool) -> int:
    """Write all rows of a ledger that verifies to stdout or to a new file; returns the exit code."""
    if json_output and to is None:
        raise UsageError("An export on stdout is not one JSON object.", "Name a file with --to.")
    write = write_csv if form == "csv" else write_jsonl
    with _reading(path):
        verified(path, path)
        if to is None:
            write(read_rows(path), sys.stdout)
            return 0
        check_target(to)
        with replacing(to) as part, part.open("w", encoding="utf-8", newline="") as file:
            rows = write(read_rows(path), file)
    if json_output:
        put_json({"path": str(path), "export": str(to), "format": form, "rows": rows})
    else:
        print(f"{to}: {rows} rows")
    return 0


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Make what goes wrong with a ledger that is read, or with the copy that is made for it, a clear error."""
    try:
        yield
    except FileNotFoundError:
        raise _missing(path) from None
    except BrokenPipeError:  # whoever read the rows has read enough
        raise
    except ValueError as error:
        raise RigError("tampered", f"A row of {path} cannot be read: {error}.", "See: rig ledger verify") from error
    except OSError as error:
        if error.errno not in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
            raise translated(error, path) from error
        raise RigError(
            "no_space",
            f"There is no room for a copy of the ledger {path}: {error.strerror}. The ledger is as it was.",
            f"Free some space in {tempfile.gettempdir()} and where the copy goes, or name another place in $TMPDIR.",
        ) from error
    except sqlite3.Error as error:
        raise translated(error, path) from error


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
    from host.rig import Rig  # noqa: PLC0415

    async with await open_ledger(ledger_path) as ledger, Rig.connect(url, ledger=ledger) as rig:
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
        "heads": verdict.heads,
        "heads_skipped": verdict.heads_skipped,
        "witnessed_rows": verdict.witnessed_rows,
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
    if verdict.heads:
        print(f"{verdict.heads} signed heads fit; the newest of them binds rows 1 to {verdict.witnessed_rows}")
        if verdict.verified and verdict.witnessed_rows < verdict.rows:
            print(f"rows cut off after row {verdict.rows} cannot be found: no head binds more than is here")
    if verdict.heads_skipped:
        print(f"{verdict.heads_skipped} lines of the head file are of another ledger or were cut short; not looked at")


def _line(sequence: int, fields: dict[str, object]) -> str:
    known = [str(fields.get(name)) for name in ("utc", "kind", "dose_id", "outcome") if fields.get(name) is not None]
    volume = f" asked {fields['asked_nl']} nL" if "asked_nl" in fields else ""
    emitted = f" emitted {fields['emitted_nl']} nL" if "emitted_nl" in fields else ""
    text = "".join(f" {fields[name]}" for name in ("text", "what", "acknowledged_by") if name in fields)
    return f"{sequence:6}  {'  '.join(known)}{volume}{emitted}{text}"


def _missing(path: Path) -> RigError:
    return RigError("ledger_missing", f"There is no ledger {path}.", "Name it: rig ledger verify FILE")
