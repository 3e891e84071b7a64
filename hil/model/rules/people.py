"""Time and the people at the rig: clearing, resuming, resolving, with the foot switch in time, too early or never."""

from hil.model import acts
from hil.model.draw import Draw
from hil.model.probe import probe
from hil.model.rules.rule import Rule
from hil.model.world import World
from protocol import codes, messages


def moment(world: World, draw: Draw) -> None:
    """Milliseconds pass."""
    world.run_ms(draw.integer(1, 120))


def while_(world: World, draw: Draw) -> None:
    """Seconds pass."""
    world.run_ms(draw.integer(200, 3_000))


def pause_between_doses(world: World, draw: Draw) -> None:
    """What has to lie between two doses passes, or nearly."""
    world.run_ms(draw.choice((9_000, 10_050, 10_050, 11_000)))


def minutes(world: World, draw: Draw) -> None:
    """A minute or two pass."""
    world.run_ms(draw.choice((30_000, 62_000, 95_000)))


def people_clear_up(world: World, draw: Draw) -> None:  # noqa: ARG001
    """Somebody clears what can be cleared."""
    acts.people_clear_up(world)


def make_ready(world: World, draw: Draw) -> None:
    """Somebody makes the rig ready for agent."""
    acts.make_ready(world)
    if draw.chance(30):
        world.run_ms(6_500)


def clear(world: World, draw: Draw) -> None:
    """The stop is to be cleared."""
    if world.connected():
        _with_foot(world, draw, messages.CLEAR)


def clear_by_clinician(world: World, draw: Draw) -> None:
    """A clinician clears a patient's cause."""
    if world.connected():
        number = messages.CLEAR_BY_CLINICIAN
        key = draw.choice((codes.SLOT_CLINIC,) * 3 + (codes.SLOT_MONITOR,))
        body = world.clinic.say(number, key=key)
        values = messages.decode_body(number, body, 0, len(body))
        assert values is not None
        _with_foot(world, draw, number, *values)


def pause(world: World, draw: Draw) -> None:
    """The running dose is to pause."""
    if world.connected() and world.orders:
        world.ask(messages.PAUSE, _an_id(world, draw))
        world.run_ms(draw.choice((10, 700, 2_000)))


def resume(world: World, draw: Draw) -> None:
    """The paused dose is to go on."""
    if world.connected() and world.orders:
        _with_foot(world, draw, messages.RESUME, _an_id(world, draw))


def resolve(world: World, draw: Draw) -> None:
    """An unknown dose is to be taken as it is."""
    if world.connected():
        unresolved = list(world.judge.latches.unresolved) or [world.last_dose_id]
        _with_foot(world, draw, messages.RESOLVE, draw.choice(unresolved))


def confirm_alarms(world: World, draw: Draw) -> None:
    """Light and sound are tried."""
    if world.connected():
        _with_foot(world, draw, messages.TEST_ALARMS)


def foot(world: World, draw: Draw) -> None:
    """Somebody steps on the switch for no reason, shortly or long."""
    world.press(draw.integer(0, 200), draw.choice((3, 50, 400)))


def stop(world: World, draw: Draw) -> None:
    """Somebody stops, and says why, or nonsense."""
    cause = draw.choice((codes.CAUSE_OPERATOR,) * 3 + (codes.CAUSE_CLINICIAN, codes.CAUSE_LINK_LOST, 0, 77))
    world.voice.say(messages.STOP, cause, seq=0)
    world.run_ms(draw.choice((1, 20, 300)))


def ask(world: World, draw: Draw) -> None:
    """The device is asked about itself and about an earlier dose."""
    if world.connected():
        acts.look_around(world)
        doses = list(world.judge.doses)
        if doses:
            world.ask(messages.GET_DOSE, draw.choice(doses))


def until_the_end(world: World, draw: Draw) -> None:
    """The dose runs to its end; at that very moment the power may go."""
    cut_ms = draw.integer(0, 60) if draw.chance(25) else -1
    for _ in range(400):
        if world.judge.current is None:
            break
        world.run_ms(15)
    if cut_ms >= 0:
        world.run_ms(cut_ms)
        world.power_off()
        world.run_ms(50)
        world.power_on()
        world.run_ms(600)
        acts.reconcile(world)


def rescue_is_possible(world: World, draw: Draw) -> None:
    """Here and now a rescue has to be possible, or what keeps it has to lie in the machine."""
    probe(world, draw)


def rescue_under_a_patients_cause(world: World, draw: Draw) -> None:
    """Monitor, clinician or a lost host stop everything else; the rescue stays possible."""
    cause = draw.choice((codes.CAUSE_CLINICIAN, codes.CAUSE_CONSENT, codes.CAUSE_LINK_LOST, codes.CAUSE_NONE))
    if cause == codes.CAUSE_NONE and world.connected():
        treatment = world.judge.volumes.rows.treatment
        hold = draw.choice((codes.HOLD_HOLD, codes.HOLD_STOP))
        world.ask_signed(messages.HOLD, world.clinic.say(messages.HOLD, treatment, hold))
    elif cause:
        world.voice.say(messages.STOP, cause, seq=0)
    world.run_ms(draw.choice((5, 100, 1_000)))
    probe(world, draw)


def _an_id(world: World, draw: Draw) -> bytes:
    current = world.judge.book.current_order()
    if current is not None and draw.chance(85):
        return current.dose_id
    return world.orders[-1 - draw.integer(0, min(5, len(world.orders) - 1))].dose_id


def _with_foot(world: World, draw: Draw, number: int, *values: int | bytes) -> None:
    """Ask for an act; the foot comes in time, was there before, comes too late, or never."""
    foot = draw.choice(("in time",) * 6 + ("held", "before", "late", "never"))
    if foot == "held":
        world.plant.press_footswitch()
        world.run_ms(30)
    elif foot == "before":
        world.press()
    world.ask(number, *values)
    if foot == "in time":
        world.press(draw.choice((20, 100, 1_500, 9_800)) if draw.chance(30) else 30)
    elif foot == "late":
        world.press(10_200)
    elif foot == "held":
        world.run_ms(100)
        world.plant.press_footswitch(False)
    world.run_ms(draw.choice((20, 60, 400)))


RULES = (
    Rule(moment, 6),
    Rule(while_, 6),
    Rule(pause_between_doses, 8),
    Rule(minutes, 1),
    Rule(people_clear_up, 5),
    Rule(make_ready, 9),
    Rule(clear, 3),
    Rule(clear_by_clinician, 2),
    Rule(pause, 3),
    Rule(resume, 3),
    Rule(resolve, 2),
    Rule(confirm_alarms, 1),
    Rule(foot, 2),
    Rule(stop, 2),
    Rule(ask, 3),
    Rule(until_the_end, 9),
    Rule(rescue_is_possible, 2),
    Rule(rescue_under_a_patients_cause, 2),
)
