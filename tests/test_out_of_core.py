"""Scoring of tables that need not fit into memory: the same table as in memory, however it is parted."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

import asrlab as lab
from asrlab import parquet, tables
from asrlab.errors import InvalidInput
from asrlab.scoring import out_of_core
from asrlab.scoring.marking import score

SAID = {
    "en": ["two hundred and six", "gonna rain today", "it's colour", "The cat sat on the mat.", "so um yes", ""],
    "zh": ["我想喝水", "今天下雨", "喝水吗"],
    "ja": ["今日は雨です", "水を飲む"],
    None: ["今天下雨", "雨が降る", "the cat", "น้ำ"],
}
VARIANTS = [["gonna", "going to"], ["um", "uh", ""]]


@pytest.fixture(scope="module")
def pools():
    """Where to work: here, on threads, in processes, on a cluster."""
    distributed = pytest.importorskip("distributed")
    cluster = partial(
        distributed.LocalCluster, n_workers=1, threads_per_worker=2, processes=False, dashboard_address=":0"
    )
    with (
        ThreadPoolExecutor(2) as threads,
        ProcessPoolExecutor(2) as processes,
        cluster() as local,
        distributed.Client(local) as client,
    ):
        yield {"here": None, "threads": threads, "processes": processes, "dask": client}


def world(seed, *, channels=1, languages=(None, "en", "zh", "ja"), holes=True, loose=False):
    """Make a dataset of several forms, languages and speakers, and transcripts of it with holes and failures.

    ``loose``: conditions do not tell settings apart, and one of the axes must.
    """
    rng = np.random.default_rng(seed)
    ids = [f"u{n:02d}" for n in rng.permutation(12)]
    language = {utt_id: languages[rng.integers(len(languages))] for utt_id in ids}
    utterances = pd.DataFrame(
        {
            "utt_id": ids,
            "language": [language[utt_id] for utt_id in ids],
            "speaker": [None if rng.random() < 0.4 else f"s{rng.integers(5)}" for _ in ids],
            "recording": [None if rng.random() < 0.3 else f"r{rng.integers(9)}" for _ in ids],
        },
        dtype="string",
    )
    said = [
        {"utt_id": utt_id, "channel": channel, "form": form, "alternative": alternative, "text": text}
        for form in ("spoken", "written")
        for utt_id in rng.permutation(ids)
        for channel in range(channels)
        for alternative in range(1 + int(rng.random() < 0.3))
        for text in [rng.choice(SAID[language[utt_id]]) + (" {a|an}" if language[utt_id] == "en" else "")]
    ]
    references = tables.check(pd.DataFrame(said), "references")
    terms = tables.check(
        pd.DataFrame({"utt_id": [None], "term": ["cat"], "role": ["present"]}), "terms", required=("term", "role")
    )
    rows = [
        {
            "utt_id": utt_id,
            "condition": "one" if loose else f"snr={snr}, itn={itn}",
            "repeat": repeat,
            "channel": channel,
            "state": fate,
            "text": rng.choice(SAID[language[utt_id]]).replace("two", "to"),
            "snr": snr,
            "itn": itn,
            "model": {"20": "m1", "10": "m2"}[snr],
            "level": int(utt_id[1:]) % 3,
            "seconds": rng.random(),
        }
        for utt_id, snr, itn, repeat in itertools.product(ids, ("20", "10"), (True, False), (0, 1))
        for fate in ["answered" if rng.random() < 0.8 else rng.choice(["failed", "unknown", "not run"])]
        # What failed as a whole names no channel.
        for channel in (range(channels) if fate == "answered" or channels == 1 else [None])
        if not (holes and rng.random() < 0.1)
    ]
    heard = pd.DataFrame(rows).sample(frac=1, random_state=seed).reset_index(drop=True)
    heard["channel"] = heard["channel"].astype("Int64")
    heard["text"] = heard["text"].where(heard["state"] == "answered")
    heard["snr"] = pd.Categorical(heard["snr"], ["20", "10", "0"], ordered=True)
    return heard, SimpleNamespace(utterances=utterances, references=references, terms=terms)


def in_order(scores, ids):
    """Bring scores to the order in which they are written."""
    place = pd.Index(pd.Series(ids).drop_duplicates()).get_indexer(scores["utt_id"])
    return scores.iloc[np.argsort(place, kind="stable")].reset_index(drop=True)


def stored(frame, table, folder):
    """Write a table and read it again: so it has the dtypes of stored ones."""
    parquet.write(frame, table, folder / f"{table}.parquet")
    return folder / f"{table}.parquet"


OPTIONS = [
    {"form": "spoken"},
    {"form": "best", "ties": "sclite"},
    {"form": "written", "unit": "mixed", "normalizer": "none"},
    {"form": "spoken", "variants": VARIANTS},
    {"form": "spoken", "unit": "sentence", "language": "en"},
    {"form": "spoken", "unit": "term"},
    {"form": "best", "unit": "char"},
]


#: Rows of a part: about five parts of the tables here.
FEW = 30


def written(folder, heard, data, **options):
    """Score to a folder, and read what is there."""
    return parquet.read(score(heard, data, to=folder / "scores", **options), "scores")


@pytest.mark.parametrize(
    ("options", "missing"), list(zip(OPTIONS, itertools.cycle(["drop", "all-deleted"]), strict=False)), ids=str
)
def test_parts_are_the_table_in_memory(options, missing, tmp_path, monkeypatch):
    monkeypatch.setattr(out_of_core, "ROWS", FEW)
    heard, data = world(1)
    path = stored(heard, "transcripts", tmp_path)
    wanted = in_order(score(path, data, missing=missing, **options), data.utterances["utt_id"])
    found = written(tmp_path, heard, data, missing=missing, **options)
    pd.testing.assert_frame_equal(found, wanted, check_exact=True)
    assert len(list((tmp_path / "scores").iterdir())) > 3


def test_it_is_the_same_wherever_it_is_worked_on_and_however_it_is_parted(pools, tmp_path, monkeypatch):
    heard, data = world(2)
    made = []
    for rows, (name, pool) in itertools.product((FEW, 10**6), pools.items()):
        monkeypatch.setattr(out_of_core, "ROWS", rows)
        made.append(written(tmp_path, heard, data, form="best", missing="drop", executor=pool))
        assert (len(list((tmp_path / "scores").iterdir())) > 3) == (rows == FEW), name
    for other in made[1:]:
        pd.testing.assert_frame_equal(other, made[0], check_exact=True)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("channels", "missing"), [("each", "all-deleted"), ("joined", "drop")])
def test_channels(channels, missing, seed, tmp_path, monkeypatch):
    monkeypatch.setattr(out_of_core, "ROWS", FEW)
    heard, data = world(seed, channels=2)
    if seed == 2:  # one of the utterances has one channel only, and answers that do not say which
        monkeypatch.setattr(out_of_core, "ROWS", 1)
        of = data.references
        data.references = of[(of["utt_id"] != "u03") | (of["channel"] == 1)]
        heard = heard[(heard["utt_id"] != "u03") | (heard["channel"] != 0)].reset_index(drop=True)
        heard["channel"] = heard["channel"].mask(heard["utt_id"] == "u03")
    if seed == 1:  # a channel that one setting never asked for
        heard = heard[(heard["channel"] != 1) | (heard["condition"] != "snr=20, itn=True")].reset_index(drop=True)
    options = {"form": "spoken", "missing": missing, "channels": channels}
    path = stored(heard, "transcripts", tmp_path)
    wanted = in_order(score(path, data, **options), data.utterances["utt_id"])
    pd.testing.assert_frame_equal(written(tmp_path, path, data, **options), wanted, check_exact=True)


def test_an_axis_that_makes_settings_is_found_in_all_of_the_table(tmp_path, monkeypatch):
    monkeypatch.setattr(out_of_core, "ROWS", FEW)
    heard, data = world(0, loose=True)
    path = stored(heard, "transcripts", tmp_path)
    wanted = score(path, data, form="spoken", missing="drop")
    assert (wanted["state"] == "missing").any()
    assert wanted["model"].notna().all()  # of the setting
    assert wanted["level"].notna().all()  # of the utterance
    assert wanted["seconds"].isna().any()
    found = written(tmp_path, path, data, form="spoken", missing="drop")
    pd.testing.assert_frame_equal(found, in_order(wanted, data.utterances["utt_id"]), check_exact=True)


def test_a_part_that_one_setting_would_do_for_has_those_of_all(tmp_path, monkeypatch):
    monkeypatch.setattr(out_of_core, "ROWS", 1)
    said = pd.DataFrame({"utt_id": ["a", "b"], "text": ["x", "y"]})
    heard = pd.DataFrame({"utt_id": ["b", "a", "a"], "text": ["y", "x", "z"], "model": ["m1", "m1", "m2"]})
    found = written(tmp_path, heard, said, missing="drop")
    assert found["state"].tolist() == ["answered", "answered", "answered", "missing"]
    assert found["model"].tolist() == ["m1", "m2", "m1", "m2"]


def test_kana_in_another_part_keep_han_characters_as_they_are(tmp_path, monkeypatch):
    monkeypatch.setattr(out_of_core, "ROWS", 1)
    said = pd.DataFrame({"utt_id": ["a", "b", "c"], "text": ["東京", "雨が降る", "臺灣"]})
    heard = pd.DataFrame({"utt_id": ["c", "b", "a"], "text": ["台湾", "雨が降る", "東京"]})
    found = written(tmp_path, heard, said)
    assert found["utt_id"].tolist() == ["a", "b", "c"]
    assert found["subs"].tolist() == [0, 0, 2]
    assert written(tmp_path, heard[::2], said[::2])["subs"].tolist() == [0, 0]  # without them it is Chinese


def test_blocks_are_of_the_kind_that_most_of_all_utterances_have(tmp_path, monkeypatch):
    monkeypatch.setattr(out_of_core, "ROWS", 1)
    said = pd.DataFrame({"utt_id": list("abc"), "text": ["x"] * 3, "speaker": ["s", "t", None]})
    found = written(tmp_path, said[["utt_id", "text"]], said)
    assert found["block"].tolist() == ["speaker:s", "speaker:t", "no speaker given"]


def test_texts_and_tables_and_files_are_scored_alike(tmp_path, monkeypatch):
    monkeypatch.setattr(out_of_core, "ROWS", 1)
    said = pd.DataFrame({"utt_id": ["b", "a"], "text": ["the cat", "a dog"]})
    heard = pd.DataFrame({"utt_id": ["a", "b"], "text": ["a dog", "the hat"]})
    of_tables = written(tmp_path, heard, said)
    of_files = written(tmp_path, stored(heard, "transcripts", tmp_path), stored(said, "references", tmp_path))
    pd.testing.assert_frame_equal(of_tables, of_files, check_exact=True)
    assert of_tables[["utt_id", "subs"]].to_numpy().tolist() == [["b", 1], ["a", 0]]
    lacking = written(tmp_path, heard.head(1), said, missing="drop")  # a part of which there are no transcripts
    assert lacking["state"].tolist() == ["missing", "answered"]
    of_texts = written(tmp_path, ["the hat", "a dog"], ["the cat", "a dog"])
    assert of_texts["subs"].tolist() == [1, 0]
    in_memory = score(str(tmp_path / "transcripts.parquet"), tmp_path / "references.parquet")
    assert in_memory["utt_id"].tolist() == ["a", "b"]  # in the order of the transcripts, as ever


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda heard: heard.assign(utt_id="z"), "are of no utterance that has references"),
        (lambda heard: heard.assign(utt_id=None), "have no utt_id"),
        (lambda heard: pd.concat([heard, heard.tail(1)]), "stand twice: they agree in utt_id, condition"),
        (lambda heard: heard.assign(state="done"), "have another state than answered"),
        (lambda heard: heard.head(2), "1 missing"),
        (lambda heard: heard.assign(hits=1), "Marking makes a column 'hits' itself"),
        (lambda heard: heard.drop(columns="text"), "needs the column text"),
    ],
)
def test_what_cannot_be_marked_is_said_and_leaves_nothing(change, says, tmp_path, monkeypatch):
    monkeypatch.setattr(out_of_core, "ROWS", 1)
    said = pd.DataFrame({"utt_id": list("abc"), "text": ["x", "y", "z"]})
    with pytest.raises(InvalidInput, match=says):
        score(change(said.copy()), said, to=tmp_path / "scores")
    assert not list(tmp_path.iterdir())


def test_terms_that_were_not_said_are_named(tmp_path, monkeypatch):
    monkeypatch.setattr(out_of_core, "ROWS", 1)
    heard, data = world(3, languages=("en",), holes=False)
    data.terms = pd.DataFrame({"utt_id": ["u03"], "term": ["zebra"], "role": ["present"]})
    with pytest.raises(InvalidInput, match=r"Among the utterances from u03 to u03: 1 term .*'zebra' in u03"):
        score(heard, data, form="spoken", unit="term", missing="drop", to=tmp_path / "scores")


def test_a_run_that_is_cut_short_leaves_what_was_there(tmp_path, monkeypatch):
    monkeypatch.setattr(out_of_core, "ROWS", 1)
    said = pd.DataFrame({"utt_id": list("abc"), "text": ["x", "y", "z"]})
    first = written(tmp_path, said, said)
    add, added = parquet.Folder.add, []

    def cut_short(self, data):
        if added:
            raise KeyboardInterrupt
        added.append(add(self, data))

    monkeypatch.setattr(parquet.Folder, "add", cut_short)
    with pytest.raises(KeyboardInterrupt):
        score(said.assign(text="w"), said, to=tmp_path / "scores")
    pd.testing.assert_frame_equal(parquet.read(tmp_path / "scores", "scores"), first)
    assert [one.name for one in tmp_path.iterdir()] == ["scores"]


def test_a_full_disk_is_said(tmp_path):
    said = pd.DataFrame({"utt_id": [f"u{n}" for n in range(2_000)], "text": "so much of it " * 60})
    parquet.write(said, None, tmp_path / "said.parquet")
    full = (
        "import resource, sys\n"
        "from asrlab import score\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))\n"
        "score(*2 * [sys.argv[1]], to=sys.argv[2])\n"
    )
    command = [sys.executable, "-c", full, str(tmp_path / "said.parquet"), str(tmp_path / "scores")]
    env = {**os.environ, "TMPDIR": str(tmp_path)}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=env)
    last = done.stderr.splitlines()[-1]
    wanted = f"StoreError: The parts could not be put into temporary files in {tmp_path} (File too large). "
    assert last.startswith(f"asrlab.errors.{wanted}")
    assert "TMPDIR" in last
    assert [one.name for one in tmp_path.iterdir()] == ["said.parquet"]


@pytest.mark.parametrize("which", ["heard", "said"])
@pytest.mark.parametrize("rows", [2, 3, 4])
def test_what_is_replaced_after_the_survey_is_refused(rows, which, tmp_path, monkeypatch):
    said = pd.DataFrame({"utt_id": list("abc"), "text": ["x", "y", "z"]})
    other = pd.DataFrame({"utt_id": list("abcd"), "text": ["p", "q", "r", "s"]}).head(rows)
    for name in ("heard", "said"):
        said.to_parquet(tmp_path / f"{name}.parquet")

    class Slow(out_of_core._Survey):
        def __init__(self, *given):
            super().__init__(*given)
            other.to_parquet(tmp_path / f"{which}.parquet")

    monkeypatch.setattr(out_of_core, "_Survey", Slow)
    with pytest.raises(InvalidInput, match=rf"{which}\.parquet was replaced or changed while its table was read"):
        score(tmp_path / "heard.parquet", tmp_path / "said.parquet", missing="drop", to=tmp_path / "scores")
    assert not (tmp_path / "scores").exists()


def test_a_summary_of_scores_that_are_replaced_meanwhile_is_refused(tmp_path, monkeypatch):
    said = pd.DataFrame({"utt_id": list("abc"), "text": ["x", "y", "z"]})
    score(said, said, to=tmp_path / "scores")

    class Slow(parquet.Stored):
        def __init__(self, *given):
            super().__init__(*given)
            monkeypatch.undo()
            score(said.assign(text="w").head(2), said.head(2), to=tmp_path / "scores")

    monkeypatch.setattr(parquet, "Stored", Slow)
    with pytest.raises(InvalidInput, match="was replaced or changed while its table was read"):
        lab.summarize(tmp_path / "scores")
    assert lab.summarize(tmp_path / "scores")["rate"].tolist() == [1.0]


def in_both(folder, heard, said, **options):
    """Score in memory and in parts, and see that it is the same."""
    wanted = in_order(score(heard, said, missing="drop", **options), said["utt_id"].astype("string"))
    found = written(folder, heard, said, missing="drop", **options)
    columns = ["utt_id", "condition", "state", "subs", "dels"]
    pd.testing.assert_frame_equal(found[columns], wanted[columns], check_exact=True)
    return found


@pytest.mark.parametrize("rows", [1, 10**6])
def test_ids_of_any_kind(rows, tmp_path, monkeypatch):
    monkeypatch.setattr(out_of_core, "ROWS", rows)
    said = pd.DataFrame({"utt_id": [2, 1, 3], "text": ["one two", "two", "three"]})
    heard = pd.DataFrame({"utt_id": [1, 2, 3, 1], "condition": list("xxxy"), "text": ["two", "one", "three", "too"]})
    whole = in_both(tmp_path, heard, said)
    assert whole["utt_id"].tolist() == ["2", "2", "1", "1", "3", "3"]
    texts = heard.astype({"utt_id": "string"})
    levels = said.assign(utt_id=pd.Categorical(said["utt_id"].astype("string"), ["1", "9", "2", "3"]))
    pd.testing.assert_frame_equal(in_both(tmp_path, texts, levels), whole, check_exact=True)
    with pytest.raises(InvalidInput, match="are of no utterance that has references"):  # of a level that is not used
        written(tmp_path, texts.assign(utt_id="9"), levels)


def test_joined_channels_of_an_utterance_without_references(tmp_path, monkeypatch):
    monkeypatch.setattr(out_of_core, "ROWS", 1)
    heard, data = world(0, channels=2)
    data.references = data.references[data.references["utt_id"] != "u03"]
    heard["text"] = heard["text"].mask(heard["utt_id"] == "u03")
    heard["state"] = heard["state"].mask(heard["utt_id"] == "u03", "failed")
    path, options = stored(heard, "transcripts", tmp_path), {"form": "spoken", "missing": "drop", "channels": "joined"}
    wanted = in_order(score(path, data, **options), data.utterances["utt_id"])
    pd.testing.assert_frame_equal(written(tmp_path, path, data, **options), wanted, check_exact=True)


def test_no_transcripts(tmp_path):
    said = pd.DataFrame({"utt_id": ["b", "a"], "text": ["x", "y"]})
    assert in_both(tmp_path, said.head(0), said)["state"].tolist() == ["missing"] * 2
    assert in_both(tmp_path, said.head(0), said.head(0)).empty


def test_scores_do_not_take_the_place_of_what_is_marked(tmp_path):
    said = pd.DataFrame({"utt_id": ["a"], "text": ["x"]})
    heard = tmp_path / "heard"
    heard.mkdir()
    said.to_parquet(heard / "part-00000.parquet")
    before = {one: one.read_bytes() for one in heard.iterdir()}
    for source, to in [
        (heard, heard),
        (heard, heard / "scores"),
        (f"{heard}/*.parquet", f"{heard}/x.parquet"),
        (said, heard),
    ]:
        with pytest.raises(InvalidInput, match=r"is or lies in what is marked|holds other things than parts of scores"):
            score(source, said, to=to)
    assert {one: one.read_bytes() for one in heard.iterdir()} == before


def test_axes_that_cannot_be_stored(tmp_path):
    said = pd.DataFrame({"utt_id": ["a"], "text": ["x"]})
    with pytest.raises(InvalidInput, match="Column 'n' of the transcripts holds lists"):
        score(said.assign(n=[[1]]), said, to=tmp_path / "scores")
    with pytest.raises(InvalidInput, match="cannot be stored"):
        score(said.assign(n=pd.Series(["\ud800"], dtype=object)), said, to=tmp_path / "scores")
    with pytest.raises(InvalidInput, match="beyond 2"):
        score(said.assign(n=np.array([2**63 + 1], np.uint64)), said, to=tmp_path / "scores")


def test_what_reads_texts_takes_stored_ones_too(tmp_path):
    said = pd.DataFrame({"utt_id": ["a", "b"], "text": ["it cost five dollars", "two cats"], "language": "en"})
    heard = pd.DataFrame(
        {"utt_id": list("abab"), "itn": list("xxyy"), "text": ["It cost $5.", 40 * "two ", "a", "2 cats"]}
    )
    heard["itn"] = pd.Categorical(heard["itn"], ["x", "y", "z"])
    heard.to_parquet(tmp_path / "heard.parquet")
    said.to_parquet(tmp_path / "said.parquet")
    of_texts = heard.astype({"itn": "string"})
    for work in (lab.edits, lab.ladder, lab.flags, lab.formatting.numbers):
        found = work(tmp_path / "heard.parquet", str(tmp_path / "said.parquet"))
        assert len(found)
        pd.testing.assert_frame_equal(found.astype({"itn": "string"}), work(of_texts, said), check_exact=True)
    alone = lab.flags(tmp_path / "heard.parquet").astype({"itn": "string"})
    pd.testing.assert_frame_equal(alone, lab.flags(of_texts), check_exact=True)
    with pytest.raises(InvalidInput, match=r"not PosixPath\. Read what is stored with pandas\.read_parquet\(\)"):
        lab.audit(tmp_path / "heard.parquet")
