"""Which role may do what. One table; what it does not grant is denied.

Everybody whose identity is proven may stop, on every rig, whatever else they may not.

observer    sees, and stops. Reading the research export or the audit is not seeing a rig.
technician  runs the rig with the patient beside it: fills, calibrates, doses, treats alarms, resumes, clears a stop of
            the machine. Not: what weighs for the patient (limits, consent, a patient cause, an unknown dose).
clinician   answers for the patient: what a technician does but calibrating, and those four.
supervisor  answers for the service: people, plans, lots, settings, unknown doses. Moves no liquid by this role alone,
            but for a rescue, which nobody at a patient's side may be denied who answers for it.
monitor     holds, stops, hands on its permits, proposes. Never starts, resumes, raises a limit or clears anything.
automation  orders what an approved plan covers, pauses, hands on the date. Never resumes, clears or resolves.
bench       everything that is done at a rig, and only where the rig is marked simulated.

That two people other than its author sign a plan is not in the table: it is about who, not about which role.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from host.access.actions import SENTENCES, SITE_WIDE, Action
from host.access.identity import Identity, Role, shown
from host.errors import RigError


class Grant(StrEnum):
    """How far a role may do something."""

    NO = "no"
    YES = "yes"
    PLAN = "in a plan"
    SIMULATED = "simulated"


@dataclass(frozen=True, slots=True)
class Context:
    """What is known of the case. None is unknown, and counts as no.

    ``rig`` is acted on, None: all or none. ``simulated``: that rig is marked simulated, where none is named every rig
    of the service. ``planned``: an approved plan covers exactly this order.
    """

    rig: str | None = None
    simulated: bool | None = None
    planned: bool | None = None


@dataclass(frozen=True, slots=True)
class Allowed:
    """It may be done; ``role`` is the one by which, None: by being known at all."""

    role: Role | None


@dataclass(frozen=True, slots=True)
class Denied:
    """It may not be done: why, and what would help, in plain words."""

    reason: str
    todo: str

    def error(self) -> RigError:
        """Return it as an error for whoever asked."""
        return RigError("access_forbidden", self.reason, self.todo)


_NO, _YES, _PLAN, _SIM = Grant.NO, Grant.YES, Grant.PLAN, Grant.SIMULATED
COLUMNS: Final = tuple(Role)
# fmt: off
_ROWS: Final[Mapping[Action, tuple[Grant, ...]]] = {
    #                             observer technician clinician supervisor monitor automation bench
    Action.STOP:                 (_YES,    _YES,      _YES,     _YES,      _YES,   _YES,      _YES),
    Action.SEE_STATE:            (_YES,    _YES,      _YES,     _YES,      _YES,   _YES,      _SIM),
    Action.SEE_DOSES:            (_YES,    _YES,      _YES,     _YES,      _YES,   _YES,      _SIM),
    Action.SEE_LEDGER:           (_YES,    _YES,      _YES,     _YES,      _NO,    _NO,       _SIM),
    Action.DIAGNOSE:             (_NO,     _YES,      _NO,      _YES,      _NO,    _NO,       _SIM),
    Action.PAUSE:                (_NO,     _YES,      _YES,     _YES,      _NO,    _YES,      _SIM),
    Action.RESUME:               (_NO,     _YES,      _YES,     _NO,       _NO,    _NO,       _SIM),
    Action.CLEAR_STOP:           (_NO,     _YES,      _YES,     _NO,       _NO,    _NO,       _SIM),
    Action.CLEAR_PATIENT_CAUSE:  (_NO,     _NO,       _YES,     _NO,       _NO,    _NO,       _SIM),
    Action.ACKNOWLEDGE_ALARM:    (_NO,     _YES,      _YES,     _NO,       _NO,    _NO,       _SIM),
    Action.PAUSE_AUDIO:          (_NO,     _YES,      _YES,     _NO,       _NO,    _NO,       _SIM),
    Action.TEST_ALARMS:          (_NO,     _YES,      _YES,     _NO,       _NO,    _NO,       _SIM),
    Action.FILL_LINE:            (_NO,     _YES,      _YES,     _NO,       _NO,    _PLAN,     _SIM),
    Action.CALIBRATE:            (_NO,     _YES,      _NO,      _NO,       _NO,    _NO,       _SIM),
    Action.DOSE_FLUSH:           (_NO,     _YES,      _YES,     _NO,       _NO,    _PLAN,     _SIM),
    Action.DOSE_AGENT:           (_NO,     _YES,      _YES,     _NO,       _NO,    _PLAN,     _SIM),
    Action.SCREEN:               (_NO,     _YES,      _YES,     _NO,       _NO,    _PLAN,     _SIM),
    Action.RESCUE:               (_NO,     _YES,      _YES,     _YES,      _NO,    _PLAN,     _SIM),
    Action.RESOLVE_UNKNOWN:      (_NO,     _NO,       _YES,     _YES,      _NO,    _NO,       _SIM),
    Action.RELAY_PERMIT:         (_NO,     _NO,       _NO,      _NO,       _YES,   _NO,       _SIM),
    Action.RELAY_HOLD:           (_NO,     _NO,       _NO,      _NO,       _YES,   _NO,       _SIM),
    Action.PROPOSE_COUNTER_DOSE: (_NO,     _NO,       _NO,      _NO,       _YES,   _NO,       _SIM),
    Action.RELEASE_COUNTER_DOSE: (_NO,     _YES,      _YES,     _NO,       _NO,    _PLAN,     _SIM),
    Action.OPEN_TREATMENT:       (_NO,     _YES,      _YES,     _NO,       _NO,    _NO,       _SIM),
    Action.CLOSE_TREATMENT:      (_NO,     _YES,      _YES,     _NO,       _NO,    _NO,       _SIM),
    Action.SET_LIMITS:           (_NO,     _NO,       _YES,     _NO,       _NO,    _NO,       _SIM),
    Action.SET_DATE:             (_NO,     _YES,      _YES,     _NO,       _NO,    _YES,      _SIM),
    Action.RECORD_SCREENING:     (_NO,     _YES,      _YES,     _NO,       _NO,    _NO,       _SIM),
    Action.RECORD_CONSENT:       (_NO,     _NO,       _YES,     _NO,       _NO,    _NO,       _SIM),
    Action.WITHDRAW_CONSENT:     (_NO,     _YES,      _YES,     _YES,      _NO,    _NO,       _SIM),
    Action.REPORT_EVENT:         (_YES,    _YES,      _YES,     _YES,      _NO,    _NO,       _SIM),
    Action.GIVE_ACCOUNT:         (_NO,     _NO,       _YES,     _YES,      _NO,    _NO,       _SIM),
    Action.PROVISION:            (_NO,     _NO,       _NO,      _YES,      _NO,    _NO,       _SIM),
    Action.WRITE_PLAN:           (_NO,     _YES,      _YES,     _YES,      _NO,    _NO,       _NO),
    Action.APPROVE_PLAN:         (_NO,     _NO,       _YES,     _YES,      _NO,    _NO,       _NO),
    Action.LOCK_LOT:             (_NO,     _YES,      _YES,     _YES,      _NO,    _NO,       _NO),
    Action.UNLOCK_LOT:           (_NO,     _NO,       _NO,      _YES,      _NO,    _NO,       _NO),
    Action.EXPORT:               (_NO,     _NO,       _NO,      _YES,      _NO,    _NO,       _NO),
    Action.CONFIGURE:            (_NO,     _NO,       _NO,      _YES,      _NO,    _NO,       _NO),
    Action.MANAGE_USERS:         (_NO,     _NO,       _NO,      _YES,      _NO,    _NO,       _NO),
    Action.SEE_AUDIT:            (_NO,     _NO,       _NO,      _YES,      _NO,    _NO,       _NO),
    Action.CHANGE_OWN_PASSWORD:  (_YES,    _YES,      _YES,     _YES,      _NO,    _NO,       _NO),
}
# fmt: on
MATRIX: Final[Mapping[Action, Mapping[Role, Grant]]] = MappingProxyType(
    {action: MappingProxyType(dict(zip(COLUMNS, row, strict=True))) for action, row in _ROWS.items()}
)


def judge(identity: Identity, action: Action, context: Context) -> Allowed | Denied:
    """Say whether the identity may do it in this case. Unknown facts never allow; a stop is always allowed."""
    if action is Action.STOP:
        return Allowed(None)
    elsewhere = _outside_its_rigs(identity, action, context)
    if elsewhere is not None:
        return elsewhere
    for role in COLUMNS:
        if role in identity.roles and _holds(MATRIX[action][role], context):
            return Allowed(role)
    return _denied(identity, action)


def require(identity: Identity, action: Action, context: Context) -> None:
    """Raise ``RigError`` ``access_forbidden`` when the identity may not do it."""
    verdict = judge(identity, action, context)
    if isinstance(verdict, Denied):
        raise verdict.error()


def _outside_its_rigs(identity: Identity, action: Action, context: Context) -> Denied | None:
    if identity.rigs is None:
        return None
    todo = f"It is limited to: {', '.join(sorted(identity.rigs))}."
    if action in SITE_WIDE:
        return Denied(f"{identity.name} may not do what concerns the whole service: {action}.", todo)
    if context.rig is None:
        return Denied(f"{identity.name} may not do this for all rigs: {action}.", todo)
    if context.rig not in identity.rigs:
        return Denied(f"{identity.name} may not do this on {shown(context.rig)}: {action}.", todo)
    return None


def _holds(grant: Grant, context: Context) -> bool:
    if grant is Grant.PLAN:
        return context.planned is True
    if grant is Grant.SIMULATED:
        return context.simulated is True
    return grant is Grant.YES


def _denied(identity: Identity, action: Action) -> Denied:
    row = MATRIX[action]
    grants = {row[role] for role in identity.roles}
    reason = f"{identity} may not do this: {SENTENCES[action]}"
    if Grant.PLAN in grants:
        return Denied(reason, "It may where an approved plan covers this very order; none is known that does.")
    if Grant.SIMULATED in grants:
        return Denied(reason, "It may on rigs that are marked simulated; this is not known to be one.")
    takes = ", ".join(role for role in COLUMNS if row[role] is Grant.YES)
    return Denied(reason, f"It takes one of these roles: {takes}.")


# Every action has its sentence and its row, stop is open to all, and what concerns no rig is not for the bench.
assert set(MATRIX) == set(SENTENCES) == set(Action)
assert set(MATRIX[Action.STOP].values()) == {Grant.YES}
assert all(MATRIX[action][Role.BENCH] is Grant.NO for action in SITE_WIDE)
