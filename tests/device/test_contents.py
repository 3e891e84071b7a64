"""What the device believes to stand in the line, against the plugs of the simulated rig."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.contents import LINE_NL, MAX_PLUGS, PACKED_OCTETS, PATIENT_LINE_NL, Contents
from hil.plant.contents import AGENT, LineContents
from hil.plant.line import LiquidLine
from protocol.codes import CHANNEL_AGENT, CHANNEL_COUNTER_AGENT, CHANNEL_FLUSH

RELAXED_S = 100.0
ROUNDING_NL = 1e-3


def flushed() -> Contents:
    contents = Contents()
    contents.clear()
    return contents


class Truth:
    """The plant's line; each push ends with the line relaxed, as after settling."""

    def __init__(self) -> None:
        self.line = LiquidLine(200.0, 0.002, 0.0002, 0.005, 0.02, 0.2)
        self.contents = LineContents(self.line, 3, 6000.0, 2000.0, 3000.0)

    def push(self, channel: int, volume_nl: float, to_patient: bool) -> float:
        before_nl = self.contents.tip[AGENT]
        self.line.open_to_patient(to_patient)
        self.line.inject(volume_nl)
        self.contents.displaced(channel, volume_nl)
        self.line.relax(RELAXED_S)
        return self.contents.tip[AGENT] - before_nl

    @property
    def agent_nl(self) -> float:
        return self.contents.in_line()[AGENT]


def test_nothing_known_means_that_everything_may_be_agent():
    contents = Contents()
    assert contents.agent_in_line_nl == LINE_NL
    assert contents.leaving(CHANNEL_FLUSH, 2_000) == 2_000
    assert contents.leaving(CHANNEL_FLUSH, 20_000) == LINE_NL


@pytest.mark.req("DOSE-13")
def test_flush_that_pushes_agent_into_the_patient_counts_as_agent():
    contents = flushed()
    contents.push(CHANNEL_AGENT, LINE_NL, LINE_NL, True)
    assert contents.push(CHANNEL_FLUSH, 5_000, 5_000, True) == 5_000
    assert contents.agent_in_line_nl == LINE_NL - 5_000


def test_agent_reaches_the_tip_only_when_the_line_is_full_of_it():
    contents = flushed()
    assert contents.push(CHANNEL_AGENT, LINE_NL, LINE_NL, True) == 0
    assert contents.push(CHANNEL_AGENT, 100, 100, True) == 100


@pytest.mark.req("RESCUE-2")
def test_what_stands_behind_the_valve_is_told_by_its_farthest_end():
    contents = Contents()
    assert contents.behind_valve_nl == LINE_NL - PATIENT_LINE_NL
    contents.push(CHANNEL_FLUSH, 5_000, 5_000, False)
    assert contents.behind_valve_nl == LINE_NL - PATIENT_LINE_NL - 5_000
    contents.push(CHANNEL_FLUSH, 3_000, 3_000, False)
    assert contents.agent_in_line_nl == PATIENT_LINE_NL
    assert contents.behind_valve_nl == 0


def test_agent_in_the_patient_line_stays_there_while_the_rest_is_purged():
    contents = Contents()
    contents.push(CHANNEL_FLUSH, LINE_NL, LINE_NL + 1_000, False)
    assert contents.agent_in_line_nl == PATIENT_LINE_NL
    assert contents.leaving(CHANNEL_FLUSH, 10_000) == PATIENT_LINE_NL


def test_a_line_is_free_of_agent_when_surely_all_of_it_was_pushed_out():
    contents = Contents()
    contents.push(CHANNEL_FLUSH, LINE_NL - 1, LINE_NL + 500, True)
    assert contents.agent_in_line_nl == 1
    contents.push(CHANNEL_COUNTER_AGENT, 1, 500, True)
    assert contents.agent_in_line_nl == 0


def test_what_is_not_known_to_have_moved_is_counted_where_it_was_and_where_it_may_be():
    contents = flushed()
    contents.push(CHANNEL_AGENT, 1_000, 1_000, True)
    contents.push(CHANNEL_FLUSH, 0, 2_000, True)
    assert contents.agent_in_line_nl == 3_000


def test_more_plugs_than_are_kept_are_merged_over_the_smallest_gap_which_then_counts_as_agent():
    contents = flushed()
    for _ in range(MAX_PLUGS):
        contents.push(CHANNEL_AGENT, 100, 100, True)
        contents.push(CHANNEL_FLUSH, 200, 200, True)
    contents.push(CHANNEL_AGENT, 100, 100, True)
    contents.push(CHANNEL_FLUSH, 50, 50, True)
    contents.push(CHANNEL_AGENT, 100, 100, True)
    agent_nl = 100 * (MAX_PLUGS + 2)
    assert contents.agent_in_line_nl == agent_nl + 50 + 200


@pytest.mark.parametrize(
    "plugs", [[(0, LINE_NL + 1)], [(500, 500)], [(600, 500)], [(0, 500), (500, 900)], [(2_000, 3_000), (0, 100)]]
)
def test_plugs_that_overlap_touch_or_stand_outside_the_line_are_not_believed(plugs):
    octets = bytes([len(plugs)]) + b"".join(end.to_bytes(2, "little") for plug in plugs for end in plug)
    contents = flushed()
    assert not contents.unpack(octets.ljust(PACKED_OCTETS, b"\0"))
    assert contents.agent_in_line_nl == LINE_NL


# A push: channel, true volume, least as a share of it, most likewise, to the patient.
pushes = st.lists(
    st.tuples(st.integers(0, 2), st.floats(0, 15_000), st.floats(0, 1), st.floats(1, 1.3), st.booleans()), max_size=30
)


@pytest.mark.req("DOSE-13")
@given(pushes)
def test_neither_agent_to_the_patient_nor_agent_in_the_line_is_ever_told_below_the_truth(pushes):
    truth = Truth()
    contents = flushed()
    for channel, volume_nl, least, most, to_patient in pushes:
        most_nl = int(volume_nl * most) + 1
        foreseen_nl = contents.leaving(channel, most_nl) if to_patient else 0
        told_nl = contents.push(channel, int(volume_nl * least), most_nl, to_patient)
        true_nl = truth.push(channel, volume_nl, to_patient)
        assert told_nl >= true_nl - ROUNDING_NL
        assert told_nl == foreseen_nl
        assert contents.agent_in_line_nl >= truth.agent_nl - ROUNDING_NL


@given(pushes)
def test_what_exact_volumes_tell_is_the_truth(pushes):
    truth = Truth()
    contents = flushed()
    for channel, volume, _, _, to_patient in pushes[: MAX_PLUGS - 1]:
        volume_nl = int(volume)
        told_nl = contents.push(channel, volume_nl, volume_nl, to_patient)
        assert told_nl == pytest.approx(truth.push(channel, volume_nl, to_patient), abs=0.1)
        assert contents.agent_in_line_nl == pytest.approx(truth.agent_nl, abs=0.1)


@given(pushes)
def test_never_more_agent_is_told_than_the_line_holds_or_than_left_it(pushes):
    contents = Contents()
    for channel, volume_nl, least, most, to_patient in pushes:
        most_nl = int(volume_nl * most) + 1
        assert 0 <= contents.push(channel, int(volume_nl * least), most_nl, to_patient) <= most_nl
        assert 0 <= contents.agent_in_line_nl <= LINE_NL


@given(pushes)
def test_what_was_packed_is_unpacked_unchanged(pushes):
    contents = flushed()
    for channel, volume_nl, least, most, to_patient in pushes:
        contents.push(channel, int(volume_nl * least), int(volume_nl * most) + 1, to_patient)
    packed = contents.pack()
    assert len(packed) == PACKED_OCTETS <= 48
    other = Contents()
    assert other.unpack(packed)
    assert other.pack() == packed
    for volume_nl in range(0, 12_000, 500):
        assert other.leaving(CHANNEL_FLUSH, volume_nl) == contents.leaving(CHANNEL_FLUSH, volume_nl)


@given(st.one_of(st.none(), st.binary(max_size=60)))
def test_octets_that_no_line_has_packed_leave_everything_unknown(octets):
    contents = flushed()
    if contents.unpack(octets):
        assert octets is not None
        assert contents.pack()[: 1 + 4 * octets[0]] == octets[: 1 + 4 * octets[0]]
    else:
        assert contents.agent_in_line_nl == LINE_NL
