"""Burden and counter-agent against closed forms."""

from math import exp

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hil.patient.burden import Burden

BINDING_S = 60.0


def make_burden(residual=0.0, clearance=0.10, growth=0.0, growth_after_s=0.0):
    return Burden(residual, clearance, growth, growth_after_s, BINDING_S)


def test_a_burden_is_cleared_exponentially():
    burden = make_burden(residual=10.0)
    burden.advance(600.0, 0.0, 0.0)
    assert burden.burden_ul == pytest.approx(10.0 * exp(-0.10 * 10), rel=1e-12)


def test_a_steady_inflow_ends_where_as_much_is_cleared():
    burden = make_burden()
    burden.advance(24 * 3600.0, 0.05, 0.0)
    assert burden.burden_ul == pytest.approx(0.05 / (0.10 / 60), rel=1e-12)


def test_an_inflow_rises_to_its_end_with_the_clearance():
    burden = make_burden()
    burden.advance(300.0, 0.05, 0.0)
    assert burden.burden_ul == pytest.approx(30.0 * (1 - exp(-0.5)), rel=1e-12)


def test_without_clearance_everything_stays():
    burden = make_burden(clearance=0.0)
    burden.advance(50.0, 0.5, 0.0)
    assert burden.burden_ul == pytest.approx(25.0, rel=1e-12)


def test_growth_faster_than_clearance_doubles_in_its_time():
    burden = make_burden(residual=5.0, clearance=0.10, growth=0.13)
    burden.advance(60.0 * 23.1049, 0.0, 0.0)  # ln 2 / 0.03 min
    assert burden.burden_ul == pytest.approx(10.0, rel=1e-5)


def test_growth_may_begin_late():
    burden = make_burden(residual=5.0, clearance=0.10, growth=0.13, growth_after_s=600.0)
    burden.advance(1200.0, 0.0, 0.0)
    assert burden.burden_ul == pytest.approx(5.0 * exp(-1.0) * exp(0.3), rel=1e-12)


def test_counter_agent_binds_one_to_one_with_its_time_constant():
    burden = make_burden(residual=30.0, clearance=0.0)
    burden.advance(1.0, 0.0, 10.0)
    before = burden.burden_ul + burden.bound_ul
    free = burden.counter_ul
    start = burden.burden_ul
    burden.advance(60.0, 0.0, 0.0)
    assert burden.counter_ul == pytest.approx(free * exp(-1), rel=1e-12)
    assert start - burden.burden_ul == pytest.approx(free * (1 - exp(-1)), rel=1e-12)
    assert burden.burden_ul + burden.bound_ul == pytest.approx(before, rel=1e-12)
    burden.advance(3600.0, 0.0, 0.0)
    assert burden.burden_ul == pytest.approx(20.0, rel=1e-9)


def test_binding_beside_clearance_is_the_solution_of_both():
    burden = make_burden(residual=30.0, clearance=0.12)
    burden.counter_ul = 5.0
    burden.advance(90.0, 0.0, 0.0)
    lost, fall = 0.12 / 60, 1 / 60.0
    expected = 30.0 * exp(-lost * 90) - 5.0 * fall * (exp(-fall * 90) - exp(-lost * 90)) / (lost - fall)
    assert burden.burden_ul == pytest.approx(expected, rel=1e-12)


def test_binding_as_fast_as_clearance_is_no_singular_case():
    burden = make_burden(residual=30.0, clearance=1.0)
    burden.counter_ul = 5.0
    burden.advance(60.0, 0.0, 0.0)
    assert burden.burden_ul == pytest.approx((30.0 - 5.0) * exp(-1), rel=1e-12)


def test_more_counter_agent_than_burden_leaves_none_and_the_rest_waits():
    burden = make_burden(residual=3.0, clearance=0.0)
    burden.counter_ul = 10.0
    burden.advance(3600.0, 0.0, 0.0)
    assert burden.burden_ul == 0.0
    assert burden.counter_ul == pytest.approx(7.0, rel=1e-9)


def test_counter_agent_in_excess_binds_what_flows_in():
    burden = make_burden()
    burden.counter_ul = 10.0
    burden.advance(100.0, 0.05, 0.0)
    assert burden.burden_ul == 0.0
    assert burden.counter_ul == pytest.approx(5.0, rel=1e-12)
    burden.advance(100.0, 0.05, 0.0)  # it can bind 1/60 of itself a second: from 3 uL on no longer all
    assert burden.burden_ul > 0.0
    assert burden.bound_ul + burden.counter_ul == pytest.approx(10.0, rel=1e-9)


inflows = st.lists(
    st.tuples(st.floats(0.001, 900.0), st.sampled_from([0.0, 0.1, 1.0]), st.sampled_from([0.0, 0.2, 1.0])),
    min_size=1,
    max_size=12,
)


@given(inflows, st.floats(0.0, 0.5), st.floats(0.0, 20.0))
def test_nothing_is_ever_negative_and_what_is_bound_was_counter_agent(inflows, clearance, residual):
    burden = make_burden(residual, clearance)
    given_ul = 0.0
    for duration_s, agent, counter in inflows:
        burden.advance(duration_s, agent, counter)
        given_ul += duration_s * counter
        assert burden.burden_ul >= 0.0
        assert burden.counter_ul >= 0.0
        assert burden.bound_ul + burden.counter_ul == pytest.approx(given_ul, rel=1e-9, abs=1e-9)


@given(inflows, st.floats(0.0, 20.0))
def test_without_clearance_what_came_in_is_there_or_bound(inflows, residual):
    burden = make_burden(residual, clearance=0.0)
    came_ul = residual
    for duration_s, agent, counter in inflows:
        burden.advance(duration_s, agent, counter)
        came_ul += duration_s * agent
        assert burden.burden_ul + burden.bound_ul == pytest.approx(came_ul, rel=1e-9, abs=1e-6)


@given(inflows, st.floats(0.0, 0.5), st.floats(0.0, 0.3), st.floats(0.0, 20.0), st.integers(2, 40))
def test_the_result_does_not_depend_on_the_step(inflows, clearance, growth, residual, pieces):
    whole, cut = (make_burden(residual, clearance, growth, 200.0) for _ in range(2))
    for duration_s, agent, counter in inflows:
        whole.advance(duration_s, agent, counter)
        for _ in range(pieces):
            cut.advance(duration_s / pieces, agent, counter)
    assert cut.burden_ul == pytest.approx(whole.burden_ul, rel=1e-6, abs=1e-6)
    assert cut.counter_ul == pytest.approx(whole.counter_ul, rel=1e-6, abs=1e-6)


@given(inflows, st.floats(0.0, 0.5), st.floats(0.0, 20.0))
def test_pieces_follow_each_other_without_a_jump(inflows, clearance, residual):
    burden = make_burden(residual, clearance)
    last_ul = residual
    for duration_s, agent, counter in inflows:
        pieces = burden.advance(duration_s, agent, counter)
        assert sum(piece.duration_s for piece in pieces) == pytest.approx(duration_s)
        for piece in pieces:
            assert piece.at(0.0) == pytest.approx(last_ul, rel=1e-9, abs=1e-6)
            last_ul = piece.at(piece.duration_s)
        assert burden.burden_ul == pytest.approx(last_ul, rel=1e-9, abs=1e-6)
