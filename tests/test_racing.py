"""Races: each look worked out by hand, what is written down, how a race goes on; and small simulations of many."""

from __future__ import annotations

import json
import math

import numpy as np
import pandas as pd
import pytest
from benchmarked import benchmark
from marked import fail, grid, left_out
from scipy import stats

import asrlab as lab
from asrlab import tables
from asrlab.errors import InvalidInput
from asrlab.stats.boundaries import next_level
from asrlab.stats.racing import dropped, lost_to

worlds, choosing = benchmark("worlds"), benchmark("choosing")


@pytest.fixture(autouse=True)
def from_the_first_block_on(monkeypatch, request):
    """Let races be small enough to be worked out by hand."""
    if "as_it_is" not in request.fixturenames:
        monkeypatch.setattr("asrlab.stats.racing.FEWEST_ASKED", 1)


@pytest.fixture
def as_it_is():
    """Leave the rules as they are."""


NAMES = ("setting=a", "setting=b", "setting=c")


def scores_of(bad=(0, 0, 6), speakers=8, utterances=4, seed=1):
    """Scores of three settings, the last of which has many more errors."""
    scores = grid({"setting": ("a", "b", "c")}, speakers, utterances, seed)
    more = scores["condition"].map(dict(zip(NAMES, bad, strict=True))).astype("Int64")
    scores["ins"] += more
    return scores.assign(hyp_len=pd.NA)


def order_of(scores):
    """The first utterance of each speaker, then the second of each, and so on."""
    return sorted(scores["utt_id"].unique(), key=lambda name: name.split("-")[::-1])


def as_far_as(scores, asked, order, kept=NAMES):
    """What has come in when so many utterances were asked: the other trials have no answers yet."""
    here = scores["utt_id"].isin(order[:asked]) & scores["condition"].isin(kept)
    return fail(scores, ~here, "not run")


def run(race, scores, at, *, planned=32, earlier=()):
    """Take looks when so many utterances were asked."""
    rows = list(earlier)
    for asked in at:
        kept = [name for name in NAMES if name not in dropped(rows)]
        seen = as_far_as(scores, asked, order_of(scores), kept)
        rows += race.look(seen, settings=NAMES, asked=asked, planned=planned, earlier=rows)
    return rows


@pytest.fixture
def race():
    return lab.Race(lambda transcripts: transcripts, looks=4)


def by_hand(scores, one, rival):
    """The rate of each of two settings, and the ratio t of their difference by speaker."""
    sides = []
    for name in (one, rival):
        part = scores[(scores["condition"] == name) & scores["subs"].notna()]
        errors = (part["subs"] + part["dels"] + part["ins"]).groupby(part["block"]).sum()
        sides.append((errors.tolist(), part["ref_len"].groupby(part["block"]).sum().tolist()))
    delta, error = left_out(*sides)
    rates = [sum(errors) / sum(lengths) for errors, lengths in sides]
    return rates, delta, error, len(sides[0][0])


def test_a_look_is_as_by_hand(race):
    scores = scores_of()
    rows = run(race, scores, [16])
    seen = as_far_as(scores, 16, order_of(scores))
    boundary = 0.05 / 2 * 0.5**0.25
    assert [row["condition"] for row in rows] == list(NAMES)
    for row in rows:
        against = {}
        for rival in NAMES:
            if rival != row["condition"]:
                rates, delta, error, blocks = by_hand(seen, row["condition"], rival)
                against[rival] = (stats.t.sf(delta / error, blocks - 1), delta, error, blocks, rates)
        rival = min(against, key=lambda name: against[name][0])
        p, delta, error, blocks, rates = against[rival]
        half = stats.t.isf(boundary, blocks - 1) * error
        assert row["rival"] == rival
        assert row["boundary"] == pytest.approx(boundary)
        assert [row[name] for name in ("rate", "rival_rate")] == pytest.approx(rates)
        assert [row[name] for name in ("p", "delta", "statistic")] == pytest.approx([p, delta, delta / error])
        assert [row[name] for name in ("low", "high")] == pytest.approx([delta - half, delta + half])
        assert row["dropped"] == (p <= boundary) == (row["low"] >= 0)
        assert (row["n_blocks"], row["n_pairs"], row["block_kind"]) == (blocks, 16, "speaker")
        assert (row["look"], row["fraction"], row["n_asked"], row["n_planned"], row["level"]) == (1, 0.5, 16, 32, 0.95)
        assert (row["n_settings"], row["unit"], row["form"], row["normalizer"]) == (3, "word", "spoken", "en-1")
    assert dropped(rows) == {"setting=c": rows[2]["rival"]}


def test_boundaries_go_on_from_the_looks_before_whenever_these_were(race):
    rows = run(race, scores_of(bad=(0, 0, 0)), [9, 10, 30, 32])
    asked, levels = [], []
    for look in (1, 2, 3, 4):
        mine = [row for row in rows if row["look"] == look]
        asked.append(mine[0]["n_asked"])
        levels.append(next_level(asked, levels, 0.025 * (asked[-1] / 32) ** 0.25))
        assert [row["boundary"] for row in mine] == pytest.approx([levels[-1]] * 3)
    assert asked == [9, 10, 30, 32]


def test_what_was_dropped_stays_so_and_is_a_rival_no_more(race):
    scores = scores_of()
    rows = run(race, scores, [16, 24])
    assert list(dropped(rows)) == ["setting=c"]
    later = [row for row in rows if row["look"] == 2]
    assert [(row["condition"], row["rival"]) for row in later] == [NAMES[:2], NAMES[1::-1]]
    # The error is still divided among all rivals that there were.
    boundary = next_level([16, 24], [0.025 * 0.5**0.25], 0.025 * 0.75**0.25)
    assert [(row["n_settings"], row["boundary"]) for row in later] == [(3, pytest.approx(boundary))] * 2
    # What is marked of it later counts for nothing.
    assert (
        race.look(as_far_as(scores, 24, order_of(scores)), settings=NAMES, asked=24, planned=32, earlier=rows[:3])
        == later
    )
    # Had it become better since, it would be in no row.
    better = scores.assign(ins=scores["ins"].mask(scores["condition"] == "setting=c", 0))
    assert dropped(run(race, better, [24], earlier=rows[:3])) == dropped(rows)
    assert race.look(scores, settings=NAMES[1:], asked=32, planned=32, earlier=rows) == []
    assert race.look(scores, settings=NAMES, asked=24, planned=32, earlier=rows) == []


def test_a_race_goes_on_from_what_was_written_down(race):
    scores = scores_of(bad=(0, 1, 6))
    whole = run(race, scores, [8, 16, 24, 32])
    half = json.loads(json.dumps(run(race, scores, [8, 16]), allow_nan=False))
    assert run(lab.Race(race.mark, looks=4), scores, [24, 32], earlier=half) == whole
    table = tables.check(pd.DataFrame(whole), "race")
    assert list(table.columns) == list(tables.SCHEMAS["race"])
    assert table["dropped"].sum() == len(dropped(whole))
    assert json.loads(json.dumps(race.rules)) == race.rules
    assert race.rules != lab.Race(race.mark, looks=4, level=0.9).rules


def test_more_to_ask_than_was_planned_lets_less_be_spent_than_was(race):
    rows = run(race, scores_of(bad=(0, 0, 0)), [16], planned=16)
    later = run(race, scores_of(bad=(0, 0, 6)), [24], planned=32, earlier=rows)[3:]
    # All of the error was spent when half was asked: nothing can be dropped before there is more to spend.
    assert [row["boundary"] for row in later] == [0.0] * 3
    assert not any(row["dropped"] or row["low"] is not None for row in later)


def test_looks_come_at_equal_distances_and_at_the_end(race):
    at, since = [], 0
    for asked in range(1, 11):
        if race.due(asked=asked, since=since, planned=10):
            at.append(asked)
            since = asked
    assert at == [3, 5, 8, 10]
    assert race.due(asked=7, since=2, planned=10)  # one was missed
    assert not race.due(asked=10, since=10, planned=10)


# --- little, or odd, to look at


def test_few_speakers_so_far_decide_nothing_where_more_are_to_come(race):
    scores = scores_of()
    first = scores["utt_id"].unique().tolist()[:20]  # of five of the eight speakers
    seen = fail(scores, ~scores["utt_id"].isin(first), "not run")
    assert race.look(seen, settings=NAMES, asked=20, planned=32) == []
    # There are no more: then utterances are the blocks, and it is said what that is worth.
    rows = race.look(seen[seen["subs"].notna()], settings=NAMES, asked=20, planned=20)
    assert [row["block_kind"] for row in rows] == ["utterance"] * 3
    assert [row["n_blocks"] for row in rows] == [20] * 3
    assert all("too few speakers (5)" in row["note"] for row in rows)


def test_nothing_to_compare_is_no_look(race):
    scores = scores_of()
    for nothing in (scores.assign(**dict.fromkeys(["subs", "dels", "ins", "ref_len"], pd.NA), state="failed"),):
        assert race.look(nothing, settings=NAMES, asked=32, planned=32) == []
    number = scores.groupby("utt_id", sort=False).ngroup() % 3
    apart = fail(scores, number != scores["condition"].map({name: k for k, name in enumerate(NAMES)}))
    assert race.look(apart, settings=NAMES, asked=32, planned=32) == []


def test_what_was_not_asked_yet_is_no_error(race):
    """Where mark lets trials without an answer count as all deleted, those that failed do, and no others."""
    scores = scores_of(bad=(0, 0, 0))
    deleted = scores.assign(subs=0, ins=0, dels=scores["ref_len"], hits=pd.NA, hyp_len=pd.NA)
    late = scores["utt_id"].isin(order_of(scores)[16:])
    seen = scores.mask(late, deleted).assign(state=scores["state"].mask(late, "missing"))
    plain = run(race, scores, [16])
    assert race.look(seen, settings=NAMES, asked=16, planned=32) == plain
    lost = (scores["condition"] == "setting=c") & ~late
    failed = seen.mask(lost, deleted).assign(state=seen["state"].mask(lost, "failed"))
    rows = race.look(failed, settings=NAMES, asked=16, planned=32)
    assert rows[2]["rate"] == 1.0
    assert list(dropped(rows)) == ["setting=c"]


def test_settings_that_err_alike_have_no_rival(race):
    scores = scores_of(bad=(0, 0, 0))
    first = scores[scores["condition"] == "setting=a"]
    same = pd.concat([first.assign(condition=f"setting={name}", setting=name) for name in "abc"], ignore_index=True)
    rows = race.look(same, settings=NAMES, asked=32, planned=32)
    assert [(row["rival"], row["p"], row["dropped"]) for row in rows] == [(None, None, False)] * 3
    assert all("no spread" in row["note"] for row in rows)


def test_who_loses_and_to_whom():
    nan = math.nan
    p = np.array([[nan, 0.5, 0.9], [0.5, nan, 0.02], [0.1, 0.001, nan]])
    assert lost_to(p, 0.01).tolist() == [-1, -1, 1]
    assert lost_to(p, 0.02).tolist() == [-1, 2, 1]
    assert lost_to(np.stack([p, p]), np.array([0.01, 0.0001])).tolist() == [[-1, -1, 1], [-1, -1, -1]]
    assert lost_to(np.full((3, 3), nan), 0.05).tolist() == [-1] * 3
    # No p is enough where nothing may be spent; and a circle of losers loses nobody.
    assert lost_to(np.array([[nan, 0.0], [0.9, nan]]), 0.0).tolist() == [-1, -1]
    assert lost_to(np.array([[nan, 0.0], [0.9, nan]]), 1e-9).tolist() == [1, -1]
    assert lost_to(np.array([[nan, 0.001, 0.9], [0.9, nan, 0.001], [0.001, 0.9, nan]]), 0.01).tolist() == [-1] * 3


# --- what is refused


def test_a_race_is_for_one_error_rate_of_the_settings_that_began_it(race):
    scores = scores_of()
    rows = run(race, scores, [16])
    mixed = scores.assign(unit=scores["unit"].where(scores["setting"] == "a", "char"))
    with pytest.raises(InvalidInput, match=r"their unit is word and char. Let mark choose one.*unit=\.\.\."):
        race.look(mixed, settings=NAMES, asked=24, planned=32)
    with pytest.raises(InvalidInput, match="began with form spoken, and mark now gives written"):
        race.look(scores.assign(form="written"), settings=NAMES, asked=24, planned=32, earlier=rows)
    with pytest.raises(InvalidInput, match="no rows of the condition 'setting=d'"):
        race.look(scores, settings=(*NAMES, "setting=d"), asked=24, planned=32)
    with pytest.raises(InvalidInput, match="began without setting=d"):
        race.look(scores, settings=(*NAMES, "setting=d"), asked=24, planned=32, earlier=rows)
    with pytest.raises(InvalidInput, match="block"):
        race.look(scores.drop(columns="block"), settings=NAMES, asked=24, planned=32)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"mark": "scores"}, "mark must be a function"),
        ({"level": 95}, "level must lie between"),
        ({"looks": 0}, "looks must be a whole number from 1 to 100"),
        ({"looks": 101}, "looks must be a whole number from 1 to 100"),
    ],
)
def test_what_makes_no_race_is_refused(options, said):
    with pytest.raises(InvalidInput, match=said):
        lab.Race(**{"mark": scores_of} | options)


# --- many races


@pytest.fixture(scope="module")
def drawn():
    world = worlds.World(rate=0.05, utterances=12)
    return worlds.draw(world, [0.05, 0.05, 0.06, 0.08], 2, 9, np.random.default_rng(4), by_utterance=True)


def test_races_on_tables_are_those_of_the_study(drawn, as_it_is):
    """Look by look, in an order that is drawn: who is dropped when, and the t of each against the rival."""
    seen = choosing.looked(drawn, np.random.default_rng(5), (0.2, 0.4, 0.6, 0.8, 1.0))
    left = choosing.raced(seen)
    names = [f"setting={name}" for name in "abcd"]
    table = worlds.scores(drawn, condition=names).assign(state="answered")
    experiment = drawn.block // drawn.speakers
    order = np.lexsort((np.random.default_rng(5).random(len(experiment)), experiment))
    race = lab.Race(lambda transcripts: transcripts, looks=5)
    for number in range(2):
        own = table[table["simulation"] == f"{number:06}"].drop(columns="simulation")
        in_order = table["utt_id"].to_numpy()[order[experiment[order] == number]].tolist()
        rows, since = [], 0
        for asked in range(1, len(in_order) + 1):
            if race.due(asked=asked, since=since, planned=len(in_order)):
                since = asked
                kept = [name for name in names if name not in dropped(rows)]
                part = as_far_as(own, asked, in_order, kept)
                rows += race.look(part, settings=names, asked=asked, planned=len(in_order), earlier=rows)
        last = {row["condition"]: row for row in rows}
        ended = [math.ceil(min(k + 1, 5) * len(in_order) / 5) for k in left[number]]
        assert [last[name]["n_asked"] for name in names] == ended
        assert [last[name]["dropped"] for name in names] == (left[number] < 5).tolist()
        for row in rows:
            look = row["n_asked"] * 5 // len(in_order) - 1
            if row["rival"]:
                one, rival = names.index(row["condition"]), names.index(row["rival"])
                assert row["statistic"] == pytest.approx(seen.t[number, look, one, rival])
    assert (left < 5).any()
    assert (left == 5).any()


def test_the_best_setting_is_kept_and_trials_are_saved():
    rng = np.random.default_rng(6)
    world = worlds.World(rate=0.05, utterances=15)
    # 40 speakers, 600 utterances. Standard errors of 120 races: 1.2 points of 1.6 %, and 0.3 points of what is saved.
    [half] = choosing.races(world, choosing.half_worse(0.05), 40, 120, rng)
    assert half.dropped[:, 0].mean() <= 0.05
    assert 0.415 <= half.saved.mean() <= 0.445
    assert half.dropped[:, 6:].mean() > 0.98
    world = worlds.World(rate=0.05, utterances=10)
    [equal] = choosing.races(world, choosing.equal(0.05), 12, 300, rng)
    # Each of the twelve is a best one: 3,600 in 300 races, of which some 3 % are dropped. One that looks as often and
    # tests each pair at 5 % drops half of them.
    assert 0.005 <= equal.dropped.mean() <= 0.05


def test_there_is_no_look_before_forty_blocks_were_asked(race, as_it_is):
    scores = scores_of()
    assert race.rules["fewest_asked"] == 40
    assert run(race, scores, [16]) == []


def test_the_committed_results_are_of_this_program():
    text = choosing.RESULTS.read_text(encoding="utf-8")
    assert f"Seed {choosing.SEED}" in text
    assert "**missed**" not in text
    for title in choosing.TITLES.values():
        assert f"## {title}" in text
    for name in (*choosing.KEPT, *choosing.LIMITS, *choosing.RANKED):
        assert f"| {name} |" in text
