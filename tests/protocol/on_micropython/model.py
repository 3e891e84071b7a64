"""Drives both ends over a bad line; prints what happened in all."""

import random

from tests.protocol.driver import drive
from tests.protocol.world import World

SEED = globals().get("SEED", 1)
HISTORIES = 60
STEPS = 200

works = stops = 0
for history in range(HISTORIES):
    random.seed((SEED + history) & 0x3FFFFFFF)
    world = World(first_seq=65_520 if history % 3 == 0 else 0)
    drive(world, random, STEPS)
    works += world.works
    stops += world.stops
print(works, "requests", stops, "stops")
