"""A small source to break, and suites for it. Pytest collects them only by name."""
