import pytest


@pytest.fixture
def lamp():
    from tests.planting.samples import lamp  # noqa: PLC0415  (a broken source fails a test, not the collection)

    return lamp


def test_a_lamp_that_is_off_is_dark(lamp):
    assert lamp.light(False, 3) == 0
