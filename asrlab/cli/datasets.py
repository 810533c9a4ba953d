"""Verbs on datasets: check, convert."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

import asrlab as lab
from asrlab.cli.ends import FAULTS, terminable, verb
from asrlab.cli.options import as_json, dataset_first, force, load, reading, spread, workers
from asrlab.cli.out import document, facts, keep, may_write, named, records, wrapped


@verb(short_help="Look for what makes numbers wrong.")
@dataset_first
@click.option("--no-audio", is_flag=True, help="Look at the tables only.")
@click.option("--engine", metavar="NAME", help="Whose languages and limits count; the paid service's if not given.")
@spread
@as_json
@terminable()
def check(*, no_audio: bool, engine: str | None, executor: str | None, as_json: bool, **dataset: Any) -> None:  # noqa: ANN401 - options of click
    """Look for what would be refused, or make numbers wrong.

    DATASET is a file, folder, archive or URL in any form that asrlab reads: its own, CSV, Kaldi, NeMo, LibriSpeech ...
    The exit code is 3 if there are errors.

        asrlab check datasets/dictation
        asrlab check corpus.csv --column wav=audio --column said=text --json
    """
    loaded = load(**dataset)
    asked = lab.engine(engine) if engine else None
    with workers(executor) as where:
        found = loaded.check(engine=asked, audio=not no_audio, executor=where)
    if as_json:
        told = {"dataset": loaded.name, "recordings": found.recordings, "minutes": found.minutes}
        document(told | {"errors": len(found.errors), "counts": found.counts, "findings": records(found.table)})
    else:
        click.echo(f"{facts(loaded)}\n\n{wrapped(repr(found), 4)}")
    click.get_current_context().exit(FAULTS if len(found.errors) else 0)


@verb()
@click.argument("source")
@click.argument("target")
@click.option("--from", "read_as", metavar="NAME", help="Form that SOURCE is in, where it is not to be recognised.")
@click.option("--format", "format_", metavar="NAME", help="Form to write; by the ending of TARGET if not given.")
@click.option("--copy-audio", is_flag=True, help="Write the recordings too.")
@click.option("--form", help="Form of the references that is kept, where TARGET can hold only one.")
@click.option("--bare", is_flag=True, help="Leave out terms, tags and further columns, which few forms hold.")
@reading
@force
@as_json
@terminable()
def convert(
    *,
    source: str,
    target: str,
    read_as: str | None,
    format_: str | None,
    copy_audio: bool,
    form: str | None,
    bare: bool,
    force: bool,
    as_json: bool,
    **dataset: Any,  # noqa: ANN401 - options of click
) -> None:
    """Write a dataset in another form.

    What the form cannot hold is an error, not left out: say --form or --bare then. A folder that holds a dataset
    already is never written to.

        asrlab convert datasets/dictation runs/kaldi --format kaldi --form spoken --bare
        asrlab convert corpus.tar.gz manifest.jsonl --copy-audio
    """
    keep(target, dataset=source)
    may_write(target, force=force or Path(target).is_dir(), urls=True)
    loaded = load(source, format=read_as, **dataset)
    loaded = loaded if form is None else loaded.select(form=form)
    (loaded.bare() if bare else loaded).write(target, format_, copy_audio=copy_audio)
    if as_json:
        document({"written": named(target), "format": format_, "utterances": len(loaded)})
    else:
        click.echo(f"{len(loaded):,} utterance{'s' * (len(loaded) != 1)} written to {named(target)}")
