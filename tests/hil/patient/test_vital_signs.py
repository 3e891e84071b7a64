"""Vital signs: laws, noise, gaps, artefacts, and faults on demand."""

from statistics import fmean, stdev

import pytest

from hil.patient import SIGNS, Patient, Sample, VitalSigns, preset

QUIET = {"noise": 0.0, "missing": 0.0, "motion_every_s": 0.0, "probe_off_every_s": 0.0}


def values(samples, sign):
    return [value for sample in samples if (value := getattr(sample, sign)) is not None]


def take(signs, count, reaction=0.0, burden_ul=0.0, first=1):
    return [signs.sample(1000 * second, reaction, burden_ul) for second in range(first, first + count)]


@pytest.mark.parametrize(
    ("reaction", "expected"),
    [(0.0, (72.0, 98.0, 14.0, 90.0, 36.8)), (1.0, (112.0, 89.0, 23.0, 65.0, 37.3))],
)
def test_signs_follow_the_reaction(reaction, expected):
    sample = VitalSigns(**QUIET).sample(1000, reaction, 7.0)
    assert tuple(getattr(sample, sign) for sign in SIGNS[:5]) == pytest.approx(expected)
    assert sample.burden == pytest.approx(7.0)


@pytest.mark.parametrize(
    ("sign", "sd"), [("heart_rate", 3), ("respiration", 1.5), ("pressure", 4), ("temperature", 0.1), ("spo2", 1)]
)
def test_signs_have_their_noise(sign, sd):
    # At 0.5 SpO2 stands clear of its ceiling of 100 %.
    samples = take(VitalSigns(missing=0.0, motion_every_s=0.0, probe_off_every_s=0.0), 4000, reaction=0.5)
    assert stdev(values(samples, sign)) == pytest.approx(sd, rel=0.05)


@pytest.mark.parametrize(("burden_ul", "sd"), [(20.0, (1.6**2 + 0.2**2) ** 0.5), (2.0, (0.16**2 + 0.2**2) ** 0.5)])
def test_the_read_out_of_the_burden_has_a_relative_and_a_fixed_error(burden_ul, sd):
    samples = take(VitalSigns(missing=0.0), 4000, burden_ul=burden_ul)
    assert fmean(values(samples, "burden")) == pytest.approx(burden_ul, rel=0.01)
    assert stdev(values(samples, "burden")) == pytest.approx(sd, rel=0.05)


def test_one_percent_is_missing():
    samples = take(VitalSigns(probe_off_every_s=0.0), 20_000)
    for sign in SIGNS:
        assert 20_000 - len(values(samples, sign)) == pytest.approx(200, abs=45)


def test_motion_comes_once_in_five_minutes_and_lasts_ten_seconds():
    signs = VitalSigns(noise=0.0, missing=0.0, probe_off_every_s=0.0)
    moved = [sample.heart_rate != pytest.approx(72.0, abs=0.01) for sample in take(signs, 60_000)]
    begins = sum(now and not before for before, now in zip([False, *moved], moved, strict=False))
    assert begins == pytest.approx(60_000 / 300, rel=0.25)
    assert sum(moved) / begins == pytest.approx(10, rel=0.1)


def test_the_probe_is_off_once_an_hour_for_half_a_minute():
    samples = take(VitalSigns(missing=0.0, motion_every_s=0.0), 200_000)
    off = sum(sample.spo2 is None for sample in samples)
    assert off == pytest.approx(200_000 / 3600 * 30, rel=0.4)
    assert all((sample.spo2 is None) == (sample.heart_rate is None) for sample in samples)
    assert all(sample.respiration is not None for sample in samples)


def test_spo2_never_reads_more_than_a_hundred():
    assert max(values(take(VitalSigns(), 3000), "spo2")) == 100.0


def test_motion_and_probe_off_on_demand():
    signs = VitalSigns(**QUIET)
    take(signs, 1)
    signs.move(3)
    assert [sample.heart_rate != 72.0 for sample in take(signs, 5, first=2)] == [True] * 3 + [False] * 2
    signs.take_probe_off(2)
    assert [sample.spo2 for sample in take(signs, 3, first=7)] == [None, None, 98.0]


def test_a_flat_line_repeats_one_value_to_the_last_digit():
    signs = VitalSigns(missing=0.0)
    signs.flat_line("respiration", 5)
    samples = take(signs, 8)
    assert len(set(values(samples[:5], "respiration"))) == 1
    assert len(set(values(samples, "respiration"))) == 4
    assert len(set(values(samples, "pressure"))) == 8


def test_all_signs_may_be_flat():
    signs = VitalSigns(missing=0.0)
    signs.flat_line(None, 5)
    samples = take(signs, 5)
    assert all(len(set(values(samples, sign))) == 1 for sign in SIGNS)


def test_a_sign_that_is_not_there_cannot_be_flat():
    with pytest.raises(ValueError, match="no sign 'mood'"):
        VitalSigns().flat_line("mood", 1)


def test_a_clock_may_be_off_or_stand_still():
    signs = VitalSigns(**QUIET)
    signs.clock_offset_ms = 3_600_000
    assert take(signs, 1)[0].time_ms == 3_601_000
    signs.clock_offset_ms = 0
    signs.stop_clock()
    assert [sample.time_ms for sample in take(signs, 3, first=2)] == [1000] * 3
    signs.stop_clock(False)
    assert take(signs, 1, first=5)[0].time_ms == 5000


def test_a_silent_monitor_gives_no_samples_and_goes_on_afterwards():
    patient = Patient(preset("routine"))
    patient.advance(3)
    patient.vital_signs.silent = True
    patient.advance(3)
    patient.vital_signs.silent = False
    patient.advance(2)
    assert [sample.time_ms for sample in patient.samples] == [1000, 2000, 3000, 7000, 8000]


def test_one_seed_gives_one_run_and_another_another():
    runs = []
    for seed in (1, 1, 2):
        patient = Patient(preset("lucy"), seed)
        patient.advance(100, 0.5)
        runs.append(patient.samples)
    assert runs[0] == runs[1] != runs[2]


def test_a_fault_on_demand_leaves_the_noise_of_the_other_signs_as_it_was():
    plain, flat = VitalSigns(missing=0.0), VitalSigns(missing=0.0)
    flat.flat_line("spo2", 10)
    assert values(take(plain, 10), "heart_rate") == values(take(flat, 10), "heart_rate")


def test_samples_go_to_whoever_listens():
    patient = Patient(preset("routine"))
    heard: list[Sample] = []
    patient.on_sample.append(heard.append)
    patient.advance(5)
    assert len(heard) == 5
    assert not patient.samples
