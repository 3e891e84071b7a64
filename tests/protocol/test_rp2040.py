"""The same files on the emulated Pico, whose viper code and small integers are those of the board."""

import pytest

from protocol import messages
from tests.protocol.runners import EmulatedPico, golden_rows, program

# Rows that fit the memory beside the program.
ROWS_AT_ONCE = 12
# Half of what a stop may take from its last octet to the last step, spent on the way through the link.
STOP_LIMIT_US = 1000

pytestmark = pytest.mark.rp2040


@pytest.fixture(scope="module")
def pico():
    return EmulatedPico()


@pytest.mark.req("LINK-1", "LINK-2")
def test_it_makes_and_takes_the_golden_vectors_and_has_the_same_schema_hash(pico):
    rows = golden_rows()
    for begin in range(0, len(rows), ROWS_AT_ONCE):
        some = rows[begin : begin + ROWS_AT_ONCE]
        assert pico.run(program("vectors", ROWS=some)) == f"{len(some)} {messages.schema_hex()}"


@pytest.mark.req("LINK-1")
def test_random_streams_and_flipped_bits_give_counted_errors(pico):
    assert pico.run(program("fuzz", SEED=12345, ROUNDS=40)).startswith("bad crc")


def test_an_idle_turn_and_a_part_of_a_frame_allocate_nothing(pico):
    idle, ping, ask, repeat, part = map(int, pico.run(program("allocation")).split())
    assert (idle, part) == (0, 0)
    assert max(ping, ask, repeat) <= 512


def test_a_stop_passes_the_link_within_a_millisecond(pico):
    times = dict(line.split() for line in pico.run(program("cost")).splitlines())
    print(times)
    assert int(times["stop"]) <= STOP_LIMIT_US
