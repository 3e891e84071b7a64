import pytest

from hil.bench import Bench
from hil.boards.serial.stand_in import CHIPS, StandIn
from hil.provision import Provision

SEED = 1


@pytest.fixture
def stand_in():
    """A simulated device and a simulated probe behind two ports: what these tests have in place of two Picos."""
    with StandIn(seed=SEED) as two_ports:
        yield two_ports


@pytest.fixture
def serial_bench(stand_in):
    """A serial bench on the stand-in."""
    ports = {"board_url": stand_in.board_url, "probe_url": stand_in.probe_url, "capabilities": CHIPS}
    with Bench("serial", provision=Provision.of_seed(SEED), **ports) as bench:
        yield bench
