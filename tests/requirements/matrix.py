"""Which test proves which requirement: `python -m tests.requirements.matrix` collects, judges and writes the table."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from tests.requirements.catalogue import STATES, Catalogue, CatalogueError, Requirement, load

COLLECTION_TIMEOUT_S = 120
TABLE = Path("build/requirements.md")

Proofs = Mapping[str, Sequence[str]]
"""For each requirement id, the tests that name it."""


def collect(arguments: Sequence[str] = ()) -> Proofs:
    """Collect all tests without running them. Raises CatalogueError where that fails."""
    with tempfile.TemporaryDirectory() as folder:
        proofs = Path(folder) / "proofs.json"
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "--collect-only", "-q", f"--proofs={proofs}", *arguments],
            capture_output=True,
            text=True,
            check=False,
            timeout=COLLECTION_TIMEOUT_S,
        )
        if done.returncode not in {pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED}:
            raise CatalogueError(f"the tests could not be collected:\n{done.stdout}{done.stderr}")
        found: Proofs = json.loads(proofs.read_text(encoding="utf-8"))
        return found


def unproven(catalogue: Catalogue, proofs: Proofs) -> list[Requirement]:
    """List what is said to be met, in whole or part, and that no test names."""
    return [each for each in catalogue.requirements.values() if each.state != "open" and not proofs.get(each.id)]


def table(catalogue: Catalogue, proofs: Proofs) -> str:
    """Write the matrix as Markdown."""
    header = ["| id | requirement | by the device alone | state | tests |", "|---|---|---|---|---|"]
    lines = ["# Requirements and their proofs", "", summary(catalogue), ""]
    for group, title in catalogue.groups.items():
        lines += [f"## {group}: {title}", "", *header]
        lines += [_row(each, proofs) for each in catalogue.requirements.values() if each.group == group]
        lines.append("")
    return "\n".join(lines)


def summary(catalogue: Catalogue) -> str:
    """Count the requirements by state, in one line."""
    states = [each.state for each in catalogue.requirements.values()]
    counts = ", ".join(f"{states.count(state)} {state}" for state in STATES)
    return f"{len(states)} requirements: {counts}."


def main() -> int:
    """Judge the catalogue against the tests, write the table, and say what is open."""
    try:
        catalogue = load()
        proofs = collect()
    except CatalogueError as error:
        print(error, file=sys.stderr)
        return 1
    TABLE.parent.mkdir(exist_ok=True)
    TABLE.write_text(table(catalogue, proofs), encoding="utf-8")
    print(summary(catalogue))
    for each in catalogue.requirements.values():
        if each.state == "part":
            print(f"part: {each.id}: {each.missing}")
    print("open:", " ".join(each.id for each in catalogue.requirements.values() if each.state == "open") or "none")
    claims = unproven(catalogue, proofs)
    for each in claims:
        print(f"{each.id} is said to be {each.state}, and no test names it", file=sys.stderr)
    return 1 if claims else 0


def _row(requirement: Requirement, proofs: Proofs) -> str:
    state = requirement.state + (f": {requirement.missing}" if requirement.missing else "")
    tests = "<br>".join(f"`{test}`" for test in proofs.get(requirement.id, ()))
    text = requirement.text + (f" [{requirement.source}]" if requirement.source else "")
    device = "yes" if requirement.device else ""
    cells = (requirement.id, text, device, state, tests)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


if __name__ == "__main__":
    sys.exit(main())
