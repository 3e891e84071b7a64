"""Stop frames heard in the UART's interrupt of the real firmware, and what that does to all else on the line."""

import pytest

from hil.latency.forks import in_copy
from hil.latency.scene import FLUSH, Scene
from hil.latency.trials import STOP_FRAME_US, stop_trial
from hil.plant.parameters import NS_PER_MS
from hil.recorder import TO_HOST
from protocol import codes, messages, typed
from protocol.link_host import HostLink
from tests.device.fakes import frames_of, host_frame

pytestmark = pytest.mark.rp2040

RATE_NL_S = 20_000
PERIOD_US = 280
COLLECTION_NS = 2 * NS_PER_MS
STOP_LIMIT_US = 500
TURN_LIMIT_US = 2500
OCTET_US = 10.85
JUNK_US = 120_000
"""Three times what the step generator does without Python."""

PING = host_frame(messages.PING, b"none", 0, 1)
"""In a session that nobody has: refused, and not counted as a sign of life."""


@pytest.fixture(scope="module")
def scene():
    """A dose at the highest rate; each test works in copies of it."""
    built = Scene("rp2040", 5)
    built.watch_collections()
    built.running(RATE_NL_S)
    yield built
    built.close()


@pytest.fixture(scope="module")
def collection_ns(scene):
    """When the next collection of the heap will begin."""
    return int(in_copy(lambda: {"ns": scene.next_collection_ns()})["ns"])


def stop_frame():
    return HostLink(messages.schema_hash(), bytes(4)).stop(codes.CAUSE_OPERATOR)


def last_edge_ns(scene):
    return max(scene.bench.recorder.edge_times(FLUSH))


def told_since(scene, frame, number):
    """The values of all messages of one kind from the device since a recorded frame."""
    frames = scene.bench.recorder.frames[frame:]
    octets = b"".join(each.data for each in frames if each.direction == TO_HOST)
    return [values for found, values in frames_of(octets) if found == number]


def send(scene, octets):
    """Put octets on the line without a pause; return when the last of them is complete."""
    scene.bench.board.host_write(octets)
    return scene.now_ns + round(len(octets) * OCTET_US * 1000)


@pytest.mark.req("STOP-3")
@pytest.mark.parametrize("after_ms", [0.3, 1.0, 1.7])
def test_a_stop_in_the_middle_of_a_collection_does_not_wait_for_its_end(scene, collection_ns, after_ms):
    def stopped():
        scene.wait_until(collection_ns + round((after_ms * 1000 - STOP_FRAME_US) * 1000))
        return stop_trial(scene, "gc", (collection_ns, collection_ns + COLLECTION_NS))

    row = in_copy(stopped)
    assert row["collecting"]
    assert row["latency_us"] < STOP_LIMIT_US
    assert row["confirmed"]


@pytest.mark.req("STOP-3")
def test_a_stop_that_other_frames_follow_without_a_pause_is_heard_during_a_collection_too(scene, collection_ns):
    def stopped():
        scene.wait_until(collection_ns + 300_000)
        stop = stop_frame()
        complete_ns = send(scene, stop + PING * 25) - round(25 * len(PING) * OCTET_US * 1000)
        scene.run_board(60)
        return {
            "collecting": complete_ns < collection_ns + COLLECTION_NS,
            "latency_us": (last_edge_ns(scene) - complete_ns) / 1000,
        }

    row = in_copy(stopped)
    assert row["collecting"]
    assert row["latency_us"] < STOP_LIMIT_US


@pytest.mark.req("DOSE-8", "STOP-3")
def test_steps_that_the_ear_has_cut_are_counted_exactly_at_any_phase(scene):
    def stopped():
        scene.wait(0.005 + phase_us * 1e-6)
        scene.bench.board.host_write(stop_frame())
        scene.wait(0.3)
        told = typed.Telemetry.from_values(told_since(scene, 0, messages.TELEMETRY)[-1])
        return {
            "stopped": told.device_state == codes.DEVICE_STOPPED,
            "told": (told.emitted_steps, told.granted_steps),
            "edges": scene.bench.edge_count(FLUSH),
        }

    for phase_us in range(0, PERIOD_US, 13):
        row = in_copy(stopped)
        assert row["stopped"]
        assert row["told"] == [row["edges"]] * 2, f"phase {phase_us}"


def test_a_host_that_sends_without_a_pause_loses_no_octet_and_no_answer(scene):
    def flooded():
        frames = len(scene.bench.recorder.frames)
        for _ in range(20):
            # As many as the device has room to answer, without a pause between two octets.
            send(scene, PING * 7)
            scene.run_board(12)
        refused = told_since(scene, frames, messages.REFUSED)
        return {"overruns": scene.bench.board.chip.uart.overruns, "refused": len(refused)}

    assert in_copy(flooded) == {"overruns": 0, "refused": 140}


@pytest.mark.parametrize("length", [12, 125])
def test_frames_that_are_stops_but_for_their_checksum_cost_no_octet(scene, length):
    """The most that an interrupt ever has to do, 32 ms long."""
    frame = bytes([length + 2, messages.STOP]) + b"x" * length + b"\x00"

    def flooded():
        edges = scene.bench.edge_count(FLUSH)
        send(scene, frame * (3000 // len(frame)))
        scene.run_board(40)
        return {"overruns": scene.bench.board.chip.uart.overruns, "edges": scene.bench.edge_count(FLUSH) - edges}

    row = in_copy(flooded)
    assert row["overruns"] == 0
    assert row["edges"] > 40_000 / PERIOD_US - 3


@pytest.mark.req("STOP-3")
@pytest.mark.parametrize("octet_us", [OCTET_US, 37.0, 45.0, 60.0, 100.0])
def test_octets_without_end_or_with_pauses_hold_up_neither_the_dose_nor_a_stop(scene, octet_us):
    """With 45 us from one octet to the next every one of them calls the interrupt."""

    def endured():
        junk = bytes(range(1, 251)) * round(JUNK_US / 250 / octet_us)
        scene.bench.board.chip.uart.send_to_device(junk, octet_us * 1000)
        duration_ms = len(junk) * octet_us / 1000
        before = scene.bench.edge_count(FLUSH)
        scene.run_board(duration_ms)
        edges = scene.bench.edge_count(FLUSH) - before
        complete_ns = send(scene, stop_frame())
        scene.run_board(60)
        return {
            "edges_missing": duration_ms * 1000 / PERIOD_US - edges,
            "latency_us": (last_edge_ns(scene) - complete_ns) / 1000,
            "overruns": scene.bench.board.chip.uart.overruns,
            "resets": scene.bench.board.chip.resets,
        }

    row = in_copy(endured)
    assert row["edges_missing"] < 3
    # The ear may just have left the line to the main loop, which takes a turn.
    assert row["latency_us"] < TURN_LIMIT_US
    assert (row["overruns"], row["resets"]) == (0, 0)
