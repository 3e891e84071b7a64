"""What the host makes of the octets of a record, against the device's own encoder."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device import journal_records
from host.device_records import RECORD_OCTETS, RECORDS_KEPT, decode
from host.records import FINAL_STATES, name_of
from protocol import codes

word = st.integers(0, 0xFFFFFFFF)
octets8 = st.binary(min_size=8, max_size=8)
small = st.integers(0, 255)
RECORDS = st.tuples(
    octets8.filter(any), octets8, octets8, small, small, st.sampled_from(sorted(FINAL_STATES)), small,
    word, word, word, word, word, word, word, word, word, st.integers(0, 0xFFFF), word,
)  # fmt: skip


def encoded(record: tuple, number: int, flags: int = 0) -> bytes:
    buffer = bytearray(journal_records.RECORD_SIZE)
    journal_records.encode(buffer, 0, number, record, flags)
    return bytes(buffer)


RECORD = (
    b"the dose", b"treat001", b"lot00001", codes.KIND_DOSE, codes.CHANNEL_AGENT, codes.DOSE_PARTIAL, codes.CAUSE_DOOR,
    1000, 178, 90, 94, 400, 505, 0, 30, 7, 8000, 123_456,
)  # fmt: skip


@pytest.mark.req("LEDGER-6")
@given(record=RECORDS, number=st.integers(1, 0xFFFFFFFF), flags=st.sampled_from([0, 1, 2, 3]))
def test_every_record_that_the_device_writes_is_read_back_field_by_field(
    record: tuple, number: int, flags: int
) -> None:
    octets = encoded(record, number, flags)
    read = decode(octets, number)
    assert read is not None
    assert (read.number, read.octets) == (number, octets)
    assert (read.recovered, read.torn) == (bool(flags & 1), bool(flags & 2))
    ids = (read.dose_id, read.treatment, read.lot, read.kind, read.channel, read.state, read.cause)
    figures = (read.asked_nl, read.asked_steps, read.emitted_steps, read.granted_steps, *read.patient_nl)
    rest = (*read.waste_nl, read.boot_count, read.day, read.uptime_ms)
    assert ids + figures + rest == record


@pytest.mark.req("LEDGER-6")
@given(bit=st.integers(0, RECORD_OCTETS * 8 - 1))
def test_a_record_with_any_bit_flipped_is_none(bit: int) -> None:
    octets = bytearray(encoded(RECORD, 5))
    octets[bit // 8] ^= 1 << bit % 8
    assert decode(bytes(octets), 5) is None


@pytest.mark.parametrize("octets", [bytes(80), b"\xff" * 80, b"", bytes(79)])
def test_what_was_never_written_is_none(octets: bytes) -> None:
    assert decode(octets, 0) is None
    assert decode(octets, 1) is None


def test_a_record_in_the_place_of_another_number_is_none() -> None:
    assert decode(encoded(RECORD, 5), 5 + RECORDS_KEPT) is None


def test_a_record_of_a_dose_that_did_not_end_is_none() -> None:
    running = (*RECORD[:5], codes.DOSE_RUNNING, *RECORD[6:])
    assert decode(encoded(running, 5), 5) is None


def test_the_host_knows_how_many_records_the_device_keeps() -> None:
    assert (RECORDS_KEPT, RECORD_OCTETS) == (journal_records.RECORDS, journal_records.RECORD_SIZE)


def test_a_row_has_names_for_numbers_and_every_figure() -> None:
    read = decode(encoded(RECORD, 5), 5)
    assert read is not None
    fields = read.as_fields()
    assert (fields["order_kind"], fields["channel"], fields["state"], fields["cause"]) == (
        "dose", "agent", "partial", name_of("cause", codes.CAUSE_DOOR),
    )  # fmt: skip
    assert (fields["to_patient_nl"], fields["waste_nl"], fields["emitted_steps"]) == ([400, 505], [0, 30], 90)
    assert fields["octets"] == encoded(RECORD, 5).hex()
