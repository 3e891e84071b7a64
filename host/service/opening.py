"""Opens the ledger of a rig, but none that does not verify: the service writes no row behind one that was changed."""

import asyncio
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from host.errors import RigError
from host.head_file import HeadFile
from host.ledger import Ledger

VERIFY_S: Final = 600.0
_NOT_VERIFIED: Final = 7
_OTHER_FILE: Final = "file: not a ledger"


class LedgerOpener:
    """Opens one ledger, as often as it takes.

    It is verified before, as a whole, by the stand-alone verifier in a process of its own: the loop of the service does
    not wait for it, and a rig without a ledger can be stopped and rescued.

    Args:
        path: the ledger; it is made when there is none.
        head_file: where its signed heads are kept, and what it is compared with.
    """

    def __init__(self, path: Path, head_file: Path | None = None) -> None:
        self.path = path
        self._head_file = head_file
        self._found: tuple[tuple[int, int], RigError] | None = None  # what was wrong with which state of the file

    async def open(self) -> Ledger:
        """Verify and open it. Raises ``RigError``."""
        await asyncio.to_thread(self._verify)
        witnesses = [HeadFile(self._head_file)] if self._head_file is not None else []
        return await Ledger.open(self.path, witnesses=witnesses)

    def _verify(self) -> None:
        try:
            state = _state(self.path)
        except FileNotFoundError:
            return
        except OSError:
            return  # whoever opens it tells why it cannot be
        if self._found is not None and self._found[0] == state:
            raise self._found[1]
        self._found = None
        error = _verdict(self._command())
        if error is not None:
            self._found = (state, error)
            raise error

    def _command(self) -> list[str]:
        command = [sys.executable, "-m", "host.ledger_verify", str(self.path)]
        if self._head_file is not None and self._head_file.exists():
            command.append(str(self._head_file))
        return command


def _state(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_mtime_ns, found.st_size


def _verdict(command: Sequence[str]) -> RigError | None:
    path = command[3]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=VERIFY_S)
    except (OSError, subprocess.TimeoutExpired) as error:
        return RigError("ledger_failed", f"The ledger {path} could not be verified: {error}.", "Look at the machine.")
    if done.returncode != _NOT_VERIFIED:
        return None  # it verifies; or it cannot be read, and whoever opens it tells why
    finding = (done.stdout.splitlines() or [""])[0]
    if finding.startswith(_OTHER_FILE):
        return None  # something else, or an empty one that a full disk left: whoever opens it tells them apart
    return RigError(
        "ledger_corrupt",
        f"The ledger {path} does not verify: {finding}. No row is written behind it.",
        "Keep it: move the file with its -wal and .key aside, then a new one begins; see: rig ledger verify",
    )
