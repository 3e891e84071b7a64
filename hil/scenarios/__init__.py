"""Scenarios on the whole rig, written once and run on every target. The judge is the plant, never the firmware."""
