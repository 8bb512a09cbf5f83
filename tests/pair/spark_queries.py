"""Runs statements and queries in Spark; a script of its own, because Spark lives in an environment of its own.

Reads `{"statements": [...], "queries": {name: sql}}` from standard input, prints rows by name.
"""

from __future__ import annotations

import json
import sys

from pyspark.sql import (  # type: ignore[import-not-found]  # installed in an environment of its own
    SparkSession,
)


def main() -> None:
    """Run once, on one core of this machine; nothing listens on other addresses."""
    order = json.load(sys.stdin)
    settings = {
        # A few rows: to compile for them takes longer than to read them.
        "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
        "spark.sql.codegen.wholeStage": "false",
        "spark.sql.codegen.factoryMode": "NO_CODEGEN",
        "spark.sql.adaptive.enabled": "false",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.shuffle.partitions": "1",
        "spark.ui.enabled": "false",
    }
    builder = SparkSession.builder.master("local[1]")
    for name, value in settings.items():
        builder = builder.config(name, value)
    spark = builder.getOrCreate()
    for statement in order["statements"]:
        spark.sql(statement)
    found = {
        name: [list(row) for row in spark.sql(query).collect()]
        for name, query in order["queries"].items()
    }
    spark.stop()
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
