# ruff: noqa: F821
# mypy: ignore-errors
"""Freeze the port's own start-up modules and nothing else: what a board has on the day it is flashed."""

freeze("$(PORT_DIR)/modules")
