"""What every command shares: port and ledger, running with signals, one JSON object or one clear error."""

import asyncio
import functools
import json
import os
import signal
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, ParamSpec, TypeVar

import typer

from host.errors import RigError

if TYPE_CHECKING:
    from host.ledger import Ledger

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")

SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)
PORT_VARIABLE: Final = "NANORIG_PORT"


def reported(command: Callable[Parameters, int | None]) -> Callable[Parameters, None]:
    """Make a command's RigError one clear block, or one JSON object, and its number the exit code.

    The command takes ``json_output``; its return value is the exit code, none is 0.
    """

    @functools.wraps(command)
    def run(*args: Parameters.args, **kwargs: Parameters.kwargs) -> None:
        try:
            code = command(*args, **kwargs)
        except RigError as error:
            show_error(error, json_output=bool(kwargs.get("json_output")))
            code = error.exit_code
        if code:
            raise typer.Exit(code)

    return run


def show_error(error: RigError, *, json_output: bool) -> None:
    """Print what is wrong and what to do: for people on stderr, for programs as the one object on stdout."""
    if json_output:
        put_json({"error": {"code": error.code, "what": error.what, "todo": error.todo}})
        return
    typer.echo(f"rig: {error.what}", err=True)
    if error.todo:
        typer.echo(f"  to do: {error.todo}", err=True)


def put_json(value: Mapping[str, Any]) -> None:
    """Print the one JSON object of a command."""
    print(json.dumps(value), flush=True)


def say(text: str) -> None:
    """Tell a person something beside the result."""
    typer.echo(text, err=True)


def port_url(named: str | None) -> str:
    """Return the port to use: named, from the environment, or the only one that is there. Raises ``RigError``."""
    if named:
        return named
    if from_environment := os.environ.get(PORT_VARIABLE):
        return from_environment
    from host.link.serial_port import serial_ports  # noqa: PLC0415  only where no port was named

    ports = serial_ports()
    if not ports:
        raise RigError(
            "no_port",
            "No rig was named and no serial port was found.",
            f"Check cable and power, or name the port: --port /dev/ttyACM0 (or ${PORT_VARIABLE}).",
        )
    if len(ports) > 1:
        raise RigError(
            "many_ports", "There is more than one serial port.", f"Name the rig's with --port: {', '.join(ports)}."
        )
    return ports[0]


def ledger_path(named: Path | None) -> Path:
    """Return the ledger's file."""
    from host.places import default_ledger  # noqa: PLC0415

    return named or default_ledger()


async def open_ledger(path: Path) -> "Ledger":
    """Open the ledger for rows, with the head file of $NANORIG_HEADS as its witness. Raises ``RigError``."""
    from host.head_file import HeadFile  # noqa: PLC0415
    from host.ledger import Ledger  # noqa: PLC0415
    from host.places import default_heads  # noqa: PLC0415

    heads = default_heads()
    return await Ledger.open(path, witnesses=[HeadFile(heads)] if heads is not None else [])


class Interrupts:
    """What Ctrl-C and SIGTERM do while a command runs: ``action``, at first the end of the command."""

    def __init__(self, action: Callable[[], object]) -> None:
        self.action = action

    def install(self) -> None:
        """Take the signals from Python's own handling; the loop's end gives them back."""
        loop = asyncio.get_running_loop()
        for number in SIGNALS:
            # Not in the main thread, or a loop without signals: then Ctrl-C ends the program as usual.
            with suppress(NotImplementedError, RuntimeError, ValueError):
                loop.add_signal_handler(number, self._act)

    def _act(self) -> None:
        self.action()


def run(work: Callable[[Interrupts], Coroutine[Any, Any, Result]]) -> Result:
    """Run a command's coroutine. Raises ``RigError`` ``interrupted`` when a signal ended it."""
    try:
        return asyncio.run(_interruptible(work))
    except asyncio.CancelledError:
        raise RigError("interrupted", "Interrupted before the end.", "Look at the rig: rig status") from None


async def bounded(wait: Awaitable[object], seconds: float) -> bool:
    """Wait for something; tell whether it came in time."""
    try:
        async with asyncio.timeout(seconds):
            await wait
    except TimeoutError:
        return False
    return True


async def _interruptible(work: Callable[[Interrupts], Coroutine[Any, Any, Result]]) -> Result:
    task = asyncio.current_task()
    assert task is not None
    interrupts = Interrupts(task.cancel)
    interrupts.install()
    return await work(interrupts)
