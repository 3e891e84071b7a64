"""What the line between plunger and tip does to a dose: how much went to the patient, and how much to waste.

Two witnesses are heard. The steps: what was emitted, less backlash, friction grain and what the line stored when the
valve was released. The flow sensor: what passed it while the valve stood on the patient. Each gives an interval that
holds its own error bounds; the dose is reported as their intersection, or, when they contradict each other, as the
hull of both. After an occlusion the steps tell little, for nobody knows what the line has stored; the flow sensor has
seen that it did not go to the patient (FLOW-4).
Bounds are those of the reference rig R1 ("range to be tried") until a calibration gives narrower ones.
"""

from protocol.compat import const

STEP_FL = const(5_608_000)
# The bore is known to 1 %, the flow sensor's gain to 10 % before calibration; 1,000,000 is the gain as delivered.
BORE_ERROR_PPM = const(10_000)
FLOW_ERROR_PPM = const(100_000)
FLOW_GAIN_PPM = const(1_000_000)
# Lead-screw backlash 15 um and a stick-slip grain of 100 nL (at worst half as much again) may be missing.
BACKLASH_NL = const(270)
FRICTION_NL = const(150)
# Line compliance, and the sensor's gain error and lag: 50 ms its own, 30 ms the quick filter's.
COMPLIANCE_MIN_NL_KPA = const(50)
COMPLIANCE_MAX_NL_KPA = const(1000)
_PRESSURE_GAIN_PERMILLE = const(30)
_PRESSURE_LAG_MS = const(80)
# Flow sensor: integrated noise, offset (rounding of the reading), lag 100 ms at the last flow, valve travel 10 ms.
_FLOW_NOISE_NL = const(60)
_FLOW_OFFSET_NL_S = const(1)
_FLOW_LAG_MS = const(110)
_PPM = const(1_000_000)


class LineAccount:
    """The account of one dose. All volumes in nL, at least / at most.

    A dose may be released and energised again any number of times: each ``released`` adds what was relieved then.
    """

    def __init__(self) -> None:
        self.patient_min_nl = 0
        self.patient_max_nl = 0
        self.waste_min_nl = 0
        self.waste_max_nl = 0
        self.calibrate(STEP_FL, BORE_ERROR_PPM, FLOW_GAIN_PPM, FLOW_ERROR_PPM)
        self.open()

    def calibrate(
        self,
        step_fl: int,
        bore_error_ppm: int,
        flow_gain_ppm: int,
        flow_error_ppm: int,
        backlash_nl: int = BACKLASH_NL,
    ) -> None:
        """Take a channel's calibration for the doses to come: step volume and flow gain, each with its error.

        ``backlash_nl`` is what the screw's play may still swallow of the next one.
        """
        self.backlash_nl = backlash_nl
        self._step_fl = step_fl
        self._bore_error_ppm = bore_error_ppm
        self._flow_gain_ppm = flow_gain_ppm
        self._flow_error_ppm = flow_error_ppm

    def open(self, to_patient: bool = True, clear_steps: int = 0) -> None:
        """Begin the account of a new dose; the valve is released and the line relieved.

        The first ``clear_steps`` of a dose to the patient go to the waste: enough of them to take up the screw's play.
        """
        self._clear_steps = clear_steps
        self.patient_min_nl = self.patient_max_nl = 0
        self.waste_min_nl = self.waste_max_nl = 0
        self._to_patient = to_patient
        self._doubted_steps = 0
        self._relieved_min_nl = 0
        self._relieved_max_nl = 0
        self._flow_nl = 0
        self._flow_rest_pl = 0
        self._flow_ms = 0
        self._flow_lag_nl = 0
        self._flow_trusted = True

    def flowed(self, flow_nl_s: int, interval_ms: int, trusted: bool) -> None:
        """Count ``interval_ms`` of flow; a sensor untrusted once is not heard at all.

        For a dose that is with the valve on the patient, for a run that is weighed from its beginning to its end.
        """
        if not trusted:
            self._flow_trusted = False
            return
        pl = self._flow_rest_pl + flow_nl_s * interval_ms
        self._flow_nl += pl // 1000
        self._flow_rest_pl = pl % 1000
        self._flow_ms += interval_ms

    def doubt(self, steps: int) -> None:
        """Take that so many steps of the dose may have left without moving the plunger."""
        self._doubted_steps += steps

    def heard_nl(self) -> int:
        """Return what the flow sensor has counted, as delivered and without its gain, nL; 0 when it is not heard."""
        return self._flow_nl if self._flow_trusted else 0

    def released(self, pressure_pa: int, error_pa: int, flow_nl_s: int, inflow_nl_s: int) -> None:
        """The valve leaves the patient: what the line stores goes to waste.

        ``pressure_pa`` is known to ``error_pa``; ``inflow_nl_s`` is what the pump pushed until now, 0 when it rested.
        """
        error_pa += pressure_pa * _PRESSURE_GAIN_PERMILLE // 1000
        low_pa = pressure_pa - error_pa
        if low_pa > 0 and inflow_nl_s > 0:
            # While the pump pushes, the pressure read is not above the true one; while it falls, it may be.
            self._relieved_min_nl += low_pa * COMPLIANCE_MIN_NL_KPA // 1000
        self._relieve(pressure_pa + error_pa, inflow_nl_s)
        last_nl_s = max(flow_nl_s, inflow_nl_s)
        if last_nl_s > 0:
            self._flow_lag_nl += last_nl_s * _FLOW_LAG_MS // 1000 + 1

    def interrupted(self, pressure_pa: int, error_pa: int, inflow_nl_s: int) -> None:
        """The valve may have left the patient without being told to, for how long nobody knows: arguments as above.

        What the line stores may have gone to waste, and what the flow sensor hears may go there.
        """
        self._relieve(pressure_pa + error_pa + pressure_pa * _PRESSURE_GAIN_PERMILLE // 1000, inflow_nl_s)
        self._flow_trusted = False

    def _relieve(self, most_pa: int, inflow_nl_s: int) -> None:
        """Add what a line at this pressure stores at most to what may have gone to waste."""
        self._relieved_max_nl += most_pa * COMPLIANCE_MAX_NL_KPA // 1000 + 1
        # A pressure that still rises is read late: the line has stored at most the inflow of that time more.
        self._relieved_max_nl += inflow_nl_s * _PRESSURE_LAG_MS // 1000

    def pushed(self, steps: int) -> tuple:
        """Return what ``steps`` pushed into the line, at least and at most, nL.

        What the plunger's friction held back in an earlier dose may come with this one.
        """
        emitted_nl = steps * self._step_fl // _PPM
        bore_nl = emitted_nl * self._bore_error_ppm // _PPM + 1
        doubted_nl = self._doubted_steps * self._step_fl // _PPM + 1 if self._doubted_steps else 0
        least_nl = emitted_nl - doubted_nl - bore_nl - self.backlash_nl - FRICTION_NL
        return (max(0, least_nl), emitted_nl + bore_nl + FRICTION_NL)

    def _pushed_behind(self, emitted_steps: int) -> tuple:
        """Return what was pushed behind the steps that cleared the line: their plunger has no play any more."""
        low, high = self.pushed(emitted_steps - self._clear_steps)
        return (low + self.backlash_nl if self._clear_steps and low else low, high)

    def close(self, emitted_steps: int) -> None:
        """Set the four figures for a dose that emitted ``emitted_steps`` and whose valve is released."""
        self.patient_min_nl = self.patient_max_nl = self.waste_min_nl = self.waste_max_nl = 0
        if emitted_steps == 0:
            # Without a step nothing moves: the pressures and flows seen were noise.
            return
        pushed_min, pushed_max = self.pushed(emitted_steps)
        if not self._to_patient or emitted_steps <= self._clear_steps:
            self.waste_min_nl, self.waste_max_nl = pushed_min, pushed_max
            return
        low, high = self._pushed_behind(emitted_steps)
        low -= self._relieved_max_nl
        high -= self._relieved_min_nl
        if self._flow_trusted:
            low, high = self._heard(low, high)
        self.patient_min_nl = max(0, low)
        self.patient_max_nl = max(self.patient_min_nl, high)
        self.waste_min_nl = max(0, pushed_min - self.patient_max_nl)
        self.waste_max_nl = max(0, pushed_max - self.patient_min_nl)
        if self._clear_steps:
            self.waste_min_nl = max(self.waste_min_nl, self.pushed(self._clear_steps)[0])

    def _heard(self, low: int, high: int) -> tuple:
        """Return the interval of the steps joined with the flow sensor's."""
        measured = self._flow_nl * self._flow_gain_ppm // _PPM
        error = abs(measured) * self._flow_error_ppm // (_PPM - self._flow_error_ppm)
        error += _FLOW_NOISE_NL + self._flow_ms * _FLOW_OFFSET_NL_S // 1000
        flow_low = measured - error
        flow_high = measured + error + self._flow_lag_nl
        if flow_low > high or flow_high < low:
            return (min(low, flow_low), max(high, flow_high))
        return (max(low, flow_low), min(high, flow_high))
