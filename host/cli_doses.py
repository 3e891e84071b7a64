"""The commands that let liquid flow: `rig dose`, `rescue`, `prime`, `purge`, `calibrate` and `resume`."""

from collections.abc import Callable
from typing import Annotated

import typer

from host.cli_options import Json, LedgerFile, Lot, Nl, NlS, Port, Ul, UlS, command
from host.cli_run import ledger_path, port_url, reported

Channel = Annotated[str, typer.Option("--channel", "-c", help="agent, counter_agent or flush.")]


def add_dose_commands(app: typer.Typer) -> None:
    """Give the application its commands for doses."""
    command(app, "dose")(reported(dose))
    command(app, "rescue")(reported(rescue))
    for kind, text in _TO_WASTE.items():
        command(app, kind)(reported(_to_waste(kind, text)))
    command(app, "resume")(reported(resume))


def dose(
    *,
    ul: Ul = None,
    nl: Nl = None,
    ul_s: UlS = None,
    nl_s: NlS = None,
    channel: Channel = "flush",
    kind: Annotated[str, typer.Option(help="dose, or screening for the micro-dose of agent.")] = "dose",
    end_ul_s: Annotated[
        str | None, typer.Option("--end-ul-s", metavar="NUMBER", help="Rate at the end of a ramp, uL/s.")
    ] = None,
    end_nl_s: Annotated[
        str | None, typer.Option("--end-nl-s", metavar="NUMBER", help="Rate at the end of a ramp, nL/s.")
    ] = None,
    lot: Lot = None,
    port: Port = None,
    ledger: LedgerFile = None,
    json_output: Json = False,
) -> int:
    """Give one dose to the patient and say what became of it. Ctrl-C stops the rig and waits for the truth.

    Agent and counter-agent flow only under the permits of a monitor.
    """
    from host import cli_dose  # noqa: PLC0415

    asked = cli_dose.request(kind, channel, ul, nl, ul_s, nl_s, end_ul_s=end_ul_s, end_nl_s=end_nl_s, lot=lot)
    return cli_dose.dose(port_url(port), ledger_path(ledger), asked, json_output=json_output)


def rescue(
    ul: Ul = None,
    nl: Nl = None,
    ul_s: UlS = None,
    nl_s: NlS = None,
    lot: Lot = None,
    port: Port = None,
    ledger: LedgerFile = None,
    json_output: Json = False,
) -> int:
    """Give counter-agent ahead of everything: a dose of agent ends. Without a permit, with the foot switch."""
    from host import cli_dose  # noqa: PLC0415

    asked = cli_dose.request("rescue", "counter_agent", ul, nl, ul_s, nl_s, lot=lot)
    return cli_dose.dose(port_url(port), ledger_path(ledger), asked, json_output=json_output)


_TO_WASTE = {
    "prime": "Fill the line from a channel, to waste.",
    "purge": "Rinse the line from a channel, to waste, as after an exchanged cartridge.",
    "calibrate": "Run a volume to waste for weighing.",
}


def _to_waste(kind: str, text: str) -> Callable[..., int]:
    def run(
        channel: Annotated[str, typer.Argument(metavar="CHANNEL", help="agent, counter_agent or flush.")],
        ul: Ul = None,
        nl: Nl = None,
        ul_s: UlS = None,
        nl_s: NlS = None,
        port: Port = None,
        ledger: LedgerFile = None,
        json_output: Json = False,
    ) -> int:
        from host import cli_dose  # noqa: PLC0415

        asked = cli_dose.request(kind, channel, ul, nl, ul_s, nl_s)
        return cli_dose.dose(port_url(port), ledger_path(ledger), asked, json_output=json_output)

    run.__doc__ = text
    run.__name__ = kind
    return run


def resume(port: Port = None, ledger: LedgerFile = None, json_output: Json = False) -> int:
    """Resume the paused dose, with the foot switch, and follow it to its end."""
    from host import cli_dose  # noqa: PLC0415

    return cli_dose.resume(port_url(port), ledger_path(ledger), json_output=json_output)
