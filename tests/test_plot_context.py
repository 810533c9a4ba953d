"""Figures of context, hints, ITN, audits and explanations: the numbers and words in them. No pixels."""

from __future__ import annotations

import pandas as pd
import pytest

from asrlab import tables
from asrlab.errors import InvalidInput
from asrlab.views import plot

HOSTILE = ["$x_1$", "\\frac{1}{2} $", "_hidden", "line\nbreak", "x" * 300, "", "一份很长的上下文标签" * 8, "%s{}"]
MADE = {
    "level": 0.95, "method": "ratio t", "unit": "word", "form": "spoken", "normalizer": "en-1",
    "block_kind": "speaker", "n_utts": 30, "n_blocks": 8, "n_failed": 2, "lost": "dropped",
}  # fmt: skip


pytestmark = pytest.mark.usefixtures("figures_drawn")


def table(name, rows):
    """Make a table as the statistics do: by-columns first."""
    made = {key: value for key, value in MADE.items() if key in tables.SCHEMAS[name]}
    frame = tables.check(pd.DataFrame([{**made, **row} for row in rows]), name, required=())
    by = [column for column in frame.columns if column not in tables.SCHEMAS[name]]
    return frame[[*by, *tables.SCHEMAS[name]]]


def texts(ax):
    return [text.get_text() for text in ax.texts]


def below(ax):
    return [label.get_text() for label in ax.get_xticklabels()]


def at_left(ax):
    return [label.get_text() for label in ax.get_yticklabels()]


def title(ax):
    return " ".join(ax.get_title(loc="left").split())


def legend(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def points(ax):
    return [list(zip(*map(list, line.get_data()), strict=True)) for line in ax.lines if len(line.get_xdata())]


def ladder(*rows, **by):
    names = ("context", "recall", "error", "leak")
    made = [dict(zip(names, row, strict=True)) for row in rows]
    ends = [{f"{n}{e}": row[n] for n in names[1:] for e in ("_low", "_high")} for row in made]
    return [{**by, **row, **end, "false_terms": 1.5, "distractors": 0.5} for row, end in zip(made, ends, strict=True)]


def test_a_slope_has_a_line_a_measure_and_says_what_is_counted_in_a_thousand():
    ax = plot.slope(table("context_ladder", ladder(("none", 0.4, 0.12, 0.0), ("oracle", 0.9, 0.11, 0.02))))
    assert legend(ax) == ["term recall", "error rate of all words", "leak rate"]
    assert {"40.0", "90.0", "12.0", "11.0", "0.0", "2.0"} == set(texts(ax))
    assert below(ax) == ["none\n1.5 false terms\n0.5 distractors", "oracle\n1.5 false terms\n0.5 distractors"]
    assert "95% intervals" in title(ax)
    assert "4 failed" in title(ax)
    assert [y for _, y in points(ax)[0]] == pytest.approx([40, 90])


def test_values_of_a_slope_that_meet_stand_above_one_another():
    rows = ladder(("none", 0.0, 0.0, 0.0), ("list", 0.5, 0.51, 0.02), ("long", 1.0, 1.0, 0.0))
    ax = plot.slope(table("context_ladder", rows))
    ax.figure.canvas.draw()
    boxes = [text.get_window_extent() for text in ax.texts]
    assert len(boxes) == 9
    assert not any(one.overlaps(other) for n, one in enumerate(boxes) for other in boxes[:n])


def test_a_slope_leaves_out_what_it_does_not_know_and_shows_what_has_no_interval():
    rows = ladder(("none", 0.4, pd.NA, pd.NA), ("domain", pd.NA, pd.NA, pd.NA), ("oracle", 0.9, pd.NA, pd.NA))
    rows[2] |= {"recall_low": pd.NA, "recall_high": pd.NA}
    ax = plot.slope(table("context_ladder", rows))
    assert legend(ax) == ["term recall"]
    assert texts(ax) == ["40.0", "90.0"]
    assert "hollow: no interval" in title(ax)


def test_a_slope_shows_rates_above_all_and_names_its_unit_and_method():
    rows = ladder(("none", 0.4, 2.2, 0.0), ("oracle", 0.9, 1.1, 0.02))
    rows[0]["error_high"] = 3.0
    ax = plot.slope(table("context_ladder", [{**row, "unit": "char"} for row in rows]))
    assert ax.get_ylim()[1] > 300
    assert "220.0" in texts(ax)
    assert legend(ax)[1] == "error rate of all characters"
    assert title(ax).startswith("unit: char; spoken reference; normalizer en-1; 95% intervals; ratio t; 30 utt")


def test_several_ladders_are_several_lines():
    rows = [*ladder(("none", 0.4, 0.1, 0), model="a"), *ladder(("none", 0.5, 0.1, 0), model="b")]
    ax = plot.slope(table("context_ladder", rows), measures=["recall"])
    assert legend(ax) == ["a · term recall", "b · term recall"]
    assert below(ax) == ["none"]


def curve(*rows, **by):
    names = ("size", "recall", "distractors")
    return [{**by, "list": f"n={row[0]}", **dict(zip(names, row, strict=True))} for row in rows]


def test_a_bias_curve_joins_sizes_in_order_and_says_its_trend():
    rows = curve((1000, 0.7, 4.0), (0, 0.5, 0.1), (10, 0.9, 0.5), (500, pd.NA, 1.0))
    rows = [
        {**row, "recall_trend": 0.012, "recall_trend_p": 0.03, "recall_trend_n": 21, "distractors_trend": 1.25}
        for row in rows
    ]
    ax = plot.bias_curve(table("bias_curve", rows))
    assert points(ax)[0] == [pytest.approx(p) for p in [(0.1, 50), (0.5, 90), (4, 70)]]
    assert texts(ax) == ["1000", "0", "10"]
    for fact in (
        "recall +1.20 points (p = 0.030, not corrected, 21 utterances)",
        "distractors +1.25",
        "left out, not known: 500",
        "hollow",
    ):
        assert fact in title(ax)


def explanation(*parts):
    rate, rows = 0.02, []
    for name, delta in parts:
        rows.append(
            {"part": name, "from": "a", "to": "b", "rate_before": rate, "rate_after": rate + delta, "delta": delta}
        )
        rate += delta
    return tables.check(pd.DataFrame(rows).assign(method="in order"), "explanation", required=())


def test_a_waterfall_goes_from_one_rate_to_the_other():
    ax = plot.waterfall(explanation(("normalizer", 0.01), ("missing", -0.005), ("not explained", 0.0001)))
    assert at_left(ax) == ["ours", "normalizer\na → b", "missing\na → b", "not explained\na → b", "theirs"]
    assert texts(ax) == ["2.00%", "2.51%", "+1.00", "−0.50", "+0.01"]
    bars = sorted((bar.get_y() + 0.3, bar.get_x(), bar.get_width(), bar.get_hatch()) for bar in ax.patches)
    assert [bar[0] for bar in bars] == pytest.approx([0, 1, 2, 3, 4])
    assert [bar[1] for bar in bars] == pytest.approx([0, 2, 3, 2.5, 0])
    assert [bar[2] for bar in bars] == pytest.approx([2, 1, -0.5, 0.01, 2.51])
    assert [bar[3] or "" for bar in bars][1:4] == ["//", "", ".."]


def test_a_waterfall_says_what_its_rates_are_of():
    counted = explanation(("normalizer", 0.01)).assign(
        n_answers_before=30, n_answers_after=32, n_lost_before=0, n_lost_after=2, ref_len_before=467, ref_len_after=470
    )
    assert "30-32 answers; 467-470 units in the references; 2 trials without an answer" in title(
        plot.waterfall(counted)
    )


def test_parts_that_do_not_follow_one_another_are_refused():
    whole = explanation(("normalizer", 0.01), ("missing", -0.005))
    for wrong in (whole[::-1], whole.assign(delta=0.0), whole.head(0), whole.assign(rate_after=pd.NA)):
        with pytest.raises(InvalidInput):
            plot.waterfall(wrong)


def summary(*rows):
    return table("summary", [{"low": pd.NA, "high": pd.NA, **row} for row in rows])


def test_a_heat_map_writes_each_value_and_shows_what_is_not_there():
    rows = [("zh", "none", 0.1), ("zh", "en", 0.95), ("en", "none", pd.NA)]
    cells = summary(*({"spoken": y, "hint": x, "rate": rate} for y, x, rate in rows))
    ax = plot.heat(cells, x="hint", y="spoken")
    assert {text.get_position(): text.get_text() for text in ax.texts} == {
        (0, 0): "10.0",
        (1, 0): "95.0",
        (0, 1): "NA",
        (1, 1): "–",
    }
    assert [bar.get_hatch() for bar in ax.patches].count("///") == 1
    assert (below(ax), at_left(ax)) == (["none", "en"], ["zh", "en"])
    for fact in ("Word error rate (WER), %", "NA: not known", "dash: no row of it"):
        assert fact in title(ax)


def test_a_heat_map_of_differences_has_signs_and_one_of_counts_has_not():
    cells = pd.DataFrame({"a": ["x", "y"], "b": ["z", "z"], "delta": [-0.101, 0.2], "n": [3, 4]})
    assert texts(plot.heat(cells, x="a", y="b", value="delta")) == ["−10.10", "+20.00"]
    assert texts(plot.heat(cells, x="a", y="b", value="n")) == ["3", "4"]
    for wrong in ({"value": "a"}, {"value": "c"}, {"x": "b"}):
        with pytest.raises(InvalidInput):
            plot.heat(cells, **{"x": "a", "y": "b", "value": "n", **wrong})


def test_a_heat_map_writes_per_cent_of_shares_only():
    cells = pd.DataFrame({"a": ["x", "y"], "b": "z", "seconds": [2.5, 100.0], "p_adjusted": [0.0156, 1.0]})
    for value, written in (("seconds", ["2.5", "100"]), ("p_adjusted", ["0.0156", "1"])):
        ax = plot.heat(cells, x="a", y="b", value=value)
        assert texts(ax) == written
        assert "%" not in title(ax)
    assert texts(plot.heat(cells.assign(recall=[0.5, 1.0]), x="a", y="b", value="recall")) == ["50.0", "100.0"]


def test_a_heat_map_of_differences_says_what_they_are_of():
    made = {"axis": "context", "baseline": "none", "unit": "word", "test": "sign-flip", "correction": "holm"}
    made |= {"n_pairs": 8, "n_comparisons": 2, "confidence": 0.95, "form": "spoken", "normalizer": "en-1"}
    rows = [{"language": name, **made, "level": "terms", "delta": -0.1} for name in ("en", "zh")]
    ax = plot.heat(table("comparison", rows), x="level", y="language", value="delta")
    assert texts(ax) == ["−10.00", "−10.00"]
    assert title(ax) == (
        "Difference in word error rate (WER), points; against none; spoken reference; normalizer en-1; 8 pairs; "
        "sign-flip; p adjusted by Holm over 2 comparisons"
    )


def test_a_heat_map_names_its_normalizer_where_no_level_is_known_and_refuses_what_nobody_could_read():
    rows = summary({"x": "a", "y": "b", "rate": 0.1})
    assert title(plot.heat(rows.assign(level=pd.NA), x="x", y="y")).startswith(
        "Word error rate (WER), %; spoken reference; normalizer en-1; 30 utterances"
    )
    many = summary(*({"x": f"{n}", "y": "b", "rate": 0.1} for n in range(24)))
    with pytest.raises(InvalidInput, match="24 by 1 cells have no room"):
        plot.heat(many, x="x", y="y", ax=plot.column())


def test_a_dumbbell_has_no_difference_of_other_utterances_and_shows_what_is_below_zero():
    rows = [("a", "off", 40, 0.1), ("a", "on", 2, 0.3), ("b", "off", 40, 0.1), ("b", "on", 40, 0.3)]
    cells = summary(*({"c": c, "itn": on, "n_utts": n, "rate": r, "low": -0.2, "high": 0.5} for c, on, n, r in rows))
    ax = plot.dumbbell(cells, x="itn")
    assert texts(ax) == ["other utterances", "+20.00"]
    assert ax.get_xlim()[0] < -20
    assert "differences of two rates, not paired: plot.deltas tests them" in title(ax)


def test_a_dumbbell_joins_two_settings_of_each_class():
    rows = [("date", False, 0.5), ("date", True, 0.2), ("money", False, 0.3), ("money", True, pd.NA)]
    cells = summary(*({"number_class": c, "enable_itn": on, "rate": rate} for c, on, rate in rows))
    ax = plot.dumbbell(cells)
    assert at_left(ax) == ["date", "money"]
    assert legend(ax) == ["False", "True"]
    assert texts(ax) == ["−30.00", "no rate: True"]
    assert [[x for x, _ in line] for line in points(ax)][2] == pytest.approx([50, 20])
    with pytest.raises(InvalidInput, match="two ends"):
        plot.dumbbell(cells.head(3), x="rate")
    with pytest.raises(InvalidInput, match="two settings"):
        plot.dumbbell(cells.head(1))


def audited(**row):
    made = {"axis": "context", "level": "terms", "baseline": "none", "verdict": "acts", "n_utts": 5, "n_pairs": 5}
    return {**made, "in_wording": 0.5, "in_form": 0.2, "floor": 0.1, "floor_wording": 0.05, **row}


def test_an_audit_shows_what_changed_and_what_changes_by_itself():
    unknown = audited(
        in_wording=pd.NA, in_form=pd.NA, floor=pd.NA, floor_wording=pd.NA, verdict="cannot tell", n_pairs=1
    )
    ax = plot.audit(table("audit", [audited(), unknown]))
    assert at_left(ax) == [
        "context: terms against none\nacts, 5 pairs",
        "context: terms against none\ncannot tell, 1 pair",
    ]
    assert texts(ax) == ["50.0", "20.0", "not known"]
    widths = [bar.get_width() for bar in ax.patches][::2]
    assert widths == pytest.approx([50, 20, 30])
    assert [line.get_segments()[0][0][0] for line in ax.collections] == pytest.approx([10, 5])
    assert "dashed: share that differs between repeats" in title(ax)


FIGURES = {
    "slope": lambda labels: table("context_ladder", ladder(*((label, 0.5, 0.1, 0.0) for label in labels))),
    "bias_curve": lambda labels: table("bias_curve", [r for n in labels for r in curve((10, 0.5, 1.0), list_kind=n)]),
    "waterfall": lambda labels: explanation(*((label, 0.01) for label in labels)),
    "dumbbell": lambda labels: summary(*({"c": label, "x": x, "rate": 0.5} for label in labels for x in "ab")),
    "audit": lambda labels: table("audit", [audited(level=label, baseline=label) for label in labels]),
}


@pytest.mark.parametrize("name", FIGURES)
def test_labels_of_any_kind_and_one_row(name):
    getattr(plot, name)(FIGURES[name](HOSTILE))
    getattr(plot, name)(FIGURES[name](["only"]))


def test_heat_has_labels_of_any_kind():
    cells = summary(*({"x": x, "y": y, "rate": 0.5} for x in HOSTILE for y in HOSTILE[:3]))
    plot.heat(cells, x="x", y="y")


@pytest.mark.parametrize("name", ["slope", "bias_curve", "waterfall", "audit"])
def test_other_tables_are_refused_with_the_figure_that_draws_them(name):
    with pytest.raises(InvalidInput, match=r"This is a summary: plot\.rates draws it"):
        getattr(plot, name)(summary({"context": "a", "rate": 0.1}))
    with pytest.raises(InvalidInput, match="table needs the column"):
        getattr(plot, name)(pd.DataFrame({"part": ["x"]}))


@pytest.mark.parametrize("name", ["waterfall", "dumbbell", "audit"])
def test_more_than_fits_is_refused(name):
    with pytest.raises(InvalidInput, match="do not fit"):
        getattr(plot, name)(FIGURES[name]([f"label {n}" for n in range(200)]))


def test_rows_that_would_be_one_mark_are_refused():
    for name in ("slope", "bias_curve", "dumbbell"):
        twice = pd.concat([FIGURES[name](["a", "b"])] * 2)
        with pytest.raises(InvalidInput, match="Several rows"):
            getattr(plot, name)(twice)
