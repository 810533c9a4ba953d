"""Planted answers: right, noisy, code-switched, translated and transliterated ones, made by seeded code.

Two stocks of texts: `sentences` of the notebooks, on which thresholds were chosen, and `parallel` ones to report on.
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from anyascii import anyascii

HERE = Path(__file__).parent
#: Written without spaces between words.
UNSEGMENTED = {"zh", "yue", "ja", "th"}
NOT_LATIN = {*UNSEGMENTED, "ko", "ru", "uk", "ar", "hi"}
#: Languages between which the identifier cannot tell safely: what is planted between these is counted apart.
HARD = ({"id", "ms"}, {"zh", "yue"}, {"da", "no"})
BRANDS = ("iPhone", "Wi-Fi", "Netflix", "QR", "BMW", "Google", "PayPal", "USB")
ENGLISH = ("meeting", "deadline", "update", "email", "weekend", "project", "feedback", "team", "budget", "review")


class Planted(NamedTuple):
    """One answer, and what is true of it."""

    language: str
    reference: str
    text: str
    hint: str | None
    detected: str | None
    kind: str
    script: bool
    translation: bool


def sentences() -> dict[str, list[str]]:
    """Ten sentences in each of 27 languages, not parallel."""
    return _stock(HERE.parent / "notebooks/texts/sentences.tsv", "sentence")


def parallel() -> dict[str, list[str]]:
    """Six sentences in each of 27 languages, which say the same."""
    return _stock(HERE / "tables/parallel_sentences.tsv", "text")


def _stock(path, column):
    stock = {}
    with path.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE):
            stock.setdefault(row["language"], []).append(row[column])
    return stock


def hard(one, other):
    return any({one, other} == pair for pair in HARD)


def cut(language, text):
    return list(text) if language in UNSEGMENTED else text.split()


def joined(language, units):
    return ("" if language in UNSEGMENTED else " ").join(units)


def noisy(language, text, rate, rng, stock):
    """Substitute, delete, insert and misspell at about this rate, with words of the same language."""
    pool = [unit for other in stock[language] for unit in cut(language, other)]
    letters = [letter for unit in pool for letter in unit if letter.isalpha()]
    made = []
    for unit in cut(language, text):
        if rng.random() >= rate:
            made.append(unit)
            continue
        how = rng.integers(4)
        if how == 0:
            made.append(pool[rng.integers(len(pool))])
        elif how == 1 and len(unit) > 2:
            place = int(rng.integers(len(unit)))
            made.append(unit[:place] + letters[rng.integers(len(letters))] + unit[place + 1 :])
        elif how == 2:
            made += [unit, pool[rng.integers(len(pool))]]
    return joined(language, made)


def as_heard(text, rng):
    """Write as some engines do: without case and marks."""
    return (
        "".join(c for c in text.lower() if c.isalnum() or c in " '’-" or ord(c) > 0x2FF) if rng.random() < 0.3 else text
    )


def plant(stock, seed, n):
    """Make so many answers of each kind."""
    rng = np.random.default_rng(seed)
    languages = sorted(stock)

    def pick(among):
        return among[rng.integers(len(among))]

    def sentence(language, place=None):
        own = stock[language]
        return own[rng.integers(len(own)) if place is None else place % len(own)]

    planted = []
    for _ in range(n):
        spoken, other = pick(languages), pick(languages)
        while other == spoken:
            other = pick(languages)
        place = int(rng.integers(60))
        said = sentence(spoken, place)

        def add(kind, text, *, hint=None, detected=None, script=False, translation=False, said=said, spoken=spoken):
            planted.append(Planted(spoken, said, text, hint, detected or spoken, kind, script, translation))

        # What is right, or wrong in its own language.
        add("exact", as_heard(said, rng), hint=pick([None, spoken, other]))
        for rate in (0.2, 0.5):
            add(f"noise {rate}", as_heard(noisy(spoken, said, rate, rng, stock), rng), hint=pick([None, spoken, other]))
        add("another sentence", as_heard(sentence(spoken, place + 1), rng), hint=pick([None, spoken]))
        units = cut(spoken, said)
        for count, words in ((1, BRANDS), (2, ENGLISH)):
            with_ = units.copy()
            for _ in range(count):
                with_.insert(int(rng.integers(len(with_) + 1)), f" {pick(words)} ")
            mixed = joined(spoken, with_)
            add(
                "brand not in the reference" if count == 1 else "English words heard too",
                mixed,
                hint=pick([None, spoken]),
            )
            add("code-switched", noisy(spoken, mixed, 0.2, rng, stock), hint=pick([None, spoken]), said=mixed)
        english = sentence("en", place + 2)
        both = f"{said} {english}"
        add("half in English, said so", noisy(spoken, both, 0.15, rng, stock), hint=pick([None, spoken]), said=both)
        # What is wrong in another language.
        way = rng.random()
        hint, detected = (other, None) if way < 0.6 else (None, other) if way < 0.8 else (None, None)
        answer = noisy(other, as_heard(sentence(other, place), rng), float(rng.choice([0, 0.1, 0.3])), rng, stock)
        mismatch = script_apart(spoken, other)
        kind = "translated, hard pair" if hard(spoken, other) else "translated"
        add(kind, answer, hint=hint, detected=detected, script=mismatch, translation=True)
        if mismatch and not hard(spoken, other):
            half = units[: len(units) // 2]
            rest = cut(other, sentence(other, place))
            add(
                "second half translated",
                f"{joined(spoken, half)} {joined(other, rest[len(rest) // 3 :])}",
                hint=other,
                script=True,
                translation=True,
            )
        if spoken in NOT_LATIN:
            add("in Latin letters", anyascii(said), hint=pick([None, "en"]), script=True)
    return planted


def plant_near(stock, pairs):
    """Answer each sentence with the same in a near language, both ways, with and without the hint."""
    return [
        Planted(one, said, text, hint, one, f"{min(one, other)}/{max(one, other)}", False, True)
        for pair in pairs
        for one, other in (pair, pair[::-1])
        for said, text in zip(stock[one], stock[other], strict=True)
        for hint in (None, other)
    ]


def script_apart(one, other):
    """Whether two languages are written in different scripts (Chinese and Japanese apart)."""
    return _script(one) != _script(other)


def _script(language):
    by = {"zh": "Han", "yue": "Han", "ru": "Cyrillic", "uk": "Cyrillic"}
    return by.get(language, language if language in NOT_LATIN else "Latin")


def as_tables(planted):
    """Make transcripts, references and parameters of them."""
    ids = [f"u{n}" for n in range(len(planted))]
    frame = pd.DataFrame(planted)
    transcripts = pd.DataFrame({"utt_id": ids, "text": frame["text"], "detected_language": frame["detected"]})
    references = pd.DataFrame({"utt_id": ids, "text": frame["reference"], "language": frame["language"]})
    parameters = pd.DataFrame({"utt_id": ids, "language": frame["hint"].astype("string")})
    return transcripts, references, parameters


def told(planted, scores):
    """Count by kind: answers, and those flagged as script and as translation."""
    frame = pd.DataFrame(planted)
    for unit in ("script", "translation"):
        if (scores["unit"] == unit).any():
            frame[f"{unit} flagged"] = scores.loc[scores["unit"] == unit, "subs"].to_numpy(bool)
    return frame
