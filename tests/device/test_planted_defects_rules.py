"""Each rule of authority, permit, treatment, amounts and rescue is broken on purpose, and its tests must notice."""

import pytest

from tests.planting import Defect, running, suites


def defect(name: str, file: str, before: str, after: str) -> Defect:
    return Defect(name, f"{file}.py", before, after, f"test_{file}.py")


DEFECTS = (
    defect(
        "tag-compared-in-part",
        "authority",
        "for index in range(_TAG):\n        diff",
        "for index in range(8):\n        diff",
    ),
    defect("number-not-signed", "authority", "        inner.update(self._number)\n", ""),
    defect("pads-swapped", "authority", "_INNER = const(0x36)", "_INNER = const(0x5C)"),
    defect("counter-may-repeat", "authority", "if counter <= self._heard[slot]:", "if counter < self._heard[slot]:"),
    defect(
        "forgery-uses-up-the-counter",
        "authority",
        "        at = _RIG if number",
        "        self._heard[slot] += 1\n        at = _RIG if number",
    ),
    defect("any-boot-will-do", "authority", "!= self._boot:", "== b'':"),
    defect("default-key", "authority", 'self._inner = [b""] * _SLOTS', 'self._inner = [b"\\x36" * 64] * _SLOTS'),
    defect("key-of-any-generation", "authority", "if generation <= self.generations[slot]:", "if False:"),
    defect(
        "one-key-for-two-authorities", "authority", "if other != slot and self._inner[other] == inner:", "if False:"
    ),
    defect("permit-for-days", "permit", "        if left_ms > _MAX_PERMIT_MS:\n", "        if False:\n"),
    defect("permit-never-ends", "permit", "        self.drop()\n        return 0\n", "        return 1\n"),
    defect("permit-rises-again", "permit", "        self.drop()\n        return 0\n", "        return 0\n"),
    defect("expired-is-far-ahead", "permit", "if left_ms == 0 or left_ms >= _HALF:", "if left_ms == 0:"),
    defect("permit-for-any-dose", "permit", "if values[_DOSE_ID] != dose_id or dose_id == _NO_ID:", "if False:"),
    defect("permit-for-any-rig", "permit", "if values[_RIG] != rig or rig == _NO_ID:", "if False:"),
    defect("permit-for-any-treatment", "permit", "if values[_TREATMENT] != treatment:", "if False:"),
    defect("permit-for-any-lot", "permit", "if values[_LOT] != lot:", "if False:"),
    defect(
        "permit-in-nominal-steps",
        "permit",
        "limits.steps_within(values[_VOLUME_NL], step_fl, error_ppm)",
        "limits.steps_of(values[_VOLUME_NL], step_fl)",
    ),
    defect("permits-add-up", "permit", "self.step_limit = emitted_steps +", "self.step_limit += emitted_steps +"),
    defect(
        "refused-permit-ends-the-last",
        "permit",
        "        self.nearest = 0\n        reason",
        "        self.nearest = 0\n        self.drop()\n        reason",
    ),
    defect(
        "flush-pushes-agent-freely",
        "permit",
        "return channel != codes.CHANNEL_FLUSH or agent_in_line_nl > 0",
        "return channel != codes.CHANNEL_FLUSH",
    ),
    defect("second-micro-dose", "treatment", "            self.screened = True\n", "            pass\n"),
    defect(
        "dose-without-screening",
        "treatment",
        "if channel == codes.CHANNEL_AGENT or self.agent_max_nl",
        "if self.agent_max_nl",
    ),
    defect("failed-screening-passes", "treatment", "if self.screening == codes.SCREENING_FAILED:", "if False:"),
    defect("residual-unheeded", "treatment", " and self.residual_nl != codes.UNKNOWN_NL:", ":"),
    defect("residual-not-counted", "treatment", "return self.agent_max_nl + residual_nl", "return self.agent_max_nl"),
    defect("no-date-wanted", "treatment", "        if self.day == 0:\n", "        if False:\n"),
    defect("treatment-opened-again", "treatment", "if treatment == self.last_id:", "if False:"),
    defect(
        "pushed-agent-not-counted", "treatment", "self.add(codes.CHANNEL_AGENT, agent_min_nl, agent_max_nl)", "pass"
    ),
    defect("totals-of-somebody-else", "treatment", "if values[0] == self.last_id:", "if True:"),
    defect(
        "total-counts-the-least",
        "treatment",
        "self.agent_max_nl + max_nl, _LARGEST",
        "self.agent_max_nl + min_nl, _LARGEST",
    ),
    defect("total-counts-the-middle", "limits", "* ((error_ppm + 99) // 100) // 10_000 + 2", "* 0"),
    defect(
        "friction-forgotten",
        "limits",
        "return upper_of(volume_nl, error_ppm) + FRICTION_NL",
        "return upper_of(volume_nl, error_ppm) - 1",
    ),
    defect(
        "nearest-one-too-low",
        "limits",
        "        volume_nl += 1\n    return volume_nl",
        "        pass\n    return volume_nl",
    ),
    defect(
        "plan-looser-than-clinic",
        "ceilings",
        "return self._judge_row(values, self.clinic)",
        "return self._judge_row(values, LOOSEST)",
    ),
    defect(
        "clinic-looser-than-compiled-in",
        "ceilings",
        "        return self._judge_row(values, LOOSEST)",
        "        return self._judge_row(values, values)",
    ),
    defect(
        "shorter-window-is-tighter",
        "ceilings",
        "return min(max(value, loosest), limits.MAX_WINDOW_S)",
        "return min(value, loosest)",
    ),
    defect(
        "unset-is-unlimited",
        "ceilings",
        "if not self._is_set(channel) or (agent and not self._is_set(codes.CHANNEL_AGENT)):",
        "if False:",
    ),
    defect(
        "clinic-does-not-bind-the-open-plan",
        "ceilings",
        "return min(clinic, plan, LOOSEST[index])",
        "return min(plan, LOOSEST[index])",
    ),
    defect("any-pressure-limit", "pressure_limit", "if self.nearest != pa:", "if False:"),
    defect("lower-pressure-limits-only", "pressure_limit", ", MAX_PRESSURE_LIMIT_PA)\n", ", PRESSURE_LIMIT_PA)\n"),
    defect(
        "judged-is-set",
        "pressure_limit",
        "        self.nearest = 0\n        return",
        "        self.pa = pa\n        return",
    ),
    defect(
        "kept-limit-unbounded",
        "pressure_limit",
        "self.set(struct.unpack(_FORMAT, payload)[0])",
        "self.pa = struct.unpack(_FORMAT, payload)[0]",
    ),
    defect(
        "an-unread-limit-is-the-one-before",
        "pressure_limit",
        "        self.pa = PRESSURE_LIMIT_PA\n        if payload",
        "        if payload",
    ),
    defect("kept-row-unbounded", "ceilings", "return min(clinic, plan, LOOSEST[index])", "return min(clinic, plan)"),
    defect("window-not-judged", "ceilings", "self.row[_WINDOW_NL] - in_window_nl", "self.row[_WINDOW_NL]"),
    defect(
        "pushed-agent-at-any-rate",
        "ceilings",
        "self.row[_AGENT_RATE] if agent else",
        "self.row[_AGENT_RATE] if channel == codes.CHANNEL_AGENT else",
    ),
    defect("micro-dose-of-any-size", "ceilings", "self._most_nl = min(self._most_nl, limits.MAX_SCREENING_NL)", "pass"),
    defect(
        "nearest-of-one-ceiling-only",
        "ceilings",
        "        if most_nl < self._most_nl:\n",
        "        if beyond and self._reason == reason and most_nl < self._most_nl:\n",
    ),
    defect("bucket-forgotten-early", "window", "if age_ms > window_ms:", "if age_ms + self._width_ms > window_ms:"),
    defect("one-bucket-too-few", "window", "for _ in range(_BUCKETS - 1):", "for _ in range(_BUCKETS - 2):"),
    defect("no-spare-bucket", "window", "// (_BUCKETS - 1) + 1", "// _BUCKETS"),
    defect(
        "window-forgets-at-the-wrap",
        "window",
        "(now_ms - self._begin_ms) & WRAP_MASK\n        # A moment",
        "abs(now_ms - self._begin_ms)\n        # A moment",
    ),
    defect("bucket-not-emptied", "window", "            self._nl[self._newest] = 0\n", "            pass\n"),
    defect("running-flow-unheeded", "window", " + min(most_nl, most_of(rate_nl_s * window_s))", ""),
    defect(
        "interval-too-short", "intervals", "if passed_ms >= MIN_INTERVAL_MS:", "if passed_ms >= MIN_INTERVAL_MS - 1:"
    ),
    defect("one-interval-for-all", "intervals", "if not self._waits[channel]:", "if not any(self._waits):"),
    defect(
        "door-does-not-block", "rescue", "    codes.CAUSE_PERMIT,\n", "    codes.CAUSE_PERMIT,\n    codes.CAUSE_DOOR,\n"
    ),
    defect("lost-host-blocks", "rescue", "    codes.CAUSE_LINK_LOST,\n", ""),
    defect("rescues-without-end", "rescue", "limits.MAX_RESCUE_TOTAL_NL - rescued_nl", "limits.MAX_RESCUE_TOTAL_NL"),
    defect("rescue-ends-a-rescue", "rescue", "return open_kind != codes.KIND_RESCUE", "return True"),
    defect("interlock-unheeded", "rescue", "        if standing:\n", "        if False:\n"),
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
