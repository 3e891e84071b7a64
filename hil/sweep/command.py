"""The commands below `rig hil sweep`."""

import time
from collections.abc import Iterable
from typing import Annotated

import typer

from host.cli_run import put_json, reported
from host.errors import RigError, UsageError

TARGETS = ("twin", "vm", "rp2040")
SAMPLES = {"twin": None, "vm": 40, "rp2040": 6}
"""How many cuts are drawn where nobody says otherwise; None for all that there are."""

EXIT_FAILED = 1

sweep_app = typer.Typer(
    no_args_is_help=True,
    help="Try everything of one sort, leaving nothing out.",
    add_completion=False,
    pretty_exceptions_enable=False,
)


@sweep_app.command("power")
@reported
def power_command(
    target: Annotated[str, typer.Option(help="twin, vm or rp2040.")] = "twin",
    seed: Annotated[int, typer.Option(min=0, help="Seed of the rig, and of what is drawn.")] = 1,
    sample: Annotated[
        int | None, typer.Option(min=1, help="Draw so many places; by default all on twin, some on the others.")
    ] = None,
    order: Annotated[list[str] | None, typer.Option(help="Only this order; may be given more than once.")] = None,
    cut: Annotated[str | None, typer.Option(help="With --index and one --order: cut at an octet, or a tick.")] = None,
    index: Annotated[int | None, typer.Option(min=0, help="Number of that octet or tick.")] = None,
    json_output: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
) -> int:
    """Cut the power after every octet that the FRAM stores and in every tick of an order, restart, and judge.

    Exit codes: 0 every restart held; 1 one did not; 2 an option makes no sense.
    """
    from hil.latency.measure import firmware  # noqa: PLC0415 -- the command line starts without the bench
    from hil.rp2040_options import prepared  # noqa: PLC0415
    from hil.sweep import power  # noqa: PLC0415
    from hil.sweep.cuts import KINDS, Cut  # noqa: PLC0415
    from hil.sweep.histories import BY_NAME  # noqa: PLC0415
    from hil.sweep.report import Report, table  # noqa: PLC0415

    _known("target", target, TARGETS)
    names = order or list(BY_NAME)
    for name in names:
        _known("order", name, BY_NAME)
    if cut is not None:
        _known("cut", cut, KINDS)
    if (cut is None) != (index is None) or (cut is not None and len(names) != 1):
        raise UsageError("One cut needs --order, --cut and --index.", "Give all three, or none.")
    drawn = sample or SAMPLES[target]
    prepared(target)
    report = Report(target, seed, 1 if cut is not None else drawn)
    began_s = time.perf_counter()
    try:
        if cut is not None and index is not None:
            report.take(power.cut(target, seed, {names[0]: [Cut(cut, index)]}))
        else:
            report.take(power.cut(target, seed, power.chosen(seed, names, drawn)))
    except KeyboardInterrupt:
        raise RigError("interrupted", "Interrupted before all was tried.", "") from None
    if not (report.cuts or report.failures) and index is not None:
        places = report.orders[names[0]].places
        raise UsageError(f"The history of {names[0]!r} has no {cut} {index}.", f"It has: {places}.")
    report.wall_s = time.perf_counter() - began_s
    report.firmware = firmware()
    if json_output:
        put_json(report.as_dict())
    else:
        typer.echo(table(report))
    return EXIT_FAILED if report.failures or not report.cuts else 0


@sweep_app.command("orders")
@reported
def orders_command(
    seed: Annotated[int, typer.Option(min=0, help="Seed of the rig, and of what is drawn.")] = 1,
    sample: Annotated[int | None, typer.Option(min=1, help="Draw so many points; by default all are tried.")] = None,
    order: Annotated[list[str] | None, typer.Option(help="Only this order; may be given more than once.")] = None,
    point: Annotated[int | None, typer.Option(min=0, help="With one --order and --ending: only at this step.")] = None,
    ending: Annotated[str | None, typer.Option(help="What is ended there, such as 'both, answers lost'.")] = None,
    json_output: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
) -> int:
    """End host, device or both at every step of an order, start them again, and judge: on the twin.

    Exit codes: 0 every order came to its one true end; 1 one did not; 2 an option makes no sense.
    """
    from hil.latency.measure import firmware  # noqa: PLC0415 -- the command line starts without the bench
    from hil.sweep import orders  # noqa: PLC0415
    from hil.sweep.order_histories import BY_ORDER  # noqa: PLC0415
    from hil.sweep.order_report import OrderReport, order_table  # noqa: PLC0415

    names = order or list(BY_ORDER)
    for name in names:
        _known("order", name, BY_ORDER)
    if (point is None) != (ending is None) or (point is not None and len(names) != 1):
        raise UsageError("One point needs --order, --point and --ending.", "Give all three, or none.")
    report = OrderReport(seed, 1 if point is not None else sample)
    began_s = time.perf_counter()
    if point is not None and ending is not None:
        _known("ending", ending, orders.BY_ENDING)
        report.take(orders.end(seed, {names[0]: [(point, ending)]}))
    elif sample is not None:
        report.take(orders.end(seed, orders.drawn(seed, orders.steps(seed, names), sample)))
    else:
        report.take(orders.end(seed, dict.fromkeys(names)))
    if not report.points and point is not None:
        raise UsageError(f"Order {names[0]!r} has no step {point}.", f"It has steps 0 to {report.last_step(names[0])}.")
    report.wall_s = time.perf_counter() - began_s
    report.firmware = firmware()
    if json_output:
        put_json(report.as_dict())
    else:
        typer.echo(order_table(report))
    return EXIT_FAILED if report.failures or not report.points else 0


def _known(what: str, name: str, names: Iterable[str]) -> None:
    if name not in set(names):
        raise UsageError(f"There is no {what} {name!r}.", f"There are: {', '.join(names)}.")
