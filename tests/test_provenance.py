"""Provenance: complete, of no host, the same in all its forms, and inert."""

from __future__ import annotations

import getpass
import json
import os
import platform
import shutil
import socket
import stat
import subprocess
import time
from html.parser import HTMLParser
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

import asrlab
from asrlab import tables
from asrlab.errors import InvalidInput
from asrlab.sweep import provenance as collecting
from asrlab.sweep.grid import column, grid
from asrlab.sweep.prices import price_of
from asrlab.sweep.provenance import collect
from asrlab.views.provenance import provenance
from asrlab.views.report import Report

ROOT = Path(__file__).parents[1]
PAID = {"engine": "filetrans", "model": "qwen3-asr-flash-filetrans", "region": "beijing"}
HOSTILE = [
    "<script>alert(1)</script>",
    "\"'><img src=x onerror=alert(1)>",
    "</dd></dl></details></pre></section><style>*{}</style>",
    "$x_1$ & &lt;",
    "\u202eשלום",
    "a\nb\x00",
    "\ud800",
    "x" * 4000,
]


def dataset(n=5, card="# Dictation\n\nSynthetic voices."):
    utterances = pd.DataFrame(
        {"utt_id": [f"u{place}" for place in range(n)], "language": ["en", "zh"] * (n // 2) + ["en"] * (n % 2)}
    ).assign(duration_s=30.0)
    return SimpleNamespace(
        name="dictation",
        utterances=tables.check(utterances, "utterances", required=("utt_id",)),
        fingerprint=lambda: "f" * 64,
        card=card,
    )


class Asked:
    """What provenance needs of an engine."""

    def __init__(self, free, identity, server):
        self.free, self.identity, self.server = free, identity, server


def engine(*, free=False, server=None, **identity):
    return Asked(free, identity or PAID, server)


def facts(data=None, asked=None, conditions=None, **more):
    asked = asked or engine()
    if "price" in more:
        more["prices"] = {asked: more.pop("price")}
    return collect(data or dataset(), [asked], conditions or grid(), **{"seed": 7, "repeats": 2, **more})


def run(number=1, **more):
    started = f"2026-11-{number:02}T10:00:00+00:00"
    return {"run": number, "started": started, "ended": started, "outcome": "finished", "facts": {}, **more}


def kept(*runs):
    return SimpleNamespace(provenance=list(runs))


# -- facts -------------------------------------------------------------------------------------------------------------


def test_the_facts_say_what_was_asked_of_what_by_what():
    found = facts(asked=engine(server="asrlab 0.1.0"))
    assert found["asrlab"] == version("asrlab")
    assert found["python"] == platform.python_version()
    assert found["platform"] == {"system": platform.system(), "machine": platform.machine()}
    assert found["packages"]["pandas"] == version("pandas")
    assert {"httpx", "numpy", "jiwer", "soundfile"} <= set(found["packages"])
    assert found["dataset"] == {
        "name": "dictation",
        "fingerprint": "f" * 64,
        "utterances": 5,
        "audio_min": 2.5,
        "card": "# Dictation\n\nSynthetic voices.",
    }
    assert found["engine"] == PAID
    assert found["server"] == "asrlab 0.1.0"
    assert (found["seed"], found["repeats"]) == (7, 2)


def test_facts_of_a_real_dataset_are_collected():
    loaded = asrlab.load_dataset(ROOT / "datasets" / "dictation")
    found = facts(loaded, conditions=grid(language={"none": None, "right": column("language")}))
    assert found["dataset"]["fingerprint"] == loaded.fingerprint()
    assert found["dataset"]["card"] == loaded.card
    assert found["dataset"]["utterances"] == 64
    assert set(found["sent"]) < set(loaded.utterances["utt_id"])


def test_packages_that_are_not_installed_are_left_out(monkeypatch):
    monkeypatch.setattr(collecting, "_PACKAGES", ("numpy", "no-such-package"))
    assert facts()["packages"] == {"numpy": version("numpy")}


def test_lengths_that_are_not_known_are_counted():
    data = dataset(3)
    data.utterances.loc[1, "duration_s"] = pd.NA
    found = facts(data)["dataset"]
    assert (found["audio_min"], found["utterances_of_unknown_length"]) == (1.0, 1)


def test_the_price_is_that_of_the_plan():
    known = price_of(PAID)
    assert facts(price=known)["price"] == {
        "usd_per_s": known.usd_per_s,
        "as_of": known.as_of.isoformat(),
        "source": known.source,
    }
    assert facts()["price"] is None  # free, or not known


def right_hint(utterance):
    return utterance["language"]


class Oracle:
    def __call__(self, utterance):
        return f"about {utterance['utt_id']}"


def test_levels_are_kept_as_they_were_given_and_as_they_were_sent():
    conditions = grid(
        language={"none": None, "column": column("language"), "function": right_hint, "lambda": lambda _: "de"},
        context={"oracle": Oracle()},
        channel_id=[[0, 1]],
        enable_itn=np.True_,
    )
    found = facts(conditions=conditions)
    assert found["given"] == {
        "language": {
            "none": {"value": None},
            "column": {"column": "language"},
            "function": {"function": "right_hint"},
            "lambda": {"function": "<lambda>"},
        },
        "context": {"oracle": {"function": "Oracle"}},
        "channel_id": {"[0, 1]": {"value": [0, 1]}},
    }
    assert found["given_to_all"] == {"enable_itn": {"value": True}}
    # ends and middle of the set, under every condition
    assert list(found["sent"]) == ["u0", "u2", "u4"]
    by_condition = found["sent"]["u2"]
    assert list(by_condition) == [c.name for c in conditions]
    assert [asked["language"] for asked in by_condition.values()] == [None, "en", "en", "de"]
    assert by_condition[conditions[1].name] == {
        "language": "en",
        "enable_itn": True,
        "context": "about u2",
        "channel_id": [0, 1],
        "enable_words": False,
    }


@pytest.mark.parametrize(("n", "sampled"), [(1, ["u0"]), (2, ["u0", "u1"]), (101, ["u0", "u50", "u100"])])
def test_the_sample_is_spread_over_the_set(n, sampled):
    assert list(facts(dataset(n))["sent"]) == sampled


def test_the_sample_stays_small():
    conditions = grid(context={str(n): f"{n}" * 9000 for n in range(40)})
    found = facts(dataset(1000), conditions=conditions)
    assert [len(questions) for questions in found["sent"].values()] == [16, 16, 16]
    assert len(json.dumps(found["sent"])) < 100_000
    assert found["sent"]["u0"]["context=0"]["context"] == "0" * 400 + " … (9000 characters)"
    assert found["given"]["context"]["0"] == {"value": "0" * 9000}


def test_facts_are_json_values():
    conditions = grid(language=["en", pd.NA, column("language")], channel_id=[(0,), (0, 1)], enable_words=False)
    found = facts(conditions=conditions)
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_nothing_of_the_host_is_in_the_facts(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DASHSCOPE_API_KEY", "sk-very-secret")
    text = json.dumps(facts(asked=engine(server="asrlab")))
    for secret in (socket.gethostname(), str(ROOT), str(tmp_path), str(Path.home()), "sk-very-secret"):
        assert secret not in text
    assert f"/{getpass.getuser()}" not in text


# -- version control ---------------------------------------------------------------------------------------------------


def git(folder, *arguments):
    identity = ["-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    return subprocess.run(
        ["git", *identity, *arguments], cwd=folder, env=environment, check=True, capture_output=True, text=True
    ).stdout.strip()


@pytest.fixture
def repository(tmp_path, monkeypatch):
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    folder = tmp_path / "project"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "trial")
    (folder / "notebook.py").write_text("1\n")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "one")
    (folder / "below").mkdir()
    monkeypatch.chdir(folder / "below")
    return folder


def here():
    return facts()["git"].get("working directory")


def test_the_working_directorys_repository_is_told(repository):
    commit = git(repository, "rev-parse", "HEAD")
    assert here() == {"commit": commit, "branch": "trial", "dirty": False}
    (repository / "run.sqlite").write_text("a run's store is no change of the code")
    assert here()["dirty"] is False
    (repository / "notebook.py").write_text("2\n")
    assert here()["dirty"] is True
    git(repository, "checkout", "-q", "--detach")
    assert here() == {"commit": commit, "branch": None, "dirty": True}


def test_a_hooks_variables_do_not_lead_astray(repository, monkeypatch):
    monkeypatch.setenv("GIT_DIR", str(repository / "elsewhere"))
    assert here()["branch"] == "trial"


def test_asrlabs_own_checkout_is_told_only_where_it_is_one(repository, monkeypatch):
    own = facts()["git"].get("asrlab")
    try:
        git(ROOT, "ls-files", "--error-unmatch", "asrlab/__init__.py")
    except subprocess.CalledProcessError:  # an unpacked archive
        assert own is None
    else:
        assert own["commit"] == git(ROOT, "rev-parse", "HEAD")
    # Installed in an environment that lies in a project's folder, it is not the project's.
    installed = repository / "venv" / "asrlab" / "sweep" / "provenance.py"
    installed.parent.mkdir(parents=True)
    (installed.parents[1] / "__init__.py").touch()
    monkeypatch.setattr(collecting, "__file__", str(installed))
    assert set(facts()["git"]) == {"working directory"}


def test_nothing_is_told_where_there_is_no_repository_or_no_git(tmp_path, repository, monkeypatch):
    empty = repository / "empty"
    empty.mkdir()
    git(empty, "init", "-q")
    monkeypatch.chdir(empty)
    assert here() is None, "a repository without a commit"
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    (tmp_path / "bare").mkdir()
    monkeypatch.chdir(tmp_path / "bare")
    assert here() is None
    monkeypatch.setenv("PATH", str(tmp_path))
    assert facts()["git"] == {}


@pytest.mark.skipif(os.name == "nt", reason="a folder in use cannot be removed there")
def test_a_working_directory_that_is_gone_is_no_error(tmp_path, monkeypatch):
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert here() is None


@pytest.mark.skipif(os.name == "nt", reason="the stand-in is a shell script")
def test_a_git_that_hangs_is_not_waited_for(tmp_path, monkeypatch):
    slow = tmp_path / "git"
    slow.write_text('#!/bin/sh\ncase "$*" in *status*) exec sleep 60;; esac\nprintf "abc\\nmain\\n"\n')
    slow.chmod(slow.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(collecting, "_GIT_S", 0.3)
    start = time.monotonic()
    assert here() == {"commit": "abc", "branch": "main", "dirty": None}
    assert time.monotonic() - start < 10


# -- the view ----------------------------------------------------------------------------------------------------------


class Reader(HTMLParser):
    """Collects tags and text, and checks that only harmless tags occur and that all are closed."""

    def __init__(self, markup):
        super().__init__(convert_charrefs=True)
        self.tags, self.open, self.text = [], [], ""
        self.feed(markup)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs):
        assert tag in {
            *("div", "dl", "dt", "dd", "details", "summary", "pre", "p"),
            *("table", "caption", "thead", "tbody", "tr", "th", "td", "wbr"),
        }
        assert {name for name, _ in attrs} <= {"class", "style", "dir", "scope"}
        self.tags.append(tag)
        if tag != "wbr":
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def squeezed(text):
    return "".join(text.split())


def test_what_was_collected_is_shown_in_both_forms():
    conditions = grid(language={"none": None, "right": column("language")}, enable_itn=True)
    shown = provenance(
        kept(run(facts=facts(conditions=conditions, asked=engine(server="asrlab 0.1.0"), price=price_of(PAID))))
    )
    lines = repr(shown).splitlines()
    assert f"dataset: name dictation, fingerprint {'f' * 64}, utterances 5, audio_min 2.5" in lines
    assert "engine: engine filetrans, model qwen3-asr-flash-filetrans, region beijing" in lines
    assert "server: asrlab 0.1.0" in lines
    assert any(line.startswith("price: usd_per_s 0.000032, as_of 2026-") for line in lines)
    assert "given, language: none (value –), right (column language)" in lines
    assert "given to all conditions: enable_itn (value yes)" in lines
    assert "repeats: 2" in lines
    assert "sent, u0, language=right: language en, enable_itn yes, context –, channel_id [0], enable_words no" in lines
    assert "sent: 4 more sampled, in to_dict()" in lines
    assert "dataset card: # Dictation (30 characters, in to_dict())" in lines
    reader = Reader(shown._repr_html_())
    text = squeezed(reader.text)
    for line in lines:
        if not line.startswith(("sent", "dataset card", "run ")):
            name, _, value = line.partition(": ")
            assert squeezed(name) + squeezed(value) in text
    assert "Syntheticvoices." in text
    assert "u4,language=right" in text


def test_runs_are_listed_with_times_and_outcomes():
    shown = provenance(kept(run(1, ended=None, outcome=None), run(2)))
    assert repr(shown).splitlines()[-5:] == [
        "run  started                    ended                      outcome",
        "1    2026-11-01T10:00:00+00:00  –                          –",
        "2    2026-11-02T10:00:00+00:00  2026-11-02T10:00:00+00:00  finished",
        "A run without an end was killed, or is under way.",
        "Nothing differed between the runs.",
    ]
    assert "killed" not in repr(provenance(kept(run(1))))
    assert "differed" not in repr(provenance(kept(run(1))))


def test_what_differed_between_runs_is_told():
    first = {"packages": {"numpy": "2.4.5", "av": "18"}, "git": {}, "server": "a", "seed": 1}
    second = {"packages": {"numpy": "2.4.6"}, "git": {"asrlab": {"dirty": True}}, "server": None, "seed": 1}
    kept_runs = kept(run(1, facts=first), run(2, facts=second), run(3, facts=second))
    assert provenance(kept_runs).to_dict()["changes"] == [
        {"run": 2, "fact": ["packages", "numpy"], "before": "2.4.5", "now": "2.4.6"},
        {"run": 2, "fact": ["packages", "av"], "before": "18"},
        {"run": 2, "fact": ["git"], "before": {}},
        {"run": 2, "fact": ["server"], "before": "a", "now": None},
        {"run": 2, "fact": ["git", "asrlab", "dirty"], "now": True},
    ]
    lines = [line.split() for line in repr(provenance(kept_runs)).splitlines()]
    assert ["2", "packages", "/", "numpy", "2.4.5", "2.4.6"] in lines
    assert ["2", "packages", "/", "av", "18", "(absent)"] in lines
    assert ["2", "server", "a", "–"] in lines


def test_a_function_that_was_changed_under_its_name_shows_by_what_was_sent():
    def first(_):
        return "en"

    def second(_):
        return "zh"

    second.__name__ = "first"
    runs = [run(n, facts=facts(conditions=grid(language={"f": level}))) for n, level in enumerate((first, second), 1)]
    changes = provenance(kept(*runs)).to_dict()["changes"]
    assert {change["fact"][0] for change in changes} == {"sent"}
    assert changes[0] == {"run": 2, "fact": ["sent", "u0", "language=f", "language"], "before": "en", "now": "zh"}


def test_a_sample_of_other_utterances_is_no_difference():
    runs = [run(n, facts=facts(dataset(size))) for n, size in enumerate((5, 9), 1)]
    changes = provenance(kept(*runs)).to_dict()["changes"]
    assert [change["fact"] for change in changes] == [["dataset", "utterances"], ["dataset", "audio_min"]]


def test_to_dict_is_json_and_a_copy():
    runs = [run(1, facts=facts()), run(2, ended=None, outcome=None, facts=facts(seed=8))]
    shown = provenance(kept(*runs))
    plain = shown.to_dict()
    assert json.loads(json.dumps(plain, allow_nan=False)) == plain
    assert plain["facts"] == runs[1]["facts"]
    assert plain["runs"][1] == {"run": 2, "started": runs[1]["started"], "ended": None, "outcome": None}
    assert plain["changes"] == [{"run": 2, "fact": ["seed"], "before": 7, "now": 8}]
    plain["facts"]["dataset"]["name"] = "spoilt"
    assert shown.to_dict()["facts"]["dataset"]["name"] == "dictation"


def test_a_sweep_without_provenance_says_so():
    shown = provenance(kept())
    assert "No provenance is kept" in repr(shown)
    assert Reader(shown._repr_html_()).text == repr(shown)
    assert shown.to_dict() == {"facts": {}, "runs": [], "changes": []}


@pytest.mark.parametrize("thing", ["runs/dictation", Path("runs"), None])
def test_what_is_no_sweep_is_refused_with_the_way_to_go(thing):
    with pytest.raises(InvalidInput, match=r"lab\.provenance\(lab\.open_sweep\(path\)\)"):
        asrlab.provenance(thing)


@pytest.mark.parametrize("spoilt", [None, [], "text", {"dataset": "x", "sent": [1], "given": 3, "git": None, "a": 0.5}])
def test_facts_of_another_shape_are_shown_as_they_are(spoilt):
    shown = provenance(kept({"run": 1}, run(2, facts=spoilt), run(3, facts={"price": {"usd_per_s": 1e-12}})))
    Reader(shown._repr_html_())
    json.dumps(shown.to_dict())
    assert "usd_per_s 1e-12" in repr(shown)


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_foreign_becomes_markup(text):
    def of(text):
        found = facts(dataset(card=text), engine(engine=text, server=text), grid(context={text: text}))
        found |= {text: {text: text}, "git": {text: {"branch": text}}}
        found["given"][text] = found["sent"][text] = {text: {text: text}}
        other = {**found, "dataset": {"name": text, "card": text}, "server": f"{text}2", text: text}
        return provenance(kept(run(1, facts=found, outcome=text, ended=text), run(2, facts=other, started=text)))

    shown, harmless = of(text), of("harmless")
    assert Reader(shown.markup).tags == Reader(harmless.markup).tags
    assert len(repr(shown).splitlines()) == len(repr(harmless).splitlines())
    for sign in "\u202e\x00\r":
        assert sign not in shown.markup + repr(shown)
    shown.markup.encode()
    repr(shown).encode()


# -- the report --------------------------------------------------------------------------------------------------------


def asked(**more):
    answers = tables.check(pd.DataFrame([{"utt_id": "a", "condition": "c", "text": "t"}]), "transcripts", required=())
    return SimpleNamespace(
        transcripts=answers, conditions=pd.DataFrame({"condition": ["c"]}), about={"dataset": "dictation"}, **more
    )


def test_a_report_closes_with_the_provenance(tmp_path):
    scores = tables.check(pd.DataFrame([{"utt_id": "a", "condition": "c"}]), "scores", required=())
    report = Report(asked(provenance=[run(facts=facts())]), scores).add("Errors", "none")
    page = report.save(tmp_path / "r.html").read_text(encoding="utf-8")
    assert page.index(">Errors</h2>") < page.index(">Provenance</h2>")
    assert "<h2" not in page[page.index(">Provenance</h2>") :]
    assert "f" * 64 in page
    assert provenance(kept(run(facts=facts()))).markup in page
    for without in (asked(), asked(provenance=[])):
        page = Report(without, scores).save(tmp_path / "r.html").read_text(encoding="utf-8")
        assert "keeps no provenance" in page[page.index(">Provenance</h2>") :]


def test_a_report_takes_provenance_as_a_section_too(tmp_path):
    scores = tables.check(pd.DataFrame([{"utt_id": "a", "condition": "c"}]), "scores", required=())
    report = Report(asked(), scores).add("How", provenance(kept(run(facts=facts()))))
    assert "f" * 64 in report.save(tmp_path / "r.html").read_text(encoding="utf-8")
