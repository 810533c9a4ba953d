"""The embedded default: found or started, killed and found again, and never mistaken for the real service."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pandas as pd
import pytest

from asrlab.data.dataset import Dataset
from asrlab.engines import engine
from asrlab.engines.base import Parameters, Question
from asrlab.engines.filetrans import FiletransEngine
from asrlab.engines.local import _STARTED, LocalEngine
from asrlab.errors import InvalidInput, ServiceError
from asrlab.sweep.grid import grid
from asrlab.sweep.opened import open_sweep
from asrlab.sweep.sweep import Sweep

pytest.importorskip("starlette")

pytestmark = pytest.mark.filterwarnings("ignore:the engine does not obey context")  # as pocketsphinx does not

DICTATION = Path(__file__).parents[1] / "datasets" / "dictation"
GRID = grid(enable_itn=[False, True], context={"none": None, "names": "Kestrel"})


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """A cache folder of its own, and an end to every service that was started from it."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("ASRLAB_CACHE", str(folder))
    yield folder
    for note in (folder / "service").glob("*.json"):
        end(pid_of(json.loads(note.read_text())["url"]))
    for process in _STARTED:
        process.wait(timeout=10)
    _STARTED.clear()


@pytest.fixture
def english(digits):
    return Dataset("digits", pd.DataFrame({"utt_id": ["digits"], "audio": [digits.name]}), folder=digits.parent)


def status(url):
    with urllib.request.urlopen(f"{url}/asrlab/status", timeout=10) as response:
        return json.load(response)


def pid_of(url):
    """Find the process that listens on a port of this machine, by what Linux says of its sockets."""
    port = int(url.rpartition(":")[2])
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    inodes = {line.split()[9] for line in lines if line.split()[1].endswith(f":{port:04X}") and line.split()[3] == "0A"}
    for fd in Path("/proc").glob("[0-9]*/fd/*"):
        try:
            if fd.readlink().name.removeprefix("socket:[").rstrip("]") in inodes:
                return int(fd.parts[2])
        except OSError:
            continue
    return None


def end(pid):
    if pid is not None:
        os.kill(pid, signal.SIGKILL)
        for _ in range(200):
            if not Path(f"/proc/{pid}/cmdline").exists() or not Path(f"/proc/{pid}/cmdline").read_bytes():
                return
            time.sleep(0.01)


def test_it_starts_one_service_and_finds_it_again(cache, english, tmp_path):
    local = engine("local", recogniser="sphinx", idle_exit_s=120)
    assert repr(local) == "<LocalEngine sphinx>"
    with pytest.raises(RuntimeError, match="once the engine has been entered"):
        _ = local.identity
    sweep = Sweep(english, local, GRID, store=tmp_path / "run")
    sweep.run(progress=False)
    frame = sweep.transcripts
    assert frame["state"].unique().tolist() == ["answered"]
    assert set(frame["unsupported"].dropna()) == {"context"}
    assert frame["answered_by"].str.startswith("pocketsphinx-en-us").all()
    assert frame["asked_engine"].unique().tolist() == ["local"]
    (note,) = (cache / "service").glob("*.json")
    url = json.loads(note.read_text())["url"]
    assert status(url)["submits"] == 4
    other = Sweep(english, LocalEngine("sphinx", idle_exit_s=120), GRID, store=tmp_path / "run", repeats=2)
    other.run(progress=False)
    assert status(url)["submits"] == 8
    assert status(url)["recogniser"]["model"] == "pocketsphinx-en-us"
    assert local.capabilities.languages == {"en"}


def test_a_service_with_the_scripted_recogniser_is_started_too(cache, english):
    audio = str(english.audio_path("digits"))

    async def ask(local):
        async with local:
            return await local.transcribe(Question(audio)), dict(local.identity)

    answer, identity = asyncio.run(ask(LocalEngine("scripted", idle_exit_s=60)))
    alone, of_itself = asyncio.run(ask(engine("scripted")))
    assert [t.text for t in answer.transcripts] == [t.text for t in alone.transcripts] != [""]
    assert identity == of_itself | {"engine": "local", "recogniser": "scripted"}


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_a_service_that_was_ended_is_started_anew_and_what_it_lost_is_asked_again(cache, english, tmp_path, how):
    sweep = Sweep(english, LocalEngine("sphinx", idle_exit_s=120), GRID, store=tmp_path / "run")
    killed = []

    def kill(progress):
        if progress.done == 2 and not killed:
            (note,) = (cache / "service").glob("*.json")
            url = json.loads(note.read_text())["url"]
            os.kill(pid_of(url), how)
            killed.append(url)

    sweep.run(progress=kill)
    assert killed
    assert sweep.transcripts["state"].value_counts().to_dict() == {"answered": 4}
    (note,) = (cache / "service").glob("*.json")
    assert 1 <= status(json.loads(note.read_text())["url"])["submits"] <= 2  # what the first had not answered


ASKING = """
from asrlab.data.loading import load_dataset
from asrlab.engines.local import LocalEngine
from asrlab.sweep.sweep import Sweep
import sys
sys.path.insert(0, {tests!r})
from test_local import GRID
dataset = load_dataset({folder!r}).select(["en-flite_slt-3", "en-flite_slt-4"])
Sweep(dataset, LocalEngine("sphinx", idle_exit_s=120), GRID, store={store!r}, repeats=2).run(concurrency=3)
"""


@pytest.mark.acceptance
def test_a_killed_run_asks_the_service_only_for_what_is_missing(cache, tmp_path):
    code = ASKING.format(tests=str(Path(__file__).parent), folder=str(DICTATION), store=str(tmp_path / "run"))
    process = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE, text=True)
    wait_for(lambda: answered(tmp_path / "run") >= 3)
    process.kill()
    process.communicate()
    (note,) = (cache / "service").glob("*.json")
    url = json.loads(note.read_text())["url"]
    kept = answered(tmp_path / "run")
    assert 3 <= kept < 16
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert f"{kept} stored before" in done.stderr
    assert answered(tmp_path / "run") == 16
    # Those under way when it was killed were collected, or had not been submitted; at most one submit for each of the
    # three workers was under way without its task id being on disk, and is asked again since that costs nothing.
    assert 16 <= status(url)["submits"] <= 19
    frame = open_sweep(tmp_path / "run").transcripts
    assert status(url)["submits"] == frame["attempts"].sum()


def answered(folder):
    if not (folder / "ledger.sqlite").exists():
        return 0
    try:
        return int((open_sweep(folder).transcripts["state"] == "answered").sum())
    except Exception:  # the ledger is being made
        return 0


def wait_for(ready):
    for _ in range(1200):
        if ready():
            return
        time.sleep(0.05)
    raise AssertionError("waited for a minute in vain")


def test_two_that_start_at_once_share_one_service(cache):
    code = """
import asyncio
from asrlab.engines.local import LocalEngine
async def main():
    async with LocalEngine("sphinx", idle_exit_s=120) as local:
        print(local._clients[-1].base_url)
asyncio.run(main())
"""
    both = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) for _ in range(2)]
    urls = {process.communicate(timeout=60)[0] for process in both}
    assert len(urls) == 1
    assert "http://127.0.0.1:" in urls.pop()


def test_a_stale_or_foreign_note_is_not_believed(cache):
    (cache / "service").mkdir(parents=True)
    from importlib.metadata import version

    for content in ("not json", '{"url": "http://example.org"}', '{"url": "http://127.0.0.1:9"}', "[]"):
        note = cache / "service" / f"sphinx-{version('asrlab')}.json"
        note.write_text(content)

        async def enter():
            async with LocalEngine("sphinx", idle_exit_s=60) as local:
                return local.identity["model"]

        assert asyncio.run(enter()) == "pocketsphinx-en-us"
        end(pid_of(json.loads(note.read_text())["url"]))


def test_what_is_not_on_this_machine_is_refused():
    for url in ("http://example.org:8300", "https://127.0.0.1", "file:///etc/passwd", "127.0.0.1:8300"):
        with pytest.raises(InvalidInput, match="has a URL like"):
            LocalEngine(url=url)
    with pytest.raises(InvalidInput, match="recogniser must be one of"):
        LocalEngine("kaldi")
    with pytest.raises(InvalidInput, match="There is no engine 'wispr'"):
        engine("wispr")
    with pytest.raises(InvalidInput, match="cannot be made so"):
        engine("local", volume=11)

    async def enter():
        async with LocalEngine(url="http://127.0.0.1:9"):
            pass

    with pytest.raises(ServiceError, match=r"No local service answers at http://127\.0\.0\.1:9"):
        asyncio.run(enter())


def test_the_users_key_never_reaches_the_local_service(monkeypatch):
    from stand_ins import Scripted

    from asrlab.server.run import serve

    monkeypatch.setenv("DASHSCOPE_API_KEY", "sk-mine")
    with serve(Scripted(), key="sk-mine") as service:  # a service that would take only that key
        dataset = Dataset("d", pd.DataFrame({"utt_id": ["a"], "audio": ["en-flite_slt-1.flac"]}),
                          folder=DICTATION / "audio" / "en")  # fmt: skip

        async def ask():
            async with LocalEngine(url=service.url) as local:
                await local.transcribe(Question(str(dataset.audio_path("a")), Parameters()))

        with pytest.raises(ServiceError) as error:
            asyncio.run(ask())
        assert error.value.http_status == 401


def test_the_local_service_cannot_pass_for_the_real_one(monkeypatch):
    from stand_ins import Scripted

    from asrlab.server.run import serve

    with serve(Scripted()) as service:
        question = Question(str(DICTATION / "audio" / "en" / "en-flite_slt-1.flac"), Parameters())

        async def ask():
            async with FiletransEngine(api_key="sk-x", base_url=service.base_url) as real:
                await real.transcribe(question)

        with pytest.raises(ServiceError, match="stand-in"):
            asyncio.run(ask())
