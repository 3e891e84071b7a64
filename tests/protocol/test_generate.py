"""What is generated is up to date, and the check would notice if it were not."""

import pytest

from protocol import generate, messages, texts, typed
from protocol.generate import main


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A copy of the generated files that may be spoilt."""
    target = tmp_path / "protocol"
    (target / "vectors").mkdir(parents=True)
    for path in generate.outputs(True):
        copy = target / path.relative_to(generate.FOLDER)
        copy.write_text(path.read_text("utf-8"), "utf-8")
    monkeypatch.setattr(generate, "FOLDER", target)
    monkeypatch.setattr(generate, "README", target / "README.md")
    monkeypatch.setattr(generate, "VECTORS", target / "vectors")
    return target


def test_everything_generated_is_up_to_date():
    assert main(["--check"]) == 0


@pytest.mark.parametrize(
    "name", ["typed.py", "wire_formats.py", "README.md", "vectors/messages.json", "vectors/rejects.json"]
)
def test_a_stale_file_is_noticed_and_named_and_written_anew(folder, name, capsys):
    path = folder / name
    fresh = path.read_text("utf-8")
    path.write_text(
        fresh.replace("0f", "0e")
        .replace("STOP = const(0x0F)", "STOP = const(0x0E)")
        .replace("Hello", "Hallo")
        .replace("| 7 | host_nonce", "| 8 | host_nonce"),
        "utf-8",
    )
    assert main(["--check"]) == 1
    assert f"stale: protocol/{name}" in capsys.readouterr().err
    assert main(["--vectors"]) == 0
    assert path.read_text("utf-8") == fresh


def test_a_missing_file_is_noticed(folder):
    (folder / "typed.py").unlink()
    assert main(["--check"]) == 1


def test_golden_vectors_are_not_written_by_the_way(folder):
    path = folder / "vectors" / "messages.json"
    path.write_text("spoilt")
    assert main([]) == 0
    assert path.read_text() == "spoilt"


def test_a_readme_without_its_markers_is_an_error():
    with pytest.raises(ValueError, match="unpack"):
        generate.readme_text("no markers here")


@pytest.mark.parametrize("row", messages.MESSAGES, ids=lambda row: row[1])
def test_every_message_has_its_class_and_comes_back_from_it(row):
    number, name, _, _, fields = row
    kind = typed.BY_NUMBER[number]
    assert number == kind.NUMBER
    assert kind.__name__.lower() == name.replace("_", "").lower()
    values = tuple(bytes(int(code[:-1])) if code.endswith("s") else at for at, (_, code, *_) in enumerate(fields))
    built = kind.from_values(values)
    assert built.values() == values
    assert [getattr(built, field[0]) for field in fields] == list(values)
    assert messages.encode_body(number, bytearray(200), 0, *built.values()) == messages.SIZES[number]


def test_a_message_cannot_be_changed_and_wants_all_its_values():
    with pytest.raises(AttributeError):
        typed.Ping(1).token = 2  # type: ignore[misc]
    with pytest.raises(TypeError):
        typed.Pong.from_values((1,))


def test_every_text_of_the_readme_comes_from_the_texts():
    section = generate.codes_text()
    for table in texts.ENUMERATIONS.values():
        for text in table.values():
            assert f"| {text.what} | {text.todo} |" in section
