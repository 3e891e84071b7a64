"""The ``rig`` command. Each command loads what it needs when it runs, so that a stop is quick."""

import logging
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from host.cli_plugins import PluginGroup
from host.cli_run import ledger_path, port_url, reported

EXIT_CODES_HELP: Final = (
    "Exit codes: 0 done, 2 usage, 3 refused by a limit or interlock (or by a ledger that cannot record), "
    "4 rig unreachable, 6 outcome unknown, 7 ended differently from the request."
)

app = typer.Typer(
    name="rig",
    cls=PluginGroup,
    help=f"Doses, stops and watches a nanobot dispensing rig.\n\n{EXIT_CODES_HELP}",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
ledger_app = typer.Typer(
    help=f"Reads the ledger of doses.\n\n{EXIT_CODES_HELP}", no_args_is_help=True, pretty_exceptions_enable=False
)
app.add_typer(ledger_app, name="ledger")

Port = Annotated[
    str | None,
    typer.Option(
        "--port",
        "-p",
        metavar="URL",
        help="serial:///dev/ttyACM0?baud=921600, /dev/ttyACM0, tcp://host:port, ... "
        "Without it $NANORIG_PORT counts, else the only port there is.",
    ),
]
LedgerFile = Annotated[
    Path | None,
    typer.Option("--ledger", metavar="PATH", help="Without it $NANORIG_LEDGER counts, else the user's state folder."),
]
Json = Annotated[bool, typer.Option("--json", help="One JSON object on stdout, nothing else.")]


def _command(group: typer.Typer, name: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    return group.command(name, epilog=EXIT_CODES_HELP)


@_command(app, "status")
@reported
def status(port: Port = None, ledger: LedgerFile = None, json_output: Json = False) -> int:
    """Show state, inputs, ceilings and telemetry; ask about open doses."""
    from host import cli_acts  # noqa: PLC0415

    return cli_acts.status(port_url(port), ledger_path(ledger), json_output=json_output)


@_command(app, "dose")
@reported
def dose(
    ul: Annotated[str | None, typer.Option("--ul", metavar="NUMBER", help="Volume, uL.")] = None,
    nl: Annotated[str | None, typer.Option("--nl", metavar="NUMBER", help="Volume, nL.")] = None,
    ul_s: Annotated[str | None, typer.Option("--ul-s", metavar="NUMBER", help="Rate, uL/s.")] = None,
    nl_s: Annotated[str | None, typer.Option("--nl-s", metavar="NUMBER", help="Rate, nL/s.")] = None,
    channel: Annotated[str, typer.Option("--channel", "-c", help="agent, counter_agent or flush.")] = "flush",
    port: Port = None,
    ledger: LedgerFile = None,
    json_output: Json = False,
) -> int:
    """Give one dose and say what became of it. Ctrl-C stops the rig and waits for the truth."""
    from host import cli_dose  # noqa: PLC0415
    from host.requests import check_dose  # noqa: PLC0415

    volume, rate = cli_dose.volume_nl(ul, nl), cli_dose.rate_nl_s(ul_s, nl_s)
    check_dose(volume, rate, channel)
    return cli_dose.dose(port_url(port), ledger_path(ledger), volume, rate, channel, json_output=json_output)


@_command(app, "stop")
@reported
def stop(port: Port = None, ledger: LedgerFile = None, json_output: Json = False) -> int:
    """Stop at once, also while another program holds the port; repeats until the latched stop was seen."""
    from host import cli_acts  # noqa: PLC0415

    return cli_acts.stop(port, ledger_path(ledger), json_output=json_output)


@_command(app, "pause")
@reported
def pause(port: Port = None, json_output: Json = False) -> int:
    """Pause the running dose; flow stops at the end of the present grant."""
    from host import cli_acts  # noqa: PLC0415

    return cli_acts.pause(port_url(port), json_output=json_output)


@_command(app, "resume")
@reported
def resume(port: Port = None, ledger: LedgerFile = None, json_output: Json = False) -> int:
    """Resume the paused dose, with the foot switch, and follow it to its end."""
    from host import cli_dose  # noqa: PLC0415

    return cli_dose.resume(port_url(port), ledger_path(ledger), json_output=json_output)


@_command(app, "clear")
@reported
def clear(port: Port = None, json_output: Json = False) -> int:
    """Clear a latched stop, with the foot switch."""
    from host import cli_acts  # noqa: PLC0415

    return cli_acts.clear(port_url(port), json_output=json_output)


@_command(ledger_app, "verify")
@reported
def ledger_verify(
    file: Annotated[Path | None, typer.Argument(metavar="[FILE]", help="The ledger to check.")] = None,
    ledger: LedgerFile = None,
    expect_head: Annotated[str | None, typer.Option(metavar="HASH", help="Hash that the last row must have.")] = None,
    expect_rows: Annotated[int | None, typer.Option(min=0, metavar="N", help="Number of rows there must be.")] = None,
    json_output: Json = False,
) -> int:
    """Find any row that was changed, removed, inserted or moved; rows cut off at the end need a head kept elsewhere."""
    from host import cli_ledger  # noqa: PLC0415

    return cli_ledger.verify(file or ledger_path(ledger), expect_head, expect_rows, json_output=json_output)


@_command(ledger_app, "show")
@reported
def ledger_show(
    file: Annotated[Path | None, typer.Argument(metavar="[FILE]", help="The ledger to read.")] = None,
    ledger: LedgerFile = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, metavar="N", help="At most the last N rows.")] = 50,
    json_output: Json = False,
) -> int:
    """Show the last rows."""
    from host import cli_ledger  # noqa: PLC0415

    return cli_ledger.show(file or ledger_path(ledger), limit, json_output=json_output)


def main() -> None:
    """Run the command named on the command line and end with its exit code."""
    logging.basicConfig(format="rig: %(message)s", level=logging.WARNING, stream=sys.stderr)
    app()
