"""Disks on which a ledger is not safe: those of other machines, and folders that a program copies behind our back.

SQLite's write-ahead log needs memory that all processes share and locks that hold, which network file systems do not
give (sqlite.org/wal.html, sqlite.org/faq.html#q5). A program that synchronises copies the ledger and its log at
different moments, and may put an older one back.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

_MOUNTS: Final = Path("/proc/self/mountinfo")
#: Types of file systems in Linux' list of mounts; those in user space are named ``fuse.`` and what serves them.
_NETWORK: Final = frozenset({
    "nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "lustre", "gpfs", "beegfs", "glusterfs", "orangefs",
    "ncpfs", "coda", "davfs", "davfs2", "sshfs", "rclone", "s3fs", "gcsfuse", "goofys", "mount-s3", "blobfuse",
    "blobfuse2", "curlftpfs", "juicefs", "moosefs", "httpfs", "google-drive-ocamlfuse", "onedriver", "gvfsd-fuse",
    "drive", "ceph-fuse", "vboxsf", "vmhgfs-fuse", "vmhgfs", "prl_fs", "wekafs", "panfs",
})  # fmt: skip
#: Folders' names, in lower case, up to a space or hyphen: "OneDrive - Some Company", "GoogleDrive-someone".
_SYNCED_NAMES: Final = {
    "dropbox": "Dropbox", "onedrive": "OneDrive", "google drive": "Google Drive", "googledrive": "Google Drive",
    "nextcloud": "Nextcloud", "owncloud": "ownCloud", "icloud drive": "iCloud", "iclouddrive": "iCloud",
    "mobile documents": "iCloud", "cloudstorage": "a cloud",
}  # fmt: skip
#: What such programs leave in the folder they keep.
_SYNCED_MARKS: Final = {
    ".dropbox.cache": "Dropbox", ".stfolder": "Syncthing", ".tmp.drivedownload": "Google Drive",
    ".sync_*.db": "Nextcloud", "._sync_*.db": "Nextcloud",
}  # fmt: skip


def unfit(folder: Path) -> str | None:
    """Say why a ledger is not safe in a folder, which need not be there yet; None if nothing is known against it."""
    whole = Path(os.path.realpath(folder))
    if kind := _network(whole):
        return f"it lies on a network disk ({kind})"
    if program := _synced(whole):
        return f"it lies in a folder that {program} synchronises"
    return None


def _network(folder: Path) -> str | None:
    if os.name == "nt":
        return "UNC path" if is_unc(str(folder)) else None
    try:
        mounts = _MOUNTS.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:  # no Linux
        return None
    kind = file_system(folder, mounts)
    return kind if kind is not None and kind.removeprefix("fuse.") in _NETWORK else None


def file_system(folder: Path, mounts: Iterable[str]) -> str | None:
    """Find the type of the file system that holds a folder, by the lines of ``/proc/self/mountinfo``.

    See proc(5): ``36 35 98:0 /root /mount/point rw,noatime master:1 - ext3 /dev/root rw,errors=continue``.
    """
    best: tuple[int, str] | None = None
    for line in mounts:
        fields, _, rest = line.partition(" - ")
        point = Path(re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), fields.split(" ")[4]))
        # Of two mounts on one point the later hides the earlier.
        if folder.is_relative_to(point) and (best is None or len(point.parts) >= best[0]):
            best = len(point.parts), rest.split(" ")[0]
    return None if best is None else best[1]


def is_unc(path: str) -> bool:
    r"""Whether a Windows path names another machine: ``\\host\share`` or ``\\?\UNC\host\share``."""
    path = path.replace("/", "\\")
    return path.upper().startswith("\\\\?\\UNC\\") or (path.startswith("\\\\") and path[2:3] not in ("?", "."))


def _synced(folder: Path) -> str | None:
    for place in (folder, *folder.parents):
        name = place.name.lower()
        for known, program in _SYNCED_NAMES.items():
            named = [f"{known} -", f"{known} (", *(["googledrive-"] if known == "googledrive" else [])]
            if name == known or name.startswith(tuple(named)):
                return program
        for mark, program in _SYNCED_MARKS.items():
            if next(place.glob(mark), None) is not None:
                return program
    return None
