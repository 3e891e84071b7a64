"""The declaration: consistent in itself, and hashed so that any difference shows."""

from struct import calcsize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol import codes, link, messages
from protocol.framing import MAX_PAYLOAD

numbers = st.sampled_from([row[0] for row in messages.MESSAGES])


def test_numbers_and_names_are_used_once():
    for column in (0, 1):
        seen = [row[column] for row in messages.MESSAGES]
        assert len(seen) == len(set(seen))


def test_a_number_says_its_direction():
    for number, _, direction, _, _ in messages.MESSAGES:
        assert (number >= link.FIRST_TO_HOST) == (direction == messages.TO_HOST)


def test_every_message_fits_a_frame():
    assert max(messages.SIZES.values()) + link.HEADER_SIZE <= MAX_PAYLOAD


def test_every_enumerated_field_names_an_enumeration_and_is_one_octet():
    known = dict(messages.ENUMERATIONS)
    for _, name, _, _, fields in messages.MESSAGES:
        for field, code, _, enumeration, text in fields:
            assert enumeration is None or (enumeration in known and code == "B"), (name, field)
            assert text


def test_codes_of_an_enumeration_count_without_holes():
    for name, members in messages.ENUMERATIONS:
        values = [value for _, value in members]
        assert values == list(range(values[0], values[0] + len(values))), name
        assert len({short for short, _ in members}) == len(members)


def test_every_code_stands_in_its_enumeration():
    prefixes = {
        "CAUSE_": codes.CAUSES,
        "REASON_": codes.REASONS,
        "DOSE_": codes.DOSE_STATES,
        "CHANNEL_": codes.CHANNELS,
    }
    prefixes |= {"DEVICE_": codes.DEVICE_STATES, "KIND_": codes.KINDS, "PROFILE_": codes.PROFILES}
    prefixes |= {"ALARM_": codes.ALARMS, "PRIORITY_": codes.PRIORITIES, "SLOT_": codes.SLOTS, "HOLD_": codes.HOLDS}
    prefixes |= {"SCREENING_": codes.SCREENINGS, "CARTRIDGE_": codes.CARTRIDGE_STATES}
    for prefix, members in prefixes.items():
        named = {
            (name.removeprefix(prefix).lower(), value)
            for name, value in vars(codes).items()
            if name.startswith(prefix) and isinstance(value, int)
        }
        assert named == set(members)


def test_everything_a_host_may_ask_has_an_answer():
    answered = dict(messages.ANSWERS)
    for number, name, direction, _, _ in messages.MESSAGES:
        assert (number in answered) == (direction == messages.TO_DEVICE), name
    assert all(messages.DIRECTIONS[answer] == messages.TO_HOST for answer in answered.values())


@pytest.mark.req("LINK-2")
@given(st.data())
def test_any_change_of_the_declaration_changes_the_schema_hash(data):
    row = data.draw(st.integers(0, len(messages.MESSAGES) - 1))
    number, name, direction, kind, fields = messages.MESSAGES[row]
    changes = [(number ^ 0x40, name, direction, kind, fields), (number, name + "X", direction, kind, fields)]
    changes += [
        (number, name, direction, "other", fields),
        (number, name, direction, kind, (*fields, ("x", "B", "", None, ""))),
    ]
    for at in range(len(fields)):
        changes.append((number, name, direction, kind, fields[:at] + fields[at + 1 :]))
        for column in range(4):
            field = tuple("other" if n == column else value for n, value in enumerate(fields[at]))
            changes.append((number, name, direction, kind, (*fields[:at], field, *fields[at + 1 :])))
    changed = data.draw(st.sampled_from(changes))
    before = messages.schema_hash()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(messages, "MESSAGES", (*messages.MESSAGES[:row], changed, *messages.MESSAGES[row + 1 :]))
        assert messages.schema_hash() != before
    assert messages.schema_hash() == before


@pytest.mark.req("LINK-2")
def test_another_code_changes_the_schema_hash(monkeypatch):
    before = messages.schema_hash()
    monkeypatch.setattr(messages, "ENUMERATIONS", (*messages.ENUMERATIONS, ("kind", (("new", 2),))))
    assert messages.schema_hash() != before


def test_the_schema_hash_is_eight_octets_and_reads_as_hexadecimal():
    assert len(messages.schema_hash()) == 8
    assert messages.schema_hex() == messages.schema_hash().hex()


@given(numbers, st.data())
def test_values_come_back_from_the_body(number, data):
    fields = next(row[4] for row in messages.MESSAGES if row[0] == number)
    kinds = {"B": (0, 255), "H": (0, 65535), "I": (0, 2**32 - 1), "i": (-(2**31), 2**31 - 1)}
    values = tuple(
        data.draw(
            st.integers(*kinds[code]) if code in kinds else st.binary(min_size=calcsize(code), max_size=calcsize(code))
        )
        for _, code, _, _, _ in fields
    )
    buffer = bytearray(150)
    end = messages.encode_body(number, buffer, 9, *values)
    assert end == 9 + messages.SIZES[number]
    assert messages.decode_body(number, buffer, 9, end) == values


@given(st.integers(0, 255), st.binary(max_size=130), st.integers(0, 10))
def test_a_body_of_wrong_length_or_number_is_none(number, data, offset):
    found = messages.decode_body(number, data, offset, len(data))
    assert (found is None) == (messages.SIZES.get(number) != len(data) - offset)
