"""One driver a chip, on the board's buses: units in, units out, never a raw count above this layer."""
