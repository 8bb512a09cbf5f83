"""Objects on their way to the store, a few at a time beside reading. The only module that knows threads.

There is no queue: who has one object more than may be under way waits for one to finish. So a slow
store slows the tap, and what lies on the local disk stays bounded.
"""

from __future__ import annotations

import queue
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from target_s3_jsonl.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from target_s3_jsonl.batch import Sealed
    from target_s3_jsonl.store import Store


@dataclass(frozen=True)
class Upload:
    """A finished upload. `outcome.result()` says whether the object was written now, or raises why not."""

    path: str
    sealed: Sealed
    outcome: Future[bool]


class Uploads:
    """At most `parallel` uploads at once."""

    def __init__(self, store: Store, *, parallel: int, wake: Callable[[], None]) -> None:
        """Put into `store`; `wake` is called from another thread when an upload has finished, for whatever reason."""
        self._store = store
        self._parallel = parallel
        self._wake = wake
        self._under_way = 0
        self._finished: queue.SimpleQueue[Upload] = queue.SimpleQueue()
        self._threads = ThreadPoolExecutor(parallel, thread_name_prefix="upload")

    def __bool__(self) -> bool:
        """Whether any upload was started and not handed back yet."""
        return self._under_way > 0

    @property
    def full(self) -> bool:
        """Whether one has to be waited for before the next can start."""
        return self._under_way >= self._parallel

    def start(self, path: str, sealed: Sealed) -> None:
        """Begin to store an object; it is handed back when that has ended, and its file is still open then.

        Raises:
            StoreError: The system has no thread for it; the file is closed.
        """
        try:
            outcome = self._threads.submit(self._store.put, path, sealed)
        except RuntimeError as error:
            sealed.file.close()
            raise StoreError(
                f"Cannot store {path}: no thread could be started ({error}). "
                "Allow more processes (`ulimit -u`), or lower max_parallel_uploads."
            ) from error
        self._under_way += 1
        upload = Upload(path, sealed, outcome)

        def finish(_: Future[bool]) -> None:
            self._finished.put(upload)
            self._wake()

        outcome.add_done_callback(finish)

    def wait(self) -> Upload:
        """Hand back the next upload that has finished."""
        upload = self._finished.get()
        self._under_way -= 1
        return upload

    def ready(self) -> Iterator[Upload]:
        """Hand back the uploads that have finished by now, without waiting."""
        while not self._finished.empty():
            yield self.wait()

    def close(self) -> None:
        """Wait for the threads; all uploads were handed back before."""
        self._threads.shutdown()
