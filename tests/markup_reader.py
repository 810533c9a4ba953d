"""Reads markup as a browser would, and refuses what may do harm; and texts that try to."""

from __future__ import annotations

from html.parser import HTMLParser

HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "\"><b onmouseover='x'>",
    "$x_1$ & &amp; `code`",
    "שלום עולם \u202eabc",
    "😀 👩‍👩‍👧",
    "line\nbreak\ttab\rreturn\x00nul",
    "\ud800 alone",
    "x" * 5000,
    "</td></table></p></div>",
    "",
]
ALLOWED = {
    *("table", "caption", "thead", "tbody", "tr", "th", "td", "wbr", "p", "b", "i", "div", "bdi", "audio"),
    *("ins", "del", "mark", "details", "summary", "pre"),
}
ATTRIBUTES = {"class", "style", "dir", "scope", "colspan", "controls", "preload", "title", "src"}


class Reader(HTMLParser):
    """Collects text, and checks that only harmless tags occur and that all are closed."""

    def __init__(self, markup: str) -> None:
        super().__init__(convert_charrefs=True)
        self.text, self.open, self.seen = "", [], []
        self.feed(markup)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs):
        assert tag in ALLOWED
        assert {name for name, _ in attrs} <= ATTRIBUTES
        assert all(value == "mathjax_ignore" for name, value in attrs if name == "class")
        assert all(value.startswith("data:audio/") for name, value in attrs if name == "src")
        assert not any("url(" in value for name, value in attrs if name == "style")
        self.seen.append(tag)
        if tag != "wbr":
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data

    def handle_comment(self, data):
        raise AssertionError(data)


def squeezed(text: str) -> str:
    """Bring markup's text and its twin to what they have in common: words and signs."""
    return "".join(sign for sign in text if not sign.isspace() and sign not in "[]⏎")
