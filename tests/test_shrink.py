"""Shrinking: the search against brute force, and the whole of it against an engine that fails on a known trigger."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import subprocess
import uuid
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from stand_ins import recording_server

from asrlab.dashscope import wire, wire_sync
from asrlab.dashscope.models import model_of
from asrlab.data.audio import decode
from asrlab.data.dataset import Dataset
from asrlab.engines.base import UNWATCHED, Answer, Capabilities, Engine, Parameters, Sentence, Transcript, Word
from asrlab.engines.service import requested
from asrlab.errors import InvalidInput, TaskFailed
from asrlab.lists import items
from asrlab.sweep.grid import grid
from asrlab.sweep.opened import Answers
from asrlab.sweep.shrink import shrink
from asrlab.sweep.shrinking.deltas import minimal, narrowed
from asrlab.sweep.shrinking.parts import Recording, Request
from asrlab.sweep.shrinking.reproducer import Facts, request_json, write_reproducer
from asrlab.sweep.shrinking.search import Search
from asrlab.sweep.shrinking.showing import Reply, join_context, says, showing, split_context
from asrlab.sweep.sweep import Sweep

RATE = 8_000
TONE = 3.0, 3.4  # seconds; what stands for the word
CONTEXT = "Ostrava, Van Houten, Kestrel, cleanroom; 4711"
LEAKS = "says an item of the context"
KEY = "sk-of-the-tests-0123456789"


def samples(seconds=8.0, tones=(TONE,)):
    """Quiet noise with a beep now and then, and silence around it."""
    t = np.arange(round(seconds * RATE)) / RATE
    sound = 0.02 * np.random.default_rng(3).standard_normal(len(t))
    for begin, end in tones:
        inside = (t >= begin) & (t < end)
        sound[inside] += 0.5 * np.sin(2 * np.pi * 1000 * t[inside])
        sound[(abs(t - begin) < 0.02) | (abs(t - end) < 0.02)] *= 0.01
    return sound


def heard_tone(sound):
    """How many tenths of a second the beep is heard for."""
    frames = sound[: len(sound) // 400 * 400].reshape(-1, 400)
    at_tone = abs(np.fft.rfft(frames))[:, 50] if len(frames) else np.zeros(0)
    return int((at_tone > 50).sum()) / 2


class Trigger(Engine):
    """Says a term that nobody said, where it hears the beep, is sent the term, and is told the language is German."""

    name = "trigger"
    capabilities = Capabilities(frozenset({"language", "context", "enable_itn", "channel_id"}), frozenset({"en", "de"}))

    def __init__(self, log=None, *, free=True, words=False, hangs_after=None):
        self.free, self.log, self.hangs_after = free, log, hangs_after
        self.asked = []
        if words:
            self.capabilities = Capabilities(self.capabilities.parameters | {"enable_words"}, frozenset({"en", "de"}))

    @property
    def identity(self):
        return {"engine": self.name, "model": "trigger", "version": "1", "region": "local"}

    async def transcribe(self, question, steps=UNWATCHED):
        asked = question.parameters
        if question.task_id is None:
            self.asked.append(question)
            if not self.free:
                await steps.sending(f"oss://{len(self.asked)}")
                await steps.submitted(f"task-{uuid.uuid4()}")
                if self.log is not None:
                    with self.log.open("a") as log:
                        log.write(json.dumps([Path(question.audio).name, repr(asked)]) + "\n")
        if len(self.asked) == self.hangs_after:
            await asyncio.sleep(600)
        sound = decode(question.audio, RATE)
        transcripts = []
        for channel in asked.channel_id:
            if channel >= len(sound):
                raise TaskFailed("no such channel", code="InvalidParameter")
            shows = heard_tone(sound[channel]) >= 3 and "Kestrel" in (asked.context or "") and asked.language == "de"
            text = "hello Kestrel" if shows else "hello"
            begin = 1000 * int(np.argmax(abs(sound[channel]) > 0.2)) // RATE
            words = (Word(0, 100, "hello "), Word(begin, begin + 400, "Kestrel")) if shows else ()
            sentence = Sentence(0, 900, text, "en", words if asked.enable_words else ())
            transcripts.append(Transcript(channel, text, asked.language or "en", (sentence,)))
        seconds = sound.shape[1] / RATE
        return Answer(tuple(transcripts), seconds * len(asked.channel_id), "trigger 1")


def case(folder, engine, *, sound=None, utt_id="u", store="run", context="Ostrava, Kestrel", words=False):
    """A sweep of one recording in which the engine fails under one condition."""
    folder.mkdir(exist_ok=True)
    name = "recording.wav"
    if not (folder / name).exists():
        soundfile.write(folder / name, samples() if sound is None else sound, RATE)
    dataset = Dataset(
        "beeps",
        pd.DataFrame({"utt_id": [utt_id], "audio": [name], "language": ["en"]}),
        pd.DataFrame({"utt_id": [utt_id], "text": ["hello"]}),
        audio_root=folder,
    )
    conditions = grid(
        language={"none": None, "de": "de"},
        context={"none": None, "terms": context},
        enable_itn=True,
        enable_words=words,
    )
    return Sweep(dataset, engine, conditions, store=folder / store)


FAILING = {"utt_id": "u", "condition": "language=de, context=terms"}


# The search


@given(st.integers(1, 9), st.integers(0, 2**31), st.booleans())
@settings(max_examples=150, deadline=None)
def test_what_is_left_of_a_list_shows_it_and_no_atom_can_go(n, seed, coarse):
    rng = np.random.default_rng(seed)
    parts = [part for k in range(n) for part in combinations(range(n), k)]
    showing_it = {part for part in parts if rng.random() < rng.choice([0.02, 0.2])} | {tuple(range(n))}
    left = minimal(range(n), lambda ps: min((p for p in ps if p in showing_it), key=len, default=None), coarse=coarse)
    assert left in showing_it
    assert not any((*left[:k], *left[k + 1 :]) in showing_it for k in range(len(left)))


@given(st.integers(1, 12), st.integers(0, 2**31), st.booleans(), st.integers(0, 3))
@settings(max_examples=150, deadline=None)
def test_what_is_left_of_a_stretch_shows_it_and_neither_end_can_go(n, seed, coarse, moved):
    rng = np.random.default_rng(seed)
    stretches = [(a, b) for a in range(n) for b in range(a + 1, n + 1)]
    showing_it = {s for s in stretches if rng.random() < 0.2} | {(0, n)}
    left = narrowed(
        0,
        n,
        lambda ss: min((s for s in ss if s in showing_it), key=lambda s: s[1] - s[0], default=None),
        near=lambda place, slack: place + int(rng.integers(-min(slack, moved), min(slack, moved) + 1)),
        coarse=coarse,
    )
    assert left in showing_it
    assert not {(left[0] + 1, left[1]), (left[0], left[1] - 1)} & showing_it


@pytest.mark.parametrize("n", [1, 2, 7, 64, 1000])
def test_one_culprit_is_found_in_few_questions(n):
    asked = []

    def find(parts):
        asked.extend(parts)
        return next((part for part in parts if n // 3 in part), None)

    assert minimal(range(n), find) == (n // 3,)
    assert len(asked) <= 1 + 2 * np.ceil(np.log2(n))


# Contexts and tests


@given(st.text(alphabet='ab .,;、|\n"[]{}!？。中文', max_size=40))
@settings(deadline=None)
def test_a_context_comes_apart_and_together_again(context):
    parts = split_context(context)
    assert all(item.strip() for item, _ in parts) or (parts and context.startswith("["))
    joined = join_context(parts, context)
    assert (joined is None) == (not parts)
    if joined is not None and parts:
        assert [item for item, _ in split_context(joined)] == [item for item, _ in parts]


@given(
    st.lists(st.sampled_from(["Kim", "van Houten", "洁净室", "x-7"]), min_size=2),
    st.sampled_from(",;、，；|\n\t،•\u2028"),
)
@settings(deadline=None)
def test_a_list_comes_apart_where_its_items_do(terms, between):
    context = f"{between} ".join(terms)
    assert [item for item, _ in split_context(context)] == items(context) == terms


@given(
    st.lists(st.text(max_size=4), min_size=1, max_size=5),
    st.sampled_from([", ", ",", " ,\n "]),
    st.booleans(),
    st.sampled_from(["", " ", "\n\t"]),
)
@settings(deadline=None)
def test_a_json_list_stays_as_it_is_written_and_gets_smaller_with_each_item(texts, between, ascii_, space):
    written = [json.dumps(text, ensure_ascii=ascii_) for text in texts]
    context = f"{space}[{space}{between.join(written)}{space}]{space}"
    parts = split_context(context)
    assert [item for item, _ in parts] == written
    assert join_context(parts, context) == context
    for k in range(len(texts)):
        left = join_context([*parts[:k], *parts[k + 1 :]], context)
        assert left is None or json.loads(left) == [*texts[:k], *texts[k + 1 :]]
        sizes = [Request(((0, 1),), None, Parameters(context=one)).size for one in (left, context)]
        assert sizes[0] < sizes[1]


@pytest.mark.parametrize("no_list", ['["a", "b]', '["a" "b"]', '["\\q"]', '["a", 1]', '["a"],', '["a\nb"]'])
def test_what_is_no_json_list_comes_apart_as_text(no_list):
    assert join_context(split_context(no_list), no_list) == no_list
    assert "".join(item + after for item, after in split_context(no_list)) == no_list


@pytest.mark.parametrize(
    ("context", "parts"),
    [
        ('["Kestrel, Inc.", "Ostrava"]', ['"Kestrel, Inc."', '"Ostrava"']),
        ("卡斯特里、奥斯特拉瓦，洁净室", ["卡斯特里", "奥斯特拉瓦", "洁净室"]),
        ("We met there. They left! 后来呢？不知道。", ["We met there.", "They left!", "后来呢？", "不知道。"]),
        ("Ostrava plant", ["Ostrava", "plant"]),
        ("Kestrel", ["Kestrel"]),
        (" ,; ", [" ,; "]),
        ("", []),
    ],
)
def test_contexts_come_apart_at_what_is_coarsest(context, parts):
    assert [item for item, _ in split_context(context)] == parts


def reply(text, *, context=None, language=None, **facts):
    return Reply(text, facts.pop("heard_as", "en"), Parameters(context=context, language=language), **facts)


@pytest.mark.parametrize(
    ("test", "shows", "not_shows"),
    [
        ("says Kestrel", reply("The KESTREL."), reply("Kestrels")),
        ('says "van houten"', reply("by Van Houten,"), reply("van der houten")),
        ("says 收到", reply("他说：收到了"), reply("收不到")),
        ("lacks Kestrel", reply("hello"), reply("hello Kestrel")),
        ("empty", reply(" "), reply("hello")),
        (LEAKS, reply("hello Kestrel", context=CONTEXT, references=("hello",)),
         reply("hello Kestrel", context=CONTEXT, references=("hello, kestrel!",))),
        (LEAKS, reply("a 洁净室 b", context="卡斯特里、洁净室", references=("a b",)),
         reply("a b", context="卡斯特里、洁净室", references=("a b",))),
        (LEAKS, reply("x Kestrel", context=CONTEXT, control=reply("x")),
         reply("x Kestrel", context=CONTEXT, control=reply("x kestrel"))),
        ("other language or script", reply("hallo", heard_as="de", spoken="en"), reply("hello", spoken="en")),
        ("other language or script", reply("你好吗", language="zh", references=("how are you",)),
         reply("hallo", language="de", heard_as="de", spoken="en", references=("hello",))),
        ("other language or script", reply("x", heard_as="zh", spoken="zh-yue"),
         reply("x", heard_as="yue", spoken="zh-yue")),
        ("other language or script", reply("x", heard_as="de", spoken="zh-en"),
         reply("x", heard_as="en", spoken="zh-en")),
        ("other language or script", reply("x", heard_as="fi", spoken="sv-FI"),
         reply("x", heard_as="sv", spoken="sv-FI")),
        ("other language or script", reply("x", heard_as="en,de", spoken="en"),
         reply("x", heard_as="de", spoken="mul")),
        ("other language or script", reply("ok", spoken="ja", heard_as="ja", references=("ひらがなと漢字",)),
         reply("漢字", spoken="ja", heard_as="ja", references=("ひらがな",))),
        ("differs from control by more than 0.5", reply("abcdef", control=reply("uvwxyz")),
         reply("abcdef", control=reply("abcdez"))),
        ("differs from reference by more than .5", reply("abcdef", references=("uvwxyz", "no")),
         reply("abcdef", references=("uvwxyz", "abc def"))),
        ("fails with DECODE_ERROR", reply("", state="failed", error_code="DECODE_ERROR"), reply("")),
        (lambda answer: answer.language == "en", reply("x"), reply("x", heard_as="de")),
    ],
)  # fmt: skip
def test_ready_tests(test, shows, not_shows):
    found = showing(test)
    assert found.meaning.endswith(".")
    assert found.shown_by(shows)
    assert not found.shown_by(not_shows)


def test_a_trial_that_failed_shows_nothing_but_that():
    failed = reply("", state="failed", error_code="X")
    assert not showing("empty").shown_by(failed)
    assert not showing("lacks Kestrel").shown_by(failed)
    assert not showing("empty").resolves(failed)
    assert not showing("fails with Y").shown_by(failed)


@pytest.mark.parametrize("state", ["failed", "unknown", "submitted", "not run"])
@pytest.mark.parametrize(
    "test",
    [
        LEAKS,
        "says Kestrel",
        "other language or script",
        "differs from control by more than 0.3",
        "empty",
        lambda _: True,
    ],
)
def test_a_control_without_an_answer_decides_nothing(test, state):
    nothing = reply("", context=None, state=state, error_code="SERVER_ERROR", heard_as=None)
    asked = reply(
        "" if test == "empty" else "hello Kestrel", context=CONTEXT, heard_as="de", spoken="en", control=nothing
    )
    found = showing(test)
    assert not found.decides(asked)
    assert not found.shown_by(asked)


def test_failing_otherwise_says_nothing_of_failing_with_a_code():
    found = showing("fails with X")
    here, other = (reply("", state="failed", error_code=code) for code in "XY")
    assert found.shown_by(here)
    assert not found.decides(other)
    assert found.decides(reply("hello"))


def test_what_the_control_shows_too_is_not_shown():
    shows = reply("hello Kestrel", control=reply("Kestrel"))
    assert not showing("says Kestrel").shown_by(shows)


@pytest.mark.parametrize("wrong", ["say Kestrel", "says", "says ...", "", 3, None, "differs from reference by 0.3"])
def test_no_tests(wrong):
    with pytest.raises(InvalidInput, match=r"fails=|names no word"):
        showing(wrong)


@pytest.mark.parametrize("share", ["7", "1", "1.0", "30 %", "-0.1", "nan", "much", "1e-1"])
@pytest.mark.parametrize("source", ["reference", "control"])
def test_a_difference_that_can_never_be_is_no_test(source, share):
    with pytest.raises(InvalidInput, match=r"0 to below 1.* 0\.3', for 30 %"):
        showing(f"differs from {source} by more than {share}")


def test_a_test_that_raises_is_told():
    with pytest.raises(InvalidInput, match="raised ZeroDivisionError"):
        showing(lambda answer: 1 / 0).shown_by(reply("x"))


def test_words_tell_where_it_is():
    words = (("hello,", 0.0, 0.4), ("Van", 1.0, 1.2), ("Houten.", 1.2, 1.7), ("Kestrel", 2.0, 2.4))
    said = reply("hello, Van Houten. Kestrel", context="Van Houten, Kestrel", words=words, references=("hello",))
    assert showing("says Van Houten").where(said) == (1.0, 1.7)
    assert showing(LEAKS).where(said) == (1.0, 2.4)
    assert showing("says hut").where(said) is None
    chinese = tuple((c, float(k), k + 0.5) for k, c in enumerate("他说收到了"))
    assert showing("says 收到").where(reply("他说收到了", words=chinese)) == (2.0, 3.5)
    assert says("他说收到了", "收到")


# Audio


@pytest.fixture(scope="module")
def beep(tmp_path_factory):
    folder = tmp_path_factory.mktemp("beep")
    soundfile.write(folder / "a.wav", samples(), RATE)
    return Recording(folder / "a.wav", folder / "parts", 0.1)


def test_slices_cover_the_recording_and_are_cut_where_it_is_quiet(beep):
    bounds = beep.bounds
    assert (bounds[0], bounds[-1]) == (0, 8 * RATE)
    gaps = np.diff(bounds)
    assert gaps.min() >= 0.02 * RATE
    assert gaps.max() <= 0.18 * RATE + 1
    for quiet in TONE:  # in the gap before the beep and after it
        assert min(abs(np.asarray(bounds) / RATE - quiet)) < 0.02


def test_parts_are_the_recording_faded_at_cuts_alone(beep):
    request = Request(((8_000, 12_000),), None, Parameters())
    part = decode(beep.part(request), RATE)[0]
    whole = decode(beep.file, RATE)[0]
    np.testing.assert_allclose(part[80:-80], whole[8_080:11_920], atol=2**-15)
    assert abs(part[0]) < 2**-14
    assert abs(part[-1]) < 2**-14
    edge = decode(beep.part(Request(((0, 4_000),), None, Parameters())), RATE)[0]
    np.testing.assert_allclose(edge[:-80], whole[:3_920], atol=2**-15)
    two = decode(beep.part(Request(((0, 400), (800, 1_200)), None, Parameters())), RATE)[0]
    assert len(two) == 800
    assert beep.part(Request(beep.whole, None, Parameters())).read_bytes() == beep.file.read_bytes()


def test_a_name_leads_nowhere(tmp_path):
    shutil.copy(Path(__file__).parents[1] / "datasets/quiet" / _one_of("quiet"), tmp_path / "a.f; rm -r x")
    recording = Recording(tmp_path / "a.f; rm -r x", tmp_path / "parts", 0.1)
    assert recording.part(Request(recording.whole, None, Parameters())).suffix == ".audio"


def _one_of(name):
    root = Path(__file__).parents[1] / "datasets" / name
    return sorted(root.glob("audio/**/*.flac"))[0].relative_to(root)


class Asked:
    """Attempts without a ledger: answers by a function of audio, parameters and repeat."""

    def __init__(self, recording, answers, repeats=1):
        self.recording, self.answers, self.repeats, self.engine = recording, answers, repeats, Trigger()
        self.asked = {}

    def ask(self, requests):
        for request in requests:
            if request not in self.asked:
                sound = decode(self.recording.part(request), RATE)
                self.asked[request] = tuple(self.answers(sound, request.parameters, k) for k in range(self.repeats))
        return self.asked


def leaking(sound, asked, repeat):
    shows = heard_tone(sound[0]) >= 3 and "Kestrel" in (asked.context or "") and asked.language == "de"
    return Reply("hello Kestrel" if shows else "hello", "en", asked, references=("hello",))


def search(
    recording, answers, test, *, repeats=1, at_least=1, control=None, keep=None, splice=False, shortest_s=0.0, **given
):
    attempts = Asked(recording, answers, repeats)
    found = Search(attempts, showing(test), control or {}, at_least, keep, splice, shortest_s, lambda _: None)
    asked = Parameters(**{"language": "de", "enable_itn": True, "context": CONTEXT} | given)
    found.run(Request(recording.whole, None, asked))
    return found, attempts


def test_the_smallest_request_is_found_and_nothing_smaller_shows_it(beep):
    found, attempts = search(beep, leaking, LEAKS)
    best = found.best
    ((begin, end),) = best.spans
    assert TONE[0] - 0.1 <= begin / RATE < end / RATE <= TONE[1] + 0.1
    assert best.parameters == Parameters(language="de", context="Kestrel")
    assert not found.left_open
    assert len(attempts.asked) < 40
    # By brute force: every request smaller by one step.
    bounds, (a, b) = beep.bounds, (beep.bounds.index(begin), beep.bounds.index(end))
    smaller = [
        Request(((bounds[a + 1], end),), None, best.parameters),
        Request(((begin, bounds[b - 1]),), None, best.parameters),
        Request(best.spans, None, Parameters(context="Kestrel")),
        Request(best.spans, None, Parameters(language="de")),
    ]
    for request in smaller:
        assert "Kestrel" not in leaking(decode(beep.part(request), RATE), request.parameters, 0).text
        assert request in attempts.asked


def test_audio_is_not_cut_below_what_is_told(beep):
    found, attempts = search(beep, leaking, LEAKS, shortest_s=1.0)
    assert RATE <= found.best.samples < 1.4 * RATE
    assert min(request.samples for request in attempts.asked) >= RATE
    assert "less than 1 s was not tried" in found.scope


def test_two_places_are_kept_and_the_middle_goes_with_splice(tmp_path):
    soundfile.write(tmp_path / "a.wav", samples(tones=((1.0, 1.2), (6.0, 6.2))), RATE)
    recording = Recording(tmp_path / "a.wav", tmp_path / "parts", 0.1)
    stretch, _ = search(recording, leaking, LEAKS)
    assert 4.9 * RATE < stretch.best.samples < 5.5 * RATE
    pieces, _ = search(recording, leaking, LEAKS, splice=True)
    assert len(pieces.best.spans) == 2
    assert pieces.best.samples < 0.7 * RATE


@pytest.mark.parametrize("test", ["lacks hello", "empty", "differs from reference by more than 0.5"])
def test_audio_is_not_cut_where_silence_would_show_it(beep, test):
    def deaf(sound, asked, repeat):
        loud = heard_tone(sound[0]) >= 3 and asked.language != "de"
        return Reply("hello" if loud else "", "en", asked, references=("hello",))

    found, _ = search(beep, deaf, test)
    assert found.best.spans == beep.whole
    assert "not cut" in found.scope
    compared, _ = search(beep, deaf, test, control={"language": None})
    ((begin, end),) = compared.best.spans
    assert TONE[0] - 0.1 <= begin / RATE < end / RATE <= TONE[1] + 0.1
    assert compared.best.parameters == Parameters(language="de")
    kept, attempts = search(beep, deaf, test, keep=TONE)
    assert all(a <= TONE[0] * RATE and b >= TONE[1] * RATE for r in attempts.asked for a, b in r.spans)
    assert kept.best.samples < 0.7 * RATE


def test_of_what_is_kept_it_is_said_that_it_was_not_cut(beep):
    kept, _ = search(beep, leaking, LEAKS, keep=(2.0, 4.0))
    assert kept.best.samples >= 2 * RATE
    assert "2 to 4 s, was not cut" in kept.scope
    assert "was not cut" not in search(beep, leaking, LEAKS)[0].scope


def test_a_compact_json_list_is_left_without_what_does_not_matter(beep):
    letters = "abcdefghijklmnopqrstuvwxyz"

    def wanting(sound, asked, repeat):
        shows = all(f'"{letter}"' in (asked.context or "") for letter in letters[:-2])
        return Reply("Kestrel" if shows else "hello", "en", asked)

    context = json.dumps(list(letters), separators=(",", ":"))
    found, attempts = search(beep, wanting, "says Kestrel", context=context, shortest_s=8.0)
    assert found.best.parameters == Parameters(context=json.dumps(list(letters[:-2]), separators=(",", ":")))
    sizes = {len(items(request.parameters.context or "")) for request in attempts.asked}
    assert {23, 24} <= sizes


def failing_control(at=0.0):
    """Says more with a context; without one it has no answer, for audio longer than this."""

    def answers(sound, asked, repeat):
        if asked.context is not None:
            return Reply("hello Kestrel", "en", asked, references=("hello",))
        if sound.shape[1] < at * RATE:
            return Reply("", None, asked, state="failed", error_code="SERVER_ERROR")
        return Reply("hello", "en", asked, references=("hello",))

    return answers


@pytest.mark.parametrize("test", ["differs from control by more than 0.3", "says Kestrel", LEAKS])
def test_a_control_that_failed_proves_nothing(beep, test):
    with pytest.raises(InvalidInput, match=r'not known: its control failed \(SERVER_ERROR\).* retry="failed"'):
        search(beep, failing_control(100.0), test, control={"context": None})
    found, _ = search(beep, failing_control(5.0), test, control={"context": None}, shortest_s=4.0)
    assert 5 * RATE <= found.best.samples < 5.4 * RATE  # shorter ones have no control to be held against
    assert found.left_open
    log = pd.DataFrame(found.log)
    assert log.loc[log["audio_s"] < 5, "shows"].isna().all()
    assert (log.loc[log["audio_s"] < 5, "no_answer"] == 1).all()


@pytest.mark.parametrize(("state", "code"), [("failed", "SERVER_ERROR"), ("unknown", None)])
def test_a_case_without_an_answer_is_told_and_how_to_ask_again(beep, state, code):
    def silent(sound, asked, repeat):
        return Reply("", None, asked, state=state, error_code=code)

    with pytest.raises(InvalidInput, match=f'the case {state}.* retry="{state}"') as caught:
        search(beep, silent, LEAKS)
    assert ("billed a second time" in str(caught.value)) == (state == "unknown")
    assert "repeats" not in str(caught.value)


def test_what_shows_now_and_then_is_asked_often_enough(beep):
    def flaky(sound, asked, repeat):
        return leaking(sound, asked, repeat) if repeat != 1 else Reply("hello", "en", asked, references=("hello",))

    found, _ = search(beep, flaky, LEAKS, repeats=3, at_least=2)
    assert found.best.parameters == Parameters(language="de", context="Kestrel")
    assert set(pd.DataFrame(found.log)["shown"]) == {0, 2}
    with pytest.raises(InvalidInput, match="in 2 of 3 askings, and 3 are wanted"):
        search(beep, flaky, LEAKS, repeats=3, at_least=3)


def test_what_has_no_answer_is_left_open_and_said(beep):
    def refusing(sound, asked, repeat):
        if sound.shape[1] < 2 * RATE:
            return Reply("", None, asked, state="failed", error_code="FILE_TOO_SHORT", references=("hello",))
        return leaking(sound, asked, repeat)

    found, _ = search(beep, refusing, LEAKS)
    assert 2 * RATE <= found.best.samples < 2.4 * RATE
    assert found.left_open


def test_a_channel_alone_is_taken_first(tmp_path):
    quiet = samples(tones=())
    soundfile.write(tmp_path / "a.wav", np.stack([quiet, samples()], axis=1), RATE)
    recording = Recording(tmp_path / "a.wav", tmp_path / "parts", 0.1)

    def second(sound, asked, repeat):
        texts = [leaking(sound[c : c + 1], asked, repeat).text for c in asked.channel_id if c < len(sound)]
        return Reply("\n".join(texts), "en", asked, references=("hello",))

    found, attempts = search(recording, second, LEAKS, channel_id=(0, 1))
    assert found.best.channel == 1
    assert found.best.parameters == Parameters(language="de", context="Kestrel")
    assert sum(request.channel is None for request in attempts.asked) == 1
    assert decode(recording.part(found.best), RATE).shape[0] == 1


# The whole of it


@pytest.fixture(scope="module")
def leak(tmp_path_factory):
    """A case shrunk through the ledger of a paid engine, and the engine."""
    folder = tmp_path_factory.mktemp("leak")
    engine = Trigger(folder / "log", free=False)
    sweep = case(folder, engine)
    sweep.run(progress=False)
    told = []
    shrunk = shrink(
        sweep, **FAILING, fails=LEAKS, folder=folder / "out", price_usd_per_s=3e-5, slice_s=0.4, progress=told.append
    )
    return folder, engine, sweep, shrunk, told


def test_a_case_is_shrunk_and_the_result_says_what_it_cost(leak):
    folder, engine, _, shrunk, told = leak
    assert shrunk.minimal
    assert shrunk.because is None
    assert shrunk.shown == len(shrunk.replies) == 1
    assert shrunk.replies[0].text == "hello Kestrel"
    assert shrunk.request.parameters == Parameters(language="de", context="Kestrel")
    assert shrunk.requests == len(engine.asked) - 4 == len(pd.read_json(folder / "log", lines=True)) - 4
    billed = sum(-(-len(decode(q.audio, RATE)[0]) // RATE) for q in engine.asked[4:])
    assert shrunk.audio_s == billed
    assert shrunk.usd == pytest.approx(3e-5 * billed)
    assert len(shrunk.steps) == shrunk.requests
    assert shrunk.steps["shows"].notna().all()
    assert told
    assert re.fullmatch(
        r"<Shrunk: test says an item of the context; shows in 1 of 1; "
        r"audio [01]\.\d\d of 8\.00 s; context 1 of 2 items, 7 of 16 characters; "
        r"parameters context, language=de; dropped enable_itn; minimal without any one slice of about 0\.4 s at either "
        r"end, parameter or item of context it no longer shows; audio of less than 1 s "
        r"was not tried; sent \d+ requests, \d+ s of audio, \$0\.\d{4}>",
        repr(shrunk),
    )
    assert str(folder) not in repr(shrunk)
    assert "<style" not in shrunk._repr_html_()


def test_what_was_answered_is_never_sent_again(leak):
    folder, engine, sweep, shrunk, _ = leak
    before = len(engine.asked)
    again = shrink(
        sweep,
        **FAILING,
        fails=LEAKS,
        folder=folder / "out",
        price_usd_per_s=3e-5,
        slice_s=0.4,
        budget_usd=0.0,
        send=False,
    )
    assert len(engine.asked) == before
    assert (again.request, again.requests, again.minimal) == (shrunk.request, shrunk.requests, True)
    pd.testing.assert_frame_equal(again.steps, shrunk.steps)
    trial = sweep.transcripts.query("condition == 'language=de, context=terms'")["trial"].iloc[0]
    by_trial = shrink(
        sweep, trial, fails="says Kestrel", folder=folder / "out", price_usd_per_s=3e-5, slice_s=0.4, send=False
    )
    assert by_trial.request == shrunk.request  # another test of the same answers
    assert Answers(folder / "out" / "attempts").verify() == []


def test_refusals(tmp_path):
    engine = Trigger()
    sweep = case(tmp_path, engine)
    sweep.run(progress=False)
    out = {"folder": tmp_path / "out"}
    asked = len(engine.asked)
    for arguments, wanted in [
        ({**FAILING, "fails": "says nothing"}, "None of the 1 stored answers"),
        ({**FAILING, "fails": LEAKS, "condition": "language=fr"}, "no condition"),
        ({**FAILING, "fails": LEAKS, "utt_id": "v"}, "no utterance"),
        ({"fails": LEAKS}, "Say which case"),
        ({"fails": LEAKS, "utt_id": "u"}, "Say which case"),
        ({"fails": LEAKS, "trial": "0" * 32}, "no trial"),
        ({**FAILING, "fails": "differs from control by more than 0.1"}, "needs a control"),
        ({**FAILING, "fails": LEAKS, "control": {"contxt": None}}, "not a request parameter"),
        ({**FAILING, "fails": LEAKS, "control": {"language": "de"}}, "no parameter of the case"),
        ({**FAILING, "fails": LEAKS, "keep": (3, 2)}, "keep is"),
        ({**FAILING, "fails": LEAKS, "keep": 3}, "keep is"),
        ({**FAILING, "fails": LEAKS, "keep": (100.0, 200.0)}, "not within the recording, which lasts 8.00 s"),
        ({**FAILING, "fails": LEAKS, "keep": (7.0, 8.1)}, "not within the recording"),
        ({**FAILING, "fails": LEAKS, "folder": ""}, "folder= is where"),
        ({**FAILING, "fails": LEAKS, "repeats": 0}, "repeats must"),
        ({**FAILING, "fails": LEAKS, "at_least": 2}, "at_least must"),
        ({**FAILING, "fails": LEAKS, "slice_s": 0}, "slice_s must"),
        ({**FAILING, "fails": LEAKS, "shortest_s": -1}, "shortest_s must"),
        ({**FAILING, "fails": LEAKS, "most_requests": True}, "most_requests must"),
    ]:
        with pytest.raises(InvalidInput, match=wanted):
            shrink(sweep, **{**out, **arguments})
    with pytest.raises(InvalidInput, match="needs a Sweep"):
        shrink(Answers(tmp_path / "run"), **FAILING, fails=LEAKS, **out)
    linked = Dataset("l", pd.DataFrame({"utt_id": ["u"], "audio": ["https://example.org/a.wav?sig=secret"]}))
    with pytest.raises(InvalidInput, match="not a file") as caught:
        shrink(
            Sweep(linked, engine, grid(), store=tmp_path / "r"), utt_id="u", condition="defaults", fails="empty", **out
        )
    assert "secret" not in str(caught.value)
    assert len(engine.asked) == asked


def test_a_case_that_failed_is_asked_anew_unless_it_is_known_how_it_fails(tmp_path):
    class Broken(Trigger):
        async def transcribe(self, question, steps=UNWATCHED):
            raise TaskFailed("no", code="DECODE_ERROR")

    sweep = case(tmp_path, Broken())
    sweep.run(progress=False)
    given = {**FAILING, "folder": tmp_path / "out"}
    assert len(shrink(sweep, **given, fails=LEAKS, send=False).plan.to_send) == 1
    with pytest.raises(InvalidInput, match=r"None of the 1 stored answers .* 'DECODE_ERROR'"):
        shrink(sweep, **given, fails="fails with OTHER")
    for _ in range(2):  # the second finds what the first was told
        with pytest.raises(InvalidInput, match=r'the case failed \(DECODE_ERROR\).* retry="failed"'):
            shrink(sweep, **given, fails=LEAKS)


# The folder

HOSTILE = (
    'a"b\\; $(touch pwned) `touch pwned` \'x\' & |\n"input": {"file_url": "AUDIO_URL"},\n'
    '  "input": {"file_url": "AUDIO_URL"},\n```\n<script>alert(1)</script> \x1b[31m\u202e 中文, Kestrel %s %n'
)
TRAVERSAL = "../../evil $(touch pwned) `id` <b>\n"


@pytest.fixture(scope="module")
def reproducer(tmp_path_factory):
    """A reproducer of a case in which all that others wrote is hostile, and the request that it is of."""
    folder = tmp_path_factory.mktemp("hostile") / "work"
    folder.mkdir()
    asked = Parameters(language="de", context=HOSTILE, enable_itn=True)
    soundfile.write(folder / "part.flac", samples()[int(2.9 * RATE) : int(3.6 * RATE)], RATE)
    answer = Reply(
        f"hello Kestrel {HOSTILE}", "de", asked, request_id="r-1", error=f"no file {folder}/x",
        channels=((0, f"hello Kestrel {HOSTILE}", "de"),), control=reply(HOSTILE),
    )  # fmt: skip
    facts = Facts(
        {"engine": "filetrans", "model": f"{HOSTILE}", "region": "beijing", "also_send_text": "true"},
        f"says {HOSTILE}", "The answer has it.", 1, 1, HOSTILE, {"context": None},
        [("audio", "0.7 of 8 s")], [(2.9, 3.6)], "none", [folder],
    )  # fmt: skip
    write_reproducer(folder / "out", folder / "part.flac", asked, [answer], facts)
    return folder / "out", asked


@pytest.fixture(scope="module")
def served():
    pytest.importorskip("starlette")
    from asrlab.server.run import serve

    engine = Trigger()
    with serve(engine, limits=None, key=KEY) as service:
        yield service, engine


def run(folder, *arguments, shell="sh", **variables):
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    # From elsewhere, as somebody would call it.
    return subprocess.run(
        [shell, str(folder / "run.sh"), *arguments],
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
        cwd="/",
        env={**kept, **variables},
    )


def test_the_request_is_what_the_client_sends():
    for asked, identity in [
        (Parameters(), {}),
        (Parameters(language="zh", context=HOSTILE, channel_id=(1, 0), enable_words=True), {"also_send_text": "true"}),
    ]:
        row = model_of(wire.MODEL)
        sent = wire.submit_body(
            "AUDIO_URL", requested(asked, row), model=wire.MODEL, row=row, also_send_text=bool(identity)
        )
        assert json.loads(request_json(asked, identity)) == sent


@pytest.mark.parametrize(
    ("model", "asked"),
    [
        ("fun-asr", Parameters(language="zh", vocabulary_id=HOSTILE, channel_id=(1, 0))),
        ("paraformer-v2", Parameters(language_hints=("zh", "en"))),
        ("qwen-audio-3.1-asr-flash-filetrans", Parameters()),
        ("qwen3-asr-flash", Parameters(language="zh", context=HOSTILE, enable_itn=True)),
        ("qwen3-asr-flash-2026-02-10", Parameters()),
    ],
)
def test_the_request_of_another_model_is_what_the_client_sends(model, asked):
    row = model_of(model)
    parameters = requested(asked, row)
    if row.path == "sync":
        sent = wire_sync.body_of("native", "AUDIO_URL", parameters, model=model)
    else:
        sent = wire.submit_body("AUDIO_URL", parameters, model=model, row=row)
    for identity in ({"model": model}, {"model": "whisper-base", "asked_model": model}):
        assert json.loads(request_json(asked, identity)) == sent


def test_what_others_wrote_is_text_and_nothing_else(reproducer):
    folder, asked = reproducer
    texts = {path.name: path.read_text() for path in folder.iterdir() if path.suffix in (".md", ".json", ".sh")}
    assert set(texts) == {"request.json", "answer.json", "run.sh", "README.md"}
    for name, text in texts.items():
        assert str(folder.parent) not in text, name
        assert str(Path.home()) not in text, name
        assert "\x1b" not in text, name
        assert "\u202e" not in text, name
    assert json.loads(texts["request.json"])["parameters"]["corpus"]["text"] == asked.context
    assert "pwned" not in texts["run.sh"]
    assert "https://dashscope.aliyuncs.com" in texts["run.sh"]
    # Outside of the fences the page has nothing of theirs; a fence ends with as many marks as it began with.
    outside, fence = [], None
    for line in texts["README.md"].splitlines():
        if fence is None and (match := re.match("(`{3,})text$", line)):
            fence = match[1]
        elif fence is not None and line == fence:
            fence = None
        elif fence is None:
            outside.append(line)
    assert fence is None
    assert not re.search("pwned|script|Kestrel|<b>", "\n".join(outside))
    assert not list(folder.parent.rglob("*pwned*"))


def test_paths_are_taken_out_of_errors_and_never_out_of_what_was_heard(tmp_path, monkeypatch):
    folder = tmp_path / "work"
    (folder / "in").mkdir(parents=True)
    monkeypatch.chdir(folder)
    (folder / "a.flac").write_bytes(b"")
    heard = f"see {folder}/x, {folder}shop and {Path.home()}"
    error = (
        f"{folder}/in/x: no; {folder}shop, /net{folder}, {folder}-2 and {folder}.bak stay; file://{folder}, {folder}."
    )
    asked = Parameters(context=f"{folder}")
    answers = [
        Reply(heard, "en", asked, channels=((0, heard, "en"),), words=((heard, 0.0, 1.0),)),
        Reply("", None, asked, state="failed", error_code="X", error=error),
    ]
    facts = Facts(
        {"engine": "local", "model": f"{folder}/model"},
        "says x",
        "It has it.",
        1,
        1,
        expected=heard,
        hidden=[folder / "in"],
    )
    write_reproducer(folder / "out", folder / "a.flac", asked, answers, facts)
    told = f".../x: no; {folder}shop, /net{folder}, {folder}-2 and {folder}.bak stay; file://..., ...."
    document = json.loads((folder / "out" / "answer.json").read_text())
    first, second = (one["answer"] for one in document["answers"])
    assert first["transcripts"][0]["text"] == first["words"][0]["text"] == heard
    assert second["error"] == told
    assert document["engine"]["model"] == ".../model"
    page = (folder / "out" / "README.md").read_text()
    assert page.count(heard) == 2
    assert f"failed: X {told}" in page
    assert error not in page


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
class TestRun:
    """The script, with curl, against the local service."""

    @pytest.mark.parametrize("shell", ["sh", "bash"])
    def test_it_asks_the_very_request(self, reproducer, served, shell):
        folder, asked = reproducer
        service, engine = served
        done = run(folder, service.url, shell=shell, DASHSCOPE_API_KEY=KEY)
        assert done.returncode == 0, done.stderr
        assert engine.asked[-1].parameters == asked
        answer = json.loads((folder / "answer-now.json").read_text())
        assert answer["transcripts"][0]["text"] == "hello Kestrel"
        assert json.loads(done.stdout) == answer
        assert not Path("/pwned").exists()
        assert not list(folder.rglob("*pwned*"))
        assert KEY not in done.stdout + done.stderr + "".join(p.read_text("latin-1") for p in folder.iterdir())

    @pytest.mark.parametrize(
        ("model", "text"),
        [("fun-asr", "hello"), ("qwen3-asr-flash", "hello Kestrel")],  # the one is sent no context
    )
    def test_it_asks_other_models_too(self, served, tmp_path, model, text):
        service, engine = served
        asked = Parameters(language="de", context=HOSTILE)
        soundfile.write(tmp_path / "part.flac", samples()[int(2.9 * RATE) : int(3.6 * RATE)], RATE)
        named = {"engine": "local", "model": "whisper-base", "asked_model": model, "region": "local"}
        facts = Facts({**named, "mode": "compatible"}, "says it", "The answer has it.", 1, 1)
        write_reproducer(tmp_path / "out", tmp_path / "part.flac", asked, [reply("x")], facts)
        done = run(tmp_path / "out", service.url, DASHSCOPE_API_KEY=KEY)
        assert done.returncode == 0, done.stderr
        sent = engine.asked[-1].parameters
        assert (sent.language, sent.context) == ("de", HOSTILE if "Kestrel" in text else None)
        answer = json.loads((tmp_path / "out" / "answer-now.json").read_text())
        assert json.loads(done.stdout) == answer
        (said,) = answer.get("transcripts") or answer["output"]["choices"][0]["message"]["content"]
        assert said["text"] == text
        failed = run(tmp_path / "out", service.url, DASHSCOPE_API_KEY=KEY, AUDIO_URL="https://127.0.0.1:1/none.wav")
        assert failed.returncode == 1
        assert failed.stdout
        page = (tmp_path / "out" / "README.md").read_text()
        assert ("`TASK`" in page) == (model == "fun-asr")
        assert ("`compatible`" in page) == (model != "fun-asr")

    @pytest.mark.parametrize(
        ("model", "answer", "told"),
        [
            ("qwen3-asr-flash", {"code": "InternalError", "message": "oops"}, "InternalError"),
            ("qwen3-asr-flash", {"code": "ASR_RESPONSE_HAVE_NO_WORDS", "message": "none"}, None),
            ("qwen3-asr-flash", {"output": {"choices": [{"message": {"content": [{"text": 'a "code": "x"'}]}}]}}, None),
            (
                "fun-asr",
                {"output": {"task_id": "t-1", "task_status": "SUCCEEDED",
                            "results": [{"code": "InvalidFile.DownloadFailed", "subtask_status": "FAILED"}]}},
                "InvalidFile.DownloadFailed",
            ),
            (
                "fun-asr",
                {"output": {"task_id": "t-1", "task_status": "SUCCEEDED",
                            "results": [{"code": "SUCCESS_WITH_NO_VALID_FRAGMENT", "subtask_status": "FAILED"}]}},
                None,
            ),
        ],
    )  # fmt: skip
    def test_complaints_that_look_like_a_success_are_told(self, tmp_path, model, answer, told):
        soundfile.write(tmp_path / "part.flac", samples()[:RATE], RATE)
        facts = Facts({"engine": "local", "asked_model": model}, "says it", "The answer has it.", 1, 1)
        write_reproducer(tmp_path / "out", tmp_path / "part.flac", Parameters(), [reply("x")], facts)
        with recording_server() as server:
            server.answer = lambda path: (200, {}, json.dumps({"request_id": "r", **answer}).encode())
            done = run(tmp_path / "out", server.url, DASHSCOPE_API_KEY=KEY, AUDIO_URL="https://media.example.org/a.wav")
        assert json.loads((tmp_path / "out" / "answer-now.json").read_text()) == {"request_id": "r", **answer}
        assert (done.returncode, (told or "") in done.stderr.splitlines()[-1]) == (1 if told else 0, True)

    def test_base_urls_may_be_written_with_their_path(self, reproducer, served):
        done = run(reproducer[0], f"{served[0].url}/api/v1/", DASHSCOPE_API_KEY=KEY)
        assert done.returncode == 0, done.stderr

    def test_a_link_is_sent_as_it_is(self, reproducer, served, tmp_path):
        from stand_ins import file_server

        from asrlab.server.run import serve

        shutil.copy(reproducer[0] / "audio.flac", tmp_path)
        engine = Trigger()
        with file_server(tmp_path) as files, serve(engine, limits=None, media=(files.url,)) as service:
            link = f"{files.url}/audio.flac?Expires=1&Signature=a%2Fb|"
            refused = run(reproducer[0], service.url, AUDIO_URL=link)
            assert refused.returncode == 1
            assert "percent-encode" in refused.stderr
            for broken in (f"{files.url}/audio.flac\n", f"{files.url}/\naudio.flac"):
                refused = run(reproducer[0], service.url, AUDIO_URL=broken)
                assert "percent-encode" in refused.stderr
                assert "sed" not in refused.stderr
            done = run(reproducer[0], service.url, AUDIO_URL=link.rstrip("|"))
            assert done.returncode == 0, done.stderr
            assert service.status()["requests"].get("upload", 0) == 0
            assert len(files.seen) >= 1

    @pytest.mark.parametrize(
        ("arguments", "key", "said"),
        [
            (["http://example.org"], KEY, "asked by https"),
            (["https://example.org"], "", "Set DASHSCOPE_API_KEY"),
            (["https://example.org"], 'a"\nurl = "x', "no key has"),
            (["ftp://example.org"], KEY, "asked by https"),
            (["http://127.0.0.1:1@127.0.0.2:18999"], KEY, "named by a port"),
            (["http://localhost:80@example.org:80/x"], KEY, "named by a port"),
            (["http://127.0.0.1:"], KEY, "named by a port"),
            (["http://127.0.0.1:80/api/v1/x"], KEY, "named by a port"),
        ],
    )
    def test_it_sends_no_key_in_the_clear_and_no_other(self, reproducer, arguments, key, said):
        done = run(reproducer[0], *arguments, DASHSCOPE_API_KEY=key)
        assert done.returncode == 1
        assert said in done.stderr

    def test_what_was_sent_is_asked_for_until_it_is_there(self, reproducer, served):
        folder, _ = reproducer
        service, engine = served
        before = len(engine.asked)
        for fault in ("query=500", "query=429", "query=drop-before", "result=503"):
            service.fault(fault)
        done = run(folder, service.url, DASHSCOPE_API_KEY=KEY)
        assert done.returncode == 0, done.stderr
        assert len(engine.asked) == before + 1
        assert re.findall("status (...); asking again", done.stderr) == ["500", "429", "000", "503"]
        task = re.search("with TASK=([^ ]+) in", done.stderr)[1]
        again = run(folder, service.url, DASHSCOPE_API_KEY=KEY, TASK=task)
        assert again.returncode == 0, again.stderr
        assert json.loads(again.stdout) == json.loads(done.stdout)
        assert len(engine.asked) == before + 1
        for wrong, said in (("../uploads", "No task in: ../uploads"), (f"{task}\n", "No task in")):
            refused = run(folder, service.url, DASHSCOPE_API_KEY=KEY, TASK=wrong)
            assert refused.returncode == 1
            assert said in refused.stderr
        assert len(engine.asked) == before + 1

    def test_what_the_service_says_is_told(self, reproducer, served):
        service, _ = served
        wrong = run(reproducer[0], service.url, DASHSCOPE_API_KEY="sk-other")
        assert wrong.returncode == 1
        assert "InvalidApiKey" in wrong.stderr
        service.fault("task=DECODE_ERROR")
        failed = run(reproducer[0], service.url, DASHSCOPE_API_KEY=KEY)
        assert failed.returncode == 1
        assert "DECODE_ERROR" in failed.stdout
        assert "FAILED" in failed.stderr
        service.fault("task=SUCCESS_WITH_NO_VALID_FRAGMENT")
        silent = run(reproducer[0], service.url, DASHSCOPE_API_KEY=KEY)
        assert silent.returncode == 0, silent.stderr
        assert "empty transcript" in silent.stderr

    def test_a_shrunk_case_is_run_as_it_was_saved(self, served, tmp_path):
        """From a hostile utterance under a sweep of the service's own protocol to curl."""
        service, engine = served
        sweep = case(tmp_path, Trigger(), utt_id=TRAVERSAL, store="s")
        shrunk = shrink(
            sweep,
            utt_id=TRAVERSAL,
            condition="language=de, context=terms",
            fails="says Kestrel",
            control={"language": None},
            folder=tmp_path / "out",
            slice_s=1.0,
            shortest_s=6.0,
            repeats=2,
            expected=TRAVERSAL,
        )
        assert shrunk.folder == tmp_path / "out" / "reproducer"
        assert {path.name for path in tmp_path.iterdir()} == {"recording.wav", "out"}
        assert {p.name for p in shrunk.folder.iterdir()} == {
            "audio.flac", "request.json", "run.sh", "answer.json", "README.md"
        }  # fmt: skip
        assert os.access(shrunk.folder / "run.sh", os.X_OK)
        assert len(json.loads((shrunk.folder / "answer.json").read_text())["answers"]) == 2
        done = run(shrunk.folder, service.url, DASHSCOPE_API_KEY=KEY)
        assert done.returncode == 0, done.stderr
        assert engine.asked[-1].parameters == shrunk.request.parameters
        assert json.loads(done.stdout)["transcripts"][0]["text"] == shrunk.replies[0].text
        assert "<b>" not in shrunk._repr_html_()
