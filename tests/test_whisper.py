"""Whisper on this machine: what each parameter does to real speech, and that work is shared."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path

import numpy as np
import pytest
import soundfile

from asrlab.data.audio import decode
from asrlab.engines.base import Parameters, Question
from asrlab.engines.whisper import WhisperEngine, _Recent
from asrlab.errors import InvalidInput, TaskFailed

pytest.importorskip("faster_whisper")
pytest.importorskip("wetext")

DICTATION = Path(__file__).parents[1] / "datasets" / "dictation"
ENGLISH = DICTATION / "audio" / "en" / "en-flite_slt-1.flac"  # Thursday, March twenty first, at nine forty five
CHINESE = DICTATION / "audio" / "zh" / "zh-kokoro_yunxi-1.flac"  # 二零二四年 ... 一点八亿元 ... 六百五十项
TERMS = DICTATION / "audio" / "en" / "en-flite_slt-2.flac"  # Siobhan Kowalczyk, Velorin, Quasara


@pytest.fixture(scope="module")
def ask():
    """Ask one engine, kept for all tests: ``ask(path, language="en")``; its recogniser is ``ask.recogniser``."""
    with asyncio.Runner() as runner:
        engine = WhisperEngine(threads=2)
        runner.run(engine.__aenter__())

        def ask(path, **parameters):
            question = Question(str(path), Parameters.from_mapping(parameters))
            return runner.run(engine.transcribe(question))

        ask.engine = engine
        ask.recogniser = engine._recogniser
        yield ask
        runner.run(engine.__aexit__(None, None, None))


def text_of(answer):
    return answer.transcripts[0].text


def test_identity_and_capabilities_come_from_the_model(ask):
    assert ask.engine.identity == {
        "engine": "whisper",
        "model": "whisper-base",
        "version": "d01c3014881c-int8-r1",
        "region": "local",
    }
    languages = ask.engine.capabilities.languages
    assert {"en", "zh", "fil", "nl"} <= languages
    assert not {"tl", "yue"} & languages


def test_itn_acts_both_ways_on_one_decode(ask):
    off, on = ask(ENGLISH), ask(ENGLISH, enable_itn=True)
    assert "March twenty first at nine forty five in the morning" in text_of(off)
    assert "March 21st" in text_of(on)
    assert (off.transcripts[0].language, off.unsupported, off.context_tokens) == ("en", (), None)
    decodes = len(ask.recogniser._heard._kept)
    ask(ENGLISH, enable_itn=True)
    assert len(ask.recogniser._heard._kept) == decodes

    off, on = ask(CHINESE, language="zh"), ask(CHINESE, language="zh", enable_itn=True)
    assert "二零二四年" in text_of(off)
    assert "2024年" in text_of(on)
    assert "650" in text_of(on)
    assert not any(character.isdigit() and character.isascii() for character in text_of(off))


def test_itn_is_reported_where_the_language_has_none(ask):
    assert ask(ENGLISH, language="de", enable_itn=True).unsupported == ("enable_itn",)


def test_context_acts_and_is_counted(ask):
    terms = (DICTATION / "terms.en.txt").read_text("utf-8")
    without, given = ask(TERMS, language="en"), ask(TERMS, language="en", context=terms)
    assert "Quasara" not in text_of(without)
    assert "Quasara" in text_of(given)
    assert given.context_tokens == 147
    assert ask(TERMS, language="en", context=" ").context_tokens == 0
    long = ask(TERMS, language="en", context=terms + ", and so on" * 1000)
    assert long.context_tokens == 223  # all the decoder has room for
    assert "Quasara" in text_of(long)  # the first terms are the ones that stay


def test_the_hint_acts(ask):
    wrong = ask(ENGLISH, language="zh")
    assert wrong.transcripts[0].language == "zh"
    assert text_of(wrong) != text_of(ask(ENGLISH, language="en"))
    unknown = ask(ENGLISH, language="yue")
    assert unknown.unsupported == ("language",)
    assert unknown.transcripts[0].language == "en"
    assert text_of(unknown) == text_of(ask(ENGLISH))
    assert ask(ENGLISH, language="fil").transcripts[0].language == "fil"


def test_one_encoding_serves_all_conditions(ask, tmp_path):
    samples = decode(ENGLISH)[0]
    path = tmp_path / "a.wav"
    soundfile.write(path, samples * 0.9, 16_000)
    encoded = []
    model = ask.recogniser._model
    encode = model.model.encode
    model.model = _Counting(model.model, encoded)
    try:
        for parameters in (
            {},
            {"language": "en"},
            {"context": "Kestrel"},
            {"enable_words": True},
            {"enable_itn": True},
        ):
            ask(path, **parameters)
    finally:
        model.model = model.model.wrapped
    assert model.model.encode == encode
    assert len(encoded) == 1


class _Counting:
    """The CTranslate2 model, counting encodings."""

    def __init__(self, wrapped, encoded):
        self.wrapped = wrapped
        self.encoded = encoded

    def __getattr__(self, name):
        if name == "encode":
            self.encoded.append(1)
        return getattr(self.wrapped, name)


def test_a_language_detected_and_named_is_decoded_once(ask, tmp_path):
    path = tmp_path / "a.wav"
    soundfile.write(path, decode(ENGLISH)[0] * 0.8, 16_000)
    before = len(ask.recogniser._heard._kept)
    answers = [
        ask(path, language=language, context=context) for language in (None, "en") for context in (None, "", "X")
    ]
    assert len(ask.recogniser._heard._kept) == before + 2
    assert [text_of(answer) for answer in answers[:3]] == [text_of(answer) for answer in answers[3:]]
    assert {answer.transcripts[0].language for answer in answers} == {"en"}
    assert [answer.context_tokens for answer in answers[:3]] == [None, 0, 1]


def test_hints_are_what_the_language_is_detected_among(ask):
    plain = ask(ENGLISH)
    for hints in (("zh", "en"), ("en",), ("en", "yue")):  # it has no token for yue
        answer = ask(ENGLISH, language_hints=hints)
        assert (text_of(answer), answer.unsupported) == (text_of(plain), ())
    hinted = ask(ENGLISH, language_hints=("zh", "ja"))
    assert hinted.transcripts[0].language in {"zh", "ja"}
    assert text_of(hinted) == text_of(ask(ENGLISH, language=hinted.transcripts[0].language))
    unknown = ask(ENGLISH, language_hints=("yue",))
    assert (text_of(unknown), unknown.unsupported) == (text_of(plain), ("language_hints",))


def test_an_engine_that_is_left_keeps_nobody_waiting(tmp_path):
    soundfile.write(tmp_path / "long.flac", np.tile(decode(ENGLISH)[0], 20), 16_000)

    async def leave():
        async with WhisperEngine(threads=2) as engine:
            question = Question(str(tmp_path / "long.flac"), Parameters("en"))
            calls = [asyncio.create_task(engine.transcribe(question)) for _ in range(3)]
            await asyncio.sleep(0.5)
        return await asyncio.wait_for(asyncio.gather(*calls, return_exceptions=True), 60)

    outcomes = asyncio.run(leave())
    assert [type(outcome) for outcome in outcomes] == [TaskFailed, asyncio.CancelledError, asyncio.CancelledError]


def test_a_fresh_engine_says_the_same(ask):
    async def fresh():
        async with WhisperEngine(threads=2) as engine:
            return await engine.transcribe(Question(str(ENGLISH)))

    assert asyncio.run(fresh()) == ask(ENGLISH)


def test_channels_are_answered_apart_in_the_order_asked(ask, tmp_path):
    left, right = decode(ENGLISH)[0], decode(CHINESE)[0]
    length = max(len(left), len(right))
    stereo = np.stack([np.pad(side, (0, length - len(side))) for side in (left, right)], axis=1)
    soundfile.write(tmp_path / "stereo.flac", stereo, 16_000)
    answer = ask(tmp_path / "stereo.flac", channel_id=[1, 0])
    assert [(t.channel, t.language) for t in answer.transcripts] == [(1, "zh"), (0, "en")]
    assert "appointment" in answer.transcripts[1].text
    assert answer.audio_s == pytest.approx(2 * length / 16_000)
    with pytest.raises(TaskFailed, match="channel_id 2 is not in the audio, which has channels 0 to 1") as failure:
        ask(tmp_path / "stereo.flac", channel_id=[0, 2])
    assert failure.value.code == "InvalidParameter"


def test_words_have_times_and_make_up_the_text(ask):
    answer = ask(ENGLISH, enable_words=True)
    transcript = answer.transcripts[0]
    words = [word for sentence in transcript.sentences for word in sentence.words]
    assert answer.unsupported == ()
    assert "".join(w.text.rstrip() + w.punctuation + " " * w.text.endswith(" ") for w in words) == transcript.text
    assert all(0 <= word.begin_ms <= word.end_ms <= 7000 for word in words)
    assert [word.begin_ms for word in words] == sorted(word.begin_ms for word in words)
    assert not any(sentence.words for sentence in ask(ENGLISH).transcripts[0].sentences)


# A segment of Whisper may span a pause, and whether it does differs between processors.
@pytest.mark.parametrize(("pause_s", "sentences"), [(0.1, {1}), (1.5, {2, 3})])
def test_sentences_end_at_pauses_and_with_words_at_punctuation_too(ask, tmp_path, pause_s, sentences):
    said = [decode(DICTATION / "audio" / "en" / f"en-kokoro_heart-{number}.flac")[0] for number in (2, 1, 3)]
    spoken = [np.flatnonzero(np.abs(samples) > 0.01) for samples in said]
    parts = [samples[where[0] : where[-1]] for samples, where in zip(said, spoken, strict=True)]
    pause = np.zeros(int(16_000 * pause_s), np.float32)
    soundfile.write(tmp_path / "three.flac", np.concatenate([p for part in parts for p in (part, pause)]), 16_000)
    by_pause = ask(tmp_path / "three.flac", language="en").transcripts[0]
    assert len(by_pause.sentences) in sentences
    assert " ".join(sentence.text for sentence in by_pause.sentences) == by_pause.text
    by_words = ask(tmp_path / "three.flac", language="en", enable_words=True).transcripts[0]
    assert len(by_words.sentences) >= 3
    assert not any(re.search(r"[.?!] ", sentence.text.strip()) for sentence in by_words.sentences)
    assert any(re.search(r"[.?!] ", sentence.text) for sentence in by_pause.sentences) == (len(by_pause.sentences) < 3)


def test_what_is_longer_than_a_window_is_heard_to_its_end(ask, tmp_path):
    clip, pause = decode(ENGLISH)[0], np.zeros(8_000, np.float32)
    soundfile.write(tmp_path / "long.flac", np.concatenate([clip, pause] * 6), 16_000)
    transcript = ask(tmp_path / "long.flac", language="en").transcripts[0]
    assert transcript.text.count("appointment") == 6
    times = [(sentence.begin_ms, sentence.end_ms) for sentence in transcript.sentences]
    assert times == sorted(times)
    assert times[-1][1] > 30_000
    assert times[-1][1] <= 1000 * 6 * (len(clip) + len(pause)) / 16_000


@pytest.mark.parametrize(
    "samples",
    [
        np.zeros(32_000),
        np.zeros(3),
        0.05 * np.random.default_rng(0).standard_normal(48_000),
        0.3 * np.sin(np.arange(48_000) * 2 * np.pi * 440 / 16_000),
    ],
    ids=["silence", "three samples", "noise", "tone"],
)
@pytest.mark.parametrize("language", [None, "zh"])
def test_nothing_is_heard_where_nothing_is_said(ask, tmp_path, samples, language):
    soundfile.write(tmp_path / "a.wav", samples, 16_000)
    transcript = ask(tmp_path / "a.wav", language=language, context="Kestrel").transcripts[0]
    assert (transcript.text, transcript.sentences) == ("", ())


def test_audio_that_is_none_is_refused(ask, tmp_path):
    whole = ENGLISH.read_bytes()
    (tmp_path / "half.flac").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "text.wav").write_text("no audio")
    for name in ("half.flac", "text.wav", "absent.wav"):
        with pytest.raises(InvalidInput):
            ask(tmp_path / name)
    assert text_of(ask(ENGLISH))


def test_the_least_recently_used_goes_first():
    recent = _Recent[str, int](10, lambda value: value)
    made = []

    def get(key, value):
        return recent.get(key, lambda: made.append(key) or value)

    assert [get("a", 4), get("b", 4), get("a", 0), get("c", 4), get("a", 0), get("b", 4)] == [4, 4, 4, 4, 4, 4]
    assert made == ["a", "b", "c", "b"]
    assert get("too big", 11) == 11
    assert get("d", 3) == 3


def test_it_serves_over_http():
    pytest.importorskip("starlette")
    import httpx

    from asrlab.server.run import serve

    with (
        serve(WhisperEngine(threads=2), limits=None) as service,
        httpx.Client(base_url=service.base_url, trust_env=False) as client,
    ):
        client.headers["Authorization"] = "Bearer sk-x"
        asked = {"action": "getPolicy", "model": "qwen3-asr-flash-filetrans"}
        policy = client.get("/uploads", params=asked).json()["data"]
        form = {
            "OSSAccessKeyId": policy["oss_access_key_id"],
            "Signature": policy["signature"],
            "policy": policy["policy"],
            "key": policy["upload_dir"] + "/a.flac",
            "x-oss-object-acl": "private",
            "x-oss-forbid-overwrite": "true",
        }
        httpx.post(policy["upload_host"], data=form, files={"file": ENGLISH.read_bytes()}, trust_env=False)
        body = {
            "model": asked["model"],
            "input": {"file_url": "oss://" + form["key"]},
            "parameters": {"language": "en"},
        }
        headers = {"X-DashScope-Async": "enable", "X-DashScope-OssResourceResolve": "enable"}
        accepted = client.post("/services/audio/asr/transcription", json=body, headers=headers).json()
        status = "PENDING"
        while status in ("PENDING", "RUNNING"):
            output = client.get(f"/tasks/{accepted['output']['task_id']}").json()["output"]
            status = output["task_status"]
        result = httpx.get(output["result"]["transcription_url"], trust_env=False).json()
    assert "nine forty five" in json.dumps(result["transcripts"])
    assert result["asrlab"]["recogniser"]["model"] == "whisper-base"
