"""Who says it: key slots, the tag that proves a message, and the counters that let each one be heard once.

A tag is the first 16 octets of HMAC-SHA256 (RFC 2104) over the message's number and its body before the tag.
"""

import struct
from hashlib import sha256

from protocol import codes, wire_formats
from protocol.compat import const

TAG_OCTETS = const(16)
KEY_OCTETS = const(32)
_TAG = const(16)
_KEY = const(32)
_SLOTS = const(4)
# A key fills half a block of SHA-256; the rest of the block is the pad alone.
_INNER = const(0x36)
_OUTER = const(0x5C)
_KEY_FORMAT = "<I32s"
_NEWEST = const(0x3FFFFFFF)
# Boot nonce and counter stand in front of a body, behind the rig's serial where it has one.
_BEHIND_RIG = (wire_formats.PERMIT, wire_formats.SIGNED_STATUS)
_RIG = const(8)
_BOOT = const(8)
_COUNTER_END = const(12)


class Keys:
    """The keys by slot. Written, used, never read; an empty slot has no key, not a default one."""

    def __init__(self) -> None:
        self._inner = [b""] * _SLOTS
        self._outer = [b""] * _SLOTS
        self.generations = [0] * _SLOTS
        self._number = bytearray(1)

    def load(self, slot: int, generation: int, key: bytes) -> None:
        """Take a key of 32 octets as it is kept; its pads are made once, here. Allocates."""
        self._inner[slot] = _padded(key, _INNER)
        self._outer[slot] = _padded(key, _OUTER)
        self.generations[slot] = generation

    def restore(self, slot: int, payload: bytes | None) -> None:
        """Take what ``pack_key`` made; anything else leaves the slot as it is."""
        if payload is not None and len(payload) == struct.calcsize(_KEY_FORMAT):
            generation, key = struct.unpack(_KEY_FORMAT, payload)
            self.load(slot, generation, key)

    def has(self, slot: int) -> bool:
        """Whether the slot has a key."""
        return bool(self._inner[slot])

    def judge(self, slot: int, generation: int, key: bytes) -> int:
        """Return why a new key must not be loaded, REASON_NONE when it may.

        Order: slot, generation or key impossible (all octets the same is no key); generation not above that of the key
        it replaces; a key that another slot has, for then one authority could speak for another.
        """
        if slot >= _SLOTS or generation > _NEWEST or len(key) != _KEY or key == key[:1] * _KEY:
            return codes.REASON_MALFORMED
        if generation <= self.generations[slot]:
            return codes.REASON_REPLAYED
        inner = _padded(key, _INNER)
        for other in range(_SLOTS):
            if other != slot and self._inner[other] == inner:
                return codes.REASON_AUTHORITY
        return codes.REASON_NONE

    def tag(self, slot: int, number: int, body: "memoryview | bytes", length: int) -> bytes:
        """Return the tag over ``number`` and ``length`` octets of ``body``. The slot must have a key. Allocates."""
        self._number[0] = number
        inner = sha256(self._inner[slot])
        inner.update(self._number)
        inner.update(body[:length])
        outer = sha256(self._outer[slot])
        outer.update(inner.digest())
        return outer.digest()[:_TAG]


class Authority:
    """Judges authenticated messages of this boot. A counter that was heard is never heard again in its slot."""

    def __init__(self, keys: Keys, boot: bytes) -> None:
        self._keys = keys
        self._boot = boot
        self._heard = [-1] * _SLOTS

    def check(self, slot: int, number: int, body: "memoryview | bytes", length: int) -> int:
        """Return a REASON_ for the message whose ``length`` octets of body end with its tag.

        Order: malformed length, another boot, empty slot, wrong tag, counter beyond 2^30, counter not above the last.
        Only REASON_NONE changes anything: the counter is used up, whatever becomes of the message then.
        """
        at = _RIG if number in _BEHIND_RIG else 0
        if length < at + _COUNTER_END + _TAG:
            return codes.REASON_MALFORMED
        if bytes(body[at : at + _BOOT]) != self._boot:
            return codes.REASON_BOOT
        if not self._keys.has(slot):
            return codes.REASON_NO_KEY
        if differ(self._keys.tag(slot, number, body, length - _TAG), body, length - _TAG):
            return codes.REASON_AUTHENTICATION
        counter = struct.unpack_from("<I", body, at + _BOOT)[0]
        if counter > _NEWEST:
            return codes.REASON_MALFORMED
        if counter <= self._heard[slot]:
            return codes.REASON_REPLAYED
        self._heard[slot] = counter
        return codes.REASON_NONE

    def next_counter(self, slot: int) -> int:
        """Use up and return the next counter of a slot that the device itself signs with."""
        if self._heard[slot] < _NEWEST:
            self._heard[slot] += 1
        return self._heard[slot]


def pack_key(generation: int, key: bytes) -> bytes:
    """Return a key for the journal's cell."""
    return struct.pack(_KEY_FORMAT, generation, key)


def _padded(key: bytes, pad: int) -> bytes:
    """Return the block that HMAC hashes first: the key and zeros, each octet exclusive-or ``pad``."""
    return bytes([octet ^ pad for octet in key + bytes(_KEY)])


def differ(tag: bytes, body: "memoryview | bytes", at: int) -> bool:
    """Whether the octets differ; takes the same time wherever they do."""
    difference = 0
    for index in range(_TAG):
        difference |= tag[index] ^ body[at + index]
    return difference != 0
