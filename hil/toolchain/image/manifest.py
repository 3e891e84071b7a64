# ruff: noqa: F821
# mypy: ignore-errors
"""Freeze what was staged (the boot files, protocol/ and device/) and the port's own rp2 module, nothing else."""

freeze("$(PORT_DIR)/modules", "rp2.py")
freeze("$(FROZEN_DIR)")
