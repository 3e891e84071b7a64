# mypy: ignore-errors
"""Bench image only, never for a rig: run scripts that come over UART0, each as a 4-byte little-endian length and text.

A script that begins with ``#+`` goes on with the names of the one before. Output goes to the standard output of the VM;
after each script the byte 6 (ACK) or 21 (NAK) answers.
"""

import sys

import machine

ACK = b"\x06"
NAK = b"\x15"


def _exactly(uart, count):
    data = b""
    while len(data) < count:
        data += uart.read(count - len(data)) or b""
    return data


def _serve():
    answer = b""
    names = {}
    while True:
        # The answer comes when the next script may be sent: a script may have set up UART0 in its own way.
        uart = machine.UART(0, 921600, tx=machine.Pin(0), rx=machine.Pin(1), rxbuf=16384)
        # The firmware's ear, when a script has built its board, would go on to take what comes.
        uart.irq(handler=None)
        uart.write(answer)
        length = int.from_bytes(_exactly(uart, 4), "little")
        source = _exactly(uart, length)
        answer = ACK
        try:
            if not source.startswith(b"#+"):
                names.clear()
            exec(source, names)
        except Exception as error:
            sys.print_exception(error)
            answer = NAK


_serve()
