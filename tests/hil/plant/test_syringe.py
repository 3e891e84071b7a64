"""The syringe pump: backlash, stick-slip, ends."""

from random import Random

import pytest

from hil.plant.parameters import NOMINAL_STEP_NL, PlantParameters
from hil.plant.syringe import Syringe

SMOOTH = PlantParameters(stick_slip_nl=0.0, backlash_nl=0.0)


def make_syringe(**changes):
    parameters = {"stick_slip_nl": 0.0, "backlash_nl": 0.0, **changes}
    return Syringe(PlantParameters(**parameters), Random(1))


def turn(syringe, steps, forward=True):
    """Turn step by step and return the volume displaced."""
    return sum(syringe.turn(1, forward) for _ in range(steps))


def test_one_millimetre_displaces_the_area_of_the_bore():
    assert turn(make_syringe(), 3200) == pytest.approx(17_945.1, abs=0.1)


def test_a_wide_bore_displaces_more_with_every_step():
    assert turn(make_syringe(bore_error=0.01), 1000) == pytest.approx(1010 * NOMINAL_STEP_NL)


def test_reversing_takes_up_the_backlash_first():
    syringe = make_syringe(backlash_nl=90.0)
    turn(syringe, 100)
    assert turn(syringe, 16, forward=False) == 0.0  # 16 steps are 89.7 nL
    assert turn(syringe, 1, forward=False) == pytest.approx(90.0 - 17 * NOMINAL_STEP_NL)


def test_reversing_twice_loses_the_backlash_each_time():
    syringe = make_syringe(backlash_nl=90.0)
    turn(syringe, 100)
    turn(syringe, 50, forward=False)
    assert turn(syringe, 50) == pytest.approx(50 * NOMINAL_STEP_NL - 90.0)


def test_the_plunger_sticks_and_slips_in_grains():
    syringe = make_syringe(stick_slip_nl=20.0)
    slips = [moved for _ in range(1000) if (moved := syringe.turn(1, True))]
    assert min(slips) >= 10.0
    assert max(slips) <= 30.0 + NOMINAL_STEP_NL
    assert sum(slips) / len(slips) == pytest.approx(20.0 + NOMINAL_STEP_NL / 2, rel=0.1)


def test_the_plunger_never_lags_by_more_than_a_grain():
    syringe = make_syringe(stick_slip_nl=20.0)
    for steps in range(1, 1000):
        syringe.turn(1, True)
        assert 0.0 <= steps * NOMINAL_STEP_NL - syringe.plunger_nl <= 30.0


@pytest.mark.parametrize("backlash_nl", [0.0, 90.0])
def test_grouping_of_steps_does_not_matter(backlash_nl):
    single, grouped = (make_syringe(stick_slip_nl=20.0, backlash_nl=backlash_nl) for _ in range(2))
    moves = [(True, 100), (False, 60), (True, 70), (False, 5), (True, 33)]
    for forward, steps in moves:
        alone = turn(single, steps, forward)
        together = 0.0
        left = steps
        while left:
            group = min(left, grouped.steps_to_slip(forward))
            together += grouped.turn(group, forward)
            left -= group
        assert together == alone


def test_steps_to_slip_tells_the_step_that_moves_the_plunger():
    syringe = make_syringe(stick_slip_nl=20.0)
    for _ in range(50):
        steps = syringe.steps_to_slip(True)
        assert turn(syringe, steps - 1) == 0.0
        assert syringe.turn(1, True) > 0.0


def test_an_empty_syringe_gives_nothing_more_and_loses_the_steps():
    syringe = make_syringe(fill_nl=100.0)
    assert turn(syringe, 50) == pytest.approx(100.0)
    assert syringe.remaining_nl == 0.0
    assert syringe.steps_lost == 50 - 18


def test_a_full_syringe_takes_nothing_more():
    syringe = make_syringe(fill_nl=1000.0, capacity_nl=1100.0)
    assert turn(syringe, 50, forward=False) == pytest.approx(-100.0)


def test_a_stalled_motor_loses_every_step():
    syringe = make_syringe()
    syringe.stalled = True
    assert turn(syringe, 10) == 0.0
    assert syringe.steps_lost == 10
