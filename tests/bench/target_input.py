"""Input of the targets under measurement, made once: what our tap prints of the sandbox's issues, repeated with fresh ids."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from sandbox import Corpus, Sandbox

_ISSUES = 2000
_STATE_EVERY = 400


def write(place: Path, records: int, streams: int) -> None:
    """Write a SCHEMA per stream, so many RECORDs in turns of 100, and a STATE every 400."""
    schema, bodies = _from_the_tap(min(records, _ISSUES))
    names = [f"issues_{number}" if number else "issues" for number in range(streams)]
    with place.open("wb") as file:
        for each in names:
            file.write(json.dumps({**schema, "stream": each}).encode() + b"\n")
        for number in range(records):
            name = names[number // 100 % streams].encode()
            head = b'{"type":"RECORD","stream":"%b","record":{"id":"%d",' % (
                name,
                10_000_000 + number,
            )
            file.write(head + bodies[number % len(bodies)] + b"\n")
            if number % _STATE_EVERY == _STATE_EVERY - 1:
                file.write(b'{"type":"STATE","value":{"n":%d}}\n' % (number + 1))
        file.write(b'{"type":"STATE","value":{"n":%d}}\n' % records)


def _from_the_tap(issues: int) -> tuple[dict[str, object], list[bytes]]:
    """Return the SCHEMA and, of each RECORD line, what follows the id."""
    with (
        Sandbox(corpus=Corpus.generate(seed=3, issues=issues, projects=3)) as jira,
        tempfile.NamedTemporaryFile("w", suffix=".json") as config,
    ):
        json.dump(
            {
                "api_url": jira.url,
                "auth_method": "personal_token",
                "personal_token": "sandbox-token",
            },
            config,
        )
        config.flush()
        command = [str(Path(sys.executable).with_name("tap-jira-oauth")), "--config", config.name]
        printed = subprocess.run(command, capture_output=True, check=True).stdout
    lines = printed.split(b"\n")
    schema = next(json.loads(line) for line in lines if line.startswith(b'{"type":"SCHEMA"'))
    bodies = [
        line.partition(b'"record":{')[2].partition(b",")[2]
        for line in lines
        if line.startswith(b'{"type":"RECORD"')
    ]
    return schema, bodies


if __name__ == "__main__":
    write(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
