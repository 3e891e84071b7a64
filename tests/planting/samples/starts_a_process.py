import subprocess
import sys

from tests.planting.samples import lamp


def test_another_process_sees_a_dark_lamp():
    subprocess.run([sys.executable, "-c", "pass"], check=True)
    assert lamp.light(False, 3) == 0
