from hypothesis import given
from hypothesis import strategies as st

from device.outcomes import Outcomes
from protocol import codes


def outcome(number, emitted=0):
    dose_id = number.to_bytes(8, "little")
    return (dose_id, codes.DOSE_PARTIAL, 0, 0, 2, 1000, 178, emitted, emitted, 0, 0, 0, 0, 0, 0, 0)


@given(st.lists(st.integers(1, 30), min_size=1, max_size=100), st.integers(1, 12))
def test_the_newest_ids_are_kept_each_with_its_last_outcome(numbers, capacity):
    outcomes = Outcomes(capacity)
    newest: dict[int, int] = {}
    order: list[int] = []
    for emitted, number in enumerate(numbers):
        outcomes.put(outcome(number, emitted))
        if number not in newest:
            order.append(number)
            if len(order) > capacity:
                del newest[order.pop(0)]
        newest[number] = emitted
    for number in range(1, 31):
        kept = outcomes.get(number.to_bytes(8, "little"))
        assert kept == (outcome(number, newest[number]) if number in newest else None)
