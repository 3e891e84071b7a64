import pytest

from device.drivers.fram import SIZE, Fram
from tests.device.fakes import FakeBoard


@pytest.fixture
def fram():
    return Fram(FakeBoard(), 0)


def test_what_is_written_is_read_back(fram):
    fram.write(SIZE - 4, b"last")
    buffer = bytearray(4)
    fram.read_into(SIZE - 4, buffer)
    assert buffer == b"last"


@pytest.mark.parametrize("address", [-1, SIZE - 3, SIZE])
def test_an_access_beyond_the_part_is_refused(fram, address):
    with pytest.raises(ValueError, match="beyond"):
        fram.write(address, b"last")
    with pytest.raises(ValueError, match="beyond"):
        fram.read_into(address, bytearray(4))
