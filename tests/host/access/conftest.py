"""Stores on a real disk, a clock of the test's own, and hashes that cost little."""

from pathlib import Path

import pytest
from argon2 import PasswordHasher

from host.access.clock import ForwardClock
from host.access.gate import Gate
from host.access.passwords import Passwords
from host.access.store import Store

PASSWORD = "vier Worte ohne Sinn"
START_MS = 1_790_000_000_000


class Hands:
    """Both clocks of a machine, moved by hand."""

    def __init__(self) -> None:
        self.utc_ms = START_MS
        self.monotonic_ms = 5_000

    def go_on(self, ms: int) -> None:
        """Let time pass."""
        self.utc_ms += ms
        self.monotonic_ms += ms

    def clock(self) -> ForwardClock:
        """Return a clock of these hands."""
        return ForwardClock(lambda: self.utc_ms, lambda: self.monotonic_ms)

    async def store(self, path: Path) -> Store:
        """Open a store by these hands."""
        return await Store.open(path, clock=self.clock())

    def gate(self, store: Store) -> Gate:
        """Make a gate by these hands, with cheap hashes."""
        return Gate(store, passwords=cheap(), monotonic_ms=lambda: self.monotonic_ms)


def cheap(time_cost: int = 1) -> Passwords:
    """Return hashes that take no time to speak of."""
    return Passwords(PasswordHasher(time_cost=time_cost, memory_cost=8, parallelism=1))


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "nanorig" / "access.sqlite3"
