"""Host, device and a bad line between them, driven by Hypothesis. What must hold after each step is in ``world.py``."""

import os
import random

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from tests.protocol.driver import drive
from tests.protocol.world import World

places = st.integers(0, 15)
lines = st.sampled_from(["to_device", "to_host"])


class BadLine(RuleBasedStateMachine):
    """The world under Hypothesis."""

    @initialize(first_seq=st.sampled_from([0, 0, 32_760, 65_520, 65_534]))
    def begin(self, first_seq):
        self.world = World(first_seq=first_seq)

    def line(self, name):
        return getattr(self.world, name)

    @rule(name=lines, at=places)
    def deliver(self, name, at):
        self.world.deliver(self.line(name), at)

    @rule(name=lines)
    def deliver_the_first(self, name):
        self.world.deliver(self.line(name), 0)

    @rule(name=lines)
    def rush(self, name):
        self.world.rush(self.line(name))

    @rule(name=lines, at=places)
    def drop(self, name, at):
        self.world.drop(self.line(name), at)

    @rule(name=lines, at=places)
    def duplicate(self, name, at):
        self.world.duplicate(self.line(name), at)

    @rule(name=lines, at=places, bits=st.lists(st.integers(0, 1023), min_size=1, max_size=9))
    def corrupt(self, name, at, bits):
        self.world.corrupt(self.line(name), at, bits)

    @rule(name=lines, at=places, length=st.integers(1, 120))
    def cut(self, name, at, length):
        self.world.cut(self.line(name), at, length)

    @rule(name=lines, data=st.binary(max_size=200))
    def noise(self, name, data):
        self.world.noise(self.line(name), data)

    @rule(room=st.sampled_from([100_000, 100_000, 0, 1, 30, 90]))
    def turn(self, room):
        self.world.turn(room)

    @rule(count=st.integers(1, 8))
    def request(self, count):
        for _ in range(count):
            self.world.request()

    @rule(ms=st.integers(0, 2000))
    def pass_time(self, ms):
        self.world.pass_time(ms)

    @rule()
    def stop(self):
        self.world.stop()

    @rule()
    def ping(self):
        self.world.ping()

    @rule()
    def telemetry(self):
        self.world.telemetry()

    @rule()
    def greet_anew(self):
        self.world.new_host()

    @rule()
    def restart_the_device(self):
        self.world.restart_device()

    @rule()
    def heal_for_a_moment(self):
        self.world.run_healthy(500)

    def teardown(self):
        if hasattr(self, "world"):
            self.world.heal_and_check()


@pytest.mark.req("LINK-1", "LINK-3", "LINK-5", "DOSE-2", "STOP-1")
class TestBadLine(BadLine.TestCase):  # type: ignore[misc, valid-type]
    settings = settings(stateful_step_count=60)


@pytest.mark.req("LINK-1", "LINK-3", "LINK-5", "DOSE-2", "STOP-1")
@pytest.mark.parametrize("first_seq", [0, 65_520])
def test_long_random_histories_break_nothing(first_seq):
    seed = int(os.environ.get("NANORIG_SEED", "1"))
    for run in range(200):
        print(f"seed {seed} run {run}")
        drive(World(first_seq=first_seq), random.Random(f"{seed} {run}"), 300)


def test_the_histories_reach_what_they_are_about():
    reached: dict[str, int] = {}
    for history in range(150):
        world = World()
        drive(world, random.Random(history), 300)
        device, host = world.device, world.host
        for name, count in (
            ("executed", sum(world.executed.values())),
            ("never executed", list(world.executed.values()).count(0)),
            ("answered from the store", device.duplicates),
            ("dropped by the device", device.dropped),
            ("damaged to the device", device.bad_crc),
            ("damaged to the host", host.bad_crc),
            ("malformed to the device", device.bad_frames),
            ("malformed to the host", host.bad_frames),
            ("sent again", host.retransmissions),
            ("answered twice", host.duplicates),
            ("gaps", host.gaps),
            ("late", host.late),
            ("sessions lost", world.lost_sessions),
            ("stops", world.stops),
            ("stops with a full queue", world.stops_at_full_queue),
        ):
            reached[name] = reached.get(name, 0) + count
    assert all(reached.values()), reached
    print(reached)
