"""Every engine of the house against the contract of all."""

from __future__ import annotations

import asyncio
import functools
import inspect
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from engine_contract import Asked, EngineContract

from asrlab.data.audio import decode
from asrlab.engines.base import UNWATCHED
from asrlab.engines.filetrans import FiletransEngine
from asrlab.engines.flash import FlashEngine
from asrlab.engines.local import LocalEngine
from asrlab.engines.scripted import ScriptedEngine
from asrlab.engines.sphinx import SphinxEngine
from asrlab.engines.whisper import WhisperEngine
from asrlab.errors import InvalidInput

KEY = "sk-planted-key"
CONTRIBUTING = Path(__file__).parents[1] / "CONTRIBUTING.md"

erring = functools.partial(ScriptedEngine, substitutions=0.3, deletions=0.1, insertions=0.1)


class TestScripted(EngineContract):
    @pytest.fixture(scope="class")
    @classmethod
    def make(cls):
        return erring


class TestScriptedAsAPaidService(EngineContract):
    @pytest.fixture(scope="class")
    @classmethod
    def make(cls):
        return functools.partial(erring, free=False)


class TestSphinx(EngineContract):
    @pytest.fixture(scope="class")
    @classmethod
    def make(cls, digits):
        pytest.importorskip("pocketsphinx")
        pytest.importorskip("wetext")
        cls.recording = digits
        return SphinxEngine


class TestWhisper(EngineContract):
    @pytest.fixture(scope="class")
    @classmethod
    def make(cls):
        pytest.importorskip("faster_whisper")
        pytest.importorskip("wetext")
        return functools.partial(WhisperEngine, threads=2)


class TestLocalWithScripted(EngineContract):
    @pytest.fixture(scope="class")
    @classmethod
    def make(cls):
        pytest.importorskip("starlette")
        from asrlab.server.run import serve

        with serve(erring(), limits=None) as service:
            yield functools.partial(LocalEngine, url=service.url)


class TestLocalWithSphinx(EngineContract):
    @pytest.fixture(scope="class")
    @classmethod
    def make(cls, digits):
        for package in ("starlette", "pocketsphinx", "wetext"):
            pytest.importorskip(package)
        cls.recording = digits
        from asrlab.server.run import serve

        with serve("sphinx", limits=None) as service:
            yield functools.partial(LocalEngine, "sphinx", url=service.url)


class Paid(FiletransEngine):
    """The paid service's engine, that takes the local service for it."""

    def _refuse_stand_in(self, answer):
        pass


class TestFiletrans(EngineContract):
    secret = KEY

    @pytest.fixture(scope="class")
    @classmethod
    def make(cls):
        pytest.importorskip("starlette")
        from asrlab.server.run import serve

        with serve(erring(), limits=None, key=KEY) as service:
            yield functools.partial(Paid, api_key=KEY, base_url=service.base_url)


class TestSibling(EngineContract):
    secret = KEY

    @pytest.fixture(scope="class")
    @classmethod
    def make(cls):
        pytest.importorskip("starlette")
        from asrlab.server.run import serve

        with serve(erring(), limits=None, key=KEY, vocabularies={"vocab-1": ["Kestrel"]}) as service:
            yield functools.partial(Paid, "fun-asr", api_key=KEY, base_url=service.base_url)


class PaidAtOnce(FlashEngine):
    """The paid service's engine of models that answer at once, that takes the local service for it."""

    def _refuse_stand_in(self, answer):
        pass


class TestFlash(EngineContract):
    secret = KEY

    @pytest.fixture(scope="class", params=["native", "compatible-stream"])
    @classmethod
    def make(cls, request):
        pytest.importorskip("starlette")
        from asrlab.server.run import serve

        with serve(erring(), limits=None, key=KEY) as service:
            yield functools.partial(PaidAtOnce, mode=request.param, api_key=KEY, base_url=service.base_url)


class TestLocalAsAnotherModel(EngineContract):
    @pytest.fixture(scope="class", params=["qwen3-asr-flash", "paraformer-v2"])
    @classmethod
    def make(cls, request):
        pytest.importorskip("starlette")
        from asrlab.server.run import serve

        with serve(erring(), limits=None, vocabularies={"vocab-1": ["Kestrel"]}) as service:
            yield functools.partial(LocalEngine, url=service.url, model=request.param)


def engine_of_the_manual():
    """The engine and the test class that CONTRIBUTING.md shows in full."""
    code = re.findall(r"```python\n(.*?)```", CONTRIBUTING.read_text("utf-8"), re.DOTALL)
    names = {"__name__": "loudness", "EngineContract": EngineContract, "pytest": pytest}
    exec("\n".join(code), names)
    return names["LoudnessEngine"], names["TestLoudness"]


LoudnessEngine, TestTheEngineOfTheManual = engine_of_the_manual()


class TestLocalWithTheEngineOfTheManual(EngineContract):
    @pytest.fixture(scope="class")
    @classmethod
    def make(cls):
        pytest.importorskip("starlette")
        from asrlab.server.run import serve

        with serve(LoudnessEngine(), limits=None) as service:
            yield functools.partial(LocalEngine, url=service.url)


# That the contract can be broken.


class Deaf(ScriptedEngine):
    """Says that it obeys a context, and does not."""

    async def transcribe(self, question, steps=UNWATCHED):
        asked = replace(question.parameters, context=None)
        return await super().transcribe(replace(question, parameters=asked), steps)


class Silent(ScriptedEngine):
    """Ignores a context, and does not report it."""

    capabilities = replace(ScriptedEngine.capabilities, parameters=ScriptedEngine.capabilities.parameters - {"context"})

    async def transcribe(self, question, steps=UNWATCHED):
        answer = await super().transcribe(question, steps)
        assert answer.unsupported == ()
        return answer


class Moody(ScriptedEngine):
    """Answers the same question otherwise each time."""

    async def transcribe(self, question, steps=UNWATCHED):
        self._seed += 1
        return await super().transcribe(question, steps)


class Disorderly(ScriptedEngine):
    """Sorts the channels."""

    async def transcribe(self, question, steps=UNWATCHED):
        answer = await super().transcribe(question, steps)
        return replace(answer, transcripts=tuple(sorted(answer.transcripts, key=lambda t: t.channel)))


class Hasty(ScriptedEngine):
    """Costs money, and tells of it afterwards."""

    free = False

    async def transcribe(self, question, steps=UNWATCHED):
        answer = await super().transcribe(question)
        await steps.submitted(answer.task_id)
        await steps.sending("oss://scripted")
        return answer


class Guessing(ScriptedEngine):
    """Answers even where there is no audio."""

    async def transcribe(self, question, steps=UNWATCHED):
        if question.audio.endswith("absent.wav"):
            question = replace(question, audio=str(EngineContract.recording))
        return await super().transcribe(question, steps)


class Homeless(ScriptedEngine):
    """Does not say where it answered."""

    @property
    def identity(self):
        return {name: text for name, text in super().identity.items() if name != "region"}


class Lenient(ScriptedEngine):
    """Takes at first what it refuses later."""

    async def transcribe(self, question, steps=UNWATCHED):
        if question.parameters.language == "tlh":
            raise InvalidInput("There is no such language.")
        return await super().transcribe(question, steps)


class Talkative(ScriptedEngine):
    """Shows its key."""

    def __repr__(self):
        return f"<Talkative with {KEY}>"


@pytest.mark.parametrize(
    ("kind", "clause"),
    [
        (Deaf, "what_it_obeys_acts"),
        (Silent, "what_it_ignores_is_reported_and_changes_nothing"),
        (Moody, "the_same_question_has_the_same_answer_alone_and_among_others"),
        (Disorderly, "each_channel_asked_for_is_answered_in_that_order"),
        (Hasty, "steps_are_told_in_order_and_a_task_can_be_collected"),
        (Hasty, "nothing_goes_on_where_a_step_cannot_be_noted"),
        (Guessing, "what_is_no_audio_is_refused_and_the_engine_goes_on"),
        (Lenient, "a_language_that_it_does_not_know_is_reported_or_refused"),
        (Homeless, "its_identity_is_of_texts_and_says_engine_model_and_region"),
        (Talkative, "its_repr_is_short_and_shows_no_key"),
    ],
)
def test_an_engine_that_breaks_the_contract_fails(kind, clause, tmp_path):
    make = functools.partial(kind, substitutions=0.3, free=kind.free)
    said = decode(EngineContract.recording)[0]
    soundfile.write(tmp_path / "stereo.wav", np.stack([said, said], axis=1), 16_000)
    contract = EngineContract()
    contract.secret = KEY
    with asyncio.Runner() as runner:
        given = {
            "make": make,
            "ask": Asked(make(), runner, EngineContract.recording),
            "stereo": tmp_path / "stereo.wav",
            "name": "context",
            "tmp_path": tmp_path,
        }
        test = getattr(contract, f"test_{clause}")
        with pytest.raises((AssertionError, InvalidInput, pytest.fail.Exception)):
            test(**{name: given[name] for name in inspect.signature(test).parameters})
