"""The liquid line: compliance behind the valve, resistance before the tip, and what the sensors see of it.

Between two events the pressure relaxes as ``rest + fall exp(-k t)`` with ``k = conductance / compliance``; every
quantity here is the exact solution, so that the size of a time step has no influence on the result.
"""

from collections.abc import Callable
from math import exp, log, log1p

_FASTEST_PER_S = 1e9  # a sensor without lag
# A lag that equals the line's own time constant is moved off the singular point by this much.
_RELATIVE_NUDGE = 1e-6
_LONGEST_S = 1e6
_BISECTIONS = 80


class _Lag:
    """First-order sensor lag: rate, and its gain for an input that relaxes with the line."""

    __slots__ = ("_own_rate", "gain", "rate")

    def __init__(self, lag_s: float) -> None:
        self._own_rate = 1.0 / lag_s if lag_s > 0 else _FASTEST_PER_S
        self.follow(0.0)

    def follow(self, relaxation_per_s: float) -> None:
        self.rate = self._own_rate
        if abs(self.rate - relaxation_per_s) < _RELATIVE_NUDGE * self.rate:
            self.rate = relaxation_per_s * (1.0 + _RELATIVE_NUDGE)
        self.gain = self.rate / (self.rate - relaxation_per_s)


class LiquidLine:
    """Stored volume, ways out (tip, waste, leaks), a head behind it, lagging sensors; volumes in nL, pressure in kPa.

    The flow sensor sees what leaves through the valve: tip, waste, and what is spilt from the patient line.
    """

    __slots__ = (
        "_blocked",
        "_compliance",
        "_flow_lag",
        "_head_conductance",
        "_head_kpa",
        "_leak",
        "_leak_share",
        "_occlusion",
        "_out",
        "_patient",
        "_patient_conductance",
        "_pressure_lag",
        "_relaxation",
        "_rest_kpa",
        "_scale_lag",
        "_spill",
        "_spill_share",
        "_tip",
        "_tip_share",
        "_waste",
        "_waste_conductance",
        "_waste_share",
        "displaced_nl",
        "fed_nl",
        "leaked_nl",
        "pressure_kpa",
        "scale_nl",
        "sensed_flow_nl_s",
        "sensed_kpa",
        "spilt_nl",
        "tip_nl",
        "tip_wet",
        "waste_nl",
        "weight_nl",
    )

    def __init__(
        self,
        compliance_nl_kpa: float,
        resistance_kpa_s_nl: float,
        waste_resistance_kpa_s_nl: float,
        pressure_lag_s: float,
        flow_lag_s: float,
        scale_lag_s: float,
    ) -> None:
        self._compliance = compliance_nl_kpa
        self._patient_conductance = 1.0 / resistance_kpa_s_nl
        self._waste_conductance = 1.0 / waste_resistance_kpa_s_nl
        self._occlusion = 0.0
        self._blocked = 0.0
        self._leak = 0.0
        self._spill = 0.0
        self._head_kpa = 0.0
        self._head_conductance = 0.0
        self._patient = False
        self._pressure_lag = _Lag(pressure_lag_s)
        self._flow_lag = _Lag(flow_lag_s)
        self._scale_lag = _Lag(scale_lag_s)
        self.pressure_kpa = 0.0
        self.sensed_kpa = 0.0
        self.sensed_flow_nl_s = 0.0
        self.displaced_nl = 0.0
        self.fed_nl = 0.0  # what the head has pushed in
        self.tip_nl = 0.0
        self.waste_nl = 0.0
        self.leaked_nl = 0.0
        self.spilt_nl = 0.0
        self.tip_wet = True  # what leaves the tip is liquid: the scale feels it
        self.weight_nl = 0.0
        self.scale_nl = 0.0
        self._configure()

    @property
    def stored_nl(self) -> float:
        """Volume that the line holds above its volume at rest, nL."""
        return self._compliance * self.pressure_kpa

    @property
    def flow_nl_s(self) -> float:
        """Flow through the flow sensor now, nL/s."""
        return self._out * self.pressure_kpa

    @property
    def occlusion(self) -> float:
        """Share of the patient line's conductance that is taken away."""
        return self._occlusion

    @property
    def leaky(self) -> bool:
        """Tell whether something may leave or enter beside the valve."""
        return self._leak > 0 or self._spill > 0 or self.headed

    @property
    def headed(self) -> bool:
        """Tell whether a head feeds the line, or draws from it."""
        return self._head_conductance > 0

    @property
    def balance_error_nl(self) -> float:
        """What left the syringes minus what is in the line, at the tip, in the waste or leaked: 0 but for rounding."""
        return self.displaced_nl - self.stored_nl - self.tip_nl - self.waste_nl - self.leaked_nl - self.spilt_nl

    def open_to_patient(self, patient: bool) -> None:
        """Set the valve's way: the patient line, or the waste."""
        self._patient = patient
        self._configure()

    def occlude(self, fraction: float) -> None:
        """Take away this share of the patient line's conductance: 0 free, 1 closed."""
        self._occlusion = min(1.0, max(0.0, fraction))
        self._configure()

    def block(self, fraction: float) -> None:
        """Take away this share of both ways out, as a clog right before the valve does."""
        self._blocked = min(1.0, max(0.0, fraction))
        self._configure()

    def leak(self, conductance_nl_s_kpa: float) -> None:
        """Let the manifold leak to the outside before the sensors; 0 is tight."""
        self._leak = conductance_nl_s_kpa
        self._configure()

    def spill(self, conductance_nl_s_kpa: float) -> None:
        """Let the patient line leak at its end, behind the sensors; 0 is tight."""
        self._spill = conductance_nl_s_kpa
        self._configure()

    def feed(self, head_kpa: float, conductance_nl_s_kpa: float) -> None:
        """Connect a head, as a loose syringe that empties by its height is one; conductance 0 ends it."""
        self._head_kpa = head_kpa
        self._head_conductance = conductance_nl_s_kpa
        self._configure()

    def inject(self, volume_nl: float) -> None:
        """Displace a volume into the line at once."""
        self.displaced_nl += volume_nl
        self.pressure_kpa += volume_nl / self._compliance

    def relax(self, duration_s: float) -> None:
        """Let time pass without any event."""
        rest = self._rest_kpa
        fall = self.pressure_kpa - rest
        decay = exp(-self._relaxation * duration_s)
        out_nl = self._compliance * fall * (1.0 - decay)
        tip_nl = out_nl * self._tip_share
        lag = self._pressure_lag
        lag_decay = exp(-lag.rate * duration_s)
        self.sensed_kpa = rest + (self.sensed_kpa - rest) * lag_decay + fall * lag.gain * (decay - lag_decay)
        lag = self._flow_lag
        lag_decay = exp(-lag.rate * duration_s)
        rest_flow = self._out * rest
        self.sensed_flow_nl_s = (
            rest_flow
            + (self.sensed_flow_nl_s - rest_flow) * lag_decay
            + self._out * fall * lag.gain * (decay - lag_decay)
        )
        # The scale follows weight(t) = end - left exp(-k t), a constant and an exponential, and what flows on for ever.
        lag = self._scale_lag
        lag_decay = exp(-lag.rate * duration_s)
        left_nl = self._compliance * fall * self._tip_share if self.tip_wet else 0.0
        end_nl = self.weight_nl + left_nl
        self.scale_nl = end_nl + (self.scale_nl - end_nl) * lag_decay - left_nl * lag.gain * (decay - lag_decay)
        self.pressure_kpa = rest + fall * decay
        self.tip_nl += tip_nl
        self.weight_nl += tip_nl if self.tip_wet else 0.0
        self.waste_nl += out_nl * self._waste_share
        if self._leak or self._spill or self._head_conductance:
            self.leaked_nl += out_nl * self._leak_share
            self.spilt_nl += out_nl * self._spill_share
            self._flow_on(rest, duration_s, fall * (1.0 - decay), lag.rate, lag_decay)

    def _flow_on(self, rest: float, duration_s: float, fallen: float, scale_rate: float, scale_decay: float) -> None:
        """Add what flows at the resting pressure, and what the head has fed."""
        area = rest * duration_s
        tip_nl = self._tip * area
        self.tip_nl += tip_nl
        if self.tip_wet:
            self.weight_nl += tip_nl
            self.scale_nl += self._tip * rest * (duration_s - (1.0 - scale_decay) / scale_rate)
        self.waste_nl += self._waste * area
        self.leaked_nl += self._leak * area
        self.spilt_nl += (self._out - self._tip - self._waste) * area
        if self._head_conductance:
            whole_area = area + fallen / self._relaxation
            fed_nl = self._head_conductance * (self._head_kpa * duration_s - whole_area)
            self.fed_nl += fed_nl
            self.displaced_nl += fed_nl

    def time_to_pass_s(self, volume_nl: float) -> float | None:
        """Return when so much will have left through the valve, if nothing else happens; None for never."""
        fall = self.pressure_kpa - self._rest_kpa
        if not self._out:
            return None
        falling_nl = self._compliance * fall * (self._out / self._conductance)
        if not self._rest_kpa:
            return -log1p(-volume_nl / falling_nl) / self._relaxation if volume_nl < falling_nl else None
        return self._search(lambda time_s: self._passed_nl(falling_nl, time_s), volume_nl)

    def time_to_feed_s(self, volume_nl: float) -> float | None:
        """Return when the head will have fed so much, if nothing else happens; None for never."""
        fall = self.pressure_kpa - self._rest_kpa

        def fed_nl(time_s: float) -> float:
            area = self._rest_kpa * time_s + fall * (1.0 - exp(-self._relaxation * time_s)) / self._relaxation
            return self._head_conductance * (self._head_kpa * time_s - area)

        return self._search(fed_nl, volume_nl) if self.headed else None

    def time_to_turn_s(self) -> float | None:
        """Return when the pressure will cross zero by itself; None for never."""
        fall, rest = self.pressure_kpa - self._rest_kpa, self._rest_kpa
        if not rest or not self.pressure_kpa or (self.pressure_kpa > 0) == (rest > 0):
            return None
        return log(fall / -rest) / self._relaxation

    @property
    def _conductance(self) -> float:
        return self._relaxation * self._compliance

    def _passed_nl(self, falling_nl: float, time_s: float) -> float:
        return self._out * self._rest_kpa * time_s + falling_nl * (1.0 - exp(-self._relaxation * time_s))

    @staticmethod
    def _search(volume_at: Callable[[float], float], volume_nl: float) -> float | None:
        """Find by bisection when a volume is reached that grows with time."""
        low_s, high_s = 0.0, 1e-3
        while volume_at(high_s) < volume_nl:
            low_s, high_s = high_s, 2.0 * high_s
            if high_s > _LONGEST_S:
                return None
        for _ in range(_BISECTIONS):
            middle_s = 0.5 * (low_s + high_s)
            if volume_at(middle_s) < volume_nl:
                low_s = middle_s
            else:
                high_s = middle_s
        return high_s

    def _configure(self) -> None:
        open_share = 1.0 - self._blocked
        self._tip = self._patient_conductance * (1.0 - self._occlusion) * open_share if self._patient else 0.0
        self._waste = 0.0 if self._patient else self._waste_conductance * open_share
        spill = self._spill * open_share if self._patient else 0.0
        self._out = self._tip + self._waste + spill
        total = self._out + self._leak + self._head_conductance
        self._tip_share = self._tip / total if total else 0.0
        self._waste_share = self._waste / total if total else 0.0
        self._leak_share = self._leak / total if total else 0.0
        self._spill_share = spill / total if total else 0.0
        self._relaxation = total / self._compliance
        self._rest_kpa = self._head_conductance * self._head_kpa / total if total else 0.0
        for lag in (self._pressure_lag, self._flow_lag, self._scale_lag):
            lag.follow(self._relaxation)
