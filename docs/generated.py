"""What these pages take from elsewhere: tables from code, help of verbs as it is shown, and README.md."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

from asrlab.data.checks import CHECKS
from asrlab.tables import SCHEMAS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import click
    from sphinx.application import Sphinx

#: Of the three columns of a table, in per cent.
_WIDTHS = (25, 15, 60)


class Schemas(SphinxDirective):
    """A section for each table, with a row a column: its name, dtype and meaning."""

    def run(self) -> list[nodes.Node]:
        """Make the sections."""
        return [self._section(name, columns) for name, columns in SCHEMAS.items()]

    def _section(self, name: str, columns: Mapping[str, tuple[str, str]]) -> nodes.section:
        section = nodes.section("", nodes.title("", name), names=[name])
        self.state.document.note_explicit_target(section)
        section += _table("column", "dtype", "meaning and unit", rows=columns)
        return section


class Checks(SphinxDirective):
    """A row for each thing that is looked for in a dataset."""

    def run(self) -> list[nodes.Node]:
        """Make the table."""
        return [_table("check", "severity", "what it means", rows=CHECKS)]


def _table(*head: str, rows: Mapping[str, tuple[str, str]]) -> nodes.table:
    group = nodes.tgroup("", *(nodes.colspec("", colwidth=width) for width in _WIDTHS), cols=len(_WIDTHS))
    group += nodes.thead("", _row(map(nodes.Text, head)))
    group += nodes.tbody("", *(_row([nodes.literal("", name), *map(nodes.Text, row)]) for name, row in rows.items()))
    return nodes.table("", group)


def _row(cells: Iterable[nodes.Node]) -> nodes.row:
    return nodes.row("", *(nodes.entry("", nodes.paragraph("", "", cell)) for cell in cells))


def _as_typed(_app: Sphinx, _context: click.Context, lines: list[str]) -> None:
    """Let what is indented in the help of a verb stand as it is typed."""
    before = ["", *lines]
    for number in reversed(range(len(lines))):
        if lines[number].startswith(" ") and not before[number]:
            lines[number:number] = ["::", ""]


def _from_above(_app: Sphinx, _path: object, _page: str, content: list[str]) -> None:
    """Let links and pictures of README.md lead where they lead from there: what includes it is a folder below."""
    content[0] = re.sub(r"\]\((?![a-z]+:|#)", "](../", content[0])


def setup(app: Sphinx) -> dict[str, bool]:
    """Enter the directives, and what is done to texts that were not written for these pages."""
    app.add_directive("schemas", Schemas)
    app.add_directive("checks", Checks)
    app.connect("include-read", _from_above)
    app.connect("sphinx-click-process-description", _as_typed)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
