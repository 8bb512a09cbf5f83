"""`./dev sandbox`: a Jira to try the tap with, until Ctrl-C."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from sandbox.corpus import Corpus
from sandbox.replay import Replay
from sandbox.script import Order
from sandbox.server import DEFAULT_USERS, Sandbox
from sandbox.users import read_user

CONSUMER_KEY = "tap-jira-oauth"


def main(argv: list[str] | None = None) -> int:
    """Serve until a signal comes; returns the exit status."""
    options = _options(argv)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    try:
        sandbox = _sandbox(options)
        sandbox.play(Order(per_second=options.edits_per_second, seed=options.seed))
        key_file = _key_pair(options.keys, sandbox)
        with sandbox:
            sys.stdout.write(_settings(sandbox, key_file))
            sys.stdout.flush()
            stop.wait()
    except (OSError, ValueError) as error:
        sys.stderr.write(f"sandbox: {error}\n")
        return 1
    return 0


def _options(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./dev sandbox", description=__doc__)
    add = parser.add_argument
    add("--port", type=int, default=8080, help="loopback port; 0 for any free one (default 8080)")
    add(
        "--context-path",
        default="/jira",
        help="where Jira lives below the host; may be empty (default /jira)",
    )
    add("--issues", type=int, default=250, help="how many issues to invent (default 250)")
    add("--projects", type=int, default=3, help="in how many projects (default 3)")
    add("--seed", type=int, default=1, help="another seed, other issues (default 1)")
    add("--folder", type=Path, help="serve the issues of recorded answers instead of invented ones")
    add(
        "--replay",
        type=Path,
        help="answer requests under /rest/ from recorded exchanges, byte for byte",
    )
    add("--page-cap", type=int, default=1000, help="the most issues in one answer (default 1000)")
    add(
        "--user",
        action="append",
        default=[],
        metavar="JSON",
        help='a user instead of `sandbox`, as {"name": "ada", "time_zone": "Asia/Tokyo", "projects": ["OPS"]}; may be repeated, see README.md',
    )
    add(
        "--warm",
        action="append",
        default=[],
        metavar="FIELDS",
        help="render every issue with these fields before the first request, as *all or updated; may be repeated",
    )
    add("--cloud", action="store_true", help="be Jira Cloud instead of Data Center 10.3")
    add(
        "--index-lag",
        type=float,
        action="append",
        default=[],
        metavar="SECONDS",
        help="how far the search index of a node lies behind; each use adds a node",
    )
    add(
        "--edits-per-second",
        type=float,
        default=0,
        help="let people edit issues all the time (default 0)",
    )
    add(
        "--keys",
        type=Path,
        default=Path("sandbox-keys"),
        help="folder for the key pair (default sandbox-keys)",
    )
    return parser.parse_args(argv)


def _sandbox(options: argparse.Namespace) -> Sandbox:
    if options.folder:
        corpus = Corpus.from_folder(options.folder)
    else:
        corpus = Corpus.generate(
            seed=options.seed, issues=options.issues, projects=options.projects
        )
    replay = Replay.from_folder(options.replay) if options.replay else None
    return Sandbox(
        corpus=corpus,
        replay=replay,
        context_path=options.context_path,
        port=options.port,
        page_cap=options.page_cap,
        users=[read_user(text) for text in options.user] or DEFAULT_USERS,
        flavor="cloud" if options.cloud else "data_center",
        nodes=_nodes(options.index_lag),
        warm=options.warm,
    )


def _nodes(lags: list[float]) -> dict[str, tuple[float, float]]:
    """A node for every lag, which varies by half of it from edit to edit; one that does not lag where none is given."""
    return {f"sandbox-{number}": (lag / 2, lag) for number, lag in enumerate(lags or [0], start=1)}


def _key_pair(folder: Path, sandbox: Sandbox) -> Path:
    """The consumer's private key, made once, readable by its owner only; its public half becomes the consumer's."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / "private.pem"
    if not path.exists():
        made = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        pem = made.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(pem)
    key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    sandbox.register_consumer(CONSUMER_KEY, public, "tap-jira-oauth")
    return path


def _settings(sandbox: Sandbox, key_file: Path) -> str:
    servlets = f"{sandbox.url}/plugins/servlet/oauth"
    rows = {
        "api_url": sandbox.url,
        "consumer_key": CONSUMER_KEY,
        "private_key_file": str(key_file),
        **_without_consent(sandbox),
        "request token URL": f"{servlets}/request-token",
        "authorize URL": f"{servlets}/authorize",
        "access token URL": f"{servlets}/access-token",
        "control": f"{sandbox.url}/_sandbox/requests (see README.md)",
        "serving": "recorded exchanges" if sandbox.replay else sandbox.corpus.origin,
    }
    if sandbox.warm:
        rows["rendered"] = f"{sandbox.rendered} times an issue, before the first request"
    return "\n".join(f"{name:18} {value}" for name, value in rows.items()) + "\nCtrl-C stops it.\n"


def _without_consent(sandbox: Sandbox) -> dict[str, str]:
    """The shortest way to sign in, as the user that is there unless others were named."""
    user = DEFAULT_USERS[0]
    if user not in sandbox.users or sandbox.flavor == "cloud":
        return {}
    return {"or auth_method": "personal_token", "personal_token": f"{user.personal_token}"}


if __name__ == "__main__":
    sys.exit(main())
