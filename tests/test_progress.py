"""Progress as it is counted and said, and as it stands in terminals, logs and saved notebooks."""

from __future__ import annotations

import asyncio
import configparser
import json
import os
import re
import signal
import subprocess
import sys
import time
from array import array
from contextlib import suppress
from html.parser import HTMLParser
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import DeadKernelError
from nbconvert import HTMLExporter
from nbformat.v4 import new_code_cell, new_notebook

from asrlab.sweep import progress as module
from asrlab.sweep.progress import Progress, guarded, reporter


class Clock:
    """A clock that is moved by hand."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(module, "_now", clock)
    return clock


@pytest.fixture
def busy(clock):
    """A job of 200 trials in its 65th second, with something of everything."""
    progress = Progress(200, stored=3, usd=0.0)
    progress.begun(60)
    for i in range(50):
        clock.now += 1.3
        progress.note("answered", seconds=6.0, usd=0.0002)
        if i % 25 == 0:
            progress.note("failed", "Throttling")
    progress.throttled = 4
    return progress


# What is counted


def test_all_is_said_in_one_line(busy):
    # 48 trials ended in the last 61.1 s, and 148 are left
    assert busy.text() == (
        "52/200 trials · about 3:08 min left · 47.1 trials/min · 8 in flight · 2 failed: Throttling x2 · "
        "throttled 4 times · 5 audio min · US$0.0100 spent · 3 stored before · 1:05 min so far"
    )


def test_the_end_says_how_it_ended_and_the_clock_stands_still(busy, clock):
    busy.because = "interrupted"
    busy.finished = True
    clock.now += 3600
    stopped = "52/200 trials · stopped after 1:05 min: interrupted · 8 left in flight · 2 failed: Throttling x2"
    assert busy.text().startswith(stopped)
    assert "left ·" not in busy.text()
    assert "so far" not in busy.text()
    busy.finished = False
    busy.ended.update(answered=148)
    busy.finished = True
    assert busy.text().startswith("200/200 trials · 1:01:05 h in all · 2 failed")


def test_why_it_waits_or_stops_comes_first(busy):
    for phase in ("waiting", "stopping"):
        busy.phase = phase
        busy.because = "the service is overloaded;\n next try at 14:05"
        said = f"52/200 trials · {phase}: the service is overloaded; next try at 14:05 · 8 in flight"
        assert busy.text().startswith(said)
        assert "left" not in busy.text()
        assert busy.left_s is None  # how long it waits is not known from how fast it was


def test_what_was_never_begun_is_not_done_and_not_in_flight(clock):
    progress = Progress(10)
    progress.begun(5)
    for _ in range(4):
        progress.note("answered")
    for _ in range(5):
        progress.note("not run", "budget")
    assert (progress.done, progress.in_flight) == (4, 1)
    clock.now += 4
    assert progress.left_s == pytest.approx(1.0)  # one at one a second, not six
    progress.note("answered")
    progress.finished = True
    assert progress.text() == "5/10 trials · 0:04 min in all · 5 not run: budget x5"
    progress.because = "the budget is spent"
    assert progress.text() == "5/10 trials · stopped after 0:04 min: the budget is spent · 5 not run: budget x5"


def test_where_nothing_is_to_ask_it_says_so_from_the_start():
    progress = Progress(0, stored=64)
    said = progress.text()
    progress.finished = True
    assert said == progress.text() == "nothing to ask · 64 stored before"


def test_who_waits_for_another_does_not_know_yet_whether_there_is_anything_to_ask():
    progress = Progress(0)
    progress.phase, progress.because = "waiting", "another process drives"
    assert progress.text() == "waiting: another process drives"
    progress.because, progress.finished = None, True
    assert progress.text() == "nothing to ask"


def test_what_is_stopped_before_that_is_known_does_not_say_that_nothing_is_to_be_asked():
    progress = Progress(0)
    progress.because, progress.finished = "interrupted", True
    assert progress.text() == "stopped: interrupted"


def test_where_the_error_output_is_closed_nothing_is_said(monkeypatch, capsys):
    monkeypatch.setattr(sys, "stderr", None)
    progress = Progress(9)
    progress.finished = True
    reporter()(progress)
    assert capsys.readouterr().out == ""


def test_dollars_are_said_only_where_something_is_paid_for():
    free, paid = Progress(9), Progress(9, usd=0.0)
    for progress in (free, paid):
        progress.note("answered", seconds=7200, usd=1234.5)
    assert "US$" not in free.text()
    assert free.usd is None
    assert "120 audio min · US$1,234.50 spent" in paid.text()
    assert "US$0.00 spent" in Progress(9, usd=0.0).text()


def test_the_codes_that_come_most_often_are_named_and_the_others_counted():
    progress = Progress(100)
    for code, n in {"A": 5, "B": 4, "C": 3, "D": 2, "E": 1}.items():
        for _ in range(n):
            progress.note("unknown" if code == "A" else "failed", code)
    assert "10 failed, 5 unknown: A x5, B x4, C x3, others x3" in progress.text()


def test_the_rate_is_that_of_late(clock):
    progress = Progress(100_000)
    for _ in range(36_000):  # an hour at 10 a second
        clock.now += 0.1
        progress.note("answered")
    assert progress.rate == pytest.approx(10, rel=0.01)
    for _ in range(90):  # then one a second
        clock.now += 1.0
        progress.note("answered")
    assert progress.rate == pytest.approx(1, rel=0.05)
    assert progress.left_s == pytest.approx((100_000 - 36_090) / progress.rate)
    clock.now += 540  # then none for nine minutes
    assert progress.rate == pytest.approx(0.1, rel=0.05)


def test_the_rate_of_slow_trials_is_that_of_the_last_twenty(clock):
    progress = Progress(1000)
    assert progress.rate is None
    for i in range(200):  # each takes five minutes, later one
        clock.now += 300 if i < 100 else 60
        progress.note("answered")
    assert progress.rate == pytest.approx(1 / 60)
    assert "1 trials/min" in progress.text()


@pytest.mark.parametrize(("rate", "said"), [(1234.4, "1,234 trials/s"), (1.634, "1.63 trials/s"),
                                            (0.5, "30 trials/min"), (0.01, "36 trials/h")])  # fmt: skip
def test_a_rate_is_said_in_the_unit_that_suits_it(clock, rate, said):
    progress = Progress(10**6)
    for _ in range(3):
        progress.note("answered")
    clock.now += 3 / rate
    assert said in progress.text()


def test_a_million_notes_are_cheap_and_keep_nothing_each():
    progress = Progress(10**6, usd=0.0)
    report = reporter("log")
    began = time.process_time()
    for i in range(10**6):
        progress.begun()
        progress.note("answered", seconds=1.0, usd=0.001)
        if i % 10 == 0:
            report(progress)
    assert time.process_time() - began < 10  # 10 us each; walking through what went before would take hours
    assert len(progress._samples) < 100


def test_few_moments_are_kept_however_long_it_takes(clock):
    progress = Progress(10**6)
    for _ in range(100_000):
        clock.now += 0.9
        progress.note("answered")
    assert len(progress._samples) < 100


def test_a_snapshot_holds_plain_values(busy):
    snapshot = json.loads(json.dumps(busy.snapshot()))
    assert snapshot == busy.snapshot()
    wanted = {"done": 52, "total": 200, "answered": 50, "not_run": 0, "codes": {"Throttling": 2}, "in_flight": 8}
    assert wanted.items() <= snapshot.items()
    assert snapshot["rate_per_s"] == pytest.approx(48 / 61.1)
    assert snapshot["usd"] == pytest.approx(0.01)
    busy.finished = True
    assert busy.snapshot()["left_s"] is None


# What others wrote


class Parsed(HTMLParser):
    """The tags and the text of a piece of HTML."""

    def __init__(self, markup):
        super().__init__()
        self.tags, self.words = [], ""
        self.feed(markup)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.words += "\n" * (tag == "br")

    def handle_data(self, data):
        self.words += data


def test_what_a_service_says_is_shown_and_does_nothing(busy):
    hostile = "<script>alert(1)</script>\x1b[2J\r\n\u202eevil \ud83d"
    busy.note("failed", hostile)
    busy.phase, busy.because = "waiting", hostile + "long " * 1000
    for text in (busy.text(), busy.markup()):
        assert text.isprintable()
        assert len(text) < 700
        text.encode()
    page = Parsed(busy.markup())
    assert page.tags == ["progress", "br", "br"]
    assert " ".join(page.words.replace("\n", " · ").split()) == busy.text()  # the two say the same
    assert "<script>alert(1)</script> [2J evil x1" in page.words


# Where it is shown


def test_who_watches_cannot_end_what_is_watched(caplog):
    seen = []

    def fail(progress):
        seen.append(progress.done)
        raise ZeroDivisionError

    report, progress = guarded(fail), Progress(3)
    for _ in range(3):
        progress.note("answered")
        report(progress)
    assert seen == [1, 2, 3]  # it may recover
    assert [record.message for record in caplog.records] == ["Progress could not be reported"]
    assert "ZeroDivisionError" in caplog.text


def test_a_log_gets_few_lines_and_one_at_each_turn(clock, capsys):
    report = reporter("log")
    progress = Progress(36_000)
    for i in range(36_000):  # ten hours
        clock.now += 1
        progress.phase = "waiting" if 20_000 <= i < 20_005 else "running"
        progress.note("answered")
        report(progress)
    progress.finished = True
    report(progress)
    lines = capsys.readouterr().err.splitlines()
    assert 150 < len(lines) < 200
    assert all(re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d [\d,]+/36,000 trials · ", line) for line in lines)
    assert sum("waiting" in line for line in lines) == 1
    assert "36,000/36,000 trials · 10:00:00 h in all" in lines[-1]


def seen(columns, said):
    """The lines of a terminal so wide after what was said, as it wraps and overwrites."""
    rows, at = [""], 0
    for c in said:
        if c == "\r":
            at = 0
        elif c == "\n":
            rows.append("")
            at = 0
        else:
            if at == columns:
                rows.append("")
                at = 0
            rows[-1] = rows[-1][:at] + c + rows[-1][at + 1 :]
            at += 1
    return rows


WATCHED = """
import time
from asrlab.sweep import progress as module
from asrlab.sweep.progress import Progress, reporter
module._EVERY_S["terminal"] = 0.0
report, progress = reporter(), Progress(300, usd=0.0)
for i in range(300):
    progress.begun()
    progress.phase, progress.because = ("waiting", "the service is overloaded") if 100 <= i < 200 else ("running", None)
    progress.note("failed" if i % 3 else "answered", "Throttling" if i % 3 else None, seconds=6.0)
    report(progress)
progress.finished = True
report(progress)
"""


@pytest.mark.parametrize("columns", [40, 200])
def test_a_terminal_gets_one_line_that_fits_and_is_written_over(columns):
    pty, fcntl, termios = map(pytest.importorskip, ("pty", "fcntl", "termios"))
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, array("H", [24, columns, 0, 0]))
    process = subprocess.Popen([sys.executable, "-c", WATCHED], stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    said = b""
    try:
        while chunk := os.read(ours, 65536):
            said += chunk
    except OSError:  # the other end is closed
        pass
    finally:
        os.close(ours)
    assert process.wait(10) == 0
    said = said.decode().replace("\r\n", "\n")
    states = said.split("\r")[1:]
    assert len(states) == 301
    assert all(len(state) < columns for state in states[:-1])
    assert any(state.endswith("…") for state in states) == (columns == 40)
    rows = seen(columns, said)
    assert "".join(rows).startswith("300/300 trials · 0:00 min in all · 200 failed: Throttling x200 · 30 audio min")
    # the last state is shown whole, and nothing of a longer one before it is left over
    assert "".join(rows).rstrip().endswith("30 audio min · US$0.00 spent")
    assert len(rows) == 2 if columns == 200 else len(rows) > 2
    assert "waiting: the service is overloaded" in said or columns == 40


def test_wide_characters_take_two_columns_of_a_terminal(monkeypatch, capsys):
    monkeypatch.setattr(module, "_columns", lambda: 60)
    progress = Progress(9)
    progress.phase, progress.because = "waiting", "服务繁忙请稍后再试" * 5
    reporter("terminal")(progress)
    shown = capsys.readouterr().err.strip("\r")
    assert shown.startswith("0/9 trials · waiting: 服务繁忙")
    assert shown.endswith("…")
    assert 57 <= len(shown) + sum(c in progress.because for c in shown) < 60


def test_a_pipe_gets_lines_of_a_log():
    ran = subprocess.run([sys.executable, "-c", WATCHED], capture_output=True, check=True, text=True)
    assert ran.stdout == ""
    assert "\r" not in ran.stderr
    assert len(ran.stderr.splitlines()) == 4  # the first, the turns to waiting and back, the end


# In a notebook: a real kernel, and what is saved

CELL = """
import asyncio
from anyio.from_thread import start_blocking_portal
from asrlab.sweep.progress import Progress, reporter

async def run(total):
    progress, report = Progress(total, usd=0.0), reporter()
    try:
        for _ in range(total):
            progress.begun()
            report(progress)
            await asyncio.sleep(0.01)
            progress.note("answered", seconds=6.0, usd=0.001)
    except asyncio.CancelledError:
        progress.because = "interrupted"
        raise
    finally:
        progress.finished = True
        report(progress)

with start_blocking_portal() as portal:  # as a sweep runs: a notebook's own loop is taken
    portal.call(run, {total})
"""


def in_a_kernel(total, tmp_path, then=None):
    """Run the cell, do something to its kernel once it reports, and read the saved notebook's outputs and page."""
    notebook = new_notebook(cells=[new_code_cell(CELL.replace("{total}", str(total)))])
    client = NotebookClient(notebook, timeout=60, kernel_name="python3", allow_errors=True)
    [cell] = notebook.cells

    async def execute():
        async with client.async_setup_kernel():
            running = asyncio.create_task(client.async_execute_cell(cell, 0))
            if then is not None:
                while not re.search(r"\d\d+/", str(cell.outputs)):
                    assert not running.done()
                    await asyncio.sleep(0.02)
                await then(client.km)
            await running

    with suppress(DeadKernelError):
        asyncio.run(execute())
    nbformat.write(notebook, tmp_path / "saved.ipynb")
    saved = nbformat.read(tmp_path / "saved.ipynb", as_version=4)
    page, _ = HTMLExporter().from_notebook_node(saved)
    return saved.cells[0].outputs, page


def test_a_notebook_keeps_one_display_in_its_last_state(tmp_path):
    [shown], page = in_a_kernel(80, tmp_path)
    assert shown.output_type == "display_data"
    text = shown.data["text/plain"]
    assert re.fullmatch(r"80/80 trials · 0:0\d min in all · 8 audio min · US\$0.0800 spent", text)
    assert Parsed(shown.data["text/html"]).words.split() == text.replace("in all ·", "in all").split()
    assert re.search(r"<progress [^>]*></progress> 80/80 trials · 0:0\d min in all<br/?>8 audio min", page)


def test_an_interrupted_notebook_says_that_it_was_stopped(tmp_path):
    [shown, error], page = in_a_kernel(10_000, tmp_path, lambda kernel: kernel.interrupt_kernel())
    assert error.ename == "KeyboardInterrupt"
    said = r"\d+/10,000 trials · stopped after 0:0\d min: interrupted · 1 left in flight · "
    assert re.match(said, shown.data["text/plain"])
    assert "so far" not in shown.data["text/html"]
    assert "min: interrupted · 1 left in flight" in page


def test_where_the_kernel_died_the_display_says_from_when_it_is(tmp_path):
    (shown, *_), _ = in_a_kernel(10_000, tmp_path, lambda kernel: kernel.signal_kernel(signal.SIGKILL))
    for text in shown.data.values():
        assert re.search(r"so far · as of \d{4}-\d\d-\d\d \d\d:\d\d:\d\d$", text)


def test_two_runs_look_the_same_to_the_check_of_the_notebooks(busy, clock):
    config = configparser.ConfigParser()
    config.read(Path(__file__).parent / "nbval.cfg")
    durations = config["durations"]
    said = []
    for seconds in (7, 4000):
        busy.finished = False
        clock.now += seconds
        busy.finished = True
        said.append([re.sub(durations["regex"], durations["replace"], text) for text in (busy.text(), busy.markup())])
    assert said[0] == said[1]
    assert all("stopped after DURATION · " in text for text in said[0])
