"""The ring at its edges: ids that look like others, places gone round, damage, and the memory apart from the heap."""

import sys
from types import SimpleNamespace

import pytest

from device import journal_records as records
from device.journal_ring import Ring
from protocol import codes
from tests.device.journal_rig import LoggedFram, accept_record, dose_id

IDS_OCTETS = 320 * 8


@pytest.fixture
def fram():
    return LoggedFram()


@pytest.fixture
def ring(fram):
    return Ring(fram)


def record_of(one):
    return (one, *accept_record(1)[1:])


def keep(fram, ring, sequence, one):
    """Let record ``sequence`` stand in the part and be the newest."""
    octets = bytearray(80)
    records.encode(octets, 0, sequence, record_of(one), 0)
    fram.image[records.address_of(sequence) : records.address_of(sequence) + 80] = octets
    ring.name(sequence, one)


def keep_all(fram, ring, *ids):
    for sequence, one in enumerate(ids, 1):
        keep(fram, ring, sequence, one)


def learned(fram, newest):
    """A ring after a start of which only the newest record is known, and how many it found damaged."""
    ring = Ring(fram)
    ring.name(newest, dose_id(newest))
    return ring, ring.learn()


@pytest.mark.req("DOSE-2")
def test_every_dose_named_is_found_without_a_start_between(fram, ring):
    keep_all(fram, ring, *map(dose_id, range(1, 6)))
    assert [ring.find(dose_id(number)) for number in range(1, 6)] == [
        record_of(dose_id(number)) for number in range(1, 6)
    ]


@pytest.mark.req("DOSE-2")
def test_an_id_is_found_though_its_octets_stand_across_two_others_before_it(fram, ring):
    keep_all(fram, ring, b"aaaaABCD", b"EFGHbbbb", b"ABCDEFGH")
    assert ring.find(b"ABCDEFGH") == record_of(b"ABCDEFGH")


@pytest.mark.req("DOSE-2")
def test_an_id_is_found_though_its_octets_stand_across_two_others_after_it(fram, ring):
    keep_all(fram, ring, b"ABCDEFGH", b"aaaaABCD", b"EFGHbbbb")
    assert ring.find(b"ABCDEFGH") == record_of(b"ABCDEFGH")


@pytest.mark.req("DOSE-2")
def test_an_id_is_found_though_its_octets_stand_across_others_before_and_after_it(fram, ring):
    keep_all(fram, ring, b"aaaaABCD", b"EFGHbbbb", b"ABCDEFGH", b"ccccABCD", b"EFGHdddd")
    assert ring.find(b"ABCDEFGH") == record_of(b"ABCDEFGH")


@pytest.mark.req("DOSE-2")
def test_an_id_of_one_octet_only_is_found_though_the_id_before_it_ends_with_that_octet(fram, ring):
    keep_all(fram, ring, b"aaaaaaax", b"xxxxxxxx")
    assert ring.find(b"xxxxxxxx") == record_of(b"xxxxxxxx")


def test_an_id_that_only_stands_across_two_others_is_not_found(fram, ring):
    keep_all(fram, ring, b"aaaaABCD", b"EFGHbbbb")
    assert ring.find(b"ABCDEFGH") is None


@pytest.mark.req("DOSE-2")
def test_a_known_id_whose_record_is_damaged_keeps_its_id(fram, ring):
    keep_all(fram, ring, dose_id(1), dose_id(2))
    fram.image[records.address_of(1) + 50] ^= 1
    found = ring.find(dose_id(1))
    assert (found[0], found[5], found[6]) == (dose_id(1), codes.DOSE_UNKNOWN, codes.CAUSE_JOURNAL)


@pytest.mark.req("DOSE-2")
def test_an_intact_record_of_another_dose_is_not_taken_for_that_of_a_known_id(fram, ring):
    keep_all(fram, ring, dose_id(1), dose_id(2))
    ring.name(2, dose_id(3))
    assert ring.find(dose_id(3))[:6] == (dose_id(3), bytes(8), bytes(8), 0, 0, codes.DOSE_UNKNOWN)


@pytest.mark.req("DOSE-2")
def test_when_the_ring_goes_round_the_newest_id_takes_the_place_of_the_oldest(fram, ring):
    keep_all(fram, ring, *map(dose_id, range(1, 322)))
    assert ring.find(dose_id(1)) is None
    for number in (2, 319, 320, 321):
        assert ring.find(dose_id(number)) == record_of(dose_id(number))


@pytest.mark.req("DOSE-2")
def test_a_start_learns_all_320_of_a_ring_gone_round_and_no_older_one(fram, ring):
    keep_all(fram, ring, *map(dose_id, range(1, 401)))
    after, damaged = learned(fram, 400)
    assert damaged == 0
    assert after.find(dose_id(80)) is None
    for number in (81, 82, 319, 320, 399, 400):
        assert after.find(dose_id(number)) == record_of(dose_id(number))


@pytest.mark.req("LEDGER-2")
def test_every_record_whose_number_is_not_its_own_is_counted_as_damaged(fram, ring):
    keep_all(fram, ring, *map(dose_id, range(1, 6)))
    for sequence in (1, 2, 4):
        fram.image[records.address_of(sequence) + 8] ^= 1
    after, damaged = learned(fram, 5)
    assert damaged == 3
    assert after.find(dose_id(3)) == record_of(dose_id(3))
    assert after.find(dose_id(2)) is None


def test_record_1_has_none_before_it_that_could_be_damaged(fram):
    assert learned(fram, 1)[1] == 0


def test_a_record_is_told_by_its_own_number_only(fram, ring):
    keep_all(fram, ring, dose_id(1), dose_id(2))
    assert ring.record(2) == record_of(dose_id(2))
    assert ring.record(322) is None
    assert ring.look(322) == (2, records.FORMAT_1, record_of(dose_id(2)))


def test_a_record_that_the_part_does_not_answer_for_is_none(fram, ring):
    keep_all(fram, ring, dose_id(1))
    fram.naks = 3
    assert ring.record(1) is None


@pytest.mark.parametrize("place", [0, 1, 319])
def test_one_octet_in_the_head_of_any_place_makes_a_ring_that_is_not_empty(fram, ring, place):
    assert ring.empty()
    fram.image[0x1C00 + 80 * place + 11] = 1
    assert not ring.empty()


class Heapless:
    """MicroPython's ``bytearray_at``: tells where memory was asked for, and gives some that is full of garbage."""

    def __init__(self):
        self.asked = []

    def bytearray_at(self, address, octets):
        self.asked.append((address, octets))
        return bytearray(b"garbage!" * (octets // 8))


@pytest.fixture
def apart(monkeypatch):
    """An image that keeps so many octets from the heap, from 0x20000 on."""

    def keeps(octets):
        heapless = Heapless()
        built = SimpleNamespace(APART_AT=0x20000, APART_OCTETS=octets)
        monkeypatch.setitem(sys.modules, "uctypes", heapless)
        monkeypatch.setitem(sys.modules, "device._build", built)
        return heapless

    return keeps


@pytest.mark.parametrize("kept", [IDS_OCTETS, 14 * 1024])
def test_the_ids_take_the_end_of_the_memory_that_the_image_keeps_from_the_heap(apart, fram, kept):
    heapless = apart(kept)
    Ring(fram)
    assert heapless.asked == [(0x20000 + kept - IDS_OCTETS, IDS_OCTETS)]


def test_what_stood_in_that_memory_before_is_no_id(apart, fram):
    apart(14 * 1024)
    assert Ring(fram).find(b"garbage!") is None


@pytest.mark.req("DOSE-2")
@pytest.mark.parametrize("kept", [0, IDS_OCTETS - 1, IDS_OCTETS])
def test_320_ids_are_found_however_little_memory_the_image_keeps_from_the_heap(apart, fram, kept):
    heapless = apart(kept)
    ring = Ring(fram)
    keep_all(fram, ring, *map(dose_id, range(1, 321)))
    assert ring.find(dose_id(1)) == record_of(dose_id(1))
    assert ring.find(dose_id(320)) == record_of(dose_id(320))
    assert bool(heapless.asked) == (kept == IDS_OCTETS)
