"""What the device counts after a restart, against what the plant has seen: totals, window, line, cartridges."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from hil.sweep.scene import CHANNELS, TOTAL_NL, Scene
from protocol import codes, typed

AGENT, COUNTER = codes.CHANNEL_AGENT, codes.CHANNEL_COUNTER_AGENT
NAMES = {AGENT: "agent", COUNTER: "counter", codes.CHANNEL_FLUSH: "flush"}
RESTING_NL = 1.0
"""What may leave a tip whose valve stands on waste, and what two sums of true volumes may differ: rounding."""


class Counts:
    """Judges one rig's counts. ``told`` are its orders as it tells them now, by id; ``fail`` takes what is wrong."""

    def __init__(self, scene: Scene, told: Mapping[bytes, typed.DoseState], fail: Callable[[str], None]) -> None:
        self._scene = scene
        self._told = told
        self._fail = fail

    async def judge(self) -> None:
        """Ask and compare."""
        told = await self._scene.treatment()
        self._judge_totals(told)
        self._judge_agent(told)
        for channel in CHANNELS:
            self._judge_cartridge(channel, (await self._scene.cartridge(channel)).remaining_nl)

    def left_nl(self, channel: int) -> int:
        """Return what is left under the ceilings at most, every dose counted as the plant and its outcome say."""
        base = self._scene.base.treatment
        counted_nl = _counted_nl(base, channel) + self.own_nl(channel)
        if channel != AGENT:
            return TOTAL_NL - counted_nl
        tip_nl = int(self._scene.bench.plant.to_patient_nl()[AGENT])
        return min(base.agent_total_nl, base.window_nl) - max(counted_nl, tip_nl)

    def own_nl(self, channel: int) -> int:
        """Return the upper ends of a channel's doses. Agent counts as it leaves the tip: at once from a full line."""
        if channel == AGENT and self._scene.base.treatment.agent_nl == 0:
            return 0
        return sum(state.patient_max_nl for state in self._told.values() if state.channel == channel)

    def _judge_totals(self, told: typed.Treatment) -> None:
        """Every dose counts once: not less than its own channel's upper ends, nor more than the upper ends of all."""
        base = self._scene.base.treatment
        if told.treatment != base.treatment:
            self._fail("the treatment is not open any more")
        all_nl = sum(state.patient_max_nl for state in self._told.values())
        for channel, name in NAMES.items():
            counted_nl = _counted_nl(told, channel) - _counted_nl(base, channel)
            least_nl = self.own_nl(channel)
            most_nl = all_nl if channel == AGENT else least_nl
            if not least_nl <= counted_nl <= most_nl:
                self._fail(f"{counted_nl} nL of {name} are counted, instead of {least_nl} to {most_nl} nL")
        window_nl = told.in_window_nl - base.in_window_nl
        if not self.own_nl(AGENT) <= window_nl <= all_nl:
            self._fail(f"{window_nl} nL count in the window, instead of {self.own_nl(AGENT)} to {all_nl} nL")

    def _judge_agent(self, told: typed.Treatment) -> None:
        """Wherever agent is in truth, at least as much is told."""
        plant = self._scene.bench.plant
        tip_nl = plant.to_patient_nl()[AGENT]
        if min(told.agent_nl, told.in_window_nl) < tip_nl - RESTING_NL:
            self._fail(f"{told.agent_nl} nL of agent are counted, {tip_nl:.0f} nL went to the patient")
        line_nl = plant.contents.in_line()[AGENT]
        if told.agent_in_line_nl < line_nl - RESTING_NL:
            self._fail(f"{told.agent_in_line_nl} nL of agent stand in the line at most, in truth {line_nl:.0f} nL")

    def _judge_cartridge(self, channel: int, left_nl: int) -> None:
        """What was taken since the history began is taken away once: not less than in truth, nor more than is told."""
        base = self._scene.base
        taken_nl = base.remaining_nl[channel] - left_nl
        true_nl = base.true_remaining_nl[channel] - self._scene.bench.plant.syringes[channel].remaining_nl
        states = [state for state in self._told.values() if state.channel == channel]
        most_nl = sum(state.patient_max_nl + state.waste_max_nl for state in states)
        if not true_nl - RESTING_NL <= taken_nl <= most_nl + RESTING_NL:
            self._fail(f"{taken_nl} nL are gone from cartridge {channel}, of {true_nl:.0f} in truth to {most_nl} nL")


def _counted_nl(treatment: typed.Treatment, channel: int) -> int:
    return int(getattr(treatment, f"{NAMES[channel]}_nl"))
