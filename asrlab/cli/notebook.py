"""The verb new-notebook: a short notebook that does the whole job on a dataset, to go on from."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

import asrlab as lab
from asrlab.cli.ends import terminable, verb
from asrlab.cli.options import as_json, dataset_named, engine_options, force, pairs, take_dataset
from asrlab.cli.out import document, may_write, write

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from asrlab.data.dataset import Dataset

#: Cells, those of text with a "#" in front; names in braces are filled in.
_CELLS: Final = (
    "# {title}\n\n**Which settings should I use on my audio, and is the difference real?**",
    "import asrlab as lab\nfrom asrlab import html, plot\n\nds = {load}\nds",
    "ds.check()  # what would be refused, or make a number wrong",
    "## Ask\n\nA plan sends nothing: look at it first. A run sends what the store lacks, and may be interrupted.",
    "conditions = lab.grid({axes})\nsweep = lab.Sweep(ds, {engine}, conditions, store={store})\nsweep.plan()",
    "sweep.run(budget_usd=1.0)  # what all runs of this store may spend together; an engine on this machine is free",
    "## Mark\n\nCounts are kept, and rates made of them. Trials without an answer are left out, and counted.",
    'scores = lab.score(sweep.transcripts, ds, {form}missing="drop")\nrates = lab.summarize(scores, by={by})\n'
    "html.table(rates)",
    "## Is it real?",
    "effect = lab.compare(scores, along={along}, baseline={baseline}, by={apart})\nlab.sentences(effect)",
    'for _, rows in effect.groupby("unit"):  # words and characters are not put on one scale\n'
    "    plot.deltas(rows)\nhtml.table(effect)",
    "## Look, listen, and hand on",
    "lab.explore(sweep, scores)",
    "lab.Report(sweep, scores, rates, effect).save({report})",
)


@verb("new-notebook", short_help="Write a notebook that does the whole job.")
@click.argument("name")
@dataset_named
@click.option("--engine", default="local", show_default=True, metavar="NAME", help="What is asked.")
@click.option(
    "--option", "options", multiple=True, metavar="NAME=VALUE", help="Option of the engine, as region=beijing."
)
@click.option("--store", metavar="FOLDER", help="Where answers are kept; runs/ beside the notebook if not given.")
@force
@as_json
@terminable()
def new_notebook(
    *,
    name: str,
    engine: str,
    options: Sequence[str],
    store: str | None,
    force: bool,
    as_json: bool,
    **chosen: Any,  # noqa: ANN401 - options of click
) -> None:
    """Write a short notebook that plans, asks, marks, compares and reports.

    It works as it is, on the dataset and with the engine that you name. The manual, and a template for each kind of
    experiment, are in the folder notebooks of asrlab's repository.

        asrlab new-notebook first --dataset datasets/dictation
        jupyter lab first.ipynb
    """
    path = Path(name if name.endswith(".ipynb") else f"{name}.ipynb")
    may_write(path if "://" not in name else name, force=force)
    given = engine_options(options)
    lab.engine(engine, **given)  # what it would refuse, it refuses now
    said = {key: chosen[key] for key in ("dataset", "format", "columns", "language", "audio_root", "select")}
    dataset = take_dataset(chosen)
    cells = _filled(dataset, said, path, engine=engine, options=given, store=store)
    write(path, lambda half: half.write_text(_notebook(cells), encoding="utf-8", newline="\n"))
    if as_json:
        document({"notebook": path, "cells": len(cells)})
    else:
        click.echo(f"{path}: open it with jupyter lab {path} (pip install 'asrlab[notebooks]')")


def _filled(
    dataset: Dataset, said: Mapping[str, Any], path: Path, *, engine: str, options: Mapping[str, Any], store: str | None
) -> list[str]:
    languages = dataset.utterances["language"].dropna()
    forms = sorted(dataset.references["form"].dropna().unique())
    axes = ["enable_itn=[False, True]"]
    if hinted := len(languages) > 0:
        axes.insert(0, 'language={"none": None, "right": lab.column("language")}')
    along, baseline = ("language", "right") if hinted else ("enable_itn", "False")
    form = "spoken" if "spoken" in forms else next(iter(forms), "")
    values = {
        "title": path.stem,
        "load": _load(said, path.parent),
        "axes": ", ".join(axes),
        "engine": _call("lab.engine", engine, options),
        "store": _quoted(f"runs/{path.stem}" if store is None else _seen_from(path.parent, store)),
        "form": f"form={_quoted(form)}, " if len(forms) > 1 else "",
        "by": json.dumps(["spoken_language", *(["language"] if hinted else []), "enable_itn"]),
        "along": _quoted(along),
        "baseline": _quoted(baseline),
        "apart": json.dumps(["spoken_language", *(["enable_itn"] if hinted else [])]),
        "report": _quoted(f"runs/{path.stem}.html"),
    }
    return [cell.format(**values) for cell in _CELLS]


def _load(said: Mapping[str, Any], folder: Path) -> str:
    """Write the call that loads the dataset, with paths as seen from the notebook."""
    root, select = said["audio_root"], said["select"]
    options = {
        "format": said["format"],
        "columns": pairs("--column", said["columns"]) or None,
        "language": said["language"],
        "audio_root": None if root is None else _seen_from(folder, root),
    }
    loaded = _call("lab.load_dataset", _seen_from(folder, said["dataset"]), options)
    return loaded if select is None else f"{loaded}.select({_quoted(select)})"


def _call(function: str, first: str, options: Mapping[str, Any]) -> str:
    given = [f"{name}={value!r}" for name, value in options.items() if value is not None]
    return f"{function}({', '.join([_quoted(first), *given])})"


def _seen_from(folder: Path, path: str) -> str:
    return path if "://" in path or Path(path).is_absolute() else Path(os.path.relpath(path, folder)).as_posix()


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _notebook(cells: Sequence[str]) -> str:
    made = []
    for number, cell in enumerate(cells):
        is_text = cell.startswith("#")
        common = {"id": f"cell-{number:02d}", "metadata": {}, "source": cell.splitlines(keepends=True)}
        kind: dict[str, Any] = {"cell_type": "markdown" if is_text else "code"}
        made.append(kind | common | ({} if is_text else {"execution_count": None, "outputs": []}))
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    book = {"cells": made, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(book, ensure_ascii=False, indent=1) + "\n"
