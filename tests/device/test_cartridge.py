import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device.cartridge import TOLERATED, Cartridge
from device.drivers.cartridge import LEFT_AT, CartridgeMemory, left_of, pack_left
from protocol import codes
from tests.device.chips import (
    BUS_CARTRIDGES,
    EXPIRY_DAY,
    FILL_NL,
    LOT,
    ChipBoard,
    label_of,
    memory_of,
    serial_of,
    tag_of,
    verify,
)

STEP_NS = 50_000_000
READING, ABSENT, UNREADABLE = codes.CARTRIDGE_READING, codes.CARTRIDGE_ABSENT, codes.CARTRIDGE_UNREADABLE
GOOD, NOT_AUTHENTIC = codes.CARTRIDGE_GOOD, codes.CARTRIDGE_NOT_AUTHENTIC
CHANNEL = 0


class Connector:
    """One connector of a rig with its chip."""

    def __init__(self, kept: bytes | None = None):
        self.board = ChipBoard()
        self.chips = self.board.chips
        self.cartridge = Cartridge(CartridgeMemory(self.board, BUS_CARTRIDGES, CHANNEL), CHANNEL, verify)
        if kept is not None:
            self.cartridge.load(kept)

    def step(self, times=20):
        for _ in range(times):
            self.cartridge.step()
            self.board.now_ns += STEP_NS
        return self.cartridge

    def reboot(self):
        """The same rig and cartridge after a loss of power: the journal has kept what it was given."""
        kept = self.cartridge.pack()
        self.cartridge = Cartridge(CartridgeMemory(self.board, BUS_CARTRIDGES, CHANNEL), CHANNEL, verify)
        self.cartridge.load(kept)
        return self.step()

    def left_in_memory(self):
        contents = self.chips.cartridges[CHANNEL].contents
        return [left_of(contents, copy) for copy in range(2)]


@pytest.fixture
def connector():
    return Connector()


class TestReading:
    def test_a_good_cartridge_is_read_in_four_steps_of_one_small_piece_each(self, connector):
        states = [connector.step(1).state for _ in range(4)]
        assert states == [READING] * 3 + [GOOD]
        assert connector.chips.transfers == 6

    def test_what_its_label_says_is_told(self, connector):
        cartridge = connector.step()
        assert (cartridge.kind, cartridge.lot, cartridge.serial) == (CHANNEL, LOT, serial_of(CHANNEL))
        assert (cartridge.concentration, cartridge.fill_nl, cartridge.expiry_day) == (1000, FILL_NL, EXPIRY_DAY)
        assert cartridge.left_nl == FILL_NL

    @pytest.mark.req("DOSE-10")
    def test_an_empty_connector_is_found_out(self, connector):
        connector.chips.remove(CHANNEL)
        assert connector.step().state == ABSENT

    @pytest.mark.req("DOSE-10")
    @pytest.mark.parametrize(
        "memory",
        [memory_of(CHANNEL, tag=bytes(16)), memory_of(CHANNEL, tag=tag_of(label_of(CHANNEL, fill_nl=FILL_NL + 1)))],
        ids=["no tag", "tag of another label"],
    )
    def test_a_label_that_the_clinic_did_not_sign_is_not_authentic(self, connector, memory):
        connector.chips.insert(CHANNEL, memory)
        assert connector.step().state == NOT_AUTHENTIC

    @pytest.mark.req("DOSE-10", "FLOW-8")
    def test_a_damaged_label_is_read_again_a_few_times_and_then_unreadable(self, connector):
        connector.chips.cartridges[CHANNEL].contents[5] ^= 1
        assert connector.step().state == UNREADABLE
        readings = connector.chips.transfers
        connector.step(100)
        assert connector.cartridge.state == UNREADABLE
        assert connector.chips.transfers - readings == 200  # it is only looked at

    def test_a_reading_that_was_damaged_on_the_bus_is_mended_by_the_next(self, connector):
        contents = connector.chips.cartridges[CHANNEL].contents
        contents[5] ^= 1
        connector.step(4)
        contents[5] ^= 1
        assert connector.step().state == GOOD

    def test_of_two_copies_the_smaller_counts_and_a_torn_one_not(self, connector):
        contents = connector.chips.cartridges[CHANNEL].contents
        contents[LEFT_AT[1] : LEFT_AT[1] + 12] = pack_left(serial_of(CHANNEL), 1234)
        assert connector.step().left_nl == 1234
        torn = Connector()
        torn.chips.cartridges[CHANNEL].contents[LEFT_AT[0] + 3] ^= 0xFF
        assert torn.step().state == GOOD
        assert torn.cartridge.left_nl == FILL_NL

    def test_without_any_copy_nobody_knows_what_is_left(self, connector):
        for at in LEFT_AT:
            connector.chips.cartridges[CHANNEL].contents[at] ^= 1
        assert connector.step().state == UNREADABLE

    @pytest.mark.req("FLOW-8")
    def test_a_held_bus_makes_it_unreadable_without_any_exchange_and_passes(self, connector):
        connector.step()
        connector.chips.buses.hold(BUS_CARTRIDGES)
        states = []
        for _ in range(TOLERATED):
            connector.step(1)
            states.append(connector.cartridge.state)
            assert connector.cartridge.held
        assert states == [GOOD, GOOD, UNREADABLE]
        connector.chips.buses.hold(BUS_CARTRIDGES, False)
        assert connector.step().state == GOOD
        assert not connector.cartridge.exchanged
        assert not connector.cartridge.held


@pytest.mark.req("DOSE-10")
class TestExchange:
    def test_the_first_cartridge_of_a_rig_is_no_exchange(self, connector):
        assert not connector.step().exchanged

    def test_another_serial_without_any_absence_is_seen_at_the_next_look(self, connector):
        connector.step()
        connector.chips.insert(CHANNEL, memory_of(CHANNEL, serial=serial_of(CHANNEL, 2)))
        assert connector.step(1).state == READING
        assert connector.step().exchanged
        assert connector.cartridge.serial == serial_of(CHANNEL, 2)
        assert connector.cartridge.state == GOOD

    def test_absence_is_an_exchange_though_the_same_comes_back(self, connector):
        connector.step()
        connector.chips.remove(CHANNEL)
        assert connector.step(TOLERATED).state == ABSENT
        connector.chips.remove(CHANNEL, False)
        assert connector.step().state == GOOD
        assert connector.cartridge.exchanged

    def test_one_silence_less_is_none(self, connector):
        connector.step()
        connector.chips.remove(CHANNEL)
        connector.step(TOLERATED - 1)
        connector.chips.remove(CHANNEL, False)
        assert connector.step().state == GOOD
        assert not connector.cartridge.exchanged

    def test_only_a_purge_ends_it_and_only_with_a_good_cartridge(self, connector):
        connector.step()
        connector.chips.remove(CHANNEL)
        connector.step()
        connector.cartridge.purged()
        assert connector.cartridge.exchanged
        connector.chips.remove(CHANNEL, False)
        connector.step()
        connector.cartridge.purged()
        assert not connector.cartridge.exchanged

    def test_it_outlives_the_power(self, connector):
        connector.step()
        connector.chips.insert(CHANNEL, memory_of(CHANNEL, serial=serial_of(CHANNEL, 2)))
        connector.step()
        assert connector.reboot().exchanged

    def test_an_exchange_while_the_power_was_off_is_seen(self, connector):
        connector.step()
        connector.chips.insert(CHANNEL, memory_of(CHANNEL, serial=serial_of(CHANNEL, 2)))
        assert connector.reboot().exchanged

    def test_the_same_cartridge_after_a_loss_of_power_is_no_exchange(self, connector):
        connector.step()
        assert not connector.reboot().exchanged

    def test_a_cartridge_that_is_missing_at_start_makes_one(self, connector):
        connector.step()
        connector.chips.remove(CHANNEL)
        connector.reboot()
        connector.chips.remove(CHANNEL, False)
        assert connector.step().exchanged

    def test_another_cartridge_begins_with_nothing_used(self, connector):
        connector.step()
        connector.cartridge.use(400_000)
        connector.step()
        connector.chips.insert(CHANNEL, memory_of(CHANNEL, serial=serial_of(CHANNEL, 2)))
        assert connector.step().left_nl == FILL_NL


@pytest.mark.req("FLOW-6")
class TestUse:
    def test_a_use_counts_at_once_and_is_written_into_both_copies_one_after_the_other(self, connector):
        connector.step()
        connector.cartridge.use(30_000)
        assert connector.cartridge.left_nl == FILL_NL - 30_000
        assert connector.cartridge.changed
        connector.step(1)
        assert connector.cartridge.state == GOOD
        connector.step(1)
        assert connector.left_in_memory() == [FILL_NL - 30_000, FILL_NL]
        connector.step(2)
        assert connector.left_in_memory() == [FILL_NL - 30_000] * 2
        written = connector.chips.cartridges[CHANNEL].pages_written
        connector.step(100)
        assert connector.chips.cartridges[CHANNEL].pages_written == written == 2

    def test_more_than_there_is_leaves_nothing_and_no_debt(self, connector):
        connector.step()
        connector.cartridge.use(FILL_NL + 1)
        assert connector.step().left_nl == 0
        assert connector.left_in_memory() == [0, 0]

    @given(st.lists(st.tuples(st.integers(0, 50_000), st.integers(0, 7), st.booleans()), max_size=25))
    @settings(max_examples=40)
    def test_whatever_is_used_and_cut_off_what_is_left_is_never_too_much_and_never_grows(self, uses):
        connector = Connector()
        connector.step()
        used_nl, lowest_nl = 0, FILL_NL
        for volume_nl, steps, power_lost in uses:
            connector.cartridge.use(volume_nl)
            used_nl += volume_nl
            connector.step(steps)
            if power_lost:
                chip = connector.chips.cartridges[CHANNEL]
                chip.power_off(connector.board.now_ns - STEP_NS + 1_000_000)
                connector.reboot()
            assert connector.cartridge.left_nl == max(0, FILL_NL - used_nl)
            copies = [copy for copy in connector.left_in_memory() if copy >= 0]
            assert copies
            assert lowest_nl >= min(copies) >= connector.cartridge.left_nl
            lowest_nl = min(copies)
        assert connector.step().state == GOOD
        assert connector.left_in_memory() == [max(0, FILL_NL - used_nl)] * 2

    def test_the_journal_knows_what_could_not_be_written_any_more(self, connector):
        connector.step()
        connector.cartridge.use(100_000)
        assert connector.reboot().left_nl == FILL_NL - 100_000
        assert connector.left_in_memory() == [FILL_NL - 100_000] * 2

    def test_what_was_used_elsewhere_counts_from_the_cartridge(self, connector):
        connector.chips.insert(CHANNEL, memory_of(CHANNEL, 200_000))
        assert connector.step().left_nl == 200_000
        connector.cartridge.use(50_000)
        assert connector.step().left_nl == 150_000
        assert connector.reboot().left_nl == 150_000

    def test_what_could_not_be_written_any_more_is_not_hidden_behind_what_was_used_elsewhere(self, connector):
        connector.chips.insert(CHANNEL, memory_of(CHANNEL, 200_000))
        assert connector.step().changed
        connector.cartridge.use(50_000)
        assert connector.reboot().left_nl == 150_000
        assert connector.left_in_memory() == [150_000] * 2

    def test_a_memory_that_takes_no_writing_is_unreadable_after_a_few_tries(self, connector):
        connector.step()
        chip = connector.chips.cartridges[CHANNEL]
        chip.PAGE = 16
        written = chip.write
        chip.write = lambda data, now_ns: written(data[:1], now_ns)
        connector.cartridge.use(1_000)
        assert connector.step().state == UNREADABLE
        assert connector.cartridge.left_nl == FILL_NL - 1_000

    def test_further_use_while_it_writes_is_no_failed_writing(self, connector):
        connector.step()
        for _ in range(30):
            connector.cartridge.use(1_000)
            connector.step(1)
        assert connector.step().state == GOOD
        assert connector.left_in_memory() == [FILL_NL - 30_000] * 2

    def test_nothing_is_written_after_a_silence_before_the_serial_was_seen_again(self, connector):
        connector.step()
        connector.cartridge.use(1_000)
        connector.chips.remove(CHANNEL)
        connector.step(1)
        connector.chips.remove(CHANNEL, False)
        connector.chips.insert(CHANNEL, memory_of(CHANNEL, serial=serial_of(CHANNEL, 2)))
        connector.step()
        assert connector.left_in_memory() == [FILL_NL] * 2
        assert connector.cartridge.left_nl == FILL_NL
