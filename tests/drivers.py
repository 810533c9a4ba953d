"""Three drivers of a transcription service with the same verbs: our client, the official SDK, and HTTP by hand.

Each verb gives plain values, the same whoever drives, or raises :class:`Refused`. The driver by hand is a third reading
of the service documentation: it takes nothing from our client.
"""

from __future__ import annotations

import base64
import importlib
import json
import re
import time
from datetime import datetime
from pathlib import Path

import httpx
from by_hand import MODEL, form

from asrlab import dashscope
from asrlab.errors import OutcomeUnknown, ServiceError, TaskFailed

SUBMIT = "/services/audio/asr/transcription"
GENERATE = "/services/aigc/multimodal-generation/generation"
CHAT = "/compatible-mode/v1/chat/completions"
FLASH = "qwen3-asr-flash"
RESOLVE = {"X-DashScope-OssResourceResolve": "enable"}


class Refused(Exception):
    """The service said no: HTTP status (None where the driver does not tell), code and message."""

    def __init__(self, status, code, message=""):
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message


class Ours:
    """The client of this package."""

    name = "ours"

    def __init__(self, service, key):
        # Whoever drives asks as fast as it can: limits are the service's affair here.
        self.client = dashscope.Client(api_key=key, base_url=service.base_url, limits=dashscope.UNLIMITED)

    def close(self):
        self.client.close()

    def submit(self, file_url, **parameters):
        return self._ask("submit", file_url, **parameters).task_id

    def transcribe(self, audio, *, mode="native", **parameters):
        told = []
        heard = self._ask("transcribe", audio, mode=mode, on_text=told.append, **parameters)
        assert told == [] or told[-1] == heard.text
        return {"text": heard.text, "language": heard.language, "seconds": heard.audio_s}

    def query(self, task_id):
        return _our_task(self._ask("query", task_id))

    def wait(self, task_id):
        try:
            return _our_task(self._ask("wait", task_id))
        except TaskFailed as error:
            failed = error
        task = self.query(task_id)
        assert failed.code == (task["code"] or task["status"])
        return task

    def result(self, task_id):
        return [
            (
                transcript.channel,
                transcript.text,
                [
                    (
                        (sentence.begin_ms, sentence.end_ms, sentence.language, sentence.emotion, sentence.text),
                        [(word.begin_ms, word.end_ms, word.text, word.punctuation) for word in sentence.words],
                    )
                    for sentence in transcript.sentences
                ],
            )
            for transcript in self._ask("result", self._ask("query", task_id)).transcripts
        ]

    def cancel(self, task_id):
        self._ask("cancel", task_id)

    def list_tasks(self, **asked):
        page = self._ask("list_tasks", **asked)
        rows = [
            {
                "task_id": task.task_id,
                "status": task.status,
                "model": task.model,
                "times": [
                    moment and round(moment.timestamp() * 1000) for moment in (task.created, task.started, task.ended)
                ],
            }
            for task in page.tasks
        ]
        return {"total": page.total, "page_no": page.page_no, "page_size": page.page_size, "tasks": rows}

    def upload(self, path, model=MODEL):
        return self._ask("upload", path, model=model)

    def _ask(self, verb, *args, **options):
        try:
            return getattr(self.client, verb)(*args, **options)
        except (TaskFailed, OutcomeUnknown):
            raise
        except ServiceError as error:
            raise Refused(error.http_status, error.code, error.message) from error


def _our_task(task):
    return {
        "task_id": task.task_id,
        "status": task.status,
        "code": task.code,
        "message": task.message,
        "seconds": task.audio_s,
        "submitted": task.submit_time,
        "scheduled": task.scheduled_time,
        "ended": task.end_time,
        "link": task.link and task.link.reveal(),
    }


class Sdk:
    """The official SDK; it gives no result, so that is fetched by hand."""

    name = "sdk"

    def __init__(self, service, key):
        self.asr = importlib.import_module("dashscope.audio.qwen_asr").QwenTranscription
        self.siblings = importlib.import_module("dashscope.audio.asr").Transcription
        self.oss = importlib.import_module("dashscope.utils.oss_utils").OssUtils
        self.sdk = importlib.import_module("dashscope")
        self.at = {"api_key": key, "base_address": service.base_url}
        self.http = httpx.Client(trust_env=False)

    def close(self):
        self.http.close()
        importlib.import_module("dashscope.api_entities.http_request").close_shared_sync_session()

    def submit(self, file_url, *, model=MODEL, context=None, headers=None, **parameters):
        if context is not None:
            parameters["corpus"] = {"text": context}
        if headers is None and file_url and file_url.startswith("oss://"):
            headers = RESOLVE  # the SDK never adds it
        link = {"file_url": file_url} if model.startswith("qwen3-") else {"file_urls": [file_url]}
        if "file_urls" in link and "language" in parameters:
            parameters["language_hints"] = [parameters.pop("language")]
        call = self.asr.async_call if "file_url" in link else self.siblings.async_call
        answer = call(model=model, headers=headers or {}, **link, **parameters, **self.at)
        return self._accepted(answer).output["task_id"]

    def transcribe(self, audio, *, mode="native", context=None, model=FLASH, **options):
        self.sdk.base_http_api_url = self.at["base_address"]  # where it asks for leave to upload
        audio = audio if str(audio).startswith("http") else f"file://{audio}"
        system = [{"role": "system", "content": [{"text": context}]}] if context else []
        messages = [*system, {"role": "user", "content": [{"audio": audio}]}]
        stream = {"stream": True, "incremental_output": True} if mode == "native-stream" else {}
        answer = self.sdk.MultiModalConversation.call(
            model=model, messages=messages, result_format="message", asr_options=options, **stream, **self.at
        )
        frames = [self._accepted(frame) for frame in (answer if stream else [answer])]
        return _heard([{"output": dict(frame.output), "usage": frame.usage} for frame in frames])

    def query(self, task_id):
        return self._task(self.asr.fetch(task_id, **self.at))

    def wait(self, task_id):
        return self._task(self.asr.wait(task_id, **self.at))

    def result(self, task_id):
        return _fetch(self.http, self.query(task_id)["link"])

    def cancel(self, task_id):
        self._accepted(self.asr.cancel(task_id, **self.at))

    def list_tasks(self, **asked):
        return _page(self._accepted(self.asr.list(**_list_query(asked), **self.at)).output)

    def policy(self, model=MODEL):
        return self._accepted(self.oss.get_upload_certificate(model=model, **self.at)).output

    def upload(self, path, model=MODEL, policy=None):
        failure = importlib.import_module("dashscope.common.error").UploadFileException
        try:
            url, _ = self.oss.upload(model=model, file_path=str(path), upload_certificate=policy, **self.at)
        except failure as error:
            code = re.search(r"code['\"]?: ['\"]?([\w.]+)", str(error))
            raise Refused(None, code and code[1], str(error)) from error
        return url

    def _task(self, answer):
        accepted = self._accepted(answer)
        return _task({"output": dict(accepted.output), "usage": accepted.usage})

    def _accepted(self, answer):
        if answer.status_code != 200:
            raise Refused(answer.status_code, answer.code, answer.message)
        return answer


class Http:
    """Requests composed by hand (service documentation, submit; task management; temporary uploads)."""

    name = "httpx"

    def __init__(self, service, key):
        self.base = service.base_url
        self.http = httpx.Client(trust_env=False)
        self.key = {"Authorization": f"Bearer {key}"}

    def close(self):
        self.http.close()

    def submit(self, file_url, *, model=MODEL, context=None, headers=None, **parameters):
        if context is not None:
            parameters["corpus"] = {"text": context}
        if headers is None and file_url.startswith("oss://"):
            headers = RESOLVE
        link = {"file_url": file_url}
        if not model.startswith("qwen3-"):
            link = {"file_urls": [file_url]}
            if "language" in parameters:
                parameters["language_hints"] = [parameters.pop("language")]
        return self.post({"model": model, "input": link, "parameters": parameters}, headers)

    def transcribe(self, audio, *, mode="native", context=None, model=FLASH, **options):
        if not str(audio).startswith("http"):
            audio = "data:audio/wav;base64," + base64.b64encode(Path(audio).read_bytes()).decode()
        stream = mode.endswith("-stream")
        if mode.startswith("native"):
            system = [{"role": "system", "content": [{"text": context}]}] if context else []
            messages = [*system, {"role": "user", "content": [{"audio": audio}]}]
            body = {"model": model, "input": {"messages": messages}, "parameters": {"asr_options": options}}
            if stream:
                body["parameters"]["incremental_output"] = True
            headers = {"X-DashScope-SSE": "enable"} if stream else {}
            answer = self.send("POST", self.base + GENERATE, headers=headers, json=body)
        else:
            system = [{"role": "system", "content": context}] if context else []
            part = {"type": "input_audio", "input_audio": {"data": audio}}
            body = {"model": model, "messages": [*system, {"role": "user", "content": [part]}], "stream": stream}
            body |= {"asr_options": options} | ({"stream_options": {"include_usage": True}} if stream else {})
            answer = self.send("POST", self.base.replace("/api/v1", CHAT), json=body)
        if not stream:
            return _heard([answer.json()])
        lines = [line.removeprefix("data:").strip() for line in answer.text.splitlines() if line.startswith("data:")]
        return _heard([json.loads(line) for line in lines if line != "[DONE]"])

    def post(self, body, headers=None):
        """Submit a body as it is; returns the task id."""
        headers = {"X-DashScope-Async": "enable", "Content-Type": "application/json"} | (headers or {})
        content = body if isinstance(body, str) else httpx.Request("POST", self.base, json=body).content
        output = self.ask("POST", SUBMIT, headers=headers, content=content)["output"]
        assert output["task_status"] == "PENDING"
        return output["task_id"]

    def query(self, task_id):
        return _task(self.ask("GET", f"/tasks/{task_id}"))

    def wait(self, task_id):
        for _ in range(2000):
            task = self.query(task_id)
            if task["status"] not in ("PENDING", "RUNNING"):
                return task
            time.sleep(0.01)
        raise AssertionError(f"{task} has not ended")

    def result(self, task_id):
        return _fetch(self.http, self.query(task_id)["link"])

    def cancel(self, task_id):
        assert set(self.ask("POST", f"/tasks/{task_id}/cancel")) == {"request_id"}

    def list_tasks(self, **asked):
        return _page(self.ask("GET", "/tasks", params=_list_query(asked)))

    def policy(self, model=MODEL):
        return self.ask("GET", "/uploads", params={"action": "getPolicy", "model": model})["data"]

    def upload(self, path, model=MODEL, policy=None):
        granted = policy or self.policy(model)
        fields = form(granted, Path(path).name)
        file = Path(path).name, Path(path).read_bytes()
        response = self.http.post(granted["upload_host"], data=fields, files={"file": file})
        _accepted(response)
        assert response.content == b""
        return f"oss://{fields['key']}"

    def ask(self, method, path, headers=None, **request):
        """Send one request with the key; returns the JSON object answered."""
        return self.send(method, self.base + path, headers, **request).json()

    def send(self, method, url, headers=None, **request):
        return _accepted(self.http.request(method, url, headers=self.key | (headers or {}), timeout=30, **request))


def _accepted(response):
    if response.status_code != 200 and response.headers["Content-Type"].startswith("text/html"):
        raise Refused(response.status_code, "Unknown", response.text)
    if response.status_code != 200:
        refusal = response.json()
        if "error" in refusal:  # in the other shape
            raise Refused(response.status_code, refusal["error"]["code"], refusal["error"]["message"])
        assert set(refusal) == {"request_id", "code", "message"}
        raise Refused(response.status_code, refusal["code"], refusal["message"])
    return response


def _task(document):
    """Read the answer to a task query by the documented names alone."""
    output, usage = document["output"], document.get("usage") or {}
    (part,) = output.get("results") or [output]  # siblings have one a file, which says how it went
    return {
        "task_id": output["task_id"],
        "status": part.get("subtask_status", output["task_status"]),
        "code": output.get("code", part.get("code")),
        "message": output.get("message", part.get("message")),
        "seconds": usage.get("seconds", usage.get("duration")),
        "submitted": _moment(output.get("submit_time")),
        "scheduled": _moment(output.get("scheduled_time") or output.get("schedule_time")),
        "ended": _moment(output.get("end_time")),
        "link": part.get("result", part).get("transcription_url"),
    }


def _heard(frames):
    """Read answers that come at once, or in frames, by the documented names alone."""
    text, language, seconds = "", None, None
    for frame in frames:
        choices = frame["choices"] if "choices" in frame else frame["output"]["choices"]
        for choice in choices:
            said = choice.get("message") or choice.get("delta") or {}
            content = said.get("content") or ""
            text += content if isinstance(content, str) else content[0]["text"]
            for note in said.get("annotations") or ():
                language = note["language"]
        seconds = (frame.get("usage") or {}).get("seconds", seconds)
    return {"text": text, "language": language, "seconds": seconds}


def _moment(text):
    return text and datetime.strptime(text, "%Y-%m-%d %H:%M:%S.%f")


def _list_query(asked):
    names = {"model": "model_name"}
    texts = {name: f"{asked[name]:%Y%m%d%H%M%S}" for name in ("start_time", "end_time") if name in asked}
    return {names.get(name, name): texts.get(name, value) for name, value in asked.items()}


def _page(document):
    rows = [
        {
            "task_id": row["task_id"],
            "status": row["status"],
            "model": row["model_name"],
            "times": [row.get(name) for name in ("gmt_create", "start_time", "end_time")],
        }
        for row in document["data"]
    ]
    return {**{name: document[name] for name in ("total", "page_no", "page_size")}, "tasks": rows}


def _fetch(http, link):
    """Fetch a result, without the key."""
    return [
        (
            transcript["channel_id"],
            transcript["text"],
            [
                (
                    tuple(sentence.get(name) for name in ("begin_time", "end_time", "language", "emotion", "text")),
                    [
                        tuple(word[name] for name in ("begin_time", "end_time", "text", "punctuation"))
                        for word in sentence.get("words", ())
                    ],
                )
                for sentence in transcript["sentences"]
            ],
        )
        for transcript in _accepted(http.get(link)).json()["transcripts"]
    ]


DRIVERS = {driver.name: driver for driver in (Ours, Sdk, Http)}
