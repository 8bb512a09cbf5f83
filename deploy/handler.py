r"""One call of the Lambda function is one run of the pair; the schedule's next call goes on where it ended.

What is read and where it goes is in the environment, as the plugins' own variables; beside them:

| variable | meaning |
|---|---|
| `STATE_TABLE` | the DynamoDB table of the state and its lock |
| `STATE_ID` | the state's name; an event may bring another one as `state_id` |

An event may bring settings of its own: `{"state_id": "jira-ops", "environment": {"TAP_JIRA_OAUTH_PROJECT_KEYS": "[\"OPS\"]"}}`.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any, Protocol

from state_backend_dynamodb.errors import StateHeldError
from state_backend_dynamodb.store import open_store

from pipeline import Deadline, Pipeline

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class Context(Protocol):
    """What Lambda tells of a call."""

    def get_remaining_time_in_millis(self) -> int:
        """Return how long it may still take."""


def handler(event: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """Run the pair for as long as Lambda lets us; return how far it came.

    Raises:
        PipelineError: The tap or the target failed; Lambda counts it, and the alarm rings.
    """
    return run_once(
        {**os.environ, **event.get("environment", {})},
        state_id=event.get("state_id"),
        deadline=Deadline(context.get_remaining_time_in_millis() / 1000),
    )


def run_once(
    environment: Mapping[str, str],
    state_id: str | None = None,
    deadline: Deadline | None = None,
    began: Callable[[Callable[[], None]], None] = lambda _: None,
) -> dict[str, Any]:
    """Run the pair once, while its state's lock is held.

    A lock that somebody else holds is no error: that run does what this one would have done.

    Raises:
        PipelineError: The tap or the target failed.
        StateBackendError: The state cannot be read or kept.
    """
    state_id = state_id or environment["STATE_ID"]
    try:
        with open_store(environment["STATE_TABLE"]).locked(state_id) as state:
            outcome = Pipeline(environment=environment).run(state, deadline, log=_log, began=began)
    except StateHeldError as error:
        _log(json.dumps({"level": "INFO", "source": "handler", "message": str(error)}))
        return {"state_id": state_id, "finished": False, "states": 0, "skipped": str(error)}
    said = {"state_id": state_id, "finished": outcome.finished, "states": outcome.states}
    _log(json.dumps({"level": "INFO", "source": "handler", "message": "run ended", **said}))
    return said


def _log(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - what is printed is the function's log
