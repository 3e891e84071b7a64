"""The three cartridges: which order they allow, which syringe is at its end, what becomes an alarm."""

from device.cartridge import Cartridge
from device.drivers.cartridge import CartridgeMemory
from device.interlocks import CARTRIDGE, HOME, RESERVOIR_LOW
from protocol import codes
from protocol.compat import const

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from device.boards.interface import Board

CHANNELS = const(3)
# The end switch closes this far before the bottom, and ends a dose that gets there.
RESERVE_NL = const(10_000)
# Manifold and sensors: what stands between a syringe and the valve (reference rig R1).
PURGE_NL = const(8_000)
_LOW_DIVISOR = const(10)
# Whoever has so little left may be the one at its end switch: the reserve, and 1 % of a syringe for the bore.
_NEAR_END_NL = const(20_000)


class Cartridges:
    """Judges orders by their cartridge. ``nearest`` is what is left where that is too little.

    ``verify(octets, tag)`` tells whether a label is authentic. ``poll`` makes one small transfer, 0.9 ms at most, or
    one time-out, which ``held`` tells then.
    """

    def __init__(self, board: "Board", bus: int, verify: "Callable[[bytes, bytes], bool]") -> None:
        self.all = tuple(
            [Cartridge(CartridgeMemory(board, bus, channel), channel, verify) for channel in range(CHANNELS)]
        )
        self.nearest = 0
        self.held = False
        self._turn = 0
        self._turns = 0
        self._low = 0
        self._pressed = False
        self._at_end = 0
        self._nobody_knows = False

    def poll(self) -> None:
        """Make the next transfer of the connector whose turn it is."""
        cartridge = self.all[self._turn]
        cartridge.step()
        self.held = cartridge.held
        if cartridge.settled or self.held:
            self._turn = (self._turn + 1) % CHANNELS
        if not self.held:
            self._find_low()

    def judge(self, channel: int, lot: bytes, day: int, need_nl: int) -> int:
        """Return why a dose to the patient must not come from ``channel``, REASON_NONE when it may.

        ``day`` is the trusted date, 0 for none; ``need_nl`` the volume at its upper end. Order: cartridge, authentic,
        purge, lot, no date, expired, reservoir.
        """
        self.nearest = 0
        cartridge = self.all[channel]
        if cartridge.state == codes.CARTRIDGE_NOT_AUTHENTIC:
            return codes.REASON_CARTRIDGE_AUTHENTIC
        if cartridge.state != codes.CARTRIDGE_GOOD or cartridge.kind != channel:
            return codes.REASON_CARTRIDGE
        if cartridge.exchanged:
            return codes.REASON_PURGE
        if cartridge.lot != lot:
            return codes.REASON_LOT
        if day == 0 and channel == codes.CHANNEL_AGENT:
            return codes.REASON_NO_DATE
        if day > cartridge.expiry_day:
            return codes.REASON_CARTRIDGE_EXPIRED
        left_nl = self.available_nl(channel)
        if need_nl > left_nl:
            self.nearest = left_nl
            return codes.REASON_RESERVOIR
        return codes.REASON_NONE

    def available_nl(self, channel: int) -> int:
        """Return what can be given before the end switch closes, nL; 0 when it has."""
        return 0 if self.at_end(channel) else max(0, self.all[channel].left_nl - RESERVE_NL)

    def use(self, channel: int, volume_nl: int) -> None:
        """Take away what a dose took from its syringe, at its upper end, to the patient and to the waste."""
        self.all[channel].use(volume_nl)
        self._find_low()

    def purged(self, channel: int) -> None:
        """A purge from this channel was delivered in full, of PURGE_NL or more."""
        self.all[channel].purged()

    def end_switch(self, pressed: bool, moving: int) -> None:
        """Take the level of the switches, which are one wire, and the channel that moves, -1 for none.

        The channel that moved when they closed is at its end; at rest, those of which little is left may be.
        """
        if pressed == self._pressed:
            return
        self._pressed = pressed
        self._at_end = 0
        if pressed:
            self._at_end = 1 << moving if moving >= 0 else self._near_end()
        self._nobody_knows = pressed and not self._at_end

    def at_end(self, channel: int) -> bool:
        """Whether this channel's plunger is at its end, as far as anybody can tell."""
        return self._nobody_knows or bool(self._at_end & 1 << channel)

    def conditions(self, moving: int, to_patient: bool) -> int:
        """Return the interlock conditions while ``moving`` is pumped, -1 for none."""
        conditions = RESERVOIR_LOW if self._low else 0
        if self._nobody_knows or (self._at_end and moving >= 0 and self._at_end & 1 << moving):
            conditions |= HOME
        if to_patient and moving >= 0:
            cartridge = self.all[moving]
            if cartridge.state != codes.CARTRIDGE_GOOD or cartridge.exchanged:
                conditions |= CARTRIDGE
        return conditions

    def faulty(self) -> bool:
        """Whether a memory that answers cannot be read or written, or its bus is held."""
        for cartridge in self.all:  # noqa: SIM110 -- a generator would be allocated
            if cartridge.state == codes.CARTRIDGE_UNREADABLE:
                return True
        return False

    def _near_end(self) -> int:
        channels = 0
        for cartridge in self.all:
            if cartridge.state == codes.CARTRIDGE_GOOD and cartridge.left_nl <= _NEAR_END_NL:
                channels |= 1 << cartridge.channel
        return channels

    def _find_low(self) -> None:
        self._low = 0
        for cartridge in self.all:
            if cartridge.state == codes.CARTRIDGE_GOOD and cartridge.left_nl * _LOW_DIVISOR <= cartridge.fill_nl:
                self._low |= 1 << cartridge.channel
