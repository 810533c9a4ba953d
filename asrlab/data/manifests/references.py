"""Rows that say what was said: references, terms and segments, each checked where its line is known."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

from asrlab import tables
from asrlab.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Mapping

    from asrlab.data.manifests.base import Row

#: What a row of a manifest says of the words, which so are no names of further columns.
SAID: Final = ("text", "channel_texts", "references")
#: What a reference may be: as said, as written, as said with all slips, or not told.
FORMS: Final = ("unstated", "spoken", "written", "verbatim")
_NEEDED: Final[Mapping[str, tuple[str, ...]]] = {
    "references": ("utt_id", "text"),
    "terms": ("term",),
    "segments": ("segment", "utt_id", "begin_s", "end_s"),
}
_IDS: Final = ("utt_id", "segment", "speaker")
_MOST: Final = 2**31  # of channels and alternatives
_KINDS: Final = {table: {name: dtype for name, (dtype, _) in tables.SCHEMAS[table].items()} for table in _NEEDED}


def take_references(row: Row) -> list[Row]:
    """Take what a row of a manifest says of the words out of it.

    Parameters
    ----------
    row : dict
        ``text``, ``channel_texts`` and ``references`` (see :func:`asrlab.data.manifests.base.collect`) are taken out;
        ``form``, too, where it is one of :data:`FORMS` and ``text`` is the only reference.

    Returns
    -------
    list of dict
        Rows of references. Beside ``channel_texts``, a ``text`` is their sum and no other reference.

    Raises
    ------
    InvalidInput
        If they are not what they should be.
    """
    utt_id = row.get("utt_id")
    text, by_channel, given = (row.pop(name, None) for name in SAID)
    if by_channel is None and given is None:
        if text is None:
            return []
        one = {"utt_id": utt_id, "text": text}
        if row.get("form") in FORMS:
            one["form"] = row.pop("form")
        check_row(one, "references")
        return [one]
    found: list[Row] = []
    if given is not None:
        if not isinstance(given, list) or not all(isinstance(one, dict) for one in given):
            raise InvalidInput("references must be a list of objects, each with a text. One text stands in text.")
        if any(one.get("utt_id", utt_id) != utt_id for one in given):
            raise InvalidInput("there are references with the utt_id of another. Move them to its row.")
        found += given
    if by_channel is not None:
        if not isinstance(by_channel, list):
            raise InvalidInput("channel_texts must be a list of texts, one a channel, which only JSON lines can hold.")
        found += [{"channel": channel, "text": said} for channel, said in enumerate(by_channel) if said is not None]
    elif text is not None:
        found.append({"text": text})
    found = [{"utt_id": utt_id, **one} for one in found]
    keys = [check_row(one, "references") for one in found if utt_id is not None]
    if len(set(keys)) < len(keys):
        raise InvalidInput("two references have the same channel, form and alternative. Leave one of them.")
    return found


def check_text(name: str, value: str) -> None:
    """Refuse what is no Unicode text.

    Raises
    ------
    InvalidInput
        If it holds half a surrogate pair, which JSON can spell.
    """
    try:
        value.encode()
    except UnicodeEncodeError:
        raise InvalidInput(f"{name} holds half a surrogate pair, which is no text. Mend it.") from None


def check_row(row: Row, table: str) -> Any:  # noqa: ANN401 - what makes it unique in its table; None for nothing
    """Check a row of a table, make ids text, and give what must be unique of it.

    Parameters
    ----------
    row : dict
        It is changed in place.
    table : {"references", "terms", "segments"}

    Raises
    ------
    InvalidInput
        If something is missing or of the wrong kind.
    """
    for name in _NEEDED[table]:
        if row.get(name) is None:
            more = ' (silence is "")' if name == "text" else ""
            raise InvalidInput(f"there is no {name}{more}. Add it, or leave the line out.")
    kinds = _KINDS[table]
    for name, value in row.items():
        if type(value) is str and value.isascii() and kinds.get(name, "string") == "string":
            continue  # as most are
        if value is not None:
            row[name] = _checked(name, value, kinds.get(name))
    if table == "segments":
        if not row["segment"]:
            raise InvalidInput("there is no segment. Give each an id of its own.")
        if not row["begin_s"] < row["end_s"]:
            raise InvalidInput(f"it ends at {row['end_s']} s, not after its begin at {row['begin_s']} s. Mend it.")
        return row["segment"]
    if table == "references":
        usual = {"channel": 0, "form": "unstated", "alternative": 0}
        return (row["utt_id"], *(usual[name] if row.get(name) is None else row[name] for name in usual))
    return None


def _checked(name: str, value: Any, dtype: str | None) -> Any:  # noqa: ANN401 - whatever stands there
    if name in _IDS and type(value) is int:
        return str(value)
    if isinstance(value, str):
        check_text(name, value)
    if dtype == "string" and not isinstance(value, str):
        what = "what was said" if name == "text" else name
        raise InvalidInput(f"{what} must be text, not {value!r}. Write it in quotation marks.")
    if dtype == "Int64" and not (_is_number(value) and 0 <= value < _MOST and value % 1 == 0):
        raise InvalidInput(f"{name} must be a whole number from 0, not {value!r}. Mend it, or leave it out.")
    if dtype == "Float64" and not (_is_number(value) and 0 <= value < math.inf):
        raise InvalidInput(f"{name} must be a number of seconds, not {value!r}. Mend it, or leave the line out.")
    return value


def _is_number(value: object) -> bool:
    return type(value) in (int, float) and not (isinstance(value, float) and math.isnan(value))
