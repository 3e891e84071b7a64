"""Each rule of line, contents and supervision is broken on purpose; its tests must notice."""

import pytest

from tests.planting import Defect, running, suites


def defect(name: str, file: str, before: str, after: str, tests: str = "") -> Defect:
    return Defect(name, f"{file}.py", before, after, tests or f"test_{file}.py")


def blind(name: str, before: str, after: str, test: str) -> Defect:
    return defect(name, "supervision", before, after, f"test_supervision.py::{test}")


def learned(name: str, before: str, after: str, test: str) -> Defect:
    return defect(name, "line_model", before, after, f"test_supervision.py::{test}")


DEFECTS = (
    defect("plugs-move-by-the-least", "contents", "near - most_nl), far", "near - least_nl), far"),
    defect("plugs-leave-by-the-most", "contents", "far - least_nl)", "far - most_nl)"),
    defect("patient-line-is-purged-too", "contents", "0 if to_patient else PATIENT_LINE_NL, least", "0, least"),
    defect("agent-enters-unseen", "contents", "        if channel == codes.CHANNEL_AGENT:\n", "        if False:\n"),
    defect("agent-longer-than-the-line", "contents", "and volume_nl > LINE_NL", "and False"),
    defect("gap-counts-as-flush", "contents", "self._far[best - 1] = self._far[best]\n", "pass\n"),
    defect(
        "a-new-line-is-clean", "contents", "        self._count = 0\n        self.unknown()", "        self._count = 0"
    ),
    defect("any-plugs-are-believed", "contents", "if not before_nl < near < far <= LINE_NL:", "if False:"),
    defect("line-stores-nothing", "line", "low -= self._relieved_max_nl", "pass"),
    defect(
        "only-the-last-release-counts", "line", "self._relieved_max_nl += most_pa", "self._relieved_max_nl = most_pa"
    ),
    defect("steps-in-doubt-count-as-given", "line", "emitted_nl - doubted_nl - bore_nl", "emitted_nl - bore_nl"),
    defect("only-the-last-dip-counts", "line", "self._doubted_steps += steps", "self._doubted_steps = steps"),
    defect(
        "a-dip-leaves-the-flow-believed", "line", "inflow_nl_s)\n        self._flow_trusted = False", "inflow_nl_s)"
    ),
    defect("waste-goes-to-the-patient", "line", "if not self._to_patient or ", "if "),
    defect("what-clears-the-line-is-the-patients", "line", " - self._clear_steps)", ")"),
    defect("what-clears-the-line-is-no-waste", "line", "or emitted_steps <= self._clear_steps:", "or False:"),
    defect("flow-is-never-heard", "line", "if self._flow_trusted:", "if False:"),
    defect(
        "calibration-of-the-bore-ignored", "line", "emitted_nl = steps * self._step_fl", "emitted_nl = steps * STEP_FL"
    ),
    defect("calibration-of-the-flow-ignored", "line", "self._flow_nl * self._flow_gain_ppm", "self._flow_nl * _PPM"),
    blind(
        "free-flow-at-rest",
        "_FREE_AT_REST_PL = const(150_000)",
        "_FREE_AT_REST_PL = const(900_000)",
        "test_free_flow_through_a_loose_syringe_at_rest_is_found_within_half_a_microlitre",
    ),
    blind(
        "free-flow-in-a-dose",
        "if self._free_pl > _FREE_PL:",
        "if False:",
        "test_free_flow_beside_a_dose_is_found_within_a_microlitre",
    ),
    blind(
        "reverse-flow", "if reverse_pl > _REVERSE_PL:", "if False:", "test_reverse_flow_is_found_at_rest_and_in_a_dose"
    ),
    blind(
        "cause-that-never-ends",
        "self._reverse_pl = _REVERSE_PL\n",
        "self._reverse_pl = reverse_pl\n",
        "test_the_cause_stands_as_long_as_the_flow_and_is_gone_with_it",
    ),
    blind(
        "flow-that-falls-is-free-flow",
        "high_k = self._high_k - self._high_k // _SLOWEST_TICKS",
        "high_k = 0",
        "test_a_healthy_rig_in_the_range_to_be_tried_is_left_alone_in_doses_of_any_rate_and_at_rest",
    ),
    blind(
        "blocked-line",
        "if self._blocked_pl > _BLOCKED_PL + self._high_k // 100:",
        "if False:",
        "test_a_sudden_full_occlusion_in_steady_flow_is_found_within_2_ul",
    ),
    blind(
        "blocked-too-late",
        "_BLOCKED_PL = const(250_000)",
        "_BLOCKED_PL = const(2_500_000)",
        "test_a_sudden_full_occlusion_in_steady_flow_is_found_within_2_ul",
    ),
    blind(
        "noise-is-an-occlusion",
        "_PRESSURE_MARGIN_PA = const(400)",
        "_PRESSURE_MARGIN_PA = const(-800)",
        "test_a_healthy_rig_in_the_range_to_be_tried_is_left_alone_in_doses_of_any_rate_and_at_rest",
    ),
    blind(
        "flow-short-of-the-rate",
        "if self._short_pl > _SHORT_PL:",
        "if False:",
        "test_a_stall_late_in_a_large_dose_is_found_as_soon",
    ),
    blind(
        "every-shortage-is-an-occlusion",
        "if pa - self._short_pa >",
        "if True or pa >",
        "test_a_stall_late_in_a_large_dose_is_found_as_soon",
    ),
    defect(
        "pressure-that-stands-has-risen",
        "supervision",
        "        self._short_pa = self._line.slow_pa()\n        self._low_k = 0\n",
        "        self._short_pa = 0\n        self._low_k = 0\n",
        "test_supervision_departure_edges.py"
        "::test_a_pressure_that_stands_when_a_run_begins_is_no_occlusion_until_it_rises",
    ),
    blind(
        "a-slow-line-is-a-fault",
        "low_k = self._low_k + (low_k - self._low_k) // _SLOWEST_TICKS",
        "pass",
        "test_a_healthy_rig_in_the_range_to_be_tried_is_left_alone_in_doses_of_any_rate_and_at_rest",
    ),
    blind(
        "pressure-too-low",
        "if line.low_ticks > _LOW_TICKS:",
        "if False:",
        "test_a_patient_line_that_has_come_off_is_a_leak",
    ),
    blind(
        "too-much-passed",
        "if self._missing_pl < -allowed_pl:",
        "if False:",
        "test_a_flow_sensor_that_departs_from_the_steps_by_more_than_10_percent_is_a_deviation",
    ),
    blind(
        "too-little-passed",
        "if missing_pl <= 0 or missing_pl",
        "if True or missing_pl",
        "test_steps_without_motion_are_a_stall_within_a_microlitre_and_a_half",
    ),
    blind(
        "twice-what-may-depart",
        "_DEPARTURE_PL = const(650_000)",
        "_DEPARTURE_PL = const(2_640_000)",
        "test_steps_without_motion_are_a_stall_within_a_microlitre_and_a_half",
    ),
    blind(
        "share-that-may-depart",
        "_PATIENT_PERMILLE = const(70)",
        "_PATIENT_PERMILLE = const(150)",
        "test_a_flow_sensor_that_departs_from_the_steps_by_more_than_10_percent_is_a_deviation",
    ),
    blind(
        "waste-judged-like-a-dose",
        "_WASTE_PERMILLE = const(220)",
        "_WASTE_PERMILLE = const(70)",
        "test_a_rig_that_is_not_calibrated_yet_may_be_run_to_the_waste",
    ),
    blind(
        "gain-not-applied",
        "self._gain = flow_gain_ppm * GAIN_ONE // 1_000_000",
        "pass",
        "test_a_calibrated_flow_sensor_does_not_depart",
    ),
    blind(
        "faulty-sensors-believed",
        "if self._flow.faulty or self._pressure.faulty:",
        "if False:",
        "test_a_faulty_sensor_is_not_judged_by",
    ),
    blind(
        "last-run-is-carried-over",
        "        self._missing_pl = 0\n        self._free_pl = 0\n",
        "        self._free_pl = 0\n",
        "test_a_healthy_rig_in_the_range_to_be_tried_is_left_alone_in_doses_of_any_rate_and_at_rest",
    ),
    learned(
        "resistance-not-learned",
        "resistance * 5 // 2",
        "_RESISTANCE_MAX",
        "test_a_sudden_full_occlusion_in_steady_flow_is_found_within_2_ul",
    ),
    learned(
        "waste-may-be-the-patient",
        "if to_patient else _RESISTANCE_BETWEEN",
        "if True else 0",
        "test_a_run_to_the_waste_that_goes_to_the_patient_is_found_by_its_pressure",
    ),
    learned(
        "compliance-not-learned",
        "self.compliance_nl_kpa = min(COMPLIANCE_MAX_NL_KPA, max(",
        "_ = min(0, max(",
        "test_a_line_whose_compliance_was_seen_hides_less",
    ),
    learned(
        "pressure-ahead-of-the-flow",
        "return min(self._pressure.pa, pa)",
        "return pa",
        "test_when_a_fast_dose_ends_in_a_quick_line_its_falling_pressure_is_no_occlusion",
    ),
    learned(
        "stall-is-a-leak",
        "return codes.CAUSE_STALL if",
        "return codes.CAUSE_LEAK if",
        "test_steps_without_motion_are_a_stall_within_a_microlitre_and_a_half",
    ),
    learned(
        "stores-everything-missing",
        "return min(stored_nl, pa",
        "return max(stored_nl, pa",
        "test_what_an_occluded_line_stores_is_estimated",
    ),
)


@pytest.fixture(scope="module")
def runs(request):
    with running(request, DEFECTS, "device", "tests/device") as runs:
        yield runs


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: defect.name)
def test_a_planted_defect_is_noticed(runs, defect):
    runs.must_notice(defect)


@pytest.mark.parametrize("suite", suites(DEFECTS))
def test_a_suite_without_a_defect_passes(runs, suite):
    runs.must_pass(suite)
