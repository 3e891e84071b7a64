"""MicroPython's Unix port for this machine: the one that is there, or Debian's, fetched into the repository's cache.

`python -m hil.toolchain.micropython` prints the command and the version; with `--pico-like` those of a build whose
floats and ticks are as wide as on a Pico.
"""

import argparse
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hil.toolchain.debian import CACHE, FetchError, fetch_binary, fetch_source, unpack_binary

MINIMUM = (1, 25)
PACKAGES = ("micropython", "libc6", "libffi8", "libmbedcrypto16", "libmbedtls21", "libmbedx509-7")
"""Debian's package and the libraries it names."""

PICO_LIKE = {
    "MICROPY_FLOAT_IMPL": "MICROPY_FLOAT_IMPL_FLOAT",  # 32 bits
    "MICROPY_PY_TIME_TICKS_PERIOD": "0x40000000",  # ticks wrap at 2^30
}
LEFT_OUT = ("MICROPY_PY_BTREE=0", "MICROPY_PY_FFI=0", "MICROPY_PY_JNI=0", "MICROPY_PY_SSL=0", "FROZEN_MANIFEST=")
"""What would need more than a compiler, and nothing of the firmware uses."""

PROBE_TIMEOUT_S = 10
BUILD_TIMEOUT_S = 300
_PROBE = "import sys; print(sys.version)"


class MicroPythonMissingError(Exception):
    """There is no usable MicroPython. The message says what is missing and what to do."""


@dataclass(frozen=True)
class MicroPython:
    """A MicroPython that runs here."""

    command: list[str]
    """What to put before the interpreter's own arguments."""

    version: tuple[int, ...]
    """Its release, such as (1, 25, 0)."""

    banner: str
    """How it names itself, such as `MicroPython v1.25.0 on 2025-05-04`."""


def find_or_fetch(cache: Path = CACHE) -> MicroPython:
    """Find a MicroPython of 1.25 or newer: `$MICROPYTHON`, then the one on PATH, then Debian's, which is fetched once.

    Raises MicroPythonMissingError.
    """
    named = os.environ.get("MICROPYTHON")
    if named:
        return _probe_named(named)
    on_path = shutil.which("micropython")
    if on_path is not None:
        found = probe([on_path])
        if found is not None and found.version >= MINIMUM:
            return found
    return _from_debian(cache)


def pico_like(cache: Path = CACHE) -> MicroPython:
    """Find or build a MicroPython with a Pico's 32-bit floats and 30-bit ticks; a build takes a compiler and 15 s.

    Raises MicroPythonMissingError.
    """
    binary = cache / "micropython-pico-like" / "micropython"
    if not binary.exists():
        _build_pico_like(binary, cache)
    found = probe([str(binary)])
    if found is None:
        raise MicroPythonMissingError(
            f"missing: {binary} does not run on this machine.\nto do:   remove that file and try again."
        )
    return found


def probe(command: Sequence[str]) -> MicroPython | None:
    """Ask a command for its version. None when it is no MicroPython that runs here."""
    try:
        done = subprocess.run(
            [*command, "-c", _PROBE],
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
            timeout=PROBE_TIMEOUT_S,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    banner = re.search(r"MicroPython v(\d+(?:\.\d+)*).*", done.stdout)
    if banner is None:
        return None
    version = tuple(int(part) for part in banner[1].split("."))
    return MicroPython(list(command), version, banner[0].strip())


def _probe_named(named: str) -> MicroPython:
    wanted = ".".join(str(part) for part in MINIMUM)
    found = probe(shlex.split(named))
    if found is None:
        raise MicroPythonMissingError(
            f"missing: MICROPYTHON={named} does not run MicroPython.\n"
            f"to do:   name the Unix port of MicroPython {wanted} or newer, or unset MICROPYTHON."
        )
    if found.version < MINIMUM:
        raise MicroPythonMissingError(
            f"missing: MICROPYTHON={named} is {found.banner}; {wanted} or newer is needed.\n"
            "to do:   name a newer one, or unset MICROPYTHON."
        )
    return found


def _from_debian(cache: Path) -> MicroPython:
    root = cache / "micropython"
    if not root.is_dir():
        _unpack(root, cache)
    found = probe(_through_own_loader(root))
    if found is None:
        raise MicroPythonMissingError(
            f"missing: the MicroPython in {root} does not run on this machine.\n"
            "to do:   remove that folder and try again, or set MICROPYTHON to the Unix port of 1.25 or newer."
        )
    return found


def _unpack(root: Path, cache: Path) -> None:
    # Unpacked aside and renamed, so that the folder is whole as soon as it is there.
    partial = root.with_name(f"{root.name}.{os.getpid()}")
    try:
        unpack_binary(fetch_binary(PACKAGES, cache=cache), partial)
    except FetchError as error:
        raise MicroPythonMissingError(
            "missing: MicroPython 1.25 or newer; there is none on PATH, and Debian's could not be fetched.\n"
            f"to do:   mend what is said below, or set MICROPYTHON to the Unix port of 1.25 or newer.\n{error}"
        ) from error
    try:
        partial.rename(root)
    except OSError:
        # Another process was first.
        shutil.rmtree(partial)


def _through_own_loader(root: Path) -> list[str]:
    """Make the command that runs the unpacked binary with the C library it was made for, whatever the system's is."""
    loaders = sorted(root.glob("usr/lib/*/ld-linux-*.so.*"))
    if not loaders:
        raise MicroPythonMissingError(f"missing: a loader in {root}.\nto do:   remove that folder and try again.")
    return [str(loaders[0]), "--library-path", str(loaders[0].parent), str(root / "usr/bin/micropython")]


def _build_pico_like(binary: Path, cache: Path) -> None:
    absent = [tool for tool in ("gcc", "make") if shutil.which(tool) is None]
    if absent:
        raise MicroPythonMissingError(
            f"missing: {' and '.join(absent)}, to build MicroPython with a Pico's floats and ticks.\n"
            "to do:   apt-get install gcc libc6-dev make (as root)."
        )
    try:
        tree = fetch_source("micropython", cache=cache)
    except FetchError as error:
        raise MicroPythonMissingError(str(error)) from error
    binary.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=binary.parent) as build:
        _make(tree, Path(build))
        (Path(build) / "micropython").replace(binary)


def _make(tree: Path, build: Path) -> None:
    changelog = (tree / "debian" / "changelog").read_text(encoding="utf-8")
    release = re.search(r"\((\d+(?:\.\d+)*)", changelog)
    defines = " ".join(f"-D{name}={value}" for name, value in PICO_LIKE.items())
    # Version and date are given, or those of a surrounding repository and of the moment would be stamped in.
    settings = {
        "MICROPY_GIT_TAG": f"v{release[1] if release else '0'}",
        "MICROPY_GIT_HASH": "pico-like",
        "SOURCE_DATE_EPOCH": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    makefile_folder = tree / "ports" / "unix"
    command = ["make", f"-j{os.cpu_count() or 1}", "-C", str(makefile_folder), f"BUILD={build}", *LEFT_OUT]
    inherited = {name: value for name, value in os.environ.items() if name not in {"MAKEFLAGS", "MAKELEVEL", "MFLAGS"}}
    done = subprocess.run(
        [*command, f"PYTHON={sys.executable}", f"CFLAGS_EXTRA={defines}"],
        env=inherited | settings,
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        timeout=BUILD_TIMEOUT_S,
    )
    if done.returncode != 0:
        raise MicroPythonMissingError(
            f"missing: MicroPython with a Pico's floats and ticks; building it in {makefile_folder} failed.\n"
            f"to do:   apt-get install gcc libc6-dev make (as root), and see what make said:\n{done.stderr[-2000:]}"
        )


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the command and version of the MicroPython that tests run on."""
    parser = argparse.ArgumentParser(prog="python -m hil.toolchain.micropython", description=main.__doc__)
    parser.add_argument("--quiet", action="store_true", help="print nothing when all is well")
    parser.add_argument("--pico-like", action="store_true", help="the one with a Pico's floats and ticks, built here")
    options = parser.parse_args(arguments)
    try:
        found = pico_like() if options.pico_like else find_or_fetch()
    except MicroPythonMissingError as error:
        print(error, file=sys.stderr)
        return 1
    if not options.quiet:
        print(shlex.join(found.command))
        print(found.banner)
    return 0


if __name__ == "__main__":
    sys.exit(main())
