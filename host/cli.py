"""The ``rig`` command. Each command loads what it needs when it runs, so that a stop is quick."""

import logging
import sys
from pathlib import Path
from typing import Annotated

import typer

from host.cli_calibration import calibration_app
from host.cli_doses import add_dose_commands
from host.cli_ledger_app import ledger_app
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


@command(app, "serve")
@reported
def serve(
    config: Annotated[Path, typer.Option("--config", "-c", metavar="FILE", help="Which rigs, and where: rig.toml.")],
    json_output: Json = False,
) -> int:
    """Serve many rigs to programs until Ctrl-C; a rig that doses is paused on the way out."""
    from host import serve as service  # noqa: PLC0415

    return service.serve(config, json_output=json_output)


@command(ledger_app, "acknowledge")
@reported
def ledger_acknowledge(
    row: Annotated[int, typer.Argument(min=1, metavar="ROW", help="Ledger row of the newest one that you know.")],
    person: Annotated[str, typer.Option("--person", metavar="NAME", help="Who has found out what was given.")],
    port: Port = None,
    ledger: LedgerFile = None,
    json_output: Json = False,
) -> int:
    """Let agent flow again although rig and ledger disagree, in a person's name; `rig status` tells what disagrees."""
    from host import cli_ledger  # noqa: PLC0415

    return cli_ledger.acknowledge(port_url(port), ledger_path(ledger), row, person, json_output=json_output)


def main() -> None:
    """Run the command named on the command line and end with its exit code."""
    logging.basicConfig(format="rig: %(message)s", level=logging.WARNING, stream=sys.stderr)
    app()
