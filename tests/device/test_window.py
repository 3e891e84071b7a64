import pytest
from hypothesis import given
from hypothesis import strategies as st

from device import limits
from device.window import Window
from protocol import codes

WRAP = 1 << 30
MAX_MS = limits.MAX_WINDOW_S * 1000
BUCKET_MS = MAX_MS // 63 + 1


def exact(history, now_ms, window_ms):
    """What ended within the window, by the whole history; times do not wrap."""
    return sum(volume_nl for ended_ms, volume_nl in history if now_ms - ended_ms <= window_ms)


def test_a_new_window_is_empty():
    assert Window().in_window(0, 600) == 0


def test_what_ended_within_the_window_counts_in_full():
    window = Window()
    window.add(1_000, 300)
    window.add(400_000, 50)
    assert window.in_window(601_000, 600) == 350
    assert window.in_window(601_001 + BUCKET_MS, 600) == 50


def test_what_is_older_than_the_longest_window_and_a_bucket_is_forgotten():
    window = Window()
    window.add(1_000, 300)
    assert window.in_window(1_000 + MAX_MS, limits.MAX_WINDOW_S) == 300
    assert window.in_window(1_001 + MAX_MS + BUCKET_MS, limits.MAX_WINDOW_S) == 0


@pytest.mark.parametrize("into_ms", [0, 1, BUCKET_MS // 2, BUCKET_MS - 2, BUCKET_MS - 1])
def test_what_ended_anywhere_in_a_bucket_counts_to_the_end_of_the_longest_window(into_ms):
    window = Window()
    window.add(0, 0)
    window.add(into_ms, 300)
    assert window.in_window(into_ms + MAX_MS, limits.MAX_WINDOW_S) == 300


def test_the_window_holds_across_the_wrap_of_the_clock():
    window = Window()
    window.add(WRAP - 100_000, 300)
    assert window.in_window(100_000, 600) == 300
    assert window.in_window(500_001 + BUCKET_MS, 600) == 0


@pytest.mark.req("DOSE-9")
def test_what_earlier_boots_kept_counts_as_if_it_had_just_been_given():
    before, after = Window(), Window()
    before.add(0, 700)
    after.age_zero(before.held_nl(MAX_MS // 2), 40)
    assert after.in_window(40 + MAX_MS, limits.MAX_WINDOW_S) == 700


def test_a_window_longer_than_what_is_kept_is_not_known():
    assert Window().in_window(0, limits.MAX_WINDOW_S + 1) == codes.UNKNOWN_NL


def test_a_long_rest_empties_it_and_a_rest_of_days_never_too_early():
    window = Window()
    window.add(0, 300)
    assert window.in_window(5 * 24 * 3_600_000, 600) == 0
    window = Window()
    window.add(0, 300)
    # Half way round the clock before and after look alike.
    assert window.in_window(1 << 29, 600) == 300


first_moments = st.one_of(st.integers(0, WRAP - 1), st.integers(WRAP - 3_000_000, WRAP - 1))
histories = st.lists(st.tuples(st.integers(0, 400_000), st.integers(0, 100_000)), max_size=60)


@pytest.mark.req("DOSE-5")
@given(histories, first_moments, st.integers(1, limits.MAX_WINDOW_S), st.integers(0, 3_000_000))
def test_it_never_counts_too_little_and_forgets_at_most_one_bucket_late(gaps, first_ms, window_s, rest_ms):
    window = Window()
    history = []
    now_ms = first_ms
    for gap_ms, volume_nl in gaps:
        now_ms += gap_ms
        window.add(now_ms % WRAP, volume_nl)
        history.append((now_ms, volume_nl))
        counted = window.in_window(now_ms % WRAP, window_s)
        assert exact(history, now_ms, window_s * 1000) <= counted
        assert counted <= exact(history, now_ms, window_s * 1000 + BUCKET_MS)
    now_ms += rest_ms
    counted = window.in_window(now_ms % WRAP, window_s)
    assert exact(history, now_ms, window_s * 1000) <= counted
    assert counted <= exact(history, now_ms, window_s * 1000 + BUCKET_MS)


@given(histories, st.integers(1, limits.MAX_WINDOW_S - 1))
def test_a_longer_window_never_counts_less(gaps, window_s):
    window = Window()
    now_ms = 0
    for gap_ms, volume_nl in gaps:
        now_ms += gap_ms
        window.add(now_ms, volume_nl)
    assert window.in_window(now_ms, window_s) <= window.in_window(now_ms, window_s + 1) <= window.held_nl(now_ms)


@given(histories, st.lists(st.integers(0, 3_000_000), max_size=20))
def test_asking_changes_nothing(gaps, questions):
    asked, silent = Window(), Window()
    now_ms = 0
    for gap_ms, volume_nl in gaps:
        now_ms += gap_ms
        asked.add(now_ms, volume_nl)
        silent.add(now_ms, volume_nl)
    for wait_ms in questions:
        now_ms += wait_ms
        asked.in_window(now_ms, 600)
    assert asked.held_nl(now_ms) == silent.held_nl(now_ms)


@pytest.mark.req("DOSE-5")
def test_a_running_flow_counts_to_its_end_or_to_the_end_of_a_window():
    window = Window()
    window.add(0, 7)
    assert window.project(0, 600, 1_000, 25_000) == 7 + 25_000
    assert window.project(0, 600, 50, 100_000) == 7 + limits.most_of(30_000)
    assert window.project(0, 600, 50, codes.UNKNOWN_NL) == 7 + limits.most_of(30_000)
    assert window.project(0, 600, 0, 0) == 7


@pytest.mark.req("DOSE-5")
def test_the_published_overdose_is_refused_at_its_third_bolus():
    """Open PCA Pump: limit 26.5 mL in 240 min, 0.1 mL/min from t = 60 min, 1 mL at t = 100, 140 and 180 min."""
    limit_nl, window_s = 26_500_000, 240 * 60
    basal_nl_s = -(-100_000 // 60)
    window = Window(window_s)
    accepted = []
    for minute in (100, 140, 180):
        now_ms = minute * 60_000
        bolus_nl = limits.most_of(1_000_000)
        if window.project(now_ms, window_s, basal_nl_s, codes.UNKNOWN_NL) + bolus_nl <= limit_nl:
            window.add(now_ms, bolus_nl)
            accepted.append(minute)
    assert accepted == [100, 140]


@pytest.mark.req("DOSE-5")
@given(
    st.integers(50, 20_000),
    st.integers(60, 2_560),
    st.integers(0, 5_000_000),
    st.integers(100, 100_000),
    st.integers(0, 5_000_000),
)
def test_no_window_that_ends_later_holds_more_of_a_running_flow_than_was_projected(
    rate_nl_s, window_s, begun_ms_ago, asked_nl, later_ms
):
    """Of a flow at one rate, the part that any window sees, whenever it ends."""
    lasts_ms = asked_nl * 1000 / rate_nl_s
    begin_ms = -begun_ms_ago
    from_ms = max(begin_ms, later_ms - window_s * 1000)
    to_ms = min(begin_ms + lasts_ms, later_ms)
    seen_nl = max(0.0, to_ms - from_ms) * rate_nl_s / 1000
    assert seen_nl <= Window().project(0, window_s, rate_nl_s, limits.most_of(asked_nl))
