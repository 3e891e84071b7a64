"""Schedules from a seed: a plausible day at the rig, and things that go wrong in it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from random import Random

from hil.faults import acts, vocabulary
from hil.faults.acts import Act
from hil.faults.schedule import HOSTS, Schedule
from hil.faults.vocabulary import Fault
from hil.plant.noise import stream

_S = 1_000_000
_MS = 1_000


@dataclass(frozen=True, slots=True)
class Scale:
    """How long schedules for one target are, and how much happens in them."""

    shortest_us: int
    longest_us: int
    most_faults: int
    longest_dose_us: int
    pause_us: int
    """Typical time between two acts."""


SCALES = {
    "twin": Scale(5 * _S, 18 * _S, 5, 8 * _S, 900 * _MS),
    "vm": Scale(5 * _S, 12 * _S, 5, 6 * _S, 700 * _MS),
    # The emulated Pico takes some five seconds for one.
    "rp2040": Scale(2 * _S, 3 * _S, 2, 1500 * _MS, 400 * _MS),
}
FIRST_ACT_US = 600 * _MS
"""The sensors have woken up and the host is connected."""

_BAD_LINKS = 0.2
_AGENT_SHARE = 0.4
"""So many of the doses are of agent or counter-agent, under permits."""

FIRST_FAULT_US = 300 * _MS


def generate(target: str, seed: int, number: int, families: Sequence[str] = ()) -> Schedule:
    """Return schedule ``number`` of a storm: the same for the same target, seed, number and families.

    With ``families`` there are faults of these alone, and at least one; else of all, or none.
    """
    random = stream(seed, f"schedule {number}")
    scale = SCALES[target]
    length_us = random.randint(scale.shortest_us, scale.longest_us)
    host = random.choices(HOSTS, (3, 2))[0]
    work = _acts(random, scale, length_us, host)
    count = random.randint(1 if families else 0, scale.most_faults)
    faults = [_fault(random, length_us, work, families or tuple(_MAKERS)) for _ in range(count)]
    if random.random() < _BAD_LINKS and "link" in (families or _MAKERS):
        faults += _bad_link(random, length_us)
    return Schedule(
        target=target,
        seed=random.randrange(1 << 32),
        host=host,
        length_us=length_us,
        acts=work,
        faults=_with_reboots(random, sorted(faults, key=lambda fault: fault.at_us), length_us),
        rig=_rig(random),
    )


def _rig(random: Random) -> dict[str, float]:
    """Half of the rigs are the reference rig; the others differ within the range to be tried."""
    if random.random() < 0.5:
        return {}
    drawn = {
        "bore_error": round(random.uniform(-0.01, 0.01), 4),
        "backlash_nl": round(random.uniform(0, 270), 1),
        "stick_slip_nl": round(random.uniform(0, 100), 1),
        "compliance_nl_kpa": round(_log_uniform(random, 50, 1000), 1),
        "resistance_kpa_s_nl": round(_log_uniform(random, 0.0005, 0.01), 5),
        "pressure_noise_kpa": round(random.uniform(0, 2), 2),
        "pressure_lag_s": round(random.uniform(0.001, 0.05), 4),
        "pressure_gain_error": round(random.uniform(-0.03, 0.03), 4),
        "flow_noise_share": round(random.uniform(0, 0.05), 4),
        "flow_lag_s": round(random.uniform(0.005, 0.1), 4),
        "flow_gain_error_bound": round(random.uniform(0, 0.1), 4),
    }
    chosen = random.sample(sorted(drawn), random.randint(1, 4))
    return {name: drawn[name] for name in chosen}


def _log_uniform(random: Random, low: float, high: float) -> float:
    return float(low * (high / low) ** random.random())


# Acts.


def _acts(random: Random, scale: Scale, length_us: int, host: str) -> tuple[Act, ...]:
    """A dose, something in the middle of it, what a person does about it, and again."""
    found: list[Act] = []
    at_us = FIRST_ACT_US + random.randint(0, 300 * _MS)
    while at_us < length_us:
        draw = random.random()
        if draw < 0.5:
            dose = _dose(random, scale, at_us)
            found.append(_of_agent(random, dose) if random.random() < _AGENT_SHARE else dose)
            takes_us = dose.volume_nl * _S // dose.rate_nl_s
            if random.random() < 0.6:
                at_us += random.randint(0, max(1, min(takes_us, scale.longest_dose_us) * 5 // 4))
                found += _interference(random, at_us, host)
            else:
                at_us += random.randint(takes_us // 2, takes_us + _S)
        else:
            found += _interference(random, at_us, host)
        at_us += round(random.expovariate(1 / scale.pause_us)) + 1
    return tuple(sorted((act for act in found if act.at_us < length_us), key=lambda act: act.at_us))


def _dose(random: Random, scale: Scale, at_us: int) -> acts.Dose:
    draw = random.random()
    rate_nl_s = round(_log_uniform(random, 50, 20_000))
    # As many long doses as short ones: what strikes shall strike in the middle of one.
    takes_us = random.randint(scale.longest_dose_us // 20, scale.longest_dose_us)
    volume_nl = max(100, min(100_000, rate_nl_s * takes_us // _S))
    if draw < 0.03:
        volume_nl = random.choice((1, 99, 100_001, 1_000_000))
    elif draw < 0.06:
        rate_nl_s = random.choice((1, 49, 20_001, 1_000_000))
    return acts.Dose(at_us, volume_nl, rate_nl_s)


def _of_agent(random: Random, dose: acts.Dose) -> acts.AgentDose:
    channel = random.choice(("agent", "agent", "counter_agent"))
    return acts.AgentDose(dose.at_us, channel, dose.volume_nl, dose.rate_nl_s)


def _foot_us(random: Random) -> int:
    """A person comes soon, late, or not at all."""
    return random.choices((random.randint(50 * _MS, 900 * _MS), random.randint(_S, 12 * _S), 0), (8, 1, 1))[0]


def _interference(random: Random, at_us: int, host: str) -> list[Act]:
    kinds: list[tuple[int, Callable[[], list[Act]]]] = [
        (4, lambda: _stop_and_clear(random, at_us)),
        (3, lambda: _pause_and_resume(random, at_us)),
        (3, lambda: [acts.Clear(at_us, _foot_us(random))]),
        (1, lambda: [acts.Resume(at_us, _foot_us(random))]),
        (1, lambda: [acts.Status(at_us)]),
        (2, lambda: [acts.Reconnect(at_us)]),
        (4, lambda: [_agent(random, at_us)]),
        (2, lambda: [_rescue(random, at_us)]),
        (2, lambda: [acts.Withhold(at_us, round(_log_uniform(random, 100 * _MS, 5 * _S)))]),
        (5 if host == "raw" else 2, lambda: [_repeat(random, at_us)]),
    ]
    make = random.choices([make for _, make in kinds], [weight for weight, _ in kinds])[0]
    return make()


def _stop_and_clear(random: Random, at_us: int) -> list[Act]:
    found: list[Act] = [acts.Stop(at_us)]
    if random.random() < 0.8:
        found.append(acts.Clear(at_us + random.randint(50 * _MS, 800 * _MS), _foot_us(random)))
    return found


def _pause_and_resume(random: Random, at_us: int) -> list[Act]:
    found: list[Act] = [acts.Pause(at_us)]
    if random.random() < 0.8:
        # A pause settles for half a second at least.
        found.append(acts.Resume(at_us + random.randint(400 * _MS, 2 * _S), _foot_us(random)))
    return found


def _agent(random: Random, at_us: int) -> Act:
    channel = random.choice(("agent", "counter_agent"))
    return acts.AgentDose(
        at_us, channel, round(_log_uniform(random, 100, 5000)), round(_log_uniform(random, 50, 20_000))
    )


def _rescue(random: Random, at_us: int) -> Act:
    volume_nl, rate_nl_s = round(_log_uniform(random, 100, 5000)), round(_log_uniform(random, 200, 20_000))
    return acts.Rescue(at_us, volume_nl, rate_nl_s, _foot_us(random))


def _repeat(random: Random, at_us: int) -> Act:
    return acts.Repeat(at_us, random.choice((0, 0, 0, 1, 2)), random.choice(("frame", "order", "adopted")))


# Faults.


def _fault(random: Random, length_us: int, work: Sequence[Act], families: Sequence[str]) -> Fault:
    """Draw a family, a kind in it, and an instant, most often in the middle of a dose."""
    family = random.choices(families, [_WEIGHTS[name] for name in families])[0]
    make = random.choice(_MAKERS[family])
    at_us = random.randint(FIRST_FAULT_US, length_us)
    doses = [act for act in work if isinstance(act, acts.Dose | acts.AgentDose)]
    if doses and random.random() < 0.6:
        dose = random.choice(doses)
        at_us = min(length_us, dose.at_us + random.randint(0, max(1, dose.volume_nl * _S // dose.rate_nl_s)))
    for_us = round(_log_uniform(random, _SHORTEST_US[family], length_us))
    if family == "link" and random.random() < 0.4:
        # A link that is bad from the first octet to the last.
        at_us, for_us = FIRST_FAULT_US, length_us
    return make(_Draw(random, at_us, for_us))


def _bad_link(random: Random, length_us: int) -> list[Fault]:
    """A link that is bad in several ways from the first octet to the last."""
    kinds = (
        vocabulary.LinkDrop,
        vocabulary.LinkDuplicate,
        vocabulary.LinkCorrupt,
        vocabulary.LinkReorder,
        vocabulary.LinkGarbage,
    )
    return [
        kind(FIRST_FAULT_US, length_us, "both", round(_log_uniform(random, 20, 200)))
        for kind in random.sample(kinds, random.randint(2, 4))
    ]


def _with_reboots(random: Random, faults: Sequence[Fault], length_us: int) -> tuple[Fault, ...]:
    """A power loss in the middle of an FRAM write wants something that writes: a boot follows it."""
    found: list[Fault] = []
    for fault in faults:
        found.append(fault)
        if isinstance(fault, vocabulary.PowerOffAtFramOctet):
            after_us = min(fault.at_us + random.randint(_MS, 200 * _MS), length_us)
            found.append(vocabulary.PowerOff(after_us, random.randint(1000, 200 * _MS)))
    return tuple(found)


_READ = ("pressure", "flow", "supply")
_FAIL = (*_READ, *_READ, "bubble", "estop", "door", "home")


@dataclass(frozen=True, slots=True)
class _Draw:
    """When, for how long, and chances for the rest."""

    random: Random
    at_us: int
    for_us: int

    @property
    def when(self) -> tuple[int, int]:
        """The first two fields of whatever lasts."""
        return self.at_us, self.for_us

    def within(self, low_us: int, high_us: int) -> tuple[int, int]:
        """The same, lasting for another while."""
        return self.at_us, round(_log_uniform(self.random, low_us, high_us))

    @property
    def link(self) -> tuple[int, int, str]:
        """The first three fields of a fault of the link."""
        return self.at_us, self.for_us, self.random.choice(vocabulary.DIRECTIONS)

    def sensor(self, *sensors: str) -> tuple[int, int, str]:
        """The first three fields of a fault of a sensor."""
        return self.at_us, self.for_us, self.random.choice(sensors)

    @property
    def permille(self) -> int:
        """A chance."""
        return round(_log_uniform(self.random, 20, 1000))

    def one_of(self, *values: int) -> int:
        """One of some numbers."""
        return self.random.choice(values)


# What is noticed within some ticks or seconds shall last for longer as often as for less.
_SHORTEST_US = {
    "link": 100 * _MS,
    "power": 1000,
    "sensor": 30 * _MS,
    "bus": 10 * _MS,
    "plant": 10 * _MS,
    "process": 200 * _MS,
}
_WEIGHTS = {"link": 4, "power": 2, "sensor": 3, "bus": 1, "plant": 3, "process": 2}
_Maker = Callable[[_Draw], Fault]
_MAKERS: dict[str, tuple[_Maker, ...]] = {
    "link": (
        lambda d: vocabulary.LinkDrop(*d.link, d.permille),
        lambda d: vocabulary.LinkDuplicate(*d.link, d.permille),
        lambda d: vocabulary.LinkDelay(*d.link, d.permille, d.one_of(10, 100, 1000, 5000)),
        lambda d: vocabulary.LinkCorrupt(*d.link, d.permille),
        lambda d: vocabulary.LinkReorder(*d.link, d.permille),
        lambda d: vocabulary.LinkGarbage(*d.link, d.permille),
        lambda d: vocabulary.LinkCut(*d.link, round(_log_uniform(d.random, 1, 1000))),
        lambda d: vocabulary.LinkCut(*d.link, 0),
    ),
    "power": (
        lambda d: vocabulary.PowerOff(*d.within(1000, 3 * _S)),
        lambda d: vocabulary.PowerOffAtFramOctet(*d.within(1000, _S), d.random.randint(0, 20)),
        lambda d: vocabulary.SupplyDip(*d.within(1000, 500_000)),
    ),
    "sensor": (
        lambda d: vocabulary.SensorStuck(*d.sensor(*_FAIL)),
        lambda d: vocabulary.SensorSilent(*d.sensor(*_FAIL)),
        lambda d: vocabulary.SensorSilent(*d.sensor(*_READ)),
        lambda d: vocabulary.SensorDrifting(*d.sensor(*_READ), d.one_of(-200, -20, 20, 200)),
        lambda d: vocabulary.SensorJumping(*d.sensor(*_READ), d.one_of(-1, 1) * d.permille),
    ),
    "bus": (
        lambda d: vocabulary.BusStuck(*d.when, 0),
        lambda d: vocabulary.BusNak(*d.when, 0, d.permille),
        lambda d: vocabulary.BusCrc(*d.when, 0, d.permille),
    ),
    "plant": (
        lambda d: vocabulary.Occlusion(*d.when, d.one_of(30, 80, 95, 100), d.one_of(0, d.for_us // 2)),
        lambda d: vocabulary.Leak(*d.when, round(_log_uniform(d.random, 1, 1000))),
        lambda d: vocabulary.Clog(*d.when, d.one_of(50, 95, 100)),
        lambda d: vocabulary.Spill(*d.when, round(_log_uniform(d.random, 1, 1000))),
        lambda d: vocabulary.ValveStuck(*d.when),
        lambda d: vocabulary.Bubble(*d.when),
        lambda d: vocabulary.SyringeEmpty(*d.when, 2),
        lambda d: vocabulary.SyringeLoose(*d.when, 2, d.one_of(0, 500, 20_000), d.one_of(-5, 0, 5)),
        lambda d: vocabulary.SyringeExchanged(*d.when, 2, d.one_of(20_000, 1_000_000), 0),
        lambda d: vocabulary.MotorStalled(*d.when, 2),
        lambda d: vocabulary.EmergencyStop(*d.within(5, 3 * _S)),
        lambda d: vocabulary.DoorOpen(*d.within(5, 3 * _S)),
        lambda d: vocabulary.FootSwitchHeld(*d.when),
    ),
    "process": (
        lambda d: vocabulary.FirmwareHang(d.at_us),
        lambda d: vocabulary.FirmwareReset(d.at_us),
        lambda d: vocabulary.FirmwareKilled(d.at_us),
        lambda d: vocabulary.HostKilled(d.at_us, min(d.for_us, 3 * _S)),
    ),
}


FAMILIES = tuple(_MAKERS)
"""Families that a storm can draw from: nobody looks at the patient's signs yet."""


def shortened(schedule: Schedule, length_us: int) -> Schedule:
    """Return the schedule without what comes after ``length_us``."""
    return replace(
        schedule,
        length_us=length_us,
        acts=tuple(act for act in schedule.acts if act.at_us < length_us),
        faults=tuple(fault for fault in schedule.faults if fault.at_us < length_us),
    )
