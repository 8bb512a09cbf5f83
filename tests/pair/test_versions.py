"""The versions of lists that were read whole: what targets make of them."""

from __future__ import annotations

import io
import json
import sqlite3
import subprocess
from contextlib import closing
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from pair.test_pair import BIN, SECONDS, without_settings
from sandbox import Corpus, Sandbox
from tap.below import select
from tap.command import messages, started
from target.command import s3_config

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from local_s3 import LocalS3
    from pair.conftest import Peer

STREAMS = ("statuses", "users")


@pytest.fixture
def lines(tmp_path: Path) -> bytes:
    """What the tap prints of two lists."""
    with Sandbox(corpus=Corpus.generate(seed=7, issues=5)) as jira:
        user = {"auth_method": "basic", "username": "sandbox", "password": "sandbox"}
        options = select(tmp_path, STREAMS)
        with started(tmp_path, {"api_url": jira.url, **user}, None, *options) as process:
            output, _ = process.communicate(timeout=SECONDS)
            assert process.returncode == 0, (tmp_path / "log").read_text()
    said = [each for each in messages(output) if each["type"] == "ACTIVATE_VERSION"]
    assert {each["stream"] for each in said} == set(STREAMS)
    return output


def load(folder: Path, target: Path, config: dict[str, Any], lines: bytes) -> None:
    """Hand them to a target, which must take them all."""
    (folder / "target.json").write_text(json.dumps(config))
    done = subprocess.run(
        [str(target), "--config", "target.json"],
        cwd=folder,
        env=without_settings(HOME=str(folder)),
        input=lines,
        capture_output=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()


def test_our_target_keeps_them_with_each_object(
    tmp_path: Path, local_s3: LocalS3, bucket: str, lines: bytes
) -> None:
    """The version of the records is the active one: it is said before the STATE that closes the object."""
    load(tmp_path, BIN / "target-s3-jsonl", s3_config(local_s3, bucket), lines)
    with closing(local_s3.client()) as client:
        found = [
            client.head_object(Bucket=bucket, Key=key)["Metadata"]
            for key in local_s3.objects(bucket)
        ]
    assert len(found) == len(STREAMS)
    assert all(each["version"] == each["active-version"] for each in found)


@pytest.mark.workspace
def test_target_jsonl_of_the_package_index_takes_them(
    tmp_path: Path, peer: Peer, lines: bytes
) -> None:
    """It knows no versions, and writes every record."""
    load(tmp_path, peer("target-jsonl"), {"destination_path": str(tmp_path)}, lines)
    for stream in STREAMS:
        (path,) = tmp_path.glob(f"{stream}-*.jsonl")
        records = [each for each in messages(lines) if each["type"] == "RECORD"]
        written = [json.loads(line) for line in path.read_text("utf-8").split("\n") if line]
        assert written == [each["record"] for each in records if each["stream"] == stream]


@pytest.mark.workspace
@pytest.mark.filterwarnings("ignore:The default datetime adapter:DeprecationWarning")
@pytest.mark.parametrize("hard_delete", [True, False])
def test_an_sql_target_of_the_sdk_has_what_the_list_has(
    tmp_path: Path, lines: bytes, *, hard_delete: bool
) -> None:
    """What is gone is removed or marked, in a run that ends; one that fails before the version takes nothing away."""
    target = sqlite_target(tmp_path / "db", hard_delete=hard_delete)
    found = [each for each in messages(lines) if each.get("stream") == "statuses"]
    version = found[-1]["version"]
    ids = {each["record"]["id"] for each in found if each["type"] == "RECORD"}
    target(found)
    assert live(tmp_path / "db") == ids
    gone = min(ids)
    later = [
        {**each, "version": version + 10} if "version" in each else each
        for each in found
        if each.get("record", {}).get("id") != gone
    ]
    target(later[: len(later) // 2])
    assert live(tmp_path / "db") == ids
    target(later)
    assert live(tmp_path / "db") == ids - {gone}


def live(database: Path) -> set[str]:
    """The ids of the rows that are not marked as deleted."""
    with closing(sqlite3.connect(database)) as connection:
        columns = [row[1] for row in connection.execute("pragma table_info(statuses)")]
        rows = connection.execute("select * from statuses").fetchall()
    found = [dict(zip(columns, row, strict=True)) for row in rows]
    assert len({each["id"] for each in found}) == len(found)
    return {str(each["id"]) for each in found if each.get("_sdc_deleted_at") is None}


def sqlite_target(
    database: Path, *, hard_delete: bool
) -> Callable[[Iterable[dict[str, Any]]], None]:
    """An SQL target as the SDK makes one, for SQLite, where a row of the same key replaces the old one."""
    from singer_sdk.sql import SQLConnector, SQLSink, SQLTarget  # noqa: PLC0415 - needs sqlalchemy

    class Connector(SQLConnector):
        """A file."""

        def get_sqlalchemy_url(self, config: Any) -> str:  # noqa: ARG002 - as the SDK calls it
            return f"sqlite:///{database}"

    class Sink(SQLSink[Connector]):
        """As the SDK has it."""

        connector_class = Connector

        def generate_insert_statement(self, full_table_name: Any, schema: Any) -> Any:
            made: Any = super().generate_insert_statement(full_table_name, schema)
            return made.prefix_with("OR REPLACE")

    class Target(SQLTarget):
        """As the SDK has it."""

        name = "target-sqlite"
        default_sink_class = Sink
        config_jsonschema: ClassVar[dict[str, Any]] = {"properties": {}}

    def load_all(found: Iterable[dict[str, Any]]) -> None:
        flat = {"flattening_enabled": True, "flattening_max_depth": 3}
        config = {"hard_delete": hard_delete, "add_record_metadata": True, **flat}
        text = "".join(json.dumps(each) + "\n" for each in found)
        target = Target(config=config)
        target.listen(io.StringIO(text))
        target.target_connector._engine.dispose()  # noqa: SLF001 - else the file stays open

    return load_all
