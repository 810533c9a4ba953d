"""What objects say of themselves: every one that a notebook can show, as text and as HTML."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import types
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
from markup_reader import Reader

import asrlab
from asrlab import dashscope
from asrlab.dashscope.pacing import Change
from asrlab.data.checks import Finding, to_findings
from asrlab.data.dataset import Dataset
from asrlab.data.recipe import Recipe
from asrlab.data.recordings import Recording
from asrlab.engines import base, scripted
from asrlab.engines.filetrans import FiletransEngine
from asrlab.engines.flash import FlashEngine
from asrlab.engines.local import LocalEngine
from asrlab.engines.service import ServiceEngine
from asrlab.engines.sphinx import SphinxEngine
from asrlab.engines.whisper import WhisperEngine
from asrlab.errors import StoreError
from asrlab.normalize import Normalizer
from asrlab.scoring.align import Edit, align
from asrlab.scoring.marking import score
from asrlab.shown import facts, words
from asrlab.stats.sentences import Sentences
from asrlab.sweep.grid import column, grid
from asrlab.sweep.identity import Identity
from asrlab.sweep.merge import Merged
from asrlab.sweep.plan import Job, Setting
from asrlab.sweep.prices import Price
from asrlab.sweep.shrink import Shrunk
from asrlab.sweep.shrinking.parts import Request
from asrlab.sweep.shrinking.showing import Reply
from asrlab.sweep.store import Asking
from asrlab.sweep.sweep import Sweep
from asrlab.views import html
from asrlab.views.report import Report
from asrlab.views.widgets import Explorer

KEY = "sk-of-the-tests-0123456789"
SIGNED = f"https://user:{KEY}@bucket.example/call.wav?Signature={KEY}&Expires=1"
HOSTILE = (
    "<script>window.pwned=1</script><img src=x onerror=window.pwned=1></td></tr></table></caption></pre>"
    "\"'><b onmouseover='x'>\u202eשלום\u2066 a\x00b\nc\u2028d\x1b[31m &amp; 我想喝😀"
)
SAID = {"hostile": HOSTILE, "harmless": "a" * len(HOSTILE), "long": "我想喝 x" * 2000}
#: Whose text is a table or a list: many lines, each of them what it says.
IN_LINES = {"Alignment", "Explorer", "Findings", "Html", "Provenance", "Sentences"}
#: Whose look belongs to the views, which have their own tests of markup and lengths.
OF_VIEWS = {"Explorer", "Html", "Provenance", "Report", "Sentences"}
#: Named tuples of a line, which a notebook shows as text.
PLAIN_TUPLES = {"Change", "Setting"}
#: Raised and warned of; and the bytes that one view hands to another.
NEVER_SHOWN = {"AsrlabError", "LapsesEarly", "NoEffect", "NotForProduction", "Sound"}
TEXT, MARKUP = 2000, 40_000


@cache
def imported(module):
    """Names that a module imports from asrlab, for types alone too, and where they come from."""
    tree = ast.parse(Path(importlib.import_module(module).__file__).read_text(encoding="utf-8"))
    return {
        alias.asname or alias.name: (node.module, alias.name)
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("asrlab")
        for alias in node.names
    }


def classes(annotation, module):
    """Classes of asrlab that an annotation names."""
    for node in ast.walk(ast.parse(annotation if isinstance(annotation, str) else "")):
        if isinstance(node, ast.Name):
            home, name = imported(module).get(node.id, (module, node.id))
            found = getattr(importlib.import_module(home), name, None)
            if inspect.isclass(found) and found.__module__.startswith("asrlab"):
                yield found


def returned(function):
    function = inspect.unwrap(function)
    return classes(getattr(function, "__annotations__", {}).get("return"), function.__module__)


def given_by(one):
    """Classes of what a class's public members and fields give."""
    for owner in (owner for owner in one.__mro__ if owner.__module__.startswith("asrlab")):
        for name, member in vars(owner).items():
            function = next(
                (inner for kind in ("fget", "func", "_verb") if (inner := getattr(member, kind, 0))), member
            )
            if inspect.isfunction(function) and (not name.startswith("_") or name in {"__enter__", "__getitem__"}):
                yield from returned(function)
        for name, annotation in vars(owner).get("__annotations__", {}).items():
            if not name.startswith("_"):
                yield from classes(annotation, owner.__module__)


def shown():
    """Give all classes that are reached from the public names: what they are, what they return, and what that gives."""
    todo = []
    for name in asrlab.__all__:
        value = getattr(asrlab, name)
        members = [value]
        if isinstance(value, types.ModuleType):
            public = getattr(value, "__all__", None) or [member for member in vars(value) if member[0] != "_"]
            members = [getattr(value, member) for member in public]
            members = [one for one in members if getattr(one, "__module__", "").startswith(value.__name__)]
        for member in members:
            if inspect.isclass(member) and member.__module__.startswith("asrlab"):
                todo.append(member)
            elif inspect.isfunction(inspect.unwrap(member)) and member.__module__.startswith("asrlab"):
                todo += returned(member)
    found = set()
    while todo:
        if (one := todo.pop()) not in found:
            found.add(one)
            todo += given_by(one) if one is not Explorer else ()  # the parts of a widget are its own
    return {one.__name__: one for one in found}


def recordings(folder, said):
    soundfile.write(folder / "a.wav", 0.1 * np.random.default_rng(0).standard_normal(1600), 16_000)
    rows = {"utt_id": ["a"], "audio": ["a.wav"], "language": [said], "duration_s": [0.1], "speaker": [said]}
    return Dataset(
        said,
        pd.DataFrame(rows),
        pd.DataFrame({"utt_id": ["a"], "text": [said]}),
        folder=folder,
        audio_root=folder,
        read_as=said,
        remarks=(said,) * 9,
    )


def swept(folder, said):
    label = said[:30] or "none"
    conditions = grid(context={label: said, "f": lambda row: said, "column": column("speaker")}, snr=[None, 10])
    engine = scripted.ScriptedEngine(label=said)
    sweep = Sweep(recordings(folder, said), engine, conditions, store=folder / "run")
    sweep.run(progress=False)
    return sweep


def examples(folder, said):
    """Give an object of each class that can be shown, with something foreign in every text of it."""
    folder.mkdir()
    sweep = swept(folder, said)
    dataset, conditions = sweep.dataset, sweep.grid
    yield from (sweep, dataset, dataset.under(Recipe(snr=10.0)), conditions, *conditions, sweep.engine, column(said))
    yield from (sweep.heard(conditions[0].name), asrlab.open_sweep(folder / "run", dataset))
    yield Sweep(dataset, sweep.engine, conditions, store=folder / (said[:20].replace("/", "|") or "none"))
    a_plan = sweep.plan()
    a_plan.warnings += [said] * 9
    asked = base.Parameters(context=said)
    job = Job("t", said, sweep.engine, Setting(asked, Recording(said), lambda: said, SIGNED), task_id=said)
    yield from (
        a_plan,
        job,
        job.setting,
        asked,
        Identity(said, said, said, 0),
        Asking(said, said, 0, said, {said: said}),
    )
    yield Merged(2, 9, 9, (said,) * 99)
    yield from (Price(0.1, date(2026, 1, 2), said), Recipe(noise=f"/home/me/{said}", snr=1.0), Recording(said, 1.0, 1))

    word = base.Word(0, 10, said, said)
    sentence = base.Sentence(0, 10, said, said, (word,) * 99)
    heard = base.Transcript(0, said, said, (sentence,) * 99)
    yield from (base.Question(SIGNED, asked, said), heard, sentence, word)
    yield base.Answer((heard,) * 99, 1.0, said, request_id=said, raw={"said": said})
    yield base.Capabilities(frozenset({said}), frozenset({said}))
    yield from (FiletransEngine(api_key=KEY), FlashEngine(api_key=KEY), LocalEngine(), SphinxEngine(), WhisperEngine())

    request = Request(((0, 9),), None, asked)
    reply = Reply(said, said, asked, ((said, 0.0, 1.0),) * 99, (said,) * 99, error=said)
    yield from (request, reply)
    yield Shrunk(folder, said, request, request, 9, (reply,), 1, False, said, said, 1, 0.1, 1.0, pd.DataFrame())

    link = dashscope.SignedUrl(SIGNED)
    time = datetime(2026, 1, 2, tzinfo=UTC)
    task = dashscope.Task(said, said, said, time, time, time, 1.0, said, said, link)
    listed = dashscope.ListedTask(said, said, said, said, said, time, time, time)
    a_word = dashscope.Word(0, 10, said, said)
    a_sentence = dashscope.Sentence(0, 10, said, said, said, (a_word,) * 99)
    transcript = dashscope.Transcript(0, said, (a_sentence,) * 99)
    yield from (link, task, listed, dashscope.TaskPage((listed,) * 99, 99, 1, 1, 99), transcript, a_sentence, a_word)
    yield from (
        dashscope.Recognition(said, said, said, 1.5, said, {said: said}),
        dashscope.Transcription((transcript,) * 99, {said: said}, link),
        dashscope.Limits(),
        dashscope.Bucket("s3://recordings/asr"),
        Change(1.0, 2, "passed"),
    )
    with dashscope.Client(api_key=KEY, base_url="http://127.0.0.1:9/api/v1") as client:
        yield from (client, client._client)
    with asrlab.serve(sweep.engine, key=KEY) as service:
        yield service

    yield from (Normalizer(said, (str.lower,)), align(said, f"{said} x"), Edit("sub", said, said))
    yield to_findings(said, [Finding("silence", said, said, 0, 1.0)] * 9, 9, 1.0)
    scores = score(sweep.transcripts, dataset, missing="drop")
    yield asrlab.Race(lambda transcripts: transcripts)
    yield from (Sentences([said]), html.table(pd.DataFrame({"said": [said]})), asrlab.provenance(sweep))
    yield from (asrlab.explore(sweep, scores), Report(sweep, scores))


def looks(one):
    """Give an object's text and its HTML, as a notebook asks for them."""
    markup = getattr(one, "_repr_html_", None)
    return repr(one), markup and markup()


@pytest.fixture(scope="module")
def all_looks(tmp_path_factory):
    """Name of a kind of text -> class and how many before -> text and HTML of an object that holds it."""
    folder = tmp_path_factory.mktemp("reprs")
    return {
        kind: {(type(one).__name__, n): looks(one) for n, one in enumerate(examples(folder / kind, said))}
        for kind, said in SAID.items()
    }


def test_every_public_object_has_an_example(all_looks):
    wanted = shown()
    assert len(wanted) > 45
    covered = {name for name, _ in all_looks["hostile"]}
    abstract = {name for name, one in wanted.items() if inspect.isabstract(one)}
    assert set(wanted) - NEVER_SHOWN - abstract <= covered
    below = [*base.Engine.__subclasses__(), *ServiceEngine.__subclasses__()]
    engines = {one.__name__ for one in below if one.__module__.startswith("asrlab")}
    assert {"FiletransEngine", "FlashEngine"} <= engines
    assert engines - {"ServiceEngine", "Spread"} <= covered  # a base, and what a run makes for itself


@pytest.mark.parametrize("kind", SAID)
def test_text_is_one_bounded_honest_line(all_looks, kind):
    for (name, _), (text, _) in all_looks[kind].items():
        if name not in OF_VIEWS:
            assert text.strip(), name
            assert KEY not in text, name
            assert " at 0x" not in text, name
            assert len(text) <= TEXT * (10 if name in IN_LINES else 1), name
        if name not in IN_LINES:
            assert len(text.splitlines()) == 1, name
        if name != "Sentences":
            assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", text), name


@pytest.mark.parametrize("kind", SAID)
def test_html_survives_an_export(all_looks, kind):
    for (name, _), (_, markup) in all_looks[kind].items():
        if name in OF_VIEWS | PLAIN_TUPLES:
            continue
        assert markup, name
        assert KEY not in markup, name
        assert " at 0x" not in markup, name
        assert len(markup) <= MARKUP, name
        assert Reader(markup).text.strip(), name


def test_foreign_text_changes_nothing_but_itself(all_looks):
    for key, (_, markup) in all_looks["hostile"].items():
        other = all_looks["harmless"][key][1]
        if key[0] not in OF_VIEWS and markup:
            assert Reader(markup).seen == Reader(other).seen, key


def test_words():
    assert words("") == "(empty)"
    assert words("a\nb\u202e") == "a⏎b\\u202e"
    assert words("x" * 1001) == "x" * 1000 + "… (1,001 characters)"
    assert words(range(3)) == "range(0, 3)"
    assert words(()) == words({}) == "none"
    assert words([1, "b", None]) == "1, b, None"
    assert words({"b", "a"}) == "a, b"
    assert words(list(range(15))) == "0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 and 3 more"
    assert words({"en": 2, "zh": [1, 2]}) == "en: 2, zh: 1, 2"
    assert words(words) == "words"
    assert words(object()) == "<object object>"


def test_facts_are_a_table_with_heads():
    markup = facts("A <b>", [("n & m", 1), ("text", "<i>")])
    assert Reader(markup).seen == ["table", "caption", "tbody", "tr", "th", "td", "tr", "th", "td"]
    assert re.sub("<[^>]*>", "|", markup) == "||A &lt;b&gt;||||n &amp; m||1||||text||&lt;i&gt;||||"


def test_a_store_that_cannot_be_read_says_so(tmp_path):
    spoilt = tmp_path / "spoilt.jsonl"
    spoilt.write_text("{}\n")
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "ledger.sqlite").write_text("no database " * 100)
    for path in (spoilt, tmp_path / "run"):
        answers = asrlab.open_sweep(path)
        with pytest.raises(StoreError) as raised:
            _ = answers.transcripts
        assert str(raised.value)[:40] in repr(answers)
        assert str(raised.value)[:40] in Reader(answers._repr_html_()).text
        spoilt.unlink(missing_ok=True)
        assert repr(asrlab.Sweep(None, scripted.ScriptedEngine(), grid(), store=spoilt)).endswith(": nothing asked>")


def test_an_opened_sweep_shows_its_digest(tmp_path):
    sweep = swept(tmp_path, "word")
    opened = asrlab.open_sweep(sweep.source)
    assert f"digest{opened.digest[:16]}…" in Reader(opened._repr_html_()).text
