"""Runs on object storage: what was written is there, once, whoever dies and whatever the storage does."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
import os
import random
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
import uuid
from pathlib import Path
from types import SimpleNamespace

import pytest
from object_storage import bucket, bucket_with_keys, server_of_s3, server_with_keys  # noqa: F401
from test_store import LEDGER, answer, ask, intent, questions
from upath import UPath

from asrlab.data import storage
from asrlab.errors import StoreError
from asrlab.sweep.store import Standing, Store, is_run, lease, log, objects

AXES = {"axes": [["language", ["none"]]]}


#: Tests that ask a real server; the others are about what is made of its answers, and need none.
ON_S3 = {
    "test_each_step_is_on_the_storage_when_it_returns",
    "test_it_holds_what_a_run_on_a_disk_holds_after_the_same_steps",
    "test_one_machine_drives_and_another_waits_until_it_has_gone",
    "test_a_driver_that_is_taken_for_dead_and_is_not_sends_nothing",
    "test_of_several_that_take_over_at_once_one_does",
    "test_killed_right_before_and_after_an_object_is_created",
    "test_a_snapshot_is_read_instead_of_all_before_it",
    "test_a_write_that_arrives_after_all_finds_its_number_taken",
}


class InMemory:
    """A bucket in the memory of this process, with the verbs of one of a server."""

    def __init__(self):
        import fsspec

        self.files = fsspec.filesystem("memory")
        self.name = f"/{uuid.uuid4().hex}"
        self.url = f"memory:/{self.name}"

    def names(self, under=""):
        start = f"{self.name}/"
        return sorted(path.removeprefix(start) for path in self.files.find(f"{start}{under}"))


@pytest.fixture
def kept(request, monkeypatch, tmp_path):
    """A bucket, and working copies out of the user's cache."""
    if request.function.__name__ in request.module.ON_S3:
        yield request.getfixturevalue("s3")
        return
    monkeypatch.setenv("ASRLAB_CACHE", str(tmp_path / "cache"))
    made = InMemory()
    yield made
    if made.files.exists(made.name):
        made.files.rm(made.name, recursive=True)


@pytest.fixture
def url(kept):
    return f"{kept.url}/run"


@pytest.fixture
def elsewhere(monkeypatch, tmp_path):
    """Give a function that goes to another machine, which has working copies of its own."""
    return lambda name: monkeypatch.setenv("ASRLAB_CACHE", str(tmp_path / name))


@pytest.fixture
def hasty(monkeypatch):
    """Let drivers be taken for dead, and a storage that does not answer be given up, within moments."""
    monkeypatch.setattr(lease, "LAPSE_S", 0.3)
    monkeypatch.setattr(lease, "BEAT_S", 0.05)
    monkeypatch.setattr(lease, "_LOOK_S", 0.0)
    monkeypatch.setattr(objects, "_PATIENCE_S", 0.2)
    monkeypatch.setattr(objects, "_PAUSE_S", 0.02)


@pytest.fixture
def planned(url):
    """A run with 8 questions planned, and their trials in order."""
    askings, identities = questions(8)
    with Store(url, create=True) as store:
        store.plan(askings, identities, AXES)
        yield store, [a.trial for a in askings]


def run_of(url, trials, **facts):
    """Open a run and ask some trials."""
    with Store(url, create=True) as store:

        async def steps():
            await asyncio.gather(*(ask(store, trial, **facts) for trial in trials))

        asyncio.run(steps())


def make(url, n=8, answered=8):
    """Make a run of ``n`` questions; gives the trials."""
    askings, identities = questions(n)
    with Store(url, create=True) as store:
        store.plan(askings, identities, AXES)
        for asking in askings[:answered]:
            asyncio.run(ask(store, asking.trial))
    return [a.trial for a in askings]


def logged(kept):
    return [name for name in kept.names() if "/log/" in name]


def soon_drives(store):
    end = time.monotonic() + 20
    while not store.drive():
        assert time.monotonic() < end
        time.sleep(0.02)


# Steps


def test_each_step_is_on_the_storage_when_it_returns(planned, url, elsewhere):
    store, (trial, *_) = planned
    elsewhere("b")

    def there():
        with Store(url) as other:
            return other.standings().get(trial, Standing()), other.transcripts()["text"][0]

    async def steps():
        attempt = await store.begin(intent(trial, link="https://host/a.wav?Signature=s3cret"))
        assert there()[0] == ("unknown", 1, None, None)
        await store.submitted(trial, attempt, "task-1", 5.0)
        assert there()[0] == ("submitted", 1, "task-1", 5.0)
        await store.answered(attempt, trial, answer("好 Ship it."))
        standing, text = there()
        assert (standing.state, text) == ("answered", "好 Ship it.")

    asyncio.run(steps())


def test_nothing_of_a_signature_is_on_the_storage(planned, kept):
    store, (trial, *_) = planned
    asyncio.run(store.begin(intent(trial, link="https://user:pw@host/a.wav?Signature=s3cret")))
    everything = b"".join(gzip.decompress(kept.files.cat_file(f"{kept.name}/{name}")) for name in logged(kept))
    assert b"host/a.wav" in everything
    assert b"s3cret" not in everything
    assert b"pw@" not in everything


def content_of(folder):
    """All tables of a ledger but the one that says where its log ends."""
    with contextlib.closing(sqlite3.connect(Path(folder) / LEDGER)) as db:
        names = [name for (name,) in db.execute("select name from sqlite_master where type = 'table' order by 1")]
        return {name: sorted(map(repr, db.execute(f"select * from {name}"))) for name in names if name != "log"}


@pytest.mark.parametrize("seed", range(1))
def test_it_holds_what_a_run_on_a_disk_holds_after_the_same_steps(url, tmp_path, elsewhere, seed, monkeypatch):
    """The oracle is the ledger on a disk, which has no log: any steps, in any order, refused ones too."""
    now = iter(())
    monkeypatch.setattr("asrlab.sweep.store.store.time", SimpleNamespace(time=lambda: float(next(now))))

    async def step(store, rng, trials):
        trial, attempt = rng.choice(trials), rng.randint(1, 3)
        raw = {"said": "x" * rng.randint(0, 2000), "n": rng.random()}
        match rng.randrange(6):
            case 0 | 1:
                await store.begin(intent(trial, reserved_s=rng.randint(0, 9), usd_per_s=rng.random()))
            case 2:
                await store.submitted(trial, attempt, f"task {rng.random()}")
            case 3:
                said = rng.choice(["", "Ship it.", "\u2028 'ö' \x00 \ud83d", "好" * 50])
                await store.answered(attempt, trial, answer(said, raw=raw, audio_s=rng.choice([None, 1e-17, 1e22])))
            case 4:
                state = rng.choice(["failed", "unknown", "submitted"])
                await store.ended(attempt, trial, state, code="x", message="said 'no'")
            case 5:
                await store.withdraw(trial, attempt)

    def steps(where):
        rng = random.Random(seed)
        nonlocal now
        now = iter(range(10**6))
        for _ in range(3):
            with Store(where, create=True) as store:
                drives = store.drive()
                assert drives
                # A second plan moves askings to other trials, and gives a condition other labels.
                askings, identities = questions(12, repeat=rng.randrange(2), channels=rng.choice([(0,), (0, 1)]))
                store.plan(askings[: rng.randint(6, 12)], identities, {"seed": rng.random(), "axes": []})
                number = store.begin_run({"about": rng.random()})

                async def some(store=store, askings=askings):
                    with contextlib.suppress(StoreError):
                        await step(store, rng, [a.trial for a in askings])

                for _ in range(25):
                    asyncio.run(some())
                store.end_run(number, "finished", more=rng.random())

    steps(tmp_path / "local")
    steps(url)
    with Store(url) as store:
        mine = store.folder
    elsewhere("b")
    with Store(url) as store:
        assert store.folder != mine
        assert content_of(store.folder) == content_of(mine) == content_of(tmp_path / "local")
        with Store(tmp_path / "local") as local:
            assert store.verify() == local.verify()  # of steps that make no sense, the same is said


# One driver


def test_one_machine_drives_and_another_waits_until_it_has_gone(hasty, planned, url, elsewhere, monkeypatch):
    store, trials = planned
    monkeypatch.setattr(lease, "LAPSE_S", 60.0)
    elsewhere("b")
    with Store(url, create=True) as other:
        for _ in range(5):
            assert not other.drive()
            time.sleep(0.05)
        assert "another machine, since 20" in other.driver()
        with pytest.raises(StoreError, match="is being asked by a process on another machine"):
            other.plan([], {}, {})
        asyncio.run(ask(store, trials[0]))
        store.close()
        assert other.drive()  # at once: it has said that it leaves
        assert str(os.getpid()) in other.driver()
        assert other.standings()[trials[0]].state == "answered"
        asyncio.run(ask(other, trials[1]))
    with Store(url) as again:
        assert again.transcripts()["state"].tolist() == ["answered"] * 2 + ["not run"] * 6
        assert again.verify() == []


def test_who_may_be_dead_is_waited_for_and_who_is_heard_of_is_not(hasty, planned, url, elsewhere, monkeypatch):
    store, trials = planned
    monkeypatch.setattr(lease, "LAPSE_S", 60.0)
    elsewhere("b")
    told = []
    with Store(url) as other:  # which makes nothing, as one that is merged
        assert other.lapses_in() is None
        assert not other.drive(told.append)
        assert told
        assert max(told) <= 60
        assert other.lapses_in() is None
        store._driver._stopping.set()  # as if its machine had died
        store._driver._beating.join()
    told.clear()
    monkeypatch.setattr(lease, "LAPSE_S", 1.2)
    with Store(url) as other:
        assert not other.drive()
        assert 0 < other.lapses_in() <= 1.2
        assert other.drive(told.append)
        assert told == sorted(told, reverse=True)
        assert len(told) > 1
        assert other.lapses_in() is None
        elsewhere("cache")
        asyncio.run(ask(other, trials[0]))


def test_a_process_of_this_machine_is_not_waited_for(planned, url, tmp_path):
    with Store(url) as other, Store(tmp_path / "run", create=True) as local, Store(tmp_path / "run") as second:
        assert local.drive()
        for waiting in (other, second):
            assert not waiting.drive(pytest.fail)
            assert waiting.lapses_in() is None


def test_a_driver_that_is_taken_for_dead_and_is_not_sends_nothing(hasty, planned, url, kept, elsewhere):
    store, trials = planned
    store._driver._stopping.set()  # as if its machine were asleep
    elsewhere("b")
    with Store(url, create=True) as other:
        soon_drives(other)
        before = kept.names()
        for _ in range(2):
            with pytest.raises(StoreError, match="Another process has taken over the run at "):
                asyncio.run(store.begin(intent(trials[0])))
        assert store.standings() == {}
        assert [name for name in kept.names() if name not in before] == []
        asyncio.run(ask(other, trials[0]))
        store.close()  # which must not say that nobody drives
        elsewhere("c")
        with Store(url, create=True) as third:
            assert not third.drive()
    with Store(url) as again:
        assert again.transcripts()["attempts"].max() == 1
        assert again.verify() == []


def test_a_driver_that_was_taken_over_ends_its_lease_by_itself_and_the_new_one_keeps_its_own(
    hasty, planned, url, elsewhere, monkeypatch
):
    store, trials = planned
    monkeypatch.setattr(lease, "LAPSE_S", 0.0)  # taken over though it is well
    elsewhere("b")
    with Store(url, create=True) as other:
        soon_drives(other)
        store._driver._beating.join(20)
        assert "taken over" in str(store._remote.broken)
        time.sleep(0.2)
        assert other._driver._beating.is_alive()
        asyncio.run(ask(other, trials[0]))


@pytest.mark.acceptance
def test_of_several_that_take_over_at_once_one_does(hasty, planned, url, elsewhere, monkeypatch, *, kept):
    store, _ = planned
    store._driver._stopping.set()
    monkeypatch.setattr(lease, "LAPSE_S", 0.0)
    others = []
    for name in "bcde":
        elsewhere(name)
        others.append(Store(url, create=True))
        others[-1].drive()  # sees the lease a first time
        others[-1]._driver.leave()
    before = len(logged(kept))
    go = threading.Barrier(len(others))
    drove = []

    def drive(one):
        go.wait()
        drove.append(one.drive())

    threads = [threading.Thread(target=drive, args=(one,)) for one in others]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    alive = [one for one in others if one._driver.held and not one._remote.is_superseded()]
    assert len(alive) == 1
    assert len(logged(kept)) - before == sum(drove)
    for one in others:
        one.close()


# A storage that does not answer


class Flaky:
    """A file system that fails at what it is told to, before or after it has done it."""

    def __init__(self, real):
        self._real = real
        self.fails = lambda number: None
        self.asked = 0

    def __getattr__(self, name):
        return getattr(self._real, name)

    def pipe_file(self, path, content, mode="overwrite"):
        if mode != "create" or "/log/" not in path:
            return self._real.pipe_file(path, content, mode=mode)
        self.asked += 1
        how = self.fails(self.asked)
        if how == "before":
            raise ConnectionError("Bearer s3cret")
        self._real.pipe_file(path, content, mode=mode)
        if how == "after":
            raise TimeoutError("Bearer s3cret")
        return None


@pytest.fixture
def flaky(planned):
    files = Flaky(planned[0]._remote.objects._files)
    planned[0]._remote.objects._files = files
    return files


@pytest.mark.parametrize("how", ["before", "after"])
def test_what_is_not_confirmed_is_sent_again_and_is_there_once(hasty, planned, flaky, url, how, *, elsewhere, kept):
    store, trials = planned
    flaky.fails = lambda number: how if number % 3 else None
    before = len(logged(kept))
    for trial in trials[:3]:
        asyncio.run(ask(store, trial))
    assert len(logged(kept)) - before == 9
    assert flaky.asked > 9
    elsewhere("b")
    with Store(url) as other:
        assert other.verify() == []
        assert other.transcripts()["state"].tolist() == ["answered"] * 3 + ["not run"] * 5


@pytest.mark.parametrize("how", ["before", "after"])
def test_a_storage_that_is_gone_ends_the_writing_and_the_next_run_goes_on(
    hasty, planned, flaky, url, how, *, monkeypatch
):
    store, trials = planned
    asyncio.run(ask(store, trials[0]))
    flaky.fails = lambda number: how
    if how == "after":  # nor can it be looked whether it is there
        flaky.cat_file = lambda path: (_ for _ in ()).throw(ConnectionError("s3cret"))
    with pytest.raises(StoreError, match=r"could not be (written|read)") as said:
        asyncio.run(store.begin(intent(trials[1])))
    assert "s3cret" not in str(said.value)
    flaky.fails = lambda number: None  # it is back; but nobody knows what it has taken
    with pytest.raises(StoreError, match="could not be"):
        asyncio.run(store.begin(intent(trials[2])))
    store.close()
    with Store(url, create=True) as again:
        assert again.drive()
        standings = again.standings()
        assert standings[trials[0]].state == "answered"
        assert set(standings) == set(trials[: 1 if how == "before" else 2])
        asyncio.run(ask(again, trials[2]))
        assert again.verify() == []


def test_a_server_that_takes_connections_and_says_nothing_is_given_up_soon(s3, monkeypatch):
    """It is asked as often as is said, each time for as long as is said: that bounds what a run waits for."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as silent:
        monkeypatch.setenv("AWS_ENDPOINT_URL", "http://{}:{}".format(*silent.getsockname()))
        monkeypatch.setitem(storage.CONFIG, "read_timeout", 0.1)
        with pytest.raises(StoreError, match="its host cannot be reached"):
            Store(f"{s3.url}/run")
        monkeypatch.setattr(storage, "PUT_S", 0.3)  # a PUT waits for "100 Continue", without the limits of botocore
        monkeypatch.setattr(objects, "_PATIENCE_S", 0.0)
        silent.setblocking(False)
        asked = 0
        with contextlib.suppress(BlockingIOError):
            while True:
                silent.accept()[0].close()
                asked += 1
        assert asked == storage.CONFIG["retries"]["total_max_attempts"]
        for write in ("create", "replace", "creates_once"):
            with pytest.raises(StoreError, match="its host cannot be reached"):
                getattr(objects.Objects(objects.located(f"{s3.url}/run")), write)("a", b"x")
    monkeypatch.undo()
    assert objects._PATIENCE_S + max(storage.PUT_S, asked * storage.CONFIG["read_timeout"]) <= 120


def test_what_hangs_does_not_keep_a_store_from_closing(hasty, planned):
    store, _ = planned
    hanging, on = threading.Event(), threading.Event()

    def hang():
        hanging.set()
        on.wait(60)
        return {}

    store._remote.lease = hang
    assert hanging.wait(20)
    store._remote.broken = StoreError("It hangs.")
    closing = threading.Thread(target=store.close)
    closing.start()
    closing.join(20)
    try:
        assert not closing.is_alive()
    finally:
        on.set()
        closing.join()


def test_a_write_that_arrives_after_all_finds_its_number_taken(hasty, planned, flaky, url, elsewhere):
    store, trials = planned
    late = []

    def remember(path, content, mode="overwrite"):
        if "/log/" in path:
            late.append((path, content))
            raise TimeoutError
        flaky._real.pipe_file(path, content, mode=mode)

    flaky.pipe_file = remember
    with pytest.raises(StoreError):
        asyncio.run(store.begin(intent(trials[0])))
    store.close()
    with Store(url, create=True) as again:
        assert again.drive()
        with pytest.raises(FileExistsError):
            flaky._real.pipe_file(*late[0], mode="create")
        asyncio.run(ask(again, trials[0]))
        assert again.standings()[trials[0]].attempts == 1
        assert again.verify() == []


def test_a_commit_here_that_fails_after_it_is_on_the_storage_is_the_last(planned, url, monkeypatch):
    store, trials = planned
    asyncio.run(ask(store, trials[0]))
    real = log.move_end

    def full(db, end):
        real(db, end)
        db.execute("pragma max_page_count = 1")
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(log, "move_end", full)
    with pytest.raises(StoreError, match="disk is full"):
        asyncio.run(store.begin(intent(trials[1])))
    monkeypatch.setattr(log, "move_end", real)
    with pytest.raises(StoreError, match="what was stored is at the URL"):
        asyncio.run(store.begin(intent(trials[2])))
    store.close()
    with Store(url, create=True) as again:
        assert again.standings()[trials[1]].state == "unknown"
        assert trials[2] not in again.standings()
        assert again.verify() == []


# Killed


CRASHES = """
import asyncio, os, signal, sys
import s3fs
sys.path.insert(0, {tests!r})
from test_store import ask, questions
from asrlab.sweep.store import Store, objects

real = objects.Objects.create
trials = [a.trial for a in questions(8)[0]]

def run(at, after):
    def create(self, name, content):
        if name.endswith(f"{{at:09}}.json.gz"):
            if after:
                real(self, name, content)
            os.kill(os.getpid(), signal.SIGKILL)
        return real(self, name, content)

    objects.Objects.create = create
    with Store({url!r}, create=True) as store:
        for trial in trials:
            if store.standings().get(trial, None) is None:
                asyncio.run(ask(store, trial))

for line in sys.stdin:
    at, after = line.split()
    child = os.fork()
    if child == 0:
        run(int(at), after == "after")
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


@pytest.mark.acceptance
def test_killed_right_before_and_after_an_object_is_created(url, elsewhere):
    trials = make(url, answered=0)  # objects 1 and 2: who drives, the plan
    code = CRASHES.format(tests=str(Path(__file__).parent), url=url)
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as runs:

        def killed(at, when):
            runs.stdin.write(f"{at} {when}\n")
            runs.stdin.flush()
            assert int(runs.stdout.readline()) == -signal.SIGKILL
            with Store(url) as store:
                return [standing[:2] for standing in store.standings().values()]

        # 3: the next driver; 4: the intent of the first trial; 5: its task; 6: its answer.
        assert killed(3, "before") == []
        assert killed(3, "after") == []
        assert killed(5, "before") == []  # 4: another driver; 5: the intent, which was not sent
        assert killed(6, "after") == [("unknown", 1)]  # 5: another driver; 6: the intent, which may have been sent
        assert killed(9, "after") == [("unknown", 1), ("submitted", 1)]
        assert killed(13, "after") == [("unknown", 1), ("submitted", 1), ("answered", 1)]
        runs.stdin.close()
    elsewhere("b")
    with Store(url) as store:
        assert list(store.standings()) == trials[:3]
        assert store.task_ids() == {f"task-{trial}" for trial in trials[1:3]}
        assert store.verify() == []


# Objects that were deleted, cut off, swapped


def damage(kept, number, how):
    name = f"{kept.name}/run/{log.name_of(number)}"
    content = kept.files.cat_file(name)
    if how == "deleted":
        kept.files.rm_file(name)
        return
    other = kept.files.cat_file(f"{kept.name}/run/{log.name_of(number - 1)}")
    entry = json.loads(gzip.decompress(content))
    entry["changed"]["attempt"]["rows"][0][3] = "failed"
    kept.files.pipe_file(name, {
        "cut off": content[:-1],
        "emptied": b"",
        "swapped": other,
        "edited": gzip.compress(json.dumps(entry).encode(), mtime=0),
        "no object of ours": gzip.compress(b"[1, 2]", mtime=0),
        "of a later asrlab": gzip.compress(json.dumps(entry | {"format": 9}).encode(), mtime=0),
        "without rows": gzip.compress(json.dumps(entry | {"changed": {"attempt": {"rows": [[1]]}}}).encode(), mtime=0),
    }[how])  # fmt: skip


@pytest.mark.parametrize(
    ("how", "said"),
    [("deleted", "is missing"), ("cut off", "was cut off"), ("emptied", "was cut off"), ("swapped", "does not follow"),
     ("edited", "does not follow"), ("no object of ours", "was cut off or changed"),
     ("of a later asrlab", "Use the version of asrlab"), ("without rows", "was cut off or changed")],
)  # fmt: skip
def test_an_object_that_is_not_what_was_written_is_told_and_nothing_is_asked(
    url, kept, elsewhere, how, said, *, monkeypatch
):
    monkeypatch.setattr(lease, "_AT_END", 10**6)
    make(url, n=2, answered=2)
    damage(kept, 5, how)
    elsewhere("b")
    for create in (False, True):
        with pytest.raises(StoreError, match=said) as told:
            Store(url, create=create)
        assert f"{url}/log/000000/00000000" in str(told.value)
    elsewhere("cache")  # where it was read before
    with Store(url) as store:
        assert any(said in fault for fault in store.verify())


@pytest.mark.parametrize("how", ["deleted", "edited", "cut off"])
def test_a_last_object_that_is_not_what_was_written_is_told(url, kept, elsewhere, how, monkeypatch):
    monkeypatch.setattr(lease, "_AT_END", 10**6)
    make(url, n=2, answered=2)
    last = len(logged(kept))
    damage(kept, last, how)
    with (
        pytest.raises(StoreError, match=f"{last} were (read|written)|not what was read|cut off"),
        Store(url, create=True) as store,
    ):
        store.drive()
    if how != "edited":  # which is what it says it is: on a machine that never read it, nobody knows
        elsewhere("b")
        with pytest.raises(StoreError, match=r"the rest was deleted|cut off"):
            Store(url)


def test_a_driver_finds_that_the_end_of_the_log_is_gone_though_the_lease_is_too(url, kept):
    make(url, n=2, answered=2)
    last = len(logged(kept))
    kept.files.rm_file(f"{kept.name}/run/driver.json")
    kept.files.rm_file(f"{kept.name}/run/{log.name_of(last)}")
    with pytest.raises(StoreError, match=rf"ends with object {last - 1} of its log, and {last} were read here"):
        Store(url)


def test_what_is_no_run_is_told(url, kept, elsewhere):
    name = f"{kept.name}/run/run.json"
    for content in (b"", b"{}", b"[]", b'{"asrlab_run": 2, "id": "x"}', b"\xff"):
        kept.files.pipe_file(name, content)
        for create in (False, True):
            with pytest.raises(StoreError, match=r"run\.json is not the run\.json of a run|is of format 2"):
                Store(url, create=create)
    kept.files.rm_file(name)
    with pytest.raises(StoreError, match=r"There is no run at memory://.*/run: it has no run\.json"):
        Store(url)
    assert not is_run(url)
    make(url, answered=1)
    assert is_run(url)


def test_a_damaged_working_copy_is_told_and_may_be_deleted(url):
    make(url)
    with Store(url) as store:
        folder = store.folder
    for content in (b"", b"no ledger" * 1000):
        for file in folder.glob(f"{LEDGER}*"):
            file.unlink()
        (folder / LEDGER).write_bytes(content)
        with pytest.raises(StoreError, match="delete that folder, and it is made anew"):
            Store(url)
    shutil.rmtree(folder)
    with Store(url) as store:
        assert store.verify() == []
        assert len(store.standings()) == 8


# Snapshots


@pytest.fixture
def snapshots(monkeypatch):
    """Have one written at the end of each run."""
    monkeypatch.setattr(lease, "_AT_END", 1)


def snapshots_of(kept):
    return [name for name in kept.names() if "/snapshots/" in name]


def test_a_snapshot_is_read_instead_of_all_before_it(url, kept, elsewhere, snapshots, monkeypatch):
    trials = make(url, answered=3)
    (first,) = snapshots_of(kept)
    run_of(url, trials[3:5])
    run_of(url, trials[5:7])
    assert len(snapshots_of(kept)) == 2
    assert first not in snapshots_of(kept)
    monkeypatch.setattr(lease, "_AT_END", 10**6)
    run_of(url, trials[7:])
    read = []
    real = objects.Objects.read
    monkeypatch.setattr(objects.Objects, "read", lambda self, name: (read.append(name), real(self, name))[1])
    elsewhere("b")
    with Store(url) as store:
        assert store.transcripts()["state"].tolist() == ["answered"] * 8
        assert sum(name.startswith("log/") for name in read) <= 5
        assert store.verify() == []
        assert content_of(store.folder).keys() >= {"trial", "attempt"}


def test_a_snapshot_is_a_ledger_that_any_reader_of_sqlite_opens(url, kept, tmp_path, snapshots):
    trials = make(url)
    folder = tmp_path / "taken"
    folder.mkdir()
    kept.files.get_file(f"{kept.name}/{snapshots_of(kept)[-1]}", str(folder / LEDGER))
    with Store(folder, create=True) as store:
        assert list(store.standings()) == trials
        assert store.verify() == []


@pytest.mark.parametrize("how", ["cut off", "of another log"])
def test_a_snapshot_that_is_not_what_was_written_is_told_and_may_be_deleted(url, kept, elsewhere, snapshots, how):
    make(url)
    name = f"{kept.name}/{snapshots_of(kept)[-1]}"
    if how == "cut off":
        kept.files.pipe_file(name, kept.files.cat_file(name)[:-4096])
    else:
        make(f"{kept.url}/other")
        (other,) = kept.files.find(f"{kept.name}/other/snapshots")
        kept.files.rm_file(name)
        name = f"{kept.name}/run/snapshots/{other.rpartition('/')[2]}"
        kept.files.copy(other, name)
    with Store(url) as store:
        assert any("Delete it: the run is then read from its log" in fault for fault in store.verify())
    elsewhere("b")
    with pytest.raises(StoreError, match="Delete it: the run is then read from its log"):
        Store(url)
    kept.files.rm_file(name)
    with Store(url) as store:
        assert len(store.standings()) == 8
        assert store.verify() == []


def test_a_snapshot_that_is_removed_while_it_is_read_is_no_fault(url, elsewhere, snapshots, monkeypatch):
    trials = make(url, answered=1)
    real = objects.Objects.fetch

    def fetch(self, name, file):
        monkeypatch.setattr(objects.Objects, "fetch", real)
        os.environ["ASRLAB_CACHE"] += "2"
        for trial in trials[1:4]:
            run_of(url, [trial])
        return real(self, name, file)

    monkeypatch.setattr(objects.Objects, "fetch", fetch)
    elsewhere("b")
    with Store(url) as store:
        assert len(store.standings()) == 4


def test_without_a_snapshot_the_run_ends_well(planned, monkeypatch, caplog, snapshots):
    store, trials = planned
    monkeypatch.setattr(objects.Objects, "send", lambda *args: (_ for _ in ()).throw(StoreError("no room")))
    asyncio.run(ask(store, trials[0]))
    store.close()
    assert "No snapshot was made" in caplog.text


def test_a_long_run_writes_snapshots_while_it_goes_on(hasty, planned, kept, monkeypatch):
    store, trials = planned
    monkeypatch.setattr(lease, "_MEANWHILE", 5)
    for trial in trials:
        asyncio.run(ask(store, trial))
    end = time.monotonic() + 20
    while not snapshots_of(kept):
        assert time.monotonic() < end
        time.sleep(0.02)


# Read while another drives


@pytest.mark.acceptance
def test_it_is_read_here_and_elsewhere_while_it_is_written(planned, url, tmp_path):
    store, trials = planned
    done = threading.Event()
    failed = []

    def read(where):
        seen = 0
        with pytest.MonkeyPatch.context() as patch:
            try:
                while not done.is_set():
                    with reading_as(patch, where), Store(url) as other:
                        frame = other.transcripts()
                        answered = frame["state"].eq("answered").astype(bool)
                        assert frame["text"].notna().equals(answered)
                        assert answered.sum() >= seen
                        seen = answered.sum()
            except BaseException as error:
                failed.append(error)

    # The environment is all threads'; the folder of working copies is looked up where it is asked for.
    lock = threading.Lock()

    @contextlib.contextmanager
    def reading_as(patch, where):
        with lock:
            patch.setenv("ASRLAB_CACHE", str(tmp_path / where))
            yield

    threads = [threading.Thread(target=read, args=(where,)) for where in ("cache", "b")]
    for thread in threads:
        thread.start()
    for trial in trials:
        asyncio.run(ask(store, trial))
    done.set()
    for thread in threads:
        thread.join()
    assert failed == []


# Storages that are unfit


def test_a_storage_that_takes_no_notice_of_conditions_is_refused(s3_with_keys):
    with Store(f"{s3_with_keys.url}/run", create=True) as store:
        with pytest.raises(StoreError, match=r"creates an object although it is there .*conditional writes"):
            store.drive()
        with pytest.raises(StoreError, match="conditional writes"):
            store.plan([], {}, {})
    assert logged(s3_with_keys) == []


def test_a_wrong_key_is_told_and_not_shown(s3_with_keys, monkeypatch):
    import s3fs

    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wr0ng")
    s3fs.S3FileSystem.clear_instance_cache()
    for create in (False, True):
        with pytest.raises(StoreError, match="access is refused") as told:
            Store(f"{s3_with_keys.url}/run", create=create)
        assert "wr0ng" not in str(told.value)
        assert "wr0ng" not in repr(told.value.__cause__)


def test_a_missing_bucket_is_told(s3):
    with pytest.raises(StoreError, match="There is no bucket nobodys-bucket, and asrlab makes none"):
        Store("s3://nobodys-bucket/run", create=True)
    with pytest.raises(StoreError, match="There is no run at s3://nobodys-bucket/run"):
        Store("s3://nobodys-bucket/run")


@pytest.mark.parametrize("url", ["zip://a::memory://x.zip", "http://127.0.0.1:9/run", "github://a:b@/run"])
def test_other_storages_are_refused_before_anything_is_asked(url):
    with pytest.raises(StoreError, match=r"Use s3://|credential|user name"):
        Store(url, create=True)


@pytest.mark.parametrize("url", ["s3://key:s3cret@bucket/run", "s3://bucket/run?X-Amz-Signature=s3cret"])
def test_credentials_in_a_url_are_refused_and_not_shown(url):
    with pytest.raises(StoreError, match="AWS_ACCESS_KEY_ID") as told:
        Store(url, create=True)
    assert "s3cret" not in str(told.value)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"key": "an id", "secret": "s3cret"}, "key, secret"),
        ({"token": "s3cret"}, "token"),
        ({"client_kwargs": {"aws_secret_access_key": "s3cret"}}, "aws_secret_access_key"),
        ({"endpoint_url": "https://me:s3cret@host"}, "endpoint_url"),
    ],
)
def test_credentials_that_a_place_carries_are_refused_and_not_shown(options, named):
    """They would stand in every pickle of it, such as that of a part of a sweep."""
    with pytest.raises(StoreError, match=rf"is given with {named}, .*AWS_ACCESS_KEY_ID") as told:
        Store(UPath("s3://bucket/run", **options), create=True)
    assert "s3cret" not in str(told.value)


def test_a_place_may_carry_what_is_no_credential():
    options = {"anon": True, "endpoint_url": "http://127.0.0.1:9", "client_kwargs": {"region_name": "eu-west-1"}}
    assert objects.located(UPath("s3://bucket/run", **options)).storage_options == options


def test_offline_nothing_is_asked_for(s3, monkeypatch):
    monkeypatch.setenv("ASRLAB_OFFLINE", "1")
    with pytest.raises(StoreError, match="ASRLAB_OFFLINE is set"):
        Store(f"{s3.url}/run")


def test_a_working_copy_is_not_made_on_a_network_disk(url, monkeypatch):
    monkeypatch.setattr("asrlab.sweep.store.remote.unfit", lambda folder: "it lies on a network disk (nfs4)")
    with pytest.raises(StoreError, match="Set ASRLAB_CACHE to a folder on a disk of this machine"):
        Store(url, create=True)


def test_a_file_url_is_a_folder_of_this_machine(tmp_path):
    make(f"file://{tmp_path}/run")
    assert (tmp_path / "run" / LEDGER).is_file()


def test_it_works_on_the_storage_for_tests_in_memory():
    make("memory://bucket/run", answered=2)
    with Store("memory://bucket/run") as store:
        assert store.transcripts()["state"].tolist() == ["answered"] * 2 + ["not run"] * 6
        assert store.verify() == []
