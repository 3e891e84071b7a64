"""One rig of the service under its own task: its ledger, its client, its commands. What fails here reaches no other.

A ledger that cannot be opened and a rig that cannot be reached are tried again for ever; a stop works in both states.
"""

import asyncio
import logging
import os
import random
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

from host.errors import RigError
from host.ledger import Ledger
from host.link.messages import Message
from host.link.reconnector import DEFAULT_BACK_OFF, BackOff, LinkNews, LinkState
from host.link.transport import OpenTransport
from host.records import name_of
from host.reports import Reading, StopReport
from host.rig import Rig
from host.service import views
from host.service.commands import Command, CommandBook, no_ledger
from host.service.desk import ID_OCTETS, CommandDesk, Work
from host.service.hub import EventHub
from host.service.opening import LedgerOpener
from host.state_objects import alarms_object
from protocol import typed

_LOG = logging.getLogger(__name__)

LEDGER_S: Final = 1.0
"""How long a rig waits for its ledger before it is connected without."""

MISSING_S: Final = 5.0
"""So often the rows of a rescue are tried again that left without them."""

PAUSE_S: Final = 1.0
"""How long the service waits on its way out for a rig to pause a dose."""


class RigSupervisor:
    """Keeps one rig in service. ``run`` never ends by itself and never raises but to be cancelled.

    Args:
        name: of the rig.
        opener: opens its ledger.
        open_transport: opens its port anew.
        hub: told what happens.
        on_telemetry: called with all telemetry.
        back_off: waits between attempts at ledger and port.
    """

    def __init__(
        self,
        name: str,
        opener: LedgerOpener,
        open_transport: OpenTransport,
        hub: EventHub,
        *,
        on_telemetry: Callable[[typed.Telemetry], None] | None = None,
        back_off: BackOff = DEFAULT_BACK_OFF,
    ) -> None:
        self.name = name
        self.ledger: Ledger | None = None
        self.problem: RigError | None = None
        self._opener = opener
        self._open_transport = open_transport
        self._hub = hub
        self._on_telemetry = on_telemetry
        self._back_off = back_off
        self._rig: Rig | None = None
        self._desk = CommandDesk(name, hub.utc, self._tell_command, self._trouble)
        self._opened = asyncio.Event()
        self._connected = asyncio.Event()
        self._link_told: tuple[object, ...] = ()
        self._alarms: tuple[int, ...] = ()

    # What others see.

    @property
    def book(self) -> CommandBook:
        """Return the commands of the rig, as far as they are known."""
        return self._desk.book

    @property
    def link(self) -> LinkNews:
        """Return the state of the link."""
        return self._rig.link if self._rig is not None else LinkNews(LinkState.CLOSED, self.problem)

    def view(self) -> dict[str, Any]:
        """Return the rig's state for programs; what is old can never be read as ready."""
        return views.rig_object(self.name, self._rig, self.link, self.problem if self.ledger is None else None)

    # What others ask.

    def present_rig(self) -> Rig:
        """Return the connected client. Raises ``RigError``."""
        rig = self._rig
        if rig is None or rig.link.state is not LinkState.CONNECTED:
            error = self.link.error
            raise error or RigError(
                "not_connected", f"There is no link with rig {self.name}.", "Wait for the connection; see its state."
            )
        return rig

    async def stop(self, cause: int, operator: str) -> StopReport:
        """Stop the rig, connected or not, past everything that is under way. Raises ``stop_not_confirmed``."""
        try:
            report = await self._stop_in_any_state(cause, operator)
        except RigError as error:
            self._hub.publish("stop", self.name, {"confirmed": False, "error": views.error_object(error)})
            raise
        self._hub.publish("stop", self.name, {"confirmed": True, "operator": operator, "report": report.as_dict()})
        return report

    async def _stop_in_any_state(self, cause: int, operator: str) -> StopReport:
        rig = self._rig
        if rig is None or rig.link.state is LinkState.CLOSED:
            # The service begins just now, or ends: its client will have the port, or has given it back.
            with suppress(TimeoutError):
                async with asyncio.timeout(2 * LEDGER_S):
                    await self._opened.wait()
            rig = self._rig or Rig(self._open_transport, name=self.name, operator=operator)
        return await rig.stop(cause, operator=operator)

    async def begin(
        self,
        what: str,
        arguments: dict[str, Any],
        work: Work,
        *,
        operator: str,
        key: str | None = None,
        dose_id: bytes | None = None,
    ) -> Command:
        """Accept a command durably, and carry it out in a task of its own. Raises ``RigError``: none was accepted.

        One that was accepted before under the same key is returned as it is, whatever state the rig is in. A rescue
        is accepted without a ledger, too.
        """
        command = Command(
            id=os.urandom(ID_OCTETS).hex(),
            rig=self.name,
            what=what,
            arguments=arguments,
            operator=operator,
            key=key,
            dose_id=dose_id.hex() if dose_id is not None else None,
        )
        if not self.book.open and not command.urgent:
            raise self.problem or no_ledger(self.name)
        return await self._desk.begin(command, self.present_rig, work)

    async def until_ended(self, command_id: str, seconds: float | None = None) -> None:
        """Wait until a command has ended, for so long at most; not at all for one that is not known."""
        await self._desk.until_ended(command_id, seconds)

    def command(self, command_id: str) -> Command:
        """Return a command. Raises ``RigError``: there is none of this id, or without the ledger none is known."""
        found = self.book.get(command_id)
        if found is None and not self.book.open:
            raise self.problem or no_ledger(self.name)
        if found is None:
            raise RigError("not_found", f"There is no command {command_id!r}.", "The rig's commands are listed.")
        return found

    def new_dose_id(self, kind: str = "dose", key: str | None = None) -> bytes:
        """Return an id for a dose; of a rescue that is asked for again with its key, the same one."""
        return self._desk.dose_id(kind, key)

    def tell_person(self, text: str) -> None:
        """Tell who watches what a person at the rig has to do now."""
        self._hub.publish("person_awaited", self.name, {"todo": text})

    # What it does by itself.

    async def run(self) -> None:
        """Keep ledger and link until cancelled; a defect is logged, and everything begins anew."""
        attempt = 0
        try:
            while True:
                try:
                    await self._serve()
                except RigError as error:
                    self._trouble(error)
                    await self._close()
                except Exception as error:  # noqa: BLE001  a defect here must not take the service from the other rigs
                    _LOG.exception("rig %s begins anew", self.name)
                    self._trouble(RigError("internal", f"A defect ended the supervisor: {error!r}.", "Report it."))
                    await self._close()
                await self._pause(attempt)
                attempt += 1
        finally:
            await self._close()

    async def _serve(self) -> None:
        """Serve the rig for ever. It is connected, and can be stopped, though there is no ledger yet."""
        rig = Rig(self._open_transport, name=self.name, operator="service", on_news=self._tell_link)
        self._rig = rig
        opening = asyncio.create_task(self._open_ledger(), name=f"ledger of rig {self.name}")
        try:
            with rig.listening(self._heard):
                await asyncio.wait([opening], timeout=LEDGER_S)
                if not opening.done():
                    await self._open_rig(rig)
                    await opening
                await self._serve_with_ledger(rig, opening.result())
        finally:
            opening.cancel()
            await asyncio.gather(opening, return_exceptions=True)

    async def _serve_with_ledger(self, rig: Rig, ledger: Ledger) -> None:
        while rig.dosing:
            await self._pause(0)
        self._connected.clear()
        rig.attach(ledger)
        if rig.link.state is LinkState.CLOSED:
            await self._open_rig(rig)
        left = await self._desk.load(ledger)
        await self._connected.wait()
        for command in left:
            self._desk.settle(command, rig)
        while True:
            await asyncio.sleep(MISSING_S)
            await self.book.write_missing()

    async def _open_rig(self, rig: Rig) -> None:
        await rig.open(wait=False)
        self._opened.set()

    async def _open_ledger(self) -> Ledger:
        attempt = 0
        while self.ledger is None:
            try:
                self.ledger = await self._opener.open()
            except RigError as error:
                self._trouble(error)
                await self._pause(attempt)
                attempt += 1
        self.problem = None
        return self.ledger

    def _trouble(self, error: RigError) -> None:
        if self.problem is None or (self.problem.code, self.problem.what) != (error.code, error.what):
            _LOG.warning("rig %s: %s", self.name, error)
            self._hub.publish("trouble", self.name, {"error": views.error_object(error)})
        self.problem = error

    async def _pause(self, attempt: int) -> None:
        await asyncio.sleep(self._back_off.delay_s(attempt, random.random()))

    async def _close(self) -> None:
        """Leave the rig without flow and every order open in the ledger: the next start asks what became of it."""
        self._desk.closing()
        self._opened.clear()
        self._connected.clear()
        rig, self._rig = self._rig, None
        if rig is not None:
            await self._pause_dose(rig)
            await rig.close()
        await self._desk.close()
        ledger, self.ledger = self.ledger, None
        if ledger is not None:
            await ledger.close()

    async def _pause_dose(self, rig: Rig) -> None:
        """End flow now; the device would pause by itself, but 1.5 s later."""
        if rig.dosing and rig.link.state is LinkState.CONNECTED:
            with suppress(RigError, TimeoutError):
                async with asyncio.timeout(PAUSE_S):
                    await rig.pause()

    # What is told.

    def _tell_link(self, news: LinkNews) -> None:
        """Tell every change that is one for a person: not each attempt that fails like the one before it."""
        if news.state is LinkState.CONNECTED:
            self._connected.set()
        if news.state is LinkState.CONNECTING:
            return
        told = (news.state, (news.error.code, news.error.what) if news.error is not None else None)
        if told != self._link_told:
            self._link_told = told
            self._hub.publish("link", self.name, views.link_object(news))

    def _tell_command(self, command: Command) -> None:
        self._hub.publish("command", self.name, command.as_dict())

    def _heard(self, message: Message) -> None:
        match message:
            case typed.Telemetry():
                if self._on_telemetry is not None:
                    self._on_telemetry(message)
                self._hub.reading("telemetry", self.name, views.telemetry_event(message))
            case typed.DoseState():
                self._hub.publish("dose", self.name, views.dose_event(message))
            case typed.Stopped():
                self._hub.publish("stopped", self.name, {"cause": name_of("cause", message.cause)})
            case typed.Alarms():
                self._heard_alarms(message)

    def _heard_alarms(self, message: typed.Alarms) -> None:
        """Tell alarms when they change; they come every second."""
        told = (message.present, message.latched, message.acknowledged, message.highest, message.priority)
        if told != self._alarms:
            self._alarms = told
            self._hub.publish("alarms", self.name, alarms_object(Reading(message, 0.0)))
