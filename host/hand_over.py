"""Hands the newest head of a ledger to a witness, without ever keeping the ledger waiting.

One slot, not a queue: a head binds every row before it, so a newer one takes the place of one that was not handed yet.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from host.errors import RigError
from host.ledger_heads import Head, SignedHead, sign
from host.ledger_row import End
from host.witness import Witness

_LOG = logging.getLogger(__name__)

# How long the end of a ledger waits for a witness that is slow; the head is then handed over the next time.
CLOSE_S: Final = 2.0
MS_IN_NS: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class HandOverLimits:
    """How far a witness may lag: rows, ms since the first of them, and ms until a failed attempt is repeated."""

    rows: int = 16
    wait_ms: int = 60_000
    retry_ms: int = 10_000


@dataclass(frozen=True, slots=True)
class Lag:
    """What a witness has not been told yet. Times are ms of one clock that never runs backwards."""

    limits: HandOverLimits
    known: int = 0  # rows of the newest head
    kept: int = 0  # rows of the newest head that the witness keeps
    since_ms: int = 0  # when the first row after that came
    not_before_ms: int = 0  # after a failure

    def grown(self, rows: int, now_ms: int) -> "Lag":
        """Return the lag when the ledger has ``rows`` rows."""
        return replace(self, known=rows, since_ms=self.since_ms if self.known > self.kept else now_ms)

    def done(self, rows: int, now_ms: int) -> "Lag":
        """Return the lag when the witness keeps the head of ``rows`` rows."""
        return replace(self, kept=rows, since_ms=now_ms, not_before_ms=0)

    def failed(self, now_ms: int) -> "Lag":
        """Return the lag when the witness did not take the head."""
        return replace(self, not_before_ms=now_ms + self.limits.retry_ms)

    def wait_ms(self, now_ms: int) -> int | None:
        """Return in how many ms a head is due: 0 for now, None while there is nothing to tell."""
        waiting = self.known - self.kept
        if waiting <= 0:
            return None
        due_ms = now_ms if waiting >= self.limits.rows else self.since_ms + self.limits.wait_ms
        return max(0, due_ms - now_ms, self.not_before_ms - now_ms)


@dataclass(frozen=True, slots=True)
class WitnessReport:
    """What a witness keeps: its rows of ``known`` rows, the attempts that failed, and what the last one said."""

    name: str
    known_rows: int
    kept_rows: int
    failures: int
    error: str


class HandOver:
    """One witness of one ledger, and the thread that tells it."""

    def __init__(self, witness: Witness, signed: Callable[[Head], SignedHead], limits: HandOverLimits) -> None:
        self._witness = witness
        self._signed = signed
        self._changed = threading.Condition()
        self._lag = Lag(limits)
        self._head: Head | None = None
        self._closing = False
        self._gave_up = False
        self._failures = 0
        self._error = ""
        # A daemon: a witness that hangs does not hold up the end of the program.
        self._thread = threading.Thread(target=self._run, name="witness", daemon=True)
        self._thread.start()

    def tell(self, head: Head) -> None:
        """Take the newest head; returns at once."""
        with self._changed:
            self._head = head
            self._lag = self._lag.grown(head.rows, _now_ms())
            self._changed.notify()

    def report(self) -> WitnessReport:
        """Return how far the witness is."""
        with self._changed:
            return WitnessReport(self._witness.name, self._lag.known, self._lag.kept, self._failures, self._error)

    def end(self) -> None:
        """Ask for one last attempt; returns at once."""
        with self._changed:
            self._closing = True
            self._changed.notify()

    def close(self) -> None:
        """Hand over what is left, once and for no longer than ``CLOSE_S``; idempotent."""
        self.end()
        self._thread.join(CLOSE_S)
        report = self.report()
        if report.kept_rows < report.known_rows:
            _LOG.warning(
                "%s keeps a head of %d rows, the ledger has %d; the rest is handed over with the next head",
                report.name,
                report.kept_rows,
                report.known_rows,
            )

    def _run(self) -> None:
        while (head := self._next()) is not None:
            try:
                self._witness.keep(self._signed(head))
            except (RigError, OSError) as error:
                self._note_failure(error)
            else:
                self._note_kept(head)

    def _next(self) -> Head | None:
        """Wait for a head that is due; None at the end."""
        with self._changed:
            while True:
                wait_ms = self._lag.wait_ms(_now_ms())
                if self._closing and (wait_ms is None or self._gave_up):
                    return None
                if wait_ms is not None and (self._closing or wait_ms == 0):
                    return self._head
                self._changed.wait(None if wait_ms is None else wait_ms / 1000)

    def _note_failure(self, error: Exception) -> None:
        with self._changed:
            self._failures += 1
            self._error = str(error)
            self._lag = self._lag.failed(_now_ms())
            self._gave_up = self._closing
        if not self._gave_up:
            _LOG.warning("%s did not take a head of the ledger: %s", self._witness.name, error)

    def _note_kept(self, head: Head) -> None:
        with self._changed:
            self._error = ""
            self._lag = self._lag.done(head.rows, _now_ms())


class HandOvers:
    """The witnesses of one ledger: each has a thread of its own, so that one that hangs does not hold up another."""

    def __init__(
        self, ledger: str, key: Ed25519PrivateKey, witnesses: Sequence[Witness], limits: HandOverLimits
    ) -> None:
        self._ledger = ledger
        self._all = [HandOver(witness, lambda head: sign(head, key), limits) for witness in witnesses]

    def tell(self, end: End) -> None:
        """Take the new end of the ledger; returns at once."""
        head = Head(self._ledger, end.rows, end.hash, end.utc)
        for each in self._all:
            each.tell(head)

    def report(self) -> list[WitnessReport]:
        """Return how far each witness is."""
        return [each.report() for each in self._all]

    def close(self) -> None:
        """Hand over what is left; waits no longer than ``CLOSE_S`` for each."""
        for each in self._all:
            each.end()
        for each in self._all:
            each.close()


def _now_ms() -> int:
    return time.monotonic_ns() // MS_IN_NS
