"""Sibling models on the asynchronous path: their fields, sub-tasks and results, by hand and by the official SDK."""

from __future__ import annotations

import asyncio
import importlib
import time
from types import SimpleNamespace

import httpx
import pytest
from by_hand import KEY, PATH, SUBMIT, query, upload, wait
from stand_ins import Scripted

from asrlab.engines.base import Answer, Capabilities, Sentence, Transcript, Word
from asrlab.errors import InvalidInput, TaskFailed

pytest.importorskip("starlette")

from asrlab.server.documents import task_document
from asrlab.server.run import serve
from asrlab.server.service import Service

AUDIO_30 = "qwen-audio-3.0-asr-flash-filetrans"
AUDIO_31 = "qwen-audio-3.1-asr-flash-filetrans"
AUDIO = (AUDIO_30, AUDIO_31)
FUN = ("fun-asr", "fun-asr-2025-11-07", "fun-asr-2025-08-25", "fun-asr-mtl")
PARAFORMER = ("paraformer-v2", "paraformer-8k-v2")
SIBLINGS = (*AUDIO, *FUN, *PARAFORMER)
WORDS = ("Kestrel", "Ostrava plant")


class Polyglot(Scripted):
    """Detects what it is told to, and obeys a language it is asked with."""

    capabilities = Capabilities(
        frozenset({"language", "context", "channel_id", "enable_words"}), frozenset({"en", "zh", "de"})
    )

    def __init__(self, detected="en"):
        super().__init__()
        self.detected = detected

    async def transcribe(self, question, steps=None):
        self.asked.append(question)
        if self.error is not None:
            raise self.error
        asked = question.parameters
        language = asked.language or self.detected
        sentences = (
            Sentence(100, 1300, "Ship it.", language, (Word(100, 400, "Ship "), Word(400, 1300, "it", "."))),
            Sentence(2000, 2150, "Now", language, (Word(2000, 2150, "Now"),)),
        )
        transcripts = tuple(Transcript(channel, "Ship it. Now", language, sentences) for channel in asked.channel_id)
        context_tokens = None if asked.context is None else 3
        return Answer(transcripts, 1.5, "parrot 1", context_tokens, self.capabilities.unsupported(asked))


@pytest.fixture(scope="module")
def polyglot():
    return Polyglot()


@pytest.fixture(scope="module")
def service(files, polyglot):
    with serve(polyglot, media=(files.url,), limits=None, vocabularies={"vocab-1": WORDS}) as service:
        yield service


@pytest.fixture(scope="module")
def connected(service):
    with httpx.Client(base_url=service.url, trust_env=False) as client:
        yield client


@pytest.fixture
def client(connected, polyglot):
    yield connected
    polyglot.__init__()


def send(client, model, given, *, headers=SUBMIT, **parameters):
    body = {"model": model, "input": given, "parameters": parameters}
    response = client.post(PATH, headers=headers, json=body)
    assert response.status_code == 200, response.text
    return response.json()["output"]["task_id"]


def done(client, model, links, *, headers=SUBMIT, **parameters):
    """Submit links and wait; the whole answer to the last query."""
    return wait(client, send(client, model, {"file_urls": links}, headers=headers, **parameters))


def result(client, document, number=0):
    return client.get(document["output"]["results"][number]["transcription_url"]).json()


# Tasks and results.


@pytest.mark.parametrize("model", SIBLINGS)
def test_a_task_has_sub_tasks_metrics_and_use(client, files, model):
    link = f"{files.url}/mono.wav"
    document = done(client, model, [link])
    assert set(document) == {"request_id", "output", "usage"}
    duration = 2  # 1.5 s of audio, or 1.35 s of speech
    assert document["usage"] == (
        {"duration": duration, "input_tokens": 38, "output_tokens": 4} if model == AUDIO_31 else {"duration": duration}
    )
    output = document["output"]
    assert set(output) == {
        *("task_id", "task_status", "submit_time", "scheduled_time", "end_time", "task_metrics", "results"),
    }
    assert output["task_status"] == "SUCCEEDED"
    assert output["task_metrics"] == {"TOTAL": 1, "SUCCEEDED": 1, "FAILED": 0}
    (part,) = output["results"]
    assert part.pop("transcription_url").startswith("http://")
    assert part == {"file_url": link, "subtask_status": "SUCCEEDED"}


@pytest.mark.parametrize("model", [AUDIO_30, "fun-asr", "paraformer-v2"])
def test_a_result_has_the_documented_shape(client, files, model):
    link = f"{files.url}/stereo.flac"
    document = result(client, done(client, model, [link], channel_id=[1]))
    acted = document.pop("asrlab")
    assert document == {
        "file_url": link,
        "properties": {
            "audio_format": "flac",
            "channels": [0, 1],
            "original_sampling_rate": 44100,
            "original_duration_in_milliseconds": 400,
        },
        "transcripts": [
            {
                "channel_id": 1,
                "content_duration_in_milliseconds": 1350,
                "text": "Ship it. Now",
                "sentences": [
                    {
                        "begin_time": 100,
                        "end_time": 1300,
                        "sentence_id": 1,
                        "text": "Ship it.",
                        "words": [
                            {"begin_time": 100, "end_time": 400, "text": "Ship ", "punctuation": ""},
                            {"begin_time": 400, "end_time": 1300, "text": "it", "punctuation": "."},
                        ],
                    },
                    {
                        "begin_time": 2000,
                        "end_time": 2150,
                        "sentence_id": 2,
                        "text": "Now",
                        "words": [{"begin_time": 2000, "end_time": 2150, "text": "Now", "punctuation": ""}],
                    },
                ],
            }
        ],
    }
    assert acted == {
        "recogniser": Scripted.identity,
        "model": "parrot 1",
        "context_tokens": None,
        "unsupported": [],
        "languages": ["en"],
    }


def test_speech_alone_is_counted_by_paraformer_and_channels_by_all(client, files):
    link = f"{files.url}/stereo.flac"  # 0.4 s, in which 1.35 s are said to be spoken
    assert done(client, "paraformer-v2", [link], channel_id=[0, 1])["usage"] == {"duration": 3}
    assert done(client, "fun-asr", [link], channel_id=[0, 1])["usage"] == {"duration": 2}


def test_words_are_there_even_from_a_recogniser_that_gives_none(client, polyglot, files, monkeypatch):
    async def wordless(question, steps=None):
        assert question.parameters.enable_words
        heard = Transcript(0, "Ship", "en", (Sentence(0, 900, "Ship", "en"),))
        return Answer((heard,), 1.5, "parrot 1", None, ("enable_words", "language"))

    monkeypatch.setattr(polyglot, "transcribe", wordless)
    document = result(client, done(client, "fun-asr", [f"{files.url}/mono.wav"], language_hints=["en"]))
    assert document["transcripts"][0]["sentences"][0]["words"] == []
    assert document["asrlab"]["unsupported"] == ["language_hints"]  # as it was sent; words were not asked for


def test_files_fail_one_by_one_and_the_task_succeeds_if_any_does(client, files, polyglot):
    names = ["mono.wav", "absent.wav", "text.wav", "stereo.flac"]
    links = [f"{files.url}/{name}" for name in names] + ["ftp://a/b.wav", 5]
    document = done(client, "fun-asr", links)
    assert document["usage"] == {"duration": 3}
    output = document["output"]
    assert output["task_status"] == "SUCCEEDED"
    assert output["task_metrics"] == {"TOTAL": 6, "SUCCEEDED": 2, "FAILED": 4}
    assert [part["file_url"] for part in output["results"]] == [*links[:5], ""]
    failed = {"file_url", "code", "message", "subtask_status"}
    succeeded = {"file_url", "transcription_url", "subtask_status"}
    assert [set(part) for part in output["results"]] == [succeeded, failed, failed, succeeded, failed, failed]
    assert [part.get("code") for part in output["results"]] == [
        *(None, "InvalidFile.DownloadFailed", "InvalidFile.Format", None, "InvalidURL", "InvalidURL"),
    ]
    assert result(client, document, 0)["properties"]["original_duration_in_milliseconds"] == 1500
    assert result(client, document, 3)["properties"]["original_duration_in_milliseconds"] == 400
    link = output["results"][0]["transcription_url"]
    assert client.get(link.replace(".0.json", ".3.json")).status_code == 403


def test_a_task_without_a_success_has_failed(client, files, polyglot):
    document = done(client, "paraformer-v2", [f"{files.url}/absent.wav", f"{files.url}/text.wav"])
    assert set(document) == {"request_id", "output"}
    output = document["output"]
    assert (output["task_status"], output["code"]) == ("FAILED", "InvalidFile.DownloadFailed")
    assert output["task_metrics"] == {"TOTAL": 2, "SUCCEEDED": 0, "FAILED": 2}
    assert [part["subtask_status"] for part in output["results"]] == ["FAILED", "FAILED"]
    polyglot.error = RuntimeError("out of luck")
    output = done(client, "fun-asr", [f"{files.url}/mono.wav"])["output"]
    assert (output["code"], output["results"][0]["code"]) == ("SERVER_ERROR", "SERVER_ERROR")
    polyglot.error = TaskFailed("no", code="InternalError.Algo")
    assert done(client, "fun-asr", [f"{files.url}/mono.wav"])["output"]["code"] == "InternalError.Algo"


@pytest.mark.parametrize("model", [AUDIO_30, "fun-asr", "paraformer-v2"])
def test_silence_is_the_documented_failure(client, files, polyglot, model, monkeypatch):
    async def nothing(question, steps=None):
        return Answer((Transcript(0, "", None),), 1.5, "parrot 1")

    monkeypatch.setattr(polyglot, "transcribe", nothing)
    output = done(client, model, [f"{files.url}/mono.wav"])["output"]
    assert (output["task_status"], output["code"]) == ("FAILED", "SUCCESS_WITH_NO_VALID_FRAGMENT")
    assert output["results"][0]["code"] == "SUCCESS_WITH_NO_VALID_FRAGMENT"


def test_metrics_are_there_throughout(files):
    engine = Scripted()
    engine.go.clear()
    with (
        serve(engine, media=(files.url,), limits=None) as service,
        httpx.Client(base_url=service.url, trust_env=False) as client,
    ):
        links = {"file_urls": [f"{files.url}/absent.wav", f"{files.url}/mono.wav"]}
        running, waiting = (send(client, "fun-asr", links) for _ in range(2))
        while not engine.asked:
            time.sleep(0.005)
        output = query(client, running)["output"]
        assert (output["task_status"], output["task_metrics"]) == (
            "RUNNING",
            {"TOTAL": 2, "SUCCEEDED": 0, "FAILED": 1},
        )
        assert "results" not in output
        assert query(client, waiting)["output"]["task_metrics"] == {"TOTAL": 2, "SUCCEEDED": 0, "FAILED": 0}
        assert client.post(f"/api/v1/tasks/{waiting}/cancel", headers=KEY).status_code == 200
        cancelled = query(client, waiting)["output"]
        assert set(cancelled) == {"task_id", "task_status", "submit_time", "end_time", "task_metrics"}
        engine.go.set()
        assert wait(client, running)["output"]["task_metrics"] == {"TOTAL": 2, "SUCCEEDED": 1, "FAILED": 1}


def test_a_task_that_is_stopped_half_way_has_failed_with_what_there_is(files):
    class Slow(Polyglot):
        async def transcribe(self, question, steps=None):
            if self.asked:
                self.go.clear()
            await super().transcribe(question)
            while not self.go.is_set():  # noqa: ASYNC110 - it never is
                await asyncio.sleep(0.005)
            return await super().transcribe(question)

    async def scenario():
        engine = Slow()
        service = Service(engine, "http://127.0.0.1:1", media=[files.url])
        async with service.running():
            asked = {"input": {"file_urls": [f"{files.url}/mono.wav"] * 3}, "parameters": {}}
            task = service.submit("fun-asr", asked, resolve_oss=False, fault=None)
            while len(engine.asked) < 3:  # noqa: ASYNC110 - there is nothing to be told by
                await asyncio.sleep(0.005)
            service.tasks.stop()
            return task_document(task, service.result_urls(task))["output"]

    output = asyncio.run(scenario())
    assert (output["task_status"], output["code"]) == ("FAILED", "SERVER_ERROR")
    assert output["task_metrics"] == {"TOTAL": 3, "SUCCEEDED": 1, "FAILED": 2}
    assert [part["subtask_status"] for part in output["results"]] == ["SUCCEEDED"]


def test_faults_of_tasks_act_on_siblings(client, service, files):
    link = f"{files.url}/mono.wav"
    service.fault("task=no-success")
    document = done(client, "fun-asr", [link])
    assert document["output"]["task_status"] == "SUCCEEDED"
    assert document["output"]["task_metrics"] == {"TOTAL": 1, "SUCCEEDED": 0, "FAILED": 1}
    assert document["output"]["results"][0]["code"] == "InvalidFile.DownloadFailed"
    service.fault("task=DECODE_ERROR")
    output = done(client, "fun-asr", [link])["output"]
    assert (output["task_status"], output["code"]) == ("FAILED", "DECODE_ERROR")
    service.fault("task=schedule-time")
    assert "schedule_time" in done(client, "fun-asr", [link])["output"]
    service.fault("task=lost")
    task_id = send(client, "fun-asr", {"file_urls": [link]})
    assert query(client, task_id)["output"]["task_status"] == "UNKNOWN"


def test_each_file_is_counted_and_each_task_listed(files):
    with (
        serve(Scripted(), media=(files.url,), limits=None) as service,
        httpx.Client(base_url=service.url, trust_env=False) as client,
    ):
        one, other = f"{files.url}/mono.wav", f"{files.url}/stereo.flac"
        done(client, "fun-asr", [f"{one}?Signature=a", other, one])
        done(client, AUDIO_30, [one])
        assert service.status()["submits"] == 2
        assert service.status()["submits_by_file"] == {one: 3, other: 1}
        rows = client.get("/api/v1/tasks", params={"model_name": "fun-asr"}, headers=KEY).json()["data"]
        assert [row["model_name"] for row in rows] == ["fun-asr"]


# Links.


@pytest.mark.parametrize(
    ("model", "given", "code"),
    [
        *((model, {"file_urls": ["{one}", "{one}"]}, "InvalidParameter.MalformedURL") for model in AUDIO),
        *((model, {"file_urls": []}, "InvalidParameter.MalformedURL") for model in AUDIO),
        *((model, {"file_urls": "{one}"}, "InvalidParameter.MalformedURL") for model in AUDIO),
        *((model, {"messages": []}, "InvalidURL") for model in AUDIO),
        *((model, {"file_url": "{one}"}, None) for model in AUDIO),
        *((model, {"file_url": "ftp://a", "file_urls": ["{one}"]}, None) for model in SIBLINGS),
        *((model, {"file_url": "{one}"}, "InvalidParameter") for model in (*FUN, *PARAFORMER)),
        *((model, {"file_urls": []}, "InvalidParameter") for model in (*FUN, *PARAFORMER)),
        *((model, {"file_urls": "{one}"}, "InvalidParameter") for model in (*FUN, *PARAFORMER)),
        *((model, {"file_urls": ["{one}"] * 101}, "InvalidParameter") for model in (*FUN, *PARAFORMER)),
    ],
)
def test_links_come_as_the_family_has_them(client, files, model, given, code):
    one = f"{files.url}/stereo.flac"
    links = {
        name: [link.format(one=one) for link in value] if isinstance(value, list) else value.format(one=one)
        for name, value in given.items()
    }
    output = wait(client, send(client, model, links))["output"]
    assert output.get("code") == code
    if model in (*FUN, *PARAFORMER) and code and len(given.get("file_urls", [])) < 100:
        assert output["message"] == "input must contain file_urls"


@pytest.mark.parametrize(
    ("model", "code"),
    [
        *((model, "SERVER_ERROR") for model in AUDIO),
        ("fun-asr", "InvalidFile.DownloadFailed"),
        ("paraformer-v2", "InvalidFile.DownloadFailed"),
    ],
)
def test_an_upload_needs_the_resolve_header_and_its_own_model(client, audio, service, model, code):
    content = (audio / "mono.wav").read_bytes()
    resolved = SUBMIT | {"X-DashScope-OssResourceResolve": "enable"}
    _, url = upload(client, content, model=model)
    output = wait(client, send(client, model, {"file_urls": [url]}))["output"]
    assert (output["task_status"], output["code"]) == ("FAILED", code)
    document = wait(client, send(client, model, {"file_urls": [url]}, headers=resolved))
    assert document["output"]["task_status"] == "SUCCEEDED"
    assert document["output"]["results"][0]["file_url"].startswith(service.url)
    _, other = upload(client, content, model="other")
    output = wait(client, send(client, model, {"file_urls": [other]}, headers=resolved))["output"]
    assert output["results"][0]["code"] == "InvalidFile.DownloadFailed"


@pytest.mark.parametrize(
    ("model", "status"),
    [("paraformer-v1", 404), ("fun-asr-flash-2026-06-15", 400), ("qwen-audio-3.0-asr-filetrans", 404)],
)
def test_what_is_not_of_this_path_is_refused(client, model, status):
    body = {"model": model, "input": {"file_urls": ["x"]}, "parameters": {}}
    assert client.post(PATH, headers=SUBMIT, json=body).status_code == status


# Parameters.


@pytest.mark.parametrize(
    ("model", "sent", "languages", "context"),
    [
        (AUDIO_30, {}, [None], None),
        (AUDIO_30, {"language_hints": []}, [None], None),
        (AUDIO_30, {"language_hints": None}, [None], None),
        (AUDIO_30, {"language_hints": ["de"]}, ["de"], None),
        (AUDIO_30, {"language_hints": ["tl"]}, ["fil"], None),
        (AUDIO_30, {"language_hints": ["de", "en"]}, [None], None),  # it detects en
        (AUDIO_30, {"language_hints": ["de", "zh"]}, [None, "de"], None),  # and here neither
        (AUDIO_30, {"language_hints": ["zh", "zh"]}, ["zh"], None),
        ("fun-asr", {"language_hints": ["xx"]}, ["xx"], None),
        ("fun-asr", {"language": "de", "enable_itn": True, "corpus": {"text": "a"}, "text": "b"}, [None], None),
        ("fun-asr", {"vocabulary_id": "vocab-1"}, [None], "Kestrel, Ostrava plant"),
        ("fun-asr", {"vocabulary_id": ""}, [None], None),
        ("paraformer-v2", {}, [None], None),
        ("paraformer-v2", {"language_hints": ["yue"], "vocabulary_id": "vocab-1"}, ["yue"], "Kestrel, Ostrava plant"),
        ("paraformer-v2", {"diarization_enabled": True, "special_word_filter": "{", "channel_id": [0]}, [None], None),
    ],
)
def test_what_a_family_has_acts_and_the_rest_is_ignored(  # noqa: PLR0917
    client, files, polyglot, model, sent, languages, context
):
    document = done(client, model, [f"{files.url}/mono.wav"], **sent)
    asked = [question.parameters for question in polyglot.asked]
    assert [one.language for one in asked] == languages
    assert {(one.context, one.enable_itn, one.enable_words, one.language_hints) for one in asked} == {
        (context, False, True, ())
    }
    acted = result(client, document)["asrlab"]
    assert acted["languages"] == [languages[-1] or "en"]
    several = len(set(sent.get("language_hints") or ())) > 1
    assert ("language_hints" in acted["unsupported"]) == (several or languages[-1] in ("fil", "xx", "yue"))
    assert acted["context_tokens"] == (None if context is None else 3)


def test_hints_and_vocabularies_act_where_languages_and_contexts_do(service):
    assert service.status()["capabilities"]["parameters"] == [
        *("channel_id", "context", "enable_words", "language", "language_hints", "vocabulary_id"),
    ]


def test_usual_hints_of_paraformer_are_chinese_and_english_for_a_recogniser_that_takes_hints(files):
    engine = Polyglot()
    takes = frozenset({"language", "language_hints", "channel_id", "enable_words"})
    engine.capabilities = Capabilities(takes, frozenset({"en", "zh"}))
    with (
        serve(engine, media=[files.url], limits=None) as service,
        httpx.Client(base_url=service.url, headers={"Authorization": "Bearer sk"}) as client,
    ):
        document = done(client, "paraformer-v2", [f"{files.url}/mono.wav"])
        assert [question.parameters.language_hints for question in engine.asked] == [("zh", "en")]
        assert result(client, document)["asrlab"]["unsupported"] == []


def test_a_recogniser_that_takes_hints_is_given_them(files):
    engine = Polyglot()
    engine.capabilities = Capabilities(frozenset({"language", "language_hints", "channel_id"}), frozenset({"en"}))
    with (
        serve(engine, media=(files.url,), limits=None) as service,
        httpx.Client(base_url=service.url, trust_env=False) as client,
    ):
        document = done(client, AUDIO_30, [f"{files.url}/mono.wav"], language_hints=["de", "tl"])
        assert result(client, document)["asrlab"]["unsupported"] == []
    (question,) = engine.asked
    assert (question.parameters.language, question.parameters.language_hints) == (None, ("de", "fil"))


@pytest.mark.parametrize(
    ("model", "sent", "named"),
    [
        (AUDIO_30, {"language_hints": ["en", "zh", "de", "fr", "ja"]}, "4 codes, not 5"),
        (AUDIO_30, {"language_hints": ["yue"]}, "sk"),
        (AUDIO_30, {"language_hints": "en"}, "must be a list"),
        (AUDIO_30, {"language_hints": [5]}, "must be a list"),
        (AUDIO_30, {"language_hints": [""]}, "must be a list"),
        (AUDIO_30, {"language_hints": {"en": 1}}, "must be a list"),
        ("paraformer-v2", {"language_hints": ["es"]}, "yue"),
        ("fun-asr", {"vocabulary_id": "vocab-2"}, "--vocabulary"),
        ("fun-asr", {"vocabulary_id": ["vocab-1"]}, "--vocabulary"),
        ("fun-asr", {"vocabulary_id": 5}, "--vocabulary"),
        ("fun-asr", {"channel_id": [1]}, "channel_id 1 is not in the audio"),
        ("fun-asr", {"channel_id": 0}, "channel_id"),
    ],
)
def test_wrong_parameters_fail_the_task(client, files, model, sent, named):
    output = done(client, model, [f"{files.url}/mono.wav"], **sent)["output"]
    assert (output["task_status"], output["code"]) == ("FAILED", "InvalidParameter")
    assert named in output["message"]


@pytest.mark.parametrize("body", [{}, {"parameters": None}])
@pytest.mark.parametrize("model", ["qwen3-asr-flash-filetrans", *SIBLINGS])
def test_fun_asr_alone_fails_without_parameters(client, files, model, body):
    url = f"{files.url}/stereo.flac"
    sent = {"model": model, "input": {"file_url": url, "file_urls": [url]}} | body
    output = wait(client, client.post(PATH, headers=SUBMIT, json=sent).json()["output"]["task_id"])["output"]
    assert output.get("code") == ("BadRequest.EmptyParameters" if model in FUN else None)


# Vocabularies.


@pytest.mark.parametrize("vocabularies", [{"": ["a"]}, {"v": []}, {"v": [" "]}, {"v": ["a", 5]}])
def test_a_vocabulary_has_a_name_and_words(vocabularies):
    with pytest.raises(InvalidInput, match="vocabulary"), serve(Scripted(), vocabularies=vocabularies):
        pass


def test_the_command_line_reads_vocabularies(tmp_path, monkeypatch):
    from click.testing import CliRunner

    from asrlab.cli import main

    (tmp_path / "names.txt").write_text("\ufeffKestrel\n\n  Ostrava plant \n收\n", encoding="utf-8")
    (tmp_path / "empty.txt").write_text("\n")
    (tmp_path / "latin.txt").write_bytes(b"\xe9")
    given = []
    monkeypatch.setattr("asrlab.server.run.run", lambda engine, **options: given.append(options["vocabularies"]))

    def invoke(*texts):
        return CliRunner().invoke(main, ["serve", *(part for text in texts for part in ("--vocabulary", text))])

    assert invoke(f"names={tmp_path / 'names.txt'}").exit_code == 0
    assert given == [{"names": ["Kestrel", "Ostrava plant", "收"]}]
    for wrong, said in (
        ("names", "NAME=FILE"),
        ("names=", "cannot be read"),
        (f"={tmp_path / 'names.txt'}", "NAME=FILE"),
        (f"names={tmp_path / 'empty.txt'}", "NAME=FILE"),
        (f"names={tmp_path / 'absent.txt'}", "cannot be read"),
        (f"names={tmp_path / 'latin.txt'}", "cannot be read"),
    ):
        outcome = invoke(wrong)
        assert outcome.exit_code == 2
        assert said in " ".join(outcome.output.split())
    assert len(given) == 1


# The official SDK.


@pytest.fixture
def sdk(service, monkeypatch):
    """The SDK's class of transcriptions, and how it is told where to ask."""
    pytest.importorskip("dashscope")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    hasty = SimpleNamespace(time=time.time, sleep=lambda _: time.sleep(0.01))
    monkeypatch.setattr(importlib.import_module("dashscope.client.base_api"), "time", hasty)
    transcription = importlib.import_module("dashscope.audio.asr").Transcription
    yield transcription, {"api_key": "sk-anything", "base_address": service.base_url}
    importlib.import_module("dashscope.api_entities.http_request").close_shared_sync_session()


sdk_warns = pytest.mark.filterwarnings("ignore::DeprecationWarning:dashscope")


@sdk_warns
@pytest.mark.parametrize("model", ["fun-asr", "paraformer-v2"])
def test_the_sdk_submits_waits_and_fetches(client, polyglot, sdk, files, model):
    transcription, at = sdk
    links = [f"{files.url}/mono.wav", f"{files.url}/absent.wav", f"{files.url}/stereo.flac"]
    hints = {"language_hints": ["de"], "vocabulary_id": "vocab-1"}
    submitted = transcription.async_call(model=model, file_urls=links, **hints, **at)
    assert (submitted.status_code, submitted.output.task_status) == (200, "PENDING")
    ended = transcription.wait(submitted, **at)
    fetched = transcription.fetch(submitted.output.task_id, **at)
    for answer in (ended, fetched):
        assert answer.output.task_status == "SUCCEEDED"
        assert answer.output["task_metrics"] == {"TOTAL": 3, "SUCCEEDED": 2, "FAILED": 1}
        assert [part["subtask_status"] for part in answer.output["results"]] == ["SUCCEEDED", "FAILED", "SUCCEEDED"]
        assert answer.usage["duration"] == (3 if model == "fun-asr" else 4)
    assert result(client, {"output": ended.output})["transcripts"][0]["text"] == "Ship it. Now"
    assert {(q.parameters.language, q.parameters.context) for q in polyglot.asked} == {("de", ", ".join(WORDS))}


@sdk_warns
def test_the_sdk_sees_failures(client, sdk, files):
    transcription, at = sdk
    failed = transcription.wait(
        transcription.async_call(model="fun-asr", file_urls=[f"{files.url}/text.wav"], **at), **at
    )
    assert (failed.status_code, failed.output.task_status, failed.output["code"]) == (
        200,
        "FAILED",
        "InvalidFile.Format",
    )
    refused = transcription.async_call(model="qwen3-asr-flash", file_urls=["x"], **at)
    assert (refused.status_code, refused.code) == (400, "InvalidParameter")


@sdk_warns
@pytest.mark.filterwarnings("ignore:dashscope 2.0 audio API is a preview:FutureWarning")
@pytest.mark.parametrize("model", [AUDIO_31, "fun-asr"])
def test_the_newer_client_of_the_sdk_does_its_jobs(client, sdk, service, files, model):
    kind = importlib.import_module("dashscope.v2").Client
    with kind(api_key="sk-anything", base_url=service.base_url, max_retries=0) as newer:
        jobs = newer.audio.asr.jobs
        job = jobs.create(model=model, file_urls=[f"{files.url}/mono.wav"], parameters={"language_hints": ["zh"]})
        ended = jobs.wait(job, _sleep=lambda _: time.sleep(0.01))
        assert (ended.status, ended.succeeded) == ("SUCCEEDED", True)
        (part,) = ended.results
        document = client.get(part.transcription_url).json()
        assert document["transcripts"][0]["text"] == "Ship it. Now"
        assert document["asrlab"]["languages"] == ["zh"]
        failed = jobs.create(model=model, file_urls=[f"{files.url}/absent.wav"])
        with pytest.raises(importlib.import_module("dashscope.v2.errors").DashScopeError, match="HTTP 404"):
            jobs.wait(failed, _sleep=lambda _: time.sleep(0.01))
