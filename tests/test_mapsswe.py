"""MAPSSWE: segments as a slow walk finds them, and every printed figure of NIST's sc_stats."""

from __future__ import annotations

import math
import random
import re
import shutil
import subprocess
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from test_counts import HAN

import asrlab as lab
from asrlab.stats.mapsswe import segments, z_test

#: Options of sclite for texts where each sign but ASCII is a unit.
CHARACTERS = ("-e", "utf-8", "-c", "NOASCII")
#: Share of utterances that sclite may align in another way of the same cost.
MOST_APART = 0.001
# An alignment is written as sclite does: C right, S substituted, D deleted, I inserted before the next.
ALIGNED = st.integers(0, 12).flatmap(
    lambda words: st.tuples(
        *[
            st.tuples(
                st.lists(
                    st.tuples(st.sampled_from(["", "", "", "I", "II"]), st.sampled_from("CCCSD")),
                    min_size=words,
                    max_size=words,
                ),
                st.sampled_from(["", "", "I", "III"]),
            ).map(lambda made: "".join(gap + word for gap, word in made[0]) + made[1])
            for _ in range(2)
        ]
    )
)


def walk(arm, baseline):
    """Cut two alignments with one reference into segments word by word: (errors of arm, of baseline) in each."""
    at = to = right = 0
    found, errors = [], None
    while True:
        wrong = [0, 0]
        while at < len(arm) and arm[at] == "I":
            at, wrong[0] = at + 1, wrong[0] + 1
        while to < len(baseline) and baseline[to] == "I":
            to, wrong[1] = to + 1, wrong[1] + 1
        if any(wrong):
            errors, right = [a + b for a, b in zip(errors or (0, 0), wrong, strict=True)], 0
        if at == len(arm):
            assert to == len(baseline)
            return [*found, tuple(errors)] if errors else found
        if arm[at] == baseline[to] == "C":
            right += 1
            if errors and right == 2:
                found.append(tuple(errors))
                errors = None
        else:
            errors, right = (
                [a + b for a, b in zip(errors or (0, 0), (arm[at] != "C", baseline[to] != "C"), strict=True)],
                0,
            )
        at, to = at + 1, to + 1


def edits_of(aligned):
    """Give pair, place and inserted of the edits of a list of alignments."""
    rows = []
    for pair, letters in enumerate(aligned):
        place = 0
        for letter in letters:
            if letter != "C":
                rows.append((pair, place, letter == "I"))
            place += letter != "I"
    return np.array(rows, np.int64).reshape(-1, 3)


def cut(arm, baseline):
    """Cut lists of alignments into segments with what is tested; edits come in no order."""
    both = np.concatenate([edits_of(arm), edits_of(baseline)])
    of_baseline = np.arange(len(both)) >= len(edits_of(arm))
    order = np.random.default_rng(len(both)).permutation(len(both))
    lengths = np.array([len(letters) - letters.count("I") for letters in arm], np.int64)
    pair, place, inserted = both[order].T
    return segments(pair, place, inserted.astype(bool), of_baseline[order], lengths)


def printed(difference):
    """Write the result as sc_stats does: segments, mean, sd and z."""
    found = z_test(difference, group=np.zeros(len(difference), np.int64), n_groups=1)
    return f"{found.n_segments[0]} {found.mean[0]:5.3f} {found.sd[0]:5.3f} {found.statistic[0]:5.3f}"


# By hand.


@pytest.mark.parametrize(
    ("arm", "baseline", "differences"),
    [
        ("", "", []),
        ("CCCC", "CCCC", []),
        ("S", "C", [1]),
        ("SCCS", "CCCC", [1, 1]),  # two right words end a segment
        ("SCS", "CCC", [2]),  # one does not
        ("SCCCC", "CCCSC", [1, -1]),
        ("SCCCC", "CCSCC", [0]),
        ("SCCSCC", "CCSCCC", [1]),  # a word that only one has right is not right
        ("DCCC", "SCCC", [0]),  # errors of both, as many
        ("SCICCC", "CCCCC", [2]),  # an insertion between the two
        ("SCCCC", "CCICCC", [0]),
        ("SCCICC", "CCCCC", [1, 1]),  # after the two
        ("ICCCC", "CCCCI", [1, -1]),  # at either end of the utterance
        ("CCCI", "CCCIII", [-2]),
        ("CCSCI", "CCCC", [2]),
        ("CCSC", "CCCCI", [0]),
        ("II", "", [2]),  # nothing said
        ("IIS", "IIC", [1]),
    ],
)
def test_examples_by_hand(arm, baseline, differences):
    assert cut([arm], [baseline]).difference.tolist() == differences
    assert cut([baseline], [arm]).difference.tolist() == [-one for one in differences]
    assert [a - b for a, b in walk(arm, baseline)] == differences


def test_segments_end_with_the_utterance():
    found = cut(["CCS", "CCC", "SCC", "CCI"], ["CCC", "CCC", "CCC", "CCC"])
    assert found.pair.tolist() == [0, 2, 3]
    assert found.difference.tolist() == [1, 1, 1]


def test_without_edits_there_are_no_segments():
    found = cut(["CC", ""], ["CC", ""])
    assert found.pair.dtype == np.int64
    assert found.difference.dtype == np.float64
    assert len(found.pair) == len(found.difference) == 0


@given(st.lists(ALIGNED, max_size=6))
def test_segments_are_those_of_a_walk(pairs):
    arm, baseline = [a for a, _ in pairs], [b for _, b in pairs]
    found = cut(arm, baseline)
    wanted = [(number, a - b) for number, pair in enumerate(pairs) for a, b in walk(*pair)]
    assert list(zip(found.pair.tolist(), found.difference.tolist(), strict=True)) == wanted


@pytest.mark.parametrize(
    ("pair", "place", "inserted", "message"),
    [
        ([0], [4], [False], r"1 edits lie outside their reference; the first is at 4 of 4 units"),
        ([0, 1], [4, 3], [True, True], r"the first is at 3 of 2 units"),
        ([0], [-1], [False], r"at -1 of 4"),
        ([2], [0], [False], r"a pair from 0 to 1, not 2 to 2"),
        ([-1], [0], [False], r"not -1 to -1"),
        ([0, 0], [0], [False], r"one entry an edit: \(2,\), \(1,\)"),
    ],
)
def test_what_cannot_be_is_said(pair, place, inserted, message):
    with pytest.raises(ValueError, match=message):
        segments(np.array(pair), np.array(place), np.array(inserted), np.zeros(len(inserted), bool), np.array([4, 2]))


# The test itself.


def test_z_is_that_of_scipy_for_each_group():
    rng = np.random.default_rng(5)
    group = rng.integers(0, 7, 500)
    difference = rng.integers(-2, 4, 500).astype(float)
    found = z_test(difference, group=group, n_groups=7)
    for number in range(7):
        one = difference[group == number]
        assert found.n_segments[number] == len(one)
        assert found.mean[number] == pytest.approx(one.mean())
        assert found.sd[number] == pytest.approx(stats.tstd(one))
        z = stats.ttest_1samp(one, 0).statistic  # the same statistic, held against another distribution
        assert found.statistic[number] == pytest.approx(z)
        assert found.p[number] == pytest.approx(2 * stats.norm.sf(abs(z)))


def test_small_p_are_not_lost():
    found = z_test(np.tile([1.0, 0.0], 300), group=np.zeros(600, np.int64), n_groups=1)
    assert found.statistic[0] > 20
    assert 0 < found.p[0] == pytest.approx(2 * stats.norm.sf(found.statistic[0]))


def test_no_answer_is_nan_and_no_difference_is_none():
    differences = {0: [], 1: [2.0], 2: [0.0], 3: [1.0] * 50, 4: [0.0] * 50, 5: [1.0, -1.0], 6: []}
    group = np.array([number for number, values in differences.items() for _ in values], np.int64)
    found = z_test(np.array([d for values in differences.values() for d in values]), group=group, n_groups=7)
    nan = math.nan
    np.testing.assert_array_equal(found.n_segments, [0, 1, 1, 50, 50, 2, 0])
    np.testing.assert_array_equal(found.mean, [nan, 2, 0, 1, 0, 0, nan])
    np.testing.assert_array_equal(found.sd, [nan, nan, nan, 0, 0, math.sqrt(2), nan])
    np.testing.assert_array_equal(found.statistic, [nan, nan, 0, nan, 0, 0, nan])
    np.testing.assert_array_equal(found.p, [nan, nan, 1, nan, 1, 1, nan])


# NIST's sc_stats.


def tool(name):
    found = shutil.which(name) or shutil.which(name, path="/usr/lib/sctk/bin")
    if found is None:
        pytest.skip(f"NIST {name} is not installed (Debian: sctk)")
    return found


def run(command, folder, stdin=None):
    return subprocess.run(command, cwd=folder, input=stdin, check=True, capture_output=True)


def sc_stats(folder, systems):
    """Let NIST's sc_stats test each two of the systems in files of sclite: segments, mean, sd and z as printed."""
    files = b"".join(Path(folder, f"{name}.sgml").read_bytes() for name in systems)
    run([tool("sc_stats"), "-p", "-t", "mapsswe", "-v", "-n", "nist", "-O", "."], folder, files)
    report = Path(folder, "nist.stats.mapsswe").read_text("latin-1")
    line = r"\(systems: (\S+) (\S+)\) \(# segs: +(\d+)\).*\(mean: +(\S+)\) \(std dev: +(\S+)\) \(Z Stat: +(\S+)\)"
    found = {(one, other): " ".join(figures) for one, other, *figures in re.findall(line, report)}
    assert list(found) == list(combinations(systems, 2))
    return found


def sclite(folder, said, systems, *options):
    """Let NIST's sclite align each system's texts; give its alignments, and leave its files for sc_stats."""
    # Speakers of few utterances: sc_stats looks for an utterance among all those of its speaker.
    ids = [f"{number // 40:04d}-{number:06d}" for number in range(len(said))]
    aligned = {}
    for name, texts in {"ref": said, **systems}.items():
        lines = [f"{text} ({one})\n" for text, one in zip(texts, ids, strict=True)]
        Path(folder, f"{name}.trn").write_text("".join(lines), "utf-8")
        if name != "ref":
            trn = ["-r", "ref.trn", "trn", "-h", f"{name}.trn", "trn", name, "-i", "spu_id"]
            run([tool("sclite"), *trn, "-o", "sgml", "-O", ".", "-n", name, *options], folder)
            report = Path(folder, f"{name}.sgml").read_text("utf-8")
            paths = dict(re.findall(r'<PATH id="\(([\d-]+)\)"[^>]*>\n(.*)\n</PATH>', report))
            aligned[name] = ["".join(re.findall(r'(?:^|:)([CSDI]),(?=[",])', paths[one])) for one in ids]
    return aligned


def differences(said, systems, **options):
    """Give the segments of each two systems by way of a table of edits."""
    utterances = [f"u{number}" for number in range(len(said))]
    heard = pd.concat(
        [pd.DataFrame({"utt_id": utterances, "system": name, "text": texts}) for name, texts in systems.items()],
        ignore_index=True,
    )
    references = pd.DataFrame({"utt_id": utterances, "text": said})
    edits = lab.edits(heard, references, normalizer="none", ties="sclite", **options)
    scores = lab.score(heard, references, normalizer="none", ties="sclite", **options)
    lengths = scores["ref_len"].to_numpy(np.int64)[: len(said)]
    edits["number"] = edits["utt_id"].str[1:].astype(int)
    found = {}
    for arm, baseline in combinations(systems, 2):
        rows = edits[edits["system"].isin([arm, baseline])]
        found[arm, baseline] = segments(
            rows["number"].to_numpy(np.int64),
            rows["ref_pos"].to_numpy(np.int64),
            (rows["kind"] == "ins").to_numpy(bool),
            (rows["system"] == baseline).to_numpy(bool),
            lengths,
        )
    return found


def compare_with_nist(folder, said, systems, *options, **ours):
    """Give what NIST and we print for each two systems, and how many utterances are cut otherwise."""
    aligned = sclite(folder, said, systems, *options)
    ours_by_pair = differences(said, systems, **ours)
    lines, apart = {}, 0
    for pair, figures in sc_stats(folder, systems).items():
        # What sclite aligned must come out, whatever it aligned.
        theirs = cut(*(aligned[name] for name in pair))
        assert printed(theirs.difference) == figures
        found = ours_by_pair[pair]
        one, other = (set(zip(each.pair, counted(each), each.difference, strict=True)) for each in (found, theirs))
        unlike = {utterance for utterance, *_ in one ^ other}
        lines[pair] = figures, printed(found.difference)
        assert unlike or len(set(lines[pair])) == 1
        apart += len(unlike)
    return lines, apart


def counted(found):
    """Number the segments of each pair."""
    return (np.arange(len(found.pair)) - np.searchsorted(found.pair, found.pair)).tolist()


@pytest.mark.parametrize(("rate", "words"), [(0.05, 20), (0.2, 12), (0.6, 8)])
def test_any_alignments_have_the_figures_of_sc_stats(tmp_path, rate, words):
    rng = random.Random(words)
    lengths = [rng.randint(0, words) for _ in range(300)]
    systems = {}
    for name in ("a", "b", "c", "d"):
        made = []
        for length in lengths:
            gaps = ["I" * (rng.choice([1, 1, 2]) if rng.random() < rate / 2 else 0) for _ in range(length + 1)]
            units = ["SD"[rng.random() < 0.3] if rng.random() < rate else "C" for _ in range(length)]
            made.append("".join(gap + unit for gap, unit in zip(gaps, [*units, ""], strict=True)))
        systems[name] = made
        write_sgml(tmp_path, name, made)
    for (arm, baseline), figures in sc_stats(tmp_path, systems).items():
        assert printed(cut(systems[arm], systems[baseline]).difference) == figures
        assert printed(cut(systems[baseline], systems[arm]).difference) == (
            printed(-cut(systems[arm], systems[baseline]).difference)
        )


def write_sgml(folder, name, aligned):
    """Write alignments as sclite does."""
    lines = [f'<SYSTEM title="{name}" ref_fname="r" hyp_fname="h" creation_date="" format="2.4" frag_corr="FALSE"']
    lines[0] += ' opt_del="FALSE" weight_ali="FALSE" weight_filename="">'
    lines.append('<SPEAKER id="s">')
    for number, letters in enumerate(aligned):
        place, steps = 0, []
        for letter in letters:
            said, heard = f'"w{place}"' * (letter != "I"), '"x"' * (letter != "D")
            steps.append(f"{letter},{said},{said if letter == 'C' else heard}")
            place += letter != "I"
        lines += [f'<PATH id="(s-{number})" word_cnt="{len(letters)}" sequence="{number}">', ":".join(steps), "</PATH>"]
    Path(folder, f"{name}.sgml").write_text("\n".join([*lines, "</SPEAKER>", "</SYSTEM>", ""]), "utf-8")


def misheard(rng, units, names, rate):
    """Substitute, delete and insert, at the end of an utterance too."""
    heard = []
    for unit in units:
        draw = rng.random() / rate
        heard += (
            [rng.choice(names)]
            if draw < 0.6
            else []
            if draw < 0.8
            else [unit, rng.choice(names)]
            if draw < 1
            else [unit]
        )
    return heard


def texts_of_systems(seed, names, write, *, utterances=1500, rates=(0.05, 0.08, 0.08, 0.3)):
    """Make texts, and what systems heard; the second and third make many of the first's errors."""
    rng = random.Random(seed)
    said = [rng.choices(names, k=rng.randint(1, 25)) for _ in range(utterances)]
    first = [misheard(rng, units, names, rates[0]) for units in said]
    systems = {"one": first}
    for name, rate in zip(("two", "three", "four"), rates[1:], strict=True):
        systems[name] = [
            misheard(rng, rng.choice([units, heard]), names, rate) for units, heard in zip(said, first, strict=True)
        ]
    return [write(units) for units in said], {name: list(map(write, texts)) for name, texts in systems.items()}


def test_english_texts_have_the_figures_of_sc_stats(tmp_path):
    said, systems = texts_of_systems(11, [f"w{n}" for n in range(300)], " ".join)
    lines, apart = compare_with_nist(tmp_path, said, systems, unit="word")
    assert apart <= MOST_APART * len(lines) * len(said)


def test_chinese_texts_have_the_figures_of_sc_stats(tmp_path):
    names = [*HAN, *(f" {word} " for word in ("latte", "wifi", "gym", "email", "demo"))]
    said, systems = texts_of_systems(12, names, lambda units: " ".join("".join(units).split()))
    lines, apart = compare_with_nist(tmp_path, said, systems, *CHARACTERS, unit="mixed")
    assert apart <= MOST_APART * len(lines) * len(said)
