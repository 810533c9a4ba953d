"""Stacks: which answers stand under which reference, their steps column by column, and when they were heard."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asrlab import tables
from asrlab.errors import InvalidInput
from asrlab.normalize import Normalizer
from asrlab.scoring.align import align
from asrlab.scoring.edits import edits
from asrlab.scoring.marking import score
from asrlab.views.stack import Cell, Line, Stack, stacks


def dataset(said):
    """Make a dataset of rows of references; no audio."""
    references = pd.DataFrame(said)
    utterances = references[["utt_id"]].drop_duplicates().assign(language="en")
    return SimpleNamespace(utterances=utterances, references=references, terms=tables.empty("terms"))


def answers(*rows):
    return pd.DataFrame([{"utt_id": "a", "state": "answered", **row} for row in rows])


def steps(line):
    return [(cell.kind, cell.ref, cell.hyp) for cell in line.cells]


SAID = dataset([{"utt_id": "a", "text": "we met at a small hall at nine"}, {"utt_id": "b", "text": "six"}])
HEARD = answers(
    {"condition": "none", "text": "we meet at the mall at nine"},
    {"condition": "terms", "text": "We met at a small hall at nine."},
    {"condition": "wrong", "text": ""},
    {"condition": "slow", "text": None, "state": "failed", "error_code": "TIMEOUT", "error": "gone"},
    {"condition": "later", "text": None, "state": "not run"},
    {"utt_id": "b", "condition": "none", "text": "sicks"},
)
SCORES = score(HEARD, SAID, missing="drop")


def test_lines_stand_under_the_reference_with_their_alignment():
    (stack,) = stacks(SCORES, HEARD, SAID, "a")
    assert (stack.utt_id, stack.unit, stack.form, stack.counted) == ("a", "word", "unstated", "word")
    assert stack.reference == ("we", "met", "at", "a", "small", "hall", "at", "nine")
    assert stack.written == "we met at a small hall at nine"
    assert stack.how == "unstated reference, en-2"
    assert [line.condition for line in stack.lines] == ["none", "terms", "wrong", "slow", "later"]
    assert [line.outcome for line in stack.lines] == ["answered", "answered", "empty", "failed", "not run"]
    assert [line.errors for line in stack.lines] == [4, 0, 8, None, None]
    assert [line.aligned for line in stack.lines] == [True, True, True, False, False]
    # By hand: met heard as meet, a as the, small as mall, hall not at all.
    assert [step for step in steps(stack.lines[0]) if step[0] != "hit"] == [
        ("sub", "met", "meet"),
        ("sub", "a", "the"),
        ("sub", "small", "mall"),
        ("del", "hall", None),
    ]
    for line, text in zip(stack.lines, HEARD["text"], strict=False):
        if line.aligned:
            edited = align("we met at a small hall at nine", text, language="en").edits
            assert steps(line) == [(edit.kind, edit.ref, edit.hyp) for edit in edited]
    assert stack.lines[0].fact == "4 errors in 8 words (3 substituted, 1 deleted, 0 inserted)"
    assert stack.lines[2].fact.startswith("Answered, and nothing was heard")
    assert stack.lines[3].fact == "Failed: TIMEOUT: gone; not counted"
    assert stack.lines[4].fact == "Not run yet; not counted"
    assert [line.text for line in stack.lines[:4]] == [*HEARD["text"][:3], None]


def test_conditions_are_shown_in_the_order_asked_for_and_none_is_passed_over():
    part = SCORES[SCORES["condition"] != "terms"]
    asked = ["terms", "slow", "nowhere", "none", "none"]
    lines = [line for stack in stacks(part, HEARD, SAID, "a", conditions=asked) for line in stack.lines]
    assert [line.condition for line in lines] == ["terms", "slow", "nowhere", "none"]
    assert lines[0].fact == "Not marked: the scores do not hold this answer"
    assert (lines[0].outcome, lines[0].text, lines[0].errors) == ("answered", HEARD["text"][1], None)
    assert (lines[2].outcome, lines[2].fact) == ("missing", "Missing: neither scores nor transcripts hold this answer")


def test_what_was_never_marked_is_shown_as_it_came():
    (stack,) = stacks(SCORES[SCORES["utt_id"] == "b"], HEARD, SAID, "a")
    assert [line.outcome for line in stack.lines] == ["answered", "answered", "empty", "failed", "not run"]
    assert not any(line.aligned or line.errors is not None for line in stack.lines)
    assert stack.lines[3].fact.startswith("Failed: TIMEOUT")


def test_an_unknown_utterance_or_a_table_without_ids_is_refused():
    with pytest.raises(InvalidInput, match="an utterance 'z'"):
        stacks(SCORES, HEARD, SAID, "z")
    with pytest.raises(InvalidInput, match="need the column utt_id"):
        stacks(SCORES.drop(columns="utt_id"), HEARD, SAID, "a")
    with pytest.raises(InvalidInput, match="Choose a rung"):
        stacks(pd.concat([SCORES.assign(rung=1), SCORES.assign(rung=2)]), HEARD, SAID, "a")


def test_without_a_dataset_the_counts_stay():
    (stack,) = stacks(SCORES, HEARD, None, "a")
    assert (stack.reference, stack.written) == ((), None)
    assert [line.errors for line in stack.lines] == [4, 0, 8, None, None]
    assert [line.notes for line in stack.lines] == [("its reference is not here",)] * 3 + [()] * 2
    assert stack.columns() == []


def test_each_form_and_wording_has_a_stack_of_its_own():
    said = dataset(
        [
            {"utt_id": "a", "form": "spoken", "text": "fifty dollars {um|uh} now"},
            {"utt_id": "a", "form": "written", "text": "$50 now"},
        ]
    )
    heard = answers(
        {"condition": "x", "text": "fifty dollars uh now"},
        {"condition": "y", "text": "$50 now"},
        {"condition": "z", "text": "fifty dollars um now"},
        {"condition": "failed", "text": None, "state": "failed"},
    )
    found = stacks(score(heard, said, form="best", missing="drop"), heard, said, "a")
    assert [(one.form, " ".join(one.reference), [line.condition for line in one.lines]) for one in found] == [
        ("spoken", "fifty dollars uh now", ["x", "failed"]),
        ("written", "$50 now", ["y"]),
        ("spoken", "fifty dollars um now", ["z"]),
    ]
    assert {line.errors for one in found for line in one.lines} == {0, None}
    assert found[1].how == "best reference: written, en-2"


def test_channels_are_apart_or_joined_as_they_were_marked():
    said = dataset(
        [{"utt_id": "a", "channel": 0, "text": "left one"}, {"utt_id": "a", "channel": 1, "text": "right two"}]
    )
    heard = answers(
        {"condition": "c", "channel": 1, "text": "write two"},
        {"condition": "c", "channel": 0, "text": "left one"},
        {"condition": "c", "repeat": 1, "channel": 1, "text": "right"},
    ).assign(repeat=[0, 0, 1])
    each = stacks(score(heard, said, missing="drop"), heard, said, "a")
    assert [(one.reference, [(line.channel, line.repeat, line.outcome) for line in one.lines]) for one in each] == [
        (("right", "two"), [(1, 0, "answered"), (1, 1, "answered")]),
        (("left", "one"), [(0, 0, "answered"), (0, 1, "missing")]),
    ]
    assert [line.name for one in each for line in one.lines] == [
        "c · channel 1",
        "c · repeat 1 · channel 1",
        "c",
        "c · repeat 1",
    ]
    (joined,) = stacks(score(heard[:2], said, channels="joined"), heard[:2], said, "a")
    assert joined.reference == ("left", "one", "right", "two")
    assert steps(joined.lines[0])[2] == ("sub", "right", "write")
    assert joined.lines[0].channel is None


def test_terms_are_counted_and_words_aligned():
    said = dataset([{"utt_id": "a", "text": "ask siobhan now"}])
    said.terms = tables.check(pd.DataFrame({"utt_id": ["a"], "term": ["Siobhan"], "role": ["present"]}), "terms")
    heard = answers({"condition": "x", "text": "ask Shivon then"})
    (stack,) = stacks(score(heard, said, unit="term", missing="drop"), heard, said, "a")
    assert (stack.unit, stack.counted, stack.lines[0].errors, stack.lines[0].notes) == ("word", "term", 1, ())
    assert len([step for step in steps(stack.lines[0]) if step[0] == "sub"]) == 2


def test_what_cannot_be_aligned_or_was_counted_otherwise_is_said():
    shout = Normalizer("shout-1", (str.upper,))
    scores = score(HEARD, SAID, normalizer=shout, missing="drop")
    (stack,) = stacks(scores, HEARD, SAID, "a")
    assert "There is no normalizer 'shout-1'" in stack.lines[0].notes[0]
    assert not stack.lines[0].aligned
    (stack,) = stacks(scores, HEARD, SAID, "a", normalizer=shout)
    assert stack.reference[0] == "WE"
    (stack,) = stacks(SCORES.assign(subs=9), HEARD, SAID, "a")
    assert stack.lines[0].notes == ("this alignment has 4: the scores were made otherwise",)


# -- times -------------------------------------------------------------------------------------------------------------

WORDS = pd.DataFrame(
    {
        "utt_id": "a",
        "condition": "none",
        "channel": 0,
        "text": ["we", "meet", "at", "the", "mall", "at", "nine"],
        "start_s": [0.0, 0.5, 1.0, 1.2, 1.5, 2.5, 2.8],
        "end_s": [0.4, 0.9, 1.1, 1.4, 2.0, 2.7, 3.3],
    }
)


def test_steps_have_the_times_of_their_words_and_deletions_those_of_the_gap():
    (stack,) = stacks(SCORES, HEARD, SAID, "a", words=WORDS)
    timed = {(cell.kind, cell.ref): (cell.start_s, cell.end_s) for cell in stack.lines[0].cells}
    assert timed["sub", "met"] == (0.5, 0.9)
    assert timed["sub", "small"] == (1.5, 2.0)
    assert timed["del", "hall"] == (2.0, 2.5)
    assert all(cell.start_s is None for line in stack.lines[1:] for cell in line.cells)
    one = edits(HEARD[:1], SAID.references[:1], hits=True, words=WORDS, language="en")
    assert [cell.start_s for cell in stack.lines[0].cells] == one["start_s"].tolist()


def test_words_of_other_answers_are_no_hindrance():
    elsewhere = WORDS.assign(condition="other")
    (stack,) = stacks(SCORES, HEARD, SAID, "a", words=elsewhere)
    assert "no times: None of the 7 words" in stack.notes[0]
    assert stack.lines[0].aligned
    (stack,) = stacks(SCORES, HEARD, SAID, "a", words=WORDS.assign(utt_id="b"))
    assert stack.notes == ()
    (stack,) = stacks(SCORES, HEARD, SAID, "a", words=WORDS[:0])
    assert stack.lines[0].cells[0].start_s is None


def test_engines_that_share_a_condition_have_the_times_of_their_own_words():
    heard = answers(*({"condition": "none", "engine": name, "text": "six"} for name in "xy")).assign(utt_id="b")
    words = pd.DataFrame(
        {"utt_id": "b", "condition": "none", "engine": ["y", "x"], "text": "six", "start_s": [2.0, 1.0]}
    )
    scores = score(heard, SAID, missing="drop")
    (stack,) = stacks(scores, heard, SAID, "b", words=words.assign(end_s=3.0))
    assert [line.cells[0].start_s for line in stack.lines] == [1.0, 2.0]


def test_joined_channels_have_times():
    said = dataset([{"utt_id": "a", "channel": n, "text": text} for n, text in enumerate(["left one", "right two"])])
    heard = answers(*({"condition": "none", "channel": n, "text": t} for n, t in enumerate(["left won", "right two"])))
    words = WORDS[:4].assign(text=["left", "won", "right", "two"], channel=[0, 0, 1, 1])
    (stack,) = stacks(score(heard, said, channels="joined"), heard, said, "a", words=words)
    assert [cell.start_s for cell in stack.lines[0].cells] == [0.0, 0.5, 1.0, 1.2]


# -- columns -----------------------------------------------------------------------------------------------------------


def line(text):
    """Make a line of signs: a letter is a hit, ``-a`` a deletion, ``+x`` an insertion, ``a>x`` a substitution."""
    cells = []
    for sign in text.split():
        if sign[0] == "-":
            cells.append(Cell("del", sign[1:], None))
        elif sign[0] == "+":
            cells.append(Cell("ins", None, sign[1:]))
        else:
            ref, _, hyp = sign.partition(">")
            cells.append(Cell("sub" if hyp else "hit", ref, hyp or ref))
    return Line("c", 0, 0, "answered", "", 0, tuple(cells), aligned=True)


def drawn(stack):
    """Write columns as text: each row, the reference first."""
    signs = {"hit": "", "sub": ">", "del": "-", "ins": "+"}
    columns = stack.columns()
    rows = [[head or "*" for head, _ in columns]]
    for n in range(len(stack.lines)):
        own = [cells[n] for _, cells in columns]
        rows.append(["." if cell is None else signs[cell.kind] + (cell.hyp or cell.ref) for cell in own])
    return [" ".join(row) for row in rows]


def test_insertions_get_columns_of_their_own_next_to_the_unit_they_stand_before():
    lines = (line("a b>x +p c"), line("+q a b +r +s c +t"), line("-a -b -c"))
    stack = Stack("u", ("a", "b", "c"), "word", None, lines)
    assert drawn(stack) == [
        "* a b * * c *",
        ". a >x . +p c .",
        "+q a b +r +s c +t",
        ". -a -b . . -c .",
    ]


def test_nothing_said_has_columns_for_what_was_heard():
    assert drawn(Stack("u", (), "word", None, (line("+a +b"), line("")))) == ["* *", "+a +b", ". ."]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.text("ab ", max_size=12), min_size=1, max_size=5), st.text("ab ", max_size=12))
def test_columns_hold_every_step_once_and_in_order(heard, said):
    aligned = [align(said, text, unit="word", normalizer="none").edits for text in heard]
    cells = [tuple(Cell(step.kind, step.ref, step.hyp) for step in steps) for steps in aligned]
    lines = tuple(Line(str(n), 0, 0, "answered", "", None, own, aligned=True) for n, own in enumerate(cells))
    stack = Stack("u", tuple(said.split()), "word", None, lines)
    columns = stack.columns()
    assert [head for head, _ in columns if head is not None] == said.split()
    for n, own in enumerate(cells):
        assert tuple(column[n] for _, column in columns if column[n] is not None) == own
        assert all(column[n].ref == head for head, column in columns if column[n] is not None)
    assert not any(all(cell is None for cell in column) for _, column in columns)


def test_only_the_rows_of_the_utterance_are_looked_at():
    many = pd.concat([SCORES, SCORES.assign(utt_id="other", rung=np.arange(len(SCORES)))])
    (stack,) = stacks(many, HEARD, SAID, "a")
    assert len(stack.lines) == 5


def test_a_reference_nobody_was_marked_against_shows_its_first_wording():
    said = dataset([{"utt_id": "a", "text": "fifty dollars {um|uh} now"}])
    heard = answers({"condition": "x", "text": None, "state": "failed"})
    (stack,) = stacks(score(heard, said, missing="drop"), heard, said, "a")
    assert stack.reference == ("fifty", "dollars", "um", "now")
    assert stack.written == "fifty dollars um now"


def test_no_condition_at_all_is_refused():
    with pytest.raises(InvalidInput, match="conditions names none"):
        stacks(tables.empty("scores"), tables.empty("transcripts"), None, "a", conditions=[])


@pytest.mark.parametrize(
    ("reference", "expected"), [("12 שלום", True), ("so שלום", False), ("مرحبا so", True), ("", False)]
)
def test_a_reference_is_read_from_the_side_of_its_first_letter(reference, expected):
    assert Stack("u", tuple(reference.split()), "word", None, ()).right_to_left == expected
