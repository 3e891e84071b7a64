"""Work in forked processes: a copy of the whole bench, as it stands, for the price of some milliseconds."""

from __future__ import annotations

import json
import os
import selectors
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from typing import Any

Row = dict[str, Any]
Emit = Callable[[Row], None]

_ERROR = "error of the child"
_PIECE = 65536


class ChildError(RuntimeError):
    """A forked process failed; the text is its traceback."""


def in_copy(work: Callable[[], Row]) -> Row:
    """Do something in a copy of this process and return its result; nothing of what it did is left here."""
    return next(iter(in_copies([lambda emit: emit(work())], 1)))


def in_copies(jobs: Sequence[Callable[[Emit], None]], at_once: int) -> Iterator[Row]:
    """Run each job in a copy of this process, so many at a time; yield what they emit, as it comes.

    Raises ChildError when one fails. Rows are plain values, as in JSON.
    """
    waiting = list(reversed(jobs))
    with selectors.DefaultSelector() as selector:
        running: dict[int, tuple[int, bytearray]] = {}
        try:
            while waiting or running:
                while waiting and len(running) < at_once:
                    descriptor, process = _start(waiting.pop())
                    running[descriptor] = process, bytearray()
                    selector.register(descriptor, selectors.EVENT_READ)
                for key, _ in selector.select():
                    descriptor = key.fd
                    process, gathered = running[descriptor]
                    piece = os.read(descriptor, _PIECE)
                    gathered += piece
                    yield from _rows(gathered)
                    if not piece:
                        selector.unregister(descriptor)
                        del running[descriptor]
                        os.close(descriptor)
                        _collect(process)
        finally:
            for descriptor, (process, _) in running.items():
                os.close(descriptor)
                os.waitpid(process, 0)


def _start(job: Callable[[Emit], None]) -> tuple[int, int]:
    reader, writer = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    process = os.fork()
    if process:
        os.close(writer)
        return reader, process
    code = 1
    try:
        os.close(reader)
        job(lambda row: _send(writer, row))
        code = 0
    except BrokenPipeError:
        pass
    except BaseException:  # noqa: BLE001 -- told to the parent
        _send(writer, {_ERROR: traceback.format_exc()})
    finally:
        # Nothing of the parent's clean-up is for its copy.
        os._exit(code)


def _send(writer: int, row: Row) -> None:
    data = json.dumps(row).encode() + b"\n"
    while data:
        data = data[os.write(writer, data) :]


def _rows(gathered: bytearray) -> Iterator[Row]:
    while (end := gathered.find(b"\n")) >= 0:
        row = json.loads(gathered[:end])
        del gathered[: end + 1]
        if _ERROR in row:
            raise ChildError(row[_ERROR])
        yield row


def _collect(process: int) -> None:
    _, status = os.waitpid(process, 0)
    if status:
        raise ChildError(f"a copy of this process ended with status {status:#x}")
