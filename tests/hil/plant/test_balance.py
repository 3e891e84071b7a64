"""Volume is balanced at every step, whatever happens to the rig, and nothing depends on how time was cut."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hil.plant import PlantParameters, SimulatedRig
from hil.plant.contents import KINDS

MS = 1_000_000
# Sums of a million nanolitres carry a rounding of some 1e-10.
NUMERICAL_ZERO_NL = 1e-6
LINE_NL = 11_000.0

parameters = st.builds(
    PlantParameters,
    backlash_nl=st.floats(0.0, 270.0),
    stick_slip_nl=st.floats(0.0, 100.0),
    bore_error=st.floats(-0.01, 0.01),
    compliance_nl_kpa=st.floats(50.0, 1000.0),
    resistance_kpa_s_nl=st.floats(0.0005, 0.010),
    fill_nl=st.sampled_from([500.0, 1_000_000.0]),
)
actions = st.lists(
    st.one_of(
        st.tuples(st.just("steps"), st.integers(0, 2), st.integers(20_000, 100 * MS), st.integers(1, 200)),
        st.tuples(st.just("beat"), st.integers(1, 50)),
        st.tuples(st.just("wait"), st.integers(0, 2000 * MS)),
        st.tuples(st.just("valve"), st.booleans()),
        st.tuples(st.just("forward"), st.booleans()),
        st.tuples(st.just("occlude"), st.floats(0.0, 1.0)),
        st.tuples(st.just("leak"), st.floats(0.0, 500.0)),
        st.tuples(st.just("estop"), st.booleans()),
        st.tuples(st.just("stall"), st.booleans()),
        st.tuples(st.just("spill"), st.floats(0.0, 500.0)),
        st.tuples(st.just("clog"), st.floats(0.0, 1.0)),
        st.tuples(st.just("air"), st.floats(1.0, 3000.0)),
        st.tuples(st.just("exchange"), st.integers(0, 2), st.integers(0, 2), st.floats(0.0, 500.0)),
        st.tuples(st.just("loosen"), st.integers(0, 2), st.floats(0.0, 500.0), st.floats(-5.0, 5.0)),
        st.tuples(st.just("clamp"), st.integers(0, 2)),
        st.tuples(st.just("valve sticks"), st.booleans()),
        st.tuples(st.just("look")),
    ),
    max_size=40,
)


def make_rig(parameters, seed=1):
    """A rig that pumps forward to the patient, so that most of what is drawn moves liquid."""
    rig = SimulatedRig(parameters, seed)
    rig.set_direction(0, True)
    rig.set_valve(0, True)
    return rig


def play(rig, action, now_ns):
    """Do one action at ``now_ns`` and return when it is over."""
    kind, *values = action
    if kind == "steps":
        channel, period_ns, count = values
        rig.heartbeat_edges(now_ns, 5 * MS, count * period_ns // (5 * MS) + 1)
        rig.step_edges(channel, now_ns, period_ns, count)
        return now_ns + (count - 1) * period_ns
    if kind == "beat":
        rig.heartbeat_edges(now_ns, 5 * MS, values[0])
    elif kind == "wait":
        now_ns += values[0]
        rig.advance(now_ns)
    elif kind == "valve":
        rig.set_valve(now_ns, values[0])
    elif kind == "forward":
        rig.set_direction(now_ns, values[0])
    elif kind == "look":
        rig.weigh_nl(now_ns)
    else:
        rig.advance(now_ns)
        {
            "occlude": rig.occlude,
            "leak": rig.leak,
            "estop": rig.press_estop,
            "stall": lambda stalled: rig.stall(0, stalled),
            "spill": rig.spill,
            "clog": rig.clog,
            "air": lambda volume_nl: rig.insert_air(volume_nl, 1000.0),
            "exchange": lambda channel, kind, air_nl: rig.exchange_syringe(channel, 20_000.0, kind, air_nl),
            "loosen": rig.loosen,
            "clamp": rig.clamp,
            "valve sticks": rig.stick_valve,
        }[kind](*values)
    return now_ns


@given(parameters, actions)
def test_volume_is_balanced_after_every_action(parameters, actions):
    rig = make_rig(parameters)
    now_ns = 0
    for action in actions:
        now_ns = play(rig, action, now_ns)
        assert abs(rig.balance_error_nl) < NUMERICAL_ZERO_NL
        assert abs(rig.line.balance_error_nl) < NUMERICAL_ZERO_NL


@given(parameters, actions)
def test_volume_of_every_kind_is_balanced_after_every_action(parameters, actions):
    rig = make_rig(parameters)
    now_ns = 0
    for action in actions:
        now_ns = play(rig, action, now_ns)
        contents = rig.contents
        assert contents.balance_errors_nl() == pytest.approx([0.0] * len(KINDS), abs=NUMERICAL_ZERO_NL)
        assert sum(contents.tip) == pytest.approx(rig.tip_nl, abs=NUMERICAL_ZERO_NL)
        assert sum(contents.waste) == pytest.approx(rig.waste_nl, abs=NUMERICAL_ZERO_NL)
        assert sum(contents.leaked) == pytest.approx(rig.leaked_nl, abs=NUMERICAL_ZERO_NL)
        assert sum(contents.in_line()) == pytest.approx(LINE_NL + rig.stored_nl, abs=NUMERICAL_ZERO_NL)
        assert min(volume_nl for _, volume_nl in contents.tube.plugs) >= 0.0


@given(parameters, actions, st.integers(0, 1000))
def test_one_seed_gives_one_rig(parameters, actions, seed):
    ends = []
    for _ in range(2):
        rig = make_rig(parameters, seed)
        now_ns = 0
        readings = []
        for action in actions:
            now_ns = play(rig, action, now_ns)
            readings.append((rig.adc(0, rig.now_ns), rig.adc(1, rig.now_ns), rig.weigh_nl(rig.now_ns)))
        ends.append((readings, rig.to_patient_nl(), rig.contents.waste, rig.inputs(rig.now_ns)))
    assert ends[0] == ends[1]


@given(parameters, actions, st.integers(1, 50 * MS))
def test_looking_at_the_rig_more_often_changes_nothing(parameters, actions, look_ns):
    plain, looked_at = make_rig(parameters), make_rig(parameters)
    now_ns = 0
    for action in actions:
        before_ns, now_ns = now_ns, play(plain, action, now_ns)
        if action[0] == "wait":
            for instant_ns in range(before_ns, now_ns, max(look_ns, (now_ns - before_ns) // 50 + 1)):
                looked_at.advance(instant_ns)
        play(looked_at, action, before_ns)
    assert looked_at.tip_nl == pytest.approx(plain.tip_nl, rel=1e-9, abs=NUMERICAL_ZERO_NL)
    assert looked_at.waste_nl == pytest.approx(plain.waste_nl, rel=1e-9, abs=NUMERICAL_ZERO_NL)
    assert looked_at.pressure_kpa == pytest.approx(plain.pressure_kpa, rel=1e-9, abs=1e-9)
    for one, other in zip(looked_at.to_patient_nl(), plain.to_patient_nl(), strict=True):
        assert one == pytest.approx(other, rel=1e-9, abs=NUMERICAL_ZERO_NL)


@given(parameters, st.integers(20_000, 20 * MS), st.lists(st.integers(1, 50), min_size=1, max_size=20))
def test_a_run_of_edges_may_come_in_any_pieces(parameters, period_ns, pieces):
    whole, pieced = SimulatedRig(parameters), SimulatedRig(parameters)
    count = sum(pieces)
    for rig in (whole, pieced):
        rig.set_direction(0, True)
        rig.set_valve(0, True)
        rig.heartbeat_edges(0, 5 * MS, count * period_ns // (10 * MS) + 1)  # the supply ends in the middle
    whole.step_edges(0, period_ns, period_ns, count)
    now_ns = period_ns
    for piece in pieces:
        pieced.step_edges(0, now_ns, period_ns, piece)
        now_ns += piece * period_ns
    for rig in (whole, pieced):
        rig.advance(now_ns + 1000 * MS)
    assert pieced.syringes[0].plunger_nl == whole.syringes[0].plunger_nl
    assert pieced.unpowered_steps == whole.unpowered_steps
    assert pieced.tip_nl == pytest.approx(whole.tip_nl, rel=1e-9, abs=NUMERICAL_ZERO_NL)
