"""What S3 keeps with an object beside its bytes: type, metadata, encryption, rights, class, tags. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from target_s3_jsonl.compress import CONTENT_TYPES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from target_s3_jsonl.batch import Sealed
    from target_s3_jsonl.settings import Settings

_LONGEST_NOTE = 200  # S3 takes 2 KB of metadata in all


def attributes(settings: Settings, sealed: Sealed, version: str) -> dict[str, Any]:
    """Return the arguments that `PutObject` and `CreateMultipartUpload` share, beside bucket and key."""
    asked = {
        "ACL": settings.acl,
        "ServerSideEncryption": settings.sse,
        "SSEKMSKeyId": settings.kms_key_id,
        "StorageClass": settings.storage_class,
        "Tagging": urlencode(settings.tags, quote_via=quote) if settings.tags else None,
    }
    return {
        # No Content-Encoding: clients would unpack on the way, and the name would lie.
        "ContentType": CONTENT_TYPES[sealed.compression],
        "Metadata": {
            "sha256": sealed.sha256.hex(),
            "rows": str(sealed.rows),
            "size": str(sealed.size),
            "target-version": version,
            **{name: header_text(value) for name, value in sealed.notes.items()},
        },
        **{name: value for name, value in asked.items() if value is not None},
    }


def asked_rights(settings: Settings) -> frozenset[str]:
    """Return which of the attributes that need a right of their own are asked for."""
    asked = {"ACL": settings.acl, "Tagging": settings.tags, "SSEKMSKeyId": settings.kms_key_id}
    return frozenset(name for name, value in asked.items() if value)


def not_encrypted_as_asked(settings: Settings, answer: Mapping[str, Any]) -> str | None:
    """Return how the answer to a finished upload contradicts `sse`; some stores take it and store plain text."""
    given = answer.get("ServerSideEncryption")
    if settings.sse is None or given == settings.sse:
        return None
    return f"the store took the object, but answered that it is {f'encrypted by {given}' if given else 'not encrypted'}, where sse asks for {settings.sse}. Remove the object, and set sse to what the store can do."


def header_text(value: str) -> str:
    """Return a text as a header can carry it: printable ASCII, percent-encoded where it is not, and not long."""
    return quote(value, safe=" !\"#$&'()*+,/:;<=>?@[]{|}~")[:_LONGEST_NOTE].strip()
