"""The sandbox against recorded answers of real servers: replay byte for byte, and the same shapes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import requests

from sandbox import Corpus, Replay, Sandbox
from sandbox.conftest import CONSUMER, client
from sandbox.issue import BASE

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox.conftest import Keys

TIMEOUT = 10
RUN = ("960451", "b18c0c", "b1b086", "aad611")
JQL = (
    'labels="SecurityTracking" AND type="Bug" AND updated>="2024-09-09 09:09"'
    ' AND updated<="2025-09-09 09:10"'
)


def load(path: Path) -> Any:
    """A recorded file."""
    return json.loads(path.read_text(encoding="utf-8"))


def test_the_recorded_run_of_174_issues_is_replayed_exactly(recorded: Path, keys: Keys) -> None:
    """Item 20: four pages, asked for in another order of parameters, equal the recorded bytes; together they are 174 issues."""
    expected = [load(recorded / "redhat-dc" / f"get_search_200_{name}.json") for name in RUN]
    ids: set[str] = set()
    with Sandbox(replay=Replay.from_folder(recorded / "redhat-dc")) as jira:
        jira.register_consumer(CONSUMER, keys.public_pem)
        with client(keys, resource_owner_key=jira.grant(CONSUMER).token) as session:
            for number, exchange in enumerate(expected):
                query = {"validateQuery": "True", "startAt": str(50 * number), "jql": JQL}
                query |= {"fields": "issuekey"} | ({"maxResults": "50"} if number else {})
                url = jira.url + "/rest/api/2/search"
                answer = session.get(url, params=query, timeout=TIMEOUT)
                compact = json.dumps(exchange["body"], ensure_ascii=False, separators=(",", ":"))
                assert answer.status_code == 200, answer.text
                assert answer.content == compact.encode()
                headers = exchange["_recorded"]["response_headers"]
                assert answer.headers["Content-Type"] == headers["Content-Type"]
                assert answer.headers["X-AREQUESTID"] == headers["x-arequestid"]
                ids |= {issue["id"] for issue in answer.json()["issues"]}
                assert answer.json()["total"] == 174
    assert len(ids) == 174


def test_compact_bodies_have_the_recorded_length(recorded: Path) -> None:
    """The bytes served are the bytes the server sent, wherever no pseudonym changed the length."""
    replay = Replay.from_folder(recorded / "redhat-dc")
    served = {len(e.body) for several in replay.exchanges.values() for e in several}
    paths = [*(recorded / "redhat-dc").glob("*_40[14]_*.json")]
    assert paths
    for path in paths:
        assert int(load(path)["_recorded"]["response_headers"]["content-length"]) in served


@pytest.fixture
def exchanges(tmp_path: Path) -> Path:
    """Two recordings of one request, the later one in the file that sorts first."""
    for name, minute, body in (("a", 5, {"n": 2}), ("b", 1, {"n": 1.0, "s": "é"})):
        recorded = {
            "method": "GET",
            "url": "https://jira.example.com/rest/api/2/thing?b=2&a=1",
            "status": {"code": 200, "message": "OK"},
            "response_headers": {
                "Content-Type": "application/json;charset=UTF-8",
                "Date": f"Mon, 09 Sep 2024 11:0{minute}:00 GMT",
                "Content-Length": "9999",
                "X-Two": ["x", "y"],
            },
        }
        document = {"_recorded": recorded, "body": body}
        (tmp_path / f"{name}.json").write_text(json.dumps(document), encoding="utf-8")
    return tmp_path


def test_replay_serves_by_method_path_and_query(exchanges: Path, keys: Keys) -> None:
    """Item 20: several recordings come in their order, byte for byte, and the last one stays; anything else is a clear 404."""
    with Sandbox(replay=Replay.from_folder(exchanges)) as jira:
        jira.register_consumer(CONSUMER, keys.public_pem)
        with client(keys, resource_owner_key=jira.grant(CONSUMER).token) as session:
            url = jira.url + "/rest/api/2/thing?a=1&b=2"
            answers = [session.get(url, timeout=TIMEOUT) for _ in range(3)]
            wrong = session.get(url + "&c=3", timeout=TIMEOUT)
            posted = session.post(url, timeout=TIMEOUT)
    assert [a.content for a in answers] == ['{"n":1.0,"s":"é"}'.encode(), b'{"n":2}', b'{"n":2}']
    assert answers[0].headers["X-Two"] == "x, y"
    assert wrong.status_code == posted.status_code == 404
    assert "Nothing recorded for GET /rest/api/2/thing" in wrong.json()["errorMessages"][0]


def test_replay_still_judges_signatures(exchanges: Path, keys: Keys, other_keys: Keys) -> None:
    """A wrong key is refused and nobody is served nothing recorded."""
    with Sandbox(replay=Replay.from_folder(exchanges)) as jira:
        jira.register_consumer(CONSUMER, keys.public_pem)
        url = jira.url + "/rest/api/2/thing?a=1&b=2"
        with client(other_keys, resource_owner_key=jira.grant(CONSUMER).token) as session:
            assert "signature_invalid" in session.get(url, timeout=TIMEOUT).text
        assert requests.get(url, timeout=TIMEOUT).status_code == 401


def test_a_folder_without_exchanges_is_an_error(tmp_path: Path) -> None:
    """An empty replay would answer nothing, so it does not start."""
    with pytest.raises(ValueError, match="no recorded exchange"):
        Replay.from_folder(tmp_path)


def test_recorded_issues_can_be_searched(recorded: Path, keys: Keys) -> None:
    """Each recorded server loads, says what it took, and answers JQL over its own issues."""
    for server, count in (("redhat-dc", 38), ("devlake-server", 22)):
        corpus = Corpus.from_folder(recorded / server)
        assert corpus.origin.startswith(f"{count} issues from ")
        with Sandbox(corpus=corpus) as jira:
            jira.register_consumer(CONSUMER, keys.public_pem)
            with client(keys, resource_owner_key=jira.grant(CONSUMER).token) as session:
                url = jira.url + "/rest/api/2/search"
                query = {"jql": "ORDER BY updated ASC, key ASC", "fields": "*all"}
                page = session.get(url, params=query, timeout=TIMEOUT).json()
            truth = {issue["id"] for issue in jira.issues}
        assert {issue["id"] for issue in page["issues"]} == truth
        assert page["total"] == count


def shape(value: Any, path: str, shapes: dict[str, set[str]]) -> None:
    """Collect the JSON types at every path; list items share one."""
    shapes.setdefault(path, set()).add(type(value).__name__)
    if isinstance(value, dict):
        for key, inner in value.items():
            shape(inner, f"{path}.{key}", shapes)
    elif isinstance(value, list):
        for inner in value:
            shape(inner, f"{path}[]", shapes)


# Not one of the recorded bodies of these two servers has a worklog or a filled time tracking.
UNRECORDED = (".worklog.worklogs[]", ".timetracking.timeSpent", ".aggregateprogress.percent")
# On some servers only: project categories, and `flagged` from the agile resources.
UNMADE = (".project.projectCategory", ".flagged")


def test_generated_issues_have_recorded_shapes(recorded: Path) -> None:
    """The system fields of generated issues have the keys of real Data Center bodies, at every depth, and their types."""
    real: dict[str, set[str]] = {}
    for server in ("redhat-dc", "devlake-server"):
        for issue in Corpus.from_folder(recorded / server).snapshot().issues:
            shape({k: v for k, v in issue.fields.items() if "custom" not in k}, "", real)
    made: dict[str, set[str]] = {}
    for issue in Corpus.generate(seed=1, issues=300).snapshot().issues:
        shape({k: v for k, v in issue.fields.items() if "custom" not in k}, "", made)
    assert {path for path in made.keys() - real.keys() if not path.startswith(UNRECORDED)} == set()
    assert {path for path in real.keys() - made.keys() if not path.startswith(UNMADE)} == set()
    null = {"NoneType"}
    filled = {path: made[path] - null for path in made.keys() & real.keys() if real[path] != null}
    assert {path: types for path, types in filled.items() if not types <= real[path]} == {}


def test_the_search_envelope_is_the_recorded_one(recorded: Path, keys: Keys) -> None:
    """Keys, their order, and types of a page, of an empty page and of an `issuekey` page equal recorded ones."""
    folder = recorded / "redhat-dc"
    full, empty = (load(folder / f"get_search_200_{n}.json")["body"] for n in ("960451", "4092bc"))
    with Sandbox() as jira:
        jira.register_consumer(CONSUMER, keys.public_pem)
        with client(keys, resource_owner_key=jira.grant(CONSUMER).token) as session:
            url = jira.url + "/rest/api/2/search"
            made = session.get(url, params={"fields": "issuekey"}, timeout=TIMEOUT).json()
            none = session.get(url, params={"jql": "updated < 0"}, timeout=TIMEOUT).json()
    assert [(k, type(v)) for k, v in made.items()] == [(k, type(v)) for k, v in full.items()]
    assert list(made["issues"][0]) == list(full["issues"][0])
    assert none == empty


def test_errors_have_recorded_bodies(recorded: Path, keys: Keys) -> None:
    """An unknown issue and an anonymous `myself` answer what a real server answered."""
    folder = recorded / "redhat-dc"
    missing = load(folder / "get_issue_AA-863_404_46956d.json")["body"]
    nobody = load(folder / "get_user_search_401_0370c4.json")
    with Sandbox() as jira:
        jira.register_consumer(CONSUMER, keys.public_pem)
        with client(keys, resource_owner_key=jira.grant(CONSUMER).token) as session:
            answer = session.get(jira.url + "/rest/api/2/issue/AA-863", timeout=TIMEOUT)
            assert (answer.status_code, answer.json()) == (404, missing)
        answer = requests.get(jira.url + "/rest/api/2/myself", timeout=TIMEOUT)
    assert (answer.status_code, answer.json()) == (401, nobody["body"])
    assert answer.headers["WWW-Authenticate"].startswith('OAuth realm="http%3A%2F%2F127.0.0.1')
    assert "X-Seraph-LoginReason" not in answer.headers


def test_links_lead_to_this_server(keys: Keys) -> None:
    """No placeholder of the stored bodies is ever sent."""
    with Sandbox() as jira:
        jira.register_consumer(CONSUMER, keys.public_pem)
        with client(keys, resource_owner_key=jira.grant(CONSUMER).token) as session:
            for path in ("myself", "project", "field", "serverInfo", "search?fields=*all"):
                answer = session.get(f"{jira.url}/rest/api/2/{path}", timeout=TIMEOUT)
                assert BASE not in answer.text
                assert jira.url in answer.text or path == "field"
