"""The ladder: form told from recognition, rung by rung."""

from __future__ import annotations

from itertools import pairwise
from types import SimpleNamespace

import pandas as pd
import pytest

import asrlab as lab
from asrlab import tables
from asrlab.errors import InvalidInput
from asrlab.normalize import RUNGS, Normalizer, choose, normalizer
from asrlab.normalize.languages import LANGUAGES
from asrlab.views import html

#: A transcript that differs from its reference in one form alone, by the rung that forgives it; in English.
ONE_FORM = {
    "characters": ("ﬁve o’clock, she said", "five o'clock, she said"),
    "case": ("We met in paris", "We met in Paris"),
    "punctuation": ("Well we met", "Well, we met."),
    "spelling": ("the centre is here", "the center is here"),
    "numbers": ("It cost $150", "It cost one hundred and fifty dollars"),
}


def errors(table):
    return (
        table.assign(errors=table["subs"] + table["dels"] + table["ins"]).groupby("rung", observed=True)["errors"].sum()
    )


@pytest.mark.parametrize("rung", ONE_FORM)
def test_each_rung_forgives_its_own_form_and_no_rung_before_it_does(rung):
    heard, said = ONE_FORM[rung]
    wrong = errors(lab.ladder([heard], [said], language="en"))
    place = RUNGS.index(rung)
    assert wrong.iloc[place:].eq(0).all()
    assert wrong.iloc[:place].gt(0).all()


def test_what_is_misheard_stays_wrong_on_every_rung():
    wrong = errors(lab.ladder(["we met at a mall"], ["we met at a hall"], language="en"))
    assert wrong.to_dict() == dict.fromkeys(RUNGS, 1)


def test_a_rung_is_marked_as_its_normalizer_marks():
    heard, said = (
        ["It's $150, he said", "Colour me 20%"],
        ["its one hundred fifty dollars he said", "color me twenty per cent"],
    )
    table = lab.ladder(heard, said, language="en")
    for rung in RUNGS:
        alone = lab.score(heard, said, language="en", normalizer=f"en-2@{rung}")
        columns = ["normalizer", "hits", "subs", "dels", "ins", "ref_len", "block"]
        pd.testing.assert_frame_equal(
            table.loc[table["rung"] == rung, columns].reset_index(drop=True), alone[columns], check_dtype=True
        )


def test_rungs_come_in_their_order_whatever_order_they_are_asked_in():
    table = lab.ladder(["a"], ["a"], rungs=["numbers", "case"], language="en")
    assert table["rung"].tolist() == ["case", "numbers"]
    assert list(table["rung"].cat.categories) == ["case", "numbers"]
    assert table["rung"].cat.ordered
    assert lab.ladder(["a"], ["a"], rungs="case", language="en")["normalizer"].tolist() == ["en-2@case"]


def test_differences_of_rates_add_up_to_that_between_the_first_and_the_last():
    heard = ["It's $150, he said", "colour me 20%", "um the hall"]
    said = ["its one hundred fifty dollars, he said.", "Color me twenty per cent!", "The mall"]
    rates = lab.summarize(lab.ladder(heard, said, language="en"), by="rung").set_index("rung")["rate"]
    assert list(rates.index) == list(RUNGS)
    assert rates.diff().iloc[1:].sum() == pytest.approx(rates.iloc[-1] - rates.iloc[0])
    assert rates.iloc[-1] < rates.iloc[0]


def test_settings_are_compared_on_each_rung():
    ids = [f"u{n}" for n in range(8)]
    said = pd.DataFrame({"utt_id": ids, "text": ["it cost one hundred dollars"] * 8, "language": "en", "speaker": ids})
    heard = pd.concat(
        [
            pd.DataFrame({"utt_id": ids, "text": ["it cost one hundred dollars"] * 8, "enable_itn": "off"}),
            pd.DataFrame({"utt_id": ids, "text": ["it cost $100"] * 8, "enable_itn": "on"}),
        ]
    )
    effect = lab.compare(
        lab.ladder(heard, said, rungs=["punctuation", "numbers"]), along="enable_itn", baseline="off"
    ).set_index("rung")
    assert effect.loc["punctuation", "delta"] > 0
    assert effect.loc["numbers", "delta"] == 0


def test_script_may_be_kept_on_all_rungs():
    kept = lab.ladder(["臺灣"], ["台湾"], language="zh", script="keep", rungs=["script", "numbers"])
    assert kept["subs"].tolist() == [2, 2]
    assert kept["normalizer"].tolist() == ["zh-2+script=keep@script", "zh-2+script=keep@numbers"]


def test_rungs_are_never_pooled_or_taken_for_each_other():
    heard = pd.DataFrame({"utt_id": list("ab"), "text": ["It’s 5", "a mall"]})
    said = pd.DataFrame(
        {"utt_id": list("ab"), "text": ["it's five", "a hall"], "language": "en", "speaker": list("ab")}
    )
    table = lab.ladder(heard, said)
    assert len(lab.rates(table, by=[])) == len(RUNGS)
    with pytest.raises(InvalidInput, match="That is how they were marked"):
        lab.compare(table, along="rung", baseline="surface")
    dataset = SimpleNamespace(utterances=said, references=said[["utt_id", "text"]], terms=tables.empty("terms"))
    with pytest.raises(InvalidInput, match="Choose a rung"):
        html.errors(table, heard, dataset)
    assert "hall" in repr(html.errors(table.query("rung == 'numbers'"), heard, dataset))


def test_what_there_is_not_is_refused():
    with pytest.raises(InvalidInput, match="no rung 'grammar'; there are surface, characters, case"):
        lab.ladder(["a"], ["a"], rungs=["grammar"])
    with pytest.raises(InvalidInput, match="names none"):
        lab.ladder(["a"], ["a"], rungs=[])
    with pytest.raises(InvalidInput, match="column 'rung' itself"):
        lab.ladder(
            pd.DataFrame({"utt_id": ["a"], "text": "a", "rung": "x"}), pd.DataFrame({"utt_id": ["a"], "text": "a"})
        )


@pytest.mark.parametrize("language", [*LANGUAGES, "nl", None])
def test_every_language_has_every_rung_and_each_has_the_steps_of_those_before(language):
    chains = [choose(f"auto@{rung}", language) for rung in RUNGS]
    assert len(chains) == len(RUNGS)
    assert chains[0].steps == ()
    for lower, higher in pairwise(chains):
        assert set(lower.steps) <= set(higher.steps)


# Names


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("en-2", {}),
        ("en-2+spelling", {"spelling": True}),
        ("en-2+spelling+numbers+fillers", {"fillers": True, "numbers": True, "spelling": True}),
        ("zh-2+script=keep", {"script": "keep"}),
        ("zh-2+script=fold+numbers", {"script": "fold", "numbers": True}),
        ("zh-2+script=keep@spelling", {"script": "keep", "upto": "spelling"}),
        ("en-2@surface", {"upto": "surface"}),
        ("basic-2", {}),
    ],
)
def test_a_name_gives_the_same_normalizer_again(name, options):
    made = normalizer(name.partition("-")[0], **options)
    assert made.name == name
    assert normalizer(name) == made
    assert repr(made).startswith(f"<Normalizer {name}: ")


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("klingon", {}, "no normalizer 'klingon'. There are none, basic, zh"),
        ("en-US", {}, "no normalizer 'en-US'. For recordings in 'en-US' it is 'en'"),
        ("EN", {}, "For recordings in 'EN' it is 'en'"),
        ("en-1", {}, "'en-1' is of another version of asrlab; here it is en-2"),
        ("auto+numbers", {}, "Here one language is meant"),
        ("en", {"script": "keep"}, r"script= is no option of normalizer\('en'\), but of zh, yue"),
        ("zh", {"script": "drop"}, "script must be one of fold, keep, not 'drop'"),
        ("zh+script=drop", {}, "script must be one of fold, keep, not 'drop'"),
        ("zh+script=keep+script=fold", {}, "has script twice"),
        ("zh+script=keep", {"script": "fold"}, "script='fold' contradicts the name"),
        ("en", {"upto": "grammar"}, "upto must be one of surface"),
        ("en@", {}, "upto must be one of surface"),
        ("en", {"upto": "case", "numbers": True}, "numbers= does not go with upto="),
        ("en+case", {}, "'case' in the normalizer 'en\\+case' is no option"),
        ("en+numbers=yes", {}, "is no option"),
        ("zh+script", {}, "is no option"),
        ("none+numbers", {}, '"none" leaves text as it is, and so has no numbers'),
        ("basic", {"numbers": True}, "numbers= is no option of normalizer"),
    ],
)
def test_names_and_options_that_there_are_not(name, options, said):
    with pytest.raises(InvalidInput, match=said):
        normalizer(name, **options)


def test_auto_takes_options_as_far_as_a_language_has_them():
    said = pd.DataFrame({"utt_id": list("ab"), "text": ["it is 5", "Det är 5"], "language": ["en", "sv"]})
    scores = lab.score(said[["utt_id", "text"]], said, normalizer="auto+numbers")
    assert scores["normalizer"].tolist() == ["en-2+numbers", "sv-2"]


@pytest.mark.parametrize("wrong", ["auto+script=foo", "auto+numbers@case", "auto+numbers+numbers"])
@pytest.mark.parametrize("language", ["en", "th"])
def test_what_is_wrong_of_auto_is_wrong_in_every_language(wrong, language):
    with pytest.raises(InvalidInput):
        choose(wrong, language)


def test_a_chain_of_ones_own_has_a_name_of_its_own():
    with pytest.raises(InvalidInput, match="has the name of a preset and is another chain"):
        lab.score(["a"], ["a"], normalizer=Normalizer("en-2", (str.upper,)))
    english = normalizer("en", numbers=True)
    assert lab.score(["a"], ["a"], normalizer=english)["normalizer"].tolist() == ["en-2+numbers"]
    mine = english.then("mine-1", str.upper)
    assert mine("twenty one") == "21"
    assert mine("fair Twenty one") == "FAIR 21"
    assert mine.settle


def test_a_chain_that_settles_is_applied_until_nothing_changes():
    shorter = Normalizer("shorter-1", (lambda text: text.replace("aa", "a"),), settle=True)
    assert shorter("aaaaaaaa") == "a"
    assert Normalizer("once-1", shorter.steps)("aaaaaaaa") == "aaaa"
    assert "until nothing changes" in repr(shorter)
