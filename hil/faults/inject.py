"""Brings faults about on a bench, at their instant, and takes them back.

Faults of one kind may overlap: what they act on is set from all that are active, and is whole again after the last.
Times are those of the bench's loop; nothing happens while plain code moves the bench without it.
"""

import asyncio
import os
import signal
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from hil.faults import vocabulary as v
from hil.faults.disturb import settle_patient, settle_sensor, settle_syringe
from hil.faults.link import LinkFaults
from hil.faults.records import ScheduleError
from hil.plant.chips import ErrorCountdown
from hil.plant.noise import stream
from hil.plant.parameters import NS_PER_S

FaultT = TypeVar("FaultT", bound=v.Fault)

_US_PER_S = 1_000_000
NS_PER_US = 1_000
FOOT_US = 200_000
"""How long a person stands on the foot switch."""

_LOOK_S = 0.001
_RAMP_STEPS = 20
_SHARES = {
    v.LinkDrop: "drop",
    v.LinkDuplicate: "duplicate",
    v.LinkDelay: "delay",
    v.LinkCorrupt: "corrupt",
    v.LinkReorder: "reorder",
    v.LinkGarbage: "garbage",
}


@dataclass(frozen=True, slots=True)
class Struck:
    """A fault that began, or ended, at an instant of the bench."""

    now_ns: int
    fault: v.Fault
    begins: bool


class Injector:
    """Faults on one bench. ``begin`` and ``end`` act now, ``plan`` when each fault says, ``mend`` ends them all.

    Args:
        bench: a ``hil.bench.Bench``.
        kill_host: called with the seconds until the host comes back, for a host that can be killed.
    """

    def __init__(self, bench: Any, kill_host: Callable[[float], None] | None = None) -> None:
        self._bench = bench
        self._kill_host = kill_host
        self._timers: set[asyncio.TimerHandle] = set()
        self._off_at_fram_octet: list[v.PowerOffAtFramOctet] = []
        self._feet = 0
        self.active: list[v.Fault] = []
        self.log: list[Struck] = []
        self.power: list[tuple[int, bool]] = []
        """Instants at which the controller lost its supply (False) or got it again (True)."""

    def plan(self, faults: Iterable[v.Fault]) -> None:
        """Let each fault begin and end when it says; what is past begins at once."""
        for fault in faults:
            self._at(fault.at_us, partial(self.begin, fault))
            if isinstance(fault, v.Lasting) and not isinstance(fault, v.PowerOffAtFramOctet):
                self._at(fault.until_us, partial(self.end, fault))

    def begin(self, fault: v.Fault) -> None:
        """Let a fault begin now."""
        self._note(fault, begins=True)
        if isinstance(fault, v.Lasting):
            self.active.append(fault)
            self._settle(fault)
        else:
            _AT_ONCE[type(fault)](self, fault)

    def end(self, fault: v.Fault) -> None:
        """Let a fault end now; one that is not active is none."""
        if fault in self.active:
            self.active.remove(fault)
            self._settle(fault)
            self._note(fault, begins=False)

    def mend(self) -> None:
        """End every fault and forget the planned ones; the controller has power again."""
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()
        self._off_at_fram_octet.clear()
        self._bench.plant.fram.cut_power_after(None)
        for fault in list(self.active):
            self.end(fault)
        self._feet = 0
        self._settle_foot()
        self._settle_power()

    def press_foot(self, after_us: int = 0) -> None:
        """Let a person press the foot switch so much later, and let it go again."""

        def press(change: int) -> None:
            self._feet += change
            self._settle_foot()

        self._after(after_us / _US_PER_S, lambda: press(1))
        self._after((after_us + FOOT_US) / _US_PER_S, lambda: press(-1))

    def powered(self) -> bool:
        """Tell whether the controller has its supply."""
        board = self._bench.board
        mcu = getattr(board, "mcu", None)
        return bool(mcu.powered) if mcu is not None else board.chip is not None

    # Time.

    def _at(self, at_us: int, action: Callable[[], None]) -> None:
        self._after(max(0.0, at_us / _US_PER_S - self._bench.now_s), action)

    def _after(self, delay_s: float, action: Callable[[], None]) -> None:
        def act() -> None:
            self._timers.discard(timer)
            action()

        timer = self._bench.loop.call_later(delay_s, act)
        self._timers.add(timer)

    def _note(self, fault: v.Fault, *, begins: bool) -> None:
        self.log.append(Struck(self._bench.now_ns, fault, begins))

    # What the active faults amount to.

    def _of(self, kind: type[FaultT]) -> list[FaultT]:
        return [fault for fault in self.active if isinstance(fault, kind)]

    def _settle(self, fault: v.Fault) -> None:
        if isinstance(fault, v.SensorFault):
            self._settle_sensor(fault.sensor)
        elif isinstance(fault, v.LinkFault):
            self.settle_link()
        elif isinstance(fault, v.ChannelFault):
            settle_syringe(self._bench.plant, fault, self._channel(fault.channel))
        elif isinstance(fault, v.PatientFault):
            settle_patient(self._signs(fault), fault, self._of(v.PatientFault))
        else:
            _SETTLE[type(fault)](self)

    def _signs(self, fault: v.Fault) -> Any:
        patient = self._bench.patient
        if patient is None:
            raise ScheduleError(fault.KIND, "nobody lies at the tip", "Admit a patient: hil.patient.at_the_tip(bench).")
        return patient.vital_signs

    def settle_link(self) -> None:
        """Put the cable in and the link's faults on it, as the active faults say."""
        link = self._bench.link
        cuts = self._of(v.LinkCut)
        faults = {name: self._direction(name, cuts) for name in ("to_device", "to_host")}
        if not cuts:
            link.plug()
        link.set_faults(**faults)

    def _direction(self, name: str, cuts: list[v.LinkCut]) -> LinkFaults:
        here = [fault for fault in self._of(v.LinkFault) if fault.direction in (name, "both")]
        shares = dict.fromkeys(_SHARES.values(), 0.0)
        longest_ms = 0
        for fault in here:
            if share := _SHARES.get(type(fault)):
                shares[share] = min(1.0, shares[share] + fault.permille / 1000)  # type: ignore[attr-defined]
            if isinstance(fault, v.LinkDelay):
                longest_ms = max(longest_ms, fault.longest_ms)
        limits = [cut.octets for cut in cuts if cut in here]
        return LinkFaults(**shares, max_delay_s=longest_ms / 1000, cut_after_octets=min(limits) if limits else None)

    def _settle_power(self) -> None:
        off = bool(self._of(v.PowerOff))
        if off and self.powered():
            self._bench.power_off()
            self.power.append((self._bench.now_ns, False))
        elif not off and not self.powered():
            self._bench.power_on()
            self.power.append((self._bench.now_ns, True))

    def _arm_fram(self) -> None:
        """Lose the power in the middle of a write. It comes back some time after it was lost."""
        armed = [fault for fault in self._of(v.PowerOffAtFramOctet) if fault not in self._off_at_fram_octet]
        for fault in armed:
            self._off_at_fram_octet.append(fault)
            self._bench.plant.fram.cut_power_after(fault.octets)
            self._look_for_power(fault)

    def _look_for_power(self, fault: v.PowerOffAtFramOctet) -> None:
        if self.powered() or self._of(v.PowerOff):
            self._after(_LOOK_S, lambda: self._look_for_power(fault))
            return

        def back() -> None:
            self.end(fault)
            self._settle_power()

        self.power.append((self._bench.now_ns, False))
        self._after(fault.for_us / _US_PER_S, back)

    def _settle_supply(self) -> None:
        self._bench.plant.dip_supply(bool(self._of(v.SupplyDip)))

    def _settle_sensor(self, sensor: str) -> None:
        faults = [fault for fault in self._of(v.SensorFault) if fault.sensor == sensor]
        settle_sensor(self._bench.plant, sensor, faults)

    def _channel(self, channel: int) -> list[v.ChannelFault]:
        return [fault for fault in self._of(v.ChannelFault) if fault.channel == channel]

    def _settle_buses(self) -> None:
        plant = self._bench.plant
        for bus in range(2):
            plant.buses.hold(bus, any(fault.bus == bus for fault in self._of(v.BusStuck)))
            plant.buses.disturb(bus, self._errors("nak", [f for f in self._of(v.BusNak) if f.bus == bus]))
        plant.flow_chip.more_errors = self._errors("crc", [f for f in self._of(v.BusCrc) if f.bus == 0])

    def _errors(self, name: str, faults: list[Any]) -> ErrorCountdown | None:
        if not faults:
            return None
        rate = max(fault.permille for fault in faults) / 1000
        return ErrorCountdown(rate, stream(self._bench.seed, f"fault {name} {self._bench.now_ns}"))

    # The plant.

    def _settle_occlusion(self) -> None:
        found = self._of(v.Occlusion)
        self._bench.plant.occlude(max((self._closed(fault) for fault in found), default=0.0))
        ramps = [fault for fault in found if fault.over_us and self._closed(fault) < fault.percent / 100]
        if ramps:
            step_s = max(min(fault.over_us for fault in ramps) / _RAMP_STEPS / _US_PER_S, _LOOK_S)
            self._after(step_s, self._settle_occlusion)

    def _closed(self, fault: v.Occlusion) -> float:
        if not fault.over_us:
            return fault.percent / 100
        since_us: int = self._bench.now_ns // NS_PER_US - fault.at_us
        return fault.percent / 100 * min(1.0, max(0.0, since_us / fault.over_us))

    def _settle_clog(self) -> None:
        self._bench.plant.clog(max((fault.percent / 100 for fault in self._of(v.Clog)), default=0.0))

    def _settle_leak(self) -> None:
        self._bench.plant.leak(max((fault.conductance_nl_s_kpa for fault in self._of(v.Leak)), default=0))

    def _settle_spill(self) -> None:
        self._bench.plant.spill(max((fault.conductance_nl_s_kpa for fault in self._of(v.Spill)), default=0))

    def _settle_valve(self) -> None:
        self._bench.plant.stick_valve(bool(self._of(v.ValveStuck)))

    def _settle_bubble(self) -> None:
        self._bench.plant.put_bubble(bool(self._of(v.Bubble)))

    def _settle_estop(self) -> None:
        self._bench.plant.press_estop(bool(self._of(v.EmergencyStop)))

    def _settle_door(self) -> None:
        self._bench.plant.open_door(bool(self._of(v.DoorOpen)))

    def _settle_foot(self) -> None:
        self._bench.plant.press_footswitch(self._feet > 0 or bool(self._of(v.FootSwitchHeld)))

    # What happens at once.

    def _hang(self, _fault: v.Fault) -> None:
        if self.powered():
            self._bench.board.hang()

    def _kill(self, _fault: v.Fault) -> None:
        if self.powered():
            pid = getattr(self._bench.board, "pid", None)
            if pid is not None:
                os.kill(pid, signal.SIGKILL)
            self._bench.board.hang()

    def _reset(self, _fault: v.Fault) -> None:
        board = self._bench.board
        if not self.powered():
            return
        if hasattr(board, "reset"):
            board.reset()
        else:
            board.power_off()
            board.power_on()

    def _end_host(self, fault: v.Fault) -> None:
        assert isinstance(fault, v.HostKilled)
        if self._kill_host is not None:
            self._kill_host(fault.back_after_us / _US_PER_S)


_SETTLE: dict[type[v.Fault], Callable[[Injector], None]] = {
    v.PowerOff: Injector._settle_power,
    v.PowerOffAtFramOctet: Injector._arm_fram,
    v.SupplyDip: Injector._settle_supply,
    v.BusStuck: Injector._settle_buses,
    v.BusNak: Injector._settle_buses,
    v.BusCrc: Injector._settle_buses,
    v.Occlusion: Injector._settle_occlusion,
    v.Clog: Injector._settle_clog,
    v.Leak: Injector._settle_leak,
    v.Spill: Injector._settle_spill,
    v.ValveStuck: Injector._settle_valve,
    v.Bubble: Injector._settle_bubble,
    v.EmergencyStop: Injector._settle_estop,
    v.DoorOpen: Injector._settle_door,
    v.FootSwitchHeld: Injector._settle_foot,
}
_AT_ONCE: dict[type[v.Fault], Callable[[Injector, v.Fault], None]] = {
    v.FirmwareHang: Injector._hang,
    v.FirmwareReset: Injector._reset,
    v.FirmwareKilled: Injector._kill,
    v.HostKilled: Injector._end_host,
}
assert NS_PER_S == NS_PER_US * _US_PER_S
