"""What a technician has weighed: the true volume of a channel's micro-step and the flow sensor's gain, while in date.

A calibration is made of runs to the waste that were weighed, each confirmed by a person. Runs that follow each other
without another dose between count together: what friction holds back of one comes with the next, so that the error of
their sum is that of one. Without a calibration, and once its date is over or nobody has told the date, a step keeps its
best known volume and gets the error of an uncalibrated bore.
"""

import struct

from device.journal_cells import CELL_CALIBRATION
from device.limits import BORE_ERROR_PPM, STEP_FL
from device.line import BACKLASH_NL, FLOW_ERROR_PPM, FLOW_GAIN_PPM, FRICTION_NL
from device.treatment import NO_ID
from protocol import codes
from protocol.compat import const

TYPE_CHECKING = False
if TYPE_CHECKING:
    from device.dose_state import DoseState
    from device.journal import Journal
    from device.treatment import Treatment

_CHANNELS = const(3)
_FORMAT = "<IHIIHH"
_PPM = const(1_000_000)
# A year; and the smallest run, whose friction is still a few parts in a thousand.
VALID_DAYS = const(365)
MIN_RUN_NL = const(50_000)
# Two readings of a scale of 2 nL, four standard deviations, and roundings.
WEIGHED_NL = const(20)
# A bore is within 1 % of its data sheet, and the weighing within 1 %; anything else is a fault, not a calibration.
MOST_OFF_PPM = const(20_000)
# After calibration the flow sensor is as good as it repeats: 0.5 % of the reading (data sheet), and as much for heat.
FLOW_REPEAT_PPM = const(10_000)
# What is counted together at most: half a syringe.
MOST_TOGETHER_NL = const(500_000)

_STEP_FL = const(0)
_GAIN = const(2)
_ERROR = const(3)
_EXPIRY = const(5)


class Weighings:
    """Runs of one channel and day that follow each other, and their sums.

    ``backlash_nl`` is what the screw's play may have swallowed of the first.
    """

    def __init__(self, channel: int, day: int, backlash_nl: int) -> None:
        self.channel = channel
        self.day = day
        self._steps = 0
        self._weighed_nl = 0
        self._heard_nl = 0
        self._error_nl = FRICTION_NL + backlash_nl

    def agree(self, steps: int, weighed_nl: int) -> bool:
        """Whether another run is what those so far let expect, and is not too much."""
        if self._weighed_nl + weighed_nl > MOST_TOGETHER_NL:
            return False
        expected_nl = self._weighed_nl * steps // self._steps
        allowed_nl = self._error_nl * steps // self._steps + FRICTION_NL + WEIGHED_NL
        return abs(weighed_nl - expected_nl) <= allowed_nl

    def add(self, dose_id: bytes, steps: int, weighed_nl: int, heard_nl: int) -> None:
        """Count one run."""
        self.last_id = dose_id
        self._steps += steps
        self._weighed_nl += weighed_nl
        self._heard_nl += heard_nl
        self._error_nl += WEIGHED_NL

    def row(self) -> tuple:
        """Return the calibration that they make."""
        step_fl = self._weighed_nl * _PPM // self._steps
        gain_ppm = self._weighed_nl * _PPM // self._heard_nl
        error_ppm = self._error_nl * _PPM // self._weighed_nl + 1
        return (step_fl, _backlash_steps(step_fl), gain_ppm, error_ppm, self.day, self.day + VALID_DAYS)


class Calibration:
    """Rows by channel: step_fl, backlash steps at most, flow gain ppm, bore error ppm, made day, expiry day."""

    def __init__(self, journal: "Journal", treatment: "Treatment") -> None:
        self._journal = journal
        self._treatment = treatment
        self.nearest = 0
        self._rows = [self._load(channel) for channel in range(_CHANNELS)]
        # The dose before the last one.
        self._before = NO_ID
        self._weighings: Weighings | None = None

    def row(self, channel: int) -> tuple:
        """Return the values of CALIBRATION behind the channel, with the error that holds today."""
        row = self._rows[channel]
        return row[:_ERROR] + (self.bore_error_ppm(channel),) + row[_ERROR + 1 :]

    def in_date(self, channel: int) -> bool:
        """Whether there is a calibration whose last day is known not to be over."""
        return 0 < self._treatment.day <= self._rows[channel][_EXPIRY]

    def step_fl(self, channel: int) -> int:
        """Return the volume of one micro-step, fL."""
        return self._rows[channel][_STEP_FL]

    def flow_gain_ppm(self, channel: int) -> int:
        """Return the factor of the flow sensor's readings, ppm."""
        return self._rows[channel][_GAIN]

    def bore_error_ppm(self, channel: int) -> int:
        """Return how far ``step_fl`` may be off today, ppm."""
        return self._rows[channel][_ERROR] if self.in_date(channel) else BORE_ERROR_PPM

    def flow_error_ppm(self, channel: int) -> int:
        """Return how far the flow sensor may be off today once its gain is applied, ppm."""
        return FLOW_REPEAT_PPM if self.in_date(channel) else FLOW_ERROR_PPM

    def began(self, last_dose_id: bytes) -> None:
        """A dose of any kind begins, after ``last_dose_id``."""
        self._before = last_dose_id

    def judge(self, dose_id: bytes, weighed_nl: int, dose: "DoseState") -> int:
        """Return why a weighing makes no calibration; ``nearest`` is the nearest volume that would."""
        self.nearest = 0
        if self._treatment.day == 0:
            return codes.REASON_NO_DATE
        run = dose.kind == codes.KIND_CALIBRATE and dose.state == codes.DOSE_DELIVERED and dose.asked_nl >= MIN_RUN_NL
        weighings = self._weighings
        again = weighings is not None and weighings.last_id == dose_id
        if dose.dose_id != dose_id or again or not run:
            return codes.REASON_NOT_CALIBRATED
        nominal_nl = dose.pump.emitted_steps * STEP_FL // _PPM
        margin_nl = nominal_nl * MOST_OFF_PPM // _PPM
        if abs(weighed_nl - nominal_nl) > margin_nl:
            self.nearest = nominal_nl - margin_nl if weighed_nl < nominal_nl else nominal_nl + margin_nl
            return codes.REASON_NOT_CALIBRATED
        heard_nl = dose.line.heard_nl()
        if abs(heard_nl - weighed_nl) > weighed_nl * FLOW_ERROR_PPM // _PPM:
            # The flow sensor was faulty, or is worse than it can be: it has no gain to be told.
            return codes.REASON_NOT_CALIBRATED
        return codes.REASON_NONE

    def confirm(self, dose_id: bytes, weighed_nl: int, dose: "DoseState") -> None:
        """A person stands for the weighing: take it, when it is still of the last run."""
        if self.judge(dose_id, weighed_nl, dose) != codes.REASON_NONE:
            return
        steps = dose.pump.emitted_steps
        weighings = self._followed_by(dose.channel, steps, weighed_nl)
        if weighings is None:
            weighings = Weighings(dose.channel, self._treatment.day, dose.line.backlash_nl)
        weighings.add(dose_id, steps, weighed_nl, dose.line.heard_nl())
        self._weighings = weighings
        row = weighings.row()
        if self._journal.store(CELL_CALIBRATION + dose.channel, struct.pack(_FORMAT, *row)):
            self._rows[dose.channel] = row

    def _followed_by(self, channel: int, steps: int, weighed_nl: int) -> "Weighings | None":
        """Return the weighings that a run follows and agrees with, None where it begins anew."""
        weighings = self._weighings
        if weighings is None or weighings.last_id != self._before:
            return None
        if weighings.channel != channel or weighings.day != self._treatment.day:
            return None
        return weighings if weighings.agree(steps, weighed_nl) else None

    def _load(self, channel: int) -> tuple:
        payload = self._journal.load(CELL_CALIBRATION + channel)
        if payload is None or len(payload) != struct.calcsize(_FORMAT):
            return (STEP_FL, _backlash_steps(STEP_FL), FLOW_GAIN_PPM, BORE_ERROR_PPM, 0, 0)
        return struct.unpack(_FORMAT, payload)


def _backlash_steps(step_fl: int) -> int:
    """Return the steps that a screw loses at most when it turns round: no run turns, so none measures it."""
    return BACKLASH_NL * _PPM // step_fl
