"""The plant around a real controller: its inputs are what stands on the wires, not what it would have there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hil.boards.serial.capabilities import NotHereError
from hil.boards.serial.probe import wire
from hil.plant.parameters import PlantParameters
from hil.plant.rig import SimulatedRig
from hil.plant.sensor_faults import DIGITAL, STUCK, SensorFault

_BIT = {
    "estop": wire.ESTOP,
    "door": wire.DOOR,
    "bubble": wire.BUBBLE,
    "home": wire.HOME,
    "footswitch": wire.FOOTSWITCH,
}


def _not_here(name: str) -> Callable[..., None]:
    def refuse(*_: object) -> None:
        raise NotHereError(f"{name}: the chips on the device's bus are real, the bench cannot make them fail")

    return refuse


class _Wire(SensorFault):
    """What the probe sees on one wire, in place of what the plant makes of it."""

    __slots__ = ("high",)

    def __init__(self) -> None:
        super().__init__(STUCK, 0.0, 0)
        self.high = False

    def level(self, healthy: bool) -> bool:  # noqa: ARG002 -- the wire decides
        """Return the level on the wire."""
        return self.high


class FollowingRig(SimulatedRig):
    """A simulated rig that takes levels and edges from a probe, and lets the probe drive what it wants driven.

    An input that a person or the physics changes is asked for at once; it counts from the instant at which the probe
    saw it on the wire. Until ``attach`` it is a simulated rig like any other.
    """

    def __init__(self, parameters: PlantParameters | None = None, seed: int = 1) -> None:
        self._drive: Callable[[int], None] | None = None
        self._wires: dict[str, SensorFault] = {name: _Wire() for name in DIGITAL}
        self._lines = 0
        self.seen_high = self.seen_low = 0
        """Lines that were high, and low, at any time; whoever looks on may clear them."""
        super().__init__(parameters, seed)

    def attach(self, drive: Callable[[int], None], lines: int) -> int:
        """Have lines driven by ``drive(levels)`` from now on; return the levels wanted at first."""
        self._drive = drive
        chips: list[tuple[Any, str]] = [(self.fram, "cut_power_after")]
        chips += [(self.buses, name) for name in ("silence", "hold", "disturb")]
        for owner, name in chips:
            setattr(owner, name, _not_here(name))
        self.wanted = self._wanted()
        self._take(lines)
        self._update_inputs()
        return self.wanted

    def follow(self, now_ns: int, lines: int) -> None:
        """Take the levels of all lines, ``wire.LINES`` bits, at an instant."""
        changed = lines ^ self._lines
        self.seen_high |= lines
        self.seen_low |= ~lines
        self.advance(now_ns)
        self._take(lines)
        if changed & wire.DIRECTION:
            self.set_direction(now_ns, bool(lines & wire.DIRECTION))
        if changed & wire.HEARTBEAT:
            self.heartbeat_edges(now_ns, 0, 1)
        if changed & wire.VALVE:
            self.set_valve(now_ns, bool(lines & wire.VALVE))
        if changed & (wire.RED | wire.YELLOW | wire.CYAN):
            self.set_light(now_ns, *(bool(lines & bit) for bit in (wire.RED, wire.YELLOW, wire.CYAN)))
        if changed & wire.DRIVEN:
            self._update_inputs()

    def pulsed(self, now_ns: int, lines: int) -> None:
        """Take which of the lines that carry PWM were alive lately."""
        self.set_stirrer(now_ns, bool(lines & wire.STIRRER))
        self.set_buzzer(now_ns, bool(lines & wire.BUZZER))

    def close_end_switch(self, closed: bool = True) -> None:
        """Close the end switch by hand, or let the plungers decide again."""
        if closed:
            self._input_faults["home"] = SensorFault(STUCK, 1.0, self.now_ns)
        else:
            self._input_faults.pop("home", None)
        self._update_inputs()

    def _take(self, lines: int) -> None:
        self._lines = lines
        for name, each in self._wires.items():
            assert isinstance(each, _Wire)
            each.high = bool(lines & _BIT[name])

    def _wanted(self) -> int:
        levels = {
            "estop": self._estop_healthy,
            "door": self._door_closed,
            "bubble": not (self._bubble_put or self._air_at_valve),
            "home": self._home,
            "footswitch": self._footswitch,
        }
        for name, fault in self._input_faults.items():
            levels[name] = fault.level(levels[name])
        return sum(_BIT[name] for name, high in levels.items() if high)

    def _update_inputs(self) -> None:
        if self._drive is None:
            super()._update_inputs()
            return
        wanted = self._wanted()
        if wanted != self.wanted:
            self.wanted = wanted
            self._drive(wanted)
        faults = self._input_faults
        self._input_faults = self._wires
        try:
            super()._update_inputs()
        finally:
            self._input_faults = faults
