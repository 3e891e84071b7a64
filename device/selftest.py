"""The self-test at start (ALARM-4): every part that a dose relies on has to show once in this boot that it works.

``bits`` are SELF_TEST_ bits of what has not shown so yet. What fails inhibits dosing until it passes: thermometer and
density sensor keep the agent alone, and so do light and sound, which a person confirms once a boot; the others keep
everything that goes to a patient. A rescue never waits for somebody to look at a lamp.
"""

from device.clock import ticks_diff
from protocol import codes
from protocol.compat import const

TYPE_CHECKING = False
if TYPE_CHECKING:
    from device.sensors import Sensors

# Sensors wake up, and the journal is recovered, well within this; after it, what is missing is an alarm.
DEADLINE_MS = const(5_000)
# A tenth of the Pico's heap: what an order, its answer and a collection's worth of garbage take, three times over.
HEAP_LEAST_OCTETS = const(24_000)
# With the valve released the line has no pressure; what is left of it, or of the sensor's zero, may be so much.
RESIDUAL_PA = const(3_000)

_PRESSURE = const(0x008)
_FLOW = const(0x010)
_TEMPERATURE = const(0x020)
_DENSITY = const(0x040)
_SUPPLY = const(0x080)
_LIGHT_SOUND = const(0x200)
_AGENT_ALONE = const(0x260)  # temperature, density, light and sound
_ALL = const(0x3FF)


class SelfTest:
    """Takes what was found at start, then looks at the sensors until each has passed."""

    def __init__(self, now_ms: int) -> None:
        self.bits = _ALL
        self.late = False
        self._began_ms = now_ms

    def image(self, intact: bool) -> None:
        """The firmware is the one that was built."""
        self._passed(codes.SELF_TEST_IMAGE, intact)

    def heap(self, free_octets: int) -> None:
        """Take the free heap after start-up, 0 where there is no such figure."""
        self._passed(codes.SELF_TEST_HEAP, free_octets == 0 or free_octets >= HEAP_LEAST_OCTETS)

    def journal(self, faulty: bool) -> None:
        """The journal is there and was recovered."""
        self._passed(codes.SELF_TEST_JOURNAL, not faulty)

    def watchdog(self, running: bool) -> None:
        """The watchdog runs from now on."""
        self._passed(codes.SELF_TEST_WATCHDOG, running)

    def confirmed(self) -> None:
        """A person has seen every lamp and heard the sound. Holds for this boot."""
        self._passed(codes.SELF_TEST_LIGHT_SOUND, True)

    def tick(self, now_ms: int, sensors: "Sensors", at_rest: bool) -> None:
        """Look at the sensors that have not passed. ``at_rest``: nothing flows and the valve is released."""
        if not self.bits & ~_LIGHT_SOUND:
            return
        pressure = sensors.pressure
        if at_rest:
            self._passed(_PRESSURE, not pressure.faulty and abs(pressure.settled_pa) <= RESIDUAL_PA)
        self._passed(_FLOW, not sensors.flow.faulty)
        self._passed(_TEMPERATURE, not sensors.temperature.faulty)
        self._passed(_DENSITY, not sensors.density.faulty)
        self._passed(_SUPPLY, sensors.supply.healthy)
        self.late = self.late or ticks_diff(now_ms, self._began_ms) >= DEADLINE_MS

    def judge(self, agent: bool) -> int:
        """Return REASON_SELF_TEST while a dose to the patient, of agent or not, must not be given."""
        return codes.REASON_SELF_TEST if self.bits & (_ALL if agent else ~_AGENT_ALONE) else codes.REASON_NONE

    def alarms(self) -> bool:
        """Whether a part that everything relies on has failed."""
        return self.late and bool(self.bits & ~_AGENT_ALONE)

    def _passed(self, bit: int, passed: bool) -> None:
        if passed:
            self.bits &= ~bit
