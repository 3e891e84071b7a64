"""What a failed bus transfer says."""

from protocol.compat import const

_ETIMEDOUT = const(110)


def timed_out(error: OSError) -> bool:
    """Whether the bus is held, which costs 2 ms to find out. Anything else is a chip that does not answer, at once."""
    return bool(error.args) and error.args[0] == _ETIMEDOUT
