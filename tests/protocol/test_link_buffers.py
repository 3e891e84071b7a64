"""What the device remembers: in order, bounded, each number once."""

from hypothesis import given
from hypothesis import strategies as st

from protocol.framing import MAX_FRAME
from protocol.link import LAST_SEQ, WINDOW, next_seq, seq_distance
from protocol.link_buffers import AnswerCache, FrameQueue

starts = st.one_of(st.just(0), st.integers(0, LAST_SEQ), st.integers(LAST_SEQ - 12, LAST_SEQ))


@given(st.lists(st.one_of(st.none(), st.binary(min_size=1, max_size=MAX_FRAME)), max_size=60), st.integers(1, 8))
def test_a_queue_is_a_bounded_queue(steps, slots):
    queue = FrameQueue(slots)
    model: list[bytes] = []
    for data in steps:
        if data is not None:
            assert queue.put(memoryview(data), len(data)) == (len(model) < slots)
            if len(model) < slots:
                model.append(data)
        elif model:
            assert bytes(queue.first()[: queue.first_length()]) == model.pop(0)
            queue.drop()
        assert queue.count == len(model)


def started_at(newest):
    cache = AnswerCache()
    cache._newest = newest
    return cache


@given(starts, st.lists(st.integers(0, WINDOW - 1), max_size=80))
def test_numbers_in_any_order_inside_the_window_are_admitted_once(newest, offsets):
    """A host's window: numbers up to 7 beyond the oldest that is open, again and again, and in any order."""
    cache = started_at(newest)
    oldest = next_seq(newest) if newest else 1
    admitted = set()
    for offset in offsets:
        seq = oldest
        for _ in range(offset):
            seq = next_seq(seq)
        assert cache.admit(seq) == (seq not in admitted)
        admitted.add(seq)
        while oldest in admitted:
            oldest = next_seq(oldest)


@given(starts, st.lists(st.integers(0, WINDOW - 1), max_size=80))
def test_the_answer_to_a_number_that_is_open_is_kept_whatever_else_is_answered(newest, offsets):
    cache = started_at(newest)
    oldest = next_seq(newest) if newest else 1
    answered = []
    for offset in offsets:
        seq = oldest
        for _ in range(offset):
            seq = next_seq(seq)
        if cache.admit(seq):
            cache.store(seq, bytearray([seq & 0xFF, seq >> 8]), 2)
            answered.append(seq)
        for each in answered:
            if seq_distance(each, oldest) < WINDOW:
                queue = FrameQueue(1)
                assert cache.repeat(each, queue)
                assert bytes(queue.first()[:2]) == bytes([each & 0xFF, each >> 8])
        # The host has heard the oldest answer and moves on.
        if oldest in answered and offset % 2:
            oldest = next_seq(oldest)


@given(starts, st.integers(1, 32_767))
def test_what_lies_ahead_is_admitted_and_what_lies_behind_the_window_is_not(newest, ahead):
    cache = started_at(newest)
    seq = (newest + ahead - 1) % LAST_SEQ + 1
    assert cache.admit(seq)
    for behind in (WINDOW, WINDOW + 1, 32_000):
        old = (seq - behind - 1) % LAST_SEQ + 1
        assert not cache.admit(old)
        assert not cache.repeat(old, FrameQueue(1))


def test_an_answer_is_not_repeated_into_a_full_queue():
    cache = AnswerCache()
    cache.admit(1)
    cache.store(1, bytearray(b"a"), 1)
    queue = FrameQueue(1)
    assert cache.repeat(1, queue)
    assert not cache.repeat(1, queue)


def test_a_cleared_cache_knows_nothing_and_begins_again():
    cache = AnswerCache()
    for seq in range(1, 12):
        cache.admit(seq)
        cache.store(seq, bytearray(b"a"), 1)
    cache.clear()
    assert not any(cache.repeat(seq, FrameQueue(1)) for seq in range(1, 12))
    assert all(cache.admit(seq) for seq in range(1, 12))
