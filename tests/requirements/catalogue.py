"""The requirements as data, read from `requirements.toml`."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CATALOGUE = Path(__file__).with_name("requirements.toml")
STATES = ("held", "part", "open")


class CatalogueError(Exception):
    """The catalogue contradicts itself. The message names the entry and what is wrong with it."""


@dataclass(frozen=True)
class Requirement:
    """One requirement."""

    id: str
    text: str
    device: bool
    """Whether the firmware alone enforces it."""
    state: str
    source: str = ""
    missing: str = ""
    """What a requirement in state `part` still lacks."""

    @property
    def group(self) -> str:
        """The letters before the number."""
        return self.id.split("-")[0]


@dataclass(frozen=True)
class Catalogue:
    """All requirements, in the order of the file, and their groups' titles."""

    groups: Mapping[str, str]
    requirements: Mapping[str, Requirement]


def load(path: Path = CATALOGUE) -> Catalogue:
    """Read and check the catalogue. Raises CatalogueError."""
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise CatalogueError(f"{path.name}: {error}") from error
    groups = {name: entry["title"] for name, entry in data.get("group", {}).items()}
    requirements = {name: _requirement(name, entry) for name, entry in data.get("requirement", {}).items()}
    for requirement in requirements.values():
        _check(requirement, groups)
    return Catalogue(groups, requirements)


def _requirement(name: str, entry: dict[str, Any]) -> Requirement:
    try:
        return Requirement(id=name, **entry)
    except TypeError as error:
        raise CatalogueError(f"{name}: {error}") from error


def _check(requirement: Requirement, groups: Mapping[str, str]) -> None:
    if requirement.group not in groups:
        raise CatalogueError(f"{requirement.id}: there is no group {requirement.group}")
    if requirement.state not in STATES:
        raise CatalogueError(f"{requirement.id}: state {requirement.state!r} is none of {', '.join(STATES)}")
    if requirement.state == "part" and not requirement.missing:
        raise CatalogueError(f"{requirement.id}: state part needs `missing`, what is not met yet")
    if requirement.state != "part" and requirement.missing:
        raise CatalogueError(f"{requirement.id}: `missing` goes with state part, not {requirement.state}")
