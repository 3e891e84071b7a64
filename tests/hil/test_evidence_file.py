"""The files of evidence and key: every bad one refused with its reason; and the commands."""

import json
import stat

import pytest

from hil import evidence_file, evidence_key
from hil.evidence_command import key_command, make_command, verify_command
from hil.evidence_file import Evidence, EvidenceError, read, write
from host.errors import RigError
from tests.hil import rig_command
from tests.hil.in_process import call

STATEMENT = {
    "made_utc": "2026-01-01T00:00:00Z",
    "firmware_hash": "0" * 16,
    "schema": "0" * 16,
    "select": "",
    "seed": 1,
    "targets": ["twin"],
    "tools": {},
    "plant_parameters_sha256": "0" * 64,
    "scenarios": [],
    "requirements": [],
}


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "evidence.json"
    write(Evidence(STATEMENT, "a" * 64, "b" * 128), path)
    return path


def refusal(path):
    with pytest.raises(EvidenceError) as caught:
        read(path)
    return caught.value


def test_what_was_written_is_read(path):
    assert read(path) == Evidence(STATEMENT, "a" * 64, "b" * 128)


@pytest.mark.parametrize(
    "content", ["", "hello", "[]", "{}", "\x00\x01", '{"format": "nanorig ledger 1"}', "[" * 100_000]
)
def test_a_foreign_file(tmp_path, content):
    path = tmp_path / "foreign"
    path.write_text(content)
    error = refusal(path)
    assert (error.code, "is no evidence" in error.what) == ("usage", True)


def test_a_file_that_is_not_there_or_a_folder(tmp_path):
    assert "There is no evidence" in refusal(tmp_path / "none").what
    assert "cannot be read" in refusal(tmp_path).what


@pytest.mark.req("SEC-5")
@pytest.mark.parametrize("octets", [100, 300, -3])
def test_a_file_that_was_cut_off(path, octets):
    path.write_text(path.read_text()[:octets])
    error = refusal(path)
    assert (error.code, "not whole" in error.what) == ("tampered", True)


@pytest.mark.req("SEC-5")
def test_a_newer_version(path):
    value = json.loads(path.read_text()) | {"version": 2, "more": "to come"}
    path.write_text(json.dumps(value))
    assert "newer bench: version 2" in refusal(path).what


@pytest.mark.parametrize(
    ("where", "change", "said"),
    [
        ((), {"mood": 1}, "mood missing or unknown"),
        ((), {"version": 0}, "version is 0"),
        ((), {"version": "1"}, "version is of a wrong type"),
        ((), {"statement": []}, "statement is of a wrong type"),
        (("statement",), {"mood": 1}, "mood missing or unknown"),
        (("statement",), {"seed": "1"}, "seed is of a wrong type"),
        (("statement",), {"seed": True}, "seed is of a wrong type"),
        (("statement",), {"scenarios": [1]}, "scenario 1 is no object"),
        (("statement",), {"scenarios": [{}]}, "scenario 1"),
        (("signature",), {"algorithm": "none"}, "signed by 'none'"),
        (("signature",), {"signature": "b"}, "signature is not 128"),
        (("signature",), {"public_key": "x" * 64}, "public_key is not 64"),
    ],
)
def test_a_schema_that_is_another(path, where, change, said):
    value = json.loads(path.read_text())
    part = value
    for name in where:
        part = part[name]
    part.update(change)
    path.write_text(json.dumps(value))
    error = refusal(path)
    assert said in error.what
    assert error.code == "tampered"


def test_a_file_beyond_all_measure(path, monkeypatch):
    monkeypatch.setattr(evidence_file, "MAX_FILE", 100)
    assert "is no evidence" in refusal(path).what


def test_a_place_that_cannot_be_written(tmp_path):
    with pytest.raises(EvidenceError):
        write(Evidence(STATEMENT, "a" * 64, "b" * 128), tmp_path / "none" / "e.json")


def test_the_key_is_its_owners_alone(tmp_path):
    path = tmp_path / "state" / "bench.key"
    key = evidence_key.make(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert evidence_key.public_hex(evidence_key.load(path)) == evidence_key.public_hex(key)


def test_a_key_is_never_overwritten(tmp_path):
    evidence_key.make(tmp_path / "bench.key")
    with pytest.raises(RigError) as caught:
        evidence_key.make(tmp_path / "bench.key")
    assert "already" in caught.value.what


def test_a_key_that_others_can_read_is_refused(tmp_path):
    path = tmp_path / "bench.key"
    evidence_key.make(path)
    path.chmod(0o640)
    with pytest.raises(RigError) as caught:
        evidence_key.load(path)
    assert "Others than its owner" in caught.value.what


@pytest.mark.parametrize("content", ["", "hello", "-----BEGIN PRIVATE KEY-----\nMC4=\n-----END PRIVATE KEY-----\n"])
def test_a_file_that_holds_no_key(tmp_path, content):
    path = tmp_path / "bench.key"
    path.write_text(content)
    path.chmod(0o600)
    with pytest.raises(RigError) as caught:
        evidence_key.load(path)
    assert "holds no key" in caught.value.what


def test_a_missing_key_names_the_command_that_makes_one(tmp_path):
    with pytest.raises(RigError) as caught:
        evidence_key.load(tmp_path / "bench.key")
    assert "rig hil evidence key" in caught.value.todo


@pytest.mark.parametrize("named", ["", "abc", "g" * 64, "a" * 63, "a" * 65])
def test_what_is_neither_key_nor_fingerprint(named):
    with pytest.raises(RigError):
        evidence_key.normal(named)


def test_the_key_is_kept_in_the_users_state_folder(tmp_path):
    assert evidence_key.default_path({"XDG_STATE_HOME": str(tmp_path)}) == tmp_path / "nanorig" / "bench.key"
    assert evidence_key.default_path({}).parts[-4:] == (".local", "state", "nanorig", "bench.key")


def test_the_commands_make_a_key_evidence_and_a_verdict(tmp_path):
    key_file, out = tmp_path / "bench.key", tmp_path / "evidence.json"
    key = call(key_command, key_file=key_file, json_output=True)
    assert key.json["made"]
    assert not call(key_command, key_file=key_file, json_output=True).json["made"]
    options = ["--key-file", str(key_file), "--json"]
    made = rig_command.run("hil", "evidence", "make", str(out), "--select", "repeated_id", *options)
    assert (made.code, made.json["passed"], made.json["failed"]) == (0, 1, 0)
    assert made.json["requirements"] == ["DOSE-2"]
    verdict = call(verify_command, file=out, key=key.json["fingerprint"], json_output=True)
    assert (verdict.code, verdict.json["verified"], verdict.json["requirements"]) == (0, True, ["DOSE-2"])
    out.write_text(out.read_text().replace('"passed"', '"failed"', 1))
    refused = call(verify_command, file=out, key_file=key_file)
    assert refused.code == 7
    assert "changed after it was signed" in refused.err


def test_the_command_without_a_key_says_how_to_get_one(tmp_path):
    done = call(make_command, out=tmp_path / "e", key_file=tmp_path / "no.key")
    assert done.code == 2
    assert "rig hil evidence key" in done.err
