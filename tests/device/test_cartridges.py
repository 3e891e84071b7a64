import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.cartridges import RESERVE_NL, Cartridges
from device.interlocks import CARTRIDGE, HOME, RESERVOIR_LOW
from protocol import codes
from tests.device.chips import (
    BUS_CARTRIDGES,
    EXPIRY_DAY,
    FILL_NL,
    LOT,
    ChipBoard,
    memory_of,
    serial_of,
    verify,
)

POLL_NS = 50_000_000
AGENT, COUNTER, FLUSH = codes.CHANNEL_AGENT, codes.CHANNEL_COUNTER_AGENT, codes.CHANNEL_FLUSH
CHANNELS = (AGENT, COUNTER, FLUSH)
TODAY = 9_000


class Rack:
    """The three connectors of a rig."""

    def __init__(self, **memories):
        self.board = ChipBoard()
        for name, memory in memories.items():
            self.board.chips.insert({"agent": AGENT, "counter": COUNTER, "flush": FLUSH}[name], memory)
        self.cartridges = Cartridges(self.board, BUS_CARTRIDGES, verify)

    def poll(self, times=60):
        for _ in range(times):
            self.cartridges.poll()
            self.board.now_ns += POLL_NS
        return self.cartridges


@pytest.fixture
def rack():
    rack = Rack()
    rack.poll()
    return rack


def test_all_three_are_read_within_seven_tenths_of_a_second(rack):
    fresh = Rack()
    fresh.poll(12)
    assert [cartridge.state for cartridge in fresh.cartridges.all] == [codes.CARTRIDGE_GOOD] * 3


def test_none_is_looked_at_more_rarely_because_others_are_missing():
    rack = Rack()
    rack.poll()
    rack.board.chips.remove(COUNTER)
    rack.board.chips.remove(FLUSH)
    rack.poll()
    rack.board.chips.insert(AGENT, memory_of(AGENT, serial=serial_of(AGENT, 2)))
    rack.poll(3)
    assert rack.cartridges.all[AGENT].state == codes.CARTRIDGE_READING


@pytest.mark.req("DOSE-10")
class TestJudge:
    @pytest.mark.parametrize("channel", CHANNELS)
    def test_a_good_one_of_the_lot_is_allowed(self, rack, channel):
        assert rack.cartridges.judge(channel, LOT, TODAY, 100_000) == codes.REASON_NONE

    @pytest.mark.parametrize("channel", CHANNELS)
    @pytest.mark.parametrize(
        ("memory", "reason"),
        [
            (memory_of(0, tag=bytes(16)), codes.REASON_CARTRIDGE_AUTHENTIC),
            (bytes(80), codes.REASON_CARTRIDGE),
            (b"", codes.REASON_CARTRIDGE),
        ],
        ids=["forged", "damaged", "erased"],
    )
    def test_one_that_cannot_be_believed_is_not(self, channel, memory, reason):
        rack = Rack()
        rack.board.chips.insert(channel, memory)
        assert rack.poll().judge(channel, LOT, TODAY, 1_000) == reason

    @pytest.mark.parametrize("channel", CHANNELS)
    def test_a_missing_one_and_one_that_is_still_read_are_not(self, channel):
        rack = Rack()
        assert rack.cartridges.judge(channel, LOT, TODAY, 1_000) == codes.REASON_CARTRIDGE
        rack.board.chips.remove(channel)
        assert rack.poll().judge(channel, LOT, TODAY, 1_000) == codes.REASON_CARTRIDGE

    @pytest.mark.parametrize("channel", CHANNELS)
    def test_one_that_is_made_for_another_channel_is_not(self, channel):
        rack = Rack()
        rack.board.chips.insert(channel, memory_of(channel, kind=(channel + 1) % 3))
        assert rack.poll().judge(channel, LOT, TODAY, 1_000) == codes.REASON_CARTRIDGE

    @pytest.mark.parametrize("channel", CHANNELS)
    def test_another_lot_than_that_of_the_order_is_refused(self, rack, channel):
        assert rack.cartridges.judge(channel, b"lot-0002", TODAY, 1_000) == codes.REASON_LOT

    @pytest.mark.parametrize("channel", CHANNELS)
    def test_the_last_day_of_use_is_the_last(self, rack, channel):
        assert rack.cartridges.judge(channel, LOT, EXPIRY_DAY, 1_000) == codes.REASON_NONE
        assert rack.cartridges.judge(channel, LOT, EXPIRY_DAY + 1, 1_000) == codes.REASON_CARTRIDGE_EXPIRED

    def test_without_a_date_there_is_no_agent_and_everything_else(self, rack):
        reasons = [rack.cartridges.judge(channel, LOT, 0, 1_000) for channel in CHANNELS]
        assert reasons == [codes.REASON_NO_DATE, codes.REASON_NONE, codes.REASON_NONE]

    @pytest.mark.parametrize("channel", CHANNELS)
    def test_an_exchanged_one_demands_a_purge(self, rack, channel):
        rack.board.chips.insert(channel, memory_of(channel, serial=serial_of(channel, 2)))
        rack.poll()
        assert rack.cartridges.judge(channel, LOT, TODAY, 1_000) == codes.REASON_PURGE
        rack.cartridges.purged(channel)
        assert rack.cartridges.judge(channel, LOT, TODAY, 1_000) == codes.REASON_NONE

    @pytest.mark.req("FLOW-6")
    @given(left_nl=st.integers(0, FILL_NL))
    def test_a_dose_that_would_reach_the_end_switch_is_refused_with_what_is_left(self, left_nl):
        rack = Rack(agent=memory_of(AGENT, left_nl))
        available_nl = max(0, left_nl - RESERVE_NL)
        assert rack.poll(5).judge(AGENT, LOT, TODAY, available_nl) == codes.REASON_NONE
        assert rack.cartridges.judge(AGENT, LOT, TODAY, available_nl + 1) == codes.REASON_RESERVOIR
        assert rack.cartridges.nearest == available_nl

    @pytest.mark.req("FLOW-6")
    def test_what_was_used_counts_at_once(self, rack):
        rack.cartridges.use(FLUSH, FILL_NL - RESERVE_NL - 1_000)
        assert rack.cartridges.judge(FLUSH, LOT, TODAY, 1_000) == codes.REASON_NONE
        assert rack.cartridges.judge(FLUSH, LOT, TODAY, 1_001) == codes.REASON_RESERVOIR


@pytest.mark.req("FLOW-6")
class TestEndSwitch:
    def test_the_channel_that_moved_when_it_closed_is_at_its_end_and_no_other(self, rack):
        cartridges = rack.cartridges
        cartridges.end_switch(True, AGENT)
        assert [cartridges.at_end(channel) for channel in CHANNELS] == [True, False, False]
        assert cartridges.judge(AGENT, LOT, TODAY, 1) == codes.REASON_RESERVOIR
        assert cartridges.nearest == 0
        assert [cartridges.conditions(channel, True) for channel in CHANNELS] == [HOME, 0, 0]
        assert cartridges.conditions(-1, False) == 0

    def test_another_channel_that_moves_while_it_is_closed_is_not_taken_for_the_empty_one(self, rack):
        rack.cartridges.end_switch(True, AGENT)
        for _ in range(10):
            rack.cartridges.end_switch(True, COUNTER)
        assert rack.cartridges.conditions(COUNTER, True) == 0

    def test_closed_at_rest_it_speaks_of_those_of_which_little_is_left(self):
        rack = Rack(flush=memory_of(FLUSH, 20_000))
        rack.poll()
        rack.cartridges.end_switch(True, -1)
        assert [rack.cartridges.at_end(channel) for channel in CHANNELS] == [False, False, True]

    def test_closed_at_rest_with_three_that_are_full_nobody_knows_and_nothing_moves(self, rack):
        rack.cartridges.end_switch(True, -1)
        assert all(rack.cartridges.at_end(channel) for channel in CHANNELS)
        assert [rack.cartridges.conditions(channel, False) & HOME for channel in (-1, *CHANNELS)] == [HOME] * 4

    def test_it_opens_for_all(self, rack):
        rack.cartridges.end_switch(True, -1)
        rack.cartridges.end_switch(False, -1)
        assert not any(rack.cartridges.at_end(channel) for channel in CHANNELS)
        assert rack.cartridges.conditions(-1, False) == 0


class TestConditions:
    @pytest.mark.req("FLOW-6")
    def test_one_tenth_left_in_any_of_them_is_low(self, rack):
        rack.cartridges.use(FLUSH, FILL_NL - FILL_NL // 10 - 1)
        assert rack.cartridges.conditions(-1, False) == 0
        rack.cartridges.use(FLUSH, 1)
        assert rack.cartridges.conditions(-1, False) == RESERVOIR_LOW

    @pytest.mark.req("DOSE-10")
    def test_a_cartridge_taken_out_under_a_dose_to_the_patient_is_an_alarm_of_that_channel(self, rack):
        rack.board.chips.remove(AGENT)
        rack.poll(9)
        conditions = [rack.cartridges.conditions(channel, True) & CARTRIDGE for channel in CHANNELS]
        assert conditions == [CARTRIDGE, 0, 0]
        assert rack.cartridges.conditions(AGENT, False) & CARTRIDGE == 0

    @pytest.mark.req("DOSE-10")
    def test_it_stays_one_when_the_cartridge_is_put_back(self, rack):
        rack.board.chips.remove(AGENT)
        rack.poll(9)
        rack.board.chips.remove(AGENT, False)
        rack.poll()
        assert rack.cartridges.all[AGENT].state == codes.CARTRIDGE_GOOD
        assert rack.cartridges.conditions(AGENT, True) & CARTRIDGE

    @pytest.mark.req("FLOW-8")
    def test_a_memory_that_cannot_be_read_is_a_fault_and_a_missing_one_is_none(self, rack):
        rack.board.chips.remove(AGENT)
        rack.poll()
        assert not rack.cartridges.faulty()
        rack.board.chips.insert(FLUSH, b"")
        rack.poll()
        assert rack.cartridges.faulty()


@pytest.mark.req("FLOW-8")
def test_a_held_bus_costs_one_time_out_a_poll_whoever_has_the_turn(rack):
    chips = rack.board.chips
    chips.buses.hold(BUS_CARTRIDGES)
    for poll in range(1, 20):
        rack.poll(1)
        assert chips.time_outs == poll
        assert rack.cartridges.held
    assert rack.cartridges.faulty()
    chips.buses.hold(BUS_CARTRIDGES, False)
    rack.poll()
    assert not rack.cartridges.faulty()
    assert not rack.cartridges.held
