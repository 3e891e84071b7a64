import pytest
from hypothesis import given
from hypothesis import strategies as st

from device import interlocks
from device.cartridges import Cartridges
from device.drivers.pressure import STUCK_READS
from device.drivers.supply import LOW_MV, LOW_RAW, SupplySensor
from device.limits import PRESSURE_LIMIT_PA
from device.pressure_limit import PressureLimit
from device.sensors import BUS_BOARD, BUS_CARTRIDGES, Sensors
from protocol import codes
from tests.device.chips import THERMOMETER, verify
from tests.device.fakes import FakeBoard, pressure_raw

TICK_US = 10_000
FLOW = 0x08


class Rig:
    """A board's sensors, read tick by tick."""

    def __init__(self):
        self.board = FakeBoard()
        self.cartridges = Cartridges(self.board, BUS_CARTRIDGES, verify)
        self.limit = PressureLimit()
        self.sensors = Sensors(self.board, self.cartridges, self.limit)
        self.ticks = 0

    def tick(self, ticks=1):
        for _ in range(ticks):
            self.board.us += TICK_US
            self.ticks += 1
            self.sensors.read(self.ticks)
        return self.sensors


@pytest.fixture
def rig():
    rig = Rig()
    rig.tick(300)
    assert rig.sensors.conditions == 0
    assert rig.sensors.faults() == 0
    return rig


def test_after_three_seconds_a_healthy_rig_has_no_condition_left():
    rig = Rig()
    before = rig.tick().conditions
    sensors = interlocks.FLOW_SENSOR | interlocks.DENSITY_SENSOR | interlocks.TEMPERATURE_SENSOR
    assert before & sensors == sensors
    assert rig.tick(299).conditions == 0


def test_the_supply_is_unhealthy_until_it_was_read():
    assert Rig().sensors._rare & interlocks.SUPPLY


@pytest.mark.req("FLOW-7")
def test_a_supply_that_is_low_between_two_readings_by_the_clock_is_seen_where_it_is_asked_for(rig):
    rig.board.supply = LOW_RAW
    assert rig.sensors.supplied()
    # The reading by the clock is over.
    assert rig.tick(5).conditions == 0
    rig.board.supply = LOW_RAW - 1
    assert not rig.sensors.supplied()
    rig.board.supply = LOW_RAW
    assert rig.sensors.supplied()
    # What was low counts until the next reading by the clock.
    assert rig.tick().conditions == interlocks.SUPPLY
    assert rig.tick(10).conditions == 0


def test_the_lowest_conversion_that_is_not_low_is_the_one_of_the_lowest_voltage():
    supply = SupplySensor()
    supply.take(LOW_RAW)
    assert (supply.healthy, supply.mv) == (True, LOW_MV)
    supply.take(LOW_RAW - 1)
    assert not supply.healthy


@pytest.mark.req("FLOW-3")
def test_the_pressure_limit_is_the_last_allowed_pressure(rig):
    rig.sensors.pressure.take = lambda raw: None
    for limit_pa in (PRESSURE_LIMIT_PA, 14_000, 138_000):
        rig.limit.set(limit_pa)
        rig.sensors.pressure.pa = limit_pa
        assert rig.tick().conditions == 0
        rig.sensors.pressure.pa = limit_pa + 1
        assert rig.tick().conditions == interlocks.PRESSURE


@pytest.mark.req("FLOW-3")
def test_the_sensor_can_read_the_highest_limit_and_what_is_above_it(rig):
    rig.limit.set(138_000)
    rig.board.pressure = pressure_raw(137)
    rig.tick(200)
    assert (rig.sensors.conditions, rig.sensors.faults()) == (0, 0)
    rig.board.pressure = pressure_raw(139)
    rig.tick(200)
    assert (rig.sensors.conditions, rig.sensors.faults()) == (interlocks.PRESSURE, 0)


@pytest.mark.req("FLOW-7", "FLOW-8")
@pytest.mark.parametrize(
    ("spoil", "condition", "fault", "within_ticks"),
    [
        (lambda board: setattr(board, "pressure", 0), interlocks.PRESSURE_SENSOR, codes.FAULT_PRESSURE, 1),
        (lambda board: setattr(board, "flow_silent", True), interlocks.FLOW_SENSOR, codes.FAULT_FLOW, 3),
        (lambda board: setattr(board, "flow_air", True), interlocks.AIR, 0, 1),
        (lambda board: setattr(board, "supply", 0), interlocks.SUPPLY, codes.FAULT_SUPPLY, 10),
        (lambda board: setattr(board, "density", 0), interlocks.DENSITY_SENSOR, codes.FAULT_DENSITY, 5),
        (
            lambda board: board.chips.buses.silence(BUS_BOARD, THERMOMETER),
            interlocks.TEMPERATURE_SENSOR,
            codes.FAULT_TEMPERATURE,
            125,
        ),
        (
            lambda board: setattr(board.chips, "celsius", lambda now_ns: 40.0 + now_ns % 3 * 0.01),
            interlocks.TEMPERATURE,
            0,
            250,
        ),
        (lambda board: board.chips.insert(0, b""), 0, codes.FAULT_CARTRIDGE, 200),
    ],
    ids=["pressure", "flow", "air", "supply", "density", "thermometer", "temperature", "cartridge"],
)
def test_what_a_sensor_tells_or_does_not_is_a_condition_and_a_fault_of_its_own(
    rig, spoil, condition, fault, within_ticks
):
    spoil(rig.board)
    rig.tick(within_ticks)
    assert (rig.sensors.conditions, rig.sensors.faults()) == (condition, fault)


@pytest.mark.req("FLOW-8")
@pytest.mark.parametrize(
    ("sensor", "condition", "longest_ticks"),
    [
        ("pressure", interlocks.PRESSURE_SENSOR, STUCK_READS + 1),
        ("flow", interlocks.FLOW_SENSOR, STUCK_READS + 1),
        ("density", interlocks.DENSITY_SENSOR, 330),
        ("supply", interlocks.SUPPLY, 1_010),
    ],
)
def test_a_reading_that_never_changes_is_a_fault(rig, sensor, condition, longest_ticks):
    flicker = rig.board.flicker
    rig.board.flicker = lambda name: 0 if name == sensor else flicker(name)
    rig.tick(longest_ticks)
    assert rig.sensors.conditions == condition


@pytest.mark.req("FLOW-8")
class TestHeldBus:
    """The board's own buses, held: each transfer that is tried costs its 2 ms."""

    @pytest.fixture
    def held(self, rig):
        rig.tries = []
        rig.held = set()
        write, read = rig.board.i2c_writeto, rig.board.i2c_readfrom_into

        def guarded(transfer):
            def try_it(bus, address, buffer):
                if bus in rig.held:
                    rig.tries.append((rig.ticks, bus, address))
                    raise OSError(110)
                return transfer(bus, address, buffer)

            return try_it

        rig.board.i2c_writeto, rig.board.i2c_readfrom_into = guarded(write), guarded(read)
        return rig

    @pytest.mark.parametrize("buses", [{BUS_BOARD}, {BUS_CARTRIDGES}, {BUS_BOARD, BUS_CARTRIDGES}])
    def test_no_tick_has_two_time_outs(self, held, buses):
        held.held = buses
        held.tick(2_000)
        ticks = [tick for tick, _, _ in held.tries]
        assert len(ticks) == len(set(ticks))

    def test_the_tick_says_that_the_bus_is_held_so_that_nobody_else_tries(self, held):
        held.held = {BUS_BOARD}
        for _ in range(200):
            held.tries.clear()
            held.tick()
            assert held.sensors.bus_held is bool(held.tries)

    def test_everybody_has_a_turn_though_both_are_held_and_finds_out(self, held):
        held.held = {BUS_BOARD, BUS_CARTRIDGES}
        held.tick(600)
        assert {(bus, address) for _, bus, address in held.tries} == {
            (BUS_BOARD, FLOW),
            (BUS_BOARD, THERMOMETER),
            *((BUS_CARTRIDGES, 0x50 + channel) for channel in range(3)),
        }
        assert held.sensors.faults() == codes.FAULT_FLOW | codes.FAULT_TEMPERATURE | codes.FAULT_CARTRIDGE

    def test_all_of_it_passes(self, held):
        held.held = {BUS_BOARD, BUS_CARTRIDGES}
        held.tick(600)
        held.held = set()
        held.tick(400)
        assert held.sensors.faults() == 0
        assert held.sensors.conditions == 0


@given(st.integers(1, 1 << 20))
def test_no_tick_reads_more_than_one_of_what_is_read_rarely(first):
    rig = Rig()
    asked = []
    rig.cartridges.poll = lambda: asked.append("cartridges")  # type: ignore[method-assign]
    rig.sensors.temperature.read = lambda: asked.append("temperature")  # type: ignore[method-assign]
    rig.sensors.density.take = lambda raw: asked.append("density")  # type: ignore[method-assign]
    rig.sensors.supply.take = lambda raw: asked.append("supply")  # type: ignore[method-assign]
    for tick in range(first, first + 50):
        before = len(asked)
        rig.sensors.read(tick)
        assert len(asked) - before <= 1
    assert [asked.count(name) for name in ("cartridges", "density", "supply", "temperature")] == [10, 10, 5, 2]


def test_pressure_is_read_every_tick(rig):
    rig.board.pressure = pressure_raw(50)
    rig.tick(30)
    assert rig.sensors.pressure.pa > 45_000
