"""Sound: players hold what browsers play, clips begin before what is to be heard, and what is not there is said."""

from __future__ import annotations

import base64
import io
import re
import wave
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import soundfile
from markup_reader import Reader
from recordings import tones, write

from asrlab.data.dataset import Dataset
from asrlab.data.listening import clip
from asrlab.errors import InvalidInput
from asrlab.scoring.marking import score
from asrlab.views import html
from asrlab.views.html.sound import Room, worst
from asrlab.views.markup import Html
from asrlab.views.stack import Cell

RATE = 16_000


@pytest.fixture
def here(tmp_path):
    """Two utterances of 8 seconds, in which each second sounds another tone."""
    tone = np.concatenate([tones([200 + 100 * second], RATE)[0] for second in range(8)])
    for name in "ab":
        soundfile.write(tmp_path / f"{name}.wav", tone, RATE)
    utterances = pd.DataFrame({"utt_id": ["a", "b"], "audio": ["a.wav", "b.wav"], "language": "en"})
    said = "one two three four five six seven eight"
    references = pd.DataFrame({"utt_id": ["a", "b"], "text": said})
    return Dataset("here", utterances, references, audio_root=tmp_path)


def sounds(markup):
    """Decode what the players of some markup hold: type, samples and rate."""
    for mime, data in re.findall(r'src="data:([^;]*);base64,([^"]*)"', markup):
        samples, rate = soundfile.read(io.BytesIO(base64.b64decode(data)), always_2d=True)
        yield mime, samples.T, rate


def pitch(samples, rate):
    """Frequency in Hz that is strongest."""
    return np.abs(np.fft.rfft(samples)).argmax() * rate / len(samples)


# -- clips -------------------------------------------------------------------------------------------------------------


def test_a_clip_holds_the_samples_of_its_stretch(here):
    whole, _ = soundfile.read(here.audio_path("a"))
    cut, rate = soundfile.read(io.BytesIO(here.clip("a", 2.25, 3.5)))
    assert rate == RATE
    np.testing.assert_allclose(cut, whole[36_000:56_000], atol=1e-4)
    every, _ = soundfile.read(io.BytesIO(here.clip("a")))
    np.testing.assert_allclose(every, whole, atol=1e-4)
    assert len(soundfile.read(io.BytesIO(here.clip("a", 7.5, 99)))[0]) == RATE // 2
    assert len(soundfile.read(io.BytesIO(here.clip("a", -1, 1)))[0]) == RATE
    assert len(soundfile.read(io.BytesIO(here.clip("a", begin_s=7)))[0]) == RATE


@pytest.mark.parametrize(
    ("begin_s", "end_s"), [(2, 2), (3, 1), (float("nan"), 1), (0, float("nan")), (8.5, 9), (9, None)]
)
def test_a_clip_of_nothing_is_refused(here, begin_s, end_s):
    with pytest.raises(InvalidInput):
        here.clip("a", begin_s, end_s)


@pytest.mark.parametrize(("rate", "wanted"), [(96_000, 48_000), (44_100, 44_100), (4_000, 8_000)])
def test_a_clip_has_a_rate_that_browsers_play(tmp_path, rate, wanted):
    soundfile.write(tmp_path / "x.wav", tones([1000, 500], rate).T, rate)
    samples, found = soundfile.read(io.BytesIO(clip(tmp_path / "x.wav", 0, 1)))
    assert (found, samples.shape) == (wanted, (wanted, 2))
    assert pitch(samples[:, 0], found) == pytest.approx(1000, abs=2)


# -- players -----------------------------------------------------------------------------------------------------------


def test_player_holds_the_file_as_it_is(here):
    shown = html.player(here, "a")
    (mime,) = [mime for mime, _, _ in sounds(shown.markup)]
    assert mime == "audio/wav"
    assert base64.b64encode(here.audio_path("a").read_bytes()).decode() in shown.markup
    assert Reader(shown.markup).seen == ["audio"]  # JupyterLab drops the source of an element inside it
    assert "<audio controls" in shown.markup
    assert repr(shown) == "[audio: a]"


def test_player_of_a_stretch_begins_half_a_second_before_it(here):
    shown = html.player(here, "a", start_s=3.0, end_s=3.9)
    ((mime, samples, rate),) = sounds(shown.markup)
    assert mime == "audio/flac"
    assert samples.shape == (1, round(1.9 * RATE))
    assert pitch(samples[0][: RATE // 2], rate) == pytest.approx(400, abs=2)  # what sounds in second 2
    assert pitch(samples[0][RATE // 2 : RATE], rate) == pytest.approx(500, abs=2)
    assert repr(shown) == "[audio: a, 2.5 to 4.4 s]"
    assert 'title="a, 2.5 to 4.4 s"' in shown.markup
    assert repr(html.player(here, "a", start_s=0.2, end_s=1)) == "[audio: a, 0.0 to 1.5 s]"
    assert repr(html.player(here, "a", start_s=7)) == "[audio: a, from 6.5 s]"


@pytest.mark.parametrize(
    ("name", "form", "subtype"),
    [
        *(("x.sph", "NIST", "PCM_16"), ("x.wav", "NIST", "PCM_16"), ("x.aiff", "AIFF", "PCM_16")),
        *(("x.wav", "WAV", "ULAW"), ("x.wav", "WAV", "ALAW"), ("x.wav", "WAV", "GSM610")),
        *(("x.au", "AU", "PCM_16"), ("x.caf", "CAF", "PCM_16")),
    ],
)
def test_what_browsers_do_not_play_is_coded_anew(tmp_path, name, form, subtype):
    tone = tones([1000], 8_000)[0]
    soundfile.write(tmp_path / name, tone, 8_000, format=form, subtype=subtype)
    made = Dataset("x", pd.DataFrame({"utt_id": ["x"], "audio": [name]}), audio_root=tmp_path)
    ((mime, samples, rate),) = sounds(html.player(made, "x").markup)
    assert (mime, rate) == ("audio/flac", 8_000)
    assert pitch(samples[0], rate) == pytest.approx(1000, abs=2)


@pytest.mark.parametrize(
    ("name", "form", "subtype", "expected"),
    [
        ("x.wav", "WAV", "PCM_16", "audio/wav"),
        ("x.wav", "WAV", "FLOAT", "audio/wav"),
        ("x.wav", "WAVEX", "PCM_24", "audio/wav"),
        ("x.dat", "FLAC", "PCM_16", "audio/flac"),
        ("x.mp3", "MP3", "MPEG_LAYER_III", "audio/mpeg"),
        ("x.ogg", "OGG", "OPUS", "audio/ogg"),
        ("x.ogg", "OGG", "VORBIS", "audio/ogg"),
    ],
)
def test_what_browsers_play_is_left_as_it_is(tmp_path, name, form, subtype, expected):
    soundfile.write(tmp_path / name, tones([1000], RATE)[0], RATE, format=form, subtype=subtype)
    made = Dataset("x", pd.DataFrame({"utt_id": ["x"], "audio": [name]}), audio_root=tmp_path)
    found = html.recording(made, "x")
    assert (found.mime, found.data) == (expected, (tmp_path / name).read_bytes())


def test_films_and_phones_are_coded_anew_or_played(tmp_path):
    pytest.importorskip("av")
    write(tmp_path / "x.mkv", tones([1000], RATE), RATE, "pcm_s16le")
    write(tmp_path / "x.m4a", tones([1000], RATE), RATE, "aac")
    made = Dataset("x", pd.DataFrame({"utt_id": ["k", "a"], "audio": ["x.mkv", "x.m4a"]}), audio_root=tmp_path)
    assert html.recording(made, "k").mime == "audio/flac"
    assert html.recording(made, "a").mime == "audio/mp4"


def test_a_header_may_come_after_other_chunks(tmp_path):
    with wave.open(str(tmp_path / "x.wav"), "wb") as file:
        file.setparams((1, 2, RATE, 0, "NONE", ""))
        file.writeframes(bytes(3200))
    plain = (tmp_path / "x.wav").read_bytes()
    (tmp_path / "x.wav").write_bytes(plain[:12] + b"JUNK\x03\0\0\0abc\0" + plain[12:])
    made = Dataset("x", pd.DataFrame({"utt_id": ["x"], "audio": ["x.wav"]}), audio_root=tmp_path)
    assert html.recording(made, "x").mime == "audio/wav"


def test_player_says_why_there_is_none(here, tmp_path):
    assert "without its dataset" in repr(html.player(None, "a"))
    assert "names no file for z" in repr(html.player(here, "z"))
    assert repr(html.player(here, "a", max_mb=0.1)) == "No audio: a.wav has 0.3 MB, more than 0.1 MB."
    assert "this stretch of a.wav has 0.1 MB, more than 0.001 MB" in repr(
        html.player(here, "a", max_mb=0.001, start_s=1)
    )
    assert repr(html.player(here, "a", start_s=20)) == "No audio: this stretch of a.wav cannot be decoded."
    here.audio_path("a").write_bytes(b"no sound" * 100)
    assert repr(html.player(here, "a")) == "No audio: a.wav cannot be decoded."
    assert "more than 1e-05 MB" in repr(html.player(here, "a", max_mb=1e-5))  # and is not tried
    here.audio_path("a").unlink()
    assert "a" in repr(html.player(here, "a"))
    assert repr(html.player(here, "a")).startswith("No audio: ")


def test_player_keeps_a_signed_address_to_itself():
    def audio_path(utt_id):
        raise InvalidInput("The audio is at https://host/x.wav?Signature=secret")

    shown = html.player(SimpleNamespace(audio_path=audio_path), "a")
    assert "secret" not in shown.markup + repr(shown)


# -- stretches ---------------------------------------------------------------------------------------------------------


def cell(kind, start, end):
    return Cell(kind, "x", "y", start, end)


def test_errors_near_each_other_are_heard_in_one_clip():
    cells = [
        *(cell("sub", 1.0, 1.4), cell("hit", 1.5, 1.9), cell("del", 2.0, 2.2)),
        *(cell("ins", 8.0, 8.1), cell("sub", None, None), cell("del", None, 20.0), cell("del", 30.0, None)),
    ]
    found = worst(cells, n=9)
    assert [(start, end, len(own)) for start, end, own in found] == [
        (1.0, 2.2, 2),
        (8.0, 8.1, 1),
        (20.0, 20.0, 1),
        (30.0, 30.0, 1),
    ]
    assert [start for start, _, _ in worst(cells, n=2)] == [1.0, 8.0]
    assert worst([cell("hit", 1.0, 2.0), cell("sub", None, None)]) == []


WORDS = pd.DataFrame(
    {
        "utt_id": "a",
        "condition": "x",
        "text": ["one", "too", "three", "four", "five", "sicks", "seven", "eight"],
        "start_s": np.arange(8) + 0.2,
        "end_s": np.arange(8) + 0.8,
    }
)
HEARD = pd.DataFrame(
    {
        "utt_id": ["a", "a", "b"],
        "condition": ["x", "y", "x"],
        "text": ["one too three four five sicks seven eight", "one two three four five six seven", "won"],
    }
)


def test_errors_bring_the_clips_of_their_words_where_times_are_known(here):
    scores = score(HEARD, here, missing="drop")
    shown = html.errors(scores, HEARD, here, utt_id="a", listen=True, words=WORDS)
    lines = repr(shown).splitlines()
    assert lines[2:6] == [
        "  at 1.2 s: [two→too]",
        "  [audio: a, 0.7 to 2.3 s]",
        "  at 5.2 s: [six→sicks]",
        "  [audio: a, 4.7 to 6.3 s]",
    ]
    first, second, whole = sounds(shown.markup)
    assert pitch(first[1][0][RATE // 2 : RATE], RATE) == pytest.approx(300, abs=5)  # second 1
    assert pitch(second[1][0][RATE // 2 : RATE], RATE) == pytest.approx(700, abs=5)  # second 5
    assert whole[0] == "audio/wav"  # of the condition whose words have no times
    assert "[audio: a]" in lines[8]
    Reader(shown.markup)


def test_the_same_sound_is_not_put_in_twice(here):
    shown = html.errors(score(HEARD, here, missing="drop"), HEARD, here, listen=True)
    assert len(list(sounds(shown.markup))) == 2
    assert "sound: as at a · " in repr(shown)


def test_stacks_are_heard_too(here):
    scores = score(HEARD, here, missing="drop")
    whole = html.stacked(scores, HEARD, here, "a", listen=True)
    assert repr(whole).splitlines()[0] == "[audio: a]"
    clips = html.stacked(scores, HEARD, here, "a", listen=True, words=WORDS)
    assert repr(clips).splitlines()[:4] == [
        *("errors from 1.2 to 1.8 s:", "[audio: a, 0.7 to 2.3 s]"),
        *("errors from 5.2 to 5.8 s:", "[audio: a, 4.7 to 6.3 s]"),
    ]


def disturbed(folder, lead_s):
    """The recording of utterance a, with so many seconds of silence before it."""
    tone, _ = soundfile.read(folder / "a.wav")
    (folder / f"lead-{lead_s}").mkdir()
    soundfile.write(folder / f"lead-{lead_s}" / "a.wav", np.concatenate([np.zeros(lead_s * RATE), tone]), RATE)
    return Dataset("later", pd.DataFrame({"utt_id": ["a"], "audio": ["a.wav"]}), audio_root=folder / f"lead-{lead_s}")


@pytest.fixture
def later(here, tmp_path):
    """Answers to a recording as it is and to the same 3 s later, with times, and what was asked about under each."""
    answers = pd.DataFrame(
        {"utt_id": "a", "condition": ["as it is", "later"], "text": "one two three four six six seven eight"}
    )
    words = pd.concat(
        [
            WORDS.assign(text=answers["text"][0].split(), condition=name, start_s=WORDS["start_s"] + lead_s)
            for name, lead_s in (("as it is", 0.0), ("later", 3.0))
        ]
    )
    heard = {"as it is": here, "later": disturbed(tmp_path, 3)}
    return score(answers, here.select(["a"])), answers, words.assign(end_s=words["start_s"] + 0.6), heard


def test_clips_are_of_what_was_asked_about_and_of_its_clock(here, later):
    """The error is at 700 ... 600 Hz of second 4, which is second 7 of the recording that begins later."""
    scores, answers, words, heard = later
    for shown in (
        html.errors(scores, answers, here, listen=True, words=words, heard=heard.__getitem__),
        html.stacked(scores, answers, here, "a", listen=True, words=words, heard=heard.__getitem__),
    ):
        clips = list(sounds(shown.markup))
        assert len(clips) == 2
        for _, samples, rate in clips:
            assert pitch(samples[0][RATE // 2 : RATE], rate) == pytest.approx(600, abs=5)
    assert repr(shown).splitlines()[:4] == [
        *("errors from 4.2 to 4.8 s, heard under as it is:", "[audio: a, 3.7 to 5.3 s]"),
        *("errors from 7.2 to 7.8 s, heard under later:", "[audio: a, 6.7 to 8.3 s]"),
    ]


def test_whole_recordings_are_those_that_were_asked_about(here, later):
    scores, answers, _, heard = later
    shown = html.stacked(scores, answers, here, "a", listen=True, heard=heard.__getitem__)
    assert repr(shown).splitlines()[:3:2] == ["heard under as it is:", "heard under later:"]
    assert [samples.shape[1] / rate for _, samples, rate in sounds(shown.markup)] == [8, 11]
    shown = html.errors(scores, answers, here, listen=True, heard=heard.__getitem__)
    assert [samples.shape[1] / rate for _, samples, rate in sounds(shown.markup)] == [8, 11]
    one = html.stacked(scores, answers, here, "a", listen=True, heard={"as it is": here, "later": here}.__getitem__)
    assert repr(one).splitlines()[0] == "[audio: a]"  # one recording of both


def test_a_condition_that_the_sweep_does_not_know_is_heard_as_the_dataset_has_it(here, later):
    def heard(condition):
        raise InvalidInput(condition)

    scores, answers, _, _ = later
    assert len(list(sounds(html.errors(scores, answers, here, n=1, listen=True, heard=heard).markup))) == 1


def test_a_clip_from_beyond_the_end_says_so(here):
    with pytest.raises(InvalidInput, match=r"a\.wav ends before 10 s"):
        clip(here.audio_path("a"), 10, 12)


# -- budgets -----------------------------------------------------------------------------------------------------------


def test_room_is_taken_once():
    room = Room(0.002)
    piece = Html("é" * 149, "")
    assert room.takes(piece)  # and the end of its line
    assert not room.takes(piece)
    assert not room.takes(Html("x" * 201, ""))
    assert room.takes(Html("x" * 200, ""))


@pytest.mark.parametrize("budget_mb", [0.004, 0.1, 0.36, 0.75, 2])
def test_errors_stay_within_their_budget_and_say_what_is_left_out(here, budget_mb):
    scores = score(HEARD, here, missing="drop")
    shown = html.errors(scores, HEARD, here, listen=True, budget_mb=budget_mb)
    assert len(shown.markup.encode()) <= budget_mb * 1e6
    players = shown.markup.count("<audio")
    assert players == {0.004: 0, 0.1: 0, 0.36: 1, 0.75: 2, 2: 2}[budget_mb]
    assert ("left out" in repr(shown)) == (budget_mb < 0.5)
    trials = sum(" errors in " in line or " error in " in line for line in repr(shown).splitlines())
    assert ("more are not shown: this is to stay within 0.004 MB" in repr(shown)) == (trials < 3)


def test_a_stack_stays_within_its_budget_and_says_what_is_left_out(here):
    scores = score(HEARD, here, missing="drop")
    for budget_mb in (0.0015, 0.003, 0.006, 0.2, 2):
        shown = html.stacked(scores, HEARD, here, "a", listen=True, width=20, budget_mb=budget_mb)
        assert len(shown.markup.encode()) <= budget_mb * 1e6
        assert ("Left out, to stay within" in repr(shown)) == (budget_mb < 2)
        assert ("<audio" in shown.markup) == (budget_mb == 2)
    tight = repr(html.stacked(scores, HEARD, here, "a", width=20, budget_mb=0.006))
    assert re.search(r"Left out, to stay within 0.006 MB: a: words? \d( to 8)? of 8\b", tight)
    shown_words = [line.split("words ")[1] for line in tight.splitlines() if line.startswith("a —")]
    assert shown_words[0] == "1 to 3 of 8"
    nothing = repr(html.stacked(scores, HEARD, here, "a", budget_mb=0.0016)).splitlines()
    assert nothing[-1] == "Left out, to stay within 0.0016 MB: a: 8 words; a: texts as written."


def test_trials_that_do_not_fit_are_counted(here):
    many = pd.concat([HEARD[:2].assign(repeat=n) for n in range(20)])
    shown = html.errors(score(many, here.select(["a"])), many, here, n=40, budget_mb=0.01)
    assert len(shown.markup.encode()) <= 10_000
    there = shown.markup.count("<details>")
    assert 5 < there < 12
    assert repr(shown).splitlines()[-1] == f"{40 - there} more are not shown: this is to stay within 0.01 MB."


@pytest.mark.parametrize("kb", range(100, 110))
def test_the_ends_of_lines_and_the_head_count_too(here, monkeypatch, kb):
    monkeypatch.setattr("asrlab.views.html.sound._SAYING_SO", 120)  # for what is said at the foot
    many = pd.concat([HEARD[:1].assign(repeat=k) for k in range(300)])
    scores = score(many, here.select(["a"]))
    shown = html.errors(scores, many, here, n=300, budget_mb=kb / 1000)
    assert kb * 1000 - 1500 < len(shown.markup.encode()) <= kb * 1000
