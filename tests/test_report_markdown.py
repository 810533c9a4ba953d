"""Reports as Markdown: read back by two parsers that are not ours, they say what the HTML says."""

from __future__ import annotations

import re
from urllib.parse import unquote

import bs4
import matplotlib.pyplot as plt
import mistune
import pandas as pd
import pytest
import reported
from markdown_it import MarkdownIt

import asrlab as lab
from asrlab.text import bullets
from asrlab.views import html
from asrlab.views.report import Report
from asrlab.views.report.markdown import markdown, marked_down
from asrlab.views.report.pieces import quoted

PARSERS = {
    "mistune": mistune.create_markdown(escape=False, plugins=["table", "strikethrough", "url"]),
    "markdown-it": MarkdownIt("commonmark").enable(["table", "strikethrough"]).render,
}


def files():
    """Give a place for files, and what is kept there."""
    kept = {}
    return kept, kept.setdefault


def rendered(text, parser):
    return bs4.BeautifulSoup(PARSERS[parser](text), "html.parser")


def words(soup):
    return " ".join(soup.get_text(" ").replace("\xa0", " ").split())


def without_space(text):
    return re.sub(r"\s+", "", text)


@pytest.mark.parametrize("parser", PARSERS)
@pytest.mark.parametrize("text", [*reported.HOSTILE, "1) a", "+ a", "a_b_c *x* \\* \\", "=====", "&amp;amp; &#60;"])
def test_foreign_text_stays_text(text, parser):
    shown = html.table(pd.DataFrame({text: [text], "b": ["c"]}), caption=text)
    whole = shown.markup + bullets([text, text]) + quoted(text)
    kept, keep = files()
    soup = rendered(markdown(whole, "x", keep), parser)
    source = bs4.BeautifulSoup(whole, "html.parser")
    assert without_space(soup.get_text()) == without_space(source.get_text())
    assert {tag.name for tag in soup.find_all()} <= {
        *("table", "thead", "tbody", "tr", "th", "td", "p", "strong", "ul", "li", "blockquote", "br"),
    }
    assert len(soup.find_all("td")) == 2
    assert len(soup.find_all("li")) == 2
    assert len(soup.find_all("table")) == len(soup.find_all("ul")) == len(soup.find_all("blockquote")) == 1
    assert not kept


@pytest.mark.parametrize("parser", PARSERS)
def test_cells_are_those_of_the_table(parser):
    frame = pd.DataFrame({"name": ["a|b", "c\nd", "`e`", ""], "n": [1, 22, 333, 4], "x": [0.5, None, 1.25, 2.0]})
    made = markdown(html.table(frame, caption="Some").markup, "x", files()[1])
    soup = rendered(made, parser)
    cells = [[words(cell) for cell in row.find_all(["th", "td"])] for row in soup.find_all("tr")]
    assert cells == [
        ["name", "n", "x"],
        ["a|b", "1", "0.50"],
        ["c d", "22", "–"],
        ["`e`", "333", "1.25"],
        ["(empty)", "4", "2.00"],
    ]
    assert "| --- | ---: | ---: |" in made
    assert made.startswith("**Some**\n\n| name | n | x |\n")


def test_errors_keep_their_signs():
    aligned = lab.align("the cat sat on", "the hat sat very", language="en")
    made = markdown(html.alignment(aligned).markup, "x", files()[1])
    assert made == "the <mark><del>cat</del> → <ins>hat</ins></mark> sat <mark><del>on</del> → <ins>very</ins></mark>\n"


def test_all_kinds_of_blocks():
    markup = (
        "<h2>A <b>b</b></h2>loose<p>one</p><details><summary>more</summary><p>in it</p><pre>x\n```\ny</pre></details>"
        "<dl><dt>name</dt><dd>fact</dd></dl><ol><li>first</li><li>second</li></ol><div><p>deep</p></div>"
        "<blockquote><p>q</p><p>r</p></blockquote><p></p>"
        '<table><tbody><tr><th scope="row">h</th><td colspan="2">c</td></tr></tbody></table>'
    )
    assert markdown(markup, "x", files()[1]) == (
        "## A <b>b</b>\n\nloose\n\none\n\n**more**\n\nin it\n\n````text\nx\n```\ny\n````\n\n- <b>name</b>: fact\n\n"
        "1. first\n2. second\n\ndeep\n\n> q\n>\n> r\n\n|  |  |  |\n| --- | --- | --- |\n| h | c |  |\n"
    )


def test_images_and_sounds_become_files():
    kept, keep = files()
    markup = (
        '<p><img alt="a ] b" src="data:image/png;base64,QUJD"></p><audio controls title="u1" '
        'src="data:audio/mpeg;base64,REVG"></audio><img alt="outside" src="http://x.test/a.png">'
        '<img alt="again" src="data:image/png;base64,QUJD"><audio src="data:audio/../../etc;base64,QQ=="></audio>'
    )
    made = markdown(markup, "my%20files", keep)
    assert sorted(kept.values()) == [b"ABC", b"DEF"]
    picture, sound = sorted(kept, key=kept.get)
    assert re.fullmatch(r"figure-[0-9a-f]{12}\.png", picture)
    assert re.fullmatch(r"sound-[0-9a-f]{12}\.mp3", sound)
    assert made.startswith(f"![a \\] b](my%20files/{picture})\n\n[Sound: u1](my%20files/{sound})\n\n")
    assert "x.test" not in made
    assert "etc" not in made


def test_a_link_is_not_made_of_text():
    assert marked_down("https://a.test") == "https&#58;//a.test"
    assert marked_down("www.a.test a@b.c") == "www&#46;a.test a&#64;b.c"


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    plt.switch_backend("agg")
    folder = tmp_path_factory.mktemp("report")
    known = reported.dataset(folder)
    frame = reported.transcripts()
    scores = reported.marked(frame, known)
    effect = lab.compare(scores, along="context", baseline="none")
    report = Report(reported.sweep(frame, dataset=known), scores, effect, question="Does\n it *help*?", n=2)
    pages = report.save(folder / "my report.md"), report.save(folder / "my report.html")
    yield report, *pages, effect
    plt.close("all")


@pytest.mark.parametrize("parser", PARSERS)
def test_it_says_what_the_page_says(saved, parser):
    _, path, page, effect = saved
    soup = rendered(path.read_text(encoding="utf-8"), parser)
    whole = bs4.BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser")
    for tag in [*whole.find_all(["style", "nav", "title"]), *whole.find_all(class_="sound")]:
        tag.decompose()
    for tag in soup.find_all("a"):
        tag.decompose()  # the names of sounds
    # Names of facts have a colon here.
    assert without_space(soup.get_text()).replace(":", "") == without_space(whole.get_text()).replace(":", "")
    for sentence in lab.sentences(effect):
        assert " ".join(sentence.split()) in words(soup)
    assert [words(tag) for tag in soup.find_all("h2")] == [words(tag) for tag in whole.find_all("h2")]
    assert [tag["alt"] for tag in soup.find_all("img")] == [tag["alt"] for tag in whole.find_all("img")]
    assert len(soup.find_all("table")) == len(whole.find_all("table"))


def test_its_files_are_beside_it(saved):
    _, path, _, _ = saved
    text = path.read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)]*)\)", text)
    assert len(links) == len({*links}) == 2 + 4  # a comparison and an audit; four recordings
    for link in links:
        file = path.parent / unquote(link)
        assert file.parent == path.with_name("my report_files")
        assert file.read_bytes()[:4] in {b"\x89PNG", b"RIFF"}


def test_files_of_an_earlier_report_are_taken_away_and_no_others(saved):
    report, path, _, _ = saved
    folder = path.with_name("my report_files")
    (folder / "figure-000000000000.png").write_bytes(b"old")
    for name in ("mine.txt", "figure-mine.png", "sound-check.wav", "figure-000000000000.png.bak"):
        (folder / name).write_text("kept")
    before = {file.name for file in folder.iterdir()}
    text = path.read_bytes()
    report.save(path)
    assert before - {file.name for file in folder.iterdir()} == {"figure-000000000000.png"}
    assert path.read_bytes() == text
    # Another report beside it, of the same stem, has files of its own.
    report.save(path.with_suffix(".markdown"))
    assert {file.name for file in folder.iterdir()} == before - {"figure-000000000000.png"}
    assert path.with_name("my report.markdown_files").is_dir()
