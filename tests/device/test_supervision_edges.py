"""The supervision to the picolitre: reverse flow, free flow and occlusion."""

import pytest

from protocol.codes import CAUSE_FREE_FLOW, CAUSE_NONE, CAUSE_OCCLUSION, CAUSE_REVERSE_FLOW
from tests.device.supervision_bench import DRIFT, RELIEF_TICKS, Bench, first


@pytest.fixture
def bench():
    return Bench()


# Backwards, in or out of a run: 150 nL beyond the drift.


@pytest.mark.req("FLOW-1")
@pytest.mark.parametrize("in_run", [False, True])
def test_150_nl_may_flow_backwards_and_no_more(bench, in_run):
    if in_run:
        bench.supervision.begin(True)
    # 10 nL more than the drift each tick.
    assert first(bench.tick(flow=-1_000 - DRIFT) for _ in range(50)) == (16, CAUSE_REVERSE_FLOW)


@pytest.mark.req("FLOW-1")
def test_flow_forwards_is_no_credit_for_flow_backwards_later(bench):
    for _ in range(20):
        bench.tick(flow=1_000)
    assert first(bench.tick(flow=-1_000 - DRIFT) for _ in range(50)) == (16, CAUSE_REVERSE_FLOW)


@pytest.mark.req("FLOW-1")
def test_the_least_volume_backwards_counts(bench):
    assert bench.tick(flow=-1 - DRIFT, ms=1) == CAUSE_NONE
    assert bench.tick(flow=-150 - DRIFT, ms=1_000) == CAUSE_REVERSE_FLOW


def test_reverse_flow_is_over_with_the_flow(bench):
    for _ in range(100):
        bench.tick(flow=-1_000 - DRIFT)
    assert bench.tick(flow=0) == CAUSE_NONE
    # What the tick of rest took away comes again, and a picolitre.
    assert bench.tick(flow=-DRIFT - DRIFT) == CAUSE_NONE
    assert bench.tick(flow=-1 - DRIFT, ms=1) == CAUSE_REVERSE_FLOW


# At rest: 150 nL, once the line had 3 s to relieve itself.


@pytest.mark.req("FLOW-1")
def test_after_the_start_a_line_at_rest_relieves_itself_for_3_s_and_then_gives_150_nl_at_most(bench):
    causes = (bench.tick(flow=1_000 + DRIFT) for _ in range(500))
    assert first(causes) == (RELIEF_TICKS + 16, CAUSE_FREE_FLOW)


@pytest.mark.req("FLOW-1")
def test_after_a_run_a_line_at_rest_relieves_itself_for_3_s_again(bench):
    bench.begin()
    for _ in range(20):
        assert bench.tick(flow=1_000 + DRIFT) == CAUSE_NONE
    bench.supervision.rest()
    causes = (bench.tick(flow=1_000 + DRIFT) for _ in range(500))
    assert first(causes) == (RELIEF_TICKS + 16, CAUSE_FREE_FLOW)


@pytest.mark.req("FLOW-1")
def test_a_line_at_rest_that_is_told_to_rest_has_no_further_time_to_relieve_itself(bench):
    bench.press(0)
    for _ in range(15):
        assert bench.tick(flow=1_000 + DRIFT) == CAUSE_NONE
    bench.supervision.rest()
    assert bench.tick(flow=1_000 + DRIFT) == CAUSE_FREE_FLOW


@pytest.mark.req("FLOW-1")
def test_at_rest_the_least_volume_counts_and_less_than_the_drift_is_no_credit(bench):
    bench.press(0)
    bench.tick(flow=0)
    assert bench.tick(flow=150 + DRIFT, ms=1_000) == CAUSE_NONE
    # The drift of a second takes all of it away again.
    assert bench.tick(flow=0, ms=10_000) == CAUSE_NONE
    assert bench.tick(flow=1 + DRIFT, ms=1) == CAUSE_NONE
    assert bench.tick(flow=150 + DRIFT, ms=1_000) == CAUSE_FREE_FLOW


def test_free_flow_at_rest_is_over_with_the_flow(bench):
    bench.press(0)
    for _ in range(100):
        bench.tick(flow=1_000 + DRIFT)
    assert bench.tick(flow=0) == CAUSE_NONE
    assert bench.tick(flow=DRIFT + DRIFT) == CAUSE_NONE
    assert bench.tick(flow=1 + DRIFT, ms=1) == CAUSE_FREE_FLOW


# Free flow in a run: 400 nL beyond the drift and 113 % of the rate.


@pytest.mark.req("FLOW-1")
@pytest.mark.parametrize("rate", [0, 1_000])
def test_400_nl_may_flow_beyond_what_the_rate_explains(bench, rate):
    bench.begin()
    explained = rate * 113 // 100 + DRIFT
    assert bench.tick(flow=explained + 400, steps=rate, rate=rate, ms=1_000) == CAUSE_NONE
    assert bench.tick(flow=explained + 1, rate=rate, ms=1) == CAUSE_FREE_FLOW


@pytest.mark.req("FLOW-1")
def test_less_than_the_rate_explains_is_no_credit_for_free_flow_and_the_least_beyond_it_counts(bench):
    bench.begin()
    assert bench.tick(flow=0) == CAUSE_NONE
    assert bench.tick(flow=1 + DRIFT, ms=1) == CAUSE_NONE
    assert bench.tick(flow=399 + DRIFT, ms=1_000) == CAUSE_NONE
    assert bench.tick(flow=1 + DRIFT, ms=999) == CAUSE_NONE
    assert bench.tick(flow=1 + DRIFT, ms=1) == CAUSE_FREE_FLOW


@pytest.mark.req("FLOW-1")
def test_after_the_rate_has_fallen_the_flow_that_it_explains_falls_by_a_thousandth_each_tick(bench):
    bench.begin()
    bench.tick(rate=6_363)
    # 7190.190 nL/s less 7.190.
    assert bench.tick(flow=7_183 + DRIFT + 400, steps=7_183, ms=1_000) == CAUSE_NONE
    # Less 7.183, 7175.817; and less 7.175, 7168.642.
    assert bench.tick(flow=7_175 + DRIFT, steps=7_175, ms=1_000) == CAUSE_NONE
    assert bench.tick(flow=7_168 + DRIFT + 1, ms=1) == CAUSE_FREE_FLOW


@pytest.mark.req("FLOW-1")
def test_a_further_run_begins_without_what_flowed_freely_in_the_one_before(bench):
    bench.begin()
    assert bench.tick(flow=400 + DRIFT, ms=1_000) == CAUSE_NONE
    bench.supervision.begin(True)
    assert bench.tick(flow=400 + DRIFT, ms=1_000) == CAUSE_NONE
    assert bench.tick(flow=1 + DRIFT, ms=1) == CAUSE_FREE_FLOW


# Occlusion: 250 nL that the pressure drives, beyond 400 Pa and the drift, and that do not flow.


@pytest.mark.req("FLOW-3")
@pytest.mark.parametrize(
    ("to_patient", "pa", "cause"),
    [
        # 3445 Pa drive 265 nL/s through the highest resistance of a patient line, 13 Pa per nL/s; 3458 Pa drive 266.
        (True, 3_857, CAUSE_NONE),
        (True, 3_858, CAUSE_OCCLUSION),
        # 99 Pa drive 264 nL/s through the 0.375 Pa per nL/s of the way to the waste, 100 Pa drive 266.
        (False, 499, CAUSE_NONE),
        (False, 500, CAUSE_OCCLUSION),
    ],
)
def test_250_nl_that_the_pressure_drives_may_fail_to_flow(bench, to_patient, pa, cause):
    bench.begin(pa, to_patient)
    assert bench.tick(ms=1_000) == cause


@pytest.mark.req("FLOW-3")
def test_what_flows_is_not_blocked(bench):
    bench.begin(3_858)
    assert bench.tick(flow=1, ms=1_000) == CAUSE_NONE
    # Another picolitre.
    assert bench.tick(flow=250, ms=1) == CAUSE_OCCLUSION


@pytest.mark.req("FLOW-3")
def test_flow_beyond_what_the_pressure_drives_is_no_credit_and_the_least_that_is_blocked_counts(bench):
    # 1 nL/s more than the drift.
    bench.begin(400 + 16 * 13)
    assert bench.tick(flow=300, ms=1_000) == CAUSE_NONE
    assert bench.tick(ms=1) == CAUSE_NONE
    assert bench.tick(ms=249_999) == CAUSE_NONE
    assert bench.tick(ms=1) == CAUSE_OCCLUSION


@pytest.mark.req("FLOW-3")
@pytest.mark.parametrize(("pa", "cause"), [(34_576, CAUSE_NONE), (34_577, CAUSE_OCCLUSION)])
def test_at_a_rate_the_flow_of_10_ms_more_may_be_blocked(bench, pa, cause):
    # 250 nL and 11.3 nL, which is 10 ms of 113 % of 1000 nL/s: 2613 nL/s in 100 ms. 34,177 Pa drive 2629 - 15 nL/s.
    bench.begin(pa)
    assert bench.tick(rate=1_000, ms=100) == cause


@pytest.mark.req("FLOW-3")
def test_a_further_run_begins_without_what_was_blocked_in_the_one_before(bench):
    bench.begin(3_857)
    assert bench.tick(ms=1_000) == CAUSE_NONE
    bench.supervision.begin(True)
    assert bench.tick(ms=1_000) == CAUSE_NONE
    assert bench.tick(ms=1) == CAUSE_OCCLUSION
