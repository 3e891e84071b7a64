"""Each rule that keeps somebody safe is broken on purpose, in a copy, and the suite must notice."""

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
COPIED = ("device", "protocol", "hil", "host", "tests/device", "tests/protocol", "tests/requirements")


@dataclass(frozen=True)
class Defect:
    """One place in the source, what it is replaced with, and the tests that must fail."""

    name: str
    file: str
    before: str
    after: str
    tests: str


DEFECTS = (
    Defect("grant-too-long", "pump.py", "GRANT_US = const(39_000)", "GRANT_US = const(80_000)", "test_pump.py"),
    Defect(
        "burst-after-a-late-tick",
        "pump.py",
        "self._due_us = (now_us + wait_us - period_us) & WRAP_MASK",
        "pass",
        "test_pump.py",
    ),
    Defect(
        "halt-forgets-the-rest",
        "pump.py",
        "self.granted_steps -= self._generator.halt()",
        "self._generator.halt()",
        "test_pump.py",
    ),
    Defect("fifth-word", "pump.py", "MAX_WORDS = const(4)", "MAX_WORDS = const(6)", "test_pump.py"),
    Defect("order-runs-twice", "dose.py", "if known[1] != codes.DOSE_NOT_KNOWN:", "if False:", "test_dose.py"),
    Defect("no-compare-and-set", "dose.py", "if last_id != self.dose_id:", "if False:", "test_dose.py"),
    Defect(
        "queues-a-second-dose",
        "dose.py",
        "if self.open():\n            return codes.REASON_BUSY",
        "if False:\n            return codes.REASON_BUSY",
        "test_dose.py",
    ),
    Defect("never-expires", "dose.py", "if left_ms <= 0:", "if left_ms < -100_000:", "test_dose.py"),
    Defect(
        "agent-without-permit", "dose.py", "return codes.REASON_NO_PERMIT", "return codes.REASON_NONE", "test_dose.py"
    ),
    Defect("delivered-before-settled", "dose.py", "if elapsed_ms < SETTLE_MIN_MS:", "if False:", "test_dose.py"),
    Defect(
        "settles-on-a-dead-sensor", "dose.py", "<= SETTLED_PA and not pressure.faulty", "<= SETTLED_PA", "test_dose.py"
    ),
    Defect(
        "total-counts-the-middle",
        "limits.py",
        "return volume_nl + volume_nl // 100 + 2",
        "return volume_nl",
        "test_dose.py",
    ),
    Defect(
        "clears-under-its-cause",
        "interlocks.py",
        "return bool(self.standing & (ESTOP | DOOR))",
        "return False",
        "test_executive.py",
    ),
    Defect("person-always-there", "person.py", "elif self._released:", "else:", "test_person.py"),
    Defect(
        "second-cause-wins",
        "controller.py",
        "        if self.stop_cause == codes.CAUSE_NONE:\n            self.stop_cause = cause\n",
        "        self.stop_cause = cause\n",
        "test_executive.py",
    ),
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
        "deaf-to-a-lost-link",
        "controller.py",
        "LINK_LOST_MS = const(1_400)",
        "LINK_LOST_MS = const(2_000)",
        "test_executive.py",
    ),
    Defect(
        "any-checksum-will-do", "drivers/flow.py", "if not self._intact(reply):", "if False:", "drivers/test_flow.py"
    ),
    Defect(
        "broken-wire-reads-zero",
        "drivers/pressure.py",
        "if raw < _FAULT_LOW or raw > _FAULT_HIGH:",
        "if False:",
        "drivers/test_pressure.py",
    ),
    Defect(
        "line-stores-nothing", "line.py", "low = pushed_min - self._relieved_max_nl", "low = pushed_min", "test_line.py"
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
        "if board.stop_heard() and self.controller.stop_cause == codes.CAUSE_NONE:",
        "if board.stop_heard() and False:",
        "test_executive.py",
    ),
    Defect(
        "one-copy-of-the-boot-count",
        "boots.py",
        "_COPIES = (0x0000, 0x0020)",
        "_COPIES = (0x0000, 0x0000)",
        "test_boots.py",
    ),
)


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """A copy of the sources and tests that defects may be planted in."""
    folder = tmp_path_factory.mktemp("planted")
    for part in COPIED:
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__", "*.so"))
    for name in ("pyproject.toml", "tests/__init__.py"):
        shutil.copy(ROOT / name, folder / name)
    return folder


def run_suite(folder: Path, tests: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", f"tests/device/{tests}"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: defect.name)
def test_a_planted_defect_is_noticed(copy, defect):
    path = copy / "device" / defect.file
    source = path.read_text(encoding="utf-8")
    assert source.count(defect.before) == 1, f"the place of {defect.name} is not to be found exactly once"
    path.write_text(source.replace(defect.before, defect.after), encoding="utf-8")
    try:
        result = run_suite(copy, defect.tests)
    finally:
        path.write_text(source, encoding="utf-8")
    assert result.returncode == 1, result.stdout + result.stderr


def test_the_copy_without_a_defect_passes(copy):
    result = run_suite(copy, "test_dose.py")
    assert result.returncode == 0, result.stdout + result.stderr
