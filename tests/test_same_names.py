"""A name that changes from one collection to the next is found before two workers disagree over it."""

import pytest

from tests.same_names import collected, differences

PARAMETERS = {
    "the time": "[time.time_ns()]",
    "a draw": "[random.random()]",
    "the order of a set": "sorted({str(each) for each in range(50)}, key=hash)",
}


def folder_with(folder, parameters):
    path = folder / "test_it.py"
    path.write_text(
        f"import random, time, pytest\n@pytest.mark.parametrize('x', {parameters})\ndef test_it(x):\n    pass\n"
    )
    return [str(path), f"--rootdir={folder}", "-p", "no:cacheprovider"]


@pytest.mark.parametrize("parameters", PARAMETERS.values(), ids=PARAMETERS)
def test_a_name_that_is_drawn_anew_is_found(tmp_path, parameters):
    assert differences(folder_with(tmp_path, parameters))


def test_names_that_stay_are_not_complained_of(tmp_path):
    assert differences(folder_with(tmp_path, "['a', 'b']")) == []


def test_tests_that_cannot_be_collected_are_no_agreement(tmp_path):
    with pytest.raises(RuntimeError, match="could not be collected"):
        collected(1, folder_with(tmp_path, "[nothing_of_this_name]"))
