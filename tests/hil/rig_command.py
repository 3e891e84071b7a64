"""The `rig` command as a process of its own, as a person or a script runs it."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TIMEOUT_S = 60


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def start(*arguments: str, ledger: Path | None = None, **options: Any) -> subprocess.Popen[str]:
    """Start `rig` with these arguments."""
    environment = {**os.environ, "NANORIG_LEDGER": str(ledger or "/nonexistent/ledger"), "COLUMNS": "120"}
    return subprocess.Popen(
        [sys.executable, "-m", "host", *arguments],
        stdin=options.pop("stdin", subprocess.DEVNULL),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        **options,
    )


def finish(process: subprocess.Popen[str]) -> Done:
    """Wait for its end."""
    out, err = process.communicate(timeout=TIMEOUT_S)
    return Done(process.returncode, out, err)


def run(*arguments: str, ledger: Path | None = None) -> Done:
    """Run `rig` with these arguments to its end."""
    return finish(start(*arguments, ledger=ledger))
