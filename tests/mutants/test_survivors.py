"""The list of survivors is held against what became of the mutants, in both directions."""

import pytest

from tests.mutants import survivors
from tests.mutants.execute import KILLED, SURVIVED, TIMED_OUT, UNTESTED
from tests.mutants.generate import Mutant

ENTRY = """
[[survivor]]
module = "window"
function = "Window.add"
reason = "{reason}"
changes = ["a -> b", "{other}"]
"""


def mutant(change):
    return Mutant("window", "Window.add", change, "")


def name(change):
    return f"window: Window.add: {change}"


def written(folder, **texts):
    path = folder / "survivors.toml"
    path.write_text(ENTRY.format(**{"reason": "it is never read", "other": "a -> c"} | texts))
    return path


def test_a_survivor_is_found_by_module_function_and_change(tmp_path):
    reasons = survivors.load(written(tmp_path))
    assert reasons == {name("a -> b"): "it is never read", name("a -> c"): "it is never read"}


@pytest.mark.parametrize("texts", [{"reason": " "}, {"other": "a -> b"}], ids=["no reason", "listed twice"])
def test_an_entry_needs_a_reason_of_its_own(tmp_path, texts):
    with pytest.raises(ValueError, match="without a reason of its own"):
        survivors.load(written(tmp_path, **texts))


@pytest.mark.parametrize("fate", [SURVIVED, UNTESTED])
def test_a_survivor_that_is_not_listed_is_said(fate):
    assert survivors.unlisted({mutant("a -> b"): fate}, []) == [f"{name('a -> b')} [{fate}]"]
    assert survivors.unlisted({mutant("a -> b"): fate}, [name("a -> b")]) == []


@pytest.mark.parametrize("fate", [KILLED, TIMED_OUT])
def test_a_listed_survivor_that_is_noticed_is_stale(fate):
    assert survivors.noticed({mutant("a -> b"): fate}, [name("a -> b")]) == [name("a -> b")]
    assert survivors.unlisted({mutant("a -> b"): fate}, []) == []


def test_a_listed_survivor_whose_rule_reads_otherwise_now_is_gone():
    assert survivors.gone([mutant("a -> b")], [name("a -> b"), name("a -> c")]) == [name("a -> c")]
