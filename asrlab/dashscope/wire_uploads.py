"""Shapes of temporary uploads on the wire: leave to upload, and the form (service documentation, temporary uploads)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from asrlab.dashscope.wire import Document, number_in, text_in, unreadable

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, repr=False)
class Policy:
    """Leave to upload one file; never shown, for it is a credential."""

    host: str
    folder: str
    fields: Mapping[str, str]
    max_bytes: float


def policy_query(model: str) -> dict[str, str]:
    """Query of the request for leave to upload."""
    return {"action": "getPolicy", "model": model}


def upload_form(policy: Policy, file_name: str) -> tuple[dict[str, str], str]:
    """Fields of the upload form, to be followed by the field ``file``, and the oss URL that the file will have."""
    key = f"{policy.folder}/{file_name}"
    return {**policy.fields, "key": key, "success_action_status": "200"}, f"oss://{key}"


def parse_policy(document: Document) -> Policy:
    """Read the leave to upload; its numbers come as strings or as numbers.

    Raises
    ------
    ServiceError
        With code ``BadResponse`` if something is missing.
    """
    data = document.get("data")
    if not isinstance(data, dict):
        raise unreadable(document, "it has no data")
    names = {
        "OSSAccessKeyId": "oss_access_key_id",
        "Signature": "signature",
        "policy": "policy",
        "x-oss-object-acl": "x_oss_object_acl",
        "x-oss-forbid-overwrite": "x_oss_forbid_overwrite",
    }
    found = {name: text_in(data, name) for name in ("upload_host", "upload_dir", *names.values())}
    if missing := [name for name, value in found.items() if not value]:
        raise unreadable(document, f"its upload policy has no {', '.join(missing)}")
    texts = {name: value for name, value in found.items() if value}
    megabytes = number_in(data, "max_file_size_mb")
    return Policy(
        host=texts["upload_host"],
        folder=texts["upload_dir"].strip("/"),
        fields={field_name: texts[name] for field_name, name in names.items()},
        max_bytes=float("inf") if megabytes is None else megabytes * (1 << 20),
    )
