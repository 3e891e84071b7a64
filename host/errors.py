"""The one kind of error that reaches people: a code, what happened, what to do."""

from typing import Final

EXIT_DONE: Final = 0
EXIT_USAGE: Final = 2
EXIT_REFUSED: Final = 3
EXIT_UNREACHABLE: Final = 4
EXIT_UNKNOWN: Final = 6
EXIT_DIFFERENT: Final = 7

# Every code that a RigError may carry, with the exit code of the command that ends with it. A ledger that cannot record
# is an interlock: nothing was dosed because nothing could be written down.
EXIT_CODES: Final[dict[str, int]] = {
    "usage": EXIT_USAGE,
    "config": EXIT_USAGE,
    "url": EXIT_USAGE,
    "no_port": EXIT_UNREACHABLE,
    "many_ports": EXIT_USAGE,
    "plugin": EXIT_USAGE,
    "refused": EXIT_REFUSED,
    "not_confirmed": EXIT_REFUSED,
    "unknown_open": EXIT_REFUSED,
    "key_reused": EXIT_REFUSED,
    "too_many": EXIT_REFUSED,
    "not_found": EXIT_USAGE,
    "not_identified": EXIT_REFUSED,
    "method": EXIT_USAGE,
    "body": EXIT_USAGE,
    "body_type": EXIT_USAGE,
    "too_large": EXIT_USAGE,
    "no_service": EXIT_UNREACHABLE,
    "no_space": EXIT_USAGE,
    "ledgers_disagree": EXIT_REFUSED,
    "not_compared": EXIT_REFUSED,
    "ledger_missing": EXIT_USAGE,
    "ledger_not_a_ledger": EXIT_USAGE,
    "ledger_locked": EXIT_REFUSED,
    "ledger_full": EXIT_REFUSED,
    "ledger_read_only": EXIT_REFUSED,
    "ledger_permission": EXIT_REFUSED,
    "ledger_newer": EXIT_REFUSED,
    "ledger_corrupt": EXIT_REFUSED,
    "ledger_closed": EXIT_REFUSED,
    "ledger_failed": EXIT_REFUSED,
    "ledger_conflict": EXIT_REFUSED,
    "port_unknown": EXIT_UNREACHABLE,
    "port_permission": EXIT_UNREACHABLE,
    "port_busy": EXIT_UNREACHABLE,
    "port_not_serial": EXIT_UNREACHABLE,
    "port_failed": EXIT_UNREACHABLE,
    "unplugged": EXIT_UNREACHABLE,
    "tcp_unreachable": EXIT_UNREACHABLE,
    "write_stalled": EXIT_UNREACHABLE,
    "silent": EXIT_UNREACHABLE,
    "garbage": EXIT_UNREACHABLE,
    "schema": EXIT_UNREACHABLE,
    "handshake": EXIT_UNREACHABLE,
    "link_lost": EXIT_UNREACHABLE,
    "session_lost": EXIT_UNREACHABLE,
    "session_renewed": EXIT_UNREACHABLE,
    "no_answer": EXIT_UNREACHABLE,
    "not_connected": EXIT_UNREACHABLE,
    "closed": EXIT_UNREACHABLE,
    "internal": EXIT_UNREACHABLE,
    "stop_not_confirmed": EXIT_UNREACHABLE,
    "not_sent": EXIT_UNREACHABLE,
    "unknown": EXIT_UNKNOWN,
    "partial": EXIT_DIFFERENT,
    "access_unauthenticated": EXIT_REFUSED,
    "access_forbidden": EXIT_REFUSED,
    "access_throttled": EXIT_REFUSED,
    "access_busy": EXIT_REFUSED,
    "access_exists": EXIT_REFUSED,
    "access_missing": EXIT_REFUSED,
    "access_last_supervisor": EXIT_REFUSED,
    "access_full": EXIT_REFUSED,
    "access_not_a_store": EXIT_USAGE,
    "access_store_missing": EXIT_USAGE,
    "access_store_exposed": EXIT_REFUSED,
    "access_store_locked": EXIT_REFUSED,
    "access_store_newer": EXIT_REFUSED,
    "access_store_corrupt": EXIT_REFUSED,
    "access_store_failed": EXIT_REFUSED,
    "access_store_closed": EXIT_REFUSED,
    "interrupted": EXIT_DIFFERENT,
    "telemetry_failed": EXIT_DIFFERENT,
    "tampered": EXIT_DIFFERENT,
    "head_differs": EXIT_DIFFERENT,
}


class RigError(Exception):
    """Something did not happen: ``code`` for programs, ``what`` happened and ``todo`` for people.

    Of what the rig refused, ``reason`` is the reason's name (``protocol.codes.REASONS``) and ``nearest`` the nearest
    allowed value, 0 where there is none.
    """

    def __init__(self, code: str, what: str, todo: str, *, reason: str = "", nearest: int = 0) -> None:
        assert code in EXIT_CODES, code
        super().__init__(code, what, todo)
        self.code = code
        self.what = what
        self.todo = todo
        self.reason = reason
        self.nearest = nearest

    def __str__(self) -> str:
        return f"{self.what} {self.todo}".strip()

    @property
    def exit_code(self) -> int:
        """Return the exit code of a command that ends with this error."""
        return EXIT_CODES[self.code]


class TransportError(RigError):
    """The octets have no way to the rig any more; the transport is of no further use."""


class UsageError(RigError):
    """A request that makes no sense, refused before anything was sent."""

    def __init__(self, what: str, todo: str) -> None:
        super().__init__("usage", what, todo)
