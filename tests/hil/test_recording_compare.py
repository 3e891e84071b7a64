"""Two recordings side by side."""

from dataclasses import replace

import pytest

from hil.compare import first_difference, likeness, orders_ns
from hil.recorder import TO_HOST, EdgeRun, RecordedFrame
from hil.recording import Recording
from tests.hil.two_doses import recorded

MS = 1_000_000


@pytest.fixture(scope="module")
def recording():
    return recorded()


def changed(recording, **lists):
    parts = {name: getattr(recording, name) for name in ("edges", "frames", "octets", "acts", "levels", "samples")}
    return Recording(recording.header, **{**parts, **lists})


def test_a_recording_is_like_itself(recording):
    assert first_difference(recording, recording) is None
    like = likeness(recording, recording)
    assert like.same
    assert (like.orders, like.worst_ns) == (2, 0)


def test_one_edge_later_is_found(recording):
    first, *rest = recording.edges
    later = [
        EdgeRun(first.channel, first.first_ns, first.period_ns, first.count - 1),
        EdgeRun(first.channel, first.last_ns + 1, 0, 1),
    ]
    difference = first_difference(recording, changed(recording, edges=[*later, *rest]))
    assert difference.what == f"edge {first.count} of channel {first.channel}"
    assert difference.at_ns == first.last_ns


def test_runs_that_are_cut_otherwise_are_the_same_edges(recording):
    first, *rest = recording.edges
    apart = [
        EdgeRun(first.channel, first.first_ns, first.period_ns, 3),
        EdgeRun(first.channel, first.first_ns + 3 * first.period_ns, first.period_ns, first.count - 3),
    ]
    assert first_difference(recording, changed(recording, edges=[*apart, *rest])) is None


def test_a_missing_edge_is_found(recording):
    *most, last = recording.edges
    short = [*most, EdgeRun(last.channel, last.first_ns, last.period_ns, last.count - 1)]
    difference = first_difference(recording, changed(recording, edges=short))
    assert difference.found == "none"


def test_a_changed_frame_is_found_and_named(recording):
    frames = list(recording.frames)
    at = next(number for number, frame in enumerate(frames) if frame.direction == TO_HOST and number > 3)
    frames[at] = RecordedFrame(frames[at].now_ns, TO_HOST, b"x\0")
    difference = first_difference(recording, changed(recording, frames=frames))
    assert difference.what == f"frame {at + 1}"
    assert "no frame" in difference.found


def test_what_comes_first_is_told(recording):
    frames = [*recording.frames[:-1], replace(recording.frames[-1], data=b"x\0")]
    difference = first_difference(recording, changed(recording, frames=frames, edges=recording.edges[1:]))
    assert difference.what.startswith("edge 1 ")


def test_orders_are_found_once_each(recording):
    assert len(orders_ns(recording)) == 2


@pytest.mark.parametrize(("shift_ms", "same"), [(9, True), (11, False)])
def test_steps_may_lie_one_tick_apart(recording, shift_ms, same):
    shifted = [replace(run, first_ns=run.first_ns + shift_ms * MS) for run in recording.edges]
    like = likeness(recording, changed(recording, edges=shifted))
    assert like.same is same
    assert like.worst_ns == shift_ms * MS


def test_a_dose_that_goes_on_for_longer_is_other_steps(recording):
    steady = max(recording.edges, key=lambda run: run.count)
    ends_ns = max(run.first_ns + run.period_ns * (run.count - 1) for run in recording.edges)
    more = replace(steady, first_ns=ends_ns + steady.period_ns, count=round(20 * MS / steady.period_ns))
    assert not likeness(recording, changed(recording, edges=[*recording.edges, more])).same


def test_no_edge_at_all_is_other_steps(recording):
    assert not likeness(recording, changed(recording, edges=[])).same


def test_another_number_of_orders_is_told(recording):
    like = likeness(recording, changed(recording, frames=[]))
    assert like.difference.expected == "2 dose orders"
