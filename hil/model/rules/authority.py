"""Permits, holds, treatments, ceilings, dates: well signed, badly signed, said again, for somebody else."""

from hil.model.acts import open_treatment, order_of, prepare, send_order
from hil.model.clinic import broken_tag
from hil.model.draw import Draw
from hil.model.rules.rule import Rule
from hil.model.world import World
from hil.provision import TODAY
from protocol import codes, messages, typed

_BAD_PERMITS, _BROKEN_TAG = 11, 10
_ROW = (3_000, 5_000, 9_000, 6_000, 60, 5_000, 20_000, 10_000, 40_000)


def good_permit(world: World, draw: Draw) -> None:
    """One permit, short or long, for little or much, slow or fast."""
    order = world.judge.book.current_order()
    if order is None:
        return
    world.permits = world.permits and draw.chance(50)
    life_ms = draw.choice((30, 100, 500, 1_000, 1_990))
    volume_nl, rate_nl_s = draw.choice((1, 20, 100, 500, 5_000, 100_000)), draw.choice((50, 500, 5_000, 20_000))
    body = world.clinic.permit(order, world.device_ms + life_ms, volume_nl, rate_nl_s)
    world.ask_signed(messages.PERMIT, body)
    if draw.chance(30):
        world.run_ms(life_ms // 2)
        world.ask_signed(messages.PERMIT, body)
    world.run_ms(draw.choice((0, 50, life_ms, life_ms + 200, life_ms + 2_300)))


def single_permits(world: World, draw: Draw) -> None:
    """A dose of agent for which the monitor grants little by little, now and then the same once more."""
    prepare(world, codes.CHANNEL_AGENT)
    world.permits = False
    if send_order(world, order_of(world, codes.KIND_DOSE, codes.CHANNEL_AGENT, 2_000, 2_000)):
        for _ in range(draw.integer(1, 4)):
            good_permit(world, draw)


def bad_permit(world: World, draw: Draw) -> None:
    """A permit that must not let anything flow. Often it is all that there is."""
    order = world.judge.book.current_order() or _waiting_for_a_permit(world)
    if order is None:
        return
    world.permits = world.permits and draw.chance(30)
    foreign = world.random.randbytes(8)
    now_ms = world.device_ms
    wrong = draw.choice((*range(_BAD_PERMITS), _BROKEN_TAG, _BROKEN_TAG))
    body = (
        lambda: world.clinic.permit(order, now_ms - 1),
        lambda: world.clinic.permit(order, now_ms + 2_200),
        lambda: world.clinic.permit(order, now_ms + 1_500, treatment=foreign),
        lambda: world.clinic.permit(order, now_ms + 1_500, lot=foreign),
        lambda: world.clinic.permit(order, now_ms + 1_500, dose_id=foreign),
        lambda: world.clinic.permit(order, now_ms + 1_500, rig=foreign),
        lambda: world.clinic.permit(order, now_ms + 1_500, boot=foreign),
        lambda: world.clinic.permit(order, now_ms + 1_500, key=codes.SLOT_CLINIC),
        lambda: world.clinic.permit(order, now_ms + 1_500, counter=1),
        lambda: world.clinic.permit(order, now_ms + 1_500, 100_001, 20_000),
        lambda: broken_tag(world.clinic.permit(order, now_ms + 1_500)),
    )[wrong]()
    world.ask_signed(messages.PERMIT, body)
    world.run_ms(draw.choice((10, 100, 600)))


def _waiting_for_a_permit(world: World) -> typed.DoseOrder | None:
    """Order a dose of agent that nobody permits; return the order when the device has taken it."""
    prepare(world, codes.CHANNEL_AGENT)
    world.permits = False
    taken = send_order(world, order_of(world, codes.KIND_DOSE, codes.CHANNEL_AGENT, 2_000, 2_000))
    return world.judge.book.current_order() if taken else None


def old_permit_again(world: World, draw: Draw) -> None:
    """What the monitor has said before, in a request of its own."""
    said = [said for said in world.voice.said if said.number in (messages.PERMIT, messages.CLEAR_BY_CLINICIAN)]
    if said and world.connected():
        world.permits = world.permits and draw.chance(30)
        again = said[-1 - draw.integer(0, min(4, len(said) - 1))]
        world.ask(again.number, *again.values)
        world.run_ms(draw.choice((10, 400)))


def monitor(world: World, draw: Draw) -> None:
    """The monitor begins to grant, or withholds."""
    world.permits = draw.chance(50)
    world.run_ms(draw.choice((100, 1_000, 2_500)))


def hold(world: World, draw: Draw) -> None:
    """The monitor holds the agent, or stops the rig; or somebody else would like to."""
    number = messages.HOLD
    rows = world.judge.volumes.rows
    values = (rows.treatment, draw.choice((codes.HOLD_HOLD, codes.HOLD_HOLD, codes.HOLD_STOP, 0)))
    if not world.connected():
        return
    fate = draw.integer(0, 5)
    if fate == 0:
        body = world.clinic.say(number, *values, key=codes.SLOT_CARTRIDGE)
    elif fate == 1:
        body = world.clinic.say(number, world.random.randbytes(8), values[1])
    else:
        body = world.clinic.say(number, *values)
    world.ask_signed(number, body)
    world.run_ms(draw.choice((10, 100, 500)))


def close_treatment(world: World, draw: Draw) -> None:
    """The clinic closes the treatment, most often with a person."""
    if world.connected():
        body = world.clinic.say(messages.CLOSE_TREATMENT, world.judge.volumes.rows.treatment)
        world.ask_signed(messages.CLOSE_TREATMENT, body)
        _person(world, draw)


def new_treatment(world: World, draw: Draw) -> None:
    """The clinic opens a treatment: of an id of now or before, screened or not, within its ceilings or not."""
    if not world.connected():
        return
    if draw.chance(50):
        screening = draw.choice((codes.SCREENING_PASSED,) * 3 + (codes.SCREENING_UNKNOWN, codes.SCREENING_FAILED))
        residual_nl = draw.choice((0, 0, 0, 2_000, codes.UNKNOWN_NL))
        open_treatment(world, _row(draw), screening=screening, residual_nl=residual_nl)
        return
    fields: tuple[int | bytes, ...] = (world.random.randbytes(8), TODAY, codes.SCREENING_PASSED, 0, *_row(draw))
    key = draw.choice((codes.SLOT_CLINIC, codes.SLOT_CLINIC, codes.SLOT_MONITOR))
    body = world.clinic.say(messages.OPEN_TREATMENT, *fields, key=key)
    world.ask_signed(messages.OPEN_TREATMENT, body)
    _person(world, draw)


def set_ceilings(world: World, draw: Draw) -> None:
    """The clinic sets its ceilings, looser than may be or not, most often with a person."""
    if world.connected():
        body = world.clinic.say(messages.SET_CEILINGS, *_row(draw))
        world.ask_signed(messages.SET_CEILINGS, body)
        _person(world, draw)


def set_date(world: World, draw: Draw) -> None:
    """The clinic tells the date; the cartridges may be beyond theirs."""
    if world.connected():
        day = draw.choice((TODAY, TODAY, TODAY, 0, TODAY + 1_000))
        world.ask_signed(messages.SET_DATE, world.clinic.say(messages.SET_DATE, day))


def _row(draw: Draw) -> tuple[int, ...]:
    """Return the usual row with one ceiling looser or tighter."""
    row = list(_ROW)
    index = draw.integer(0, len(row) - 1)
    row[index] = draw.choice((0, row[index] // 2, row[index], row[index] * 2, 1_000_000 if index != 4 else 3_000))
    return tuple(row)


def _person(world: World, draw: Draw) -> None:
    if draw.chance(75):
        world.press(draw.integer(20, 500))
    if world.connected():
        world.ask(messages.GET_TREATMENT)


RULES = (
    Rule(good_permit, 8),
    Rule(single_permits, 4),
    Rule(bad_permit, 6),
    Rule(old_permit_again, 3),
    Rule(monitor, 4),
    Rule(hold, 3),
    Rule(close_treatment, 1),
    Rule(new_treatment, 2),
    Rule(set_ceilings, 1),
    Rule(set_date, 1),
)
