"""What MicroPython builds in and CPython lacks, so that one source runs unchanged on both.

Use as ``from protocol import compat as micropython``: the MicroPython compiler recognises ``@micropython.viper``, the
type names in its annotations and ``const(...)`` by how they are written; under CPython they do nothing.
"""

try:
    from micropython import const
except ImportError:

    def const(value):
        """Return the value: MicroPython folds it at compile time, CPython just binds it."""
        return value


def viper(function):
    """Return the function: MicroPython compiles it to machine code, CPython runs it as it is."""
    return function


def ptr8(buffer):
    """Return the buffer: under viper the name stands for a byte pointer, under CPython indexing does the same."""
    return buffer
