"""How a sensor lies: stuck, drifting, jumping or silent, from an instant on."""

from hil.plant.parameters import NS_PER_S

STUCK, DRIFTING, JUMPING, SILENT = "stuck", "drifting", "jumping", "silent"
WAYS = (STUCK, DRIFTING, JUMPING, SILENT)

ANALOGUE = ("pressure", "density", "supply")
CHIPS = ("flow", "temperature")
DIGITAL = ("estop", "door", "bubble", "home", "footswitch")
SENSORS = ANALOGUE + CHIPS + DIGITAL


class SensorFault:
    """One fault of one sensor. The amount is in the sensor's unit: held, added at once, or added every second.

    Units are kPa, share of a fresh suspension, V, nL/s and degC; a digital input is stuck at 1 healthy or 0 tripped.
    """

    __slots__ = ("_amount", "_since_ns", "way")

    def __init__(self, way: str, amount: float | None, since_ns: int) -> None:
        """Stuck without an amount holds what is read first. Raises ValueError for another way, or without an amount."""
        if way not in WAYS:
            raise ValueError(f"a sensor cannot be {way!r}; it can be {', '.join(WAYS)}")
        if amount is None and way in (DRIFTING, JUMPING):
            raise ValueError(f"{way} by how much?")
        self.way = way
        self._amount = amount
        self._since_ns = since_ns

    @property
    def silent(self) -> bool:
        """Tell whether nothing comes from the sensor."""
        return self.way == SILENT

    def reading(self, reading: float, now_ns: int) -> float:
        """Return what is read instead."""
        if self._amount is None:
            self._amount = reading
        if self.way == STUCK:
            return self._amount
        if self.way == DRIFTING:
            return reading + self._amount * (now_ns - self._since_ns) / NS_PER_S
        return reading + self._amount

    def level(self, healthy: bool) -> bool:
        """Return the level of a digital input; a broken wire reads low, which is a trip."""
        if self.silent:
            return False
        return bool(self.reading(float(healthy), self._since_ns))


def check(sensor: str, way: str) -> None:
    """Raise ValueError for a sensor that is not there, or one that cannot fail in this way."""
    if sensor not in SENSORS:
        raise ValueError(f"there is no sensor {sensor!r}; there are {', '.join(SENSORS)}")
    if sensor in DIGITAL and way in (DRIFTING, JUMPING):
        raise ValueError(f"the input {sensor} is digital: it can be stuck or silent")
