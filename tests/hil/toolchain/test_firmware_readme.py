"""The tables in the firmware's README are the firmware's own."""

import pytest

from device import alarm_table
from hil.toolchain import firmware_readme
from protocol import messages, texts


@pytest.mark.req("ALARM-1")
def test_every_alarm_has_a_row_with_its_words_and_what_to_do():
    table = firmware_readme.alarms_text()
    for row in alarm_table.ROWS:
        text = texts.describe("alarm", row[0])
        assert f"| `{texts.name('alarm', row[0])}`: {text.what} |" in table
        assert f"| {text.todo} |" in table


def test_every_message_has_a_row():
    rows = firmware_readme.messages_text().splitlines()
    assert len(rows) == 2 + len(messages.MESSAGES)


def test_the_readme_is_up_to_date():
    assert firmware_readme.main(["--check"]) == 0


def test_a_section_without_its_marker_is_named():
    with pytest.raises(ValueError, match="section alarms"):
        firmware_readme.readme_text("# device\n")


def test_a_row_that_was_edited_by_hand_is_written_anew():
    text = firmware_readme.README.read_text("utf-8")
    edited = text.replace("| emergency stop pressed |", "| pressed |").replace("stops, at rest too", "nothing", 1)
    assert edited != text
    assert firmware_readme.readme_text(edited) == text
