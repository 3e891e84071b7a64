import asyncio

import pytest

from host.service.hub import KEPT_EVENTS, MAX_WAITING, EventHub
from tests.host.loops import virtual


@pytest.fixture
def hub():
    return EventHub("run1", lambda: "now")


async def taken(events, count):
    return [await events.next() for _ in range(count)]


def numbers(events):
    return [event.number for event in events]


@virtual
async def test_a_watcher_gets_what_happens_from_then_on_in_order(hub):
    hub.publish("link", "a", {})
    with hub.watch() as events:
        for at in range(3):
            hub.publish("dose", "a", {"at": at})
        found = await taken(events, 3)
    assert [(event.number, event.data["at"]) for event in found] == [(2, 0), (3, 1), (4, 2)]


@virtual
async def test_a_watcher_of_one_rig_hears_of_no_other_but_of_what_concerns_all(hub):
    with hub.watch(rig="a") as events:
        hub.publish("dose", "b", {})
        hub.publish("dose", "a", {})
        hub.publish("service", "", {})
        assert numbers(await taken(events, 2)) == [2, 3]


@virtual
async def test_who_comes_back_gets_what_was_missed_and_nothing_twice(hub):
    for _ in range(5):
        hub.publish("dose", "a", {})
    with hub.watch(after="run1:3") as events:
        hub.publish("dose", "a", {})
        assert numbers(await taken(events, 3)) == [4, 5, 6]


@virtual
async def test_who_missed_nothing_gets_nothing_again(hub):
    hub.publish("dose", "a", {})
    with hub.watch(after="run1:1") as events:
        hub.publish("dose", "a", {})
        assert numbers(await taken(events, 1)) == [2]


@virtual
@pytest.mark.parametrize("after", ["run0:1", "run1:9", "run1:x", "nonsense", "", "run1:-1", "run1:" + "9" * 20])
async def test_a_place_that_cannot_be_resumed_from_is_told_as_a_gap(hub, after):
    hub.publish("dose", "a", {})
    with hub.watch(after=after) as events:
        (gap,) = await taken(events, 1)
        assert (gap.kind, gap.number) == ("gap", 1)
        hub.publish("dose", "a", {})
        assert numbers(await taken(events, 1)) == [2]


@virtual
async def test_what_is_not_kept_any_more_is_told_as_a_gap(hub):
    for _ in range(KEPT_EVENTS + 2):
        hub.publish("dose", "a", {})
    with hub.watch(after="run1:1") as events:
        assert (await events.next()).kind == "gap"
    with hub.watch(after="run1:2") as events:
        assert (await events.next()).number == 3


@virtual
async def test_a_slow_watcher_loses_the_oldest_is_told_so_and_keeps_nobody_waiting(hub):
    with hub.watch() as events, hub.watch() as others:
        for _ in range(MAX_WAITING + 3):
            hub.publish("dose", "a", {})
        assert (await events.next()).kind == "gap"
        assert (await events.next()).number == 4
        assert (await others.next()).kind == "gap"


@virtual
async def test_of_readings_only_the_newest_waits_and_only_for_who_wants_them(hub):
    with hub.watch(readings=True) as events, hub.watch() as others:
        for at in range(3):
            hub.reading("telemetry", "a", {"at": at})
        hub.publish("dose", "a", {})
        found = await taken(events, 2)
        assert [(event.number, event.data) for event in found] == [(1, {}), (0, {"at": 2})]
        assert numbers(await taken(others, 1)) == [1]


@virtual
async def test_a_reading_is_not_kept(hub):
    hub.reading("telemetry", "a", {})
    assert hub.newest == 0


@virtual
async def test_all_watchers_end_with_the_service(hub):
    with hub.watch() as events:
        ended = asyncio.ensure_future(events.next())
        await asyncio.sleep(0)
        hub.end()
        assert await ended is None
