"""Each rule of alarms, sensors, cartridges, self-test and the ear is broken on purpose, and its tests must notice."""

import pytest

from tests.planting import Defect, running, suites


def defect(name: str, file: str, before: str, after: str) -> Defect:
    folder, _, module = f"/{file}".rpartition("/")
    return Defect(name, f"{file}.py", before, after, f"{folder.strip('/')}/test_{module}.py".lstrip("/"))


DEFECTS = (
    # The table.
    defect(
        "free-flow-at-rest-is-left-alone",
        "alarm_table",
        "(codes.ALARM_FREE_FLOW, _ALWAYS, 1, _BOUNCE, _HIGH, _ANY, ACTION_STOP_ALWAYS",
        "(codes.ALARM_FREE_FLOW, _ALWAYS, 1, _BOUNCE, _HIGH, _ANY, ACTION_STOP",
    ),
    defect(
        "a-hold-keeps-the-rescue",
        "alarm_table",
        "(codes.ALARM_MONITOR_HOLD, _ALWAYS, 1, 1, _HIGH, _AGENT",
        "(codes.ALARM_MONITOR_HOLD, _ALWAYS, 1, 1, _HIGH, _ANY",
    ),
    defect(
        "a-dry-line-cannot-be-primed",
        "alarm_table",
        "(codes.ALARM_AIR, SCOPE_PATIENT",
        "(codes.ALARM_AIR, SCOPE_FLOWING",
    ),
    defect("agent-is-everything", "alarm_table", "return bool(situation & SCOPE_AGENT)", "return True"),
    # Interlocks.
    defect(
        "the-safe-line-is-never-alone", "interlocks", "                conditions |= SAFE\n", "                pass\n"
    ),
    defect("a-bounce-trips", "interlocks", "            ticks[INDEX[bit]] = 0\n            over", "            over"),
    defect(
        "out-of-scope-is-gone",
        "interlocks",
        "(counting & (WATCHED[situation] | self.tripped))",
        "(counting & WATCHED[situation])",
    ),
    defect("what-is-over-acts", "interlocks", "self.tripped & self.standing & ACTING", "self.tripped & ACTING"),
    defect(
        "the-weakest-acts",
        "interlocks",
        "strongest = acting & STOPPING or acting & ENDING or acting",
        "strongest = acting",
    ),
    defect("every-order-is-allowed", "interlocks", "return self.standing & FORBIDDING[situation]", "return 0"),
    defect(
        "clears-under-its-cause",
        "interlocks",
        "(_KEEP_ANY_STOP | _KEEP_STOP.get(stop_cause, 0))",
        "_KEEP_ANY_STOP",
    ),
    defect("asleep-for-ever", "interlocks", "if self._start_ticks >= START_TICKS or situation", "if situation"),
    defect("asleep-in-flow", "interlocks", " or situation != _AT_REST:", ":"),
    defect("awake-before-it-was-healthy", "interlocks", "_WAKING = PRESSURE_SENSOR |", "_WAKING ="),
    # Alarms, light and sound.
    defect(
        "ends-unacknowledged",
        "alarms",
        "self._end(went & (self.acknowledged | ~LATCHING))",
        "self._end(went)",
    ),
    defect("ends-under-its-cause", "alarms", "self._end(bits & ~self.present)", "self._end(bits)"),
    defect("raised-again-unheard", "alarms", "        self.acknowledged &= ~bit\n", ""),
    defect("the-latest-is-the-highest", "alarms", "if priority > self.priority:", "if priority >= self.priority:"),
    defect(
        "the-pause-never-ends",
        "alarms",
        "            self._paused = False\n        self._ticks",
        "            pass\n        self._ticks",
    ),
    defect("a-pause-of-hours", "alarms", "if duration_s > MAX_AUDIO_PAUSE_S:", "if False:"),
    defect(
        "the-pause-outlives-the-link",
        "alarms",
        'is gone, and the pause with it."""\n        self._paused = False',
        'is gone, and the pause with it."""\n        pass',
    ),
    defect(
        "a-new-alarm-is-not-heard",
        "alarms",
        "            self._count += 1\n            self._paused = False\n",
        "            self._count += 1\n",
    ),
    defect(
        "the-pause-darkens-the-light",
        "alarms",
        "now_ms, self.priority,",
        "now_ms, codes.PRIORITY_NONE if self._paused else self.priority,",
    ),
    defect(
        "high-flashes-slowly",
        "signals",
        "_FLASH_MS = (1_000, 1_000, 1_660, 500)",
        "_FLASH_MS = (1_000, 1_000, 1_660, 1_500)",
    ),
    defect(
        "the-board-is-told-every-tick",
        "signals",
        "        if light == self.light and sound == self.sound:\n            return False\n",
        "",
    ),
    defect("four-times-is-not-too-often", "repeats", "MOST = const(3)", "MOST = const(4)"),
    defect("never-forgotten", "repeats", "> WITHIN_MS:", "> 10 * WITHIN_MS:"),
    # Sensors.
    defect(
        "two-time-outs",
        "sensors",
        "            if not self.bus_held:\n                self._cartridges.poll()",
        "            if True:\n                self._cartridges.poll()",
    ),
    defect(
        "nobody-is-told-of-the-bus", "sensors", "        self.bus_held = flow.held\n", "        self.bus_held = False\n"
    ),
    defect("air-in-the-flow-sensor", "sensors", "        if flow.air:\n            conditions |= AIR\n", ""),
    defect(
        "no-pressure-limit",
        "sensors",
        "        elif pressure.pa > self._pressure_limit.pa:\n            conditions |= PRESSURE\n",
        "",
    ),
    defect("one-pressure-limit-for-all", "sensors", "pressure.pa > self._pressure_limit.pa:", "pressure.pa > 69_000:"),
    defect("stuck-pressure", "drivers/pressure", " or self._same >= STUCK_READS:", ":"),
    defect("stuck-flow", "drivers/flow", "self._same >= STUCK_READS or abs(word)", "abs(word)"),
    defect("flow-at-its-end", "drivers/flow", " or abs(word) >= _FLOW_END", ""),
    defect(
        "a-faulty-sensor-takes-every-turn",
        "drivers/flow",
        "            self._skipped = _RETRY_EVERY - 1\n",
        "            pass\n",
    ),
    defect("stuck-supply", "drivers/supply", " and not self.faulty", ""),
    defect("stuck-density", "drivers/density", " or self._same >= STUCK_READS:", ":"),
    defect("an-open-input-is-a-clear-suspension", "drivers/density", "if raw < _FAULT_LOW or", "if"),
    defect("stuck-thermometer", "drivers/temperature", " or self._same >= STUCK_CONVERSIONS:", ":"),
    defect("a-thermometer-that-sleeps", "drivers/temperature", "if self._overdue >= _OVERDUE_READS:", "if False:"),
    defect(
        "any-chip-is-a-thermometer", "drivers/temperature", "& _REVISION_MASK == _DEVICE_ID", "& _REVISION_MASK >= 0"
    ),
    defect("a-time-out-is-a-silence", "drivers/temperature", "self.held = timed_out(error)", "self.held = False"),
    # Cartridges.
    defect("any-label-is-intact", "drivers/cartridge", "== crc32(memory[:_TAGGED]) and memory[0] == _VERSION", "!= -1"),
    defect("what-is-left-without-the-serial", "drivers/cartridge", "crc32(serial, crc32(octets))", "crc32(octets)"),
    defect(
        "forged-is-good", "cartridge", "codes.CARTRIDGE_GOOD if authentic else", "codes.CARTRIDGE_GOOD if True else"
    ),
    defect("absence-is-no-exchange", "cartridge", "            self.exchanged = True\n", "            pass\n"),
    defect(
        "another-serial-is-no-exchange", "cartridge", "self.exchanged = self.exchanged or known != _NOTHING", "pass"
    ),
    defect(
        "purged-without-a-cartridge",
        "cartridge",
        "if self.state == codes.CARTRIDGE_GOOD and self.exchanged:",
        "if True:",
    ),
    defect("the-larger-copy", "cartridge", "copy_nl < left_nl", "copy_nl > left_nl"),
    defect("the-journal-is-not-asked", "cartridge", "min(copy_nl, self.fill_nl - self._used_nl)", "copy_nl"),
    defect("one-copy-is-enough", "cartridge", "if self._copy == len(LEFT_AT):", "if self._copy == 1:"),
    defect("written-unread", "cartridge", "if self._left != pack_left(self.serial, self._writing_nl):", "if False:"),
    defect("writes-into-whatever-is-there", "cartridge", "elif self._failures or self.state", "elif self.state"),
    defect("any-lot", "cartridges", "if cartridge.lot != lot:", "if False:"),
    defect("past-its-day", "cartridges", "if day > cartridge.expiry_day:", "if day > cartridge.expiry_day + 1:"),
    defect("agent-without-a-date", "cartridges", "if day == 0 and", "if False and"),
    defect("no-purge", "cartridges", "if cartridge.exchanged:", "if False:"),
    defect("agent-in-the-flush", "cartridges", " or cartridge.kind != channel:", ":"),
    defect("into-the-end-switch", "cartridges", ".left_nl - RESERVE_NL)", ".left_nl)"),
    defect(
        "one-end-switch-for-all",
        "cartridges",
        "self._at_end = 1 << moving if moving >= 0",
        "self._at_end = 7 if moving >= 0",
    ),
    # Suspension and self-test.
    defect("thin-is-dosed", "suspension", "if self.thin or not believed:", "if not believed:"),
    defect(
        "a-dead-sensor-reads-dense",
        "suspension",
        "if believed and permille >= DENSE_PERMILLE",
        "if permille >= DENSE_PERMILLE",
    ),
    defect("stands-for-ever", "suspension", ">= MAX_UNSTIRRED_MS:", ">= 100 * MAX_UNSTIRRED_MS:"),
    defect("a-glance-is-enough", "suspension", " and stirring_ms >= RESUSPEND_MIN_MS:", ":"),
    defect("no-look-at-the-lamps", "selftest", "self.bits = _ALL\n", "self.bits = _ALL & ~_LIGHT_SOUND\n"),
    defect("any-pressure-at-start", "selftest", " and abs(pressure.settled_pa) <= RESIDUAL_PA", ""),
    defect(
        "any-image-is-intact", "seal", "return length == at and crc == crc32(memoryview(flash)[:at])", "return True"
    ),
    defect("a-failure-inhibits-nothing", "selftest", "return codes.REASON_SELF_TEST if", "return codes.REASON_NONE if"),
    # The ear.
    defect(
        "stop-without-checksum",
        "boards/pico_ear",
        "if code == length and crc & 0xFFFF == 0x20E3 and (crc >> 16) & 0xFFFF == 0xDEBB:",
        "if code == length:",
    ),
    defect(
        "ear-reads-unmasked",
        "boards/pico_ear",
        "            masked = self._mask()\n            heard =",
        "            masked = False\n            heard =",
    ),
    defect(
        "octets-counted-before-they-are-copied",
        "boards/pico_ear",
        "        copy_out(self._ring, get, count, buffer)\n        self._get = (get + count) & _COUNT_MASK\n",
        "        self._get = (get + count) & _COUNT_MASK\n        copy_out(self._ring, get, count, buffer)\n",
    ),
    defect(
        "full-ear-hears-on",
        "boards/pico_ear",
        "            self._deaf = True\n            self._trigger(0)\n",
        "",
    ),
    defect(
        "ear-without-a-budget",
        "boards/pico_ear",
        "        self._budget = budget - 1\n",
        "",
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
