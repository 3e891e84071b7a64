"""Takes the commands of one rig, carries out each in a task of its own, and gives each its one end."""

import asyncio
import hashlib
import logging
import os
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Final

from host import ledger_queries
from host.errors import RigError
from host.ledger import Ledger
from host.rig import Rig
from host.service import commands, views
from host.service.commands import Command, CommandBook

_LOG = logging.getLogger(__name__)

ID_OCTETS: Final = 8
_DOSE_ID_LINE: Final = "nanorig rescue 1"

Work = Callable[[Rig], Awaitable[dict[str, Any]]]


class CommandDesk:
    """The commands of one rig. Used from one loop.

    Args:
        name: of the rig.
        utc: tells the time.
        tell: called with every command that was accepted or has ended.
        trouble: called with what keeps an end from being written.
    """

    def __init__(
        self,
        name: str,
        utc: Callable[[], str],
        tell: Callable[[Command], None],
        trouble: Callable[[RigError], None],
    ) -> None:
        self.book = CommandBook(name, self._told, utc)
        self._name = name
        self._tell = tell
        self._trouble = trouble
        self._ledger: Ledger | None = None
        self._closing = False
        self._news = asyncio.Event()
        self._running: dict[str, asyncio.Task[None]] = {}

    def dose_id(self, kind: str, key: str | None) -> bytes:
        """Return the id of a dose that is ordered: drawn; of a rescue with a key, made of the key.

        A rescue is accepted without a ledger, too, and then nothing here remembers its key after a crash. The rig runs
        an id once, so the same key asked again gives no second one.
        """
        if kind != "rescue" or key is None:
            return os.urandom(ID_OCTETS)
        return hashlib.sha256(f"{_DOSE_ID_LINE}\n{self._name}\n{key}".encode()).digest()[:ID_OCTETS]

    async def load(self, ledger: Ledger) -> list[Command]:
        """Take the commands of earlier runs from the ledger; return those that have no end."""
        left = await self.book.load(ledger)
        self._ledger = ledger
        return left

    async def begin(self, command: Command, client: Callable[[], Rig], work: Work) -> Command:
        """Accept a command durably, and carry it out in a task of its own. Raises ``RigError``: none was accepted.

        One that was accepted before under the same key is returned as it is, whatever state the rig is in.
        """
        earlier = self.book.earlier(command)
        if earlier is not None:
            return earlier
        rig = client()
        accepted, new = await self.book.accept(command)
        if new:
            self._spawn(accepted, self._carry_out(accepted, rig, work))
        return accepted

    async def until_ended(self, command_id: str, seconds: float | None = None) -> None:
        """Wait until a command has ended, for so long at most; not at all for one that is not known."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self._is_open(command_id):
                    await self._news.wait()

    def settle(self, command: Command, rig: Rig) -> None:
        """Have a command of an earlier run ended: a dose by what became of it, everything else as unknown."""
        self._spawn(command, self._settle(command, rig))

    def closing(self) -> None:
        """Give no more ends: what is under way stays open in the ledger, and the next start asks what became of it."""
        self._closing = True

    async def close(self) -> None:
        """End what is under way; it may begin anew with another ``load``."""
        self.closing()
        tasks = list(self._running.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._ledger = None
        self.book.close()
        self._wake()
        self._closing = False

    def _is_open(self, command_id: str) -> bool:
        command = self.book.get(command_id)
        return command is not None and command.end is None

    def _spawn(self, command: Command, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._running[command.id] = task
        task.add_done_callback(lambda _: self._running.pop(command.id, None))

    async def _carry_out(self, command: Command, rig: Rig, work: Work) -> None:
        try:
            end = await work(rig)
        except RigError as error:
            end = commands.ended_by(error)
            if end["outcome"] == "unknown" and await self._never_left(command):
                end = {**end, "outcome": "not_sent"}
        except Exception as error:  # noqa: BLE001  who waits for the end must hear of a defect too
            _LOG.exception("command %s", command.id)
            end = commands.ended_by(RigError("internal", f"A defect ended the command: {error!r}.", "Report it."))
        await self._end(command, end)

    async def _never_left(self, command: Command) -> bool:
        """Whether the command is a dose whose intent was never written: then no frame of it has left.

        A rescue leaves without one.
        """
        if command.dose_id is None or command.urgent or self._ledger is None:
            return False
        dose_id = bytes.fromhex(command.dose_id)
        with suppress(RigError):
            return not await self._ledger.read(lambda database: ledger_queries.doses(database, [dose_id]))
        return False

    async def _end(self, command: Command, end: dict[str, Any]) -> None:
        if self._closing:
            return
        try:
            await self.book.end(command, end)
        except RigError as error:
            # The next start finds it open, and ends it by what ledger and rig tell.
            self._trouble(error)

    async def _settle(self, command: Command, rig: Rig) -> None:
        await self._end(command, await self._found_end(command, rig))

    async def _found_end(self, command: Command, rig: Rig) -> dict[str, Any]:
        if command.dose_id is None:
            return _unseen()
        try:
            return await self._dose_end(command, command.dose_id, rig)
        except RigError as error:
            _LOG.warning("what became of command %s could not be asked: %s", command.id, error)
            return _unseen()

    async def _dose_end(self, command: Command, dose_id: str, rig: Rig) -> dict[str, Any]:
        assert self._ledger is not None
        followed = rig.open_outcome(bytes.fromhex(dose_id))
        found = await self._ledger.outcome_of(dose_id)
        if found is None and followed is not None:
            await asyncio.wait([followed])
            found = await self._ledger.outcome_of(dose_id)
        if found is not None:
            return commands.dose_end(views.outcome_object(found))
        if followed is not None:
            return _unseen()
        if command.urgent:
            # It may have left without an intent; the rig knows, and nothing of an earlier session can still reach it.
            return commands.dose_end((await rig.follow(bytes.fromhex(dose_id))).as_dict())
        # Without an intent no frame of it has ever left.
        error = RigError("not_sent", "The service ended before the order left.", "Order again if it is still wanted.")
        return {"outcome": "not_sent", "result": None, "error": views.error_object(error)}

    def _told(self, command: Command) -> None:
        self._wake()
        self._tell(command)

    def _wake(self) -> None:
        """Let everybody look again who waits for the end of a command."""
        news, self._news = self._news, asyncio.Event()
        news.set()


def _unseen() -> dict[str, Any]:
    error = RigError("unknown", commands.ENDED_EARLIER, "Look at the state of the rig.")
    return {"outcome": "unknown", "result": None, "error": views.error_object(error)}
