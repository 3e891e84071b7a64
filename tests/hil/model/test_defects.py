"""Planted defects: a model that finds nothing is worth nothing unless it would have found these."""

import pytest
from hypothesis import settings

from hil.model.run import run_model
from tests.hil.model.defects import DEFECTS

MOST_STEPS = 2_500
SEED = 7


# A night seeks each among the examples of one seed, which takes minutes.
TRIED = [(defect, defect.seed) for defect in DEFECTS if defect.seed is not None]
if settings.default.max_examples > 100:
    TRIED += [(defect, SEED) for defect in DEFECTS]


@pytest.mark.parametrize(("defect", "seed"), TRIED, ids=[f"{defect.name}, seed {seed}" for defect, seed in TRIED])
def test_a_planted_defect_is_found_within_a_bounded_number_of_steps(monkeypatch, defect, seed):
    with monkeypatch.context() as patch:
        defect.plant(patch)
        result = run_model(MOST_STEPS, seed, enough=lambda example: broken(example, defect))
    assert any(broken(example, defect) for example in result.found), result.as_dict()


def broken(example, defect):
    return any(violation.rule.startswith(defect.rules) for violation in example.violations)
