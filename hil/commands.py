"""The bench's part of the `rig` command: `rig demo` and everything below `rig hil`."""

import tempfile
from enum import StrEnum
from pathlib import Path
from random import SystemRandom
from typing import Annotated

import typer

from hil.accuracy.command import accuracy_command
from hil.boards.rp2040.command import steps_command, ticks_command
from hil.boards.serial.commands import wiring_command
from hil.doses.command import doses_command
from hil.evidence_command import evidence_app
from hil.latency.command import latency_command
from hil.lone_rescue import rescue_command
from hil.model.command import model_command
from hil.occlusion.command import occlusion_command
from hil.replay_command import replay_command
from hil.run_command import compare_command, run_command
from hil.storm.command import storm_command
from hil.sweep.command import sweep_app
from host.cli_run import put_json, reported, run
from host.errors import RigError, UsageError


class Target(StrEnum):
    """What runs the firmware in real time."""

    VM = "vm"
    TWIN = "twin"


class Board(StrEnum):
    """What runs the firmware in virtual time."""

    TWIN = "twin"
    VM = "vm"
    RP2040 = "rp2040"


hil_app = typer.Typer(
    no_args_is_help=True,
    help="The simulated rig: run scenarios on it, replay and judge them, serve it on a serial port.",
    add_completion=False,
    pretty_exceptions_enable=False,
)

TargetOption = Annotated[Target, typer.Option(help="vm: the real MicroPython VM; twin: this Python.")]
SeedOption = Annotated[int, typer.Option(help="Seed of everything random at the bench.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]


@reported
def demo_command(
    target: TargetOption = Target.VM,
    volume_ul: Annotated[str, typer.Option(metavar="NUMBER", help="Volume of agent, uL.")] = "12.5",
    rate_ul_s: Annotated[str, typer.Option(metavar="NUMBER", help="Rate, uL/s.")] = "1",
    stop_after_ul: Annotated[
        str | None, typer.Option(metavar="NUMBER", help="Stop in mid-dose, once so much was emitted, uL.")
    ] = None,
    seed: SeedOption = 1,
    ledger: Annotated[Path | None, typer.Option(help="Keep the ledger here; else it is thrown away.")] = None,
    json_output: JsonOption = False,
) -> int:
    """Dose agent on the simulated rig, under permits, in real time over a serial port; the plant judges the result.

    Exit codes: 0 the dose ended as asked and the plant agrees; 1 the plant, the scale or the ledger disagrees with what
    was reported; 7 the dose ended differently; others as for every command.
    """
    from hil.demo_result import Plan  # noqa: PLC0415  the command line starts without the bench
    from host.cli_dose import rate_nl_s, volume_nl  # noqa: PLC0415

    plan = Plan(
        target=str(target),
        volume_nl=volume_nl(volume_ul, None),
        rate_nl_s=rate_nl_s(rate_ul_s, None),
        stop_after_nl=None if stop_after_ul is None else volume_nl(stop_after_ul, None),
        seed=seed,
    )
    if plan.stop_after_nl is not None and plan.stop_after_nl >= plan.volume_nl:
        raise UsageError("The stop would come after the end of the dose.", "Make --stop-after-ul the smaller one.")
    if ledger is not None:
        return _demo(plan, ledger, json_output=json_output)
    with tempfile.TemporaryDirectory(prefix="nanorig-demo-") as folder:
        return _demo(plan, Path(folder) / "ledger.sqlite3", json_output=json_output)


@hil_app.command("serve")
@reported
def serve_command(target: TargetOption = Target.VM, seed: SeedOption = 1, json_output: JsonOption = False) -> int:
    """Boot the simulated rig in real time behind a serial port until Ctrl-C; act at the rig by typing words."""
    from hil.serve import serve  # noqa: PLC0415

    return serve(str(target), seed, json_output=json_output)


@hil_app.command("speed")
@reported
def speed_command(
    target: Annotated[list[Board] | None, typer.Option(help="May be given more than once.")] = None,
    simulated_s: Annotated[
        float | None, typer.Option(help="Length of each measurement on the bench's clock, s; by default the target's.")
    ] = None,
    why: Annotated[
        bool, typer.Option("--why/--no-why", help="Run again under a profiler and tell what takes the time.")
    ] = True,
    seed: SeedOption = 1,
    json_output: JsonOption = False,
) -> int:
    """Measure how many seconds of the rig one second of this machine simulates, idle and dosing."""
    from hil.speed import DEFAULT_SECONDS, machine, measure, table  # noqa: PLC0415

    speeds = [
        measure(name, simulated_s or DEFAULT_SECONDS[name], seed, why=why)
        for name in map(str, target or [Board.TWIN, Board.VM])
    ]
    if json_output:
        put_json({"speeds": [speed.as_dict() for speed in speeds], "machine": machine()})
    else:
        typer.echo(table(speeds))
    return 0 if all(speed.goal_met for speed in speeds) else 1


@hil_app.command("memory")
@reported
def memory_command(
    target: Annotated[Board, typer.Option(help="vm or rp2040: the twin has no heap of its own.")] = Board.VM,
    seconds: Annotated[float, typer.Option(min=10.0, help="Length of the run on the bench's clock, s.")] = 3600.0,
    seed: SeedOption = 1,
    json_output: JsonOption = False,
) -> int:
    """Run a rig that doses every now and then, and see whether the firmware's live memory stays flat.

    Exit codes: 0 it does; 1 it grows.
    """
    if target == Board.TWIN:
        raise UsageError("The twin has no heap of its own.", "The targets for this are vm and rp2040.")
    from hil.memory import measure  # noqa: PLC0415
    from hil.rp2040_options import prepared  # noqa: PLC0415

    prepared(str(target))
    memory = measure(str(target), seconds, seed)
    if json_output:
        put_json(memory.as_dict())
    else:
        typer.echo(str(memory))
    return 0 if memory.flat else 1


hil_app.command("run")(run_command)
hil_app.command("replay")(replay_command)
hil_app.command("compare")(compare_command)
hil_app.command("storm")(storm_command)
hil_app.command("model")(model_command)
hil_app.command("wiring")(wiring_command)
hil_app.command("latency")(latency_command)
hil_app.command("accuracy")(accuracy_command)
hil_app.command("occlusion")(occlusion_command)
hil_app.command("doses")(doses_command)
hil_app.command("rescue")(rescue_command)
hil_app.command("steps")(steps_command)
hil_app.command("ticks")(ticks_command)
hil_app.add_typer(evidence_app, name="evidence")
hil_app.add_typer(sweep_app, name="sweep")


def _demo(plan: "Plan", ledger: Path, *, json_output: bool) -> int:  # type: ignore[name-defined] # noqa: F821
    from rich.console import Console  # noqa: PLC0415

    from hil.demo import perform  # noqa: PLC0415
    from hil.demo_view import DemoView  # noqa: PLC0415
    from hil.provision import Provision  # noqa: PLC0415
    from hil.targets import real_time, runs_on  # noqa: PLC0415

    view = DemoView(Console(quiet=json_output, highlight=False), plan)
    # Keys for this one run: whoever has seen the demonstration has seen none that is worth anything.
    with real_time(plan.target, plan.seed, Provision.drawn(SystemRandom())) as bench:
        view.introduce(bench, runs_on(bench))
        try:
            result = run(lambda _: perform(bench, plan, ledger, view.connected, view.progress))
        except RigError as error:
            if bench.error is not None:
                raise RigError("internal", f"The bench has ended: {bench.error}", "") from error
            if error.code == "interrupted":
                raise RigError("interrupted", error.what, "The simulated rig is gone with it.") from None
            raise
        finally:
            view.end_progress()
    if json_output:
        put_json(result.as_dict())
    else:
        view.summary(result)
    return result.exit_code
