"""Long recordings, their segments, and what is joined of short ones."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import soundfile

import asrlab
from asrlab.data.dataset import Dataset
from asrlab.errors import InvalidInput

RATE = 8000


def write(path, n, *, channels=1, seed=0):
    samples = np.random.default_rng(seed).integers(-9000, 9000, (n, channels)).astype("int16")
    soundfile.write(path, samples, RATE)
    return samples


def segments(*rows):
    return pd.DataFrame(rows, columns=["segment", "utt_id", "channel", "begin_s", "end_s", "speaker", "text"])


@pytest.fixture
def call(tmp_path):
    """One call of 2 s, a speaker on each channel."""
    write(tmp_path / "call.wav", 2 * RATE, channels=2)
    utterances = pd.DataFrame({"utt_id": ["call"], "audio": ["call.wav"], "language": "en", "channels": 2})
    said = segments(
        ("s3", "call", 1, 1.0, 1.5, "ben", "good bye"),
        ("s1", "call", 0, 0.25, 0.75, "ann", "hello"),
        ("s2", "call", 1, 0.5, 0.9, "ben", "who is that"),
        ("s4", "call", 1, 1.5, 2.0, "ben", "so long"),
    )
    return Dataset("calls", utterances, folder=tmp_path, segments=said)


def test_segments_are_joined_to_one_text_a_channel_in_order_of_time(call):
    assert call.references[["channel", "text"]].to_numpy().tolist() == [
        [0, "hello"],
        [1, "who is that good bye so long"],
    ]
    assert repr(call) == "<Dataset calls: 1 utterances, en, length not known; 4 segments>"


def test_a_reference_that_is_given_is_kept(tmp_path, call):
    given = pd.DataFrame({"utt_id": ["call"], "channel": [1], "form": ["written"], "text": ["Who is that? Good-bye."]})
    ds = Dataset("calls", call.utterances, given, folder=tmp_path, segments=call.segments)
    assert ds.references[["channel", "form", "text"]].to_numpy().tolist() == [
        [1, "written", "Who is that? Good-bye."], [0, "unstated", "hello"]
    ]  # fmt: skip


def test_segments_become_utterances(call):
    ds = call.segmented()
    rows = ds.utterances[["utt_id", "recording", "speaker", "begin_s", "end_s", "channel", "duration_s", "channels"]]
    assert rows.to_numpy().tolist() == [
        ["s3", "call", "ben", 1.0, 1.5, 1, 0.5, 1],
        ["s1", "call", "ann", 0.25, 0.75, 0, 0.5, 1],
        ["s2", "call", "ben", 0.5, 0.9, 1, 0.4, 1],
        ["s4", "call", "ben", 1.5, 2.0, 1, 0.5, 1],
    ]
    assert ds.references[["utt_id", "channel", "text"]].to_numpy().tolist() == [
        ["s3", 0, "good bye"], ["s1", 0, "hello"], ["s2", 0, "who is that"], ["s4", 0, "so long"]
    ]  # fmt: skip
    whole, _ = soundfile.read(call.audio_path("call"), dtype="int16")
    for utt_id, begin, end, channel in (("s3", 8000, 12_000, 1), ("s1", 2000, 6000, 0), ("s2", 4000, 7200, 1)):
        cut, rate = soundfile.read(ds.audio_path(utt_id), dtype="int16")
        assert rate == RATE
        assert (cut == whole[begin:end, channel]).all()


def test_cuts_become_whole_recordings_again(call):
    cuts = call.segmented()
    ds = cuts.joined()
    assert ds.utterances[["utt_id", "audio"]].to_numpy().tolist() == [["call", "call.wav"]]
    assert "begin_s" not in ds.utterances
    assert ds.facts("call").duration_s == 2.0
    pd.testing.assert_frame_equal(ds.segments, call.segments)
    assert ds.references["text"].tolist() == call.references["text"].tolist()
    again = ds.segmented().utterances
    pd.testing.assert_frame_equal(again[cuts.utterances.columns], cuts.utterances)


def test_cuts_of_a_cut_are_counted_from_the_file(tmp_path):
    samples = write(tmp_path / "a.wav", 2 * RATE)
    utterances = pd.DataFrame({"utt_id": ["a"], "audio": "a.wav", "begin_s": 0.5, "end_s": 1.5})
    ds = Dataset("a", utterances, folder=tmp_path, segments=segments(("s", "a", 0, 0.25, 0.5, None, "x")))
    cut, _ = soundfile.read(ds.segmented().audio_path("s"), dtype="int16")
    assert (cut == samples[6000:8000, 0]).all()


@pytest.fixture
def words(tmp_path):
    """Five words by two speakers."""
    rows = []
    for number, speaker in enumerate(["ann", "ben", "ann", "ben", "ann"]):
        write(tmp_path / f"{number}.wav", 1000 * (number + 1), seed=number)
        rows.append({"utt_id": f"w{number}", "audio": f"{number}.wav", "speaker": speaker, "language": "en",
                     "tags": ["word"]})  # fmt: skip
    said = pd.DataFrame({"utt_id": [row["utt_id"] for row in rows], "text": ["one", "two", "three", "four", "five"]})
    return Dataset("words", pd.DataFrame(rows), said, folder=tmp_path)


def test_recordings_are_joined_sample_by_sample(words):
    ds = words.concatenate("speaker", gap_s=0.25)
    assert ds.utterances[["utt_id", "speaker", "duration_s"]].to_numpy().tolist() == [
        ["ann", "ann", (1000 + 3000 + 5000 + 2 * 2000) / RATE], ["ben", "ben", (2000 + 4000 + 2000) / RATE]
    ]  # fmt: skip
    assert ds.facts("ann").duration_s == 13_000 / RATE
    whole, _ = soundfile.read(ds.audio_path("ben"), dtype="int16")
    one, two = (soundfile.read(words.audio_path(name), dtype="int16")[0] for name in ("w1", "w3"))
    assert (whole == np.concatenate([one, np.zeros(2000, "int16"), two])).all()
    assert ds.references[["utt_id", "text"]].to_numpy().tolist() == [["ann", "one three five"], ["ben", "two four"]]
    assert ds.segments[["segment", "begin_s", "end_s"]].to_numpy().tolist()[-1] == ["w3", 0.5, 1.0]


def test_what_was_joined_comes_apart_again(words):
    ds = words.concatenate("speaker").segmented()
    for utt_id in ds.utterances["utt_id"]:
        cut, _ = soundfile.read(ds.audio_path(utt_id), dtype="int16")
        original, _ = soundfile.read(words.audio_path(utt_id), dtype="int16")
        assert (cut == original).all()
    assert set(zip(ds.references["utt_id"], ds.references["text"], strict=True)) == set(
        zip(words.references["utt_id"], words.references["text"], strict=True)
    )


def test_a_set_may_be_disturbed_before_it_is_joined_and_after(words, tmp_path):
    first = words.perturb(gain_db=-6).concatenate("speaker", gap_s=0)
    then = words.concatenate("speaker", gap_s=0).perturb(gain_db=-6)
    assert first.digest("ann") != then.digest("ann")
    a, b = (soundfile.read(ds.audio_path("ann"), dtype="int16")[0].astype(int) for ds in (first, then))
    assert abs(a - b).max() <= 1
    plan = asrlab.Sweep(
        then, asrlab.engine("scripted"), asrlab.grid(snr=[10], noise="white"), store=tmp_path / "r"
    ).plan()
    assert len(plan.jobs) == 2


def test_terms_and_selections_follow(words):
    ds = words.select(["w1", "w3", "w0"]).concatenate("speaker")
    assert ds.utterances["parts"].tolist() == [["w0"], ["w1", "w3"]]
    assert ds.select("speaker == 'ben'").segments["segment"].tolist() == ["w1", "w3"]
    assert ds.fingerprint() != words.fingerprint()


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([("s", "call", 0, 1.0, 0.5, None, "x")], r"end before they begin: row 1 \(s\)"),
        ([("s", "call", 0, -1.0, 0.5, None, "x")], "begin_s that is no time"),
        ([("s", "call", 0, 0.0, np.inf, None, "x")], "end_s that is no time"),
        ([("s", "call", 0, None, 0.5, None, "x")], "without times"),
        ([("s", "gone", 0, 0.0, 0.5, None, "x")], "of no utterance"),
        ([("s", "call", 0, 0.0, 0.5, None, "x"), ("s", "call", 0, 1.0, 1.5, None, "y")], "name of another segment"),
        ([(None, "call", 0, 0.0, 0.5, None, "x")], "no name"),
    ],
)
def test_segments_that_are_none_are_refused(call, rows, said):
    with pytest.raises(InvalidInput, match=said):
        Dataset("c", call.utterances, folder=call.folder, segments=segments(*rows))


def test_what_cannot_be_done_is_said(call, words):
    for wrong, said in (
        (words.segmented, "has no segments"),
        (words.joined, "Not every utterance of words is a cut"),
        (lambda: words.concatenate("spaeker"), "no column 'spaeker' to join by"),
        (lambda: words.concatenate("speaker", gap_s=-1), "gap_s must be"),
        (lambda: call.concatenate("language"), "has segments already"),
        (lambda: words.concatenate("speaker", form="spoken"), "no references of the form 'spoken', but unstated"),
        (lambda: call.segmented().perturb(snr=3).joined(), "is perturbed"),
    ):
        with pytest.raises(InvalidInput, match=said):
            wrong()


def test_a_cut_beyond_the_end_is_said(tmp_path):
    write(tmp_path / "a.wav", RATE)
    utterances = pd.DataFrame({"utt_id": ["a", "b"], "audio": "a.wav", "begin_s": [0.5, 1.5], "end_s": [9.0, 2.0]})
    ds = Dataset("a", utterances, folder=tmp_path)
    assert ds.facts("a").duration_s == 0.5
    with pytest.raises(InvalidInput, match="nothing of it lies from 1"):
        ds.facts("b")


def test_other_wordings_of_a_segment_are_references_too(tmp_path):
    (tmp_path / "a.stm").write_text("call 1 ann 0.00 0.50 { color / colour } of it\ncall 1 ann 0.50 1.00 yes\n")
    ds = asrlab.load_dataset(tmp_path / "a.stm").segmented()
    assert ds.references["text"].tolist() == ["{color|colour} of it", "yes"]
    heard = pd.DataFrame({"utt_id": ds.utterances["utt_id"], "text": ["colour of it", "yes"]})
    assert asrlab.score(heard, ds)["hits"].tolist() == [3, 1]


def test_what_is_not_to_be_marked_leaves_no_text_of_the_whole(call):
    partly = call.segments.copy()
    partly.loc[partly["segment"] == "s4", "text"] = None
    ds = Dataset("calls", call.utterances, folder=call.folder, segments=partly)
    assert ds.references[["channel", "text"]].to_numpy().tolist() == [[0, "hello"]]
    assert ds.segmented().utterances["utt_id"].tolist() == ["s3", "s1", "s2"]


def test_the_form_of_references_is_kept(words):
    spoken = Dataset("words", words.utterances, words.references.assign(form="spoken"), folder=words.folder)
    long = spoken.concatenate("speaker")
    assert long.references["form"].unique().tolist() == ["spoken"]
    cuts = Dataset("cuts", spoken.utterances.assign(begin_s=0.0, end_s=0.1), spoken.references, folder=words.folder)
    assert cuts.joined().references["form"].unique().tolist() == ["spoken"]


def test_references_and_segments_go_with_their_channels(call):
    swapped = call.perturb(mix="swap")
    assert swapped.references[["channel", "text"]].to_numpy().tolist() == [
        [1, "hello"], [0, "who is that good bye so long"]
    ]  # fmt: skip
    whole, _ = soundfile.read(call.audio_path("call"), dtype="int16")
    other, _ = soundfile.read(swapped.audio_path("call"), dtype="int16")
    assert (other == whole[:, ::-1]).all()
    right = call.perturb(mix="right")
    assert right.references[["channel", "text"]].to_numpy().tolist() == [[0, "who is that good bye so long"]]
    assert right.segments["segment"].tolist() == ["s3", "s2", "s4"]
    for mix in ("mono", "stereo"):
        with pytest.raises(InvalidInput, match="their texts are apart"):
            call.perturb(mix=mix)
    assert call.perturb(mix="left").perturb(mix="stereo").references["channel"].tolist() == [0]


@pytest.mark.parametrize("mix", ["swap", "right", "mono", "stereo"])
def test_channels_are_not_moved_away_from_their_references_by_an_axis(call, tmp_path, mix):
    sweep = asrlab.Sweep(call, asrlab.engine("scripted"), asrlab.grid(mix=[None, mix]), store=tmp_path / "run")
    with pytest.raises(InvalidInput, match=f"mix='{mix}' moves channels"):
        sweep.plan()


def test_segments_keep_to_the_time_of_what_is_said(tmp_path):
    tone = np.sin(np.arange(2 * RATE) * 0.3) * 0.3 * ((np.arange(2 * RATE) // 4000) == 1)  # from 0.5 s to 1 s
    soundfile.write(tmp_path / "a.wav", tone, RATE)
    utterances = pd.DataFrame({"utt_id": ["a"], "audio": "a.wav"})
    ds = Dataset("a", utterances, folder=tmp_path, segments=segments(("s", "a", 0, 0.5, 1.0, None, "x")))
    for recipe, begin_s in (({"lead_s": 4.0}, 4.5), ({"speed": 2.0}, 0.25), ({"speed": 0.5, "lead_s": 1.0}, 2.0)):
        moved = ds.perturb(**recipe)
        assert moved.segments["begin_s"].tolist() == [begin_s]
        cut, _ = soundfile.read(moved.segmented().audio_path("s"))
        whole, _ = soundfile.read(moved.audio_path("a"))
        assert np.sum(cut**2) > 0.97 * np.sum(whole**2)


@pytest.mark.parametrize("axes", [{"speed": [None, 2.0]}, {"lead_s": 1.0}, {"audio": {"late": {"lead_s": 1.0}}}])
def test_times_are_not_moved_away_from_their_segments_by_an_axis(call, tmp_path, axes):
    sweep = asrlab.Sweep(call, asrlab.engine("scripted"), asrlab.grid(**axes), store=tmp_path / "run")
    with pytest.raises(InvalidInput, match=r"moves what is said to other times .* dataset\.perturb"):
        sweep.plan()
    assert asrlab.Sweep(call, asrlab.engine("scripted"), asrlab.grid(tail_s=1.0), store=tmp_path / "run").plan().jobs


def test_the_voices_of_a_joined_recording_do_not_babble_behind_it(words):
    long = words.concatenate("speaker").perturb(snr=3, noise="babble")
    ann, ben = long._derivation("ann"), long._derivation("ben")
    assert [clip.speakers for clip in ann.parts] == [{"ann"}] * 3
    assert [clip.speakers for clip in ann._materials[0]] == [{"ben"}]
    assert [clip.speakers for clip in ben._materials[0]] == [{"ann"}]
