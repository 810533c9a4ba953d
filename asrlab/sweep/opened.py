"""Sweeps that were asked, to be read: from the folder of a run, or from a replay."""

from __future__ import annotations

import json
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pandas as pd

from asrlab import tables
from asrlab.data.places import is_here
from asrlab.errors import AsrlabError, StoreError
from asrlab.shown import Shown, words
from asrlab.sweep.costs import costs
from asrlab.sweep.digest import digest
from asrlab.sweep.export import export
from asrlab.sweep.racing import RACE, dropped
from asrlab.sweep.replay import read_replay, write_replay
from asrlab.sweep.store import Standing, Store, is_run, located
from asrlab.sweep.store.objects import is_file
from asrlab.text import plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from asrlab.data.dataset import Dataset
    from asrlab.data.recordings import Recording
    from asrlab.sweep.grid import Condition
    from asrlab.sweep.store import Asking


@dataclass(frozen=True, repr=False)
class Heard(Shown):
    """A dataset as it was asked about under one condition: its tables, and the recordings as they were disturbed."""

    dataset: Dataset
    condition: Condition

    @property
    def utterances(self) -> pd.DataFrame:
        """Those of the dataset."""
        return self.dataset.utterances

    @property
    def references(self) -> pd.DataFrame:
        """Those of the dataset."""
        return self.dataset.references

    def audio_path(self, utt_id: str) -> Path:
        """Path of a recording, which is made if it has to be."""
        return self._disturbed(utt_id).audio_path(utt_id)

    def clip(self, utt_id: str, begin_s: float | None = None, end_s: float | None = None) -> bytes:
        """Cut a stretch out of a recording, in seconds of it as it was disturbed: see :meth:`asrlab.Dataset.clip`."""
        return self._disturbed(utt_id).clip(utt_id, begin_s, end_s)

    def facts(self, utt_id: str) -> Recording:
        """Find out what a recording is as it was disturbed: see :meth:`asrlab.Dataset.facts`."""
        return self._disturbed(utt_id).facts(utt_id)

    def _disturbed(self, utt_id: str) -> Dataset:
        rows = self.utterances
        row = rows[rows["utt_id"] == utt_id]
        # Of an utterance that is not there, the dataset says what is wrong.
        return self.dataset if row.empty else self.dataset.under(self.condition.recipe(row.iloc[0]))


class Answers(Shown):
    """A sweep that was asked, to be read; made by :func:`asrlab.open_sweep`.

    Parameters
    ----------
    source : path or str
        Folder of a run, or a replay (``.jsonl``); or the URL of one, such as ``"s3://bucket/run"``.
    dataset : Dataset, optional
        What was asked about: needed to listen, not to read.
    """

    def __init__(self, source: str | Path, dataset: Dataset | None = None) -> None:
        self.source = located(source)
        self.dataset = dataset

    @property
    def transcripts(self) -> pd.DataFrame:
        """The ``transcripts`` table: one row an asking and channel, axes as further columns.

        Ordered by repeat, then utterance and condition as they were planned. Failed, unknown and not yet answered
        askings have a row too, with their ``state``, and no text; so have those that a race has spared.
        """
        with self._stored() as store:
            return self._with_spared(store.transcripts(self._chosen(store)), store)

    @property
    def words(self) -> pd.DataFrame:
        """The ``words`` table: one row a word whose time the engine gave, which it does with ``enable_words``.

        In the order of the rows of :attr:`transcripts`, the words of each by their start. ``text`` is the word as the
        engine gave it, with the punctuation that follows it and without white space around it. Answers without word
        times, or in which nothing was heard, have no rows.
        """
        with self._stored() as store:
            return store.words(self._chosen(store))

    @property
    def costs(self) -> pd.DataFrame:
        """The ``costs`` table: one row an asking, with what it took in seconds of audio, US dollars and time.

        In the order of :attr:`transcripts`. ``billed_s`` is what a budget counts: each begun second of each channel, of
        all attempts that were or may have been billed. ``usd`` is that times the price that held for each attempt: 0 on
        an engine that costs nothing, ``<NA>`` where the price was not known. Conditions that come to one question for
        an utterance are sent, and billed, once: each bears an equal share, so that any sum over the table is what was
        spent, and ``usd * shared_by`` is what the question costs by itself. What was spent on questions that are no
        longer asked, such as of a recording that was since changed, is in no row.
        """
        with self._stored() as store:
            return self._with_spared(costs(store, self._chosen(store)), store)

    @property
    def parameters(self) -> pd.DataFrame:
        """The ``parameters`` table: one row an asking, with the request parameters as they were resolved and sent.

        The axes of a grid have labels ("right", "terms"); here stands what each label came to for an utterance. In the
        order in which they were planned; of an asking that is not planned as it would be now, they are ``<NA>``.
        """
        with self._stored() as store:
            identities = store.identities()
            sent = {trial: json.loads(identity.parameters) for trial, identity in identities.items()}
            rows = [
                {"trial": a.trial, "utt_id": a.utt_id, "condition": a.condition, "repeat": a.repeat}
                | {name: _cell(value) for name, value in sent.get(a.trial, {}).items()}
                for a in self._askings(store)
            ]
        columns = pd.DataFrame(rows, columns=list(tables.SCHEMAS["parameters"]), dtype=object)
        return tables.check(columns, "parameters")

    @property
    def race(self) -> pd.DataFrame:
        """The ``race`` table: one row a look and setting that was left then, against the rival it did worst by.

        Empty where the sweep was not raced, or no look was taken yet. The settings that are left have answers to all;
        those that were dropped have answers to the blocks of the order of trials up to there. A table over all
        settings, such as :func:`asrlab.summarize`, has rates of more utterances for some than for others.
        """
        with self._stored() as store:
            rows = store.meta().get(RACE, {}).get("looks", [])
        return tables.check(pd.DataFrame(rows, columns=list(tables.SCHEMAS["race"]), dtype=object), "race")

    @property
    def failures(self) -> pd.DataFrame:
        """The rows of :attr:`transcripts` that have no answer though they were asked, with code and message."""
        frame = self.transcripts
        return frame[frame["state"].isin(["failed", "unknown", "submitted"])].reset_index(drop=True)

    @property
    def digest(self) -> str:
        """SHA-256 of what was asked and answered, in 64 hexadecimal digits.

        It is the same for a run and its replay, and another as soon as one word of one transcript, the state of one
        asking, or what was asked is another. A notebook that shows it says by that what its numbers are of. Of each row
        of :attr:`transcripts` it takes the utterance, condition, repeat, channel, state and text, and not their order.
        """
        return digest(self.transcripts)

    @property
    def conditions(self) -> pd.DataFrame:
        """The ``conditions`` table: name, and the label on each axis."""
        with self._stored() as store:
            labels = {asking.condition: asking.labels for asking in self._askings(store)}
            axes = [axis for axis, _ in self._facts(store).get("axes", [])]
        order = dict.fromkeys(["condition", *axes, *(axis for named in labels.values() for axis in named)])
        rows = [{"condition": name, **named} for name, named in labels.items()]
        return pd.DataFrame(rows, columns=list(order), dtype="string")

    @property
    def about(self) -> dict[str, str]:
        """What was asked of what, by what: facts for a report."""
        with self._stored() as store:
            meta = self._facts(store)
        axes = {axis: ", ".join(labels) for axis, labels in meta.pop("axes", [])}
        meta.pop(RACE, None)
        return {name: _plain(value) for name, value in {**meta, **axes}.items()}

    @property
    def provenance(self) -> list[dict[str, Any]]:
        """Each run so far: number, start, end, how it ended, and the facts under which it ran.

        See :func:`asrlab.provenance` for a readable form.
        """
        with self._stored() as store:
            runs = store.runs()
        return [{**run, "started": _iso(run["started"]), "ended": run["ended"] and _iso(run["ended"])} for run in runs]

    def heard(self, condition: str) -> Dataset | Heard | None:
        """Give the recordings as they were asked about under a condition, to listen to.

        Parameters
        ----------
        condition : str
            Its name.

        Returns
        -------
        Dataset or None
            Of a sweep that was opened without its grid, the dataset as it was given.
        """
        return self.dataset

    def raw(self, trial: str) -> Any:  # noqa: ANN401 - any JSON value
        """Give the answer document of a trial as the engine gave it.

        Parameters
        ----------
        trial : str
            Its id, from :attr:`transcripts`.

        Returns
        -------
        object
            A JSON value; of the service what it answered, with every URL in it bare of its query.

        Raises
        ------
        StoreError
            If there is no answer to it.
        """
        with self._stored() as store:
            return store.raw(trial)

    def verify(self) -> list[str]:
        """Check the store: ids and hashes are derived again from what is stored, and the file is examined.

        Returns
        -------
        list of str
            A sentence for each fault; none if it is whole.
        """
        with self._stored() as store:
            return store.verify()

    def export(self, url: str | Path) -> None:
        """Write :attr:`transcripts` as a Parquet file.

        Parameters
        ----------
        url : str or path
            A path, or a URL that fsspec knows, such as ``"s3://bucket/transcripts.parquet"``.

        Raises
        ------
        MissingExtra
            If a URL is given and fsspec is not installed.
        StoreError
            If it cannot be written.
        """
        export(self.transcripts, str(url))

    def save_replay(self, path: str | Path) -> Path:
        """Write the sweep as one text file, to commit beside a notebook.

        Parameters
        ----------
        path : path or str
            A ``.jsonl`` file, or its URL; replaced if it is there. :func:`asrlab.open_sweep` reads it.

        Returns
        -------
        Path
            The file.

        Raises
        ------
        StoreError
            If it cannot be written.
        """
        with self._stored() as store:
            return write_replay(path, store, self._askings(store), self._facts(store))

    def __repr__(self) -> str:
        return f"<{self._titled()}: {self._standing()}>"

    def _titled(self) -> str:
        return f"{type(self).__name__} {plain(self.source.name, 80)}"

    def _told(self) -> Iterable[tuple[str, object]]:
        yield "stored", self._standing()
        with suppress(AsrlabError):  # it has been said
            if self._asked_before():
                yield from self.about.items()
                yield "digest", f"{self.digest[:16]}…"

    def _standing(self) -> str:
        """Count what is stored by how it stands."""
        try:
            if not self._asked_before():
                return "nothing asked"
            with self._stored() as store:
                standings = store.standings()
                states = Counter(standings.get(asking.trial, Standing()).state for asking in store.askings())
        except AsrlabError as error:
            return words(str(error), 200)
        return ", ".join(f"{n} {state}" for state, n in states.most_common()) or "nothing asked"

    def _asked_before(self) -> bool:
        return is_file(self.source) if self.source.suffix == ".jsonl" else is_run(self.source)

    def _stored(self) -> Store:
        return read_replay(self.source) if self.source.suffix == ".jsonl" else Store(self.source)

    def _chosen(self, store: Store) -> Sequence[Asking] | None:
        """Askings that the tables tell of; None for all, which is quicker than to name them."""
        return None

    def _askings(self, store: Store) -> Sequence[Asking]:
        return store.askings()

    def _facts(self, store: Store) -> dict[str, Any]:
        return store.meta()

    def _with_spared(self, frame: pd.DataFrame, store: Store) -> pd.DataFrame:
        """Tell what was not asked because a race had dropped its setting from what is yet to be asked."""
        if lost := dropped(store.meta().get(RACE, {}).get("looks", [])):
            spared = (frame["state"] == "not run") & frame["condition"].isin(list(lost))
            frame["state"] = frame["state"].mask(spared, "spared")
        return frame


def open_sweep(source: str | Path, dataset: Dataset | None = None) -> Answers:
    """Open a sweep that was asked, to read it.

    Parameters
    ----------
    source : path or str
        Folder of a run, or a replay (``.jsonl``); or the URL of one, such as ``"s3://bucket/run"``.
    dataset : Dataset, optional
        What was asked about, to listen to it in :func:`asrlab.explore`.

    Returns
    -------
    Answers
        Has the tables of a :class:`asrlab.Sweep`, and sends nothing.

    Raises
    ------
    StoreError
        If there is no run.

    Examples
    --------
    >>> open_sweep("notebooks/replays/dictation.jsonl").transcripts  # doctest: +SKIP
    """
    answers = Answers(source, dataset)
    if not (answers.source.exists() if is_here(answers.source) else answers._asked_before()):  # else it says more
        raise StoreError(f"There is no run at {answers.source}. Check the path.")
    return answers


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


def _cell(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    return ",".join(map(str, value)) if isinstance(value, list) else value


def _plain(value: Any) -> str:  # noqa: ANN401 - any JSON value
    if isinstance(value, dict):
        return ", ".join(f"{key} {_plain(inner)}" for key, inner in value.items())
    return ", ".join(map(_plain, value)) if isinstance(value, list) else str(value)
