"""Explain: parts that add up exactly to the gap, by hand and by brute force; and the search for choices."""

from __future__ import annotations

import math
import statistics
from fractions import Fraction
from itertools import pairwise, permutations, product

import jiwer
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import asrlab as lab
from asrlab import tables
from asrlab.errors import InvalidInput
from asrlab.normalize import Normalizer
from asrlab.scoring.explain import combinations
from asrlab.scoring.explain.candidates import candidates
from asrlab.scoring.explain.choices import DEFAULTS, Known, in_condition, in_split, same
from asrlab.scoring.explain.combinations import Marked, Result, figure
from asrlab.scoring.explain.explain import NOT_EXPLAINED, Gap, explain
from asrlab.scoring.explain.published import published

#: Ten words with one error, one word with two: 3/11 pooled, 1.05 on average.
SAID = ["a b c d e f g h i j", "k"]
HEARD = ["a b c d e f g h i x", "l m"]
#: Right but for case in one, one word wrong in the other.
CASED = ["A b c d", "e"], ["a b c x", "E"]


@pytest.fixture(scope="module", autouse=True)
def each_marking_once():
    """Mark once what several tests ask for: nearly all the time goes into the marking of a few tiny tables."""
    marked, mark = {}, combinations._mark

    def once(asked):
        plain = (str, list, dict, type(None))
        key = tuple(repr(value) if isinstance(value, plain) else id(value) for value in map(asked.get, DEFAULTS))
        if key not in marked:
            try:
                marked[key] = mark(asked), asked  # with what was asked for, so that no id is given anew
            except InvalidInput as error:
                marked[key] = error, asked
        if isinstance(marked[key][0], InvalidInput):
            raise InvalidInput(*marked[key][0].args)
        return marked[key][0]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(combinations, "_mark", once)
        yield


def exact(table):
    return [Fraction(text) for text in table["exact"]]


def adds_up(table, ours, theirs):
    """Whether the parts are the gap: exactly as fractions, and to the last bits as numbers."""
    assert sum(exact(table)) == theirs - ours
    assert math.fsum(table["delta"]) == pytest.approx(float(theirs - ours), abs=1e-15)
    assert (table["rate_before"].iloc[0], table["rate_after"].iloc[-1]) == (float(ours), float(theirs))
    for above, below in pairwise(table.to_dict("records")):
        assert above["rate_after"] == below["rate_before"]
    for row, part in zip(table.to_dict("records"), exact(table), strict=True):
        assert row["delta"] == float(part)
        assert row["rate_after"] - row["rate_before"] == pytest.approx(row["delta"], abs=1e-15)


# --- by hand


def test_corpus_against_mean():
    table = explain(HEARD, SAID, {}, {"aggregate": "mean"}, normalizer="none")
    adds_up(table, Fraction(3, 11), Fraction(21, 20))
    (row,) = table.to_dict("records")
    assert (row["part"], row["from"], row["to"], row["exact"]) == ("aggregate", "pooled", "mean", "171/220")
    assert (row["first"], row["last"]) == (row["delta"], row["delta"])
    assert (row["n_answers_before"], row["n_answers_after"], row["ref_len_before"], row["ref_len_after"]) == (
        *(2, 2),
        *(11, 11),
    )
    assert row["what"] == "aggregate: mean for pooled, 27.27 % to 105.00 %, +77.73 points."


@pytest.mark.parametrize(
    ("order", "parts"),
    [
        (None, {"normalizer": "2/5", "aggregate": "3/20"}),
        (["aggregate", "normalizer"], {"aggregate": "-3/40", "normalizer": "5/8"}),
        ("shapley", {"normalizer": "41/80", "aggregate": "3/80"}),
    ],
)
def test_two_parts_in_either_order_and_on_average(order, parts):
    said, heard = CASED
    table = explain(heard, said, {"normalizer": "basic"}, {"normalizer": "none", "aggregate": "mean"}, order=order)
    assert dict(zip(table["part"], table["exact"], strict=True)) == parts
    adds_up(table, Fraction(1, 5), Fraction(3, 4))
    alone = table.set_index("part")
    assert alone.loc["normalizer", ["first", "last"]].tolist() == [0.4, 0.625]
    assert alone.loc["aggregate", ["first", "last"]].tolist() == [-0.075, 0.15]
    told = "shapley: mean over all 2 orders" if order == "shapley" else f"in order: {', '.join(parts)}"
    assert table["method"].eq(told).all()


def test_of_shapley_values_only_the_ends_are_results():
    said, heard = CASED
    table = explain(heard, said, {"normalizer": "basic"}, {"normalizer": "none", "aggregate": "mean"}, order="shapley")
    assert table["n_answers_before"].to_list() == [2, pd.NA]
    assert table["n_answers_after"].to_list() == [pd.NA, 2]
    assert table["what"][1].endswith(
        "+3.75 points on average (-7.50 points if changed first, +15.00 points if changed last)."
    )


def test_one_loop_moves_the_corpus_and_the_clipped_rate_not():
    said, heard = ["a b", "c d e f g h i j"], ["a b " + "b " * 78, "c d e f g h i j"]
    table = explain(heard, said, {}, {"aggregate": "clipped"}, normalizer="none")
    adds_up(table, Fraction(78, 10), Fraction(2, 10))
    table = explain(heard, said, {}, {"aggregate": "median"}, normalizer="none")
    adds_up(table, Fraction(78, 10), Fraction(39, 2))


def test_script_folded_by_one_and_not_by_the_other():
    said, heard = ["臺灣的天氣很熱"], ["台湾的天气很热"]
    raw, folded = Fraction(4, 7), Fraction(0)
    table = explain(heard, said, {"script": "keep"}, {"script": "fold"}, language="zh")
    adds_up(table, raw, folded)
    # In the name of a normalizer it is the same choice; and what knows nothing of scripts is folded after.
    named = explain(heard, said, {"normalizer": "zh+script=keep"}, {"normalizer": "zh-2+script=fold"}, language="zh")
    assert named["part"].to_list() == ["script", "normalizer"]
    assert named["exact"].to_list() == ["-4/7", "0"]
    none = explain(heard, said, {}, {"script": "fold"}, language="zh", normalizer="none")
    assert none[["part", "from", "to", "exact"]].to_numpy().tolist() == [["script", "keep", "fold", "-4/7"]]
    mixed = explain(heard, said, {"script": "fold"}, {"normalizer": "none"}, language="zh", order="shapley")
    assert dict(zip(mixed["part"], mixed["exact"], strict=True)) == {"script": "4/7", "normalizer": "0"}
    # By its tag script may be under test, and the normalizer alone would not be let fold it.
    tagged = explain(heard, said, {"script": "fold"}, {"normalizer": "none"}, language="zh-TW")
    assert tagged["part"].to_list() == ["script", "normalizer"]
    assert tagged["to"][0] == "keep"
    assert explain(heard, said, {}, {"normalizer": "none"}, language="zh")["part"].to_list() == ["normalizer"]
    either = explain(heard, said, {"script": "fold"}, {"script": "keep"}, language="zh", normalizer={"zh": "basic"})
    adds_up(either, folded, raw)


def test_only_scripts_of_the_language_are_folded():
    table = {"utt_id": ["a"], "text": ["臺灣"], "language": ["ja"]}
    said, heard = pd.DataFrame(table), pd.DataFrame({"utt_id": ["a"], "text": ["台湾"]})
    found = explain(heard, said, {"script": "keep"}, {"script": "fold"}, normalizer="none")
    adds_up(found, Fraction(1), Fraction(1))


LOST = pd.DataFrame({"utt_id": ["a", "b", "c"], "text": ["one two", None, ""]})
LOST_SAID = pd.DataFrame({"utt_id": ["a", "b", "c", "d"], "text": ["one too", "{three four|five}", "", "six seven"]})


@pytest.mark.parametrize(
    ("missing", "rate", "answers"),
    [
        ("drop", Fraction(1, 2), 2),
        ("all-deleted", Fraction(5, 6), 4),  # of b the longer wording
        ("empty", Fraction(4, 5), 4),  # of b the one with fewer errors
    ],
)
def test_failed_trials_dropped_deleted_and_stored_as_empty(missing, rate, answers):
    table = explain(LOST, LOST_SAID, {"missing": "drop"}, {"missing": missing, "aggregate": "median"}, order=None)
    step = table.set_index("part")
    if missing != "drop":
        assert step.loc["missing", "rate_after"] == float(rate)
        assert step.loc["missing", "n_answers_after"] == answers
    assert (table["n_lost_before"].eq(2) & table["n_lost_after"].eq(2)).all()


def test_an_answer_that_is_stored_as_empty_is_right_where_nothing_was_said():
    said = pd.DataFrame({"utt_id": ["a", "b"], "text": ["", "x"]})
    heard = pd.DataFrame({"utt_id": ["a", "b"], "text": [None, "x"]})
    table = explain(heard, said, {"missing": "all-deleted"}, {"missing": "empty"}, unit="sentence")
    adds_up(table, Fraction(1, 2), Fraction(0))


def test_a_trial_that_failed_as_a_whole_is_empty_on_every_channel():
    said = pd.DataFrame({"utt_id": ["a", "b", "b"], "channel": [0, 0, 1], "text": ["x", "y z", "u v w"]})
    heard = pd.DataFrame({"utt_id": ["a", "b"], "channel": [0, None], "text": ["x", None]})
    for channels in ("each", "joined"):
        table = explain(heard, said, {"missing": "drop"}, {"missing": "empty"}, channels=channels)
        adds_up(table, Fraction(0), Fraction(5, 6))
        assert table["n_lost_after"].to_list() == [1]


FACTS = pd.DataFrame(
    {
        "utt_id": list("abcd"),
        "text": ["p q", "r s", "t u v w", "x y"],
        "speaker": ["one", "one", "two", "two"],
        "topic": ["news", "talk", "talk", None],
    }
)
TOLD = pd.DataFrame({"utt_id": list("abcd"), "text": ["p p", "r s", "t t t t", "x y"]})


@pytest.mark.parametrize(
    "split",
    [
        "topic == 'talk'",
        {"topic": "talk"},
        ["b", "c"],
        {"topic": ["talk"], "speaker": ["one", "two"]},
        pd.Index(["c", "b"]),
    ],
)
def test_splits_by_query_value_and_list(split):
    table = explain(TOLD, FACTS, {}, {"split": split})
    adds_up(table, Fraction(4, 10), Fraction(3, 6))
    assert table[["n_answers_before", "n_answers_after"]].to_numpy().tolist() == [[4, 2]]


@pytest.mark.parametrize(
    "split",
    [
        *({"year": 2021.0}, {"year": [np.int64(2021)]}, {"year": "2021"}, {"year": (2021.0, True, None)}),
        *({"gain": 2}, {"gain": [2, math.nan]}, {"gain": 2.0, "year": 2021.0}, {"rank": 1.0}, {"fine": True}),
    ],
)
def test_numbers_are_levels_however_they_are_written(split):
    rank = pd.array([3, 1, 1, None], "Int64")
    said = FACTS.assign(year=[2020, 2021, 2021, 2020], gain=[1.0, 2.0, 2.0, None], rank=rank)
    said["fine"] = [False, True, True, False]
    kept, known = in_split(TOLD, Known(said, said, tables.empty("terms")), said, split)
    assert kept["utt_id"].to_list() == known.references["utt_id"].to_list() == ["b", "c"]
    if levels := {name: level for name, level in split.items() if np.isscalar(level)}:
        assert in_condition(said, levels)["utt_id"].to_list() == ["b", "c"]


def test_where_no_level_fits_those_there_are_are_listed():
    said = FACTS.assign(year=[2020, 2021, 2021, 2020])
    with pytest.raises(InvalidInput, match=r"No utterance fits .*Values of year: '2020', '2021'\."):
        explain(TOLD, said, {}, {"split": {"year": 1999}})
    many = pd.DataFrame({"utt_id": [f"u{n}" for n in range(12)], "topic": "news"}).assign(speaker=lambda t: t["utt_id"])
    with pytest.raises(InvalidInput, match=r"Values of speaker: 'u0', .*'u7' and 4 more\. Values of topic: 'news'\."):
        in_split(many, Known(many, many, many), many, {"speaker": "x", "topic": "news"})
    with pytest.raises(InvalidInput, match=r"No transcript has the speaker 'x'; there are 'u0', .*'u7' and 4 more\."):
        in_condition(many, {"speaker": "x"})


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        (["a"], ("a",), True),
        (["a", "b"], np.array(["a", "b"]), True),
        (pd.Index(["a"]), pd.Series(["a"], [7]), True),
        ({"topic": np.array(["n", "t"])}, {"topic": np.array(["n", "t"])}, True),
        ({"topic": np.array(["n", "t"])}, {"topic": ["n", "u"]}, False),
        ({"topic": "n"}, {"speaker": "n"}, False),
        (["a"], ["a", "b"], False),
        (["ab"], "ab", False),
        ([["gonna", "going to"]], ((*["gonna", "going to"],),), True),
        (1, 1.0, False),
        (None, [], False),
        (FACTS, FACTS.copy(), True),
        (FACTS, FACTS.head(2), False),
        (FACTS, ["a"], False),
        (Known(FACTS, FACTS, TOLD), Known(FACTS.copy(), FACTS, TOLD), True),  # tables in an object, as of a dataset
        (Known(FACTS, FACTS, TOLD), Known(FACTS, FACTS, FACTS), False),
    ],
)
def test_choices_are_the_same_by_what_they_hold(one, other, alike):
    assert same(one, other) is same(other, one) is alike


def test_columns_of_lists_are_no_facts_to_choose_by():
    said = FACTS.assign(tags=[["x"], ["x", "y"], [], None])
    adds_up(explain(TOLD, said, {}, {"split": {"topic": "talk"}}), Fraction(4, 10), Fraction(3, 6))
    with pytest.raises(InvalidInput, match=r"split names the column 'tags'; the utterances have utt_id, .*topic"):
        explain(TOLD, said, {}, {"split": {"tags": "x"}})


def test_mean_by_a_column_counts_each_of_its_values_once():
    table = explain(TOLD, FACTS, {}, {"aggregate": "mean by speaker"})
    adds_up(table, Fraction(4, 10), (Fraction(1, 4) + Fraction(3, 6)) / 2)
    with pytest.raises(InvalidInput, match=r"no topic to take a mean by \(d"):
        explain(TOLD, FACTS, {}, {"aggregate": "mean by topic"})
    with pytest.raises(InvalidInput, match="no column 'accent'"):
        explain(TOLD, FACTS, {}, {"aggregate": "mean by accent"})


def test_the_mean_of_languages_may_be_of_different_units():
    said = pd.DataFrame({"utt_id": ["a", "b"], "text": ["one two", "一二三四"], "language": ["en", "zh"]})
    heard = pd.DataFrame({"utt_id": ["a", "b"], "text": ["one too", "一二三"]})
    rows = {"aggregate": "mean by spoken_language"}, {"aggregate": "mean by language", "split": ["a"]}
    table = explain(heard, said, rows[0], rows[1])
    adds_up(table, (Fraction(1, 2) + Fraction(1, 4)) / 2, Fraction(1, 2))
    with pytest.raises(
        InvalidInput, match=r"theirs?.*What causes it is aggregate \(pooled\).*word by en-2; char by zh-2"
    ):
        explain(heard, said, rows[0], {})


SETTINGS = pd.concat(
    [TOLD.assign(context="none"), FACTS[["utt_id", "text"]].assign(context="terms")], ignore_index=True
)


def test_settings_and_other_answers_are_choices_too():
    by_axis = explain(SETTINGS, FACTS, {"condition": {"context": "none"}}, {"condition": {"context": "terms"}})
    adds_up(by_axis, Fraction(4, 10), Fraction(0))
    assert by_axis["from"].to_list() == ["context none"]
    named = SETTINGS.rename(columns={"context": "condition"})
    adds_up(explain(named, FACTS, {"condition": "none"}, {"condition": "terms"}), Fraction(4, 10), Fraction(0))
    others = explain(
        TOLD, FACTS, {}, {"transcripts": TOLD.head(2), "missing": "drop"}, order=["missing", "transcripts"]
    )
    assert others["exact"].to_list() == ["0", "-3/20"]
    mended = FACTS.assign(text=TOLD["text"])
    adds_up(explain(TOLD, FACTS, {}, {"references": mended}), Fraction(4, 10), Fraction(0))


def test_every_option_of_score_can_be_a_part():
    said = ["gonna see colour", "um yes"]
    heard = ["going to see colour", "yes yes"]
    ours = {"variants": [["gonna", "going to"]], "unit": "word", "ties": "sclite"}
    theirs = {"unit": "char", "aggregate": "median", "normalizer": Normalizer("shout-1", (str.upper,))}
    table = explain(heard, said, ours, theirs, language="en")
    assert table["part"].to_list() == ["variants", "unit", "normalizer", "ties", "aggregate"]
    assert table["from"].to_list() == ["1 rows", "word", "auto", "sclite", "pooled"]
    assert table["to"].to_list() == ["none", "char", "shout-1", "jiwer", "median"]
    ends = [lab.rates(lab.score(heard, said, language="en", **side), by=[]) for side in (ours, theirs_of_score(theirs))]
    assert table["rate_before"].iloc[0] == ends[0]["rate"].iloc[0]
    assert table["rate_after"].iloc[-1] == ends[1]["median"].iloc[0]


def theirs_of_score(side):
    return {key: value for key, value in side.items() if key != "aggregate"}


# --- against brute force


def by_hand(pairs, side):
    """Work out a rate with jiwer and fractions alone; None where there is none."""
    pairs = pairs[side.get("split", 0) :]
    found = []
    for said, heard in pairs:
        if heard is None and side["missing"] == "drop":
            continue
        texts = [said, heard or ""]
        if side["normalizer"] == "basic":
            texts = [text.lower() for text in texts]
        out = jiwer.process_words(*texts)
        found.append((out.substitutions + out.deletions + out.insertions, len(said.split())))
    rates = [Fraction(errors, n) for errors, n in found if n]
    if not rates:
        return None
    total = sum(n for _, n in found)
    return {
        "pooled": Fraction(sum(errors for errors, _ in found), total),
        "clipped": Fraction(sum(min(errors, n) for errors, n in found), total),
        "mean": sum(rates) / len(rates),
        "median": statistics.median(rates),
    }[side["aggregate"]]


OURS = {"missing": "drop", "normalizer": "basic", "aggregate": "pooled"}
FOUR = {"split": ["1", "2", "3", "4"], "missing": "all-deleted", "normalizer": "none", "aggregate": "mean"}
KEYS = list(FOUR)


@pytest.mark.parametrize(
    ("missing", "aggregate", "order"),
    [
        ("empty", "median", ["aggregate", "normalizer", "missing", "split"]),
        ("all-deleted", "clipped", ["missing", "split", "aggregate", "normalizer"]),
    ],
)
def test_parts_are_those_of_brute_force_in_any_order(missing, aggregate, order):
    heard, said = drawn(6, 2)
    assert None in heard
    pairs = list(zip(said, heard, strict=True))
    theirs = {"missing": missing, "normalizer": "none", "aggregate": aggregate, "split": 1}
    path = [{**OURS, "split": 0}]
    for key in order:
        path.append({**path[-1], key: theirs[key]})
    rates = [by_hand(pairs, side) for side in path]
    theirs["split"] = [str(n) for n in range(1, len(pairs))]
    table = explain(heard, said, OURS, theirs, order=order)
    assert table["part"].to_list() == order
    assert exact(table) == [after - before for before, after in pairwise(rates)]
    adds_up(table, rates[0], rates[-1])


def test_shapley_values_are_those_of_brute_force_over_all_orders():
    heard, said = drawn(7, 0)
    pairs = list(zip(said, heard, strict=True))
    theirs, values = {**FOUR, "split": 1}, {key: [] for key in KEYS}
    for order in permutations(KEYS):
        side = {**OURS, "split": 0}
        for key in order:
            before = by_hand(pairs, side)
            side |= {key: theirs[key]}
            values[key].append(by_hand(pairs, side) - before)
    ids = {"split": [str(n) for n in range(1, 7)]}
    table = explain(heard, said, OURS, {**FOUR, **ids}, order="shapley").set_index("part")
    for key in KEYS:
        assert Fraction(table.loc[key, "exact"]) == sum(values[key]) / 24
    assert len(set(values["aggregate"])) > 2  # here the order does matter


def drawn(n, seed):
    rng = np.random.default_rng(seed)
    said = [" ".join(rng.choice(["a", "B", "c", "d"], rng.integers(1, 6))) for _ in range(n)]
    heard = [" ".join(rng.choice(["a", "b", "C", "d"], rng.integers(0, 7))) for _ in range(n)]
    return [None if rng.random() < 0.2 else text for text in heard], said


class Drawn(Gap):
    """A gap whose results are drawn instead of marked."""

    def __init__(self, rates, parts):
        super().__init__(DEFAULTS, DEFAULTS, parts)
        self.rates = rates

    def at(self, changed):
        return Result(self.rates[changed], 1, 0, 1)


FRACTIONS = st.fractions(0, 3, max_denominator=10_000)
PARTS = [("split",), ("missing",), ("unit", "normalizer"), ("ties",), ("aggregate",)]


@st.composite
def gaps(draw):
    parts = PARTS[: draw(st.integers(1, 5))]
    sets = [
        frozenset(part for part, wanted in zip(parts, some, strict=True) if wanted)
        for some in product([0, 1], repeat=len(parts))
    ]
    return Drawn({one: draw(FRACTIONS) for one in sets}, parts)


@settings(max_examples=15, deadline=None)
@given(gaps(), st.randoms(use_true_random=False))
def test_whatever_the_rates_are_parts_add_up_in_any_order_and_shapley_values_are_their_means(gap, random):
    whole = gap.rates[frozenset(gap.parts)] - gap.rates[frozenset()]
    found = {part: [] for part in gap.parts}
    for order in permutations(gap.parts):
        steps = gap.in_order(list(order))
        assert [step.part for step in steps] == list(order)
        assert sum(step.after - step.before for step in steps) == whole
        assert all(above.after == below.before for above, below in pairwise(steps))
        for step in steps:
            found[step.part].append(step.after - step.before)
        ends = steps[0].after - steps[0].before, steps[-1].after - steps[-1].before
        assert (gap.alone(order[0])[0], gap.alone(order[-1])[1]) == ends
    values = {step.part: step.after - step.before for step in gap.by_shapley()}
    assert values == {part: sum(parts) / len(parts) for part, parts in found.items()}
    assert sum(values.values()) == whole
    shuffled = random.sample(gap.parts, len(gap.parts))
    assert {step.part: step.after - step.before for step in Drawn(gap.rates, shuffled).by_shapley()} == values


@settings(max_examples=15, deadline=None)
@given(gaps(), st.data())
def test_a_part_that_never_changes_anything_gets_exactly_nothing_and_equal_ones_get_the_same(gap, data):
    idle = data.draw(st.sampled_from(gap.parts))
    gap.rates = {one: gap.rates[one - {idle}] for one in gap.rates}
    assert {step.part: step.after - step.before for step in gap.by_shapley()}[idle] == 0
    assert gap.alone(idle) == (0, 0)
    by_number = {one: Fraction(len(one) ** 2, 7) for one in gap.rates}
    assert len({step.after - step.before for step in Drawn(by_number, gap.parts).by_shapley()}) == 1


COUNTS = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 4), st.integers(0, 20)), min_size=1, max_size=8)


@settings(max_examples=8, deadline=None)
@given(COUNTS)
def test_each_figure_is_that_of_rates_and_of_brute_force(counts):
    frame = pd.DataFrame(counts, columns=["hits", "subs", "ins"]).assign(dels=1, unit="word", form="a", normalizer="n")
    frame["dels"] = frame["dels"].where(frame["hits"] > 2, 0)
    frame = frame.assign(
        ref_len=frame["hits"] + frame["subs"] + frame["dels"], ties="jiwer", utt_id=list(map(str, frame.index))
    )
    errors, lengths = (frame["subs"] + frame["dels"] + frame["ins"]).to_numpy(), frame["ref_len"].to_numpy()
    marked = Marked(errors, lengths, frame["utt_id"], frame, frame[["utt_id"]], 0)
    pairs = [(int(e), int(n)) for e, n in zip(errors, lengths, strict=True)]
    each = [Fraction(e, n) for e, n in pairs if n]
    row = lab.rates(frame, by=[]).iloc[0]
    if not each:
        with pytest.raises(InvalidInput, match="Nothing is said"):
            figure(marked, "pooled")
        return
    expected = {
        "pooled": Fraction(sum(e for e, _ in pairs), sum(n for _, n in pairs)),
        "clipped": Fraction(sum(min(pair) for pair in pairs), sum(n for _, n in pairs)),
        "mean": sum(each) / len(each),
        "median": statistics.median(each),
    }
    for name, value in expected.items():
        assert figure(marked, name) == value
        assert row[{"pooled": "rate"}.get(name, name)] == pytest.approx(float(value), abs=1e-15)


def test_neither_the_order_of_rows_nor_of_what_is_given_changes_anything():
    heard, said = drawn(8, 2)
    ids = [f"u{n}" for n in range(8)]
    answers, references = pd.DataFrame({"utt_id": ids, "text": heard}), pd.DataFrame({"utt_id": ids, "text": said})
    theirs = {"normalizer": "none", "aggregate": "mean"}
    table = explain(answers, references, {"normalizer": "basic"}, theirs, missing="drop")
    again = explain(
        answers.sample(frac=1, random_state=1),
        references.sample(frac=1, random_state=2),
        {"normalizer": "basic"},
        dict(reversed(theirs.items())),
        missing="drop",
    )
    pd.testing.assert_frame_equal(table, again, check_exact=True)


@pytest.mark.parametrize("order", [["variants", "aggregate", "ties"], "shapley"])
def test_a_choice_that_does_nothing_gets_nothing(order):
    said, heard = CASED
    theirs = {"ties": "sclite", "variants": [["zebra", "horse"]], "aggregate": "mean"}
    table = explain(heard, said, {}, theirs, order=order, normalizer="basic").set_index("part")
    for part in ("ties", "variants"):
        row = table.loc[part]
        assert (row["exact"], row["delta"], row["first"], row["last"]) == ("0", 0, 0, 0)
        assert "0 points" in row["what"]
    assert table.loc["aggregate", "delta"] != 0


def test_choices_changed_together_are_one_part():
    said, heard = CASED
    theirs = {"normalizer": "none", "aggregate": "mean", "ties": "sclite"}
    for order in ("shapley", ["aggregate", "ties"]):
        table = explain(
            heard, said, {"normalizer": "basic"}, theirs, order=order, together=[("aggregate", "normalizer")]
        )
        assert set(table["part"]) == {"normalizer + aggregate", "ties"}
        assert table.set_index("part").loc["normalizer + aggregate", ["from", "to", "exact"]].to_list() == [
            *("basic + pooled", "none + mean", "11/20"),
        ]


def test_exact_fractions_of_many_lengths_are_kept_as_long_as_they_can_be_written():
    rng = np.random.default_rng(1)
    lengths = rng.permutation(np.arange(1, 260))
    said = [" ".join("a" * n) for n in lengths.tolist()]
    heard = [" ".join("a" * (n - n // 3)) for n in lengths.tolist()]
    table = explain(heard, said, {}, {"aggregate": "mean"}, normalizer="none")
    mean = sum(Fraction(n // 3, n) for n in lengths.tolist()) / len(lengths)
    adds_up(table, Fraction(sum(n // 3 for n in lengths.tolist()), int(lengths.sum())), mean)


# --- a published rate


@pytest.mark.parametrize(
    ("said", "rate", "half"),
    [
        ("2.41 %", Fraction(241, 10000), Fraction(5, 100000)),
        ("2.4%", Fraction(24, 1000), Fraction(5, 10000)),
        (" 12 % ", Fraction(12, 100), Fraction(1, 200)),
        ("241 %", Fraction(241, 100), Fraction(1, 200)),
        (".5 %", Fraction(5, 1000), Fraction(5, 10000)),
        ("2.410 %", Fraction(241, 10000), Fraction(5, 1000000)),
        # A number does not tell its digits: 0.30 is 0.3. It holds to what is printed of it.
        (0.0241, Fraction(241, 10000), Fraction(5, 100000)),
        (0.3, Fraction(3, 10), Fraction(5, 100000)),
        (np.float64(0.5), Fraction(1, 2), Fraction(5, 100000)),
        (0, Fraction(0), Fraction(5, 100000)),
        (np.int64(1), Fraction(1), Fraction(5, 100000)),
    ],
)
def test_published_rates_are_read_with_their_digits(said, rate, half):
    assert published(said)[:2] == (rate, half)


@pytest.mark.parametrize(
    "said",
    [
        *(2.41, -0.1, "2.41", "two %", "nan %", math.nan, math.inf, None, True, "-1 %", "1e9 %", "%", "1000001 %"),
        *("1e-99999999 %", "1e2 %", "٢ %", 10**400, np.bool_(True), ["2 %"]),
    ],
)
def test_what_is_no_published_rate_is_refused(said):
    with pytest.raises(InvalidInput, match=r"in per cent, such as '2.41 %', or a share"):
        explain(HEARD, SAID, {}, said)


@pytest.mark.parametrize(
    ("theirs", "left"),
    [
        (0.3, "+2.73 points"),  # 27.27 % is "30 %" to a tenth, and to nobody who writes 0.3
        (0.2, "-7.27 points"),
        (0, "-27.27 points"),
        (0.2727, None),
        (np.float32(0.2727), None),
        (0.2728, "+0.01 points"),
        ("30 %", "+2.73 points"),
        ("27 %", None),
    ],
)
def test_only_a_text_says_how_many_digits_were_published(theirs, left):
    (row,) = explain(HEARD, SAID, {"normalizer": "none"}, theirs).to_dict("records")
    assert (f"not explained: {left}; " if left else "nothing but rounding") in row["what"]
    found = candidates(HEARD, SAID, theirs, {"normalizer": ["none"]})
    assert found["fits"].to_list() == [left is None]


def test_what_is_left_to_a_published_rate_is_named():
    table = explain(HEARD, SAID, {}, {"rate": "100 %", "aggregate": "mean"}, normalizer="none")
    adds_up(table, Fraction(3, 11), Fraction(1))
    left = table.iloc[-1]
    assert (left["part"], left["exact"], left["from"], left["to"]) == (NOT_EXPLAINED, "-1/20", "105.00 %", "100 %")
    assert left[["first", "last", "n_answers_after"]].isna().all()
    assert "-5.00 points" in left["what"]
    assert "other answers, or choices that are not named" in left["what"]
    (alone,) = explain(HEARD, SAID, {"normalizer": "none"}, "27.3 %").to_dict("records")
    assert "nothing but rounding" in alone["what"]
    assert alone["method"] == "no choice differs"
    (near,) = explain(HEARD, SAID, {"normalizer": "none"}, "27.30 %").to_dict("records")
    assert "+0.03 points" in near["what"]
    known = explain(HEARD, SAID, {"normalizer": "none"}, {"rate": "100 %", "aggregate": "mean"}, order="shapley")
    assert known["part"].to_list() == ["aggregate", NOT_EXPLAINED]  # what is not said of theirs is as ours
    adds_up(known, Fraction(3, 11), Fraction(1))


# --- what is refused, and what the error says


@pytest.mark.parametrize(
    ("ours", "theirs", "options", "match"),
    [
        ({}, {}, {}, "no gap to explain"),
        (
            {},
            {"normaliser": "none"},
            {},
            "theirs: 'normaliser' is nothing to choose; there are transcripts, .*normalizer",
        ),
        ({}, {"aggregate": "average"}, {}, "aggregate must be one of pooled, clipped, mean, median, or .mean by"),
        ({}, {"aggregate": "mean by "}, {}, "aggregate must be one of"),
        ({"missing": "ignore"}, {}, {}, "ours: missing must be one of raise, drop, all-deleted, empty"),
        ({}, {"script": "trad"}, {}, "script must be one of None, fold, keep"),
        ({}, {"script": "fold", "normalizer": "zh+script=keep"}, {}, "contradicts"),
        ({}, {"script": "fold", "normalizer": Normalizer("x-1", ())}, {}, "a chain of its own"),
        ({}, {"form": "verbatim"}, {}, r"With their choices .*What causes it is form \(verbatim\). No reference has"),
        ({"form": "verbatim"}, {}, {}, r"With our choices .*What causes it is form \(verbatim\)"),
        ({}, {"split": "topic == 'rain'"}, {}, r"What causes it is split .*No utterance fits"),
        ({}, {"split": []}, {}, "No utterance fits"),
        ({}, {"split": "topic = 3"}, {}, "cannot be read"),
        ({}, {"split": {"weather": 1}}, {}, "split names the column 'weather'"),
        ({}, {"split": ["a", "z"]}, {}, "1 utt_ids of split are of no utterance: z"),
        ({}, {"split": 3}, {}, "split must be a query"),
        ({}, {"normalizer": "nonsense"}, {}, r"What causes it is normalizer \(nonsense\). There is no normalizer"),
        ({}, {"unit": "phoneme"}, {}, r"What causes it is unit \(phoneme\)"),
        ({}, {"condition": "x"}, {}, "condition names the column 'condition'"),
        ({}, {"aggregate": "clipped"}, {"unit": "sentence"}, "sentences are right or wrong as a whole"),
        ({}, {"aggregate": "mean", "ties": "sclite"}, {"order": ["aggregate"]}, "order leaves out .*: ties"),
        ({}, {"aggregate": "mean"}, {"order": "random"}, "order must be a list of choices or .shapley."),
        ({}, {"aggregate": "mean"}, {"order": ["mean"]}, "order names 'mean'"),
        (
            {},
            {"aggregate": "mean"},
            {"together": [("ties", "aggregate")]},
            "together names 'ties', in which .* do not differ",
        ),
        ({}, {"aggregate": "mean"}, {"together": ["ties"]}, "list of groups"),
        ({}, {"aggregate": "mean"}, {"together": [("aggregate", "aggregate")]}, "names a choice twice"),
        ("none", {"aggregate": "mean"}, {}, "ours must be a mapping"),
        ({}, {"aggregate": "mean"}, {"speed": 3}, "'speed' is nothing to choose"),
    ],
)
def test_what_cannot_be_explained_says_why(ours, theirs, options, match):
    with pytest.raises(InvalidInput, match=match):
        explain(TOLD, FACTS, ours, theirs, **options)


def test_several_settings_are_no_result():
    with pytest.raises(InvalidInput, match=r"4 answers .*context 'none', context 'terms'.*condition=") as caught:
        explain(SETTINGS, FACTS, {}, {"aggregate": "mean"})
    assert "What causes it" not in str(caught.value)
    with pytest.raises(
        InvalidInput, match=r"What causes it is condition \(none\). If both have chosen alike, give it once"
    ):
        explain(SETTINGS, FACTS, {"condition": {"context": "none"}}, {"aggregate": "mean"})
    with pytest.raises(InvalidInput, match="No transcript has the context 'all'; there are 'none', 'terms'"):
        explain(SETTINGS, FACTS, {}, {"aggregate": "mean"}, condition={"context": "all"})


def test_failed_trials_are_not_passed_over():
    with pytest.raises(InvalidInput, match="2 of 4 answers are not there to mark"):
        explain(LOST, LOST_SAID, {}, {"aggregate": "mean"})
    with pytest.raises(InvalidInput, match="No answer is left to be marked"):
        explain(LOST, LOST_SAID, {}, {"aggregate": "mean"}, missing="drop", split=["b"])
    with pytest.raises(InvalidInput, match="Nothing is said in the references that are left"):
        explain(LOST, LOST_SAID, {}, {"aggregate": "mean"}, missing="drop", split=["c"])


def test_a_step_that_cannot_be_marked_says_which_choices_go_together():
    said = pd.DataFrame({"utt_id": ["a", "b"], "form": ["spoken", "written"], "text": ["x y", "u v"]})
    heard = pd.DataFrame({"utt_id": ["a", "b"], "text": ["x y", "u w"]})
    ours, theirs = {"split": ["a"], "form": "spoken"}, {"split": ["b"], "form": "written"}
    for order in (None, "shapley"):
        with pytest.raises(
            InvalidInput, match=r"With split .*and form \(spoken\) still as ours.*together=\[\('split', 'form'\)\]"
        ):
            explain(heard, said, ours, theirs, order=order)
    adds_up(explain(heard, said, ours, theirs, together=[("form", "split")]), Fraction(0), Fraction(1, 2))


def test_where_only_one_order_can_be_gone_the_error_says_so_and_first_is_not_known():
    said = pd.DataFrame({"utt_id": ["a", "b"], "text": ["x y", "u v"]})
    heard = pd.DataFrame({"utt_id": ["a", "b"], "text": ["x z", None]})
    ours, theirs = {"split": ["a"]}, {"missing": "drop"}
    with pytest.raises(InvalidInput, match=r"put missing before it in order"):
        explain(heard, said, ours, theirs)
    table = explain(heard, said, ours, theirs, order=["missing", "split"]).set_index("part")
    assert pd.isna(table.loc["split", "first"])
    assert table.loc["split", "last"] == 0
    assert pd.isna(table.loc["missing", "last"])


def test_shapley_values_of_many_parts_are_refused_with_what_to_do():
    every = {
        "transcripts": TOLD.head(4).assign(x=1),
        "split": ["a", "b"],
        "missing": "drop",
        "channels": "joined",
        "language": "en",
        "unit": "char",
        "normalizer": "basic",
        "ties": "sclite",
        "aggregate": "mean",
    }
    with pytest.raises(InvalidInput, match=r"9 choices differ, .* 512 markings; up to 8 .*together="):
        explain(TOLD, FACTS, {}, every, order="shapley")


def test_the_table_is_as_declared():
    table = explain(HEARD, SAID, {}, {"aggregate": "mean", "rate": "50 %"}, normalizer="none")
    assert {name: str(dtype) for name, dtype in table.dtypes.items()} == {
        name: dtype for name, (dtype, _) in tables.SCHEMAS["explanation"].items()
    }
    assert set(DEFAULTS) >= {"form", "unit", "normalizer", "language", "channels", "ties", "missing", "variants"}


def test_what_stands_in_an_id_or_query_cannot_break_a_line():
    said = FACTS.assign(topic="a\nb")
    table = explain(TOLD, said, {}, {"split": {"topic": "a\nb"}, "aggregate": "mean"})
    assert not table["what"].str.contains("\n").any()
    assert not table["to"].str.contains("\n").any()


# --- the search


WAYS = {
    "normalizer": ["basic", "none"],
    "aggregate": ["pooled", "mean", "median", "clipped"],
    "split": {"all": None, "most": ["1", "2", "3"]},
}


def test_every_combination_comes_out_as_by_itself_nearest_first():
    heard, said = drawn(6, 3)
    heard = [text or "" for text in heard]
    table = candidates(heard, said, "60.0 %", WAYS)
    assert len(table) == 16
    assert table["off"].abs().is_monotonic_increasing
    seen = set()
    for row in table.to_dict("records"):
        pairs = list(zip(said, heard, strict=True))
        side = {"normalizer": row["normalizer"], "aggregate": row["aggregate"], "missing": "drop"}
        assert row["rate"] == float(by_hand(pairs if row["split"] == "all" else pairs[1:4], side))
        assert row["off"] == pytest.approx(row["rate"] - 0.6, abs=1e-15)
        assert row["fits"] == (abs(row["rate"] - 0.6) <= 0.0005)
        choices = [row[key] for key in WAYS]
        assert row["changed"] == sum(a != b for a, b in zip(choices, ["basic", "pooled", "all"], strict=True))
        assert "no proof" in row["what"]
        seen.add(tuple(choices))
    assert seen == set(product(["basic", "none"], WAYS["aggregate"], ["all", "most"]))


def test_of_equals_the_one_with_fewer_changes_comes_first_and_fits_are_counted():
    table = candidates(
        HEARD, SAID, "27.3 %", {"ties": ["jiwer", "sclite"], "aggregate": ["pooled", "mean"]}, normalizer="none"
    )
    assert table["fits"].to_list() == [True, True, False, False]
    assert table["changed"].to_list() == [0, 1, 1, 2]
    assert (table["n_fit"].eq(2) & table["n_tried"].eq(4)).all()
    assert table["what"][0] == "our own choices: 27.27 %, 27.3 % as published; found by search, no proof."
    assert (
        table["what"][2]
        == "aggregate mean: 105.00 %, +77.70 points from the published 27.3 %; found by search, no proof."
    )

    idle = {"ties": ["jiwer", "sclite"], "channels": ["each", "joined"], "variants": [None, [["zebra", "horse"]]]}
    alike = candidates(HEARD, SAID, "27.3 %", idle, normalizer="none")
    assert alike["changed"].to_list() == [0, 1, 1, 1, 2, 2, 2, 3]


def test_combinations_that_cannot_be_marked_stand_last_and_say_why():
    table = candidates(HEARD, SAID, 0.5, {"form": [None, "verbatim"]}, normalizer="none")
    last = table.iloc[-1]
    assert last["form"] == "verbatim"
    assert last[["rate", "off", "fits"]].isna().all()
    assert "cannot be marked. No reference has the form 'verbatim'" in last["what"]
    assert last["n_fit"] == 0
    assert {name: str(table.dtypes[name]) for name in tables.SCHEMAS["candidates"]} == {
        name: dtype for name, (dtype, _) in tables.SCHEMAS["candidates"].items()
    }
    with pytest.raises(InvalidInput, match="None of the 1 combinations can be marked"):
        candidates(HEARD, SAID, 0.5, {"form": ["verbatim"]})


@pytest.mark.parametrize(
    ("choices", "both", "match"),
    [
        ({}, {}, "choices must say what to try"),
        (["normalizer"], {}, "choices must say what to try"),
        ({"normaliser": ["none"]}, {}, "'normaliser', which is nothing to choose"),
        ({"ties": "sclite"}, {}, "must be a list of values"),
        ({"ties": []}, {}, "no value to try"),
        ({"ties": ["jiwer"]}, {"ties": "sclite"}, "Say it once"),
        ({"ties": ["jiwer", "jiwer"]}, {}, "shown alike"),
        ({"aggregate": ["pooled", "most"]}, {}, "Combination 1: aggregate must be"),
        (
            {"split": {str(n): None for n in range(40)}, "ties": {str(n): "jiwer" for n in range(40)}},
            {},
            "1,600 combinations",
        ),
    ],
)
def test_searches_that_cannot_be_made_are_refused(choices, both, match):
    with pytest.raises(InvalidInput, match=match):
        candidates(HEARD, SAID, "2 %", choices, **both)
