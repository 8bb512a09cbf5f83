"""A DuckDB that reads the local S3 server, and runs what `ddl` prints."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import duckdb_extension_httpfs  # type: ignore[import-untyped]  # a package around one file

from target.command import run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from local_s3 import LocalS3


def printed(folder: Path, config: dict[str, Any], engine: str, *options: str) -> str:
    """Return what `ddl` prints for an engine."""
    code, lines, log = run(folder, config, [], *options, command=("ddl", "--for", engine))
    assert code == 0, log
    return b"\n".join(lines).decode()


@contextmanager
def duck(script: str, server: LocalS3 | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a database with the tables and views of a script."""
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'America/New_York'")  # which must not matter
        if server is not None:
            folder = Path(duckdb_extension_httpfs.__file__).parent / "extensions"
            (extension,) = folder.rglob("httpfs.duckdb_extension")
            connection.execute(f"LOAD '{extension}'")
            connection.execute(
                f"CREATE SECRET (TYPE s3, KEY_ID '{server.access_key}', SECRET '{server.secret_key}', "
                f"REGION '{server.region}', ENDPOINT '127.0.0.1:{server.port}', URL_STYLE 'path', USE_SSL false)"
            )
        connection.execute(script)
        yield connection
