"""What keeps flow from going on until somebody has come: stops, holds, pauses, unknown doses. Judged from outside."""

from dataclasses import dataclass

from hil.model import bounds
from hil.model.voice import Said
from protocol import codes, messages

ALL, NOT_RESCUE, AGENT = "all", "not rescue", "agent"


@dataclass(frozen=True, slots=True)
class Latch:
    """From when on what must not flow. ``since_ns``: when it came about."""

    since_ns: int
    from_ns: int
    scope: str
    lasting: bool = True
    """Whether it outlives the power."""


class Latches:
    """Every latch by its name, and what a person was asked to confirm."""

    def __init__(self) -> None:
        self.standing: dict[str, Latch] = {}
        self.unresolved: dict[bytes, int] = {}
        self.resolved: set[bytes] = set()
        self.asks: list[tuple[int, Said]] = []
        self.pressed_ns = -1
        self._asked_at_press: list[tuple[int, Said]] = []

    def stop(self, now_ns: int, cause: int, within_ns: int, began_ns: int | None = None) -> None:
        """A stop was said or has to follow: nothing flows until a person has cleared it, a patient's a clinician.

        What a person was asked before, or before ``began_ns``, is not asked any more.
        """
        patient = cause in bounds.PATIENT_CAUSES
        scope = NOT_RESCUE if cause in bounds.SPARING_RESCUE else ALL
        name = "a patient's stop" if patient else "a stop"
        if name not in self.standing:
            self.standing[name] = Latch(now_ns, now_ns + within_ns, scope)
        if patient:
            self.hold(now_ns)
        # A pause ends with the dose.
        self.standing.pop("a pause", None)
        void_ns = now_ns if began_ns is None else began_ns
        self.asks = [(ask_ns, said) for ask_ns, said in self.asks if ask_ns >= void_ns]
        self._asked_at_press = [(ask_ns, said) for ask_ns, said in self._asked_at_press if ask_ns >= void_ns]

    def hold(self, now_ns: int) -> None:
        """No agent flows until a clinician and a person have cleared it."""
        self.standing.setdefault("a hold", Latch(now_ns, now_ns + bounds.HOLD_NS, AGENT))

    def hang(self, now_ns: int) -> None:
        """The processor hangs: what was granted flows out. That a person has to come is known when it is reset."""
        from_ns = now_ns + bounds.GRANT_NS + bounds.SLOWEST_PERIOD_NS
        self.standing["a hang"] = Latch(now_ns, from_ns, ALL, lasting=False)

    def pause(self, now_ns: int) -> None:
        """The device says that its dose is paused."""
        self.standing.setdefault("a pause", Latch(now_ns, now_ns, ALL, lasting=False))

    def dose_ended(self) -> None:
        """No dose is open any more, or another one is."""
        self.standing.pop("a pause", None)

    def ask(self, now_ns: int, said: Said) -> None:
        """A person is asked to confirm something."""
        self.asks.append((now_ns, said))

    def press(self, now_ns: int, machine_whole: bool) -> list[Said]:
        """Somebody has pressed the foot switch: return what may be confirmed by it."""
        self.pressed_ns = now_ns
        confirmed = [said for ask_ns, said in self.asks if now_ns - ask_ns <= bounds.PERSON_NS]
        self._asked_at_press = self.asks
        self.asks = []
        for said in confirmed:
            if said.number == messages.CLEAR and machine_whole:
                self.standing.pop("a stop", None)
            elif said.number == messages.CLEAR_BY_CLINICIAN:
                self.standing.pop("a patient's stop", None)
                self.standing.pop("a hold", None)
            elif said.number == messages.RESUME:
                self.standing.pop("a pause", None)
            elif said.number == messages.RESOLVE:
                assert isinstance(said.values[0], bytes)
                self.unresolved.pop(said.values[0], None)
                self.resolved.add(said.values[0])
        return confirmed

    def release(self, now_ns: int) -> None:
        """Nobody presses any more. A press so short that no tick need have seen it may have confirmed nothing."""
        if now_ns - self.pressed_ns < bounds.STANDING_NS:
            self.asks = self._asked_at_press + self.asks
        self._asked_at_press = []

    def restart(self, now_ns: int, durable: bool) -> None:
        """The controller has begun anew: what had not stood for long may be forgotten, and every pause is over."""
        self.asks.clear()
        self._asked_at_press = []
        self.standing = {
            name: latch
            for name, latch in self.standing.items()
            if latch.lasting and durable and now_ns - latch.since_ns >= bounds.DURABLE_NS
        }

    def broken(self, first_ns: int, last_ns: int, kind: int, moves_agent: bool) -> str | None:
        """Return which latch edges of a dose of this kind break, None for none."""
        rescue = kind == codes.KIND_RESCUE
        for name, latch in self.standing.items():
            applies = latch.scope == ALL or (not rescue and (latch.scope == NOT_RESCUE or moves_agent))
            if applies and last_ns > latch.from_ns:
                return f"after {name}, {(last_ns - latch.from_ns) / 1e6:.3f} ms too late"
        if moves_agent and not rescue:
            for dose_id, since_ns in self.unresolved.items():
                if first_ns > since_ns + bounds.HOLD_NS:
                    return f"of agent while dose {dose_id.hex()} is unresolved"
        return None
