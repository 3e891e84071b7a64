"""`rig status`, `rig stop`, `rig pause`, `rig clear`, and what a person does about alarms and unknown doses."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from host.cli_run import bounded, open_ledger, port_url, put_json, run, say
from host.errors import RigError

if TYPE_CHECKING:
    from host.reports import StopReport
    from host.rig import Rig

# A person has 10 s for the foot switch by the rig's clock; then the rig forgets that it was asked.
PERSON_S: Final = 12.0
TELEMETRY_S: Final = 3.0


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
    from host.link.urls import rig_name  # noqa: PLC0415
    from host.recording import RigRecorder, operator_name  # noqa: PLC0415
    from protocol import codes  # noqa: PLC0415

    async def record() -> bool:
        async with await open_ledger(path) as ledger:
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
    from host.cli_state_views import status_lines  # noqa: PLC0415
    from host.rig import Rig  # noqa: PLC0415
    from host.state_objects import RigState, status_object  # noqa: PLC0415
    from protocol import codes  # noqa: PLC0415

    async with AsyncExitStack() as stack:
        ledger = await _existing_ledger(stack, ledger_path)
        rig = await stack.enter_async_context(Rig.connect(url, ledger=ledger))
        status = await rig.status()
        treatment = await rig.treatment()
        cartridges = [await rig.cartridge(name) for name, _ in codes.CHANNELS]
        if rig.telemetry is None or rig.alarms is None:
            await bounded(_heard_all(rig), TELEMETRY_S)
        assert rig.identity is not None
        told = (rig.telemetry, rig.alarms, rig.disagreements, rig.not_compared)
        state = RigState(url, rig.identity, status, treatment, cartridges, *told)
        if json_output:
            put_json(status_object(state, rig.link_statistics()))
        else:
            for line in status_lines(state):
                print(line)
    return 0


async def _heard_all(rig: "Rig") -> None:
    """Wait for the first telemetry and the first word about alarms."""
    while rig.telemetry is None or rig.alarms is None:
        await rig.wait_for(lambda _: True)


async def _existing_ledger(stack: AsyncExitStack, path: Path) -> Any:
    """Return the ledger when there is one that can be had: looking at a rig must not fail for want of it."""
    if not await asyncio.to_thread(path.exists):
        return None
    try:
        return await stack.enter_async_context(await open_ledger(path))
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


def acknowledge(url: str, names: list[str], *, json_output: bool) -> int:
    """Acknowledge the named alarms, or all that latch."""
    from host.errors import UsageError  # noqa: PLC0415
    from protocol import codes  # noqa: PLC0415

    numbers = dict(codes.ALARMS)
    for name in names:
        if name not in numbers:
            raise UsageError(f"There is no alarm {name!r}.", f"Alarms: {', '.join(numbers)}.")
    return run(lambda _: _acknowledge(url, sum({1 << (numbers[name] - 1) for name in names}), json_output))


async def _acknowledge(url: str, bits: int, json_output: bool) -> int:
    from host.rig import Rig  # noqa: PLC0415
    from protocol.texts import alarms_in, name  # noqa: PLC0415

    async with Rig.connect(url) as rig:
        if not bits:
            await bounded(_heard_all(rig), TELEMETRY_S)
            told = rig.alarms
            if told is None:
                raise RigError("no_answer", "The rig told no alarms.", "Try again, or name them: rig ack ALARM")
            bits = told.message.latched & ~told.message.acknowledged
        if bits:
            await rig.acknowledge(bits)
    names = [name("alarm", number) for number in alarms_in(bits)]
    if json_output:
        put_json({"rig": url, "acknowledged": names})
    else:
        print(f"acknowledged: {', '.join(names)}" if names else "no alarm waits to be acknowledged")
    return 0


def pause_audio(url: str, seconds: int, *, json_output: bool) -> int:
    """Pause the sound of alarms."""
    return run(lambda _: _pause_audio(url, seconds, json_output))


async def _pause_audio(url: str, seconds: int, json_output: bool) -> int:
    from host.rig import Rig  # noqa: PLC0415

    async with Rig.connect(url) as rig:
        await rig.pause_audio(seconds)
    if json_output:
        put_json({"rig": url, "audio_paused_s": seconds})
    else:
        print(f"the sound is paused for {seconds} s" if seconds else "the sound is on")
    return 0


def try_alarms(url: str, *, json_output: bool) -> int:
    """Let light and sound be tried, and a person confirm them."""
    return run(lambda _: _try_alarms(url, json_output))


async def _try_alarms(url: str, json_output: bool) -> int:
    from host.acts import not_confirmed  # noqa: PLC0415
    from host.rig import Rig  # noqa: PLC0415
    from protocol import codes  # noqa: PLC0415

    async with Rig.connect(url) as rig:
        await rig.test_alarms()
        say("Look for the three lights and listen; when all were there, press the foot switch within 10 s.")
        await rig.confirmed("Light and sound stay unconfirmed")
        if (await rig.status()).self_test & codes.SELF_TEST_LIGHT_SOUND:
            raise not_confirmed("Light and sound stay unconfirmed")
    if json_output:
        put_json({"rig": url, "light_and_sound": "confirmed"})
    else:
        print("light and sound are confirmed until the next start")
    return 0


def resolve(url: str, ledger: Path, dose_id: str, person: str, *, json_output: bool) -> int:
    """Close an unknown dose in a person's name."""
    from host.cli_dose import parse_id  # noqa: PLC0415

    octets = parse_id("dose", dose_id)
    return run(lambda _: _resolve(url, ledger, octets, person, json_output))


async def _resolve(url: str, ledger_path: Path, dose_id: bytes, person: str, json_output: bool) -> int:
    from host.rig import Rig  # noqa: PLC0415

    async with await open_ledger(ledger_path) as ledger, Rig.connect(url, ledger=ledger) as rig:
        await rig.close_unknown(dose_id, person, say)
    if json_output:
        put_json({"rig": url, "dose_id": dose_id.hex(), "closed_by": person})
    else:
        print(f"dose {dose_id.hex()} is closed by {person}; it stays counted as its upper end")
    return 0
