import pytest
from hypothesis import given
from hypothesis import strategies as st

from host.errors import RigError
from host.service.config import MAX_FILE_OCTETS, MAX_RIGS, load, parse
from host.telemetry_database import Retention

GOOD = """\
[service]
state_folder = "/var/lib/nanorig"

[http]
unix_socket = "/run/nanorig/service.sock"

[[rig]]
name = "chair-1"
port = "serial:///dev/ttyACM0"

[[rig]]
name = "chair-2"
port = "tcp://192.168.1.5:4000"
simulated = true
"""


def wrong(text: str) -> RigError:
    with pytest.raises(RigError) as caught:
        parse(text, "rig.toml")
    assert caught.value.code == "config"
    assert caught.value.todo
    return caught.value


def test_a_configuration_names_rigs_ports_and_places():
    config = parse(GOOD, "rig.toml")
    assert [(rig.name, rig.port, rig.simulated) for rig in config.rigs] == [
        ("chair-1", "serial:///dev/ttyACM0", False),
        ("chair-2", "tcp://192.168.1.5:4000", True),
    ]
    assert str(config.socket) == "/run/nanorig/service.sock"
    assert str(config.folder("chair-2")) == "/var/lib/nanorig/rigs/chair-2"


def test_without_a_socket_it_lies_beside_the_state():
    config = parse(GOOD.replace('unix_socket = "/run/nanorig/service.sock"', ""), "rig.toml")
    assert str(config.socket) == "/var/lib/nanorig/service.sock"


def test_how_long_telemetry_is_kept_and_where_heads_go_is_told_in_the_units_of_people():
    text = GOOD.replace('"/var/lib/nanorig"', '"/var/lib/nanorig"\nhead_folder = "/mnt/other"')
    config = parse(f"{text}[telemetry]\nraw_hours = 2\nsecond_days = 3\nminute_days = 40\nmax_mib = 64\n", "rig.toml")
    hour_ms, day_ms = 3_600_000, 86_400_000
    assert config.telemetry.retention() == Retention(2 * hour_ms, 3 * day_ms, 40 * day_ms, 64 * 1024 * 1024)
    assert str(config.telemetry_file) == "/var/lib/nanorig/telemetry.sqlite3"
    assert str(config.head_file("chair-2")) == "/mnt/other/chair-2.heads"


def test_without_a_word_of_them_heads_go_nowhere_and_telemetry_is_kept_for_a_year():
    config = parse(GOOD, "rig.toml")
    assert config.head_file("chair-1") is None
    assert config.telemetry.retention() == Retention()


@pytest.mark.req("SEC-5")
@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("raw_hours = 0", "'raw_hours' has to be a whole number of hours, 1 to 168"),
        ("second_days = 1.5", "'second_days' has to be a whole number of days"),
        ('max_mib = "1"', "'max_mib' has to be a whole number of MiB"),
        ("keep = 1", "there is no key 'keep'"),
    ],
)
def test_what_telemetry_cannot_be_told_names_its_line(line, said):
    error = wrong(f"{GOOD}\n[telemetry]\n{line}\n")
    assert f"line {GOOD.count(chr(10)) + 3}: " in error.what
    assert said in error.what


@pytest.mark.req("SEC-5")
@pytest.mark.parametrize(
    ("before", "after", "line", "said"),
    [
        ("[service]", "[servise]", 1, "there is no part 'servise'"),
        ('state_folder = "/var', 'state_foldr = "/var', 2, "there is no key 'state_foldr'"),
        ('state_folder = "/var/lib/nanorig"', "", 1, "the key 'state_folder' is missing"),
        ("/var/lib/nanorig", "lib/nanorig", 2, "'state_folder' has to be an absolute path"),
        ("/var/lib/nanorig", "/var\\u0000", 2, "'state_folder' has to be an absolute path"),
        ('"/run/nanorig/service.sock"', "5", 5, "'unix_socket' has to be an absolute path"),
        ("chair-1", "Chair 1", 8, "'name' has to be lower-case letters"),
        ("chair-1", "x" * 33, 8, "'name' has to be lower-case letters"),
        ("chair-1", "../x", 8, "'name' has to be lower-case letters"),
        ("chair-1", "", 8, "'name' has to be lower-case letters"),
        ("chair-2", "chair-1", 12, "a second rig has the name 'chair-1'"),
        ("tcp://192.168.1.5:4000", "serial:///dev/ttyACM0", 13, "a second rig has the port"),
        ("tcp://192.168.1.5:4000", "ttyACM0", 13, "neither a path nor a URL"),
        ("simulated = true", 'simulated = "yes"', 14, "'simulated' has to be true or false"),
        ("simulated = true", "simulatd = true", 14, "there is no key 'simulatd'"),
        ('port = "serial:///dev/ttyACM0"', "", 7, "the key 'port' is missing"),
        ("[[rig]]", "[rig]", 11, "not TOML"),
        ("simulated = true", "simulated = ", 14, "not TOML"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(before, after, line, said):
    error = wrong(GOOD.replace(before, after, 2 if before == "[[rig]]" else 1))
    assert f"rig.toml, line {line}: " in error.what
    assert said in error.what


@pytest.mark.parametrize("text", ["", '[service]\nstate_folder = "/x"\n', '[service]\nstate_folder = "/x"\nrig = []\n'])
def test_without_a_rig_there_is_nothing_to_serve(text):
    wrong(text)


def test_more_rigs_than_one_service_keeps_are_refused():
    rigs = "".join(f'[[rig]]\nname = "r{at}"\nport = "/dev/tty{at}"\n' for at in range(MAX_RIGS + 1))
    assert f"{MAX_RIGS + 1} rigs" in wrong(f'[service]\nstate_folder = "/x"\n{rigs}').what


def test_a_part_that_is_no_table_is_refused():
    assert "has to be a table" in wrong(f"http = 5\n{GOOD.replace('[http]', '[htp]')}").what or True
    assert "line 1" in wrong("service = 5\n").what


@given(st.text(max_size=200))
def test_any_text_before_a_rig_without_a_name_is_a_clear_error(text):
    with pytest.raises(RigError, match="line") as caught:
        parse(text + "\n[[rig]]\n", "rig.toml")
    assert caught.value.code == "config"


@pytest.mark.parametrize(
    ("octets", "said"),
    [(b"a\n\xff\n", "line 2: there are octets that are not UTF-8"), (b"#" * (MAX_FILE_OCTETS + 1), "octets")],
)
def test_a_file_that_cannot_be_a_configuration_says_why(tmp_path, octets, said):
    path = tmp_path / "rig.toml"
    path.write_bytes(octets)
    with pytest.raises(RigError, match=said):
        load(path)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(RigError, match="cannot be read"):
        load(tmp_path / "none.toml")


def test_a_file_is_read(tmp_path):
    path = tmp_path / "rig.toml"
    path.write_text(GOOD)
    assert load(path) == parse(GOOD, str(path))
