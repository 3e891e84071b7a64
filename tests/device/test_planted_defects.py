"""Each rule that keeps somebody safe is broken on purpose, and the suite must notice."""

import pytest

from tests.planting import Defect, running, suites

DEFECTS = (
    Defect(
        "grant-too-long",
        "pump.py",
        "GRANT_US = const(39_000)",
        "GRANT_US = const(80_000)",
        "test_pump.py::test_when_python_stops_at_any_moment_flow_ends_within_one_grant",
    ),
    Defect(
        "halt-forgets-the-rest",
        "pump.py",
        "self.granted_steps -= self._generator.halt()",
        "self._generator.halt()",
        "test_pump.py::test_a_halt_at_any_instant_leaves_the_exact_count_of_emitted_steps",
    ),
    Defect(
        "fifth-word",
        "pump.py",
        "MAX_WORDS = const(4)",
        "MAX_WORDS = const(6)",
        "test_pump.py::test_no_more_words_are_outstanding_than_the_generator_can_mark_as_finished",
    ),
    Defect(
        "delivered-before-settled",
        "dose.py",
        "if elapsed_ms < SETTLE_MIN_MS:",
        "if elapsed_ms < 0:",
        "test_dose.py",
    ),
    Defect("delivered-at-the-first-low", "dose.py", "elapsed_ms * 2 >= self._low_ms * 3", "elapsed_ms", "test_dose.py"),
    Defect(
        "settles-on-a-dead-sensor", "dose.py", "<= SETTLED_PA and not pressure.faulty", "<= SETTLED_PA", "test_dose.py"
    ),
    Defect("person-always-there", "person.py", "elif self._released:", "else:", "test_person.py"),
    Defect(
        "stop-leaves-the-valve",
        "controller.py",
        "        self.board.heartbeat.stop()\n        self.board.set_valve(False)\n",
        "        self.board.heartbeat.stop()\n",
        "test_executive.py",
    ),
    Defect(
        "stop-leaves-the-heartbeat",
        "controller.py",
        "        self.board.heartbeat.stop()\n        self.board.set_valve(False)\n",
        "        self.board.set_valve(False)\n",
        "test_executive.py",
    ),
    Defect(
        "burst-after-a-late-tick",
        "pump.py",
        "                self._due_us = now_us\n                ahead_us = 0\n                word_us = period_us\n",
        "                word_us = MIN_PERIOD_US\n                left = 1\n",
        "test_pump.py::test_time_lost_to_a_late_tick_is_never_made_up_by_a_burst",
    ),
    Defect(
        "grant-before-the-mark",
        "pump.py",
        "        if not self._mark(granted_steps):\n            return False\n",
        "        self._mark(granted_steps)\n",
        "test_pump.py::test_a_journal_that_takes_no_mark_gets_no_grant_and_is_told_lost",
    ),
    Defect(
        "grant-beyond-the-permit",
        "pump.py",
        "if step_limit > self.asked_steps:",
        "if True:",
        "test_pump.py::test_no_step_is_granted_beyond_the_volume_of_a_permit",
    ),
    Defect(
        "faster-than-the-permit",
        "pump.py",
        "rate_nl_s if rate_nl_s < rate_limit_nl_s else",
        "rate_nl_s or",
        "test_pump.py::test_no_two_steps_are_closer_than_the_rate_of_a_permit_allows",
    ),
    Defect(
        "order-runs-twice",
        "orders.py",
        "if known[1] != codes.DOSE_NOT_KNOWN:",
        "if False:",
        "test_dose_order.py::test_a_repeated_id_returns_what_is_stored_and_moves_nothing",
    ),
    Defect(
        "no-compare-and-set",
        "dose_order.py",
        "        if order.last_dose_id != rules.journal.last_dose_id:\n            return codes.REASON_LAST_DOSE\n"
        "        reason = self._judge_conditions(order)",
        "        reason = self._judge_conditions(order)",
        "test_dose_order.py::test_each_wrong_field_has_its_own_reason_and_changes_nothing",
    ),
    Defect(
        "queues-a-second-dose",
        "dose_order.py",
        "if rules.dose.open():\n            waste",
        "if False:\n            waste",
        "test_dose_order.py::test_a_second_dose_is_refused_and_not_queued",
    ),
    Defect(
        "never-expires",
        "dose_order.py",
        "if left_ms <= 0:",
        "if left_ms < -1_000_000:",
        "test_dose_order.py::test_each_wrong_field_has_its_own_reason_and_changes_nothing",
    ),
    Defect(
        "agent-without-permit",
        "dose_order.py",
        "KIND_RESCUE or needs_permit(",
        "KIND_RESCUE and needs_permit(",
        "test_dose_order.py::test_agent_and_counter_agent_wait_for_their_permit_and_nothing_moves_before",
    ),
    Defect(
        "interval-forgotten",
        "account.py",
        "            self.intervals.ended(dose.channel, now_ms)\n",
        "            pass\n",
        "test_dose_order.py::test_the_next_dose_of_a_channel_waits_for_the_interval_and_is_told_how_long",
    ),
    Defect("flows-without-a-permit", "dose.py", "elif self._permitted_ms != now_ms:", "elif False:", "test_dose.py"),
    Defect(
        "gap-without-end",
        "dose.py",
        "            self.pause(codes.CAUSE_PERMIT, now_ms, False)\n",
        "            pass\n",
        "test_dose.py",
    ),
    Defect(
        "settles-without-a-permit",
        "dose.py",
        "if self.valve_patient and ticks_diff(now_ms, self._permitted_ms) > PERMIT_GAP_MS:",
        "if False:",
        "test_dose.py",
    ),
    Defect(
        "valve-on-the-patient-for-waste",
        "dose.py",
        "self.valve_patient = self.to_tip()\n",
        "self.valve_patient = True\n",
        "test_dose.py",
    ),
    Defect(
        "line-cleared-into-the-patient",
        "dose.py",
        "self.valve_patient = self.to_tip()\n",
        "self.valve_patient = self.to_patient\n",
        "test_dose_rescue.py",
    ),
    Defect(
        "steps-while-the-valve-turns",
        "dose.py",
        "if elapsed_ms < CLEARED_MS + VALVE_TRAVEL_MS:",
        "if elapsed_ms < CLEARED_MS:",
        "test_dose_rescue.py",
    ),
    Defect(
        "rest-of-a-rescue-to-the-waste",
        "dose.py",
        "most_steps = pump.asked_steps if self.valve_patient or not self.to_patient else self._clear_steps",
        "most_steps = pump.asked_steps",
        "test_dose_rescue.py",
    ),
    Defect(
        "any-dose-by-a-person",
        "dose.py",
        "        if self.kind == codes.KIND_RESCUE:\n            self.needs",
        "        if True:\n            self.needs",
        "test_dose.py",
    ),
    Defect("starts-before-the-journal", "dose.py", "elif not self.pump.mark():", "elif False:", "test_dose.py"),
    Defect(
        "clears-under-its-cause",
        "acts.py",
        "            if not controller.machine_cause_stands():\n                controller.latches",
        "            if True:\n                controller.latches",
        "test_executive.py",
    ),
    Defect(
        "second-cause-wins",
        "latches.py",
        "        if self.stop_cause == codes.CAUSE_NONE:\n            self.stop_cause = cause",
        "        if True:\n            self.stop_cause = cause",
        "test_executive.py",
    ),
    Defect(
        "limit-without-a-person",
        "authority_acts.py",
        "return reason or self._ask(ACT_SET_PRESSURE_LIMIT, values)",
        "return reason or limit.set(values[_FIRST])",
        "test_acts.py::test_the_pressure_limit_is_set_when_a_person_confirms_and_not_before",
    ),
    Defect(
        "limit-changes-in-a-dose",
        "authority_acts.py",
        "if not controller.dose.open() and kept.pressure_limit.set(",
        "if kept.pressure_limit.set(",
        "test_acts.py::test_a_pressure_limit_is_not_confirmed_while_a_dose_has_begun_since_it_was_asked_for",
    ),
    Defect(
        "limit-of-the-monitor",
        "authority_acts.py",
        "messages.SET_PRESSURE_LIMIT: (clinic,",
        "messages.SET_PRESSURE_LIMIT: (monitor,",
        "test_acts.py::test_no_authority_speaks_for_another",
    ),
    Defect(
        "limit-forgotten-with-the-power",
        "kept.py",
        "CELL_CEILINGS, CELL_PRESSURE_LIMIT, CELL_UNRESOLVED)",
        "CELL_CEILINGS, CELL_UNRESOLVED)",
        "test_kept.py::test_the_pressure_limit_survives",
    ),
    Defect(
        "stored-is-looked-at-too-late",
        "controller.py",
        "            self.latches.keep_stored(self.supervision.stored_nl)\n        self._make_safe()\n",
        "            self._make_safe()\n            self.latches.keep_stored(self.supervision.stored_nl)\n"
        "        self._make_safe()\n",
        "test_watch.py::test_what_the_line_stores_when_an_occlusion_stops_the_flow_is_told",
    ),
    Defect(
        "every-stop-tells-of-something-stored",
        "controller.py",
        "if cause in _OCCLUDED and self.dose.active() and",
        "if self.dose.active() and",
        "test_watch.py::test_a_stop_without_an_occlusion_or_without_flow_tells_of_nothing_stored",
    ),
    Defect(
        "stored-is-looked-at-again",
        "controller.py",
        " and self.dose.active() and self.latches.machine_cause == codes.CAUSE_NONE:",
        " and self.dose.active():",
        "test_watch.py::test_what_the_line_stores_when_an_occlusion_stops_the_flow_is_told",
    ),
    Defect(
        "stored-without-flow",
        "controller.py",
        " and self.dose.active() and self.latches.machine_cause",
        " and self.latches.machine_cause",
        "test_watch.py::test_a_stop_without_an_occlusion_or_without_flow_tells_of_nothing_stored",
    ),
    Defect(
        "stored-outlives-its-stop",
        "latches.py",
        "        self.stored_nl = 0\n        self._set(",
        "        self._set(",
        "test_latches_edges.py",
    ),
    Defect(
        "deaf-to-a-lost-link",
        "conditions.py",
        "LINK_LOST_MS = const(1_400)",
        "LINK_LOST_MS = const(2_000)",
        "test_executive.py",
    ),
    Defect(
        "cut-steps-left-unstopped",
        "executive.py",
        "if board.stop_heard() and self._steps_cut_alone():",
        "if board.stop_heard() and False:",
        "test_executive.py",
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
