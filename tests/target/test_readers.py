"""Readers that know nothing of us see every row and every value, over S3."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from pyarrow import dataset, fs

from target.command import run, s3_config, schema, state
from target.duck import duck

if TYPE_CHECKING:
    from local_s3 import LocalS3

_TEXTS = ["plain", "é 🙂 \u2028 line", 'quote " and \\ and \t', ""]
_ROWS = 40


def _row(number: int) -> dict[str, Any]:
    return {
        "id": number,
        "text": _TEXTS[number % len(_TEXTS)],
        "day": f"2026-01-0{number % 3 + 1}",
        "price": number / 4,
        "nested": {"list": [number, number + 1], "flag": number % 2 == 0},
    }


def _expected() -> list[tuple[Any, ...]]:
    rows = [_row(number) for number in range(_ROWS)]
    return [(each["id"], each["text"], each["price"], each["nested"]["list"]) for each in rows]


@pytest.fixture(scope="module")
def lake(local_s3: LocalS3, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Load rows into hive partitions, several objects each, and one object of a single row."""
    bucket = local_s3.bucket("lake-of-the-readers")
    lines = [schema(text={}, day={}, price={}, nested={})]
    for number in range(_ROWS):
        message = {"type": "RECORD", "stream": "issues", "record": _row(number)}
        lines.append(json.dumps(message, ensure_ascii=number % 2 == 0).encode() + b"\n")
    config = s3_config(
        local_s3,
        bucket,
        batch_size_rows=9,
        path_template="{stream}/day={record[day]}/{name}.jsonl",
    )
    folder = tmp_path_factory.mktemp("readers")
    code, states, log = run(folder, config, [*lines, state(_ROWS)])
    assert (code, states) == (0, [b'{"n": %d}' % _ROWS]), log
    return bucket


def test_duckdb_reads_the_lake(local_s3: LocalS3, lake: str) -> None:
    """By SQL over S3, with the folders as a column."""
    with duck("", local_s3) as connection:
        place = f"'s3://{lake}/jira/issues/*/*.jsonl.gz'"
        found = connection.execute(
            f"SELECT id, text, price, nested.list FROM read_json({place}) ORDER BY id"  # noqa: S608 - our own names
        ).fetchall()
        days = connection.execute(
            f"SELECT count(DISTINCT day) FROM read_json({place}, hive_partitioning = true)"  # noqa: S608 - our own names
        ).fetchall()
    assert found == _expected()
    assert days == [(3,)]


def test_pyarrow_reads_the_lake(local_s3: LocalS3, lake: str) -> None:
    """As a dataset; it is the strictest reader."""
    system = fs.S3FileSystem(
        access_key=local_s3.access_key,
        secret_key=local_s3.secret_key,
        region=local_s3.region,
        endpoint_override=local_s3.endpoint_url,
    )
    table = dataset.dataset(
        f"{lake}/jira/issues", filesystem=system, format=dataset.JsonFileFormat()
    ).to_table()
    found = sorted(
        (each["id"], each["text"], each["price"], each["nested"]["list"])
        for each in table.to_pylist()
    )
    assert found == _expected()


def test_polars_reads_the_lake(local_s3: LocalS3, lake: str) -> None:
    """Lazily, with its own client of S3."""
    frame = pl.scan_ndjson(
        f"s3://{lake}/jira/issues/**/*.jsonl.gz",
        storage_options={
            "aws_access_key_id": local_s3.access_key,
            "aws_secret_access_key": local_s3.secret_key,
            "aws_region": local_s3.region,
            "aws_endpoint_url": local_s3.endpoint_url,
            "aws_allow_http": "true",
            "aws_virtual_hosted_style_request": "false",
        },
    ).collect()
    found = sorted(
        (each["id"], each["text"], each["price"], each["nested"]["list"])
        for each in frame.to_dicts()
    )
    assert found == _expected()
