"""Frozen and empty, so that a boot.py on the file system is never run."""
