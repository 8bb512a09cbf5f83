"""The plainest target that the Singer SDK makes: a BatchSink that writes gzip JSONL files, with everything at its default."""

from __future__ import annotations

import gzip
import itertools
import json
import time
from pathlib import Path
from typing import Any

from singer_sdk import Target
from singer_sdk import typing as th
from singer_sdk.sinks import BatchSink


class PlainSink(BatchSink):
    """One file per batch."""

    _numbers = itertools.count()

    def process_batch(self, context: dict[str, Any]) -> None:
        """Write the records of a batch, after the `seconds` that a slow store would take.

        On SIGTERM the SDK drains a second time, with a batch without records. The sinks in its
        documentation do not reckon with that; `takes_empty` is for those that do.
        """
        records = context.get("records", []) if self.config["takes_empty"] else context["records"]
        if not records:
            return
        folder = Path(self.config["folder"])
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "begun").touch()
        time.sleep(float(self.config["seconds"]))
        with gzip.open(folder / f"{next(self._numbers):05d}.jsonl.gz", "wt", 1) as file:
            for record in records:
                file.write(json.dumps(record, default=str) + "\n")


class PlainTarget(Target):
    """Nothing but the sink."""

    name = "target-plain"
    config_jsonschema = th.PropertiesList(
        th.Property("folder", th.StringType),
        th.Property("seconds", th.NumberType, default=0),
        th.Property("takes_empty", th.BooleanType, default=False),
    ).to_dict()
    default_sink_class = PlainSink


if __name__ == "__main__":
    PlainTarget.cli()
