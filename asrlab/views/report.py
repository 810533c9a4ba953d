"""A report: one HTML file that says what was asked, of whom, and what came of it.

It makes no request: figures are in it, and a content security policy lets nothing in a transcript run or load.
"""

from __future__ import annotations

import base64
import io
import os
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol, Self, cast

import pandas as pd

from asrlab import tables
from asrlab.errors import InvalidInput
from asrlab.text import bullets, escape, plain
from asrlab.views import html
from asrlab.views.markup import Html
from asrlab.views.provenance import provenance

if TYPE_CHECKING:
    from collections.abc import Mapping

    from asrlab.views.provenance import Recorded

_POLICY: Final = "default-src 'none'; img-src data:; media-src data:; style-src 'unsafe-inline'"
_HEADINGS: Final = {
    "summary": "Summary",
    "comparison": "Comparison",
    "effects": "Effects",
    "power": "Power",
    "agreement": "Agreement of repeats",
}
_STYLE: Final = """
body { font: 1em/1.5 system-ui, sans-serif; color: #000; background: #fff }
body { max-width: 64em; margin: 2em auto; padding: 0 1em }
h1, h2 { line-height: 1.2; break-after: avoid }
h2 { margin-top: 2em; border-bottom: 1px solid #767676 }
section { overflow-x: auto }
table { font-size: .88em }
img { max-width: 100% }
img, tr { break-inside: avoid }
dt { font-weight: bold; float: left; clear: left; margin-right: .6em }
dd { margin: 0; overflow-wrap: anywhere }
@media print {
  body { max-width: none; margin: 0; font-size: 9pt }
  section { overflow: visible }
  audio { display: none }
  table { font-size: 8pt }
}
"""


class Reported(Protocol):
    """What a report needs of a sweep."""

    @property
    def transcripts(self) -> pd.DataFrame:
        """The answers."""

    @property
    def conditions(self) -> pd.DataFrame:
        """The settings."""

    @property
    def about(self) -> Mapping[str, str]:
        """Facts: the dataset, its size, engine and model, axes ..."""


class Report:
    """Collects what is worth showing, as it is now, and saves it as one file.

    Opens with what was asked: the sweep's facts, its conditions, what came of its trials, and how they were marked.
    Closes with how its answers came about, where the sweep knows: see :func:`asrlab.provenance`.

    Parameters
    ----------
    sweep : Sweep
        What was asked.
    scores : DataFrame
        What was marked, as in :data:`asrlab.tables.SCHEMAS`.
    *results : DataFrame
        Tables to begin with: summaries, comparisons, effects, power, agreement or others.
    title : str, optional
        Title of the report; made of the dataset's name if not given.

    Examples
    --------
    >>> Report(sweep, scores, effect).add("Figure", plot.deltas(effect)).save("context.html")  # doctest: +SKIP
    """

    def __init__(self, sweep: Reported, scores: pd.DataFrame, *results: pd.DataFrame, title: str | None = None) -> None:
        about = dict(sweep.about)
        self.title = title or f"Speech-to-text sweep of {about.get('dataset', 'a dataset')}"
        self._sections: list[tuple[str, str]] = []
        self._last: list[tuple[str, str]] = []
        if getattr(sweep, "provenance", None):
            self._last.append(("Provenance", provenance(cast("Recorded", sweep)).markup))
        answers = html.completed(sweep.transcripts)
        self._put("What was asked", _facts(about, answers))
        self.add("Conditions", sweep.conditions)
        self.add("What came of it", _states(answers))
        self.add("How it was marked", _marking(scores))
        for result in results:
            self.add(_heading(result), result)

    def add(self, heading: str, thing: object) -> Self:
        """Put a section at the end, before the provenance.

        Parameters
        ----------
        heading : str
            Its heading; also names a figure to those who cannot see it.
        thing : DataFrame, Figure, Axes, Html, str or list of str
            A table, a figure (drawn now), a view of this package, a text, or a list of sentences.

        Returns
        -------
        Report
            This one, to add more.

        Raises
        ------
        InvalidInput
            If it is something else.
        """
        if isinstance(thing, pd.DataFrame):
            body = html.table(thing, max_rows=None).markup
        elif isinstance(thing, Html):
            body = thing.markup
        elif isinstance(thing, str):
            body = f'<p style="white-space:pre-wrap">{escape(thing)}</p>'
        elif isinstance(thing, list | tuple) and all(isinstance(line, str) for line in thing):
            body = bullets(thing)
        elif hasattr(figure := getattr(thing, "figure", thing), "savefig"):
            body = _image(heading, figure)
        else:
            raise InvalidInput(
                "A report takes tables, figures, views of asrlab (such as html.errors), texts and lists of texts, "
                f"not {type(thing).__name__}. Bring it to one of these."
            )
        self._put(heading, body)
        return self

    def save(self, path: str | Path) -> Path:
        """Write the report as one HTML file that needs nothing else and loads nothing.

        Parameters
        ----------
        path : path
            The file; replaced as a whole if it is there. Its folder is made if need be.

        Returns
        -------
        Path
            The file.

        Raises
        ------
        InvalidInput
            If the path is a folder.
        """
        path = Path(path)
        if path.is_dir():
            raise InvalidInput(f"{path} is a folder. Name a file in it, such as {path / 'report.html'}.")
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_name(f".{path.name}.{os.getpid()}.tmp")
        try:
            unfinished.write_text(self._page(), encoding="utf-8", newline="\n")
            unfinished.replace(path)
        finally:
            unfinished.unlink(missing_ok=True)
        return path

    @property
    def _parts(self) -> list[tuple[str, str]]:
        return [*self._sections, *self._last]

    def _put(self, heading: str, body: str) -> None:
        self._sections.append((heading, body))

    def _page(self) -> str:
        sections = "\n".join(
            f"<section>\n<h2>{escape(heading)}</h2>\n{body}\n</section>" for heading, body in self._parts
        )
        return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(self.title)}</title>
<style>{_STYLE}</style>
</head>
<body>
<h1>{escape(self.title)}</h1>
{sections}
</body>
</html>
"""

    def __repr__(self) -> str:
        return f"<Report {plain(self.title, 60)}: {'; '.join(plain(heading, 40) for heading, _ in self._parts)}>"

    def _repr_html_(self) -> str:
        headings = "".join(f"<li>{escape(heading)}</li>" for heading, _ in self._parts)
        return f"<p>Report <b>{escape(self.title)}</b>; save it with <code>.save(path)</code>:</p><ol>{headings}</ol>"


def _facts(about: dict[str, str], answers: pd.DataFrame) -> str:
    asked = answers["submitted_at"].dropna()
    facts = {
        **about,
        "utterances in the transcripts": str(answers["utt_id"].nunique()),
        **({"first and last submit": f"{asked.min()}, {asked.max()}"} if len(asked) else {}),
        "report written by": f"asrlab {metadata.version('asrlab')}",
    }
    return "<dl>" + "".join(f"<dt>{escape(name)}</dt><dd>{escape(fact)}</dd>" for name, fact in facts.items()) + "</dl>"


def _states(answers: pd.DataFrame) -> pd.DataFrame:
    """Count what came of the answers of each condition; states that never occur have no column, but for failed."""
    counts = pd.crosstab(answers["condition"], html.outcomes(answers)).reindex(answers["condition"].unique())
    wanted = [
        state
        for state in ("answered", *html.STATES)
        if state in {"answered", "failed", "not run"} | set(counts.columns)
    ]
    return counts.reindex(columns=wanted, fill_value=0).rename_axis(columns=None)


def _marking(scores: pd.DataFrame) -> pd.DataFrame:
    how = ["unit", "form", "normalizer", "ties", "block_kind"]
    marked = tables.check(scores, "scores", required=("utt_id", "condition"))
    return marked.groupby(how, dropna=False, sort=False).size().rename("rows of scores").reset_index()


def _heading(result: pd.DataFrame) -> str:
    kind = tables.kind(result)
    if kind == "effects" and "effect" in result.columns and result["effect"].isna().any():
        return "Comparison and effects"
    return _HEADINGS[kind] if kind else "Rates" if {"rate", "delta"} & set(result.columns) == {"rate"} else "Table"


def _image(heading: str, figure: Any) -> str:  # noqa: ANN401 - only views.plot knows matplotlib
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=150, bbox_inches="tight", metadata={"Software": None})
    said = [
        part
        for ax in figure.axes
        for part in (ax.get_ylabel(), ax.get_xlabel(), ax.get_title("left"), ax.get_title())
        if part
    ]
    alt = plain("; ".join([f"Figure: {heading}", *said]))
    return (
        f'<img alt="{escape(alt)}" src="data:image/png;base64,{base64.b64encode(picture.getvalue()).decode("ascii")}">'
    )
