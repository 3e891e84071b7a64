"""`rig dose` and `rig resume`: give or follow one dose to its end; Ctrl-C stops and waits for the truth."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Final

from host.cli_progress import DoseDisplay
from host.cli_run import Interrupts, bounded, open_ledger, put_json, run, say, show_error
from host.cli_views import OUTCOME_EXIT_CODES, outcome_error, outcome_lines, stop_line
from host.errors import RigError, UsageError
from host.ledger import Ledger
from host.link.messages import Message
from host.profiles import CONSTANT, Profile
from host.reports import Outcome, Progress, StopReport
from host.requests import (
    ID_OCTETS,
    MAX_RATE_NL_S,
    MAX_VOLUME_NL,
    MIN_RATE_NL_S,
    MIN_VOLUME_NL,
    check_dose,
)
from host.rig import Rig
from protocol import codes, typed

NL_IN_UL: Final = 1000
# How long a person has for the foot switch, by the rig's clock, and a little more.
PERSON_S: Final = 12.0


@dataclass(slots=True)
class Stopper:
    """Ctrl-C during a dose: the first one stops the rig, further ones say that it is being stopped."""

    rig: Rig
    say: Callable[[str], None]
    reports: list[StopReport] = field(default_factory=list)
    error: RigError | None = None
    _task: "asyncio.Task[None] | None" = None

    def press(self) -> None:
        """Stop, without waiting."""
        if self._task is not None:
            self.say("Already stopping. If liquid still moves, PRESS THE EMERGENCY STOP.")
            return
        self.say("Stopping. Waiting for the rig to tell what was given...")
        self._task = asyncio.create_task(self._stop(), name="stop on Ctrl-C")

    async def finished(self) -> None:
        """Wait for the stop under way, if any."""
        if self._task is not None:
            await self._task

    async def _stop(self) -> None:
        try:
            self.reports.append(await self.rig.stop())
        except RigError as error:
            self.error = error
            self.say(f"{error.what} {error.todo}")


@dataclass(frozen=True, slots=True)
class Ended:
    """What a dose command has to tell."""

    outcome: Outcome
    stops: list[StopReport]
    device: dict[str, Any]
    ledger: dict[str, Any] | None  # rows and head; None for a rescue that was given without one


def parse_amount(name: str, micro: str | None, nano: str | None, unit: str, least_n: int, most_n: int) -> int:
    """Return a volume in nL or rate in nL/s from one of two texts. Raises ``UsageError`` naming the bound."""
    if (micro is None) == (nano is None):
        raise UsageError(f"Give the {name} once, in uL{unit} or in nL{unit}.", f"Example: {_EXAMPLES[name]}")
    text = micro if micro is not None else nano
    shown = f"{text} {'uL' if micro is not None else 'nL'}{unit}"
    bounds = f"Allowed: {least_n} to {most_n} nL{unit} ({least_n / NL_IN_UL:g} to {most_n / NL_IN_UL:g} uL{unit})."
    try:
        amount = Decimal(text or "") * (NL_IN_UL if micro is not None else 1)
    except InvalidOperation:
        raise UsageError(f"The {name} {shown!r} is not a number.", bounds) from None
    if not amount.is_finite():
        raise UsageError(f"The {name} {shown!r} is not a finite number.", bounds)
    if not least_n <= amount <= most_n:
        raise UsageError(f"The {name} of {shown} is out of bounds.", bounds)
    if amount != int(amount):
        raise UsageError(f"The {name} of {shown} is not a whole number of nL{unit}.", bounds)
    return int(amount)


_EXAMPLES: Final = {"volume": "--ul 12.5", "rate": "--ul-s 1"}


def volume_nl(ul: str | None, nl: str | None) -> int:
    """Return the volume asked for, nL."""
    return parse_amount("volume", ul, nl, "", MIN_VOLUME_NL, MAX_VOLUME_NL)


def rate_nl_s(ul_s: str | None, nl_s: str | None) -> int:
    """Return the rate asked for, nL/s."""
    return parse_amount("rate", ul_s, nl_s, "/s", MIN_RATE_NL_S, MAX_RATE_NL_S)


@dataclass(frozen=True, slots=True)
class Request:
    """What a dose command was asked for, checked."""

    volume_nl: int
    rate_nl_s: int
    channel: str
    kind: str = "dose"
    profile: Profile = CONSTANT
    lot: bytes | None = None


def request(
    kind: str, channel: str, ul: str | None, nl: str | None, ul_s: str | None, nl_s: str | None, **further: str | None
) -> Request:
    """Return what was asked for; ``further``: end_ul_s, end_nl_s (of a ramp) and lot. Raises ``UsageError``."""
    volume, rate = volume_nl(ul, nl), rate_nl_s(ul_s, nl_s)
    check_dose(volume, rate, channel, kind)
    end_ul_s, end_nl_s, lot = further.get("end_ul_s"), further.get("end_nl_s"), further.get("lot")
    profile = CONSTANT if end_ul_s is None and end_nl_s is None else Profile(rate_nl_s(end_ul_s, end_nl_s))
    return Request(volume, rate, channel, kind, profile, None if lot is None else parse_id("lot", lot))


def parse_id(name: str, text: str) -> bytes:
    """Return the 8 octets of an id given as 16 hexadecimal digits. Raises ``UsageError``."""
    try:
        octets = bytes.fromhex(text)
    except ValueError:
        octets = b""
    if len(octets) != ID_OCTETS:
        raise UsageError(f"The {name} {text!r} is not an id.", "An id is 16 hexadecimal digits.")
    return octets


def dose(url: str, ledger: Path, asked: Request, *, json_output: bool) -> int:
    """Give one dose; returns the exit code."""

    def start(rig: Rig, show: Callable[[Progress], None] | None) -> Awaitable[Outcome]:
        if asked.kind == "rescue":
            say("If no permit comes: release and press the foot switch within 10 s.")
        return rig.dose(
            asked.volume_nl,
            asked.rate_nl_s,
            asked.channel,
            kind=asked.kind,
            profile=asked.profile,
            lot=asked.lot,
            on_progress=show,
        )

    ended = run(
        lambda interrupts: _follow(url, _Ledger(ledger, asked.kind), start, interrupts, asked.volume_nl, json_output)
    )
    return _tell(ended, json_output)


def resume(url: str, ledger: Path, *, json_output: bool) -> int:
    """Resume the paused dose and follow it to its end; returns the exit code."""

    async def start(rig: Rig, show: Callable[[Progress], None] | None) -> Outcome:
        report = await rig.resume()
        say(f"Release and press the foot switch within 10 s to resume dose {report.dose_id.hex()}.")
        if not await bounded(rig.wait_for(_runs_again), PERSON_S):
            raise RigError(
                "refused", "The dose was not resumed: nobody pressed the foot switch in time.", "Try again at the rig."
            )
        return await rig.follow(report.dose_id, on_progress=show)

    held = _Ledger(ledger)
    return _tell(run(lambda interrupts: _follow(url, held, start, interrupts, None, json_output)), json_output)


def _runs_again(message: Message) -> bool:
    return isinstance(message, typed.Telemetry) and message.dose_state != codes.DOSE_PAUSED


async def _follow(
    url: str,
    held: "_Ledger",
    start: Callable[[Rig, Callable[[Progress], None] | None], Awaitable[Outcome]],
    interrupts: Interrupts,
    asked_nl: int | None,
    json_output: bool,
) -> Ended:
    async with held as ledger, Rig.connect(url, ledger=ledger) as rig:
        display = None if json_output or asked_nl is None else DoseDisplay(asked_nl)
        stopper = Stopper(rig, say if display is None else display.say)
        interrupts.action = stopper.press
        with display or nullcontext():
            outcome = await start(rig, display.show if display is not None else None)
            await stopper.finished()
        identity = rig.identity
        device = identity.as_dict() if identity is not None else {}
        return Ended(outcome, stopper.reports, device, await held.end())


class _Ledger:
    """The ledger of one dose. A rescue goes without, where it cannot be opened or written: the rig's journal has it."""

    def __init__(self, path: Path, kind: str = "dose") -> None:
        self._path = path
        self._rescue = kind == "rescue"
        self._ledger: Ledger | None = None

    async def __aenter__(self) -> Ledger | None:
        try:
            self._ledger = await open_ledger(self._path)
        except RigError as error:
            if not self._rescue:
                raise
            say(f"Without a ledger: {error.what} The rescue goes on; the rig's journal has it.")
        return self._ledger

    async def __aexit__(self, *_: object) -> None:
        if self._ledger is not None:
            await self._ledger.close()

    async def end(self) -> dict[str, Any] | None:
        """Return how many rows there are and the hash of the last one; None without a ledger."""
        if self._ledger is None:
            return None
        rows, head = await self._ledger.head()
        return {"rows": rows, "head": head}


def _tell(ended: Ended, json_output: bool) -> int:
    error = outcome_error(ended.outcome)
    if json_output:
        whole: dict[str, Any] = {
            "dose": ended.outcome.as_dict(),
            "stops": [report.as_dict() for report in ended.stops],
            "device": ended.device,
            "ledger": ended.ledger,
        }
        if error is not None:
            whole["error"] = {"code": error.code, "what": error.what, "todo": error.todo}
        put_json(whole)
    else:
        for line in [*(stop_line(report) for report in ended.stops), *outcome_lines(ended.outcome)]:
            print(line)
        if error is not None:
            show_error(error, json_output=False)
    return OUTCOME_EXIT_CODES[ended.outcome.outcome]
