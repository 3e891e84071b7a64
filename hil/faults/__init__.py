"""Faults as data: one vocabulary for every board, schedules of them from a seed or a file."""

from hil.faults.link import FaultyDirection, LinkFaults, Piece, faulty_direction

__all__ = ["FaultyDirection", "LinkFaults", "Piece", "faulty_direction"]
