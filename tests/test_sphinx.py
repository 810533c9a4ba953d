"""pocketsphinx: English heard, and every parameter it cannot obey reported."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest
import soundfile

from asrlab.data.audio import decode
from asrlab.engines.base import Parameters, Question
from asrlab.engines.sphinx import SphinxEngine
from asrlab.errors import TaskFailed

pytest.importorskip("pocketsphinx")
pytest.importorskip("wetext")


@pytest.fixture(scope="module")
def ask():
    with asyncio.Runner() as runner:
        engine = SphinxEngine()
        runner.run(engine.__aenter__())
        yield lambda path, **parameters: runner.run(
            engine.transcribe(Question(str(path), Parameters.from_mapping(parameters)))
        )
        runner.run(engine.__aexit__(None, None, None))


def test_english_is_heard_the_same_way_each_time(ask, digits, capfd):
    first = ask(digits)
    assert "five five zero one four two" in first.transcripts[0].text
    assert (first.transcripts[0].language, first.unsupported) == ("en", ())
    assert ask(digits) == first
    assert capfd.readouterr() == ("", "")


def test_itn_writes_digits(ask, digits):
    assert "550142" in ask(digits, enable_itn=True).transcripts[0].text


def test_what_it_cannot_obey_is_reported(ask, digits):
    answer = ask(digits, language="zh", context="Kestrel", enable_words=True, enable_itn=True)
    assert answer.unsupported == ("context", "enable_words", "language")
    assert answer.context_tokens == 0
    assert ask(digits, language="en").unsupported == ()


def test_channels_and_silence(ask, digits, tmp_path):
    said = decode(digits)[0]
    soundfile.write(tmp_path / "a.wav", np.stack([np.zeros_like(said), said], axis=1), 16_000)
    silent, heard = ask(tmp_path / "a.wav", channel_id=[0, 1]).transcripts
    assert (silent.text, silent.sentences) == ("", ())
    assert "five five zero" in heard.text
    with pytest.raises(TaskFailed, match="channels 0 to 1"):
        ask(tmp_path / "a.wav", channel_id=[2])
