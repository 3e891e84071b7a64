"""The configuration of the service: a TOML file with a closed schema; every error names the line.

A key that this version does not know is an error: a misspelt bound must never be silently without effect.
"""

import re
import tomllib
from pathlib import Path
from typing import Annotated, Any, Final, TypeVar

import msgspec

from host.errors import RigError
from host.link.urls import split_url
from host.telemetry_database import DAY_MS, HOUR_MS, Retention

Part = TypeVar("Part")

MAX_FILE_OCTETS: Final = 1 << 20
MAX_RIGS: Final = 64

Name = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?\Z")]
AbsolutePath = Annotated[str, msgspec.Meta(pattern=r"^/[^\x00]+\Z")]
_MEANT: Final = {
    "name": "lower-case letters, digits and hyphens, 32 at most, as in chair-1",
    "port": "a port in quotes, as in serial:///dev/ttyACM0 or tcp://192.168.1.5:4000",
    "simulated": "true or false, without quotes",
    "state_folder": "an absolute path in quotes, as in /var/lib/nanorig",
    "head_folder": "an absolute path in quotes, best on another disk, as in /mnt/other/heads",
    "raw_hours": "a whole number of hours, 1 to 168",
    "second_days": "a whole number of days, 1 to 366",
    "minute_days": "a whole number of days, 1 to 3660",
    "max_mib": "a whole number of MiB, 16 to 1048576",
    "unix_socket": "an absolute path in quotes, as in /run/nanorig/service.sock",
}


class RigPart(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One [[rig]]: its name in ledger, addresses and topics, and the port it is on."""

    name: Name
    port: str
    simulated: bool = False


class ServicePart(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """[service]: where what outlives the service is kept, one folder a rig; where signed heads of ledgers go."""

    state_folder: AbsolutePath
    head_folder: AbsolutePath | None = None


class TelemetryPart(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """[telemetry]: how long samples stay raw, then as stretches of 1 s, then of 1 min, and the most that they take."""

    raw_hours: Annotated[int, msgspec.Meta(ge=1, le=168)] = 6
    second_days: Annotated[int, msgspec.Meta(ge=1, le=366)] = 7
    minute_days: Annotated[int, msgspec.Meta(ge=1, le=3660)] = 366
    max_mib: Annotated[int, msgspec.Meta(ge=16, le=1 << 20)] = 4096

    def retention(self) -> Retention:
        """Return it as the store takes it."""
        return Retention(
            raw_ms=self.raw_hours * HOUR_MS,
            second_ms=self.second_days * DAY_MS,
            minute_ms=self.minute_days * DAY_MS,
            max_octets=self.max_mib << 20,
        )


class HttpPart(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """[http]: where programs reach the service. The socket is open to its owner only; without it there is none."""

    unix_socket: AbsolutePath | None = None


class Config(msgspec.Struct, frozen=True):
    """A whole configuration that makes sense."""

    service: ServicePart
    http: HttpPart
    rigs: tuple[RigPart, ...]
    source: str = ""
    telemetry: TelemetryPart = TelemetryPart()

    @property
    def socket(self) -> Path:
        """Return where programs on this machine reach the service."""
        if self.http.unix_socket is not None:
            return Path(self.http.unix_socket)
        return Path(self.service.state_folder) / "service.sock"

    def folder(self, rig: str) -> Path:
        """Return where the rig's ledger is kept."""
        return Path(self.service.state_folder) / "rigs" / rig

    def head_file(self, rig: str) -> Path | None:
        """Return where signed heads of the rig's ledger are kept, None: nowhere."""
        folder = self.service.head_folder
        return Path(folder) / f"{rig}.heads" if folder is not None else None

    @property
    def telemetry_file(self) -> Path:
        """Return where telemetry is kept."""
        return Path(self.service.state_folder) / "telemetry.sqlite3"


def load(path: Path) -> Config:
    """Read the file. Raises ``RigError`` ``config`` that names the line and what to do."""
    try:
        octets = path.read_bytes()
    except OSError as error:
        raise RigError(
            "config", f"The configuration {path} cannot be read: {error.strerror}.", "Name another with --config."
        ) from error
    if len(octets) > MAX_FILE_OCTETS:
        raise RigError(
            "config", f"The configuration {path} has {len(octets)} octets.", f"{MAX_FILE_OCTETS} are allowed."
        )
    try:
        text = octets.decode("utf-8")
    except UnicodeDecodeError as error:
        line = octets.count(b"\n", 0, error.start) + 1
        raise _wrong(str(path), line, "there are octets that are not UTF-8", "Save the file as UTF-8.") from error
    return parse(text, str(path))


def parse(text: str, source: str) -> Config:
    """Return the configuration that ``text`` says; ``source`` names it in errors. Raises ``RigError`` ``config``."""
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"at line (\d+)", str(error))
        line = int(found.group(1)) if found else text.count("\n") + 1
        raise _wrong(source, line, f"this is not TOML: {error}", "See host/README.md for an example.") from error
    reader = _Reader(text, source)
    reader.only(tables, {"service", "http", "telemetry", "rig"})
    service = reader.part(ServicePart, "service", tables)
    http = reader.part(HttpPart, "http", tables)
    telemetry = reader.part(TelemetryPart, "telemetry", tables)
    listed = tables.get("rig", [])
    if not isinstance(listed, list) or not listed:
        raise _wrong(
            source, reader.line("rig"), "no rig is named", 'Add one: [[rig]] with name = "..." and port = "..."'
        )
    if len(listed) > MAX_RIGS:
        line = reader.line("rig", MAX_RIGS)
        raise _wrong(source, line, f"there are {len(listed)} rigs", f"{MAX_RIGS} are allowed; use a second service.")
    rigs = tuple(reader.convert(RigPart, "rig", index, table) for index, table in enumerate(listed))
    reader.check_rigs(rigs)
    return Config(service, http, rigs, source, telemetry)


class _Reader:
    """Turns tables into parts, and knows in which line each key stands."""

    def __init__(self, text: str, source: str) -> None:
        self._lines = text.splitlines()
        self._source = source

    def only(self, tables: dict[str, Any], known: set[str]) -> None:
        for name, value in tables.items():
            if name not in known:
                line = self.line(name) if isinstance(value, dict | list) else self.line("", key=name)
                todo = f"There are: {', '.join(sorted(known))}."
                raise _wrong(self._source, line, f"there is no part {name!r}", todo)

    def part(self, kind: type[Part], name: str, tables: dict[str, Any]) -> Part:
        return self.convert(kind, name, 0, tables.get(name, {}))

    def convert(self, kind: type[Part], name: str, index: int, table: object) -> Part:
        try:
            return msgspec.convert(table, kind, strict=True)
        except msgspec.ValidationError as error:
            key = _key_of(str(error))
            line = self.line(name, index, key)
            raise _wrong(self._source, line, f"[{name}]: {_plain(str(error), key)}", _known_keys(kind)) from error

    def check_rigs(self, rigs: tuple[RigPart, ...]) -> None:
        for key in ("name", "port"):
            seen: set[str] = set()
            for index, rig in enumerate(rigs):
                value = getattr(rig, key)
                if value in seen:
                    line = self.line("rig", index, key)
                    raise _wrong(
                        self._source, line, f"a second rig has the {key} {value!r}", f"Give each its own {key}."
                    )
                seen.add(value)
        for index, rig in enumerate(rigs):
            try:
                split_url(rig.port)
            except RigError as error:
                raise _wrong(self._source, self.line("rig", index, "port"), error.what, error.todo) from error

    def line(self, table: str, index: int = 0, key: str = "") -> int:
        """Return the line of a key, else that of its table's header, else 1."""
        header_line, inside, seen = 1, table == "", 0
        for number, line in enumerate(self._lines, 1):
            header = _HEADER.match(line)
            if header is not None:
                inside = header.group(1).strip() == table and seen == index
                seen += header.group(1).strip() == table
                header_line = number if inside else header_line
            elif inside and key and re.match(rf"\s*[\"']?{re.escape(key)}[\"']?\s*[=.]", line):
                return number
        return header_line


_HEADER: Final = re.compile(r"\s*\[{1,2}([^\[\]]+)\]{1,2}")


def _key_of(message: str) -> str:
    """Return the key that an error of msgspec speaks of."""
    field = re.search(r"field `([^`]+)`", message) or re.search(r"at `\$\.([^`.\[]+)", message)
    return field.group(1) if field is not None else ""


def _plain(message: str, key: str) -> str:
    if "unknown field" in message:
        return f"there is no key {key!r}"
    if "missing required field" in message:
        return f"the key {key!r} is missing: {_MEANT[key]}"
    return f"{key!r} has to be {_MEANT[key]}" if key in _MEANT else "this has to be a table"


def _known_keys(kind: type) -> str:
    return f"Keys: {', '.join(field.name for field in msgspec.structs.fields(kind))}."


def _wrong(source: str, line: int, what: str, todo: str) -> RigError:
    return RigError("config", f"{source}, line {line}: {what}.", todo)
