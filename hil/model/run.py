"""Runs the model: example after example, each a new rig, some hundred steps long, a rescue at its end."""

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from hil.boards.base import BoardError
from hil.model import acts
from hil.model.draw import Draw, RecordedDraw, SeededDraw
from hil.model.probe import probe
from hil.model.rules import BY_NAME, RULES
from hil.model.rules.rule import Rule
from hil.model.world import CLOCK_WRAP_MS, World
from hil.plant import PlantParameters
from hil.plant.noise import stream
from hil.violation import Violation
from host.errors import RigError
from protocol import codes, messages

EXAMPLE_STEPS = 200
MOST_FOUND = 10
NEAR_WRAP_MS = CLOCK_WRAP_MS - 25_000
_PRIME_NL = 8_300
_ROWS = (
    (100_000, 20_000, 500_000, 500_000, 60, 100_000, 500_000, 100_000, 500_000),
    (3_000, 20_000, 5_000, 4_500, 60, 3_000, 4_000, 3_500, 4_000),
    (6_000, 20_000, 30_000, 8_000, 200, 20_000, 60_000, 20_000, 60_000),
)


@dataclass(frozen=True, slots=True)
class Setting:
    """The rig of one example. ``rough``: whether anything befalls the machine itself."""

    seed: int
    rough: bool = True
    near_wrap: bool = False
    row: int = 1
    primed: bool = True
    """Whether agent stands in the line up to the valve, as before a treatment; else saline."""

    rig: dict[str, float] = field(default_factory=dict)

    def world(self) -> World:
        """Switch the rig on."""
        parameters = PlantParameters(**self.rig)  # type: ignore[arg-type]
        return World(self.seed, parameters, NEAR_WRAP_MS if self.near_wrap else 0, _ROWS[self.row])

    def rules(self) -> Sequence[Rule]:
        """Return the rules that are drawn from."""
        return [rule for rule in RULES if self.rough or not rule.rough]


Step = tuple[str, list[int]]


@dataclass(slots=True)
class Example:
    """One example as it went: setting and steps make it again."""

    setting: Setting
    steps: list[Step] = field(default_factory=list)
    violations: list[Violation] = field(default_factory=list)
    edges: int = 0
    simulated_s: float = 0.0

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        setting = {name: getattr(self.setting, name) for name in ("seed", "rough", "near_wrap", "row", "primed", "rig")}
        return {
            "setting": setting,
            "steps": [[name, drawn] for name, drawn in self.steps],
            "violations": [str(violation) for violation in self.violations],
        }


def setting_of(random: Random) -> Setting:
    """Draw the rig of an example."""
    rig = {}
    if random.random() < 0.5:
        rig = {
            "bore_error": round(random.uniform(-0.01, 0.01), 4),
            "stick_slip_nl": round(random.uniform(0, 100), 1),
            "backlash_nl": round(random.uniform(0, 270), 1),
            "compliance_nl_kpa": round(random.uniform(50, 500), 1),
            "flow_gain_error_bound": round(random.uniform(0, 0.1), 4),
        }
    rough, near_wrap, row = random.random() < 0.6, random.random() < 0.3, random.choice((0, 1, 1, 2))
    return Setting(random.randrange(1 << 32), rough, near_wrap, row, random.random() < 0.7, rig)


def begin(setting: Setting) -> World:
    """Switch a rig on and say hello."""
    world = setting.world()
    world.run_ms(500)
    world.hello()
    world.ask(messages.GET_TREATMENT)
    if setting.primed:
        world.run_ms(500)
        acts.send_order(world, acts.order_of(world, codes.KIND_PRIME, codes.CHANNEL_AGENT, _PRIME_NL, 20_000))
        world.run_ms(1_200)
    return world


def take(world: World, rule: Rule, draw: Draw) -> None:
    """Take one step. What the firmware raises is a violation."""
    try:
        rule.act(world, draw)
        world.run_ms(1)
    except BoardError as error:
        world.judge.find("crash", world.now_ns, str(error).splitlines()[0])
    except Exception as error:  # noqa: BLE001 -- whatever the firmware raises is to be told with its example
        world.judge.find("crash", world.now_ns, f"{rule.name}: {error!r}")


def end(world: World) -> None:
    """End an example: a rescue as it stands, then one after everything was mended; every id has one end."""
    draw = RecordedDraw(())
    probe(world, draw)
    world.mend()
    world.power_off()
    world.run_ms(50)
    world.power_on()
    world.run_ms(6_800)
    world.hello()
    acts.make_ready(world)
    world.run_ms(1_000)
    probe(world, draw)
    for _ in range(100):
        if world.judge.current is None:
            break
        world.run_ms(100)
    for dose_id, dose in list(world.judge.doses.items()):
        if dose.accepted or dose.count:
            world.ask(messages.GET_DOSE, dose_id)
    acts.look_around(world)
    if abs(world.plant.balance_error_nl) > 0.01:
        world.judge.find("volume balance", world.now_ns, f"{world.plant.balance_error_nl:.3f} nL")


def _finish(world: World) -> None:
    try:
        end(world)
    except Exception as error:  # noqa: BLE001 -- as in a step
        world.judge.find("crash", world.now_ns, f"end: {error!r}")


def _close(example: Example, world: World) -> Example:
    example.violations = world.judge.violations
    example.edges = world.recorder.count
    example.simulated_s = world.now_ns / 1e9
    world.board.close()
    return example


def run_example(setting: Setting, steps: int) -> Example:
    """Take so many random steps with a rig, fewer where a promise breaks."""
    world = begin(setting)
    draw = SeededDraw(stream(setting.seed, "steps"))
    choose = stream(setting.seed, "rules")
    rules = setting.rules()
    weights = [rule.weight for rule in rules]
    example = Example(setting)
    for _ in range(steps):
        rule = choose.choices(rules, weights)[0]
        draw.begin()
        example.steps.append((rule.name, draw.drawn))
        take(world, rule, draw)
        if world.judge.violations:
            break
    else:
        _finish(world)
    return _close(example, world)


def again(setting: Setting, steps: Sequence[Step]) -> Example:
    """Take the very steps of an earlier example."""
    world = begin(setting)
    example = Example(setting, [(name, list(drawn)) for name, drawn in steps])
    for name, drawn in steps:
        take(world, BY_NAME[name], RecordedDraw(drawn))
        if world.judge.violations:
            break
    else:
        _finish(world)
    return _close(example, world)


def made_small(example: Example, most_runs: int) -> Example:
    """Leave out steps as long as the same promise breaks."""
    rule = example.violations[0].rule
    small, runs, width = example, 0, max(1, len(example.steps) // 2)
    while width and runs < most_runs:
        at = 0
        while at < len(small.steps) and runs < most_runs:
            tried = again(small.setting, small.steps[:at] + small.steps[at + width :])
            runs += 1
            if tried.violations and tried.violations[0].rule == rule:
                small = tried
            else:
                at += width
        width //= 2
    return small


@dataclass
class ModelResult:
    """How a run of the model went."""

    seed: int
    steps: int = 0
    examples: int = 0
    edges: int = 0
    simulated_s: float = 0.0
    rules: Counter[str] = field(default_factory=Counter)
    found: list[Example] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "seed": self.seed,
            "steps": self.steps,
            "examples": self.examples,
            "edges": self.edges,
            "simulated_s": round(self.simulated_s, 3),
            "rules": dict(sorted(self.rules.items())),
            "violations": [example.as_dict() for example in self.found],
        }


def run_model(
    steps: int,
    seed: int,
    *,
    example_steps: int = EXAMPLE_STEPS,
    shrink_runs: int = 0,
    told: Callable[[int, Example], None] = lambda _number, _example: None,
    enough: Callable[[Example], bool] = lambda _example: False,
) -> ModelResult:
    """Take so many steps in all; each example is drawn from the seed and its number. ``enough`` ends it earlier."""
    result = ModelResult(seed)
    while result.steps < steps and len(result.found) < MOST_FOUND:
        setting = setting_of(stream(seed, f"example {result.examples}"))
        example = run_example(setting, min(example_steps, steps - result.steps))
        result.steps += len(example.steps)
        result.examples += 1
        result.edges += example.edges
        result.simulated_s += example.simulated_s
        result.rules.update(name for name, _ in example.steps)
        told(result.examples - 1, example)
        if example.violations:
            result.found.append(made_small(example, shrink_runs) if shrink_runs else example)
            if enough(example):
                break
    return result


def save(example: Example, path: Path) -> None:
    """Write an example to a file. Raises RigError."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(example.as_dict()), encoding="utf-8")
    except OSError as error:
        raise RigError("usage", f"{path} cannot be written: {error.strerror}.", "Name another folder.") from error


def load(path: Path) -> Example:
    """Read an example. Raises RigError."""
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
        setting = Setting(**fields["setting"])
        steps = [(str(name), [int(value) for value in drawn]) for name, drawn in fields["steps"]]
        if unknown := {name for name, _ in steps} - BY_NAME.keys():
            raise RigError("usage", f"{path}: no rule is called {min(unknown)!r}.", "Name a file of this version.")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RigError("usage", f"{path} is no example of the model: {error}", "Name one that it kept.") from error
    return Example(setting, steps)
