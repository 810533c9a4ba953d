"""Heard: one answer with all that is known of it, as every detector is given it, and what a detector finds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from asrlab.scoring.tokens import tokens

if TYPE_CHECKING:
    from asrlab.scoring.sheet import Recipe


class Heard(NamedTuple):
    """An answer: what was heard, what was said where that is known, and what was asked.

    Only answers are heard: a trial that failed, is unknown or was not run is never given to a detector.

    Parameters
    ----------
    row : int
        Place of the answer in the table of transcripts, from 0.
    text : str
        The transcript as given; ``""`` where nothing was heard.
    units : tuple of str
        Its normalised units.
    recipe : Recipe
        How a text becomes units: ``recipe.unit`` is word, char, codepoint or mixed.
    reference : str or None
        The wording that the answer was aligned with, as given; ``""`` where nothing was said, None where it is not
        known what was.
    said : tuple of str or None
        Its normalised units.
    steps : str or None
        The alignment from first to last, a letter a step: H for a unit that is right, S substituted, D deleted, I
        inserted. All but D use up one of ``units``, all but I one of ``said``.
    spoken : str or None
        Code of the language of the recording, where it is known.
    hint : str or None
        Code of the language that was asked for; None without a hint, and where it is not known.
    detected : str or None
        Code of the language that the engine reports.
    context : str or None
        The context that was sent; None without one, and where it is not known.
    items : tuple of str
        The terms of that context in their order, as written.
    audio_s : float or None
        Length of the recording in seconds.

    Examples
    --------
    >>> from asrlab.normalize import normalizer
    >>> from asrlab.scoring.sheet import Recipe
    >>> one = Heard(0, "a Cat sat", ("a", "cat", "sat"), Recipe("word", normalizer("none")), "the cat", ("the", "cat"),
    ...             "SHI", "en", None, None, None, (), None)
    >>> one.right, one.errors, one.cut("two words")
    ([False, True, False], 2, ('two', 'words'))
    """

    row: int
    text: str
    units: tuple[str, ...]
    recipe: Recipe
    reference: str | None
    said: tuple[str, ...] | None
    steps: str | None
    spoken: str | None
    hint: str | None
    detected: str | None
    context: str | None
    items: tuple[str, ...]
    audio_s: float | None

    @property
    def right(self) -> list[bool]:
        """Whether each of the units is right; none is where there is no reference."""
        if self.steps is None:
            return [False] * len(self.units)
        return [step == "H" for step in self.steps if step != "D"]

    @property
    def errors(self) -> int | None:
        """Substituted, deleted and inserted units; None where there is no reference."""
        return None if self.steps is None else len(self.steps) - self.steps.count("H")

    def cut(self, text: str) -> tuple[str, ...]:
        """Cut another text, such as a term or a context, into units as this one was."""
        return tuple(tokens(self.recipe.normalizer(text), self.recipe.unit))


class Finding(NamedTuple):
    """What a detector found in an answer.

    Parameters
    ----------
    row : int
        ``row`` of the answer.
    flag : str
        What was found, in a word or two, such as "leak" or "script".
    value : float or None
        How much of it; ``what`` says in which unit.
    begin, end : int or None
        The units it is about, the end left out; None where it is about the whole answer.
    evidence : str or None
        Those words. None: they are taken from the transcript by begin and end.
    what : str
        One sentence for people, such as "5 terms of the context stand in a row where none was said".
    """

    row: int
    flag: str
    value: float | None
    begin: int | None
    end: int | None
    evidence: str | None
    what: str


#: Looks through answers and tells what it finds, in any order; an answer may have none or several.
Detector: TypeAlias = Callable[[Sequence[Heard]], list[Finding]]
