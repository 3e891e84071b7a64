"""Sequence numbers: 1 to 65535 and round again, 0 left out."""

from hypothesis import given
from hypothesis import strategies as st

from protocol.link import LAST_SEQ, next_seq, seq_distance

seqs = st.integers(1, LAST_SEQ)


def test_after_the_last_number_comes_one():
    assert next_seq(LAST_SEQ) == 1
    assert next_seq(1) == 2


def test_the_count_visits_every_number_but_zero():
    seq = 1
    seen = set()
    while seq not in seen:
        seen.add(seq)
        seq = next_seq(seq)
    assert seen == set(range(1, LAST_SEQ + 1))


@given(seqs, st.integers(0, 300))
def test_distance_counts_steps_across_the_wrap(origin, steps):
    seq = origin
    for _ in range(steps):
        seq = next_seq(seq)
    assert seq_distance(seq, origin) == steps


@given(seqs, seqs)
def test_distances_there_and_back_make_a_whole_round(one, other):
    assert (seq_distance(one, other) + seq_distance(other, one)) % LAST_SEQ == 0
