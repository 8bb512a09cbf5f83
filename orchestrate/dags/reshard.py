"""States of other shards, made of those that there are: so that another number of shards reads on instead of all again.

`meltano state export | python orchestrate/dags/reshard.py 32 64 --state-id prod:tap-jira-oauth-to-target-s3-jsonl > new.json`, then
`meltano state import new.json`. No shard may run meanwhile. Each project's bookmark goes to the shard that the project
is in by then; one of the whole server, as the log of changed worklogs has, goes to all of them, from the old shard that was
behind the others. The states of the old shards stay. Runs where tap-jira-oauth is installed, whose hash decides.
"""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING, Any

from shard_command import Shard, ShardError, shards
from tap_jira_oauth.shard import Shard as TapShard

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

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
    found = [
        (TapShard(shard.number, old), _bookmarks(states[name])) for shard, name in before.items()
    ]
    partitions, left_out = _partitions(found)
    shared = _shared(each for _, each in found)
    left_out |= {
        stream
        for _, each in found
        for stream, bookmark in each.items()
        if bookmark and "partitions" not in bookmark and stream not in shared
    }
    bookmarks = {
        name: {stream: dict(each) for stream, each in shared.items()} for name in after.values()
    }
    for stream, owned in partitions.items():
        for owner, partition in owned.items():
            home = next(shard for shard in after if TapShard(shard.number, new).has(owner))
            kept = bookmarks[after[home]].setdefault(stream, {})
            kept.setdefault("partitions", []).append(partition)
    made = {
        name: {"completed": {"singer_state": {"bookmarks": kept}}, "partial": {}}
        for name, kept in bookmarks.items()
    }
    return made, left_out


def _partitions(
    found: Iterable[tuple[TapShard, Mapping[str, Any]]],
) -> tuple[dict[str, dict[str, Any]], set[str]]:
    """Return the bookmark of each project by stream, and the streams with partitions of something else.

    A shard that began with a copy of another state may still have projects that it does not read: that
    of the shard that reads the project counts.
    """
    partitions: dict[str, dict[str, Any]] = {}
    left_out = set()
    for shard, bookmarks in found:
        for stream, bookmark in bookmarks.items():
            for partition in bookmark.get("partitions", []):
                owner = partition.get("context", {}).get("project_id")
                if owner is None:
                    left_out.add(stream)
                elif shard.has(owner) or owner not in partitions.get(stream, {}):
                    partitions.setdefault(stream, {})[owner] = partition
    return partitions, left_out


def _shared(found: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return by stream the oldest bookmark that is of no project; what is newer was not read for all projects."""
    oldest: dict[str, dict[str, Any]] = {}
    for bookmarks in found:
        for stream, bookmark in bookmarks.items():
            own = {name: value for name, value in bookmark.items() if name != "partitions"}
            value = own.get("replication_key_value")
            if value and (stream not in oldest or value < oldest[stream]["replication_key_value"]):
                oldest[stream] = own
    return oldest


def _names(state_id: str, count: int) -> dict[Shard, str]:
    return {shard: f"{state_id}:{shard.suffix}" for shard in shards(count)}


def _bookmarks(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return those that the next run would get: Meltano puts a partial state over the other one, and replaces lists."""
    merged: dict[str, Any] = {}
    for name in ("completed", "partial"):
        state = (document.get(name) or {}).get("singer_state") or {}
        for stream, bookmark in state.get("bookmarks", {}).items():
            merged[stream] = {**merged.get(stream, {}), **bookmark}
    return merged


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
