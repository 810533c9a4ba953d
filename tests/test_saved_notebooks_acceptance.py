"""Every notebook that reads a replay, whole: it passes as it is, and fails for one word; and what an export shows."""

from __future__ import annotations

import nbformat
import pytest
from test_saved_notebooks import PAIRS, ROOT, by_nbval, copied, fails, shows

pytestmark = pytest.mark.acceptance


@pytest.mark.parametrize("path", dict.fromkeys(path for path, _ in PAIRS), ids=str)
def test_unchanged_it_passes(tmp_path, path):
    assert all(by_nbval(copied(path, tmp_path)))


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: f"{pair[0]} of {pair[1]}")
def test_changed_by_one_word_it_fails(tmp_path, pair):
    said, passed = fails(*pair, tmp_path, 0)
    print(f"\n{pair[0]}, {pair[1]}: {said}; {passed.count(False)} of {len(passed)} cells fail")
    assert not all(passed), said


@pytest.mark.parametrize("seed", range(1, 6))
@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: f"{pair[0]} of {pair[1]}")
def test_whatever_the_word(tmp_path, pair, seed):
    said, passed = fails(*pair, tmp_path, seed, cells=shows(pair[0])[-1] + 1)
    print(f"\n{pair[0]}, {pair[1]}: {said}")
    assert not all(passed), said


EXPORTED = [
    """
import asrlab as lab
from asrlab import plot
from asrlab.views import html
dataset = lab.load_dataset(DATASETS).select(["en-kokoro_heart-1", "en-kokoro_heart-2"])
said = {dataset.digest(utt_id): "one two three four" for utt_id in dataset.utterances["utt_id"]}
engine = lab.engine("scripted", texts=said, substitutions=0.3, noise=True)
sweep = lab.Sweep(dataset, engine, lab.grid(enable_itn=[False, True]), store=STORE, repeats=2)
sweep.run()
""",
    "scores = lab.score(sweep.transcripts, dataset, form='spoken')\nhtml.table(lab.summarize(scores, by='enable_itn'))",
    "ax = plot.rates(lab.summarize(scores, by='enable_itn'), x='enable_itn')",
    "html.errors(scores, sweep.transcripts, dataset, n=2, listen=True)",
    "lab.explore(sweep, scores)",
    "sweep",
    "sweep.plan()",
    "lab.Report(sweep, scores)",
    "lab.sentences(lab.agreement(scores))",
    "lab.align('one two', 'one too')",
]


def test_an_exported_notebook_has_nothing_blank(tmp_path):
    from bs4 import BeautifulSoup
    from nbclient import NotebookClient
    from nbconvert import HTMLExporter

    names = f"DATASETS, STORE = {str(ROOT / 'datasets/dictation')!r}, {str(tmp_path / 'run')!r}"
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(source) for source in [names + EXPORTED[0], *EXPORTED[1:]]]
    )
    NotebookClient(notebook, timeout=120, kernel_name="python3", store_widget_state=False).execute()
    page, _ = HTMLExporter(exclude_input=True).from_notebook_node(notebook)
    (tmp_path / "page.html").write_text(page, encoding="utf-8")
    cells = BeautifulSoup(page, "html.parser").select("div.jp-CodeCell")
    assert len(cells) == len(EXPORTED)
    said = [" ".join(cell.get_text(" ").split()) for cell in cells]
    assert "8" in said[0]
    for number, cell in enumerate(cells):
        assert said[number] or cell.select_one('img[src^="data:image/png"]'), EXPORTED[number]
        assert not cell.select("script, style, link"), EXPORTED[number]
    for number in (3, 4):
        assert cells[number].select_one('audio[controls][src^="data:audio/"]'), EXPORTED[number]
        assert "en-kokoro_heart-" in said[number]
