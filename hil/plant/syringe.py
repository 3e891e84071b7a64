"""One syringe pump, from the step at the motor to the volume that the plunger displaces."""

import math
from random import Random

from hil.plant.parameters import PlantParameters

# Positions are float sums of many steps: a threshold counts as reached within this rounding.
_ROUNDING_NL = 1e-6
_MANY_STEPS = 1023  # what is worth looking ahead where no step moves anything


class Syringe:
    """Screw, nut with backlash, and a plunger that sticks and slips.

    The plunger follows the screw only where the nut pushes it: forward motion needs the friction wound up by one grain,
    reverse motion needs the backlash taken up first. Its position depends on the steps alone, not on their grouping.
    A loose syringe is pushed when the pusher has come to it, and never pulled.
    """

    __slots__ = (
        "_backlash_nl",
        "_capacity_nl",
        "_exchanged_nl",
        "_fill_nl",
        "_grain_nl",
        "_random",
        "_screw_steps",
        "_slack_nl",
        "_step_nl",
        "_stick_slip_nl",
        "clamped",
        "plunger_nl",
        "present",
        "stalled",
        "steps_lost",
    )

    def __init__(self, parameters: PlantParameters, random: Random) -> None:
        self._step_nl = parameters.step_nl
        self._backlash_nl = parameters.backlash_nl
        self._stick_slip_nl = parameters.stick_slip_nl
        self._fill_nl = parameters.fill_nl
        self._capacity_nl = parameters.capacity_nl
        self._random = random
        self._screw_steps = 0
        self._slack_nl = 0.0  # how far the pusher stands behind where its steps would have it
        self._exchanged_nl = 0.0
        self.plunger_nl = 0.0
        self.stalled = False
        self.clamped = True
        self.present = True
        self.steps_lost = 0
        self._grain_nl = self._draw_grain()

    @property
    def remaining_nl(self) -> float:
        """Volume that can still be pushed out, nL."""
        return self._fill_nl - self.plunger_nl

    @property
    def displaced_nl(self) -> float:
        """Volume that this and every earlier syringe at the channel has pushed out, nL."""
        return self._exchanged_nl + self.plunger_nl

    def steps_to_slip(self, forward: bool) -> int:
        """Return how many steps in this direction move the plunger next; at least 1."""
        gap = self._screw_steps * self._step_nl - self._slack_nl - self.plunger_nl
        if forward:
            way = self._grain_nl - gap
        elif self.clamped:
            way = gap + self._backlash_nl + self._grain_nl
        else:
            return _MANY_STEPS
        return max(1, math.ceil((way - _ROUNDING_NL) / self._step_nl))

    def turn(self, steps: int, forward: bool) -> float:
        """Turn the screw and return the volume displaced, nL (negative when sucked in). Steps into an end are lost."""
        if self.stalled or not self.present:
            self.steps_lost += steps
            return 0.0
        before = self.plunger_nl
        if forward:
            if self.remaining_nl <= _ROUNDING_NL:
                self.steps_lost += steps
                return 0.0
            self._screw_steps += steps
            screw = self._screw_steps * self._step_nl - self._slack_nl
            if screw - before < self._grain_nl - _ROUNDING_NL:
                return 0.0
            self.plunger_nl = min(screw, self._fill_nl)
        else:
            full_nl = self._fill_nl - self._capacity_nl
            if before <= full_nl + _ROUNDING_NL:
                self.steps_lost += steps
                return 0.0
            self._screw_steps -= steps
            if not self.clamped:
                return 0.0
            nut = self._screw_steps * self._step_nl - self._slack_nl + self._backlash_nl
            if before - nut < self._grain_nl - _ROUNDING_NL:
                return 0.0
            self.plunger_nl = max(nut, full_nl)
        self._grain_nl = self._draw_grain()
        return self.plunger_nl - before

    def slide(self, volume_nl: float) -> None:
        """Move the plunger by a head instead of the screw: forward where the volume is positive."""
        self.plunger_nl += volume_nl

    def loosen(self, gap_nl: float) -> None:
        """Take the plunger out of its clamp and leave a gap between it and the pusher."""
        self.clamped = False
        self._slack_nl += gap_nl

    def clamp(self) -> None:
        """Put the plunger into its clamp, the pusher touching it."""
        self.clamped = True
        self._slack_nl = self._screw_steps * self._step_nl - self.plunger_nl

    def exchange(self, fill_nl: float) -> None:
        """Put another syringe in, with so much in it and clamped."""
        self._exchanged_nl += self.plunger_nl
        self.plunger_nl = 0.0
        self._fill_nl = min(fill_nl, self._capacity_nl)
        self.present = True
        self.clamp()

    def _draw_grain(self) -> float:
        return self._stick_slip_nl * (0.5 + self._random.random())
