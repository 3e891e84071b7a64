"""Canonical JSON and the hash of a ledger row, as host/README.md writes them down."""

import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Final

FORMAT: Final = "nanorig ledger 1"
FIRST_PREVIOUS: Final = "0" * 64


def canonical_json(fields: Mapping[str, Any]) -> str:
    """Return the one text of these fields: sorted keys, no spaces, ASCII only. Raises ``TypeError`` for a float."""
    _refuse_floats(fields)
    return json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def row_hash(sequence: int, previous: str, body: str) -> str:
    """Return the hash that chains row ``sequence`` to the one before it."""
    return sha256(f"{FORMAT}\n{sequence}\n{previous}\n{body}".encode("ascii")).hexdigest()


def _refuse_floats(value: Any) -> None:
    if isinstance(value, float):
        raise TypeError("a float has no canonical text: use an integer and its unit")
    if isinstance(value, Mapping):
        for key, item in value.items():
            if not isinstance(key, str):
                raise TypeError("a key is a text")
            _refuse_floats(item)
    elif isinstance(value, list | tuple):
        for item in value:
            _refuse_floats(item)
