"""Codes: "B12" and "b twelve" as one item each, where one of the texts of a recording writes it as a code.

No reader of numbers can know whether "b twelve" in a text is a code or a letter and a number. Beside a text that has
"B12" in the same place it is known to say the same.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from asrlab.scoring.formatting.spans import Item, Parsed

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

#: Items that one code may be said in: "v two b".
_MOST: Final = 3
_BESIDE: Final = re.compile(r"[\s-]*")


def with_codes_joined(texts: Sequence[Parsed]) -> list[Parsed]:
    """Put together in each text what another of them writes as one code of letters and digits.

    Parameters
    ----------
    texts : sequence of Parsed
        Texts of one recording.

    Returns
    -------
    list of Parsed
        The same texts. What was put together is an item of the class that its number had, so that a text has as many
        numbers of each class whatever it is held against.

    Examples
    --------
    >>> from asrlab.scoring.formatting.spans import parsed
    >>> spoken, written = with_codes_joined([parsed("take b twelve", "en"), parsed("Take B12.", "en")])
    >>> [item.key for item in spoken.items], [item.key for item in written.items]
    (['take', 'b12'], ['take', 'b12'])
    """
    codes = {item.key for text in texts for item in text.items if item.number_class == "code"}
    codes = {code for code in codes if not code.isdigit()}
    return [_joined(text, codes) for text in texts] if codes else list(texts)


def _joined(text: Parsed, codes: Collection[str]) -> Parsed:
    items: list[Item] = []
    at = 0
    while at < len(text.items):
        ends = range(min(at + _MOST, len(text.items)), at + 1, -1)
        whole = next((one for end in ends if (one := _one(text, at, end)) and one.key in codes), None)
        items.append(whole or text.items[at])
        at = next(n for n in range(at + 1, len(text.items) + 1) if text.items[n - 1].end == items[-1].end)
    return Parsed(text.text, tuple(items)) if len(items) < len(text.items) else text


def _one(text: Parsed, first: int, last: int) -> Item | None:
    """Make one item of several, of which one is a number and nothing stands between; None where they are not so."""
    some = text.items[first:last]
    numbers = [item.number_class for item in some if item.number_class]
    gaps = (text.text[left.end : right.begin] for left, right in pairwise(some))
    if len(numbers) != 1 or not all(_BESIDE.fullmatch(gap) for gap in gaps):
        return None
    return Item(some[0].begin, some[-1].end, "".join(item.key for item in some), numbers[0])
