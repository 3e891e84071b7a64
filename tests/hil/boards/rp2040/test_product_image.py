"""The product image looks at itself when it starts."""

import pytest

from device.seal import _MARK
from hil.bench import Bench
from hil.pytest_plugin import seed
from hil.scenarios.raw_host import RawHost
from protocol import codes

pytestmark = [pytest.mark.rp2040, pytest.mark.req("ALARM-4")]
MARK = bytes(octet ^ 0xFF for octet in _MARK)
START_S = 2.0


@pytest.fixture
def bench(request):
    with Bench("rp2040", seed=seed(request.config), power=False) as built:
        yield built


async def status(bench):
    """Switch the controller on and return what it says of itself."""
    bench.power_on()
    bench.run_for(START_S)
    async with RawHost(bench.transport(), bench.seed) as host:
        return await host.status()


def test_an_image_as_it_was_built_passes(bench):
    assert not bench.run(status(bench)).self_test & codes.SELF_TEST_IMAGE


def test_one_octet_that_nothing_needs_is_enough_to_fail(bench):
    flash = bytearray(bench.board._flash)
    last = flash.index(MARK) - 1
    assert flash[last] == 0xFF, "the image fills its last page, so this octet is needed"
    flash[last] = 0xFE
    bench.board._flash = bytes(flash)
    assert bench.run(status(bench)).self_test & codes.SELF_TEST_IMAGE
