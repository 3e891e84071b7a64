"""Each rule that keeps somebody safe is broken on purpose, in a copy, and the suite must notice."""

import pytest

from tests.device.planting import Defect, copy_sources, planted, run_suite

DEFECTS = (
    Defect("grant-too-long", "pump.py", "GRANT_US = const(39_000)", "GRANT_US = const(80_000)", "test_pump.py"),
    Defect(
        "halt-forgets-the-rest",
        "pump.py",
        "self.granted_steps -= self._generator.halt()",
        "self._generator.halt()",
        "test_pump.py",
    ),
    Defect("fifth-word", "pump.py", "MAX_WORDS = const(4)", "MAX_WORDS = const(6)", "test_pump.py"),
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
        "test_pump.py",
    ),
    Defect(
        "grant-before-the-mark",
        "pump.py",
        "        if not self._mark(granted_steps):\n            return False\n",
        "        self._mark(granted_steps)\n",
        "test_pump.py",
    ),
    Defect("grant-beyond-the-permit", "pump.py", "if step_limit > self.asked_steps:", "if True:", "test_pump.py"),
    Defect(
        "faster-than-the-permit",
        "pump.py",
        "rate_nl_s if rate_nl_s < rate_limit_nl_s else",
        "rate_nl_s or",
        "test_pump.py",
    ),
    Defect("order-runs-twice", "orders.py", "if known[1] != codes.DOSE_NOT_KNOWN:", "if False:", "test_dose_order.py"),
    Defect(
        "no-compare-and-set",
        "dose_order.py",
        "        if order.last_dose_id != rules.journal.last_dose_id:\n            return codes.REASON_LAST_DOSE\n"
        "        reason = self._judge_conditions(order)",
        "        reason = self._judge_conditions(order)",
        "test_dose_order.py",
    ),
    Defect(
        "queues-a-second-dose",
        "dose_order.py",
        "if rules.dose.open():\n            waste",
        "if False:\n            waste",
        "test_dose_order.py",
    ),
    Defect("never-expires", "dose_order.py", "if left_ms <= 0:", "if left_ms < -1_000_000:", "test_dose_order.py"),
    Defect(
        "agent-without-permit",
        "dose_order.py",
        "KIND_RESCUE or needs_permit(",
        "KIND_RESCUE and needs_permit(",
        "test_dose_order.py",
    ),
    Defect(
        "interval-forgotten",
        "account.py",
        "            self.intervals.ended(dose.channel, now_ms)\n",
        "            pass\n",
        "test_dose_order.py",
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
        "deaf-to-a-lost-link",
        "conditions.py",
        "LINK_LOST_MS = const(1_400)",
        "LINK_LOST_MS = const(2_000)",
        "test_executive.py",
    ),
    Defect(
        "stop-without-checksum",
        "boards/pico_ear.py",
        "if code == length and crc & 0xFFFF == 0x20E3 and (crc >> 16) & 0xFFFF == 0xDEBB:",
        "if code == length:",
        "boards/test_pico_ear.py",
    ),
    Defect(
        "ear-reads-unmasked",
        "boards/pico_ear.py",
        "            masked = self._mask()\n            heard =",
        "            masked = False\n            heard =",
        "boards/test_pico_ear.py",
    ),
    Defect(
        "octets-counted-before-they-are-copied",
        "boards/pico_ear.py",
        "        copy_out(self._ring, get, count, buffer)\n        self._get = (get + count) & _COUNT_MASK\n",
        "        self._get = (get + count) & _COUNT_MASK\n        copy_out(self._ring, get, count, buffer)\n",
        "boards/test_pico_ear.py",
    ),
    Defect(
        "full-ear-hears-on",
        "boards/pico_ear.py",
        "            self._deaf = True\n            self._trigger(0)\n",
        "",
        "boards/test_pico_ear.py",
    ),
    Defect(
        "ear-without-a-budget",
        "boards/pico_ear.py",
        "        self._budget = budget - 1\n",
        "",
        "boards/test_pico_ear.py",
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
def copy(tmp_path_factory):
    """A copy of the sources and tests that defects may be planted in."""
    return copy_sources(tmp_path_factory.mktemp("planted"))


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: defect.name)
def test_a_planted_defect_is_noticed(copy, defect):
    with planted(copy, defect):
        result = run_suite(copy, defect.tests)
    assert result.returncode == 1, result.stdout + result.stderr


def test_the_copy_without_a_defect_passes(copy):
    result = run_suite(copy, "test_dose.py")
    assert result.returncode == 0, result.stdout + result.stderr
