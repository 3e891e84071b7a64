"""Which modules of ``device`` hold rules, and which test files have to notice a change to each."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
TESTS = ROOT / "tests" / "device"

# A module's judges are its mirror files, test_<module>.py and test_<module>_*.py; and these, where another name fits.
RULES: dict[str, tuple[str, ...]] = {
    "alarm_table": ("test_alarms*",),
    "alarms": (),
    "authority": (),
    "calibration": (),
    "ceilings": (),
    "conditions": (),
    "contents": (),
    "dose": (),
    "dose_order": ("test_dose*",),
    "interlocks": (),
    "intervals": (),
    "journal": (),
    "journal_cells": ("test_journal*",),
    "journal_marks": ("test_journal*",),
    "journal_queue": ("test_journal*",),
    "journal_records": ("test_journal*",),
    "journal_ring": ("test_journal*",),
    "latches": ("test_alarms*", "test_interlocks*"),
    "limits": (),
    "line": (),
    "line_model": ("test_line*", "test_supervision*"),
    "permit": (),
    "play": (),
    "pressure_limit": (),
    "profile": (),
    "pump": (),
    "repeats": (),
    "rescue": (),
    "signals": ("test_alarms*",),
    "supervision": (),
    "treatment": (),
    "window": (),
}
# Three times as long as all others of the journal together, and every survivor runs through all of its judges: the six
# modules reach their share without these two.
_SLOW = ("test_journal_random.py", "test_journal_power_cut.py")
# They judge other processes, which no change made here reaches.
_APART = ("*_micropython.py", "*_defects*.py", *_SLOW)


def test_files(module: str) -> list[Path]:
    """Return the test files that judge a module."""
    patterns = (f"test_{module}.py", f"test_{module}_*.py", *(f"{name}.py" for name in RULES[module]))
    found = {path for pattern in patterns for path in TESTS.glob(pattern)}
    return sorted(path for path in found if not any(path.match(pattern) for pattern in _APART))
