"""Leaks of the context: cases by hand, what must not be flagged, and a small planted corpus."""

from __future__ import annotations

import pandas as pd
import planted
import pytest

from asrlab.scoring.flags.flags import flags
from asrlab.scoring.flags.leaks import leaked

NAMES = "Kestrel, Ostrava, Van Houten, cleanroom, Aldeburgh"


def found(heard, said, context, **options):
    """The leaks of one answer: words echoed, begin and end."""
    sent = pd.DataFrame({"utt_id": ["a"], "context": pd.array([context], dtype="string")})
    heard = pd.DataFrame({"utt_id": ["a"], "text": [heard]})
    said = None if said is None else pd.DataFrame({"utt_id": ["a"], "text": [said], **options})
    table = flags(heard, said, parameters=sent, only="leak")
    return list(table[["evidence", "begin", "end"]].itertuples(index=False, name=None))


@pytest.mark.parametrize(
    ("heard", "evidence", "begin", "end"),
    [
        ("Kestrel, Ostrava. We met at nine today", "Kestrel, Ostrava.", 0, 2),
        ("KESTREL OSTRAVA we met at nine today", "KESTREL OSTRAVA", 0, 2),
        ("we met Aldeburgh, Kestrel at nine today", "Aldeburgh, Kestrel", 2, 4),
        ("we met at nine today. Van Houten / cleanroom", "Van Houten / cleanroom", 5, 8),
        ("Kestrel Kestrel Kestrel we met at nine today", "Kestrel Kestrel Kestrel", 0, 3),
        ("Kestral, Ostrawa, Van Houten", "Kestral, Ostrawa, Van Houten", 0, 4),
        ("Kestrel and Ostrava and we met at nine today", "Kestrel and Ostrava", 0, 3),
        ("Van Houten, Ostrava, Kestrel at nine today", "Van Houten, Ostrava, Kestrel", 0, 4),
    ],
    ids=["start", "capitals", "middle", "end", "repeated", "misspelled, instead", "and", "reversed, in place"],
)
def test_terms_in_a_row_that_nobody_said(heard, evidence, begin, end):
    assert found(heard, "we met at nine today", NAMES) == [(evidence, begin, end)]


@pytest.mark.parametrize(
    ("heard", "said"),
    [
        ("call Kestrel Ostrava Aldeburgh now", "call Kestrel Ostrava Aldeburgh now"),
        ("call Ostrava Kestrel Aldeburgh now", "call Kestrel Ostrava Aldeburgh now"),
        ("we saw a Kestrel at nine", "we saw a castrel at nine"),
        ("we saw a Kestrel at nine", "we saw a bird at nine"),
        ("we saw a Kestrel in Ostrava", "we saw a castle in Austria"),
        ("Kestrel we met at nine today", "we met at nine today"),
        ("", "we met at nine today"),
        ("we met at noon today", "we met at nine today"),
        ("Kestrel", "castle"),
        ("we saw Kestrel cleanroom today", "we saw nothing much today"),
        (
            "we Kestrel met at nine o'clock Aldeburgh today in the Ostrava hall",
            "we met at nine o'clock today in the hall",
        ),
    ],
    ids=[
        *("roll call", "changed order", "misheard", "false term", "two misheard", "one inserted", "empty", "sub"),
        *("one", "two in place of two", "three apart"),
    ],
)
def test_what_was_said_or_misheard_is_no_leak(heard, said):
    assert found(heard, said, NAMES) == []


def test_lists_in_chinese_stand_without_spaces():
    context = "卡斯特里、奥斯特拉瓦、洁净室、令狐璟"
    said = "我们今天九点开会"
    assert found("卡斯特里奥斯特拉瓦洁净室我们今天九点开会", said, context, language="zh") == [
        ("卡斯特里奥斯特拉瓦洁净室", 0, 12)
    ]
    assert found("我们今天九点在洁净室开会", said, context, language="zh") == []
    roll = "卡斯特里、奥斯特拉瓦和洁净室都准备好了"
    assert found(roll, roll, context, language="zh") == []
    assert found("令狐瑾洁净室我们今天九点开会", said, context, language="zh")[0][1:] == (0, 6)  # a character is wrong


def test_latin_terms_in_chinese_speech_are_words():
    context = "DashScope, Qwen, 洁净室"
    heard = "DashScope Qwen 我们今天九点开会"
    assert found(heard, "我们今天九点开会", context, language="zh") == [("DashScope Qwen", 0, 13)]


def test_prose_is_echoed_in_part():
    context = "This is a meeting of the board of the Kestrel company about the budget of next year."
    said = "good morning and thank you for coming"
    assert found("a meeting of the board of good morning and thank you for coming", said, context)
    assert found("about the budget of next year", said, context)
    assert not found("good morning and thank you for coming of the", said, context)
    assert not found("a meeting of the board of the Kestrel", "our meetings off a bored off a castrel", context)
    # The context is what is said, as in a context of the words before.
    assert not found(context, context, context)


def test_words_out_of_silence_may_be_one_term():
    assert found("Kestrel.", "", NAMES) == [("Kestrel.", 0, 1)]
    assert found("thank you", "", NAMES) == []


def test_the_list_in_place_of_speech_that_names_its_terms():
    said = "we went from Kestrel by way of Ostrava down to Van Houten and had a good look at the cleanroom"
    assert found("Kestrel, Ostrava, Van Houten, cleanroom", said, NAMES)
    assert not found("Kestrel, Ostrava, Van Houten, cleanroom", "Kestrel Ostrava Van Houten and cleanroom", NAMES)


@pytest.mark.parametrize(
    "context",
    ['["Kestrel", "Ostrava"]', "Kestrel\nOstrava", "Names: Kestrel; Ostrava", "Kestrel Ostrava", "Kestrel、Ostrava"],
)
def test_contexts_are_written_in_many_ways(context):
    assert found("Ostrava Kestrel we met at nine today", "we met at nine today", context)


def test_without_a_reference_the_shape_tells():
    assert found("Kestrel, Ostrava, Van Houten and we met", None, NAMES)
    assert found("Kestrel, Aldeburgh", None, NAMES)
    assert not found("we met Kestrel in Ostrava", None, NAMES)
    assert found(NAMES, None, NAMES)  # which may have been said


@pytest.mark.parametrize("context", [None, "", " , ,; ", "[]", "。"])
def test_a_context_without_words_has_no_echo(context):
    assert found("Kestrel Ostrava we met", "we met", context) == []


def test_an_answer_is_judged_by_itself():
    drawn = [planter.leak("en") for planter in [planted.Planter(5, 0)] for _ in range(8)]
    heard, said, sent = planted.tables(drawn)
    whole = flags(heard, said, parameters=sent, only="leak")
    for n in range(len(heard)):
        alone = flags(heard.iloc[n : n + 1], said.iloc[n : n + 1], parameters=sent, only="leak")
        assert alone["what"].tolist() == whole.loc[whole["utt_id"] == heard["utt_id"][n], "what"].tolist()


def test_leaked_is_a_table_of_scores():
    heard = pd.DataFrame({"utt_id": ["a", "b", "c"], "text": ["Kestrel, Ostrava. We met", "we met", pd.NA]})
    said = pd.DataFrame({"utt_id": ["a", "b", "c"], "text": "we met"})
    sent = pd.DataFrame({"utt_id": ["a", "b", "c"], "context": [NAMES, pd.NA, NAMES]})
    for missing in ("drop", "all-deleted"):
        table = leaked(heard, said, parameters=sent, missing=missing)
        assert table["unit"].unique().tolist() == ["leak"]
        assert table[["hits", "subs", "dels", "ins", "ref_len", "hyp_len"]].iloc[:2].to_numpy().tolist() == [
            [0, 1, 0, 0, 1, 1],
            [1, 0, 0, 0, 1, 1],
        ]
        assert table.loc[2, ["hits", "subs", "ref_len"]].isna().all()


def test_planted_leaks_are_found_and_nothing_else():
    planter = planted.Planter(1001, 0)
    for draw, least, most in ((planter.leak, 0.97, 1), (planter.no_leak, 0, 0.01)):
        heard, said, sent = planted.tables([draw() for _ in range(150)])
        table = flags(heard, said, parameters=sent, only="leak", normalizer="auto+script=fold")
        assert least <= heard["utt_id"].isin(table["utt_id"]).mean() <= most


@pytest.mark.parametrize(
    ("heard", "leak"),
    [
        ("Szymanowski, Adaeze", True),
        ("Kowalczyk, Kowalczyk", True),
        ("Kowalczyk, Kaija Saariaho,", True),
        ("Kowalczyk.", True),
        ("triethylsilane", True),
        ("Thank you.", False),
        ("Thanks for watching!", False),
        ("you", False),
    ],
)
def test_out_of_silence_a_word_of_a_name_is_a_leak(heard, leak):
    """As Whisper base does on silence and rain, given a list of names."""
    answers = pd.DataFrame({"utt_id": ["a"], "text": [heard]})
    said = pd.DataFrame({"utt_id": ["a"], "text": [""], "language": "en"})
    context = "Szymanowski, Kaija Saariaho, triethylsilane, Siobhan Kowalczyk, Adaeze Okonkwo, Thank Goodness Foods"
    given = pd.DataFrame({"utt_id": ["a"], "context": [context]})
    assert flags(answers, said, parameters=given, only="leak").empty != leak
