"""The golden vectors: what they hold is what the code makes and takes. MicroPython does the same, see there."""

from struct import pack

import pytest

from protocol import messages
from tests.protocol.frames import decode, frame_of, vectors


def ids(row):
    return row["name"]


def values_of(row):
    fields = {number: fields for number, _, _, _, fields in messages.MESSAGES}[row["number"]]
    return tuple(
        bytes.fromhex(value) if code.endswith("s") else value
        for (_, code, _, _, _), value in zip(fields, row["values"], strict=True)
    )


@pytest.mark.parametrize("row", vectors("messages"), ids=ids)
def test_a_message_becomes_the_golden_frame(row):
    payload = bytearray(messages.SIZES[row["number"]] + 7)
    payload[:7] = pack("<B4sH", row["number"], bytes.fromhex(row["session"]), row["seq"])
    assert messages.encode_body(row["number"], payload, 7, *values_of(row)) == len(payload)
    assert payload.hex() == row["payload"]
    assert frame_of(bytes(payload)).hex() == row["frame"]


@pytest.mark.parametrize("row", vectors("messages"), ids=ids)
def test_the_golden_frame_becomes_the_message(row):
    (payload,), _ = decode(bytes.fromhex(row["frame"]))
    assert messages.decode_body(payload[0], payload, 7, len(payload)) == values_of(row)


@pytest.mark.parametrize("row", vectors("payloads"), ids=ids)
def test_a_payload_becomes_the_golden_frame_and_comes_back(row):
    assert frame_of(bytes.fromhex(row["payload"])).hex() == row["frame"]
    assert decode(bytes.fromhex(row["frame"]))[0] == [bytes.fromhex(row["payload"])]


@pytest.mark.req("LINK-1")
@pytest.mark.parametrize("row", vectors("rejects"), ids=ids)
def test_what_must_be_rejected_is_and_the_stop_behind_it_is_found(row):
    payloads, decoder = decode(bytes.fromhex(row["stream"]))
    assert [payload.hex() for payload in payloads] == row["payloads"]
    assert (decoder.bad_crc, decoder.bad_frames) == (row["bad_crc"], row["bad_frames"])


def test_every_message_has_vectors():
    assert {row["number"] for row in vectors("messages")} == {row[0] for row in messages.MESSAGES}
