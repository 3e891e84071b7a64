"""Writes what follows from the declaration: ``typed.py``, the tables in ``README.md``, the golden vectors.

``python -m protocol.generate`` writes them, ``python -m protocol.generate --check`` fails when one is stale.
"""

import argparse
import sys
from pathlib import Path

from protocol import messages

FOLDER = Path(__file__).parent
TYPES = {"B": "int", "H": "int", "I": "int", "i": "int"}

TYPED_HEAD = '''"""Every message as a class, for the host and the bench. Written by ``python -m protocol.generate``: do not edit."""

from dataclasses import astuple, dataclass
from typing import Any, ClassVar, Self


class Message:
    """What all messages have in common."""

    __slots__ = ()
    NUMBER: ClassVar[int]

    @classmethod
    def from_values(cls, values: tuple[Any, ...]) -> Self:
        """Build the message from the values that the link gives, in the order of the declaration."""
        return cls(*values)

    def values(self) -> tuple[Any, ...]:
        """Return the values in the order in which the link takes them."""
        return astuple(self)  # type: ignore[call-overload, no-any-return]
'''


def class_name(name: str) -> str:
    """Return the class name of a message: ``DoseOrder`` for ``DOSE_ORDER``."""
    return name.title().replace("_", "")


def typed_source() -> str:
    """Return the text of ``typed.py``."""
    parts = [TYPED_HEAD]
    for number, name, direction, kind, fields in messages.MESSAGES:
        lines = ["", "", "@dataclass(frozen=True, slots=True)", f"class {class_name(name)}(Message):"]
        lines += [f'    """{name}: {kind}, {direction}."""', "", f"    NUMBER: ClassVar[int] = 0x{number:02X}"]
        if fields:
            lines.append("")
        for field, code, unit, enumeration, text in fields:
            meaning = text[0].upper() + text[1:] + (f" ({unit})" if unit else "")
            if enumeration:
                meaning += f", one of codes' {enumeration} numbers"
            lines += [f"    {field}: {TYPES.get(code, 'bytes')}", f'    """{meaning}."""']
        parts.append("\n".join(lines) + "\n")
    rows = "".join(f"    0x{row[0]:02X}: {class_name(row[1])},\n" for row in messages.MESSAGES)
    parts.append(f"\n\nBY_NUMBER: dict[int, type[Message]] = {{\n{rows}}}\n")
    parts.append('"""The class of each message number."""\n')
    return "".join(parts)


def outputs() -> dict[Path, str]:
    """Return every generated file with its text."""
    return {FOLDER / "typed.py": typed_source()}


def main() -> int:
    """Write or check the generated files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="fail when a file is stale, write nothing")
    check = parser.parse_args().check
    stale = [path for path, text in outputs().items() if not path.exists() or path.read_text("utf-8") != text]
    for path in stale:
        if check:
            print(f"stale: {path.name}: run python -m protocol.generate", file=sys.stderr)
        else:
            path.write_text(outputs()[path], "utf-8")
            print(f"written: {path.name}")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
