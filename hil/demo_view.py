"""What a person sees of the demonstration: what is real, the dose as it runs, the figures with their sources."""

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Table

from hil.demo_result import ISSUER, Plan, Result, Stop
from hil.realtime import RealTimeBench
from host.reports import DeviceIdentity
from host.reports import Progress as DoseProgress

LINE_EVERY_NL = 2_500
"""Where there is no terminal, one line of progress per change of state, and per so much volume."""


class DemoView:
    """Draws on a terminal, prints plain lines elsewhere."""

    def __init__(self, console: Console, plan: Plan) -> None:
        self._console = console
        self._plan = plan
        self._bar: Progress | None = None
        self._next_line_nl = 0
        self._last_state = ""

    def introduce(self, bench: RealTimeBench, runs_on: str) -> None:
        """Say what is real and what is not, before anything happens."""
        plan = self._plan

        def print_(text: str) -> None:
            self._console.print(text, soft_wrap=True)

        print_("[bold]One dose of agent, end to end[/bold]")
        print_(f"  real       the firmware's sources, run by {runs_on}")
        print_("  real       the wire protocol, the host client, its ledger (SQLite), a serial port, by pyserial")
        print_("  simulated  the controller's peripherals: step generators, UART and its speed, watchdog")
        print_("  simulated  the rig: syringe, line, valve, sensors, scale; it is the judge of the dose")
        print_(f"  simulated  monitor and clinic, which sign permits, treatment and date ({ISSUER})")
        print_(f"  port       {bench.url}")
        asked = f"{ul(plan.volume_nl)} of agent at {ul(plan.rate_nl_s)}/s"
        if plan.stop_after_nl is not None:
            asked += f", to be stopped after {ul(plan.stop_after_nl)}"
        print_(f"  asked      {asked}, seed {plan.seed}")

    def connected(self, identity: DeviceIdentity) -> None:
        """Say who answers."""
        self._console.print(
            f"  answers    {identity.implementation} {identity.version} on board {identity.board}, "
            f"firmware {identity.firmware}, boot {identity.boot}",
            soft_wrap=True,
        )

    def progress(self, progress: DoseProgress) -> None:
        """Show where the dose stands, once the rig has answered."""
        if progress.state == "not_known":
            return
        if self._console.is_terminal:
            self._draw(progress)
        elif progress.state != self._last_state or progress.emitted_nl >= self._next_line_nl:
            self._last_state = progress.state
            self._next_line_nl = (progress.emitted_nl // LINE_EVERY_NL + 1) * LINE_EVERY_NL
            self._console.print(f"  {progress.state:<10} {_figures(progress)}")

    def end_progress(self) -> None:
        """Leave the bar as it is and go on below it."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def summary(self, result: Result) -> None:
        """Print every figure with its unit and its source, and the judgement."""
        outcome, measured = result.outcome, result.measured
        table = Table(box=None, pad_edge=False, padding=(0, 2), title="Result", title_justify="left")
        table.add_column("figure")
        table.add_column("value", justify="right")
        table.add_column("source")
        rows = [
            ("outcome", _ended(result), "firmware, DOSE_STATE"),
            ("asked", f"{ul(outcome.asked_nl)} = {outcome.asked_steps} steps", "order"),
            ("emitted", f"{ul(outcome.emitted_nl)} = {outcome.emitted_steps} steps", "firmware, counted by its pump"),
            ("edges", f"{measured.edges} steps", "bench, counted at the step pin"),
            ("to the patient", span(outcome.to_patient_nl), "firmware, at least to at most"),
            ("to waste", span(outcome.waste_nl), "firmware, at least to at most"),
            ("weighed", ul(measured.weighed_nl), "bench, scale at the tip, noise 2 nL"),
        ]
        authority, totals = result.authority, result.totals
        refused = sum(authority.refused.values())
        permits = f"{authority.granted} granted, {refused} refused"
        if authority.too_late:
            permits += f", {authority.too_late} after its end"
        rows += [
            ("permits", permits, "simulated issuer and firmware"),
            ("signed statuses", f"{authority.verified} verified", "firmware, verified by the simulated issuer"),
            ("agent, treatment", f"{ul(totals.agent_nl)} at most", "firmware, TREATMENT"),
            ("agent at the tip", ul(measured.agent_nl), "bench, behind the flush that primed the line"),
        ]
        for stop in result.stops:
            rows.append((f"stop ({stop.cause})", _latency(stop), "bench, frame in to last edge (1)"))
            rows.append(("stop seen", f"{stop.round_trip_us / 1000:.1f} ms", "host, call to latch, real time"))
        verified = "verified" if result.ledger_verified else "DOES NOT VERIFY"
        rows.append(("ledger", f"{result.ledger_rows} rows, {verified}", "host, stand-alone verifier"))
        for row in rows:
            table.add_row(*row)
        self._console.print(table, soft_wrap=True)
        if result.stops:
            self._console.print(
                "(1) The firmware takes no bench time here; on the emulated Pico it takes its own.", soft_wrap=True
            )
        if result.slips:
            late = f"{result.slips} times, {result.slipped_ms:.0f} ms in all"
            self._console.print(f"The machine was busy: bench time slipped {late}.")
        for problem in result.problems:
            self._console.print(f"[bold red]WRONG[/bold red] {problem}", soft_wrap=True)
        if not result.problems:
            self._console.print(
                "The plant agrees: emitted equals the edges to the step, the scale lies in the range.", soft_wrap=True
            )

    def _draw(self, progress: DoseProgress) -> None:
        if self._bar is None:
            self._bar = Progress(
                TextColumn("  {task.description:<10}"),
                BarColumn(40),
                TextColumn("{task.fields[figures]}"),
                console=self._console,
            )
            self._bar.add_task(progress.state, total=progress.asked_nl, figures="")
            self._bar.start()
        task = self._bar.task_ids[0]
        self._bar.update(task, description=progress.state, completed=progress.emitted_nl, figures=_figures(progress))


def ul(volume_nl: float) -> str:
    """Return a volume as text in uL."""
    return f"{volume_nl / 1000:.3f} uL"


def span(volumes_nl: tuple[int, int]) -> str:
    """Return a range of volumes as text in uL."""
    return f"{volumes_nl[0] / 1000:.3f} to {volumes_nl[1] / 1000:.3f} uL"


def _figures(progress: DoseProgress) -> str:
    rate = "   -     " if progress.rate_nl_s is None else f"{progress.rate_nl_s / 1000:5.2f} uL/s"
    pressure = "   -   " if progress.pressure_pa is None else f"{progress.pressure_pa / 1000:5.1f} kPa"
    return f"{progress.emitted_nl / 1000:6.2f} of {progress.asked_nl / 1000:.2f} uL  {rate}  {pressure}"


def _latency(stop: Stop) -> str:
    return f"{stop.latency_us} us" if stop.latency_us else "0 us, no edge followed"


def _ended(result: Result) -> str:
    outcome = result.outcome
    why = ", ".join(text for text in (outcome.cause, outcome.reason) if text not in {"", "none"})
    return f"{outcome.outcome} ({why})" if why else str(outcome.outcome)
