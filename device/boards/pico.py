# ruff: noqa: F821 -- ptr32 exists only inside viper functions
"""The real controller: a Raspberry Pi Pico and everything that is wired to its pins. Knows nothing about dosing."""

import gc
import os
import time

import machine
import micropython
from machine import ADC, I2C, PWM, UART, WDT, Pin
from micropython import const

from device.boards.pico_ear import Ear
from device.boards.pico_pio import PioHeartbeat, PioStepGenerator, cut_flow

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from device.boards.interface import Buffer, Heartbeat, StepGenerator

_LINK_TX, _LINK_RX = const(0), const(1)
_STEP0 = const(2)
_DIRECTION, _HEARTBEAT, _FOOTSWITCH = const(5), const(6), const(7)
_BOARD_SDA, _BOARD_SCL, _CARTRIDGE_SDA, _CARTRIDGE_SCL = const(8), const(9), const(10), const(11)
_ESTOP, _DOOR, _BUBBLE, _SAFE, _HOME = const(12), const(13), const(14), const(15), const(16)
_VALVE, _STIRRER, _BUZZER = const(17), const(18), const(19)
_RED, _YELLOW, _CYAN = const(20), const(21), const(22)
_PRESSURE, _DENSITY, _SUPPLY = const(26), const(27), const(28)
_CHANNELS = const(3)

_LINK_BAUD = const(921600)
# 92 octets arrive in a millisecond: with the ear's ring they hold 22 ms of a host that never pauses.
_LINK_RECEIVE_OCTETS = const(1024)
_LINK_SEND_OCTETS = const(2048)
# One octet leaves in 10.8 us; reckoned slower, so that the ring never holds more than was reckoned.
_LINK_OCTET_US = const(11)

_I2C_HZ = const(400000)
# A whole transfer takes at most this; 64 octets last 1.5 ms.
_I2C_TIMEOUT_US = const(2000)

_BUZZER_HZ = const(2700)
_STIRRER_HZ = const(20000)
_STIRRER_DUTY = const(40000)
_BUZZER_DUTY = const(32768)

_TICKS_MASK = const(0x3FFFFFFF)
_HALF_PERIOD = const(0x20000000)
_START_OCTETS = const(2048)
# The processor sleeps for a millisecond at most; nearer to the next tick it stays awake.
_SLEEP_US = const(1200)

_WATCHDOG_REASON = const(0x40058008)
_REASON_TIMER = const(1)
_REASON_FORCED = const(2)


@micropython.viper
def _digital_inputs() -> int:
    """Return ESTOP, DOOR, BUBBLE, SAFE, HOME as bits 0 to 4 and the foot switch as bit 5."""
    levels = ptr32(0xD0000000)[1]  # type: ignore[name-defined]
    return (levels >> 12) & 0x1F | (levels >> 2) & 0x20


@micropython.viper
def _safe_fell() -> bool:
    """Tell whether SAFE is low, or its falling edge is latched in the pin's own register."""
    low: int = ((ptr32(0xD0000000)[1] >> 15) & 1) ^ 1  # type: ignore[name-defined]
    return bool(low | (ptr32(0x400140F0)[1] >> 30) & 1)  # type: ignore[name-defined]


@micropython.viper
def _forget_safe_edge():  # type: ignore[no-untyped-def]  # viper knows no None
    """Clear the latched falling edge of SAFE."""
    bit = 30
    ptr32(0x400140F0)[1] = 1 << bit  # type: ignore[name-defined]


class PicoBoard:
    """Buses, pins, step generators, link and clock of the Pico. Allocates in the constructor; one of it at a time.

    Outputs are safe from the first moment: no steps, no heartbeat, valve released. Clocks wrap at 2^30.
    """

    NAME = "pico"
    STEP_CHANNELS = _CHANNELS

    def __init__(self) -> None:
        # What a start-up leaves behind is collected at once: the heap stays short, and a later collection too.
        gc.threshold(_START_OCTETS)
        self._valve = Pin(_VALVE, Pin.OUT, value=0)
        self._direction = Pin(_DIRECTION, Pin.OUT, value=0)
        for pin in (_FOOTSWITCH, _ESTOP, _DOOR, _BUBBLE, _HOME):
            Pin(pin, Pin.IN)
        safe = Pin(_SAFE, Pin.IN)
        self._uart = _link()
        ear = Ear(self._uart, cut_flow, machine.disable_irq, machine.enable_irq)
        self.steps: tuple[StepGenerator, ...] = tuple(
            [PioStepGenerator(channel, _STEP0 + channel, safe, ear.stop_pending) for channel in range(_CHANNELS)]
        )
        self.heartbeat: Heartbeat = PioHeartbeat(_CHANNELS, _HEARTBEAT)
        self._red = Pin(_RED, Pin.OUT, value=0)
        self._yellow = Pin(_YELLOW, Pin.OUT, value=0)
        self._cyan = Pin(_CYAN, Pin.OUT, value=0)
        self._buzzer = Pin(_BUZZER, Pin.OUT, value=0)
        self._stirrer = Pin(_STIRRER, Pin.OUT, value=0)
        self._buzzer_pwm: PWM | None = None
        self._stirrer_pwm: PWM | None = None
        self._buses = (
            _bus(0, _BOARD_SDA, _BOARD_SCL),
            _bus(1, _CARTRIDGE_SDA, _CARTRIDGE_SCL),
        )
        ear.listen(self._uart)
        self._sent_until_us = time.ticks_us()
        self.watchdog_feed: Callable[[], None] = _nothing
        # Bound once: a call through one more Python function costs 30 us.
        self.ticks_ms = time.ticks_ms
        self.ticks_us = time.ticks_us
        self.random = os.urandom
        self.link_readinto = ear.readinto
        self.stop_heard = ear.stop_heard
        self.heap_free = gc.mem_free
        self.collect = gc.collect
        self.inputs = _digital_inputs
        self.safe_tripped = _safe_fell
        self.clear_trip = _forget_safe_edge
        self.pressure_raw = ADC(Pin(_PRESSURE)).read_u16
        self.density_raw = ADC(Pin(_DENSITY)).read_u16
        self.supply_raw = ADC(Pin(_SUPPLY)).read_u16
        self.set_valve = self._valve.value
        self.set_direction = self._direction.value

    def reset_cause(self) -> int:
        """Return why the controller started: 0 power on, 1 asked for, 3 watchdog. A soft reset does not exist here."""
        reason = machine.mem32[_WATCHDOG_REASON]
        if reason & _REASON_TIMER:
            return 3
        return 1 if reason & _REASON_FORCED else 0

    def link_write(self, buffer: "Buffer", length: int) -> int:
        """Give ``length`` octets to the UART; return how many it took. Never waits: what does not fit is not taken."""
        waiting_us = time.ticks_diff(self._sent_until_us, time.ticks_us())
        if waiting_us < 0:
            waiting_us = 0
        room = _LINK_SEND_OCTETS - 1 - waiting_us // _LINK_OCTET_US
        if length > room:
            length = room
        if length <= 0:
            return 0
        sent = self._uart.write(buffer, length) or 0  # type: ignore[call-arg]
        # An idle line starts with the last octet that is handed over, not with the first.
        start_us = self._sent_until_us if waiting_us else time.ticks_us()
        self._sent_until_us = (start_us + sent * _LINK_OCTET_US) & _TICKS_MASK
        return sent

    def i2c_writeto(self, bus: int, address: int, buffer: "Buffer") -> None:
        """Write to a chip. Raises OSError when it does not acknowledge, and after 2 ms."""
        self._buses[bus].writeto(address, buffer)

    def i2c_readfrom_into(self, bus: int, address: int, buffer: bytearray) -> None:
        """Fill ``buffer`` from a chip. Raises OSError when it does not acknowledge, and after 2 ms."""
        self._buses[bus].readfrom_into(address, buffer)

    def i2c_writeto_mem(self, bus: int, address: int, memory: int, buffer: "Buffer") -> None:
        """Write at a 16-bit address of a memory. Raises OSError as i2c_writeto does."""
        self._buses[bus].writeto_mem(address, memory, buffer, addrsize=16)

    def i2c_readfrom_mem_into(self, bus: int, address: int, memory: int, buffer: bytearray | memoryview) -> None:
        """Fill ``buffer`` from a 16-bit address of a memory. Raises OSError as i2c_readfrom_into does."""
        self._buses[bus].readfrom_mem_into(address, memory, buffer, addrsize=16)

    def set_light(self, red: bool, yellow: bool, cyan: bool) -> None:
        """Switch the three colours of the alarm light."""
        self._red(red)
        self._yellow(yellow)
        self._cyan(cyan)

    def set_buzzer(self, on: bool) -> None:
        """Switch the buzzer. Allocates when it changes."""
        self._buzzer_pwm = _switch(self._buzzer_pwm, self._buzzer, on, _BUZZER_HZ, _BUZZER_DUTY)

    def set_stirrer(self, on: bool) -> None:
        """Switch the stirrer. Allocates when it changes."""
        self._stirrer_pwm = _switch(self._stirrer_pwm, self._stirrer, on, _STIRRER_HZ, _STIRRER_DUTY)

    def watchdog_start(self, timeout_ms: int) -> None:
        """Start the watchdog; nothing stops it again. The start-up ends here: from now on only the caller collects."""
        gc.collect()
        gc.threshold(-1)
        self.watchdog_feed = WDT(timeout=timeout_ms).feed

    def idle(self, next_tick_us: int) -> None:
        """Sleep until an interrupt (octets that arrive are one), for 1 ms at most and never past ``next_tick_us``."""
        if ((next_tick_us - time.ticks_us() + _HALF_PERIOD) & _TICKS_MASK) - _HALF_PERIOD > _SLEEP_US:
            # Looking at the UART leaves an event behind (it takes and gives a lock), which the first call uses up.
            machine.idle()
            machine.idle()


def _nothing() -> None:
    pass


def _link() -> UART:
    return UART(
        0,
        _LINK_BAUD,
        tx=Pin(_LINK_TX),
        rx=Pin(_LINK_RX),
        rxbuf=_LINK_RECEIVE_OCTETS,
        txbuf=_LINK_SEND_OCTETS,
        timeout=0,
        timeout_char=0,
    )


def _bus(number: int, sda: int, scl: int) -> I2C:
    return I2C(number, sda=Pin(sda), scl=Pin(scl), freq=_I2C_HZ, timeout=_I2C_TIMEOUT_US)  # type: ignore[call-overload]


def _switch(pwm: PWM | None, pin: Pin, on: bool, frequency_hz: int, duty: int) -> PWM | None:
    """Start or end PWM on a pin when that changes anything; return what runs now."""
    if on and pwm is None:
        return PWM(pin, freq=frequency_hz, duty_u16=duty)
    if not on and pwm is not None:
        pwm.deinit()
        pin.init(Pin.OUT, value=0)
        return None
    return pwm
