"""The model of the link can fail: it finds every planted defect."""

import random

import pytest

from tests.protocol.defects import DEFECTS
from tests.protocol.driver import drive
from tests.protocol.world import World

# Far more than any of them needs: the best hidden one shows in about every hundredth history.
HISTORIES = 2000


@pytest.mark.parametrize("name", DEFECTS)
def test_the_model_finds_that(name):
    for history in range(HISTORIES):
        try:
            drive(World(**DEFECTS[name]), random.Random(history), 300)
        except (AssertionError, KeyError) as found:
            print(f"history {history}: {found}")
            return
    pytest.fail("not found")


def test_the_model_finds_nothing_where_there_is_nothing():
    for history in range(100):
        drive(World(), random.Random(history), 300)
