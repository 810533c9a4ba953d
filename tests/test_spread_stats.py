"""Statistics by several workers, and of stored scores: the same figures to the last bit, wherever and from whatever."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest
from marked import fail, grid

import asrlab as lab
from asrlab import coded, groups, parquet
from asrlab.errors import InvalidInput
from asrlab.stats import intervals, label_swaps, random_streams, sign_flips
from asrlab.stats.random_streams import generator_after, stretched

distributed = pytest.importorskip("distributed")


class Counting(ThreadPoolExecutor):
    """Threads that know how much they were given."""

    given = 0

    def submit(self, *args, **kwargs):
        self.given += 1
        return super().submit(*args, **kwargs)


@pytest.fixture(scope="module")
def client():
    options = {"n_workers": 1, "threads_per_worker": 2, "processes": False, "dashboard_address": ":0"}
    with distributed.LocalCluster(**options) as cluster, distributed.Client(cluster) as one:
        yield one


@pytest.fixture(scope="module")
def everywhere(client):
    with ThreadPoolExecutor(3) as threads, ProcessPoolExecutor(2) as processes:
        yield [threads, processes, client]


@pytest.fixture
def short(monkeypatch):
    """Cut resamples into stretches of a single batch, however little work that is."""
    monkeypatch.setattr(random_streams, "_WORTH", 1)


def same(one, other):
    pd.testing.assert_frame_equal(one, other, check_exact=True)


def identical(one, other):
    if isinstance(one, tuple):
        assert len(one) == len(other)
        for a, b in zip(one, other, strict=True):
            identical(a, b)
    else:
        np.testing.assert_array_equal(one, other)


# -- the same numbers, wherever they are drawn -------------------------------------------------------------------------


@pytest.mark.parametrize("blocks", [15, 16, 333])
def test_a_stretch_goes_on_where_the_one_before_ends(blocks):
    whole = np.random.default_rng(5).integers(0, 2, (200, blocks), dtype=np.int8)
    for start in range(0, 200, 4):
        drawn = generator_after(5, start * blocks // 4).integers(0, 2, (8, blocks), dtype=np.int8)
        np.testing.assert_array_equal(drawn[: 200 - start], whole[start : start + 8])
    wide = np.random.default_rng(5).integers(0, 2, (60, blocks))
    for start in range(60):
        np.testing.assert_array_equal(generator_after(5, start * blocks).integers(0, 2, (1, blocks))[0], wide[start])


def test_stretches_cover_all_resamples_once_and_begin_with_a_batch(monkeypatch):
    for worth, resamples, batch, each in [(1, 10, 3, 1), (100, 1000, 4, 7), (10**9, 9999, 16, 5), (50, 3, 8, 1)]:
        monkeypatch.setattr(random_streams, "_WORTH", worth)
        ranges = list(stretched(lambda which: which, resamples, batch=batch, each=each))
        assert [n for some in ranges for n in some] == list(range(resamples))
        assert all(some.start % batch == 0 for some in ranges)


def test_little_work_stays_here():
    with Counting(2) as pool:
        assert list(stretched(len, 9999, batch=100, each=20, executor=pool)) == [9999]
        assert pool.given == 0


def test_each_stream_of_a_bootstrap_is_that_of_a_plain_loop(monkeypatch):
    monkeypatch.setattr(intervals, "_STREAM", 200)
    drawn = np.concatenate(list(intervals.draws(60, range(10), 7)), axis=1)
    streams = [
        np.random.default_rng(7),
        *(np.random.default_rng(np.random.SeedSequence(7, spawn_key=(k,))) for k in (1, 2, 3)),
    ]
    loop = [streams[n // 3].multinomial(60, [1 / 60] * 60) for n in range(10)]
    np.testing.assert_array_equal(drawn.T, loop)
    np.testing.assert_array_equal(np.concatenate(list(intervals.draws(60, range(3, 9), 7)), axis=1), drawn[:, 3:9])


def blocks_of_groups(n_groups, n_blocks):
    rng = np.random.default_rng(3)
    group, block = np.repeat(np.arange(n_groups), n_blocks), np.tile(np.arange(n_blocks), n_groups)
    return rng.normal(0.01, 1, len(group)), rng.uniform(0.5, 1.5, len(group)) / n_blocks, group, block


@pytest.mark.usefixtures("short")
def test_kernels_give_the_same_wherever(everywhere):
    d, shares, group, block = blocks_of_groups(3, 1500)
    errors, lengths = np.round(np.abs(d) * 9), np.round(shares * 60000)
    options = {"group": group, "n_groups": 3, "resamples": 1500, "seed": 4}
    contrast = {(0, 1): d[:300], (0, 2): d[300:600], (1, 2): d[600:900]}

    def all_of_them(executor):
        return (
            tuple(sign_flips.sign_flips(d, block=block, executor=executor, **options)),
            sign_flips.max_t(d, shares, block=block, executor=executor, **options),
            intervals.bootstrap_intervals(errors, lengths, executor=executor, **options),
            label_swaps.swap_test(contrast, 4, executor),
        )

    here = all_of_them(None)
    with Counting(2) as pool:
        identical(here, all_of_them(pool))
        assert pool.given >= 8
    for executor in everywhere:
        identical(here, all_of_them(executor))


@pytest.mark.usefixtures("short")
def test_the_size_of_batches_and_stretches_changes_no_sign(monkeypatch):
    d, shares, group, block = blocks_of_groups(2, 301)
    options = {"group": group, "block": block, "n_groups": 2, "resamples": 999, "seed": 9}
    contrast = {(0, 1): np.round(d[:301])}
    at_once = [
        sign_flips.sign_flips(d, **options).p,
        sign_flips.max_t(d, shares, **options),
        label_swaps.swap_test(contrast, 2),
    ]
    for cells in (5000, 301 * 8):
        monkeypatch.setattr(sign_flips, "_CELLS", cells)
        monkeypatch.setattr(label_swaps, "_CELLS", cells)
        now = [
            sign_flips.sign_flips(d, **options).p,
            sign_flips.max_t(d, shares, **options),
            label_swaps.swap_test(contrast, 2),
        ]
        identical(tuple(at_once), tuple(now))


@pytest.fixture(scope="module")
def scores():
    """More utterances than one batch of swaps holds, each a block of its own, some of them lost."""
    made = grid({"context": ("none", "terms"), "itn": ("off", "on")}, speakers=1100, utterances=1, seed=2)
    made = made.assign(block=made["utt_id"], block_kind="utterance")
    return fail(made, made.index[::97])


@pytest.fixture(scope="module")
def costs(scores):
    told = scores[["utt_id", "condition", "repeat", "context", "itn"]]
    return told.assign(
        state="answered", audio_s=4.0, usd=1.0 + (told["itn"] == "on"), elapsed_s=1.0 + np.arange(len(told)) % 7
    )


@pytest.fixture(scope="module")
def transcripts():
    rng = np.random.default_rng(8)
    words = ["a cat", "a hat", "the cat", "cats"]
    rows = [
        {"utt_id": f"u{n}", "itn": itn, "repeat": repeat, "text": words[rng.integers(4)], "detected_language": "en"}
        for n in range(230)
        for itn in ("off", "on")
        for repeat in range(2)
    ]
    return pd.DataFrame(rows)


TABLES = {
    "bootstrap": lambda s, **how: lab.summarize(s["scores"], method="bootstrap", resamples=1950, seed=3, **how),
    "compare": lambda s, **how: lab.compare(s["scores"], "context", "none", resamples=1950, **how),
    "max-t": lambda s, **how: lab.compare(s["scores"], "condition", resamples=1950, correction="max-t", **how),
    "effects": lambda s, **how: lab.effects(s["scores"], resamples=2100, correction="max-t", **how),
    "frontier": lambda s, **how: lab.frontier(s["scores"], s["costs"], resamples=1950, **how),
    "rank": lambda s, **how: lab.rank(s["scores"], resamples=2100, **how),
    "one power": lambda s, **how: lab.power(0.01, rate=0.08, speakers=20, utterances=5, simulations=2100, **how),
    "powers": lambda s, **how: lab.power([0.01, 0.02], rate=0.08, utterances=[5, 9], simulations=100, **how),
    "audit": lambda s, **how: lab.audit(s["transcripts"], **how),
}


@pytest.mark.usefixtures("short")
@pytest.mark.parametrize("name", TABLES)
def test_tables_are_the_same_wherever(name, scores, costs, transcripts, everywhere):
    given = {"scores": scores, "costs": costs, "transcripts": transcripts}
    here = TABLES[name](given)
    with Counting(2) as pool:
        same(here, TABLES[name](given, executor=pool))
        assert pool.given >= 2
    for executor in everywhere:
        same(here, TABLES[name](given, executor=executor))


@pytest.mark.parametrize("name", TABLES)
def test_what_cannot_work_is_refused(name, scores, costs, transcripts):
    with pytest.raises(InvalidInput, match="executor= takes"):
        TABLES[name]({"scores": scores, "costs": costs, "transcripts": transcripts}, executor=4)


# -- scores that are stored --------------------------------------------------------------------------------------------


def messy():
    """Make scores with categories, axes of text in no order, lost trials, two units, repeats and unknown languages."""
    parts = []
    for unit in ("word", "term"):
        made = grid({"snr": ("none", "20", "10"), "context": ("z", "a")}, speakers=9, utterances=3, seed=5)
        made["unit"] = unit
        parts.append(made if unit == "word" else made.assign(ins=0))
    made = pd.concat(parts, ignore_index=True)
    made = pd.concat([made, made.assign(repeat=1, subs=made["subs"].iloc[::-1].to_numpy())], ignore_index=True)
    made["ref_len"] = made["ref_len"].max()
    made["hits"] = made["hyp_len"] = pd.NA
    made["snr"] = pd.Categorical(made["snr"], ["10", "none", "20"])
    made["spoken_language"] = made["utt_id"].str[:2].map({"s1": "zh", "s2": "en"}).astype("string")
    made["context"] = made["context"].astype("string")
    made["heard"] = (made.index % 5).astype("string")
    made["loud"] = made["utt_id"].str.endswith("1")
    made = fail(made, made.index[::13])
    made = fail(made, made.index[5::31], state="missing").sample(frac=1, random_state=1).reset_index(drop=True)
    return made.astype({name: dtype for name, (dtype, _) in lab.tables.SCHEMAS["scores"].items() if name in made})


@pytest.fixture(scope="module")
def frame():
    return messy()


@pytest.fixture(scope="module", params=["parts", "url"])
def stored(request, frame, tmp_path_factory):
    folder = tmp_path_factory.mktemp("scores")
    if request.param == "url":
        parquet.write(frame, "scores", "memory://spread/scores.parquet")
        return "memory://spread/scores.parquet"
    for k, rows in enumerate(np.array_split(np.arange(len(frame)), 7)):
        parquet.write(frame.iloc[rows].reset_index(drop=True), "scores", folder / f"{k}.parquet")
    return str(folder)


UTTERANCES = pd.DataFrame(
    {
        "utt_id": [f"s{s}-{u}" for s in range(9) for u in range(3)],
        "duration_s": np.arange(27.0) * 3,
        "speaker": [f"S{s % 4}" for s in range(9) for _ in range(3)],
        "tags": [["quiet", "old"] if n % 3 else [] for n in range(27)],
    }
)
FLAGS = pd.DataFrame({"utt_id": ["s1-1", "s3-2"], "flag": "loop", "snr": ["none", "20"]})
STORED = {
    "summarize": lab.summarize,
    "summarize all": lambda s: lab.summarize(s, by=[], dataset=UTTERANCES),
    "summarize facts": lambda s: lab.summarize(
        s, by=["tag", "duration", "speaker", "spoken_language"], dataset=UTTERANCES
    ),
    "summarize flags": lambda s: lab.summarize(s, by=["condition"], flags=FLAGS),
    "bootstrap": lambda s: lab.summarize(s, by="context", method="bootstrap", resamples=200, force=True),
    "rates": lambda s: lab.rates(s, by=["loud", "block"], flags=FLAGS),
    "compare": lambda s: lab.compare(s, "snr"),
    "compare pooled": lambda s: lab.compare(s, "context", "z", by=["spoken_language"], correction="max-t"),
    "compare conditions": lambda s: lab.compare(s, "condition", test="wilcoxon"),
    "effects": lambda s: lab.effects(s, ["snr", "context"]),
    "agreement": lab.agreement,
}


@pytest.mark.parametrize("name", STORED)
def test_stored_scores_give_the_table_of_the_frame(name, frame, stored):
    same(STORED[name](frame), STORED[name](stored))


def test_precision_and_recall_of_stored_scores(frame, tmp_path):
    both = frame[frame["unit"] == "term"]
    both = pd.concat([frame, both.assign(unit="heard term")]).sample(frac=1, random_state=3)
    parquet.write(both.reset_index(drop=True), "scores", tmp_path / "x.parquet")
    same(lab.precision_recall(both), lab.precision_recall(tmp_path / "x.parquet"))


def test_little_is_read_of_what_is_stored(frame, tmp_path, monkeypatch):
    parquet.write(frame.assign(trial="t", wording="w"), "scores", tmp_path / "x.parquet")
    read = set()
    arrow = parquet.Stored.arrow
    monkeypatch.setattr(
        parquet.Stored, "arrow", lambda self, names, **how: read.update(names) or arrow(self, names, **how)
    )
    lab.summarize(tmp_path / "x.parquet")
    assert not read & {"trial", "wording", "heard", "alternative"}
    lab.compare(tmp_path / "x.parquet", "snr")
    assert read & {"trial", "wording", "heard", "alternative"} == {"heard"}


def test_stored_scores_with_little_in_them(frame, tmp_path):
    least = frame[["utt_id", "unit", "subs", "dels", "ins", "ref_len", "block", "block_kind"]].iloc[:9]
    least = least.drop_duplicates("utt_id").reset_index(drop=True)
    for table in (least, least.iloc[:0]):
        parquet.write(table, "scores", tmp_path / "x.parquet")
        same(lab.summarize(table), lab.summarize(tmp_path / "x.parquet"))
        same(lab.rates(table, by="utt_id"), lab.rates(tmp_path / "x.parquet", by="utt_id"))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda t: t.drop(columns="ref_len"), "needs the column ref_len"),
        (lambda t: t.assign(state="lost"), "have another state than"),
        (lambda t: t.assign(ins=t["ins"] - 9), "do not add up"),
        (lambda t: t.assign(hyp_len=t["ref_len"] + 99), "do not add up"),
        (lambda t: t.assign(block=pd.NA), "have counts and no block"),
        (lambda t: pd.concat([t, t], ignore_index=True), "answers stand twice"),
        (lambda t: t.assign(errors=1), "'errors' is made of the scores"),
    ],
)
def test_what_is_wrong_with_stored_scores_is_said_as_of_a_frame(spoil, message, frame, tmp_path):
    wrong = spoil(frame)
    parquet.write(wrong, "scores", tmp_path / "x.parquet")
    with pytest.raises(InvalidInput, match=message) as of_frame:
        lab.summarize(wrong)
    with pytest.raises(InvalidInput, match=message) as of_file:
        lab.summarize(tmp_path / "x.parquet")
    if message != "needs the column ref_len":  # which names the columns that were read
        assert str(of_frame.value) == str(of_file.value)


def test_what_is_no_table_of_scores_is_refused(tmp_path):
    with pytest.raises(InvalidInput, match="is not there"):
        lab.summarize(tmp_path / "nothing.parquet")
    parquet.write(pd.DataFrame({"utt_id": ["a"], "text": ["b"]}), "transcripts", tmp_path / "x.parquet")
    with pytest.raises(InvalidInput, match="is a table of transcripts"):
        lab.rates(tmp_path / "x.parquet")
    with pytest.raises(InvalidInput, match="must be a pandas DataFrame, not list"):
        lab.summarize([1])


# -- codes -------------------------------------------------------------------------------------------------------------


def plainly(column, labels):
    """Number labels in a plain loop, by the place of each in a list; -1 is what is missing."""
    return [-1 if pd.isna(label) else labels.index(label) for label in column]


@pytest.mark.parametrize("seed", range(6))
def test_texts_are_numbered_alike_however_they_are_kept(seed):
    rng = np.random.default_rng(seed)
    names = pd.array(["b", "c10", "c9", "a", "é", "Z", pd.NA], dtype="string")
    texts = pd.Series(names.take(rng.integers(0, 7, 40)), name="block")
    there = [label for label in texts if not pd.isna(label)]
    appear, inorder = list(dict.fromkeys(there)), sorted(set(there))
    shuffled = pd.Categorical(texts, rng.permutation(["none", *names[:-1]]).tolist())
    for column in (texts, texts.astype("category"), pd.Series(shuffled, name="block"), texts.astype(object)):
        for rows in (slice(None), slice(5, 25)):
            kept = column.iloc[rows].reset_index(drop=True)
            here = [label for label in kept if not pd.isna(label)]
            appear, inorder = list(dict.fromkeys(here)), sorted(set(here))
            assert groups.in_appearance(kept).tolist() == plainly(kept, appear)
            assert groups.in_order(kept).tolist() == plainly(kept, inorder)
            last = [len(appear) if code < 0 else code for code in plainly(kept, appear)]
            assert groups.numbered(kept.to_frame(), ["block"]).tolist() == last
            assert groups.levels(kept) == appear


def test_levels_of_an_axis_keep_their_order():
    axis = pd.Series(pd.Categorical(["b", "a", None, "a"], ["c", "a", "b"]), name="context")
    assert groups.levels(axis) == ["a", "b"]
    assert groups.numbered(axis.to_frame(), ["context"]).tolist() == [1, 0, 2, 0]


@pytest.mark.parametrize(("many", "few"), [(5, 2**22), (400, 2**22), (400, 3), (10**6, 3)])
def test_combinations_are_numbered_in_their_order(many, few, monkeypatch):
    monkeypatch.setattr(groups, "_FEW", few)
    rng = np.random.default_rng(1)
    codes = [rng.integers(0, n, 300) for n in (many, 1, 3, many)]
    rows = list(zip(*(code.tolist() for code in codes), strict=True))
    places = {row: n for n, row in enumerate(sorted(set(rows)))}
    assert groups.combined(codes).tolist() == [places[row] for row in rows]


def test_checked_scores_are_texts_and_codes_are_few_bytes():
    given = messy()
    checked = coded.check_scores(given)
    for name in ("utt_id", "condition", "state", "unit", "block"):
        assert checked[name].dtype == "string"
        pd.testing.assert_series_equal(checked[name], given[name])
    kept = coded.coded(given)
    assert all(isinstance(kept[name].dtype, pd.CategoricalDtype) for name in ("utt_id", "condition", "state", "unit"))
    assert kept["condition"].cat.codes.dtype == np.int8
