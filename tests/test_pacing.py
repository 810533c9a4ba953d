"""How fast the client asks: turns, shared by loops, threads and processes, and how many submits are under way."""

from __future__ import annotations

import asyncio
import gc
import itertools
import json
import os
import random
import subprocess
import sys
import threading
import time
from bisect import bisect_right
from math import inf

import httpx
import pytest
import virtual_time

from asrlab.dashscope import UNLIMITED, AsyncClient, Limits, account
from asrlab.dashscope.pacing import Concurrency, Pace
from asrlab.dashscope.turns import TurnFile, next_turn
from asrlab.errors import InvalidInput

ACCEPTED = {"request_id": "r", "output": {"task_id": "t", "task_status": "PENDING"}}
TOO_MANY = {"request_id": "r", "code": "Throttling.RateQuota", "message": "Requests rate limit exceeded"}


def test_whoever_waits_in_a_loop_is_let_through_in_order(in_virtual_time):
    pace = Pace(10)
    order, times = [], []

    async def one(number):
        await pace.turn()
        order.append(number)
        times.append(virtual_time.now())

    async def scenario():
        await asyncio.gather(*(one(number) for number in range(30)))

    virtual_time.run(scenario())
    assert order == list(range(30))
    pauses = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert min(pauses) >= 0.1
    assert max(pauses) == pytest.approx(0.1 / 0.9, rel=1e-6)


def test_who_gives_up_waiting_uses_no_turn(in_virtual_time):
    pace = Pace(1)

    async def scenario():
        await pace.turn()
        waiting = [asyncio.create_task(pace.turn()) for _ in range(5)]
        await asyncio.sleep(0)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        await pace.turn()
        return virtual_time.now()

    assert virtual_time.run(scenario()) == pytest.approx(1000 + 1 / 0.9)


def test_no_limit_is_no_waiting():
    async def scenario():
        pace = Pace(inf)
        for _ in range(10_000):
            await pace.turn()

    asyncio.run(asyncio.wait_for(scenario(), 30))


@pytest.mark.parametrize(
    "limits",
    [
        {"queries_per_s": 0},
        {"submits_per_minute": -1},
        {"uploads_per_s": float("nan")},
        {"queries_per_s": "20"},
        {"queries_per_s": True},
    ],
)
def test_limits_that_are_none_are_refused(limits):
    with pytest.raises(InvalidInput, match="above 0"):
        Limits(**limits)


PROCESS = """
import asyncio, sys, time
from pathlib import Path
from asrlab.dashscope.pacing import Pace
from asrlab.dashscope.turns import TurnFile

async def main():
    pace = Pace(100, "queries", TurnFile(Path(sys.argv[1])))
    print("ready", flush=True)
    sys.stdin.readline()
    for _ in range(30):
        await pace.turn()
        print(time.monotonic(), flush=True)

asyncio.run(main())
"""


@pytest.mark.parametrize(("limit", "within_s"), [(20, 1.0), (600, 60.0), (10, 1.0)])
def test_turns_that_are_late_put_off_no_others_and_keep_to_the_limit_of_any_second(limit, within_s):
    draw = random.Random(4)
    interval_s = within_s / (0.9 * limit)
    free, now, taken = 0.0, 100.0, []
    for _ in range(3000):
        now = max(now, free) + draw.uniform(0, 0.06)  # who waits wakes late
        taken.append(now)
        free = next_turn(free, now, interval_s)
    assert taken[-1] - taken[0] < 3000 * interval_s + 0.1
    most = max(bisect_right(taken, start + within_s) - place for place, start in enumerate(taken))
    assert most <= limit
    assert next_turn(5.0, 100.0, interval_s) == 100.0 + interval_s  # who comes after a pause has no turns saved


def test_processes_take_turns_together(tmp_path):
    command = [sys.executable, "-c", PROCESS, str(tmp_path / "account.json")]
    processes = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    times = sorted(float(line) for process in processes for line in process.communicate(timeout=60)[0].split())
    assert len(times) == 90
    # All 90 turns were spaced by the one pace: they take as long as if one process had taken them.
    assert times[-1] - times[0] >= 89 / (0.9 * 100) - 0.02


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"queries": "soon"}', b'{"queries": 1e300}', b"\xff\xfe"])
def test_a_torn_or_stale_file_is_as_good_as_none(tmp_path, content):
    path = tmp_path / "account.json"
    path.write_bytes(content)
    turns = TurnFile(path)
    assert turns.take("queries", 5.0) == 0.0
    assert 4.0 < turns.take("queries", 5.0) <= 5.0
    assert turns.take("submits", 5.0) == 0.0
    assert set(json.loads(path.read_text())) == {"queries", "submits"}


def test_a_process_that_is_stopped_while_it_holds_the_lock_stops_no_other(tmp_path, monkeypatch):
    monkeypatch.setattr("asrlab.dashscope.turns._GIVEN_UP_S", 0.05)
    path = tmp_path / "account.json"
    turns, holder = TurnFile(path), TurnFile(path)
    with holder._lock:
        assert turns.take("queries", 5.0) > 0
        time.sleep(0.1)
        assert turns.take("queries", 5.0) == 0.0
    assert turns.take("queries", 5.0) == 0.0
    assert turns.take("queries", 5.0) > 0


def test_a_folder_that_cannot_be_written_stops_nobody(tmp_path):
    (tmp_path / "file").write_text("in the way")
    turns = TurnFile(tmp_path / "file" / "account.json")
    assert [turns.take("queries", 5.0) for _ in range(3)] == [0.0, 0.0, 0.0]


def test_files_that_nobody_used_for_a_day_are_removed(tmp_path):
    for name, age_h in (("old.json", 25), ("new.json", 1)):
        (tmp_path / name).write_text("{}")
        os.utime(tmp_path / name, (time.time() - 3600 * age_h,) * 2)
    TurnFile(tmp_path / "account.json")
    assert [path.name for path in tmp_path.iterdir()] == ["new.json"]


def test_the_key_is_not_in_the_name_of_the_file(monkeypatch):
    made = []
    monkeypatch.setattr(account, "_accounts", {})
    monkeypatch.setattr(account, "TurnFile", made.append)
    account.account("https://host.example/api/v1", "sk-planted-key")
    account.account("https://host.example/api/v1", "sk-planted-key", Limits(queries_per_s=100))
    account.account("https://host.example/api/v1", "sk-planted-key", UNLIMITED)
    assert len(made) == 1
    assert "planted" not in str(made[0])


def test_a_service_that_stalls_is_not_flooded_when_it_goes_on(in_virtual_time):
    times = []

    async def answer(request):
        times.append(virtual_time.now())
        await asyncio.sleep(max(0.05, 1008 - virtual_time.now()))
        return httpx.Response(200, json=ACCEPTED)

    async def scenario():
        async with AsyncClient(api_key="sk-x", transport=httpx.MockTransport(answer)) as client:
            await asyncio.gather(*(client.query("t") for _ in range(200)))

    virtual_time.run(scenario())
    assert len(times) == 200
    assert max(sum(t <= later < t + 1 for later in times) for t in times) <= 20


# How many submits are under way.


class Throttling:
    """Takes so many submits at once; further ones are too many."""

    def __init__(self, room):
        self.room = room
        self.busy = self.most = self.taken = self.refused = 0

    async def __call__(self, request):
        if self.busy >= self.room:
            self.refused += 1
            return httpx.Response(429, json=TOO_MANY)
        self.busy += 1
        self.most = max(self.most, self.busy)
        await asyncio.sleep(1)
        self.busy -= 1
        self.taken += 1
        return httpx.Response(200, json=ACCEPTED)


def submit_many(service, n, limits=UNLIMITED):
    async def scenario():
        async with AsyncClient(api_key="sk-x", transport=httpx.MockTransport(service), limits=limits) as client:
            await asyncio.gather(*(client.submit("https://h.example/a.wav") for _ in range(n)))
            return client.concurrency_history

    return virtual_time.run(scenario())


def test_concurrency_grows_until_throttled_backs_off_and_recovers(in_virtual_time):
    service = Throttling(room=6)
    history = submit_many(service, 400)
    assert service.taken == 400
    limits = [change.limit for change in history]
    assert limits[0] == 5  # grows from 4
    cut = next(i for i, change in enumerate(history) if change.why == "throttled")
    assert history[cut].limit == limits[cut - 1] // 2
    assert max(limits[cut:]) > limits[cut]  # recovers
    assert service.refused < 100
    assert all(1 <= limit <= 10 for limit in limits)
    assert [change.at for change in history] == sorted(change.at for change in history)


def test_concurrency_is_bounded_where_nothing_is_throttled(in_virtual_time):
    service = Throttling(room=10_000)
    submit_many(service, 1500)
    assert (service.taken, service.refused) == (1500, 0)
    assert service.most == 10


def test_room_is_given_on_by_whoever_gives_up(in_virtual_time):
    room = Concurrency(limit=1)
    entered = []

    async def one(number, seconds):
        async with room.room():
            entered.append(number)
            await asyncio.sleep(seconds)

    async def scenario():
        tasks = [asyncio.create_task(one(number, 10)) for number in range(4)]
        await asyncio.sleep(1)
        tasks[1].cancel()  # waits
        tasks[0].cancel()  # is in
        await asyncio.sleep(0)
        tasks[2].cancel()  # was perhaps just let in
        await asyncio.gather(*tasks, return_exceptions=True)

    virtual_time.run(asyncio.wait_for(scenario(), 60))
    assert entered[0] == 0
    assert entered[-1] == 3
    assert not room._inside


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore:coroutine:RuntimeWarning")
def test_a_loop_that_was_closed_with_some_waiting_gives_no_room_away():
    room = Concurrency(limit=1)

    async def one():
        async with room.room():
            await asyncio.sleep(0)

    first, other = asyncio.new_event_loop(), asyncio.new_event_loop()

    async def hold():
        async with room.room():
            waiting = [first.create_task(one()) for _ in range(3)]
            await asyncio.sleep(0)
            return waiting

    abandoned = first.run_until_complete(hold())
    first.close()
    del abandoned
    gc.collect()
    other.run_until_complete(asyncio.wait_for(one(), 10))
    other.close()
    assert not room._inside
    assert not room._waiting


def test_room_is_shared_by_threads_and_survives_their_loops():
    room = Concurrency(limit=2)
    inside, most = [0], [0]
    lock = threading.Lock()

    async def one():
        async with room.room():
            with lock:
                inside[0] += 1
                most[0] = max(most[0], inside[0])
            await asyncio.sleep(0.005)
            with lock:
                inside[0] -= 1

    async def several():
        await asyncio.gather(*(one() for _ in range(10)))

    async def leave_waiting():
        await asyncio.wait_for(asyncio.gather(*(one() for _ in range(10))), 0.001)

    with pytest.raises(TimeoutError):
        asyncio.run(leave_waiting())
    inside[0] = 0
    threads = [threading.Thread(target=lambda: asyncio.run(several())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not room._inside
    assert 1 <= most[0] <= 2
