"""Sentences: what they say of comparisons, effects, power and agreement, and what they never say."""

from __future__ import annotations

import itertools
import re

import numpy as np
import pandas as pd
import pytest

from asrlab import groups, tables
from asrlab.errors import InvalidInput
from asrlab.stats.sentences import sentences

NAN = float("nan")
MARKED = {"unit": "word", "block_kind": "speaker", "n_blocks": 16}
SIGN_FLIP = {
    "confidence": 0.95, "test": "sign-flip by speaker, exact", "p": 0.004, "p_adjusted": 0.012, "correction": "holm",
    "n_comparisons": 3,
}  # fmt: skip
USUAL = {
    "comparison": {
        "axis": "context", "level": "terms", "baseline": "none", "rate": 0.123, "baseline_rate": 0.15, "delta": -0.027,
        "low": -0.04, "high": -0.014, **SIGN_FLIP, **MARKED, "n_pairs": 64,
    },
    "effects": {
        "effect": "main", "axis": "context", "level": "terms", "baseline": "none", "delta": -0.123, "low": -0.15,
        "high": -0.09, **SIGN_FLIP, **MARKED, "unit": "term", "n_utts": 32,
    },
    "power": {
        "delta": 0.003, "speakers": 84, "utterances": 20, "power": 0.804, "low": 0.79, "high": 0.817, "target": 0.8,
        "enough": True, "test": "sign-flip", "correction": "holm", "n_comparisons": 3, "unit": "word", "rate": 0.05,
        "n_simulations": 4000, "source": "pilot",
    },
    "agreement": {
        "same": 0.975, "low": 0.94, "high": 0.991, "level": 0.95, "method": "ratio t by speaker", "rate": 0.052,
        "rate_low": 0.051, "rate_high": 0.053, "n_repeats": 5, "n_questions": 64, "n_pairs": 640, **MARKED,
    },
}  # fmt: skip


def frame_of(table, *rows):
    return tables.check(pd.DataFrame([{**USUAL[table], **row} for row in rows]), table, required=())


def said(table, **changes):
    (sentence,) = sentences(frame_of(table, changes))
    return sentence


# --- comparisons


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {},
            "context terms against none: lower WER, 12.3 % against 15.0 %, -2.7 points (95 % interval -4.0 to -1.4; "
            "sign-flip by speaker, p = 0.012 after Holm over 3; 16 speakers, 64 pairs).",
        ),
        (
            {"itn": "off", "unit": "char", "low": -0.06, "high": 0.01, "p_adjusted": 0.2, "p": 0.2, "n_comparisons": 1},
            "context terms against none (itn off): no difference in CER shown, 12.3 % against 15.0 %, -2.7 points "
            "(95 % interval -6.0 to +1.0; sign-flip by speaker, p = 0.200; 16 speakers, 64 pairs).",
        ),
        (
            {"unit": "term", "rate": 0.2, "delta": 0.05, "low": 0.01, "high": 0.09, "p_adjusted": 0.0004, "n_blocks": 1,
             "block_kind": "utterance", "note": "too few speakers (1): true of these voices only",
             "correction": "max-t"},
            "context terms against none: higher term miss rate, 20.0 % against 15.0 %, +5.0 points (95 % interval +1.0 "
            "to +9.0; sign-flip by speaker, p < 0.001 after max-T over 3; 1 utterance, 64 pairs). "
            "Too few speakers (1): true of these voices only.",
        ),
        (
            {"p": NAN, "p_adjusted": NAN},
            "context terms against none: difference in WER not tested, 12.3 % against 15.0 %, -2.7 points (95 % "
            "interval -4.0 to -1.4; 16 speakers, 64 pairs).",
        ),
        (
            {"low": NAN, "high": NAN, "p": 1.0, "p_adjusted": 1.0},
            "context terms against none: no difference in WER shown, 12.3 % against 15.0 %, -2.7 points (no interval; "
            "sign-flip by speaker, p = 1.000 after Holm over 3; 16 speakers, 64 pairs).",
        ),
        (
            {"unit": "mixed", "form": "spoken", "ties": "sclite", "correction": "benjamini-hochberg"},
            "context terms against none (spoken reference, counted as by sclite): lower mixed error rate, 12.3 % "
            "against 15.0 %, -2.7 points (95 % interval -4.0 to -1.4; sign-flip by speaker, p = 0.012 after "
            "Benjamini-Hochberg over 3; 16 speakers, 64 pairs).",
        ),
        (
            {"unit": "codepoint", "ties": "jiwer", "correction": "none", "n_unpaired": 3},
            "context terms against none: lower CER (code points), 12.3 % against 15.0 %, -2.7 points (95 % interval "
            "-4.0 to -1.4; sign-flip by speaker, p = 0.012, not corrected for 3 comparisons; 16 speakers, 64 "
            "pairs, 3 answers without a partner left out).",
        ),
        (
            {"unit": "sentence", "delta": NAN, "note": "no answers to pair"},
            "context terms against none: sentence error rate cannot be compared. No answers to pair.",
        ),
    ],
)  # fmt: skip
def test_a_comparison_is_said_with_its_numbers_test_and_correction(changes, sentence):
    assert said("comparison", **changes) == sentence


def test_what_could_have_been_seen_is_said_where_nothing_was():
    unsure = {"low": -0.06, "high": 0.01, "p": 0.2, "p_adjusted": 0.6}
    found = said("comparison", **unsure, detectable=0.045)
    assert "no difference in WER shown" in found
    assert found.endswith(" A true difference of 4.5 points would be shown with 80 % power.")
    above = said("comparison", **unsure, detectable=0.151)
    assert above.endswith(" A true rise of 15.1 points would be shown with 80 % power, and no fall, not even to 0.")
    assert "rise" not in said("comparison", **unsure, detectable=0.149)
    for base, least, words in (
        (0.9, 0.11, "A true fall of 11.0 points would be shown with 80 % power, and no rise, not even to 100 %."),
        (0.9, 0.09, "A true difference of 9.0 points would be shown with 80 % power."),
        (0.1, 0.89, "A true rise of 89.0 points would be shown with 80 % power, and no fall, not even to 0."),
        (0.1, 0.91, "No true difference, however large, would be shown with 80 % power."),
        (1.0, 6.77, "No true difference, however large, would be shown with 80 % power."),
    ):
        share = {"unit": "term", "rate": base, "baseline_rate": base, "detectable": least}
        assert said("comparison", **unsure, **share).endswith(f" {words}")
    assert "A true rise of 170.0 points" in said("comparison", **unsure, detectable=1.7)
    two, three = {"moderator": "b"}, {"moderator": "b × c"}
    for effect, least in (({}, 1.01), (two, 2.01), (three, 4.01)):
        assert "however large" in said("effects", **unsure, **effect, detectable=least)
        assert "A true difference of" in said("effects", **unsure, **effect, detectable=least - 0.02)
        assert "A true difference of" in said("effects", **unsure, **effect, unit="word", detectable=least)
    assert "true difference" not in said("comparison", **unsure)
    assert "true difference" not in said("comparison", detectable=0.045)


def test_blocks_too_few_for_the_comparisons_are_said_to_be():
    few = {"p": 0.0078125, "p_adjusted": 0.078125, "smallest_p": 0.0078125, "n_blocks": 8, "n_comparisons": 10}
    assert said("comparison", **few).endswith(" 8 speakers cannot give p below 0.0078, and 0.005 is needed among 10.")
    assert said("effects", **few).endswith(" 0.005 is needed among 10.")
    for enough in ({"n_comparisons": 6}, {"detectable": 0.1}, {"correction": "none"}, {"correction": "max-t"}):
        assert "cannot" not in said("comparison", **{**few, **enough})
    swaps = {**few, "n_blocks": 40, "smallest_p": 0.0001, "n_comparisons": 600}
    assert said("comparison", **swaps).endswith(
        " 9,999 random swaps cannot give p below 0.0001, and 8.3e-05 is needed among 600: ask for more."
    )
    assert "cannot" not in said("comparison", **few, test="exact McNemar by utterance")
    alone = {**few, "n_blocks": 5, "smallest_p": 0.0625, "correction": "none", "p": 0.0625, "p_adjusted": 0.0625}
    assert said("comparison", **alone).endswith(" 5 speakers cannot give p below 0.062, and 0.05 is needed.")


def test_a_claim_needs_both_the_corrected_p_and_the_interval():
    through = said("comparison", low=-0.05, high=0.001)
    assert "no difference in WER shown: the test finds one, but the interval includes 0; 12.3 %" in through
    assert "no difference in WER shown: the test finds one" in said("comparison", low=-0.05, high=0.0)
    refuted = said("comparison", p=0.07, p_adjusted=0.21)
    assert "no difference in WER shown: the interval excludes 0, but the test finds none; 12.3 %" in refuted
    corrected = said("comparison", p=0.03, p_adjusted=0.09)
    assert "no difference in WER shown after correction, 12.3 %" in corrected
    assert "sign-flip by speaker, p = 0.030, but 0.090 after Holm over 3;" in corrected
    without = said("comparison", low=NAN, high=NAN)
    assert "no difference in WER shown, 12.3 % against 15.0 %, -2.7 points (no interval; sign-flip" in without
    assert "lower WER" in said("comparison", p_adjusted=0.05)
    assert "lower WER" in said("comparison", p_adjusted=0.1, confidence=0.9)
    assert "no difference" in said("comparison", p_adjusted=0.012, confidence=0.99)
    assert "no difference" in said("comparison", p_adjusted=0.0501, p=0.0501)


def test_harm_is_said_as_plainly_as_help():
    better = said("comparison")
    worse = said("comparison", delta=0.027, low=0.014, high=0.04, rate=0.15, baseline_rate=0.123)
    assert "none: lower WER, 12.3 % against 15.0 %, -2.7 points" in better
    assert "none: higher WER, 15.0 % against 12.3 %, +2.7 points" in worse


def test_small_differences_have_two_decimals_all_through():
    small = said("comparison", rate=0.0512, baseline_rate=0.05, delta=0.0012, low=0.0002, high=0.0022)
    assert "5.12 % against 5.00 %, +0.12 points (95 % interval +0.02 to +0.22;" in small
    at_zero = said("comparison", rate=0.05, baseline_rate=0.05, delta=0.0, low=0.0, high=0.0, p=1.0, p_adjusted=1.0)
    assert "5.0 % against 5.0 %, 0.0 points (95 % interval 0.0 to 0.0;" in at_zero
    rounding = said("comparison", delta=-1e-17, low=-1e-2, high=1e-2, p=1.0, p_adjusted=1.0)
    assert " 0.0 points (95 % interval -1.0 to +1.0;" in rounding
    assert "+2.0 points (95 % interval -0.1 to +4.1;" in said("comparison", delta=0.02, low=-0.001, high=0.041)
    assert "difference of 0.09 points" in said(
        "comparison", detectable=0.0009, low=-0.05, high=0.02, p_adjusted=0.9, p=0.9
    )


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({"low": -0.029}, "WER the same within 3 points, 12.3 %"),
        ({}, "WER not shown to be the same within 3 points: the test says so, but the interval reaches beyond the ma"),
        ({"low": 0.01, "high": 0.03}, "WER not shown to be the same within 3 points: the test says so, but the inter"),
        (
            {"test": "non-inferiority, one-sided t by speaker", "high": 0.031},
            "WER not shown to be no worse by more than 3 points: the test says so, but the interval reaches beyond the",
        ),
        ({"test": "non-inferiority, one-sided t by speaker"}, "WER no worse by more than 3 points, 12.3 %"),
        ({"p": 0.3, "p_adjusted": 0.6}, "WER not shown to be the same within 3 points, 12.3 %"),
        (
            {
                "p": 0.3,
                "p_adjusted": 0.6,
                "test": "non-inferiority, one-sided t by speaker",
                "margin": 0.0025,
                "high": 0.003,
            },
            "WER not shown to be no worse by more than 0.25 points, 12.3 %",
        ),
        (
            {"p": 0.03, "p_adjusted": 0.06},
            "WER not shown to be the same within 3 points after correction, 12.3",
        ),
        ({"p": NAN, "p_adjusted": NAN}, "whether WER is the same within 3 points is not tested, 12.3 %"),
    ],
)
def test_equivalence_is_within_a_margin_and_its_absence_is_no_difference(changes, verdict):
    equivalent = {"test": "equivalence, two one-sided t by speaker", "margin": 0.03, "detectable": 0.01}
    sentence = said("comparison", **{**equivalent, **changes})
    assert f"none: {verdict}" in sentence
    assert not re.search("lower|higher|differ|would be shown", sentence)


def test_mcnemar_claims_nothing_of_the_rate():
    tested = {"test": "exact McNemar by utterance", "detectable": 0.01}
    assert said("comparison", **tested) == (
        "context terms against none: the share of sentences with any error differs (exact McNemar by utterance, p = "
        "0.012 after Holm over 3; 16 speakers, 64 pairs); WER 12.3 % against 15.0 %, -2.7 points (95 % "
        "interval -4.0 to -1.4)."
    )
    failed = said("comparison", **tested, p=0.3, p_adjusted=0.9)
    assert "none: no difference shown in the share of sentences with any error (exact" in failed
    corrected = said("comparison", **tested, p=0.03, p_adjusted=0.09)
    assert "no difference shown in the share of sentences with any error after correction (exact" in corrected
    assert "is not tested (" in said("comparison", **tested, p=NAN, p_adjusted=NAN)
    terms = said("comparison", **tested, unit="term", note="asks whether as many sentences have an error; mind")
    assert "none: the share of utterances with a missed term differs (exact" in terms
    assert terms.endswith(" (95 % interval -4.0 to -1.4). Mind.")
    # Of sentences, it is the rate itself.
    assert "none: lower sentence error rate, 12.3 %" in said("comparison", **tested, unit="sentence")


def test_mapsswe_and_wilcoxon_say_what_they_ask():
    matched = {"test": "MAPSSWE", "note": "takes segments as independent"}
    assert "none: lower WER if segments are independent, 12.3 %" in said("comparison", **matched)
    assert said("comparison", **matched).endswith("). Takes segments as independent.")
    assert "independent" not in said("comparison", test="MAPSSWE", p=0.3, p_adjusted=0.9)
    ranked = {"test": "Wilcoxon by speaker, exact"}
    assert "none: WER of the speakers differs, and is lower when pooled, 12.3 %" in said("comparison", **ranked)
    unsure = said("comparison", **ranked, high=0.01, detectable=0.03)
    assert "none: WER of the speakers differs, and is not shown to differ when pooled, 12.3 %" in unsure
    assert "would be shown" not in unsure
    assert "none: no difference in WER shown, 12.3" in said("comparison", **ranked, high=0.01, p=0.3, p_adjusted=0.9)


def test_a_difference_is_set_against_what_the_service_does_by_itself():
    far = said("comparison", repeat_noise=0.002, changed=0.34, changed_floor=0.02)
    assert far.endswith(
        "). Asked again, the service itself varies by ±0.2 points (one standard error); the transcript changed in 34 % "
        "of pairs (2 % when merely asked again)."
    )
    unsure = {"low": -0.06, "high": 0.01, "p": 0.2, "p_adjusted": 0.6}
    near = said("comparison", **unsure, repeat_noise=0.0136)
    assert near.endswith("(one standard error): the difference is within what the service does by itself.")
    assert "by itself" not in said("comparison", **unsure, repeat_noise=0.0134)
    # What is shown was shown against that very variation.
    assert said("comparison", repeat_noise=0.0136).endswith(" by ±1.4 points (one standard error).")
    assert said("comparison", repeat_noise=0.0).endswith("). Asked again, the service made as many errors each time.")
    assert "±0.02 points" in said("comparison", repeat_noise=0.0002)


def test_unchanged_transcripts_cast_doubt_on_the_parameter():
    unmoved = {"changed": 0.0, "delta": 0.0, "low": NAN, "high": NAN, "p": 1.0, "p_adjusted": 1.0}
    assert said("comparison", **unmoved).endswith("). No transcript changed at all: the parameter may not have acted.")
    assert "The transcript changed in 0.4 % of pairs." in said("comparison", changed=0.004)
    assert "changed in under 0.1 % of pairs" in said("comparison", changed=0.0001)
    assert "changed in 99.6 % of pairs" in said("comparison", changed=0.996)
    assert "changed in 100 % of pairs (0 % when" in said("comparison", changed=1.0, changed_floor=0.0)


def test_rows_that_differ_in_their_normalizer_alone_are_told_apart():
    both = sentences(frame_of("comparison", {"normalizer": "en-1"}, {"normalizer": "basic-1"}))
    assert ["(normalizer en-1)" in both[0], "(normalizer basic-1)" in both[1]] == [True, True]
    assert "normalizer" not in said("comparison", normalizer="en-1")


def test_tables_put_together_say_nothing_of_an_axis_twice():
    both = pd.concat([frame_of("comparison", {"itn": "off"}), frame_of("comparison", {"axis": "itn", "context": "no"})])
    first, second = sentences(both)
    assert first.startswith("context terms against none (itn off): ")
    assert second.startswith("itn terms against none (context no): ")
    assert "(itn not known)" in said("comparison", itn=None)


def test_a_table_may_lack_what_a_sentence_can_do_without():
    needed = ["axis", "level", "baseline", "baseline_rate", "delta", "low", "high", "confidence", "test"]
    few = frame_of("comparison", {})[[*needed, "p_adjusted", "unit"]]
    assert sentences(few)[0].startswith("context terms against none: lower WER, -2.7 points (95 % interval -4.0 to")
    # Without the test, the p of an equivalence would pass for that of a difference.
    for name in ("test", "confidence", "p_adjusted"):
        with pytest.raises(InvalidInput, match=f"comparison table needs the column {name}"):
            sentences(few.drop(columns=name))


def test_settings_lose_what_all_of_them_share():
    names = [
        "language=en, context=none, itn=off",
        "language=en, context=terms, itn=off",
        "language=zh, context=none, itn=off",
    ]
    rows = [{"axis": "condition", "level": name, "baseline": names[0]} for name in names[1:]]
    first, second = sentences(frame_of("comparison", *rows))
    assert first.startswith("condition language=en, context=terms against language=en, context=none: ")
    assert second.startswith("condition language=zh, context=none against language=en, context=none: ")
    other = sentences(
        frame_of("comparison", *rows, {"axis": "mode", "level": "a=1, itn=off", "baseline": "a=2, itn=off"})
    )
    assert other[0] == first
    assert other[2].startswith("mode a=1 against a=2: ")
    # Neither an empty name, nor two of one name; and what has no "=" is no part.
    for level, baseline, *short in (
        ("itn=off", "context=none, itn=off"),
        ("a, b", "a, c"),
        ("fast, a=1", "fast, a=2"),
        ("a=1, b=x, y", "a=1, b=x, z", "b=x, y", "b=x, z"),
    ):
        of, against = short or (level, baseline)
        assert said("comparison", level=level, baseline=baseline).startswith(f"context {of} against {against}: ")
    twice = ["a=1, b=2", "a=1, a=1, b=2", "a=1, c=3"]
    assert groups.shortened(twice) == ({label: label for label in twice}, "")


def test_what_was_not_tested_is_not_said_to_be_not_shown():
    untested = {
        "test": None,
        "p": NAN,
        "p_adjusted": NAN,
        "low": -0.05,
        "high": 0.01,
        "smallest_p": 0.06,
        "n_blocks": 5,
    }
    assert "none: difference in WER not tested, 12.3 %" in said("comparison", **untested)
    assert "none: dependence on language not tested, term miss" in said("effects", **{**INTERACTION, **untested})
    for sentence in (said("comparison", **untested), said("effects", **untested)):
        assert not re.search("shown|cannot", sentence)
    # Of one row of an equivalence test, which left its name out.
    assert "none: whether WER is within 1 point is not tested, 12.3 %" in said("comparison", **untested, margin=0.01)
    assert "lower WER" in said("comparison", test=None, margin=0.01)


def test_the_end_of_an_interval_is_not_rounded_to_zero():
    assert "(95 % interval -7.980 to -0.003; " in said("comparison", low=-0.0798, high=-0.00003)
    assert "-2.70 points (95 % interval +0.01 to +0.02;" in said("comparison", low=0.0001, high=0.0002)
    assert "(95 % interval -4.0 to 0.0; " in said("comparison", high=0.0)
    assert "to -0.0000; " in said("comparison", high=-0.0000001)
    side = said("effects", **{**INTERACTION, "elsewhere_high": -0.0002})
    assert "with language none (-1.50 to -0.02), a difference of -12.50 points" in side


def test_what_is_beyond_the_margin_is_said():
    worse = {"delta": 0.03, "low": 0.011, "high": 0.05, "margin": 0.01, "p": 0.9, "p_adjusted": 0.9}
    for test, claim in (
        ("non-inferiority, x", "no worse by more than 1 point"),
        ("equivalence, x", "the same within 1 point"),
    ):
        sentence = said("comparison", **worse, test=test)
        assert f"WER not shown to be {claim}: worse by more than the margin at both ends of the interval, " in sentence
        assert "ends of" not in said("comparison", **{**worse, "low": 0.01}, test=test)
        assert "ends of" not in said("comparison", **{**worse, "p": 0.01, "p_adjusted": 0.01}, test=test)
    better = {**worse, "delta": -0.03, "low": -0.05, "high": -0.011}
    assert ": better by more than the margin at both" in said("comparison", **better, test="equivalence, x")
    assert "better" not in said("comparison", **better, test="non-inferiority, x")


def test_only_forms_that_were_stated_are_said():
    assert "unstated" not in said("comparison", form="unstated")
    assert "(written reference)" in said("comparison", form="written")


def test_no_interval_is_said_once():
    alike = {"low": NAN, "high": NAN, "delta": 0.0, "p": 1.0, "p_adjusted": 1.0, "smallest_p": 0.03, "n_blocks": 6}
    sentence = said("comparison", **alike, n_comparisons=20, note="no pair differs in errors: no interval")
    assert sentence.count("no interval") == 1
    assert "cannot give" not in sentence  # no number of speakers could have shown anything


def test_a_list_of_sentences_is_shown_as_one():
    found = sentences(frame_of("comparison", {"level": "<b>\u202e\n&"}, {}))
    assert isinstance(found, list)
    assert repr(found) == repr(list(found))
    assert len(str(found).splitlines()) == 2
    assert "<b>\\u202e\n& against" in found[0]  # but for controls, the sentences themselves are as they are
    shown = found._repr_html_()
    shown = shown.removeprefix('<div class="mathjax_ignore">').removesuffix("</div>")
    assert shown.startswith('<ul><li dir="auto">context &lt;b&gt;\\u202e\n&amp; against none: ')
    assert shown.endswith("</li></ul>")
    assert shown.count("<li") == 2
    assert "\u202e" not in shown + str(found)


# --- effects


INTERACTION = {
    "effect": "interaction", "moderator": "language", "moderator_level": "right", "moderator_baseline": "none",
    "delta": -0.125, "low": -0.16, "high": -0.09, "there": -0.13, "there_low": -0.16, "there_high": -0.1,
    "elsewhere": -0.005, "elsewhere_low": -0.015, "elsewhere_high": 0.005,
}  # fmt: skip


def test_a_main_effect_says_what_it_is_averaged_over():
    main, interaction = sentences(frame_of("effects", {}, {**INTERACTION, "p": 0.2, "p_adjusted": 0.3}))
    assert main == (
        "context terms against none: lower term miss rate by 12.3 points, averaged over language (95 % interval -15.0 "
        "to -9.0; sign-flip by speaker, p = 0.012 after Holm over 3; 16 speakers, 32 utterances)."
    )
    assert "no dependence on language shown" in interaction
    assert "averaged" not in said("effects")
    unsure = said("effects", delta=-0.01, low=-0.03, high=0.01, p=0.2, p_adjusted=0.6, detectable=0.028)
    assert unsure.startswith("context terms against none: no difference in term miss rate shown, -1.0 points (95 %")
    assert unsure.endswith(" A true difference of 2.8 points would be shown with 80 % power.")
    three = sentences(frame_of("effects", {}, {"axis": "itn"}, {"axis": "language"}))
    assert "averaged over itn and language (" in three[0]
    assert "averaged over context and itn (" in three[2]
    assert "3 answers without a partner left out)" in said("effects", n_left_out=3)
    assert "; 16 utterances)" in said("effects", block_kind="utterance", n_utts=16)


def test_an_interaction_says_both_sides_and_their_difference():
    assert said("effects", **INTERACTION) == (
        "context terms against none depends on language: term miss rate changes by -13.0 points with language right "
        "(-16.0 to -10.0) and -0.5 points with language none (-1.5 to +0.5), a difference of -12.5 points (95 % "
        "interval -16.0 to -9.0; sign-flip by speaker, p = 0.012 after Holm over 3; 16 speakers, 32 utterances). Of "
        "these two intervals, neither of which is corrected, that with language right excludes 0, that with language "
        "none not."
    )
    assert "depends on" not in said("effects", **{**INTERACTION, "high": 0.01})
    unsure = said("effects", **{**INTERACTION, "high": 0.01, "p": 0.2, "p_adjusted": 0.6, "detectable": 0.14})
    assert "none: no dependence on language shown, term miss rate changes by" in unsure
    assert unsure.endswith(" A true difference of 14.0 points would be shown with 80 % power.")
    three_way = said("effects", **INTERACTION | {"there": NAN, "elsewhere": NAN})
    assert (
        "depends on language: a difference of differences of -12.5 points in term miss rate, language right ag"
        in three_way
    )
    itn = {"moderator": "language × itn", "there": NAN, "elsewhere": NAN}
    main, two, three = sentences(frame_of("effects", {}, INTERACTION, INTERACTION | itn))
    levels = {"moderator_level": "right × on", "moderator_baseline": "none × off"}
    named = said("effects", **INTERACTION | itn | levels)
    assert "in term miss rate, language right, itn on against language none, itn off (" in named
    assert "12.3 points, averaged over language and itn (" in main
    assert "a difference of -12.5 points, averaged over itn (" in two
    assert "averaged" not in three


@pytest.mark.parametrize(
    ("changes", "ending"),
    [
        ({"elsewhere_high": -0.001}, "32 utterances)."),
        ({"there_high": 0.001}, "32 utterances)."),
        (
            {"there_high": 0.001, "elsewhere_high": -0.001},
            " Of these two intervals, neither of which is corrected, that with language none excludes 0, that with "
            "language right not.",
        ),
        ({"elsewhere_low": NAN, "elsewhere_high": NAN}, "32 utterances)."),
        ({"p": 0.3, "p_adjusted": 0.9}, "32 utterances)."),
    ],
)
def test_only_there_needs_an_interaction_and_both_intervals(changes, ending):
    sentence = said("effects", **{**INTERACTION, **changes})
    assert sentence.endswith(ending)


def test_an_average_that_hides_an_interaction_says_so():
    language = {"axis": "language", "level": "right", "baseline": "none"}
    rows = [{}, {"baseline": "other"}, language, INTERACTION]
    context, other, of_language, _ = sentences(frame_of("effects", *rows))
    assert context.endswith(" This effect depends on language.")
    assert of_language.endswith(" This effect depends on context.")
    assert "depends" not in other
    assert "depends" not in sentences(frame_of("effects", {"unit": "word"}, INTERACTION))[0]
    assert "depends" not in sentences(frame_of("effects", {"site": "a"}, {"site": "b", **INTERACTION}))[0]
    assert "depends" not in sentences(frame_of("effects", {}, {**INTERACTION, "p_adjusted": 0.2}))[0]


# --- power


def test_power_says_what_is_enough_for_what():
    assert said("power", low=0.801) == (
        "To see a true difference of 0.3 points in WER with 80 % power, 84 speakers of 20 utterances each are enough "
        "(simulated power 80.4 %, give or take 0.8 by simulation; sign-flip, Holm over 3; rates and spreads from a "
        "pilot; baseline 5.0 %)."
    )
    assert "each are about enough (" in said("power")
    assert said("power", power=0.45, low=0.43, high=0.47, speakers=20, utterances=1, n_comparisons=1) == (
        "20 speakers of 1 utterance each would find a true difference of 0.3 points in WER in 45.0 % of experiments "
        "(give or take 2.0 by simulation; sign-flip; rates and spreads from a pilot; baseline 5.0 %): not enough for "
        "80 %."
    )


def test_power_says_what_little_a_pilot_tells_and_no_interval_of_the_plan():
    few = said("power", note="setting x speaker interaction 0 of the rate, which 8 speakers tell little about")
    assert few.endswith(" Setting x speaker interaction 0 of the rate, which 8 speakers tell little about.")
    assert "interval" not in few


def test_a_design_that_cannot_succeed_says_so_first():
    note = "6 speakers cannot give p below 0.031, and 0.005 is needed: 9 are the fewest; assumed: 18 words"
    hopeless = {"speakers": 6, "power": 0.0, "low": 0.0, "high": 0.002, "n_comparisons": 10, "note": note}
    assert said("power", **hopeless) == (
        "6 speakers cannot give p below 0.031, and 0.005 is needed: 9 are the fewest. So 6 speakers of 20 utterances "
        "each can never find a true difference of 0.3 points in WER (sign-flip, Holm over 10). Assumed: 18 words."
    )
    unlucky = said("power", **{**hopeless, "note": None})
    assert " in WER in none of 4000 simulated experiments (give or take 0.1 by simulation; " in unlucky
    assert "give or take 0.1" not in said("power", **hopeless, target=NAN)


def test_power_without_a_target_or_an_answer():
    assert said("power", target=NAN, itn="on").startswith("itn on: 84 speakers of 20 utterances each would find a ")
    assert "enough" not in said("power", target=NAN)
    unknown = said("power", power=NAN, speakers=NAN, note="not reached with 1000 speakers", source="assumed")
    assert unknown == (
        "How often 20 utterances would find a true difference of 0.3 points in WER is not known. Not reached with 1000 "
        "speakers."
    )
    assert "rates and spreads assumed" in said("power", source="assumed")
    assert said("power", source="assumed", note="assumed: 18 words").count("ssumed") == 1
    assert "of 1 point in WER" in said("power", delta=-0.01)
    assert "of 0.82 points in WER" in said("power", delta=0.00816)
    assert "of 0.052 points in WER" in said("power", delta=0.00052)
    by_session = said("power", test="sign-flip by recording", speakers=1)
    assert "power, 1 recording of 20 utterances each" in by_session
    assert "power, 84 utterances are" in said("power", test="sign-flip by utterance")


def test_designs_side_by_side_are_no_comparisons_to_correct_for():
    assert "not corrected" not in sentences(frame_of("power", *[{"correction": "none", "n_comparisons": 1}] * 2))[0]


# --- agreement


def test_agreement_says_how_often_answers_came_back_the_same():
    assert said("agreement", context="terms", repeat_noise=0.0007) == (
        "context terms: asked again, 97.5 % of answers came back the same (95 % interval 94.0 % to 99.1 %; 16 "
        "speakers, 640 pairs of 64 questions); WER varied from 5.10 % to 5.30 % over 5 askings. By the service alone, "
        "WER of one asking of all varies by ±0.07 points (one standard deviation)."
    )
    assert "varied from 5.1 % to 5.3 % over" in said("agreement")
    assert "varied from 5.11 % to 5.13 % over" in said("agreement", rate_low=0.0511, rate_high=0.0513)


def test_all_the_same_is_not_called_certain():
    sentence = said("agreement", same=1.0, low=0.98, high=1.0, rate_low=0.05, rate_high=0.05, n_repeats=3)
    assert sentence.startswith("No answer changed in 3 askings of 64 questions (95 % interval 98.0 % to 100.0 %;")
    assert sentence.endswith("; WER was 5.0 % each time.")
    assert "over 99.9 % of answers" in said("agreement", same=0.99999)
    assert said("agreement", same=NAN, note="no question was asked twice") == (
        "Whether answers come back the same, and how much WER varies by itself, is not known. No question was asked "
        "twice."
    )


def test_agreement_of_units_reads_differently():
    for gap in ({"same": NAN}, {"rate_low": NAN}, {}):
        words, terms = sentences(frame_of("agreement", gap, {**gap, "unit": "term"}))
        assert words.replace("WER", "term miss rate") == terms != words
    caution = "exact by utterance; utterances taken as independent: too sure if speakers repeat"
    assert "64 questions; utterances taken as independent: too sure if" in said("agreement", method=caution)


def test_a_sweep_without_repeats_gets_one_statement():
    once = {"same": NAN, "low": NAN, "high": NAN, "n_repeats": 1, "note": "one asking only"}
    (sentence,) = sentences(frame_of("agreement", once, {**once, "unit": "term"}))
    assert sentence.startswith("Every question was asked once: how much the service varies by itself is not known.")
    assert len(sentences(frame_of("agreement", once, {}))) == 2


# --- all


def test_other_tables_are_refused():
    for frame in (tables.empty("summary"), tables.empty("scores"), pd.DataFrame()):
        with pytest.raises(InvalidInput, match=r"what compare\(\), effects\(\), power\(\) or agreement\(\) give"):
            sentences(frame)


@pytest.mark.parametrize("table", USUAL)
def test_no_rows_no_sentences(table):
    assert sentences(tables.empty(table)) == []


@pytest.mark.parametrize("table", USUAL)
def test_whatever_is_missing_is_never_printed(table):
    usual = {**USUAL[table], "by": "x", "note": "mind", "form": "spoken", "ties": "sclite"}
    usual |= {"repeat_noise": 0.001, "changed": 0.3, "changed_floor": 0.1, "detectable": 0.02, "margin": 0.01}
    usual |= INTERACTION if table == "effects" else {}
    usual = {name: value for name, value in usual.items() if name in {"by", *tables.SCHEMAS[table]}}
    gaps = [set(), *({name} for name in usual), *map(set, itertools.combinations(usual, 2)), set(usual)]
    rows = [{name: None if name in gap else value for name, value in usual.items()} for gap in gaps]
    frame = tables.check(pd.DataFrame(rows), table, required=())
    for kept in (frame, frame.astype(object), frame.astype(object).where(frame.notna(), np.nan)):
        for sentence in sentences(kept):
            assert not re.search(r"nan|NA\b|None|\(\)|\(;|; ?;|;\)|\. ?\.|  |, ,|: :", sentence), sentence
            assert sentence.endswith(".")


@pytest.mark.parametrize("test", ["sign-flip", "t", "wilcoxon", "mapsswe", "mcnemar", "equivalence", "non-inferiority"])
def test_words_are_never_stronger_than_the_evidence(test):
    """Over a grid of evidence: claims only where it is there, and never that nothing is."""
    places = [(-0.03, -0.01), (-0.03, 0.01), (0.01, 0.03), (-0.01, 0.03), (NAN, NAN)]
    for (low, high), (p, adjusted) in itertools.product(places, [(0.001, 0.01), (0.02, 0.2), (0.4, 0.9), (NAN, NAN)]):
        delta = 0.02 if low > 0 or high == 0.03 else -0.02
        sentence = said("comparison", test=test, delta=delta, low=low, high=high, p=p, p_adjusted=adjusted, margin=0.04)
        passed, outside = adjusted <= 0.05, low > 0 or high < 0
        rates = test not in {"mcnemar", "equivalence", "non-inferiority"}
        assert ("lower" in sentence) == (rates and passed and outside and delta < 0)
        assert ("higher" in sentence) == (rates and passed and outside and delta > 0)
        same = re.search("the same|no worse", sentence) and not re.search("not shown to be|is not tested", sentence)
        assert bool(same) == (test in {"equivalence", "non-inferiority"} and passed)
        assert not re.search(r"no effect|equal|identical|no difference (?!in WER shown|shown)", sentence)


def test_a_part_of_sentences_and_two_together_are_sentences():
    found = sentences(frame_of("comparison", {}, {"level": "names"}, {"level": "all"}))
    for part, size in ((found[:2], 2), (found[::-1], 3), (found + ["x"], 4), (["x"] + found, 4), (found.copy(), 3)):  # noqa: RUF005
        assert type(part) is type(found)
        assert len(part) == size
        assert part._repr_html_().count("<li") == size
    assert found[-1] == list(found)[2]
    assert isinstance(found[0], str)
    assert (["x"] + found)[0] == (found + ["x"])[3] == "x"  # noqa: RUF005


def test_nothing_in_a_sentence_steers_a_terminal():
    steering = "\x1b[2J\x9b0m\x85\r\x7f\x00"
    row = {"level": steering, "axis": steering, "note": steering, steering: steering, "test": steering}
    (sentence,) = sentences(frame_of("comparison", row))
    assert sentence.count("\\x1b[2J\\x9b0m\\x85\\x0d\\x7f\\x00") == 6
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f]", sentence)
    assert "a\tb\nc" in said("comparison", level="a\tb\nc")


def test_a_p_just_above_the_level_does_not_look_as_if_it_were_not():
    failed = said("comparison", p=0.0504, p_adjusted=0.0504, correction="none", high=0.001)
    assert "p = 0.05040," in failed
    assert "p = 0.020, but 0.05004 after Holm" in said("comparison", p=0.02, p_adjusted=0.05004)
    assert "p = 0.050 after" in said("comparison", p_adjusted=0.05)
    assert "p = 0.051 after" in said("comparison", p=0.06, p_adjusted=0.0506)


def test_one_swap_is_no_swaps():
    one = {"p": 0.5, "p_adjusted": 1.0, "high": 0.01, "smallest_p": 0.5}
    assert " 1 random swap cannot give p below 0.5, and 0.017 is needed among 3: ask" in said("comparison", **one)


# --- which table it is

AXES = ("margin", "repeat_noise", "moderator", "power", "target", "same", "there_low", "n_pairs", "delta", "baseline")


@pytest.mark.parametrize("table", USUAL)
def test_axes_may_have_the_names_of_columns_of_other_tables(table):
    (plainly,) = sentences(frame_of(table, {}))
    for axis in AXES:
        if axis in tables.SCHEMAS[table]:
            continue
        for label in ("on", 0.5, 0):
            named = frame_of(table, {axis: label})
            assert tables.kind(named) == tables.kind(named[[axis, *named.columns.drop(axis)]]) == table
            (sentence,) = sentences(named)
            assert f"{axis} {label}" in sentence
            words = plainly.split(" ")[-6:]
            assert sentence.split(" ")[-6:] == words


def test_a_comparison_and_effects_together_are_said_row_by_row():
    compared = frame_of("comparison", {"itn": "off"}, {"itn": "off", "level": "names"})
    effects = frame_of("effects", {"domain": "news"}, {**INTERACTION, "domain": "news"})
    alone = [*sentences(compared), *sentences(effects)]
    for order in ([0, 1, 2, 3], [2, 0, 3, 1]):
        both = pd.concat([compared.astype(object), effects.astype(object)]).iloc[order]
        assert tables.kind(both) == "effects"
        assert sentences(both) == [alone[place] for place in order]
    assert "not known" not in "".join(alone)


@pytest.mark.parametrize(
    "kinds", [("comparison", "power"), ("summary", "comparison"), ("agreement", "effects"), ("summary", "agreement")]
)
def test_other_tables_together_are_refused(kinds):
    both = pd.concat([tables.empty(kind) for kind in kinds])
    assert tables.kind(both) is None
    with pytest.raises(InvalidInput, match=r"one kind at a time.*Give each kind of results by itself"):
        sentences(both)


def test_a_choice_of_columns_is_known_and_other_tables_are_not():
    for kind in ("summary", *USUAL):
        assert tables.kind(tables.empty(kind)) == kind
        for axis in AXES:
            assert tables.kind(tables.empty(kind).assign(**{axis: "on"})) == kind
    for kind in set(tables.SCHEMAS) - {"summary", *USUAL}:
        assert tables.kind(tables.empty(kind)) is None
    for kind, chosen in (
        ("summary", ["context", "rate", "low", "high", "n_blocks", "n_utts"]),
        ("comparison", ["unit", "level", "baseline", "delta", "low", "high"]),
        ("comparison", ["power", "unit", "level", "baseline", "delta", "low", "high"]),
        ("comparison", ["moderator", *frame_of("comparison", {}).columns[:12]]),
        ("effects", ["unit", "effect", "axis", "moderator", "delta", "low", "high", "p", "there", "elsewhere"]),
        ("power", ["delta", "speakers", "utterances", "power", "enough", "note"]),
        ("agreement", ["engine", "same", "low", "high", "rate_low"]),
    ):
        assert tables.kind(pd.DataFrame(columns=chosen)) == kind
