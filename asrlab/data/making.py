"""Making: all recordings of a set that are made from others, at once and over workers, before they are asked for."""

from __future__ import annotations

from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from asrlab.data.places import OutOfReach
from asrlab.data.spread import paired, reporter, workers
from asrlab.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from asrlab.data.dataset import Dataset
    from asrlab.data.derived import Derivation
    from asrlab.executors import Where

    D = TypeVar("D", bound=Dataset)


def make(dataset: D, executor: Where = None, *, progress: bool | Callable[[int, int], object] = True) -> D:
    """Make all recordings that are made from others: perturbed, cut or joined.

    Without this each is made when it is first needed. What is made is kept, so that a call that was interrupted goes on
    where it was.

    Parameters
    ----------
    dataset : Dataset
        Such as ``ds.perturb(snr=10)``.
    executor : Executor or distributed.Client, optional
        Where they are made; in threads of this process if not given. Workers read recordings at the same paths, or
        fetch what lies behind a URL, and give back what they made: it is kept in the cache of this machine.
    progress : bool or callable
        Show on the standard error output how many were made; or a function that is called with their number and that
        of all.

    Returns
    -------
    Dataset
        The same, so that it can stand in a chain.

    Raises
    ------
    InvalidInput
        If a recording cannot be made, the message names it; if workers do not have the files.
    StoreError
        If the cache cannot be written to.
    MissingExtra
        If Opus or MP3 is wanted, and PyAV is not installed.

    Examples
    --------
    >>> load_dataset("datasets/dictation").perturb(snr=10).make()  # doctest: +SKIP
    """
    wanted = [utt_id for utt_id in dataset.utterances["utt_id"] if dataset.makes(utt_id)]
    if not wanted:
        return dataset
    dataset.learn_facts(executor)
    report = reporter(progress, "made")
    with workers(executor) as pool:
        for (number, utt_id, derivation), content in paired(_made, _sent(dataset, wanted), pool):
            with _of(utt_id):
                derivation.keep(partial(_given, content))
            report(number, len(wanted))
    report(len(wanted), len(wanted))
    return dataset


def _sent(
    dataset: Dataset, wanted: list[str]
) -> Iterator[tuple[tuple[int, str, Derivation], Derivation | InvalidInput]]:
    """Give what is not there yet, and beside it the same as a worker takes it, or why it cannot be made."""
    going: set[str] = set()
    for number, utt_id in enumerate(wanted, 1):
        made = dataset._derivation(utt_id)
        if made is None:
            continue
        try:
            if made.digest in going or made.is_kept:
                continue
            going.add(made.digest)
            part: Derivation | InvalidInput = made.settled()
        except InvalidInput as error:
            part = error  # which waits for its turn: what comes before is made
        yield (number, utt_id, made), part


def _made(derivation: Derivation | InvalidInput) -> bytes | InvalidInput:
    if isinstance(derivation, InvalidInput):
        return derivation
    try:
        return derivation.flac()
    except OutOfReach:
        raise
    except InvalidInput as error:
        return error


def _given(content: bytes | InvalidInput) -> bytes:
    if isinstance(content, InvalidInput):
        raise content
    return content


@contextmanager
def _of(utt_id: str) -> Iterator[None]:
    """Name the utterance that something is wrong with."""
    try:
        yield
    except OutOfReach:
        raise
    except InvalidInput as error:
        raise InvalidInput(f"Utterance {utt_id}: {error}") from error
