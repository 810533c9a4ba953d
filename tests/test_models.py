"""The table of models: how each is named, asked and limited; and siblings' tasks, whose sub-task decides."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import httpx
import pandas as pd
import pytest

import asrlab
from asrlab.dashscope import UNLIMITED, AsyncClient, wire
from asrlab.dashscope.models import MODELS, NAMES, is_known, model_of
from asrlab.data.dataset import Dataset
from asrlab.engines.base import Parameters
from asrlab.engines.filetrans import FiletransEngine
from asrlab.engines.flash import FlashEngine
from asrlab.engines.service import requested
from asrlab.errors import InvalidInput, ServiceError, TaskFailed
from asrlab.sweep.grid import grid
from asrlab.sweep.sweep import Sweep

DICTATION = Path(__file__).parents[1] / "datasets" / "dictation" / "audio" / "en"
KEY = "sk-test"
LINK = "https://media.example.org/a.wav"
SIBLINGS = ["fun-asr", "paraformer-v2", "qwen-audio-3.0-asr-flash-filetrans", "qwen-audio-3.1-asr-flash-filetrans"]

# Names, as the service documentation has them (regions and models).


@pytest.mark.parametrize(
    ("name", "row"),
    [
        ("qwen3-asr-flash-filetrans", "qwen3-asr-flash-filetrans"),
        ("qwen3-asr-flash-filetrans-2025-11-17", "qwen3-asr-flash-filetrans"),
        ("qwen3-asr-flash", "qwen3-asr-flash"),
        ("qwen3-asr-flash-2026-02-10", "qwen3-asr-flash"),
        ("qwen-audio-3.0-asr-flash-filetrans", "qwen-audio-3.0-asr-flash-filetrans"),
        ("qwen-audio-3.1-asr-flash-filetrans", "qwen-audio-3.1-asr-flash-filetrans"),
        ("fun-asr", "fun-asr"),
        ("fun-asr-2025-08-25", "fun-asr"),
        ("fun-asr-mtl", "fun-asr"),
        ("paraformer-v2", "paraformer-v2"),
        ("paraformer-8k-v2", "paraformer-8k-v2"),
    ],
)
def test_models_are_found_by_their_names(name, row):
    assert model_of(name).name == row
    assert is_known(name)
    kind = {"async": FiletransEngine, "sync": FlashEngine}[model_of(name).path]
    engine = asrlab.engine(name, region="beijing")
    assert type(engine) is kind
    assert (engine.identity["model"], engine.identity["engine"]) == (name, kind.name)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("qwen-audio-3.0-asr-filetrans", "it is called qwen-audio-3.1-asr-flash-filetrans"),
        ("qwen-audio-3.1-asr-flash", "requests of another shape"),
        ("fun-asr-flash-2026-06-15", "requests of another shape"),
        ("qwen3-asr-flash-us", "United States"),
        ("qwen3-asr-flash-us-2025-09-08", "United States"),
        ("paraformer-v1", "paraformer-v2"),
        ("paraformer-mtl-v1", "paraformer-v2"),
        ("fun-asr-realtime", "over a socket"),
        ("qwen3-asr-flash-realtime", "over a socket"),
    ],
)
def test_models_that_are_known_of_are_refused_with_the_reason(name, why):
    for make in (model_of, asrlab.engine):
        with pytest.raises(InvalidInput, match=why):
            make(name)


@pytest.mark.parametrize("name", ["qwen3-asr", "qwen3-asr-flash-2026", "fun-asr\n", "paraformer-v2x", "", None, 3])
def test_what_is_no_model_is_refused_and_the_others_are_named(name):
    with pytest.raises(InvalidInput, match="fun-asr, paraformer-v2"):
        model_of(name)


def test_each_row_is_what_the_documentation_says():
    assert len(wire.LANGUAGES) == 27
    languages = {row.name: row.languages for row in MODELS}
    assert len(languages["qwen3-asr-flash"]) == 27
    assert len(languages["qwen-audio-3.0-asr-flash-filetrans"]) == 30
    assert languages["paraformer-v2"] == set("zh en ja yue ko de fr ru".split())  # noqa: SIM905 - as it is written there
    assert languages["fun-asr"] is None
    assert all(codes <= set(NAMES) for codes in languages.values() if codes)
    assert {row.name for row in MODELS if row.regions == ("beijing",)} == {"paraformer-v2", "paraformer-8k-v2"}
    assert {row.name: (row.path, row.link) for row in MODELS if row.name.startswith("qwen3")} == {
        "qwen3-asr-flash-filetrans": ("async", "file_url"),
        "qwen3-asr-flash": ("sync", "audio"),
    }


def test_a_model_is_asked_where_it_runs():
    with pytest.raises(InvalidInput, match="runs in beijing only"):
        asrlab.engine("paraformer-v2")
    assert asrlab.engine("paraformer-v2", region="beijing").identity["region"] == "beijing"
    asrlab.engine("paraformer-v2", base_url="http://127.0.0.1:1/api/v1")  # a stand-in runs where it is


# What is sent.


class Api:
    """The service as a function; ``task`` is the answer to a query."""

    def __init__(self, task=None, result=None):
        self.task, self.result, self.bodies = task, result, []

    async def __call__(self, request):
        await request.aread()
        if request.method == "POST":
            self.bodies.append(json.loads(request.content))
            return httpx.Response(200, json={"request_id": "r", "output": {"task_id": "t-1", "task_status": "PENDING"}})
        if "/tasks/" in request.url.path:
            return httpx.Response(200, json=self.task)
        return httpx.Response(200, json=self.result)

    def client(self, **options):
        return AsyncClient(api_key=KEY, transport=httpx.MockTransport(self), limits=UNLIMITED, **options)

    def submit(self, region="beijing", **options):
        async def scenario():
            async with self.client(region=region) as client:
                return await client.submit(LINK, **options)

        asyncio.run(scenario())
        return self.bodies[-1]


def test_siblings_are_sent_what_they_take_under_their_names():
    asked = {"language_hints": ["zh", "en"], "vocabulary_id": "vocab-1", "channel_id": [0, 1]}
    for model in SIBLINGS:
        assert Api().submit(model=model) == {"model": model, "input": {"file_urls": [LINK]}, "parameters": {}}
        assert Api().submit(model=model, **asked)["parameters"] == asked
        assert Api().submit(model=model, language="en")["parameters"] == {"language_hints": ["en"]}


@pytest.mark.parametrize(
    ("model", "options", "match"),
    [
        ("fun-asr", {"enable_itn": False}, "'enable_itn' is not a parameter of fun-asr"),
        ("fun-asr", {"context": "Kestrel"}, "'context' is not a parameter"),
        ("fun-asr", {"language": "en", "language_hints": ["zh"]}, "leave language_hints out"),
        ("fun-asr", {"language": "english"}, "Did you mean 'en'"),
        ("fun-asr", {"language": "jp"}, "Did you mean 'ja'"),
        ("fun-asr", {"language": "eng"}, "Did you mean 'en'"),
        ("fun-asr", {"language_hints": ["en", "jp"]}, "Did you mean 'ja'"),
        ("qwen-audio-3.1-asr-flash-filetrans", {"language": "fil"}, "Did you mean 'tl'"),
        ("qwen-audio-3.1-asr-flash-filetrans", {"language": "Filipino"}, "Did you mean 'tl'"),
        ("qwen3-asr-flash-filetrans", {"language": "tl"}, "Did you mean 'fil'"),
        ("fun-asr", {"language_hints": "en"}, "must be a list"),
        ("fun-asr", {"language_hints": ["en", "en"]}, "different"),
        ("fun-asr", {"vocabulary_id": " "}, "must be the id"),
        ("paraformer-v2", {"language": "es"}, "is not a code of paraformer-v2"),
        ("qwen-audio-3.0-asr-flash-filetrans", {"language_hints": ["zh", "en", "ja", "ko", "vi"]}, "4 language hints"),
        ("qwen-audio-3.0-asr-flash-filetrans", {"language": "yue"}, "It takes"),
        ("qwen3-asr-flash-filetrans", {"language_hints": ["en"]}, "nearest to it here is 'language'"),
        ("qwen3-asr-flash-filetrans", {"vocabulary_id": "v"}, "nearest to it here is 'context'"),
    ],
)
def test_what_a_model_would_ignore_or_refuse_is_refused_here(model, options, match):
    api = Api()
    with pytest.raises(InvalidInput, match=match):
        api.submit(model=model, **options)
    assert api.bodies == []
    with pytest.raises(InvalidInput, match="runs in beijing only"):
        api.submit("singapore", model="paraformer-v2")


def test_a_language_that_is_not_documented_is_sent_where_none_is():
    for code in ("sw", "tl", "fil", "yue"):
        assert Api().submit(model="fun-asr", language=code)["parameters"] == {"language_hints": [code]}


# What comes back.


def task(*parts, status="SUCCEEDED", usage=None, **output):
    results = {} if parts == (None,) else {"results": list(parts)}
    output = {"task_id": "t-1", "task_status": status, **results, **output}
    return {"request_id": "i9", "output": output, "usage": {"duration": 9} if usage is None else usage}


DONE = {"file_url": LINK, "transcription_url": "https://r.example/x.json?Signature=s", "subtask_status": "SUCCEEDED"}
BROKEN = {"file_url": LINK, "code": "InvalidFile.DownloadFailed", "message": "The audio file cannot be downloaded.",
          "subtask_status": "FAILED"}  # fmt: skip
RESULT = {
    "file_url": LINK,
    "properties": {"audio_format": "pcm_s16le", "channels": [0], "original_duration_in_milliseconds": 4720},
    "transcripts": [
        {
            "channel_id": 0,
            "content_duration_in_milliseconds": 4120,
            "text": "hello ",
            "sentences": [
                {
                    "begin_time": 100,
                    "end_time": 4220,
                    "sentence_id": 1,
                    "speaker_id": 0,
                    "text": "hello ",
                    "words": [
                        {"begin_time": 100, "end_time": 596, "text": "hello ", "punctuation": "", "confidence": 0.9}
                    ],
                }
            ],
        }
    ],
}


def wait(document, result=RESULT):
    async def scenario():
        async with Api(document, result).client() as client:
            ended = await client.wait("t-1", timeout_s=1, first_delay_s=0)
            return ended, await client.result(ended)

    return asyncio.run(scenario())


def test_the_sub_task_has_the_result():
    ended, result = wait(task(DONE, task_metrics={"TOTAL": 1, "SUCCEEDED": 1, "FAILED": 0}))
    assert (ended.status, ended.audio_s) == ("SUCCEEDED", 9.0)
    (transcript,) = result.transcripts
    assert (transcript.channel, transcript.text) == (0, "hello ")
    assert [(word.text, word.begin_ms) for word in transcript.sentences[0].words] == [("hello ", 100)]
    assert (transcript.sentences[0].language, transcript.sentences[0].emotion) == (None, None)
    assert "Signature" not in repr(ended)


def test_one_raw_report_has_the_link_in_the_output():
    assert wait(task(None, transcription_url=DONE["transcription_url"]))[1].transcripts
    assert wait(task(transcription_url=DONE["transcription_url"]))[1].transcripts
    part = {"file_url": LINK, "subtask_status": "SUCCEEDED"}
    assert wait(task(part, transcription_url=DONE["transcription_url"]))[1].transcripts


@pytest.mark.parametrize("status", ["SUCCEEDED", "FAILED"])
def test_a_sub_task_that_failed_is_a_failure_with_its_code(status):
    with pytest.raises(TaskFailed, match="cannot be downloaded") as caught:
        wait(task(BROKEN, status=status))
    assert caught.value.code == "InvalidFile.DownloadFailed"


def test_silence_is_an_answer_in_a_sub_task_too():
    for status in ("SUCCEEDED", "FAILED"):
        ended, result = wait(task({**BROKEN, "code": "SUCCESS_WITH_NO_VALID_FRAGMENT"}, status=status))
        assert ended.silent
        assert result.transcripts == ()


@pytest.mark.parametrize(
    "parts", [(), ({"subtask_status": "SUCCEEDED"},), ({"subtask_status": "RUNNING"},), (3,), ("x", None)]
)
def test_a_task_that_succeeded_without_a_link_cannot_be_read(parts):
    with pytest.raises(ServiceError, match="without a link") as caught:
        wait(task(*parts))
    assert caught.value.code == "BadResponse"


def test_two_sub_tasks_are_of_nobody():
    for status in ("SUCCEEDED", "FAILED"):
        with pytest.raises(ServiceError, match="2 sub-tasks") as caught:
            wait(task(DONE, BROKEN, status=status))
        assert caught.value.code == "BadResponse"


@pytest.mark.parametrize(
    ("usage", "seconds"),
    [({}, None), ({"duration": 9}, 9.0), ({"seconds": 3, "duration": 9}, 3.0), ({"input_tokens": 3}, None), ([], None)],
)
def test_what_is_billed_has_two_names_and_may_be_missing(usage, seconds):
    document = task(DONE) | {"usage": usage}
    assert wait(document)[0].audio_s == seconds


# Settings that come to one request.


def test_what_does_not_apply_is_not_sent_and_one_hint_is_a_language():
    fun, qwen = asrlab.engine("fun-asr"), asrlab.engine("qwen3-asr-flash-filetrans")
    given = Parameters("en", True, "Kestrel", (1,), True, (), "vocab-1")
    assert fun.sent(given) == Parameters("en", channel_id=(1,), vocabulary_id="vocab-1")
    assert qwen.sent(given) == Parameters("en", True, "Kestrel", (1,), True)
    assert fun.sent(Parameters(language_hints=("en",))) == fun.sent(Parameters("en"))
    assert fun.sent(Parameters(language_hints=("en", "zh"))) == Parameters(language_hints=("en", "zh"))
    assert qwen.sent(Parameters(language_hints=("en",))) == Parameters()
    fun.check(Parameters(context="\ud800"))  # it is not sent
    with pytest.raises(InvalidInput, match="surrogate"):
        qwen.check(Parameters(context="\ud800"))


def test_all_that_a_model_takes_is_sent_also_at_its_default():
    for row in MODELS:
        values = requested(Parameters(), row)
        assert set(values) == set(row.parameters)
    assert requested(Parameters(), model_of("qwen3-asr-flash"))["enable_itn"] is False


def test_the_old_models_identity_is_as_it_was():
    assert asrlab.engine("qwen3-asr-flash-filetrans").identity == {
        "engine": "filetrans",
        "model": "qwen3-asr-flash-filetrans",
        "region": "singapore",
    }


def test_a_plan_does_not_say_that_a_single_hint_is_not_taken(tmp_path):
    (tmp_path / "a.wav").write_bytes((DICTATION / "en-flite_slt-1.flac").read_bytes())
    dataset = Dataset("d", pd.DataFrame({"utt_id": ["a"], "audio": ["a.wav"]}), folder=tmp_path)
    hints = {"language_hints": {"one": ["en"], "two": ["en", "zh"]}}
    for model, kept_back in (("fun-asr", False), ("qwen3-asr-flash-filetrans", True)):
        plan = Sweep(dataset, asrlab.engine(model, api_key=KEY), grid(**hints), store=tmp_path / model).plan()
        assert any("does not take language_hints" in warning for warning in plan.warnings) == kept_back
        assert plan.table["trial"].nunique() == (1 if kept_back else 2)
