import hmac
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.authority import TAG_OCTETS, Authority, Keys, pack_key
from protocol import codes, messages

BOOT = b"\x01\x00\x00\x00BOOT"
KEY = bytes(range(32))
OTHER_KEY = bytes(range(32, 64))
NEWEST = (1 << 30) - 1

SIGNED = [row for row in messages.MESSAGES if row[4] and row[4][-1][0] == "tag"]
keys_of_32 = st.binary(min_size=32, max_size=32)


@pytest.fixture
def keys():
    loaded = Keys()
    loaded.load(codes.SLOT_MONITOR, 1, KEY)
    return loaded


@pytest.fixture
def authority(keys):
    return Authority(keys, BOOT)


def signed(counter, number=messages.HOLD, key=KEY, boot=BOOT, rest=b"TREATMNT\x01"):
    """The body of a message with its tag; a permit has the rig's serial in front."""
    body = (b"RIG00001" if number == messages.PERMIT else b"") + boot + struct.pack("<I", counter) + rest
    return body + hmac.digest(key, bytes([number]) + body, "sha256")[:TAG_OCTETS]


def check(authority, body, number=messages.HOLD, slot=codes.SLOT_MONITOR):
    return authority.check(slot, number, memoryview(body), len(body))


def state_of(authority):
    return list(authority._heard)


# RFC 4231, cases 1 to 3; a shorter key with zeros behind it is the same key to HMAC.
RFC_4231 = [
    (b"\x0b" * 20, b"Hi There", "b0344c61d8db38535ca8afceaf0bf12b"),
    (b"Jefe", b"what do ya want for nothing?", "5bdcc146bf60754e6a042426089575c7"),
    (b"\xaa" * 20, b"\xdd" * 50, "773ea91e36800e46854db8ebd09181a7"),
]


@pytest.mark.req("PERMIT-2")
@pytest.mark.parametrize(("key", "data", "tag"), RFC_4231)
def test_the_tag_is_the_one_of_rfc_4231(key, data, tag):
    keys = Keys()
    keys.load(codes.SLOT_CLINIC, 1, key + bytes(32 - len(key)))
    assert keys.tag(codes.SLOT_CLINIC, data[0], data[1:], len(data) - 1).hex() == tag


@pytest.mark.req("PERMIT-2")
@given(keys_of_32, st.integers(0, 255), st.binary(max_size=130), st.integers(0, 130))
def test_the_tag_is_the_one_of_the_standard_library(key, number, body, length):
    keys = Keys()
    keys.load(codes.SLOT_STATUS, 1, key)
    length = min(length, len(body))
    expected = hmac.digest(key, bytes([number]) + body[:length], "sha256")[:16]
    assert keys.tag(codes.SLOT_STATUS, number, memoryview(body), length) == expected


@pytest.mark.parametrize("row", SIGNED, ids=[row[1] for row in SIGNED])
def test_boot_and_counter_are_found_where_the_message_has_them(keys, row):
    number, name, _, _, fields = row
    values = [bytes(int(field[1][:-1])) if field[1].endswith("s") else 0 for field in fields]
    names = [field[0] for field in fields]
    values[names.index("boot")] = BOOT
    values[names.index("counter")] = 77
    body = bytearray(messages.SIZES[number])
    messages.encode_body(number, body, 0, *values)
    body[-16:] = hmac.digest(KEY, bytes([number]) + bytes(body[:-16]), "sha256")[:16]
    authority = Authority(keys, BOOT)
    assert check(authority, body, number) == codes.REASON_NONE, name
    assert state_of(authority)[codes.SLOT_MONITOR] == 77


@pytest.mark.req("PERMIT-2")
def test_an_authentic_message_is_heard_once(authority):
    assert check(authority, signed(5)) == codes.REASON_NONE
    assert check(authority, signed(5)) == codes.REASON_REPLAYED
    assert check(authority, signed(4)) == codes.REASON_REPLAYED
    assert check(authority, signed(6)) == codes.REASON_NONE


@pytest.mark.req("PERMIT-2")
def test_every_failure_has_its_own_reason_and_changes_nothing(authority):
    check(authority, signed(5))
    before = state_of(authority)
    flipped = bytearray(signed(6))
    flipped[13] ^= 1
    assert check(authority, signed(6)[:27]) == codes.REASON_MALFORMED
    assert check(authority, signed(6, boot=b"LASTBOOT")) == codes.REASON_BOOT
    assert check(authority, signed(6), slot=codes.SLOT_CLINIC) == codes.REASON_NO_KEY
    assert check(authority, signed(6, key=OTHER_KEY)) == codes.REASON_AUTHENTICATION
    assert check(authority, flipped) == codes.REASON_AUTHENTICATION
    assert check(authority, signed(6, number=messages.SET_DATE)) == codes.REASON_AUTHENTICATION
    assert check(authority, signed(1 << 30)) == codes.REASON_MALFORMED
    assert check(authority, signed(0xFFFFFFFF)) == codes.REASON_MALFORMED
    assert check(authority, signed(5)) == codes.REASON_REPLAYED
    assert state_of(authority) == before
    assert check(authority, signed(6)) == codes.REASON_NONE


def test_of_several_failures_the_first_in_the_order_of_checks_is_told(keys, authority):
    check(authority, signed(5))
    assert check(authority, signed(5, boot=b"LASTBOOT", key=OTHER_KEY), slot=codes.SLOT_CLINIC) == codes.REASON_BOOT
    assert check(authority, signed(5, key=OTHER_KEY), slot=codes.SLOT_CLINIC) == codes.REASON_NO_KEY
    assert check(authority, signed(5, key=OTHER_KEY)) == codes.REASON_AUTHENTICATION


@pytest.mark.req("PERMIT-2")
@given(st.integers(0, 37 * 8 - 1))
def test_no_bit_can_be_changed(bit):
    keys = Keys()
    keys.load(codes.SLOT_MONITOR, 1, KEY)
    authority = Authority(keys, BOOT)
    body = bytearray(signed(7))
    assert len(body) == 37
    body[bit // 8] ^= 1 << bit % 8
    assert check(authority, body) in (codes.REASON_AUTHENTICATION, codes.REASON_BOOT)
    assert check(authority, signed(0)) == codes.REASON_NONE


def test_the_first_counter_may_be_zero_and_the_last_one_is_just_below_2_to_the_30(authority):
    assert check(authority, signed(0)) == codes.REASON_NONE
    assert check(authority, signed(NEWEST)) == codes.REASON_NONE
    assert check(authority, signed(NEWEST)) == codes.REASON_REPLAYED


def test_each_slot_counts_by_itself(keys):
    keys.load(codes.SLOT_CLINIC, 1, OTHER_KEY)
    authority = Authority(keys, BOOT)
    assert check(authority, signed(9)) == codes.REASON_NONE
    assert check(authority, signed(3, key=OTHER_KEY), slot=codes.SLOT_CLINIC) == codes.REASON_NONE


@given(st.lists(st.integers(0, 12), max_size=30))
def test_what_was_heard_is_strictly_increasing_whatever_comes(counters):
    keys = Keys()
    keys.load(codes.SLOT_MONITOR, 1, KEY)
    authority = Authority(keys, BOOT)
    heard = [counter for counter in counters if check(authority, signed(counter)) == codes.REASON_NONE]
    assert heard == sorted(set(heard))
    assert max(heard, default=-1) == max(counters, default=-1)


def test_what_the_device_signs_has_its_own_increasing_counter(authority):
    assert [authority.next_counter(codes.SLOT_STATUS) for _ in range(3)] == [0, 1, 2]


def test_the_devices_own_counter_stays_below_2_to_the_30(authority):
    authority._heard[codes.SLOT_STATUS] = NEWEST - 1
    assert [authority.next_counter(codes.SLOT_STATUS) for _ in range(2)] == [NEWEST, NEWEST]


@pytest.mark.req("PERMIT-6")
def test_an_empty_slot_has_no_key():
    keys = Keys()
    assert not any(keys.has(slot) for _, slot in codes.SLOTS)
    forged = signed(1, key=bytes(32))
    assert check(Authority(keys, BOOT), forged) == codes.REASON_NO_KEY


@pytest.mark.req("PERMIT-6")
def test_a_key_is_replaced_by_one_of_a_higher_generation_only(keys):
    assert keys.judge(codes.SLOT_MONITOR, 1, OTHER_KEY) == codes.REASON_REPLAYED
    assert keys.judge(codes.SLOT_MONITOR, 2, OTHER_KEY) == codes.REASON_NONE
    keys.load(codes.SLOT_MONITOR, 2, OTHER_KEY)
    authority = Authority(keys, BOOT)
    assert check(authority, signed(1)) == codes.REASON_AUTHENTICATION
    assert check(authority, signed(1, key=OTHER_KEY)) == codes.REASON_NONE


@pytest.mark.req("PERMIT-6")
@pytest.mark.parametrize(
    ("slot", "generation", "key", "reason"),
    [
        (4, 1, OTHER_KEY, codes.REASON_MALFORMED),
        (codes.SLOT_CLINIC, 1 << 30, OTHER_KEY, codes.REASON_MALFORMED),
        (codes.SLOT_CLINIC, 0, OTHER_KEY, codes.REASON_REPLAYED),
        (codes.SLOT_CLINIC, 1, bytes(32), codes.REASON_MALFORMED),
        (codes.SLOT_CLINIC, 1, b"\xff" * 32, codes.REASON_MALFORMED),
        (codes.SLOT_CLINIC, 1, OTHER_KEY[:31], codes.REASON_MALFORMED),
        (codes.SLOT_CLINIC, 1, KEY, codes.REASON_AUTHORITY),
    ],
)
def test_a_key_that_proves_nothing_is_refused(keys, slot, generation, key, reason):
    assert keys.judge(slot, generation, key) == reason


def test_a_key_comes_back_from_the_journal_and_a_broken_one_leaves_the_slot_empty():
    keys = Keys()
    keys.restore(codes.SLOT_MONITOR, pack_key(3, KEY))
    keys.restore(codes.SLOT_CLINIC, None)
    keys.restore(codes.SLOT_CARTRIDGE, b"short")
    assert keys.generations == [3, 0, 0, 0]
    assert [keys.has(slot) for slot in range(4)] == [True, False, False, False]
    assert check(Authority(keys, BOOT), signed(1)) == codes.REASON_NONE
