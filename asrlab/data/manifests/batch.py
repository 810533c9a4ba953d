"""Batches of URLs, as a service is given them."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from asrlab.data.manifests.base import Format, Manifest, Options, collect, is_file
from asrlab.data.manifests.columns import made_ids, numbered
from asrlab.data.manifests.files import first_lines, text_lines
from asrlab.data.manifests.jsonl import json_rows, manifest_name
from asrlab.data.manifests.writing import TABLES, new_file, refuse, whole_files
from asrlab.data.places import is_link
from asrlab.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from asrlab.data.dataset import Dataset

_LARGEST: Final = 256 << 20  # bytes of a JSON document, which is read at once: of a million links and more
_LINKS: Final = ("file_url", "file_urls")
_LIST: Final = re.compile(r'\s*\[\s*"(?:https?|oss)://', re.I)
_BODY: Final = re.compile(r'\s*\[?\s*\{.*"input"\s*:\s*\{\s*"file_urls?"', re.S)

Found = tuple[int, str, str | None]  # line, link, language


class Urls(Format):
    """Links to recordings, as the service is given them.

    A text file with a link a line (empty lines and those with ``#`` are passed over); a JSON file with a list of links,
    with the body of a request, ``{"model": ..., "input": {"file_url": ...}, "parameters": {...}}``, or with a list of
    bodies; JSON lines of bodies; or a list in Python. A body may have ``file_urls``, a list. Of its parameters the
    ``language`` is taken as that of the recording; the others belong into a grid.

    An id is made of the file's name in the link. The query of a link is kept in ``audio``, where it is needed, and is
    shown nowhere. ``write`` writes the links, one a line, and nothing else.
    """

    name = "urls"
    title = "links to recordings, one a line, or bodies of requests to the service"

    def recognises(self, source: Any) -> bool:  # noqa: ANN401 - see Format
        """Whether the first line, or the first item, is a link or a body with one."""
        if isinstance(source, list | tuple):
            return bool(source) and isinstance(source[0], str) and is_link(source[0])
        if is_file(source, ".txt"):
            first = next((line for line in first_lines(source) if _says_something(line)), "")
            return is_link(first.strip()) and "://" in first
        if is_file(source, ".json", ".jsonl"):
            head = "\n".join(first_lines(source))
            return _LIST.match(head) is not None or _BODY.match(head) is not None
        return False

    def read(self, source: Any, options: Options) -> Manifest:  # noqa: ANN401 - see Format
        """Read the links; nothing is fetched."""
        remarks: Counter[str] = Counter()
        where = "The list" if isinstance(source, list | tuple) else str(source)
        word = "line" if is_file(source, ".txt", ".jsonl") else "item"
        found = list(_found(source, where, remarks))
        for number, link, _ in found:
            _check_link(link, f"{where}, {word} {number}")
        ids, remark = made_ids([link for _, link, _ in found], None)
        rows = (
            (number, {"utt_id": utt_id, "audio": link, "language": language})
            for (number, link, language), utt_id in zip(found, numbered(ids), strict=True)
        )
        utterances, references = collect(rows, where, options, line=word)
        said = (remark, *(f"{count} {what}" for what, count in remarks.items()))
        if isinstance(source, list | tuple):
            return Manifest("urls", utterances, references, said="a list of links", remarks=said)
        return Manifest(
            manifest_name(source), utterances, references, folder=source.parent, said=source.name, remarks=said
        )

    def write(self, dataset: Dataset, path: Path) -> None:
        """Write the links, one a line: ids, texts and whatever else are left out."""
        what, audio, ids = "A list of links", dataset.utterances["audio"], dataset.utterances["utt_id"]
        fetched = audio.astype(object).map(_is_fetched).astype(bool)
        refuse(ids[~fetched], what, "audio that is no http, https or oss link", "Upload the files first.")
        whole_files(dataset, what, TABLES)
        with new_file(path) as file:
            file.writelines(f"{link}\n" for link in audio)


FORMATS: Final = (Urls(),)


def _found(source: Any, where: str, remarks: Counter[str]) -> Iterator[Found]:  # noqa: ANN401 - see Format
    """Give the links of a source."""
    if isinstance(source, list | tuple):
        yield from ((number, link, None) for number, link in enumerate(source, 1))
    elif is_file(source, ".jsonl"):
        for number, body in json_rows(source):
            yield from _of_body(body, number, f"{where}, line {number}", remarks)
    elif is_file(source, ".json"):
        document = _document(source)
        for number, item in enumerate(document if isinstance(document, list) else [document], 1):
            if isinstance(item, dict):
                yield from _of_body(item, number, f"{where}, item {number}", remarks)
            else:
                yield number, item, None
    else:
        for number, line in text_lines(source):
            if _says_something(line):
                yield number, line.strip(), None


def _document(file: Path) -> Any:  # noqa: ANN401 - whatever JSON holds
    try:
        with file.open("rb") as opened:
            content = opened.read(_LARGEST + 1)
        if len(content) <= _LARGEST:
            return json.loads(content.decode("utf-8-sig"))
    except OSError as error:
        raise InvalidInput(f"{file} cannot be read ({error.strerror or error}). Check the path.") from error
    except (ValueError, RecursionError) as error:  # by its kind and place: its words may hold a link
        place = f", line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        raise InvalidInput(f"{file}{place}: this is not JSON in UTF-8 ({type(error).__name__}). Mend it.") from None
    raise InvalidInput(f"{file} is larger than {_LARGEST:,} bytes. Write a link a line to a .txt file.")


def _of_body(body: dict[str, Any], number: int, where: str, remarks: Counter[str]) -> Iterator[Found]:
    """Take the links out of the body of a request."""
    given, asked = body.get("input"), body.get("parameters")
    links = given.get("file_urls", [given.get("file_url")]) if isinstance(given, dict) else None
    if not isinstance(links, list) or not links:
        raise InvalidInput(f'{where}: there is no link. A body has "input": {{"file_url": ...}}. Mend it.')
    language = asked.get("language") if isinstance(asked, dict) else None
    if "model" in body or asked:
        remarks["bodies have a model or parameters: no part of a dataset, but of a grid."] += 1
    yield from ((number, link, language) for link in links)


def _check_link(link: object, where: str) -> None:
    """Refuse what is no link; what it is, is not shown: it may hold a signature."""
    if not _is_fetched(link):
        raise InvalidInput(f"{where}: this is no http, https or oss link. Mend it, or leave it out.")


def _is_fetched(link: object) -> bool:
    if not isinstance(link, str) or not link.isprintable() or " " in link or not is_link(link):
        return False
    try:
        return bool(urlsplit(link).netloc)
    except ValueError:
        return False


def _says_something(line: str) -> bool:
    return bool(line.strip()) and not line.lstrip().startswith("#")
