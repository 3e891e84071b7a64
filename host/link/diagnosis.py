"""What is wrong with a link, told from what was heard, in words that say what to do."""

from host.errors import RigError

SAMPLE_OCTETS = 64
# A line of plain text has nearly only these; a link at the wrong baud or with another program's frames has not.
_TEXT = frozenset(range(0x20, 0x7F)) | {0x08, 0x09, 0x0A, 0x0D, 0x1B}
_TEXT_SHARE = 0.95


def no_handshake(octets_in: int, frames_in: int, sample: bytes) -> RigError:
    """Return why there was no handshake: nothing heard, no valid frame, or no answer to the greeting."""
    if not octets_in:
        return RigError(
            "silent",
            "Nothing was heard from the rig.",
            "Check its power, that the cable carries data, and that port and baud (usually 921600) are the rig's.",
        )
    if not frames_in:
        return _garbage(octets_in, sample)
    return RigError(
        "handshake",
        f"The rig is heard ({frames_in} valid frames) but did not answer the greeting.",
        "Try again; if it stays so, look for a bad cable or a second program on the same line.",
    )


def _garbage(octets_in: int, sample: bytes) -> RigError:
    if _is_text(sample):
        return RigError(
            "garbage",
            f"Something else than the rig's firmware talks here; it says {_shown(sample)}.",
            "A Python prompt or another program has the board: flash the rig's firmware, or choose another port.",
        )
    return RigError(
        "garbage",
        f"{octets_in} octets were heard, but no valid frame among them.",
        "The baud is probably wrong (the rig uses 921600: ?baud=921600), or another device is on this port.",
    )


def _is_text(sample: bytes) -> bool:
    lines = b">>> " in sample or b"\n" in sample
    return lines and sum(octet in _TEXT for octet in sample) >= _TEXT_SHARE * len(sample)


def _shown(sample: bytes) -> str:
    return repr(sample[:32].decode("ascii", "replace"))


def other_schema(ours: bytes, theirs: bytes) -> RigError:
    """Return the error for firmware that speaks other messages; nothing may be dosed with it."""
    return RigError(
        "schema",
        f"The firmware speaks another protocol: schema {theirs.hex()}, this host speaks {ours.hex()}.",
        "Flash the firmware that belongs to this version, or install the version that belongs to the firmware.",
    )


def silent_link(silence_ms: int) -> RigError:
    """Return the error for a device that was there and says nothing any more."""
    return RigError(
        "link_lost",
        f"Nothing valid was heard from the rig for {silence_ms / 1000:.1f} s.",
        "A dose in progress pauses by itself within 1.5 s. Check cable and power; only a stop is offered until then.",
    )


def session_lost() -> RigError:
    """Return the error for a device that knows of no session: it restarted, or another host took over."""
    return RigError(
        "session_lost",
        "The rig ended the session: it restarted, or another host connected.",
        "Connect again; what was under way is asked for then.",
    )


def renewal() -> RigError:
    """Return why an old session ends: its counters and clocks must not wrap."""
    return RigError("session_renewed", "The link session is renewed.", "Nothing: a new one follows at once.")


def no_answer() -> RigError:
    """Return the error for a request that was repeated and never answered; it may have been executed."""
    return RigError("no_answer", "The rig did not answer in time.", "Ask for its status; check cable and power.")
