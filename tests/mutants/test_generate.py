"""What a mutant is, and that one that is planted acts wherever its function is held."""

import pytest

from device import window
from tests.mutants.generate import function_of, mutants_of


@pytest.fixture(scope="module")
def mutants():
    return {mutant.name: mutant for mutant in mutants_of("window")}


@pytest.fixture
def kept():
    """Take out of ``Window.add`` what a test plants there."""
    function = function_of("window", "Window.add")
    code = function.__code__
    yield
    function.__code__ = code


def test_a_mutant_is_named_by_the_lines_it_changes(mutants):
    assert "window: Window.in_window: if window_s > self._span_s: -> if window_s >= self._span_s:" in mutants


def test_the_same_change_made_twice_in_a_function_is_told_apart(mutants):
    assert len(mutants) == len(mutants_of("window"))


def test_calls_are_taken_away_and_conditions_turned_round(mutants):
    assert "window: Window.add: self._advance(now_ms) -> pass" in mutants
    assert "window: Window._advance: if self._begin_ms < 0: -> if not (self._begin_ms < 0):" in mutants


def test_a_mutant_acts_on_what_holds_the_function_already(mutants, kept):
    volumes = window.Window()
    add = volumes.add
    mutants["window: Window.add: self._nl[self._newest] += volume_nl -> self._nl[self._newest] -= volume_nl"].plant()
    add(0, 5)
    assert volumes.in_window(0, 600) == -5
