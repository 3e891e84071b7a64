"""From a URL to a transport, or to what is wrong with it."""

import contextlib
import importlib.metadata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host.errors import RigError
from host.link import urls
from tests.host.loops import run


def failure(url: str) -> RigError:
    with pytest.raises(RigError) as caught:
        run(urls.open_transport(url))
    return caught.value


@pytest.mark.req("SEC-5")
@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("", "neither a path nor a URL"),
        ("ttyACM0", "neither a path nor a URL"),
        ("serial:/dev/x", "neither a path nor a URL"),
        ("serial://dev/ttyACM0", "absolute path"),
        ("serial:///dev/x?baud=abc", "baud is 'abc'"),
        ("serial:///dev/x?baud=12", "1200 to 4000000"),
        ("serial:///dev/x?baud=99999999999999999999", "1200 to 4000000"),
        ("serial:///dev/x?speed=1", "no option 'speed'"),
        ("serial:///dev/x?baud", "bad query field"),
        ("tcp://host", "host or port is missing"),
        ("tcp://:80", "host or port is missing"),
        ("tcp://host:99999", "Port out of range"),
        ("tcp://[::1", "Invalid IPv6"),
    ],
)
def test_a_url_without_sense_says_why_and_shows_examples(url: str, says: str) -> None:
    error = failure(url)
    assert error.code == "url"
    assert error.exit_code == 2
    assert says in error.what
    assert "tcp://" in error.todo


def test_an_unknown_scheme_names_the_known_ones() -> None:
    error = failure("carrier-pigeon://roof")
    assert error.code == "url"
    assert "serial://" in error.todo
    assert "twin://" in error.todo


@pytest.mark.req("SEC-5")
@given(st.text(max_size=40))
def test_any_text_gives_a_clear_error_or_a_name(text: str) -> None:
    with contextlib.suppress(RigError):
        assert "://" in urls.rig_name(text)


def test_the_name_of_a_rig_leaves_options_out() -> None:
    assert urls.rig_name("/dev/ttyACM0") == "serial:///dev/ttyACM0"
    assert urls.rig_name("serial:///dev/ttyACM0?baud=9600") == "serial:///dev/ttyACM0"
    assert urls.rig_name("tcp://host:1") == "tcp://host:1"


def test_a_broken_plug_in_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = importlib.metadata.EntryPoint("broken", "no.such.module:factory", urls.ENTRY_POINT_GROUP)
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda **_: [broken])
    assert failure("broken://x").code == "plugin"


def test_a_plug_in_gets_the_whole_url(monkeypatch: pytest.MonkeyPatch) -> None:
    point = importlib.metadata.EntryPoint("good", "tests.host.link.test_urls:echo", urls.ENTRY_POINT_GROUP)
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda **_: [point])
    assert run(urls.open_transport("good://there?x=1")) == "good://there?x=1"


async def echo(url: str) -> str:
    return url
