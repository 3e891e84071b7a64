"""What the judges of storm and model find: a promise that did not hold."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Violation:
    """Which promise did not hold, when, and what was seen instead."""

    rule: str
    now_ns: int
    text: str

    def __str__(self) -> str:
        return f"{self.rule} at {self.now_ns / 1e9:.6f} s: {self.text}"
