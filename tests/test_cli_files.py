"""The command line: what it takes for a file, what it refuses to read, and what it never writes over."""

from __future__ import annotations

import errno
import json
import os
import signal
import sys
import tempfile
from importlib import import_module
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner

import asrlab as lab
from asrlab import parquet
from asrlab.cli import main
from asrlab.errors import BudgetSpent

doctor = import_module("asrlab.cli.doctor")  # the package has the verb of that name

QUIET = Path(__file__).parents[1] / "datasets" / "quiet"
SAID = pd.DataFrame({"utt_id": ["u1", "u2"], "text": ["hi there", "bye now"], "language": "en"})
HEARD = pd.DataFrame({"utt_id": ["u1", "u2"], "text": ["hi there", "bye bye now"]})


def run(*arguments, code=0, **options):
    """Run a command line in this process, and give what it said: its output, or why it was refused."""
    result = CliRunner().invoke(main, [*map(str, arguments)], **options)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output
    return result.stderr if code else result.stdout


@pytest.fixture
def here(tmp_path, monkeypatch):
    """The working folder, with what was heard and said in several forms."""
    monkeypatch.chdir(tmp_path)
    for name in ("heard/part.parquet", "my heard.parquet", "heard.parquet"):
        Path(name).parent.mkdir(exist_ok=True)
        parquet.write(HEARD, "transcripts", name)
    for name in ("said/part.parquet", "my said.parquet"):
        Path(name).parent.mkdir(exist_ok=True)
        parquet.write(SAID, "references", name)
    HEARD.to_csv("heard.csv", index=False)
    SAID.to_csv("said.csv", index=False)
    return tmp_path


class TestPlaces:
    @pytest.mark.parametrize("heard", ["heard", "heard/", "heard/*", "my heard.parquet"])
    @pytest.mark.parametrize("said", ["said", "my said.parquet"])
    def test_a_name_is_never_marked_as_a_text(self, heard, said, here):
        (row,) = json.loads(run("score", heard, "--references", said, "-o", "my scores", "--json"))["summary"]
        assert (row["rate"], row["ref_len"]) == (0.25, 4)
        assert json.loads(run("score", heard, "--dataset", "said.csv", "--json"))["summary"][0]["rate"] == 0.25

    def test_so_it_is_with_scores(self, here):
        heard = pd.concat([HEARD.assign(tool="a"), HEARD.assign(tool="b")])
        parquet.write(heard, "transcripts", "two.parquet")
        run("score", "two.parquet", "--references", "said", "-o", "my scores")
        assert json.loads(run("compare", "my scores", "--along", "tool", "--json"))["comparison"]

    def test_a_url_with_a_blank_would_be_a_text(self, here):
        assert "has a blank" in run("score", "heard", "--references", "s3://bucket/my said.parquet", code=1)
        assert "has a blank" in run("score", "s3://bucket/my heard.parquet", "--references", "said", code=1)

    def test_references_that_are_a_dataset(self, here):
        assert "Give said.csv as --dataset" in run("score", "heard", "--references", "said.csv", code=1)


class TestTables:
    @pytest.mark.parametrize("end", ["\n", "\r\n"])
    def test_a_quotation_mark_does_not_swallow_rows(self, end, here):
        rows = ["utt_id\ttext", "", 'u1\t"hi there', 'u2\tbye now"', "u3\tok"]
        table = "".join(f"{row}{end}" for row in rows)
        said = run("score", "-", "--dataset", "said.csv", "--missing", "drop", code=1, input=table)
        assert "line 3: a field that begins with a quotation mark goes on to line 4" in said

    def test_a_label_of_several_lines_is_read_as_it_was_written(self, here):
        heard = pd.concat([HEARD.assign(context=context) for context in ("none", 'two\n"lines"')])
        parquet.write(heard, "transcripts", "two.parquet")
        for ending in ("tsv", "csv"):
            run("score", "two.parquet", "--references", "said", "-o", f"s.{ending}")
            assert json.loads(run("compare", f"s.{ending}", "--along", "context", "--json"))["comparison"]

    @pytest.mark.parametrize(
        ("line", "why"),
        [
            (r'{"utt_id": "u2", "text": "\ud800"}', "half a surrogate pair"),
            (r'{"utt_id": "u2", "\uD800": "x"}', "half a surrogate pair"),
            ('{"utt_id": "u2", "text": "bye now", "text": "x"}', "'text' stands there twice"),
            ("[" * 10**5, "no JSON"),
        ],
    )
    def test_a_bad_line_is_named(self, line, why, here):
        good = r'{"utt_id": "u1", "text": "hi \ud83d\ude00"}'
        said = run("score", "-", "--dataset", "said.csv", code=1, input=f"{good}\n{line}\n")
        assert "line 2" in said
        assert why in said

    def test_rows_may_be_of_what_the_dataset_knows(self, here):
        SAID.assign(topic=["a", "b"]).to_csv("topics.csv", index=False)
        arguments = ["score", "heard.csv", "--dataset", "topics.csv", "--by", "topic", "--json"]
        for more in ([], ["-o", "scores"]):
            rows = json.loads(run(*arguments, *more))["summary"]
            assert [(row["topic"], row["rate"]) for row in rows] == [("a", 0.0), ("b", 0.5)]


class TestOutputs:
    @pytest.mark.parametrize("output", ["heard.csv", "./heard.csv", "heard/new.csv", "said.csv", "ways.csv", "."])
    def test_what_is_read_is_never_written_over(self, output, here):
        Path("ways.csv").write_text("hi,hello\n")
        heard = "heard" if output.startswith("heard/") else "heard.csv"
        before = {path: path.read_bytes() for path in here.rglob("*") if path.is_file()}
        arguments = ["score", heard, "--dataset", "said.csv", "--variants", "ways.csv", "-o", output, "--force"]
        assert "is read here and never written over" in run(*arguments, code=1)
        assert {path: path.read_bytes() for path in here.rglob("*") if path.is_file()} == before

    @pytest.mark.parametrize(
        "command",
        [
            "score heard --references said -o said/new.parquet",
            "score heard/*.parquet --references said -o heard",
            "compare heard.csv --along tool -o heard.csv",
            "report run --dataset said.csv -o run/report.html",
            "report run --dataset set -o set/README.md",
            "convert said.csv said.csv",
            "convert set set/utterances.jsonl",
            "convert s3://bucket/said.csv s3://bucket/said.csv",
        ],
    )
    def test_nor_by_another_verb(self, command, here):
        Path("set").mkdir()
        for name in ("README.md", "utterances.jsonl"):
            (Path("set") / name).write_text("{}")
        assert "is read here and never written over" in run(*command.split(), "--force", code=1)

    def test_beside_a_dataset_there_is_room(self, here):
        run("convert", "said.csv", "set", "--format", "tables")
        run("score", "heard.csv", "--dataset", "set", "-o", "set/scores.csv")
        assert Path("set/scores.csv").exists()

    def test_what_was_left_out_on_purpose_is_left_out_by_an_option(self, here):
        HEARD[:1].to_csv("one.csv", index=False)
        said = run("score", "one.csv", "--dataset", "said.csv", code=1)
        assert said.endswith("On the command line: --select, --missing\n")
        assert json.loads(run("score", "one.csv", "--dataset", "said.csv", "--select", "utt_id == 'u1'", "--json"))

    def test_one_is_not_said_as_several(self, here):
        said = run("convert", "said.csv", "one.csv", "--select", "utt_id == 'u1'")
        assert said == "1 utterance written to one.csv\n"


class TestStreams:
    def ended(self, *arguments):
        """Run a command line on the streams of this process, and give the exit code."""
        with pytest.raises(SystemExit) as ended:
            main([*map(str, arguments)])
        return ended.value.code

    @pytest.mark.parametrize(
        "command", ["--version", "score --help", "score heard.csv --dataset said.csv --json", "doctor"]
    )
    def test_an_output_that_is_closed(self, command, here, monkeypatch, capsys):
        monkeypatch.setattr(sys, "stdout", None)
        assert self.ended(*command.split()) == 1
        sys.stdout.close()
        assert capsys.readouterr().err == "Error: The output cannot be written (Bad file descriptor).\n"

    def test_an_input_that_is_closed(self, here, monkeypatch, capsys):
        monkeypatch.setattr(sys, "stdin", None)
        assert self.ended("score", "-", "--dataset", "said.csv") == 1
        sys.stdin.close()
        assert "The standard input is empty" in capsys.readouterr().err

    def test_nobody_hears_what_is_said(self, here, monkeypatch, capsys):
        monkeypatch.setattr(sys, "stderr", None)
        assert self.ended("score", "heard.csv", "--dataset", "said.csv", "--json") == 0
        sys.stderr.close()
        assert json.loads(capsys.readouterr().out)["summary"]

    @pytest.mark.parametrize("command", ["--help", "--version", "score --help", "score heard.csv --dataset said.csv"])
    def test_a_reader_that_is_gone(self, command, here, monkeypatch):
        ours, theirs = os.pipe()
        os.close(ours)
        with open(theirs, "w", encoding="utf-8") as output:  # noqa: PTH123 - its number
            monkeypatch.setattr(sys, "stdout", output)
            assert self.ended(*command.split()) == 141


class TestFolders:
    @pytest.mark.parametrize("look", ["is_file", "open"])
    @pytest.mark.parametrize("command", ["score x.jsonl --dataset said.csv", "compare x.jsonl --along tool"])
    def test_what_may_not_be_read_is_named(self, command, look, here, monkeypatch):
        Path("x.jsonl").touch()
        allowed = getattr(Path, look)

        def refused(path, *arguments, **options):
            if path.name == "x.jsonl":
                raise PermissionError(errno.EACCES, "Permission denied", str(path))
            return allowed(path, *arguments, **options)

        monkeypatch.setattr(Path, look, refused)
        said = run(*command.split(), code=1)
        assert said == "Error: x.jsonl cannot be read or written (Permission denied).\n"

    @pytest.mark.parametrize("output", ["secret/x.csv", "secret/x", "secret/x.parquet"])
    def test_nor_what_may_not_be_written(self, output, here, monkeypatch):
        def mkdir(path, *_, **__):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))

        monkeypatch.setattr(Path, "mkdir", mkdir)
        said = run("score", "heard", "--references", "said", "-o", output, code=1)
        assert "secret" in said
        assert "cannot be" in said

    def test_a_store_that_may_not_be_looked_at(self, monkeypatch):
        def is_dir(path):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))

        monkeypatch.setattr(Path, "is_dir", is_dir)
        ((status, what, said, todo),) = doctor._store("secret/runs")
        assert (status, what) == ("fail", "store")
        assert "Permission denied" in said
        assert todo

    @pytest.mark.parametrize(
        ("writer", "output"), [("asrlab.parquet.Folder.add", "scores"), ("pandas.DataFrame.to_csv", "scores.csv")]
    )
    def test_a_sigterm_leaves_nothing_behind(self, writer, output, here, monkeypatch):
        def terminate(*_, **__):
            end = signal.getsignal(signal.SIGTERM)
            assert callable(end)
            end(signal.SIGTERM, None)

        temporary = here / "temporary"
        temporary.mkdir()
        monkeypatch.setattr(tempfile, "tempdir", str(temporary))
        before = set(here.rglob("*"))
        monkeypatch.setattr(writer, terminate)
        run("score", "heard.csv", "--dataset", "said.csv", "-o", output, code=143)
        assert set(here.rglob("*")) == before
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


class TestRuns:
    ASKING = (QUIET, "--engine", "scripted", "--store", "x")

    @pytest.mark.parametrize("verb", ["plan", "run"])
    @pytest.mark.parametrize("price", ["nan", "-1", "inf"])
    def test_a_price_that_is_none_is_refused_of_a_free_engine_too(self, verb, price, here):
        assert "a number from 0" in run(verb, *self.ASKING, "--price-usd-per-s", price, code=1)
        assert not Path("x").exists() or not len(lab.open_sweep("x").transcripts)

    @pytest.mark.parametrize(("end", "code"), [(KeyboardInterrupt(), 130), (SystemExit(143), 143)])
    def test_how_all_stands_is_said_of_an_interrupted_run_too(self, end, code, here, monkeypatch):
        whole = lab.Sweep.run

        def interrupted(sweep, **options):
            with pytest.raises(BudgetSpent):
                whole(sweep, **options)
            raise end

        paid = ["--option", "free=false", "--price-usd-per-s", "0.001", "--budget-usd", "0.02"]
        monkeypatch.setattr(lab.Sweep, "run", interrupted)
        result = CliRunner().invoke(main, [*map(str, ["run", *self.ASKING, *paid, "--json"])])
        assert result.exit_code == code
        said = json.loads(result.stdout)
        assert said["states"]["answered"] + said["states"]["not run"] == said["askings"] == 16
        assert len(said["unanswered"]) == said["states"]["not run"]
