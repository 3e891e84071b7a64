"""Starts the probe: put on the second Pico as main.py, the rest of this folder under hil/boards/serial/probe.

Ctrl-C ends it as long as no bench has begun a session; from then on the octet 3 is data.
"""

import select
import sys
import time

import micropython

from hil.boards.serial.probe.pins import ProbePins
from hil.boards.serial.probe.session import Session

CTRL_C = 3


def main() -> None:
    """Serve the bench for ever."""
    output = sys.stdout.buffer
    views = {}

    def write(buffer: bytearray, length: int) -> None:
        view = views.get(length)
        if view is None:
            # One view a length: slicing anew for each frame would feed the garbage collector.
            view = views[length] = memoryview(buffer)[:length]
        output.write(view)

    session = Session(ProbePins(), write)
    port = sys.stdin.buffer
    poll = select.poll()
    poll.register(sys.stdin, select.POLLIN)
    octet = bytearray(1)
    while True:
        while poll.poll(0):
            port.readinto(octet)
            opened = session.open
            session.receive(octet, 1)
            if session.open and not opened:
                # At once: the bench's next octets may hold a 3.
                micropython.kbd_intr(-1)
        opened = session.open
        session.turn()
        if opened and not session.open:
            micropython.kbd_intr(CTRL_C)
        if not session.open:
            time.sleep_ms(1)


main()
