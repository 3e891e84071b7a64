"""Who may do what: the whole matrix, against lists written down apart from it, and what must hold whatever is in it."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host.access.actions import SENTENCES, SITE_WIDE, Action
from host.access.identity import MACHINE_ROLES, PERSON_ROLES, Identity, Proof, Role
from host.access.policy import Allowed, Context, Denied, judge, require
from host.errors import RigError

pytestmark = pytest.mark.req("SEC-1")

# Written by hand, role by role: what it may do on any rig; in an approved plan only; on a simulated rig only.
ALWAYS = {
    "observer": "stop see_state see_doses see_ledger report_event change_own_password",
    "technician": """
        stop see_state see_doses see_ledger diagnose pause resume clear_stop acknowledge_alarm pause_audio test_alarms
        fill_line calibrate dose_flush dose_agent screen rescue release_counter_dose open_treatment close_treatment
        set_date record_screening withdraw_consent report_event write_plan lock_lot change_own_password""",
    "clinician": """
        stop see_state see_doses see_ledger pause resume clear_stop clear_patient_cause acknowledge_alarm pause_audio
        test_alarms fill_line dose_flush dose_agent screen rescue resolve_unknown release_counter_dose open_treatment
        close_treatment set_limits set_date record_screening record_consent withdraw_consent report_event give_account
        write_plan approve_plan lock_lot change_own_password""",
    "supervisor": """
        stop see_state see_doses see_ledger diagnose pause rescue resolve_unknown withdraw_consent report_event
        give_account provision write_plan approve_plan lock_lot unlock_lot export configure manage_users see_audit
        change_own_password""",
    "monitor": "stop see_state see_doses relay_permit relay_hold propose_counter_dose",
    "automation": "stop see_state see_doses pause set_date",
    "bench": "stop",
}
IN_A_PLAN = {"automation": "fill_line dose_flush dose_agent screen rescue release_counter_dose"}
SIMULATED = {
    "bench": """
        see_state see_doses see_ledger diagnose pause resume clear_stop clear_patient_cause acknowledge_alarm
        pause_audio test_alarms fill_line calibrate dose_flush dose_agent screen rescue resolve_unknown relay_permit
        relay_hold propose_counter_dose release_counter_dose open_treatment close_treatment set_limits set_date
        record_screening record_consent withdraw_consent report_event give_account provision"""
}
FACTS = (None, False, True)
# What a machine never does on a real rig, plan or not: a person decides.
PERSONS_ONLY = {
    "resume", "clear_stop", "clear_patient_cause", "acknowledge_alarm", "pause_audio", "test_alarms", "calibrate",
    "resolve_unknown", "open_treatment", "close_treatment", "set_limits", "record_screening", "record_consent",
    "withdraw_consent", "report_event", "give_account", "provision", "write_plan", "approve_plan", "lock_lot",
    "unlock_lot", "export", "configure", "manage_users", "see_audit", "change_own_password",
}  # fmt: skip
STARTS_FLOW = {
    "fill_line",
    "calibrate",
    "dose_flush",
    "dose_agent",
    "screen",
    "rescue",
    "release_counter_dose",
    "resume",
}

actions = st.sampled_from(Action)
contexts = st.builds(
    Context,
    rig=st.none() | st.sampled_from(["a", "b"]),
    simulated=st.sampled_from(FACTS),
    planned=st.sampled_from(FACTS),
)
role_sets = st.one_of(
    st.sampled_from(sorted(MACHINE_ROLES)).map(lambda role: frozenset({role})),
    st.sets(st.sampled_from(sorted(PERSON_ROLES)), min_size=1).map(frozenset),
)
limits = st.none() | st.sets(st.sampled_from(["a", "b"]), min_size=1).map(frozenset)
identities = st.builds(Identity, st.just("lena"), role_sets, st.sampled_from(Proof), limits)


def who(*roles: str, rigs: frozenset[str] | None = None) -> Identity:
    return Identity("lena", frozenset(Role(role) for role in roles), Proof.SESSION, rigs)


def expected(role: str, action: str, context: Context) -> bool:
    return (
        action in ALWAYS[role].split()
        or (action in IN_A_PLAN.get(role, "").split() and context.planned is True)
        or (action in SIMULATED.get(role, "").split() and context.simulated is True)
    )


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("action", list(Action))
def test_each_role_may_do_each_action_in_exactly_the_cases_written_down(role: Role, action: Action) -> None:
    for simulated in FACTS:
        for planned in FACTS:
            context = Context("rig-1", simulated, planned)
            assert isinstance(judge(who(role), action, context), Allowed) is expected(role, action, context), context


def test_the_lists_name_every_role_and_no_action_that_there_is_not() -> None:
    named = " ".join([*ALWAYS.values(), *IN_A_PLAN.values(), *SIMULATED.values()]).split()
    assert set(named) == {str(action) for action in Action}
    assert set(ALWAYS) == {str(role) for role in Role}
    assert not (PERSONS_ONLY | STARTS_FLOW) - set(named)


def test_roles_of_one_person_add_up_and_give_nothing_more() -> None:
    for first, second in combinations(sorted(PERSON_ROLES), 2):
        for action in Action:
            context = Context("rig-1")
            either = expected(first, action, context) or expected(second, action, context)
            assert isinstance(judge(who(first, second), action, context), Allowed) is either


@given(identities, contexts)
def test_a_stop_is_open_to_everybody_whose_identity_is_proven(identity: Identity, context: Context) -> None:
    assert isinstance(judge(identity, Action.STOP, context), Allowed)


@given(actions, contexts, limits)
def test_a_monitor_never_starts_resumes_raises_or_clears(
    action: Action, context: Context, rigs: frozenset[str] | None
) -> None:
    if action in PERSONS_ONLY | STARTS_FLOW:
        assert isinstance(judge(who("monitor", rigs=rigs), action, context), Denied)


@given(actions, contexts)
def test_what_a_person_decides_no_automation_does_plan_or_not(action: Action, context: Context) -> None:
    if action in PERSONS_ONLY:
        assert isinstance(judge(who("automation"), action, context), Denied)


@given(identities, actions, contexts)
def test_an_unknown_fact_allows_nothing_that_its_denial_would_not(
    identity: Identity, action: Action, context: Context
) -> None:
    denied = Context(context.rig, context.simulated or False, context.planned or False)
    assert judge(identity, action, context) == judge(identity, action, denied)


@given(identities, actions, contexts)
def test_whoever_is_limited_to_rigs_does_nothing_elsewhere_but_stop(
    identity: Identity, action: Action, context: Context
) -> None:
    inside = identity.rigs is None or (context.rig in identity.rigs and action not in SITE_WIDE)
    if not inside and action is not Action.STOP:
        assert isinstance(judge(identity, action, context), Denied)


@given(identities, actions, contexts)
def test_a_limit_to_rigs_never_gives_more(identity: Identity, action: Action, context: Context) -> None:
    free = Identity(identity.name, identity.roles, identity.proof)
    if isinstance(judge(identity, action, context), Allowed):
        assert isinstance(judge(free, action, context), Allowed)


@given(actions, contexts)
def test_the_bench_does_nothing_but_stop_where_a_rig_is_not_known_to_be_simulated(
    action: Action, context: Context
) -> None:
    if context.simulated is not True or action in SITE_WIDE:
        assert isinstance(judge(who("bench"), action, context), Denied) is (action is not Action.STOP)


@given(actions, contexts)
def test_an_observer_moves_and_changes_nothing(action: Action, context: Context) -> None:
    verdict = judge(who("observer"), action, context)
    assert isinstance(verdict, Allowed) is (action in ALWAYS["observer"].split())


@pytest.mark.req("SEC-5")
def test_a_refusal_says_who_what_and_what_it_would_take() -> None:
    verdict = judge(who("observer", "technician"), Action.SET_LIMITS, Context("rig-1"))
    assert verdict == Denied(
        "lena (observer, technician) may not do this: Hand on the clinic's ceilings or pressure limit; a person"
        " confirms at the rig.",
        "It takes one of these roles: clinician.",
    )
    verdict = judge(who("automation"), Action.DOSE_AGENT, Context("rig-1"))
    assert isinstance(verdict, Denied)
    assert "approved plan" in verdict.todo
    verdict = judge(who("bench"), Action.DOSE_AGENT, Context("rig-1"))
    assert isinstance(verdict, Denied)
    assert "marked simulated" in verdict.todo


@pytest.mark.req("SEC-5")
@pytest.mark.parametrize(
    ("action", "context", "said"),
    [
        (Action.DOSE_FLUSH, Context("other"), "on 'other': dose_flush"),
        (Action.SEE_LEDGER, Context(), "for all rigs: see_ledger"),
        (Action.WRITE_PLAN, Context("rig-1"), "the whole service: write_plan"),
    ],
)
def test_a_refusal_outside_the_list_of_rigs_names_the_list(action: Action, context: Context, said: str) -> None:
    with pytest.raises(RigError, match=said) as caught:
        require(who("technician", rigs=frozenset({"rig-2", "rig-1"})), action, context)
    assert caught.value.code == "access_forbidden"
    assert caught.value.todo == "It is limited to: rig-1, rig-2."


def test_what_is_allowed_passes_and_names_the_role() -> None:
    require(who("technician"), Action.DOSE_FLUSH, Context("rig-1"))
    assert judge(who("observer", "technician"), Action.DOSE_FLUSH, Context("rig-1")) == Allowed(Role.TECHNICIAN)


def test_every_action_has_a_sentence_of_its_own() -> None:
    assert len(set(SENTENCES.values())) == len(Action)
    assert all(sentence.endswith(".") for sentence in SENTENCES.values())
