"""Rates by any columns, which rows may be pooled, and how such tables are shown."""

from __future__ import annotations

import statistics
from types import SimpleNamespace

import jiwer
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asrlab import groups, tables
from asrlab.errors import InvalidInput
from asrlab.scoring.rates import rates
from asrlab.stats.comparison import compare
from asrlab.stats.summary import summarize
from asrlab.views import markup

WORDS = st.lists(st.sampled_from("abc"), max_size=6).map(" ".join)
RATES = ["rate", "clipped", "mean", "median", "ser", "mer", "wil", "wip"]
COUNTS = ["hits", "subs", "dels", "ins", "ref_len", "hyp_len"]


def scores_of(pairs, **columns):
    """Mark pairs of texts with jiwer, one utterance each."""
    rows = []
    for number, (ref, hyp) in enumerate(pairs):
        out = jiwer.process_words(ref, hyp)
        counts = (out.hits, out.substitutions, out.deletions, out.insertions)
        lengths = (len(ref.split()), len(hyp.split()))
        rows.append({"utt_id": f"u{number}", **dict(zip(COUNTS, (*counts, *lengths), strict=True))})
    frame = pd.DataFrame(rows, columns=["utt_id", *COUNTS]).assign(state="answered", unit="word", ties="jiwer")
    return tables.check(frame.assign(**columns), "scores", required=("utt_id",))


PAIRS = [
    ("the cat sat on the mat", "the cat sit on mat today"),
    ("a b", "a b"),
    ("", "who said this"),
    ("", ""),
    ("one two three", ""),
    ("yes", "no no no no no no no no"),
]
SCORES = scores_of(PAIRS)


def lose(scores, rows, state="failed", *, all_deleted=False):
    """Take answers away: dropped, or counted as all-deleted."""
    scores = scores.copy()
    scores.loc[rows, "state"] = state
    if all_deleted:
        scores.loc[rows, "dels"] = scores.loc[rows, "ref_len"]
        scores.loc[rows, ["hits", "subs", "ins", "hyp_len"]] = 0
    else:
        scores.loc[rows, COUNTS] = pd.NA
    return scores


def one(scores, **options):
    (row,) = rates(scores, by=[], **options).to_dict("records")
    return row


# --- the numbers


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(WORDS, WORDS), min_size=1, max_size=6))
def test_pooled_rates_are_those_of_jiwer(pairs):
    out = jiwer.process_words([ref for ref, _ in pairs], [hyp for _, hyp in pairs])
    row = one(scores_of(pairs))
    assert (row["mer"], row["wil"], row["wip"]) == pytest.approx((out.mer, out.wil, out.wip), abs=1e-12)
    assert [row[n] for n in COUNTS[:4]] == [out.hits, out.substitutions, out.deletions, out.insertions]
    if any(ref for ref, _ in pairs):
        assert row["rate"] == pytest.approx(out.wer)
    else:
        assert pd.isna(row["rate"])  # jiwer gives the number of insertions


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(WORDS, WORDS), min_size=1, max_size=7))
def test_rates_of_the_answers_are_those_of_jiwer_one_by_one(pairs):
    row = one(scores_of(pairs))
    spoken = [(ref, hyp) for ref, hyp in pairs if ref]
    assert row["ser"] == sum(ref != hyp for ref, hyp in pairs) / len(pairs)
    if not spoken:
        assert all(pd.isna(row[name]) for name in ("clipped", "mean", "median"))
        return
    each = [jiwer.wer(ref, hyp) for ref, hyp in spoken]
    assert row["mean"] == pytest.approx(statistics.fmean(each))
    assert row["median"] == pytest.approx(statistics.median(each))
    lengths = [len(ref.split()) for ref, _ in spoken]
    clipped = sum(min(rate, 1) * n for rate, n in zip(each, lengths, strict=True)) / sum(lengths)
    assert row["clipped"] == pytest.approx(clipped)


def test_worked_example_by_hand():
    row = one(SCORES)
    # Errors 3, 0, 3, 0, 3, 8 over 6, 2, 0, 0, 3, 1 words.
    assert (row["rate"], row["clipped"]) == pytest.approx((17 / 12, 7 / 12))
    assert (row["mean"], row["median"]) == pytest.approx(((0.5 + 0 + 1 + 8) / 4, 0.75))
    assert row["ser"] == pytest.approx(4 / 6)
    assert (row["n_utts"], row["n_marked"], row["ref_len"], row["hyp_len"]) == (6, 6, 12, 19)


def test_corpus_and_mean_are_two_numbers():
    row = one(scores_of([(" ".join("abcdefghij"), " ".join("abcdefghix")), ("a", "b c")]))
    assert (row["rate"], row["mean"]) == pytest.approx((3 / 11, 1.05))


@pytest.mark.parametrize(
    ("heard", "ser", "mer", "wip"), [("", 0, 0, 1), ("some words", 1, 1, 0)], ids=["nothing heard", "words heard"]
)
def test_where_nothing_was_said_there_is_no_rate(heard, ser, mer, wip):
    row = one(scores_of([("", heard)]))
    assert all(pd.isna(row[name]) for name in ("rate", "clipped", "mean", "median"))
    assert (row["ser"], row["mer"], row["wip"], row["wil"]) == (ser, mer, wip, 1 - wip)
    assert row["ins"] == len(heard.split())


def test_insertions_on_an_empty_reference_count_in_the_pool_but_not_in_the_mean():
    row = one(scores_of([("", "a b c"), ("a b", "a b")]))
    assert (row["rate"], row["clipped"], row["mean"], row["median"]) == (1.5, 0, 0, 0)


def test_without_answers_there_is_no_number_at_all():
    row = one(lose(SCORES, slice(None)))
    assert all(pd.isna(row[name]) for name in RATES)
    assert (row["n_marked"], row["n_utts"], row["n_failed"], row["ref_len"]) == (0, 0, 6, 0)


def test_of_terms_only_what_is_not_a_false_name():
    row = one(scores_of([("a b", "a"), ("c", "c")], unit="term"))
    assert (row["rate"], row["mean"], row["median"], row["ser"]) == (1 / 3, 0.25, 0.25, 0.5)
    assert all(pd.isna(row[name]) for name in ("clipped", "mer", "wil", "wip"))


def test_counts_from_elsewhere_need_no_hits():
    bare = SCORES[["utt_id", "unit", "subs", "dels", "ins", "ref_len"]]
    assert rates(bare, by=[]).drop(columns="ties").equals(rates(SCORES, by=[]).drop(columns="ties"))


@pytest.mark.parametrize("seed", range(5))
def test_the_order_of_rows_does_not_matter_to_the_last_bit(seed):
    rng = np.random.default_rng(seed)
    n = 600
    frame = pd.DataFrame({"utt_id": [f"u{k % 20}" for k in range(n)], "unit": "word", "context": list("abc") * 200})
    frame["ref_len"] = rng.integers(0, 40, n)
    frame["subs"], frame["dels"], frame["ins"] = frame["ref_len"] // 3, frame["ref_len"] // 4, rng.integers(0, 5, n)
    shuffled = frame.iloc[rng.permutation(n)]
    first, second = (rates(part).sort_values("context", ignore_index=True) for part in (frame, shuffled))
    # Not assert_frame_equal(check_exact=True), which compares Float64 with a tolerance all the same.
    assert first.equals(second)
    assert not first.equals(first.assign(mean=np.nextafter(first["mean"].to_numpy(float), 9)).astype(first.dtypes))


# --- what never came


@pytest.mark.parametrize("table", [rates, summarize])
@pytest.mark.parametrize(
    ("state", "column"),
    [
        ("failed", "n_failed"),
        ("unknown", "n_failed"),
        ("submitted", "n_not_run"),
        ("not run", "n_not_run"),
        ("missing", "n_missing"),
    ],
)
def test_what_was_not_answered_is_counted_apart_and_its_fate_named(table, state, column):
    scores = SCORES.assign(block="b", block_kind="utterance")
    numbers = ["n_failed", "n_not_run", "n_missing"]
    dropped = table(lose(scores, [0, 1], state), by=[]).iloc[0]
    assert dropped[numbers].tolist() == [2 * (name == column) for name in numbers]
    assert dropped["lost"] == "dropped"
    assert dropped["rate"] == pytest.approx(14 / 4)
    deleted = table(lose(scores, [0, 1], state, all_deleted=True), by=[]).iloc[0]
    assert deleted[numbers].tolist() == [2 * (name == column) for name in numbers]
    assert deleted["lost"] == "all-deleted"
    assert deleted["rate"] == pytest.approx((17 - 3 + 8) / 12)
    assert pd.isna(table(scores, by=[])["lost"][0])


def test_all_deleted_trials_are_in_every_rate():
    row = one(lose(SCORES, [1], all_deleted=True))
    emptied = scores_of([*PAIRS[:1], ("a b", ""), *PAIRS[2:]])
    assert {n: row[n] for n in [*RATES, *COUNTS, "n_utts", "n_marked"]} == {
        n: one(emptied)[n] for n in [*RATES, *COUNTS, "n_utts", "n_marked"]
    }


def test_scores_made_both_ways_say_so_in_the_groups_that_have_both():
    scores = pd.concat([SCORES.assign(context="a"), SCORES.assign(context="b")], ignore_index=True)
    both = lose(lose(scores, [0, 6]), [1], all_deleted=True)
    assert rates(both, by="context")["lost"].tolist() == ["dropped and all-deleted", "dropped"]
    assert one(both)["lost"] == "dropped and all-deleted"


def test_two_channels_of_a_failed_trial_are_one_trial():
    scores = pd.concat([SCORES.assign(channel=0), SCORES.assign(channel=1)], ignore_index=True)
    row = one(lose(scores, [0, 6, 7]))
    assert (row["n_failed"], row["n_marked"], row["n_utts"]) == (2, 9, 5)
    assert rates(lose(scores, [0, 6, 7]), by="channel")["n_failed"].tolist() == [1, 2]
    repeated = pd.concat([SCORES.assign(repeat=0), SCORES.assign(repeat=1)], ignore_index=True)
    assert one(lose(repeated, [0, 6]))["n_failed"] == 2


@pytest.mark.parametrize("axis", ["context", "condition", "channel of the desk"])
@pytest.mark.parametrize("all_deleted", [False, True])
@pytest.mark.parametrize("table", [rates, summarize])
def test_settings_that_lose_the_same_utterance_lose_a_trial_each(table, axis, all_deleted):
    part = SCORES.assign(block="b", block_kind="utterance")
    scores = pd.concat([part.assign(**{axis: label}) for label in ("a", "b", "c")], ignore_index=True)
    lost = lose(scores, [0, 6, 13], all_deleted=all_deleted)
    assert table(lost, by=axis)["n_failed"].tolist() == [1, 1, 1]
    assert table(lost, by=[])["n_failed"].tolist() == [3]


def test_channels_of_a_trial_that_were_lost_otherwise_count_once_each():
    scores = pd.concat([SCORES.assign(channel=0), SCORES.assign(channel=1)], ignore_index=True)
    row = one(lose(lose(scores, [0, 6]), [1, 7], "missing"))
    assert (row["n_failed"], row["n_not_run"], row["n_missing"]) == (1, 0, 1)


def test_a_trial_of_which_one_channel_counts_and_the_other_does_not_is_one_trial():
    scores = pd.concat([SCORES.assign(channel=0), SCORES.assign(channel=1)], ignore_index=True)
    row = one(lose(lose(scores, [0]), [6], all_deleted=True))
    assert (row["n_failed"], row["lost"]) == (1, "dropped and all-deleted")


def test_what_was_asked_once_has_the_repeat_0():
    found = rates(pd.concat([SCORES.assign(repeat=pd.NA), SCORES.assign(repeat=[0, 1] * 3)]), by="repeat")
    assert found[["repeat", "n_marked"]].to_numpy().tolist() == [[0, 9], [1, 3]]


@pytest.mark.parametrize(
    ("scores", "says"),
    [
        (lose(SCORES, [1]).assign(state="answered"), r"1 row \(u1\) are answered without counts"),
        (SCORES.assign(state="failed"), r"\(u0, u1, u2, u5\) were not answered and have counts"),
        (SCORES.assign(state="lost"), "another state than answered, failed, unknown, submitted, not run, spared"),
        (SCORES.assign(state="failed", dels=None), "have some counts and lack others"),
        (SCORES.assign(ref_len=7), "do not add up"),
        (SCORES.assign(hyp_len=0), "do not add up"),
        (SCORES.assign(hits=None, hyp_len=None, subs=13), "do not add up"),
        (SCORES.drop(columns="ref_len"), "needs the column ref_len"),
    ],
)
def test_scores_that_contradict_themselves_are_refused(scores, says):
    with pytest.raises(InvalidInput, match=says):
        rates(scores)


# --- what may be pooled, and by what


@pytest.mark.parametrize("column", groups.APART)
@pytest.mark.parametrize("table", [rates, summarize])
def test_what_is_counted_otherwise_is_never_pooled(table, column):
    plain = SCORES.assign(block="b", block_kind="utterance", form="spoken", normalizer="en-1", ties="jiwer")
    other = plain.assign(**{column: pd.NA if column == "ties" else "other"})
    both = table(pd.concat([plain, other], ignore_index=True), by=[])
    assert len(both) == 2
    assert both["ref_len"].tolist() == [12, 12]
    assert both[column].isna().tolist() == [False, column == "ties"]


@pytest.mark.parametrize("name", ["errors", "pair"])
@pytest.mark.parametrize("table", [rates, summarize, lambda scores: compare(scores, "condition", "a")])
def test_an_axis_with_the_name_of_a_working_column_is_not_pooled_over(table, name):
    scores = SCORES.assign(block="b", block_kind="utterance", **{name: ["x", "y"] * 3})
    with pytest.raises(InvalidInput, match=f"A column '{name}' is made of the scores.*Rename it there"):
        table(scores)


def test_which_of_the_forms_was_nearest_is_no_axis():
    scores = SCORES.assign(form="best", marked_form=["spoken", "written"] * 3)
    assert list(rates(scores).columns)[:2] == ["condition", "unit"]
    assert rates(scores)["n_marked"].tolist() == [6]
    with pytest.raises(InvalidInput, match="no column 'marked_form'"):
        rates(scores, by="marked_form")


def test_kinds_of_blocks_are_no_reason_to_part():
    scores = SCORES.assign(block_kind=["speaker", "utterance"] * 3)
    assert len(rates(scores, by=[])) == 1


def test_columns_and_order():
    scores = pd.concat([SCORES.assign(context=c, itn=i) for c in "ba" for i in ("on", "off")], ignore_index=True)
    found = rates(scores)
    assert list(found.columns) == ["context", "itn", *tables.SCHEMAS["rates"]]
    assert found[["context", "itn"]].to_numpy().tolist() == [["b", "on"], ["b", "off"], ["a", "on"], ["a", "off"]]
    categories = pd.CategoricalDtype(["a", "c", "b"])
    ordered = rates(scores.astype({"context": categories}), by="context")
    assert ordered["context"].tolist() == ["a", "b"]
    assert ordered["context"].dtype == categories
    assert rates(scores, by=["utt_id"])["n_marked"].tolist() == [4] * 6
    assert rates(SCORES).columns[0] == "condition"
    assert {n: str(d) for n, d in found.dtypes.items() if n in tables.SCHEMAS["rates"]} == {
        name: dtype for name, (dtype, _) in tables.SCHEMAS["rates"].items()
    }


@pytest.mark.parametrize("by", [None, [], ["context"], ["tag", "duration"]])
def test_nothing_gives_an_empty_table(by):
    empty = rates(SCORES.assign(context="a").head(0), by=by, dataset=UTTERANCES)
    assert empty.empty
    assert list(empty.columns)[-len(tables.SCHEMAS["rates"]) :] == list(tables.SCHEMAS["rates"])


def test_the_frame_given_is_left_as_it_was():
    before = SCORES.copy()
    rates(SCORES, by=["speaker", "tag"], dataset=UTTERANCES)
    pd.testing.assert_frame_equal(SCORES, before)


UTTERANCES = pd.DataFrame(
    {
        "utt_id": ["u5", "u4", "u3", "u2", "u1", "u0", "not asked"],
        "speaker": ["kim", "kim", "lee", "lee", "lee", None, "ann"],
        "language": "en",
        "duration_s": [2.0, 4.999, 60.0, None, 0.0, 1.0, 7.0],
        "tags": [["noisy", "far"], ["far"], [], None, ["noisy", "noisy"], "far", ["x"]],
        "topic": pd.Categorical(["b", "a", "b", "a", "b", "a", "c"], categories=["c", "b", "a"]),
    }
)


@pytest.mark.parametrize("dataset", [UTTERANCES, SimpleNamespace(utterances=UTTERANCES)])
def test_by_any_fact_of_the_utterances(dataset):
    found = rates(SCORES, by="speaker", dataset=dataset)
    assert found["speaker"].tolist() == ["lee", "kim", pd.NA]
    assert found["ref_len"].tolist() == [2, 4, 6]
    topics = rates(SCORES, by=["topic"], dataset=dataset)
    assert topics["topic"].tolist() == ["b", "a"]
    assert topics["ref_len"].tolist() == [3, 9]


def test_by_duration():
    found = rates(SCORES, by="duration", dataset=UTTERANCES)
    assert [*map(str, found["duration"])] == ["0–2 s", "2–5 s", "60 s and more", "nan"]
    assert found["duration"].dtype.ordered
    assert found["n_utts"].tolist() == [2, 2, 1, 1]
    own = UTTERANCES.assign(duration="long")
    assert rates(SCORES, by="duration", dataset=own)["duration"].tolist() == ["long"]


def test_an_utterance_counts_under_each_of_its_tags_once():
    found = rates(SCORES, by="tag", dataset=UTTERANCES).set_index("tag")["ref_len"]
    assert found.to_dict() == {"far": 6 + 3 + 1, "noisy": 2 + 1, pd.NA: 0}
    assert len(rates(SCORES, by="tag", dataset=UTTERANCES.drop(columns="tags"))) == 1


def test_an_axis_goes_before_a_fact_of_the_same_name():
    found = rates(SCORES.assign(speaker="axis"), by="speaker", dataset=UTTERANCES)
    assert found["speaker"].tolist() == ["axis"]


def test_summaries_take_facts_too():
    scores = SCORES.assign(block="b", block_kind="utterance")
    found = summarize(scores, by=["speaker"], dataset=UTTERANCES)
    assert found["ref_len"].tolist() == [2, 4, 6]


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: rates(SCORES, by="speakr"), r"no column 'speakr'.*there are condition, .*With dataset=, there are"),
        (
            lambda: rates(SCORES, by="speakr", dataset=UTTERANCES),
            "there are condition, .*speaker, .*topic, duration, tag.$",
        ),
        (lambda: rates(SCORES, by="tags", dataset=UTTERANCES), "no column 'tags'"),
        (
            lambda: rates(SCORES.assign(mean=1)),
            "rates has a column 'mean' of its own. Rename that column of the scores",
        ),
        (
            lambda: rates(SCORES, by="mean", dataset=UTTERANCES.assign(mean=1)),
            "'mean' of its own. Rename that column of the utterances",
        ),
        (
            lambda: rates(SCORES, by="state", dataset=UTTERANCES.assign(state="Ohio")),
            "scores has a column 'state' of its own. Rename that column of the utterances",
        ),
        *(
            (
                lambda name=name: rates(SCORES, by=name, dataset=UTTERANCES.assign(**{name: 1})),
                f"scores has a column '{name}' of its own. Rename that column of the utterances",
            )
            for name in ("errors", "pair", "marked_form")
        ),
        (lambda: rates(SCORES, by="speaker", dataset=UTTERANCES.head(3)), r"3 rows \(u0, u1, u2\) are of no utterance"),
        (
            lambda: rates(SCORES, by="speaker", dataset=pd.concat([UTTERANCES, UTTERANCES])),
            "stand twice among the utterances",
        ),
        (lambda: rates(SCORES, by="speaker", dataset="here"), "must be a Dataset or its table of utterances, not str"),
    ],
)
def test_what_cannot_be_grouped_by_is_said(call, says):
    with pytest.raises(InvalidInput, match=says):
        call()


# --- shown


def test_rates_are_shown_in_per_cent():
    shown = markup.table(rates(SCORES, by=[])).text
    assert shown.splitlines()[0].split()[:8] == RATES
    assert shown.splitlines()[1].split()[:8] == [
        *("141.67%", "58.33%", "237.50%", "75.00%", "66.67%", "77.27%"),
        *(f"{100 * (1 - 5 * 5 / (12 * 19)):.2f}%", f"{100 * 5 * 5 / (12 * 19):.2f}%"),
    ]
    assert markup.table(pd.DataFrame({"mean": [0.5], "median": [0.5]})).text.splitlines()[1].split() == ["0.50", "0.50"]


def test_what_is_as_usual_is_not_said_and_what_is_not_is():
    plain = rates(SCORES, by=[])
    last = markup.table(plain.drop(columns=["mer", "wil", "wip"])).text.splitlines()[-1]
    assert last == "In all rows: unit word; normalizer –; form –; n_utts 6; n_marked 6; n_failed 0; n_not_run 0"
    assert "ties jiwer" in markup.table(plain).text
    odd = plain.drop(columns=["mer", "wil", "wip"]).assign(ties="sclite", n_missing=2, lost="dropped")
    last = markup.table(odd).text.splitlines()[-1]
    assert "; ties sclite; " in last
    assert last.endswith("; n_missing 2; lost dropped")
    mixed = pd.concat([odd, odd.assign(lost=pd.NA, ties="jiwer", n_missing=0)])
    heads = markup.table(mixed).text.splitlines()[0].split()
    assert {"ties", "n_missing", "lost"} <= set(heads)
    assert {"ties", "n_missing", "lost"} <= set(markup.table(plain, fold=False).text.splitlines()[0].split())
