"""The open treatment: whose screening, which plan, and what it has received. Totals are upper ends unless they say min.

Agent counts when it passes the tip, whoever pushed it: flush or counter-agent in front of which agent stands counts as
agent. A boot resets nothing but the date.
"""

import struct

from device import limits
from device.ceilings import ROW_FORMAT, UNSET, Ceilings
from protocol import codes
from protocol.compat import const

NO_ID = b"\x00" * 8
_LARGEST = const(0x3FFFFFFF)
_OPEN_FORMAT = "<8sBBI" + ROW_FORMAT[1:]
_TOTALS_FORMAT = "<8sIBIIIIII"
# Fields of OPEN_TREATMENT.
_TREATMENT = const(2)
_DAY = const(3)
_SCREENING = const(4)
_RESIDUAL_NL = const(5)
_ROW = const(6)
_TAG = const(15)
# All agent of a treatment whose screening has not passed: one micro-dose at its upper end.
SCREENING_TOTAL_NL = limits.most_of(limits.MAX_SCREENING_NL)


class Treatment:
    """One treatment at a time. ``id`` is all zero when none is open; the totals of the last one stay readable."""

    def __init__(self) -> None:
        self.id = NO_ID
        self.last_id = NO_ID
        self.day = 0
        self.screening = codes.SCREENING_UNKNOWN
        self.residual_nl = codes.UNKNOWN_NL
        self.screened = False
        self.agent_min_nl = 0
        self.agent_max_nl = 0
        self.counter_max_nl = 0
        self.flush_max_nl = 0
        self.rescue_max_nl = 0

    def is_open(self) -> bool:
        """Whether a treatment is open."""
        return self.id != NO_ID

    def judge_open(self, values: tuple, ceilings: Ceilings) -> int:
        """Return why OPEN_TREATMENT is refused; ``ceilings.nearest`` goes with it. Changes nothing.

        Order: id all zero, one open already, id of the last one, no date, screening or residual impossible, ceilings.
        """
        ceilings.nearest = 0
        treatment = values[_TREATMENT]
        if treatment == NO_ID:
            return codes.REASON_ID
        if self.is_open():
            return codes.REASON_TREATMENT_OPEN
        if treatment == self.last_id:
            return codes.REASON_TREATMENT
        if values[_DAY] == 0:
            return codes.REASON_NO_DATE
        if values[_SCREENING] > codes.SCREENING_FAILED or values[_RESIDUAL_NL] > codes.UNKNOWN_NL:
            return codes.REASON_MALFORMED
        return ceilings.judge_plan(values[_ROW:_TAG])

    def open(self, values: tuple, ceilings: Ceilings) -> int:
        """Open the treatment and set its plan when ``judge_open`` allows; totals begin at zero."""
        reason = self.judge_open(values, ceilings)
        if reason == codes.REASON_NONE:
            ceilings.set_plan(values[_ROW:_TAG])
            self.id = self.last_id = values[_TREATMENT]
            self.day = values[_DAY]
            self.screening = values[_SCREENING]
            self.residual_nl = values[_RESIDUAL_NL]
            self._clear_totals()
        return reason

    def judge_close(self, treatment: bytes) -> int:
        """Return REASON_NO_TREATMENT when none is open, REASON_TREATMENT when it is another."""
        if not self.is_open():
            return codes.REASON_NO_TREATMENT
        return codes.REASON_NONE if treatment == self.id else codes.REASON_TREATMENT

    def close(self, ceilings: Ceilings) -> None:
        """Close the treatment: nothing goes to a patient until the next one is open."""
        self.id = NO_ID
        self.screening = codes.SCREENING_UNKNOWN
        self.residual_nl = codes.UNKNOWN_NL
        ceilings.clear_plan()

    def set_date(self, day: int) -> int:
        """Take today's date, days since 2000-01-01; REASON_NO_DATE for day 0, which stands for none."""
        if day == 0:
            return codes.REASON_NO_DATE
        self.day = day
        return codes.REASON_NONE

    def judge_order(self, kind: int, treatment: bytes) -> int:
        """Return why an order does not belong here: to the patient in the open treatment only, to waste in none."""
        if kind in (codes.KIND_PRIME, codes.KIND_PURGE, codes.KIND_CALIBRATE):
            return codes.REASON_NONE if treatment == NO_ID else codes.REASON_TREATMENT
        return self.judge_close(treatment)

    def judge_agent(self, kind: int, channel: int, agent_nl: int) -> int:
        """Return why agent must not reach the patient: no date, then the screening.

        After a failed screening none may. One screening micro-dose may be given a treatment; one that never moved does
        not count. While screening or residual is unknown nothing else may be given from the agent's channel, and what
        counter-agent or flush pushes (``agent_nl`` at most) ends where the micro-dose does.
        """
        if self.day == 0:
            return codes.REASON_NO_DATE
        if self.screening == codes.SCREENING_FAILED:
            return codes.REASON_SCREENING
        if kind == codes.KIND_SCREENING:
            return codes.REASON_SCREENING if self.screened else codes.REASON_NONE
        if self.screening == codes.SCREENING_PASSED and self.residual_nl != codes.UNKNOWN_NL:
            return codes.REASON_NONE
        if channel == codes.CHANNEL_AGENT or self.agent_max_nl + agent_nl > SCREENING_TOTAL_NL:
            return codes.REASON_SCREENING
        return codes.REASON_NONE

    def counted_nl(self, channel: int) -> int:
        """Return what counts against the treatment's ceiling of a channel's liquid.

        The residual burden counts as agent in full; it is 0 here when unknown, for then there is no such dose.
        """
        if channel == codes.CHANNEL_COUNTER_AGENT:
            return self.counter_max_nl
        if channel == codes.CHANNEL_FLUSH:
            return self.flush_max_nl
        residual_nl = 0 if self.residual_nl == codes.UNKNOWN_NL else self.residual_nl
        return self.agent_max_nl + residual_nl

    def ended(
        self, kind: int, channel: int, granted_steps: int, max_nl: int, agent_min_nl: int, agent_max_nl: int
    ) -> None:
        """Count a dose to the patient that ended, an unknown one at its worst.

        ``max_nl`` is what passed the tip at most, of any liquid; of it ``agent_min_nl`` to ``agent_max_nl`` was agent.
        """
        if kind == codes.KIND_SCREENING and granted_steps > 0:
            self.screened = True
        self.add(codes.CHANNEL_AGENT, agent_min_nl, agent_max_nl)
        if channel != codes.CHANNEL_AGENT:
            self.add(channel, 0, max_nl)
        if kind == codes.KIND_RESCUE:
            self.rescue_max_nl = min(self.rescue_max_nl + max_nl, _LARGEST)

    def add(self, channel: int, min_nl: int, max_nl: int) -> None:
        """Count a channel's liquid; what a total cannot hold stays at its largest."""
        if channel == codes.CHANNEL_AGENT:
            self.agent_min_nl = min(self.agent_min_nl + min_nl, _LARGEST)
            self.agent_max_nl = min(self.agent_max_nl + max_nl, _LARGEST)
        elif channel == codes.CHANNEL_COUNTER_AGENT:
            self.counter_max_nl = min(self.counter_max_nl + max_nl, _LARGEST)
        else:
            self.flush_max_nl = min(self.flush_max_nl + max_nl, _LARGEST)

    def pack(self, plan: tuple) -> bytes:
        """Return the treatment and its plan for the journal's cell."""
        opened = 1 if self.is_open() else 0
        return struct.pack(_OPEN_FORMAT, self.last_id, opened, self.screening, self.residual_nl, *plan)

    def unpack(self, payload: bytes | None) -> tuple:
        """Take what ``pack`` made and return the plan's row, all zero when none is open. The date is not kept."""
        if payload is None or len(payload) != struct.calcsize(_OPEN_FORMAT):
            return UNSET
        values = struct.unpack(_OPEN_FORMAT, payload)
        self.last_id = values[0]
        if not values[1]:
            return UNSET
        self.id = values[0]
        self.screening = values[2]
        self.residual_nl = values[3]
        return values[4:]

    def pack_totals(self, sequence: int, window_nl: int) -> bytes:
        """Return the totals for the journal's cell, with the last record that they include and the window's volume."""
        return struct.pack(
            _TOTALS_FORMAT,
            self.last_id,
            sequence,
            1 if self.screened else 0,
            self.agent_min_nl,
            self.agent_max_nl,
            self.counter_max_nl,
            self.flush_max_nl,
            self.rescue_max_nl,
            window_nl,
        )

    def unpack_totals(self, payload: bytes | None) -> tuple:
        """Take what ``pack_totals`` made, after ``unpack``; return the sequence and the window's volume.

        Totals of another treatment than the one that ``unpack`` found are not this one's: only the window counts on.
        """
        self._clear_totals()
        if payload is None or len(payload) != struct.calcsize(_TOTALS_FORMAT):
            return (0, 0)
        values = struct.unpack(_TOTALS_FORMAT, payload)
        if values[0] == self.last_id:
            self.screened = bool(values[2])
            self.agent_min_nl = values[3]
            self.agent_max_nl = values[4]
            self.counter_max_nl = values[5]
            self.flush_max_nl = values[6]
            self.rescue_max_nl = values[7]
        return (values[1], values[8])

    def _clear_totals(self) -> None:
        self.screened = False
        self.agent_min_nl = 0
        self.agent_max_nl = 0
        self.counter_max_nl = 0
        self.flush_max_nl = 0
        self.rescue_max_nl = 0
