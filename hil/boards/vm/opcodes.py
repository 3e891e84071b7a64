"""What the MicroPython process and the bench say to each other. One source, imported by both Pythons.

To the bench: a 16-bit length, then commands without an answer, then exactly one that has an answer (a call). To the
VM: the answer, whose length the VM knows, or a state vector and behind it the octets that the UART has received.
"""

try:
    from micropython import const  # type: ignore[import-not-found, unused-ignore]
except ImportError:

    def const(value):  # type: ignore[no-untyped-def]
        """Return the value: MicroPython folds it at compile time."""
        return value


# Commands: a name, then its fields behind the command's octet.
PUT = const(1)  # channel B, steps H, period_us I
ARM = const(2)  # channel B
VALVE = const(3)  # level B
DIRECTION = const(4)  # level B
LIGHT = const(5)  # bits B: 1 red, 2 yellow, 4 cyan
BUZZER = const(6)  # level B
STIRRER = const(7)  # level B
HEARTBEAT_FEED = const(8)
HEARTBEAT_STOP = const(9)
CLEAR_TRIP = const(10)
WATCHDOG_START = const(11)  # timeout_ms I
WATCHDOG_FEED = const(12)
LINK = const(13)  # count H, octets

# Calls.
IDLE = const(32)  # next_tick_us I, receive_room H: answered with the state vector once there is something to do
SYNC = const(33)  # receive_room H: answered with the state vector at once
HALT = const(34)  # channel B: answered with I, the steps that did not leave the pin, and the state vector
# bus B, address B, write count H, read count H, receive_room H, octets: answered, when the transfer has taken its time,
# with B (0 or errno), the octets read and the state vector
I2C = const(35)
RANDOM = const(36)  # count B: answered with the octets

# The state vector, little-endian: offset of each field.
VECTOR_SIZE = const(28)
NOW_MS = const(0)  # I, wraps at 2^30
NOW_US = const(4)  # I, wraps at 2^30
INPUTS = const(8)  # B, INPUT_ bits
TRIPPED = const(9)  # B
PRESSURE = const(10)  # H
DENSITY = const(12)  # H
SUPPLY = const(14)  # H
FREE = const(16)  # 3 B, words that fit into the step FIFO of each channel
COMPLETED = const(19)  # 3 B, words finished since the last vector
DEAD = const(22)  # B, bit a channel
RESET_CAUSE = const(23)  # B
TRANSMIT_ROOM = const(24)  # H, octets that the UART's transmit buffer takes
RECEIVED = const(26)  # H, octets that follow the vector

RECEIVE_ROOM = const(512)  # octets that the VM holds for the firmware
MESSAGE_ROOM = const(4096)  # octets of one message to the bench, its length included
