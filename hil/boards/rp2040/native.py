"""The emulator and its lock-step loop as machine code, built on demand into ``.cache/rp2040``.

The published wheels of rp2040py are built against Python's stable ABI, which costs a factor of four to five in speed.
So its source distribution is fetched with pip and compiled for this very interpreter, together with ``lockstep.pyx``.
Where the source cannot be had, the installed wheel serves, with only the loop compiled against the files it ships.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib
import importlib.metadata
import importlib.util
import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol, cast

EMULATOR = "rp2040py"
EMULATOR_VERSION = "0.3.6"
LOOP = "lockstep"
LOOP_SOURCE = Path(__file__).with_name("lockstep.pyx")
CACHE = Path(__file__).resolve().parents[3] / ".cache" / "rp2040"

NS_PER_CYCLE = 8

_BUILD_SCRIPT = """
import sys
from glob import glob
from Cython.Build import cythonize
from setuptools import Extension, setup
sources = sorted(glob("rp2040py/native/*.pyx")) + ["lockstep.pyx"]
extensions = [Extension(name[:-4].replace("/", "."), [name], extra_compile_args=["-O3"]) for name in sources]
directives = {"language_level": "3", "boundscheck": False, "wraparound": False}
modules = cythonize(extensions, compiler_directives=directives, nthreads=2, include_path=sys.path)
setup(ext_modules=modules, script_args=["build_ext", "--inplace", "-j2"])
"""


class NativeError(Exception):
    """The emulator could not be made ready; the text says what is missing and what to do."""


class LockStep(Protocol):
    """What ``lockstep.pyx`` offers; all times are cycles of 8 ns since power-on."""

    cycles: int
    event_cycles: int
    instructions: int
    slept: int
    stop_requested: bool
    hung: bool

    def watch(self, address: int, callback: Callable[[], None]) -> None:
        """Call back whenever the instruction at ``address`` in flash is about to run."""

    def unwatch(self, address: int) -> None:
        """Forget what ``watch`` set."""

    def run(self, until: int) -> None:
        """Run up to cycle ``until``, or until ``stop_requested`` is set from a callback."""


def load() -> Callable[[Any], LockStep]:
    """Make ``import rp2040py`` give the fast build and return the loop's class. Compiles for a minute at first."""
    return cast("Callable[[Any], LockStep]", _load_module().LockStep)


def _load_module() -> ModuleType:
    loaded = sys.modules.get(LOOP)
    if loaded is not None:
        return loaded
    folder = _build()
    if (folder / EMULATOR).is_dir() and EMULATOR not in sys.modules:
        sys.path.insert(0, str(folder))
        importlib.import_module(EMULATOR)
        sys.path.remove(str(folder))
    library = folder / (LOOP + cast("str", sysconfig.get_config_var("EXT_SUFFIX")))
    spec = importlib.util.spec_from_file_location(LOOP, library)
    if spec is None or spec.loader is None:
        raise NativeError(f"{library} is not an extension module; remove {CACHE} and try again")
    module = importlib.util.module_from_spec(spec)
    sys.modules[LOOP] = module
    spec.loader.exec_module(module)
    return module


def _build() -> Path:
    """Return the folder of the compiled emulator and loop, after compiling them where they are not there yet."""
    key = hashlib.sha256(
        LOOP_SOURCE.read_bytes() + _BUILD_SCRIPT.encode() + sys.version.encode() + sys.prefix.encode()
    ).hexdigest()[:12]
    folder = CACHE / f"{EMULATOR}-{EMULATOR_VERSION}-{key}"
    with _locked():
        if not (folder / "ready").exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            _lay_out(folder)
            _run([sys.executable, "-c", _BUILD_SCRIPT], folder)
            (folder / "ready").touch()
    return folder


def _lay_out(folder: Path) -> None:
    shutil.copyfile(LOOP_SOURCE, folder / LOOP_SOURCE.name)
    try:
        source = _fetch_source()
    except NativeError as error:
        _require_wheel(error)
        return
    shutil.copytree(source / "src" / EMULATOR, folder / EMULATOR)


def _fetch_source() -> Path:
    """Return the unpacked source distribution, fetched with pip from the index that it is set up with."""
    name = f"{EMULATOR}-{EMULATOR_VERSION}"
    if not (CACHE / name / "src").is_dir():
        CACHE.mkdir(parents=True, exist_ok=True)
        wanted = f"{EMULATOR}=={EMULATOR_VERSION}"
        options = ["--no-deps", "--no-binary", EMULATOR, "--disable-pip-version-check", "--quiet"]
        _run([sys.executable, "-m", "pip", "download", *options, "--dest", str(CACHE), wanted], CACHE)
        with tarfile.open(CACHE / f"{name}.tar.gz") as archive:
            if hasattr(tarfile, "data_filter"):
                archive.extraction_filter = tarfile.data_filter
            archive.extractall(CACHE)  # noqa: S202
    return CACHE / name


def _require_wheel(cause: NativeError) -> None:
    try:
        installed = importlib.metadata.version(EMULATOR)
    except importlib.metadata.PackageNotFoundError:
        installed = "none"
    if installed != EMULATOR_VERSION:
        raise NativeError(f"{EMULATOR} {EMULATOR_VERSION} is needed (installed: {installed}); {cause}")


@contextmanager
def _locked() -> Iterator[None]:
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _run(command: list[str], folder: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    result = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise NativeError(f"{command[:4]} failed:\n{(result.stdout + result.stderr)[-3000:]}")
