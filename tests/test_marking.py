"""Scores: every row marked against the right reference, or an error that says why it cannot be."""

from __future__ import annotations

import json
import random
from pathlib import Path
from types import SimpleNamespace

import jiwer
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import asrlab as lab
from asrlab import tables
from asrlab.errors import InvalidInput
from asrlab.normalize import normalizer
from asrlab.scoring import Normalizer, score

DICTATION = Path(__file__).parents[1] / "datasets" / "dictation"
COUNTS = ["hits", "subs", "dels", "ins", "ref_len", "hyp_len"]


def dataset(references, terms=None, **utterances):
    """Make what score() needs of a dataset from rows of references."""
    references = pd.DataFrame(references)
    ids = references["utt_id"].drop_duplicates().tolist()
    return SimpleNamespace(
        utterances=pd.DataFrame({"utt_id": ids, **utterances}),
        references=references,
        terms=tables.empty("terms") if terms is None else pd.DataFrame(terms),
    )


def said(**texts):
    return dataset([{"utt_id": utt_id, "text": text} for utt_id, text in texts.items()])


def heard(**texts):
    return pd.DataFrame({"utt_id": list(texts), "text": list(texts.values())})


def counts(scores):
    return scores[COUNTS].to_numpy(dtype=object).tolist()


def test_only_ids_and_texts_are_needed():
    scores = score(
        heard(a="the cat sit on mat today", b=None), said(a="The cat sat on the mat.", b="Hm."), missing="drop"
    )
    assert list(scores.columns) == list(tables.SCHEMAS["scores"])
    assert scores.dtypes.astype(str).to_dict() == {n: d for n, (d, _) in tables.SCHEMAS["scores"].items()}
    assert counts(scores) == [[3, 3, 0, 0, 6, 6], [pd.NA] * 6]
    first = scores.iloc[0][["condition", "repeat", "channel", "state", "unit", "normalizer", "form"]].tolist()
    assert first == ["unnamed", 0, 0, "answered", "word", "basic-2", "unstated"]
    assert scores["state"].tolist() == ["answered", "failed"]
    assert scores["block"].tolist() == ["utterance:a", "utterance:b"]


@pytest.mark.parametrize("unit", ["word", "char"])
def test_counts_are_those_of_jiwer(unit):
    rng = random.Random(2)
    texts = [" ".join(rng.choices("abcdef", k=rng.randint(1, 20))) for _ in range(60)]
    frame = pd.DataFrame(
        {"utt_id": [f"u{n % 60}" for n in range(600)], "condition": [f"c{n // 60}" for n in range(600)]}
    )
    frame["text"] = [" ".join(rng.choices("abcdef", k=rng.randint(1, 20))) for _ in range(600)]
    scores = score(frame, said(**{f"u{n}": t for n, t in enumerate(texts)}), unit=unit, normalizer="none")
    process, cut = (
        (jiwer.process_words, str) if unit == "word" else (jiwer.process_characters, lambda t: t.replace(" ", ""))
    )
    for row, hyp in zip(scores.itertuples(), frame["text"], strict=True):
        out = process(cut(texts[int(row.utt_id[1:])]), cut(hyp))
        assert (row.hits, row.subs, row.dels, row.ins) == (out.hits, out.substitutions, out.deletions, out.insertions)


def test_corpus_rate_is_pooled():
    scores = score(heard(a="a b c d e f g h i x", b="z y"), said(a="a b c d e f g h i j", b="b"))
    sums = scores[["subs", "dels", "ins", "ref_len"]].sum()
    assert sums[:3].sum() / sums.iloc[3] == pytest.approx(3 / 11)


def test_empty_reference_and_empty_transcript():
    scores = score(heard(a="three words heard", b="", c=""), said(a="", b="", c="two words"))
    assert counts(scores) == [[0, 0, 0, 3, 0, 3], [0] * 6, [0, 0, 2, 0, 2, 0]]


def test_unit_and_normalizer_by_language():
    data = dataset(
        [{"utt_id": "e", "text": "A cat."}, {"utt_id": "z", "text": "臺灣"}, {"utt_id": "t", "text": "น้ำ"}],
        language=["en", "zh", None],
    )
    scores = score(heard(e="a cat", z="台湾", t="น้ำ"), data)
    assert scores["unit"].tolist() == ["word", "char", "char"]
    assert scores["normalizer"].tolist() == ["en-2", "zh-2", "basic-2"]
    assert scores["spoken_language"].tolist() == ["en", "zh", pd.NA]
    assert counts(scores) == [[2, 0, 0, 0, 2, 2], [2, 0, 0, 0, 2, 2], [1, 0, 0, 0, 1, 1]]
    shout = Normalizer("shout-1", (str.upper,))
    mapped = score(
        heard(e="A CAT.", z="台湾", t="น้ำ"), data, normalizer={"en": shout, "zh": "zh-2+script=keep", "": "auto"}
    )
    assert mapped["normalizer"].tolist() == ["shout-1", "zh-2+script=keep", "basic-2"]
    assert mapped["hits"].tolist() == [2, 0, 1]
    assert score(heard(e="a cat"), data, unit="char", missing="drop")["ref_len"].tolist()[0] == 4
    assert score(heard(t="น้ำ"), data, unit="codepoint", missing="drop")["ref_len"].tolist()[0] == 3
    with pytest.raises(InvalidInput, match="recordings in 'zh'"):
        score(heard(z="台湾"), data, normalizer={"en": "en", "": "auto"}, missing="drop")


FORMS = [
    {"utt_id": "a", "form": "spoken", "text": "fifty dollars please"},
    {"utt_id": "a", "form": "written", "text": "$50 please"},
    {"utt_id": "b", "form": "spoken", "text": "hello"},
    {"utt_id": "b", "form": "written", "text": "hello"},
]


def test_more_than_one_form_must_be_chosen():
    frame = heard(a="$50 please", b="hallo")
    with pytest.raises(InvalidInput, match=r"2 forms: spoken, written.*form='spoken'"):
        score(frame, dataset(FORMS))
    with pytest.raises(
        InvalidInput, match="no reference has the form 'verbatim'; there are spoken, written".capitalize()
    ):
        score(frame, dataset(FORMS), form="verbatim")
    assert counts(score(frame, dataset(FORMS), form="spoken"))[0] == [1, 1, 1, 0, 3, 2]
    written = score(frame, dataset(FORMS), form="written")
    assert counts(written)[0] == [2, 0, 0, 0, 2, 2]
    assert written["form"].tolist() == ["written", "written"]
    assert "marked_form" not in written


def test_best_form_says_which_won_and_the_first_of_equals_wins():
    best = score(heard(a="$50 please", b="hallo"), dataset(FORMS), form="best")
    assert best["form"].tolist() == ["best", "best"]
    assert best["marked_form"].tolist() == ["written", "spoken"]
    assert counts(best) == [[2, 0, 0, 0, 2, 2], [0, 1, 0, 0, 1, 1]]
    failed = score(heard(a=None), dataset(FORMS), form="best", missing="drop")
    assert failed["form"].tolist() == ["best", "best"]
    assert failed["state"].tolist() == ["failed", "missing"]
    assert failed["marked_form"].isna().all()


def test_best_alternative_is_taken_and_named():
    data = dataset(
        [{"utt_id": "a", "alternative": n, "text": t} for n, t in ((1, "grey cat"), (0, "gray cat"), (2, "x"))]
    )
    frame = pd.DataFrame({"utt_id": "a", "condition": ["1", "2", "3"], "text": ["grey cat", "gray cat", "green cat"]})
    scores = score(frame, data)
    assert scores["alternative"].tolist() == [1, 0, 0]
    assert scores["subs"].tolist() == [0, 0, 1]


def test_best_is_the_least_over_all_references():
    rng = random.Random(4)
    texts = [[" ".join(rng.choices("abc", k=rng.randint(0, 6))) for _ in range(4)] for _ in range(50)]
    rows = [
        {"utt_id": f"u{n}", "form": f"f{k // 2}", "alternative": k % 2, "text": t}
        for n, options in enumerate(texts)
        for k, t in enumerate(options)
    ]
    frame = pd.DataFrame(
        {"utt_id": [f"u{n}" for n in range(50)], "text": [" ".join(rng.choices("abc", k=4)) for _ in range(50)]}
    )
    scores = score(frame, dataset(rows), form="best")
    for n, row in enumerate(scores.itertuples()):
        best = []
        for k, option in enumerate(texts[n]):
            out = jiwer.process_words(option, frame["text"][n])
            errors = out.substitutions + out.deletions + out.insertions
            best.append((errors, -len(option.split()), f"f{k // 2}", k % 2))
        assert (row.subs + row.dels + row.ins, -row.ref_len, row.marked_form, row.alternative) == min(best)
    shuffled = score(frame, dataset(rng.sample(rows, len(rows))), form="best")
    pd.testing.assert_frame_equal(shuffled, scores)


def test_channels_have_their_own_references():
    data = dataset([{"utt_id": "a", "channel": 0, "text": "left"}, {"utt_id": "a", "channel": 1, "text": "right"}])
    frame = pd.DataFrame({"utt_id": "a", "channel": [1, 0], "text": ["right", "right"]})
    scores = score(frame, data)
    assert scores["hits"].tolist() == [1, 0]
    with pytest.raises(InvalidInput, match=r"1 row \(a\) have no reference for the channel.*<NA>"):
        score(frame[["utt_id", "text"]].head(1), data)
    with pytest.raises(InvalidInput, match="channel of the transcript \\(2\\)"):
        score(frame.assign(channel=[0, 2]), data)


def test_the_only_channel_with_a_reference_is_the_default():
    data = dataset([{"utt_id": "a", "channel": 1, "text": "right"}])
    assert score(heard(a="right"), data)[["channel", "hits"]].to_numpy().tolist() == [[1, 1]]


def test_states_stay_apart():
    frame = pd.DataFrame({"utt_id": list("abcde"), "state": ["answered", "failed", "unknown", "submitted", "not run"]})
    frame["text"] = ["", None, "", pd.NA, np.nan]
    scores = score(frame, said(**dict.fromkeys("abcde", "two words")), missing="drop")
    assert scores["state"].tolist() == frame["state"].tolist()
    assert scores["dels"].tolist() == [2, *[pd.NA] * 4]
    assert scores[["unit", "normalizer", "form", "block"]].notna().all(axis=None)


def test_axes_are_carried_along_in_order():
    frame = heard(a="x", b="y").assign(
        context=pd.Categorical(["none", "none"], ["none", "terms"]), itn="off", answered_by="m"
    )
    scores = score(frame, said(a="x", b="y"))
    assert list(scores.columns)[-2:] == ["context", "itn"]
    assert scores["context"].cat.categories.tolist() == ["none", "terms"]


def test_models_and_engines_are_axes_like_others():
    frame = pd.DataFrame({"utt_id": ["a", "a"], "model": ["m1", "m2"], "engine": "e", "text": ["x", "y"]})
    scores = score(frame, said(a="x"))
    assert list(scores.columns)[-2:] == ["model", "engine"]
    assert scores["hits"].tolist() == [1, 0]


@pytest.mark.parametrize(
    ("speaker", "recording", "blocks", "kind"),
    [
        (["x", "y", "x"], ["1", "1", "1"], ["speaker:x", "speaker:y", "speaker:x"], "speaker"),
        (["x", None, "x"], ["1", "2", "3"], ["speaker:x", "no speaker given", "speaker:x"], "speaker"),
        (["x", None, None], ["1", "1", "3"], ["recording:1", "recording:1", "recording:3"], "recording"),
        ([None] * 3, ["1", None, None], ["utterance:a", "utterance:b", "utterance:c"], "utterance"),
    ],
)
def test_blocks_are_of_one_kind(speaker, recording, blocks, kind):
    rows = [{"utt_id": utt_id, "text": "t"} for utt_id in "abc"]
    scores = score(heard(a="t", b="t", c="t"), dataset(rows, speaker=speaker, recording=recording))
    assert scores["block"].tolist() == blocks
    assert set(scores["block_kind"]) == {kind}


def test_kinds_of_block_are_decided_for_each_language_apart():
    rows = [{"utt_id": utt_id, "text": "t"} for utt_id in "ab"]
    scores = score(heard(a="t", b="t"), dataset(rows, language=["en", "zh"], speaker=["x", None]))
    assert scores["block_kind"].tolist() == ["speaker", "utterance"]


@pytest.mark.parametrize(
    ("frame", "says"),
    [
        (heard(a="x", q="x"), r"1 row \(q\) are of no utterance"),
        (pd.concat([heard(a="x")] * 2), r"1 row \(a\) stand twice"),
        (heard(a="x").assign(block="b"), "makes a column 'block' itself"),
        (heard(a="x").assign(state="done"), "another state than answered"),
        (heard(a=None).assign(state="answered"), "are answered and have no text"),
        (heard(a="x").drop(columns="text"), "needs the column text"),
        (heard(a="x").assign(utt_id=None), "have no utt_id"),
        (pd.DataFrame([["a", "x", "y"]], columns=["utt_id", "text", "text"]), "columns of the same name"),
    ],
)
def test_what_cannot_be_marked_is_said(frame, says):
    with pytest.raises(InvalidInput, match=says):
        score(frame, said(a="x"))


def test_missing_references_are_counted_and_named():
    data = dataset(FORMS)
    data.references = data.references.iloc[:1]
    frame = pd.concat([heard(b="x").assign(condition=c) for c in "12"])
    with pytest.raises(InvalidInput, match=r"2 rows \(b\) have no reference in the form 'spoken'"):
        score(frame, data, form="spoken")


def test_utterances_that_stand_twice_are_refused():
    data = said(a="x")
    data.utterances = pd.concat([data.utterances] * 2)
    with pytest.raises(InvalidInput, match="stand twice among the utterances"):
        score(heard(a="x"), data)


def test_unknown_unit():
    with pytest.raises(InvalidInput, match="auto, word, char, codepoint, mixed, term, sentence, not 'phone'"):
        score(heard(a="x"), said(a="x"), unit="phone")


@pytest.mark.parametrize("unit", ["auto", "term"])
@pytest.mark.parametrize("form", [None, "best"])
def test_an_empty_table_has_answered_nothing(unit, form):
    empty = tables.empty("transcripts").assign(context=pd.Series(dtype="string"))
    data = dataset([{"utt_id": "a", "text": "x"}], [{"utt_id": "a", "term": "x", "role": "present"}])
    with pytest.raises(InvalidInput, match="1 of 1 answers are not there to mark: 1 missing"):
        score(empty, data, unit=unit, form=form)
    scores = score(empty, data, unit=unit, form=form, missing="drop")
    assert list(scores.columns) == [*tables.SCHEMAS["scores"], "context", *(["marked_form"] if form else [])]
    assert scores["state"].tolist() == ["missing"]
    nothing = SimpleNamespace(**{name: tables.empty(name) for name in ("utterances", "references", "terms")})
    assert score(empty, nothing, unit=unit, form=form).empty


def test_all_failed():
    scores = score(heard(a=None, b=None), said(a="x", b="y"), missing="drop")
    assert scores[COUNTS].isna().all(axis=None)


def test_the_frames_given_are_left_as_they_were():
    frame, data = heard(a="x", b=None), said(a="x", b="y")
    before = frame.copy(), data.references.copy()
    score(frame, data, missing="all-deleted")
    pd.testing.assert_frame_equal(frame, before[0])
    pd.testing.assert_frame_equal(data.references, before[1])


def test_markup_emoji_and_odd_text_are_only_text():
    scores = score(heard(a="<b onclick='x()'>hi</b> 👋🏽", b="null"), said(a="hi 👋", b="null"))
    assert counts(scores)[1] == [1, 0, 0, 0, 1, 1]
    assert scores["hits"].tolist() == [1, 1]


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.text("ab ", max_size=6), st.text("ab ", max_size=6)), min_size=1, max_size=8), st.randoms()
)
def test_counts_add_up_and_row_order_does_not_matter(pairs, rng):
    data = said(**{f"u{n}": ref for n, (ref, _) in enumerate(pairs)})
    frame = heard(**{f"u{n}": hyp for n, (_, hyp) in enumerate(pairs)})
    scores = score(frame, data)
    assert (scores["hits"] + scores["subs"] + scores["dels"] == scores["ref_len"]).all()
    assert (scores["hits"] + scores["subs"] + scores["ins"] == scores["hyp_len"]).all()
    order = list(range(len(frame)))
    rng.shuffle(order)
    shuffled = score(frame.iloc[order], data)
    pd.testing.assert_frame_equal(shuffled, scores.iloc[order].reset_index(drop=True))


def test_dictation_against_itself_has_no_errors_and_its_forms_differ_only_in_numbers():
    def read(name):
        return pd.DataFrame([json.loads(line) for line in (DICTATION / name).read_text("utf-8").splitlines()])

    data = SimpleNamespace(**{name: read(f"{name}.jsonl") for name in ("utterances", "references", "terms")})
    written = data.references[data.references["form"] == "written"][["utt_id", "text"]]
    assert score(written, data, form="written")[["subs", "dels", "ins"]].sum().sum() == 0
    assert set(score(written, data, form="best")["marked_form"]) == {"spoken", "written"}
    spoken = score(written, data, form="spoken").merge(data.utterances[["utt_id", "topic"]])
    wrong = spoken[spoken["subs"] + spoken["dels"] + spoken["ins"] > 0]
    assert set(wrong["topic"]) == {"numbers"}
    assert score(written, data, form="written", unit="term").eval("hits == ref_len").all()


def test_each_different_text_is_normalised_once():
    seen = []

    def noting(text):
        seen.append(text)
        return text

    frame = pd.concat([heard(a="x y", b="x z").assign(condition=str(n)) for n in range(20)])
    score(frame, said(a="x y", b="x z"), normalizer=Normalizer("noting-1", (noting,)))
    assert sorted(seen) == ["x y", "x z"]


def test_the_normalizer_named_in_the_table_marks_alike():
    frame, data = heard(a="Eighty, 80%!"), said(a="eighty 80 %")
    first = score(frame, data)
    assert counts(score(frame, data, normalizer=first["normalizer"][0])) == counts(first)
    assert normalizer(first["normalizer"][0]).name == first["normalizer"][0]


# Frames and lists from anywhere.


def test_lists_are_marked_in_order():
    scores = score(["the cat", "", "x"], ["the hat", "one two", "x"])
    assert scores["utt_id"].tolist() == ["0", "1", "2"]
    assert counts(scores) == [[1, 1, 0, 0, 2, 2], [0, 0, 2, 0, 2, 0], [1, 0, 0, 0, 1, 1]]
    assert counts(score("a b", "a c")) == [[1, 1, 0, 0, 2, 2]]
    for kind in (tuple, pd.Series, np.array, lambda texts: pd.Series(texts, dtype="string", index=[7, 3, 5])):
        pd.testing.assert_frame_equal(score(kind(["the cat", "", "x"]), kind(["the hat", "one two", "x"])), scores)


def test_the_language_of_lists_chooses_unit_and_normalizer():
    scores = score(["臺灣 天氣"], ["台湾天气"], language="zh")
    assert scores[["spoken_language", "unit", "normalizer"]].iloc[0].tolist() == ["zh", "char", "zh-2"]
    assert counts(scores) == [[4, 0, 0, 0, 4, 4]]
    assert score(["It's"], ["its"], language="en")["subs"].tolist() == [1]


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ((["a"], ["a", "b"]), "1 transcripts and 2 references"),
        ((["a"], [None]), r"1 references are missing \(the first is number 0\)"),
        ((["a", None], ["a", "b"]), "1 of 2 answers are not there to mark: 1 failed"),
        (([1], ["a"]), "holds 1, which is neither a text nor missing"),
        ((heard(a="x"), ["x"]), "DataFrame and list"),
        ((["x"], heard(a="x")), "list and DataFrame"),
    ],
)
def test_what_is_wrong_with_lists_is_said(given, says):
    with pytest.raises(InvalidInput, match=says):
        score(*given)


def test_a_frame_of_references_may_say_all_that_is_known():
    references = pd.DataFrame(
        {
            "utt_id": ["a", "a", "b"],
            "form": ["spoken", "written", "spoken"],
            "text": ["fifty", "50", "你好"],
            "language": ["en", "en", "zh"],
            "speaker": ["s", "s", "t"],
        }
    )
    scores = score(heard(a="50", b="你 好"), references, form="best")
    assert scores["marked_form"].tolist() == ["written", "spoken"]
    assert scores["unit"].tolist() == ["word", "char"]
    assert scores["block"].tolist() == ["speaker:s", "speaker:t"]
    with pytest.raises(InvalidInput, match=r"1 row \(a\) are given more than one language"):
        score(heard(a="50", b="x"), references.assign(language=["en", "de", "zh"]), form="best")


def test_a_language_given_fills_in_what_utterances_lack():
    data = dataset([{"utt_id": "a", "text": "台湾"}, {"utt_id": "b", "text": "A cat."}], language=[None, "en"])
    scores = score(heard(a="臺灣", b="a cat"), data, language="zh")
    assert scores["normalizer"].tolist() == ["zh-2", "en-2"]


# Trials without an answer.


def lossy():
    frame = pd.DataFrame(
        {
            "utt_id": ["a", "b", "a"],
            "condition": ["one", "one", "two"],
            "itn": ["off", "off", "on"],
            "text": ["x y", None, "x"],
        }
    )
    return frame, said(a="x y", b="one two three")


def test_nothing_missing_enters_silently():
    frame, data = lossy()
    with pytest.raises(
        InvalidInput, match=r"2 of 4 answers.*1 failed, 1 missing \(b, condition one; b, condition two\)"
    ):
        score(frame, data)
    with pytest.raises(InvalidInput, match="missing must be one of raise, drop, all-deleted, not 'ignore'"):
        score(frame, data, missing="ignore")


def test_dropped_trials_stay_in_the_table_without_counts():
    scores = score(*lossy(), missing="drop")
    assert scores[["utt_id", "condition", "itn", "state"]].to_numpy().tolist() == [
        ["a", "one", "off", "answered"],
        ["b", "one", "off", "failed"],
        ["a", "two", "on", "answered"],
        ["b", "two", "on", "missing"],
    ]
    assert counts(scores)[1] == counts(scores)[3] == [pd.NA] * 6
    assert scores[["unit", "normalizer", "ties", "form", "block", "block_kind"]].notna().all(axis=None)


def test_all_deleted_counts_the_whole_reference():
    scores = score(*lossy(), missing="all-deleted")
    assert scores["state"].tolist() == ["answered", "failed", "answered", "missing"]
    assert counts(scores) == [[2, 0, 0, 0, 2, 2], [0, 0, 3, 0, 3, 0], [1, 0, 1, 0, 2, 1], [0, 0, 3, 0, 3, 0]]


def test_each_repeat_and_each_setting_must_be_whole():
    frame = pd.DataFrame({"utt_id": ["a", "b", "a"], "repeat": [0, 0, 1], "text": "x"})
    scores = score(frame, said(a="x", b="x"), missing="drop")
    assert scores[scores["state"] == "missing"][["utt_id", "repeat"]].to_numpy().tolist() == [["b", 1]]
    models = pd.DataFrame({"utt_id": ["a", "b", "a"], "model": ["m", "m", "n"], "text": "x"})
    scores = score(models, said(a="x", b="x"), missing="drop")
    assert scores[scores["state"] == "missing"][["utt_id", "model"]].to_numpy().tolist() == [["b", "n"]]


def test_a_column_that_tells_of_the_utterance_makes_no_setting():
    frame = heard(a="x", b="y").assign(topic=["sport", "news"])
    assert score(frame, said(a="x", b="y"))["state"].tolist() == ["answered", "answered"]


def test_a_trial_that_failed_as_a_whole_stands_for_all_its_channels():
    data = dataset([{"utt_id": "a", "channel": n, "text": text} for n, text in enumerate(["left one", "right"])])
    frame = heard(a=None)
    assert score(frame, data, missing="drop")["channel"].tolist() == [pd.NA]
    deleted = score(frame, data, missing="all-deleted")
    assert deleted[["channel", "dels"]].to_numpy().tolist() == [[0, 2], [1, 1]]


def test_a_channel_nobody_asked_for_is_missing():
    data = dataset([{"utt_id": "a", "channel": n, "text": text} for n, text in enumerate(["left", "right side"])])
    frame = pd.DataFrame({"utt_id": ["a"], "channel": [0], "text": ["left"]})
    with pytest.raises(InvalidInput, match="1 missing"):
        score(frame, data)
    assert score(frame, data, missing="all-deleted")["dels"].tolist() == [0, 2]


# Channels as one.


def two_channels():
    said_on = [("a", 1, "right now"), ("a", 0, "left"), ("b", 0, "alone")]
    data = dataset([{"utt_id": u, "channel": c, "text": t} for u, c, t in said_on])
    rows = [("a", 1, "right"), ("a", 0, "left"), ("b", 0, "alone")]
    return pd.DataFrame(rows, columns=["utt_id", "channel", "text"]), data


def test_joined_channels_are_one_text_in_the_order_of_channels():
    scores = score(*two_channels(), channels="joined")
    assert scores["channel"].tolist() == [pd.NA, pd.NA]
    assert scores["utt_id"].tolist() == ["a", "b"]
    assert counts(scores) == [[2, 0, 1, 0, 3, 2], [1, 0, 0, 0, 1, 1]]
    each = score(*two_channels())
    assert each["dels"].tolist() == [1, 0, 0]
    with pytest.raises(InvalidInput, match="channels must be one of each, joined, not 'both'"):
        score(*two_channels(), channels="both")


def test_joined_a_channel_that_was_not_heard_is_deleted_words():
    frame, data = two_channels()
    assert score(frame[frame["channel"] == 0], data, channels="joined")["dels"].tolist() == [2, 0]


def test_joined_two_channels_may_have_one_reference():
    frame, _ = two_channels()
    scores = score(frame, said(a="left right now", b="alone"), channels="joined")
    assert scores["dels"].tolist() == [1, 0]


def test_joined_a_channel_that_failed_fails_the_answer():
    frame, data = two_channels()
    frame["text"] = [None, "left", "alone"]
    scores = score(frame, data, channels="joined", missing="drop")
    assert scores["state"].tolist() == ["failed", "answered"]
    assert score(frame, data, channels="joined", missing="all-deleted")["dels"].tolist() == [3, 0]


def test_joined_wordings_are_paired_by_number():
    rows = [("a", 0, 0, "grey"), ("a", 0, 1, "gray"), ("a", 1, 0, "cat")]
    data = dataset([{"utt_id": u, "channel": c, "alternative": n, "text": t} for u, c, n, t in rows])
    frame = pd.DataFrame({"utt_id": "a", "channel": [0, 1], "text": ["gray", "cat"]})
    scores = score(frame, data, channels="joined")
    assert counts(scores) == [[2, 0, 0, 0, 2, 2]]
    assert scores["alternative"].tolist() == [1]


def test_the_rule_of_ties_is_named():
    frame, data = heard(a="the cat sit on mat today"), said(a="the cat sat on the mat")
    assert score(frame, data)["ties"].tolist() == ["jiwer"]
    nist = score(frame, data, ties="sclite")
    assert nist["ties"].tolist() == ["sclite"]
    assert counts(nist) == [[4, 1, 1, 1, 6, 6]]


def test_a_column_that_differs_in_every_row_is_no_setting():
    n = 60
    frame = pd.DataFrame(
        {"utt_id": [f"u{i % 30}" for i in range(n)], "latency": [i / 7 for i in range(n)], "text": "x"}
    )
    with pytest.raises(InvalidInput, match=r"60 settings.*Column 'latency' has 60 different values"):
        score(frame, said(**{f"u{i}": "x" for i in range(30)}), missing="drop")


def test_what_is_missing_is_named_so_that_it_can_be_found():
    data = dataset([{"utt_id": "a", "channel": n, "text": "x"} for n in (0, 1)])
    frame = pd.DataFrame({"utt_id": ["a", "a", "a"], "channel": [0, 1, 0], "tool": ["k", "k", "l"], "text": "x"})
    with pytest.raises(InvalidInput, match=r"1 of 4 answers.*1 missing \(a, tool l, channel 1\)"):
        score(frame, data)


def test_swapped_frames_are_refused():
    refs = pd.DataFrame({"utt_id": ["a"], "text": ["x"]})
    hyps = pd.DataFrame({"utt_id": ["a", "a"], "tool": ["k", "l"], "text": ["x", "y"]})
    with pytest.raises(InvalidInput, match="Are these the transcripts"):
        score(refs, hyps)
    assert score(hyps, refs)["hits"].tolist() == [1, 0]


@pytest.mark.parametrize(
    ("heard", "said"), [({"a": "x"}, {"a": "x"}), (heard(a="x"), {"a": "x"}), (3, "a"), (None, heard(a="x"))]
)
def test_things_that_are_no_tables_are_refused(heard, said):
    with pytest.raises(InvalidInput, match=r"must be a (table|dataset)|Texts are marked against texts"):
        score(heard, said)


def test_without_a_language_the_script_chooses_unit_and_normalizer():
    scores = score(["臺灣", "น้ำ", "Tea"], ["台湾", "น้ำ", "tea"])
    assert scores["unit"].tolist() == ["char", "char", "word"]
    assert scores["normalizer"].tolist() == ["zh-2", "basic-2", "basic-2"]
    assert scores["spoken_language"].isna().all()
    assert counts(scores)[0] == [2, 0, 0, 0, 2, 2]


def test_without_a_language_kana_anywhere_keep_kanji_as_they_are():
    scores = score(["学会", "東京に行く"], ["學會", "東京に行く"])
    assert scores["normalizer"].tolist() == ["basic-2", "basic-2"]
    assert scores["subs"].tolist() == [2, 0]


# What a hostile reading found.


def stereo(*rows):
    return dataset([{"utt_id": u, "channel": c, "text": t} for u, c, t in rows])


FOUR = stereo(("a", 0, "one two"), ("a", 1, "three four"), ("b", 0, "one two"), ("b", 1, "three four"))


def test_joined_a_channel_that_was_lost_is_missing_and_one_never_asked_for_is_deleted():
    frame = pd.DataFrame(
        {"utt_id": ["a", "a", "b"], "channel": [0, 1, 0], "text": ["one two", "three four", "one two"]}
    )
    with pytest.raises(InvalidInput, match=r"1 of 2 answers are not there to mark: 1 missing \(b\)"):
        score(frame, FOUR, channels="joined")
    dropped = score(frame, FOUR, channels="joined", missing="drop")
    assert dropped["state"].tolist() == ["answered", "missing"]
    assert dropped["dels"].tolist() == [0, pd.NA]
    assert score(frame, FOUR, channels="joined", missing="all-deleted")["dels"].tolist() == [0, 4]
    never = score(frame[frame["channel"] == 0], FOUR, channels="joined")
    assert never[["state", "dels"]].to_numpy().tolist() == [["answered", 2]] * 2
    with pytest.raises(InvalidInput, match="1 missing"):
        score(frame[frame["utt_id"] == "a"], FOUR, channels="joined")


def test_joined_what_differs_between_channels_does_not_part_them():
    frame = pd.DataFrame({"utt_id": "a", "channel": [0, 1], "confidence": [0.9, 0.8], "tool": "t"})
    frame["text"] = ["one two", "three four"]
    data = stereo(("a", 0, "one two"), ("a", 1, "three four"))
    for table in (frame, frame.assign(condition="x")):
        scores = score(table, data, channels="joined")
        assert counts(scores) == [[4, 0, 0, 0, 4, 4]]
        assert scores["confidence"].isna().all()
        assert scores["tool"].tolist() == ["t"]


def test_joined_a_form_must_be_there_on_all_channels():
    rows = [("a", 0, "spoken", "one two"), ("a", 0, "written", "1 2"), ("a", 1, "written", "three four")]
    data = dataset([{"utt_id": u, "channel": c, "form": f, "text": t} for u, c, f, t in rows])
    frame = pd.DataFrame({"utt_id": "a", "channel": [0, 1], "text": ["one two", "three four"]})
    for form in ("spoken", "best"):
        with pytest.raises(InvalidInput, match=r"\(a\) have channels without a reference in each form"):
            score(frame, data, channels="joined", form=form)
    assert score(frame, data, channels="joined", form="written")["ref_len"].tolist() == [4]


@pytest.mark.parametrize("condition", [{}, {"condition": "x"}, {"condition": pd.NA}])
def test_a_hole_is_seen_whatever_stands_in_the_column_condition(condition):
    frame = pd.DataFrame({"utt_id": ["a", "b", "a"], "system": ["A", "A", "B"], "text": "x"}).assign(**condition)
    with pytest.raises(InvalidInput, match=r"1 of 4 answers .*1 missing \(b, system B\)"):
        score(frame, said(a="x", b="x"))


def test_two_tries_of_one_trial_are_two_settings_of_which_one_lacks_utterances():
    frame = pd.DataFrame({"utt_id": ["a", "a", "b"], "condition": "base", "attempt": [1, 2, 1], "text": "x"})
    with pytest.raises(InvalidInput, match=r"1 missing \(b, attempt 2\)"):
        score(frame, said(a="x", b="x"))


def test_settings_are_told_apart_by_the_columns_with_the_fewest_values():
    frame = pd.DataFrame(
        {"utt_id": ["a", "a", "b"], "seconds": [0.1, 0.2, 0.3], "system": ["A", "B", "A"], "text": "x"}
    )
    scores = score(frame, said(a="x", b="x"), missing="drop")
    last = scores.iloc[-1]
    assert (len(scores), last["utt_id"], last["system"], last["state"]) == (4, "b", "B", "missing")
    assert pd.isna(last["seconds"]) or last["seconds"] == 0.2  # what is one in the setting is kept, nothing else's
    assert score(frame, said(a="x", b="x"), missing="drop")["seconds"].tolist()[:3] == [0.1, 0.2, 0.3]


@pytest.mark.parametrize("name", ["pair", "errors", "utterance place", "marked_form", "hits"])
def test_columns_that_marking_makes_are_refused(name):
    with pytest.raises(InvalidInput, match=f"makes a column '{name}' itself"):
        score(heard(a="x").assign(**{name: 1}), said(a="x"))


def test_columns_named_as_steps_of_the_work_are_only_axes():
    frame = pd.DataFrame(
        {"utt_id": ["a", "a"], "channel": [0, 1], "number": 7, "row": 1, "place": "p", "text": ["x", None]}
    )
    data = stereo(("a", 0, "x"), ("a", 1, "y"))
    for channels in ("each", "joined"):
        scores = score(frame, data, channels=channels, missing="all-deleted")
        assert set(scores["number"]) == {7}
        assert set(scores["place"]) == {"p"}


def test_rows_that_become_one_channel_stand_twice():
    frame = pd.DataFrame({"utt_id": ["a", "a"], "condition": "x", "channel": [pd.NA, 0], "text": ["one two", "one"]})
    with pytest.raises(InvalidInput, match=r"1 row \(a\) stand twice"):
        score(frame, said(a="one two"))
    failed = pd.DataFrame({"utt_id": ["a", "a"], "channel": [pd.NA, 0], "text": [None, "one two"]})
    with pytest.raises(InvalidInput, match="stand twice"):
        score(failed, FOUR, missing="all-deleted")


@pytest.mark.parametrize("column", [{"channel": [pd.NA, 0]}, {"form": [None, "unstated"]}, {"alternative": [pd.NA, 0]}])
def test_references_that_become_one_are_refused(column):
    rows = pd.DataFrame({"utt_id": ["a", "a"], "alternative": 0, "text": ["x", "y"], **column})
    data = SimpleNamespace(utterances=pd.DataFrame({"utt_id": ["a"]}), references=rows, terms=tables.empty("terms"))
    for table in (data, rows):
        with pytest.raises(InvalidInput, match=r"two references of one channel|stand more than once in the ref"):
            score(heard(a="x"), table)


def test_equals_go_to_the_longest_reference_whatever_the_order():
    rows = pd.DataFrame({"utt_id": ["a", "a"], "form": ["spoken", "written"], "text": ["twenty five", "25"]})
    for table in (rows, rows[::-1]):
        scores = score(heard(a="i do not know"), table, form="best")
        assert scores[["marked_form", "subs", "ins", "ref_len"]].to_numpy().tolist() == [["spoken", 2, 2, 2]]


def test_a_step_that_returns_nothing_is_named():
    def lost(text):
        text.lower()

    with pytest.raises(InvalidInput, match=r"Step 'lost' of <Normalizer mine-1: lost> gave None for a text"):
        score(heard(a="x"), said(a="x"), normalizer=Normalizer("mine-1", (lost,)))


def test_empty_cells_are_no_language_and_no_speaker():
    data = dataset([{"utt_id": "a", "text": "臺灣"}, {"utt_id": "b", "text": "x"}], language=["", ""], speaker=["", ""])
    scores = score(heard(a="台湾", b="x"), data)
    assert scores["unit"].tolist() == ["char", "word"]
    assert scores["block_kind"].tolist() == ["utterance", "utterance"]
    assert score(heard(a="台湾", b="x"), data, language="zh")["normalizer"].tolist() == ["zh-2", "zh-2"]


def test_series_in_another_order_are_refused():
    one, other = pd.Series(["x", "y"], index=["u1", "u2"]), pd.Series(["y", "x"], index=["u2", "u1"])
    with pytest.raises(InvalidInput, match="different indexes"):
        score(one, other)


def test_a_pilot_of_a_large_set_lacks_the_rest_and_is_nothing_worse():
    data = said(**{f"u{n}": "x" for n in range(2000)})
    pilot = heard(**{f"u{n}": "x" for n in range(30)})
    with pytest.raises(InvalidInput, match="1970 of 2000 answers are not there to mark: 1970 missing"):
        score(pilot, data)
    repeats = pd.concat([pilot.head(5).assign(repeat=n) for n in range(50)])
    assert (score(repeats, data, missing="drop")["state"] == "missing").sum() == 50 * 1995


def test_columns_of_lists_are_refused_by_name():
    with pytest.raises(InvalidInput, match=r"Column 'segments' .* cannot be told apart"):
        score(heard(a="x", b="x").assign(segments=[[1], [2]]), said(a="x", b="x"))


@pytest.mark.parametrize(
    ("references", "says"),
    [
        (
            pd.DataFrame([["a", "x", "y"]], columns=["utt_id", "text", "text"]),
            "references have columns of the same name",
        ),
        (pd.DataFrame({"utt_id": ["a", "b"], "text": ["x", None]}), r"1 row \(b\) have a reference without a text"),
        (pd.DataFrame({"utt_id": ["a", None], "text": ["x", "y"]}), "of the references have no utt_id"),
    ],
)
def test_what_is_wrong_with_references_is_said(references, says):
    with pytest.raises(InvalidInput, match=says):
        score(heard(a="x"), references)


def test_half_a_character_is_refused():
    with pytest.raises(InvalidInput, match="holds half of a character"):
        score(["a\ud800"], ["a"])


def test_a_failed_row_with_a_text_is_not_read():
    frame = heard(a="x y").assign(state="failed")
    assert counts(score(frame, said(a="x y"), missing="all-deleted")) == [[0, 0, 2, 0, 2, 0]]


def test_blocks_are_speakers_only_where_more_than_half_are_given():
    rows = [{"utt_id": u, "text": "x"} for u in "abcd"]
    half = dataset(rows, speaker=["s", "s", None, None])
    assert set(score(heard(**dict.fromkeys("abcd", "x")), half)["block_kind"]) == {"utterance"}


def test_blocks_are_decided_for_each_normalizer_apart():
    rows = [{"utt_id": u, "text": "x"} for u in "ab"]
    scores = score(heard(a="x", b="x"), dataset(rows, language=["en", "de"], speaker=["s", None]))
    assert scores["unit"].tolist() == ["word", "word"]
    assert scores["block_kind"].tolist() == ["speaker", "utterance"]


def test_a_missing_row_has_the_labels_of_its_setting_and_no_other():
    frame = pd.DataFrame(
        {"utt_id": ["a", "b"], "condition": "x", "itn": "off", "topic": ["sport", "news"], "text": "x"}
    )
    last = score(frame, said(a="x", b="x", c="x"), missing="drop").iloc[-1]
    assert (last["utt_id"], last["condition"], last["itn"]) == ("c", "x", "off")
    assert pd.isna(last["topic"])


# What a second hostile reading found.


def systems(n=20, lost=()):
    rows = [(f"u{i}", system, i % 2 == 0) for system in ("A", "B", "C") for i in range(n) if (system, i) not in lost]
    frame = pd.DataFrame(rows, columns=["utt_id", "system", "noisy"]).assign(text="one two")
    return frame, said(**{f"u{i}": "one two" for i in range(n)})


@pytest.mark.parametrize("flag", [lambda i: i % 3 == 0, lambda i: i < 5, lambda i: i % 7])
@pytest.mark.parametrize("first", [True, False])
def test_flags_and_counters_of_answers_make_no_settings(flag, first):
    frame, data = systems()
    values = [flag(i) for i in range(len(frame))]
    frame.insert(1 if first else 3, "flag", values)
    scores = score(frame, data)
    assert scores["state"].eq("answered").all()
    assert len(scores) == 60


def test_missing_rows_keep_what_is_true_of_their_utterance():
    frame, data = systems(lost={("B", 4), ("B", 5)})
    scores = score(frame, data, missing="all-deleted")
    last = scores.tail(2)
    assert last[["utt_id", "system", "noisy", "dels"]].to_numpy().tolist() == [
        ["u4", "B", True, 2],
        ["u5", "B", False, 2],
    ]
    compared = lab.compare(scores, "system", "A", by=[])
    assert compared.set_index("level")["n_pairs"].to_dict() == {"B": 20, "C": 20}


def test_missing_rows_of_flags_and_whole_numbers_have_no_value():
    frame, data = systems(lost={("B", 4)})
    frame["ms"], frame["ok"] = range(len(frame)), [n % 2 == 0 for n in range(len(frame))]
    last = score(frame, data, missing="drop").iloc[-1]
    assert pd.isna(last["ms"])
    assert pd.isna(last["ok"])


def test_models_that_a_failed_row_does_not_name_make_no_settings():
    frame, data = systems(4)
    frame["answered_by"] = ["scripted 1"] * len(frame)
    frame.loc[[1, 5], "answered_by"] = ["scripted", None]
    frame.loc[[1, 5], "text"] = None
    scores = score(frame, data, missing="drop")
    assert scores["state"].value_counts().to_dict() == {"answered": 10, "failed": 2}


def test_a_blank_channel_makes_no_second_wording_of_another():
    rows = pd.DataFrame({"utt_id": ["a", "a"], "channel": [0, None], "text": ["good day", "good bye"]})
    with pytest.raises(InvalidInput, match="stand more than once in the references"):
        score(heard(a="good day"), rows)


def test_joined_every_combination_of_wordings_is_tried():
    wordings = [("a", 0, 0, "one one"), ("a", 0, 1, "two two"), ("a", 1, 0, "three three"), ("a", 1, 1, "four four")]
    data = dataset([{"utt_id": u, "channel": c, "alternative": n, "text": t} for u, c, n, t in wordings])
    frame = pd.DataFrame({"utt_id": "a", "channel": [0, 1], "text": ["one one", "four four"]})
    scores = score(frame, data, channels="joined")
    assert scores[["hits", "alternative"]].to_numpy().tolist() == [[4, 1]]
    many = [{"utt_id": "a", "channel": c, "alternative": n, "text": "x"} for c in (0, 1) for n in range(40)]
    with pytest.raises(InvalidInput, match="wordings of the channels of a make 1600 texts"):
        score(frame, dataset(many), channels="joined")


@pytest.mark.parametrize("name", ["zho", "Chinese", "", None, "x-unknown"])
def test_what_is_no_code_of_a_language_decides_nothing(name):
    data = dataset([{"utt_id": "a", "text": "我想喝茶"}], language=[name])
    scores = score(heard(a="我想喝"), data)
    assert scores[["unit", "normalizer", "ref_len"]].to_numpy().tolist() == [["char", "zh-2", 4]]


def test_two_speakers_of_one_recording_are_one_block():
    rows = [("a", 0, "Ann", "x"), ("a", 1, "Bob", "y"), ("b", 0, "Ann", "x"), ("b", 1, None, "y")]
    references = pd.DataFrame(rows, columns=["utt_id", "channel", "speaker", "text"])
    frame = references[["utt_id", "channel", "text"]]
    scores = score(frame, references)
    assert scores["block"].tolist() == ["speaker:Ann + Bob"] * 2 + ["speaker:Ann"] * 2
    with pytest.raises(InvalidInput, match=r"1 row \(a\) are given more than one language"):
        score(frame, references.assign(language=["en", "de", "en", "en"]))


def test_values_that_cannot_be_told_apart_are_found_anywhere():
    frame = heard(**{f"u{n}": "x" for n in range(1200)}).assign(note=[*["a"] * 1199, ["b"]])
    with pytest.raises(InvalidInput, match="Column 'note'"):
        score(frame, said(**{f"u{n}": "x" for n in range(1200)}))


def test_a_sparse_grid_of_a_real_setting_is_marked():
    rng = random.Random(3)
    rows = {(f"s{rng.randrange(20)}", f"u{rng.randrange(200)}") for _ in range(150)}
    frame = pd.DataFrame(sorted(rows), columns=["system", "utt_id"]).assign(text="x")
    scores = score(frame, said(**{f"u{n}": "x" for n in range(200)}), missing="drop")
    assert (scores["state"] == "answered").sum() == len(frame)


def test_a_lost_answer_costs_the_longest_of_several_references():
    texts = ["$150", "one hundred and fifty dollars"]
    said = pd.DataFrame({"utt_id": ["a", "a"], "alternative": [0, 1], "text": texts})
    lost = pd.DataFrame({"utt_id": ["a"], "text": [None]})
    scores = score(lost, said, language="en", missing="all-deleted")
    assert scores[["dels", "ref_len", "alternative"]].to_numpy().tolist() == [[5, 5, 1]]
    assert score(lost.assign(text=""), said, language="en")["dels"].tolist() == [1]
