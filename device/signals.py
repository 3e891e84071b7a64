"""Light and sound of the alarms, as functions of time: flashing by priority, sound in bursts (IEC 60601-1-8).

High: red at 2 Hz; ten pulses, three and two and once more. Medium: yellow at 0.6 Hz; three pulses. Low: cyan, steady;
two pulses, rarely. Nothing here touches a pin: ``tick`` says whether the board has to be told.
"""

from device.clock import WRAP_MASK, ticks_add
from protocol import codes
from protocol.compat import const

RED = const(1)
YELLOW = const(2)
CYAN = const(4)

# How long a person is shown every lamp and the high alarm's sound, to confirm them.
TEST_MS = const(6_000)

# By priority: colour; period of the flashing and how long of it the lamp is lit, ms. What is always lit is steady.
_COLOURS = (0, CYAN, YELLOW, RED)
_FLASH_MS = (1_000, 1_000, 1_660, 500)
_LIT_MS = (0, 1_000, 830, 250)

# By priority: period of the bursts, length of one pulse, and when in the period each pulse begins, ms.
# High: pulses of 150 ms, 100 ms apart; 350 ms (twice the gap and a pulse) after the third, 500 ms after the fifth; the
# next burst 5 s after the last pulse. Medium: 200 ms apart, 7 s between bursts. Low: 20 s between bursts.
_BURST_MS = (1_000, 20_600, 8_000, 8_300)
_PULSE_MS = (0, 200, 200, 150)
_PULSES_MS = (
    (),
    (0, 400),
    (0, 400, 800),
    (0, 250, 500, 1_000, 1_250, 1_900, 2_150, 2_400, 2_900, 3_150),
)


def lamp(priority: int, phase_ms: int) -> int:
    """Return the lamp that is lit so long after the flashing began: RED, YELLOW or CYAN, 0 for none."""
    return _COLOURS[priority] if phase_ms % _FLASH_MS[priority] < _LIT_MS[priority] else 0


def sounds(priority: int, phase_ms: int) -> bool:
    """Return whether a pulse is heard so long after the bursts began."""
    phase_ms %= _BURST_MS[priority]
    length_ms = _PULSE_MS[priority]
    for begin_ms in _PULSES_MS[priority]:  # noqa: SIM110 -- a generator would be allocated
        if begin_ms <= phase_ms < begin_ms + length_ms:
            return True
    return False


class Signals:
    """``light`` is the lamps that are lit (RED | YELLOW | CYAN), ``sound`` whether the buzzer sounds."""

    def __init__(self) -> None:
        self.light = 0
        self.sound = False
        self._visible = codes.PRIORITY_NONE
        self._audible = codes.PRIORITY_NONE
        self._light_since_ms = 0
        self._sound_since_ms = 0
        self._testing = False
        self._test_since_ms = 0

    def test(self, now_ms: int) -> None:
        """Show every lamp and sound the high alarm for TEST_MS, whatever is the matter."""
        self._testing = True
        self._test_since_ms = now_ms

    def tick(self, now_ms: int, visible: int, audible: int) -> bool:
        """Show one priority and sound another (PRIORITY_); return whether lamps or buzzer have to be switched."""
        if self._testing and self._show_all(now_ms):
            visible = audible = codes.PRIORITY_NONE
            light, sound = RED | YELLOW | CYAN, sounds(codes.PRIORITY_HIGH, now_ms - self._test_since_ms & WRAP_MASK)
        elif visible or audible or self.light or self.sound:
            light, sound = self._light(now_ms, visible), self._sound(now_ms, audible)
        else:
            self._visible = self._audible = codes.PRIORITY_NONE
            return False
        self._visible = visible
        self._audible = audible
        if light == self.light and sound == self.sound:
            return False
        self.light = light
        self.sound = sound
        return True

    def _show_all(self, now_ms: int) -> bool:
        self._testing = now_ms - self._test_since_ms & WRAP_MASK < TEST_MS
        return self._testing

    def _light(self, now_ms: int, visible: int) -> int:
        """Another priority begins with its lamp lit; whole periods are taken off, so that a wrap is no event."""
        if visible != self._visible:
            self._light_since_ms = now_ms
        phase_ms = now_ms - self._light_since_ms & WRAP_MASK
        if phase_ms >= _FLASH_MS[visible]:
            self._light_since_ms = ticks_add(now_ms, -(phase_ms % _FLASH_MS[visible]))
        return lamp(visible, phase_ms)

    def _sound(self, now_ms: int, audible: int) -> bool:
        if audible != self._audible:
            self._sound_since_ms = now_ms
        phase_ms = now_ms - self._sound_since_ms & WRAP_MASK
        if phase_ms >= _BURST_MS[audible]:
            self._sound_since_ms = ticks_add(now_ms, -(phase_ms % _BURST_MS[audible]))
        return sounds(audible, phase_ms)
