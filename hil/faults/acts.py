"""What hosts and people do in a schedule, as data. Nobody waits for an earlier act: an act may come at a bad moment."""

from dataclasses import dataclass

from hil.faults.records import Record, choice, kinds_of, number

LONGEST_FOOT_US = 15_000_000


@dataclass(frozen=True)
class Act(Record):
    """Something a host does."""


@dataclass(frozen=True)
class Dose(Act):
    """A dose of saline is ordered; numbers beyond the ceilings are to be refused."""

    volume_nl: int = number(1, 1_000_000, 1000)
    rate_nl_s: int = number(1, 1_000_000, 1000)


@dataclass(frozen=True)
class AgentDose(Act):
    """A dose of agent or counter-agent is ordered; it flows under the monitor's permits."""

    channel: str = choice("agent", "counter_agent")
    volume_nl: int = number(1, 1_000_000, 1000)
    rate_nl_s: int = number(1, 1_000_000, 1000)


@dataclass(frozen=True)
class Rescue(Act):
    """A rescue is ordered; a person presses the foot switch so much later, 0: nobody does."""

    volume_nl: int = number(1, 1_000_000, 1000)
    rate_nl_s: int = number(1, 1_000_000, 1000)
    foot_after_us: int = number(0, LONGEST_FOOT_US, 200_000)


@dataclass(frozen=True)
class Withhold(Act):
    """The monitor grants no permits for a while."""

    for_us: int = number(1, LONGEST_FOOT_US, 1_000_000)


@dataclass(frozen=True)
class Repeat(Act):
    """An earlier order is sent again, under its own id.

    ``frame``: the very octets. ``order``: the same order as a new request. ``adopted``: as a new request with session,
    expiry and last known dose made new; id and boot stay. The client proper does none of these: it gets ``frame``.
    """

    back: int = number(0, 20)
    form: str = choice("frame", "order", "adopted")


@dataclass(frozen=True)
class Stop(Act):
    """Stop."""


@dataclass(frozen=True)
class Pause(Act):
    """The running dose is to pause."""


@dataclass(frozen=True)
class Resume(Act):
    """The paused dose is to go on; a person presses the foot switch so much later, 0: nobody does."""

    foot_after_us: int = number(0, LONGEST_FOOT_US, 200_000)


@dataclass(frozen=True)
class Clear(Act):
    """The stop is to be cleared; a person presses the foot switch so much later, 0: nobody does."""

    foot_after_us: int = number(0, LONGEST_FOOT_US, 200_000)


@dataclass(frozen=True)
class Status(Act):
    """The device is asked for its status."""


@dataclass(frozen=True)
class Reconnect(Act):
    """The host closes its link and opens another."""


ACTS: dict[str, type[Act]] = kinds_of(Act)
