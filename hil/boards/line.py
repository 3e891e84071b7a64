"""One direction of the UART: octets enter at one end and arrive at the line's speed."""

from collections import deque

BAUD = 921_600
OCTET_NS = round(10 * 1_000_000_000 / BAUD)  # start bit, eight bits, stop bit
_WAKE_AFTER = 64  # octets without a delimiter that are worth looking at
NEVER_NS = 1 << 62


class _Burst:
    __slots__ = ("data", "first_ns", "taken")

    def __init__(self, data: bytes, first_ns: int) -> None:
        self.data = data
        self.first_ns = first_ns  # when the first octet has arrived
        self.taken = 0


class UartLine:
    """Octets on their way. Each arrives ``OCTET_NS`` after the one before it, or after it was sent on an idle line."""

    __slots__ = ("_bursts", "free_ns", "next_ns", "wake_ns")

    def __init__(self) -> None:
        self._bursts: deque[_Burst] = deque()
        self.free_ns = 0  # when the last octet has arrived
        self.next_ns = NEVER_NS  # when the first octet arrives that was not taken yet
        self.wake_ns = NEVER_NS  # when there is something worth looking at: a delimiter, a pause, or many octets

    def send(self, data: bytes, now_ns: int) -> None:
        """Put octets onto the line; the last of them arrives at ``free_ns``."""
        if not data:
            return
        first_ns = max(self.free_ns, now_ns) + OCTET_NS
        self._bursts.append(_Burst(data, first_ns))
        self.free_ns = first_ns + (len(data) - 1) * OCTET_NS
        if self.wake_ns == NEVER_NS:
            self._find_wake()

    def take(self, now_ns: int) -> bytes:
        """Return the octets that have arrived since the last call."""
        if now_ns < self.next_ns:
            return b""
        arrived = bytearray()
        while self._bursts:
            burst = self._bursts[0]
            end = max(burst.taken, min(len(burst.data), (now_ns - burst.first_ns) // OCTET_NS + 1))
            arrived += burst.data[burst.taken : end]
            burst.taken = end
            if end < len(burst.data):
                break
            self._bursts.popleft()
        self._find_wake()
        return bytes(arrived)

    def in_flight(self, now_ns: int) -> int:
        """Return how many octets have not arrived yet."""
        return max(0, -(-(self.free_ns - now_ns) // OCTET_NS))

    def cut(self, now_ns: int) -> None:
        """Lose what has not arrived yet; what has arrived can still be taken."""
        arrived = self.take(now_ns)
        self.clear()
        if arrived:
            self._bursts.append(_Burst(arrived, now_ns - (len(arrived) - 1) * OCTET_NS))
            self.free_ns = now_ns
            self._find_wake()

    def clear(self) -> None:
        """Lose everything on the line."""
        self._bursts.clear()
        self.free_ns = 0
        self._find_wake()

    def _find_wake(self) -> None:
        if not self._bursts:
            self.next_ns = self.wake_ns = NEVER_NS
            return
        burst = self._bursts[0]
        self.next_ns = burst.first_ns + burst.taken * OCTET_NS
        last = burst.data.find(0, burst.taken)
        if last < 0:
            last = len(burst.data) - 1
        last = min(last, burst.taken + _WAKE_AFTER - 1)
        self.wake_ns = burst.first_ns + last * OCTET_NS
