"""The queue at its edges: the room in its memory and its places, each transfer of an entry, and each refusal."""

import pytest

from device.journal_queue import NO_COPY, NO_ROOM, WriteQueue, fetch
from tests.device.journal_rig import LoggedFram

OCTETS = 1280
PLACES = 24
FIRST, SECOND = 0x0100, 0x0200


class ToldFram(LoggedFram):
    """Tells each transfer: what it was, its address and how many octets."""

    def __init__(self):
        super().__init__()
        self.told = []

    def read_into(self, address, buffer):
        self.told.append(("read", address, len(buffer)))
        super().read_into(address, buffer)

    def write(self, address, buffer):
        self.told.append(("write", address, len(buffer)))
        super().write(address, buffer)


@pytest.fixture
def fram():
    return ToldFram()


@pytest.fixture
def queue(fram):
    return WriteQueue(fram)


def put(queue, payload, first=FIRST, second=NO_COPY):
    at = queue.room(len(payload))
    assert at != NO_ROOM
    queue.memory[at : at + len(payload)] = payload
    queue.put(at, len(payload), first, second)
    return at


def filled(queue, *lengths):
    return [put(queue, bytes(length)) for length in lengths]


def steps(queue, count):
    return [queue.step() for _ in range(count)]


def end_one(queue):
    """Step until the oldest entry of 32 octets or less, without a copy, has left the queue."""
    queue.step()
    queue.step()


def test_an_empty_queue_takes_as_much_as_its_memory_holds_from_its_beginning(queue):
    assert queue.room(OCTETS) == 0
    assert queue.room(OCTETS + 1) == NO_ROOM


def test_an_entry_follows_the_one_before_it_up_to_the_end_of_the_memory(queue):
    put(queue, bytes(300))
    assert queue.room(OCTETS - 300) == 300
    assert queue.room(OCTETS - 299) == NO_ROOM


def test_entries_go_round_the_end_of_the_memory_as_the_oldest_ones_leave(queue):
    assert filled(queue, 32, 1200) == [0, 32]
    # 48 octets are left at the end, none before the oldest.
    assert queue.room(48) == 1232
    assert queue.room(49) == NO_ROOM
    end_one(queue)
    # The first 32 octets are free now.
    assert queue.room(49) == NO_ROOM
    assert queue.room(32) == 1232
    assert filled(queue, 40) == [1232]
    assert queue.room(32) == 0
    assert queue.room(33) == NO_ROOM
    assert filled(queue, 20) == [0]
    # Between its end and the oldest entry.
    assert queue.room(12) == 20
    assert queue.room(13) == NO_ROOM


def test_a_memory_filled_to_its_last_octet_by_going_round_has_room_for_nothing(queue):
    filled(queue, 32, 1248)
    end_one(queue)
    assert filled(queue, 32) == [0]
    assert queue.room(1) == NO_ROOM


def test_24_entries_wait_at_most(queue):
    filled(queue, *[1] * (PLACES - 1))
    assert queue.room(1) == PLACES - 1
    filled(queue, 1)
    assert queue.room(1) == NO_ROOM


def test_places_asked_for_besides_an_entry_are_kept_free(queue):
    filled(queue, *[1] * (PLACES - 3))
    assert queue.room(1, 2) == PLACES - 3
    assert queue.room(1, 3) == NO_ROOM
    filled(queue, 1)
    assert queue.room(1, 2) == NO_ROOM
    assert queue.room(1, 1) == PLACES - 2


def test_more_entries_than_places_pass_one_after_the_other_in_order(queue, fram):
    for number in range(3 * PLACES):
        put(queue, bytes([number]), first=number)
        if number >= PLACES - 1:
            end_one(queue)
    assert queue.flush()
    assert fram.log == [(number, number) for number in range(3 * PLACES)]
    assert queue.placed == queue.durable == 3 * PLACES


def test_an_entry_is_written_and_read_back_in_slices_of_32_at_one_address_then_at_the_other(queue, fram):
    payload = bytes(range(1, 71))
    put(queue, payload, FIRST, SECOND)
    assert steps(queue, 12) == [False] * 11 + [True]
    slices = [(0, 32), (32, 32), (64, 6)]
    assert fram.told == [
        (way, begin + at, octets) for begin in (FIRST, SECOND) for way in ("write", "read") for at, octets in slices
    ]
    assert fram.image[FIRST : FIRST + 70] == fram.image[SECOND : SECOND + 70] == payload


def test_an_entry_of_whole_slices_takes_no_transfer_more(queue, fram):
    put(queue, bytes(64))
    assert steps(queue, 4) == [False] * 3 + [True]
    assert fram.told == [("write", FIRST, 32), ("write", FIRST + 32, 32), ("read", FIRST, 32), ("read", FIRST + 32, 32)]


@pytest.mark.req("LEDGER-1")
def test_an_entry_is_durable_when_its_first_copy_was_read_back_and_leaves_with_its_second(queue):
    put(queue, b"a", FIRST, SECOND)
    put(queue, b"b", FIRST + 1)
    told = []
    for _ in range(6):
        told.append((queue.durable, queue.idle()))
        queue.step()
    assert told == [(0, False), (0, False), (1, False), (1, False), (1, False), (1, False)]
    assert (queue.durable, queue.placed, queue.idle()) == (2, 2, True)


def test_an_entry_without_a_copy_is_written_once_though_one_with_a_copy_had_its_place_before(queue, fram):
    for number in range(PLACES):
        put(queue, b"a", FIRST + number, SECOND + number)
    assert queue.flush()
    fram.log.clear()
    put(queue, b"b", FIRST)
    assert queue.flush()
    assert fram.log == [(FIRST, ord("b"))]


def test_a_copy_at_address_0_is_written(queue, fram):
    put(queue, b"a", FIRST, 0)
    assert queue.flush()
    assert fram.log == [(FIRST, ord("a")), (0, ord("a"))]


def test_nothing_to_do_is_said_at_once_and_moves_nothing(queue, fram):
    assert queue.idle()
    assert queue.step()
    assert queue.flush()
    assert (fram.told, queue.placed, queue.durable, queue.faulty) == ([], 0, 0, False)


def test_a_refused_transfer_begins_the_copy_anew_with_its_first_slice(queue, fram):
    put(queue, bytes(64), FIRST)
    queue.step()
    fram.naks = 1
    assert not queue.step()
    fram.told.clear()
    assert queue.flush()
    assert fram.told == [("write", FIRST, 32), ("write", FIRST + 32, 32), ("read", FIRST, 32), ("read", FIRST + 32, 32)]


def test_a_refused_reading_back_writes_the_copy_anew(queue, fram):
    put(queue, b"abc", FIRST, SECOND)
    steps(queue, 3)
    fram.naks = 1
    assert not queue.step()
    fram.told.clear()
    assert queue.flush()
    assert fram.told == [("write", SECOND, 3), ("read", SECOND, 3)]


@pytest.mark.parametrize("at", [0, 2])
def test_an_octet_read_back_as_another_writes_the_copy_anew(queue, fram, at):
    put(queue, b"abc", FIRST)
    queue.step()
    fram.image[FIRST + at] ^= 1
    assert not queue.step()
    assert queue.durable == 0
    assert not queue.faulty
    assert steps(queue, 2) == [False, True]
    assert fram.image[FIRST : FIRST + 3] == b"abc"


def test_two_refusals_are_no_fault_and_the_third_on_end_is(queue, fram):
    put(queue, b"abc")
    fram.naks = 2
    steps(queue, 2)
    assert not queue.faulty
    fram.naks = 1
    assert not queue.step()
    assert queue.faulty


def test_a_copy_that_stands_forgives_the_refusals_before_it(queue, fram):
    put(queue, b"abc", FIRST, SECOND)
    fram.naks = 2
    steps(queue, 4)
    assert queue.durable == 1
    fram.naks = 2
    assert steps(queue, 4) == [False] * 3 + [True]
    assert not queue.faulty


def test_after_three_refusals_it_rests_for_64_steps_and_then_tries_three_times_again(queue, fram):
    put(queue, b"abc")
    fram.naks = 1 << 30
    steps(queue, 3)
    for _ in range(3):
        fram.told.clear()
        assert not any(steps(queue, 64))
        assert fram.told == []
        assert not any(steps(queue, 3))
        assert len(fram.told) == 3


def test_what_was_refused_for_long_is_written_when_the_part_answers_again_and_stays_a_fault(queue, fram):
    put(queue, b"abc")
    fram.naks = 3
    steps(queue, 3 + 64)
    assert steps(queue, 2) == [False, True]
    assert fram.image[FIRST : FIRST + 3] == b"abc"
    assert queue.faulty


def test_flush_gives_up_when_the_part_failed_and_leaves_the_rest_waiting(queue, fram):
    put(queue, b"abc")
    fram.naks = 1 << 30
    assert not queue.flush()
    assert len(fram.told) == 3
    assert not queue.flush()
    assert len(fram.told) == 3
    assert not queue.idle()


def test_fetch_reads_in_slices_of_64(fram):
    fram.image[FIRST : FIRST + 130] = bytes(range(130))
    octets = bytearray(130)
    fetch(fram, FIRST, memoryview(octets))
    assert fram.told == [("read", FIRST, 64), ("read", FIRST + 64, 64), ("read", FIRST + 128, 2)]
    assert octets == bytes(range(130))


def test_fetch_tries_each_slice_three_times_and_reads_it_once_when_it_answers(fram):
    octets = bytearray(128)
    fram.naks = 2
    fetch(fram, FIRST, memoryview(octets))
    assert fram.told == [("read", FIRST, 64)] * 3 + [("read", FIRST + 64, 64)]


def test_fetch_gives_up_after_the_third_refusal(fram):
    fram.naks = 3
    with pytest.raises(OSError, match="5"):
        fetch(fram, FIRST, memoryview(bytearray(8)))
    assert len(fram.told) == 3
