"""The event loop on the bench's clock."""

import asyncio
import time

import pytest

from hil.virtual_time import LeakedTasksError, VirtualTimeLoop, WaitsForeverError, close, complete, run

S = 1_000_000_000


class FakeBench:
    """A clock with octets that arrive at given times."""

    def __init__(self, arrivals_ns=()):
        self.now_ns = 0
        self.arrivals_ns = sorted(arrivals_ns)
        self.on_octets = lambda: None

    def advance(self, until_ns):
        if self.arrivals_ns and self.arrivals_ns[0] <= until_ns:
            self.now_ns = self.arrivals_ns.pop(0)
            self.on_octets()
            return True
        self.now_ns = max(self.now_ns, until_ns)
        return False


def test_sleeping_costs_no_time_and_ends_exactly():
    bench = FakeBench()
    began_s = time.perf_counter()

    async def main():
        await asyncio.sleep(3600)
        return asyncio.get_running_loop().time()

    assert run(bench, main()) == 3600.0
    assert bench.now_ns == 3600 * S
    assert time.perf_counter() - began_s < 5.0


@pytest.mark.parametrize("busy", [False, True])
def test_what_rounding_leaves_of_a_wait_is_passed_too(busy):
    async def spin():
        while True:
            await asyncio.sleep(0)

    async def main():
        loop = asyncio.get_running_loop()
        end_s = loop.time() + 0.1 + 0.2  # a little more than 0.3
        await asyncio.sleep(0.3)
        other = asyncio.create_task(spin()) if busy else None
        for _ in range(100):
            if end_s - loop.time() <= 0:
                break
            waited = asyncio.sleep(end_s - loop.time())
            if other is None:
                await waited
            else:
                waiting = asyncio.create_task(waited)
                await asyncio.sleep(0)
                other.cancel()
                await waiting
        return end_s - loop.time()

    bench = FakeBench()
    assert run(bench, main()) <= 0
    assert bench.now_ns == 3 * S // 10 + 1


def test_timers_fire_in_the_order_of_their_time():
    seen = []

    async def wait(duration_s):
        await asyncio.sleep(duration_s)
        seen.append((duration_s, asyncio.get_running_loop().time()))

    async def main():
        await asyncio.gather(*(wait(duration_s) for duration_s in (0.3, 0.1, 0.2, 0.1)))

    run(FakeBench(), main())
    assert [duration_s for duration_s, _ in seen] == [0.1, 0.1, 0.2, 0.3]
    assert [now_s for _, now_s in seen] == pytest.approx([0.1, 0.1, 0.2, 0.3], abs=2e-9)


def test_no_timer_fires_early():
    late = []

    async def main():
        loop = asyncio.get_running_loop()
        for number in range(1, 500):
            due_s = loop.time() + number * 1e-4 / 3
            await asyncio.sleep(number * 1e-4 / 3)
            late.append(loop.time() - due_s)

    run(FakeBench(), main())
    assert min(late) > -1.1e-9
    assert max(late) < 2e-9


def test_octets_wake_a_reader_before_the_next_timer():
    bench = FakeBench([S // 2])

    async def main():
        loop = asyncio.get_running_loop()
        arrived = loop.create_future()
        bench.on_octets = lambda: arrived.set_result(None)
        async with asyncio.timeout(10):
            await arrived
        return loop.time()

    assert run(bench, main()) == 0.5


def test_octets_wake_a_reader_where_there_is_no_timer():
    bench = FakeBench([5 * S])

    async def main():
        arrived = asyncio.get_running_loop().create_future()
        bench.on_octets = lambda: arrived.set_result(None)
        await arrived

    run(bench, main())
    assert bench.now_ns == 5 * S


def test_waiting_for_nothing_is_an_error_that_names_who_waits():
    async def waits_for_godot():
        await asyncio.get_running_loop().create_future()

    with pytest.raises(WaitsForeverError, match="waits_for_godot"):
        run(FakeBench(), waits_for_godot())


def test_a_run_that_never_ends_is_an_error():
    async def main():
        for _ in range(1_000_000):
            await asyncio.sleep(1)

    with pytest.raises(WaitsForeverError, match="not done after 100 s"):
        run(FakeBench(), main(), limit_s=100)


def test_a_task_left_behind_is_an_error():
    async def left_behind():
        await asyncio.sleep(1000)

    tasks = []

    async def main():
        tasks.append(asyncio.create_task(left_behind()))

    with pytest.raises(LeakedTasksError, match="left_behind"):
        run(FakeBench(), main())
    assert tasks[0].cancelled()


def test_tasks_from_before_are_no_leak():
    loop = VirtualTimeLoop(FakeBench())

    async def start():
        return asyncio.create_task(asyncio.sleep(1000))

    task = loop.run_until_complete(start())
    complete(loop, asyncio.sleep(1))
    assert not task.done()
    close(loop)
    assert task.cancelled()


def test_the_executor_works_inline():
    async def main():
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(None, sum, (1, 2)), await asyncio.to_thread(max, 3, 4)

    assert run(FakeBench(), main()) == (3, 4)


def test_an_error_in_the_executor_reaches_who_awaits_it():
    async def main():
        with pytest.raises(ZeroDivisionError):
            await asyncio.get_running_loop().run_in_executor(None, lambda: 1 / 0)

    run(FakeBench(), main())


def test_an_exception_of_the_coroutine_comes_out():
    async def main():
        await asyncio.sleep(1)
        raise ValueError("told")

    with pytest.raises(ValueError, match="told"):
        run(FakeBench(), main())


def test_a_timeout_is_measured_on_the_benchs_clock():
    async def main():
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(2.5):
                await asyncio.sleep(100)
        return asyncio.get_running_loop().time()

    assert run(FakeBench(), main()) == pytest.approx(2.5)


def test_two_runs_take_the_same_order():
    def play():
        order = []

        async def worker(name):
            for _ in range(5):
                await asyncio.sleep(0.1)
                order.append(name)

        async def main():
            async with asyncio.TaskGroup() as group:
                for name in "abc":
                    group.create_task(worker(name))

        run(FakeBench(), main())
        return order

    assert play() == play() == list("abc" * 5)
