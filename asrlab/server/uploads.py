"""Temporary uploads: a policy is asked for, a form sent under it, and the file is then known as ``oss://`` and a key.

Keys are names of objects and never paths: an object lies in the service's temporary folder under the hash of its key.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from asrlab.server.documents import ACCESS_KEY_ID, Document, new_request_id, refusal
from asrlab.server.forms import MalformedForm, read_form

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from asrlab.errors import ServiceError
    from asrlab.server.signing import Signer

POLICY_S: Final = 300
"""Seconds a policy is valid (service documentation, temporary upload)."""
OBJECT_S: Final = 48 * 3600
"""Seconds an uploaded file is kept (service documentation, temporary upload)."""
FILE_BYTES: Final = 1 << 30
"""Largest upload: 1 GB (service documentation, temporary upload)."""
TOTAL_BYTES: Final = 8 << 30

_SCHEME: Final = "oss://"


@dataclass(frozen=True)
class _Object:
    """An uploaded file: where it lies, for which model, its size and SHA-256, and until when it is kept (epoch s)."""

    path: Path
    model: str
    size: int
    sha256: str
    expires: float


class Uploads:
    """The object store of a service.

    Parameters
    ----------
    folder : path
        An empty folder for the files.
    signer : Signer
        Signs policies.
    clock : callable
        Seconds since the epoch.
    file_bytes, total_bytes : int
        The most that one file, and all files together, may take.
    """

    def __init__(
        self,
        folder: Path,
        signer: Signer,
        *,
        clock: Callable[[], float] = time.time,
        file_bytes: int = FILE_BYTES,
        total_bytes: int = TOTAL_BYTES,
    ) -> None:
        self._folder = folder
        self._signer = signer
        self._clock = clock
        self._file_bytes = file_bytes
        self._total_bytes = total_bytes
        self._objects: dict[str, _Object] = {}  # by key, oldest first
        self._taken = 0  # bytes of stored and arriving files

    def policy_document(self, model: str, upload_host: str) -> Document:
        """Grant an upload for one model: the body of the answer to a policy query."""
        now = self._clock()
        directory = f"asrlab-temporary/{datetime.fromtimestamp(now, UTC):%Y-%m-%d}/{secrets.token_hex(16)}"
        terms = {"expires": now + POLICY_S, "directory": directory, "model": model}
        policy = base64.b64encode(json.dumps(terms).encode()).decode()
        data = {
            "policy": policy,
            "signature": self._signer.sign(policy),
            "upload_dir": directory,
            "upload_host": upload_host,
            "expire_in_seconds": POLICY_S,
            "max_file_size_mb": self._file_bytes >> 20,
            "capacity_limit_mb": self._total_bytes >> 20,
            "oss_access_key_id": ACCESS_KEY_ID,
            "x_oss_object_acl": "private",
            "x_oss_forbid_overwrite": "true",
        }
        return {"request_id": new_request_id(), "data": data}

    async def receive(self, content_type: str, body: AsyncIterator[bytes]) -> int:
        """Store the file of an upload form, and return the HTTP status the form wishes for.

        Raises
        ------
        ServiceError
            If the form is malformed or does not keep to its policy; ``http_status`` and ``code`` say how to answer.
        """
        files: list[_Arriving] = []

        def take_file(fields: dict[str, str]) -> Callable[[bytes], object]:
            arriving = _Arriving(fields, self._admit(fields), self._folder / f"{secrets.token_hex(16)}.part")
            files.append(arriving)
            return lambda block: self._store(arriving, block)

        try:
            await read_form(content_type, body, take_file)
            self._keep(files[0])
        except MalformedForm as error:
            raise refusal(400, "MalformedPOSTRequest", str(error)) from error
        finally:
            for arriving in files:
                self._taken -= arriving.close()
        return files[0].wished_status

    def find(self, url: str, model: str) -> Path | None:
        """Look up the file behind an ``oss://`` link for this model; None where there is none, or no longer."""
        self._remove_old()
        found = self._objects.get(url.removeprefix(_SCHEME))
        return found.path if found is not None and found.model == model else None

    def digest(self, url: str) -> str | None:
        """Give the SHA-256 of what was uploaded under an ``oss://`` link; None where there is no such upload."""
        found = self._objects.get(url.removeprefix(_SCHEME))
        return found.sha256 if found is not None else None

    def _admit(self, fields: dict[str, str]) -> str:
        """Hold an upload's fields to its policy, and return the model it is for."""
        policy, key = fields.get("policy", ""), fields.get("key", "")
        if fields.get("OSSAccessKeyId") != ACCESS_KEY_ID:
            raise refusal(403, "InvalidAccessKeyId", "The OSSAccessKeyId is not the one given with the policy.")
        if not self._signer.holds(policy, fields.get("Signature", "")):
            raise refusal(403, "SignatureDoesNotMatch", "The Signature does not belong to the policy.")
        terms = json.loads(base64.b64decode(policy))
        if self._clock() > terms["expires"]:
            raise refusal(403, "AccessDenied", "Invalid according to Policy: Policy expired.")
        if not key.startswith(f"{terms['directory']}/") or key == f"{terms['directory']}/":
            raise _violation("key must be upload_dir, a slash and a file name")
        if fields.get("x-oss-object-acl") != "private":
            raise _violation("x-oss-object-acl must be private")
        if fields.get("x-oss-forbid-overwrite") != "true":
            raise _violation("x-oss-forbid-overwrite must be true")
        self._remove_old()
        self._refuse_overwrite(key)
        return str(terms["model"])

    def _store(self, arriving: _Arriving, block: bytes) -> None:
        if arriving.size + len(block) > self._file_bytes:
            raise refusal(400, "EntityTooLarge", "Your proposed upload exceeds the maximum allowed size.")
        if self._taken + len(block) > self._total_bytes:
            raise refusal(400, "EntityTooLarge", "The service's temporary store is full. Restart it to empty it.")
        self._taken += len(block)
        arriving.write(block)

    def _keep(self, arriving: _Arriving) -> None:
        self._refuse_overwrite(arriving.key)
        path = self._folder / hashlib.sha256(arriving.key.encode()).hexdigest()
        size = arriving.move(path)
        self._objects[arriving.key] = _Object(
            path, arriving.model, size, arriving.sha256.hexdigest(), self._clock() + OBJECT_S
        )

    def _refuse_overwrite(self, key: str) -> None:
        if key in self._objects:
            raise refusal(
                409, "FileAlreadyExists", "The object you specified already exists and can not be overwritten."
            )

    def _remove_old(self) -> None:
        now = self._clock()
        while self._objects:
            key, oldest = next(iter(self._objects.items()))
            if oldest.expires >= now:
                return
            del self._objects[key]
            oldest.path.unlink(missing_ok=True)
            self._taken -= oldest.size


class _Arriving:
    """A file on its way in, under a temporary name."""

    def __init__(self, fields: dict[str, str], model: str, temporary: Path) -> None:
        self.key = fields["key"]
        self.model = model
        # The storage host answers 204 unless asked otherwise (service documentation, temporary upload).
        self.wished_status = {"200": 200, "201": 201}.get(fields.get("success_action_status", ""), 204)
        self.size = 0
        self.sha256 = hashlib.sha256()
        self._temporary = temporary
        self._file = temporary.open("xb")

    def write(self, block: bytes) -> None:
        self.size += self._file.write(block)
        self.sha256.update(block)

    def move(self, path: Path) -> int:
        """Give the file its name; returns the bytes it keeps, which :meth:`close` then no longer counts."""
        self._file.close()
        self._temporary.replace(path)
        kept, self.size = self.size, 0
        return kept

    def close(self) -> int:
        """Clean up; returns the bytes that were freed."""
        self._file.close()
        self._temporary.unlink(missing_ok=True)
        return self.size


def _violation(rule: str) -> ServiceError:
    return refusal(403, "AccessDenied", f"Invalid according to Policy: {rule}.")
