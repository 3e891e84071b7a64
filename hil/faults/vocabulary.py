"""Everything that may go wrong, as data: one dataclass a kind, times in microseconds, shares in permille.

A fault begins at ``at_us``; one that lasts ends ``for_us`` later. Faults may overlap.
"""

from dataclasses import dataclass
from typing import ClassVar

from hil.faults.records import LONGEST_US, Record, choice, kinds_of, number

DIRECTIONS = ("to_device", "to_host", "both")
READINGS = ("pressure", "flow", "supply", "density", "temperature")
"""Sensors that tell a number."""

SENSORS = (*READINGS, "estop", "door", "bubble", "home", "footswitch")
"""Every sensor; the others tell yes or no."""

VITAL_SIGNS = ("heart_rate", "spo2", "respiration", "pressure", "temperature", "burden")


@dataclass(frozen=True)
class Fault(Record):
    """One thing that goes wrong."""

    FAMILY: ClassVar[str] = ""


@dataclass(frozen=True)
class Lasting(Fault):
    """A fault that ends by itself."""

    for_us: int = number(1, LONGEST_US, 1000)

    @property
    def until_us(self) -> int:
        """When it ends."""
        return self.at_us + self.for_us


# Link: what happens to frames between host and UART. Shares are chances a frame.


@dataclass(frozen=True)
class LinkFault(Lasting):
    """Something on the way between host and UART."""

    FAMILY: ClassVar[str] = "link"

    direction: str = choice(*DIRECTIONS)


@dataclass(frozen=True)
class LinkDrop(LinkFault):
    """Frames are lost."""

    permille: int = number(1, 1000, 1000)


@dataclass(frozen=True)
class LinkDuplicate(LinkFault):
    """Frames come twice."""

    permille: int = number(1, 1000, 1000)


@dataclass(frozen=True)
class LinkDelay(LinkFault):
    """Frames come later, and so out of order."""

    permille: int = number(1, 1000, 1000)
    longest_ms: int = number(1, 10_000, 1)


@dataclass(frozen=True)
class LinkCorrupt(LinkFault):
    """One bit of a frame is flipped."""

    permille: int = number(1, 1000, 1000)


@dataclass(frozen=True)
class LinkReorder(LinkFault):
    """Frames change places with the next."""

    permille: int = number(1, 1000, 1000)


@dataclass(frozen=True)
class LinkGarbage(LinkFault):
    """Random octets come in front of frames."""

    permille: int = number(1, 1000, 1000)


@dataclass(frozen=True)
class LinkCut(LinkFault):
    """The cable breaks after so many more octets and is whole again at the end."""

    octets: int = number(0, 100_000)


# Power.


@dataclass(frozen=True)
class PowerFault(Lasting):
    """Something with a supply."""

    FAMILY: ClassVar[str] = "power"


@dataclass(frozen=True)
class PowerOff(PowerFault):
    """The controller's supply is away; a short one is a brown-out."""


@dataclass(frozen=True)
class PowerOffAtFramOctet(PowerFault):
    """The controller's supply goes away once so many more octets were stored in the FRAM, for ``for_us`` from then."""

    octets: int = number(0, 1000)


@dataclass(frozen=True)
class SupplyDip(PowerFault):
    """The supply of motor and valve is away."""


# Sensors.


@dataclass(frozen=True)
class SensorFault(Lasting):
    """A sensor that does not tell what is."""

    FAMILY: ClassVar[str] = "sensor"

    sensor: str = choice(*SENSORS)


@dataclass(frozen=True)
class SensorStuck(SensorFault):
    """It goes on telling what it told last."""


@dataclass(frozen=True)
class SensorSilent(SensorFault):
    """It tells nothing: a broken wire, a chip without an answer."""


@dataclass(frozen=True)
class SensorDrifting(SensorFault):
    """What it tells moves away from what is, by so much of its range a second."""

    sensor: str = choice(*READINGS)
    permille_s: int = number(-1000, 1000, 1)


@dataclass(frozen=True)
class SensorJumping(SensorFault):
    """What it tells has jumped by so much of its range."""

    sensor: str = choice(*READINGS)
    permille: int = number(-1000, 1000, 1)


# Buses.


@dataclass(frozen=True)
class BusFault(Lasting):
    """Something on an I2C bus: 0 sensors and FRAM, 1 cartridges."""

    FAMILY: ClassVar[str] = "bus"

    bus: int = number(0, 1)


@dataclass(frozen=True)
class BusStuck(BusFault):
    """The data line is held low."""


@dataclass(frozen=True)
class BusNak(BusFault):
    """Transfers are not acknowledged."""

    permille: int = number(1, 1000, 1000)


@dataclass(frozen=True)
class BusCrc(BusFault):
    """Words of the flow sensor carry a wrong CRC."""

    permille: int = number(1, 1000, 1000)


# The plant, and the people at it.


@dataclass(frozen=True)
class PlantFault(Lasting):
    """Something at the machine."""

    FAMILY: ClassVar[str] = "plant"


@dataclass(frozen=True)
class Occlusion(PlantFault):
    """The patient line closes by this share, at once or over ``over_us``, and opens again at the end."""

    percent: int = number(1, 100, 100)
    over_us: int = number(0, LONGEST_US)


@dataclass(frozen=True)
class Clog(PlantFault):
    """The line closes right before the valve by this share."""

    percent: int = number(1, 100, 100)


@dataclass(frozen=True)
class Leak(PlantFault):
    """The manifold leaks before the sensors, in nL/s per kPa (the patient line has 500)."""

    conductance_nl_s_kpa: int = number(1, 10_000, 100)


@dataclass(frozen=True)
class Spill(PlantFault):
    """The patient line leaks at the tip, behind the sensors, in nL/s per kPa (the patient line has 500)."""

    conductance_nl_s_kpa: int = number(1, 10_000, 100)


@dataclass(frozen=True)
class ValveStuck(PlantFault):
    """The valve stands where it stands."""


@dataclass(frozen=True)
class Bubble(PlantFault):
    """There is air in the bubble and flow sensors."""


@dataclass(frozen=True)
class ChannelFault(PlantFault):
    """Something with one syringe or its motor."""

    channel: int = number(0, 2, 2)


@dataclass(frozen=True)
class SyringeEmpty(ChannelFault):
    """The plunger stands at the bottom; filled again at the end."""


@dataclass(frozen=True)
class SyringeLoose(ChannelFault):
    """The plunger is out of its clamp: a gap to take up, and a head that pushes by itself, or sucks where negative."""

    gap_nl: int = number(0, 100_000)
    head_kpa: int = number(-50, 50, 0)


@dataclass(frozen=True)
class SyringeExchanged(ChannelFault):
    """Another syringe is put in, so full and with so much air in its mouth; a full one without air at the end."""

    fill_nl: int = number(0, 1_000_000, 1_000_000)
    air_nl: int = number(0, 10_000)


@dataclass(frozen=True)
class MotorStalled(ChannelFault):
    """The motor loses every step."""


@dataclass(frozen=True)
class EmergencyStop(PlantFault):
    """The emergency stop is pressed; a short one is a bouncing contact."""


@dataclass(frozen=True)
class DoorOpen(PlantFault):
    """The door is open."""


@dataclass(frozen=True)
class FootSwitchHeld(PlantFault):
    """Something lies on the foot switch."""


# The patient, as the monitor sees it.


@dataclass(frozen=True)
class PatientFault(Lasting):
    """Something between the patient and the monitor."""

    FAMILY: ClassVar[str] = "patient"


@dataclass(frozen=True)
class ProbeOff(PatientFault):
    """The finger probe is off: its samples are missing."""


@dataclass(frozen=True)
class FlatLine(PatientFault):
    """A sign goes on showing the value measured next."""

    sign: str = choice(*VITAL_SIGNS)


@dataclass(frozen=True)
class MotionArtefact(PatientFault):
    """The patient moves."""


@dataclass(frozen=True)
class SamplesMissing(PatientFault):
    """No samples come at all."""


@dataclass(frozen=True)
class SampleClockOff(PatientFault):
    """Samples carry a time that is off by so many milliseconds."""

    offset_ms: int = number(-600_000, 600_000, 1000)


@dataclass(frozen=True)
class SampleClockStopped(PatientFault):
    """Samples carry the same time again and again."""


# Processes.


@dataclass(frozen=True)
class ProcessFault(Fault):
    """Something with a program."""

    FAMILY: ClassVar[str] = "process"


@dataclass(frozen=True)
class FirmwareHang(ProcessFault):
    """The processor hangs until the watchdog resets it."""


@dataclass(frozen=True)
class FirmwareReset(ProcessFault):
    """The reset pin is pulled."""


@dataclass(frozen=True)
class FirmwareKilled(ProcessFault):
    """The firmware's process is killed, where it has one; the peripherals run on, as in a hang."""


@dataclass(frozen=True)
class HostKilled(ProcessFault):
    """The host is killed without a word and started again after a while."""

    back_after_us: int = number(1, LONGEST_US, 1000)


FAULTS: dict[str, type[Fault]] = kinds_of(Fault)
FAMILIES = ("link", "power", "sensor", "bus", "plant", "patient", "process")
