"""Watches what the flow and the pressure sensor say against the steps that left the pin and what a line can do.

Every rule is a leaky integrator of volume: it adds what contradicts the line model, takes away what the model allows
to be wrong, never falls below nothing, and trips when a volume stands there that noise never brings together. So a
gross fault is found at once and a small one as soon as it matters, whatever the rate.

The line model is an interval, that of the reference rig R1 ("range to be tried"): compliance before the flow sensor,
0.05..1 uL/kPa; resistance behind it, 0.5..10 kPa per uL/s; so a time constant of at most 10 s. The line's own
resistance is learned within a run, its compliance from the end of one, and what departs from them counts.

    flow low, pressure high for it  occlusion        flow without steps, or more than they explain  free flow
    flow low, pressure low          leak             flow backwards                                 reverse flow
    no flow, no pressure            stall            cumulated flow departs from steps and storage  deviation
"""

from device.line import COMPLIANCE_MAX_NL_KPA
from device.line_model import LineModel
from protocol import codes
from protocol.compat import const

TYPE_CHECKING = False
if TYPE_CHECKING:
    from device.drivers.flow import FlowSensor
    from device.drivers.pressure import PressureSensor

_STEP_PL = const(5608)
# Flow gain: 4096 is as delivered.
GAIN_ONE = const(4096)
# FLOW-2: 10 % or 1 uL. What sensor and bore may be off after calibration, 3 % together, is taken from it beforehand,
# and from the microlitre what an unknown line seems to store when its pressure is read 0.35 kPa too high by noise.
# Backlash and friction's grain, 420 nL at most, stay within.
_PATIENT_PERMILLE = const(70)
_DEPARTURE_PL = const(650_000)
# To the waste a rig may be run to calibrate it: flow 10 % and bore 1 % off, and as much again.
_WASTE_PERMILLE = const(220)
# Flow is read 100 ms late at worst; a rising pressure, too: sensor 50 ms, quick filter 30 ms.
_LATE_MS = const(180)
# What a reading may be off for long: rounding and offset.
_DRIFT_NL_S = const(15)
# Free flow: more than one stick-slip grain of 150 nL, seen 10 % too large, over the margin of the rate.
_FREE_PL = const(400_000)
_FREE_AT_REST_PL = const(150_000)
_REVERSE_PL = const(150_000)
# After the valve was released the line relieves itself: five times the longest time constant of that is 1 s.
_RELIEF_TICKS = const(300)
# Flow beyond the rate, and short of it: gain of the sensor 10 %, bore 1 %, and a margin.
_HIGH_PERMILLE = const(1130)
_LOW_PERMILLE = const(850)
# More than a grain and the backlash; and less than 2 uL by what flows until the trip.
_SHORT_PL = const(1_100_000)
# Ticks in the longest time constant of a line: 10 s.
_SLOWEST_TICKS = const(1000)
# What the pressure may be off: its zero, its noise.
_PRESSURE_MARGIN_PA = const(400)
# More than a stick-slip grain whose pressure is read later than its flow.
_BLOCKED_PL = const(250_000)
# A pressure below what the flow demands, for half a second.
_LOW_TICKS = const(50)


class Supervision:
    """Judges one tick at a time; allocates nothing. Works at rest, too: a line without a dose must not flow.

    Call ``begin`` when the valve is energised or a run to the waste starts, ``rest`` when the valve is released or the
    run has ended, ``tick`` every tick right after the sensors were read. While one of the sensors is faulty nothing is
    judged: that is an alarm of its own.
    """

    def __init__(self, pressure: "PressureSensor", flow: "FlowSensor") -> None:
        self._pressure = pressure
        self._flow = flow
        self._line = LineModel(pressure)
        self._step_pl = _STEP_PL
        self._gain = GAIN_ONE
        self._open = False
        self._passed_pl = 0
        self._reverse_pl = 0
        self._relief_ticks = _RELIEF_TICKS
        self.begin(True)
        self._open = False

    def calibrate(self, step_fl: int, flow_gain_ppm: int) -> None:
        """Take the volume of a step and the gain of the flow sensor for the runs to come."""
        self._step_pl = (step_fl + 500) // 1000
        self._gain = flow_gain_ppm * GAIN_ONE // 1_000_000

    def begin(self, to_patient: bool) -> None:
        """A run begins or goes on: the valve is on the patient from now on, or a run to the waste starts."""
        self._open = True
        self._permille = _PATIENT_PERMILLE if to_patient else _WASTE_PERMILLE
        self._line.begin(to_patient)
        self._emitted_pl = 0
        self._missing_pl = 0
        self._free_pl = 0
        self._blocked_pl = 0
        self._short_pl = 0
        self._short_pa = self._line.slow_pa()
        self._low_k = 0
        self._high_k = 0

    def rest(self) -> None:
        """The valve is released and no step follows: what the line stores is relieved."""
        if self._open:
            self._line.end()
            self._open = False
            self._relief_ticks = _RELIEF_TICKS
            self._free_pl = 0

    @property
    def stored_nl(self) -> int:
        """What the line stores now, nL: what was emitted and did not pass, within what the pressure allows."""
        return self._line.stored_nl(self._missing_pl // 1000)

    def tick(self, steps: int, rate_nl_s: int, interval_ms: int) -> int:
        """Judge one tick and return a CAUSE_, CAUSE_NONE when all is well.

        ``steps`` were counted as emitted since the last tick, ``rate_nl_s`` is commanded now (0 when no step may come).
        """
        if self._flow.faulty or self._pressure.faulty:
            return codes.CAUSE_NONE
        flow_nl_s = self._flow.flow_nl_s * self._gain >> 12
        self._line.take(flow_nl_s)
        self._passed_pl = flow_nl_s * interval_ms
        reverse_pl = self._reverse_pl - self._passed_pl - _DRIFT_NL_S * interval_ms
        if reverse_pl > _REVERSE_PL:
            # No more is kept than what trips: the cause is gone when the flow is.
            self._reverse_pl = _REVERSE_PL
            return codes.CAUSE_REVERSE_FLOW
        self._reverse_pl = reverse_pl if reverse_pl > 0 else 0
        if not self._open:
            return self._resting(interval_ms)
        pushed_pl = steps * self._step_pl
        self._balance(pushed_pl, rate_nl_s, interval_ms)
        self._fall_short(pushed_pl, rate_nl_s)
        return self._judge(rate_nl_s)

    def _resting(self, interval_ms: int) -> int:
        if self._relief_ticks > 0:
            self._relief_ticks -= 1
            return codes.CAUSE_NONE
        free_pl = self._free_pl + self._passed_pl - _DRIFT_NL_S * interval_ms
        if free_pl > _FREE_AT_REST_PL:
            self._free_pl = _FREE_AT_REST_PL
            return codes.CAUSE_FREE_FLOW
        self._free_pl = free_pl if free_pl > 0 else 0
        return codes.CAUSE_NONE

    def _balance(self, pushed_pl: int, rate_nl_s: int, interval_ms: int) -> None:
        """Add this tick to what flowed too much, and to what the pressure drives and does not flow."""
        passed_pl = self._passed_pl
        self._emitted_pl += pushed_pl
        self._missing_pl += pushed_pl - passed_pl
        # As the flow of the quickest line while it rises, as that of the slowest line while it falls.
        high_k = self._high_k - self._high_k // _SLOWEST_TICKS
        if high_k < rate_nl_s * _HIGH_PERMILLE:
            high_k = rate_nl_s * _HIGH_PERMILLE
        self._high_k = high_k
        sum_pl = self._free_pl + passed_pl - (high_k // 1000 + _DRIFT_NL_S) * interval_ms
        self._free_pl = sum_pl if sum_pl > 0 else 0
        line = self._line
        driven_nl_s = (line.trailing_pa() - _PRESSURE_MARGIN_PA) * 16 // line.most_resistance
        sum_pl = self._blocked_pl - passed_pl + (driven_nl_s - _DRIFT_NL_S) * interval_ms
        self._blocked_pl = sum_pl if sum_pl > 0 else 0

    def _fall_short(self, pushed_pl: int, rate_nl_s: int) -> None:
        """Add this tick to what flowed too little: less than the slowest line lets through of what was pushed.

        A line that has once let the whole rate through is not a slow one.
        """
        low_k = rate_nl_s * _LOW_PERMILLE
        if low_k > self._low_k and low_k > self._line.flow_nl_s * 1000:
            low_k = self._low_k + (low_k - self._low_k) // _SLOWEST_TICKS
        self._low_k = low_k
        if rate_nl_s > 0:
            pushed_pl = pushed_pl * (low_k // rate_nl_s) // 1000
        short_pl = self._short_pl + pushed_pl - self._passed_pl
        if short_pl <= 0:
            short_pl = 0
            self._short_pa = self._line.slow_pa()
        self._short_pl = short_pl

    def _judge(self, rate_nl_s: int) -> int:
        """Return the cause of the first integrator that is full."""
        if self._free_pl > _FREE_PL:
            return codes.CAUSE_FREE_FLOW
        # When the flow ends, the pressure is read to fall 10 ms later than the flow at worst.
        if self._blocked_pl > _BLOCKED_PL + self._high_k // 100:
            return codes.CAUSE_OCCLUSION
        if self._short_pl > _SHORT_PL:
            return self._name_shortage()
        line = self._line
        if rate_nl_s == 0:
            line.relax(self._passed_pl)
        elif self._emitted_pl:
            line.learn()
        if line.low_ticks > _LOW_TICKS:
            return codes.CAUSE_LEAK
        return self._departure()

    def _name_shortage(self) -> int:
        """A volume has not passed: say whether it presses in the line, or is lost."""
        # In an occluded line the whole of it is stored: 1 Pa for each 1000 pL at the highest compliance.
        pa = max(self._pressure.pa, self._line.slow_pa())
        if pa - self._short_pa > self._short_pl * 6 // (10 * COMPLIANCE_MAX_NL_KPA):
            return codes.CAUSE_OCCLUSION
        return self._line.name_loss(self._low_k // 1000)

    def _departure(self) -> int:
        """FLOW-2: the cumulated flow against what was emitted less what the line may have kept."""
        allowed_pl = self._emitted_pl // 1000 * self._permille
        if allowed_pl < _DEPARTURE_PL:
            allowed_pl = _DEPARTURE_PL
        allowed_pl += self._high_k // 1000 * _LATE_MS
        if self._missing_pl < -allowed_pl:
            return codes.CAUSE_DEVIATION
        missing_pl = self._missing_pl - allowed_pl
        if missing_pl <= 0 or missing_pl <= self._line.leading_pa() * self._line.compliance_nl_kpa:
            return codes.CAUSE_NONE
        cause = self._line.name_loss(self._low_k // 1000)
        if cause == codes.CAUSE_LEAK and self._missing_pl * 5 < self._emitted_pl:
            return codes.CAUSE_DEVIATION
        return cause
