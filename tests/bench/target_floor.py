"""The least that a target can do, as a yardstick: read a line, find the record, gzip it, put 64 MiB objects.

It promises nothing. Standard input to the folder that is the first argument, or to the `s3://bucket` there; S3's address and
keys come from the environment. With `cut` as the second argument records are not found by scanning the JSON, but cut out of
the one spelling that our tap has: then not even a broken line is noticed.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
from isal import isal_zlib

_OBJECT = 64 * 1024**2
_MARK = b'"record":'


class Message(msgspec.Struct):
    """What the floor looks at."""

    type: str
    record: msgspec.Raw = msgspec.Raw()


_decode = msgspec.json.Decoder(Message).decode


def scanned(line: bytes) -> bytes:
    """Return the record of a RECORD line, found by a scan of its JSON; nothing for other messages."""
    return bytes(_decode(line).record)


def cut(line: bytes) -> bytes:
    """Return the same, cut out at the places where our tap puts it."""
    if not line.startswith(b'{"type":"RECORD"'):
        return b""
    return line[line.find(_MARK) + len(_MARK) : line.rfind(b',"time_extracted"', -80)]


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
    find = cut if sys.argv[2:] == ["cut"] else scanned
    for line in sys.stdin.buffer:
        record = find(line)
        if not record:
            state = line
            continue
        body.write(packer.compress(record + b"\n"))
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
