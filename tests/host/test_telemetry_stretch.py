"""Telemetry folded into longer stretches: nothing is counted twice, no extreme and no alarm is lost."""

from dataclasses import fields

from hypothesis import given
from hypothesis import strategies as st

from host.telemetry_stretch import MEASURES, Stretch, folded, merged, sample, widened
from protocol import codes, typed

NUMBERS = st.integers(-(2**31), 2**31 - 1)


def told(
    uptime_ms: int = 0, pressure_pa: int = 0, flow_nl_s: int = 0, alarm: int = 0, state: int = 1
) -> typed.Telemetry:
    values = dict.fromkeys((field.name for field in fields(typed.Telemetry)), 0)
    known = {"uptime_ms": uptime_ms, "pressure_pa": pressure_pa, "flow_nl_s": flow_nl_s, "alarm": alarm}
    return typed.Telemetry(**{**values, **known, "dose_id": bytes(8), "device_state": state})


SAMPLES = st.lists(
    st.builds(
        lambda utc_ms, *values: sample("rig", utc_ms, told(*values)),
        st.integers(0, 300_000),
        st.integers(0, 2**30),
        NUMBERS,
        NUMBERS,
        st.integers(0, 32),
        st.integers(0, 5),
    ),
    max_size=40,
)


def test_a_sample_has_the_readings_that_were_told() -> None:
    values = sample("rig", 5, told(7, pressure_pa=-3, flow_nl_s=9, alarm=2)).as_dict()
    assert (values["start_ms"], values["width_ms"], values["samples"], values["uptime_ms"]) == (5, 0, 1, 7)
    assert (values["pressure_pa_min"], values["pressure_pa_mean"], values["flow_nl_s_max"]) == (-3, -3, 9)
    assert values["alarms"] == 1 << 2
    assert not {"least", "sums", "most"} & values.keys()


@given(SAMPLES, st.sampled_from([1_000, 60_000]))
def test_folding_keeps_count_sum_extremes_and_every_state(samples: list[Stretch], width_ms: int) -> None:
    whole = folded(samples, width_ms)
    assert sum(each.samples for each in whole) == len(samples)
    for at in range(len(MEASURES)):
        assert sum(each.sums[at] for each in whole) == sum(each.sums[at] for each in samples)
        if samples:
            assert min(each.least[at] for each in whole) == min(each.least[at] for each in samples)
            assert max(each.most[at] for each in whole) == max(each.most[at] for each in samples)
    for each in whole:
        parts = [one for one in samples if each.start_ms <= one.start_ms < each.start_ms + width_ms]
        assert all(one.alarms & each.alarms == one.alarms for one in parts)
        assert all(one.device_states & each.device_states == one.device_states for one in parts)
        assert each.last_ms == max(one.start_ms for one in parts)


@given(SAMPLES)
def test_folding_in_steps_is_folding_at_once(samples: list[Stretch]) -> None:
    assert folded(folded(samples, 1_000), 60_000) == folded(samples, 60_000)


@given(SAMPLES)
def test_the_order_of_the_parts_does_not_matter(samples: list[Stretch]) -> None:
    assert folded(reversed(samples), 60_000) == folded(samples, 60_000)


def test_stretches_begin_at_whole_widths_and_longer_ones_stay() -> None:
    one = sample("rig", 61_234, told())
    assert widened(one, 1_000).start_ms == 61_000
    minute = widened(one, 60_000)
    assert widened(minute, 1_000) == minute


def test_the_last_value_is_that_of_the_last_sample() -> None:
    early, late = sample("rig", 1_100, told(5)), sample("rig", 1_900, told(6))
    assert merged(widened(late, 1_000), widened(early, 1_000)).uptime_ms == 6


def test_every_alarm_cause_and_state_has_a_bit_of_its_own() -> None:
    for members in (codes.ALARMS, codes.CAUSES, codes.DEVICE_STATES):
        assert max(number for _, number in members) < 62
