"""What `ddl` prints, run in each engine over the same lake: two runs of the pair, with edits and deletions in between."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from conftest import CONSUMER
from pair import athena
from pair.two_runs import selected, tapped
from partners import installed
from sandbox import Corpus, Sandbox
from tap.command import ended
from tap_jira_oauth.auth.private_key import public_pem
from target.command import run, s3_config
from target.duck import duck, printed

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric import rsa

    from local_s3 import LocalS3

pytestmark = pytest.mark.workspace

STREAMS = ("issues", "issue_comments", "issue_worklogs", "projects", "statuses", "deleted_issues")
QUERIES = {
    "issues": (
        "SELECT id, key, CAST(updated AS VARCHAR(30)), fields_summary, CAST(fields_timespent AS INTEGER), "
        "CASE WHEN fields_assignee IS NULL THEN 1 ELSE 0 END FROM issues_newest ORDER BY id"
    ),
    "versions": "SELECT count(*), count(DISTINCT id), count(DISTINCT _file) FROM issues",
    "worklogs": "SELECT id, issue_id, timespentseconds FROM issue_worklogs_newest ORDER BY id",
    "comments": "SELECT count(*), count(DISTINCT id) FROM issue_comments_newest",
    "projects": "SELECT id, key FROM projects_newest ORDER BY id",
    "gone": "SELECT id, outcome FROM deleted_issues_newest ORDER BY id",
}
ODD = "It's 100% Odd!"
"""A stream of another tap, with names that differ in case, and times in other zones."""
QUERIES["odd"] = (
    "SELECT id, sprint, sprint_2, CAST(when_ AS VARCHAR(30)), a_b_x_y FROM it_s_100_odd_newest ORDER BY id"
)
Rows = dict[str, list[list[Any]]]


class Jira(NamedTuple):
    """What two runs of the tap printed, and what Jira held after the second."""

    runs: list[bytes]
    updated: dict[str, str]
    deleted: set[str]


@pytest.fixture(scope="module")
def jira(
    private_key: rsa.RSAPrivateKey,
    private_key_file: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Jira:
    """Run the tap, edit and delete issues, and run it again."""
    folder = tmp_path_factory.mktemp("tap")
    with Sandbox(corpus=Corpus.generate(seed=7, issues=40, projects=2)) as server:
        server.register_consumer(CONSUMER, public_pem(private_key), name="Lake")
        token = server.grant(CONSUMER)
        config = {
            "api_url": server.url,
            "consumer_key": CONSUMER,
            "private_key_file": str(private_key_file),
            "access_token": token.token,
            "access_token_secret": token.secret,
        }
        status, discovered = ended(folder, config, None, "--discover")
        assert status == 0
        options = ("--catalog", str(selected(folder, json.loads(discovered), STREAMS)))
        first, state = tapped(folder, config, None, options)
        server.edit(count=5, seed=3)
        doomed = sorted(server.issues, key=lambda each: each["id"])[:2]
        for issue in doomed:
            server.delete(issue["key"])
        second, _ = tapped(folder, config, state, options)
        updated = {each["id"]: each["updated"] for each in server.issues}
    return Jira([first, second], updated, {each["id"] for each in doomed})


def _load(folder: Path, config: dict[str, Any], jira: Jira) -> None:
    config = config | {"validate_records": False}
    for output in (*jira.runs, _odd_messages()):
        code, _, log = run(folder, config, [output])
        assert code == 0, log


def _odd_messages() -> bytes:
    inner = {"type": "object", "properties": {"x y": {"type": "number"}}}
    properties = {
        "id": {"type": "integer"},
        "Sprint": {"type": "string"},
        "sprint": {"type": "string"},
        "a.b": inner,
    }
    properties |= {"when": {"type": "string", "format": "date-time"}}
    told = {"schema": {"type": "object", "properties": properties}, "key_properties": ["id"]}
    first = {"id": 1, "Sprint": "up", "sprint": "low", "a.b": {"x y": 1.5}}
    messages: list[dict[str, Any]] = [
        {"type": "SCHEMA", "stream": ODD, **told},
        {"type": "RECORD", "stream": ODD, "record": {"id": 3}, "version": 6},
        {
            "type": "RECORD",
            "stream": ODD,
            "version": 7,
            "record": first | {"when": "2026-01-02T03:04:05.678+0200"},
        },
        {
            "type": "RECORD",
            "stream": ODD,
            "version": 7,
            "record": {"id": 2, "a.b": "none", "when": "then"},
        },
        {"type": "ACTIVATE_VERSION", "stream": ODD, "version": 7},
    ]
    return b"".join(json.dumps(each).encode() + b"\n" for each in messages)


def _statements(script: str) -> list[str]:
    """Return the statements of a script, without its comments."""
    lines = [line for line in script.splitlines() if not line.startswith("--")]
    return [each.strip() for each in "\n".join(lines).split(";\n") if each.strip()]


@pytest.fixture(scope="module")
def duckdb_rows(jira: Jira, local_s3: LocalS3, tmp_path_factory: pytest.TempPathFactory) -> Rows:
    """What DuckDB answers, over S3."""
    folder = tmp_path_factory.mktemp("duckdb")
    config = s3_config(local_s3, local_s3.bucket("lake-of-the-engines"))
    _load(folder, config, jira)
    with duck(printed(folder, config, "duckdb"), local_s3) as connection:
        return {
            name: [list(row) for row in connection.execute(sql).fetchall()]
            for name, sql in QUERIES.items()
        }


def test_duckdb_sees_what_jira_holds(jira: Jira, duckdb_rows: Rows) -> None:
    """Every living issue in its newest version, nothing of those that were deleted."""
    found = {id_: _iso(updated) for id_, _, updated, *_ in duckdb_rows["issues"]}
    assert found == {id_: _iso(text) for id_, text in jira.updated.items()}
    assert {id_ for id_, _ in duckdb_rows["gone"]} == jira.deleted
    (versions,) = duckdb_rows["versions"]
    assert versions[0] > versions[1] == len(jira.updated) + len(jira.deleted)
    assert not {issue for _, issue, _ in duckdb_rows["worklogs"]} & jira.deleted
    assert duckdb_rows["worklogs"]
    assert duckdb_rows["odd"] == [
        [1, "low", "up", "2026-01-02 01:04:05.678", 1.5],
        [2, None, None, None, None],
    ]
    (comments,) = duckdb_rows["comments"]
    assert comments[0] == comments[1] > 0
    assert len(duckdb_rows["projects"]) == 2


def _iso(moment: str) -> str:
    """Spell a moment in UTC as one engine does: another one leaves out milliseconds, or adds the offset."""
    whole, _, fraction = re.sub(r"(Z|\+0000|\+00)$", "", moment).partition(".")
    return f"{whole.replace(' ', 'T')}.{fraction:0<3}"


@pytest.mark.skipif(shutil.which("java") is None, reason="Spark needs Java, which is not here")
def test_spark_sees_the_same(jira: Jira, duckdb_rows: Rows, tmp_path: Path) -> None:
    """The same queries, the same values, from a folder."""
    config = {"destination": str(tmp_path / "lake")}
    _load(tmp_path, config, jira)
    order = {
        "statements": _statements(printed(tmp_path, config, "spark")),
        "queries": QUERIES,
    }
    done = subprocess.run(
        [
            str(installed("pyspark").with_name("python")),
            str(Path(__file__).with_name("spark_queries.py")),
        ],
        input=json.dumps(order).encode(),
        capture_output=True,
        cwd=tmp_path,
        check=False,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr.decode()[-3000:]
    assert _plain(json.loads(done.stdout)) == _plain(duckdb_rows)


def _plain(rows: Rows) -> Rows:
    return {
        name: [
            [
                _iso(cell) if isinstance(cell, str) and _MOMENT.fullmatch(cell) else cell
                for cell in row
            ]
            for row in found
        ]
        for name, found in rows.items()
    }


_MOMENT = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)?")


def test_the_views_of_athena_see_the_same(
    jira: Jira, duckdb_rows: Rows, tmp_path: Path, local_s3: LocalS3, bucket: str
) -> None:
    """Its tables in MiniStack's Athena; its views as a parser of Athena's SQL understands them."""
    config = s3_config(local_s3, bucket)
    _load(tmp_path, config, jira)
    views = [
        each for each in _statements(printed(tmp_path, config, "athena")) if " VIEW " in each[:40]
    ]
    raw = [
        each
        for each in _statements(printed(tmp_path, config, "duckdb"))
        if re.match(r'CREATE OR REPLACE VIEW "\w+_raw"', each)
    ]
    with duck(";\n".join(raw), local_s3) as connection:
        connection.execute("CREATE SCHEMA athena")
        for statement in raw:
            (name,) = re.findall(r'VIEW ("\w+")', statement)
            connection.execute(
                f"CREATE VIEW athena.{name} AS SELECT CAST(COLUMNS(* EXCLUDE (_file)) AS VARCHAR), "  # noqa: S608 - our own names
                "_file AS \"$path\", TRY_CAST(regexp_extract(_file, 'load_date=([0-9-]+)', 1) AS DATE) AS load_date "
                f"FROM main.{name}"
            )
        connection.execute("SET search_path = 'athena'")
        for statement in athena.in_words_of_duckdb(views):
            connection.execute(statement)
        found = {
            name: [list(row) for row in connection.execute(sql).fetchall()]
            for name, sql in QUERIES.items()
        }
    assert _plain(found) == _plain(duckdb_rows)


def test_athena_reads_the_tables_through_glue(jira: Jira, tmp_path: Path) -> None:
    """Made by its own statements and by Glue's API; rows, and days of loading as a column."""
    with athena.ministack(tmp_path) as server:
        with closing(server.client("s3")) as client:
            client.create_bucket(Bucket="lake")
        with closing(server.client("glue")) as client:
            client.create_database(DatabaseInput={"Name": "by_sql"})
        config = {
            "destination": "s3://lake/jira",
            "endpoint_url": server.url,
            "region": "us-east-1",
            "aws_access_key_id": "anybody",
            "aws_secret_access_key": "x",
            "addressing_style": "path",
        }
        _load(tmp_path, config, jira)
        for statement in _statements(printed(tmp_path, config, "athena")):
            if " VIEW " not in statement[:40]:
                athena.ask(server, "by_sql", statement, "s3://lake/answers/")
        code, _, log = run(
            tmp_path,
            config,
            [],
            *("--database", "by_api", "--apply"),
            command=("ddl", "--for", "glue"),
            AWS_ENDPOINT_URL_GLUE=server.url,
        )
        assert code == 0, log
        for database in ("by_sql", "by_api"):
            found = athena.ask(server, database, _ALL_TIMES, "s3://lake/answers/")
            newest = {str(id_): _iso(str(text)) for id_, text in found}
            assert newest.keys() == jira.updated.keys() | jira.deleted
            living = {id_: text for id_, text in newest.items() if id_ not in jira.deleted}
            assert living == {id_: _iso(text) for id_, text in jira.updated.items()}


_ALL_TIMES = (
    "SELECT id, CAST(max(updated) AS varchar) FROM issues_raw WHERE load_date IS NOT NULL "
    "GROUP BY id ORDER BY id"
)
