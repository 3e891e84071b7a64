"""A permit at the edges of what may be permitted, and a gate that has never had one."""

import pytest

from device import limits
from device.permit import PermitGate
from protocol import codes
from tests.device.test_permit import NOW, WRAP, offer, permit

HALF = 1 << 29


@pytest.fixture
def gate():
    return PermitGate()


def test_a_new_gate_lets_nothing_out(gate):
    assert (gate.nearest, gate.step_limit, gate.rate_nl_s) == (0, 0, 0)


@pytest.mark.parametrize("now_ms", [0, 1, NOW, WRAP - 2, WRAP - 1])
def test_a_new_gate_has_no_permit_at_any_time_of_the_clock(gate, now_ms):
    assert gate.left_ms(now_ms) == 0


def test_a_permit_is_valid_in_its_last_millisecond(gate):
    offer(gate, permit(expires_ms=NOW + 2_000))
    assert gate.valid(NOW + 1_999)
    assert not gate.valid(NOW + 2_000)


def test_a_permit_may_end_with_the_last_value_of_the_clock(gate):
    assert offer(gate, permit(expires_ms=WRAP - 1), now_ms=WRAP - 1_000) == codes.REASON_NONE


def test_a_permit_that_ends_half_the_clock_ahead_has_expired(gate):
    assert offer(gate, permit(expires_ms=NOW + HALF)) == codes.REASON_EXPIRED


def test_the_lowest_and_the_highest_rate_are_permitted(gate):
    for rate_nl_s in (limits.MIN_RATE_NL_S, limits.MAX_RATE_NL_S):
        assert offer(gate, permit(rate_nl_s=rate_nl_s)) == codes.REASON_NONE
