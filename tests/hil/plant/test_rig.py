"""The rig at pin level: supply, valve, SAFE, sensors, faults."""

from math import exp

import pytest

from hil.plant import PlantParameters, SimulatedRig
from hil.plant.parameters import NOMINAL_STEP_NL
from protocol import codes

MS = 1_000_000
S = 1000 * MS
FLUSH = codes.CHANNEL_FLUSH
PERIOD_NS = 5_608_000  # 1 uL/s
PLAIN = PlantParameters(
    stick_slip_nl=0.0,
    backlash_nl=0.0,
    i2c_error_rate=0.0,
    scale_noise_nl=0.0,
    pressure_noise_kpa=0.0,
    flow_noise_nl_s=0.0,
    flow_noise_share=0.0,
    flow_gain_error_bound=0.0,
)


def make_rig(**changes):
    values = {name: getattr(PLAIN, name) for name in PlantParameters.__dataclass_fields__}
    return SimulatedRig(PlantParameters(**{**values, **changes}))


def feed(rig, first_ns, until_ns):
    """Send heartbeat edges every 5 ms."""
    rig.heartbeat_edges(first_ns, 5 * MS, (until_ns - first_ns) // (5 * MS) + 1)


def powered_rig(until_ns=60 * S, **changes):
    rig = make_rig(**changes)
    rig.set_direction(0, True)
    feed(rig, 0, until_ns)
    rig.set_valve(0, True)
    rig.advance(20 * MS)
    return rig


def test_steps_move_liquid_to_the_tip():
    rig = powered_rig()
    rig.step_edges(FLUSH, 1 * S, PERIOD_NS, 1000)
    rig.advance(20 * S)
    assert rig.tip_nl == pytest.approx(1000 * NOMINAL_STEP_NL, abs=1e-6)
    assert rig.weigh_nl(20 * S) == pytest.approx(rig.tip_nl, abs=1e-6)


def test_channels_are_syringes_of_their_own():
    rig = powered_rig()
    for channel in range(3):
        rig.step_edges(channel, (channel + 1) * S, 10 * MS, 10 * (channel + 1))
    assert [round(syringe.plunger_nl / NOMINAL_STEP_NL) for syringe in rig.syringes] == [10, 20, 30]


def test_the_direction_pin_reverses_the_plunger():
    rig = powered_rig()
    rig.step_edges(FLUSH, 1 * S, PERIOD_NS, 10)
    rig.set_direction(2 * S, False)
    rig.step_edges(FLUSH, 3 * S, PERIOD_NS, 4)
    assert rig.syringes[FLUSH].plunger_nl == pytest.approx(6 * NOMINAL_STEP_NL)


def test_edges_without_heartbeat_move_nothing():
    rig = make_rig()
    rig.set_direction(0, True)
    rig.set_valve(0, True)
    rig.step_edges(FLUSH, 1 * S, PERIOD_NS, 100)
    rig.advance(5 * S)
    assert rig.syringes[FLUSH].plunger_nl == 0.0
    assert not rig.valve_patient
    assert rig.unpowered_steps[FLUSH] == 100


def test_motor_stops_at_the_end_of_the_one_shot_in_the_middle_of_a_run():
    rig = powered_rig(until_ns=1 * S)  # the last edge is at 1 s, the supply falls at 1.020 s
    rig.step_edges(FLUSH, 1 * S, 10 * MS, 10)
    assert rig.unpowered_steps[FLUSH] == 8
    assert rig.syringes[FLUSH].plunger_nl == pytest.approx(2 * NOMINAL_STEP_NL)


def test_valve_falls_to_the_waste_when_the_heartbeat_ends():
    rig = powered_rig(until_ns=1 * S)
    rig.advance(1029 * MS)
    assert rig.valve_patient
    rig.advance(1030 * MS)
    assert not rig.valve_patient


def test_valve_takes_ten_milliseconds_each_way():
    rig = make_rig()
    feed(rig, 0, 10 * S)
    for level in (True, False):
        start_ns = rig.now_ns + 1 * S
        rig.set_valve(start_ns, level)
        rig.advance(start_ns + 10 * MS - 1)
        assert rig.valve_patient is not level
        rig.advance(start_ns + 10 * MS)
        assert rig.valve_patient is level


def test_a_short_pulse_does_not_move_the_valve():
    rig = make_rig()
    feed(rig, 0, 10 * S)
    rig.set_valve(1 * S, True)
    rig.set_valve(1 * S + 9 * MS, False)
    rig.advance(2 * S)
    assert not rig.valve_patient


def test_liquid_after_safe_is_what_flows_while_the_valve_falls():
    rig = powered_rig()
    rate_nl_s = 20_000.0
    rig.step_edges(FLUSH, 20 * MS, 280_400, 20_000)
    before_nl = rig.tip_nl
    rig.press_estop()
    rig.step_edges(FLUSH, rig.now_ns + 280_400, 280_400, 100)
    rig.advance(rig.now_ns + 1 * S)
    expected_nl = rate_nl_s * 0.4 * (1 - exp(-0.010 / 0.4))
    assert rig.tip_nl - before_nl == pytest.approx(expected_nl, rel=0.01)
    assert rig.tip_nl - before_nl < 300


@pytest.mark.parametrize(
    ("spoil", "mend"),
    [
        (lambda rig: rig.press_estop(), lambda rig: rig.press_estop(False)),
        (lambda rig: rig.open_door(), lambda rig: rig.open_door(False)),
        (lambda rig: rig.put_bubble(), lambda rig: rig.put_bubble(False)),
    ],
)
def test_safe_falls_and_returns_with_each_of_its_causes(spoil, mend):
    rig = powered_rig()
    assert rig.safe(1 * S)
    spoil(rig)
    assert not rig.safe(1 * S)
    assert not rig.motor_powered
    mend(rig)
    assert rig.safe(1 * S)
    assert rig.motor_powered


def test_a_bubble_does_not_trip_safe_while_the_valve_is_released():
    rig = make_rig()
    rig.put_bubble()
    assert rig.safe(0)
    assert not rig.inputs(0) & codes.INPUT_BUBBLE_CLEAR
    rig.set_valve(1, True)
    assert not rig.safe(1)


def test_inputs_are_healthy_at_rest():
    healthy = codes.INPUT_ESTOP_HEALTHY | codes.INPUT_DOOR_CLOSED | codes.INPUT_BUBBLE_CLEAR | codes.INPUT_SAFE
    assert make_rig().inputs(0) == healthy


def test_footswitch_is_high_while_it_is_pressed():
    rig = make_rig()
    rig.press_footswitch()
    assert rig.inputs(0) & codes.INPUT_FOOTSWITCH
    rig.press_footswitch(False)
    assert not rig.inputs(0) & codes.INPUT_FOOTSWITCH


def test_end_switch_closes_before_the_syringe_is_empty():
    rig = powered_rig(fill_nl=10_100.0)
    assert not rig.inputs(1 * S) & codes.INPUT_HOME
    rig.step_edges(FLUSH, 1 * S, PERIOD_NS, 20)
    assert rig.inputs(2 * S) & codes.INPUT_HOME


def test_an_empty_syringe_gives_nothing_more():
    rig = powered_rig(fill_nl=1000.0)
    rig.step_edges(FLUSH, 1 * S, PERIOD_NS, 300)
    rig.advance(10 * S)
    assert rig.tip_nl == pytest.approx(1000.0)
    assert rig.syringes[FLUSH].steps_lost > 0


def test_occlusion_stores_volume_and_clearing_it_releases_the_volume():
    rig = powered_rig()
    rig.occlude(1.0)
    rig.step_edges(FLUSH, 1 * S, PERIOD_NS, 1000)
    assert rig.tip_nl == 0.0
    assert rig.pressure_kpa == pytest.approx(1000 * NOMINAL_STEP_NL / 200.0)
    rig.occlude(0.0)
    rig.advance(20 * S)
    assert rig.tip_nl == pytest.approx(1000 * NOMINAL_STEP_NL, abs=1e-3)


def test_a_stalled_motor_moves_nothing():
    rig = powered_rig()
    rig.stall(FLUSH)
    rig.step_edges(FLUSH, 1 * S, PERIOD_NS, 100)
    assert rig.syringes[FLUSH].plunger_nl == 0.0


def test_without_supply_the_motor_stands_and_the_valve_falls():
    rig = powered_rig()
    rig.dip_supply()
    rig.step_edges(FLUSH, 1 * S, PERIOD_NS, 100)
    assert rig.syringes[FLUSH].plunger_nl == 0.0
    assert not rig.valve_patient
    assert rig.adc(2, 2 * S) == 0


def test_pressure_input_follows_the_line_with_its_lag():
    rig = powered_rig(pressure_lag_s=0.05)
    rig.occlude(1.0)
    rig.step_edges(FLUSH, 1 * S, 20_000, 1000)
    jump_kpa = 1000 * NOMINAL_STEP_NL / 200.0
    at_ns = 1 * S + 20 * MS + 50 * MS
    share = rig.adc(0, at_ns) / 65535
    assert (share - 0.1) / 0.8 * 200.0 == pytest.approx(jump_kpa * (1 - exp(-1)), rel=0.15)


def test_flow_chip_measures_the_flow_to_the_tip():
    rig = powered_rig(stick_slip_nl=0.0)
    assert rig.i2c_write(0, 0x08, b"\x36\x08", 20 * MS)
    rig.step_edges(FLUSH, 1 * S, PERIOD_NS, 1000)
    answer = rig.i2c_read(0, 0x08, 9, rig.now_ns)
    assert answer is not None
    assert int.from_bytes(answer[:2], "big", signed=True) == pytest.approx(600, abs=10)  # 60 uL/min


def test_chips_lose_their_state_with_the_controllers_power_but_the_fram_does_not():
    rig = make_rig()
    rig.i2c_write(0, 0x08, b"\x36\x08", 0)
    rig.i2c_write(0, 0x50, b"\x00\x00kept", 0)
    rig.power_on_controller(1 * S)
    assert rig.i2c_read(0, 0x08, 9, 2 * S) is None
    assert rig.i2c_write(0, 0x50, b"\x00\x00", 2 * S)
    assert rig.i2c_read(0, 0x50, 4, 2 * S) == b"kept"


def test_what_is_planned_happens_at_its_instant():
    rig = powered_rig()
    seen = []
    rig.on_inputs.append(lambda now_ns, inputs: seen.append((now_ns, bool(inputs & codes.INPUT_SAFE))))
    rig.at(1_234_567_891, rig.press_estop)
    assert rig.next_event_ns() == 1_234_567_891
    rig.advance(2 * S)
    assert seen == [(1_234_567_891, False)]
    assert rig.next_event_ns() is None


def test_nothing_can_be_planned_in_the_past():
    rig = powered_rig()
    with pytest.raises(ValueError, match="has passed"):
        rig.at(1, rig.press_estop)


def test_time_does_not_go_back():
    rig = powered_rig()
    rig.advance(2 * S)
    with pytest.raises(ValueError, match="goes back"):
        rig.adc(0, 1 * S)


def test_light_and_buzzer_can_be_looked_at():
    rig = make_rig()
    rig.set_light(0, True, False, True)
    rig.set_buzzer(0, True)
    assert rig.light == (True, False, True)
    assert rig.buzzer
