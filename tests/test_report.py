"""Reports: one file, complete, inert."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from types import SimpleNamespace

import matplotlib.pyplot as plt
import pandas as pd
import pytest

from asrlab import tables
from asrlab.errors import InvalidInput
from asrlab.views import html, plot
from asrlab.views.report import Report

HOSTILE = [
    "<script>alert(1)</script>",
    "\"'><img src=x onerror=alert(1)>",
    "</title></section><style>*{}</style>",
    "$x_1$ & &lt;",
    "\u202eשלום",
    "😀",
    "a\nb\x00",
    "x" * 4000,
]


@pytest.fixture(autouse=True)
def _agg():
    plt.switch_backend("agg")
    yield
    plt.close("all")


class Reader(HTMLParser):
    """Collects tags with their attributes, and text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags, self.text = [], ""
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data


def sweep(label="terms", text="heard", **about):
    rows = [
        {"utt_id": "a", "condition": "none", "state": "answered", "text": text, "submitted_at": "2026-11-02T10:00:00Z"},
        {"utt_id": "b", "condition": "none", "state": "answered", "text": "", "submitted_at": "2026-11-01T10:00:00Z"},
        {"utt_id": "a", "condition": label, "state": "failed", "text": None, "error": text},
        {"utt_id": "b", "condition": label, "state": "not run", "text": None},
    ]
    return SimpleNamespace(
        transcripts=tables.check(pd.DataFrame(rows), "transcripts", required=()),
        conditions=pd.DataFrame({"condition": ["none", label], "context": ["none", label]}),
        about={"dataset": "dictation", "engine": "engine local, model whisper-base", **about},
    )


def scores(**more):
    row = {"utt_id": "a", "condition": "none", "unit": "word", "form": "spoken", "normalizer": "en-1", **more}
    return tables.check(pd.DataFrame([row]), "scores", required=())


def summary(label="terms"):
    rows = [
        {"context": name, "rate": rate, "low": 0.1, "high": 0.3, "unit": "word", "form": "spoken", "level": 0.95}
        for name, rate in (("none", 0.2345), (label, 0.1789))
    ]
    checked = tables.check(pd.DataFrame(rows), "summary", required=())
    return checked[["context", *tables.SCHEMAS["summary"]]]


def saved(report, tmp_path):
    return report.save(tmp_path / "r.html").read_text(encoding="utf-8")


def test_the_head_says_what_was_asked(tmp_path):
    page = saved(Report(sweep(), scores()), tmp_path)
    text = " ".join(Reader(page).text.split())
    assert "Speech-to-text sweep of dictation" in text
    assert "engine local, model whisper-base" in text
    assert "utterances in the transcripts 2" in re.sub(r"(?<=transcripts)(?=\d)", " ", text)
    assert "2026-11-01T10:00:00Z, 2026-11-02T10:00:00Z" in text
    assert re.search(r"report written by\s*asrlab \d+\.\d+", text)
    assert "condition answered empty failed not run none 1 1 0 0 terms 0 0 1 1" in re.sub(
        r"\s+", " ", re.sub(r"<[^>]*>", " ", page)
    )
    assert "In all rows: unit word; form spoken; normalizer en-1" in text


def test_it_loads_nothing_and_nothing_runs(tmp_path):
    ax = plot.rates(summary())
    report = Report(sweep(), scores(), summary()).add("Figure", ax).add("Said", "in words")
    page = saved(report, tmp_path)
    reader = Reader(page)
    policy = next(attrs["content"] for tag, attrs in reader.tags if attrs.get("http-equiv"))
    assert policy == "default-src 'none'; img-src data:; media-src data:; style-src 'unsafe-inline'"
    bare = re.sub(r"data:image/png;base64,[A-Za-z0-9+/=]+", "", page)
    assert "//" not in bare
    assert "http:" not in bare
    assert "url(" not in bare
    assert not [tag for tag, _ in reader.tags if tag in {"script", "link", "iframe", "object", "a", "base"}]
    assert {attrs["src"][:22] for _, attrs in reader.tags if "src" in attrs} == {"data:image/png;base64,"}
    assert reader.tags[0] == ("html", {"lang": "en"})
    assert ("meta", {"charset": "utf-8"}) in reader.tags


def test_numbers_of_the_tables_are_there(tmp_path):
    effect = tables.check(
        pd.DataFrame([{"axis": "context", "level": "terms", "baseline": "none", "delta": -0.0556, "p_adjusted": 0.04}]),
        "comparison",
        required=(),
    )
    text = Reader(saved(Report(sweep(), scores(), summary(), effect), tmp_path)).text
    for number in ("23.45% (10.00\N{NO-BREAK SPACE}to\N{NO-BREAK SPACE}", "17.89%", "-5.56", "0.040"):
        assert number in text
    assert "Summary" in text
    assert "Comparison" in text


def test_each_table_of_results_has_its_heading(tmp_path):
    results = {
        "effects": "Effects",
        "power": "Power",
        "agreement": "Agreement of repeats",
        "comparison": "Comparison",
        "summary": "Summary",
        "utterances": "Table",
    }
    report = Report(sweep(), scores(), *(tables.empty(name) for name in results))
    headings = re.findall("<h2>(.*?)</h2>", saved(report, tmp_path))
    assert headings[-len(results) :] == list(results.values())


def test_axes_do_not_change_the_heading(tmp_path):
    axes = ("moderator", "delta", "design_effect", "n_questions", "power")
    mixed = pd.concat([tables.empty("comparison"), tables.empty("effects")]).reindex([0])
    results = [tables.empty("comparison").assign(moderator="on", power="on"), mixed, tables.empty("rates")]
    results += [tables.empty("summary").assign(**dict.fromkeys(axes, "on"))]
    results += [pd.concat([tables.empty("comparison"), tables.empty("power")])]
    headings = re.findall("<h2>(.*?)</h2>", saved(Report(sweep(), scores(), *results), tmp_path))
    assert headings[-len(results) :] == ["Comparison", "Comparison and effects", "Rates", "Summary", "Table"]


def test_long_tables_are_whole(tmp_path):
    text = Reader(saved(Report(sweep(), scores()).add("T", pd.DataFrame({"n": range(500)})), tmp_path)).text
    assert "\n499\n" in re.sub(r"\s+", "\n", text)


def test_figures_have_words_for_those_who_cannot_see_them(tmp_path):
    ax = plot.rates(summary())
    for thing in (ax, ax.figure):
        reader = Reader(saved(Report(sweep(), scores()).add("Rates", thing), tmp_path))
        (alt,) = [attrs["alt"] for tag, attrs in reader.tags if tag == "img"]
        assert alt.startswith("Figure: Rates; Word error rate (WER), %; context; spoken reference")


def test_what_was_added_stays_as_it_was(tmp_path):
    frame = pd.DataFrame({"n": [111]})
    report = Report(sweep(), scores()).add("T", frame)
    frame.loc[0, "n"] = 222
    assert "111" in saved(report, tmp_path)


def test_texts_lists_and_views_are_taken(tmp_path):
    report = Report(sweep(), scores(), title="Mine").add("One", "a < b").add("Two", ["c & d", "e"])
    report.add("Three", html.table(pd.DataFrame({"x": ["<y>"]})))
    page = saved(report, tmp_path)
    assert "a &lt; b" in page
    assert '<ul><li dir="auto">c &amp; d</li><li dir="auto">e</li></ul>' in page
    assert "&lt;y&gt;" in page
    assert "<title>Mine</title>" in page
    with pytest.raises(InvalidInput, match="not dict"):
        report.add("Four", {})
    with pytest.raises(InvalidInput, match="not list"):
        report.add("Four", [1])


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_foreign_becomes_markup(text, tmp_path):
    asked = sweep(label=text, text=text, **{text: text})
    plain = saved(
        Report(sweep(label="l", text="t", k="v"), scores(), title="t").add("h", "x").add("f", plot.rates(summary("l"))),
        tmp_path,
    )
    report = Report(asked, scores(form=text), title=text).add(text, text).add("f", plot.rates(summary(text)))
    page = saved(report, tmp_path)
    assert [tag for tag, _ in Reader(page).tags] == [tag for tag, _ in Reader(plain).tags]
    assert "\u202e" not in page + repr(report)
    assert "\x00" not in page
    assert "\n" not in repr(report)
    assert "<script" not in report._repr_html_()


def test_saving_is_all_or_nothing(tmp_path, monkeypatch):
    report = Report(sweep(), scores())
    path = report.save(tmp_path / "new folder" / "r.html")
    assert path.read_bytes().startswith(b"<!DOCTYPE html>\n<html lang")
    before = path.read_bytes()
    assert b"\r" not in before
    monkeypatch.setattr(type(path), "replace", lambda *_: (_ for _ in ()).throw(OSError("full")))
    with pytest.raises(OSError, match="full"):
        report.add("More", "text").save(path)
    assert path.read_bytes() == before
    assert [file.name for file in path.parent.iterdir()] == ["r.html"]


def test_saving_twice_gives_the_same_file(tmp_path):
    pages = [saved(Report(sweep(), scores(), summary()).add("f", plot.rates(summary())), tmp_path) for _ in range(2)]
    assert pages[0] == pages[1]


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(InvalidInput, match="is a folder"):
        Report(sweep(), scores()).save(tmp_path)


def test_reprs_are_short():
    report = Report(sweep(), scores()).add("Errors", "none")
    assert repr(report) == (
        "<Report Speech-to-text sweep of dictation: "
        "What was asked; Conditions; What came of it; How it was marked; Errors>"
    )
    assert "<li>Errors</li>" in report._repr_html_()
