"""The serial port of a bench in real time, as a host with pyserial meets it."""

import time
from collections.abc import Iterator

import pytest
import serial

from hil.pseudo_terminal import LINE_BAUD, PseudoTerminal


@pytest.fixture
def port() -> Iterator[PseudoTerminal]:
    port = PseudoTerminal()
    yield port
    port.close()


def read_from(port: PseudoTerminal) -> bytes:
    deadline = time.monotonic() + 2
    while time.monotonic() < deadline:
        octets = port.read()
        if octets:
            return octets
        time.sleep(0.001)
    raise AssertionError("nothing came")


def test_octets_pass_both_ways_unchanged(port: PseudoTerminal) -> None:
    every = bytes(range(256))
    with serial.Serial(str(port.path), LINE_BAUD, timeout=2) as host:
        port.write(every)
        assert host.read(256) == every
        host.write(every)
        assert read_from(port) == every


def test_what_is_sent_while_nobody_listens_is_lost(port: PseudoTerminal) -> None:
    port.write(b"nobody hears this")
    with serial.Serial(str(port.path), LINE_BAUD, timeout=2) as host:
        port.write(b"heard")
        assert host.read(5) == b"heard"
    assert port.lost == 17


def test_the_next_who_opens_the_port_does_not_get_what_the_last_left_unread(port: PseudoTerminal) -> None:
    with serial.Serial(str(port.path), LINE_BAUD) as host:
        assert port.is_open()
        port.write(b"unread")
    assert not port.is_open()
    with serial.Serial(str(port.path), LINE_BAUD, timeout=2) as host:
        port.write(b"fresh")
        assert host.read(5) == b"fresh"


def test_the_last_octets_of_a_host_that_closes_still_arrive(port: PseudoTerminal) -> None:
    with serial.Serial(str(port.path), LINE_BAUD) as host:
        port.is_open()
        host.write(b"stop")
    assert not port.is_open()
    assert read_from(port) == b"stop"


def test_another_speed_garbles_both_ways(port: PseudoTerminal) -> None:
    with serial.Serial(str(port.path), 115_200, timeout=0.2) as host:
        assert port.baud() == 115_200
        port.write(b"telemetry telemetry")
        received = host.read(64)
        assert received
        assert b"tele" not in received
        host.write(b"hello")
        assert b"hello" not in read_from(port)
    assert port.garbled > 0


def test_pulling_the_cable_is_an_error_for_the_host_and_takes_the_name_away(port: PseudoTerminal) -> None:
    with serial.Serial(str(port.path), LINE_BAUD, timeout=2) as host:
        port.unplug()
        with pytest.raises(serial.SerialException):
            host.read(1)
    assert not port.path.exists()


def test_the_cable_put_in_again_has_its_old_name(port: PseudoTerminal) -> None:
    port.unplug()
    port.plug()
    with serial.Serial(str(port.path), LINE_BAUD, timeout=2) as host:
        port.write(b"again")
        assert host.read(5) == b"again"
