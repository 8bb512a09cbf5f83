"""In which draft of JSON schema a SCHEMA is written. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

import jsonschema_rs

if TYPE_CHECKING:
    from collections.abc import Mapping

_DRAFT_4 = "http://json-schema.org/draft-04/schema#"


def validator(schema: Mapping[str, Any]) -> jsonschema_rs.Validator:
    """Compile a schema; formats such as `date-time` are not checked, and no remote `$ref` is fetched.

    Its draft is the one that `$schema` names, and else the newest in which it is valid: taps of
    databases that are not made with the Singer SDK write the bounds of numbers as Draft 4 has them,
    `"maximum": 100, "exclusiveMaximum": true`, and name no draft.

    Raises:
        jsonschema_rs.ValidationError: It is no JSON schema.
        jsonschema_rs.ReferencingError: It refers to what it does not have.
        ValueError: It refers to another place.
    """
    written = dict(schema)
    if "$schema" not in written and not jsonschema_rs.meta.is_valid(written):
        older = written | {"$schema": _DRAFT_4}
        written = older if jsonschema_rs.meta.is_valid(older) else written
    return jsonschema_rs.validator_for(
        written, validate_formats=False, retriever=_no_remote_schema, mask="its value"
    )


def _no_remote_schema(uri: str) -> NoReturn:
    raise ValueError(f"it refers to {uri}, and a target fetches nothing from there")
