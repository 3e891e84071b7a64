"""A device for the host's tests: the protocol's own device end, and a pump that is only arithmetic."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count

from device import journal_records
from host.records import PATIENT_KINDS
from protocol import codes, messages, typed
from protocol.link_device import DeviceLink

TICK_MS = 10
TELEMETRY_MS = 100
SECOND_MS = 1000
KEEP_ALIVE_MS = 1500
SETTLE_MS = 50
STEP_PL = 5608
WRAP_MS = 1 << 30
MAX_DOSE_NL = 100_000
MAX_RATE_NL_S = 20_000
LATENCY_US = 123
PRESSURE_LIMIT_PA = 14_500
STORED_NL = 1_234
RIG = b"rig00001"
TREATMENT = b"treat001"
LOTS = (b"lotagent", b"lotcount", b"lotflush")
ON_A_PERSON = frozenset(
    {messages.OPEN_TREATMENT, messages.CLOSE_TREATMENT, messages.SET_CEILINGS, messages.CLEAR_BY_CLINICIAN}
    | {messages.SET_PRESSURE_LIMIT, messages.RESOLVE, messages.SET_CALIBRATION, messages.TEST_ALARMS}
)
RESULTS = frozenset(request for request, answer in messages.ANSWERS if answer == messages.RESULT)


@dataclass
class FakeDose:
    """What the device knows of one dose."""

    dose_id: bytes
    kind: int = codes.KIND_DOSE
    channel: int = codes.CHANNEL_FLUSH
    asked_nl: int = 0
    rate_nl_s: int = 0
    state: int = codes.DOSE_ACCEPTED
    reason: int = 0
    cause: int = 0
    emitted: float = 0.0
    nearest: int = 0
    settled_ms: int = 0
    treatment: bytes = bytes(8)
    lot: bytes = bytes(8)

    @property
    def asked_steps(self) -> int:
        """Return the steps that make the volume."""
        return self.asked_nl * 1000 // STEP_PL

    @property
    def emitted_steps(self) -> int:
        """Return the steps that left the pin."""
        return int(self.emitted)

    @property
    def emitted_nl(self) -> int:
        """Return the same as a volume."""
        return self.emitted_steps * STEP_PL // 1000

    @property
    def live(self) -> bool:
        """Return whether it can still change."""
        return self.state not in {codes.DOSE_DELIVERED, codes.DOSE_PARTIAL, codes.DOSE_REFUSED, codes.DOSE_UNKNOWN}


@dataclass
class FakeDevice:
    """One device; ``boot()`` starts it anew, as after power on. ``now_ms`` is the host of all time in it."""

    now_ms: Callable[[], int]
    schema: bytes = field(default_factory=messages.schema_hash)
    deaf_to_orders: bool = False
    remember: bool = False  # whether doses survive a boot, as they do with a journal
    rig: bytes = RIG
    treatment: bytes = TREATMENT
    permits: int = 0  # how many were taken; without one an agent dose is refused

    def __post_init__(self) -> None:
        self.boots = 0
        self.executed: list[bytes] = []
        self.stop_frames = 0
        self.orders: list[typed.DoseOrder] = []
        self.asked: list[tuple[int, tuple[int | bytes, ...]]] = []
        self.refuse: dict[int, tuple[int, int]] = {}  # by message number: reason and nearest value
        self.doses: dict[bytes, FakeDose] = {}
        self.journal: dict[int, bytes] = {}  # the record of each dose that ended, by number
        self.journal_faulty = False
        self.records_asked: list[int] = []
        self._nonces = count(1)
        self.mute_datagrams = False
        self.boot()

    def boot(self) -> None:
        """Start anew: links and, without a journal, doses are forgotten."""
        self.boots += 1
        self.boot_nonce = self.boots.to_bytes(4, "little") + b"boot"
        self.link = DeviceLink(self.schema, lambda: next(self._nonces).to_bytes(4, "little"))
        self.link.on_stop = self._stop
        self.current: FakeDose | None = None
        self.last = FakeDose(bytes(8), state=codes.DOSE_NOT_KNOWN)
        if not self.remember:
            self.journal_faulty |= bool(self.doses)
            self.doses, self.journal = {}, {}
        for dose in self.doses.values():
            self.last = dose
            if dose.live:
                dose.state, dose.cause = codes.DOSE_UNKNOWN, codes.CAUSE_POWER
                self.write_record(dose)
        self.state = codes.DEVICE_READY
        self.stop_cause = 0
        self.pause_cause = 0
        self._ticked_ms = self._told_ms = self._told_all_ms = self.now_ms()
        self._counter = 0
        self.latched = self.acknowledged = 0

    @property
    def uptime_ms(self) -> int:
        """Return the device's clock."""
        return self.now_ms() % WRAP_MS

    def receive(self, data: bytes) -> None:
        """Take octets of the host."""
        self.link.receive(data, len(data), self.now_ms())
        while number := self.link.next_request():
            self._execute(number, self.link.values)

    def transmit(self) -> bytes:
        """Return the octets for the host."""
        out = bytearray()

        def write(buffer: memoryview, length: int) -> int:
            out.extend(buffer[:length])
            return length

        self.link.transmit(write)
        return bytes(out)

    def tick(self) -> None:
        """Let the pump run up to now."""
        now_ms = self.now_ms()
        elapsed_ms, self._ticked_ms = now_ms - self._ticked_ms, now_ms
        if self.link.session_open and now_ms - self.link.last_heard_ms > KEEP_ALIVE_MS:
            self._pause(codes.CAUSE_LINK_LOST)
        dose = self.current
        if dose is not None:
            self._advance(dose, elapsed_ms, now_ms)
        if now_ms - self._told_ms >= TELEMETRY_MS:
            self._told_ms = now_ms
            self._telemetry()
        if now_ms - self._told_all_ms >= SECOND_MS:
            self._told_all_ms = now_ms
            self.tell_all()

    def tell_all(self) -> None:
        """Send what comes once a second."""
        self._counter += 1
        dose = self.last
        self.link.datagram(
            messages.SIGNED_STATUS, RIG, self.boot_nonce, self._counter, self.uptime_ms, self.treatment, dose.dose_id,
            LOTS[0], self.state, dose.state, self.stop_cause, 0, dose.emitted_steps, dose.emitted_nl, 0, 0, 0,
            bytes(16),
        )  # fmt: skip
        first = min((n for n in range(1, 31) if self.latched >> n - 1 & 1), default=0)
        self.link.datagram(
            messages.ALARMS, self.uptime_ms, self.latched, self.latched, self.acknowledged, first, first,
            codes.PRIORITY_HIGH if first else codes.PRIORITY_NONE, 0,
        )  # fmt: skip

    def _advance(self, dose: FakeDose, elapsed_ms: int, now_ms: int) -> None:
        if dose.state == codes.DOSE_ACCEPTED:
            dose.state = codes.DOSE_RUNNING
        elif dose.state == codes.DOSE_RUNNING:
            dose.emitted = min(dose.asked_steps, dose.emitted + dose.rate_nl_s * elapsed_ms / STEP_PL)
            if dose.emitted_steps >= dose.asked_steps:
                dose.state, dose.settled_ms = codes.DOSE_SETTLING, now_ms + SETTLE_MS
        elif dose.state == codes.DOSE_SETTLING and now_ms >= dose.settled_ms:
            self._end(codes.DOSE_DELIVERED, codes.CAUSE_NONE)

    def _end(self, state: int, cause: int) -> None:
        dose = self.current
        assert dose is not None
        dose.state, dose.cause = state, cause
        self.write_record(dose)
        self.current = None
        if self.state != codes.DEVICE_STOPPED:
            self.state = codes.DEVICE_READY
        if not self.mute_datagrams:
            self.link.unsolicited(messages.DOSE_STATE, *self._dose_values(dose))

    def write_record(self, dose: FakeDose, number: int | None = None) -> None:
        """Write down a dose that ended, as the newest record or in place of another one."""
        number = number or len(self.journal) + 1
        steps, nl = dose.emitted_steps, dose.emitted_nl
        record = (
            dose.dose_id, dose.treatment, dose.lot, dose.kind, dose.channel, dose.state, dose.cause, dose.asked_nl,
            dose.asked_steps, steps, steps, max(0, nl - 90), nl, 0, 0, self.boots, 8000, self.uptime_ms,
        )  # fmt: skip
        octets = bytearray(journal_records.RECORD_SIZE)
        journal_records.encode(octets, 0, number, record, 0)
        self.journal[number] = bytes(octets)

    def _pause(self, cause: int) -> None:
        if self.current is not None and self.current.state == codes.DOSE_RUNNING:
            self.current.state, self.current.cause = codes.DOSE_PAUSED, cause
            self.state, self.pause_cause = codes.DEVICE_PAUSED, cause

    def _stop(self, cause: int) -> None:
        self.stop_frames += 1
        was_stopped = self.state == codes.DEVICE_STOPPED
        self.state = codes.DEVICE_STOPPED
        if not was_stopped:
            self.stop_cause = cause
        dose_id, steps = bytes(8), 0
        if self.current is not None:
            dose_id, steps = self.current.dose_id, self.current.emitted_steps
            self._end(codes.DOSE_PARTIAL, cause)
        self.link.datagram(
            messages.STOPPED, self.stop_cause, int(was_stopped), LATENCY_US, dose_id, steps, self.uptime_ms
        )

    def _execute(self, number: int, values: tuple[int | bytes, ...]) -> None:
        link = self.link
        if number == messages.HELLO:
            link.answer(messages.WELCOME, *self._welcome(values))
        elif number == messages.GET_STATUS:
            link.answer(messages.STATUS, *self._status(codes.REASON_NONE))
        elif number == messages.CLEAR:
            stopped = self.state == codes.DEVICE_STOPPED
            if stopped:
                self.state, self.stop_cause = codes.DEVICE_READY, 0
            link.answer(messages.STATUS, *self._status(0 if stopped else codes.REASON_NOT_STOPPED))
        elif number in RESULTS:
            link.answer(messages.RESULT, *self._result(number, values))
        elif number == messages.GET_TREATMENT:
            link.answer(messages.TREATMENT, self.treatment, 8000, codes.SCREENING_PASSED, 0, *range(1, 17))
        elif number == messages.GET_CARTRIDGE:
            channel = int(values[0])
            good = (channel, codes.CARTRIDGE_GOOD, channel, LOTS[channel], b"serial%02d" % channel)
            link.answer(messages.CARTRIDGE, *good, 5, 1_000_000, 900_000, 9000)
        elif number == messages.GET_CALIBRATION:
            link.answer(messages.CALIBRATION, values[0], 5_607_800, 16, 1_000_000, 10_000, 8000, 8365)
        elif number == messages.GET_RECORD:
            octets = self.journal.get(int(values[0]))
            self.records_asked.append(int(values[0]))
            reason = codes.REASON_NO_RECORD if octets is None else 0
            newest = max(self.journal, default=0)
            oldest = max(1, newest - journal_records.RECORDS + 1) if newest else 0
            link.answer(messages.RECORD, reason, oldest, newest, octets or bytes(80))
        elif number == messages.DOSE_ORDER:
            link.answer(messages.DOSE_STATE, *self._dose_values(self._order(values)))
        else:
            link.answer(messages.DOSE_STATE, *self._about_dose(number, bytes(values[0])))

    def _result(self, number: int, values: tuple[int | bytes, ...]) -> tuple[int, ...]:
        reason, nearest = self.refuse.get(number, (0, 0))
        self.asked.append((number, values))
        self.permits += number == messages.PERMIT and not reason
        if number == messages.ACKNOWLEDGE and not reason:
            self.acknowledged |= int(values[0])
        return number, reason, nearest, int(not reason and number in ON_A_PERSON), self.uptime_ms

    def _about_dose(self, number: int, dose_id: bytes) -> tuple[int | bytes, ...]:
        dose = self.doses.get(dose_id, FakeDose(dose_id, state=codes.DOSE_NOT_KNOWN))
        reason = 0
        if number == messages.PAUSE:
            reason = 0 if dose.state == codes.DOSE_RUNNING else codes.REASON_NOT_RUNNING
            self._pause(codes.CAUSE_OPERATOR)
        elif number == messages.RESUME:
            reason = 0 if dose.state == codes.DOSE_PAUSED else codes.REASON_NOT_PAUSED
            if not reason:
                dose.state, self.state, self.pause_cause = codes.DOSE_RUNNING, codes.DEVICE_DOSING, 0
        return self._dose_values(dose, reason)

    def _order(self, values: tuple[int | bytes, ...]) -> FakeDose:
        order = typed.DoseOrder.from_values(values)
        self.orders.append(order)
        dose_id, boot, expires_ms, last = order.dose_id, order.boot, order.expires_ms, order.last_dose_id
        volume, rate = order.volume_nl, order.rate_nl_s
        known = self.doses.get(dose_id)
        refused = FakeDose(dose_id, order.kind, order.channel, volume, state=codes.DOSE_REFUSED)
        if boot != self.boot_nonce:
            refused.reason = codes.REASON_BOOT
        elif (expires_ms - self.uptime_ms) % WRAP_MS > WRAP_MS // 2:
            refused.reason = codes.REASON_EXPIRED
        elif known is not None:
            return known
        elif last != self.last.dose_id:
            refused.reason = codes.REASON_LAST_DOSE
        elif self.state == codes.DEVICE_STOPPED:
            refused.reason = codes.REASON_STOPPED
        elif self.current is not None:
            refused.reason = codes.REASON_BUSY
        elif order.kind in PATIENT_KINDS and order.treatment != self.treatment:
            refused.reason = codes.REASON_TREATMENT
        elif order.kind == codes.KIND_DOSE and order.channel != codes.CHANNEL_FLUSH and not self.permits:
            refused.reason = codes.REASON_NO_PERMIT
        elif volume > MAX_DOSE_NL:
            refused.reason, refused.nearest = codes.REASON_VOLUME_HIGH, MAX_DOSE_NL
        elif rate > MAX_RATE_NL_S:
            refused.reason, refused.nearest = codes.REASON_RATE_HIGH, MAX_RATE_NL_S
        if refused.reason:
            return refused
        dose = FakeDose(dose_id, order.kind, order.channel, volume, rate, treatment=order.treatment, lot=order.lot)
        self.executed.append(dose_id)
        self.doses[dose_id] = self.last = self.current = dose
        self.state = codes.DEVICE_DOSING
        return dose

    def _welcome(self, values: tuple[int | bytes, ...]) -> tuple[int | bytes, ...]:
        return (
            values[0], self.link.session, self.boot_nonce, self.schema, b"firmware", b"fake".ljust(12, b"\0"),
            b"1.2.3".ljust(12, b"\0"), b"arithmetic".ljust(12, b"\0"), self.rig, self.last.dose_id,
            self.uptime_ms, TICK_MS,
        )  # fmt: skip

    def _dose_values(self, dose: FakeDose, reason: int | None = None) -> tuple[int | bytes, ...]:
        nl = dose.emitted_nl
        return (
            dose.dose_id, dose.state, dose.reason if reason is None else reason, dose.cause, dose.kind,
            dose.channel, dose.asked_nl, dose.asked_steps, dose.emitted_steps, dose.emitted_steps, nl,
            max(0, nl - 90), nl, 0, 0, dose.nearest, self.uptime_ms,
        )  # fmt: skip

    def _inputs(self) -> int:
        return codes.INPUT_ESTOP_HEALTHY | codes.INPUT_DOOR_CLOSED | codes.INPUT_BUBBLE_CLEAR | codes.INPUT_SAFE

    def _status(self, reason: int) -> tuple[int | bytes, ...]:
        return (
            self.uptime_ms, self.state, self.stop_cause, self.pause_cause, self._inputs(), 0, reason,
            self.last.dose_id, self.last.state, 0, bytes(8), 0, 0, 0,
            codes.SELF_TEST_JOURNAL if self.journal_faulty else 0,
            sum(dose.emitted_nl for dose in self.doses.values()),
            MAX_DOSE_NL, MAX_RATE_NL_S, 1_000_000, PRESSURE_LIMIT_PA, STORED_NL,
        )  # fmt: skip

    def _telemetry(self) -> None:
        dose = self.last
        self.link.datagram(
            messages.TELEMETRY, self.uptime_ms, self.state, self.stop_cause, self.pause_cause, self._inputs(), 0, 0,
            dose.dose_id, dose.state, dose.emitted_steps, dose.emitted_steps, dose.emitted_nl,
            dose.rate_nl_s if dose.state == codes.DOSE_RUNNING else 0, 2000, 0, 25_000, 1000, 12_000,
        )  # fmt: skip


async def run_device(device: FakeDevice, send: Callable[[bytes], None]) -> None:
    """Tick the device and send what it says, until cancelled."""
    while True:
        device.tick()
        if data := device.transmit():
            send(data)
        await asyncio.sleep(TICK_MS / 1000)
