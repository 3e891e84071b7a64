"""Each check of `make check` is able to fail: a planted violation in a copy of the project is seen and named."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
BIN = ROOT / ".venv" / "bin"
FOLDERS = ("device", "host", "hil", "protocol", "tests")
FILES = (
    "Makefile", "README.md", "mypy-device.ini", "mutation.lock", "pyproject.toml", "requirements.lock", "stubs.lock",
)  # fmt: skip

UNTYPED = '"""Planted."""\n\n\ndef planted(value):\n    """Return it."""\n    return value\n'
WRONG = '"""Planted."""\n\n\ndef planted(value: int) -> str:\n    """Return it."""\n    return value\n'


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not BIN.is_dir() or shutil.which("make") is None:
        pytest.skip("the checks run in the environment that make sets up")
    root = tmp_path_factory.mktemp("project")
    for folder in FOLDERS:
        shutil.copytree(ROOT / folder, root / folder, ignore=shutil.ignore_patterns("__pycache__", "build"))
    for file in FILES:
        shutil.copy(ROOT / file, root / file)
    return root


@pytest.fixture
def planted(copy: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    name, text = request.param
    file = copy / name
    before = file.read_text() if file.exists() else None
    file.write_text((before or "") + text)
    yield copy
    if before is None:
        file.unlink()
    else:
        file.write_text(before)


@pytest.mark.parametrize(
    ("planted", "check", "said"),
    [
        (("host/planted.py", '"""Planted."""\n\nimport os\n'), "check-style", "F401"),
        (("host/planted.py", '"""Planted."""\n\nX  =  1\n'), "check-format", "ruff format"),
        (("host/planted.py", WRONG), "check-types", "host/planted.py:6: error"),
        (("hil/planted.py", UNTYPED), "check-types", "hil/planted.py:4: error"),
        (("device/planted.py", "from machine import Pin\n\nPin(2).hight()\n"), "check-firmware-types", '"hight"'),
        (("device/planted.py", "from machine import Pin\n\nPin(2, way=1)\n"), "check-firmware-types", '"way"'),
        (("device/planted.py", "import dataclasses\n"), "check-firmware-types", '"dataclasses"'),
        (("device/planted.py", "import serial\n"), "check-firmware-types", '"serial"'),
        (
            ("device/planted.py", "import host.errors\n"),
            "check-imports",
            "the firmware imports nothing but the protocol BROKEN",
        ),
        (
            ("host/planted.py", "import device.limits\n"),
            "check-imports",
            "the host imports nothing but the protocol BROKEN",
        ),
        (("host/planted.py", "import hil\n"), "check-imports", "the host imports nothing but the protocol BROKEN"),
        (("protocol/planted.py", "import host.errors\n"), "check-imports", "the protocol imports neither side BROKEN"),
        (
            ("device/planted.py", "import protocol.typed\n"),
            "check-imports",
            "the firmware leaves alone what of the protocol only CPython runs BROKEN",
        ),
        (
            ("hil/planted.py", "import tests.requirements\n"),
            "check-imports",
            "the bench does not lean on the tests BROKEN",
        ),
        (("protocol/typed.py", "# planted\n"), "check-generated", "typed.py"),
    ],
    indirect=["planted"],
)
def test_a_planted_violation_fails_its_check(planted: Path, check: str, said: str) -> None:
    settings = [f"BIN={BIN}", f"TYPINGS={BIN.parent / 'typings'}"]
    done = subprocess.run(
        ["make", "-s", check, *settings], cwd=planted, capture_output=True, text=True, check=False, timeout=300
    )
    output = done.stdout + done.stderr
    assert done.returncode != 0, output
    assert said in output
