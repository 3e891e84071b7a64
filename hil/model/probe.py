"""Whether a rescue is possible here and now: ordered within its ceilings, with a person, it has to flow.

What may keep it is judged from outside: something of the machine that stands, or has befallen it since the last time
that nothing kept a rescue; a rig that has only just started; what was rescued already; no treatment, no good cartridge.
"""

from hil.model import acts
from hil.model.draw import Draw
from hil.model.world import World
from protocol import codes, messages, typed

START_NS = 6_500_000_000
FLOW_NS = 3_000_000_000
_REASONS = {number: name for name, number in codes.REASONS}
_BY_MACHINE = (
    codes.REASON_STOPPED,
    codes.REASON_INTERLOCK,
    codes.REASON_JOURNAL,
    codes.REASON_CARTRIDGE,
    codes.REASON_CARTRIDGE_AUTHENTIC,
    codes.REASON_RESERVOIR,
    codes.REASON_LOT,
)
VOLUME_NL, RATE_NL_S = 300, 2_000


def probe(world: World, draw: Draw) -> None:
    """Order a small rescue with a person at hand; find a violation where it is kept without a reason."""
    judge = world.judge
    if not world.board.mcu.powered or world.board.hung:
        return
    if judge.rescuing or not world.hello():
        return
    world.permits = False
    if draw.chance(30):
        world.pings = False
    acts.reconcile(world)
    order = acts.renewed(world, acts.order_of(world, codes.KIND_RESCUE, 1, VOLUME_NL, RATE_NL_S))
    world.orders = [*world.orders[-39:], order]
    before = judge.flowed(order.dose_id)
    answer = world.ask(messages.DOSE_ORDER, *order.values())
    if not isinstance(answer, typed.DoseState):
        return
    if answer.state == codes.DOSE_REFUSED:
        _judge_refusal(world, answer.reason)
    else:
        world.press(40)
        end_ns = world.now_ns + FLOW_NS
        while world.now_ns < end_ns and judge.flowed(order.dose_id) == before:
            world.run_ms(100)
        if judge.flowed(order.dose_id) == before and not _machine(world):
            judge.find("a rescue does not flow", world.now_ns, f"{FLOW_NS / 1e9:g} s after it was confirmed")
    world.pings = True


def _machine(world: World) -> bool:
    """Whether the machine may have a reason of its own."""
    judge = world.judge
    return (
        judge.machine_ns >= judge.cleared_ns
        or bool(world.mends)
        or bool(judge.ever_exchanged)
        or world.now_ns - judge.boot_ns < START_NS
        or "a stop" in judge.latches.standing
        or judge.memory_broken
    )


def _judge_refusal(world: World, reason: int) -> None:
    judge = world.judge
    legitimate = reason in _BY_MACHINE and _machine(world)
    if reason == codes.REASON_NO_TREATMENT:
        legitimate = judge.volumes.may_be_closed
    elif reason == codes.REASON_RESCUE_HIGH:
        legitimate = judge.rescued_nl + VOLUME_NL > 100_000
    elif reason == codes.REASON_CARTRIDGE_EXPIRED:
        legitimate = True
    elif reason == codes.REASON_PURGE:
        # A purge that was not seen to its end, or whose end the power took, is none.
        legitimate = codes.CHANNEL_COUNTER_AGENT in judge.ever_exchanged
    if not legitimate:
        judge.find("a rescue is refused", world.now_ns, _REASONS[reason])
