"""Provenance: the facts without which nobody could tell later how a run's answers came about.

They are JSON values and hold nothing of the host: no name of machine or user, no path, no key.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from asrlab.sweep.asked import by_engine
from asrlab.sweep.grid import Column
from asrlab.sweep.identity import written

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from asrlab.data.dataset import Dataset
    from asrlab.engines.base import Engine
    from asrlab.sweep.grid import Conditions, Level
    from asrlab.sweep.prices import Price

Facts = dict[str, Any]

#: What takes part in asking, decoding and scoring; those that are not installed are left out.
_PACKAGES: Final = (
    "av", "ctranslate2", "faster-whisper", "httpx", "jiwer", "numpy", "pandas", "pocketsphinx", "pyarrow", "scipy",
    "soundfile", "wetext",
)  # fmt: skip
_SAMPLE_UTTERANCES: Final = 3
_SAMPLE_CONDITIONS: Final = 16
_SAMPLE_CHARACTERS: Final = 400
_GIT_S: Final = 2.0
#: Set within hooks; they would make git tell of another repository than that of the folder.
_GIT_ELSEWHERE: Final = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX")


def collect(
    dataset: Dataset,
    engines: Sequence[Engine],
    conditions: Conditions,
    *,
    seed: int,
    repeats: int,
    prices: Mapping[Engine, Price | None] | None = None,
) -> Facts:
    """Collect the facts of a run.

    Parameters
    ----------
    dataset : Dataset
        What is asked about.
    engines : sequence of Engine
        What is asked; entered, so that they know their identities. Of several, ``engine``, ``server``, ``price``
        and ``free`` are mappings by their names.
    conditions : Conditions
        The settings.
    seed, repeats : int
        As for :class:`asrlab.Sweep`.
    prices : mapping of Engine to Price or None
        What is paid, of each engine that costs money; None where the price is not known.

    Returns
    -------
    dict
        JSON values. ``git`` tells of the repository of the working directory and of asrlab's own checkout, as far as
        they are there and git answers: ``dirty`` is whether files under version control are changed, None if git was
        too slow to say. ``given`` has for each axis and label how the level was given (``value``, ``column`` or
        ``function``), ``given_to_all`` the parameters that are no axis. ``sent`` is a sample: the parameters as
        resolved, by utterance and condition, long texts cut. All of them are in the identities of the trials.
    """
    given, to_all = _given(conditions)
    return {
        "asrlab": version("asrlab"),
        "python": platform.python_version(),
        "platform": {"system": platform.system(), "machine": platform.machine()},
        "packages": dict(_installed()),
        "git": _git_states(),
        "dataset": _dataset(dataset),
        "engine": by_engine({engine: dict(engine.identity) for engine in engines}),
        "server": by_engine({engine: engine.server for engine in engines}),
        "price": by_engine({engine: _paid((prices or {}).get(engine)) for engine in engines}),
        "free": by_engine({engine: engine.free for engine in engines}),
        "given": given,
        "given_to_all": to_all,
        "sent": _sent(dataset, conditions),
        "repeats": repeats,
        "seed": seed,
    }


def _paid(price: Price | None) -> Facts | None:
    if price is None:
        return None
    return {"usd_per_s": price.usd_per_s, "as_of": price.as_of.isoformat(), "source": price.source}


def _installed() -> Iterable[tuple[str, str]]:
    for package in _PACKAGES:
        try:
            yield package, version(package)
        except PackageNotFoundError:
            continue


def _dataset(dataset: Dataset) -> Facts:
    lengths = dataset.utterances["duration_s"]
    facts = {
        "name": dataset.name,
        "fingerprint": dataset.fingerprint(),
        "utterances": len(lengths),
        "audio_min": round(float(lengths.sum()) / 60, 2),
        "card": dataset.card,
    }
    unknown = int(lengths.isna().sum())
    return facts | ({"utterances_of_unknown_length": unknown} if unknown else {})


def _given(conditions: Conditions) -> tuple[Facts, Facts]:
    axes: dict[str, Facts] = {}
    to_all: Facts = {}
    for condition in conditions:
        for name, level in condition.levels.items():
            if name in condition.labels:
                axes.setdefault(name, {})[condition.labels[name]] = _how(name, level)
            else:
                to_all[name] = _how(name, level)
    return axes, to_all


def _how(name: str, level: Level) -> Facts:
    if name == "noise" and isinstance(level, str | os.PathLike):  # it may be a path of this machine
        return {"value": Path(os.fspath(level)).name}
    if isinstance(level, Column):
        return {"column": level.name}
    if callable(level):
        return {"function": getattr(level, "__name__", type(level).__name__)}
    return {"value": _json(level)}


def _json(value: Any) -> Any:  # noqa: ANN401 - whatever a level may be
    if isinstance(value, list | tuple):
        return [_json(part) for part in value]
    value = value.item() if isinstance(value, np.generic) else value
    if pd.api.types.is_scalar(value) and pd.isna(value):
        return None
    return value if isinstance(value, str | bool | int | float) else type(value).__name__


def _sent(dataset: Dataset, conditions: Conditions) -> Facts:
    n = len(dataset.utterances)
    places = sorted({round(place) for place in np.linspace(0, n - 1, min(n, _SAMPLE_UTTERANCES))})
    return {
        str(utterance["utt_id"]): {
            condition.name: {name: _cut(value) for name, value in written(condition.parameters(utterance)).items()}
            | ({} if (recipe := condition.recipe(utterance)).is_nothing else {"audio": str(recipe)})
            for condition in conditions[:_SAMPLE_CONDITIONS]
        }
        for utterance in (dataset.utterances.iloc[place] for place in places)
    }


def _cut(value: Any) -> Any:  # noqa: ANN401 - any parameter
    if isinstance(value, str) and len(value) > _SAMPLE_CHARACTERS:
        return f"{value[:_SAMPLE_CHARACTERS]} … ({len(value)} characters)"
    return list(value) if isinstance(value, tuple) else value


def _git_states() -> dict[str, Facts]:
    states = {}
    if here := _git_state(Path()):
        states["working directory"] = here
    package = Path(__file__).parents[1]
    # Installed below a repository of something else, asrlab lies in it without being part of it.
    if _git(package, "ls-files", "--error-unmatch", "__init__.py") and (own := _git_state(package)):
        states["asrlab"] = own
    return states


def _git_state(folder: Path) -> Facts | None:
    head = _git(folder, "rev-parse", "HEAD", "--abbrev-ref", "HEAD")
    if head is None or len(said := head.split()) != 2:
        return None
    commit, branch = said
    changes = _git(folder, "status", "--porcelain", "--untracked-files=no")
    return {
        "commit": commit,
        "branch": None if branch == "HEAD" else branch,
        "dirty": None if changes is None else bool(changes),
    }


def _git(folder: Path, *arguments: str) -> str | None:
    """Give what git says; None if it does not."""
    program = shutil.which("git")
    if program is None:
        return None
    environment = {name: value for name, value in os.environ.items() if name not in _GIT_ELSEWHERE}
    # A look must not lock the index, nor start what a repository's own settings name.
    command = [program, "--no-optional-locks", "-c", "core.fsmonitor=false", *arguments]
    try:
        said = subprocess.run(  # noqa: S603 - no shell, and nothing of a user's in it
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_GIT_S,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return said.stdout.decode("utf-8", "replace")
