"""What the model's judge of volumes knows of dips of the supply: what the plant's steps have not moved, to the step."""

import pytest

from hil.model.volumes import Rows, Volumes
from hil.plant import PlantParameters
from hil.plant.parameters import NS_PER_MS
from hil.plant.rig import SimulatedRig


@pytest.mark.parametrize(("dip_ms", "unseen_steps"), [(1, 3), (9.9, 3), (10, 0), (30, 0)])
def test_what_a_dip_between_two_ticks_has_not_moved_is_unseen_and_what_a_longer_one_has_not_is_seen(
    dip_ms, unseen_steps
):
    plant = SimulatedRig(PlantParameters(), 1)
    volumes = Volumes(plant, Rows(bytes(8), (0,) * 9), lambda *_: None)
    plant.unpowered_steps[0] = 5
    volumes.dipped(0, True)
    plant.unpowered_steps[0] = 7
    plant.unpowered_steps[2] = 1
    volumes.dipped(round(dip_ms * NS_PER_MS), False)
    assert volumes.unseen_nl == pytest.approx(unseen_steps * plant.parameters.step_nl)


def test_a_loose_syringe_feeds_and_sucks_what_the_storms_judge_allows_for():
    plant = SimulatedRig(PlantParameters(), 1)
    for head_kpa in (5.0, -5.0):
        before_nl = plant.line.fed_nl
        plant.loosen(2, 0, head_kpa)
        plant.advance(plant.now_ns + 1_000 * NS_PER_MS)
        plant.clamp(2)
        assert (plant.line.fed_nl - before_nl) * head_kpa > 0
