"""Planted defects: a storm that finds nothing is worth nothing unless it would have found these."""

import pytest
from hypothesis import settings

from hil.faults.generate import FAMILIES, generate
from hil.storm.run import run_schedule
from tests.hil.storm.defects import DEFECTS

MOST_SCHEDULES = 40


# A night seeks each among the schedules of the storm's own seed, too, which takes up to a minute.
TRIED = [(defect, defect.seed) for defect in DEFECTS]
if settings.default.max_examples > 100:
    TRIED += [(defect, 1) for defect in DEFECTS if defect.seed != 1]


def found_at(defect, seed, families):
    """The first schedule that shows one of the broken promises of the defect."""
    for number in range(MOST_SCHEDULES):
        if run_schedule(generate("twin", seed, number, families)).rules & defect.rules:
            return number
    return None


@pytest.mark.parametrize(
    ("defect", "seed"), TRIED, ids=[f"{defect.family}: {defect.name}, seed {seed}" for defect, seed in TRIED]
)
def test_a_planted_defect_is_found_within_a_bounded_number_of_schedules(monkeypatch, defect, seed):
    families = (defect.family,) if defect.family in FAMILIES else ()
    with monkeypatch.context() as patch:
        defect.plant(patch)
        number = found_at(defect, seed, families)
    assert number is not None
    assert run_schedule(generate("twin", seed, number, families)).violations == []


def test_there_is_a_defect_of_each_family_that_reaches_the_rig():
    assert {"link", "power", "sensor", "plant"} <= {defect.family for defect in DEFECTS}
