"""What is said of one setting, apart from which settings there are."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

Kind = Literal["string", "integer", "boolean", "array", "object", "options"]
_JSON_TYPES = {"options": "string"}


@dataclass(frozen=True)
class Setting:
    """What people and tools are told about one setting. `kind` is a word of Meltano's."""

    name: str
    kind: Kind
    help: str
    default: Any = None
    options: tuple[str, ...] = ()
    minimum: int | None = None
    maximum: int | None = None
    secret: bool = False
    required: bool = False

    def json_schema(self) -> dict[str, Any]:
        """Return it as a property of a JSON schema; null is always allowed, and means not set."""
        schema: dict[str, Any] = {
            "type": [_JSON_TYPES.get(self.kind, self.kind), "null"],
            "description": self.help,
        }
        if self.default is not None:
            schema["default"] = self.default
        if self.options:
            schema["enum"] = [*self.options, None]
        if self.minimum is not None:
            schema["minimum"] = self.minimum
        if self.maximum is not None:
            schema["maximum"] = self.maximum
        if self.secret:
            schema |= {"secret": True, "writeOnly": True}
        return schema


def declare(kind: Kind, help_text: str, default: object = None, **details: object) -> Any:
    """Return a field of a dataclass that is a setting; `details` are further members of `Setting`."""
    return field(default=default, metadata={"kind": kind, "help": help_text, **details})
