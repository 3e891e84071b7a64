"""Makes and takes golden vectors; prints how many there were, and the schema hash."""

from binascii import hexlify, unhexlify
from struct import pack

from protocol import wire_formats as messages
from protocol.framing import MAX_FRAME, FrameDecoder, encode_frame

# Rows of the golden vectors, each with the name of its file.
ROWS = globals().get("ROWS", [])


def frame_of(payload):
    target = bytearray(MAX_FRAME)
    length = encode_frame(memoryview(bytearray(payload + bytes(4))), len(payload), target)
    return hexlify(target[:length]).decode()


def decode(stream):
    decoder = FrameDecoder()
    found = []
    at = 0
    while at < len(stream):
        at = decoder.feed(stream, at, len(stream))
        if decoder.length:
            found.append(bytes(decoder.buffer[: decoder.length]))
    return found, decoder


def check_message(row):
    values = tuple([unhexlify(value) if isinstance(value, str) else value for value in row["values"]])
    payload = bytearray(7 + messages.SIZES[row["number"]])
    payload[:7] = pack("<B4sH", row["number"], unhexlify(row["session"]), row["seq"])
    assert messages.encode_body(row["number"], payload, 7, *values) == len(payload)
    assert hexlify(payload).decode() == row["payload"], row["name"]
    assert messages.decode_body(row["number"], payload, 7, len(payload)) == values, row["name"]


def check_frame(row):
    payload = unhexlify(row["payload"])
    assert frame_of(payload) == row["frame"], row["name"]
    assert decode(unhexlify(row["frame"]))[0] == [payload], row["name"]


def check_reject(row):
    found, decoder = decode(unhexlify(row["stream"]))
    assert [hexlify(payload).decode() for payload in found] == row["payloads"], row["name"]
    assert (decoder.bad_crc, decoder.bad_frames) == (row["bad_crc"], row["bad_frames"]), row["name"]


for kind, row in ROWS:
    if kind == "rejects":
        check_reject(row)
    else:
        check_frame(row)
    if kind == "messages":
        check_message(row)
print(len(ROWS), hexlify(messages.schema_hash()).decode())
