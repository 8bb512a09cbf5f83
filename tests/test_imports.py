"""The arrows between modules, as the design draws them; any other one fails."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

PURE = {"errors"}
"""All that a pure module may import of ours."""

TAP = {
    "__main__": {"tap"},
    "tap": {
        *("auth", "bookmark", "client", "config_schema", "credentials", "errors", "gate", "jira"),
        *("progress", "redaction", "settings", "streams"),
    },
    "display": {"progress"},
    "cli": {
        *("auth", "check", "client", "configuration", "errors", "first_load", "jira", "keygen"),
        *("login", "progress", "redaction", "report", "settings"),
    },
    "first_load": {
        *("bookmark", "client", "cloud_search", "created_parts", "errors", "jira", "jql"),
        "offset_search",
    },
    "created_parts": {"jql", "span"},
    "span": set(),
    "keygen": {"auth", "credentials", "errors"},
    "login": {"auth", "credentials", "errors", "settings"},
    "check": {
        *("answer", "auth", "client", "credentials", "errors"),
        *("jira", "progress", "redaction", "report", "settings", "streams", "tap"),
    },
    "configuration": {"config_schema", "credentials", "errors", "setting", "settings"},
    "config_schema": {"errors", "settings"},
    "streams": {
        *("answered_issue", "answered_page", "bookmark", "census", "census_fetch", "child_fetch"),
        *("child_lists", "cloud_search"),
        *("cloud_window", "deleted", "deleted_fetch", "display", "errors", "expansion"),
        *("fetch", "field_redaction", "field_types", "fields", "gate", "history_redaction"),
        *("issue_versions", "jira", "jql", "newest_first", "offset_search"),
        *("page_size", "paging", "progress"),
        *("stream_redaction", "streams", "unserved", "window", "worklog_log"),
        "span",
    },
    "newest_first": PURE,
    "stream_redaction": PURE,
    "unserved": PURE,
    "paging": PURE,
    "census": PURE,
    "census_ids": {"census"},
    "census_fetch": {
        *(
            "census",
            "client",
            "cloud_search",
            "errors",
            "fetch",
            "gate",
            "jira",
            "jql",
            "offset_search",
            "page_size",
        ),
    },
    "deleted": {"census", "census_ids", "errors", "jql", "settings"},
    "deleted_fetch": {"client", "deleted", "errors", "fetch", "jql", "offset_search"},
    "answered_issue": set(),
    "answered_page": {"answered_issue", "client", "errors", "jql", "span"},
    "issue_versions": {
        *("child_lists", "client", "cloud_search", "errors", "jql", "offset_search"),
    },
    "worklog_log": {"bookmark", "child_lists", "client", "errors", "jql", "span"},
    "child_fetch": {"child_lists", "client", "errors", "fetch", "gate"},
    "child_lists": {"answered_issue", "errors", "jql"},
    "fetch": {
        *("cloud_window", "errors", "page_size", "span", "window"),
    },
    "offset_search": {
        *("answer", "answered_page", "client", "errors", "fetch", "jql", "page_size", "span"),
    },
    "page_size": set(),
    "cloud_search": {
        *("answered_page", "client", "cloud_window", "errors", "fetch", "jql", "page_size"),
    },
    "cloud_window": {"errors", "span", "window"},
    "jira": {
        *("answer", "client", "errors", "field_list", "field_types", "jql", "probe", "progress"),
        *("settings", "shard"),
    },
    "field_list": {"client", "field_types"},
    "client": {"answer", "errors", "gate", "rate_limit", "settings", "transport", "verdict"},
    "gate": set(),
    "auth": {
        *("advice", "answer", "auth", "credentials", "errors", "redaction", "settings"),
        *("transport", "verdict"),
    },
    "transport": {"answer", "errors", "settings"},
    "credentials": {"credentials", "errors", "redaction", "settings"},
    "settings": {"errors", "jql", "setting", "setting_value", "shard"},
    "shard": PURE,
    "setting": set(),
    "setting_value": PURE,
    "redaction": set(),
    "bookmark": {"errors", "jql"},
    "answer": set(),
    "rate_limit": {"answer"},
    "verdict": {"advice", "answer", "errors", "rate_limit"},
    "advice": set(),
    "probe": set(),
    "report": set(),
    "fields": {"answered_issue", "conformance", "errors", "field_redaction", "field_types"},
    "conformance": {"errors", "sprint"},
    "field_redaction": {"errors", "field_names"},
    "expansion": {"answered_issue", "errors", "field_redaction"},
    "history_redaction": {"field_names", "field_redaction"},
    "field_types": {"field_names"},
    "field_names": set(),
    "sprint": set(),
    "jql": PURE,
    "window": PURE | {"span", "standstill"},
    "standstill": set(),
    "progress": set(),
    "errors": set(),
    "__init__": set(),
}

TARGET = {
    "__main__": {"target"},
    "target": {"cli", "errors", "maps", "message_loop", "settings"},
    "message_loop": {
        *("aws", "batch_file", "encode", "errors", "explain", "intake", "loader", "manifest"),
        *("maps", "rejects", "router", "settings", "store"),
    },
    "maps": PURE,
    "router": {
        *("batch_file", "catalog", "encode", "errors", "facts", "loader", "rejects", "routes"),
    },
    "routes": {"encode"},
    "rejects": set(),
    "explain": {"batch"},
    "batch_file": {"errors", "lines", "ssh_server"},
    "facts": {"batch", "encode"},
    "loader": {
        *("batch", "chronicle", "compress", "errors", "facts", "layout"),
        *("ledger", "manifest", "settings", "store", "uploads"),
    },
    "cli": {"errors", "inspection", "settings"},
    "inspection": {
        *("aws", "compress", "ddl", "errors", "glue_catalog", "inventory", "lake", "layout"),
        *("settings", "store", "verify"),
    },
    "verify": {"catalog", "errors", "inventory", "lake", "layout", "stored"},
    "inventory": set(),
    "stored": set(),
    "ddl": {"catalog", "ddl", "errors", "lake", "layout"},
    "glue_catalog": {"errors", "refusal"},
    "lake": {"aws", "errors", "s3_lake", "settings", "store"},
    "s3_lake": {"errors", "lake", "refusal"},
    "chronicle": {"batch", "catalog", "errors", "facts", "manifest", "spool", "uploads"},
    "manifest": {"batch", "layout", "spool"},
    "catalog": {"layout"},
    "uploads": {"batch", "errors", "store"},
    "store": {"aws", "batch", "contents", "errors", "s3", "settings", "sftp_store", "url_store"},
    "url_store": {"batch", "contents", "errors"},
    "sftp_store": {"batch", "contents", "errors", "ssh_server"},
    "ssh_server": {"errors", "sftp_refusal", "ssh_connection"},
    "ssh_connection": PURE,
    "sftp_refusal": set(),
    "contents": {"batch", "errors"},
    "s3": {"attributes", "batch", "checksum", "errors", "multipart", "refusal", "settings"},
    "multipart": {"batch", "checksum"},
    "aws": {"errors", "settings"},
    "attributes": {"batch", "compress", "settings"},
    "checksum": set(),
    "refusal": set(),
    "settings": {"errors", "setting"},
    "setting": set(),
    "encode": {"drafts", "errors", "shape"},
    "drafts": set(),
    "shape": set(),
    "batch": {"compress", "errors", "spool"},
    "spool": {"compress", "errors"},
    "compress": set(),
    "layout": PURE,
    "ledger": PURE,
    "intake": {"encode", "errors", "lines"},
    "lines": PURE,
    "errors": set(),
    "__init__": set(),
}

STATE_BACKEND = {
    "manager": {"aws", "errors", "lock", "settings", "states", "table"},
    "states": {"chunks", "errors", "lock", "projects", "table"},
    "lock": {"errors", "lease", "table"},
    "table": PURE,
    "aws": PURE,
    "lease": set(),
    "chunks": PURE,
    "projects": PURE,
    "settings": set(),
    "errors": set(),
    "__init__": set(),
}

PACKAGES = {
    "tap_jira_oauth": (ROOT / "tap-jira-oauth" / "tap_jira_oauth", TAP),
    "target_s3_jsonl": (ROOT / "target-s3-jsonl" / "target_s3_jsonl", TARGET),
    "state_backend_dynamodb": (
        ROOT / "state-backend-dynamodb" / "state_backend_dynamodb",
        STATE_BACKEND,
    ),
}

SDK = {"tap", "streams", "maps", "message_loop", "target"}
"""The modules that may know the SDK."""


def modules(package: str) -> list[tuple[str, Path]]:
    """Return (first part of the name below the package, file) of each module."""
    folder = PACKAGES[package][0]
    return [
        (path.relative_to(folder).with_suffix("").parts[0], path)
        for path in sorted(folder.rglob("*.py"))
    ]


def imported(path: Path) -> set[str]:
    """Return the full names of everything that a module imports, for types or for real."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


@pytest.mark.parametrize("package", PACKAGES)
def test_modules_import_only_along_the_arrows(package: str) -> None:
    """From the tap to the credentials, from the target to the store, never back."""
    allowed = PACKAGES[package][1]
    for module, path in modules(package):
        ours = {name.split(".")[1] for name in imported(path) if name.startswith(f"{package}.")}
        assert ours <= allowed[module], f"{path.name} imports {ours - allowed[module]}"


@pytest.mark.parametrize("package", PACKAGES)
def test_no_package_imports_another(package: str) -> None:
    """They are joined by Singer messages and Meltano only."""
    others = tuple(name for name in PACKAGES if name != package)
    for _, path in modules(package):
        assert not any(name.startswith(others) for name in imported(path)), path


def test_only_the_backends_edge_knows_meltano() -> None:
    """Callers without Meltano use all the rest."""
    for module, path in modules("state_backend_dynamodb"):
        if any(name.startswith(("meltano", "structlog")) for name in imported(path)):
            assert module == "manager", path


@pytest.mark.parametrize("package", PACKAGES)
def test_only_the_edges_know_the_sdk(package: str) -> None:
    """An upgrade of the SDK touches these files and no others."""
    for module, path in modules(package):
        if any(name.startswith("singer_sdk") for name in imported(path)):
            assert module in SDK, path
