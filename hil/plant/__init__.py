"""The machine around the controller: liquid, chips at register level, safety wiring; no idea of firmware."""

from hil.plant.parameters import PlantParameters
from hil.plant.rig import SimulatedRig

__all__ = ["PlantParameters", "SimulatedRig"]
