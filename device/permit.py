"""The permission to dose: short-lived, for one dose, limited in volume and rate. Where it ends, flow ends."""

from device import limits
from device.clock import WRAP_MASK
from protocol import codes
from protocol.compat import const

_HALF = const(0x20000000)
# Fields of PERMIT.
_RIG = const(0)
_TREATMENT = const(3)
_LOT = const(4)
_DOSE_ID = const(5)
_EXPIRES_MS = const(6)
_VOLUME_NL = const(7)
_RATE_NL_S = const(8)
_NO_ID = b"\x00" * 8
_MAX_PERMIT_MS = const(2_000)


def needs_permit(kind: int, channel: int, agent_in_line_nl: int) -> bool:
    """Whether a dose flows under a permit only. For a RESCUE a person may stand in its place."""
    if kind == codes.KIND_SCREENING:
        return True
    if kind != codes.KIND_DOSE:
        return False
    return channel != codes.CHANNEL_FLUSH or agent_in_line_nl > 0


class PermitGate:
    """Holds the one permit that is valid now. Authenticity, boot and counter are judged before, by ``Authority``.

    ``step_limit`` is how many steps of the dose may be granted in all, ``rate_nl_s`` how fast; both hold only while
    ``left_ms`` is above zero. ``nearest`` is the nearest allowed value of what was refused.
    """

    def __init__(self) -> None:
        self.nearest = 0
        self.step_limit = 0
        self.rate_nl_s = 0
        self._expires_ms = 0
        self._held = False

    def offer(
        self,
        values: tuple,
        now_ms: int,
        rig: bytes,
        treatment: bytes,
        lot: bytes,
        dose_id: bytes,
        emitted_steps: int,
        step_fl: int = limits.STEP_FL,
        error_ppm: int = limits.BORE_ERROR_PPM,
    ) -> int:
        """Judge the values of a PERMIT for the open dose; take it in place of the one before, or change nothing.

        ``emitted_steps`` is the lower bound known now, so that no more than the permit's volume leaves the pin from now
        on, however wide the bore is within its error. Order: rig, no treatment, treatment, dose, lot, expired, life,
        volume, rate.
        """
        self.nearest = 0
        reason = _judge_binding(values, rig, treatment, lot, dose_id)
        if reason == codes.REASON_NONE:
            reason = self._judge_life(values[_EXPIRES_MS], now_ms)
        if reason == codes.REASON_NONE:
            reason = self._judge_amounts(values[_VOLUME_NL], values[_RATE_NL_S])
        if reason == codes.REASON_NONE:
            self.step_limit = emitted_steps + limits.steps_within(values[_VOLUME_NL], step_fl, error_ppm)
            self.rate_nl_s = values[_RATE_NL_S]
            self._expires_ms = values[_EXPIRES_MS]
            self._held = True
        return reason

    def left_ms(self, now_ms: int) -> int:
        """Return how long the permit is still valid, ms; 0 when there is none. One that has ended is gone for good."""
        if not self._held:
            return 0
        left_ms = (self._expires_ms - now_ms) & WRAP_MASK
        if 0 < left_ms <= _MAX_PERMIT_MS:
            return left_ms
        self.drop()
        return 0

    def valid(self, now_ms: int) -> bool:
        """Whether there is a permit now."""
        return self.left_ms(now_ms) > 0

    def drop(self) -> None:
        """Let no further step out under the permit: the dose has ended, or the monitor holds."""
        self._held = False
        self.step_limit = 0
        self.rate_nl_s = 0

    def _judge_life(self, expires_ms: int, now_ms: int) -> int:
        if expires_ms > WRAP_MASK:
            return codes.REASON_MALFORMED
        left_ms = (expires_ms - now_ms) & WRAP_MASK
        if left_ms == 0 or left_ms >= _HALF:
            return codes.REASON_EXPIRED
        if left_ms > _MAX_PERMIT_MS:
            self.nearest = _MAX_PERMIT_MS
            return codes.REASON_PERMIT_LIFE
        return codes.REASON_NONE

    def _judge_amounts(self, volume_nl: int, rate_nl_s: int) -> int:
        if not 0 < volume_nl <= limits.MAX_DOSE_NL:
            self.nearest = limits.MAX_DOSE_NL if volume_nl else 1
            return codes.REASON_PERMIT_VOLUME
        if rate_nl_s < limits.MIN_RATE_NL_S:
            self.nearest = limits.MIN_RATE_NL_S
            return codes.REASON_PERMIT_RATE
        if rate_nl_s > limits.MAX_RATE_NL_S:
            self.nearest = limits.MAX_RATE_NL_S
            return codes.REASON_PERMIT_RATE
        return codes.REASON_NONE


def _judge_binding(values: tuple, rig: bytes, treatment: bytes, lot: bytes, dose_id: bytes) -> int:
    """Return the first thing that the permit is not for."""
    if values[_RIG] != rig or rig == _NO_ID:
        return codes.REASON_RIG
    if treatment == _NO_ID:
        return codes.REASON_NO_TREATMENT
    if values[_TREATMENT] != treatment:
        return codes.REASON_TREATMENT
    if values[_DOSE_ID] != dose_id or dose_id == _NO_ID:
        return codes.REASON_ID
    if values[_LOT] != lot:
        return codes.REASON_LOT
    return codes.REASON_NONE
