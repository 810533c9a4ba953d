"""Text: what others wrote made safe to be shown, what measures and corrections are called, and JSON in one form."""

from __future__ import annotations

import html
import json
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

#: Unit -> what its rate is called: in a sentence, and in full.
MEASURES: Final = {
    "word": ("WER", "word error rate (WER)"),
    "char": ("CER", "character error rate (CER)"),
    "codepoint": ("CER (code points)", "character error rate (CER, code points)"),
    "mixed": ("mixed error rate", "mixed error rate"),
    "term": ("term miss rate", "term miss rate"),
    "sentence": ("sentence error rate", "sentence error rate"),
    "listed word": ("B-WER", "WER of listed words (B-WER)"),
    "unlisted word": ("U-WER", "WER of all other words (U-WER)"),
    "listed char": ("error rate of listed terms", "character error rate of listed terms"),
    "listed mixed": ("error rate of listed terms", "mixed error rate of listed terms"),
    "unlisted char": ("error rate of all else", "character error rate of all but listed terms"),
    "unlisted mixed": ("error rate of all else", "mixed error rate of all but listed terms"),
    "entity char": ("NE-CER", "CER around entities (NE-CER)"),
    "entity mixed": ("NE-WER", "mixed error rate around entities (NE-WER)"),
    "heard term": ("share of false terms", "share of false terms among those heard"),
    "false term": ("false terms per unit", "false terms per unit of the reference"),
    "distractor": ("distractors per unit", "distractors emitted per unit of the reference"),
    "entity": ("NE-FNR", "entity miss rate (NE-FNR)"),
    "entity word": ("NE-WER", "WER around entities (NE-WER)"),
    "number": ("number error rate", "number error rate"),
    "mark": ("miss rate of marks", "miss rate of punctuation marks"),
    "heard mark": ("share of false marks", "share of false marks among those written"),
    "punctuation": ("punctuation errors per mark", "punctuation errors per mark of the reference"),
    "cased word": ("case error rate", "case error rate"),
    "leak": ("leak rate", "share of answers that leak their context"),
    "script": ("share in another script", "share of answers in another script"),
    "translation": ("share that reads as translated", "share of answers that read as translated"),
}
#: Corrections that have a name of their own.
CORRECTIONS: Final = {"holm": "Holm", "max-t": "max-T", "benjamini-hochberg": "Benjamini-Hochberg"}
# Controls, and marks that turn the direction of all that follows, are spelled out.
_VISIBLE: Final[dict[int, int | str]] = {
    **{code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0)) if code not in {0x09, 0x0A}},
    **{code: f"\\u{code:x}" for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A))},
}
_ONE_LINE: Final[dict[int, int | str]] = {**_VISIBLE, 0x09: " ", **dict.fromkeys((0x0A, 0x2028, 0x2029), "⏎")}


def visible(value: object) -> str:
    """Spell out controls, all but tabs and ends of lines: what is printed must not steer a terminal."""
    return str(value).translate(_VISIBLE).encode("utf-8", "replace").decode("utf-8")


def escape(value: object) -> str:
    """Make any value safe to stand in HTML, as text or in a quoted attribute; controls become visible."""
    return html.escape(visible(value))


def plain(value: object, limit: int | None = None) -> str:
    """Bring any value to one line of printable text, cut to ``limit`` characters."""
    text = str(value).translate(_ONE_LINE).encode("utf-8", "replace").decode("utf-8")
    return text if limit is None or len(text) <= limit else text[: limit - 1] + "…"


def untypeset(markup: str) -> str:
    """Wrap HTML so that a notebook does not typeset it: "$5 and then $10" is no formula.

    JupyterLab, Notebook and Voila hand all HTML to MathJax, which leaves alone what has this class.
    """
    return f'<div class="mathjax_ignore">{markup}</div>'


def bullets(lines: Iterable[str]) -> str:
    """Make an HTML list of texts, all escaped; each is read in its own direction."""
    return "<ul>" + "".join(f'<li dir="auto">{escape(line)}</li>' for line in lines) + "</ul>"


def fingerprint(text: str) -> str:
    """Name a text by 64 bits in hexadecimal: among a million different ones, two share one at 1 in 37 million."""
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def canonical_json(value: Any) -> str:  # noqa: ANN401 - any JSON value
    """Write a JSON value with sorted keys and no spaces, not escaped to ASCII: one form of each, to be hashed."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
