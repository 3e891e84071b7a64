"""The bench: one rig, one board, one recorder, one clock."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

from hil.bench_link import BenchLink, BenchTransport
from hil.boards import base
from hil.faults import LinkFaults
from hil.issuer import Issuer
from hil.plant import PlantParameters
from hil.plant.noise import stream
from hil.plant.parameters import NS_PER_S
from hil.provision import Provision, provision_rig
from hil.recorder import EdgeRun, Recorder
from hil.virtual_time import RUN_LIMIT_S, LeakedTasksError, VirtualTimeLoop, cancel, close, complete

if TYPE_CHECKING:
    from host.rig import Rig

T = TypeVar("T")


class Bench:
    """Builds a rig on any board and moves its time.

    ``run_for`` and ``run_until_ns`` move time from plain code; coroutines, which ``run`` runs, move it by waiting.
    """

    def __init__(
        self,
        target: str = "twin",
        seed: int = 1,
        parameters: PlantParameters | None = None,
        *,
        power: bool = True,
        provisioned: bool = True,
        provision: Provision | None = None,
        **options: Any,
    ) -> None:
        """``options`` go to the board. Without ``power`` the controller waits for ``power_on``.

        A ``provisioned`` rig has a serial, keys, ceilings, an open treatment and good cartridges: those of
        ``provision``, or what the seed draws. A real board has what somebody gave it: ``provision`` says what.
        """
        self.target = target
        self.seed = seed
        self.options = options
        self.powered_at_first = power
        self.plant = base.make_rig(target, parameters, seed)
        self.patient: Any = None  # who lies at the tip: see hil.patient.at_the_tip
        self.provision: Provision | None = None
        if target == "serial":
            self.provision = provision
        elif provisioned:
            self.provision = provision or Provision.of_seed(seed)
            provision_rig(self.plant, self.provision)
        self._issuer: Issuer | None = None
        self.recorder = Recorder()
        self.board: Any = base.make(target, self.plant, self.recorder, **options)
        self.link = BenchLink(self.board, seed)
        self.loop = VirtualTimeLoop(self)
        if power:
            try:
                self.board.power_on()
            except BaseException:
                self.close()
                raise

    # Time.

    @property
    def now_ns(self) -> int:
        """The time reached, ns since power-on of the bench."""
        now_ns: int = self.board.now_ns
        return now_ns

    @property
    def now_s(self) -> float:
        """The time reached, s."""
        return self.now_ns / NS_PER_S

    def advance(self, until_ns: int) -> bool:
        """Run to ``until_ns``, or up to octets for a reader; True when there were any."""
        self.board.run_until(until_ns)
        octets = self.board.host_read()
        return bool(octets) and self.link.deliver(octets)

    def run_until_ns(self, until_ns: int) -> None:
        """Run to this time; octets for the host wait in its transport, or are lost where there is none.

        A bus transfer that is under way then is ended first; an act at an exact instant goes through ``plant.at``.
        """
        while self.now_ns < until_ns:
            self.advance(until_ns)

    def run_for(self, duration_s: float) -> None:
        """Run for so many seconds."""
        self.run_until_ns(self.now_ns + round(duration_s * NS_PER_S))

    def run(self, coroutine: Coroutine[Any, Any, T], limit_s: float = RUN_LIMIT_S) -> T:
        """Run a coroutine on the bench's loop until it ends. Raises LeakedTasksError when it left tasks behind."""
        return complete(self.loop, coroutine, limit_s)

    # Power.

    def power_on(self) -> None:
        """Give the controller its supply."""
        self.board.power_on()

    def power_off(self) -> None:
        """Take the controller's supply away."""
        self.board.power_off()

    def power_cycle(self, off_s: float = 0.1) -> None:
        """Take the supply away for so many seconds and give it back."""
        self.power_off()
        self.run_for(off_s)
        self.power_on()

    # Link.

    def transport(self) -> BenchTransport:
        """Open the host's end of the link. An earlier transport ends with an error, as when a port is opened anew."""
        transport = self.link.open()
        transport.issuer = self.issuer() if self.provision is not None else None
        return transport

    def issuer(self) -> Issuer:
        """Return the simulated monitor and clinic whose keys this rig holds; one for all of its hosts."""
        assert self.provision is not None, "this rig is not provisioned"
        if self._issuer is None:
            self._issuer = Issuer(self.provision)
        return self._issuer

    def set_link_faults(self, to_device: LinkFaults | None = None, to_host: LinkFaults | None = None) -> None:
        """Put faults between host and UART; None lets every octet pass."""
        self.link.set_faults(to_device or LinkFaults(), to_host or LinkFaults())

    async def connect(self, **options: Any) -> Rig:
        """Return a connected rig client, which the caller closes; ``options`` go to ``host.rig.Rig``."""
        from host.rig import Rig  # noqa: PLC0415 -- the host is loaded only where it is wanted

        async def open_transport() -> BenchTransport:
            return self.transport()

        # What the host draws comes from the seed too: one seed is one run, to the octet.
        options.setdefault("random_octets", stream(self.seed, f"host {self.now_ns}").randbytes)
        options.setdefault("operator", "bench")
        rig = Rig(open_transport, **options)
        await rig.__aenter__()
        return rig

    # People and measurements.

    def press_footswitch(self, duration_s: float = 0.2, after_s: float = 0.0) -> None:
        """Press the foot switch and let it go after so many seconds."""
        start_ns = self.plant.now_ns + round(after_s * NS_PER_S)
        self.plant.at(start_ns, self.plant.press_footswitch)
        self.plant.at(start_ns + round(duration_s * NS_PER_S), lambda: self.plant.press_footswitch(False))

    def weigh_nl(self) -> float:
        """Read the scale at the tip, nL."""
        return self.plant.weigh_nl(self.now_ns)

    def weigh_waste_nl(self) -> float:
        """Read the scale under the waste, nL."""
        return self.plant.weigh_waste_nl(self.now_ns)

    def edges(self, channel: int) -> list[EdgeRun]:
        """Return the step edges at the pin as runs."""
        return [run for run in self.recorder.edges if run.channel == channel]

    def edge_count(self, channel: int) -> int:
        """Return the number of step edges at the pin."""
        return self.recorder.edge_count(channel)

    # End.

    def close(self) -> None:
        """Let go of everything. Raises LeakedTasksError when tasks were still running."""
        if self.loop.is_closed():
            return
        leaked = asyncio.all_tasks(self.loop)
        names = ", ".join(sorted(str(task.get_coro()) for task in leaked))
        cancel(self.loop, leaked)
        close(self.loop)
        self.board.close()
        if leaked:
            raise LeakedTasksError(f"still running when the bench was closed: {names}")

    def __enter__(self) -> Bench:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            self.close()
        except LeakedTasksError:
            if kind is None:
                raise
