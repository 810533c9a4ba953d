"""The explorer on a page, worked as a reader would: notebooks that show it, and its choices by their labels."""

from __future__ import annotations

import re

from browsing import moves, visit
from nbformat.v4 import new_code_cell, new_notebook
from playwright.sync_api import expect

EXPLORER, READING = ".asrlab-explorer", ".asrlab-reading"
SETUP = """
import foreign_texts
import asrlab as lab
from asrlab import html, plot
from asrlab.sweep.progress import Progress, reporter

def opened(kind):
    s = foreign_texts.sweep(kind, hostile=kind == "hostile")
    return s, lab.score(s.transcripts, s.dataset, missing="drop")
"""
SHOW = "lab.explore(s, scores, words=s.words)"


def notebook(*cells):
    code = [new_code_cell(cell) for cell in cells]
    about = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    return new_notebook(cells=code, metadata=about)


def exploring(kind):
    return notebook(SETUP, f"s, scores = opened({kind!r})", SHOW)


def choice(page, label):
    return page.locator(EXPLORER).get_by_label(label, exact=True)


def choose(page, label, text):
    """Choose in a list by how the text of an option begins, or what comes last in it begins."""
    # It is shown with spaces that do not break, and with signs that set words apart.
    words = [rf"\u2068?{re.escape(word)}\u2069?" for word in text.split()]
    begins = re.compile(r"(^|\s{2,})" + r"\s+".join(words))
    option = choice(page, label).locator("option").filter(has_text=begins)
    expect(option).to_have_count(1)
    choice(page, label).select_option(index=option.evaluate("o => o.index"))


def listed(page):
    """Give the lines of the list of utterances."""
    return choice(page, "utterance").locator("option")


def wait_for_kernel(page):
    """Wait for a notebook's kernel; "idle" is shown before there is a session."""
    page.wait_for_function(
        "() => { const own = window.jupyterapp?.shell?.currentWidget?.sessionContext;"
        " return own?.isReady && own.session?.kernel?.status === 'idle'; }"
    )


def run_all(page):
    wait_for_kernel(page)
    page.evaluate("() => { window.jupyterapp.commands.execute('notebook:run-all-cells'); }")  # not to be awaited


def lives(browser, url, name, thrown_by_host=()):
    """Run the cells of a notebook with the harmless explorer, choose, and play a word by keys that it keeps."""
    with visit(browser, url, thrown_by_host=thrown_by_host) as seen:
        page = seen.page
        run_all(page)
        page.locator(f"{READING} .blocks button").first.wait_for()
        for label in ("condition", "against", "language", "tag", "error", "sort"):
            assert choice(page, label).evaluate("list => list.selectedOptions[0]?.text"), f"{label} shows no choice"
        choose(page, "sort", "utt_id")
        expect(listed(page).first).to_have_text(re.compile("harbour$"))
        choose(page, "utterance", "mall")
        page.get_by_role("button", name=re.compile("^substituted: mall, heard small")).focus()
        for key in ("ArrowRight", "ArrowLeft", "Enter"):  # a notebook takes these where it may
            page.keyboard.press(key)
        assert moves(page, page.locator(f"{READING} audio"))
        seen.shot(f"live-{name}")
        assert seen.faults(within=EXPLORER) == []
