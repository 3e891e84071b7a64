"""What both ends of the link share: the header, the window of requests and the arithmetic of sequence numbers."""

from protocol.compat import const

# Number, session (two halves, so that neither end builds an object for it), sequence number.
HEADER = "<BHHH"
HEADER_SIZE = const(7)

NO_SESSION = b"\x00\x00\x00\x00"

WINDOW = const(8)
"""A host sends no request more than WINDOW - 1 ahead of the oldest one that it still wants answered."""

FIRST_TO_HOST = const(0x80)
"""Messages with this number or above only ever go to the host."""

LAST_SEQ = const(65535)
"""Sequence numbers count 1 to LAST_SEQ and go on with 1; 0 says that a message is outside the count."""

HALF_WRAP = const(32767)
"""A distance up to this one is ahead, a longer one behind."""

HELLO_SEQ = const(1)
"""Sequence number of HELLO, which stands before the count of its session."""


def next_seq(seq: int) -> int:
    """Return the sequence number after ``seq``."""
    return 1 if seq == LAST_SEQ else seq + 1


def seq_distance(seq: int, origin: int) -> int:
    """Return how many counts ``seq`` lies after ``origin``, 0 to 65534."""
    return (seq - origin) % LAST_SEQ
