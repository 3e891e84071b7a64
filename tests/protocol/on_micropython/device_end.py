"""A device's end with an open session, for the programs that measure it. Its text goes in front of theirs."""

from protocol import wire_formats as messages
from protocol.framing import MAX_FRAME, encode_frame
from protocol.link_device import DeviceLink

SCHEMA = messages.schema_hash()
SESSION = b"SES1"
payload = memoryview(bytearray(126))
chunk = bytearray(MAX_FRAME)


def frame(number, session, seq, body):
    """Write a frame into ``chunk`` and return its length."""
    data = bytes([number]) + session + bytes([seq & 0xFF, seq >> 8]) + body
    payload[: len(data)] = data
    return encode_frame(payload, len(data), chunk)


def write_all(buffer, length):
    return length


def write_nothing(buffer, length):
    return 0


link = DeviceLink(SCHEMA, lambda: SESSION)
link.receive(chunk, frame(messages.HELLO, bytes(4), 1, b"abcd" + SCHEMA), 7)
assert link.next_request() == messages.HELLO
link.answer(
    messages.WELCOME, b"abcd", SESSION, *[bytes(8), SCHEMA, bytes(8)], *[bytes(12)] * 3, bytes(8), bytes(8), 7, 10
)
link.transmit(write_all)
