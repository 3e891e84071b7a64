"""The telemetry store never keeps a caller waiting: full, damaged, slow or gone, it says so and goes on."""

import asyncio
import os
import resource
import signal
import sqlite3
import stat
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from host import telemetry_database, telemetry_store
from host.errors import RigError
from host.telemetry_database import Retention
from host.telemetry_store import MAX_POINTS, TelemetryStore
from host.telemetry_stretch import Stretch, sample
from tests.host.loops import real
from tests.host.test_telemetry_stretch import told

NOW_MS = 1_800_000_000_000


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telemetry_store, "BATCH_S", 0.01)


def opened(path: Path, *, max_queued: int = 1_000, retention: Retention | None = None) -> TelemetryStore:
    return TelemetryStore(path, retention, clock_ns=lambda: NOW_MS * 1_000_000, max_queued=max_queued, retry_s=0.01)


def samples(count: int, first_ms: int = NOW_MS) -> list[Stretch]:
    return [sample("r", first_ms + number, told(number, pressure_pa=number)) for number in range(count)]


async def until(condition: Callable[[], bool]) -> None:
    while not condition():
        await asyncio.sleep(0.005)


@real
async def test_samples_are_found_again_by_rig_and_time_in_any_resolution(tmp_path: Path) -> None:
    store = opened(tmp_path / "t")
    for each in samples(500):
        store.add(each)
    await until(lambda: store.report().written == 500)
    assert len(await store.query("r", NOW_MS + 10, NOW_MS + 20)) == 10
    coarse = await store.query("r", NOW_MS, NOW_MS + 500, 100)
    assert [each.samples for each in coarse] == [100] * 5
    assert coarse[1].as_dict()["pressure_pa_mean"] == 150
    assert await store.query("another", NOW_MS, NOW_MS + 500) == []
    await store.close()


@real
async def test_what_waits_is_written_at_the_end(tmp_path: Path) -> None:
    store = opened(tmp_path / "t")
    for each in samples(300):
        store.add(each)
    await store.close()
    await store.close()
    assert (store.report().written, store.report().queued, store.report().dropped) == (300, 0, 0)
    assert stat.S_IMODE((tmp_path / "t").stat().st_mode) == 0o600
    with pytest.raises(RigError, match="is closed"):
        await store.query("r", NOW_MS, NOW_MS + 1)


@real
async def test_old_samples_are_folded_by_the_way(tmp_path: Path) -> None:
    retention = Retention(raw_ms=60_000)
    store = opened(tmp_path / "t", retention=retention)
    for each in samples(200, NOW_MS - 3_600_000):
        store.add(each)
    await store.close()
    again = opened(tmp_path / "t", retention=retention)
    again.add(samples(1)[0])
    await until(lambda: again.report().written == 1)
    found = await again.query("r", NOW_MS - 3_700_000, NOW_MS)
    assert [(each.width_ms, each.samples) for each in found] == [(1_000, 200)]
    await again.close()


@real
async def test_a_writer_that_is_stuck_drops_the_oldest_and_counts_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entered, gate, original = threading.Event(), threading.Event(), telemetry_database.store

    def stuck(database: sqlite3.Connection, batch: list[Stretch]) -> None:
        entered.set()
        assert gate.wait(20)
        original(database, batch)

    monkeypatch.setattr(telemetry_store, "store", stuck)
    store = opened(tmp_path / "t", max_queued=100)
    store.add(samples(1)[0])
    await asyncio.to_thread(entered.wait, 20)
    for each in samples(1_000, NOW_MS + 1):
        store.add(each)
    report = store.report()
    gate.set()
    await store.close()
    assert (report.queued, report.dropped) == (100, 900)
    assert store.report().written == 101


@real
async def test_a_full_disk_is_told_and_nothing_is_lost_that_still_fits_the_queue(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = opened(tmp_path / "t")
    store.add(samples(1)[0])
    await until(lambda: store.report().written == 1)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1, limits[1]))
    try:
        for each in samples(50, NOW_MS + 1):
            store.add(each)
        await until(lambda: bool(store.report().error))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, before)
    await until(lambda: store.report().written == 51)
    assert store.report().error == ""
    assert store.report().dropped == 0
    assert "doses go on" in caplog.text
    await store.close()


@real
async def test_a_damaged_file_is_set_aside_and_a_new_one_begun(tmp_path: Path) -> None:
    path = tmp_path / "t"
    store = opened(path)
    for each in samples(900):
        store.add(each)
    await store.close()
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(os.urandom(size - 4096))
    again = opened(path)
    for each in samples(20, NOW_MS + 5_000):
        again.add(each)
    await until(lambda: again.report().written == 20)
    await again.close()
    assert again.report().error == ""
    assert path.with_name("t.damaged").exists()


@real
async def test_a_file_that_is_something_else_is_left_and_told(tmp_path: Path) -> None:
    path = tmp_path / "t"
    path.write_bytes(b"precious" * 1_000)
    store = opened(path, max_queued=10)
    for each in samples(50):
        store.add(each)
    await until(lambda: bool(store.report().error))
    with pytest.raises(RigError) as caught:
        await store.query("r", 0, 1)
    await store.close()
    assert caught.value.code == "telemetry_failed"
    assert path.read_bytes() == b"precious" * 1_000
    assert store.report().dropped == 50


@real
async def test_a_place_that_is_not_there_harms_nobody(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    store = opened(tmp_path / "file" / "t")
    store.add(samples(1)[0])
    await until(lambda: bool(store.report().error))
    await store.close()
    assert store.report().dropped == 1


@pytest.mark.parametrize(("from_ms", "to_ms", "resolution_ms"), [(1, 0, 0), (0, 1, -1), (0, MAX_POINTS * 10 + 10, 10)])
@real
async def test_a_question_that_makes_no_sense_is_refused(
    tmp_path: Path, from_ms: int, to_ms: int, resolution_ms: int
) -> None:
    store = opened(tmp_path / "t")
    with pytest.raises(RigError) as caught:
        await store.query("r", from_ms, to_ms, resolution_ms)
    await store.close()
    assert caught.value.code == "usage"


@real
async def test_more_points_than_may_be_are_refused_with_a_resolution_that_may(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(telemetry_store, "MAX_POINTS", 100)
    store = opened(tmp_path / "t")
    for each in samples(500):
        store.add(each)
    await until(lambda: store.report().written == 500)
    with pytest.raises(RigError, match="resolution of 6 ms"):
        await store.query("r", NOW_MS, NOW_MS + 500)
    assert len(await store.query("r", NOW_MS, NOW_MS + 500, 6)) <= 100
    await store.close()
