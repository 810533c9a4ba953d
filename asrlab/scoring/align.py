"""Alignment: which unit of the transcript answers which unit of the reference.

The rule is Levenshtein's with the choices of rapidfuzz where several alignments are equally short, as in jiwer. Other
tools split the same total otherwise (NIST sclite prefers hits): totals agree, subs, dels and ins need not.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import pandas as pd
from rapidfuzz.distance import Levenshtein

from asrlab.errors import InvalidInput
from asrlab.scoring.normalize import choose
from asrlab.scoring.tokens import tokens, unit_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from asrlab.scoring.normalize import NormalizerChoice

#: Units of one text: words, or one text whose characters are the units.
Units: TypeAlias = list[str] | str

_PAIRED: Final[dict[str, Literal["hit", "sub"]]] = {"equal": "hit", "replace": "sub"}
_MARKS: Final = {"hit": " ", "sub": "S", "del": "D", "ins": "I"}
_REPR_WIDTH: Final = 100


@dataclass(frozen=True)
class Edit:
    """One step of an alignment.

    Parameters
    ----------
    kind : {"hit", "sub", "del", "ins"}
        What became of the unit.
    ref : str or None
        Unit of the reference, None for an insertion.
    hyp : str or None
        Unit of the transcript, None for a deletion.
    """

    kind: Literal["hit", "sub", "del", "ins"]
    ref: str | None
    hyp: str | None


@dataclass(frozen=True, repr=False)
class Alignment:
    """A reference and a transcript, unit by unit.

    ``str()`` of it gives three full lines, ``repr()`` the same cut to the width of a page.

    Parameters
    ----------
    unit : {"word", "char"}
        What an edit is about.
    edits : tuple of Edit
        Steps from the first unit to the last.
    """

    unit: str
    edits: tuple[Edit, ...]

    @property
    def hits(self) -> int:
        """Units right."""
        return self._count("hit")

    @property
    def subs(self) -> int:
        """Units substituted."""
        return self._count("sub")

    @property
    def dels(self) -> int:
        """Units of the reference that are missing in the transcript."""
        return self._count("del")

    @property
    def ins(self) -> int:
        """Units of the transcript that nothing in the reference answers to."""
        return self._count("ins")

    @property
    def ref_len(self) -> int:
        """Units in the reference."""
        return len(self.edits) - self.ins

    @property
    def hyp_len(self) -> int:
        """Units in the transcript."""
        return len(self.edits) - self.dels

    def table(self) -> pd.DataFrame:
        """Lay the alignment out as a table.

        Returns
        -------
        DataFrame
            One row an edit: ``kind`` (hit, sub, del, ins), ``ref`` and ``hyp``, ``<NA>`` where there is no unit.
        """
        rows = [(edit.kind, edit.ref, edit.hyp) for edit in self.edits]
        return pd.DataFrame(rows, columns=["kind", "ref", "hyp"], dtype="string")

    def _count(self, kind: str) -> int:
        return sum(edit.kind == kind for edit in self.edits)

    def __str__(self) -> str:
        return self._lines(None)

    def __repr__(self) -> str:
        return self._lines(_REPR_WIDTH)

    def _lines(self, limit: int | None) -> str:
        lines = ["ref: ", "     ", "hyp: "]
        gap = " " if self.unit == "word" else ""
        used = len(lines[0])
        for edit in self.edits:
            ref, hyp = _printable(edit.ref), _printable(edit.hyp)
            width = max(_width(ref), _width(hyp), 1)
            used += width + len(gap)
            if limit is not None and used > limit:
                lines = [line + "…" for line in lines]
                break
            for row, cell in enumerate((ref or "*" * width, _MARKS[edit.kind], hyp or "*" * width)):
                lines[row] += cell + " " * (width - _width(cell)) + gap
        return "\n".join(line.rstrip() for line in lines)


def align(
    reference: str,
    hypothesis: str,
    *,
    language: str | None = None,
    unit: str = "auto",
    normalizer: NormalizerChoice = "auto",
) -> Alignment:
    """Normalise two texts, cut them into units and align them.

    Parameters
    ----------
    reference : str
        What was said.
    hypothesis : str
        What was heard; ``""`` if nothing was.
    language : str, optional
        Language code: chooses unit and normalizer where these are ``"auto"``.
    unit : {"auto", "word", "char"}
        ``"auto"`` goes by the language, else by the script of the reference.
    normalizer : str, Normalizer, or mapping of language to either
        See :func:`asrlab.normalizer`.

    Returns
    -------
    Alignment
        Its counts are those that :func:`asrlab.score` gives for the same texts.

    Raises
    ------
    InvalidInput
        If a text is missing, or unit or normalizer is unknown.

    Examples
    --------
    >>> align("The cat sat on the mat.", "the cat sit on mat today", language="en")
    ref: the cat sat on the mat
                 S      S   S
    hyp: the cat sit on mat today
    >>> align("我想喝latte", "我想喝辣椒", language="zh")
    ref: 我想喝l a tte
               S S DDD
    hyp: 我想喝辣椒***
    """
    for name, text in (("reference", reference), ("hypothesis", hypothesis)):
        if not isinstance(text, str):
            raise InvalidInput(
                f"The {name} must be a text, not {text!r}. A trial that was not answered has no transcript to align; "
                'write "" only where nothing was heard.'
            )
    chosen = unit_for(language, reference) if unit == "auto" else unit
    normalise = choose(normalizer, language)
    ref, hyp = tokens(normalise(reference), chosen), tokens(normalise(hypothesis), chosen)
    return Alignment(chosen, tuple(_edits(ref, hyp)))


def _hint(ref: Units, hyp: Units) -> int | None:
    # A first guess of the distance spares most of the matrix; below a thousand units it costs more than it saves.
    longest = max(len(ref), len(hyp))
    return longest // 8 + 8 if longest > 1000 else None


def count(ref: Units, hyp: Units) -> tuple[int, int, int, int]:
    """Count hits, subs, dels and ins, without making an alignment.

    Parameters
    ----------
    ref, hyp : list of str, or str
        Units of the reference and of the transcript, from :func:`asrlab.scoring.tokens.tokens`.

    Returns
    -------
    tuple of int
        hits, subs, dels, ins. Totals are the Levenshtein distance; the split is that of rapidfuzz and jiwer.
    """
    if ref == hyp:
        return len(ref), 0, 0, 0
    found = [tag for tag, _, _ in Levenshtein.editops(ref, hyp, score_hint=_hint(ref, hyp)).as_list()]
    subs, dels, ins = found.count("replace"), found.count("delete"), found.count("insert")
    return len(ref) - subs - dels, subs, dels, ins


def _edits(ref: Units, hyp: Units) -> Iterator[Edit]:
    for step in Levenshtein.opcodes(ref, hyp, score_hint=_hint(ref, hyp)):
        if step.tag in _PAIRED:
            pairs = zip(ref[step.src_start : step.src_end], hyp[step.dest_start : step.dest_end], strict=True)
            yield from (Edit(_PAIRED[step.tag], r, h) for r, h in pairs)
        elif step.tag == "delete":
            yield from (Edit("del", r, None) for r in ref[step.src_start : step.src_end])
        else:
            yield from (Edit("ins", None, h) for h in hyp[step.dest_start : step.dest_end])


def _printable(unit: str | None) -> str:
    # Controls and direction marks would move the columns, or the reader's terminal.
    return "".join("\ufffd" if unicodedata.category(c)[0] == "C" else c for c in unit or "")


def _width(unit: str) -> int:
    """Count terminal cells: two for East Asian wide characters, none for combining marks."""
    return sum(
        0 if unicodedata.category(c) in {"Mn", "Me"} else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in unit
    )
