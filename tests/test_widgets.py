"""The explorer, driven as a reader would: set a choice, press a button, read what is shown."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import ipywidgets as widgets
import pandas as pd
import pytest

from asrlab import tables
from asrlab.errors import InvalidInput
from asrlab.scoring.marking import score
from asrlab.views import widgets as views
from asrlab.views.widgets import explore

HEARD = {
    ("en-1", "none"): "one too three",
    ("en-1", "terms"): "one two three",
    ("en-2", "none"): "",
    ("en-2", "terms"): "for fiver",
    ("zh-1", "none"): "今天天汽",
    ("zh-1", "terms"): None,
}
SAID = {"en-1": "one two three", "en-2": "four five", "zh-1": "今天天气"}


def sweep(folder=Path("nowhere"), heard=HEARD, said=SAID):
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
    dataset = SimpleNamespace(
        utterances=pd.DataFrame({"utt_id": list(said), "language": [name[:2] for name in said]}, dtype="string"),
        references=tables.check(
            pd.DataFrame({"utt_id": list(said), "text": list(said.values())}), "references", required=("utt_id", "text")
        ).fillna({"channel": 0, "form": "spoken", "alternative": 0}),
        terms=tables.empty("terms"),
        audio_path=lambda utt_id: folder / f"{utt_id}.flac",
    )
    heard = tables.check(pd.DataFrame(rows), "transcripts", required=())
    return SimpleNamespace(transcripts=heard, dataset=dataset, heard=lambda condition: dataset)


SWEEP = sweep()
SCORES = score(SWEEP.transcripts, SWEEP.dataset, missing="drop")


def ids(explorer):
    return [utt_id for _, utt_id in explorer.utterance.options]


def test_it_opens_on_the_worst_utterance_with_both_conditions():
    explorer = explore(SWEEP, SCORES)
    assert isinstance(explorer, widgets.VBox)
    assert (explorer.a.value, explorer.b.value, explorer.utterance.value) == ("none", "terms", "en-2")
    assert ids(explorer) == ["en-2", "en-1", "zh-1"]
    assert [label for label, _ in explorer.utterance.options] == [
        "en-2  (2 / 2 errors)",
        "en-1  (1 / 0 errors)",
        "zh-1  (1 / – errors)",
    ]
    shown = explorer.view.value
    assert shown.index("A: none") < shown.index("nothing was heard") < shown.index("B: terms") < shown.index("fiver")


def test_choices_redraw_through_the_value_of_html():
    explorer = explore(SWEEP, SCORES)
    explorer.utterance.value = "en-1"
    assert "too</ins>" in explorer.view.value
    explorer.a.value = "terms"
    assert "too</ins>" not in explorer.view.value
    explorer.a.value = "none"
    explorer.b.value = None
    assert "B:" not in explorer.view.value
    assert explorer.utterance.value == "en-1"
    assert not [w for w in (*explorer.children, explorer.view) if isinstance(w, widgets.Output)]


def test_language_and_sort():
    explorer = explore(SWEEP, SCORES)
    explorer.sort.value = "utt_id"
    assert ids(explorer) == ["en-1", "en-2", "zh-1"]
    explorer.sort.value = "most changed"
    assert ids(explorer) == ["en-1", "en-2", "zh-1"]  # 1, 0, not known
    explorer.b.value = None
    assert ids(explorer) == ["en-2", "en-1", "zh-1"]
    explorer.language.value = "zh"
    assert ids(explorer) == ["zh-1"]
    assert "A: none" in explorer.view.value
    assert "汽</ins>" in explorer.view.value


def test_buttons_go_through_the_list_and_stop_at_its_ends():
    explorer = explore(SWEEP, SCORES)
    seen = [explorer.utterance.value]
    for _ in range(4):
        explorer.next.click()
        seen.append(explorer.utterance.value)
    assert seen == ["en-2", "en-1", "zh-1", "zh-1", "zh-1"]
    for _ in range(4):
        explorer.previous.click()
    assert explorer.utterance.value == "en-2"


def test_failed_and_missing_and_not_scored_stay_apart():
    explorer = explore(SWEEP, SCORES)
    explorer.utterance.value = "zh-1"
    assert "Failed" in explorer.view.value
    part = explore(SWEEP, SCORES[SCORES["condition"] == "none"], transcripts=SWEEP.transcripts[:2])
    part.utterance.value = "en-1"
    assert "not counted" in part.view.value
    part.utterance.value = "en-2"
    assert "Missing: the transcripts do not hold this answer" in part.view.value
    assert "Missing: neither scores nor transcripts have this trial." in part.view.value


def test_scores_of_no_row_leave_the_transcripts():
    explorer = explore(SWEEP, SCORES[:0])
    assert ids(explorer) == ["en-1", "en-2", "zh-1"]
    assert "not counted" in explorer.view.value
    assert "one too three" in explorer.view.value
    assert "<mark" not in explorer.view.value  # against which form, nobody has said


def test_nothing_at_all_is_refused():
    with pytest.raises(InvalidInput, match="nothing to explore"):
        explore(SWEEP, SCORES[:0], transcripts=SWEEP.transcripts[:0])


def test_a_language_that_no_utterance_has_left():
    explorer = explore(SWEEP, SCORES)
    explorer.utterance.options = []
    explorer.next.click()
    assert explorer.view.value == "<p>No utterance fits these choices.</p>"
    assert explorer.audio.value == ""


def test_the_player_is_there_where_the_file_is(tmp_path):
    here = sweep(tmp_path)
    (tmp_path / "en-2.flac").write_bytes(b"fLaC" * 9)
    explorer = explore(here, SCORES)
    assert "<audio controls" in explorer.audio.value
    assert 'src="data:audio/flac;base64,' in explorer.audio.value
    explorer.next.click()
    assert explorer.audio.value == "<p>No audio: the file of en-1 is not here.</p>"


def test_a_replay_without_its_dataset_shows_what_was_heard():
    explorer = explore(
        SimpleNamespace(transcripts=SWEEP.transcripts, dataset=None, heard=lambda condition: None), SCORES
    )
    explorer.utterance.value = "en-1"
    assert "its reference is not here" in explorer.view.value
    assert "one too three" in explorer.view.value
    assert "without its dataset" in explorer.audio.value


@pytest.mark.parametrize(
    "text", ["<script>alert(1)</script>", "\"'><img src=x>", "$x$ & y", "\u202eabc", "x" * 3000, "a\nb"]
)
def test_nothing_foreign_becomes_markup(text):
    hostile = sweep(heard={(text, text): text, (text, "b"): f"{text} 2"}, said={text: f"said {text}"})
    explorer = explore(hostile, score(hostile.transcripts, hostile.dataset, missing="drop"))
    for shown in (explorer.view.value, explorer.audio.value, explorer._repr_mimebundle_()["text/html"]):
        assert "<script" not in shown
        assert "<img" not in shown
        assert "\u202e" not in shown
    assert not any(choice.description_allow_html for choice in (explorer.a, explorer.b, explorer.utterance))


def test_a_saved_notebook_keeps_the_first_utterance_without_its_sound(tmp_path):
    here = sweep(tmp_path)
    (tmp_path / "en-2.flac").write_bytes(b"fLaC" * 9)
    bundle = explore(here, SCORES)._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in bundle
    assert bundle["text/plain"].startswith("<Explorer: 3 utterances, 2 conditions; run the cell to use it>\nA: none\n")
    assert "[four→for]" in bundle["text/plain"]
    assert "fiver" in bundle["text/html"]
    assert "audio" not in bundle["text/html"]


def test_each_choice_is_drawn_once(monkeypatch):
    explorer = explore(SWEEP, SCORES)
    drawn = []
    monkeypatch.setattr(views.html, "player", lambda dataset, utt_id: drawn.append(utt_id) or views.Html("", ""))
    explorer.sort.value = "utt_id"
    explorer.next.click()
    assert len(drawn) == 4  # for each of the two conditions
