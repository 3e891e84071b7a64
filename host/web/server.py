"""The HTTP server in the service's own loop, on a unix socket that only its owner opens."""

import asyncio
import os
import pwd
import socket
import stat
import struct
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Final

import uvicorn
from starlette.requests import Request
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from host.errors import RigError

SOCKET_MODE: Final = 0o600
GRACE_S: Final = 3
"""How long requests under way may take when the service goes."""

BACKLOG: Final = 128
PEER: Final = "unix"
_PEER_FORMAT: Final = "3i"


class PeerProtocol(H11Protocol):
    """Tells the application which user is at the other end of the unix socket, as the kernel knows it."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a new connection."""
        super().connection_made(transport)
        found = transport.get_extra_info("socket")
        octets = found.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize(_PEER_FORMAT))
        _, user_id, _ = struct.unpack(_PEER_FORMAT, octets)
        self.client = (PEER, user_id)


def peer_name(request: Request) -> str:
    """Return the name of the user who asks over the unix socket. Raises ``RigError`` when it cannot be told."""
    client = request.client
    if client is None or client.host != PEER:
        raise RigError("not_identified", "Nobody says who asks.", "Use the unix socket of the service.")
    try:
        return pwd.getpwuid(client.port).pw_name
    except KeyError:
        return f"uid {client.port}"


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to the service."""
        yield


@asynccontextmanager
async def serving(application: ASGIApp, path: Path) -> AsyncIterator[asyncio.Task[None]]:
    """Serve the application at a unix socket; yields the task that does. Raises ``RigError``: the socket is taken."""
    listening = _listen(path)
    config = uvicorn.Config(
        application,
        http=PeerProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE_S,
    )
    server = _Server(config)
    task = asyncio.create_task(server.serve(sockets=[listening]), name="http")
    try:
        yield task
    finally:
        server.should_exit = True
        await asyncio.gather(task, return_exceptions=True)
        _unlink(path)


def _unlink(path: Path) -> None:
    with suppress(FileNotFoundError):
        path.unlink()


def _listen(path: Path) -> socket.socket:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    _remove_stale(path)
    listening = socket.socket(socket.AF_UNIX)
    # Made with its mode: there is no moment in which somebody else could open it.
    before = os.umask(0o777 & ~SOCKET_MODE)
    try:
        listening.bind(str(path))
    except OSError as error:
        listening.close()
        raise RigError(
            "no_service",
            f"The socket {path} cannot be made: {error.strerror or error}.",
            "Name another: [http] unix_socket.",
        ) from error
    finally:
        os.umask(before)
    listening.listen(BACKLOG)
    return listening


def _remove_stale(path: Path) -> None:
    """Remove the socket of a service that was killed; refuse when one answers, or when it is no socket."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise RigError("no_service", f"{path} is not a socket.", "Name another place: [http] unix_socket.")
    with socket.socket(socket.AF_UNIX) as trial:
        try:
            trial.connect(str(path))
        except ConnectionRefusedError:
            path.unlink()
            return
    raise RigError("no_service", f"Another service answers at {path}.", "End that one first.")
