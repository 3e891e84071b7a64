"""From a URL to an open transport: serial:///dev/ttyACM0?baud=921600, tcp://host:port, and schemes of plug-ins."""

from urllib.parse import SplitResult, parse_qsl, urlsplit

from host.errors import RigError
from host.link.serial_port import DEFAULT_BAUD, open_serial
from host.link.tcp import open_tcp
from host.link.transport import Transport, TransportFactory

ENTRY_POINT_GROUP = "nanorig.transports"
MIN_BAUD, MAX_BAUD = 1_200, 4_000_000
_EXAMPLES = "Examples: /dev/ttyACM0, serial:///dev/ttyACM0?baud=921600, tcp://192.168.1.5:4000."


async def open_transport(url: str, *, shared: bool = False) -> Transport:
    """Open the transport that ``url`` names; a plain path is a serial port.

    ``shared`` opens a serial port that another program holds; for nothing but a stop.
    Raises ``RigError``: a URL that makes no sense, or a transport that cannot be opened.
    """
    parts = split_url(url)
    if parts.scheme == "serial":
        return await open_serial(parts.path, _baud(parts, url), exclusive=not shared)
    if parts.scheme == "tcp":
        return await open_tcp(*_host_port(parts, url))
    return await _plug_in(parts.scheme)(url)


def split_url(url: str) -> SplitResult:
    """Take the URL apart; raises ``RigError`` when it has no scheme and is no path."""
    if url.startswith("/"):
        url = "serial://" + url
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise _bad(url, str(error)) from error
    if not parts.scheme or "://" not in url:
        raise _bad(url, "it is neither a path nor a URL")
    if parts.scheme == "serial" and (parts.netloc or not parts.path):
        raise _bad(url, "a serial port is an absolute path, with three slashes in front")
    return parts


def is_serial(url: str) -> bool:
    """Tell whether the URL is a serial port."""
    return split_url(url).scheme == "serial"


def rig_name(url: str) -> str:
    """Return the name under which the ledger knows the rig at ``url``: the URL without its options."""
    parts = split_url(url)
    return f"{parts.scheme}://{parts.netloc}{parts.path}"


def _baud(parts: SplitResult, url: str) -> int:
    options = _options(parts, url, {"baud"})
    text = options.get("baud", str(DEFAULT_BAUD))
    if not (text.isascii() and text.isdecimal() and len(text) < 9 and MIN_BAUD <= int(text) <= MAX_BAUD):
        raise _bad(url, f"baud is {text!r}, allowed is {MIN_BAUD} to {MAX_BAUD}")
    return int(text)


def _options(parts: SplitResult, url: str, known: set[str]) -> dict[str, str]:
    try:
        options = dict(parse_qsl(parts.query, keep_blank_values=True, strict_parsing=True)) if parts.query else {}
    except ValueError as error:
        raise _bad(url, str(error)) from error
    unknown = sorted(set(options) - known)
    if unknown:
        raise _bad(url, f"there is no option {unknown[0]!r}")
    return options


def _host_port(parts: SplitResult, url: str) -> tuple[str, int]:
    try:
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise _bad(url, str(error)) from error
    if not host or not port:
        raise _bad(url, "host or port is missing")
    return host, port


def _plug_in(scheme: str) -> TransportFactory:
    from importlib.metadata import entry_points  # noqa: PLC0415  costs more than a whole `rig stop` over a serial port

    found = list(entry_points(group=ENTRY_POINT_GROUP, name=scheme))
    if not found:
        others = sorted({point.name for point in entry_points(group=ENTRY_POINT_GROUP)})
        raise RigError(
            "url",
            f"There is no transport {scheme}://.",
            f"There are: {', '.join(f'{name}://' for name in ['serial', 'tcp', *others])}.",
        )
    try:
        factory: TransportFactory = found[0].load()
    except Exception as error:  # whatever a plug-in does, it is reported as the plug-in's
        raise RigError(
            "plugin", f"The transport {scheme}:// cannot be loaded: {error!r}.", "Install or mend its package."
        ) from error
    return factory


def _bad(url: str, why: str) -> RigError:
    return RigError("url", f"{url!r} is not a usable port: {why}.", _EXAMPLES)
