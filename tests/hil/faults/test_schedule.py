"""Schedules as files: what is written is read back, what makes no sense is said with its place."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hil.faults.acts import ACTS, Clear, Dose
from hil.faults.generate import generate, shortened
from hil.faults.records import ScheduleError
from hil.faults.schedule import Schedule, from_json, load, to_json
from hil.faults.vocabulary import FAMILIES, FAULTS, EmergencyStop, LinkDrop

SMALL = Schedule(
    target="twin",
    seed=7,
    host="client",
    length_us=2_000_000,
    acts=(Dose(700_000, 1000, 500), Clear(900_000, 200_000)),
    faults=(EmergencyStop(800_000, 50), LinkDrop(1_000_000, 500, "both", 100)),
    rig={"compliance_nl_kpa": 50.0},
)


def with_entry(change):
    entries = json.loads(to_json(SMALL))
    change(entries)
    return json.dumps(entries)


@given(st.sampled_from(["twin", "vm", "rp2040"]), st.integers(0, 2**32), st.integers(0, 1000))
def test_every_generated_schedule_is_read_back_as_it_was_written(target, seed, number):
    schedule = generate(target, seed, number)
    assert from_json(to_json(schedule), "a file") == schedule


def test_the_same_seed_and_number_give_the_same_schedule_and_others_give_another():
    assert generate("twin", 1, 4) == generate("twin", 1, 4)
    assert generate("twin", 1, 4) != generate("twin", 1, 5)
    assert generate("twin", 1, 4) != generate("twin", 2, 4)


def test_notes_of_what_a_run_showed_are_kept_beside_the_schedule():
    text = to_json(SMALL, ["edges after a stop at 1.5 s: 3 edges"], "abc")
    assert json.loads(text)["violations"] == ["edges after a stop at 1.5 s: 3 edges"]
    assert from_json(text, "a file") == SMALL


def test_many_schedules_hold_every_act_and_every_fault_that_the_storm_can_judge():
    schedules = [generate("twin", 1, number) for number in range(600)]
    acts = {act.KIND for schedule in schedules for act in schedule.acts}
    faults = {fault.KIND for schedule in schedules for fault in schedule.faults}
    patient = {name for name, kind in FAULTS.items() if kind.FAMILY == "patient"}
    assert acts == set(ACTS)
    assert faults == set(FAULTS) - patient


def test_the_vocabulary_covers_every_family():
    assert {kind.FAMILY for kind in FAULTS.values()} == set(FAMILIES)


@pytest.mark.req("SEC-5")
@pytest.mark.parametrize(
    ("change", "place", "wrong"),
    [
        (lambda s: s.pop("seed"), "a file", 'the field "seed" is missing'),
        (lambda s: s.update(speed=1), "a file", 'the field "speed" is unknown'),
        (lambda s: s.update(format="other 2"), "a file.format", "'other 2'"),
        (lambda s: s.update(target="moon"), "a file.target", "'moon' is not one of the names"),
        (lambda s: s.update(seed=-1), "a file.seed", "-1 is out of bounds"),
        (lambda s: s.update(seed=True), "a file.seed", "a whole number is wanted, not True"),
        (lambda s: s.update(length_us="long"), "a file.length_us", "a whole number is wanted"),
        (lambda s: s.update(acts={}), "a file.acts", "a list is wanted, not an object"),
        (lambda s: s.update(faults=[3]), "a file.faults[0]", "an object is wanted, not 3"),
        (lambda s: s["faults"][0].update(fault="earthquake"), "a file.faults[0].fault", "'earthquake'"),
        (lambda s: s["faults"][0].pop("fault"), "a file.faults[0]", 'the field "fault" is missing'),
        (lambda s: s["faults"][1].update(permille=1001), "a file.faults[1].permille", "1001 is out of bounds"),
        (lambda s: s["faults"][1].update(direction="up"), "a file.faults[1].direction", "'up' is not one"),
        (lambda s: s["faults"][1].pop("for_us"), "a file.faults[1]", 'the field "for_us" is missing'),
        (lambda s: s["acts"][0].update(volume_nl=1.5), "a file.acts[0].volume_nl", "not 1.5"),
        (lambda s: s["acts"][0].update(colour="red"), "a file.acts[0]", 'the field "colour" is unknown'),
        (lambda s: s.update(acts=[s["acts"][0]] * 1001), "a file.acts", "1001 of them are too many"),
        (lambda s: s.update(rig={"weight": 1}), "a file.rig", 'the field "weight" is unknown'),
        (lambda s: s.update(rig={"bore_error": "wide"}), "a file.rig.bore_error", "'wide' is no number"),
        (lambda s: s.update(rig={"compliance_nl_kpa": 0}), "a file.rig", "must be above 0"),
    ],
)
def test_what_is_wrong_is_said_with_its_place_and_what_to_do(change, place, wrong):
    with pytest.raises(ScheduleError) as error:
        from_json(with_entry(change), "a file")
    assert error.value.place == place
    assert wrong in error.value.what
    assert error.value.todo


@pytest.mark.req("SEC-5")
@pytest.mark.parametrize("text", ["", "{", "[]", "7", '"x"', "\0", "[" * 5000])
def test_text_that_is_no_schedule_is_refused(text):
    with pytest.raises(ScheduleError):
        from_json(text, "a file")


@pytest.mark.req("SEC-5")
@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=5), st.lists))
def test_no_json_value_does_more_than_be_refused(value):
    with pytest.raises(ScheduleError):
        from_json(json.dumps(value), "a file")


@pytest.mark.req("SEC-5")
def test_a_file_that_is_not_there_or_not_text_is_named(tmp_path):
    with pytest.raises(ScheduleError, match=r"none\.json: it cannot be read: No such file"):
        load(tmp_path / "none.json")
    (tmp_path / "binary.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ScheduleError, match=r"binary\.json: it cannot be read: it is not text"):
        load(tmp_path / "binary.json")


def test_a_shortened_schedule_holds_nothing_beyond_its_end():
    short = shortened(SMALL, 850_000)
    assert short.acts == SMALL.acts[:1]
    assert short.faults == SMALL.faults[:1]
