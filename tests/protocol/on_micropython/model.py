"""Drives both ends over a bad line. Arguments: seed, histories, steps of each; prints what happened in all."""

import random
import sys

from tests.protocol.world import World, drive

seed = int(sys.argv[1])
works = stops = 0
for history in range(int(sys.argv[2])):
    random.seed((seed + history) & 0x3FFFFFFF)
    world = World(first_seq=65_520 if history % 3 == 0 else 0)
    drive(world, random, int(sys.argv[3]))
    works += world.works
    stops += world.stops
print(works, "requests", stops, "stops")
