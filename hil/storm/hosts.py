"""The hosts of a storm: the client proper with its ledger, and one without manners. Both try again for ever."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Collection, Coroutine
from pathlib import Path
from typing import Any

from hil.faults import acts
from hil.faults.inject import Injector
from hil.hosts import prepared
from hil.issuer import PermitService, Relay
from hil.scenarios.raw_host import RawHost, RefusedError
from hil.storm.evidence import WatchedBench
from hil.storm.frames import SeenFrame
from host.errors import RigError
from host.ledger import Ledger
from host.rig import Rig
from protocol import codes, messages, typed
from protocol.link_host import LinkClosedError, WindowFullError

AGAIN_S = 0.1
AGAIN_US = 100_000
ACT_LIMIT_S = 5.0
LEDGER_EPOCH_NS = 1_700_000_000_000_000_000
"""The ledger's clock at power-on of the bench: rows are equal for equal runs."""

_EXPECTED = (RigError, RefusedError, TimeoutError, ConnectionError)
_CHANNELS = dict(codes.CHANNELS)


class StormHost:
    """A host that is there as long as it can: it connects, does what it is told, dies and comes back."""

    def __init__(self, bench: WatchedBench, injector: Injector) -> None:
        self._bench = bench
        self._injector = injector
        self._tasks: set[asyncio.Task[None]] = set()
        self._closing: set[asyncio.Task[None]] = set()
        self._away = False
        self._withheld = 0
        self._connecting = asyncio.Lock()
        self.stops_seen_ns: list[int] = []
        self.defects: list[str] = []
        """What a host fell over, with the act it was at."""

    def start(self) -> None:
        """Begin to connect."""
        self._spawn(self._connect_alone())

    def do(self, act: acts.Act) -> None:
        """Do an act now, without waiting for its end."""
        if isinstance(act, acts.Withhold):
            self._withheld += 1
            self._bench.loop.call_later(act.for_us / 1e6, self._grant_again)
        elif not self._away:
            self._spawn(self._guarded(act))

    def _grant_again(self) -> None:
        self._withheld -= 1

    async def _serve(self, relay: Relay) -> None:
        """Grant permits to whatever the device's signed status shows, but while the monitor withholds."""
        service = PermitService(self._bench.issuer(), relay)
        service.lots = self._bench.lots
        task = asyncio.create_task(service.run())
        try:
            while True:
                service.withheld = self._withheld > 0
                await asyncio.sleep(AGAIN_S)
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def kill(self, back_after_s: float) -> None:
        """Die at once, without another octet, and come back."""
        if not self._away:
            self._away = True
            self._bench.link.unplug()
            self._spawn(self._be_away(back_after_s))

    @contextlib.asynccontextmanager
    async def monitored(self, rig: Rig) -> AsyncIterator[None]:
        """Let the monitor grant whatever this client doses, after date and alarms were seen to. Raises RigError."""
        self._withheld = 0
        await prepared(rig, self._bench.issuer(), self._foot_pressed)
        serving = asyncio.create_task(self._serve(rig))
        try:
            yield
        finally:
            await self._drop([serving])

    async def _foot_pressed(self) -> None:
        self._injector.press_foot(AGAIN_US)

    async def end(self) -> None:
        """Stop doing anything and let go of the link."""
        await self._drop(self._tasks)
        await asyncio.gather(*self._closing)
        await self._close()
        self._injector.settle_link()

    async def _to_its_end(self, work: Coroutine[Any, Any, None]) -> None:
        """Await what is not to be left half done, whoever is cancelled meanwhile."""
        task = asyncio.create_task(work)
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)
        await asyncio.shield(task)

    async def _drop(self, tasks: Collection[asyncio.Task[None] | None]) -> None:
        found = [task for task in tasks if task is not None]
        for task in found:
            task.cancel()
        await asyncio.gather(*found, return_exceptions=True)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _be_away(self, back_after_s: float) -> None:
        await self._close()
        await self._drop(self._tasks - {asyncio.current_task()})
        self._injector.settle_link()  # the cable was never out, but for a fault that says so
        await asyncio.sleep(back_after_s)
        self._away = False
        await self._connect_alone()

    async def _connect_alone(self) -> None:
        async with self._connecting:
            await self._connect()

    async def _guarded(self, act: acts.Act) -> None:
        with contextlib.suppress(*_EXPECTED):
            try:
                await self._act(act)
            except (LinkClosedError, WindowFullError):
                await self._act(acts.Reconnect(act.at_us))
            except _EXPECTED:
                raise
            except Exception as error:  # noqa: BLE001 -- a host that falls over is a finding
                self.defects.append(f"{act.KIND}: {error!r}")

    def _frame_of(self, back: int) -> SeenFrame | None:
        orders = self._bench.orders
        return orders[-1 - back] if back < len(orders) else None

    def _repeat_frame(self, back: int) -> None:
        """Let the line bring an earlier order again, octet by octet."""
        frame = self._frame_of(back)
        if frame is not None and self._injector.powered():
            self._bench.board.host_write(b"\0" + frame.octets)

    async def _connect(self) -> None:
        raise NotImplementedError

    async def _close(self) -> None:
        raise NotImplementedError

    async def _act(self, act: acts.Act) -> None:
        raise NotImplementedError


class ClientHost(StormHost):
    """``host.rig.Rig`` with a ledger on the disk."""

    def __init__(self, bench: WatchedBench, injector: Injector, ledger: Path) -> None:
        super().__init__(bench, injector)
        self._path = ledger
        self._ledger: Ledger | None = None
        self._met: bytes = b""
        self._monitor: asyncio.Task[None] | None = None
        self.rig: Rig | None = None

    async def _connect(self) -> None:
        while self.rig is None:
            try:
                if self._ledger is None:
                    self._ledger = await Ledger.open(self._path, clock_ns=self._clock_ns)
                self.rig = await self._bench.connect(ledger=self._ledger)
                self._monitor = asyncio.create_task(self._keep_ready(self.rig))
            except RigError:
                await asyncio.sleep(AGAIN_S)

    async def _keep_ready(self, rig: Rig) -> None:
        """Meet the device in each of its boots: tell the date, have light and sound confirmed, grant permits."""
        serving = asyncio.create_task(self._serve(rig))
        try:
            while True:
                welcome = rig.welcome
                if welcome is not None and welcome.boot != self._met:
                    self._met = welcome.boot
                    self._bench.issuer().meet(welcome)
                    with contextlib.suppress(*_EXPECTED):
                        await rig.set_date(self._bench.issuer().set_date())
                        await rig.test_alarms()
                        self._foot(AGAIN_US)
                await asyncio.sleep(AGAIN_S)
        finally:
            await self._drop([serving])

    def _clock_ns(self) -> int:
        return LEDGER_EPOCH_NS + self._bench.now_ns

    async def _close(self) -> None:
        monitor, self._monitor = self._monitor, None
        await self._drop([monitor])
        rig, self.rig = self.rig, None
        if rig is not None:
            await self._to_its_end(rig.close())
        ledger, self._ledger = self._ledger, None
        if ledger is not None:
            await self._to_its_end(ledger.close())

    async def _act(self, act: acts.Act) -> None:
        rig = self.rig
        if rig is None:
            return
        match act:
            case acts.Dose():
                await rig.dose(act.volume_nl, act.rate_nl_s)
            case acts.AgentDose():
                await rig.dose(act.volume_nl, act.rate_nl_s, act.channel)
            case acts.Rescue():
                self._foot(act.foot_after_us)
                await rig.rescue(act.volume_nl, act.rate_nl_s)
            case acts.Repeat():
                self._repeat_frame(act.back)
            case acts.Stop():
                await rig.stop()
                self.stops_seen_ns.append(self._bench.now_ns)
            case acts.Pause():
                await rig.pause()
            case acts.Resume():
                await rig.resume()
                self._foot(act.foot_after_us)
            case acts.Clear():
                await rig.clear()
                self._foot(act.foot_after_us)
            case acts.Status():
                await rig.status()
            case acts.Reconnect():
                await self._close()
                await self._connect_alone()

    def _foot(self, after_us: int) -> None:
        if after_us:
            self._injector.press_foot(after_us)


class UnmannerlyHost(StormHost):
    """A host without ledger that says again what it has said before."""

    def __init__(self, bench: WatchedBench, injector: Injector) -> None:
        super().__init__(bench, injector)
        self._raw: RawHost | None = None
        self._monitor: asyncio.Task[None] | None = None
        self._sessions = 0
        self._last_id = bytes(8)

    async def _connect(self) -> None:
        while self._raw is None:
            self._sessions += 1
            try:
                raw = RawHost(self._bench.transport(), self._bench.seed * 1000 + self._sessions)
            except RigError:
                await asyncio.sleep(AGAIN_S)
                continue
            try:
                await raw.__aenter__()
                self._raw = raw
                self._monitor = asyncio.create_task(self._serve(raw))
                self._spawn(self._prepare(raw))
            except _EXPECTED:
                await asyncio.sleep(AGAIN_S)
            finally:
                if self._raw is not raw:
                    await raw.close()

    async def _prepare(self, raw: RawHost) -> None:
        """Tell the date and have light and sound confirmed, as agent wants it once a boot."""
        with contextlib.suppress(*_EXPECTED, LinkClosedError, WindowFullError):
            await raw.relay(messages.SET_DATE, self._bench.issuer().set_date())
            await raw.request(typed.Result, messages.TEST_ALARMS)
            self._foot(AGAIN_US)

    async def _close(self) -> None:
        monitor, self._monitor = self._monitor, None
        await self._drop([monitor])
        raw, self._raw = self._raw, None
        if raw is not None:
            await self._to_its_end(raw.close())

    async def _act(self, act: acts.Act) -> None:
        raw = self._raw
        if raw is None:
            return
        match act:
            case acts.Dose():
                await self._order(raw, raw.order(act.volume_nl, act.rate_nl_s))
            case acts.AgentDose():
                await self._order(raw, raw.order(act.volume_nl, act.rate_nl_s, channel=_CHANNELS[act.channel]))
            case acts.Rescue():
                kind, channel = codes.KIND_RESCUE, codes.CHANNEL_COUNTER_AGENT
                self._foot(act.foot_after_us)
                await self._order(raw, raw.order(act.volume_nl, act.rate_nl_s, kind=kind, channel=channel))
            case acts.Repeat():
                await self._repeat(raw, act)
            case acts.Stop():
                await raw.stop()
                self.stops_seen_ns.append(self._bench.now_ns)
            case acts.Pause():
                await raw.pause(self._last_id)
            case acts.Resume():
                await raw.resume(self._last_id)
                self._foot(act.foot_after_us)
            case acts.Clear():
                await raw.clear()
                self._foot(act.foot_after_us)
            case acts.Status():
                await raw.status()
            case acts.Reconnect():
                await self._close()
                await self._connect_alone()

    async def _order(self, raw: RawHost, order: typed.DoseOrder) -> None:
        state = await raw.request(typed.DoseState, messages.DOSE_ORDER, *order.values())
        if state.state not in (codes.DOSE_REFUSED, codes.DOSE_NOT_KNOWN):
            raw.last_dose_id = self._last_id = state.dose_id

    async def _repeat(self, raw: RawHost, act: acts.Repeat) -> None:
        frame = self._frame_of(act.back)
        if frame is None or act.form == "frame":
            self._repeat_frame(act.back)
            return
        order = frame.message
        assert isinstance(order, typed.DoseOrder)
        if act.form == "adopted":
            now = raw.order(order.volume_nl, order.rate_nl_s)
            order = raw.order(
                order.volume_nl,
                order.rate_nl_s,
                dose_id=order.dose_id,
                boot=order.boot,
                kind=order.kind,
                channel=order.channel,
                last_dose_id=now.last_dose_id,
            )
        await self._order(raw, order)

    def _foot(self, after_us: int) -> None:
        if after_us:
            self._injector.press_foot(after_us)
