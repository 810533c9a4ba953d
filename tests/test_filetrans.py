"""The paid service as an engine: asked through the local service, and through a service that bears no mark."""

from __future__ import annotations

import asyncio
import dataclasses
import functools
import json

import httpx
import numpy as np
import pytest
import soundfile

from asrlab.dashscope import AsyncClient
from asrlab.dashscope.models import model_of
from asrlab.engines.base import UNWATCHED, Parameters, Question, Steps, Transcript
from asrlab.engines.filetrans import FiletransEngine, ask
from asrlab.errors import InvalidInput, OutcomeUnknown, ServiceError, TaskFailed

pytest.importorskip("starlette")

from recordings import tones, write
from stand_ins import Noted, Scripted

from asrlab.server.run import serve

MODEL = "qwen3-asr-flash-filetrans"
KEY = "sk-test"


@pytest.fixture(scope="module")
def audio(tmp_path_factory):
    folder = tmp_path_factory.mktemp("audio")
    rng = np.random.default_rng(3)
    soundfile.write(folder / "mono.wav", 0.1 * rng.standard_normal(8000), 16_000)
    soundfile.write(folder / "stereo.wav", 0.1 * rng.standard_normal((8000, 2)), 16_000)
    (folder / "phone.m4a").write_bytes(b"not what libsndfile reads")
    (folder / "empty.m4a").touch()
    return folder


@pytest.fixture(scope="module")
def running():
    engine = Scripted()
    with serve(engine) as service:
        yield service, engine


@pytest.fixture
def local(running):
    service, engine = running
    yield service, engine
    engine.__init__()


class Service:
    """The real service, as far as an engine sees it; ``document`` is the result it gives."""

    def __init__(self, document, task=None, submit=(200, None)):
        self.document = document
        self.task = task or {
            "task_status": "SUCCEEDED",
            "result": {"transcription_url": "https://r.example/x?Signature=s"},
        }
        self.submit = submit
        self.log = []
        self.bodies = []

    async def __call__(self, request):
        await request.aread()
        path = request.url.path
        if request.method == "POST" and path.endswith("/transcription"):
            self.log.append("submit")
            self.bodies.append(json.loads(request.content))
            status, body = self.submit
            accepted = {"request_id": "r-submit", "output": {"task_id": "t-1", "task_status": "PENDING"}}
            return httpx.Response(status, json=body or accepted)
        if "/tasks/" in path:
            self.log.append("query")
            times = {
                "submit_time": "2026-11-03 09:15:02.000",
                "scheduled_time": "2026-11-03 09:15:04.500",
                "end_time": "2026-11-03 09:15:12.000",
            }
            output = {"task_id": "t-1", **times, **self.task}
            return httpx.Response(200, json={"request_id": "r-query", "output": output, "usage": {"seconds": 48}})
        assert request.url.host == "r.example"
        self.log.append("result")
        return httpx.Response(200, json=self.document)


@pytest.fixture
def ask_service(monkeypatch):
    """Ask an engine whose service is a :class:`Service`; gives the answer."""

    def ask_it(service, question, steps=UNWATCHED, **options):
        transport = httpx.MockTransport(service)
        monkeypatch.setattr("asrlab.engines.service.AsyncClient", functools.partial(AsyncClient, transport=transport))

        async def scenario():
            at = {"base_url": "https://proxy.example/api/v1"} | options
            async with FiletransEngine(api_key=KEY, **at) as engine:
                return await engine.transcribe(question, steps)

        return asyncio.run(scenario())

    monkeypatch.setattr("asrlab.dashscope.monitor._POLLS_S", (0.01,))
    return ask_it


def heard(*channels, sentences=()):
    transcripts = [{"channel_id": c, "text": f"Channel {c}.", "sentences": list(sentences)} for c in channels]
    return {"file_url": "https://f.example/a.wav?Signature=s", "transcripts": transcripts}


URL = Question("https://media.example.org/a.wav")


def now(question):
    return Question(question.audio, question.parameters, task_id="t-1")


# Through the local service.


def asked_locally(service, *questions, steps=UNWATCHED):
    async def scenario():
        async with AsyncClient(api_key=KEY, base_url=service.base_url) as client:
            return [await ask(client, question, steps, model=MODEL) for question in questions]

    return asyncio.run(scenario())


def test_every_parameter_reaches_the_recogniser(local, audio):
    service, engine = local
    parameters = Parameters("zh", True, "红隼, Kestrel", (1, 0), True)
    (answer,) = asked_locally(service, Question(str(audio / "stereo.wav"), parameters))
    assert engine.asked[-1].parameters == parameters
    assert [(t.channel, t.text, t.language) for t in answer.transcripts] == [
        (1, "Ship it.", "en"),
        (0, "Ship it.", "en"),
    ]
    (sentence,) = answer.transcripts[0].sentences
    assert (sentence.begin_ms, sentence.end_ms, sentence.text) == (0, 900, "Ship it.")
    assert [(w.begin_ms, w.end_ms, w.text, w.punctuation) for w in sentence.words] == [
        (0, 400, "Ship ", ""),
        (400, 900, "it", "."),
    ]
    assert answer.audio_s == 2.0  # half a second, rounded up, on each channel
    assert answer.elapsed_s > 0
    assert answer.queued_s >= 0
    assert answer.task_id
    assert answer.request_id


def test_what_the_stand_in_says_of_itself_is_in_the_answer(local, audio):
    service, _ = local
    question = Question(str(audio / "mono.wav"), Parameters(context="Kestrel", enable_itn=True))
    (answer,) = asked_locally(service, question)
    assert (answer.model, answer.context_tokens, answer.unsupported) == ("parrot 1", 3, ("context", "enable_itn"))
    assert answer.raw["asrlab"]["recogniser"] == Scripted.identity


def test_silence_is_an_empty_transcript_of_each_channel(local, audio):
    service, engine = local
    engine.text = ""
    (answer,) = asked_locally(service, Question(str(audio / "stereo.wav"), Parameters(channel_id=(1, 0))))
    assert answer.transcripts == (Transcript(1, "", None), Transcript(0, "", None))
    assert answer.raw == {}


def test_a_local_file_is_uploaded_once_for_all_its_trials(local, audio):
    service, _ = local
    questions = [Question(str(audio / "mono.wav"), Parameters(enable_itn=itn)) for itn in (False, True, False)]
    before = service.status()["submits_by_file"]
    asked_locally(service, *questions)
    new = {url: n for url, n in service.status()["submits_by_file"].items() if n != before.get(url)}
    assert list(new.values()) == [3]


def test_the_task_id_is_told_before_the_first_look_and_can_be_collected_with(local, audio):
    service, engine = local
    engine.go.clear()
    submits = service.status()["submits"]
    told = []

    async def scenario():
        async with AsyncClient(api_key=KEY, base_url=service.base_url) as client:
            looks = []
            query = client._query

            async def counted(task_id):
                looks.append(task_id)
                return await query(task_id)

            client._query = counted

            class Ending(Steps):
                async def submitted(self, task_id):
                    told.append((task_id, list(looks)))
                    raise KeyError("the process ends here")

            question = Question(str(audio / "mono.wav"))
            with pytest.raises(KeyError):
                await ask(client, question, Ending(), model=MODEL)
            engine.go.set()
            ((task_id, looks_before),) = told
            assert looks_before == []
            return await ask(client, Question(question.audio, task_id=task_id), Ending(), model=MODEL)

    answer = asyncio.run(scenario())
    assert answer.transcripts[0].text == "Ship it."
    assert answer.task_id == told[0][0]
    assert len(told) == 1
    assert service.status()["submits"] == submits + 1


def test_the_link_is_told_before_the_submit_and_the_task_after_it(local, audio):
    service, _ = local
    steps = Noted()

    async def scenario():
        async with AsyncClient(api_key=KEY, base_url=service.base_url) as client:
            answer = await ask(client, Question(str(audio / "mono.wav")), steps, model=MODEL)
            collected = Question(str(audio / "mono.wav"), task_id=answer.task_id)
            await ask(client, collected, steps, model=MODEL)
            return answer

    before = service.status()["submits_by_file"]
    answer = asyncio.run(scenario())
    (link,) = {url for url, n in service.status()["submits_by_file"].items() if n != before.get(url)}
    assert link.startswith("oss://")
    assert steps.told == [("sending", link), ("submitted", answer.task_id)]  # and collecting tells nothing


def test_nothing_is_submitted_where_the_link_cannot_be_noted(local, audio):
    service, _ = local

    class Full(Noted):
        async def sending(self, link):
            raise OSError("No space left on device")

    before = service.status()["submits"]
    steps = Full()
    with pytest.raises(OSError, match="No space"):
        asked_locally(service, Question(str(audio / "mono.wav")), steps=steps)
    assert steps.told == []
    assert service.status()["submits"] == before


@pytest.mark.parametrize("text", ["Ship it.", ""])
def test_a_stand_in_never_passes_for_the_service(local, audio, text):
    service, engine = local
    engine.text = text

    async def scenario():
        async with FiletransEngine(api_key=KEY, base_url=service.base_url) as engine:
            await engine.transcribe(Question(str(audio / "mono.wav")))

    with pytest.raises(ServiceError, match=r"engine\('local'\)") as caught:
        asyncio.run(scenario())
    assert caught.value.code == "StandIn"


def test_the_service_behind_a_proxy_on_this_machine_is_no_stand_in(ask_service):
    silent = {"task_status": "FAILED", "code": "SUCCESS_WITH_NO_VALID_FRAGMENT"}
    answer = ask_service(Service(heard(0), silent), URL, base_url="http://127.0.0.1:9/api/v1")
    assert [transcript.text for transcript in answer.transcripts] == [""]


# What cannot be asked.


@pytest.mark.parametrize(
    ("file", "parameters", "match"),
    [
        ("mono.wav", {"channel_id": (0, 1)}, "channel_id 1 is not in .*mono.wav, which has 1"),
        ("stereo.wav", {"channel_id": (2,)}, "channel_id 2 is not in"),
        ("absent.wav", {}, "no audio file"),
        ("absent.m4a", {}, "cannot be read"),
        ("empty.m4a", {}, "0 bytes"),
        ("mono.wav", {"language": "english"}, "Did you mean 'en'"),
        ("mono.wav", {"context": "红隼 " * 9000}, "10,000 tokens"),
    ],
)
def test_what_cannot_be_asked_is_said_before_anything_is_sent(ask_service, audio, file, parameters, match):
    service = Service(heard(0))
    with pytest.raises(InvalidInput, match=match):
        ask_service(service, Question(str(audio / file), Parameters(**parameters)))
    assert service.log == []


def taking_at_most(seconds, monkeypatch):
    """Make the model take no more than that."""
    row = dataclasses.replace(model_of(MODEL), audio_s=seconds)
    monkeypatch.setattr("asrlab.engines.filetrans.model_of", lambda _: row)


def test_a_recording_longer_than_the_service_takes_is_refused(ask_service, audio, monkeypatch):
    taking_at_most(0.4, monkeypatch)
    with pytest.raises(InvalidInput, match="lasts"):
        ask_service(Service(heard(0)), Question(str(audio / "mono.wav")))


def test_a_file_that_only_the_service_reads_is_uploaded_as_it_is(local, audio):
    service, _ = local
    with pytest.raises(TaskFailed) as caught:
        asked_locally(service, Question(str(audio / "phone.m4a")))
    assert caught.value.code == "DECODE_ERROR"


def test_channels_and_length_of_what_ffmpeg_reads_are_known_before_it_is_sent(ask_service, tmp_path, monkeypatch):
    pytest.importorskip("av")
    path = write(tmp_path / "phone.m4a", tones((440,), 16_000), 16_000, "aac")
    service = Service(heard(0))
    with pytest.raises(InvalidInput, match=r"channel_id 1 is not in .*phone.m4a, which has 1"):
        ask_service(service, Question(str(path), Parameters(channel_id=(0, 1))))
    taking_at_most(0.9, monkeypatch)
    with pytest.raises(InvalidInput, match="lasts 1 s"):
        ask_service(service, Question(str(path)))
    assert service.log == []


def test_an_engine_is_entered_before_it_is_asked_and_needs_a_key_only_then(monkeypatch):
    for name in ("DASHSCOPE_API_KEY", "DASHSCOPE_API_KEY_SINGAPORE"):
        monkeypatch.delenv(name, raising=False)
    engine = FiletransEngine()
    with pytest.raises(RuntimeError, match="entered first"):
        asyncio.run(engine.transcribe(URL))
    with pytest.raises(InvalidInput, match="DASHSCOPE_API_KEY"):
        asyncio.run(engine.__aenter__())
    with pytest.raises(InvalidInput, match="whisper-1"):
        FiletransEngine("whisper-1")


# Through a service that bears no mark.


def test_an_answer_of_the_service(ask_service):
    sentences = [
        {
            "sentence_id": 0,
            "begin_time": 320,
            "end_time": 2480,
            "language": "en",
            "emotion": "neutral",
            "text": "Ship it.",
        },
        {
            "sentence_id": 1,
            "begin_time": 2900,
            "end_time": 3380,
            "language": "zh",
            "emotion": "neutral",
            "text": "收到。",
        },
    ]
    service = Service(heard(0, sentences=sentences))
    answer = ask_service(service, URL)
    (transcript,) = answer.transcripts
    assert (transcript.channel, transcript.text, transcript.language) == (0, "Channel 0.", "en")
    assert [(s.begin_ms, s.end_ms, s.language) for s in transcript.sentences] == [(320, 2480, "en"), (2900, 3380, "zh")]
    assert (answer.audio_s, answer.model, answer.queued_s) == (48.0, MODEL, 2.5)
    assert (answer.request_id, answer.task_id) == ("r-submit", "t-1")
    assert (answer.context_tokens, answer.unsupported) == (None, ())
    assert answer.raw["file_url"] == "https://f.example/a.wav"
    assert service.log == ["submit", "query", "result"]
    # What is at its default is sent all the same.
    assert service.bodies == [
        {
            "model": MODEL,
            "input": {"file_url": URL.audio},
            "parameters": {"enable_itn": False, "enable_words": False, "channel_id": [0]},
        }
    ]


def test_the_model_and_both_names_of_the_context_are_sent_and_told(ask_service):
    service = Service(heard(0))
    snapshot = MODEL + "-2025-11-17"
    question = Question(URL.audio, Parameters(context="Kestrel"))
    answer = ask_service(service, question, model=snapshot, also_send_text=True)
    assert service.bodies[0]["model"] == answer.model == snapshot
    assert service.bodies[0]["parameters"]["text"] == "Kestrel"
    assert FiletransEngine(snapshot, also_send_text=True).identity == {
        "engine": "filetrans",
        "model": snapshot,
        "region": "singapore",
        "also_send_text": "true",
    }


def test_a_collected_answer_was_not_asked_for_again(ask_service):
    service = Service(heard(0))
    answer = ask_service(service, now(URL))
    assert service.log == ["query", "result"]
    assert (answer.elapsed_s, answer.queued_s, answer.request_id) == (10.0, 2.5, "r-query")


def test_channels_come_in_the_order_asked_and_none_is_made_up(ask_service):
    question = Question(URL.audio, Parameters(channel_id=(1, 0)))
    assert [t.channel for t in ask_service(Service(heard(0, 1)), question).transcripts] == [1, 0]
    assert [t.text for t in ask_service(Service(heard()), question).transcripts] == ["", ""]
    for wrong in (heard(0), heard(0, 1, 2)):
        with pytest.raises(ServiceError, match=r"was asked for \[0, 1\]"):
            ask_service(Service(wrong), question)


def test_itn_in_a_language_without_it_is_warned_of_and_reported(ask_service):
    question = Question(URL.audio, Parameters(language="de", enable_itn=True))
    with pytest.warns(UserWarning, match="no effect"):
        assert ask_service(Service(heard(0)), question).unsupported == ("enable_itn",)


def test_an_unknown_outcome_says_which_link_was_sent(ask_service):
    question = Question("https://media.example.org/a b.wav?Signature=s")
    with pytest.raises(OutcomeUnknown) as caught:
        ask_service(Service(heard(0), submit=(500, {"code": "InternalError", "message": "oops"})), question)
    assert caught.value.link == "https://media.example.org/a%20b.wav?Signature=s"
    assert "Signature" not in str(caught.value)


def test_failures_keep_their_kind(ask_service):
    steps = Noted()
    with pytest.raises(OutcomeUnknown):
        ask_service(Service(heard(0), submit=(500, {"code": "InternalError", "message": "oops"})), URL, steps)
    with pytest.raises(ServiceError, match="why not") as caught:
        ask_service(Service(heard(0), submit=(400, {"code": "InvalidParameter", "message": "why not"})), URL, steps)
    assert type(caught.value) is ServiceError
    assert steps.told == [("sending", URL.audio)] * 2  # nothing was accepted
    failed = {"task_status": "FAILED", "code": "FILE_404_NOT_FOUND", "message": "FILE_404_NOT_FOUND"}
    with pytest.raises(TaskFailed, match="Check the link"):
        ask_service(Service(heard(0), task=failed), URL)
    with pytest.raises(TaskFailed, match="24 h"):
        ask_service(Service(heard(0), task={"task_status": "UNKNOWN"}), now(URL))


def test_an_engine_may_be_entered_again_from_another_loop(local, audio):
    service, _ = local
    engine = FiletransEngine(api_key=KEY, base_url=service.base_url)

    async def scenario():
        async with engine:
            with pytest.raises(ServiceError, match="stand-in"):
                await engine.transcribe(Question(str(audio / "mono.wav")))

    asyncio.run(scenario())
    asyncio.run(scenario())
    assert KEY not in repr(engine)


def test_it_is_an_engine():
    from asrlab.engines.base import Engine

    engine: Engine = FiletransEngine(region="beijing")
    assert (engine.name, engine.free, engine.identity["region"]) == ("filetrans", False, "beijing")
    assert len(engine.capabilities.languages) == 27
    assert engine.capabilities.unsupported(Parameters("yue", True, "a", (1,), True)) == ()
