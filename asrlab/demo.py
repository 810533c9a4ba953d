"""The main job in one command: ask a local service under eight settings, mark, compare, report."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import click
import pandas as pd

import asrlab as lab
from asrlab.errors import InvalidInput
from asrlab.views import html

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from asrlab.data.dataset import Dataset
    from asrlab.sweep.grid import Conditions


def run_demo(dataset: Path, store: Path, report: Path) -> None:
    """Run the demo; safe to interrupt and to run again, since what is stored is not asked again.

    Parameters
    ----------
    dataset : Path
        Folder of the dataset ``dictation``.
    store : Path
        Folder of the run.
    report : Path
        HTML file to write; the figures go beside it as PNGs.

    Raises
    ------
    AsrlabError
        If the dataset is not there, or the local service cannot be reached.
    """
    if not dataset.is_dir():
        raise InvalidInput(f"There is no dataset {dataset}. Run the demo in a checkout of asrlab, or name its folder.")
    ds = balanced(lab.load_dataset(dataset))
    click.echo(f"{ds}\none sentence with numbers and one with rare terms of each of 16 synthetic voices")
    sweep = lab.Sweep(ds, lab.engine("local"), settings(ds), store=store)
    click.echo(f"{sweep.grid}\nStarting the local service: Whisper base on this machine, no key, nothing leaves it ...")
    click.echo(f"{sweep.plan()}\n")
    sweep.run()
    if len(sweep.failures):
        click.echo(f"{len(sweep.failures)} trials failed: open_sweep({str(store)!r}).failures says why.")

    scores = {form: lab.score(sweep.transcripts, ds, form=form, missing="drop") for form in ("spoken", "written")}
    terms = lab.score(sweep.transcripts, ds, form="spoken", unit="term", missing="drop")
    rates = lab.summarize(scores["spoken"], by=["spoken_language", "language", "enable_itn", "context"])
    effects = compare_all(scores, terms)
    columns = ["spoken_language", "language", "enable_itn", "context", "unit", "rate", "low", "high", "n_utts"]
    click.echo(f"\nError rates against the spoken form, 95 % interval by voice\n{html.table(rates[columns])}\n")
    click.echo("What the settings do (of these voices; p adjusted within each question)")
    for question, effect in effects.items():
        click.echo(f"\n{question}")
        click.echo("\n".join(f"  {sentence}" for sentence in lab.sentences(effect)))

    figures = draw(rates)
    title = "asrlab demo: what do hint, ITN and a term list do?"
    page = lab.Report(sweep, pd.concat([*scores.values(), terms], ignore_index=True), rates, title=title)
    for language, ax in figures.items():
        page.add(f"Error rates by setting: {language}", ax)
    for question, effect in effects.items():
        page.add(question, effect)
    report.parent.mkdir(parents=True, exist_ok=True)
    pictures = [report.with_name(f"{report.stem}-{language}.png") for language in figures]
    for picture, ax in zip(pictures, figures.values(), strict=True):
        cast("Figure", ax.figure).savefig(picture, dpi=120, bbox_inches="tight")
    page.save(report)
    click.echo(
        f"\nreport  {report}\nfigures {' '.join(map(str, pictures))}\nsweep   {store}\n\nNext, in Python:\n"
        f"  import asrlab as lab\n  sweep = lab.open_sweep({str(store)!r}, lab.load_dataset({str(dataset)!r}))\n"
        "  sweep.transcripts\nor read the manual: notebooks/01-quickstart.ipynb"
    )


def balanced(dataset: Dataset) -> Dataset:
    """Take the first sentence with numbers and the first with terms of each voice."""
    chosen = dataset.select("topic in ['numbers', 'terms']").utterances.groupby(["speaker", "topic"]).head(1)
    return dataset.select(chosen["utt_id"])


def settings(dataset: Dataset) -> Conditions:
    """Cross hint and ITN, and under the right hint context too."""
    return lab.grid(
        language={"right": lab.column("language"), "none": None, "wrong": other_language},
        enable_itn=[False, True],
        context={"none": None, "terms": lambda utterance: dataset.note(f"terms.{utterance['language']}.txt")},
    ).where("language == 'right' or context == 'none'")


def other_language(utterance: pd.Series) -> str:
    """Give English for Mandarin and Mandarin for English."""
    return "en" if utterance["language"] == "zh" else "zh"


def compare_all(scores: dict[str, pd.DataFrame], terms: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Ask one question of each axis, the others held at the plain setting."""
    by = ["spoken_language"]
    spoken, both = scores["spoken"], pd.concat(scores.values())
    return {
        "Does the language hint matter? (ITN off, no context)": lab.compare(
            spoken.query("enable_itn == 'False' and context == 'none'"), along="language", baseline="right", by=by
        ),
        "Does ITN help? It depends on the form of the reference. (right hint, no context)": lab.compare(
            both.query("language == 'right' and context == 'none'"), along="enable_itn", baseline="False", by=by
        ),
        "Does a list of terms help the terms? (right hint, ITN off)": lab.compare(
            terms.query("language == 'right' and enable_itn == 'False'"), along="context", baseline="none", by=by
        ),
        "Does a list of terms help or harm all the words? (right hint, ITN off)": lab.compare(
            spoken.query("language == 'right' and enable_itn == 'False'"), along="context", baseline="none", by=by
        ),
    }


def draw(rates: pd.DataFrame) -> dict[str, Axes]:
    """Draw the rates of each language: word and character error rates do not go on one axis.

    The wrong hint is left to the table: its rates, of some hundred per cent, would flatten all others.
    """
    shown = rates[rates["language"] != "wrong"]
    setting = shown["language"].map({"right": "right hint", "none": "no hint"})
    setting += ", ITN " + shown["enable_itn"].map({"False": "off", "True": "on"})
    setting += shown["context"].map({"none": "", "terms": ", terms"})
    named = shown.drop(columns=["language", "enable_itn", "context"])
    named.insert(0, "setting", setting)
    figures = {}
    for language, part in named.groupby("spoken_language"):
        figures[str(language)] = lab.plot.rates(part.drop(columns="spoken_language"))
        figures[str(language)].set_xlabel(f"{language}; the wrong hint is in the table")
    return figures
