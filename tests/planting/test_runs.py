"""What the harness says of each defect: noticed only when a test ran against the broken source and failed."""

import re

import pytest

from tests.planting.defect import Defect, jobs_of, suites
from tests.planting.runs import Runs, ServerError, running

SOURCES = "tests/planting/samples"


def defect(name: str, before: str, after: str, tests: str = "judges.py") -> Defect:
    return Defect(name, "lamp.py", before, after, tests)


ALWAYS_ON = ("level if on else 0", "level")
NOTICED = defect("always-on", *ALWAYS_ON)
DRAWN = defect("one-too-bright", "level if on", "level + (level > 1000) if on", "draws.py")
DRAWN_AGAIN = defect("two-too-bright", "level if on", "level + 2 * (level > 1000) if on", "draws.py")
SLOW = defect("always-on", *ALWAYS_ON, "never_ends.py")
REFUSED = (
    (defect("no-rule", "level // 2", "level // 3"), "every test passed"),
    (defect("nowhere", "dimmed", "bright"), "there is not one place to break\nnowhere: .* holds 0 times"),
    (defect("everywhere", "level", "0"), "there is not one place to break\neverywhere: .* holds 4 times"),
    (defect("no-python", "return level // 2", "return ("), "an import failed, not a test"),
    (defect("no-import", "def warm", "import nothing_at_all\n\n\ndef warm"), "an import failed, not a test"),
    (defect("no-collection", "return level // 2", "return (", "draws.py"), "the tests were not run"),
    (defect("no-such-test", *ALWAYS_ON, "judges.py::test_nobody_wrote"), "pytest does not find the tests"),
    (defect("no-test", *ALWAYS_ON, "lamp.py"), "there was no test to run"),
    (defect("no-lamp", *ALWAYS_ON, "looks_elsewhere.py"), "the tests do not import what was to be broken"),
    (defect("two-processes", *ALWAYS_ON, "starts_a_process.py"), "the tests start another process"),
)
DEFECTS = (NOTICED, DRAWN, DRAWN_AGAIN, *(each for each, _ in REFUSED))


@pytest.fixture(scope="module")
def runs(request):
    with running(request, DEFECTS, SOURCES, SOURCES) as runs:
        yield runs


@pytest.mark.parametrize("defect", [NOTICED], ids=lambda defect: defect.name)
def test_a_defect_that_fails_a_test_is_noticed(runs, defect):
    runs.must_notice(defect)
    assert "FAILED tests/planting/samples/judges.py::test_a_lamp_that_is_off_is_dark" in runs.result(defect).said


@pytest.mark.parametrize(("defect", "meaning"), REFUSED, ids=[each.name for each, _ in REFUSED])
def test_whatever_else_comes_of_a_defect_is_told(runs, defect, meaning):
    with pytest.raises(AssertionError, match=f"^{meaning}"):
        runs.must_notice(defect)


@pytest.mark.parametrize("suite", ["judges.py", "draws.py"])
def test_a_suite_passes_where_nothing_is_broken(runs, suite):
    runs.must_pass(suite)


@pytest.mark.parametrize("suite", ["looks_elsewhere.py", "starts_a_process.py"])
def test_a_suite_that_fails_by_itself_is_told(runs, suite):
    with pytest.raises(AssertionError, match="the tests"):
        runs.must_pass(suite)


@pytest.mark.parametrize(("one", "other"), [(DRAWN, DRAWN_AGAIN)], ids=["draws"])
def test_every_run_draws_the_same_examples(runs, one, other):
    found = [re.findall(r"level=(\d+)", runs.result(defect).said) for defect in (one, other)]
    assert found[0]
    assert found[0] == found[1]


def test_only_what_the_selected_tests_ask_for_is_run(runs):
    assert set(runs._order) == {*DEFECTS, *suites(DEFECTS)} - {"lamp.py", "judges.py::test_nobody_wrote"}


def test_a_run_that_takes_too_long_is_ended_and_told():
    with Runs(jobs_of([SLOW], SOURCES, SOURCES), seconds=1) as runs:
        for wait in (runs.must_notice, runs.must_pass):
            with pytest.raises(AssertionError, match="the tests took too long"):
                wait(SLOW)


def test_a_server_that_ends_too_early_is_told():
    with Runs(jobs_of([SLOW], SOURCES, SOURCES), seconds=30) as runs:
        runs._server.kill()
        with pytest.raises(ServerError, match="ended with -9, and with no word of"):
            runs.result(SLOW)
