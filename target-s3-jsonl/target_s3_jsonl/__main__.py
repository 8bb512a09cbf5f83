"""`python -m target_s3_jsonl`: the command, where no script of that name is on the PATH."""

from __future__ import annotations

from target_s3_jsonl.target import TargetS3Jsonl

TargetS3Jsonl.cli()
