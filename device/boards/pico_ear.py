"""The ear: hears a stop frame in the UART's interrupt, whatever Python is doing, also while it collects its heap.

All octets of the host take one way, through ``Ear.hear``: out of the UART and past the recogniser into a ring, from
which the link reads them. No machine modules here, so that the same source runs in every Python.
"""

from array import array

from protocol import compat as micropython
from protocol.compat import const, ptr8

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from machine import UART

RING_OCTETS = const(1024)
"""What fits the ring: 11 ms of a host that never pauses."""
# Both ends of the ring count modulo twice its size: empty and full differ.
_COUNT_MASK = const(2047)
# Read at once. Interrupts stay masked for 0.3 ms at most, with a longest stop in the chunk; the FIFO holds 0.35 ms.
CHUNK_OCTETS = const(32)
CALLS_A_TURN = const(32)
"""How often it hears, some 0.1 ms each, before it leaves the UART to the main loop until that reads again."""
# Interrupts of the UART: the line has been silent for 32 bits (IRQ_RXIDLE), the FIFO is three quarters full.
_RECEIVE_TIMEOUT = const(0x40)
_FIFO_LEVEL = const(0x10)
# What take_in() adds to the fill when it has heard a stop.
_HEARD = const(256)


# Under CPython an array stands for the pointer to its words; viper goes by the name.
ptr32 = ptr8


@micropython.viper
def is_stop(ring: ptr8, begin: int, length: int, table: ptr32) -> int:
    """Return 1 when ``length`` octets from ``begin`` on are an intact frame with the number of STOP, else 0.

    The frame is without its delimiter. COBS is undone in passing. ``table`` holds the CRC-32 of each half octet.
    """
    # Code, header and CRC at least; a first code of 1 would make the number 0.
    code = int(ring[begin & 1023])
    if length < 12 or length > 127 or code == 1 or ring[(begin + 1) & 1023] != 0x0F:
        return 0
    # Not written as a number: frozen viper code misreads constants of more than 16 bits where it is not aligned.
    bits = 28
    mask = (1 << bits) - 1
    crc = -1
    at = 1
    while at < length:
        octet = int(ring[(begin + at) & 1023])
        if at == code:
            code = at + octet
            octet = 0
        crc ^= octet
        crc = ((crc >> 4) & mask) ^ int(table[crc & 15])
        crc = ((crc >> 4) & mask) ^ int(table[crc & 15])
        at += 1
    # 0xDEBB20E3 is what anything followed by its own CRC leaves, before it is inverted; in halves, as it is too large.
    if code == length and crc & 0xFFFF == 0x20E3 and (crc >> 16) & 0xFFFF == 0xDEBB:
        return 1
    return 0


@micropython.viper
def take_in(chunk: ptr8, count: int, ring: object, put: int, fill: int, table: object) -> int:
    """Copy ``chunk[:count]`` into the ring from place ``put`` on and look for a stop that ends in it.

    ``fill`` octets before ``put`` belong to a frame that has not ended; returned is how many do now (255 for any more),
    plus 256 for a stop. A frame is far shorter than the ring: its octets are still there, read or not.
    """
    octets = ptr8(ring)
    begin = put - fill
    heard = 0
    at = 0
    while at < count:
        octet = int(chunk[at])
        octets[put & 1023] = octet
        if octet == 0:
            # Looked at here too, since calls are dear and other frames many.
            if octets[(begin + 1) & 1023] == 0x0F:
                heard |= int(is_stop(ring, begin, put - begin, table))
            begin = put + 1
        put += 1
        at += 1
    fill = put - begin
    if fill > 255:
        fill = 255
    return fill | (heard << 8)


@micropython.viper
def copy_out(ring: ptr8, get: int, count: int, buffer: ptr8):  # type: ignore[no-untyped-def]  # viper knows no None
    """Copy ``count`` octets from place ``get`` of the ring on to ``buffer``."""
    at = 0
    while at < count:
        buffer[at] = ring[(get + at) & 1023]
        at += 1


class Ear:
    """Listens to a UART: ``hear`` is its interrupt handler, ``readinto`` what the main loop reads from.

    ``cut_flow()`` is called for every intact stop frame, in the interrupt; ``mask()`` and ``unmask(masked)`` keep
    interrupts away. Allocates in the constructor and in ``listen`` only.

    Invariants. The UART is touched in its interrupt or with interrupts masked, and read by ``hear`` alone. So octets
    enter the ring in the order of the line, each once, and are recognised in the very stream that the link gets. And
    an interrupt never finds the UART's own lock taken: it could take nothing, would come back at once and leave the
    main loop no time to give the lock back. Only ``hear`` moves ``_put``, after the octets are in the ring; only the
    main loop moves ``_get``, after it has copied them: each may see the other's count of a moment ago, which shows less
    room or fewer octets, never wrong ones. What finds no room waits in the UART. ``_heard`` is set together with the
    cut, and before the octets of that stop can be read: whoever finds it unset after enabling a machine knows that a
    stop still to come cuts that machine too.
    """

    def __init__(
        self,
        uart: "UART",
        cut_flow: "Callable[[], object]",
        mask: "Callable[[], Any]",
        unmask: "Callable[[Any], object]",
    ) -> None:
        self._any = uart.any
        self._read = uart.readinto
        self._cut_flow = cut_flow
        self._mask = mask
        self._unmask = unmask
        self._chunk = bytearray(CHUNK_OCTETS)
        self._fill = 0
        self._table = _crc_table()
        self._ring = bytearray(RING_OCTETS)
        self._put = 0
        self._get = 0
        self._heard = False
        self._budget = CALLS_A_TURN
        # True from when the ring is full or the calls are used up, until the main loop reads: interrupts that take
        # nothing come back for ever, and octets 35 us apart call one each. Either would leave that loop no time.
        self._deaf = False
        self._trigger: Callable[[int], object] = _nothing

    def listen(self, uart: "UART") -> None:
        """Hear in the UART's interrupt: 35 us after the last octet of a burst, and within a burst every 23 octets."""
        self._trigger = uart.irq(self.hear, _RECEIVE_TIMEOUT, True).trigger  # type: ignore[arg-type, assignment, union-attr]
        self._trigger(_RECEIVE_TIMEOUT | _FIFO_LEVEL)

    def hear(self, _uart: object = None) -> int:
        """Take one chunk from the UART and return its length, 0 when there is none or no room for it.

        To be called in the UART's interrupt or with interrupts masked. Allocates nothing.
        """
        count = self._any()
        if count == 0:
            return 0
        put = self._put
        room = RING_OCTETS - ((put - self._get) & _COUNT_MASK)
        if count > room:
            count = room
        if count > CHUNK_OCTETS:
            count = CHUNK_OCTETS
        budget = self._budget
        if count == 0 or budget == 0:
            self._deaf = True
            self._trigger(0)
            return 0
        self._budget = budget - 1
        chunk = self._chunk
        count = self._read(chunk, count) or 0
        fill = take_in(chunk, count, self._ring, put, self._fill, self._table)
        if fill >= _HEARD:
            fill -= _HEARD
            self._heard = True
            self._cut_flow()
        self._fill = fill
        self._put = (put + count) & _COUNT_MASK
        return count

    def readinto(self, buffer: bytearray) -> int:
        """Copy octets to ``buffer`` and return how many, 0 for none. Hears first what no interrupt has brought."""
        self._budget = CALLS_A_TURN
        heard = CHUNK_OCTETS
        while heard == CHUNK_OCTETS:
            masked = self._mask()
            heard = self.hear() if self._any() else 0
            self._unmask(masked)
        get = self._get
        count = (self._put - get) & _COUNT_MASK
        if count == 0:
            return 0
        if count > len(buffer):
            count = len(buffer)
        copy_out(self._ring, get, count, buffer)
        self._get = (get + count) & _COUNT_MASK
        if self._deaf:
            self._listen_again()
        return count

    def _listen_again(self) -> None:
        masked = self._mask()
        self._deaf = False
        self._trigger(_RECEIVE_TIMEOUT | _FIFO_LEVEL)
        self._unmask(masked)

    def stop_pending(self) -> bool:
        """Return whether a stop frame has cut the steps since the last ``stop_heard``."""
        return self._heard

    def stop_heard(self) -> bool:
        """Return the same and forget it."""
        # Tested before it is cleared: a stop that is heard in between belongs to this answer.
        if not self._heard:
            return False
        self._heard = False
        return True


def _crc_table() -> "array[int]":
    """Return the CRC-32 of each half octet."""
    table = array("I", [0] * 16)
    for half in range(16):
        crc = half
        for _ in range(4):
            crc = (crc >> 1) ^ (0xEDB88320 if crc & 1 else 0)
        table[half] = crc
    return table


def _nothing(_trigger: int) -> None:
    pass
