"""The `issues` stream, as the real command against a Jira that verifies each signature."""

from __future__ import annotations

import gc
import json
import re
import sys
from fcntl import ioctl
from signal import SIGINT, SIGTERM
from termios import FIONREAD
from threading import Event, Thread
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from conftest import CONSUMER
from sandbox import Corpus
from sandbox.script import Order, Step
from tap.command import Run, messages, run, started
from tap_jira_oauth.streams import (
    CENSUS_STREAMS,
    CHILD_STREAMS,
    INCREMENTAL_STREAMS,
    REFERENCE_STREAMS,
)
from tap_jira_oauth.tap import TapJiraOAuth
from tap_jira_oauth.window import Reader

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import FrameType

    from conftest import Configure
    from sandbox import Sandbox


def newest(*runs: Run) -> dict[str, str]:
    """Return the newest emitted `updated` of each issue, by id."""
    found: dict[str, str] = {}
    for each in runs:
        for record in each.records:
            found[record["id"]] = max(record["updated"], found.get(record["id"], ""))
    return found


def truth(jira: Sandbox) -> dict[str, str]:
    """Return the `updated` of each living issue, by id, spelled as the records spell it."""
    return {issue["id"]: spelled(issue["updated"]) for issue in jira.issues}


def entry_of(catalog: dict[str, Any], stream: str = "issues") -> dict[str, Any]:
    """Return the entry of a stream in a catalog."""
    return next(each for each in catalog["streams"] if each["tap_stream_id"] == stream)


def spelled(sandbox_time: str) -> str:
    """Spell the sandbox's UTC time as the records spell it."""
    return sandbox_time.replace("+0000", "Z")


def test_every_issue_arrives_once_and_conforms_to_its_schema(
    connected_jira: Sandbox, configure: Configure, tmp_path: Path
) -> None:
    """All projects, each issue in its newest version, signed and verified."""
    result = run(tmp_path, configure(page_size=7))
    assert result.status == 0, result.log
    assert newest(result) == truth(connected_jira)
    assert len(result.records) == 60
    schema = next(message["schema"] for message in result.messages if message["type"] == "SCHEMA")
    checker = jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker())
    for record in result.records:
        checker.validate(record)
    assert {entry.auth for entry in connected_jira.requests[1:]} == {"oauth1"}


def test_the_order_of_messages_is_state_schema_records_state(
    configure: Configure, tmp_path: Path
) -> None:
    """The starting STATE comes first, and the last message is the final STATE."""
    result = run(tmp_path, configure())
    kinds = [message["type"] for message in result.messages]
    assert kinds[:2] == ["STATE", "SCHEMA"]
    assert kinds[-1] == "STATE"
    assert result.states[0] == {"bookmarks": {}}


def test_a_state_every_few_pages_covers_only_what_was_printed(
    configure: Configure, tmp_path: Path
) -> None:
    """No partition's bookmark is later than the newest record of its project before it."""
    result = run(tmp_path, configure(page_size=4, pages_per_state=2))
    assert len(result.states) > 60 / (4 * 2)
    printed: dict[str, str] = {}
    for message in result.messages:
        if message["type"] == "RECORD":
            printed[message["record"]["project_id"]] = message["record"]["updated"]
        elif message["type"] == "STATE":
            for partition in message["value"]["bookmarks"].get("issues", {}).get("partitions", []):
                value = partition.get("replication_key_value")
                assert value is None or value <= printed[partition["context"]["project_id"]]


def test_the_state_has_a_partition_for_each_project(
    connected_jira: Sandbox, configure: Configure, tmp_path: Path
) -> None:
    """In the documented form: context, replication key and value, key of the project, boundary."""
    partitions = run(tmp_path, configure()).states[-1]["bookmarks"]["issues"]["partitions"]
    by_project: dict[str, str] = {}
    for issue in connected_jira.issues:
        key = issue["project"]
        by_project[key] = max(spelled(issue["updated"]), by_project.get(key, ""))
    assert {part["project_key"]: part["replication_key_value"] for part in partitions} == by_project
    for part in partitions:
        assert part["context"].keys() == {"project_id"}
        assert part["replication_key"] == "updated"
        assert set(part) == {
            "context",
            "replication_key",
            "replication_key_value",
            "project_key",
            "seen",
            "state_version",
        }


def test_a_second_run_brings_only_what_changed(
    connected_jira: Sandbox, configure: Configure, tmp_path: Path
) -> None:
    """Nothing without edits; with edits exactly the edited issues."""
    first = run(tmp_path, configure())
    assert run(tmp_path, configure(), first.states[-1]).records == []
    edited = connected_jira.edit(count=5, seed=1)
    second = run(tmp_path, configure(), first.states[-1])
    assert second.keys == sorted(edited)
    assert newest(first, second) == truth(connected_jira)


def test_edits_between_the_pages_hide_nothing(
    connected_jira: Sandbox, configure: Configure, tmp_path: Path
) -> None:
    """An issue that was read already is edited before every page; nobody moves up past the reader."""

    def live(entry: Any) -> None:
        if entry.start_at:
            connected_jira.edit(count=1, seed=entry.start_at)

    connected_jira.before_request.append(live)
    first = run(tmp_path, configure(page_size=5))
    connected_jira.before_request.clear()
    second = run(tmp_path, configure(page_size=5), first.states[-1])
    assert newest(first, second) == truth(connected_jira)


def test_a_killed_run_is_resumed_from_its_last_printed_state(
    connected_jira: Sandbox, configure: Configure, tmp_path: Path
) -> None:
    """SIGKILL after some lines, edits, and a second run from what was printed: nothing is lost."""
    config = configure(page_size=3, pages_per_state=1)
    with started(tmp_path, config) as process:
        assert process.stdout is not None
        printed = b"".join(process.stdout.readline() for _ in range(20))
        process.kill()
        printed += process.stdout.read()
    first = Run(-9, messages(printed), "")
    connected_jira.edit(count=10, seed=20)
    second = run(tmp_path, config, first.states[-1])
    assert newest(first, second) == truth(connected_jira)


def test_a_kill_at_any_line_loses_nothing(
    connected_jira: Sandbox, configure: Configure, tmp_path: Path
) -> None:
    """Whatever line was the last to be printed, its last STATE leads to every issue that is not before that STATE."""
    config = configure(page_size=7, pages_per_state=2)
    whole = run(tmp_path, config)
    at = [place for place, message in enumerate(whole.messages) if message["type"] == "STATE"]
    assert len(at) >= 5
    for place in at:
        printed = Run(-9, whole.messages[: place + 1], "")
        second = run(tmp_path, config, printed.states[-1])
        assert newest(printed, second) == truth(connected_jira), f"killed after line {place}"


def test_sigterm_finishes_the_page_prints_the_state_and_says_so(
    connected_jira: Sandbox, configure: Configure, tmp_path: Path
) -> None:
    """Status 143, a last STATE that covers what was printed, and a resume that loses nothing."""
    with started(tmp_path, configure(page_size=3)) as process:

        def stop(entry: Any) -> None:
            if entry.start_at and entry.start_at > 6:
                process.terminate()

        connected_jira.before_request.append(stop)
        output, _ = process.communicate(timeout=60)
        connected_jira.before_request.clear()
    first = Run(process.returncode, messages(output), (tmp_path / "log").read_text())
    assert first.status == 143
    assert 0 < len(first.records) < 60
    assert first.messages[-1]["type"] == "STATE"
    assert "Stopped by SIGTERM" in first.log
    assert first.summary["emitted"] == len(first.records)
    second = run(tmp_path, configure(page_size=3), first.states[-1])
    assert newest(first, second) == truth(connected_jira)
    assert {record["id"] for record in second.records}.isdisjoint(
        record["id"] for record in first.records
    )


def test_sigterm_ends_a_long_wait_at_once_and_prints_the_state(
    connected_jira: Sandbox, configure: Configure, tmp_path: Path
) -> None:
    """A rate limit of minutes does not keep a run from stopping, and what was read is covered."""

    def limit(entry: Any) -> None:
        if entry.start_at and entry.start_at > 6:
            busy = {"Retry-After": "500"}
            connected_jira.fault("/rest/api/2/search", status=429, headers=busy, count=99)

    connected_jira.before_request.append(limit)
    # Few fields: what is printed has to fit into the pipe, since nobody reads it meanwhile.
    config = configure(page_size=3, pages_per_state=50, fields=["summary"])
    with started(tmp_path, config) as process:
        deadline = monotonic() + 30
        while "waiting" not in (tmp_path / "log").read_text() and monotonic() < deadline:
            sleep(0.05)
        process.terminate()
        output, _ = process.communicate(timeout=10)
    assert process.returncode == 143
    first = Run(143, messages(output), "")
    assert first.records
    assert first.messages[-1]["type"] == "STATE"
    (partition,) = first.states[-1]["bookmarks"]["issues"]["partitions"]
    assert partition["replication_key_value"] == first.records[-1]["updated"]


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_signal_while_nobody_reads_cuts_no_line(
    connected_jira: Sandbox,
    configure: Configure,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    unbuffered: str,
) -> None:
    """It comes while the tap waits for room in a full pipe, also where Python's own buffer is off; the page goes on."""
    monkeypatch.setenv("PYTHONUNBUFFERED", unbuffered)
    config = configure(page_size=20)
    with started(tmp_path, config) as process:
        assert process.stdout is not None
        waiting = bytearray(4)
        deadline = monotonic() + 30
        while int.from_bytes(waiting, sys.byteorder) < 60_000 and monotonic() < deadline:
            ioctl(process.stdout, FIONREAD, waiting)
            sleep(0.05)
        process.terminate()
        sleep(0.3)
        output, _ = process.communicate(timeout=30)
    assert process.returncode == 143
    first = Run(143, messages(output), "")
    second = run(tmp_path, config, first.states[-1])
    assert newest(first, second) == truth(connected_jira)


def test_a_signal_at_any_step_of_looking_for_one_does_not_lock_the_tap(
    configure: Configure,
) -> None:
    """The handler runs between two steps of the main thread, whatever that one holds just then."""
    config = configure()
    ended: list[bool] = []

    def look(step: int) -> bool:
        tap = TapJiraOAuth(config=config)
        client = tap.jira.client
        steps = iter(range(step))

        def trace(frame: FrameType, event: str, _: object) -> Callable[..., Any]:
            if event == "line" and next(steps, None) is None:
                tap._handle_termination(SIGTERM, frame)  # noqa: SLF001 - as a signal calls it
            return trace

        sys.settrace(trace)
        stopping = client.stopping
        sys.settrace(None)
        return stopping or client.stopping

    def look_again_and_again() -> None:
        ended.extend(look(step) for step in range(12))

    looking = Thread(target=look_again_and_again, daemon=True)
    looking.start()
    looking.join(20)
    assert len(ended) == 12, "the handler waits for a lock that its own thread holds"
    assert ended[0]


def test_what_is_remembered_of_a_project_goes_when_it_is_read(
    configure: Configure, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    """Memory does not grow with the number of projects."""
    readers: list[int] = []
    tap = TapJiraOAuth(config=configure(max_concurrent_requests=1))
    finish = tap.jira.progress.finish

    def count() -> str:
        gc.collect()
        readers.append(sum(isinstance(each, Reader) for each in gc.get_objects()))
        return finish()

    tap.jira.progress.finish = count  # type: ignore[method-assign]  # looks when a project is done
    tap.sync_all()
    assert b"RECORD" in capsysbinary.readouterr().out
    assert len(readers) == 3
    assert readers[-1] < readers[0], "the last project is the only one left"


def test_ctrl_c_twice_does_not_wait_for_jiras_answer(
    connected_jira: Sandbox, configure: Configure, tmp_path: Path
) -> None:
    """The first one would wait for the page in hand; the second one ends at once, with 130."""
    asked = Event()

    def hang(entry: Any) -> None:
        if entry.jql:
            asked.set()
            released.wait(30)

    released = Event()
    connected_jira.before_request.append(hang)
    with started(tmp_path, configure()) as process:
        assert asked.wait(30)
        process.send_signal(SIGINT)
        sleep(0.5)
        assert process.poll() is None
        process.send_signal(SIGINT)
        status = process.wait(timeout=10)
        released.set()
    assert status == 130
    assert "Traceback" not in (tmp_path / "log").read_text()


def test_slices_by_end_date_leave_nothing_out(
    connected_jira: Sandbox, configure: Configure, tmp_path: Path
) -> None:
    """A backfill up to the middle, in pages that cross it, then the rest from its state."""
    middle = spelled(sorted(issue["updated"] for issue in connected_jira.issues)[30])
    first = run(tmp_path, configure(end_date=middle, page_size=10))
    second = run(tmp_path, configure(page_size=10), first.states[-1])
    assert newest(first, second) == truth(connected_jira)
    assert len(first.records) + len(second.records) == 60


def test_a_full_table_in_the_catalog_reads_everything_again(
    connected_jira: Sandbox, configure: Configure, tmp_path: Path
) -> None:
    """Not an empty success from the old bookmark."""
    state = run(tmp_path, configure()).states[-1]
    with started(tmp_path, configure(), None, "--discover") as process:
        catalog = json.loads(process.communicate(timeout=60)[0])
    for entry in entry_of(catalog)["metadata"]:
        if entry["breadcrumb"] == []:
            entry["metadata"] |= {"selected": True, "replication-method": "FULL_TABLE"}
    entry_of(catalog)["replication_method"] = "FULL_TABLE"
    (tmp_path / "catalog.json").write_text(json.dumps(catalog))
    options = ("--catalog", str(tmp_path / "catalog.json"))
    with started(tmp_path, configure(), state, *options) as process:
        again = Run(0, messages(process.communicate(timeout=60)[0]), "")
    assert newest(again) == truth(connected_jira)


def test_a_catalog_is_made_without_any_settings(tmp_path: Path) -> None:
    """Meltano discovers before it runs the commands `keygen` and `login`, when nothing is set yet."""
    with started(tmp_path, {}, None, "--discover") as process:
        catalog = json.loads(process.communicate(timeout=60)[0])
    names = [stream["tap_stream_id"] for stream in catalog["streams"]]
    assert {"issues", "issue_comments", "worklogs_deleted", "users"} <= set(names)
    beside = (*CHILD_STREAMS, *INCREMENTAL_STREAMS, *CENSUS_STREAMS, *REFERENCE_STREAMS)
    assert sorted(names) == sorted(["issues", *(stream.name for stream in beside)])


def test_the_settings_narrow_what_is_read(
    connected_jira: Sandbox, configure: Configure, tmp_path: Path
) -> None:
    """Projects, one more condition, and dates, each by itself."""
    project = connected_jira.issues[0]["project"]
    here = {issue["key"] for issue in connected_jira.issues if issue["project"] == project}
    assert set(run(tmp_path, configure(project_keys=[project.lower()])).keys) == here
    some = sorted(here)[:2]
    only = run(tmp_path, configure(jql=f"key = {some[0]} OR key = {some[1]}"))
    assert only.keys == some
    assert "deselected" not in only.log  # not a line for each stream that nobody asked for
    middle = sorted(issue["updated"] for issue in connected_jira.issues)[30]
    late = run(tmp_path, configure(start_date=spelled(middle)))
    early = run(tmp_path, configure(end_date=spelled(middle)))
    assert newest(late, early) == truth(connected_jira)
    assert len(late.records) + len(early.records) == 60


def test_narrow_fields_still_give_whole_records(configure: Configure, tmp_path: Path) -> None:
    """What a record is built from is asked for in any case."""
    result = run(tmp_path, configure(fields=["summary"]))
    assert {frozenset(record["fields"]) for record in result.records} == {
        frozenset({"summary", "project", "created", "updated"})
    }


def test_a_deselected_field_is_neither_asked_for_nor_printed(
    configure: Configure, tmp_path: Path
) -> None:
    """The catalog's selection reaches Jira."""
    with started(tmp_path, configure(), None, "--discover") as process:
        output, _ = process.communicate(timeout=60)
    catalog = json.loads(output)
    for entry in entry_of(catalog)["metadata"]:
        if entry["breadcrumb"] == ["properties", "fields", "properties", "description"]:
            entry["metadata"]["selected"] = False
        if entry["breadcrumb"] == []:
            entry["metadata"]["selected"] = True
    (tmp_path / "catalog.json").write_text(json.dumps(catalog))
    with started(
        tmp_path, configure(), None, "--catalog", str(tmp_path / "catalog.json")
    ) as process:
        output, _ = process.communicate(timeout=60)
    result = Run(process.returncode, messages(output), "")
    assert len(result.records) == 60
    assert not any("description" in record["fields"] for record in result.records)
    assert any("summary" in record["fields"] for record in result.records)


@pytest.mark.parametrize("name", ["replication_key_value", "updated"])
def test_a_bookmark_of_another_tap_is_taken_over(
    connected_jira: Sandbox, configure: Configure, tmp_path: Path, name: str
) -> None:
    """Each project begins at it, and the old form is gone from the new state."""
    middle = sorted(issue["updated"] for issue in connected_jira.issues)[30]
    other = {"bookmarks": {"issues": {name: spelled(middle)}}, "currently_syncing": "issues"}
    result = run(tmp_path, configure(), other)
    assert result.status == 0, result.log
    expected = [issue["id"] for issue in connected_jira.issues if issue["updated"] >= middle]
    assert set(expected) <= set(newest(result))
    assert len(result.records) < 60
    assert result.states[-1]["bookmarks"]["issues"].keys() == {"partitions"}
    assert run(tmp_path, configure(), result.states[-1]).records == []


@pytest.mark.parametrize("state", [[], [1], {"bookmarks": 5}, {"bookmarks": {"issues": []}}])
def test_a_state_of_another_shape_ends_the_run(
    configure: Configure, tmp_path: Path, state: Any
) -> None:
    """One line that says so, and a status; nothing is read as if there were no state."""
    result = run(tmp_path, configure(), state)
    assert result.status == 1
    assert "no Singer state" in result.log.splitlines()[-1]
    assert "Traceback" not in result.log
    assert result.messages == []


def test_a_damaged_bookmark_ends_the_run(configure: Configure, tmp_path: Path) -> None:
    """It is not ignored: the project would be loaded again, or skipped."""
    state = run(tmp_path, configure()).states[-1]
    state["bookmarks"]["issues"]["partitions"][0]["replication_key_value"] = "yesterday"
    result = run(tmp_path, configure(), state)
    assert result.status == 1
    assert "bookmark 'yesterday'" in result.log.splitlines()[-1]
    assert "Traceback" not in result.log
    assert result.records == []


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (None, "Cannot read the config file"),
        ("{", "is no JSON object"),
        ("[1]", "is no JSON object"),
    ],
)
def test_a_config_file_that_cannot_be_read_ends_the_run(
    configure: Configure, tmp_path: Path, text: str | None, reason: str
) -> None:
    """One line, which names the file; no traceback."""
    file = tmp_path / "mine.json"
    if text is not None:
        file.write_text(text)
    result = run(tmp_path, configure(), None, "--config", str(file))
    assert result.status == 1
    assert reason in result.log.splitlines()[-1]
    assert str(file) in result.log.splitlines()[-1]
    assert "Traceback" not in result.log


def test_a_state_file_that_is_no_json_ends_the_run(configure: Configure, tmp_path: Path) -> None:
    """One line, no traceback."""
    (tmp_path / "broken").write_text("{")
    with started(tmp_path, configure(), None, "--state", str(tmp_path / "broken")) as process:
        assert process.wait(timeout=60) == 1
    log = (tmp_path / "log").read_text()
    assert "no JSON" in log.splitlines()[-1]
    assert "Traceback" not in log


class TestManyPages:
    """A larger project, read by the default page size."""

    @pytest.fixture
    def corpus(self) -> Corpus:
        """One project of 700 issues."""
        return Corpus.generate(seed=3, issues=700, projects=1)

    def test_pages_overlap_by_one_row_and_are_signed_once_each(
        self, connected_jira: Sandbox, configure: Configure, tmp_path: Path
    ) -> None:
        """700 issues at 99 new ones a page are eight requests, besides the five of the start."""
        result = run(tmp_path, configure())
        assert len(result.records) == 700
        searches = [entry for entry in connected_jira.requests if entry.start_at is not None]
        assert sorted(entry.start_at or 0 for entry in searches) == list(range(0, 700, 99))
        assert len(connected_jira.requests) == len(searches) + 5


class TestACappedServer:
    """A server whose administrator allows 50 issues an answer."""

    @pytest.fixture
    def page_cap(self) -> int:
        """Less than the tap asks for."""
        return 50

    def test_the_offset_follows_what_came_not_what_was_asked(
        self, connected_jira: Sandbox, configure: Configure, tmp_path: Path
    ) -> None:
        """Asked for 5,000, given 50 at most, and still every issue once."""
        result = run(tmp_path, configure(page_size=5000))
        assert newest(result) == truth(connected_jira)
        assert len(result.records) == 60


def test_the_consumer_of_the_fixtures_is_the_one_of_the_sandbox(configure: Configure) -> None:
    """The settings name the application link that the fixture made."""
    assert configure()["consumer_key"] == CONSUMER


def printed_records(folder: Path, config: dict[str, Any], *options: str) -> list[bytes]:
    """Run the tap; return its RECORD lines, without times of extraction and hashes that change on every read."""
    with started(folder, config, None, *options) as process:
        output, _ = process.communicate(timeout=60)
    assert process.returncode == 0, (folder / "log").read_text()
    lines = [line for line in output.splitlines() if line.startswith(b'{"type":"RECORD"')]
    changing = rb',"time_extracted":"[^"]+"(?=}$)|(?<=@)[0-9a-f]{6,8}(?=\[)'
    return [re.sub(changing, b"", line) for line in lines]


def test_the_sdks_own_path_prints_the_same_bytes(configure: Configure, tmp_path: Path) -> None:
    """A stream map that changes nothing takes it; values, order and spelling stay those of Jira."""
    ours = printed_records(tmp_path, configure())
    same = {"issues": {"__filter__": "True"}}
    theirs = printed_records(tmp_path, configure(stream_maps=same))
    assert len(ours) == 60
    assert theirs == ours


def test_flattening_is_honoured(configure: Configure, tmp_path: Path) -> None:
    """Records have the properties that the flattened schema declares."""
    result = run(tmp_path, configure(flattening_enabled=True, flattening_max_depth=1))
    assert result.status == 0, result.log
    schema = next(message["schema"] for message in result.messages if message["type"] == "SCHEMA")
    assert "fields__summary" in schema["properties"]
    assert all(record["fields__summary"] for record in result.records)


def test_what_the_catalog_deselects_is_neither_asked_for_nor_printed(
    configure: Configure, tmp_path: Path
) -> None:
    """A field of Jira costs no byte; one that every record is built from is read and left out."""
    with started(tmp_path, configure(), None, "--discover") as process:
        catalog = json.loads(process.communicate(timeout=60)[0])
    for entry in entry_of(catalog)["metadata"]:
        if entry["breadcrumb"] == ["properties", "fields", "properties", "comment"]:
            entry["metadata"]["selected"] = False
    (tmp_path / "catalog.json").write_text(json.dumps(catalog))
    options = ("--catalog", str(tmp_path / "catalog.json"))
    without_comment = printed_records(tmp_path, configure(), *options)
    assert len(without_comment) == 60
    assert not any("comment" in json.loads(line)["record"]["fields"] for line in without_comment)
    for entry in entry_of(catalog)["metadata"]:
        if entry["breadcrumb"][-1:] in (["self"], ["created"]):
            entry["metadata"] |= {"selected": False, "inclusion": "available"}
    (tmp_path / "catalog.json").write_text(json.dumps(catalog))
    left = [json.loads(line)["record"] for line in printed_records(tmp_path, configure(), *options)]
    assert not any("self" in record or "created" in record["fields"] for record in left)
    assert [record["id"] for record in left] == [
        json.loads(line)["record"]["id"] for line in without_comment
    ]


def test_an_empty_project_among_full_ones_is_no_trouble(
    connected_jira: Sandbox, configure: Configure, tmp_path: Path
) -> None:
    """All issues of one are deleted before the run; the others arrive, and a new one does later."""
    keys = tuple(issue["key"] for issue in connected_jira.issues if issue["project"] == "OPS")
    connected_jira.play(Order(steps=(Step("delete", before_request=1, keys=keys),)))
    first = run(tmp_path, configure())
    assert first.status == 0, first.log
    assert newest(first) == truth(connected_jira)
    connected_jira.play(Order(steps=(Step("create", before_request=1, project="OPS"),)))
    second = run(tmp_path, configure(), first.states[-1])
    assert [record["project_key"] for record in second.records] == ["OPS"]


def test_a_project_that_was_renamed_goes_on_where_it_was(
    configure: Configure, tmp_path: Path
) -> None:
    """Its state is found by its id, which stays; the new key is written beside it."""
    state = run(tmp_path, configure()).states[-1]
    partitions = state["bookmarks"]["issues"]["partitions"]
    keys = [partition["project_key"] for partition in partitions]
    for partition in partitions:
        partition["project_key"] = "BEFORE"
    again = run(tmp_path, configure(), state)
    assert again.records == []
    renamed = again.states[-1]["bookmarks"]["issues"]["partitions"]
    assert [partition["project_key"] for partition in renamed] == keys
