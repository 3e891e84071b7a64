"""Build the controller's firmware image: MicroPython for the RP2040 with this project's firmware frozen in.

Everything that is not in this repository comes from Debian: the compiler from the installed system, the sources of
MicroPython, of the Pico SDK and of TinyUSB from the suite ``trixie`` with apt, into ``.cache/image`` and without root.
The result is bit-identical for the same sources, in any folder.

    python -m hil.toolchain.image build --out build/image
    python -m hil.toolchain.image packages      # the Debian packages to install first, one a line
    python -m hil.toolchain.image hash          # the firmware hash that the image reports
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from device import identity
from device.seal import sealed
from hil.toolchain import debian
from hil.toolchain.image_sources import (
    APART_AT,
    APART_OCTETS,
    APART_SYMBOL,
    BUILD_JOBS,
    BuildError,
    Tree,
    prepare,
    run,
)

REPOSITORY = Path(__file__).resolve().parents[2]
BOARD_FOLDER = Path(__file__).resolve().parent / "image"

SYSTEM_PACKAGES = ("gcc-arm-none-eabi", "libnewlib-arm-none-eabi", "cmake", "make", "gcc", "libc6-dev")
"""Debian packages that must be installed before an image can be built."""

BOARD_NAME = "NANORIG"
UF2_FAMILY_RP2040 = "0xe48bff56"
FLASH_START = "0x10000000"

PROTOCOL_MODULES = (
    "__init__.py",
    "codes.py",
    "compat.py",
    "framing.py",
    "link.py",
    "link_buffers.py",
    "link_device.py",
    "wire_formats.py",
)
"""The device's half of the wire code: what ``device.identity`` hashes, nothing of the host's half."""

IDENTITY_MODULE = Path("device/_build.py")

EXIT_TOOLS_MISSING = 3
EXIT_FETCH_FAILED = 5

VARIANTS: Mapping[str, str] = {"product": "main.py", "bench": "bench_main.py"}
"""Variant to the file frozen as main.py. The bench image runs scripts sent over UART0 and is never put on a rig."""

STOCK = "stock"
"""The variant with nothing of this project: the port's own board, as anybody's Pico has it."""
STOCK_BOARD = "RPI_PICO"


@dataclass(frozen=True)
class Image:
    """One finished image: the files in the output folder and the SHA-256 of the bytes that go into flash."""

    elf: Path
    bin: Path
    uf2: Path
    sha256: str


def missing_tools() -> list[str]:
    """Name each command or file that a build needs and the system lacks, with the package that brings it."""
    commands = {
        "arm-none-eabi-gcc": "gcc-arm-none-eabi",
        "cmake": "cmake",
        "make": "make",
        "gcc": "gcc",
        "dpkg-deb": "dpkg",
        "apt-get": "apt",
    }
    missing = [f"{command} (package {package})" for command, package in commands.items() if not shutil.which(command)]
    if shutil.which("arm-none-eabi-gcc") and not _has_newlib():
        missing.append("newlib for ARM (package libnewlib-arm-none-eabi)")
    return missing


def _has_newlib() -> bool:
    answer = subprocess.run(
        ["arm-none-eabi-gcc", "-print-file-name=libc.a"], capture_output=True, text=True, check=False
    )
    return Path(answer.stdout.strip()).is_absolute()


def build(out: Path, variant: str = "product", cache: Path | None = None, firmware: Path | None = None) -> Image:
    """Build the image of ``variant`` from the firmware in ``firmware`` (default: this repository) into ``out``.

    Raises BuildError. About a minute at first, some 15 s after a change of the firmware, 2 s after none.
    """
    missing = missing_tools()
    if missing:
        packages = " ".join(SYSTEM_PACKAGES)
        raise BuildError(f"missing: {', '.join(missing)}\ninstall with: apt-get install {packages}", EXIT_TOOLS_MISSING)
    cache = cache or REPOSITORY / ".cache" / "image"
    with _locked(cache):
        tree = prepare(cache)
        folder = cache / f"build-{variant}-{tree.key}"
        if variant == STOCK:
            _compile(tree, folder, stock=True)
            return _publish(tree, folder / "cmake", out, {"variant": variant, "recipe": recipe()})
        name = stage(firmware or REPOSITORY, folder / "frozen", variant)
        _compile(tree, folder, stock=False)
        facts = {"variant": variant, "firmware_hash": name.hex(), "recipe": recipe()}
        return _publish(tree, folder / "cmake", out, facts)


@contextmanager
def _locked(cache: Path) -> Iterator[None]:
    """Let one build at a time use the cache."""
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def firmware_hash(repository: Path = REPOSITORY) -> bytes:
    """Return the 8 octets by which the firmware in ``repository`` names itself on every target."""
    try:
        return identity.hash_sources(f"{repository / 'device'}/")
    except OSError as error:
        raise BuildError(f"a source of the firmware is missing: {error.filename}") from error


def recipe() -> str:
    """Name how an image is made: a hash over everything of this repository that goes into it but the firmware."""
    digest = hashlib.sha256()
    modules = [Path(__file__), *(Path(__file__).with_name(f"{name}.py") for name in ("image_sources", "debian"))]
    for path in [*modules, *sorted(BOARD_FOLDER.iterdir())]:
        if path.is_file():
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]


def stage(repository: Path, frozen: Path, variant: str) -> bytes:
    """Copy what the image freezes into ``frozen``; files that did not change keep their time stamps.

    Returns the firmware hash.
    """
    wanted = {Path(name): BOARD_FOLDER / name for name in ("_boot.py", "boot.py")}
    wanted[Path("main.py")] = BOARD_FOLDER / VARIANTS[variant]
    wanted |= {Path("protocol", name): repository / "protocol" / name for name in PROTOCOL_MODULES}
    wanted |= {path.relative_to(repository): path for path in _modules(repository / "device")}
    for target, source in wanted.items():
        if not source.exists():
            raise BuildError(f"{target} is missing: it belongs into the image")
        _write_if_changed(source.read_bytes(), frozen / target)
    name = firmware_hash(repository)
    _write_if_changed(identity_source(name).encode(), frozen / IDENTITY_MODULE)
    for path in list(_modules(frozen)):
        if path.relative_to(frozen) not in {*wanted, IDENTITY_MODULE}:
            path.unlink()
    return name


def identity_source(name: bytes) -> str:
    """Return what stands in the image's own module: the firmware's hash, and which RAM the heap leaves alone."""
    return f"FIRMWARE_HASH = {name!r}\nAPART_AT = {APART_AT:#x}\nAPART_OCTETS = {APART_OCTETS}\n"


def _modules(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*.py")) if "__pycache__" not in path.parts)


def _write_if_changed(data: bytes, target: Path) -> None:
    if target.exists() and target.read_bytes() == data:
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(data)


def _compile(tree: Tree, folder: Path, *, stock: bool) -> None:
    cmake = folder / "cmake"
    if not (cmake / "Makefile").exists():
        shutil.rmtree(cmake, ignore_errors=True)
        _configure(tree, folder, cmake, _board(folder, stock=stock))
    run(["cmake", "--build", str(cmake), f"-j{BUILD_JOBS}"], "compiler", folder)


def _board(folder: Path, *, stock: bool) -> dict[str, str | Path]:
    """Return what the build is told about the board."""
    if stock:
        manifest = BOARD_FOLDER / "stock_manifest.py"
        return {"MICROPY_BOARD": STOCK_BOARD, "MICROPY_FROZEN_MANIFEST": manifest}
    return {
        "MICROPY_BOARD": BOARD_NAME,
        "MICROPY_BOARD_DIR": BOARD_FOLDER,
        "MICROPY_FROZEN_MANIFEST": BOARD_FOLDER / "manifest.py",
        "MICROPY_MANIFEST_FROZEN_DIR": folder / "frozen",
        "CMAKE_EXE_LINKER_FLAGS": f"-Wl,--defsym={APART_SYMBOL}={APART_OCTETS}",
    }


def _configure(tree: Tree, folder: Path, cmake: Path, board: Mapping[str, str | Path]) -> None:
    definitions = {
        "CMAKE_BUILD_TYPE": "MinSizeRel",
        "CMAKE_C_STANDARD_LIBRARIES": "-lm",
        **board,
        "MICROPY_LIB_DIR": tree.micropython.parent / "lib",
        "PICO_SDK_PATH_OVERRIDE": tree.pico_sdk,
        "PICO_NO_PICOTOOL": "1",
        "Python3_EXECUTABLE": sys.executable,
    }
    options = [f"-D{name}={value}" for name, value in definitions.items()]
    # Names of files inside the image (assertions, debug information) do not depend on where it is built.
    prefixes = f"-ffile-prefix-map={tree.micropython.parent}=. -ffile-prefix-map={folder}=."
    command = ["cmake", "-S", str(tree.micropython / "ports/rp2"), "-B", str(cmake), *options]
    run(command, "cmake", folder, {"CFLAGS": prefixes, "ASMFLAGS": prefixes})


def _publish(tree: Tree, cmake: Path, out: Path, facts: dict[str, str]) -> Image:
    out.mkdir(parents=True, exist_ok=True)
    image = Image(out / "firmware.elf", out / "firmware.bin", out / "firmware.uf2", "")
    shutil.copyfile(cmake / "firmware.elf", image.elf)
    octets = (cmake / "firmware.bin").read_bytes()
    image.bin.write_bytes(octets if facts["variant"] == STOCK else sealed(octets))
    tool = [sys.executable, str(tree.micropython / "tools/uf2conv.py"), "-b", FLASH_START, "-f", UF2_FAMILY_RP2040]
    run([*tool, "-c", "-o", str(image.uf2), str(image.bin)], "uf2conv", cmake)
    sha256 = hashlib.sha256(image.bin.read_bytes()).hexdigest()
    size = image.bin.stat().st_size
    (out / "image.json").write_text(json.dumps({**facts, "sha256": sha256, "octets": size}, indent=2) + "\n")
    return Image(image.elf, image.bin, image.uf2, sha256)


def main(arguments: list[str] | None = None) -> int:
    """Entry point of ``python -m hil.toolchain.image``."""
    parser = argparse.ArgumentParser(prog="hil.toolchain.image", description="Build the controller's firmware image.")
    parser.add_argument("command", nargs="?", choices=("build", "packages", "hash"), default="build")
    parser.add_argument("--out", type=Path, default=Path("build/image"), help="folder for firmware.{elf,bin,uf2}")
    parser.add_argument("--variant", choices=sorted([*VARIANTS, STOCK]), default="product")
    options = parser.parse_args(arguments)
    try:
        return _execute(options)
    except BuildError as error:
        print(f"image: {error}", file=sys.stderr)
        return error.code
    except debian.FetchError as error:
        print(f"image: {error}", file=sys.stderr)
        return EXIT_FETCH_FAILED


def _execute(options: argparse.Namespace) -> int:
    if options.command == "packages":
        print("\n".join(SYSTEM_PACKAGES))
        return 0
    if options.command == "hash":
        print(firmware_hash().hex())
        return 0
    image = build(options.out, options.variant)
    print(f"{image.uf2} ({image.bin.stat().st_size} bytes of flash, sha256 {image.sha256})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
