r"""One call of the Lambda function is one run of the pair; the schedule's next call goes on where it ended.

What is read and where it goes is in the environment, as the plugins' own variables; beside them:

| variable | meaning |
|---|---|
| `STATE_TABLE` | the DynamoDB table of the state and its lock |
| `STATE_ID` | the state's name; an event may bring another one as `state_id` |
| `MARGIN_SECONDS` | so long before the end of its time a run is asked to stop; 60 |
| `LEASE_SECONDS` | a run that is not heard of for so long is held for dead; 30 |

An event may bring settings of its own: `{"state_id": "jira-ops", "environment": {"TAP_JIRA_OAUTH_PROJECT_KEYS": "[\"OPS\"]"}}`.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any, Protocol

from pipeline import Deadline, Pipeline
from state_backend_dynamodb.aws import dynamodb_client
from state_backend_dynamodb.errors import StateHeldError
from state_backend_dynamodb.lock import Terms
from state_backend_dynamodb.states import States
from state_backend_dynamodb.table import Table

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from state_backend_dynamodb.states import Held

PATIENCE, RETRY = 10.0, 1.0
"""Seconds to wait for a run that is alive, and between two looks."""


class Context(Protocol):
    """What Lambda tells of a call."""

    def get_remaining_time_in_millis(self) -> int:
        """Return how long it may still take."""


class Kept:
    """A state as Meltano keeps it, so that `meltano state` shows and edits it, too."""

    def __init__(self, held: Held) -> None:
        """Take a state whose lock is held."""
        self._held = held

    def read(self) -> Mapping[str, Any] | None:
        """Return the state for the tap; that of a run of Meltano's which did not end comes first."""
        document = self._held.read() or {}
        parts = (document.get(name) or {} for name in ("partial", "completed"))
        return next((part["singer_state"] for part in parts if part.get("singer_state")), None)

    def write(self, state: Mapping[str, Any], /) -> None:
        """Keep it."""
        self._held.write({"completed": {"singer_state": dict(state)}, "partial": {}})


def handler(event: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """Run the pair for as long as Lambda lets us; return how far it came.

    Raises:
        PipelineError: The tap or the target failed; Lambda counts it, and the alarm rings.
    """
    environment = {**os.environ, **event.get("environment", {})}
    seconds = context.get_remaining_time_in_millis() / 1000
    return run_once(environment, state_id=event.get("state_id"), seconds=seconds)


def run_once(
    environment: Mapping[str, str],
    state_id: str | None = None,
    seconds: float | None = None,
    began: Callable[[Callable[[], None]], None] = lambda _: None,
) -> dict[str, Any]:
    """Run the pair once, while its state's lock is held, for `seconds` at most.

    A lock that somebody else holds is no error: that run does what this one would have done.

    Raises:
        PipelineError: The tap or the target failed.
        StateBackendError: The state cannot be read or kept.
    """
    state_id = state_id or environment["STATE_ID"]
    margin = float(environment.get("MARGIN_SECONDS", "60"))
    deadline = None if seconds is None else Deadline(seconds, margin)
    terms = Terms(float(environment.get("LEASE_SECONDS", "30")), PATIENCE, RETRY)
    states = States(Table(dynamodb_client(), environment["STATE_TABLE"]), terms)
    try:
        with states.locked(state_id) as held:
            outcome = Pipeline(environment=environment).run(Kept(held), deadline, _log, began)
    except StateHeldError as error:
        _say("INFO", str(error))
        return {"state_id": state_id, "finished": False, "states": 0, "skipped": str(error)}
    said = {"state_id": state_id, "finished": outcome.finished, "states": outcome.states}
    _say("INFO", "The run has ended.", **said)
    return said


def _say(level: str, message: str, **more: object) -> None:
    _log(json.dumps({"level": level, "source": "handler", "message": message, **more}))


def _log(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - what is printed is the function's log
