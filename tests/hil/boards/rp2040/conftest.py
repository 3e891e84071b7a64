import pytest

from hil.boards.rp2040 import IMAGE_FOLDER, current_image
from hil.boards.rp2040.scripts import ScriptedPico

SAFE = 15
BOARD = "from device.boards.pico import PicoBoard\nimport time\nboard = PicoBoard()\n"


@pytest.fixture(scope="session")
def bench_image():
    return current_image(IMAGE_FOLDER.with_name("bench-image"), "bench")


@pytest.fixture
def pico(bench_image):
    """An emulated Pico that takes scripts, with SAFE high."""
    scripted = ScriptedPico(bench_image)
    scripted.chip.set_input(SAFE, True)
    scripted.run("import machine")
    scripted.changes.clear()
    return scripted


@pytest.fixture
def board(pico):
    """The same, with ``board`` built."""
    pico.run(BOARD)
    pico.changes.clear()
    return pico
