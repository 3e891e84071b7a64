"""Prints what alarms, interlocks, cartridges and suspension do with drawn conditions. Needs SEED and ROUNDS."""

from device.alarms import Alarms
from device.cartridge import Cartridge
from device.drivers import cartridge
from device.drivers.cartridge import CartridgeMemory
from device.interlocks import Interlocks
from device.suspension import Suspension

# Set by who runs this.
ROUNDS = globals().get("ROUNDS", 20)
_draw = globals().get("SEED", 1)


def draw(below):
    """Return a number below ``below``, the same under every Python."""
    global _draw  # noqa: PLW0603
    _draw = (_draw * 1103515245 + 12345) & 0x3FFFFFFF
    return (_draw >> 8) % below


def bits():
    """Return some of the 30 conditions."""
    chosen = 0
    for _ in range(draw(4)):
        chosen |= 1 << draw(30)
    return chosen


class Memory:
    """A bus with one cartridge memory, which is away now and then."""

    def __init__(self, octets):
        self.octets = bytearray(octets)
        self.at = 0
        self.away = 0

    def i2c_writeto(self, bus, address, buffer):
        if self.away:
            self.away -= 1
            raise OSError(110 if draw(2) else 5)
        self.at = buffer[0]
        for octet in buffer[1:]:
            self.octets[self.at] = octet
            self.at += 1

    def i2c_readfrom_into(self, bus, address, buffer):
        for index in range(len(buffer)):
            buffer[index] = self.octets[self.at + index]


def alarms():
    interlocks = Interlocks()
    latch = Alarms()
    now_ms = 0x3FFFFFFF - 20_000
    for _ in range(ROUNDS):
        conditions = bits()
        situation = (1, 3, 7, 15)[draw(4)]
        for _ in range(draw(40)):
            now_ms = (now_ms + 10) & 0x3FFFFFFF
            interlocks.observe(0x0F if draw(9) else draw(16), conditions)
            cause = interlocks.trip(situation)
            latch.observe(interlocks.tripped)
            latch.tick(now_ms)
        reason = latch.acknowledge(latch.latched & bits())
        latch.pause_audio(draw(130), now_ms)
        print(cause, interlocks.standing, interlocks.tripped, interlocks.alarm, interlocks.forbids(situation), reason)
        print(latch.latched, latch.acknowledged, latch.first, latch.highest, latch.light, latch.sound)


def one_cartridge():
    label = cartridge.pack_label(0, b"lot-0001", b"serial-1", 1000, 1_000_000_000, 9000)
    bus = Memory(cartridge.pack_memory(label, bytes(16), 999_999_999))
    connector = Cartridge(CartridgeMemory(bus, 1, 0), 0, lambda octets, tag: tag == bytes(16))
    for _ in range(ROUNDS):
        for _ in range(draw(8)):
            connector.step()
        if not draw(4):
            connector.use(draw(50_000_000))
        if not draw(5):
            bus.away = draw(5)
        if not draw(9):
            bus.octets[draw(80)] ^= 1 << draw(8)
        print(connector.state, connector.left_nl, connector.exchanged, connector.serial, connector.changed)
        print(connector.pack(), bytes(bus.octets))


def suspension():
    rule = Suspension()
    now_ms = 0
    for _ in range(ROUNDS):
        permille = 700 + draw(300)
        for _ in range(draw(200)):
            now_ms += 100
            rule.tick(now_ms, permille, bool(draw(200)), bool(draw(300)))
        print(rule.stir, rule.ready, rule.failed, rule.thin, rule.judge())


alarms()
one_cartridge()
suspension()
