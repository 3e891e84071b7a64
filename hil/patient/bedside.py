"""A patient at the tip of the rig: what really leaves it, kind by kind, flows into the body."""

from typing import Any

from hil.patient.parameters import PatientParameters, preset
from hil.patient.patient import US_PER_S, Patient
from hil.plant.contents import AGENT, AIR, COUNTER_AGENT
from hil.plant.rig import SimulatedRig

LOOK_NS = 100_000_000
"""How often the volume at the tip is handed on, as an even flow. The volume is exact; an instant is late by as much."""

_NL_PER_UL = 1000.0


class Bedside:
    """Connects one patient to one rig from now on, whatever board moves the rig's time."""

    def __init__(self, patient: Patient, rig: SimulatedRig) -> None:
        self.patient = patient
        self._rig = rig
        self._looked_ns = rig.now_ns
        self._given = rig.to_patient_nl()
        self._air_nl = self._given[AIR]
        rig.every(LOOK_NS, self._look)

    @property
    def air_ul(self) -> float:
        """Air that has gone into the patient since the admission, uL."""
        return (self._rig.to_patient_nl()[AIR] - self._air_nl) / _NL_PER_UL

    def _look(self, now_ns: int) -> None:
        given = self._rig.to_patient_nl()
        duration_us = (now_ns - self._looked_ns) // 1000
        self._looked_ns = now_ns
        per_s = US_PER_S / duration_us / _NL_PER_UL
        # Sucking back draws the patient's own fluid and no agent, so neither kind ever decreases.
        agent_ul_s = max(0.0, given[AGENT] - self._given[AGENT]) * per_s
        counter_ul_s = max(0.0, given[COUNTER_AGENT] - self._given[COUNTER_AGENT]) * per_s
        self._given = given
        self.patient.advance_us(duration_us, agent_ul_s, counter_ul_s)


def at_the_tip(bench: Any, patient: str | PatientParameters = "routine") -> Patient:
    """Admit a patient to a bench, by name or by numbers, drawn from the bench's seed; ``bench.patient`` is it then."""
    parameters = preset(patient, bench.seed) if isinstance(patient, str) else patient
    admitted = Patient(parameters, bench.seed)
    Bedside(admitted, bench.plant)
    bench.patient = admitted
    return admitted
