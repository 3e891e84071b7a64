"""How the state of a rig reads: every figure with its unit, its age and its source."""

from collections.abc import Iterable

from host.cli_views import microlitres, text_of
from host.records import name_of
from host.reports import Reading
from host.state_objects import RigState, day_text
from protocol import codes, typed
from protocol.texts import (
    ALARMS,
    CARTRIDGE_STATES,
    CAUSES,
    DEVICE_STATES,
    DOSE_STATES,
    INPUTS,
    PRIORITIES,
    SCREENINGS,
    SELF_TEST,
    SENSOR_FAULTS,
    Text,
    alarms_in,
)


def status_lines(state: RigState) -> Iterable[str]:
    """Yield the state of a rig."""
    identity, status = state.identity, state.status
    serial = f", serial {identity.serial}" if identity.serial is not None else ", without a serial"
    yield f"rig         {state.url}{serial}"
    yield f"firmware    {identity.firmware} on {identity.implementation} {identity.version}, board {identity.board}"
    yield f"state       {text_of(DEVICE_STATES, status.device_state).what}"
    for label, table, number in (
        ("stop cause ", CAUSES, status.stop_cause),
        ("paused for ", CAUSES, status.pause_cause),
        ("agent held ", CAUSES, status.hold_cause),
        ("last fault ", CAUSES, status.last_fault),
    ):
        if number:
            text = text_of(table, number)
            yield f"{label} {text.what}. {text.todo}".rstrip()
    if any(status.unresolved_id):
        yield f"UNRESOLVED  dose {status.unresolved_id.hex()}: {text_of(DOSE_STATES, codes.DOSE_UNKNOWN).todo}"
    for found in state.disagreements:
        yield f"DISAGREES   ledger row {found.row}, {found.utc}: {found.what}"
    if state.not_compared:
        yield f"ledger      NOT COMPARED with the rig's journal: {state.not_compared}"
    yield from alarm_lines(state.alarms)
    yield f"inputs      {', '.join(_bits(INPUTS, status.inputs)) or 'none set'}"
    if status.sensor_faults:
        yield f"faults      {', '.join(_bits(SENSOR_FAULTS, status.sensor_faults))}"
    if status.self_test:
        yield f"self-test   {', '.join(_bits(SELF_TEST, status.self_test))}"
    if any(status.dose_id):
        yield f"last dose   {status.dose_id.hex()}: {text_of(DOSE_STATES, status.dose_state).what}"
    yield f"since boot  {microlitres(status.emitted_total_nl)} to the patient at most (status, now)"
    yield (
        f"ceilings    {microlitres(status.max_dose_nl)} a dose at {status.max_rate_nl_s / 1000:g} uL/s,"
        f" {microlitres(status.max_total_nl)} a treatment, compiled in"
    )
    yield pressure_limit_line(status)
    if status.stored_nl:
        stored = microlitres(status.stored_nl)
        yield f"stored      {stored} in the line as an occlusion ended the flow, the device's estimate (status, now)"
    yield from treatment_lines(state.treatment)
    for cartridge in state.cartridges:
        yield cartridge_line(cartridge)
    if state.telemetry is not None:
        yield from _telemetry_lines(state.telemetry)


def pressure_limit_line(status: typed.Status) -> str:
    """Return one line about the occlusion limit."""
    return (
        f"limit       {status.pressure_limit_pa / 1000:g} kPa of line pressure, above it flow is stopped (status, now)"
    )


def alarm_lines(alarms: Reading[typed.Alarms] | None) -> Iterable[str]:
    """Yield every latched alarm: what it is, whether it stands and was acknowledged, what to do."""
    if alarms is None:
        yield "alarms      not told"
        return
    message = alarms.message
    age = f"(alarms, {alarms.age_s:.1f} s old)"
    if not message.latched:
        yield f"alarms      none {age}"
        return
    yield f"alarms      priority {text_of(PRIORITIES, message.priority).what} {age}"
    for number in alarms_in(message.latched):
        bit = 1 << (number - 1)
        stands = "stands" if message.present & bit else "was there"
        seen = "acknowledged" if message.acknowledged & bit else "NOT ACKNOWLEDGED"
        text = text_of(ALARMS, number)
        first = ", came first" if number == message.first else ""
        yield f"  {name_of('alarm', number)}: {text.what}; {stands}, {seen}{first}. {text.todo}".rstrip()


def treatment_lines(treatment: typed.Treatment) -> Iterable[str]:
    """Yield the open treatment."""
    day = day_text(treatment.day) or "no date that may be trusted"
    if not any(treatment.treatment):
        yield f"treatment   none is open; {day} (treatment, now)"
        return
    residual = "not known" if treatment.residual_nl == codes.UNKNOWN_NL else microlitres(treatment.residual_nl)
    yield f"treatment   {treatment.treatment.hex()}, {day} (treatment, now)"
    yield f"  screening {text_of(SCREENINGS, treatment.screening).what}, residual burden {residual}"
    if treatment.hold_cause:
        yield f"  AGENT HELD: {text_of(CAUSES, treatment.hold_cause).what}"
    for name, given_nl, dose_nl, total_nl in (
        ("agent", treatment.agent_nl, treatment.agent_dose_nl, treatment.agent_total_nl),
        ("counter-agent", treatment.counter_nl, treatment.counter_dose_nl, treatment.counter_total_nl),
        ("flush", treatment.flush_nl, treatment.flush_dose_nl, treatment.flush_total_nl),
    ):
        yield (
            f"  {name:<13} {microlitres(given_nl)} at most to the patient, of {microlitres(total_nl)};"
            f" {microlitres(dose_nl)} a dose"
        )
    yield (
        f"  window        {microlitres(treatment.in_window_nl)} of {microlitres(treatment.window_nl)}"
        f" in {treatment.window_s} s; {microlitres(treatment.agent_in_line_nl)} of agent in the line at most"
    )


def cartridge_line(cartridge: typed.Cartridge) -> str:
    """Return one line about a cartridge."""
    channel = name_of("channel", cartridge.channel)
    state = text_of(CARTRIDGE_STATES, cartridge.state)
    if cartridge.state != codes.CARTRIDGE_GOOD:
        return f"cartridge   {channel}: {state.what}. {state.todo}".rstrip()
    return (
        f"cartridge   {channel}: {state.what}, lot {cartridge.lot.hex()}, serial {cartridge.serial.hex()}, at least"
        f" {microlitres(cartridge.remaining_nl)} of {microlitres(cartridge.fill_nl)}, to be used by"
        f" {day_text(cartridge.expiry_day)} (cartridge, now)"
    )


def _telemetry_lines(reading: Reading[typed.Telemetry]) -> Iterable[str]:
    message = reading.message
    source = f"(telemetry, {reading.age_s:.1f} s old)"
    yield f"pressure    {message.pressure_pa / 1000:.1f} kPa {source}"
    yield f"flow        {message.flow_nl_s / 1000:.3f} uL/s {source}"
    yield f"temperature {message.temperature_mdegc / 1000:.1f} degC {source}"
    yield f"suspension  {message.density_permille / 10:.1f} % of freshly stirred {source}"
    yield f"supply      {message.supply_mv / 1000:.2f} V {source}"


def _bits(table: dict[int, Text], bits: int) -> list[str]:
    return [text.what for bit, text in table.items() if bits & bit]
