"""The step generator's model: spacing, SAFE, halt, all exact, and equal to the program executed cycle by cycle."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hil.boards.step_generator import NEVER_NS, PULL_AFTER_EDGE_NS, StepGeneratorModel
from tests.hil.boards.pio import CYCLE_NS, StateMachine

US = 1000


def make_generator(safe=True):
    generator = StepGeneratorModel()
    generator.set_safe(safe)
    generator.arm()
    return generator


def edges(generator, until_ns):
    return [
        first_ns + number * period_ns
        for first_ns, period_ns, count in generator.advance(until_ns)
        for number in range(count)
    ]


def test_a_word_gives_its_steps_at_its_period():
    generator = make_generator()
    generator.put(3, 100)
    assert edges(generator, 1000 * US) == [95 * US, 195 * US, 295 * US]


def test_spacing_goes_on_across_words():
    generator = make_generator()
    generator.put(2, 100)
    generator.put(2, 50)
    assert edges(generator, 1000 * US) == [95 * US, 195 * US, 245 * US, 295 * US]


def test_a_word_that_comes_right_behind_an_edge_keeps_the_spacing():
    generator = make_generator()
    generator.put(1, 100)
    assert edges(generator, 95 * US + PULL_AFTER_EDGE_NS - 1) == [95 * US]
    generator.put(1, 100)
    assert edges(generator, 1000 * US) == [195 * US]


def test_a_word_that_comes_late_begins_when_it_comes():
    generator = make_generator()
    generator.put(1, 100)
    edges(generator, 500 * US)
    generator.put(1, 100)
    assert edges(generator, 1000 * US) == [595 * US]


def test_time_may_pass_in_any_pieces():
    whole, pieced = make_generator(), make_generator()
    for generator in (whole, pieced):
        generator.put(7, 33)
        generator.put(3, 51)
    together = edges(whole, 500 * US)
    assert [edge for until in range(0, 500 * US + 1, 777) for edge in edges(pieced, until)] == together[:10]


def test_the_queue_holds_four_words_beside_the_running_one():
    generator = make_generator()
    generator.put(1, 100)
    assert generator.free() == 4
    for _ in range(4):
        generator.put(1, 100)
    assert generator.free() == 0
    with pytest.raises(RuntimeError, match="full"):
        generator.put(1, 100)


@pytest.mark.parametrize(("steps", "period_us"), [(0, 100), (1024, 100), (1, 19), (1, 1_048_576)])
def test_a_word_that_does_not_fit_is_refused(steps, period_us):
    with pytest.raises(ValueError, match="no such word"):
        make_generator().put(steps, period_us)


def test_finished_words_are_counted_once():
    generator = make_generator()
    for _ in range(3):
        generator.put(1, 100)
    edges(generator, 210 * US)
    assert generator.completed() == 2
    assert generator.completed() == 0
    edges(generator, 1000 * US)
    assert generator.completed() == 1


def test_nothing_moves_before_it_is_armed():
    generator = StepGeneratorModel()
    generator.set_safe(True)
    generator.put(3, 100)
    assert edges(generator, 1000 * US) == []
    assert generator.halt() == 3


@pytest.mark.parametrize(
    ("halt_us", "out"), [(94.999, 0), (95, 1), (194.999, 1), (195, 2), (295, 3), (394, 3), (395, 4)]
)
def test_halt_tells_exactly_what_did_not_leave(halt_us, out):
    generator = make_generator()
    generator.put(2, 100)
    generator.put(5, 100)
    assert len(edges(generator, round(halt_us * US))) == out
    assert generator.halt() == 7 - out
    assert edges(generator, 10_000 * US) == []
    assert generator.halt() == 0


def test_a_halted_generator_runs_again_after_arming():
    generator = make_generator()
    generator.put(5, 100)
    edges(generator, 200 * US)
    generator.halt()
    generator.arm()
    generator.put(1, 100)
    assert edges(generator, 1000 * US) == [295 * US]


@pytest.mark.parametrize("fall_us", [0.5, 50, 93.5, 94, 94.5, 95, 99, 100, 101, 102, 150, 193, 195.5, 250])
def test_no_edge_follows_a_fall_of_safe_by_more_than_a_microsecond(fall_us):
    generator = make_generator()
    generator.put(10, 100)
    fall_ns = round(fall_us * US)
    before = edges(generator, fall_ns)
    generator.set_safe(False)
    after = edges(generator, 500 * US)
    generator.set_safe(True)
    assert edges(generator, 5000 * US) == []
    assert all(edge - fall_ns <= 1 * US for edge in after)
    assert generator.dead()
    assert generator.halt() == 10 - len(before) - len(after)


def test_an_edge_that_can_no_longer_be_held_back_still_comes():
    generator = make_generator()
    generator.put(10, 100)
    edges(generator, 94_500)
    generator.set_safe(False)
    assert edges(generator, 1000 * US) == [95 * US]


def test_a_dead_generator_stays_dead_until_it_is_armed():
    generator = make_generator()
    generator.put(1, 100)
    generator.set_safe(False)
    edges(generator, 100 * US)
    generator.set_safe(True)
    generator.put(1, 100)
    assert edges(generator, 1000 * US) == []
    assert generator.dead()
    generator.halt()
    assert generator.dead()
    generator.arm()
    assert not generator.dead()


def test_an_idle_generator_does_not_notice_safe():
    generator = make_generator()
    generator.set_safe(False)
    edges(generator, 100 * US)
    generator.set_safe(True)
    assert not generator.dead()
    generator.put(1, 100)
    assert edges(generator, 1000 * US) == [195 * US]


def test_a_word_that_is_taken_while_safe_is_low_dies():
    generator = make_generator(safe=False)
    generator.put(4, 100)
    assert edges(generator, 10 * US) == []
    generator.set_safe(True)
    assert generator.dead()
    assert edges(generator, 1000 * US) == []
    assert generator.halt() == 4


def test_a_dip_between_two_samples_is_not_seen():
    generator = make_generator()
    generator.put(1, 100)
    edges(generator, 50_250)
    generator.set_safe(False)
    edges(generator, 50_750)
    generator.set_safe(True)
    assert edges(generator, 1000 * US) == [95 * US]


def test_a_reset_forgets_everything():
    generator = make_generator()
    generator.put(4, 100)
    generator.set_safe(False)
    edges(generator, 100 * US)
    generator.reset()
    assert not generator.dead()
    assert generator.halt() == 0


words = st.tuples(st.just("put"), st.integers(1, 5), st.integers(20, 40))
happenings = st.lists(
    st.tuples(st.integers(1, 200), st.one_of(words, st.tuples(st.just("safe"), st.booleans()))), max_size=12
)


@given(happenings, st.integers(1, 3000))
def test_the_model_does_what_the_program_does_cycle_by_cycle(happenings, halt_cycle):
    model, program = make_generator(), StateMachine()
    cycle, given_steps, out = 0, 0, []
    for wait_cycles, (kind, *values) in happenings:
        cycle += wait_cycles
        if cycle >= halt_cycle:
            break
        # Words come on a cycle; SAFE changes between two, where there is no question which came first.
        now_ns = cycle * CYCLE_NS - (0 if kind == "put" else CYCLE_NS // 2)
        out += edges(model, now_ns)
        program.run_to(now_ns)
        if kind == "put" and model.free():
            given_steps += values[0]
            model.put(*values)
            program.fifo.append(tuple(values))
        elif kind == "safe":
            model.set_safe(values[0])
            program.safe = values[0]
    halt_ns = halt_cycle * CYCLE_NS - CYCLE_NS // 2
    out += edges(model, halt_ns)
    program.run_to(halt_ns)
    assert out == program.edges
    assert model.dead() == program.dead
    assert model.free() == 4 - len(program.fifo)
    assert model.halt() == given_steps - len(program.edges)


@given(st.lists(st.tuples(st.integers(1, 20), st.integers(20, 2000)), min_size=1, max_size=5))
def test_no_edge_comes_before_the_instant_it_was_announced_for(words):
    generator, plain = make_generator(), make_generator()
    for each in (generator, plain):
        for steps, period_us in words:
            each.put(steps, period_us)
    out = []
    while generator.next_ns < NEVER_NS:
        assert not edges(generator, generator.next_ns - 1)
        out += edges(generator, generator.next_ns)
    assert out == edges(plain, 10**12)
