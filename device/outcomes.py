"""What became of each dose id in this boot: a ring of packed DOSE_STATE bodies, so that a repeated id moves nothing."""

from protocol import messages
from protocol.compat import const

# 256 outcomes outlast every order: an order lives 60 s and a dose takes more than a second. Refusals are quick, so they
# have a ring of their own and can never push an executed dose out.
EXECUTED = const(256)
REFUSALS = const(32)


class Outcomes:
    """A ring of ``capacity`` outcomes, found by id; allocated once, one of all rings ``apart`` from the heap."""

    def __init__(self, capacity: int, apart: bool = False) -> None:
        self._size = messages.SIZES[messages.DOSE_STATE]
        self._bodies = _memory(capacity * self._size, apart)
        self._capacity = capacity
        self._index = {}  # type: dict[bytes, int]
        self._order = [b""] * capacity
        self._next = 0

    def put(self, values: tuple) -> None:
        """Keep the values of a DOSE_STATE; the same id again replaces its own entry, a new one the oldest."""
        dose_id = values[0]
        slot = self._index.get(dose_id, -1)
        if slot < 0:
            slot = self._next
            self._next = (slot + 1) % self._capacity
            if self._order[slot]:
                del self._index[self._order[slot]]
            self._order[slot] = dose_id
            self._index[dose_id] = slot
        messages.encode_body(messages.DOSE_STATE, self._bodies, slot * self._size, *values)

    def get(self, dose_id: bytes) -> tuple | None:
        """Return the values kept for ``dose_id``, None when there are none."""
        slot = self._index.get(dose_id, -1)
        if slot < 0:
            return None
        start = slot * self._size
        return messages.decode_body(messages.DOSE_STATE, self._bodies, start, start + self._size)


def _memory(octets: int, apart: bool) -> bytearray:
    """Return memory for outcomes.

    Apart from the heap, where the image has such memory, its collector does not look through it: that takes 0.8 ms.
    """
    if apart:
        try:
            from uctypes import bytearray_at

            from device._build import APART_AT, APART_OCTETS  # type: ignore[import-not-found, unused-ignore]
        except ImportError:
            return bytearray(octets)
        if octets <= APART_OCTETS:
            return bytearray_at(APART_AT, octets)
    return bytearray(octets)
