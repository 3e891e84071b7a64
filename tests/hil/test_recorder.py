"""The recorder."""

from hypothesis import given
from hypothesis import strategies as st

from hil.recorder import TO_DEVICE, TO_HOST, Recorder


def test_runs_that_continue_each_other_become_one():
    recorder = Recorder()
    recorder.step_edges(2, 100, 10, 3)
    recorder.step_edges(2, 130, 10, 2)
    recorder.step_edges(2, 150, 0, 1)
    assert [(run.first_ns, run.period_ns, run.count) for run in recorder.edges] == [(100, 10, 6)]
    assert recorder.edges[0].last_ns == 150


def test_another_spacing_begins_another_run():
    recorder = Recorder()
    recorder.step_edges(2, 100, 10, 3)
    recorder.step_edges(2, 140, 10, 3)
    assert [(run.first_ns, run.period_ns, run.count) for run in recorder.edges] == [(100, 10, 3), (140, 10, 3)]


def test_channels_are_counted_apart():
    recorder = Recorder()
    recorder.step_edges(0, 100, 10, 3)
    recorder.step_edges(1, 105, 10, 5)
    assert (recorder.edge_count(0), recorder.edge_count(1), recorder.edge_count(2)) == (3, 5, 0)
    assert (recorder.last_edge_ns(0), recorder.last_edge_ns(1), recorder.last_edge_ns(2)) == (120, 145, None)
    assert recorder.last_edge_ns() == 145
    assert recorder.edge_times(0) == [100, 110, 120]


@given(st.lists(st.tuples(st.integers(1, 3), st.integers(1, 3)), max_size=30), st.data())
def test_the_runs_do_not_depend_on_how_edges_were_handed_over(groups, data):
    single, grouped = Recorder(), Recorder()
    now_ns = 0
    for period_ns, count in groups:
        first_ns = now_ns + data.draw(st.integers(1, 3))
        grouped.step_edges(0, first_ns, period_ns, count)
        for number in range(count):
            now_ns = first_ns + number * period_ns
            single.step_edges(0, now_ns, 0, 1)
    assert grouped.edge_times(0) == single.edge_times(0)
    assert grouped.digest() == single.digest()


def test_octets_become_frames_at_their_delimiter():
    recorder = Recorder()
    recorder.frame(TO_HOST, 10, b"ab")
    recorder.frame(TO_HOST, 20, b"c\0de\0f")
    recorder.frame(TO_DEVICE, 25, b"x\0")
    assert [(frame.now_ns, frame.direction, frame.data) for frame in recorder.frames] == [
        (20, TO_HOST, b"abc\0"),
        (20, TO_HOST, b"de\0"),
        (25, TO_DEVICE, b"x\0"),
    ]


def test_empty_frames_are_nothing():
    recorder = Recorder()
    recorder.frame(TO_DEVICE, 1, b"\0\0a\0")
    assert [frame.data for frame in recorder.frames] == [b"a\0"]


def test_octets_without_a_delimiter_do_not_pile_up():
    recorder = Recorder()
    for now_ns in range(100):
        recorder.frame(TO_HOST, now_ns, b"x" * 100)
    assert sum(len(frame.data) for frame in recorder.frames) == 8192


def test_the_digest_tells_every_difference():
    digests = set()
    for edge_ns, frame_ns, data in [(1, 1, b"a\0"), (2, 1, b"a\0"), (1, 2, b"a\0"), (1, 1, b"b\0")]:
        recorder = Recorder()
        recorder.step_edges(0, edge_ns, 0, 1)
        recorder.frame(TO_HOST, frame_ns, data)
        digests.add(recorder.digest())
    assert len(digests) == 4
