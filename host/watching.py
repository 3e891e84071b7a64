"""Watches one dose for the one who waits for it: progress, long pauses, the end."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from host.core import RigCore
from host.dosing import OrderRunner
from host.errors import RigError
from host.link.reconnector import LinkState
from host.records import name_of
from host.reports import Outcome, Progress, StopReport
from protocol import codes, typed

_LOG = logging.getLogger(__name__)

# Progress is told at least this often, so that a growing age is seen.
HEARTBEAT_S: Final = 0.5
_PAUSED: Final = frozenset({codes.DOSE_PAUSING, codes.DOSE_PAUSED})


class DoseWatch:
    """Waits for the end of one order; ``on_progress`` is called with every news and twice a second."""

    def __init__(self, core: RigCore, runner: OrderRunner, on_progress: Callable[[Progress], None] | None) -> None:
        self._core = core
        self._runner = runner
        self._on_progress = on_progress
        self._loop = asyncio.get_running_loop()
        self._paused_since_s: float | None = None
        self._stopped = False

    async def until_end(self, stop: Callable[[], Awaitable[StopReport]], max_pause_s: float | None) -> Outcome:
        """Return the outcome; a pause longer than ``max_pause_s`` is ended by ``stop``, until one has landed."""
        outcome = self._runner.outcome
        changed = self._runner.changed
        outcome.add_done_callback(lambda _: changed.set())
        while not outcome.done():
            changed.clear()
            self._tell()
            if max_pause_s is not None and self._paused_for_s() > max_pause_s and not self._stopped:
                self._stopped = await self._stop(stop)
            timer = self._loop.call_later(HEARTBEAT_S, changed.set)
            try:
                await changed.wait()
            finally:
                timer.cancel()
        self._tell()
        return outcome.result()

    async def _stop(self, stop: Callable[[], Awaitable[StopReport]]) -> bool:
        try:
            await stop()
        except RigError as error:
            _LOG.error("%s", error)
            return False
        return True

    def _paused_for_s(self) -> float:
        report = self._runner.last_report
        if report is None or report.state not in _PAUSED:
            self._paused_since_s = None
            return 0.0
        now_s = self._loop.time()
        if self._paused_since_s is None:
            self._paused_since_s = now_s
        return now_s - self._paused_since_s

    def _tell(self) -> None:
        if self._on_progress is None:
            return
        try:
            self._on_progress(self._progress())
        except Exception:  # noqa: BLE001  whatever a caller's function does
            # The dose is watched on even when who wanted to see it cannot.
            _LOG.exception("on_progress failed and is called no more")
            self._on_progress = None

    def _progress(self) -> Progress:
        order, report, reading = self._runner.order, self._runner.last_report, self._core.reading(typed.Telemetry)
        linked = self._core.link.state is LinkState.CONNECTED
        telemetry = reading.message if reading is not None and reading.message.dose_id == order.dose_id else None
        if telemetry is not None and not (report is not None and report.final):
            state, emitted_nl = telemetry.dose_state, telemetry.emitted_nl
        else:
            state, emitted_nl = (report.state, report.emitted_nl) if report is not None else (codes.DOSE_NOT_KNOWN, 0)
        cause = report.cause if report is not None else codes.CAUSE_NONE
        if telemetry is not None and telemetry.pause_cause:
            cause = telemetry.pause_cause
        return Progress(
            dose_id=order.dose_id.hex(),
            state=name_of("dose_state", state),
            cause=name_of("cause", cause),
            asked_nl=order.volume_nl,
            emitted_nl=emitted_nl,
            rate_nl_s=telemetry.rate_nl_s if telemetry is not None else None,
            pressure_pa=telemetry.pressure_pa if telemetry is not None else None,
            age_s=reading.age_s if reading is not None else 0.0,
            source="telemetry" if linked else "link lost",
        )
