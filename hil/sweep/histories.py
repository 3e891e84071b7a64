"""The orders whose whole history the power is cut in, octet by octet and tick by tick."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

from hil.plant.parameters import NS_PER_MS
from hil.scenarios.rig_in_use import press
from hil.sweep.scene import Scene, Sent
from protocol import codes

AGENT, COUNTER, FLUSH = codes.CHANNEL_AGENT, codes.CHANNEL_COUNTER_AGENT, codes.CHANNEL_FLUSH
WRITTEN_S = 0.7
"""Everything that an outcome brings with it stands in the journal by then."""

MOMENT_NS = 100 * NS_PER_MS


@dataclass(frozen=True, slots=True)
class History:
    """What happens to one order. ``agent`` makes the rig ready for it, ``agent_in_line`` fills the line with it."""

    name: str
    perform: Callable[[Scene], Awaitable[None]]
    rate_nl_s: int
    agent: bool = True
    agent_in_line: bool = True
    window_nl: int = 0


async def _delivered(scene: Scene, volume_nl: int, rate_nl_s: int, channel: int = AGENT) -> None:
    await scene.permitted_to_end(await scene.order(volume_nl, rate_nl_s, channel=channel))


async def _flush_alone(scene: Scene) -> None:
    await scene.ended(await scene.order(600, 5_000, channel=FLUSH))


async def _under_way(scene: Scene) -> Sent:
    return await scene.order(2_000, 2_000, channel=AGENT)


async def _stopped(scene: Scene) -> None:
    sent = await _under_way(scene)
    async with scene.permitted(sent):
        await scene.flowing(sent, 60)
        scene.latch(codes.CAUSE_OPERATOR)
        await scene.host.stop()
        await scene.ended(sent)


async def _stopped_by_monitor(scene: Scene) -> None:
    sent = await _under_way(scene)
    async with scene.permitted(sent):
        await scene.flowing(sent, 60)
        await scene.host.hold(codes.HOLD_STOP)
        scene.latch(codes.CAUSE_MONITOR)
        await scene.ended(sent)


async def _held(scene: Scene) -> None:
    sent = await _under_way(scene)
    async with scene.permitted(sent):
        await scene.flowing(sent, 60)
        await scene.host.hold()
        scene.latch(codes.CAUSE_MONITOR, hold=True)
        await scene.host.in_state(sent.order.dose_id, codes.DOSE_PAUSED)


async def _door(scene: Scene) -> None:
    sent = await _under_way(scene)
    async with scene.permitted(sent):
        await scene.flowing(sent, 60)
        _for_a_moment(scene, scene.bench.plant.open_door)
        scene.latch(codes.CAUSE_DOOR)
        await scene.ended(sent)


async def _air(scene: Scene) -> None:
    sent = await _under_way(scene)
    async with scene.permitted(sent):
        await scene.flowing(sent, 60)
        _for_a_moment(scene, scene.bench.plant.put_bubble)
        scene.latch(codes.CAUSE_AIR)
        await scene.ended(sent)


def _for_a_moment(scene: Scene, happens: Callable[[bool], None]) -> None:
    """Let something happen, and be over soon, whatever becomes of the controller: only its latch can tell of it."""
    happens(True)
    scene.bench.plant.at(scene.bench.plant.now_ns + MOMENT_NS, lambda: happens(False))


async def _paused(scene: Scene) -> None:
    sent = await scene.order(1_000, 2_000, channel=AGENT)
    async with scene.permitted(sent):
        await scene.flowing(sent, 60)
        await scene.host.pause(sent.order.dose_id)
        await scene.host.in_state(sent.order.dose_id, codes.DOSE_PAUSED)
        await scene.host.resume(sent.order.dose_id)
        await press(scene.bench)
        await scene.ended(sent)


async def _rescued(scene: Scene) -> None:
    sent = await _under_way(scene)
    async with scene.permitted(sent):
        await scene.flowing(sent, 60)
        await _rescue(scene)


async def _rescue(scene: Scene) -> None:
    rescue = await scene.order(600, 5_000, kind=codes.KIND_RESCUE, channel=COUNTER)
    await press(scene.bench)
    await scene.ended(rescue)


async def _rescued_while_unknown(scene: Scene) -> None:
    """The power comes back to a dose that it had left open: what the start writes belongs to the history."""
    await scene.restart()
    await scene.awake()
    await _rescue(scene)
    unknown = scene.sent[0].order.dose_id
    scene.resolving(unknown)
    await scene.confirmed(scene.resolve(unknown))


async def leave_open(scene: Scene) -> None:
    """Cut the power in the middle of a dose of agent."""
    sent = await _under_way(scene)
    async with scene.permitted(sent):
        await scene.flowing(sent, 60)
    await scene.lose_power()


HISTORIES = (
    History("dose at 0.1 uL/s", partial(_delivered, volume_nl=150, rate_nl_s=100), 100),
    History("dose at 1 uL/s", partial(_delivered, volume_nl=500, rate_nl_s=1_000), 1_000, window_nl=40_000),
    History("dose at 20 uL/s", partial(_delivered, volume_nl=3_000, rate_nl_s=20_000), 20_000, agent_in_line=False),
    History("counter-agent", partial(_delivered, volume_nl=500, rate_nl_s=3_000, channel=COUNTER), 3_000),
    History("flush", partial(_delivered, volume_nl=700, rate_nl_s=5_000, channel=FLUSH), 5_000),
    History("flush alone", _flush_alone, 5_000, agent=False, agent_in_line=False),
    History("stopped", _stopped, 2_000),
    History("stopped by the monitor", _stopped_by_monitor, 2_000, agent_in_line=False),
    History("held", _held, 2_000),
    History("door", _door, 2_000),
    History("air", _air, 2_000, agent_in_line=False),
    History("paused and resumed", _paused, 2_000),
    History("rescue", _rescued, 5_000),
    History("rescue while unknown", _rescued_while_unknown, 5_000),
)
BY_NAME = {history.name: history for history in HISTORIES}
BEFORE = {"rescue while unknown": leave_open}
"""What happens before the history, and without a cut."""
