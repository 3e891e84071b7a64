"""The simulated rig: pumps, line, sensors and safety wiring behind the controller's pins.

Time is ns since power-on of the bench and never goes back. Between events nothing is computed; at each event the line
is brought forward in closed form.
"""

from collections.abc import Callable
from heapq import heappop, heappush
from math import ceil
from typing import Any

from hil.plant.buses import I2cBuses
from hil.plant.chips import ErrorCountdown, FlowChip, FramChip
from hil.plant.contents import LineContents
from hil.plant.eeprom import EepromChip
from hil.plant.line import LiquidLine
from hil.plant.mishaps import (
    ADDRESS_CARTRIDGE,
    ADDRESS_FLOW,
    ADDRESS_FRAM,
    ADDRESS_TEMPERATURE,
    BUS_BOARD,
    BUS_CARTRIDGES,
    Mishaps,
)
from hil.plant.noise import stream
from hil.plant.one_shot import NEVER_NS, OneShot
from hil.plant.parameters import PlantParameters
from hil.plant.readings import Readings
from hil.plant.sensor_faults import DIGITAL, SensorFault
from hil.plant.sensors import Sensors, scale_lag_s
from hil.plant.syringe import Syringe
from hil.plant.thermometer import TemperatureChip
from protocol import codes

_S_PER_NS = 1e-9


class SimulatedRig(Mishaps, Readings):
    """Everything outside the controller. Pin levels and edges in, inputs, conversions and bus transfers out."""

    def __init__(self, parameters: PlantParameters | None = None, seed: int = 1) -> None:
        self.parameters = p = parameters or PlantParameters()
        self.seed = seed
        self.now_ns = 0
        self.line = LiquidLine(
            p.compliance_nl_kpa,
            p.resistance_kpa_s_nl,
            p.waste_resistance_kpa_s_nl,
            p.pressure_lag_s,
            p.flow_lag_s,
            scale_lag_s(p.scale_settling_s),
        )
        self.contents = LineContents(self.line, p.channels, p.manifold_nl, p.sensors_nl, p.patient_line_nl)
        self.syringes = tuple(Syringe(p, stream(seed, f"plunger {channel}")) for channel in range(p.channels))
        self.sensors = Sensors(p, self.line, seed)
        crc_errors = ErrorCountdown(p.i2c_error_rate, stream(seed, "flow crc"))
        self.flow_chip = FlowChip(self._measure_flow, p.flow_first_result_ns, crc_errors)
        self.temperature_chip = TemperatureChip(self.sensors.temperature_c)
        self.fram = FramChip()
        self.cartridges = tuple(EepromChip(p.eeprom_write_ns) for _ in range(p.channels))
        self.buses = I2cBuses(
            {
                (BUS_BOARD, ADDRESS_FLOW): self.flow_chip,
                (BUS_BOARD, ADDRESS_TEMPERATURE): self.temperature_chip,
                (BUS_BOARD, ADDRESS_FRAM): self.fram,
                **{(BUS_CARTRIDGES, ADDRESS_CARTRIDGE + channel): chip for channel, chip in enumerate(self.cartridges)},
            },
            ErrorCountdown(p.i2c_error_rate, stream(seed, "i2c")),
            p.i2c_hz,
        )
        self.heartbeat = OneShot(p.heartbeat_one_shot_ns)
        self.on_inputs: list[Callable[[int, int], None]] = []  # called with (now_ns, inputs) at each change of an input
        self.light = (False, False, False)
        self.buzzer = False
        self.unpowered_steps = [0] * p.channels  # edges at the pin while the motor had no supply
        self._agenda: list[tuple[int, int, Callable[[], None]]] = []
        self._agenda_number = 0
        self._watchers: list[list[Any]] = []  # next_ns, period_ns, callback
        self._watch_ns = NEVER_NS
        self._input_faults: dict[str, SensorFault] = {}
        self._estop_healthy = True
        self._door_closed = True
        self._bubble_put = False
        self._air_at_valve = False
        self._air_ns = NEVER_NS  # when bubble sensor or tip will see another phase, if nothing else happens
        self._footswitch = False
        self._home = False
        self._forward = False
        self._valve_level = False
        self._valve_patient = False
        self._valve_target = False
        self._valve_stuck = False
        self._headed_channel = -1
        self._ramp = 0
        self._valve_ns = NEVER_NS
        self._powered = False
        self._boundary_ns = NEVER_NS
        self._inputs = 0
        self._update_inputs()

    # From the controller's pins.

    def step_edges(self, channel: int, first_ns: int, period_ns: int, count: int) -> None:
        """Take ``count`` rising edges at a step pin, the first at ``first_ns``, spaced by ``period_ns``."""
        syringe = self.syringes[channel]
        forward = self._forward
        while count:
            if first_ns >= self._boundary_ns:
                self.advance(first_ns)
            # The run up to the next boundary sees one state of the supply.
            if first_ns + (count - 1) * period_ns < self._boundary_ns:
                steps = count
            else:
                steps = (self._boundary_ns - first_ns - 1) // period_ns + 1
            if self._powered:
                steps = min(steps, syringe.steps_to_slip(forward))
                moved_nl = syringe.turn(steps, forward)
                if moved_nl:
                    self._flow_to(first_ns + (steps - 1) * period_ns)
                    self.line.inject(moved_nl)
                    self.contents.displaced(channel, moved_nl)
                    if self.contents.careful:
                        self._look_at_air()
                    self._look_at_end_switches()
            else:
                self.unpowered_steps[channel] += steps
            first_ns += steps * period_ns
            count -= steps

    def heartbeat_edges(self, first_ns: int, period_ns: int, count: int) -> None:
        """Take edges at the heartbeat pin; they may lie ahead of the time reached so far."""
        self.heartbeat.edges(max(first_ns, self.now_ns), period_ns, count)
        self._find_boundary()

    def set_direction(self, now_ns: int, forward: bool) -> None:
        """Set the direction of all motors: forward empties the syringe."""
        self.advance(now_ns)
        self._forward = forward

    def set_valve(self, now_ns: int, level: bool) -> None:
        """Set the valve pin: high asks for the patient, low for the waste."""
        self.advance(now_ns)
        if level != self._valve_level:
            self._valve_level = level
            self._update_inputs()

    def set_light(self, now_ns: int, red: bool, yellow: bool, cyan: bool) -> None:  # noqa: ARG002
        """Set the alarm light."""
        self.light = (red, yellow, cyan)

    def set_buzzer(self, now_ns: int, on: bool) -> None:  # noqa: ARG002
        """Switch the buzzer."""
        self.buzzer = on

    def set_stirrer(self, now_ns: int, on: bool) -> None:
        """Switch the stirrer."""
        self.sensors.stir(now_ns, on)

    def power_on_controller(self, now_ns: int) -> None:
        """Give the chips on the controller's supply their state after power on."""
        self.advance(now_ns)
        self.flow_chip.power_on()
        self.fram.power_on()
        self.temperature_chip.power_on(now_ns)
        for cartridge in self.cartridges:
            cartridge.power_on(now_ns)

    def power_off_controller(self, now_ns: int) -> None:
        """Take the chips' supply away: a page of a cartridge's memory that is being written is lost in part."""
        self.advance(now_ns)
        for cartridge in self.cartridges:
            cartridge.power_off(now_ns)

    # To the controller.

    def inputs(self, now_ns: int) -> int:
        """Return the digital inputs as ``codes.INPUT_`` bits."""
        self.advance(now_ns)
        return self._inputs

    def safe(self, now_ns: int) -> bool:
        """Return the level of SAFE: E-stop and door and (no bubble or valve released)."""
        self.advance(now_ns)
        return bool(self._inputs & codes.INPUT_SAFE)

    def adc(self, channel: int, now_ns: int) -> int:
        """Read an analogue input: 0 pressure, 1 density, 2 supply; 0..65535."""
        self.advance(now_ns)
        return self.sensors.adc(channel, now_ns)

    def i2c_write(self, bus: int, address: int, data: bytes, now_ns: int) -> bool:
        """Make a write transfer; False when it was not acknowledged. Raises PowerLost when the power is cut in it."""
        self.advance(now_ns)
        return self.buses.write(bus, address, data, now_ns)

    def i2c_read(self, bus: int, address: int, count: int, now_ns: int) -> bytes | None:
        """Make a read transfer; None when it was not acknowledged."""
        self.advance(now_ns)
        return self.buses.read(bus, address, count, now_ns)

    def next_event_ns(self) -> int | None:
        """Return when an input may change by itself, or None. Steps may bring it nearer: see ``watchful``."""
        event_ns = self._air_ns
        if self._agenda and self._agenda[0][0] < event_ns:
            event_ns = self._agenda[0][0]
        return None if event_ns == NEVER_NS else event_ns

    @property
    def watchful(self) -> bool:
        """Tell whether a step may bring the next event nearer, as where air is under way to the bubble sensor.

        Whoever hands over edges ahead of time has to hand them over one by one then, and ask for the event after each.
        """
        return self.contents.careful

    # For people and tests: what happens, happens at ``now_ns``, the time reached so far.

    def at(self, when_ns: int, action: Callable[[], None]) -> None:
        """Let something happen at an instant to come."""
        if when_ns < self.now_ns:
            raise ValueError(f"{when_ns} ns has passed: it is {self.now_ns} ns")
        if when_ns == self.now_ns:
            action()
            return
        self._agenda_number += 1
        heappush(self._agenda, (when_ns, self._agenda_number, action))
        self._find_boundary()

    def every(self, period_ns: int, look: Callable[[int], None]) -> None:
        """Let somebody look at the rig at each multiple of a period, with the time; nothing may be changed there."""
        self._watchers.append([(self.now_ns // period_ns + 1) * period_ns, period_ns, look])
        self._find_boundary()

    def weigh_nl(self, now_ns: int) -> float:
        """Read the scale at the tip, nL, with its noise and settling."""
        self.advance(now_ns)
        return self.sensors.weigh_nl()

    def weigh_waste_nl(self, now_ns: int) -> float:
        """Read the scale under the waste, nL, with its noise; it is read at rest and has no lag."""
        self.advance(now_ns)
        return self.sensors.weigh_waste_nl()

    # Time.

    def advance(self, until_ns: int) -> None:
        """Let everything happen up to ``until_ns``. Raises ValueError when time would go back."""
        if until_ns < self.now_ns:
            raise ValueError(f"time goes back: {until_ns} ns after {self.now_ns} ns")
        while self._boundary_ns <= until_ns:
            self._happen(self._boundary_ns)
        self._flow_to(until_ns)

    def _flow_to(self, until_ns: int) -> None:
        duration_ns = until_ns - self.now_ns
        if duration_ns > 0:
            if self.line.headed:
                self._flow_by_head(duration_ns * _S_PER_NS)
            else:
                self.line.relax(duration_ns * _S_PER_NS)
            self.now_ns = until_ns

    def _flow_by_head(self, left_s: float) -> None:
        """Let a head push or suck through a loose syringe, until it is empty; a turn of the flow is not skipped."""
        line, syringe = self.line, self.syringes[self._headed_channel]
        while left_s > 0:
            turn_s, empty_s = line.time_to_turn_s() or left_s, line.time_to_feed_s(syringe.remaining_nl)
            part_s = min(left_s, turn_s, left_s if empty_s is None else empty_s)
            fed_nl = line.fed_nl
            line.relax(part_s)
            fed_nl = line.fed_nl - fed_nl
            syringe.slide(fed_nl)
            self.contents.displaced(self._headed_channel, fed_nl)
            self.contents.settle()
            left_s -= part_s
            if part_s == empty_s:
                line.feed(0.0, 0.0)
                line.relax(left_s)
                break
        self._look_at_end_switches()

    def _happen(self, when_ns: int) -> None:
        """Make every change that is due at one instant: supply first, then the valve, air, people, and who looks on."""
        self._flow_to(when_ns)
        if self.heartbeat.change_ns <= when_ns:
            self.heartbeat.change()
            self._update_power()
        if self._valve_ns <= when_ns:
            self._valve_ns = NEVER_NS
            self.contents.settle()
            self._valve_patient = self._valve_target
            self.line.open_to_patient(self._valve_patient)
            self._flow_changed()
        if self._air_ns <= when_ns:
            self._look_at_air()
        while self._agenda and self._agenda[0][0] <= when_ns:
            heappop(self._agenda)[2]()
        if self._watch_ns <= when_ns:
            for watcher in self._watchers:
                if watcher[0] <= when_ns:
                    watcher[0] += watcher[1]
                    watcher[2](when_ns)
        self._find_boundary()

    def _find_boundary(self) -> None:
        boundary_ns = min(self.heartbeat.change_ns, self._valve_ns, self._air_ns)
        if self._agenda:
            boundary_ns = min(boundary_ns, self._agenda[0][0])
        if self._watchers:
            self._watch_ns = min(watcher[0] for watcher in self._watchers)
            boundary_ns = min(boundary_ns, self._watch_ns)
        self._boundary_ns = boundary_ns

    def _flow_changed(self) -> None:
        self.contents.settle()
        if self.contents.careful or self._air_ns != NEVER_NS or self._air_at_valve:
            self._look_at_air()

    def _look_at_air(self) -> None:
        """See what stands in the bubble sensor and at the tip now, and reckon when that changes by itself."""
        contents, line = self.contents, self.line
        contents.settle()
        line.tip_wet = not contents.air_at_tip()
        air = contents.air_at_valve()
        way_nl = contents.way_to_change_nl(self._valve_patient)
        time_s = None if way_nl is None else line.time_to_pass_s(way_nl)
        self._air_ns = NEVER_NS if time_s is None else self.now_ns + max(1, ceil(time_s / _S_PER_NS))
        if air != self._air_at_valve:
            self._air_at_valve = air
            self._update_inputs()
        self._find_boundary()

    # Wiring.

    def _update_inputs(self) -> None:
        estop, door, home, foot = self._estop_healthy, self._door_closed, self._home, self._footswitch
        bubble = not (self._bubble_put or self._air_at_valve)
        if self._input_faults:
            # What the wires say instead, and the safety wiring believes.
            estop, door, bubble, home, foot = (
                fault.level(level) if (fault := self._input_faults.get(name)) else level
                for name, level in zip(DIGITAL, (estop, door, bubble, home, foot), strict=True)
            )
        safe = estop and door and (bubble or not self._valve_level)
        inputs = (
            (codes.INPUT_ESTOP_HEALTHY if estop else 0)
            | (codes.INPUT_DOOR_CLOSED if door else 0)
            | (codes.INPUT_BUBBLE_CLEAR if bubble else 0)
            | (codes.INPUT_SAFE if safe else 0)
            | (codes.INPUT_HOME if home else 0)
            | (codes.INPUT_FOOTSWITCH if foot else 0)
        )
        changed = inputs != self._inputs
        self._inputs = inputs
        self._update_power()
        if changed:
            for listener in self.on_inputs:
                listener(self.now_ns, inputs)

    def _update_power(self) -> None:
        self._powered = self.heartbeat.active and self.sensors.supply_up and bool(self._inputs & codes.INPUT_SAFE)
        target = self._valve_patient if self._valve_stuck else self._valve_level and self._powered
        if target != self._valve_target:
            self._valve_target = target
            # A coil that is switched back before the valve has moved leaves it where it was.
            moving = target != self._valve_patient
            self._valve_ns = self.now_ns + self.parameters.valve_ns if moving else NEVER_NS
        self._find_boundary()

    def _look_at_end_switches(self) -> None:
        end_nl = self.parameters.end_switch_nl
        home = any(syringe.present and syringe.remaining_nl <= end_nl for syringe in self.syringes)
        if home != self._home:
            self._home = home
            self._update_inputs()

    def _measure_flow(self, now_ns: int) -> tuple[float, float, bool]:
        air = self._bubble_put or self.contents.air_at_flow_sensor()
        return self.sensors.flow_nl_s(now_ns), self.sensors.liquid_c(now_ns), air
