"""How quickly the explorer answers in a browser, with 10,000 utterances under 24 conditions; and Notebook 7."""

from __future__ import annotations

import os
import re

import foreign_texts
import nbformat
import pytest
from browsing import chromium, served, visit
from explored import EXPLORER, READING, exploring, listed, lives, notebook, wait_for_kernel
from playwright.sync_api import expect

pytestmark = pytest.mark.acceptance

LARGE = """
from types import SimpleNamespace
import numpy as np
import pandas as pd
import asrlab as lab
from asrlab import tables

rng = np.random.default_rng(1)
N, K, WORDS = 10_000, 24, 12
VOCABULARY = np.array([f"word{n}" for n in range(2000)])
ids, names = np.array([f"u{n:05}" for n in range(N)]), np.array([f"c{k:02}" for k in range(K)])
said = rng.zipf(1.3, (N, WORDS)) % 2000
heard = np.where(rng.random((N, K, WORDS)) < 0.05, rng.integers(2000, size=(N, K, WORDS)), said[:, None])
join = lambda words: [" ".join(line) for line in VOCABULARY[words.reshape(-1, WORDS)].tolist()]
references = pd.DataFrame({"utt_id": ids, "text": join(said), "channel": 0, "form": "spoken", "alternative": 0})
utterances = pd.DataFrame({"utt_id": ids, "language": rng.choice(["en", "de"], N), "duration_s": 5.0})
utterances["tags"] = [["odd"] if n % 2 else ["even"] for n in range(N)]
rows = pd.DataFrame({"utt_id": np.repeat(ids, K), "condition": np.tile(names, N), "text": join(heard)})
rows = rows.assign(trial=rows["utt_id"] + rows["condition"], repeat=0, channel=0, state="answered")
dataset = SimpleNamespace(
    utterances=tables.check(utterances, "utterances", required=()),
    references=tables.check(references, "references", required=()),
    terms=tables.empty("terms"),
)
s = SimpleNamespace(transcripts=tables.check(rows, "transcripts", required=()), dataset=dataset)
s.heard = lambda condition: dataset
scores = lab.score(s.transcripts, dataset)
"""
#: Does something, and gives the milliseconds until lists and reading view have stopped changing for a second; NaN where
#: nothing changes.
TIMED = """async ([act, label, value]) => {
  const root = document.querySelector('.asrlab-explorer');
  const begin = performance.now();
  const changed = new Promise((done) => {
    let last = NaN, timer = setTimeout(() => done(NaN), 5000);
    const seen = new MutationObserver(() => {
      last = performance.now();
      clearTimeout(timer);
      timer = setTimeout(() => { seen.disconnect(); done(last - begin); }, 1000);
    });
    seen.observe(root, { childList: true, subtree: true });
  });
  if (act === 'press') [...root.querySelectorAll('button')].find((own) => own.innerText === label).click();
  else {
    const name = [...root.querySelectorAll('label')].find((own) => own.innerText === label);
    const field = document.getElementById(name.htmlFor);
    field.focus();
    if (act === 'choose') field.selectedIndex = value;
    else field.value = value;
    field.dispatchEvent(new Event('input', { bubbles: true }));
    field.dispatchEvent(new Event('change', { bubbles: true }));
  }
  return await changed;
}"""
ACTIONS = {
    "next": ("press", "next ▶", None),
    "next page": ("press", "next page ▶▶", None),
    "utterance": ("choose", "utterance", 7),
    "sort by rate": ("choose", "sort", 1),
    "sort by more than against": ("choose", "sort", 2),
    "sort by most changed": ("choose", "sort", 4),
    "language": ("choose", "language", 1),
    "every language": ("choose", "language", 0),
    "tag": ("choose", "tag", 1),
    "every tag": ("choose", "tag", 0),
    "error kind": ("choose", "error", 3),
    "every kind": ("choose", "error", 0),
    "search": ("write", "search", "word77"),
    "search all": ("write", "search", ""),
    "term": ("write", "term", "word5"),
    "every term": ("write", "term", ""),
    "confusion": ("choose", "confusion", 1),
    "every confusion": ("choose", "confusion", 0),
    "against": ("choose", "against", 5),
    "condition": ("choose", "condition", 3),
    "next, at once": ("press", "next ▶", None),
}


@pytest.fixture(scope="module")
def browser():
    with chromium() as started:
        yield started


def test_actions_on_240_000_answers(browser, tmp_path):
    nbformat.write(notebook(LARGE, "lab.explore(s, scores)"), tmp_path / "large.ipynb")
    with served("lab", tmp_path) as (url, _), visit(browser, f"{url}/doc/tree/large.ipynb") as seen:
        page = seen.page
        wait_for_kernel(page)
        run = "() => { window.jupyterapp.commands.execute('notebook:run-cell-and-select-next'); }"
        page.evaluate(run)
        expect(page.locator(".jp-CodeCell .jp-InputPrompt").first).to_have_text(re.compile(r"\[1\]"), timeout=300_000)
        begin = page.evaluate("performance.now()")
        page.evaluate(run)
        page.wait_for_selector(f"{READING} .blocks button")
        print(f"\n  first paint {page.evaluate('performance.now()') - begin:.0f} ms")
        expect(listed(page)).to_have_count(50)
        confusions = page.locator(EXPLORER).get_by_label("confusion", exact=True).locator("option")
        expect(confusions).not_to_have_count(1)  # found without making the reader wait
        print(f"  {'load of this machine':<26} {os.getloadavg()[0]:>5.1f} on {os.cpu_count()} cores")
        for name, action in ACTIONS.items():
            print(f"  {name:<26} {page.evaluate(TIMED, list(action)):>5.0f} ms")
        seen.shot("large")


def test_the_explorer_lives_in_notebook_7(browser, tmp_path):
    foreign_texts.sweep(tmp_path / "harmless")
    nbformat.write(exploring("harmless"), tmp_path / "live.ipynb")
    with served("notebook", tmp_path) as (url, _):
        settings = "Cannot read properties of undefined (reading 'schema')"  # so throws 7.6 with any notebook
        lives(browser, f"{url}/notebooks/live.ipynb", "notebook-7", thrown_by_host=[settings])
