"""What the judge is shown of one run: pins, wire, tip, faults as they struck, and what the host said."""

from dataclasses import dataclass, field
from typing import Any

from hil.bench import Bench
from hil.faults.inject import Injector, Struck
from hil.faults.schedule import Schedule
from hil.provision import Provision
from hil.recorder import TO_DEVICE
from hil.storm.frames import SeenFrame, seen, seen_after_a_reset
from hil.violation import Violation
from protocol import typed


@dataclass(frozen=True, slots=True)
class Told:
    """Something the device said, with two true volumes at that instant: through the tip, and from a loose syringe."""

    now_ns: int
    message: typed.Message
    tip_nl: float
    fed_nl: float
    """What a head has fed into the line so far through a loose syringe, less what it has sucked out, nL."""


@dataclass
class Evidence:
    """Everything that was seen of one run."""

    schedule: Schedule
    edges: dict[int, list[int]] = field(default_factory=dict)
    """Instants of the edges at each step pin, ns."""

    to_device: list[SeenFrame] = field(default_factory=list)
    told: list[Told] = field(default_factory=list)
    inputs: list[tuple[int, int]] = field(default_factory=list)
    """Instants at which a pin of the machine changed, and the pins from then on."""

    struck: list[Struck] = field(default_factory=list)
    power: list[tuple[int, bool]] = field(default_factory=list)
    outcomes: list[dict[str, Any]] = field(default_factory=list)
    """What the host's ledger says became of each intent: ``dose_id``, ``outcome``, ``emitted_steps``, ..."""

    stops_seen_ns: list[int] = field(default_factory=list)
    """Instants at which a client reported that the stop is latched."""

    findings: list[Violation] = field(default_factory=list)
    """What was found wrong while the run went on."""

    provision: Provision | None = None
    """Whose keys the rig holds."""

    step_nl: float = 0.0
    """What a step displaces in truth."""

    end_ns: int = 0
    digest: str = ""


class WatchedBench(Bench):
    """A bench that notes what the device says at the instant it is said, and every change at the machine's pins."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self._looked_at = 0
        self.told: list[Told] = []
        self.inputs: list[tuple[int, int]] = []
        self.orders: list[SeenFrame] = []
        """Every intact order that went to the device."""

        self.lots: dict[bytes, bytes] = {}
        """By dose id: the lot that its order names."""

        super().__init__(*arguments, **options)
        self.inputs.append((self.plant.now_ns, self.plant.inputs(self.plant.now_ns)))
        self.plant.on_inputs.append(lambda now_ns, inputs: self.inputs.append((now_ns, inputs)))

    def advance(self, until_ns: int) -> bool:
        """Run on as every bench does, and look at what passed."""
        heard = super().advance(until_ns)
        frames = self.recorder.frames
        while self._looked_at < len(frames):
            frame = frames[self._looked_at]
            self._looked_at += 1
            look = seen if frame.direction == TO_DEVICE else seen_after_a_reset
            found = look(frame.now_ns, frame.data)
            if found is None or found.message is None:
                continue
            if frame.direction != TO_DEVICE:
                self.told.append(Told(self.now_ns, found.message, self.plant.tip_nl, self.plant.line.fed_nl))
            elif isinstance(found.message, typed.DoseOrder):
                self.orders.append(found)
                self.lots[found.message.dose_id] = found.message.lot
        return heard

    def show(self, schedule: Schedule, injector: Injector) -> Evidence:
        """Return what was seen so far."""
        frames = [seen(frame.now_ns, frame.data) for frame in self.recorder.frames if frame.direction == TO_DEVICE]
        return Evidence(
            schedule=schedule,
            edges={channel: self.recorder.edge_times(channel) for channel in range(self.plant.parameters.channels)},
            to_device=[frame for frame in frames if frame is not None],
            told=self.told,
            inputs=self.inputs,
            struck=injector.log,
            power=injector.power,
            provision=self.provision,
            step_nl=self.plant.parameters.step_nl,
            end_ns=self.now_ns,
            digest=self.recorder.digest(),
        )
