"""What a real browser makes of it: the explorer, saved notebooks and reports, with harmless and with hostile texts."""

from __future__ import annotations

import re
from contextlib import ExitStack
from pathlib import Path

import foreign_texts
import nbformat
import pytest
from browsing import assert_same_but_for_text, chromium, moves, plays, served, shape, visit
from explored import EXPLORER, READING, SETUP, SHOW, choice, choose, exploring, listed, lives, notebook
from nbclient import NotebookClient
from nbconvert import HTMLExporter
from nbformat.sign import NotebookNotary
from playwright.sync_api import expect

import asrlab as lab
from asrlab import html

KINDS = ("harmless", "hostile")
PROGRESS = """
p, report = Progress(2), reporter()
p.begun(2)
p.note("answered")
p.note("failed", s.transcripts["error"].dropna().iloc[0])
p.finished = True
report(p)
"""
#: Name -> code that shows something of a sweep and its scores.
SHOWN = {
    "dataset": "s.dataset",
    "sweep": "s",
    "errors": "html.errors(scores, s.transcripts, s.dataset, n=20, listen=True)",
    "table": "html.table(s.transcripts.drop(columns=['submitted_at', 'elapsed_s']))",
    "progress": PROGRESS,
    "figure": "plot.rates(lab.summarize(scores[scores['unit'] == 'word'], by=['context']));",
    "report": "lab.Report(s, scores)",
    "explorer": SHOW,
}
#: What an exported notebook asks for, always: require.js and MathJax.
EXPORTED = re.compile(r"https://cdnjs\.cloudflare\.com/ajax/libs/(require\.js|mathjax)/.*")


@pytest.fixture(scope="module")
def browser():
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def sweeps(browser, tmp_path_factory):
    """The two sweeps by kind, and the folder that they and notebooks are in."""
    folder = tmp_path_factory.mktemp("notebooks")
    return folder, {kind: foreign_texts.sweep(folder / kind, hostile=kind == "hostile") for kind in KINDS}


@pytest.fixture(scope="module")
def explorers(browser, sweeps):
    """The explorer of each sweep, on a page of Voila; a test begins with choices of its own."""
    folder, _ = sweeps
    for kind in KINDS:
        nbformat.write(exploring(kind), folder / f"explore-{kind}.ipynb")
    with served("voila", folder) as (url, _), ExitStack() as open_pages:
        pages = [open_pages.enter_context(visit(browser, f"{url}/voila/render/explore-{kind}.ipynb")) for kind in KINDS]
        for seen in pages:
            seen.page.locator(f"{READING} .blocks button").first.wait_for()
        yield dict(zip(KINDS, pages, strict=True))


@pytest.fixture(scope="module")
def saved(sweeps):
    """A notebook with all that is shown of both sweeps, run and saved as a person would."""
    folder, _ = sweeps
    made = notebook(SETUP, *(cell for kind in KINDS for cell in (f"s, scores = opened({kind!r})", *SHOWN.values())))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(Path(foreign_texts.__file__).parent))
        options = {"timeout": 120, "store_widget_state": False, "resources": {"metadata": {"path": folder}}}
        NotebookClient(made, **options).execute()
    return made


@pytest.fixture(scope="module")
def jupyterlab(browser, saved, sweeps):
    """JupyterLab on that notebook as it came from elsewhere, on the same of the reader's own, and on one not run."""
    folder, _ = sweeps
    nbformat.write(saved, folder / "untrusted.ipynb")
    own = saved.copy()
    own.metadata = {**saved.metadata, "title": "Mine"}  # trust goes by content
    nbformat.write(own, folder / "trusted.ipynb")
    nbformat.write(exploring("harmless"), folder / "live.ipynb")
    with served("lab", folder) as (url, settings):
        NotebookNotary(data_dir=settings["JUPYTER_DATA_DIR"]).sign(nbformat.read(folder / "trusted.ipynb", 4))
        yield url


def outputs(page, areas=".jp-CodeCell"):
    """Give the outputs of each cell by name, of the harmless sweep and of the hostile one."""
    cells = page.locator(areas)
    cells.nth(2 * (1 + len(SHOWN))).locator(".jp-OutputArea-output").last.wait_for()
    return {
        name: [cells.nth(2 + place + n * (1 + len(SHOWN))).locator(".jp-OutputArea-output") for n in (0, 1)]
        for place, name in enumerate(SHOWN)
    }


def is_something(output):
    return output.evaluate(
        "e => e.offsetHeight > 5 && (e.innerText.trim().length > 3 ||"
        " [...e.querySelectorAll('img, audio')].some(o => o.offsetHeight > 5))"
    )


def start(page):
    """Bring an explorer to where each test begins: everything listed by name."""
    for label in ("language", "tag", "error", "confusion"):
        choose(page, label, "(all)")
    choose(page, "sort", "utt_id")
    expect(listed(page)).to_have_text([re.compile("harbour$"), *[re.compile(".")] * 5])
    expect(choice(page, "confusion").locator("option")).not_to_have_count(1)  # they are found a little later
    choose(page, "utterance", "harbour")
    expect(page.locator(READING)).to_contain_text("harbour:")


# The explorer


def test_the_explorer_by_mouse(explorers):
    page = explorers["harmless"].page
    start(page)
    choose(page, "language", "zh")
    expect(listed(page)).to_have_text([re.compile("weather$")])
    expect(page.locator(READING)).to_contain_text("汽")
    choose(page, "language", "(all)")
    choose(page, "tag", "old")
    expect(listed(page)).to_have_text([re.compile("harbour$")])
    choose(page, "tag", "(all)")
    choose(page, "error", "failed")
    expect(listed(page)).to_have_text([re.compile("failed.*image")])
    choose(page, "error", "(all)")
    choose(page, "sort", "most errors")
    expect(listed(page).first).to_have_text(re.compile(r"12\s/\s5\s.*tags"))
    page.locator(EXPLORER).get_by_role("button", name="next ▶", exact=True).click()
    expect(page.locator(READING)).to_contain_text("harbour:")
    page.locator(EXPLORER).get_by_role("button", name="◀ previous", exact=True).click()
    expect(page.locator(READING)).to_contain_text("tags ")
    choose(page, "confusion", "mall → small")
    expect(listed(page)).to_have_text([re.compile("mall$")])
    # a word that is clicked is heard from a little before where it was said, and no further than it
    word = page.get_by_role("button", name=re.compile("^substituted: mall, heard small, .*at 2.7 s"))
    word.click()
    audio = page.locator(f"{READING} audio")
    assert moves(page, audio)
    assert 2 < audio.evaluate("a => a.currentTime") < 3.9
    expect(page.locator(READING).get_by_role("status")).to_contain_text("Playing substituted: mall")
    page.wait_for_function("a => a.paused", arg=audio.element_handle())
    assert audio.evaluate("a => a.currentTime") < 3.9
    explorers["harmless"].shot("explorer-mouse")
    explorers["harmless"].unharmed()


def tab_to(page, what):
    """Press the tabulator key until a function of the element that has the keyboard says so."""
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate(f"({what})(document.activeElement)"):
            return
    raise AssertionError(f"The tabulator key does not come to {what}.")


def tab_to_choice(page, label):
    tab_to(page, f"e => [...e.labels ?? []].some(own => own.innerText === {label!r})")


def test_the_explorer_by_keyboard(explorers):
    """On hostile texts, from the first list to a word that is heard; arrows change what is chosen in a list."""
    page = explorers["hostile"].page
    start(page)
    key = page.keyboard.press
    page.evaluate("document.activeElement.blur(); scrollTo(0, 0)")
    tab_to_choice(page, "sort")
    key("Home")
    expect(listed(page).first).to_have_text(re.compile("tags"))
    tab_to_choice(page, "language")
    key("End")
    expect(listed(page)).to_have_text([re.compile("weather$")])
    key("Home")
    expect(listed(page)).to_have_count(6)
    tab_to_choice(page, "search")
    page.keyboard.type("quite")
    key("Enter")
    expect(listed(page)).to_have_text([re.compile("harbour$")])
    for name in ("Control+A", "Delete", "Enter"):
        key(name)
    expect(listed(page)).to_have_count(6)
    tab_to_choice(page, "utterance")
    for name in ("Home", "ArrowDown", "ArrowDown", "ArrowDown"):
        key(name)
    expect(page.locator(READING)).to_contain_text("mall:")
    tab_to_choice(page, "confusion")
    for name in ("ArrowDown", "ArrowDown"):
        key(name)
    expect(listed(page)).to_have_text([re.compile("mall$")])
    explorers["hostile"].unharmed()


def test_words_are_gone_through_and_heard_by_keyboard(explorers):
    """One word takes the tabulator, the first that is wrong; arrows go on from it, Enter plays."""
    page = explorers["hostile"].page
    start(page)
    choose(page, "utterance", "mall")
    expect(page.locator(READING)).to_contain_text("mall:")
    choice(page, "utterance").focus()
    tab_to(page, f"e => e.matches('{READING} .blocks button')")
    name = "document.activeElement.getAttribute('aria-label')"
    assert page.evaluate(name).startswith("substituted: mall, heard small, condition context=none, at 2.7 s")
    for keys, label in (
        ("ArrowRight", "right: today"),
        ("ArrowUp", "reference: today"),
        ("Home", "reference: she"),
        ("ArrowDown End", "right: today, condition context=none, at 3.3 s"),
    ):
        for key in keys.split():
            page.keyboard.press(key)
        assert page.evaluate(name).startswith(label)
    page.keyboard.press("Enter")
    audio = page.locator(f"{READING} audio")
    assert moves(page, audio)
    assert audio.evaluate("a => a.currentTime") > 2.8
    explorers["hostile"].shot("explorer-keyboard")
    explorers["hostile"].unharmed()


def test_hostile_texts_change_nothing_but_text_in_the_explorer(explorers):
    shapes = {}
    for kind, seen in explorers.items():
        page = seen.page
        start(page)
        names = listed(page).evaluate_all(
            "all => all.map(o => o.text.replaceAll('\\u00a0', ' ').replace(/^errors: .*?  /, ''))"
        )
        shapes[kind] = []
        for name in names:
            choose(page, "utterance", name)
            expect(page.locator(READING)).to_contain_text(f"{name}:")
            shapes[kind] += shape(page.locator("body"))
        expect(page.locator(READING).locator("details")).to_have_count(1)
        seen.unharmed()
    assert_same_but_for_text(shapes["harmless"], shapes["hostile"])
    assert explorers["hostile"].page.get_by_text(foreign_texts.HOSTILE["opened"]).count() > 0


def test_axe_finds_nothing_serious_in_the_explorer(explorers):
    for seen in explorers.values():
        start(seen.page)
        seen.page.locator("details").evaluate_all("all => all.forEach(d => { d.open = true; })")
        assert seen.faults() == []


# Saved notebooks


@pytest.mark.acceptance
@pytest.mark.parametrize("trust", ["untrusted", "trusted"])
def test_a_saved_notebook_is_whole_in_jupyterlab(browser, jupyterlab, trust):
    """One of the reader's own is trusted, and opens with a kernel that knows none of its widgets."""
    with visit(browser, f"{jupyterlab}/doc/tree/{trust}.ipynb", size=(1200, 20_000)) as seen:
        page = seen.page
        shown = outputs(page)
        trusted = "[...window.jupyterapp.shell.currentWidget.content.model.cells].map(cell => cell.trusted)"
        assert set(page.evaluate(trusted)) == {trust == "trusted"}
        if trust == "trusted":
            expect(shown["explorer"][1].first).to_contain_text("Error displaying widget")  # says the host
        seen.shot(f"saved-{trust}")
        whole(page, shown)


def test_an_exported_notebook_is_whole(browser, saved, tmp_path):
    page, _ = HTMLExporter(embed_images=True).from_notebook_node(saved)
    (tmp_path / "exported.html").write_text(page, encoding="utf-8")
    with visit(browser, (tmp_path / "exported.html").as_uri(), size=(1200, 20_000), known=EXPORTED) as seen:
        seen.shot("exported")
        whole(seen.page, outputs(seen.page))


def whole(page, shown):
    """Nothing is blank, what is heard is heard, and hostile texts have changed nothing but themselves."""
    for name, sides in shown.items():
        assert all(map(is_something, [one for side in sides for one in side.all()])), name
        assert_same_but_for_text(*map(shape, sides))
    expect(shown["progress"][0]).to_contain_text("2/2 trials")
    expect(shown["errors"][0]).to_contain_text("the old harbour lay quiet → quite +still")
    assert plays(page, shown["errors"][0].locator("audio").first)
    explorer = shown["explorer"][0]
    explorer.locator("details").first.evaluate("d => { d.open = true; }")
    for words in ("context=none", "against context=terms", "harbour", "onerror"):
        expect(explorer.last).to_contain_text(words)
    assert plays(page, explorer.locator("audio").first)


def test_the_explorer_lives_in_jupyterlab(browser, jupyterlab):
    lives(browser, f"{jupyterlab}/doc/tree/live.ipynb", "jupyterlab")


# Pages of our own


def test_a_report_is_whole_and_hostile_texts_change_only_text(browser, sweeps, tmp_path):
    shapes = {}
    for kind, sweep in sweeps[1].items():
        scores = lab.score(sweep.transcripts, sweep.dataset, missing="drop")
        summary = lab.summarize(scores[scores["unit"] == "word"], by=["context"])
        path = lab.Report(
            sweep, scores, summary, question=foreign_texts.texts(hostile=kind == "hostile")["image"]
        ).save(tmp_path / f"{kind}.html")
        with visit(browser, path.as_uri()) as seen:
            page = seen.page
            page.locator("details").evaluate_all("all => all.forEach(d => { d.open = true; })")
            seen.shot(f"report-{kind}")
            assert seen.faults() == []
            assert plays(page, page.locator("audio").first)
            shapes[kind] = shape(page.locator("html"))
    assert_same_but_for_text(shapes["harmless"], shapes["hostile"])


def test_stacked_lines_read_well_and_hostile_texts_change_only_text(browser, sweeps, tmp_path):
    shapes = {}
    for kind, sweep in sweeps[1].items():
        scores = lab.score(sweep.transcripts, sweep.dataset, missing="drop")
        pieces = [
            html.stacked(scores, sweep.transcripts, sweep.dataset, utt_id, words=sweep.words, listen=True).markup
            for utt_id in sweep.dataset.utterances["utt_id"]
        ]
        page = f"<html lang=en><meta charset=utf-8><title>All</title><main><h1>All</h1>{''.join(pieces)}</main></html>"
        (tmp_path / f"{kind}.html").write_text(f"<!DOCTYPE html>{page}", encoding="utf-8")
        with visit(browser, (tmp_path / f"{kind}.html").as_uri()) as seen:
            seen.shot(f"stacked-{kind}")
            assert seen.faults() == []
            assert plays(seen.page, seen.page.locator("audio").first)
            shapes[kind] = shape(seen.page.locator("body"))
    assert_same_but_for_text(shapes["harmless"], shapes["hostile"])
