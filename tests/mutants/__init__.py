"""Mutation testing of the firmware's rules: every small change to a rule has to fail a test. See tests/README.md."""
