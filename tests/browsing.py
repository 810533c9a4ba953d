"""A real browser on notebooks and pages: servers on this machine, and no way out of it.

What is opened here is watched: a request for anything elsewhere is refused and noted, and so are dialogs and what a
page throws. A test that says nothing else fails when there was any of these, or when foreign text ran
(``window.pwned``).
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect, sync_playwright

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync", "--autoplay-policy=no-user-gesture-required"),
)
OURS = re.compile(r"http://127\.0\.0\.1[:/]|ws://127\.0\.0\.1[:/]|data:|blob:|file:|about:")
#: Voila asks for an icon font that it does not need: the one thing of the hosts that is not on this machine.
ICONS = re.compile(r"https://cdn\.jsdelivr\.net/npm/@fortawesome/fontawesome-free@[^/]*/css/[a-z0-9-]*\.min\.css")
PATIENCE_MS = 60_000  # two busy cores start a kernel, and Chromium, in a fraction of it


@contextlib.contextmanager
def chromium():
    """Start the browser; where there is none the test is skipped, and fails where the gate has to have it."""
    if CHROMIUM is None:
        if os.environ.get("ASRLAB_GATE"):
            pytest.fail("The gate must open pages in a browser, and has none: install chromium, as .ci/run does.")
        pytest.skip("No browser here: install chromium (Debian: apt install chromium) to have pages opened.")
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Visit:
    """A page, and what was noted of it."""

    page: object
    outside: list = field(default_factory=list)
    dialogs: list = field(default_factory=list)
    thrown: list = field(default_factory=list)
    known: re.Pattern = ICONS
    thrown_by_host: frozenset = frozenset()

    def shot(self, name):
        """Keep a picture of the whole page where ASRLAB_SCREENSHOTS says, to be looked at."""
        if folder := os.environ.get("ASRLAB_SCREENSHOTS"):
            Path(folder).mkdir(parents=True, exist_ok=True)
            self.page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)

    def faults(self, *, within=None, but=()):
        """What axe-core finds serious or critical: rule and elements, in ``within``, but not of the hosts' ``but``."""
        context = {"include": [within] if within else ["html"], "exclude": [[selector] for selector in but]}
        found = Axe().run(self.page, context=context).response["violations"]
        return [
            f"{rule['id']}: {' '.join(map(str, node['target']))}: {node['html'][:200]}"
            for rule in found
            if rule["impact"] in {"serious", "critical"}
            for node in rule["nodes"]
        ]

    def unharmed(self):
        """See to it that the page stayed on this machine, threw nothing, and that nothing foreign ran."""
        assert [url for url in self.outside if not self.known.fullmatch(url)] == []
        assert self.dialogs == []
        assert [error for error in self.thrown if error not in self.thrown_by_host] == []
        assert [frame.evaluate("window.pwned") for frame in self.page.frames] == [None] * len(self.page.frames)


def shape(found):
    """Give the elements of a locator with all below them in order: how deep, which tag, and the text to know it by."""
    return found.evaluate_all(
        "all => { const lines = []; const go = (e, deep) => { lines.push([`${deep} ${e.tagName}`, e.textContent]);"
        " for (const child of e.children) go(child, deep + 1); }; for (const e of all) go(e, 0);"
        " return lines.map(([tag, text]) => [tag, text.trim().slice(0, 60)]); }"
    )


def assert_same_but_for_text(one, other):
    """See to it that two shapes have the same elements; else show where they part."""
    parts = next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a[0] != b[0]), None)
    if parts is None and len(one) != len(other):
        parts = min(len(one), len(other))
    assert parts is None, f"they part after {one[:parts][-3:]}: {one[parts : parts + 3]} {other[parts : parts + 3]}"


@contextlib.contextmanager
def visit(browser, url, *, size=(1200, 1600), known=ICONS, thrown_by_host=()):
    """Open a page; in the end it has to be unharmed, and to have asked for nothing elsewhere but what is known."""
    with contextlib.closing(browser.new_context(viewport={"width": size[0], "height": size[1]})) as context:
        seen = Visit(context.new_page(), known=known, thrown_by_host=frozenset(thrown_by_host))

        def gate(route):
            if OURS.match(route.request.url):
                route.continue_()
            else:
                seen.outside.append(route.request.url)
                route.abort()

        def refuse(dialog):
            seen.dialogs.append(dialog.message)
            dialog.dismiss()

        context.route("**/*", gate)
        seen.page.on("dialog", refuse)
        seen.page.on("pageerror", lambda error: seen.thrown.append(str(error)))
        seen.page.set_default_timeout(PATIENCE_MS)
        seen.page.goto(url, wait_until="domcontentloaded")  # not "load": what is refused may hold that
        yield seen
        seen.unharmed()


@contextlib.contextmanager
def served(kind, folder):
    """Serve a folder of notebooks by voila, lab or notebook, on a free port, with settings of its own; gives its URL.

    Kernels find what is in this folder of tests, so that a notebook can import it.
    """
    home = Path(folder) / f".{kind}"
    (home / "config" / "labconfig").mkdir(parents=True)
    quiet = {"disabledExtensions": {"@jupyterlab/apputils-extension:announcements": True}}  # that one asks for news
    (home / "config" / "labconfig" / "page_config.json").write_text(json.dumps(quiet))
    own = {
        name: str(home / name.lower())
        for name in ("JUPYTER_DATA_DIR", "JUPYTERLAB_WORKSPACES_DIR", "JUPYTERLAB_SETTINGS_DIR", "JUPYTER_RUNTIME_DIR")
    }
    own |= {"JUPYTER_CONFIG_DIR": str(home / "config"), "IPYTHONDIR": str(home / "ipython")}
    own |= {"PYTHONPATH": os.pathsep.join(filter(None, [str(Path(__file__).parent), os.environ.get("PYTHONPATH")]))}
    for attempt in range(3):  # another process may take the port between our look and its start
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            port = taken.getsockname()[1]
        with (home / "log.txt").open("a") as log:
            process = subprocess.Popen(_command(kind, folder, port), env=os.environ | own, stdout=log, stderr=log)
        try:
            if _answers(process, port):
                yield f"http://127.0.0.1:{port}", own
                return
            assert attempt < 2, f"{kind} did not start:\n{(home / 'log.txt').read_text()[-2000:]}"
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _command(kind, folder, port):
    module, app = {"voila": ("voila", "Voila"), "lab": ("jupyterlab", "LabApp"), "notebook": ("notebook", None)}[kind]
    command = [sys.executable, "-m", module]
    if kind == "voila":
        return [*command, str(folder), f"--port={port}", "--no-browser", "--Voila.ip=127.0.0.1"]
    command += ["--no-browser", "--allow-root", "--ip=127.0.0.1", f"--port={port}", "--IdentityProvider.token="]
    return [*command, f"--{app or 'JupyterNotebookApp'}.expose_app_in_browser=True", f"--ServerApp.root_dir={folder}"]


def _answers(process, port):
    end = time.monotonic() + PATIENCE_MS / 1000
    while process.poll() is None and time.monotonic() < end:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/api", timeout=2):
                return True
        except urllib.error.HTTPError:  # it is there
            return True
        except OSError:
            time.sleep(0.05)
    return False


def plays(page, audio):
    """Have an audio element play, from code, and say whether its time moves."""
    audio.evaluate("a => { a.muted = true; a.play(); }")
    return moves(page, audio)


def moves(page, audio):
    """Wait until the time of an audio element has moved on by itself; a word may be over before one looks."""
    played = "a => [...Array(a.played.length).keys()].some(k => a.played.end(k) - a.played.start(k) > 0.05)"
    page.wait_for_function(played, arg=audio.element_handle())
    return True
