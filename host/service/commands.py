"""What programs ask of a rig, from "accepted" to the one end of it, kept in the rig's ledger.

A command is accepted when its row is durable; its end is a second row. What the service did not live to see end is
ended at the next start, by what the ledger and the rig tell, or as unknown. Nothing is done a second time.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

from host.errors import RigError
from host.ledger import Ledger
from host.service.views import error_object

KEPT_COMMANDS: Final = 1000
"""Of so many commands of a rig key and end are known; a key that is older may be used anew."""

MAX_OPEN: Final = 32
"""So many commands of a rig may be under way: a rig does one thing at a time, and a person has 10 s for each."""

MAX_KEY: Final = 64

ENDED_EARLIER: Final = "The service ended before it saw what became of this."

# Errors after which a request may have been carried out all the same.
_IN_DOUBT: Final = frozenset(
    {
        "no_answer",
        "link_lost",
        "session_lost",
        "session_renewed",
        "unplugged",
        "silent",
        "closed",
        "internal",
        "write_stalled",
        "port_failed",
        "garbage",
    }
)


@dataclass(frozen=True, slots=True)
class Command:
    """One command. ``end`` is None while it is under way, else a result as ``Ended`` makes it."""

    id: str
    rig: str
    what: str
    arguments: dict[str, Any]
    operator: str
    key: str | None = None
    dose_id: str | None = None
    utc: str = ""
    end: dict[str, Any] | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return what programs are shown."""
        state = "ended" if self.end is not None else "accepted"
        return {
            "id": self.id,
            "rig": self.rig,
            "what": self.what,
            "arguments": self.arguments,
            "operator": self.operator,
            "dose_id": self.dose_id,
            "accepted_utc": self.utc,
            "state": state,
            "end": self.end,
        }


def done(result: dict[str, Any] | None) -> dict[str, Any]:
    """Return the end of a command that was carried out."""
    return {"outcome": "done", "result": result, "error": None}


def ended_by(error: RigError) -> dict[str, Any]:
    """Return the end that an error means: refused, not_sent, or unknown where it may have been carried out."""
    if error.code in _IN_DOUBT:
        outcome = "unknown"
    elif error.code in {"refused", "not_confirmed", "unknown_open"}:
        outcome = "refused"
    else:
        outcome = "not_sent"
    return {"outcome": outcome, "result": None, "error": error_object(error)}


def dose_end(outcome: dict[str, Any]) -> dict[str, Any]:
    """Return the end of a dose's command: its outcome as the ledger has it."""
    return {"outcome": str(outcome["outcome"]), "result": outcome, "error": None}


class CommandBook:
    """The commands of one rig, on its ledger. Used from one loop.

    Args:
        rig: its name.
        ledger: where commands and their ends become durable.
        tell: called with every command that was accepted or has ended.
    """

    def __init__(self, rig: str, ledger: Ledger, tell: Callable[[Command], None]) -> None:
        self._rig = rig
        self._ledger = ledger
        self._tell = tell
        self._commands: OrderedDict[str, Command] = OrderedDict()
        self._by_key: dict[str, str] = {}
        self._one_at_a_time = asyncio.Lock()

    async def load(self) -> list[Command]:
        """Take the commands of earlier runs from the ledger; return those that have no end."""
        for row in await self._ledger.commands(2 * KEPT_COMMANDS):
            fields = row.fields
            if fields["kind"] == "command":
                self._keep(_command(fields))
            elif fields["command"] in self._commands:
                self._keep(replace(self._commands[fields["command"]], end=fields["end"]))
        return [command for command in self._commands.values() if command.end is None]

    def get(self, command_id: str) -> Command | None:
        """Return a command, None when there is none of this id among those kept."""
        return self._commands.get(command_id)

    def recent(self, limit: int) -> list[Command]:
        """Return the last commands, newest first."""
        return list(reversed(self._commands.values()))[:limit]

    async def accept(self, command: Command) -> tuple[Command, bool]:
        """Make a command durable; return it, and True. An earlier one of the same key is returned with False.

        Raises ``RigError``: ``key_reused`` for a key of another command, ``too_many`` when as many are under way as may
        be, and what keeps the ledger from writing: then nothing was accepted.
        """
        async with self._one_at_a_time:
            earlier = self.earlier(command)
            if earlier is not None:
                return earlier, False
            if sum(known.end is None for known in self._commands.values()) >= MAX_OPEN:
                raise RigError(
                    "too_many", f"{MAX_OPEN} commands to rig {self._rig} are under way.", "Wait until one has ended."
                )
            row = await self._ledger.append("command", _fields(command))
            accepted = replace(command, utc=row.fields["utc"])
            self._keep(accepted)
        self._tell(accepted)
        return accepted, True

    async def end(self, command: Command, end: dict[str, Any]) -> Command:
        """Write the one end of a command. A ledger that cannot is no reason to withhold it: it is told all the same."""
        ended = replace(command, end=end)
        try:
            await self._ledger.append("command_end", {"rig": self._rig, "command": command.id, "end": end})
        finally:
            self._keep(ended)
            self._tell(ended)
        return ended

    def earlier(self, command: Command) -> Command | None:
        """Return the command that was accepted under the same key, None for none. Raises ``key_reused``."""
        if command.key is None or command.key not in self._by_key:
            return None
        known = self._commands[self._by_key[command.key]]
        if (known.what, known.arguments) != (command.what, command.arguments):
            raise RigError(
                "key_reused",
                f"The key {command.key!r} belongs to another command, {known.id}.",
                "Give every command a key of its own; repeat a key only with the very same command.",
            )
        return known

    def _keep(self, command: Command) -> None:
        self._commands[command.id] = command
        if command.key is not None:
            self._by_key[command.key] = command.id
        while len(self._commands) > KEPT_COMMANDS:
            oldest = next((known for known in self._commands.values() if known.end is not None), None)
            if oldest is None:
                break
            del self._commands[oldest.id]
            if oldest.key is not None and self._by_key.get(oldest.key) == oldest.id:
                del self._by_key[oldest.key]


def _fields(command: Command) -> dict[str, Any]:
    return {
        "rig": command.rig,
        "command": command.id,
        "what": command.what,
        "arguments": command.arguments,
        "operator": command.operator,
        "key": command.key,
        "dose_id": command.dose_id,
    }


def _command(fields: dict[str, Any]) -> Command:
    return Command(
        id=fields["command"],
        rig=fields["rig"],
        what=fields["what"],
        arguments=fields["arguments"],
        operator=fields["operator"],
        key=fields["key"],
        dose_id=fields["dose_id"],
        utc=fields["utc"],
    )
