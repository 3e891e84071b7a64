from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device import seal
from device.seal import PAGE, image_intact, intact, sealed

pytestmark = pytest.mark.req("ALARM-4")
IMAGE = bytes(range(256)) * 20 + b"the last page is not full"


@given(st.binary(min_size=1, max_size=3 * PAGE), st.binary(max_size=3 * PAGE))
def test_a_sealed_image_is_intact_whatever_stands_behind_it(image, behind):
    assert intact(bytearray(sealed(image) + behind))


@given(st.integers(0, 21 * PAGE + 15), st.integers(1, 255))
def test_one_octet_that_changed_is_noticed(index, flip):
    flash = bytearray(sealed(IMAGE))
    flash[index] ^= flip
    assert not intact(flash)


def test_an_older_and_longer_image_behind_it_is_not_taken_for_it():
    older = sealed(IMAGE * 4)
    newer = sealed(IMAGE)
    assert intact(bytearray(newer + older[len(newer) :]))


@pytest.mark.parametrize("flash", [b"", IMAGE, b"\xff" * 8 * PAGE], ids=["nothing", "no seal", "erased"])
def test_a_flash_without_a_seal_is_not_intact(flash):
    assert not intact(bytearray(flash))


def test_the_mark_does_not_stand_in_the_code_that_looks_for_it():
    code = compile(Path(seal.__file__).read_bytes(), seal.__file__, "exec")
    mark = bytes(octet ^ 0xFF for octet in seal._MARK)
    assert mark not in [constant for constant in code.co_consts if isinstance(constant, bytes)]
    assert seal._MARK in code.co_consts


def test_firmware_that_runs_from_its_sources_has_no_image_that_could_be_damaged():
    assert image_intact()
