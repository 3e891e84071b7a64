"""The closed list of what can be done with the service, a sentence each."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class Action(StrEnum):
    """One thing that an identity may or may not do. ``SENTENCES`` says what each is."""

    STOP = "stop"
    SEE_STATE = "see_state"
    SEE_DOSES = "see_doses"
    SEE_LEDGER = "see_ledger"
    DIAGNOSE = "diagnose"
    PAUSE = "pause"
    RESUME = "resume"
    CLEAR_STOP = "clear_stop"
    CLEAR_PATIENT_CAUSE = "clear_patient_cause"
    ACKNOWLEDGE_ALARM = "acknowledge_alarm"
    PAUSE_AUDIO = "pause_audio"
    TEST_ALARMS = "test_alarms"
    FILL_LINE = "fill_line"
    CALIBRATE = "calibrate"
    DOSE_FLUSH = "dose_flush"
    DOSE_AGENT = "dose_agent"
    SCREEN = "screen"
    RESCUE = "rescue"
    RESOLVE_UNKNOWN = "resolve_unknown"
    RELAY_PERMIT = "relay_permit"
    RELAY_HOLD = "relay_hold"
    PROPOSE_COUNTER_DOSE = "propose_counter_dose"
    RELEASE_COUNTER_DOSE = "release_counter_dose"
    OPEN_TREATMENT = "open_treatment"
    CLOSE_TREATMENT = "close_treatment"
    SET_LIMITS = "set_limits"
    SET_DATE = "set_date"
    RECORD_SCREENING = "record_screening"
    RECORD_CONSENT = "record_consent"
    WITHDRAW_CONSENT = "withdraw_consent"
    REPORT_EVENT = "report_event"
    GIVE_ACCOUNT = "give_account"
    PROVISION = "provision"
    WRITE_PLAN = "write_plan"
    APPROVE_PLAN = "approve_plan"
    LOCK_LOT = "lock_lot"
    UNLOCK_LOT = "unlock_lot"
    EXPORT = "export"
    CONFIGURE = "configure"
    MANAGE_USERS = "manage_users"
    SEE_AUDIT = "see_audit"
    CHANGE_OWN_PASSWORD = "change_own_password"  # noqa: S105  an action


SENTENCES: Final[Mapping[Action, str]] = MappingProxyType(
    {
        Action.STOP: "Stop a rig; the stop latches.",
        Action.SEE_STATE: "See a rig's state, readings, alarms and progress.",
        Action.SEE_DOSES: "See doses and treatments, patients by pseudonym.",
        Action.SEE_LEDGER: "Read the ledger's rows and have them verified.",
        Action.DIAGNOSE: "Take journal records, link statistics and logs of a rig.",
        Action.PAUSE: "Pause the running dose.",
        Action.RESUME: "Ask for the paused dose to go on; a person confirms at the rig.",
        Action.CLEAR_STOP: "Ask for a stop of the machine to be cleared; a person confirms at the rig.",
        Action.CLEAR_PATIENT_CAUSE: "Hand on a clinician's clearing of a hold or stop for the patient's sake.",
        Action.ACKNOWLEDGE_ALARM: "Acknowledge an alarm.",
        Action.PAUSE_AUDIO: "Keep the sound of alarms quiet for 120 s at most.",
        Action.TEST_ALARMS: "Have light and sound tried; a person confirms at the rig.",
        Action.FILL_LINE: "Prime or purge a channel, to the waste.",
        Action.CALIBRATE: "Run a calibration to the waste, and say what was weighed.",
        Action.DOSE_FLUSH: "Order a dose of flush.",
        Action.DOSE_AGENT: "Order a dose of agent; it flows under permits only.",
        Action.SCREEN: "Order the screening micro-dose.",
        Action.RESCUE: "Order the counter-agent.",
        Action.RESOLVE_UNKNOWN: "Close an unknown dose in one's own name; it stays counted in full.",
        Action.RELAY_PERMIT: "Hand on a permit that the monitor signed.",
        Action.RELAY_HOLD: "Hand on a hold or stop that the monitor signed.",
        Action.PROPOSE_COUNTER_DOSE: "Propose a counter-dose; nothing flows by it.",
        Action.RELEASE_COUNTER_DOSE: "Release a counter-dose that the monitor proposed.",
        Action.OPEN_TREATMENT: "Hand on the clinic's opening of a treatment; a person confirms at the rig.",
        Action.CLOSE_TREATMENT: "Hand on the clinic's closing of a treatment; a person confirms at the rig.",
        Action.SET_LIMITS: "Hand on the clinic's ceilings or pressure limit; a person confirms at the rig.",
        Action.SET_DATE: "Hand on the date that the clinic signed.",
        Action.RECORD_SCREENING: "Record what a patient's screening found.",
        Action.RECORD_CONSENT: "Record that a patient consents.",
        Action.WITHDRAW_CONSENT: "Record that a patient withdraws consent, which is a stop.",
        Action.REPORT_EVENT: "Report an adverse event.",
        Action.GIVE_ACCOUNT: "Take the account that a patient is handed.",
        Action.PROVISION: "Write a key or the serial into a rig in service mode.",
        Action.WRITE_PLAN: "Write a plan; it reaches no patient before others approve it.",
        Action.APPROVE_PLAN: "Sign somebody else's plan.",
        Action.LOCK_LOT: "Lock a lot: every rig that has it loaded stops.",
        Action.UNLOCK_LOT: "Let a locked lot be used again.",
        Action.EXPORT: "Take the pseudonymised research export.",
        Action.CONFIGURE: "Change settings of the service.",
        Action.MANAGE_USERS: "Add, disable and change users, tokens and sessions.",
        Action.SEE_AUDIT: "Read who changed users, tokens and sessions.",
        Action.CHANGE_OWN_PASSWORD: "Change one's own password.",
    }
)

# What concerns no single rig. Whoever is limited to some rigs, or to simulated ones, does none of it.
SITE_WIDE: Final = frozenset(
    {
        Action.WRITE_PLAN,
        Action.APPROVE_PLAN,
        Action.LOCK_LOT,
        Action.UNLOCK_LOT,
        Action.EXPORT,
        Action.CONFIGURE,
        Action.MANAGE_USERS,
        Action.SEE_AUDIT,
        Action.CHANGE_OWN_PASSWORD,
    }
)
