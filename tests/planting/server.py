"""Forks a process for each job, from one that has loaded what is slow and nothing that can be broken.

Standard input holds the jobs as JSON. A line of JSON on standard output says how each went, as soon as it ended.
"""

import gc
import json
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from tempfile import TemporaryFile
from typing import IO, Any

from tests.planting import child
from tests.planting.defect import Defect, Job

# In this order: Hypothesis's plug-in wants to come before Hypothesis.
PRELOADED = (
    "_hypothesis_pytestplugin",
    "hypothesis",
    "hypothesis.stateful",
    "hypothesis.internal.conjecture.engine",
)


@dataclass
class Server:
    """Runs jobs, no more than so many at a time, each for no more than so many seconds and below the folder."""

    folder: str
    seconds: int
    at_a_time: int
    _running: dict[int, tuple[int, IO[bytes]]] = field(default_factory=dict)

    def serve(self, jobs: Sequence[Job]) -> Iterator[tuple[int, int, str]]:
        """Yield of each job, as it ends: its place in the order, its exit code, and what it said."""
        for number, job in enumerate(jobs):
            if len(self._running) >= self.at_a_time:
                yield self._end_one()
            self._begin(number, job)
        while self._running:
            yield self._end_one()

    def _begin(self, number: int, job: Job) -> None:
        output = TemporaryFile()  # noqa: SIM115  (closed by what ends the job)
        process = os.fork()
        if process:
            self._running[process] = (number, output)
            return
        code = child.EXIT_BROKEN
        try:
            code = child.run(job, output.fileno(), f"{self.folder}/{number}", self.seconds)
        finally:
            os._exit(code)

    def _end_one(self) -> tuple[int, int, str]:
        process, status = os.wait()
        number, output = self._running.pop(process)
        with output:
            output.seek(0)
            said = output.read().decode(errors="replace")
        return number, os.waitstatus_to_exitcode(status), said


def job_from(values: dict[str, Any]) -> Job:
    """Return the job that JSON's values describe."""
    defect = values["defect"]
    return Job(values["tests"], tuple(values["served"]), defect and Defect(**defect))


def main() -> None:
    """Serve the jobs on standard input."""
    asked = json.load(sys.stdin)
    jobs = [job_from(values) for values in asked["jobs"]]
    for module in PRELOADED:
        import_module(module)
    gc.collect()
    gc.freeze()
    for result in Server(asked["folder"], asked["seconds"], asked["at_a_time"]).serve(jobs):
        print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main()
