"""What each number of ``codes.py`` means in words, and what to do about it. For people; the device never loads it."""

from typing import NamedTuple

from protocol import codes


class Text(NamedTuple):
    """What happened, and what to do (empty where nothing is to be done)."""

    what: str
    todo: str = ""


KINDS = {codes.KIND_DOSE: Text("dose to the patient")}

CHANNELS = {
    codes.CHANNEL_AGENT: Text("agent"),
    codes.CHANNEL_COUNTER_AGENT: Text("counter-agent"),
    codes.CHANNEL_FLUSH: Text("flush"),
}

PROFILES = {codes.PROFILE_CONSTANT: Text("constant rate")}

DOSE_STATES = {
    codes.DOSE_NOT_KNOWN: Text(
        "the device knows nothing of this dose since it started",
        "A dose sent before the last start may have been given: find out from the rig and close it by hand.",
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
}

DEVICE_STATES = {
    codes.DEVICE_STARTING: Text("starting, in its self-test", "Wait a moment."),
    codes.DEVICE_READY: Text("ready"),
    codes.DEVICE_DOSING: Text("dosing"),
    codes.DEVICE_PAUSED: Text("paused", "Resume or stop the dose."),
    codes.DEVICE_STOPPED: Text("stopped", "Remove the cause, then clear the stop at the rig."),
}

CAUSES = {
    codes.CAUSE_NONE: Text("no cause"),
    codes.CAUSE_OPERATOR: Text("stopped by an operator", "Clear the stop when it is safe to go on."),
    codes.CAUSE_EMERGENCY_STOP: Text("emergency stop pressed", "Release the emergency stop, then clear the stop."),
    codes.CAUSE_DOOR: Text("door open", "Close the door, then clear the stop."),
    codes.CAUSE_AIR: Text("air in the line", "Purge the line to waste, then clear the stop."),
    codes.CAUSE_PRESSURE: Text(
        "line pressure too high: occlusion", "Find and remove the occlusion; the stored volume goes to waste."
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
    codes.REASON_NO_PERMIT: Text("this channel needs a permit", "Agent flows only under the monitor's permit."),
    codes.REASON_LAST_DOSE: Text("another dose happened since the one the order names", "Reconcile, then decide anew."),
    codes.REASON_BUSY: Text("another dose is under way", "Wait for its end, or stop it."),
    codes.REASON_STOPPED: Text("the device is stopped", "Remove the cause and clear the stop first."),
    codes.REASON_INTERLOCK: Text("an interlock is open", "Check emergency stop, door, bubble detector and supply."),
    codes.REASON_VOLUME_LOW: Text("the volume is too small to be made", "Order at least the nearest allowed value."),
    codes.REASON_VOLUME_HIGH: Text("the volume exceeds the ceiling of one dose", "Order at most the nearest value."),
    codes.REASON_RATE_LOW: Text("the rate is below what the pump can do", "Order at least the nearest allowed value."),
    codes.REASON_RATE_HIGH: Text("the rate exceeds its ceiling", "Order at most the nearest allowed value."),
    codes.REASON_TOTAL_HIGH: Text("the total of all doses would exceed its ceiling", "Order at most what is left."),
    codes.REASON_LOT: Text("the lot does not match the cartridge", "Check the cartridge and the order."),
    codes.REASON_NOT_PAUSED: Text("this dose is not paused", "Ask for its state."),
    codes.REASON_NOT_RUNNING: Text("this dose is not running", "Ask for its state."),
    codes.REASON_NOT_STOPPED: Text("the device is not stopped: nothing to clear"),
    codes.REASON_CAUSE_STANDS: Text("the cause of the stop still stands", "Remove it, then clear again."),
    codes.REASON_OUTCOMES_FULL: Text(
        "the device can remember no more doses", "Have the outcomes read, then restart it."
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
    codes.FAULT_FRAM: Text("dose journal memory", "Have the controller board serviced."),
}

ENUMERATIONS: dict[str, dict[int, Text]] = {
    "kind": KINDS,
    "channel": CHANNELS,
    "profile": PROFILES,
    "dose_state": DOSE_STATES,
    "device_state": DEVICE_STATES,
    "cause": CAUSES,
    "reason": REASONS,
}
"""The texts of each enumeration of ``messages.ENUMERATIONS``."""

_NAMES = {
    "kind": codes.KINDS,
    "channel": codes.CHANNELS,
    "profile": codes.PROFILES,
    "dose_state": codes.DOSE_STATES,
    "device_state": codes.DEVICE_STATES,
    "cause": codes.CAUSES,
    "reason": codes.REASONS,
}


def describe(enumeration: str, code: int) -> Text:
    """Return the text of a number; one that says so for a number that this host does not know."""
    unknown = Text(f"{enumeration} {code}, which this host does not know", "Update firmware and host together.")
    return ENUMERATIONS[enumeration].get(code, unknown)


def name(enumeration: str, code: int) -> str:
    """Return the short name of a number, such as ``emergency_stop``; the digits for one that is not known."""
    return next((short for short, number in _NAMES[enumeration] if number == code), str(code))


def bits(texts: dict[int, Text], value: int) -> list[Text]:
    """Return the texts of the bits that are set in ``value``, of ``INPUTS`` or ``SENSOR_FAULTS``."""
    return [text for bit, text in texts.items() if value & bit]
