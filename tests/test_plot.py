"""Figures: the numbers, intervals and words in them. No pixels."""

from __future__ import annotations

import subprocess
import sys

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib import font_manager
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.container import BarContainer, ErrorbarContainer
from matplotlib.figure import Figure

from asrlab import tables
from asrlab.errors import InvalidInput
from asrlab.views import plot
from asrlab.views.plot.ink import MARKERS, text_style

HOSTILE = [
    "$x_1$",
    "\\frac{1}{2} $",
    "_hidden",
    "line\nbreak",
    "x" * 500,
    "",
    "שלום",
    "\u202e <script>%s{} &",
]


@pytest.fixture(autouse=True)
def _agg():
    """Draw without a screen, and leave nothing open."""
    import matplotlib.pyplot as plt

    plt.switch_backend("agg")
    before = mpl.rcParams.copy()
    yield
    plt.close("all")
    assert mpl.rcParams == before


def summary(rows):
    made = {
        "level": 0.95, "method": "ratio t", "unit": "word", "form": "spoken", "normalizer": "en-1",
        "block_kind": "speaker", "n_utts": 30, "n_blocks": 8, "n_failed": 0, "n_not_run": 0,
    }  # fmt: skip
    frame = pd.DataFrame([{**row, **{key: row.get(key, value) for key, value in made.items()}} for row in rows])
    checked = tables.check(frame, "summary", required=())
    by = [name for name in frame.columns if name not in tables.SCHEMAS["summary"]]
    return checked[[*by, *tables.SCHEMAS["summary"]]]


def comparison(rows):
    made = {
        "axis": "context", "baseline": "none", "confidence": 0.95, "test": "sign-flip", "unit": "word",
        "form": "spoken", "normalizer": "en-1", "block_kind": "speaker", "n_blocks": 8, "n_pairs": 64,
        "n_comparisons": 3, "p_adjusted": 0.03,
    }  # fmt: skip
    frame = pd.DataFrame([{**row, **{key: row.get(key, value) for key, value in made.items()}} for row in rows])
    checked = tables.check(frame, "comparison", required=())
    by = [name for name in frame.columns if name not in tables.SCHEMAS["comparison"]]
    return checked[[*by, *tables.SCHEMAS["comparison"]]]


def bars(ax):
    return [container for container in ax.containers if isinstance(container, BarContainer)]


def intervals(ax, axis):
    """Give the ends of all intervals, in the order drawn."""
    found = []
    for container in ax.containers:
        if isinstance(container, ErrorbarContainer):
            for lines in container[2]:
                found += [tuple(np.round(segment[:, axis], 6)) for segment in lines.get_segments()]
    return found


def texts(ax):
    return [text.get_text() for text in ax.texts]


def facts(ax):
    return ax.get_title("left").replace("\n", " ")


def labels(ax):
    return [label.get_text() for label in ax.get_yticklabels()]


def draw(ax):
    """Draw for real, so that bad markup and missing glyphs would show as warnings, which are errors."""
    ax.figure.canvas.draw()
    return ax


TWO = summary(
    [
        {"context": "none", "rate": 0.2, "low": 0.15, "high": 0.3},
        {"context": "terms", "rate": 0.1, "low": 0.05, "high": 0.12},
    ]
)


def test_bars_and_intervals_are_those_of_the_table():
    ax = draw(plot.rates(TWO))
    assert [list(np.round(container.datavalues, 6)) for container in bars(ax)] == [[20.0, 10.0]]
    assert intervals(ax, 1) == [(15.0, 30.0), (5.0, 12.0)]
    assert texts(ax) == ["20.0", "10.0"]
    assert [label.get_text() for label in ax.get_xticklabels()] == ["none", "terms"]
    assert ax.get_xlabel() == "context"
    assert ax.get_ylabel() == "Word error rate (WER), %"
    assert ax.get_title("left").replace("\n", " ") == (
        "spoken reference; normalizer en-1; 95% intervals; ratio t; 30 utterances; 8 speakers"
    )
    assert ax.get_ylim()[1] > 30
    assert ax.get_legend() is None


def test_two_columns_make_groups_and_series():
    cells = [(language, itn) for language in ("en", "fr") for itn in ("off", "on")]
    frame = summary(
        [
            {"language": language, "itn": itn, "rate": (place + 1) / 10, "low": place / 10, "high": 0.5}
            for place, (language, itn) in enumerate(cells)
        ]
    )
    ax = draw(plot.rates(frame))
    assert [list(np.round(container.datavalues)) for container in bars(ax)] == [[10, 30], [20, 40]]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["off", "on"]
    assert ax.get_legend().get_title().get_text() == "itn"
    assert len({(bar[0].get_facecolor(), bar[0].get_hatch()) for bar in bars(ax)}) == 2
    assert len({bar[0].get_hatch() for bar in bars(ax)}) == 2
    turned = draw(plot.rates(frame, x="itn"))
    assert [text.get_text() for text in turned.get_legend().get_texts()] == ["en", "fr"]
    assert turned.get_xlabel() == "itn"
    assert [text.get_text() for text in plot.rates(frame, hue="language").get_legend().get_texts()] == ["en", "fr"]


def test_three_columns_are_joined_on_the_axis():
    frame = summary(
        [{"a": a, "b": b, "c": c, "rate": 0.1, "low": 0.0, "high": 0.2} for a in "12" for b in "34" for c in "56"]
    )
    ax = plot.rates(frame)
    assert [label.get_text() for label in ax.get_xticklabels()] == ["1 · 3", "1 · 4", "2 · 3", "2 · 4"]
    with pytest.raises(InvalidInput, match="Several rows would be one bar by a, c"):
        plot.rates(frame, x="a")


def test_a_missing_interval_is_marked_and_is_no_point():
    frame = TWO.copy()
    frame.loc[0, ["low", "high"]] = pd.NA
    ax = draw(plot.rates(frame))
    assert intervals(ax, 1) == [(5.0, 12.0)]
    assert texts(ax) == ["20.0*", "10.0"]
    assert "* no interval" in ax.get_title("left")


def test_a_missing_rate_is_said():
    frame = TWO.copy()
    frame.loc[0, ["rate", "low", "high"]] = pd.NA
    ax = draw(plot.rates(frame))
    assert texts(ax) == ["no rate", "10.0"]
    assert "no interval" not in ax.get_title("left")


def test_an_interval_that_misses_its_rate_is_drawn_as_it_is():
    ax = draw(plot.rates(summary([{"c": "a", "rate": 0.1, "low": 0.2, "high": 0.3}])))
    assert intervals(ax, 1) == [(20.0, 30.0)]


def test_failed_and_not_run_are_told_apart():
    frame = TWO.assign(n_failed=[1, 2], n_not_run=[0, 5], n_utts=[28, 30])
    title = plot.rates(frame).get_title("left").replace("\n", " ")
    assert "not in the rates: 3 failed, 5 not run" in title
    assert "28-30 utterances" in title


def test_what_never_came_is_said_with_how_it_counts():
    def title(**columns):
        return plot.rates(TWO.assign(**columns)).get_title("left").replace("\n", " ")

    assert "not in the rates: 2 missing" in title(n_missing=[0, 2], lost=[None, "dropped"])
    assert "; counted as all deleted: 2 failed" in title(n_failed=1, lost="all-deleted")
    assert "; partly counted as all deleted: 2 failed" in title(n_failed=1, lost=["all-deleted", "dropped"])
    assert "in the rates" not in title(lost=pd.NA)
    assert "counted" not in title(lost=pd.NA)


def test_ties_are_said_where_they_are_not_jiwers():
    assert "ties" not in plot.rates(TWO.assign(ties="jiwer")).get_title("left")
    ax = plot.rates(pd.concat([TWO.assign(ties="jiwer"), TWO.assign(ties="sclite")]))
    assert "ties of jiwer and sclite" in ax.get_title("left").replace("\n", " ")


def test_units_are_not_mixed():
    frame = TWO.assign(unit=["word", "char"])
    with pytest.raises(InvalidInput, match=r"counts in char and word.*summary\['unit'\] == 'char'"):
        plot.rates(frame)
    assert plot.rates(frame[frame["unit"] == "char"]).get_ylabel() == "Character error rate (CER), %"
    assert plot.rates(TWO.assign(unit="term")).get_ylabel() == "Term miss rate, %"
    assert plot.rates(TWO.assign(unit="sentence")).get_ylabel() == "Sentence error rate, %"
    assert plot.rates(TWO.assign(unit="mixed")).get_ylabel() == "Mixed error rate, %"
    assert plot.rates(TWO.assign(unit="codepoint")).get_ylabel() == "Character error rate (CER, code points), %"
    with pytest.raises(InvalidInput, match="comparison counts in char and word"):
        plot.deltas(comparison([{"level": "a", "delta": 0.1, "unit": unit} for unit in ("word", "char")]))


def test_a_column_that_is_not_there_is_named():
    with pytest.raises(InvalidInput, match="no column 'colour' to draw by; this summary is by context"):
        plot.rates(TWO, hue="colour")
    with pytest.raises(InvalidInput, match="needs the column"):
        plot.rates(TWO.drop(columns="low"))


def test_forms_may_be_compared():
    frame = TWO.assign(form=["spoken", "written"]).drop(columns="context")
    ax = draw(plot.rates(frame, x="form"))
    assert [label.get_text() for label in ax.get_xticklabels()] == ["spoken", "written"]
    assert ax.get_title("left").startswith("spoken and written reference")


def test_normalizers_tell_rows_apart_where_nothing_else_does():
    frame = pd.concat([TWO, TWO.assign(normalizer="basic-1")], ignore_index=True)
    ax = draw(plot.rates(frame))
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["en-1", "basic-1"]
    rows = comparison([{"level": "a", "delta": 0.1, "normalizer": name} for name in ("en-1", "basic-1")])
    labels = [label.get_text().split("\n")[0] for label in plot.deltas(rows).get_yticklabels()]
    assert labels == [f"normalizer {name} · context: a against none" for name in ("en-1", "basic-1")]


def test_how_intervals_were_made_is_said():
    frame = TWO.assign(
        method=["bootstrap by speaker", "ratio t by utterance; too few speakers (3): true of these only"]
    )
    assert facts(plot.rates(frame)).startswith(
        "spoken reference; normalizer en-1; 95% intervals; bootstrap by speaker; ratio t by utterance; too few "
        "speakers (3): true of these only; 30 utterances"
    )


def test_zero_rates_have_room_too():
    ax = draw(plot.rates(summary([{"c": "a", "rate": 0.0, "low": 0.0, "high": 0.0}])))
    assert ax.get_ylim() == (0.0, 1.0)


def test_only_zero_is_written_as_zero():
    rates = [{"c": f"{n}", "rate": rate, "low": 0.0, "high": 1.0} for n, rate in enumerate((0.0003, 0.0, 0.00049, 0.2))]
    assert texts(plot.rates(summary(rates))) == ["0.03", "0.0", "0.049", "20.0"]
    assert texts(plot.heat(summary(rates), x="c", y="unit")) == ["0.03", "0.0", "0.049", "20.0"]


def test_the_ink_and_the_size_of_text_are_fit_for_the_settings():
    with plt.style.context(["dark_background", {"font.size": 16.0}]):
        ax = plot.deltas(comparison([{"level": "a", "delta": 0.1, "low": 0.0, "high": 0.2}]))
        (bar,) = [c for c in ax.containers if isinstance(c, ErrorbarContainer)]
        assert bar[2][0].get_color()[0].tolist() == [1, 1, 1, 1]
        assert {line.get_color() for line in ax.lines if len(line.get_xdata()) == 2} == {"white"}
        assert {label.get_fontsize() for label in (*ax.get_yticklabels(), ax.xaxis.label)} == {10.0}


def test_a_long_fact_is_said_to_its_end():
    names = [f"auto+numbers+spelling+compounds+hesitations@{n}" for n in range(4)]
    rows = [{"c": n, "rate": 0.1, "low": 0.0, "high": 0.2, "normalizer": n} for n in names]
    assert all(name in facts(plot.rates(summary(rows))).replace(" ", "") for name in names)


def test_many_bars_stay_apart_and_values_are_turned_or_left_out_where_bars_are_narrow():
    frame = summary([{"c": f"level number {n}", "rate": 0.1, "low": 0.05, "high": 0.2} for n in range(40)])
    ax = plot.rates(frame, hue="c", x="unit")
    assert len({(bar[0].get_facecolor(), bar[0].get_hatch()) for bar in bars(ax)}) == 40
    assert {text.get_rotation() for text in ax.texts} == {90.0}
    assert "too narrow" not in facts(ax)
    level = plot.rates(frame[:4], hue="c", x="unit", ax=plot.column())
    assert {text.get_rotation() for text in level.texts} == {0.0}
    unsaid = plot.rates(frame, hue="c", x="unit", ax=plot.column())
    assert not unsaid.texts
    assert facts(unsaid).endswith("bars too narrow for their values")


def test_empty_tables_are_drawn_empty():
    assert not draw(plot.rates(TWO[:0])).texts
    assert facts(plot.rates(TWO[:0])) == "no rows"
    assert not draw(plot.deltas(comparison([{"level": "a", "delta": 0.1}])[:0])).texts


def test_given_axes_are_used():
    figure = Figure()
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2)
    assert plot.rates(TWO, ax=left) is left
    assert plot.deltas(comparison([{"level": "a", "delta": 0.1}]), ax=right) is right
    draw(left)


def test_deltas_are_points_around_zero():
    frame = comparison(
        [
            {"language": "en", "level": "terms", "delta": -0.02, "low": -0.03, "high": -0.005},
            {"language": "zh", "level": "terms", "delta": 0.01, "low": -0.01, "high": 0.04, "p_adjusted": 0.0002},
        ]
    )
    ax = draw(plot.deltas(frame))
    assert intervals(ax, 0) == [(-3.0, -0.5), (-1.0, 4.0)]
    assert texts(ax) == ["−2.00", "+1.00"]
    assert [label.get_text() for label in ax.get_yticklabels()] == [
        "language en · context: terms against none\np adj. = 0.030, 8 speakers",
        "language zh · context: terms against none\np adj. < 0.001, 8 speakers",
    ]
    low, high = ax.get_xlim()
    assert low == -high
    assert high > 4
    assert ax.get_ylim()[0] > ax.get_ylim()[1]  # the first row is on top
    assert ax.get_xlabel() == "Difference in word error rate (WER), points\n← better   |   worse →"
    assert ax.get_title("left").replace("\n", " ") == (
        "spoken reference; normalizer en-1; 95% intervals; 64 pairs; sign-flip; p adjusted for 3 comparisons"
    )


def test_deltas_without_interval_p_or_difference_say_so():
    frame = comparison(
        [
            {"level": "a", "delta": -0.02, "low": None, "high": None, "p_adjusted": None, "n_blocks": 1},
            {"level": "b", "delta": None, "low": None, "high": None, "block_kind": None, "n_blocks": None},
        ]
    )
    ax = draw(plot.deltas(frame))
    assert intervals(ax, 0) == []
    assert texts(ax) == ["−2.00, no interval", "no difference known"]
    (hollow,) = [line for line in ax.lines if line.get_marker() == "o" and len(line.get_xdata())]
    assert hollow.get_color() == "white"
    labels = [label.get_text() for label in ax.get_yticklabels()]
    assert labels == ["context: a against none\nno p, 1 speaker", "context: b against none\np adj. = 0.030"]


def test_the_correction_is_named():
    row = {"level": "a", "delta": 0.1, "low": 0.0, "high": 0.2}
    for how, said in (("holm", "Holm"), ("max-t", "max-T"), ("benjamini-hochberg", "Benjamini-Hochberg")):
        ax = plot.deltas(comparison([{**row, "correction": how}]))
        assert facts(ax).endswith(f"64 pairs; sign-flip; p adjusted by {said} over 3 comparisons")
        assert labels(ax)[0].endswith("p adj. = 0.030, 8 speakers")
    ax = plot.deltas(comparison([{**row, "correction": "none"}]))
    assert facts(ax).endswith("64 pairs; sign-flip; p not corrected")
    assert labels(ax)[0].endswith("\np = 0.030, 8 speakers")
    assert facts(plot.deltas(comparison([{**row, "correction": "holm", "n_comparisons": 1}]))).endswith(
        "64 pairs; sign-flip"
    )


def test_tables_put_together_say_nothing_of_an_axis_twice():
    row = {"level": "a", "delta": 0.1, "low": 0.0, "high": 0.2}
    both = pd.concat([comparison([{"itn": "off", **row}]), comparison([{"context": "no", **row, "axis": "itn"}])])
    first, second = labels(draw(plot.deltas(both[["itn", "context", *tables.SCHEMAS["comparison"]]])))
    assert first.startswith("itn off · context: a against none\n")
    assert second.startswith("context no · itn: a against none\n")
    # As pandas puts them together, the by-column of the second stands at the end.
    again = pd.concat([both[:1].drop(columns="context"), both[1:], both[1:].assign(context="yes")])
    lines = labels(plot.deltas(again))
    assert [line.split("\n")[0] for line in lines] == [
        "itn off · context: a against none",
        "context no · itn: a against none",
        "context yes · itn: a against none",
    ]


def test_settings_lose_what_all_share_and_long_ones_are_wrapped():
    name = "language={}, context={}, enable_itn=False, disfluency_removal=False, a=1"
    levels = [name.format("right", "terms"), name.format("wrong", "terms"), name.format("wrong", "none")]
    rows = [{"axis": "condition", "level": level, "delta": 0.1, "low": 0.0, "high": 0.2} for level in levels]
    frame = comparison([{**row, "baseline": name.format("right", "none")} for row in rows])
    ax = draw(plot.deltas(frame))
    assert [label.split("\np")[0] for label in labels(ax)] == [
        "condition: language=right, context=terms\nagainst language=right, context=none",
        "condition: language=wrong, context=terms\nagainst language=right, context=none",
        "condition: language=wrong, context=none\nagainst language=right, context=none",
    ]
    assert "all with enable_itn=False, disfluency_removal=False, a=1; 64 pairs" in facts(ax)
    assert "all with" not in facts(plot.deltas(comparison([{"level": "a", "delta": 0.1}])))
    by = draw(plot.deltas(frame.assign(speaker=["x" * 38 + end for end in "123"])[["speaker", *frame.columns]]))
    assert labels(by)[0].startswith(f"speaker {'x' * 38}1 · condition:\nlanguage=right, context=terms\nagainst lang")
    assert by.figure.get_figheight() > ax.figure.get_figheight()


def test_cutting_never_makes_two_labels_one():
    long = [f"{'a' * 60}{middle}{'z' * 60}" for middle in "xy"]
    rows = [{"level": level, "delta": 0.1, "low": 0.0, "high": 0.2} for level in long]
    first, second = (label.rpartition("\n")[0] for label in labels(draw(plot.deltas(comparison(rows)))))
    assert first != second
    assert "…" in labels(plot.deltas(comparison(rows[:1])))[0]
    bars_of = plot.rates(summary([{"c": level, "rate": 0.1, "low": 0.0, "high": 0.2} for level in long]))
    assert len({label.get_text() for label in bars_of.get_xticklabels()}) == 2
    lines_of = plot.power(designs([{"source": level} for level in long]))
    assert len({text.get_text() for text in lines_of.get_legend().get_texts()}) == 2


def test_tables_of_other_figures_are_named():
    difference, mixed = comparison([{"level": "a", "delta": 0.1}]), effects([MAIN])
    for draws, table, words in (
        (plot.rates, difference, "a comparison: plot.deltas draws it"),
        (plot.rates, difference[["level", "baseline", "delta", "low", "high"]], "a comparison: plot.deltas"),
        (plot.rates, mixed, "a table of effects: plot.deltas"),
        (plot.deltas, TWO, "a summary: plot.rates"),
        (plot.deltas, designs([{}]), "a table of power: plot.power"),
        (plot.power, TWO, "a summary: plot.rates"),
        (plot.power, mixed, "a table of effects: plot.deltas"),
        (plot.power, difference, "a comparison: plot.deltas"),
        (plot.rates, designs([{}]), "a table of power: plot.power"),
        (plot.rates, tables.empty("agreement"), "the agreement of repeats: plot.agreement draws it"),
        (plot.agreement, TWO, "a summary: plot.rates draws it"),
    ):
        with pytest.raises(InvalidInput, match=f"This is {words}"):
            draws(table)


def test_the_p_of_an_equivalence_is_named():
    row = {"level": "a", "delta": 0.01, "low": 0.0, "high": 0.02, "margin": 0.05, "p_adjusted": 0.979}
    for test, name in (
        ("equivalence, two one-sided t by speaker", "p of equivalence"),
        ("non-inferiority, one-sided t by speaker", "p of non-inferiority"),
        ("t by speaker", "p adj."),
    ):
        assert labels(plot.deltas(comparison([{**row, "test": test}])))[0].endswith(f"\n{name} = 0.979, 8 speakers")


def test_a_mark_tells_zero_from_what_is_rounded_to_it():
    marks = texts(
        plot.deltas(comparison([{"level": n, "delta": d} for n, d in (("a", -1e-5), ("b", 0.0), ("c", 1e-5))]))
    )
    assert marks == ["−0.00, no interval", "0.00, no interval", "+0.00, no interval"]


def test_the_services_own_variation_is_a_band_of_its_line():
    row = {"level": "a", "delta": 0.01, "low": 0.0, "high": 0.02}
    ax = draw(plot.deltas(comparison([row, {**row, "level": "b", "repeat_noise": 0.03}])))
    (band,) = ax.patches
    assert (round(band.get_x(), 6), round(band.get_width(), 6)) == (-6.0, 12.0)
    assert band.get_y() < 1 < band.get_y() + band.get_height() < 1.5
    assert ax.get_xlim()[1] > 6
    assert facts(ax).endswith("; grey: ±2 standard errors of what the service varies by itself")
    assert "grey" not in facts(plot.deltas(comparison([row])))


def test_the_margin_is_dashed():
    def margins(**changes):
        frame = comparison([{"level": "a", "delta": 0.01, "low": 0.0, "high": 0.02, **changes}])
        ax = draw(plot.deltas(frame))
        lines = [c for c in ax.collections if c.get_linestyle()[0][1] is not None]
        return sorted(round(float(s[0, 0]), 6) for c in lines for s in c.get_segments()), ax

    both, ax = margins(margin=0.05, test="equivalence, two one-sided t by speaker")
    assert both == [-5.0, 5.0]
    assert ax.get_xlim()[1] > 5
    assert facts(ax).endswith("; dashed: margin of 5 points")
    worse, ax = margins(margin=0.01, test="non-inferiority, one-sided t by speaker")
    assert worse == [1.0]
    assert facts(ax).endswith("; dashed: margin of 1 point")
    none, ax = margins()
    assert none == []
    assert "dashed" not in facts(ax)


# -- effects -----------------------------------------------------------------------------------------------------------

MAIN = {"effect": "main", "level": "terms", "delta": -0.067, "low": -0.09, "high": -0.04}
INTERACTION = {
    "effect": "interaction", "level": "terms", "delta": -0.125, "low": -0.16, "high": -0.09, "moderator": "language",
    "moderator_level": "right", "moderator_baseline": "none",
}  # fmt: skip


def effects(rows):
    made = {
        "axis": "context", "baseline": "none", "confidence": 0.95, "unit": "term", "form": "spoken", "n_utts": 32,
        "normalizer": "en-1", "block_kind": "speaker", "n_blocks": 8, "correction": "holm", "n_comparisons": 3,
        "p_adjusted": 0.03,
    }  # fmt: skip
    frame = pd.DataFrame([{**made, **row} for row in rows])
    checked = tables.check(frame, "effects", required=())
    by = [name for name in frame.columns if name not in tables.SCHEMAS["effects"]]
    return checked[[*by, *tables.SCHEMAS["effects"]]]


def test_effects_are_drawn_as_differences_and_interactions_told_apart():
    ax = draw(plot.deltas(effects([MAIN, {**MAIN, "axis": "language", "level": "right"}, INTERACTION])))
    assert labels(ax) == [
        "context: terms against none\np adj. = 0.030, 8 speakers",
        "language: right against none\np adj. = 0.030, 8 speakers",
        "context: terms against none,\nby language: right against none\np adj. = 0.030, 8 speakers",
    ]
    assert intervals(ax, 0) == [(-9.0, -4.0), (-9.0, -4.0), (-16.0, -9.0)]
    (diamonds,) = [line for line in ax.lines if line.get_marker() == "D" and len(line.get_xdata())]
    assert list(np.round(diamonds.get_xdata(), 6)) == [-12.5]
    assert facts(ax) == (
        "spoken reference; normalizer en-1; 95% intervals; 32 utterances; p adjusted by Holm over 3 comparisons; "
        "diamond: interaction, how much an effect differs"
    )
    assert ax.get_xlabel().startswith("Difference in term miss rate, points")
    assert "diamond" not in facts(plot.deltas(effects([MAIN])))
    groups = draw(plot.deltas(effects([{"itn": True, **MAIN}, {"itn": False, **MAIN}])))
    assert labels(groups)[1].startswith("itn False · context: terms against none\n")


def test_a_comparison_and_effects_are_drawn_together():
    tested = {"test": "equivalence, two one-sided t by speaker", "margin": 0.05, "repeat_noise": 0.01}
    compared = comparison([{"itn": "off", "level": "names", "delta": 0.01, "low": 0.0, "high": 0.02, **tested}])
    both = pd.concat([effects([MAIN, INTERACTION]).astype(object), compared.astype(object)])
    for table in (both, both[[*compared.columns, *both.columns.difference(compared.columns)]]):
        ax = draw(plot.deltas(table.assign(unit="word")))
        assert labels(ax) == [
            "context: terms against none\np adj. = 0.030, 8 speakers",
            "context: terms against none,\nby language: right against none\np adj. = 0.030, 8 speakers",
            "itn off · context: names against none\np of equivalence = 0.030, 8 speakers",
        ]
        assert "; 64 pairs; 32 utterances; " in facts(ax)
        assert "dashed: margin of 5 points; diamond" in facts(ax)
        assert "grey" in facts(ax)
        (diamonds,) = [line for line in ax.lines if line.get_marker() == "D" and len(line.get_xdata())]
        assert list(diamonds.get_ydata()) == [1]


def test_axes_named_as_columns_of_other_tables_are_labels():
    plain_facts = facts(plot.deltas(effects([MAIN, INTERACTION])))
    for axis in ("margin", "n_pairs", "same"):
        ax = plot.deltas(effects([{**MAIN, axis: 0.5}, {**INTERACTION, axis: 0.25}]))
        assert labels(ax)[0].startswith(f"{axis} 0.5 · context: terms")
        assert facts(ax) == plain_facts
        assert not [patch for patch in ax.patches if patch.get_width()]
    for axis in ("moderator", "power", "effect"):
        rows = [{axis: name, "level": "a", "delta": 0.1, "low": 0.0, "high": 0.2} for name in ("on", "off")]
        assert labels(plot.deltas(comparison(rows)))[0].startswith(f"{axis} on · context: a against none\n")
    # A margin is one only where the test has it.
    row = {"level": "a", "delta": 0.1, "low": 0.0, "high": 0.2, "margin": 0.05}
    assert "margin" not in facts(plot.deltas(comparison([{**row, "test": "sign-flip by speaker"}])))
    for axis in ("delta", "baseline", "power", "same"):
        frame = summary([{axis: name, "rate": 0.1, "low": 0.0, "high": 0.2} for name in ("on", "off")])
        assert plot.rates(frame).get_xlabel() == axis


def test_several_kinds_together_are_refused():
    row = {"level": "a", "delta": 0.1, "low": 0.0, "high": 0.2}
    together = pd.concat([TWO.astype(object), comparison([row]).astype(object)])
    for draws in (plot.rates, plot.deltas):
        with pytest.raises(InvalidInput, match=r"several kinds put together\. Draw each kind by itself"):
            draws(together)


def test_more_than_fits_is_refused_unless_somebody_made_room():
    row = {"delta": 0.1, "low": 0.0, "high": 0.2}
    many = comparison([{**row, "level": f"level {n}"} for n in range(200)])
    with pytest.raises(InvalidInput, match=r"200 lines do not fit: 63 do. .*\[table\['p_adjusted'\] <= 0.05\], or one"):
        plot.deltas(many)
    _, ax = plt.subplots(figsize=(8, 40))
    assert len(labels(plot.deltas(many[:64], ax=ax))) == 64
    bars_of = summary([{"c": f"{n}", "rate": 0.1, "low": 0.05, "high": 0.2} for n in range(200)])
    with pytest.raises(InvalidInput, match=r"200 bars do not fit: 70 do\. Draw those that matter"):
        plot.rates(bars_of)
    assert len(texts(plot.rates(bars_of[:70]))) == 70
    with pytest.raises(InvalidInput, match="71 bars do not fit"):
        plot.rates(bars_of[:71])
    _, ax = plt.subplots(figsize=(60, 5))
    assert len(texts(plot.rates(bars_of[:80], ax=ax))) == 80


# -- power -------------------------------------------------------------------------------------------------------------


def designs(rows):
    made = {
        "delta": 0.003, "speakers": 20, "utterances": 30, "power": 0.5, "low": 0.45, "high": 0.55, "target": 0.8,
        "test": "sign-flip by speaker", "correction": "holm", "n_comparisons": 3, "unit": "word", "rate": 0.05,
        "n_simulations": 2000, "source": "pilot",
    }  # fmt: skip
    return tables.check(pd.DataFrame([{**made, **row} for row in rows]), "power", required=())


def curves(ax):
    """Give the points of all lines but that of the target."""
    lines = [line for line in ax.lines if line.get_marker() in MARKERS]
    return [list(zip(np.round(line.get_xdata(), 6), np.round(line.get_ydata(), 6), strict=True)) for line in lines]


def targets(ax):
    return [line.get_ydata()[0] for line in ax.lines if line.get_linestyle() == "--" and line.get_color() == "black"]


GRID = [
    {"speakers": speakers, "utterances": utterances, "power": speakers * utterances / 1000}
    for speakers in (20, 10)
    for utterances in (30, 40)
]


def test_power_is_drawn_against_speakers_with_a_line_for_each_number_of_utterances():
    ax = draw(plot.power(designs(GRID)))
    assert curves(ax) == [[(10, 30), (20, 60)], [(10, 40), (20, 80)]]
    assert targets(ax) == [80]
    assert ax.get_xlabel() == "Speakers"
    assert ax.get_ylabel() == "Power, % of such experiments"
    assert facts(ax) == (
        "true difference 0.3 points; word error rate (WER); 5.0% at the baseline; sign-flip by speaker; p adjusted by "
        "Holm over 3 comparisons; rates and spreads from a pilot; 95% intervals of 2000 simulations; dashed: 80% wanted"
    )
    assert ax.get_legend().get_title().get_text() == "utterances of each"
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["30", "40"]
    lines = [line for line in ax.lines if line.get_marker() in MARKERS]
    for look in ("get_color", "get_marker", "get_linestyle"):
        assert len({getattr(line, look)() for line in lines}) == 2
    bands = [collection.get_datalim(ax.transData) for collection in ax.collections]
    assert [(round(band.y0, 6), round(band.y1, 6)) for band in bands] == [(45, 55), (45, 55)]


def test_few_numbers_of_speakers_are_ticks_and_many_are_whole():
    def ticks(*speakers):
        ax = draw(plot.power(designs([{"speakers": n} for n in speakers])))
        return [label.get_text() for label in ax.get_xticklabels()]

    assert ticks(6, 8, 12, 16, 24, 32) == ["6", "8", "12", "16", "24", "32"]
    assert "81" not in ticks(80, 81, 950)
    assert "7" not in ticks(*range(5, 155, 2))
    assert all(float(text).is_integer() for text in ticks(*range(1, 12)))


def test_what_varies_is_the_horizontal_axis():
    utterances = draw(plot.power(designs([{"utterances": n, "power": n / 100} for n in (40, 30)])))
    assert utterances.get_xlabel() == "Utterances of each speaker"
    assert curves(utterances) == [[(30, 30), (40, 40)]]
    assert "20 speakers;" in facts(utterances)
    assert utterances.get_legend() is None
    delta = draw(plot.power(designs([{"delta": d, "power": 0.4} for d in (0.003, 0.01)])))
    assert delta.get_xlabel() == "True difference, points"
    assert curves(delta) == [[(0.3, 40), (1.0, 40)]]
    both = plot.power(designs([{"delta": d, "speakers": n} for d in (0.003, 0.01) for n in (10, 20)]))
    assert [text.get_text() for text in both.get_legend().get_texts()] == ["0.3 points", "1 point"]


def test_one_design_is_a_point_with_its_interval():
    ax = draw(plot.power(designs([{}])))
    assert curves(ax) == [[(20, 50)]]
    assert intervals(ax, 1) == [(45.0, 55.0)]
    assert not [
        collection
        for collection in ax.collections
        if hasattr(collection, "get_facecolor") and len(collection.get_facecolor())
    ]
    assert "30 utterances each" in facts(ax)


def test_designs_without_an_answer_are_counted_and_doubles_refused():
    ax = draw(plot.power(designs([{}, {"speakers": None, "power": None, "low": None, "high": None}])))
    assert curves(ax) == [[(20, 50)]]
    assert facts(ax).endswith("; 1 design of unknown power left out")
    assert not curves(draw(plot.power(designs([{"power": None}]))))
    assert not curves(draw(plot.power(designs([{}])[:0])))
    with pytest.raises(InvalidInput, match="Several rows would be one point by speakers"):
        plot.power(designs([{}, {}]))
    with pytest.raises(InvalidInput, match="power table needs the column power"):
        plot.power(designs([{}]).drop(columns="power"))
    apart = plot.power(designs([{"unit": "word"}, {"unit": "char"}]))
    assert [text.get_text() for text in apart.get_legend().get_texts()] == ["word", "char"]


@pytest.mark.parametrize("text", HOSTILE)
def test_labels_are_text_and_nothing_else(text):
    shown = text.replace("\n", "⏎").replace("\u202e", "\\u202e") or "(empty)"
    frame = summary(
        [
            {"a": a, text or "b": b, "rate": 0.1, "low": 0.05, "high": 0.2, "normalizer": text}
            for a in (text, "other")
            for b in (text, "more")
        ]
    )
    ax = draw(plot.rates(frame))
    label = ax.get_xticklabels()[0].get_text().replace("\n", " ")
    assert label == (shown if len(shown) <= 40 else f"{shown[:26]}…{shown[-13:]}")
    assert ax.get_legend().get_texts()[0].get_text() == label
    axs = draw(plot.deltas(comparison([{"level": text, "baseline": text, "delta": 0.1, "low": 0.0, "high": 0.2}])))
    foreign = {"level": text, "moderator": text, "moderator_level": text, "moderator_baseline": text, "delta": 0.1}
    mixed = draw(plot.deltas(effects([{**INTERACTION, **foreign}, MAIN])))
    planned = draw(plot.power(designs([{"source": text}, {"source": "other"}, {"test": text, "source": "more"}])))
    for each in (ax, axs, mixed, planned):
        for part in each.figure.findobj(lambda artist: hasattr(artist, "get_parse_math") and artist.get_text()):
            foreign = not part.get_text().strip("−+.0123456789*")
            assert foreign or not part.get_parse_math()


def test_missing_labels_are_not_known():
    frame = summary([{"speaker": None, "rate": 0.1, "low": 0.0, "high": 0.2}, {"speaker": "a", "rate": 0.1}])
    assert [label.get_text() for label in plot.rates(frame).get_xticklabels()] == ["not known", "a"]


def test_missing_fonts_are_not_asked_for():
    assert set(text_style()["fontfamily"]) <= {*mpl.rcParams["font.family"], *font_manager.get_font_names()}


def test_importing_chooses_no_backend():
    code = "import matplotlib; from asrlab.views import plot; print(matplotlib.rcParams._get_backend_or_none() is None)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "True"
