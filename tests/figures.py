"""Tables that are hard to draw, one a figure, and what does not fit in a figure that was drawn of one."""

from __future__ import annotations

import pandas as pd

from asrlab import tables
from asrlab.views import plot

#: Labels of a table.
LABELS = {
    "long": [f"一份很长的上下文标签其中没有任何空格也不能断开{n}" for n in range(5)],
    "24": [f"condition {n}" for n in range(24)],
    "24 long": [f"language=right, context=list of {n} names, 标签, enable_itn=False" for n in range(24)],
    "one": ["only"],
}
MADE = {
    "level": 0.95, "confidence": 0.95, "unit": "word", "form": "spoken", "normalizer": "en-1", "block_kind": "speaker",
    "n_utts": 30, "n_pairs": 64, "n_blocks": 8, "n_failed": 2, "lost": "dropped", "correction": "holm",
    "n_comparisons": 24, "p_adjusted": 0.03, "test": "sign-flip by speaker", "baseline": "none", "target": 0.8,
    "delta": 0.003, "axis": "context",
    "n_simulations": 2000, "n_questions": 30, "n_repeats": 3, "verdict": "acts", "floor": 0.1, "floor_wording": 0.05,
}  # fmt: skip
_SUMMARY = {"level": 0.95, "method": "ratio t by speaker; too few speakers (3): true of these only"}


def table(name, rows):
    """Make a table as its function does: by-columns first."""
    made = {key: value for key, value in MADE.items() if key in tables.SCHEMAS[name]}
    made |= _SUMMARY if name == "summary" else {}
    frame = tables.check(pd.DataFrame([{**made, **row} for row in rows]), name, required=())
    by = [column for column in frame.columns if column not in tables.SCHEMAS[name]]
    return frame[[*by, *tables.SCHEMAS[name]]]


def rate(n):
    """Give a rate with its interval; some rows have none, and some none at all."""
    if n % 7 == 1:
        return {"rate": None, "low": None, "high": None}
    share = 0.03 + 0.06 * (n % 5)
    ends = {"low": None, "high": None} if n % 7 == 2 else {"low": 0.7 * share, "high": 1.6 * share}
    return {"rate": share, **ends}


def delta(n):
    """Give a difference, as for a rate."""
    found = rate(n)
    return {
        "delta": None if found["rate"] is None else 0.15 - found["rate"],
        "low": found["low"],
        "high": found["high"],
    }


def _rates(labels):
    return table("summary", [{"context": label, **rate(n)} for n, label in enumerate(labels)])


def _pairs(labels):
    rows = [(label, itn) for label in labels for itn in ("off", "on")]
    return table("summary", [{"context": label, "itn": itn, **rate(n)} for n, (label, itn) in enumerate(rows)])


def _deltas(labels):
    return table("comparison", [{"level": label, **delta(n)} for n, label in enumerate(labels)])


def _slope(labels):
    shares = ("recall", "error", "leak")
    rows = [
        {"context": label, "false_terms": 1.5, "distractors": 0.5}
        | {f"{name}{end}": 0.3 * k + 0.02 * (n % 4) for k, name in enumerate(shares) for end in ("", "_low", "_high")}
        for n, label in enumerate(labels)
    ]
    return table("context_ladder", rows)


def _bias_curve(labels):
    rows = [
        {"kind": label, "list": f"{size}", "size": size, "recall": 0.5 + 0.08 * n, "distractors": n + size / 300}
        for n, label in enumerate(labels[:5])
        for size in (10, 300, 1000)
    ]
    return table("bias_curve", rows)


def _waterfall(labels):
    parts = [
        {"part": label, "from": label, "to": "theirs", "delta": 0.01 * (-1) ** n} for n, label in enumerate(labels)
    ]
    frame = table("explanation", parts)
    return frame.assign(rate_after=0.02 + frame["delta"].cumsum(), method="in order").assign(
        rate_before=lambda made: made["rate_after"] - made["delta"]
    )


def _audit(labels):
    rows = [{"level": label, "in_wording": 0.5, "in_form": 0.02 * (n % 9)} for n, label in enumerate(labels)]
    return table("audit", [*rows, {"level": "unknown", "verdict": "cannot tell"}])


def _power(labels):
    rows = [{"source": label, "speakers": k, "utterances": 30} for label in labels[:5] for k in (10, 20, 30)]
    return table("power", [{**row, "power": 0.5, "low": 0.45, "high": 0.55, "rate": 0.05} for row in rows])


def _curve(labels):
    rows = [(label, snr) for label in labels[:5] for snr in ("clean", "20 dB", "10 dB", "5 dB", "0 dB", "-5 dB")]
    return table("summary", [{"noise": label, "snr": snr, **rate(n)} for n, (label, snr) in enumerate(rows)])


def _ladder(labels):
    rungs = ("surface", "characters", "case", "punctuation", "script", "spelling", "numbers")
    rows = [(label, rung) for label in labels[:4] for rung in rungs]
    return table("summary", [{"itn": label, "rung": rung, **rate(n)} for n, (label, rung) in enumerate(rows)])


def _confusion(labels):
    rows = [
        {"kind": kind, "ref": label if kind != "ins" else None, "hyp": label[::-1] if kind != "del" else None}
        | {"count": 100 - n, "n_utts": 20}
        for n, (label, kind) in enumerate(zip(labels, ("sub", "del", "ins") * 8, strict=False))
    ]
    return table("confusions", rows)


def _agreement(labels):
    rows = [
        {"context": label, "rate": 0.1, "rate_low": 0.09, "rate_high": 0.112, "repeat_noise": 0.002, "same": None}
        | ({} if n % 7 == 1 else {"same": 0.95 - 0.02 * n, "low": 0.9 - 0.02 * n, "high": 0.97 - 0.02 * n})
        for n, label in enumerate(labels)
    ]
    return table("agreement", rows)


def _ranking(labels):
    rows = [
        {"context": label, **rate(n), "among_best": None if n % 7 == 1 else n % 3 == 0, "p_best": 0.2, "p": 0.01}
        | {"rival": labels[0] if n % 3 else None}
        for n, label in enumerate(labels)
    ]
    return table("ranking", rows)


def _race(labels):
    rows = [
        {"condition": label, "look": n % 4 + 1, "fraction": 0.25 * (n % 4 + 1), "dropped": n % 4 < 3, "rate": 0.1}
        | {"rival": labels[-1], "rival_rate": 0.05, "n_planned": 64}
        for n, label in enumerate(labels)
    ]
    return table("race", rows)


#: Figure -> how it is drawn, and its table of some labels.
FIGURES = {
    "rates": (plot.rates, _rates),
    "rates in groups": (plot.rates, _pairs),
    "deltas": (plot.deltas, _deltas),
    "slope": (plot.slope, _slope),
    "bias_curve": (plot.bias_curve, _bias_curve),
    "waterfall": (plot.waterfall, _waterfall),
    "audit": (plot.audit, _audit),
    "heat": (lambda frame, **to: plot.heat(frame, x="itn", y="context", **to), _pairs),
    "heat, turned": (lambda frame, **to: plot.heat(frame, x="context", y="itn", **to), _pairs),
    "dumbbell": (lambda frame, **to: plot.dumbbell(frame, x="itn", **to), _pairs),
    "power": (plot.power, _power),
    "curve": (lambda frame, **to: plot.curve(frame, x="snr", **to), _curve),
    "ladder": (plot.ladder, _ladder),
    "confusion": (plot.confusion, _confusion),
    "agreement": (plot.agreement, _agreement),
    "ranking": (plot.ranking, _ranking),
    "race": (plot.race, _race),
}
#: Figures that say in an error why nothing can be drawn of no rows.
REFUSE_NOTHING = {"dumbbell", "waterfall"}


def texts(ax):
    """Give all that is written in and around Axes."""
    axes = [(ax.xaxis, sorted(ax.get_xlim())), (ax.yaxis, sorted(ax.get_ylim()))]
    ticks = [
        tick.label1 for axis, (low, high) in axes for tick in axis.get_major_ticks() if low <= tick.get_loc() <= high
    ]
    legend = ax.get_legend()
    named = [legend.get_title(), *legend.get_texts()] if legend else []
    title = [child for child in ax.get_children() if child is getattr(ax, "_left_title", None)]
    found = [*ax.texts, ax.xaxis.label, ax.yaxis.label, *title, *ticks, *named]
    return [text for text in found if text.get_visible() and text.get_text().strip()]


def unfit(figure):
    """Tell which texts of a figure stand beyond its edges, and which over one another."""
    figure.canvas.draw()
    boxes = [(text, text.get_window_extent()) for ax in figure.axes for text in texts(ax)]
    wide, high = figure.bbox.width, figure.bbox.height
    cut = [
        f"cut: {text.get_text()!r}"
        for text, box in boxes
        if box.x0 < -1 or box.y0 < -1 or box.x1 > wide + 1 or box.y1 > high + 1
    ]
    # The box of a text at an angle is larger than the text.
    level = [(text, box) for text, box in boxes if text.get_rotation() % 90 == 0]
    met = [
        f"met: {text.get_text()!r} and {other.get_text()!r}"
        for n, (text, box) in enumerate(level)
        for other, its in level[:n]
        if min(box.x1, its.x1) - max(box.x0, its.x0) > 1.5 and min(box.y1, its.y1) - max(box.y0, its.y0) > 2.5
    ]
    return cut + met
