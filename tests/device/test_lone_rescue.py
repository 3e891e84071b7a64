"""How long the switch is held, and how much a rescue gives that nobody has ordered."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device import limits
from device.clock import ticks_add
from device.contents import LINE_NL, PATIENT_LINE_NL
from device.lone_rescue import HOLD_MS, HeldSwitch, volume_nl
from device.treatment import Treatment
from protocol import codes

TICK_MS = 10
FULL_NL = 900_000


def told(levels: list[bool], start_ms: int = 0) -> list[int]:
    """Return the ticks in which a switch with these levels, one a tick, is said to have been held."""
    switch = HeldSwitch()
    return [at for at, level in enumerate(levels) if switch.tick(level, ticks_add(start_ms, at * TICK_MS))]


@pytest.fixture
def treatment() -> Treatment:
    treatment = Treatment()
    treatment.residual_nl = 0
    return treatment


def test_the_switch_counts_as_held_after_five_seconds_and_once() -> None:
    assert told([True] * 1200) == [HOLD_MS // TICK_MS]


def test_one_tick_less_is_not_held() -> None:
    assert told([True] * (HOLD_MS // TICK_MS) + [False]) == []


def test_a_break_begins_the_time_anew() -> None:
    held = HOLD_MS // TICK_MS
    assert told([True] * (held - 1) + [False] + [True] * held + [False]) == []
    assert told([True] * (held + 1) + [False] + [True] * (held + 1)) == [held, 2 * held + 2]


def test_the_time_runs_on_where_the_clock_wraps() -> None:
    assert told([True] * 600, (1 << 30) - 2000) == [HOLD_MS // TICK_MS]


@pytest.mark.req("RESCUE-2")
def test_the_amount_is_all_agent_that_may_be_there_and_the_line(treatment: Treatment) -> None:
    treatment.agent_max_nl = 5_000
    treatment.residual_nl = 1_000
    assert volume_nl(treatment, 2_000, 3_000, FULL_NL) == 5_000 + 1_000 + 2_000 + 3_000 + PATIENT_LINE_NL


@pytest.mark.req("RESCUE-2")
def test_a_residual_burden_that_nobody_knows_counts_at_its_worst(treatment: Treatment) -> None:
    treatment.residual_nl = codes.UNKNOWN_NL
    assert volume_nl(treatment, 0, 0, FULL_NL) == limits.MAX_RESCUE_NL


def test_without_agent_there_is_no_rescue(treatment: Treatment) -> None:
    assert volume_nl(treatment, 0, LINE_NL, FULL_NL) == 0


@pytest.mark.req("RESCUE-4")
@given(
    st.integers(0, 500_000), st.integers(0, 100_000), st.integers(0, LINE_NL), st.integers(0, FULL_NL),
    st.integers(0, 2 * limits.MAX_RESCUE_TOTAL_NL),
)  # fmt: skip
def test_it_never_passes_its_ceilings_and_what_the_cartridge_has(
    agent_nl: int, open_nl: int, in_line_nl: int, available_nl: int, rescued_nl: int
) -> None:
    treatment = Treatment()
    treatment.residual_nl = 0
    treatment.agent_max_nl = agent_nl
    treatment.rescue_max_nl = rescued_nl
    amount_nl = volume_nl(treatment, open_nl, in_line_nl, available_nl)
    assert amount_nl == 0 or limits.MIN_DOSE_NL <= amount_nl <= limits.MAX_RESCUE_NL
    if amount_nl:
        assert limits.most_of(amount_nl) <= available_nl
        assert rescued_nl + limits.most_of(amount_nl) <= limits.MAX_RESCUE_TOTAL_NL
