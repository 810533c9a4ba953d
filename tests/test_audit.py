"""Did the parameter do anything: verdicts on services of which all is known, and how often they are wrong."""

from __future__ import annotations

from itertools import product

import numpy as np
import pandas as pd
import pytest

import asrlab as lab
from asrlab.errors import InvalidInput
from asrlab.stats.audit import ACTS, CANNOT_TELL, IN_FORM, NOTHING
from asrlab.stats.label_swaps import repeat_contrast, swap_test

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
    assert lab.audit(table, along=["language", "language"])["level"].tolist() == ["a", "b"]
    with pytest.raises(InvalidInput, match="no level of language"):
        lab.audit(table.assign(language=table["language"].where(table["language"] != "a")))
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


def long_recordings(first, n=40, repeats=2, seed=0):
    """Of each answer the first word is as given, and two others are garbled: no two answers are the same."""
    rng = np.random.default_rng(seed)
    said = [list(rng.choice(NAMES, 12)) for _ in range(n)]

    def answer(u, level, r):
        heard = [first(u, level) or said[u][0], *said[u][1:]]
        for place in rng.choice(np.arange(1, 12), 2, replace=False):
            heard[place] = "".join(rng.choice(list("aeiou"), 5))
        return " ".join(heard)

    references = pd.DataFrame({"utt_id": f"u{u}", "text": " ".join(words)} for u, words in enumerate(said))
    return asked(answer, n=n, repeats=repeats), references


def test_where_repeats_always_differ_nothing_is_not_said_of_what_acts():
    table, said = long_recordings(lambda u, level: "bzera" if level == "none" else None)
    assert verdict(table)["floor"] == 1.0
    assert verdict(table)["verdict"] == ACTS
    assert verdict(table, scores=lab.score(table, said, language="en"))["verdict"] == ACTS
    table, _ = long_recordings(lambda u, level: None)
    row = verdict(table)
    assert row["verdict"] == CANNOT_TELL
    assert "repeats differ so often" in row["reason"]
    table, _ = long_recordings(lambda u, level: None, n=2)
    assert verdict(table)["verdict"] == CANNOT_TELL


def test_words_that_noise_hides_are_not_called_form_only():
    rng = np.random.default_rng(5)

    def heard(u, level, r):
        more = f" {NAMES[rng.integers(8)]}" if rng.random() < 0.3 else ""
        return (deaf(u, level, r) + more).upper() if level == "on" else deaf(u, level, r) + more

    row = verdict(asked(heard, n=12))
    assert row["p"] <= 0.05 < row["p_wording"]
    assert row["verdict"] == ACTS
    assert "is not known" in row["reason"]


@pytest.mark.parametrize(
    ("off", "on", "language"),
    [
        ("मेरा नाम किरण", "मेरी नाम करण", "hi"),
        ("ดื่มน้ำ", "ดื่มนำ", "th"),
        ("a dose of 1.25 mg", "a dose of 125 mg", "en"),
        ("it is 10 degrees", "it is -10 degrees", "en"),
        ("it cost £5", "it cost $5", "en"),
    ],
)
def test_other_words_and_values_are_not_form(off, on, language):
    table = asked(lambda u, level, r: on if level == "on" else off).assign(detected_language=language)
    row = verdict(table)
    assert (row["verdict"], row["in_wording"]) == (ACTS, 1.0)


def test_equal_texts_have_equal_wordings_whatever_language_was_detected():
    table = asked(lambda u, level, r: f"the colour is grey {u}")
    table["detected_language"] = table["hint"].map({"none": "en", "on": "fr"})
    row = verdict(table)
    assert (row["verdict"], row["changed"], row["in_wording"], row["in_form"]) == (NOTHING, 0.0, 0.0, 0.0)


def test_one_request_under_two_labels_is_no_evidence():
    table = asked(deaf)
    table["trial"] = table["utt_id"] + table["repeat"].astype(str)
    row = verdict(table)
    assert (row["verdict"], row["n_pairs"]) == (CANNOT_TELL, 0)
    assert "In 48 pairs both levels came to the same request" in row["reason"]


def test_a_channel_more_is_an_effect():
    rows = [
        {"utt_id": f"u{u}", "channel_id": level, "channel": channel, "text": f"hello {u} {channel}", "repeat": r}
        for u, level, r in product(range(20), ("first", "both"), (0, 1))
        for channel in ((0, 1) if level == "both" else (0,))
    ]
    row = verdict(pd.DataFrame(rows).assign(detected_language="en"))
    assert (row["verdict"], row["changed"], row["n_pairs"], row["n_left_out"]) == (ACTS, 1.0, 40, 0)


def test_silence_on_both_sides_is_no_evidence():
    row = verdict(asked(lambda u, level, r: ""))
    assert (row["verdict"], row["n_pairs"], row["changed"]) == (CANNOT_TELL, 48, 0.0)
    assert "None of 48 pairs says anything" in row["reason"]
    assert verdict(asked(lambda u, level, r: "hi" if u < 3 else ""))["verdict"] == CANNOT_TELL
    row = verdict(asked(lambda u, level, r: "thank you" if level == "on" else ""))
    assert (row["verdict"], row["n_pairs"]) == (ACTS, 48)


def test_the_floor_is_of_all_repeats():
    table = asked(noisy(1), repeats=3)
    table = table[(table["hint"] == "none") | (table["repeat"] == 0)]
    row = verdict(table)
    assert row["floor"] > 0
    assert "asked twice" not in row["reason"]


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
    places = np.arange(n * repeats)
    texts = np.concatenate([arm.ravel(), base.ravel()])
    contrast, _ = repeat_contrast(
        places, places + n * repeats, utterance, passes, utterance, apart=lambda one, other: texts[one] != texts[other]
    )
    assert swap_test(contrast, 0) == pytest.approx(np.mean(np.array(drawn) >= statistic(arm, base)))
