"""A module comes from a text in place of its file, and is in all else the module of that file."""

import inspect
import py_compile
import sys
from importlib import import_module
from pathlib import Path

import pytest

from tests.planting.serving import TextFinder, module_of

FILE = "planted_lantern.py"
NAME = "planted_lantern"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder to import from; all that is imported there is forgotten."""
    (tmp_path / FILE).write_text("def colour():\n    return 'red'\n", encoding="utf-8")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    yield tmp_path
    sys.modules.pop(NAME, None)


@pytest.fixture
def finder(folder):
    return TextFinder(folder, {FILE: "def colour():\n    return 'blue'\n"})


def test_what_is_imported_is_the_text(finder):
    finder.install()
    assert import_module(NAME).colour() == "blue"


def test_it_has_the_name_of_the_file(finder, folder):
    finder.install()
    assert import_module(NAME).__file__ == str(folder / FILE)


def test_byte_code_of_the_file_is_neither_read_nor_written(finder, folder):
    compiled = Path(py_compile.compile(str(folder / FILE)))
    before = compiled.read_bytes()
    finder.install()
    assert import_module(NAME).colour() == "blue"
    assert compiled.read_bytes() == before


def test_who_asks_for_the_source_gets_the_text(finder):
    finder.install()
    assert "blue" in inspect.getsource(import_module(NAME).colour)


def test_a_finder_that_was_put_first_since_does_not_come_first(finder):
    finder.install()
    sys.meta_path.insert(0, None)
    finder.come_first()
    assert sys.meta_path[0] is finder
    assert sys.meta_path.count(finder) == 1


def test_a_module_that_is_loaded_already_cannot_come_from_a_text(finder):
    import_module(NAME)
    with pytest.raises(ImportError, match=f"loaded before a text could stand in for it: {NAME}"):
        finder.install()


def test_what_nobody_imported_is_missing(finder):
    finder.install()
    assert finder.missing == {FILE}
    import_module(NAME)
    assert finder.missing == set()


@pytest.mark.parametrize(
    ("file", "module"),
    [("device/pump.py", "device.pump"), ("device/boards/pico.py", "device.boards.pico"), ("hil/__init__.py", "hil")],
)
def test_a_module_has_the_name_of_its_file(file, module):
    assert module_of(file) == module
