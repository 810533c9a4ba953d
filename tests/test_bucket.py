"""A bucket of one's own, on real servers of the S3 protocol: put once, read by signed links, and never half there."""

from __future__ import annotations

import asyncio
import base64
import collections
import contextlib
import functools
import hashlib
import hmac
import json
import logging
import pickle
import re
import sqlite3
import time
import urllib.error
import urllib.parse
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
import sweeping
from click.testing import CliRunner
from object_storage import (  # noqa: F401
    KEY,
    SECRET,
    bucket,
    bucket_with_keys,
    front,
    front_of_s3,
    server_of_s3,
    server_with_keys,
)
from stand_ins import Noted
from test_credentials import contents
from upath import UPath

import asrlab as lab
from asrlab.cli import main
from asrlab.dashscope import UNLIMITED, AsyncClient, http, retries
from asrlab.dashscope import bucket as buckets
from asrlab.dashscope.bucket import Bucket, LapsesEarly
from asrlab.dashscope.http import Behind
from asrlab.dashscope.links import SignedUrl
from asrlab.dashscope.lost import _is_of
from asrlab.data.loading import load_dataset
from asrlab.engines.base import Question
from asrlab.engines.filetrans import FiletransEngine
from asrlab.engines.flash import FlashEngine
from asrlab.engines.local import LocalEngine
from asrlab.errors import InvalidInput, MissingExtra, ServiceError
from asrlab.sweep.sweep import Sweep

pytest.importorskip("s3fs")
pytest.importorskip("starlette")

from asrlab.server.run import serve

GRID = lab.grid(language={"none": None, "en": "en"}, enable_itn=[False, True])

SOUND = bytes(range(256)) * 40
NAME = f"{hashlib.sha256(SOUND).hexdigest()}.wav"
SIGNED = "https://recordings.s3.amazonaws.com/x.wav?X-Amz-Credential=planted&X-Amz-Signature=planted"
SECRETS = re.compile(rf"{SECRET}|{KEY}|Signature=|X-Amz-Credential|planted", re.I)


@pytest.fixture(name="sound")
def a_sound(tmp_path):
    path = tmp_path / "Patient Müller, 3 May.WAV"
    path.write_bytes(SOUND)
    return path


@pytest.fixture(name="kept", params=["s3", "s3_with_keys"])
def bucket_of_each(request):
    """A bucket of each server."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def calls(monkeypatch):
    """Count what a storage is asked, by its verbs."""
    from s3fs.core import S3FileSystem

    counted, real = collections.Counter(), S3FileSystem.call_s3

    def call(self, method, *arguments, **options):
        counted[method] += 1
        return real(self, method, *arguments, **options)

    monkeypatch.setattr(S3FileSystem, "call_s3", call)
    return counted


@pytest.fixture
def hasty(monkeypatch):
    """Let a storage that does not answer be given up within moments."""
    monkeypatch.setattr(retries, "_LOCAL_BACKOFF_S", (0.01,))


def link_to(place, path, **options):
    return asyncio.run(Bucket(place, **options).link(path))


def fetched(url, method="GET", data=None):
    """Status and body of what a link gives."""
    request = urllib.request.Request(url, data, method=method)
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request) as response:
            return response.status, response.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


# What is put, and what the link gives


def test_a_recording_is_put_once_whoever_asks_and_its_link_gives_it(kept, sound, calls):
    place = f"{kept.url}/calls of 2026/ä"
    first = link_to(place, sound)
    assert fetched(first) == (200, SOUND)
    assert kept.names() == [f"calls of 2026/ä/{NAME}"]
    assert first.isascii()
    assert " " not in first
    copy = sound.with_name("other.wav")
    copy.write_bytes(SOUND)
    assert fetched(link_to(place, copy)) == (200, SOUND)
    assert calls == {"put_object": 1}


def test_nothing_of_a_files_name_is_told_but_a_format_that_is_known(s3, sound):
    named = {"M\N{LATIN SMALL LETTER U WITH DIAERESIS}ller.FLAC": ".flac", "x.secret": "", "noend": "", "a.mp3 ": ""}
    for name, suffix in named.items():
        path = sound.with_name(name)
        path.write_bytes(SOUND + suffix.encode())
        link = urllib.parse.urlsplit(link_to(s3.url, path)).path
        assert link == f"/{s3.name}/{hashlib.sha256(path.read_bytes()).hexdigest()}{suffix}"


def test_what_is_asked_for_at_once_is_put_once(s3, sound, calls):
    async def at_once():
        mine = Bucket(s3.url)
        return await asyncio.gather(*(mine.link(sound) for _ in range(8)))

    links = asyncio.run(at_once())
    assert len(set(links)) == 8  # within a second, and by signatures that are by the second
    assert {fetched(link)[1] for link in links} == {SOUND}
    assert calls == {"put_object": 1}


def test_the_link_lets_read_this_file_and_do_nothing_else(s3_with_keys, sound):
    """By a server that checks signatures."""
    link = link_to(s3_with_keys.url, sound)
    other = sound.with_name("other.wav")
    other.write_bytes(b"other")
    link_to(s3_with_keys.url, other)
    elsewhere = link.replace(NAME, f"{hashlib.sha256(b'other').hexdigest()}.wav")
    assert fetched(link)[0] == 200
    for url, method, data in (
        (link, "PUT", b"x"), (link, "DELETE", None), (link, "HEAD", None), (elsewhere, "GET", None),
        (link.replace("X-Amz-Expires=172800", "X-Amz-Expires=604800"), "GET", None),
        (re.sub("asrlab-.", "asrlab-x", link), "GET", None),
        (link.partition("?")[0], "GET", None),
    ):  # fmt: skip
        assert fetched(url, method, data)[0] in (400, 403), (method, url)
    assert fetched(link) == (200, SOUND)


def test_links_hold_as_long_as_is_said_and_48_hours_otherwise(s3_with_keys, sound, monkeypatch):
    assert "&X-Amz-Expires=172800&" in link_to(s3_with_keys.url, sound)
    short = lapsing(monkeypatch, s3_with_keys, sound)
    time.sleep(2.1)  # of a clock in seconds
    assert fetched(short)[0] in (400, 403)


def lapsing(monkeypatch, kept, path, life_s=1):
    """Sign a link that may lapse before it has been tried, which it is not."""

    async def untried(link):
        return Behind(path.stat().st_size, None)

    with monkeypatch.context() as patched:
        patched.setattr(buckets, "behind", untried)
        return link_to(kept.url, path, life_s=life_s)


def test_a_large_file_goes_in_parts(s3_with_keys, sound, calls, monkeypatch):
    monkeypatch.setattr(buckets, "_BLOCK", 5 << 20)
    sound.write_bytes(SOUND * 1100)  # 11 MB
    status, body = fetched(link_to(s3_with_keys.url, sound))
    assert (status, hashlib.sha256(body).hexdigest()) == (200, hashlib.sha256(SOUND * 1100).hexdigest())
    assert calls == {"create_multipart_upload": 1, "upload_part": 3, "complete_multipart_upload": 1}


# What must never be taken for the file


def test_what_is_not_whole_is_put_anew(s3_with_keys, sound):
    s3_with_keys.files.pipe_file(f"{s3_with_keys.name}/{NAME}", SOUND[:-1])
    assert fetched(link_to(s3_with_keys.url, sound)) == (200, SOUND)


def test_other_bytes_of_the_same_size_are_not_taken_for_the_file(kept, sound, calls):
    link_to(kept.url, sound)
    kept.files.pipe_file(f"{kept.name}/{NAME}", SOUND[::-1])
    assert fetched(link_to(kept.url, sound)) == (200, SOUND)
    assert calls == {"put_object": 2}


def test_where_tags_are_no_digests_a_file_is_put_once_more_at_the_most(s3, sound, calls, monkeypatch):
    async def otherwise(link):
        return (await http.behind(link))._replace(md5="0" * 32)

    monkeypatch.setattr(buckets, "behind", otherwise)
    link_to(s3.url, sound)
    mine = Bucket(s3.url)
    for _ in range(3):
        assert fetched(asyncio.run(mine.link(sound))) == (200, SOUND)
    assert calls == {"put_object": 2}


@pytest.mark.parametrize(
    ("headers", "md5"),
    [
        ({"ETag": f'"{"AB" * 16}"'}, "ab" * 16), ({"ETag": f'"{"ab" * 16}-2"'}, None), ({}, None),
        ({"ETag": f'W/"{"ab" * 16}"'}, None),
        ({"ETag": f'"{"ab" * 16}"', "x-amz-server-side-encryption": "AES256"}, "ab" * 16),
        ({"ETag": f'"{"ab" * 16}"', "x-amz-server-side-encryption": "aws:kms"}, None),
        ({"ETag": f'"{"ab" * 16}"', "x-oss-server-side-encryption": "KMS"}, None),
    ],
)  # fmt: skip
def test_a_tag_is_a_digest_where_it_may_be_one(headers, md5, monkeypatch):
    transport = httpx.MockTransport(lambda _: httpx.Response(206, headers=headers | {"Content-Range": "bytes 0-0/9"}))
    monkeypatch.setattr(http, "_client", lambda *_, **__: httpx.AsyncClient(transport=transport))
    assert asyncio.run(http.behind(SignedUrl(SIGNED))) == Behind(9, md5)


@pytest.mark.parametrize("size", [len(SOUND), 6 << 20], ids=["in one", "in parts"])
def test_a_file_that_changes_while_it_is_put_is_not_there(s3, sound, size, monkeypatch):
    monkeypatch.setattr(buckets, "_BLOCK", 5 << 20)
    sound.write_bytes(b"1" * size)
    look = Bucket._look

    async def change(self, name, **options):
        sound.write_bytes(b"2" * size)
        return await look(self, name, **options)

    monkeypatch.setattr(Bucket, "_look", change)
    with pytest.raises(InvalidInput, match="was changed while it was put"):
        link_to(s3.url, sound)
    assert s3.names() == []
    assert "Uploads" not in s3.files.call_s3("list_multipart_uploads", Bucket=s3.name)


# What is refused


def test_files_that_cannot_be_sent_are_refused_before_anything_is_asked(s3, tmp_path, calls):
    empty, vast = tmp_path / "empty.wav", tmp_path / "vast.wav"
    empty.touch()
    with vast.open("wb") as file:
        file.truncate((2 << 30) + 1)
    for path, wrong in ((empty, "has 0 bytes"), (vast, "2,147,483,649"), (tmp_path, "cannot be read")):
        with pytest.raises(InvalidInput, match=wrong):
            link_to(s3.url, path)
    with pytest.raises(InvalidInput, match="cannot be read"):
        link_to(s3.url, tmp_path / "none.wav")
    assert not calls


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("memory://bucket/x", "No links can be signed"), ("file:///tmp/x", "No links can be signed"),
        ("recordings", "has a URL"), ("s3://", "names no bucket"), ("s3:///x", "names no bucket"),
        ("s3://bucket/a/../b", "leads out of it"), ("nonsense://bucket", "no kind of link"),
        ("s3://planted:planted@bucket/x", "Name the bucket and folder alone"),
        ("s3://bucket/x?X-Amz-Signature=planted", "Name the bucket and folder alone"),
        (UPath("s3://bucket/x", key="planted", secret="planted"), "is given with key, secret"),
        ("oss://planted@bucket/x", "Name the bucket and folder alone"),
        ("s3://bucket//x", "names a folder without a name"), ("oss://bucket/x//y", "names a folder without a name"),
        ("s3://bucket\n/x", "without control characters"), ("s3://bucket/\ud800", "without control characters"),
        (UPath("s3://bucket/x\ty"), "without control characters"),
    ],
)  # fmt: skip
def test_what_is_no_bucket_is_refused_when_it_is_named(url, why):
    with pytest.raises(InvalidInput, match=why) as told:
        Bucket(url)
    assert "planted" not in str(told.value)


def test_the_extra_that_is_missing_is_named(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r"asrlab\[s3\]"):
        Bucket("s3://bucket")
    with pytest.raises(MissingExtra, match=r"asrlab\[s3\]"):
        Bucket("oss://bucket")


def test_a_package_that_is_missing_where_links_are_signed_is_named(sound, monkeypatch):
    def sign(*_):
        raise ImportError("No module named 'google.cloud'")

    monkeypatch.setattr(Bucket, "_sign", sign)
    with pytest.raises(InvalidInput, match="a package is missing: No module named 'google"):
        link_to("s3://recordings", sound)


@pytest.mark.parametrize("life_s", [0, -1, 604_801, float("nan"), True, "1 h", None])
def test_links_hold_for_a_week_at_the_most(life_s):
    with pytest.raises(InvalidInput, match="life_s must be 1 to 604,800 seconds"):
        Bucket("s3://bucket", life_s=life_s)


def test_offline_nothing_is_put(s3, sound, calls, monkeypatch):
    monkeypatch.setenv("ASRLAB_OFFLINE", "1")
    with pytest.raises(InvalidInput, match="ASRLAB_OFFLINE is set"):
        link_to(s3.url, sound)
    assert not calls


# Storages that refuse


def refusal(url, path):
    with pytest.raises(ServiceError) as told:
        link_to(url, path)
    assert told.value.code == "Bucket"
    said = str(told.value)
    assert SECRETS.search(said) is None
    assert told.value.__cause__ is told.value.__context__ is None  # whose words may hold a key
    return said


def test_a_bucket_that_is_not_there(s3_with_keys, sound):
    assert "There is no bucket none-here" in refusal("s3://none-here/x", sound)


def test_a_key_that_is_wrong(s3_with_keys, sound, monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "planted-of-another")
    assert "access is refused; check the key" in refusal(s3_with_keys.url, sound)
    assert s3_with_keys.names() == []


def test_an_endpoint_where_nothing_listens(s3, sound, monkeypatch, hasty):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    assert "127.0.0.1:9 gave no answer" in refusal(s3.url, sound)


def test_an_endpoint_by_http_elsewhere_is_refused(s3, sound, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://storage.example")
    with pytest.raises(InvalidInput, match="is reached by http") as told:
        link_to(s3.url, sound)
    assert SECRETS.search(str(told.value)) is None


def test_a_key_that_may_write_and_not_read(s3, s3_front, sound):
    s3_front.answers = lambda method, *_: (403, "AccessDenied") if method == "GET" else None
    said = refusal(s3.url, sound)
    assert "cannot be fetched" in said
    assert "s3:GetObject" in said


def test_a_key_that_may_read_and_not_write(s3, s3_front, sound):
    s3_front.answers = lambda method, *_: (403, "AccessDenied") if method == "PUT" else None
    assert "cannot be written: access is refused" in refusal(s3.url, sound)
    s3.files.pipe_file(f"{s3.name}/{NAME}", SOUND)
    assert fetched(link_to(s3.url, sound)) == (200, SOUND)


def test_a_key_that_may_not_list_is_told_that_all_is_forbidden_that_is_not_there(s3, s3_front, sound):
    s3_front.statuses = {404: (403, "AccessDenied")}
    assert fetched(link_to(s3.url, sound)) == (200, SOUND)


def test_a_link_that_is_refused_for_another_reason_is_said_before_anything_is_put(s3, s3_front, sound):
    """Such as a bucket in another region than is signed for, where S3 answers so."""
    s3_front.answers = lambda method, *_: (400, "AuthorizationQueryParametersError") if method == "GET" else None
    said = refusal(s3.url, sound)
    assert "AuthorizationQueryParametersError" in said
    assert "AWS_DEFAULT_REGION" in said
    assert s3.names() == []


# Credentials


def test_no_signature_and_no_key_is_logged_shown_or_pickled(s3_with_keys, sound, caplog):
    for name in ("", "httpx", "httpcore", "botocore", "aiobotocore", "s3fs", "asrlab"):
        caplog.set_level(logging.DEBUG, name or None)
    mine = Bucket(s3_with_keys.url, life_s=7200)
    link = asyncio.run(mine.link(sound))
    told = repr(mine) + mine._repr_html_() + "\n".join(record.getMessage() for record in caplog.records)
    pickled = pickle.dumps(mine)
    assert f"{NAME} was put into {s3_with_keys.url}" in told
    for secret in (KEY, SECRET, link.rpartition("=")[2]):
        assert secret not in told
        assert secret.encode() not in pickled
    again = pickle.loads(pickled)
    link = asyncio.run(again.link(sound))
    assert "&X-Amz-Expires=7200&" in link
    assert fetched(link) == (200, SOUND)


def test_temporary_credentials_are_warned_of_once(s3, sound, monkeypatch):
    monkeypatch.setenv("AWS_SESSION_TOKEN", "planted-token")
    mine = Bucket(s3.url)
    with pytest.warns(LapsesEarly, match="may read and write in this folder alone") as told:
        link = asyncio.run(mine.link(sound))
    assert "planted-token" in link
    assert "planted" not in str(told[0].message)
    asyncio.run(mine.link(sound))  # where a warning is an error


# Through the service


def service_for(kept, **options):
    """The local service, which may fetch from where a bucket is."""
    return serve("scripted", limits=None, media=[kept.server.url], **options)


def swept(folder, store, service, place, conditions=None, **options):
    engine = sweeping.Paid(api_key="sk-of-the-tests", base_url=service.base_url, limits=UNLIMITED, bucket=place)
    sweep = Sweep(load_dataset(folder), engine, GRID if conditions is None else conditions, store=store)
    sweep.run(progress=False, **options)
    return sweep


async def not_found(self, question, lost, claimed):
    return None


async def lapsed(self, path):
    """Sign a link that has lapsed when a task has been queued for a while."""
    return (await Bucket(self.url, life_s=1)._signed(named(path))).reveal()


def named(path):
    return f"{hashlib.sha256(Path(path).read_bytes()).hexdigest()}.wav"


def attempts(store):
    with contextlib.closing(sqlite3.connect(store / "ledger.sqlite")) as db:
        return db.execute("select link, state, code from attempt order by begun").fetchall()


@pytest.fixture(name="folder")
def two_recordings(tmp_path):
    sweeping.recordings(tmp_path / "set", 2)
    return tmp_path / "set"


def test_a_sweep_through_a_bucket_puts_each_recording_once_and_keeps_no_signature(
    s3_with_keys, folder, tmp_path, calls, caplog
):
    """By a server that checks signatures; what is begun anew puts nothing twice."""
    for name in ("", "httpx", "httpcore", "asrlab"):
        caplog.set_level(logging.DEBUG, name or None)
    store, place = tmp_path / "store", f"{s3_with_keys.url}/calls"
    with service_for(s3_with_keys) as service:
        swept(folder, store, service, place, lab.grid(language={"none": None}, enable_itn=[True]))
        sweep = swept(folder, store, service, place)
        told = service.status()
    logged = [record.getMessage() for record in caplog.records]
    assert sweep.transcripts["state"].eq("answered").all()
    assert told["submits"] == len(sweep.transcripts) == 8
    assert told["requests"].get("policy", 0) == 0
    assert calls == {"put_object": 2}
    names = [f"calls/{named(path)}" for path in folder.glob("*.wav")]
    assert s3_with_keys.names() == sorted(names)
    links = [link for link, *_ in attempts(store)]
    assert {re.sub(r"\?response-cache-control=asrlab-[0-9a-f]{32}$", "", link) for link in links} == {
        f"{s3_with_keys.server.url}/{s3_with_keys.name}/{n}" for n in names
    }
    assert len(set(links)) == 8
    sweep.save_replay(tmp_path / "replay.jsonl")
    held = [contents(path) for path in (*store.rglob("*"), tmp_path / "replay.jsonl") if path.is_file()]
    held += [repr(sweep), sweep.transcripts.to_csv(), *logged]
    held.append(pickle.dumps(sweep.engine).decode("latin-1"))
    assert any(f"/{names[0]}" in text for text in held)
    assert not [text[:80] for text in held if SECRETS.search(text)]


def test_a_submit_that_an_earlier_run_lost_is_found_by_its_link(s3_with_keys, folder, tmp_path, monkeypatch):
    """The store has no signature, and the mark."""
    store, place = tmp_path / "store", s3_with_keys.url
    with service_for(s3_with_keys, faults=["submit=drop-after@0.4"], seed=2) as service:
        with monkeypatch.context() as patched:
            patched.setattr(sweeping.Paid, "find_lost", not_found)
            first = swept(folder, store, service, place)
        assert first.transcripts["state"].eq("unknown").any()
        sweep = swept(folder, store, service, place)
        told = service.status()
    assert sweep.transcripts["state"].eq("answered").all()
    assert told["submits"] == 8


MARKS = [f"response-cache-control=asrlab-{digit * 32}" for digit in "ab"]


@pytest.mark.parametrize(
    ("named", "same"),
    [
        ("https://b.s3.amazonaws.com/x.wav?{0}&X-Amz-Signature=1", True),
        ("https://b.s3.amazonaws.com/x.wav?{0}", True),
        ("https://b.s3.amazonaws.com/x.wav?{1}&X-Amz-Signature=1", False),
        ("https://b.s3.amazonaws.com/x.wav?X-Amz-Signature=1", None),
        ("https://b.s3.amazonaws.com/x.wav", None),
        ("https://b.s3.amazonaws.com/x.wav?{0}&{1}", None),
        ("https://b.s3.amazonaws.com/y.wav?{0}", False),
        ("https://c.s3.amazonaws.com/x.wav?{0}", False),
    ],
)
def test_a_result_is_of_a_buckets_link_where_its_mark_says_so_and_not_by_its_path(named, same):
    link = f"https://b.s3.amazonaws.com/x.wav?{MARKS[0]}"
    for asked in (f"{link}&X-Amz-Date=1&X-Amz-Signature=1", link):  # as it was sent, and as it is stored
        assert _is_of(named.format(*MARKS), asked) is same


def test_a_result_is_not_known_to_be_of_a_link_whose_query_it_does_not_repeat():
    link = "https://b.s3.amazonaws.com/x.wav"
    signed = f"{link}?X-Amz-Date=1&X-Amz-Signature=1"
    assert _is_of(signed, signed) is True
    assert [_is_of(*pair) for pair in ((link, signed), (signed, link), (f"{link}?{MARKS[0]}", link))] == [None] * 3


def tasks_of(store):
    with contextlib.closing(sqlite3.connect(store / "ledger.sqlite")) as db:
        return {task for (task,) in db.execute("select task_id from attempt where task_id is not null")}


ONE, OTHER = lab.grid(language={"none": None}, enable_itn=[False]), lab.grid(language={"en": "en"}, enable_itn=[True])


def test_what_a_sweep_lost_is_not_what_another_asks_of_the_same_recordings(s3_with_keys, folder, tmp_path, monkeypatch):
    one, other, place = tmp_path / "one", tmp_path / "other", s3_with_keys.url
    with service_for(s3_with_keys, faults=["submit=drop-before"]) as service, monkeypatch.context() as patched:
        patched.setattr(sweeping.Paid, "find_lost", not_found)
        swept(folder, one, service, place, ONE)
    with service_for(s3_with_keys) as service:
        answered = swept(folder, other, service, place, OTHER)
        lost = swept(folder, one, service, place, ONE)
        assert service.status()["submits"] == 2
    assert answered.transcripts["state"].eq("answered").all()
    assert lost.transcripts["state"].eq("unknown").all()
    assert tasks_of(one) == set()


def test_two_sweeps_at_once_on_the_same_recordings_each_have_their_own_tasks(s3_with_keys, folder, tmp_path):
    stores = tmp_path / "one", tmp_path / "other"
    with service_for(s3_with_keys, faults=["submit=drop-before@0.5"], seed=1) as service:
        with ThreadPoolExecutor() as pool:
            done = [
                pool.submit(swept, folder, store, service, s3_with_keys.url, asked)
                for store, asked in zip(stores, (ONE, OTHER), strict=True)
            ]
        states = [state for sweep in done for state in sweep.result().transcripts["state"]]
        assert states.count("answered") == service.status()["submits"] == sum(len(tasks_of(s)) for s in stores)
    assert set(states) == {"answered", "unknown"}
    assert not tasks_of(stores[0]) & tasks_of(stores[1])


def test_what_is_lost_behind_a_link_without_a_mark_stays_unknown(s3_with_keys, folder, tmp_path, monkeypatch):
    """As where a storage cannot sign one."""
    monkeypatch.setattr(buckets, "new_mark", lambda: "none")
    with service_for(s3_with_keys, faults=["submit=drop-after"]) as service:
        sweep = swept(folder, tmp_path / "store", service, s3_with_keys.url, ONE)
    assert sweep.transcripts["state"].eq("unknown").all()


def test_a_model_that_answers_at_once_is_asked_through_a_bucket_too(s3_with_keys, folder, tmp_path):
    modes = ["native", "compatible-stream"]
    engine = functools.partial(PaidFlash, api_key="sk-of-the-tests", limits=UNLIMITED, bucket=s3_with_keys.url)
    with service_for(s3_with_keys) as service:
        one = engine(base_url=service.base_url)
        sweep = Sweep(load_dataset(folder), one, lab.grid(mode=modes), store=tmp_path / "store")
        sweep.run(progress=False)
        assert service.status()["requests"]["policy"] == 0
    assert sweep.transcripts["state"].eq("answered").all()
    links = {f"{s3_with_keys.server.url}/{s3_with_keys.name}/{name}" for name in s3_with_keys.names()}
    assert {link.partition("?")[0] for link, *_ in attempts(tmp_path / "store")} == links
    assert len(links) == 2


class PaidFlash(FlashEngine):
    """The paid engine, which takes the local service for the real one."""

    def _refuse_stand_in(self, answer):
        pass


def test_the_real_service_is_given_the_signed_link_and_nobody_is_warned(folder, monkeypatch):
    """Of uploads there is a warning, which is an error here, and a header goes with them."""
    sent, told = [], Noted()

    async def answer(request):
        sent.append(request)
        return httpx.Response(400, json={"code": "InvalidParameter", "message": f"cannot take {SIGNED}"})

    async def link(self, path):
        return SIGNED

    async def ask():
        options = {"api_key": "sk-of-the-tests", "limits": UNLIMITED, "bucket": "s3://recordings"}
        async with FiletransEngine(**options) as engine:
            await engine.transcribe(Question(str(next(folder.glob("*.wav")))), told)

    transport = httpx.MockTransport(answer)
    monkeypatch.setattr("asrlab.engines.service.AsyncClient", functools.partial(AsyncClient, transport=transport))
    monkeypatch.setattr(Bucket, "link", link)
    with pytest.raises(ServiceError, match="InvalidParameter") as refused:
        asyncio.run(ask())
    (request,) = sent
    assert json.loads(request.content)["input"] == {"file_url": SIGNED}
    assert "X-DashScope-OssResourceResolve" not in request.headers
    assert told.told == [("sending", SIGNED)]
    assert "planted" not in str(refused.value)


def test_a_bucket_on_this_machine_is_not_for_the_real_service(s3, folder):
    async def ask():
        async with FiletransEngine(api_key="sk-of-the-tests", bucket=s3.url) as engine:
            await engine.transcribe(Question(str(next(folder.glob("*.wav")))))

    with pytest.raises(InvalidInput, match=r"<Bucket s3://bucket-\d+> is on this machine"):
        asyncio.run(ask())


@pytest.mark.parametrize("make", [FiletransEngine, FlashEngine, LocalEngine])
def test_engines_take_a_bucket_or_its_url_and_say_what_is_none(make):
    mine = Bucket("s3://recordings")
    assert make(bucket=mine)._bucket is mine
    assert make(bucket="s3://recordings")._bucket.url == mine.url
    assert make.options["bucket"] == "runtime"
    for wrong in ("recordings", 5):
        with pytest.raises(InvalidInput, match=f"a URL such as 's3://bucket/folder', not '{wrong}'"):
            make(bucket=wrong)


def test_the_command_line_names_a_bucket(s3, folder, tmp_path):
    with service_for(s3) as service:
        asked = ["run", str(folder), "--option", "recogniser=scripted", "--option", f"url={service.url}"]
        asked += ["--store", str(tmp_path / "store"), "--bucket"]
        wrong = CliRunner().invoke(main, [*asked, "recordings"])
        done = CliRunner().invoke(main, [*asked, s3.url])
    assert "A bucket has a URL such as 's3://bucket/folder', not 'recordings'" in wrong.output + str(wrong.exception)
    assert done.exit_code == 0, done.output
    assert len(s3.names()) == 2


def test_other_engines_of_a_model_and_of_other_processes_have_the_bucket_too():
    engine = FiletransEngine(bucket="s3://recordings")
    assert engine.variant(region="beijing")._bucket is engine._bucket
    assert engine.part(1, 2)._bucket is engine._bucket
    assert pickle.loads(pickle.dumps(engine))._bucket.url == "s3://recordings"
    assert "bucket" not in engine.identity


def test_a_signature_that_lapses_in_the_queue_fails_the_task_and_is_made_anew(
    s3_with_keys, folder, tmp_path, monkeypatch
):
    """Rclone says 400 to it where S3 says 403 (AccessDenied, "Request has expired")."""
    store = tmp_path / "store"
    with front(s3_with_keys.server) as between:
        between.statuses = {400: (403, "AccessDenied")}
        monkeypatch.setenv("AWS_ENDPOINT_URL", between.url)
        with serve("scripted", limits=None, media=[between.url], queue_s=2.5) as service:
            one = lab.grid(language={"none": None})
            for path in folder.glob("*.wav"):
                link_to(s3_with_keys.url, path)
            with monkeypatch.context() as patched:
                patched.setattr(Bucket, "link", lapsed)
                failed = swept(folder, store, service, s3_with_keys.url, one)
            assert set(failed.transcripts["error_code"]) == {"FILE_403_FORBIDDEN"}
            again = swept(folder, store, service, s3_with_keys.url, one, retry="failed")
            assert again.transcripts["state"].eq("answered").all()
            assert service.status()["submits"] == 4
    assert [code for *_, code in attempts(store)] == ["FILE_403_FORBIDDEN"] * 2 + [None] * 2


# OSS


OSS = {"OSS_ACCESS_KEY_ID": KEY, "OSS_ACCESS_KEY_SECRET": SECRET}


def test_a_bucket_of_oss_is_signed_as_oss_documents_it(sound, monkeypatch):
    """Under its own host, by the protocol of S3 with signatures of version 2, which are computed here from its text."""
    for name, value in {**OSS, "OSS_REGION": "ap-southeast-1"}.items():
        monkeypatch.setenv(name, value)
    seen = []

    async def seeing(link):
        seen.append(link.reveal())
        return Behind(len(SOUND), None)

    monkeypatch.setattr(buckets, "behind", seeing)
    link = link_to("oss://recordings/asr", sound)
    parts = urllib.parse.urlsplit(link)
    assert f"{parts.scheme}://{parts.netloc}{parts.path}" == (
        f"https://recordings.s3.oss-ap-southeast-1.aliyuncs.com/asr/{NAME}"
    )
    query = dict(urllib.parse.parse_qsl(parts.query))
    assert abs(int(query["Expires"]) - datetime.now(UTC).timestamp() - 48 * 3600) < 60
    mark = f"response-cache-control={query['response-cache-control']}"
    text = f"GET\n\n\n{query['Expires']}\n/recordings/asr/{NAME}?{mark}"
    signed = hmac.digest(SECRET.encode(), text.encode(), "sha1")
    assert query["Signature"] == base64.b64encode(signed).decode()
    assert seen == [link]


def test_a_bucket_of_oss_without_its_keys(sound, monkeypatch):
    for name in (*OSS, "OSS_REGION", "OSS_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(InvalidInput, match=r"needs OSS_REGION .*OSS_ACCESS_KEY_ID and OSS_ACCESS_KEY_SECRET"):
        link_to("oss://recordings", sound)
