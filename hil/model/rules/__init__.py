"""What may happen in one step: rules by name, each with how often it is drawn."""

from hil.model.rules import authority, dosing, link, machine, people
from hil.model.rules.rule import Rule

RULES: tuple[Rule, ...] = (*dosing.RULES, *authority.RULES, *people.RULES, *link.RULES, *machine.RULES)
"""All of them. Those of ``machine`` are ``rough``: what they do may stop the machine itself."""

BY_NAME = {rule.name: rule for rule in RULES}
