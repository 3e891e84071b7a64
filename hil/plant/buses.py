"""The I2C buses: who answers where, how long a transfer takes, and what goes wrong on the wires."""

from hil.plant.chips import Chip, ErrorCountdown

BITS_PER_OCTET = 9  # eight and the acknowledge
NS_PER_S = 1_000_000_000


class I2cBuses:
    """Chips by bus and address. A transfer that is not acknowledged changes nothing."""

    def __init__(self, chips: dict[tuple[int, int], Chip], errors: ErrorCountdown, hz: int = 400_000) -> None:
        self._chips = chips
        self._errors = errors
        self._hz = hz
        self._silent: set[tuple[int, int]] = set()
        self._stuck: set[int] = set()
        self._disturbed: dict[int, ErrorCountdown] = {}
        self.transfers = 0

    def octets_ns(self, count: int) -> int:
        """Return how long so many octets take."""
        return BITS_PER_OCTET * count * NS_PER_S // self._hz

    def edge_ns(self) -> int:
        """Return how long a start, a repeated start or a stop takes."""
        return NS_PER_S // self._hz

    def silence(self, bus: int, address: int, silent: bool = True) -> None:
        """Let one chip stop answering, or answer again."""
        (self._silent.add if silent else self._silent.discard)((bus, address))

    def hold(self, bus: int, stuck: bool = True) -> None:
        """Hold the data line of a bus low, or let it go."""
        (self._stuck.add if stuck else self._stuck.discard)(bus)

    def disturb(self, bus: int, errors: ErrorCountdown | None) -> None:
        """Let transfers on a bus fail beside the usual errors, as often as a storm wants; None ends it."""
        if errors is None:
            self._disturbed.pop(bus, None)
        else:
            self._disturbed[bus] = errors

    def stuck(self, bus: int) -> bool:
        """Tell whether the bus is held: a controller sees a time-out then, not a missing acknowledge."""
        return bus in self._stuck

    def listens(self, bus: int, address: int, now_ns: int) -> bool:
        """Tell whether a chip acknowledges its address, errors apart."""
        chip = self._chips.get((bus, address))
        return (
            chip is not None
            and chip.busy_until_ns <= now_ns
            and (bus, address) not in self._silent
            and bus not in self._stuck
        )

    def write(self, bus: int, address: int, data: bytes, now_ns: int) -> bool:
        """Make a write transfer; True when every octet was acknowledged."""
        chip = self._answering(bus, address)
        return chip is not None and chip.write(data, now_ns)

    def read(self, bus: int, address: int, count: int, now_ns: int) -> bytes | None:
        """Make a read transfer; None when the address was not acknowledged."""
        chip = self._answering(bus, address)
        return None if chip is None else chip.read(count, now_ns)

    def _answering(self, bus: int, address: int) -> Chip | None:
        self.transfers += 1
        if self._errors.strikes() or bus in self._stuck or (bus, address) in self._silent:
            return None
        if bus in self._disturbed and self._disturbed[bus].strikes():
            return None
        return self._chips.get((bus, address))
