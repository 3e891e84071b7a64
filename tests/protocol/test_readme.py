"""The README is enough: a client written from it alone works with the device's end, over a bad line too."""

import os
import random
import re
from pathlib import Path
from typing import Any

import pytest

from protocol import codes, messages
from tests.protocol import readme_client
from tests.protocol.ends import OTHER_SCHEMA, SESSION, Device, dose_state_values, welcome_values
from tests.protocol.frames import vectors
from tests.protocol.readme_client import Client, from_frame, message, to_frame

README = (Path(__file__).parents[2] / "protocol" / "README.md").read_text("utf-8")
ID = b"dose0001"
TREATMENT = b"treat001"
LOT = b"lot00001"


def schema_in_readme() -> bytes:
    found = re.search(r"Schema hash: `([0-9a-f]{16})`", README)
    assert found
    return bytes.fromhex(found[1])


class DosingDevice(Device):
    """A device whose doses take five questions."""

    def __init__(self):
        super().__init__()
        self.doses: dict[Any, Any] = {}
        self.asked: dict[Any, int] = {}

    def execute(self):
        done = []
        while number := self.link.next_request():
            values = self.link.values
            done.append(number)
            if number == messages.HELLO:
                self.link.answer(messages.WELCOME, *welcome_values(values[0], self.link.session))
                continue
            if number == messages.GET_TREATMENT:
                self.link.answer(messages.TREATMENT, TREATMENT, *[0] * 19)
                continue
            if number == messages.GET_CARTRIDGE:
                self.link.answer(
                    messages.CARTRIDGE, values[0], codes.CARTRIDGE_GOOD, values[0], LOT, b"serial01", 0, 0, 0, 0
                )
                continue
            dose_id = values[0]
            if number == messages.DOSE_ORDER and dose_id not in self.doses:
                assert values[2:4] == (b"boot0001", SESSION)
                assert (values[8], values[13]) == (LOT, TREATMENT)
                self.doses[dose_id] = values[9]
            elif number == messages.GET_DOSE:
                self.asked[dose_id] = self.asked.get(dose_id, 0) + 1
            state = codes.DOSE_RUNNING if self.asked.get(dose_id, 0) < 5 else codes.DOSE_DELIVERED
            self.link.answer(messages.DOSE_STATE, *dose_state_values(dose_id, state))
        return done


def connected(chance_of_fault: float = 0.0, schema: bytes = messages.schema_hash()) -> tuple[DosingDevice, Client]:
    seed = int(os.environ.get("NANORIG_SEED", "1"))
    print(f"seed {seed}")
    generator = random.Random(seed)
    device = DosingDevice()

    def line(data: bytes) -> bytes:
        if not data or generator.random() >= chance_of_fault:
            return data
        damaged = bytearray(data)
        damaged[generator.randrange(len(data))] ^= 1 << generator.randrange(8)
        return generator.choice([b"", data + data, data[: len(data) // 2], bytes(damaged)])

    def write(data: bytes) -> None:
        data = line(data)
        device.link.receive(data, len(data), 99)
        device.execute()

    return device, Client(write, lambda: line(device.written()), schema)


@pytest.mark.req("LINK-2")
def test_the_schema_hash_in_the_readme_is_the_present_one():
    assert schema_in_readme() == messages.schema_hash()


def test_the_check_value_of_the_crc_is_right():
    assert readme_client.crc32(b"123456789") == 0xCBF43926


@pytest.mark.parametrize("row", vectors("messages") + vectors("payloads"), ids=lambda row: row["name"])
def test_the_client_makes_and_takes_the_golden_frames(row):
    assert to_frame(bytes.fromhex(row["payload"])).hex() == row["frame"]
    assert from_frame(bytes.fromhex(row["frame"])[:-1]) == bytes.fromhex(row["payload"])


@pytest.mark.parametrize("row", vectors("rejects"), ids=lambda row: row["name"])
def test_the_client_rejects_what_must_be_rejected(row):
    frames = bytes.fromhex(row["stream"]).split(b"\x00")[:-1]
    found = [payload.hex() for frame in frames if (payload := from_frame(frame)) is not None]
    assert found == row["payloads"]


def test_the_worked_example_is_what_the_client_makes():
    example = README.split("<!-- example: generated -->")[1].split("<!-- example: end -->")[0]
    stuffed = example.split("stuffed")[1].split("a stop")[0]
    made = message(0x05, bytes.fromhex("a1b2c3d4"), 258, bytes.fromhex("00112233445566ff"))
    assert bytes.fromhex("".join(re.findall(r"\b[0-9a-f]{2}\b", stuffed))) == made
    assert (b"\x00" + message(0x0F, bytes(4), 0, b"\x01")).hex(" ") in example


def test_the_client_doses():
    device, client = connected(schema=schema_in_readme())
    client.connect(b"abcd")
    client.look_around()
    assert client.session == SESSION
    values = client.dose(ID, 12_500, 1000)
    assert (values[0], values[1]) == (ID, codes.DOSE_DELIVERED)
    assert device.doses == {ID: 12_500}
    assert client.ping(7) == 99


@pytest.mark.req("LINK-3", "DOSE-2", "STOP-1")
def test_the_client_doses_and_stops_over_a_bad_line():
    device, client = connected(0.4)
    client.connect(b"abcd")
    client.look_around()
    for count in range(20):
        dose_id = b"dose%04d" % count
        assert client.dose(dose_id, 1000 + count, 1000)[:2] == (dose_id, codes.DOSE_DELIVERED)
    assert device.doses == {b"dose%04d" % count: 1000 + count for count in range(20)}
    assert client.stop()[0] == codes.CAUSE_OPERATOR
    assert device.stops


@pytest.mark.req("STOP-1")
def test_the_client_stops_without_a_session():
    device, client = connected()
    assert client.stop()[0] == codes.CAUSE_OPERATOR
    assert device.stops == [codes.CAUSE_OPERATOR]


@pytest.mark.req("LINK-2")
def test_the_client_of_another_schema_is_told_the_devices():
    _, client = connected(schema=OTHER_SCHEMA)
    with pytest.raises(ConnectionRefusedError, match=messages.schema_hex()):
        client.connect(b"abcd")
