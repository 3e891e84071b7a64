"""What can be known about the rig without any sensor: the truth that a judge asks for."""

from hil.plant.contents import ByKind, LineContents
from hil.plant.line import LiquidLine
from hil.plant.syringe import Syringe


class Readings:
    """The true volumes and states of the rig at the time reached so far; volumes in nL, pressures in kPa."""

    line: LiquidLine
    contents: LineContents
    syringes: tuple[Syringe, ...]
    _powered: bool
    _valve_patient: bool

    @property
    def tip_nl(self) -> float:
        """Volume that has left the tip in truth, nL."""
        return self.line.tip_nl

    @property
    def waste_nl(self) -> float:
        """Volume in the waste, nL."""
        return self.line.waste_nl

    @property
    def stored_nl(self) -> float:
        """Volume stored in the line by its pressure, nL."""
        return self.line.stored_nl

    @property
    def leaked_nl(self) -> float:
        """Volume leaked before the sensors or spilt behind them, nL."""
        return self.line.leaked_nl + self.line.spilt_nl

    @property
    def pressure_kpa(self) -> float:
        """True pressure in the line, kPa."""
        return self.line.pressure_kpa

    @property
    def balance_error_nl(self) -> float:
        """What left the syringes minus what is anywhere else: 0 but for rounding."""
        return sum(syringe.displaced_nl for syringe in self.syringes) - (
            self.line.stored_nl + self.line.tip_nl + self.line.waste_nl + self.leaked_nl
        )

    def to_patient_nl(self) -> ByKind:
        """Return what has left the tip by kind, nL: the numbers of ``hil.plant.contents``."""
        return self.contents.tip

    @property
    def motor_powered(self) -> bool:
        """Tell whether motor and valve have their supply."""
        return self._powered

    @property
    def valve_patient(self) -> bool:
        """Tell whether the valve stands on the patient."""
        return self._valve_patient
