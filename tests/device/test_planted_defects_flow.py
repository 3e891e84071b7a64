"""Each rule of line, contents and supervision is broken on purpose; its tests must notice."""

import pytest

from tests.device.planting import Defect, copy_sources, planted, run_suite

SUITES = ("test_contents.py", "test_line.py", "test_supervision.py")


def defect(name: str, file: str, before: str, after: str, tests: str = "") -> Defect:
    return Defect(name, f"{file}.py", before, after, tests or f"test_{file}.py")


def blind(name: str, before: str, after: str) -> Defect:
    return defect(name, "supervision", before, after)


def learned(name: str, before: str, after: str) -> Defect:
    return defect(name, "line_model", before, after, "test_supervision.py")


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
    defect("only-the-last-release-counts", "line", "self._relieved_max_nl += (", "self._relieved_max_nl = ("),
    defect("waste-goes-to-the-patient", "line", "if not self._to_patient or ", "if "),
    defect("what-clears-the-line-is-the-patients", "line", " - self._clear_steps)", ")"),
    defect("what-clears-the-line-is-no-waste", "line", "or emitted_steps <= self._clear_steps:", "or False:"),
    defect("flow-is-never-heard", "line", "if self._flow_trusted:", "if False:"),
    defect("calibration-of-the-bore-ignored", "line", "steps * self._step_fl", "steps * STEP_FL"),
    defect("calibration-of-the-flow-ignored", "line", "self._flow_nl * self._flow_gain_ppm", "self._flow_nl * _PPM"),
    blind("free-flow-at-rest", "_FREE_AT_REST_PL = const(150_000)", "_FREE_AT_REST_PL = const(900_000)"),
    blind("free-flow-in-a-dose", "if self._free_pl > _FREE_PL:", "if False:"),
    blind("reverse-flow", "if reverse_pl > _REVERSE_PL:", "if False:"),
    blind("cause-that-never-ends", "self._reverse_pl = _REVERSE_PL\n", "self._reverse_pl = reverse_pl\n"),
    blind("flow-that-falls-is-free-flow", "high_k = self._high_k - self._high_k // _SLOWEST_TICKS", "high_k = 0"),
    blind("blocked-line", "if self._blocked_pl > _BLOCKED_PL + self._high_k // 100:", "if False:"),
    blind("blocked-too-late", "_BLOCKED_PL = const(250_000)", "_BLOCKED_PL = const(2_500_000)"),
    blind("noise-is-an-occlusion", "_PRESSURE_MARGIN_PA = const(400)", "_PRESSURE_MARGIN_PA = const(-800)"),
    blind("flow-short-of-the-rate", "if self._short_pl > _SHORT_PL:", "if False:"),
    blind("every-shortage-is-an-occlusion", "if pa - self._short_pa >", "if True or pa >"),
    blind("a-slow-line-is-a-fault", "low_k = self._low_k + (low_k - self._low_k) // _SLOWEST_TICKS", "pass"),
    blind("pressure-too-low", "if line.low_ticks > _LOW_TICKS:", "if False:"),
    blind("too-much-passed", "if self._missing_pl < -allowed_pl:", "if False:"),
    blind("too-little-passed", "if missing_pl <= 0 or missing_pl", "if True or missing_pl"),
    blind("twice-what-may-depart", "_DEPARTURE_PL = const(820_000)", "_DEPARTURE_PL = const(2_640_000)"),
    blind("share-that-may-depart", "_PATIENT_PERMILLE = const(70)", "_PATIENT_PERMILLE = const(150)"),
    blind("waste-judged-like-a-dose", "_WASTE_PERMILLE = const(220)", "_WASTE_PERMILLE = const(70)"),
    blind("gain-not-applied", "self._gain = flow_gain_ppm * GAIN_ONE // 1_000_000", "pass"),
    blind("faulty-sensors-believed", "if self._flow.faulty or self._pressure.faulty:", "if False:"),
    blind(
        "last-run-is-carried-over",
        "        self._missing_pl = 0\n        self._free_pl = 0\n",
        "        self._free_pl = 0\n",
    ),
    learned("resistance-not-learned", "resistance * 5 // 2", "_RESISTANCE_MAX"),
    learned("waste-may-be-the-patient", "if to_patient else _RESISTANCE_BETWEEN", "if True else 0"),
    learned("compliance-not-learned", "self.compliance_nl_kpa = min(COMPLIANCE_MAX_NL_KPA, max(", "_ = min(0, max("),
    learned("pressure-ahead-of-the-flow", "return min(self._pressure.pa, pa)", "return pa"),
    learned("stall-is-a-leak", "return codes.CAUSE_STALL if", "return codes.CAUSE_LEAK if"),
    learned("stores-everything-missing", "return min(stored_nl, pa", "return max(stored_nl, pa"),
)


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """A copy of the sources and tests that defects may be planted in."""
    return copy_sources(tmp_path_factory.mktemp("planted"))


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: defect.name)
def test_a_planted_defect_is_noticed(copy, defect):
    with planted(copy, defect):
        result = run_suite(copy, defect.tests)
    assert result.returncode == 1, result.stdout + result.stderr


def test_the_copy_without_a_defect_passes(copy):
    result = run_suite(copy, *SUITES)
    assert result.returncode == 0, result.stdout + result.stderr
