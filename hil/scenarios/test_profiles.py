"""Rates that change: edges judged at the pin, liquid weighed at the tip."""

import itertools
import math
import struct

import pytest

from device import limits
from hil.bench import Bench
from hil.scenarios.judge import FLUSH, assert_weighed, weigh_nl
from hil.scenarios.raw_host import RawHost
from protocol import codes

Piece = tuple[int, int, int]
NO_PIECE = (0, 0, 0)
MARGIN = 0.05
"""The rate is a staircase of words of a tick and more."""


def edges_ns(bench: Bench) -> list[int]:
    """Return the instant of each edge at the flush pump's pin."""
    found: list[int] = []
    for run in bench.edges(FLUSH):
        found += [run.first_ns + number * run.period_ns for number in range(run.count)]
    return found


def rate_nl_s(pieces: list[Piece], given_nl: float) -> float:
    """Return the rate of the continuous profile when so much is out."""
    for volume_nl, begin, end in pieces:
        if given_nl <= volume_nl:
            return math.sqrt(begin**2 + (end**2 - begin**2) * given_nl / volume_nl)
        given_nl -= volume_nl
    return pieces[-1][2]


async def delivered(bench: Bench, host: RawHost, pieces: list[Piece]) -> list[int]:
    """Have a dose of these pieces delivered and weighed; return its edges."""
    volume_nl = sum(piece[0] for piece in pieces)
    further = struct.pack("<IHHIHHIHH", *itertools.chain(*pieces[1:], *[NO_PIECE] * (4 - len(pieces))))
    profile = codes.PROFILE_RAMP if len(pieces) == 1 else codes.PROFILE_SEGMENTS
    fields = {"profile": profile, "rate_end_nl_s": pieces[0][2], "segments": further}
    outcome = await host.ended(await host.start(volume_nl, pieces[0][1], **fields))
    assert outcome.state == codes.DOSE_DELIVERED
    assert outcome.emitted_steps == bench.edge_count(FLUSH) == limits.steps_of(volume_nl)
    assert_weighed(await weigh_nl(bench), outcome.patient_min_nl, outcome.patient_max_nl)
    return edges_ns(bench)


def assert_follows(edges: list[int], pieces: list[Piece]) -> None:
    """Fail when the rate over any 40 steps is not that of the profile where they lie."""
    step_nl = limits.STEP_FL / 1e6
    for first in range(0, len(edges) - 40, 40):
        found = 40 * step_nl / ((edges[first + 40] - edges[first]) / 1e9)
        places = [rate_nl_s(pieces, step * step_nl) for step in range(max(0, first - 40), min(len(edges), first + 80))]
        assert min(places) * (1 - MARGIN) <= found <= max(places) * (1 + MARGIN), first


@pytest.mark.req("DOSE-1", "DOSE-8")
@pytest.mark.parametrize(("begin", "end"), [(500, 5_000), (5_000, 500)])
async def test_a_ramp_runs_from_one_rate_to_the_other_in_the_time_of_their_mean(
    bench: Bench, host: RawHost, begin: int, end: int
) -> None:
    pieces = [(10_000, begin, end)]
    edges = await delivered(bench, host, pieces)
    assert_follows(edges, pieces)
    assert (edges[-1] - edges[0]) / 1e9 == pytest.approx(2 * 10_000 / (begin + end), rel=0.02)


@pytest.mark.req("DOSE-1", "DOSE-8")
async def test_four_pieces_follow_one_another(bench: Bench, host: RawHost) -> None:
    pieces = [(3_000, 500, 3_000), (5_000, 3_000, 3_000), (2_000, 1_000, 1_000), (3_000, 3_000, 300)]
    assert_follows(await delivered(bench, host, pieces), pieces)


@pytest.mark.req("DOSE-4")
async def test_pieces_that_make_no_sense_are_refused(bench: Bench, host: RawHost) -> None:
    order = host.order(1_000, 1_000, profile=codes.PROFILE_SEGMENTS)
    assert (await host.send_order(order)).reason == codes.REASON_SEGMENT
    assert bench.edge_count(FLUSH) == 0
