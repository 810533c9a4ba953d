"""The explorer, driven as a reader would: set a choice, press a button, read what is shown, ask for a sound."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import ipywidgets as widgets
import numpy as np
import pandas as pd
import pytest
import soundfile

import asrlab as lab
from asrlab import tables
from asrlab.data.dataset import Dataset
from asrlab.errors import InvalidInput
from asrlab.scoring.edits import edits
from asrlab.scoring.marking import score
from asrlab.sweep.opened import Heard
from asrlab.views import html
from asrlab.views.stack import Cell, Line, Stack
from asrlab.views.widgets import explore, explorer, kept, sounds
from asrlab.views.widgets.pages import page

HEARD = {
    ("en-1", "none"): "one too three",
    ("en-1", "terms"): "one two three",
    ("en-2", "none"): "",
    ("en-2", "terms"): "for fiver",
    ("zh-1", "none"): "今天天汽",
    ("zh-1", "terms"): None,
}
SAID = {"en-1": "one two three", "en-2": "four five", "zh-1": "今天天气"}


def sweep(folder=Path("nowhere"), heard=HEARD, said=SAID, duration_s=None, tags=()):
    rows = [
        {
            "trial": f"{utt_id}/{condition}",
            "utt_id": utt_id,
            "condition": condition,
            "repeat": 0,
            "channel": 0,
            "state": "failed" if text is None else "answered",
            "text": text,
        }
        for (utt_id, condition), text in heard.items()
    ]
    utterances = pd.DataFrame({"utt_id": list(said), "language": [name[:2] for name in said]}, dtype="string")
    utterances["duration_s"], utterances["tags"] = duration_s, [list(tags)] * len(said)
    dataset = SimpleNamespace(
        utterances=tables.check(utterances, "utterances", required=("utt_id",)),
        references=tables.check(
            pd.DataFrame({"utt_id": list(said), "text": list(said.values())}), "references", required=("utt_id", "text")
        ).fillna({"channel": 0, "form": "spoken", "alternative": 0}),
        terms=tables.check(pd.DataFrame({"utt_id": [None], "term": ["two"], "role": ["present"]}), "terms"),
        audio_path=lambda utt_id: folder / f"{utt_id}.flac",
        clip=lambda *_: b"",
    )
    heard = tables.check(pd.DataFrame(rows), "transcripts", required=())
    return SimpleNamespace(transcripts=heard, dataset=dataset, heard=lambda condition: dataset)


SWEEP = sweep()
SCORES = score(SWEEP.transcripts, SWEEP.dataset, missing="drop")


def status(shown):
    return shown.status.value.removeprefix('<p class="mathjax_ignore">').removesuffix("</p>")


def lines(shown):
    return [label for label, _ in shown.utterance.options]


def ids(shown):
    return [line.split("  ")[-1] for line in lines(shown)]


def choose(shown, utt_id):
    shown.utterance.index = ids(shown).index(utt_id)


def words(shown, condition):
    """The words of the line of a condition, as they are read out."""
    stack = shown.reading.page["stacks"][0]
    line = [one["name"] for one in stack["lines"]].index(condition)
    return [cell["label"] for block in stack["blocks"] for cell in block["lines"][line] if cell]


def facts(shown):
    return {line["name"]: line["fact"] for stack in shown.reading.page["stacks"] for line in stack["lines"]}


# Choices


def test_it_opens_on_the_worst_utterance_with_both_conditions():
    shown = explore(SWEEP, SCORES)
    assert isinstance(shown, widgets.VBox)
    assert (shown.condition.value, shown.against.value) == ("none", "terms")
    assert lines(shown) == [
        "errors: 2 (empty) / 2  en-2",
        "errors: 1 / 0  en-1",
        "errors: 1 / failed  zh-1",
    ]
    assert shown.utterance.index == 0
    assert status(shown) == "1 of 3 that fit, 1 to 3 listed; 3 utterances in all; errors in words and chars"
    assert list(facts(shown)) == ["none", "terms"]
    assert "nothing was heard" in facts(shown)["none"]
    assert words(shown, "terms")[0].startswith("substituted: four, heard for, condition terms, ")


def test_no_choice_is_shown_as_an_empty_box():
    shown = explore(SWEEP, SCORES)
    for name in ("language", "tag", "error", "against", "confusion"):
        choice = getattr(shown, name)
        for label, value in choice.options:
            choice.value = value
            assert choice.get_state("index")["index"] == [one for one, _ in choice.options].index(label)
        choice.index = 0
        assert choice.label in {"(all)", "(none)"}


def test_choices_are_named_as_they_are_labelled():
    shown = explore(SWEEP, SCORES)
    named = (
        "condition",
        "against",
        "also",
        "language",
        "tag",
        "error",
        "term",
        "search",
        "sort",
        "utterance",
        "confusion",
    )
    assert all(getattr(shown, name).description == name for name in named)
    assert not any(getattr(shown, name).description_allow_html for name in named)


def test_conditions_are_shown_beside_one_another_and_keep_the_utterance():
    shown = explore(SWEEP, SCORES)
    choose(shown, "en-1")
    shown.condition.value = "terms"
    shown.against.value = "(none)"
    assert list(facts(shown)) == ["terms"]
    shown.also.value = ("none", "terms")
    assert list(facts(shown)) == ["terms", "none"]
    assert shown.reading.page["stacks"][0]["title"].startswith("en-1: 3 words in the reference; spoken reference, en-")


def test_filters_and_orders_show_the_first_that_fits():
    shown = explore(SWEEP, SCORES)
    shown.sort.value = "utt_id"
    assert ids(shown) == ["en-1", "en-2", "zh-1"]
    shown.sort.value = "more errors than against"
    assert ids(shown) == ["en-1", "en-2", "zh-1"]  # 1, 0, not known
    choose(shown, "en-2")
    shown.language.value = "zh"
    assert ids(shown) == ["zh-1"]
    assert words(shown, "none")[-1].startswith("substituted: 气, heard 汽")
    shown.language.value = "(all)"
    shown.error.value = "empty"
    assert ids(shown) == ["en-2"]
    shown.condition.value, shown.error.value = "terms", "failed"
    assert ids(shown) == ["zh-1"]
    shown.error.value = "(all)"
    shown.term.value = "two"
    assert ids(shown) == ["en-1"]
    shown.term.value = ""
    shown.search.value = " FIVER "
    assert ids(shown) == ["en-2"]


def test_what_nothing_fits_is_said():
    shown = explore(SWEEP, SCORES)
    shown.search.value = "nobody said this"
    assert (shown.utterance.options, shown.utterance.value) == ((), None)
    assert shown.reading.page["note"] == "No utterance fits these choices."
    assert shown.reading.page["stacks"] == []
    assert status(shown) == "0 of 3 utterances"
    shown.next.click()
    assert "No utterance fits these choices." in shown.as_html().text
    shown.search.value = ""
    assert len(ids(shown)) == 3


def test_buttons_go_through_pages_and_stop_at_the_ends(monkeypatch):
    monkeypatch.setattr(explorer, "_PAGE", 2)
    shown = explore(SWEEP, SCORES)
    assert ids(shown) == ["en-2", "en-1"]
    seen = []
    for button in (
        shown.next,
        shown.next,
        shown.next,
        shown.previous,
        shown.previous,
        shown.next_page,
        shown.next_page,
    ):
        button.click()
        seen.append(ids(shown)[shown.utterance.index])
    assert seen == ["en-1", "zh-1", "zh-1", "en-1", "en-2", "zh-1", "zh-1"]
    assert ids(shown) == ["zh-1"]
    assert status(shown) == "3 of 3 that fit, 3 to 3 listed; 3 utterances in all; errors in words and chars"
    shown.previous_page.click()
    assert ids(shown) == ["en-2", "en-1"]


def test_each_choice_is_drawn_once(monkeypatch):
    shown = explore(SWEEP, SCORES)
    drawn = []
    shown.reading.observe(lambda change: drawn.append(change["new"]["number"]), "page")
    for act, times in (
        (lambda: setattr(shown.sort, "value", "utt_id"), 1),
        (shown.next.click, 1),
        (lambda: setattr(shown.utterance, "index", 2), 1),
        (lambda: setattr(shown.also, "value", ("none",)), 0),  # it is shown already, and may be being heard
        (lambda: setattr(shown.condition, "value", "terms"), 1),
    ):
        before = len(drawn)
        act()
        assert len(drawn) == before + times


def test_failed_and_missing_and_not_scored_stay_apart():
    shown = explore(SWEEP, SCORES)
    choose(shown, "zh-1")
    assert facts(shown)["terms"].startswith("Failed")
    part = explore(SWEEP, SCORES[SCORES["condition"] == "none"], transcripts=SWEEP.transcripts[:2])
    assert lines(part) == [
        "errors: 2 (missing) / missing  en-2",
        "errors: 1 / not counted  en-1",
        "errors: 1 (missing) / missing  zh-1",
    ]
    choose(part, "en-1")
    assert facts(part)["terms"].startswith("Not marked")
    choose(part, "en-2")
    assert facts(part)["none"].startswith("Missing: the transcripts do not hold this answer")
    assert facts(part)["terms"] == "Missing: neither scores nor transcripts hold this answer"


def test_scores_of_no_row_leave_the_transcripts():
    shown = explore(SWEEP, SCORES[:0])
    assert lines(shown) == [
        "errors: not counted / not counted  en-1",
        "errors: empty / not counted  en-2",
        "errors: not counted / failed  zh-1",
    ]
    assert shown.reading.page["stacks"][0]["blocks"] == []  # against which form, nobody has said
    assert ["none", "one too three"] in shown.reading.page["stacks"][0]["written"]


def test_a_replay_without_its_dataset_shows_what_was_heard():
    shown = explore(SimpleNamespace(transcripts=SWEEP.transcripts, dataset=None, heard=lambda condition: None), SCORES)
    choose(shown, "en-1")
    stack = shown.reading.page["stacks"][0]
    assert "its reference is not here" in facts(shown)["none"]
    assert ["none", "one too three"] in stack["written"]
    assert shown.confusion.options[0] == ("(all)  3 answers left out", "(all)")
    assert shown._sounds.fetch(0, 0.0) == "No audio: this sweep was opened without its dataset."


def test_nothing_at_all_is_refused():
    with pytest.raises(InvalidInput, match="nothing to explore"):
        explore(SWEEP, SCORES[:0], transcripts=SWEEP.transcripts[:0])


# Confusions


def confusions(shown):
    return [label for label, _ in shown.confusion.options]


def test_a_confusion_lists_its_utterances():
    shown = explore(SWEEP, SCORES)
    assert confusions(shown) == [
        "(all)",
        "\u2068two\u2069 → \u2068too\u2069  1 in 1",
        "\u2068气\u2069 → \u2068汽\u2069  1 in 1",
        "−\u2068five\u2069  1 in 1",
        "−\u2068four\u2069  1 in 1",
    ]
    shown.confusion.index = 1
    assert ids(shown) == ["en-1"]
    assert len(confusions(shown)) == 5  # the others can still be chosen
    shown.language.value = "zh"
    assert ids(shown) == []
    assert confusions(shown) == [
        "(all)",
        "\u2068气\u2069 → \u2068汽\u2069  1 in 1",
        "\u2068two\u2069 → \u2068too\u2069  0",
    ]
    shown.confusion.index = 0
    assert ids(shown) == ["zh-1"]
    shown.language.value = "(all)"
    shown.confusion.index = 1
    shown.condition.value = "terms"  # its confusions are others
    assert shown.confusion.value == "(all)"
    assert confusions(shown) == [
        "(all)",
        "\u2068five\u2069 → \u2068fiver\u2069  1 in 1",
        "\u2068four\u2069 → \u2068for\u2069  1 in 1",
    ]
    assert len(ids(shown)) == 3


def test_edits_that_are_given_are_those_that_are_listed():
    found = edits(SWEEP.transcripts, SWEEP.dataset, missing="drop", hits=True)
    shown = explore(SWEEP, SCORES, edits=found[found["utt_id"] != "en-2"])
    assert confusions(shown) == [
        "(all)",
        "\u2068two\u2069 → \u2068too\u2069  1 in 1",
        "\u2068气\u2069 → \u2068汽\u2069  1 in 1",
    ]
    with pytest.raises(InvalidInput, match="needs the column kind"):
        explore(SWEEP, SCORES, edits=found.drop(columns="kind"))


def test_where_a_loop_runs_confusions_come_later_and_nobody_waits():
    async def read():
        shown = explore(SWEEP, SCORES)
        first = confusions(shown)
        shown.condition.value = "terms"  # while those of the other are sought
        while shown._finding is not None:
            await shown._finding
        return first, confusions(shown), set(shown._confused)

    first, then, known = asyncio.run(read())
    assert first == ["(all)  finding them …"]
    assert then == [
        "(all)",
        "\u2068five\u2069 → \u2068fiver\u2069  1 in 1",
        "\u2068four\u2069 → \u2068for\u2069  1 in 1",
    ]
    assert known == {"none", "terms"}


def test_a_confusion_that_is_chosen_stays_where_nothing_fits():
    shown = explore(SWEEP, SCORES)
    shown.confusion.index = 1
    chosen = shown.confusion.value
    shown.search.value = "qqqqq"
    assert (ids(shown), shown.confusion.value) == ([], chosen)
    assert confusions(shown) == ["(all)", "\u2068two\u2069 → \u2068too\u2069  0"]
    shown.search.value = ""
    assert (ids(shown), shown.confusion.value) == (["en-1"], chosen)
    shown.condition.value = "terms"
    assert shown.confusion.value == "(all)"


def test_an_error_in_finding_confusions_ends_nothing(monkeypatch):
    def broken(scores, *_):
        raise KeyError(scores["condition"].iloc[0])

    async def read():
        shown = explore(SWEEP, SCORES)
        for condition in ("none", "terms"):
            shown.condition.value = condition
            while shown._finding is not None:
                await shown._finding
            yield confusions(shown)
        monkeypatch.undo()
        assert len(ids(shown)) == 3

    async def both():
        return [one async for one in read()]

    monkeypatch.setattr(explorer, "marked_again", broken)
    assert asyncio.run(both()) == [
        ["(all)  could not be found: KeyError: 'none'"],
        ["(all)  could not be found: KeyError: 'terms'"],
    ]
    assert confusions(explore(SWEEP, SCORES)) != []


def test_units_of_errors_and_of_confusions_are_said():
    heard = SWEEP.transcripts[SWEEP.transcripts["condition"] == "none"]
    scores = score(heard, SWEEP.dataset, unit="sentence", missing="drop")
    shown = explore(SWEEP, scores, transcripts=heard)
    assert status(shown).endswith("3 utterances in all; errors in sentences")
    assert confusions(shown)[0] == "(all)  of words and characters"
    assert len(confusions(shown)) > 1
    assert status(explore(SWEEP, SCORES[:0])).endswith("3 utterances in all")


# The page that the front end draws

LINE = {"condition": "none", "repeat": 0, "channel": 0, "outcome": "answered", "fact": "", "errors": 1}


def stack(*cells, reference=("we", "met", "at", "noon"), text="heard"):
    return Stack(
        "u", reference, "word", "spoken", (Line(**LINE, cells=cells, text=text),), "spoken reference", "written"
    )


def drawn(made):
    """Each word of the first line: kind, text, label, from, to, share."""
    cells = [cell for block in made["stacks"][0]["blocks"] for cell in block["lines"][0] if cell]
    return [[cell[name] for name in ("kind", "text", "label", "from", "to", "share")] for cell in cells]


def test_words_say_what_became_of_them_and_when():
    cells = (
        Cell("hit", "we", "we", 0.0, 0.2),
        Cell("sub", "met", "meet", 0.25, 0.61),
        Cell("ins", None, "a", 0.61, 0.7),
        Cell("del", "at", None, 0.7, 1.234),
        Cell("hit", "noon", "noon", 1.234, None),
    )
    made = page([stack(*cells)], {"none": (3, None)})
    assert drawn(made) == [
        ["hit", "we", "right: we, condition none, at 0.0 s", 0.0, 0.2, None],
        ["sub", "meet", "substituted: met, heard meet, condition none, at 0.2 s", 0.25, 0.61, None],
        ["ins", "a", "inserted: a, condition none, at 0.6 s", 0.61, 0.7, None],
        ["del", "at", "deleted: at, condition none, at 0.7 s", 0.7, 1.234, None],
        ["hit", "noon", "right: noon, condition none, at 1.2 s", 1.234, 1.234, None],
    ]
    reference = made["stacks"][0]["blocks"][0]["reference"]
    assert [cell and cell["label"] for cell in reference] == [
        "reference: we, at 0.0 s",
        "reference: met, at 0.2 s",
        None,  # nothing was said there
        "reference: at, at 0.7 s",
        "reference: noon, at 1.2 s",
    ]
    assert {cell["sound"] for cell in reference if cell} == {3} == {made["sound"]}
    assert made["stacks"][0]["written"] == [["reference", "written"], ["none", "heard"]]


def test_a_place_that_is_not_known_is_estimated_and_said_to_be():
    plain = tuple(Cell("hit", word, word) for word in ("we", "met", "at", "noon"))  # 3, 4, 3 and 5 letters of 15
    made = drawn(page([stack(*plain)], {"none": (0, 15.0)}))
    assert [word[3] for word in made] == [0.0, 3.0, 7.0, 10.0]
    assert made[1][2] == "right: met, condition none, at about 3.0 s"
    assert [word[4] for word in made] == [None] * 4
    unknown = drawn(page([stack(*plain)], {"none": (0, None)}))
    assert [word[5] for word in unknown] == [0.0, 0.2, 0.4667, 0.6667]
    assert unknown[1][2:4] == ["right: met, condition none, at about 20% of the recording", None]
    # Between words whose time is known: half-way (by letters 3/7) from 2 s to 9 s.
    some = (plain[0], Cell("hit", "met", "met", 2.0, 3.0), plain[2], Cell("hit", "noon", "noon", 9.0, 9.9))
    between = drawn(page([stack(*some)], {"none": (0, 15.0)}))
    assert [word[3] for word in between] == [0.0, 2.0, 6.0, 9.0]
    assert [word[2].rsplit(", ", 1)[1] for word in between] == [
        "at about 0.0 s",
        "at 2.0 s",
        "at about 6.0 s",
        "at 9.0 s",
    ]


def test_long_utterances_come_in_parts_and_none_of_it_is_lost():
    reference = tuple(f"w{n}" for n in range(4000))
    cells = tuple(Cell("sub" if n == 3500 else "hit", word, word) for n, word in enumerate(reference))
    long = stack(*cells, reference=reference)
    first = page([long], {"none": (0, None)})
    assert first["parts"] == 3
    assert first["where"] == "part 1 of 3 (errors in 3)"
    seen = [word[1] for n in range(3) for word in drawn(page([long], {"none": (0, None)}, part=n))]
    assert seen == list(reference)
    assert page([long], {"none": (0, None)}, part=99)["part"] == 2
    assert page([long], {"none": (0, None)}, part=-4)["part"] == 0
    assert len(json.dumps(first)) < 600_000


def test_a_part_is_shown_when_the_front_end_asks_for_it():
    text = " ".join(f"w{n}" for n in range(2000))
    long = sweep(heard={("a", "none"): text}, said={"a": text})
    shown = explore(long, score(long.transcripts, long.dataset))
    assert shown.reading.page["parts"] == 2
    shown.reading.part = 1
    assert shown.reading.page["part"] == 1
    shown.sort.value = "utt_id"
    assert (shown.reading.part, shown.reading.page["part"]) == (0, 0)


def test_long_words_and_texts_stay_readable_and_say_what_is_cut():
    made = page(
        [stack(Cell("hit", "x" * 10_000, "x" * 10_000), reference=("x" * 10_000,), text="y" * 30_000)],
        {"none": (0, None)},
    )
    word = drawn(made)[0]
    assert len(word[1]) == 60
    assert len(word[2]) < 200
    assert made["stacks"][0]["written"][1][1].endswith("y … (10000 more characters)")
    assert len(json.dumps(made)) < 25_000


def test_blocks_are_as_wide_as_a_page_and_hold_every_column():
    cells = tuple(Cell("hit", "word", "word") for _ in range(100))
    blocks = page([stack(*cells, reference=("word",) * 100)], {"none": (0, None)})["stacks"][0]["blocks"]
    assert [block["first"] for block in blocks] == list(np.cumsum([0, *(len(b["reference"]) for b in blocks)])[:-1])
    assert sum(len(block["reference"]) for block in blocks) == 100
    assert all(6 * len(block["reference"]) <= 88 for block in blocks)


def test_why_there_are_no_times_is_on_the_page():
    words = pd.DataFrame(
        [
            {
                "utt_id": "en-1",
                "condition": "none",
                "repeat": 0,
                "channel": 0,
                "text": text,
                "start_s": 0.0,
                "end_s": 0.5,
            }
            for text in ["other", "words"]
        ]
    ).drop(columns="start_s")
    shown = explore(SWEEP, SCORES, words=words)
    choose(shown, "en-1")
    (note,) = shown.reading.page["stacks"][0]["notes"]
    assert note.startswith("no times: ")
    assert stacks_of(explore(SWEEP, SCORES), "en-1")[0]["notes"] == []


def stacks_of(shown, utt_id):
    choose(shown, utt_id)
    return shown.reading.page["stacks"]


def test_a_language_from_right_to_left_is_laid_out_so():
    said = {"he": "החתול ישב על השטיח", "ar": "ذهبت القطة", "en": "so it is"}
    heard = {(utt_id, name): text for utt_id, text in said.items() for name in ("a", "b")}
    heard["ar", "a"] = "ذهبت القطط"
    made = sweep(heard=heard, said=said)
    shown = explore(made, score(made.transcripts, made.dataset))
    assert [stacks_of(shown, utt_id)[0]["rtl"] for utt_id in said] == [True, True, False]
    # Each word in its own direction, so that the one that was said stands before the arrow.
    assert confusions(shown)[1] == "\u2068القطة\u2069 → \u2068القطط\u2069  1 in 1"
    assert "\u2068" not in (saved := shown.as_html().text)
    shown.confusion.index = 1
    assert "confusion \u200eالقطة\u200e → \u200eالقطط\u200e" in shown.as_html().text != saved


def test_parts_of_a_page_are_not_aligned_again(monkeypatch):
    text = " ".join(f"w{n}" for n in range(2000))
    long = sweep(heard={("a", "none"): text, ("a", "b"): text}, said={"a": text})
    shown = explore(long, score(long.transcripts, long.dataset))
    aligned = []
    monkeypatch.setattr(explorer, "stacks", lambda *args, **options: aligned.append(1) or [stack(text="again")])
    shown.reading.part = 1
    assert shown.reading.page["part"] == 1
    shown.as_html()
    assert aligned == []
    shown.against.value = "(none)"
    assert aligned == [1]


def test_pages_are_turned_to_their_first_and_not_beyond_the_last(monkeypatch):
    monkeypatch.setattr(explorer, "_PAGE", 2)
    said = dict.fromkeys("abcdef", "one")
    made = sweep(heard={(name, "x"): "one" for name in said}, said=said)
    shown = explore(made, score(made.transcripts, made.dataset, language="en"))
    seen = []
    for button in (shown.next, *[shown.next_page] * 3, shown.next, shown.next_page, *[shown.previous_page] * 3):
        button.click()
        seen.append(ids(shown)[shown.utterance.index])
    assert seen == ["b", "c", "e", "e", "f", "f", "c", "a", "a"]


# Sound


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """A dataset whose recordings are 1 s as FLAC, 1 s as AIFF, and not there."""
    folder = tmp_path_factory.mktemp("recorded")
    samples = np.sin(np.arange(16_000) * 0.1).astype(np.float32) / 4
    soundfile.write(folder / "a.flac", samples, 16_000)
    soundfile.write(folder / "b.aiff", samples, 16_000)
    utterances = pd.DataFrame({"utt_id": ["a", "b", "c"], "audio": ["a.flac", "b.aiff", "c.wav"], "duration_s": 1.0})
    references = pd.DataFrame({"utt_id": ["a", "b", "c"], "text": "one two"}).assign(
        channel=0, form="spoken", alternative=0
    )
    dataset = Dataset(
        "recorded",
        tables.check(utterances, "utterances", required=("utt_id",)),
        tables.check(references, "references"),
        folder=folder,
    )
    heard = pd.DataFrame({"utt_id": ["a", "b", "c"], "condition": "none", "text": "one too"})
    made = SimpleNamespace(transcripts=heard, dataset=dataset, heard=lambda condition: dataset)
    return explore(made, score(heard, dataset, language="en"))


def asked(shown, **message):
    """What comes back when the front end asks."""
    sent = []
    shown.reading.send = lambda content, buffers=(): sent.append((content, buffers))
    shown.reading._asked(None, {"page": shown.reading.page["number"], **message}, [])
    return sent


def test_a_recording_is_sent_as_it_is_when_it_is_asked_for(recorded):
    choose(recorded, "a")
    ((about, (data,)),) = asked(recorded, sound=0, at=0)
    assert about == {"page": about["page"], "sound": 0, "mime": "audio/flac", "offset": 0.0, "whole": True, "note": ""}
    assert data[:4] == b"fLaC"
    assert data not in str(recorded.get_state()).encode()


def test_what_browsers_do_not_play_is_coded_anew(recorded):
    choose(recorded, "b")
    ((about, (data,)),) = asked(recorded, sound=0, at=0)
    assert about["mime"] == "audio/flac"
    assert data[:4] == b"fLaC"


def test_of_a_long_recording_a_stretch_is_sent(recorded, monkeypatch):
    monkeypatch.setattr(sounds, "_LONG_S", 0.5)
    monkeypatch.setattr(sounds, "_BEFORE_S", 0.1)
    monkeypatch.setattr(sounds, "_STRETCH_S", 0.1)
    monkeypatch.setattr("asrlab.views.html.sound.LEAD_S", 0.0)
    monkeypatch.setattr("asrlab.views.html.sound.TAIL_S", 0.0)
    choose(recorded, "a")
    ((about, (data,)),) = asked(recorded, sound=0, at=0.6)
    assert (about["offset"], about["whole"]) == (0.5, False)
    assert about["note"] == "Of a long recording, the sound begins at 0.5 s."
    (folder := recorded._dataset.audio_path("a").parent / "part.flac").write_bytes(data)
    assert soundfile.info(folder).duration == pytest.approx(0.1, abs=0.01)


def test_why_there_is_no_sound_is_said(recorded):
    choose(recorded, "c")
    ((about, buffers),) = asked(recorded, sound=0, at=0)
    assert about["why"] == "No audio: the file of c is not here."
    assert not buffers
    assert asked(recorded, sound=7, at=0)[0][0]["why"] == "No audio: this page is no longer shown."


@pytest.mark.parametrize(
    "message",
    [{"page": 999, "sound": 0, "at": 0}, {"sound": "0", "at": 0}, {"sound": 0, "at": None}, {"sound": 0, "at": "x"}],
)
def test_what_is_no_question_of_this_page_is_left_alone(recorded, message):
    assert asked(recorded, **message) == []


def test_settings_that_asked_about_one_recording_share_it():
    one, other = sweep().dataset, sweep().dataset
    made = SimpleNamespace(dataset=one, heard={"a": one, "b": other, "c": one}.get)
    assert sounds.Sounds(made).turn_to("en-1", ["a", "b", "c"]) == {
        "a": (0, None),
        "b": (1, None),
        "c": (0, None),
    }


def test_a_condition_of_elsewhere_is_heard_as_the_dataset_has_it():
    def heard(condition):
        raise InvalidInput(condition)

    made = SimpleNamespace(dataset=SWEEP.dataset, heard=heard)
    assert sounds.Sounds(made).heard("x") is SWEEP.dataset


def test_the_length_of_a_recording_is_that_of_what_was_asked_about(recorded, tmp_path):
    """The table says 1 s of both, and under "later" there are 3 s; where the table has no length, it is measured."""
    whole = recorded._dataset
    soundfile.write(tmp_path / "a.flac", np.zeros(48_000, np.float32), 16_000)
    later = Dataset("later", whole.utterances[:1], folder=tmp_path)
    unsaid = Dataset("unsaid", whole.utterances[:1].assign(duration_s=pd.NA), folder=whole.folder)
    made = SimpleNamespace(dataset=whole, heard={"as it is": whole, "later": later}.get)
    lengths = {"as it is": (0, 1.0), "later": (1, pytest.approx(3.0))}
    assert sounds.Sounds(made).turn_to("a", ["as it is", "later"]) == lengths
    made = SimpleNamespace(dataset=unsaid, heard=lambda _: unsaid)
    assert sounds.Sounds(made).turn_to("a", ["x"]) == {"x": (0, 1.0)}
    made = SimpleNamespace(dataset=whole, heard=lambda _: later)
    assert sounds.Sounds(made).turn_to("c", ["x"]) == {"x": (0, None)}


def test_a_sweep_that_disturbs_is_measured_and_cut_as_it_was_asked(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.sin(np.arange(16_000) * 0.1) / 4, 16_000)
    whole = Dataset(
        "a",
        pd.DataFrame({"utt_id": ["a"], "audio": ["a.wav"], "duration_s": 1.0}),
        pd.DataFrame({"utt_id": ["a"], "text": ["so"]}),
        audio_root=tmp_path,
    )
    later = Heard(whole, next(one for one in lab.grid(lead_s=[2.0])))
    made = SimpleNamespace(dataset=whole, heard=lambda _: later)
    assert sounds.Sounds(made).turn_to("a", ["x"]) == {"x": (0, 3.0)}
    (tmp_path / "cut.flac").write_bytes(later.clip("a", 1.5, 2.5))
    samples, rate = soundfile.read(tmp_path / "cut.flac")
    assert (rate, len(samples)) == (16_000, 16_000)
    assert np.abs(samples[: rate // 2]).max() < 1e-3
    assert np.abs(samples[rate // 2 :]).max() > 0.2


# What a saved notebook keeps


def test_a_saved_notebook_keeps_the_page_with_its_sound(recorded):
    choose(recorded, "a")
    saved = recorded.as_html()
    assert saved.markup.startswith(
        '<details class="mathjax_ignore"><summary>The page as it was when this cell ran: a; '
    )
    assert '<audio controls preload="metadata" title="a" src="data:audio/flac;base64,' in saved.markup
    assert saved.markup.count("<table") >= 2  # the list, and what was heard
    assert "condition none; sorted by most errors: 1 of 3 that fit" in saved.text
    assert "→too" in saved.text
    assert saved.text == recorded.as_html().text


def test_two_outputs_are_shown_so_that_none_is_blank(recorded, monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", lambda bundle, raw: shown.append(bundle))
    recorded._ipython_display_()
    live, saved = shown
    assert "application/vnd.jupyter.widget-view+json" in live
    assert live["text/plain"] == repr(recorded) == "<Explorer: 3 utterances, 1 condition; run the cell to use it>"
    assert live["text/html"] == "<p>&lt;Explorer: 3 utterances, 1 condition; run the cell to use it&gt;</p>"
    assert set(saved) == {"text/plain", "text/html"}
    assert recorded._repr_mimebundle_()["text/plain"] == repr(recorded)


def test_what_does_not_fit_a_saved_notebook_is_named(recorded, monkeypatch):
    monkeypatch.setattr(kept, "_MB", 0.01)
    choose(recorded, "a")
    saved = recorded.as_html()
    assert "No audio: a.flac has" in saved.text
    assert len(saved.markup) < 20_000


def test_the_budget_of_a_saved_notebook_holds_for_many_long_answers(tmp_path):
    text = " ".join(f"w{n}" for n in range(3000))
    many = sweep(tmp_path, heard={("a", f"c{n}"): f"{text} {n}" for n in range(24)}, said={"a": text})
    (tmp_path / "a.flac").write_bytes(b"fLaC" + b"x" * 700_000)
    shown = explore(many, score(many.transcripts, many.dataset))
    shown.also.value = tuple(f"c{n}" for n in range(24))
    assert len(shown.as_html().markup) < 2_000_000
    assert len(json.dumps(shown.reading.page)) < 1_000_000


# Text of others


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "\"'><img src=x onerror=alert(1)>",
        "</td></table>",
        "$x$ & y",
        "\u202eabc",
        "x" * 10_000,
        "a\x00b\nc",
    ],
)
def test_nothing_foreign_becomes_markup(text):
    hostile = sweep(heard={(text, text): text, (text, "b"): f"{text} 2"}, said={text: f"said {text}"}, tags=[text])
    shown = explore(hostile, score(hostile.transcripts, hostile.dataset, missing="drop"))
    shown.tag.value = text
    shown.search.value = text
    assert len(shown.utterance.options) == 1
    for markup in (shown.status.value, shown.as_html().markup, shown._repr_mimebundle_()["text/html"]):
        assert "<script" not in markup
        assert "<img" not in markup
        assert not {"\u202e", "\x00"} & set(markup)
    told = json.dumps(shown.reading.page, ensure_ascii=False) + "".join(lines(shown)) + "".join(confusions(shown))
    assert not {"\u202e", "\x00"} & set(told)
    labels = [label for choice in (shown.condition, shown.tag, shown.utterance) for label, _ in choice.options]
    assert not any({"\u202e", "\x00", "\n"} & set(label) for label in labels)


def test_the_front_end_takes_nothing_from_elsewhere_and_reads_no_markup():
    code = Path(explorer.__file__).with_name("reading.js").read_text(encoding="utf-8")
    for word in (
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "eval(",
        "import ",
        "http",
        "fetch(",
        "//cdn",
    ):
        assert word not in code, word
    style = Path(explorer.__file__).with_name("reading.css").read_text(encoding="utf-8")
    assert "url(" not in style
    assert "@import" not in style


def test_importing_the_views_loads_no_widgets():
    code = "import sys, asrlab.views.browse, asrlab.views.confused, asrlab.views.html; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"ipywidgets", "anywidget", "IPython"} & {name.split(".")[0] for name in loaded}


def test_the_views_it_needs_are_there():
    assert callable(html.stacked)
    assert callable(html.recording)
