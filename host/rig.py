"""The client that automation imports: ``async with Rig.connect(url) as rig: outcome = await rig.dose(...)``."""

import asyncio
import logging
import os
from collections.abc import Callable
from types import TracebackType
from typing import Final, Self

from host import orders
from host.core import LinkOptions, RigCore, make_order
from host.dosing import OrderRunner
from host.errors import RigError
from host.ledger import Ledger
from host.link.connection import Connection
from host.link.messages import Message
from host.link.reconnector import LinkNews, LinkState
from host.link.transport import OpenTransport
from host.link.urls import open_transport as open_url
from host.link.urls import rig_name
from host.recording import operator_name
from host.records import ORDER_LIFE_MS, DoseReport
from host.reports import DeviceIdentity, Outcome, Progress, Reading, StopReport
from host.requests import check_dose, told_dose, told_status
from host.stopping import CONFIRM_S, LatchWatch, repeat_stop, stop_shared
from host.watching import DoseWatch
from protocol import codes, messages, typed

_LOG = logging.getLogger(__name__)

# How long a cancelled dose waits for the truth after its stop was seen.
SETTLE_S: Final = 5.0


class Rig:
    """One rig: dose, stop, watch. Used from one asyncio loop, opened once.

    Args:
        open_transport: opens a fresh transport; called again after every lost link.
        ledger: where intents and outcomes become durable; None keeps nothing (for benches). Not closed here.
        name: the rig's name in the ledger.
        operator: who asks, for the ledger; the user's name when not given.
        random_octets: source of ids and nonces.
        options: waits of the link.
        confirm_s: how long a stop is repeated until its latch was seen.
        on_news: told every change of the link's state; must not raise and not block.
    """

    def __init__(
        self,
        open_transport: OpenTransport,
        ledger: Ledger | None = None,
        *,
        name: str = "rig",
        operator: str | None = None,
        random_octets: Callable[[int], bytes] = os.urandom,
        options: LinkOptions | None = None,
        confirm_s: float = CONFIRM_S,
        on_news: Callable[[LinkNews], None] | None = None,
    ) -> None:
        self.name = name
        self._confirm_s = confirm_s
        self._core = RigCore(
            open_transport,
            ledger,
            name=name,
            operator=operator if operator is not None else operator_name(),
            random_octets=random_octets,
            options=options or LinkOptions(),
            on_news=on_news,
        )

    @classmethod
    def connect(
        cls,
        url: str,
        *,
        ledger: Ledger | None = None,
        operator: str | None = None,
        on_news: Callable[[LinkNews], None] | None = None,
    ) -> Self:
        """Return the client for ``url``; ``async with`` connects it. Raises ``RigError`` for a URL without sense."""
        return cls(lambda: open_url(url), ledger, name=rig_name(url), operator=operator, on_news=on_news)

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def open(self) -> None:
        """Connect and reconcile open orders; raises ``RigError`` that tells what is wrong."""
        await self._core.open()

    async def close(self) -> None:
        """End link and orders; idempotent. A dose under way is not stopped here: the device pauses it within 1.5 s."""
        await self._core.close()

    @property
    def welcome(self) -> typed.Welcome | None:
        """Return the greeting of the device on the last connect."""
        return self._core.welcome

    @property
    def identity(self) -> DeviceIdentity | None:
        """Return what the device said of itself on the last connect."""
        return DeviceIdentity.from_welcome(self.welcome) if self.welcome is not None else None

    @property
    def link(self) -> LinkNews:
        """Return the state of the link and why it is not up."""
        return self._core.link

    @property
    def telemetry(self) -> Reading | None:
        """Return the last telemetry with its age; None when none came yet."""
        return self._core.telemetry

    @property
    def connection(self) -> Connection | None:
        """Return the present connection, for its statistics; None when there is none."""
        return self._core.connection

    def link_statistics(self) -> dict[str, int]:
        """Return counts of the present session and its round trip; empty when there is none."""
        connection = self._core.connection
        if connection is None:
            return {}
        link = connection.link
        return {
            "frames_in": link.frames_in,
            "bad_crc": link.bad_crc,
            "bad_frames": link.bad_frames,
            "gaps": link.gaps,
            "retransmissions": link.retransmissions,
            "round_trip_us": link.round_trip_us,
        }

    async def dose(
        self,
        volume_nl: int,
        rate_nl_s: int,
        channel: str = "flush",
        *,
        on_progress: Callable[[Progress], None] | None = None,
        max_pause_s: float | None = None,
    ) -> Outcome:
        """Give one dose and return how it ended; refused and unknown are outcomes too.

        Cancelling the call stops the rig, because nobody would watch the dose any more.

        Args:
            volume_nl: volume, nL.
            rate_nl_s: rate, nL/s.
            channel: agent, counter_agent or flush.
            on_progress: called with every news of the dose and twice a second.
            max_pause_s: a dose paused for longer is stopped; None waits for a person as long as it takes.

        Raises:
            RigError: a number out of bounds, no link, an intent that could not be recorded: nothing was sent.
        """
        number = check_dose(volume_nl, rate_nl_s, channel)
        core = self._core
        if core.recorder is not None:
            await core.recorder.check_unknown(number)
        if core.link.state is not LinkState.CONNECTED:
            raise core.link.error or RigError("not_connected", "There is no link with the rig.", "Connect first.")
        runner = core.run_order(orders.OrderMachine(make_order(core, volume_nl, rate_nl_s, number, ORDER_LIFE_MS)))
        runner.feed(orders.Begin())
        try:
            return await DoseWatch(core, runner, on_progress).until_end(self.stop, max_pause_s)
        except asyncio.CancelledError:
            await self._stop_unwatched(runner)
            raise

    async def follow(self, dose_id: bytes, *, on_progress: Callable[[Progress], None] | None = None) -> Outcome:
        """Return the outcome of a dose that is under way on the device, such as one that an earlier client ordered."""
        runner = self._core.runner_of(await self.get_dose(dose_id))
        return await DoseWatch(self._core, runner, on_progress).until_end(self.stop, None)

    async def stop(self, cause: int = codes.CAUSE_OPERATOR) -> StopReport:
        """Stop, again and again until the latched stop was seen. In any state, with or without a session.

        Raises ``RigError`` ``stop_not_confirmed`` when it was not seen in time: a person has to press the button.
        """
        core = self._core
        watch = LatchWatch(asyncio.get_running_loop())
        core.latches.add(watch)
        try:
            if core.link.state is LinkState.CLOSED:
                report = await stop_shared(self.name, cause, open_shared=core.open_transport, confirm_s=self._confirm_s)
            else:
                report = await repeat_stop(lambda: core.send_stop(cause), watch, confirm_s=self._confirm_s)
        except RigError as error:
            await self._record_stop(cause, None, error)
            raise
        finally:
            core.latches.discard(watch)
        await self._record_stop(cause, report, None)
        return report

    async def pause(self) -> DoseReport:
        """Pause the running dose; returns its state. Raises ``RigError`` when refused."""
        return told_dose(await self._core.request(messages.PAUSE, self._core.present_dose()), "the pause")

    async def resume(self) -> DoseReport:
        """Ask for the paused dose to go on; a person then presses the foot switch within 10 s."""
        return told_dose(await self._core.request(messages.RESUME, self._core.present_dose()), "to resume")

    async def clear(self) -> typed.Status:
        """Ask for the latched stop to be cleared; a person then presses the foot switch within 10 s."""
        return told_status(await self._core.request(messages.CLEAR), "to clear the stop")

    async def status(self) -> typed.Status:
        """Return the state of the device, asked for now."""
        return told_status(await self._core.request(messages.GET_STATUS), "its status")

    async def get_dose(self, dose_id: bytes) -> DoseReport:
        """Return what the device knows of a dose."""
        return told_dose(await self._core.request(messages.GET_DOSE, dose_id), "to tell of the dose")

    async def wait_for(self, predicate: Callable[[Message], bool]) -> Message:
        """Return the next message of the device that fulfils the predicate; bound the wait with ``asyncio.timeout``."""
        found: asyncio.Future[Message] = asyncio.get_running_loop().create_future()

        def look(message: Message) -> None:
            if not found.done() and predicate(message):
                found.set_result(message)

        self._core.listeners.add(look)
        try:
            return await found
        finally:
            self._core.listeners.discard(look)

    async def _stop_unwatched(self, runner: OrderRunner) -> None:
        try:
            await self.stop()
            await asyncio.wait([runner.outcome], timeout=SETTLE_S)
        except RigError as error:
            _LOG.error("%s", error)

    async def _record_stop(self, cause: int, report: StopReport | None, error: RigError | None) -> None:
        if self._core.recorder is not None:
            await self._core.recorder.stop(cause, report, error)
