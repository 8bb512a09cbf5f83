"""When Jira, the network or the sign-in is not as it should be: one line, a status, nothing lost."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from sandbox import Sandbox, User
from sandbox.faults import Fault
from tap.command import run, started

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Configure

pytestmark = pytest.mark.any_version

SEARCH = "/rest/api/2/search"
JSON = "application/json"


def last_line(log: str) -> str:
    """Return the last line that is not a metric, which is the one a person reads first."""
    return [line for line in log.splitlines() if "METRIC" not in line][-1]


@pytest.mark.parametrize(
    "fault",
    [
        {
            "status": 503,
            "body": "<html>Restarting</html>",
            "headers": {"Content-Type": "text/html"},
        },
        {"status": 429, "headers": {"Retry-After": "0"}},
        {"status": 500},
        {"cut": True},
        {"shape": "truncated-body"},
    ],
    ids=["503", "429", "500", "cut", "truncated"],
)
def test_a_passing_trouble_is_waited_out(
    connected_jira: Sandbox, configure: Configure, tmp_path: Path, fault: dict[str, Any]
) -> None:
    """Signed anew for each try: a repeated signature would be refused as `nonce_used`."""
    connected_jira.fault(SEARCH, count=2, **fault)
    result = run(tmp_path, configure(project_keys=["OPS"]))
    assert result.status == 0, result.log
    assert result.records
    assert "waiting" in result.log


@pytest.mark.parametrize("times", [1, 2])
def test_an_answer_that_breaks_off_behind_a_bracket_is_asked_for_once_more(
    connected_jira: Sandbox, configure: Configure, tmp_path: Path, times: int
) -> None:
    """Only who decodes it sees that; twice in a row ends the run, with a bookmark to go on from."""
    body = '{"issues": [{"id": "1", "key": "OPS-1", "self": "", "fields": {}}'
    half = Fault(SEARCH, 200, body=body, content_type=JSON, count=times, skip=1)
    connected_jira.world.faults.add(half)
    result = run(tmp_path, configure(project_keys=["OPS"], max_concurrent_requests=1))
    assert "once more" in result.log
    if times == 1:
        assert result.status == 0, result.log
        assert result.records
    else:
        assert result.status == 1
        assert "broken JSON" in last_line(result.log)


def test_patience_ends_with_a_plain_sentence(
    connected_jira: Sandbox, configure: Configure, tmp_path: Path
) -> None:
    """`max_retry_seconds` bounds the waiting in one request."""
    connected_jira.fault(SEARCH, status=503, count=99)
    result = run(tmp_path, configure(max_retry_seconds=2))
    assert result.status == 1
    assert "run again later" in last_line(result.log)
    assert "Traceback" not in result.log


def test_nobody_there_is_said_with_the_address(configure: Configure, tmp_path: Path) -> None:
    """A port on which nothing listens."""
    result = run(tmp_path, configure(api_url="http://127.0.0.1:9/jira", max_retry_seconds=0))
    assert result.status == 1
    assert "http://127.0.0.1:9/jira does not answer" in last_line(result.log)


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ({"status": 302, "headers": {"Location": "https://sso.example.com"}}, "redirects to https"),
        (
            {"status": 200, "headers": {"Content-Type": "text/html"}, "body": "<h1>Log in</h1>"},
            "text/html",
        ),
        (
            {"status": 400, "body": {"errorMessages": ["Error in the JQL Query"]}},
            "Error in the JQL",
        ),
        ({"status": 403, "body": {"errorMessages": ["Forbidden"]}}, "administrator"),
        ({"status": 410, "body": {"errorMessages": ["Removed"]}}, "Removed"),
    ],
)
def test_a_final_answer_ends_the_run_at_once(
    connected_jira: Sandbox,
    configure: Configure,
    tmp_path: Path,
    fault: dict[str, Any],
    said: str,
) -> None:
    """No second try, the server's words, status 1, no traceback."""
    connected_jira.fault(SEARCH, count=9, **fault)
    result = run(tmp_path, configure())
    assert result.status == 1
    assert said in last_line(result.log)
    assert "Traceback" not in result.log
    assert "unhandled" not in result.log
    asked = [entry.jql for entry in connected_jira.requests if entry.path == SEARCH]
    assert len(asked) == len(set(asked))


def test_a_revoked_token_is_no_empty_success(
    connected_jira: Sandbox, configure: Configure, tmp_path: Path
) -> None:
    """Status 1, the problem by name, and what to do."""
    config = configure()
    connected_jira.revoke(config["access_token"])
    result = run(tmp_path, config)
    assert result.status == 1
    assert "token_rejected" in last_line(result.log)
    assert "jira-oauth login" in last_line(result.log)
    assert result.records == []


def test_a_clock_that_is_off_is_named(
    connected_jira: Sandbox, configure: Configure, tmp_path: Path
) -> None:
    """Beyond Jira's five minutes, after one try with a fresh signature."""
    config = configure()
    connected_jira.clock.offset = 3600
    result = run(tmp_path, config)
    assert result.status == 1
    assert "clock" in last_line(result.log)


def test_a_run_as_nobody_is_an_error_unless_it_was_asked_for(
    configure: Configure, tmp_path: Path
) -> None:
    """Anonymous sees no project here, which is said, too."""
    result = run(tmp_path, configure(auth_method="anonymous"))
    assert result.status == 1
    assert "sees no project" in last_line(result.log)


@pytest.mark.parametrize(
    "scheme",
    [
        {"auth_method": "personal_token", "personal_token": "sandbox-token"},
        {"auth_method": "basic", "username": "sandbox", "password": "sandbox"},
    ],
)
def test_the_other_schemes_sign_in_too(
    configure: Configure, tmp_path: Path, scheme: dict[str, str]
) -> None:
    """Personal access token, user name and password."""
    assert len(run(tmp_path, configure(**scheme)).records) == 60


def test_clouds_e_mail_and_api_token_sign_in(tmp_path: Path) -> None:
    """As user name and password, before anything else is asked; a wrong token reads nothing."""
    users = (User("mia@mail.example.com", "Mia", password="api-token-of-a-test"),)
    with Sandbox(flavor="cloud", users=users) as cloud:
        settings = {
            "api_url": cloud.url,
            "auth_method": "basic",
            "username": "mia@mail.example.com",
            "password": "api-token-of-a-test",
        }
        result = run(tmp_path, settings)
        assert len(result.records) == 250, result.log
        first = cloud.requests[0]
        assert (first.path, first.user) == ("/rest/api/2/myself", "mia@mail.example.com")
        wrong = run(tmp_path, {**settings, "password": "wrong"})
        assert re.search("credentials|signed in", last_line(wrong.log))


def test_the_first_question_is_who_we_are(
    connected_jira: Sandbox, configure: Configure, tmp_path: Path
) -> None:
    """Nobody is told about projects before; anonymous has nobody to ask about."""
    run(tmp_path, configure())
    assert connected_jira.requests[0].path == "/rest/api/2/myself"
    count = len(connected_jira.requests)
    run(tmp_path, configure(auth_method="anonymous"))
    assert "/rest/api/2/myself" not in [entry.path for entry in connected_jira.requests[count:]]


@pytest.mark.parametrize("page", [0, 1, 2])
def test_a_sign_in_that_ends_during_the_run_is_no_end_of_the_issues(
    connected_jira: Sandbox, configure: Configure, tmp_path: Path, page: int
) -> None:
    """Any page that is answered to nobody is an error, also with a proper list of issues in it."""
    nobody = {"X-AUSERNAME": "anonymous", "Content-Type": "application/json"}
    empty = {"startAt": 0, "maxResults": 5, "total": 0, "issues": []}
    connected_jira.fault(SEARCH, status=200, headers=nobody, body=empty, skip=page + 1)
    result = run(tmp_path, configure(page_size=5, max_retry_seconds=5))
    assert result.status == 1
    assert "nobody was signed in" in last_line(result.log)


@pytest.mark.parametrize(
    "scheme",
    [
        {"auth_method": "personal_token", "personal_token": "wrong"},
        {"auth_method": "basic", "username": "sandbox", "password": "wrong"},
    ],
)
def test_wrong_credentials_are_no_empty_success(
    configure: Configure, tmp_path: Path, scheme: dict[str, str]
) -> None:
    """Whether Jira says 401, or answers as to nobody."""
    result = run(tmp_path, configure(**scheme))
    assert result.status == 1
    assert re.search("credentials|signed in", last_line(result.log))


def test_an_invisible_project_is_named(configure: Configure, tmp_path: Path) -> None:
    """Beside visible ones, too, which are read and saved: it would silently be missing in the lake."""
    result = run(tmp_path, configure(project_keys=["OPS", "SECRET"]))
    assert result.status == 1
    assert "cannot see project SECRET" in last_line(result.log)
    assert {record["project_key"] for record in result.records} == {"OPS"}
    assert run(tmp_path, configure(project_keys=["OPS"]), result.states[-1]).records == []


def test_no_visible_project_is_an_error_at_once(configure: Configure, tmp_path: Path) -> None:
    """Whatever `on_inaccessible_project` says: nothing could be read."""
    config = configure(project_keys=["SECRET"], on_inaccessible_project="skip")
    result = run(tmp_path, config)
    assert result.status == 1
    assert "cannot see project SECRET" in last_line(result.log)


@pytest.mark.parametrize(("what", "status"), [("fail", 1), ("skip", 0)])
def test_a_project_that_cannot_be_searched_does_not_keep_the_others_from_being_read(
    connected_jira: Sandbox, configure: Configure, tmp_path: Path, what: str, status: int
) -> None:
    """The second of three answers 400 as if it did not exist; the others arrive, and are saved."""
    text = "The value 'OPS' does not exist for the field 'project'."

    def refuse(entry: Any) -> None:
        if entry.jql and '"OPS"' in entry.jql:
            connected_jira.fault(SEARCH, status=400, body={"errorMessages": [text]})

    connected_jira.before_request.append(refuse)
    config = configure(on_inaccessible_project=what, max_concurrent_requests=1)
    result = run(tmp_path, config)
    assert result.status == status
    assert text in result.log
    there = {issue["project"] for issue in connected_jira.issues}
    assert {record["project_key"] for record in result.records} == there - {"OPS"}
    connected_jira.before_request.clear()
    healed = run(tmp_path, config, result.states[-1])
    assert {record["project_key"] for record in healed.records} == {"OPS"}


def test_a_wrong_setting_is_one_line(configure: Configure, tmp_path: Path) -> None:
    """With the nearest name, before any request."""
    result = run(tmp_path, configure(project_key="OPS"))
    assert result.status == 1
    assert "Did you mean 'project_keys'?" in last_line(result.log)
    assert "Traceback" not in result.log


def test_nothing_secret_is_logged_at_any_level(
    connected_jira: Sandbox,
    configure: Configure,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Tokens, key and signatures stay out of the log and the messages, also of failing runs."""
    monkeypatch.setenv("TAP_JIRA_OAUTH_LOGLEVEL", "DEBUG")
    monkeypatch.setenv("LOGLEVEL", "DEBUG")
    config = configure()
    good = run(tmp_path, config)
    connected_jira.revoke(config["access_token"])
    bad = run(tmp_path, config)
    secret = run(tmp_path, configure(auth_method="basic", username="x", password="hunter2-secret"))
    everything = "".join(str(each) for each in (good, bad, secret))
    for text in (config["access_token"], config["access_token_secret"], "hunter2-secret"):
        assert text not in everything
    assert "oauth_signature" not in everything
    assert "BEGIN PRIVATE KEY" not in everything
    assert good.status == 0
    assert bad.status == secret.status == 1


@pytest.mark.parametrize(
    ("config", "said"),
    [
        (
            {"auth_method": "basic", "username": "x", "password": 99887766},
            "put its value in quotes",
        ),
        ({"proxy_url": "http://user:99887766/x@127.0.0.1:3128"}, "percent-encoded"),
        ({"proxy_url": "http://user:998x7766/x@127.0.0.1:3128"}, "percent-encoded"),
        (
            {"auth_method": "personal_token", "personal_token": "9988\n7766"},
            "holds a line break",
        ),
    ],
)
def test_a_secret_in_the_wrong_form_is_refused_without_its_value(
    configure: Configure, tmp_path: Path, config: dict[str, Any], said: str
) -> None:
    """The SDK's validation and the HTTP library would print it."""
    result = run(tmp_path, configure(**config))
    assert result.status == 1
    assert said in last_line(result.log)
    assert "7766" not in result.log


def test_the_line_break_that_a_file_ends_with_does_no_harm(
    configure: Configure, tmp_path: Path
) -> None:
    """Secrets are often read from files."""
    config = configure(auth_method="personal_token", personal_token="sandbox-token\n")
    assert len(run(tmp_path, config).records) == 60


def test_a_target_that_went_away_is_one_line(configure: Configure, tmp_path: Path) -> None:
    """Status 1, and where to look."""
    with started(tmp_path, configure(page_size=5)) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.wait(timeout=60) == 1
    log = (tmp_path / "log").read_text()
    assert "the target has ended" in last_line(log)
    assert "Traceback" not in log
    assert "unhandled" not in log


@pytest.mark.parametrize(
    "partitions",
    [
        [{"replication_key_value": "2026-01-01T00:00:00Z"}],
        [{"context": {"project_id": "1"}}, {"context": {"project_id": "1"}, "seen": {"77": 1}}],
    ],
    ids=["no context", "twice"],
)
def test_a_state_with_damaged_partitions_is_one_line(
    configure: Configure, tmp_path: Path, partitions: list[dict[str, Any]]
) -> None:
    """The SDK would stumble over them in the middle of the run."""
    result = run(tmp_path, configure(), {"bookmarks": {"issues": {"partitions": partitions}}})
    assert result.status == 1
    assert "no Singer state" in last_line(result.log)
    assert "Traceback" not in result.log
    assert result.messages == []
