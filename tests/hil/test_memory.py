"""The watch over the firmware's live memory."""

import pytest

from hil.memory import SLACK_OCTETS, Memory, measure
from tests.hil.rig_command import run


def test_live_memory_is_flat_over_some_doses():
    memory = measure("vm", 60.0)
    assert memory.flat, memory
    assert memory.doses == 3
    assert 0 < memory.least <= memory.most


@pytest.mark.parametrize(("lost", "flat"), [(SLACK_OCTETS, True), (SLACK_OCTETS + 1, False)])
def test_more_than_a_few_octets_less_at_the_end_is_growth(lost, flat):
    memory = Memory("vm", 60.0, 3, 60, 90_000, 90_000 - lost, 80_000, 95_000)
    assert memory.flat == flat
    assert ("GROWS" in str(memory)) != flat


def test_the_twin_has_no_heap_to_look_at():
    done = run("hil", "memory", "--target", "twin", "--json")
    assert done.code == 2
    assert "heap" in done.json["error"]["what"]
