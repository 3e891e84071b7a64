"""Runs one schedule: a host at work, faults that strike, a person who clears up, and one dose more."""

import asyncio
import contextlib
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from hil.boards.base import BoardError
from hil.faults.inject import Injector
from hil.faults.schedule import Schedule
from hil.faults.vocabulary import PatientFault, PowerOff
from hil.patient import at_the_tip
from hil.storm.evidence import Evidence, WatchedBench
from hil.storm.hosts import ClientHost, StormHost, UnmannerlyHost
from hil.storm.judge import BALANCE_NL, judge
from hil.violation import Violation
from hil.virtual_time import WaitsForeverError
from host.errors import RigError
from host.ledger import Ledger
from host.ledger_verify import read_rows, verify
from host.rig import Rig
from protocol import codes, typed

RECOVERY_LIMIT_S = 60.0
"""From the end of the faults to the end of the fresh dose, on the bench's clock; connecting takes most of it."""

LEAD_US: Mapping[str, int] = {"twin": 7_000_000, "vm": 7_000_000, "rp2040": 0}
"""By target: how long people make the rig ready for agent before a schedule begins; the emulated Pico is too slow."""

FRESH_NL, FRESH_NL_S = 500, 5000
"""The dose after the storm."""

_AGAIN_S = 0.1
_SETTLED_S = 3.0  # stored pressure is relieved, doses have ended, what is known of them is written down
_INTERVAL_S = 2.0
_MOMENT_US = 1_000
"""A fault that begins at the very end lasts so long before everything is mended."""

_SOON_OVER = ("interval", "line_pressure", "self_test", "busy")
"""Reasons that end by themselves once everything is whole: whoever asks again is served."""

_NO_ID = bytes(8)
_SWITCHED_OFF = PowerOff(0, 1)
_OUTCOMES = ("outcome", "resolution")


@dataclass(frozen=True, slots=True)
class RunResult:
    """What one schedule showed. ``digest`` covers every edge and every frame with its time."""

    schedule: Schedule
    violations: list[Violation]
    digest: str
    simulated_s: float
    edges: int

    @property
    def rules(self) -> set[str]:
        """The promises that did not hold."""
        return {violation.rule for violation in self.violations}


def run_schedule(schedule: Schedule, **options: Any) -> RunResult:
    """Run a schedule on its target and judge it; ``options`` go to the board."""
    with tempfile.TemporaryDirectory(prefix="nanorig-storm-") as folder:
        return _Run(schedule, Path(folder) / "ledger.sqlite3", options).judged()


class _Run:
    def __init__(self, schedule: Schedule, ledger: Path, options: dict[str, Any]) -> None:
        self._schedule = schedule
        self._ledger = ledger
        self._bench = WatchedBench(schedule.target, schedule.seed, schedule.parameters, **options)
        if any(isinstance(fault, PatientFault) for fault in schedule.faults):
            at_the_tip(self._bench)
        self._host: StormHost
        self._injector = Injector(self._bench, self._kill_host)
        if schedule.host == "client":
            self._host = ClientHost(self._bench, self._injector, ledger)
        else:
            self._host = UnmannerlyHost(self._bench, self._injector)
        self._findings: list[Violation] = []

    def _kill_host(self, back_after_s: float) -> None:
        self._host.kill(back_after_s)

    def judged(self) -> RunResult:
        bench = self._bench
        try:
            self._survive()
            evidence = bench.show(self._schedule, self._injector)
        finally:
            with contextlib.suppress(Exception):
                bench.close()
        evidence.stops_seen_ns = self._host.stops_seen_ns
        self._read_ledger(evidence)
        if abs(bench.plant.balance_error_nl) > BALANCE_NL:
            self._find("volume balance", f"{bench.plant.balance_error_nl:.3f} nL have appeared or vanished")
        evidence.findings = self._findings
        violations = judge(evidence)
        edges = sum(len(times) for times in evidence.edges.values())
        return RunResult(self._schedule, violations, evidence.digest, evidence.end_ns / 1e9, edges)

    def _survive(self) -> None:
        """Run everything; what must not end a run is a finding."""
        limit_s = (self._schedule.length_us + LEAD_US[self._schedule.target]) / 1e6 + 2 * RECOVERY_LIMIT_S
        try:
            self._bench.run(self._perform(), limit_s)
        except (BoardError, WaitsForeverError) as error:
            self._find("crash", str(error).splitlines()[0])
        except Exception as error:  # noqa: BLE001 -- whatever the firmware or a host raises ends a run, not the storm
            self._find("crash", repr(error))
        with contextlib.suppress(Exception):
            self._bench.run(self._host.end())

    def _find(self, rule: str, text: str) -> None:
        self._findings.append(Violation(rule, self._bench.now_ns, text))

    async def _perform(self) -> None:
        schedule, bench = self._schedule, self._bench
        lead_us = LEAD_US[schedule.target]
        self._injector.plan(replace(fault, at_us=fault.at_us + lead_us) for fault in schedule.faults)
        self._host.start()
        for act in schedule.acts:
            await _sleep_until(bench, act.at_us + lead_us)
            self._host.do(act)
        await _sleep_until(bench, schedule.length_us + lead_us + _MOMENT_US)
        self._injector.mend()
        await self._host.end()
        await asyncio.sleep(_AGAIN_S)  # the next tick sees that everything is whole
        for defect in self._host.defects:
            self._find("host defect", defect)
        try:
            async with asyncio.timeout(RECOVERY_LIMIT_S):
                await self._recover()
        except TimeoutError:
            self._find("recovery", f"no fresh dose within {RECOVERY_LIMIT_S:g} s after the last fault")

    # After the storm: everything is whole again, a person is there.

    async def _recover(self) -> None:
        ledger = await Ledger.open(self._ledger, clock_ns=lambda: self._bench.now_ns)
        try:
            rig = await self._connected(ledger)
            try:
                await self._clear_up(rig)
                async with self._host.monitored(rig):
                    await self._fresh_dose(rig)
            except RigError as error:
                self._find("recovery", str(error))
            finally:
                await rig.close()
        finally:
            await ledger.close()

    async def _connected(self, ledger: Ledger) -> Rig:
        while True:
            try:
                return await self._bench.connect(ledger=ledger)
            except RigError:
                await asyncio.sleep(_AGAIN_S)

    async def _clear_up(self, rig: Rig) -> None:
        """End what is open, clear what is latched, until the device is ready."""
        while True:
            with contextlib.suppress(RigError):
                status = await rig.status()
                resolved = status.unresolved_id == _NO_ID
                if status.device_state == codes.DEVICE_READY and not status.sensor_faults and resolved:
                    return
                await self._help(rig, status)
            await asyncio.sleep(_AGAIN_S)

    async def _help(self, rig: Rig, status: typed.Status) -> None:
        if status.sensor_faults & codes.FAULT_FRAM:
            # Looked at once a boot: until then every order is refused.
            self._injector.begin(_SWITCHED_OFF)
            await asyncio.sleep(_AGAIN_S)
            self._injector.end(_SWITCHED_OFF)
        if status.device_state in (codes.DEVICE_PAUSED, codes.DEVICE_DOSING):
            await rig.stop()
        elif status.device_state == codes.DEVICE_STOPPED:
            await rig.clear()
            await self._foot()
        elif status.unresolved_id != _NO_ID:
            await rig.resolve(status.unresolved_id)
            await self._foot()

    async def _foot(self) -> None:
        self._injector.press_foot(300_000)
        await asyncio.sleep(0.6)

    async def _fresh_dose(self, rig: Rig) -> None:
        """Dose once more; how it went is judged like every other dose, only that it went is judged here."""
        outcome = await rig.dose(FRESH_NL, FRESH_NL_S)
        while outcome.reason in _SOON_OVER:
            await asyncio.sleep(_INTERVAL_S)
            outcome = await rig.dose(FRESH_NL, FRESH_NL_S)
        if outcome.outcome != "delivered":
            what = f"{outcome.outcome} ({outcome.reason}, {outcome.cause}, {outcome.detail})"
            self._find("recovery", f"the fresh dose is {what}")
        await asyncio.sleep(_SETTLED_S if self._schedule.target != "rp2040" else 0.2)

    def _read_ledger(self, evidence: Evidence) -> None:
        if not self._ledger.exists():
            return
        verdict = verify(self._ledger)
        for finding in verdict.findings:
            self._find("ledger", finding)
        open_doses: dict[str, None] = {}
        outcomes: dict[str, dict[str, Any]] = {}
        for _, fields in read_rows(self._ledger):
            if fields["kind"] == "intent":
                open_doses[fields["dose_id"]] = None
            elif fields["kind"] in _OUTCOMES:
                open_doses.pop(fields["dose_id"], None)
                outcomes[fields["dose_id"]] = fields
        evidence.outcomes = list(outcomes.values())
        if not self._findings:
            # The device was asked after the storm, so that every intent has come to an end.
            for dose_id in open_doses:
                self._find("ledger", f"dose {dose_id} has an intent and no outcome")


async def _sleep_until(bench: WatchedBench, at_us: int) -> None:
    await asyncio.sleep(max(0.0, at_us / 1e6 - bench.now_s))
