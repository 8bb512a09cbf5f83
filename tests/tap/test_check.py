"""`jira-oauth check`: what a person and a program learn, and when it is not zero."""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from conftest import CONSUMER
from sandbox import Corpus, RateLimit, Sandbox, User
from tap.sign_in import run
from tap_jira_oauth.configuration import PREFIX, SDK_SETTINGS, checked, read_config
from tap_jira_oauth.credentials.file import CredentialsFile
from tap_jira_oauth.errors import ConfigurationError
from tap_jira_oauth.probe import reads_epoch_ms
from tap_jira_oauth.settings import SETTINGS
from tap_jira_oauth.streams import REFERENCE_STREAMS
from tap_jira_oauth.tap import TapJiraOAuth

if TYPE_CHECKING:
    from conftest import Configure

pytestmark = pytest.mark.any_version

DAY = 86_400_000

BY_TOKEN = {"auth_method": "personal_token", "personal_token": "sandbox-token"}

JSON = {"Content-Type": "application/json"}


def look(folder: Path, config: dict[str, Any], status: int = 0) -> dict[str, Any]:
    """Run the check and return its JSON's `checks`; the exit status and `ok` must agree."""
    (folder / "config.json").write_text(json.dumps(config))
    done = run(folder, "check", "--json", "--config", "config.json")
    assert done.returncode == status, done.stdout + done.stderr
    found = json.loads(done.stdout)
    assert found["ok"] is (status == 0)
    return dict(found["checks"])


def test_all_is_well(configure: Configure, tmp_path: Path) -> None:
    """One screen for people: every line of it, and the verdict."""
    (tmp_path / "config.json").write_text(json.dumps(configure(project_keys=["ALPHA", "OPS"])))
    done = run(tmp_path, "check", "--config", "config.json")
    assert done.returncode == 0, done.stderr
    lines = dict(line.split(maxsplit=1) for line in done.stdout.splitlines() if "  " in line)
    assert "Jira Data Center 10.3.19" in lines["reached"]
    assert "as sandbox, by oauth1" in lines["signed_in"]
    assert "Europe/Berlin" in lines["time_zone"]
    assert "agree" in lines["clock"] or " s " in lines["clock"]
    assert "3 visible, 2 to read: ALPHA, OPS" in lines["projects"]
    assert "allowed in ALPHA, OPS" in lines["browse"]
    assert "as milliseconds" in lines["epoch_milliseconds"]
    assert "of 70 requests left" in lines["rate_limit"]
    assert "is not known" in lines["token"]
    assert done.stdout.rstrip().endswith("A sync can run.")
    assert done.stderr == ""


def test_settings_come_from_the_environment_too(configure: Configure, tmp_path: Path) -> None:
    """As Meltano gives them; no config file is needed, and nothing secret is printed."""
    config = configure(project_keys=json.dumps(["OPS"]))
    variables = {PREFIX + name.upper(): str(value) for name, value in config.items()}
    done = run(tmp_path, "check", "--json", **variables)
    assert json.loads(done.stdout)["checks"]["projects"]["to_read"] == ["OPS"]
    assert config["access_token"] not in done.stdout + done.stderr


@pytest.mark.parametrize(
    "expected", [(400, "ok", "until"), (29, "warning", "before"), (-1, "failed", "expired")]
)
def test_the_end_of_the_token_is_told_a_month_before(
    connected_jira: Sandbox,
    private_key_file: Path,
    tmp_path: Path,
    expected: tuple[int, str, str],
) -> None:
    """Whatever the network says: that it has expired explains what follows."""
    days, status, said = expected
    token = connected_jira.grant(CONSUMER)
    until = datetime.now(timezone.utc) + timedelta(days=days, minutes=5)
    CredentialsFile(
        *(CONSUMER, str(private_key_file), token.token, token.secret),
        access_token_expires=until.strftime("%Y-%m-%dT%H:%M:%SZ"),
    ).save(tmp_path / "jira.json")
    config = {
        "api_url": connected_jira.url,
        "credentials_store": "file",
        "credentials_file": str(tmp_path / "jira.json"),
    }
    found = look(tmp_path, config, 1 if status == "failed" else 0)["token"]
    assert (found["status"], found["days_left"]) == (status, days)
    assert said in found["says"]


def test_a_revoked_token_fails_and_the_rest_is_not_looked_at(
    connected_jira: Sandbox, configure: Configure, tmp_path: Path
) -> None:
    """Jira is reached all the same, and the first thing to repair is named."""
    config = configure()
    connected_jira.revoke(config["access_token"])
    found = look(tmp_path, config, 1)
    assert found["reached"]["status"] == "ok"
    assert "jira-oauth login" in found["signed_in"]["says"]
    assert {found[name]["status"] for name in ("projects", "epoch_milliseconds")} == {"skipped"}
    assert len([e for e in connected_jira.requests if e.path.endswith("/search")]) == 0


def test_a_project_that_is_invisible_fails(
    connected_jira: Sandbox, configure: Configure, tmp_path: Path
) -> None:
    """By name; what can be seen is counted."""
    connected_jira.sign_in.directory.put(
        User("sandbox", "Sandbox User", projects=frozenset({"ALPHA"}))
    )
    config = configure(project_keys=["ALPHA", "OPS"])
    found = look(tmp_path, config, 1)
    assert "cannot see project OPS" in found["projects"]["says"]
    assert found["projects"]["to_read"] == ["ALPHA"]
    assert found["signed_in"]["status"] == "ok"
    found = look(tmp_path, config | {"on_inaccessible_project": "skip"})
    assert found["projects"]["status"] == "warning"


def test_a_project_that_may_not_be_browsed_fails(
    connected_jira: Sandbox, configure: Configure, tmp_path: Path
) -> None:
    """An administrator of a project sees it in the list without the right to see its issues."""
    body = {"permissions": {"BROWSE_PROJECTS": {"havePermission": False}}}
    connected_jira.fault(
        "/rest/api/2/mypermissions",
        status=200,
        headers={"Content-Type": "application/json"},
        body=body,
    )
    found = look(tmp_path, configure(project_keys=["ALPHA", "OPS"]), 1)["browse"]
    assert (found["allowed"], found["refused"]) == (["OPS"], ["ALPHA"])


@pytest.mark.parametrize("expected", [(120, "warning", "behind"), (-700, "failed", "ahead of")])
def test_clocks_that_differ_are_told_before_a_signature_fails(
    connected_jira: Sandbox, configure: Configure, tmp_path: Path, expected: tuple[int, str, str]
) -> None:
    """From one minute on; beyond five no sync could work."""
    offset, status, says = expected
    connected_jira.clock.offset = offset
    found = look(tmp_path, configure(), 1 if status == "failed" else 0)["clock"]
    assert found["status"] == status
    assert abs(found["seconds_ahead"] + offset) <= 3
    assert says in found["says"]


def test_a_server_that_reads_numbers_otherwise_is_a_warning(tmp_path: Path) -> None:
    """A sync asks it in minutes of the user's time zone, if that is known."""
    with Sandbox(
        corpus=Corpus.generate(seed=7, issues=9, projects=1), epoch_literals=False
    ) as jira:
        config = BY_TOKEN | {"api_url": jira.url}
        found = look(tmp_path, config)["epoch_milliseconds"]
        assert (found["status"], found["reads"]) == ("warning", False)
        jira.fault("/rest/api/2/myself", status=200, headers=JSON, body={"name": "x"}, count=9)
        found = look(tmp_path, config, 1)["epoch_milliseconds"]
        assert "does not tell the user's time zone" in found["says"]


def test_a_cloud_that_a_sync_could_read(tmp_path: Path) -> None:
    """With what Cloud has: its list of projects in pages, and no search by offset."""
    with Sandbox(corpus=Corpus.generate(seed=7, issues=9, projects=60), flavor="cloud") as site:
        config = {
            "api_url": site.url,
            "auth_method": "basic",
            "project_keys": ["ALPHA"],
            "username": "sandbox",
            "password": "sandbox",
        }
        found = look(tmp_path, config)
        assert found["reached"]["flavor"] == "Cloud"
        assert found["signed_in"]["by"] == "basic"
        assert found["projects"]["visible"] == 60
        assert found["browse"]["allowed"] == ["ALPHA"]
        assert found["epoch_milliseconds"]["status"] == "skipped"
        assert not [entry for entry in site.requests if entry.path.endswith("/project")]


def test_secrets_may_stand_elsewhere_and_are_not_shown(
    connected_jira: Sandbox, configure: Configure, tmp_path: Path
) -> None:
    """References are looked up as the tap does, and what a server repeats of a secret is hidden."""
    config = configure(access_token="env:THE_TOKEN")
    (tmp_path / "config.json").write_text(json.dumps(config))
    token = str(configure()["access_token"])
    done = run(tmp_path, "check", "--config", "config.json", THE_TOKEN=token)
    assert "A sync can run." in done.stdout
    said = f"No page for {token} and {config['access_token_secret']}"
    connected_jira.fault("/rest/api/2/project", status=403, headers=JSON, body={"message": said})
    done = run(tmp_path, "check", "--config", "config.json", THE_TOKEN=token)
    assert "No page for *** and ***" in done.stdout
    assert token not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("given", "name", "says"),
    [
        ({"api_url": "http://127.0.0.1:9"}, "reached", "does not answer"),
        ({"private_key_file": "no.pem"}, "signed_in", "Cannot read no.pem"),
        ({"project_key": ["A"]}, "configuration", "Did you mean 'project_keys'?"),
        ({"page_size": "many"}, "configuration", "'page_size' must be integer of at least 2"),
        ({"api_url": None}, "configuration", "api_url"),
    ],
)
def test_what_is_wrong_is_in_the_answer_also_as_json(
    configure: Configure, tmp_path: Path, given: dict[str, Any], name: str, says: str
) -> None:
    """A program never has to read stderr."""
    found = look(tmp_path, configure(max_retry_seconds=1) | given, 1)[name]
    assert found["status"] == "failed"
    assert says in found["says"]


def test_a_server_that_tells_strangers_nothing_is_reached(
    connected_jira: Sandbox, configure: Configure, tmp_path: Path
) -> None:
    """Some companies close even serverInfo; that is no failure."""
    connected_jira.fault("/rest/api/2/serverInfo", shape="unauthorised")
    found = look(tmp_path, configure())
    assert "only to those who are signed in" in found["reached"]["says"]
    assert found["signed_in"]["status"] == "ok"


def test_an_exempt_user_an_empty_jira_and_no_configured_project(tmp_path: Path) -> None:
    """What cannot be tried is no failure."""
    with Sandbox(
        corpus=Corpus.generate(seed=7, issues=0, projects=1), rate_limit=RateLimit(exempt=True)
    ) as jira:
        found = look(tmp_path, BY_TOKEN | {"api_url": jira.url})
        assert found["rate_limit"]["says"] == "the user is exempt"
        assert found["epoch_milliseconds"]["status"] == "skipped"
        assert found["browse"]["status"] == "skipped"
        assert found["signed_in"]["by"] == "personal_token"


@pytest.mark.parametrize(
    ("factor", "expected"), [(1, True), (1000, False), (0.001, False), (None, False)]
)
def test_the_probe_knows_a_server_that_reads_another_unit(
    factor: float | None, *, expected: bool
) -> None:
    """Milliseconds, seconds, microseconds, or a 400: judged by one question with two bounds."""
    now = 1_767_322_984_678
    asked: list[str] = []

    def count(jql: str) -> int | None:
        asked.append(jql)
        bounds = [int(number) * (factor or 0) for number in re.findall(r"\d+", jql)]
        inside = not bounds or bounds[0] <= now - 5 * DAY < bounds[1]
        return int(inside) if factor else None

    assert reads_epoch_ms(now, count) is expected
    assert "" not in asked or not expected


def test_the_probe_knows_a_server_that_passes_bounds_over_and_one_without_issues() -> None:
    """Where a bound holds for all issues its NOT holds for none; and where there is none, none tells."""
    assert reads_epoch_ms(DAY, lambda jql: 0 if "NOT" in jql else 7) is False
    assert reads_epoch_ms(DAY, lambda _: 0) is None


def test_a_setting_of_each_kind_is_read_from_its_variable(tmp_path: Path) -> None:
    """Over the file's; a list may be JSON or plain words; what is malformed is named, a secret not shown."""
    file = tmp_path / "c.json"
    file.write_text('{"api_url": "http://jira", "page_size": 7, "stream_maps": {}}')
    config = read_config(
        file,
        {
            PREFIX + "PAGE_SIZE": "9",
            PREFIX + "VERIFY_SSL": "False",
            PREFIX + "PROJECT_KEYS": "A,B",
            PREFIX + "JQL": "",
        },
    )
    settings = checked(config)
    assert (settings.page_size, settings.verify_ssl, settings.jql) == (9, False, None)
    assert settings.project_keys == ("A", "B")
    with pytest.raises(ConfigurationError, match="'auth_method' must be oauth1 / "):
        checked(config | {"auth_method": "magic"})
    with pytest.raises(ConfigurationError, match="in quotes") as caught:
        checked(config | {"password": 1234})
    assert "1234" not in str(caught.value)
    for bad in (tmp_path / "none.json", tmp_path):
        with pytest.raises(ConfigurationError, match="Cannot read the config file"):
            read_config(bad, {})
    file.write_text("[]")
    with pytest.raises(ConfigurationError, match="is no JSON object"):
        read_config(file, {})
    assert read_config(Path("ENV"), {PREFIX + "JQL": "x = 1"}) == {"jql": "x = 1"}  # as the tap's


def test_the_names_that_the_sdk_adds_are_known() -> None:
    """A config file of the tap is a config file of the commands beside it."""
    TapJiraOAuth.append_builtin_config(TapJiraOAuth.config_jsonschema)
    ours = {setting.name for setting in SETTINGS}
    assert set(TapJiraOAuth.config_jsonschema["properties"]) - ours == SDK_SETTINGS


def test_streams_that_cannot_be_read_are_named(
    connected_jira: Sandbox, configure: Configure, tmp_path: Path
) -> None:
    """With what each of them takes, by one cheap request each; the others are counted, and a sync can run."""
    body = {"message": "null for uri", "status-code": 404}
    connected_jira.fault("/rest/agile/1.0/", status=404, headers=JSON, body=body, count=99)
    before = len(connected_jira.requests)
    found = look(tmp_path, configure())["streams"]
    served = [each for each in REFERENCE_STREAMS if "agile" not in each.path]
    agile = {each.name for each in REFERENCE_STREAMS} - {each.name for each in served}
    assert agile <= found["not_served"].keys()
    assert found["status"] == "warning"
    assert "cannot serve the stream 'boards'" in found["says"]
    assert "It takes Jira Software" in found["not_served"]["sprints"]
    asked = connected_jira.requests[before:]
    lists = [each for each in asked if dict(each.query).get("maxResults")]
    assert {dict(each.query)["maxResults"] for each in lists} == {"1"}
    assert len(asked) < len(REFERENCE_STREAMS) + 15
