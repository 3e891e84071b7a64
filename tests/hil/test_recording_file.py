"""The file of a recording: what goes in comes out, and every other file is refused with its reason."""

import gzip
import json
from hashlib import sha256

import pytest

from hil import recording_file
from hil.recording_file import RecordingError, read, write
from tests.hil.two_doses import recorded


@pytest.fixture(scope="module")
def recording():
    return recorded(node="x.py::test_x[twin]")


@pytest.fixture
def path(recording, tmp_path):
    path = tmp_path / "folder" / "run.jsonl.gz"
    write(recording, path)
    return path


def lines_of(path):
    return gzip.decompress(path.read_bytes()).splitlines(keepends=True)


def put_lines(path, lines, hashed=True):
    """Write lines with an end that fits them."""
    body = b"".join(lines)
    end = json.dumps(["end", len(lines), sha256(body).hexdigest()]).encode() + b"\n"
    path.write_bytes(gzip.compress(body + (end if hashed else b"")))


def refusal(path):
    with pytest.raises(RecordingError) as caught:
        read(path)
    return caught.value


def test_what_was_written_is_read(recording, path):
    assert read(path) == recording
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_the_same_recording_makes_the_same_octets(recording, tmp_path):
    write(recording, tmp_path / "a.jsonl.gz")
    write(recording, tmp_path / "b.jsonl.gz")
    assert (tmp_path / "a.jsonl.gz").read_bytes() == (tmp_path / "b.jsonl.gz").read_bytes()


def test_it_is_small(recording, path):
    simulated_s = recording.header.ended_ns / 1e9
    assert path.stat().st_size < 8_000 * (1 + simulated_s)


def test_a_file_that_is_not_there(tmp_path):
    error = refusal(tmp_path / "none.jsonl.gz")
    assert error.code == "usage"
    assert "no recording" in error.what


@pytest.mark.req("SEC-5")
@pytest.mark.parametrize(
    "octets",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"hello", id="text"),
        pytest.param(b"PK\x03\x04", id="another archive"),
        pytest.param(gzip.compress(b""), id="nothing packed"),
        pytest.param(gzip.compress(b"hello\n"), id="text packed"),
        pytest.param(gzip.compress(b'{"format": "x"}\n'), id="an object packed"),
    ],
)
def test_a_foreign_file(tmp_path, octets):
    path = tmp_path / "foreign"
    path.write_bytes(octets)
    error = refusal(path)
    assert error.code == "usage"
    assert "is no recording" in error.what


def test_a_folder(tmp_path):
    assert refusal(tmp_path).code == "usage"


@pytest.mark.req("SEC-5")
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.999])
def test_a_file_that_was_cut_off(path, share):
    octets = path.read_bytes()
    path.write_bytes(octets[: int(len(octets) * share)])
    error = refusal(path)
    assert error.code == "tampered"
    assert "not whole" in error.what


def test_lines_that_were_left_out_at_the_end(path):
    put_lines(path, lines_of(path)[:-1], hashed=False)
    assert "not whole" in refusal(path).what


def test_one_changed_digit(path):
    lines = lines_of(path)
    number = next(at for at, line in enumerate(lines) if line.startswith(b'["edges"'))
    lines[number] = lines[number].replace(b"]", b"1]")
    path.write_bytes(gzip.compress(b"".join(lines)))
    error = refusal(path)
    assert error.code == "tampered"
    assert "hash" in error.what


def test_a_flipped_bit_anywhere(path):
    octets = bytearray(path.read_bytes())
    for at in range(20, len(octets), len(octets) // 40):
        octets[at] ^= 4
        path.write_bytes(octets)
        assert refusal(path).code in {"tampered", "usage"}
        octets[at] ^= 4


@pytest.mark.req("SEC-5")
def test_a_newer_version_is_told_apart(path):
    lines = lines_of(path)[:-1]
    lines[0] = lines[0].replace(b'"version":1', b'"version":2')
    put_lines(path, lines)
    error = refusal(path)
    assert "newer bench: version 2" in error.what


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b'["edges",0,1,2]\n', "fields of 'edges'"),
        (b'["edges",0,1,2,"3"]\n', "fields of 'edges'"),
        (b'["edges",0,1,2,true]\n', "fields of 'edges'"),
        (b'["frame",1,"sideways","00"]\n', "no direction"),
        (b'["frame",1,"to host","0g"]\n', "hexadecimal"),
        (b'["level",1,"mood",1]\n', "no level"),
        (b'["weather",1]\n', "no kind 'weather'"),
        (b"[[],1]\n", "no kind"),
        (b"{}\n", "no array"),
        (b"[]\n", "no array"),
        (b"what\n", "no JSON"),
    ],
)
def test_a_line_that_is_not_described(path, line, said):
    put_lines(path, [*lines_of(path)[:-1], line])
    assert said in refusal(path).what


@pytest.mark.parametrize("change", [{"mood": 1}, {"seed": "1"}, {"seed": True}, {"node": 1}])
def test_a_header_that_is_not_described(path, change):
    lines = lines_of(path)[:-1]
    lines[0] = json.dumps(json.loads(lines[0]) | change).encode() + b"\n"
    put_lines(path, lines)
    assert "line 1" in refusal(path).what


def test_something_behind_the_end(path):
    path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes()) + b"[]\n"))
    assert "behind its end" in refusal(path).what


def test_a_line_without_end_is_not_read_to_its_end(path):
    lines = lines_of(path)[:-1]
    path.write_bytes(gzip.compress(b"".join(lines) + b"[" + b" " * 10_000_000))
    assert refusal(path).code == "tampered"


def test_the_size_is_bounded_by_dropping_the_oldest(recording, tmp_path, monkeypatch):
    monkeypatch.setattr(recording_file, "MAX_LINES", 7)
    monkeypatch.setattr(recording_file, "MAX_OCTETS", 100)
    path = tmp_path / "run.jsonl.gz"
    write(recording, path)
    kept = read(path)
    assert len(kept.samples) == 7
    assert kept.samples == recording.samples[-7:]
    assert sum(len(frame.data) for frame in kept.frames) <= 100
    assert kept.header.dropped["frame"] == len(recording.frames) - len(kept.frames)
    assert kept.header.digest == recording.header.digest
