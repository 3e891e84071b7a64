"""Users, tokens, sessions and changes as lines for people and as plain values for programs. Never a secret."""

import json
from datetime import UTC, datetime
from typing import Any

from host.access.audit import Change
from host.access.clock import utc_ms
from host.access.identity import Role
from host.access.records import Session, Token, User


def user_object(user: User) -> dict[str, Any]:
    """Return plain values for JSON."""
    return {
        "name": user.name,
        "roles": [role for role in Role if role in user.roles],
        "disabled": user.disabled,
        "created": moment(user.created_ms),
        "changed": moment(user.changed_ms),
    }


def token_object(token: Token) -> dict[str, Any]:
    """Return plain values for JSON; ``refusal`` says why it opens nothing, null when it does."""
    return {
        "id": token.id,
        "name": token.name,
        "role": token.role,
        "rigs": None if token.rigs is None else sorted(token.rigs),
        "created": moment(token.created_ms),
        "expires": moment(token.expires_ms),
        "revoked": moment(token.revoked_ms),
        "last_used": moment(token.last_used_ms),
        "refusal": token.refusal(utc_ms()) or None,
    }


def session_object(session: Session) -> dict[str, Any]:
    """Return plain values for JSON."""
    return {
        "id": session.id,
        "name": session.name,
        "source": session.source,
        "created": moment(session.created_ms),
        "last_used": moment(session.last_used_ms),
        "ends": moment(session.ends_ms),
    }


def change_object(change: Change) -> dict[str, Any]:
    """Return plain values for JSON."""
    return {
        "sequence": change.sequence,
        "utc": moment(change.utc_ms),
        "operator": change.operator,
        "act": change.act,
        "subject": change.subject,
        "detail": change.detail,
    }


def user_line(user: User) -> str:
    """Return a user for people."""
    roles = ", ".join(role for role in Role if role in user.roles)
    return f"{user.name}: {roles}{'; DISABLED' if user.disabled else ''}; changed {moment(user.changed_ms)}"


def token_line(token: Token) -> str:
    """Return a token for people."""
    rigs = "all rigs" if token.rigs is None else f"only {', '.join(sorted(token.rigs))}"
    state = token.refusal(utc_ms()) or f"expires {moment(token.expires_ms)}"
    return f"{token.id}  {token.name}: {token.role}, {rigs}; {state}; last used {moment(token.last_used_ms) or 'never'}"


def session_line(session: Session) -> str:
    """Return a session for people."""
    times = f"since {moment(session.created_ms)}, used {moment(session.last_used_ms)}, ends {moment(session.ends_ms)}"
    return f"{session.id}  {session.name} from {session.source}; {times}"


def change_line(change: Change) -> str:
    """Return a change for people."""
    detail = json.dumps(change.detail, sort_keys=True) if change.detail else ""
    return f"{change.sequence:6}  {moment(change.utc_ms)}  {change.operator}  {change.act}  {change.subject}  {detail}"


def moment(utc: int | None) -> str | None:
    """Return a moment (UTC, ms) in ISO 8601 to the second, None for none."""
    if utc is None:
        return None
    return f"{datetime.fromtimestamp(utc // 1000, UTC):%Y-%m-%dT%H:%M:%S}Z"
