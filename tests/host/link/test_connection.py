"""One connection against the fake device, over lines of every quality."""

import asyncio
from collections.abc import Callable

import pytest

from host.errors import RigError
from host.link.connection import Connection, ConnectionState, LinkTimings
from host.link.messages import Message
from protocol import codes, messages, typed
from tests.host.fake_device import FakeDevice
from tests.host.line import Filter, Line, lossy, one_octet_at_a_time, perfect
from tests.host.loops import now_ms, virtual

NONCE = b"host"


async def connect(line: Line, heard: Callable[[Message], None] = lambda _: None) -> Connection:
    return Connection(await line.open(), host_nonce=NONCE, on_message=heard)


@pytest.mark.req("LINK-1", "LINK-3")
@pytest.mark.parametrize("quality", [perfect, one_octet_at_a_time, lossy(1, 0.2)], ids=["perfect", "octets", "lossy"])
@virtual
async def test_requests_are_answered_over_any_line(quality: Filter) -> None:
    async with Line(FakeDevice(now_ms), out=quality, back=quality) as line:
        connection = await connect(line)
        try:
            welcome = await connection.open()
            assert welcome.host_nonce == NONCE
            assert connection.state is ConnectionState.READY
            for _ in range(20):
                assert isinstance(await connection.request(messages.GET_STATUS), typed.Status)
        finally:
            await connection.close()


@pytest.mark.req("LINK-3")
@virtual
async def test_many_requests_at_once_wait_for_room_in_the_window() -> None:
    quality = lossy(3, 0.1)
    async with Line(FakeDevice(now_ms), out=quality, back=quality) as line:
        connection = await connect(line)
        await connection.open()
        answers = await asyncio.gather(*(connection.request(messages.GET_STATUS) for _ in range(50)))
        assert all(isinstance(answer, typed.Status) for answer in answers)
        await connection.close()


@pytest.mark.req("LINK-4")
@virtual
async def test_the_device_hears_pings_often_enough_to_go_on() -> None:
    device = FakeDevice(now_ms)
    async with Line(device) as line:
        connection = await connect(line)
        await connection.open()
        for _ in range(100):
            await asyncio.sleep(0.1)
            assert now_ms() - device.link.last_heard_ms <= 300
        assert connection.state is ConnectionState.READY
        await connection.close()


@pytest.mark.req("LINK-3")
@virtual
async def test_telemetry_and_unsolicited_messages_are_handed_on() -> None:
    heard: list[Message] = []
    async with Line(FakeDevice(now_ms)) as line:
        connection = await connect(line, heard.append)
        await connection.open()
        await asyncio.sleep(1.05)
        assert sum(isinstance(message, typed.Telemetry) for message in heard) in {10, 11}
        await connection.write_stop(codes.CAUSE_OPERATOR)
        await asyncio.sleep(0.01)
        assert any(isinstance(message, typed.Stopped) for message in heard)
        await connection.close()


async def failure_of(connection: Connection) -> RigError:
    with pytest.raises(RigError) as caught:
        await connection.open()
    assert connection.state is ConnectionState.CLOSED
    assert await connection.wait_ended() is caught.value
    await connection.close()
    return caught.value


@virtual
async def test_nothing_heard_is_told_as_such() -> None:
    async with Line(FakeDevice(now_ms), out=lambda _: []) as line:
        error = await failure_of(await connect(line))
    assert error.code == "silent"
    assert "power" in error.todo


@virtual
async def test_octets_without_a_frame_point_to_the_baud() -> None:
    async with Line(FakeDevice(now_ms), back=lambda data: [bytes(octet ^ 0x5A for octet in data)]) as line:
        error = await failure_of(await connect(line))
    assert error.code == "garbage"
    assert "baud" in error.todo


@virtual
async def test_a_python_prompt_is_recognised() -> None:
    async with Line(FakeDevice(now_ms), back=lambda _: [b"\r\nMicroPython v1.25\r\n>>> "]) as line:
        error = await failure_of(await connect(line))
    assert error.code == "garbage"
    assert "flash" in error.todo
    assert "MicroPython" in error.what


@pytest.mark.req("LINK-2")
@virtual
async def test_another_schema_is_refused_with_both_hashes() -> None:
    async with Line(FakeDevice(now_ms, schema=b"another!")) as line:
        error = await failure_of(await connect(line))
    assert error.code == "schema"
    assert b"another!".hex() in error.what
    assert messages.schema_hash().hex() in error.what


@pytest.mark.req("STOP-1")
@virtual
async def test_a_stop_needs_no_session() -> None:
    device = FakeDevice(now_ms)
    async with Line(device) as line:
        connection = await connect(line)
        await connection.write_stop(codes.CAUSE_OPERATOR)
        await asyncio.sleep(0.01)
        assert device.state == codes.DEVICE_STOPPED
        await connection.close()


@virtual
async def test_the_first_fatal_error_reaches_every_waiter() -> None:
    async with Line(FakeDevice(now_ms)) as line:
        connection = await connect(line)
        await connection.open()
        line.out = lambda _: []
        waiting = [asyncio.create_task(connection.request(messages.GET_STATUS)) for _ in range(12)]
        await asyncio.sleep(0.1)
        line.cut()
        results = await asyncio.gather(*waiting, return_exceptions=True)
        assert {result.code for result in results if isinstance(result, RigError)} == {"unplugged"}
        assert len(results) == 12
        with pytest.raises(RigError) as caught:
            await connection.request(messages.GET_STATUS)
        assert caught.value.code == "unplugged"
        await connection.close()


@pytest.mark.req("LINK-4")
@virtual
async def test_a_device_that_falls_silent_is_lost() -> None:
    async with Line(FakeDevice(now_ms)) as line:
        connection = await connect(line)
        await connection.open()
        line.back = lambda _: []
        began_ms = now_ms()
        error = await connection.wait_ended()
        assert error is not None
        assert error.code == "link_lost"
        assert now_ms() - began_ms <= LinkTimings().silence_ms + 500
        await connection.close()


@virtual
async def test_a_device_that_restarted_ends_the_session() -> None:
    device = FakeDevice(now_ms)
    async with Line(device) as line:
        connection = await connect(line)
        await connection.open()
        device.boot()
        error = await connection.wait_ended()
        assert error is not None
        assert error.code == "session_lost"
        await connection.close()


@virtual
async def test_a_request_that_is_never_answered_says_so_and_leaves_the_link_up() -> None:
    def no_status(data: bytes) -> list[bytes]:
        return [] if len(data) > 40 else [data]

    async with Line(FakeDevice(now_ms)) as line:
        connection = await connect(line)
        await connection.open()
        line.back = no_status
        with pytest.raises(RigError) as caught:
            await connection.request(messages.GET_STATUS)
        assert caught.value.code == "no_answer"
        assert connection.state is ConnectionState.READY
        await connection.close()


@virtual
async def test_closing_reaches_waiters_and_is_idempotent() -> None:
    async with Line(FakeDevice(now_ms), back=lambda _: []) as line:
        connection = await connect(line)
        opening = asyncio.create_task(connection.open())
        await asyncio.sleep(0.01)
        await connection.close()
        await connection.close()
        with pytest.raises(RigError) as caught:
            await opening
        assert caught.value.code == "closed"
        assert await connection.wait_ended() is None


@virtual
async def test_a_cancelled_request_forgets_its_waiter() -> None:
    async with Line(FakeDevice(now_ms)) as line:
        connection = await connect(line)
        await connection.open()
        task = asyncio.create_task(connection.request(messages.GET_STATUS))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert not connection._waiters
        assert isinstance(await connection.request(messages.GET_STATUS), typed.Status)
        await connection.close()
