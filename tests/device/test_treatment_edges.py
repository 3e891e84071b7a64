"""A treatment before the first one, one that begins after another, and what exactly is kept of it."""

import pytest

from device.ceilings import UNSET, Ceilings
from device.treatment import NO_ID, Treatment
from protocol import codes
from tests.device.test_treatment import AGENT, FLUSH, ID, ROW, opened, request

TOTALS = ("agent_min_nl", "agent_max_nl", "counter_max_nl", "flush_max_nl", "rescue_max_nl")


@pytest.fixture
def ceilings():
    made = Ceilings()
    made.set_clinic(ROW)
    return made


@pytest.fixture
def treatment(ceilings):
    made = Treatment()
    assert made.open(request(), ceilings) == codes.REASON_NONE
    return made


def totals_of(treatment):
    return [getattr(treatment, name) for name in TOTALS]


def test_before_the_first_treatment_there_is_none_and_nothing_is_known():
    made = Treatment()
    assert (made.id, made.last_id, made.day) == (NO_ID, NO_ID, 0)
    assert (made.screening, made.residual_nl, made.screened) == (codes.SCREENING_UNKNOWN, codes.UNKNOWN_NL, False)
    assert totals_of(made) == [0] * len(TOTALS)


def test_a_refusal_for_another_reason_names_no_ceiling(ceilings):
    ceilings.judge_clinic(tuple(value + 10**6 for value in ROW))
    assert ceilings.nearest != 0
    assert Treatment().judge_open(request(treatment=NO_ID), ceilings) == codes.REASON_ID
    assert ceilings.nearest == 0


def test_the_next_treatment_has_received_nothing(treatment, ceilings):
    treatment.ended(codes.KIND_SCREENING, AGENT, 100, 1_000, 900, 1_000)
    treatment.ended(codes.KIND_RESCUE, codes.CHANNEL_COUNTER_AGENT, 100, 2_000, 0, 0)
    treatment.ended(codes.KIND_DOSE, FLUSH, 100, 2_000, 0, 0)
    treatment.close(ceilings)
    assert treatment.open(request(treatment=b"ANOTHER1"), ceilings) == codes.REASON_NONE
    assert totals_of(treatment) == [0] * len(TOTALS)
    assert treatment.screened is False


def test_a_date_that_is_told_is_the_date(treatment):
    assert treatment.set_date(9_801) == codes.REASON_NONE
    assert treatment.day == 9_801


@pytest.mark.parametrize("residual_nl", [0, 1, 5_000])
def test_a_residual_burden_counts_in_full_and_an_unknown_one_not_at_all(residual_nl):
    assert opened(residual_nl=residual_nl).counted_nl(AGENT) == residual_nl
    assert opened(residual_nl=codes.UNKNOWN_NL).counted_nl(AGENT) == 0


@pytest.mark.parametrize("screening", [codes.SCREENING_UNKNOWN, codes.SCREENING_PASSED, codes.SCREENING_FAILED])
def test_an_open_treatment_comes_back_open_whatever_its_screening_is(screening):
    before = opened(screening=screening)
    after = Treatment()
    assert after.unpack(before.pack(ROW)) == ROW
    assert (after.id, after.last_id, after.screening) == (ID, ID, screening)


def test_a_closed_treatment_comes_back_closed(treatment, ceilings):
    treatment.close(ceilings)
    after = Treatment()
    assert after.unpack(treatment.pack(UNSET)) == UNSET
    assert (after.id, after.last_id) == (NO_ID, ID)


def test_what_is_kept_says_yes_with_a_one(treatment):
    treatment.ended(codes.KIND_SCREENING, AGENT, 100, 1_000, 900, 1_000)
    assert treatment.pack(ROW)[8] == 1
    assert treatment.pack_totals(7, 0)[12] == 1


def test_without_kept_totals_there_are_none(treatment):
    treatment.ended(codes.KIND_SCREENING, AGENT, 100, 1_000, 900, 1_000)
    assert treatment.unpack_totals(None) == (0, 0)
    assert totals_of(treatment) == [0] * len(TOTALS)
    assert treatment.screened is False
