"""A lamp to be broken."""


def light(on: bool, level: int) -> int:
    """Return how bright it is."""
    return level if on else 0


def warm(level: int) -> int:
    """Return how warm it gets."""
    return level // 2
