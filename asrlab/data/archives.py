"""Archives: unpacked once, into the cache, whatever tricks there are in them.

An archive is untrusted. Its names may lead out of the folder, its links too; its sizes may lie, and a few kilobytes may
unpack to more than any disk holds. So nothing but plain files and folders is taken, and what comes out is counted.
"""

from __future__ import annotations

import bz2
import gzip
import hashlib
import lzma
import re
import shutil
import stat
import tarfile
import tempfile
import zipfile
import zlib
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING, Final, NamedTuple

from asrlab.errors import InvalidInput
from asrlab.folders import cache_folder

if TYPE_CHECKING:
    from collections.abc import Iterator

_SUFFIXES: Final = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")
#: The largest of the common corpora that come as one archive, of a thousand hours, unpack to less.
MAX_BYTES: Final = 256 << 30
#: Common Voice has some millions of clips in its largest language.
MAX_FILES: Final = 10_000_000
#: Audio packs to a third, text to a tenth; digital silence to a thousandth, and so there is an allowance for a set of
#: little else.
_RATIO: Final = 100
_ALLOWANCE: Final = 1 << 30
_BLOCK: Final = 1 << 16
_LONGEST_HEADER: Final = 1 << 20  # of tar: names and attributes of one member
_LINE: Final = 64 << 20  # characters of a line, as those of 10 hours of speech with the time of every word
_DRIVE: Final = re.compile(r"[A-Za-z]:")
_UTF8_FLAG: Final = 0x800
_ENCRYPTED_FLAG: Final = 0x1


class _Member(NamedTuple):
    """A file or folder of an archive."""

    name: str
    is_folder: bool
    opened: IO[bytes] | None


def is_archive(path: Path) -> bool:
    """Whether a file is an archive, by its ending: zip, or tar, plain or packed with gzip, bzip2 or xz."""
    return path.name.lower().endswith(_SUFFIXES) and path.is_file()


def unpacked(path: Path, *, max_bytes: int = MAX_BYTES, max_files: int = MAX_FILES) -> Path:
    """Unpack an archive into the cache, unless that was done before.

    Parameters
    ----------
    path : Path
        Of this machine. Archives in it stay packed.
    max_bytes : int
        What its files may be together, unpacked. Less is taken of a small archive: a hundred times its own size and
        1 GiB.
    max_files : int
        How many files and folders it may have.

    Returns
    -------
    Path
        The folder; if all of the archive is in one folder, that one. It must not be changed: whoever unpacks an archive
        of the same content is given the same.

    Raises
    ------
    InvalidInput
        If it is no archive, breaks off or is encrypted, is larger than that, or holds anything but files and folders
        with names of their own that lie below the folder they are unpacked to. Nothing is left of it then.
    """
    try:
        key, size = _content(path)
        folder = cache_folder("archives") / key
        if not folder.is_dir():
            _unpack(path, folder, min(max_bytes, _ALLOWANCE + _RATIO * size), max_files)
        entries = list(folder.iterdir())
    except InvalidInput as error:
        raise InvalidInput(f"{path}: {error}") from None
    except Exception as error:  # the libraries raise errors of many kinds for what is broken
        said = getattr(error, "strerror", None) or error or "it breaks off"
        raise InvalidInput(
            f"{path} cannot be unpacked ({type(error).__name__}: {said}). Download or pack it again, or unpack it "
            "yourself and name the folder."
        ) from error
    return entries[0] if len(entries) == 1 and entries[0].is_dir() else folder


def bounded_gzip(file: Path, max_bytes: int, max_line: int = _LINE) -> Iterator[str]:
    """Read the lines of a text file that gzip packed, without their ends.

    Parameters
    ----------
    file : Path
        UTF-8 when unpacked, with or without a byte order mark.
    max_bytes : int
        What it may be, unpacked.
    max_line : int
        What a line of it may be, in bytes.

    Raises
    ------
    InvalidInput
        If it cannot be read, is larger, breaks off, or is not UTF-8; the message names the line.
    """
    number = size = 0
    try:
        with file.open("rb") as packed, gzip.open(packed) as lines:
            while line := lines.readline(max_line + 1):
                number += 1
                size += len(line)
                if len(line) > max_line:
                    raise InvalidInput(f"{file}, line {number}: this is longer than {max_line:,} bytes. Split it.")
                if size > max_bytes:
                    raise InvalidInput(f"{file}, line {number}: more than {max_bytes:,} bytes came out. Split it.")
                yield line.decode("utf-8-sig" if number == 1 else "utf-8").rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{file}, line {number}: this is not UTF-8 ({error.reason}). Save it as UTF-8.") from None
    except (EOFError, OSError, zlib.error) as error:
        raise InvalidInput(
            f"{file}, after line {number}: it cannot be unpacked further ({error}). It is damaged or breaks off; "
            "download or pack it again."
        ) from error


def _content(path: Path) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
            size += len(block)
    return digest.hexdigest(), size


def _unpack(path: Path, folder: Path, max_bytes: int, max_files: int) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    half = Path(tempfile.mkdtemp(dir=folder.parent, prefix="half-"))
    try:
        seen: set[PurePosixPath] = set()
        left = max_bytes
        for number, member in enumerate(_members(path, max_bytes), 1):
            if number > max_files:
                raise InvalidInput(f"it has more than {max_files:,} files and folders. Unpack a part of it yourself.")
            name = _checked(member.name)
            if _is_litter(name):
                continue
            if name in seen and not (member.is_folder and (half / name).is_dir()):
                raise InvalidInput(f"it has two files {str(name)!r}. Pack it again.")
            seen.add(name)
            left = _take(member, half / name, left)
        if not seen:
            raise InvalidInput("it is empty.")
        half.chmod(0o755)
        try:
            half.rename(folder)  # so the folder is there only as a whole
        except OSError:
            if not folder.is_dir():  # else another process was first
                raise
    finally:
        shutil.rmtree(half, ignore_errors=True)


def _take(member: _Member, path: Path, left: int) -> int:
    """Write a member to its place; returns how many bytes may still come."""
    try:
        (path if member.is_folder else path.parent).mkdir(parents=True, exist_ok=True)
        if member.opened is None:
            return left
        with path.open("xb") as target:
            while block := member.opened.read(_BLOCK):
                left -= len(block)
                if left < 0:
                    raise InvalidInput(
                        f"more comes out of it than its size lets expect, or than is taken; it was left at "
                        f"{member.name!r}. If that is how it should be, unpack it yourself and name the folder."
                    )
                target.write(block)
    except (FileExistsError, NotADirectoryError):
        raise InvalidInput(
            f"{member.name!r} has the name of another file or folder, or one that this disk does not tell apart. Pack "
            "it again with other names."
        ) from None
    return left


def _checked(name: str) -> PurePosixPath:
    """Give the path of a member below the folder, or refuse it."""
    path = PurePosixPath(name)
    if (
        path.is_absolute()
        or ".." in path.parts
        or _DRIVE.match(name)
        or any(sign < " " or sign in "\\\x7f" for sign in name)
    ):
        raise InvalidInput(f"the name {name!r} may lead out of the folder, or is none. Nothing was unpacked.")
    return path


def _is_litter(path: PurePosixPath) -> bool:
    """Whether a member is what macOS adds to archives; or the folder itself."""
    return not path.parts or path.parts[0] == "__MACOSX" or path.name == ".DS_Store" or path.name.startswith("._")


def _members(path: Path, max_bytes: int) -> Iterator[_Member]:
    """Give what is in an archive, in its order; each is read before the next."""
    with path.open("rb") as file:
        head = file.read(6)
        file.seek(0)
        if head.startswith((b"PK\3\4", b"PK\5\6")):
            yield from _members_of_zip(file)
        else:
            with _decompressed(file, head) as plain:
                yield from _members_of_tar(_Bounded(plain, max_bytes))


def _members_of_zip(file: IO[bytes]) -> Iterator[_Member]:
    with zipfile.ZipFile(file) as archive:
        for info in archive.infolist():
            name = _name_in_zip(info)
            kind = stat.S_IFMT(info.external_attr >> 16)  # of Unix; 0 elsewhere
            if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
                raise InvalidInput(_no_file(name))
            if info.flag_bits & _ENCRYPTED_FLAG:
                raise InvalidInput(f"{name!r} is encrypted. Unpack it yourself and name the folder.")
            if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise InvalidInput(f"{name!r} is packed in a way that is not read here. Pack it as an ordinary zip.")
            if info.is_dir():
                yield _Member(name, is_folder=True, opened=None)
            else:
                with archive.open(info) as opened:
                    yield _Member(name, is_folder=False, opened=opened)


def _name_in_zip(info: zipfile.ZipInfo) -> str:
    """Give a name as it stands there: the library cuts it at a NUL, and takes UTF-8 that is not flagged for cp437."""
    name = info.orig_filename
    if not info.flag_bits & _UTF8_FLAG and not name.isascii():
        try:
            return name.encode("cp437").decode("utf-8")
        except UnicodeError:
            return name
    return name


def _members_of_tar(file: _Bounded) -> Iterator[_Member]:
    with tarfile.open(fileobj=file, mode="r:", errorlevel=2) as archive:  # type: ignore[call-overload]
        for info in archive:
            try:
                info.name.encode()
            except UnicodeEncodeError:
                raise InvalidInput(f"the name {info.name!a} is not UTF-8. Pack it again with such names.") from None
            if info.isdir():
                yield _Member(info.name, is_folder=True, opened=None)
            elif info.isreg() and not info.issparse():
                yield _Member(info.name, is_folder=False, opened=archive.extractfile(info))
            else:
                raise InvalidInput(_no_file(info.name))
            archive.members = []  # else all are held to the end
        # Where a header is broken or missing, the library takes that for the end.
        file.seek(archive.offset)
        if file.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):
            raise InvalidInput("it is damaged or breaks off. Download or pack it again.")
        while file.read(_BLOCK):  # to where the sum over all of it is checked
            pass


def _no_file(name: str) -> str:
    return (
        f"{name!r} is a link, a device or something else that is neither file nor folder, and may lead anywhere. Pack "
        "the files themselves (tar --dereference)."
    )


@contextmanager
def _decompressed(file: IO[bytes], head: bytes) -> Iterator[IO[bytes]]:
    """Open what is packed, by its first bytes and not by its name."""
    if head.startswith(b"\x1f\x8b"):
        with gzip.open(file) as plain:
            yield plain  # type: ignore[misc]
    elif head.startswith(b"BZh"):
        with bz2.open(file) as plain:
            yield plain
    elif head.startswith(b"\xfd7zXZ"):
        with lzma.open(file) as plain:
            yield plain
    else:
        yield file


class _Bounded:
    """A file that is read only so far, and not much of it at once: a header of tar may claim any length."""

    def __init__(self, file: IO[bytes], max_bytes: int) -> None:
        self._file = file
        self._end = max_bytes + (max_bytes >> 4) + (16 << 20)  # with what tar itself adds

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= _LONGEST_HEADER:
            raise InvalidInput("it has a header that is too long to be one. Pack it again.")
        data = self._file.read(size)
        self._check(self._file.tell())
        return data

    def seek(self, position: int) -> int:
        self._check(position)
        return self._file.seek(position)

    def tell(self) -> int:
        return self._file.tell()

    def _check(self, position: int) -> None:
        if position > self._end:
            raise InvalidInput("more comes out of it than its size lets expect, or than is taken.")
