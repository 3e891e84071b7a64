"""A simulated rig behind a serial port, with words for what people do at a rig."""

import os
import select
import signal
import sys
import time
from collections.abc import Callable
from types import FrameType

from hil.bench import Bench
from hil.realtime import RealTimeBench
from hil.targets import real_time, runs_on
from host.cli_run import SIGNALS, put_json
from host.errors import RigError
from protocol import codes

LOOK_EVERY_S = 0.2
FOOT_S = 0.3

Act = Callable[[RealTimeBench, str], str]


class NoSuchActError(Exception):
    """A word, or what follows it, that means nothing here."""


def act(bench: RealTimeBench, line: str) -> str:
    """Do what a line of words says and return what to print. Raises NoSuchActError."""
    word, _, rest = line.strip().lower().partition(" ")
    if word not in _ACTS:
        raise NoSuchActError(f"there is no {word!r}; help lists the words")
    return _ACTS[word][1](bench, rest.strip())


def help_text() -> str:
    """Return the words and what they do."""
    return "\n".join(f"  {usage}" for usage, _ in _ACTS.values()) + "\n  quit             end"


def serve(target: str, seed: int, *, json_output: bool = False) -> int:
    """Boot a bench, say where it is, do what standard input says, until quit or Ctrl-C. Raises RigError."""
    interrupt = _Interrupt()
    before = [signal.signal(number, interrupt) for number in SIGNALS]
    try:
        with real_time(target, seed) as bench:
            _introduce(bench, json_output=json_output)
            _obey(bench, interrupt, json_output=json_output)
    except KeyboardInterrupt:
        return 0
    finally:
        for number, handler in zip(SIGNALS, before, strict=True):
            signal.signal(number, handler)
    return 0


class _Interrupt:
    """Ends what runs at once, and remembers it: an exception that meets a finalizer is swallowed."""

    def __init__(self) -> None:
        self.came = False

    def __call__(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 -- the signature of all handlers
        self.came = True
        raise KeyboardInterrupt


def _introduce(bench: RealTimeBench, *, json_output: bool) -> None:
    if json_output:
        put_json({"url": bench.url, "path": str(bench.port.path), "runs_on": runs_on(bench)})
        return
    port = bench.port.path
    print(f"the simulated rig is at {bench.url}")
    print(f"the firmware is run by {runs_on(bench)}")
    print("try, in another terminal:")
    print(f"  rig status --port {port}")
    print(f"  rig dose --ul 5 --ul-s 1 --port {port}")
    print(f"  rig stop --port {port}")
    print("act at the rig by typing here; Ctrl-C ends it:")
    print(help_text(), flush=True)


def _obey(bench: RealTimeBench, interrupt: _Interrupt, *, json_output: bool) -> None:
    reader = _Lines()
    while not interrupt.came:
        if bench.error is not None:
            raise RigError("internal", f"The bench has ended: {bench.error}", "") from bench.error
        for line in reader.read(LOOK_EVERY_S):
            if line.strip() in {"quit", "q"}:
                return
            if line.strip():
                _answer(bench, line, json_output=json_output)


def _answer(bench: RealTimeBench, line: str, *, json_output: bool) -> None:
    try:
        answer = act(bench, line)
    except NoSuchActError as error:
        answer = str(error)
    if json_output:
        put_json({"act": line.strip(), "answer": answer})
    else:
        print(answer, flush=True)


class _Lines:
    """Whole lines of standard input, without waiting for longer than asked."""

    def __init__(self) -> None:
        self._ended = False
        self._rest = b""

    def read(self, timeout_s: float) -> list[str]:
        if self._ended:
            time.sleep(timeout_s)
            return []
        ready, _, _ = select.select([sys.stdin], [], [], timeout_s)
        if not ready:
            return []
        octets = os.read(sys.stdin.fileno(), 4096)
        self._ended = not octets
        *lines, self._rest = (self._rest + octets).split(b"\n")
        return [line.decode(errors="replace") for line in lines]


def _switch(rest: str, on: str, off: str) -> bool:
    if rest in {"", on}:
        return True
    if rest == off:
        return False
    raise NoSuchActError(f"say {on} or {off}, not {rest!r}")


def _foot(bench: RealTimeBench, rest: str) -> str:
    if rest:
        raise NoSuchActError("foot takes nothing more")
    bench.call(lambda it: it.press_footswitch(FOOT_S))
    return f"foot switch pressed for {FOOT_S:g} s"


def _estop(bench: RealTimeBench, rest: str) -> str:
    pressed = _switch(rest, "on", "off")
    bench.call(lambda it: it.plant.press_estop(pressed))
    return "emergency stop pressed" if pressed else "emergency stop pulled out"


def _door(bench: RealTimeBench, rest: str) -> str:
    opened = _switch(rest, "open", "shut")
    bench.call(lambda it: it.plant.open_door(opened))
    return "door open" if opened else "door shut"


def _air(bench: RealTimeBench, rest: str) -> str:
    present = _switch(rest, "on", "off")
    bench.call(lambda it: it.plant.put_bubble(present))
    return "air in the line" if present else "no air in the line"


def _occlude(bench: RealTimeBench, rest: str) -> str:
    try:
        share = float(rest or "1")
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise NoSuchActError("occlude takes a share from 0 (free) to 1 (shut)")
    bench.call(lambda it: it.plant.occlude(share))
    return f"patient line closed to {share:.0%}"


def _power(bench: RealTimeBench, rest: str) -> str:
    if _switch(rest, "on", "off"):
        bench.call(_power_on)
        return "controller powered"
    bench.call(Bench.power_off)
    return "controller without power"


def _power_on(bench: Bench) -> None:
    bench.power_off()
    bench.power_on()


def _hang(bench: RealTimeBench, rest: str) -> str:
    if rest:
        raise NoSuchActError("hang takes nothing more")
    bench.call(lambda it: it.board.hang())
    return "the processor hangs"


def _unplug(bench: RealTimeBench, rest: str) -> str:
    if rest:
        raise NoSuchActError("unplug takes nothing more; plug puts the cable in again")
    bench.unplug()
    return "cable pulled"


def _plug(bench: RealTimeBench, rest: str) -> str:
    if rest:
        raise NoSuchActError("plug takes nothing more")
    bench.plug()
    return f"cable in, {bench.url}"


def _weigh(bench: RealTimeBench, rest: str) -> str:
    if rest:
        raise NoSuchActError("weigh takes nothing more")
    return f"the scale at the tip shows {bench.call(Bench.weigh_nl) / 1000:.3f} uL"


def _waste(bench: RealTimeBench, rest: str) -> str:
    if rest:
        raise NoSuchActError("waste takes nothing more")
    return f"the scale under the waste shows {bench.call(Bench.weigh_waste_nl) / 1000:.3f} uL"


def _look(bench: RealTimeBench, rest: str) -> str:
    if rest:
        raise NoSuchActError("look takes nothing more")
    return f"{bench.call(_state)}, slips {bench.slips}, octets lost {bench.port.lost}, garbled {bench.port.garbled}"


def _state(bench: Bench) -> str:
    plant = bench.plant
    edges = ", ".join(f"{name} {bench.edge_count(number)}" for name, number in codes.CHANNELS)
    return (
        f"bench time {bench.now_s:.1f} s, edges: {edges}, pressure {plant.pressure_kpa:.1f} kPa, "
        f"valve on {'the patient' if plant.valve_patient else 'waste'}, motor {'on' if plant.motor_powered else 'off'}"
    )


_ACTS: dict[str, tuple[str, Act]] = {
    "foot": ("foot             press the foot switch for a moment", _foot),
    "estop": ("estop [off]      press the emergency stop, or pull it out", _estop),
    "door": ("door [shut]      open the door, or shut it", _door),
    "air": ("air [off]        put air into the line, or take it out", _air),
    "occlude": ("occlude [0..1]   close the patient line by this share, all of it without one", _occlude),
    "hang": ("hang             let the processor hang", _hang),
    "power": ("power [off]      start the controller anew, or take its power", _power),
    "unplug": ("unplug           pull the serial cable", _unplug),
    "plug": ("plug             put it in again", _plug),
    "weigh": ("weigh            read the scale at the tip", _weigh),
    "waste": ("waste            read the scale under the waste", _waste),
    "look": ("look             tell what the bench sees", _look),
    "help": ("help             list the words", lambda _bench, _rest: help_text()),
}
