"""What a setting changed, rightly or wrongly: verdicts worked out by hand, and a finished sweep."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import asrlab as lab
from asrlab import tables
from asrlab.errors import InvalidInput
from asrlab.scoring.formatting.changes import changes, verdicts
from asrlab.scoring.formatting.differences import changed
from asrlab.scoring.formatting.spans import parsed
from asrlab.scoring.formatting.verdicts import VERDICTS

ROOT = Path(__file__).parents[1]


def cases(name):
    rows = (ROOT / "tests" / "forms" / name).read_text(encoding="utf-8").splitlines()
    return [row.split("\t") for row in rows if not row.startswith("#")]


def transcripts(off, on, **more):
    return pd.DataFrame({"utt_id": "a", "enable_itn": ["off", "on"], "text": [off, on], **more})


def references(language="en", **forms):
    return pd.DataFrame({"utt_id": "a", "form": list(forms), "text": list(forms.values()), "language": language})


@pytest.mark.parametrize("name", ["changes.tsv", "changes_unseen.tsv"])
def test_verdicts_by_hand(name):
    heard, said = [], []
    rows = cases(name)
    for n, (language, off, on, spoken, written, _) in enumerate(rows):
        heard += [{"utt_id": f"{n}", "enable_itn": itn, "text": text} for itn, text in (("off", off), ("on", on))]
        forms = {form: text for form, text in (("spoken", spoken), ("written", written)) if text != "-"}
        said += [{"utt_id": f"{n}", "language": language, "form": form, "text": text} for form, text in forms.items()]
    found = changes(pd.DataFrame(heard), pd.DataFrame(said))
    got = found.groupby("utt_id")["verdict"].agg(" ".join)
    assert {f"{n}": got[f"{n}"] for n in range(len(rows))} == {f"{n}": row[-1] for n, row in enumerate(rows)}


def test_a_row_says_all():
    found = changes(
        transcripts("Pay twenty dollars now.", "Pay $20 now."),
        references(spoken="pay twenty dollars now", written="Pay $20 now."),
    )
    assert list(found) == list(tables.SCHEMAS["changes"])
    row = found.iloc[0]
    assert row[["kind", "number_class", "before", "after"]].tolist() == ["number", "money", "twenty dollars", "$20"]
    assert row[["spoken", "written", "was", "now"]].tolist() == ["twenty dollars", "$20", "spoken", "written"]
    assert row[["verdict", "harm", "same_value"]].tolist() == ["right", False, True]
    assert "Pay $20 now."[row["begin"] : row["end"]] == "$20"
    assert row[["axis", "baseline", "level"]].tolist() == ["enable_itn", "off", "on"]
    assert row["what"] == "'twenty dollars' became '$20': now as the reference writes it"


def test_a_long_number_is_one_span():
    found = changes(
        transcripts("they raised five million dollars in all", "they raised 5 million dollars in all"),
        references(spoken="they raised five million dollars in all", written="they raised $5 million in all"),
    )
    assert found[["before", "after", "verdict"]].values.tolist() == [
        ["five million dollars", "5 million dollars", "other form"]
    ]


def test_a_word_lost_by_recognition_beside_a_number_is_no_harm_of_its_form():
    found = changes(
        transcripts("it costs five dollars", "it costs $5"),
        references(spoken="it costs about five dollars", written="it costs about $5"),
    )
    assert found["verdict"].tolist() == ["right"]


def test_turning_it_off_is_judged_by_the_spoken_form():
    said = references(spoken="it costs fifty dollars", written="it costs $50")
    heard = transcripts("it costs fifty dollars", "it costs $50")
    assert changes(heard, said, baseline="on", wanted="spoken")["verdict"].tolist() == ["right"]
    assert changes(heard, said, baseline="on")["verdict"].tolist() == ["form lost"]


@pytest.mark.parametrize(
    ("off", "on", "kind", "verdict"),
    [
        ("paris is big.", "Paris is big.", "case", "right"),
        ("Paris is big.", "paris is big.", "case", "form lost"),
        ("Paris is big", "Paris is big.", "punctuation", "right"),
        ("Paris is big.", "Paris is, big.", "punctuation", "form lost"),
        ("Paris is big?", "Paris is big!", "punctuation", "other form"),
        ("Paris is big", "Paris  is big", "spacing", "form lost"),
        ("Rome is big?", "Rome is big.", "punctuation", "right"),
    ],
)
def test_case_and_marks(off, on, kind, verdict):
    found = changes(transcripts(off, on), references(written="Paris is big."))
    assert found[["kind", "verdict"]].values.tolist() == [[kind, verdict]]
    assert set(changes(transcripts(off, on), references(spoken="paris is big"))["verdict"]) <= {"unjudged"}


# Off, on, written reference, verdict.
CASE_AND_MARKS = [
    ("hello, world", "hello world", "Hello world.", "right"),
    ("hello, world now", "hello world now", "Hello world now.", "right"),
    ("hello world", "hello, world", "Hello, world!", "right"),
    ("hello world", "hello, world", "“Hello world”", "form lost"),
    ("so, yes", "So yes", "So yes.", "right"),  # of case and comma
    ("so, yes", "So yes", "so yes.", "other form"),  # one right, one wrong
    ("So yes", "so, yes", "So yes.", "form lost"),
    ("so yes.", "So yes.", "So yes!", "right"),
    ("so yes", "so yes.", "So yes.", "right"),
    ("so, yes", "so yes", "So, no.", "other form"),  # beside a word that was misheard
    ("go, yes", "go yes", "So, yes.", "other form"),
    ("so, well", "so well", "So, very well.", "form lost"),
    ("so well", "so well.", "So well now.", "right"),  # as marks are where a word is left out
    ("twenty six of us", "twenty-six of us", "Twenty-six of us.", "other form"),
    ("it's twenty six", "it's twenty-six", "It's twenty-six.", "right"),
]


def test_only_what_was_changed_is_judged():
    heard = pd.concat([transcripts(off, on).assign(utt_id=f"{n}") for n, (off, on, *_) in enumerate(CASE_AND_MARKS)])
    said = pd.concat([references(written=one).assign(utt_id=f"{n}") for n, (_, _, one, _) in enumerate(CASE_AND_MARKS)])
    found = changes(heard, said)
    assert found["utt_id"].is_unique
    got = [(*case[:3], verdict) for case, verdict in zip(CASE_AND_MARKS, found["verdict"], strict=True)]
    assert got == CASE_AND_MARKS


@pytest.mark.parametrize(
    ("off", "on", "said", "stand", "verdict"),
    [
        ("fifteen", "50", "{fifty|fifteen}", ["spoken", "value"], "kept"),
        ("fifty", "15", "{fifty|fifteen}", ["spoken", "value"], "kept"),
        ("sixty", "15", "{fifty|fifteen}", ["wrong", "value"], "mended"),
        ("fifteen", "60", "{fifty|fifteen}", ["spoken", "wrong"], "broken"),
        # Too many wordings to try all of them.
        (
            "so um a big x fifteen",
            "so um a big x 50",
            "{so|oh} {um|uh|} {a|the} {big|} x {fifty|fifteen}",
            None,
            "kept",
        ),
    ],
)
def test_each_side_is_judged_by_the_alternative_nearest_to_it(off, on, said, stand, verdict):
    found = changes(transcripts(off, on), references(spoken=said))
    assert found["verdict"].tolist() == [verdict]
    assert found[["was", "now"]].values.tolist() == [stand or ["spoken", "value"]]


def test_alternatives_in_one_text_are_as_good_as_in_several():
    one = references(spoken="pay {fifty|fifteen} now", written="Pay {50|15} now.")
    several = pd.DataFrame(
        [
            {"utt_id": "a", "form": form, "text": text, "language": "en", "alternative": n}
            for form, texts in (
                ("spoken", ["pay fifty now", "pay fifteen now"]),
                ("written", ["Pay 50 now.", "Pay 15 now."]),
            )
            for n, text in enumerate(texts)
        ]
    )
    for off, on in [
        ("pay fifteen now", "pay 50 now"),
        ("pay fifty now", "pay 15 now"),
        ("pay 15 now", "pay fifty now"),
    ]:
        columns = ["was", "now", "verdict", "harm"]
        both = [changes(transcripts(off, on), said)[columns].values.tolist() for said in (one, several)]
        assert both[0] == both[1]


@pytest.mark.parametrize(
    ("off", "on", "spoken", "written", "verdict"),
    [
        ("ten fifteen pm", "22:15", "ten fifteen pm", "10:15 PM", "other form"),
        ("ten fifteen am", "22:15", "ten fifteen am", "10:15 AM", "broken"),
        ("take b twelve now", "take B12 now", "take b twelve now", "Take B12 now.", "right"),
        ("take b twelve now", "take B-12 now", "take b twelve now", "Take B12 now.", "other form"),
        ("take b twelve now", "take B20 now", "take b twelve now", "Take B12 now.", "broken"),
        ("of COVID nineteen", "of COVID-19", "of COVID nineteen", "-", "kept"),
        ("of COVID nineteen", "of COVID-90", "of COVID nineteen", "-", "broken"),
    ],
)
def test_times_and_codes_in_another_form(off, on, spoken, written, verdict):
    forms = {"spoken": spoken} | ({"written": written} if written != "-" else {})
    found = changes(transcripts(off, on), references(**forms))
    assert found["verdict"].tolist() == [verdict]
    assert found["same_value"].tolist() == [verdict != "broken"]


def test_alternatives_and_wordings_judge_too():
    said = references(written="It costs {$50|50 dollars}.")
    assert changes(transcripts("it costs fifty dollars", "it costs 50 dollars"), said)["verdict"].tolist() == ["right"]
    two = references(written="it costs $50").assign(alternative=0)
    two = pd.concat([two, two.assign(alternative=1, text="it costs 50")])
    assert changes(transcripts("it costs fifty", "it costs 50"), two)["verdict"].tolist() == ["right"]


def test_answers_that_are_not_there_are_left_out():
    heard = pd.DataFrame(
        {
            "utt_id": ["a", "a", "b", "b", "c"],
            "enable_itn": ["off", "on", "off", "on", "on"],
            "state": ["answered", "failed", "answered", "answered", "answered"],
            "text": ["five", pd.NA, "", "5", "5"],
        }
    )
    said = pd.DataFrame({"utt_id": ["a", "b", "c"], "text": "5", "form": "written", "language": "en"})
    found = changes(heard, said)
    assert found[["utt_id", "before", "after", "verdict"]].values.tolist() == [["b", "", "5", "mended"]]


def test_other_axes_and_repeats_are_never_mixed():
    heard = pd.DataFrame(
        [
            {"utt_id": "a", "repeat": repeat, "context": context, "enable_itn": itn, "text": text}
            for repeat, context, off, on in [
                (0, "none", "five", "5"),
                (1, "none", "five", "five"),
                (0, "terms", "six", "6"),
            ]
            for itn, text in [("off", off), ("on", on)]
        ]
    )
    found = changes(heard, references(spoken="five", written="5"))
    assert found[["repeat", "context", "before", "after", "verdict"]].values.tolist() == [
        [0, "none", "five", "5", "right"],
        [0, "terms", "six", "6", "misheard"],
    ]


def test_no_references_and_no_changes():
    found = changes(transcripts("five dollars", "$5"), language="en")
    assert found[["verdict", "number_class"]].values.tolist() == [["unjudged", "money"]]
    assert found[["harm", "spoken", "written", "was", "now"]].isna().all(axis=None)
    none = changes(transcripts("five", "five"), references(spoken="five"))
    assert none.empty
    assert list(none) == list(tables.SCHEMAS["changes"])
    assert verdicts(none).empty


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"along": "nothing"}, "no axis 'nothing'"),
        ({"baseline": "sometimes"}, "not 'sometimes'"),
        ({"script": "melt"}, "fold or keep"),
    ],
)
def test_what_cannot_be_compared_is_refused(given, message):
    with pytest.raises(InvalidInput, match=message):
        changes(transcripts("five", "5"), references(spoken="five"), **given)
    with pytest.raises(InvalidInput, match="must be a table"):
        changes(["five"], references(spoken="five"))


def test_answers_that_stand_twice_are_refused():
    twice = pd.concat([transcripts("five", "5"), transcripts("five", "6")])
    with pytest.raises(InvalidInput, match="stand twice"):
        changes(twice, references(spoken="five"))
    with pytest.raises(InvalidInput, match="two settings are needed"):
        changes(transcripts("five", "5").head(1), references(spoken="five"))
    with pytest.raises(InvalidInput, match=r"levels none; two settings are needed\.$"):  # no baseline was given
        changes(transcripts("five", "5").head(0))
    with pytest.raises(InvalidInput, match="column 'harm'"):
        changes(transcripts("five", "5", harm=1), references(spoken="five"))


def test_verdicts_are_counted():
    found = pd.DataFrame(
        {"kind": "number", "number_class": ["date", "date", "money"], "verdict": ["right", "broken", "wrong"]}
    )
    table = verdicts(found)
    assert table[["number_class", "n", "right", "broken", "wrong"]].values.tolist() == [
        ["date", 2, 1, 1, 0],
        ["money", 1, 0, 0, 1],
    ]
    assert table["harm"].tolist()[0] == 0.5
    assert table["harm"].isna().tolist() == [False, True]
    assert verdicts(found, [])[["n", "harm"]].values.tolist() == [[3, 0.5]]
    with pytest.raises(InvalidInput, match="no column 'colour'"):
        verdicts(found, "colour")
    with pytest.raises(InvalidInput, match="is no verdict"):
        verdicts(found.assign(verdict="splendid"))


UNITS = st.lists(
    st.sampled_from(
        ["five", "5", "million", "dollars", "may", "3", "the", "cat", ",", ".", "twenty", "20", "10:15", "ten"]
    ),
    max_size=10,
)


@settings(deadline=None, max_examples=40)
@given(UNITS, UNITS)
def test_outside_of_changes_texts_are_the_same(left, right):
    before, after = parsed(" ".join(left), "en"), parsed(" ".join(right), "en")
    found = changed(before, after)

    def rest(text, blocks):
        begins, ends = [0, *(b.end for b in blocks)], [*(b.begin for b in blocks), len(text.text)]
        assert begins[1:] == sorted(begins[1:])
        return [text.text[begin:end].split() for begin, end in zip(begins, ends, strict=True)]

    assert rest(before, [one.before for one in found]) == rest(after, [one.after for one in found])
    for one in found:
        for text, block in ((before, one.before), (after, one.after)):
            cut = [i for i in text.items if i.number_class and i.begin < block.end and i.end > block.begin]
            assert all(block.begin <= item.begin and item.end <= block.end for item in cut)


# Tables cost more than texts: many texts in a table, and few tables.
@settings(deadline=None, max_examples=4)
@given(st.lists(st.tuples(UNITS, UNITS, UNITS), min_size=6, max_size=6))
def test_verdicts_follow_from_how_both_sides_stand(triples):
    texts = [[" ".join(units) for units in triple] for triple in triples]
    heard = pd.concat([transcripts(off, on).assign(utt_id=f"{n}") for n, (off, on, _) in enumerate(texts)])
    said = pd.concat([references(spoken=one, written=one).assign(utt_id=f"{n}") for n, (*_, one) in enumerate(texts)])
    found = changes(heard, said)
    for row in found.itertuples():
        assert row.verdict in VERDICTS
        if row.kind in {"number", "words"}:
            assert (row.verdict == "broken") == (row.was != "wrong" and row.now == "wrong")
            assert (row.verdict == "mended") == (row.was == "wrong" and row.now != "wrong")
    # What is as the reference was not changed for the worse, and the other way round.
    for n, (_, on, one) in enumerate(texts):
        assert on != one or not found.loc[found["utt_id"] == f"{n}", "harm"].fillna(value=False).any()


@pytest.fixture(scope="module")
def demo():
    sweep = lab.open_sweep(ROOT / "notebooks" / "replays" / "demo.jsonl")
    return changes(sweep.transcripts, lab.load_dataset(ROOT / "datasets" / "dictation"))


def test_a_finished_sweep_shows_what_its_itn_did(demo):
    hinted = demo[demo["language"] != "wrong"]
    judged = {(row.before, row.after): row.verdict for row in hinted.itertuples()}
    assert judged["nine forty five", "9.45"] == "broken"  # a time that became a decimal
    assert judged["八点零五分", "8.05分"] == "broken"
    assert judged["三", "3"] == "broken"  # of 三乙基硅烷, which is no number
    assert judged["March twenty first", "March 21st"] == "right"
    assert judged["一九九六年八月十五日", "1996年8月15日"] == "right"
    assert judged["three hundred and fifty milliliters", "350 ml"] == "other form"
    assert judged["six hundred and fifty", "650"] == "misheard"  # six fifty was said
    assert set(hinted.loc[hinted["harm"].fillna(value=False), "after"]) == {"9.45", "8.05分", "3"}
    assert demo["kind"].eq("number").all()
