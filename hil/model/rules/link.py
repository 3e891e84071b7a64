"""The link: silent, opened anew, frames twice, late, out of order, broken; and the power, no cause in the machine."""

from hil.model import acts
from hil.model.draw import Draw
from hil.model.rules.rule import Rule
from hil.model.world import World
from protocol import messages


def silence(world: World, draw: Draw) -> None:
    """The host says nothing for a while; permits may still come."""
    world.pings = False
    world.permits = world.permits and draw.chance(50)
    world.run_ms(draw.choice((300, 1_300, 1_700, 3_000)))
    world.pings = draw.chance(90)


def reconnect(world: World, draw: Draw) -> None:
    """The host opens another session."""
    world.pings = True
    world.hello()
    if draw.chance(50):
        acts.reconcile(world)


def frame_again(world: World, draw: Draw) -> None:
    """The line brings an earlier frame once more, octet by octet."""
    if world.voice.said:
        world.voice.send(world.voice.said[-1 - draw.integer(0, min(12, len(world.voice.said) - 1))])
        world.run_ms(draw.choice((1, 30, 200)))


def frame_late(world: World, draw: Draw) -> None:
    """A frame is kept back, to arrive after others; or one that was, arrives."""
    if world.held_back and draw.chance(60):
        world.voice.send(world.held_back.pop(draw.integer(0, len(world.held_back) - 1)))
        world.run_ms(draw.choice((1, 30, 200)))
        return
    if not world.connected():
        return
    kind = draw.integer(0, 3)
    order = world.judge.book.current_order()
    if kind == 0:
        late = acts.order_of(world, 1, 2, 1_000, 1_000)
        said = world.voice.frame(messages.DOSE_ORDER, *late.values())
    elif kind == 1 and order is not None:
        body = world.clinic.permit(order, world.device_ms + 1_900)
        values = messages.decode_body(messages.PERMIT, body, 0, len(body))
        assert values is not None
        said = world.voice.frame(messages.PERMIT, *values)
    elif kind == 2:
        said = world.voice.frame(messages.CLEAR)
    else:
        said = world.voice.frame(messages.STOP, 1, seq=0)
    world.held_back = [*world.held_back[-3:], said]


def frame_broken(world: World, draw: Draw) -> None:
    """A frame with one bit flipped, one cut short, or noise."""
    if not world.voice.said:
        return
    octets = bytearray(world.voice.said[-1].octets[:-1])
    kind = draw.integer(0, 2)
    if kind == 0:
        octets[draw.integer(0, len(octets) - 1)] ^= 1 << draw.integer(0, 7)
    elif kind == 1:
        del octets[draw.integer(1, len(octets) - 1) :]
    else:
        octets = bytearray(world.random.randbytes(draw.integer(1, 200)))
    world.voice.send_octets(bytes(octets))
    world.run_ms(10)


def power_cut(world: World, draw: Draw) -> None:
    """The power goes now, and comes back."""
    world.power_off()
    _back(world, draw)


def power_cut_in_a_write(world: World, draw: Draw) -> None:
    """The power goes after so many more octets of the journal, or a little later if it writes nothing."""
    world.plant.fram.cut_power_after(draw.integer(0, 60))
    world.run_ms(draw.choice((5, 50, 300)))
    world.power_off()
    _back(world, draw)


def power_cut_in_a_start(world: World, draw: Draw) -> None:
    """The power goes, comes back, and goes again while the firmware starts."""
    world.power_off()
    world.run_ms(5)
    world.plant.fram.cut_power_after(draw.integer(0, 200))
    world.board.power_on()
    world.run_ms(draw.integer(1, 400))
    world.power_off()
    _back(world, draw)


def reset(world: World, draw: Draw) -> None:
    """The reset pin is pulled."""
    world.reset()
    _reconciled(world, draw)


def _back(world: World, draw: Draw) -> None:
    world.run_ms(draw.choice((1, 20, 100, 400)))
    world.power_on()
    _reconciled(world, draw)


def _reconciled(world: World, draw: Draw) -> None:
    world.run_ms(draw.choice((50, 400, 1_000)))
    if draw.chance(80):
        world.hello()
        acts.reconcile(world)
        acts.look_around(world)


RULES = (
    Rule(silence, 3),
    Rule(reconnect, 2),
    Rule(frame_again, 3),
    Rule(frame_late, 3),
    Rule(frame_broken, 1),
    Rule(power_cut, 4),
    Rule(power_cut_in_a_write, 3),
    Rule(power_cut_in_a_start, 1),
    Rule(reset, 1),
)
