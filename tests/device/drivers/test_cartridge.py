import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.drivers import cartridge
from device.drivers.cartridge import CartridgeMemory, label_intact, left_of, pack_left, pack_memory
from hil.plant.eeprom import EepromChip
from tests.device.chips import BUS_CARTRIDGES, FILL_NL, LOT, PAGE_NS, ChipBoard, label_of, memory_of, serial_of

VOLUMES = st.integers(0, (1 << 30) - 1)


def test_the_label_has_its_fields_at_the_places_of_the_layout():
    label = label_of(2, concentration=0x01020304, fill_nl=0x05060708, expiry_day=0x090A)
    assert label == bytes([1, 2]) + LOT + serial_of(2) + bytes.fromhex("0403020108070605 0a09")
    assert len(label) == cartridge.LABEL_OCTETS
    assert label[cartridge.SERIAL_AT :][: cartridge.SERIAL_OCTETS] == serial_of(2)


def test_a_memory_is_label_tag_check_and_what_is_left_twice_each_in_a_page_of_its_own():
    memory = memory_of(0, 123_456)
    assert len(memory) == cartridge.OCTETS
    assert all(at % 16 == 0 for at in cartridge.LEFT_AT)
    assert [left_of(bytearray(memory), copy) for copy in (0, 1)] == [123_456, 123_456]
    assert label_intact(bytearray(memory))


@given(st.integers(0, 47), st.integers(1, 255))
def test_one_damaged_octet_of_the_label_is_noticed(index, flip):
    memory = bytearray(memory_of(0))
    memory[index] ^= flip
    assert not label_intact(memory)


@given(VOLUMES, st.integers(0, 11), st.integers(1, 255))
def test_one_damaged_octet_of_what_is_left_is_noticed_and_the_other_copy_stands(left_nl, index, flip):
    memory = bytearray(memory_of(0, left_nl))
    memory[cartridge.LEFT_AT[0] + index] ^= flip
    assert left_of(memory, 0) == -1
    assert left_of(memory, 1) == left_nl


def test_what_is_left_of_another_cartridge_is_not_believed():
    memory = bytearray(memory_of(0))
    memory[cartridge.LEFT_AT[0] :][:12] = pack_left(serial_of(0, 2), 5)
    memory[cartridge.LEFT_AT[0] : cartridge.LEFT_AT[0] + 12] = pack_left(serial_of(0, 2), 5)
    assert left_of(memory, 0) == -1


def test_an_erased_memory_is_neither_a_label_nor_a_volume():
    memory = bytearray(b"\xff" * cartridge.OCTETS)
    assert not label_intact(memory)
    assert left_of(memory, 0) == left_of(memory, 1) == -1


def test_a_layout_of_another_version_is_not_read():
    label = bytearray(label_of(0))
    label[0] = 2
    assert not label_intact(bytearray(pack_memory(bytes(label), bytes(16), 0)))


@given(VOLUMES, VOLUMES, st.integers(0, 12))
def test_a_page_that_lost_its_power_reads_as_before_as_after_or_as_nothing(before_nl, after_nl, done):
    chip = EepromChip(PAGE_NS)
    chip.contents[: cartridge.OCTETS] = memory_of(0, before_nl)
    chip.write(bytes([cartridge.LEFT_AT[0]]) + pack_left(serial_of(0), after_nl), 0)
    chip.power_off(PAGE_NS * done // 12)
    assert left_of(chip.contents, 0) in (before_nl, after_nl, -1)
    assert left_of(chip.contents, 1) == before_nl


class TestTransfers:
    @pytest.fixture
    def board(self):
        return ChipBoard()

    @pytest.mark.parametrize("channel", [0, 1, 2])
    def test_pieces_are_read_from_the_connector_of_the_channel(self, board, channel):
        piece = bytearray(32)
        CartridgeMemory(board, BUS_CARTRIDGES, channel).read_into(16, piece)
        assert piece == board.chips.cartridges[channel].contents[16:48]

    def test_a_copy_is_written_alone_and_the_memory_is_silent_while_it_writes(self, board):
        memory = CartridgeMemory(board, BUS_CARTRIDGES, 1)
        memory.write_left(1, pack_left(serial_of(1), 777))
        with pytest.raises(OSError, match="5"):
            memory.read_into(0, bytearray(8))
        board.now_ns += PAGE_NS
        memory.read_into(0, bytearray(8))
        contents = board.chips.cartridges[1].contents
        assert (left_of(contents, 0), left_of(contents, 1)) == (FILL_NL, 777)
        assert board.chips.cartridges[1].pages_written == 1

    @pytest.mark.req("FLOW-8")
    def test_a_held_bus_costs_one_time_out_a_reading(self, board):
        board.chips.buses.hold(BUS_CARTRIDGES)
        with pytest.raises(OSError, match="110"):
            CartridgeMemory(board, BUS_CARTRIDGES, 0).read_into(0, bytearray(32))
        assert board.chips.time_outs == 1
