"""The memory of a cartridge, 24AA025, as its data sheet (DS21210) describes it from the outside."""


class EepromChip:
    """256 octets behind an address of one octet, written in pages of 16 that wrap, silent while it writes.

    A page whose power goes while it is written holds the octets that were done, and after them one that is erased.
    """

    SIZE = 256
    PAGE = 16
    ERASED = 0xFF

    def __init__(self, write_ns: int) -> None:
        self.contents = bytearray([self.ERASED]) * self.SIZE
        self._write_ns = write_ns
        self._pointer = 0
        self.busy_until_ns = 0
        self._writing: list[tuple[int, int]] = []
        self.pages_written = 0

    def power_on(self, now_ns: int = 0) -> None:
        """Point at the beginning; the contents stay."""
        self._finish(now_ns)
        self._writing.clear()
        self.busy_until_ns = 0
        self._pointer = 0

    def power_off(self, now_ns: int) -> None:
        """Lose the rest of a page that is being written."""
        self._finish(now_ns)
        if self._writing:
            done = len(self._writing) * (now_ns - self.busy_until_ns + self._write_ns) // self._write_ns
            for place, octet in self._writing[:done]:
                self.contents[place] = octet
            self.contents[self._writing[min(done, len(self._writing) - 1)][0]] = self.ERASED
            self._writing.clear()

    def write(self, data: bytes, now_ns: int) -> bool:
        """Take an address and up to a page of octets; more of them wrap within the page. Not while it writes."""
        self._finish(now_ns)
        if now_ns < self.busy_until_ns:
            return False
        if not data:
            return True  # how a controller asks whether the writing has ended
        self._pointer = data[0]
        page = self._pointer - self._pointer % self.PAGE
        places: dict[int, int] = {}
        for octet in data[1:]:
            places[self._pointer] = octet
            self._pointer = page + (self._pointer + 1) % self.PAGE
        if places:
            self._writing = sorted(places.items())
            self.busy_until_ns = now_ns + self._write_ns
            self.pages_written += 1
        return True

    def read(self, count: int, now_ns: int) -> bytes | None:
        """Return octets from the pointer on, around the end; None while it writes."""
        self._finish(now_ns)
        if now_ns < self.busy_until_ns:
            return None
        answer = bytes(self.contents[(self._pointer + number) % self.SIZE] for number in range(count))
        self._pointer = (self._pointer + count) % self.SIZE
        return answer

    def _finish(self, now_ns: int) -> None:
        if self._writing and now_ns >= self.busy_until_ns:
            for place, octet in self._writing:
                self.contents[place] = octet
            self._writing.clear()
