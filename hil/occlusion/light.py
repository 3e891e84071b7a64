"""The simulated rig and the supervision of its flow, with nothing else of the firmware: 300 times real time."""

from device.drivers.pressure import PressureSensor
from device.limits import STEP_PL
from device.supervision import Supervision
from hil.plant.parameters import NS_PER_MS, NS_PER_S, PlantParameters
from hil.plant.rig import SimulatedRig
from hil.plant.sensors import ADC_PRESSURE
from protocol import codes

TICK_MS = 10
TICK_NS = TICK_MS * NS_PER_MS
FLUSH = codes.CHANNEL_FLUSH
FOR_EVER = 1 << 40
# The queue tells a word when it is done: steps are counted so many ticks late.
COUNTED_LATE_TICKS = 2


class FlowWord:
    """What the driver makes of the flow sensor's word."""

    flow_nl_s = 0
    faulty = False

    def take(self, flow_nl_s: float) -> None:
        """Take one measurement, nL/s, with the sensor's resolution."""
        self.flow_nl_s = round(flow_nl_s * 0.6) * 100 // 60


class LightRig:
    """Emits steps evenly, reads the sensors every tick and asks the supervision; times in s, volumes in nL."""

    def __init__(self, seed: int = 1, *, rest_s: float = 3.5, **parameters: float) -> None:
        """``parameters`` are those of the plant that differ from the reference rig's."""
        self.plant = SimulatedRig(PlantParameters(**parameters), seed)  # type: ignore[arg-type]
        self.plant.set_direction(0, True)
        self.plant.heartbeat_edges(0, TICK_NS, FOR_EVER)
        self.pressure = PressureSensor()
        self.flow = FlowWord()
        self.supervision = Supervision(self.pressure, self.flow)  # type: ignore[arg-type]
        self.now_ns = 0
        self.emitted = 0
        self._rate_nl_s = 0
        self._next_ns = 0.0
        self._uncounted: list[int] = []
        self.run(rest_s)

    @property
    def emitted_nl(self) -> float:
        """Nominal volume of the steps that left the pin."""
        return self.emitted * STEP_PL / 1000

    @property
    def now_s(self) -> float:
        """The time reached."""
        return self.now_ns / NS_PER_S

    def begin(self, to_patient: bool = True) -> None:
        """Energise the valve, or leave it released for a run to the waste, and wait for it."""
        self.plant.set_valve(self.now_ns, to_patient)
        self.supervision.begin(to_patient)
        self.run(2 * TICK_MS / 1000)

    def rest(self) -> None:
        """Let no step out any more and release the valve."""
        self._rate_nl_s = 0
        self.plant.set_valve(self.now_ns, False)
        self.supervision.rest()

    def dose(self, volume_nl: float, rate_nl_s: int, settle_s: float = 1.0) -> int:
        """Give a dose, settle and rest; return the first cause."""
        self.begin()
        cause = self.run(volume_nl / rate_nl_s, rate_nl_s) or self.run(settle_s, 0)
        self.rest()
        return cause

    def run(self, duration_s: float, rate_nl_s: int | None = None) -> int:
        """Go on for so long, or until there is a cause, which is returned."""
        if rate_nl_s is not None:
            self._rate_nl_s = rate_nl_s
        for _ in range(round(duration_s * 1000 / TICK_MS)):
            cause = self.tick()
            if cause != codes.CAUSE_NONE:
                return cause
        return codes.CAUSE_NONE

    def tick(self) -> int:
        """Run one tick; return the cause."""
        self._uncounted.append(self._emit())
        counted = self._uncounted.pop(0) if len(self._uncounted) > COUNTED_LATE_TICKS else 0
        if not self._rate_nl_s:
            counted += sum(self._uncounted)
            self._uncounted = []
        self.now_ns += TICK_NS
        self.pressure.take(self.plant.adc(ADC_PRESSURE, self.now_ns))
        self.flow.take(self.plant.sensors.flow_nl_s(self.now_ns))
        return self.supervision.tick(counted, self._rate_nl_s, TICK_MS)

    def _emit(self) -> int:
        """Let the steps out that are due before the next tick."""
        if not self._rate_nl_s:
            return 0
        period_ns = STEP_PL * 1e6 / self._rate_nl_s
        if self._next_ns < self.now_ns:
            self._next_ns = self.now_ns + period_ns
        count = max(0, -int((self._next_ns - self.now_ns - TICK_NS) // period_ns))
        if count:
            self.plant.step_edges(FLUSH, round(self._next_ns), int(period_ns), count)
            self._next_ns += count * period_ns
        self.emitted += count
        return count
