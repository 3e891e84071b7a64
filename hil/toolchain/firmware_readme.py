"""Writes the generated sections of ``device/README.md``: the alarm table, and which message is answered how.

    python -m hil.toolchain.firmware_readme            # write them anew
    python -m hil.toolchain.firmware_readme --check    # exit 1 when they differ from their sources

The rows come from ``device.alarm_table`` and ``protocol.messages``, the words from ``protocol.texts``.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path

from device import alarm_table
from device.controller import TICK_MS
from protocol import codes, messages, texts

README = Path(__file__).resolve().parents[2] / "device" / "README.md"

SCOPES: Mapping[int, str] = {
    alarm_table.SCOPE_ALWAYS: "always",
    alarm_table.SCOPE_FLOWING: "flow",
    alarm_table.SCOPE_PATIENT: "flow to the patient",
    alarm_table.SCOPE_AGENT: "agent to the patient",
}
ACTIONS: Mapping[int, str] = {
    alarm_table.ACTION_NONE: "nothing",
    alarm_table.ACTION_PAUSE_AGENT: "pauses agent",
    alarm_table.ACTION_PAUSE: "pauses",
    alarm_table.ACTION_END: "ends the dose",
    alarm_table.ACTION_STOP: "stops",
    alarm_table.ACTION_STOP_ALWAYS: "stops, at rest too",
}
INHIBITS: Mapping[int, str] = {
    alarm_table.INHIBITS_NONE: "none",
    alarm_table.INHIBITS_AGENT: "agent",
    alarm_table.INHIBITS_ALL: "all",
}


def alarms_text() -> str:
    """Return the alarm table, one row an alarm."""
    lines = [
        "| alarm | counts during | trips, gone after (ms) | priority | flow | forbids orders | latches | what to do |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for alarm, scope, trip_ticks, clear_ticks, priority, inhibits, action, latches, _cause in alarm_table.ROWS:
        text = texts.describe("alarm", alarm)
        after = f"{trip_ticks * TICK_MS}, {clear_ticks * TICK_MS}"
        lines.append(
            f"| `{texts.name('alarm', alarm)}`: {text.what} | {SCOPES[scope]} "
            f"| {after} | {texts.name('priority', priority)} | {ACTIONS[action]} "
            f"| {INHIBITS[inhibits]} | {'yes' if latches else 'no'} | {text.todo} |"
        )
    return "\n".join(lines) + "\n"


def messages_text() -> str:
    """Return what the device takes and what it says, one row a message."""
    names = {row[0]: row[1] for row in messages.MESSAGES}
    answers = dict(messages.ANSWERS)
    lines = ["| message | direction | class | answered by | octets of body |", "|---|---|---|---|---|"]
    for number, name, direction, kind, _fields in messages.MESSAGES:
        answer = names[answers[number]] if number in answers else ""
        lines.append(f"| {name} 0x{number:02X} | {direction} | {kind} | {answer} | {messages.SIZES[number]} |")
    return "\n".join(lines) + "\n"


def self_test_text() -> str:
    """Return the parts of the self-test, one row a bit."""
    lines = ["| bit | part | what to do |", "|---|---|---|"]
    lines += [f"| 0x{bit:03X} | {text.what} | {text.todo} |" for bit, text in texts.SELF_TEST.items()]
    return "\n".join(lines) + "\n"


def readme_text(text: str) -> str:
    """Return the README with its generated sections written anew. Raises ``ValueError`` when a marker is missing."""
    for section, content in (
        ("alarms", alarms_text()),
        ("messages", messages_text()),
        ("self-test", self_test_text()),
    ):
        begin, end = f"<!-- begin {section}: generated -->\n", f"<!-- end {section} -->\n"
        if begin not in text or end not in text:
            raise ValueError(
                f"device/README.md has no section {section}: write {begin.strip()} and {end.strip()} into it"
            )
        text = text[: text.index(begin) + len(begin)] + content + text[text.index(end) :]
    return text


def main(arguments: list[str] | None = None) -> int:
    """Write or check the sections; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m hil.toolchain.firmware_readme")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when a section differs")
    options = parser.parse_args(arguments)
    present = README.read_text("utf-8")
    wanted = readme_text(present)
    if options.check:
        if present != wanted:
            print("device/README.md differs from the firmware's tables: run make docs", file=sys.stderr)
        return int(present != wanted)
    README.write_text(wanted, "utf-8")
    return 0


# Every code that a table above names has its word.
assert {row[1] for row in alarm_table.ROWS} <= set(SCOPES)
assert {row[6] for row in alarm_table.ROWS} <= set(ACTIONS)
assert len(alarm_table.ROWS) == len(codes.ALARMS)

if __name__ == "__main__":
    sys.exit(main())
