"""What stands where in the line: plugs of liquid and air that move in order and never mix.

Volumes are handed over lazily: syringes and the line count what enters and leaves, and ``settle`` moves the plugs by
it. That is exact as long as one syringe moves one way and nothing flows back in between, which the caller sees to.
"""

from collections import deque
from collections.abc import Iterable
from itertools import chain

from hil.plant.line import LiquidLine

AGENT, COUNTER_AGENT, FLUSH, AIR, FOREIGN = range(5)
"""Kinds. A channel's own kind has its number; FOREIGN is what was drawn in through the tip or from the waste."""

KINDS = ("agent", "counter-agent", "flush", "air", "foreign")
INLET, OUTLET = 0, -1
SMALLEST_NL = 1e-3
"""A plug below this is rounding: no sensor takes it for air."""

ByKind = list[float]


def nothing() -> ByKind:
    """Return a volume of zero of every kind."""
    return [0.0] * len(KINDS)


class Plugs:
    """A piece of tube: plugs from its inlet to its outlet."""

    __slots__ = ("plugs",)

    def __init__(self, plugs: Iterable[tuple[int, float]] = ()) -> None:
        self.plugs: deque[list[float]] = deque([kind, volume_nl] for kind, volume_nl in plugs)

    def add(self, end: int, kind: float, volume_nl: float) -> None:
        """Push a plug in at one end."""
        if volume_nl <= 0:
            return
        plugs = self.plugs
        if plugs and plugs[end][0] == kind:
            plugs[end][1] += volume_nl
        elif end == INLET:
            plugs.appendleft([kind, volume_nl])
        else:
            plugs.append([kind, volume_nl])

    def take(self, end: int, volume_nl: float) -> list[list[float]]:
        """Take plugs out at one end, the first to come first; less when there is not so much."""
        plugs = self.plugs
        taken: list[list[float]] = []
        while volume_nl > 0 and plugs:
            kind, held_nl = plugs[end]
            if held_nl > volume_nl:
                plugs[end][1] = held_nl - volume_nl
                taken.append([kind, volume_nl])
                break
            taken.append([kind, held_nl])
            volume_nl -= held_nl
            plugs.popleft() if end == INLET else plugs.pop()
        return taken

    def count(self, into: ByKind) -> None:
        """Add the volume of each kind to ``into``."""
        for kind, volume_nl in self.plugs:
            into[int(kind)] += volume_nl

    def air_at(self, from_outlet_nl: float) -> bool:
        """Tell whether air stands so far before the outlet."""
        way_nl = 0.0
        for kind, volume_nl in reversed(self.plugs):
            way_nl += volume_nl
            if way_nl > from_outlet_nl + SMALLEST_NL:
                return kind == AIR and volume_nl > SMALLEST_NL
        return False

    def holds_air(self) -> bool:
        """Tell whether there is air anywhere."""
        return any(kind == AIR and volume_nl > SMALLEST_NL for kind, volume_nl in self.plugs)


def way_to_change_nl(*pieces: Plugs) -> float | None:
    """Return how much must flow out of the first piece, the others behind it, until air comes or ends there.

    None when neither ever happens.
    """
    way_nl = 0.0
    first: bool | None = None
    for kind, volume_nl in chain.from_iterable(reversed(piece.plugs) for piece in pieces):
        if volume_nl > SMALLEST_NL:
            air = kind == AIR
            if first is None:
                first = air
            elif air != first:
                return way_nl
        way_nl += volume_nl
    return way_nl if first else None


class LineContents:
    """Syringes' mouths, manifold to valve, patient line: what is in them, and where what left them has gone.

    What has entered and what was introduced by hand is in the line, at the tip, in the waste or leaked, kind by kind.
    """

    def __init__(self, line: LiquidLine, channels: int, to_sensor_nl: float, to_valve_nl: float, tip_nl: float) -> None:
        """Lengths as volumes: manifold to flow sensor, from there to bubble sensor and valve, from there to the tip."""
        self._line = line
        self._to_valve_nl = to_valve_nl
        self.tube = Plugs([(FLUSH, to_sensor_nl + to_valve_nl)])
        self.patient_line = Plugs([(FLUSH, tip_nl)])
        self._mouths = [Plugs() for _ in range(channels)]
        self._kinds: list[int] = [min(channel, FLUSH) for channel in range(channels)]
        self._entered = nothing()
        self._introduced = nothing()
        self._tip = nothing()
        self._waste = nothing()
        self._leaked = nothing()
        self._primed = nothing()
        self.tube.count(self._primed)
        self.patient_line.count(self._primed)
        self._channel = 0
        self._pending_nl = 0.0
        self._vacuum_nl = 0.0
        self._seen = (0.0, 0.0, 0.0, 0.0)
        self._backwards = False
        self.careful = False  # every flow is to be settled at once: air, a leak, or something in a syringe's mouth

    # While liquid moves.

    def displaced(self, channel: int, volume_nl: float) -> None:
        """Count what a syringe has just pushed into the line, or sucked out of it where it is negative."""
        backwards = self._line.pressure_kpa < 0
        if (
            self.careful
            or channel != self._channel
            or backwards != self._backwards
            or (volume_nl < 0) != (self._pending_nl < 0)
        ):
            self.settle()
            self._channel = channel
            self._backwards = backwards
        self._pending_nl += volume_nl
        if self.careful:
            self.settle()

    def settle(self) -> None:
        """Move the plugs by everything that has flowed since the last call."""
        line = self._line
        if self._pending_nl:
            pending_nl, self._pending_nl = self._pending_nl, 0.0
            self._enter(self._channel, pending_nl)
        tip_nl, spilt_nl, waste_nl, leaked_nl = self._seen
        self._seen = (line.tip_nl, line.spilt_nl, line.waste_nl, line.leaked_nl)
        self._leak(line.leaked_nl - leaked_nl)
        self._to_patient_line(line.tip_nl - tip_nl, line.spilt_nl - spilt_nl)
        self._to_waste(line.waste_nl - waste_nl)
        if self.careful:
            self._look()

    def _enter(self, channel: int, volume_nl: float) -> None:
        mouth = self._mouths[channel]
        if volume_nl < 0:
            for kind, part_nl in self._draw(INLET, -volume_nl):
                self._entered[int(kind)] -= part_nl
                # What the syringe is full of anyway is not kept apart, unless other things stand before it.
                if mouth.plugs or kind != self._kinds[channel]:
                    mouth.add(OUTLET, kind, part_nl)
                    self.careful = True
            return
        left_nl = volume_nl
        for kind, part_nl in mouth.take(OUTLET, volume_nl):
            self._admit(int(kind), part_nl)
            left_nl -= part_nl
        if left_nl > 0:
            self._admit(self._kinds[channel], left_nl)

    def _admit(self, kind: int, volume_nl: float) -> None:
        self._entered[kind] += volume_nl
        self.tube.add(INLET, kind, volume_nl)
        if kind == AIR:
            self.careful = True

    def _leak(self, volume_nl: float) -> None:
        """The leak is where the syringes join; below atmospheric pressure it draws air."""
        if volume_nl < 0:
            self._leaked[AIR] += volume_nl
            self.tube.add(INLET, AIR, -volume_nl)
            self.careful = True
        for kind, part_nl in self._draw(INLET, volume_nl):
            self._leaked[int(kind)] += part_nl

    def _to_patient_line(self, tip_nl: float, spilt_nl: float) -> None:
        volume_nl = tip_nl + spilt_nl
        if volume_nl < 0:
            self._tip[FOREIGN] += tip_nl
            self._leaked[FOREIGN] += spilt_nl
            self.patient_line.add(OUTLET, FOREIGN, -volume_nl)
            for kind, part_nl in self.patient_line.take(INLET, -volume_nl):
                self.tube.add(OUTLET, kind, part_nl)
            return
        if not volume_nl:
            return
        for kind, part_nl in self._draw(OUTLET, volume_nl):
            self.patient_line.add(INLET, kind, part_nl)
        share = tip_nl / volume_nl
        for kind, part_nl in self.patient_line.take(OUTLET, volume_nl):
            self._tip[int(kind)] += part_nl * share
            self._leaked[int(kind)] += part_nl * (1.0 - share)

    def _to_waste(self, volume_nl: float) -> None:
        if volume_nl < 0:
            self._waste[FOREIGN] += volume_nl
            self.tube.add(OUTLET, FOREIGN, -volume_nl)
        for kind, part_nl in self._draw(OUTLET, volume_nl):
            self._waste[int(kind)] += part_nl

    def _draw(self, end: int, volume_nl: float) -> list[list[float]]:
        """Take out of the tube; what it does not hold is a vacuum, which counts as air that is missing."""
        taken = self.tube.take(end, volume_nl)
        missing_nl = volume_nl - sum(plug[1] for plug in taken)
        if missing_nl > SMALLEST_NL:
            self._vacuum_nl += missing_nl
            taken.append([AIR, missing_nl])
        return taken

    def _look(self) -> None:
        self.careful = (
            self._line.leaky
            or self.tube.holds_air()
            or self.patient_line.holds_air()
            or any(mouth.plugs for mouth in self._mouths)
        )

    # What people do, and what can be seen.

    def be_careful(self) -> None:
        """Settle now, and at every flow until there is no more reason for it."""
        self.careful = True
        self.settle()

    def exchange(self, channel: int, kind: int, air_nl: float = 0.0) -> None:
        """Put another syringe to a channel, with so much air in its mouth."""
        self.settle()
        self._kinds[channel] = kind
        self._mouths[channel] = Plugs([(AIR, air_nl)] if air_nl > 0 else [])
        self.be_careful()

    def insert_air(self, volume_nl: float, before_valve_nl: float) -> None:
        """Put air in the place of what stands so far before the valve. Raises ValueError where there is no room."""
        self.settle()
        after = self.tube.take(OUTLET, before_valve_nl)
        taken = self.tube.take(OUTLET, volume_nl)
        room_nl = sum(plug[1] for plug in taken)
        for kind, part_nl in taken:
            self._introduced[int(kind)] -= part_nl
        self._introduced[AIR] += room_nl
        self.tube.add(OUTLET, AIR, room_nl)
        for kind, part_nl in reversed(after):
            self.tube.add(OUTLET, kind, part_nl)
        self.be_careful()
        if room_nl < volume_nl - SMALLEST_NL:
            raise ValueError(f"there is room for {room_nl:.0f} nL of air only, not for {volume_nl:.0f} nL")

    def dry(self) -> None:
        """Replace everything between manifold and tip with air, as in a line that was never primed."""
        self.settle()
        for piece in (self.tube, self.patient_line):
            volume_nl = sum(plug[1] for plug in piece.plugs)
            for kind, part_nl in piece.take(OUTLET, volume_nl):
                self._introduced[int(kind)] -= part_nl
            self._introduced[AIR] += volume_nl
            piece.add(OUTLET, AIR, volume_nl)
        self.be_careful()

    def kind_of(self, channel: int) -> int:
        """Return the kind of liquid in a channel's syringe."""
        return self._kinds[channel]

    @property
    def tip(self) -> ByKind:
        """What has left the tip, nL; what was sucked in there is foreign and negative."""
        self.settle()
        return list(self._tip)

    @property
    def waste(self) -> ByKind:
        """What has gone to the waste, nL."""
        self.settle()
        return list(self._waste)

    @property
    def leaked(self) -> ByKind:
        """What has leaked or was spilt, nL; air that was drawn in is negative."""
        self.settle()
        return list(self._leaked)

    def in_line(self) -> ByKind:
        """Return the volume of each kind between the syringes and the tip, nL."""
        self.settle()
        held = nothing()
        self.tube.count(held)
        self.patient_line.count(held)
        held[AIR] -= self._vacuum_nl
        return held

    def balance_errors_nl(self) -> ByKind:
        """Return, kind by kind, what came in minus what is anywhere: 0 but for rounding."""
        held = self.in_line()
        return [
            self._primed[kind]
            + self._entered[kind]
            + self._introduced[kind]
            - held[kind]
            - self._tip[kind]
            - self._waste[kind]
            - self._leaked[kind]
            for kind in range(len(KINDS))
        ]

    def air_at_flow_sensor(self) -> bool:
        """Tell whether air stands in the flow sensor."""
        return self.careful and self.tube.air_at(self._to_valve_nl)

    def air_at_valve(self) -> bool:
        """Tell whether air stands in the bubble sensor, right before the valve."""
        return self.careful and self.tube.air_at(0.0)

    def air_at_tip(self) -> bool:
        """Tell whether air is what leaves, or would leave, the tip."""
        return self.careful and self.patient_line.air_at(0.0)

    def way_to_change_nl(self, patient: bool) -> float | None:
        """Return what must flow through the valve until bubble sensor or tip see another phase; None for never."""
        if not self.careful:
            return None
        ways = [way_to_change_nl(self.tube)]
        if patient:
            ways.append(way_to_change_nl(self.patient_line, self.tube))
        return min((way_nl for way_nl in ways if way_nl is not None), default=None)
