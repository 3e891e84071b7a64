"""Plugs at the edges of the line, the valve and of how many are kept. A plug is (near, far), in nL before the tip."""

from itertools import pairwise

import pytest

from device.contents import LINE_NL, MAX_PLUGS, PACKED_OCTETS, PATIENT_LINE_NL, Contents
from protocol.codes import CHANNEL_AGENT, CHANNEL_FLUSH


def packed(plugs):
    octets = bytes([len(plugs)]) + b"".join(end.to_bytes(2, "little") for plug in plugs for end in plug)
    return octets.ljust(PACKED_OCTETS, b"\0")


def holding(*plugs):
    contents = Contents()
    assert contents.unpack(packed(plugs))
    return contents


def plugs_of(contents):
    octets = contents.pack()
    ends = [int.from_bytes(octets[at : at + 2], "little") for at in range(1, 1 + 4 * octets[0], 2)]
    return list(zip(ends[::2], ends[1::2], strict=True))


def row_of_plugs(gaps_nl, plug_nl=100, first_nl=500):
    """As many plugs as gaps and one more, with these gaps between them."""
    plugs = [(first_nl, first_nl + plug_nl)]
    for gap_nl in gaps_nl:
        near = plugs[-1][1] + gap_nl
        plugs.append((near, near + plug_nl))
    return plugs


def test_nothing_known_is_one_plug_that_fills_the_line():
    assert plugs_of(Contents()) == [(0, LINE_NL)]
    contents = holding((1_000, 2_000), (4_000, 5_000))
    contents.unknown()
    assert plugs_of(contents) == [(0, LINE_NL)]


def test_as_many_plugs_as_are_kept_come_back():
    plugs = row_of_plugs([500] * (MAX_PLUGS - 1))
    assert plugs_of(holding(*plugs)) == plugs


@pytest.mark.parametrize("channel", [CHANNEL_AGENT, CHANNEL_FLUSH])
def test_a_push_of_nothing_changes_nothing(channel):
    contents = holding((1_000, 2_000))
    assert contents.push(channel, 0, 0, True) == 0
    assert plugs_of(contents) == [(1_000, 2_000)]


def test_the_least_that_was_pushed_is_not_below_nothing():
    contents = holding((1_000, 2_000))
    contents.push(CHANNEL_FLUSH, -50, 100, True)
    assert plugs_of(contents) == [(900, 2_000)]


def test_on_the_way_to_waste_what_stands_in_the_patient_line_stays():
    contents = holding((0, 1_000), (2_500, PATIENT_LINE_NL), (4_000, 5_000))
    contents.push(CHANNEL_FLUSH, 10_000, 10_000, False)
    assert plugs_of(contents) == [(0, 1_000), (2_500, PATIENT_LINE_NL)]


def test_a_plug_across_the_valve_stays_one_plug():
    contents = holding((2_500, 4_000))
    contents.push(CHANNEL_FLUSH, 500, 500, False)
    assert plugs_of(contents) == [(2_500, 3_500)]


@pytest.mark.parametrize("least_nl", [1_000, 5_000])
def test_a_plug_at_the_valve_that_was_surely_pushed_out_leaves_nothing_behind(least_nl):
    contents = holding((PATIENT_LINE_NL, 4_000))
    contents.push(CHANNEL_FLUSH, least_nl, 5_000, False)
    assert plugs_of(contents) == []


@pytest.mark.parametrize("smallest", range(MAX_PLUGS))
def test_one_plug_too_many_joins_the_two_with_the_smallest_gap(smallest):
    gaps_nl = [700] * (MAX_PLUGS - 1)
    if smallest < len(gaps_nl):
        gaps_nl[smallest] = 50
    before = row_of_plugs(gaps_nl)
    pushed_nl = 10 if smallest < len(gaps_nl) else LINE_NL - before[-1][1] - 20
    contents = holding(*before)
    contents.push(CHANNEL_AGENT, pushed_nl, pushed_nl, True)
    plugs = [(max(0, near - pushed_nl), far - pushed_nl) for near, far in before if far > pushed_nl]
    plugs.append((LINE_NL - pushed_nl, LINE_NL))
    if len(plugs) > MAX_PLUGS:
        gaps = [later[0] - earlier[1] for earlier, later in pairwise(plugs)]
        at = gaps.index(min(gaps))
        plugs[at : at + 2] = [(plugs[at][0], plugs[at + 1][1])]
    assert plugs_of(contents) == plugs


def test_the_way_from_the_tip_to_the_first_plug_is_no_gap_between_two():
    before = row_of_plugs([500] * (MAX_PLUGS - 1), first_nl=15)
    contents = holding(*before)
    contents.push(CHANNEL_AGENT, 10, 10, True)
    assert plugs_of(contents)[0] == (5, before[1][1] - 10)
