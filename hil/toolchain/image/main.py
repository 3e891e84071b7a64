# mypy: ignore-errors
"""Start the firmware. Whatever ends it ends in a reset: pins released, pulled into the safe state from outside."""

import sys

import machine
import micropython

# A byte 3 on the service port is data, never an interruption.
micropython.kbd_intr(-1)
try:
    from device.main import main

    main()
except BaseException as error:
    sys.print_exception(error)
machine.reset()
