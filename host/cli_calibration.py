"""`rig calibration`: shows what a channel was weighed to, and tells the rig what was weighed of a run to the waste."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from host.cli_doses import Channel
from host.cli_options import EXIT_CODES_HELP, Json, Nl, Port, Ul, command
from host.cli_run import port_url, put_json, reported, run, say

if TYPE_CHECKING:
    from protocol import typed

calibration_app = typer.Typer(
    help="Shows and sets calibrations. A run is: rig purge CHANNEL, rig calibrate CHANNEL to a weighed vessel, weigh, "
    f"then: rig calibration weighed. A second run at once counts together with the first.\n\n{EXIT_CODES_HELP}",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
_PPM_A_PERCENT = 10_000


@command(calibration_app, "show")
@reported
def show(channel: Channel = "flush", port: Port = None, json_output: Json = False) -> int:
    """Show step volume, flow gain, errors and dates of a channel."""
    return run(lambda _: _show(port_url(port), channel, json_output))


@command(calibration_app, "weighed")
@reported
def weighed(
    *,
    ul: Ul = None,
    nl: Nl = None,
    dose: Annotated[str | None, typer.Option(metavar="ID", help="The run; else the last dose.")] = None,
    port: Port = None,
    json_output: Json = False,
) -> int:
    """Tell what was weighed of the run that was just made, with the foot switch."""
    from host.cli_dose import volume_nl  # noqa: PLC0415

    return run(lambda _: _weighed(port_url(port), volume_nl(ul, nl), dose, json_output))


async def _show(url: str, channel: str, json_output: bool) -> int:
    from host.rig import Rig  # noqa: PLC0415

    async with Rig.connect(url) as rig:
        calibration = await rig.get_calibration(channel)
    _tell(url, calibration, json_output)
    return 0


async def _weighed(url: str, weighed_nl: int, named: str | None, json_output: bool) -> int:
    from host.acts import not_confirmed  # noqa: PLC0415
    from host.cli_dose import parse_id  # noqa: PLC0415
    from host.records import name_of  # noqa: PLC0415
    from host.rig import Rig  # noqa: PLC0415

    async with Rig.connect(url) as rig:
        assert rig.welcome is not None
        dose_id = rig.welcome.last_dose_id if named is None else parse_id("dose", named)
        channel = name_of("channel", (await rig.get_dose(dose_id)).channel)
        before = await rig.get_calibration(channel)
        await rig.set_calibration(dose_id, weighed_nl)
        say(f"Release and press the foot switch within 10 s to calibrate {channel} to {weighed_nl / 1000:g} uL.")
        await rig.confirmed("The calibration was not taken")
        calibration = await rig.get_calibration(channel)
    if calibration == before:
        raise not_confirmed("The calibration was not taken")
    _tell(url, calibration, json_output)
    return 0


def _tell(url: str, calibration: "typed.Calibration", json_output: bool) -> None:
    if json_output:
        put_json({"rig": url, "calibration": calibration_object(calibration)})
    else:
        for line in calibration_lines(calibration):
            print(line)


def calibration_object(calibration: "typed.Calibration") -> dict[str, Any]:
    """Return plain values for JSON."""
    from host.records import name_of  # noqa: PLC0415

    return {
        "channel": name_of("channel", calibration.channel),
        "step_fl": calibration.step_fl,
        "step_error_ppm": calibration.bore_error_ppm,
        "backlash_steps": calibration.backlash_steps,
        "flow_gain_ppm": calibration.flow_gain_ppm,
        "made": _day(calibration.made_day),
        "expires": _day(calibration.expiry_day),
    }


def calibration_lines(calibration: "typed.Calibration") -> list[str]:
    """Return the calibration for people."""
    told = calibration_object(calibration)
    dates = f"made {told['made']}, good until {told['expires']}" if told["made"] else "never made"
    return [
        f"calibration of {told['channel']}: {dates}",
        f"  step        {calibration.step_fl / 1e6:.4f} nL, to {calibration.bore_error_ppm / _PPM_A_PERCENT:g} %",
        f"  backlash    {calibration.backlash_steps} steps at most",
        f"  flow gain   {calibration.flow_gain_ppm / 1e6:.4f}",
    ]


def _day(days: int) -> str | None:
    from datetime import timedelta  # noqa: PLC0415

    from host.state_objects import DAY_ZERO  # noqa: PLC0415

    return str(DAY_ZERO + timedelta(days=days)) if days else None
