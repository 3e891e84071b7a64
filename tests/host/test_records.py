"""The values of orders and outcomes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host.records import (
    CLOCK_WRAP_MS,
    ORDER_LIFE_MS,
    DoseReport,
    Order,
    OutcomeKind,
    name_of,
    unknown_record,
    zero_record,
)
from protocol import codes, messages

CLOCKS = st.integers(0, CLOCK_WRAP_MS - 1)


def order(expires_ms: int) -> Order:
    return Order(b"\x01" * 8, b"b" * 8, b"s" * 4, expires_ms, codes.CHANNEL_FLUSH, 5000, 1000)


@pytest.mark.req("LEDGER-3")
@given(CLOCKS, st.integers(0, ORDER_LIFE_MS))
def test_an_order_lives_from_its_making_to_its_expiry_across_the_wrap(made_ms: int, later_ms: int) -> None:
    given_order = order((made_ms + ORDER_LIFE_MS) % CLOCK_WRAP_MS)
    assert not given_order.expired_at((made_ms + later_ms) % CLOCK_WRAP_MS)


@pytest.mark.req("LEDGER-3")
@given(CLOCKS, st.integers(1, CLOCK_WRAP_MS - ORDER_LIFE_MS - 1))
def test_after_its_expiry_it_is_expired_for_the_rest_of_a_turn_of_the_clock(expires_ms: int, later_ms: int) -> None:
    assert order(expires_ms).expired_at((expires_ms + later_ms) % CLOCK_WRAP_MS)


def test_the_values_fit_the_message() -> None:
    buffer = bytearray(messages.SIZES[messages.DOSE_ORDER])
    messages.encode_body(messages.DOSE_ORDER, buffer, 0, *order(1).values())


@given(st.integers(0, 10_000), st.integers(0, 10_000))
def test_an_unknown_dose_counts_in_full(least_nl: int, most_nl: int) -> None:
    last = DoseReport(b"\x01" * 8, codes.DOSE_RUNNING, asked_steps=891, patient_nl=(least_nl, most_nl))
    record = unknown_record(order(1), last, "")
    assert record.outcome is OutcomeKind.UNKNOWN
    assert record.to_patient_nl[0] == least_nl
    assert record.to_patient_nl[1] >= max(5000, most_nl)


def test_an_order_that_certainly_moved_nothing_has_zeros() -> None:
    record = zero_record(order(1), OutcomeKind.NOT_SENT, "why")
    assert (record.emitted_steps, record.to_patient_nl, record.waste_nl) == (0, (0, 0), (0, 0))


def test_numbers_have_names_and_unknown_ones_stay_numbers() -> None:
    assert name_of("cause", codes.CAUSE_DOOR) == "door"
    assert name_of("cause", 200) == "200"
