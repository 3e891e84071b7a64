"""Tests of each part; the folders mirror the source."""
