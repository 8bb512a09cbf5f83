"""The least that a target can do, as a yardstick: read a line, cut out the record, gzip it, put 64 MiB objects.

It checks nothing, promises nothing and takes only one spelling of the messages. Standard input to the folder that is the
first argument, or to the `s3://bucket` there; S3's address and keys come from the environment.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path
from urllib.parse import urlsplit

from isal import isal_zlib

_OBJECT = 64 * 1024**2
_MARK = b'"record":'


class Sink:
    """A folder or a bucket."""

    def __init__(self, destination: str) -> None:
        """Open it."""
        self._folder = Path(destination)
        self._bucket = urlsplit(destination).netloc
        self._objects = 0
        if self._bucket:
            import boto3  # noqa: PLC0415 - a loop that writes files would not load it

            self._client = boto3.client("s3")
        else:
            self._folder.mkdir(parents=True, exist_ok=True)

    def put(self, body: io.BytesIO) -> None:
        """Store one object."""
        self._objects += 1
        name = f"{self._objects:05d}.jsonl.gz"
        if self._bucket:
            body.seek(0)
            self._client.put_object(Bucket=self._bucket, Key=name, Body=body)
        else:
            (self._folder / name).write_bytes(body.getbuffer())


def main() -> None:
    """Run to the end of the input; print the last STATE."""
    sink = Sink(sys.argv[1])
    state = b""
    body = io.BytesIO()
    packer = isal_zlib.compressobj(1, isal_zlib.DEFLATED, 31)
    for line in sys.stdin.buffer:
        if not line.startswith(b'{"type":"RECORD"'):
            state = line if line.startswith(b'{"type":"STATE"') else state
            continue
        end = line.rfind(b',"time_extracted"', -80)
        body.write(packer.compress(line[line.find(_MARK) + len(_MARK) : end] + b"\n"))
        if body.tell() >= _OBJECT:
            body.write(packer.flush())
            sink.put(body)
            body = io.BytesIO()
            packer = isal_zlib.compressobj(1, isal_zlib.DEFLATED, 31)
    body.write(packer.flush())
    sink.put(body)
    sys.stdout.buffer.write(state)


if __name__ == "__main__":
    main()
