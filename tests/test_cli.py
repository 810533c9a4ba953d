"""The command line: every verb on real data, and what a shell sees of it."""

from __future__ import annotations

import json
import os
import pty
import re
import shlex
import signal
import socket
import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import click
import pandas as pd
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

import asrlab as lab
from asrlab.cli import axes, main, out
from asrlab.cli.ends import MEANINGS

doctor = import_module("asrlab.cli.doctor")  # the package has the verb of that name

ROOT = Path(__file__).parents[1]
DICTATION = ROOT / "datasets" / "dictation"
REPLAY = ROOT / "notebooks" / "replays" / "comparison.jsonl"
ENGLISH = ["--select", "language == 'en' and topic == 'numbers'"]
SCRIPTED = ["--engine", "scripted", "--option", "substitutions=0.1"]
#: What is said in the recordings, by their digests: else the scripted engine makes up its texts.
SPOKEN = lab.load_dataset(DICTATION).select(form="spoken")
TEXTS = {SPOKEN.digest(utt_id): text for utt_id, text in SPOKEN.references[["utt_id", "text"]].itertuples(index=False)}
HINTS = ["--axis", "language=none,right:@language", "--axis", "enable_itn=false,true"]
HEARD = [*SCRIPTED, "--option", f"texts={json.dumps(TEXTS)}"]


def invoke(*arguments, code=0, **options):
    """Run a command line in this process, and give what it wrote to its standard output."""
    result = CliRunner().invoke(main, [*map(str, arguments)], **options)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output
    return result.stdout


def refused(*arguments, code=1, **options):
    """Run a command line that is refused, and give what it said."""
    result = CliRunner().invoke(main, [*map(str, arguments)], **options)
    assert result.exit_code == code, result.output
    assert result.stdout == ""
    return result.stderr


def shell(command, *, env=None, **options):
    """Run a command line in a shell, as a person does."""
    full = {
        **os.environ,
        "PYTHONUNBUFFERED": "",
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        **(env or {}),
    }
    command = f"set -o pipefail; {command}"
    return subprocess.run(
        ["bash", "-c", command], capture_output=True, cwd=ROOT, env=full, timeout=120, check=False, **options
    )


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """A run of eight English recordings under four settings."""
    folder = tmp_path_factory.mktemp("cli") / "run"
    invoke("run", DICTATION, *ENGLISH, *HEARD, *HINTS, "--store", folder)
    return folder


@pytest.fixture(scope="module")
def english():
    """What it was asked about."""
    return lab.load_dataset(DICTATION).select(ENGLISH[1])


@pytest.fixture(scope="module")
def scores(store, english):
    """Its scores, by the library."""
    return lab.score(lab.open_sweep(store, english).transcripts, english, form="spoken")


class TestHelp:
    def test_verbs_come_in_the_order_of_the_work_and_exit_codes_are_listed(self):
        said = invoke("--help")
        verbs = ["demo", "serve", "check", "plan", "run", "score", "compare", "report", "convert", "new-notebook"]
        assert list(main.commands) == [*verbs, "doctor"]
        places = [said.index(f"\n  {verb} ") for verb in main.commands]
        assert places == sorted(places)
        assert all(re.search(rf"\n  {code} +\w", said) for code in MEANINGS)

    @pytest.mark.parametrize("verb", list(main.commands))
    def test_examples_can_be_typed_as_they_stand(self, verb):
        command = main.commands[verb]
        said = invoke(verb, "--help")
        examples = re.findall(r"^ +(asrlab (?:.*\\\n)*.*)", said, re.M)
        for example in examples:
            for part in example.replace("\\\n", " ").split(" | "):
                _, named, *arguments = shlex.split(part)
                main.commands[named].make_context(named, arguments)  # raises what click raises
        assert examples or verb in {"demo", "serve", "doctor"}
        assert "\\b" not in said
        assert all(option.help for option in command.params if isinstance(option, click.Option))

    def test_nothing_heavy_is_loaded_for_it(self):
        code = "import sys; from asrlab.cli import main; print(*sys.modules)"
        loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
        assert not {name.split(".")[0] for name in loaded} & {"pandas", "numpy", "scipy", "httpx", "matplotlib"}


def as_told(conditions):
    return [(one.name, dict(one.labels), dict(one.levels)) for one in conditions]


class TestGrid:
    @pytest.mark.parametrize(
        ("said", "meant"),
        [
            (["snr=none,20,10.5,-5"], {"snr": [None, 20, 10.5, -5]}),
            (["enable_itn=false,True"], {"enable_itn": [False, True]}),
            (["language=none,right:@language"], {"language": {"none": None, "right": lab.column("language")}}),
            (["language=@language"], {"language": [lab.column("language")]}),
            (["noise=pink, babble", "snr=5"], {"noise": ["pink", "babble"], "snr": [5]}),
            (
                ['context=none,names:"Kestrel, Ostrava: \\"x\\""'],
                {"context": {"none": None, "names": 'Kestrel, Ostrava: "x"'}},
            ),
            (['context="20","@language"'], {"context": ["20", "@language"]}),
            (
                ['audio={"wire": null, "GSM": {"codec": "gsm", "packet_loss": 0.05}}'],
                {"audio": {"wire": None, "GSM": {"codec": "gsm", "packet_loss": 0.05}}},
            ),
            (['channel_id={"left": [0], "both": [0, 1]}'], {"channel_id": {"left": [0], "both": [0, 1]}}),
            (
                ["context=terms:note:terms.en.txt"],
                {"context": {"terms": (DICTATION / "terms.en.txt").read_text().strip()}},
            ),
            (["engine=a,b", "model=x"], {"engine": ["a", "b"], "model": ["x"]}),
        ],
    )
    def test_says_what_the_grid_of_python_says(self, said, meant, english):
        assert as_told(axes.grid(english, said, [])) == as_told(lab.grid(**meant))

    def test_what_is_set_is_no_axis(self, english):
        made = axes.grid(english, ["snr=10"], ["language=@language", "channel_id=[0, 1]", "noise=pink"])
        meant = lab.grid(snr=[10], language=lab.column("language"), channel_id=(0, 1), noise="pink")
        assert as_told(made) == as_told(meant)

    def test_a_file_may_be_an_utterance_s_own(self, english, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        Path("en numbers.txt").write_text("\ufeffKestrel\n", encoding="utf-8")
        made = axes.grid(english, ["context=notes:note:terms.{language}.txt,here:file:{language} {topic}.txt"], [])
        row = english.utterances.iloc[0]
        assert [c.parameters(row).context for c in made] == [english.note("terms.en.txt"), "Kestrel"]
        assert made[0].parameters(row.replace("en", pd.NA)).context is None
        with pytest.raises(lab.AsrlabError, match="no column 'who'"):
            axes.grid(english, ["context=x:file:{who}.txt"], [])[0].parameters(row)

    def test_a_name_from_a_table_leads_to_no_other_folder(self, english):
        level = axes.grid(english, ["context=x:file:{language}.txt"], [])[0]
        for language in ("../secret", "a/b", "..", ""):
            row = english.utterances.iloc[0].copy()
            row["language"] = language
            with pytest.raises(lab.AsrlabError, match="cannot be one"):
                level.parameters(row)

    @given(st.dictionaries(st.text(min_size=1, max_size=9), st.text(max_size=20), min_size=1, max_size=4))
    @settings(max_examples=50, deadline=None)
    def test_any_text_can_be_given_in_json(self, levels):
        made = axes._levels(None, json.dumps(levels), "context")
        plain = {label: text for label, text in levels.items() if not re.match("@|file:|note:", text)}
        assert {label: made[label] for label in plain} == plain

    @pytest.mark.parametrize(
        ("axis", "why"),
        [
            ("language", "has no value"),
            ('context="open', "cannot be read"),
            ("context={", "begins as JSON"),
            ("snr=a:1,a:2", "labelled 'a'"),
        ],
    )
    def test_what_cannot_be_read_is_a_matter_of_usage(self, axis, why, tmp_path):
        said = refused("plan", DICTATION, *SCRIPTED, "--store", tmp_path / "x", "--axis", axis, code=2)
        assert why in said

    @pytest.mark.parametrize(
        ("axis", "why"), [("itn=false,true", "enable_itn"), ("snr=loud", "snr"), ("snr=1,1", "snr")]
    )
    def test_what_the_grid_refuses_it_refuses_in_its_own_words(self, axis, why, tmp_path):
        said = refused("plan", DICTATION, *SCRIPTED, "--store", tmp_path / "x", "--axis", axis)
        assert said.startswith("Error: ")
        assert why in said

    def test_given_twice(self, tmp_path):
        arguments = ["plan", DICTATION, *SCRIPTED, "--store", tmp_path / "x", "--axis", "snr=1", "--set", "snr=2"]
        assert "given twice" in refused(*arguments, code=2)


class TestPlan:
    def test_is_that_of_the_sweep(self, english, tmp_path):
        arguments = [DICTATION, *ENGLISH, "--engine", "qwen3-asr-flash-filetrans", "--region", "beijing", *HINTS]
        said = json.loads(
            invoke("plan", *arguments, "--where", "language == 'right'", "--store", tmp_path / "x", "--json")
        )
        conditions = lab.grid(language={"none": None, "right": lab.column("language")}, enable_itn=[False, True])
        engine = lab.engine("qwen3-asr-flash-filetrans", region="beijing")
        plan = lab.Sweep(english, engine, conditions.where("language == 'right'"), store=tmp_path / "x").plan()
        assert said["usd"] == plan.usd > 0
        assert (said["to_send"], said["trials"], said["free"]) == (len(plan.to_send), plan.counts, False)
        assert said["expected_s"] == plan.expected_s
        assert not (tmp_path / "x").exists()
        assert f"${plan.usd:.4f}" in invoke(
            "plan", *arguments, "--where", "language == 'right'", "--store", tmp_path / "x"
        )

    def test_several_engines_are_an_axis(self, tmp_path):
        engines = ["--engine", "scripted", "--engine", "again=scripted"]
        said = json.loads(invoke("plan", DICTATION, *ENGLISH, *engines, "--store", tmp_path / "x", "--json"))
        assert said["askings"] == 2 * len(lab.load_dataset(DICTATION).select(ENGLISH[1]))
        arguments = ["plan", DICTATION, *engines, "--option", "seed=1", "--store", tmp_path / "x"]
        assert "there are several" in refused(*arguments, code=2)

    @pytest.mark.parametrize("name", ["api_key", "key"])
    def test_a_key_is_no_option(self, name, tmp_path):
        said = refused("plan", DICTATION, "--option", f"{name}=sk-secret", "--store", tmp_path / "x", code=2)
        assert "in the environment" in said
        assert "sk-secret" not in said

    def test_nothing_is_kept_in_the_memory_of_a_command(self):
        assert "gone when it ends" in refused("plan", DICTATION, *SCRIPTED, "--store", "memory://x/y")
        assert "gone when it ends" in refused("convert", DICTATION, "memory://x/y")
        assert "gone when it ends" in refused("convert", DICTATION, "zip::memory://x/y.zip")


class TestRun:
    def test_asks_once(self, store, english):
        said = json.loads(invoke("run", DICTATION, *ENGLISH, *HEARD, *HINTS, "--store", store, "--json"))
        assert said["states"] == {"answered": 4 * len(english)}
        assert said["digest"] == lab.open_sweep(store).digest
        assert said["unanswered"] == []
        assert len(lab.open_sweep(store).provenance) == 2
        assert lab.open_sweep(store).costs["attempts"].eq(1).all()

    def test_trials_that_failed(self, tmp_path):
        arguments = [
            "run",
            DICTATION,
            *ENGLISH,
            *SCRIPTED,
            "--option",
            'failures={"DECODE_ERROR": 0.4}',
            "--store",
            tmp_path,
        ]
        said = json.loads(invoke(*arguments, "--json", code=4))
        assert set(said["states"]) == {"answered", "failed"}
        assert said["states"]["failed"] == len(said["unanswered"])
        assert said["unanswered"][0]["error_code"] == "DECODE_ERROR"
        assert "DECODE_ERROR" in invoke(*arguments, code=4)

    def test_a_budget_that_is_spent(self, tmp_path):
        paid = ["--option", "free=false", "--price-usd-per-s", "0.001", "--budget-usd", "0.02"]
        said = json.loads(invoke("run", DICTATION, *ENGLISH, *SCRIPTED, *paid, "--store", tmp_path, "--json", code=5))
        assert 0 < said["usd"] <= 0.02
        assert said["states"]["answered"] >= 1

    def test_offline(self, store, tmp_path, monkeypatch):
        monkeypatch.setenv("ASRLAB_OFFLINE", "1")
        invoke("run", DICTATION, *ENGLISH, *HEARD, *HINTS, "--store", store)
        more = ["--axis", "context=none,x:y"]
        said = refused("run", DICTATION, *ENGLISH, *HEARD, *HINTS, *more, "--store", store, code=6)
        assert "Nothing is sent" in said
        said = refused("run", DICTATION, *ENGLISH, *HEARD, "--store", tmp_path / "none", code=6)
        assert "all answers are missing" in said
        assert not (tmp_path / "none").exists()

    @pytest.mark.parametrize("more", [[], ["--json"]])
    def test_money_is_not_spent_unasked(self, more, tmp_path):
        paid = [*SCRIPTED, "--option", "free=false", "--price-usd-per-s", "0.001", "--store", tmp_path / "run"]
        assert "cost money" in refused("run", DICTATION, *ENGLISH, *paid, *more)
        assert not (tmp_path / "run").exists()
        invoke("run", DICTATION, *ENGLISH, *paid, *more, "--yes")

    def test_a_person_is_asked(self, tmp_path):
        ours, theirs = pty.openpty()
        os.write(ours, b"n\n")
        paid = ["--option", "free=false", "--price-usd-per-s", "0.001", "--store", tmp_path / "run"]
        command = [sys.executable, "-m", "asrlab", "run", *map(str, [DICTATION, *ENGLISH, *SCRIPTED, *paid])]
        done = subprocess.run(command, stdin=theirs, capture_output=True, text=True, check=False, timeout=60)
        os.close(theirs)
        os.close(ours)
        assert done.returncode == 1, done.stderr
        assert "price" in done.stderr
        assert done.stderr.endswith("Nothing was sent.\n")
        assert not (tmp_path / "run").exists()

    @pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
    def test_an_interrupt(self, number, code, tmp_path):
        arguments = ["run", DICTATION, *ENGLISH, *SCRIPTED, "--option", "delay_s=20", "--store", tmp_path / "run"]
        arguments += ["--on-interrupt", "leave"]
        command = [sys.executable, "-m", "asrlab", *map(str, arguments)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            for line in process.stderr:
                if "0/" in line:
                    break
            process.send_signal(number)
            said = process.stderr.read()
            assert process.wait(30) == code, said
        assert "Traceback" not in said
        assert not lab.open_sweep(tmp_path / "run").verify()


class TestScore:
    def test_is_what_the_library_says(self, store, scores, tmp_path):
        arguments = ["score", store, "--dataset", DICTATION, *ENGLISH, "--form", "spoken", "--by", "language"]
        kept = tmp_path / "new" / "scores.jsonl"
        said = json.loads(invoke(*arguments, "-o", kept, "--json"))
        rates = lab.summarize(scores, by=["language"])
        assert [row["rate"] for row in said["summary"]] == rates["rate"].tolist()
        assert [row["low"] for row in said["summary"]] == rates["low"].tolist()
        assert all(0 < row["low"] < row["rate"] for row in said["summary"])
        assert [json.loads(line)["hits"] for line in kept.read_text().splitlines()] == scores["hits"].tolist()
        assert [path.name for path in kept.parent.iterdir()] == ["scores.jsonl"]
        shown = invoke(*arguments)
        assert f"{100 * rates['rate'].iloc[0]:.2f}%" in shown

    @pytest.mark.parametrize("ending", ["parquet", "csv", "tsv", "jsonl"])
    def test_whatever_it_is_kept_in_compares_the_same(self, ending, store, scores, tmp_path):
        kept = tmp_path / f"scores.{ending}"
        invoke("score", store, "--dataset", DICTATION, *ENGLISH, "--form", "spoken", "-o", kept)
        said = json.loads(invoke("compare", kept, "--along", "language", "--baseline", "none", "--json"))
        effect = lab.compare(scores, along="language", baseline="none")
        assert [row["delta"] for row in said["comparison"]] == effect["delta"].tolist()
        assert [row["p_adjusted"] for row in said["comparison"]] == effect["p_adjusted"].tolist()
        assert said["sentences"] == list(lab.sentences(effect))
        assert said["comparison"][0]["margin"] is None

    def test_what_is_still_to_be_marked_is_not_compared(self, store, tmp_path):
        for path, what in ((REPLAY, "a replay"), (store, "a run")):
            assert f"is {what}: mark it first: asrlab score" in refused("compare", path, "--along", "language")
        (tmp_path / "x.xlsx").write_bytes(b"PK")
        assert ".parquet, .csv, .tsv, .jsonl" in refused("compare", tmp_path / "x.xlsx", "--along", "language")

    def test_a_replay(self):
        said = json.loads(
            invoke("score", REPLAY, "--dataset", DICTATION, "--form", "written", "--unit", "sentence", "--json")
        )
        ds = lab.load_dataset(DICTATION)
        scores = lab.score(lab.open_sweep(REPLAY).transcripts, ds, form="written", unit="sentence")
        assert [row["rate"] for row in said["summary"]] == lab.summarize(scores)["rate"].tolist()

    def test_a_table_of_transcripts_from_elsewhere(self, tmp_path):
        (tmp_path / "said.csv").write_text("id,text,language\n001,The cat sat.,en\nNA,It rains,en\n")
        heard = "utt_id,tool,text,state\n001,ours,the cat sat,answered\n001,theirs,,answered\n"
        heard += "NA,ours,it rains,answered\nNA,theirs,,failed\n"
        (tmp_path / "heard.csv").write_text(heard)
        arguments = ["--dataset", tmp_path / "said.csv", "--missing", "drop", "--by", "tool", "--json"]
        rows = json.loads(invoke("score", tmp_path / "heard.csv", *arguments))["summary"]
        assert [(row["tool"], row["rate"], row["n_failed"]) for row in rows] == [("ours", 0.0, 0), ("theirs", 1.0, 1)]
        piped = invoke("score", "-", *arguments, input=heard.replace(",", "\t"))
        assert json.loads(piped)["summary"] == rows
        rows_heard = [("001", "ours", "the cat sat"), ("001", "theirs", ""), ("NA", "ours", "it rains")]
        rows_heard.append(("NA", "theirs", None))
        lines = "".join(
            f"{json.dumps(dict(zip(('utt_id', 'tool', 'text'), row, strict=True)))}\n" for row in rows_heard
        )
        assert json.loads(invoke("score", "-", *arguments, input=lines))["summary"] == rows

    def test_an_empty_field_is_not_taken_for_silence_or_failure(self, tmp_path):
        (tmp_path / "said.csv").write_text("id,text,language\na,The cat sat.,en\n")
        (tmp_path / "heard.csv").write_text("utt_id,text\na,\n")
        said = refused("score", tmp_path / "heard.csv", "--dataset", tmp_path / "said.csv")
        assert "does not say whether nothing was heard" in said

    @pytest.mark.parametrize(
        ("content", "why"),
        [(b"", "is empty"), (b"\xff\xfe\x00", "not UTF-8"), (b'{"a": 1}\nx', "line 2"), (b'{"a": 1}\n[]', "line 2"),
         (b"a,b\n1,2,3\n", "line 2"), (b"a,a\n1,2\n", "two columns"), (b'a\n"x', "no table"),
            (b"utt_id,text,state\na,x,failed\nb,y\n", "line 3")],
    )  # fmt: skip
    def test_a_torn_table_is_said(self, content, why, tmp_path):
        (tmp_path / "heard.csv").write_bytes(content)
        assert why in refused("score", tmp_path / "heard.csv", "--dataset", DICTATION, "--form", "spoken")

    def test_what_is_not_there(self, tmp_path):
        for path in (tmp_path / "gone", tmp_path / "gone.jsonl", tmp_path / "gone.csv", tmp_path / "gone.parquet"):
            assert "gone" in refused("score", path, "--dataset", DICTATION, "--form", "spoken")

    def test_nothing_is_overwritten_unasked(self, store, tmp_path):
        kept = tmp_path / "scores.csv"
        kept.write_text("mine")
        arguments = ["score", store, "--dataset", DICTATION, *ENGLISH, "--form", "spoken", "-o", kept]
        assert "--force" in refused(*arguments)
        assert kept.read_text() == "mine"
        invoke(*arguments, "--force")
        assert kept.read_text().startswith("trial,")
        assert ".parquet" in refused(*arguments[:-1], tmp_path / "scores.xlsx")

    def test_a_url_is_not_taken_for_a_folder_here(self, store, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        arguments = ["--dataset", DICTATION, "--form", "spoken", "-o"]
        for verb, end in (("score", "csv"), ("report", "html")):
            said = refused(verb, store, *arguments, f"s3://key:secret@bucket/x.{end}")
            assert "is a URL" in said
            assert "secret" not in said
        assert not list(tmp_path.iterdir())

    def test_what_does_not_fit_into_memory_is_parquet_on_all_sides(self, store, english, scores, tmp_path):
        from asrlab import parquet

        parquet.write(lab.open_sweep(store).transcripts, "transcripts", tmp_path / "heard.parquet")
        said = english.references.merge(english.utterances[["utt_id", "language", "speaker"]]).query("form == 'spoken'")
        parquet.write(said, "references", tmp_path / "said.parquet")
        arguments = ["score", tmp_path / "heard.parquet", "--references", tmp_path / "said.parquet"]
        rows = json.loads(invoke(*arguments, "-o", tmp_path / "scores", "--json"))["summary"]
        assert [row["rate"] for row in rows] == lab.summarize(scores)["rate"].tolist()
        assert "--force" in refused(*arguments, "-o", tmp_path / "scores")
        compared = json.loads(invoke("compare", tmp_path / "scores", "--along", "language", "--json"))["comparison"]
        assert [row["p"] for row in compared] == lab.compare(scores, along="language")["p"].tolist()
        assert "by one of them" in refused(*arguments, "--dataset", DICTATION, code=2)
        assert "are of a --dataset" in refused(*arguments, "--language", "en", code=2)

    def test_two_documents_do_not_fit_into_one_output(self, store):
        arguments = ["score", store, "--dataset", DICTATION, "-o", "-", "--json"]
        assert "Give one" in refused(*arguments, code=2)


class TestShell:
    def test_verbs_in_a_pipe(self, store):
        marked = f'asrlab score {store} --dataset datasets/dictation --select "{ENGLISH[1]}" --form spoken -o -'
        done = shell(f"{marked} | asrlab compare - --along language --baseline none --by '' --json")
        assert done.returncode == 0, done.stderr.decode()
        assert done.stderr == b""
        (row,) = json.loads(done.stdout)["comparison"]
        assert row["level"] == "right"

    def test_the_reader_goes_away(self):
        done = shell(f"asrlab score {REPLAY} --dataset datasets/dictation --form spoken -o - | head -n 1 | wc -l")
        assert (done.stdout.strip(), done.stderr) == (b"1", b"")
        assert done.returncode == 141

    def test_an_output_that_takes_nothing(self):
        done = shell("asrlab check --help >/dev/full")
        assert done.returncode == 1
        assert done.stderr == b"Error: The output cannot be written (No space left on device).\n"

    def test_a_terminal_that_has_no_chinese(self, tmp_path):
        (tmp_path / "said.csv").write_text("id,text,language,speaker\na,我想喝咖啡,zh,李\n", encoding="utf-8")
        (tmp_path / "heard.csv").write_text("utt_id,text,调\na,我想喝茶,甲\n", encoding="utf-8")
        command = ["score", str(tmp_path / "heard.csv"), "--dataset", str(tmp_path / "said.csv")]
        latin = CliRunner(charset="latin-1")
        assert b"\\u8c03" in latin.invoke(main, command).stdout_bytes
        done = latin.invoke(main, [*command, "--json"])
        assert json.loads(done.stdout_bytes.decode("ascii"))["summary"][0]["调"] == "甲"

    def test_a_narrow_terminal(self, scores, tmp_path, monkeypatch):
        kept = tmp_path / "scores.jsonl"
        kept.write_text("".join(f"{json.dumps(row)}\n" for row in json.loads(scores.to_json(orient="records"))))
        monkeypatch.setenv("COLUMNS", "200")
        wide = invoke("compare", kept, "--along", "language", "--baseline", "none")
        monkeypatch.setenv("COLUMNS", "60")
        narrow = invoke("compare", kept, "--along", "language", "--baseline", "none")
        assert max(map(len, wide.splitlines())) > 100
        assert max(map(len, narrow.splitlines())) <= 60
        assert set(narrow.split()) == set(wide.split())

    def test_json_has_numbers_and_null(self):
        table = pd.DataFrame({"a": [1.5, float("inf")], "b": pd.array([1, None], dtype="Int64"), "c": ["x", None]})
        told = json.loads(out.to_json({"rows": out.records(table), "path": Path("a"), "n": table["b"].sum()}))
        assert told == {"rows": [{"a": 1.5, "b": 1, "c": "x"}, {"a": None, "b": None, "c": None}], "path": "a", "n": 1}

    def test_version_and_module(self):
        done = shell("asrlab --version && python -m asrlab --version")
        assert len(set(done.stdout.splitlines())) == 1
        assert done.stdout.startswith(b"asrlab, version")


class TestReport:
    def test_is_written_once(self, store, tmp_path):
        path = tmp_path / "out" / "report.html"
        arguments = ["report", store, "--dataset", DICTATION, *ENGLISH, "--form", "spoken", "-o", path]
        said = json.loads(
            invoke(*arguments, "--along", "language", "--baseline", "none", "--question", "Why?", "--json")
        )
        assert said == {"report": str(path)}
        page = path.read_text(encoding="utf-8")
        assert "Why?" in page
        assert "language right against none" in page
        assert "--force" in refused(*arguments)

    def test_another_ending(self, store, tmp_path):
        arguments = ["report", store, "--dataset", DICTATION, *ENGLISH, "--form", "spoken", "-o", tmp_path / "x.pdf"]
        assert ".html or .md" in refused(*arguments)


class TestDatasets:
    def test_a_check_that_finds_nothing(self):
        said = json.loads(invoke("check", ROOT / "datasets" / "quiet", "--no-audio", "--json"))
        assert said["errors"] == 0
        assert invoke("check", DICTATION, *ENGLISH).endswith("nothing found\n")

    def test_a_check_that_finds_errors(self, tmp_path):
        (tmp_path / "m.csv").write_text("wav,said,language\nno.wav,hello,en\nnor.wav,hello {a|,en\n")
        arguments = ["check", tmp_path / "m.csv", "--column", "wav=audio", "--column", "said=text"]
        said = json.loads(invoke(*arguments, "--json", code=3))
        assert said["errors"] == len([row for row in said["findings"] if row["severity"] == "error"]) > 0
        assert said["counts"]["missing audio"]
        assert "missing audio" in invoke(*arguments, code=3)

    def test_convert(self, tmp_path):
        target = tmp_path / "kaldi"
        arguments = ["convert", DICTATION, target, "--format", "kaldi", "--form", "spoken"]
        said = refused(*arguments[:-2])  # which says what it cannot hold
        assert said.endswith("On the command line: --form, --bare\n")
        invoke(*arguments, "--bare", "--copy-audio", *ENGLISH)
        again = lab.load_dataset(target)
        assert sorted(again.references["text"]) == sorted(
            lab.load_dataset(DICTATION).select(ENGLISH[1], form="spoken").references["text"]
        )
        refused(*arguments, "--bare", "--copy-audio", *ENGLISH)

    def test_a_manifest_is_not_overwritten_unasked(self, tmp_path):
        arguments = ["convert", DICTATION, tmp_path / "m.csv", "--form", "spoken", "--bare", "--json"]
        assert json.loads(invoke(*arguments))["utterances"] == 64
        assert "--force" in refused(*arguments)
        invoke(*arguments, "--force")

    def test_no_dataset(self, tmp_path):
        assert "There is no" in refused("check", tmp_path / "gone")
        assert "NAME=VALUE" in refused("check", DICTATION, "--column", "wav", code=2)


class TestNotebook:
    @pytest.fixture
    def here(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        return tmp_path

    def test_does_the_whole_job_as_it_is(self, here):
        both = ["--select", "topic == 'trap'"]  # in two languages, and so in two units
        invoke("new-notebook", "books/first", "--dataset", os.path.relpath(DICTATION, here), *both, *SCRIPTED)
        book = json.loads(Path("books/first.ipynb").read_text(encoding="utf-8"))
        import nbformat

        nbformat.validate(nbformat.from_dict(book))
        os.chdir(here / "books")
        names = {}
        for cell in book["cells"]:
            if cell["cell_type"] == "code":
                exec("".join(cell["source"]), names)
        assert (here / "books" / "runs" / "first.html").is_file()
        assert set(names["effect"]["unit"]) == {"word", "char"}
        assert names["sweep"].failures.empty
        assert "--force" in refused("new-notebook", "first.ipynb", "--dataset", DICTATION)

    def test_of_a_plain_table(self, here):
        Path("said.csv").write_text("file,words\na.wav,It rains\n")
        columns = ["--column", "file=audio", "--column", "words=text"]
        invoke("new-notebook", "first", "--dataset", "said.csv", *columns, "--store", "/elsewhere")
        book = Path("first.ipynb").read_text(encoding="utf-8")
        cells = ["".join(cell["source"]) for cell in json.loads(book)["cells"]]
        assert "columns={'file': 'audio', 'words': 'text'}" in cells[1]
        assert 'store="/elsewhere"' in cells[4]
        assert "form=" not in cells[7]
        assert 'along="enable_itn"' in cells[9]

    def test_what_the_engine_refuses(self, here):
        assert "no engine 'wisper'" in refused("new-notebook", "x", "--dataset", DICTATION, "--engine", "wisper")
        key = ["--engine", "qwen3-asr-flash-filetrans", "--option", "api_key=sk-secret"]
        said = refused("new-notebook", "x", "--dataset", DICTATION, *key, code=2)
        assert "in the environment" in said
        assert "sk-secret" not in said
        assert not Path("x.ipynb").exists()


class TestDoctor:
    @pytest.fixture(autouse=True)
    def keyless(self, monkeypatch):
        for name in ("DASHSCOPE_API_KEY", "DASHSCOPE_API_KEY_SINGAPORE", "DASHSCOPE_API_KEY_BEIJING", "ASRLAB_OFFLINE"):
            monkeypatch.delenv(name, raising=False)

    def lines(self, look, *arguments, **options):
        return [tuple(line) for line in look(*arguments, **options)]

    def test_all_is_well_here(self, tmp_path):
        said = json.loads(invoke("doctor", "--json", "--store", tmp_path))
        assert said["ok"] is True
        assert {line["status"] for line in said["lines"]} <= {"ok", "warn", "-"}
        whats = [line["what"] for line in said["lines"]]
        assert len(set(whats)) == len(whats)
        assert {"python", "extra local", "key beijing", "weights of Whisper", "fonts", "store"} <= set(whats)
        assert all(line["todo"] for line in said["lines"] if line["status"] in {"warn", "-"})

    def test_a_key_is_not_shown(self, monkeypatch):
        monkeypatch.setenv("DASHSCOPE_API_KEY_BEIJING", "sk-secret")
        singapore, beijing = self.lines(doctor._keys)
        assert (singapore[0], beijing[0]) == ("-", "ok")
        assert "DASHSCOPE_API_KEY_BEIJING" in beijing[2]
        monkeypatch.setenv("DASHSCOPE_API_KEY", "sk-two words")
        singapore, beijing = self.lines(doctor._keys)
        assert (singapore[0], beijing[0]) == ("fail", "ok")
        assert "sk-" not in str(singapore) + str(beijing)

    def test_packages_that_are_old_or_not_there(self, monkeypatch):
        required = ["asrlab", "numpy>=2.1", "pandas>=99", "no-such-thing<2,>=1", 'av<19,>=18; extra == "local"']
        required += ['no-such-thing>=1; extra == "local"', 'no-such-thing; extra == "s3"', 'fsspec; extra == "remote"']
        required += ['no-such-thing; python_version < "3"', "asrlab[remote]; extra == 's3'"]
        monkeypatch.setattr(doctor.metadata, "requires", lambda _: required)
        pandas, absent = self.lines(doctor._packages)
        assert (pandas[0], absent[0]) == ("fail", "fail")
        assert pandas[2] == f"is {pd.__version__}, wanted is >=99"
        assert absent[2] == "is not installed"
        extras = {line[1]: line for line in doctor._extras()}
        assert extras["extra local"][0] == "warn"
        assert extras["extra remote"][0] == "ok"
        assert extras["extra s3"][0] == "warn"  # of two, of which one is that of remote
        assert "asrlab[s3]" in extras["extra s3"][3]
        assert "older" in extras["extra cluster"][2]
        monkeypatch.setattr(doctor.metadata, "requires", lambda _: ['no-such-thing; extra == "numbers"'])
        assert {line[1]: line for line in doctor._extras()}["extra numbers"][0] == "-"

    def test_every_extra_for_users_is_looked_at(self):
        project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        assert set(project["optional-dependencies"]) - {"dev", "bench", "docs"} == set(doctor._EXTRAS)

    def test_weights_that_are_damaged_or_not_there(self, tmp_path, monkeypatch):
        monkeypatch.setenv("ASRLAB_WHISPER", str(tmp_path))
        ((status, _, said, _),) = self.lines(doctor._weights, download=False)
        assert status == "fail"
        assert "model.bin" in said or "config.json" in said
        monkeypatch.delenv("ASRLAB_WHISPER")
        monkeypatch.setenv("ASRLAB_CACHE", str(tmp_path))
        monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
        monkeypatch.setattr("asrlab.engines.weights._join_packages", lambda: None)
        monkeypatch.setattr("asrlab.engines.weights._hub_cache", lambda: None)
        before = os.environ.get("HF_HUB_OFFLINE")
        ((status, *_),) = self.lines(doctor._weights, download=False)
        assert status == "-"
        assert os.environ.get("HF_HUB_OFFLINE") == before

    def test_folders(self, tmp_path, monkeypatch):
        (tmp_path / "file").write_text("")
        monkeypatch.setenv("ASRLAB_CACHE", str(tmp_path / "file" / "cache"))
        assert [line[0] for line in doctor._cache()] == ["fail"]
        monkeypatch.setenv("ASRLAB_CACHE", str(tmp_path / "cache"))
        monkeypatch.setattr(doctor.shutil, "disk_usage", lambda _: SimpleNamespace(free=5e8))
        ((status, _, said, todo),) = self.lines(doctor._cache)
        assert (status, "0.5 GB" in said, "ASRLAB_CACHE" in todo) == ("warn", True, True)
        assert [line[0] for line in doctor._store(str(tmp_path / "runs"))] == ["ok"]
        assert [line[0] for line in doctor._store(str(tmp_path / "Dropbox" / "runs"))] == ["warn"]
        monkeypatch.setattr(doctor.os, "access", lambda *_: False)
        assert [line[0] for line in doctor._store(str(tmp_path / "runs"))] == ["fail"]

    def test_a_port_that_is_taken(self, monkeypatch):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            monkeypatch.setattr(doctor, "_PORT", taken.getsockname()[1])
            loopback, port = self.lines(doctor._ports)
        assert (loopback[0], port[0]) == ("ok", "warn")
        assert "--port" in port[3]

    def test_signs_that_no_font_has(self, monkeypatch):
        monkeypatch.setattr(doctor, "_SIGNS", {"Private": "\ue123", "Latin": "a"})
        ((status, _, said, _),) = self.lines(doctor._fonts)
        assert status == "warn"
        assert "Private" in said
        assert "Latin" not in said

    def test_offline_and_imports(self, monkeypatch):
        assert [line[0] for line in doctor._offline()] == ["ok"]
        monkeypatch.setenv("ASRLAB_OFFLINE", "1")
        assert [line[0] for line in doctor._offline()] == ["warn"]
        monkeypatch.setattr(lab, "__all__", ["score", "gone"])
        ((status, what, *_),) = self.lines(doctor._names)
        assert (status, what) == ("fail", "asrlab.gone")

    def test_something_that_fails_is_seen_by_the_exit_code(self, monkeypatch):
        monkeypatch.setenv("DASHSCOPE_API_KEY", "no key")
        said = invoke("doctor", code=1)
        assert "fail  key singapore" in said
        assert json.loads(invoke("doctor", "--json", code=1))["ok"] is False
