"""What was refused lately: a repeated id is refused again with the same reason, though it might be allowed by now."""

from protocol.compat import const

REFUSALS = const(32)


class Refusals:
    """The values of DOSE_STATE of the last refused orders, found by id."""

    def __init__(self) -> None:
        self._values = [()] * REFUSALS
        self._next = 0

    def put(self, values: tuple) -> None:
        """Keep the values of a refusal; the oldest goes."""
        self._values[self._next] = values
        self._next = (self._next + 1) % REFUSALS

    def get(self, dose_id: bytes) -> tuple | None:
        """Return the values kept for ``dose_id``, None when there are none."""
        for values in self._values:
            if values and values[0] == dose_id:
                return values
        return None
