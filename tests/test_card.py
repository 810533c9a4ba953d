"""Cards: what the data say, in whatever order they come, and nothing that a page would run."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import mistune
import numpy as np
import pandas as pd
import soundfile

from asrlab.data.card import make_card
from asrlab.data.dataset import Dataset
from asrlab.data.loading import load_dataset

DICTATION = Path(__file__).parents[1] / "datasets" / "dictation"
EVIL = (
    "<script>alert(1)</script> [x](javascript:alert(1)) `c` **b** a|b $\\href{javascript:1}{x}$ &lt; \x1b[31m\n# head"
)


class Page(HTMLParser):
    """A rendered page: its tags, and the cells of its tables by heading."""

    def __init__(self, markdown):
        super().__init__()
        self.tags, self.cells, self.text = [], {}, ""
        self._heading, self._row, self._open = "", [], ""
        self.feed(mistune.create_markdown(escape=False, plugins=["table"])(markdown))

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        assert not {name for name, _ in attrs} - {"style"}
        self._open = tag
        if tag in {"th", "td"}:
            self._row.append("")
        elif tag in {"h1", "h2"}:
            self._heading = ""

    def handle_endtag(self, tag):
        if tag == "tr":
            self.cells.setdefault(self._heading, []).append(tuple(self._row))
            self._row = []
        self._open = ""

    def handle_data(self, data):
        self.text += data
        if self._open in {"th", "td"}:
            self._row[-1] += data
        elif self._open in {"h1", "h2"}:
            self._heading += data


def calls(folder, **columns):
    """Three recordings: of 1 s and 2 s on one channel at 16 kHz, of 4 s on two at 8 kHz; and a text without one."""
    rng = np.random.default_rng(1)
    soundfile.write(folder / "a.wav", 0.1 * rng.standard_normal(16_000), 16_000)
    soundfile.write(folder / "b.FLAC", 0.1 * rng.standard_normal(32_000), 16_000, format="FLAC")
    soundfile.write(folder / "c.wav", 0.1 * rng.standard_normal((32_000, 2)), 8_000)
    utterances = pd.DataFrame({
        "utt_id": list("abcd"), "audio": ["a.wav", "b.FLAC", "c.wav", None], "language": ["en", "en", "zh", None],
        "speaker": ["ann", "bob", None, "ann"], "tags": [["read", "short"], ["read"], None, []],
        "recording": ["r1", "r1", "r2", None],
    } | columns)  # fmt: skip
    texts = [("a", 0, "hello there"), ("b", 0, ""), ("c", 0, "你好 Tom"), ("c", 1, "早"), ("d", 0, "one two three")]
    references = pd.DataFrame(texts, columns=["utt_id", "channel", "text"])
    terms = pd.DataFrame({"utt_id": ["a", pd.NA], "term": ["x", "y"], "role": ["present", "distractor"]})
    return Dataset("calls", utterances, references, terms, folder)


def test_it_says_what_is_there(tmp_path):
    ds = calls(tmp_path, licence=["CC0-1.0", "CC0-1.0", "MIT", None], corpus=["One", "Two", "Two", "Two"])
    card = make_card(ds)
    page = Page(card)
    assert "4 utterances, 0.1 minutes, en, zh. Written by asrlab from the data alone." in page.text
    assert page.cells["Recordings"][1:] == [
        ("utterances", "4"),
        ("of them without a recording", "1"),
        ("minutes", "0.1"),
        ("shortest, median, longest", "1.00 s, 2.00 s, 4.00 s"),
        ("channels", "1 (2), 2 (1)"),
        ("sampling rates", "16,000 Hz (2), 8,000 Hz (1)"),
        ("files", "wav (2), flac (1)"),
        ("speakers", "2, and 1 utterances without one"),
        ("sessions or source recordings", "2"),
    ]
    assert page.cells["Languages"] == [
        ("language", "utterances", "minutes", "speakers", "words", "characters"),
        ("en", "2", "0.1", "2", "2", "0"),
        ("not stated", "1", "0.0", "1", "3", "0"),
        ("zh", "1", "0.1", "0", "1", "3"),
    ]
    assert page.cells["References"][1:] == [("unstated", "0", "4", "4", "1"), ("unstated", "1", "1", "1", "0")]
    assert page.cells["Terms"][1:] == [("distractor", "1"), ("present", "1")]
    assert page.cells["Licences"] == [("licence", "count"), ("CC0-1.0", "2"), ("MIT", "1"), ("not stated", "1")]
    assert page.cells["Sources: corpus"][1:] == [("Two", "3"), ("One", "1")]
    assert page.cells["Tags"][1:] == [("read", "2"), ("short", "1")]
    assert card.endswith(f"references and terms): {ds.fingerprint()}\n")


def test_it_agrees_with_the_card_of_the_shipped_set():
    ds = load_dataset(DICTATION)
    page, by_hand = Page(ds.make_card()), ds.card
    topics = {
        cells[0].strip("` "): cells for cells in (re.split(r" \| ", line.strip("| ")) for line in by_hand.split("\n"))
    }
    assert topics["all"][1:3] == ["32 (3.3 min)", "32 (2.9 min)"]
    assert [row[:4] for row in page.cells["Languages"][1:]] == [("en", "32", "3.3", "8"), ("zh", "32", "2.9", "8")]
    assert "3.9 to 7.8 s each" in by_hand
    facts = dict(page.cells["Recordings"][1:])
    assert (facts["shortest, median, longest"][:6], facts["shortest, median, longest"][-6:]) == ("3.85 s", "7.84 s")
    assert facts["speakers"] == "16"


def test_it_is_the_same_in_whatever_order_rows_come(tmp_path):
    ds = calls(tmp_path, licence=["A", "B", "C", "C"])
    other = Dataset(
        "calls", ds.utterances.iloc[::-1], ds.references.iloc[::-1], ds.terms.iloc[::-1], tmp_path
    )  # fmt: skip
    assert make_card(other) == make_card(ds) == make_card(ds)


def test_nothing_in_a_set_becomes_markup(tmp_path):
    ds = calls(
        tmp_path, language=[EVIL] * 4, speaker=[EVIL] * 4, tags=[[EVIL]] * 4, corpus=[EVIL] * 4, license=[EVIL] * 4,
    )  # fmt: skip
    references = ds.references.assign(form=EVIL)
    ds = Dataset(EVIL, ds.utterances, references, ds.terms.assign(role=EVIL), tmp_path, read_as=EVIL, remarks=(EVIL,))
    card = make_card(ds)
    page = Page(card)
    assert set(page.tags) == {"h1", "h2", "p", "table", "thead", "tbody", "tr", "th", "td", "ul", "li"}
    assert page.tags.count("h1") == 1
    assert "\x1b" not in card
    assert "$" not in card.replace("&#36;", "")
    assert page.cells["Languages"][1][0].startswith(
        "<script>alert(1)</script> [x](javascript:alert(1)) `c` **b** a|b $"
    )


def test_a_perturbed_set_says_so(tmp_path):
    page = Page(
        calls(tmp_path).select("utt_id != 'd'").perturb(gain_db=-6).perturb(snr=10.0, noise="white").make_card()
    )
    said = [line for line in page.text.split("\n") if line.startswith("Perturbed: ")]
    assert len(said) == 2
    assert "gain_db" in said[0]
    assert "white" in said[1]


def test_it_says_how_the_set_was_read(tmp_path):
    ds = replace(calls(tmp_path), read_as="nemo", remarks=("2 lines were empty.", "3 have no text."))
    assert "Read as nemo.\n2 lines were empty.\n3 have no text.\n" in Page(make_card(ds)).text


def test_long_lists_are_cut(tmp_path):
    ds = calls(tmp_path, tags=[[f"t{n:03}" for n in range(100)], None, None, None])
    page = Page(make_card(ds))
    assert len(page.cells["Tags"]) == 41
    assert "And 60 more." in page.text


def test_texts_alone_have_a_card():
    utterances = pd.DataFrame({"utt_id": ["a", "b"]})
    page = Page(make_card(Dataset("texts", utterances)))
    assert "2 utterances, no known length, language not stated" in page.text
    assert dict(page.cells["Recordings"][1:])["of them without a recording"] == "2"
    assert "None." in page.text


def test_links_are_known_by_what_the_manifest_says(monkeypatch):
    monkeypatch.setattr("httpx.Client.send", None)
    utterances = pd.DataFrame({
        "utt_id": ["a", "b"], "audio": ["https://host/a.mp3?Signature=secret", "https://host/b?x=1.wav"],
        "duration_s": [60.0, None], "channels": [1, None],
    })  # fmt: skip
    card = make_card(Dataset("links", utterances))
    assert "2 utterances, 1.0 minutes (and 1 of unknown length)" in card
    assert "| files | mp3 (1), without an ending (1) |" in card
    assert "secret" not in card


def test_segments_are_counted(tmp_path):
    ds = calls(tmp_path)
    segments = pd.DataFrame(
        {"segment": ["x", "y"], "utt_id": "a", "begin_s": [0.0, 0.5], "end_s": [0.5, 1.0], "text": "hi"}
    )
    page = Page(make_card(Dataset("calls", ds.utterances, ds.references, folder=tmp_path, segments=segments)))
    assert dict(page.cells["Recordings"][1:])["segments"] == "2"


def test_a_missing_recording_counts_as_the_table_says(tmp_path):
    ds = calls(tmp_path)
    (tmp_path / "a.wav").unlink()
    card = make_card(ds)
    assert "Fingerprint: not known, since not all recordings are there to be read." in card
