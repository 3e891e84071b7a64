"""The alarms: latched until acknowledged and gone, in the order in which they came; the highest drives light and sound.

Alarms are the bits of ``alarm_table``: alarm n is bit n - 1.
"""

from device.alarm_table import ALARMS, INDEX, LATCHING, PRIORITY
from device.clock import ticks_add, ticks_diff
from device.repeats import Repeats
from device.signals import Signals
from protocol import codes
from protocol.compat import const

MAX_AUDIO_PAUSE_S = const(120)
_FORGET_TICKS = const(6_000)


class Alarms:
    """What is the matter, and who knows of it.

    ``present``: conditions that stand. ``latched``: alarms that are not over. ``acknowledged``: those of them that a
    person has acknowledged. ``first``: the latched alarm that came first. ``highest``: the one that drives light and
    sound, of ``priority``. All 0 for none. ``light`` and ``sound`` are what the board has to show.
    """

    def __init__(self) -> None:
        self.present = 0
        self.latched = 0
        self.acknowledged = 0
        self.first = 0
        self.highest = 0
        self.priority = codes.PRIORITY_NONE
        self.signals = Signals()
        self.repeats = Repeats()
        self._audible = codes.PRIORITY_NONE
        self._order = bytearray(ALARMS)
        self._count = 0
        self._paused = False
        self._pause_ends_ms = 0
        self._ticks = 0

    @property
    def light(self) -> int:
        """The lamps that are lit: RED, YELLOW, CYAN of ``signals``."""
        return self.signals.light

    @property
    def sound(self) -> bool:
        """Whether the buzzer sounds."""
        return self.signals.sound

    def raise_(self, alarm: int) -> None:
        """Latch an alarm that happens at an instant, as when a supervision ended flow."""
        bit = 1 << (alarm - 1)
        self.acknowledged &= ~bit
        self._latch(bit)

    def observe(self, present: int) -> None:
        """Take the conditions that stand now; what comes is latched, what went and was acknowledged is over."""
        came = present & ~self.present
        went = self.present & ~present
        if not came and not went:
            return
        self.present = present
        if came:
            # What is acknowledged stands: none of these is.
            self._latch(came)
        if went:
            self._end(went & (self.acknowledged | ~LATCHING))

    def acknowledge(self, bits: int) -> int:
        """Take that a person knows of these alarms; return a REASON_ code. One that is not latched changes nothing."""
        if not bits or bits & ~self.latched:
            return codes.REASON_NO_ALARM
        self.acknowledged |= bits
        self._end(bits & ~self.present)
        self._rank()
        return codes.REASON_NONE

    def pause_audio(self, duration_s: int, now_ms: int) -> int:
        """Silence the sound for a time, 0 ends it; return a REASON_ code. The nearest allowed is MAX_AUDIO_PAUSE_S."""
        if duration_s > MAX_AUDIO_PAUSE_S:
            return codes.REASON_EXPIRY_TOO_FAR
        if duration_s and not self.latched:
            return codes.REASON_NO_ALARM
        self._paused = duration_s > 0
        self._pause_ends_ms = ticks_add(now_ms, duration_s * 1000)
        return codes.REASON_NONE

    def link_lost(self) -> None:
        """The link that may have asked for a pause of the sound is gone, and the pause with it."""
        self._paused = False

    def audio_paused_s(self, now_ms: int) -> int:
        """Return how long the sound stays paused, s, rounded up; 0 when it is not."""
        return (ticks_diff(self._pause_ends_ms, now_ms) + 999) // 1000 if self._paused else 0

    def flow_ended(self, alarm: int, now_ms: int) -> bool:
        """Take that an alarm ended or paused flow; return whether ALARM_REPEATED was raised for it. Allocates."""
        if not self.repeats.stopped(alarm, now_ms):
            return False
        self.raise_(codes.ALARM_REPEATED)
        return True

    def test(self, now_ms: int) -> None:
        """Show and sound everything for a while, for a person to confirm."""
        self.signals.test(now_ms)

    def tick(self, now_ms: int) -> bool:
        """Move light and sound on; return whether the board has to be told."""
        if self._paused and ticks_diff(now_ms, self._pause_ends_ms) >= 0:
            self._paused = False
        self._ticks += 1
        if self._ticks >= _FORGET_TICKS:
            self._ticks = 0
            self.repeats.forget_old(now_ms)
        return self.signals.tick(now_ms, self.priority, codes.PRIORITY_NONE if self._paused else self._audible)

    def _latch(self, bits: int) -> None:
        """Latch alarms; one that is new is heard, whatever is paused."""
        new = bits & ~self.latched
        self.latched |= bits
        while new:
            bit = new & -new
            new ^= bit
            self._order[self._count] = INDEX[bit] + 1
            self._count += 1
            self._paused = False
        self._rank()

    def _end(self, bits: int) -> None:
        """Take away latched alarms; the others keep their order."""
        bits &= self.latched
        if not bits:
            return
        self.latched &= ~bits
        self.acknowledged &= ~bits
        kept = 0
        for index in range(self._count):
            alarm = self._order[index]
            if not bits & (1 << (alarm - 1)):
                self._order[kept] = alarm
                kept += 1
        self._count = kept
        self._rank()

    def _rank(self) -> None:
        """Find the first and the highest; of equals the earlier one. What is acknowledged is no longer heard."""
        self.first = self._order[0] if self._count else 0
        self.highest = 0
        self.priority = codes.PRIORITY_NONE
        self._audible = codes.PRIORITY_NONE
        for index in range(self._count):
            alarm = self._order[index]
            priority = PRIORITY[alarm - 1]
            if priority > self.priority:
                self.priority = priority
                self.highest = alarm
            if priority > self._audible and not self.acknowledged & (1 << (alarm - 1)):
                self._audible = priority
