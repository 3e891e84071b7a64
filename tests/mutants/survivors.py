"""The mutants that no test can notice, or need not, each with its reason: survivors.toml."""

import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path

from tests.mutants.execute import KILLED, TIMED_OUT
from tests.mutants.generate import Mutant

LIST = Path(__file__).with_name("survivors.toml")
NOTICED = (KILLED, TIMED_OUT)


def load(path: Path = LIST) -> dict[str, str]:
    """Return the reason of each survivor by the mutant's name.

    Raises:
        ValueError: an entry has no reason, or names a change that another names too.
    """
    reasons: dict[str, str] = {}
    for entry in tomllib.loads(path.read_text(encoding="utf-8")).get("survivor", []):
        for change in entry["changes"]:
            name = f"{entry['module']}: {entry['function']}: {change}"
            if not entry["reason"].strip() or name in reasons:
                raise ValueError(f"{path.name}: without a reason of its own: {name}")
            reasons[name] = entry["reason"]
    return reasons


def unlisted(fates: Mapping[Mutant, str], listed: Iterable[str]) -> list[str]:
    """Return the survivors that have no reason."""
    names = set(listed)
    return [
        f"{mutant.name} [{fate}]" for mutant, fate in fates.items() if fate not in NOTICED and mutant.name not in names
    ]


def noticed(fates: Mapping[Mutant, str], listed: Iterable[str]) -> list[str]:
    """Return the listed survivors that the tests notice by now."""
    names = set(listed)
    return [mutant.name for mutant, fate in fates.items() if fate in NOTICED and mutant.name in names]


def gone(mutants: Iterable[Mutant], listed: Iterable[str]) -> list[str]:
    """Return the listed survivors that no longer are mutants of these modules: their rule reads otherwise now."""
    there = {mutant.name for mutant in mutants}
    return [name for name in listed if name not in there]
