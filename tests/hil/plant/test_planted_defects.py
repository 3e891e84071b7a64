"""Effects of plant and patient are broken on purpose, and the tests must notice."""

import pytest

from tests.planting import Defect, running, suites

DEFECTS = (
    Defect(
        "backlash-not-counted",
        "plant/syringe.py",
        "- self._slack_nl + self._backlash_nl\n",
        "- self._slack_nl\n",
        "plant/test_mishaps.py",
    ),
    Defect(
        "valve-instant",
        "plant/rig.py",
        "self.now_ns + self.parameters.valve_ns",
        "self.now_ns + 1",
        "plant/test_rig.py",
    ),
    Defect("heartbeat-not-needed", "plant/rig.py", "self.heartbeat.active and ", "", "plant/test_rig.py"),
    Defect("safe-without-bubble", "plant/rig.py", "and (bubble or not self._valve_level)", "", "plant/test_bubbles.py"),
    Defect(
        "volume-lost-in-a-leak",
        "plant/line.py",
        "self.leaked_nl += out_nl * self._leak_share",
        "self.leaked_nl += 0.0",
        "plant/test_line.py",
    ),
    Defect("head-feeds-from-nowhere", "plant/line.py", "self.displaced_nl += fed_nl", "pass", "plant/test_mishaps.py"),
    Defect(
        "scale-weighs-air",
        "plant/line.py",
        "self.weight_nl += tip_nl if self.tip_wet else 0.0",
        "self.weight_nl += tip_nl",
        "plant/test_bubbles.py",
    ),
    Defect(
        "manifold-without-volume",
        "plant/rig.py",
        "p.channels, p.manifold_nl, p.sensors_nl",
        "p.channels, 0.0, p.sensors_nl",
        "plant/test_contents.py",
    ),
    Defect(
        "patient-line-overtaken",
        "plant/contents.py",
        "self.patient_line.add(INLET, kind, part_nl)",
        "self.patient_line.add(OUTLET, kind, part_nl)",
        "plant/test_contents.py",
    ),
    Defect(
        "sucked-liquid-turns-into-the-syringes-own",
        "plant/contents.py",
        "mouth.add(OUTLET, kind, part_nl)\n",
        "pass\n",
        "plant/test_contents.py",
    ),
    Defect(
        "air-seen-with-the-next-batch-of-edges",
        "boards/mcu.py",
        "if rig.watchful:",
        "if False:",
        "plant/test_bubbles.py",
    ),
    Defect(
        "air-comes-a-little-late",
        "plant/rig.py",
        "max(1, ceil(time_s / _S_PER_NS))",
        "1_000_000 + ceil(time_s / _S_PER_NS)",
        "plant/test_bubbles.py",
    ),
    Defect(
        "agent-does-not-settle",
        "plant/sensors.py",
        "self._density *= exp(",
        "self._density *= 1.0 or exp(",
        "plant/test_sensors.py",
    ),
    Defect(
        "silent-sensor-reads-on", "plant/sensors.py", "if fault.silent:", "if False:", "plant/test_sensor_faults.py"
    ),
    Defect(
        "dip-without-end", "plant/mishaps.py", "lambda: self.dip_supply(False)", "lambda: None", "plant/test_mishaps.py"
    ),
    Defect("memory-never-busy", "plant/eeprom.py", "now_ns + self._write_ns\n", "now_ns\n", "plant/test_eeprom.py"),
    Defect(
        "memory-page-does-not-wrap",
        "plant/eeprom.py",
        "page + (self._pointer + 1) % self.PAGE",
        "(self._pointer + 1) % self.SIZE",
        "plant/test_eeprom.py",
    ),
    Defect(
        "bus-takes-no-time",
        "boards/mcu.py",
        "self.advance(self.now_ns + duration_ns, life)",
        "self.advance(self.now_ns, life)",
        "boards/test_bus_time.py",
    ),
    Defect(
        "turn-goes-on-without-power",
        "boards/mcu.py",
        "            raise AbandonedError\n",
        "            pass\n",
        "boards/test_bus_time.py",
    ),
    Defect(
        "lot-does-not-grow", "patient/burden.py", "self._growth if growing else 0.0", "0.0", "patient/test_burden.py"
    ),
    Defect(
        "counter-agent-binds-twice",
        "patient/burden.py",
        "agent - counter, fading * fall, lost, fall)",
        "agent - counter, 2.0 * fading * fall, lost, fall)",
        "patient/test_burden.py",
    ),
    Defect(
        "counter-agent-in-excess-is-lost",
        "patient/burden.py",
        "max(0.0, self.counter_ul + (counter - agent) * time_s)",
        "0.0",
        "patient/test_burden.py",
    ),
    Defect(
        "no-threshold",
        "patient/response.py",
        "excess = piece.at(from_s + time_s) - self._threshold",
        "excess = piece.at(from_s + time_s)",
        "patient/test_patient.py",
    ),
    Defect(
        "long-steps-are-coarse",
        "patient/response.py",
        "LONGEST_S = 2.0",
        "LONGEST_S = 2000.0",
        "patient/test_response.py",
    ),
    Defect(
        "no-dead-time", "patient/patient.py", "self._wait_us = delay_us", "self._wait_us = 0", "patient/test_patient.py"
    ),
    Defect(
        "nothing-missing",
        "patient/vital_signs.py",
        "None if gap() < missing else value",
        "value",
        "patient/test_vital_signs.py",
    ),
    Defect(
        "patient-gets-what-the-pump-pushed",
        "patient/bedside.py",
        "given = self._rig.to_patient_nl()",
        "given = list(self._rig.contents._entered)",
        "patient/test_bedside.py",
    ),
)


@pytest.fixture(scope="module")
def runs(request):
    with running(request, DEFECTS, "hil", "tests/hil") as runs:
        yield runs


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: defect.name)
def test_a_planted_defect_is_noticed(runs, defect):
    runs.must_notice(defect)


@pytest.mark.parametrize("suite", suites(DEFECTS))
def test_a_suite_without_a_defect_passes(runs, suite):
    runs.must_pass(suite)
