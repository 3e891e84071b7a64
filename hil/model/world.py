"""One rig with its controller, its host, its monitor and clinic, and the people around it. Time moves in ``run_ms``.

Everybody here says and does exactly what a rule wants; the judge sees the pins, the plant and what arrived.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from heapq import heappop, heappush
from random import Random

from hil.boards import base
from hil.boards.mcu import AbandonedError
from hil.boards.twin import TwinBoard
from hil.model import bounds
from hil.model.clinic import Clinic
from hil.model.judge import Judge
from hil.model.recorder import TappedRecorder
from hil.model.voice import Said, Voice
from hil.plant import PlantParameters
from hil.plant.chips import PowerLost
from hil.plant.noise import stream
from hil.plant.parameters import NS_PER_MS
from hil.plant.rig import SimulatedRig
from hil.provision import Provision, provision_rig
from hil.storm.frames import SeenFrame
from protocol import codes, messages, typed

CLOCK_WRAP_MS = 1 << 30
PING_NS = 250 * NS_PER_MS
PERMIT_NS = 400 * NS_PER_MS
ANSWER_MS = 60
FOOT_MS = 60
LOOK_NS = 50 * NS_PER_MS


class World:
    """A provisioned rig on the twin that has just been switched on."""

    def __init__(
        self,
        seed: int,
        parameters: PlantParameters | None = None,
        start_ms: int = 0,
        ceilings: tuple[int, ...] = bounds.LOOSEST,
    ) -> None:
        """``start_ms`` is what the device's clock shows at each boot; ``ceilings`` those of clinic and plan."""
        self.random: Random = stream(seed, "model")
        self.plant: SimulatedRig = base.make_rig("twin", parameters, seed)
        self.provision = replace(Provision.drawn(stream(seed, "provision")), ceilings=ceilings)
        provision_rig(self.plant, self.provision)
        self.recorder = TappedRecorder()
        self.board = TwinBoard(self.plant, self.recorder, ticks_start_us=start_ms * 1000)
        self.judge = Judge(self.plant, self.provision, self.device_ns_of)
        self.recorder.tap = self.judge.timeline.edges
        self.judge.timeline.watch(self.plant)
        self.voice = Voice(self.board, self._arriving)
        self.clinic = Clinic(self.provision)
        self.pings = True
        self.permits = False
        self.boot = bytes(8)
        self.last_dose_id = bytes(8)
        self.telemetry: typed.Telemetry | None = None
        self.status: typed.Status | None = None
        self.treatment: typed.Treatment | None = None
        self.orders: list[typed.DoseOrder] = []
        self.states: dict[bytes, typed.DoseState] = {}
        self.held_back: list[Said] = []
        self.ready_boot = bytes(8)
        """In which boot people have made the rig ready for agent."""

        self.lots = list(self.provision.lots)
        self.mends: dict[str, Callable[[], None]] = {}
        self._answers: dict[int, typed.Message] = {}
        self._agenda: list[tuple[int, int, Callable[[], None]]] = []
        self._number = 0
        self._ping_ns = self._permit_ns = 0
        self._lives = self._life()
        self.board.power_on()
        self._note_life()

    # Time.

    @property
    def now_ns(self) -> int:
        """The time reached."""
        return self.board.now_ns

    @property
    def device_ms(self) -> int:
        """What the device's clock shows now; 0 without power."""
        device = self.board.device_board
        return device.ticks_ms() if device is not None else 0

    def device_ns_of(self, device_ms: int) -> int:
        """Return the bench's time of the instant nearest to now at which the device's clock shows this."""
        ahead_ms = (device_ms - self.device_ms + CLOCK_WRAP_MS // 2) % CLOCK_WRAP_MS - CLOCK_WRAP_MS // 2
        return self.now_ns + ahead_ms * NS_PER_MS

    def run_ms(self, milliseconds: float) -> None:
        """Let so much time pass."""
        self.run_until_ns(self.now_ns + round(milliseconds * NS_PER_MS))

    def run_until_ns(self, until_ns: int) -> None:
        """Run to this time: pings and permits are sent, what was planned happens, the judge looks."""
        while self.now_ns < until_ns:
            agenda_ns = self._agenda[0][0] if self._agenda else until_ns
            target_ns = min(until_ns, agenda_ns, self._ping_ns, self.now_ns + LOOK_NS)
            self.board.run_until(max(target_ns, self.now_ns + 1))
            self._note_life()
            self._listen()
            while self._agenda and self._agenda[0][0] <= self.now_ns:
                heappop(self._agenda)[2]()
            self._speak()
            self.judge.look(self.now_ns)

    def after_ms(self, milliseconds: float, action: Callable[[], None]) -> None:
        """Let something happen so much later."""
        self._number += 1
        heappush(self._agenda, (self.now_ns + round(milliseconds * NS_PER_MS), self._number, action))

    def _speak(self) -> None:
        now_ns = self.now_ns
        if now_ns >= self._ping_ns:
            self._ping_ns = now_ns + PING_NS
            if self.pings and self.voice.session != bytes(4):
                self.voice.say(messages.PING, 1, seq=0)
        if self.permits and now_ns >= self._permit_ns:
            self._permit_ns = now_ns + PERMIT_NS
            order = self.judge.book.current_order()
            if order is not None:
                self.say_signed(messages.PERMIT, self.clinic.permit(order, self.device_ms + 1_800))

    # The device's lives.

    def _life(self) -> tuple[int, bool, bool]:
        mcu = self.board.mcu
        return mcu.boot_ns, mcu.powered, self.board.hung

    def _note_life(self) -> None:
        life = self._life()
        if life == self._lives:
            return
        before, self._lives = self._lives, life
        booted = life[1] and (life[0] != before[0] or not before[1])
        if booted or not life[1]:
            self.voice.forget()
            self.telemetry = None
            self.judge.timeline.life(life[0] if booted else self.now_ns, booted, self.board.mcu.reset_cause)
        if life[2] and not before[2]:
            self.judge.timeline.hang(self.now_ns)

    def power_off(self) -> None:
        """Take the controller's supply away."""
        if self.board.mcu.powered:
            self.board.power_off()
            self._note_life()

    def power_on(self) -> None:
        """Give it back."""
        if not self.board.mcu.powered:
            self.plant.fram.cut_power_after(None)
            self.board.power_on()
            self._note_life()

    def reset(self) -> None:
        """Pull the reset pin."""
        if self.board.mcu.powered:
            self.board.reset()
            self._note_life()

    def hang(self) -> None:
        """Let the processor hang until its watchdog resets it."""
        if self.board.mcu.powered and not self.board.hung:
            self.board.hang()
            self._note_life()

    def fail(self) -> None:
        """Let something raise in the firmware's turn, as ``device.main`` would see it; then it is started anew."""
        executive = self.board.executive
        if not self.board.mcu.powered or self.board.hung or executive is None:
            return
        from device.main import make_safe  # noqa: PLC0415 -- the firmware's own end

        try:
            make_safe(self.board.device_board)  # type: ignore[arg-type]
            executive.fail()  # type: ignore[attr-defined]
        except (PowerLost, AbandonedError):
            self.power_off()
            self.power_on()
            return
        self.judge.timeline.failed(self.now_ns)
        self.reset()

    # The host.

    def _arriving(self, arrival_ns: int, said: Said) -> None:
        self.judge.timeline.frame(arrival_ns, said)

    def _listen(self) -> None:
        octets = self.board.host_read()
        if octets:
            for frame in self.voice.hear(octets):
                self._heard(frame)

    def _heard(self, frame: SeenFrame) -> None:
        message = frame.message
        assert message is not None
        if isinstance(message, typed.Welcome):
            self.voice.begin_session(message.session)
            self.boot = message.boot
            self.last_dose_id = message.last_dose_id
            self.clinic.meet(message.boot)
        elif isinstance(message, typed.Telemetry):
            self.telemetry = message
        elif isinstance(message, typed.Status):
            self.status = message
        elif isinstance(message, typed.Treatment):
            self.treatment = message
        elif isinstance(message, typed.DoseState):
            self.states[message.dose_id] = message
            if message.state not in (codes.DOSE_REFUSED, codes.DOSE_NOT_KNOWN) and message.dose_id == self._newest():
                self.last_dose_id = message.dose_id
        self.judge.timeline.told(self.now_ns, message)
        if frame.seq:
            self._answers[frame.seq] = message

    def _newest(self) -> bytes:
        return self.orders[-1].dose_id if self.orders else bytes(8)

    def ask(self, number: int, *values: int | bytes) -> typed.Message | None:
        """Send a request and return its answer, None when none comes soon."""
        said = self.voice.say(number, *values)
        return self.answer_to(said.seq)

    def answer_to(self, seq: int) -> typed.Message | None:
        """Return the answer to a request, None when none comes soon."""
        self._answers.pop(seq, None)
        end_ns = self.now_ns + ANSWER_MS * NS_PER_MS
        while self.now_ns < end_ns and seq not in self._answers:
            self.run_until_ns(min(end_ns, self.now_ns + 2 * NS_PER_MS))
        return self._answers.pop(seq, None)

    def hello(self) -> bool:
        """Open a session; return whether the device has welcomed it."""
        self._answers.clear()
        said = self.voice.say(messages.HELLO, self.random.randbytes(4), messages.schema_hash(), seq=1)
        return self.answer_to(said.seq) is not None

    def connected(self) -> bool:
        """Make sure that there is a session; False when there is no device to talk to."""
        return self.voice.session != bytes(4) or self.hello()

    def say_signed(self, number: int, body: bytes) -> Said:
        """Hand on what monitor or clinic signed."""
        return self.voice.say(number, *_values(number, body))

    def ask_signed(self, number: int, body: bytes) -> typed.Message | None:
        """Hand it on and return the answer."""
        return self.ask(number, *_values(number, body))

    # People.

    def press(self, after_ms: float = 30.0, for_ms: float = FOOT_MS) -> None:
        """Let a person press the foot switch and let it go; returns when it is done."""
        self.run_ms(after_ms)
        self.plant.press_footswitch()
        self.run_ms(for_ms)
        self.plant.press_footswitch(False)
        self.run_ms(20)

    def mend(self, names: Iterable[str] | None = None) -> None:
        """Make whole what is broken: the faults named, or all."""
        for name in list(self.mends if names is None else names):
            if name in self.mends:
                self.mends.pop(name)()
                self.judge.timeline.fault(self.now_ns, name, begins=False)

    def break_(self, name: str, begin: Callable[[], None], end: Callable[[], None], for_ms: float = 0) -> None:
        """Break something until it is mended, by itself after so long where one is said."""
        if name in self.mends:
            return
        self.judge.timeline.fault(self.now_ns, name, begins=True)
        begin()
        self.mends[name] = end
        if for_ms:
            self.after_ms(for_ms, lambda: self.mend([name]))


def _values(number: int, body: bytes) -> tuple[int | bytes, ...]:
    values = messages.decode_body(number, body, 0, len(body))
    assert values is not None
    return values
