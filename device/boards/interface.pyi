"""What a board offers to the firmware, and nothing about dosing. For type checkers: never imported at run time.

Clocks wrap at 2^30. Nothing here blocks longer than one bus transfer.
"""

from typing import Protocol

Buffer = bytes | bytearray | memoryview

class StepGenerator(Protocol):
    """Emits steps by itself, word by word; cut by the SAFE line without Python."""

    def put(self, steps: int, period_us: int) -> None:
        """Queue one word: ``steps`` (1..1023) times wait ``period_us`` (20..1048575), then pulse."""
    def completed(self) -> int:
        """Return how many words have finished since the last call, in order."""
    def free(self) -> int:
        """Return how many words fit now."""
    def halt(self) -> int:
        """Let no further step out; return the steps of all given words that did not leave the pin."""
    def arm(self) -> None:
        """Make ready with an empty queue, from any state."""
    def dead(self) -> bool:
        """Return whether the SAFE line has cut the generator since it was armed."""

class Heartbeat(Protocol):
    """Toggles for the one-shot that feeds motor and valve, in counted words worth 20 ms at most."""

    def feed(self) -> None:
        """Top up to 20 ms of toggles."""
    def stop(self) -> None:
        """Let no further toggle out."""

class Board(Protocol):
    """Pins, buses, converters, clocks and the link."""

    NAME: str
    steps: tuple[StepGenerator, ...]
    heartbeat: Heartbeat

    def ticks_ms(self) -> int:
        """Return the clock in ms."""
    def ticks_us(self) -> int:
        """Return the clock in us."""
    def random(self, count: int) -> bytes:
        """Return random octets."""
    def reset_cause(self) -> int:
        """Return 0 power on, 1 reset pin or forced, 2 soft, 3 watchdog."""
    def link_readinto(self, buffer: bytearray) -> int:
        """Copy received octets into ``buffer``; return how many, 0 for none."""
    def stop_heard(self) -> bool:
        """Return whether a stop frame has cut the steps already since the last call, and forget it.

        The frame itself still comes through ``link_readinto``, in a turn to come at the latest.
        """
    def link_write(self, buffer: Buffer, length: int) -> int:
        """Send octets; return how many were taken."""
    def inputs(self) -> int:
        """Return the INPUT_ bits of the pins."""
    def safe_tripped(self) -> bool:
        """Return whether SAFE was low at any time since ``clear_trip``."""
    def clear_trip(self) -> None:
        """Forget a trip that is over."""
    def pressure_raw(self) -> int:
        """Convert the pressure input: 0..65535 of supply."""
    def density_raw(self) -> int:
        """Convert the density input: 0..65535 of supply."""
    def supply_raw(self) -> int:
        """Convert the motor supply: 0..65535 of 16.5 V."""
    def i2c_writeto(self, bus: int, address: int, buffer: Buffer) -> None:
        """Write to a chip. Raises OSError when it does not answer."""
    def i2c_readfrom_into(self, bus: int, address: int, buffer: bytearray) -> None:
        """Read from a chip. Raises OSError when it does not answer."""
    def i2c_writeto_mem(self, bus: int, address: int, memory: int, buffer: Buffer) -> None:
        """Write at a 16-bit memory address. Raises OSError when the chip does not answer."""
    def i2c_readfrom_mem_into(self, bus: int, address: int, memory: int, buffer: bytearray | memoryview) -> None:
        """Read from a 16-bit memory address. Raises OSError when the chip does not answer."""
    def set_valve(self, patient: bool) -> None:
        """Switch the outlet valve: True to the patient, False released, to waste."""
    def set_direction(self, forward: bool) -> None:
        """Set the direction of the pumps."""
    def set_light(self, red: bool, yellow: bool, cyan: bool) -> None:
        """Switch the alarm light."""
    def set_buzzer(self, on: bool) -> None:
        """Switch the alarm sound."""
    def set_stirrer(self, on: bool) -> None:
        """Switch the stirrer."""
    def watchdog_start(self, timeout_ms: int) -> None:
        """Start the watchdog; nothing stops it again."""
    def watchdog_feed(self) -> None:
        """Feed the watchdog."""
    def idle(self, next_tick_us: int) -> None:
        """Nothing is left to do before ``next_tick_us``; may return at any time before."""
    def collect(self) -> None:
        """Collect the heap, when the caller has time for it."""
    def heap_free(self) -> int:
        """Return the free heap in octets, 0 where there is no such figure. Slow: walks the heap."""
