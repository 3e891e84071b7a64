"""The self-test of the wiring: each line is moved at one end and looked for at the other."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any

from hil.bench import Bench
from hil.boards.serial.board import named
from hil.boards.serial.probe import wire
from hil.boards.serial.rig import FollowingRig
from hil.plant.sensors import ADC_FULL_SCALE, ADC_PRESSURE, ADC_SUPPLY
from hil.scenarios.raw_host import RawHost
from protocol import codes, typed

OK, WRONG, NOT_SEEN = "ok", "wrong", "not seen"

FOLLOW_S = 0.15
"""A level is on its wire, read by a tick of the firmware and told within this."""

FILTER_S = 0.6
"""An analogue level has passed its filter and the firmware's own smoothing."""

READY_S = 3.0
DOSE_NL, DOSE_NL_S = 500, 5000
_INPUTS = wire.ESTOP | wire.DOOR | wire.BUBBLE | wire.SAFE | wire.HOME | wire.FOOTSWITCH
_PIN = dict(
    zip(wire.LINES, (12, 13, 14, 15, 16, 7, 5, 6, 17, 18, 19, 20, 21, 22), strict=True), STEP0=2, STEP1=3, STEP2=4
)
_LIGHTS = wire.RED | wire.YELLOW | wire.CYAN


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found out about one wire."""

    line: str
    pin: str
    result: str
    why: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return asdict(self)


def examine(bench: Bench) -> list[Finding]:
    """Move every line of a serial bench and return what was found. A dose of 0.5 uL of saline is given for it."""
    return bench.run(_examine(bench))


async def _examine(bench: Bench) -> list[Finding]:
    host = RawHost(bench.transport(), bench.seed)
    try:
        await host.__aenter__()
    except TimeoutError:
        await host.close()
        return [Finding("LINK", "GP0, GP1", WRONG, "the device says nothing: supply, TX to RX, RX to TX, its firmware")]
    try:
        findings = [Finding("LINK", "GP0, GP1", OK)]
        findings += await _chips(bench, host)
        with suppress(TimeoutError):
            await host.unlatched(bench.press_footswitch)
            await host.ready()
        findings += await _outputs(bench, host)
        findings += await _inputs(bench, host)
        findings += await _analogue(bench, host)
    finally:
        await host.close()
    return findings


async def _chips(bench: Bench, host: RawHost) -> list[Finding]:
    deadline_s = bench.now_s + READY_S
    while True:
        faults = (await host.hear(typed.Telemetry)).sensor_faults
        if not faults & (codes.FAULT_FLOW | codes.FAULT_FRAM) or bench.now_s > deadline_s:
            break
    missing = "no answer on the device's I2C bus: GP8, GP9, pull-ups, supply of the chip"
    return [
        Finding(name, "GP8, GP9", WRONG if faults & bit else OK, missing if faults & bit else "")
        for name, bit in (("FLOW", codes.FAULT_FLOW), ("FRAM", codes.FAULT_FRAM))
    ]


async def _outputs(bench: Bench, host: RawHost) -> list[Finding]:
    """Let a dose move what the device drives."""
    plant = _plant(bench)
    plant.seen_high = plant.seen_low = 0
    counted = [bench.edge_count(channel) for channel in range(3)]
    state = await host.send_order(host.order(DOSE_NL, DOSE_NL_S))
    refused = ""
    if state.state == codes.DOSE_REFUSED:
        refused = f"the device refused a dose: {_reason(state.reason)}"
    else:
        await host.ended(state.dose_id, 20.0)
    counted = [bench.edge_count(channel) - counted[channel] for channel in range(3)]
    findings = [_steps(channel, counted, refused) for channel in range(3)]
    moved = plant.seen_high & plant.seen_low
    for line in (wire.HEARTBEAT, wire.VALVE, wire.DIRECTION):
        result, why = (OK, "") if moved & line else (WRONG, "did not move while a dose was given")
        if refused and result == WRONG and line != wire.HEARTBEAT:
            result, why = NOT_SEEN, refused
        if line == wire.DIRECTION and result == WRONG and plant.seen_high & line:
            result, why = OK, "high all the time, as forward is"
        findings.append(_finding(line, result, why))
    return findings


def _steps(channel: int, counted: list[int], refused: str) -> Finding:
    name = f"STEP{channel}"
    pin = f"GP{_PIN[name]}"
    if channel != codes.CHANNEL_FLUSH:
        if counted[channel]:
            return Finding(
                name, pin, WRONG, f"{counted[channel]} edges here, of a dose from channel 2: STEP wires swapped"
            )
        return Finding(name, pin, NOT_SEEN, "agents are refused without a permit: nothing moves this line")
    if refused:
        return Finding(name, pin, NOT_SEEN, refused)
    return Finding(name, pin, OK) if counted[channel] else Finding(name, pin, WRONG, "no edge counted in a dose")


async def _inputs(bench: Bench, host: RawHost) -> list[Finding]:
    """Move what the probe drives, one line after the other."""
    plant = _plant(bench)
    plant.press_footswitch(False)
    await asyncio.sleep(FOLLOW_S)
    rest = (await host.status()).inputs & _INPUTS
    expected = wire.ESTOP | wire.DOOR | wire.BUBBLE | wire.SAFE
    acts = (
        (wire.ESTOP, wire.SAFE, plant.press_estop),
        (wire.DOOR, wire.SAFE, plant.open_door),
        (wire.BUBBLE, 0, plant.put_bubble),
        (wire.FOOTSWITCH, 0, plant.press_footswitch),
        (wire.HOME, 0, plant.close_end_switch),
    )
    findings, safe_follows = [], 0
    for line, and_safe, act in acts:
        act(True)
        await asyncio.sleep(FOLLOW_S)
        changed = ((await host.status()).inputs ^ rest) & _INPUTS
        act(False)
        await asyncio.sleep(FOLLOW_S)
        safe_follows += bool(changed & wire.SAFE) == bool(and_safe)
        findings.append(_input(line, changed & ~wire.SAFE, (rest ^ expected) & line))
    if safe_follows == len(acts) and rest & wire.SAFE:
        findings.append(_finding(wire.SAFE, OK))
    else:
        why = "it does not follow E-stop and door" if rest & wire.SAFE else "the device reads it low at rest"
        findings.append(_finding(wire.SAFE, WRONG, f"{why}; or a wire of its inputs is wrong: mend those first"))
    return findings


def _input(line: int, changed: int, wrong_at_rest: int) -> Finding:
    if changed == line:
        return _finding(line, WRONG, "the device reads it inverted") if wrong_at_rest else _finding(line, OK)
    if not changed:
        return _finding(line, WRONG, "the device sees nothing move: broken wire, or the wrong pin")
    others = named(changed & ~line)
    if changed & line:
        return _finding(line, WRONG, f"{others} moves with it: a short between the two")
    return _finding(line, WRONG, f"the device sees {others} move instead: their wires are swapped")


async def _analogue(bench: Bench, host: RawHost) -> list[Finding]:
    """Move pressure and supply, and look which of the device's readings follow."""
    sensors = bench.plant.sensors

    async def readings() -> tuple[int, int]:
        await asyncio.sleep(FILTER_S)
        telemetry = await host.hear(typed.Telemetry)
        return telemetry.pressure_pa, telemetry.supply_mv

    findings = []
    for name, pin, channel, least, index in (
        ("PRESSURE", "GP26", ADC_PRESSURE, 20_000, 0),
        ("SUPPLY", "GP28", ADC_SUPPLY, 1_000, 1),
    ):
        before = await readings()
        sensors.hold_adc(channel, ADC_FULL_SCALE * 4 // 10)
        after = await readings()
        sensors.hold_adc(channel, None)
        moved = abs(after[index] - before[index]) > least
        why = "" if moved else f"the device's reading stays at {after[index]}: wire, filter, or the wrong pin"
        findings.append(Finding(name, pin, OK if moved else WRONG, why))
    findings.append(Finding("DENSITY", "GP27", NOT_SEEN, "the device does not tell this reading"))
    return findings


def _finding(line: int, result: str, why: str = "") -> Finding:
    name = named(line)
    return Finding(name, f"GP{_PIN[name]}", result, why)


def _plant(bench: Bench) -> FollowingRig:
    assert isinstance(bench.plant, FollowingRig)
    return bench.plant


def _reason(reason: int) -> str:
    return next((name for name, number in codes.REASONS if number == reason), str(reason))
