"""Commands of other distributions, by entry points. One that is broken says so itself and harms no other."""

import sys
from collections.abc import Sequence
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Final

import typer
from typer.core import TyperGroup

from host.cli_run import reported, show_error
from host.errors import EXIT_USAGE, RigError, UsageError

ENTRY_POINT_GROUP: Final = "nanorig.commands"
# The base of all usage errors; typer keeps it under different names from version to version.
_CommandProblem: Final[Any] = typer.BadParameter.__mro__[2]


class PluginGroup(TyperGroup):
    """The built-in commands, then those of plug-ins, which are loaded only when asked for."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Return all names; built-in ones first."""
        own = super().list_commands(ctx)
        return own + sorted({point.name for point in _points()} - set(own))

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return the command; a plug-in can not take the place of a built-in one."""
        own = super().get_command(ctx, cmd_name)
        if own is not None:
            return own
        for point in _points():
            if point.name == cmd_name:
                return _loaded(point)
        return None

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> Any:
        """Run; usage errors too are one JSON object where --json was given."""
        arguments = list(sys.argv[1:] if args is None else args)
        try:
            code = super().main(arguments, prog_name, complete_var, False, windows_expand_args, **extra)
        except _CommandProblem as problem:
            if not standalone_mode:
                raise
            code = _show_problem(problem, json_output="--json" in arguments)
        except typer.Abort:
            code = RigError("interrupted", "Interrupted.", "").exit_code
        if not standalone_mode:
            return code
        sys.exit(code if isinstance(code, int) else 0)


def _show_problem(problem: Any, *, json_output: bool) -> int:
    if json_output:
        show_error(UsageError(problem.format_message(), "See --help."), json_output=True)
    else:
        problem.show()
    return EXIT_USAGE


def _points() -> list[EntryPoint]:
    return list(entry_points(group=ENTRY_POINT_GROUP))


def _loaded(point: EntryPoint) -> Any:
    try:
        return _as_command(point.name, point.load())
    except Exception as error:  # noqa: BLE001  whatever a plug-in does, the other commands stay
        return _as_command(point.name, _broken(point.name, error))


def _as_command(name: str, plugin: Any) -> Any:
    if isinstance(plugin, typer.Typer):
        command = typer.main.get_command(plugin)
    else:
        single = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
        single.command(name)(plugin)
        command = typer.main.get_command(single)
    command.name = name
    return command


def _broken(name: str, error: Exception) -> Any:
    def broken(json_output: bool = typer.Option(False, "--json", help="One JSON object.")) -> None:  # noqa: ARG001
        raise RigError("plugin", f"The command {name!r} cannot be loaded: {error!r}.", "Install or mend its package.")

    broken.__doc__ = f"(cannot be loaded: {type(error).__name__})"
    return reported(broken)
