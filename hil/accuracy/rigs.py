"""The rigs whose accuracy is measured: what is drawn of each, and its calibration as a technician would do it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import partial

from hil.bench import Bench
from hil.hosts import prepared
from hil.plant.noise import stream
from hil.plant.parameters import PlantParameters
from host.errors import RigError
from host.reports import Outcome
from host.rig import Rig
from protocol import codes

BORE_ERROR = 0.01
BACKLASH_NL = 270.0
"""15 um of a screw of 1 mm lead and a bore of 4.78 mm."""

MOST_GRAIN_NL = 100.0
DEFAULT, DRAWN = "default", "drawn"
GRAINS = (DEFAULT, DRAWN)
"""The friction's grain of each rig: that of the reference rig, 20 nL, or drawn evenly from 0 to 100 nL."""

CHANNEL = "flush"
FLUSH = codes.CHANNEL_FLUSH
PURGE_NL = 10_000
RUN_NL = 100_000
RUN_NL_S = 5_000
RUNS = 2
SCALE_REST_S = 3.0
"""After three times its settling time the scale is off by a millionth."""

CONFIRMED_S = 0.5


@dataclass(frozen=True, slots=True)
class DrawnRig:
    """One rig: its seed, which grain it has, and its numbers."""

    seed: int
    grain: str
    bore_error: float
    backlash_nl: float
    stick_slip_nl: float

    @property
    def parameters(self) -> PlantParameters:
        """Return the plant's numbers; all others are the reference rig's."""
        return PlantParameters(
            bore_error=self.bore_error, backlash_nl=self.backlash_nl, stick_slip_nl=self.stick_slip_nl
        )


def drawn(seed: int, grain: str) -> DrawnRig:
    """Draw one rig evenly from the range to be tried; two grains of one seed have the same bore and backlash."""
    random = stream(seed, "accuracy")
    bore_error, backlash_nl = random.uniform(-BORE_ERROR, BORE_ERROR), random.uniform(0, BACKLASH_NL)
    grain_nl = random.uniform(0, MOST_GRAIN_NL)
    return DrawnRig(
        seed, grain, bore_error, backlash_nl, grain_nl if grain == DRAWN else PlantParameters().stick_slip_nl
    )


def open_play(bench: Bench) -> None:
    """Leave every screw at the far end of its play, as a hand does that turned it back to put the syringe in."""
    for syringe in bench.plant.syringes:
        steps = round(bench.plant.parameters.backlash_nl / bench.plant.parameters.step_nl)
        syringe.turn(steps, forward=False)


async def calibrated(bench: Bench, rig: Rig, run_nl: int = RUN_NL, run_nl_s: int = RUN_NL_S, runs: int = RUNS) -> None:
    """Make a rig ready and calibrate its flush channel: purge, run to the waste, weigh, confirm, again.

    Raises RigError when a run or a weighing is refused.
    """
    await prepared(rig, bench.issuer(), partial(press, bench))
    must(await rig.purge(PURGE_NL, run_nl_s, CHANNEL), "the purge")
    for _ in range(runs):
        before_nl = bench.weigh_waste_nl()
        outcome = must(await rig.calibrate(run_nl, run_nl_s, CHANNEL), "the run")
        await asyncio.sleep(SCALE_REST_S)
        weighed_nl = round(bench.weigh_waste_nl() - before_nl)
        await rig.set_calibration(bytes.fromhex(outcome.dose_id), weighed_nl)
        await press(bench)
        await rig.confirmed("The calibration was not confirmed")


async def press(bench: Bench) -> None:
    """Let a person press the foot switch."""
    bench.press_footswitch(after_s=0.2)
    await asyncio.sleep(CONFIRMED_S)


async def new_treatment(bench: Bench, rig: Rig, number: int) -> None:
    """Have the clinic close the treatment and open another; a person confirms both."""
    issuer = bench.issuer()
    open_now = (await rig.treatment()).treatment
    await rig.close_treatment(issuer.close_treatment(open_now))
    await press(bench)
    await rig.confirmed("The treatment was not closed")
    await rig.open_treatment(issuer.open_treatment(b"accur" + number.to_bytes(3, "little")))
    await press(bench)
    await rig.confirmed("The treatment was not opened")
    await rig.treatment()


def must(outcome: Outcome, what: str) -> Outcome:
    """Return the outcome of a dose that was delivered. Raises RigError for any other."""
    if str(outcome.outcome) != "delivered":
        told = f"{outcome.outcome} {outcome.reason} {outcome.cause}"
        raise RigError("refused", f"{what.capitalize()} was not delivered: {told}.", "Look at the rig's parameters.")
    return outcome
