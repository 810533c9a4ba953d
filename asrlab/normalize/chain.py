"""A normalizer: a named, versioned chain of steps from text to text that takes away what must not count as an error."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from asrlab.errors import InvalidInput
from asrlab.shown import Shown
from asrlab.text import plain

if TYPE_CHECKING:
    from collections.abc import Callable

#: Rounds after which a chain that settles has done so; it takes two, and a third to see it.
_ROUNDS: Final = 8


@dataclass(frozen=True, repr=False)
class Normalizer(Shown):
    """A named chain of steps from text to text.

    Parameters
    ----------
    name : str
        Name and version as it stands in tables, such as ``"en-2"``.
    steps : tuple of callables
        Functions of one text, applied in order. The chain should be idempotent.
    settle : bool
        Apply the whole chain again until it changes nothing more. For steps that look at marks which later ones take
        out: once they are gone, the first may find something new.

    Examples
    --------
    >>> shout = Normalizer("shout-1", (str.upper,))
    >>> shout("hello")
    'HELLO'
    >>> shout
    <Normalizer shout-1: upper>
    """

    name: str
    steps: tuple[Callable[[str], str], ...]
    settle: bool = False

    def __call__(self, text: str) -> str:
        """Apply all steps to one text."""
        for _ in range(_ROUNDS if self.settle else 1):
            before = text
            for step in self.steps:
                text = step(text)
                if not isinstance(text, str):
                    raise InvalidInput(
                        f"Step {_name(step)!r} of {self!r} gave {text!r} for a text. It must return a text."
                    )
            if text == before:
                break
        return text

    def then(self, name: str, *steps: Callable[[str], str]) -> Normalizer:
        """Make a chain of this one's steps and further ones, under another name.

        Parameters
        ----------
        name : str
            Name and version of the new chain.
        *steps : callables
            Functions of one text, applied after those that are there.

        Returns
        -------
        Normalizer
            Settles if this one does.
        """
        return Normalizer(name, (*self.steps, *steps), settle=self.settle)

    def __repr__(self) -> str:
        names = [_name(step).replace("_", " ") for step in self.steps]
        again = ", until nothing changes" if self.settle else ""
        return f"<Normalizer {plain(self.name, 80)}: {' > '.join(names) or 'text as it is'}{again}>"

    def _titled(self) -> str:
        return f"Normalizer {self.name}"

    def _told(self) -> list[tuple[str, object]]:
        steps = [_name(step).replace("_", " ") for step in self.steps]
        return [
            *((f"step {place}", name) for place, name in enumerate(steps, 1)),
            ("applied", "until nothing changes" if self.settle else "once"),
        ]


def _name(step: Callable[[str], str]) -> str:
    return str(getattr(step, "__name__", type(step).__name__))
