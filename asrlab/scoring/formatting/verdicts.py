"""Verdicts: whether a change made a transcript more like what was said, by every reference there is."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

import pandas as pd

from asrlab.scoring.formatting.alignment import folded
from asrlab.scoring.formatting.differences import keys_of
from asrlab.scoring.formatting.marks import marks_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from asrlab.scoring.formatting.alignment import Step
    from asrlab.scoring.formatting.differences import Block, Change
    from asrlab.scoring.formatting.spans import Parsed

#: Verdicts, and whether each is a harm; None where that cannot be said.
VERDICTS: Final[Mapping[str, bool | None]] = {
    "right": False,
    "mended": False,
    "kept": False,
    "other form": False,
    "form lost": True,
    "broken": True,
    "misheard": None,
    "wrong": None,
    "unjudged": None,
}
_SAYS: Final = {
    "right": "now as the reference writes it",
    "mended": "was wrong, is right now",
    "kept": "says the same; no reference tells which form is right",
    "other form": "says the same, and is not written as in the reference",
    "form lost": "was as the reference writes it, and says the same in another form now",
    "broken": "was right, is wrong now",
    "misheard": "misheard before, and the same written otherwise now",
    "wrong": "wrong before, and wrong in another way now",
    "unjudged": "no reference to judge by",
}


@dataclass(frozen=True)
class Side:
    """A transcript, and of each reference of its utterance the alignment with it."""

    text: Parsed
    paths: list[list[Step]]

    @cached_property
    def answers(self) -> list[dict[int, int]]:
        """Of each reference, from each item of the transcript to the one of the reference that it faces."""
        return [{step.hyp: step.ref for step in path if step.kind in {"hit", "sub"}} for path in self.paths]

    @cached_property
    def hits(self) -> list[dict[int, int]]:
        """The same, of what is equal."""
        return [{step.hyp: step.ref for step in path if step.kind == "hit"} for path in self.paths]

    def words(self, block: Block) -> str:
        """Give the words of a block as they are written, without the marks around them."""
        return self.text.written(block.first, block.last)

    def classes(self, block: Block) -> list[str]:
        """Name the classes of the numbers of a block."""
        return [item.number_class for item in self.text.items[block.first : block.last] if item.number_class]


@dataclass(frozen=True)
class Pair:
    """Two transcripts of one recording, before a setting was changed and after, and what they are judged by.

    Parameters
    ----------
    before, after : Side
        The transcripts.
    references : list of (form, Parsed)
        What was said, in all forms.
    preset : str
        The language.
    wanted : str
        Form of the reference that is to be written after.
    """

    before: Side
    after: Side
    references: list[tuple[str, Parsed]]
    preset: str
    wanted: str

    def judged(self, change: Change) -> dict[str, object]:
        """Judge one change: the columns of its row that are of the change itself."""
        sides = (self.before, change.before), (self.after, change.after)
        exact: tuple[list[str], list[str]] = ([], [])
        right = [False, False]
        words: dict[str, str] = {}
        classes: list[str] = []
        for of, (form, text) in enumerate(self.references):
            first, last = _region(sides, of)
            words.setdefault(form, text.written(first, last))
            classes += [item.number_class for item in text.items[first:last] if item.number_class]
            for n, (side, block) in enumerate(sides):
                same, as_written = self._compared(change, side, block, of, (first, last))
                right[n] |= same
                if as_written and form not in exact[n]:
                    exact[n].append(form)
        was, now = (_standing(exact[n], right=right[n]) if self.references else None for n in (0, 1))
        same_value = keys_of(self.before.text, change.before) == keys_of(self.after.text, change.after)
        verdict = self._verdict(was, now, change.kind, same_value=same_value)
        classes += [*self.after.classes(change.after), *self.before.classes(change.before)]
        texts = [side.text.text[block.begin : block.end] for side, block in sides]
        return {
            "kind": change.kind,
            "number_class": classes[0] if change.kind == "number" else pd.NA,
            "before": texts[0],
            "after": texts[1],
            "spoken": words.get("spoken", pd.NA),
            "written": words.get("written", pd.NA),
            "same_value": same_value,
            "was": was,
            "now": now,
            "verdict": verdict,
            "harm": VERDICTS[verdict],
            "begin": change.after.begin,
            "end": change.after.end,
            "what": f"{texts[0]!r} became {texts[1]!r}: {_SAYS[verdict]}",
        }

    def _compared(
        self, change: Change, side: Side, block: Block, of: int, region: tuple[int, int]
    ) -> tuple[bool, bool]:
        """Tell whether a side says what a reference does, and whether it is written so too."""
        text, kind = self.references[of][1], change.kind
        if kind in {"number", "words"}:
            same = keys_of(side.text, block) == [item.key for item in text.items[slice(*region)]]
            return same, same and folded(side.words(block)) == folded(text.written(*region))
        hits = {-1: -1, len(side.text.items): len(text.items)} | side.hits[of]  # both texts begin and end together
        if kind == "spacing":
            items = range(block.first, block.last)
            sure = bool(items) and all(n in hits for n in items)
            return True, sure and side.words(block) == text.written(hits[block.first], hits[block.last - 1] + 1)
        words, gaps = self._differing(change)
        words, gaps = ([block.first + n for n in places] for places in (words, gaps))
        if any(n not in hits for n in (*words, *gaps, *(n - 1 for n in gaps))):
            return True, False  # only what stands between words that are right can be told
        return True, all(side.text.written(n, n + 1) == text.written(hits[n], hits[n] + 1) for n in words) and all(
            _marks(side.text, n - 1, n, self.preset) == _marks(text, hits[n - 1], hits[n], self.preset) for n in gaps
        )

    def _differing(self, change: Change) -> tuple[list[int], list[int]]:
        """Find in a change of case or marks alone what differs: words, and the gaps before words, from its first on."""
        (before, was), (after, now) = (self.before.text, change.before), (self.after.text, change.after)
        length = was.last - was.first  # on both sides, which have the same words
        words = [
            n
            for n in range(length)
            if before.written(was.first + n, was.first + n + 1) != after.written(now.first + n, now.first + n + 1)
        ]
        gaps = [n for n in range(length + 1) if _gap(before, was.first + n) != _gap(after, now.first + n)]
        return words, gaps

    def _verdict(self, was: str | None, now: str | None, kind: str, *, same_value: bool) -> str:
        """Give the verdict that follows from how both sides stand to the references."""
        judges = any(form == self.wanted for form, _ in self.references)
        if was is None or now is None or (kind in {"case", "punctuation", "spacing"} and not judges):
            return "unjudged"
        if "wrong" in {was, now}:
            if now != "wrong":
                return "mended"
            return "broken" if was != "wrong" else "misheard" if same_value else "wrong"
        had, has = (self.wanted in side.split("+") for side in (was, now))
        if not judges:
            return "kept"
        return "other form" if had == has else "right" if has else "form lost"


def _region(sides: Iterable[tuple[Side, Block]], of: int) -> tuple[int, int]:
    """Find the items of a reference that either side of a change faces; an empty stretch where there are none."""
    there = [
        side.answers[of][item]
        for side, block in sides
        for item in range(block.first, block.last)
        if item in side.answers[of]
    ]
    return (min(there), max(there) + 1) if there else (0, 0)


def _standing(exact: list[str], *, right: bool) -> str:
    """Say how a side stands to the references."""
    return "+".join(sorted(exact)) or ("value" if right else "wrong")


def _gap(text: Parsed, before: int) -> str:
    """Give what stands between an item and the one before it, or the end of the text, but for white space."""
    begin = text.items[before - 1].end if before > 0 else 0
    end = text.items[before].begin if before < len(text.items) else len(text.text)
    return "".join(text.text[begin:end].split())


def _marks(text: Parsed, left: int, right: int, preset: str) -> list[str]:
    """Give the marks from one item to another; where others are between, the marks around them come together."""
    return [mark for n in range(left + 1, right + 1) for mark in marks_in(_gap(text, n), preset)]
