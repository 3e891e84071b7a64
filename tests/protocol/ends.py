"""One end of the link under test, with what stands at the other end written by hand."""

from collections.abc import Iterable
from struct import pack, unpack

from hypothesis import strategies as st

from protocol import codes, messages
from protocol.link_device import DeviceLink
from protocol.link_host import HostLink
from tests.protocol.frames import decode, frame_of

SCHEMA = messages.schema_hash()
OTHER_SCHEMA = b"otherone"
SESSION = b"SES1"
NONCE = b"abcd"
ZERO = bytes(4)
ANSWERS = dict(messages.ANSWERS)


def bodies(number: int) -> st.SearchStrategy[bytes]:
    """Any body of the right length."""
    return st.binary(min_size=messages.SIZES[number], max_size=messages.SIZES[number])


# Payloads of intact frames: of any content, and well formed messages with any values.
intact_payloads = st.lists(
    st.one_of(
        st.binary(min_size=1, max_size=60),
        st.sampled_from(sorted(messages.SIZES)).flatmap(
            lambda number: st.tuples(
                st.just(bytes([number])),
                st.sampled_from([SESSION, ZERO, b"else"]),
                st.binary(min_size=2, max_size=2),
                bodies(number),
            ).map(b"".join)
        ),
    ),
    max_size=30,
)


def payload(number: int, *values: int | bytes, session: bytes = SESSION, seq: int = 0) -> bytes:
    return pack("<B4sH", number, session, seq) + pack(messages.FORMATS[number], *values)


def frame(number: int, *values: int | bytes, session: bytes = SESSION, seq: int = 0) -> bytes:
    return frame_of(payload(number, *values, session=session, seq=seq))


def welcome_values(nonce: bytes, session: bytes, schema: bytes = SCHEMA) -> tuple:
    name = b"test".ljust(12, b"\0")
    return (nonce, session, b"boot0001", schema, b"firmware", name, name, name, b"rig00001", bytes(8), 77, 10)


def dose_state_values(dose_id: bytes, state: int = codes.DOSE_RUNNING) -> tuple:
    return (dose_id, state, 0, 0, 1, 2, *range(10), 99)


def status_values() -> tuple:
    return (1, 1, 0, 0, 15, 0, 0, bytes(8), 0, 0, bytes(8), 0, 0, 0, 0, 0, 1000, 2000, 3000, 69_000, 0)


def stopped_values(cause: int) -> tuple:
    return (cause, 0, 20, bytes(8), 0, 99)


def telemetry_values() -> tuple:
    return (1, 1, 0, 0, 15, 0, 0, bytes(8), 0, 0, 0, 0, 0, 1, 2, 3, 1000, 12000)


def zero_values(number: int) -> tuple:
    return unpack(messages.FORMATS[number], bytes(messages.SIZES[number]))


class Device:
    """A device's end with a controller that answers everything, and a line that is read by hand."""

    def __init__(self, sessions: Iterable[bytes] = (SESSION, b"SES2", b"SES3")):
        nonces = iter(sessions)
        self.link = DeviceLink(SCHEMA, lambda: next(nonces))
        self.link.on_stop = self.on_stop
        self.stops: list[int] = []
        self.executed: list[tuple] = []

    def on_stop(self, cause: int) -> None:
        self.stops.append(cause)
        self.link.datagram(messages.STOPPED, *stopped_values(cause))

    def hear(self, *frames: bytes, now_ms: int = 0) -> None:
        data = b"".join(frames)
        self.link.receive(data, len(data), now_ms)

    def execute(self) -> list[tuple]:
        """Execute all requests that wait, and return them."""
        done = []
        while number := self.link.next_request():
            values = self.link.values
            done.append((number, *values))
            if number == messages.HELLO:
                self.link.answer(messages.WELCOME, *welcome_values(values[0], self.link.session))
            elif number in (messages.CLEAR, messages.GET_STATUS):
                self.link.answer(messages.STATUS, *status_values())
            elif ANSWERS[number] == messages.DOSE_STATE:
                self.link.answer(messages.DOSE_STATE, *dose_state_values(values[0]))
            else:
                self.link.answer(ANSWERS[number], *zero_values(ANSWERS[number]))
        self.executed += done
        return done

    def written(self, room: int = 10_000) -> bytes:
        out = bytearray()

        def write(buffer, length):
            taken = min(length, room - len(out))
            out.extend(bytes(buffer[:taken]))
            return taken

        self.link.transmit(write)
        return bytes(out)

    def said(self) -> list[tuple]:
        """Return what the device writes: number, session, seq, values of each message."""
        return [read(each) for each in decode(self.written())[0]]

    def open(self, nonce: bytes = NONCE, now_ms: int = 0) -> "Device":
        """Greet, and forget that."""
        self.hear(frame(messages.HELLO, nonce, SCHEMA, session=ZERO, seq=1), now_ms=now_ms)
        self.execute()
        self.said()
        return self


def read(data: bytes) -> tuple:
    values = messages.decode_body(data[0], data, 7, len(data))
    return data[0], data[1:5], int.from_bytes(data[5:7], "little"), values


def open_host(now_ms: int = 0, **options) -> HostLink:
    """Return a host's end that has its session."""
    link = HostLink(SCHEMA, NONCE, **options)
    link.hello(now_ms)
    link.poll(now_ms)
    link.receive(frame(messages.WELCOME, *welcome_values(NONCE, SESSION), seq=1), now_ms)
    assert link.is_open
    return link


def due(link: HostLink, now_ms: int) -> int:
    """Return when a host's end wants to be called, which it does."""
    instant = link.next_due_ms(now_ms)
    assert instant is not None
    return instant


def sent(data: bytes) -> list[tuple]:
    """Return what a host writes: number, session, seq, values of each message."""
    return [read(each) for each in decode(data)[0]]
