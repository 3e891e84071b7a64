import pytest

from host.errors import RigError
from host.ledger import Ledger
from host.service.commands import KEPT_COMMANDS, MAX_OPEN, Command, CommandBook, done, ended_by
from tests.host.loops import virtual

UTC = "2026-01-02T03:04:05.678Z"


def command(number: int = 1, **fields) -> Command:
    whole = {"what": "pause", "arguments": {"n": 1}, "operator": "ravi"} | fields
    return Command(id=f"{number:016x}", rig="chair-1", **whole)


class Book:
    """A book on a ledger in a folder; opened again it is what a new start finds."""

    def __init__(self, folder):
        self.path = folder / "ledger"
        self.told = []

    async def __aenter__(self):
        self.ledger = await Ledger.open(self.path)
        self.book = CommandBook("chair-1", self.told.append, lambda: UTC)
        self.left = await self.book.load(self.ledger)
        return self

    async def __aexit__(self, *_):
        await self.ledger.close()

    async def rows(self, kind):
        found = await self.ledger.commands(10 * KEPT_COMMANDS)
        return [row.fields for row in found if row.fields["kind"] == kind]


@virtual
async def test_a_command_is_durable_when_it_is_accepted_and_told(tmp_path):
    async with Book(tmp_path) as here:
        accepted, new = await here.book.accept(command(dose_id="ab" * 8, key="k"))
        assert new
        assert accepted.utc
        assert here.told == [accepted]
        (row,) = await here.rows("command")
        assert (row["command"], row["what"], row["operator"], row["key"], row["dose_id"]) == (
            accepted.id,
            "pause",
            "ravi",
            "k",
            "ab" * 8,
        )


@virtual
async def test_a_command_has_one_end_that_is_durable_and_told(tmp_path):
    async with Book(tmp_path) as here:
        accepted, _ = await here.book.accept(command())
        await here.book.end(accepted, done({"x": 1}))
        ended = here.told[-1]
        assert here.book.get(accepted.id) == ended
        assert ended.as_dict()["state"] == "ended"
        assert [row["end"] for row in await here.rows("command_end")] == [done({"x": 1})]


@pytest.mark.req("LEDGER-3")
@virtual
async def test_the_same_key_starts_nothing_and_shows_the_command(tmp_path):
    async with Book(tmp_path) as here:
        first, _ = await here.book.accept(command(1, key="k"))
        again, new = await here.book.accept(command(2, key="k"))
        assert (again, new) == (first, False)
        await here.book.end(first, done(None))
        assert (await here.book.accept(command(3, key="k")))[0].end == done(None)
        assert len(await here.rows("command")) == 1


@virtual
@pytest.mark.parametrize("other", [{"what": "resume"}, {"arguments": {"n": 2}}])
async def test_the_key_of_another_command_is_refused_and_nothing_accepted(tmp_path, other):
    async with Book(tmp_path) as here:
        await here.book.accept(command(1, key="k"))
        with pytest.raises(RigError) as caught:
            await here.book.accept(command(2, key="k", **other))
        assert caught.value.code == "key_reused"
        assert len(await here.rows("command")) == 1


@pytest.mark.req("LEDGER-3")
@virtual
async def test_a_new_start_knows_keys_ends_and_what_is_open(tmp_path):
    async with Book(tmp_path) as here:
        first, _ = await here.book.accept(command(1, key="one"))
        second, _ = await here.book.accept(command(2, key="two"))
        await here.book.end(first, done(None))
    async with Book(tmp_path) as here:
        assert here.left == [second]
        assert here.book.get(first.id).end == done(None)
        assert (await here.book.accept(command(3, key="two"))) == (second, False)
        assert [known.id for known in here.book.recent(5)] == [second.id, first.id]


@virtual
async def test_more_than_may_be_under_way_are_refused_until_one_has_ended(tmp_path):
    async with Book(tmp_path) as here:
        first, _ = await here.book.accept(command(0))
        for number in range(1, MAX_OPEN):
            await here.book.accept(command(number))
        with pytest.raises(RigError) as caught:
            await here.book.accept(command(MAX_OPEN))
        assert caught.value.code == "too_many"
        await here.book.end(first, done(None))
        await here.book.accept(command(MAX_OPEN))


@virtual
async def test_the_oldest_that_has_ended_is_forgotten_with_its_key_and_no_open_one_is(tmp_path):
    async with Book(tmp_path) as here:
        await here.book.accept(command(0, key="open"))
        for number in range(1, KEPT_COMMANDS + 1):
            accepted, _ = await here.book.accept(command(number, key=f"k{number}"))
            await here.book.end(accepted, done(None))
        assert here.book.get(command(0).id) is not None
        assert here.book.get(command(1).id) is None
        assert (await here.book.accept(command(9999, key="k1")))[1]
        assert not (await here.book.accept(command(9998, key="k3")))[1]


@virtual
async def test_what_cannot_be_written_is_not_accepted_and_its_key_stays_free(tmp_path, monkeypatch):
    async with Book(tmp_path) as here:

        async def full(*_):
            raise RigError("ledger_full", "The disk is full.", "Make room.")

        with monkeypatch.context() as patched:
            patched.setattr(here.ledger, "append", full)
            with pytest.raises(RigError, match="full"):
                await here.book.accept(command(1, key="k"))
        assert here.told == []
        assert (await here.book.accept(command(2, key="k")))[1]


@virtual
async def test_an_end_that_cannot_be_written_is_told_all_the_same(tmp_path, monkeypatch):
    async with Book(tmp_path) as here:
        accepted, _ = await here.book.accept(command())

        async def full(*_):
            raise RigError("ledger_full", "The disk is full.", "Make room.")

        monkeypatch.setattr(here.ledger, "append", full)
        with pytest.raises(RigError, match="full"):
            await here.book.end(accepted, done(None))
        assert here.book.get(accepted.id).end == here.told[-1].end == done(None)


@pytest.mark.parametrize(
    ("code", "outcome"),
    [
        ("refused", "refused"),
        ("unknown_open", "refused"),
        ("not_confirmed", "refused"),
        ("usage", "not_sent"),
        ("ledger_full", "not_sent"),
        ("not_connected", "not_sent"),
        ("no_answer", "unknown"),
        ("link_lost", "unknown"),
        ("session_lost", "unknown"),
        ("session_renewed", "unknown"),
        ("unplugged", "unknown"),
        ("silent", "unknown"),
        ("internal", "unknown"),
    ],
)
def test_what_may_have_been_carried_out_ends_as_unknown(code, outcome):
    end = ended_by(RigError(code, "what", "todo", reason="door", nearest=3))
    assert end["outcome"] == outcome
    assert end["error"] == {"code": code, "what": "what", "todo": "todo", "reason": "door", "nearest": 3}
