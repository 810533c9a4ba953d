"""Page: the sections of a report as one HTML file that makes no request."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from asrlab.text import escape

if TYPE_CHECKING:
    from collections.abc import Sequence

_POLICY: Final = "default-src 'none'; img-src data:; media-src data:; style-src 'unsafe-inline'"
_STYLE: Final = """
:root { color-scheme: light }
body { font: 1em/1.5 system-ui, sans-serif; color: #000; background: #fff }
body { max-width: 64em; margin: 2em auto; padding: 0 1em; overflow-wrap: break-word }
h1, h2, h3 { line-height: 1.2; break-after: avoid }
h2 { margin-top: 2em; border-bottom: 1px solid #767676 }
a { color: #00509e }
nav ol { columns: 18em }
section { overflow-x: auto }
section:focus-visible, a:focus-visible { outline: 2px solid #00509e }
table { font-size: .88em }
caption { text-align: left; font-weight: bold }
img { max-width: 100%; height: auto }
img, tr, audio { break-inside: avoid }
dt { font-weight: bold; float: left; clear: left; margin-right: .6em }
dd { margin: 0; overflow-wrap: anywhere }
dl::after { content: ""; display: block; clear: both }
blockquote { margin: 1em 0; padding-left: .8em; border-left: 3px solid #767676 }
footer { margin-top: 3em; border-top: 1px solid #767676 }
.sound { display: none }
@page { size: A4; margin: 18mm 15mm }
@media print {
  body { max-width: none; margin: 0; padding: 0; font-size: 9pt }
  section { overflow: visible }
  audio { display: none }
  .sound { display: inline }
  table { font-size: 7.5pt }
  td, th { overflow-wrap: anywhere }
  details::details-content { content-visibility: visible; block-size: auto }
  .wide { page: wide }
}
@page wide { size: A4 landscape }
"""


#: Columns of a table from which its section is laid on paper across.
_WIDE: Final = 10
_HEAD: Final = re.compile(r"<thead>(.*?)</thead>", re.DOTALL)
#: A sound; paper has its name instead.
_SOUND: Final = re.compile(r'<audio [^>]*?title="([^"]*)"[^>]*></audio>')


class Section(NamedTuple):
    """A part of a report: its heading as text, and HTML that stands below it."""

    heading: str
    body: str


def page(title: str, sections: Sequence[Section], close: str) -> str:
    """Write a report as HTML.

    Parameters
    ----------
    title : str
        As text.
    sections : sequence of Section
        In order.
    close : str
        HTML that stands at the end.

    Returns
    -------
    str
        A whole document, which loads nothing and runs nothing.
    """
    contents = "\n".join(f'<li><a href="#s{n}">{escape(one.heading)}</a></li>' for n, one in enumerate(sections, 1))
    # Whatever is wider than the page is scrolled in its section, by keyboard too.
    parts = "\n".join(
        f'<section aria-labelledby="s{n}" tabindex="0"{_across(one.body)}>\n<h2 id="s{n}">{escape(one.heading)}</h2>\n'
        f"{_SOUND.sub(_named, one.body)}\n</section>"
        for n, one in enumerate(sections, 1)
    )
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)}</title>
<style>{_STYLE}</style>
</head>
<body>
<header>
<h1 dir="auto">{escape(title)}</h1>
</header>
<nav aria-labelledby="contents">
<h2 id="contents">Contents</h2>
<ol>
{contents}
</ol>
</nav>
<main>
{parts}
</main>
<footer>
{close}
</footer>
</body>
</html>
"""


def _across(body: str) -> str:
    wide = any(head.count("<th") >= _WIDE for head in _HEAD.findall(body))
    return ' class="wide"' * wide


def _named(sound: re.Match[str]) -> str:
    return f'{sound[0]}<span class="sound">[sound: {sound[1]}]</span>'
