# mypy: ignore-errors
"""Runs before everything else: only frozen code may be imported, and the flash is never formatted.

A file system that does not mount stays as it is: what is on it may be the only record of a failure.
"""

import sys

import rp2
import vfs

sys.path[:] = [".frozen"]
try:
    vfs.mount(vfs.VfsLfs2(rp2.Flash(), progsize=256), "/")
except OSError:
    pass
