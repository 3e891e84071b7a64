"""Messages in, messages out: a request goes to the rule it asks, an answer is made of the rule's own values."""

from device.controller import TICK_MS, Controller
from device.identity import firmware_hash, implementation
from device.limits import MAX_DOSE_NL, MAX_RATE_NL_S, MAX_TOTAL_NL
from device.person import ACT_NONE
from protocol import codes, messages
from protocol.compat import const
from protocol.link_device import DeviceLink

TYPE_CHECKING = False
if TYPE_CHECKING:
    from device.executive import TickStats

_TELEMETRY_TICKS = const(10)
# Statistics have a tick of their own, without telemetry.
_STATS_TICKS = const(100)
_STATS_AT = const(45)


def _padded(name: bytes) -> bytes:
    return (name + b"\x00" * 12)[:12]


class Wire:
    """Speaks for one controller over one ``DeviceLink``."""

    def __init__(self, controller: Controller, link: DeviceLink, tick_stats: "TickStats") -> None:
        self._controller = controller
        self._link = link
        self._stats = tick_stats
        self._schema = messages.schema_hash()
        self._firmware = firmware_hash()
        self._implementation = implementation()
        self._told = (controller.dose.dose_id, controller.dose.state)
        self._handlers = {
            messages.HELLO: self._hello,
            messages.DOSE_ORDER: self._order,
            messages.GET_DOSE: self._get_dose,
            messages.PAUSE: self._pause,
            messages.RESUME: self._resume,
            messages.CLEAR: self._clear,
            messages.GET_STATUS: self._status,
        }
        link.on_stop = self.stop

    def stop(self, cause: int) -> None:
        """A STOP came in: act, then say so."""
        controller = self._controller
        was_stopped = controller.stop_cause != codes.CAUSE_NONE
        controller.stop(cause)
        self.tell_stopped(was_stopped)

    def tell_stopped(self, was_stopped: bool) -> None:
        """Queue STOPPED."""
        controller = self._controller
        self._link.datagram(
            messages.STOPPED,
            controller.stop_cause,
            1 if was_stopped else 0,
            controller.stop_latency_us,
            controller.dose.dose_id,
            controller.pump.emitted_steps,
            controller.now_ms,
        )

    def handle(self, number: int) -> None:
        """Execute the request the link has just handed out and queue its answer."""
        self._handlers[number](self._link.values)

    def report(self) -> None:
        """Queue what this tick has to say: a dose that changed state, telemetry, statistics."""
        controller = self._controller
        dose = controller.dose
        if self._told[1] != dose.state or self._told[0] != dose.dose_id:
            self._told = (dose.dose_id, dose.state)
            self._link.unsolicited(messages.DOSE_STATE, *dose.values(controller.now_ms))
        if controller.ticks % _TELEMETRY_TICKS == 0:
            self._telemetry()
        if controller.ticks % _STATS_TICKS == _STATS_AT:
            self._link_stats()

    def _hello(self, values: tuple) -> None:
        controller = self._controller
        self._link.answer(
            messages.WELCOME,
            values[0],
            self._link.session,
            controller.boot,
            self._schema,
            self._firmware,
            _padded(self._implementation[0]),
            _padded(self._implementation[1]),
            _padded(controller.board.NAME.encode()),
            controller.dose.dose_id,
            controller.board.ticks_ms(),
            TICK_MS,
        )

    def _order(self, values: tuple) -> None:
        controller = self._controller
        self._link.answer(
            messages.DOSE_STATE,
            *controller.dose.order(
                values,
                self._link.session,
                controller.board.ticks_ms(),
                controller.board.steps,
                controller.interlocks.standing,
                controller.device_state() == codes.DEVICE_STOPPED,
            ),
        )

    def _get_dose(self, values: tuple) -> None:
        controller = self._controller
        self._link.answer(messages.DOSE_STATE, *controller.dose.find(values[0], controller.now_ms))

    def _pause(self, values: tuple) -> None:
        self._answer_dose(values[0], self._controller.pause(values[0]))

    def _resume(self, values: tuple) -> None:
        self._answer_dose(values[0], self._controller.resume(values[0]))

    def _clear(self, _values: tuple) -> None:
        self._answer_status(self._controller.clear())

    def _status(self, _values: tuple) -> None:
        self._answer_status(codes.REASON_NONE)

    def _answer_dose(self, dose_id: bytes, reason: int) -> None:
        values = self._controller.dose.find(dose_id, self._controller.now_ms)
        self._link.answer(messages.DOSE_STATE, *(values[:2] + (reason,) + values[3:]))

    def _answer_status(self, reason: int) -> None:
        controller = self._controller
        dose = controller.dose
        self._link.answer(
            messages.STATUS,
            *(
                self._state_values()
                + (
                    reason,
                    dose.dose_id,
                    dose.state,
                    controller.board.reset_cause(),
                    dose.total_nl,
                    MAX_DOSE_NL,
                    MAX_RATE_NL_S,
                    MAX_TOTAL_NL,
                )
            ),
        )

    def _state_values(self) -> tuple:
        controller = self._controller
        inputs = controller.inputs
        if controller.dose.valve_patient:
            inputs |= codes.INPUT_VALVE_PATIENT
        if controller.person.awaited != ACT_NONE:
            inputs |= codes.INPUT_PERSON_AWAITED
        paused = controller.dose.state in (codes.DOSE_PAUSING, codes.DOSE_PAUSED)
        return (
            controller.now_ms,
            controller.device_state(),
            controller.stop_cause,
            controller.dose.cause if paused else codes.CAUSE_NONE,
            inputs,
            controller.sensor_faults(),
        )

    def _telemetry(self) -> None:
        controller = self._controller
        values = controller.dose.values(controller.now_ms)
        self._link.datagram(
            messages.TELEMETRY,
            *(
                self._state_values()
                + (
                    values[0],
                    values[1],
                    values[7],
                    values[8],
                    values[9],
                    controller.dose.rate_nl_s(),
                    controller.pressure.pa,
                    controller.flow.flow_nl_s,
                    controller.flow.temperature_mdegc,
                    controller.supply.mv,
                )
            ),
        )

    def _link_stats(self) -> None:
        link = self._link
        stats = self._stats
        self._link.datagram(
            messages.LINK_STATS,
            link.frames_in,
            link.bad_crc,
            link.bad_frames,
            link.duplicates,
            link.dropped,
            stats.ticks,
            stats.late,
            stats.take_mean_us(),
            stats.worst_us,
            stats.heap_free,
        )
