"""A vm board on a simulated rig, and a host that talks to it step by step."""

from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import pytest

from hil.boards.base import make
from hil.boards.vm import VmBoard
from hil.plant.rig import SimulatedRig
from hil.provision import Provision, provision_rig
from hil.recorder import Recorder
from protocol import codes, messages, typed
from protocol.link_events import Answer, Datagram, Welcome
from protocol.link_host import HostLink

FLUSH = codes.CHANNEL_FLUSH
PROVISION = Provision.drawn(Random(1))
NS_PER_MS = 1_000_000
PING_EVERY_NS = 250 * NS_PER_MS


class SteppedHost:
    """Moves time by itself while it waits; keeps the link alive."""

    def __init__(self, board: VmBoard) -> None:
        self._board = board
        self._link = HostLink(messages.schema_hash(), b"test")
        self._pinged_ns = board.now_ns
        self._answers: dict[int, tuple[Any, ...]] = {}
        self.heard: list[tuple[int, tuple[Any, ...]]] = []
        self.welcome: typed.Welcome | None = None

    def connect(self) -> typed.Welcome:
        self._link.hello(self._now_ms())
        self._run_until(lambda: self.welcome is not None)
        assert self.welcome is not None
        self.run_for(1.5)  # the first readings of the sensors, and the cartridges
        return self.welcome

    def request(self, number: int, *values: Any) -> tuple[Any, ...]:
        seq = self._link.request(number, *values, now_ms=self._now_ms())
        self._run_until(lambda: seq in self._answers)
        return self._answers.pop(seq)

    def dose(self, volume_nl: int, rate_nl_s: int = 1000) -> typed.DoseState:
        welcome = self.welcome
        assert welcome is not None
        order = typed.DoseOrder(
            dose_id=b"a dose !",
            last_dose_id=welcome.last_dose_id,
            boot=welcome.boot,
            session=welcome.session,
            expires_ms=welcome.uptime_ms + 30_000,
            kind=codes.KIND_DOSE,
            channel=FLUSH,
            profile=codes.PROFILE_CONSTANT,
            lot=PROVISION.lots[FLUSH],
            volume_nl=volume_nl,
            rate_nl_s=rate_nl_s,
            rate_end_nl_s=rate_nl_s,
            segments=bytes(24),
            treatment=PROVISION.treatment,
        )
        return typed.DoseState.from_values(self.request(messages.DOSE_ORDER, *order.values()))

    def outcome(self) -> typed.DoseState:
        while True:
            state = typed.DoseState.from_values(self.request(messages.GET_DOSE, b"a dose !"))
            if state.state in {codes.DOSE_DELIVERED, codes.DOSE_PARTIAL}:
                return state
            self.run_for(0.1)

    def stop(self) -> None:
        self._board.host_write(self._link.stop(codes.CAUSE_OPERATOR))

    def run_for(self, seconds: float) -> None:
        until_ns = self._board.now_ns + int(seconds * 1e9)
        self._run_until(lambda: self._board.now_ns >= until_ns)

    def _now_ms(self) -> int:
        return self._board.now_ns // NS_PER_MS

    def _run_until(self, done: Callable[[], bool]) -> None:
        board, link = self._board, self._link
        deadline_ns = board.now_ns + 300_000 * NS_PER_MS
        while not done():
            assert board.now_ns < deadline_ns
            if board.now_ns - self._pinged_ns >= PING_EVERY_NS:
                self._pinged_ns = board.now_ns
                link.ping(self._now_ms())
            octets = link.poll(self._now_ms())
            if octets:
                board.host_write(octets)
            board.run_until(board.now_ns + 10 * NS_PER_MS)
            for event in link.receive(board.host_read(), self._now_ms()):
                if isinstance(event, Welcome):
                    self.welcome = typed.Welcome.from_values(event.values)
                elif isinstance(event, Answer):
                    self._answers[event.seq] = event.values
                elif isinstance(event, Datagram):
                    self.heard.append((event.number, event.values))


class Bench:
    """A board with what is wired to it."""

    def __init__(self, seed: int = 1, **options: object) -> None:
        self.rig = SimulatedRig(seed=seed)
        provision_rig(self.rig, PROVISION)
        self.recorder = Recorder()
        board = make("vm", self.rig, self.recorder, **options)
        assert isinstance(board, VmBoard)
        self.board = board
        self.board.power_on()
        self.host = SteppedHost(board)

    @property
    def edges(self) -> int:
        return self.recorder.edge_count(FLUSH)


MakeBench = Callable[..., Bench]


@pytest.fixture
def make_bench() -> Iterator[MakeBench]:
    benches: list[Bench] = []

    def build(**options: Any) -> Bench:
        bench = Bench(**options)
        benches.append(bench)
        return bench

    yield build
    for bench in benches:
        bench.board.close()
