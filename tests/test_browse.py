"""Finding utterances among many answers, against going through all rows one by one."""

from __future__ import annotations

import re
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from asrlab import tables
from asrlab.errors import InvalidInput
from asrlab.scoring.marking import score
from asrlab.views.answers import outcomes
from asrlab.views.browse import Index
from asrlab.views.confused import marked_again, most_frequent, with_pair
from asrlab.views.filters import ERRORS, SORTS, Choice, Pair, stands_in

WORDS = [
    "one",
    "two",
    "three",
    "Mall",
    "small",
    "hall",
    "\N{LATIN SMALL LETTER E WITH ACUTE}t\N{LATIN SMALL LETTER E WITH ACUTE}",
]
STATES = ["answered"] * 8 + ["failed", "unknown", "submitted", "not run"]


def world(seed, utterances=25, conditions=4, repeats=2):
    """Random answers of all kinds, of which some have no scores, and some scores no answer."""
    rng = np.random.default_rng(seed)
    said = {f"u{n:02}": " ".join(rng.choice(WORDS, rng.integers(1, 6))) for n in range(utterances)}
    rows = []
    for utt_id, text in said.items():
        for condition in (f"c{n}" for n in range(conditions)):
            for repeat in range(repeats):
                heard = " ".join(rng.choice(WORDS) if rng.random() < 0.3 else word for word in text.split())
                state = rng.choice(STATES)
                text_of = None if state != "answered" else "" if rng.random() < 0.1 else heard
                rows.append((utt_id, condition, repeat, 0, state, text_of))
    heard = pd.DataFrame(rows, columns=["utt_id", "condition", "repeat", "channel", "state", "text"])
    heard = tables.check(heard, "transcripts", required=())
    utterances = pd.DataFrame({"utt_id": list(said), "language": [("en", "de")[n % 2] for n in range(len(said))]})
    utterances["tags"] = [["a", "b"][: n % 3] for n in range(len(said))]
    references = pd.DataFrame({"utt_id": list(said), "text": list(said.values())}).assign(
        channel=0, form="spoken", alternative=0
    )
    dataset = SimpleNamespace(
        utterances=tables.check(utterances, "utterances", required=("utt_id",)),
        references=tables.check(references, "references"),
        terms=tables.check(
            pd.DataFrame(
                {
                    "utt_id": ["u03", "u04", None],
                    "term": ["Zug", "zug", "hall"],
                    "role": ["present", "distractor", "present"],
                }
            ),
            "terms",
        ),
    )
    scores = score(heard, dataset, missing="drop", unit="word")
    kept = rng.random(len(scores)) < 0.9
    return scores[kept], heard[rng.random(len(heard)) < 0.9], dataset


class Slow:
    """The same questions, answered row by row."""

    def __init__(self, scores, heard, dataset):
        self.facts = {row["utt_id"]: row for row in dataset.utterances.to_dict("records")}
        self.said = dict(zip(dataset.references["utt_id"], dataset.references["text"], strict=True))
        self.terms = dataset.terms.to_dict("records")
        self.scored, self.came, self.texts = {}, {}, {}
        marked = scores.to_dict("records")
        answers = heard.assign(outcome=outcomes(heard)).to_dict("records")
        self.ids = list(dict.fromkeys([row["utt_id"] for row in [*marked, *answers]]))
        there = {(row["utt_id"], row["condition"], row["repeat"]) for row in answers}
        for row in marked:
            key = row["utt_id"], row["condition"]
            self.scored.setdefault(key, []).append(row)
            if (*key, row["repeat"]) not in there:
                state = row["state"]
                self.came.setdefault(key, set()).add("missing" if state == "answered" else state)
        for row in answers:
            key = row["utt_id"], row["condition"]
            self.came.setdefault(key, set()).add(row["outcome"])
            self.texts.setdefault(key, []).append(row["text"])

    def sums(self, utt_id, condition):
        """Counted rows, all rows, and sums of the counted."""
        rows = self.scored.get((utt_id, condition), [])
        counted = [row for row in rows if not pd.isna(row["subs"])]
        total = {name: sum(row[name] for row in counted) for name in ("subs", "dels", "ins", "ref_len")}
        return len(counted), len(rows), total, sum(total[name] for name in ("subs", "dels", "ins"))

    def error(self, utt_id, choice):
        n, rows, total, errors = self.sums(utt_id, choice.condition)
        names = {"substituted": "subs", "deleted": "dels", "inserted": "ins"}
        if choice.error in names:
            return total[names[choice.error]] > 0
        known = {"any error": errors > 0, "no error": errors == 0 and 0 < n == rows, "not counted": n == 0 or n < rows}
        came = self.came.get((utt_id, choice.condition), {"missing"})
        return known.get(choice.error, choice.error in came)

    def weight(self, utt_id, choice):  # noqa: PLR0911 - an order a line
        n, _, total, errors = self.sums(utt_id, choice.condition)
        if choice.sort == "utt_id":
            return 0
        if n == 0:
            return None
        if choice.sort == "most errors":
            return errors
        if choice.sort == "highest error rate":
            return errors / total["ref_len"] if total["ref_len"] else None
        if choice.sort == "most changed":
            alike = [own[3] for own in (self.sums(utt_id, name) for name in choice.shown) if own[0] == n]
            return max(alike) - min(alike) if len(alike) > 1 else None
        if choice.against is None or self.sums(utt_id, choice.against)[0] != n:
            return None
        more = errors - self.sums(utt_id, choice.against)[3]
        return more if choice.sort == "more errors than against" else -more

    def fits(self, utt_id, choice):
        facts, said, terms = self.facts[utt_id], self.said[utt_id], self.terms
        listed = {
            row["term"].casefold()
            for row in terms
            if not pd.isna(row["utt_id"]) and row["utt_id"] == utt_id and row["role"] == "present"
        }
        texts = [
            said,
            *(text for name in choice.shown for text in self.texts.get((utt_id, name), []) if not pd.isna(text)),
        ]
        return (
            (choice.language is None or facts["language"] == choice.language)
            and (choice.tag is None or choice.tag in facts["tags"])
            and (choice.error is None or self.error(utt_id, choice))
            and (choice.term is None or choice.term.casefold() in {*said.casefold().split(), *listed})
            and (choice.search is None or any(choice.search.casefold() in text.casefold() for text in texts))
        )

    def find(self, choice):
        def key(utt_id):
            weight = self.weight(utt_id, choice)
            return (weight is None, 0 if weight is None else -weight, utt_id)

        return sorted((utt_id for utt_id in self.ids if self.fits(utt_id, choice)), key=key)


def choices(seed):
    rng = np.random.default_rng(seed)

    def some(*values):
        return rng.choice(np.array([*[None] * 6, *values], dtype=object))

    for error in (None, *ERRORS):
        for sort in SORTS:
            yield Choice(
                condition=str(rng.choice(["c0", "c1", "c2"])),
                against=some("c1", "c3"),
                also=tuple(map(str, rng.choice(["c0", "c1", "c2", "c3"], rng.integers(0, 4), replace=False))),
                language=some("en", "de"),
                tag=some("a", "b", "none has it"),
                error=error,
                term=some("mall", "two", "Zug"),
                search=some("all", "ONE", "\N{LATIN CAPITAL LETTER E WITH ACUTE}T"),
                sort=sort,
            )


@pytest.mark.parametrize("seed", range(3))
def test_it_finds_what_a_slow_search_finds(seed):
    scores, heard, dataset = world(seed)
    index, slow = Index(scores, heard, dataset), Slow(scores, heard, dataset)
    some = 0
    for choice in choices(seed):
        found = [index.utt_ids[place] for place in index.find(choice)]
        assert found == slow.find(choice), choice
        some += len(found)
    assert some > 200  # the search is not empty


def test_a_line_says_what_is_known_and_why_not_all_is():
    columns = ["utt_id", "condition", "repeat", "channel", "state", "subs", "dels", "ins", "ref_len"]
    rows = [
        ("a", "x", 0, 0, "answered", 1, 1, 0, 9),
        ("a", "x", 1, 0, "failed", None, None, None, None),
        ("a", "y", 0, 0, "answered", 0, 0, 0, 9),
        ("b", "x", 0, 0, "failed", 0, 4, 0, 4),  # counted as all-deleted
        ("b", "y", 0, 0, "not run", None, None, None, None),
    ]
    heard = pd.DataFrame(
        {"utt_id": ["a", "a", "a", "b", "c"], "condition": ["x", "x", "y", "x", "y"], "repeat": [0, 1, 0, 0, 0]}
    ).assign(state=["answered", "failed", "answered", "failed", "answered"], text=["so", None, " ", None, "so"])
    index = Index(tables.check(pd.DataFrame(rows, columns=columns), "scores", required=()), heard)
    lines = [index.line(place, Choice("x", "y")) for place in range(3)]
    assert lines == [
        "errors: 2 (1 of 2 not counted, failed) / 0 (empty)  a",
        "errors: 4 (failed) / not run  b",
        "errors: missing / not counted  c",
    ]
    assert index.counts([2, 0], ["y"]).to_dict("list") == {"utt_id": ["c", "a"], "y": ["not counted", "0 (empty)"]}


def test_sums_of_more_answers_are_not_held_against_sums_of_fewer():
    columns = ["utt_id", "condition", "repeat", "channel", "state", "subs", "dels", "ins", "ref_len"]
    rows = [("a", c, r, 0, "answered", 5, 0, 0, 9) for c, r in (("x", 0), ("x", 1), ("y", 0))]
    rows += [("b", c, 0, 0, "answered", n, 0, 0, 9) for c, n in (("x", 2), ("y", 1))]
    index = Index(tables.check(pd.DataFrame(rows, columns=columns), "scores", required=()), tables.empty("transcripts"))
    for sort in ("more errors than against", "most changed"):
        assert [index.utt_ids[place] for place in index.find(Choice("x", "y", sort=sort))] == ["b", "a"]


def test_sums_of_unequal_answers_say_of_how_many_they_are():
    columns = ["utt_id", "condition", "repeat", "channel", "state", "subs", "dels", "ins", "ref_len"]
    rows = [("a", "x", n, 0, "answered", 1, 0, 0, 9) for n in range(3)] + [("a", "y", 0, 0, "answered", 1, 0, 0, 9)]
    index = Index(tables.check(pd.DataFrame(rows, columns=columns), "scores", required=()), tables.empty("transcripts"))
    assert index.line(0, Choice("x", "y")).startswith("errors: 3 in 3 answers (missing) / 1 in 1 answer (missing)  a")
    assert index.line(0, Choice("x")).startswith("errors: 3 (missing)  a")
    assert index.counts([0], ["x", "y"])["x"].tolist() == ["3 in 3 answers (missing)"]
    assert index.counts([], ["x"]).columns.tolist() == ["utt_id", "x"]


FOUND = {  # what stands there: what finds it
    "ΟΔΟΣ ΑΘΗΝΑΣ": ("ΑΘΗΝΑΣ", "αθηνας", "ΟΔΟΣ"),
    "İstanbul güzel": ("İstanbul", "GÜZEL"),
    "Straße": ("straße", "STRASSE"),
    "e\u0301te\u0301 la\u0300": ("\u00e9t\u00e9", "\u00c9T\u00c9", "e\u0301te\u0301"),
    "w5 w6": ("w5  w6", "w5\tw6", "W5 w6"),
}


@pytest.mark.parametrize(("text", "typed"), [(text, one) for text, all_of in FOUND.items() for one in all_of])
def test_what_is_there_is_found_however_it_is_written(text, typed):
    heard = pd.DataFrame({"utt_id": ["a", "b"], "text": [text, "no"], "condition": "x"})
    references = tables.check(heard[["utt_id", "text"]], "references", required=("utt_id",))
    dataset = SimpleNamespace(utterances=heard[["utt_id"]], references=references, terms=tables.empty("terms"))
    index = Index(tables.empty("scores"), heard, dataset)
    assert index.find(Choice("x", search=typed)).tolist() == index.find(Choice("x", term=typed)).tolist() == [0]
    silent = Index(tables.empty("scores"), heard.assign(text="zz"), dataset)
    assert silent.find(Choice("x", search=typed)).tolist() == [0]


def test_terms_are_offered_on_one_line():
    heard = pd.DataFrame({"utt_id": ["a"], "text": ["x"], "condition": "x"})
    dataset = SimpleNamespace(
        utterances=heard[["utt_id"]],
        references=tables.empty("references"),
        terms=tables.check(pd.DataFrame({"utt_id": [None, None], "term": ["w5  w6", "w3\tw4"]}), "terms", required=()),
    )
    assert Index(tables.empty("scores"), heard, dataset).terms == ["w3 w4", "w5 w6"]


def test_an_answer_that_is_marked_twice_is_refused():
    scores, heard, dataset = world(1)
    both = pd.concat([scores, scores.assign(unit="char")])
    with pytest.raises(InvalidInput, match=r"mark the same answers more than once .*, by unit\. Choose one"):
        Index(both, heard, dataset)
    with pytest.raises(InvalidInput, match="are copies"):
        Index(pd.concat([scores, scores[:1]]), heard, dataset)


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        (Choice("cx"), "no condition 'cx'"),
        (Choice("c0", also=("cy",)), "no condition 'cy'"),
        (Choice("c0", error="wrong"), "error must be one of"),
        (Choice("c0", sort="worst"), "sort must be one of"),
    ],
)
def test_what_is_not_there_cannot_be_asked_for(wanted, message):
    with pytest.raises(InvalidInput, match=message):
        Index(*world(0)).find(wanted)


def test_rows_that_say_not_what_they_are_of_are_refused():
    heard = pd.DataFrame({"utt_id": ["a", None], "text": ["x", "y"]})
    with pytest.raises(InvalidInput, match="1 rows have no utt_id"):
        Index(tables.empty("scores"), heard)
    with pytest.raises(InvalidInput, match="nothing to explore"):
        Index(tables.empty("scores"), tables.empty("transcripts"))


@pytest.mark.parametrize(
    "text", ["(", "a\x00b", "[[", "\\", "$", "\N{RIGHT-TO-LEFT OVERRIDE}", "<b>", "x" * 10_000, "%", "_"]
)
def test_what_is_searched_is_text_and_no_pattern(text):
    heard = pd.DataFrame({"utt_id": ["a", "b"], "text": [f"so {text} it is", "so"], "condition": "x"})
    references = tables.check(heard[["utt_id", "text"]], "references", required=("utt_id",))
    dataset = SimpleNamespace(utterances=heard[["utt_id"]], references=references, terms=tables.empty("terms"))
    index = Index(tables.empty("scores"), heard, dataset)
    assert index.find(Choice("x", search=text)).tolist() == [0]
    assert index.find(Choice("x", term=text)).tolist() == [0]


def test_composed_and_decomposed_letters_are_one():
    heard = pd.DataFrame(
        {
            "utt_id": ["a", "b"],
            "text": ["caf\N{LATIN SMALL LETTER E WITH ACUTE}", "cafe\N{COMBINING ACUTE ACCENT}"],
            "condition": "x",
        }
    )
    index = Index(tables.empty("scores"), heard)
    for searched in heard["text"]:
        assert len(index.find(Choice("x", search=searched))) == 2


@pytest.mark.parametrize(
    ("term", "text", "stands"),
    [
        ("art", "a party", False),
        ("art", "party, ART!", True),
        ("art", "art's", True),
        ("new york", "in New York.", True),
        ("C++", "write C++ now", True),
        ("天气", "今天天气好", True),
        ("Mall", "去Mall看", True),
        ("क", "का", False),
        ("e", "e\N{COMBINING ACUTE ACCENT}t", False),
        ("", "x", True),
    ],
)
def test_a_term_stands_in_a_text_as_a_whole(term, text, stands):
    assert stands_in(term, text) is stands


def test_languages_tags_and_terms_are_those_of_the_dataset():
    index = Index(*world(0))
    assert (index.languages, index.tags, index.terms) == (["de", "en"], ["a", "b"], ["Zug", "hall", "zug"])
    scores, heard, _ = world(0)
    alone = Index(scores.assign(spoken_language="fr"), heard)
    assert (alone.languages, alone.tags, alone.terms) == (["fr"], [], [])
    assert len(alone.find(Choice("c0", term="one"))) == 0


# Confusions


def test_confusions_are_those_of_the_alignment():
    scores, heard, dataset = world(4, utterances=60)
    own = scores[scores["condition"] == "c0"]
    answers = heard[heard["condition"] == "c0"]
    found = marked_again(own, answers, dataset)
    counted = own[own["subs"].notna() & (own["state"] == "answered")]
    there = {(row.utt_id, row.repeat) for row in answers.itertuples()}
    here = np.array([(row.utt_id, row.repeat) in there for row in counted.itertuples()])
    wrong = counted[["subs", "dels", "ins"]].sum(axis=1).to_numpy(int)
    assert len(found.edits) == wrong[here].sum() > 20
    assert found.left_out == (wrong[~here] > 0).sum()
    listed = most_frequent(found.edits, 10)
    rows = found.edits.to_dict("records")
    for pair, count, n_utts in listed:
        same = [
            row
            for row in rows
            if all((None if pd.isna(row[k]) else row[k]) == getattr(pair, k) for k in ("kind", "ref", "hyp"))
        ]
        assert (count, n_utts) == (len(same), len({row["utt_id"] for row in same}))
        assert sorted(with_pair(found.edits, pair)) == sorted(row["utt_id"] for row in same)
    assert [count for _, count, _ in listed] == sorted((count for _, count, _ in listed), reverse=True)


def test_answers_that_were_marked_otherwise_are_left_out_and_counted():
    scores, heard, dataset = world(5)
    own, answers = scores[scores["condition"] == "c0"], heard[heard["condition"] == "c0"]
    whole = marked_again(own, answers, dataset)
    other = own.assign(subs=own["subs"] + 1)
    lost = marked_again(other, answers, dataset)
    marked = int((own["subs"].notna() & (own["state"] == "answered")).sum())
    assert (len(lost.edits), lost.left_out) == (0, marked)
    assert marked_again(own.assign(normalizer="a chain of mine"), answers, dataset).left_out == marked
    assert marked_again(own, answers, None).left_out == marked
    assert whole.left_out < marked


def test_one_confusion_of_two_languages_is_one():
    edits = pd.DataFrame(
        {"utt_id": ["a", "b"], "unit": "word", "normalizer": ["en-1", "de-1"], "kind": "sub", "ref": "so", "hyp": "no"}
    )
    assert most_frequent(tables.check(edits, "edits", required=()), 5) == [(Pair("sub", "so", "no"), 2, 2)]


@pytest.mark.parametrize(
    ("pair", "text"),
    [(Pair("sub", "a", "b"), "(a) → (b)"), (Pair("del", "a", None), "−(a)"), (Pair("ins", None, "b"), "+(b)")],
)
def test_a_pair_reads_as_its_signs(pair, text):
    assert str(pair) == text.replace("(", "\u2068").replace(")", "\u2069")  # each in a direction of its own
    assert len(str(Pair("sub", "x" * 10_000, "y\n" * 100))) < 100


def test_a_choice_in_words_names_what_is_asked_for():
    choice = Choice(
        "none", "terms", ("x", "y"), language="en", search="\N{RIGHT-TO-LEFT OVERRIDE}", confusion=Pair("sub", "a", "b")
    )
    said = choice.words()
    asked = (
        "condition none; against terms; also x, y; language en; search \\u202e; confusion \u200ea\u200e → \u200eb\u200e"
    )
    assert said == f"{asked}; sorted by most errors"
    assert choice.shown == ["none", "terms", "x", "y"]
    assert re.fullmatch(r"condition \S+; sorted by utt_id", Choice("c", sort="utt_id").words())
