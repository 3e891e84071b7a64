"""What programs ask of a rig, from "accepted" to the one end of it, kept in the rig's ledger.

A command is accepted when its row is durable; its end is a second row. What the service did not live to see end is
ended at the next start, by what the ledger and the rig tell, or as unknown. Nothing is done a second time.

A rescue alone is accepted without a row: no disk stands between a patient and the counter-agent. It is written down
when the ledger can be written again.
"""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

from host.errors import RigError
from host.ledger import Ledger
from host.service.views import error_object

_LOG = logging.getLogger(__name__)

KEPT_COMMANDS: Final = 1000
"""Of so many commands of a rig key and end are known; a key that is older may be used anew."""

MAX_OPEN: Final = 32
"""So many commands of a rig may be under way: a rig does one thing at a time, and a person has 10 s for each."""

MAX_KEY: Final = 64

DOSE: Final = "dose"

RESCUE_WAIT_S: Final = 1.0
"""So long a rescue waits for its row to be on the disk."""

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
    recorded: bool = True

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
            "recorded": self.recorded,
            "state": state,
            "end": self.end,
        }

    @property
    def urgent(self) -> bool:
        """Return whether it is a rescue, which waits for no ledger."""
        return self.what == DOSE and self.arguments.get("kind") == "rescue"


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
    """The commands of one rig, on its ledger once there is one. Used from one loop.

    Args:
        rig: its name.
        tell: called with every command that was accepted or has ended.
        utc: tells the time of a command that no ledger has.
    """

    def __init__(self, rig: str, tell: Callable[[Command], None], utc: Callable[[], str]) -> None:
        self._rig = rig
        self._tell = tell
        self._utc = utc
        self._ledger: Ledger | None = None
        self._commands: OrderedDict[str, Command] = OrderedDict()
        self._by_key: dict[str, str] = {}
        self._writing: dict[str, asyncio.Future[Command]] = {}
        self._one_at_a_time = asyncio.Lock()

    @property
    def open(self) -> bool:
        """Return whether the commands of earlier runs are known, and new ones become durable."""
        return self._ledger is not None

    async def load(self, ledger: Ledger) -> list[Command]:
        """Take the commands of earlier runs from the ledger; return those that have no end.

        What was accepted without a ledger before is written down, as far as it goes.
        """
        without = [command for command in self._commands.values() if not command.recorded]
        self._commands.clear()
        self._by_key.clear()
        for row in await ledger.commands(2 * KEPT_COMMANDS):
            fields = row.fields
            if fields["kind"] == "command":
                self._keep(_command(fields))
            elif fields["command"] in self._commands:
                self._keep(replace(self._commands[fields["command"]], end=fields["end"]))
        left = [command for command in self._commands.values() if command.end is None]
        self._ledger = ledger
        for command in without:
            self._keep(command)
        await self.write_missing()
        return left

    async def write_missing(self) -> None:
        """Write down what was accepted without a row, as far as it goes."""
        for command in [known for known in self._commands.values() if not known.recorded]:
            try:
                await self._write_rescue(command)
            except RigError as error:
                _LOG.error("rescue %s of rig %s is not in the ledger: %s", command.id, self._rig, error)
                return

    def close(self) -> None:
        """Let go of the ledger; what is known stays to be seen."""
        self._ledger = None

    def get(self, command_id: str) -> Command | None:
        """Return a command, None when there is none of this id among those kept."""
        return self._commands.get(command_id)

    def recent(self, limit: int) -> list[Command]:
        """Return the last commands, newest first."""
        return list(reversed(self._commands.values()))[:limit]

    async def accept(self, command: Command) -> tuple[Command, bool]:
        """Make a command durable; return it, and True. An earlier one of the same key is returned with False.

        Raises ``RigError``: ``key_reused`` for a key of another command, ``too_many`` when as many are under way as may
        be, and what keeps the ledger from writing: then nothing was accepted. A rescue is accepted all the same.
        """
        if command.urgent:
            return await self._accept_rescue(command)
        async with self._one_at_a_time:
            earlier = self.earlier(command)
            if earlier is not None:
                return earlier, False
            self._check_room(urgent=False)
            accepted = await self._write(command)
            self._keep(accepted)
        self._tell(accepted)
        return accepted, True

    async def _accept_rescue(self, command: Command) -> tuple[Command, bool]:
        """Accept behind nothing that is under way here; without a row where the ledger cannot write one in time."""
        earlier = self.earlier(command)
        if earlier is not None:
            return earlier, False
        self._check_room(urgent=True)
        # Known from here on, so that the same key starts no second one while the row is written.
        self._keep(replace(command, utc=self._utc(), recorded=False))
        writing = asyncio.ensure_future(self._write(command))
        self._writing[command.id] = writing
        writing.add_done_callback(lambda _: self._written(command.id))
        await asyncio.wait([writing], timeout=RESCUE_WAIT_S)
        accepted = self._commands[command.id]
        if not accepted.recorded:
            _LOG.error("rescue %s of rig %s is accepted without a row in the ledger", command.id, self._rig)
        self._tell(accepted)
        return accepted, True

    def _written(self, command_id: str) -> None:
        """Note that the row of a rescue is on the disk, if it is."""
        writing = self._writing.pop(command_id)
        if not writing.cancelled() and writing.exception() is None:
            row = writing.result()
            self._keep(replace(self._commands.get(command_id, row), utc=row.utc, recorded=True))

    def _check_room(self, *, urgent: bool) -> None:
        under_way = sum(known.end is None and known.urgent is urgent for known in self._commands.values())
        if under_way >= MAX_OPEN:
            raise RigError(
                "too_many", f"{MAX_OPEN} commands to rig {self._rig} are under way.", "Wait until one has ended."
            )

    async def _write(self, command: Command) -> Command:
        row = await self._open().append("command", _fields(command))
        return replace(command, utc=row.fields["utc"], recorded=True)

    async def end(self, command: Command, end: dict[str, Any]) -> None:
        """Write the one end of a command. A ledger that cannot is no reason to withhold it: it is told all the same."""
        known = self._commands.get(command.id, command)
        ended = replace(known, end=end)
        if known.urgent:
            # Told before it is written: who waits for a rescue does not wait for a disk.
            self._keep(ended)
            self._tell(ended)
            await self._write_rescue(ended)
            return
        try:
            await self._write_end(ended)
        finally:
            self._keep(ended)
            self._tell(ended)

    async def _write_rescue(self, command: Command) -> None:
        """Write what the ledger lacks of a rescue: the command, its end, or both."""
        if command.id in self._writing:
            await asyncio.wait([self._writing[command.id]])
        if self._ledger is None:
            return
        if self._commands[command.id].recorded:
            if command.end is not None:
                await self._write_end(command)
            return
        rows = [("command", _fields(command))]
        if command.end is not None:
            rows.append(("command_end", _end_fields(command)))
        await self._open().append_all(rows)
        self._keep(replace(self._commands[command.id], recorded=True))

    async def _write_end(self, command: Command) -> None:
        await self._open().append("command_end", _end_fields(command))

    def _open(self) -> Ledger:
        if self._ledger is None:
            raise no_ledger(self._rig)
        return self._ledger

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


def no_ledger(name: str) -> RigError:
    """Return the error for a rig whose ledger is not open yet."""
    return RigError("ledger_closed", f"The ledger of rig {name} is not open yet.", "Wait a moment.")


def _end_fields(command: Command) -> dict[str, Any]:
    return {"rig": command.rig, "command": command.id, "end": command.end}


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
