# mypy: ignore-errors
"""Start the firmware. Whatever ends it ends in a reset: pins released, pulled into the safe state from outside."""

import gc
import sys

import machine
import micropython

# A byte 3 on the service port is data, never an interruption.
micropython.kbd_intr(-1)
try:
    gc.threshold(2048)  # until the firmware has started: see device.boards.pico
    from device.main import main

    main()
except BaseException as error:
    sys.print_exception(error)
machine.reset()
