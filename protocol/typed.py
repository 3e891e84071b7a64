"""Every message as a class, for host and bench. Written by ``python -m protocol.generate``."""

from dataclasses import astuple, dataclass
from typing import Any, ClassVar, Self


class Message:
    """What all messages have in common."""

    __slots__ = ()
    NUMBER: ClassVar[int]

    @classmethod
    def from_values(cls, values: tuple[Any, ...]) -> Self:
        """Build the message from the values that the link gives, in the order of the declaration."""
        return cls(*values)

    def values(self) -> tuple[Any, ...]:
        """Return the values in the order in which the link takes them."""
        return astuple(self)  # type: ignore[call-overload, no-any-return]


@dataclass(frozen=True, slots=True)
class Hello(Message):
    """HELLO: request, to device."""

    NUMBER: ClassVar[int] = 0x01

    host_nonce: bytes
    """Random, echoed in WELCOME."""
    schema: bytes
    """Schema hash of the host."""


@dataclass(frozen=True, slots=True)
class Ping(Message):
    """PING: datagram, to device."""

    NUMBER: ClassVar[int] = 0x02

    token: int
    """Echoed in PONG; any number below 2^30."""


@dataclass(frozen=True, slots=True)
class DoseOrder(Message):
    """DOSE_ORDER: request, to device."""

    NUMBER: ClassVar[int] = 0x03

    dose_id: bytes
    """Random, never all zero, never used again."""
    last_dose_id: bytes
    """The last dose its sender knows of, all zero for none."""
    boot: bytes
    """Boot nonce from WELCOME."""
    session: bytes
    """Session nonce from WELCOME."""
    expires_ms: int
    """Device clock after which the order is refused (ms)."""
    kind: int
    """What is asked for, one of codes' kind numbers."""
    channel: int
    """Pump channel, one of codes' channel numbers."""
    profile: int
    """Rate profile, one of codes' profile numbers."""
    lot: bytes
    """Lot of the cartridge, all zero for saline."""
    volume_nl: int
    """Volume asked for (nL)."""
    rate_nl_s: int
    """Rate asked for (nL/s)."""


@dataclass(frozen=True, slots=True)
class GetDose(Message):
    """GET_DOSE: request, to device."""

    NUMBER: ClassVar[int] = 0x04

    dose_id: bytes
    """The dose asked about."""


@dataclass(frozen=True, slots=True)
class Pause(Message):
    """PAUSE: request, to device."""

    NUMBER: ClassVar[int] = 0x05

    dose_id: bytes
    """The running dose."""


@dataclass(frozen=True, slots=True)
class Resume(Message):
    """RESUME: request, to device."""

    NUMBER: ClassVar[int] = 0x06

    dose_id: bytes
    """The paused dose; resumes on the foot switch within 10 s."""


@dataclass(frozen=True, slots=True)
class Clear(Message):
    """CLEAR: request, to device."""

    NUMBER: ClassVar[int] = 0x07


@dataclass(frozen=True, slots=True)
class GetStatus(Message):
    """GET_STATUS: request, to device."""

    NUMBER: ClassVar[int] = 0x08


@dataclass(frozen=True, slots=True)
class Stop(Message):
    """STOP: urgent, to device."""

    NUMBER: ClassVar[int] = 0x0F

    cause: int
    """Operator, or why the host stops, one of codes' cause numbers."""


@dataclass(frozen=True, slots=True)
class Welcome(Message):
    """WELCOME: answer, to host."""

    NUMBER: ClassVar[int] = 0x81

    host_nonce: bytes
    """From HELLO."""
    session: bytes
    """Nonce of this link session."""
    boot: bytes
    """Boot counter (4 octets) and random (4 octets)."""
    schema: bytes
    """Schema hash of the device."""
    firmware: bytes
    """First octets of the SHA-256 of the firmware's sources."""
    implementation: bytes
    """Python that runs the firmware, zero-padded."""
    version: bytes
    """Its version, zero-padded."""
    board: bytes
    """Board the firmware runs on, zero-padded."""
    last_dose_id: bytes
    """Last dose of this boot, all zero for none."""
    uptime_ms: int
    """Device clock, wraps at 2^30 (ms)."""
    tick_ms: int
    """Period of the control tick (ms)."""


@dataclass(frozen=True, slots=True)
class Pong(Message):
    """PONG: datagram, to host."""

    NUMBER: ClassVar[int] = 0x82

    token: int
    """From PING."""
    uptime_ms: int
    """Device clock, wraps at 2^30 (ms)."""


@dataclass(frozen=True, slots=True)
class DoseState(Message):
    """DOSE_STATE: answer, to host."""

    NUMBER: ClassVar[int] = 0x83

    dose_id: bytes
    """The dose."""
    state: int
    """Its state, one of codes' dose_state numbers."""
    reason: int
    """Why the request was refused, none when it was not, one of codes' reason numbers."""
    cause: int
    """What ended or paused the dose, one of codes' cause numbers."""
    channel: int
    """Pump channel, one of codes' channel numbers."""
    asked_nl: int
    """Volume asked for (nL)."""
    asked_steps: int
    """Micro-steps that make the volume (steps)."""
    emitted_steps: int
    """Steps that left the pin; a lower bound while flowing (steps)."""
    granted_steps: int
    """Upper bound of the same; equal to emitted_steps at rest (steps)."""
    emitted_nl: int
    """Emitted_steps as nominal volume (nL)."""
    patient_min_nl: int
    """Volume through the tip, at least (nL)."""
    patient_max_nl: int
    """Volume through the tip, at most (nL)."""
    waste_min_nl: int
    """Volume to waste, at least (nL)."""
    waste_max_nl: int
    """Volume to waste, at most (nL)."""
    nearest: int
    """Nearest allowed value of what was refused, 0 for none (nL, nL/s or ms)."""
    uptime_ms: int
    """Device clock, wraps at 2^30 (ms)."""


@dataclass(frozen=True, slots=True)
class Status(Message):
    """STATUS: answer, to host."""

    NUMBER: ClassVar[int] = 0x84

    uptime_ms: int
    """Device clock, wraps at 2^30 (ms)."""
    device_state: int
    """State of the device, one of codes' device_state numbers."""
    stop_cause: int
    """Latched cause of the stop, none when not stopped, one of codes' cause numbers."""
    pause_cause: int
    """Why the running dose is paused, none when it is not, one of codes' cause numbers."""
    inputs: int
    """INPUT_ bits, as on the pins (bits)."""
    sensor_faults: int
    """FAULT_ bits (bits)."""
    reason: int
    """Why the request was refused, none when it was not, one of codes' reason numbers."""
    dose_id: bytes
    """Running or last dose of this boot, all zero for none."""
    dose_state: int
    """Its state, one of codes' dose_state numbers."""
    reset_cause: int
    """As the board reports it."""
    emitted_total_nl: int
    """Emitted since boot, all doses (nL)."""
    max_dose_nl: int
    """Ceiling of one dose (nL)."""
    max_rate_nl_s: int
    """Ceiling of the rate (nL/s)."""
    max_total_nl: int
    """Ceiling of all doses since boot (nL)."""


@dataclass(frozen=True, slots=True)
class Stopped(Message):
    """STOPPED: datagram, to host."""

    NUMBER: ClassVar[int] = 0x85

    cause: int
    """Latched cause, the first one, one of codes' cause numbers."""
    was_stopped: int
    """1 when the stop was latched before."""
    latency_us: int
    """From the stop seen by the firmware to the step gate shut (us)."""
    dose_id: bytes
    """Dose that was ended, all zero for none."""
    emitted_steps: int
    """Emitted of that dose, exact (steps)."""
    uptime_ms: int
    """Device clock, wraps at 2^30 (ms)."""


@dataclass(frozen=True, slots=True)
class Refused(Message):
    """REFUSED: answer, to host."""

    NUMBER: ClassVar[int] = 0x86

    number: int
    """Number of the refused message."""
    reason: int
    """Why, one of codes' reason numbers."""
    schema: bytes
    """Schema hash of the device."""


@dataclass(frozen=True, slots=True)
class Telemetry(Message):
    """TELEMETRY: datagram, to host."""

    NUMBER: ClassVar[int] = 0x90

    uptime_ms: int
    """Device clock, wraps at 2^30 (ms)."""
    device_state: int
    """State of the device, one of codes' device_state numbers."""
    stop_cause: int
    """Latched cause of the stop, none when not stopped, one of codes' cause numbers."""
    pause_cause: int
    """Why the running dose is paused, none when it is not, one of codes' cause numbers."""
    inputs: int
    """INPUT_ bits, as on the pins (bits)."""
    sensor_faults: int
    """FAULT_ bits (bits)."""
    dose_id: bytes
    """Running or last dose of this boot, all zero for none."""
    dose_state: int
    """Its state, one of codes' dose_state numbers."""
    emitted_steps: int
    """Of that dose; a lower bound while flowing (steps)."""
    granted_steps: int
    """Upper bound of the same (steps)."""
    emitted_nl: int
    """Emitted_steps as nominal volume (nL)."""
    rate_nl_s: int
    """Rate commanded now (nL/s)."""
    pressure_pa: int
    """Line pressure, filtered (Pa)."""
    flow_nl_s: int
    """Flow sensor (nL/s)."""
    temperature_mdegc: int
    """Liquid at the flow sensor (m degC)."""
    supply_mv: int
    """Motor and valve supply (mV)."""


@dataclass(frozen=True, slots=True)
class LinkStats(Message):
    """LINK_STATS: datagram, to host."""

    NUMBER: ClassVar[int] = 0x91

    frames_in: int
    """Valid frames received (frames)."""
    bad_crc: int
    """Dropped: CRC (frames)."""
    bad_frames: int
    """Dropped: COBS, length or unknown number (frames)."""
    duplicates: int
    """Requests answered from the cache (frames)."""
    dropped: int
    """Dropped: queue full (frames)."""
    ticks: int
    """Ticks run since boot (ticks)."""
    ticks_late: int
    """Ticks that began more than half a period late (ticks)."""
    tick_mean_us: int
    """Mean of the last second (us)."""
    tick_max_us: int
    """Worst since boot (us)."""
    heap_free: int
    """Free heap after the last collection, 0 where there is no such figure (octets)."""


BY_NUMBER: dict[int, type[Message]] = {
    0x01: Hello,
    0x02: Ping,
    0x03: DoseOrder,
    0x04: GetDose,
    0x05: Pause,
    0x06: Resume,
    0x07: Clear,
    0x08: GetStatus,
    0x0F: Stop,
    0x81: Welcome,
    0x82: Pong,
    0x83: DoseState,
    0x84: Status,
    0x85: Stopped,
    0x86: Refused,
    0x90: Telemetry,
    0x91: LinkStats,
}
"""The class of each message number."""
