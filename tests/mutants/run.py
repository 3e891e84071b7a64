"""Runs the mutants of the rules, or a sample of them, and says which survive without a reason."""

import argparse
import os
import sys
from collections.abc import Sequence
from random import Random
from time import monotonic

from tests.mutants import survivors
from tests.mutants.execute import KILLED, TIMED_OUT, Judgement, TestsFailError, judge
from tests.mutants.generate import Mutant, mutants_of
from tests.mutants.rules import RULES

LEAST_NOTICED = 0.9
_SAMPLE_MODULES = 3


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return 1 when a survivor is not listed, a listed one is none, or too many survive."""
    asked = _parser().parse_args(arguments)
    started = monotonic()
    mutants = [mutant for module in RULES for mutant in mutants_of(module)]
    listed = survivors.load()
    gone = survivors.gone(mutants, listed)
    if asked.sample:
        chosen = draw([mutant for mutant in mutants if mutant.name not in listed], asked.sample, asked.seed)
    else:
        chosen = [mutant for mutant in mutants if mutant.module in (asked.modules or RULES)]
    try:
        judgement = judge(chosen, asked.jobs)
    except TestsFailError as error:
        print(error)
        return 1
    print(f"{len(chosen)} of {len(mutants)} mutants in {monotonic() - started:.0f} s")
    scarce = [] if asked.sample else _show(judgement)
    complaints = {
        "these survive, and have no reason in survivors.toml": survivors.unlisted(judgement.fates, listed),
        "these are listed in survivors.toml, and noticed by now": survivors.noticed(judgement.fates, listed),
        "these are listed in survivors.toml, and are no change to the source any more": gone,
        f"of these modules less than {LEAST_NOTICED:.0%} is noticed": scarce,
    }
    for complaint, names in complaints.items():
        if names:
            print("\n    ".join([f"{complaint}:", *names]))
    return 1 if any(complaints.values()) else 0


def draw(mutants: Sequence[Mutant], count: int, seed: int) -> list[Mutant]:
    """Draw some mutants of a few modules, by the seed: the tests of every module would take too long."""
    random = Random(seed)
    modules = random.sample(list(RULES), _SAMPLE_MODULES)
    of_them = [mutant for mutant in mutants if mutant.module in modules]
    return random.sample(of_them, min(count, len(of_them)))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants.run", description=__doc__)
    parser.add_argument(
        "modules", nargs="*", choices=[[], *RULES], metavar="module", help="of device (default: all rules)"
    )
    parser.add_argument("--sample", type=int, default=0, metavar="N", help="run N mutants, drawn by the seed")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    return parser


def _show(judgement: Judgement) -> list[str]:
    """Print what became of the mutants, module by module; return the modules that have too few noticed."""
    modules = dict.fromkeys(mutant.module for mutant in judgement.fates)
    scarce = []
    print(f"{'module':<18}{'mutants':>9}{'killed':>9}{'timed out':>11}{'survived':>10}{'noticed':>9}")
    for module in modules:
        count = judgement.count(module)
        noticed = count[KILLED] + count[TIMED_OUT]
        survived = count.total() - noticed
        share = noticed / count.total()
        print(f"{module:<18}{count.total():>9}{count[KILLED]:>9}{count[TIMED_OUT]:>11}{survived:>10}{share:>9.1%}")
        if share < LEAST_NOTICED:
            scarce.append(module)
    return scarce


if __name__ == "__main__":
    sys.exit(main())
