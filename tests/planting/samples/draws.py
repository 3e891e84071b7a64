from hypothesis import given
from hypothesis import strategies as st

from tests.planting.samples.lamp import light


@given(st.integers(0, 1_000_000))
def test_a_lamp_is_as_bright_as_it_is_set(level):
    assert light(True, level) == level
