"""The shipped datasets: files, tables, cards and build scripts say the same of each other."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections import Counter
from functools import cache
from itertools import combinations, pairwise
from pathlib import Path, PurePosixPath

import numpy as np
import pytest
import soundfile

from asrlab.dashscope.wire import LANGUAGES
from asrlab.data.loading import load_dataset

DATASETS = Path(__file__).parents[1] / "datasets"
NAMES = ("dialogue", "dictation", "lecture", "quiet", "switching", "voices")
WITH_SEGMENTS = ("dialogue", "lecture")
WITH_TERMS = ("dictation", "lecture", "switching", "voices")
MEGABYTES = {"dictation": 7}  # of audio, at most; of the others 3
RATE = 16_000
EVERYWHERE = pytest.mark.parametrize("name", NAMES)


@cache
def rows(name, table):
    """Rows of a table as they stand in the file."""
    return [json.loads(line) for line in (DATASETS / name / f"{table}.jsonl").read_text(encoding="utf-8").splitlines()]


@cache
def card(name):
    return (DATASETS / name / "README.md").read_text(encoding="utf-8")


@cache
def sound(name, utt_id):
    """Integer samples of a recording, of shape (samples, channels)."""
    (row,) = [row for row in rows(name, "utterances") if row["utt_id"] == utt_id]
    return soundfile.read(DATASETS / name / row["audio"], dtype="int16", always_2d=True)[0]


def minutes(some):
    return sum(row["duration_s"] for row in some) / 60


def squeezed(text):
    return "".join(text.split())


def in_card(name, *said):
    """Hold what the data say against the card; line breaks do not count."""
    text = " ".join(card(name).split())
    assert [one for one in said if one not in text] == []


def test_these_are_shipped():
    assert sorted(path.parent.name for path in DATASETS.glob("*/utterances.jsonl")) == list(NAMES)


@EVERYWHERE
def test_a_set_loads_whole(name):
    ds = load_dataset(DATASETS / name)
    utterances, references = rows(name, "utterances"), rows(name, "references")
    assert ds.name == name
    assert ds.utterances["utt_id"].tolist() == [row["utt_id"] for row in utterances]
    assert all(ds.audio_path(utt_id).is_file() for utt_id in ds.utterances["utt_id"])
    assert len(ds.references) == len(references) == 2 * sum(row["channels"] for row in utterances)
    assert set(ds.references["form"]) == {"spoken", "written"}
    assert ds.card == card(name)
    assert len(ds.segments) == (len(rows(name, "segments")) if name in WITH_SEGMENTS else 0)


@EVERYWHERE
def test_recordings_are_what_the_tables_say(name):
    digests = Counter()
    for row in rows(name, "utterances"):
        info = soundfile.info(DATASETS / name / row["audio"])
        assert (info.format, info.subtype, info.samplerate) == ("FLAC", "PCM_16", RATE)
        samples = sound(name, row["utt_id"])
        assert samples.shape == (round(row["duration_s"] * RATE), row["channels"])
        assert np.abs(samples.astype(int)).max() < 0.72 * 2**15  # -2.9 dBFS: nothing is near clipping
        digests[samples.tobytes()] += 1
    assert set(digests.values()) == {1}, "the same audio twice"


@EVERYWHERE
def test_no_file_is_missing_left_over_or_large(name):
    folder = DATASETS / name
    audio = {row["audio"] for row in rows(name, "utterances")}
    assert audio == {file.relative_to(folder).as_posix() for file in (folder / "audio").rglob("*") if file.is_file()}
    megabytes = sum((folder / file).stat().st_size for file in audio) / 1e6
    assert megabytes <= MEGABYTES.get(name, 3)
    in_card(name, f"{megabytes:.1f} MB")


@EVERYWHERE
def test_paths_lead_nowhere_else(name):
    for row in rows(name, "utterances"):
        path = PurePosixPath(row["audio"])
        assert path.parts[0] == "audio"
        assert ".." not in path.parts
        assert "\\" not in row["audio"]
    for file in DATASETS.glob(f"{name}/*.*"):
        assert not re.search(r"/(home|root|tmp|work|Users|mnt)/", file.read_text(encoding="utf-8")), file.name


@EVERYWHERE
def test_languages_are_known_to_the_service(name):
    for row in rows(name, "utterances"):
        spoken = set() if row["language"] is None else set(row["language"].split("-"))
        assert spoken <= set(LANGUAGES)
        assert (not spoken) == (name == "quiet")


@pytest.mark.parametrize("name", WITH_TERMS)
def test_terms_are_said_and_distractors_are_not(name):
    everything = squeezed(" ".join(row["text"] for row in rows(name, "references"))).casefold()
    for row in rows(name, "terms"):
        texts = [reference["text"] for reference in rows(name, "references") if reference["utt_id"] == row["utt_id"]]
        if row["role"] == "distractor":
            assert row["utt_id"] is None
            assert squeezed(row["term"]).casefold() not in everything
        else:
            assert texts
            assert all(row["term"] in text for text in texts)
    roles = Counter(row["role"] for row in rows(name, "terms"))
    assert set(roles) == {"present", "distractor"}


@EVERYWHERE
def test_the_script_makes_the_tables_again(name, tmp_path):
    shutil.copytree(DATASETS / name, tmp_path / name)
    for module in DATASETS.glob("*.py"):
        shutil.copy(module, tmp_path)
    tables = [*(tmp_path / name).glob("*.jsonl"), *(tmp_path / name).glob("terms.*.txt")]
    before = {file.name: file.read_bytes() for file in tables}
    for made in ("utterances.jsonl", "references.jsonl", "terms.jsonl"):
        (tmp_path / name / made).unlink(missing_ok=True)
    command = [sys.executable, str(tmp_path / name / "build.py"), "--keep-audio"]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    assert {file.name: file.read_bytes() for file in tables} == before


@pytest.mark.parametrize("name", WITH_SEGMENTS)
def test_segments_lie_in_their_recordings_and_add_up(name):
    lengths = {row["utt_id"]: row["duration_s"] for row in rows(name, "utterances")}
    segments = rows(name, "segments")
    assert len({row["segment"] for row in segments}) == len(segments)
    spoken = {(r["utt_id"], r["channel"]): r["text"] for r in rows(name, "references") if r["form"] == "spoken"}
    for (utt_id, channel), text in spoken.items():
        own = [row for row in segments if (row["utt_id"], row["channel"]) == (utt_id, channel)]
        assert all(a["end_s"] <= b["begin_s"] for a, b in pairwise(own))
        assert own[0]["begin_s"] >= 0
        assert own[-1]["end_s"] <= lengths[utt_id]
        assert squeezed("".join(row["text"] for row in own)) == squeezed(text)
    assert {(row["utt_id"], row["channel"]) for row in segments} == set(spoken)


@pytest.mark.parametrize("name", WITH_SEGMENTS)
def test_segments_are_where_the_sound_is(name):
    for utterance in rows(name, "utterances"):
        samples = sound(name, utterance["utt_id"])
        inside = np.zeros(samples.shape, dtype=bool)
        for row in rows(name, "segments"):
            if row["utt_id"] == utterance["utt_id"]:
                span = slice(round(row["begin_s"] * RATE), round(row["end_s"] * RATE))
                inside[span, row["channel"]] = True
                said = np.abs(samples[span, row["channel"]].astype(int))
                assert said[: RATE // 20].max() > 32  # sound within the first 50 ms, at -60 dBFS or more
                assert said[-RATE // 20 :].max() > 32
        assert not samples[~inside].any()


def test_channels_of_a_dialogue_are_two_speakers():
    segments = rows("dialogue", "segments")
    for row in rows("dialogue", "utterances"):
        left, right = sound("dialogue", row["utt_id"]).astype(float).T
        assert abs(np.corrcoef(left, right)[0, 1]) < 0.05
        assert 0.8 < np.sqrt((left[left != 0] ** 2).mean() / (right[right != 0] ** 2).mean()) < 1.25
        speakers = {
            channel: {s["speaker"] for s in segments if (s["utt_id"], s["channel"]) == (row["utt_id"], channel)}
            for channel in (0, 1)
        }
        assert [len(one) for one in speakers.values()] == [1, 1]
        assert speakers[0] != speakers[1]
        own = [s for s in segments if s["utt_id"] == row["utt_id"]]
        both_s = sum(
            max(0, min(a["end_s"], b["end_s"]) - max(a["begin_s"], b["begin_s"]))
            for a, b in combinations(own, 2)
            if a["channel"] != b["channel"]
        )
        assert 20 <= row["duration_s"] <= 40
        facts = (row["language"], f"{row['duration_s']:.1f}", len(own), f"{both_s:.1f}")
        in_card("dialogue", f"| `{row['utt_id']}` | {' | '.join(map(str, facts))} |")
        assert both_s > 0.5
    assert Counter(row["language"] for row in rows("dialogue", "utterances")) == {"en": 3, "zh": 1}


def test_nothing_is_said_in_quiet():
    assert {row["text"] for row in rows("quiet", "references")} == {""}
    for row in rows("quiet", "utterances"):
        samples = sound("quiet", row["utt_id"]) / 2**15
        level = round(10 * np.log10((samples**2).mean()), 1) if samples.any() else None
        assert row["level_dbfs"] == level
        assert "no-speech" in row["tags"]
        assert 2 <= row["duration_s"] <= 10
        shown = "digital silence" if level is None else f"{level:.1f}"
        in_card("quiet", f"| `{row['utt_id']}` | {row['topic']} | {row['duration_s']:.0f} | {shown} |")
    utterances = rows("quiet", "utterances")
    in_card("quiet", f"{len(utterances)} recordings", f"{sum(row['duration_s'] for row in utterances):.0f} s")


def test_voices_speak_the_languages_of_the_card():
    utterances = rows("voices", "utterances")
    assert {row["language"] for row in utterances} == {"de", "es", "fr", "it", "ja", "pt"}
    for language in {row["language"] for row in utterances}:
        own = [row for row in utterances if row["language"] == language]
        speakers = {row["speaker"] for row in own}
        assert Counter(row["topic"] for row in own) == dict.fromkeys(("numbers", "terms", "plain"), len(speakers))
        in_card(
            "voices", f"| {LANGUAGES[language]} | `{language}` | {len(speakers)} | {len(own)} | {minutes(own):.1f} |"
        )
    for speaker in {row["speaker"] for row in utterances}:
        own = [row for row in utterances if row["speaker"] == speaker]
        languages = " ".join(sorted({row["language"] for row in own}))
        in_card("voices", f"| `{speaker}` | {languages} |")
    speakers = {row["speaker"] for row in utterances}
    in_card(
        "voices",
        f"{len(utterances)} sentences",
        f"{minutes(utterances):.1f} minutes",
        f"{len(speakers)} synthetic voices",
    )


def test_switching_switches():
    utterances = rows("switching", "utterances")
    for row in rows("switching", "references"):
        assert re.search(r"[A-Za-z]{2}", row["text"])
        assert re.search(r"[\u4e00-\u9fff]{2}", row["text"])
    assert {row["language"] for row in utterances} == {"zh-en"}
    assert all("code-switching" in row["tags"] for row in utterances)
    for topic, count in Counter(row["topic"] for row in utterances).items():
        in_card("switching", f"| `{topic}` | {count} |")
    in_card("switching", f"{len(utterances)} sentences", f"{sum(row['duration_s'] for row in utterances):.0f} s")


def test_the_lecture_is_long():
    (row,) = rows("lecture", "utterances")
    segments = rows("lecture", "segments")
    assert 4.8 <= row["duration_s"] / 60 <= 5.5
    (spoken,) = [r["text"] for r in rows("lecture", "references") if r["form"] == "spoken"]
    in_card("lecture", f"{row['duration_s']:.1f} s", f"{len(segments)} segments", f"{len(spoken.split())} words")
    roles = Counter(term["role"] for term in rows("lecture", "terms"))
    in_card("lecture", f"{roles['present']} `present`, {roles['distractor']} `distractor`")
    for speaker, count in Counter(segment["speaker"] for segment in segments).items():
        in_card("lecture", f"| `{speaker}` | {count} |")
