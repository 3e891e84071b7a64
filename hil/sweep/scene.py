"""One rig with a host at work: what was ordered, what the plant had seen before each order, what had been latched."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable
from dataclasses import dataclass, replace
from typing import Any

from device.ceilings import LOOSEST
from hil.bench import Bench
from hil.plant.noise import stream
from hil.provision import Provision
from hil.scenarios.raw_host import RawHost
from hil.scenarios.rig_in_use import INTERVAL_S, SUSPENDED_S, press
from hil.sweep.grants import forget_grants, watch_grants
from protocol import codes, messages, typed

CHANNELS = range(len(codes.CHANNELS))
OFF_S = 0.3
AWAKE_S = 10.0
FILLING_NL, FILLING_NL_S = 14_000, 20_000
"""More than the line holds: afterwards agent stands everywhere, and the next dose brings agent to the patient."""

TOTAL_NL = 60_000
"""Ceiling of each channel in the treatment: small enough for one order to go beyond it."""

PERMIT_EVERY_S = 0.7
ASK_EVERY_S = 0.05


@dataclass(slots=True)
class Sent:
    """An order that the device accepted, and what the plant had seen until then."""

    order: typed.DoseOrder
    edges_before: int
    tip_before_nl: float
    told: typed.DoseState | None = None

    @property
    def channel(self) -> int:
        """Its channel."""
        return self.order.channel


@dataclass(frozen=True, slots=True)
class Latched:
    """A stop, or a patient's hold, that has to outlive the power from ``at_ns`` on."""

    cause: int
    at_ns: int
    hold: bool = False


@dataclass(frozen=True, slots=True)
class Base:
    """What the device told, and the plant had seen, before the history began."""

    treatment: typed.Treatment
    remaining_nl: tuple[int, ...]
    true_remaining_nl: tuple[float, ...]
    records: dict[int, bytes]


class Scene:
    """A bench and its host; ``sent`` are the orders of the history, in their order."""

    def __init__(self, target: str, seed: int, window_nl: int = 0, **options: Any) -> None:
        row = list(LOOSEST)
        row[2] = row[6] = row[8] = TOTAL_NL
        row[3] = window_nl or row[3]
        row[4] = 2_560
        provision = replace(Provision.drawn(stream(seed, "provision")), ceilings=tuple(row))
        self.bench = Bench(target, seed, power=False, provision=provision, **options)
        watch_grants(self.bench.board)
        self.bench.power_on()
        self.host: RawHost
        self.sent: list[Sent] = []
        self.latched: Latched | None = None
        self.resolved: set[bytes] = set()
        """Unknown doses that a person may have resolved already."""

        self.base: Base
        self._hosts = 0

    # The rig before the history.

    async def prepare(self, *, agent: bool, agent_in_line: bool) -> None:
        """Connect; make the rig ready for agent, and fill the line with it."""
        await self.connect()
        await self.awake()
        if agent:
            await self.ready_for_agent()
        if agent_in_line:
            filling = await self.order(FILLING_NL, FILLING_NL_S, channel=codes.CHANNEL_AGENT)
            await self.permitted_to_end(filling)
            self.sent.clear()
            await asyncio.sleep(INTERVAL_S)
        remaining_nl = tuple([(await self.cartridge(channel)).remaining_nl for channel in CHANNELS])
        true_nl = tuple(syringe.remaining_nl for syringe in self.bench.plant.syringes)
        self.base = Base(await self.treatment(), remaining_nl, true_nl, await self.records())
        forget_grants(self.bench.board)

    async def connect(self) -> RawHost:
        """Let another host connect; the one before has gone."""
        while True:
            host = RawHost(self.bench.transport(), self.bench.seed + 1000 * self._hosts)
            self._hosts += 1
            try:
                self.host = await host.__aenter__()
            except TimeoutError:
                await host.close()
                continue
            return self.host

    async def awake(self) -> None:
        """Wait until sensors and cartridges are read, stopped or not. Raises TimeoutError."""
        async with asyncio.timeout(AWAKE_S):
            while True:
                status = await self.host.status()
                if status.device_state != codes.DEVICE_STARTING and not status.sensor_faults:
                    break
                await asyncio.sleep(ASK_EVERY_S)
            for channel in CHANNELS:
                while (await self.cartridge(channel)).state != codes.CARTRIDGE_GOOD:  # noqa: ASYNC110
                    await asyncio.sleep(ASK_EVERY_S)

    async def told_date(self) -> None:
        """Tell the date."""
        await self.host.relay(messages.SET_DATE, self.bench.issuer().set_date())

    async def ready_for_agent(self) -> None:
        """Tell the date, have light and sound confirmed, wait until the agent is stirred."""
        await self.told_date()
        await self.host.light_and_sound_confirmed(self.bench.press_footswitch)
        await asyncio.sleep(SUSPENDED_S)

    # Doses.

    async def order(self, volume_nl: int, rate_nl_s: int, **fields: Any) -> Sent:
        """Send an order that the device has to accept."""
        order = self.host.order(volume_nl, rate_nl_s, **fields)
        sent = Sent(order, self.bench.edge_count(order.channel), self.bench.plant.tip_nl)
        self.sent.append(sent)
        answer = await self.host.send_order(order)
        assert answer.state == codes.DOSE_ACCEPTED, answer
        sent.told = answer
        return sent

    @contextlib.asynccontextmanager
    async def permitted(self, sent: Sent) -> AsyncIterator[None]:
        """Grant permits to one dose all the while, sooner than a monitor would that waits for a signed status."""
        task = asyncio.create_task(self._permit(sent))
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def permitted_to_end(self, sent: Sent) -> typed.DoseState:
        """Grant permits until the dose has ended."""
        async with self.permitted(sent):
            return await self.ended(sent)

    async def ended(self, sent: Sent) -> typed.DoseState:
        """Wait until a dose has ended."""
        sent.told = await self.host.ended(sent.order.dose_id)
        return sent.told

    async def flowing(self, sent: Sent, steps: int) -> None:
        """Wait until so many steps of a dose have left the pin."""
        async with asyncio.timeout(AWAKE_S):
            while self.bench.edge_count(sent.channel) < sent.edges_before + steps:  # noqa: ASYNC110
                await asyncio.sleep(0.002)

    async def confirmed(self, ask: Awaitable[Any]) -> int:
        """Ask for an act, let a person confirm it, and return the reason against it."""
        reason = int((await ask).reason)
        if reason == codes.REASON_NONE:
            await press(self.bench)
        return reason

    def resolving(self, dose_id: bytes) -> None:
        """Note that from now on this unknown dose may be resolved."""
        self.resolved.add(dose_id)

    def resolve(self, dose_id: bytes) -> Awaitable[typed.Result]:
        """Ask for an unknown dose to be taken as resolved; a person confirms."""
        return self.host.request(typed.Result, messages.RESOLVE, dose_id)

    def latch(self, cause: int, *, hold: bool = False) -> None:
        """Note that from now on this stop stands."""
        self.latched = Latched(cause, self.bench.now_ns, hold)

    async def _permit(self, sent: Sent) -> None:
        while True:
            await self.host.grant(sent.order.dose_id, sent.channel)
            await asyncio.sleep(PERMIT_EVERY_S)

    # What the device tells.

    async def treatment(self) -> typed.Treatment:
        """Ask for the treatment."""
        return await self.host.request(typed.Treatment, messages.GET_TREATMENT)

    async def cartridge(self, channel: int) -> typed.Cartridge:
        """Ask for a cartridge."""
        return await self.host.request(typed.Cartridge, messages.GET_CARTRIDGE, channel)

    async def records(self) -> dict[int, bytes]:
        """Read all records of the journal, by number; one that cannot be read is empty."""
        found: dict[int, bytes] = {}
        number = 1
        while True:
            answer = await self.host.request(typed.Record, messages.GET_RECORD, number)
            if number > answer.newest:
                return found
            found[number] = b"" if answer.reason else answer.octets
            number += 1

    # Power.

    async def lose_power(self) -> None:
        """Take the supply away, if it is not gone yet, and let what hangs on it come to rest."""
        self.bench.power_off()
        await self.host.close()
        await asyncio.sleep(OFF_S)

    async def restart(self) -> None:
        """Give the supply back and connect."""
        self.bench.power_on()
        await self.connect()
