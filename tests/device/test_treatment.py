import pytest
from hypothesis import given
from hypothesis import strategies as st

from device import limits
from device.ceilings import UNSET, Ceilings
from device.treatment import SCREENING_TOTAL_NL, Treatment
from protocol import codes, messages

AGENT, COUNTER, FLUSH = codes.CHANNEL_AGENT, codes.CHANNEL_COUNTER_AGENT, codes.CHANNEL_FLUSH
ID = b"TREATMNT"
NO_ID = bytes(8)
ROW = (25_000, 1_000, 50_000, 30_000, 1_200, 40_000, 80_000, 50_000, 100_000)


def request(row=ROW, **changes):
    values = {
        "boot": b"\x01\x00\x00\x00BOOT",
        "counter": 1,
        "treatment": ID,
        "day": 9_800,
        "screening": codes.SCREENING_PASSED,
        "residual_nl": 0,
        "tag": bytes(16),
    }
    listed = list((values | changes).values())
    return (*listed[:6], *row, listed[6])


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


def opened(**changes):
    ceilings = Ceilings()
    ceilings.set_clinic(ROW)
    made = Treatment()
    assert made.open(request(**changes), ceilings) == codes.REASON_NONE
    return made


def state_of(treatment, ceilings):
    return dict(vars(treatment)), ceilings.clinic, ceilings.plan, ceilings.row


def test_the_fields_are_in_the_order_of_the_wire():
    fields = [field[0] for field in next(row[4] for row in messages.MESSAGES if row[1] == "OPEN_TREATMENT")]
    assert fields[:6] == ["boot", "counter", "treatment", "day", "screening", "residual_nl"]
    assert len(fields) == len(request()) == 16


@pytest.mark.req("DOSE-6")
def test_an_opened_treatment_has_its_plan_its_date_and_totals_of_zero(ceilings, treatment):
    assert treatment.is_open()
    assert (treatment.id, treatment.day, ceilings.plan) == (ID, 9_800, ROW)
    assert [treatment.counted_nl(channel) for channel in (AGENT, COUNTER, FLUSH)] == [0, 0, 0]


REFUSED = [
    ("no id", {"treatment": NO_ID}, codes.REASON_ID),
    ("no date", {"day": 0}, codes.REASON_NO_DATE),
    ("no such screening", {"screening": 3}, codes.REASON_MALFORMED),
    ("no such residual", {"residual_nl": 1 << 30}, codes.REASON_MALFORMED),
    ("looser plan", {"row": (25_001, *ROW[1:])}, codes.REASON_LOOSER),
]


@pytest.mark.req("DOSE-6")
@pytest.mark.parametrize(("_name", "changes", "reason"), REFUSED, ids=[row[0] for row in REFUSED])
def test_a_treatment_that_cannot_be_opened_changes_nothing(ceilings, _name, changes, reason):
    treatment = Treatment()
    before = state_of(treatment, ceilings)
    assert treatment.open(request(**changes), ceilings) == reason
    assert state_of(treatment, ceilings) == before


def test_a_looser_plan_is_told_the_nearest_value(ceilings):
    Treatment().open(request(row=(25_001, *ROW[1:])), ceilings)
    assert ceilings.nearest == 25_000


def test_without_the_clinics_ceilings_no_treatment_opens():
    assert Treatment().open(request(), Ceilings()) == codes.REASON_CEILING_UNSET


def test_a_second_treatment_is_refused_while_one_is_open(ceilings, treatment):
    before = state_of(treatment, ceilings)
    assert treatment.open(request(treatment=b"TREATMN2"), ceilings) == codes.REASON_TREATMENT_OPEN
    assert state_of(treatment, ceilings) == before


@pytest.mark.req("DOSE-5")
def test_a_closed_treatment_cannot_be_opened_again_to_begin_its_totals_anew(ceilings, treatment):
    treatment.add(AGENT, 9_000, 10_000)
    treatment.close(ceilings)
    assert treatment.open(request(), ceilings) == codes.REASON_TREATMENT
    assert treatment.agent_max_nl == 10_000


def test_judging_alone_opens_nothing(ceilings):
    treatment = Treatment()
    before = state_of(treatment, ceilings)
    assert treatment.judge_open(request(), ceilings) == codes.REASON_NONE
    assert state_of(treatment, ceilings) == before


def test_only_the_open_treatment_can_be_closed(ceilings, treatment):
    assert treatment.judge_close(b"TREATMN2") == codes.REASON_TREATMENT
    assert treatment.judge_close(ID) == codes.REASON_NONE
    treatment.close(ceilings)
    assert treatment.judge_close(ID) == codes.REASON_NO_TREATMENT
    assert ceilings.row == UNSET


@pytest.mark.req("DOSE-6", "PERMIT-5")
@pytest.mark.parametrize(
    ("kind", "asked", "reason"),
    [
        (codes.KIND_DOSE, ID, codes.REASON_NONE),
        (codes.KIND_RESCUE, ID, codes.REASON_NONE),
        (codes.KIND_DOSE, b"TREATMN2", codes.REASON_TREATMENT),
        (codes.KIND_SCREENING, NO_ID, codes.REASON_TREATMENT),
        (codes.KIND_PRIME, NO_ID, codes.REASON_NONE),
        (codes.KIND_CALIBRATE, ID, codes.REASON_TREATMENT),
    ],
)
def test_what_goes_to_the_patient_belongs_to_the_open_treatment_and_waste_to_none(treatment, kind, asked, reason):
    assert treatment.judge_order(kind, asked) == reason


def test_without_an_open_treatment_nothing_goes_to_a_patient():
    assert Treatment().judge_order(codes.KIND_DOSE, ID) == codes.REASON_NO_TREATMENT
    assert Treatment().judge_order(codes.KIND_DOSE, NO_ID) == codes.REASON_NO_TREATMENT
    assert Treatment().judge_order(codes.KIND_PURGE, NO_ID) == codes.REASON_NONE


@pytest.mark.req("DOSE-12")
def test_agent_needs_a_passed_screening_and_a_known_residual_burden():
    assert opened().judge_agent(codes.KIND_DOSE, AGENT, 0) == codes.REASON_NONE
    for changes in ({"screening": codes.SCREENING_UNKNOWN}, {"residual_nl": codes.UNKNOWN_NL}):
        assert opened(**changes).judge_agent(codes.KIND_DOSE, AGENT, 0) == codes.REASON_SCREENING


@pytest.mark.req("DOSE-12")
@pytest.mark.parametrize(
    "changes", [{"screening": codes.SCREENING_UNKNOWN}, {"residual_nl": codes.UNKNOWN_NL}, {}], ids=str
)
def test_one_screening_micro_dose_may_be_given_a_treatment(changes):
    treatment = opened(**changes)
    assert treatment.judge_agent(codes.KIND_SCREENING, AGENT, 0) == codes.REASON_NONE
    treatment.ended(codes.KIND_SCREENING, AGENT, 180, 1_200, 0, 1_200)
    assert treatment.judge_agent(codes.KIND_SCREENING, AGENT, 0) == codes.REASON_SCREENING


@pytest.mark.req("DOSE-12")
def test_a_micro_dose_that_never_moved_does_not_count_and_one_that_may_have_does():
    treatment = opened(screening=codes.SCREENING_UNKNOWN)
    treatment.ended(codes.KIND_SCREENING, AGENT, 0, 0, 0, 0)
    assert treatment.judge_agent(codes.KIND_SCREENING, AGENT, 0) == codes.REASON_NONE
    treatment.ended(codes.KIND_SCREENING, AGENT, 1, 160, 0, 0)
    assert treatment.judge_agent(codes.KIND_SCREENING, AGENT, 0) == codes.REASON_SCREENING


@pytest.mark.req("DOSE-12")
def test_an_ordinary_dose_leaves_the_micro_dose_free():
    treatment = opened()
    treatment.ended(codes.KIND_DOSE, AGENT, 180, 1_200, 0, 1_200)
    assert treatment.judge_agent(codes.KIND_SCREENING, AGENT, 0) == codes.REASON_NONE


@pytest.mark.req("DOSE-12")
@pytest.mark.parametrize("kind", [codes.KIND_DOSE, codes.KIND_SCREENING])
@pytest.mark.parametrize("channel", [AGENT, COUNTER, FLUSH])
def test_after_a_failed_screening_no_agent_reaches_the_patient(kind, channel):
    treatment = opened(screening=codes.SCREENING_FAILED)
    assert treatment.judge_agent(kind, channel, 1) == codes.REASON_SCREENING


@pytest.mark.req("DOSE-12", "DOSE-13")
def test_flush_brings_the_micro_dose_to_the_patient_and_no_more():
    treatment = opened(screening=codes.SCREENING_UNKNOWN)
    assert treatment.judge_agent(codes.KIND_DOSE, FLUSH, SCREENING_TOTAL_NL) == codes.REASON_NONE
    assert treatment.judge_agent(codes.KIND_DOSE, FLUSH, SCREENING_TOTAL_NL + 1) == codes.REASON_SCREENING
    treatment.add(AGENT, 0, SCREENING_TOTAL_NL)
    assert treatment.judge_agent(codes.KIND_DOSE, FLUSH, 1) == codes.REASON_SCREENING
    assert limits.most_of(2_000) == SCREENING_TOTAL_NL


@pytest.mark.req("DOSE-10")
def test_without_a_date_no_agent_reaches_the_patient(treatment):
    treatment.day = 0
    assert treatment.judge_agent(codes.KIND_DOSE, AGENT, 0) == codes.REASON_NO_DATE
    assert treatment.set_date(0) == codes.REASON_NO_DATE
    assert treatment.set_date(9_801) == codes.REASON_NONE
    assert treatment.judge_agent(codes.KIND_DOSE, AGENT, 0) == codes.REASON_NONE


@pytest.mark.req("DOSE-13")
def test_what_flush_pushed_counts_as_flush_and_the_agent_in_it_as_agent(treatment):
    treatment.ended(codes.KIND_DOSE, FLUSH, 900, 5_200, 0, 3_000)
    assert (treatment.flush_max_nl, treatment.agent_min_nl, treatment.agent_max_nl) == (5_200, 0, 3_000)


def test_agent_counts_between_its_least_and_its_most(treatment):
    treatment.ended(codes.KIND_DOSE, AGENT, 900, 5_200, 4_500, 5_200)
    treatment.ended(codes.KIND_DOSE, AGENT, 900, 5_200, 0, 5_200)
    assert (treatment.agent_min_nl, treatment.agent_max_nl) == (4_500, 10_400)
    assert treatment.counted_nl(AGENT) == 10_400


@pytest.mark.req("RESCUE-4")
def test_a_rescue_counts_as_counter_agent_and_by_itself(treatment):
    treatment.ended(codes.KIND_RESCUE, COUNTER, 3_000, 17_000, 0, 1_000)
    treatment.ended(codes.KIND_DOSE, COUNTER, 300, 1_700, 0, 0)
    assert (treatment.rescue_max_nl, treatment.counter_max_nl, treatment.agent_max_nl) == (17_000, 18_700, 1_000)


@pytest.mark.req("DOSE-5")
def test_the_residual_burden_counts_as_agent():
    assert opened(residual_nl=8_000).counted_nl(AGENT) == 8_000


def test_a_total_that_cannot_be_held_stays_at_its_largest(treatment):
    for channel in (AGENT, COUNTER, FLUSH):
        for _ in range(2):
            treatment.add(channel, (1 << 30) - 2, (1 << 30) - 2)
    assert treatment.agent_min_nl == treatment.agent_max_nl == (1 << 30) - 1
    assert treatment.counter_max_nl == treatment.flush_max_nl == (1 << 30) - 1


amounts = st.integers(0, 1 << 29)


@pytest.mark.req("LEDGER-2")
@given(st.lists(st.tuples(st.sampled_from([AGENT, COUNTER, FLUSH]), amounts, amounts), max_size=5), amounts)
def test_treatment_plan_and_totals_come_back_from_the_journal_but_not_the_date(received, window_nl):
    treatment = opened(residual_nl=77)
    for channel, low, high in received:
        treatment.ended(codes.KIND_SCREENING, channel, low, max(low, high), min(low, high), max(low, high))
    again = Treatment()
    assert again.unpack(treatment.pack(ROW)) == ROW
    assert again.unpack_totals(treatment.pack_totals(41, window_nl)) == (41, window_nl)
    assert vars(again) == vars(treatment) | {"day": 0}


@pytest.mark.req("LEDGER-2")
def test_a_closed_treatment_comes_back_closed_and_its_id_stays_used(ceilings, treatment):
    treatment.close(ceilings)
    again = Treatment()
    assert again.unpack(treatment.pack(UNSET)) == UNSET
    assert not again.is_open()
    assert again.open(request(), ceilings) == codes.REASON_TREATMENT


@pytest.mark.req("LEDGER-2")
def test_totals_of_another_treatment_are_not_this_ones_but_the_window_counts_on(treatment):
    treatment.add(AGENT, 0, 10_000)
    other = opened(treatment=b"TREATMN2")
    assert other.unpack_totals(treatment.pack_totals(41, 9_000)) == (41, 9_000)
    assert other.agent_max_nl == 0


@pytest.mark.parametrize("payload", [None, b"", b"short"])
def test_what_was_never_kept_leaves_no_treatment_open(payload):
    treatment = Treatment()
    assert treatment.unpack(payload) == UNSET
    assert treatment.unpack_totals(payload) == (0, 0)
    assert not treatment.is_open()


def test_the_cells_are_large_enough(treatment):
    assert len(treatment.pack(ROW)) <= 128
    assert len(treatment.pack_totals(1, 0)) <= 128
