"""A host, a device and a line between them that loses, doubles, delays, overtakes, cuts and corrupts, under any driver.

Every operation is plain and takes small numbers, so that Hypothesis, a seeded generator and the real MicroPython can
all drive it. The world checks what must hold after every single step by assertions. Runs on both Pythons.
"""

from struct import pack

from protocol import codes, messages
from protocol.framing import MAX_FRAME, FrameDecoder
from protocol.link import LAST_SEQ, WINDOW
from protocol.link_device import ANSWER_SLOTS, DATAGRAM_SLOTS, REQUEST_SLOTS, DeviceLink
from protocol.link_events import Answer, Datagram, GaveUp, SessionLost, Welcome
from protocol.link_host import HostLink

SCHEMA = messages.schema_hash()
# Longer than any history a driver makes, so that nothing is given up while a line may still heal.
GIVE_UP_MS = 600_000
HEALING_MS = 20_000
STEP_MS = 25


def split_frames(data):
    """Split octets into frames; a delimiter in front stays with the frame that it precedes."""
    frames = []
    begin = 0
    for at in range(len(data)):
        if data[at] == 0 and at > begin:
            frames.append(data[begin : at + 1])
            begin = at + 1
    return frames


def payloads_in(data):
    """Return the payloads of the valid frames in the octets."""
    decoder = FrameDecoder()
    at = 0
    found = []
    while at < len(data):
        at = decoder.feed(data, at, len(data))
        if decoder.length:
            found.append(bytes(decoder.buffer[: decoder.length]))
    return found


class World:
    """Both ends of a link and the line between them."""

    def __init__(self, device_class=DeviceLink, host_class=HostLink, first_seq=0, tamper=None):
        self.device_class = device_class
        self.host_class = host_class
        self.first_seq = first_seq
        # A planted defect may change either end right after it was made.
        self.tamper = tamper
        self.now_ms = 1000
        self.to_device = []
        self.to_host = []
        self.sent = set()
        self.nonces = 0
        self.works = 0
        # By work id: which session wanted it, how often it was executed, what became of it at the host.
        self.session_of = {}
        self.executed = {}
        # By sequence number: the work id of the present host's open requests.
        self.open = {}
        self.stops = 0
        self.stops_sent = 0
        self.pongs = 0
        self.lost_sessions = 0
        self.stops_at_full_queue = 0
        self.last_opened = b""
        # The beginning of a frame that the device has not written to its end.
        self.unfinished = b""
        self.host = None
        self.restart_device()
        self.new_host()

    # --- the two ends

    def nonce(self):
        self.nonces += 1
        return pack("<I", self.nonces)

    def restart_device(self):
        """Power the device off and on: it forgets all sessions."""
        device = self.device_class(SCHEMA, self.nonce)
        device.on_stop = self.on_stop
        self.last_opened = b""
        if self.unfinished:
            self.to_host.append(self.unfinished)
            self.unfinished = b""
        self.device = device
        if self.tamper:
            self.tamper(device=device)
        sort = device._sort

        def check_and_sort(payload, size):
            assert bytes(payload[:size]) in self.sent, "the device took a frame that nobody sent"
            sort(payload, size)

        device._sort = check_and_sort

    def new_host(self):
        """Give up the host's end with all it waits for, and greet anew."""
        host = self.host_class(SCHEMA, b"H" + self.nonce()[:3], give_up_ms=GIVE_UP_MS)
        self.host = host
        self.open = {}
        if self.tamper:
            self.tamper(host=host)
        sort = host._sort

        def check_and_sort(payload, size, now_ms):
            assert bytes(payload[:size]) in self.sent, "the host took a frame that nobody sent"
            sort(payload, size, now_ms)

        host._sort = check_and_sort
        host.hello(self.now_ms)
        self.poll()

    def on_stop(self, cause):
        self.stops += 1
        self.device.datagram(messages.STOPPED, cause, 1, 20, bytes(8), 0, self.now_ms)

    def dose_state(self, work):
        return (work, codes.DOSE_RUNNING, 0, 0, 1, 2) + (0,) * 10 + (self.now_ms,)

    def execute(self, number):
        device = self.device
        if number == messages.HELLO:
            nonce = device.values[0]
            assert nonce != self.last_opened, "a repeated HELLO opened a session"
            self.last_opened = nonce
            self.first_seq_of(device)
            name = b"test" + bytes(8)
            ids = (bytes(8), SCHEMA, bytes(8), name, name, name, bytes(8), bytes(8))
            device.answer(messages.WELCOME, nonce, device.session, *ids, self.now_ms, 10)
            return
        assert number == messages.GET_DOSE, "the device executed what nobody asked for"
        work = device.values[0]
        assert self.session_of[work] == device.session, "a request of another session was executed"
        assert self.executed[work] == 0, "a request was executed twice"
        self.executed[work] += 1
        device.answer(messages.DOSE_STATE, *self.dose_state(work))
        device.unsolicited(messages.DOSE_STATE, *self.dose_state(work))

    def first_seq_of(self, device):
        """Let the count begin elsewhere than at 1, where a test wants to see it wrap."""
        if self.first_seq:
            device._cache._newest = self.first_seq

    def turn(self, room=100_000):
        """Let the device execute what it has and write at most ``room`` octets."""
        device = self.device
        while True:
            number = device.next_request()
            if number == 0:
                break
            self.execute(number)
        assert device.next_request() == 0
        out = bytearray()

        def write(buffer, length):
            taken = min(length, room - len(out))
            out.extend(bytes(buffer[:taken]))
            return taken

        device.transmit(write)
        written = self.unfinished + bytes(out)
        cut = written.rfind(b"\x00") + 1
        self.send(self.to_host, written[:cut])
        self.unfinished = written[cut:]

    def telemetry(self):
        """Let the device report its state."""
        self.device.datagram(
            messages.TELEMETRY, self.now_ms, 1, 0, 0, 15, 0, 0, bytes(8), *[0] * 5, 1, 2, 3, 1000, 12000
        )

    # --- the line

    def send(self, line, data):
        for frame in split_frames(data):
            for payload in payloads_in(frame):
                self.sent.add(payload)
            line.append(frame)

    def poll(self):
        """Let the host write what is due."""
        self.send(self.to_device, self.host.poll(self.now_ms))

    def arrive(self, line, data):
        """Bring octets to the end of the line."""
        if line is self.to_device:
            before = self.stops
            full = self.device._requests.count == REQUEST_SLOTS
            self.device.receive(data, len(data), self.now_ms)
            # A delimiter in front ends whatever came before, so an intact stop frame is found in any state.
            if data[:1] == b"\x00" and [p for p in payloads_in(data) if p[0] == messages.STOP]:
                assert self.stops > before, "an intact stop frame was not acted on at once"
                self.stops_at_full_queue += full
        else:
            for event in self.host.receive(data, self.now_ms):
                self.take(event)

    def deliver(self, line, at):
        if line:
            self.arrive(line, line.pop(at % len(line)))

    def rush(self, line):
        """Bring all that is on its way, twice, before anything can be executed."""
        frames = list(line)
        line.clear()
        for data in frames + frames:
            self.arrive(line, data)

    def drop(self, line, at):
        if line:
            line.pop(at % len(line))

    def duplicate(self, line, at):
        if line and len(line) < 200:
            line.append(line[at % len(line)])

    def corrupt(self, line, at, bits):
        """Flip bits of a frame; delimiters are octets like all others."""
        if line:
            data = bytearray(line.pop(at % len(line)))
            for bit in {bit % (len(data) * 8) for bit in bits}:
                data[bit // 8] ^= 1 << bit % 8
            self.arrive(line, bytes(data))

    def cut(self, line, at, length):
        """Bring the beginning of a frame only; what comes next runs into it."""
        if line:
            data = line.pop(at % len(line))
            self.arrive(line, data[: length % len(data)])

    def noise(self, line, data):
        if not [p for p in payloads_in(b"\x00" + data) if p not in self.sent]:
            self.arrive(line, data)

    # --- the host's owner

    def request(self):
        if self.host.window_free == 0:
            return
        if self.host._seq == 0:
            self.host._seq = self.first_seq
        self.works += 1
        work = pack("<II", self.works, 0x5AFE)
        self.session_of[work] = self.host.session
        self.executed[work] = 0
        seq = self.host.request(messages.GET_DOSE, work, now_ms=self.now_ms)
        assert 0 < seq <= LAST_SEQ
        assert seq not in self.open
        self.open[seq] = work
        assert len(self.open) <= WINDOW
        self.poll()

    def stop(self):
        self.stops_sent += 1
        self.send(self.to_device, self.host.stop(codes.CAUSE_OPERATOR))

    def ping(self):
        self.host.ping(self.now_ms)
        self.poll()

    def pass_time(self, ms):
        self.now_ms += ms
        for event in self.host.receive(b"", self.now_ms):
            self.take(event)
        self.poll()

    def take(self, event):
        """Check what the host is told."""
        if isinstance(event, Answer):
            work = self.open.pop(event.seq)
            assert event.number == messages.DOSE_STATE
            assert event.values[0] == work, "an answer to another request"
            assert self.executed[work] == 1, "an answer to what was not executed"
        elif isinstance(event, SessionLost):
            assert self.host.session != self.device.session, "a session was lost that the device knows"
            self.lost_sessions += 1
        elif isinstance(event, GaveUp):
            assert event.number == messages.HELLO or self.host.session != self.device.session, "given up too early"
            self.open.pop(event.seq, None)
        elif isinstance(event, Datagram):
            self.pongs += event.number == messages.PONG
        else:
            assert isinstance(event, Welcome), "refused"

    # --- what must hold at the end

    def run_healthy(self, ms):
        """Let time pass over a line without faults."""
        end = self.now_ms + ms
        while self.now_ms < end:
            while self.to_device:
                self.deliver(self.to_device, 0)
                self.turn()
            self.turn()
            while self.to_host:
                self.deliver(self.to_host, 0)
            if not self.open and self.host._state != 1:
                break
            self.pass_time(STEP_MS)

    def heal_and_check(self):
        """Heal the line: what was open is answered, what is new works, what stays unanswered is given up."""
        # What is on its way arrives; a delimiter ends what was cut short.
        self.run_healthy(STEP_MS)
        self.turn()
        self.arrive(self.to_device, b"\x00")
        self.arrive(self.to_host, b"\x00")
        self.ping()
        self.run_healthy(HEALING_MS)
        assert not self.open, "a request was neither answered nor given up"
        # A HELLO of long ago may have arrived last and taken the session, which the next ping finds out.
        self.ping()
        self.run_healthy(STEP_MS)
        if not self.host.is_open:
            self.new_host()
            self.run_healthy(HEALING_MS)
        assert self.host.is_open, "no session on a healthy line"
        for _ in range(WINDOW + 1):
            self.request()
            self.run_healthy(HEALING_MS)
        pongs = self.pongs
        self.ping()
        self.run_healthy(STEP_MS)
        self.run_healthy(STEP_MS)
        assert self.pongs == pongs + 1, "no pong on a healthy line"
        assert not self.open, "a request was not answered on a healthy line"
        self.check_bounds()
        self.check_silence()

    def check_bounds(self):
        device = self.device
        assert device._requests.count <= REQUEST_SLOTS
        assert device._answers.count <= ANSWER_SLOTS
        assert device._datagrams.count <= DATAGRAM_SLOTS
        for decoder in (device._decoder, self.host._decoder):
            assert len(decoder.buffer) == MAX_FRAME

    def check_silence(self):
        for _ in range(WINDOW):
            self.request()
        wanted = len(self.open)
        assert wanted == WINDOW
        self.to_device.clear()
        given_up = 0
        self.now_ms += GIVE_UP_MS
        for event in self.host.receive(b"", self.now_ms):
            given_up += isinstance(event, GaveUp)
        assert given_up == wanted, "a request was not given up"
        assert self.host.next_due_ms(self.now_ms) is None
