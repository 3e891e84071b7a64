"""`rig status`, `rig stop`, `rig pause` and `rig clear`."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from host.cli_run import bounded, port_url, put_json, run, say
from host.errors import RigError

if TYPE_CHECKING:
    from host.reports import StopReport

# A person has 10 s for the foot switch by the rig's clock; then the rig forgets that it was asked.
PERSON_S: Final = 12.0
TELEMETRY_S: Final = 1.0


def stop(named: str | None, ledger: Path, *, json_output: bool) -> int:
    """Stop, past the lock of whoever holds the port; returns the exit code."""
    # Nothing more is loaded than a stop needs.
    from host.stopping import not_sent, stop_shared  # noqa: PLC0415

    try:
        url = port_url(named)
    except RigError as error:
        raise not_sent(error) from error
    try:
        report = run(lambda _: stop_shared(url))
    except RigError as error:
        _record_stop(url, ledger, None, error)
        raise
    recorded = _record_stop(url, ledger, report, None)
    if json_output:
        put_json({"rig": url, "stop": report.as_dict(), "recorded": recorded})
    else:
        from host.cli_views import stop_line  # noqa: PLC0415

        print(stop_line(report))
    return 0


def _record_stop(url: str, path: Path, report: "StopReport | None", error: RigError | None) -> bool:
    """Write the stop down, after the fact; a ledger that is held by the dose it ended does not fail the stop."""
    from host.ledger import Ledger  # noqa: PLC0415
    from host.link.urls import rig_name  # noqa: PLC0415
    from host.recording import RigRecorder, operator_name  # noqa: PLC0415
    from protocol import codes  # noqa: PLC0415

    async def record() -> bool:
        async with await Ledger.open(path) as ledger:
            return await RigRecorder(ledger, rig_name(url), operator_name()).stop(codes.CAUSE_OPERATOR, report, error)

    try:
        return run(lambda _: record())
    except RigError as failure:
        say(f"rig: the stop stands, but is not in the ledger: {failure.what}")
        return False


def status(url: str, ledger: Path, *, json_output: bool) -> int:
    """Show the state of the rig; open doses are reconciled on the way."""
    return run(lambda _: _status(url, ledger, json_output))


async def _status(url: str, ledger_path: Path, json_output: bool) -> int:
    from host.cli_views import status_lines, status_object  # noqa: PLC0415
    from host.rig import Rig  # noqa: PLC0415
    from protocol import typed  # noqa: PLC0415

    async with AsyncExitStack() as stack:
        ledger = await _existing_ledger(stack, ledger_path)
        rig = await stack.enter_async_context(Rig.connect(url, ledger=ledger))
        state = await rig.status()
        if rig.telemetry is None:
            await bounded(rig.wait_for(lambda message: isinstance(message, typed.Telemetry)), TELEMETRY_S)
        identity, reading = rig.identity, rig.telemetry
        assert identity is not None
        if json_output:
            put_json(status_object(url, identity, state, reading, rig.link_statistics()))
        else:
            for line in status_lines(url, identity, state, reading):
                print(line)
    return 0


async def _existing_ledger(stack: AsyncExitStack, path: Path) -> Any:
    """Return the ledger when there is one that can be had: looking at a rig must not fail for want of it."""
    from host.ledger import Ledger  # noqa: PLC0415

    if not await asyncio.to_thread(path.exists):
        return None
    try:
        return await stack.enter_async_context(await Ledger.open(path))
    except RigError as error:
        say(f"rig: open doses are not reconciled now: {error.what}")
        return None


def pause(url: str, *, json_output: bool) -> int:
    """Pause the running dose."""
    return run(lambda _: _pause(url, json_output))


async def _pause(url: str, json_output: bool) -> int:
    from host.records import name_of  # noqa: PLC0415
    from host.rig import Rig  # noqa: PLC0415

    async with Rig.connect(url) as rig:
        report = await rig.pause()
    state = name_of("dose_state", report.state)
    if json_output:
        put_json({"rig": url, "dose_id": report.dose_id.hex(), "state": state, "emitted_nl": report.emitted_nl})
    else:
        print(f"dose {report.dose_id.hex()}: {state}, {report.emitted_nl / 1000:.3f} uL emitted")
    return 0


def clear(url: str, *, json_output: bool) -> int:
    """Clear a latched stop, with a person at the rig."""
    return run(lambda _: _clear(url, json_output))


async def _clear(url: str, json_output: bool) -> int:
    from host.link.messages import Message  # noqa: PLC0415
    from host.records import name_of  # noqa: PLC0415
    from host.rig import Rig  # noqa: PLC0415
    from protocol import codes, typed  # noqa: PLC0415

    def cleared(message: Message) -> bool:
        return isinstance(message, typed.Telemetry) and message.device_state != codes.DEVICE_STOPPED

    async with Rig.connect(url) as rig:
        state = await rig.clear()
        if state.device_state == codes.DEVICE_STOPPED:
            say("Release and press the foot switch within 10 s to clear the stop.")
            if not await bounded(rig.wait_for(cleared), PERSON_S):
                raise RigError(
                    "refused",
                    "The stop was not cleared: nobody pressed the foot switch in time.",
                    "Try again at the rig.",
                )
            state = await rig.status()
    name = name_of("device_state", state.device_state)
    if json_output:
        put_json({"rig": url, "device_state": name})
    else:
        print(f"stop cleared, the rig is {name}")
    return 0
