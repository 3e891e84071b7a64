"""Fills the heap of a running firmware; prints how it ended, and what the next boot makes of it."""

import gc

from device import main
from device.executive import Executive

IDLE_TURNS = 100
PAGE = 4096
HEALTHY_INPUTS = 0x0F


class Generator:
    """A step generator that only knows whether it was halted."""

    halted = False

    def halt(self):
        self.halted = True
        return 0

    def free(self):
        return 4

    def completed(self):
        return 0

    def dead(self):
        return False


class Heartbeat:
    """Knows whether it was stopped."""

    stopped = False

    def stop(self):
        self.stopped = True


class Board:
    """FRAM and clock; no other chip answers. After some turns somebody takes all of the heap."""

    NAME = "fake"

    def __init__(self, fram, cause_of_reset):
        self.us = 0
        self.fram = fram
        self.steps = (Generator(), Generator(), Generator())
        self.heartbeat = Heartbeat()
        self.valve_patient = True
        self.turns = 0
        self.hoard = None
        self.reset_cause = lambda: cause_of_reset
        self.inputs = lambda: HEALTHY_INPUTS
        self.link_readinto = self.pressure_raw = self.density_raw = self.supply_raw = lambda *_: 0
        self.safe_tripped = self.stop_heard = self.heap_free = lambda: 0
        self.collect = gc.collect
        self.clear_trip = self.watchdog_start = self.watchdog_feed = lambda *_: None
        self.set_direction = self.set_light = self.set_buzzer = self.set_stirrer = lambda *_: None

    def ticks_us(self):
        return self.us

    def ticks_ms(self):
        return self.us // 1000

    def random(self, count):
        return bytes(count)

    def set_valve(self, patient):
        self.valve_patient = patient

    def link_write(self, buffer, length):
        return length

    def i2c_writeto(self, bus, address, buffer):
        raise OSError(5)

    i2c_readfrom_into = i2c_writeto

    def i2c_writeto_mem(self, bus, address, memory, buffer):
        self.fram[memory : memory + len(buffer)] = buffer

    def i2c_readfrom_mem_into(self, bus, address, memory, buffer):
        buffer[:] = self.fram[memory : memory + len(buffer)]

    def idle(self, next_tick_us):
        self.us = next_tick_us
        self.turns += 1
        if self.turns == IDLE_TURNS:
            for generator in self.steps:
                generator.halted = False
            self.heartbeat.stopped = False
            self.valve_patient = True
            self.take_the_heap()

    def take_the_heap(self):
        size = PAGE
        while size:
            try:
                self.hoard = (self.hoard, bytearray(size))
            except MemoryError:
                size //= 2


fram = bytearray(32768)
board = Board(fram, 0)
try:
    main.run(board)
except MemoryError:
    board.hoard = None
halted = all(generator.halted for generator in board.steps)
print(board.turns >= IDLE_TURNS, halted, board.heartbeat.stopped, board.valve_patient)
controller = Executive(Board(fram, 0)).controller
print(controller.journal.boot_count, controller.journal.last_fault, controller.latches.stop_cause)
