"""Runs a recorded run again and says where it first differs from the recording.

Either the whole scenario, by its name, or without it: the recorded octets of the host and acts at the rig, at their
times, against a board of the same kind.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hil import recording_file, tools
from hil.bench import Bench
from hil.compare import Difference, first_difference
from hil.plant import PlantParameters
from hil.recording import Act, Octets, Recording
from hil.scenario_runs import PROJECT, run_scenarios
from hil.tape import Tape
from host.errors import RigError, UsageError

_USE_OCTETS = "Replay what the host sent instead: --octets"


@dataclass(frozen=True, slots=True)
class Replay:
    """A recording, what the same run did now, and the first difference."""

    recorded: Recording
    again: Recording
    by: str
    """scenario, or octets."""

    difference: Difference | None
    firmware_differs: bool

    @property
    def same(self) -> bool:
        """Whether edges and frames are the same, to the nanosecond and the octet."""
        return self.recorded.header.digest == self.again.header.digest

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        header = self.recorded.header
        return {
            "node": header.node,
            "target": header.target,
            "seed": header.seed,
            "by": self.by,
            "same": self.same,
            "recorded_outcome": header.outcome,
            "outcome": self.again.header.outcome,
            "digest": header.digest,
            "digest_again": self.again.header.digest,
            "firmware_hash": header.firmware_hash,
            "firmware_differs": self.firmware_differs,
            "first_difference": None if self.difference is None else self.difference.as_dict(),
        }


def replay(recorded: Recording, *, octets: bool = False, root: Path | None = None) -> Replay:
    """Run it again and compare. Raises RigError when it cannot be run again."""
    by_octets = octets or recorded.header.node is None
    again = octets_again(recorded) if by_octets else scenario_again(recorded, root)
    return Replay(
        recorded,
        again,
        "octets" if by_octets else "scenario",
        _difference(recorded, again),
        recorded.header.firmware_hash != tools.firmware_hash(),
    )


def _difference(recorded: Recording, again: Recording) -> Difference | None:
    # Of a run that lost its beginning only the hash can be compared as a whole.
    if recorded.header.dropped and recorded.header.digest == again.header.digest:
        return None
    return first_difference(recorded, again)


def scenario_again(recorded: Recording, root: Path | None = None) -> Recording:
    """Run the recorded test again, same target, same seed, and return its recording. Raises RigError."""
    header = recorded.header
    assert header.node is not None
    file = header.node.partition("::")[0]
    places = [root] if root is not None else [Path.cwd(), PROJECT]
    place = next((each for each in places if (each / file).is_file()), None)
    if place is None:
        raise UsageError(f"The scenario {header.node} is not here.", f"Go to where {file} is. {_USE_OCTETS}")
    with tempfile.TemporaryDirectory(prefix="nanorig-replay-") as folder:
        run_scenarios(header.node, [header.target], header.seed, Path(folder), root=place)
        found = sorted(Path(folder).glob(f"*{recording_file.SUFFIX}"))
        if len(found) != 1:
            raise RigError("internal", f"{header.node} left {len(found)} recordings instead of one.", _USE_OCTETS)
        return recording_file.read(found[0])


def octets_again(recorded: Recording) -> Recording:
    """Give a board what the host sent and what was done at the rig, at the same times. Raises RigError."""
    header = recorded.header
    lost = [name for name in ("octets", "act") if header.dropped.get(name)]
    if lost:
        raise UsageError("The beginning of this long run was left out of its recording.", "Replay the scenario.")
    strange = [act.name for act in recorded.acts if not act.plain]
    strange += [name for name, value in header.options.items() if isinstance(value, dict)]
    if strange:
        raise UsageError(f"{', '.join(strange)}: this cannot be done again from a file.", "Replay the scenario.")
    if recorded.patient:
        raise UsageError("A patient was at the tip: this cannot be done again from a file.", "Replay the scenario.")
    parameters = _parameters(header.parameters)
    options = {**header.options, "power": header.powered, "provisioned": header.provisioned}
    with Bench(header.target, header.seed, parameters, **options) as bench:
        tape = Tape(bench)
        done: list[Octets | Act] = [*recorded.octets, *recorded.acts]
        for item in sorted(done, key=lambda item: item.now_ns):
            bench.run_until_ns(item.now_ns)
            _do(bench, item)
        bench.run_until_ns(header.ended_ns)
        return tape.recording(header.node, "replayed")


def _do(bench: Bench, item: Octets | Act) -> None:
    if isinstance(item, Octets):
        bench.board.host_write(item.data)
    elif not item.name.startswith("link."):  # the octets are those that came through the link
        _method(bench, item.name)(*item.arguments, **item.named)


def _method(bench: Bench, name: str) -> Callable[..., object]:
    owner: Any = bench
    first, *rest = name.split(".")
    if first in {"plant", "board"} and rest and not any(part.startswith("_") for part in rest):
        owner = getattr(bench, first)
        for part in rest:
            owner = getattr(owner, part, None)
        if callable(owner):
            return owner  # type: ignore[no-any-return]
    raise RigError("tampered", f"This bench knows no act {name!r}.", "Replay the scenario.")


def _parameters(values: dict[str, Any]) -> PlantParameters:
    try:
        return PlantParameters(**values)
    except (TypeError, ValueError) as error:
        raise UsageError(f"The recorded plant is not one of this bench: {error}.", "Replay the scenario.") from None
