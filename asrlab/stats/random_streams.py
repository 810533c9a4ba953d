"""Random streams: random numbers that are the same wherever, and in however many parts, they are drawn.

Resamples are cut into stretches. Whoever works on one begins the stream of the seed where that stretch begins, so that
nothing but the number of its first resample has to travel, and no result hangs on who drew what.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

import numpy as np

from asrlab.executors import mapped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from asrlab.executors import Where

T = TypeVar("T")

#: Numbers to multiply in a stretch: some tenths of a second, next to which sending it costs little.
_WORTH: Final = 2**28


def stretched(
    work: Callable[[range], T], resamples: int, *, batch: int, each: int, executor: Where = None
) -> Iterator[T]:
    """Work on all resamples, some at a time.

    Parameters
    ----------
    work : callable
        From the numbers of some resamples to what is made of them: a function of a module, or a partial of one.
    resamples : int
        How many.
    batch : int
        A stretch begins at a multiple of this.
    each : int
        Numbers that are multiplied for one resample: what sending a stretch has to be worth.
    executor : Executor, distributed.Client or None
        Where; here if None, or if there is one stretch only.

    Yields
    ------
    object
        What is made of each stretch, in their order.
    """
    long = batch * max(1, _WORTH // max(batch * each, 1))
    stretches = [range(start, min(start + long, resamples)) for start in range(0, resamples, long)]
    return mapped(work, stretches, executor if len(stretches) > 1 else None)


def generator_after(seed: int, words: int) -> np.random.Generator:
    """Give the generator of a seed as it is when so many words of 32 bits have been drawn."""
    stream = np.random.PCG64(seed)
    stream.advance(words // 2)  # it makes words of 64 bits, and keeps the second half for later
    rng = np.random.Generator(stream)
    if words % 2:
        rng.integers(0, 2**32, dtype=np.uint32)
    return rng
