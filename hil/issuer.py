"""The bench's monitor and clinic: SIMULATED authorities whose keys are drawn for one run and belong to nobody.

Everything goes over the very messages and client that a real monitor's would; the host between only relays.
"""

import asyncio
import hmac
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from hil.provision import TAG_OCTETS, Provision
from host.errors import RigError
from host.records import name_of
from protocol import codes, messages, typed

CLOCK_WRAP_MS = 1 << 30
PERMIT_LIFE_MS = 1_800
"""By the device's clock as reckoned here, which is behind it by what a message takes; 2000 is refused."""

PERMIT_EVERY_S = 0.4
FRESH_S = 1.5
"""A status older than this is none: the device signs one a second."""

MAX_PERMIT_NL = 100_000
MAX_PERMIT_NL_S = 20_000
FLOWING = frozenset(
    {codes.DOSE_ACCEPTED, codes.DOSE_RUNNING, codes.DOSE_PAUSING, codes.DOSE_PAUSED, codes.DOSE_SETTLING}
)
_NOT_RUNNING = name_of("reason", codes.REASON_NOT_RUNNING)


class Issuer:
    """Signs what only monitor and clinic may say to one rig, and believes only what this rig has signed."""

    def __init__(self, provision: Provision) -> None:
        self.provision = provision
        self.boot = bytes(8)
        self._counters = [0] * len(codes.SLOTS)
        self._heard = -1

    def meet(self, welcome: typed.Welcome) -> None:
        """Take the boot that messages are meant for. In one boot the counters go on, whoever signed before."""
        if welcome.boot != self.boot:
            self.boot = welcome.boot
            self._counters = [0] * len(codes.SLOTS)
            self._heard = -1
        # An earlier issuer of this boot cannot have signed more messages than there were milliseconds.
        self._counters = [max(counter, welcome.uptime_ms) for counter in self._counters]

    def permit(
        self,
        dose_id: bytes,
        lot: bytes,
        expires_ms: int,
        volume_nl: int,
        rate_nl_s: int,
        treatment: bytes | None = None,
    ) -> bytes:
        """Sign a PERMIT for one dose."""
        named = self.provision.treatment if treatment is None else treatment
        values = (named, lot, dose_id, expires_ms % CLOCK_WRAP_MS, volume_nl, rate_nl_s)
        head = (self.provision.rig, *self._head(codes.SLOT_MONITOR))
        return self.provision.sign(codes.SLOT_MONITOR, messages.PERMIT, *head, *values)

    def hold(self, hold: int = codes.HOLD_HOLD, treatment: bytes | None = None) -> bytes:
        """Sign a HOLD."""
        named = self.provision.treatment if treatment is None else treatment
        return self._signed(codes.SLOT_MONITOR, messages.HOLD, named, hold)

    def open_treatment(
        self,
        treatment: bytes,
        *,
        ceilings: tuple[int, ...] | None = None,
        screening: int = codes.SCREENING_PASSED,
        residual_nl: int = 0,
        day: int | None = None,
    ) -> bytes:
        """Sign an OPEN_TREATMENT."""
        row = self.provision.ceilings if ceilings is None else ceilings
        today = self.provision.day if day is None else day
        return self._signed(codes.SLOT_CLINIC, messages.OPEN_TREATMENT, treatment, today, screening, residual_nl, *row)

    def close_treatment(self, treatment: bytes | None = None) -> bytes:
        """Sign a CLOSE_TREATMENT."""
        named = self.provision.treatment if treatment is None else treatment
        return self._signed(codes.SLOT_CLINIC, messages.CLOSE_TREATMENT, named)

    def set_ceilings(self, ceilings: tuple[int, ...]) -> bytes:
        """Sign the clinic's ceilings."""
        return self._signed(codes.SLOT_CLINIC, messages.SET_CEILINGS, *ceilings)

    def set_pressure_limit(self, limit_pa: int) -> bytes:
        """Sign the clinic's occlusion limit of the line pressure."""
        return self._signed(codes.SLOT_CLINIC, messages.SET_PRESSURE_LIMIT, limit_pa)

    def set_date(self, day: int | None = None) -> bytes:
        """Sign the date."""
        return self._signed(codes.SLOT_CLINIC, messages.SET_DATE, self.provision.day if day is None else day)

    def clear_by_clinician(self) -> bytes:
        """Sign a clinician's clearing."""
        return self._signed(codes.SLOT_CLINIC, messages.CLEAR_BY_CLINICIAN)

    def believes(self, status: typed.SignedStatus) -> bool:
        """Whether this rig signed the status in this boot, and none after it was believed before."""
        expected = self.provision.tag(codes.SLOT_STATUS, messages.SIGNED_STATUS, status.body()[:-TAG_OCTETS])
        if not hmac.compare_digest(expected, status.tag):
            return False
        if (status.rig, status.boot) != (self.provision.rig, self.boot) or status.counter <= self._heard:
            return False
        self._heard = status.counter
        return True

    def _signed(self, slot: int, number: int, *values: int | bytes) -> bytes:
        return self.provision.sign(slot, number, *self._head(slot), *values)

    def _head(self, slot: int) -> tuple[bytes, int]:
        self._counters[slot] += 1
        return self.boot, self._counters[slot]


class Relay(Protocol):
    """What carries permits to the rig and tells what the rig says: ``host.rig.Rig``, or a scenario's host."""

    def permit(self, signed: bytes) -> Awaitable[object]:
        """Hand on a permit."""
        ...

    def listening(self, listener: Callable[[typed.Message], None]) -> AbstractContextManager[None]:
        """Tell the listener everything that the rig says unasked."""
        ...


@dataclass(slots=True)
class _NotRunning:
    """A permit that was refused because its dose was not running, before it is known why."""

    dose_id: bytes
    seen_flowing: bool = False


class PermitService:
    """Grants permits to whatever dose the rig's own signed status shows, for as long as that is fresh. No harm model.

    Args:
        issuer: signs and verifies.
        relay: carries.
        rate_nl_s: highest rate of a permit, nL/s.
        volume_nl: what may leave the pin under one permit, nL.
        lot: what every permit names; None for the lot that the status tells, which is that of the agent's cartridge.
    """

    def __init__(
        self,
        issuer: Issuer,
        relay: Relay,
        *,
        rate_nl_s: int = MAX_PERMIT_NL_S,
        volume_nl: int = MAX_PERMIT_NL,
        lot: bytes | None = None,
    ) -> None:
        self.granted = 0
        self.verified = 0
        self.distrusted = 0
        self.too_late = 0
        """Permits that met a dose which had ended meanwhile, as the rig has signed since: they were owed to nobody."""

        self.withheld = False
        """Whether the monitor withholds: set it, and no permit is signed."""

        self.lots: dict[bytes, bytes] = {}
        """By dose id: the lot of a dose that comes from another cartridge than the rest."""

        self._issuer = issuer
        self._relay = relay
        self._rate_nl_s = rate_nl_s
        self._volume_nl = volume_nl
        self._lot = lot
        self._refused: Counter[str] = Counter()
        self._unexplained: list[_NotRunning] = []
        self._status: typed.SignedStatus | None = None
        self._heard_s = 0.0
        self._news = asyncio.Event()

    @property
    def status(self) -> typed.SignedStatus | None:
        """Return the last status that was believed."""
        return self._status

    @property
    def refusals(self) -> Counter[str]:
        """Return how often the rig refused a permit, by reason; one known to have been too late is no refusal."""
        return self._refused + Counter({_NOT_RUNNING: len(self._unexplained)})

    async def run(self) -> None:
        """Serve until cancelled."""
        with self._relay.listening(self._hear):
            while True:
                await self._offer()
                self._news.clear()
                try:
                    async with asyncio.timeout(PERMIT_EVERY_S):
                        await self._news.wait()
                except TimeoutError:
                    continue

    def _hear(self, message: typed.Message) -> None:
        if not isinstance(message, typed.SignedStatus):
            return
        if not self._issuer.believes(message):
            self.distrusted += 1
            return
        self.verified += 1
        self._explain(message)
        self._status = message
        self._heard_s = _time_s()
        self._news.set()

    def _explain(self, status: typed.SignedStatus) -> None:
        """Find out whether a dose that was not running when its permit came had ended: the rig says so under its key.

        A status that still shows it flowing may have been under way when the permit was refused, the next one not.
        """
        unexplained, self._unexplained = self._unexplained, []
        for permit in unexplained:
            if status.dose_id != permit.dose_id or status.dose_state not in FLOWING:
                self.too_late += 1
            elif permit.seen_flowing:
                self._refused[_NOT_RUNNING] += 1
            else:
                permit.seen_flowing = True
                self._unexplained.append(permit)

    def _refuse(self, dose_id: bytes, reason: str) -> None:
        if reason == _NOT_RUNNING:
            self._unexplained.append(_NotRunning(dose_id))
        else:
            self._refused[reason] += 1

    async def _offer(self) -> None:
        status, age_s = self._status, _time_s() - self._heard_s
        if status is None or self.withheld or age_s > FRESH_S or status.dose_state not in FLOWING:
            return
        now_ms = status.uptime_ms + int(age_s * 1000)
        lot = self.lots.get(status.dose_id, self._lot or status.lot)
        signed = self._issuer.permit(
            status.dose_id, lot, now_ms + PERMIT_LIFE_MS, self._volume_nl, self._rate_nl_s, status.treatment
        )
        try:
            answer = await self._relay.permit(signed)
        except RigError as error:
            self._refuse(status.dose_id, error.reason or error.code)
            return
        if isinstance(answer, typed.Result) and answer.reason:
            self._refuse(status.dose_id, name_of("reason", answer.reason))
        else:
            self.granted += 1


def _time_s() -> float:
    return asyncio.get_running_loop().time()
