"""What the device says unasked: a dose that changed, telemetry, alarms, a signed status, statistics.

Each has ticks of its own, so that no tick makes two messages of those that come by the clock. All are odd ticks, in
which the pump may wait and no slow condition is looked at; none but those that send a signed status read a slow sensor.
"""

from device.limits import volume_of
from device.wire_values import state_values
from protocol import codes
from protocol import wire_formats as messages
from protocol.compat import const

TYPE_CHECKING = False
if TYPE_CHECKING:
    from device.controller import Controller
    from device.executive import TickStats
    from protocol.link_device import DeviceLink

_TELEMETRY_TICKS = const(10)
_TELEMETRY_AT = const(1)
# 2 Hz: a monitor that waits 1 s at most for a fresh status may miss one (PERMIT-7).
_SIGNED_TICKS = const(50)
_SIGNED_AT = const(27)
_ALARMS_TICKS = const(100)
_ALARMS_AT = const(57)
_STATS_TICKS = const(100)
_STATS_AT = const(47)
# An alarm that changes is told at once, but not so often that telemetry has no room.
_ALARMS_APART_TICKS = const(5)
_TAG_OCTETS = const(16)
_NO_TAG = b"\x00" * 16
_NO_ID = b"\x00" * 8
_BODY_OCTETS = const(128)


class Reports:
    """Speaks of one controller over one link; ``report`` once a tick."""

    def __init__(self, controller: "Controller", link: "DeviceLink", tick_stats: "TickStats") -> None:
        self._controller = controller
        self._link = link
        self._stats = tick_stats
        self._told_id = controller.dose.dose_id
        self._told_state = controller.dose.state
        # The dose before, as long as nobody was told how it ended.
        self._owed_id = _NO_ID
        self._told_latched = 0
        self._told_present = 0
        self._told_acknowledged = 0
        self._alarms_after = 0
        self._signed = ()  # type: tuple
        self._body = memoryview(bytearray(_BODY_OCTETS))

    def report(self) -> None:
        """Queue what this tick has to say."""
        controller = self._controller
        dose = controller.dose
        if self._told_state != dose.state or self._told_id != dose.dose_id:
            self._tell_dose(controller.orders.find(dose.dose_id))
        if self._owed_id != _NO_ID:
            self._tell_owed()
        ticks = controller.ticks
        if ticks % _TELEMETRY_TICKS == _TELEMETRY_AT:
            self._telemetry()
        elif ticks % _SIGNED_TICKS == _SIGNED_AT:
            self._sign_status()
        elif self._signed and ticks & 1:
            # Signing takes longer than sending: each has a tick, and neither tops up the grant.
            self._link.datagram(messages.SIGNED_STATUS, *self._signed)
            self._signed = ()
        elif ticks % _ALARMS_TICKS == _ALARMS_AT or self._alarms_changed():
            self._alarms()
        elif ticks % _STATS_TICKS == _STATS_AT:
            self._link_stats()

    def _tell_dose(self, values: tuple) -> None:
        """Tell the dose's state when it is another one; an outcome that is not durable yet waits until it is."""
        if values[1] == codes.DOSE_STOPPING != self._controller.dose.state:
            return
        if values[0] != self._told_id and codes.DOSE_ACCEPTED <= self._told_state <= codes.DOSE_STOPPING:
            self._owed_id = self._told_id
        if values[1] != self._told_state or values[0] != self._told_id:
            self._told_id = values[0]
            self._told_state = values[1]
            self._link.unsolicited(messages.DOSE_STATE, *values)

    def _tell_owed(self) -> None:
        """Tell how the dose ended whose place a rescue has taken, as soon as that is durable."""
        values = self._controller.orders.find(self._owed_id)
        if values[1] != codes.DOSE_STOPPING:
            self._owed_id = _NO_ID
            self._link.unsolicited(messages.DOSE_STATE, *values)

    def _telemetry(self) -> None:
        controller = self._controller
        dose = controller.dose
        sensors = controller.sensors
        self._link.datagram(
            messages.TELEMETRY,
            *(
                state_values(controller)
                + (controller.alarms.highest,)
                + self._dose_now()
                + (
                    dose.rate_nl_s(),
                    sensors.pressure.pa,
                    sensors.flow.flow_nl_s,
                    sensors.temperature.mdegc,
                    sensors.density.permille,
                    sensors.supply.mv,
                )
            ),
        )

    def _dose_now(self) -> tuple:
        """Return id, state, emitted and granted steps and emitted volume of the running or last dose."""
        dose = self._controller.dose
        if dose.open():
            # Without the volumes to patient and waste, which cost more than all the rest.
            pump = dose.pump
            steps = pump.emitted_steps
            return (dose.dose_id, dose.state, steps, pump.granted_steps, volume_of(steps))
        values = self._controller.orders.find(dose.dose_id)
        return values[:2] + values[8:11]

    def _alarms_changed(self) -> bool:
        alarms = self._controller.alarms
        if self._alarms_after > 0:
            self._alarms_after -= 1
            return False
        return (
            alarms.latched != self._told_latched
            or alarms.present != self._told_present
            or alarms.acknowledged != self._told_acknowledged
        )

    def _alarms(self) -> None:
        controller = self._controller
        alarms = controller.alarms
        self._told_latched = alarms.latched
        self._told_present = alarms.present
        self._told_acknowledged = alarms.acknowledged
        self._alarms_after = _ALARMS_APART_TICKS
        self._link.datagram(
            messages.ALARMS,
            controller.now_ms,
            alarms.present,
            alarms.latched,
            alarms.acknowledged,
            alarms.first,
            alarms.highest,
            alarms.priority,
            alarms.audio_paused_s(controller.now_ms),
        )

    def _sign_status(self) -> None:
        """Sign what a monitor has to know, for the next odd tick. Without a key nothing is said that looks signed."""
        controller = self._controller
        keys = controller.kept.keys
        if not keys.has(codes.SLOT_STATUS) or not self._link.session_open:
            return
        values = self._signed_values()
        length = messages.encode_body(messages.SIGNED_STATUS, self._body, 0, *(values + (_NO_TAG,)))
        tag = keys.tag(codes.SLOT_STATUS, messages.SIGNED_STATUS, self._body, length - _TAG_OCTETS)
        self._signed = values + (tag,)

    def _signed_values(self) -> tuple:
        controller = self._controller
        dose = controller.dose
        kept = controller.kept
        treatment = kept.treatment
        agent = controller.cartridges.all[codes.CHANNEL_AGENT]
        dose_values = controller.orders.find(dose.dose_id)
        return (
            kept.rig,
            controller.boot,
            controller.authority.next_counter(codes.SLOT_STATUS),
            controller.now_ms,
            treatment.id,
            dose.dose_id,
            agent.lot if agent.state == codes.CARTRIDGE_GOOD else _NO_ID,
            controller.device_state(),
            dose_values[1],
            controller.latches.stop_cause,
            controller.latches.hold_cause,
            dose_values[8],
            dose_values[12],
            treatment.agent_min_nl,
            treatment.agent_max_nl,
            treatment.counter_max_nl,
        )

    def _link_stats(self) -> None:
        link = self._link
        stats = self._stats
        link.datagram(
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
