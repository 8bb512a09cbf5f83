"""Meltano's state backend `dynamodb://table`: its interface on one side, `states` on the other.

Meltano itself locks a state for each write only, so two runs of one state id would go on side by
side, each writing over the other's bookmarks. So what happens within a run keeps the lock until
its process ends: from the first look at the state on, or with `--full-refresh` from the first
write on. That a run is going on is told by the run id that `meltano run` and `meltano el` bind for
their logs.
"""

from __future__ import annotations

import atexit
import fnmatch
import functools
from contextlib import ExitStack, contextmanager, nullcontext
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import structlog
from meltano.core.error import MeltanoError
from meltano.core.setting_definition import SettingDefinition
from meltano.core.state_store.base import MeltanoState, StateStoreManager

from state_backend_dynamodb.aws import dynamodb_client
from state_backend_dynamodb.errors import ConfigurationError, StateBackendError
from state_backend_dynamodb.lock import Terms
from state_backend_dynamodb.settings import SETTINGS
from state_backend_dynamodb.states import Held, States
from state_backend_dynamodb.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from contextlib import AbstractContextManager

_SHORTEST_LEASE = 3

DEFINITIONS = SimpleNamespace(
    **{
        setting.name: SettingDefinition(
            name=f"state_backend.dynamodb.{setting.name}",
            label=setting.name.replace("_", " ").capitalize(),
            kind=setting.kind,
            description=setting.help,
            value=setting.default,
            sensitive=setting.secret,
        )
        for setting in SETTINGS
    }
)
"""What the entry points of the group `meltano.settings` name."""


class Kept:
    """The locks that this process has taken for its run; given back when it ends."""

    def __init__(self) -> None:
        """None is held yet."""
        self._held: dict[tuple[str, str], Held] = {}
        self._stack = ExitStack()
        atexit.register(self._stack.close)

    def keep(self, states: States, state_id: str, run: str) -> Held:
        """Return a state that is held until the process ends, by now or since earlier."""
        key = (states.table.address, state_id)
        if key not in self._held:
            self._held[key] = self._stack.enter_context(states.locked(state_id, run=run))
        return self._held[key]


@functools.cache
def kept_by_process() -> Kept:
    """Return those of this process: Meltano has one manager that reads and another that writes."""
    return Kept()


def current_run() -> str | None:
    """Return the id of the run within which this is called; None outside of runs."""
    found = structlog.contextvars.get_contextvars().get("run_id")
    return str(found) if found else None


@contextmanager
def plainly() -> Iterator[None]:
    """Make our errors Meltano's own, which it prints as a sentence; of others it prints the traceback."""
    try:
        yield
    except StateBackendError as error:
        # Meltano ends the sentence with a full stop.
        raise MeltanoError(error.args[0].removesuffix(".")) from error


class DynamoDBStateStoreManager(StateStoreManager):
    """Keeps Meltano's states in a table of DynamoDB."""

    label = "AWS DynamoDB"

    def __init__(
        self,
        *,
        uri: str,
        lock_timeout_seconds: float = 10,
        lock_retry_seconds: float = 1,
        **settings: Any,
    ) -> None:
        """Take `state_backend.*`, and of `state_backend.dynamodb.*` those of `settings.py`.

        Raises:
            MeltanoError: the URI names no table, a setting is wrong, or the table cannot be made.
        """
        super().__init__()
        with plainly():
            self._states = _states(uri, lock_timeout_seconds, lock_retry_seconds, settings)
        self._held: dict[str, Held] = {}

    def get(self, state_id: str) -> MeltanoState | None:
        """Return a state with the table's edits in it; in a run, hold it from here on."""
        run = current_run()
        with plainly():
            held = kept_by_process().keep(self._states, state_id, run) if run else None
            document = held.read() if held else self._states.read(state_id)
        if not document:
            return None
        return MeltanoState(
            state_id,
            partial_state=document.get("partial") or {},
            completed_state=document.get("completed") or {},
        )

    def set(self, state: MeltanoState) -> None:
        """Save a state."""
        with plainly(), self._holding(state.state_id) as held:
            held.write(
                {"completed": state.completed_state or {}, "partial": state.partial_state or {}}
            )

    def delete(self, state_id: str) -> None:
        """Remove a state."""
        with plainly(), self._holding(state_id) as held:
            held.delete()

    def get_state_ids(self, pattern: str | None = None) -> list[str]:
        """Return the ids of the states, those that a shell's pattern matches."""
        with plainly():
            ids = list(self._states.ids())
        return [id_ for id_ in ids if fnmatch.fnmatch(id_, pattern or "*")]

    @contextmanager
    def acquire_lock(self, state_id: str, *, retry_seconds: float) -> Iterator[None]:
        """Hold a state for the block; in a run it stays held.

        Raises:
            MeltanoError: another process holds it, and is alive.
        """
        with plainly(), self._locking(state_id, retry_seconds) as held:
            self._held[state_id] = held
            try:
                yield
            finally:
                del self._held[state_id]

    def _holding(self, state_id: str) -> AbstractContextManager[Held]:
        held = self._held.get(state_id)
        return nullcontext(held) if held else self._locking(state_id)

    def _locking(self, state_id: str, retry: float | None = None) -> AbstractContextManager[Held]:
        run = current_run()
        if run:
            return nullcontext(kept_by_process().keep(self._states, state_id, run))
        return self._states.locked(state_id, retry=retry)


def _states(uri: str, patience: float, retry: float, settings: Mapping[str, Any]) -> States:
    """Return the states that the settings lead to; those that are not given are at their defaults."""
    given = {setting.name: setting.default for setting in SETTINGS}
    given |= {name: value for name, value in settings.items() if name in given and value}
    create, import_table = given.pop("create_table"), given.pop("import_table")
    lease = float(given.pop("lease_seconds") or 0)
    if lease < _SHORTEST_LEASE:
        raise ConfigurationError(
            f"state_backend.dynamodb.lease_seconds is {lease:g}; it must be {_SHORTEST_LEASE} at "
            "least, or a short pause of the network ends a run."
        )
    client = dynamodb_client(**given)  # type: ignore[arg-type]  # what is left are its texts
    table = Table(client, _table_name(uri))
    if create:
        table.create()
    return States(
        table,
        Terms(lease, patience, retry),
        import_table=Table(client, str(import_table)) if import_table else None,
    )


def _table_name(uri: str) -> str:
    """Return the table that a URI names; `urlsplit().hostname` would make it lower case."""
    parts = urlsplit(uri)
    if not parts.netloc or parts.path.strip("/") or parts.query:
        raise ConfigurationError(
            f"state_backend.uri is '{uri}'; it must be dynamodb:// and the name of the table, "
            "nothing else."
        )
    return parts.netloc
