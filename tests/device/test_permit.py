import pytest
from hypothesis import given
from hypothesis import strategies as st

from device import limits
from device.permit import PermitGate, needs_permit
from protocol import codes

RIG = b"RIG00001"
BOOT = b"\x01\x00\x00\x00BOOT"
TREATMENT = b"TREATMNT"
LOT = b"LOT-0001"
DOSE = b"DOSE-001"
NO_ID = bytes(8)
NOW = 50_000
WRAP = 1 << 30


def permit(**changes):
    values = {
        "rig": RIG,
        "boot": BOOT,
        "counter": 1,
        "treatment": TREATMENT,
        "lot": LOT,
        "dose_id": DOSE,
        "expires_ms": NOW + 2_000,
        "volume_nl": 5_000,
        "rate_nl_s": 1_000,
        "tag": bytes(16),
    }
    return tuple((values | changes).values())


def offer(gate, values=None, now_ms=NOW, emitted_steps=0, **changes):
    asked = {"rig": RIG, "treatment": TREATMENT, "lot": LOT, "dose_id": DOSE} | changes
    return gate.offer(
        values or permit(),
        now_ms,
        asked["rig"],
        asked["treatment"],
        asked["lot"],
        asked["dose_id"],
        emitted_steps,
        asked.get("step_fl", limits.STEP_FL),
        asked.get("error_ppm", limits.BORE_ERROR_PPM),
    )


@pytest.fixture
def gate():
    return PermitGate()


def state_of(gate):
    return gate.step_limit, gate.rate_nl_s, gate._expires_ms, gate._held


def test_without_a_permit_nothing_may_flow(gate):
    assert not gate.valid(NOW)
    assert (gate.left_ms(NOW), gate.step_limit, gate.rate_nl_s) == (0, 0, 0)


@pytest.mark.req("PERMIT-1")
def test_a_permit_for_the_open_dose_is_taken(gate):
    assert offer(gate) == codes.REASON_NONE
    assert gate.left_ms(NOW) == 2_000
    assert gate.rate_nl_s == 1_000
    assert gate.step_limit == limits.steps_within(5_000)


REFUSED = [
    ("foreign rig", {"rig": b"RIG00002"}, codes.REASON_RIG, 0),
    ("other treatment", {"treatment": b"TREATMN2"}, codes.REASON_TREATMENT, 0),
    ("other dose", {"dose_id": b"DOSE-002"}, codes.REASON_ID, 0),
    ("other lot", {"lot": b"LOT-0002"}, codes.REASON_LOT, 0),
    ("ends now", {"expires_ms": NOW}, codes.REASON_EXPIRED, 0),
    ("ended long ago", {"expires_ms": NOW - 40_000}, codes.REASON_EXPIRED, 0),
    ("lives too long", {"expires_ms": NOW + 2_001}, codes.REASON_PERMIT_LIFE, 2_000),
    ("lives for days", {"expires_ms": NOW + (1 << 29) - 1}, codes.REASON_PERMIT_LIFE, 2_000),
    ("no moment of the clock", {"expires_ms": WRAP}, codes.REASON_MALFORMED, 0),
    ("no volume", {"volume_nl": 0}, codes.REASON_PERMIT_VOLUME, 1),
    ("too much", {"volume_nl": limits.MAX_DOSE_NL + 1}, codes.REASON_PERMIT_VOLUME, limits.MAX_DOSE_NL),
    ("no rate", {"rate_nl_s": 0}, codes.REASON_PERMIT_RATE, limits.MIN_RATE_NL_S),
    ("too slow", {"rate_nl_s": limits.MIN_RATE_NL_S - 1}, codes.REASON_PERMIT_RATE, limits.MIN_RATE_NL_S),
    ("too fast", {"rate_nl_s": limits.MAX_RATE_NL_S + 1}, codes.REASON_PERMIT_RATE, limits.MAX_RATE_NL_S),
]


@pytest.mark.req("PERMIT-1")
@pytest.mark.parametrize(("_name", "changes", "reason", "nearest"), REFUSED, ids=[row[0] for row in REFUSED])
@pytest.mark.parametrize("held", [False, True], ids=["with none before", "with one before"])
def test_any_other_permit_is_refused_with_its_own_reason_and_changes_nothing(
    gate, held, _name, changes, reason, nearest
):
    if held:
        offer(gate, permit(expires_ms=NOW + 1_500))
    before = state_of(gate)
    assert offer(gate, permit(**changes)) == reason
    assert gate.nearest == nearest
    assert state_of(gate) == before


def test_without_an_open_treatment_an_open_dose_or_a_serial_no_permit_fits(gate):
    assert offer(gate, permit(treatment=NO_ID), treatment=NO_ID) == codes.REASON_NO_TREATMENT
    assert offer(gate, permit(dose_id=NO_ID), dose_id=NO_ID) == codes.REASON_ID
    assert offer(gate, permit(rig=NO_ID), rig=NO_ID) == codes.REASON_RIG
    assert not gate.valid(NOW)


def test_the_checks_stand_in_their_order(gate):
    wrong_ids: dict[str, object] = {"rig": b"?" * 8, "treatment": b"?" * 8, "dose_id": b"?" * 8, "lot": b"?" * 8}
    wrong_amounts = {"expires_ms": NOW, "volume_nl": 0, "rate_nl_s": 0}
    wrong = wrong_ids | wrong_amounts
    order = [
        ("rig", RIG, codes.REASON_RIG),
        ("treatment", TREATMENT, codes.REASON_TREATMENT),
        ("dose_id", DOSE, codes.REASON_ID),
        ("lot", LOT, codes.REASON_LOT),
        ("expires_ms", NOW + 1, codes.REASON_EXPIRED),
        ("volume_nl", 1, codes.REASON_PERMIT_VOLUME),
        ("rate_nl_s", 50, codes.REASON_PERMIT_RATE),
    ]
    for name, right, reason in order:
        assert offer(gate, permit(**wrong)) == reason
        wrong[name] = right
    assert offer(gate, permit(**wrong)) == codes.REASON_NONE


@pytest.mark.req("PERMIT-1", "PERMIT-3")
def test_a_permit_ends_on_the_devices_clock_and_does_not_come_back(gate):
    offer(gate)
    assert gate.left_ms(NOW + 1_999) == 1
    assert gate.left_ms(NOW + 2_000) == 0
    assert not gate.valid(NOW + 1_999)
    assert (gate.step_limit, gate.rate_nl_s) == (0, 0)


@pytest.mark.req("PERMIT-1")
def test_a_permit_holds_across_the_wrap_of_the_clock(gate):
    now_ms = WRAP - 500
    assert offer(gate, permit(expires_ms=1_500), now_ms) == codes.REASON_NONE
    assert gate.left_ms(now_ms) == 2_000
    assert gate.left_ms(100) == 1_400
    assert not gate.valid(1_500)


@pytest.mark.parametrize("ahead_ms", [2_001, 1 << 28, (1 << 29) - 1])
def test_a_permit_too_far_ahead_is_refused_across_the_wrap_too(gate, ahead_ms):
    now_ms = WRAP - 500
    assert offer(gate, permit(expires_ms=(now_ms + ahead_ms) % WRAP), now_ms) == codes.REASON_PERMIT_LIFE


def test_a_forgotten_permit_is_not_valid_again_when_the_clock_has_gone_round(gate):
    offer(gate)
    assert not gate.valid((NOW + (1 << 29)) % WRAP)
    assert not gate.valid(NOW)


def test_a_dropped_permit_is_gone(gate):
    offer(gate)
    gate.drop()
    assert not gate.valid(NOW)
    assert gate.step_limit == 0


@pytest.mark.req("PERMIT-1")
def test_a_later_permit_takes_the_place_of_the_earlier_even_when_it_is_tighter(gate):
    offer(gate)
    later = permit(expires_ms=NOW + 600, volume_nl=100, rate_nl_s=50)
    assert offer(gate, later, NOW + 500, emitted_steps=90) == codes.REASON_NONE
    assert gate.left_ms(NOW + 500) == 100
    assert (gate.step_limit, gate.rate_nl_s) == (90 + limits.steps_within(100), 50)


@given(
    st.integers(1, limits.MAX_DOSE_NL),
    st.integers(0, 20_000),
    st.integers(5_500_000, 5_700_000),
    st.integers(0, 10_000),
)
@pytest.mark.req("PERMIT-1")
def test_what_may_leave_the_pin_is_never_more_than_the_permits_volume_however_wide_the_bore(
    volume_nl, emitted_steps, step_fl, error_ppm
):
    gate = PermitGate()
    assert (
        offer(gate, permit(volume_nl=volume_nl), emitted_steps=emitted_steps, step_fl=step_fl, error_ppm=error_ppm) == 0
    )
    steps = gate.step_limit - emitted_steps
    assert steps * step_fl * (1_000_000 + error_ppm) <= volume_nl * 10**12
    assert (steps + 1) * (step_fl * (1_000_000 + error_ppm) + 2_000_000) > volume_nl * 10**12


permits = st.lists(st.tuples(st.integers(0, 3_000), st.integers(0, 3_000), st.integers(0, 4_000), st.integers(0, 900)))


@pytest.mark.req("PERMIT-1")
@given(permits)
def test_no_sequence_of_permits_lets_more_out_than_all_of_them_together_allow(sequence):
    gate = PermitGate()
    now_ms, granted_steps, allowed_steps = WRAP - 5_000, 0, 0
    for wait_ms, life_ms, volume_nl, lag_steps in sequence:
        now_ms = (now_ms + wait_ms) % WRAP
        # What is known to be emitted lags behind what was granted.
        emitted_steps = max(0, granted_steps - lag_steps)
        values = permit(expires_ms=(now_ms + life_ms) % WRAP, volume_nl=volume_nl)
        if offer(gate, values, now_ms, emitted_steps) == codes.REASON_NONE:
            allowed_steps += limits.steps_within(volume_nl)
        if gate.valid(now_ms):
            granted_steps = max(granted_steps, gate.step_limit)
        assert granted_steps <= allowed_steps


@pytest.mark.req("PERMIT-1", "PERMIT-5", "DOSE-13")
@pytest.mark.parametrize(
    ("kind", "channel", "agent_in_line_nl", "needed"),
    [
        (codes.KIND_DOSE, codes.CHANNEL_AGENT, 0, True),
        (codes.KIND_SCREENING, codes.CHANNEL_AGENT, 0, True),
        (codes.KIND_DOSE, codes.CHANNEL_COUNTER_AGENT, 0, True),
        (codes.KIND_DOSE, codes.CHANNEL_FLUSH, 0, False),
        (codes.KIND_DOSE, codes.CHANNEL_FLUSH, 1, True),
        (codes.KIND_RESCUE, codes.CHANNEL_COUNTER_AGENT, 5_000, False),
        (codes.KIND_PRIME, codes.CHANNEL_AGENT, 5_000, False),
        (codes.KIND_PURGE, codes.CHANNEL_AGENT, 5_000, False),
        (codes.KIND_CALIBRATE, codes.CHANNEL_AGENT, 5_000, False),
    ],
)
def test_what_needs_a_permit(kind, channel, agent_in_line_nl, needed):
    assert needs_permit(kind, channel, agent_in_line_nl) is needed
