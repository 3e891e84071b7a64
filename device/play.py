"""The play between screw and nut of each channel: taken up by pushing forward, open again once hands were at the pump.

The pumps never turn back. So the play swallows steps of the first run after a start, an open door or an exchanged
cartridge at most, until a run has gone further forward than the play is wide.
"""

from device.line import BACKLASH_NL
from protocol import codes

_EVERY = (codes.CHANNEL_AGENT, codes.CHANNEL_COUNTER_AGENT, codes.CHANNEL_FLUSH)


class Play:
    """What the play of each channel may still swallow; nothing of it outlives the power."""

    def __init__(self) -> None:
        self._left_nl = [BACKLASH_NL for _ in _EVERY]

    def left_nl(self, channel: int) -> int:
        """Return what of the next run may be swallowed at most, nL."""
        return self._left_nl[channel]

    def taken_up(self, channel: int) -> None:
        """A run has pushed liquid out even if the whole play was open before."""
        self._left_nl[channel] = 0

    def opened(self, channel: int) -> None:
        """Somebody may have turned the screw or moved the plunger of this channel."""
        self._left_nl[channel] = BACKLASH_NL

    def opened_all(self) -> None:
        """The door stood open: somebody may have been at any pump."""
        for channel in _EVERY:
            self._left_nl[channel] = BACKLASH_NL
