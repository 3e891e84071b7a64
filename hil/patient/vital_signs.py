"""What a monitor at the bed measures once a second, with its noise, gaps, artefacts and faults."""

from dataclasses import dataclass
from math import hypot
from random import Random

from hil.plant.noise import stream

SIGNS = ("heart_rate", "spo2", "respiration", "pressure", "temperature", "burden")
# At rest, per unit of reaction, standard deviation. The burden read-out has numbers of its own.
_LAWS = ((72.0, 40.0, 3.0), (98.0, -9.0, 1.0), (14.0, 9.0, 1.5), (90.0, -25.0, 4.0), (36.8, 0.5, 0.1))
_BURDEN_SHARE_SD = 0.08
_BURDEN_SD_UL = 0.2
_HIGHEST_SPO2 = 100.0
MISSING = 0.01
"""Share of values that are missing."""

MOTION_EVERY_S, MOTION_S = 300.0, 10.0
PROBE_OFF_EVERY_S, PROBE_OFF_S = 3600.0, 30.0
# How a moving patient disturbs what a finger probe and a chest belt measure: standard deviations.
_MOTION_SD = {0: 25.0, 1: 8.0, 2: 8.0}
_PROBE = (0, 1)  # a finger probe that is off measures neither heart rate nor SpO2


@dataclass(frozen=True, slots=True)
class Sample:
    """One reading at the bed: per minute, %, per minute, mmHg, degC, uL-equivalents; None is missing."""

    time_ms: int
    heart_rate: float | None
    spo2: float | None
    respiration: float | None
    pressure: float | None
    temperature: float | None
    burden: float | None


class _Spells:
    """Spells of fixed length that begin at random; others may be asked for."""

    def __init__(self, every_s: float, length_s: float, random: Random) -> None:
        self._every_ms = every_s * 1000.0
        self._length_ms = length_s * 1000.0
        self._random = random
        self._until_ms = -1.0
        self._next_ms = random.expovariate(1.0) * self._every_ms if every_s else float("inf")

    def ask(self, until_ms: float) -> None:
        self._until_ms = max(self._until_ms, until_ms)

    def on(self, now_ms: int) -> bool:
        while self._next_ms <= now_ms:
            self.ask(self._next_ms + self._length_ms)
            self._next_ms += self._random.expovariate(1.0) * self._every_ms
        return now_ms < self._until_ms


class VitalSigns:
    """The monitor at the bed. Every source of chance has its own generator."""

    def __init__(
        self,
        seed: int = 1,
        noise: float = 1.0,
        missing: float = MISSING,
        motion_every_s: float = MOTION_EVERY_S,
        probe_off_every_s: float = PROBE_OFF_EVERY_S,
    ) -> None:
        """``noise`` scales every deviation; an interval of 0 means never."""
        self._noise = stream(seed, "vital signs").gauss
        self._gap = stream(seed, "missing samples").random
        self._shake = stream(seed, "motion").gauss
        self._scale = noise
        self._missing = missing
        self._motion = _Spells(motion_every_s, MOTION_S, stream(seed, "motion begins"))
        self._probe_off = _Spells(probe_off_every_s, PROBE_OFF_S, stream(seed, "probe off"))
        self._flat: dict[int, tuple[int, float | None]] = {}
        self._now_ms = 0
        self._stands_at_ms: int | None = None
        self.clock_offset_ms = 0
        self.silent = False  # no samples come at all

    # On demand.

    def move(self, duration_s: float = MOTION_S) -> None:
        """Let the patient move from now on."""
        self._motion.ask(self._now_ms + duration_s * 1000.0 + 1)

    def take_probe_off(self, duration_s: float = PROBE_OFF_S) -> None:
        """Let the finger probe be off from now on."""
        self._probe_off.ask(self._now_ms + duration_s * 1000.0 + 1)

    def flat_line(self, sign: str | None, duration_s: float) -> None:
        """Let one sign, or all, repeat the next value that is measured. Raises ValueError for an unknown sign."""
        if sign is not None and sign not in SIGNS:
            raise ValueError(f"there is no sign {sign!r}; there are {', '.join(SIGNS)}")
        until_ms = self._now_ms + round(duration_s * 1000.0)
        for number, name in enumerate(SIGNS):
            if sign in (None, name):
                self._flat[number] = (until_ms, None)

    def stop_clock(self, stopped: bool = True) -> None:
        """Let every sample carry the same time, or the true one again; ``clock_offset_ms`` is added to either."""
        self._stands_at_ms = self._now_ms if stopped else None

    # Every second.

    def sample(self, now_ms: int, reaction: float, burden_ul: float) -> Sample | None:
        """Return what is measured now; None while nothing comes."""
        self._now_ms = now_ms
        noise, scale, missing, gap = self._noise, self._scale, self._missing, self._gap
        values: list[float | None] = [
            rest + slope * reaction + scale * noise(0.0, deviation) for rest, slope, deviation in _LAWS
        ]
        burden_sd = hypot(_BURDEN_SHARE_SD * burden_ul, _BURDEN_SD_UL)
        values.append(max(0.0, burden_ul + scale * noise(0.0, burden_sd)))
        if self._motion.on(now_ms):
            for number, deviation in _MOTION_SD.items():
                values[number] += self._shake(0.0, deviation)  # type: ignore[operator]
        for number in (0, 1, 2, 3):
            values[number] = max(0.0, values[number])  # type: ignore[type-var]
        values[1] = min(_HIGHEST_SPO2, values[1])  # type: ignore[type-var]
        if self._flat:
            self._hold(values, now_ms)
        if self._probe_off.on(now_ms):
            for number in _PROBE:
                values[number] = None
        if missing:
            values = [None if gap() < missing else value for value in values]
        if self.silent:
            return None
        stands_at_ms = self._stands_at_ms
        return Sample((now_ms if stands_at_ms is None else stands_at_ms) + self.clock_offset_ms, *values)

    def _hold(self, values: list[float | None], now_ms: int) -> None:
        for number, (until_ms, value) in list(self._flat.items()):
            if now_ms > until_ms:
                del self._flat[number]
                continue
            held = values[number] if value is None else value
            self._flat[number] = (until_ms, held)
            values[number] = held
