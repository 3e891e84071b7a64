"""The watch over the firmware's live memory."""

import pytest

from hil.memory import DIP_OCTETS, SLACK_OCTETS, Memory, measure
from tests.hil.rig_command import run


def test_live_memory_is_flat_over_some_doses():
    memory = measure("vm", 60.0)
    assert memory.flat, memory
    assert memory.doses == 3
    assert 0 < memory.least <= memory.most


# As the vm told it over an hour: one dose every 23 s, a report a second, two collections that met something in flight.
REPORTS, REPORTS_PER_DOSE = 3_600, 23
USUAL, DIP = 489_088, 3_008
HOUR = [USUAL - (DIP if at in {2_000, 3_300} else 0) for at in range(REPORTS)]


def leaking(octets_per_dose: float) -> list[int]:
    return [free - int(at // REPORTS_PER_DOSE * octets_per_dose) // 16 * 16 for at, free in enumerate(HOUR)]


def test_what_the_next_collection_gives_back_is_a_dip_and_no_growth():
    memory = Memory.of("vm", 3600.0, 155, HOUR)
    assert memory.flat
    assert memory.dip == DIP


@pytest.mark.parametrize("octets_per_dose", [16 / 7, 16, 64])
def test_a_block_lost_at_every_seventh_dose_is_growth(octets_per_dose):
    memory = Memory.of("vm", 3600.0, 155, leaking(octets_per_dose))
    assert not memory.flat
    assert "GROWS" in str(memory)


@pytest.mark.parametrize(("lost", "flat"), [(SLACK_OCTETS, True), (SLACK_OCTETS + 1, False)])
def test_growth_has_a_bound(lost, flat):
    assert Memory.of("vm", 60.0, 3, [90_000, 90_000, 90_000 - lost, 90_000 - lost]).flat == flat


@pytest.mark.parametrize(("deep", "flat"), [(DIP_OCTETS, True), (DIP_OCTETS + 1, False)])
def test_a_dip_has_a_bound(deep, flat):
    free = [90_000] * 9
    free[4] -= deep
    assert Memory.of("vm", 60.0, 3, free).flat == flat


def test_the_twin_has_no_heap_to_look_at():
    done = run("hil", "memory", "--target", "twin", "--json")
    assert done.code == 2
    assert "heap" in done.json["error"]["what"]
