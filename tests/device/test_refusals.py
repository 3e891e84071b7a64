from device.refusals import REFUSALS, Refusals


def test_the_last_refusals_are_found_by_id_and_older_ones_are_gone():
    refusals = Refusals()
    for number in range(REFUSALS + 1):
        refusals.put((number.to_bytes(8, "little"), number))
    assert refusals.get(bytes(8)) is None
    assert refusals.get((1).to_bytes(8, "little")) == ((1).to_bytes(8, "little"), 1)
    assert refusals.get(b"whatever") is None
