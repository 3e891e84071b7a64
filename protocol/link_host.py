"""The host's end of the link: a pure state machine, one object a session.

Octets and the time go in, events and octets come out. The owner calls ``receive`` with what arrived, or with nothing
when ``next_due_ms`` has come, and then writes what ``poll`` returns. Times are milliseconds of any clock that never
goes back.
"""

from struct import pack_into, unpack_from

from protocol import codes
from protocol.compat import const
from protocol.framing import MAX_FRAME, MAX_PAYLOAD, FrameDecoder, encode_frame
from protocol.link import (
    FIRST_TO_HOST,
    HALF_WRAP,
    HEADER,
    HEADER_SIZE,
    HELLO_SEQ,
    NO_SESSION,
    WINDOW,
    next_seq,
    seq_distance,
)
from protocol.link_events import Answer, Datagram, Event, GaveUp, Refused, SchemaMismatch, SessionLost, Welcome
from protocol.messages import (
    CLASSES,
    DATAGRAM,
    DOSE_STATE,
    HELLO,
    PING,
    PONG,
    REFUSED,
    REQUEST,
    STOP,
    STOPPED,
    WELCOME,
    decode_body,
    encode_body,
)
from protocol.round_trip import RoundTrip

GIVE_UP_MS = const(3000)
"""How long a request is sent again before it is given up, unless told otherwise."""

RENEW_REQUESTS = const(16384)
"""Requests after which a session should be renewed: half of half a wrap."""

RENEW_MS = const(1 << 28)
"""Age in milliseconds (3.1 days) at which a session should be renewed: half of half a wrap of the device's clock."""

_IDLE = const(0)
_GREETING = const(1)
_OPEN = const(2)
_CLOSED = const(3)


class LinkClosedError(Exception):
    """There is no open session: nothing but a stop can be sent."""


class WindowFullError(Exception):
    """The oldest open request is WINDOW - 1 counts back: wait for its answer."""


class _Request:
    def __init__(self, number: int, frame: bytes, now_ms: int) -> None:
        self.number = number
        self.frame = frame
        self.made_ms = now_ms
        self.sent_ms = now_ms
        self.attempts = 0
        self.due_ms = now_ms


class HostLink:
    """One session with a device. ``host_nonce`` is 4 random octets, never used before.

    Statistics: ``frames_in``, ``gaps`` (datagrams that never came), ``late`` (datagrams out of order, not delivered),
    ``duplicates`` (answers nobody waits for), ``retransmissions``, ``round_trip_us`` (0 when unknown), ``bad_crc``,
    ``bad_frames``.
    """

    def __init__(self, schema: bytes, host_nonce: bytes, give_up_ms: int = GIVE_UP_MS) -> None:
        self.session = NO_SESSION
        self.frames_in = 0
        self.gaps = 0
        self.late = 0
        self.duplicates = 0
        self.retransmissions = 0
        self._schema = schema
        self._host_nonce = host_nonce
        self._give_up_ms = give_up_ms
        self._state = _IDLE
        self._opened_ms = 0
        self._decoder = FrameDecoder()
        self._bad_payloads = 0
        self._round_trip = RoundTrip()
        # Open requests by sequence number; HELLO while greeting.
        self._open: dict[int, _Request] = {}
        self._seq = 0
        self._datagram_seq = 0
        self._ping: bytes | None = None
        self._ping_token = 0
        # When the ping that waits for its pong was written; -1 when none does.
        self._ping_sent_ms = -1
        self._events: list[Event] = []
        self._payload = memoryview(bytearray(MAX_PAYLOAD + 4))
        self._frame = bytearray(MAX_FRAME)

    @property
    def is_open(self) -> bool:
        """Whether requests can be sent."""
        return self._state == _OPEN

    @property
    def bad_crc(self) -> int:
        """Frames dropped for a wrong CRC."""
        return self._decoder.bad_crc

    @property
    def bad_frames(self) -> int:
        """Frames dropped for bad COBS, length, direction or session."""
        return self._decoder.bad_frames + self._bad_payloads

    @property
    def round_trip_us(self) -> int:
        """Smoothed round trip, 0 when none was measured."""
        return self._round_trip.smoothed_us

    @property
    def window_free(self) -> int:
        """How many requests can be sent now."""
        if self._state != _OPEN:
            return 0
        seqs = self._oldest_first()
        return WINDOW - 1 - seq_distance(self._seq, seqs[0]) if seqs else WINDOW

    def needs_renewal(self, now_ms: int) -> bool:
        """Return whether a new session, by a new link, should take over at the next quiet moment."""
        return self.is_open and (self._seq >= RENEW_REQUESTS or now_ms - self._opened_ms >= RENEW_MS)

    def hello(self, now_ms: int) -> int:
        """Ask for the session; ``Welcome``, ``SchemaMismatch`` or ``GaveUp`` follows. Once a link only."""
        if self._state != _IDLE:
            raise LinkClosedError("a link greets once")
        self._state = _GREETING
        # The delimiter in front ends whatever noise the line carried before.
        frame = b"\x00" + self._encode(HELLO, HELLO_SEQ, self._host_nonce, self._schema)
        self._open[HELLO_SEQ] = _Request(HELLO, frame, now_ms)
        return HELLO_SEQ

    def request(self, number: int, *values: int | bytes, now_ms: int) -> int:
        """Send a request until it is answered and return its sequence number, which the event will carry.

        Raises ``LinkClosedError``, ``WindowFullError``, ``ValueError`` for a message that is not a request.
        """
        if CLASSES.get(number) != REQUEST or number == HELLO:
            raise ValueError("not a request: 0x{:02x}".format(number))
        if self._state != _OPEN:
            raise LinkClosedError("no session")
        if self.window_free == 0:
            raise WindowFullError("window full")
        seq = next_seq(self._seq)
        self._open[seq] = _Request(number, self._encode(number, seq, *values), now_ms)
        self._seq = seq
        return seq

    def stop(self, cause: int) -> bytes:
        """Return octets to write at once, in any state: a delimiter that ends what was cut short, and a stop frame."""
        return b"\x00" + self._encode(STOP, 0, cause)

    def ping(self, now_ms: int) -> None:  # noqa: ARG002 (all that is sent takes the time)
        """Send a ping with the next ``poll``, in place of one that was not yet written. Nothing without a session."""
        if self._state == _OPEN:
            self._ping_token = (self._ping_token + 1) & 0x3FFFFFFF
            self._ping = self._encode(PING, 0, self._ping_token)

    def receive(self, data: bytes, now_ms: int) -> list[Event]:
        """Take octets from the device, or none, and return what they mean, in order."""
        decoder = self._decoder
        start = 0
        while start < len(data):
            start = decoder.feed(data, start, len(data))
            if decoder.length:
                self._sort(decoder.buffer, decoder.length, now_ms)
        # Only now: an answer that came late to be read is still an answer.
        self._expire(now_ms)
        events = self._events
        self._events = []
        return events

    def poll(self, now_ms: int) -> bytes:
        """Return the octets to write now: new requests, those whose time-out has passed, a ping."""
        self._expire(now_ms)
        out = b""
        for seq in self._oldest_first():
            request = self._open[seq]
            if request.due_ms <= now_ms:
                out += self._send(request, now_ms)
        if self._ping is not None:
            out += self._ping
            self._ping = None
            self._ping_sent_ms = now_ms
        return out

    def next_due_ms(self, now_ms: int) -> int | None:
        """Return the instant, not before ``now_ms``, at which to call ``receive`` and ``poll``; None for never."""
        if self._events or self._ping is not None:
            return now_ms
        due = [min(request.due_ms, request.made_ms + self._give_up_ms) for request in self._open.values()]
        return max(now_ms, min(due)) if due else None

    def _oldest_first(self) -> list[int]:
        return sorted(self._open, key=lambda seq: -seq_distance(self._seq, seq))

    def _send(self, request: _Request, now_ms: int) -> bytes:
        if request.attempts:
            self.retransmissions += 1
        request.attempts += 1
        request.sent_ms = now_ms
        request.due_ms = now_ms + self._round_trip.timeout_ms(request.attempts)
        return request.frame

    def _expire(self, now_ms: int) -> None:
        for seq in self._oldest_first():
            request = self._open[seq]
            if now_ms - request.made_ms >= self._give_up_ms:
                del self._open[seq]
                self._events.append(GaveUp(seq, request.number))
                if request.number == HELLO:
                    self._state = _CLOSED

    def _sort(self, payload: bytearray, size: int, now_ms: int) -> None:
        if size < HEADER_SIZE:
            self._bad_payloads += 1
            return
        number, _, _, seq = unpack_from(HEADER, payload, 0)
        session = bytes(payload[1:5])
        values = decode_body(number, payload, HEADER_SIZE, size) if number >= FIRST_TO_HOST else None
        if values is None:
            self._bad_payloads += 1
            return
        self.frames_in += 1
        if number == WELCOME:
            self._welcome(session, values, now_ms)
        elif number == STOPPED:
            self._events.append(Datagram(number, values))
        elif session != self.session or self._state not in (_GREETING, _OPEN):
            self._bad_payloads += 1
        elif number == REFUSED:
            self._refused(seq, values)
        elif CLASSES[number] == DATAGRAM or (number == DOSE_STATE and seq == 0):
            self._datagram(number, seq, values, now_ms)
        else:
            self._answer(number, seq, values, now_ms)

    def _welcome(self, session: bytes, values: tuple[int | bytes, ...], now_ms: int) -> None:
        request = self._open.get(HELLO_SEQ)
        if self._state != _GREETING or request is None or values[0] != self._host_nonce or values[1] != session:
            self.duplicates += 1
            return
        if values[3] != self._schema:
            self._mismatch(bytes(values[3]))
            return
        self._measure(request, now_ms)
        del self._open[HELLO_SEQ]
        self.session = session
        self._state = _OPEN
        self._opened_ms = now_ms
        self._events.append(Welcome(values))

    def _refused(self, seq: int, values: tuple[int | bytes, ...]) -> None:
        number, reason, schema = values
        if reason == codes.REASON_SESSION and self._state == _OPEN:
            self._lose_session()
            return
        request = self._open.get(seq)
        if request is None or request.number != number:
            self.duplicates += 1
        elif number == HELLO and schema != self._schema:
            self._mismatch(bytes(schema))
        else:
            del self._open[seq]
            if number == HELLO:
                self._state = _CLOSED
            self._events.append(Refused(seq, int(number), int(reason), bytes(schema)))

    def _lose_session(self) -> None:
        # An open request may have been executed before its answer and the session were lost: never "refused".
        self._state = _CLOSED
        self._events.append(SessionLost())
        for seq in self._oldest_first():
            self._events.append(GaveUp(seq, self._open[seq].number))
        self._open = {}
        self._ping = None

    def _mismatch(self, schema: bytes) -> None:
        self._state = _CLOSED
        self._open = {}
        self._events.append(SchemaMismatch(schema))

    def _datagram(self, number: int, seq: int, values: tuple[int | bytes, ...], now_ms: int) -> None:
        if seq:
            ahead = seq_distance(seq, self._datagram_seq)
            if not 0 < ahead <= HALF_WRAP:
                self.late += 1
                return
            self.gaps += ahead - 1
            self._datagram_seq = seq
        if number == PONG and values[0] == self._ping_token and self._ping_sent_ms >= 0:
            self._round_trip.measured(now_ms - self._ping_sent_ms)
            self._ping_sent_ms = -1
        self._events.append(Datagram(number, values))

    def _answer(self, number: int, seq: int, values: tuple[int | bytes, ...], now_ms: int) -> None:
        request = self._open.pop(seq, None)
        if request is None:
            self.duplicates += 1
            return
        self._measure(request, now_ms)
        self._events.append(Answer(seq, number, values))

    def _measure(self, request: _Request, now_ms: int) -> None:
        if request.attempts == 1:
            self._round_trip.measured(now_ms - request.sent_ms)

    def _encode(self, number: int, seq: int, *values: int | bytes) -> bytes:
        payload = self._payload
        low, high = unpack_from("<HH", self.session, 0)
        pack_into(HEADER, payload, 0, number, low, high, seq)
        length = encode_frame(payload, encode_body(number, payload, HEADER_SIZE, *values), self._frame)
        return bytes(self._frame[:length])
