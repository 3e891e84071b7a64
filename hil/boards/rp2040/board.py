"""The emulated controller on the bench: the real firmware image, wired pin by pin to the simulated rig."""

from __future__ import annotations

from pathlib import Path

from hil.boards.line import OCTET_NS
from hil.boards.rp2040.chip import Chip
from hil.boards.rp2040.console import Console
from hil.boards.rp2040.i2c import I2cMaster
from hil.plant.chips import PowerLost
from hil.plant.noise import stream
from hil.plant.rig import SimulatedRig
from hil.recorder import TO_DEVICE, TO_HOST, Recorder
from protocol import codes

STEP_PINS = (2, 3, 4)
DIRECTION, HEARTBEAT, VALVE, STIRRER, BUZZER = 5, 6, 17, 18, 19
LIGHT_PINS = (20, 21, 22)
INPUT_PINS = {
    7: codes.INPUT_FOOTSWITCH,
    12: codes.INPUT_ESTOP_HEALTHY,
    13: codes.INPUT_DOOR_CLOSED,
    14: codes.INPUT_BUBBLE_CLEAR,
    15: codes.INPUT_SAFE,
    16: codes.INPUT_HOME,
}
ADC_CHANNELS = 3
DELIMITER = 0
EDGE_NS = 1
"""An edge is handed on alone; the spacing that goes with one edge says nothing."""


class Rp2040Board:
    """Runs a firmware image on the emulated RP2040. Times are ns since power-on of the bench."""

    name = "rp2040"

    def __init__(self, rig: SimulatedRig, recorder: Recorder, image: Path, flash: bytes) -> None:
        """``flash`` is what stands in the flash at first.

        The .elf beside the file ``image``, where there is one, lets ``console`` show what is printed.
        """
        self._rig = rig
        self._recorder = recorder
        self.image = image
        self._flash = flash
        self._random = stream(rig.seed, "rp2040 random")
        self._buses = _RigBuses(self)
        self._from_device = bytearray()
        self._octets_ready = False
        self._origin_ns = rig.now_ns
        self._off_ns = rig.now_ns
        self.chip: Chip | None = None
        self.console: Console | None = None
        self.power_lost = False
        rig.on_inputs.append(self._inputs_changed)

    @property
    def now_ns(self) -> int:
        """The time reached."""
        return self._off_ns if self.chip is None else self._origin_ns + self.chip.now_ns

    def power_on(self) -> None:
        """Give the controller its supply: the image boots; what the firmware wrote to flash is still there."""
        now_ns = self._off_ns
        self._rig.power_on_controller(now_ns)
        self._origin_ns = now_ns
        chip = Chip(self._flash, self._output_changed, self._octet_left, self._random.getrandbits)
        for bus in range(2):
            I2cMaster(chip.mcu, bus, self._buses)
        chip.on_adc_read = self._convert
        elf = self.image.with_suffix(".elf")
        self.console = Console(chip, elf) if elf.exists() else None
        self.chip = chip
        self._inputs_changed(now_ns, self._rig.inputs(now_ns))

    def power_off(self) -> None:
        """Take the supply away: every output falls, octets on the line are lost, the flash stays."""
        chip = self.chip
        if chip is None:
            return
        self._flash = chip.flash_contents()
        chip.release_pins()
        self._off_ns = self.now_ns
        self.chip = None
        self._rig.power_off_controller(max(self._off_ns, self._rig.now_ns))

    def close(self) -> None:
        """Let go of the chip."""
        self.chip = None

    def run_until(self, until_ns: int) -> None:
        """Advance to ``until_ns``, or stop earlier when a frame or a burst of octets has reached the host."""
        rig = self._rig
        while self.now_ns < until_ns and not self._octets_ready:
            event_ns = rig.next_event_ns()
            limit_ns = until_ns if event_ns is None else max(self.now_ns, min(until_ns, event_ns))
            self._run_chip(limit_ns)
            rig.advance(self.now_ns)

    def _run_chip(self, limit_ns: int) -> None:
        if self.chip is None:
            self._off_ns = limit_ns
            return
        try:
            self.chip.run_until(limit_ns - self._origin_ns)
        except PowerLost:
            self.power_lost = True
            self.power_off()

    def host_write(self, data: bytes) -> None:
        """Put octets from the host onto the line, from now on and at the line's speed."""
        if self.chip is None:
            return
        complete_ns = self.chip.uart.send_to_device(data, OCTET_NS)
        self._recorder.frame(TO_DEVICE, self._origin_ns + round(complete_ns), data)

    def host_read(self) -> bytes:
        """Take the octets that have left the device up to now."""
        data = bytes(self._from_device)
        self._from_device.clear()
        self._octets_ready = False
        if data:
            self._recorder.frame(TO_HOST, self.now_ns, data)
        return data

    def hang(self) -> None:
        """Let the processor stop for good while everything else of the chip goes on, as in an endless loop."""
        if self.chip is not None:
            self.chip.hang()

    def resets_ns(self) -> list[int]:
        """Return when the watchdog has reset the chip since its power-on."""
        return [] if self.chip is None else [self._origin_ns + reset_ns for reset_ns in self.chip.resets_ns]

    def _octet_left(self, octet: int, _now_ns: int) -> None:
        self._from_device.append(octet)
        assert self.chip is not None
        if octet == DELIMITER or not self.chip.uart.sending:
            self._octets_ready = True
            self.chip.stop()

    def _output_changed(self, pin: int, level: bool, chip_ns: int) -> None:
        rig = self._rig
        now_ns = max(self._origin_ns + chip_ns, rig.now_ns)
        if pin in STEP_PINS:
            if level:
                channel = STEP_PINS.index(pin)
                self._recorder.step_edges(channel, now_ns, EDGE_NS, 1)
                rig.step_edges(channel, now_ns, EDGE_NS, 1)
                if rig.watchful and self.chip is not None:
                    self.chip.stop()  # the step may have brought the next change of an input nearer
        elif pin == HEARTBEAT:
            rig.heartbeat_edges(now_ns, EDGE_NS, 1)
        elif pin == VALVE:
            rig.set_valve(now_ns, level)
        elif pin == DIRECTION:
            rig.set_direction(now_ns, level)
        else:
            self._indicator_changed(pin, level, now_ns)

    def _indicator_changed(self, pin: int, level: bool, now_ns: int) -> None:
        assert self.chip is not None
        if pin in LIGHT_PINS:
            red, yellow, cyan = (self.chip.output(light) for light in LIGHT_PINS)
            self._rig.set_light(now_ns, red, yellow, cyan)
        elif level or not self.chip.is_pwm(pin):
            # The pauses within a PWM period switch nothing off.
            if pin == STIRRER:
                self._rig.set_stirrer(now_ns, level)
            elif pin == BUZZER:
                self._rig.set_buzzer(now_ns, level)

    def _inputs_changed(self, _now_ns: int, inputs: int) -> None:
        if self.chip is not None:
            for pin, bit in INPUT_PINS.items():
                self.chip.set_input(pin, bool(inputs & bit))

    def _convert(self, channel: int) -> int:
        if channel >= ADC_CHANNELS:
            return 0
        return self._rig.adc(channel, self.bus_ns())

    def bus_ns(self) -> int:
        """Time of a transfer or conversion that ends now; never before what the rig has seen already."""
        return max(self.now_ns, self._rig.now_ns)

    @property
    def rig(self) -> SimulatedRig:
        """The rig at the pins."""
        return self._rig


class _RigBuses:
    """The rig's chips as the emulated I2C masters see them."""

    def __init__(self, board: Rp2040Board) -> None:
        self._board = board

    def stuck(self, bus: int) -> bool:
        return self._board.rig.buses.stuck(bus)

    def write(self, bus: int, address: int, data: bytes) -> bool:
        return self._board.rig.i2c_write(bus, address, data, self._board.bus_ns())

    def read(self, bus: int, address: int, count: int) -> bytes | None:
        return self._board.rig.i2c_read(bus, address, count, self._board.bus_ns())
