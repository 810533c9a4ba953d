"""Worlds that experiments are drawn from, in which the truth is known; what simulations.py and comparing.py share.

Made after the published transcripts of 22 systems on LibriSpeech test-clean (Le et al. 2021): 40 speakers of 65
utterances (sd 20) of 20 words (sd 13.7), error rates that differ between speakers (sd 0.37 to 0.42 of the mean,
skewed), errors that come in company (variance 1.8 to 2.0 times the mean), of which two settings share most, and
settings that suit some speakers better than others.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from asrlab.stats.blocks import Blocks
from asrlab.stats.contrasts import contrasts

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from asrlab.stats.contrasts import Contrasts

    Floats = NDArray[np.float64]
    Codes = NDArray[np.int64]

#: Units drawn at a time.
_AT_ONCE = 400_000


@dataclass(frozen=True)
class World:
    """Where experiments are drawn from; ``*_spread`` is a standard deviation over its mean."""

    rate: float = 0.03
    spread: float = 0.40  #: of speakers' error rates
    utterances: float = 65  #: of a speaker
    utterances_spread: float = 20 / 65
    length: float = 20  #: words of an utterance
    length_spread: float = 0.685
    overdispersion: float = 1.9  #: variance of the errors of an utterance over their mean
    shared: float = 0.75  #: share of the errors of the best setting that all settings make alike
    interaction: float = 0.15  #: sd over speakers of their true difference of two settings of the same rate, over it


LIBRISPEECH = World()
#: Speakers that differ more, in how much they say too: length of a block with sd 0.6 of the mean.
HARSH = World(spread=0.5, utterances_spread=0.594)


class Drawn(NamedTuple):
    """Experiments, one after another: units are utterances, or all that a speaker said."""

    shared: Floats  #: errors that all cells have, shape (units,)
    own: Floats  #: and those of one, shape (cells, units)
    lengths: Floats  #: reference units, shape (units,)
    block: Codes  #: speaker, shape (units,); those of an experiment follow one another
    speakers: int  #: of an experiment

    @property
    def errors(self) -> Floats:
        return self.shared + self.own

    @property
    def experiments(self) -> int:
        return int(self.block[-1] + 1) // self.speakers

    def sums(self) -> tuple[Floats, Floats]:
        """Add up by speaker: errors (cells, blocks) and lengths (blocks,)."""
        n = self.experiments * self.speakers
        return np.stack([np.bincount(self.block, some, n) for some in self.errors]), np.bincount(
            self.block, self.lengths, n
        )

    def parts(self) -> Blocks:
        """Give the speakers as blocks; each experiment is a group."""
        number = np.arange(self.experiments * self.speakers)
        kind = np.full(self.experiments, "speaker", dtype=object)
        return Blocks(number, number // self.speakers, number % self.speakers, kind, np.full_like(kind, ""))

    def contrasts(self, coefficients: Floats) -> Contrasts:
        errors, lengths = self.sums()
        return contrasts(coefficients, errors, np.broadcast_to(lengths, errors.shape), self.parts(), 0.95)


def about_one(spread: float, shape: tuple[int, ...], rng: np.random.Generator) -> Floats:
    """Draw positive, skewed numbers of mean 1."""
    return rng.gamma(spread**-2, spread**2, shape) if spread else np.ones(shape)


def counts(mean: Floats, overdispersion: float, rng: np.random.Generator) -> Floats:
    """Draw whole numbers of a variance proportional to their mean (negative binomial): sums are of the same kind."""
    much = overdispersion - 1
    return rng.poisson(rng.standard_gamma(mean / much) * much if much else mean).astype(np.float64)


def draw(
    world: World,
    rates: Sequence[float],
    experiments: int,
    speakers: int,
    rng: np.random.Generator,
    *,
    by_utterance: bool = False,
    tastes: Sequence[Sequence[int]] | None = None,
) -> Drawn:
    """Draw experiments in which every cell has answers to the same utterances.

    A cell's true rate is exactly its entry of ``rates``: what speakers, settings and utterances do to it are
    independent factors with mean 1. Of the errors of the best cell all cells share as many as the world says. What
    another has more is in proportion to a speaker's own rate, so that a difference is larger for speakers with more
    errors; tastes come on top, and are the same however large the difference is. Each row of ``tastes`` says which
    cells suit a speaker alike (same number), or all (-1); by default each cell has its own taste.
    """
    n, cells = experiments * speakers, len(rates)
    said = np.maximum(np.rint(world.utterances * about_one(world.utterances_spread, (n,), rng)), 1).astype(np.int64)
    shape = world.length_spread**-2
    block = np.repeat(np.arange(n), said) if by_utterance else np.arange(n)
    lengths = rng.standard_gamma(shape if by_utterance else shape * said, len(block)) * world.length / shape
    lengths = np.maximum(np.rint(lengths), 1.0)
    speaker = about_one(world.spread, (n,), rng)
    tastes = [range(cells)] if tastes is None else tastes
    common = world.shared * min(rates)
    liked, more = min(rates) - common, np.array(rates) - min(rates)
    # Of two cells, a speaker's true difference is (T - T') liked + (more - more'), times the speaker's rate over the
    # mean one. With s the spread of speakers and t that of tastes T its variance is
    # 2 (1 + s²) t² liked² + s² (more - more')², of which the first is the interaction of the world.
    apart = world.interaction * world.rate / (np.sqrt(2 * (1 + world.spread**2) * len(tastes)) * liked)
    taste = np.ones((cells, n))
    for alike in tastes:
        drawn = about_one(apart, (max(alike) + 1, n), rng)
        taste *= np.stack([drawn[kind] if kind >= 0 else np.ones(n) for kind in alike])
    shared = counts((common * speaker)[block] * lengths, world.overdispersion, rng)
    own = [
        counts(((liked * suits + extra) * speaker)[block] * lengths, world.overdispersion, rng)
        for suits, extra in zip(taste, more, strict=True)
    ]
    return Drawn(shared, np.stack(own), lengths, block, speakers)


def drawn_in_parts(
    world: World,
    rates: Sequence[float],
    experiments: int,
    speakers: int,
    rng: np.random.Generator,
    **options: bool | Sequence[Sequence[int]] | None,
) -> Iterator[Drawn]:
    """Draw many experiments, some at a time."""
    each = speakers * (world.utterances if options.get("by_utterance") else len(rates))
    for part in np.array_split(np.arange(experiments), -int(-experiments * each // _AT_ONCE)):
        yield draw(world, rates, len(part), speakers, rng, **options)  # type: ignore[arg-type]


def scores(drawn: Drawn, **axes: Sequence[str]) -> pd.DataFrame:
    """Write experiments down as marked answers; ``axes`` gives the label of each cell."""
    cells, units = drawn.own.shape
    first = np.flatnonzero(np.diff(drawn.block, prepend=-1))
    place = np.arange(units) - first[drawn.block]
    voice = drawn.block % drawn.speakers
    names = np.array([f"s{k:03}" for k in range(drawn.speakers)], dtype=object)
    errors = drawn.errors.ravel().astype(np.int64)
    return pd.DataFrame(
        {
            "utt_id": np.tile(names[voice] + "-" + place.astype(str).astype(object), cells),
            "block": np.tile(names[voice], cells),
            "block_kind": "speaker",
            "unit": "word",
            "subs": 0,
            "dels": 0,
            "ins": errors,  # of which there may be more than there are words
            "ref_len": np.tile(drawn.lengths.astype(np.int64), cells),
            "simulation": np.tile(np.char.zfill((drawn.block // drawn.speakers).astype(str), 6), cells),
            **{axis: np.repeat(np.array(labels, dtype=object), units) for axis, labels in axes.items()},
        }
    )
