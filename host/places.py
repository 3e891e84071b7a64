"""Where things are on this machine when nobody says otherwise."""

import os
from collections.abc import Mapping
from pathlib import Path


def default_ledger(environment: Mapping[str, str] = os.environ) -> Path:
    """Return the ledger: $NANORIG_LEDGER, else in the user's state folder."""
    named = environment.get("NANORIG_LEDGER")
    if named:
        return Path(named)
    state = environment.get("XDG_STATE_HOME")
    return (Path(state) if state else Path.home() / ".local" / "state") / "nanorig" / "ledger.sqlite3"


def default_heads(environment: Mapping[str, str] = os.environ) -> Path | None:
    """Return the file that signed heads of the ledger go to: $NANORIG_HEADS, best on another disk; None without it."""
    named = environment.get("NANORIG_HEADS")
    return Path(named) if named else None
