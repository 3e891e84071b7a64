"""Evidence: what is signed, and everything for which it is refused."""

import copy
import json

import pytest

from hil import evidence, evidence_file, evidence_key, tools
from hil.pytest_recording import FAILED, NOT_RUN, PASSED
from hil.scenario_runs import RunReport, ScenarioResult
from host.errors import RigError

NODES = ["s.py::test_dose[twin]", "s.py::test_stop[twin]", "s.py::test_hang[twin]"]


def row(node, result=PASSED, requirements=("STOP-1",), **changes):
    values = {
        "node": node,
        "scenario": node.replace("[twin]", ""),
        "target": "twin",
        "seed": 1,
        "result": result,
        "why": "",
        "simulated_ms": 1500,
        "wall_ms": 20,
        "requirements": list(requirements),
        "recording": None,
        "digest": "ab" * 32,
        "parameters_sha256": "cd" * 32,
        "firmware": tools.firmware_hash(),
        "tools": {"python": "CPython 3.11.7"},
    }
    return ScenarioResult(**{**values, **changes})


def report(*results):
    return RunReport(["twin"], 1, "", list(results))


GOOD = (
    row(NODES[0], requirements=["DOSE-8"]),
    row(NODES[1], requirements=["STOP-1", "STOP-3"]),
    row(NODES[2], NOT_RUN, ["STOP-5"], why="makes sense only on vm", digest=None),
)


@pytest.fixture(scope="module")
def key(tmp_path_factory):
    return evidence_key.make(tmp_path_factory.mktemp("key") / "bench.key")


@pytest.fixture
def public_key(key):
    return evidence_key.public_hex(key)


@pytest.fixture
def made(key):
    return evidence.make(key, "", ["twin"], 1, run=lambda *_: report(*GOOD))


@pytest.fixture
def path(made, tmp_path):
    path = tmp_path / "evidence.json"
    evidence_file.write(made, path)
    return path


def verify(path, key, firmware=None, nodes=NODES):
    return evidence.verify(path, key, firmware, lambda *_: list(nodes))


def refusal(path, key, **options):
    with pytest.raises(RigError) as caught:
        verify(path, key, **options)
    return caught.value


def resigned(path, key, change):
    """Sign a changed statement with the right key: what a bench that lies to itself would write."""
    statement = copy.deepcopy(evidence_file.read(path).statement)
    change(statement)
    evidence_file.write(evidence.sign(statement, key), path)


def test_evidence_holds_and_says_what_it_proves(path, public_key):
    verdict = verify(path, public_key)
    assert (verdict.passed, verdict.not_run) == (2, 1)
    assert verdict.requirements == ["DOSE-8", "STOP-1", "STOP-3"]
    assert verdict.firmware_hash == tools.firmware_hash()


def test_a_fingerprint_is_enough(path, public_key):
    fingerprint = evidence_key.fingerprint(public_key)
    spoken = ":".join(fingerprint[at : at + 4] for at in range(0, 32, 4)).upper()
    assert verify(path, spoken).fingerprint == fingerprint


def test_the_statement_says_with_what_it_was_made(made):
    statement = made.statement
    assert statement["tools"] == {"twin": {"python": "CPython 3.11.7"}}
    assert statement["plant_parameters_sha256"] == evidence.plant_sha256()
    assert statement["scenarios"][0]["digest"] == "ab" * 32
    assert statement["made_utc"].endswith("Z")


def test_a_requirement_that_any_scenario_fails_is_not_proven():
    results = [(PASSED, ["A", "B"]), (FAILED, ["B"]), (NOT_RUN, ["C"])]
    assert evidence.proven(results) == ["A"]


@pytest.mark.parametrize(
    "change",
    [
        lambda it: it["scenarios"][0].update(result=FAILED),
        lambda it: it["scenarios"].pop(),
        lambda it: it["scenarios"].reverse(),
        lambda it: it.update(firmware_hash="0" * 16),
        lambda it: it["requirements"].append("STOP-5"),
        lambda it: it["scenarios"][0].update(seed=2),
        lambda it: it["tools"]["twin"].update(python="CPython 3.12.0"),
        lambda it: it.update(plant_parameters_sha256="0" * 64),
        lambda it: it["tools"].update(twin=1.5),
    ],
)
def test_any_change_after_signing_is_found(path, public_key, change):
    value = json.loads(path.read_text())
    change(value["statement"])
    path.write_text(json.dumps(value))
    error = refusal(path, public_key)
    assert error.code == "tampered"
    assert "changed after it was signed" in error.what


def test_another_key_is_refused(path, tmp_path):
    other = evidence_key.public_hex(evidence_key.make(tmp_path / "other.key"))
    error = refusal(path, other)
    assert "signed with another key" in error.what


def test_a_key_put_in_place_of_the_signers_is_refused(path, tmp_path):
    other = evidence_key.public_hex(evidence_key.make(tmp_path / "other.key"))
    value = json.loads(path.read_text())
    value["signature"]["public_key"] = other
    path.write_text(json.dumps(value))
    assert "changed after it was signed" in refusal(path, other).what


def test_another_firmware_is_refused(path, public_key):
    error = refusal(path, public_key, firmware="00112233AABBCCDD")
    assert "not 00112233aabbccdd" in error.what


def test_a_changed_tree_is_refused(path, public_key, monkeypatch):
    monkeypatch.setattr(tools, "firmware_hash", lambda: "f" * 16)
    assert f"not {'f' * 16}" in refusal(path, public_key).what


def test_a_missing_scenario_is_named(path, public_key):
    error = refusal(path, public_key, nodes=[*NODES, "s.py::test_new[twin]"])
    assert "s.py::test_new[twin] missing" in error.what


def test_a_scenario_that_is_not_known_here_is_named(path, public_key):
    assert f"{NODES[2]} not known here" in refusal(path, public_key, nodes=NODES[:2]).what


def test_without_this_trees_scenarios_it_stands_for_itself(path, public_key):
    assert evidence.verify(path, public_key, None, None).passed == 2


def test_a_failed_scenario_is_signed_and_refused(key, public_key, tmp_path):
    path = tmp_path / "evidence.json"
    failed = row(NODES[1], FAILED, why="first\nE assert 1 == 2")
    evidence_file.write(evidence.make(key, "", ["twin"], 1, run=lambda *_: report(GOOD[0], failed)), path)
    assert "s.py::test_stop on twin failed" in refusal(path, public_key).what


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda it: it["requirements"].append("STOP-5"), "not those that its scenarios prove"),
        (lambda it: it["targets"].append("rp2040"), "nothing passed on rp2040"),
        (lambda it: it.update(plant_parameters_sha256="0" * 64), "plant's parameters"),
    ],
)
def test_a_signed_contradiction_is_refused(path, key, public_key, change, said):
    resigned(path, key, change)
    assert said in refusal(path, public_key).what


def test_an_image_of_another_firmware_is_not_signed_for(key):
    other = row(NODES[0], firmware="0" * 16)
    with pytest.raises(RigError) as caught:
        evidence.make(key, "", ["twin"], 1, run=lambda *_: report(other))
    assert "another firmware ran" in caught.value.what


def test_sources_that_change_meanwhile_are_not_signed_for(key, monkeypatch):
    def run(*_):
        monkeypatch.setattr(tools, "firmware_hash", lambda: "f" * 16)
        return report(*GOOD)

    with pytest.raises(RigError) as caught:
        evidence.make(key, "", ["twin"], 1, run=run)
    assert "changed while" in caught.value.what
