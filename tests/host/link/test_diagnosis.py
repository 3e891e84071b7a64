"""What was heard, told in words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host.link.diagnosis import no_handshake, other_schema


@pytest.mark.parametrize(
    ("octets", "frames", "sample", "code", "says"),
    [
        (0, 0, b"", "silent", "power"),
        (200, 0, bytes(range(128, 192)), "garbage", "baud"),
        (20, 0, b"boot: no image\r\n", "garbage", "flash"),
        (200, 3, b"\x05abc", "handshake", "cable"),
    ],
)
def test_each_kind_of_silence_says_what_to_check(octets: int, frames: int, sample: bytes, code: str, says: str) -> None:
    error = no_handshake(octets, frames, sample)
    assert error.code == code
    assert error.exit_code == 4
    assert says in error.todo


@pytest.mark.req("SEC-5")
@given(st.binary(max_size=64))
def test_whatever_was_heard_is_shown_without_control_characters(sample: bytes) -> None:
    error = no_handshake(len(sample), 0, sample)
    assert str(error).isprintable()


@pytest.mark.req("LINK-2")
def test_both_schemas_are_shown() -> None:
    error = other_schema(b"\x01" * 8, b"\x02" * 8)
    assert "01" * 8 in error.what
    assert "02" * 8 in error.what
