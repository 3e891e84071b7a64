"""Drives the world by a seeded generator. Runs on both Pythons."""


def drive(world, random, steps):
    """Take that many random steps from a ``random.Random`` and check the end."""
    for _ in range(steps):
        line = world.to_device if random.getrandbits(1) else world.to_host
        at = random.getrandbits(4)
        if random.getrandbits(1):
            step_on_the_line(world, line, at, random)
        else:
            step_at_the_ends(world, at, random)
    world.heal_and_check()


def step_on_the_line(world, line, at, random):
    step = random.getrandbits(4)
    if step < 7:
        world.deliver(line, 0 if at < 8 else at)
    elif step == 7:
        if at < 4:
            world.rush(line)
    elif step < 10:
        world.drop(line, at)
    elif step < 12:
        world.duplicate(line, at)
    elif step < 14:
        world.corrupt(line, at, [random.getrandbits(10) for _ in range(1 + random.getrandbits(2))])
    elif step == 14:
        world.cut(line, at, random.getrandbits(7))
    else:
        world.noise(line, bytes([random.getrandbits(8) for _ in range(random.getrandbits(8))]))


def step_at_the_ends(world, at, random):
    step = random.getrandbits(4)
    if step < 5:
        world.turn(100_000 if at < 12 else at * 8)
    elif step < 9:
        world.request()
    elif step < 12:
        world.pass_time(random.getrandbits(8))
    elif step == 12:
        world.stop()
    elif step == 13:
        world.ping()
    elif step == 14:
        world.telemetry()
    elif at == 0:
        world.restart_device()
    elif at < 4:
        world.new_host()
