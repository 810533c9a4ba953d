"""Summaries, comparisons and effects of a large sweep beside other ways to get them, all in the same run.

5,000 utterances of 200 speakers under 24 settings, drawn from the world of worlds.py: 120,000 answers. Wall and
processor time, of each the best of ROUNDS rounds in which all take turns, and of each peer the ratio to ours that
answers the same. The pandas loop is run with fewer resamples and scaled, and says so. Peers must agree with ours: in
the differences, in p to 0.05 (0.1 of few speakers), and in the width of bootstrap intervals by half of it. Peak memory
is resident, of one call, above what was there before.

Run: python benchmarks/comparing.py [--small] [--profile]
"""

from __future__ import annotations

import argparse
import cProfile
import gc
import pstats
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pandas as pd
import statsmodels.api as sm
from ratios import tell
from scipy.stats import permutation_test
from worlds import LIBRISPEECH, draw, scores

import asrlab as lab
from asrlab import tables

if TYPE_CHECKING:
    from collections.abc import Callable

#: Seconds that summarize() and compare() may take together.
TARGET_S = 3
ROUNDS = 3
#: Random draws of every test and bootstrap.
RESAMPLES = 2000


def sweep(speakers: int, utterances: int, settings: int) -> pd.DataFrame:
    """Make the scores of a sweep, typed as score() gives them; some settings are worse."""
    rates = [0.03 + 0.001 * (k % 4) for k in range(settings)]
    world = replace(LIBRISPEECH, utterances=utterances, utterances_spread=0.0)
    drawn = draw(world, rates, 1, speakers, np.random.default_rng(1), by_utterance=True)
    frame = scores(drawn, setting=[f"s{k:02}" for k in range(settings)]).drop(columns="simulation")
    same = {"normalizer": "en-1", "ties": "jiwer", "form": "spoken", "state": "answered", "repeat": 0, "channel": 0}
    heard = frame["utt_id"] + "-" + frame["ins"].astype(str)
    frame = frame.assign(**same, condition=frame["setting"], heard=heard)
    frame["setting"] = frame["setting"].astype("category")
    return tables.check(frame, "scores", required=("utt_id",))


def as_grid(frame: pd.DataFrame) -> pd.DataFrame:
    """Call the 24 settings the cells of a grid of 2 x 3 x 4."""
    code = frame["setting"].cat.codes.to_numpy()
    levels = {"model": code // 12, "context": code // 4 % 3, "itn": code % 4}
    named = {axis: pd.Categorical([f"{axis} {k}" for k in place]) for axis, place in levels.items()}
    return frame.drop(columns="setting").assign(**named)


# Ours


def usual(frame: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Summarize all settings, and compare each with the first."""
    return lab.summarize(frame, resamples=RESAMPLES), compared(frame)


def compared(frame: pd.DataFrame) -> pd.DataFrame:
    return lab.compare(frame, "setting", "s00", resamples=RESAMPLES)


def all_pairs(frame: pd.DataFrame) -> pd.DataFrame:
    return lab.compare(frame, "setting", resamples=RESAMPLES)


def max_t(frame: pd.DataFrame) -> pd.DataFrame:
    return lab.compare(frame, "setting", "s00", correction="max-t", resamples=RESAMPLES)


def bootstrapped(frame: pd.DataFrame) -> pd.DataFrame:
    return lab.summarize(frame, method="bootstrap", resamples=RESAMPLES, force=True)


def all_effects(frame: pd.DataFrame) -> pd.DataFrame:
    return lab.effects(frame, resamples=RESAMPLES)


# Peers


def wide(frame: pd.DataFrame) -> tuple[pd.DataFrame, pd.Series]:
    """Add up by speaker: errors with a column a setting, and lengths."""
    sums = frame.groupby(["block", "setting"], observed=True)[["ins", "ref_len"]].sum().unstack("setting")
    return sums["ins"].astype(float), sums["ref_len"].iloc[:, 0].astype(float)


def permuted(frame: pd.DataFrame) -> pd.DataFrame:
    """Test each setting by scipy's permutation test of paired samples."""
    errors, lengths = wide(frame)
    rows = []
    for name in errors.columns[1:]:
        found = permutation_test(
            (errors[name].to_numpy(), errors["s00"].to_numpy()),
            lambda a, b, axis=-1: (a - b).sum(axis=axis),
            permutation_type="samples",
            vectorized=True,
            n_resamples=RESAMPLES,
            rng=np.random.default_rng(0),
        )
        rows.append((name, found.statistic / lengths.sum(), found.pvalue))
    return pd.DataFrame(rows, columns=["level", "delta", "p"])


def cluster_robust(frame: pd.DataFrame) -> pd.DataFrame:
    """Regress the rates of the answers on the setting, weighted by length, with errors robust to speakers."""
    rows, parts = [], dict(list(frame.groupby("setting", observed=True)))
    for name in list(parts)[1:]:
        both = pd.concat([parts["s00"], parts[name]])
        length = both["ref_len"].to_numpy(float)
        arm = (both["setting"] == name).to_numpy(float)
        fit = sm.WLS(both["ins"].to_numpy(float) / length, sm.add_constant(arm), weights=length).fit(
            cov_type="cluster", cov_kwds={"groups": pd.factorize(both["block"])[0]}, use_t=True
        )
        rows.append((name, fit.params[1], fit.pvalues[1]))
    return pd.DataFrame(rows, columns=["level", "delta", "p"])


def loop_bootstrap(frame: pd.DataFrame, resamples: int) -> pd.DataFrame:
    """Resample speakers in a loop over pandas tables, as notebooks do: intervals of the rates of all settings."""
    rng = np.random.default_rng(0)
    by_speaker = dict(list(frame[["block", "setting", "ins", "ref_len"]].groupby("block", observed=True)))
    names = np.array(list(by_speaker))
    rates = []
    for _ in range(resamples):
        drawn = pd.concat([by_speaker[name] for name in rng.choice(names, len(names))])
        sums = drawn.groupby("setting", observed=True)[["ins", "ref_len"]].sum()
        rates.append(sums["ins"].to_numpy(float) / sums["ref_len"].to_numpy(float))
    return pd.DataFrame(np.quantile(rates, [0.025, 0.975], axis=0).T, columns=["low", "high"])


# The race


Best: TypeAlias = dict[str, tuple[float, float]]


def turns(runs: dict[str, Callable[[], Any]]) -> tuple[Best, dict[str, Any]]:
    """Let all take turns; give the best wall and processor time of each, and its result."""
    best: Best = {}
    results = {}
    for _ in range(ROUNDS):
        for name, run in runs.items():
            gc.collect()
            began = time.perf_counter(), time.process_time()
            results[name] = run()
            took = time.perf_counter() - began[0], time.process_time() - began[1]
            wall, processor = best.get(name, took)
            best[name] = min(wall, took[0]), min(processor, took[1])
    return best, results


def line(name: str, took: tuple[float, float], rest: str = "") -> None:
    print(f"{name:48}{took[0]:9.3f} s{took[1]:9.3f} s cpu{rest}", flush=True)


def peak_mb(run: Callable[[], Any]) -> float:
    """Measure the most resident memory that a call takes above what was there (Linux)."""
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    before = _status("VmRSS")
    run()
    return _status("VmHWM") - before


def _status(name: str) -> float:
    rows = dict(row.split(":", 1) for row in Path("/proc/self/status").read_text(encoding="ascii").splitlines())
    return int(rows[name].split()[0]) / 1024


def race(frame: pd.DataFrame, small: bool) -> None:
    """Time ours and peers, and see that they agree."""
    few = RESAMPLES // (200 if small else 100)
    runs = {
        "summarize + compare": partial(usual, frame),
        "compare, 23 against a baseline": partial(compared, frame),
        "scipy permutation_test a level": partial(permuted, frame),
        "statsmodels cluster-robust WLS a level": partial(cluster_robust, frame),
        "summarize, bootstrap by speaker": partial(bootstrapped, frame),
        "pandas loop bootstrap by speaker": partial(loop_bootstrap, frame, few),
    }
    best, results = turns(runs)
    wall, processor = best["pandas loop bootstrap by speaker"]
    best["pandas loop bootstrap by speaker"] = wall * RESAMPLES / few, processor * RESAMPLES / few
    ours = results["compare, 23 against a baseline"].set_index("level")
    for name in ("scipy permutation_test a level", "statsmodels cluster-robust WLS a level"):
        theirs = results[name].set_index("level").loc[ours.index]
        assert np.allclose(ours["delta"].astype(float), theirs["delta"].astype(float), atol=1e-12), name
        apart = (ours["p"].astype(float) - theirs["p"].astype(float)).abs().max()
        assert apart < (0.1 if small else 0.05), (name, apart)
    loop, boot = results["pandas loop bootstrap by speaker"], results["summarize, bootstrap by speaker"]
    width = (loop["high"] - loop["low"]).mean() / float((boot["high"] - boot["low"]).mean())
    assert 0.5 < width < 1.5, width
    for name, of in {
        "summarize + compare": None,
        "compare, 23 against a baseline": None,
        "scipy permutation_test a level": "compare, 23 against a baseline",
        "statsmodels cluster-robust WLS a level": "compare, 23 against a baseline",
        "summarize, bootstrap by speaker": None,
        "pandas loop bootstrap by speaker": "summarize, bootstrap by speaker",
    }.items():
        said = f"{name} x {RESAMPLES // few}" if "loop" in name else name
        ratio = f"{best[name][0] / best[of][0]:8.1f} x {of} ({best[name][1] / best[of][1]:.1f} cpu)" if of else ""
        line(said, best[name], ratio)
        if of:
            tell(
                f"{of}: {len(frame):,} answers, 24 settings",
                name,
                time=best[name][0] / best[of][0],
                cpu=best[name][1] / best[of][1],
            )
    verdict(best["summarize + compare"], small)


def verdict(took: tuple[float, float], small: bool) -> None:
    if not small:
        print(f"{'':48}under {TARGET_S} s: {'met' if took[0] < TARGET_S else 'MISSED'}", flush=True)


def others(frame: pd.DataFrame, small: bool) -> None:
    """Time what has no peer, and all memory."""
    by_utterance = frame.assign(block=frame["utt_id"], block_kind="utterance")
    by_utterance["block_kind"] = by_utterance["block_kind"].astype("string")
    grid = as_grid(frame)
    runs = {
        "summarize + compare, utterances as blocks": partial(usual, by_utterance),
        "compare, max-T": partial(max_t, frame),
        "compare, max-T, utterances as blocks": partial(max_t, by_utterance),
        "compare, all 276 pairs": partial(all_pairs, frame),
        "effects of a 2 x 3 x 4 grid": partial(all_effects, grid),
    }
    best, results = turns(runs)
    for name, took in best.items():
        rows = results[name][-1] if isinstance(results[name], tuple) else results[name]
        line(name, took, f"   {len(rows)} rows")
    verdict(best["summarize + compare, utterances as blocks"], small)
    del results
    for name, run in {"summarize + compare": partial(usual, frame), **runs}.items():
        print(f"{'peak memory: ' + name:60}{peak_mb(run):7.0f} MB", flush=True)


def profiled(frame: pd.DataFrame) -> None:
    """Print where the time goes."""
    by_utterance = frame.assign(block=frame["utt_id"])
    for name, run in {
        "summarize + compare": partial(usual, frame),
        "the same, utterances as blocks": partial(usual, by_utterance),
        "all pairs": partial(all_pairs, frame),
        "effects": partial(all_effects, as_grid(frame)),
    }.items():
        print(f"\n{name}")
        profile = cProfile.Profile()
        profile.runcall(run)
        pstats.Stats(profile).sort_stats("tottime").print_stats(15)


def main() -> None:
    """Race, or print profiles."""
    arguments = argparse.ArgumentParser(description="Statistics of a large sweep beside other libraries.")
    arguments.add_argument("--small", action="store_true", help="a tenth of the utterances, to see that it runs")
    arguments.add_argument("--profile", action="store_true", help="print where the time goes instead")
    asked = arguments.parse_args()
    frame = sweep(speakers=20 if asked.small else 200, utterances=25, settings=24)
    if asked.profile:
        profiled(frame)
        return
    print(
        f"{len(frame):,} answers, {frame['block'].nunique()} speakers, 24 settings, {RESAMPLES:,} resamples, "
        f"best of {ROUNDS} rounds"
    )
    race(frame, asked.small)
    others(frame, asked.small)


if __name__ == "__main__":
    main()
