"""One seed is one run, on every board; and one scenario gives the same steps on all of them, within one tick."""

import pytest

from hil.compare import TICK_NS, first_difference, likeness
from tests.hil.two_doses import recorded


@pytest.mark.parametrize("board", ["twin", "vm", pytest.param("rp2040", marks=pytest.mark.rp2040)])
def test_two_runs_with_one_seed_have_one_hash_of_edges_and_frames(board):
    first, second = recorded(board, 7), recorded(board, 7)
    assert first_difference(first, second) is None
    assert first.header.digest == second.header.digest
    assert first.samples == second.samples


@pytest.mark.parametrize("board", ["twin", "vm"])
def test_another_seed_is_another_run(board):
    assert recorded(board, 7).header.digest != recorded(board, 8).header.digest


@pytest.mark.parametrize("board", ["vm", pytest.param("rp2040", marks=pytest.mark.rp2040)])
@pytest.mark.parametrize("seed", [1, 2])
def test_a_scenario_gives_the_twins_steps_within_one_tick(board, seed):
    twin, other = recorded("twin", seed), recorded(board, seed)
    like = likeness(twin, other, TICK_NS)
    assert like.difference is None
    assert like.orders == 2
    assert twin.edge_count() > 200
