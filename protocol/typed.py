"""Every message as a class, for host and bench. Written by ``python -m protocol.generate``."""

from dataclasses import astuple, dataclass
from struct import pack
from typing import Any, ClassVar, Self

from protocol.messages import FORMATS


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

    def body(self) -> bytes:
        """Return the octets of the message's body, as they go on the wire."""
        return pack(FORMATS[self.NUMBER], *self.values())


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
    """Lot of the cartridge."""
    volume_nl: int
    """Volume asked for, of all pieces (nL)."""
    rate_nl_s: int
    """Rate at the beginning (nL/s)."""
    rate_end_nl_s: int
    """Rate at the end of the first piece; equal to rate_nl_s when constant (nL/s)."""
    segments: bytes
    """Three more pieces: volume (4 octets), rate at begin and end (2 each), zero for none (nL, nL/s)."""
    treatment: bytes
    """The open treatment, all zero for what goes to waste."""


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
class Permit(Message):
    """PERMIT: request, to device."""

    NUMBER: ClassVar[int] = 0x09

    rig: bytes
    """Serial of the rig, from WELCOME."""
    boot: bytes
    """Boot nonce from WELCOME."""
    counter: int
    """Above every counter of this slot in this boot; below 2^30."""
    treatment: bytes
    """The open treatment."""
    lot: bytes
    """Lot of the cartridge."""
    dose_id: bytes
    """The one dose that may flow."""
    expires_ms: int
    """Device clock at which it ends, 2 s ahead at most (ms)."""
    volume_nl: int
    """What may leave the pin under it, counted from its acceptance (nL)."""
    rate_nl_s: int
    """Highest rate (nL/s)."""
    tag: bytes
    """Authentication tag."""


@dataclass(frozen=True, slots=True)
class OpenTreatment(Message):
    """OPEN_TREATMENT: request, to device."""

    NUMBER: ClassVar[int] = 0x0A

    boot: bytes
    """Boot nonce from WELCOME."""
    counter: int
    """Above every counter of this slot in this boot; below 2^30."""
    treatment: bytes
    """Id of the new treatment, never all zero."""
    day: int
    """Date, days since 2000-01-01 (days)."""
    screening: int
    """What the screening has found, one of codes' screening numbers."""
    residual_nl: int
    """Residual burden; 2^30 - 1 when not known (nL)."""
    agent_dose_nl: int
    """Ceiling of one dose of agent (nL)."""
    agent_rate_nl_s: int
    """Ceiling of the agent's rate (nL/s)."""
    agent_total_nl: int
    """Ceiling of all agent in one treatment (nL)."""
    window_nl: int
    """Ceiling of agent in any window (nL)."""
    window_s: int
    """Length of the window (s)."""
    counter_dose_nl: int
    """Ceiling of one dose of counter-agent (nL)."""
    counter_total_nl: int
    """Ceiling of all counter-agent in one treatment (nL)."""
    flush_dose_nl: int
    """Ceiling of one flush (nL)."""
    flush_total_nl: int
    """Ceiling of all flushes in one treatment (nL)."""
    tag: bytes
    """Authentication tag."""


@dataclass(frozen=True, slots=True)
class CloseTreatment(Message):
    """CLOSE_TREATMENT: request, to device."""

    NUMBER: ClassVar[int] = 0x0B

    boot: bytes
    """Boot nonce from WELCOME."""
    counter: int
    """Above every counter of this slot in this boot; below 2^30."""
    treatment: bytes
    """The open treatment."""
    tag: bytes
    """Authentication tag."""


@dataclass(frozen=True, slots=True)
class SetCeilings(Message):
    """SET_CEILINGS: request, to device."""

    NUMBER: ClassVar[int] = 0x0C

    boot: bytes
    """Boot nonce from WELCOME."""
    counter: int
    """Above every counter of this slot in this boot; below 2^30."""
    agent_dose_nl: int
    """Ceiling of one dose of agent (nL)."""
    agent_rate_nl_s: int
    """Ceiling of the agent's rate (nL/s)."""
    agent_total_nl: int
    """Ceiling of all agent in one treatment (nL)."""
    window_nl: int
    """Ceiling of agent in any window (nL)."""
    window_s: int
    """Length of the window (s)."""
    counter_dose_nl: int
    """Ceiling of one dose of counter-agent (nL)."""
    counter_total_nl: int
    """Ceiling of all counter-agent in one treatment (nL)."""
    flush_dose_nl: int
    """Ceiling of one flush (nL)."""
    flush_total_nl: int
    """Ceiling of all flushes in one treatment (nL)."""
    tag: bytes
    """Authentication tag."""


@dataclass(frozen=True, slots=True)
class SetPressureLimit(Message):
    """SET_PRESSURE_LIMIT: request, to device."""

    NUMBER: ClassVar[int] = 0x1C

    boot: bytes
    """Boot nonce from WELCOME."""
    counter: int
    """Above every counter of this slot in this boot; below 2^30."""
    limit_pa: int
    """Line pressure above which flow is stopped, 14,000 to 138,000 (Pa)."""
    tag: bytes
    """Authentication tag."""


@dataclass(frozen=True, slots=True)
class SetDate(Message):
    """SET_DATE: request, to device."""

    NUMBER: ClassVar[int] = 0x0D

    boot: bytes
    """Boot nonce from WELCOME."""
    counter: int
    """Above every counter of this slot in this boot; below 2^30."""
    day: int
    """Date, days since 2000-01-01 (days)."""
    tag: bytes
    """Authentication tag."""


@dataclass(frozen=True, slots=True)
class Hold(Message):
    """HOLD: request, to device."""

    NUMBER: ClassVar[int] = 0x0E

    boot: bytes
    """Boot nonce from WELCOME."""
    counter: int
    """Above every counter of this slot in this boot; below 2^30."""
    treatment: bytes
    """The open treatment."""
    hold: int
    """Hold: no agent; stop: the rig stops, too, one of codes' hold numbers."""
    tag: bytes
    """Authentication tag."""


@dataclass(frozen=True, slots=True)
class ClearByClinician(Message):
    """CLEAR_BY_CLINICIAN: request, to device."""

    NUMBER: ClassVar[int] = 0x10

    boot: bytes
    """Boot nonce from WELCOME."""
    counter: int
    """Above every counter of this slot in this boot; below 2^30."""
    tag: bytes
    """Authentication tag."""


@dataclass(frozen=True, slots=True)
class Resolve(Message):
    """RESOLVE: request, to device."""

    NUMBER: ClassVar[int] = 0x11

    dose_id: bytes
    """The unknown dose, which stays counted in full; a person confirms."""


@dataclass(frozen=True, slots=True)
class Acknowledge(Message):
    """ACKNOWLEDGE: request, to device."""

    NUMBER: ClassVar[int] = 0x12

    alarms: int
    """Alarm n is bit n - 1 (bits)."""


@dataclass(frozen=True, slots=True)
class PauseAudio(Message):
    """PAUSE_AUDIO: request, to device."""

    NUMBER: ClassVar[int] = 0x13

    duration_s: int
    """120 at most; 0 ends a pause (s)."""


@dataclass(frozen=True, slots=True)
class TestAlarms(Message):
    """TEST_ALARMS: request, to device."""

    NUMBER: ClassVar[int] = 0x14


@dataclass(frozen=True, slots=True)
class SetCalibration(Message):
    """SET_CALIBRATION: request, to device."""

    NUMBER: ClassVar[int] = 0x15

    dose_id: bytes
    """The calibration run, delivered in this boot."""
    weighed_nl: int
    """What the technician weighed of it; a person confirms (nL)."""


@dataclass(frozen=True, slots=True)
class GetCalibration(Message):
    """GET_CALIBRATION: request, to device."""

    NUMBER: ClassVar[int] = 0x16

    channel: int
    """Pump channel, one of codes' channel numbers."""


@dataclass(frozen=True, slots=True)
class GetTreatment(Message):
    """GET_TREATMENT: request, to device."""

    NUMBER: ClassVar[int] = 0x17


@dataclass(frozen=True, slots=True)
class GetCartridge(Message):
    """GET_CARTRIDGE: request, to device."""

    NUMBER: ClassVar[int] = 0x18

    channel: int
    """Pump channel, one of codes' channel numbers."""


@dataclass(frozen=True, slots=True)
class GetRecord(Message):
    """GET_RECORD: request, to device."""

    NUMBER: ClassVar[int] = 0x19

    sequence: int
    """Number of the journal's record."""


@dataclass(frozen=True, slots=True)
class SetKey(Message):
    """SET_KEY: request, to device."""

    NUMBER: ClassVar[int] = 0x1A

    slot: int
    """Key slot, one of codes' slot numbers."""
    generation: int
    """Above that of the key it replaces; below 2^30."""
    key: bytes
    """The key, random."""


@dataclass(frozen=True, slots=True)
class SetRig(Message):
    """SET_RIG: request, to device."""

    NUMBER: ClassVar[int] = 0x1B

    rig: bytes
    """Serial of the rig; set once."""


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
    rig: bytes
    """Serial of the rig, all zero before it is set."""
    last_dose_id: bytes
    """Last dose, of earlier boots too, all zero for none."""
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
    kind: int
    """What was asked for, 0 when not known, one of codes' kind numbers."""
    channel: int
    """Pump channel, one of codes' channel numbers."""
    asked_nl: int
    """Volume asked for (nL)."""
    asked_steps: int
    """Micro-steps of the volume, and those that clear the line before a rescue (steps)."""
    emitted_steps: int
    """Steps that left the pin; a lower bound while flowing or unknown (steps)."""
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
    """Running or last dose, all zero for none."""
    dose_state: int
    """Its state, one of codes' dose_state numbers."""
    hold_cause: int
    """Patient cause that keeps agent from flowing, none when nothing does, one of codes' cause numbers."""
    unresolved_id: bytes
    """Unknown dose that nobody has resolved, all zero for none."""
    reset_cause: int
    """As the board reports it."""
    last_fault: int
    """What ended the boot before, none when nothing did, one of codes' cause numbers."""
    last_state: int
    """State of the device when the boot before ended, one of codes' device_state numbers."""
    self_test: int
    """SELF_TEST_ bits: parts that failed or wait for a person (bits)."""
    emitted_total_nl: int
    """To the patient since boot, all doses, upper end (nL)."""
    max_dose_nl: int
    """Compiled-in ceiling of one dose (nL)."""
    max_rate_nl_s: int
    """Compiled-in ceiling of the rate (nL/s)."""
    max_total_nl: int
    """Compiled-in ceiling of a treatment, each channel (nL)."""
    pressure_limit_pa: int
    """Line pressure above which flow is stopped; 69,000 until it is set (Pa)."""
    stored_nl: int
    """What the line stored when an occlusion stopped the flow, estimated; 0 for none or cleared (nL)."""


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
class Result(Message):
    """RESULT: answer, to host."""

    NUMBER: ClassVar[int] = 0x87

    number: int
    """Number of the message that is answered."""
    reason: int
    """Why it was refused, none when it was not, one of codes' reason numbers."""
    nearest: int
    """Nearest allowed value of what was refused, 0 for none."""
    person_awaited: int
    """1: it takes effect when a person confirms within 10 s."""
    uptime_ms: int
    """Device clock, wraps at 2^30 (ms)."""


@dataclass(frozen=True, slots=True)
class Treatment(Message):
    """TREATMENT: answer, to host."""

    NUMBER: ClassVar[int] = 0x88

    treatment: bytes
    """The open treatment, all zero for none."""
    day: int
    """Trusted date, days since 2000-01-01; 0 for none since boot (days)."""
    screening: int
    """What the screening has found, one of codes' screening numbers."""
    hold_cause: int
    """Patient cause that keeps agent from flowing, none when nothing does, one of codes' cause numbers."""
    residual_nl: int
    """Residual burden; 2^30 - 1 when not known (nL)."""
    agent_dose_nl: int
    """Ceiling of one dose of agent (nL)."""
    agent_rate_nl_s: int
    """Ceiling of the agent's rate (nL/s)."""
    agent_total_nl: int
    """Ceiling of all agent in one treatment (nL)."""
    window_nl: int
    """Ceiling of agent in any window (nL)."""
    window_s: int
    """Length of the window (s)."""
    counter_dose_nl: int
    """Ceiling of one dose of counter-agent (nL)."""
    counter_total_nl: int
    """Ceiling of all counter-agent in one treatment (nL)."""
    flush_dose_nl: int
    """Ceiling of one flush (nL)."""
    flush_total_nl: int
    """Ceiling of all flushes in one treatment (nL)."""
    agent_nl: int
    """Agent to the patient in this treatment, upper end, unknown in full (nL)."""
    counter_nl: int
    """Counter-agent, likewise (nL)."""
    flush_nl: int
    """Flush, likewise (nL)."""
    in_window_nl: int
    """Agent in the present window, upper end (nL)."""
    agent_in_line_nl: int
    """Agent that may stand in the line, at most (nL)."""
    uptime_ms: int
    """Device clock, wraps at 2^30 (ms)."""


@dataclass(frozen=True, slots=True)
class Cartridge(Message):
    """CARTRIDGE: answer, to host."""

    NUMBER: ClassVar[int] = 0x89

    channel: int
    """Pump channel, one of codes' channel numbers."""
    state: int
    """What the cartridge's memory says, one of codes' cartridge_state numbers."""
    kind: int
    """What it holds, one of codes' channel numbers."""
    lot: bytes
    """Lot."""
    serial: bytes
    """Serial of the cartridge."""
    concentration: int
    """Concentration, 0 for none (bots per nL)."""
    fill_nl: int
    """Volume when it was filled (nL)."""
    remaining_nl: int
    """What is left, at least (nL)."""
    expiry_day: int
    """Last day of use, days since 2000-01-01 (days)."""


@dataclass(frozen=True, slots=True)
class Calibration(Message):
    """CALIBRATION: answer, to host."""

    NUMBER: ClassVar[int] = 0x8A

    channel: int
    """Pump channel, one of codes' channel numbers."""
    step_fl: int
    """Volume of one micro-step, fL = 10^-6 nL (fL)."""
    backlash_steps: int
    """Steps that a reversal loses (steps)."""
    flow_gain_ppm: int
    """Factor of the flow sensor's readings, 1,000,000 as delivered (ppm)."""
    bore_error_ppm: int
    """How far step_fl may be off (ppm)."""
    made_day: int
    """When it was made, days since 2000-01-01; 0 for never (days)."""
    expiry_day: int
    """Last day of use; 0 for never made (days)."""


@dataclass(frozen=True, slots=True)
class Record(Message):
    """RECORD: answer, to host."""

    NUMBER: ClassVar[int] = 0x8B

    reason: int
    """None, or no_record, one of codes' reason numbers."""
    oldest: int
    """Number of the oldest record kept."""
    newest: int
    """Number of the newest record; 0 before the first."""
    octets: bytes
    """The record as it stands in the journal."""


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
    alarm: int
    """The alarm that drives light and sound, 0 for none, one of codes' alarm numbers."""
    dose_id: bytes
    """Running or last dose, all zero for none."""
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
    """Liquid, by the thermometer (m degC)."""
    density_permille: int
    """Suspension of the agent, 1000 = freshly stirred (1/1000)."""
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


@dataclass(frozen=True, slots=True)
class SignedStatus(Message):
    """SIGNED_STATUS: datagram, to host."""

    NUMBER: ClassVar[int] = 0x92

    rig: bytes
    """Serial of the rig."""
    boot: bytes
    """Boot nonce from WELCOME."""
    counter: int
    """Above every counter of this slot in this boot; below 2^30."""
    uptime_ms: int
    """Device clock, wraps at 2^30 (ms)."""
    treatment: bytes
    """The open treatment, all zero for none."""
    dose_id: bytes
    """Running or last dose, all zero for none."""
    lot: bytes
    """Lot of the agent's cartridge, all zero for none that is good."""
    device_state: int
    """State of the device, one of codes' device_state numbers."""
    dose_state: int
    """State of the dose, one of codes' dose_state numbers."""
    stop_cause: int
    """Latched cause of the stop, one of codes' cause numbers."""
    hold_cause: int
    """Patient cause that keeps agent from flowing, one of codes' cause numbers."""
    emitted_steps: int
    """Of that dose; a lower bound while flowing (steps)."""
    dose_max_nl: int
    """Of that dose to the patient, at most (nL)."""
    agent_min_nl: int
    """Agent to the patient in this treatment, at least (nL)."""
    agent_max_nl: int
    """Agent to the patient in this treatment, at most (nL)."""
    counter_max_nl: int
    """Counter-agent to the patient in this treatment, at most (nL)."""
    tag: bytes
    """Authentication tag."""


@dataclass(frozen=True, slots=True)
class Alarms(Message):
    """ALARMS: datagram, to host."""

    NUMBER: ClassVar[int] = 0x93

    uptime_ms: int
    """Device clock, wraps at 2^30 (ms)."""
    present: int
    """Conditions that stand now; alarm n is bit n - 1 (bits)."""
    latched: int
    """Alarms that are not over: the cause stands, or nobody acknowledged (bits)."""
    acknowledged: int
    """Latched ones that a person acknowledged (bits)."""
    first: int
    """The latched alarm that came first, one of codes' alarm numbers."""
    highest: int
    """The one that drives light and sound, one of codes' alarm numbers."""
    priority: int
    """Its priority, one of codes' priority numbers."""
    audio_paused_s: int
    """How long the sound stays paused (s)."""


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
    0x09: Permit,
    0x0A: OpenTreatment,
    0x0B: CloseTreatment,
    0x0C: SetCeilings,
    0x1C: SetPressureLimit,
    0x0D: SetDate,
    0x0E: Hold,
    0x10: ClearByClinician,
    0x11: Resolve,
    0x12: Acknowledge,
    0x13: PauseAudio,
    0x14: TestAlarms,
    0x15: SetCalibration,
    0x16: GetCalibration,
    0x17: GetTreatment,
    0x18: GetCartridge,
    0x19: GetRecord,
    0x1A: SetKey,
    0x1B: SetRig,
    0x81: Welcome,
    0x82: Pong,
    0x83: DoseState,
    0x84: Status,
    0x85: Stopped,
    0x86: Refused,
    0x87: Result,
    0x88: Treatment,
    0x89: Cartridge,
    0x8A: Calibration,
    0x8B: Record,
    0x90: Telemetry,
    0x91: LinkStats,
    0x92: SignedStatus,
    0x93: Alarms,
}
"""The class of each message number."""
