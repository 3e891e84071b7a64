import time

from tests.planting.samples import lamp


def test_a_lamp_takes_its_time():
    while True:
        time.sleep(lamp.light(True, 1))
