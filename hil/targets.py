"""Benches in real time, by the name of their target, with errors that say what to do."""

from hil.bench import Bench
from hil.boards.base import BoardError
from hil.provision import Provision
from hil.realtime import RealTimeBench
from host.errors import RigError


def real_time(target: str, seed: int, provision: Provision | None = None) -> RealTimeBench:
    """Return a bench in real time, not started yet; to be entered. Raises RigError when it does not boot."""
    return _Reported(lambda: Bench(target, seed, provision=provision))


class _Reported(RealTimeBench):
    def start(self) -> "_Reported":
        try:
            super().start()
        except BoardError as error:
            self.close()
            raise RigError("internal", f"The bench does not boot: {error}", "") from error
        return self


def runs_on(bench: RealTimeBench) -> str:
    """Return what runs the firmware, by name and version."""
    return bench.call(_runs_on)


def _runs_on(bench: Bench) -> str:
    micropython = getattr(bench.board, "micropython", None)
    if micropython is None:
        import platform  # noqa: PLC0415

        return f"CPython {platform.python_version()} in this process"
    return f"{micropython.banner}, a process of its own (number {bench.board.pid})"
