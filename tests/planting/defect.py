"""What is broken, and the order for a process to run tests against it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

ROOT = Path(__file__).parents[2]


class PlaceError(Exception):
    """The place that a defect replaces is not in its file exactly once."""


@dataclass(frozen=True)
class Defect:
    """One place in a source file, what it is replaced with, and the tests that must fail."""

    name: str
    file: str
    before: str
    after: str
    tests: str

    def break_text(self, text: str) -> str:
        """Return the file's text with the defect. Raises PlaceError."""
        times = text.count(self.before)
        if times != 1:
            raise PlaceError(f"{self.name}: {self.file} must hold once, and holds {times} times:\n{self.before}")
        return text.replace(self.before, self.after)


@dataclass(frozen=True)
class Job:
    """Tests to run, the files that they import from a text in place of the disk, and the defect of one of these.

    All paths lead from the project's folder. Without a defect the texts are those on the disk.
    """

    tests: str
    served: tuple[str, ...]
    defect: Defect | None = None

    def texts(self) -> dict[str, str]:
        """Return the text of each file served. Raises PlaceError."""
        texts = {file: (ROOT / file).read_text(encoding="utf-8") for file in self.served}
        if self.defect is not None:
            texts[self.defect.file] = self.defect.break_text(texts[self.defect.file])
        return texts


def jobs_of(defects: Sequence[Defect], sources: str, tests: str) -> dict[Defect | str, Job]:
    """Return the job of each defect, and of each of their suites without any; a suite's imports the same files so.

    The defects' files lie in the folder ``sources``, their tests in the folder ``tests``.
    """
    jobs: dict[Defect | str, Job] = {}
    for defect in defects:
        placed = replace(defect, file=f"{sources}/{defect.file}", tests=f"{tests}/{defect.tests}")
        jobs[defect] = Job(placed.tests, (placed.file,), placed)
    for suite in suites(defects):
        files = {f"{sources}/{defect.file}" for defect in defects if defect.tests == suite}
        jobs[suite] = Job(f"{tests}/{suite}", tuple(sorted(files)))
    return jobs


def suites(defects: Iterable[Defect]) -> list[str]:
    """Return the tests that are named with the defects, each once."""
    return sorted({defect.tests for defect in defects})
