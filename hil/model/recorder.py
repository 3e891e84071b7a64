"""A recorder that lets somebody see every run of edges before the plant does, and keeps nothing else."""

from collections.abc import Callable

from hil.recorder import Recorder


def _nobody(_channel: int, _first_ns: int, _period_ns: int, _count: int) -> None:
    return None


class TappedRecorder(Recorder):
    """Counts edges; a model runs for hours of the rig, so frames and edges themselves are not kept."""

    def __init__(self) -> None:
        super().__init__()
        self.tap: Callable[[int, int, int, int], None] = _nobody
        self.count = 0

    def step_edges(self, channel: int, first_ns: int, period_ns: int, count: int) -> None:
        """Note ``count`` rising edges at a step pin."""
        self.count += count
        self.tap(channel, first_ns, period_ns, count)

    def frame(self, direction: str, now_ns: int, data: bytes) -> None:
        """Octets on the link are looked at where they are sent and heard."""
