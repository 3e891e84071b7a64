"""The thermometer TMP117, as its data sheet (SNOSD82) describes it from the outside."""

from collections.abc import Callable

from hil.plant.parameters import NS_PER_MS

TEMPERATURE, CONFIGURATION, HIGH_LIMIT, LOW_LIMIT, UNLOCK, OFFSET, IDENTITY = 0, 1, 2, 3, 4, 7, 15
NOT_YET = 0x8000  # the temperature register before the first conversion: -256 degC
DATA_READY = 1 << 13
SOFT_RESET = 1 << 1
_WRITABLE = 0x0FFC  # mode, cycle, averaging, and the alert pin's behaviour
_MODE_SHUTDOWN, _MODE_ONE_SHOT = 1, 3
_POWER_ON = {CONFIGURATION: 0x0220, HIGH_LIMIT: 0x6000, LOW_LIMIT: 0x8000, IDENTITY: 0x0117}
_ACTIVE_NS = 15_500_000  # one conversion
_AVERAGED = (1, 8, 32, 64)
_CYCLE_NS = tuple(round(ms * NS_PER_MS) for ms in (15.5, 125, 250, 500, 1000, 4000, 8000, 16000))


class TemperatureChip:
    """TMP117: registers of 16 bits behind a pointer. It converts once a second, so that is how often its value changes.

    Not modelled: alerts, and the registers' own EEPROM.
    """

    CELSIUS_PER_COUNT = 0.0078125
    busy_until_ns = 0

    def __init__(self, measure: Callable[[int], float]) -> None:
        """``measure(now_ns)`` returns degC."""
        self._measure = measure
        self._pointer = 0
        self._registers = dict(_POWER_ON)
        self._begun_ns = 0
        self._converted = 0
        self._temperature = NOT_YET
        self._ready = False

    def power_on(self, now_ns: int = 0) -> None:
        """Forget everything and begin to convert."""
        self._pointer = 0
        self._registers = dict(_POWER_ON)
        self._temperature = NOT_YET
        self._begin(now_ns)

    def write(self, data: bytes, now_ns: int) -> bool:
        """Set the pointer, and the register under it when two more octets follow."""
        if data:
            self._pointer = data[0]
        if len(data) >= 3:
            self._store(int.from_bytes(data[1:3], "big"), now_ns)
        return True

    def read(self, count: int, now_ns: int) -> bytes | None:
        """Return the register under the pointer, most significant octet first."""
        self._convert(now_ns)
        if self._pointer == TEMPERATURE:
            word = self._temperature
            self._ready = False
        elif self._pointer == CONFIGURATION:
            word = self._registers[CONFIGURATION] | (DATA_READY if self._ready else 0)
            self._ready = False
        else:
            word = self._registers.get(self._pointer, 0)
        octets = word.to_bytes(2, "big")
        return (octets * (count // 2 + 1))[:count]

    def _store(self, word: int, now_ns: int) -> None:
        self._convert(now_ns)
        if self._pointer == CONFIGURATION:
            if word & SOFT_RESET:
                self.power_on(now_ns)
                return
            self._registers[CONFIGURATION] = word & _WRITABLE
            self._begin(now_ns)
        elif self._pointer in (HIGH_LIMIT, LOW_LIMIT, UNLOCK, OFFSET):
            self._registers[self._pointer] = word

    def _begin(self, now_ns: int) -> None:
        self._begun_ns = now_ns
        self._converted = 0
        self._ready = False

    def _convert(self, now_ns: int) -> None:
        """Take over the latest conversion that has ended; those that nobody looked at leave no trace."""
        configuration = self._registers[CONFIGURATION]
        mode = configuration >> 10 & 3
        if mode == _MODE_SHUTDOWN:
            return
        first_ns = _ACTIVE_NS * _AVERAGED[configuration >> 5 & 3]
        elapsed_ns = now_ns - self._begun_ns - first_ns
        if elapsed_ns < 0:
            return
        cycle_ns = max(_CYCLE_NS[configuration >> 7 & 7], first_ns)
        number = 1 if mode == _MODE_ONE_SHOT else 1 + elapsed_ns // cycle_ns
        if number > self._converted:
            self._converted = number
            measured = round(
                self._measure(self._begun_ns + first_ns + (number - 1) * cycle_ns) / self.CELSIUS_PER_COUNT
            )
            offset = self._registers.get(OFFSET, 0)
            measured += offset - 0x10000 if offset & 0x8000 else offset
            self._temperature = max(-32768, min(32767, measured)) & 0xFFFF
            self._ready = True
