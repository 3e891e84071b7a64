"""What a run was made with: hashes of the firmware and the plant's parameters, versions of the tools."""

from __future__ import annotations

import json
import platform
import re
import subprocess
from dataclasses import asdict, is_dataclass
from functools import cache
from hashlib import sha256
from importlib import metadata
from typing import Any

from device.identity import firmware_hash as _firmware_hash
from protocol.messages import schema_hex

_COMPILER = "arm-none-eabi-gcc"
_VERSION_TIMEOUT_S = 10


def firmware_hash() -> str:
    """Return the hash of the firmware's sources beside the bench, 16 hexadecimal digits."""
    return bytes(_firmware_hash()).hex()


def schema() -> str:
    """Return the hash of the message schema, 16 hexadecimal digits."""
    return schema_hex()


def parameters_of(parameters: Any) -> dict[str, Any]:
    """Return the plant's parameters as plain values."""
    values = asdict(parameters) if is_dataclass(parameters) and not isinstance(parameters, type) else vars(parameters)
    plain: dict[str, Any] = json.loads(json.dumps(values, default=str))
    return plain


def parameters_sha256(parameters: dict[str, Any]) -> str:
    """Return the hash over the plant's parameters."""
    return sha256(json.dumps(parameters, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def versions(board: Any) -> dict[str, str]:
    """Return the versions of everything that ran the firmware on this board."""
    found = {
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "nanorig": _version("nanorig"),
    }
    micropython = getattr(board, "micropython", None)
    if micropython is not None:
        found["micropython"] = micropython.banner
    if board.name == "rp2040":
        found |= _of_the_emulator()
    return found


@cache
def _of_the_emulator() -> dict[str, str]:
    found = {"rp2040py": _version("rp2040py"), "cython": _version("Cython")}
    if compiler := _compiler():
        found["compiler"] = compiler
    return found


def _version(distribution: str) -> str:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return "unknown"


def _compiler() -> str | None:
    """Return name and version of the compiler that makes the image, None when it is not here."""
    try:
        done = subprocess.run(
            [_COMPILER, "--version"], capture_output=True, text=True, check=False, timeout=_VERSION_TIMEOUT_S
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    first = done.stdout.partition("\n")[0]
    found = re.search(r"\d+\.\d[\w.-]*", first)
    return f"{_COMPILER} {found[0]}" if found else None
