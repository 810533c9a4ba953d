"""The scripted engine: errors of the kinds and rates it was told, and always the same ones."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace

import jiwer
import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from stand_ins import Noted

from asrlab.data.audio import digest
from asrlab.engines import engine
from asrlab.engines.base import Parameters, Question
from asrlab.engines.itn import text_of
from asrlab.engines.mishearing import draws, join, made_up, misheard, split
from asrlab.engines.scripted import ScriptedEngine
from asrlab.errors import InvalidInput, OutcomeUnknown, ServiceError, TaskFailed

KINDS = ("substitutions", "deletions", "insertions")


@pytest.fixture(scope="module")
def stereo(tmp_path_factory):
    path = tmp_path_factory.mktemp("scripted") / "stereo.wav"
    soundfile.write(path, 0.1 * np.random.default_rng(5).standard_normal((8_000, 2)), 16_000)
    return path


def ask(scripted, path, *, repeat=0, steps=None, **parameters):
    question = Question(str(path), Parameters(**parameters), repeat=repeat)
    return asyncio.run(scripted.transcribe(question, *filter(None, [steps])))


def said(answer):
    return [transcript.text for transcript in answer.transcripts]


def erring(**options):
    return ScriptedEngine(**dict.fromkeys(KINDS, 0.2) | options)


# What it says.


def test_what_is_drawn_stays_what_it_was():
    """On any machine, in any process: a change here needs a new version in the engine's identity."""
    assert draws("a", 1) == (0.14976907794029348, 0.9668108448907977, 0.015047455666951426, 0.9567947802987472)
    assert made_up("pcm-sha256:00") == "engine garden copper pepper meadow island shadow"
    rates = dict.fromkeys(KINDS, 0.3)
    assert join(misheard("Ship it, and 打开 the 面板。", rates, "x")) == "Ship winter carpet 打 the garden 面火雨。田"


def test_without_errors_it_says_the_true_text_on_each_channel(stereo):
    assert said(ask(ScriptedEngine(), stereo, channel_id=(1, 0))) == [made_up(digest(stereo))] * 2
    scripted = ScriptedEngine({digest(stereo): "Ship it, Siobhan."})
    assert scripted.true_text(digest(stereo)) == "Ship it, Siobhan."
    answer = ask(scripted, stereo, channel_id=(1,))
    assert said(answer) == ["Ship it, Siobhan."]
    assert answer.transcripts[0].language == "en"
    assert answer.raw == {"true_text": "Ship it, Siobhan.", **dict.fromkeys(KINDS, 0.0)}
    assert said(ask(ScriptedEngine({digest(stereo): ""}), stereo)) == [""]


def test_errors_come_at_the_rates_told(stereo):
    """Counted by jiwer, on words that are each there once, so that it aligns them in one way only."""
    n = 6_000
    truth = " ".join(f"w{number}" for number in range(n))
    told = {"substitutions": 0.10, "deletions": 0.05, "insertions": 0.03}
    (text,) = said(ask(ScriptedEngine({digest(stereo): truth}, **told), stereo))
    counted = jiwer.process_words(truth, text)
    for kind, rate in told.items():
        # An insertion beside a deletion is counted as one substitution: of rates so low, a few in a thousand words.
        assert abs(getattr(counted, kind) - n * rate) < 4 * (n * rate * (1 - rate)) ** 0.5 + n * 0.004, kind


def test_a_function_gives_a_hint_an_effect_of_known_size(stereo):
    n = 4_000
    truth = " ".join(f"w{number}" for number in range(n))
    scripted = ScriptedEngine(
        {digest(stereo): truth},
        substitutions=lambda asked: 0.05 if asked.language == "en" else 0.25,
        label="the hint saves four in five",
    )
    with_hint, without = ask(scripted, stereo, language="en"), ask(scripted, stereo)
    assert [answer.raw["substitutions"] for answer in (with_hint, without)] == [0.05, 0.25]
    for answer, rate in ((with_hint, 0.05), (without, 0.25)):
        assert jiwer.wer(truth, said(answer)[0]) == pytest.approx(rate, abs=4 * (rate / n) ** 0.5)


def test_the_question_and_the_seed_say_what_is_drawn_and_nothing_else(stereo):
    asked = [{}, {"context": "Kestrel"}, {"language": "en"}, {"enable_itn": True}, {"enable_words": True},
             {"channel_id": (1,)}, {"channel_id": (0, 1)}]  # fmt: skip
    scripted = erring()
    first = [said(ask(scripted, stereo, **parameters)) for parameters in asked]
    again = [said(ask(erring(), stereo, **parameters)) for parameters in reversed(asked)]
    assert first == again[::-1]
    assert len({text for texts in first for text in texts}) == 8  # each condition and channel is drawn apart
    assert said(ask(erring(seed=1), stereo)) != first[0]


def test_repeats_differ_only_where_there_is_noise(stereo):
    silent, noisy = erring(), erring(noise=True)
    assert said(ask(silent, stereo, repeat=1)) == said(ask(silent, stereo)) == said(ask(noisy, stereo))
    assert len({said(ask(noisy, stereo, repeat=number))[0] for number in range(5)}) == 5


def test_unspaced_text_is_misheard_by_characters(stereo):
    truth = "打开Kestrel面板，好的。" * 30
    scripted = ScriptedEngine({digest(stereo): truth}, substitutions=0.2)
    answer = ask(scripted, stereo, enable_words=True)
    (text,) = said(answer)
    assert answer.transcripts[0].language == "zh"
    assert len(split(text)) == len(split(truth)) == 7 * 30
    assert text != truth
    assert text.count("，") == text.count("。") == 30
    assert text_of(answer.transcripts[0].sentences[0].words) == text
    assert ask(ScriptedEngine({digest(stereo): "カラス"}), stereo).transcripts[0].language == "ja"


def test_words_have_times_and_make_up_the_text(stereo):
    answer = ask(erring(), stereo, enable_words=True)
    (sentence,) = answer.transcripts[0].sentences
    assert text_of(sentence.words) == sentence.text == answer.transcripts[0].text
    times = [time for word in sentence.words for time in (word.begin_ms, word.end_ms)]
    assert times == sorted(times)
    assert (times[0], times[-1]) == (0, 500)


RATES = st.tuples(st.floats(0, 0.5), st.floats(0, 0.5), st.floats(0, 1)).map(lambda r: dict(zip(KINDS, r, strict=True)))
TEXTS = st.text("ab 红隼かナ1", max_size=40)


@given(TEXTS, RATES, st.text())
def test_words_stay_apart_whatever_is_left_out_between_them(text, rates, name):
    heard = misheard(text, rates, name)
    assert split(join(heard)) == heard


@given(st.text())
def test_a_text_without_errors_is_the_text(text):
    assert join(misheard(text, dict.fromkeys(KINDS, 0.0), "x")) == text.strip()


@given(TEXTS)
def test_a_replaced_word_is_another_word(text):
    heard = misheard(text, {"substitutions": 1.0, "deletions": 0.0, "insertions": 0.0}, "x")
    assert len(heard) == len(split(text))
    assert all(word != was for (_, word), (_, was) in zip(heard, split(text), strict=True))
    assert misheard(text, {"substitutions": 0.0, "deletions": 1.0, "insertions": 0.0}, "x") == []


# What goes wrong.


def outcomes(scripted, path, n=600):
    async def one(number):
        try:
            answer = await scripted.transcribe(Question(str(path), Parameters(context=f"term {number}")))
        except ServiceError as error:
            return type(error).__name__, error.code
        return "answered", answer.transcripts[0].text

    async def scenario():
        return await asyncio.gather(*(one(number) for number in range(n)))

    return asyncio.run(scenario())


@pytest.mark.parametrize("free", [True, False])
def test_questions_end_as_the_rates_have_it(stereo, free):
    failing = erring(
        failures={"DECODE_ERROR": 0.1, "SERVER_ERROR": 0.05},
        refusals={"Arrearage": 0.1},
        unknown=0.05,
        free=free,
    )
    ended = outcomes(failing, stereo)
    counts = Counter(end if end[0] != "answered" else "answered" for end in ended)
    sent, taken = 600 * 0.9, 600 * 0.9 * 0.95
    for end, expected in {
        ("ServiceError", "Arrearage"): 60,
        ("OutcomeUnknown", "Timeout"): 0.05 * sent,
        ("TaskFailed", "DECODE_ERROR"): 0.1 * taken,
        ("TaskFailed", "SERVER_ERROR"): 0.05 * taken,
    }.items():
        assert abs(counts[end] - expected) < 4 * expected**0.5, end
    assert outcomes(failing, stereo) == ended
    # Failing is no part of the identity: without it, the others are what they were.
    whole = erring()
    assert whole.identity == failing.identity
    for end, answer in zip(ended, outcomes(whole, stereo), strict=True):
        assert answer[0] == "answered"
        assert end[0] != "answered" or end == answer


def test_a_number_refuses_with_a_code_of_its_own(stereo):
    with pytest.raises(ServiceError) as caught:
        ask(ScriptedEngine(refusals=1), stereo)
    assert (type(caught.value), caught.value.code, caught.value.http_status) == (ServiceError, "InvalidParameter", 400)


def test_what_happens_to_a_paid_question_is_told_up_to_where_it_ends(stereo):
    link = f"oss://scripted/{digest(stereo)}"
    for options, error, told in (
        ({"refusals": 1.0}, ServiceError, ["sending"]),
        ({"unknown": 1.0}, OutcomeUnknown, ["sending"]),
        ({"failures": {"DECODE_ERROR": 1.0}}, TaskFailed, ["sending", "submitted"]),
    ):
        steps = Noted()
        with pytest.raises(error) as caught:
            ask(ScriptedEngine(free=False, **options), stereo, steps=steps)
        assert [name for name, _ in steps.told] == told
        assert steps.told[0][1] == link
        if error is OutcomeUnknown:
            assert caught.value.link == link
            assert caught.value.sent_at <= caught.value.lost_at
    steps = Noted()
    ask(ScriptedEngine(), stereo, steps=steps)
    assert steps.told == []


def test_a_task_is_collected_by_another_process_for_its_own_question_only(stereo):
    answer = ask(erring(free=False), stereo, context="Kestrel")
    again = ask(erring(free=False), stereo, context="Kestrel")
    assert again.task_id != answer.task_id  # asked twice, it is two tasks
    question = Question(str(stereo), Parameters(context="Kestrel"), answer.task_id)
    refusing = erring(free=False, refusals=1.0, unknown=1.0)  # nothing is sent
    assert said(asyncio.run(refusing.transcribe(question))) == said(answer)
    for other in (replace(question, parameters=Parameters()), replace(question, repeat=1)):
        with pytest.raises(TaskFailed) as caught:
            asyncio.run(erring(free=False).transcribe(other))
        assert caught.value.code == "UNKNOWN"


def test_a_file_that_changed_is_another_recording(tmp_path):
    scripted = ScriptedEngine()
    path = tmp_path / "a.wav"
    texts = set()
    for number in (1, 2):
        soundfile.write(path, 0.1 * np.random.default_rng(number).standard_normal(8_000 * number), 16_000)
        texts.add(said(ask(scripted, path))[0])
    assert len(texts) == 2


# How it is made.


def test_a_function_is_in_the_identity_by_its_label_and_by_the_rates_it_gives():
    def made(function, label="halved by a hint"):
        return dict(ScriptedEngine(substitutions=function, label=label).identity)

    halved = made(lambda asked: 0.1 if asked.language else 0.2)
    assert halved == made(lambda asked: 0.2 / (2 if asked.language else 1))
    assert halved["label"] == "halved by a hint"
    assert halved != made(lambda asked: 0.1 if asked.language else 0.21)
    assert halved != made(lambda asked: 0.1 if asked.context else 0.2)
    assert halved != made(lambda asked: 0.1 if asked.language else 0.2, label="again")
    assert made(lambda asked: 0.1) != made(0.1)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"substitutions": 1.5}, "substitutions must be a share"),
        ({"insertions": -0.1}, "insertions must be a share"),
        ({"unknown": True}, "unknown must be a share"),
        ({"deletions": float("nan")}, "deletions must be a share"),
        ({"substitutions": 0.6, "deletions": 0.6}, "exceed 1 together"),
        ({"failures": {"A": 0.6, "B": 0.6}}, "failures exceed 1"),
        ({"refusals": 2}, "refusals 'InvalidParameter' must be a share"),
        ({"substitutions": lambda asked: 0.1}, "needs a label"),
        ({"substitutions": lambda asked: 2.0, "label": "x"}, "substitutions must be a share"),
    ],
)
def test_rates_that_are_none_are_refused(options, match):
    with pytest.raises(InvalidInput, match=match):
        ScriptedEngine(**options)


def test_a_function_that_goes_astray_ends_the_question(stereo):
    scripted = ScriptedEngine(deletions=lambda asked: 3.0 if asked.context == "odd" else 0.0, label="x")
    assert said(ask(scripted, stereo, context="even"))
    with pytest.raises(InvalidInput, match="deletions must be a share"):
        ask(scripted, stereo, context="odd")


def test_it_is_had_by_its_name():
    scripted = engine("scripted", substitutions=0.1, seed=7)
    assert isinstance(scripted, ScriptedEngine)
    assert repr(scripted) == "<ScriptedEngine seed 7>"


# Behind the local service.


def test_the_service_serves_it_with_failures_by_its_own_seed(stereo):
    pytest.importorskip("starlette")
    from asrlab.engines.local import LocalEngine
    from asrlab.server.run import serve

    async def ended(url):
        async with LocalEngine("scripted", url=url) as local:

            async def one(number):
                try:
                    return said(await local.transcribe(Question(str(stereo), Parameters(context=f"term {number}"))))
                except TaskFailed as error:
                    return error.code

            return await asyncio.gather(*(one(number) for number in range(24)))

    runs = []
    for _ in range(2):
        with serve("scripted", limits=None, faults=("task=DECODE_ERROR@0.3",), seed=4) as service:
            runs.append(asyncio.run(ended(service.url)))
    assert runs[0] == runs[1]
    assert {str(end) for end in runs[0]} == {"DECODE_ERROR", str([made_up(digest(stereo))])}


def test_behind_the_service_all_of_its_identity_is_told(stereo):
    pytest.importorskip("starlette")
    from asrlab.engines.local import LocalEngine
    from asrlab.server.run import serve

    async def identity(url):
        async with LocalEngine(url=url) as local:
            return dict(local.identity)

    told = []
    for seed in (1, 2):
        scripted = erring(seed=seed)
        with serve(scripted, limits=None) as service:
            told.append(asyncio.run(identity(service.url)))
        expected = dict(scripted.identity) | {"engine": "local", "recogniser": "scripted"}
        assert told[-1] == expected
    assert told[0] != told[1]
