"""Transports by URL that bring their own rig: `twin://`, `vm://` and `rp2040://`, with options such as `vm://?seed=3`."""

import atexit
from urllib.parse import parse_qsl, urlsplit

from hil.realtime import RealTimeBench
from hil.targets import real_time
from host.errors import RigError
from host.link.transport import Transport
from host.link.urls import open_transport

_EXAMPLE = "Examples: twin://, vm://?seed=3"
_running: dict[str, RealTimeBench] = {}
"""One bench a URL and process: a client that reconnects finds the rig that it lost, not a new one."""


async def twin(url: str) -> Transport:
    """Open the port of a twin in real time. Raises RigError."""
    return await _open("twin", url)


async def vm(url: str) -> Transport:
    """Open the port of a MicroPython VM in real time. Raises RigError."""
    return await _open("vm", url)


async def rp2040(url: str) -> Transport:  # noqa: ARG001  the signature of all transports
    """Refuse: the emulated Pico is slower than the clock."""
    raise RigError(
        "url",
        "The emulated RP2040 runs slower than real time and has no port.",
        "Use vm:// or twin://; the emulated one runs in tests: pytest --target rp2040",
    )


def close_all() -> None:
    """End every bench that a transport has started in this process."""
    while _running:
        _running.popitem()[1].close()


async def _open(target: str, url: str) -> Transport:
    bench = _running.get(url)
    if bench is None:
        bench = real_time(target, _seed(url))
        bench.start()
        if not _running:
            atexit.register(close_all)
        _running[url] = bench
    return await open_transport(bench.url)


def _seed(url: str) -> int:
    parts = urlsplit(url)
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    seed = options.pop("seed", "1")
    if options or parts.netloc or parts.path not in {"", "/"} or not seed.isdecimal():
        raise RigError("url", f"{url!r} is no bench: the only option is a whole number as seed.", _EXAMPLE)
    return int(seed)
