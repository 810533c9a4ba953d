"""Did the parameter do anything: verdicts on services of which all is known, and how often they are wrong."""

from __future__ import annotations

from itertools import product

import numpy as np
import pandas as pd
import pytest

import asrlab as lab
from asrlab.errors import InvalidInput
from asrlab.stats.audit import ACTS, CANNOT_TELL, IN_FORM, NOTHING
from asrlab.stats.swaps import repeat_contrast, swap_test

NAMES = ["kestrel", "ostrava", "harbor", "meadow", "copper", "lantern", "valley", "quarry"]


def asked(answer, n=24, levels=("none", "on"), repeats=2, **more):
    """Ask a service, a function of utterance, level and repeat."""
    rows = [
        {"utt_id": f"u{u}", "condition": f"hint={level}", "repeat": r, "hint": level, "text": answer(u, level, r)}
        for u, level, r in product(range(n), levels, range(repeats))
    ]
    return pd.DataFrame(rows).assign(detected_language="en", **more)


def verdict(transcripts, **options):
    table = lab.audit(transcripts, **options)
    assert len(table) == 1
    return table.iloc[0]


def deaf(u, level, r):
    return f"we met at the {NAMES[u % 8]} number {u}"


def noisy(seed, share=0.3):
    """A service that hears another word now and then, whatever it is told."""
    rng = np.random.default_rng(seed)
    return lambda u, level, r: deaf(u, level, r) + (" " + NAMES[rng.integers(8)] if rng.random() < share else "")


def test_a_parameter_that_is_ignored_has_no_visible_effect():
    row = verdict(asked(deaf))
    assert (row["verdict"], row["changed"], row["floor"]) == (NOTHING, 0.0, 0.0)
    assert "11.7 % of utterances" in row["reason"]  # 1 - 0.05 ** (1 / 24)


def test_of_few_utterances_nothing_can_be_told():
    assert verdict(asked(deaf, n=10))["verdict"] == CANNOT_TELL
    assert verdict(asked(deaf, n=11))["verdict"] == NOTHING


def test_a_parameter_that_changes_words_acts():
    row = verdict(asked(lambda u, level, r: deaf(u, level, r).replace("met", "meet" if level == "on" else "met")))
    assert (row["verdict"], row["changed"], row["in_wording"], row["floor"]) == (ACTS, 1.0, 1.0, 0.0)


@pytest.mark.parametrize(
    ("off", "on"),
    [
        ("it cost five dollars", "it cost $5"),
        ("we met at ten fifteen", "We met, at 10:15."),
        ("the colour of it", "The color of it!"),
        ("pick one of them", "pick 1 of them"),
    ],
)
def test_a_parameter_that_changes_form_acts_in_form_only(off, on):
    row = verdict(asked(lambda u, level, r: on if level == "on" else off))
    assert (row["verdict"], row["in_wording"], row["in_form"]) == (IN_FORM, 0.0, 1.0)


@pytest.mark.parametrize(
    ("off", "on", "language"),
    [("它花了一百五十块钱", "它花了150块钱", "zh"), ("他二零二零年五月三日来", "他2020年5月3日来", "zh")],
)
def test_chinese_numbers_are_form(off, on, language):
    table = asked(lambda u, level, r: on if level == "on" else off).assign(detected_language=language)
    assert verdict(table)["verdict"] == IN_FORM


def test_numbers_in_the_words_of_a_wrong_hint_are_form_too():
    heard = {"none": "flight 417 boards at gate 22", "on": "flight 四百一十七 boards at gate 二十二"}
    assert verdict(asked(lambda u, level, r: heard[level]))["verdict"] == IN_FORM


def test_without_repeats_a_change_without_direction_cannot_be_told_from_noise():
    row = verdict(asked(noisy(0, share=1.0), repeats=1))
    assert row["changed"] > 0.5
    assert pd.isna(row["floor"])
    assert row["verdict"] == CANNOT_TELL
    assert "repeats=2" in row["reason"]


def test_without_repeats_a_direction_shows_that_it_acts():
    row = verdict(asked(lambda u, level, r: deaf(u, level, r) + (" and so on" if level == "on" else ""), repeats=1))
    assert row["verdict"] == ACTS


def test_a_few_changes_that_repeats_never_show_are_not_called_nothing():
    row = verdict(asked(lambda u, level, r: deaf(u, level, r) + (" x" if level == "on" and u < 3 else "")))
    assert row["verdict"] == CANNOT_TELL
    assert row["changed"] == 3 / 24


def test_a_noisy_service_that_ignores_a_parameter_is_said_to_act_no_more_often_than_the_level_says():
    found = [verdict(asked(noisy(seed), n=40), seed=seed)["verdict"] for seed in range(40)]
    assert sum(one in {ACTS, IN_FORM} for one in found) <= 5  # 40 at 5 %: more than 5 have a chance of 1 %
    assert found.count(NOTHING) > 5


def test_two_snapshots_that_answer_one_pass_each_are_no_effect():
    """All of a pass is answered by one model, the next by another: repeats differ, levels do not."""
    row = verdict(asked(lambda u, level, r: f"{deaf(u, level, r)} by model {'ab'[r]}"))
    assert (row["changed"], row["floor"]) == (0.0, 1.0)
    assert row["verdict"] == NOTHING


def test_an_effect_in_noise_is_found():
    noise = noisy(3)
    row = verdict(
        asked(lambda u, level, r: noise(u, level, r) + (f" {NAMES[u % 5]}" if level == "on" else ""), n=60, repeats=3)
    )
    assert row["verdict"] == ACTS
    assert row["floor"] > 0.3


def test_other_axes_are_paired_and_engines_looked_at_apart():
    both = pd.concat(
        [
            asked(deaf).assign(engine="sphinx", enable_itn="False"),
            asked(lambda u, level, r: f"{deaf(u, level, r)} {level}").assign(engine="whisper", enable_itn="False"),
        ]
    )
    both = pd.concat([both, both.assign(enable_itn="True")])
    both["condition"] = both["engine"] + both["enable_itn"] + both["hint"]
    table = lab.audit(both, along=["hint", "enable_itn"]).set_index(["axis", "engine"])
    assert table.loc[("hint", "sphinx"), "verdict"] == NOTHING
    assert table.loc[("hint", "whisper"), "verdict"] == ACTS
    assert table.loc[("hint", "sphinx"), ["n_utts", "n_pairs", "n_repeats"]].tolist() == [24, 96, 2]
    assert table.loc[("enable_itn", "whisper"), "verdict"] == NOTHING
    every = lab.audit(both)
    assert every["axis"].tolist().count("engine") == 1
    assert every.loc[every["axis"] == "engine", "engine"].isna().all()


def test_failed_answers_are_left_out_and_counted_not_taken_for_empty():
    table = asked(deaf)
    table["state"] = "answered"
    lost = (table["hint"] == "on") & (table["utt_id"] == "u3")
    table.loc[lost, ["state", "text"]] = ["failed", pd.NA]
    row = verdict(table)
    assert (row["verdict"], row["n_pairs"], row["n_left_out"], row["n_utts"]) == (NOTHING, 46, 2, 23)


def test_what_the_engine_says_of_itself_is_told():
    row = verdict(asked(deaf).assign(unsupported="channel_id, hint"))
    assert "did not obey hint in 48 answers" in row["reason"]


def test_errors_have_a_direction():
    rng = np.random.default_rng(1)

    def heard(u, level, r):
        words = [f"word{u}", NAMES[u % 8], NAMES[(u + 1) % 8], NAMES[(u + 2) % 8]]
        if level == "none" or rng.random() < 0.1:
            words[1] = NAMES[rng.integers(8)][::-1].ljust(len(words[1]), "x")[: len(words[1])]
        return " ".join(words)

    table = asked(heard, n=30, repeats=1)
    said = pd.DataFrame(
        {"utt_id": f"u{u}", "text": " ".join([f"word{u}", *(NAMES[(u + k) % 8] for k in range(3))])} for u in range(30)
    )
    scores = lab.score(table, said, language="en", normalizer="auto+numbers")
    assert verdict(table)["verdict"] == CANNOT_TELL
    row = verdict(table, scores=scores)
    assert row["verdict"] == ACTS
    assert row["better"] > 20 > row["worse"]
    with pytest.raises(InvalidInput, match="more than once"):
        lab.audit(table, pd.concat([scores, lab.score(table, said, language="en", unit="char")]))


def test_an_axis_may_be_called_as_anything_and_baselines_may_be_chosen():
    table = asked(lambda u, level, r: f"{deaf(u, level, r)} {level}", levels=("a", "none", "b"))
    table = table.rename(columns={"hint": "language"})
    found = lab.audit(table)
    assert found[["level", "baseline"]].to_numpy().tolist() == [["a", "none"], ["b", "none"]]
    found = lab.audit(table, baselines={"language": "b"})
    assert found["level"].tolist() == ["a", "none"]
    for options in ({"along": "itn"}, {"baselines": {"language": "c"}}, {"by": "engine"}, {"level": 1.5}):
        with pytest.raises(InvalidInput):
            lab.audit(table, **options)
    with pytest.raises(InvalidInput, match="no axes"):
        lab.audit(table.drop(columns="language"))
    with pytest.raises(InvalidInput, match="stand twice"):
        lab.audit(pd.concat([table, table]))
    with pytest.raises(InvalidInput, match="none of these answers"):
        lab.audit(table, lab.score(["a"], ["b"]))


def test_no_answers_give_rows_that_say_so():
    table = asked(deaf)
    table["text"] = pd.array([pd.NA] * len(table), dtype="string")
    row = verdict(table)
    assert (row["verdict"], row["n_pairs"], row["n_left_out"]) == (CANNOT_TELL, 0, 0)
    table.loc[table["hint"] == "on", "text"] = "a"
    row = verdict(table)
    assert (row["verdict"], row["n_pairs"], row["n_left_out"]) == (CANNOT_TELL, 0, 48)
    assert lab.audit(table[table["hint"] == "on"]).empty  # of a single level there is nothing to compare
    assert lab.audit(table.iloc[:0]).empty


@pytest.mark.parametrize(("n", "repeats"), [(3, 2), (2, 3), (2, 4)])
def test_swaps_are_those_of_labels_in_passes(n, repeats):
    """Brute force: swap the labels of each utterance and pass in all ways, and count anew."""
    rng = np.random.default_rng(n * repeats)
    arm, base = rng.integers(0, 3, (2, n, repeats))

    def statistic(arm, base):
        return sum(
            sum(arm[u, i] != base[u, j] for i in range(repeats) for j in range(repeats) if i != j)
            - sum((arm[u, i] != arm[u, j]) + (base[u, i] != base[u, j]) for i in range(repeats) for j in range(i))
            for u in range(n)
        )

    drawn = []
    for bits in product([False, True], repeat=n * repeats):
        swap = np.reshape(bits, (n, repeats))
        drawn.append(statistic(np.where(swap, base, arm), np.where(swap, arm, base)))
    utterance, passes = np.repeat(np.arange(n), repeats), np.tile(np.arange(repeats), n)
    contrast, _, _ = repeat_contrast(arm.ravel(), base.ravel(), utterance, passes, utterance)
    assert swap_test(contrast, 0) == pytest.approx(np.mean(np.array(drawn) >= statistic(arm, base)))
