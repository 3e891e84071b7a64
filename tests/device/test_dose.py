"""The dose machine alone, on a fake generator: time is what the test says it is."""

import pytest

from device import limits
from device.dose import PAUSED_DEADLINE_MS, SETTLE_DEADLINE_MS, SETTLE_MIN_MS, DoseMachine
from device.limits import Ceilings
from device.line import LineAccount
from device.pump import Pump
from protocol import codes
from tests.device.fakes import FakeBoard

BOOT = b"bootboot"
SESSION = b"sess"
NONE = b"\x00" * 8
FIRST = b"dose-one"
SECOND = b"dose-two"


class Sensor:
    """Readings the test sets."""

    pa = 0
    settled_pa = 0
    flow_nl_s = 0
    faulty = False

    def error_pa(self):
        return 300

    def settled_error_pa(self):
        return 200


class Bench:
    """A dose machine, its clock and its sensors."""

    def __init__(self):
        self.board = FakeBoard()
        self.pump = Pump(self.board.steps[2])
        self.sensor = Sensor()
        self.dose = DoseMachine(self.pump, LineAccount(), Ceilings(), BOOT)
        self.standing = 0
        self.stopped = False

    @property
    def now_ms(self):
        return self.board.us // 1000

    def order(self, dose_id=FIRST, **changes):
        fields = {
            "last": NONE, "boot": BOOT, "session": SESSION, "expires": self.now_ms + 5_000, "kind": codes.KIND_DOSE,
            "channel": codes.CHANNEL_FLUSH, "profile": codes.PROFILE_CONSTANT, "lot": NONE,
            "volume": 2_000, "rate": 1_000,
        } | changes  # fmt: skip
        order = (dose_id, *fields.values())
        return self.dose.order(order, SESSION, self.now_ms, self.board.steps, self.standing, self.stopped)

    def tick(self, times=1):
        cause = codes.CAUSE_NONE
        for _ in range(times):
            self.board.us += 10_000
            cause = cause or self.dose.tick(self.now_ms, self.board.us, self.sensor, self.sensor, 10)
        return cause

    def edges(self):
        self.board.steps[2].advance()
        return len(self.board.steps[2].edges_us)

    def until(self, state, ticks=1_000):
        for _ in range(ticks):
            if self.dose.state == state:
                return
            self.tick()
        raise AssertionError(f"state {state} never came, it is {self.dose.state}")


@pytest.fixture
def bench():
    return Bench()


@pytest.fixture
def running(bench):
    bench.order()
    bench.tick(60)
    assert bench.dose.state == codes.DOSE_RUNNING
    return bench


def delivered(bench, dose_id=FIRST, last=NONE):
    bench.order(dose_id, last=last)
    bench.until(codes.DOSE_DELIVERED)


@pytest.mark.req("DOSE-8")
def test_a_dose_ends_delivered_with_every_step_emitted_only_after_it_has_settled(bench):
    bench.sensor.settled_pa = 2_000
    bench.order()
    bench.until(codes.DOSE_SETTLING)
    assert bench.edges() == limits.steps_of(2_000)
    bench.tick(200)
    assert bench.dose.state == codes.DOSE_SETTLING
    assert bench.dose.valve_patient
    bench.sensor.settled_pa = 100
    bench.tick()
    assert bench.dose.state == codes.DOSE_DELIVERED
    assert not bench.dose.valve_patient


def test_no_step_leaves_before_the_valve_stands_on_the_patient(bench):
    bench.order()
    assert bench.dose.valve_patient
    bench.tick()
    assert bench.dose.state == codes.DOSE_ACCEPTED
    assert bench.board.steps[2].outstanding_steps() == 0


@pytest.mark.req("DOSE-2")
@pytest.mark.parametrize(
    "changes", [{}, {"volume": 9_000}, {"expires": 1}, {"boot": b"other---"}, {"session": b"oths"}]
)
def test_a_repeated_id_returns_what_is_stored_and_moves_nothing(bench, changes):
    delivered(bench)
    before = bench.edges()
    answer = bench.order(FIRST, **changes)
    bench.tick(300)
    assert answer[:9] == bench.dose.values(0)[:9]
    assert answer[1] == codes.DOSE_DELIVERED
    assert bench.edges() == before


@pytest.mark.req("DOSE-2")
def test_a_repeated_refused_id_is_refused_again_though_it_would_be_allowed_now(bench):
    bench.stopped = True
    bench.order()
    bench.stopped = False
    assert bench.order()[1:3] == (codes.DOSE_REFUSED, codes.REASON_STOPPED)


@pytest.mark.req("DOSE-3")
def test_an_order_that_does_not_know_of_the_last_dose_is_refused(bench):
    delivered(bench)
    assert bench.order(SECOND, last=NONE)[1:3] == (codes.DOSE_REFUSED, codes.REASON_LAST_DOSE)
    assert bench.order(b"dose-3--", last=SECOND)[1:3] == (codes.DOSE_REFUSED, codes.REASON_LAST_DOSE)
    assert bench.order(b"dose-4--", last=FIRST)[1] == codes.DOSE_ACCEPTED


@pytest.mark.req("DOSE-7")
def test_a_second_dose_is_refused_and_not_queued(running):
    assert running.order(SECOND, last=FIRST)[1:3] == (codes.DOSE_REFUSED, codes.REASON_BUSY)
    running.until(codes.DOSE_DELIVERED)
    running.tick(300)
    assert running.edges() == limits.steps_of(2_000)


@pytest.mark.req("DOSE-1", "DOSE-4")
@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"boot": b"yesterda"}, codes.REASON_BOOT),
        ({"session": b"old-"}, codes.REASON_SESSION),
        ({"expires": 0}, codes.REASON_EXPIRED),
        ({"expires": 60_001}, codes.REASON_EXPIRY_TOO_FAR),
        ({"expires": 1 << 30}, codes.REASON_EXPIRY_TOO_FAR),
        ({"expires": 0xFFFFFFFF}, codes.REASON_EXPIRY_TOO_FAR),
        ({"kind": 0}, codes.REASON_KIND),
        ({"kind": 255}, codes.REASON_KIND),
        ({"profile": 1}, codes.REASON_PROFILE),
        ({"channel": 3}, codes.REASON_CHANNEL),
        ({"channel": codes.CHANNEL_AGENT}, codes.REASON_NO_PERMIT),
        ({"channel": codes.CHANNEL_COUNTER_AGENT}, codes.REASON_NO_PERMIT),
        ({"lot": b"lot-0001"}, codes.REASON_LOT),
        ({"volume": 0}, codes.REASON_VOLUME_LOW),
        ({"volume": 0xFFFFFFFF}, codes.REASON_VOLUME_HIGH),
        ({"rate": 0}, codes.REASON_RATE_LOW),
        ({"rate": 0xFFFFFFFF}, codes.REASON_RATE_HIGH),
    ],
)
def test_each_wrong_field_has_its_own_reason_and_changes_nothing(bench, changes, reason):
    answer = bench.order(**changes)
    assert answer[1:3] == (codes.DOSE_REFUSED, reason)
    bench.tick(300)
    assert bench.edges() == 0
    assert not bench.dose.valve_patient
    assert bench.dose.dose_id == NONE


def test_an_order_without_an_id_is_refused_and_not_remembered(bench):
    assert bench.order(NONE)[1:3] == (codes.DOSE_REFUSED, codes.REASON_ID)
    assert bench.dose.find(NONE, 0)[1] == codes.DOSE_NOT_KNOWN


def test_an_order_is_refused_while_a_stop_is_latched_or_an_interlock_stands(bench):
    bench.stopped = True
    assert bench.order()[2] == codes.REASON_STOPPED
    bench.stopped = False
    bench.standing = 1
    assert bench.order(SECOND)[2] == codes.REASON_INTERLOCK


def test_a_refusal_says_what_was_asked_and_the_nearest_allowed_value(bench):
    answer = bench.order(volume=200_000)
    assert (answer[5], answer[14]) == (200_000, limits.MAX_DOSE_NL)


@pytest.mark.req("STOP-7", "DOSE-8")
def test_a_stop_in_mid_dose_ends_it_partial_with_the_exact_steps(running):
    running.dose.stop(codes.CAUSE_OPERATOR, running.now_ms, running.sensor, running.sensor)
    edges = running.edges()
    assert running.dose.state == codes.DOSE_STOPPING
    assert not running.dose.valve_patient
    running.tick(300)
    values = running.dose.values(0)
    assert values[1:4] == (codes.DOSE_PARTIAL, codes.REASON_NONE, codes.CAUSE_OPERATOR)
    assert values[7] == values[8] == running.edges() == edges
    assert 0 < edges < limits.steps_of(2_000)


@pytest.mark.parametrize("ticks", [0, 1, 2, 3, 100, 203, 230])
def test_a_stop_in_every_state_of_a_dose_ends_it(bench, ticks):
    bench.order()
    bench.tick(ticks)
    bench.dose.stop(codes.CAUSE_DOOR, bench.now_ms, bench.sensor, bench.sensor)
    edges = bench.edges()
    bench.tick(10)
    assert bench.dose.state == codes.DOSE_PARTIAL
    assert bench.edges() == edges == bench.pump.emitted_steps


def test_a_stop_after_the_end_leaves_the_outcome_as_it_is(bench):
    delivered(bench)
    bench.dose.stop(codes.CAUSE_OPERATOR, bench.now_ms, bench.sensor, bench.sensor)
    assert bench.dose.state == codes.DOSE_DELIVERED


def test_a_second_stop_keeps_the_first_cause(running):
    running.dose.stop(codes.CAUSE_DOOR, running.now_ms, running.sensor, running.sensor)
    running.dose.stop(codes.CAUSE_OPERATOR, running.now_ms, running.sensor, running.sensor)
    running.tick(10)
    assert running.dose.cause == codes.CAUSE_DOOR


def test_a_pause_settles_waits_and_goes_on_to_the_full_dose(running):
    assert running.dose.pause(codes.CAUSE_OPERATOR, running.now_ms)
    edges = running.edges()
    running.until(codes.DOSE_PAUSED)
    assert not running.dose.valve_patient
    running.tick(100)
    assert running.edges() == edges
    assert running.dose.resume(running.now_ms)
    running.until(codes.DOSE_DELIVERED)
    assert running.edges() == limits.steps_of(2_000)


def test_only_a_flowing_dose_can_be_paused_and_only_a_paused_one_resumed(bench):
    assert not bench.dose.pause(codes.CAUSE_OPERATOR, 0)
    assert not bench.dose.resume(0)
    delivered(bench)
    assert not bench.dose.pause(codes.CAUSE_OPERATOR, 0)
    assert not bench.dose.resume(0)


@pytest.mark.req("STOP-8")
def test_settling_that_never_ends_asks_for_a_stop_at_its_deadline(bench):
    bench.sensor.settled_pa = 5_000
    bench.order()
    bench.until(codes.DOSE_SETTLING)
    assert bench.tick(SETTLE_DEADLINE_MS // 10 - 1) == codes.CAUSE_NONE
    assert bench.tick(2) == codes.CAUSE_DEADLINE


@pytest.mark.req("STOP-8")
def test_pausing_that_never_settles_asks_for_a_stop_at_its_deadline(running):
    running.sensor.settled_pa = 5_000
    running.dose.pause(codes.CAUSE_OPERATOR, running.now_ms)
    assert running.tick(SETTLE_DEADLINE_MS // 10 + 1) == codes.CAUSE_DEADLINE


@pytest.mark.req("STOP-8")
def test_a_pause_that_nobody_ends_makes_the_dose_partial_at_its_deadline(running):
    running.dose.pause(codes.CAUSE_LINK_LOST, running.now_ms)
    running.until(codes.DOSE_PAUSED)
    running.board.us += PAUSED_DEADLINE_MS * 1000
    running.tick()
    assert (running.dose.state, running.dose.cause) == (codes.DOSE_PARTIAL, codes.CAUSE_DEADLINE)


def test_settling_takes_its_least_time_even_when_the_pressure_is_low_at_once(bench):
    bench.order()
    bench.until(codes.DOSE_SETTLING)
    bench.tick(SETTLE_MIN_MS // 10 - 1)
    assert bench.dose.state == codes.DOSE_SETTLING


@pytest.mark.req("DOSE-8")
def test_a_faulty_pressure_sensor_never_lets_a_dose_read_as_settled(bench):
    bench.sensor.faulty = True
    bench.order()
    bench.until(codes.DOSE_SETTLING)
    bench.tick(1_000)
    assert bench.dose.state == codes.DOSE_SETTLING


@pytest.mark.req("DOSE-5")
def test_the_ceiling_of_the_boot_counts_every_dose_at_its_upper_end(bench):
    last = NONE
    for number in range(1, 20):
        dose_id = number.to_bytes(8, "little")
        answer = bench.order(dose_id, last=last, volume=100_000, rate=20_000)
        if answer[1] == codes.DOSE_REFUSED:
            break
        bench.until(codes.DOSE_DELIVERED, 10_000)
        last = dose_id
    assert answer[2] == codes.REASON_TOTAL_HIGH
    assert limits.upper_of(answer[14]) <= limits.MAX_TOTAL_NL - bench.dose.total_nl
    assert bench.edges() * limits.STEP_PL * 1.01 <= bench.dose.total_nl * 1000 <= limits.MAX_TOTAL_NL * 1000


def test_while_a_dose_is_open_its_volume_is_everything_that_may_have_been_given(running):
    values = running.dose.values(0)
    assert values[10] == 0
    assert values[11] >= limits.volume_of(running.board.steps[2].outstanding_steps() + running.edges())


def test_an_id_that_was_never_judged_is_not_known(bench):
    assert bench.dose.find(SECOND, 7)[:2] == (SECOND, codes.DOSE_NOT_KNOWN)


def test_a_generator_cut_by_the_safe_line_asks_for_a_stop(running):
    running.board.steps[2].cut = True
    assert running.tick() == codes.CAUSE_SAFE_LINE
