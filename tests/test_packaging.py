"""What a stranger's install gets: entry points that resolve, every file, dependencies locked by hash."""

import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from importlib.metadata import EntryPoint, distribution
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PACKAGES = ("device", "host", "hil", "protocol")
LEFT_BEHIND = {"__pycache__", "build"}
CARRIED = {".py", ".pyi", ".pyx", ".pxd", ".json", ".toml", ".typed"}


def sources() -> Iterator[Path]:
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*"):
            if path.suffix in CARRIED and not LEFT_BEHIND.intersection(path.parts):
                yield path.relative_to(ROOT)


@pytest.mark.parametrize(
    "entry_point", distribution("nanorig").entry_points, ids=lambda each: f"{each.group}:{each.name}"
)
def test_an_entry_point_resolves(entry_point: EntryPoint) -> None:
    assert entry_point.load() is not None


def test_the_installed_entry_points_are_those_of_the_project() -> None:
    project = PROJECT["project"]
    declared = {("console_scripts", name): value for name, value in project["scripts"].items()}
    for group, members in project["entry-points"].items():
        declared |= {(group, name): value for name, value in members.items()}
    installed = {(each.group, each.name): each.value for each in distribution("nanorig").entry_points}
    assert installed == declared


def test_a_wheel_carries_every_module_and_data_file(tmp_path: Path) -> None:
    copy = tmp_path / "project"
    for path in (*sources(), Path("pyproject.toml"), Path("README.md"), Path("LICENSE")):
        (copy / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / path, copy / path)
    command = [sys.executable, "-m", "pip", "wheel", "-qq", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*command, f"--wheel-dir={tmp_path}", str(copy)], check=True)
    with zipfile.ZipFile(next(tmp_path.glob("nanorig-*.whl"))) as wheel:
        carried = set(wheel.namelist())
    assert {path.as_posix() for path in sources()} - carried == set()


def locked(lock: str) -> dict[str, str]:
    """Give each locked package's part of a lock file, by its name in normal form."""
    text = (ROOT / lock).read_text(encoding="utf-8")
    parts = re.split(r"^(?=\S)", text, flags=re.MULTILINE)[1:]
    return {normal(part): part for part in parts}


def normal(requirement: str) -> str:
    name = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert name is not None
    return re.sub(r"[-_.]+", "-", name[0]).lower()


@pytest.mark.parametrize("lock", ["requirements.lock", "stubs.lock", "mutation.lock"])
def test_every_locked_package_has_one_version_and_hashes(lock: str) -> None:
    for name, part in locked(lock).items():
        assert re.match(r"[^\s=]+==\S+", part), name
        assert "--hash=sha256:" in part, name


def test_the_locks_hold_what_the_project_asks_for() -> None:
    groups = PROJECT["dependency-groups"]
    wanted = {normal(each) for each in (*PROJECT["project"]["dependencies"], *groups["dev"])}
    assert wanted <= locked("requirements.lock").keys()
    assert {normal(each) for each in groups["stubs"]} <= locked("stubs.lock").keys()
    assert {normal(each) for each in groups["mutation"]} <= locked("mutation.lock").keys()


def test_what_two_locks_of_one_environment_name_is_of_one_version() -> None:
    packages, further = locked("requirements.lock"), locked("mutation.lock")
    for name in packages.keys() & further.keys():
        assert packages[name].split()[0] == further[name].split()[0]
