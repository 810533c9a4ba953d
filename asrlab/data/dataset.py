"""Datasets: recordings with what was said in them."""

from __future__ import annotations

import hashlib
import json
import math
import os
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

import pandas as pd

from asrlab import tables
from asrlab.data import audio, remote
from asrlab.data.manifests import inside, is_url, read_rows, to_table
from asrlab.data.recordings import Recording, recordings
from asrlab.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Iterable

    from asrlab.data.manifests import Row

_DIGEST: Final = "(pcm|file|url)-sha256:[0-9a-f]{64}"
#: What other manifests call our columns.
_ALIASES: Final = {"id": "utt_id", "audio_filepath": "audio", "duration": "duration_s", "lang": "language"}


@dataclass(frozen=True, repr=False)
class Dataset:
    """Recordings, what was said in them, and the terms that matter.

    Made by :func:`load_dataset`, or from tables of your own.

    Parameters
    ----------
    name : str
        Name of the set, for tables and reports.
    utterances, references, terms : DataFrame
        Tables as in :data:`asrlab.tables.SCHEMAS`; further columns of ``utterances`` are kept.
    folder : Path, optional
        Folder of the dataset, where its notes lie.
    audio_root : Path, optional
        Folder that ``audio`` is relative to; the dataset's folder if not given.
    """

    name: str
    utterances: pd.DataFrame
    references: pd.DataFrame = field(default_factory=lambda: tables.empty("references"))
    terms: pd.DataFrame = field(default_factory=lambda: tables.empty("terms"))
    folder: Path | None = None
    audio_root: Path | None = None

    def __post_init__(self) -> None:
        utterances = tables.check(self.utterances, "utterances", required=("utt_id",)).reset_index(drop=True)
        references = tables.check(self.references, "references", required=("utt_id", "text")).reset_index(drop=True)
        references = references.fillna({"channel": 0, "form": "unstated", "alternative": 0})
        _complain(utterances["utt_id"].isna() | (utterances["utt_id"] == ""), utterances, "have no utt_id")
        _complain(utterances["utt_id"].duplicated(), utterances, "have the utt_id of another row")
        _complain(~references["utt_id"].isin(utterances["utt_id"]), references, "are references of no utterance")
        _complain(references["text"].isna(), references, 'are references without a text (silence is "")')
        _take_sums(utterances)
        _complain(
            utterances["digest"].notna() & ~utterances["digest"].str.fullmatch(_DIGEST),
            utterances,
            f"have a digest that is not {_DIGEST}",
        )
        same = references.duplicated(["utt_id", "channel", "form", "alternative"])
        _complain(same, references, "are second references of one utterance, channel, form and alternative")
        object.__setattr__(self, "utterances", utterances)
        object.__setattr__(self, "references", references)
        object.__setattr__(self, "terms", tables.check(self.terms, "terms").reset_index(drop=True))

    def __len__(self) -> int:
        """Count the utterances."""
        return len(self.utterances)

    def __repr__(self) -> str:
        languages = " ".join(sorted(self.utterances["language"].dropna().unique())) or "language not stated"
        known = self.utterances["duration_s"].dropna()
        length = f"{known.sum() / 60:.1f} min" if len(known) == len(self) else "length not known"
        return f"<Dataset {self.name}: {len(self)} utterances, {languages}, {length}>"

    def select(self, wanted: str | Iterable[str]) -> Self:
        """Take part of the dataset.

        Parameters
        ----------
        wanted : str or iterable of str
            A query over the utterance table (``"language == 'en' and topic == 'terms'"``), or ids in any order.

        Returns
        -------
        Dataset
            With the utterances in the order of this one, their references, their terms, and the terms of the whole set.

        Raises
        ------
        InvalidInput
            If the query cannot be read, an id is unknown, or nothing is left.
        """
        if isinstance(wanted, str):
            try:
                ids = set(self.utterances.query(wanted)["utt_id"])
            except Exception as error:  # pandas raises errors of many kinds for a query it cannot read
                columns = ", ".join(self.utterances.columns)
                raise InvalidInput(f"{wanted!r} cannot be read ({error}). The columns are {columns}.") from error
        else:
            ids = set(wanted)
            if unknown := sorted(ids - set(self.utterances["utt_id"])):
                raise InvalidInput(f"{len(unknown)} of the utt_ids are not in {self.name}: {', '.join(unknown[:5])}.")
        if not ids:
            raise InvalidInput(f"No utterance of {self.name} fits {wanted!r}.")
        return replace(
            self,
            utterances=self.utterances[self.utterances["utt_id"].isin(ids)],
            references=self.references[self.references["utt_id"].isin(ids)],
            terms=self.terms[self.terms["utt_id"].isin(ids) | self.terms["utt_id"].isna()],
        )

    def note(self, name: str) -> str:
        """Read a text file of the dataset's folder, such as a list of terms to give as context.

        Parameters
        ----------
        name : str
            Path below the folder, with forward slashes.

        Raises
        ------
        InvalidInput
            If there is no such file, or it is not UTF-8.
        """
        if self.folder is None:
            raise InvalidInput(f"{self.name} was not loaded from a folder and so has no note {name!r}.")
        path = inside(self.folder, name)
        try:
            return path.read_text(encoding="utf-8-sig").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise InvalidInput(f"There is no note {name!r} in {self.folder} that can be read as UTF-8 text.") from error

    def audio_path(self, utt_id: str) -> Path:
        """Path of a recording.

        Raises
        ------
        InvalidInput
            If there is no such utterance, it has no audio, or its audio is a URL.
        """
        return self._path(self._audio(utt_id), utt_id)

    def audio_source(self, utt_id: str) -> str:
        """Name a recording for an engine: by its path, or by its URL."""
        named = self._audio(utt_id)
        return named if is_url(named) else str(self._path(named, utt_id))

    def facts(self, utt_id: str) -> Recording:
        """Find out what a recording is.

        A file is measured, whatever the manifest says of it, once until it changes: what was found is kept on disk. A
        recording behind a URL is what the columns ``digest``, ``duration_s`` and ``channels`` say; without a digest it
        is known by its URL alone, and is marked weak. See :meth:`fetch_digests`.

        Raises
        ------
        InvalidInput
            If there is no such utterance, or its recording is missing or is not audio.
        """
        place = self._place(utt_id)
        named = self._audio(utt_id)
        if not is_url(named):
            return recordings().measured(self._path(named, utt_id))
        said: list[Any] = [self.utterances.at[place, name] for name in ("digest", "duration_s", "channels")]
        digest, duration_s, channels = (None if pd.isna(value) else value for value in said)
        # A manifest may say anything, and money is reserved by this: a length that is none is not known.
        return Recording(
            remote.link_digest(named) if digest is None else digest,
            float(duration_s) if duration_s is not None and 0 < duration_s < math.inf else None,
            int(channels) if channels is not None and channels > 0 else None,
        )

    def digest(self, utt_id: str) -> str:
        """Fingerprint of a recording: that of :meth:`facts`."""
        return self.facts(utt_id).digest

    def fetch_digests(self, *, download: bool = True, max_bytes: int = 2 << 30) -> Self:
        """Find out what is behind the URLs that the manifest gives no digest of.

        Parameters
        ----------
        download : bool
            Download each recording once and hash it. What a host names an ETag of is not downloaded again until that
            changes, in other processes neither. Otherwise only ask for the ETag: quick, and still weak, since hosts
            differ in what they make it of.
        max_bytes : int
            Size of the largest recording that is taken. The service takes no larger ones than 2 GB.

        Returns
        -------
        Dataset
            With the column ``digest`` filled where something was found out, and the columns ``duration_s`` and
            ``channels`` as measured where the recording was downloaded and can be read here.

        Raises
        ------
        InvalidInput
            If a recording cannot be fetched, or is too large, or may not be asked for because ``ASRLAB_OFFLINE`` is
            set; the message names it.
        """
        named = zip(self.utterances["audio"], self.utterances["digest"], strict=True)
        links = {
            place: link
            for place, (link, digest) in enumerate(named)
            if not pd.isna(link) and is_url(link) and (pd.isna(digest) or Recording(digest).weak)
        }
        ids = self.utterances["utt_id"]
        found = remote.fetch({str(ids[place]): link for place, link in links.items()}, download, max_bytes)
        columns = {name: self.utterances[name].to_list() for name in ("digest", "duration_s", "channels")}
        for place in links:
            recording = found.get(ids[place])
            for name, values in columns.items():
                if recording is not None and (value := getattr(recording, name)) is not None:
                    values[place] = value
        return replace(self, utterances=self.utterances.assign(**columns))

    @property
    def card(self) -> str | None:
        """The dataset's card, the ``README.md`` of its folder; None where it has none."""
        if self.folder is None:
            return None
        try:
            return inside(self.folder, "README.md").read_text(encoding="utf-8-sig", errors="replace")
        except (InvalidInput, OSError):
            return None

    def fingerprint(self) -> str:
        """Hash what the dataset is: its utt_ids, the digests of its recordings, its references and terms.

        Returns
        -------
        str
            SHA-256 in hexadecimal, the same for the same set wherever its files lie and in whatever order its rows
            come. A recording behind a URL counts as :meth:`facts` knows it.

        Raises
        ------
        InvalidInput
            If a recording is missing or is not audio.
        """
        recorded = self.utterances["audio"].notna()
        ids = self.utterances["utt_id"]
        parts: list[list[Any]] = [
            [(utt_id, self.digest(utt_id) if has else None) for utt_id, has in zip(ids, recorded, strict=True)]
        ]
        for table, frame in (("references", self.references), ("terms", self.terms)):
            plain = frame[list(tables.SCHEMAS[table])].astype(object)
            parts.append(plain.where(plain.notna(), None).to_numpy().tolist())
        lines = [sorted(json.dumps(row) for row in part) for part in parts]
        return hashlib.sha256(json.dumps(lines).encode()).hexdigest()

    @cached_property
    def _places(self) -> dict[str, int]:
        return {utt_id: place for place, utt_id in enumerate(self.utterances["utt_id"])}

    def _place(self, utt_id: str) -> int:
        if utt_id not in self._places:
            raise InvalidInput(f"There is no utterance {utt_id!r} in {self.name}.")
        return self._places[utt_id]

    def _audio(self, utt_id: str) -> str:
        named: Any = self.utterances.at[self._place(utt_id), "audio"]
        if pd.isna(named):
            raise InvalidInput(f"Utterance {utt_id!r} of {self.name} names no audio. Fill the column audio.")
        return str(named)

    def _path(self, named: str, utt_id: str) -> Path:
        root = self.audio_root or self.folder
        if "://" in named or is_url(named) or root is None:
            raise InvalidInput(
                f"The audio of {utt_id!r} is not a file below a folder of {self.name}: {remote.shown(named)!r}."
            )
        return inside(root, named)


def load_dataset(path: str | Path, *, audio_root: str | Path | None = None) -> Dataset:
    """Load a dataset.

    Parameters
    ----------
    path : path
        A folder with ``utterances.jsonl`` and, where there are any, ``references.jsonl`` and ``terms.jsonl``, one JSON
        object a row, columns as in :data:`asrlab.tables.SCHEMAS`; or one manifest (``.jsonl``, ``.csv`` or ``.tsv``, or
        a folder with a ``manifest.jsonl``) with a row a recording: ``utt_id`` (or ``id``), ``audio`` (or
        ``audio_filepath``), ``text``, and as known ``language`` (or ``lang``), ``duration_s`` (or ``duration``),
        ``channels``, ``speaker``, ``recording``, and for several channels ``channel_texts``. Its texts become
        references of the form ``unstated``. Whatever else a row has is kept as a column of ``utterances``.
    audio_root : path, optional
        Folder that audio paths are relative to; the folder of the manifest if not given.

    Returns
    -------
    Dataset
        Lengths and channels that the manifest does not give are read from the audio files that are there.

    Raises
    ------
    InvalidInput
        If there is nothing to load, or a row cannot be used; the message names it.

    Examples
    --------
    >>> load_dataset("datasets/dictation")  # doctest: +SKIP
    <Dataset dictation: 64 utterances, en zh, 6.2 min>
    """
    where = Path(path)
    if (where / "utterances.jsonl").is_file():
        utterances, references, terms = (
            read_rows(file) if (file := where / f"{table}.jsonl").is_file() else []
            for table in ("utterances", "references", "terms")
        )
        name, folder = where.resolve().name, where
    else:
        manifest = where / "manifest.jsonl" if where.is_dir() else where
        if where.is_dir() and not manifest.is_file():
            raise InvalidInput(f"{where} has neither utterances.jsonl nor manifest.jsonl. Name the manifest itself.")
        utterances, references, terms = [], [], []
        for row in read_rows(manifest):
            utterance = {_ALIASES.get(column, column): value for column, value in row.items()}
            references += _references(utterance)
            utterances.append(utterance)
        folder = manifest.parent
        name = folder.resolve().name if manifest.stem == "manifest" else manifest.stem
    if not utterances:
        raise InvalidInput(f"{where} holds no utterances. A dataset needs at least one row.")
    dataset = Dataset(
        name,
        to_table(utterances, "utterances"),
        to_table(references, "references"),
        to_table(terms, "terms"),
        folder,
        Path(audio_root) if audio_root is not None else folder,
    )
    return _with_lengths(dataset)


def _take_sums(utterances: pd.DataFrame) -> None:
    """Make digests of what a manifest says is the SHA-256 of the bytes behind a URL."""
    if "sha256" not in utterances.columns:
        return
    sums = utterances["sha256"].astype("string").str.lower()  # PowerShell writes capitals
    _complain(
        sums.notna() & ~sums.str.fullmatch("[0-9a-f]{64}"), utterances, "have a sha256 not of 64 hexadecimal digits"
    )
    given, sums = utterances["digest"], "file-sha256:" + sums
    other = given.str.startswith("file-").fillna(value=False) & (given != sums).fillna(value=False)
    _complain(other, utterances, "have a digest and a sha256 that differ")
    linked = utterances["audio"].map(is_url, na_action="ignore").fillna(value=False).astype(bool)
    strong = given.str.startswith(("pcm-", "file-")).fillna(value=False)
    utterances["digest"] = given.where(strong | ~linked | sums.isna(), sums)


def _references(utterance: Row) -> list[Row]:
    """Take the texts out of a manifest's row."""
    utt_id, text, by_channel = (
        utterance.get("utt_id"),
        utterance.pop("text", None),
        utterance.pop("channel_texts", None),
    )
    if isinstance(by_channel, list):
        return [{"utt_id": utt_id, "channel": channel, "text": said} for channel, said in enumerate(by_channel)]
    if by_channel is not None:
        raise InvalidInput(
            f"channel_texts of {utt_id!r} must be a list of texts, one a channel, which only JSON lines can hold."
        )
    return [] if text is None else [{"utt_id": utt_id, "text": text}]


def _with_lengths(dataset: Dataset) -> Dataset:
    """Fill in lengths and channels that the manifest does not give, where the files are there."""
    utterances = dataset.utterances
    missing = utterances[utterances["duration_s"].isna() | utterances["channels"].isna()]
    for index, named in missing["audio"].items():
        if pd.isna(named) or is_url(named) or "://" in named:
            continue
        path = inside(dataset.audio_root or Path(), named)
        if os.path.isfile(path):  # noqa: PTH113 - Path's raises where the name is too long
            facts = audio.probe(path)
            utterances.loc[index, ["duration_s", "channels"]] = [facts.duration_s, facts.channels]
    return dataset


def _complain(wrong: pd.Series, frame: pd.DataFrame, what: str) -> None:
    if wrong.any():
        named = [f"row {index + 1} ({frame['utt_id'].iloc[index]})" for index in wrong.index[wrong][:3]]
        raise InvalidInput(f"{int(wrong.sum())} rows {what}: {', '.join(named)}. Mend the manifest.")
