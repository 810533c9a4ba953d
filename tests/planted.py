"""Answers with planted leaks and loops, and answers that look like them and have none; seeded.

What the detectors were developed on and what they are reported on differ in seeds and in texts: `DEVELOPED` and
`REPORTED` share no sentence.
"""

from __future__ import annotations

import json
import random
import re
from pathlib import Path

import pandas as pd

ROOT = Path(__file__).parents[1]
#: Written without spaces between words.
TOGETHER = {"zh", "yue", "ja", "th"}


def sentences():
    rows = pd.read_csv(ROOT / "notebooks" / "texts" / "sentences.tsv", sep="\t", keep_default_na=False, quoting=3)
    return rows[["language", "sentence"]]


def references(name):
    with (ROOT / "datasets" / name / "references.jsonl").open(encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    with (ROOT / "datasets" / name / "utterances.jsonl").open(encoding="utf-8") as lines:
        language = {row["utt_id"]: row["language"] for row in map(json.loads, lines)}
    found = [(language[row["utt_id"]], row["text"]) for row in rows if row["form"] == "spoken" and row["text"]]
    # The same sentence is read by several voices.
    return pd.DataFrame(dict.fromkeys(found), columns=["language", "sentence"])


def _corpus(part):
    """One half of the sentences of each language, and one half of the datasets."""
    texts = sentences()
    texts = texts[texts.groupby("language").cumcount() % 2 == part]
    names = ("dictation", "dialogue") if part == 0 else ("voices", "lecture", "switching")
    found = pd.concat([texts, *map(references, names)], ignore_index=True)
    # A long lecture is many sentences.
    cut = found["sentence"].str.split(r"(?<=[.?!。？！])\s*", regex=True)
    found = found.assign(sentence=[_gathered(parts) for parts in cut]).explode("sentence", ignore_index=True)
    found["language"] = found["language"].str.split("-").str[0]
    return found[found["sentence"].str.len() > 5]


def _gathered(parts, most=160):
    lines = [""]
    for part in parts:
        if len(lines[-1]) + len(part) > most and lines[-1]:
            lines.append("")
        lines[-1] = f"{lines[-1]} {part}".strip()
    return lines


_CONSONANTS = [*"bdfghjklmnprstvwz", "br", "dr", "gl", "kl", "pr", "qu", "st", "tr"]
_ENDS = [*"nrlsxm", "th", "nd", "rk"]
_HAN = "林峰雅婷浩然诗涵志远鑫磊澜岫闫筱檬涪陵盱眙鲸驮乙腈呋喃若尔盖卞汝阮瑾瑜尉迟珺星槎鲲图令狐璟席曼诺夫斯基"
_KANA = "カキクケコサシスセソタチツテトナニノハヒフマミムラリルレロンミナヅキ"
_THAI = ["กา", "มะ", "ลิน", "สุ", "ดา", "ชัย", "พร", "วัน", "เพ็ญ", "นที", "ธาร", "ศรี"]
_OTHER = {
    "ru": "абвгдеклмнопрстуя",
    "uk": "абвгдеклмнопрстіює",
    "hi": "कखगचजटडतदनपबमयरलवसह",
    "ar": "ابتجحدرسعفقكلمنهوي",
}
_OTHER["ko"] = "가나다라마바사아자카타파하김이박최정민수지현우영준서연"


class Planter:
    """Draws answers from one half of the texts."""

    def __init__(self, seed, part):
        self.rng = random.Random(seed)
        self.texts = _corpus(part)
        self.words = {
            language: [
                word
                for word in dict.fromkeys(w for s in rows["sentence"] for w in self.cut(s.strip(".?!。"), language))
                if any(map(str.isalpha, word))
            ]
            for language, rows in self.texts.groupby("language")
        }

    # Texts

    def cut(self, text, language):
        return list(text) if language in TOGETHER else text.split()

    def join(self, units, language):
        return ("" if language in TOGETHER else " ").join(units)

    def sentence(self, language, least=1):
        rows = self.texts.loc[self.texts["language"] == language, "sentence"].tolist()
        text = self.rng.choice(rows)
        while len(self.cut(text, language)) < least:
            text = f"{text} {self.rng.choice(rows)}"
        return text

    def worth(self, text, language):
        return sum(any(map(str.isalpha, unit)) for unit in self.cut(text, language))

    def language(self, some=None):
        """English and Chinese as often as all others together."""
        if some:
            return self.rng.choice(some)
        others = sorted(self.words)
        return self.rng.choice(["en", "zh", self.rng.choice(others)])

    def name(self, language):
        """Make a name up."""
        r = self.rng
        if language in {"zh", "yue"}:
            return "".join(r.sample(_HAN, r.randint(2, 5)))
        if language == "ja":
            return "".join(r.choice(_KANA) for _ in range(r.randint(3, 7)))
        if language == "th":
            return "".join(r.choice(_THAI) for _ in range(r.randint(2, 3)))
        if language in _OTHER:
            return "".join(r.choice(_OTHER[language]) for _ in range(r.randint(3, 8)))
        made = "".join(r.choice(_CONSONANTS) + r.choice("aeiou") for _ in range(r.randint(1, 3))) + r.choice(_ENDS)
        return made.capitalize()

    def word(self, language):
        """Take a word of the language, or in Chinese two to four characters that stand together somewhere."""
        if language not in TOGETHER:
            return re.sub(r"[^\w'’-]", "", self.rng.choice(self.words[language])) or self.name(language)
        text = re.sub(r"[^\w]", "", self.sentence(language, 6))
        at = self.rng.randrange(max(len(text) - 4, 1))
        return text[at : at + self.rng.randint(2, 4)]

    def terms(self, language, n, kind=None):
        """Make a list: names, words that occur in speech, both, names of two words."""
        kind = kind or self.rng.choice(["names", "names", "words", "both", "long"])
        made = []
        tried = 0
        while len(made) < n:
            tried += 1
            name = self.name(language) if kind == "names" or self.rng.random() < 0.5 else self.word(language)
            if kind == "words" and tried < 2 * n:  # a language of few sentences has few words
                name = self.word(language)
            if kind == "long" and language not in TOGETHER:
                name = f"{self.name(language)} {self.name(language)}"
            if name.lower() not in {term.lower() for term in made} and len(name) > 1:
                made.append(name)
        return made

    def written(self, terms, language):
        """Write a list as a context."""
        form = self.rng.choice(
            [", ", "; ", "\n", "json", " | ", "、", "，"]
            if language in {"zh", "ja"}
            else [", ", ", ", "; ", "\n", "json", " | "]
        )
        return json.dumps(terms, ensure_ascii=False) if form == "json" else form.join(terms)

    # What an engine does

    def misheard(self, word, language):
        """Change a letter or two, as engines mishear."""
        letters = list(word)
        at = self.rng.randrange(len(letters))
        letters[at] = self.rng.choice(_HAN if language in {"zh", "yue"} else _OTHER.get(language, "aeiounrstl"))
        return "".join(letters)

    def noisy(self, text, language, rate):
        """Hear a text with errors: words changed, left out, put in."""
        heard = []
        for unit in self.cut(text, language):
            draw = self.rng.random() / rate if rate else 1.0
            if draw < 0.5:
                heard.append(self.misheard(unit, language) if self.rng.random() < 0.5 else self.unit(language))
            elif draw < 0.75:
                pass
            elif draw < 1:
                heard += [unit, self.unit(language)]
            else:
                heard.append(unit)
        return self.join(heard, language)

    def unit(self, language):
        return self.rng.choice(self.words[language])

    def placed(self, echo, text, language, where=None):
        """Put an echo into what was heard."""
        gap = "" if language in TOGETHER else " "
        where = where or self.rng.choice(["start", "start", "middle", "end", "instead", "half"])
        units = self.cut(text, language)
        at = self.rng.randrange(1, max(len(units), 2))
        if where == "start":
            return echo + self.rng.choice([". ", ", ", "\n", " "]) + text
        if where == "end":
            return text + gap + echo
        if where == "instead":
            return echo
        if where == "half":
            return echo + gap + self.join(units[len(units) // 2 :], language)
        return self.join([*units[:at], *([echo] if gap else list(echo)), *units[at:]], language)

    # Planted

    def leak(self, language=None, kind=None):
        """Plant an echo of the context: transcript, reference, context, language, kind."""
        r = self.rng
        language = language or self.language()
        said = self.sentence(language, 6)
        heard = self.noisy(said, language, r.choice([0, 0, 0.05, 0.1, 0.2]))
        kind = kind or r.choice(
            ["whole", "first", "run", "shuffled", "reversed", "some", "repeated", "misspelled", "prose", "prose part"]
        )
        if kind.startswith("prose"):
            # A stretch of five words (eight characters of Chinese), numbers and marks not counted.
            least = {"th": 16, "ja": 12}.get(language, 8 if language in TOGETHER else 5)
            context = said
            while context in said or said in context or self.worth(context, language) < least:
                context = self.sentence(language, 3 * least)
            part = units = self.cut(context, language)
            if kind == "prose part":
                part = []
                while self.worth(self.join(part, language), language) < least:
                    at = r.randrange(max(len(units) - least, 1))
                    part = units[at : at + r.randint(least, max(least, len(units)))]
            return self.placed(self.join(part, language), heard, language), said, context, language, kind
        of = r.choice(["names", "names", "both", "long", "words"])
        terms = self.terms(language, r.choice([3, 5, 8, 15, 30, 100]), of)
        kind_and_list = f"{kind} of words" if of == "words" else kind
        context = self.written(terms, language)
        few = r.randint(2, min(len(terms), 6))
        at = r.randrange(len(terms) - few + 1)
        echoed = {
            "whole": terms[:40],
            "first": terms[:few],
            "run": terms[at : at + few],
            "shuffled": r.sample(terms, min(len(terms), 12)),
            "reversed": terms[::-1][: max(few, 3)],
            "some": r.sample(terms, max(few, 3)),
            "repeated": [r.choice(terms)] * r.randint(3, 8),
            "misspelled": [
                self.misheard(t, language) if len(t) > 4 and r.random() < 0.4 else t for t in terms[: max(few, 3)]
            ],
        }[kind]
        form = r.choice(
            [", ", " ", ". ", "、", "，", "", "\n"]
            if language in TOGETHER
            else [", ", ", ", " ", ". ", "\n", "; ", " / "]
        )
        echo = form.join(echoed)
        echo = r.choice([str, str, str.lower, str.upper])(echo)
        where = None
        if kind in {"first", "run"} and few == 2:
            where = r.choice(["start", "middle", "end"])
        return self.placed(echo, heard, language, where), said, context, language, kind_and_list

    def no_leak(self, language=None, kind=None):
        """Make an answer that has a context and does not echo it."""
        r = self.rng
        language = language or self.language()
        kind = kind or r.choice(
            [
                "noise",
                "noise",
                "false term",
                "false terms apart",
                "roll call",
                "said",
                "common",
                "misheard names",
                "said prose",
            ]
        )
        said = self.sentence(language, 6)
        rate = r.choice([0, 0.05, 0.1, 0.2, 0.3])
        terms = self.terms(language, r.choice([3, 5, 8, 15, 30, 100]), "words" if kind == "common" else None)
        context = self.written(terms, language)
        units = self.cut(said, language)
        gap = "" if language in TOGETHER else " "
        if kind in {"noise", "common"}:
            heard = self.noisy(said, language, rate)
        elif kind == "false term":
            heard = list(units)
            at = r.randrange(len(units))
            heard[at : at + r.choice([0, 1, 1, 2])] = self.cut(r.choice(terms), language)
            heard = self.join(heard, language)
        elif kind == "false terms apart":
            heard = list(units)
            for at in sorted(r.sample(range(0, len(units), 3), min(2, (len(units) + 2) // 3)), reverse=True):
                heard[at : at + 1] = self.cut(r.choice(terms), language)
            heard = self.join(heard, language)
        elif kind in {"roll call", "misheard names"}:
            n = r.randint(2, min(len(terms), 6))
            call = terms[:n] if r.random() < 0.5 else r.sample(terms, n)
            at = r.randrange(len(units) + 1)
            said = self.join([*units[:at], (", " if gap else "、").join(call), *units[at:]], language)
            if kind == "misheard names":  # what was said was near to listed terms, and the engine chose those
                real = [self.misheard(term, language) for term in call]
                heard = said
                said = self.join([*units[:at], (", " if gap else "、").join(real), *units[at:]], language)
            else:
                heard = self.noisy(said, language, rate)
        elif kind == "said":
            context = self.written(
                [
                    *r.sample(terms, min(len(terms), 10)),
                    *r.sample([w for w in units if len(w) > (0 if not gap else 3)] or units, 1),
                ],
                language,
            )
            heard = self.noisy(said, language, rate)
        else:  # the context is what was said, and more
            context = f"{said} {self.sentence(language, 6)}"
            heard = self.noisy(said, language, rate)
        return heard, said, context, language, kind

    def loop(self, language=None, kind=None):
        """Plant a loop: transcript, reference, None, language, kind."""
        r = self.rng
        language = language or self.language()
        said = self.sentence(language, 6)
        clean = self.noisy(said, language, r.choice([0, 0, 0.05, 0.1]))
        units = self.cut(re.sub(r"[.?!。？！]$", "", clean), language)
        kind = kind or r.choice(["word", "phrase", "sentence", "silence", "instead", "letters", "drift"])
        gap = "" if language in TOGETHER else " "
        at = r.randrange(1, max(len(units), 2))
        before, after = units[:at], units[at:]
        if kind == "word":
            word = [self.unit(language)] if gap else list(self.word(language))
            heard = [*before, *word * r.randint(6, 30), *after]
        elif kind == "phrase":
            copy = before[-(r.randint(2, 8) if gap else r.randint(4, 16)) :]
            copies = r.randint(3, 20) if len(copy) > 1 else r.randint(5, 20)
            heard = [*before, *copy * copies, *(after if r.random() < 0.5 else [])]
        elif kind == "sentence":
            heard = [(gap or " ").join([clean] * r.randint(3, 10))]
        elif kind == "silence":
            said = ""
            words = [self.unit(language) for _ in range(r.randint(1, 5))] if gap else list(self.word(language))
            heard = words * r.randint(5, 40)
        elif kind == "instead":
            words = [self.unit(language) for _ in range(r.randint(1, 6))] if gap else list(self.word(language) * 2)
            heard = words * r.randint(6, 40)
        elif kind == "letters":
            copy = r.choice(["ha", "a", "la", "mm", "wo"]) if gap else r.choice("哈谢好是的")
            heard = [*before, copy * r.randint(12, 60), *after]
        else:
            heard = list(before)
            for _ in range(r.randint(6, 15)):
                copy = before[-8:]
                if len(copy) > 4 and r.random() < 0.4:
                    copy[r.randrange(len(copy))] = self.unit(language)
                heard += copy
        return self.join(heard, language), said, None, language, kind

    def no_loop(self, language=None, kind=None):
        """Make an answer that repeats what was said again and again, or nothing."""
        r = self.rng
        language = language or self.language()
        kind = kind or r.choice(
            ["noise", "noise", "no no no", "laughter", "roll call", "numbers", "twice", "one more", "stutter"]
        )
        said = self.sentence(language, 6)
        units = self.cut(said, language)
        gap = "" if language in TOGETHER else " "
        at = r.randrange(len(units) + 1)
        rate = r.choice([0, 0.05, 0.1, 0.2])
        word = self.unit(language) if gap else self.word(language)

        def within(*words):
            return self.join([*units[:at], *words, *units[at:]], language)

        heard = None  # what was said, with errors
        if kind in {"no no no", "roll call"}:
            copy = [word] if kind == "no no no" else [self.unit(language), word]
            said = within(*copy * r.randint(3, 10))
        elif kind == "laughter":
            laugh, n = r.choice(["ha", "he", "ho"] if gap else ["ha", "he", "哈", "呵", "嘿"]), r.randint(2, 6)
            said, heard = within(*[laugh] * n), within(*[laugh] * max(n + r.randint(-2, 2), 1))
        elif kind == "numbers":
            digits = "".join(r.choice("0155") for _ in range(r.randint(5, 12)))
            said, heard = within(digits), within(" ".join(digits))
        elif kind == "twice":
            said = f"{said} {said}"
        elif kind == "one more":
            said, heard = within(*[word] * 3), within(*[word] * 4)
        elif kind == "stutter":
            heard = within(*units[at : at + 1] * 2)
        return heard or self.noisy(said, language, rate), said, None, language, kind


def tables(drawn):
    """Make tables of what was drawn: transcripts, references, parameters."""
    heard, said, context, language, kind = zip(*drawn, strict=True)
    ids = [f"u{n}" for n in range(len(drawn))]
    transcripts = pd.DataFrame({"utt_id": ids, "text": pd.array(heard, dtype="string"), "kind": kind})
    spoken = pd.DataFrame({"utt_id": ids, "text": said, "language": language})
    sent = pd.DataFrame({"utt_id": ids, "context": pd.array(context, dtype="string")})
    return transcripts, spoken, sent
