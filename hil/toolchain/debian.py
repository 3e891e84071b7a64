"""Packages of a Debian suite, fetched with the system's apt into a private folder and never installed.

apt itself checks every file: the suite's index against the system's Debian keyring, each package against that index.
The mirror is the one the system is configured with. Nothing needs root or touches the system's own package state.
"""

import fcntl
import os
import re
import shutil
import subprocess
import tarfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

SUITE = "trixie"
"""The suite everything is taken from, the first with MicroPython 1.25; by its codename, so that it never moves on."""

CACHE = Path(__file__).resolve().parents[2] / ".cache"
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
INDEX_FRESH_S = 3600
"""A younger index is used as it is. An older one may name files that the mirror has dropped since."""
COMMAND_TIMEOUT_S = 600
"""Bounds one command; the largest download is an index of 10 MB."""


class FetchError(Exception):
    """Packages cannot be had here. The message says what is missing and what to do."""


def fetch_binary(packages: Sequence[str], suite: str = SUITE, cache: Path = CACHE) -> list[Path]:
    """Fetch binary packages of this machine's architecture, without their dependencies.

    Returns one .deb a package, in the order asked. Packages fetched before are taken from the cache.
    """
    folder = cache / "debs" / suite
    folder.mkdir(parents=True, exist_ok=True)
    with _locked(cache):
        missing = [package for package in packages if _find_deb(folder, package) is None]
        if missing:
            apt = PrivateApt("deb", suite, cache)
            apt.update()
            apt.run("apt-get", "download", *missing, folder=folder)
    found = [_find_deb(folder, package) for package in packages]
    return [deb for deb in found if deb is not None]


def unpack_binary(debs: Sequence[Path], into: Path) -> None:
    """Unpack packages into one folder, as they would lie under /."""
    into.mkdir(parents=True, exist_ok=True)
    for deb in debs:
        _run(["dpkg-deb", "--extract", str(deb), str(into)])


def fetch_source(package: str, suite: str = SUITE, cache: Path = CACHE) -> Path:
    """Fetch and unpack a source package: the upstream tree, with Debian's folder in `debian/` and no patch applied.

    Returns the folder of the tree. Callers share it, so whoever builds in it or patches it works on a copy.
    """
    tree = cache / "sources" / suite / package
    with _locked(cache):
        if not tree.is_dir():
            downloads = tree.with_name(f"{package}.download")
            shutil.rmtree(downloads, ignore_errors=True)
            downloads.mkdir(parents=True)
            apt = PrivateApt("deb-src", suite, cache)
            apt.update()
            apt.run("apt-get", "source", "--download-only", "--only-source", package, folder=downloads)
            _unpack_source(downloads).rename(tree)
            shutil.rmtree(downloads)
    return tree


class PrivateApt:
    """The system's apt, with its own lists, sources and package state under one folder.

    The kind is apt's word for what a source line offers: `deb` or `deb-src`. Each has a folder and an index of its own.
    """

    def __init__(self, kind: str, suite: str, cache: Path) -> None:
        self._kind = kind
        self._suite = suite
        self._home = cache / "apt" / f"{suite}-{kind}"
        self._sources = self._home / "sources.list"
        self._config = self._home / "apt.conf"
        self._updated = self._home / "updated"

    def update(self) -> None:
        """Fetch the suite's indexes, unless they are fresh. Tries each mirror that the system names."""
        _require_apt()
        if self._updated.exists() and time.time() - self._updated.stat().st_mtime < INDEX_FRESH_S:
            return
        self._lay_out()
        reasons = []
        for mirror in _mirrors():
            line = f"{self._kind} [signed-by={KEYRING}] {mirror} {self._suite} main\n"
            self._sources.write_text(line, encoding="utf-8")
            try:
                self.run("apt-get", "update", "--error-on=any", folder=self._home)
            except FetchError as error:
                reasons.append(str(error))
            else:
                self._updated.touch()
                return
        raise FetchError(
            f"missing: the index of Debian's suite {self._suite}; no mirror that apt is configured with has it.\n"
            "to do:   see that the network and /etc/apt/sources.list* are right (try `apt-get update` as root).\n"
            + "\n".join(reasons)
        )

    def run(self, *command: str, folder: Path) -> str:
        """Run an apt command with this configuration, in a folder. Returns what it printed."""
        return _run(command, folder=folder, environment={"APT_CONFIG": str(self._config)})

    def _lay_out(self) -> None:
        for name in ("lists/partial", "cache/archives/partial"):
            (self._home / name).mkdir(parents=True, exist_ok=True)
        (self._home / "status").touch()
        self._config.write_text(self._configuration(), encoding="utf-8")

    def _configuration(self) -> str:
        # Proxies, time-outs and the like are the system's. Its other settings stay out: their hooks would run on the
        # system's folders, and their pins speak of another suite.
        system = _run(["apt-config", "dump", "--format", '%f "%v";%n']).splitlines()
        kept = [line for line in system if line.startswith("Acquire::") and "::IndexTargets" not in line]
        own = {
            "APT::Architecture": _run(["dpkg", "--print-architecture"]).strip(),
            "APT::Sandbox::User": "root",  # an unprivileged helper could not write here; only root ever changes user
            "Acquire::GzipIndexes": "true",
            "Acquire::Languages": "none",
            "Dir::Cache": f"{self._home}/cache",
            "Dir::Cache::pkgcache": "",
            "Dir::Cache::srcpkgcache": "",
            "Dir::Etc::Main": "/dev/null",
            "Dir::Etc::Parts": "/dev/null",
            "Dir::Etc::Preferences": "/dev/null",
            "Dir::Etc::PreferencesParts": "/dev/null",
            "Dir::Etc::SourceList": str(self._sources),
            "Dir::Etc::SourceParts": "/dev/null",
            "Dir::State::Lists": f"{self._home}/lists",
            "Dir::State::Status": f"{self._home}/status",
        }
        return "\n".join([*kept, *(f'{name} "{value}";' for name, value in own.items()), ""])


def _mirrors() -> list[str]:
    """List what may be Debian's main archive in apt's configuration, the most likely first.

    A wrong one does no harm: it either has no such suite or fails the check against Debian's keyring.
    """
    filters = ["Created-By: Packages", "Origin: Debian", "Label: Debian", "Component: main"]
    indexed = _run(["apt-get", "indextargets", "--format", "$(REPO_URI)", *filters]).split()
    # Where the lists are empty nobody knows yet whose archive an address is.
    planned = re.findall(r"^'(\S+?)/?dists/\S+/InRelease'", _run(["apt-get", "--print-uris", "update"]), re.MULTILINE)
    guessed = sorted(planned, key=lambda address: "security" in address)
    return list(dict.fromkeys(address.rstrip("/") for address in [*indexed, *guessed]))


def _find_deb(folder: Path, package: str) -> Path | None:
    """Find a package in a folder: its newest file, as version numbers do not sort as text."""
    return max(folder.glob(f"{package}_*.deb"), key=lambda path: path.stat().st_mtime, default=None)


def _unpack_source(downloads: Path) -> Path:
    archives = [path for path in sorted(downloads.iterdir()) if ".tar." in path.name and not path.name.endswith(".asc")]
    upstream = [path for path in archives if ".debian.tar." not in path.name]
    if len(upstream) != 1:
        names = ", ".join(path.name for path in archives)
        raise FetchError(f"expected one upstream archive in the source package, found: {names or 'none'}")
    top = downloads / "unpacked"
    _extract(upstream[0], top)
    inside = list(top.iterdir())
    tree = inside[0] if len(inside) == 1 and inside[0].is_dir() else top
    for archive in archives:
        if archive not in upstream:
            _extract(archive, tree)
    return tree


def _extract(archive: Path, into: Path) -> None:
    with tarfile.open(archive) as tar:
        # Debian 12's Python knows no extraction filters; the archive's hash is vouched for by Debian's signature.
        if hasattr(tarfile, "tar_filter"):
            tar.extraction_filter = tarfile.tar_filter
        tar.extractall(into)  # noqa: S202


def _require_apt() -> None:
    absent = [tool for tool in ("apt-get", "apt-config", "dpkg", "dpkg-deb") if shutil.which(tool) is None]
    if absent:
        raise FetchError(
            f"missing: {', '.join(absent)}; packages can be fetched on Debian and systems made from it only.\n"
            "to do:   run this on Debian 12 or newer."
        )
    if not KEYRING.exists():
        raise FetchError(
            f"missing: {KEYRING}, which apt checks Debian's packages with.\n"
            "to do:   apt-get install debian-archive-keyring (as root)."
        )


def _run(command: Sequence[str], folder: Path | None = None, environment: dict[str, str] | None = None) -> str:
    settings = os.environ | {"LC_ALL": "C"} | (environment or {})
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=settings,
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
            timeout=COMMAND_TIMEOUT_S,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise FetchError(f"`{' '.join(command)}` could not run to its end: {error}") from error
    if done.returncode != 0:
        raise FetchError(f"`{' '.join(command)}` ended with {done.returncode}:\n{(done.stderr or done.stdout).strip()}")
    return done.stdout


@contextmanager
def _locked(cache: Path) -> Iterator[None]:
    """Let one process at a time change the cache; the others wait, then find what they wanted."""
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
