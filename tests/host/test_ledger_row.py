"""What one row is: its time tells when the clock went back."""

from hypothesis import given
from hypothesis import strategies as st

from host.canonical import canonical_json, row_hash
from host.ledger_row import HOST_CLOCK, SET_BACK, End, next_row, utc_text

YEAR_NS = 31_536_000_000_000_000
TIMES_NS = st.integers(YEAR_NS, 200 * YEAR_NS)


@given(TIMES_NS, TIMES_NS)
def test_times_as_text_sort_as_times(one: int, other: int) -> None:
    assert (utc_text(one) < utc_text(other)) == (one // 1000 < other // 1000)


@given(st.lists(TIMES_NS, min_size=1, max_size=20))
def test_time_never_runs_backwards_unmarked(times_ns: list[int]) -> None:
    end = End()
    for now_ns in times_ns:
        row, _ = next_row("note", {"text": ""}, end, now_ns)
        assert row.fields["utc_source"] == (SET_BACK if row.fields["utc"] < end.utc else HOST_CLOCK)
        end = End(row.sequence, row.hash, row.fields["utc"])


def test_a_clock_a_year_back_and_forth_is_marked_once() -> None:
    end, sources = End(), []
    for now_ns in (50 * YEAR_NS, 51 * YEAR_NS, 50 * YEAR_NS, 50 * YEAR_NS + 1_000, 51 * YEAR_NS):
        row, _ = next_row("note", {}, end, now_ns)
        end = End(row.sequence, row.hash, row.fields["utc"])
        sources.append(row.fields["utc_source"])
    assert sources == [HOST_CLOCK, HOST_CLOCK, SET_BACK, HOST_CLOCK, HOST_CLOCK]


def test_a_row_is_chained_to_the_end_it_follows() -> None:
    row, body = next_row("note", {"text": "µ"}, End(7, "ab" * 32, ""), 0)
    assert row.sequence == 8
    assert body == canonical_json(row.fields)
    assert row.hash == row_hash(8, "ab" * 32, body)
