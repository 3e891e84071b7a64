"""Calibration from weighed runs: the rules alone, with runs, weighings and dates that the test makes up."""

import itertools

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from device.calibration import (
    FLOW_REPEAT_PPM,
    MIN_RUN_NL,
    MOST_TOGETHER_NL,
    VALID_DAYS,
    WEIGHED_NL,
    Calibration,
)
from device.limits import BORE_ERROR_PPM, STEP_FL, steps_of
from device.line import BACKLASH_NL, FLOW_ERROR_PPM, FLOW_GAIN_PPM, FRICTION_NL
from protocol import codes

TODAY = 9_500
RUN_NL = 100_000
FLUSH, AGENT = codes.CHANNEL_FLUSH, codes.CHANNEL_AGENT


class Journal:
    """Cells in a dictionary."""

    def __init__(self):
        self.cells = {}
        self.room = True

    def load(self, cell):
        return self.cells.get(cell)

    def store(self, cell, payload):
        if self.room:
            self.cells[cell] = bytes(payload)
        return self.room


class Treatment:
    day = TODAY


class Run:
    """A dose that was run to the waste: itself, its pump and the account of its line."""

    def __init__(self, dose_id, nl=RUN_NL, heard_nl=None, backlash_nl=0, **changes):
        self.dose_id = dose_id
        self.kind = codes.KIND_CALIBRATE
        self.state = codes.DOSE_DELIVERED
        self.channel = FLUSH
        self.asked_nl = nl
        self.emitted_steps = steps_of(nl)
        self.backlash_nl = backlash_nl
        self.pump = self.line = self
        self._heard_nl = nl if heard_nl is None else heard_nl
        for name, value in changes.items():
            setattr(self, name, value)

    def heard_nl(self):
        return self._heard_nl


class Workshop:
    """A rig's calibration and the technician who weighs one run after the other."""

    def __init__(self):
        self.journal = Journal()
        self.treatment = Treatment()
        self.calibration = Calibration(self.journal, self.treatment)
        self.last_id = b"dose-000"
        self.runs = 0

    def run(self, **changes):
        self.runs += 1
        run = Run(b"dose-%03d" % self.runs, **changes)
        self.calibration.began(self.last_id)
        self.last_id = run.dose_id
        return run

    def weigh(self, weighed_nl, **changes):
        """Run, weigh and confirm; return the reason."""
        run = self.run(**changes)
        reason = self.calibration.judge(run.dose_id, weighed_nl, run)
        self.calibration.confirm(run.dose_id, weighed_nl, run)
        return reason


@pytest.fixture
def shop():
    return Workshop()


def test_a_channel_that_was_never_weighed_has_the_nominal_step_and_the_error_of_an_uncalibrated_bore(shop):
    backlash_steps = BACKLASH_NL * 1_000_000 // STEP_FL
    assert shop.calibration.row(FLUSH) == (STEP_FL, backlash_steps, FLOW_GAIN_PPM, BORE_ERROR_PPM, 0, 0)
    assert shop.calibration.flow_error_ppm(FLUSH) == FLOW_ERROR_PPM


def test_a_weighed_run_gives_step_gain_error_and_dates(shop):
    assert shop.weigh(101_000, heard_nl=99_000) == codes.REASON_NONE
    step_fl, _, gain_ppm, error_ppm, made_day, expiry_day = shop.calibration.row(FLUSH)
    assert step_fl == 101_000 * 1_000_000 // steps_of(RUN_NL)
    assert gain_ppm == 101_000 * 1_000_000 // 99_000
    assert error_ppm == (FRICTION_NL + WEIGHED_NL) * 1_000_000 // 101_000 + 1
    assert (made_day, expiry_day) == (TODAY, TODAY + VALID_DAYS)
    assert shop.calibration.flow_error_ppm(FLUSH) == FLOW_REPEAT_PPM


def test_another_channel_is_not_calibrated_with_it(shop):
    shop.weigh(101_000)
    assert shop.calibration.row(AGENT)[4:] == (0, 0)
    assert shop.calibration.step_fl(AGENT) == STEP_FL


@given(
    bore=st.floats(0.99, 1.01),
    backlash_nl=st.integers(0, BACKLASH_NL),
    lags_nl=st.lists(st.floats(0, FRICTION_NL), min_size=2, max_size=5),
    scale_nl=st.lists(st.floats(-WEIGHED_NL + 1, WEIGHED_NL - 1), min_size=4, max_size=4),
    gain=st.floats(0.92, 1.08),
    run_nl=st.integers(MIN_RUN_NL, RUN_NL),
)
def test_a_calibration_from_any_number_of_weighed_runs_is_within_the_error_that_it_states(
    bore, backlash_nl, lags_nl, scale_nl, gain, run_nl
):
    shop = Workshop()
    true_step_nl = STEP_FL / 1e6 * bore
    for number, (before_nl, after_nl) in enumerate(itertools.pairwise(lags_nl)):
        # What friction holds back at the end of a run comes with the next; the play swallows of the first only.
        pushed_nl = steps_of(run_nl) * true_step_nl + before_nl - after_nl - (0 if number else backlash_nl)
        play_nl = 0 if number else BACKLASH_NL
        reason = shop.weigh(
            round(pushed_nl + scale_nl[number]), nl=run_nl, heard_nl=int(pushed_nl * gain), backlash_nl=play_nl
        )
        assert reason == codes.REASON_NONE
        step_nl = shop.calibration.step_fl(FLUSH) / 1e6
        error_nl = true_step_nl * shop.calibration.bore_error_ppm(FLUSH) / 1e6
        assert abs(step_nl - true_step_nl) <= error_nl + 1e-6


def test_runs_that_follow_each_other_count_together_and_are_better_than_one(shop):
    shop.weigh(100_500, heard_nl=99_000)
    alone_ppm = shop.calibration.bore_error_ppm(FLUSH)
    shop.weigh(100_400, heard_nl=101_000)
    assert shop.calibration.step_fl(FLUSH) == 200_900 * 1_000_000 // (2 * steps_of(RUN_NL))
    assert shop.calibration.flow_gain_ppm(FLUSH) == 200_900 * 1_000_000 // 200_000
    assert shop.calibration.bore_error_ppm(FLUSH) < alone_ppm * 6 // 10


def test_a_dose_between_two_runs_makes_the_second_count_alone(shop):
    shop.weigh(100_500)
    shop.run(kind=codes.KIND_PURGE)
    shop.weigh(100_400)
    assert shop.calibration.step_fl(FLUSH) == 100_400 * 1_000_000 // steps_of(RUN_NL)


@pytest.mark.parametrize("change", ["channel", "day"])
def test_runs_of_another_channel_or_day_do_not_count_together(shop, change):
    shop.weigh(100_500)
    if change == "day":
        shop.treatment.day += 1
    channel = AGENT if change == "channel" else FLUSH
    shop.weigh(100_400, channel=channel)
    assert shop.calibration.step_fl(channel) == 100_400 * 1_000_000 // steps_of(RUN_NL)


# Both runs' friction and weighing.
ALLOWED_NL = 2 * (FRICTION_NL + WEIGHED_NL)


@pytest.mark.parametrize("sign", [-1, 1])
def test_a_run_that_contradicts_the_one_before_begins_anew(shop, sign):
    shop.weigh(100_000)
    shop.weigh(100_000 + sign * (ALLOWED_NL + 1))
    assert shop.calibration.step_fl(FLUSH) == (100_000 + sign * (ALLOWED_NL + 1)) * 1_000_000 // steps_of(RUN_NL)


@pytest.mark.parametrize("sign", [-1, 1])
def test_a_run_that_differs_by_what_friction_and_scale_may_do_counts_together(shop, sign):
    shop.weigh(100_000)
    shop.weigh(100_000 + sign * ALLOWED_NL)
    together_nl = 200_000 + sign * ALLOWED_NL
    assert shop.calibration.step_fl(FLUSH) == together_nl * 1_000_000 // (2 * steps_of(RUN_NL))


def test_half_a_syringe_counts_together_at_most(shop):
    errors_ppm = []
    for _ in range(MOST_TOGETHER_NL // 100_000 + 1):
        shop.weigh(100_000)
        errors_ppm.append(shop.calibration.bore_error_ppm(FLUSH))
    assert errors_ppm[:-1] == sorted(errors_ppm[:-1], reverse=True)
    assert errors_ppm[-1] == errors_ppm[0]


def test_one_run_is_weighed_once(shop):
    run = shop.run()
    shop.calibration.confirm(run.dose_id, 100_500, run)
    row = shop.calibration.row(FLUSH)
    assert shop.calibration.judge(run.dose_id, 100_400, run) == codes.REASON_NOT_CALIBRATED
    shop.calibration.confirm(run.dose_id, 100_400, run)
    assert shop.calibration.row(FLUSH) == row


@given(st.integers(0, 2 * RUN_NL))
@example(RUN_NL)
@example(RUN_NL - RUN_NL // 20)
@example(RUN_NL + RUN_NL // 20)
def test_a_weighing_more_than_three_percent_from_nominal_is_refused_and_the_nearest_named_would_be_taken(weighed_nl):
    shop = Workshop()
    reason = shop.weigh(weighed_nl, heard_nl=weighed_nl)
    nominal_nl = steps_of(RUN_NL) * STEP_FL / 1e6
    if abs(weighed_nl - nominal_nl) > nominal_nl * 0.03:
        assert reason == codes.REASON_NOT_CALIBRATED
    if abs(weighed_nl - nominal_nl) < nominal_nl * 0.019:
        assert (reason, shop.calibration.nearest) == (codes.REASON_NONE, 0)
    if reason != codes.REASON_NONE:
        assert shop.calibration.row(FLUSH)[4:] == (0, 0)
        nearest_nl = shop.calibration.nearest
        assert 0 < abs(weighed_nl - nearest_nl) < abs(weighed_nl - nominal_nl)
        assert shop.weigh(nearest_nl, heard_nl=nearest_nl) == codes.REASON_NONE


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": codes.KIND_PURGE},
        {"kind": codes.KIND_DOSE},
        {"state": codes.DOSE_PARTIAL},
        {"nl": MIN_RUN_NL - 1},
        {"heard_nl": 0},
        {"heard_nl": 89_999},
        {"heard_nl": 110_001},
    ],
)
def test_only_a_whole_calibration_run_of_some_size_that_the_flow_sensor_has_heard_counts(shop, changes):
    assert shop.weigh(changes.get("nl", RUN_NL), **changes) == codes.REASON_NOT_CALIBRATED
    assert shop.calibration.row(FLUSH)[4:] == (0, 0)


@pytest.mark.parametrize("heard_nl", [90_000, 110_000])
def test_a_flow_sensor_may_be_off_by_its_tenth(shop, heard_nl):
    assert shop.weigh(RUN_NL, heard_nl=heard_nl) == codes.REASON_NONE


def test_the_weighing_of_another_dose_is_refused(shop):
    run = shop.run()
    assert shop.calibration.judge(b"another-", RUN_NL, run) == codes.REASON_NOT_CALIBRATED


def test_without_a_date_nothing_is_calibrated(shop):
    shop.treatment.day = 0
    assert shop.weigh(RUN_NL) == codes.REASON_NO_DATE


def test_a_journal_without_room_leaves_the_calibration_as_it_was(shop):
    shop.journal.room = False
    shop.weigh(101_000)
    assert shop.calibration.step_fl(FLUSH) == STEP_FL


def test_the_calibration_is_loaded_again_with_the_next_boot(shop):
    shop.weigh(101_000)
    after = Calibration(shop.journal, shop.treatment)
    assert after.row(FLUSH) == shop.calibration.row(FLUSH)
    assert after.row(AGENT) == shop.calibration.row(AGENT)


@pytest.mark.parametrize(
    ("day", "holds"),
    [(0, False), (1, True), (TODAY, True), (TODAY + VALID_DAYS, True), (TODAY + VALID_DAYS + 1, False)],
)
def test_once_its_date_is_over_or_unknown_the_step_stays_and_its_error_is_that_of_an_uncalibrated_bore(
    shop, day, holds
):
    shop.weigh(101_000)
    step_fl = shop.calibration.step_fl(FLUSH)
    shop.treatment.day = day
    assert shop.calibration.step_fl(FLUSH) == step_fl
    assert (shop.calibration.bore_error_ppm(FLUSH) == BORE_ERROR_PPM) is not holds
    assert (shop.calibration.flow_error_ppm(FLUSH) == FLOW_ERROR_PPM) is not holds
    assert shop.calibration.row(FLUSH)[3] == shop.calibration.bore_error_ppm(FLUSH)
