"""A planted key, signed links and an upload policy through a whole sweep: none of them is kept or shown anywhere."""

from __future__ import annotations

import functools
import gzip
import json
import logging
import re
import sqlite3
import warnings
import zlib
from pathlib import Path

import httpx
import nbformat
import numpy as np
import pytest
import soundfile

import asrlab as lab
from asrlab.dashscope import AsyncClient, account
from asrlab.engines.filetrans import FiletransEngine

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))
KEY = "sk-planted-key"
API = "dashscope-intl.aliyuncs.com"
PLANTED = re.compile(r"planted-(key|signature|policy|cookie|token)|LTAIplanted", re.I)
SIGNED = "Expires=1&OSSAccessKeyId=LTAIplanted&Signature=planted-signature&security-token=planted-token"


class Service:
    """The real service as a sweep sees it, with something planted wherever there is room; every third task fails."""

    def __init__(self):
        self.requests = []
        self.submits = 0

    async def __call__(self, request):
        await request.aread()
        self.requests.append(request)
        cookie = {"Set-Cookie": "session=planted-cookie; Domain=.aliyuncs.com; Path=/"}
        path = request.url.path
        if request.url.host == "results-bj.oss.aliyuncs.com":
            sentence = {"sentence_id": 0, "begin_time": 0, "end_time": 400, "language": "en", "emotion": "neutral",
                        "text": "Ship it."}  # fmt: skip
            document = {
                "file_url": f"http://files.oss.aliyuncs.com/a.wav?{SIGNED}",
                "audio_info": {"format": "wav", "sample_rate": 16000, "cover": f"see https://h.example/x?{SIGNED}"},
                "transcripts": [{"channel_id": 0, "text": "Ship it.", "sentences": [sentence]}],
            }
            return httpx.Response(200, headers=cookie, json=document)
        if request.url.host == "storage.oss.aliyuncs.com":
            return httpx.Response(200, headers=cookie)
        if path.endswith("/uploads"):
            data = {
                "policy": "planted-policy", "signature": "planted-signature", "upload_dir": "dashscope-instant/a/b",
                "upload_host": "https://storage.oss.aliyuncs.com", "expire_in_seconds": 300, "max_file_size_mb": 1024,
                "oss_access_key_id": "LTAIplanted", "x_oss_object_acl": "private", "x_oss_forbid_overwrite": "true",
            }  # fmt: skip
            return httpx.Response(200, headers=cookie, json={"request_id": "r", "data": data})
        if path.endswith("/transcription"):
            self.submits += 1
            if self.submits == 2:
                echoed = f"Bad request with key {KEY} and http://h.example/?{SIGNED}"
                return httpx.Response(400, headers=cookie, json={"code": "InvalidParameter", "message": echoed})
            output = {"task_id": f"t-{self.submits}", "task_status": "PENDING"}
            return httpx.Response(200, headers=cookie, json={"request_id": "r", "output": output})
        number = int(path.rpartition("-")[2])
        output = {"task_id": f"t-{number}", "task_status": "SUCCEEDED"}
        output["result"] = {"transcription_url": f"http://results-bj.oss.aliyuncs.com/{number}.json?{SIGNED}"}
        if number % 3 == 0:
            message = f"cannot fetch https://files.oss.aliyuncs.com/a.wav?{SIGNED}"
            output = {
                "task_id": f"t-{number}",
                "task_status": "FAILED",
                "code": "FILE_403_FORBIDDEN",
                "message": message,
            }
        return httpx.Response(200, headers=cookie, json={"request_id": "r", "output": output, "usage": {"seconds": 1}})


@pytest.fixture
def swept(tmp_path, monkeypatch, caplog):
    """A sweep of such a service; gives the service, the sweep and its folder."""
    for name in ("", "httpx", "httpcore", "asrlab"):
        caplog.set_level(logging.DEBUG, name or None)
    monkeypatch.setattr(account, "_accounts", {})
    monkeypatch.setattr("asrlab.dashscope.monitor._POLLS_S", (0.01,))
    monkeypatch.setenv("DASHSCOPE_API_KEY_SINGAPORE", KEY)
    service = Service()
    transport = httpx.MockTransport(service)
    fast = functools.partial(AsyncClient, transport=transport, limits=lab.dashscope.UNLIMITED)
    monkeypatch.setattr("asrlab.engines.service.AsyncClient", fast)
    folder = tmp_path / "set"
    folder.mkdir()
    rows = []
    for number in range(4):
        soundfile.write(folder / f"{number}.wav", 0.1 * np.random.default_rng(number).standard_normal(6400), 16_000)
        rows.append({"id": f"u{number}", "audio": f"{number}.wav", "text": "ship it", "language": "en", "speaker": "s"})
    (folder / "manifest.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    conditions = lab.grid(language={"none": None, "right": lab.column("language")})
    store = tmp_path / "store"
    sweep = lab.Sweep(lab.load_dataset(folder), FiletransEngine(), conditions, store=store)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", lab.dashscope.NotForProduction)
        sweep.run(progress=False)
    return service, sweep, store


def contents(path):
    """Everything a file holds as one text, packed parts unpacked too."""
    raw = path.read_bytes()
    found = [raw.decode("latin-1")]
    if raw.startswith(b"\x1f\x8b"):
        found.append(gzip.decompress(raw).decode("latin-1"))
    if raw.startswith(b"SQLite format 3"):
        with sqlite3.connect(path) as db:
            for (table,) in db.execute("select name from sqlite_master where type = 'table'"):
                for row in db.execute(f'select * from "{table}"'):
                    found += [repr(row)]
                    found += [zlib.decompress(cell).decode() for cell in row if isinstance(cell, bytes)]
    return "\n".join(found)


def test_nothing_planted_is_stored_shown_or_logged(swept, tmp_path, caplog):
    _, sweep, store = swept
    states = sweep.transcripts["state"].value_counts().to_dict()
    assert states == {"answered": 5, "failed": 3}
    scores = lab.score(sweep.transcripts, lab.load_dataset(tmp_path / "set"), missing="drop")
    (tmp_path / "out").mkdir()
    sweep.save_replay(tmp_path / "out" / "replay.jsonl")
    lab.Report(sweep, scores, sweep.failures).save(tmp_path / "out" / "report.html")
    files = [path for folder in (store, tmp_path / "out") for path in folder.rglob("*") if path.is_file()]
    assert {path.suffix for path in files} >= {".jsonl", ".html"}
    held = {path.name: contents(path) for path in files}
    assert any("Ship it." in text for text in held.values())
    assert any("http://files.oss.aliyuncs.com/a.wav" in text for text in held.values())  # the answer, without its query
    shown = {
        "repr": repr(sweep) + repr(FiletransEngine()),
        "table": sweep.transcripts.to_csv() + sweep.failures.to_csv(),
        "log": "\n".join(record.getMessage() for record in caplog.get_records("setup") + caplog.records),
    }
    assert API in shown["log"]
    for name, text in (held | shown).items():
        assert PLANTED.search(text) is None, name


def test_neither_key_nor_cookie_reaches_another_host(swept):
    service, _, _ = swept
    hosts = {request.url.host for request in service.requests}
    assert hosts == {API, "results-bj.oss.aliyuncs.com", "storage.oss.aliyuncs.com"}
    for request in service.requests:
        assert "Cookie" not in request.headers
        assert ("Authorization" in request.headers) == (request.url.host == API)
        assert KEY.encode() not in request.content
        assert KEY not in str(request.url)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_no_notebook_shows_a_key_or_a_signed_link(path):
    notebook = nbformat.read(path, as_version=4)
    sources = "\n".join(cell.source for cell in notebook.cells)
    outputs = json.dumps([cell.get("outputs", []) for cell in notebook.cells]) + json.dumps(notebook.metadata)
    used = set(re.findall(r'(?:api_)?key="([^"]+)"', sources))
    assert not {key for key in used if key in outputs}
    assert re.search(r"\bsk-[A-Za-z0-9]{16,}|Signature=\w|OSSAccessKeyId=\w|Bearer \w", outputs) is None
