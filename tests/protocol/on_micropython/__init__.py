"""Programs for the real MicroPython, as a process or on the emulated Pico. ``runners.py`` runs them.

A program takes its settings as globals that may stand in front of its text, and prints what it found.
"""
