"""Figures in the room they have: in a notebook and in a column of a paper, in grey, and with letters of any script."""

from __future__ import annotations

import os
import unicodedata
import warnings
from itertools import pairwise
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from figures import FIGURES, LABELS, REFUSE_NOTHING, rate, table, texts, unfit
from matplotlib import font_manager
from matplotlib.colors import to_rgb
from matplotlib.container import BarContainer

from asrlab.errors import InvalidInput
from asrlab.views import plot
from asrlab.views.markup import display_width
from asrlab.views.plot.ink import COLUMN, MARKERS
from asrlab.views.plot.labels import longest_word, packed, shown_texts, wrapped


@pytest.fixture(autouse=True)
def _agg():
    """Draw without a screen, leave nothing open and no setting changed; warnings are errors."""
    plt.switch_backend("agg")
    before = mpl.rcParams.copy()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield
    plt.close("all")
    assert mpl.rcParams == before


def drawn(name, labels, **to):
    draws, make = FIGURES[name]
    return draws(make(LABELS[labels]), **to)


@pytest.mark.parametrize("name", FIGURES)
def test_nothing_is_cut_and_nothing_meets_in_a_column(name):
    ax = drawn(name, "long", ax=plot.column())
    assert not [problem for problem in unfit(ax.figure) if name != "bias_curve" or problem.startswith("cut")]
    assert ax.figure.get_figwidth() == COLUMN
    assert {text.get_fontsize() for text in texts(ax)} <= {7.0, 10.0}  # 10: the sign of a break
    assert len(ax.figure.axes) == 1


@pytest.mark.parametrize("name", ["deltas", "slope", "curve"])
def test_nothing_is_cut_and_nothing_meets_in_a_notebook(name):
    assert not unfit(drawn(name, "long").figure)


@pytest.mark.parametrize("name", FIGURES)
def test_no_rows_are_said(name):
    draws, make = FIGURES[name]
    nothing = make(LABELS["one"])[:0]
    if name in REFUSE_NOTHING:
        with pytest.raises(InvalidInput):
            draws(nothing)
    else:
        assert draws(nothing).get_title("left").endswith("no rows")


def test_a_column_is_as_high_as_it_must_be_unless_it_is_told():
    few, many = (drawn("audit", labels, ax=plot.column()).figure.get_figheight() for labels in ("one", "long"))
    assert few + 0.5 < many
    for name, told in (("deltas", 3.3), ("deltas", 2.0), ("curve", 2.5)):
        ax = drawn(name, "one", ax=plot.column(height=told))
        assert (ax.figure.get_figwidth(), ax.figure.get_figheight() >= told) == (COLUMN, True)
        assert not unfit(ax.figure)
    assert drawn("deltas", "one", ax=plot.column(height=3.3)).figure.get_figheight() == 3.3
    with pytest.raises(InvalidInput, match="and a figure has 40 at most"):
        plot.deltas(table("comparison", [{"level": f"{n}", "delta": 0.1} for n in range(200)]), ax=plot.column())


def test_a_new_figure_is_as_large_as_it_must_be():
    few, many = (drawn("rates", labels).figure for labels in ("one", "24 long"))
    assert few.get_figwidth() < many.get_figwidth()
    assert few.get_figheight() < many.get_figheight()  # for their labels, which are turned


def test_axes_side_by_side_keep_their_facts_apart():
    figure, (left, right) = plt.subplots(1, 2, figsize=(7, 3), layout="constrained")
    drawn("rates", "one", ax=left)
    drawn("curve", "one", ax=right)
    assert not unfit(figure)
    assert figure.get_size_inches().tolist() == [7, 3]
    figure, axes = plt.subplots(2, 2, figsize=(11, 8), layout="constrained")
    for name, ax in zip(("deltas", "rates", "power", "agreement"), axes.flat, strict=True):
        drawn(name, "one", ax=ax)
    assert not unfit(figure)
    plain, ax = plt.subplots(figsize=(6.4, 6))
    drawn("rates", "one", ax=ax)
    assert plain.get_size_inches().tolist() == [6.4, 6]


def test_nothing_is_shown(monkeypatch):
    monkeypatch.setattr(plt, "show", lambda *_, **__: pytest.fail("shown"))
    drawn("rates", "one", ax=plot.column())


# -- in grey -----------------------------------------------------------------------------------------------------------


def grey(colour):
    """Luma of a colour as Rec. 601 has it: what a grey print shows."""
    return float(np.dot([0.299, 0.587, 0.114], to_rgb(colour)))


def looks(ax):
    """Give what tells series apart without colour: hatch and grey of bars, marker and dashes of lines."""
    bars = [c[0] for c in ax.containers if isinstance(c, BarContainer) and len(c)]
    lines = [line for line in ax.lines if line.get_marker() in MARKERS and line.get_color() != "white"]
    kept = [line for line in lines if len(line.get_xdata()) > 1 or line.get_linestyle() == "None"]
    return [
        *((bar.get_hatch() or "", round(4 * grey(bar.get_facecolor()))) for bar in bars),
        *((line.get_marker(), str(line.get_linestyle()), line.is_dashed()) for line in kept),
    ]


@pytest.mark.parametrize(
    "name", ["rates in groups", "slope", "bias_curve", "audit", "dumbbell", "power", "curve", "ladder"]
)
def test_series_are_told_apart_in_grey(name):
    found = looks(drawn(name, "long"))
    assert len(found) >= 2
    assert len(set(found)) == len(found)
    lines = [look for look in found if look[1] == "-" or look[1] == "--"]
    assert all(one[0] != other[0] for one, other in pairwise(lines))
    assert not lines or len({dashed for *_, dashed in lines}) == 2


def test_many_bars_differ_from_their_neighbours_in_grey():
    frame = table("summary", [{"a": "x", "c": f"{n}", **rate(0)} for n in range(24)])
    found = looks(plot.rates(frame, hue="c", x="a"))
    assert len(found) == 24
    assert all(one[0] != other[0] for one, other in pairwise(found))


def test_kinds_of_edits_parts_of_strips_and_of_gaps_differ_in_hatch():
    for name in ("confusion", "agreement"):
        hatches = [hatch for hatch, _ in looks(drawn(name, "long"))]
        assert len(set(hatches)) == len(hatches) >= 2
    steps = {(bar.get_width() > 0, bar.get_hatch() or "") for bar in drawn("waterfall", "long").patches[2:]}
    assert steps == {(True, "//"), (False, "")}


def test_the_darker_a_cell_the_larger_its_value():
    frame = table("summary", [{"x": f"{n}", "y": "a", "rate": n / 10, "low": 0, "high": 1} for n in range(8)])
    shades = [grey(bar.get_facecolor()) for bar in plot.heat(frame, x="x", y="y").patches]
    assert shades == sorted(shades, reverse=True)
    assert len(set(np.round(shades, 2))) == 8


# -- letters -----------------------------------------------------------------------------------------------------------

#: Script -> families of which one must be there, and a label with letters of several signs.
SCRIPTS = {
    "Han": ("CJK", "术语表"),
    "kana": ("CJK", "かなカナ"),
    "hangul": ("CJK", "한국어"),
    "Thai": ("Thai", "ภาษาไทยที่นี่"),
    "Devanagari": ("Devanagari", "हिन्दी शब्द"),
    "Arabic": ("DejaVu Sans", "العربية"),
}


@pytest.mark.parametrize("script", SCRIPTS)
def test_letters_have_their_glyphs(script):
    family, text = SCRIPTS[script]
    if not any(family in name for name in font_manager.get_font_names()):
        # Installed after matplotlib made its list.
        for path in Path("/usr/share/fonts").rglob(f"Noto*Sans{family}-Regular.*"):
            font_manager.fontManager.addfont(path)
    if not any(family in name for name in font_manager.get_font_names()):
        if os.environ.get("ASRLAB_GATE"):
            pytest.fail(f"no font with {script} letters here: install fonts-noto-cjk and fonts-noto-core")
        pytest.skip(f"no font with {script} letters here: install fonts-noto-cjk and fonts-noto-core")
    # Cut in their middle at any letter.
    long = [(text * 60)[start : start + 60] for start in range(3)]
    frame = table("summary", [{text: label, **rate(0)} for label in (text, *long)])
    plot.rates(frame, ax=plot.column()).figure.canvas.draw()
    edits = table("confusions", [{"kind": "sub", "ref": text, "hyp": text, "count": 1}])
    plot.confusion(edits).figure.canvas.draw()


# -- lines of text -----------------------------------------------------------------------------------------------------


def test_labels_are_broken_where_they_may_be():
    assert wrapped("one two three", 8) == "one two\nthree"
    assert wrapped("one two three", 100) == "one two three"
    assert wrapped("enable_itn=False", 11) == "enable_itn=\nFalse"
    assert wrapped("in 1,000 units", 6) == "in\n1,000\nunits"
    assert wrapped("abcdefgh", 3) == "abc\ndef\ngh"
    assert wrapped("一二三四五", 4) == "一二\n三四\n五"
    assert wrapped("一", 1) == "一"
    assert wrapped("", 5) == ""
    assert wrapped("กำ" * 4, 4).replace("\n", "") == "กำ" * 4
    for text in ("a b c d e f", "x" * 40, "一份很长 mixed 标签 with words", " ·  · "):
        for cells in range(2, 12):
            lines = wrapped(text, cells).split("\n")
            assert max(map(display_width, lines)) <= cells
            assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    assert [longest_word(text) for text in ("one three", "一二三", "a_bcd", "")] == [5, 2, 3, 0]


def test_no_line_and_no_part_of_a_label_begins_with_a_sign_that_stands_on_a_letter():
    for text in ("ที่", "हि", "e\N{COMBINING ACUTE ACCENT}", "か\N{COMBINING KATAKANA-HIRAGANA VOICED SOUND MARK}"):
        for shift in range(3):
            cut = next(iter(shown_texts(["x" * shift + text * 40]).values()))
            assert len(cut) <= 40
            for part in (*cut.split("…"), *wrapped(text * 9, 3 + shift).split("\n")):
                assert unicodedata.category(part[0])[0] != "M"


def test_facts_stand_in_lines_that_end_between_them():
    facts = ["spoken reference", "normalizer en-2", "95% intervals", "* no interval"]
    assert packed(facts, 100) == "; ".join(facts)
    assert packed(facts, 34) == "spoken reference; normalizer en-2;\n95% intervals; * no interval"
    assert packed(["a long fact of so many words that it is broken"], 20).count("\n") == 2
    assert packed([], 20) == ""
