"""Precision, recall and F1 of pooled counts, by hand and against the intervals of one ratio."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from asrlab.errors import InvalidInput
from asrlab.scoring.terms import scores as term_scores
from asrlab.stats.intervals import ratio_interval
from asrlab.stats.precision_recall import precision_recall


def answers(rows, unit="term", **columns):
    """A scores table from utt_id, block, said, heard and hits of each answer."""
    made = []
    for utt_id, block, said, heard, hits in rows:
        base = {"utt_id": utt_id, "block": block, "block_kind": "speaker", "ins": 0}
        made.append({**base, "unit": unit, "hits": hits, "subs": 0, "dels": said - hits, "ref_len": said})
        made.append({**base, "unit": f"heard {unit}", "hits": hits, "subs": heard - hits, "dels": 0, "ref_len": heard})
    return pd.DataFrame(made).assign(**columns)


DRAWN = [
    (f"u{n}", f"s{n % 8}", *some)
    for n, some in enumerate(
        (int(said), int(heard), int(min(said, heard, hits)))
        for said, heard, hits in np.random.default_rng(5).integers(0, 6, (40, 3))
    )
]


def test_worked_example():
    table = term_scores(
        ["call doctor win about invoice nguyen"],
        ["call doctor nguyen about the invoice"],
        terms=["nguyen", "invoice"],
    )
    found = precision_recall(table)
    assert found[["unit", "recall", "precision", "f1"]].to_numpy().tolist() == [["term", 0.5, 0.5, 0.5]]
    assert found[["said", "heard", "hits", "false"]].to_numpy().tolist() == [[2, 2, 1, 1]]
    assert found["recall_low"].isna().all()
    assert "no interval" in found["method"].iloc[0]


def test_pooled_counts_and_the_interval_of_each_ratio():
    found = precision_recall(answers(DRAWN)).iloc[0]
    table = pd.DataFrame(DRAWN, columns=["utt_id", "block", "said", "heard", "hits"])
    by_block = table.groupby("block")[["said", "heard", "hits"]].sum()
    for name, hits, of in (
        ("recall", by_block["hits"], by_block["said"]),
        ("precision", by_block["hits"], by_block["heard"]),
        ("f1", 2 * by_block["hits"], by_block["said"] + by_block["heard"]),
    ):
        expected = ratio_interval(hits, of, share=True)
        assert found[[name, f"{name}_low", f"{name}_high"]].tolist() == pytest.approx(list(expected[:3]))
    p, r = found["precision"], found["recall"]
    assert found["f1"] == pytest.approx(2 * p * r / (p + r))
    assert found[["n_utts", "n_blocks"]].tolist() == [40, 8]


def test_settings_and_units_are_rows_of_their_own():
    both = pd.concat(
        [
            answers(DRAWN, context="none"),
            answers(DRAWN[:20], context="list"),
            answers(DRAWN, unit="mark", context="none"),
        ]
    )
    found = precision_recall(both)
    assert found[["context", "unit"]].to_numpy().tolist() == [["none", "term"], ["none", "mark"], ["list", "term"]]
    alone = precision_recall(answers(DRAWN[:20]))
    assert found["recall"].iloc[2] == alone["recall"].iloc[0]
    pooled = precision_recall(both[both["unit"] != "mark"], by=[])
    assert pooled["said"].tolist() == [2 * sum(row[2] for row in DRAWN[:20]) + sum(row[2] for row in DRAWN[20:])]


def test_nothing_said_or_heard_has_no_rate():
    found = precision_recall(answers([("a", "s", 0, 2, 0), ("b", "t", 0, 1, 0)])).iloc[0]
    assert pd.isna(found["recall"])
    assert found["precision"] == 0
    assert found["f1"] == 0
    silent = precision_recall(answers([("a", "s", 2, 0, 0), ("b", "t", 1, 0, 0)])).iloc[0]
    assert pd.isna(silent["precision"])
    assert silent["recall"] == 0


def test_failed_trials_are_counted_and_not_in_the_rates():
    table = answers([("a", "s", 2, 2, 2), ("b", "t", 2, 2, 1)])
    table["state"] = ["answered"] * 2 + ["failed"] * 2
    dropped = table.copy()
    dropped.loc[2:, ["hits", "subs", "dels", "ins", "ref_len"]] = np.nan
    found = precision_recall(dropped).iloc[0]
    assert found[["recall", "n_failed", "lost", "said"]].tolist() == [1.0, 1, "dropped", 2]
    deleted = table.assign(hits=[2, 2, 0, pd.NA], subs=[0, 0, 0, pd.NA], dels=[0, 0, 2, pd.NA], ins=[0, 0, 0, pd.NA])
    deleted["ref_len"] = [2, 2, 2, pd.NA]
    found = precision_recall(deleted).iloc[0]
    assert found[["recall", "precision", "n_failed", "lost"]].tolist() == [0.5, 1.0, 1, "all-deleted"]


@pytest.mark.parametrize(
    ("broken", "match"),
    [
        (lambda t: t[t["unit"] == "term"], "made of two units.*these scores have term"),
        (lambda t: t.iloc[1:], "1 answers have one of two units and lack the other, such as a"),
        (lambda t: pd.concat([t, t]), "stand twice"),
        (lambda t: t.drop(columns="block"), "needs the column"),
        (lambda t: t.iloc[:0], "these scores have none"),
        (lambda t: t.assign(recall="x"), "has a column 'recall' of its own"),
    ],
)
def test_what_cannot_be_done_is_said(broken, match):
    with pytest.raises(InvalidInput, match=match):
        precision_recall(broken(answers([("a", "s", 2, 2, 2), ("b", "t", 2, 2, 1)])))


def test_levels_are_checked():
    with pytest.raises(InvalidInput, match="level must lie between"):
        precision_recall(answers(DRAWN), level=95)
