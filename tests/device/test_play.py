"""What the play of a screw may still swallow of the next run."""

import pytest

from device.line import BACKLASH_NL
from device.play import Play
from protocol import codes

FLUSH = codes.CHANNEL_FLUSH


@pytest.fixture
def play():
    return Play()


def test_after_a_start_nobody_knows_where_the_screws_stand_in_their_play(play):
    assert [play.left_nl(channel) for channel, _ in enumerate(codes.CHANNELS)] == [BACKLASH_NL] * 3


def test_a_run_takes_up_the_play_of_its_own_channel(play):
    play.taken_up(FLUSH)
    assert play.left_nl(FLUSH) == 0
    assert play.left_nl(codes.CHANNEL_AGENT) == BACKLASH_NL


def test_another_cartridge_opens_the_play_of_its_channel(play):
    play.taken_up(FLUSH)
    play.taken_up(codes.CHANNEL_AGENT)
    play.opened(FLUSH)
    assert (play.left_nl(FLUSH), play.left_nl(codes.CHANNEL_AGENT)) == (BACKLASH_NL, 0)


def test_an_open_door_opens_the_play_of_every_channel(play):
    play.taken_up(FLUSH)
    play.taken_up(codes.CHANNEL_AGENT)
    play.opened_all()
    assert [play.left_nl(channel) for channel, _ in enumerate(codes.CHANNELS)] == [BACKLASH_NL] * 3
