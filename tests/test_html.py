"""Tables and alignments: what they say, that the twin says the same, and that nothing foreign becomes markup."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest
from markup_reader import HOSTILE, Reader, squeezed

from asrlab import tables
from asrlab.errors import InvalidInput
from asrlab.normalize import Normalizer
from asrlab.scoring.align import Alignment, Edit, align
from asrlab.scoring.marking import score
from asrlab.views import html

# -- tables ------------------------------------------------------------------------------------------------------------


def test_table_has_fixed_decimals():
    frame = pd.DataFrame(
        {
            "condition": ["007", "b"],
            "rate": pd.array([0.12345, None], dtype="Float64"),
            "low": [0.1, 0.0],
            "n_utts": pd.array([3, 4], dtype="Int64"),
            "seconds": [1.0, 2.345],
            "itn": [True, False],
        }
    )
    assert repr(html.table(frame)).splitlines() == [
        "condition    rate     low  n_utts  seconds  itn",
        "007        12.35%  10.00%       3     1.00  True",
        "b               –   0.00%       4     2.35  False",
    ]


def test_table_of_differences_is_in_points_with_signs():
    frame = pd.DataFrame(
        {
            "level": ["x", "y", "z"],
            "delta": [-0.0123, 0.002, -0.0],
            "low": [-0.02, float("nan"), -0.1],
            "p_adjusted": [0.0004, 0.0314, float("nan")],
        }
    )
    assert repr(html.table(frame)).splitlines() == [
        "level  delta, points  low, points  p_adjusted",
        "x              -1.23        -2.00      <0.001",
        "y              +0.20            –       0.031",
        "z               0.00       -10.00           –",
    ]


def test_table_says_once_what_all_rows_share():
    frame = pd.DataFrame({"rate": [0.1, 0.2], "level": [0.95, 0.95], "unit": ["word", "word"], "form": ["a", "b"]})
    shown = repr(html.table(frame))
    assert shown.splitlines()[0].split() == ["rate", "form"]
    assert shown.splitlines()[-1] == "In all rows: level 95.0%; unit word"
    assert repr(html.table(frame, fold=False)).splitlines()[0].split() == ["rate", "level", "unit", "form"]


def test_level_of_a_comparison_is_never_folded():
    assert "level" in repr(html.table(pd.DataFrame({"level": ["on"], "delta": [0.1]}))).splitlines()[0]


RESULTS = {
    "comparison": {
        "axis": "context", "level": "terms", "baseline": "none", "rate": 0.1, "baseline_rate": 0.12, "delta": -0.02,
        "low": -0.03, "high": -0.01, "confidence": 0.95, "test": "sign-flip by speaker", "statistic": -4.276,
        "p": 0.0004, "note": "mind", "normalizer": "en-1", "n_pairs": 32, "n_blocks": 8, "better": 10, "worse": 2,
        "tied": 20,
        "p_adjusted": 0.0012, "correction": "holm", "n_comparisons": 3, "smallest_p": 0.00003, "detectable": 0.015,
        "repeat_noise": 0.001, "changed": 0.3, "changed_floor": 0.02, "unit": "word", "form": "spoken", "ties": "jiwer",
    },
    "effects": {
        "effect": "interaction", "axis": "context", "level": "terms", "baseline": "none", "moderator": "language",
        "moderator_level": "right", "moderator_baseline": "none", "delta": -0.02, "low": -0.03, "high": -0.01,
        "confidence": 0.95, "p_adjusted": 0.02, "there": -0.03, "there_low": -0.04, "there_high": -0.02,
        "elsewhere": -0.01, "elsewhere_low": -0.02, "elsewhere_high": 0.001, "n_cells": 4, "n_left_out": 0,
    },
    "power": {
        "delta": 0.003, "speakers": 84, "utterances": 20, "power": 0.804, "low": 0.79, "high": 0.817, "target": 0.8,
        "enough": True, "test": "sign-flip", "unit": "word", "rate": 0.05, "design_effect": 1.5, "n_simulations": 4000,
        "seed": 0, "source": "pilot",
    },
    "agreement": {
        "same": 0.975, "low": 0.94, "high": 0.991, "level": 0.95, "method": "ratio t", "rate": 0.052, "rate_low": 0.051,
        "rate_high": 0.053, "repeat_noise": 0.0007, "unit": "word", "n_repeats": 5, "n_questions": 64, "n_pairs": 640,
    },
}  # fmt: skip


def result(table, **changes):
    full = tables.check(pd.DataFrame([{**RESULTS[table], **changes}] * 2), table, required=())
    return full[[name for name in full if name in {**RESULTS[table], **changes}]]


@pytest.mark.parametrize(
    ("table", "heads", "cells", "foot"),
    [
        (
            "comparison",
            "level  rate  baseline_rate  delta, points  p_adjusted  detectable, points  p  better/worse/tied  changed  "
            "changed_floor  repeat_noise, points",
            "terms  10.00%  12.00%  -2.00 (-3.00 to -1.00)  0.001  1.50  <0.001  10/2/20  30.00%  2.00%  0.10",
            "unit word; form spoken; axis context; baseline none; confidence 95.0%; test sign-flip by speaker; "
            "statistic -4.276; correction holm; n_comparisons 3; smallest_p <0.001; normalizer en-1; n_blocks 8; "
            "n_pairs 32; note mind",
        ),
        (
            "effects",
            "level  moderator  delta, points  p_adjusted  there, points  elsewhere, points",
            "terms  language: right against none  -2.00 (-3.00 to -1.00)  0.020  -3.00 (-4.00 to -2.00)  "
            "-1.00 (-2.00 to +0.10)",
            "axis context; baseline none; effect interaction; confidence 95.0%; n_cells 4; n_left_out 0",
        ),
        (
            "power",
            "delta, points  speakers  utterances  power  low  high  enough  rate",
            "+0.30  84  20  80.40%  79.00%  81.70%  True  5.00%",
            "target 80.00%; test sign-flip; unit word; design_effect 1.50; n_simulations 4000; seed 0; source pilot",
        ),
        (
            "agreement",
            "same (low to high)  rate (rate_low to rate_high)  repeat_noise, points",
            "97.50% (94.00 to 99.10%)  5.20% (5.10 to 5.30%)  0.07",
            "level 95.0%; method ratio t; unit word; n_repeats 5; n_questions 64; n_pairs 640",
        ),
    ],
)
def test_tables_of_results_lead_with_what_matters(table, heads, cells, foot):
    head, first, second, last = repr(html.table(result(table))).splitlines()
    assert squeezed(head) == squeezed(heads)
    assert first.split() == second.split() == cells.split()
    assert last == f"In all rows: {foot}"


def test_estimates_stand_with_their_intervals_and_line_up():
    rates = {"rate": [0.0926, 1.0, None], "low": [0.0569, 0.5, None], "high": [0.15, None, None], "n": [1, 2, 3]}
    table = html.table(pd.DataFrame(rates))
    assert repr(table).splitlines() == [
        "rate (low to high)        n",
        "  9.26% (5.69 to 15.00%)  1",
        "100.00% (no interval)     2",
        "      –                   3",
    ]
    assert squeezed(Reader(table.markup).text) == squeezed(repr(table))
    assert '<td dir="auto"' in table.markup
    # A narrow column may be broken before the interval, and nowhere else.
    assert ">\N{FIGURE SPACE}\N{FIGURE SPACE}9.26% (5.69\N{NO-BREAK SPACE}to\N{NO-BREAK SPACE}15.00%)<" in table.markup
    # Both ends must be there, in the unit of the estimate; and those of power are of its simulation.
    for other in (
        pd.DataFrame({"rate": [0.1], "low": [0.05]}),
        pd.DataFrame({"delta": [0.1], "low": [0.05], "high": [0.2]}),
        pd.DataFrame([[0.1, 0.2, 0.05, 0.3]], columns=["rate", "rate", "low", "high"]),
        result("power"),
    ):
        shares = ["low", "high"] if "delta" in other and "power" not in other else []
        assert "low" in repr(html.table(other, shares=shares)).splitlines()[0].split()


def test_a_difference_below_zero_is_not_shown_above_it():
    frame = pd.DataFrame({"delta": [-1e-6, 1e-6, 0.0, -1e-17], "low": -0.01, "high": [0.0, 0.01, -2e-5, 2e-5]})
    assert [line.strip() for line in repr(html.table(frame)).splitlines()[1:]] == [
        "-0.00 (-1.00 to 0.00)",
        "+0.00 (-1.00 to +1.00)",
        "0.00 (-1.00 to -0.00)",
        "0.00 (-1.00 to +0.00)",
    ]


def test_whole_tables_have_what_matters_first_and_chosen_columns_their_order():
    def heads(frame):
        return [head for head in repr(html.table(frame)).splitlines()[0].split("  ") if head]

    different = [{**RESULTS["comparison"], "level": level, "unit": level, "note": level} for level in ("a", "b")]
    whole = tables.check(pd.DataFrame(different), "comparison", required=())
    whole.insert(0, "itn", ["on", "off"])
    assert [head.strip() for head in heads(whole)][:8] == [
        *("itn", "unit", "level", "rate", "baseline_rate", "delta, points", "p_adjusted", "detectable, points"),
    ]
    assert [head.strip() for head in heads(whole)][8:10] == ["note", "p"]
    chosen = ["unit", "p", "itn", "delta", "low", "high", "rate"]
    assert [head.strip() for head in heads(whole[chosen])] == ["unit", "p", "itn", "delta, points", "rate"]
    mixed = [RESULTS["effects"], {**RESULTS["effects"], "effect": "main", "moderator": None, "moderator_level": None}]
    both = tables.check(pd.DataFrame(mixed).assign(moderator_baseline=["none", None]), "effects", required=())
    assert [head.strip() for head in heads(both)] == [
        *("level", "moderator", "delta, points", "p_adjusted", "there, points", "elsewhere, points", "p"),
    ]
    rows = repr(html.table(both)).splitlines()[1:3]
    assert [row.split("  ")[1].strip() for row in rows] == ["language: right against none", "–"]


def test_what_is_compared_stands_in_one_column():
    rows = [{**RESULTS["effects"], "level": level, "baseline": baseline} for level, baseline in ("ab", "bc")]
    both = tables.check(pd.DataFrame(rows).assign(n_units=[960, 5760]), "effects", required=())
    shown = repr(html.table(both))
    assert "level against baseline" in shown.splitlines()[0]
    assert "a against b" in shown.splitlines()[1]
    assert "n_units 960 to 5760" in shown.splitlines()[-1]
    assert "b against c" in html.table(both).markup


def test_axes_named_as_columns_of_other_tables_are_no_shares():
    effects = result("effects", margin=0.5, repeat_noise=0.25, power=0.5, changed=0.75)
    numbers = " ".join(repr(html.table(effects, fold=False)).split())
    for wrong in ("50.00", "25.00", "75.00"):
        assert wrong not in numbers
    compared = result("comparison", power=0.5, same=0.5)
    assert repr(html.table(compared, fold=False)).splitlines()[0].count("points") >= 2
    assert "50.00%" not in repr(html.table(compared, fold=False))
    assert "-2.00 (-3.00 to -1.00)" in repr(html.table(compared, fold=False))
    # In effects and a comparison put together they are what they are in the comparison.
    both = pd.concat([result("effects").astype(object), result("comparison", margin=0.005).astype(object)])
    assert "margin, points" in repr(html.table(both, fold=False))


def test_a_statistic_that_is_the_difference_is_not_said_twice():
    frame = pd.DataFrame({"level": ["a", "b"], "delta": [-0.02, 0.03], "statistic": [-0.02, None]})
    assert "statistic" not in repr(html.table(frame))
    assert "statistic" in repr(html.table(frame.assign(statistic=[-0.02, -0.03])))
    assert "statistic" in repr(html.table(frame, fold=False))


def test_notes_end_the_foot():
    frame = result("comparison").assign(note="mind", n_unpaired=0)
    assert repr(html.table(frame)).endswith("; note mind")


def test_what_is_not_known_of_any_row_is_no_column():
    gaps = {
        "repeat_noise": None,
        "changed": None,
        "changed_floor": None,
        "detectable": None,
        "margin": None,
        "note": None,
    }
    shown = repr(html.table(result("comparison", **gaps)))
    assert not any(name in shown for name in gaps)
    assert "note" in repr(html.table(result("comparison", **gaps), fold=False))
    some = result("comparison")
    some.loc[0, "repeat_noise"] = None
    assert "repeat_noise, points" in repr(html.table(some))
    main = result("effects", **dict.fromkeys([name for name in RESULTS["effects"] if "here" in name or "mod" in name]))
    assert repr(html.table(main)).splitlines()[0].split()[:2] == ["level", "delta,"]
    # In a table that is no result, an empty column may mean something.
    assert "repeat_noise" in repr(html.table(pd.DataFrame({"repeat_noise": [None, None]})))


def test_a_margin_is_in_points_below_the_table_too():
    assert "margin 0.50 points" in repr(html.table(result("comparison", margin=0.005)))


def test_columns_of_other_tables_are_not_taken_for_those_of_results():
    frame = pd.DataFrame({"repeat_noise": [20.0], "changed": [0.5], "margin": [2.0], "target": [0.5], "there": [1.0]})
    assert repr(html.table(frame, fold=False)).splitlines()[1].split() == ["20.00", "0.50", "2.00", "0.50", "1.00"]
    assert "50.00%" in repr(html.table(pd.DataFrame({"delta": [0.1], "low": [0.5]}), shares=["low"]))


def test_empty_text_and_missing_are_different():
    shown = repr(html.table(pd.DataFrame({"text": pd.array(["", None, "–"], dtype="string")})))
    assert shown.splitlines()[1:] == ["(empty)", "–", "–"]


def test_table_shows_what_was_left_out_and_named_indexes():
    frame = pd.DataFrame({"n": range(5)}, index=pd.Index(list("abcde"), name="who"))
    table = html.table(frame, max_rows=2)
    assert repr(table).splitlines() == ["who  n", "a    0", "b    1", "… 3 more rows"]
    assert "3 more rows" in Reader(table.markup).text
    assert repr(html.table(pd.DataFrame({"a": []}))).splitlines() == ["a", "no rows"]
    assert repr(html.table(pd.DataFrame({"a": [1, 2]})[1:])).splitlines() == ["a", "2"]


def test_table_takes_double_and_grouped_columns_and_lists():
    frame = pd.DataFrame([[1, ["x", "<y>"]]], columns=pd.MultiIndex.from_tuples([("a", "b"), ("a", "b")]))
    table = html.table(frame)
    assert repr(table).splitlines()[0].split("  ") == ["a / b", "a / b"]
    assert "<y>" in Reader(table.markup).text


def test_shares_are_in_per_cent_and_must_be_there():
    frame = pd.DataFrame({"recall": [0.5]})
    assert "50.00%" in repr(html.table(frame, shares=["recall"]))
    with pytest.raises(InvalidInput, match="precision; the columns are recall"):
        html.table(frame, shares=["precision"])


def test_text_columns_line_up_with_han_characters():
    lines = repr(html.table(pd.DataFrame({"text": ["我想喝", "abc"], "n": [1, 2]}))).splitlines()
    assert lines == ["text    n", "我想喝  1", "abc     2"]


@pytest.mark.parametrize("text", [text for text in HOSTILE if "\ud800" not in text])
def test_table_is_safe_everywhere(text):
    table = html.table(pd.DataFrame({text: [text, None]}, index=pd.Index(["i", text], name=text)), caption=text)
    reader = Reader(table.markup)
    assert set(reader.seen) <= {"table", "caption", "thead", "tbody", "tr", "th", "td", "wbr"}
    assert len(repr(table).splitlines()) == (4 if text else 3)
    table.markup.encode()
    repr(table).encode()
    for sign in "\u202e\x00\r":
        assert sign not in table.markup + repr(table)


# -- alignments --------------------------------------------------------------------------------------------------------


def test_alignment_of_words():
    shown = html.alignment(align("the cat sat on a big mat", "the hat sat a big very mat", language="en"))
    assert repr(shown) == "the [cat→hat] sat [−on] a big [+very] mat"
    assert squeezed(Reader(shown.markup).text) == squeezed(repr(shown))
    assert shown._repr_html_() == f'<div class="mathjax_ignore">{shown.markup}</div>'


def test_alignment_without_styles_still_tells_errors_apart():
    seen = Reader(html.alignment(align("a b c", "a x c d", language="en")).markup).seen
    assert seen == ["mark", "del", "ins", "ins"]


def test_characters_stand_in_runs():
    shown = html.alignment(align("今天天气很好", "今天田七很", language="zh"))
    assert repr(shown) == "今天[天气→田七]很[−好]"


def test_long_right_runs_are_elided():
    aligned = align(" ".join(map(str, range(50))) + " end", " ".join(map(str, range(50))), language="en")
    shown = html.alignment(aligned, context=2)
    assert repr(shown).split() == ["0", "1", "…", "46", "right", "…", "48", "49", "[−end]"]
    assert squeezed(Reader(shown.markup).text) == squeezed(repr(shown))


def test_nothing_against_nothing_is_empty():
    assert repr(html.alignment(align("", "", language="en"))) == "(empty)"


@pytest.mark.parametrize("text", HOSTILE)
def test_alignment_is_safe(text):
    edits = (Edit("hit", text, text), Edit("sub", text, text), Edit("del", text, None), Edit("ins", None, text))
    shown = html.alignment(Alignment("word", edits))
    assert Reader(shown.markup).seen == ["mark", "del", "ins", "del", "ins"]
    assert "\n" not in repr(shown)


def test_half_a_character_does_not_break_the_file():
    assert html.table(pd.DataFrame({"a": [["\ud800"]]})).markup.encode()


# -- errors ------------------------------------------------------------------------------------------------------------


def dataset(folder=Path("nowhere"), **said):
    utterances = pd.DataFrame({"utt_id": list(said), "language": "en"}, dtype="string")
    return SimpleNamespace(
        utterances=utterances,
        references=tables.check(
            pd.DataFrame({"utt_id": list(said), "channel": 0, "form": "spoken", "text": list(said.values())}),
            "references",
            required=("utt_id", "text"),
        ).assign(alternative=0),
        terms=tables.empty("terms"),
        audio_path=lambda utt_id: folder / f"{utt_id}.wav",
    )


def transcripts(rows):
    frame = pd.DataFrame([{"state": "answered", "condition": "c", "repeat": 0, "channel": 0, **row} for row in rows])
    frame["trial"] = [f"t{place}" for place in range(len(frame))]
    return tables.check(frame, "transcripts", required=("utt_id",))


SAID = dataset(a="one two three", b="four five", c="six", d="seven", e="eight nine", f="ten")
HEARD = transcripts(
    [
        {"utt_id": "a", "text": "one too three"},
        {"utt_id": "b", "text": ""},
        {"utt_id": "c", "state": "failed", "text": None, "error_code": "TOO_LONG", "error": "more than <3> h"},
        {"utt_id": "d", "state": "not run", "text": None},
        {"utt_id": "e", "text": "eight nine"},
        {"utt_id": "f", "state": "unknown", "text": None},
    ]
)
SCORES = score(HEARD, SAID, missing="drop")


def test_four_different_things_stay_four():
    shown = html.errors(SCORES, HEARD[HEARD["utt_id"] != "e"], SAID, utt_id=None)
    assert repr(shown).splitlines()[0] == (
        "6 rows of scores: 1 answered, 1 empty, 1 failed, 1 unknown, 1 not run, 1 missing."
    )
    by_utterance = {line.split(" ")[0]: line for line in repr(shown).splitlines()[1:] if line[0] in "abcdef"}
    assert "nothing was heard" in by_utterance["b"]
    assert "2 errors in 2 words" in by_utterance["b"]
    assert "Failed: TOO_LONG: more than <3> h; not counted" in by_utterance["c"]
    assert "Not run yet" in by_utterance["d"]
    assert "Outcome unknown" in by_utterance["f"]
    assert "Missing" in repr(html.errors(SCORES, HEARD[HEARD["utt_id"] != "e"], SAID, utt_id="e"))


def test_most_errors_come_first_and_the_twin_says_the_same():
    shown = html.errors(SCORES, HEARD, SAID)
    lines = repr(shown).splitlines()
    assert lines[1:5] == [
        "b · c — Answered, and nothing was heard: the transcript is empty; 2 errors in 2 words "
        "(0 substituted, 2 deleted, 0 inserted; spoken reference, en-2)",
        "  [−four] [−five]",
        "a · c — 1 error in 3 words (1 substituted, 0 deleted, 0 inserted; spoken reference, en-2)",
        "  one [two→too] three",
    ]
    text = squeezed(Reader(shown.markup).text)
    for line in lines:
        assert squeezed(line) in text
    assert not any(line.startswith("e ") for line in lines)


def test_what_is_left_out_is_counted():
    shown = repr(html.errors(SCORES, HEARD, SAID, n=1))
    assert "3 more with errors or without counts are not shown." in shown
    assert len(shown.splitlines()) == 4


def test_no_errors_is_said():
    right = SCORES[SCORES["utt_id"] == "e"]
    assert repr(html.errors(right, HEARD, SAID)) == "1 row of scores: 1 answered. No errors."


def test_an_unknown_utterance_is_refused():
    with pytest.raises(InvalidInput, match="no utterance 'z'"):
        html.errors(SCORES, HEARD, SAID, utt_id="z")


def test_scores_made_otherwise_are_noticed():
    wrong = SCORES.assign(subs=2)
    assert "this alignment has 1: the scores were made otherwise" in repr(html.errors(wrong, HEARD, SAID, utt_id="a"))


def test_own_normalizers_are_named_when_lacking_and_taken_when_given():
    shout = Normalizer("shout-1", (str.upper,))
    scores = score(HEARD, SAID, normalizer=shout, missing="drop")
    assert "not aligned: There is no normalizer 'shout-1'" in repr(html.errors(scores, HEARD, SAID, utt_id="a"))
    assert "ONE [TWO→TOO] THREE" in repr(html.errors(scores, HEARD, SAID, utt_id="a", normalizer=shout))


def test_the_form_that_was_marked_is_the_one_that_is_shown():
    said = dataset(a="fifty dollars")
    said.references = pd.concat([said.references, said.references.assign(form="written", text="$50")])
    heard = transcripts([{"utt_id": "a", "text": "$50 now"}])
    shown = repr(html.errors(score(heard, said, form="best", missing="drop"), heard, said))
    assert "best reference: written" in shown
    assert "$50 [+now]" in shown
    failed = transcripts([{"utt_id": "a", "text": None, "state": "failed"}])
    assert "reference is not here" not in repr(
        html.errors(score(failed, said, form="best", missing="drop"), failed, said)
    )
    assert "[fifty→$50]" in repr(html.errors(score(heard, said, form="spoken", missing="drop"), heard, said))


def test_transcripts_from_elsewhere_are_found_again():
    said = dataset(a="one two", b="three")
    heard = pd.DataFrame({"utt_id": ["a", "b"], "text": ["one", None]})
    shown = repr(html.errors(score(heard, said, missing="drop"), heard, said))
    assert "one [−two]" in shown
    assert "1 answered, 1 failed" in shown


def test_engines_told_apart_by_their_name_alone_are_not_mixed_up():
    said = dataset(a="one two")
    heard = pd.DataFrame({"utt_id": ["a", "a"], "text": ["one", "two"], "engine": ["x", "y"]})
    shown = repr(html.errors(score(heard, said, missing="drop"), heard, said))
    assert "one [−two]" in shown
    assert "[−one] two" in shown


def test_terms_are_counted_and_words_aligned():
    said = dataset(a="ask siobhan now")
    said.terms = tables.check(pd.DataFrame({"utt_id": ["a"], "term": ["Siobhan"], "role": ["present"]}), "terms")
    heard = transcripts([{"utt_id": "a", "text": "ask Shivon now"}])
    shown = repr(html.errors(score(heard, said, unit="term", missing="drop"), heard, said))
    assert "1 error in 1 term " in shown
    assert "ask [siobhan→shivon] now" in shown
    assert "made otherwise" not in shown


@pytest.mark.parametrize("text", [text for text in HOSTILE if text and "\ud800" not in text])
def test_errors_are_safe_everywhere(text):
    said = dataset(**{text: f"{text} said"})
    heard = transcripts(
        [
            {"utt_id": text, "condition": text, "text": f"{text} heard"},
            {"utt_id": text, "condition": text, "repeat": 1, "text": None, "state": "failed", "error": text},
        ]
    )
    shown = html.errors(score(heard, said, missing="drop"), heard, said, listen=True)
    reader = Reader(shown.markup)
    assert "Failed" in reader.text
    shown.markup.encode()
    for sign in "\u202e\x00\r":
        assert sign not in shown.markup + repr(shown)


def test_joined_channels_are_shown_as_they_were_marked():
    said = SimpleNamespace(
        utterances=pd.DataFrame({"utt_id": ["a"]}),
        references=pd.DataFrame({"utt_id": "a", "channel": [0, 1], "text": ["left one", "right"]}),
        terms=tables.empty("terms"),
    )
    heard = pd.DataFrame({"utt_id": "a", "condition": "c", "channel": [1, 0], "text": ["write", "left won"]})
    scores = score(heard, said, channels="joined")
    shown = repr(html.errors(scores, heard, said))
    assert "2 errors in 3 words" in shown
    assert "left [one→won] [right→write]" in shown
    assert "Missing" not in shown


def test_the_rule_of_ties_that_was_marked_by_is_the_one_that_is_shown():
    said = SimpleNamespace(
        utterances=pd.DataFrame({"utt_id": ["a"]}),
        references=pd.DataFrame({"utt_id": ["a"], "text": ["the cat sat on the mat"]}),
        terms=tables.empty("terms"),
    )
    heard = pd.DataFrame({"utt_id": ["a"], "condition": "c", "text": ["the cat sit on mat today"]})
    nist, plain = (repr(html.errors(score(heard, said, ties=ties), heard, said)) for ties in ("sclite", "jiwer"))
    assert "the cat [sat→sit] on [−the] mat [+today]" in nist
    assert "the cat [sat→sit] on [the→mat] [mat→today]" in plain


def test_a_joined_answer_that_lacks_a_channel_is_shown_as_missing():
    said = SimpleNamespace(
        utterances=pd.DataFrame({"utt_id": ["a", "b"]}),
        references=pd.DataFrame({"utt_id": list("aabb"), "channel": [0, 1, 0, 1], "text": ["l", "r", "l", "r"]}),
        terms=tables.empty("terms"),
    )
    heard = pd.DataFrame({"utt_id": ["a", "a", "b"], "condition": "c", "channel": [0, 1, 0], "text": ["l", "r", "l"]})
    shown = repr(html.errors(score(heard, said, channels="joined", missing="drop"), heard, said))
    assert "1 answered, 1 missing" in shown
    assert "−" not in shown
