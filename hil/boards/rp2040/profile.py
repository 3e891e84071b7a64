"""Where the processor's time goes, function by function, without a change to the firmware or to its timing.

The emulator watches the entry of MicroPython's bytecode loop and the return from it. Frozen functions are named by the
image's symbols, so the time is that of the product image itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hil.boards.rp2040.chip import Chip
from hil.boards.rp2040.console import read_memory, symbols

EXECUTE = "mp_execute_bytecode"
FUNCTION_PREFIX = "fun_data_"


@dataclass
class FunctionTime:
    """Calls of one function and their time: ``own_ns`` without, ``total_ns`` with the bytecode functions it called."""

    calls: int = 0
    own_ns: int = 0
    total_ns: int = 0
    worst_ns: int = 0


class Profile:
    """Collects times from ``start`` to ``stop``."""

    def __init__(self, chip: Chip, elf: Path) -> None:
        self._chip = chip
        names = symbols(elf)
        self._entry = names[EXECUTE]
        self._names = {address: name for name, address in names.items() if name.startswith(FUNCTION_PREFIX)}
        self._stack: list[tuple[str, int, int, int]] = []
        self._watched: set[int] = set()
        self.functions: dict[str, FunctionTime] = {}

    def start(self) -> None:
        """Begin to watch."""
        self._chip.loop.watch(self._entry, self._entered)

    def stop(self) -> None:
        """Watch no longer; functions that are under way are left out."""
        self._chip.loop.unwatch(self._entry)
        for address in self._watched:
            self._chip.loop.unwatch(address)
        self._watched.clear()
        self._stack.clear()

    def table(self) -> list[tuple[str, FunctionTime]]:
        """Return the functions, the one with the most time of its own first."""
        return sorted(self.functions.items(), key=lambda item: -item[1].own_ns)

    def _entered(self) -> None:
        registers = self._chip.mcu.core.registers
        self._stack.append((self._name(registers[0]), self._chip.now_ns, 0, registers[13]))
        back = registers[14] & ~1
        if back not in self._watched:
            self._watched.add(back)
            self._chip.loop.watch(back, self._returned)

    def _returned(self) -> None:
        stack_pointer = self._chip.mcu.core.registers[13]
        # An exception unwinds several functions at once.
        while self._stack and self._stack[-1][3] <= stack_pointer:
            self._leave(*self._stack.pop())

    def _leave(self, name: str, entered_ns: int, inner_ns: int, _stack_pointer: int) -> None:
        spent_ns = self._chip.now_ns - entered_ns
        function = self.functions.setdefault(name, FunctionTime())
        function.calls += 1
        function.total_ns += spent_ns
        function.own_ns += spent_ns - inner_ns
        function.worst_ns = max(function.worst_ns, spent_ns)
        if self._stack:
            caller, caller_ns, caller_inner_ns, pointer = self._stack[-1]
            self._stack[-1] = (caller, caller_ns, caller_inner_ns + spent_ns, pointer)

    def _name(self, code_state: int) -> str:
        """Name the function of a code state: its first word points to the function object, whose bytecode is named."""
        function = int.from_bytes(read_memory(self._chip, code_state, 4), "little")
        bytecode = int.from_bytes(read_memory(self._chip, function + 12, 4), "little")
        return self._names.get(bytecode, f"bytecode at {bytecode:#x}").removeprefix(FUNCTION_PREFIX)
