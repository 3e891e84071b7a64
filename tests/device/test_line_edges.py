"""The account of the line to the last nanolitre, with bounds worked out by hand."""

from struct import pack, unpack

import pytest

from device.line import LineAccount

# The bounds of the reference rig that every line has: a grain of 150 nL may be missing or come on top, a nanolitre is
# lost in rounding, the flow sensor's noise is 60 nL and its offset 1 nL in each second.
STEPS = 1_000


def told(line):
    """The four figures as DOSE_STATE carries them, which takes whole numbers only: to the patient, to the waste."""
    figures = (line.patient_min_nl, line.patient_max_nl, line.waste_min_nl, line.waste_max_nl)
    least, most, waste_least, waste_most = unpack("<4I", pack("<4I", *figures))
    return (least, most), (waste_least, waste_most)


def simple(backlash_nl=0, gain_ppm=1_000_000, flow_error_ppm=0, **dose):
    """A line of which a step is a nanolitre, exactly: so 1000 steps push 1000 - 1 - 150 nL to 1000 + 1 + 150 nL."""
    line = LineAccount()
    line.calibrate(1_000_000, 0, gain_ppm, flow_error_ppm, backlash_nl)
    line.open(**dose)
    return line


def deaf(**dose):
    """The same, without a flow sensor that is heard."""
    line = simple(**dose)
    line.flowed(0, 10, False)
    return line


def to_patient(line, steps=STEPS):
    line.close(steps)
    return told(line)[0]


def to_waste(line, steps=STEPS):
    line.close(steps)
    return told(line)[1]


def test_a_new_account_holds_and_has_heard_nothing():
    line = LineAccount()
    assert told(line) == ((0, 0), (0, 0))
    assert line.heard_nl() == 0


def test_a_new_dose_begins_with_no_figures_of_the_one_before():
    line = simple()
    line.close(STEPS)
    line.open()
    assert told(line) == ((0, 0), (0, 0))


@pytest.mark.req("DOSE-8")
def test_the_steps_alone_give_their_volume_less_and_more_a_grain_of_friction():
    line = deaf()
    line.close(STEPS)
    # What may have stayed in the line is the difference of the two.
    assert told(line) == ((849, 1_151), (0, 302))


def test_what_the_steps_push_is_rounded_to_whole_nanolitres_and_its_rounding_allowed_for():
    line = LineAccount()
    line.calibrate(1_500_100, 10_000, 1_000_000, 0, 20)
    # 701 steps of 1.5001 nL: 1051.57, so 1051; of it 1 % is 10.51, so 10, and one more.
    least_nl, most_nl = line.pushed(701)
    assert unpack("<2I", pack("<2I", least_nl, most_nl)) == (1_051 - 11 - 20 - 150, 1_051 + 11 + 150)


def test_a_line_as_delivered_knows_its_bore_to_one_per_cent_and_may_miss_the_whole_play():
    # 1000 steps of 5.608 nL; 1 % of it is 56.08; the play swallows 270 nL.
    assert LineAccount().pushed(STEPS) == (5_608 - 57 - 270 - 150, 5_608 + 57 + 150)


def test_a_push_too_small_to_be_sure_of_is_nothing_at_least():
    assert simple().pushed(151) == (0, 302)
    assert simple().pushed(152) == (1, 303)


def test_the_first_step_of_a_dose_that_clears_nothing_may_be_the_patients():
    assert to_patient(deaf(), 1) == (0, 152)


def test_the_play_may_swallow_of_a_dose_what_is_told_beforehand():
    assert to_patient(deaf(backlash_nl=270)) == (579, 1_151)


@pytest.mark.req("DOSE-13")
def test_behind_the_steps_that_cleared_the_line_there_is_no_play_any_more():
    line = deaf(backlash_nl=270, clear_steps=500)
    line.close(1_500)
    # To the patient 1000 steps, without play. To the waste the 500 before them, less the play, and at most all that
    # 1500 push without what the patient got at least.
    assert told(line) == ((849, 1_151), (500 - 1 - 270 - 150, 1_651 - 849))


@pytest.mark.req("DOSE-13")
def test_the_last_step_that_clears_the_line_is_none_of_the_patients_and_the_next_one_may_be():
    assert to_patient(deaf(clear_steps=500), 500) == (0, 0)
    assert to_patient(deaf(clear_steps=500), 501) == (0, 152)


def test_so_little_behind_the_cleared_line_that_it_may_be_nothing_is_not_made_more_by_the_play():
    assert to_patient(deaf(backlash_nl=270, clear_steps=500), 900) == (0, 551)


def test_all_that_was_pushed_is_waste_when_the_line_stored_more_than_that():
    line = deaf()
    line.released(60_000, 0, 0, 1_000)
    # At least 58.2 kPa times 50 nL/kPa were stored.
    assert to_waste(line) == (849, 1_151)
    assert told(line)[0] == (0, 0)


@pytest.mark.parametrize(
    ("flow", "heard_nl"),
    [([(999, 1)], 0), ([(1_000, 1)], 1), ([(999, 1), (1, 1)], 1), ([(1_000, 1), (1, 1)], 1), ([(100, 10)] * 3, 3)],
)
def test_the_flow_is_counted_in_whole_nanolitres_and_no_picolitre_of_it_is_lost(flow, heard_nl):
    line = simple()
    for nl_s, ms in flow:
        line.flowed(nl_s, ms, True)
    assert (type(line.heard_nl()), line.heard_nl()) == (int, heard_nl)


def test_a_sensor_that_was_not_to_be_believed_has_counted_nothing():
    line = simple()
    line.flowed(5_000, 1_000, True)
    assert line.heard_nl() == 5_000
    line.flowed(5_000, 10, False)
    assert line.heard_nl() == 0
    line.open()
    line.flowed(5_000, 1_000, True)
    assert line.heard_nl() == 5_000


def test_every_dose_begins_to_hear_at_nothing():
    line = simple()
    line.flowed(1_999, 1, True)
    line.open()
    line.flowed(999, 1, True)
    assert line.heard_nl() == 0


@pytest.mark.req("DOSE-8")
@pytest.mark.parametrize(
    ("nl_s", "ms", "interval"),
    [
        (1_000, 999, (999 - 60, 999 + 60)),
        (1_000, 1_000, (1_000 - 61, 1_000 + 61)),
        (500, 2_000, (1_000 - 62, 1_000 + 62)),
    ],
)
def test_the_sensor_is_heard_within_its_noise_and_an_offset_for_each_whole_second(nl_s, ms, interval):
    line = simple()
    line.flowed(nl_s, ms, True)
    assert to_patient(line) == interval


def test_the_sensor_is_heard_with_its_gain_and_the_error_of_what_it_should_have_read():
    line = simple(gain_ppm=1_050_000, flow_error_ppm=100_000)
    line.flowed(1_001, 1_000, True)
    # 1001 nL times 1.05 are 1051.05. Read 10 % too low, it was a ninth more: 116.8. Noise and offset: 61 nL.
    assert line.heard_nl() == 1_001
    # The steps give less than that at most: 1151 nL.
    assert to_patient(line) == (1_051 - 116 - 61, 1_151)


def test_a_line_as_delivered_hears_the_sensor_as_it_is_within_ten_per_cent():
    line = LineAccount()
    line.flowed(5_600, 1_000, True)
    # A ninth of 5600 is 622.2.
    assert to_patient(line) == (5_131, 5_608 + 57 + 150)
    assert line.patient_min_nl > 5_600 - 622 - 61
    assert to_patient(line, 1_100) == (6_168 - 62 - 270 - 150, 5_600 + 622 + 61)


def test_a_flow_that_went_backward_is_as_uncertain_as_one_forward():
    line = simple(flow_error_ppm=100_000)
    line.flowed(-900, 1_000, True)
    # -900, an error of 100 and of 61: at most -739, which contradicts the steps.
    assert to_patient(line) == (0, 1_151)
    line.open()
    line.flowed(-50, 1_000, True)
    # Of 100 steps at most 251 nL came; the sensor heard at most -50 + 5 + 61.
    assert to_patient(line, 100) == (0, 16)


@pytest.mark.req("DOSE-8")
def test_witnesses_that_touch_agree_on_where_they_touch():
    line = simple()
    line.flowed(1_151 + 61, 1_000, True)
    line.close(STEPS)
    assert told(line) == ((1_151, 1_151), (0, 0))
    line.open()
    line.flowed(849 - 61, 1_000, True)
    line.close(STEPS)
    assert told(line) == ((849, 849), (0, 302))


@pytest.mark.req("DOSE-8")
def test_witnesses_a_nanolitre_apart_are_both_believed():
    line = simple()
    line.flowed(1_151 + 62, 1_000, True)
    line.close(STEPS)
    assert told(line) == ((849, 1_151 + 62 + 61), (0, 302))
    line.open()
    line.flowed(849 - 62, 1_000, True)
    line.close(STEPS)
    assert told(line) == ((849 - 62 - 61, 1_151), (0, 1_151 - 726))


@pytest.mark.req("FLOW-4", "DOSE-8")
def test_a_release_takes_what_the_line_stored_off_both_ends():
    line = deaf()
    line.released(4_033, 113, 0, 1_000)
    # The pressure may be 3 % off, 120.99 Pa, and 113: at least 3800 Pa, at most 4266. While the pump pushes 1 uL/s, it
    # is read 80 ms late: 80 nL more. A kilopascal stores 50 to 1000 nL.
    assert to_patient(line, 9_000) == (8_849 - (4_266 + 1) - 80, 9_151 - 190)
    line = deaf()
    line.released(10_033, 293, 0, 1_000)
    # 3 % are 300.99 Pa: at least 9440 Pa, which stored 472 nL, at most 10,626.
    assert to_patient(line, 20_000) == (19_849 - (10_626 + 1) - 80, 20_151 - 472)


def test_the_pressures_three_per_cent_are_rounded_down():
    line = deaf()
    line.released(10_000, 0, 0, 1_000)
    assert to_patient(line, 20_000) == (19_849 - (10_300 + 1) - 80, 20_151 - 485)


def test_an_inflow_is_read_late_by_eighty_milliseconds_rounded_down():
    line = deaf()
    line.released(0, 0, 0, 1_012)
    assert to_patient(line) == (849 - 1 - 80, 1_151)


def test_a_line_at_rest_may_have_stored_nothing_whatever_pressure_is_read():
    line = deaf()
    line.released(10_000, 0, 0, 0)
    assert to_patient(line, 20_000) == (19_849 - (10_300 + 1), 20_151)
    line = deaf()
    line.released(10_000, 0, 0, 1)
    assert to_patient(line, 20_000) == (19_849 - (10_300 + 1), 20_151 - 485)


def test_a_pressure_within_its_error_stored_nothing_at_least():
    line = deaf()
    line.released(100, 600, 0, 1_000)
    assert to_patient(line) == (849 - (703 + 1) - 80, 1_151)


@pytest.mark.req("DOSE-8")
def test_every_release_of_a_dose_adds_what_was_relieved_then():
    line = deaf()
    line.released(10_000, 0, 0, 1_000)
    line.released(4_000, 0, 0, 500)
    # 10,300 + 1 + 80 and 4120 + 1 + 40 at most; 9700 and 3880 Pa times 50 nL/kPa at least.
    assert to_patient(line, 30_000) == (29_849 - 10_381 - 4_161, 30_151 - 485 - 194)
    line.open()
    line.flowed(0, 10, False)
    assert to_patient(line) == (849, 1_151)


@pytest.mark.parametrize(
    ("flow_nl_s", "inflow_nl_s", "late_nl"),
    [(0, 0, 0), (1, 0, 1), (0, 1, 1), (1_000, 0, 111), (500, 1_000, 111), (1_009, 0, 111), (-900, 0, 0)],
)
def test_the_sensor_may_not_have_heard_the_last_hundred_and_ten_milliseconds(flow_nl_s, inflow_nl_s, late_nl):
    line = simple()
    line.flowed(2_000, 900, True)
    line.released(0, 0, flow_nl_s, inflow_nl_s)
    # It heard 1800 nL; the steps alone would leave 1849 to 2151 nL.
    assert to_patient(line, 2_000)[1] == 1_860 + late_nl


def test_what_the_sensor_did_not_hear_adds_up_over_the_releases():
    line = simple()
    line.flowed(2_000, 875, True)
    line.released(0, 0, 1_000, 0)
    line.released(0, 0, 500, 0)
    assert to_patient(line, 2_000)[1] == 1_750 + 60 + 111 + 56
    line.open()
    line.flowed(2_000, 900, True)
    assert to_patient(line, 2_000)[1] == 1_860
