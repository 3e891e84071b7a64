"""A virtual patient: what agent and counter-agent do to a body, and what a monitor at the bed sees of it."""

from hil.patient.bedside import Bedside, at_the_tip
from hil.patient.parameters import PRESETS, ROUTINE, PatientParameters, Spread, preset
from hil.patient.patient import Patient
from hil.patient.vital_signs import SIGNS, Sample, VitalSigns

__all__ = [
    "PRESETS",
    "ROUTINE",
    "SIGNS",
    "Bedside",
    "Patient",
    "PatientParameters",
    "Sample",
    "Spread",
    "VitalSigns",
    "at_the_tip",
    "preset",
]
