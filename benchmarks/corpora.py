"""Made texts for benchmarks/scoring.py, with the shape of real ones: how long, how many errors, how much is repeated.

A word list of the usual skew: sixty common words, then made ones of two to four syllables. Seeded, so that every run
has the same texts.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

COMMON = """the of and to a in that it is was for on you he with as be at they we this have from or had by but not what
all were when there can an your which their said if do will each about how up out them then she many some so these would
other into has more her two like him see"""
SYLLABLES = [c + v for c, v in product(("b", "d", "f", "k", "l", "m", "n", "p", "r", "s", "st", "t", "tr"), "aeiou")]
#: Things that are written and spoken in more than one way, for texts that are not normalised.
WRITTEN = """$25.50|3:30|1,500|twenty five|2019|May 3rd|50%|Mr. Brown|don't|I'm|we'll|it's|two hundred and six|Dr. Lee|
half an hour|colour|organise|won't|gonna|$3 million|route 66|one oh one|7th|(laughs)"""
HAN = [chr(code) for code in range(0x4E00, 0x4E00 + 3000)]
IDENTICAL = 0.39
PLAIN = str.maketrans("", "", ".,?!")


@dataclass(frozen=True)
class Pairs:
    """References and what was heard instead.

    ``words`` are the same two lists for libraries that know words only, with white space between the units;
    ``transcripts`` and ``said`` are the same as frames, where a reference has several transcripts.
    """

    unit: str
    references: list[str]
    hypotheses: list[str]
    words: tuple[list[str], list[str]]
    transcripts: pd.DataFrame | None = None
    said: pd.DataFrame | None = None

    def __len__(self) -> int:
        return len(self.references)

    def head(self, n: int) -> Pairs:
        """Take the first few, as lists."""
        words = self.words[0][:n], self.words[1][:n]
        return Pairs(self.unit, self.references[:n], self.hypotheses[:n], words)


def lexicon(rng: np.random.Generator) -> list[str]:
    """Make 8,000 words, the frequent ones first."""
    made = ("".join(rng.choice(SYLLABLES, size)) for size in rng.choice([2, 3, 4], 12_000, p=[0.5, 0.35, 0.15]))
    return list(dict.fromkeys([*COMMON.split(), *made]))[:8000]


def draw(rng: np.random.Generator, units: Sequence[str], size: tuple[int, ...]) -> np.ndarray:
    """Draw units as often as their rank has it (Zipf)."""
    weight = 1 / (np.arange(len(units)) + 2.7)
    return np.array(units, dtype=object)[rng.choice(len(units), size, p=weight / weight.sum())]


def misheard(rng: np.random.Generator, units: Sequence[str], others: Iterator[str], rate: float) -> list[str]:
    """Put errors into units: of ten, six are substitutions, two deletions and two insertions."""
    out: list[str] = []
    for unit, roll in zip(units, (rng.random(len(units)) / rate).tolist(), strict=True):
        if roll >= 1:
            out.append(unit)
        elif roll < 0.6:
            out.append(next(others))
        elif roll < 0.8:
            out += [unit, next(others)]
    return out if out != units else misheard(rng, units, others, rate)


def endless(rng: np.random.Generator, units: Sequence[str]) -> Iterator[str]:
    """Draw units one at a time."""
    while True:
        yield from draw(rng, units, (10_000,)).tolist()


def pairs(unit: str, n: int, length: int, rate: float) -> Pairs:
    """Make different pairs, of which 39 % are right and the others have all the errors; of one pair all."""
    rng = np.random.default_rng(n)
    units = HAN if unit == "char" else lexicon(rng)
    said = draw(rng, units, (n, length)).tolist()
    others = endless(rng, units)
    right = (rng.random(n) < IDENTICAL).tolist() if n > 1 else [False]
    inside = rate / (1 - IDENTICAL) if n > 1 else rate
    heard = [row if ok else misheard(rng, row, others, inside) for row, ok in zip(said, right, strict=True)]
    words = [" ".join(row) for row in said], [" ".join(row) for row in heard]
    if unit == "char":
        return Pairs(unit, ["".join(row) for row in said], ["".join(row) for row in heard], words)
    return Pairs(unit, *words, words)


def sweep(utterances: int, conditions: int, *, raw: bool = False) -> Pairs:
    """Make transcripts of the same references under many conditions, where three of four pairs are repeats.

    Of each utterance conditions / 4 different transcripts were heard, each once at least. One is the reference itself,
    in 39 % of trials.
    ``raw`` texts have case, marks and numbers; half of what was heard wrongly is without marks and in lower case.
    """
    rng = np.random.default_rng(utterances)
    units, written = lexicon(rng), WRITTEN.replace("\n", "").split("|")
    others = endless(rng, units)
    said, heard = [], []
    for words in draw(rng, units, (utterances, 18)).tolist():
        if raw:
            words[0] = words[0].capitalize()
            words[rng.integers(18)] += ","
            words[rng.integers(1, 17)] = str(rng.choice(written))
            words[-1] += rng.choice([".", ".", "?", "!"])
        said.append(" ".join(words))
        wrong = [" ".join(misheard(rng, words, others, 0.12 / (1 - IDENTICAL))) for _ in range(conditions // 4 - 1)]
        if raw:
            wrong[::2] = [text.lower().translate(PLAIN) for text in wrong[::2]]
        different = np.array([said[-1], *wrong], dtype=object)
        more = conditions - len(different)
        right = (IDENTICAL * conditions - 1) / more
        again = rng.choice(len(different), more, p=[right, *np.full(len(wrong), (1 - right) / len(wrong))])
        heard.append(rng.permutation(different[[*range(len(different)), *again]]))
    ids = [f"utterance-{n:05d}" for n in range(utterances)]
    transcripts = pd.DataFrame(
        {
            "utt_id": ids * conditions,
            "condition": np.repeat([f"setting {n}" for n in range(conditions)], utterances),
            "text": np.array(heard, dtype=object).T.ravel(),
        }
    ).astype("string")
    references = pd.DataFrame({"utt_id": ids, "text": said}, dtype="string")
    both = said * conditions, transcripts["text"].tolist()
    return Pairs("word", *both, both, transcripts, references)
