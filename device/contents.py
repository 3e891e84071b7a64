"""Where agent may stand between the syringes and the tip, at most: plugs that move in order (DOSE-13).

Every volume is known to an interval only, so every plug is kept as the union of all places where it may be: its end
towards the tip moves by the most that was pushed, its end towards the syringes by the least. What is told here is
therefore never below the truth: neither the agent that leaves the tip nor the agent that is still in the line.

Places are nL before the tip: the patient line is 0..3000, sensors and manifold behind the valve 3000..11000
(reference rig R1).
"""

from protocol import codes
from protocol.compat import const

PATIENT_LINE_NL = const(3_000)
LINE_NL = const(11_000)
# More plugs than this are merged where the gap is smallest; what lies between merged plugs counts as agent.
MAX_PLUGS = const(10)
# One octet of count, then two octets for each end of each plug.
PACKED_OCTETS = const(41)


class Contents:
    """Plugs of possible agent, nearest to the tip first. A new one knows nothing: everything may be agent."""

    def __init__(self) -> None:
        self._near = [0] * (MAX_PLUGS + 2)
        self._far = [0] * (MAX_PLUGS + 2)
        self._count = 0
        self.unknown()

    def unknown(self) -> None:
        """Take everything for agent: after an unknown dose, an exchanged cartridge, free or reverse flow."""
        self._count = 1
        self._near[0] = 0
        self._far[0] = LINE_NL

    def clear(self) -> None:
        """Know that no agent is in the line, as in one that was just put in and primed."""
        self._count = 0

    @property
    def agent_in_line_nl(self) -> int:
        """Agent that may stand in the line, at most, nL."""
        return self._agent_before(LINE_NL)

    @property
    def behind_valve_nl(self) -> int:
        """How far behind the valve agent may stand, at most, nL: what has to be pushed to the waste to be rid of it."""
        far_nl = self._far[self._count - 1] if self._count else 0
        return max(0, far_nl - PATIENT_LINE_NL)

    def leaving(self, channel: int, volume_nl: int) -> int:
        """Return how much agent the next ``volume_nl`` through the tip may hold when ``channel`` pushes, nL."""
        agent_nl = self._agent_before(volume_nl)
        if channel == codes.CHANNEL_AGENT and volume_nl > LINE_NL:
            agent_nl += volume_nl - LINE_NL
        return agent_nl

    def push(self, channel: int, least_nl: int, most_nl: int, to_patient: bool) -> int:
        """Move the plugs by what ``channel`` pushed to the patient or to the waste, between least and most, nL.

        Return how much agent went to the patient, at most.
        """
        if most_nl <= 0:
            return 0
        agent_nl = self.leaving(channel, most_nl) if to_patient else 0
        self._shift(0 if to_patient else PATIENT_LINE_NL, least_nl if least_nl > 0 else 0, most_nl)
        if channel == codes.CHANNEL_AGENT:
            floor_nl = 0 if to_patient else PATIENT_LINE_NL
            self._add(max(floor_nl, LINE_NL - most_nl), LINE_NL)
        while self._count > MAX_PLUGS:
            self._merge_nearest()
        return agent_nl

    def pack(self) -> bytes:
        """Return the plugs as ``PACKED_OCTETS`` octets for the journal."""
        packed = bytearray(PACKED_OCTETS)
        packed[0] = self._count
        for index in range(self._count):
            at = 1 + 4 * index
            packed[at : at + 2] = self._near[index].to_bytes(2, "little")
            packed[at + 2 : at + 4] = self._far[index].to_bytes(2, "little")
        return bytes(packed)

    def unpack(self, packed: "bytes | None") -> bool:
        """Take the plugs from ``pack``; anything else leaves everything unknown and returns False."""
        self.unknown()
        if packed is None or len(packed) < PACKED_OCTETS or packed[0] > MAX_PLUGS:
            return False
        before_nl = -1
        for at in range(1, 1 + 4 * packed[0], 4):
            near = int.from_bytes(packed[at : at + 2], "little")
            far = int.from_bytes(packed[at + 2 : at + 4], "little")
            if not before_nl < near < far <= LINE_NL:
                return False
            before_nl = far
        self._count = packed[0]
        for index in range(self._count):
            at = 1 + 4 * index
            self._near[index] = int.from_bytes(packed[at : at + 2], "little")
            self._far[index] = int.from_bytes(packed[at + 2 : at + 4], "little")
        return True

    def _agent_before(self, place_nl: int) -> int:
        agent_nl = 0
        for index in range(self._count):
            far = self._far[index]
            near = self._near[index]
            if near < place_nl:
                agent_nl += (far if far < place_nl else place_nl) - near
        return agent_nl

    def _shift(self, floor_nl: int, least_nl: int, most_nl: int) -> None:
        """Move everything beyond ``floor_nl`` towards it; what passes the floor is gone, what stands below it stays.

        A plug across the floor stays one plug, so that no plug is written over before it is read.
        """
        count = self._count
        self._count = 0
        for index in range(count):
            near = self._near[index]
            far = self._far[index]
            if near < floor_nl:
                self._add(near, far if far < floor_nl else floor_nl)
                near = floor_nl
            if far - least_nl > floor_nl and far > near:
                self._add(max(floor_nl, near - most_nl), far - least_nl)

    def _add(self, near: int, far: int) -> None:
        """Put a plug behind the others, joined with the last one where they touch; it never begins before that one."""
        last = self._count - 1
        if last >= 0 and near <= self._far[last]:
            if far > self._far[last]:
                self._far[last] = far
            return
        self._near[self._count] = near
        self._far[self._count] = far
        self._count += 1

    def _merge_nearest(self) -> None:
        best = 1
        for index in range(2, self._count):
            gap_nl = self._near[index] - self._far[index - 1]
            if gap_nl < self._near[best] - self._far[best - 1]:
                best = index
        self._far[best - 1] = self._far[best]
        for index in range(best, self._count - 1):
            self._near[index] = self._near[index + 1]
            self._far[index] = self._far[index + 1]
        self._count -= 1
