"""The word lists of the pages on contexts: what sounds like a term, and what a long list is filled with.

``near-terms.tsv`` has for each term of ``datasets/dictation`` and ``datasets/switching`` another that sounds like it,
for contexts that mislead. ``distractors.tsv`` has lists of 300 English words that nobody says in ``dictation``:
``random``, drawn from the dictionary, and one list for each recording of words that sound like those said in it. To
make both anew, in the folder above ``notebooks``::

    pip install '.[local]' pypinyin==0.55.0 jieba==0.42.1
    python notebooks/texts/build.py

English words and their phones are those of ``cmudict-en-us.dict`` in the wheel of pocketsphinx (BSD licence), of four
letters or more. What sounds like a word is nearest to it in phones, by edit distance over the longer length, or in
letters where the dictionary has not got the word; then in letters; then by the alphabet. Words with the same beginning
(all but two letters, at least four) are passed over: most of them are other forms of the same word. A term of several
words is replaced word by word, and words of two letters stay. In a Chinese term each character is replaced by the
commonest other one (by jieba's list) of the same syllable and tone, or of the same syllable where there is none
(pypinyin).

The list of a recording takes the nearest word of each word said, in order, then the second nearest, and so on; so a
short list holds those that sound most alike.
"""

from __future__ import annotations

import random
import re
from pathlib import Path

import jieba
import pandas as pd
import pocketsphinx
from pypinyin import Style, pinyin
from rapidfuzz import process
from rapidfuzz.distance import Levenshtein

import asrlab as lab

HERE = Path(__file__).parent
SETS = [lab.load_dataset(HERE.parents[1] / "datasets" / name) for name in ("dictation", "switching")]
DICTIONARY = Path(pocketsphinx.__file__).parent / "model" / "en-us" / "cmudict-en-us.dict"
LONGEST = 300  # words
DEEP = 60  # near words of one word that are looked at
SEED = 9


def letters(texts: pd.Series) -> list[str]:
    """Find the words in Latin letters, in lower case."""
    return re.findall(r"[a-z']+", " ".join(texts).lower())


TERMS = pd.concat([dataset.terms for dataset in SETS])
TAKEN = {word for dataset in SETS for word in letters(dataset.references["text"])} | set(letters(TERMS["term"]))
PHONES = {
    word: phones
    for word, *phones in map(str.split, DICTIONARY.read_text().splitlines())
    if re.fullmatch(r"[a-z]{4,}", word)
}
FREE = {word: phones for word, phones in PHONES.items() if word not in TAKEN}
WORDS, SOUNDS = list(FREE), list(FREE.values())


def near(word: str, count: int = 1) -> list[str]:
    """Find the words that sound most like an English one, the nearest first."""
    word = word.lower()
    said, free = (PHONES[word], SOUNDS) if word in PHONES else (word, WORDS)
    found = process.extract(said, free, scorer=Levenshtein.normalized_distance, limit=4 * count + 20)
    ranked = sorted((far, Levenshtein.normalized_distance(word, WORDS[at]), WORDS[at]) for _, far, at in found)
    same = word[: max(4, len(word) - 2)]
    return [other for *_, other in ranked if not other.startswith(same)][:count]


def homophones() -> dict[tuple[Style, str], list[str]]:
    """Gather the characters of each syllable, with its tone and without."""
    jieba.initialize()
    found: dict[tuple[Style, str], list[str]] = {}
    for character in (word for word in jieba.dt.FREQ if re.fullmatch("[\u4e00-\u9fff]", word)):
        for style in (Style.TONE3, Style.NORMAL):
            found.setdefault((style, pinyin(character, style=style)[0][0]), []).append(character)
    return found


def sounding_like(term: str, characters: dict[tuple[Style, str], list[str]]) -> str:
    """Give another term that sounds like this one."""
    if term.isascii():
        other = " ".join(near(word)[0] if len(word) > 2 else word for word in term.split())
        return other.title() if term[0].isupper() else other
    made = ""
    for (syllable,) in pinyin(term, style=Style.TONE3):
        alike = [c for c in characters.get((Style.TONE3, syllable), ()) if c not in term and c not in made]
        alike = alike or [c for c in characters[Style.NORMAL, syllable.rstrip("12345")] if c not in term]
        made += max(alike, key=lambda character: (jieba.dt.FREQ[character], character))
    return made


def around(text: str) -> list[str]:
    """Make the list of words that sound like those of a text."""
    said = [word for word in dict.fromkeys(letters(pd.Series([text]))) if len(word) > 3 and "'" not in word]
    alike = [near(word, DEEP) for word in said]
    return list(dict.fromkeys(words[at] for at in range(DEEP) for words in alike if at < len(words)))[:LONGEST]


def main() -> None:
    """Write both files."""
    characters = homophones()
    present = TERMS.loc[TERMS["role"] == "present", "term"]
    pairs = [(term, sounding_like(term, characters)) for term in present]
    pd.DataFrame(pairs, columns=["term", "near"]).to_csv(HERE / "near-terms.tsv", sep="\t", index=False)

    english = SETS[0].select("language == 'en'", form="spoken").references
    pool = sorted(word for word in FREE if len(word) > 4)
    lists = {"random": random.Random(SEED).sample(pool, LONGEST)}  # noqa: S311 - a draw, no secret
    lists |= {row.utt_id: around(row.text) for row in english.itertuples()}
    rows = [(name, " ".join(words)) for name, words in lists.items()]
    pd.DataFrame(rows, columns=["list", "words"]).to_csv(HERE / "distractors.tsv", sep="\t", index=False)


if __name__ == "__main__":
    main()
