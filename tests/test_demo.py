"""The demo and the command line, as a newcomer meets them."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

import asrlab as lab
from asrlab import demo, tables
from asrlab.cli import main
from asrlab.errors import InvalidInput
from asrlab.scoring.marking import score
from asrlab.sweep.plan import Plan

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def replay():
    """The demo's answers, as they are committed."""
    return lab.open_sweep(ROOT / "notebooks" / "replays" / "demo.jsonl", lab.load_dataset(ROOT / "datasets/dictation"))


def test_the_subset_is_what_the_demo_says_it_is():
    ds = demo.balanced(lab.load_dataset(ROOT / "datasets" / "dictation"))
    assert len(ds) == 32
    assert ds.utterances.groupby(["speaker", "topic"]).size().eq(1).all()
    assert ds.utterances.groupby("language")["speaker"].nunique().to_dict() == {"en": 8, "zh": 8}
    assert len(demo.settings(ds)) == 8


def test_the_committed_answers_are_of_the_demo(replay):
    ds = demo.balanced(replay.dataset)
    frame = replay.transcripts
    assert set(frame["utt_id"]) == set(ds.utterances["utt_id"])
    assert set(frame["condition"]) == {condition.name for condition in demo.settings(ds)}
    assert frame["state"].eq("answered").all()


def test_the_questions_are_answered_from_them(replay):
    ds, frame = replay.dataset, replay.transcripts
    scores = {form: score(frame, ds, form=form, missing="drop") for form in ("spoken", "written")}
    hint, itn, terms, words = demo.compare_all(
        scores, score(frame, ds, form="spoken", unit="term", missing="drop")
    ).values()
    wrong = hint[hint["level"] == "wrong"]
    assert (wrong["low"] > 0).all()  # a wrong hint hurts
    assert (terms["delta"] < 0).all()  # a list of terms helps them
    assert (itn[itn["form"] == "spoken"]["low"] > 0).all()  # ITN hurts against the spoken form
    assert (itn[itn["form"] == "written"]["high"] < 0).all()  # and helps against the written one
    assert words["n_pairs"].tolist() == [16, 16]


@pytest.fixture
def offline(tmp_path, monkeypatch):
    """A folder in which the demo finds its answers and may not ask for more."""
    monkeypatch.setenv("ASRLAB_OFFLINE", "1")
    store = tmp_path / "demo.jsonl"
    shutil.copy(ROOT / "notebooks" / "replays" / "demo.jsonl", store)
    return store


def test_it_ends_with_a_table_a_figure_and_a_report(offline, tmp_path, monkeypatch):
    plan = Plan(tables.empty("trials"), free=True)
    monkeypatch.setattr(lab.Sweep, "plan", lambda self: plan)  # the one thing that needs the service
    report = tmp_path / "out" / "demo.html"
    arguments = {"--dataset": ROOT / "datasets/dictation", "--store": offline, "--report": report}
    result = CliRunner().invoke(main, ["demo", *(str(part) for pair in arguments.items() for part in pair)])
    assert result.exit_code == 0, result.output
    assert "zh               right     False       none     char" in result.output
    assert "term miss rate" in result.output
    assert f"report  {report}" in result.output
    assert f"lab.open_sweep({str(offline)!r}" in result.output
    for language in ("en", "zh"):
        assert report.with_name(f"demo-{language}.png").read_bytes().startswith(b"\x89PNG")
    page = report.read_text(encoding="utf-8")
    assert "Does the language hint matter?" in page
    assert "data:image/png;base64," in page


def test_a_page_with_hostile_transcripts_runs_nothing_in_a_browser(replay, tmp_path):
    if (browser := shutil.which("chromium")) is None:
        pytest.skip("needs Debian's chromium, which .ci/run installs")
    frame = replay.transcripts.copy()
    frame["text"] = "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\"> &lt;b&gt;"

    about = {**replay.about, "dataset": "<script>document.title='owned'</script>"}
    hostile = SimpleNamespace(transcripts=frame, conditions=replay.conditions, dataset=replay.dataset, about=about)
    scores = score(frame, replay.dataset, form="spoken", missing="drop")
    page = lab.Report(hostile, scores, title="<script>document.title='owned'</script>").save(tmp_path / "page.html")
    command = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
               "--disable-background-networking", "--disable-component-update", "--disable-sync",
               f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom", page.as_uri()]  # fmt: skip
    dom = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout
    assert "<title>&lt;script&gt;" in dom
    assert "<script" not in dom


def test_a_missing_dataset_is_said_without_a_traceback(tmp_path):
    result = CliRunner().invoke(main, ["demo", "--dataset", str(tmp_path / "gone")])
    assert result.exit_code == 1
    assert result.output.startswith("Error: There is no dataset")
    with pytest.raises(InvalidInput):
        demo.run_demo(tmp_path / "gone", tmp_path / "run", tmp_path / "page.html")


def test_every_verb_says_what_it_does():
    result = CliRunner().invoke(main, ["--help"])
    assert all(verb in result.output for verb in ("demo", "serve"))
    for verb in main.commands:
        said = CliRunner().invoke(main, [verb, "--help"]).output
        assert main.commands[verb].help.splitlines()[0] in " ".join(said.split())
    assert CliRunner().invoke(main, ["--version"]).output.startswith("asrlab, version")
    assert subprocess.run([sys.executable, "-m", "asrlab", "--help"], capture_output=True, check=True).stdout


def test_serve_listens_on_this_machine_only():
    result = CliRunner().invoke(main, ["serve", "--host", "0.0.0.0", "--engine", "sphinx"])
    assert result.exit_code == 1
    assert "for this machine only" in result.output
