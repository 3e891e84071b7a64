"""Commands of `rig hil` called in this process: as much as a process of its own tells, in a hundredth of the time."""

import contextlib
import io
import json
from collections.abc import Callable
from typing import Any

import typer

from tests.hil.rig_command import Done


def call(command: Callable[..., Any], **options: Any) -> Done:
    """Call a command and return how it ended."""
    out, err = io.StringIO(), io.StringIO()
    code = 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            command(**options)
        except typer.Exit as ended:
            code = ended.exit_code
    return Done(code, out.getvalue(), err.getvalue())


def said(done: Done) -> str:
    """Return what an error says, for people or as JSON."""
    return str(json.loads(done.out)["error"]["what"]) if done.out else done.err
