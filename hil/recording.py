"""A recording: what one run on the bench did, enough to see it, compare it and run it again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from hil.recorder import TO_DEVICE, TO_HOST, EdgeRun, RecordedFrame
from protocol import messages, typed
from protocol.framing import FrameDecoder

HEADER_SIZE = 7
"""Number, session and sequence stand before a message's values."""

Plain = bool | int | float | str | None


@dataclass(frozen=True, slots=True)
class Octets:
    """What the host put onto the line at once, with the time at which it did."""

    now_ns: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Act:
    """What was done to the rig or to the board from outside: a method of ``plant``, ``board`` or ``link``."""

    now_ns: int
    name: str
    arguments: list[Any]
    named: dict[str, Any]
    plain: bool
    """Whether every argument is a plain value, so that the act can be done again."""


@dataclass(frozen=True, slots=True)
class Level:
    """A change of a digital signal: inputs (bits), valve, direction, heartbeat, light (bits), buzzer."""

    now_ns: int
    name: str
    value: int


@dataclass(frozen=True, slots=True)
class Sample:
    """The plant's true state at one time; volumes since power-on of the bench."""

    now_ns: int
    pressure_pa: int
    flow_nl_s: float
    tip_nl: float
    waste_nl: float
    stored_nl: float
    leaked_nl: float
    valve_patient: int
    motor_powered: int


@dataclass(frozen=True, slots=True)
class PatientSample:
    """The patient's true state at one time; uL and uL-equivalents since admission, a reaction above 1 is severe."""

    now_ns: int
    burden_ul: float
    reaction: float
    agent_ul: float
    counter_ul: float


LEVELS = ("inputs", "valve", "direction", "heartbeat", "light", "buzzer")


@dataclass(frozen=True, slots=True)
class Header:
    """What was run, with what, and how it ended."""

    target: str
    seed: int
    powered: bool
    """Whether the controller had its supply from the beginning."""

    provisioned: bool
    """Whether the rig had the keys, treatment and cartridges that the seed draws."""

    options: dict[str, Any]
    """The board's options: plain values, others as {"text": ...}."""

    parameters: dict[str, Any]
    parameters_sha256: str
    firmware_hash: str
    """Of the sources beside the bench, 16 hexadecimal digits."""

    firmware_reported: str | None
    """What the firmware said in its last WELCOME."""

    schema: str
    tools: dict[str, str]
    node: str | None
    """The test's node id, relative to the project."""

    outcome: str
    problem: str
    ended_ns: int
    digest: str
    """The recorder's hash over every edge and every frame, including those that were dropped here."""

    sample_ns: int
    dropped: dict[str, int]
    """By kind of line: how many of the oldest were left out to bound the size."""


@dataclass(slots=True)
class Recording:
    """One run. Lists are in the order of time."""

    header: Header
    edges: list[EdgeRun] = field(default_factory=list)
    frames: list[RecordedFrame] = field(default_factory=list)
    octets: list[Octets] = field(default_factory=list)
    acts: list[Act] = field(default_factory=list)
    levels: list[Level] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    patient: list[PatientSample] = field(default_factory=list)

    def messages(self, direction: str) -> Iterator[tuple[int, typed.Message]]:
        """Give every valid message of one direction with the time of its last octet, ns."""
        for frame in self.frames:
            if frame.direction == direction:
                for message in decoded(frame.data):
                    yield frame.now_ns, message

    def telemetry(self) -> Iterator[tuple[int, typed.Telemetry]]:
        """Give what the firmware said of itself, with the time at which the host had it, ns."""
        for now_ns, message in self.messages(TO_HOST):
            if isinstance(message, typed.Telemetry):
                yield now_ns, message

    def edge_count(self, channel: int | None = None) -> int:
        """Return the number of step edges, of one channel or of all."""
        return sum(run.count for run in self.edges if channel in {None, run.channel})


def decoded(octets: bytes) -> list[typed.Message]:
    """Return the valid messages in these octets; what is none of them is left out."""
    decoder = FrameDecoder()
    found = []
    start = 0
    while start < len(octets):
        start = decoder.feed(octets, start, len(octets))
        if decoder.length <= 0:
            continue
        payload = bytes(decoder.buffer[: decoder.length])
        values = messages.decode_body(payload[0], payload, HEADER_SIZE, len(payload))
        if values is not None:
            found.append(typed.BY_NUMBER[payload[0]].from_values(values))
    return found


def frame_name(octets: bytes) -> str:
    """Return the name of the message in a frame, for people."""
    found = decoded(octets)
    return type(found[0]).__name__ if found else f"{len(octets)} octets that are no frame"


def stop_times_ns(recording: Recording) -> list[int]:
    """Return when each stop frame was complete at the device."""
    return [now_ns for now_ns, message in recording.messages(TO_DEVICE) if isinstance(message, typed.Stop)]
