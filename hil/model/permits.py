"""What monitor and clinic have said in truth: proven tags, fresh counters, and the permits of the running dose."""

import hmac
from dataclasses import dataclass, replace
from struct import unpack_from

from hil.model import bounds
from hil.model.voice import Said
from hil.provision import TAG_OCTETS, Provision
from protocol import codes, messages, typed

_SLOT_OF = {
    messages.PERMIT: codes.SLOT_MONITOR,
    messages.HOLD: codes.SLOT_MONITOR,
    messages.OPEN_TREATMENT: codes.SLOT_CLINIC,
    messages.CLOSE_TREATMENT: codes.SLOT_CLINIC,
    messages.SET_CEILINGS: codes.SLOT_CLINIC,
    messages.SET_DATE: codes.SLOT_CLINIC,
    messages.CLEAR_BY_CLINICIAN: codes.SLOT_CLINIC,
}
_RIG_OCTETS = 8


class Proof:
    """Judges signed messages with the rig's keys: tag, boot, counter."""

    def __init__(self, provision: Provision) -> None:
        self._provision = provision
        self.boot = bytes(8)
        self._heard: dict[int, int] = {}

    def begin(self, boot: bytes) -> None:
        """The device has told its boot: counters begin anew in each."""
        if boot != self.boot:
            self.boot = boot
            self._heard = {}

    def holds(self, said: Said) -> bool:
        """Whether the message is proven and new; its counter is used up then. True for what nobody signs."""
        slot = _SLOT_OF.get(said.number)
        if slot is None:
            return True
        body = bytearray(messages.SIZES[said.number])
        messages.encode_body(said.number, body, 0, *said.values)
        at = _RIG_OCTETS if said.number == messages.PERMIT else 0
        boot, counter = unpack_from("<8sI", body, at)
        tag = self._provision.tag(slot, said.number, bytes(body[:-TAG_OCTETS]))
        if boot != self.boot or not hmac.compare_digest(tag, bytes(body[-TAG_OCTETS:])):
            return False
        if counter <= self._heard.get(slot, -1):
            return False
        self._heard[slot] = counter
        return True


@dataclass(frozen=True, slots=True)
class Permit:
    """A permit that holds: from when to when, for how much, counted from how many edges of the dose."""

    from_ns: int
    expires_ns: int
    volume_nl: int
    rate_nl_s: int
    edges_before: int
    replaced_ns: int = 1 << 62


class PermitBook:
    """The permits of the running dose. ``step_nl`` is what a step of this rig displaces in truth."""

    def __init__(self, rig: bytes, step_nl: float) -> None:
        self._rig = rig
        self._step_nl = step_nl
        self._order: typed.DoseOrder | None = None
        self._permits: list[Permit] = []

    def current_order(self) -> typed.DoseOrder | None:
        """Return the order of the open dose, None without one."""
        return self._order

    def begin(self, order: typed.DoseOrder | None) -> None:
        """A dose begins, or none is open any more: earlier permits are for nothing."""
        if order is None or self._order is None or order.dose_id != self._order.dose_id:
            self._permits = []
        self._order = order

    def take(self, now_ns: int, permit: typed.Permit, expires_ns: int, edges: int) -> None:
        """Take a proven permit where it is for the open dose and neither too long nor too much."""
        order = self._order
        if order is None or permit.rig != self._rig:
            return
        if (permit.dose_id, permit.lot, permit.treatment) != (order.dose_id, order.lot, order.treatment):
            return
        if not 0 < permit.volume_nl <= bounds.LOOSEST[0] or not 50 <= permit.rate_nl_s <= bounds.LOOSEST[1]:
            return
        life_ns = expires_ns - now_ns
        if not 0 < life_ns <= bounds.MAX_PERMIT_MS * 1_000_000 + bounds.PERMIT_SLACK_NS:
            return
        if self._permits:
            self._permits = [*self._permits[:-1][-3:], replace(self._permits[-1], replaced_ns=now_ns)]
        self._permits.append(Permit(now_ns, expires_ns, permit.volume_nl, permit.rate_nl_s, edges))

    def fault(self, first_ns: int, last_ns: int, edges: int) -> str | None:
        """Return what is wrong with edges up to number ``edges`` of the dose, None where a permit covers them."""
        if not self._permits:
            return "without a permit"
        inside = [permit for permit in self._permits if permit.from_ns <= first_ns]
        if not inside:
            return "before the permit"
        late_ns = bounds.PERMIT_SLACK_NS
        valid = [permit for permit in inside if last_ns <= permit.expires_ns + late_ns]
        # What was granted under the permit before may still leave.
        valid = [permit for permit in valid if last_ns <= permit.replaced_ns + bounds.GRANT_NS + late_ns]
        if not valid:
            return f"{(last_ns - max(p.expires_ns for p in inside)) / 1e6:.1f} ms after the permit"
        over_nl = min((edges - permit.edges_before) * self._step_nl - permit.volume_nl for permit in valid)
        return f"{over_nl:.1f} nL beyond the permit" if over_nl > 1e-6 else None

    def highest_rate(self, now_ns: int) -> int:
        """Return the highest rate that any permit of the last moments allows."""
        recent = [p for p in self._permits if p.replaced_ns + 3 * bounds.GRANT_NS >= now_ns]
        return max((permit.rate_nl_s for permit in recent), default=0)
