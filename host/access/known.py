"""Who was let in lately, in memory: so that they may still stop a rig while the store cannot be asked."""

from collections import OrderedDict
from typing import Final

from host.access.identity import Identity

MAX_KNOWN: Final = 1_024


class Known:
    """Identities by the digest of what they brought along; bounded, the one let in longest ago goes first."""

    def __init__(self) -> None:
        self._entries: OrderedDict[str, tuple[Identity, int]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._entries)

    def keep(self, digest: str, identity: Identity, ends_ms: int) -> Identity:
        """Remember who was let in, until a moment (UTC, ms)."""
        self._entries[digest] = (identity, ends_ms)
        self._entries.move_to_end(digest)
        if len(self._entries) > MAX_KNOWN:
            self._entries.popitem(last=False)
        return identity

    def forget(self, digest: str) -> None:
        """Forget who is not let in any more."""
        self._entries.pop(digest, None)

    def find(self, digest: str, now_ms: int) -> Identity | None:
        """Return who was let in and has not expired since."""
        identity, ends_ms = self._entries.get(digest, (None, 0))
        return identity if now_ms < ends_ms else None
