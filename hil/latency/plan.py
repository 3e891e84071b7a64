"""Which trials there are: how many in which state, at which rate, and at which instants. All of it from one seed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from device.limits import MAX_RATE_NL_S, MIN_RATE_NL_S, STEP_PL
from hil.latency.scene import TELEMETRY_S, Scene
from hil.plant.parameters import NS_PER_MS, NS_PER_S

SAFE, STOP, HANG = "safe", "stop", "hang"
RUNNING, TELEMETRY, COLLECTING = "running", "telemetry", "gc"
RESTING = ("idle", "accepted", "pausing", "paused", "settling", "stopped")
SHARES = {RUNNING: 0.40, TELEMETRY: 0.16, COLLECTING: 0.08, **dict.fromkeys(RESTING, 0.06)}
"""Of all stops. Two thirds come while steps leave the pin: elsewhere nothing has to end."""

MOST_IN_A_GROUP = 40
RUNNING_RATES_NL_S = (20_000, 20_000, 5000, 20_000, 1000, 20_000, 10_000, 200)
SPREAD_MS = 20.0
TELEMETRY_WINDOW_NS = 8 * NS_PER_MS
TELEMETRY_BATCH = 5
COLLECTION_WINDOW_NS = 5 * NS_PER_MS
LEAD_NS = NS_PER_MS
STATE_WINDOW_MS = {"accepted": 17.0, "pausing": 400.0, "settling": 400.0}
CLOSE_NS = 12_000


@dataclass(frozen=True, slots=True)
class Group:
    """Trials that share one start-up."""

    kind: str
    state: str
    rate_nl_s: int
    count: int
    seed: str

    @property
    def period_us(self) -> float:
        """Time between two steps."""
        return STEP_PL * 1000 / self.rate_nl_s


def groups(instants: int, stops: int, hangs: int, seed: int, *, collecting: bool = True) -> list[Group]:
    """Return all groups of a run; ``collecting`` says whether a collection of the heap takes time on the target."""
    planned = _at_rates(SAFE, instants, seed) + _stops(stops, seed, collecting=collecting)
    planned += _at_rates(HANG, hangs, seed)
    # The long ones first, so that none is left over at the end.
    return sorted(planned, key=lambda group: (group.state != COLLECTING, -group.count * min(group.period_us, 120_000)))


def _at_rates(kind: str, count: int, seed: int) -> list[Group]:
    """Spread trials over step periods from the slowest to the fastest rate, equally in their logarithm."""
    if not count:
        return []
    parts = max(1, min(-(-count // 10), max(5, count // MOST_IN_A_GROUP))) if count > 1 else 1
    ratio = MAX_RATE_NL_S / MIN_RATE_NL_S
    rates = [round(MIN_RATE_NL_S * ratio ** (part / max(1, parts - 1))) for part in range(parts)]
    if parts == 1:
        rates = [MAX_RATE_NL_S]
    return [
        Group(kind, RUNNING, rate, share, f"{seed} {kind} {part}")
        for part, (rate, share) in enumerate(zip(rates, _divided(count, parts), strict=True))
        if share
    ]


def _stops(count: int, seed: int, *, collecting: bool) -> list[Group]:
    shares = dict(SHARES)
    if not collecting:
        shares[RUNNING] += shares.pop(COLLECTING)
    counts = {state: int(count * share) for state, share in shares.items()}
    counts[RUNNING] += count - sum(counts.values())
    planned = []
    for state, total in counts.items():
        # A collection comes once in a second: all instants of a group share one.
        parts = max(1, -(-total // MOST_IN_A_GROUP))
        for part, share in enumerate(_divided(total, parts)):
            rate = RUNNING_RATES_NL_S[part % len(RUNNING_RATES_NL_S)] if state == RUNNING else MAX_RATE_NL_S
            if share:
                planned.append(Group(STOP, state, rate, share, f"{seed} {STOP} {state} {part}"))
    return planned


def _divided(count: int, parts: int) -> list[int]:
    return [count * (part + 1) // parts - count * part // parts for part in range(parts)]


def instants(scene: Scene, group: Group, random: Random) -> Iterator[int]:
    """Yield the instants of a group one after the other; the scene stands at or before each when it is asked for."""
    if group.state == TELEMETRY:
        yield from _around_telemetry(scene, group, random)
    elif group.state in STATE_WINDOW_MS:
        began_ns = scene.now_ns
        window_ns = STATE_WINDOW_MS[group.state] * NS_PER_MS
        yield from sorted(began_ns + round(random.random() * window_ns) for _ in range(group.count))
    else:
        yield from _spread(scene, group, random)


def _spread(scene: Scene, group: Group, random: Random) -> Iterator[int]:
    """Every phase of tick and step; every second instant shortly before an edge, where a late cut would show."""
    flowing = group.state == RUNNING
    longest_ms = max(SPREAD_MS, group.period_us / 1000) if flowing else SPREAD_MS
    period_ns = group.period_us * 1000
    for number in range(group.count):
        at_ns = scene.now_ns + round((1 + random.random() * longest_ms) * NS_PER_MS)
        if flowing and number % 2:
            last_ns = scene.bench.recorder.last_edge_ns() or scene.now_ns
            steps = int((at_ns - last_ns) // period_ns) + 1
            at_ns = last_ns + round(steps * period_ns) - random.randrange(CLOSE_NS)
        yield at_ns


def _around_telemetry(scene: Scene, group: Group, random: Random) -> Iterator[int]:
    for begin in range(0, group.count, TELEMETRY_BATCH):
        sent_ns = scene.next_telemetry_ns()
        if sent_ns - scene.now_ns < TELEMETRY_WINDOW_NS + LEAD_NS:
            sent_ns += round(TELEMETRY_S * NS_PER_S)
        count = min(TELEMETRY_BATCH, group.count - begin)
        yield from sorted(sent_ns - round(random.random() * TELEMETRY_WINDOW_NS) for _ in range(count))


def around_collection(began_ns: int, group: Group, random: Random) -> list[int]:
    """Return instants in and right around a collection of the heap that begins at ``began_ns``."""
    first_ns = began_ns - LEAD_NS // 2
    return sorted(first_ns + round(random.random() * COLLECTION_WINDOW_NS) for _ in range(group.count))
