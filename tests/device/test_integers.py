"""Floats are of single precision on the Pico, and each is an allocation: the firmware computes in integers alone."""

import ast

import pytest

from hil.boards.rp2040.stock import firmware_files
from hil.toolchain.image import REPOSITORY

SOURCES = sorted(name for name in firmware_files(REPOSITORY) if name != "main.py")
FLOATING = {"float", "round", "complex", "math", "cmath"}


def floats_in(source: str) -> list[str]:
    """Every place where a float may come from: a literal, a true division, a negative power, a name."""
    found = []
    for node in ast.walk(ast.parse(source)):
        literal = isinstance(node, ast.Constant) and isinstance(node.value, float)
        divided = isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.Div | ast.Pow)
        named = isinstance(node, ast.Name) and node.id in FLOATING
        imported = isinstance(node, ast.Import) and any(alias.name in FLOATING for alias in node.names)
        if literal or divided or named or imported:
            found.append(ast.unparse(node))
    return found


@pytest.mark.req("DOSE-8", "LEDGER-1")
@pytest.mark.parametrize("name", SOURCES)
def test_a_module_of_the_firmware_has_no_float(name):
    assert floats_in((REPOSITORY / name).read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("source", ["x = 0.5", "x = a / b", "a /= 2", "x = 10 ** -n", "x = float(n)", "import math"])
def test_whatever_makes_a_float_is_found(source):
    assert len(floats_in(source)) == 1


def test_all_of_the_firmware_is_looked_at():
    assert {"device/dose.py", "device/line.py", "protocol/framing.py"} <= set(SOURCES)
