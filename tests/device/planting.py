"""Breaks one rule on purpose, in a copy of the sources, and runs the tests that must notice."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
COPIED = ("device", "protocol", "hil", "host", "tests/device", "tests/protocol", "tests/requirements")


@dataclass(frozen=True)
class Defect:
    """One place in a file of ``device``, what it is replaced with, and the tests that must fail."""

    name: str
    file: str
    before: str
    after: str
    tests: str


def copy_sources(folder: Path) -> Path:
    """Copy sources and tests to where defects may be planted."""
    for part in COPIED:
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__", "*.so"))
    for name in ("pyproject.toml", "tests/__init__.py"):
        shutil.copy(ROOT / name, folder / name)
    return folder


@contextmanager
def planted(folder: Path, defect: Defect) -> Iterator[None]:
    """Put the defect into the copy, and take it out again."""
    path = folder / "device" / defect.file
    source = path.read_text(encoding="utf-8")
    assert source.count(defect.before) == 1, f"the place of {defect.name} is not to be found exactly once"
    path.write_text(source.replace(defect.before, defect.after), encoding="utf-8")
    try:
        yield
    finally:
        path.write_text(source, encoding="utf-8")


def run_suite(folder: Path, *tests: str) -> subprocess.CompletedProcess[str]:
    """Run some tests of the copy's ``tests/device``, up to the first that fails."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider"]
    command += [f"tests/device/{name}" for name in tests]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
