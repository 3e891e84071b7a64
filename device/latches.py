"""What keeps the rig from dosing until somebody takes it away: the machine's stop, and the patient's stop or hold.

Both outlive a loss of power. A machine cause (an operator's stop is one here) is cleared by a person at the rig, a
patient cause by a clinician and a person.
"""

import struct

from protocol import codes

# Three causes, two flags, what the line stored in nL.
_FORMAT = "<BBBBBI"
OCTETS = struct.calcsize(_FORMAT)


def is_patient_cause(cause: int) -> bool:
    """Whether the cause lies in the patient and not in the machine."""
    return codes.CAUSE_MONITOR <= cause <= codes.CAUSE_CONSENT


class Latches:
    """``stop_cause`` is the first cause of the stop, 0 for none; ``hold_cause`` the patient's cause, 0 for none.

    ``service_only``: the machine's stop is cleared in service mode only. ``stored_nl`` is what the line stored when an
    occlusion stopped the flow, 0 for none. ``dirty`` says that what ``pack`` returns differs from what was packed last,
    ``cleared`` that the last change took something away.
    """

    def __init__(self) -> None:
        self.stop_cause = codes.CAUSE_NONE
        self.machine_cause = codes.CAUSE_NONE
        self.hold_cause = codes.CAUSE_NONE
        self.service_only = False
        self.stored_nl = 0
        self.dirty = False
        self.cleared = False
        self._hold_stops = False

    def stop(self, cause: int) -> None:
        """Latch a stop; the first cause of each kind stays."""
        if is_patient_cause(cause):
            self.hold(cause)
            self._set(self.machine_cause, self.hold_cause, True)
        elif self.machine_cause == codes.CAUSE_NONE:
            self._set(cause, self.hold_cause, self._hold_stops)
        if self.stop_cause == codes.CAUSE_NONE:
            self.stop_cause = cause
            self._changed()

    def hold(self, cause: int) -> None:
        """Latch a patient cause that keeps agent from flowing; the first stays."""
        if self.hold_cause == codes.CAUSE_NONE:
            self._set(self.machine_cause, cause, self._hold_stops)

    def keep_for_service(self) -> None:
        """Latch a stop that came too often to be cleared by whoever stands at the rig."""
        self.stop(codes.CAUSE_REPEATED)
        if not self.service_only:
            self.service_only = True
            self._changed()

    def keep_stored(self, stored_nl: int) -> None:
        """Keep, with the stop that comes next, what the line stores."""
        if stored_nl != self.stored_nl:
            self.stored_nl = stored_nl
            self._changed()

    def clear_machine(self) -> None:
        """Take the machine's stop away; a patient's stop stays."""
        self.service_only = False
        self.stored_nl = 0
        self._set(codes.CAUSE_NONE, self.hold_cause, self._hold_stops)
        self.stop_cause = self.hold_cause if self._hold_stops else codes.CAUSE_NONE
        self.cleared = True

    def clear_patient(self) -> None:
        """Take the patient's stop or hold away; a machine's stop stays."""
        self._set(self.machine_cause, codes.CAUSE_NONE, False)
        self.stop_cause = self.machine_cause
        self.cleared = True

    def pack(self) -> bytes:
        """Return the octets that ``unpack`` takes."""
        self.dirty = False
        return struct.pack(
            _FORMAT,
            self.stop_cause,
            self.machine_cause,
            self.hold_cause,
            int(self._hold_stops),
            int(self.service_only),
            self.stored_nl,
        )

    def unpack(self, octets: bytes) -> None:
        """Take what was latched when the power went; a firmware before this one kept less of it."""
        kept = struct.unpack(_FORMAT, (octets + bytes(OCTETS))[:OCTETS])
        self.stop_cause, self.machine_cause, self.hold_cause, stops, service_only, self.stored_nl = kept
        self._hold_stops = bool(stops)
        self.service_only = bool(service_only)

    def _set(self, machine_cause: int, hold_cause: int, hold_stops: bool) -> None:
        if (machine_cause, hold_cause, hold_stops) != (self.machine_cause, self.hold_cause, self._hold_stops):
            self.machine_cause = machine_cause
            self.hold_cause = hold_cause
            self._hold_stops = hold_stops
            self._changed()

    def _changed(self) -> None:
        self.dirty = True
        self.cleared = False
