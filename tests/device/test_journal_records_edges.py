"""Records octet by octet, and the volumes of a dose that the power left open or whose record is damaged."""

from binascii import crc32

import pytest

from device import journal_records as records
from device.limits import MAX_DOSE_NL
from protocol import codes
from tests.device.journal_rig import LOT, TREATMENT, accept_record, dose_id

VALUES = (
    dose_id(9),
    TREATMENT,
    LOT,
    codes.KIND_DOSE,
    codes.CHANNEL_AGENT,
    codes.DOSE_DELIVERED,
    codes.CAUSE_NONE,
    0x11121314,
    0x21222324,
    0x31323334,
    0x41424344,
    0x51525354,
    0x61626364,
    0x71727374,
    0x01020304,
    0x05060708,
    0x191A,
    0x292A2B2C,
)
# As the head of the module lays a record out: the number comes after the id, the flags and the CRC-32 at the end.
BODY = (
    VALUES[0]
    + (0x0A0B0C0D).to_bytes(4, "little")
    + TREATMENT
    + LOT
    + bytes(VALUES[3:7])
    + b"".join(value.to_bytes(4, "little") for value in VALUES[7:16])
    + b"\x1a\x19"
    + b"\x2c\x2b\x2a\x29"
    + b"\x03\x01"
)
OCTETS = BODY + crc32(BODY).to_bytes(4, "little")
FLAGS = 0x0103


def test_a_record_is_written_as_it_is_laid_out_and_nothing_around_it():
    buffer = bytearray(b"\xee" * 100)
    records.encode(buffer, 11, 0x0A0B0C0D, VALUES, records.RECOVERED | records.TORN)
    assert buffer == b"\xee" * 11 + OCTETS + b"\xee" * 9


def test_number_flags_and_every_value_are_read_back():
    assert records.decode(memoryview(OCTETS)) == (0x0A0B0C0D, FLAGS, VALUES)


@pytest.mark.req("LEDGER-2")
@pytest.mark.parametrize("at", [0, 8, 75, 76, 79])
def test_a_record_with_one_bit_changed_is_not_intact(at):
    octets = bytearray(OCTETS)
    octets[at] ^= 0x80
    assert records.decode(memoryview(octets)) is None


@pytest.mark.req("LEDGER-2")
def test_a_record_numbered_0_is_not_intact_though_its_check_is_right():
    body = BODY[:8] + bytes(4) + BODY[12:]
    assert records.decode(memoryview(body + crc32(body).to_bytes(4, "little"))) is None


def test_record_n_stands_in_place_n_of_320_and_the_last_place_ends_with_the_part():
    assert records.address_of(1) == 0x1C00 + 80
    assert records.address_of(319) == 0x8000 - 80
    assert records.address_of(320) == 0x1C00
    assert records.address_of(643) == 0x1C00 + 3 * 80


@pytest.mark.parametrize("octet", [b"\x00", b"\xff"])
def test_octets_all_zero_or_all_one_were_never_written_and_one_that_differs_was(octet):
    assert records.never_written(octet * 12)
    assert records.never_written(bytearray(octet * 80))
    assert not records.never_written(octet * 11 + b"\x01")


@pytest.mark.req("LEDGER-1")
def test_a_dose_cut_off_before_any_grant_is_partial_and_gave_nothing():
    accepted = accept_record(1)
    assert records.recovered(accepted, 0, 0) == (
        *accepted[:5],
        *(codes.DOSE_PARTIAL, codes.CAUSE_POWER, 1000, 178),
        *(0, 0, 0, 0, 0, 0),
        *accepted[15:],
    )


@pytest.mark.req("LEDGER-1")
def test_one_step_granted_may_have_given_as_much_as_one_step_can():
    accepted = accept_record(1)
    # 1000 nL / 178, rounded up, is 6 nL: the bore's hundredth of it is nothing, 2 for rounding, 150 for friction.
    assert records.recovered(accepted, 0, 1) == (
        *accepted[:5],
        *(codes.DOSE_UNKNOWN, codes.CAUSE_POWER, 1000, 178),
        *(0, 1, 0, 158, 0, 158),
        *accepted[15:],
    )


@pytest.mark.req("LEDGER-1")
@pytest.mark.parametrize(
    ("asked_nl", "asked_steps", "granted_steps", "ordered_nl"),
    [
        pytest.param(2000, 178, 89, 1000, id="exactly"),
        pytest.param(1001, 100, 1, 11, id="10.01 rounded up"),
        pytest.param(1099, 100, 1, 11, id="10.99 rounded up"),
        # 178 nominal steps of 5.608 nL are 998.2 nL.
        pytest.param(500, 178, 178, 998, id="nominal is larger"),
        pytest.param(0, 0, 178, 998, id="nothing ordered in steps"),
    ],
)
def test_what_was_granted_is_the_larger_of_its_nominal_volume_and_that_by_the_orders_own_step(
    asked_nl, asked_steps, granted_steps, ordered_nl
):
    accepted = accept_record(1, asked_nl=asked_nl, asked_steps=asked_steps)
    # A hundredth for the bore, 2 for rounding, 150 for friction.
    most_nl = ordered_nl + ordered_nl // 100 + 152
    assert records.recovered(accepted, 0, granted_steps)[11:15] == (0, most_nl, 0, most_nl)


@pytest.mark.req("DOSE-2")
def test_a_dose_whose_record_is_damaged_may_have_given_all_and_nothing_else_is_known_of_it():
    # 100,000 nL, a hundredth more for the bore, 2 for rounding, 150 for friction.
    assert records.unreadable(dose_id(3), MAX_DOSE_NL) == (
        dose_id(3),
        bytes(8),
        bytes(8),
        *(0, 0, codes.DOSE_UNKNOWN, codes.CAUSE_JOURNAL),
        *(0, 0, 0, 0),
        *(0, 101_152, 0, 101_152),
        *(0, 0, 0),
    )
