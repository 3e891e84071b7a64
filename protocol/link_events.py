"""What the host's end of the link tells its owner."""


class Event:
    """Something that came from the device, or did not."""

    def __repr__(self) -> str:
        return type(self).__name__


class Welcome(Event):
    """The session is open. ``values`` are those of WELCOME."""

    def __init__(self, values: tuple[int | bytes, ...]) -> None:
        self.values = values

    def __repr__(self) -> str:
        return "Welcome({!r})".format(self.values)


class Answer(Event):
    """The answer to request ``seq``: message ``number`` with ``values``."""

    def __init__(self, seq: int, number: int, values: tuple[int | bytes, ...]) -> None:
        self.seq = seq
        self.number = number
        self.values = values

    def __repr__(self) -> str:
        return "Answer({}, 0x{:02x}, {!r})".format(self.seq, self.number, self.values)


class Datagram(Event):
    """A message that answers no request: telemetry, a pong, a stop, a dose that changed its state."""

    def __init__(self, number: int, values: tuple[int | bytes, ...]) -> None:
        self.number = number
        self.values = values

    def __repr__(self) -> str:
        return "Datagram(0x{:02x}, {!r})".format(self.number, self.values)


class Refused(Event):
    """Request ``seq`` was refused by the link of the device and had no effect. ``number`` is that of the request."""

    def __init__(self, seq: int, number: int, reason: int, schema: bytes) -> None:
        self.seq = seq
        self.number = number
        self.reason = reason
        self.schema = schema

    def __repr__(self) -> str:
        return "Refused({}, 0x{:02x}, reason {})".format(self.seq, self.number, self.reason)


class SchemaMismatch(Event):
    """The device speaks another schema, ``schema``. The link is closed; only a stop can be sent."""

    def __init__(self, schema: bytes) -> None:
        self.schema = schema


class GaveUp(Event):
    """Request ``seq`` (message ``number``) has no answer and is no longer sent; whether it was executed is unknown."""

    def __init__(self, seq: int, number: int) -> None:
        self.seq = seq
        self.number = number

    def __repr__(self) -> str:
        return "GaveUp({}, 0x{:02x})".format(self.seq, self.number)


class SessionLost(Event):
    """The device knows this session no more. The link is closed; each open request follows as ``GaveUp``."""
