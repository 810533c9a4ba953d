"""Watching many tasks at once, in virtual time, against a service of which everything is known."""

from __future__ import annotations

import asyncio
import random
from math import ceil
from statistics import median

import pytest
import virtual_time
from virtual_time import now

from asrlab.dashscope import monitor
from asrlab.dashscope.monitor import Monitor
from asrlab.dashscope.pacing import Pace
from asrlab.dashscope.retries import Busy, NoAnswer
from asrlab.dashscope.tasks import ListedTask, Task, TaskPage
from asrlab.errors import ServiceError

LIMIT = 20


class Simulated:
    """A service whose tasks begin and end at times given beforehand; every request takes its turn and some time."""

    def __init__(self, tasks, cap=100, order="newest first", latency_s=0.05, foreign=0):
        self.tasks = tasks  # id -> (begins, ends)
        self.cap = cap
        self.foreign = foreign
        self.latency_s = latency_s
        self.pace = Pace(LIMIT)
        self.times = []
        self.noticed = {}
        self.queries = {}
        self.statuses = []
        self.answers = iter(())
        self.rng = random.Random(5)
        self.order = {
            "newest first": lambda ids: ids[::-1],
            "oldest first": lambda ids: ids,
            "shuffled": lambda ids: sorted(ids, key=lambda task_id: random.Random(task_id).random()),
        }[order]

    def status(self, task_id):
        if task_id not in self.tasks:
            return "UNKNOWN"
        begins, ends = self.tasks[task_id]
        return "PENDING" if now() < begins else "RUNNING" if now() < ends else "SUCCEEDED"

    async def take_turn(self):
        await self.pace.turn()
        self.times.append(now())
        answer = next(self.answers, None)
        await asyncio.sleep(self.latency_s * self.rng.uniform(0.5, 1.5))
        if answer is not None:
            raise answer

    async def query(self, task_id):
        self.noticed.setdefault(task_id, now())
        await self.take_turn()
        self.queries[task_id] = self.queries.get(task_id, 0) + 1
        status = self.status(task_id)
        return Task(task_id, status, ended=status in ("SUCCEEDED", "UNKNOWN"))

    async def list_page(self, status, number, rows):
        await self.take_turn()
        self.statuses.append(status)
        rows = min(rows, self.cap)
        found = self.order([task_id for task_id in self.tasks if self.status(task_id) == status])
        found = [f"foreign-{i}" for i in range(self.foreign if status == "RUNNING" else 0)] + found
        page = found[(number - 1) * rows : number * rows]
        listed = tuple(ListedTask(task_id, status) for task_id in page)
        return TaskPage(listed, len(found), ceil(len(found) / rows), number, rows)

    def busiest_second(self):
        return max(sum(t <= other < t + 1 for other in self.times[i : i + 60]) for i, t in enumerate(self.times))


pytestmark = pytest.mark.usefixtures("in_virtual_time")


def watch(service, task_ids, *, local=False, timeout_s=86_400.0, submit_every_s=0.0, use=None):
    """Wait for all of them at once, each from when it was submitted; gives the moments of their answers."""
    fetched = {}

    async def one(watcher, number, task_id):
        await asyncio.sleep(number * submit_every_s)
        await watcher.ended(task_id, first_delay_s=None, timeout_s=timeout_s)
        fetched[task_id] = now()

    async def scenario():
        watcher = Monitor(service.query, service.list_page, local=lambda: local)
        if use is not None:
            use.append(watcher)
        try:
            async with asyncio.TaskGroup() as group:
                for number, task_id in enumerate(task_ids):
                    group.create_task(one(watcher, number, task_id))
        finally:
            await watcher.aclose()
        return watcher.tally

    return virtual_time.run(scenario()), fetched


def in_flight(n, per_s, *, workers=32, first_s=30.0, start=1000.0, seed=1):
    """n tasks submitted at once, of which so many end in a second, roughly in order."""
    rng = random.Random(seed)
    ends = [start + first_s + i / per_s + rng.uniform(0, workers / per_s) for i in range(n)]
    return {f"task-{i:04}": (end - workers / per_s, end) for i, end in enumerate(ends)}


@pytest.mark.parametrize("order", ["newest first", "oldest first", "shuffled"])
@pytest.mark.parametrize("per_s", [1, 12, 100])
def test_2000_tasks_in_flight_cost_a_query_each_and_a_quarter_of_a_request_to_discover(order, per_s):
    service = Simulated(in_flight(2000, per_s), order=order)
    tally, fetched = watch(service, service.tasks)
    assert len(fetched) == 2000
    assert tally.found == 2000
    assert tally.vain + tally.pages <= 0.25 * 2000
    assert len(service.times) == 2000 + tally.vain + tally.pages
    assert service.busiest_second() <= LIMIT
    # Nobody waits longer than a good part of what fetching them all takes at 20 a second.
    delays = [fetched[task_id] - ends for task_id, (_, ends) in service.tasks.items()]
    assert min(delays) > 0
    if per_s < LIMIT:
        assert median(delays) < 0.5 * 2000 / LIMIT


@pytest.mark.parametrize("order", ["newest first", "shuffled"])
def test_after_a_long_wait_in_the_queue_the_first_to_end_are_soon_noticed(order):
    service = Simulated(in_flight(2000, 12, first_s=600.0), order=order)
    tally, fetched = watch(service, service.tasks)
    assert tally.vain + tally.pages <= 0.25 * 2000
    first = sorted(fetched[task_id] - ends for task_id, (_, ends) in list(service.tasks.items())[:100])
    assert median(first) < 0.15 * 600


@pytest.mark.parametrize("cap", [10, 50])
def test_a_short_page_is_taken_as_the_cap(cap):
    service = Simulated(in_flight(500, 10), cap=cap)
    tally, fetched = watch(service, service.tasks)
    assert len(fetched) == 500
    assert tally.found == 500
    assert service.busiest_second() <= LIMIT


def test_tasks_submitted_meanwhile_and_tasks_of_others_are_no_trouble():
    tasks = {f"task-{i:03}": (1000 + i / 5 + 10, 1000 + i / 5 + 25) for i in range(400)}
    service = Simulated(tasks, foreign=150)
    tally, fetched = watch(service, tasks, submit_every_s=1 / 5)
    assert len(fetched) == 400
    assert tally.found == 400
    assert max(fetched[t] - ends for t, (_, ends) in tasks.items()) < 30


def test_a_few_tasks_are_each_looked_at_by_themselves(monkeypatch):
    monkeypatch.setattr(monitor, "jittered", lambda pause: pause)
    service = Simulated({"a": (1000, 1012), "b": (1000, 1004)}, latency_s=0)
    tally, fetched = watch(service, service.tasks)
    assert not service.statuses
    assert [round(t - 1000) for t in service.times] == [1, 1, 3, 3, 6, 6, 10, 15]
    assert (tally.found, tally.vain, tally.pages) == (2, 6, 0)
    assert round(fetched["a"]) == 1015


def test_a_task_that_the_list_hides_is_still_found():
    tasks = in_flight(40, 2)
    service = Simulated(tasks)
    service.tasks = dict(tasks)
    hidden = {task_id for i, task_id in enumerate(tasks) if i % 4 == 0}
    listed = service.list_page

    async def without_hidden(status, number, rows):
        page = await listed(status, number, rows)
        return TaskPage(tuple(t for t in page.tasks if t.task_id not in hidden), 30, 1, number, rows)

    service.list_page = without_hidden
    tally, fetched = watch(service, tasks)
    assert len(fetched) == 40
    assert tally.found == 40


def test_where_tasks_cannot_be_listed_each_is_looked_at():
    async def refused(status, number, rows):
        raise ServiceError("no", code="AccessDenied", http_status=403)

    service = Simulated(in_flight(60, 2))
    service.list_page = refused
    tally, fetched = watch(service, service.tasks)
    assert len(fetched) == 60
    assert tally.found == 60
    assert tally.pages == 1
    assert service.busiest_second() <= LIMIT


def test_unknown_tasks_have_ended():
    service = Simulated(in_flight(30, 5))
    _tally, fetched = watch(service, [*service.tasks, "never-was"])
    assert len(fetched) == 31
    assert fetched["never-was"] < 1010


def test_after_a_fault_everything_pauses_and_nothing_is_lost(monkeypatch):
    service = Simulated(in_flight(30, 5))
    throttled = Busy("too many", code="Throttling.RateQuota", http_status=429)
    throttled.refused, throttled.retry_after_s = True, 40.0
    service.answers = iter([None, throttled, throttled, NoAnswer("reset", code="ConnectionFailed"), None])
    _, fetched = watch(service, service.tasks)
    assert len(fetched) == 30
    pauses = [later - earlier for earlier, later in zip(service.times, service.times[1:], strict=False)]
    assert max(pauses) == pytest.approx(40, abs=2)


def test_a_service_on_this_machine_that_is_gone_is_given_up():
    class Gone(Simulated):
        async def take_turn(self):
            raise NoAnswer("refused", code="ConnectionFailed")

    service = Gone(in_flight(20, 5))
    with pytest.raises(ExceptionGroup) as caught:
        watch(service, service.tasks, local=True)
    assert {type(error) for error in caught.value.exceptions} == {NoAnswer}


def test_waiting_ends_in_time_and_is_forgotten():
    service = Simulated({"slow": (1000, 5000)})
    watchers = []
    with pytest.raises(ExceptionGroup) as caught:
        watch(service, ["slow"], timeout_s=100.0, use=watchers)
    (error,) = caught.value.exceptions
    assert error.code == "Timeout"
    assert "it is RUNNING" in str(error)
    assert max(service.times) <= 1100
    assert not watchers[0]._watches


def test_two_who_wait_for_one_task_are_answered_by_one_query():
    service = Simulated({"a": (1000, 1002)})

    async def scenario():
        watcher = Monitor(service.query, service.list_page, local=lambda: False)
        both = await asyncio.gather(*(watcher.ended("a", first_delay_s=3.0, timeout_s=60) for _ in range(2)))
        cancelled = asyncio.create_task(watcher.ended("b", first_delay_s=1.0, timeout_s=60))
        await asyncio.sleep(0)
        cancelled.cancel()
        await asyncio.sleep(10)
        await watcher.aclose()
        return both

    one, other = virtual_time.run(scenario())
    assert one is other
    assert service.queries == {"a": 1}


def test_waiting_one_after_the_other_is_not_taken_for_closing():
    service = Simulated({f"task-{i}": (1000, 1000) for i in range(50)})

    async def scenario():
        watcher = Monitor(service.query, service.list_page, local=lambda: False)
        for task_id in service.tasks:
            await watcher.ended(task_id, first_delay_s=0.0, timeout_s=600)
            for _ in range(int(task_id[5:]) % 5):
                await asyncio.sleep(0)
        return watcher.tally.found

    assert virtual_time.run(scenario()) == 50


@pytest.mark.parametrize("hangs", ["query", "list"])
def test_whoever_comes_while_a_last_request_hangs_is_served(hangs):
    service = Simulated({f"task-{i:02}": (1000, 1003) for i in range(20)})
    query, list_page = service.query, service.list_page

    async def slow_query(task_id):
        await asyncio.sleep(600 if hangs == "query" and task_id == "task-00" else 0)
        return await query(task_id)

    async def slow_list(status, number, rows):
        await asyncio.sleep(600 if hangs == "list" else 0)
        return await list_page(status, number, rows)

    async def scenario():
        watcher = Monitor(slow_query, slow_list, local=lambda: False)
        first = list(service.tasks)[: 15 if hangs == "list" else 1]
        waits = (watcher.ended(task_id, first_delay_s=None, timeout_s=10) for task_id in first)
        outcomes = await asyncio.gather(*waits, return_exceptions=True)
        assert {getattr(outcome, "code", None) for outcome in outcomes} == {"Timeout"}
        begin = now()
        await watcher.ended("task-19", first_delay_s=None, timeout_s=60)
        took = now() - begin
        await watcher.aclose()
        return took

    assert virtual_time.run(scenario()) < 10


def test_faults_all_along_cost_no_task_a_second_answer():
    service = Simulated(in_flight(300, 30), latency_s=0.4)
    rng = random.Random(3)
    lost = (NoAnswer("reset", code="ConnectionFailed") if rng.random() < 0.15 else None for _ in range(5000))
    service.answers = lost
    tally, fetched = watch(service, service.tasks)
    assert len(fetched) == 300
    assert tally.found == 300


def test_an_absurd_retry_after_does_not_stop_the_watching():
    service = Simulated({"a": (1000, 1002)})
    absurd = Busy("too many", code="Throttling", http_status=429)
    absurd.refused, absurd.retry_after_s = True, 86_400.0
    service.answers = iter([absurd])
    _, fetched = watch(service, ["a"])
    assert fetched["a"] < 1000 + 310


def test_one_odd_page_costs_little():
    service = Simulated(in_flight(400, 8))
    whole = service.list_page
    odd = iter([True])

    async def once_odd(status, number, rows):
        page = await whole(status, number, rows)
        if page.tasks and next(odd, False):
            return TaskPage(page.tasks[:1], page.total, page.total_pages, number, rows)
        return page

    service.list_page = once_odd
    tally, fetched = watch(service, service.tasks)
    assert len(fetched) == 400
    assert tally.pages + tally.vain < 400


def test_the_list_is_tried_again_after_it_could_not_be_had():
    service = Simulated(in_flight(100, 0.1))
    whole = service.list_page

    async def refused_at_first(status, number, rows):
        if now() < 1100:
            raise ServiceError("odd", code="BadResponse")
        return await whole(status, number, rows)

    service.list_page = refused_at_first
    _, fetched = watch(service, service.tasks)
    assert len(fetched) == 100
    assert service.statuses


def test_event_loops_that_were_abandoned_leave_nothing_behind():
    service = Simulated({"a": (1000, 1002)})
    watcher = Monitor(service.query, service.list_page, local=lambda: False)

    async def give_up():
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(watcher.ended("a", first_delay_s=0.0, timeout_s=60), 0.001)

    for _ in range(10):
        virtual_time.run(give_up())

    async def wait():
        await watcher.ended("a", first_delay_s=0.0, timeout_s=60)
        await watcher.aclose()

    virtual_time.run(wait())
    virtual_time.run(watcher.aclose())


def test_closing_tells_whoever_waits():
    service = Simulated({"a": (1000, 2000)})

    async def scenario():
        watcher = Monitor(service.query, service.list_page, local=lambda: False)
        waiting = asyncio.create_task(watcher.ended("a", first_delay_s=None, timeout_s=600))
        await asyncio.sleep(5)
        await watcher.aclose()
        await waiting

    with pytest.raises(ServiceError, match="closed while it waited") as caught:
        virtual_time.run(scenario())
    assert caught.value.code == "Closed"
