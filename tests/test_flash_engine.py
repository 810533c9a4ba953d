"""Models that answer at once as engines: what is refused and split, what is paid once, and grids that cross models."""

from __future__ import annotations

import asyncio
import base64
import functools
import io
import json
import os
import pickle
import re
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import httpx
import numpy as np
import pandas as pd
import pytest
import soundfile
from stand_ins import Noted, Scripted

import asrlab
from asrlab.dashscope import UNLIMITED, AsyncClient, Bucket, Recognition
from asrlab.data.dataset import Dataset
from asrlab.engines import pieces
from asrlab.engines.base import UNWATCHED, Parameters, Question, Steps
from asrlab.engines.filetrans import FiletransEngine
from asrlab.engines.flash import FlashEngine
from asrlab.engines.local import LocalEngine
from asrlab.engines.pieces import Kept, join, keeping
from asrlab.errors import InvalidInput, OutcomeUnknown, ServiceError, TaskFailed
from asrlab.sweep.grid import grid
from asrlab.sweep.sweep import Sweep

KEY = "sk-planted-key"
RATE = 8_000
LINK = Question("https://media.example.org/a.wav")


class Service:
    """The real service, as far as an engine sees it: what it hears of a recording is how many seconds it has."""

    def __init__(self, *answers, languages=("en",)):
        self.answers = list(answers)
        self.languages = list(languages)
        self.asked = []

    async def __call__(self, request):
        await request.aread()
        body = json.loads(request.content)
        audio = body["input"]["messages"][-1]["content"][0]["audio"]
        seconds = 3.0
        if audio.startswith("data:"):
            samples, rate = soundfile.read(io.BytesIO(base64.b64decode(audio.partition(",")[2])))
            assert samples.ndim == 1
            seconds = len(samples) / rate
        answer = self.answers.pop(0) if self.answers else None
        self.asked.append((seconds, body))
        if isinstance(answer, type):
            raise answer("no", request=request)
        if answer is not None:
            return httpx.Response(answer[0], json=answer[1])
        language = self.languages[len(self.asked) % len(self.languages)]
        message = {
            "content": [{"text": f"{seconds:.0f} s."}],
            "annotations": [{"type": "audio_info", "language": language}],
        }
        document = {
            "output": {"choices": [{"finish_reason": "stop", "message": message}]},
            "usage": {"seconds": seconds},
        }
        return httpx.Response(200, json={"request_id": f"r-{len(self.asked)}", **document})


@pytest.fixture
def ask(monkeypatch, tmp_path):
    """Ask an engine of a service; gives the answer."""
    monkeypatch.setattr(pieces, "cache_folder", lambda name: tmp_path / "cache" / name)
    monkeypatch.setattr("asrlab.dashscope.retries.random.uniform", lambda low, high: 0.001)

    def ask_it(service, question=LINK, steps=UNWATCHED, **options):
        transport = httpx.MockTransport(service)
        monkeypatch.setattr("asrlab.engines.service.AsyncClient", functools.partial(AsyncClient, transport=transport))

        async def scenario():
            at = {"base_url": "https://proxy.example/api/v1", "limits": UNLIMITED} | options
            async with FlashEngine(api_key=KEY, **at) as engine:
                return await engine.transcribe(question, steps)

        return asyncio.run(scenario())

    return ask_it


@pytest.fixture
def long(tmp_path, monkeypatch):
    """A recording of 25 s with a pause at 7.5 s and one at 16 s, of which pieces of 10 s are made."""
    monkeypatch.setattr("asrlab.engines.pieces.PIECE_S", 10.0)
    monkeypatch.setattr("asrlab.engines.flash.PIECE_S", 10.0)
    row = FlashEngine()._row
    small = replace(row, audio_s=12, audio_bytes=10_000_000)
    for home in ("flash", "service"):
        monkeypatch.setattr(f"asrlab.engines.{home}.model_of", lambda _: small)
    sound = 0.5 * np.sin(np.arange(25 * RATE) * 0.3)
    for second in (7.5, 16.0):
        sound[int((second - 0.25) * RATE) : int((second + 0.25) * RATE)] = 0
    soundfile.write(tmp_path / "long.wav", np.stack([sound, np.zeros_like(sound)], axis=1), RATE)
    return Question(str(tmp_path / "long.wav"))


@pytest.fixture
def short(tmp_path):
    soundfile.write(tmp_path / "short.wav", 0.1 * np.ones(RATE), RATE)
    return Question(str(tmp_path / "short.wav"))


def test_an_answer_at_once(ask, short):
    service, steps = Service(), Noted()
    answer = ask(service, Question(short.audio, Parameters("en", context="Kestrel")), steps)
    (transcript,) = answer.transcripts
    assert (transcript.channel, transcript.text, transcript.language) == (0, "1 s.", "en")
    assert (answer.audio_s, answer.model, answer.request_id, answer.task_id) == (1.0, "qwen3-asr-flash", "r-1", None)
    assert answer.raw["usage"] == {"seconds": 1.0}
    assert steps.told == [("sending", "data:")]
    ((_, body),) = service.asked
    assert body["parameters"]["asr_options"] == {"language": "en", "enable_itn": False}
    assert "base64" not in json.dumps(dict(answer.raw)) + repr(answer)


def test_what_does_not_apply_is_reported_and_not_sent(ask, short):
    service = Service()
    asked = Parameters(channel_id=(0, 1), enable_words=True, vocabulary_id="v", language_hints=("en", "zh"))
    answer = ask(service, Question(short.audio, asked))
    assert answer.unsupported == ("channel_id", "enable_words", "language_hints", "vocabulary_id")
    assert service.asked[0][1]["parameters"]["asr_options"] == {"enable_itn": False}


def test_identity_options_and_pickle():
    engine = FlashEngine(api_key=KEY, mode="compatible-stream", split=True)
    assert engine.identity == {
        "engine": "flash",
        "model": "qwen3-asr-flash",
        "region": "singapore",
        "mode": "compatible-stream",
        "split": "1",
    }
    assert "split" not in FlashEngine().identity
    assert KEY.encode() not in pickle.dumps(engine)
    assert pickle.loads(pickle.dumps(engine)).identity == engine.identity
    assert engine.part(2, 4).identity == engine.identity
    assert FlashEngine(mode=None).identity == FlashEngine().identity
    for kind in (FlashEngine, functools.partial(LocalEngine, model="qwen3-asr-flash")):
        with pytest.raises(InvalidInput, match="split must be True or False, not 'no'"):
            kind(split="no")
    with pytest.raises(InvalidInput, match="modes native"):
        FlashEngine(mode="stream")
    for kind, model in ((FlashEngine, "fun-asr"), (FiletransEngine, "qwen3-asr-flash")):
        with pytest.raises(InvalidInput, match=rf"Use engine\('{model}'\)"):
            kind(model)


def test_nothing_can_be_collected(ask):
    service = Service()
    with pytest.raises(ServiceError, match="Ask again") as caught:
        ask(service, Question(LINK.audio, task_id="t-1"))
    assert caught.value.code == "BadResponse"  # so that a run does not keep it for later
    assert service.asked == []


# What is too long.


def test_a_recording_over_the_limits_is_refused_before_anything_is_sent(ask, long, short, monkeypatch):
    service = Service()
    with pytest.raises(InvalidInput, match=r"lasts 25.0 s.*split=True.*qwen3-asr-flash-filetrans"):
        ask(service, long)
    small = replace(FlashEngine()._row, audio_bytes=1000)
    monkeypatch.setattr("asrlab.engines.flash.model_of", lambda _: small)
    with pytest.raises(InvalidInput, match=r"bytes; .*split=True"):
        ask(service, short)
    assert service.asked == []


def test_it_is_split_at_pauses_on_request(ask, long):
    service, steps = Service(languages=("zh", "en", "en")), Noted()
    answer = ask(service, Question(long.audio, Parameters(context="Kestrel")), steps, split=True)
    assert [round(seconds, 1) for seconds, _ in service.asked] == [7.5, 8.5, 9.0]
    assert [cut["in_pause"] for cut in answer.raw["cuts"]] == [True, True]
    assert [round(cut["at_s"], 1) for cut in answer.raw["cuts"]] == [7.5, 16.0]
    (transcript,) = answer.transcripts
    assert (transcript.text, transcript.language) == ("8 s. 8 s. 9 s.", "en")
    assert answer.audio_s == pytest.approx(25)
    assert len(answer.raw["pieces"]) == 3
    assert steps.told == [("sending", "data:")] * 3
    assert all(body["input"]["messages"][0]["content"] == [{"text": "Kestrel"}] for _, body in service.asked)
    assert len(ask(service, Question(long.audio, Parameters(context="Kestrel")), steps, split=True).raw["pieces"]) == 3
    assert len(service.asked) == 3  # whoever asked may have come to an end before the answer was stored


def test_a_cut_that_is_in_no_pause_is_said(ask, long):
    soundfile.write(long.audio, 0.5 * np.sin(np.arange(15 * RATE) * 0.3), RATE)
    answer = ask(Service(), long, split=True)
    assert [cut["in_pause"] for cut in answer.raw["cuts"]] == [False]


@pytest.mark.parametrize(
    "fault",
    [httpx.ReadError, (500, {"code": "InternalError"}), (400, {"code": "DataInspectionFailed", "message": "x"})],
)
def test_a_piece_is_never_paid_twice(ask, long, fault):
    service, steps = Service(None, fault), Noted()
    unknown = not isinstance(fault, tuple) or fault[0] == 500
    with pytest.raises(OutcomeUnknown if unknown else TaskFailed):
        ask(service, long, steps, split=True)
    # What was paid for and then refused is a task that failed: it is not given back to the budget.
    assert [name for name, _ in steps.told] == ["sending", "sending", *([] if unknown else ["submitted"])]
    answer = ask(service, long, split=True)
    assert [round(seconds, 1) for seconds, _ in service.asked] == [7.5, 8.5, 8.5, 9.0]
    assert answer.transcripts[0].text == "8 s. 8 s. 9 s."


def test_two_askers_of_one_question_pay_once(ask, long, monkeypatch):
    """The second waits, without holding up anything else, and is given what the first was."""

    class Slow(Service):
        async def __call__(self, request):
            answer = await super().__call__(request)
            await asyncio.sleep(0.02)
            return answer

    service = Slow()
    monkeypatch.setattr(
        "asrlab.engines.service.AsyncClient", functools.partial(AsyncClient, transport=httpx.MockTransport(service))
    )
    monkeypatch.setattr(pieces, "_LOOK_S", 0.01)

    async def scenario():
        at = {"api_key": KEY, "base_url": "https://proxy.example/api/v1", "limits": UNLIMITED, "split": True}
        async with FlashEngine(**at) as one, FlashEngine(**at) as other:
            return await asyncio.wait_for(asyncio.gather(one.transcribe(long), other.transcribe(long)), 20)

    one, other = asyncio.run(scenario())
    assert one.raw == other.raw
    assert [round(seconds, 1) for seconds, _ in service.asked] == [7.5, 8.5, 9.0]


def test_another_process_that_asks_the_same_is_waited_for(tmp_path, monkeypatch):
    script = (
        "import asyncio, sys\n"
        "from asrlab.engines.pieces import keeping\n"
        "async def hold():\n"
        "    async with keeping({'audio': 'x'}):\n"
        "        print('held', flush=True)\n"
        "        sys.stdin.read()\n"
        "asyncio.run(hold())\n"
    )
    monkeypatch.setenv("ASRLAB_CACHE", str(tmp_path))
    with subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"held\n"

        async def scenario():
            async with keeping({"audio": "x"}):
                return True

        with pytest.raises(TimeoutError):
            asyncio.run(asyncio.wait_for(scenario(), 0.3))
        process.stdin.close()
        assert asyncio.run(asyncio.wait_for(scenario(), 20))


def test_a_run_that_stops_sends_no_further_piece(ask, long):
    """Whoever is told of a piece may say no: what was heard before it is kept, and the rest is sent another time."""

    class Stopping(Noted):
        async def sending(self, link):
            if self.told:
                raise asyncio.CancelledError
            await super().sending(link)

    service = Service()
    with pytest.raises(asyncio.CancelledError) as caught:
        ask(service, long, Stopping(), split=True)
    assert [round(seconds, 1) for seconds, _ in service.asked] == [7.5]
    assert not hasattr(caught.value, "__notes__")  # nothing is under way that may be billed
    assert ask(service, long, split=True).transcripts[0].text == "8 s. 8 s. 9 s."
    assert [round(seconds, 1) for seconds, _ in service.asked] == [7.5, 8.5, 9.0]


def test_what_was_heard_is_kept_for_a_day(ask, long, tmp_path, monkeypatch):
    service, now = Service(), time.time()
    for hours, asked in [(0, 3), (23.9, 3), (24.1, 6)]:
        monkeypatch.setattr(pieces.time, "time", lambda hours=hours: now + hours * 3600)
        ask(service, long, split=True)
        assert len(service.asked) == asked
    (old,) = (tmp_path / "cache").rglob("*.json")
    os.utime(old, (now, now))
    ask(service, Question(long.audio, repeat=1), split=True)
    assert not old.exists()
    assert len(list((tmp_path / "cache").rglob("*.json"))) == 1


def test_each_piece_is_as_old_as_its_own_answer(tmp_path, monkeypatch):
    """A question that is taken up again and again is not of answers of several days."""
    file, now = tmp_path / "kept.json", time.time()
    for number, hours in enumerate((0, 20)):
        monkeypatch.setattr(pieces.time, "time", lambda hours=hours: now + hours * 3600)
        Kept(file).put(number, Recognition("Ship it."))
    monkeypatch.setattr(pieces.time, "time", lambda: now + 30 * 3600)
    assert [Kept(file).get(number) is None for number in (0, 1)] == [True, False]


def test_where_nothing_can_be_kept_nothing_is_sent(ask, long, tmp_path):
    (tmp_path / "cache").write_text("a file where a folder should be")
    service = Service()
    with pytest.raises(InvalidInput, match="ASRLAB_CACHE"):
        ask(service, long, split=True)
    assert service.asked == []


def test_seconds_are_told_of_all_or_not_at_all(ask, long):
    silent = (400, {"code": "ASR_RESPONSE_HAVE_NO_WORDS", "message": "no words"})
    answer = ask(Service(None, silent), long, split=True)
    assert (answer.audio_s, answer.transcripts[0].text) == (None, "8 s. 9 s.")


def test_what_is_kept_of_one_question_is_not_given_to_another(ask, long):
    service = Service()
    for other, options in [
        (long, {}),
        (Question(long.audio, Parameters("en")), {}),
        (Question(long.audio, repeat=1), {}),
        (long, {"mode": "native-stream"}),
        (long, {"base_url": "https://other.example/api/v1"}),
    ]:
        service.answers, service.asked = [None, httpx.ReadError], []
        with pytest.raises(OutcomeUnknown):
            ask(service, other, split=True, **options)
        assert [round(seconds, 1) for seconds, _ in service.asked] == [7.5, 8.5]


def test_the_first_piece_that_is_refused_is_a_refusal(ask, long):
    service = Service((400, {"code": "DataInspectionFailed", "message": "x"}))
    steps = Noted()
    with pytest.raises(ServiceError) as caught:
        ask(service, long, steps, split=True)
    assert type(caught.value) is ServiceError
    assert [name for name, _ in steps.told] == ["sending"]


def test_what_was_paid_for_is_not_taken_back(ask, long):
    """A run that is stopped takes back what was refused; not where a piece of it had been answered."""

    class Told(Steps):
        def __init__(self):
            self.refusals = 0

        async def refused(self):
            self.refusals += 1

    busy, told = (429, {"code": "Throttling", "message": "slow down"}), Told()
    ask(Service(busy, None, busy, None), long, told, split=True)
    assert told.refusals == 1


def test_an_answer_that_was_cut_short_is_a_task_that_failed(ask, short):
    cut = {"request_id": "r-9", "output": {"choices": [{"finish_reason": "length", "message": {"content": []}}]}}
    steps = Noted()
    with pytest.raises(TaskFailed, match="'length'"):
        ask(Service((200, cut)), short, steps)
    assert steps.told == [("sending", "data:"), ("submitted", "r-9")]


def test_kept_pieces_are_on_the_disk_before_the_next_is_asked_about(ask, long, tmp_path):
    seen = []

    class Looking(Service):
        async def __call__(self, request):
            files = list((tmp_path / "cache").rglob("*.json"))
            seen.append([sorted(json.loads(file.read_text())) for file in files])
            return await super().__call__(request)

    ask(Looking(), long, split=True)
    assert seen == [[], [["0"]], [["0", "1"]]]


@pytest.mark.parametrize("torn", ["", "{", "[]", '{"0": [2e9, {"txt": 1}]}', '{"0": 3}', '{"0": ["x", {}]}'])
def test_a_torn_file_is_as_good_as_none(tmp_path, torn):
    file = tmp_path / "kept.json"
    file.write_text(torn)
    kept = Kept(file)
    assert kept.get(0) is None
    kept.put(0, Recognition("Ship it."))
    assert Kept(file).get(0) == Recognition("Ship it.")
    assert list(tmp_path.iterdir()) == [file]


def test_requests_are_reckoned_by_their_most():
    engine = FlashEngine(split=True)
    # One of 250 s may be too large, and is cut then.
    assert [engine.requests(s) for s in (1, 240, 250, 300.1, 600, 3600)] == [1, 1, 3, 3, 5, 30]
    assert LocalEngine(model="qwen3-asr-flash", split=True).requests(250) == 3
    assert FlashEngine().requests(3600) == 1
    assert (engine.capabilities.audio_s, FlashEngine().capabilities.audio_s) == (None, 300)


def test_links_are_not_split_and_a_plan_says_so(tmp_path):
    rows = {
        "utt_id": ["a", "b"],
        "audio": [LINK.audio, "https://media.example.org/b.wav"],
        "duration_s": [2000.0, 30.0],
    }
    dataset = Dataset("d", pd.DataFrame(rows), folder=tmp_path)
    warnings = {}
    for split in (False, True):
        engine = FlashEngine(split=split, api_key=KEY)
        warnings[split] = Sweep(dataset, engine, grid(enable_itn=False), store=tmp_path / f"{split}").plan().warnings
    assert any("1 recordings (a) last longer than the 300 s" in warning for warning in warnings[False])
    assert any("1 recordings (a) are links, which are not split" in warning for warning in warnings[True])
    assert not any("last longer" in w and "links" not in w for w in warnings[True])


@pytest.mark.parametrize(
    ("texts", "whole"),
    [
        ([], ""),
        (["Ship it.", "On Friday."], "Ship it. On Friday."),
        (["收到。", "好的"], "收到。好的"),
        (["我说", "Kestrel", "好"], "我说 Kestrel 好"),
        ([" a ", "", " b"], "a b"),
        (["สวัสดี", "ครับ"], "สวัสดีครับ"),
        (["안녕", "하세요"], "안녕 하세요"),
        (["「はい」", "、そう"], "「はい」、そう"),
    ],
)
def test_texts_are_joined_as_their_script_has_it(texts, whole):
    assert join(texts) == whole


# Grids over models and modes.


def test_a_grid_crosses_from_one_engine_to_the_other():
    flash, filetrans = FlashEngine(split=True, api_key=KEY), FiletransEngine(also_send_text=True, limits=UNLIMITED)
    other = flash.variant(model="qwen3-asr-flash-filetrans")
    assert (type(other), other._api_key) == (FiletransEngine, KEY)
    other = filetrans.variant(model="qwen3-asr-flash", mode="compatible")
    assert (type(other), other.identity["mode"], other._limits) == (FlashEngine, "compatible", UNLIMITED)
    assert "also_send_text" not in other.identity
    assert flash.variant(mode="compatible").identity == {**flash.identity, "mode": "compatible"}
    assert filetrans.variant(model="fun-asr", mode="async").identity["model"] == "fun-asr"
    assert filetrans.variant(mode="async").identity == filetrans.identity
    for engine, options in ((filetrans, {"mode": "native"}), (flash, {"mode": "async"}),
                            (flash, {"model": "fun-asr", "mode": "native"})):  # fmt: skip
        with pytest.raises(InvalidInput, match=r"where\("):
            engine.variant(**options)
    # What to do names the axes of the grid, and the model as it was asked for.
    for options, advice in [
        ({"model": "paraformer-v2"}, "\"model != 'paraformer-v2'\""),
        ({"model": "paraformer-v2", "region": "singapore"}, "\"model != 'paraformer-v2' or region != 'singapore'\""),
        ({"mode": "native"}, "\"mode != 'native'\""),
        ({"model": "fun-asr-2025-08-25", "mode": "native"}, "\"model != 'fun-asr-2025-08-25' or mode != 'native'\""),
    ]:
        with pytest.raises(InvalidInput, match=re.escape(f"where({advice})")):
            filetrans.variant(**options)
    with pytest.raises(InvalidInput, match=r"not in 'native'\.$"):
        LocalEngine(model="fun-asr", mode="native")
    assert filetrans.variant(model="paraformer-v2", region="beijing").identity["region"] == "beijing"
    assert "also_send_text" not in FiletransEngine("fun-asr", also_send_text=True).identity


def test_where_a_mode_is_asked_is_told_before_anything_is_asked():
    with pytest.raises(InvalidInput, match="/api/v1"):
        FlashEngine(mode="compatible", base_url="https://proxy.example/v1")
    FlashEngine(mode="native", base_url="https://proxy.example/v1")
    FlashEngine(mode="compatible", base_url="https://proxy.example/api/v1/")


def test_an_empty_context_is_none_where_it_is_the_same_request():
    """Of models that take tasks, answers are stored under both."""
    nothing, empty = Parameters(), Parameters(context="")
    assert FlashEngine().sent(empty) == LocalEngine(model="qwen3-asr-flash").sent(empty) == nothing
    assert FiletransEngine().sent(empty) == LocalEngine().sent(empty) == empty
    assert FiletransEngine("fun-asr").sent(empty) == nothing


def test_the_local_engine_speaks_any_of_the_models():
    local = LocalEngine()
    for model in ("fun-asr", "paraformer-v2", "qwen3-asr-flash"):
        assert model in repr(local.variant(model=model))
    assert repr(local.variant(model="qwen3-asr-flash", mode="compatible").variant(model="fun-asr")) == repr(
        local.variant(model="fun-asr")
    )
    for options in (
        {"model": "fun-asr", "mode": "native"},
        {"mode": "native"},
        {"model": "qwen3-asr-flash", "mode": "async"},
    ):
        with pytest.raises(InvalidInput, match=r"where\("):
            local.variant(**options)
    with pytest.raises(InvalidInput, match=re.escape("where(\"mode != 'native'\")")):
        local.variant(mode="native")
    with pytest.raises(InvalidInput, match="with another region"):
        local.variant(model="fun-asr", region="beijing")
    with pytest.raises(InvalidInput, match="no model"):
        LocalEngine(model="whisper-1")
    with pytest.raises(InvalidInput, match="answer at once"):
        LocalEngine(split=True)


MODELS = ["qwen3-asr-flash-filetrans", "qwen3-asr-flash", "fun-asr"]


def test_one_grid_runs_models_and_modes_on_the_local_service(tmp_path):
    pytest.importorskip("starlette")
    from asrlab.server.run import serve

    folder = Path(__file__).parents[1] / "datasets" / "dictation" / "audio" / "en"
    dataset = Dataset("d", pd.DataFrame({"utt_id": ["a"], "audio": ["en-flite_slt-1.flac"]}), folder=folder)
    conditions = grid(model=MODELS, mode=["async", "native", "compatible-stream"], enable_itn=[False, True]).where(
        "(model == 'qwen3-asr-flash') != (mode == 'async')"
    )
    assert len(conditions) == 8
    with serve(asrlab.engine("scripted"), limits=None) as service:
        sweep = Sweep(dataset, LocalEngine(url=service.url), conditions, store=tmp_path / "run")
        plan = sweep.plan()
        assert plan.table["trial"].nunique() == 7  # fun-asr has no ITN
        assert any("fun-asr" in warning and "enable_itn" in warning for warning in plan.warnings)
        with pytest.warns(UserWarning, match="does not take enable_itn"):
            sweep.run(progress=False)
        assert service.status()["requests"]["generate"] == 2
        assert service.status()["requests"]["chat"] == 2
        assert service.status()["requests"]["submit"] == 3
    frame = sweep.transcripts
    assert frame["state"].unique().tolist() == ["answered"]
    assert frame["text"].nunique() == 1
    with pytest.raises(InvalidInput, match=re.escape("model != 'fun-asr' or mode != 'native'")):
        Sweep(dataset, LocalEngine(), grid(model=["fun-asr"], mode=["native"]), store=tmp_path / "other").plan()


def test_a_sweep_of_a_service_that_answers_at_once_is_paid_once_and_priced(tmp_path, monkeypatch):
    soundfile.write(tmp_path / "a.wav", 0.1 * np.ones(RATE), RATE)
    dataset = Dataset("d", pd.DataFrame({"utt_id": ["a"], "audio": ["a.wav"]}), folder=tmp_path)
    service = Service((500, {"code": "InternalError", "message": "oops"}))
    monkeypatch.setattr(
        "asrlab.engines.service.AsyncClient",
        functools.partial(AsyncClient, transport=httpx.MockTransport(service), limits=UNLIMITED),
    )
    monkeypatch.setattr("asrlab.engines.service.Limits", lambda **_: UNLIMITED)

    def sweep():
        engine = FlashEngine(api_key=KEY)
        return Sweep(dataset, engine, grid(mode=["native", "native-stream"]), store=tmp_path / "run", repeats=1)

    plan = sweep().plan()
    assert plan.usd == pytest.approx(2 * 0.000035)
    sweep().run(progress=False)
    states = sweep().transcripts["state"].value_counts().to_dict()
    assert states.get("unknown") == 1
    asked = len(service.asked)
    sweep().run(progress=False)
    sweep().run(progress=False)
    assert sweep().transcripts["state"].value_counts().to_dict() == {"unknown": 1, "answered": 1}
    assert len(service.asked) == 2 >= asked
    sweep().run(progress=False, retry="unknown")
    assert sweep().transcripts["state"].unique().tolist() == ["answered"]
    assert len(service.asked) == 3
    stored = b"".join(file.read_bytes() for file in (tmp_path / "run").rglob("*") if file.is_file())
    assert KEY.encode() not in stored
    assert b"base64" not in stored


@pytest.mark.parametrize(("text", "mode"), [("Ship it.", "native"), ("", "compatible-stream")])
def test_a_stand_in_never_passes_for_the_service(short, text, mode):
    pytest.importorskip("starlette")
    from asrlab.server.run import serve

    async def scenario(service):
        async with FlashEngine(api_key=KEY, mode=mode, base_url=service.base_url) as engine:
            await engine.transcribe(short)

    with (
        serve(Scripted(text), limits=None) as service,
        pytest.raises(ServiceError, match=r"engine\('local'\)") as caught,
    ):
        asyncio.run(scenario(service))
    assert caught.value.code == "StandIn"


def test_a_bucket_is_used_where_one_is_given(ask, short, monkeypatch):
    signed = "https://bucket.example/a.wav?Signature=planted"

    async def link(self, path):
        return signed

    monkeypatch.setattr(Bucket, "link", link)
    service, steps = Service(), Noted()
    answer = ask(service, short, steps, bucket="s3://recordings")
    assert service.asked[0][1]["input"]["messages"][0]["content"] == [{"audio": signed}]
    assert steps.told == [("sending", signed)]
    assert "planted" not in repr(answer) + json.dumps(dict(answer.raw))
