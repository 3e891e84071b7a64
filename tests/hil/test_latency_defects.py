"""The trials notice a board that is too slow or does not stop: each defect is planted on the twin."""

import pytest

from device import pump
from device.controller import Controller
from hil.boards.step_generator import StepGeneratorModel
from hil.latency.measure import trials
from hil.latency.report import Report


def judged(instants=0, stops=0, hangs=0):
    return Report("twin", 2, list(trials("twin", 2, instants, stops, hangs))).judged()


def _deaf(self, _level):
    """SAFE is always high, whatever its level."""
    self._safe = True


def found(problems, word):
    return any(word in problem for problem in problems)


@pytest.mark.req("STOP-2")
def test_a_step_generator_that_does_not_look_at_safe(monkeypatch):
    monkeypatch.setattr(StepGeneratorModel, "set_safe", _deaf)
    problems = judged(instants=20)
    assert found(problems, "10 us after SAFE fell")
    assert found(problems, "after SAFE returned")


@pytest.mark.req("STOP-3")
def test_a_stop_that_waits_for_the_grant_to_run_out(monkeypatch):
    stop, halt = Controller.stop, pump.Pump.halt

    def stop_later(controller, cause):
        with pytest.MonkeyPatch.context() as within:
            within.setattr(
                pump.Pump, "halt", lambda self: halt(self) if self.emitted_steps == self.asked_steps else None
            )
            stop(controller, cause)

    monkeypatch.setattr(Controller, "stop", stop_later)
    assert found(judged(stops=100), "stop frame to last edge")


@pytest.mark.req("STOP-1")
def test_a_stop_frame_that_is_not_heard(monkeypatch):
    monkeypatch.setattr(Controller, "stop", lambda _self, _cause: None)
    monkeypatch.setattr("device.wire.Wire.tell_stopped", lambda _self, _was: None)
    assert found(judged(stops=10), "never confirmed")


@pytest.mark.req("STOP-5")
def test_a_grant_of_twice_the_time(monkeypatch):
    monkeypatch.setattr(pump, "GRANT_US", 80_000)
    assert found(judged(hangs=10), "edges after the grant")


@pytest.mark.req("STOP-5")
def test_a_watchdog_that_takes_its_time(monkeypatch):
    monkeypatch.setattr("device.executive.WATCHDOG_MS", 700)
    assert found(judged(hangs=3), "reset")
