"""The heartbeat one-shot: it feeds motor and valve for a fixed time after each edge."""

from collections import deque

NEVER_NS = 1 << 62


class OneShot:
    """Retriggerable one-shot. Edges may be announced ahead of the time that has been reached; times are ns."""

    __slots__ = ("_ahead", "_hold_ns", "active", "change_ns", "last_edge_ns")

    def __init__(self, hold_ns: int) -> None:
        self._hold_ns = hold_ns
        self._ahead: deque[list[int]] = deque()
        self.active = False
        self.change_ns = NEVER_NS  # when the output changes next
        self.last_edge_ns: int | None = None

    def edges(self, first_ns: int, period_ns: int, count: int) -> None:
        """Trigger ``count`` times."""
        if period_ns >= self._hold_ns and count > 1:
            for number in range(count):
                self.edges(first_ns + number * period_ns, 0, 1)
            return
        self.last_edge_ns = last_ns = first_ns + (count - 1) * period_ns
        end_ns = last_ns + self._hold_ns
        if self._ahead:
            tail = self._ahead[-1]
            if first_ns <= tail[1]:
                tail[1] = end_ns
            else:
                self._ahead.append([first_ns, end_ns])
        elif self.active and first_ns <= self.change_ns:
            self.change_ns = end_ns
        else:
            self._ahead.append([first_ns, end_ns])
            if not self.active:
                self.change_ns = first_ns

    def change(self) -> None:
        """Make the change that is due at ``change_ns``."""
        if self.active:
            self.active = False
            self.change_ns = self._ahead[0][0] if self._ahead else NEVER_NS
        else:
            self.active = True
            self.change_ns = self._ahead.popleft()[1]
