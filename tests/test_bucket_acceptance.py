"""A bucket of one's own, by what takes longer: processes that are killed or put at once, large files, full sweeps."""

from __future__ import annotations

import asyncio
import contextlib
import json
import pickle
import subprocess
import sys
import threading
import time

import pytest
import sweeping
from object_storage import KEY, SECRET, bucket, bucket_with_keys, front_of_s3, server_of_s3, server_with_keys  # noqa: F401
from test_bucket import (  # noqa: F401
    GRID,
    NAME,
    OSS,
    SOUND,
    a_sound,
    bucket_of_each,
    fetched,
    lapsed,
    link_to,
    refusal,
    service_for,
    swept,
    two_recordings,
)

import asrlab as lab
from asrlab.dashscope import bucket as buckets
from asrlab.dashscope.bucket import Bucket
from asrlab.data.loading import load_dataset
from asrlab.errors import ServiceError
from asrlab.sweep.sweep import Sweep

pytestmark = pytest.mark.acceptance

#: Links to a file; says where each stands, and how much memory it has taken.
PUT = """
import asyncio, json, resource, sys
from asrlab.dashscope.bucket import Bucket
url, path = sys.argv[1:]
mine = Bucket(url)
mine._storage
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print("ready", flush=True)
sys.stdin.readline()
link = asyncio.run(mine.link(path))
print(json.dumps([link, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before]), flush=True)
"""


@contextlib.contextmanager
def putting(url, path):
    """A process that puts a file when it is told to."""
    process = subprocess.Popen(
        [sys.executable, "-c", PUT, url, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout.readline() == "ready\n"
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()


def go(process):
    process.stdin.write("go\n")
    process.stdin.flush()


def test_whoever_is_killed_while_it_puts_leaves_nothing_that_is_taken_for_the_file(kept, tmp_path):
    path = tmp_path / "long.wav"
    path.write_bytes(SOUND * 6_000)  # 61 MB, in eight parts
    broken = 0
    for number in range(6):
        with putting(kept.url, path) as process:
            go(process)
            time.sleep(0.05 + 0.12 * number)
        sizes = [kept.files.info(f"{kept.name}/{name}")["size"] for name in kept.names()]
        assert sizes in ([], [61_440_000])
        broken += not sizes
        if sizes:
            kept.files.rm(f"{kept.name}/{kept.names()[0]}")
    assert broken
    assert fetched(link_to(kept.url, path)) == (200, SOUND * 6_000)


def test_two_processes_at_once_both_have_a_link_to_the_whole(kept, tmp_path):
    path = tmp_path / "long.wav"
    path.write_bytes(SOUND * 3_000)
    with putting(kept.url, path) as one, putting(kept.url, path) as other:
        for process in (one, other):
            go(process)
        links = [json.loads(process.stdout.readline())[0] for process in (one, other)]
    assert [fetched(link) for link in links] == [(200, SOUND * 3_000)] * 2
    assert len(kept.names()) == 1


def test_a_large_file_is_never_held_whole(s3_with_keys, tmp_path):
    path = tmp_path / "vast.wav"
    with path.open("wb") as file:
        file.truncate(400 << 20)
    with putting(s3_with_keys.url, path) as process:
        go(process)
        _, grown_kb = json.loads(process.stdout.readline())
    assert grown_kb < 100_000


def test_many_files_at_once_are_put_a_few_at_a_time(s3, tmp_path, monkeypatch):
    under_way, most = set(), []
    write = buckets._write

    def counted(storage, key, file, digest):
        under_way.add(key)
        most.append(len(under_way))
        time.sleep(0.02)
        write(storage, key, file, digest)
        under_way.discard(key)

    monkeypatch.setattr(buckets, "_write", counted)
    paths = [tmp_path / f"{number}.wav" for number in range(40)]
    for path in paths:
        path.write_bytes(path.name.encode() * 1000)

    async def all_of_them():
        mine = Bucket(s3.url)
        return await asyncio.gather(*map(mine.link, paths))

    links = asyncio.run(all_of_them())
    assert [fetched(link)[1] for link in links] == [path.read_bytes() for path in paths]
    assert max(most) == buckets._PUTS


def test_a_submit_that_is_lost_is_found_at_once(s3_with_keys, folder, tmp_path):
    with service_for(s3_with_keys, faults=["submit=drop-after@0.4"], seed=2) as service:
        sweep = swept(folder, tmp_path / "store", service, s3_with_keys.url)
        assert service.status()["submits"] == 8
    assert sweep.transcripts["state"].eq("answered").all()


def test_a_signature_that_has_lapsed_by_the_word_of_the_server_itself(s3_with_keys, folder, tmp_path, monkeypatch):
    for path in folder.glob("*.wav"):
        link_to(s3_with_keys.url, path)
    with service_for(s3_with_keys, queue_s=2.5) as service:
        with monkeypatch.context() as patched:
            patched.setattr(Bucket, "link", lapsed)
            failed = swept(folder, tmp_path / "store", service, s3_with_keys.url)
        assert set(failed.transcripts["error_code"]) == {"FILE_DOWNLOAD_FAILED"}  # as rclone says 400
        again = swept(folder, tmp_path / "store", service, s3_with_keys.url, retry="failed")
    assert again.transcripts["state"].eq("answered").all()


def test_a_bucket_that_refuses_all_ends_a_run_soon(s3, tmp_path):
    sweeping.recordings(tmp_path / "set", 8)
    with service_for(s3) as service:
        with pytest.raises(ServiceError, match="There is no bucket none-here"):
            swept(tmp_path / "set", tmp_path / "store", service, "s3://none-here")
        assert service.status()["submits"] == 0


def test_without_a_key(s3, sound, monkeypatch):
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    assert "access is refused; check the key" in refusal(s3.url, sound)


def test_a_recording_that_is_removed_meanwhile_is_put_anew(s3, folder, tmp_path):
    with service_for(s3) as service:
        swept(folder, tmp_path / "store", service, s3.url, lab.grid(language={"none": None}))
        s3.files.rm([f"{s3.name}/{name}" for name in s3.names()])
        sweep = swept(folder, tmp_path / "store", service, s3.url)
    assert sweep.transcripts["state"].eq("answered").all()
    assert len(s3.names()) == 2


def test_a_put_that_is_left_ends_and_leaves_nothing(s3, sound, monkeypatch):
    monkeypatch.setattr(buckets, "_BLOCK", 5 << 20)
    sound.write_bytes(b"1" * (12 << 20))
    write, begun, ended = buckets._write, threading.Event(), []

    def slowly(storage, key, file, digest):
        class Slow:
            seek = file.seek

            def read(self, size):
                begun.set()
                time.sleep(0.02)
                return file.read(size)

        try:
            write(storage, key, Slow(), digest)
        except ValueError as error:
            ended.append(str(error))

    monkeypatch.setattr(buckets, "_write", slowly)

    async def leave():
        asking = asyncio.create_task(Bucket(s3.url).link(sound))
        assert await asyncio.to_thread(begun.wait, 20)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        while not ended:  # noqa: ASYNC110 - set on a thread
            await asyncio.sleep(0.01)

    asyncio.run(asyncio.wait_for(leave(), 30))
    assert "closed file" in ended[0]
    assert s3.names() == []
    assert "Uploads" not in s3.files.call_s3("list_multipart_uploads", Bucket=s3.name)


def test_a_size_that_is_another_one_after_all_is_said(s3, s3_front, sound):
    s3_front.answers = lambda method, *_: (200, "") if method == "PUT" else None  # takes it, and keeps nothing
    s3.files.pipe_file(f"{s3.name}/{NAME}", SOUND[:-1])
    assert "has 10239 bytes, and 10240 were put" in refusal(s3.url, sound)


def test_a_storage_that_is_busy_for_a_moment_is_asked_again(s3, s3_front, sound):
    asked = []

    def answers(method, path, query):
        asked.append(method)
        return (503, "SlowDown") if len(asked) in (1, 4) else None

    s3_front.answers = answers
    assert fetched(link_to(s3.url, sound)) == (200, SOUND)
    assert asked[:5] == ["GET", "GET", "PUT", "GET", "GET"]


def test_the_local_service_is_asked_through_a_bucket_too(s3, folder, tmp_path):
    """To try one's own before it costs anything."""
    with service_for(s3) as service:
        engine = lab.engine("local", recogniser="scripted", url=service.url, bucket=s3.url)
        sweep = Sweep(load_dataset(folder), engine, GRID, store=tmp_path / "store")
        sweep.run(progress=False)
        assert service.status()["requests"]["policy"] == 0
    assert sweep.transcripts["state"].eq("answered").all()
    assert len(s3.names()) == 2


def test_a_bucket_of_oss_takes_what_is_put(s3, sound, monkeypatch):
    for name, value in {**OSS, "OSS_ENDPOINT": s3.server.url}.items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name)
    mine = Bucket(f"oss://{s3.name}/asr")
    assert fetched(asyncio.run(mine.link(sound))) == (200, SOUND)
    assert s3.names() == [f"asr/{NAME}"]
    assert SECRET.encode() not in pickle.dumps(mine)
    assert repr(mine) == f"<Bucket oss://{s3.name}/asr>"


def test_a_bucket_is_used_by_one_event_loop_after_the_other(s3, sound):
    mine = Bucket(s3.url)
    for _ in range(2):
        assert fetched(asyncio.run(mine.link(sound)))[0] == 200
