"""Server-sent events: what happens, numbered, resumed with the Last-Event-ID that browsers and libraries send."""

import asyncio
from collections.abc import AsyncIterator
from typing import Final

import msgspec
from starlette.responses import StreamingResponse

from host.service.hub import Event, EventHub

KEEP_ALIVE_S: Final = 10.0
"""A line without meaning at least so often, so that a dead way is noticed."""

CONTENT_TYPE: Final = "text/event-stream"


def event_stream(hub: EventHub, *, rig: str | None, readings: bool, after: str | None) -> StreamingResponse:
    """Return the stream of a watcher."""
    body = _lines(hub, rig, readings, after)
    return StreamingResponse(body, media_type=CONTENT_TYPE, headers={"cache-control": "no-store"})


async def _lines(hub: EventHub, rig: str | None, readings: bool, after: str | None) -> AsyncIterator[bytes]:
    with hub.watch(rig=rig, readings=readings, after=after) as events:
        yield b": nanorig\n\n"
        while True:
            waited = asyncio.ensure_future(events.next())
            try:
                while not (await asyncio.wait([waited], timeout=KEEP_ALIVE_S))[0]:
                    yield b": still here\n\n"
            finally:
                waited.cancel()
            event = waited.result()
            if event is None:
                return
            yield encode(hub.run, event)


def encode(run: str, event: Event) -> bytes:
    """Return an event as its lines. A reading has no id, so that it does not move the place to resume from."""
    head = f"id: {run}:{event.number}\n" if event.number else ""
    data = {"rig": event.rig, "utc": event.utc, **event.data}
    return f"{head}event: {event.kind}\ndata: ".encode() + msgspec.json.encode(data) + b"\n\n"
