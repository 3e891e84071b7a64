"""The client that automation imports: ``async with Rig.connect(url) as rig: outcome = await rig.dose(...)``."""

import asyncio
import logging
import os
from collections.abc import Callable
from dataclasses import replace
from types import TracebackType
from typing import Any, Final, Self

from host import order_events, orders
from host.acts import Acts, not_confirmed
from host.comparing import OpenDisagreement
from host.core import LinkOptions, RigCore, make_order
from host.dosing import OrderRunner
from host.errors import RigError, UsageError
from host.ledger import Ledger
from host.link.connection import Connection
from host.link.reconnector import LinkNews, LinkState
from host.link.transport import OpenTransport
from host.link.urls import open_transport as open_url
from host.link.urls import rig_name
from host.profiles import CONSTANT, Profile
from host.recording import operator_name
from host.records import (
    FINAL_STATES,
    NO_CARTRIDGE,
    NO_LOT,
    NO_TREATMENT,
    ORDER_LIFE_MS,
    PATIENT_KINDS,
    name_of,
)
from host.reports import DeviceIdentity, Outcome, Progress, StopReport
from host.requests import check_dose, check_id, check_profile
from host.stopping import CONFIRM_S, LatchWatch, repeat_stop, stop_shared
from host.watching import DoseWatch
from protocol import codes, typed

_LOG = logging.getLogger(__name__)

# How long a cancelled dose waits for the truth after its stop was seen.
SETTLE_S: Final = 5.0


class Rig(Acts):
    """One rig: dose, stop, watch, and all of ``Acts``. Used from one asyncio loop, opened once.

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
        super().__init__(
            RigCore(
                open_transport,
                ledger,
                name=name,
                operator=operator if operator is not None else operator_name(),
                random_octets=random_octets,
                options=options or LinkOptions(),
                on_news=on_news,
            )
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

    async def open(self, *, wait: bool = True) -> None:
        """Connect and reconcile open orders; raises ``RigError`` that tells what is wrong.

        Without ``wait`` it returns at once: the rig is connected in the background, for as long as it takes.
        """
        await self._core.open(wait=wait)

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
        kind: str = "dose",
        profile: Profile = CONSTANT,
        lot: bytes | None = None,
        treatment: bytes | None = None,
        on_progress: Callable[[Progress], None] | None = None,
        max_pause_s: float | None = None,
        dose_id: bytes | None = None,
        operator: str = "",
    ) -> Outcome:
        """Give one dose and return how it ended; refused and unknown are outcomes too.

        Cancelling the call stops the rig, because nobody would watch the dose any more. Agent flows only while permits
        of the monitor come in by ``permit``; who relays them runs beside this call.

        Args:
            volume_nl: volume, nL.
            rate_nl_s: rate at the beginning, nL/s.
            channel: agent, counter_agent or flush.
            kind: dose, screening, rescue, prime, purge or calibrate.
            profile: how the rate goes on.
            lot: of the cartridge; None takes that of the good cartridge which the rig tells now.
            treatment: the open one; None takes the one that the rig told on connect, or when it was asked since.
            on_progress: called with every news of the dose and twice a second.
            max_pause_s: a dose paused for longer is stopped; None waits for a person as long as it takes.
            dose_id: one of ``new_id``; None draws one.
            operator: who asks for this dose; empty: the client's operator.

        Raises:
            RigError: a number out of bounds, no link, an intent that could not be recorded: nothing was sent.
        """
        channel_number, kind_number = check_dose(volume_nl, rate_nl_s, channel, kind)
        check_profile(volume_nl, profile)
        core = self._core
        if core.recorder is not None:
            await core.recorder.check_unknown(kind_number, channel_number)
        named = await self._cartridge_named(lot, channel)
        if core.link.state is not LinkState.CONNECTED:
            raise core.link.error or RigError("not_connected", "There is no link with the rig.", "Connect first.")
        await core.compare_when_due(kind_number, channel_number)
        order = replace(
            make_order(core, volume_nl, rate_nl_s, channel_number, ORDER_LIFE_MS),
            kind=kind_number,
            profile=profile.number,
            rate_end_nl_s=profile.rate_end_nl_s,
            segments=profile.segments(),
            lot=named[0],
            cartridge=named[1],
            treatment=self._treatment_named(treatment) if kind_number in PATIENT_KINDS else NO_TREATMENT,
            operator=operator,
        )
        if dose_id is not None:
            order = replace(order, dose_id=check_id("dose id", dose_id))
        runner = core.run_order(orders.OrderMachine(order))
        runner.feed(order_events.Begin())
        try:
            return await DoseWatch(core, runner, on_progress).until_end(self.stop, max_pause_s)
        except asyncio.CancelledError:
            await self._stop_unwatched(runner)
            raise

    async def rescue(self, volume_nl: int, rate_nl_s: int, **options: Any) -> Outcome:
        """Give counter-agent ahead of everything: a running dose of agent ends. Without a permit a person confirms.

        ``options`` as for ``dose``.
        """
        return await self.dose(volume_nl, rate_nl_s, "counter_agent", kind="rescue", **options)

    async def screening(self, volume_nl: int, rate_nl_s: int, **options: Any) -> Outcome:
        """Give the screening micro-dose of agent; ``options`` as for ``dose``."""
        return await self.dose(volume_nl, rate_nl_s, "agent", kind="screening", **options)

    async def prime(self, volume_nl: int, rate_nl_s: int, channel: str, **options: Any) -> Outcome:
        """Fill the line from a channel, to waste; ``options`` as for ``dose``."""
        return await self.dose(volume_nl, rate_nl_s, channel, kind="prime", **options)

    async def purge(self, volume_nl: int, rate_nl_s: int, channel: str, **options: Any) -> Outcome:
        """Rinse the line from a channel, to waste; ``options`` as for ``dose``."""
        return await self.dose(volume_nl, rate_nl_s, channel, kind="purge", **options)

    async def calibrate(self, volume_nl: int, rate_nl_s: int, channel: str, **options: Any) -> Outcome:
        """Run a volume to waste for weighing; ``set_calibration`` then takes what was weighed."""
        return await self.dose(volume_nl, rate_nl_s, channel, kind="calibrate", **options)

    async def follow(self, dose_id: bytes, *, on_progress: Callable[[Progress], None] | None = None) -> Outcome:
        """Return the outcome of a dose that is under way on the device, such as one that an earlier client ordered."""
        runner = self._core.runner_of(await self.get_dose(dose_id))
        return await DoseWatch(self._core, runner, on_progress).until_end(self.stop, None)

    async def close_unknown(self, dose_id: bytes, person: str, tell: Callable[[str], None] | None = None) -> None:
        """Close a dose of which not even the rig knows what was given; it stays counted as its upper end.

        Where the rig waits for it too, somebody there has to press the foot switch; ``tell`` is told so. The ledger
        then names the person. Raises ``RigError``; a dose that the rig has not ended yet stays open: it can flow again.
        """
        if not person.strip():
            raise UsageError("Nobody was named.", "Name the person who closes the unknown dose.")
        if (await self.status()).unresolved_id == check_id("dose id", dose_id):
            await self.resolve(dose_id)
            if tell is not None:
                tell("Release and press the foot switch within 10 s to close the unknown dose.")
            await self.confirmed("The unknown dose was not closed")
            if (await self.status()).unresolved_id == dose_id:
                raise not_confirmed("The unknown dose was not closed")
        report = await self.get_dose(dose_id)
        if report.state not in {*FINAL_STATES, codes.DOSE_NOT_KNOWN}:
            state = name_of("dose_state", report.state)
            raise RigError(
                "refused",
                f"Dose {dose_id.hex()} has not ended: the rig says that it is {state}.",
                "Stop the rig, or have the dose resumed; then the rig tells what was given.",
            )
        runner = self._core.known_runner(dose_id)
        if runner is not None:
            # What the rig does know is the truth; the person's word counts only behind it.
            runner.feed(order_events.Told(report))
            runner.feed(order_events.ResolvedBy(person.strip()))
            await asyncio.wait([runner.task], timeout=SETTLE_S)

    def attach(self, ledger: Ledger) -> None:
        """Take a ledger that could not be opened before: open orders are taken up, and the link is made anew.

        For a client without one, while no dose is under way.
        """
        assert self._core.recorder is None
        assert not self.dosing
        self._core.attach(ledger)

    @property
    def dosing(self) -> bool:
        """Return whether a dose that this client ordered, or has taken up, may be under way."""
        return self._core.dosing

    def open_outcome(self, dose_id: bytes) -> "asyncio.Future[Outcome] | None":
        """Return what will hold the outcome of a dose whose order is open here, None when there is none of this id."""
        runner = self._core.known_runner(dose_id)
        return runner.outcome if runner is not None else None

    def new_id(self) -> bytes:
        """Return an id for a dose, 8 random octets."""
        return self._core.new_id()

    @property
    def disagreements(self) -> list[OpenDisagreement]:
        """Return in what rig and ledger disagree and nobody has acknowledged, oldest first; empty without a ledger."""
        comparer = self._core.comparer
        return list(comparer.disagreements) if comparer is not None else []

    @property
    def not_compared(self) -> str:
        """Return why not all of the rig's journal is compared with the ledger; empty when it is, or without one."""
        comparer = self._core.comparer
        return comparer.undone if comparer is not None else ""

    async def acknowledge_disagreements(self, row: int, person: str) -> list[OpenDisagreement]:
        """Let the agent flow again although rig and ledger disagree, in a named person's responsibility.

        Args:
            row: the ledger row of the newest disagreement that the person knows; newer ones stay open.
            person: who has found out what was given.

        Returns:
            What was acknowledged; both sides' figures stay in the ledger.

        Raises:
            RigError: no name, no such disagreement, no ledger, or one that cannot be written.
        """
        comparer = self._core.comparer
        if comparer is None:
            raise UsageError("There is no ledger to write it to.", "Open the rig with a ledger.")
        return await comparer.acknowledge(row, person)

    async def stop(self, cause: int = codes.CAUSE_OPERATOR, *, operator: str = "") -> StopReport:
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
            await self._record_stop(cause, None, error, operator)
            raise
        finally:
            core.latches.discard(watch)
        await self._record_stop(cause, report, None, operator)
        return report

    async def _cartridge_named(self, lot: bytes | None, channel: str) -> tuple[bytes, bytes]:
        """Return lot and serial that an order names: those of the good cartridge in place, unless a lot was given.

        The rig judges both; where it has no good cartridge both are all zero, and it says why it refuses.
        """
        if lot is not None:
            return check_id("lot", lot), NO_CARTRIDGE
        cartridge = await self.cartridge(channel)
        if cartridge.state != codes.CARTRIDGE_GOOD:
            return NO_LOT, NO_CARTRIDGE
        return cartridge.lot, cartridge.serial

    def _treatment_named(self, treatment: bytes | None) -> bytes:
        return self._core.treatment if treatment is None else check_id("treatment", treatment)

    async def _stop_unwatched(self, runner: OrderRunner) -> None:
        try:
            await self.stop()
            await asyncio.wait([runner.outcome], timeout=SETTLE_S)
        except RigError as error:
            _LOG.error("%s", error)

    async def _record_stop(self, cause: int, report: StopReport | None, error: RigError | None, operator: str) -> None:
        if self._core.recorder is not None:
            await self._core.recorder.stop(cause, report, error, operator)
