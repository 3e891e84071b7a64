"""The TCP transport against a real server."""

import asyncio

import pytest

from host.errors import RigError
from host.link.tcp import open_tcp
from host.link.urls import open_transport
from tests.host.loops import real


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while (data := await reader.read(100)) and data != b"bye":
        writer.write(data)
    writer.close()


@real
async def test_octets_go_both_ways_until_the_other_end_leaves() -> None:
    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        transport = await open_transport(f"tcp://127.0.0.1:{port}")
        await transport.write(b"\x00\xff")
        assert await transport.read() == b"\x00\xff"
        await transport.write(b"bye")
        with pytest.raises(RigError) as caught:
            await transport.read()
        assert caught.value.code == "unplugged"
        await transport.close()
        await transport.close()
        with pytest.raises(RigError):
            await transport.write(b"x")


@real
async def test_a_closed_port_is_unreachable() -> None:
    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    with pytest.raises(RigError) as caught:
        await open_tcp("127.0.0.1", port)
    assert caught.value.code == "tcp_unreachable"
    assert caught.value.exit_code == 4
