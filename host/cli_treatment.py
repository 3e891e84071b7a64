"""`rig treatment`: shows the open treatment, and hands on what the clinic has signed."""

from pathlib import Path
from typing import Annotated

import typer

from host.cli_options import EXIT_CODES_HELP, Json, Port, command
from host.cli_run import port_url, reported

treatment_app = typer.Typer(
    help=f"Shows the open treatment; hands on what the clinic signed, in files.\n\n{EXIT_CODES_HELP}",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

File = Annotated[
    Path, typer.Argument(metavar="FILE", help="The message's body with its tag, as octets or hexadecimal digits.")
]


@command(treatment_app, "show")
@reported
def show(port: Port = None, json_output: Json = False) -> int:
    """Show the open treatment, its ceilings and what the patient received."""
    from host import cli_clinic  # noqa: PLC0415

    return cli_clinic.show(port_url(port), json_output=json_output)


@command(treatment_app, "open")
@reported
def open_(file: File, port: Port = None, json_output: Json = False) -> int:
    """Open a treatment, with the foot switch."""
    return _hand_on("open_treatment", file, port, json_output)


@command(treatment_app, "close")
@reported
def close(file: File, port: Port = None, json_output: Json = False) -> int:
    """Close the treatment, with the foot switch."""
    return _hand_on("close_treatment", file, port, json_output)


@command(treatment_app, "ceilings")
@reported
def ceilings(file: File, port: Port = None, json_output: Json = False) -> int:
    """Set the clinic's ceilings, with the foot switch."""
    return _hand_on("set_ceilings", file, port, json_output)


@command(treatment_app, "pressure-limit")
@reported
def pressure_limit(file: File, port: Port = None, json_output: Json = False) -> int:
    """Set the line pressure above which flow is stopped, with the foot switch."""
    return _hand_on("set_pressure_limit", file, port, json_output)


@command(treatment_app, "date")
@reported
def date(file: File, port: Port = None, json_output: Json = False) -> int:
    """Tell the rig the date, which it forgets when it is switched off."""
    return _hand_on("set_date", file, port, json_output)


@command(treatment_app, "clear")
@reported
def clear(file: File, port: Port = None, json_output: Json = False) -> int:
    """Clear what monitor, clinician or patient stopped or held, in a clinician's name and with the foot switch."""
    return _hand_on("clear_by_clinician", file, port, json_output)


def _hand_on(act: str, file: Path, port: str | None, json_output: bool) -> int:
    from host import cli_clinic  # noqa: PLC0415

    return cli_clinic.hand_on(port_url(port), act, file, json_output=json_output)
