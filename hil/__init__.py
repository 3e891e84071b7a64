"""The bench: plant and patient models, boards, faults, measurements, scenarios."""
