"""The inside of a rig client: the present connection, what was heard over it, and the orders that outlive it."""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from host import order_events, orders
from host.comparing import LedgerComparer
from host.dosing import OrderRunner
from host.errors import RigError
from host.ledger import Ledger
from host.link.connection import DEFAULT_TIMINGS, Connection, LinkTimings
from host.link.messages import Message
from host.link.reconnector import DEFAULT_BACK_OFF, BackOff, LinkNews, LinkState, Reconnector
from host.link.transport import OpenTransport
from host.recording import RigRecorder
from host.records import CLOCK_WRAP_MS, FINAL_STATES, NO_TREATMENT, DoseReport, Order
from host.reports import MessageT, Reading
from host.stopping import LatchWatch
from protocol import codes, messages, typed

_LOG = logging.getLogger(__name__)

NONCE_OCTETS: Final = 4
_CHANCE_OCTETS: Final = 4
# How long a fresh connection waits for the answers about open orders before it is handed out.
RECONCILE_S: Final = 3.0
# Open orders of one rig that are asked about on a connect; each is one small request.
MAX_RECONCILED: Final = 64
# After so many doses in one link session rig and ledger are compared again: the rig keeps 320 of them.
COMPARE_AFTER_DOSES: Final = 64


@dataclass(frozen=True, slots=True)
class LinkOptions:
    """Waits of the link; tests and benches choose others."""

    timings: LinkTimings = DEFAULT_TIMINGS
    back_off: BackOff = DEFAULT_BACK_OFF


class RigCore:
    """Link, telemetry and orders of one rig; ``Rig`` is its face."""

    def __init__(
        self,
        open_transport: OpenTransport,
        ledger: Ledger | None,
        *,
        name: str,
        operator: str,
        random_octets: Callable[[int], bytes],
        options: LinkOptions,
        on_news: Callable[[LinkNews], None] | None,
    ) -> None:
        self.open_transport = open_transport
        self.welcome: typed.Welcome | None = None
        self.connection: Connection | None = None
        self._name = name
        self._operator = operator
        self.recorder: RigRecorder | None = None
        self.comparer: LedgerComparer | None = None
        if ledger is not None:
            self._record_in(ledger)
        self.latches: set[LatchWatch] = set()
        self.listeners: set[Callable[[Message], None]] = set()
        self.last_dose_id = bytes(8)
        self.stop_cause = codes.CAUSE_OPERATOR
        self._random_octets = random_octets
        self._options = options
        self._on_news = on_news
        self._runners: dict[bytes, OrderRunner] = {}
        self.treatment = NO_TREATMENT  # the open one, as the rig last told it
        self._readings: dict[type[Message], tuple[Message, float]] = {}
        self._clock: tuple[int, float] = (0, 0.0)  # the device's clock in ms, and the loop time at which it was told
        self._reconnector: Reconnector | None = None
        self._doses_since_compared = 0
        self._comparing = asyncio.Lock()

    async def open(self, *, wait: bool = True) -> None:
        """Connect and reconcile; raises ``RigError``. Without ``wait`` that is done in the background, until it is."""
        assert self._reconnector is None, "a client is opened once"
        self._reconnector = Reconnector(
            self._make_connection,
            on_connected=self._connected,
            on_lost=self._lost,
            on_news=self._announce,
            back_off=self._options.back_off,
            chance=self._chance,
        )
        if not wait:
            self._reconnector.begin()
            return
        try:
            await self._reconnector.start()
        except BaseException:
            await self.close()
            raise

    def attach(self, ledger: Ledger) -> None:
        """Record from now on. A link that stands is made anew, for what is open in the ledger has to be asked about."""
        self._record_in(ledger)
        if self.connection is not None:
            self.connection.end_for_renewal()

    def _record_in(self, ledger: Ledger) -> None:
        self.recorder = RigRecorder(ledger, self._name, self._operator)
        self.comparer = LedgerComparer(ledger, self._name, self._operator, self.request)

    def _chance(self) -> float:
        """Draw from [0, 1): from the same source as everything random here, so that a run can be repeated."""
        return int.from_bytes(self._random_octets(_CHANCE_OCTETS), "little") / (1 << 8 * _CHANCE_OCTETS)

    async def close(self) -> None:
        """End orders and link; idempotent."""
        runners, self._runners = list(self._runners.values()), {}
        await asyncio.gather(*(runner.close() for runner in runners))
        if self._reconnector is not None:
            await self._reconnector.close()

    @property
    def link(self) -> LinkNews:
        """Return the state of the link."""
        return self._reconnector.news if self._reconnector is not None else LinkNews(LinkState.CLOSED)

    def reading(self, kind: type[MessageT]) -> Reading[MessageT] | None:
        """Return the last message of this kind with its age, None when none came yet."""
        found = self._readings.get(kind)
        if found is None:
            return None
        message, heard_s = found
        assert isinstance(message, kind)
        return Reading(message, max(0.0, _time_s() - heard_s))

    def device_now_ms(self) -> int:
        """Return the device's clock as far as known here: never ahead of it by more than the clocks' drift."""
        told_ms, heard_s = self._clock
        return (told_ms + int((_time_s() - heard_s) * 1000)) % CLOCK_WRAP_MS

    async def request(self, number: int, *values: int | bytes) -> Message:
        """Send a request over the present connection. Raises ``RigError``."""
        connection = self.connection
        if connection is None:
            raise self._no_link()
        answer = await connection.request(number, *values)
        if isinstance(answer, typed.DoseState):
            self._note_accepted(answer)
        elif isinstance(answer, typed.Treatment):
            self.treatment = answer.treatment
        return answer

    async def send_stop(self, cause: int) -> None:
        """Send one stop frame over whatever there is. Raises ``RigError``."""
        self.stop_cause = cause
        connection = self.connection
        if connection is None:
            if self._reconnector is not None:
                self._reconnector.hurry()
            raise self._no_link()
        await connection.write_stop(cause)

    def new_id(self) -> bytes:
        """Return a dose id, never all zero."""
        while not any(dose_id := self._random_octets(8)):
            pass
        return dose_id

    def run_order(self, machine: orders.OrderMachine, *, recorded: bool = True) -> OrderRunner:
        """Start an order, or take one up again."""
        runner = OrderRunner(machine, self.recorder if recorded else None, self.request)
        self._runners[machine.order.dose_id] = runner
        self._doses_since_compared += 1
        runner.task.add_done_callback(lambda _: self._ended(runner))
        return runner

    def _ended(self, runner: OrderRunner) -> None:
        self._runners.pop(runner.order.dose_id, None)
        if runner.rows.nowhere:
            # What the ledger lacks is in the rig's journal: before the next order it is compared.
            self._doses_since_compared = COMPARE_AFTER_DOSES

    @property
    def dosing(self) -> bool:
        """Return whether a dose may be under way here."""
        under_way = {orders.OrderState.SENT, orders.OrderState.ACTIVE, orders.OrderState.ASKING, orders.OrderState.LOST}
        return any(runner.machine.state in under_way for runner in self._runners.values())

    def known_runner(self, dose_id: bytes) -> OrderRunner | None:
        """Return the runner of a dose that this client, or its ledger, has an open order for."""
        return self._runners.get(dose_id)

    def runner_of(self, report: DoseReport) -> OrderRunner:
        """Return the runner of a dose; one that no ledger knows is followed without being recorded."""
        known = self._runners.get(report.dose_id)
        if known is not None:
            return known
        order = replace(make_order(self, report.asked_nl, 0, report.channel, 0), dose_id=report.dose_id)
        runner = self.run_order(orders.OrderMachine.restored(order, unknown=False), recorded=False)
        runner.feed(order_events.LinkBack(order.boot))
        return runner

    def present_dose(self) -> bytes:
        """Return the dose that runs here, else the one that telemetry shows, else all zero."""
        for runner in self._runners.values():
            if runner.machine.state in {orders.OrderState.ACTIVE, orders.OrderState.SENT}:
                return runner.order.dose_id
        reading = self.reading(typed.Telemetry)
        return reading.message.dose_id if reading is not None else self.last_dose_id

    async def _make_connection(self) -> Connection:
        transport = await self.open_transport()
        connection = Connection(
            transport,
            host_nonce=self._random_octets(NONCE_OCTETS),
            on_message=self._heard,
            timings=self._options.timings,
        )
        # Known before the handshake: a stop needs none.
        self.connection = connection
        try:
            if self.latches:
                for latch in self.latches:
                    latch.begin()
                await connection.write_stop(self.stop_cause)
            welcome = await connection.open()
        except BaseException:
            self.connection = None
            await connection.close()
            raise
        self.welcome = welcome
        self.last_dose_id = welcome.last_dose_id
        self._clock = (welcome.uptime_ms, _time_s())
        return connection

    async def compare_when_due(self, kind: int, channel: int) -> None:
        """Compare rig and ledger before an order where it is due; raise ``RigError`` when the order has to wait for it.

        A rescue waits for nothing.
        """
        comparer, welcome = self.comparer, self.welcome
        if comparer is None or welcome is None or kind == codes.KIND_RESCUE:
            return
        wanted = comparer.undone and channel == codes.CHANNEL_AGENT
        if wanted or self._doses_since_compared >= COMPARE_AFTER_DOSES:
            async with self._comparing:
                await comparer.read(welcome, {})
                await self._compare(comparer)
        comparer.check(kind, channel)

    async def _connected(self, _connection: Connection) -> None:
        welcome = self.welcome
        assert welcome is not None
        if self.recorder is not None:
            self.recorder.meet(welcome)
            await self._take_up_open_orders(self.recorder, welcome.boot)
        # An order of this boot may be running: it is asked for before anything else.
        open_orders = {dose_id: runner.order for dose_id, runner in self._runners.items()}
        of_this_boot = {dose_id for dose_id, order in open_orders.items() if order.boot == welcome.boot}
        self._link_back(welcome.boot, of_this_boot, {})
        async with self._comparing:
            never_ran = await self.comparer.read(welcome, open_orders) if self.comparer is not None else {}
            self._link_back(welcome.boot, open_orders.keys() - of_this_boot, never_ran)
            await self._answers_about_open_orders()
            if self.comparer is not None:
                await self._compare(self.comparer)
        await self._learn_treatment()

    def _link_back(self, boot: bytes, dose_ids: Iterable[bytes], never_ran: Mapping[bytes, bool]) -> None:
        for dose_id in sorted(dose_ids):
            runner = self._runners.get(dose_id)
            if runner is not None:
                runner.feed(order_events.LinkBack(boot, never_ran=never_ran.get(dose_id, False)))

    async def _compare(self, comparer: LedgerComparer) -> None:
        self._doses_since_compared = 0
        await comparer.compare()

    async def _learn_treatment(self) -> None:
        """Ask which treatment is open: an order names this one, unless it is told another."""
        self.treatment = NO_TREATMENT
        try:
            await self.request(messages.GET_TREATMENT)
        except RigError as error:
            _LOG.warning("the rig did not tell its treatment: %s", error)

    async def _take_up_open_orders(self, recorder: RigRecorder, boot: bytes) -> None:
        for stored in await recorder.open_orders(boot, MAX_RECONCILED):
            if stored.order.dose_id not in self._runners:
                self.run_order(orders.OrderMachine.restored(stored.order, unknown=stored.unknown))

    async def _answers_about_open_orders(self) -> None:
        waiting = [asyncio.ensure_future(runner.heard_of()) for runner in self._runners.values()]
        if not waiting:
            return
        try:
            await asyncio.wait(waiting, timeout=RECONCILE_S)
        finally:
            for task in waiting:
                task.cancel()

    def _lost(self, _error: RigError | None) -> None:
        self.connection = None
        for runner in self._runners.values():
            runner.feed(order_events.LinkLost())

    def _announce(self, news: LinkNews) -> None:
        for runner in self._runners.values():
            runner.changed.set()
        if self._on_news is not None:
            self._on_news(news)

    def _heard(self, message: Message) -> None:
        self._readings[type(message)] = (message, _time_s())
        match message:
            case typed.Telemetry():
                self._heard_telemetry(message)
            case typed.DoseState():
                self._heard_dose(message)
            case typed.Pong():
                self._clock = (message.uptime_ms, _time_s())
                self._renew_when_quiet()
        for latch in self.latches:
            latch.look(message)
        for listener in list(self.listeners):
            listener(message)

    def _heard_telemetry(self, message: typed.Telemetry) -> None:
        self._clock = (message.uptime_ms, _time_s())
        runner = self._runners.get(message.dose_id)
        if runner is not None:
            if message.dose_state in FINAL_STATES:
                runner.feed(order_events.EndSeen())
            else:
                runner.feed(order_events.Flowing(message.emitted_steps, message.granted_steps, message.emitted_nl))
            runner.changed.set()

    def _heard_dose(self, message: typed.DoseState) -> None:
        self._note_accepted(message)
        runner = self._runners.get(message.dose_id)
        if runner is not None:
            runner.feed(order_events.Told(DoseReport.from_message(message)))

    def _renew_when_quiet(self) -> None:
        """Begin a new session in good time before any counter or clock has wrapped half way, but never under a dose."""
        connection = self.connection
        quiet = all(runner.machine.state is orders.OrderState.UNKNOWN for runner in self._runners.values())
        if connection is not None and quiet and connection.link.needs_renewal(int(_time_s() * 1000)):
            connection.end_for_renewal()

    def _note_accepted(self, told: typed.DoseState) -> None:
        """Remember the last dose that this host knows of: the next order names it."""
        runner = self._runners.get(told.dose_id)
        this_session = runner is not None and self.welcome is not None and runner.order.session == self.welcome.session
        if this_session and told.state not in {codes.DOSE_NOT_KNOWN, codes.DOSE_REFUSED}:
            self.last_dose_id = told.dose_id

    def _no_link(self) -> RigError:
        error = self.link.error
        if error is not None:
            return error
        return RigError("not_connected", "There is no link with the rig.", "Wait for the connection, or connect again.")


def make_order(core: RigCore, volume_nl: int, rate_nl_s: int, channel: int, life_ms: int) -> Order:
    """Return a new order for the present link session; ``life_ms`` after now the device refuses it."""
    welcome = core.welcome
    assert welcome is not None
    return Order(
        dose_id=core.new_id(),
        boot=welcome.boot,
        session=welcome.session,
        expires_ms=(core.device_now_ms() + life_ms) % CLOCK_WRAP_MS,
        channel=channel,
        volume_nl=volume_nl,
        rate_nl_s=rate_nl_s,
        last_dose_id=core.last_dose_id,
    )


def _time_s() -> float:
    return asyncio.get_running_loop().time()
