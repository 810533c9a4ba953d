"""Markdown: the HTML of a report written anew, with its figures and sounds as files.

What is read is HTML of our own making, whose foreign texts are escaped; they are escaped again, for Markdown and for
HTML. Written for CommonMark with the pipe tables of GitHub Flavored Markdown.
"""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

_VOID: Final = frozenset({"img", "br", "wbr", "hr", "meta", "input", "col"})
_BLOCKS: Final = frozenset(
    {"h1", "h2", "h3", "h4", "h5", "h6", "p", "ul", "ol", "dl", "table", "div", "section", "details", "pre", "figure"}
    | {"blockquote", "audio", "header", "footer", "main", "article"}
)
#: What Markdown would take for something else than text, and what is made of it. Entities are read by both.
_ESCAPED: Final = {
    **{ord(sign): f"\\{sign}" for sign in "\\`*_[]#|~$!^{}"},
    ord("&"): "&amp;",
    ord("<"): "&lt;",
    ord(">"): "&gt;",
    ord("@"): "&#64;",
}
_LINK: Final = re.compile(r"(?<=[A-Za-z])(?::(?=/)|(?<=www)\.)", re.IGNORECASE)
#: What would begin a list, a heading or a line at the start of a paragraph.
_START: Final = re.compile(r"^(\d{1,9})([.)])(?=\s|$)|^([-+=:])")
_BLANK: Final = re.compile(r"[ \t\n\r\f]+")
_DATA: Final = re.compile(r"data:([a-z]+)/([a-z0-9.+-]+);base64,")
_FILES: Final = {"image": "figure", "audio": "sound"}
_ENDINGS: Final = {"mpeg": "mp3", "mp4": "m4a", "x-wav": "wav", "wave": "wav"}


@dataclass(frozen=True)
class _Node:
    tag: str
    attributes: dict[str, str]
    children: list[_Node | str] = field(default_factory=list)

    def all(self, *tags: str) -> Iterator[_Node]:
        """Give the nodes of these tags in it, in order."""
        for child in self.children:
            if isinstance(child, _Node):
                if child.tag in tags:
                    yield child
                else:
                    yield from child.all(*tags)


Content: TypeAlias = "_Node | str"


class _Reader(HTMLParser):
    """Reads HTML that is well formed."""

    def __init__(self, markup: str) -> None:
        super().__init__(convert_charrefs=True)
        self.top = _Node("", {})
        self._open = [self.top]
        self.feed(markup)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        node = _Node(tag, {name: value or "" for name, value in attrs})
        self._open[-1].children.append(node)
        if tag not in _VOID:
            self._open.append(node)

    def handle_endtag(self, tag: str) -> None:
        if any(node.tag == tag for node in self._open[1:]):
            while self._open.pop().tag != tag:
                pass

    def handle_data(self, data: str) -> None:
        self._open[-1].children.append(data)


def markdown(markup: str, place: str, keep: Callable[[str, bytes], object]) -> str:
    """Write HTML as Markdown.

    Parameters
    ----------
    markup : str
        HTML as this package makes it.
    place : str
        Address of the folder of files, as it stands in links.
    keep : callable
        Is given the name and content of each file; the same content has the same name.

    Returns
    -------
    str
        With an end of line at its end.
    """
    return "\n\n".join(_Writer(place, keep).blocks(_Reader(markup).top.children)) + "\n"


def marked_down(text: str) -> str:
    """Make a text safe to stand in Markdown, in one line."""
    return _LINK.sub(lambda found: f"&#{ord(found[0])};", text.translate(_ESCAPED))


class _Writer:
    def __init__(self, place: str, keep: Callable[[str, bytes], object]) -> None:
        self.place, self.keep = place, keep

    def blocks(self, contents: Sequence[Content]) -> list[str]:
        """Write contents as blocks; what is no block and stands between them makes paragraphs."""
        found: list[str] = []
        line: list[Content] = []
        for content in [*contents, _Node("p", {})]:
            if not (isinstance(content, _Node) and content.tag in _BLOCKS):
                line.append(content)
                continue
            if text := self.line(line):
                found.append(_begun(text))
            line = []
            found += self.block(content)
        return [block for block in found if block]

    def block(self, node: _Node) -> list[str]:  # noqa: PLR0911 - one for each kind
        """Write one block, or those that stand in it."""
        if re.fullmatch("h[1-6]", node.tag):
            return [f"{'#' * int(node.tag[1])} {self.line(node.children)}"]
        if node.tag == "p":
            kept = "white-space:pre-wrap" in node.attributes.get("style", "")
            return [self.lines(node) if kept else _begun(self.line(node.children))]
        if node.tag in {"ul", "ol"}:
            items = [_begun(self.line(item.children)) for item in node.all("li")]
            return ["\n".join(f"{'-' if node.tag == 'ul' else f'{n}.'} {item}" for n, item in enumerate(items, 1))]
        if node.tag == "dl":
            return ["\n".join(self.facts(node))]
        if node.tag == "table":
            return self.table(node)
        if node.tag == "pre":
            return [_fenced("".join(_texts(node)))]
        if node.tag == "blockquote":
            return ["\n".join(f"> {line}".rstrip() for line in "\n\n".join(self.blocks(node.children)).split("\n"))]
        if node.tag == "audio":
            return [self.file(node)]
        if node.tag == "details":
            summary = next(node.all("summary"), _Node("summary", {}))
            rest = [child for child in node.children if child is not summary]
            return [f"**{self.line(summary.children) or 'more'}**", *self.blocks(rest)]
        return self.blocks(node.children)

    def line(self, contents: Sequence[Content]) -> str:
        """Write contents in one line."""
        return _BLANK.sub(" ", "".join(map(self.inline, contents))).strip()

    def lines(self, node: _Node) -> str:
        """Write a text with its ends of lines."""
        rows = "".join(_texts(node)).split("\n")
        return "\\\n".join(_begun(_indented(marked_down(row))) or "&nbsp;" for row in rows)

    def inline(self, content: Content) -> str:
        if isinstance(content, str):
            return marked_down(content)
        inner = "".join(map(self.inline, content.children))
        if content.tag in {"b", "strong"} and inner.strip():
            return f"<b>{inner}</b>"
        if content.tag in {"del", "ins", "mark", "sub", "sup", "i", "em"} and inner.strip():
            return f"<{content.tag}>{inner}</{content.tag}>"
        if content.tag in {"img", "audio"}:
            return self.file(content)
        if content.tag == "br":
            return " "
        return f" {inner} " if content.tag in _BLOCKS | {"li", "td", "summary"} else inner

    def facts(self, node: _Node) -> Iterator[str]:
        for child in node.all("dt", "dd"):
            if child.tag == "dt":
                name = self.line(child.children)
            else:
                yield f"- <b>{name}</b>: {self.line(child.children)}"

    def file(self, node: _Node) -> str:
        """Keep what an image or a sound holds as a file, and write a link to it."""
        source = node.attributes.get("src", "")
        what = next(filter(None, map(node.attributes.get, ("alt", "aria-label", "title"))), node.tag)
        said = marked_down(_BLANK.sub(" ", what))
        if (of := _DATA.match(source)) is None:
            return said
        content = base64.b64decode(source[of.end() :])
        ending = re.sub("[^a-z0-9]", "", _ENDINGS.get(of[2], of[2]))
        name = f"{_FILES.get(of[1], 'file')}-{hashlib.sha256(content).hexdigest()[:12]}.{ending}"
        self.keep(name, content)
        return f"![{said}]({self.place}/{name})" if node.tag == "img" else f"[Sound: {said}]({self.place}/{name})"

    def table(self, node: _Node) -> list[str]:
        """Write a table with pipes; its caption stands above it."""
        rows = [list(row.all("th", "td")) for row in node.all("tr")]
        cells = [[text for cell in row for text in self.cell(cell)] for row in rows]
        wide = max(map(len, cells), default=0)
        if not wide:
            return []
        caption = next(node.all("caption"), None)
        if next(node.all("thead"), None) is None:
            rows, cells = [[], *rows], [[], *cells]
        first = [cell.attributes.get("style", "") for row in rows[1:2] for cell in row]
        right = [k < len(first) and "text-align:right" in first[k] for k in range(wide)]
        padded = [[*row, *[""] * (wide - len(row))] for row in cells]
        ruled = [padded[0], ["---:" if own else "---" for own in right], *padded[1:]]
        return [
            *([f"**{self.line(caption.children)}**"] if caption else []),
            "\n".join(f"| {' | '.join(row)} |" for row in ruled),
        ]

    def cell(self, node: _Node) -> list[str]:
        """Write a cell; one that spans several columns leaves the others empty."""
        span = node.attributes.get("colspan", "")
        return [self.line(node.children), *[""] * (int(span) - 1 if span.isdigit() else 0)]


def _texts(node: _Node) -> Iterator[str]:
    for child in node.children:
        if isinstance(child, str):
            yield child
        else:
            yield from _texts(child)


def _begun(line: str) -> str:
    """Keep a line from beginning what is no paragraph."""
    return _START.sub(lambda found: f"{found[1]}\\{found[2]}" if found[1] else f"\\{found[3]}", line, count=1)


def _indented(line: str) -> str:
    body = line.lstrip(" \t")
    return "&nbsp;" * (len(line) - len(body)) + body.rstrip()


def _fenced(text: str) -> str:
    longest = max(map(len, re.findall("`+", text)), default=0)
    fence = "`" * max(longest + 1, 3)
    return f"{fence}text\n{text.strip(chr(10))}\n{fence}"
