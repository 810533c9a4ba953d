"""The queue of tasks: delays, workers, and what becomes of tasks when the service ends."""

from __future__ import annotations

import asyncio
import contextlib
import time

import httpx
import pytest
from by_hand import KEY, MODEL, RESOLVE, query, recording, submit, upload, wait
from stand_ins import Scripted

from asrlab.errors import InvalidInput, TaskFailed

pytest.importorskip("starlette")

from asrlab.server.run import serve
from asrlab.server.tasks import Part, Tasks

REQUEST = {"input": {"file_url": "http://127.0.0.1:9/a.wav"}, "parameters": {}}


DONE = (Part("", b"{}"),)


async def done(task):
    return DONE


async def endless(task):
    await asyncio.Event().wait()


def put(tasks):
    return tasks.submit(MODEL, REQUEST, resolve_oss=False)


async def until(true):
    while not true():  # noqa: ASYNC110 - there is nothing to be told by
        await asyncio.sleep(0.001)


@contextlib.asynccontextmanager
async def queue(transcribe=done, **options):
    tasks = Tasks(transcribe, **options)
    async with tasks.running():
        yield tasks


def test_delays_are_kept_and_the_times_are_true():
    async def scenario():
        async with queue(queue_s=0.15, run_s=0.25) as tasks:
            task = put(tasks)
            await until(lambda: task.ended)
            assert task.state == "SUCCEEDED"
            assert task.request == {"input": {}, "parameters": {}}  # what was asked, and it may be long, is forgotten
            assert task.started - task.submitted >= 0.149  # wall clocks may be adjusted a little
            assert task.ended - task.started >= 0.249

    asyncio.run(scenario())


def test_a_task_that_fails_has_run_as_long():
    async def scenario():
        async def fail(task):
            raise TaskFailed("no", code="DECODE_ERROR")

        async with queue(fail, run_s=0.2) as tasks:
            task = put(tasks)
            await until(lambda: task.ended)
            assert (task.state, task.code) == ("FAILED", "DECODE_ERROR")
            assert task.ended - task.started >= 0.199

    asyncio.run(scenario())


def test_so_many_run_at_once_and_the_others_wait_in_order():
    async def scenario():
        go = asyncio.Semaphore(0)

        async def transcribe(task):
            await go.acquire()
            return DONE

        async with queue(transcribe, workers=3) as tasks:
            submitted = [put(tasks) for _ in range(5)]
            await until(lambda: tasks.states().get("RUNNING") == 3)
            assert [task.state for task in submitted] == ["RUNNING"] * 3 + ["PENDING"] * 2
            go.release()
            await until(lambda: submitted[3].state == "RUNNING")
            assert submitted[4].state == "PENDING"
            assert tasks.busy
            for _ in range(4):
                go.release()
            await until(lambda: not tasks.busy)
            assert tasks.states() == {"SUCCEEDED": 5}

    asyncio.run(scenario())


def test_a_task_that_waits_out_its_delay_can_be_cancelled_and_delays_no_other():
    async def scenario():
        async with queue(queue_s=0.2) as tasks:
            first, second = put(tasks), put(tasks)
            await asyncio.sleep(0.01)  # the worker has taken the first from the queue
            assert tasks.cancel(first.task_id)
            await until(lambda: second.ended)
            assert (first.state, first.started, second.state) == ("CANCELED", None, "SUCCEEDED")
            assert tasks.states() == {"CANCELED": 1, "SUCCEEDED": 1}

    asyncio.run(scenario())


def test_two_thousand_in_flight():
    async def scenario():
        async with queue(endless, workers=2000) as tasks:
            submitted = [put(tasks) for _ in range(2000)]
            await until(lambda: tasks.states() == {"RUNNING": 2000})
            assert len(tasks.listed(None, None, model=None, state="RUNNING")) == 2000
        assert tasks.states() == {"FAILED": 2000}
        assert {task.code for task in submitted} == {"SERVER_ERROR"}

    asyncio.run(scenario())


def test_the_oldest_are_forgotten_24_hours_after_their_end():
    async def scenario():
        now = 1_800_000_000.0
        async with queue(clock=lambda: now) as tasks:
            early = put(tasks)
            await until(lambda: early.ended)
            now += 3600
            late = put(tasks)
            await until(lambda: late.ended)
            now += 23 * 3600 + 1
            assert (tasks.find(early.task_id), tasks.find(late.task_id)) == (None, late)
            assert tasks.states() == {"SUCCEEDED": 1}
            assert tasks.listed(None, None, model=None, state=None) == [late]
            now += 3600
            assert tasks.states() == {"SUCCEEDED": 1}  # until somebody asks
            assert tasks.find(late.task_id) is None
            assert tasks.states() == {}

    asyncio.run(scenario())


def test_draining_waits_until_each_has_been_told_and_no_longer():
    async def scenario():
        async with queue(endless) as tasks:
            running, pending = put(tasks), put(tasks)
            await until(lambda: running.started)
            tasks.told(running)  # before the end, which does not count
            drained = asyncio.create_task(tasks.drain(3600))
            await until(lambda: not tasks.accepting)
            assert {running.state, pending.state} == {"FAILED"}
            tasks.told(running)
            tasks.told(running)
            await asyncio.sleep(0.01)
            assert not drained.done()
            tasks.told(pending)
            await drained

    asyncio.run(scenario())


def test_draining_ends_at_once_where_nobody_is_left_to_be_told():
    async def scenario():
        async with queue() as tasks:
            task = put(tasks)
            await until(lambda: task.ended)
            await tasks.drain(3600)
            assert task.state == "SUCCEEDED"

    asyncio.run(scenario())


def test_draining_has_an_end_though_nobody_asks():
    async def scenario():
        async with queue(endless) as tasks:
            put(tasks)
            await tasks.drain(0.01)
            assert tasks.states() == {"FAILED": 1}

    asyncio.run(scenario())


def test_a_recogniser_that_will_not_stop_does_not_bring_its_task_back():
    async def scenario():
        async def stubborn(task):
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.Event().wait()
            return DONE

        async with queue(stubborn) as tasks:
            task = put(tasks)
            await until(lambda: task.started)
        assert (task.state, task.code, task.parts) == ("FAILED", "SERVER_ERROR", ())
        assert tasks.states() == {"FAILED": 1}

    asyncio.run(scenario())


def test_on_leaving_none_is_left_pending_or_running():
    engine = Scripted()
    engine.go.clear()
    with (
        serve(engine, limits=None) as service,
        httpx.Client(base_url=service.url, trust_env=False) as client,
    ):
        _, url = upload(client, recording())
        running, pending = (submit(client, url, headers=RESOLVE) for _ in range(2))
        while query(client, running)["output"]["task_status"] != "RUNNING":
            time.sleep(0.01)
        assert query(client, pending)["output"]["task_status"] == "PENDING"
    assert service.status()["tasks"] == {"FAILED": 2}


def test_a_service_takes_delays_and_workers_and_page_rows():
    engine = Scripted()
    engine.go.clear()
    with (
        serve(engine, limits=None, workers=2, queue_s=0.1, run_s=0.1, page_rows=2) as service,
        httpx.Client(base_url=service.url, trust_env=False) as client,
    ):
        _, url = upload(client, recording())
        task_ids = [submit(client, url, headers=RESOLVE) for _ in range(3)]
        while service.status()["tasks"] != {"RUNNING": 2, "PENDING": 1}:
            time.sleep(0.01)
        engine.go.set()
        for task_id in task_ids:
            assert wait(client, task_id)["output"]["task_status"] == "SUCCEEDED"
        page = client.get("/api/v1/tasks", params={"page_size": 100}, headers=KEY).json()
        assert (page["page_size"], page["total"], page["total_page"], len(page["data"])) == (2, 3, 2, 2)
        for row in page["data"]:
            assert row["start_time"] - row["gmt_create"] >= 98
            assert row["end_time"] - row["start_time"] >= 98


@pytest.mark.parametrize(
    "wrong",
    [
        {"workers": 0},
        {"workers": 1.5},
        {"workers": True},
        {"page_rows": 0},
        {"queue_s": -1},
        {"queue_s": float("nan")},
        {"run_s": float("inf")},
        {"run_s": "1"},
    ],
)
def test_numbers_that_are_none_are_refused(wrong):
    with pytest.raises(InvalidInput, match=next(iter(wrong))), serve(Scripted(), **wrong):
        pass


def test_the_clock_moves_forward_only():
    with serve(Scripted()) as service:
        for wrong in (-1, float("nan"), "1", True):
            with pytest.raises(InvalidInput, match="seconds"):
                service.advance(wrong)
