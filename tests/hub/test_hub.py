"""The definitions for Meltano Hub: by its rules, and good enough to add both plugins to a project of one's own."""

from __future__ import annotations

import json
import re
import subprocess
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pytest
import yaml

from documents import PLUGINS, ROOT
from pair.test_pair import BIN, newest, rows, truth, without_settings
from sandbox import Corpus, Sandbox

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.workspace

FILES = {
    "tap-jira-oauth": ROOT / "hub/extractors/tap-jira-oauth.yml",
    "target-s3-jsonl": ROOT / "hub/loaders/target-s3-jsonl.yml",
}
KEYS = {
    *("capabilities", "commands", "description", "domain_url", "executable", "keywords", "label"),
    *(
        "logo_url",
        "maintenance_status",
        "name",
        "namespace",
        "next_steps",
        "pip_url",
        "select",
        "settings",
    ),
    *("settings_group_validation", "settings_preamble", "supported_python_versions", "variant"),
}
REQUIRED = {
    *("name", "namespace", "variant", "label", "description", "pip_url", "executable", "settings"),
    *("capabilities", "domain_url", "keywords", "logo_url", "maintenance_status"),
    "settings_group_validation",
}
"""The first four by its schema; without the others its page has gaps. `repo` comes with a public address."""
CAPABILITIES = {
    "tap-jira-oauth": {
        *("catalog", "discover", "state", "about", "stream-maps", "schema-flattening"),
        *("activate-version", "batch", "test", "log-based", "structured-logging", "properties"),
    },
    "target-s3-jsonl": {
        *("about", "stream-maps", "activate-version", "batch", "soft-delete", "hard-delete"),
        *("datatype-failsafe", "schema-flattening", "target-schema", "validate-records"),
        "structured-logging",
    },
}
KINDS = {
    *("array", "boolean", "date_iso8601", "decimal", "email", "file", "integer", "object"),
    *("options", "string"),
}
WAYS = {
    "oauth1": [
        {"credentials_store", "credentials_file"},
        {"consumer_key", "private_key_file", "access_token"},
        {"consumer_key", "private_key", "access_token"},
    ],
    "personal_token": [{"auth_method", "personal_token"}],
    "basic": [{"auth_method", "username", "password"}],
    "oauth2": [{"auth_method", "client_id", "client_secret", "credentials_store"}],
    "anonymous": [{"auth_method"}],
}
"""What each value of `auth_method` takes beside `api_url`; the first one is the default."""
MASKED = {
    "tap-jira-oauth": {
        *("client_id", "cloud_id", "consumer_key", "token_url"),
        *("ssm_private_key_name", "ssm_secrets_name"),
    },
    "target-s3-jsonl": {"external_id", "kms_key_id"},
}
"""What the Hub's own converter would hide in its forms although it is no secret, and hides nothing that matters."""


def definition(plugin: str) -> dict[str, Any]:
    """Read one."""
    found: dict[str, Any] = yaml.safe_load(FILES[plugin].read_text("utf-8"))
    return found


@pytest.mark.parametrize("plugin", FILES)
def test_a_definition_holds_what_the_hub_allows(plugin: str) -> None:
    """Its schema refuses keys, capabilities and kinds that it does not know; a group names settings that exist."""
    found = definition(plugin)
    assert REQUIRED <= found.keys() <= KEYS
    assert set(found["capabilities"]) <= CAPABILITIES[plugin]
    settings = {setting["name"]: setting for setting in found["settings"]}
    assert {setting["kind"] for setting in settings.values()} <= KINDS
    for group in found["settings_group_validation"]:
        assert set(group) <= settings.keys()
    project = yaml.safe_load((ROOT / "meltano.yml").read_text("utf-8"))["plugins"]
    ours = next(each for plugins in project.values() for each in plugins if each["name"] == plugin)
    for key in ("settings", "settings_group_validation", "capabilities", "commands", "label"):
        assert found[key] == ours[key]
    kind = FILES[plugin].parent.name
    logo = ROOT / "hub" / "logos" / found["logo_url"].rpartition("/")[2]
    assert found["logo_url"] == f"/assets/logos/{kind}/{logo.name}"
    assert ET.fromstring(logo.read_text("utf-8")).tag.endswith("svg")  # noqa: S314 - a file of ours


@pytest.mark.parametrize("plugin", FILES)
def test_a_definition_can_do_what_the_plugin_says_of_itself(plugin: str) -> None:
    """By `--about`; `test` is how the SDK's `--test` is called, for which Meltano has no use."""
    command, _ = PLUGINS[plugin]
    says = {each.value for each in command.capabilities}
    assert set(definition(plugin)["capabilities"]) == says - {"test"}
    required = set(command.config_jsonschema.get("required", []))
    assert all(required <= set(group) for group in definition(plugin)["settings_group_validation"])


def test_every_way_to_sign_in_is_a_group() -> None:
    """And no group is anything else, but for the parameters of AWS, which tell the address, too."""
    settings = {each["name"]: each for each in definition("tap-jira-oauth")["settings"]}
    assert WAYS.keys() == {each["value"] for each in settings["auth_method"]["options"]}
    groups = [set(each) for each in definition("tap-jira-oauth")["settings_group_validation"]]
    expected = [{"api_url", *names} for ways in WAYS.values() for names in ways]
    assert sorted(map(sorted, groups)) == sorted(map(sorted, [*expected, {"credentials_store"}]))


@pytest.mark.parametrize("plugin", FILES)
def test_what_the_hub_would_mask_is_known(plugin: str) -> None:
    """Its converter takes a text for a secret if its name holds one of these words; every secret but a proxy's address does."""
    texts = [each for each in definition(plugin)["settings"] if each["kind"] == "string"]
    looks = {
        each["name"] for each in texts if re.search("password|id|token|key|secret", each["name"])
    }
    secret = {each["name"] for each in texts if each.get("sensitive")}
    assert looks - secret == MASKED[plugin]
    assert secret - looks == {"proxy_url"}


def test_both_are_added_to_a_new_project_and_run(tmp_path: Path) -> None:
    """`meltano add --from-ref`, as long as the Hub does not have them; then config, its test, and a run."""
    with Sandbox(corpus=Corpus.generate(seed=5, issues=20, projects=2)) as jira:
        env = without_settings(
            TAP_JIRA_OAUTH_API_URL=jira.url,
            TAP_JIRA_OAUTH_AUTH_METHOD="personal_token",
            TAP_JIRA_OAUTH_PERSONAL_TOKEN="sandbox-token",
            TARGET_S3_JSONL_DESTINATION=str(tmp_path / "lake"),
            MELTANO_SEND_ANONYMOUS_USAGE_STATS="false",
        )
        folder = tmp_path / "project"
        _meltano(tmp_path, env, "init", "project")
        for plugin, path in FILES.items():
            # From this clone: the package index may not have them yet.
            local = tmp_path / path.name
            text = re.sub(r"(?m)^pip_url: .*", f"pip_url: {ROOT / plugin}", path.read_text("utf-8"))
            local.write_text(text)
            kind = {"extractors": "extractor", "loaders": "loader"}[path.parent.name]
            _meltano(folder, env, "add", "--plugin-type", kind, plugin, "--from-ref", str(local))
        shown = json.loads(_meltano(folder, env, "config", "print", "tap-jira-oauth"))
        assert shown["api_url"] == jira.url
        shown = json.loads(_meltano(folder, env, "config", "print", "target-s3-jsonl"))
        assert shown["destination"] == str(tmp_path / "lake")
        _meltano(folder, env, "select", "tap-jira-oauth", "issues", "*")
        _meltano(folder, env, "config", "test", "tap-jira-oauth")
        _meltano(folder, env, "run", "tap-jira-oauth", "target-s3-jsonl")
        assert newest(rows(tmp_path / "lake")) == truth(jira)
        # A command that stands in the definition alone: nothing of this repository's project is here.
        verified = json.loads(_meltano(folder, env, "invoke", "target-s3-jsonl:verify"))
        assert (verified["rows"], verified["faults"]) == (len(rows(tmp_path / "lake")), {})


def _meltano(folder: Path, env: dict[str, str], *arguments: str) -> str:
    done = subprocess.run(
        [str(BIN / "meltano"), *arguments],
        cwd=folder,
        env=env,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    return done.stdout
