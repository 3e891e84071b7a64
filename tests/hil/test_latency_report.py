"""Percentiles, verdicts and the picture, from rows made by hand."""

import xml.etree.ElementTree as ET

import pytest

from hil.latency import histogram
from hil.latency.report import Report, spread, table
from host.errors import UsageError


def stop(**changes):
    row = {
        "kind": "stop",
        "state": "running",
        "latency_us": 700.0,
        "valve_us": 900.0,
        "confirmed": True,
        "collecting": False,
        "tip_nl": 150.0,
    }
    return {**row, **changes}


def safe(**changes):
    row = {
        "kind": "safe",
        "hung": False,
        "period_us": 280.4,
        "late_edges": 0,
        "edges_after_return": 0,
        "last_edge_ns": 900,
        "tip_nl": 190.0,
    }
    return {**row, **changes}


def hang(**changes):
    row = {
        "kind": "hang",
        "period_us": 280.4,
        "late_edges": 0,
        "last_edge_ms": 38.0,
        "reset_ms": 489.0,
        "unsafe_outputs": 0,
        "tip_nl": 700.0,
    }
    return {**row, **changes}


GOOD = [safe(), safe(hung=True, tip_nl=None), *[stop()] * 98, stop(state="gc", latency_us=2400.0), stop(), hang()]


def report(*rows, target="rp2040", host_us=(40.0, 50.0)):
    return Report(target, 1, [*GOOD, *rows], host_us)


def test_percentiles_are_by_nearest_rank():
    assert spread(range(1, 101)) == {"n": 100, "p50": 50, "p99": 99, "max": 100}
    assert spread([5.0]) == {"n": 1, "p50": 5.0, "p99": 5.0, "max": 5.0}
    assert spread([]) == {"n": 0, "p50": None, "p99": None, "max": None}


def test_good_rows_hold_and_every_figure_has_its_place():
    told = report().as_dict()
    assert told["held"]
    assert (told["safe_line"]["instants"], told["safe_line"]["late_edges"]) == (2, 0)
    assert (told["stop_frame_us"]["n"], told["stop_frame_us"]["p50"]) == (100, 700.0)
    assert told["stop_frame_us"]["by_state"]["gc"]["max"] == 2400.0
    assert told["hang"]["reset_ms_max"] == 489.0
    assert told["tip_nl_max"] == {"safe": 190.0, "stop_frame": 150.0, "hang": 700.0}


def test_a_host_call_is_the_sum_of_host_wire_and_device():
    call = report().as_dict()["host_call_us"]
    assert call["n"] == 2
    assert call["p50"] == pytest.approx(40 + call["wire"] + 700, abs=0.1)
    assert call["host"]["max"] == 50.0


@pytest.mark.parametrize(
    ("row", "word"),
    [
        (safe(late_edges=1), "10 us after SAFE"),
        (safe(edges_after_return=1), "returned"),
        (safe(tip_nl=301.0), "safe"),
        (safe(tip_nl=None), "valve on the patient"),
        (stop(latency_us=5001.0), "stop frame to last edge: max"),
        (stop(confirmed=False), "never confirmed"),
        (stop(tip_nl=301.0), "stop_frame"),
        (hang(late_edges=1), "grant"),
        (hang(reset_ms=500.2), "reset"),
        (hang(reset_ms=None), "without a reset"),
        (hang(unsafe_outputs=1), "through or after a reset"),
        (hang(tip_nl=1000.5), "hang"),
    ],
)
def test_each_bound_can_fail(row, word):
    judged = report(row)
    assert not judged.held
    assert any(word in problem for problem in judged.judged())
    assert "NOT HELD" in table(judged)


def test_the_99th_percentile_can_fail_alone():
    judged = report(*[stop(latency_us=2600.0)] * 5)
    assert [problem.partition(",")[0] for problem in judged.judged()] == ["stop frame to last edge: p99 2600 us"]


def test_only_the_emulated_pico_has_half_of_the_bound():
    assert report(*[stop(latency_us=4000.0)] * 5, target="twin").held


def test_the_table_names_every_state():
    told = table(report())
    assert "running" in told
    assert "gc" in told
    assert "every bound held" in told


def test_nothing_measured_is_no_error():
    assert "every bound held" in table(Report("twin", 1, []))


def test_the_histogram_is_a_picture(tmp_path):
    histogram.save(report(), tmp_path / "stops.svg")
    picture = ET.parse(tmp_path / "stops.svg").getroot()
    assert picture.tag.endswith("svg")
    assert len([part for part in picture if part.tag.endswith("rect")]) > 4


@pytest.mark.parametrize("name", ["stops.pdf", "nowhere/stops.svg"])
def test_a_picture_that_cannot_be_written_is_named(tmp_path, name):
    with pytest.raises(UsageError):
        histogram.save(report(), tmp_path / name)
