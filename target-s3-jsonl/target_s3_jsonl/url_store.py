"""Objects in the other clouds that smart-open writes: `gs://` and `azure://`.

An object is written from its finished spool inside one `with`, so that smart-open either completes
or drops it, and it is read back once: of a store that nobody has looked into, its own word is not
enough for printing a STATE.

Whether a name is taken is looked at before writing. Google Cloud Storage is asked to refuse one that
was taken in between; of other stores two runs at the same moment may write the same name. That does
no harm, since the name holds the digest of what is in it.
"""

from __future__ import annotations

import shutil
from typing import IO, TYPE_CHECKING, Any, cast

import smart_open

from target_s3_jsonl.contents import CHUNK, chunks_of, refuse_other_content
from target_s3_jsonl.errors import StoreError

if TYPE_CHECKING:
    from target_s3_jsonl.batch import Sealed

_NOT_FOUND = 404


class UrlStore:
    """A container of another cloud as a store."""

    def __init__(self, destination: str) -> None:
        """Write below a URL; nothing is opened yet."""
        self._base = destination.rstrip("/")
        on_google = destination.startswith(("gs://", "gcs://"))
        self._condition: dict[str, Any] = (
            {"blob_open_kwargs": {"if_generation_match": 0}} if on_google else {}
        )

    def put(self, path: str, sealed: Sealed) -> bool:
        """Write unless the object is there, and look at it."""
        url = f"{self._base}/{path}"
        try:
            if _is_there(url, sealed):
                return False
            with _open(url, "wb", self._condition) as file:
                sealed.file.seek(0)
                shutil.copyfileobj(sealed.file, file, CHUNK)
            stored = _is_there(url, sealed)
        except StoreError:
            raise
        except ImportError as error:
            raise StoreError(
                f"Cannot write {url}: {error}. Install durable-target-s3-jsonl[gcs] or [azure]."
            ) from error
        except Exception as error:  # each client library has errors of its own, with no common root
            raise StoreError(f"Cannot write {url}: {type(error).__name__}: {error}") from error
        if not stored:
            raise StoreError(f"{url} was written, but is not there.")
        return True


def _open(url: str, mode: str, options: dict[str, Any]) -> IO[bytes]:
    # The spool is compressed already; by the suffix, smart-open would compress once more.
    return cast(
        "IO[bytes]", smart_open.open(url, mode, compression="disable", transport_params=options)
    )


def _is_there(url: str, sealed: Sealed) -> bool:
    """Read an object back, and tell whether it is there.

    Raises:
        ConflictError: Something else is there.
    """
    try:
        with _open(url, "rb", {}) as stored:
            refuse_other_content(url, chunks_of(stored), sealed)
    except Exception as error:
        if _is_missing(error):
            return False
        raise
    return True


def _is_missing(error: Exception) -> bool:
    """Tell by the status that the libraries of Google (`code`) and Azure (`status_code`) put into their errors."""
    status = {getattr(error, "code", None), getattr(error, "status_code", None)}
    return isinstance(error, FileNotFoundError) or _NOT_FOUND in status
