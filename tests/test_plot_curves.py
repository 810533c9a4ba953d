"""Figures of rates along a number, and of the ladder of forms: the numbers and words in them. No pixels."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import asrlab as lab
from asrlab import tables
from asrlab.errors import InvalidInput
from asrlab.views import plot
from asrlab.views.plot.ink import MARKERS

HOSTILE = ["$x_1$", "\\frac{1}{2} $", "_hidden", "line\nbreak", "x" * 300, "", "\u202e <script>%s{}"]
MADE = {
    "level": 0.95, "method": "ratio t by speaker", "unit": "word", "form": "spoken", "normalizer": "en-1",
    "block_kind": "speaker", "n_utts": 30, "n_blocks": 8,
}  # fmt: skip


pytestmark = pytest.mark.usefixtures("figures_drawn")


def summary(*rows):
    frame = tables.check(
        pd.DataFrame([{**MADE, "low": None, "high": None, **row} for row in rows]), "summary", required=()
    )
    return frame[[*(name for name in frame if name not in tables.SCHEMAS["summary"]), *tables.SCHEMAS["summary"]]]


def along(labels, rates, **by):
    rows = [{**by, "snr": label, "rate": rate} for label, rate in zip(labels, rates, strict=True)]
    return [row | {"low": row["rate"] - 0.02, "high": row["rate"] + 0.04} for row in rows]


def lines(ax):
    """Give the points of the lines with markers that are not hollow."""
    marked = [line for line in ax.lines if line.get_marker() in MARKERS and line.get_color() != "white"]
    return [[(round(x, 6), round(y, 6)) for x, y in zip(*line.get_data(), strict=True)] for line in marked]


def below(ax):
    return {label.get_text(): round(label.get_position()[0], 6) for label in ax.get_xticklabels()}


def facts(ax):
    return ax.get_title("left").replace("\n", " ")


NOISE = [
    *along(["clean", "20", "10", "0"], [0.1, 0.12, 0.2, 0.5], noise="pink"),
    *along(["clean", "20", "10", "0"], [0.1, 0.13, 0.3, 0.9], noise="babble"),
]


def test_a_curve_has_rates_at_their_numbers_in_the_order_of_the_rows():
    ax = plot.curve(summary(*NOISE), x="snr")
    pink, pink_clean, babble, babble_clean = lines(ax)
    # What falls from row to row falls from left to right, so that places are told from the larger end.
    assert pink == [(0, 50), (10, 20), (20, 12)]
    assert babble == [(0, 90), (10, 30), (20, 13)]
    left, right = ax.get_xlim()
    assert left > right
    assert [y for _, y in (*pink_clean, *babble_clean)] == [10, 10]
    assert below(ax) == {"clean": 23.2, "20": 20, "10": 10, "0": 0}
    assert {round(np.mean([pink_clean[0][0], babble_clean[0][0]]), 6)} == {23.2}
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("SNR, dB", "Word error rate (WER), %")
    assert facts(ax) == (
        "lines: noise; spoken reference; normalizer en-1; 95% intervals; ratio t by speaker; 30 utterances; 8 speakers"
    )


def test_the_band_and_the_bar_are_the_intervals():
    ax = plot.curve(summary(*NOISE[:4]), x="snr")
    band, bar = ax.collections
    corners = {(round(x, 6), round(y, 6)) for x, y in band.get_paths()[0].vertices}
    assert corners == {(0, 48), (0, 54), (10, 18), (10, 24), (20, 10), (20, 16)}
    assert [tuple(np.round(point, 6)) for point in bar.get_segments()[0]] == [(23.2, 8), (23.2, 14)]


def test_what_is_no_number_is_set_apart_by_a_break_at_its_end():
    def breaks(*labels):
        ax = plot.curve(summary(*along(labels, [0.1 + 0.01 * n for n in range(len(labels))])), x="snr")
        at = [round(text.get_position()[0], 6) for text in ax.texts if text.get_text() == "//"]
        return at, below(ax), ax.get_xlim()[0] < ax.get_xlim()[1]

    assert breaks("-5", "0", "5", "inf") == ([5.8], {"\N{MINUS SIGN}5": -5, "0": 0, "5": 5, "inf": 6.6}, True)
    assert breaks("none", "0", "10") == ([-0.8], {"none": -1.6, "0": 0, "10": 10}, True)
    both = {"inf": 11.6, "10": 10, "0": 0, "not known": -1.6}
    assert breaks("inf", "10", "0", None) == ([-0.8, 10.8], both, False)
    assert breaks("10", "0", "5") == ([], {"0": 0, "5": 5, "10": 10}, True)
    assert breaks("clean", "codec", "0", "10")[1] == {"clean": -3.2, "codec": -1.6, "0": 0, "10": 10}


def test_labels_may_have_a_unit():
    frame = summary(*along(["inf", "10 dB", "\N{MINUS SIGN}5 dB"], [0.1, 0.2, 0.3]))
    ax = plot.curve(frame, x="snr")
    assert below(ax) == {"inf": 12.4, "10": 10, "\N{MINUS SIGN}5": -5}
    assert ax.get_xlabel() == "SNR, dB"
    speeds = plot.curve(frame.assign(speed=["0.8x", "1x", "1.25x"]).drop(columns="snr"), x="speed")
    assert speeds.get_xlabel() == "speed, x"
    assert list(below(speeds)) == ["0.8", "1", "1.25"]
    numbers = plot.curve(summary({"gain": -6, "rate": 0.1}, {"gain": 0.5, "rate": 0.2}), x="gain")
    assert below(numbers) == {"\N{MINUS SIGN}6": -6, "0.5": 0.5}
    with pytest.raises(InvalidInput, match=r"several units \(Hz, kHz\)"):
        plot.curve(frame[:2].assign(snr=["8 kHz", "300 Hz"]), x="snr")


@pytest.mark.parametrize("label", ["1,500", "0,5", "1:30", "2024-01-05", "10/5", "10-20", "5.0.1"])
def test_what_begins_as_a_number_and_is_none_is_refused(label):
    with pytest.raises(InvalidInput, match="begins as a number"):
        plot.curve(summary(*along(["clean", "20", label], [0.1, 0.2, 0.3])), x="snr")


def test_numbers_far_apart_go_by_powers_of_ten_and_are_written_as_they_are():
    ax = plot.curve(summary(*along(["none", "1", "10", "123456.5"], [0.1, 0.2, 0.3, 0.4])), x="snr")
    assert ax.get_xscale() == "log"
    assert [x for x, _ in lines(ax)[0]] == [1, 10, 123456.5]
    assert list(below(ax)) == ["none", "1", "10", "123456.5"]
    assert ax.get_xlim()[0] < lines(ax)[1][0][0] < 1
    assert "by powers of ten" in facts(ax)
    assert plot.curve(summary(*along(["0.1 dB", "40 dB"], [0.1, 0.2])), x="snr").get_xscale() == "linear"
    crowded = plot.curve(summary(*along([*range(40), 40.5], [0.1] * 41)), x="snr")
    assert f"{len(below(crowded))} of 41 places have their label below" in facts(crowded)


def test_what_is_set_apart_stays_beyond_its_break():
    rows = [row for n in range(14) for row in along(["clean", "20", "0"], [0.1, 0.2, 0.3], noise=f"{n:02d}")]
    ax = plot.curve(summary(*rows), x="snr")
    (at,) = [text.get_position()[0] for text in ax.texts if text.get_text() == "//"]
    assert all(points[0][0] > at + 0.5 for points in lines(ax) if len(points) == 1)
    # What a legend shows of 14 lines tells them apart, and there is room for it.
    handles = ax.get_legend().legend_handles
    assert len({(line.get_color(), line.get_marker()) for line in handles}) == 14
    assert len({(line.get_marker(), line.get_linestyle()) for line in ax.lines if line.get_marker() in MARKERS}) >= 6


@pytest.mark.parametrize("ax", ["new", "column"])
def test_a_legend_of_many_lines_is_within_its_figure(ax):
    rows = [row for n in range(24) for row in along(["20", "0"], [0.2, 0.3], noise=f"noise {n:02d}")]
    drawn = plot.curve(summary(*rows), x="snr", ax=None if ax == "new" else plot.column())
    drawn.figure.canvas.draw()
    box, whole = drawn.get_legend().get_window_extent(), drawn.figure.bbox
    assert (box.x1 <= whole.x1, box.y0 >= 0, box.y1 <= whole.y1) == (True, True, True)
    assert drawn.get_window_extent().height / drawn.figure.dpi > 3


def test_the_interval_of_a_point_between_others_without_one_is_a_bar():
    frame = summary(*along(["20", "10", "0", "-10"], [0.1, 0.2, 0.3, 0.4]))
    frame.loc[[1, 3], ["low", "high"]] = pd.NA
    (bars,) = plot.curve(frame, x="snr").containers
    ends = [tuple(np.round(segment[:, 1], 6)) for segment in bars[2][0].get_segments()]
    assert sorted(ends) == [(8, 14), (28, 34)]


def test_lines_of_which_one_ends_early_are_named_in_a_legend():
    frame = summary(*NOISE)
    frame.loc[7, ["rate", "low", "high"]] = pd.NA
    ax = plot.curve(frame, x="snr")
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["pink", "babble"]
    assert not [text for text in ax.texts if text.get_text() != "//"]


def test_a_rate_that_is_not_known_is_a_gap_and_one_without_an_interval_hollow():
    frame = summary(*along(["20", "10", "5", "0"], [0.1, 0.2, 0.3, 0.4]))
    frame.loc[1, ["rate", "low", "high"]] = pd.NA
    frame.loc[2, ["low", "high"]] = pd.NA
    ax = plot.curve(frame, x="snr")
    assert [y for _, y in lines(ax)[0]][:2] == [40, 30]
    assert np.isnan(lines(ax)[0][2][1])
    (hollow,) = [line for line in ax.lines if line.get_color() == "white" and len(line.get_xdata())]
    assert list(hollow.get_xdata()) == [5]
    assert facts(ax).endswith("hollow: no interval; no rate: 1 point")


def test_lines_are_named_at_their_ends_where_there_is_room_and_else_in_a_legend():
    ax = plot.curve(summary(*NOISE), x="snr")
    named = {text.get_text(): text.xy[1] for text in ax.texts if text.get_text() != "//"}
    assert named == {"pink": pytest.approx(50), "babble": pytest.approx(90)}
    assert ax.get_legend() is None
    many = summary(*(row for n in range(7) for row in along(["5", "0"], [0.1, 0.1], noise=f"noise {n}")))
    ax = plot.curve(many, x="snr")
    assert [text.get_text() for text in ax.get_legend().get_texts()] == [f"noise {n}" for n in range(7)]
    assert ax.get_legend().get_title().get_text() == "noise"
    assert [handle.get_marker() for handle in ax.get_legend().legend_handles] == list("os^DvPo")
    assert plot.curve(summary(*NOISE[:4]), x="snr").get_legend() is None


def test_names_at_ends_that_meet_stand_above_one_another():
    rows = [row for n in range(5) for row in along(["5", "0"], [0.1, 0.2], noise=f"noise {n}")]
    ax = plot.curve(summary(*rows), x="snr")
    ax.figure.canvas.draw()
    boxes = [text.get_window_extent() for text in ax.texts]
    assert len(boxes) == 5
    assert ax.bbox.y0 <= min(box.y0 for box in boxes) < max(box.y1 for box in boxes) <= ax.bbox.y1
    assert not any(one.overlaps(other) for n, one in enumerate(boxes) for other in boxes[:n])


def test_a_curve_refuses_what_it_cannot_draw():
    frame = summary(*NOISE)
    for wrong, words in (
        ({"x": "db"}, "no column 'db' to draw by; this summary is by noise, snr"),
        ({"x": "snr", "hue": "colour"}, "no column 'colour'"),
        ({"x": "noise"}, "No label of column 'noise' can be read as a number"),
        ({"x": "snr", "hue": "unit"}, "Several rows would be one point by snr, unit"),
    ):
        with pytest.raises(InvalidInput, match=words):
            plot.curve(frame, **wrong)
    with pytest.raises(InvalidInput, match="counts in char and word"):
        plot.curve(summary(*NOISE[:2], {**NOISE[2], "unit": "char"}), x="snr")
    with pytest.raises(InvalidInput, match="are the same number"):
        plot.curve(summary(*along(["5", "5.0"], [0.1, 0.2])), x="snr")
    for draws in (lambda table: plot.curve(table, x="snr"), plot.ladder):
        with pytest.raises(InvalidInput, match=r"a comparison: plot\.deltas draws it"):
            draws(tables.empty("comparison"))


@pytest.mark.parametrize("ax", ["new", "column"])
def test_no_rows_and_one_row_are_drawn(ax):
    def drawn(frame):
        return plot.curve(frame, x="snr", ax=None if ax == "new" else plot.column())

    frame = summary(*NOISE)
    assert lines(drawn(frame[1:2])) == [[(20, 12)]]
    assert facts(drawn(frame[:0])) == "no rows"
    assert facts(drawn(summary({"snr": "0", "rate": None}))).endswith("no rate: 1 point")


@pytest.mark.parametrize("text", HOSTILE)
def test_names_of_any_kind_are_text(text):
    rows = [row for name in (text, "b") for row in along([text, "5", "0"], [0.1, 0.2, 0.3], noise=name)]
    ax = plot.curve(summary(*rows), x="snr")
    plot.ladder(summary(*({**row, "rung": row["snr"]} for row in rows)).drop(columns="snr"))
    for part in ax.figure.findobj(lambda artist: hasattr(artist, "get_parse_math") and artist.get_text()):
        assert not part.get_text().strip("\N{MINUS SIGN}+.0123456789") or not part.get_parse_math()


RUNGS = ["surface", "case", "numbers"]


def rungs(rates, **by):
    return [
        {**by, "rung": rung, "rate": rate, "low": rate - 0.02, "high": rate + 0.02, "normalizer": f"en-2@{rung}"}
        for rung, rate in zip(RUNGS, rates, strict=True)
    ]


def test_a_ladder_has_its_rungs_in_order_and_names_the_normalizer_once():
    ax = plot.ladder(summary(*rungs([0.3, 0.25, 0.1], itn="off"), *rungs([0.5, 0.45, 0.1], itn="on")))
    off, on = lines(ax)
    assert [y for _, y in off] == [30, 25, 10]
    assert [y for _, y in on] == [50, 45, 10]
    assert [round(x) for x, _ in (*off, *on)] == [0, 1, 2] * 2
    assert list(below(ax)) == RUNGS
    assert facts(ax).startswith("lines: itn; spoken reference; normalizer en-2; 95% intervals")
    written = [text.get_text() for text in ax.texts]
    assert sorted(written) == ["10.0", "10.0", "25.0", "30.0", "45.0", "50.0", "off", "on"]


def test_a_ladder_is_drawn_of_what_lab_ladder_makes():
    said, heard = ["It cost $150.", "Yes"], ["it cost 150 dollars", "yes"]
    frame = lab.summarize(lab.ladder(heard, said, language="en"), by="rung")
    ax = plot.ladder(frame)
    assert [y for _, y in lines(ax)[0]] == pytest.approx(100 * frame["rate"].to_numpy(float))
    assert facts(ax).count("@") == 0
