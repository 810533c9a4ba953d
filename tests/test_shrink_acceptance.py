"""Shrinking for real: a search that is killed, budgets, and failures of the local engine on real voices."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
from test_shrink import FAILING, KEY, LEAKS, RATE, Trigger, case, run

from asrlab.data.loading import load_dataset
from asrlab.engines import engine
from asrlab.engines.base import Parameters
from asrlab.sweep.grid import grid
from asrlab.sweep.opened import Answers
from asrlab.sweep.shrink import shrink
from asrlab.sweep.sweep import Sweep

pytestmark = pytest.mark.acceptance

DICTATION = Path(__file__).parents[1] / "datasets" / "dictation"


def killed(folder, hangs_after=None):
    """Shrink with an engine that never answers a question, to be killed then; or go on with it."""
    paid = Trigger(folder / "log", free=False, hangs_after=hangs_after)
    paid.concurrency = 1
    return shrink(case(folder, paid), **FAILING, fails=LEAKS, folder=folder / "out", price_usd_per_s=3e-5)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The same search, not interrupted."""
    return killed(tmp_path_factory.mktemp("whole"))


@pytest.mark.parametrize("after", [1, 6, 12])
def test_a_killed_search_goes_on_and_sends_nothing_twice(whole, tmp_path, after):
    case(tmp_path, Trigger())
    log = tmp_path / "log"
    environment = {**os.environ, "ASRLAB_CACHE": str(tmp_path / "cache")}
    process = subprocess.Popen([sys.executable, __file__, str(tmp_path), str(after)], env=environment)
    deadline = time.monotonic() + 120
    while (not log.exists() or log.read_text().count("\n") < after) and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert log.read_text().count("\n") == after
    shrunk = killed(tmp_path)
    sent = log.read_text().splitlines()
    assert len(sent) == len(set(sent)) == whole.requests == shrunk.requests
    assert (shrunk.request, shrunk.minimal) == (whole.request, True)
    assert shrunk.audio_s == whole.audio_s
    assert Answers(tmp_path / "out" / "attempts").verify() == []


def test_budgets_are_of_all_runs_together(whole, tmp_path):
    sweep = case(tmp_path, Trigger(free=False))
    given = {**FAILING, "fails": LEAKS, "folder": tmp_path / "out", "price_usd_per_s": 3e-5}
    for minutes in (0.2, 0.4, 0.6):
        poor = shrink(sweep, **given, budget_minutes=minutes)
        assert poor.audio_s <= 60 * minutes
        assert "budget" in poor.because
        assert not poor.minimal
    poor = shrink(sweep, **given, budget_usd=3e-5 * 38)
    assert poor.usd <= 3e-5 * 38
    rest = shrink(sweep, **given)
    assert (rest.requests, rest.request) == (whole.requests, whole.request)


def test_limits_are_kept_and_what_was_spent_counts(whole, tmp_path):
    engine = Trigger(free=False)
    sweep = case(tmp_path, engine)  # never run: what was seen elsewhere can be shrunk
    given = {**FAILING, "fails": LEAKS, "folder": tmp_path / "out", "price_usd_per_s": 3e-5}
    nothing = shrink(sweep, **given, send=False)
    assert (nothing.requests, nothing.replies, nothing.minimal) == (0, (), False)
    assert len(nothing.plan.to_send) == 1
    assert not (tmp_path / "out" / "reproducer").exists()
    assert "not asked yet" in repr(nothing)
    few = shrink(sweep, **given, most_requests=6)
    assert len(engine.asked) <= 6
    assert not few.minimal
    assert "the limit of 6" in few.because
    assert few.request.samples < few.case.samples
    rest = shrink(sweep, **given)
    assert (rest.requests, rest.request) == (whole.requests, whole.request)


def test_times_of_words_are_tried_first(whole, tmp_path):
    engine = Trigger(words=True)
    sweep = case(tmp_path, engine, words=True)
    shrunk = shrink(sweep, **FAILING, fails=LEAKS, folder=tmp_path / "out")
    assert shrunk.usd is None
    assert "dropped enable_itn, enable_words" in repr(shrunk)
    assert shrunk.steps["step"].eq("around the error").sum() > 1
    assert shrunk.request.samples <= 1.4 * RATE
    assert shrunk.audio_s < whole.audio_s


@pytest.fixture(scope="module")
def local(tmp_path_factory):
    """Two recordings, asked of the local engine with a wrong hint, and with a list of terms that none of them says."""
    pytest.importorskip("faster_whisper")
    dataset = load_dataset(DICTATION).select(["en-flite_slt-2", "en-flite_awb-4"], form="spoken")
    terms = "Brynhildur, Zeebrugge, Velarin, acetonitrile, triethylsilane, Quesare, Llanfairfechan, Dolgellau"
    folder = tmp_path_factory.mktemp("local")
    sweep = Sweep(
        dataset,
        engine("local"),
        grid(context={"none": None, "terms": terms}, language={"none": None, "zh": "zh"}),
        store=folder / "run",
    )
    sweep.run(progress=False)
    return sweep, folder


@pytest.mark.parametrize(
    ("utt_id", "condition", "fails", "changed"),
    [
        ("en-flite_awb-4", "context=none, language=zh", "other language or script", "language"),
        ("en-flite_slt-2", "context=terms, language=none", LEAKS, "context"),
    ],
)
def test_failures_of_the_local_engine(local, capsys, utt_id, condition, fails, changed):  # noqa: PLR0917 - a row each
    sweep, folder = local
    out, control, left = folder / utt_id, {changed: None}, {changed}
    shrunk = shrink(sweep, utt_id=utt_id, condition=condition, fails=fails, control=control, folder=out)
    with capsys.disabled():
        print(f"\n{shrunk!r}\n{shrunk.replies[0].text!r} for {shrunk.replies[0].control.text!r}")
    assert shrunk.minimal
    usual = Parameters()
    asked = shrunk.request.parameters
    assert {n for n in vars(usual) if getattr(asked, n) != getattr(usual, n)} == left
    assert shrunk.request.samples < shrunk.case.samples / 2
    if "context" in left:
        assert asked.context in {"Velarin", "Quesare"}
    # Nothing smaller by one step shows it: asked anew, by another way.
    again = shrink(sweep, utt_id=utt_id, condition=condition, fails=fails, control=control, folder=out, send=False)
    pd.testing.assert_frame_equal(again.steps, shrunk.steps)
    # The saved request, with curl, from the service that answered.
    from asrlab.engines.local import _find_or_start

    done = run(shrunk.folder, _find_or_start("whisper", 600.0), DASHSCOPE_API_KEY=KEY)
    assert done.returncode == 0, done.stderr
    assert shrunk.replies[0].text in done.stdout


if __name__ == "__main__":
    killed(Path(sys.argv[1]), int(sys.argv[2]))
