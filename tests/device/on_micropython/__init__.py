"""Programs for the real MicroPython, run as ``tests.protocol.runners`` runs its own. They print what they found."""
