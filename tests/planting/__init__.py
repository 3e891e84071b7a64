"""Planted defects: a rule of the project is broken on purpose, and the tests named with it must fail.

Nothing on the disk changes. One process has loaded pytest, Hypothesis and the like, but nothing of the project; for
each defect it forks another, which imports the one broken file from a text and runs the named tests.
"""

from tests.planting.defect import Defect, suites
from tests.planting.runs import running

__all__ = ["Defect", "running", "suites"]
