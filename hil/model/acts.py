"""What rules have in common: a good order for now, and what a person does to make the rig ready."""

from hil.model.world import World
from hil.provision import TODAY
from host.profiles import NO_SEGMENTS
from protocol import codes, messages, typed

ORDER_LIFE_MS = 5_000
SUSPENDED_NS = 8_000_000_000
INTERVAL_NS = 10_100_000_000
CLOCK_WRAP_MS = 1 << 30
_NONE = bytes(8)


def order_of(world: World, kind: int, channel: int, volume_nl: int, rate_nl_s: int) -> typed.DoseOrder:
    """Return an order that is in order now, with a new id."""
    patient = codes.KIND_DOSE <= kind <= codes.KIND_RESCUE
    return typed.DoseOrder(
        dose_id=world.random.randbytes(8),
        last_dose_id=world.last_dose_id,
        boot=world.boot,
        session=world.voice.session,
        expires_ms=(world.device_ms + ORDER_LIFE_MS) % CLOCK_WRAP_MS,
        kind=kind,
        channel=channel,
        profile=codes.PROFILE_CONSTANT,
        lot=world.lots[channel] if patient else _NONE,
        volume_nl=volume_nl,
        rate_nl_s=rate_nl_s,
        rate_end_nl_s=rate_nl_s,
        segments=NO_SEGMENTS,
        treatment=world.judge.volumes.rows.treatment if patient else _NONE,
    )


def send_order(world: World, order: typed.DoseOrder, bad: str = "") -> bool:
    """Send an order; return whether it was accepted. ``bad``: why it has to be refused."""
    if not world.connected():
        return False
    if not bad:
        # What was made before a session was there names none.
        order = renewed(world, order)
        world.orders = [*world.orders[-39:], order]
    else:
        world.judge.bad[order.dose_id] = bad
    answer = world.ask(messages.DOSE_ORDER, *order.values())
    return isinstance(answer, typed.DoseState) and answer.state in (codes.DOSE_ACCEPTED, codes.DOSE_RUNNING)


def renewed(world: World, order: typed.DoseOrder) -> typed.DoseOrder:
    """Return the order for the present boot and session, last dose and time."""
    return typed.DoseOrder.from_values(
        (
            order.dose_id,
            world.last_dose_id,
            world.boot,
            world.voice.session,
            (world.device_ms + ORDER_LIFE_MS) % CLOCK_WRAP_MS,
            *order.values()[5:],
        )
    )


def confirmed(world: World, number: int, *values: int | bytes, press_after_ms: float = 40) -> typed.Message | None:
    """Ask for an act and have a person confirm it."""
    answer = world.ask(number, *values)
    world.press(press_after_ms)
    return answer


def look_around(world: World) -> None:
    """Ask for status and treatment."""
    if world.connected():
        world.ask(messages.GET_STATUS)
        world.ask(messages.GET_TREATMENT)


def reconcile(world: World) -> None:
    """Ask what became of every order that was not seen to end."""
    if not world.connected():
        return
    for dose in list(world.judge.doses.values()):
        if dose.accepted and dose.final is None and dose is not world.judge.current:
            world.ask(messages.GET_DOSE, dose.order.dose_id)


def people_clear_up(world: World, resolve: bool = True) -> None:
    """Let clinician and person clear stop and hold, ``resolve`` what is unknown, and end what is paused."""
    reconcile(world)
    look_around(world)
    status = world.status
    if status is None or not world.connected():
        return
    if status.hold_cause:
        world.ask_signed(messages.CLEAR_BY_CLINICIAN, world.clinic.say(messages.CLEAR_BY_CLINICIAN))
        world.press()
    if status.stop_cause:
        confirmed(world, messages.CLEAR)
    if status.unresolved_id != _NONE and resolve:
        confirmed(world, messages.RESOLVE, status.unresolved_id)
    if status.dose_state == codes.DOSE_PAUSED:
        world.voice.say(messages.STOP, codes.CAUSE_OPERATOR)
        world.run_ms(200)
        confirmed(world, messages.CLEAR)


def open_treatment(world: World, ceilings: tuple[int, ...] | None = None, **fields: int) -> None:
    """Let clinic and person open a treatment of a new id."""
    row = world.provision.ceilings if ceilings is None else ceilings
    body = world.clinic.say(
        messages.OPEN_TREATMENT,
        world.random.randbytes(8),
        TODAY,
        fields.get("screening", codes.SCREENING_PASSED),
        fields.get("residual_nl", 0),
        *row,
    )
    world.ask_signed(messages.OPEN_TREATMENT, body)
    world.press()
    world.ask(messages.GET_TREATMENT)


def prepare(world: World, channel: int) -> None:
    """Do all that a dose of this channel wants: a rig that is ready, the suspension stirred, the interval kept."""
    for _ in range(60):
        if world.judge.current is None:
            break
        world.run_ms(100)
    if world.ready_boot != world.boot or world.judge.latches.standing:
        make_ready(world)
    if channel in world.judge.exchanged and send_order(world, order_of(world, codes.KIND_PURGE, channel, 8_200, 8_000)):
        world.run_ms(1_800)
    if channel == codes.CHANNEL_AGENT:
        world.run_until_ns(world.judge.boot_ns + SUSPENDED_NS)
    world.run_until_ns(world.judge.ended_ns.get(channel, world.judge.boot_ns) + INTERVAL_NS)


def make_ready(world: World, resolve: bool = True) -> None:
    """Let people and clinic do everything that a dose of agent wants; ``resolve`` what is unknown, too."""
    people_clear_up(world, resolve)
    if not world.connected():
        return
    if world.judge.volumes.rows.treatment == _NONE:
        open_treatment(world)
    world.ask_signed(messages.SET_DATE, world.clinic.say(messages.SET_DATE, TODAY))
    if world.status is not None and world.status.self_test & codes.SELF_TEST_LIGHT_SOUND:
        confirmed(world, messages.TEST_ALARMS)
        world.ask(messages.GET_STATUS)
    status = world.status
    if status is not None and not status.stop_cause and not status.self_test & codes.SELF_TEST_LIGHT_SOUND:
        world.ready_boot = world.boot
