"""Every number has words, and what is wrong comes with what to do."""

import pytest

from protocol import codes, messages, texts

PAIRS = [(name, code) for name, members in messages.ENUMERATIONS for _, code in members]
# Nothing is wrong with these.
FINE = {("cause", codes.CAUSE_NONE), ("reason", codes.REASON_NONE), ("reason", codes.REASON_NOT_STOPPED)}


def test_every_code_has_a_text_and_no_text_is_left_over():
    assert set(PAIRS) == {(name, code) for name, table in texts.ENUMERATIONS.items() for code in table}


@pytest.mark.parametrize(
    "pair", [pair for pair in PAIRS if pair[0] in ("cause", "reason", "alarm") and pair not in FINE]
)
def test_every_cause_reason_and_alarm_says_what_to_do(pair):
    assert texts.describe(*pair).todo.endswith(".")


@pytest.mark.parametrize(
    ("prefix", "table"), [("INPUT_", texts.INPUTS), ("FAULT_", texts.SENSOR_FAULTS), ("SELF_TEST_", texts.SELF_TEST)]
)
def test_every_bit_has_a_text(prefix, table):
    bits = {value for name, value in vars(codes).items() if name.startswith(prefix)}
    assert set(table) == bits
    assert all(bit & (bit - 1) == 0 for bit in bits)


def test_texts_differ_within_an_enumeration():
    for table in texts.ENUMERATIONS.values():
        assert len({text.what for text in table.values()}) == len(table)


def test_a_code_of_tomorrow_is_described_as_unknown():
    text = texts.describe("cause", 200)
    assert "200" in text.what
    assert "Update" in text.todo
    assert texts.name("cause", 200) == "200"


def test_names_are_those_of_the_codes():
    assert texts.name("cause", codes.CAUSE_DOOR) == "door"
    assert texts.name("reason", codes.REASON_BUSY) == "busy"


def test_bits_are_listed():
    assert texts.bits(texts.INPUTS, codes.INPUT_SAFE | codes.INPUT_HOME) == [
        texts.INPUTS[codes.INPUT_SAFE],
        texts.INPUTS[codes.INPUT_HOME],
    ]


def test_alarms_are_told_by_their_bits():
    assert texts.alarms_in(0) == []
    assert texts.alarms_in(1 | 1 << 29) == [codes.ALARM_EMERGENCY_STOP, codes.ALARM_REPEATED]
