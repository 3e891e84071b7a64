"""The agent is a suspension that settles: when it is stirred, and whether it may be dosed (DOSE-11).

Unstirred it loses a tenth in 50 s; 20 s of stirring bring back all of it (reference rig R1). So it is stirred for 10 s
in every minute, and dosed only when it was stirred within 90 s and reads dense enough. Agent that stood longer, that
reads thin, or of which nobody knows how long it stood, is re-suspended first: stirred until it reads dense.
"""

from device.clock import ticks_diff
from protocol import codes
from protocol.compat import const

# Below THIN agent is too thin to be dosed; re-suspended it is from DENSE on. Freshly stirred: 1000.
THIN_PERMILLE = const(850)
DENSE_PERMILLE = const(900)
STIR_EVERY_MS = const(60_000)
STIR_MS = const(10_000)
MAX_UNSTIRRED_MS = const(90_000)
# A sensor that is stuck at a dense reading is found out within 3.2 s of stirring.
RESUSPEND_MIN_MS = const(5_000)
RESUSPEND_MAX_MS = const(60_000)
# What could not be re-suspended is tried again after so long.
RETRY_MS = const(120_000)

_UNKNOWN = const(0)
_RESUSPENDING = const(1)
_READY = const(2)
_FAILED = const(3)


class Suspension:
    """``stir`` says whether the stirrer has to run, ``ready`` whether agent may be dosed.

    ``failed``: it could not be re-suspended in time. ``thin``: it reads too thin at present.
    """

    def __init__(self) -> None:
        self.stir = False
        self.ready = False
        self.failed = False
        self.thin = False
        self._state = _UNKNOWN
        self._began_ms = 0
        self._stirred_ms = 0

    def exchanged(self) -> None:
        """Another cartridge: nobody knows how long it stood."""
        self._set(_UNKNOWN)

    def judge(self) -> int:
        """Return REASON_DENSITY while agent must not be dosed."""
        return codes.REASON_NONE if self.ready else codes.REASON_DENSITY

    def alarms(self, agent_flows: bool) -> bool:
        """Whether this is an alarm: re-suspending failed, or what flows is too thin."""
        return self.failed or (self.thin and agent_flows)

    def tick(self, now_ms: int, permille: int, believed: bool, allowed: bool) -> None:
        """Take the density, whether it is to be believed, and whether the stirrer may run at all."""
        self.thin = believed and permille < THIN_PERMILLE
        if not allowed:
            self.stir = False
            if self._state == _RESUSPENDING:
                self._set(_UNKNOWN)
        if self._state == _READY:
            self._keep(now_ms, believed, allowed)
        elif self._state == _RESUSPENDING:
            self._resuspend(now_ms, permille, believed)
        elif allowed and (self._state == _UNKNOWN or ticks_diff(now_ms, self._began_ms) >= RETRY_MS):
            self._begin(now_ms)

    def _begin(self, now_ms: int) -> None:
        self._began_ms = now_ms
        self._set(_RESUSPENDING)
        self.stir = True

    def _resuspend(self, now_ms: int, permille: int, believed: bool) -> None:
        stirring_ms = ticks_diff(now_ms, self._began_ms)
        if believed and permille >= DENSE_PERMILLE and stirring_ms >= RESUSPEND_MIN_MS:
            # Dense enough to be dosed, not yet to stand until it is stirred again: the stirrer runs on.
            self._set(_READY)
            self._began_ms = now_ms
            self._stirred_ms = now_ms
            self.stir = True
        elif stirring_ms >= RESUSPEND_MAX_MS:
            self._began_ms = now_ms
            self._set(_FAILED)

    def _keep(self, now_ms: int, believed: bool, allowed: bool) -> None:
        """Stir every so often; what was not stirred in time, or reads thin, is no longer ready."""
        if self.thin or not believed:
            self._set(_UNKNOWN)
        elif self.stir:
            if ticks_diff(now_ms, self._began_ms) >= STIR_MS:
                self.stir = False
                self._stirred_ms = now_ms
        elif ticks_diff(now_ms, self._stirred_ms) >= MAX_UNSTIRRED_MS:
            self._set(_UNKNOWN)
        elif allowed and ticks_diff(now_ms, self._stirred_ms) >= STIR_EVERY_MS - STIR_MS:
            self._began_ms = now_ms
            self.stir = True

    def _set(self, state: int) -> None:
        self._state = state
        self.ready = state == _READY
        self.failed = state == _FAILED
        self.stir = False
