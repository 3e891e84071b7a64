"""What each number of ``codes.py`` means in words, and what to do about it. For people; the device never loads it."""

from typing import NamedTuple

from protocol import codes, messages


class Text(NamedTuple):
    """What happened, and what to do (empty where nothing is to be done)."""

    what: str
    todo: str = ""


KINDS = {
    codes.KIND_DOSE: Text("dose to the patient"),
    codes.KIND_SCREENING: Text("screening micro-dose to the patient"),
    codes.KIND_RESCUE: Text("rescue: counter-agent to the patient, ahead of everything"),
    codes.KIND_PRIME: Text("priming to waste"),
    codes.KIND_PURGE: Text("purging to waste"),
    codes.KIND_CALIBRATE: Text("calibration run to waste"),
}

CHANNELS = {
    codes.CHANNEL_AGENT: Text("agent"),
    codes.CHANNEL_COUNTER_AGENT: Text("counter-agent"),
    codes.CHANNEL_FLUSH: Text("flush"),
}

PROFILES = {
    codes.PROFILE_CONSTANT: Text("constant rate"),
    codes.PROFILE_RAMP: Text("a rate that changes evenly"),
    codes.PROFILE_SEGMENTS: Text("up to four pieces, one after the other"),
}

DOSE_STATES = {
    codes.DOSE_NOT_KNOWN: Text(
        "the device knows nothing of this dose",
        "Check the id; a dose older than the last 256 is found in the ledger only.",
    ),
    codes.DOSE_REFUSED: Text("refused, nothing moved"),
    codes.DOSE_ACCEPTED: Text("accepted, not yet flowing"),
    codes.DOSE_RUNNING: Text("running"),
    codes.DOSE_PAUSING: Text("coming to a pause"),
    codes.DOSE_PAUSED: Text("paused", "Resume it, then release and press the foot switch within 10 s; or stop it."),
    codes.DOSE_SETTLING: Text("all steps made, waiting for the line pressure to decay"),
    codes.DOSE_STOPPING: Text("coming to a stop"),
    codes.DOSE_DELIVERED: Text("delivered"),
    codes.DOSE_PARTIAL: Text("ended early, part of it was given", "Look at the cause before anything else is given."),
    codes.DOSE_UNKNOWN: Text(
        "the power was lost while it ran: what was given lies in the interval told, and counts as its upper end",
        "Look at the patient and at the rig; then have it resolved and press the foot switch.",
    ),
}

DEVICE_STATES = {
    codes.DEVICE_STARTING: Text("starting, in its self-test", "Wait a moment."),
    codes.DEVICE_READY: Text("ready"),
    codes.DEVICE_DOSING: Text("dosing"),
    codes.DEVICE_PAUSED: Text("paused", "Resume or stop the dose."),
    codes.DEVICE_STOPPED: Text("stopped", "Remove the cause, then clear the stop at the rig."),
    codes.DEVICE_SERVICE: Text("in service: keys can be written, nothing moves", "Switch it off and on to leave."),
}

CAUSES = {
    codes.CAUSE_NONE: Text("no cause"),
    codes.CAUSE_OPERATOR: Text("stopped by an operator", "Clear the stop when it is safe to go on."),
    codes.CAUSE_EMERGENCY_STOP: Text("emergency stop pressed", "Release the emergency stop, then clear the stop."),
    codes.CAUSE_DOOR: Text("door open", "Close the door, then clear the stop."),
    codes.CAUSE_AIR: Text("air in the line", "Purge the line to waste, then clear the stop."),
    codes.CAUSE_PRESSURE: Text(
        "line pressure above its limit", "Find and remove the occlusion; the stored volume goes to waste."
    ),
    codes.CAUSE_SENSOR: Text("a sensor is not to be believed", "Check the sensor named in the status and its cable."),
    codes.CAUSE_SUPPLY: Text("motor supply out of range", "Check the power supply and its cable."),
    codes.CAUSE_SAFE_LINE: Text("the safety line dropped", "Check emergency stop, door and bubble detector."),
    codes.CAUSE_PUMP: Text("the pump did not do what it was told", "Have the pump channel serviced."),
    codes.CAUSE_DEADLINE: Text("a step of the dose took longer than it may", "Look at the rig, then clear the stop."),
    codes.CAUSE_LINK_LOST: Text("the host was not heard for too long", "Check cable and host, then resume at the rig."),
    codes.CAUSE_FAULT: Text("the firmware met a fault", "Keep the log for service; restart the device."),
    codes.CAUSE_SELF_TEST: Text("the self-test failed", "Read the status for the failed part; have it serviced."),
    codes.CAUSE_HOME: Text("a plunger reached its end", "Exchange the syringe."),
    codes.CAUSE_MONITOR: Text(
        "the monitor holds the agent", "Look at the patient; a clinician clears it. Rescue stays possible."
    ),
    codes.CAUSE_CLINICIAN: Text("stopped by a clinician", "A clinician clears it when the patient is well."),
    codes.CAUSE_CONSENT: Text(
        "the patient withdrew consent", "Give nothing more; a clinician speaks with the patient and clears it."
    ),
    codes.CAUSE_PERMIT: Text(
        "the monitor's permit ended and no other came in time",
        "Look at the monitor and its link; when permits come again, resume at the rig.",
    ),
    codes.CAUSE_FREE_FLOW: Text(
        "more flowed than the pump moved", "Clamp the patient line; have cartridge, line and valve checked."
    ),
    codes.CAUSE_REVERSE_FLOW: Text(
        "liquid flowed back towards the syringes", "Clamp the patient line; look for a raised bag or a leak."
    ),
    codes.CAUSE_DEVIATION: Text(
        "what flowed departs from what the pump moved by more than 10 % or 1 uL",
        "Check syringe, line and flow sensor, then purge to waste.",
    ),
    codes.CAUSE_OCCLUSION: Text(
        "the pressure rises faster than the line explains: occlusion",
        "Find and remove the occlusion; the stored volume goes to waste.",
    ),
    codes.CAUSE_CARTRIDGE: Text(
        "the cartridge was taken out, exchanged, or cannot be believed", "Seat a good cartridge, then purge to waste."
    ),
    codes.CAUSE_RESERVOIR: Text("the cartridge is empty", "Exchange the cartridge, then purge to waste."),
    codes.CAUSE_TEMPERATURE: Text("the liquid is too cold or too warm", "Bring the rig into its range, then clear."),
    codes.CAUSE_DENSITY: Text("the suspension is too thin", "Let it be stirred until it reads dense again."),
    codes.CAUSE_JOURNAL: Text(
        "the dose journal cannot be written", "Dose nothing more; have the controller board serviced."
    ),
    codes.CAUSE_RESCUE: Text("a rescue took the place of this dose", "Look at the patient first."),
    codes.CAUSE_POWER: Text("the power was lost", "Check the supply, then decide anew what the patient needs."),
    codes.CAUSE_REPEATED: Text(
        "the same alarm stopped the rig three times in ten minutes", "Take the rig out of use; have it serviced."
    ),
    codes.CAUSE_STALL: Text("the pump steps but nothing moves", "Check the syringe's seat and the motor's cable."),
    codes.CAUSE_LEAK: Text("liquid leaves the line before the tip", "Find the leak; exchange line or cartridge."),
}

REASONS = {
    codes.REASON_NONE: Text("not refused"),
    codes.REASON_UNKNOWN_MESSAGE: Text("the device does not know this message", "Update firmware and host together."),
    codes.REASON_MALFORMED: Text("the message has the wrong length", "Update firmware and host together."),
    codes.REASON_SCHEMA: Text(
        "device and host speak different schemas", "Flash the firmware that belongs to this host."
    ),
    codes.REASON_SESSION: Text("the device knows another session, or none", "Connect anew and reconcile first."),
    codes.REASON_BOOT: Text("the device restarted since", "Reconcile, then order again if it is still wanted."),
    codes.REASON_EXPIRED: Text("the order came after its expiry", "Order again if it is still wanted."),
    codes.REASON_EXPIRY_TOO_FAR: Text("the expiry lies too far ahead", "Order with a nearer expiry."),
    codes.REASON_ID: Text("the dose id may not be used, or names no dose here", "Use a new random id; check the id."),
    codes.REASON_KIND: Text("the device does not offer this kind of dose", "Order a kind it offers."),
    codes.REASON_CHANNEL: Text("there is no such channel", "Order from a channel of this rig."),
    codes.REASON_PROFILE: Text("the device does not offer this rate profile", "Order a profile it offers."),
    codes.REASON_NO_PERMIT: Text(
        "there is no permit for this", "Agent flows only under the monitor's permit: look at the monitor and its link."
    ),
    codes.REASON_LAST_DOSE: Text("another dose happened since the one the order names", "Reconcile, then decide anew."),
    codes.REASON_BUSY: Text("another dose is under way", "Wait for its end, or stop it."),
    codes.REASON_STOPPED: Text("the device is stopped", "Remove the cause and clear the stop first."),
    codes.REASON_INTERLOCK: Text("an interlock is open", "Check emergency stop, door, bubble detector and supply."),
    codes.REASON_VOLUME_LOW: Text("the volume is too small to be made", "Order at least the nearest allowed value."),
    codes.REASON_VOLUME_HIGH: Text("the volume exceeds the ceiling of one dose", "Order at most the nearest value."),
    codes.REASON_RATE_LOW: Text("the rate is below what the pump can do", "Order at least the nearest allowed value."),
    codes.REASON_RATE_HIGH: Text("the rate exceeds its ceiling", "Order at most the nearest allowed value."),
    codes.REASON_TOTAL_HIGH: Text(
        "the total of the treatment would exceed its ceiling", "Order at most what is left, the nearest value."
    ),
    codes.REASON_LOT: Text("the lot does not match the cartridge", "Check the cartridge and the order."),
    codes.REASON_NOT_PAUSED: Text("this dose is not paused", "Ask for its state."),
    codes.REASON_NOT_RUNNING: Text("this dose is not running", "Ask for its state."),
    codes.REASON_NOT_STOPPED: Text("the device is not stopped: nothing to clear"),
    codes.REASON_CAUSE_STANDS: Text("the cause of the stop still stands", "Remove it, then clear again."),
    codes.REASON_OUTCOMES_FULL: Text(
        "the device can remember no more doses", "Have the outcomes read, then restart it."
    ),
    codes.REASON_NO_TREATMENT: Text(
        "no treatment is open", "Have a clinician open one; what goes to the patient needs it."
    ),
    codes.REASON_TREATMENT: Text("this is not the treatment that is open", "Ask the rig which one is open."),
    codes.REASON_CEILING_UNSET: Text(
        "no ceiling is set for this, and an unset one is zero", "Have the clinic's and the plan's ceilings set."
    ),
    codes.REASON_WINDOW_HIGH: Text(
        "the total within the window would exceed its ceiling", "Order at most the nearest value, or wait."
    ),
    codes.REASON_INTERVAL: Text("too little time has passed since the last dose", "Wait; the nearest value is in ms."),
    codes.REASON_SCREENING: Text(
        "screening or residual burden are not known", "Give a screening micro-dose and open the treatment with both."
    ),
    codes.REASON_CARTRIDGE: Text("there is no readable cartridge in this channel", "Seat one, or clean its contacts."),
    codes.REASON_CARTRIDGE_AUTHENTIC: Text("the cartridge is not authentic", "Use one that belongs to this clinic."),
    codes.REASON_CARTRIDGE_EXPIRED: Text("the cartridge is past its last day of use", "Exchange it."),
    codes.REASON_NO_DATE: Text(
        "the device has no date that it may trust", "Have the clinic's date sent; cartridges cannot be judged without."
    ),
    codes.REASON_RESERVOIR: Text("the cartridge does not hold that much", "Exchange it, or order the nearest value."),
    codes.REASON_DENSITY: Text(
        "the suspension stood too long or reads too thin", "Let it be stirred, then order anew."
    ),
    codes.REASON_PURGE: Text("the cartridge was exchanged since the line was filled", "Purge the line to waste first."),
    codes.REASON_UNRESOLVED: Text(
        "what became of an earlier dose is unknown", "Have it resolved and press the foot switch; rescue is possible."
    ),
    codes.REASON_AUTHENTICATION: Text(
        "the message is not signed by whom it has to be", "Look whether monitor or clinic hold this rig's keys."
    ),
    codes.REASON_REPLAYED: Text("the message, or a later one, was seen before", "Have it signed anew."),
    codes.REASON_NO_KEY: Text("the rig holds no key for this", "Have its keys written in service mode."),
    codes.REASON_PERMIT_LIFE: Text("the permit ends too far ahead", "Sign it for 2 s at most."),
    codes.REASON_RIG: Text("this is meant for another rig", "Check which rig monitor and host speak of."),
    codes.REASON_PERMIT_VOLUME: Text("the permit allows no volume, or too much", "Sign it for the nearest value."),
    codes.REASON_PERMIT_RATE: Text("the permit allows no rate, or too high a one", "Sign it for the nearest value."),
    codes.REASON_SERVICE: Text(
        "keys are written in service mode only, and nothing else is done in it",
        "To enter: motor supply off, foot switch held, controller on. To leave: switch it off and on.",
    ),
    codes.REASON_LOOSER: Text(
        "this ceiling is looser than the one above it",
        "Set at most the nearest value: plan, clinic, rig, in this order.",
    ),
    codes.REASON_VALVE: Text("the valve is on the patient", "Wait for the end of the dose; this goes to waste only."),
    codes.REASON_JOURNAL: Text(
        "the dose journal cannot be written or is not done", "Try once more; if it stays, have the board serviced."
    ),
    codes.REASON_SELF_TEST: Text(
        "the self-test failed or waits for a person",
        "Read the status for the part; confirm light and sound at the rig.",
    ),
    codes.REASON_SUPPLY_ON: Text("the motor supply is on", "Switch it off first."),
    codes.REASON_SERVICE_ONLY: Text(
        "the same alarm stopped the rig three times in ten minutes", "Take the rig out of use; have it serviced."
    ),
    codes.REASON_LINE_PRESSURE: Text(
        "the line is still under pressure", "Wait for it to decay, or find the occlusion."
    ),
    codes.REASON_RESCUE_HIGH: Text("the rescue exceeds its own ceiling", "Order at most the nearest value."),
    codes.REASON_NO_RECORD: Text("the journal holds no such record", "Ask for one from the oldest to the newest."),
    codes.REASON_AUTHORITY: Text("a clinician has to do this", "Have it cleared in the clinic's name."),
    codes.REASON_HOLD: Text(
        "monitor or clinician hold the agent", "Look at the patient; a clinician clears it. Rescue stays possible."
    ),
    codes.REASON_NOT_CALIBRATED: Text(
        "there is no such calibration run in this boot, or what was weighed cannot be", "Weigh a new run to waste."
    ),
    codes.REASON_PERSON_BUSY: Text("the foot switch is awaited for something else", "Confirm that, or wait 10 s."),
    codes.REASON_TREATMENT_OPEN: Text("a treatment is open already", "Have it closed first."),
    codes.REASON_ALARM_STANDS: Text("an alarm has to be acknowledged first", "Look at it, acknowledge it, go on."),
    codes.REASON_NO_ALARM: Text("there is no such alarm to acknowledge", "Ask for the alarms anew."),
    codes.REASON_SEGMENT: Text(
        "the pieces of the rate profile do not fit", "Volumes must add up to that of the dose, each rate be allowed."
    ),
    codes.REASON_PRESSURE_LIMIT: Text(
        "no rig may have this limit of the line pressure", "Set 14 to 138 kPa: at least, or at most, the nearest value."
    ),
}

INPUTS = {
    codes.INPUT_ESTOP_HEALTHY: Text("emergency stop released"),
    codes.INPUT_DOOR_CLOSED: Text("door closed"),
    codes.INPUT_BUBBLE_CLEAR: Text("no bubble"),
    codes.INPUT_SAFE: Text("safety line up"),
    codes.INPUT_HOME: Text("plunger at its end"),
    codes.INPUT_FOOTSWITCH: Text("foot switch pressed"),
    codes.INPUT_VALVE_PATIENT: Text("valve on the patient"),
    codes.INPUT_PERSON_AWAITED: Text("foot switch awaited", "Release and press the foot switch within 10 s."),
}

SENSOR_FAULTS = {
    codes.FAULT_PRESSURE: Text("pressure sensor", "Check the pressure sensor and its cable."),
    codes.FAULT_FLOW: Text("flow sensor", "Check the flow sensor and its cable."),
    codes.FAULT_SUPPLY: Text("supply measurement", "Check the supply and its divider."),
    codes.FAULT_FRAM: Text("journal memory does not answer", "Have the controller board serviced."),
    codes.FAULT_TEMPERATURE: Text("thermometer", "Check the thermometer and its cable."),
    codes.FAULT_DENSITY: Text("density sensor", "Check the density sensor and its cable."),
    codes.FAULT_CARTRIDGE: Text("cartridge memories", "Reseat the cartridges; check their connector's cable."),
    codes.FAULT_JOURNAL: Text("dose journal", "Have the controller board serviced."),
}

SELF_TEST = {
    codes.SELF_TEST_IMAGE: Text("firmware image", "Flash the firmware anew."),
    codes.SELF_TEST_HEAP: Text("free memory", "Restart the device; have it serviced if it stays."),
    codes.SELF_TEST_JOURNAL: Text("dose journal", "Have the controller board serviced."),
    codes.SELF_TEST_PRESSURE: Text("pressure sensor", "Check the pressure sensor and its cable."),
    codes.SELF_TEST_FLOW: Text("flow sensor", "Check the flow sensor and its cable."),
    codes.SELF_TEST_TEMPERATURE: Text("thermometer", "Check the thermometer and its cable."),
    codes.SELF_TEST_DENSITY: Text("density sensor", "Check the density sensor and its cable."),
    codes.SELF_TEST_SUPPLY: Text("motor supply", "Check the power supply and its cable."),
    codes.SELF_TEST_WATCHDOG: Text("watchdog", "Have the controller board serviced."),
    codes.SELF_TEST_LIGHT_SOUND: Text(
        "light and sound, not confirmed", "Test the alarms, look and listen, then press the foot switch."
    ),
}

SLOTS = {
    codes.SLOT_MONITOR: Text("monitor: permits and holds"),
    codes.SLOT_CLINIC: Text("clinic: treatments, ceilings, pressure limit, dates, a clinician's clearing"),
    codes.SLOT_CARTRIDGE: Text("cartridges: their authenticity"),
    codes.SLOT_STATUS: Text("status: signed by the device"),
}

SCREENINGS = {
    codes.SCREENING_UNKNOWN: Text("nobody knows", "Give a screening micro-dose."),
    codes.SCREENING_PASSED: Text("passed"),
    codes.SCREENING_FAILED: Text("failed", "No agent for this patient."),
}

HOLDS = {
    codes.HOLD_HOLD: Text("no agent flows"),
    codes.HOLD_STOP: Text("no agent flows and the rig stops"),
}

CARTRIDGE_STATES = {
    codes.CARTRIDGE_ABSENT: Text("no cartridge", "Seat one."),
    codes.CARTRIDGE_READING: Text("being read", "Wait a moment."),
    codes.CARTRIDGE_UNREADABLE: Text("cannot be read", "Reseat it, clean its contacts, or exchange it."),
    codes.CARTRIDGE_NOT_AUTHENTIC: Text("not authentic", "Use one that belongs to this clinic."),
    codes.CARTRIDGE_GOOD: Text("good"),
}

ALARMS = {
    codes.ALARM_EMERGENCY_STOP: Text("emergency stop pressed", "Release it when it is safe, then clear the stop."),
    codes.ALARM_DOOR: Text("door open", "Close the door, then clear the stop."),
    codes.ALARM_AIR: Text("air in the line", "Purge the line to waste, then clear the stop."),
    codes.ALARM_OCCLUSION_LIMIT: Text(
        "line pressure above its limit", "Find and remove the occlusion; the stored volume goes to waste."
    ),
    codes.ALARM_OCCLUSION_SLOPE: Text(
        "sudden occlusion", "Find and remove the occlusion; the stored volume goes to waste."
    ),
    codes.ALARM_FREE_FLOW: Text(
        "more flows than the pump moves", "Clamp the patient line; check cartridge, line and valve."
    ),
    codes.ALARM_REVERSE_FLOW: Text(
        "liquid flows backwards", "Clamp the patient line; look for a raised bag or a leak."
    ),
    codes.ALARM_DEVIATION: Text("the flow departs from what the pump moves", "Check syringe, line and flow sensor."),
    codes.ALARM_LEAK: Text("leak before the tip", "Find the leak; exchange line or cartridge."),
    codes.ALARM_STALL: Text("the pump does not move", "Check the syringe's seat and the motor's cable."),
    codes.ALARM_PRESSURE_SENSOR: Text("pressure sensor not to be believed", "Check the sensor and its cable."),
    codes.ALARM_FLOW_SENSOR: Text("flow sensor not to be believed", "Check the sensor and its cable."),
    codes.ALARM_TEMPERATURE_SENSOR: Text("thermometer not to be believed", "Check it and its cable."),
    codes.ALARM_DENSITY_SENSOR: Text("density sensor not to be believed", "Check the sensor and its cable."),
    codes.ALARM_SUPPLY: Text("motor supply out of range", "Check the power supply and its cable."),
    codes.ALARM_SAFE_LINE: Text("the safety line dropped", "Check emergency stop, door and bubble detector."),
    codes.ALARM_RESERVOIR_EMPTY: Text("cartridge empty", "Exchange it, then purge to waste."),
    codes.ALARM_RESERVOIR_LOW: Text("cartridge nearly empty", "Have the next one at hand."),
    codes.ALARM_CARTRIDGE: Text("cartridge exchanged, gone or not good", "Seat a good one, then purge to waste."),
    codes.ALARM_TEMPERATURE: Text("liquid too cold or too warm", "Bring the rig into its range."),
    codes.ALARM_DENSITY: Text("suspension too thin", "Let it be stirred until it reads dense again."),
    codes.ALARM_LINK_LOST: Text("the host is silent", "Check cable and host, then resume at the rig."),
    codes.ALARM_PERMIT_GONE: Text("no permit from the monitor", "Look at the monitor and its link, then resume."),
    codes.ALARM_MONITOR_HOLD: Text("the monitor holds the agent", "Look at the patient; a clinician clears it."),
    codes.ALARM_JOURNAL: Text("the dose journal fails", "Dose nothing more; have the board serviced."),
    codes.ALARM_SELF_TEST: Text("the self-test failed", "Read the status for the part; have it serviced."),
    codes.ALARM_FAULT: Text("the firmware met a fault", "Keep the log for service; restart the device."),
    codes.ALARM_UNRESOLVED: Text("a dose has an unknown end", "Look at the patient and the rig, then resolve it."),
    codes.ALARM_PERSON_STOP: Text("a person stopped the rig", "Clear the stop when it is safe to go on."),
    codes.ALARM_REPEATED: Text("the same alarm came three times", "Take the rig out of use; have it serviced."),
}

PRIORITIES = {
    codes.PRIORITY_NONE: Text("no alarm"),
    codes.PRIORITY_LOW: Text("low: look at it soon"),
    codes.PRIORITY_MEDIUM: Text("medium: act promptly"),
    codes.PRIORITY_HIGH: Text("high: act at once"),
}

ENUMERATIONS: dict[str, dict[int, Text]] = {
    "kind": KINDS,
    "channel": CHANNELS,
    "profile": PROFILES,
    "dose_state": DOSE_STATES,
    "device_state": DEVICE_STATES,
    "cause": CAUSES,
    "reason": REASONS,
    "alarm": ALARMS,
    "priority": PRIORITIES,
    "slot": SLOTS,
    "screening": SCREENINGS,
    "hold": HOLDS,
    "cartridge_state": CARTRIDGE_STATES,
}
"""The texts of each enumeration of ``messages.ENUMERATIONS``."""

_NAMES = dict(messages.ENUMERATIONS)


def describe(enumeration: str, code: int) -> Text:
    """Return the text of a number; one that says so for a number that this host does not know."""
    unknown = Text(f"{enumeration} {code}, which this host does not know", "Update firmware and host together.")
    return ENUMERATIONS[enumeration].get(code, unknown)


def name(enumeration: str, code: int) -> str:
    """Return the short name of a number, such as ``emergency_stop``; the digits for one that is not known."""
    return next((short for short, number in _NAMES[enumeration] if number == code), str(code))


def bits(texts: dict[int, Text], value: int) -> list[Text]:
    """Return the texts of the bits that are set in ``value``, of ``INPUTS``, ``SENSOR_FAULTS`` or ``SELF_TEST``."""
    return [text for bit, text in texts.items() if value & bit]


def alarms_in(value: int) -> list[int]:
    """Return the numbers of the alarms in a field of bits, where alarm n is bit n - 1."""
    return [number for _, number in codes.ALARMS if value & 1 << (number - 1)]
