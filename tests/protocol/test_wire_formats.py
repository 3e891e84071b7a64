"""What the controller has of the declaration says the same as the declaration."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol import messages, wire_formats


def test_every_message_has_its_number():
    assert {row[1]: row[0] for row in messages.MESSAGES} == {
        name: value for name, value in vars(wire_formats).items() if isinstance(value, int) and name != "UNUSED"
    }


@pytest.mark.parametrize("number", range(256))
def test_sizes_and_formats_are_those_of_the_declaration(number):
    assert wire_formats.SIZES[number] == messages.SIZES.get(number, wire_formats.UNUSED)
    if number in messages.FORMATS:
        assert wire_formats.FORMATS[number] == messages.FORMATS[number]


@pytest.mark.req("LINK-2")
def test_the_schema_hash_is_that_of_the_declaration():
    assert wire_formats.schema_hash() == messages.schema_hash()


@given(st.integers(0, 255), st.binary(max_size=130), st.integers(0, 10))
def test_both_take_the_same_bodies(number, data, offset):
    expected = messages.decode_body(number, data, offset, len(data))
    found = wire_formats.decode_body(number, data, offset, len(data))
    assert found == expected
    if found is not None:
        assert wire_formats.encode_body(number, bytearray(200), offset, *found) == len(data)
