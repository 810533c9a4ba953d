"""What benchmarks/scoring.py times: marking by jiwer, by us and by other libraries, and how their results are read."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass, field
from functools import cache, partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jiwer
import numpy as np
import pandas as pd
from rapidfuzz.distance import Levenshtein

import asrlab as lab
from asrlab.scoring.codes import encode
from asrlab.scoring.counts import count_pairs
from asrlab.scoring.paths import KINDS, errors

if TYPE_CHECKING:
    from collections.abc import Callable

    from corpora import Pairs

SPLIT = ["subs", "dels", "ins"]
BATCH = 10_000
SCLITE = shutil.which("sclite") or shutil.which("sclite", path="/usr/lib/sctk/bin")


@dataclass
class Contender:
    """Something that marks pairs.

    ``read`` gives of its result what must agree with jiwer's: subs, dels and ins (a tuple) where the rule of ties is
    the same, else errors (an int), else the rate (a float). ``most`` is how many pairs it gets, if fewer than all.
    """

    name: str
    run: Callable[[Pairs], Any]
    read: Callable[[Any], tuple[int, ...] | int | float]
    target: float | None = None
    most: int | None = None
    wall: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)


# jiwer


def process_words(corpus: Pairs) -> jiwer.WordOutput:
    return jiwer.process_words(*corpus.words)


def process_characters(corpus: Pairs) -> jiwer.CharacterOutput:
    return jiwer.process_characters(corpus.references, corpus.hypotheses)


def apply_process_words(corpus: Pairs) -> pd.DataFrame:
    """The way of many notebooks: row by row."""
    frame = pd.DataFrame(dict(zip(("ref", "hyp"), corpus.words, strict=True)))
    marked = frame.apply(lambda row: jiwer_totals(jiwer.process_words(row["ref"], row["hyp"])), axis=1)
    return pd.DataFrame(marked.tolist(), columns=SPLIT)


def jiwer_totals(output: jiwer.WordOutput | jiwer.CharacterOutput) -> tuple[int, ...]:
    return output.substitutions, output.deletions, output.insertions


# Ours


def kernel(corpus: Pairs) -> pd.DataFrame:
    """Count by what score() counts with, in batches as it does, from two lists into a frame; texts are not compared."""
    parts = []
    for first in range(0, len(corpus), BATCH):
        refs, hyps = (side[first : first + BATCH] for side in (corpus.references, corpus.hypotheses))
        place = np.arange(len(refs))
        parts.append(count_pairs([*refs, *hyps], place, place + len(refs), corpus.unit))
    return pd.DataFrame(np.concatenate(parts), columns=["hits", *SPLIT])


def kernel_once(corpus: Pairs) -> pd.DataFrame:
    """Find each different text and pair, and count them once."""
    place, texts = _different(corpus)
    return pd.DataFrame(count_pairs(texts, *place, corpus.unit), columns=["hits", *SPLIT])


def align_kernel(corpus: Pairs) -> pd.DataFrame:
    """Align by what edits() aligns with, likeness and all, in batches: a row an error, with its kind and places."""
    parts = []
    for first in range(0, len(corpus), BATCH):
        pairs = zip(corpus.references[first : first + BATCH], corpus.hypotheses[first : first + BATCH], strict=True)
        wrong = {first + n: pair for n, pair in enumerate(pairs) if pair[0] != pair[1]}
        refs, hyps = zip(*wrong.values(), strict=True)
        place = np.arange(len(wrong))
        steps = errors(encode([*refs, *hyps], corpus.unit), place, place + len(wrong))
        parts.append(pd.DataFrame(steps._asdict()).assign(pair=np.fromiter(wrong, int)[steps.pair]))
    table = pd.concat(parts, ignore_index=True)
    return table.assign(kind=pd.Categorical.from_codes(table["kind"], KINDS))


def _different(corpus: Pairs) -> tuple[np.ndarray, list[str]]:
    place, texts = pd.factorize(pd.Series([*corpus.references, *corpus.hypotheses], dtype="string"))
    return place.reshape(2, -1).astype(np.int64), texts.tolist()


def score(corpus: Pairs) -> pd.DataFrame:
    """Mark by the public door: lists, or a frame of transcripts with one of references."""
    return lab.score(*_given(corpus), normalizer="none", unit=corpus.unit)


def edits(corpus: Pairs) -> pd.DataFrame:
    return lab.edits(*_given(corpus), normalizer="none", unit=corpus.unit)


def _given(corpus: Pairs) -> tuple[Any, Any]:
    if corpus.transcripts is not None:
        return corpus.transcripts, corpus.said
    return corpus.hypotheses, corpus.references


def totals(table: pd.DataFrame) -> tuple[int, ...]:
    return tuple(int(table[name].sum()) for name in SPLIT)


def edit_totals(table: pd.DataFrame) -> tuple[int, ...]:
    return tuple(int((table["kind"] == kind).sum()) for kind in ("sub", "del", "ins"))


# Others


def plain_loop(corpus: Pairs) -> pd.DataFrame:
    """Loop around rapidfuzz: equal rows are skipped, words are split, characters go in as they are."""
    cut = str.split if corpus.unit == "word" else str
    rows = []
    for ref, hyp in zip(corpus.references, corpus.hypotheses, strict=True):
        if ref == hyp:
            rows.append((0, 0, 0))
            continue
        tags = [tag for tag, _, _ in Levenshtein.editops(cut(ref), cut(hyp)).as_list()]
        rows.append((tags.count("replace"), tags.count("delete"), tags.count("insert")))
    return pd.DataFrame(rows, columns=SPLIT)


def sclite(corpus: Pairs) -> int:
    """Mark by files, and read the sum of errors off the report."""
    with tempfile.TemporaryDirectory() as folder:
        for name, texts in zip(("ref", "hyp"), corpus.words, strict=True):
            rows = (f"{text} (a-{n})\n" for n, text in enumerate(texts))
            (Path(folder) / name).write_text("".join(rows), encoding="utf-8")
        command = [SCLITE, "-r", "ref", "trn", "-h", "hyp", "trn", "-i", "spu_id", "-o", "rsum", "stdout"]
        report = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout
    found = re.search(r"\| Sum +\|.*?\|(.*?)\|", report)
    assert found, report
    return int(found[1].split()[4])


def peers(unit: str) -> list[Contender]:
    """Those that are installed, by the door that makes a row a trial and by the quickest."""
    werpy, werx, ued, texterrors = map(installed, ("werpy", "werx", "universal_edit_distance", "texterrors"))
    found = [Contender("rapidfuzz in a plain loop", plain_loop, totals)]
    if werpy:
        found += [
            Contender("werpy summary (a frame; errors)", lambda c: werpy.summary(*c.words), _errors),
            Contender("werpy wer (rate only)", lambda c: werpy.wer(*c.words), float),
        ]
    if werx:
        found += [
            Contender("werx analysis (a frame; errors)", lambda c: werx.to_pandas(werx.analysis(*c.words)), _errors),
            Contender("werx wer (rate only; threads)", lambda c: werx.wer(*c.words), float),
        ]
    if ued:
        of = ued.word_edit_distance_array if unit == "word" else ued.character_edit_distance_array
        found.append(Contender("universal-edit-distance (errors)", lambda c: of(c.hypotheses, c.references), sum))
    if texterrors:
        found.append(Contender("texterrors (errors)", partial(_distances, texterrors.seq_distance), sum))
    if unit == "word" and sclite_installed():
        found.append(Contender("sclite, by files (errors)", sclite, int, most=1000))
    return found


def _distances(distance: Callable[[list[str], list[str]], float], corpus: Pairs) -> list[int]:
    return [int(distance(ref.split(), hyp.split())) for ref, hyp in zip(*corpus.words, strict=True)]


def _errors(table: pd.DataFrame) -> int:
    return int(table[["substitutions", "deletions", "insertions"]].to_numpy().sum())


@cache
def installed(name: str) -> Any:  # noqa: ANN401
    """Import a peer, or say once that it is absent."""
    try:
        return import_module(name)
    except ImportError:
        print(f'{name} is absent: pip install "asrlab[bench]"')
        return None


@cache
def sclite_installed() -> bool:
    if not SCLITE:
        print("sclite is absent (Debian: apt install sctk)")
    return bool(SCLITE)
