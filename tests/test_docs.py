"""The documentation: built without a warning or a network, with no link to nowhere, and whole."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag

import click
import pytest
import yaml
from browsing import chromium
from bs4 import BeautifulSoup
from public_names import public
from sphinx.util.inventory import InventoryFile

import asrlab
from asrlab import tables
from asrlab.cli import main

ROOT = Path(__file__).parents[1]
#: Links that are not ours to check; addresses of a scheduler in prose are made links, too.
ELSEWHERE = ("https://", "http://", "tcp://")


@pytest.fixture(scope="module")
def build(tmp_path_factory):
    """Build all pages, as `make docs` does: the folder, and what was said."""
    folder = tmp_path_factory.mktemp("docs")
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-j", "2", "-c", "docs"]
    where = ["-d", folder / "doctrees", ".", folder / "html"]
    return folder / "html", subprocess.run([*command, *where], cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def built(build):
    """Give the folder of pages."""
    return build[0]


@pytest.fixture(scope="module")
def page(built):
    """Read a page."""
    return lambda path: BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")


@pytest.fixture(scope="module")
def places(built):
    """Read of a page its links and anchors, once."""
    return cache(Places)


@pytest.fixture(scope="module")
def told(built):
    """What of Python is told of: its name, and where."""
    inventory = InventoryFile.loads((built / "objects.inv").read_bytes(), uri="")
    return {
        name: item.uri
        for kind, items in inventory.data.items()
        if kind.startswith("py:")
        for name, item in items.items()
    }


class Places(HTMLParser):
    """Where a page leads, what it loads, and where in it one may land; a tenth of the time of a tree."""

    def __init__(self, path):
        super().__init__()
        self.links, self.loaded, self.anchors = set(), set(), set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        for name, value in attrs:
            if name in {"id", "name"}:
                self.anchors.add(value)
            elif name == "href" and tag != "link":
                self.links.add(value)
            elif name in {"href", "src", "poster", "data"} and not value.startswith("data:"):
                self.loaded.add(value)


def test_builds_without_a_warning(build):
    _, done = build
    assert (done.stdout, done.stderr, done.returncode) == ("", "", 0)


def test_every_link_leads_somewhere(built, places):
    wrong = []
    for path in sorted(built.rglob("*.html")):
        for target in places(path).links | places(path).loaded:
            place, anchor = map(unquote, urldefrag(target))
            if place.startswith(ELSEWHERE):
                continue
            found = (path.parent / place.partition("?")[0]).resolve() if place else path.resolve()
            there = found.is_file() and found.is_relative_to(built.resolve())
            if not there or (anchor and anchor not in places(found).anchors):
                wrong.append((path.name, target))
    assert wrong == []


def test_nothing_is_loaded_from_elsewhere(built, places):
    for path in built.rglob("*.html"):
        assert [target for target in places(path).loaded if "//" in target] == [], path
    for path in built.rglob("*.css"):
        assert "url(http" not in path.read_text(encoding="utf-8"), path


def test_every_public_name_is_told_of(told):
    names = public()
    assert len(names) > len(asrlab.__all__)
    assert [name for name in names if name not in told] == []
    pages = {told[name].partition("#")[0] for name in names}
    assert pages == {
        f"docs/api/{stage}.html"
        for stage in ("data", "engines", "sweeps", "marking", "statistics", "views", "dashscope", "errors")
    }


def test_every_table_and_its_columns_are_told_of(built, page):
    told_of = page(built / "docs/tables.html")
    for name, columns in tables.SCHEMAS.items():
        section = told_of.find("section", id=name.replace("_", "-"))
        rows = [[cell.get_text() for cell in row("td")] for row in section("tr")[1:]]
        assert rows == [[column, dtype, meaning] for column, (dtype, meaning) in columns.items()], name


def test_every_verb_is_told_of(built, page):
    text = page(built / "docs/command-line.html").get_text()
    for name, command in main.commands.items():
        assert f"asrlab {name}" in text
        for option in command.params:
            if isinstance(option, click.Option) and not option.hidden:
                assert option.opts[0] in text, (name, option.opts)


def test_every_notebook_is_a_page_with_its_output(built):
    manual = (built / "docs/manual.html").read_text(encoding="utf-8")
    for notebook in ROOT.glob("notebooks/**/*.ipynb"):
        shown = notebook.relative_to(ROOT).with_suffix(".html")
        assert f'href="../{shown}"' in manual
        assert "cell_output" in (built / shown).read_text(encoding="utf-8")


def test_the_root_leads_to_the_first_page(built, page):
    assert page(built / "index.html").find("a")["href"] == "docs/index.html"
    first = page(built / "docs/index.html")
    assert first.find("h1").get_text().startswith("asrlab")
    assert "make demo" in first.get_text()


def test_search_works_from_a_folder(built):
    with chromium() as browser:
        tab = browser.new_page(viewport={"width": 390, "height": 800})
        asked = []
        tab.on("request", lambda request: asked.append(request.url))
        tab.goto(f"{(built / 'search.html').as_uri()}?q=bootstrap")
        tab.wait_for_selector("#search-results li a")
        found = [link.get_attribute("href") for link in tab.query_selector_all("#search-results li a")]
        assert any("docs/api/statistics.html" in link for link in found)
        assert [url for url in asked if not url.startswith("file:")] == []
        for name in ("docs/index", "docs/api/marking", "docs/tables", "notebooks/06-reading-errors"):
            tab.goto((built / f"{name}.html").as_uri())
            assert tab.evaluate("document.documentElement.scrollWidth") <= 390, f"{name} is wider than a phone"


def test_the_citation_says_what_the_package_says():
    said = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert {"cff-version", "message", "title", "authors"} <= set(said)  # all that its schema 1.2.0 asks for
    assert all(author.get("name") or author.get("family-names") for author in said["authors"])
    assert (said["version"], said["license"]) == (project["version"], project["license"])
