"""The live picture of a dose on a terminal: volume, rate and pressure, each with unit, age and source."""

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn

from host import reports


class DoseDisplay:
    """Shows a dose while entered; ``show`` takes each news. Writes to stderr, so that stdout holds only the result."""

    def __init__(self, asked_nl: int, console: Console | None = None) -> None:
        self._asked_nl = asked_nl
        self._progress = Progress(
            TextColumn("{task.fields[state]:<9}"),
            BarColumn(bar_width=None),
            TextColumn("{task.fields[figures]}"),
            console=console or Console(stderr=True),
            transient=False,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._task: TaskID = self._progress.add_task("dose", total=asked_nl, state="ordering", figures="")
        self._hint = ""

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def say(self, text: str) -> None:
        """Tell the person something above the bar."""
        self._progress.console.print(text, highlight=False)

    def show(self, news: reports.Progress) -> None:
        """Take the news of the dose."""
        self._progress.update(
            self._task, completed=min(news.emitted_nl, self._asked_nl), state=_state(news), figures=_figures(news)
        )
        hint = _hint(news)
        if hint and hint != self._hint:
            self.say(hint)
        self._hint = hint


def _state(news: reports.Progress) -> str:
    return "no link" if news.source == "link lost" else news.state


def _figures(news: reports.Progress) -> str:
    parts = [f"{news.emitted_nl / 1000:7.3f} / {news.asked_nl / 1000:.3f} uL"]
    if news.rate_nl_s is not None:
        parts.append(f"{news.rate_nl_s / 1000:.2f} uL/s")
    if news.pressure_pa is not None:
        parts.append(f"{news.pressure_pa / 1000:5.1f} kPa")
    parts.append(f"{news.source}, {news.age_s:.1f} s old")
    return "  ".join(parts)


def _hint(news: reports.Progress) -> str:
    if news.source == "link lost":
        return "The link is lost: the rig pauses within 1.5 s. Trying again; Ctrl-C stops."
    if news.state == "paused":
        return f"Paused ({news.cause}). Ctrl-C stops; to go on after a lost link: rig resume, then the foot switch."
    return ""
