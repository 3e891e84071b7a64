"""Link faults as data."""

from collections import Counter
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hil.faults import FaultyDirection, LinkFaults, faulty_direction

FRAMES = [bytes([number % 255 + 1]) * 20 + b"\0" for number in range(400)]


def passed(faults, frames=FRAMES, seed=1):
    direction = FaultyDirection(faults, Random(seed))
    pieces = [piece for frame in frames for piece in direction.take(frame)]
    return pieces, direction


def frames_of(pieces):
    return [piece.data for piece in pieces]


@given(st.lists(st.binary(max_size=300), max_size=20))
def test_without_faults_every_octet_passes_at_once(chunks):
    pieces, _ = passed(LinkFaults(), chunks)
    assert b"".join(frames_of(pieces)) == b"".join(chunks)
    assert all(piece.delay_ns == 0 for piece in pieces)


def test_dropped_frames_are_missing_and_the_others_are_whole():
    pieces, direction = passed(LinkFaults(drop=0.2))
    assert 40 < direction.struck["drop"] < 130
    assert len(pieces) == len(FRAMES) - direction.struck["drop"]
    assert set(frames_of(pieces)) <= set(FRAMES)


def test_duplicated_frames_come_twice():
    pieces, direction = passed(LinkFaults(duplicate=0.2))
    doubled = [data for data in frames_of(pieces) if data.count(0) == 2]
    assert len(doubled) == direction.struck["duplicate"] > 0
    assert all(data[:21] == data[21:] for data in doubled)


def test_corrupted_frames_differ_in_one_bit():
    pieces, direction = passed(LinkFaults(corrupt=0.2))
    flipped = Counter(
        sum((a ^ b).bit_count() for a, b in zip(data, frame, strict=True))
        for data, frame in zip(frames_of(pieces), FRAMES, strict=True)
    )
    assert flipped == {0: len(FRAMES) - direction.struck["corrupt"], 1: direction.struck["corrupt"]}


def test_delayed_frames_come_later_by_no_more_than_the_bound():
    pieces, direction = passed(LinkFaults(delay=0.5, max_delay_s=0.1))
    delays = [piece.delay_ns for piece in pieces if piece.delay_ns]
    assert len(delays) == direction.struck["delay"] > 100
    assert max(delays) <= 100_000_000


def test_reordered_frames_change_places_with_the_next():
    pieces, _ = passed(LinkFaults(reorder=0.3))
    places = [FRAMES.index(data) for data in frames_of(pieces)[:250]]
    assert places != sorted(places)
    assert all(abs(place - index) <= 2 for index, place in enumerate(places))


@pytest.mark.parametrize("octets", [0, 1, 20, 21, 22, 50])
def test_a_cut_lets_exactly_so_many_octets_pass(octets):
    pieces, direction = passed(LinkFaults(cut_after_octets=octets))
    assert b"".join(frames_of(pieces)) == b"".join(FRAMES)[:octets]
    assert direction.cut


def test_a_cut_inside_a_frame_does_not_wait_for_its_end():
    pieces, direction = passed(LinkFaults(cut_after_octets=3), [b"ab", b"cd"])
    assert b"".join(frames_of(pieces)) == b"abc"
    assert direction.cut


def test_equal_seeds_give_equal_faults():
    faults = LinkFaults(drop=0.1, duplicate=0.1, delay=0.1, corrupt=0.1, reorder=0.1)
    assert passed(faults)[0] == passed(faults)[0] != passed(faults, seed=2)[0]


def test_the_two_directions_have_generators_of_their_own():
    faults = LinkFaults(drop=0.5)
    one, other = faulty_direction(faults, 1, "to device"), faulty_direction(faults, 1, "to host")
    assert [len(one.take(frame)) for frame in FRAMES] != [len(other.take(frame)) for frame in FRAMES]


@given(st.lists(st.binary(max_size=600), max_size=20), st.integers(0, 100))
def test_no_stream_of_octets_piles_up(chunks, seed):
    faults = LinkFaults(drop=0.2, duplicate=0.2, delay=0.2, corrupt=0.2, reorder=0.2)
    _, direction = passed(faults, chunks, seed)
    assert len(direction._partial) < 256
