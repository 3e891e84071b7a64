import pytest
from hypothesis import given
from hypothesis import strategies as st

from device import limits, rescue
from device.contents import LINE_NL, PATIENT_LINE_NL, Contents
from device.line import BACKLASH_NL, LineAccount
from device.rescue import Rescue
from protocol import codes


def judge(**changes):
    case = {
        "channel": codes.CHANNEL_COUNTER_AGENT,
        "service": False,
        "stop_cause": codes.CAUSE_NONE,
        "standing": 0,
        "treatment_open": True,
        "cartridge": codes.REASON_NONE,
        "volume_nl": 25_000,
        "rate_nl_s": 5_000,
        "rescued_nl": 0,
    }
    rule = Rescue()
    return rule.judge(**(case | changes)), rule.nearest


def test_nothing_stands_in_the_way():
    assert judge() == (codes.REASON_NONE, 0)


@pytest.mark.req("RESCUE-1")
@pytest.mark.parametrize(
    "cause",
    [codes.CAUSE_MONITOR, codes.CAUSE_CLINICIAN, codes.CAUSE_CONSENT, codes.CAUSE_LINK_LOST, codes.CAUSE_PERMIT],
)
def test_what_keeps_the_agent_only_does_not_keep_the_rescue(cause):
    assert judge(stop_cause=cause) == (codes.REASON_NONE, 0)


AGENT_ONLY = {"none", "monitor", "clinician", "consent", "link_lost", "permit"}


@pytest.mark.req("RESCUE-1")
@pytest.mark.parametrize("name, cause", [row for row in codes.CAUSES if row[0] not in AGENT_ONLY])  # noqa: PT006
def test_every_other_stop_blocks_all_channels(name, cause):
    assert rescue.blocked_by(cause), name
    assert judge(stop_cause=cause) == (codes.REASON_STOPPED, 0)


@pytest.mark.req("RESCUE-1", "RESCUE-4")
@pytest.mark.parametrize(
    ("case", "reason", "nearest"),
    [
        ({"channel": codes.CHANNEL_AGENT}, codes.REASON_CHANNEL, 0),
        ({"channel": codes.CHANNEL_FLUSH}, codes.REASON_CHANNEL, 0),
        ({"service": True}, codes.REASON_SERVICE, 0),
        ({"standing": 4}, codes.REASON_INTERLOCK, 0),
        ({"treatment_open": False}, codes.REASON_NO_TREATMENT, 0),
        ({"cartridge": codes.REASON_CARTRIDGE_EXPIRED}, codes.REASON_CARTRIDGE_EXPIRED, 0),
        ({"volume_nl": 99}, codes.REASON_VOLUME_LOW, 100),
        ({"volume_nl": 60_001}, codes.REASON_RESCUE_HIGH, 60_000),
        ({"rescued_nl": 94_599}, codes.REASON_RESCUE_HIGH, 24_999),
        ({"rescued_nl": 120_000}, codes.REASON_RESCUE_HIGH, 0),
        ({"volume_nl": 99, "rescued_nl": 120_000}, codes.REASON_VOLUME_LOW, 0),
        ({"rate_nl_s": 49}, codes.REASON_RATE_LOW, 50),
        ({"rate_nl_s": 20_001}, codes.REASON_RATE_HIGH, 20_000),
    ],
)
def test_each_thing_in_the_way_has_its_own_reason(case, reason, nearest):
    assert judge(**case) == (reason, nearest)


@pytest.mark.req("RESCUE-4")
@pytest.mark.parametrize(
    "case",
    [{"volume_nl": 100}, {"volume_nl": 60_000}, {"rescued_nl": 94_598}, {"rate_nl_s": 50}, {"rate_nl_s": 20_000}],
)
def test_a_rescue_at_its_ceiling_is_allowed(case):
    assert judge(**case) == (codes.REASON_NONE, 0)


def test_the_checks_stand_in_their_order():
    order = [
        ("channel", codes.CHANNEL_AGENT, codes.REASON_CHANNEL),
        ("service", True, codes.REASON_SERVICE),
        ("stop_cause", codes.CAUSE_DOOR, codes.REASON_STOPPED),
        ("standing", 2, codes.REASON_INTERLOCK),
        ("treatment_open", False, codes.REASON_NO_TREATMENT),
        ("cartridge", codes.REASON_LOT, codes.REASON_LOT),
        ("volume_nl", 70_000, codes.REASON_RESCUE_HIGH),
        ("rate_nl_s", 0, codes.REASON_RATE_LOW),
    ]
    wrong = {name: value for name, value, _ in order}
    for name, _, reason in order:
        assert judge(**wrong)[0] == reason
        del wrong[name]
    assert judge(**wrong)[0] == codes.REASON_NONE


@pytest.mark.req("RESCUE-4", "DOSE-4")
@given(st.integers(0, 200_000), st.integers(0, 130_000), st.integers(0, 10_000))
def test_the_nearest_volume_is_accepted_and_the_one_beyond_it_is_not(volume_nl, rescued_nl, error_ppm):
    given_case = {"rescued_nl": rescued_nl, "error_ppm": error_ppm}
    reason, nearest = judge(volume_nl=volume_nl, **given_case)
    if nearest:
        beyond = nearest - 1 if reason == codes.REASON_VOLUME_LOW else nearest + 1
        assert judge(volume_nl=nearest, **given_case) == (codes.REASON_NONE, 0)
        assert judge(volume_nl=beyond, **given_case)[0] == reason


@pytest.mark.req("RESCUE-4")
@given(st.lists(st.integers(0, 70_000), max_size=10))
def test_no_sequence_of_rescues_brings_more_than_their_ceiling(orders):
    rescued_nl = 0
    for volume_nl in orders:
        reason, nearest = judge(volume_nl=volume_nl, rescued_nl=rescued_nl)
        asked_nl = volume_nl if reason == codes.REASON_NONE else nearest
        if asked_nl:
            rescued_nl += limits.most_of(asked_nl)
        assert rescued_nl <= limits.MAX_RESCUE_TOTAL_NL


@pytest.mark.req("RESCUE-2", "DOSE-7")
@pytest.mark.parametrize("_name, kind", codes.KINDS)  # noqa: PT006
def test_a_rescue_takes_the_place_of_every_dose_but_a_rescue(_name, kind):
    assert rescue.preempts(kind) is (kind != codes.KIND_RESCUE)


def test_a_line_without_agent_behind_the_valve_is_not_cleared():
    assert rescue.clearing_nl(0, BACKLASH_NL) == 0


@pytest.mark.req("RESCUE-2", "DOSE-13")
@given(st.integers(1, 8_000), st.integers(0, BACKLASH_NL), st.integers(500, 10_000))
def test_what_clears_the_line_surely_pushes_all_agent_behind_the_valve_to_the_waste(behind_nl, play_nl, error_ppm):
    steps = limits.steps_of(rescue.clearing_nl(behind_nl, play_nl, error_ppm))
    line = LineAccount()
    line.calibrate(limits.STEP_FL, error_ppm, 1_000_000, 100_000, play_nl)
    contents = Contents()
    contents.push(codes.CHANNEL_FLUSH, LINE_NL - PATIENT_LINE_NL - behind_nl, LINE_NL, False)
    assert contents.behind_valve_nl == behind_nl
    least_nl, most_nl = line.pushed(steps)
    contents.push(codes.CHANNEL_COUNTER_AGENT, least_nl, most_nl, False)
    assert contents.behind_valve_nl == 0
