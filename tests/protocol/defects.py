"""Planted defects: each breaks one rule of the link, as a plausible slip would. The model has to find every one."""

from binascii import crc32

from protocol import framing, messages
from protocol.link import HALF_WRAP, LAST_SEQ, WINDOW, next_seq
from protocol.link_buffers import AnswerCache
from protocol.link_device import DeviceLink
from protocol.link_host import HostLink


class UncheckedDecoder(framing.FrameDecoder):
    """Takes every frame whose COBS is right."""

    def _finish(self, fill):
        if 6 <= fill <= 127:
            self.length = max(0, framing._unstuff(self.buffer, fill) - framing.CRC_SIZE)


class HalfCheckedDecoder(framing.FrameDecoder):
    """Compares 8 bits of the CRC only."""

    def _finish(self, fill):
        if 6 <= fill <= 127:
            length = framing._unstuff(self.buffer, fill)
            if length > 4 and crc32(self.buffer[: length - 4]) & 0xFF == self.buffer[length - 4]:
                self.length = length - 4


class StuckDecoder(framing.FrameDecoder):
    """Never recovers from a frame that was too long."""

    def feed(self, chunk, start, end):
        stop = super().feed(chunk, start, end)
        if self._fill > 127 or hasattr(self, "stuck"):
            self.stuck = True
            self._fill = 128
            self.length = 0
        return stop


class ForgetfulCache(AnswerCache):
    """Keeps no answers."""

    def store(self, seq, frame, length):
        pass


class OldestAnswerCache(AnswerCache):
    """Lets the answer given first make room, instead of the one with the oldest number."""

    def store(self, seq, frame, length):
        self.kept = [row for row in getattr(self, "kept", []) if row[0] != seq][-WINDOW + 1 :]
        self.kept.append((seq, bytes(frame[:length]), length))

    def clear(self):
        self.kept = []
        super().clear()

    def repeat(self, seq, queue):
        return any(queue.put(frame, length) for kept, frame, length in self.kept if kept == seq)


class WillingCache(AnswerCache):
    """Executes everything, repetitions too."""

    def admit(self, seq):
        super().admit(seq)
        return True


class ImpatientCache(AnswerCache):
    """Takes only what lies ahead, so that a lost request is lost for good."""

    def admit(self, seq):
        if 0 < (seq - self._newest) % LAST_SEQ <= HALF_WRAP:
            return super().admit(seq)
        return False


class PlainCompareCache(AnswerCache):
    """Compares sequence numbers as if they never wrapped."""

    def admit(self, seq):
        return seq > self._newest - WINDOW and super().admit(seq)


class ShortMemoryCache(AnswerCache):
    """Remembers only the newest number as seen."""

    def admit(self, seq):
        self._seen &= 1
        return super().admit(seq)


class WrongModulusCache(AnswerCache):
    """Counts modulo 65536, as if 0 were a number too."""

    def admit(self, seq):
        if self._newest > seq and self._newest - seq > HALF_WRAP:
            seq -= 1
        return super().admit(seq)


class FaithfulCache(AnswerCache):
    """Keeps the answers of the last session."""

    def clear(self):
        pass


class QueuedStop(DeviceLink):
    """Lets a stop wait behind the requests."""

    def _sort(self, payload, size):
        if payload[0] == messages.STOP:
            self.frames_in += 1
            if self._requests.put(payload, size):
                return
            self.dropped += 1
            return
        super()._sort(payload, size)

    def _judge(self, payload, size):
        if payload[0] == messages.STOP:
            self._stop(bytearray(payload[:size]), size)
            return 0
        return super()._judge(payload, size)


class SessionStop(DeviceLink):
    """Takes a stop of its own session only."""

    def _stop(self, payload, size):
        if self.session_open and bytes(payload[1:5]) == self.session:
            super()._stop(payload, size)


class AnySession(DeviceLink):
    """Does not look at the session of a request."""

    def _judge(self, payload, size):
        if self.session_open and payload[0] != messages.HELLO:
            payload[1:5] = self.session
        return super()._judge(payload, size)


class NewSessionEachHello(DeviceLink):
    """Opens a session for a repeated HELLO too."""

    def _hello(self, payload, size, low, high, seq):
        self._host_nonce = bytes(4)
        return super()._hello(payload, size, low, high, seq)


class RenumberedRetransmission(HostLink):
    """Gives a repeated request a new number."""

    def _send(self, request, now_ms):
        if request.attempts and request.number != messages.HELLO:
            old = next(seq for seq, other in self._open.items() if other is request)
            self._seq = next_seq(self._seq)
            self._open = {self._seq if seq == old else seq: other for seq, other in self._open.items()}
            values = messages.decode_body(request.number, *_body(request.frame)) or ()
            request.frame = self._encode(request.number, self._seq, *values)
        return super()._send(request, now_ms)


class SingleTransmission(HostLink):
    """Sends a request once."""

    def _send(self, request, now_ms):
        frame = super()._send(request, now_ms)
        request.due_ms = 1 << 60
        return frame


class NeverGivesUp(HostLink):
    """Waits for ever."""

    def _expire(self, now_ms):
        pass


class CredulousHost(HostLink):
    """Takes whatever answer comes for the oldest request."""

    def _answer(self, number, seq, values, now_ms):
        super()._answer(number, next(iter(self._open), seq), values, now_ms)


class SessionlessHost(HostLink):
    """Takes answers of any session."""

    def _sort(self, payload, size, now_ms):
        if payload[0] != messages.WELCOME and self.is_open:
            payload[1:5] = self.session
        super()._sort(payload, size, now_ms)


class BoundlessWindow(HostLink):
    """Looks at how many requests are open, not at how far the oldest lies back."""

    @property
    def window_free(self):
        return WINDOW - len(self._open) if self.is_open else 0


class CredulousGreeting(HostLink):
    """Takes the WELCOME that was meant for another host."""

    def _welcome(self, session, values, now_ms):
        super()._welcome(session, (self._host_nonce, *values[1:]), now_ms)


def _body(frame):
    decoder = framing.FrameDecoder()
    decoder.feed(frame, 0, len(frame))
    return decoder.buffer, 7, decoder.length


def _decoder(kind, ends):
    def tamper(device=None, host=None):
        if device is not None and "device" in ends:
            device._decoder = kind()
        if host is not None and "host" in ends:
            host._decoder = kind()

    return {"tamper": tamper}


def _cache(kind, **options):
    def tamper(device=None, host=None):
        if device is not None:
            device._cache = kind()

    return {"tamper": tamper, **options}


NEAR_WRAP = 65_525

# How to make a world with the defect in it.
DEFECTS = {
    "the device checks no CRC": _decoder(UncheckedDecoder, "device"),
    "the host checks no CRC": _decoder(UncheckedDecoder, "host"),
    "the CRC is compared in part": _decoder(HalfCheckedDecoder, "device host"),
    "the device hangs after a frame too long": _decoder(StuckDecoder, "device"),
    "the host hangs after a frame too long": _decoder(StuckDecoder, "host"),
    "no answer is kept": _cache(ForgetfulCache),
    "the answer given first makes room": _cache(OldestAnswerCache),
    "repetitions are executed": _cache(WillingCache),
    "only the newest number counts as seen": _cache(ShortMemoryCache),
    "a lost request stays lost": _cache(ImpatientCache),
    "numbers are compared without their wrap": _cache(PlainCompareCache, first_seq=NEAR_WRAP),
    "numbers wrap one too late": _cache(WrongModulusCache, first_seq=NEAR_WRAP),
    "the answers of the last session are kept": _cache(FaithfulCache),
    "a stop waits behind requests": {"device_class": QueuedStop},
    "a stop needs the session": {"device_class": SessionStop},
    "requests of any session are executed": {"device_class": AnySession},
    "a repeated HELLO opens a session": {"device_class": NewSessionEachHello},
    "a repeated request gets a new number": {"host_class": RenumberedRetransmission},
    "a request is sent once": {"host_class": SingleTransmission},
    "a request is never given up": {"host_class": NeverGivesUp},
    "any answer will do": {"host_class": CredulousHost},
    "an answer of any session will do": {"host_class": SessionlessHost},
    "the window counts requests, not distance": {"host_class": BoundlessWindow},
    "any WELCOME will do": {"host_class": CredulousGreeting},
}
