"""The liquid line: compliance behind the valve, resistance before the tip, and what the sensors see of it.

Between two events the pressure relaxes as ``p exp(-k t)`` with ``k = conductance / compliance``; every quantity here is
the exact solution, so that the size of a time step has no influence on the result.
"""

from math import exp

_FASTEST_PER_S = 1e9  # a sensor without lag
# A lag that equals the line's own time constant is moved off the singular point by this much.
_RELATIVE_NUDGE = 1e-6


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
    """Stored volume, three ways out (tip, waste, leak) and the lagging sensors; volumes in nL, pressure in kPa."""

    __slots__ = (
        "_compliance",
        "_flow_lag",
        "_leak",
        "_leak_share",
        "_occlusion",
        "_out",
        "_patient",
        "_patient_conductance",
        "_pressure_lag",
        "_relaxation",
        "_scale_lag",
        "_tip_share",
        "_waste_conductance",
        "_waste_share",
        "displaced_nl",
        "leaked_nl",
        "pressure_kpa",
        "scale_nl",
        "sensed_flow_nl_s",
        "sensed_kpa",
        "tip_nl",
        "waste_nl",
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
        self._leak = 0.0
        self._patient = False
        self._pressure_lag = _Lag(pressure_lag_s)
        self._flow_lag = _Lag(flow_lag_s)
        self._scale_lag = _Lag(scale_lag_s)
        self.pressure_kpa = 0.0
        self.sensed_kpa = 0.0
        self.sensed_flow_nl_s = 0.0
        self.displaced_nl = 0.0
        self.tip_nl = 0.0
        self.waste_nl = 0.0
        self.leaked_nl = 0.0
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
    def balance_error_nl(self) -> float:
        """What left the syringes minus what is in the line, at the tip, in the waste or leaked: 0 but for rounding."""
        return self.displaced_nl - self.stored_nl - self.tip_nl - self.waste_nl - self.leaked_nl

    def open_to_patient(self, patient: bool) -> None:
        """Set the valve's way: the patient line, or the waste."""
        self._patient = patient
        self._configure()

    def occlude(self, fraction: float) -> None:
        """Take away this share of the patient line's conductance: 0 free, 1 closed."""
        self._occlusion = min(1.0, max(0.0, fraction))
        self._configure()

    def leak(self, conductance_nl_s_kpa: float) -> None:
        """Let the manifold leak to the outside before the sensors; 0 is tight."""
        self._leak = conductance_nl_s_kpa
        self._configure()

    def inject(self, volume_nl: float) -> None:
        """Displace a volume into the line at once."""
        self.displaced_nl += volume_nl
        self.pressure_kpa += volume_nl / self._compliance

    def relax(self, duration_s: float) -> None:
        """Let time pass without any event."""
        pressure = self.pressure_kpa
        relaxation = self._relaxation
        decay = exp(-relaxation * duration_s)
        out_nl = self._compliance * pressure * (1.0 - decay)
        lag = self._pressure_lag
        lag_decay = exp(-lag.rate * duration_s)
        self.sensed_kpa = self.sensed_kpa * lag_decay + pressure * lag.gain * (decay - lag_decay)
        lag = self._flow_lag
        lag_decay = exp(-lag.rate * duration_s)
        flow = self._out * pressure
        self.sensed_flow_nl_s = self.sensed_flow_nl_s * lag_decay + flow * lag.gain * (decay - lag_decay)
        to_tip_nl = out_nl * self._tip_share
        # The scale follows tip(t) = end - rest exp(-k t), a constant and an exponential.
        rest_nl = self._compliance * pressure * self._tip_share
        end_nl = self.tip_nl + rest_nl
        lag = self._scale_lag
        lag_decay = exp(-lag.rate * duration_s)
        self.scale_nl = end_nl + (self.scale_nl - end_nl) * lag_decay - rest_nl * lag.gain * (decay - lag_decay)
        self.pressure_kpa = pressure * decay
        self.tip_nl += to_tip_nl
        self.waste_nl += out_nl * self._waste_share
        self.leaked_nl += out_nl * self._leak_share

    def _configure(self) -> None:
        tip = self._patient_conductance * (1.0 - self._occlusion) if self._patient else 0.0
        waste = 0.0 if self._patient else self._waste_conductance
        total = tip + waste + self._leak
        self._out = tip + waste
        self._tip_share = tip / total if total else 0.0
        self._waste_share = waste / total if total else 0.0
        self._leak_share = self._leak / total if total else 0.0
        self._relaxation = total / self._compliance
        for lag in (self._pressure_lag, self._flow_lag, self._scale_lag):
            lag.follow(self._relaxation)
