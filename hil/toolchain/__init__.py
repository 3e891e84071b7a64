"""What the bench needs from outside: MicroPython for this machine, and the Pico image."""
