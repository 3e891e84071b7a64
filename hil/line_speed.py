"""What a UART receives when sender and receiver disagree about the speed: the line is sampled at the wrong moments."""

FRAME_BITS = 10
"""Start bit, eight data bits with the lowest first, stop bit (8N1)."""


def resample(octets: bytes, sent_baud: int, received_baud: int) -> bytes:
    """Return what a receiver at `received_baud` makes of octets sent back to back at `sent_baud`.

    Framing errors are not told apart, as on an RP2040 under MicroPython: the octet counts all the same.
    """
    if sent_baud == received_baud:
        return octets
    levels = _levels(octets)
    ratio = sent_baud / received_baud
    received = bytearray()
    at = _next_start(levels, 0.0)
    while at is not None:
        value = 0
        for bit in range(8):
            value |= _level(levels, at + (1.5 + bit) * ratio) << bit
        received.append(value)
        at = _next_start(levels, at + (FRAME_BITS - 0.5) * ratio)
    return bytes(received)


def _levels(octets: bytes) -> bytes:
    """Return the level of each bit time on the line."""
    levels = bytearray()
    for octet in octets:
        levels.append(0)
        levels.extend(octet >> bit & 1 for bit in range(8))
        levels.append(1)
    return bytes(levels)


def _level(levels: bytes, at: float) -> int:
    """Return the level at a moment in bit times of the sender; an idle line is high."""
    index = int(at)
    return levels[index] if index < len(levels) else 1


def _next_start(levels: bytes, at: float) -> float | None:
    """Return the next moment not before `at` at which a receiver takes the line for a start bit."""
    if _level(levels, at) == 0:
        return at
    index = levels.find(0, int(at))
    return float(index) if index >= 0 else None
