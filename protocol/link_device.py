"""The device's end of the link: a stop at once, a request at most once, an answer again when it is asked for again.

No clock, no input or output. A turn without octets allocates nothing, a frame a few small objects.
"""

from struct import pack, pack_into, unpack_from

from protocol import codes
from protocol.compat import const
from protocol.framing import MAX_FRAME, MAX_PAYLOAD, FrameDecoder, encode_frame
from protocol.link import FIRST_TO_HOST, HEADER, HEADER_SIZE, NO_SESSION, next_seq
from protocol.link_buffers import AnswerCache, FrameQueue
from protocol.wire_formats import FORMATS, HELLO, PING, PONG, REFUSED, SIZES, STOP, STOPPED, UNUSED, decode_body

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

REQUEST_SLOTS = const(8)
ANSWER_SLOTS = const(8)
DATAGRAM_SLOTS = const(4)
# How often a session nonce is drawn again when it is one that may not be used.
_NONCE_DRAWS = const(4)
# No message has this number; 0 is one that may come in.
_NO_REQUEST = const(-1)


def _no_stop_handler(cause: int) -> None:
    raise RuntimeError("on_stop is not set, stop cause {}".format(cause))


class DeviceLink:
    """Takes octets from the host and gives requests to execute; takes answers and gives octets for the host.

    ``make_nonce`` returns 4 random octets. ``on_stop(cause)`` is called from inside ``receive`` for every stop.
    Counters: ``frames_in``, ``duplicates`` (requests that were repeated), ``dropped`` (no room in a queue, or too old
    to be answered), ``bad_crc``, ``bad_frames``.
    """

    def __init__(self, schema: bytes, make_nonce: "Callable[[], bytes]") -> None:
        self.on_stop: Callable[[int], None] = _no_stop_handler
        self.values: tuple[int | bytes, ...] = ()
        self.session = NO_SESSION
        self.session_open = False
        self.last_heard_ms = 0
        self.frames_in = 0
        self.duplicates = 0
        self.dropped = 0
        self._schema = schema
        self._make_nonce = make_nonce
        self._session_low = 0
        self._session_high = 0
        self._last_session = NO_SESSION
        self._host_nonce = NO_SESSION
        self._welcome = FrameQueue(1)
        self._decoder = FrameDecoder()
        self._bad_payloads = 0
        self._now_ms = 0
        self._requests = FrameQueue(REQUEST_SLOTS)
        self._cache = AnswerCache()
        # The request that waits for its answer.
        self._number = _NO_REQUEST
        self._seq = 0
        self._datagram_seq = 0
        # Answers, stops and changes of a dose go first; telemetry waits, and is what gives way.
        self._answers = FrameQueue(ANSWER_SLOTS)
        self._datagrams = FrameQueue(DATAGRAM_SLOTS)
        # The queue whose first frame is partly written, and how much of it is.
        self._sending: FrameQueue | None = None
        self._sent = 0
        self._payload = memoryview(bytearray(MAX_PAYLOAD + 4))
        self._frame = bytearray(MAX_FRAME)

    @property
    def bad_crc(self) -> int:
        """Frames dropped for a wrong CRC."""
        return self._decoder.bad_crc

    @property
    def bad_frames(self) -> int:
        """Frames dropped for bad COBS, length, direction or sequence number."""
        return self._decoder.bad_frames + self._bad_payloads

    def close_session(self) -> None:
        """End the session: every request but HELLO is refused from now on. Frames on their way out still go."""
        self.session_open = False
        self.session = NO_SESSION
        self._session_low = 0
        self._session_high = 0
        self._number = _NO_REQUEST
        self._cache.clear()

    def receive(self, chunk: bytes | bytearray | memoryview, length: int, now_ms: int) -> None:
        """Take ``chunk[:length]``: act on stops and answer pings at once, queue the requests."""
        if length == 0:
            return
        if length > len(chunk):
            length = len(chunk)
        self._now_ms = now_ms
        decoder = self._decoder
        start = 0
        while start < length:
            start = decoder.feed(chunk, start, length)
            if decoder.length:
                self._sort(decoder.buffer, decoder.length)

    def _sort(self, payload: bytearray, size: int) -> None:
        if size < HEADER_SIZE:
            self._bad_payloads += 1
            return
        self.frames_in += 1
        number, low, high, seq = unpack_from(HEADER, payload, 0)
        if number == STOP:
            self._stop(payload, size)
            return
        if number >= FIRST_TO_HOST:
            # The device's own voice, echoed. Answering it would never end.
            self._bad_payloads += 1
            return
        ours = self.session_open and low == self._session_low and high == self._session_high
        if ours:
            self.last_heard_ms = self._now_ms
        if number != PING:
            if not self._requests.put(payload, size):
                self.dropped += 1
        elif not ours:
            self._refuse(number, low, high, seq, codes.REASON_SESSION)
        elif size != HEADER_SIZE + 4:
            self._bad_payloads += 1
        else:
            self.datagram(PONG, unpack_from("<I", payload, HEADER_SIZE)[0], self._now_ms)

    def _stop(self, payload: bytearray, size: int) -> None:
        # Whatever the body looks like, an intact frame with this number is a stop.
        cause = payload[HEADER_SIZE] if size > HEADER_SIZE else 0
        if not 0 < cause < len(codes.CAUSES):
            cause = codes.CAUSE_OPERATOR
        self.on_stop(cause)

    def next_request(self) -> int:
        """Return the number of the next request to execute, with its values in ``values``; 0 when there is none.

        Each request is returned once at most, and wants one call of ``answer`` before the next.
        """
        queue = self._requests
        while queue.count:
            number = self._judge(queue.first(), queue.first_length())
            queue.drop()
            if number:
                return number
        return 0

    def _judge(self, payload: memoryview, size: int) -> int:
        number, low, high, seq = unpack_from(HEADER, payload, 0)
        if number == HELLO:
            return self._hello(payload, size, low, high, seq)
        if not self.session_open or low != self._session_low or high != self._session_high:
            self._refuse(number, low, high, seq, codes.REASON_SESSION)
            return 0
        if seq == 0:
            self._bad_payloads += 1
            return 0
        if not self._cache.admit(seq):
            self._count_repeat(self._cache.repeat(seq, self._answers))
            return 0
        self._number = number
        self._seq = seq
        values = decode_body(number, payload, HEADER_SIZE, size)
        if values is None:
            reason = codes.REASON_UNKNOWN_MESSAGE if SIZES[number] == UNUSED else codes.REASON_MALFORMED
            self.answer(REFUSED, number, reason, self._schema)
            return 0
        self.values = values
        return int(number)

    def _count_repeat(self, answered: bool) -> None:
        if answered:
            self.duplicates += 1
        else:
            self.dropped += 1

    def _hello(self, payload: memoryview, size: int, low: int, high: int, seq: int) -> int:
        values = decode_body(HELLO, payload, HEADER_SIZE, size)
        if values is None:
            self._refuse(HELLO, low, high, seq, codes.REASON_MALFORMED)
            return 0
        nonce, schema = values
        if schema != self._schema:
            self._refuse(HELLO, low, high, seq, codes.REASON_SCHEMA)
            return 0
        welcome = self._welcome
        if self.session_open and nonce == self._host_nonce:
            self._count_repeat(welcome.count > 0 and self._answers.put(welcome.first(), welcome.first_length()))
            return 0
        self._open_session()
        self._host_nonce = bytes(nonce)
        self._number = HELLO
        self._seq = seq
        self.values = values
        return HELLO

    def _open_session(self) -> None:
        for _ in range(_NONCE_DRAWS):
            session = self._make_nonce()
            if session not in (NO_SESSION, self._last_session):
                break
        else:
            # A source of randomness that is stuck must still not let the last session's requests in.
            low, high = unpack_from("<HH", self._last_session, 0)
            session = pack("<HH", next_seq(low), high)
        self.session = session
        self._last_session = session
        self._session_low, self._session_high = unpack_from("<HH", session, 0)
        self.session_open = True
        self.last_heard_ms = self._now_ms
        self._datagram_seq = 0
        self._cache.clear()
        if self._welcome.count:
            self._welcome.drop()

    def answer(self, number: int, *values: int | bytes) -> None:
        """Answer the request that ``next_request`` returned last, and keep the answer for its repetitions."""
        request = self._number
        if request == _NO_REQUEST:
            raise RuntimeError("no request waits for an answer")
        self._number = _NO_REQUEST
        length = self._encode(number, self._session_low, self._session_high, self._seq, values)
        if request == HELLO:
            self._welcome.put(self._frame, length)
        else:
            self._cache.store(self._seq, self._frame, length)
        if not self._answers.put(self._frame, length):
            self.dropped += 1

    def datagram(self, number: int, *values: int | bytes) -> None:
        """Queue a message that nobody asked for. Only STOPPED goes without a session; it also goes first."""
        if number == STOPPED:
            self._send_first(number, values)
        elif self.session_open:
            # A datagram that finds no room is missing from the count, so that the host sees the gap.
            self._datagram_seq = seq = next_seq(self._datagram_seq)
            length = self._encode(number, self._session_low, self._session_high, seq, values)
            if not self._datagrams.put(self._frame, length):
                self.dropped += 1

    def unsolicited(self, number: int, *values: int | bytes) -> None:
        """Queue a message that is like an answer, but to no request: it goes first and stands outside the count."""
        if self.session_open:
            self._send_first(number, values)

    def _send_first(self, number: int, values: tuple[int | bytes, ...]) -> None:
        length = self._encode(number, self._session_low, self._session_high, 0, values)
        if not self._answers.put(self._frame, length):
            self.dropped += 1

    def _refuse(self, number: int, low: int, high: int, seq: int, reason: int) -> None:
        # In the session of the request, so that its sender, and nobody else, knows what to do with it.
        length = self._encode(REFUSED, low, high, seq, (number, reason, self._schema))
        if not self._answers.put(self._frame, length):
            self.dropped += 1

    def _encode(self, number: int, low: int, high: int, seq: int, values: tuple[int | bytes, ...]) -> int:
        payload = self._payload
        pack_into(HEADER, payload, 0, number, low, high, seq)
        pack_into(FORMATS[number], payload, HEADER_SIZE, *values)
        return encode_frame(payload, HEADER_SIZE + SIZES[number], self._frame)

    def has_output(self) -> bool:
        """Return whether ``transmit`` has anything to write."""
        return self._answers.count > 0 or self._datagrams.count > 0

    def transmit(self, write: "Callable[[memoryview, int], int]") -> None:
        """Write queued frames until ``write(buffer, length)`` takes less than all; it returns how much it took."""
        while True:
            queue = self._sending
            if queue is None:
                queue = self._answers if self._answers.count else self._datagrams
                if queue.count == 0:
                    return
                self._sending = queue
                self._sent = 0
            frame = queue.first()
            left = queue.first_length() - self._sent
            taken = write(frame[self._sent :] if self._sent else frame, left)
            if taken < left:
                self._sent += taken
                return
            queue.drop()
            self._sending = None
