"""Prints the octets that a hundred ticks' worth of what the rules do in a tick allocate."""

import gc

from device.limits import volume_of
from device.permit import PermitGate

NOW_MS = 1_000
gate = PermitGate()
RIG, TREATMENT, LOT, DOSE = b"RIGSERIA", b"TREATMNT", b"LOTLOTLO", b"DOSEDOSE"
permit = (RIG, b"", 0, TREATMENT, LOT, DOSE, NOW_MS + 1_500, 50_000, 500, b"")
assert gate.offer(permit, NOW_MS, RIG, TREATMENT, LOT, DOSE, 0) == 0


def ticks():
    for tick in range(100):
        gate.valid(NOW_MS + tick)
        gate.left_ms(NOW_MS + tick)
        volume_of(17_832 + tick)


ticks()
gc.collect()
before = gc.mem_alloc()  # type: ignore[attr-defined]
ticks()
after = gc.mem_alloc()  # type: ignore[attr-defined]
print(after - before)
