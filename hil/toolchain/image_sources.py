"""The image's sources: MicroPython, Pico SDK and TinyUSB from Debian, patched and laid out for a build."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from hil.toolchain import debian

MICROPYTHON_SOURCE = "micropython"
LIBRARY_PACKAGES = ("pico-sdk-source", "tinyusb-source")
BUILD_JOBS = 2
EXIT_BUILD_FAILED = 4

# Compiled for speed as MicroPython's build does with vm.c: what runs at every call, attribute and collection.
_FAST_LIST = "    ${MICROPY_PY_DIR}/map.c\n"
FAST_FILES = ("gc.c", "runtime.c", "obj.c", "objfun.c", "objtype.c", "bc.c", "argcheck.c", "objint.c", "smallint.c")

# What a board's header may say otherwise: how much state of a function call, in octets, fits on the stack. A bigger one
# is taken from the heap at every call.
_STACK_STATE = "#define VM_MAX_STATE_ON_STACK (sizeof(mp_uint_t) * 11)"

# A part of the RAM at its end that the heap leaves alone, for linkers that are told APART_SYMBOL.
APART_SYMBOL = "__apart_octets__"
APART_OCTETS = 14 * 1024
APART_AT = 0x20040000 - APART_OCTETS
# Native code for this processor reads its larger constants from words between its instructions, which the assembler
# puts four octets apart from the function's beginning: frozen at an odd half-word, the code would read others.
_NATIVE_ALIGNED = """# ARMVxxM or RV32IMC -- two byte align.
            self.fun_data_attributes += " __attribute__ ((aligned (2)))"
"""
_HEAP_END = "__GcHeapEnd = ORIGIN(RAM) + LENGTH(RAM)"

# A fixed instant (2025-04-15) for every time stamp that a compiler or a tool would put into the image.
SOURCE_DATE_EPOCH = "1744675200"


class BuildError(Exception):
    """The image could not be built; the text says what failed and what to do. ``code`` is the exit code."""

    def __init__(self, message: str, code: int = EXIT_BUILD_FAILED) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class Tree:
    """Unpacked and patched sources with the bytecode compiler built in them; ``key`` names their versions."""

    micropython: Path
    pico_sdk: Path
    key: str


def prepare(cache: Path) -> Tree:
    """Fetch, unpack and patch the sources and build mpy-cross; does nothing where that is done already."""
    upstream = debian.fetch_source(MICROPYTHON_SOURCE)
    libraries = debian.fetch_binary(LIBRARY_PACKAGES)
    versions = [(upstream / "debian/changelog").read_bytes(), *(path.name.encode() for path in libraries)]
    key = _digest([*versions, Path(__file__).read_bytes()])[:12]
    root = cache / f"sources-{key}"
    if not (root / "ready").exists():
        shutil.rmtree(root, ignore_errors=True)
        _lay_out(upstream, libraries, root)
        _patch(root)
        run(["make", "-C", str(root / "micropython/mpy-cross"), f"-j{BUILD_JOBS}"], "mpy-cross", root)
        (root / "ready").touch()
    return Tree(root / "micropython", root / "pico-sdk", key)


def _lay_out(upstream: Path, libraries: list[Path], root: Path) -> None:
    """Put the sources where MicroPython's build looks for them; ``lib`` stands for its empty package library."""
    shutil.copytree(upstream, root / "micropython", symlinks=True)
    debian.unpack_binary(libraries, root / "deb")
    (root / "pico-sdk").symlink_to("deb/usr/src/pico-sdk")
    (root / "lib").mkdir()
    (root / "lib" / "README.md").touch()
    tinyusb = root / "micropython/lib/tinyusb"
    shutil.rmtree(tinyusb)
    tinyusb.symlink_to("../../deb/usr/src/tinyusb")


def _patch(root: Path) -> None:
    """Leave out what has no source here: mbedtls, and the SDK's one C++ file (there is no C++ in the image).

    And let a board choose where calls keep their state, and how much RAM the heap leaves alone; and put frozen native
    code where its constants are read right.
    """
    port = root / "micropython/ports/rp2"
    _replace(
        port / "CMakeLists.txt",
        ("set(MICROPY_SSL_MBEDTLS ON)\n", ""),
        ("    mbedtls/mbedtls_port.c\n", ""),
        ("target_link_libraries(${MICROPY_TARGET} micropy_lib_mbedtls)\n", ""),
        (_FAST_LIST, _FAST_LIST + "".join(f"    ${{MICROPY_PY_DIR}}/{name}\n" for name in FAST_FILES)),
    )
    choice = f"#ifndef VM_MAX_STATE_ON_STACK\n{_STACK_STATE}\n#endif"
    _replace(root / "micropython/py/objfun.c", (_STACK_STATE, choice))
    apart = f"(DEFINED({APART_SYMBOL}) ? {APART_SYMBOL} : 0)"
    _replace(root / "micropython/tools/mpy-tool.py", (_NATIVE_ALIGNED, _NATIVE_ALIGNED.replace("(2)", "(4)")))
    _replace(port / "memmap_mp_rp2040.ld", (_HEAP_END, f"{_HEAP_END} - {apart}"))
    options = ("PY_HASHLIB_SHA1", "PY_CRYPTOLIB", "PY_MACHINE_BITSTREAM", "PY_ONEWIRE", "SSL_MBEDTLS")
    _drop_lines(port / "mpconfigport.h", [f"#define MICROPY_{option} " for option in options])
    _replace(
        root / "pico-sdk/src/rp2_common/pico_cxx_options/CMakeLists.txt",
        ("${CMAKE_CURRENT_LIST_DIR}/new_delete.cpp", ""),
    )


def _replace(path: Path, *changes: tuple[str, str]) -> None:
    text = path.read_text()
    for old, new in changes:
        if old not in text:
            raise BuildError(f"{path.name}: expected {old.strip()!r}; this version of the source needs another patch")
        text = text.replace(old, new)
    path.write_text(text)


def _drop_lines(path: Path, starts: Iterable[str]) -> None:
    wanted = tuple(starts)
    lines = path.read_text().splitlines(keepends=True)
    for start in wanted:
        if not any(line.startswith(start) for line in lines):
            raise BuildError(f"{path.name}: expected a line {start!r}; this version of the source needs another patch")
    path.write_text("".join(line for line in lines if not line.startswith(wanted)))


def run(command: list[str], what: str, log_folder: Path, extra: Mapping[str, str] | None = None) -> None:
    """Run one tool with a fixed environment; on failure the end of its output goes into the BuildError.

    The whole output lands in ``log_folder``; ``extra`` adds environment variables.
    """
    environment = {
        **os.environ,
        "SOURCE_DATE_EPOCH": SOURCE_DATE_EPOCH,
        "MICROPY_GIT_TAG": f"debian {debian.SUITE}",
        "MICROPY_GIT_HASH": "packaged",
        "LC_ALL": "C",
        **(extra or {}),
    }
    result = subprocess.run(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    log_folder.mkdir(parents=True, exist_ok=True)
    (log_folder / f"{what}.log").write_text(result.stdout)
    if result.returncode != 0:
        raise BuildError(f"{what} failed with exit code {result.returncode}:\n{result.stdout[-4000:]}")


def _digest(parts: Iterable[bytes]) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(hashlib.sha256(part).digest())
    return digest.hexdigest()
