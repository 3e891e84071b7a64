"""Heads are handed over within the limits, and nobody waits for a witness."""

import threading

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from host import hand_over
from host.hand_over import HandOverLimits, HandOvers, Lag
from host.ledger_heads import SignedHead, genuine
from host.ledger_row import End
from tests.host.ledgers import EACH_ROW, KeptHeads

pytestmark = pytest.mark.req("LEDGER-4")

KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))
LIMITS = HandOverLimits(rows=16, wait_ms=60_000, retry_ms=10_000)
BOUND_S = 20.0


def over(witness: KeptHeads, limits: HandOverLimits = EACH_ROW) -> HandOvers:
    return HandOvers("ledger", KEY, [witness], limits)


def test_a_head_is_due_after_so_many_rows() -> None:
    lag = Lag(LIMITS).grown(1, 0).done(1, 0)
    assert lag.wait_ms(0) is None
    assert lag.grown(16, 5).wait_ms(5) == 60_000
    assert lag.grown(17, 5).wait_ms(5) == 0


def test_a_head_is_due_so_long_after_the_first_row_it_is_wanted_for() -> None:
    lag = Lag(LIMITS).done(3, 0).grown(4, 1_000).grown(5, 50_000)
    assert lag.wait_ms(50_000) == 11_000
    assert lag.wait_ms(70_000) == 0


def test_a_failed_attempt_is_repeated_after_a_while() -> None:
    lag = Lag(LIMITS).grown(20, 0).failed(100)
    assert lag.wait_ms(100) == 10_000
    assert lag.grown(40, 200).wait_ms(200) == 9_900
    assert lag.wait_ms(10_100) == 0


@given(st.lists(st.tuples(st.sampled_from(["row", "done", "failed"]), st.integers(0, 100_000)), max_size=40))
def test_no_row_waits_longer_than_the_limits_and_nothing_due_is_forgotten(events: list[tuple[str, int]]) -> None:
    lag, now_ms, rows = Lag(LIMITS), 0, 0
    for event, later_ms in events:
        now_ms += later_ms
        if event == "row":
            rows += 1
            lag = lag.grown(rows, now_ms)
        else:
            lag = lag.done(rows, now_ms) if event == "done" else lag.failed(now_ms)
        wait_ms = lag.wait_ms(now_ms)
        assert (wait_ms is None) == (lag.kept >= rows)
        assert wait_ms is None or 0 <= wait_ms <= LIMITS.wait_ms


def test_what_is_left_is_handed_over_at_the_end() -> None:
    witness = KeptHeads()
    hand_overs = over(witness, HandOverLimits(rows=1_000))
    for rows in (1, 2, 3):
        hand_overs.tell(End(rows, f"hash {rows}", "t"))
    hand_overs.close()
    assert [each.head.rows for each in witness.heads] == [3]
    assert genuine(witness.heads[0], KEY.public_key().public_bytes_raw().hex())
    assert hand_overs.report()[0].kept_rows == 3


def test_a_witness_that_is_away_is_told_of_and_asked_once_more_at_the_end(caplog: pytest.LogCaptureFixture) -> None:
    witness = KeptHeads()
    witness.failing = True
    hand_overs = over(witness)
    hand_overs.tell(End(1, "hash", "t"))
    hand_overs.close()
    report = hand_overs.report()[0]
    assert (report.known_rows, report.kept_rows, report.error) == (1, 0, "[Errno 5] the witness is away")
    assert report.failures == witness.attempts >= 1
    assert "keeps a head of 0 rows, the ledger has 1" in caplog.text


def test_a_witness_that_hangs_holds_up_neither_the_ledger_nor_another_witness(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hand_over, "CLOSE_S", 0.2)
    entered, gate = threading.Event(), threading.Event()

    class Hanging(KeptHeads):
        def keep(self, signed: SignedHead) -> None:
            entered.set()
            assert gate.wait(BOUND_S)

    hanging, good = Hanging(), KeptHeads()
    hand_overs = HandOvers("ledger", KEY, [hanging, good], EACH_ROW)
    try:
        hand_overs.tell(End(1, "hash 1", "t"))
        assert entered.wait(BOUND_S)
        for rows in range(2, 1_000):
            hand_overs.tell(End(rows, f"hash {rows}", "t"))
        hand_overs.close()
        assert good.heads[-1].head.rows == 999
        assert hand_overs.report()[0].kept_rows == 0
    finally:
        gate.set()
