"""The whole device, taken through any sequence of rules: no edge, no volume and no word breaks a promise."""

import os

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from hil.model.draw import CalledDraw
from hil.model.rules import RULES
from hil.model.run import Setting, begin, end, run_model, take

STEPS = 500
REQUIREMENTS = (
    "DOSE-2", "DOSE-3", "DOSE-4", "DOSE-5", "DOSE-7", "DOSE-8", "DOSE-12", "DOSE-13",
    "STOP-1", "STOP-2", "STOP-3", "STOP-9",
    "PERMIT-1", "PERMIT-2", "PERMIT-3", "PERMIT-4", "PERMIT-5",
    "RESCUE-1", "RESCUE-2", "RESCUE-3", "LEDGER-1", "LEDGER-2", "LEDGER-5", "LINK-4", "LINK-5",
)  # fmt: skip


class Model(RuleBasedStateMachine):
    """Hypothesis chooses rig, rules and numbers; the judge of ``hil.model`` judges."""

    def __init__(self):
        super().__init__()
        self.world = None

    @initialize(seed=st.integers(0, 999), near_wrap=st.booleans(), row=st.integers(0, 2))
    def switch_on(self, seed, near_wrap, row):
        self.world = begin(Setting(seed, near_wrap=near_wrap, row=row))

    def step(self, chosen, data):
        draw = CalledDraw(lambda low, high: data.draw(st.integers(low, high)))
        take(self.world, chosen, draw)

    @invariant()
    def every_promise_holds(self):
        if self.world is not None:
            assert [str(violation) for violation in self.world.judge.violations] == []

    def teardown(self):
        if self.world is not None:
            end(self.world)
            self.every_promise_holds()
            self.world.board.close()


def taking(chosen):
    @rule(data=st.data())
    def take_it(self, data):
        self.step(chosen, data)

    take_it.__name__ = chosen.name
    return take_it


for one in RULES:
    setattr(Model, one.name, taking(one))

TestModel = pytest.mark.req(*REQUIREMENTS)(Model.TestCase)
TestModel.settings = settings(
    max_examples=8 if settings.default.max_examples <= 100 else 100,
    stateful_step_count=30,
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.req(*REQUIREMENTS)
def test_no_promise_is_broken_in_some_hundred_steps():
    result = run_model(STEPS, int(os.environ["NANORIG_SEED"]))
    assert result.steps == STEPS
    assert result.edges > STEPS
    assert [example.as_dict() for example in result.found] == []


def test_every_rule_is_taken():
    """Weighted as they are, no rule is left out of a night's steps, and each has a name of its own."""
    assert len({chosen.name for chosen in RULES}) == len(RULES)
    assert min(chosen.weight for chosen in RULES) * 2000 > sum(chosen.weight for chosen in RULES)
