"""One rig and its host through some hundred doses, each with what the seed lets go wrong; on the twin."""

from __future__ import annotations

import asyncio
import tempfile
from contextlib import suppress
from pathlib import Path

from device.limits import MIN_INTERVAL_MS
from hil.bench import Bench
from hil.doses.judge import Seen, Verdict, judge
from hil.doses.planned import CABLE, CUT, STOP, Planned, faults, planned
from hil.hosts import prepared, ready
from hil.issuer import PermitService
from hil.latency.forks import Emit
from hil.plant.chips import PowerLost
from hil.plant.noise import stream
from hil.plant.parameters import NS_PER_MS, NS_PER_S
from host.device_records import DeviceRecord, decode
from host.errors import RigError
from host.ledger import Ledger
from host.ledger_verify import read_rows, verify
from host.rig import Rig
from protocol import codes

EPOCH_NS = 1_700_000_000 * NS_PER_S
"""UTC of the bench's beginning in its ledgers: one seed is one run, to the row."""

LIMIT_S_PER_DOSE = 400.0
PERSON = "Bench"
INTERVAL_S = MIN_INTERVAL_MS / 1000
"""Between two doses to the patient, and after a start: who orders sooner is refused."""

CHANNEL_NAMES = {number: name for name, number in codes.CHANNELS}
OFF_S = 0.2
LOOK_S = 0.02
AGAIN_S = 0.3
STEPS_LIMIT_S = 4.0
"""So long after an order a stop or a pulled cable waits for steps to leave the pin."""

DOSE_LIMIT_S = 120.0
TRIES = 40
QUIET_S = 0.5
"""No step leaves the pin for so long: nothing flows any more, for the slowest rate here has a step every 10 ms."""


def live(seed: int, number: int, count: int, loss: float, emit: Emit) -> None:
    """Live through ``count`` doses of rig ``number``; emit one row of what came of them."""
    with tempfile.TemporaryDirectory(prefix="nanorig-doses-") as folder:
        _Life(seed * 1_000 + number, count, loss, Path(folder) / "ledger").live(emit)


class _Life:
    def __init__(self, seed: int, count: int, loss: float, path: Path) -> None:
        self._seed = seed
        self._count = count
        self._bench = Bench("twin", seed)
        self._bench.set_link_faults(faults(loss), faults(loss))
        self._random = stream(seed, "doses")
        self._path = path
        self._seen: list[Seen] = []
        self._stops_ms: list[float] = []
        self._latched_ms: list[float] = []
        self._troubles = {"cut": 0, "cable": 0, "stop": 0}
        self._struck = 0
        self._interval_over_s = INTERVAL_S
        self._met = b""
        self._said: list[str] = []
        self._rig: Rig
        self._ledger: Ledger

    def live(self, emit: Emit) -> None:
        bench = self._bench
        verdict = bench.run(self._perform(), limit_s=self._count * LIMIT_S_PER_DOSE)
        simulated_s = bench.now_s
        bench.close()
        emit(
            {
                "rig": self._seed,
                "doses": verdict.doses,
                "wrong": dict(verdict.wrong),
                "outcomes": dict(verdict.outcomes),
                "said": verdict.said,
                "troubles": self._troubles,
                "stops_ms": self._stops_ms,
                "latched_ms": self._latched_ms,
                "frames_struck": self._struck,
                "simulated_s": simulated_s,
            }
        )

    async def _perform(self) -> Verdict:
        bench = self._bench
        self._ledger = await Ledger.open(self._path, clock_ns=lambda: EPOCH_NS + bench.now_ns)
        self._rig = await self._connected()
        monitor = asyncio.create_task(PermitService(bench.issuer(), self._rig).run())
        try:
            while len(self._seen) < self._count:
                await self._one(planned(self._random))
            link = bench.link.to_device, bench.link.to_host
            self._struck = sum(sum(one.struck.values()) for one in link)
            bench.set_link_faults()
            await self._settled()
            # A fresh connection compares journal and ledger once more.
            await self._rig.close()
            self._rig = await self._connected()
            await self._settled()
            first, records = await self._records()
            if self._rig.not_compared:
                self._said.append(f"not compared: {self._rig.not_compared}")
        finally:
            monitor.cancel()
            await asyncio.gather(monitor, return_exceptions=True)
            await self._rig.close()
            await self._ledger.close()
        rows = [fields for _, fields in read_rows(self._path)]
        verdict = judge(self._seen, rows, _by_dose(records), journal_from=first)
        self._said += [f"the ledger does not verify: {finding}" for finding in verify(self._path).findings]
        verdict.said += self._said
        return verdict

    # One dose.

    async def _one(self, order: Planned) -> None:
        """Give one order, until the ledger has an intent for it, and see what the plant makes of it."""
        channel, why = order.channel, None
        for _ in range(TRIES):
            await self._settled()
            edges, tip_nl = self._bench.edge_count(channel), self._bench.plant.tip_nl
            try:
                await self._made_ready(order)
                given = asyncio.create_task(self._given(order))
                await self._troubled(order, edges, given)
                await asyncio.wait_for(given, DOSE_LIMIT_S)
            except TimeoutError:
                self._said.append(f"dose {order.dose_id.hex()} came to no end within {DOSE_LIMIT_S:g} s")
            except RigError as error:
                why = error
                # Told by whoever asked: the ledger says whether anything was ordered.
                await asyncio.sleep(AGAIN_S)
            if order.kind == "dose":
                self._interval_over_s = self._bench.now_s + INTERVAL_S
            await self._settled()
            if await self._intended(order):
                moved = self._bench.edge_count(channel) - edges, self._bench.plant.tip_nl - tip_nl
                self._seen.append(Seen(order.dose_id.hex(), order.trouble, *moved))
                return
        raise RigError("refused", f"Dose {order.dose_id.hex()} could not be ordered in {TRIES} tries: {why}.", "")

    async def _given(self, order: Planned) -> None:
        name = CHANNEL_NAMES[order.channel]
        volume_nl, rate_nl_s = order.volume_nl, order.rate_nl_s
        await self._rig.dose(
            volume_nl, rate_nl_s, name, kind=order.kind, dose_id=order.dose_id, max_pause_s=order.max_pause_s
        )

    async def _made_ready(self, order: Planned) -> None:
        """Do what a rig wants before this order: to the patient the date, alarms confirmed and a stir in each boot."""
        rig = self._rig
        await ready(rig)
        if order.kind != "dose":
            return
        if rig.welcome is not None and rig.welcome.boot != self._met:
            await prepared(rig, self._bench.issuer(), self._pressed)
            self._met = rig.welcome.boot
            await rig.treatment()
        await asyncio.sleep(max(0.0, self._interval_over_s - self._bench.now_s))

    async def _troubled(self, order: Planned, edges: int, given: asyncio.Task[None]) -> None:
        if order.trouble == CUT:
            await self._cut(order, given)
        elif order.trouble in {CABLE, STOP}:
            await self._flowing(order, edges, given)
            self._troubles[order.trouble] += 1
            if order.trouble == CABLE:
                self._bench.link.unplug()
                await asyncio.sleep(order.cable_out_s)
                self._bench.link.plug()
            else:
                await self._stopped(flowing=not given.done())

    async def _cut(self, order: Planned, given: asyncio.Task[None]) -> None:
        """Take the supply away in the middle of a journal write, and give it back."""
        bench = self._bench
        left = order.cut_octet
        lost = bench.loop.create_future()

        def stored() -> None:
            nonlocal left
            left -= 1
            if left < 0 and not lost.done():
                lost.set_result(None)
                raise PowerLost("the power went away while the FRAM was written")

        bench.plant.fram.on_stored = stored
        await asyncio.wait((given, lost), return_when=asyncio.FIRST_COMPLETED, timeout=DOSE_LIMIT_S)
        bench.plant.fram.on_stored = None
        if lost.done():
            self._troubles[CUT] += 1
            bench.power_off()
            await asyncio.sleep(OFF_S)
            bench.power_on()
            self._interval_over_s = bench.now_s + INTERVAL_S

    async def _flowing(self, order: Planned, edges: int, given: asyncio.Task[None]) -> None:
        end_s = self._bench.now_s + STEPS_LIMIT_S
        while self._bench.edge_count(order.channel) < edges + order.after_steps:
            if given.done() or self._bench.now_s > end_s:
                return
            await asyncio.sleep(LOOK_S)

    async def _stopped(self, *, flowing: bool) -> None:
        """Stop, as often as it takes to see it latched; of what flows, measure to the last step at any pin."""
        began_ns = self._bench.now_ns
        while True:
            with suppress(RigError):
                await self._rig.stop()
                break
        self._latched_ms.append((self._bench.now_ns - began_ns) / NS_PER_MS)
        last_ns = self._bench.recorder.last_edge_ns() or 0
        if flowing:
            self._stops_ms.append(max(0, last_ns - began_ns) / NS_PER_MS)

    # Between two doses.

    async def _settled(self) -> None:
        """Wait until nothing flows; a person clears what is stopped and closes what not even the rig knows."""
        await self._quiet()
        for _ in range(TRIES):
            with suppress(RigError):
                for found in self._rig.disagreements:
                    self._said.append(f"rig and ledger disagree: {found.what}")
                    await self._rig.acknowledge_disagreements(found.row, PERSON)
                state = (await self._rig.status()).device_state
                if state == codes.DEVICE_PAUSED:
                    await self._rig.stop()
                    continue
                if state == codes.DEVICE_STOPPED:
                    await self._rig.clear()
                    await self._pressed()
                    await self._rig.confirmed("The stop was not cleared")
                    continue
                still_open = await self._ledger.open_doses(self._rig.name, "", 8)
                for fields, unknown in still_open:
                    if unknown:
                        await self._rig.close_unknown(bytes.fromhex(fields["dose_id"]), PERSON, self._press)
                if not still_open:
                    return
            await asyncio.sleep(AGAIN_S)
        raise RigError("refused", f"After {len(self._seen)} doses the rig did not come to rest in {TRIES} tries.", "")

    async def _quiet(self) -> None:
        bench = self._bench
        while bench.now_ns - (bench.recorder.last_edge_ns() or 0) < QUIET_S * NS_PER_S:  # noqa: ASYNC110
            await asyncio.sleep(QUIET_S / 2)

    async def _intended(self, order: Planned) -> bool:
        dose_id = order.dose_id.hex()
        return any(row.fields.get("dose_id") == dose_id for row in await self._ledger.rows(8))

    async def _connected(self) -> Rig:
        for _ in range(TRIES):
            try:
                return await self._bench.connect(ledger=self._ledger)
            except RigError:
                await asyncio.sleep(AGAIN_S)
        raise RigError("no_answer", "The rig did not answer over the bad link.", "")

    def _press(self, _: str = "") -> None:
        self._bench.press_footswitch(after_s=0.2)

    async def _pressed(self) -> None:
        self._press()
        await asyncio.sleep(0.5)

    # The end.

    async def _records(self) -> tuple[str | None, list[DeviceRecord]]:
        """Return the device's records, oldest first, and the dose of the oldest where earlier ones are overwritten."""
        records: list[DeviceRecord] = []
        overwritten = False
        for number in range(1, len(self._seen) + 1):
            try:
                record = decode((await self._rig.record(number)).octets, number)
            except RigError as error:
                if error.reason != "no_record":
                    raise
                overwritten = overwritten or not records
                continue
            if record is None:
                self._said.append(f"record {number} of the device's journal cannot be read")
            else:
                records.append(record)
        return (records[0].dose_id.hex() if overwritten and records else None), records


def _by_dose(records: list[DeviceRecord]) -> dict[str, list[DeviceRecord]]:
    found: dict[str, list[DeviceRecord]] = {}
    for record in records:
        found.setdefault(record.dose_id.hex(), []).append(record)
    return found
