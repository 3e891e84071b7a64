"""What a liquid line can do, as an interval, and what this one has shown: its resistance and its compliance.

Resistances are in 1/16 kPa per uL/s, which is 1/16 Pa per nL/s; compliances in nL/kPa; pressures in Pa; flows in nL/s.
"""

from device.line import COMPLIANCE_MAX_NL_KPA, COMPLIANCE_MIN_NL_KPA
from protocol import codes
from protocol.compat import const

TYPE_CHECKING = False
if TYPE_CHECKING:
    from device.drivers.pressure import PressureSensor

# The highest resistance that is still a line: 10 kPa per uL/s (reference rig R1, "range to be tried"), flow read 10 %
# too small and pressure 3 % too large, and a margin.
_RESISTANCE_MAX = const(208)
_RESISTANCE_MIN = const(16)
# The way to the waste has 0.2 kPa per uL/s, the patient line no less than 0.5.
_RESISTANCE_BETWEEN = const(6)
# A resistance is learned from as much as this, once the readings have come together.
_LEARN_PA = const(1000)
_LEARN_NL_S = const(200)
_LEARN_TICKS = const(60)
# A compliance is learned from a line that relaxes from this pressure or more, and believed with half as much again.
_RELAX_PA = const(2000)
# The quick pressure is above the slow one by this only when it rises.
_RISING_PA = const(500)


class LineModel:
    """Filtered readings, and what was learned from them. Nothing is allocated after construction.

    ``most_resistance`` is the highest one that the present run may have. ``low_ticks`` counts the ticks for which the
    pressure has been lower than the flow demands.
    """

    def __init__(self, pressure: "PressureSensor") -> None:
        self._pressure = pressure
        self._pa16 = 0
        self._pa64 = 0
        self._flow8 = 0
        self._flow64 = 0
        self.compliance_nl_kpa = COMPLIANCE_MAX_NL_KPA
        self.flow_nl_s = 0
        self.begin(True)

    def begin(self, to_patient: bool) -> None:
        """A run begins: another line may have been put on, so its resistance is learned anew; the compliance stays."""
        self._to_patient = to_patient
        # Nothing is learned from a run before this one, however shortly before.
        self._pa64 = self._pa16 << 2
        self._flow64 = self._flow8 << 3
        self._ticks = 0
        self._lowest = _RESISTANCE_MAX
        self._highest = 0
        self._relax_pa = -1
        self._relaxed_pl = 0
        self.most_resistance = _RESISTANCE_MAX if to_patient else _RESISTANCE_BETWEEN
        self.low_ticks = 0

    def take(self, flow_nl_s: int) -> None:
        """Take the readings of one tick; the pressure is read from its sensor."""
        pa = self._pressure.pa
        self._pa16 += pa - (self._pa16 >> 4)
        self._pa64 += pa - (self._pa64 >> 6)
        self._flow8 += flow_nl_s - (self._flow8 >> 3)
        self._flow64 += flow_nl_s - (self._flow64 >> 6)
        self.flow_nl_s = self._flow64 >> 6

    def slow_pa(self) -> int:
        """Return the pressure over the last 160 ms: while it rises, never ahead of the flow."""
        return self._pa16 >> 4

    def trailing_pa(self) -> int:
        """Return the slow pressure while it rises and the quick one while it falls: never ahead of the flow."""
        pa = self._pa16 >> 4
        return min(self._pressure.pa, pa)

    def leading_pa(self) -> int:
        """Return the quick pressure where it is clearly above the slow one, else the slow one."""
        pa = self._pa16 >> 4
        quick_pa = self._pressure.pa
        return quick_pa if quick_pa > pa + _RISING_PA else pa

    def stored_nl(self, missing_nl: int) -> int:
        """Return what the line stores now, when ``missing_nl`` of what was emitted has not passed."""
        pa = max(0, self._pa16 >> 4)
        stored_nl = max(missing_nl, pa * COMPLIANCE_MIN_NL_KPA // 1000)
        return min(stored_nl, pa * self.compliance_nl_kpa // 1000)

    def learn(self) -> None:
        """Learn while the pump runs what pressure a flow takes in this line, and see whether that has fallen."""
        self._relax_pa = -1
        self._ticks += 1
        flow64 = self._flow64
        if self._ticks < _LEARN_TICKS or flow64 < _LEARN_NL_S * 64 or not self._to_patient:
            return
        resistance = self._pa64 * 16 // flow64
        if self._pa64 >= _LEARN_PA * 64:
            if resistance < self._lowest:
                self._lowest = resistance
                # Two and a half times what it was is no line any more.
                self.most_resistance = min(_RESISTANCE_MAX, max(_RESISTANCE_MIN, resistance * 5 // 2))
            if resistance > self._highest:
                self._highest = resistance
        # Half of what this line took before, or less than any patient line takes, where that is no matter of noise.
        least = max(_RESISTANCE_BETWEEN, self._highest >> 1)
        if resistance < least and (least - resistance) * (flow64 >> 6) > self._pressure.settled_error_pa() * 8:
            self.low_ticks += 1
        else:
            self.low_ticks = 0

    def relax(self, passed_pl: int) -> None:
        """No step follows: what passes from now on was stored."""
        if self._relax_pa < 0:
            self._relax_pa = self._pa16 >> 4
            self._relaxed_pl = 0
        self._relaxed_pl += passed_pl

    def end(self) -> None:
        """A run ends. Learn from a line that has relaxed how much it stores, so that less can hide in it."""
        fallen_pa = self._relax_pa - (self._pa16 >> 4)
        if fallen_pa < _RELAX_PA or fallen_pa < self._relax_pa * 7 // 8:
            return
        learned = self._relaxed_pl // fallen_pa * 3 // 2 + COMPLIANCE_MIN_NL_KPA
        self.compliance_nl_kpa = min(COMPLIANCE_MAX_NL_KPA, max(COMPLIANCE_MIN_NL_KPA, learned))

    def name_loss(self, expected_nl_s: int) -> int:
        """Say where liquid is lost that neither passes nor presses: nothing was pushed, or it leaves on the way."""
        return codes.CAUSE_STALL if (self._flow8 >> 3) * 3 < expected_nl_s else codes.CAUSE_LEAK
