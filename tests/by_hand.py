"""The service's protocol written out by hand for the server's tests: plain HTTP, without any client of ours."""

from __future__ import annotations

import contextlib
import io
import re
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import numpy as np
import soundfile

MODEL = "qwen3-asr-flash-filetrans"
KEY = {"Authorization": "Bearer sk-anything"}
SUBMIT = {**KEY, "X-DashScope-Async": "enable"}
RESOLVE = {**SUBMIT, "X-DashScope-OssResourceResolve": "enable"}
PATH = "/api/v1/services/audio/asr/transcription"


def recording(seed=0, seconds=0.1):
    """Bytes of a WAV file; another one for each seed."""
    file = io.BytesIO()
    samples = 0.1 * np.random.default_rng(seed).standard_normal(int(16_000 * seconds))
    soundfile.write(file, samples, 16_000, format="WAV")
    return file.getvalue()


def body_for(file_url, parameters=None):
    return {"model": MODEL, "input": {"file_url": file_url}, "parameters": parameters or {}}


def raw(url, content, rest=b"", *, times=1, listen=True):
    """Send bytes as they are over a connection of their own, and give what comes back until it is closed."""
    host, port = url.removeprefix("http://").split(":")
    received = b""
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        with contextlib.suppress(ConnectionError):
            connection.sendall(content)
            for _ in range(times):
                connection.sendall(rest)
        with contextlib.suppress(ConnectionError):
            while listen and (block := connection.recv(1 << 16)):
                received += block
    return received


def submit(client, file_url, parameters=None, headers=SUBMIT):
    response = client.post(PATH, headers=headers, json=body_for(file_url, parameters))
    assert response.status_code == 200, response.text
    return response.json()["output"]["task_id"]


def query(client, task_id):
    response = client.get(f"/api/v1/tasks/{task_id}", headers=KEY)
    assert response.status_code == 200
    return response.json()


def wait(client, task_id):
    for _ in range(2000):
        document = query(client, task_id)
        if document["output"]["task_status"] not in ("PENDING", "RUNNING"):
            return document
        time.sleep(0.01)
    raise AssertionError(document)


def ask(client, file_url, parameters=None, headers=SUBMIT):
    """Submit and wait; the output of the finished task."""
    return wait(client, submit(client, file_url, parameters, headers))["output"]


def result_of(output):
    return httpx.get(output["result"]["transcription_url"], trust_env=False).json()


def form(policy, name, /, **changes):
    """Fields of an upload form for a policy; a change to None leaves a field out."""
    fields = {
        "OSSAccessKeyId": policy["oss_access_key_id"],
        "Signature": policy["signature"],
        "policy": policy["policy"],
        "key": f"{policy['upload_dir']}/{name}",
        "x-oss-object-acl": policy["x_oss_object_acl"],
        "x-oss-forbid-overwrite": policy["x_oss_forbid_overwrite"],
        "success_action_status": "200",
    }
    fields |= {name: change(policy) if callable(change) else change for name, change in changes.items()}
    return {name: value for name, value in fields.items() if value is not None}


def upload(client, content, /, name="a.wav", model=MODEL, **changes):
    """Upload bytes by the documented form; returns the response and the oss link."""
    policy = client.get("/api/v1/uploads", params={"action": "getPolicy", "model": model}, headers=KEY).json()["data"]
    fields = form(policy, name, **changes)
    response = client.post(policy["upload_host"], data=fields, files={"file": content})
    return response, f"oss://{fields.get('key', '')}"


def start(tmp_path, prepare="", **options):
    """Start a service with a scripted ``engine`` as a process of its own; gives the process and its URL."""
    script = tmp_path / "serve.py"
    script.write_text(
        f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
        "from stand_ins import Scripted\n"
        "from asrlab.server.run import run\n"
        "engine = Scripted()\n"
        f"{prepare}\n"
        f"run(engine, **{options!r})\n"
    )
    process = subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    line = process.stdout.readline()
    return process, re.search(r"http://\S+", line)[0]
