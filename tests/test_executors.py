"""The seam through which all work is spread: order, memory, errors, and workers that die."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
import threading
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial

import pytest

from asrlab import executors
from asrlab.errors import AsrlabError, InvalidInput
from asrlab.executors import check_executor, mapped, slots
from asrlab.normalize import Normalizer
from asrlab.scoring.marking import score

distributed = pytest.importorskip("distributed")


@pytest.fixture(scope="module")
def client():
    options = {"n_workers": 1, "threads_per_worker": 2, "processes": False, "dashboard_address": ":0"}
    with distributed.LocalCluster(**options) as cluster, distributed.Client(cluster) as one:
        yield one


@pytest.fixture(scope="module", params=["here", "threads", "processes", "dask", "dask executor"])
def anywhere(request, client):
    if request.param == "threads":
        with ThreadPoolExecutor(2) as pool:
            yield pool
    elif request.param == "processes":
        with ProcessPoolExecutor(2) as pool:
            yield pool
    elif request.param == "dask":
        yield client
    elif request.param == "dask executor":
        with client.get_executor() as pool:
            yield pool
    else:
        yield None


def power(base, number):
    return base**number


def fails(number):
    if number == 3:
        raise KeyError("of the work itself")
    return number


def is_here(_):
    return os.getpid()


def die(_):
    os.kill(os.getpid(), signal.SIGKILL)


def test_results_come_in_the_order_of_the_parts(anywhere):
    check_executor(anywhere)
    assert list(mapped(partial(power, 2), range(50), anywhere)) == [2**n for n in range(50)]
    assert list(mapped(partial(power, 2), iter(()), anywhere)) == []


def test_what_the_work_raises_is_raised(anywhere):
    found = mapped(fails, range(10), anywhere)
    assert [next(found) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(KeyError, match="of the work itself"):
        next(found)


def test_parts_are_taken_as_they_are_needed(anywhere):
    taken = []

    def parts():
        for n in range(1000):
            taken.append(n)
            yield n

    found = mapped(is_here, parts(), anywhere)
    for done in range(100):
        next(found)
        assert len(taken) <= done + 1 + 3 * slots(anywhere)
    found.close()
    assert len(taken) < 1000


def test_slots_are_those_that_work_at_one_time(client):
    assert slots(None) == 1
    assert slots(client) == 2
    with ThreadPoolExecutor(3) as threads, ProcessPoolExecutor(2) as processes:
        assert (slots(threads), slots(processes)) == (3, 2)


def test_processes_do_the_work():
    with ProcessPoolExecutor(1) as pool:
        assert os.getpid() not in set(mapped(is_here, range(3), pool))


@pytest.mark.parametrize("work", [lambda n: n, partial(power, threading.Lock())])
def test_what_cannot_be_sent_is_said_before_anything_is_done(work, client):
    with ProcessPoolExecutor(1) as pool:
        for where in (pool, client):
            with pytest.raises(InvalidInput, match=r"cannot be sent to another process.*leave executor= out"):
                list(mapped(work, [1], where))


class Contrary:
    """Says in its own way that it cannot be sent."""

    def __init__(self, error):
        self.error = error

    def __reduce__(self):
        raise self.error

    def __call__(self, text):
        return text


def deep():
    some = []
    for _ in range(100_000):
        some = [some]
    return some


UNSENDABLE = [Contrary(ValueError("pointers")), Contrary(RuntimeError("locked")), partial(power, deep())]


@pytest.mark.parametrize("step", UNSENDABLE, ids=["value", "runtime", "deep"])
def test_what_says_in_its_own_way_that_it_cannot_be_sent(step, tmp_path):
    chain = Normalizer("mine-1", (step,))
    with ProcessPoolExecutor(1) as pool:
        with pytest.raises(InvalidInput, match=r"cannot be sent to another process.*leave executor= out"):
            list(mapped(step, [1], pool))
        for options in ({}, {"to": tmp_path / "scores"}):
            with pytest.raises(InvalidInput, match=r"cannot be sent to another process.*leave executor= out"):
                score(["a b"], ["a c"], normalizer=chain, executor=pool, **options)


def test_a_pool_that_takes_no_more_work_is_said_to_be_of_no_use(client):
    threads, processes, broken = ThreadPoolExecutor(1), ProcessPoolExecutor(1), ProcessPoolExecutor(1)
    of_client = client.get_executor()
    for pool in (threads, processes, of_client):
        pool.shutdown()
        with pytest.raises(AsrlabError, match=r"takes no more work.*of power.*Make another"):
            list(mapped(partial(power, 2), [1], pool))
    with pytest.raises(AsrlabError, match="ended before their work was done"):
        list(mapped(die, [1], broken))
    for work in (partial(power, 2), is_here):  # again and again
        with pytest.raises(AsrlabError, match="ended before their work was done"):
            list(mapped(work, [1], broken))
    with pytest.raises(AsrlabError, match="ended before their work was done"):
        asyncio.run(executors.asked(is_here, 1, broken))
    with pytest.raises(AsrlabError, match="takes no more work"):
        asyncio.run(executors.asked(is_here, 1, threads))


def test_a_closed_client_is_refused(client):
    one = distributed.Client(client.scheduler.address, set_as_default=False)
    one.close()
    with pytest.raises(InvalidInput, match=r"is closed\. Make another"):
        check_executor(one)


def test_a_cluster_without_workers_is_told_of(caplog):
    with (
        distributed.LocalCluster(n_workers=0, processes=False, dashboard_address=":0") as cluster,
        distributed.Client(cluster, set_as_default=False) as empty,
    ):
        threading.Timer(0.2, cluster.scale, [1]).start()
        assert list(mapped(partial(power, 2), [3], empty)) == [8]
        assert list(mapped(partial(power, 2), [3], empty)) == [8]
    assert [one.message for one in caplog.records if one.name == "asrlab"] == [
        "The Dask cluster has no workers: work waits until some come. Start workers, or interrupt this."
    ]


def test_processes_that_die_are_said_to_have_died():
    with ProcessPoolExecutor(1) as pool, pytest.raises(AsrlabError, match=r"ended before their work was done.*of die"):
        list(mapped(die, [1], pool))


def test_an_asynchronous_client_is_refused(client):
    async def made():
        async with distributed.Client(client.scheduler.address, asynchronous=True) as one:
            check_executor(one)

    with pytest.raises(InvalidInput, match="without asynchronous=True"):
        asyncio.run(made())


@pytest.mark.parametrize("executor", [4, "tcp://127.0.0.1:8786", object()])
def test_what_is_no_executor_is_refused(executor):
    with pytest.raises(InvalidInput, match=r"ProcessPoolExecutor\(4\), a Dask client"):
        check_executor(executor)


def test_workers_of_another_version_are_refused(monkeypatch, client):
    task = executors._Task(partial(power, 2), "0.0.1")
    with pytest.raises(InvalidInput, match=r"A worker has asrlab .*, and 0\.0\.1 asked it.*one version everywhere"):
        task(1)


KILLED = """
    import os, signal, sys
    from distributed import Client, LocalCluster
    from asrlab.executors import mapped

    def dies_once(part):
        there, number = part
        if number == 5:
            try:
                with open(os.path.join(there, "died"), "x"):  # as short as can be before it dies
                    pass
            except FileExistsError:
                return number
            os.kill(os.getpid(), signal.SIGKILL)
        return number

    if __name__ == "__main__":
        options = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": ":0"}
        with LocalCluster(**options) as cluster, Client(cluster) as client:
            print(list(mapped(dies_once, [(sys.argv[1], n) for n in range(20)], client)))
"""


def test_work_of_a_worker_that_is_killed_is_done_again(tmp_path):
    script = tmp_path / "killed.py"
    script.write_text(textwrap.dedent(KILLED))
    done = subprocess.run([sys.executable, script, tmp_path], capture_output=True, text=True, check=False, timeout=120)
    assert done.stdout.strip() == str(list(range(20))), done.stderr
    assert (tmp_path / "died").exists()
