"""What no file of the project may say: where one machine keeps things, or which server packages come from."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

REGISTRY = re.compile(
    r"pypi\.org|pythonhosted\.org|npmjs\.(?:org|com)|crates\.io|anaconda\.org"
    r"|(?:deb|ftp|http|security|snapshot)\.debian\.org"
)
"""Package registries: which one is used is the machine's configuration."""

MACHINE_PATH = re.compile(r"(?<![\w.})])/(?:work|root|home|Users)/\w")
"""Folders of one machine."""


def texts() -> Iterator[tuple[str, str]]:
    """Give every file that is, or would be, under version control, with its text."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, listed.split("\0")):
        path = ROOT / name
        if path.is_file():
            yield name, path.read_bytes().decode("utf-8", errors="replace")


@pytest.mark.parametrize("forbidden", [REGISTRY, MACHINE_PATH], ids=["registry", "machine path"])
def test_no_file_says(forbidden: re.Pattern[str]) -> None:
    if not (ROOT / ".git").exists() or shutil.which("git") is None:
        pytest.skip("git, which knows what belongs to the project, or its folder is missing here")
    said = [
        f"{name}:{number}: {line.strip()}"
        for name, text in texts()
        for number, line in enumerate(text.splitlines(), 1)
        if forbidden.search(line)
    ]
    assert said == []


@pytest.mark.parametrize("line", ["see https://pypi" + ".org/x", "deb http://deb" + ".debian.org/debian trixie main"])
def test_a_registrys_address_is_recognised(line: str) -> None:
    assert REGISTRY.search(line)


@pytest.mark.parametrize("line", ["open('/wor" + "k/main')", "cd /roo" + "t/x", "/hom" + "e/pi/rig"])
def test_a_machines_path_is_recognised(line: str) -> None:
    assert MACHINE_PATH.search(line)


@pytest.mark.parametrize("line", ["the network/ folder", "https://host/work/x", "rig.example/home/x"])
def test_other_paths_are_not_mistaken(line: str) -> None:
    assert not MACHINE_PATH.search(line)
