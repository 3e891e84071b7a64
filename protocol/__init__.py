"""What host and device say to each other: frames, messages and link rules, one source for MicroPython and CPython."""
