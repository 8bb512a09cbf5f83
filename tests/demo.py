"""`./dev demo`: the whole way from a Jira to JSONL objects, on this machine alone.

Starts the sandbox Jira on loopback, signs in by the real OAuth 1.0a dance (the sandbox's test
approval stands in for the person's click), runs the literal Meltano command, prints what landed,
edits some issues, runs again, and shows that only those came. Ends with an error if anything is
missing, so it is a test, too.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from local_s3 import LocalS3
from sandbox import Corpus, Sandbox

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

ROOT = Path(__file__).resolve().parent.parent
OUTPUT = ROOT / "output"
MARK = ".made-by-the-demo"
WORK = ROOT / ".meltano" / "demo"
PIPELINE = ["meltano", "run", "tap-jira-oauth", "target-s3-jsonl"]
STATE_ID = "dev:tap-jira-oauth-to-target-s3-jsonl"
CONSUMER = "demo"
BUCKET = "lake"
EDITS = 5

Landed = dict[str, list[dict[str, Any]]]
"""The records of each object, by its path."""


def main() -> None:
    """Run the demo; Ctrl-C stops it and everything that it started."""
    parser = argparse.ArgumentParser(prog="./dev demo", description=__doc__.splitlines()[0])
    parser.add_argument("--s3", action="store_true", help="into a local S3 server, not ./output")
    parser.add_argument("--recorded", type=Path, metavar="DIR", help="a folder of recorded issues")
    parser.add_argument("--issues", type=int, default=250, help="how many issues to invent")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with ExitStack() as stack:
            demonstrate(given, stack)
    except KeyboardInterrupt:
        print("\nStopped.", file=sys.stderr)
        sys.exit(128 + signal.SIGINT)


def demonstrate(given: argparse.Namespace, stack: ExitStack) -> None:
    """Show the two runs."""
    began = time.monotonic()
    corpus = (
        Corpus.from_folder(given.recorded)
        if given.recorded
        else Corpus.generate(seed=1, issues=given.issues)
    )
    shutil.rmtree(WORK, ignore_errors=True)
    jira = stack.enter_context(Sandbox(corpus=corpus))
    say(f"A sandbox Jira with {corpus.origin} listens at {jira.url}")
    keys = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="demo-keys-")))
    environment = os.environ | tap_variables(jira, keys)
    if given.s3:
        server = stack.enter_context(LocalS3())
        environment |= s3_variables(server)
        read: Callable[[], Landed] = lambda: read_bucket(server)  # noqa: E731 - a name for either
    else:
        clear(OUTPUT)
        stack.callback(mark, OUTPUT)
        environment |= {"TARGET_S3_JSONL_DESTINATION": str(OUTPUT)}
        read = read_folder

    run_pipeline(environment)
    first = read()
    show_objects(first)
    show_samples(first)
    check(newest(first), jira, "after the first run")

    edited = jira.edit(count=EDITS, seed=1)
    say(f"{len(edited)} issues were edited in Jira: {', '.join(sorted(edited))}. The same again:")
    run_pipeline(environment)
    both = read()
    second = {path: records for path, records in both.items() if path not in first}
    show_objects(second)
    came = sorted(record["key"] for records in second.values() for record in records)
    if came != sorted(edited):
        sys.exit(f"The second run brought {came}, not the edited issues.")
    check(newest(both), jira, "after the second run")
    show_bookmark(environment)
    place = f"the bucket '{BUCKET}', gone now" if given.s3 else "./output"
    say(f"All of Jira is in {place}. {time.monotonic() - began:.0f} s in all.")


def tap_variables(jira: Sandbox, folder: Path) -> dict[str, str]:
    """Make a key pair and sign in as a person would; return the settings that the tap needs."""
    key, credentials = folder / "jira_private_key.pem", folder / "jira_credentials.json"
    made = jira_oauth("keygen", "--private-key-file", key, "--consumer-key", CONSUMER)
    jira.register_consumer(CONSUMER, made[made.index("-----BEGIN") :], name="The demo")
    say("Signing in by OAuth 1.0a: `jira-oauth keygen`, then `jira-oauth login`")
    login = subprocess.Popen(
        [
            *("jira-oauth", "login", "--no-browser"),
            *("--api-url", jira.url, "--consumer-key", CONSUMER),
            *("--private-key-file", key, "--credentials-file", credentials),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with login:
        assert login.stdin is not None
        assert login.stderr is not None
        page = next(line.strip() for line in login.stderr if "/authorize?" in line)
        token = parse_qs(urlsplit(page).query)["oauth_token"][0]
        output, trouble = login.communicate(jira.approve(token) + "\n")
    if login.returncode:
        sys.exit(trouble)
    print(f"  {output.splitlines()[0]}")
    return {
        "TAP_JIRA_OAUTH_API_URL": jira.url,
        "TAP_JIRA_OAUTH_CREDENTIALS_STORE": "file",
        "TAP_JIRA_OAUTH_CREDENTIALS_FILE": str(credentials),
        "TAP_JIRA_OAUTH_PAGE_SIZE": "50",
        "NO_PROXY": "127.0.0.1",
        "MELTANO_SYS_DIR_ROOT": str(WORK),
        "MELTANO_CLI_DISABLE_VERSION_CHECK": "1",
    }


def jira_oauth(*arguments: object) -> str:
    """Run `jira-oauth` to its end and return what it printed."""
    command = ["jira-oauth", *map(str, arguments)]
    return subprocess.run(
        command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ).stdout


def s3_variables(server: LocalS3) -> dict[str, str]:
    """Make a bucket; return the settings that the target needs."""
    server.bucket(BUCKET)
    return {
        "TARGET_S3_JSONL_DESTINATION": f"s3://{BUCKET}/jira",
        "TARGET_S3_JSONL_ENDPOINT_URL": server.endpoint_url,
        "TARGET_S3_JSONL_ADDRESSING_STYLE": "path",
        "AWS_ACCESS_KEY_ID": server.access_key,
        "AWS_SECRET_ACCESS_KEY": server.secret_key,
        "AWS_DEFAULT_REGION": server.region,
    }


def clear(folder: Path) -> None:
    """Empty a folder of what an earlier demo made; anything else in it is not ours to touch."""
    noted = folder / MARK
    made = set(noted.read_text("utf-8").splitlines()) if noted.exists() else set()
    if files_of(folder) - made:
        sys.exit(f"./{folder.name} holds files that are not the demo's. Move them away first.")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()


def mark(folder: Path) -> None:
    """Note what the demo has made, for the next one: a person may load into the same folder then."""
    (folder / MARK).write_text("\n".join(sorted(files_of(folder))), "utf-8")


def files_of(folder: Path) -> set[str]:
    """Return the files in a folder but the mark."""
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    return found - {MARK}


def run_pipeline(environment: Mapping[str, str]) -> None:
    """Run the literal command, with its own output, and end where it fails."""
    print(f"\n$ {' '.join(PIPELINE)}", flush=True)
    # Meltano writes the settings to disk while it runs: for the owner's eyes only.
    child = subprocess.Popen(PIPELINE, cwd=ROOT, env=dict(environment), umask=0o077)
    try:
        status = child.wait()
    except KeyboardInterrupt:
        child.wait()  # the terminal sent it the same Ctrl-C
        raise
    if status:
        sys.exit(f"{' '.join(PIPELINE)} ended with status {status}.")


def read_folder() -> Landed:
    """Read every object of the folder."""
    return {
        str(path.relative_to(ROOT)): records_of(path.read_bytes())
        for path in sorted(OUTPUT.rglob("*.jsonl.gz"))
    }


def read_bucket(server: LocalS3) -> Landed:
    """Read every object of the bucket."""
    objects = sorted(server.objects(BUCKET).items())
    return {f"s3://{BUCKET}/{key}": records_of(body) for key, body in objects}


def records_of(body: bytes) -> list[dict[str, Any]]:
    """Return the records of one object, read without any code of the target."""
    return [json.loads(line) for line in gzip.decompress(body).splitlines()]


def newest(landed: Landed) -> dict[str, str]:
    """Return the newest `updated` of each issue, by id: what "latest per key" in SQL gives."""
    found: dict[str, str] = {}
    for records in landed.values():
        for record in records:
            found[record["id"]] = max(record["updated"], found.get(record["id"], ""))
    return found


def check(found: dict[str, str], jira: Sandbox, when: str) -> None:
    """Compare what landed with what Jira holds; one missing issue ends the demo with an error."""
    truth = {issue["id"]: issue["updated"].replace("+0000", "Z") for issue in jira.issues}
    if found != truth:
        wrong = sum(found.get(id_) != updated for id_, updated in truth.items())
        sys.exit(f"{wrong} of {len(truth)} issues are missing or old {when}.")
    print(f"\n  {len(truth)} of {len(truth)} issues of Jira are there in their newest version.")


def show_objects(landed: Landed) -> None:
    """Print the objects, and the rows by project."""
    say("What landed:")
    for path, records in landed.items():
        print(f"  {path}  {len(records)} rows")
    rows = Counter(record["project_key"] for records in landed.values() for record in records)
    width = max((len(key) for key in rows), default=0)
    print()
    for key, count in sorted(rows.items()):
        print(f"  {key:{width}}  {count:6} rows")


def show_samples(landed: Landed) -> None:
    """Print two records, cut to a readable size."""
    say("Two of them:")
    records = [record for rows in landed.values() for record in rows]
    for record in records[:: max(1, len(records) - 1)][:2]:
        fields = record.pop("fields")
        shown = {name: fields[name] for name in ("summary", "status", "labels") if name in fields}
        if isinstance(shown.get("status"), dict):
            shown["status"] = {"name": shown["status"].get("name"), "...": "..."}
        text = json.dumps({**record, "fields": {**shown, "...": f"{len(fields)} in all"}}, indent=2)
        print("  " + text.replace("\n", "\n  "))


def show_bookmark(environment: Mapping[str, str]) -> None:
    """Print what Meltano saved for the next run."""
    say(f"$ meltano state get {STATE_ID}")
    found = subprocess.run(
        ["meltano", "state", "get", STATE_ID],
        cwd=ROOT,
        env=dict(environment),
        check=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ).stdout
    state = json.loads(found).get("singer_state", {})
    for part in state["bookmarks"]["issues"]["partitions"]:
        print(f"  {part['project_key']}: read up to {part['replication_key_value']}")


def say(line: str) -> None:
    """Print a heading."""
    print(f"\n{line}", flush=True)


if __name__ == "__main__":
    main()
