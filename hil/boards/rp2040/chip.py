"""The emulated RP2040 with a firmware image in its flash, made faithful where the emulator is not.

What is put right here: a UART with FIFOs and baud, outputs that read back, inputs that interrupt on edges only, pins
that are released by a reset, a source of random bits. Processor, PIO and peripherals run from one exact clock.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hil.boards.rp2040 import native

FLASH_START = 0x10000000
FLASH_SIZE = 2 << 20
PIN_COUNT = 30
UART0_IRQ = 20
UART_BLOCKS = (0x40034, 0x40038)
ROSC_BLOCK = 0x40060
ROSC_STATUS, ROSC_RANDOM_BIT = 0x18, 0x1C
ROSC_STABLE = 1 << 31
FUNCTION_PWM = 4
CONVERSION_NS = 2000

UF2_BLOCK = 512
UF2_MAGIC = b"UF2\n"
# The emulator warns of every register it only half knows; errors are what counts.
EMULATOR_LOG_LEVEL = 3


def _zero(_: int) -> int:
    return 0


class Chip:
    """One powered RP2040. Times are nanoseconds since power-on of the chip.

    ``on_output(pin, level, now_ns)`` is told each change of a pin's level while the chip drives it, and level 0 when it
    lets go (the rig pulls its outputs down). ``on_octet(octet, now_ns)`` is told each octet that has left UART0.
    ``random_bits(n)`` feeds the random bit of the ring oscillator; ``on_adc_read(channel)`` gives 0..65535 of supply.
    """

    def __init__(
        self,
        image: bytes,
        on_output: Callable[[int, bool, int], None],
        on_octet: Callable[[int, int], None],
        random_bits: Callable[[int], int] = _zero,
    ) -> None:
        loop = native.load()
        emulator = importlib.import_module("rp2040py.rp2040")
        self.mcu: Any = emulator.RP2040()
        self.mcu.logger = importlib.import_module("rp2040py.utils.logging").ConsoleLogger(EMULATOR_LOG_LEVEL, False)
        # Any owner but None: without one the emulator would run state machines by itself.
        self.mcu.simulator = self
        self.stopped = False
        self._on_output = on_output
        self._on_octet = on_octet
        self._output_levels = [False] * PIN_COUNT
        self._input_levels = [False] * PIN_COUNT
        self._load_bootrom()
        self.load_flash(image)
        self.uart = self._replace_uarts()
        self.mcu.peripherals[ROSC_BLOCK] = _ring_oscillator(self.mcu, random_bits)
        self.on_adc_read: Callable[[int], int] = _zero
        self._adc_channel = 0
        self._adc_alarm = self.mcu.clock.create_alarm(self._converted)
        self.mcu.adc.on_adc_read = self._convert
        self.mcu.watchdog.on_watchdog_trigger = self._watchdog_reset
        self.loop = loop(self.mcu)
        self.resets_ns: list[int] = []
        for pin in range(PIN_COUNT):
            self.mcu.gpio[pin].set_input_value(False)
            self.mcu.gpio[pin].add_listener(self._listener(pin))
        self.mcu.core.pc = FLASH_START

    def _load_bootrom(self) -> None:
        bootrom = importlib.import_module("rp2040py.device.bootrom")
        self.mcu.load_bootrom(bootrom.BOOTROM_B1)

    def load_flash(self, image: bytes) -> None:
        """Put the image at the start of the flash; what stood behind it stays."""
        self.mcu.flash[: len(image)] = image

    def _replace_uarts(self) -> Any:
        uart_class: Any = importlib.import_module("hil.boards.rp2040.uart").Uart
        uarts = [
            uart_class(self.mcu, "UART0", UART0_IRQ, self._octet_left),
            uart_class(self.mcu, "UART1", UART0_IRQ + 1, _zero),
        ]
        self.mcu.uart = uarts
        for block, uart in zip(UART_BLOCKS, uarts, strict=True):
            self.mcu.peripherals[block] = uart
        return uarts[0]

    @property
    def now_ns(self) -> int:
        """Time since power-on of the chip."""
        return self.loop.cycles * native.NS_PER_CYCLE

    @property
    def resets(self) -> int:
        """How often the watchdog has reset the chip since power-on, because it ran out or was asked to."""
        return len(self.resets_ns)

    @property
    def event_ns(self) -> int:
        """Exact time of what is being reported to a callback."""
        return self.loop.event_cycles * native.NS_PER_CYCLE

    @property
    def watchdog_reason(self) -> int:
        """Bit 0: the watchdog ran out; bit 1: the firmware asked for the last reset."""
        return int(self.mcu.watchdog.read_uint32(0x08))

    def run_until(self, until_ns: int) -> None:
        """Advance to ``until_ns``, or until ``stop`` is called from a callback."""
        self.loop.run(-(-until_ns // native.NS_PER_CYCLE))

    def stop(self) -> None:
        """Make ``run_until`` return after the instruction that is running."""
        self.loop.stop_requested = True

    def set_input(self, pin: int, level: bool) -> None:
        """Drive a pin from outside. Only a change reaches the chip: a level that is repeated is not an edge."""
        if self._input_levels[pin] != level:
            self._input_levels[pin] = level
            self.mcu.gpio[pin].set_input_value(level)

    def flash_contents(self) -> bytes:
        """Copy the flash as far as MicroPython uses it."""
        return bytes(self.mcu.flash[:FLASH_SIZE])

    def is_pwm(self, pin: int) -> bool:
        """Tell whether a pin is driven by a PWM slice."""
        return bool(self.mcu.gpio[pin].function_select == FUNCTION_PWM)

    def release_pins(self) -> None:
        """Let every pin fall, as without a supply."""
        for pin in range(PIN_COUNT):
            self._set_output(pin, False)

    def hang(self) -> None:
        """Let the processor stand, as in an endless loop with interrupts masked, until a reset; all else goes on."""
        self.loop.hung = True

    def _convert(self, channel: int) -> None:
        self._adc_channel = channel
        self._adc_alarm.schedule(CONVERSION_NS)

    def _converted(self) -> None:
        self.mcu.adc.complete_adc_read(self.on_adc_read(self._adc_channel) >> 4, False)

    def output(self, pin: int) -> bool:
        """Return the level at a pin that the chip drives; low where it drives none."""
        return self._output_levels[pin]

    def _octet_left(self, octet: int) -> None:
        self._on_octet(octet, self.now_ns)

    def _listener(self, pin: int) -> Callable[[int, int], None]:
        def changed(state: int, _before: int) -> None:
            self._set_output(pin, state == 1)

        return changed

    def _set_output(self, pin: int, level: bool) -> None:
        if self._output_levels[pin] == level:
            return
        self._output_levels[pin] = level
        self.set_input(pin, level)
        self._on_output(pin, level, self.event_ns)

    def _watchdog_reset(self) -> None:
        self.resets_ns.append(self.now_ns)
        self.loop.hung = False
        self.mcu.enter_reset(from_watchdog=True)
        self.mcu.leave_reset()
        # The emulator releases the pins without a word to the listeners.
        self.release_pins()


def _ring_oscillator(mcu: Any, random_bits: Callable[[int], int]) -> Any:
    """Return the block of the ring oscillator, of which MicroPython reads nothing but the random bit."""
    base: Any = importlib.import_module("rp2040py.peripherals.peripheral").BasePeripheral

    class RingOscillator(base):  # type: ignore[misc]
        def read_uint32(self, offset: int) -> int:
            if offset == ROSC_RANDOM_BIT:
                return random_bits(1)
            return ROSC_STABLE if offset == ROSC_STATUS else 0

        def write_uint32(self, offset: int, value: int) -> None:
            """Take any setting; the chip never runs from this oscillator here."""

    return RingOscillator(mcu, "ROSC")


def read_image(path: Path) -> bytes:
    """Return the flash contents of a .uf2 or .bin file."""
    data = path.read_bytes()
    if not data.startswith(UF2_MAGIC):
        return data
    flash = bytearray()
    for start in range(0, len(data), UF2_BLOCK):
        block = data[start : start + UF2_BLOCK]
        offset = int.from_bytes(block[12:16], "little") - FLASH_START
        size = int.from_bytes(block[16:20], "little")
        flash.extend(b"\xff" * (offset + size - len(flash)))
        flash[offset : offset + size] = block[32 : 32 + size]
    return bytes(flash)
