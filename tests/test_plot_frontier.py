"""Figures of price and time: the numbers and words in them. No pixels."""

from __future__ import annotations

import warnings

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex

from asrlab import tables
from asrlab.errors import InvalidInput
from asrlab.views import plot

HOSTILE = [
    "$x_1$",
    "\\frac{1}{2} $",
    "_hidden",
    "line\nbreak\x00",
    "x" * 10_000,
    "",
    "一份很长的上下文标签" * 8,
    "%s{}",
]
BLUE, WHITE = "#0072b2", "#ffffff"
MADE = {
    "level": 0.95, "unit": "word", "form": "spoken", "normalizer": "en-1", "block_kind": "speaker", "n_utts": 30,
    "n_blocks": 8, "n_left_out": 0, "criteria": "rate,usd_per_hour,seconds_median",
}  # fmt: skip
ROWS = [  # model, rate, US dollars an hour, seconds, optimal, membership
    ("large", 0.05, 0.20, 4.0, True, 0.98),
    ("small", 0.10, 0.12, 9.0, True, 0.71),
    ("old", 0.12, 0.20, 9.5, False, 0.02),
    ("quick", 0.15, 0.25, 1.0, True, 1.0),
]


@pytest.fixture(autouse=True)
def _agg():
    """Draw without a screen, and leave nothing open and no setting changed."""
    plt.switch_backend("agg")
    before = mpl.rcParams.copy()
    yield
    plt.close("all")
    assert mpl.rcParams == before


def frontier(rows=ROWS, by="model", **more):
    names = (by, "rate", "usd_per_hour", "seconds_median", "optimal", "membership")
    made = [dict(zip(names, row, strict=True)) for row in rows]
    ends = [{"low": 0.8 * row["rate"], "high": 1.2 * row["rate"]} for row in made]
    frame = pd.DataFrame([{**MADE, **row, **end} for row, end in zip(made, ends, strict=True)]).assign(**more)
    checked = tables.check(frame, "frontier", required=())
    own = [name for name in checked.columns if name not in tables.SCHEMAS["frontier"]]
    return checked[[*own, *tables.SCHEMAS["frontier"]]]


def costs(values, by="model", value="elapsed_s", state="answered"):
    """One row an asking: values of each setting, None where there is none."""
    rows = [
        {by: name, "utt_id": f"u{k}", "condition": name, "repeat": 0, "state": state, value: at, "shared_by": 1}
        for name, given in values.items()
        for k, at in enumerate(given)
    ]
    return tables.check(pd.DataFrame(rows), "costs", required=())


def title(ax):
    return " ".join(ax.get_title(loc="left").split())


def names(ax):
    return [" ".join(text.get_text().split()) for text in ax.texts]


def marks(ax):
    """Place, colour and marker of each setting that is drawn."""
    return [  # from the left
        (*(float(at[0]) for at in line.get_data()), to_hex(line.get_markerfacecolor()), line.get_marker())
        for line in ax.lines
        if line.get_marker() in {"o", "s"} and len(line.get_xdata()) == 1
    ]


def steps(ax):
    found = [line for line in ax.lines if line.get_drawstyle() == "steps-post"]
    return [list(zip(*map(list, line.get_data()), strict=True)) for line in found]


def test_settings_stand_at_their_price_and_error_filled_where_they_are_optimal():
    ax = plot.frontier(frontier())
    assert [mark[2:] for mark in marks(ax)] == [(BLUE, "o"), (BLUE, "o"), (WHITE, "o"), (BLUE, "o")]
    assert [mark[:2] for mark in marks(ax)] == [
        pytest.approx(at) for at in ((0.12, 10), (0.20, 5), (0.20, 12), (0.25, 15))
    ]
    assert sorted(names(ax)) == ["large 98%", "old 2%", "quick 100%", "small 71%"]
    # quick is worth its time alone: over the price it is not on the line.
    [line] = steps(ax)
    assert line == [pytest.approx(at) for at in ((0.12, 10), (0.20, 5))]
    assert ax.get_xlabel() == "Price, US dollars for an hour of recordings"
    assert ax.get_ylabel() == "Word error rate (WER), %"
    for fact in (
        "spoken reference", "normalizer en-1", "95% intervals", "30 utterances", "8 speakers",
        "filled: no other is as good in error, price and median time, and better in one",
        "%: resamples in which it is filled", "line: best error at that price or less",
    ):  # fmt: skip
        assert fact in title(ax)
    ends = [segment[:, 1] for segment in ax.containers[0].lines[2][0].get_segments()]
    assert [tuple(end) for end in ends] == [pytest.approx(at) for at in ((4, 6), (8, 12), (9.6, 14.4), (12, 18))]


def test_over_time_the_line_is_another():
    ax = plot.frontier(frontier(), x="seconds_median")
    assert [mark[0] for mark in marks(ax)] == [1.0, 4.0, 9.0, 9.5]
    assert steps(ax) == [[pytest.approx((1.0, 15)), pytest.approx((4.0, 5))]]
    assert "line: best error in that time or less" in title(ax)
    assert ax.get_xlabel().startswith("Median time from submit to answer")


def test_where_all_cost_the_same_or_nobody_knows_time_is_drawn():
    for price, said in ((0.0, "price 0 in all settings"), (0.126, ""), (pd.NA, "price not known")):
        ax = plot.frontier(frontier(usd_per_hour=price))
        assert ax.get_xlabel().startswith("Median time")
        assert said in title(ax)
        assert ("price 0" in title(ax), "price not known" in title(ax)) == (said[:7] == "price 0", said[6:9] == "not")
    ax = plot.frontier(frontier(usd_per_hour=0.126, seconds_median=pd.NA))
    assert ax.get_xlabel().startswith("Price")


def test_a_price_that_is_not_known_is_never_drawn_as_zero():
    ax = plot.frontier(frontier(usd_per_hour=pd.NA), x="usd_per_hour")
    assert marks(ax) == []
    assert names(ax) == ["price not known"]
    assert len(ax.get_xticks()) == 0
    rows = [ROWS[0], ("dear", 0.07, None, 3.0, None, None), ("silent", None or np.nan, 0.3, 3.0, None, None)]
    ax = plot.frontier(frontier(rows))
    assert len(marks(ax)) == 1
    assert "not drawn, price or rate not known: dear, silent" in title(ax)


def test_a_price_of_zero_is_drawn_as_zero():
    ax = plot.frontier(frontier(usd_per_hour=0.0), x="usd_per_hour")
    assert [mark[0] for mark in marks(ax)] == [0.0] * 4
    assert ax.get_xlim()[0] < 0 < ax.get_xlim()[1]


def test_what_is_not_known_of_a_setting_has_a_mark_of_its_own():
    ax = plot.frontier(frontier([*ROWS[:2], ("odd", 0.11, 0.19, 2.0, None, None)]))
    assert [mark[2:] for mark in marks(ax)] == [(BLUE, "o"), (WHITE, "s"), (BLUE, "o")]
    assert "square: what is not known could decide it" in title(ax)
    assert "odd" in names(ax)


def test_many_settings_are_numbered_from_the_cheapest():
    rows = [(f"setting {k}", 0.05 + 0.01 * k, 0.5 - 0.02 * k, 1.0, k == 0, 0.5) for k in range(15)]
    ax = plot.frontier(frontier(rows))
    assert sorted(names(ax), key=int) == [str(k) for k in range(1, 16)]
    assert [text.get_text() for text in ax.get_legend().get_texts()][::14] == ["1  setting 14 50%", "15  setting 0 50%"]


def test_names_that_would_cover_one_another_give_way_to_numbers():
    rows = [(f"a rather long name of setting {k}", 0.1 + 0.001 * k, 0.2, 1.0, k == 0, 0.5) for k in range(9)]
    rows += [("far away", 0.1, 0.5, 1.0, False, 0.0)]
    ax = plot.frontier(frontier(rows))
    assert sorted(names(ax), key=int) == [str(k) for k in range(1, 11)]
    assert ax.get_legend().get_texts()[-1].get_text() == "10  far away 0%"


def boxes(ax):
    ax.figure.canvas.draw()
    return [text.get_window_extent() for text in ax.texts]


def test_names_stand_apart_and_within_the_axes():
    rng = np.random.default_rng(3)
    for more in range(2):
        rows = [(f"setting {k}", *rng.uniform((0.05, 0.1, 1), (0.2, 0.3, 9)), True, 0.5) for k in range(7 + more)]
        for given in (None, plot.column(height=3.5)):
            ax = plot.frontier(frontier(rows), ax=given)
            found = boxes(ax)
            overlaps = [
                (one, other)
                for k, one in enumerate(found)
                for other in found[k + 1 :]
                if one.shrunk(0.9, 0.9).overlaps(other)
            ]
            assert len(overlaps) <= (0 if ax.figure.get_figwidth() > 4 else 1)
            inner = ax.get_window_extent().padded(4)
            assert all(inner.x0 <= box.x0 and box.x1 <= inner.x1 for box in found)


def test_prices_far_apart_go_by_powers_of_ten():
    rows = [("a", 0.2, 0.01, 1.0, True, 1.0), ("b", 0.1, 2.0, 1.0, True, 1.0)]
    ax = plot.frontier(frontier(rows, low=-0.1))
    assert ax.get_xscale() == "log"
    assert "by powers of ten" in title(ax)
    assert ax.get_ylim()[0] < -10
    assert plot.frontier(frontier()).get_xscale() == "linear"


def test_names_leave_out_what_all_conditions_have_in_common():
    rows = [(f"context=none, model={name}", *rest) for name, *rest in ROWS]
    ax = plot.frontier(frontier(rows, by="condition"))
    assert "model=large 98%" in names(ax)
    assert "all with context=none" in title(ax)


def test_what_was_left_out_failed_or_is_doubtful_is_said():
    note = "price not known; too few speakers (2): true of these voices only"
    made = frontier(n_left_out=[0, 3, 1, 2], n_failed=[0, 2, 0, 0], lost=["dropped"] * 4, note=note)
    ax = plot.frontier(made)
    assert "left out for want of a partner: 1-3 answers" in title(ax)
    assert "not in the rates: 2 failed" in title(ax)
    assert "too few speakers (2): true of these voices only" in title(ax)


@pytest.mark.parametrize("ax", [None, "column"])
def test_hostile_names_are_drawn_as_they_are(ax):
    rows = [(name, *ROWS[k % 4][1:]) for k, name in enumerate(HOSTILE)]
    found = plot.frontier(frontier(rows), ax=plot.column() if ax else None)
    assert len(marks(found)) == len(HOSTILE)
    listed = found.get_legend().get_texts() if ax else []
    assert any("(empty) 71%" in text for text in [*names(found), *(text.get_text() for text in listed)])
    long = costs({name: [1.0, 2.0] for name in HOSTILE})
    lines = plot.distribution(long, ax=plot.column() if ax else None)
    assert len(lines.get_yticklabels()) == len(HOSTILE)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # such as of a missing glyph
        for one in (found, lines):
            one.figure.canvas.draw()


def test_no_settings_are_said_to_be_none():
    for ax in (plot.frontier(frontier().head(0)), plot.distribution(costs({"a": [1.0]}).head(0))):
        assert names(ax) in (["no settings"], ["no askings"])
        assert "filled" not in title(ax)


def test_other_tables_and_columns_are_refused():
    for bad, options, match in (
        (tables.empty("summary"), {}, "This is a summary: plot.rates draws it"),
        (frontier(), {"x": "beauty"}, "no 'beauty' to draw across"),
        (pd.concat([frontier(), frontier(unit="char")]), {}, "counts in char and word"),
        (pd.concat([frontier(), frontier(form="written")]), {}, "not held against one another: form is"),
    ):
        with pytest.raises(InvalidInput, match=match):
            plot.frontier(bad, **options)
    for bad, options, match in (
        (tables.empty("summary"), {}, "This is a summary: plot.rates draws it"),
        (costs({"a": [1.0]}), {"value": "beauty"}, "no 'beauty' to draw"),
        (costs({"a": [1.0]}), {"by": "mood"}, "no column 'mood' to draw by"),
        (costs({f"s{k}": [1.0] for k in range(80)}), {}, "80 lines do not fit"),
    ):
        with pytest.raises(InvalidInput, match=match):
            plot.distribution(bad, **options)


def lines_of(ax):
    return [" ".join(label.get_text().split()) for label in ax.get_yticklabels()]


def drawn(ax):
    """Values that are drawn in each line, in order."""
    return [sorted(line.get_xdata()) for line in ax.lines if line.get_marker() == "."]


def test_a_distribution_has_a_line_a_setting_with_its_middle_and_90th_percentile():
    values = {"large": [1.0, 2.0, 3.0, 4.0, 10.0], "small": [0.5, 0.7]}
    ax = plot.distribution(costs(values))
    assert lines_of(ax) == ["large median 3 s, p90 7.6 s; 5 answered", "small median 0.6 s, p90 0.68 s; 2 answered"]
    assert drawn(ax) == [values["large"], values["small"]]
    thick = [line.get_xdata()[0] for line in ax.lines if line.get_linewidth() == 2.5]
    thin = [line.get_xdata()[0] for line in ax.lines if line.get_linewidth() == 1.0 and line.get_marker() == "None"]
    assert (thick, thin) == (pytest.approx([3.0, 0.6]), pytest.approx([7.6, 0.68]))
    box = ax.patches[0]
    assert (box.get_x(), box.get_width()) == (2.0, 2.0)
    assert ax.get_xlabel() == "Time from submit to answer, seconds"
    assert "by model; 2-5 utterances; box: middle half" in title(ax)


def test_failed_not_run_and_not_known_are_counted_and_never_drawn():
    one = costs({"a": [1.0, 2.0, None]})
    more = pd.concat([one, *(costs({"a": [0.0]}, state=state) for state in ("failed", "failed", "unknown", "not run"))])
    ax = plot.distribution(pd.concat([more, costs({"b": [None]}), costs({"c": [None]}, state="failed")]))
    assert lines_of(ax) == [
        "a median 1.5 s, p90 1.9 s; 3 answered, 2 failed, 1 unknown, 1 not run, time not known of 1",
        "b 1 answered, time not known of all",
        "c 0 answered, 1 failed",
    ]
    assert "worked out for this figure" in title(ax)
    assert drawn(ax) == [[1.0, 2.0]]


def test_a_state_that_is_not_known_is_no_answer():
    made = pd.concat([costs({"a": [3.0]}, state=None), costs({"a": [-1.0, 2.0]}), costs({"a": [4.0]}, state="lost")])
    ax = plot.distribution(made)
    assert lines_of(ax) == ["a median 0.5 s, p90 1.7 s; 2 answered, 1 lost, 1 state not known"]
    assert drawn(ax) == [[-1.0, 2.0]]
    assert ax.get_xlim()[0] < -1


def test_prices_are_dollars_and_unknown_ones_are_no_zeros():
    ax = plot.distribution(costs({"a": [0.000211, 0.000211]}, value="usd"), "usd")
    assert lines_of(ax) == ["a median $0.000211, p90 $0.000211; 2 answered"]
    ax = plot.distribution(costs({"a": [0.0, 0.0]}, value="usd"), "usd")
    assert "price 0 in all" in title(ax)
    assert drawn(ax) == [[0.0, 0.0]]
    ax = plot.distribution(costs({"a": [None, None]}, value="usd"), "usd")
    assert (names(ax), drawn(ax)) == (["price not known"], [])
    ax = plot.distribution(costs({"a": [None]}, value="usd", state="failed"), "usd")
    assert names(ax) == ["no answers"]
    shared = costs({"a": [0.1]}, value="usd").assign(shared_by=2)
    assert "each its share" in title(plot.distribution(shared, "usd"))


def test_values_far_apart_go_by_powers_of_ten_but_never_with_a_zero():
    assert plot.distribution(costs({"a": [0.1, 50.0]})).get_xscale() == "log"
    assert plot.distribution(costs({"a": [0.0, 50.0]})).get_xscale() == "linear"
    assert plot.distribution(costs({"a": [1.0, np.inf]})).get_xscale() == "linear"


def test_of_very_many_values_some_are_drawn_and_that_is_said():
    values = np.random.default_rng(1).exponential(2, 9_000).round(4).tolist()
    ax = plot.distribution(costs({"a": values}))
    assert "evenly chosen 2,000 of each line" in title(ax)
    [shown] = drawn(ax)
    assert len(shown) == 2000
    assert (shown[0], shown[-1]) == (min(values), max(values))
    assert f"median {np.median(values):.3g} s" in lines_of(ax)[0]


def test_settings_are_the_axes_that_vary_or_what_is_asked_for():
    made = costs({"large": [1.0], "small": [2.0]}).assign(region="x")
    assert lines_of(plot.distribution(made))[0].startswith("large median")
    assert lines_of(plot.distribution(made, by="region"))[0].startswith("x median")
    assert len(lines_of(plot.distribution(made, by=["model", "region"]))) == 2
    assert lines_of(plot.distribution(made.drop(columns=["model", "region"])))[1].startswith("small")
    assert lines_of(plot.distribution(made, by=[]))[0].startswith("all median")


def test_axes_that_were_given_are_drawn_in():
    _, (left, right) = plt.subplots(1, 2)
    before = plt.get_fignums()
    assert plot.frontier(frontier(), ax=left) is left
    assert plot.distribution(costs({"a": [1.0]}), ax=right) is right
    assert plt.get_fignums() == before
