"""What one setting is, and how the SDK is told about it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

Kind = Literal["string", "integer", "boolean", "array", "options", "file", "date_iso8601"]
"""What a setting holds, in Meltano's words."""


@dataclass(frozen=True)
class Setting:
    """One setting, as a person reads about it.

    `reference` is a value that may stand somewhere else, as every secret may.
    """

    name: str
    kind: Kind
    help: str
    default: Any = None
    options: tuple[str, ...] = ()
    secret: bool = False
    reference: bool = False
    minimum: int | None = None

    @property
    def may_refer(self) -> bool:
        """Tell whether the value may be a reference such as `env:NAME`."""
        return self.secret or self.reference

    def json_schema(self) -> dict[str, Any]:
        """Return the JSON schema that the SDK validates this setting with."""
        if self.kind == "array":
            schema: dict[str, Any] = {"type": ["array", "null"], "items": {"type": "string"}}
        else:
            json_type = self.kind if self.kind in {"integer", "boolean"} else "string"
            schema = {"type": [json_type, "null"]}
        schema["description"] = self.help
        if self.options:
            schema["enum"] = [*self.options, None]
        if self.minimum is not None:
            schema["minimum"] = self.minimum
        if self.kind == "date_iso8601":
            schema["format"] = "date-time"
        if self.default not in (None, ()):
            schema["default"] = list(self.default) if self.kind == "array" else self.default
        if self.secret:
            schema["secret"] = True
        return schema


def declare(kind: Kind, help_text: str, default: object = None, **details: object) -> Any:
    """Return the field of a dataclass that is a setting."""
    return field(default=default, metadata={"kind": kind, "help": help_text, **details})
