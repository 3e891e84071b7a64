"""The whole firmware on a fake board, spoken to in frames: the host, the monitor and the clinic are the test."""

from collections import deque
from random import Random

from device.executive import Executive
from hil.provision import Provision, cartridge_image, journal_image
from protocol import codes, messages
from tests.device.fakes import NO_PRESSURE_RAW, FakeBoard, frames_of, host_frame, pressure_raw

NONE = b"\x00" * 8
FIRST = b"dose-one"
SECOND = b"dose-two"
PING_MS = 250
FILL_NL = 1_000_000
START_MS = 2_000
"""What the self-test takes."""

SUSPEND_MS = 6_000
"""What the re-suspension of the agent takes besides."""

INTERVAL_MS = 10_100
PRESSURE_LIMIT_AT, STORED_AT = -2, -1
"""Where STATUS has them."""

FLOW_TICKS = 11
STEP_PL = 5_608


def provisioned_board(provision: Provision) -> FakeBoard:
    """A board whose FRAM and cartridges are those of a rig in use."""
    board = FakeBoard()
    board.fram[:] = journal_image(provision)
    for channel in range(3):
        board.chips.insert(channel, cartridge_image(provision, channel, FILL_NL, FILL_NL))
    return board


class Device:
    """One rig, switched on and said hello to."""

    def __init__(self, board: FakeBoard | None = None, seed: int = 1) -> None:
        self.provision = Provision.drawn(Random(seed))
        self.board = board or provisioned_board(self.provision)
        self.pressure_low = NO_PRESSURE_RAW
        self.executive = Executive(self.board)
        self.controller = self.executive.controller
        self.session = NONE[:4]
        self.seq = 0
        self.counter = 0
        self.heard: list[tuple[int, tuple]] = []
        self.said: list[tuple[int, tuple]] = []
        self.pinged_ms = 0
        self.permitted_ms = 0
        self.permit_every_ms = 0
        self.flows = True
        """Whether the flow sensor sees what leaves the pins."""

        self._edges = deque([0] * FLOW_TICKS, FLOW_TICKS)

    def started(self) -> "Device":
        """Run through the self-test, say hello, tell the date."""
        self.run(100)
        self.hello()
        self.run(START_MS)
        self.sign(codes.SLOT_CLINIC, messages.SET_DATE, self.provision.day)
        return self

    def reboot(self) -> "Device":
        """Take the power away and give it back: only FRAM and cartridges are left."""
        board = FakeBoard()
        board.fram = bytearray(self.board.fram)
        board.chips = self.board.chips
        board.us = self.board.us
        board.chips._now_ns = lambda: board.us * 1000
        after = Device(board)
        after.provision = self.provision
        return after

    @property
    def now_ms(self) -> int:
        return self.board.us // 1000

    def run(self, milliseconds: int, *, ping: bool = True) -> None:
        end = self.board.us + milliseconds * 1000
        while self.board.us < end:
            if self.executive.turn():
                self.board.us = min(end, self.board.us + self.to_next_tick())
                if self.flows:
                    self._flow()
                if ping and self.session != NONE[:4] and self.now_ms - self.pinged_ms >= PING_MS:
                    self.pinged_ms = self.now_ms
                    self.board.received += host_frame(messages.PING, self.session, 0, 1)
                if self.permit_every_ms and self.now_ms - self.permitted_ms >= self.permit_every_ms:
                    self.permitted_ms = self.now_ms
                    self.permit()

    def _flow(self) -> None:
        """Let flow and pressure be those of a line that stores next to nothing: to the patient 2 kPa per uL/s."""
        self._edges.append(sum(self.edges(channel) for channel in range(3)))
        flow_nl_s = (self._edges[-1] - self._edges[0]) * STEP_PL // ((FLOW_TICKS - 1) * 10)
        self.board.flow_ul_min_x10 = flow_nl_s * 6 // 10
        kpa_s_nl = 2 if self.board.valve_patient else 0.1
        self.board.pressure = max(self.pressure_low, pressure_raw(flow_nl_s * kpa_s_nl / 1000))

    def to_next_tick(self) -> int:
        return max(1, (self.executive.next_tick_us - self.board.us) & 0x3FFFFFFF)

    def turns(self, count: int = 12) -> None:
        for _ in range(count):
            self.executive.turn()

    def request(self, number: int, *values: int | bytes) -> list[tuple[int, tuple]]:
        self.seq += 1
        self.take()
        self.board.received += host_frame(number, self.session, self.seq, *values)
        self.turns()
        return self.take()

    def take(self) -> list[tuple[int, tuple]]:
        self.heard = frames_of(self.board.sent)
        self.said += self.heard
        self.board.sent = b""
        return self.heard

    def answer(self, number: int) -> tuple:
        return next(values for found, values in self.heard if found == number)

    def hello(self) -> tuple:
        self.request(messages.HELLO, b"host", messages.schema_hash())
        welcome = self.answer(messages.WELCOME)
        self.session = welcome[1]
        self.seq = 1
        return welcome

    def sign(self, slot: int, number: int, *values: int | bytes) -> tuple:
        """Have an authority sign a message, hand it on, return the RESULT."""
        self.counter += 1
        head = (self.provision.rig,) if number == messages.PERMIT else ()
        body = self.provision.sign(slot, number, *head, self.controller.boot, self.counter, *values)
        decoded = messages.decode_body(number, body, 0, len(body))
        assert decoded is not None
        self.request(number, *decoded)
        return self.answer(messages.RESULT)

    def permit(self, dose_id=None, life_ms=1_500, volume_nl=100_000, rate_nl_s=20_000):
        dose = self.controller.dose
        return self.sign(
            codes.SLOT_MONITOR, messages.PERMIT, self.provision.treatment, dose.lot, dose_id or dose.dose_id,
            self.now_ms + life_ms, volume_nl, rate_nl_s,
        )  # fmt: skip

    def order(self, dose_id: bytes = FIRST, **changes) -> tuple:
        kind = changes.get("kind", codes.KIND_DOSE)
        channel = changes.get("channel", codes.CHANNEL_FLUSH)
        waste = kind >= codes.KIND_PRIME
        fields = {
            "last": self.controller.journal.last_dose_id,
            "boot": self.controller.boot,
            "session": self.session,
            "expires": self.now_ms + 5_000,
            "kind": kind,
            "channel": channel,
            "profile": codes.PROFILE_CONSTANT,
            "lot": self.provision.lots[channel] if channel < 3 and not waste else NONE,
            "volume": 2_000,
            "rate": 1_000,
            "end": changes.get("rate", 1_000),
            "segments": bytes(24),
            "treatment": NONE if waste else self.provision.treatment,
        } | changes
        self.request(messages.DOSE_ORDER, dose_id, *fields.values())
        return self.answer(messages.DOSE_STATE)

    def state(self, dose_id: bytes = FIRST) -> tuple:
        self.request(messages.GET_DOSE, dose_id)
        return self.answer(messages.DOSE_STATE)

    def status(self) -> tuple:
        self.request(messages.GET_STATUS)
        return self.answer(messages.STATUS)

    def stop(self, cause: int = codes.CAUSE_OPERATOR) -> None:
        self.board.received += host_frame(messages.STOP, b"\xff" * 4, 0, cause)
        self.turns(1)

    def edges(self, channel: int = codes.CHANNEL_FLUSH) -> int:
        self.board.steps[channel].advance()
        return len(self.board.steps[channel].edges_us)

    def press(self) -> None:
        self.run(50)
        self.board.input_bits |= codes.INPUT_FOOTSWITCH
        self.run(50)
        self.board.input_bits &= ~codes.INPUT_FOOTSWITCH
        self.run(50)

    def confirm_alarms(self) -> None:
        """Let the agent be re-suspended and a person confirm light and sound, so that agent may be dosed."""
        self.run(SUSPEND_MS)
        self.request_alarm_test()

    def request_alarm_test(self) -> None:
        """Have a person confirm light and sound."""
        self.request(messages.TEST_ALARMS)
        self.press()

    def until(self, state: int, milliseconds: int = 60_000) -> None:
        for _ in range(milliseconds // 10):
            if self.controller.dose.state == state:
                return
            self.run(10)
        raise AssertionError(f"state {state} never came, it is {self.controller.dose.state}")
