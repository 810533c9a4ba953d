"""Alignment: which unit of a transcript answers which unit of the reference, for a person to read.

One pair of texts goes through jiwer, which also lays the lines out. Where several alignments have jiwer's subs, dels
and ins, the units that look or sound alike are paired (:mod:`asrlab.scoring.paths`).
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import jiwer
import numpy as np
import pandas as pd
from wcwidth import wcswidth

from asrlab.errors import InvalidInput
from asrlab.normalize import choose
from asrlab.scoring.alternatives import nearest_wording
from asrlab.scoring.codes import code_points, encode
from asrlab.scoring.counts import check_ties
from asrlab.scoring.paths import DEL, HIT, INS, KINDS, SUB, Steps, alike, errors, with_hits
from asrlab.scoring.script import refuse_tagged
from asrlab.scoring.sheet import Recipe
from asrlab.scoring.tokens import unit_for
from asrlab.scoring.variants import variants_in
from asrlab.shown import Shown, facts
from asrlab.text import escape

if TYPE_CHECKING:
    from asrlab.normalize import NormalizerChoice
    from asrlab.scoring.variants import VariantsChoice

_JIWER: Final = {"hit": "equal", "sub": "substitute", "del": "delete", "ins": "insert"}
_KIND_OF: Final = {"equal": HIT, "substitute": SUB, "delete": DEL, "insert": INS}
_AS_THEY_ARE: Final = jiwer.Compose([])
#: Terminal cells in a line, and blocks of lines in a repr.
_WIDTH: Final = 100
_BLOCKS: Final = 3
#: Characters that stand for a unit's first cell start here; the one before is for its other cells.
_PRIVATE: Final = 0xF0001


@dataclass(frozen=True, repr=False)
class Edit(Shown):
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

    kind: str
    ref: str | None
    hyp: str | None


@dataclass(frozen=True, repr=False)
class Alignment(Shown):
    """A reference and a transcript, unit by unit.

    ``str()`` of it gives jiwer's view, in lines of up to 100 terminal cells; ``repr()`` the first of them.

    Parameters
    ----------
    unit : {"word", "char", "codepoint", "mixed"}
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
            One row an edit: ``kind`` (hit, sub, del, ins), ``ref`` and ``hyp``, ``<NA>`` where there is no unit, and
            their places ``ref_pos`` and ``hyp_pos``, from 0; of a unit that is not there, the place of the one that it
            stands or would stand before. For many pairs at once see :func:`asrlab.edits`.
        """
        steps = [(edit.kind, edit.ref, edit.hyp) for edit in self.edits]
        frame = pd.DataFrame(steps, columns=["kind", "ref", "hyp"], dtype="string")
        for side in ("ref", "hyp"):
            there = frame[side].notna().to_numpy(np.int64)
            frame[f"{side}_pos"] = pd.array(np.cumsum(there) - there, dtype="Int64")
        return frame

    def _count(self, kind: str) -> int:
        return sum(edit.kind == kind for edit in self.edits)

    def __str__(self) -> str:
        return "\n\n".join(self._blocks())

    def __repr__(self) -> str:
        blocks = self._blocks()
        more = [f"… {len(blocks) - _BLOCKS} more such lines"] if len(blocks) > _BLOCKS else []
        return "\n\n".join([*blocks[:_BLOCKS], *more])

    def _repr_html_(self) -> str:
        counts = [(name, getattr(self, name)) for name in ("ref_len", "hits", "subs", "dels", "ins")]
        return f"{facts(f'Alignment by {self.unit}', counts)}<pre>{escape(repr(self))}</pre>"

    def _blocks(self) -> list[str]:
        """Let jiwer lay the lines out in private characters, one a terminal cell, and put the units in after."""
        places: dict[str, int] = {}
        cells: dict[int, str] = {_PRIVATE - 1: ""}
        sides: tuple[list[str], list[str]] = ([], [])
        for edit in self.edits:
            for side, unit in zip(sides, (edit.ref, edit.hyp), strict=True):
                if unit is not None:
                    code = places.setdefault(unit, _PRIVATE + len(places))
                    cells[code] = _printable(unit)
                    side.append(chr(code) + chr(_PRIVATE - 1) * (wcswidth(cells[code]) - 1))
        chunks = []
        at = to = 0
        for edit in self.edits:
            end = at + (edit.ref is not None), to + (edit.hyp is not None)
            chunks.append(jiwer.AlignmentChunk(_JIWER[edit.kind], at, end[0], to, end[1]))
            at, to = end
        lines = jiwer.visualize_alignment(
            _output(sides, chunks, characters=self.unit in {"char", "codepoint"}),
            show_measures=False,
            skip_correct=False,
            line_width=_WIDTH,
        )
        _, _, lines = lines.translate(cells).partition("\n\n")
        return ["\n".join(map(str.rstrip, block.split("\n"))) for block in lines.rstrip("\n").split("\n\n")]


def align(
    reference: str,
    hypothesis: str,
    *,
    language: str | None = None,
    unit: str = "auto",
    normalizer: NormalizerChoice = "auto",
    ties: str = "jiwer",
    variants: VariantsChoice | None = None,
) -> Alignment:
    """Normalise two texts, cut them into units and align them.

    Parameters
    ----------
    reference : str
        What was said; of alternatives in it, such as ``{um|uh|}``, what is nearest to what was heard is aligned. A
        plain text with braces and bars goes through :func:`asrlab.wordings.literal`.
    hypothesis : str
        What was heard; ``""`` if nothing was.
    language : str, optional
        Language code: chooses unit and normalizer where these are ``"auto"``.
    unit : {"auto", "word", "char", "codepoint", "mixed"}
        ``"auto"`` goes by the language, else by the script of the reference. See
        :func:`asrlab.scoring.tokens.tokens`.
    normalizer : str, Normalizer, or mapping of language to either
        See :func:`asrlab.normalizer`.
    ties : {"jiwer", "sclite"}
        Whose subs, dels and ins where several alignments are equally short.
    variants : DataFrame, sequence of sequence of str, or path, optional
        What may be written in several ways; see :func:`asrlab.score`.

    Returns
    -------
    Alignment
        Its counts are those that :func:`asrlab.score` gives for the same texts. What is right is as in jiwer's
        alignment; between one right unit and the next, those that look or sound alike are paired.

    Raises
    ------
    InvalidInput
        If a text is missing, alternatives or variants are broken, unit, normalizer or ties is unknown, or two texts are
        too long for ``"sclite"``.

    Examples
    --------
    >>> align("The cat sat on the mat.", "the cat sit on mat today", language="en")
    REF: the cat sat on the   mat
    HYP: the cat sit on mat today
                   S      S     S
    >>> align("我想喝latte", "我想喝辣椒", unit="mixed")
    REF: 我 想 喝 latte **
    HYP: 我 想 喝    辣 椒
                      S  I
    """
    for name, text in (("reference", reference), ("hypothesis", hypothesis)):
        if not isinstance(text, str):
            raise InvalidInput(
                f"The {name} must be a text, not {text!r}. A trial that was not answered has no transcript to align; "
                'write "" only where nothing was heard.'
            )
    check_ties(ties)
    chosen = unit_for(language, reference) if unit == "auto" else unit
    normalise = choose(normalizer, language, reference)
    refuse_tagged(normalise, [language] if language else [])
    reference = nearest_wording(reference, hypothesis, Recipe(chosen, normalise), ties, variants_in(variants))
    codes = encode([normalise(reference), normalise(hypothesis)], chosen)
    units = [codes.units(code_points([text])) for text in codes.texts]
    one, two = np.array([0]), np.array([1])
    path = alike(_by_jiwer(*units), codes, one, two) if ties == "jiwer" else errors(codes, one, two, ties)
    steps = with_hits(path, *(np.array([len(side)]) for side in units))
    return Alignment(
        chosen,
        tuple(
            Edit(
                KINDS[kind],
                None if kind == INS else units[0][ref_pos],
                None if kind == DEL else units[1][hyp_pos],
            )
            for kind, ref_pos, hyp_pos in zip(*(column.tolist() for column in steps[1:]), strict=True)
        ),
    )


def _output(
    sides: tuple[list[str], list[str]], chunks: list[jiwer.AlignmentChunk], *, characters: bool
) -> jiwer.WordOutput | jiwer.CharacterOutput:
    """Give jiwer an alignment to lay out; its measures are not asked for."""
    counts = {"hits": 0, "substitutions": 0, "deletions": 0, "insertions": 0}
    if characters:
        return jiwer.CharacterOutput([sides[0]], [sides[1]], [chunks], cer=0, **counts)
    return jiwer.WordOutput([sides[0]], [sides[1]], [chunks], wer=0, mer=0, wil=0, wip=0, **counts)


def _by_jiwer(ref: list[str], hyp: list[str]) -> Steps:
    """Give the errors of jiwer's alignment."""
    cut: Any = [ref], [hyp]  # units already, which jiwer's annotations do not provide for
    chunks = jiwer.process_words(cut[0], cut[1], _AS_THEY_ARE, _AS_THEY_ARE).alignments[0]
    steps = [
        (
            0,
            _KIND_OF[chunk.type],
            chunk.ref_start_idx + n * (chunk.type != "insert"),
            chunk.hyp_start_idx + n * (chunk.type != "delete"),
        )
        for chunk in chunks
        if chunk.type != "equal"
        for n in range(max(chunk.ref_end_idx - chunk.ref_start_idx, chunk.hyp_end_idx - chunk.hyp_start_idx))
    ]
    pair, kind, ref_pos, hyp_pos = np.array(steps, np.int64).reshape(-1, 4).T
    return Steps(pair, kind.astype(np.int8), ref_pos, hyp_pos)


def _printable(unit: str) -> str:
    # Controls and direction marks would move the columns, or the reader's terminal; a mark alone needs a base.
    shown = "".join("\ufffd" if unicodedata.category(sign)[0] == "C" and sign != "\u200d" else sign for sign in unit)
    return shown if wcswidth(shown) > 0 else "\u25cc" + shown
