"""Notebooks: kept as they were run, short, each with its question and its numbers; and experiments as templates."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import nbformat
import pytest

import asrlab as lab

ROOT = Path(__file__).parents[1]
NOTEBOOKS = ROOT / "notebooks"
EXPERIMENTS = NOTEBOOKS / "experiments"
PAGES = sorted(NOTEBOOKS.glob("*.ipynb"))
TEMPLATES = sorted(EXPERIMENTS.glob("*.ipynb"))
MOST_CELLS: Final = 50  # of a page, which is to be read at one sitting
MOST_CELLS_OF_A_TEMPLATE: Final = 12
REACH: Final = 2  # code cells from a figure to the table of what it draws

every_notebook = pytest.mark.parametrize("path", [*PAGES, *TEMPLATES], ids=lambda path: path.stem)
every_template = pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.stem)


def read(path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    return notebook.cells


def code_of(path):
    return [cell for cell in read(path) if cell.cell_type == "code" and cell.source.strip()]


def tags(cell):
    return cell.metadata.get("tags", [])


def shows(cell, kind):
    """What a cell shows in one kind, as one text."""
    return "".join(str(output.get("data", {}).get(kind, "")) for output in cell.outputs)


def has_table(cell):
    return "<table" in shows(cell, "text/html")


def drawn(cell):
    """Names of the frames that a cell draws."""
    return re.findall(r"plot\.\w+\(\s*([A-Za-z_]\w*)", cell.source)


def test_there_are_notebooks():
    assert len(PAGES) >= 19
    assert {path.name[:2] for path in PAGES} == {f"{number:02d}" for number in range(1, len(PAGES) + 1)}
    assert len(TEMPLATES) >= 10


@every_notebook
def test_is_kept_as_it_was_run(path):
    code = code_of(path)
    # nbval runs a cell that has no number and compares nothing: such a notebook would always pass.
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    assert any(cell.outputs for cell in code)
    for cell in code:
        for output in cell.outputs:
            assert output.output_type != "error" or "raises-exception" in tags(cell)
            assert str(ROOT) not in str(output)


@every_notebook
def test_opens_with_the_question_that_it_answers(path):
    first = read(path)[0]
    assert first.cell_type == "markdown"
    title, *rest = first.source.split("\n\n")
    assert title.startswith("# ")
    assert "\n" not in title
    assert title.endswith("?") or re.fullmatch(r"\*\*[^*]+\?\*\*", rest[0]), "the title, or a bold line below, asks"


@every_notebook
def test_is_short(path):
    assert len(read(path)) <= (MOST_CELLS_OF_A_TEMPLATE if path in TEMPLATES else MOST_CELLS)


@every_notebook
def test_numbers_of_a_figure_are_in_a_table_too(path):
    code = code_of(path)
    for number, cell in enumerate(code):
        if not shows(cell, "image/png"):
            continue
        assert any(map(has_table, code[max(number - 1, 0) : number + 2])), f"no table beside {cell.source!r}"
        near = [other for other in code[max(number - REACH, 0) : number + REACH + 1] if has_table(other)]
        for frame in drawn(cell):
            told = any(re.search(rf"html\.table\([^#]*\b{frame}\b", other.source) for other in near)
            assert told, f"{frame} is drawn, and no table near {cell.source!r} has it"


@every_notebook
def test_shows_the_digest_of_each_replay_it_reads(path):
    code = code_of(path)
    compared = [cell for cell in code if "nbval-ignore-output" not in tags(cell)]
    digests = [cell for cell in compared if re.search(r"\b[0-9a-f]{16}\b", shows(cell, "text/plain"))]
    for cell in code:
        for name in re.findall(r"(\w+) = lab\.open_sweep\(", cell.source):
            assert any(f"{name}.digest" in other.source for other in digests), name
    if "replays/" in "".join(cell.source for cell in code):
        assert any(".digest" in cell.source for cell in digests)


@pytest.mark.parametrize(
    "path", [*PAGES, *TEMPLATES, *ROOT.glob("*.md"), *ROOT.glob("datasets/*/README.md")], ids=lambda path: path.stem
)
def test_links_lead_somewhere(path):
    texts = [path.read_text(encoding="utf-8")]
    if path.suffix == ".ipynb":
        texts = [cell.source for cell in read(path) if cell.cell_type == "markdown"]
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", "\n".join(texts)):
        assert ":" in target or (path.parent / target).exists(), target


@every_template
def test_template_says_nothing_that_could_become_stale(path):
    cells = read(path)
    words = [cell.source for cell in cells if cell.cell_type == "markdown"]
    assert len(words) == 1, "what was found is said by sentences and tables"
    said = re.sub(r"```.*?```|\]\([^)]*\)", "", words[0], flags=re.DOTALL)
    assert not re.search(r"\d", said)
    assert not any(cell.source.count("#") > cell.source.count("  # ") for cell in code_of(path)), "comments on lines"


@every_template
def test_template_takes_its_parameters(path):
    [parameters] = [cell for cell in code_of(path) if "parameters" in tags(cell)]
    names = re.findall(r"^(\w+) = ", parameters.source, flags=re.MULTILINE)
    wanted = ["dataset", "select", "form", "engine", "options", "store", "repeats", "budget_usd", "report"]
    assert names[: len(wanted)] == wanted
    used = "\n".join(cell.source for cell in code_of(path) if "parameters" not in tags(cell))
    assert [name for name in names if not re.search(rf"\b{name}\b", used)] == []
    command = read(path)[0].source
    assert f"papermill {path.name} " in command
    assert set(re.findall(r"-p (\w+)", command)) <= set(names)


#: What a template is run with, beside a few recordings and an engine that fails now and then.
SMALL: Final = {
    "language-hint": {"near": {"en": "de", "zh": "ja"}, "far": {"en": "zh", "zh": "en"}},
    "context": {"select": "topic == 'terms' and (speaker.str.endswith('heart') or speaker.str.endswith('emma'))"},
    "list-size": {"sizes": [5, 10], "kind": "random"},
    "noise": {"snr": [None, 5], "noise": ["pink"]},
    "telephone": {"lines": {"good": None, "8 kHz": {"sample_rate": 8000}}},
    "channels": {"dataset": "dialogue", "select": "language == 'en'"},
    "silence": {"dataset": "quiet", "select": ""},
}


@pytest.fixture(scope="module")
def texts():
    """What is said in the recordings, by digest: for the engine that answers by a script."""
    said = {}
    for name in ("dictation", "dialogue"):
        dataset = lab.load_dataset(ROOT / "datasets" / name)
        spoken = dataset.references.query("form == 'spoken'").drop_duplicates("utt_id").set_index("utt_id")["text"]
        said |= {dataset.digest(utt_id): text for utt_id, text in spoken.items()}
    return said


@pytest.fixture(scope="module")
def kernel():
    """One for all templates, since to start one and import everything takes longer than most of them."""
    from jupyter_client.manager import KernelManager

    manager = KernelManager(kernel_name="python3")
    manager.start_kernel(cwd=str(EXPERIMENTS))
    yield manager
    manager.shutdown_kernel(now=True)


def ran(path, given, manager):
    """What papermill makes of a template and parameters, run in a kernel that holds no names."""
    from nbclient import NotebookClient
    from papermill.iorw import load_notebook_node
    from papermill.parameterize import parameterize_notebook

    notebook = parameterize_notebook(load_notebook_node(str(path)), given, kernel_name="python3", language="python")
    notebook.cells.insert(0, nbformat.v4.new_code_cell("%reset -f"))
    client = NotebookClient(notebook, km=manager)
    try:
        client.execute()
    finally:
        client.kc.stop_channels()
    code = [cell for cell in notebook.cells[1:] if cell.cell_type == "code"]
    return [cell for cell in code if "injected-parameters" not in tags(cell)]


@every_template
def test_template_takes_other_recordings_and_another_engine(path, texts, kernel, tmp_path):
    given = {
        "dataset": "dictation",
        "select": "speaker in ['kokoro-heart', 'kokoro-emma', 'kokoro-xiaoxiao'] and topic not in ['plain']",
        "engine": "scripted",
        "options": {"texts": texts, "substitutions": 0.1, "noise": True, "failures": {"InternalError": 0.1}},
        "store": str(tmp_path / "run"),
        "report": str(tmp_path / "report.html"),
        "repeats": 2,
    } | SMALL.get(path.stem, {})
    given["dataset"] = str(ROOT / "datasets" / given["dataset"])
    kept, made = code_of(path), ran(path, given, kernel)
    digests = {
        shows(cell, "text/plain").strip("'") for cells in (kept, made) for cell in cells if ".digest" in cell.source
    }
    assert len(digests) == 2, "other answers have another digest"
    assert all(has_table(cell) for cell in made if "html.table" in cell.source)
    assert [bool(shows(cell, "image/png")) for cell in made] == [bool(shows(cell, "image/png")) for cell in kept]
    assert "scripted" in (tmp_path / "report.html").read_text(encoding="utf-8")
