"""One independent generator for every source of noise, all from the bench's seed."""

from random import Random


def stream(seed: int, name: str) -> Random:
    """Return the generator of one source of noise: the same for the same seed and name, whatever the others draw."""
    return Random(f"{seed}:{name}")
