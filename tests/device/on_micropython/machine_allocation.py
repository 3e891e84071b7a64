"""Prints how many octets alarms, interlocks and sensors allocate in quiet and in busy ticks."""

import gc

from device.alarms import Alarms
from device.drivers.density import DensitySensor
from device.drivers.pressure import PressureSensor
from device.drivers.supply import SupplySensor
from device.interlocks import Interlocks
from device.suspension import Suspension

interlocks = Interlocks()
alarms = Alarms()
suspension = Suspension()
pressure = PressureSensor()
supply = SupplySensor()
density = DensitySensor()
now = [0]


def tick(conditions):
    now[0] += 10
    pressure.take(6554 + now[0] % 64)
    supply.take(47_000 + now[0] % 64)
    density.take(64_000 + now[0] % 64)
    interlocks.observe(0x0F, conditions)
    interlocks.trip(7)
    alarms.observe(interlocks.tripped)
    alarms.tick(now[0])
    suspension.tick(now[0], density.permille, not density.faulty, True)


def ticks(count, conditions):
    for _ in range(count):
        tick(conditions)


for conditions in (0, 0x3FFFFFFF, 0x155, 0):
    ticks(50, conditions)
ticks(5, 0)
gc.collect()
gc.disable()
before = gc.mem_alloc()  # type: ignore[attr-defined]
ticks(300, 0)
ticks(300, 0x3FFFFFFF)
ticks(300, 0x155)
print(gc.mem_alloc() - before)  # type: ignore[attr-defined]
