"""Figures of repeats and of confusions: the numbers and words in them. No pixels."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from matplotlib.container import BarContainer, ErrorbarContainer

import asrlab as lab
from asrlab import tables
from asrlab.errors import InvalidInput
from asrlab.views import plot

HOSTILE = ["$x_1$", "\\frac{1}{2} $", "_hidden", "<script>", "line\nbreak", "x" * 300, "", "\u202e", "%s{}", "{ref}"]


pytestmark = pytest.mark.usefixtures("figures_drawn")


def table(name, rows, **made):
    """Make a table as its function does: by-columns first."""
    frame = tables.check(pd.DataFrame([{**made, **row} for row in rows]), name, required=())
    return frame[[*(column for column in frame if column not in tables.SCHEMAS[name]), *tables.SCHEMAS[name]]]


def bars(ax):
    """Give of each container the line, length, start and hatch of its bars."""
    found = [container for container in ax.containers if isinstance(container, BarContainer)]
    return [
        [
            (round(b.get_y() + b.get_height() / 2, 6), round(b.get_width(), 6), round(b.get_x(), 6), b.get_hatch())
            for b in c
        ]
        for c in found
    ]


def labels(ax):
    return [label.get_text() for label in ax.get_yticklabels()]


def texts(ax):
    return [text.get_text() for text in ax.texts]


def legend(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()] if ax.get_legend() else []


def facts(ax):
    return ax.get_title("left").replace("\n", " ")


# -- agreement ---------------------------------------------------------------------------------------------------------

SAME = {
    "same": 0.9,
    "low": 0.8,
    "high": 0.95,
    "rate": 0.1,
    "rate_low": 0.09,
    "rate_high": 0.112,
    "repeat_noise": 0.0021,
}
AGREED = {
    "level": 0.95, "method": "ratio t by speaker", "unit": "word", "form": "spoken", "normalizer": "en-1",
    "block_kind": "speaker", "n_blocks": 8, "n_repeats": 3, "n_questions": 30, "n_pairs": 90,
}  # fmt: skip


def test_a_strip_has_the_pairs_that_are_the_same_and_says_what_reaches_the_rate():
    rows = [{"context": "none", **SAME}, {"context": "terms", **SAME, "same": 0.5, "low": 0.4, "high": 0.6}]
    ax = plot.agreement(table("agreement", rows, **AGREED))
    assert bars(ax) == [[(0, 90, 0, ""), (1, 50, 0, "")], [(0, 10, 90, "//"), (1, 50, 50, "//")]]
    (errors,) = [container for container in ax.containers if isinstance(container, ErrorbarContainer)]
    ends = [tuple(np.round(segment[:, 0], 6)) for lines in errors[2] for segment in lines.get_segments()]
    assert ends == [(80, 95), (40, 60)]
    assert labels(ax) == [f"context {name}\nWER 10.0% (9.0 to 11.2), ±0.21 points" for name in ("none", "terms")]
    assert texts(ax) == ["90.0", "50.0"]
    assert legend(ax) == ["the same", "another"]
    assert facts(ax) == (
        "3 repeats; 30 questions; 90 pairs; 8 speakers; spoken reference; normalizer en-1; 95% intervals; ratio t by "
        "speaker; error rate: of all repeats (of the best and worst); ±: standard deviation of one asking by itself"
    )


def test_what_is_not_known_of_repeats_is_said():
    unknown = dict.fromkeys(("same", "low", "high", "rate", "rate_low", "rate_high", "repeat_noise"))
    rows = [{"context": "a", **SAME, "low": None}, {"context": "b", **unknown, "note": "no repeats"}]
    ax = plot.agreement(table("agreement", rows, **AGREED))
    assert texts(ax) == ["90.0*", "not known"]
    assert labels(ax)[1] == "context b\nWER not known"
    assert facts(ax).endswith("* no interval; no repeats")
    assert not [c for c in ax.containers if isinstance(c, ErrorbarContainer) and c[2][0].get_segments()]
    assert facts(plot.agreement(tables.empty("agreement"))) == "no rows"


def test_units_and_normalizers_tell_strips_apart_where_nothing_else_does():
    rows = [{**SAME, "unit": "word"}, {**SAME, "unit": "char"}, {**SAME, "unit": "char", "normalizer": "en-2"}]
    ax = plot.agreement(table("agreement", rows, **{k: v for k, v in AGREED.items() if k not in ("unit",)}))
    assert [label.split("\n")[0] for label in labels(ax)] == ["normalizer en-1"] * 2 + ["normalizer en-2"]
    assert [label.split("\n")[1][:3] for label in labels(ax)] == ["WER", "CER", "CER"]


def test_agreement_is_drawn_of_what_lab_agreement_makes():
    said = pd.DataFrame({"utt_id": ["a", "b"], "text": ["one two", "three four"], "language": "en"})
    heard = pd.DataFrame(
        {"utt_id": ["a", "a", "b", "b"], "repeat": [0, 1, 0, 1], "text": ["one two", "one two", "three", "three four"]}
    )
    frame = lab.agreement(lab.score(heard, said))
    ax = plot.agreement(frame)
    assert bars(ax)[0][0][1] == 50
    assert labels(ax)[0].startswith("WER 12.5% (0.0 to 25.0)")


# -- confusions --------------------------------------------------------------------------------------------------------

EDITS = [
    {"kind": "sub", "ref": "two", "hyp": "to", "count": 9, "n_utts": 9},
    {"kind": "sub", "ref": "五", "hyp": "午", "count": 4, "n_utts": 2},
    {"kind": "del", "ref": "a", "hyp": None, "count": 3, "n_utts": 1},
    {"kind": "ins", "ref": None, "hyp": "the", "count": 2, "n_utts": None},
]
COUNTED = {"unit": "word", "normalizer": "en-1", "form": "spoken", "ties": "jiwer"}


def test_confusions_are_bars_with_what_was_said_and_heard():
    ax = plot.confusion(table("confusions", EDITS, **COUNTED))
    assert labels(ax) == ["two → to", "五 → 午", "\N{MINUS SIGN} a", "+ the"]
    assert bars(ax) == [[(0, 9, 0, ""), (1, 4, 0, "")], [(2, 3, 0, "//")], [(3, 2, 0, "..")]]
    assert texts(ax) == ["9", "4 in 2", "3 in 1", "2"]
    assert legend(ax) == ["said → heard", "\N{MINUS SIGN} not heard", "+ heard, not said"]
    assert facts(ax) == (
        "unit: word; spoken reference; normalizer en-1; only the edits of this table; n in m: times, in different "
        "utterances"
    )
    low, high = ax.get_xlim()
    assert low == 0
    assert high > 9
    assert ax.get_ylim()[0] > ax.get_ylim()[1]


def test_several_lists_have_bars_of_their_own_and_none_where_they_lack_an_edit():
    rows = [
        {"context": "none", **EDITS[0]},
        {"context": "none", **EDITS[2]},
        {"context": "terms", **EDITS[0], "count": 5},
    ]
    ax = plot.confusion(table("confusions", rows, **COUNTED))
    assert labels(ax) == ["two → to", "\N{MINUS SIGN} a"]
    none, terms = bars(ax)
    assert [(round(y), width, hatch) for y, width, _, hatch in none] == [(0, 9, ""), (1, 3, "")]
    assert [(round(y), width, hatch) for y, width, _, hatch in terms] == [(0, 5, "//")]
    assert none[0][0] < terms[0][0]
    assert legend(ax) == ["none", "terms"]
    assert ax.get_legend().get_title().get_text() == "context"
    assert facts(ax).endswith("no bar: not in that list")


def test_confusions_refuse_what_they_cannot_draw():
    frame = table("confusions", EDITS, **COUNTED)
    for wrong, words in (
        (frame.assign(kind="hit"), "one of sub, del, ins, not 'hit'"),
        (pd.concat([frame, frame]), "Several rows would be one bar by kind, ref, hyp"),
        (frame.drop(columns="count"), "confusions table needs the column count"),
        (table("summary", [{"rate": 0.1}]), r"a summary: plot\.rates draws it"),
    ):
        with pytest.raises(InvalidInput, match=words):
            plot.confusion(wrong)
    many = [{"kind": "del", "ref": f"word {n}", "count": 1} for n in range(200)]
    with pytest.raises(InvalidInput, match=r"200 edits do not fit: \d+ do.*n=10"):
        plot.confusion(table("confusions", many, **COUNTED))
    assert facts(plot.confusion(frame[:0])) == "no rows"


def test_confusions_are_drawn_of_what_lab_confusions_makes():
    edits = pd.DataFrame(
        {
            "utt_id": list("abb"),
            "unit": "word",
            "kind": ["sub", "sub", "del"],
            "ref": ["two", "two", "a"],
            "hyp": ["to", "to", None],
        }
    )
    ax = plot.confusion(lab.confusions(edits))
    assert labels(ax) == ["two → to", "\N{MINUS SIGN} a"]
    assert texts(ax) == ["2", "1"]


@pytest.mark.parametrize("text", HOSTILE)
def test_words_and_settings_of_any_kind_are_text(text):
    first = plot.agreement(table("agreement", [{"c": name, **SAME, "note": text} for name in (text, "b")], **AGREED))
    rows = [{"c": name, "kind": "sub", "ref": text, "hyp": text, "count": 1} for name in (text, "b")]
    for ax in (
        first,
        plot.confusion(table("confusions", rows, **COUNTED)),
        plot.confusion(table("confusions", rows[:1])),
    ):
        for part in ax.figure.findobj(lambda artist: hasattr(artist, "get_parse_math") and artist.get_text()):
            assert not part.get_text().strip("\N{MINUS SIGN}+.0123456789") or not part.get_parse_math()
