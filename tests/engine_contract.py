"""What every engine keeps to: a test class inherits `EngineContract`, and says how its engine is made.

::

    class TestMine(EngineContract):
        @pytest.fixture(scope="class")
        @classmethod
        def make(cls):
            return MyEngine
"""

from __future__ import annotations

import asyncio
import inspect
import json
import math
import warnings
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from stand_ins import Noted

from asrlab.data.audio import decode, probe
from asrlab.engines.base import UNWATCHED, Engine, Parameters, Question
from asrlab.errors import InvalidInput, TaskFailed

PARAMETERS = [field.name for field in fields(Parameters)]
DICTATION = Path(__file__).parents[1] / "datasets" / "dictation" / "audio"


def check_options(kind):
    """Check that a class declares each option of its constructor, as one thing or the other, and none besides."""
    taken = inspect.signature(kind).parameters.values()
    assert not [p.name for p in taken if p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD)], "options have names"
    assert set(kind.options) == {p.name for p in taken}, "each option, and no other, is declared in `options`"
    assert set(kind.options.values()) <= {"identity", "runtime"}


class Asked:
    """An engine that is held entered for many questions, with what it has answered."""

    def __init__(self, engine, runner, mono):
        self.engine = engine
        self.mono = mono
        self._runner = runner
        self._answered = {}

    def __call__(self, audio=None, **parameters):
        """Give the answer to a question, which is asked once."""
        question = self._question(audio, parameters)
        if question not in self._answered:
            self._answered[question] = self._runner.run(self.engine.transcribe(question))
        return self._answered[question]

    def anew(self, audio=None, *, steps=UNWATCHED, task_id=None, **parameters):
        question = replace(self._question(audio, parameters), task_id=task_id)
        return self._runner.run(self.engine.transcribe(question, steps))

    def at_once(self, *settings):
        async def ask():
            questions = [self._question(None, parameters) for parameters in settings]
            return await asyncio.gather(*map(self.engine.transcribe, questions))

        return self._runner.run(ask())

    def _question(self, audio, parameters):
        return Question(str(audio or self.mono), Parameters(**parameters))


def texts(answer):
    return [transcript.text for transcript in answer.transcripts]


def heard(answer):
    """All of an answer that a parameter may act on."""
    said = [(t.channel, t.text, t.language, any(s.words for s in t.sentences)) for t in answer.transcripts]
    return said, answer.context_tokens


class EngineContract:
    """Real audio is asked about; what an engine says of itself is held against what it does."""

    recording = DICTATION / "en" / "en-flite_awb-1.flac"
    """English of one channel, with a number in it that ITN writes in digits."""
    secret = None
    """A key the engine was made with, which it must not show."""

    @pytest.fixture(scope="class")
    @classmethod
    def make(cls):
        """Give a function that makes the engine."""
        raise NotImplementedError

    @pytest.fixture(scope="class")
    @classmethod
    def ask(cls, make):
        with asyncio.Runner() as runner:
            engine = make()
            runner.run(engine.__aenter__())
            try:
                yield Asked(engine, runner, cls.recording)
            finally:
                runner.run(engine.__aexit__(None, None, None))

    @pytest.fixture(scope="class")
    @classmethod
    def stereo(cls, tmp_path_factory):
        """The recording on channel 1, and nothing on channel 0."""
        said = decode(cls.recording)[0]
        path = tmp_path_factory.mktemp("contract") / "stereo.flac"
        soundfile.write(path, np.stack([np.zeros_like(said), said], axis=1), 16_000)
        return path

    # What it says of itself.

    def test_it_is_an_engine_whose_options_are_declared(self, make):
        engine = make()
        assert isinstance(engine, Engine)
        assert isinstance(type(engine).name, str)
        check_options(type(engine))

    def test_its_identity_is_of_texts_and_says_engine_model_and_region(self, ask):
        identity = dict(ask.engine.identity)
        assert {"engine", "model", "region"} <= set(identity)
        assert identity["engine"] == ask.engine.name
        assert all(isinstance(text, str) and text for item in identity.items() for text in item)
        runtime = {name for name, kind in ask.engine.options.items() if kind == "runtime"}
        assert not runtime & set(identity)
        ask()
        assert dict(ask.engine.identity) == identity

    def test_its_capabilities_name_parameters_and_languages(self, ask):
        takes = ask.engine.capabilities
        assert takes.parameters <= set(PARAMETERS)
        assert takes.languages is None or all(isinstance(code, str) for code in takes.languages)
        assert takes.itn_languages is None or all(isinstance(code, str) for code in takes.itn_languages)
        for most in (takes.context_tokens, takes.audio_s, takes.audio_bytes):
            assert most is None or most > 0

    def test_what_a_runner_needs_to_know_has_its_type(self, ask):
        engine = ask.engine
        assert isinstance(engine.free, bool)
        assert engine.concurrency >= 1
        assert engine.submits_per_minute > 0
        assert engine.throttled == 0
        assert engine.server is None or isinstance(engine.server, str)

    def test_its_repr_is_short_and_shows_no_key(self, make):
        shown = repr(make())
        assert any(kind.__name__ in shown for kind in type(make()).__mro__)
        assert len(shown) <= 100
        assert " object at 0x" not in shown
        assert self.secret is None or self.secret not in shown

    def test_nothing_of_an_answer_shows_a_key(self, ask):
        answer = ask()
        shown = json.dumps([dict(ask.engine.identity), dict(answer.raw)]) + repr(answer)
        assert self.secret is None or self.secret not in shown

    # What it does.

    def test_its_answer_is_sound(self, ask):
        answer = ask(**{"enable_words": True} if "enable_words" in ask.engine.capabilities.parameters else {})
        (transcript,) = answer.transcripts
        facts = probe(ask.mono)
        assert transcript.channel == 0
        assert transcript.text.strip() == transcript.text != ""
        if transcript.sentences:
            assert "".join("".join(s.text for s in transcript.sentences).split()) == "".join(transcript.text.split())
        for part in (transcript.sentences, *(sentence.words for sentence in transcript.sentences)):
            times = [time for piece in part for time in (piece.begin_ms, piece.end_ms)]
            assert times == sorted(times)
            assert all(0 <= time <= 1000 * facts.duration_s + 1 for time in times)
        assert answer.audio_s is None or facts.duration_s - 0.001 <= answer.audio_s <= math.ceil(facts.duration_s)
        if ask.engine.free:  # a paid service may be more exact about its model than its name is
            identity = ask.engine.identity
            assert answer.model == f"{identity['model']} {identity.get('version', '')}".rstrip()

    def test_the_same_question_has_the_same_answer_alone_and_among_others(self, ask):
        one, other = {}, {"context": "Kestrel"}
        together = ask.at_once(other, one)
        assert [heard(answer) for answer in together] == [heard(ask(**other)), heard(ask(**one))]

    def test_what_it_ignores_is_reported_and_changes_nothing(self, ask, stereo):
        given = {
            "language": "en",
            "enable_itn": True,
            "context": "Kestrel",
            "channel_id": (1,),
            "enable_words": True,
            "language_hints": ("en",),
            "vocabulary_id": "vocab-1",
        }
        assert set(given) == set(PARAMETERS)
        assert set(ask.engine.capabilities.ignored) == set(PARAMETERS) - ask.engine.capabilities.parameters
        for name in sorted(ask.engine.capabilities.ignored):
            audio = stereo if name == "channel_id" else None
            plain, answer = ask(audio), ask(audio, **{name: given[name]})
            assert (plain.unsupported, answer.unsupported) == ((), (name,))
            assert [(text, words) for _, text, _, words in heard(answer)[0]] == [
                (text, words) for _, text, _, words in heard(plain)[0]
            ]

    @pytest.mark.parametrize("name", PARAMETERS)
    def test_what_it_obeys_acts(self, ask, stereo, name):
        takes = ask.engine.capabilities
        if name not in takes.parameters:
            pytest.skip("it says that it does not")
        if name == "channel_id":
            assert [t.channel for t in ask(stereo, channel_id=(1,)).transcripts] == [1]
            return
        plain = ask()
        others = sorted((takes.languages or {"en", "zh"}) - {plain.transcripts[0].language})
        if name == "language" and not others:
            (only,) = takes.languages
            assert ask(language=only).unsupported == ()
            return
        given = {
            "language": (others or [None])[-1],
            "enable_itn": True,
            "context": "Kestrel",
            "enable_words": True,
            "language_hints": tuple(others[-1:]),
            "vocabulary_id": "vocab-1",
        }
        answer = ask(**{name: given[name]})
        assert answer.unsupported == ()
        assert heard(answer) != heard(plain)
        if name == "enable_words":
            assert heard(answer)[0][0][3]
            assert not heard(plain)[0][0][3]
        if name == "context" and takes.context_tokens is not None and answer.context_tokens is not None:
            assert 0 < answer.context_tokens <= takes.context_tokens

    def test_a_language_that_it_does_not_know_is_reported_or_refused(self, ask):
        try:
            ask.engine.check(Parameters(language="tlh"))
        except InvalidInput:
            with pytest.raises(InvalidInput):
                ask(language="tlh")
            return
        answer = ask(language="tlh")
        assert answer.unsupported == ("language",)
        assert texts(answer) == texts(ask())

    def test_itn_in_a_language_without_it_is_reported(self, ask):
        takes = ask.engine.capabilities
        if "enable_itn" not in takes.parameters or takes.itn_languages is None or takes.languages is None:
            pytest.skip("it has ITN everywhere, or nowhere")
        if not (without := sorted(takes.languages - takes.itn_languages)):
            pytest.skip("it has ITN in all of its languages")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it may be said before, too
            assert ask(language=without[0], enable_itn=True).unsupported == ("enable_itn",)

    def test_each_channel_asked_for_is_answered_in_that_order(self, ask, stereo):
        if "channel_id" not in ask.engine.capabilities.parameters:
            pytest.skip("it says that it does not")
        for channels in ((1,), (0, 1), (1, 0)):
            answer = ask(stereo, channel_id=channels)
            assert tuple(t.channel for t in answer.transcripts) == channels
            assert answer.audio_s is None or answer.audio_s >= len(channels) * (probe(stereo).duration_s - 0.001)
        with pytest.raises((InvalidInput, TaskFailed)):
            ask(stereo, channel_id=(0, 2))

    def test_what_is_no_audio_is_refused_and_the_engine_goes_on(self, ask, tmp_path):
        (tmp_path / "text.wav").write_text("this is no audio")
        (tmp_path / "empty.wav").touch()
        told = Noted()
        for name in ("absent.wav", "text.wav", "empty.wav"):
            with pytest.raises(InvalidInput):
                ask.anew(tmp_path / name, steps=told)
        assert told.told == []
        assert texts(ask.anew()) == texts(ask())

    def test_steps_are_told_in_order_and_a_task_can_be_collected(self, ask):
        steps, later = Noted(), Noted()
        answer = ask.anew(steps=steps)
        told = [name for name, _ in steps.told]
        assert told in ([["sending", "submitted"]] if answer.task_id else [["sending"], []])
        assert told or ask.engine.free, "what costs money is told before it is sent"
        if answer.task_id:
            assert steps.told[1][1] == answer.task_id
            assert heard(ask.anew(steps=later, task_id=answer.task_id)) == heard(answer)
            assert later.told == []

    def test_nothing_goes_on_where_a_step_cannot_be_noted(self, ask):
        class Full(Noted):
            async def sending(self, link):
                await super().sending(link)
                raise OSError("No space left on device")

        steps, told = Full(), Noted()
        ask.anew(steps=told)
        if not told.told:
            pytest.skip("it tells of no steps")
        with pytest.raises(OSError, match="No space"):
            ask.anew(steps=steps)
        assert [name for name, _ in steps.told] == ["sending"]

    def test_it_may_be_entered_again_from_another_loop(self, make):
        engine = make()

        async def scenario():
            async with engine as entered:
                assert entered is engine
                answer = await engine.transcribe(Question(str(self.recording)))
                return heard(answer), dict(engine.identity)

        assert asyncio.run(scenario()) == asyncio.run(scenario())
