"""Archives: what is in them comes out whole and once, and no trick in one leads anywhere."""

from __future__ import annotations

import gzip
import io
import os
import random
import shutil
import stat
import struct
import subprocess
import tarfile
import tracemalloc
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asrlab.data import archives
from asrlab.data.archives import bounded_gzip, is_archive, unpacked
from asrlab.errors import InvalidInput

FILES = {"set/manifest.jsonl": b'{"id": "a"}\n', "set/audio/a.wav": b"RIFF" * 1000, "set/audio/\u4e8c.wav": b""}


@pytest.fixture(autouse=True)
def cache(monkeypatch, tmp_path_factory):
    """A cache of each test's own."""
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setattr(archives, "cache_folder", lambda name: folder / name)
    return folder


def zipped(path, files, **options):
    """Make a zip: name, or ZipInfo, to content."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content, **options)
    return path


def member(name, content=b"", **facts):
    info = tarfile.TarInfo(name)
    info.size = len(content)
    for fact, value in facts.items():
        setattr(info, fact, value)
    return info, content


def tarred(path, *members, mode="w", **options):
    """Make a tar of files, by name and content, or of members as they are."""
    with tarfile.open(path, mode, **options) as archive:
        for one in members:
            info, content = one if isinstance(one[0], tarfile.TarInfo) else member(*one)
            archive.addfile(info, io.BytesIO(content) if content else None)
    return path


def contents(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def left(cache):
    return list((cache / "archives").iterdir()) if (cache / "archives").exists() else []


# What comes out.


@pytest.mark.parametrize(
    "suffix", [".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz", ".TAR.GZ"]
)
def test_archives_of_every_kind_are_unpacked(tmp_path, suffix):
    path = tmp_path / f"corpus{suffix}"
    packing = {"gz": "w:gz", "z2": "w:bz2", "xz": "w:xz"}.get(suffix.lower()[-2:], "w")
    if suffix == ".zip":
        zipped(path, FILES)
    else:
        tarred(path, *FILES.items(), mode={".tgz": "w:gz"}.get(suffix, packing))
    assert is_archive(path)
    folder = unpacked(path)
    assert folder.name == "set"
    assert contents(folder) == {name.removeprefix("set/"): content for name, content in FILES.items()}


@pytest.mark.parametrize("command", [["tar", "-czf"], ["tar", "-cJf"], ["tar", "-cf"], ["zip", "-qr"]])
def test_archives_of_the_usual_tools_are_unpacked(tmp_path, command):
    if shutil.which(command[0]) is None:
        pytest.skip(f"no {command[0]} here")
    for name, content in FILES.items():
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "in" / name).write_bytes(content)
    subprocess.run([*command, str(tmp_path / "a.bin"), "."], cwd=tmp_path / "in", check=True)
    assert contents(unpacked(tmp_path / "a.bin")) == {name[4:]: content for name, content in FILES.items()}


def test_the_content_tells_what_it_is_and_not_the_name(tmp_path):
    tarred(tmp_path / "a.zip", *FILES.items(), mode="w:xz")
    assert unpacked(tmp_path / "a.zip").name == "set"


def test_an_archive_is_unpacked_once(tmp_path, cache):
    first = unpacked(zipped(tmp_path / "a.zip", FILES))
    before = (first / "manifest.jsonl").stat()
    shutil.copy(tmp_path / "a.zip", tmp_path / "b.zip")
    assert unpacked(tmp_path / "b.zip") == first
    assert (first / "manifest.jsonl").stat() == before
    zipped(tmp_path / "a.zip", {**FILES, "set/more": b""})
    assert unpacked(tmp_path / "a.zip") != first
    assert len(left(cache)) == 2


def test_several_at_once_get_the_same(tmp_path, cache):
    zipped(tmp_path / "a.zip", {f"{n}.txt": os.urandom(10_000) for n in range(50)})
    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(unpacked, [tmp_path / "a.zip"] * 8))
    assert len(found) == 1
    assert len(contents(found.pop())) == 50
    assert len(left(cache)) == 1


def test_what_stands_beside_a_folder_is_kept(tmp_path):
    folder = unpacked(zipped(tmp_path / "a.zip", {**FILES, "README": b"x"}))
    assert {path.name for path in folder.iterdir()} == {"set", "README"}
    single = unpacked(zipped(tmp_path / "b.zip", {"m.jsonl": b"x"}))
    assert contents(single) == {"m.jsonl": b"x"}


def test_what_macos_adds_is_left_out(tmp_path):
    litter = {"__MACOSX/set/._a.wav": b"x", "__MACOSX/b": b"x", "set/.DS_Store": b"x", "set/audio/._a.wav": b"x"}
    assert contents(unpacked(zipped(tmp_path / "a.zip", {**FILES, **litter}))).keys() == {
        name.removeprefix("set/") for name in FILES
    }


def test_archives_in_an_archive_stay_packed(tmp_path):
    inner = zipped(tmp_path / "in.zip", FILES).read_bytes()
    assert contents(unpacked(zipped(tmp_path / "a.zip", {"in.zip": inner}))) == {"in.zip": inner}


def test_names_in_utf8_that_are_not_flagged_are_read(tmp_path):
    path = zipped(tmp_path / "a.zip", {"\u4e8c.wav": b"x"})
    content = bytearray(path.read_bytes())
    for header, at in ((b"PK\3\4", 6), (b"PK\1\2", 8)):  # where the flags stand
        place = content.index(header) + at
        assert content[place + 1] & 8
        content[place + 1] &= ~8
    path.write_bytes(content)
    assert list(contents(unpacked(path))) == ["\u4e8c.wav"]


def test_nothing_of_what_a_member_may_do_is_kept(tmp_path):
    folder = unpacked(
        tarred(tmp_path / "a.tar", member("x", b"1", mode=0o4777), member("d", type=tarfile.DIRTYPE, mode=0))
    )
    assert stat.S_IMODE((folder / "x").stat().st_mode) & 0o7111 == 0
    assert list((folder / "d").iterdir()) == []


# What leads out.

OUT = ["../x", "/x", "a/../../x", "a\\..\\x", "C:x", "c:/x", "a\nb", "\x1b[2J", "..", "a/..", "//x", "a\x7f"]


@pytest.mark.parametrize("name", [*OUT, "a\0b"])
@pytest.mark.parametrize("kind", ["zip", "tar", "pax"])
def test_names_that_lead_out_are_refused(tmp_path, cache, name, kind):
    if kind == "zip":
        info = zipfile.ZipInfo("a" * len(name))
        path = zipped(tmp_path / "a.zip", {"fine": b"1", info: b"2"})
        written = name.encode()
        path.write_bytes(path.read_bytes().replace(b"a" * len(written), written))
    elif "\0" in name:
        pytest.skip("tar ends names with it")
    else:
        format_ = tarfile.PAX_FORMAT if kind == "pax" else tarfile.GNU_FORMAT
        info, content = member(name, b"2", pax_headers={"path": name} if kind == "pax" else {})
        path = tarred(tmp_path / "a.tar", ("fine", b"1"), (info, content), format=format_)
    with pytest.raises(InvalidInput, match=r"a\.(zip|tar): the name .* may lead out of the folder"):
        unpacked(path)
    assert left(cache) == []
    assert not (tmp_path / "x").exists()
    assert not (cache / "x").exists()


LINKS = {
    "a link out": {"type": tarfile.SYMTYPE, "linkname": "/etc"},
    "a link within": {"type": tarfile.SYMTYPE, "linkname": "fine"},
    "a hard link": {"type": tarfile.LNKTYPE, "linkname": "fine"},
    "a hard link out": {"type": tarfile.LNKTYPE, "linkname": "/etc/passwd"},
    "a device": {"type": tarfile.CHRTYPE, "devmajor": 1, "devminor": 3},
    "a disk": {"type": tarfile.BLKTYPE, "devmajor": 8},
    "a pipe": {"type": tarfile.FIFOTYPE},
    "a sparse file": {"type": tarfile.GNUTYPE_SPARSE},
}


@pytest.mark.parametrize("case", LINKS)
def test_what_is_no_file_is_refused(tmp_path, cache, case):
    path = tarred(tmp_path / "a.tar", ("fine", b"1"), member("bad", **LINKS[case]), ("bad/x", b"2"))
    with pytest.raises(InvalidInput, match=r"'bad' is a link, a device|cannot be unpacked"):
        unpacked(path)
    assert left(cache) == []


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFCHR, stat.S_IFIFO, stat.S_IFSOCK])
def test_what_is_no_file_in_a_zip_is_refused(tmp_path, cache, kind):
    info = zipfile.ZipInfo("bad")
    info.create_system, info.external_attr = 3, (kind | 0o777) << 16
    with pytest.raises(InvalidInput, match="'bad' is a link, a device"):
        unpacked(zipped(tmp_path / "a.zip", {"fine": b"1", info: b"/etc", "bad/x": b"2"}))
    assert left(cache) == []


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("names", [["a", "a"], ["a", "./a"], ["a", "a/b"], ["a/b", "a"], ["d/a", "d//a"], ["d/", "d"]])
def test_two_of_one_name_are_refused(tmp_path, cache, names):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for name in names:
            archive.writestr(name, b"" if name.endswith("/") else b"x")
    with pytest.raises(InvalidInput, match=r"two files|the name of another"):
        unpacked(tmp_path / "a.zip")
    assert left(cache) == []


def test_names_that_a_disk_does_not_tell_apart_are_refused(tmp_path, cache, monkeypatch):
    real = Path.open

    def without_case(path, mode="r", *rest, **more):
        return real(path.with_name(path.name.lower()) if mode == "xb" else path, mode, *rest, **more)

    path = zipped(tmp_path / "a.zip", {"A.wav": b"1", "a.wav": b"2"})
    monkeypatch.setattr(Path, "open", without_case)
    with pytest.raises(InvalidInput, match=r"'a.wav' has the name of another file"):
        unpacked(path)
    monkeypatch.undo()


def test_a_name_that_is_no_text_is_refused(tmp_path):
    with pytest.raises(InvalidInput, match="is not UTF-8"):
        unpacked(tarred(tmp_path / "a.tar", ("a\udcff", b"1"), errors="surrogateescape", format=tarfile.GNU_FORMAT))


def test_what_is_encrypted_or_packed_otherwise_is_said(tmp_path):
    path = zipped(tmp_path / "a.zip", FILES)
    content = bytearray(path.read_bytes())
    content[content.index(b"PK\1\2") + 8] |= 1
    (tmp_path / "b.zip").write_bytes(content)
    with pytest.raises(InvalidInput, match="is encrypted"):
        unpacked(tmp_path / "b.zip")
    with pytest.raises(InvalidInput, match="packed in a way that is not read here"):
        unpacked(zipped(path, {"a": b"x" * 1000}, compress_type=zipfile.ZIP_LZMA))


# What is too much.


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(archives, "_ALLOWANCE", 1 << 20)


@pytest.mark.parametrize("kind", ["zip", "gz", "bz2", "xz"])
def test_a_bomb_is_stopped_while_it_is_read(tmp_path, cache, small, kind):
    size = 64 << 20
    if kind == "zip":
        path = zipped(tmp_path / "a.zip", {"x": bytes(size)})
    else:
        path = tarred(tmp_path / "a.tar", ("x", bytes(size)), mode=f"w:{kind}")
    written = []
    real = archives._take
    archives_take = lambda one, path, left: written.append(path) or real(one, path, left)  # noqa: E731
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(archives, "_take", archives_take)
        tracemalloc.start()
        with pytest.raises(InvalidInput, match="more comes out of it than its size lets expect"):
            unpacked(path)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert written
    assert peak < 16 << 20
    assert left(cache) == []


def test_a_small_file_of_much_may_be_asked_for_not_to_be(tmp_path):
    path = zipped(tmp_path / "a.zip", {"x": bytes(10 << 20)})
    assert unpacked(path).is_dir()
    with pytest.raises(InvalidInput, match="more comes out"):
        unpacked(zipped(tmp_path / "b.zip", {"y": bytes(10 << 20)}), max_bytes=10_000_000)


@pytest.mark.parametrize("claimed", [0, 10, 1 << 31])
def test_a_size_that_lies_does_not_help(tmp_path, cache, small, claimed):
    path = zipped(tmp_path / "a.zip", {"x": bytes(8 << 20)})
    content = bytearray(path.read_bytes())
    for header, at in ((b"PK\3\4", 22), (b"PK\1\2", 24)):  # where the size stands
        struct.pack_into("<I", content, content.index(header) + at, claimed)
    path.write_bytes(content)
    with pytest.raises(InvalidInput):
        unpacked(path)
    assert left(cache) == []


def test_parts_that_overlap_are_no_way_round(tmp_path, cache, small):
    """Many names for one packed stretch, as in the bombs that need no nesting."""
    path = zipped(tmp_path / "a.zip", {"x": bytes(512 << 10)})
    content = path.read_bytes()
    start = content.index(b"PK\1\2")
    end = content.index(b"PK\5\6")
    central = content[start:end]
    again = b"".join(central[:46] + name + central[47:] for name in (bytes([97 + n]) for n in range(20)))
    tail = bytearray(content[end:])
    struct.pack_into("<HHI", tail, 8, 20, 20, len(again))
    path.write_bytes(content[:start] + again + tail)
    with pytest.raises(InvalidInput):
        unpacked(path)
    assert left(cache) == []


@pytest.mark.parametrize("kind", [b"L", b"K", b"x", b"g", b"S"])
def test_a_header_of_tar_that_claims_much_is_refused(tmp_path, kind):
    info = tarfile.TarInfo("long")
    info.type, info.size = kind, 80 << 20
    header = info.tobuf(tarfile.GNU_FORMAT)
    with gzip.open(tmp_path / "a.tar.gz", "wb") as file:
        file.write(header)
        for _ in range(80):
            file.write(bytes(1 << 20))
    tracemalloc.start()
    with pytest.raises(InvalidInput):
        unpacked(tmp_path / "a.tar.gz")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 16 << 20


def test_too_many_files_are_refused(tmp_path, cache):
    path = zipped(tmp_path / "a.zip", {str(n): b"" for n in range(11)})
    with pytest.raises(InvalidInput, match="more than 10 files"):
        unpacked(path, max_files=10)
    assert left(cache) == []
    assert len(contents(unpacked(path, max_files=11))) == 11


# What is broken.


@pytest.mark.parametrize("suffix", [".zip", ".tar", ".tar.gz", ".tar.bz2", ".tar.xz"])
def test_an_archive_that_breaks_off_is_refused(tmp_path, cache, suffix):
    path = tmp_path / f"a{suffix}"
    files = [(f"{n}", os.urandom(2000)) for n in range(20)]
    if suffix == ".zip":
        zipped(path, dict(files))
    else:
        tarred(path, *files, mode="w" if suffix == ".tar" else f"w:{suffix[5:]}", format=tarfile.GNU_FORMAT)
    whole = path.read_bytes()
    for size in (0, 1, 100, 512, 1024, 3072, 2560 + 512, len(whole) // 2, 40_000):
        path.write_bytes(whole[:size])
        with pytest.raises(InvalidInput, match=f"{path}.*(cannot be unpacked|damaged|breaks off)"):
            unpacked(path)
        assert left(cache) == []


def test_a_spoilt_bit_is_seen(tmp_path):
    files = [(f"{n}", b"what was said" * 200) for n in range(20)]
    for path in (zipped(tmp_path / "a.zip", dict(files)), tarred(tmp_path / "a.tar.gz", *files, mode="w:gz")):
        content = bytearray(path.read_bytes())
        content[len(content) // 3] ^= 0x10
        path.write_bytes(content)
        with pytest.raises(InvalidInput):
            unpacked(path)


def test_a_broken_header_is_not_taken_for_the_end(tmp_path):
    path = tarred(tmp_path / "a.tar", ("a", b"1"), ("b", b"2"), format=tarfile.GNU_FORMAT)
    content = bytearray(path.read_bytes())
    content[1024 + 10] ^= 1  # in the name of the second
    path.write_bytes(content)
    with pytest.raises(InvalidInput, match="damaged or breaks off"):
        unpacked(path)


def test_what_is_empty_is_said(tmp_path):
    for path in (zipped(tmp_path / "a.zip", {}), tarred(tmp_path / "a.tar")):
        with pytest.raises(InvalidInput, match="it is empty"):
            unpacked(path)
    with pytest.raises(InvalidInput, match="cannot be unpacked"):
        unpacked(tmp_path / "gone.zip")
    assert not is_archive(tmp_path / "gone.zip")


def test_what_stops_it_leaves_nothing(tmp_path, cache, monkeypatch):
    path = zipped(tmp_path / "a.zip", FILES)

    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(archives, "_take", stop)
    with pytest.raises(KeyboardInterrupt):
        unpacked(path)
    assert left(cache) == []


@settings(max_examples=120, deadline=None)
@given(data=st.data())
def test_whatever_it_is_it_is_unpacked_or_refused(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("fuzz")
    kind = data.draw(st.sampled_from(["zip", "w", "w:gz", "w:xz", "w:bz2"]))
    files = {"a": b"one", "d/b": b"two" * 300, "c": bytes(1000)}
    path = zipped(folder / "a", files) if kind == "zip" else tarred(folder / "a", *files.items(), mode=kind)
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, min(len(content) - 1, 3000)))] = data.draw(st.integers(0, 255))
    if data.draw(st.booleans()):
        del content[data.draw(st.integers(0, len(content))) :]
    path.write_bytes(content)
    try:
        found = unpacked(path)
    except InvalidInput as error:
        assert str(path) in str(error)  # noqa: PT017 - or it is unpacked
    else:
        assert found.resolve().is_relative_to(archives.cache_folder("archives").resolve())


# Lines that gzip packed.

NOISE = random.Random(1).randbytes(99).hex().encode()


def test_packed_lines_come_as_they_are(tmp_path):
    (tmp_path / "a.gz").write_bytes(
        gzip.compress("\ufeffé\r\n\nlast".encode(), mtime=0) + gzip.compress(b" of two\n", mtime=0)
    )
    assert list(bounded_gzip(tmp_path / "a.gz", 100)) == ["é", "", "last of two"]


@pytest.mark.parametrize(
    ("content", "bounds", "said"),
    [
        (gzip.compress(b"a\n" * 100, mtime=0), (50, 10), "line 26: more than 50 bytes came out"),
        (gzip.compress(b"a\n" + b"b" * 100, mtime=0), (1000, 50), "line 2: this is longer than 50 bytes"),
        (gzip.compress(b"a\n\xff\n", mtime=0), (50, 10), "line 2: this is not UTF-8"),
        (gzip.compress(b"a\nb\n" + NOISE, mtime=0)[:-30], (500, 200), r"after line \d: it cannot be unpacked further"),
        (b"no gzip", (50, 10), "after line 0: it cannot be unpacked further"),
        (gzip.compress(b"a\n", mtime=0)[:-8] + bytes(8), (50, 10), "after line 1: it cannot be unpacked further"),
        (gzip.compress(b"a\n", mtime=0)[:10] + b"\xff" * 20, (50, 10), "after line 0: it cannot be unpacked further"),
    ],
)
def test_packed_lines_are_bounded_and_whole(tmp_path, content, bounds, said):
    (tmp_path / "a.gz").write_bytes(content)
    with pytest.raises(InvalidInput, match=f"a.gz, {said}"):
        list(bounded_gzip(tmp_path / "a.gz", *bounds))


def test_a_packed_line_without_end_is_stopped_early(tmp_path):
    (tmp_path / "a.gz").write_bytes(gzip.compress(bytes(64 << 20), mtime=0))
    tracemalloc.start()
    with pytest.raises(InvalidInput, match="longer than 1,000,000 bytes"):
        list(bounded_gzip(tmp_path / "a.gz", 1 << 40, 1_000_000))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 << 20
