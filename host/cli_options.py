"""Options that commands share, and the exit codes that every help text names."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Final

import typer

EXIT_CODES_HELP: Final = (
    "Exit codes: 0 done, 2 usage, 3 refused by a limit or interlock (or by a ledger that cannot record), "
    "4 rig unreachable, 6 outcome unknown, 7 ended differently from the request."
)

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
Ul = Annotated[str | None, typer.Option("--ul", metavar="NUMBER", help="Volume, uL.")]
Nl = Annotated[str | None, typer.Option("--nl", metavar="NUMBER", help="Volume, nL.")]
UlS = Annotated[str | None, typer.Option("--ul-s", metavar="NUMBER", help="Rate, uL/s.")]
NlS = Annotated[str | None, typer.Option("--nl-s", metavar="NUMBER", help="Rate, nL/s.")]
Lot = Annotated[
    str | None, typer.Option(metavar="HEX", help="Lot of the cartridge; without it that of the good one in place.")
]


def command(group: typer.Typer, name: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return the decorator that makes a function the command ``name`` of a group, with the exit codes in its help."""
    return group.command(name, epilog=EXIT_CODES_HELP)
