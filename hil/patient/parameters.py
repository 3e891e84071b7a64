"""The numbers of a patient, and how they differ from one to the next."""

import math
from dataclasses import dataclass, fields, replace
from random import Random

from hil.plant.noise import stream


@dataclass(frozen=True, slots=True)
class PatientParameters:
    """What a body does with the agent. Volumes in uL-equivalents, rates per minute, times in s."""

    clearance_per_min: float = 0.10
    residual_ul: float = 0.0
    threshold_ul: float = 20.0
    sensitivity: float = 0.02
    exponent: float = 1.5
    response_s: float = 90.0
    delay_s: float = 0.0  # dead time of the delayed effect
    delayed_sensitivity: float = 0.0  # 0: there is none
    growth_per_min: float = 0.0
    growth_after_s: float = 0.0
    binding_s: float = 60.0  # time constant of the counter-agent

    def __post_init__(self) -> None:
        """Raise ValueError for a number that no body can have."""
        for field in fields(self):
            value = getattr(self, field.name)
            if not math.isfinite(value) or value < 0:
                raise ValueError(f"{field.name} is {value}; it must be a number of at least 0")
            if value == 0 and field.name in ("exponent", "response_s", "binding_s"):
                raise ValueError(f"{field.name} must be above 0")


@dataclass(frozen=True, slots=True)
class Spread:
    """A kind of patient: the median, and the standard deviations of the logarithms."""

    median: PatientParameters
    clearance_sd: float = 0.0
    threshold_sd: float = 0.0
    sensitivity_sd: float = 0.0

    def draw(self, random: Random) -> PatientParameters:
        """Return one patient; the same generator gives the same ones."""
        median = self.median
        return replace(
            median,
            clearance_per_min=median.clearance_per_min * _factor(random, self.clearance_sd),
            threshold_ul=median.threshold_ul * _factor(random, self.threshold_sd),
            sensitivity=median.sensitivity * _factor(random, self.sensitivity_sd),
        )


def _factor(random: Random, log_sd: float) -> float:
    return math.exp(random.gauss(0.0, log_sd))


ROUTINE = Spread(PatientParameters(), clearance_sd=0.3, threshold_sd=0.2, sensitivity_sd=0.3)

PRESETS = {
    "routine": ROUTINE,
    "lucy": Spread(PatientParameters(clearance_per_min=0.003, residual_ul=8.0, threshold_ul=12.0, sensitivity=0.05)),
    "marcus": Spread(PatientParameters(delay_s=480.0, delayed_sensitivity=0.06)),
    "bad lot": Spread(PatientParameters(growth_per_min=0.13)),
}
"""Patients by name; all but the routine ones are always the same."""


def preset(name: str, seed: int = 1) -> PatientParameters:
    """Return a patient of a named kind. Raises ValueError for another name."""
    if name not in PRESETS:
        raise ValueError(f"there is no patient {name!r}; there are {', '.join(PRESETS)}")
    return PRESETS[name].draw(stream(seed, f"patient {name}"))
