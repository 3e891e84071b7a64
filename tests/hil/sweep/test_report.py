"""What a sweep says of itself."""

from hil.sweep.report import Report, table


def row(index, **changes):
    place = {"row": "cut", "order": "flush", "cut": "octet", "index": index}
    return {**place, "failures": [], "interval_steps": 3, "lost_latch_ms": 0.0, "taken_back": 0, **changes}


def places(grant):
    return {"row": "places", "order": "flush", "places": {"octet": 9, "tick": 4}, "largest_grant_steps": grant}


def report(*rows):
    made = Report("twin", 3, None)
    made.take(rows)
    return made


def test_a_sweep_without_a_failure_counts_its_cuts_and_its_widest_interval():
    told = report(row(0), row(1, interval_steps=7), places(8)).as_dict()
    assert (told["cuts"], told["failures"]) == (2, 0)
    assert (told["widest_interval_steps"], told["largest_grant_steps"]) == (7, 8)
    assert told["orders"]["flush"]["places"] == {"octet": 9, "tick": 4}


def test_a_failure_says_how_to_have_it_again():
    made = report(row(5, failures=["12 steps left the pin"]), places(8))
    assert made.failures == 1
    assert made.failed[0]["again"].endswith("--target twin --seed 3 --order flush --cut octet --index 5")
    assert "12 steps left the pin" in table(made)


def test_an_interval_wider_than_every_grant_of_its_order_is_a_failure():
    made = report(row(0, interval_steps=9), places(8))
    assert made.failures == 1
    assert "wider than all grants" in made.failed[0]["failures"][0]


def test_a_history_that_comes_to_no_end_is_a_failure_although_nothing_was_cut():
    made = report({"row": "broken", "order": "flush", "failures": ["refused"]})
    assert (made.cuts, made.failures) == (0, 1)
    assert made.failed[0]["again"].endswith("--order flush")
    assert "refused" in table(made)
