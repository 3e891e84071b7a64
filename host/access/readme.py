"""Writes the table of roles in ``host/README.md``, from the policy.

python -m host.access.readme            # write it anew
python -m host.access.readme --check    # exit 1 when it differs from the policy
"""

import argparse
import sys
from pathlib import Path
from typing import Final

from host.access.actions import SENTENCES
from host.access.policy import COLUMNS, MATRIX, Grant

README: Final = Path(__file__).resolve().parents[1] / "README.md"
BEGIN: Final = "<!-- begin roles: generated -->\n"
END: Final = "<!-- end roles -->\n"
_WORDS: Final = {Grant.NO: "", Grant.YES: "yes", Grant.PLAN: "in a plan", Grant.SIMULATED: "simulated"}


def roles_text() -> str:
    """Return the table, one row an action."""
    lines = [f"| action | {' | '.join(COLUMNS)} |", "|---" * (len(COLUMNS) + 1) + "|"]
    for action, grants in MATRIX.items():
        cells = " | ".join(_WORDS[grants[role]] for role in COLUMNS)
        lines.append(f"| `{action}`: {SENTENCES[action]} | {cells} |")
    return "\n".join(lines) + "\n"


def readme_text(text: str) -> str:
    """Return the README with its table written anew. Raises ``ValueError`` when a marker is missing."""
    if BEGIN not in text or END not in text:
        raise ValueError(f"host/README.md has no table of roles: write {BEGIN.strip()} and {END.strip()} into it")
    return text[: text.index(BEGIN) + len(BEGIN)] + roles_text() + text[text.index(END) :]


def main(arguments: list[str] | None = None) -> int:
    """Write or check the table; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m host.access.readme")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when the table differs")
    options = parser.parse_args(arguments)
    present = README.read_text("utf-8")
    wanted = readme_text(present)
    if options.check:
        if present != wanted:
            print("host/README.md differs from the table of roles: run make docs", file=sys.stderr)
        return int(present != wanted)
    README.write_text(wanted, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
