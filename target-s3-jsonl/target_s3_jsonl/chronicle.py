"""What a run leaves in `_catalog/` when it ends: the SCHEMAs of its objects, then its manifest, which refers to them.

It comes after the last STATE. Which one is the last is known only when the input has ended, and no
STATE may wait for it, since it says nothing of whether rows are durable. A run that is killed in
between leaves objects that no manifest names; `verify` tells.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from target_s3_jsonl import catalog
from target_s3_jsonl.batch import Sealed, sealed_document
from target_s3_jsonl.errors import StoreError
from target_s3_jsonl.manifest import Manifest, Run
from target_s3_jsonl.spool import SpoolWriter, open_spool

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from target_s3_jsonl.facts import Facts
    from target_s3_jsonl.uploads import Uploads


class Chronicle:
    """Hears of every object of a run."""

    def __init__(self, began: datetime) -> None:
        """Take when the run began (UTC)."""
        self._began = began
        self._manifest = Manifest()
        self._schemas: dict[str, bytes] = {}
        """SCHEMAs of the objects so far, by their places: a tap has one or two for each stream."""

    def add(self, path: str, sealed: Sealed, facts: Facts | None) -> None:
        """Note an object that is about to be stored, and what its tap says of it.

        Raises:
            SpoolError: The local disk is full.
        """
        self._manifest.add(path, sealed)
        if facts is not None and not sealed.rejected:
            place = catalog.schema_path(sealed.stream, facts.schema_hash)
            self._schemas[place] = facts.schema

    def stored(self, ticket: int) -> None:
        """Note that an object is durable."""
        self._manifest.stored(ticket)

    def tell(
        self, run: Run, active: Mapping[str, str], rejects: Mapping[str, int], uploads: Uploads
    ) -> str | None:
        """Store all of it, and return the manifest's place; None if there was nothing to tell. `uploads` has nothing under way.

        Raises:
            StoreError: The store did not take it.
        """
        manifest = self._manifest.finish(run, active, rejects, self._began)
        if manifest is None:
            return None
        try:
            with manifest.file:
                _store(self._documents(), uploads)
                place = catalog.manifest_path(run.start, manifest.sha256)
                _store(iter([(place, manifest)]), uploads)
        except StoreError as error:
            raise StoreError(
                f"The manifest of this run is missing, though every row that was acknowledged is there. {error} "
                "`manifests: false` does without."
            ) from error
        return place

    def close(self) -> None:
        """Drop what is spooled."""
        self._manifest.close()

    def _documents(self) -> Iterator[tuple[str, Sealed]]:
        for place, content in self._schemas.items():
            writer = SpoolWriter("none", 0, open_spool)
            writer.write(content)
            yield place, sealed_document(writer, self._began, rows=1)


def _store(documents: Iterator[tuple[str, Sealed]], uploads: Uploads) -> None:
    """Store documents side by side; all that were begun have ended when this returns, or raises the first error."""
    failed: StoreError | None = None
    try:
        for place, document in documents:
            if uploads.full:
                failed = _ended(uploads)
            if failed:
                document.file.close()
                break
            uploads.start(place, document)
    finally:  # also when the disk is full for the next one
        while uploads:
            failed = _ended(uploads) or failed
    if failed:
        raise failed


def _ended(uploads: Uploads) -> StoreError | None:
    upload = uploads.wait()
    upload.sealed.file.close()
    error = upload.outcome.exception()
    if error is not None and not isinstance(error, StoreError):
        raise error
    return error
