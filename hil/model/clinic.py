"""Monitor and clinic of the model: they sign what a rule wants signed, well or badly."""

from hil.provision import Provision
from protocol import codes, messages, typed

CLOCK_WRAP_MS = 1 << 30
_TAG_OCTETS = 16


class Clinic:
    """Signs for one rig in the boot that it last met."""

    def __init__(self, provision: Provision) -> None:
        self.provision = provision
        self.boot = bytes(8)
        self._counters = [0] * len(codes.SLOTS)

    def meet(self, boot: bytes) -> None:
        """The device has told its boot."""
        if boot != self.boot:
            self.boot = boot
            self._counters = [0] * len(codes.SLOTS)

    def permit(
        self,
        order: typed.DoseOrder,
        expires_ms: int,
        volume_nl: int = 100_000,
        rate_nl_s: int = 20_000,
        *,
        rig: bytes | None = None,
        boot: bytes | None = None,
        counter: int | None = None,
        treatment: bytes | None = None,
        lot: bytes | None = None,
        dose_id: bytes | None = None,
        key: int = codes.SLOT_MONITOR,
    ) -> bytes:
        """Sign a PERMIT for the dose of an order; the named fields replace what is right."""
        return self.provision.sign(
            key,
            messages.PERMIT,
            self.provision.rig if rig is None else rig,
            self.boot if boot is None else boot,
            self._next(codes.SLOT_MONITOR) if counter is None else counter,
            order.treatment if treatment is None else treatment,
            order.lot if lot is None else lot,
            order.dose_id if dose_id is None else dose_id,
            expires_ms % CLOCK_WRAP_MS,
            volume_nl,
            rate_nl_s,
        )

    def say(self, number: int, *values: int | bytes, key: int | None = None, boot: bytes | None = None) -> bytes:
        """Sign any other message of monitor (HOLD) or clinic; under another key or boot where one is named."""
        slot = codes.SLOT_MONITOR if number == messages.HOLD else codes.SLOT_CLINIC
        head = (self.boot if boot is None else boot, self._next(slot))
        return self.provision.sign(slot if key is None else key, number, *head, *values)

    def _next(self, slot: int) -> int:
        self._counters[slot] += 1
        return self._counters[slot]


def broken_tag(body: bytes) -> bytes:
    """Return a signed body with one bit of its tag flipped."""
    return body[:-_TAG_OCTETS] + bytes([body[-_TAG_OCTETS] ^ 1]) + body[1 - _TAG_OCTETS :]
