"""The ``rig`` command. Each command loads what it needs when it runs, so that a stop is quick."""

import logging
import sys
from pathlib import Path
from typing import Annotated

import typer

from host.cli_calibration import calibration_app
from host.cli_doses import add_dose_commands
from host.cli_options import EXIT_CODES_HELP, Json, LedgerFile, Port, command
from host.cli_plugins import PluginGroup
from host.cli_run import ledger_path, port_url, reported
from host.cli_treatment import treatment_app
from host.cli_user import user_app

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
app.add_typer(treatment_app, name="treatment")
app.add_typer(calibration_app, name="calibration")
app.add_typer(user_app, name="user")
add_dose_commands(app)


@command(app, "status")
@reported
def status(port: Port = None, ledger: LedgerFile = None, json_output: Json = False) -> int:
    """Show state, alarms, treatment, cartridges, inputs and telemetry; ask about open doses."""
    from host import cli_acts  # noqa: PLC0415

    return cli_acts.status(port_url(port), ledger_path(ledger), json_output=json_output)


@command(app, "stop")
@reported
def stop(port: Port = None, ledger: LedgerFile = None, json_output: Json = False) -> int:
    """Stop at once, also while another program holds the port; repeats until the latched stop was seen."""
    from host import cli_acts  # noqa: PLC0415

    return cli_acts.stop(port, ledger_path(ledger), json_output=json_output)


@command(app, "pause")
@reported
def pause(port: Port = None, json_output: Json = False) -> int:
    """Pause the running dose; flow stops at the end of the present grant."""
    from host import cli_acts  # noqa: PLC0415

    return cli_acts.pause(port_url(port), json_output=json_output)


@command(app, "clear")
@reported
def clear(port: Port = None, json_output: Json = False) -> int:
    """Clear a latched stop, with the foot switch."""
    from host import cli_acts  # noqa: PLC0415

    return cli_acts.clear(port_url(port), json_output=json_output)


@command(app, "ack")
@reported
def ack(
    alarms: Annotated[list[str] | None, typer.Argument(metavar="[ALARM]...", help="Without it all that latch.")] = None,
    port: Port = None,
    json_output: Json = False,
) -> int:
    """Acknowledge alarms: one is over when its cause is gone, too."""
    from host import cli_acts  # noqa: PLC0415

    return cli_acts.acknowledge(port_url(port), alarms or [], json_output=json_output)


@command(app, "quiet")
@reported
def quiet(
    seconds: Annotated[int, typer.Argument(metavar="[SECONDS]", help="120 at most; 0 ends the pause.")] = 60,
    port: Port = None,
    json_output: Json = False,
) -> int:
    """Pause the sound of alarms; it comes back by itself, and at once when the link is lost."""
    from host import cli_acts  # noqa: PLC0415

    return cli_acts.pause_audio(port_url(port), seconds, json_output=json_output)


@command(app, "test-alarms")
@reported
def try_alarms(port: Port = None, json_output: Json = False) -> int:
    """Let light and sound be tried; whoever has seen and heard them presses the foot switch. Once after every start."""
    from host import cli_acts  # noqa: PLC0415

    return cli_acts.try_alarms(port_url(port), json_output=json_output)


@command(app, "resolve")
@reported
def resolve(
    dose_id: Annotated[str, typer.Argument(metavar="DOSE", help="Id of the unknown dose.")],
    person: Annotated[str, typer.Option("--person", metavar="NAME", help="Who closes it.")],
    port: Port = None,
    ledger: LedgerFile = None,
    json_output: Json = False,
) -> int:
    """Close an unknown dose in a person's name, with the foot switch; it stays counted as its upper end."""
    from host import cli_acts  # noqa: PLC0415

    return cli_acts.resolve(port_url(port), ledger_path(ledger), dose_id, person, json_output=json_output)


@command(ledger_app, "verify")
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


@command(ledger_app, "show")
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
