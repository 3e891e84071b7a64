"""The database of telemetry: what is old gets coarser, and no sample is in two stretches."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host.errors import RigError
from host.telemetry_database import MINUTE_MS, SECOND_MS, Retention, fold_old, open_telemetry, read, rigs, store
from host.telemetry_stretch import sample
from tests.host.ledgers import fill
from tests.host.test_telemetry_stretch import told

RETENTION = Retention(raw_ms=10_000, second_ms=120_000, minute_ms=600_000)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    with closing(open_telemetry(tmp_path / "telemetry.sqlite3", RETENTION)) as database:
        yield database


def put(database: sqlite3.Connection, times_ms: range, rig: str = "r1") -> None:
    store(database, [sample(rig, utc_ms, told(utc_ms, pressure_pa=utc_ms)) for utc_ms in times_ms])


def widths(database: sqlite3.Connection, rig: str = "r1") -> dict[int, tuple[int, int]]:
    """Return by width how many stretches there are, and how many samples they are of."""
    found: dict[int, tuple[int, int]] = {}
    for each in read(database, rig, 0, 1 << 50):
        rows, samples = found.get(each.width_ms, (0, 0))
        found[each.width_ms] = rows + 1, samples + each.samples
    return found


def test_samples_come_back_as_they_were_put(database: sqlite3.Connection) -> None:
    put(database, range(0, 1_000, 50))
    put(database, range(0, 1_000, 50), "r2")
    found = list(read(database, "r1", 100, 200))
    assert found == [sample("r1", utc_ms, told(utc_ms, pressure_pa=utc_ms)) for utc_ms in (100, 150)]
    assert rigs(database) == ["r1", "r2"]


def test_two_samples_of_one_ms_are_both_counted(database: sqlite3.Connection) -> None:
    put(database, range(5, 6))
    put(database, range(5, 6))
    assert [each.samples for each in read(database, "r1", 0, 10)] == [2]


def test_old_samples_become_seconds_and_then_minutes_and_then_nothing(database: sqlite3.Connection) -> None:
    put(database, range(0, 60_000, 100))
    while fold_old(database, RETENTION, 60_000):
        pass
    assert widths(database) == {0: (100, 100), SECOND_MS: (50, 500)}
    while fold_old(database, RETENTION, 240_000):
        pass
    assert widths(database) == {MINUTE_MS: (1, 600)}
    while fold_old(database, RETENTION, 660_001):
        pass
    assert widths(database) == {}


def test_a_sample_that_comes_late_joins_the_stretch_that_is_there(database: sqlite3.Connection) -> None:
    put(database, range(0, 1_000, 100))
    fold_old(database, RETENTION, 20_000)
    put(database, range(50, 1_000, 100))
    fold_old(database, RETENTION, 20_000)
    assert widths(database) == {SECOND_MS: (1, 20)}


@given(st.lists(st.integers(0, 700_000), max_size=30))
def test_no_sample_is_lost_or_doubled_however_often_it_is_folded(nows_ms: list[int]) -> None:
    keep = Retention(raw_ms=10_000, second_ms=120_000, minute_ms=1 << 40)
    with TemporaryDirectory() as folder, closing(open_telemetry(Path(folder) / "t", keep)) as database:
        put(database, range(0, 200_000, 1_500))
        for now_ms in nows_ms:
            fold_old(database, keep, now_ms)
            assert sum(samples for _, samples in widths(database).values()) == len(range(0, 200_000, 1_500))


def test_a_file_of_another_kind_is_left_as_it_is(tmp_path: Path) -> None:
    fill(tmp_path / "ledger", 1)
    before = (tmp_path / "ledger").read_bytes()
    with pytest.raises(RigError) as caught:
        open_telemetry(tmp_path / "ledger", RETENTION)
    assert caught.value.code == "telemetry_failed"
    assert (tmp_path / "ledger").read_bytes() == before


def test_the_file_takes_no_more_than_it_may(tmp_path: Path) -> None:
    small = Retention(max_octets=256 * 1024)
    with closing(open_telemetry(tmp_path / "t", small)) as database:
        with pytest.raises(sqlite3.OperationalError, match="full"):
            put(database, range(100_000))
        put(database, range(10))
        assert len(list(read(database, "r1", 0, 100))) == 10
    assert (tmp_path / "t").stat().st_size <= small.max_octets
