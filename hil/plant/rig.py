"""The simulated rig: pumps, line, sensors and safety wiring behind the controller's pins.

Time is ns since power-on of the bench and never goes back. Between events nothing is computed; at each event the line
is brought forward in closed form.
"""

from collections.abc import Callable
from heapq import heappop, heappush

from hil.plant.buses import I2cBuses
from hil.plant.chips import ErrorCountdown, FlowChip, FramChip, TemperatureChip
from hil.plant.line import LiquidLine
from hil.plant.noise import stream
from hil.plant.one_shot import NEVER_NS, OneShot
from hil.plant.parameters import PlantParameters
from hil.plant.sensors import Sensors, scale_lag_s
from hil.plant.syringe import Syringe
from protocol import codes

BUS_BOARD = 0
BUS_CARTRIDGES = 1
ADDRESS_FLOW = 0x08
ADDRESS_TEMPERATURE = 0x48
ADDRESS_FRAM = 0x50

_S_PER_NS = 1e-9


class SimulatedRig:
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
        self.syringes = tuple(Syringe(p, stream(seed, f"plunger {channel}")) for channel in range(p.channels))
        self.sensors = Sensors(p, self.line, seed)
        crc_errors = ErrorCountdown(p.i2c_error_rate, stream(seed, "flow crc"))
        self.flow_chip = FlowChip(self._measure_flow, p.flow_first_result_ns, crc_errors)
        self.temperature_chip = TemperatureChip(self.sensors.temperature_c)
        self.fram = FramChip()
        self.buses = I2cBuses(
            {
                (BUS_BOARD, ADDRESS_FLOW): self.flow_chip,
                (BUS_BOARD, ADDRESS_TEMPERATURE): self.temperature_chip,
                (BUS_BOARD, ADDRESS_FRAM): self.fram,
            },
            ErrorCountdown(p.i2c_error_rate, stream(seed, "i2c")),
        )
        self.heartbeat = OneShot(p.heartbeat_one_shot_ns)
        self.on_inputs: list[Callable[[int, int], None]] = []  # called with (now_ns, inputs) at each change of an input
        self.light = (False, False, False)
        self.buzzer = False
        self.unpowered_steps = [0] * p.channels  # edges at the pin while the motor had no supply
        self._agenda: list[tuple[int, int, Callable[[], None]]] = []
        self._agenda_number = 0
        self._estop_healthy = True
        self._door_closed = True
        self._bubble_clear = True
        self._footswitch = False
        self._home = False
        self._forward = False
        self._valve_level = False
        self._valve_patient = False
        self._valve_target = False
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
        for chip in (self.flow_chip, self.temperature_chip, self.fram):
            chip.power_on()

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
        """Return when an input changes by itself, or None."""
        return self._agenda[0][0] if self._agenda else None

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

    def press_estop(self, pressed: bool = True) -> None:
        """Press the emergency stop, or pull it out again."""
        self._estop_healthy = not pressed
        self._update_inputs()

    def open_door(self, opened: bool = True) -> None:
        """Open the door, or close it."""
        self._door_closed = not opened
        self._update_inputs()

    def press_footswitch(self, pressed: bool = True) -> None:
        """Press the foot switch, or let it go."""
        self._footswitch = pressed
        self._update_inputs()

    def put_bubble(self, present: bool = True) -> None:
        """Put air into the bubble and flow sensors, or take it away."""
        self._bubble_clear = not present
        self._update_inputs()

    def occlude(self, fraction: float) -> None:
        """Close the patient line by this share: 0 free, 1 shut."""
        self.line.occlude(fraction)

    def leak(self, conductance_nl_s_kpa: float) -> None:
        """Let the manifold leak before the sensors, in nL/s per kPa; 0 is tight."""
        self.line.leak(conductance_nl_s_kpa)

    def stall(self, channel: int, stalled: bool = True) -> None:
        """Let a motor lose every step, or run again."""
        self.syringes[channel].stalled = stalled

    def dip_supply(self, down: bool = True) -> None:
        """Take the motor and valve supply away, or give it back."""
        self.sensors.supply_up = not down
        self._update_power()

    def weigh_nl(self, now_ns: int) -> float:
        """Read the scale at the tip, nL, with its noise and settling."""
        self.advance(now_ns)
        return self.sensors.weigh_nl()

    @property
    def tip_nl(self) -> float:
        """Volume that has left the tip in truth, nL."""
        return self.line.tip_nl

    @property
    def waste_nl(self) -> float:
        """Volume in the waste, nL."""
        return self.line.waste_nl

    @property
    def stored_nl(self) -> float:
        """Volume stored in the line by its pressure, nL."""
        return self.line.stored_nl

    @property
    def leaked_nl(self) -> float:
        """Volume leaked, nL."""
        return self.line.leaked_nl

    @property
    def pressure_kpa(self) -> float:
        """True pressure in the line, kPa."""
        return self.line.pressure_kpa

    @property
    def balance_error_nl(self) -> float:
        """What left the syringes minus what is anywhere else: 0 but for rounding."""
        return sum(syringe.plunger_nl for syringe in self.syringes) - (
            self.line.stored_nl + self.line.tip_nl + self.line.waste_nl + self.line.leaked_nl
        )

    @property
    def motor_powered(self) -> bool:
        """Tell whether motor and valve have their supply."""
        return self._powered

    @property
    def valve_patient(self) -> bool:
        """Tell whether the valve stands on the patient."""
        return self._valve_patient

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
            self.line.relax(duration_ns * _S_PER_NS)
            self.now_ns = until_ns

    def _happen(self, when_ns: int) -> None:
        """Make every change that is due at one instant: supply first, then the valve, then people."""
        self._flow_to(when_ns)
        if self.heartbeat.change_ns <= when_ns:
            self.heartbeat.change()
            self._update_power()
        if self._valve_ns <= when_ns:
            self._valve_ns = NEVER_NS
            self._valve_patient = self._valve_target
            self.line.open_to_patient(self._valve_patient)
        while self._agenda and self._agenda[0][0] <= when_ns:
            heappop(self._agenda)[2]()
        self._find_boundary()

    def _find_boundary(self) -> None:
        boundary_ns = min(self.heartbeat.change_ns, self._valve_ns)
        if self._agenda:
            boundary_ns = min(boundary_ns, self._agenda[0][0])
        self._boundary_ns = boundary_ns

    # Wiring.

    def _update_inputs(self) -> None:
        safe = self._estop_healthy and self._door_closed and (self._bubble_clear or not self._valve_level)
        inputs = (
            (codes.INPUT_ESTOP_HEALTHY if self._estop_healthy else 0)
            | (codes.INPUT_DOOR_CLOSED if self._door_closed else 0)
            | (codes.INPUT_BUBBLE_CLEAR if self._bubble_clear else 0)
            | (codes.INPUT_SAFE if safe else 0)
            | (codes.INPUT_HOME if self._home else 0)
            | (codes.INPUT_FOOTSWITCH if self._footswitch else 0)
        )
        changed = inputs != self._inputs
        self._inputs = inputs
        self._update_power()
        if changed:
            for listener in self.on_inputs:
                listener(self.now_ns, inputs)

    def _update_power(self) -> None:
        self._powered = self.heartbeat.active and self.sensors.supply_up and bool(self._inputs & codes.INPUT_SAFE)
        target = self._valve_level and self._powered
        if target != self._valve_target:
            self._valve_target = target
            # A coil that is switched back before the valve has moved leaves it where it was.
            moving = target != self._valve_patient
            self._valve_ns = self.now_ns + self.parameters.valve_ns if moving else NEVER_NS
        self._find_boundary()

    def _look_at_end_switches(self) -> None:
        end_nl = self.parameters.end_switch_nl
        home = any(syringe.remaining_nl <= end_nl for syringe in self.syringes)
        if home != self._home:
            self._home = home
            self._update_inputs()

    def _measure_flow(self, now_ns: int) -> tuple[float, float, bool]:
        return self.sensors.flow_nl_s(), self.sensors.temperature_c(now_ns), not self._bubble_clear
