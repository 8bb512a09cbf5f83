"""What a run leaves in `_catalog/`: the SCHEMAs of its objects, and at its end a manifest, which refers to them.

A SCHEMA goes beside reading, when the first of its objects is stored. The manifest comes after the
last STATE. Which one is the last is known only when the input has ended, and no STATE may wait for
it, since it says nothing of whether rows are durable. A run that is killed in between leaves objects
that no manifest names; `verify` tells.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from target_s3_jsonl import catalog
from target_s3_jsonl.batch import sealed_document
from target_s3_jsonl.errors import StoreError
from target_s3_jsonl.manifest import Manifest, Run
from target_s3_jsonl.spool import SpoolWriter, open_spool

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from target_s3_jsonl.batch import Sealed
    from target_s3_jsonl.facts import Facts
    from target_s3_jsonl.uploads import Upload, Uploads


class Chronicle:
    """Hears of every object of a run."""

    def __init__(self, began: datetime) -> None:
        """Take when the run began (UTC)."""
        self._began = began
        self._manifest = Manifest()
        self._schemas: dict[str, bytes] = {}
        """SCHEMAs of the objects so far, by their places: a tap has one or two for each stream."""
        self._unstored: dict[int, str] = {}
        """The places of the SCHEMAs of objects that are under way, by their tickets."""
        self._due: deque[str] = deque()
        """Those to send next."""
        self._failed: StoreError | None = None

    def add(self, path: str, sealed: Sealed, facts: Facts | None) -> None:
        """Note an object that is about to be stored, and what its tap says of it.

        Raises:
            SpoolError: The local disk is full.
        """
        self._manifest.add(path, sealed)
        if facts is not None and not sealed.rejected:
            place = catalog.schema_path(sealed.stream, facts.schema_hash)
            if place not in self._schemas:
                self._schemas[place] = facts.schema
                self._unstored[sealed.ticket] = place

    def stored(self, ticket: int, uploads: Uploads) -> None:
        """Note that an object is durable, and send its SCHEMA as soon as `uploads` has room for it.

        Raises:
            SpoolError: The local disk is full.
            StoreError: No thread could be started.
        """
        self._manifest.stored(ticket)
        if place := self._unstored.pop(ticket, None):
            self._due.append(place)
        while self._due and not self._failed and not uploads.full:
            self._send(uploads)

    def takes(self, upload: Upload) -> bool:
        """Take an upload that has ended, if it is a SCHEMA or manifest; what it failed by is told at the end."""
        if upload.path not in self._schemas and not upload.path.startswith(catalog.RUNS):
            return False
        upload.sealed.file.close()
        error = upload.outcome.exception()
        if error is not None and not isinstance(error, StoreError):
            raise error
        self._failed = self._failed or error
        return True

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
        place = catalog.manifest_path(run.start, manifest.sha256)
        with manifest.file:
            while self._due and not self._failed:
                if uploads.full:
                    self.takes(uploads.wait())
                else:
                    self._send(uploads)
            self._wait(uploads)
            uploads.start(place, manifest)
            self._wait(uploads)
        return place

    def close(self) -> None:
        """Drop what is spooled."""
        self._manifest.close()

    def _send(self, uploads: Uploads) -> None:
        place = self._due.popleft()
        writer = SpoolWriter("none", 0, open_spool)
        writer.write(self._schemas[place])
        uploads.start(place, sealed_document(writer, self._began, rows=1))

    def _wait(self, uploads: Uploads) -> None:
        """Wait for all that is under way.

        Raises:
            StoreError: Something of the catalog was not stored.
        """
        while uploads:
            self.takes(uploads.wait())
        if self._failed:
            raise StoreError(
                f"The manifest of this run is missing, though every row that was acknowledged is there. {self._failed} "
                "`manifests: false` does without."
            ) from self._failed
