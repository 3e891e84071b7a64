"""One trial each: SAFE falls, a stop frame comes in, the processor hangs. The pins and the scale say what followed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hil.boards.line import OCTET_NS
from hil.latency.scene import FLUSH, Scene, number_of
from hil.plant.parameters import NS_PER_MS, NS_PER_S
from hil.recorder import TO_HOST
from protocol import messages
from protocol.link_host import HostLink

NS_PER_US = 1000
STOP_FRAME_OCTETS = 15  # with the delimiter in front
STOP_FRAME_US = STOP_FRAME_OCTETS * OCTET_NS / 1000
SAFE_LIMIT_NS = 10 * NS_PER_US
GRANT_NS = 40 * NS_PER_MS
RESET_LIMIT_NS = 500 * NS_PER_MS
WATCH_MS = 60.0
"""Everything granted before has left the pin by then."""

BOOT_MS = 250.0
"""After a reset: long enough for the firmware to be up again."""

REST_NS = 8 * NS_PER_S
"""The scale follows with 1 s to 1 %: nothing is missing any more."""


@dataclass(frozen=True, slots=True)
class Pins:
    """What was at the step pins before a trial."""

    edges: int
    tip_nl: float
    began_ns: int


def safe_trial(scene: Scene, *, hung: bool, hold_ms: float, period_us: float) -> dict[str, Any]:
    """Let the emergency stop be pressed now and released after ``hold_ms``; with ``hung`` the processor is dead."""
    bench, plant = scene.bench, scene.bench.plant
    before = _pins(scene)
    fell_ns = scene.now_ns
    if hung:
        bench.board.hang()
    plant.press_estop()
    scene.run_board(hold_ms)
    returned_ns = scene.now_ns
    plant.press_estop(False)
    scene.run_board(max(WATCH_MS, 0.0 if hung else period_us / 1000 + 20))
    edges = [edge for edge in bench.recorder.edge_times(FLUSH)[before.edges :] if edge > fell_ns]
    return {
        "kind": "safe",
        "hung": hung,
        "period_us": round(period_us, 3),
        "late_edges": sum(fell_ns + SAFE_LIMIT_NS < edge < returned_ns for edge in edges),
        "edges_after_return": sum(edge >= returned_ns for edge in edges),
        "last_edge_ns": max((edge - fell_ns for edge in edges), default=0),
        # A hung processor with the valve still on: the weighing belongs to the trial of the hang.
        "tip_nl": None if hung else weighed_after(scene, before),
    }


def stop_trial(scene: Scene, state: str, collecting_ns: tuple[int, int] | None = None) -> dict[str, Any]:
    """Send a stop frame now, as the only octets on the line, and watch everything after its last octet."""
    bench, plant = scene.bench, scene.bench.plant
    frame = HostLink(messages.schema_hash(), bytes(4)).stop(1)
    before = _pins(scene)
    valve = _ValveWatch(plant)
    frames = len(bench.recorder.frames)
    bench.board.host_write(frame)
    complete_ns = max(each.now_ns for each in bench.recorder.frames[frames:])
    scene.run_board(WATCH_MS)
    last_ns = max(bench.recorder.edge_times(FLUSH)[before.edges :], default=0)
    told = any(number_of(each.data) == messages.STOPPED for each in _frames_to_host(scene, frames))
    return {
        "kind": "stop",
        "state": state,
        "latency_us": max(0, last_ns - complete_ns) / 1000,
        "valve_us": None if valve.released_ns is None else (valve.released_ns - complete_ns) / 1000,
        "confirmed": told,
        "collecting": collecting_ns is not None and collecting_ns[0] <= complete_ns <= collecting_ns[1],
        "tip_nl": weighed_after(scene, before),
    }


def hang_trial(scene: Scene, period_us: float) -> dict[str, Any]:
    """Let the processor hang now, with interrupts masked, and watch until it has started again."""
    bench, plant = scene.bench, scene.bench.plant
    before = _pins(scene)
    hung_ns = scene.now_ns
    bench.board.hang()
    # The watchdog's own limit and a little: a reset that comes too late is seen, and judged.
    while not scene.resets_ns(hung_ns) and scene.now_ns < hung_ns + 2 * RESET_LIMIT_NS:
        scene.run_board(10)
    resets = scene.resets_ns(hung_ns)
    valve = _ValveWatch(plant)
    scene.run_board(BOOT_MS)
    grant_ns = max(GRANT_NS, round(period_us * NS_PER_US))
    edges = [edge for edge in bench.recorder.edge_times(FLUSH)[before.edges :] if edge > hung_ns]
    return {
        "kind": "hang",
        "period_us": round(period_us, 3),
        "late_edges": sum(edge > hung_ns + grant_ns for edge in edges),
        "last_edge_ms": max((edge - hung_ns for edge in edges), default=0) / NS_PER_MS,
        "reset_ms": (resets[0] - hung_ns) / NS_PER_MS if resets else None,
        "unsafe_outputs": valve.energised + int(plant.motor_powered),
        "tip_nl": weighed_after(scene, before),
    }


def weighed_after(scene: Scene, before: Pins) -> float | None:
    """Weigh what has left the tip since ``before``, nL, with the scale at rest; None when the valve is not released.

    In a copy the outputs stay as they are while the scale comes to rest: nothing that flows would be overlooked.
    """
    plant = scene.bench.plant
    if plant.valve_patient:
        return None
    if not scene.copied:
        scene.run_board(REST_NS / NS_PER_MS)
    at_rest_ns = max(plant.now_ns, scene.now_ns) + (REST_NS if scene.copied else 0)
    return float(plant.weigh_nl(at_rest_ns)) - before.tip_nl


def _pins(scene: Scene) -> Pins:
    scene.bench.plant.advance(max(scene.now_ns, scene.bench.plant.now_ns))
    return Pins(scene.bench.edge_count(FLUSH), scene.bench.plant.tip_nl, scene.now_ns)


def _frames_to_host(scene: Scene, since: int) -> list[Any]:
    return [frame for frame in scene.bench.recorder.frames[since:] if frame.direction == TO_HOST]


class _ValveWatch:
    """Notes the first release of the valve pin, and how often it was energised."""

    def __init__(self, plant: Any) -> None:
        self.released_ns: int | None = None
        self.energised = 0
        self._was_high = bool(plant._valve_level)
        self._set = plant.set_valve
        plant.set_valve = self._changed

    def _changed(self, now_ns: int, level: bool) -> None:
        if self._was_high and not level and self.released_ns is None:
            self.released_ns = now_ns
        self.energised += level
        self._was_high = level
        self._set(now_ns, level)
