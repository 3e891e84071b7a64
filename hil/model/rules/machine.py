"""What befalls the machine: E-stop, door, air, sensors, supply, buses, cartridges, and a processor that fails."""

from hil.model import acts
from hil.model.draw import Draw
from hil.model.rules.rule import Rule
from hil.model.world import World
from hil.plant.chips import ErrorCountdown
from hil.provision import cartridge_image

_SHORT_MS = (1, 8, 30, 200, 1_500)


def emergency_stop(world: World, draw: Draw) -> None:
    """Somebody presses the emergency stop, and pulls it out again."""
    plant = world.plant
    world.break_("estop", plant.press_estop, lambda: plant.press_estop(False), draw.choice(_SHORT_MS))
    world.run_ms(draw.choice((1, 20, 300)))


def door(world: World, draw: Draw) -> None:
    """Somebody opens the door, and closes it again."""
    plant = world.plant
    world.break_("door", plant.open_door, lambda: plant.open_door(False), draw.choice(_SHORT_MS))
    world.run_ms(draw.choice((1, 20, 300)))


def air(world: World, draw: Draw) -> None:
    """The bubble sensor sees air."""
    plant = world.plant
    world.break_("air", plant.put_bubble, lambda: plant.put_bubble(False), draw.choice(_SHORT_MS))
    world.run_ms(draw.choice((1, 20, 300)))


def sensor(world: World, draw: Draw) -> None:
    """A sensor falls silent or sticks."""
    plant = world.plant
    name = draw.choice(("pressure", "flow", "supply", "density", "temperature"))
    way = draw.choice(("silent", "silent", "stuck"))
    world.break_(f"sensor {name}", lambda: plant.spoil(name, way), lambda: plant.mend(name), draw.choice(_SHORT_MS))
    world.run_ms(draw.choice((1, 100, 700)))


def supply(world: World, draw: Draw) -> None:
    """The supply of motor and valve is away for a while."""
    plant = world.plant
    world.break_("supply", plant.dip_supply, lambda: plant.dip_supply(False), draw.choice(_SHORT_MS))
    world.run_ms(draw.choice((1, 100, 700)))


def memory_refuses(world: World, draw: Draw) -> None:
    """Transfers on the board's bus are not acknowledged, most of them or some."""
    buses = world.plant.buses
    rate = draw.choice((0.02, 0.3, 1.0))
    errors = ErrorCountdown(rate, world.random)
    world.break_("memory", lambda: buses.disturb(0, errors), lambda: buses.disturb(0, None), draw.choice(_SHORT_MS))
    world.run_ms(draw.choice((1, 100, 700)))


def bus_stuck(world: World, draw: Draw) -> None:
    """A bus is held low: the board's, or that of the cartridges."""
    buses = world.plant.buses
    bus = draw.integer(0, 1)
    name = "bus" if bus == 0 else "bus of cartridges"
    world.break_(name, lambda: buses.hold(bus), lambda: buses.hold(bus, False), draw.choice(_SHORT_MS))
    world.run_ms(draw.choice((1, 100, 700)))


def cartridge_exchanged(world: World, draw: Draw) -> None:
    """Another cartridge of the same lot is put in, at once or after a while without one."""
    channel = draw.integer(0, 2)
    serial = world.random.randbytes(8)
    fill_nl = 1_000_000
    image = cartridge_image(world.provision, channel, fill_nl, fill_nl, serial=serial)
    if draw.chance(50):
        world.plant.remove_syringe(channel)
        world.judge.machine_ns = world.now_ns
        world.run_ms(draw.choice((100, 1_000)))
    world.plant.exchange_syringe(channel, memory=image)
    world.judge.cartridge_exchanged(channel, world.now_ns)
    world.run_ms(draw.choice((20, 400, 2_000)))


def hang(world: World, draw: Draw) -> None:
    """The processor hangs; the watchdog resets it."""
    world.hang()
    world.run_ms(draw.choice((20, 300, 1_500)))
    if draw.chance(70):
        world.run_ms(1_000)
        world.hello()
        acts.reconcile(world)


def exception(world: World, draw: Draw) -> None:
    """Something raises in the firmware: its main program ends in the safe state, and somebody starts it again."""
    world.fail()
    world.run_ms(draw.choice((20, 500)))
    world.hello()
    acts.reconcile(world)


def mended(world: World, draw: Draw) -> None:
    """Everything is whole again, after what must have been a restart where the journal had failed."""
    world.mend()
    if draw.chance(50):
        world.power_off()
        world.run_ms(20)
        world.power_on()
        world.run_ms(700)
        world.hello()
        acts.reconcile(world)
    acts.people_clear_up(world)


RULES = tuple(
    Rule(act, weight, rough=True)
    for act, weight in (
        (emergency_stop, 3),
        (door, 2),
        (air, 2),
        (sensor, 3),
        (supply, 2),
        (memory_refuses, 2),
        (bus_stuck, 2),
        (cartridge_exchanged, 2),
        (hang, 2),
        (exception, 1),
        (mended, 6),
    )
)
