"""What the line between plunger and tip does to a dose: how much went to the patient, and how much to waste.

Two witnesses are heard. The steps: what was emitted, less backlash, friction grain and what the line stored when the
valve was released. The flow sensor: what passed it while the valve stood on the patient. Each gives an interval that
holds its own error bounds; the dose is reported as their intersection, or, when they contradict each other, as the
hull of both.
Bounds are those of the reference rig R1 ("range to be tried"), so they hold for a rig that was never calibrated.
"""

from device.limits import volume_of
from protocol.compat import const

# The bore is known to 1 % before calibration.
_BORE_PERMILLE = const(10)
# Lead-screw backlash 15 um and a stick-slip grain of 100 nL (at worst half as much again) may be missing.
_BACKLASH_NL = const(270)
FRICTION_NL = const(150)
# Line compliance, and the sensor's gain error and lag: 50 ms its own, 30 ms the quick filter's.
_COMPLIANCE_MIN_NL_KPA = const(50)
_COMPLIANCE_MAX_NL_KPA = const(1000)
_PRESSURE_GAIN_PERMILLE = const(30)
_PRESSURE_LAG_MS = const(80)
# Flow sensor: gain error 10 %, integrated noise, lag 100 ms at the last flow, valve travel 10 ms.
_FLOW_GAIN_PERMILLE = const(100)
_FLOW_NOISE_NL = const(60)
_FLOW_LAG_MS = const(110)
_PL_PER_NL = const(1000)


class LineAccount:
    """The account of one dose. All volumes in nL, at least / at most."""

    def __init__(self) -> None:
        self.patient_min_nl = 0
        self.patient_max_nl = 0
        self.waste_min_nl = 0
        self.waste_max_nl = 0
        self.open()

    def open(self) -> None:
        """Begin the account of a new dose; the valve is released and the line relieved."""
        self.patient_min_nl = self.patient_max_nl = 0
        self.waste_min_nl = self.waste_max_nl = 0
        self._relieved_min_nl = 0
        self._relieved_max_nl = 0
        self._flow_nl = 0
        self._flow_rest_pl = 0
        self._flow_lag_nl = 0
        self._flow_trusted = True

    def flowed(self, flow_nl_s: int, interval_ms: int, trusted: bool) -> None:
        """Count ``interval_ms`` of flow with the valve on the patient; a sensor untrusted once is not heard at all."""
        if not trusted:
            self._flow_trusted = False
            return
        pl = self._flow_rest_pl + flow_nl_s * interval_ms
        self._flow_nl += pl // _PL_PER_NL
        self._flow_rest_pl = pl % _PL_PER_NL

    def released(self, pressure_pa: int, error_pa: int, flow_nl_s: int, inflow_nl_s: int) -> None:
        """The valve leaves the patient: what the line stores goes to waste.

        ``pressure_pa`` is known to ``error_pa``; ``inflow_nl_s`` is what the pump pushed until now, 0 when it rested.
        """
        error_pa += pressure_pa * _PRESSURE_GAIN_PERMILLE // 1000
        low_pa = pressure_pa - error_pa
        if low_pa > 0 and inflow_nl_s > 0:
            # While the pump pushes, the pressure read is not above the true one; while it falls, it may be.
            self._relieved_min_nl += low_pa * _COMPLIANCE_MIN_NL_KPA // 1000
        # A pressure that still rises is read late: the line has stored at most the inflow of that time more.
        self._relieved_max_nl += (pressure_pa + error_pa) * _COMPLIANCE_MAX_NL_KPA // 1000 + 1
        self._relieved_max_nl += inflow_nl_s * _PRESSURE_LAG_MS // 1000
        last_nl_s = max(flow_nl_s, inflow_nl_s)
        if last_nl_s > 0:
            self._flow_lag_nl += last_nl_s * _FLOW_LAG_MS // 1000 + 1

    def close(self, emitted_steps: int) -> None:
        """Set the four figures for a dose that emitted ``emitted_steps`` and whose valve is released."""
        if emitted_steps == 0:
            # Without a step nothing moves: the pressures and flows seen were noise.
            self.patient_min_nl = self.patient_max_nl = self.waste_min_nl = self.waste_max_nl = 0
            return
        emitted_nl = volume_of(emitted_steps)
        bore_nl = emitted_nl * _BORE_PERMILLE // 1000 + 1
        # What the plunger's friction held back in an earlier dose may come with this one.
        pushed_max = emitted_nl + bore_nl + FRICTION_NL
        pushed_min = emitted_nl - bore_nl - _BACKLASH_NL - FRICTION_NL
        low = pushed_min - self._relieved_max_nl
        high = pushed_max - self._relieved_min_nl
        if self._flow_trusted:
            low, high = self._heard(low, high)
        self.patient_min_nl = low if low > 0 else 0
        self.patient_max_nl = high if high > self.patient_min_nl else self.patient_min_nl
        low = pushed_min - self.patient_max_nl
        self.waste_min_nl = low if low > 0 else 0
        high = pushed_max - self.patient_min_nl
        self.waste_max_nl = high if high > 0 else 0

    def _heard(self, low: int, high: int) -> tuple:
        """Return the interval of the steps joined with the flow sensor's."""
        measured = self._flow_nl
        error = (measured if measured > 0 else -measured) * _FLOW_GAIN_PERMILLE // (
            1000 - _FLOW_GAIN_PERMILLE
        ) + _FLOW_NOISE_NL
        flow_low = measured - error
        flow_high = measured + error + self._flow_lag_nl
        if flow_low > high or flow_high < low:
            return (min(low, flow_low), max(high, flow_high))
        return (max(low, flow_low), min(high, flow_high))
