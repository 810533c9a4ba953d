"""A report: one file that says what was asked, of whom, at what price, and what came of it, to be read and heard.

It makes no request: figures and sounds are in it, and a content security policy lets nothing in a transcript run or
load. Sentences and figures are made from its tables when it is saved, so that none of them can be older than they are.
"""

from __future__ import annotations

import os
import re
from importlib import metadata
from math import inf
from numbers import Integral, Real
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self
from urllib.parse import quote

import pandas as pd

from asrlab import tables
from asrlab.errors import InvalidInput
from asrlab.text import bullets, escape, plain, untypeset
from asrlab.views.markup import Html
from asrlab.views.report import asked as of
from asrlab.views.report.again import marked_again
from asrlab.views.report.audits import audited, flagged
from asrlab.views.report.checks import check_scores, origin
from asrlab.views.report.listened import main_scores, most_changed, shown_utterances, worst
from asrlab.views.report.markdown import markdown
from asrlab.views.report.page import Section, page
from asrlab.views.report.pieces import quoted
from asrlab.views.report.priced import price
from asrlab.views.report.results import heading_of, picture, shown_result, words_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from asrlab.normalize import NormalizerChoice
    from asrlab.views.report.asked import Reported

_HTML: Final = frozenset({".html", ".htm"})
_MARKDOWN: Final = frozenset({".md", ".markdown"})
_SUBJECT: Final = 200  # characters of a title or heading in a list
#: Names of files of reports: of what they are, and what they hold.
_OURS: Final = re.compile(r"(figure|sound|file)-[0-9a-f]{12}\.[a-z0-9]+")


class Report:
    """Says what a sweep asked and what came of it, with results, their figures and sentences, and what to listen to.

    Its sections are, in this order: the question; the data; the conditions, and what each label came to; what was sent
    and what it took; what came of it; how it was marked; the results and whatever was added; the utterances that went
    worst and those that the settings changed most, with sound; audits and flags; failures; provenance. One that cannot
    be made says why. All is kept as it is when it is given: a sweep that goes on later changes nothing here.

    Parameters
    ----------
    sweep : Sweep
        What was asked, or what :func:`asrlab.open_sweep` opened.
    scores : DataFrame
        What was marked, as in :data:`asrlab.tables.SCHEMAS`; several tables of scores may be put together.
    *results : DataFrame
        Tables: summaries, comparisons, effects, power, agreement or others. Each is shown with its figure and its
        sentences. Those that cannot have been made of ``scores`` are refused: marked otherwise, about labels that they
        lack, with other counts or rates of the same answers.
    question : str, optional
        What was to be found out, in your words; shown as such.
    title : str, optional
        Title of the report; made of the dataset's name if not given.
    transcripts : DataFrame, optional
        What was marked, if it is not ``sweep.transcripts``.
    normalizer : str, Normalizer or mapping, optional
        The chain the scores were made with, if it is one of your own.
    n : int
        Utterances that went worst, and that were changed most, to show of each.
    sound_mb : float
        Megabytes (10^6 bytes) that sound may take in the file; what does not fit is named instead. 0 is no sound.

    Raises
    ------
    InvalidInput
        If columns are missing, the scores are of other transcripts or references, a result is of other scores, or a
        number is none that it can be.

    Examples
    --------
    >>> report = Report(sweep, scores, effect, question="Does a list of terms help?")  # doctest: +SKIP
    >>> report.add("What to do", "Take the list.").save("context.html")  # doctest: +SKIP
    """

    def __init__(
        self,
        sweep: Reported,
        scores: pd.DataFrame,
        *results: pd.DataFrame,
        question: str | None = None,
        title: str | None = None,
        transcripts: pd.DataFrame | None = None,
        normalizer: NormalizerChoice | None = None,
        n: int = 5,
        sound_mb: float = 10.0,
    ) -> None:
        _check_arguments(n, sound_mb)
        self._asked = of.read(sweep, transcripts)
        self._scores = check_scores(scores, self._asked.transcripts)
        self.title = title or f"Speech-to-text sweep of {self._asked.about.get('dataset', 'a dataset')}"
        self.question = question
        self._normalizer, self._n, self._sound_mb = normalizer, int(n), float(sound_mb)
        self._again = marked_again(self._asked, main_scores(self._scores), normalizer)
        self._given: list[tuple[str, Callable[[str], str]]] = []
        for result in results:
            tables.check_frame(result)
            self.add(heading_of(result), result)

    def add(self, heading: str, thing: object) -> Self:
        """Put a section after the results, before what there is to listen to.

        Parameters
        ----------
        heading : str
            Its heading; also names a figure to those who cannot see it.
        thing : DataFrame, Figure, Axes, Html, str or list of str
            A table, which is shown as the results are; a figure, drawn now, or a view of this package, both shown as
            given; or words of yours, shown as such.

        Returns
        -------
        Report
            This one, to add more.

        Raises
        ------
        InvalidInput
            If it is something else, or a table of results of other scores.
        """
        if isinstance(thing, pd.DataFrame):
            frame, note = thing.copy(deep=False), origin(thing, self._scores)
            self._given.append((heading, lambda name: shown_result(frame, note, name)))
            return self
        if isinstance(thing, Html):
            body = f"<p>As it was given, not made for this report:</p>{thing.markup}"
        elif isinstance(thing, str):
            body = f"<p>In the author's words:</p>{quoted(thing)}"
        elif isinstance(thing, list | tuple) and all(isinstance(line, str) for line in thing):
            body = f"<p>In the author's words:</p>{bullets(thing)}"
        elif hasattr(figure := getattr(thing, "figure", thing), "savefig"):
            alt = f"Figure: {heading}; {words_of(figure)}"
            body = f"<p>As it was given, not made for this report:</p>{picture(figure, alt, close=False)}"
        else:
            raise InvalidInput(
                "A report takes tables, figures, views of asrlab (such as html.errors), texts and lists of texts, "
                f"not {type(thing).__name__}. Bring it to one of these."
            )
        self._given.append((heading, lambda _: body))
        return self

    def save(self, path: str | Path) -> Path:
        """Write the report as one HTML file that needs nothing else and loads nothing, or as Markdown.

        Parameters
        ----------
        path : path
            The file; replaced as a whole if it is there. Its folder is made if need be. ``.html`` holds all in one
            file; ``.md`` has its figures and sounds in a folder beside it, ``x_files`` for ``x.md`` and
            ``x.markdown_files`` for ``x.markdown``, where those of an earlier report of this name are taken away.

        Returns
        -------
        Path
            The file.

        Raises
        ------
        InvalidInput
            If the path is a folder, or ends otherwise.
        """
        path = Path(path)
        if path.is_dir():
            raise InvalidInput(f"{path} is a folder. Name a file in it, such as {path / 'report.html'}.")
        ending = path.suffix.lower()
        if ending not in _HTML | _MARKDOWN:
            raise InvalidInput(f"A report is written as .html or .md, and {path.name} is neither. Name such a file.")
        path.parent.mkdir(parents=True, exist_ok=True)
        sections, close = self._made()
        if ending in _HTML:
            _write(path, page(self.title, sections, close).encode())
            return path
        files: dict[str, bytes] = {}
        folder = path.with_name(f"{path.stem if path.suffix == '.md' else path.name}_files")
        parts = "\n".join(f"<h2>{escape(one.heading)}</h2>\n{one.body}" for one in sections)
        body = f"<h1>{escape(self.title)}</h1>\n{parts}\n<hr>\n{close}"
        text = markdown(body, quote(folder.name), files.setdefault)
        for name, content in files.items():
            folder.mkdir(exist_ok=True)
            _write(folder / name, content)
        _write(path, text.encode())
        _tidy(folder, files)
        return path

    def _made(self) -> tuple[list[Section], str]:
        """Make all sections, and what stands at the end."""
        asked, scores = self._asked, self._scores
        main = main_scores(scores)
        question = self.question
        sections = [
            Section(
                "Question",
                f"<p>In the author's words:</p>{quoted(question)}" if question else "<p>None was given.</p>",
            ),
            Section("Data", of.data(asked, scores)),
            Section("Conditions", of.grid(asked)),
            Section("What was sent, and its price", price(asked)),
            Section("What came of it", of.outcome(asked, scores)),
            Section("How it was marked", f"{of.marking(scores)}<p>{escape(self._again)}</p>"),
            *(Section(name, make(name)) for name, (_, make) in zip(self._headings(), self._given, strict=True)),
        ]
        above: set[str] = set()
        spent = 0.0
        for heading, ranked in (
            ("Utterances that went worst", worst(main)),
            ("Utterances that the settings changed most", most_changed(main)),
        ):
            # Half for each; what the first leaves, the second has too.
            budget = self._sound_mb / 2 if heading.endswith("worst") else self._sound_mb - spent
            body, used = shown_utterances(
                ranked, asked, main, n=self._n, normalizer=self._normalizer, shown_above=above, sound_mb=budget
            )
            spent += used
            sections.append(Section(heading, body))
        sections += [
            Section("Did the parameters do anything?", self._audits(main)),
            Section("Failures", of.failures(asked)),
            Section("Provenance", of.origin(asked)),
        ]
        close = (
            f"<p>Written by asrlab {escape(metadata.version('asrlab'))} from the tables above. Sound takes "
            f"{spent:.1f} MB of {self._sound_mb:g} MB that it may.</p>"
        )
        return sections, close

    def _audits(self, main: pd.DataFrame) -> str:
        table, why = audited(self._asked, main)
        shown = f"<p>{escape(why)}</p>" if table is None else shown_result(table, "Made for this report.", "Audit")
        return f"{shown}\n<h3>Flags</h3>\n{flagged(self._asked, main)}"

    def _headings(self) -> list[str]:
        """Name the sections that were given; those of one name are numbered."""
        names = [heading for heading, _ in self._given]
        return [
            f"{name} ({names[:n].count(name) + 1})" if names.count(name) > 1 else name for n, name in enumerate(names)
        ]

    def __repr__(self) -> str:
        given = "; ".join(plain(name, 40) for name in self._headings())
        return f"<Report {plain(self.title, 60)}: {given or 'no results'}>"

    def _repr_html_(self) -> str:
        question = f'<p dir="auto">{escape(plain(self.question, _SUBJECT))}</p>' if self.question else ""
        given = "".join(f"<li>{escape(plain(name, _SUBJECT))}</li>" for name in self._headings())
        return untypeset(
            f"<p>Report <b>{escape(plain(self.title, _SUBJECT))}</b></p>{question}"
            f"<p>{len(self._asked.conditions)} conditions, {self._asked.transcripts['utt_id'].nunique()} utterances; "
            f"results:</p><ul>{given or '<li>none</li>'}</ul>"
            '<p>Save it with <code>.save("report.html")</code> or <code>.save("report.md")</code>.</p>'
        )


def _write(path: Path, content: bytes) -> None:
    """Write a file as a whole or not at all."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        unfinished.write_bytes(content)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def _tidy(folder: Path, files: Mapping[str, bytes]) -> None:
    """Take away figures and sounds of an earlier report of this name."""
    for path in folder.iterdir() if folder.is_dir() else ():
        if _OURS.fullmatch(path.name) and path.name not in files:
            path.unlink(missing_ok=True)


def _check_arguments(n: object, sound_mb: object) -> None:
    if isinstance(n, bool) or not isinstance(n, Integral) or int(n) < 0:
        raise InvalidInput(f"n must be a whole number from 0, not {n!r}: it says how many utterances are shown.")
    if isinstance(sound_mb, bool) or not isinstance(sound_mb, Real) or not 0 <= float(sound_mb) < inf:
        raise InvalidInput(f"sound_mb must be a number of megabytes from 0, not {sound_mb!r}. 0 is no sound.")
