"""The streams of what hangs below issues, as the real command against both flavours of Jira."""

from __future__ import annotations

import json
from collections.abc import Callable
from hashlib import md5
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any, Literal

import pytest

from sandbox import Corpus, Sandbox
from sandbox.script import Order
from tap.below import ALL, CHILDREN, catalog, newest, once, run_with, select, truth
from tap.command import Run, messages, started

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sandbox.journal import LogEntry

pytestmark = pytest.mark.any_version

JSON = {"Content-Type": "application/json"}
BULK = "/rest/api/2/changelog/bulkfetch"
MINUTE = 60
HEAVY = {"issue_comments": 350, "issue_worklogs": 60, "issue_changelogs": 1000}
"""The longest lists of the corpus."""

Config = Callable[..., dict[str, Any]]


@pytest.fixture
def list_cap() -> int | None:
    """The most children that an answer holds; None for what Jira does by itself."""
    return None


@pytest.fixture(params=["data_center", "cloud"])
def flavor(request: pytest.FixtureRequest) -> Literal["data_center", "cloud"]:
    """Each test runs with both."""
    found: Literal["data_center", "cloud"] = request.param
    return found


@pytest.fixture
def nodes() -> dict[str, tuple[float, float]]:
    """The nodes of the server, and the lag of their search indexes in seconds."""
    return {"a": (0, 0)}


@pytest.fixture
def jira(
    flavor: Literal["data_center", "cloud"],
    list_cap: int | None,
    nodes: dict[str, tuple[float, float]],
) -> Iterator[Sandbox]:
    """60 issues, of which some have very many children, and one has attachments."""
    corpus = Corpus.generate(seed=7, issues=60, projects=3)
    first = corpus.snapshot().issues[0]
    files = [attachment("7"), attachment(8)]
    corpus.change([first.id], lambda old: old.changed(old.updated_ms + 1, attachment=files))
    with Sandbox(corpus=corpus, flavor=flavor, list_cap=list_cap, nodes=nodes) as sandbox:
        yield sandbox


def attachment(id_: str | int) -> dict[str, Any]:
    """Metadata of a file; some Jiras write its id as a number."""
    author = {"name": "alice", "active": True}
    created = "2026-01-02T03:04:05.678+0100"
    return {"id": id_, "filename": "a.txt", "size": 3, "created": created, "author": author}


def signed_in(jira: Sandbox, **more: object) -> dict[str, Any]:
    """Settings that both flavours take."""
    user = {"auth_method": "basic", "username": "sandbox", "password": "sandbox"}
    return {"api_url": jira.url, **user, "page_size": 7, "pages_per_state": 1, **more}


def truth_in_text(jira: Sandbox) -> dict[str, dict[str, set[str]]]:
    """What is there, every id as text."""
    return {
        stream: {issue: {str(id_) for id_ in ids} for issue, ids in below.items()}
        for stream, below in truth(jira).items()
    }


def longest(run: Run, stream: str) -> int:
    """The number of children of the issue that has most."""
    ids = [record["issue_id"] for record in run.of(stream)]
    return max(map(ids.count, set(ids)))


def test_every_child_of_every_issue_arrives_once_and_conforms(
    jira: Sandbox, tmp_path: Path
) -> None:
    """Comments, worklogs, histories, links and attachments; long lists, too, whatever the search embeds of them."""
    config = signed_in(jira)
    result = run_with(tmp_path, config, select(tmp_path))
    assert result.status == 0, result.log
    assert jira.requests[0].path == "/rest/api/2/myself", "who we are is asked first"
    assert len(result.of("issues")) == 60
    assert newest(result) == truth_in_text(jira)
    assert once(result)
    assert {stream: longest(result, stream) for stream in HEAVY} == HEAVY
    assert len(result.of("issue_attachments")) == 2
    for stream, tally in result.summary["streams"].items():
        assert tally["records"] == len(result.of(stream))
        assert (tally["truncated"], tally["vanished"], tally["unreadable"]) == (0, 0, 0)
    versions = {record["id"]: record for record in result.of("issues")}
    for record in (record for stream in CHILDREN for record in result.of(stream)):
        issue = versions[record["issue_id"]]
        assert record["issue_key"] == issue["key"]
        assert record["project_id"] == issue["project_id"]
        assert record["issue_updated"] == issue["updated"]
    dates = [record["created"] for record in result.of("issue_changelogs")]
    dates += [record["started"] for record in result.of("issue_worklogs")]
    assert all(date.endswith("Z") for date in dates)


@pytest.mark.parametrize("list_cap", [20, 100])
def test_lists_are_paged_as_far_as_the_server_gives_them(jira: Sandbox, tmp_path: Path) -> None:
    """Comments and worklogs come whole; what Data Center keeps of a long changelog is said."""
    config = signed_in(jira)
    result = run_with(tmp_path, config, select(tmp_path))
    assert result.status == 0, result.log
    there, came = truth_in_text(jira), newest(result)
    cut = {id_ for id_, ids in there["issue_changelogs"].items() if len(ids) > (jira.list_cap or 0)}
    if jira.flavor == "cloud":
        assert came == there
        return
    assert cut
    assert result.summary["streams"]["issue_changelogs"]["truncated"] == len(cut)
    key = jira.world.corpus.snapshot().by_id[next(iter(cut))].key
    (said,) = [line for line in result.log.splitlines() if "could not be read whole" in line]
    assert f"issue_changelogs: {len(cut)} list" in said
    assert key in said
    for id_ in cut:
        assert len(came["issue_changelogs"].pop(id_)) == jira.list_cap
        del there["issue_changelogs"][id_]
    assert came == there


def test_children_come_again_with_their_issue_and_not_else(jira: Sandbox, tmp_path: Path) -> None:
    """A quiet run prints nothing; after edits exactly the children of the edited issues come."""
    config = signed_in(jira)
    options = select(tmp_path)
    first = run_with(tmp_path, config, options)
    quiet = run_with(tmp_path, config, options, first.states[-1])
    assert quiet.status == 0, quiet.log
    assert quiet.records == []
    heavy = max(truth(jira)["issue_comments"].items(), key=lambda below: len(below[1]))[0]
    edited = jira.edit(keys=[jira.world.corpus.snapshot().by_id[heavy].key, "ALPHA-2"])
    second = run_with(tmp_path, config, options, first.states[-1])
    assert sorted(record["key"] for record in second.of("issues")) == sorted(edited)
    assert {record["issue_key"] for record in second.of("issue_comments")} <= set(edited)
    assert len(second.of("issue_comments")) >= HEAVY["issue_comments"]
    assert newest(first, second) == truth_in_text(jira)


def test_a_state_never_covers_a_child_that_was_not_printed(jira: Sandbox, tmp_path: Path) -> None:
    """Killed after any line, a second run from the last STATE brings everything that is missing."""
    config = signed_in(jira, page_size=10)
    options = select(tmp_path)
    whole = run_with(tmp_path, config, options)
    states = [at for at, each in enumerate(whole.messages) if each["type"] == "STATE"]
    assert len(states) >= 6
    for at in (states[2], (states[2] + states[3]) // 2, states[3] - 1):
        killed = Run(-9, whole.messages[: at + 1], "")
        again = run_with(tmp_path, config, options, killed.states[-1])
        assert newest(killed, again) == truth_in_text(jira), f"killed after line {at}"


@pytest.mark.parametrize("lines", [30, 400])
def test_sigkill_between_an_issue_and_its_children_loses_nothing(
    jira: Sandbox, tmp_path: Path, lines: int
) -> None:
    """A real kill while lists are read, edits, and a second run from what was printed."""
    config = signed_in(jira)
    options = select(tmp_path)
    with started(tmp_path, config, None, *options) as process:
        assert process.stdout is not None
        output = b"".join(process.stdout.readline() for _ in range(lines))
        process.kill()
        output += process.stdout.read()
    killed = Run(-9, messages(output), "")
    jira.edit(count=10, seed=3)
    again = run_with(tmp_path, config, options, killed.states[-1])
    assert again.status == 0, again.log
    assert newest(killed, again) == truth_in_text(jira)


@pytest.mark.parametrize("nodes", [{"a": (0, 0.1), "b": (0, 30)}])
def test_edits_between_a_row_and_its_lists_are_corrected(jira: Sandbox, tmp_path: Path) -> None:
    """Issues are edited before every request, and indexes lag; after a quiet run the newest children are the server's."""
    config = signed_in(jira)
    options = select(tmp_path)
    jira.play(Order(per_request=1.0, seed=5))
    first = run_with(tmp_path, config, options)
    assert first.status == 0, first.log
    assert len(jira.deeds) > 10
    jira.play(Order())
    jira.clock.offset += 2 * MINUTE
    second = run_with(tmp_path, config, options, first.states[-1])
    assert second.status == 0, second.log
    assert newest(first, second) == truth_in_text(jira)
    third = run_with(tmp_path, config, options, second.states[-1])
    assert third.records == []


def test_an_issue_that_vanishes_before_its_lists_are_read_is_no_error(
    jira: Sandbox, tmp_path: Path
) -> None:
    """It is counted; all other children arrive."""
    heavy = max(truth(jira)["issue_worklogs"].items(), key=lambda below: len(below[1]))[0]
    key = jira.world.corpus.snapshot().by_id[heavy].key
    deleted: list[str] = []

    def delete(entry: LogEntry) -> None:
        if entry.path.endswith(f"/issue/{heavy}/worklog") and not deleted:
            deleted.append(key)
            jira.delete(key)

    jira.before_request.append(delete)
    config = signed_in(jira)
    result = run_with(tmp_path, config, select(tmp_path))
    assert result.status == 0, result.log
    assert deleted
    assert result.summary["streams"]["issue_worklogs"]["vanished"] == 1
    there = truth_in_text(jira)
    came = newest(result)
    assert came["issue_worklogs"].pop(heavy) == set()
    for stream in set(CHILDREN) - {"issue_worklogs"}:
        came[stream].pop(heavy)
    assert came == there


def test_an_issue_that_may_not_be_seen_is_named(jira: Sandbox, tmp_path: Path) -> None:
    """A 403 on its list ends nothing: what the search showed is printed, and the run says which it is."""
    heavy = max(truth(jira)["issue_worklogs"].items(), key=lambda below: len(below[1]))[0]
    body = {"errorMessages": ["You do not have the permission."]}
    path = f"/rest/api/2/issue/{heavy}/worklog"
    jira.fault(path, status=403, headers=JSON, body=body)
    config = signed_in(jira)
    result = run_with(tmp_path, config, select(tmp_path))
    assert result.status == 0, result.log
    assert result.summary["streams"]["issue_worklogs"]["unreadable"] == 1
    key = jira.world.corpus.snapshot().by_id[heavy].key
    assert f"issue_worklogs: 1 list may not be seen by the signed-in user, of {key}" in result.log
    assert len(newest(result)["issue_worklogs"][heavy]) == 20


@pytest.mark.parametrize("list_cap", [2])
def test_lists_are_read_at_a_time_and_within_the_budget(jira: Sandbox, tmp_path: Path) -> None:
    """Up to `max_concurrent_requests` of one page of issues, and never more."""
    jira.before_request.append(lambda _: sleep(0.02))
    config = signed_in(jira, max_concurrent_requests=3, page_size=100, project_keys=["ALPHA"])
    result = run_with(tmp_path, config, select(tmp_path, ("issues", "issue_comments")))
    assert result.status == 0, result.log
    below = [entry.in_flight for entry in jira.requests if entry.path.endswith("/comment")]
    if jira.flavor == "data_center":  # Cloud embeds 20 of them, which is nearly always all
        assert max(below) == 3
    assert max(entry.in_flight for entry in jira.requests) <= 3


def test_sigterm_while_lists_are_read_covers_nothing_that_was_not_printed(
    jira: Sandbox, tmp_path: Path
) -> None:
    """Status 143 in the middle of a long wait, and a second run that brings the rest."""
    busy = {"Retry-After": "500"}
    jira.fault("/rest/api/2/issue/", status=429, headers=busy)
    # Few fields: what is printed has to fit into the pipe, since nobody reads it meanwhile.
    config = signed_in(jira, project_keys=["WEB2"], fields=["summary"])
    options = select(tmp_path, ("issues", "issue_worklogs"))
    with started(tmp_path, config, None, *options) as process:
        deadline = monotonic() + 30
        while "waiting" not in (tmp_path / "log").read_text() and monotonic() < deadline:
            sleep(0.05)
        process.terminate()
        output, _ = process.communicate(timeout=10)
    assert process.returncode == 143
    stopped = Run(143, messages(output), "")
    assert stopped.messages[-1]["type"] == "STATE"
    again = run_with(tmp_path, config, options, stopped.states[-1])
    came = newest(stopped, again)["issue_worklogs"]
    there = truth_in_text(jira)["issue_worklogs"]
    assert len(came) == sum(issue["project"] == "WEB2" for issue in jira.issues)
    assert came == {id_: there[id_] for id_ in came}


def test_children_alone_are_printed_without_their_issues(jira: Sandbox, tmp_path: Path) -> None:
    """With `issues` deselected nothing but the children comes, and only their fields are asked for."""
    config = signed_in(jira)
    options = select(tmp_path, ("issue_comments", "issue_links"))
    result = run_with(tmp_path, config, options)
    assert result.status == 0, result.log
    schemas = [each["stream"] for each in result.messages if each["type"] == "SCHEMA"]
    assert schemas == ["issue_comments", "issue_links"]
    there = truth_in_text(jira)
    for stream in schemas:
        came = {(record["issue_id"], record["id"]) for record in result.of(stream)}
        assert came == {(issue, id_) for issue, ids in there[stream].items() for id_ in ids}
    assert result.states[-1]["bookmarks"].keys() == {"issues"}
    again = run_with(tmp_path, config, options, result.states[-1])
    assert again.records == []


def test_a_field_that_comes_for_a_stream_is_not_in_the_record_of_the_issue(
    jira: Sandbox, tmp_path: Path
) -> None:
    """Deselected or not among `fields`, it stays out; where the user has it, the record is as without the stream."""
    config = signed_in(jira)
    found = catalog(ALL)
    (issues,) = [each for each in found["streams"] if each["tap_stream_id"] == "issues"]
    for entry in issues["metadata"]:
        if entry["breadcrumb"] == ["properties", "fields", "properties", "comment"]:
            entry["metadata"]["selected"] = False
    (tmp_path / "deselected.json").write_text(json.dumps(found))
    options = ("--catalog", str(tmp_path / "deselected.json"))
    without = run_with(tmp_path, config, options)
    assert without.of("issue_comments")
    assert not any("comment" in record["fields"] for record in without.of("issues"))
    assert all("worklog" in record["fields"] for record in without.of("issues"))
    narrow = run_with(tmp_path, {**config, "fields": ["summary"]}, select(tmp_path))
    assert newest(narrow) == truth_in_text(jira)
    assert {frozenset(record["fields"]) for record in narrow.of("issues")} == {
        frozenset({"summary", "project", "created", "updated"})
    }


def test_what_is_redacted_is_in_no_stream(jira: Sandbox, tmp_path: Path) -> None:
    """A list that is redacted whole is not read, histories keep what is not about a redacted field, people lose a part."""
    jira.edit(count=5)
    redact = [
        "summary",
        "labels",
        "worklog",
        "comment.author.emailAddress",
        "changelog.author.name",
    ]
    redact += ["comment.author.accountId", "changelog.author.accountId", "reporter.emailAddress"]
    options = select(tmp_path)
    plain = run_with(tmp_path, signed_in(jira), options)
    asked = len(jira.requests)
    result = run_with(tmp_path, signed_in(jira, redact_fields=redact), options)
    assert result.status == 0, result.log
    assert result.of("issue_worklogs") == []
    assert "issue_worklogs is not read: redact_fields names worklog" in result.log
    assert not any(entry.path.endswith("/worklog") for entry in jira.requests[asked:])
    for record in result.of("issues"):
        assert {"summary", "labels", "worklog"}.isdisjoint(record["fields"])
    for stream in ("issue_comments", "issue_changelogs"):
        before, after = plain.of(stream), result.of(stream)
        assert [each["id"] for each in after] == [each["id"] for each in before]
    for record in result.of("issue_comments"):
        assert {"emailAddress", "accountId"}.isdisjoint(record["author"])
        assert record["author"]
        assert record["body"]
    assert any("emailAddress" in record["author"] for record in plain.of("issue_comments"))
    told: set[str] = set()
    histories = zip(plain.of("issue_changelogs"), result.of("issue_changelogs"), strict=True)
    for whole, history in histories:
        kept = [each for each in whole["items"] if each["field"] not in {"summary", "labels"}]
        assert history["items"] == kept
        assert {"name", "accountId"}.isdisjoint(history.get("author", {}))
        told |= {each["field"] for each in kept}
    assert {"status", "Link"} <= told


def test_a_stream_map_on_a_child_is_honoured(jira: Sandbox, tmp_path: Path) -> None:
    """The SDK's own way is taken for that stream; all others stay as they are."""
    config = signed_in(jira)
    options = select(tmp_path)
    plain = run_with(tmp_path, config, options)
    maps = {"issue_comments": {"body": "md5(body)"}}
    mapped = run_with(tmp_path, {**config, "stream_maps": maps}, options)
    assert mapped.status == 0, mapped.log
    assert [record["body"] for record in mapped.of("issue_comments")] == [
        md5(record["body"].encode(), usedforsecurity=False).hexdigest()
        for record in plain.of("issue_comments")
    ]
    assert mapped.of("issue_worklogs") == plain.of("issue_worklogs")
    same = {stream: {"__filter__": "True"} for stream in CHILDREN}
    unmapped = run_with(tmp_path, {**config, "stream_maps": same}, options)
    for stream in CHILDREN:
        assert json.dumps(unmapped.of(stream)) == json.dumps(plain.of(stream))


def test_a_stream_map_on_issues_filters_their_children(jira: Sandbox, tmp_path: Path) -> None:
    """Of an issue that is not printed no child is."""
    config = signed_in(jira, stream_maps={"issues": {"__filter__": "key[:3] == 'OPS'"}})
    result = run_with(tmp_path, config, select(tmp_path))
    assert result.status == 0, result.log
    there = truth_in_text(jira)
    kept = {record["id"] for record in result.of("issues")}
    assert 0 < len(kept) < 60
    for stream in CHILDREN:
        assert {record["issue_id"] for record in result.of(stream)} <= kept
    assert newest(result) == {
        stream: {id_: ids for id_, ids in below.items() if id_ in kept}
        for stream, below in there.items()
    }


def test_a_stream_that_is_selected_late_says_what_it_lacks(jira: Sandbox, tmp_path: Path) -> None:
    """Its bookmark is that of the issues, so it begins with what changes from now on."""
    config = signed_in(jira)
    first = run_with(tmp_path, config, select(tmp_path, ("issues",)))
    options = select(tmp_path, ("issues", "issue_comments"))
    second = run_with(tmp_path, config, options, first.states[-1])
    assert "issue_comments: begins with what changes from now on" in second.log
    third = run_with(tmp_path, config, options, second.states[-1])
    assert "begins with" not in third.log


class TestCutByDataCenter:
    """A Data Center that cuts long lists in the answers to searches."""

    @pytest.fixture
    def flavor(self) -> Literal["data_center"]:
        """It alone."""
        return "data_center"

    @pytest.fixture
    def list_cap(self) -> int:
        """Far less than some issues have."""
        return 30

    def test_a_changelog_that_the_search_cuts_is_asked_for_with_its_issue(
        self, jira: Sandbox, tmp_path: Path
    ) -> None:
        """Where that answer is whole, nothing is missing and nothing is said."""
        id_, ids = max(truth(jira)["issue_changelogs"].items(), key=lambda below: len(below[1]))
        histories = jira.world.corpus.children.histories(jira.world.corpus.snapshot().by_id[id_])
        whole = {"histories": histories, "total": len(histories)}
        path = f"/rest/api/2/issue/{id_}"
        jira.fault(path, status=200, headers=JSON, body={"id": id_, "changelog": whole})
        config = signed_in(jira)
        result = run_with(tmp_path, config, select(tmp_path, ("issues", "issue_changelogs")))
        assert result.status == 0, result.log
        assert newest(result)["issue_changelogs"][id_] == ids
        assert result.summary["streams"]["issue_changelogs"]["truncated"] == 0
        assert "could not be read whole" not in result.log


class TestRefusedByDataCenter:
    """A Data Center that shows of no list more than one entry, and refuses the rest."""

    @pytest.fixture
    def flavor(self) -> Literal["data_center"]:
        """It alone."""
        return "data_center"

    @pytest.fixture
    def list_cap(self) -> int:
        """Nearly every list has to be asked for."""
        return 1

    def test_a_stream_of_which_nothing_may_be_seen_is_an_error(
        self, jira: Sandbox, tmp_path: Path
    ) -> None:
        """No bookmark moves past its issues. A few refusals are no error."""
        body = {"errorMessages": ["You do not have the permission."]}
        options = select(tmp_path, ("issues", "issue_comments"))
        config = signed_in(jira, page_size=100, project_keys=["ALPHA"])
        jira.fault("/rest/api/2/issue/", status=403, headers=JSON, body=body, count=5)
        few = run_with(tmp_path, config, options)
        assert few.status == 0, few.log
        assert few.summary["streams"]["issue_comments"]["unreadable"] == 5
        count = len(few.of("issue_comments"))
        metric = f'"record_count","value":{count},"tags":{{"stream":"issue_comments"'
        assert metric in few.log
        jira.fault("/rest/api/2/issue/", status=403, headers=JSON, body=body, count=999)
        result = run_with(tmp_path, config, options)
        assert result.status == 1
        said = result.log.splitlines()[-1]
        assert "Stream 'issue_comments': Jira refuses every list" in said
        assert not any("replication_key_value" in json.dumps(state) for state in result.states)


class TestBulkOnCloud:
    """Cloud's resource for the histories of many issues, edited so that several are long."""

    @pytest.fixture
    def flavor(self) -> Literal["cloud"]:
        """It alone."""
        return "cloud"

    @pytest.fixture
    def jira(self, flavor: Literal["cloud"]) -> Iterator[Sandbox]:
        """Two issues of one page have more histories than a search embeds."""
        corpus = Corpus.generate(seed=7, issues=20, projects=1)
        with Sandbox(corpus=corpus, flavor=flavor) as sandbox:
            for _ in range(120):
                sandbox.edit(keys=["ALPHA-1", "ALPHA-2"])
            yield sandbox

    def test_long_histories_of_several_issues_come_together(
        self, jira: Sandbox, tmp_path: Path
    ) -> None:
        """In pages of 1,000, and no issue is asked for by itself."""
        config = signed_in(jira, page_size=100)
        result = run_with(tmp_path, config, select(tmp_path, ("issues", "issue_changelogs")))
        assert newest(result)["issue_changelogs"] == truth(jira)["issue_changelogs"]
        below = [entry.path for entry in jira.requests if "changelog" in entry.path]
        assert set(below) == {BULK}
        assert result.summary["streams"]["issue_changelogs"]["requests"] == len(below)

    @pytest.mark.parametrize(
        ("status", "body"), [(200, {"issueChangeLogs": []}), (403, {"errorMessages": ["No."]})]
    )
    def test_what_it_does_not_give_is_asked_for_issue_by_issue(
        self, jira: Sandbox, tmp_path: Path, status: int, body: dict[str, Any]
    ) -> None:
        """Whether it refuses or leaves issues out."""
        jira.fault(BULK, status=status, headers=JSON, body=body, count=99)
        config = signed_in(jira, page_size=100)
        result = run_with(tmp_path, config, select(tmp_path, ("issues", "issue_changelogs")))
        assert result.status == 0, result.log
        assert newest(result)["issue_changelogs"] == truth(jira)["issue_changelogs"]
        assert result.summary["streams"]["issue_changelogs"]["truncated"] == 0
