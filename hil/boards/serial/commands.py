"""`rig hil wiring`: which wire between device and probe is wrong."""

from typing import Annotated, Any

import typer

from host.cli_run import put_json, reported
from host.errors import RigError


@reported
def wiring_command(
    board_url: Annotated[str, typer.Option(metavar="URL", help="The device's port: serial:///dev/ttyUSB0")] = "",
    probe_url: Annotated[str, typer.Option(metavar="URL", help="The probe's port: serial:///dev/ttyACM0")] = "",
    capabilities: Annotated[str, typer.Option(help="What the bench has beside the probe; -NAME takes one away.")] = "",
    provision_seed: Annotated[
        int | None, typer.Option(min=0, help="The seed whose images are in the FRAM and the cartridges.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of everything random at the bench.")] = 1,
    json_output: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
) -> int:
    """Move every line between a real Pico and its probe and tell which wire is wrong. Doses 0.5 uL: nobody at the tip.

    Exit codes: 0 every wire that could be moved is right; 1 one is wrong; 4 a port or what should be on it is missing.
    """
    from hil.bench import Bench  # noqa: PLC0415  the command line starts without the bench
    from hil.boards.base import BoardError  # noqa: PLC0415
    from hil.boards.serial.wiring import WRONG, examine  # noqa: PLC0415
    from hil.provision import Provision  # noqa: PLC0415

    if not probe_url:
        raise RigError("no_port", "Without a probe no wire can be looked at.", "Name its port with --probe-url.")
    ports: dict[str, Any] = {"board_url": board_url, "probe_url": probe_url, "capabilities": capabilities}
    provision = None if provision_seed is None else Provision.of_seed(provision_seed)
    try:
        with Bench("serial", seed, provision=provision, **ports) as bench:
            findings = examine(bench)
    except BoardError as error:
        raise RigError("port_failed", f"The bench is not complete: {error}", "") from error
    wrong = sum(each.result == WRONG for each in findings)
    if json_output:
        put_json({"wrong": wrong, "wires": [each.as_dict() for each in findings]})
    else:
        for each in findings:
            typer.echo(f"{each.line:<11}{each.pin:<10}{each.result:<10}{each.why}".rstrip())
        typer.echo("every wire that was moved is right" if not wrong else f"{wrong} wrong")
    return 1 if wrong else 0
