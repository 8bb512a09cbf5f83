"""What `redact_fields` takes out of the records of streams that are not about issues: `users:emailAddress`. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from tap_jira_oauth.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

Path = tuple[str, ...]
"""Keys from the outside to the inside of a record; arrays on the way are passed through."""

_LOOKS_LIKE_A_STREAM = re.compile(r"[a-z_]+")


def stream_of(text: str, streams: Collection[str]) -> str | None:
    """Return the stream that an entry of the setting is about; None where it is a field of issues.

    Raises:
        ConfigurationError: it looks like a stream, and there is none of that name.
    """
    stream, colon, _ = text.partition(":")
    if not colon or not _LOOKS_LIKE_A_STREAM.fullmatch(stream):
        return None
    if stream not in streams:
        raise ConfigurationError(
            f"Setting 'redact_fields' names '{text}', and '{stream}' is no stream of which properties "
            "can be left out so. Of issues and what hangs below them name the field: comment.author. "
            "A field whose name looks like that is named by its id."
        )
    return stream


def of_fields(wanted: Iterable[str], streams: Collection[str]) -> list[str]:
    """Return the entries of the setting that are about fields of issues.

    Raises:
        ConfigurationError: one of the others names no stream.
    """
    return [text for text in wanted if stream_of(text, streams) is None]


def paths_of(
    wanted: Iterable[str], stream: str, schema: Mapping[str, Any], keys: Iterable[str]
) -> list[Path]:
    """Return what is to be taken out of the records of a stream, by the entries that are about it.

    Raises:
        ConfigurationError: its schema does not know that, or no record can be made without it.
    """
    needed = {*keys, *schema["required"]}
    found = [tuple(text[len(stream) + 1 :].split(".")) for text in wanted]
    for path in found:
        if path[0] not in schema["properties"] or not all(path):
            raise ConfigurationError(
                f"Setting 'redact_fields' names '{stream}:{'.'.join(path)}', and the stream has no "
                "such property. They are listed in docs/streams.md."
            )
        if len(path) == 1 and path[0] in needed:
            raise ConfigurationError(
                f"Setting 'redact_fields' names '{stream}:{path[0]}', and no record can be made "
                "without it. Deselect the stream."
            )
    return found


def without(value: Any, paths: Iterable[Path]) -> Any:
    """Return a value without some paths: of an object, or of each object in an array."""
    for path in paths:
        value = _without(value, path)
    return value


def _without(value: Any, path: Path) -> Any:
    if isinstance(value, list):
        return [_without(each, path) for each in value]
    if not isinstance(value, dict) or path[0] not in value:
        return value
    if len(path) == 1:
        return {name: inner for name, inner in value.items() if name != path[0]}
    return {**value, path[0]: _without(value[path[0]], path[1:])}
