"""What a rig allows after a restart: a person clears and resolves, ceilings hold, and what is within them is taken."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from device.latches import is_patient_cause
from device.limits import asked_within
from hil.scenarios.rig_in_use import SUSPENDED_S
from hil.sweep.counted import AGENT, Counts
from hil.sweep.scene import Scene
from protocol import codes

BEYOND = (codes.REASON_TOTAL_HIGH, codes.REASON_WINDOW_HIGH)
NO_ID = bytes(8)


class Allowed:
    """Judges what one rig allows; ``fail`` takes what is wrong, what makes the rig useless is an AssertionError."""

    def __init__(self, scene: Scene, counts: Counts, fail: Callable[[str], None]) -> None:
        self._scene = scene
        self._counts = counts
        self._fail = fail
        self._channels = {sent.channel for sent in scene.sent}
        if scene.base.treatment.agent_in_line_nl > 0 or self._channels - {codes.CHANNEL_FLUSH}:
            self._channels.add(AGENT)

    async def clear(self) -> None:
        """Let a person clear what is latched and confirm light and sound; wait until the agent is stirred."""
        scene = self._scene
        await scene.told_date()
        status = await scene.host.status()
        if status.hold_cause != codes.CAUSE_NONE:
            reason = await scene.confirmed(scene.host.clear_by_clinician())
            assert reason == codes.REASON_NONE, f"a clinician cannot clear: reason {reason}"
        if status.stop_cause != codes.CAUSE_NONE and not is_patient_cause(status.stop_cause):
            reason = await scene.confirmed(scene.host.clear())
            assert reason == codes.REASON_NONE, f"a person cannot clear: reason {reason}"
        if AGENT in self._channels:
            await scene.host.light_and_sound_confirmed(scene.bench.press_footswitch)
            await asyncio.sleep(max(0.0, SUSPENDED_S - scene.host.device_ms() / 1000))

    async def resolve(self) -> None:
        """While a dose is unknown no agent is taken; a person resolves it."""
        scene = self._scene
        host = scene.host
        unresolved = (await host.status()).unresolved_id
        while unresolved != NO_ID:
            if AGENT in self._channels:
                refused = await host.send_order(host.order(1_000, channel=AGENT))
                if refused.reason != codes.REASON_UNRESOLVED:
                    self._fail(f"agent after an unknown dose is answered with {refused}")
            reason = await scene.confirmed(scene.resolve(unresolved))
            assert reason == codes.REASON_NONE, f"a person cannot resolve: reason {reason}"
            before, unresolved = unresolved, (await host.status()).unresolved_id
            assert unresolved != before, "a person has resolved the dose in vain"

    async def order(self) -> None:
        """Just beyond a ceiling every order is refused, with the nearest volume; that one is taken."""
        host = self._scene.host
        nearest: dict[int, int] = {}
        for channel in sorted(self._channels):
            volume_nl = asked_within(self._counts.left_nl(channel)) + 1
            refused = await host.send_order(host.order(volume_nl, channel=channel))
            nearest[channel] = refused.nearest
            if refused.state != codes.DOSE_REFUSED or refused.reason not in BEYOND:
                self._fail(f"{volume_nl} nL on channel {channel} are beyond the ceiling, answered with {refused}")
        channel, volume_nl = nearest.popitem()
        answer = await host.send_order(host.order(volume_nl, channel=channel))
        if answer.state != codes.DOSE_ACCEPTED:
            self._fail(f"the nearest allowed volume, {volume_nl} nL on channel {channel}, is answered with {answer}")
