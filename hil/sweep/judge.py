"""After the power came back: what the device tells against what the plant has seen, and what it lets happen."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace

from hil.plant.parameters import NS_PER_MS
from hil.scenarios.raw_host import RefusedError
from hil.scenarios.rig_in_use import INTERVAL_S
from hil.sweep.allowed import NO_ID, Allowed
from hil.sweep.counted import RESTING_NL, Counts
from hil.sweep.scene import CHANNELS, Scene, Sent
from host.records import name_of
from protocol import codes, typed

FINAL = (codes.DOSE_DELIVERED, codes.DOSE_PARTIAL, codes.DOSE_UNKNOWN)
BROKEN = codes.SELF_TEST_JOURNAL | codes.SELF_TEST_IMAGE
LATCH_MS = 25
"""What a stop may take until it is durable: it overtakes what is queued, and waits for a tick at most, or for two when
a sensor has the bus."""

WATCH_S = 1.0
STARTED_S = 0.3
"""The start itself takes a moment, and the interval between doses counts from then on."""


@dataclass(slots=True)
class Verdict:
    """What one restart has shown.

    ``lost_latch_ms``: how long after a stop the power went that took it away, else 0. ``taken_back``: outcomes that a
    host had heard, and that are unknown now: the power went before they were written down.
    """

    failures: list[str] = field(default_factory=list)
    widest_steps: int = 0
    lost_latch_ms: float = 0.0
    taken_back: int = 0


class Judge:
    """Restarts one rig, whose power went at ``cut_ns``, and judges it."""

    def __init__(self, scene: Scene, cut_ns: int) -> None:
        self._scene = scene
        self._cut_ns = cut_ns
        self._told: dict[bytes, typed.DoseState] = {}
        self._edges: tuple[int, ...] = ()
        self._tip_nl = 0.0
        self._counts = Counts(scene, self._told, self._fail)
        self._allowed = Allowed(scene, self._counts, self._fail)
        self.verdict = Verdict()

    async def judge(self) -> Verdict:
        """Restart and judge; a rig that cannot be used any more is a failure, too."""
        scene = self._scene
        try:
            await scene.restart()
            interval_over_s = scene.bench.now_s + STARTED_S + INTERVAL_S
            self._edges = self._pins()
            self._tip_nl = scene.bench.plant.tip_nl
            await self._judge_journal()
            await self._judge_doses()
            await scene.awake()
            await self._counts.judge()
            await self._judge_latch()
            await self._judge_rest()
            await self._judge_again()
            await self._allowed.clear()
            await self._allowed.resolve()
            await asyncio.sleep(max(0.0, interval_over_s - scene.bench.now_s))
            await self._allowed.order()
        except (AssertionError, TimeoutError, RefusedError) as error:
            self._fail(f"the rig is of no use after the restart: {error!r}")
        return self.verdict

    def _fail(self, text: str) -> None:
        self.verdict.failures.append(text)

    def _pins(self) -> tuple[int, ...]:
        return tuple(self._scene.bench.edge_count(channel) for channel in CHANNELS)

    # What the journal tells.

    async def _judge_journal(self) -> None:
        """It is valid, and no record of an earlier dose has changed."""
        status = await self._scene.host.status()
        if status.self_test & BROKEN:
            self._fail(f"self-test {status.self_test:#x}: the journal is not valid")
        kept = await self._scene.records()
        changed = [number for number, octets in self._scene.base.records.items() if kept.get(number) != octets]
        unreadable = [number for number, octets in kept.items() if not octets]
        if changed or unreadable:
            self._fail(f"records {changed} of earlier doses have changed, {unreadable} cannot be read")

    async def _judge_doses(self) -> None:
        """Every order is as the pins and the tip say, and an unknown one waits for a person."""
        scene = self._scene
        for index, sent in enumerate(scene.sent):
            told = await scene.host.get_dose(sent.order.dose_id)
            self._told[sent.order.dose_id] = told
            self._compare(told, self._edges_of(index))
            if sent.told is not None and sent.told.state in FINAL and told.state != sent.told.state:
                self.verdict.taken_back += 1
                if told.state != codes.DOSE_UNKNOWN:
                    self._fail(f"the outcome was {sent.told}, now it is {told}")
        self._compare_tip()
        unknown = [
            dose_id
            for dose_id, told in self._told.items()
            if told.state == codes.DOSE_UNKNOWN and told.patient_max_nl and dose_id not in scene.resolved
        ]
        if unknown and (await scene.host.status()).unresolved_id == NO_ID:
            self._fail("an unknown dose that nobody has resolved waits for nobody")
        known = [sent.order.dose_id for sent in scene.sent if self._known(sent)]
        if known and scene.host.welcome.last_dose_id != known[-1]:
            self._fail("WELCOME does not name the last dose")

    def _edges_of(self, index: int) -> int:
        """Return the edges at the pin from an order to the next one of its channel."""
        sent = self._scene.sent[index]
        later = [other.edges_before for other in self._scene.sent[index + 1 :] if other.channel == sent.channel]
        return (later[0] if later else self._edges[sent.channel]) - sent.edges_before

    def _compare_tip(self) -> None:
        """All orders together: the line may give a rescue's first moment what the dose before it has pushed."""
        if not self._scene.sent:
            return
        tip_nl = self._tip_nl - self._scene.sent[0].tip_before_nl
        least_nl = sum(told.patient_min_nl for told in self._told.values())
        most_nl = sum(told.patient_max_nl for told in self._told.values())
        if not least_nl - RESTING_NL <= tip_nl <= most_nl + RESTING_NL:
            self._fail(f"{tip_nl:.0f} nL left the tip, the device tells [{least_nl}, {most_nl}] nL")

    def _compare(self, told: typed.DoseState, edges: int) -> None:
        name = name_of("dose_state", told.state)
        if told.state == codes.DOSE_NOT_KNOWN:
            if edges:
                self._fail(f"{edges} steps of a dose that the device does not know")
            return
        if told.state not in FINAL:
            self._fail(f"the dose is {name} after a restart")
            return
        width = told.granted_steps - told.emitted_steps
        self.verdict.widest_steps = max(self.verdict.widest_steps, width)
        steps = f"[{told.emitted_steps}, {told.granted_steps}] steps, {name}"
        if not told.emitted_steps <= edges <= told.granted_steps:
            self._fail(f"{edges} steps left the pin, the device tells {steps}")
        if width and told.state != codes.DOSE_UNKNOWN:
            self._fail(f"the device tells {steps}, which is not known exactly")

    def _known(self, sent: Sent) -> bool:
        return self._told[sent.order.dose_id].state in FINAL

    # What stands, and what does not begin.

    async def _judge_latch(self) -> None:
        """A stop that had been written down stands; one that came a moment before the cut may be gone, not another."""
        latched = self._scene.latched
        if latched is None:
            return
        status = await self._scene.host.status()
        cause = status.hold_cause if latched.hold else status.stop_cause
        if cause == latched.cause:
            return
        self.verdict.lost_latch_ms = (self._cut_ns - latched.at_ns) / NS_PER_MS
        if cause != codes.CAUSE_NONE or self.verdict.lost_latch_ms > LATCH_MS:
            self._fail(f"the stop is lost; the power went {self.verdict.lost_latch_ms:.1f} ms after it")

    async def _judge_rest(self) -> None:
        """A person's foot, a permit for the dose, and the old order itself start nothing."""
        scene = self._scene
        scene.bench.press_footswitch()
        for sent in scene.sent:
            granted = await scene.host.grant(sent.order.dose_id, sent.channel)
            if granted.reason == codes.REASON_NONE:
                self._fail("a permit for a dose of an earlier boot was taken")
            await self._repeat(sent, sent.order, "the order of an earlier boot")
        await asyncio.sleep(WATCH_S)
        self._nothing_moved("by itself")

    async def _judge_again(self) -> None:
        """What the device knows is sent once more, as an order of this boot: it runs no second time."""
        host = self._scene.host
        for sent in filter(self._known, self._scene.sent):
            stamps = host.order(0)
            order = replace(
                sent.order,
                last_dose_id=host.last_dose_id,
                boot=stamps.boot,
                session=stamps.session,
                expires_ms=stamps.expires_ms,
            )
            await self._repeat(sent, order, "the same order")
            await host.grant(sent.order.dose_id, sent.channel)
        await asyncio.sleep(WATCH_S)
        self._nothing_moved("after an order that was repeated")

    async def _repeat(self, sent: Sent, order: typed.DoseOrder, what: str) -> None:
        told = self._told[sent.order.dose_id]
        answer = await self._scene.host.send_order(order)
        if not self._known(sent):
            if answer.state != codes.DOSE_REFUSED:
                self._fail(f"{what} was answered with {answer}")
        elif replace(answer, uptime_ms=0) != replace(told, uptime_ms=0):
            self._fail(f"{what} was answered with {answer}, not with {told}")

    def _nothing_moved(self, when: str) -> None:
        plant = self._scene.bench.plant
        if self._pins() != self._edges:
            self._fail(f"steps left the pin {when}: {self._edges} before, {self._pins()} now")
        if plant.valve_patient or abs(plant.tip_nl - self._tip_nl) > RESTING_NL:
            self._fail(f"liquid can leave the tip {when}: {plant.tip_nl - self._tip_nl:.1f} nL")
