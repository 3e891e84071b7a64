"""The commands `rig ledger ...`; what they do is in ``cli_ledger``, loaded when one runs."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from host.cli_options import EXIT_CODES_HELP, Json, LedgerFile, command
from host.cli_run import ledger_path, reported

ledger_app = typer.Typer(
    help=f"Reads the ledger of doses, also while a program holds it.\n\n{EXIT_CODES_HELP}",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
Named = Annotated[Path | None, typer.Argument(metavar="[FILE]", help="The ledger to read.")]


class ExportFormat(StrEnum):
    """What an export is written as."""

    CSV = "csv"
    JSONL = "jsonl"


@command(ledger_app, "verify")
@reported
def ledger_verify(
    file: Named = None,
    ledger: LedgerFile = None,
    head: Annotated[
        Path | None, typer.Option("--head", metavar="HEADFILE", help="Signed heads that a witness kept.")
    ] = None,
    expect_head: Annotated[str | None, typer.Option(metavar="HASH", help="Hash that the last row must have.")] = None,
    expect_rows: Annotated[int | None, typer.Option(min=0, metavar="N", help="Number of rows there must be.")] = None,
    json_output: Json = False,
) -> int:
    """Find any row that was changed, removed, inserted or moved; rows cut off at the end need --head."""
    from host import cli_ledger  # noqa: PLC0415

    return cli_ledger.verify(file or ledger_path(ledger), head, expect_head, expect_rows, json_output=json_output)


@command(ledger_app, "show")
@reported
def ledger_show(
    file: Named = None,
    ledger: LedgerFile = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, metavar="N", help="At most the last N rows.")] = 50,
    json_output: Json = False,
) -> int:
    """Show the last rows."""
    from host import cli_ledger  # noqa: PLC0415

    return cli_ledger.show(file or ledger_path(ledger), limit, json_output=json_output)


@command(ledger_app, "backup")
@reported
def ledger_backup(
    file: Named = None,
    to: Annotated[
        Path | None,
        typer.Option("--to", metavar="PATH", help="A new file; without it beside the ledger, with the time."),
    ] = None,
    ledger: LedgerFile = None,
    json_output: Json = False,
) -> int:
    """Copy the ledger as it is now, also while a dose runs, and verify the copy. The signing key is not in it."""
    from host import cli_ledger  # noqa: PLC0415

    return cli_ledger.backup(file or ledger_path(ledger), to, json_output=json_output)


@command(ledger_app, "export")
@reported
def ledger_export(
    file: Named = None,
    form: Annotated[ExportFormat, typer.Option("--format", help="One row a line.")] = ExportFormat.CSV,
    to: Annotated[
        Path | None, typer.Option("--to", metavar="PATH", help="A new file; without it the rows go to stdout.")
    ] = None,
    ledger: LedgerFile = None,
    json_output: Json = False,
) -> int:
    """Write all rows of a ledger that verifies as CSV (volumes in nL, see the column names) or JSON lines."""
    from host import cli_ledger  # noqa: PLC0415

    return cli_ledger.export(file or ledger_path(ledger), form.value, to, json_output=json_output)
