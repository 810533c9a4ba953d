"""Figures of rankings and races: the numbers and words in them. No pixels."""

from __future__ import annotations

import matplotlib as mpl
import matplotlib.pyplot as plt
import pandas as pd
import pytest
from figures import table
from matplotlib.colors import to_hex

from asrlab import tables
from asrlab.errors import InvalidInput
from asrlab.views import plot

BLUE, WHITE = "#0072b2", "#ffffff"
RANKED = [  # rate, whether it is among the best, share of resamples, p, rival
    ("old", 0.12, False, 0.0, 0.0004, "large"),
    ("large", 0.05, True, 0.71, 1.0, None),
    ("none", None, None, None, None, None),
    ("small", 0.06, True, 0.29, 0.4, None),
]
RACED = [  # look, fraction, setting, rate, whether it is dropped, rival, rate of the rival
    (1, 0.25, "model=a, itn=on", 0.05, False, "model=b, itn=on", 0.06),
    (1, 0.25, "model=b, itn=on", 0.06, False, "model=a, itn=on", 0.05),
    (1, 0.25, "model=c, itn=on", 0.12, True, "model=a, itn=on", 0.05),
    (2, 0.5, "model=a, itn=on", 0.055, False, "model=b, itn=on", 0.05),
    (2, 0.5, "model=b, itn=on", 0.05, False, "model=a, itn=on", 0.055),
]


@pytest.fixture(autouse=True)
def _agg():
    """Draw without a screen, and leave nothing open and no setting changed."""
    plt.switch_backend("agg")
    before = mpl.rcParams.copy()
    yield
    plt.close("all")
    assert mpl.rcParams == before


def ranking(rows=RANKED, by="model", **more):
    names = (by, "rate", "among_best", "p_best", "p", "rival")
    made = [dict(zip(names, row, strict=True)) for row in rows]
    ends = [{} if row["rate"] is None else {"low": 0.8 * row["rate"], "high": 1.3 * row["rate"]} for row in made]
    found = table("ranking", [{**row, **end} for row, end in zip(made, ends, strict=True)])
    return found.assign(test="greatest t by sign-flips by speaker, exact", **more)


def race(rows=RACED, **more):
    names = ("look", "fraction", "condition", "rate", "dropped", "rival", "rival_rate")
    return table("race", [dict(zip(names, row, strict=True)) for row in rows]).assign(n_planned=32, **more)


def title(ax):
    return " ".join(ax.get_title(loc="left").split())


def labels(ax):
    return [label.get_text().split("\n") for label in ax.get_yticklabels()]


def test_settings_are_ranked_from_the_top_and_filled_where_they_may_be_the_best():
    ax = plot.ranking(ranking())
    assert labels(ax) == [
        ["large", "lowest in 71.0% of resamples"],
        ["small", "lowest in 29.0% of resamples"],
        ["old", "lowest in 0.0% of resamples", "lost to large, p < 0.001"],
        ["none"],
    ]
    drawn = [line for line in ax.lines if line.get_marker() in {"o", "s"} and len(line.get_xdata()) == 1]
    marks = {float(line.get_ydata()[0]): (float(line.get_xdata()[0]), line.get_markerfacecolor()) for line in drawn}
    assert {at: (rate, to_hex(colour)) for at, (rate, colour) in marks.items()} == {
        0: (pytest.approx(5), BLUE),
        1: (pytest.approx(6), BLUE),
        2: (pytest.approx(12), WHITE),
    }
    ends = [segment[:, 0] for segment in ax.containers[0].lines[2][0].get_segments()]
    assert [tuple(end) for end in ends] == [pytest.approx(at) for at in ((9.6, 15.6), (4, 6.5), (4.8, 7.8))]
    assert sorted(text.get_text() for text in ax.texts) == ["12.0", "5.0", "6.0"]
    assert ax.get_xlabel() == "Word error rate (WER), %"
    for fact in (
        "spoken reference", "95% intervals", "30 utterances", "8 speakers",
        "greatest t by sign-flips by speaker, exact", "filled: not told from the best, at 95%",
    ):  # fmt: skip
        assert fact in title(ax)


def test_what_is_not_known_of_a_ranking_is_said():
    rows = [(name, rate, None, None, None, None) for name, rate in (("a", 0.1), ("b", 0.2))]
    ax = plot.ranking(ranking(rows, low=pd.NA, high=pd.NA, n_left_out=[0, 3], note="too few utterances (5) for a test"))
    assert {line.get_marker() for line in ax.lines if len(line.get_xdata()) == 1} == {"s"}
    assert sorted(text.get_text() for text in ax.texts) == ["10.0*", "20.0*"]
    for fact in ("square: not known", "* no interval", "too few utterances (5)", "want of a partner: 3 answers"):
        assert fact in title(ax)
    assert "filled" not in title(ax)


def test_bars_of_a_race_end_where_settings_were_dropped():
    ax = plot.race(race())
    assert labels(ax) == [["model=b", "5.0%"], ["model=a", "5.5%"], ["model=c", "12.0%, lost to model=a with 5.0%"]]
    bars = [[(bar.get_y() + 0.25, bar.get_width()) for bar in container] for container in ax.containers]
    assert bars == [[pytest.approx((0, 50)), pytest.approx((1, 50))], [pytest.approx((2, 25))]]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["kept", "dropped"]
    for fact in (
        "all with itn=on", "2 looks", "32 blocks", "word error rate (WER) when last looked at",
        "25.0% of all trials are not asked", "a best setting is dropped in at most 5% of races",
    ):  # fmt: skip
        assert fact in title(ax)
    assert "intervals" not in title(ax)
    everyone = [(1, 0.25, f"c{n}", None, False, None, None) for n in range(2)]
    ax = plot.race(race(everyone))
    assert labels(ax) == [["c0", "not known"], ["c1", "not known"]]
    assert "0.0% of all trials are not asked" in title(ax)


def test_other_tables_and_too_many_settings_are_refused():
    comparison = table("comparison", [{"level": "a", "delta": 0.1, "low": 0.0, "high": 0.2}])
    for draws in (plot.ranking, plot.race):
        with pytest.raises(InvalidInput, match=r"a comparison: plot\.deltas draws it"):
            draws(comparison)
        with pytest.raises(InvalidInput, match="needs the column"):
            draws(tables.empty("words"))
    rows = [(f"m{n}", 0.1, True, 0.0, None, None) for n in range(200)]
    with pytest.raises(InvalidInput, match="200 settings do not fit"):
        plot.ranking(ranking(rows))
    mixed = ranking().assign(unit=["word", "word", "char", "char"])
    with pytest.raises(InvalidInput, match="char and word"):
        plot.ranking(mixed)
    with pytest.raises(InvalidInput, match=r"This is .*: plot\.rates draws it"):
        plot.ranking(ranking()[["model", "rate", "low", "high"]])


def test_hostile_names_are_written_as_they_are():
    name = "$x_1$ \\frac{1}{2} <b>"
    ax = plot.ranking(ranking([(name, 0.1, True, 1.0, 1.0, None)]))
    assert labels(ax)[0][0] == name
    ax.figure.canvas.draw()
