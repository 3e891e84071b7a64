"""The picture of a recording: all of it there, inside, and nothing on top of something else."""

import itertools
import shutil
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest

from hil import draw
from hil.bench import Bench
from hil.recording import Act, PatientSample, Recording
from hil.svg import nice_step, text_width
from hil.tape import Tape
from host.errors import RigError
from tests.hil.two_doses import recorded

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def recording():
    found = recorded(node="hil/scenarios/test_it.py::test_it[twin]")
    end_ns = found.header.ended_ns
    found.acts += [Act(end_ns * number // 9, "plant.occlude", [number / 9], {}, plain=True) for number in range(9)]
    found.acts += [Act(end_ns // 2, "plant.put_bubble", [], {}, plain=True)] * 3
    return found


@pytest.fixture(scope="module")
def picture(recording):
    return ET.fromstring(draw.draw(recording))


def boxes(picture):
    """Give each text with the box that it fills: x0, y0, x1, y1."""
    for text in picture.iter(f"{SVG}text"):
        size = int(text.get("font-size"))
        width = text_width(text.text, size)
        x, y = float(text.get("x")), float(text.get("y"))
        x -= {"start": 0, "middle": width / 2, "end": width}[text.get("text-anchor")]
        if text.get("transform"):
            middle = float(text.get("x"))
            yield text.text, (middle - size * 0.8, y - width / 2, middle, y + width / 2)
        else:
            yield text.text, (x, y - size * 0.8, x + width, y)


def test_every_axis_has_its_unit_and_every_curve_its_source(picture):
    texts = [text for text, _ in boxes(picture)]
    assert {"pressure", "kPa", "flow", "uL/s", "volume", "uL", "step edges", "1/s"} <= set(texts)
    assert "time since power-on of the bench, s" in texts
    assert {"plant, true", "firmware, telemetry", "bench, counted at the pin", "link"} <= set(texts)
    assert {"SAFE", "valve", "heartbeat", "supply", "to device", "to host", "acts"} <= set(texts)


def test_a_patient_has_diagrams_where_there_is_one(recording):
    seen = [PatientSample(number * 100_000_000, 8.0 - number / 10, number / 15, 0.0, 0.0) for number in range(20)]
    picture = ET.fromstring(draw.draw(Recording(recording.header, patient=seen)))
    assert {"uL-equivalents", "patient, true", "severe above"} <= {text for text, _ in boxes(picture)}


def test_stops_and_acts_are_marked(picture):
    texts = [text for text, _ in boxes(picture)]
    assert "stop frame" in texts
    assert "put bubble" in texts
    assert "hil/scenarios/test_it.py::test_it[twin]" in texts


def test_no_text_lies_on_another(picture):
    for (one, a), (other, b) in itertools.combinations(boxes(picture), 2):
        apart = a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1]
        assert apart, f"{one!r} on {other!r}"


def test_no_text_leaves_the_picture(picture):
    width, height = float(picture.get("width")), float(picture.get("height"))
    for text, (x0, y0, x1, y1) in boxes(picture):
        assert x0 >= 0, text
        assert y0 >= 0, text
        assert x1 <= width, text
        assert y1 <= height, text


def test_words_from_a_recording_do_no_harm(recording):
    strange = Recording(recording.header, acts=[Act(1, 'plant.<b>"&\x00', ["<script>"], {}, plain=True)])
    assert "<script>" not in draw.draw(strange)
    ET.fromstring(draw.draw(strange))


def test_an_empty_run_can_be_drawn():
    with Bench("twin", power=False) as bench:
        picture = draw.draw(Tape(bench).recording())
    assert "no step edge" in picture


def test_a_picture_has_no_more_points_than_it_needs(recording):
    end_ns = recording.header.ended_ns
    states = itertools.islice(itertools.cycle(recording.samples), 20_000)
    samples = [replace(sample, now_ns=end_ns * number // 20_000) for number, sample in enumerate(states)]
    long = Recording(recording.header, samples=samples)
    assert len(draw.draw(long)) < 400_000


def test_a_png_comes_from_a_rasterizer_or_an_error_says_which(recording, tmp_path, monkeypatch):
    path = tmp_path / "run.png"
    if shutil.which(draw.RASTERIZER):
        draw.save(recording, path)
        assert path.read_bytes().startswith(b"\x89PNG")
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(RigError) as caught:
        draw.save(recording, path)
    assert draw.RASTERIZER in caught.value.what


@pytest.mark.parametrize("name", ["run.jpg", "run", "none/run.svg"])
def test_a_place_that_cannot_be_drawn_to(recording, tmp_path, name):
    with pytest.raises(RigError) as caught:
        draw.save(recording, tmp_path / name)
    assert caught.value.code == "usage"


@pytest.mark.parametrize(("span", "most", "step"), [(8.9, 12, 1), (1.0, 12, 0.1), (0.11, 5, 0.05), (7000, 5, 2000)])
def test_axes_are_divided_in_round_steps(span, most, step):
    assert nice_step(span, most) == pytest.approx(step)
