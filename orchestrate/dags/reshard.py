"""States of other shards, made of those that there are: so that another number of shards reads on instead of all again.

`meltano state export | python orchestrate/dags/reshard.py 32 64 --state-id prod:tap-jira-oauth-to-target-s3-jsonl > new.json`, then
`meltano state import new.json`. No shard may run meanwhile. Each project's bookmark goes to the shard that the project
is in by then; the states of the old shards stay. Runs where tap-jira-oauth is installed, whose hash decides.
"""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING, Any

from shard_command import Shard, ShardError, shards
from tap_jira_oauth.shard import Shard as TapShard

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

States = dict[str, Any]
"""As `meltano state export` prints them, by state id."""


def main(arguments: Sequence[str]) -> int:
    """Read states, print others; return the status for the shell."""
    parser = argparse.ArgumentParser(description="Make the states of another number of shards.")
    parser.add_argument("old", type=int, help="how many shards there were")
    parser.add_argument("new", type=int, help="how many there will be")
    parser.add_argument("--state-id", required=True, help="the state id without the shard's suffix")
    given = parser.parse_args(arguments)
    try:
        made, left_out = resharded(json.load(sys.stdin), given.state_id, given.old, given.new)
    except ShardError as error:
        print(error, file=sys.stderr)
        return 1
    except json.JSONDecodeError as error:
        print(f"The input is not what `meltano state export` prints: {error}", file=sys.stderr)
        return 1
    if left_out:
        streams = ", ".join(sorted(left_out))
        print(f"Read from their beginning, since no project owns them: {streams}", file=sys.stderr)
    print(json.dumps(made))
    return 0


def resharded(
    states: Mapping[str, Any], state_id: str, old: int, new: int
) -> tuple[States, set[str]]:
    """Return the states of the new shards, and the streams whose bookmarks belong to no project. Pure.

    Raises:
        ShardError: A shard has no state yet, or one of the new ones has; nothing is guessed then.
    """
    before, after = _names(state_id, old), _names(state_id, new)
    missing = [name for name in before.values() if name not in states]
    taken = [name for name in after.values() if name in states]
    if missing or taken:
        why = f"no state: {', '.join(missing)}" if missing else f"taken: {', '.join(taken)}"
        raise ShardError(
            f"{len(missing or taken)} of the states are not as they must be ({why}). Every old shard has to "
            "have run, and no new one; `meltano state clear` removes a state."
        )
    bookmarks: dict[str, dict[str, Any]] = {name: {} for name in after.values()}
    left_out = set()
    for name in before.values():
        for stream, bookmark in _bookmarks(states[name]).items():
            for partition in bookmark.get("partitions", []):
                owner = partition.get("context", {}).get("project_id")
                if owner is None:
                    left_out.add(stream)
                    continue
                home = next(shard for shard in after if TapShard(shard.number, new).has(owner))
                kept = bookmarks[after[home]].setdefault(stream, {"partitions": []})
                kept["partitions"].append(partition)
            if bookmark and "partitions" not in bookmark:
                left_out.add(stream)
    made = {
        name: {"completed": {"singer_state": {"bookmarks": kept}}, "partial": {}}
        for name, kept in bookmarks.items()
    }
    return made, left_out


def _names(state_id: str, count: int) -> dict[Shard, str]:
    return {shard: f"{state_id}:{shard.suffix}" for shard in shards(count)}


def _bookmarks(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return those of the newest state; each of the tap's states is whole, so that of a run that did not end counts alone."""
    parts = (document.get(name) or {} for name in ("partial", "completed"))
    found = [part["singer_state"] for part in parts if part.get("singer_state")]
    return dict(found[0].get("bookmarks", {})) if found else {}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
