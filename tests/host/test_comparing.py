"""Rig and ledger are compared after every connect: what is written, what is said, what waits for a person."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from host import comparing
from host.errors import RigError
from host.ledger import Ledger
from host.ledger_verify import read_rows, verify
from host.records import OutcomeKind
from host.rig import Rig
from protocol import codes
from tests.host.fake_device import FakeDevice, FakeDose
from tests.host.line import Line
from tests.host.loops import now_ms, virtual
from tests.host.world import world


def device_with_journal() -> FakeDevice:
    return FakeDevice(now_ms, remember=True, permits=1)


def rows(path: Path, *kinds: str) -> list[dict[str, Any]]:
    return [fields for _, fields in read_rows(path / "ledger") if fields["kind"] in kinds]


async def dosed(path: Path, line: Line, *volumes_nl: int) -> None:
    """Let a host with the ledger connect, dose, and go."""
    async with await Ledger.open(path / "ledger") as ledger, Rig(line.open, ledger) as rig:
        for volume_nl in volumes_nl:
            assert (await rig.dose(volume_nl, 5000)).outcome is OutcomeKind.DELIVERED


async def connected(path: Path, line: Line) -> tuple[list[str], str]:
    """Let it connect again; return what disagrees and what an order of agent is refused with."""
    async with await Ledger.open(path / "ledger") as ledger, Rig(line.open, ledger) as rig:
        return [found.problem for found in rig.disagreements], await refusal_of_agent(rig)


async def refusal_of_agent(rig: Rig) -> str:
    try:
        outcome = await rig.dose(1000, 5000, "agent")
    except RigError as error:
        return error.code
    return "" if outcome.outcome is OutcomeKind.DELIVERED else outcome.reason


def other_dose(device: FakeDevice, name: bytes = b"anothers") -> FakeDose:
    """A dose that no host of this ledger ordered."""
    dose = FakeDose(name, asked_nl=2000, state=codes.DOSE_DELIVERED, emitted=300.0)
    device.write_record(dose)
    device.doses[name] = device.last = dose
    return dose


@pytest.mark.req("LEDGER-6")
@virtual
async def test_the_first_meeting_is_a_baseline_and_reads_nothing_older(tmp_path: Path) -> None:
    device = device_with_journal()
    for name in (b"before01", b"before02", b"before03"):
        other_dose(device, name)
    async with Line(device) as line:
        await dosed(tmp_path, line)
    (compared,) = rows(tmp_path, "compared")
    assert (compared["baseline"], compared["record"], compared["octets"]) == (True, 3, device.journal[3].hex())
    assert rows(tmp_path, "foreign", "disagreement") == []
    assert set(device.records_asked) == {0, 3}


@pytest.mark.req("LEDGER-6")
@virtual
async def test_own_doses_agree_after_the_next_connect_and_are_compared_once(tmp_path: Path) -> None:
    device = device_with_journal()
    async with Line(device) as line:
        await dosed(tmp_path, line, 1000, 2000)
        assert await connected(tmp_path, line) == ([], "")
        device.records_asked.clear()
        await dosed(tmp_path, line)
        await dosed(tmp_path, line)
    assert [(row["record"], row["agreed"]) for row in rows(tmp_path, "compared")] == [(0, 0), (2, 2), (3, 1)]
    assert device.records_asked == [2, 3, 3]
    assert verify(tmp_path / "ledger").verified


@pytest.mark.req("LEDGER-6")
@virtual
async def test_a_foreign_dose_is_written_down_whole_and_once(tmp_path: Path) -> None:
    device = device_with_journal()
    async with Line(device) as line:
        await dosed(tmp_path, line)
        dose = other_dose(device)
        assert await connected(tmp_path, line) == ([], "")
        await dosed(tmp_path, line)
    (row,) = rows(tmp_path, "foreign")
    assert (row["dose_id"], row["record"], row["state"]) == (dose.dose_id.hex(), 1, "delivered")
    assert (row["emitted_steps"], row["to_patient_nl"][1]) == (300, dose.emitted_nl)
    assert row["octets"] == device.journal[1].hex()


def more_steps(device: FakeDevice) -> None:
    device.last.emitted += 10
    device.write_record(device.last, len(device.journal))


def erased(device: FakeDevice) -> None:
    device.journal.clear()


def exchanged(device: FakeDevice) -> None:
    for number in list(device.journal):
        device.write_record(FakeDose(b"another%d" % number, state=codes.DOSE_PARTIAL), number)


def spoilt(device: FakeDevice) -> None:
    newest = max(device.journal)
    device.journal[newest] = bytes(80)


def forgotten(device: FakeDevice) -> None:
    """The newest dose is gone from the journal, and another one stands there."""
    newest = max(device.journal)
    del device.doses[device.last.dose_id]
    device.write_record(FakeDose(b"instead!", state=codes.DOSE_PARTIAL), newest)


HARM = [
    (more_steps, ["differs"]), (erased, ["backwards"]), (exchanged, ["changed"]), (spoilt, ["unreadable"]),
    (forgotten, ["missing"]),
]  # fmt: skip


@pytest.mark.req("LEDGER-6")
@pytest.mark.parametrize(("harm", "problems"), HARM, ids=lambda value: getattr(value, "__name__", ""))
@virtual
async def test_a_disagreement_blocks_agent_alone_until_a_named_person_knows_it(
    tmp_path: Path, harm: Any, problems: list[str]
) -> None:
    device = device_with_journal()
    async with Line(device) as line:
        await dosed(tmp_path, line, 1000)
        await dosed(tmp_path, line, 1000)
        harm(device)
        assert await connected(tmp_path, line) == (problems, "ledgers_disagree")
        async with await Ledger.open(tmp_path / "ledger") as ledger, Rig(line.open, ledger) as rig:
            (one,) = rig.disagreements
            assert await refusal_of_agent(rig) == "ledgers_disagree"
            assert (await rig.dose(1000, 5000)).outcome is OutcomeKind.DELIVERED
            assert (await rig.prime(1000, 5000, "agent")).outcome is OutcomeKind.DELIVERED
            assert (await rig.rescue(1000, 5000)).outcome is OutcomeKind.DELIVERED
            assert (await rig.acknowledge_disagreements(one.row, " Dr. Okafor ")) == [one]
            assert rig.disagreements == []
            assert await refusal_of_agent(rig) == ""
        assert await connected(tmp_path, line) == ([], "")
    (row,) = rows(tmp_path, "disagreement")
    (acknowledgement,) = rows(tmp_path, "acknowledgement")
    assert (row["problem"], row["what"]) == (one.problem, one.what)
    assert (acknowledgement["acknowledged_by"], acknowledgement["up_to"]) == ("Dr. Okafor", one.row)
    assert verify(tmp_path / "ledger").verified


@pytest.mark.req("LEDGER-6")
@virtual
async def test_a_stop_works_while_rig_and_ledger_disagree(tmp_path: Path) -> None:
    device = device_with_journal()
    async with Line(device) as line:
        await dosed(tmp_path, line, 1000)
        await dosed(tmp_path, line)
        erased(device)
        async with await Ledger.open(tmp_path / "ledger") as ledger, Rig(line.open, ledger) as rig:
            assert rig.disagreements
            assert (await rig.stop()).cause == "operator"
    assert device.state == codes.DEVICE_STOPPED


@pytest.mark.req("SEC-5", "LEDGER-6")
@pytest.mark.parametrize(("row", "person"), [(0, "Dr. Okafor"), (10**6, "Dr. Okafor"), (None, "  ")])
@virtual
async def test_nothing_is_acknowledged_without_a_name_or_for_a_row_that_nobody_was_told(
    tmp_path: Path, row: int | None, person: str
) -> None:
    device = device_with_journal()
    async with Line(device) as line:
        await dosed(tmp_path, line, 1000)
        await dosed(tmp_path, line)
        erased(device)
        async with await Ledger.open(tmp_path / "ledger") as ledger, Rig(line.open, ledger) as rig:
            (one,) = rig.disagreements
            with pytest.raises(RigError) as caught:
                await rig.acknowledge_disagreements(one.row if row is None else row, person)
            assert caught.value.exit_code == 2
            assert rig.disagreements == [one]
    assert rows(tmp_path, "acknowledgement") == []


@pytest.mark.req("LEDGER-6")
@virtual
async def test_a_rig_that_could_not_be_compared_gets_no_agent_until_it_is(tmp_path: Path, monkeypatch: Any) -> None:
    device = device_with_journal()
    async with Line(device) as line:
        await dosed(tmp_path, line, 1000)
        with monkeypatch.context() as patch:
            patch.setattr(comparing, "COMPARE_S", 0.0)
            async with await Ledger.open(tmp_path / "ledger") as ledger, Rig(line.open, ledger) as rig:
                assert "0 s" in rig.not_compared
                assert await refusal_of_agent(rig) == "not_compared"
                patch.undo()
                assert await refusal_of_agent(rig) == ""
                assert rig.not_compared == ""


@pytest.mark.req("LEDGER-6")
@virtual
async def test_a_rig_without_a_serial_is_not_compared_and_says_so(tmp_path: Path) -> None:
    device = device_with_journal()
    device.rig = bytes(8)
    async with world(tmp_path, device) as here:
        assert "serial" in here.rig.not_compared
        assert await refusal_of_agent(here.rig) == "not_compared"
        assert (await here.rig.dose(1000, 5000)).outcome is OutcomeKind.DELIVERED


@virtual
async def test_without_a_ledger_no_record_is_asked_for() -> None:
    device = device_with_journal()
    async with Line(device) as line, Rig(line.open) as rig:
        assert await refusal_of_agent(rig) == ""
        assert (rig.disagreements, rig.not_compared) == ([], "")
    assert device.records_asked == []


@pytest.mark.req("LEDGER-6")
@virtual
async def test_doses_are_compared_in_a_long_session_too_before_the_rig_writes_over_them(tmp_path: Path) -> None:
    async with world(tmp_path, device_with_journal()) as here:
        for _ in range(70):
            assert (await here.rig.dose(100, 20_000)).outcome is OutcomeKind.DELIVERED
    compared = [(row["record"], row["agreed"]) for row in here.rows("compared")]
    assert compared == [(0, 0), (64, 64)]


@pytest.mark.req("LEDGER-3", "LEDGER-5")
@virtual
async def test_an_order_that_a_restarted_rig_never_saw_is_not_sent(tmp_path: Path) -> None:
    device = device_with_journal()
    async with world(tmp_path, device) as here:
        assert (await here.rig.dose(1000, 5000)).outcome is OutcomeKind.DELIVERED
        lot = b"lotflush"
        here.line.out = lambda _: []
        dose = asyncio.create_task(here.rig.dose(12_500, 1000, lot=lot))
        await asyncio.sleep(0.2)
        device.boot()
        here.line.out = lambda data: [data]
        outcome = await dose
        assert outcome.outcome is OutcomeKind.NOT_SENT
        assert "journal" in outcome.detail
    assert len(device.executed) == 1


@pytest.mark.req("LEDGER-3", "LEDGER-5")
@virtual
async def test_an_order_found_open_that_a_restarted_rig_never_saw_is_not_sent_unless_its_journal_is_faulty(
    tmp_path: Path,
) -> None:
    for faulty, outcome in ((False, "not_sent"), (True, "unknown")):
        path = tmp_path / outcome
        path.mkdir()
        device = device_with_journal()
        async with Line(device) as line:
            await dosed(path, line, 1000)
            async with await Ledger.open(path / "ledger") as ledger:
                rig = Rig(line.open, ledger)
                await rig.open()
                line.out = lambda _: []
                order = asyncio.create_task(rig.dose(5000, 5000, lot=b"lotflush"))
                await asyncio.sleep(0.2)
                await rig.close()
                await asyncio.gather(order, return_exceptions=True)
            line.out = lambda data: [data]
            device.boot()
            device.journal_faulty = faulty
            await dosed(path, line)
        assert [row["outcome"] for row in rows(path, "outcome")] == ["delivered", outcome]
