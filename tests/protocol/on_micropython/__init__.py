"""Programs that the real MicroPython runs, driven by ``test_micropython.py``."""
