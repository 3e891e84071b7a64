"""What two UARTs of different speed make of each other's octets."""

import random

from hil.line_speed import resample

SAMPLE = random.Random(4).randbytes(64)


def test_the_same_speed_changes_nothing() -> None:
    assert resample(SAMPLE, 921_600, 921_600) == SAMPLE


def test_a_slip_of_one_percent_changes_nothing() -> None:
    assert resample(SAMPLE, 921_600, 930_000) == SAMPLE


def test_another_speed_gives_other_octets() -> None:
    for baud in (9600, 115_200, 460_800, 1_000_000):
        assert resample(SAMPLE, 921_600, baud) != SAMPLE
        assert resample(SAMPLE, baud, 921_600) != SAMPLE


def test_a_slow_receiver_sees_few_octets_and_a_fast_one_many() -> None:
    assert len(resample(SAMPLE, 921_600, 115_200)) < 64 / 4
    assert len(resample(SAMPLE, 115_200, 921_600)) > 64


def test_an_octet_on_a_slow_line_is_what_its_waveform_says() -> None:
    # 0x00 at an eighth of the speed is nine low bit times of eight each: seven whole frames of ten, and the rest.
    received = resample(b"\0", 115_200, 921_600)
    assert set(received[:-1]) == {0}
    assert len(received) == 8
