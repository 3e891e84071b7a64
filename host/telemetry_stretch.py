"""Telemetry over a stretch of time, and how stretches are folded into longer ones. No clock, no file."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Final

from protocol import typed

# Readings of which a stretch keeps least, sum and most; the unit is the end of the name.
MEASURES: Final = ("pressure_pa", "flow_nl_s", "rate_nl_s", "temperature_mdegc", "density_permille", "supply_mv")
RAW_MS: Final = 0
_MAX_BIT: Final = 62


@dataclass(frozen=True, slots=True)
class Stretch:
    """What a rig told in ``width_ms`` from ``start_ms`` on (host's UTC, ms since 1970); width 0 is one raw sample.

    ``uptime_ms``, ``dose_id``, ``dose_state`` and ``emitted_nl`` are those of the last sample. Of states, causes and
    alarms bit n is set when number n (``protocol.codes``) was told at any time: none hides in a longer stretch.
    """

    rig: str
    width_ms: int
    start_ms: int
    samples: int
    last_ms: int
    uptime_ms: int
    dose_id: str
    dose_state: int
    emitted_nl: int
    device_states: int
    stop_causes: int
    alarms: int
    sensor_faults: int
    least: tuple[int, ...]  # of each of MEASURES
    sums: tuple[int, ...]
    most: tuple[int, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON: of each measure ``_min``, ``_mean`` (rounded to the unit) and ``_max``."""
        names = Stretch.__dataclass_fields__.keys() - {"least", "sums", "most"}
        values: dict[str, Any] = {name: getattr(self, name) for name in sorted(names)}
        for name, least, total, most in zip(MEASURES, self.least, self.sums, self.most, strict=True):
            values |= {f"{name}_min": least, f"{name}_mean": round(total / self.samples), f"{name}_max": most}
        return values


def sample(rig: str, utc_ms: int, told: typed.Telemetry) -> Stretch:
    """Return one telemetry message, heard at ``utc_ms``, as a stretch of width 0."""
    readings = tuple(int(getattr(told, name)) for name in MEASURES)
    return Stretch(
        rig=rig,
        width_ms=RAW_MS,
        start_ms=utc_ms,
        samples=1,
        last_ms=utc_ms,
        uptime_ms=told.uptime_ms,
        dose_id=told.dose_id.hex() if any(told.dose_id) else "",
        dose_state=told.dose_state,
        emitted_nl=told.emitted_nl,
        device_states=_bit(told.device_state),
        stop_causes=_bit(told.stop_cause),
        alarms=_bit(told.alarm),
        sensor_faults=told.sensor_faults,
        least=readings,
        sums=readings,
        most=readings,
    )


def widened(stretch: Stretch, width_ms: int) -> Stretch:
    """Return the stretch as a part of the one of ``width_ms`` that it lies in; one that is longer stays as it is."""
    if stretch.width_ms >= width_ms:
        return stretch
    return replace(stretch, width_ms=width_ms, start_ms=stretch.start_ms // width_ms * width_ms)


def merged(one: Stretch, other: Stretch) -> Stretch:
    """Return two parts of the same stretch as one; the order of the parts does not matter."""
    assert (one.rig, one.width_ms, one.start_ms) == (other.rig, other.width_ms, other.start_ms)
    last = max(one, other, key=_recency)
    return replace(
        last,
        samples=one.samples + other.samples,
        device_states=one.device_states | other.device_states,
        stop_causes=one.stop_causes | other.stop_causes,
        alarms=one.alarms | other.alarms,
        sensor_faults=one.sensor_faults | other.sensor_faults,
        least=tuple(map(min, one.least, other.least)),
        sums=tuple(a + b for a, b in zip(one.sums, other.sums, strict=True)),
        most=tuple(map(max, one.most, other.most)),
    )


def folded(stretches: Iterable[Stretch], width_ms: int) -> list[Stretch]:
    """Return stretches of ``width_ms`` (or longer, where the parts are), oldest first."""
    whole: dict[tuple[str, int, int], Stretch] = {}
    for part in stretches:
        wide = widened(part, width_ms)
        key = (wide.rig, wide.width_ms, wide.start_ms)
        whole[key] = merged(whole[key], wide) if key in whole else wide
    return sorted(whole.values(), key=lambda each: (each.start_ms, each.rig, each.width_ms))


def _recency(stretch: Stretch) -> tuple[int, int, str, int, int]:
    return stretch.last_ms, stretch.uptime_ms, stretch.dose_id, stretch.dose_state, stretch.emitted_nl


def _bit(number: int) -> int:
    return 1 << min(number, _MAX_BIT)
