"""Datasets: recordings with what was said in them."""

from __future__ import annotations

import hashlib
import json
import math
from contextlib import suppress
from copy import copy
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Self

import pandas as pd

from asrlab import tables
from asrlab.data import card, checks, cuts, links, listening, making, sampling, writing
from asrlab.data.cuts import complain, unknown
from asrlab.data.derived import BoundRecipe, Clip, Derivation
from asrlab.data.places import inside, is_here, is_link, is_remote, local_copy, place
from asrlab.data.recipe import BABBLE, Recipe
from asrlab.data.recordings import Recording
from asrlab.data.rows import rows_of
from asrlab.data.spread import facts_of, learn
from asrlab.errors import InvalidInput
from asrlab.shown import LINE, Shown
from asrlab.text import plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from asrlab.executors import Where

_DIGEST: Final = "(pcm|file|url|derived)-sha256:[0-9a-f]{64}"
_REMARKS: Final = 5  # that are shown


class _Applied(NamedTuple):
    """A recipe, and the set it was applied to: its other voices make babble."""

    recipe: Recipe
    pool: Dataset

    @property
    def bound(self) -> BoundRecipe:
        return BoundRecipe(self.recipe, lambda: self.pool._voices)


@dataclass(frozen=True, repr=False)
class Dataset(Shown):
    """Recordings, what was said in them, and the terms that matter.

    Made by :func:`load_dataset`, or from tables of your own.

    Parameters
    ----------
    name : str
        Name of the set, for tables and reports.
    utterances, references, terms : DataFrame
        Tables as in :data:`asrlab.tables.SCHEMAS`; further columns of ``utterances`` are kept. Some of them have a
        meaning: ``begin_s`` and ``end_s`` make an utterance a stretch of its file, ``channel`` one channel of it,
        ``sha256`` is what is behind a URL.
    folder : Path, optional
        Folder of the dataset, where its notes lie.
    audio_root : Path, optional
        Folder that ``audio`` is relative to; the dataset's folder if not given.
    segments : DataFrame
        Of long recordings, what was said when. Where nothing is said of a channel in ``references``, the texts of its
        segments are joined to one, in order of their begin; unless some are not to be marked (``text`` is ``<NA>``),
        since what is heard in them would count as inserted: mark those by time (:func:`asrlab.by_segment`).
    read_as : str, optional
        Name of the format it was read in.
    remarks : tuple of str
        What was left out in reading, or taken otherwise than it stands there.
    """

    name: str
    utterances: pd.DataFrame
    references: pd.DataFrame = field(default_factory=lambda: tables.empty("references"))
    terms: pd.DataFrame = field(default_factory=lambda: tables.empty("terms"))
    folder: Path | None = None
    audio_root: Path | None = None
    segments: pd.DataFrame = field(default_factory=lambda: tables.empty("segments"))
    read_as: str | None = None
    remarks: tuple[str, ...] = ()
    _recipes: tuple[_Applied, ...] = ()
    _whole: Dataset | None = None
    """Of a concatenated set, the one that its ``parts`` are of."""

    def __post_init__(self) -> None:
        utterances = tables.check(self.utterances, "utterances", required=("utt_id",)).reset_index(drop=True)
        references = tables.check(self.references, "references", required=("utt_id", "text")).reset_index(drop=True)
        references = references.fillna({"channel": 0, "form": "unstated", "alternative": 0})
        complain(utterances["utt_id"].isna() | (utterances["utt_id"] == ""), utterances, "have no utt_id")
        complain(utterances["utt_id"].duplicated(), utterances, "have the utt_id of another row")
        complain(unknown(references["utt_id"], utterances["utt_id"]), references, "are references of no utterance")
        complain(references["text"].isna(), references, 'are references without a text (silence is "")')
        _take_sums(utterances)
        complain(
            utterances["digest"].notna() & ~utterances["digest"].str.fullmatch(_DIGEST),
            utterances,
            f"have a digest that is not {_DIGEST}",
        )
        same = references.duplicated(["utt_id", "channel", "form", "alternative"])
        complain(same, references, "are second references of one utterance, channel, form and alternative")
        segments = cuts.check_segments(self.segments, utterances)
        object.__setattr__(self, "utterances", cuts.check_cuts(utterances))
        object.__setattr__(self, "references", cuts.with_joined(references, segments, utterances))
        object.__setattr__(self, "segments", segments)
        object.__setattr__(self, "terms", tables.check(self.terms, "terms").reset_index(drop=True))

    def __len__(self) -> int:
        """Count the utterances."""
        return len(self.utterances)

    def __repr__(self) -> str:
        languages = sorted(self.utterances["language"].dropna().unique())
        several = " ".join(languages[:8]) + (f" and {len(languages) - 8} more" if len(languages) > 8 else "")
        known = self.utterances["duration_s"].dropna()
        length = f"{known.sum() / 60:.1f} min" if len(known) == len(self) else "length not known"
        parts = [f"{len(self):,} utterances, {several or 'language not stated'}, {length}"]
        if len(self.segments):
            parts.append(f"{len(self.segments):,} segments")
        if self.read_as is not None:
            n = len(self.remarks)
            parts.append(f"read as {self.read_as}" + (f", {n} remark{'s' * (n > 1)}" if n else ""))
        parts += [f"perturbed: {applied.recipe}" for applied in self._recipes]
        return f"<Dataset {plain(self.name, 80)}: {plain('; '.join(parts), LINE)}>"

    def _titled(self) -> str:
        return f"Dataset {self.name}"

    def _told(self) -> Iterable[tuple[str, object]]:
        lengths = self.utterances["duration_s"]
        unknown_too = f", {n:,} of unknown length" if (n := int(lengths.isna().sum())) else ""
        yield "utterances", len(self)
        yield "languages", _counted(self.utterances["language"], "not stated")
        yield "length", f"{lengths.sum() / 60:.1f} min{unknown_too}"
        if speakers := self.utterances["speaker"].nunique():
            yield "speakers", speakers
        yield "references", _counted(self.references["form"], "unstated")
        for name, table in (("terms", self.terms), ("segments", self.segments)):
            if len(table):
                yield name, len(table)
        if self.read_as is not None:
            yield "read as", self.read_as
        yield from (("remark", remark) for remark in self.remarks[:_REMARKS])
        if (more := len(self.remarks) - _REMARKS) > 0:
            yield "remarks", f"{more:,} more"
        yield from (("perturbed", str(applied.recipe)) for applied in self._recipes)

    def select(self, wanted: str | Iterable[str] | None = None, *, form: str | None = None) -> Self:
        """Take part of the dataset.

        Parameters
        ----------
        wanted : str or iterable of str, optional
            A query over the utterance table (``"language == 'en' and topic == 'terms'"``), or ids in any order; all
            utterances if not given.
        form : str, optional
            The one form of the references that is kept, such as ``"spoken"``; all if not given.

        Returns
        -------
        Dataset
            With the utterances in the order of this one, their references, their terms, and the terms of the whole set.

        Raises
        ------
        InvalidInput
            If the query cannot be read, an id or the form is unknown, or nothing is left.
        """
        if form is not None:
            forms = sorted(self.references["form"].unique())
            if form not in forms:
                raise InvalidInput(f"{self.name} has references of the forms {', '.join(forms)}, and none {form!r}.")
            self = replace(self, references=self.references[self.references["form"] == form])  # noqa: PLW0642
        if wanted is None:
            return self
        if isinstance(wanted, str):
            try:
                ids = set(self.utterances.query(wanted)["utt_id"])
            except Exception as error:  # pandas raises errors of many kinds for a query it cannot read
                columns = ", ".join(self.utterances.columns)
                raise InvalidInput(f"{wanted!r} cannot be read ({error}). The columns are {columns}.") from error
        else:
            ids = set(wanted)
            if not all(isinstance(utt_id, str) for utt_id in ids):
                raise InvalidInput("utt_ids are text. Give a query, or a list of them.")
            if absent := sorted(ids - set(self.utterances["utt_id"])):
                raise InvalidInput(f"{len(absent)} of the utt_ids are not in {self.name}: {', '.join(absent[:5])}.")
        if not ids:
            raise InvalidInput(f"No utterance of {self.name} fits {wanted!r}.")
        return replace(
            self,
            utterances=self.utterances[self.utterances["utt_id"].isin(ids)],
            references=self.references[self.references["utt_id"].isin(ids)],
            terms=self.terms[self.terms["utt_id"].isin(ids) | self.terms["utt_id"].isna()],
            segments=self.segments[self.segments["utt_id"].isin(ids)],
        )

    def bare(self, *, segments: bool = False) -> Self:
        """Keep what most formats hold: recordings with language, length, channels and speaker, and one text each.

        Parameters
        ----------
        segments : bool
            Keep segments, and references as they are, for formats that hold long recordings.

        Returns
        -------
        Dataset
            Without terms, segments, tags and further columns; of the references the first wording, in no named form.

        Raises
        ------
        InvalidInput
            If there are references of several forms or channels; take one with ``select(form=...)`` first.
        """
        said = self.references
        if not segments and (said["form"].nunique() > 1 or said["channel"].nunique() > 1):
            raise InvalidInput(
                f"{self.name} has references of several forms or channels. Take one form first: select(form=...)."
            )
        named = ["utt_id", "audio", "language", "duration_s", "channels", "speaker", "recording", "digest"]
        kept = [
            *named,
            *(name for name in ("begin_s", "end_s", "channel", "parts", "gap_s") if name in self.utterances),
        ]
        return replace(
            self,
            utterances=self.utterances[kept],
            references=said if segments else said[said["alternative"] == 0].assign(form="unstated"),
            terms=tables.empty("terms"),
            segments=self.segments if segments else tables.empty("segments"),
        )

    def note(self, name: str) -> str:
        """Read a text file of the dataset's folder, such as a list of terms to give as context.

        Parameters
        ----------
        name : str
            Path below the folder, with forward slashes.

        Returns
        -------
        str
            The text, as it stands there.

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
        """Find a recording on this machine.

        What lies behind a URL that fsspec reads is fetched, once until it changes. A cut, a concatenation or a
        perturbed recording is made, once.

        Parameters
        ----------
        utt_id : str
            Id of its utterance.

        Returns
        -------
        Path
            Of the file, which is not to be changed.

        Raises
        ------
        InvalidInput
            If there is no such utterance, it has no audio, its audio is a link that the service fetches by itself, or
            it cannot be had.
        """
        source = self._source(utt_id)
        return source.path() if isinstance(source, Derivation) else local_copy(source)

    def clip(self, utt_id: str, begin_s: float | None = None, end_s: float | None = None) -> bytes:
        """Cut a stretch out of a recording, to be listened to.

        Parameters
        ----------
        utt_id : str
            The utterance.
        begin_s, end_s : float, optional
            Where it begins and ends, in seconds; the recording's own ends if not given.

        Returns
        -------
        bytes
            FLAC of 16 bits, which every browser plays, whatever the recording is coded as; with all its channels.

        Raises
        ------
        InvalidInput
            As :meth:`audio_path` does; if the recording cannot be decoded, or has nothing there.
        """
        return listening.clip(self.audio_path(utt_id), begin_s, end_s)

    def audio_source(self, utt_id: str) -> str:
        """Name a recording for an engine.

        Parameters
        ----------
        utt_id : str
            Id of its utterance.

        Returns
        -------
        str
            Its path, or the link that a service fetches by itself.
        """
        link = self.link(utt_id)
        return str(self.audio_path(utt_id)) if link is None else link

    def link(self, utt_id: str) -> str | None:
        """Give the link that a service fetches a recording by.

        Parameters
        ----------
        utt_id : str
            Id of its utterance.

        Returns
        -------
        str or None
            The link; None where the recording is a file, or made from one.

        Raises
        ------
        InvalidInput
            If there is no such utterance, or it has no audio.
        """
        if self.makes(utt_id):
            return None
        named = self._audio(utt_id)
        return named if is_link(named) else None

    def facts(self, utt_id: str) -> Recording:
        """Find out what a recording is.

        A file is measured, whatever the manifest says of it, once until it changes: what was found is kept on disk. A
        recording behind a link that a service fetches is what the columns ``digest``, ``duration_s`` and ``channels``
        say; without a digest it is known by its URL alone, and is marked weak. See :meth:`fetch_digests`. What is made
        from other recordings is known by how it is made, and is not made for this.

        Parameters
        ----------
        utt_id : str
            Id of its utterance.

        Returns
        -------
        Recording
            Its ``digest``, ``duration_s`` in seconds, ``channels`` and ``sample_rate`` in Hz; None where not known.

        Raises
        ------
        InvalidInput
            If there is no such utterance, or its recording is missing or is not audio.
        """
        if self.link(utt_id) is not None:
            return self.said(utt_id)
        source = self._source(utt_id)
        return source.facts() if isinstance(source, Derivation) else facts_of(source)

    def digest(self, utt_id: str) -> str:
        """Give the fingerprint of a recording: that of :meth:`facts`.

        Parameters
        ----------
        utt_id : str
            Id of its utterance.

        Returns
        -------
        str
            A hash of its samples, or of how it is made.
        """
        derivation = self._derivation(utt_id) if self.link(utt_id) is None else None
        return self.facts(utt_id).digest if derivation is None else derivation.digest

    def learn_facts(self, executor: Where = None, progress: bool | Callable[[int, int], object] = False) -> None:
        """Find out what all recordings are, many at once, so that :meth:`facts` and :meth:`digest` know it.

        Of what is made from others, those others are read, and nothing is made.

        Parameters
        ----------
        executor : Executor or distributed.Client, optional
            Where recordings are read; in threads of this process if not given. Workers read them at the same paths, or
            fetch what lies behind a URL.
        progress : bool or callable
            Show how many files were looked at; or a function that is called with their number and that of all files.

        Raises
        ------
        InvalidInput
            If workers do not have the files. What is missing or no audio is said when it is asked for.
        """
        learn(list(self._files()), executor, progress)

    def measure(self, executor: Where = None) -> Self:
        """Read the lengths of all recordings, which loading does not.

        Parameters
        ----------
        executor : Executor or distributed.Client, optional
            As for :meth:`learn_facts`.

        Returns
        -------
        Dataset
            With the columns ``duration_s``, ``channels`` and ``sample_rate`` as measured; those of links that a service
            fetches as they were.

        Raises
        ------
        InvalidInput
            If a recording is missing or is not audio; the message names it. :meth:`check` finds them all. If workers do
            not have the files.
        """
        self.learn_facts(executor)
        found = [self.facts(utt_id) for utt_id in self.utterances["utt_id"]]
        columns = {
            "duration_s": pd.array([facts.duration_s for facts in found], dtype="Float64"),
            "channels": pd.array([facts.channels for facts in found], dtype="Int64"),
            "sample_rate": pd.array([facts.sample_rate for facts in found], dtype="Int64"),
        }
        return replace(self, utterances=self.utterances.assign(**columns))

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
        linked = {
            row: link
            for row, (link, digest) in enumerate(named)
            if not pd.isna(link) and is_link(link) and (pd.isna(digest) or Recording(digest).weak)
        }
        ids = self.utterances["utt_id"]
        found = links.fetch({str(ids[row]): link for row, link in linked.items()}, download, max_bytes)
        columns = {name: self.utterances[name].to_list() for name in ("digest", "duration_s", "channels")}
        for row in linked:
            recording = found.get(ids[row])
            for name, values in columns.items():
                if recording is not None and (value := getattr(recording, name)) is not None:
                    values[row] = value
        return replace(self, utterances=self.utterances.assign(**columns))

    def perturb(self, **recipe: Any) -> Self:  # noqa: ANN401 - as Recipe has them
        """Make a set of the same recordings, disturbed.

        Nothing is made until it is needed, and then once: files are kept by what they are made of. What a recipe means,
        and in what order its steps are taken, says :class:`asrlab.data.recipe.Recipe`. To compare disturbances, give
        them to :func:`grid` instead, as axes.

        Parameters
        ----------
        **recipe
            As :class:`asrlab.data.recipe.Recipe` takes it: ``snr=10, noise="babble", audio_seed=3``.

        Returns
        -------
        Dataset
            The same utterances, with the recipe in the column ``recipe``. Where lengths or channels change, they are
            missing until :meth:`measure` finds them out. References and segments go with their channels, and segments
            keep to the time of what is said.

        Raises
        ------
        InvalidInput
            If the recipe is none or does nothing, or would put texts of several channels together.

        Examples
        --------
        >>> load_dataset("datasets/dictation").perturb(snr=10, noise="babble")  # doctest: +SKIP
        """
        made = Recipe.from_mapping(recipe)
        if made.is_nothing:
            alone = " Noise needs a level: snr=..." if made.noise is not None else ""
            raise InvalidInput(f"This recipe leaves every recording as it is.{alone} Say what is done to them.")
        changed: dict[str, Any] = {"recipe": pd.array([made.canonical] * len(self), dtype="string"), "digest": pd.NA}
        if "recipe" in self.utterances:
            changed["recipe"] = self.utterances["recipe"].astype("string") + "\n" + made.canonical
        if made.changes_length:
            changed["duration_s"] = pd.NA
        if made.mix is not None:
            changed["channels"] = pd.NA
        references, segments = cuts.moved(self, made)
        perturbed = replace(
            self, utterances=self.utterances.assign(**changed), references=references, segments=segments
        )
        object.__setattr__(perturbed, "_recipes", (*self._recipes, _Applied(made, self)))
        return perturbed

    def under(self, recipe: Recipe) -> Self:
        """Give the recordings as they are under a recipe, and the tables as they are: for a sweep's audio axes.

        Parameters
        ----------
        recipe : Recipe
            What is done to them.

        Returns
        -------
        Dataset
            The same utterances; what is made of them is made when it is needed.

        Raises
        ------
        InvalidInput
            If references would be of other channels than they say.
        """
        if recipe.is_nothing:
            return self
        cuts.check_axis(self, recipe)
        perturbed = copy(self)
        object.__setattr__(perturbed, "_recipes", (*self._recipes, _Applied(recipe, self)))
        return perturbed

    make = making.make
    segmented = cuts.segmented
    joined = cuts.joined
    concatenate = cuts.concatenate
    check = checks.check
    sample = sampling.sample
    split = sampling.split
    make_card = card.make_card
    write = writing.write

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
        """Hash what the dataset is: its utt_ids, the digests of its recordings, its references, terms and segments.

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
        recorded = self.utterances["audio"].notna() | (self._whole is not None)
        ids = self.utterances["utt_id"]
        parts: list[list[Any]] = [
            [(utt_id, self.digest(utt_id) if has else None) for utt_id, has in zip(ids, recorded, strict=True)]
        ]
        named = {"references": self.references, "terms": self.terms}
        for table, frame in (named | {"segments": self.segments} if len(self.segments) else named).items():
            plain = frame[list(tables.SCHEMAS[table])].astype(object)
            parts.append(plain.where(plain.notna(), None).to_numpy().tolist())
        lines = [sorted(json.dumps(row) for row in part) for part in parts]
        return hashlib.sha256(json.dumps(lines).encode()).hexdigest()

    @cached_property
    def _places(self) -> dict[str, int]:
        return {utt_id: place for place, utt_id in enumerate(self.utterances["utt_id"])}

    def _cell(self, utt_id: str, column: str) -> Any:  # noqa: ANN401 - whatever a cell holds; None where it is missing
        if utt_id not in self._places:
            raise InvalidInput(f"There is no utterance {utt_id!r} in {self.name}.")
        if column not in self.utterances:
            return None
        value = self.utterances[column].iloc[self._places[utt_id]]
        return None if pd.api.types.is_scalar(value) and pd.isna(value) else value

    def _audio(self, utt_id: str) -> str:
        named = self._cell(utt_id, "audio")
        if named is None:
            raise InvalidInput(f"Utterance {utt_id!r} of {self.name} names no audio. Fill the column audio.")
        return str(named)

    def said(self, utt_id: str) -> Recording:
        """Give what the manifest says of a recording.

        Parameters
        ----------
        utt_id : str
            Id of its utterance.

        Returns
        -------
        Recording
            As of :meth:`facts`; nothing is read.
        """
        digest, duration_s, channels = (self._cell(utt_id, name) for name in ("digest", "duration_s", "channels"))
        # A manifest may say anything, and money is reserved by this: a length that is none is not known.
        return Recording(
            links.link_digest(self._audio(utt_id)) if digest is None else digest,
            float(duration_s) if duration_s is not None and 0 < duration_s < math.inf else None,
            int(channels) if channels is not None and channels > 0 else None,
        )

    def _source(self, utt_id: str) -> Path | Derivation:
        """Tell what an utterance is read from: its file, or how it is made."""
        derivation = self._derivation(utt_id)
        return self._file(utt_id) if derivation is None else derivation

    def _files(self) -> Iterator[Path]:
        """Go through the files that the set is, or is made of, each once; without those that cannot be had."""
        sets = [self._whole or self, *(applied.pool for applied in self._recipes if applied.recipe.noise == BABBLE)]
        named: dict[Path, None] = {}
        for one in sets:
            if one is not self and one.is_made:
                named |= dict.fromkeys(one._files())
                continue
            for utt_id, audio in rows_of(one.utterances, "utt_id", "audio"):
                if audio is not None and one.link(utt_id) is None:
                    with suppress(InvalidInput):
                        named[one._file(utt_id)] = None
        yield from named

    def _file(self, utt_id: str) -> Path:
        """Name the file that an utterance is, or is cut from, here or behind a URL."""
        named = self._audio(utt_id)
        if named.lower().startswith(("http://", "https://")) and self.makes(utt_id):
            return place(named)
        root = self.audio_root or self.folder
        if is_remote(named) or is_link(named) or root is None:
            raise InvalidInput(
                f"The audio of {utt_id!r} is not a file below a folder of {self.name}: {links.shown(named)!r}."
            )
        return inside(root, named)

    @property
    def is_made(self) -> bool:
        """Whether its recordings are made from others: perturbed, or concatenated."""
        return bool(self._recipes) or self._whole is not None

    @property
    def is_remote(self) -> bool:
        """Whether its folder lies behind a URL."""
        root = self.audio_root or self.folder
        return root is not None and not is_here(root)

    def makes(self, utt_id: str) -> bool:
        """Tell whether a recording is made from others, and is no file as it is.

        Parameters
        ----------
        utt_id : str
            Id of its utterance.

        Returns
        -------
        bool
            True of cuts, too.
        """
        return self.is_made or self._is_cut(utt_id)

    def _is_cut(self, utt_id: str) -> bool:
        return any(self._cell(utt_id, name) is not None for name in ("begin_s", "end_s", "channel"))

    def _derivation(self, utt_id: str) -> Derivation | None:
        """How a recording is made; None where it is a file as it is."""
        if not self.makes(utt_id):
            return None
        begin_s, end_s, channel = (self._cell(utt_id, name) for name in ("begin_s", "end_s", "channel"))
        whole = self._whole
        if whole is None:
            made_of: list[tuple[Any, ...]] = [
                (partial(self._file, utt_id), lambda: facts_of(self._file(utt_id)), self._speakers(utt_id))
            ]
        else:
            made_of = [
                (partial(whole._source, part), partial(whole.facts, part), whole._speakers(part))
                for part in self._cell(utt_id, "parts")
            ]
        language = self._cell(utt_id, "language")
        clips = tuple(
            Clip(source, facts, speakers, begin_s, end_s, channel, language) for source, facts, speakers in made_of
        )
        return Derivation(clips, self._cell(utt_id, "gap_s") or 0.0, tuple(applied.bound for applied in self._recipes))

    def _speakers(self, utt_id: str) -> frozenset[str]:
        """Who speaks in a recording, as far as that is known."""
        if self._whole is not None:
            return frozenset().union(*(self._whole._speakers(part) for part in self._cell(utt_id, "parts")))
        speaker = self._cell(utt_id, "speaker")
        return frozenset() if speaker is None else frozenset([str(speaker)])

    @cached_property
    def _voices(self) -> tuple[Clip, ...]:
        """The recordings as they are now in which somebody speaks, for a recipe that mixes in others of the set."""
        said = self.references["text"].str.strip() != ""
        silent = set(self.references["utt_id"]) - set(self.references["utt_id"][said])
        rows = rows_of(self.utterances, "utt_id", "audio", "language")
        return tuple(
            Clip(
                partial(self._source, utt_id),
                partial(self.facts, utt_id),
                self._speakers(utt_id),
                language=language,
            )
            for utt_id, audio, language in rows
            if utt_id not in silent and (audio is not None or self._whole is not None)
        )


def _counted(column: pd.Series, missing: str) -> dict[str, int]:
    """Count the rows with each value."""
    return {str(value): int(n) for value, n in column.fillna(missing).value_counts().items()}


def _take_sums(utterances: pd.DataFrame) -> None:
    """Make digests of what a manifest says is the SHA-256 of the bytes behind a URL."""
    if "sha256" not in utterances.columns:
        return
    sums = utterances["sha256"].astype("string").str.lower()  # PowerShell writes capitals
    complain(
        sums.notna() & ~sums.str.fullmatch("[0-9a-f]{64}"), utterances, "have a sha256 not of 64 hexadecimal digits"
    )
    given, sums = utterances["digest"], "file-sha256:" + sums
    other = given.str.startswith("file-").fillna(value=False) & (given != sums).fillna(value=False)
    complain(other, utterances, "have a digest and a sha256 that differ")
    linked = utterances["audio"].map(is_link, na_action="ignore").fillna(value=False).astype(bool)
    strong = given.str.startswith(("pcm-", "file-")).fillna(value=False)
    utterances["digest"] = given.where(strong | ~linked | sums.isna(), sums)
