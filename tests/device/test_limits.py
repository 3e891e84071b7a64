import pytest
from hypothesis import given
from hypothesis import strategies as st

from device import limits
from protocol import codes


def judge(volume_nl=12_500, rate_nl_s=1_000, counted_nl=0):
    ceilings = limits.Ceilings()
    return ceilings.judge(volume_nl, rate_nl_s, counted_nl), ceilings.nearest


def test_an_order_within_every_ceiling_is_allowed():
    assert judge() == (codes.REASON_NONE, 0)


@pytest.mark.req("DOSE-4", "DOSE-5")
@pytest.mark.parametrize(
    ("order", "reason", "nearest"),
    [
        ({"volume_nl": limits.MIN_DOSE_NL - 1}, codes.REASON_VOLUME_LOW, limits.MIN_DOSE_NL),
        ({"volume_nl": limits.MAX_DOSE_NL + 1}, codes.REASON_VOLUME_HIGH, limits.MAX_DOSE_NL),
        ({"rate_nl_s": limits.MIN_RATE_NL_S - 1}, codes.REASON_RATE_LOW, limits.MIN_RATE_NL_S),
        ({"rate_nl_s": limits.MAX_RATE_NL_S + 1}, codes.REASON_RATE_HIGH, limits.MAX_RATE_NL_S),
        ({"counted_nl": limits.MAX_TOTAL_NL - 12_626}, codes.REASON_TOTAL_HIGH, 12_499),
        ({"counted_nl": limits.MAX_TOTAL_NL - 99}, codes.REASON_TOTAL_HIGH, 0),
        ({"counted_nl": limits.MAX_TOTAL_NL + 1}, codes.REASON_TOTAL_HIGH, 0),
    ],
)
def test_an_order_beyond_a_ceiling_is_refused_with_the_nearest_allowed_value(order, reason, nearest):
    assert judge(**order) == (reason, nearest)


@pytest.mark.req("DOSE-5")
@pytest.mark.parametrize(
    "order",
    [
        {"volume_nl": limits.MIN_DOSE_NL},
        {"volume_nl": limits.MAX_DOSE_NL},
        {"rate_nl_s": limits.MIN_RATE_NL_S},
        {"rate_nl_s": limits.MAX_RATE_NL_S},
        {"counted_nl": limits.MAX_TOTAL_NL - 12_627},
    ],
)
def test_an_order_at_a_ceiling_is_allowed(order):
    assert judge(**order) == (codes.REASON_NONE, 0)


@pytest.mark.req("DOSE-4")
@given(st.integers(0, limits.MAX_TOTAL_NL), st.integers(limits.MIN_DOSE_NL, limits.MAX_DOSE_NL))
def test_the_nearest_allowed_volume_is_allowed_and_the_next_one_is_not(counted_nl, volume_nl):
    reason, nearest = judge(volume_nl=volume_nl, counted_nl=counted_nl)
    if reason == codes.REASON_TOTAL_HIGH and nearest:
        assert judge(volume_nl=nearest, counted_nl=counted_nl)[0] == codes.REASON_NONE
        assert judge(volume_nl=nearest + 1, counted_nl=counted_nl)[0] == codes.REASON_TOTAL_HIGH


@given(st.integers(limits.MIN_DOSE_NL, limits.MAX_DOSE_NL))
def test_the_steps_of_a_volume_are_never_more_than_the_volume_and_less_by_under_one_step(volume_nl):
    exact_pl = limits.steps_of(volume_nl) * limits.STEP_PL
    assert volume_nl * 1000 - limits.STEP_PL < exact_pl <= volume_nl * 1000


def test_no_product_leaves_the_small_integers_of_a_microcontroller():
    assert limits.MAX_DOSE_NL * 1000 < 1 << 30
    assert limits.steps_of(limits.MAX_DOSE_NL) * limits.STEP_PL < 1 << 30
    assert limits.STEP_PL * 1000 < 1 << 30
