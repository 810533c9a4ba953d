"""Verbs on answers: score, compare, report."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

import asrlab as lab
from asrlab.cli import files
from asrlab.cli.ends import terminable, verb
from asrlab.cli.options import (
    as_json,
    by,
    columns_of,
    dataset_named,
    dataset_or_references,
    force,
    marking,
    several,
    spread,
    take_dataset,
    workers,
)
from asrlab.cli.out import STREAM, document, keep, may_write, named, records, table, wrapped

if TYPE_CHECKING:
    from collections.abc import Sequence


_compared = several(
    click.option("--test", default="sign-flip", show_default=True, help="What p is of: see asrlab.compare."),
    click.option(
        "--margin", type=float, metavar="SHARE", help="Difference that would not matter: 0.005 is half a point."
    ),
    click.option("--correction", default="holm", show_default=True, help="holm, max-t, benjamini-hochberg or none."),
    click.option("--level", type=float, default=0.95, show_default=True, help="Of the intervals."),
)


@verb(short_help="Mark transcripts, and show error rates.")
@click.argument("transcripts")
@dataset_or_references
@marking
@by
@click.option(
    "-o", "--output", metavar="PATH", help="Where the scores go: .parquet, .csv, .tsv, .jsonl, a folder; - is a pipe."
)
@force
@spread
@as_json
@terminable()
def score(
    *,
    transcripts: str,
    references: str | None,
    by: Sequence[str],
    output: str | None,
    force: bool,
    executor: str | None,
    as_json: bool,
    **chosen: Any,  # noqa: ANN401 - options of click
) -> None:
    """Mark transcripts against what was said, and show the error rates.

    TRANSCRIPTS is the folder of a run, a replay, a table with utt_id and text (Parquet, CSV, TSV, JSON lines), or - for
    one from a pipe. With -o the scores are kept, a row an answer: compare reads them. What does not fit into memory is
    Parquet on all sides: files, or folders of them.

        asrlab score runs/first --dataset datasets/dictation --form spoken -o runs/first.parquet
        asrlab score heard.csv --dataset said.csv --language en --by tool
        asrlab score 'heard/*.parquet' --references said.parquet -o scores --executor 8
    """
    if output == STREAM and as_json:
        raise click.UsageError("-o - and --json both want the standard output. Give one of them.")
    folder = output is not None and files.is_folder(output)
    if output is not None:
        keep(output, transcripts, references, chosen["variants"], dataset=chosen["dataset"])
        may_write(output, force=force, urls=folder or output.endswith(".parquet"))
    said = take_dataset(chosen, instead=None if references is None else files.references(references))
    with workers(executor) as where:
        heard = files.transcripts(transcripts)
        scores = lab.score(heard, said, executor=where, to=output if folder else None, **chosen)
        if output is not None and not isinstance(scores, str | Path):
            files.write_table(scores, "scores", output)
        if output == STREAM:
            return
        rates = lab.summarize(scores, by=columns_of(by), dataset=said if references is None else None)
    if as_json:
        document({"scores": output and named(output), "summary": records(rates)})
    else:
        click.echo(table(rates) + (f"\n\nscores  {named(output)}" if output else ""))


@verb(short_help="Say which differences are real.")
@click.argument("scores")
@click.option("--along", required=True, metavar="AXIS", help="What is compared: an axis, or condition.")
@click.option(
    "--baseline", metavar="LABEL", help="Level that the others are compared with; each with each if not given."
)
@by
@_compared
@click.option("--resamples", type=int, default=9999, show_default=True, help="Random swaps.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of them.")
@click.option("-o", "--output", metavar="FILE", help="Where the table goes: .parquet, .csv, .tsv, .jsonl.")
@force
@spread
@as_json
@terminable()
def compare(
    *,
    scores: str,
    along: str,
    baseline: str | None,
    by: Sequence[str],
    output: str | None,
    force: bool,
    executor: str | None,
    as_json: bool,
    **choices: Any,  # noqa: ANN401 - options of click
) -> None:
    """Compare the settings along an axis, and say what may be said.

    SCORES is what score wrote, or - for a pipe.

        asrlab compare runs/first.parquet --along language --baseline right
        asrlab score runs/first --dataset datasets/dictation --form spoken -o - | asrlab compare - --along enable_itn
    """
    if output is not None:
        if files.is_folder(output):
            raise click.UsageError(
                f"A comparison is one file: {output} does not end in .parquet, .csv, .tsv or .jsonl."
            )
        keep(output, scores)
        may_write(output, force=force, urls=output.endswith(".parquet"))
    with workers(executor) as where:
        found = lab.compare(files.scores(scores), along, baseline, by=columns_of(by), executor=where, **choices)
    said = lab.sentences(found)
    if output is not None:
        files.write_table(found, "comparison", output)
    if output == STREAM:
        return
    if as_json:
        document({"comparison": records(found), "sentences": list(said)})
    else:
        click.echo(f"{table(found)}\n\n{wrapped(str(said), 2)}")


@verb(short_help="Write one file to be read and heard.")
@click.argument("store")
@dataset_named
@marking
@click.option("--along", metavar="AXIS", help="Compare the levels of this axis, too.")
@click.option("--baseline", metavar="LABEL", help="Level that the others are compared with.")
@by
@click.option("--question", help="What was to be found out, in your words.")
@click.option("--title", help="Title; made of the dataset's name if not given.")
@click.option("-o", "--output", required=True, metavar="FILE", help="Where the report goes: .html or .md.")
@force
@as_json
@terminable()
def report(
    *,
    store: str,
    along: str | None,
    baseline: str | None,
    by: Sequence[str],
    question: str | None,
    title: str | None,
    output: str,
    force: bool,
    as_json: bool,
    **chosen: Any,  # noqa: ANN401 - options of click
) -> None:
    r"""Write one file that says what was asked, at what price, and what came of it, to be read and heard.

    STORE is the folder of a run, or a replay.

        asrlab report runs/first --dataset datasets/dictation --form spoken --along language --baseline right \
          -o runs/first.html
    """
    keep(output, store, chosen["variants"], dataset=chosen["dataset"])
    may_write(output, force=force)
    loaded = take_dataset(chosen)
    sweep = lab.open_sweep(store, loaded)
    scores = lab.score(sweep.transcripts, loaded, **chosen)
    rows = columns_of(by)
    results = [lab.summarize(scores, by=rows if rows is None or along is None else [*rows, along], dataset=loaded)]
    if along is not None:
        results.append(lab.compare(scores, along, baseline, by=rows))
    path = lab.Report(sweep, scores, *results, question=question, title=title).save(output)
    if as_json:
        document({"report": path})
    else:
        click.echo(f"report  {path}")
