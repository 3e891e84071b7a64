"""Orders of every kind, good ones and bad ones, and the same again."""

from dataclasses import replace

from hil.model.acts import make_ready, order_of, prepare, reconcile, send_order
from hil.model.draw import Draw
from hil.model.rules.rule import Rule
from hil.model.world import CLOCK_WRAP_MS, World
from host.profiles import Piece, Profile
from protocol import codes, messages, typed

AGENT, COUNTER, FLUSH = codes.CHANNEL_AGENT, codes.CHANNEL_COUNTER_AGENT, codes.CHANNEL_FLUSH
_RATES = (50, 200, 500, 1_000, 2_000, 5_000, 20_000)


def dose_of_agent(world: World, draw: Draw) -> None:
    """Agent, most often with a monitor that grants."""
    world.permits = draw.chance(80)
    _order(world, draw, codes.KIND_DOSE, AGENT)


def dose_of_flush(world: World, draw: Draw) -> None:
    """Saline."""
    if draw.chance(50):
        world.permits = draw.chance(60)
    _order(world, draw, codes.KIND_DOSE, FLUSH)


def dose_of_counter_agent(world: World, draw: Draw) -> None:
    """Counter-agent as a dose, which wants permits."""
    world.permits = draw.chance(80)
    _order(world, draw, codes.KIND_DOSE, COUNTER)


def screening(world: World, draw: Draw) -> None:
    """A micro-dose."""
    world.permits = draw.chance(80)
    _order(world, draw, codes.KIND_SCREENING, AGENT, volume_nl=draw.integer(1_000, 2_000))


def rescue(world: World, draw: Draw) -> None:
    """A rescue, with permits, a person, both or nobody."""
    world.permits = draw.chance(40)
    _order(world, draw, codes.KIND_RESCUE, COUNTER, volume_nl=draw.integer(100, 4_000))
    if draw.chance(60):
        world.press(draw.integer(5, 2_000))


def to_waste(world: World, draw: Draw) -> None:
    """Priming, purging, calibrating."""
    kind = draw.choice((codes.KIND_PRIME, codes.KIND_PURGE, codes.KIND_CALIBRATE))
    volume_nl = draw.choice((500, 2_000, 8_000, 8_100))
    order = order_of(world, kind, draw.integer(AGENT, FLUSH), volume_nl, draw.choice((2_000, 10_000, 20_000)))
    send_order(world, order)
    world.run_ms(draw.integer(10, 2_500))


def purge(world: World, draw: Draw) -> None:
    """A whole purge of the channel that was exchanged."""
    channel = next(iter(world.judge.exchanged), draw.integer(AGENT, FLUSH))
    if send_order(world, order_of(world, codes.KIND_PURGE, channel, 8_200, 8_000)):
        world.run_ms(1_800)


def agent_behind_an_unknown_dose(world: World, draw: Draw) -> None:
    """The power goes in a dose; everything is made ready for agent again, but nobody resolves what became of it."""
    prepare(world, FLUSH)
    world.permits = True
    if not send_order(world, order_of(world, codes.KIND_DOSE, FLUSH, 2_000, 1_000)):
        return
    world.run_ms(draw.choice((100, 400, 900)))
    world.power_off()
    world.run_ms(20)
    world.power_on()
    world.run_ms(700)
    world.hello()
    reconcile(world)
    make_ready(world, resolve=draw.chance(20))
    world.run_ms(10_500)
    if send_order(world, order_of(world, codes.KIND_DOSE, AGENT, 500, 1_000)):
        world.run_ms(1_000)


def bad_order(world: World, draw: Draw) -> None:
    """An order that has to be refused, whatever the rig is doing."""
    channel = draw.integer(AGENT, FLUSH)
    good = order_of(world, codes.KIND_DOSE, channel, 1_000, 1_000)
    foreign = world.random.randbytes(8)
    now_ms = world.device_ms
    changes: dict[str, dict[str, int | bytes]] = {
        "id of nothing": {"dose_id": bytes(8)},
        "another boot": {"boot": foreign},
        "another session": {"session": foreign[:4]},
        "expired": {"expires_ms": (now_ms - 1) % CLOCK_WRAP_MS},
        "expires much later": {"expires_ms": (now_ms + 70_000) % CLOCK_WRAP_MS},
        "no such kind": {"kind": draw.choice((0, 7, 255))},
        "no such channel": {"channel": draw.choice((3, 255))},
        "screening from another channel": {"kind": codes.KIND_SCREENING, "channel": COUNTER},
        "rescue from another channel": {"kind": codes.KIND_RESCUE, "channel": draw.choice((AGENT, FLUSH))},
        "no such profile": {"profile": 3},
        "two rates in one": {"rate_end_nl_s": 999},
        "too little": {"volume_nl": draw.choice((0, 1, 99))},
        "too much": {"volume_nl": draw.choice((100_001, 1_000_000, 0xFFFFFFFF))},
        "too slow": {"rate_nl_s": 49, "rate_end_nl_s": 49},
        "too fast": {"rate_nl_s": 20_001, "rate_end_nl_s": 20_001},
        "another lot": {"lot": foreign},
        "another treatment": {"treatment": foreign},
        "waste in a treatment": {"kind": codes.KIND_PRIME, "treatment": good.treatment or foreign},
        "too large a screening": {"kind": codes.KIND_SCREENING, "channel": AGENT, "volume_nl": 2_001},
        "too large a rescue": {"kind": codes.KIND_RESCUE, "channel": COUNTER, "volume_nl": 60_001},
    }
    why = draw.choice(tuple(changes))
    if why == "waste in a treatment" and good.treatment == bytes(8):
        return
    if why == "screening from another channel" or "channel" in why:
        changes[why].setdefault("lot", world.lots[0])
    send_order(world, replace(good, **changes[why]), why)  # type: ignore[arg-type]


def unknown_last_dose(world: World, draw: Draw) -> None:
    """An order whose sender has missed a dose (DOSE-3)."""
    kind, channel = draw.choice(((codes.KIND_DOSE, FLUSH), (codes.KIND_DOSE, AGENT), (codes.KIND_RESCUE, COUNTER)))
    order = order_of(world, kind, channel, 500, 1_000)
    send_order(world, replace(order, last_dose_id=world.random.randbytes(8)), "another last dose")


def same_id_again(world: World, draw: Draw) -> None:
    """An earlier id as a new request: as it was, or adopted to boot, session and time of now."""
    if not world.orders:
        return
    before = world.orders[-1 - draw.integer(0, min(7, len(world.orders) - 1))]
    order = before
    if draw.chance(60):
        now = order_of(world, before.kind, before.channel, before.volume_nl, before.rate_nl_s)
        order = replace(now, dose_id=before.dose_id)
    if world.connected():
        world.ask(messages.DOSE_ORDER, *order.values())
        world.run_ms(draw.integer(0, 300))


def _order(world: World, draw: Draw, kind: int, channel: int, volume_nl: int = 0) -> None:
    if draw.chance(60):
        prepare(world, channel)
    volume_nl = volume_nl or draw.choice((100, 300, 1_000, 1_000, 2_000, 3_000, 6_000, 20_000))
    rate_nl_s = draw.choice(_RATES)
    # What takes longer than some seconds is cut short by what comes next.
    rate_nl_s = max(rate_nl_s, volume_nl // 8)
    order = order_of(world, kind, channel, volume_nl, min(rate_nl_s, 20_000))
    if send_order(world, _shaped(draw, order)):
        world.run_ms(draw.choice((5, 30, 60, 150, 500, 1_500, 3_000)))


def _shaped(draw: Draw, order: typed.DoseOrder) -> typed.DoseOrder:
    """Give some orders a ramp, or further pieces."""
    shape = draw.integer(0, 9)
    profile = Profile()
    if shape == 0:
        profile = Profile(rate_end_nl_s=draw.choice((50, 1_000, 20_000)))
    elif shape == 1 and order.volume_nl >= 600:
        profile = Profile(order.rate_nl_s, (Piece(order.volume_nl // 3, 2_000, 500), Piece(200, 1_000, 1_000)))
    end_nl_s = order.rate_nl_s if profile.rate_end_nl_s is None else profile.rate_end_nl_s
    return replace(order, profile=profile.number, rate_end_nl_s=end_nl_s, segments=profile.segments())


RULES = (
    Rule(dose_of_agent, 8),
    Rule(dose_of_flush, 6),
    Rule(dose_of_counter_agent, 3),
    Rule(screening, 2),
    Rule(rescue, 4),
    Rule(to_waste, 2),
    Rule(purge, 2),
    Rule(agent_behind_an_unknown_dose, 2),
    Rule(bad_order, 4),
    Rule(unknown_last_dose, 1),
    Rule(same_id_again, 3),
)
