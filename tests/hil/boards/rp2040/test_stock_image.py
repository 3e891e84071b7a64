"""The firmware from the file system of another image; and what is said to files that are no such image."""

import struct

import pytest

from hil.bench import Bench
from hil.boards.rp2040 import current_image, stock
from hil.boards.rp2040.chip import FLASH_SIZE
from hil.boards.rp2040.stock import FAMILY_RP2040, ImageError, check_image
from hil.toolchain import image as toolchain

FLASH = 0x10000000
TEXT = b"MicroPython v1.25.0 on 2025-04-15; Raspberry Pi Pico with RP2040\0"
BLOCKS = 1000
COMPILED_S = 28.0
"""The sources are compiled at every start."""


def block(number, count=BLOCKS, family=FAMILY_RP2040, address=None, payload=b"", flags=0x2000, end=stock.MAGIC_END):
    head = struct.pack(
        "<8I",
        stock.MAGIC_START,
        stock.MAGIC_SECOND,
        flags,
        FLASH + 256 * number if address is None else address,
        256,
        number,
        count,
        family,
    )
    return head + payload.ljust(476, b"\0") + struct.pack("<I", end)


def image(text=TEXT, **changes):
    return b"".join(block(number, payload=text if number == 5 else b"", **changes) for number in range(BLOCKS))


def checked(tmp_path, data):
    path = tmp_path / "some.uf2"
    path.write_bytes(data)
    check_image(path)


def test_an_image_as_it_should_be_is_accepted(tmp_path):
    checked(tmp_path, image())


def test_an_image_that_does_not_tell_its_version_is_accepted(tmp_path):
    checked(tmp_path, image(b"MicroPython debian trixie on 2025-04-15; Raspberry Pi Pico with RP2040"))


@pytest.mark.req("SEC-5")
@pytest.mark.parametrize(
    ("data", "word"),
    [
        (b"", "empty"),
        (b"\x7fELF" + bytes(5000), "not a UF2"),
        (b"hello", "not a UF2"),
        (image()[:-100], "cut off"),
        (image()[:-512], "cut off"),
        (image(family=0xE48BFF59), "RP2350"),
        (image(family=0x12345678), "family 0x12345678"),
        (image(end=1), "damaged"),
        (image()[:512] + bytes(512) + image()[1024:], "damaged"),
        (image(address=0x20000000), "address 0x20000000"),
        (image()[:512] + image()[:512] + image()[1024:], "missing or doubled"),
        (block(0, 1, payload=TEXT), "no MicroPython"),
        (image(b"CircuitPython"), "no MicroPython"),
        (image(b"MicroPython v1.24.1 on 2024-11-29; Raspberry Pi Pico with RP2040"), "1.25 or newer"),
    ],
    ids=[
        "empty", "elf", "text", "cut in a block", "cut between blocks", "RP2350", "unknown family", "no end magic",
        "zeros within", "for RAM", "block twice", "too small", "another firmware", "too old",
    ],
)  # fmt: skip
def test_a_file_that_is_no_such_image_is_refused_with_the_reason(tmp_path, data, word):
    with pytest.raises(ImageError, match=word):
        checked(tmp_path, data)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ImageError, match=r"none\.uf2"):
        check_image(tmp_path / "none.uf2")


def test_the_files_are_those_of_the_firmware_and_a_main():
    names = set(stock.firmware_files(toolchain.REPOSITORY))
    assert names >= {"main.py", "device/main.py", "device/boards/pico.py", "protocol/link_device.py"}
    assert not any("interface" in name or "host" in name or "__pycache__" in name for name in names)


def test_the_file_system_holds_them_and_fills_the_flash():
    littlefs = pytest.importorskip("littlefs")
    made = stock.file_system(toolchain.REPOSITORY)
    assert stock.FILE_SYSTEM_AT + len(made) == FLASH_SIZE
    context = littlefs.UserContext(len(made))
    context.buffer = bytearray(made)
    files = littlefs.LittleFS(context, block_size=4096, block_count=352, mount=True)
    with files.open("device/main.py", "rb") as file:
        assert file.read() == (toolchain.REPOSITORY / "device/main.py").read_bytes()


@pytest.mark.rp2040
def test_a_stock_image_runs_the_firmware_from_its_file_system():
    own = current_image(toolchain.REPOSITORY / "build/stock-image", toolchain.STOCK)
    with Bench("rp2040", image=own) as bench:
        bench.run_for(COMPILED_S)
        rig = bench.loop.run_until_complete(bench.connect())
        try:
            assert rig.welcome.firmware == toolchain.firmware_hash()
            outcome = bench.run(rig.dose(500, 5000))
        finally:
            bench.loop.run_until_complete(rig.close())
        assert outcome.outcome.value == "delivered"
        assert outcome.emitted_steps == bench.edge_count(2)
