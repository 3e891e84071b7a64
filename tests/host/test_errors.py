"""Errors for people and exit codes for programs."""

import re
from pathlib import Path

import pytest

from host import errors
from host.errors import EXIT_CODES, RigError, UsageError

DOCUMENTED = {0, 2, 3, 4, 6, 7}


def test_every_code_ends_with_a_documented_exit_code_and_none_with_done() -> None:
    assert set(EXIT_CODES.values()) == DOCUMENTED - {0}


def test_every_code_that_is_raised_is_known_and_every_known_one_is_used() -> None:
    folder = Path(errors.__file__).parent
    source = "".join(path.read_text(encoding="utf-8") for path in folder.rglob("*.py") if path.name != "errors.py")
    used = set(re.findall(r'"([a-z_]+)"', source)) & set(EXIT_CODES)
    raised = set(re.findall(r'(?:RigError|TransportError)\(\s*"([a-z_]+)"', source))
    assert raised <= set(EXIT_CODES)
    assert set(EXIT_CODES) - used == {"usage"}


def test_an_error_reads_as_what_happened_and_what_to_do() -> None:
    error = RigError("silent", "Nothing was heard.", "Check the cable.")
    assert str(error) == "Nothing was heard. Check the cable."
    assert error.exit_code == 4
    assert UsageError("a", "b").exit_code == 2


def test_an_unknown_code_is_a_defect() -> None:
    with pytest.raises(AssertionError):
        RigError("no such code", "", "")
