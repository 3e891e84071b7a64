"""The tape of a bench: notes what happens at its edges without changing any of it.

It puts itself before the bench's plant, board and link and looks on: nothing is advanced, nothing is drawn from a
generator. Edges and frames are the recorder's.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from hil import tools
from hil.bench import Bench
from hil.plant.parameters import NS_PER_MS, NS_PER_S
from hil.recorder import TO_HOST
from hil.recording import Act, Header, Level, Octets, PatientSample, Recording, Sample, decoded
from protocol import typed

SAMPLE_NS = 20 * NS_PER_MS
PATIENT_NS = NS_PER_S
MAX_SAMPLES = 20_000
"""With more, every second sample is dropped and the rest of the run is sampled half as often."""

MAX_ITEMS = 100_000
"""Of acts, levels and bursts of octets; with more, the oldest are dropped and counted."""

MAX_PROBLEM = 4_000
MAX_TEXT = 200

_PINS = {
    "step_edges",
    "set_direction",
    "set_valve",
    "heartbeat_edges",
    "set_light",
    "set_buzzer",
    "set_stirrer",
    "power_on_controller",
    "power_off_controller",
}
"""What the controller does to the plant; everything else that returns nothing is done by people or faults."""

_NO_ACTS = _PINS | {"advance", "at", "every"}
_BOARD_ACTS = ("power_on", "power_off", "reset", "hang")
_PART_ACTS = {"fram": ("cut_power_after",), "buses": ("silence", "hold", "disturb")}
_LINK_ACTS = ("plug", "unplug", "set_faults")


class Tape:
    """Notes what is done to one bench, and samples its plant, from the moment it is made."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self._octets: list[Octets] = []
        self._acts: list[Act] = []
        self._levels: list[Level] = []
        self._samples: list[Sample] = []
        self._patient: list[PatientSample] = []
        self._next_patient_ns = 0
        self._dropped: dict[str, int] = {}
        self._sample_ns = SAMPLE_NS
        self._next_sample_ns = 0
        self._held: Sample | None = None
        self._last: dict[str, int] = {}
        self._beat_until_ns = -1
        self._depth = 0
        self._powered = bench.powered_at_first
        self._watch()

    def watch_faults(self, injector: Any) -> None:
        """Note each fault that begins or ends, in place of what it does to the rig."""
        for name in ("begin", "end"):
            self._note_calls(injector, name, f"faults.{name}")

    def recording(self, node: str | None = None, outcome: str = "recorded", problem: str = "") -> Recording:
        """Return what has happened so far. ``node`` names the test, ``problem`` what it complains about."""
        bench = self.bench
        parameters = tools.parameters_of(bench.plant.parameters)
        self._sample()
        self._note_end_of_beat(bench.now_ns)
        samples = [*self._samples, *([self._held] if self._held is not None else [])]
        header = Header(
            target=bench.target,
            seed=bench.seed,
            powered=self._powered,
            provisioned=bench.provision is not None,
            options={name: _plain(value)[0] for name, value in bench.options.items()},
            parameters=parameters,
            parameters_sha256=tools.parameters_sha256(parameters),
            firmware_hash=tools.firmware_hash(),
            firmware_reported=self.firmware_reported(),
            schema=tools.schema(),
            tools=tools.versions(bench.board),
            node=node,
            outcome=outcome,
            problem=problem[:MAX_PROBLEM],
            ended_ns=bench.now_ns,
            digest=bench.recorder.digest(),
            sample_ns=self._sample_ns,
            dropped=dict(self._dropped),
        )
        recorder = bench.recorder
        return Recording(
            header,
            sorted(recorder.edges, key=lambda run: run.first_ns),
            list(recorder.frames),
            list(self._octets),
            list(self._acts),
            list(self._levels),
            samples,
            list(self._patient),
        )

    def firmware_reported(self) -> str | None:
        """Return the hash in the last WELCOME, None when no host has connected."""
        for frame in reversed(self.bench.recorder.frames):
            if frame.direction == TO_HOST:
                for message in decoded(frame.data):
                    if isinstance(message, typed.Welcome):
                        return message.firmware.hex()
        return None

    # Where it looks on.

    def _watch(self) -> None:
        plant, board = self.bench.plant, self.bench.board
        plant.on_inputs.append(lambda now_ns, inputs: self._level(now_ns, "inputs", inputs))
        self._level(plant.now_ns, "inputs", plant.inputs(plant.now_ns))
        self._after(plant, "adc", lambda *_: self._look())
        self._after(plant, "set_valve", lambda now_ns, level: self._level(now_ns, "valve", int(level)))
        self._after(plant, "set_direction", lambda now_ns, forward: self._level(now_ns, "direction", int(forward)))
        self._after(plant, "set_buzzer", lambda now_ns, on: self._level(now_ns, "buzzer", int(on)))
        self._after(plant, "set_light", self._light)
        self._after(plant, "heartbeat_edges", self._beat)
        self._before(board, "host_write", self._host_wrote)
        for name in dir(type(plant)):
            if not name.startswith("_") and name not in _NO_ACTS and _returns_nothing(getattr(type(plant), name)):
                self._note_calls(plant, name, f"plant.{name}")
        for part, names in _PART_ACTS.items():
            for name in names:
                self._note_calls(getattr(plant, part, None), name, f"plant.{part}.{name}")
        for name in _BOARD_ACTS:
            self._note_calls(board, name, f"board.{name}")
        for name in _LINK_ACTS:
            self._note_calls(self.bench.link, name, f"link.{name}")

    def _after(self, owner: Any, name: str, look: Callable[..., object]) -> None:
        inner = getattr(owner, name)

        @wraps(inner)
        def call(*arguments: Any) -> Any:
            result = inner(*arguments)
            look(*arguments)
            return result

        setattr(owner, name, call)

    def _before(self, owner: Any, name: str, look: Callable[..., object]) -> None:
        inner = getattr(owner, name)

        @wraps(inner)
        def call(*arguments: Any) -> Any:
            look(*arguments)
            return inner(*arguments)

        setattr(owner, name, call)

    def _note_calls(self, owner: Any, name: str, shown: str) -> None:
        inner = getattr(owner, name, None)
        if inner is None:
            return

        @wraps(inner)
        def call(*arguments: Any, **named: Any) -> Any:
            # An act that is part of another is not one of its own.
            if not self._depth:
                self._act(shown, arguments, named)
            self._depth += 1
            try:
                return inner(*arguments, **named)
            finally:
                self._depth -= 1

        setattr(owner, name, call)

    # What it notes.

    def _act(self, name: str, arguments: tuple[Any, ...], named: dict[str, Any]) -> None:
        given = [_plain(value) for value in arguments]
        by_name = {key: _plain(value) for key, value in named.items()}
        plain = all(ok for _, ok in (*given, *by_name.values()))
        now_ns = max(self.bench.plant.now_ns, self.bench.now_ns)
        values = {key: value for key, (value, _) in by_name.items()}
        self._acts.append(Act(now_ns, name, [value for value, _ in given], values, plain))
        self._bound("act", self._acts)

    def _host_wrote(self, data: bytes) -> None:
        self._octets.append(Octets(self.bench.now_ns, bytes(data)))
        self._bound("octets", self._octets)

    def _level(self, now_ns: int, name: str, value: int) -> None:
        if self._last.get(name) != value:
            self._last[name] = value
            self._levels.append(Level(now_ns, name, value))
            self._bound("level", self._levels)

    def _light(self, now_ns: int, red: bool, yellow: bool, cyan: bool) -> None:
        self._level(now_ns, "light", red | yellow << 1 | cyan << 2)

    def _beat(self, first_ns: int, period_ns: int, count: int) -> None:
        self._note_end_of_beat(first_ns)
        self._level(first_ns, "heartbeat", 1)
        self._beat_until_ns = first_ns + (count - 1) * period_ns + self.bench.plant.parameters.heartbeat_one_shot_ns

    def _note_end_of_beat(self, now_ns: int) -> None:
        if self._last.get("heartbeat") and now_ns > self._beat_until_ns:
            self._level(self._beat_until_ns, "heartbeat", 0)

    def _look(self) -> None:
        if self.bench.plant.now_ns >= self._next_sample_ns:
            self._sample()

    def _sample(self) -> None:
        """Note the plant's state as it stands; of equal states only the first and the last."""
        plant = self.bench.plant
        line = plant.line
        now_ns = plant.now_ns
        self._next_sample_ns = now_ns + self._sample_ns
        if now_ns >= self._next_patient_ns:
            self._sample_patient(now_ns)
        sample = Sample(
            now_ns,
            round(line.pressure_kpa * 1000),
            round(line.flow_nl_s, 1),
            round(line.tip_nl, 2),
            round(line.waste_nl, 2),
            round(line.stored_nl, 1),
            round(line.leaked_nl, 2),
            int(plant.valve_patient),
            int(plant.motor_powered),
        )
        last = self._samples[-1] if self._samples else None
        if last is not None and _state(last) == _state(sample):
            self._held = sample
            return
        if self._held is not None:
            self._samples.append(self._held)
            self._held = None
        self._samples.append(sample)
        if len(self._samples) > MAX_SAMPLES:
            del self._samples[1::2]
            self._sample_ns *= 2

    def _sample_patient(self, now_ns: int) -> None:
        patient = getattr(self.bench, "patient", None)
        if patient is None:
            return
        self._next_patient_ns = now_ns + PATIENT_NS
        numbers = (patient.burden_ul, patient.reaction, patient.agent_ul, patient.counter_ul)
        self._patient.append(PatientSample(now_ns, *(round(number, 4) for number in numbers)))
        self._bound("patient", self._patient)

    def _bound(self, kind: str, items: list[Any]) -> None:
        # In one go now and then: dropping one by one costs as much as the whole list each time.
        if len(items) > MAX_ITEMS + MAX_ITEMS // 10:
            drop = len(items) - MAX_ITEMS
            del items[:drop]
            self._dropped[kind] = self._dropped.get(kind, 0) + drop


def _state(sample: Sample) -> tuple[float, ...]:
    return (
        sample.pressure_pa,
        sample.flow_nl_s,
        sample.tip_nl,
        sample.waste_nl,
        sample.leaked_nl,
        sample.valve_patient,
        sample.motor_powered,
    )


def _returns_nothing(method: Any) -> bool:
    """Tell whether a method is declared to return nothing, which makes it an act."""
    return callable(method) and getattr(method, "__annotations__", {}).get("return", method) in (None, "None")


def _plain(value: Any) -> tuple[Any, bool]:
    """Return a value that JSON holds exactly, and whether it is the value itself."""
    if value is None or type(value) in {bool, int, float, str}:
        return value, True
    return {"text": str(value)[:MAX_TEXT]}, False
