"""Names of columns: what others call ours, and ids for utterances that have none."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

from asrlab.data.links import shown
from asrlab.data.places import is_here, is_remote
from asrlab.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from pathlib import Path

    from asrlab.data.manifests.base import Options

#: Column of ours -> what other manifests call it, in small letters and with ``_`` between words.
ALIASES: Final[Mapping[str, tuple[str, ...]]] = {
    "utt_id": ("id", "utterance_id", "key"),
    "audio": (
        "audio_filepath", "audio_file", "audio_path", "audio_url", "path", "file", "file_path", "filepath", "filename",
        "file_name", "wav", "wav_path", "wav_filename", "url",
    ),
    "text": ("sentence", "transcript", "transcription", "txt", "reference"),
    "language": ("lang", "locale", "language_code"),
    "duration_s": ("duration", "duration_sec", "duration_seconds"),
    "speaker": ("speaker_id", "client_id", "spk", "spk_id"),
    "licence": ("license",),
}  # fmt: skip


def renamed(
    columns: Iterable[str], given: Mapping[str, str], aliases: Mapping[str, tuple[str, ...]] = ALIASES
) -> dict[str, str]:
    """Tell what columns are called here.

    A column has the name that the user gave it; else its own, if that is one of ours; else ours, if it is the only one
    that can be meant by it; else its own.

    Parameters
    ----------
    columns : iterable of str
        Their names there.
    given : mapping
        What the user says: name there -> name of ours. Names that are not there do nothing.
    aliases : mapping
        As :data:`ALIASES`; empty where no other names are understood.

    Returns
    -------
    dict
        Name there -> name here, of every column.

    Raises
    ------
    InvalidInput
        If two columns would have one name here.
    """
    names = {name: given.get(name, name) for name in columns}
    free = [name for name in names if name not in given]
    alike = {name: name.strip().lower().replace(" ", "_").replace("-", "_") for name in free}
    for ours, theirs in aliases.items():
        if ours in names.values():
            continue
        found = [name for name in free if alike[name] == ours or alike[name] in theirs]
        if len(found) > 1:
            raise InvalidInput(
                f"Each of the columns {_listed(found)} could be {ours}. Say which is meant: "
                f"columns={{{found[0]!r}: {ours!r}}}."
            )
        names.update(dict.fromkeys(found, ours))
    twice = [name for name, count in Counter(names.values()).items() if count > 1]
    if twice:
        both = [name for name, ours in names.items() if ours == twice[0]]
        raise InvalidInput(
            f"The columns {_listed(both)} would both be {twice[0]}. Give one of them another name with columns=."
        )
    return names


def check_given(options: Options, columns: Collection[str], source: object) -> None:
    """Refuse names of columns that the user gave and that are not there."""
    wrong = [name for name in options.columns if name not in columns]
    if wrong:
        raise InvalidInput(
            f"{source} has no column {wrong[0]!r}, which columns= names. Its columns are {_listed(columns)}."
        )


def check_needed(names: Mapping[str, str], source: object) -> None:
    """Refuse a table that has neither ids nor audio."""
    if not {"utt_id", "audio"} & set(names.values()):
        one = next(iter(names), "wav")
        raise InvalidInput(
            f"{source} has no column that can be utt_id or audio. Its columns are {_listed(names)}. Say which is "
            f"which, such as columns={{{one!r}: 'audio'}}."
        )


def made_ids(
    audio: Sequence[str | None], root: Path | None, begins: Sequence[float | None] = ()
) -> tuple[list[str | None], str]:
    """Make ids of what recordings are called: of the names of their files or, if two have one, of their paths.

    Parameters
    ----------
    audio : sequence of str or None
        Paths and URLs.
    root : Path, optional
        Folder of the audio, which an id does not name.
    begins : sequence of float or None
        Of stretches of recordings, where they begin; seconds. None of a whole recording.

    Returns
    -------
    ids : list of str or None
        Equal only where path and begin are; nothing of a link's query is in them. None where there is no audio.
    remark : str
        What they are made of.
    """
    starts = () if root is None else (root.absolute(), root.resolve()) if is_here(root) else (root,)
    paths = [None if named is None else _path(named) for named in audio]
    for start in starts:
        prefix = str(start).rstrip("/") + "/"
        paths = [None if path is None else path.removeprefix(prefix) for path in paths]
    names = [None if path is None else path.rpartition("/")[2] or path for path in paths]
    stems = [None if name is None else name.rpartition(".")[0] or name for name in names]
    for ids, what in ((stems, "name of its file"), (paths, "path of its file")):
        if _all_differ(ids):
            return ids, f"There are no ids. The utt_id of each is the {what}."
    if not any(begin is not None for begin in begins):
        return paths, "There are no ids. The utt_id of each is the path of its file."
    short = stems if len(set(stems)) == len(set(paths)) else paths
    ids = [
        name if name is None or begin is None else f"{name}-{begin:.3f}"
        for name, begin in zip(short, begins, strict=True)
    ]
    return ids, "There are no ids. The utt_id of each is the name of its file and the second at which it begins."


def numbered(ids: Iterable[str | None]) -> list[str | None]:
    """Add a number to ids that were there before: ``a``, ``a#2``, ``a#3``."""
    listed = list(ids)
    taken = set(listed)
    seen: Counter[str] = Counter()
    for place, utt_id in enumerate(listed):
        if utt_id is None:
            continue
        seen[utt_id] += 1
        if seen[utt_id] > 1:
            while (other := f"{utt_id}#{seen[utt_id]}") in taken:
                seen[utt_id] += 1
            taken.add(other)
            listed[place] = other
    return listed


def _path(named: str) -> str:
    """Give the path of a recording; of a link without what may be secret."""
    if not is_remote(named):
        return named
    link = shown(named)
    plain = unquote(link)
    return plain if plain.isprintable() else link


def _all_differ(ids: Sequence[str | None]) -> bool:
    there = [one for one in ids if one is not None]
    return len(set(there)) == len(there)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(repr(name) for name in names) or "none"
