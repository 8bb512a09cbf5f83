"""Settings and advice as people read them: `meltano.yml` and the tables in the READMEs, from the plugins.

`./dev docs` writes them between their markers; a test compares.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

import requests_table
import streams_page
import works_with
from state_backend_dynamodb import settings as backend_settings
from tap_jira_oauth import advice
from tap_jira_oauth import settings as tap_settings
from tap_jira_oauth.tap import TapJiraOAuth
from target_s3_jsonl import settings as target_settings
from target_s3_jsonl.target import TargetS3Jsonl

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from singer_sdk.plugin_base import PluginBase

ROOT = Path(__file__).resolve().parent.parent

PLUGINS: dict[str, tuple[type[PluginBase], Sequence[Any]]] = {
    "tap-jira-oauth": (TapJiraOAuth, tap_settings.SETTINGS),
    "target-s3-jsonl": (TargetS3Jsonl, target_settings.SETTINGS),
}

FILES = (
    *("meltano.yml", "tap-jira-oauth/README.md", "target-s3-jsonl/README.md"),
    *("docs/streams.md", "hub/extractors/tap-jira-oauth.yml", "hub/loaders/target-s3-jsonl.yml"),
    "state-backend-dynamodb/README.md",
)


def main() -> None:
    """Write every generated block anew."""
    for name in FILES:
        path = ROOT / name
        path.write_text(rendered(path), "utf-8")


def rendered(path: Path) -> str:
    """Return a file's text with its generated blocks up to date."""
    text = path.read_text("utf-8")
    render = meltano_settings if path.suffix == ".yml" else settings_table
    for plugin in PLUGINS:
        text = re.sub(
            rf"(?m)^([ ]*)(.*settings:begin {plugin}.*\n)(?:.*\n)*?(?=.*settings:end)",
            lambda match, plugin=plugin: (  # type: ignore[misc]  # lambda's default has no type
                f"{match[1]}{match[2]}{indented(render(plugin), match[1])}"
            ),
            text,
        )
    blocks = {
        "trouble": trouble_table,
        "backend": backend_table,
        "streams": streams_page.table,
        "requests": requests_table.table,
        "partners": works_with.table,
    }
    for name, block in blocks.items():
        text = re.sub(
            rf"(?m)^(.*{name}:begin.*\n)(?:.*\n)*?(?=.*{name}:end)",
            lambda match, block=block: f"{match[1]}{block()}\n",  # type: ignore[misc]  # as above
            text,
        )
    return text


def trouble_table() -> str:
    """Return what the tap says about refusals, by symptom, as a Markdown table."""
    rows = [(f"`{name}`", reason) for name, reason in sorted(advice.OAUTH.items())]
    rows += [(f"`{name}`, in `jira-oauth login`", why) for name, why in advice.SIGN_IN.items()]
    rows += [(f"`{name}`, with OAuth 2.0", why) for name, why in advice.OAUTH2.items()]
    rows += [(f"HTTP {status}", reason) for status, reason in advice.STATUSES.items()]
    lines = ["| symptom | cause | what to do |", "|---|---|---|"]
    lines += [f"| {symptom} | {reason.cause} | {reason.remedy} |" for symptom, reason in rows]
    return "\n".join(lines)


def backend_table() -> str:
    """Return the settings of the state backend as a Markdown table."""
    lines = ["| setting | kind | default | meaning |", "|---|---|---|---|"]
    for setting in backend_settings.SETTINGS:
        shown = f"`{spelled(setting.default)}`" if said(setting.default) else ""
        secret = " Secret." if setting.secret else ""
        name = f"`state_backend.dynamodb.{setting.name}`"
        lines.append(f"| {name} | {setting.kind} | {shown} | {setting.help}{secret} |")
    return "\n".join(lines)


def indented(text: str, margin: str) -> str:
    """Put a margin in front of every line."""
    return "".join(f"{margin}{line}\n" for line in text.splitlines())


def declared(plugin: str) -> Iterable[dict[str, Any]]:
    """Return every setting of a plugin in Meltano's words, ours first, then the SDK's own."""
    command, ours = PLUGINS[plugin]
    for setting in ours:
        yield {
            "name": setting.name,
            "kind": setting.kind,
            "help": setting.help,
            "default": setting.default,
            "options": list(setting.options),
            "secret": setting.secret,
        }
    command.append_builtin_config(command.config_jsonschema)
    known = {setting.name for setting in ours}
    for name, schema in command.config_jsonschema["properties"].items():
        if name not in known:
            yield from sdk_setting(name, schema)


def sdk_setting(name: str, schema: dict[str, Any]) -> Iterable[dict[str, Any]]:
    """Return a setting that the SDK adds; the parts of an object of its own, one by one."""
    types = schema.get("type", "string")
    kind = next(kind for kind in ([types] if isinstance(types, str) else types) if kind != "null")
    if name == "faker_config":
        for part, inner in schema["properties"].items():
            yield from sdk_setting(f"{name}.{part}", inner)
        return
    yield {
        "name": name,
        "kind": {"number": "decimal"}.get(kind, kind),
        "help": " ".join(schema.get("description", schema.get("title", "")).split()),
        "default": schema.get("default"),
        "options": [option for option in schema.get("enum", []) if option is not None],
        "secret": False,
    }


def meltano_settings(plugin: str) -> str:
    """Return the `settings` list of a plugin in `meltano.yml`."""
    entries = []
    for setting in declared(plugin):
        entry: dict[str, Any] = {"name": setting["name"], "kind": setting["kind"]}
        if setting["options"]:
            entry["kind"] = "options"
            entry["options"] = [{"label": name, "value": name} for name in setting["options"]]
        if setting["secret"]:
            entry["sensitive"] = True
        entry["description"] = setting["help"] + default_sentence(setting["default"])
        entries.append(entry)
    return yaml.safe_dump(entries, sort_keys=False, allow_unicode=True, width=110)


def default_sentence(default: Any) -> str:
    """Say the default, which the plugin itself applies; Meltano need not repeat it."""
    return f" Default: `{spelled(default)}`." if said(default) else ""


def said(default: Any) -> bool:
    """Tell whether there is a default to speak of."""
    return default is not None and default not in ((), [], {})


def settings_table(plugin: str) -> str:
    """Return the settings of a plugin as a Markdown table."""
    lines = ["| setting | kind | default | meaning |", "|---|---|---|---|"]
    for setting in declared(plugin):
        kind = " / ".join(f"`{name}`" for name in setting["options"]) or setting["kind"]
        default = setting["default"]
        shown = f"`{spelled(default)}`" if said(default) else ""
        secret = " Secret." if setting["secret"] else ""
        meaning = setting["help"].replace("|", "\\|")
        lines.append(f"| `{setting['name']}` | {kind} | {shown} | {meaning}{secret} |")
    return "\n".join(lines)


def spelled(default: Any) -> str:
    """Spell a default as one writes it in JSON, texts without quotes."""
    return default if isinstance(default, str) else json.dumps(default)


if __name__ == "__main__":
    main()
