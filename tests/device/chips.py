"""The plant's chips behind a board's bus calls: thermometer on bus 0, cartridge memories on bus 1."""

from collections.abc import Callable
from hashlib import sha256
from random import Random

from device.drivers import cartridge
from hil.plant.buses import I2cBuses
from hil.plant.chips import ErrorCountdown
from hil.plant.eeprom import EepromChip
from hil.plant.thermometer import TemperatureChip

BUS_BOARD, BUS_CARTRIDGES = 0, 1
THERMOMETER = 0x48
EIO, ETIMEDOUT = 5, 110
PAGE_NS = 5_000_000
LOT = b"lot-0001"
FILL_NL = 1_000_000
EXPIRY_DAY = 10_000


def serial_of(channel: int, number: int = 1) -> bytes:
    return b"ser%d-%03d" % (channel, number)


def tag_of(label: bytes) -> bytes:
    """What stands for the clinic's signature here."""
    return sha256(b"the clinic's key" + label).digest()[:16]


def verify(label: bytes, tag: bytes) -> bool:
    return tag == tag_of(label)


def label_of(channel: int, **fields) -> bytes:
    values = {
        "kind": channel,
        "lot": LOT,
        "serial": serial_of(channel),
        "concentration": 1000,
        "fill_nl": FILL_NL,
        "expiry_day": EXPIRY_DAY,
    } | fields
    return cartridge.pack_label(**values)


def memory_of(channel: int, left_nl: int = FILL_NL, tag: bytes | None = None, **fields) -> bytes:
    """What a filler writes into a cartridge for this channel."""
    label = label_of(channel, **fields)
    return cartridge.pack_memory(label, tag_of(label) if tag is None else tag, left_nl)


class Chips:
    """Chips by bus and address, and what goes wrong with them; ``celsius`` is what the thermometer feels."""

    def __init__(self, now_ns: Callable[[], int]) -> None:
        self._now_ns = now_ns
        self.celsius: Callable[[int], float] = lambda now_ns: 22.0 + (now_ns // 1_000_000_000 % 2) * 0.01
        self.thermometer = TemperatureChip(self._feel)
        self.thermometer.power_on(now_ns())
        self.cartridges = tuple(EepromChip(PAGE_NS) for _ in range(3))
        for channel in range(3):
            self.insert(channel, memory_of(channel))
        memories = {(BUS_CARTRIDGES, cartridge.ADDRESS + channel): chip for channel, chip in enumerate(self.cartridges)}
        self.buses = I2cBuses({(BUS_BOARD, THERMOMETER): self.thermometer, **memories}, ErrorCountdown(0.0, Random(1)))
        self.time_outs = 0
        self.transfers = 0

    def insert(self, channel: int, memory: bytes) -> None:
        """Put another cartridge into the connector, without a moment in which there is none."""
        size = EepromChip.SIZE
        self.cartridges[channel].contents[:] = memory.ljust(size, b"\xff")

    def remove(self, channel: int, removed: bool = True) -> None:
        self.buses.silence(BUS_CARTRIDGES, cartridge.ADDRESS + channel, removed)

    def write(self, bus: int, address: int, data: bytes) -> None:
        self._begin(bus)
        if not self.buses.write(bus, address, bytes(data), self._now_ns()):
            raise OSError(EIO)

    def read_into(self, bus: int, address: int, buffer: bytearray) -> None:
        self._begin(bus)
        octets = self.buses.read(bus, address, len(buffer), self._now_ns())
        if octets is None:
            raise OSError(EIO)
        buffer[:] = octets

    def _feel(self, now_ns: int) -> float:
        return self.celsius(now_ns)

    def _begin(self, bus: int) -> None:
        self.transfers += 1
        if self.buses.stuck(bus):
            self.time_outs += 1
            raise OSError(ETIMEDOUT)


class ChipBoard:
    """A board of which only the buses are there; time is what the test sets."""

    def __init__(self) -> None:
        self.now_ns = 0
        self.chips = Chips(lambda: self.now_ns)

    def i2c_writeto(self, bus: int, address: int, buffer: bytes) -> None:
        self.chips.write(bus, address, buffer)

    def i2c_readfrom_into(self, bus: int, address: int, buffer: bytearray) -> None:
        self.chips.read_into(bus, address, buffer)
