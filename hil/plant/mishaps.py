"""What people do to the rig, and what befalls it. Everything happens at the time reached so far."""

from collections.abc import Callable

from hil.plant.buses import I2cBuses
from hil.plant.contents import LineContents
from hil.plant.eeprom import EepromChip
from hil.plant.line import LiquidLine
from hil.plant.parameters import NS_PER_S, PlantParameters
from hil.plant.sensor_faults import CHIPS, DIGITAL, SensorFault, check
from hil.plant.sensors import Sensors
from hil.plant.syringe import Syringe

BUS_BOARD, BUS_CARTRIDGES = 0, 1
ADDRESS_FLOW = 0x08
ADDRESS_TEMPERATURE = 0x48
ADDRESS_FRAM = 0x50
ADDRESS_CARTRIDGE = 0x50  # of channel 0; the others follow

AGENT_CHANNEL = 0
_RAMP_STEPS = 50
_ADDRESSES = dict(zip(CHIPS, (ADDRESS_FLOW, ADDRESS_TEMPERATURE), strict=True))


class Mishaps:
    """The part of the rig that hands and accidents act on."""

    parameters: PlantParameters
    now_ns: int
    line: LiquidLine
    contents: LineContents
    sensors: Sensors
    syringes: tuple[Syringe, ...]
    buses: I2cBuses
    cartridges: tuple[EepromChip, ...]
    _input_faults: dict[str, SensorFault]
    _estop_healthy: bool
    _door_closed: bool
    _footswitch: bool
    _bubble_put: bool
    _valve_stuck: bool
    _headed_channel: int
    _ramp: int

    def at(self, when_ns: int, action: Callable[[], None]) -> None:
        """Let something happen at an instant to come."""
        raise NotImplementedError

    def _update_inputs(self) -> None:
        raise NotImplementedError

    def _update_power(self) -> None:
        raise NotImplementedError

    def _flow_changed(self) -> None:
        """Settle what stood in the line, and look anew where air comes when."""
        raise NotImplementedError

    def _look_at_end_switches(self) -> None:
        raise NotImplementedError

    # People.

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

    # Line.

    def put_bubble(self, present: bool = True) -> None:
        """Let bubble and flow sensor see air that is not there and does not travel, or take it away."""
        self._bubble_put = present
        self._update_inputs()

    def insert_air(self, volume_nl: float, before_valve_nl: float | None = None) -> None:
        """Put air in the place of liquid, so far before the valve: right behind the syringes where nothing is said."""
        parameters = self.parameters
        if before_valve_nl is None:
            before_valve_nl = parameters.manifold_nl + parameters.sensors_nl - volume_nl
        self.contents.insert_air(volume_nl, before_valve_nl)
        self._flow_changed()

    def dry_line(self) -> None:
        """Fill everything from the syringes to the tip with air, as in a line that was never primed."""
        self.contents.dry()
        self._flow_changed()

    def occlude(self, fraction: float, over_s: float = 0.0) -> None:
        """Close the patient line by this share: 0 free, 1 shut; at once, or evenly over so many seconds."""
        self._ramp += 1
        if over_s <= 0:
            self._close(fraction)
            return
        start, ramp = self.line.occlusion, self._ramp
        for step in range(1, _RAMP_STEPS + 1):
            share = start + (fraction - start) * step / _RAMP_STEPS
            self.at(
                self.now_ns + round(over_s * NS_PER_S * step / _RAMP_STEPS),
                lambda share=share: self._close(share) if self._ramp == ramp else None,  # type: ignore[misc]
            )

    def _close(self, fraction: float) -> None:
        self.line.occlude(fraction)
        self._flow_changed()

    def clog(self, fraction: float) -> None:
        """Close the line right before the valve by this share, so that neither patient nor waste is reached."""
        self.line.block(fraction)
        self._flow_changed()

    def leak(self, conductance_nl_s_kpa: float) -> None:
        """Let the manifold leak before the sensors, in nL/s per kPa; 0 is tight. A vacuum draws air through it."""
        self._flow_changed()  # what has flowed so far did not leak
        self.line.leak(conductance_nl_s_kpa)
        self.contents.be_careful()
        self._flow_changed()

    def spill(self, conductance_nl_s_kpa: float) -> None:
        """Let the patient line leak at the tip, behind the sensors and past the scale; 0 is tight."""
        self._flow_changed()
        self.line.spill(conductance_nl_s_kpa)
        self.contents.be_careful()
        self._flow_changed()

    # Pumps and syringes.

    def stall(self, channel: int, stalled: bool = True) -> None:
        """Let a motor lose every step, or run again."""
        self.syringes[channel].stalled = stalled

    def loosen(self, channel: int, gap_nl: float, head_kpa: float = 0.0, conductance_nl_s_kpa: float = 100.0) -> None:
        """Take a plunger out of its clamp: a gap to take up first, and a head that empties the syringe by itself.

        A negative head sucks from the line into the syringe.
        """
        self.syringes[channel].loosen(gap_nl)
        if head_kpa:
            self._flow_changed()
            self._headed_channel = channel
            self.line.feed(head_kpa, conductance_nl_s_kpa)
            self.contents.be_careful()
            self._flow_changed()

    def clamp(self, channel: int) -> None:
        """Put a plunger into its clamp again, the pusher touching it."""
        self.syringes[channel].clamp()
        if self._headed_channel == channel:
            self._flow_changed()
            self.line.feed(0.0, 0.0)
            self._flow_changed()

    def remove_syringe(self, channel: int) -> None:
        """Take a syringe with its cartridge memory away; the connector closes itself."""
        self.syringes[channel].present = False
        self.clamp(channel)
        self.buses.silence(BUS_CARTRIDGES, ADDRESS_CARTRIDGE + channel)
        self._look_at_end_switches()

    def exchange_syringe(
        self,
        channel: int,
        fill_nl: float | None = None,
        kind: int | None = None,
        air_nl: float = 0.0,
        memory: bytes | None = None,
        density: float = 1.0,
    ) -> None:
        """Put another syringe in: so full, of this kind, with so much air in its mouth, and with this memory."""
        self.clamp(channel)
        self.syringes[channel].exchange(self.parameters.fill_nl if fill_nl is None else fill_nl)
        self.contents.exchange(channel, self.contents.kind_of(channel) if kind is None else kind, air_nl)
        if memory is not None:
            size = EepromChip.SIZE
            self.cartridges[channel].contents[:] = memory[:size].ljust(size, bytes([EepromChip.ERASED]))
        self.buses.silence(BUS_CARTRIDGES, ADDRESS_CARTRIDGE + channel, False)
        if channel == AGENT_CHANNEL:
            self.sensors.refill(density, self.now_ns)
        self._look_at_end_switches()
        self._flow_changed()

    def empty_syringe(self, channel: int) -> None:
        """Put an empty syringe in."""
        self.exchange_syringe(channel, 0.0)

    # Supply and valve.

    def dip_supply(self, down: bool = True) -> None:
        """Take the motor and valve supply away, or give it back."""
        self.sensors.supply_up = not down
        self._update_power()

    def dip_supply_for(self, duration_s: float) -> None:
        """Take the motor and valve supply away for so long."""
        self.dip_supply()
        self.at(self.now_ns + round(duration_s * NS_PER_S), lambda: self.dip_supply(False))

    def stick_valve(self, stuck: bool = True) -> None:
        """Let the valve stand where it stands, or move again."""
        self._valve_stuck = stuck
        self._update_power()

    # Sensors.

    def spoil(self, sensor: str, way: str, amount: float | None = None, for_s: float | None = None) -> None:
        """Let a sensor be stuck, drifting, jumping or silent from now on, or for so long; see ``sensor_faults``.

        Raises ValueError for a sensor that is not there or cannot fail so.
        """
        check(sensor, way)
        fault = SensorFault(way, amount, self.now_ns)
        if sensor in _ADDRESSES:
            self.buses.silence(BUS_BOARD, _ADDRESSES[sensor], fault.silent)
        self._faults_of(sensor)[sensor] = fault
        self._update_inputs()
        if for_s is not None:
            self.at(self.now_ns + round(for_s * NS_PER_S), lambda: self._mend_only(sensor, fault))

    def mend(self, sensor: str) -> None:
        """Let a sensor tell what is."""
        if sensor in _ADDRESSES:
            self.buses.silence(BUS_BOARD, _ADDRESSES[sensor], False)
        self._faults_of(sensor).pop(sensor, None)
        self._update_inputs()

    def _mend_only(self, sensor: str, fault: SensorFault) -> None:
        if self._faults_of(sensor).get(sensor) is fault:
            self.mend(sensor)

    def _faults_of(self, sensor: str) -> dict[str, SensorFault]:
        return self._input_faults if sensor in DIGITAL else self.sensors.faults
