from device.intervals import Intervals


def test_before_the_first_dose_there_is_nothing_to_wait_for():
    assert Intervals().nearest == 0
