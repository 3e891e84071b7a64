"""From a message number and its values to the typed message."""

from typing import Any

from protocol import typed

Message = typed.Message


def decode(number: int, values: tuple[Any, ...]) -> Message:
    """Return the typed message; the link lets no number through that is not declared."""
    return typed.BY_NUMBER[number].from_values(values)
