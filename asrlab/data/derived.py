"""Derived recordings: how they are made of others, and the files that are made of them when they are needed."""

from __future__ import annotations

import hashlib
import time
from collections import OrderedDict
from dataclasses import dataclass, replace
from functools import cached_property, partial
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np

from asrlab.data import audio
from asrlab.data.audio_cache import is_kept, kept
from asrlab.data.codecs import write_flac
from asrlab.data.manifests.files import AUDIO_SUFFIXES, files_below
from asrlab.data.perturb import VERSIONS, Shape, Sound, perturb, resampled, resampled_length, shape_after
from asrlab.data.places import ask_all, is_place, local_copy, place
from asrlab.data.recipe import BABBLE, GENERATED, Recipe
from asrlab.data.recordings import Recording
from asrlab.data.spread import Seen, facts_of, learn, seen
from asrlab.errors import InvalidInput
from asrlab.text import canonical_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

_VERSION: Final = 1
"""Goes up when what cutting and joining make of recordings changes; steps of recipes have versions of their own."""

_TALKERS: Final = 6
_REMEMBERED_S: Final = 10.0
_MOST_REMEMBERED: Final = 8
_MOST_CHANNELS: Final = 8  # of FLAC
_CHANGED: Final = "A recording changed while another was made of it. Try again when it is finished."


@dataclass(frozen=True)
class Clip:
    """A stretch of a recording.

    Parameters
    ----------
    source : callable, Path, Derivation or Seen
        What it is read from, a file or what is made; or gives that, and is asked only when samples are needed.
    facts : callable or Recording
        Gives what the whole recording is: its digest, length, channels and rate.
    speaker : str or frozenset of str, optional
        Who speaks; several where it is joined of recordings.
    begin_s, end_s : float, optional
        Where it begins and ends, in seconds; the whole recording if not given. An end beyond the recording's is there.
    channel : int, optional
        The one channel that it is of, from 0; all if not given.
    language : str, optional
        Language that is spoken.
    """

    source: Callable[[], Path | Derivation] | Path | Derivation | Seen
    facts: Callable[[], Recording] | Recording
    speaker: str | frozenset[str] | None = None
    begin_s: float | None = None
    end_s: float | None = None
    channel: int | None = None
    language: str | None = None

    @property
    def speakers(self) -> frozenset[str]:
        """Who speaks; empty where it is not known."""
        return frozenset([self.speaker] if isinstance(self.speaker, str) else self.speaker or ())

    @property
    def recording(self) -> Recording:
        """What the whole recording is."""
        return self.facts() if callable(self.facts) else self.facts

    @property
    def read_from(self) -> Path | Derivation | Seen:
        """What it is read from."""
        return self.source() if callable(self.source) else self.source

    def settled(self) -> Self:
        """Give it as a worker takes it: with what is known of the recording, and its file as it was seen here.

        Raises
        ------
        InvalidInput
            If the recording is missing or is not audio.
        """
        source = self.read_from
        if isinstance(source, Derivation):
            return replace(self, source=source.settled(), facts=self.recording)
        return replace(self, source=source if isinstance(source, Seen) else seen(source), facts=self.recording)

    def identity(self) -> list[Any]:
        """Give what makes it this clip: the recording's digest, where it begins and ends, and its channel."""
        end_s = None if self.end_s is None else float(self.end_s)
        return [self.recording.digest, float(self.begin_s or 0), end_s, self._channel]

    def shape(self) -> Shape:
        """Tell how many samples it has, without reading them.

        Raises
        ------
        InvalidInput
            If there are none, or the recording has not the channel.
        """
        duration_s, channels, rate = self._info()
        begin, end = self._ends(rate, round(duration_s * rate))
        if begin >= end:
            raise InvalidInput(
                f"{self._file()} lasts {duration_s:.3f} s, and nothing of it lies from {self.begin_s or 0:.3f} s to "
                f"{duration_s if self.end_s is None else self.end_s:.3f} s. Mend begin_s and end_s."
            )
        if self._channel is not None and self._channel >= channels:
            raise InvalidInput(f"{self._file()} has {channels} channels and no channel {self.channel}. They go from 0.")
        return Shape(end - begin, channels if self._channel is None else 1, rate)

    def samples(self, rate: int) -> Floats:
        """Read it at a rate in Hz, as an array of float32, shape (channels, samples)."""
        duration_s, _, own = self._info()
        channels = slice(None) if self._channel is None else slice(self._channel, self._channel + 1)
        if rate == own and (self.begin_s or self.end_s is not None):
            return audio.decode_part(self._file(), *self._ends(rate, round(duration_s * rate)))[channels]
        samples = audio.decode(self._file(), rate)
        begin, end = self._ends(rate, samples.shape[1])
        if self._channel is None and end - begin == samples.shape[1]:
            return samples
        return samples[channels, begin:end].copy()  # so that the rest is let go

    def _info(self) -> tuple[float, int, int]:
        """Length in s, channels, and rate in Hz of the whole recording."""
        known = self.recording
        if known.duration_s is None or known.channels is None or known.sample_rate is None:
            info = audio.probe(self._file())
            return info.duration_s, info.channels, info.sample_rate
        return known.duration_s, known.channels, known.sample_rate

    @property
    def _channel(self) -> int | None:
        return None if self.channel is None else int(self.channel)

    def _file(self) -> Path:
        source = self.read_from
        if isinstance(source, Derivation):
            return source.path()
        return source.file() if isinstance(source, Seen) else local_copy(source)

    def _ends(self, rate: int, length: int) -> tuple[int, int]:
        end = length if self.end_s is None else min(length, round(self.end_s * rate))
        return round((self.begin_s or 0) * rate), end


@dataclass(frozen=True)
class BoundRecipe:
    """A recipe, and what it may mix in.

    Parameters
    ----------
    recipe : Recipe
        What is done.
    pool : callable or sequence of Clip
        Gives the recordings of the set that it is done to, for babble; is asked only where that is wanted.
    """

    recipe: Recipe
    pool: Callable[[], Sequence[Clip]] | Sequence[Clip] = ()

    def choose(self, source: str, parts: Sequence[Clip], seed: str) -> tuple[Clip, ...]:
        """Choose the recordings that the noise is made of.

        Parameters
        ----------
        source : str
            Digest of the recording that the noise is for; it is not chosen.
        parts : sequence of Clip
            What it is made of. Nothing is chosen by those who speak there, one recording at most by each of the others,
            and only in the languages spoken there, where the set has other recordings in them.
        seed : str
            Chooses. The recordings of fewer talkers are among those of more.

        Raises
        ------
        InvalidInput
            If there are not enough.
        """
        kind = self.recipe.effects.get("noise")
        if kind is None or kind in GENERATED:
            return ()
        if kind != BABBLE:
            files = _noise_files(kind)
            return (files[next(_shuffled(len(files), seed))],)
        wanted = self.recipe.talkers
        languages = {part.language for part in parts if part.language is not None}
        chosen = self._talkers(source, parts, seed, languages) or self._talkers(source, parts, seed, set())
        if len(chosen) < (wanted or 1):
            raise InvalidInput(
                f"Babble of {wanted or 'some'} talkers needs that many other recordings in the set, by other speakers; "
                f"there are {len(chosen)}. Take a larger set, fewer talkers, or noise='speech'."
            )
        return tuple(chosen)

    def _talkers(self, source: str, parts: Sequence[Clip], seed: str, languages: set[str]) -> list[Clip]:
        chosen: list[Clip] = []
        heard = {speaker for part in parts for speaker in part.speakers}
        candidates = _by_digest(self.pool() if callable(self.pool) else self.pool)
        for number in _shuffled(len(candidates), seed):
            digest, clip = candidates[number]
            if digest == source or clip.speakers & heard or (languages and clip.language not in languages):
                continue
            heard |= clip.speakers
            chosen.append(clip)
            if len(chosen) == (self.recipe.talkers or _TALKERS):
                break
        return chosen


@dataclass(frozen=True)
class Derivation:
    """How a recording is made of others; nothing is made before :meth:`path`.

    Parameters
    ----------
    parts : tuple of Clip
        At least one; they follow one another. Where their rates differ all are brought to the highest. A part with one
        channel is on each channel of the others, which must have the same number.
    gap_s : float
        Seconds of silence between two parts.
    recipes : tuple of BoundRecipe
        What is done to that, in order.
    materials : tuple of tuple of Clip, optional
        For each recipe, the recordings that its noise is made of; they are chosen if not given.
    """

    parts: tuple[Clip, ...]
    gap_s: float = 0.0
    recipes: tuple[BoundRecipe, ...] = ()
    materials: tuple[tuple[Clip, ...], ...] | None = None

    @cached_property
    def digest(self) -> str:
        """``"derived-sha256:..."`` over what it is made of and how; no audio is made for it.

        Two derivations have the same where they make the same recording, on any machine; whether the last bit of a
        sample agrees is up to the libraries there.

        Raises
        ------
        InvalidInput
            If a recording or a noise is missing, or there are too few for babble.
        """
        return self._hashed()

    def facts(self) -> Recording:
        """Tell what it is: digest, exact length, channels and rate, from those of its parts.

        Raises
        ------
        InvalidInput
            As for :attr:`digest`; or if the parts cannot be joined, or a recipe needs other channels.
        """
        shape = self.shape()
        return Recording(self.digest, shape.samples / shape.rate, shape.channels, shape.rate)

    def shape(self) -> Shape:
        """Tell how many samples there will be; raises as :meth:`facts` does."""
        shape = self._joined_shape()
        for bound in self.recipes:
            shape = shape_after(bound.recipe, shape)
        if shape.channels > _MOST_CHANNELS:
            raise InvalidInput(
                f"What is made of recordings is kept as FLAC, which holds {_MOST_CHANNELS} channels, not "
                f"{shape.channels}. Mix them down with mix='mono', or take one with the column channel."
            )
        return shape

    def path(self) -> Path:
        """Give its file, a FLAC of 16 bits, which is made now if it is not there.

        Files are kept in the folder ``derived`` of the cache, under what they are made of; one that was changed there
        is made again. Several threads and processes may ask at the same time.

        Raises
        ------
        InvalidInput
            As for :meth:`facts`; or if a recording cannot be read or changes meanwhile, or noise would be made of
            silence.
        StoreError
            If the cache cannot be written to.
        MissingExtra
            If Opus or MP3 is wanted, and PyAV is not installed.
        """
        return self.keep(self.flac)

    def keep(self, make: Callable[[], bytes]) -> Path:
        """Give its file as :meth:`path` does, made elsewhere: ``make`` gives what :meth:`flac` came to there."""

        def made() -> bytes:
            content = make()
            if self._hashed() != self.digest:
                raise InvalidInput(_CHANGED)
            return content

        return kept(self._name, made)

    @property
    def is_kept(self) -> bool:
        """Whether its file is there already."""
        return is_kept(self._name)

    def settled(self) -> Derivation:
        """Give it as a worker takes it: complete, with the recordings that were chosen, to call :meth:`flac` there.

        Raises
        ------
        InvalidInput
            As for :attr:`digest`.
        """
        _ = self.digest  # by which it will be known that a recording has changed since
        return Derivation(
            tuple(part.settled() for part in self.parts),
            self.gap_s,
            tuple(BoundRecipe(bound.recipe) for bound in self.recipes),
            tuple(tuple(clip.settled() for clip in clips) for clips in self._materials),
        )

    def flac(self) -> bytes:
        """Make it, and code it as FLAC of 16 bits; raises as :meth:`path` does."""
        file = BytesIO()
        write_flac(file, *self._made())
        return file.getvalue()

    @property
    def _name(self) -> str:
        return self.digest.partition(":")[2]

    @cached_property
    def _materials(self) -> tuple[tuple[Clip, ...], ...]:
        """For each recipe, the recordings that its noise is made of."""
        if self.materials is not None:
            return self.materials
        return tuple(
            bound.choose(self._before(number), self.parts, self._seed(number, "noise", 0))
            if "snr" in bound.recipe.effects
            else ()
            for number, bound in enumerate(self.recipes)
        )

    def _before(self, number: int) -> str:
        """Digest of what a recipe is given, as the set that it was bound to knows it."""
        (part, *more) = self.parts
        digest, *cut = part.identity()
        if number or more or cut != [0.0, None, None]:
            return Derivation(self.parts, self.gap_s, self.recipes[:number]).digest
        return str(digest)

    def _seed(self, number: int, step: str, channel: int) -> str:
        """Seed the random choices of a recipe's step.

        They are the same whatever else is done: at each level of noise, and before or after another codec.
        """
        earlier = sum(step in bound.recipe.effects for bound in self.recipes[:number])
        seed = [self.recipes[number].recipe.audio_seed, self._source, step, channel, earlier]
        return hashlib.sha256(canonical_json(seed).encode()).hexdigest()

    def _draw(self, number: int, step: str, channel: int) -> np.random.Generator:
        return np.random.Generator(np.random.PCG64(int(self._seed(number, step, channel), 16)))

    @cached_property
    def _source(self) -> list[Any]:
        return self._joined()

    def _joined(self) -> list[Any]:
        """Say what is joined, and with what gaps, as it is now."""
        return [[part.identity() for part in self.parts], float(self.gap_s) if len(self.parts) > 1 else 0.0]

    def _hashed(self) -> str:
        """Hash what it is made of, as that is now."""
        steps = []
        for bound, materials in zip(self.recipes, self._materials, strict=True):
            effects = bound.recipe.effects
            if not effects:
                continue
            if materials:  # they are what a path and a number of talkers mean
                effects = {**effects, "noise": BABBLE if effects["noise"] == BABBLE else "recording"}
                effects.pop("talkers", None)
            versions = {name: VERSIONS[name] for name in effects if name in VERSIONS}
            steps.append(
                {"recipe": effects, "versions": versions, "materials": [clip.identity() for clip in materials]}
            )
        made_of = {"version": _VERSION, "joined": self._joined(), "steps": steps}
        return f"derived-sha256:{hashlib.sha256(canonical_json(made_of).encode()).hexdigest()}"

    def _joined_shape(self) -> Shape:
        if not self.parts:
            raise InvalidInput("A recording is made of others, and none were given.")
        shapes = [part.shape() for part in self.parts]
        rate = max(shape.rate for shape in shapes)
        channels = {shape.channels for shape in shapes} - {1} or {1}
        if len(channels) > 1:
            raise InvalidInput(
                f"Recordings of {' and '.join(map(str, sorted(channels)))} channels cannot be joined. Give each one "
                "channel first, with mix='mono' or the column channel."
            )
        samples = sum(resampled_length(shape.samples, shape.rate, rate) for shape in shapes)
        return Shape(samples + (len(shapes) - 1) * round(self.gap_s * rate), channels.pop(), rate)

    def _made(self) -> tuple[Floats, int]:
        shape = self.shape()
        joined = self._joined_shape()
        samples, rate = self._join(joined), joined.rate
        for number, bound in enumerate(self.recipes):
            sound = Sound(samples, rate, partial(self._draw, number), partial(_voices, self._materials[number]))
            del samples
            perturb(sound, bound.recipe)
            samples, rate = sound.samples, sound.rate
        if samples.shape != (shape.channels, shape.samples):
            raise InvalidInput(_CHANGED)
        return samples, rate

    def _join(self, joined: Shape) -> Floats:
        if len(self.parts) == 1:
            return self._part(self.parts[0], joined.rate)
        samples = np.zeros((joined.channels, joined.samples), np.float32)
        begin = 0
        for part in self.parts:
            one = self._part(part, joined.rate)
            samples[:, begin : begin + one.shape[1]] = one
            begin += one.shape[1] + round(self.gap_s * joined.rate)
        return samples

    @staticmethod
    def _part(part: Clip, rate: int) -> Floats:
        shape = part.shape()
        samples = part.samples(shape.rate)
        if samples.shape != (shape.channels, shape.samples):
            raise InvalidInput(
                f"{part.recording.digest} has {samples.shape[1]:,} samples where its header says {shape.samples:,}. "
                "Convert it to WAV or FLAC."
            )
        return resampled(samples, shape.rate, rate)


def _shuffled(count: int, seed: str) -> Iterator[int]:
    """Go through the numbers from 0 in an order that is the same with every version of every library."""
    moved: dict[int, int] = {}
    for turn in range(count):
        drawn = int.from_bytes(hashlib.sha256(f"{seed} {turn}".encode()).digest(), "big")
        other = turn + drawn % (count - turn)
        yield moved.get(other, other)
        moved[other] = moved.get(turn, turn)


def _voices(materials: tuple[Clip, ...], rate: int) -> Iterator[Floats]:
    for clip in materials:
        yield clip.samples(rate).mean(axis=0)


def _noise_files(named: str) -> tuple[Clip, ...]:
    """Find the recordings that a path of the user's means, sorted by digest."""
    where = place(named)
    key = f"noise {where.absolute()}"
    if (held := _remembered(key, None)) is not None:
        return tuple(clip for _, clip in held)
    try:
        files = list(files_below(where, AUDIO_SUFFIXES)) if where.is_dir() else [where] if where.is_file() else None
    except OSError as error:
        raise InvalidInput(f"The noise {named} cannot be looked into ({error.strerror}). Check the path.") from error
    if files is None:
        raise InvalidInput(
            f"There is no noise {named!r}: it is none of {', '.join((*GENERATED, BABBLE))}, and no file or folder."
        )
    if not files:
        raise InvalidInput(f"There are no recordings in {named} to take noise from. Name a folder that has some.")
    learn(files, None)
    clips = [Clip(file, partial(facts_of, file)) for file in files]
    return tuple(clip for _, clip in _remember(key, None, _sorted(clips)))


def _by_digest(clips: Sequence[Clip]) -> list[tuple[str, Clip]]:
    """Sort clips by what they are, the same one but once: so their order in a set does not count."""
    held = _remembered(id(clips), clips)
    return _remember(id(clips), clips, _sorted(clips)) if held is None else held


def _sorted(clips: Sequence[Clip]) -> list[tuple[str, Clip]]:
    ask_all([source for clip in clips if is_place(source := clip.read_from)])
    named = {canonical_json(clip.identity()): (clip.recording.digest, clip) for clip in reversed(clips)}
    return [named[name] for name in sorted(named)]


#: What was sorted last, by a name or an object, and when: each utterance of a set asks for it, and files may change.
_held: OrderedDict[Any, tuple[float, Any, list[tuple[str, Clip]]]] = OrderedDict()


def _remembered(key: Any, of: Any) -> list[tuple[str, Clip]] | None:  # noqa: ANN401 - whatever names it
    at, known, found = _held.get(key, (0.0, None, []))
    return found if found and known is of and time.monotonic() - at < _REMEMBERED_S else None


def _remember(key: Any, of: Any, found: list[tuple[str, Clip]]) -> list[tuple[str, Clip]]:  # noqa: ANN401 - as above
    _held[key] = time.monotonic(), of, found
    while len(_held) > _MOST_REMEMBERED:
        _held.popitem(last=False)
    return found
