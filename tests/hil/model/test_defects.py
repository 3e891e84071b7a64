"""Planted defects: a model that finds nothing is worth nothing unless it would have found these."""

import pytest
from hypothesis import settings

from hil.model.run import run_model
from tests.hil.model.defects import DEFECTS

MOST_STEPS = 2_500
SEED = 7


# The others take a minute each, which only a night has.
TRIED = [defect for defect in DEFECTS if defect.quick or settings.default.max_examples > 100]


@pytest.mark.parametrize("defect", TRIED, ids=lambda defect: defect.name)
def test_a_planted_defect_is_found_within_a_bounded_number_of_steps(monkeypatch, defect):
    with monkeypatch.context() as patch:
        defect.plant(patch)
        result = run_model(MOST_STEPS, SEED, enough=lambda example: broken(example, defect))
    assert any(broken(example, defect) for example in result.found), result.as_dict()


def broken(example, defect):
    return any(violation.rule.startswith(defect.rules) for violation in example.violations)
