"""How fast the sandbox answers: `./dev bench sandbox_speed`.

One process serves, this one reads raw sockets, so that no client library is measured. First what 50,000 issues cost: seconds
until the server is ready with every page warm (`--cold`: with none), and how fast each of them is read for the first time, with
`fields=updated` and with `fields=*all`. Then the same pages again and again, with a personal token and with OAuth 1.0a signatures
made beforehand. At the end the peak of memory, with all of them kept. Beside every rate stands the rate for a second of the
server's CPU: what to look at where other programs share the machine.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import socket
import sys
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode, urlsplit

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from oauthlib.oauth1 import SIGNATURE_RSA, Client

from sandbox import Corpus, Sandbox

if TYPE_CHECKING:
    from collections.abc import Sequence
    from multiprocessing.connection import Connection

    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from typing_extensions import Self

PAGE: Final = 100
JQL: Final = "ORDER BY updated ASC, key ASC"
FIELDS: Final = ("updated", "*all")
CONSUMER: Final = "bench"
_READ: Final = 1 << 20


@dataclass(frozen=True)
class Served:
    """What the serving process says of itself."""

    url: str
    token: str
    ready_seconds: float
    ready_cpu_seconds: float


def serve(pipe: Connection, issues: int, public_pem: bytes, warm: Sequence[str]) -> None:
    """Serve in this process, telling the seconds of CPU used so far, until the pipe says stop; then the peak of memory in MB."""
    started = time.perf_counter()
    corpus = Corpus.generate(seed=1, issues=issues, projects=3)
    with Sandbox(corpus=corpus, window=2 * issues, warm=warm) as jira:
        jira.register_consumer(CONSUMER, public_pem)
        token = jira.grant(CONSUMER).token
        ready = time.perf_counter() - started
        pipe.send(Served(jira.url, token, ready, time.process_time()))
        while pipe.recv() == "cpu":
            pipe.send(time.process_time())
        pipe.send(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


class Reader:
    """A client that does nothing but send prepared bytes and count what comes back."""

    def __init__(self, url: str) -> None:
        """Connect once; the connection stays open."""
        where = urlsplit(url)
        self._socket = socket.create_connection((where.hostname, where.port), timeout=60)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer = bytearray(_READ)

    def __enter__(self) -> Self:
        """For a `with` block."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self._socket.close()

    def get(self, request: bytes) -> int:
        """The length of the answer's body; RuntimeError for any answer but a 200 with a length."""
        self._socket.sendall(request)
        text = b""
        while b"\r\n\r\n" not in text:
            data = self._socket.recv(_READ)
            if not data:
                raise RuntimeError("the sandbox closed the connection")
            text += data
        head, _, rest = text.partition(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(f"the sandbox answered {head[:60]!r} {rest[:200]!r}")
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
        left = length - len(rest)
        while left > 0:
            left -= self._socket.recv_into(self._buffer)
        return length


def requests(served: Served, fields: str, pages: int, key: RSAPrivateKey | None) -> list[bytes]:
    """Prepared requests for `pages` pages from the start; signed with `key`, else with a personal token."""
    client = Client(
        CONSUMER,
        resource_owner_key=served.token,
        signature_method=SIGNATURE_RSA,
        rsa_key=key,
    )
    found = []
    for number in range(pages):
        query = {"jql": JQL, "fields": fields, "maxResults": PAGE, "startAt": number * PAGE}
        url = f"{served.url}/rest/api/2/search?{urlencode(query)}"
        signed = client.sign(url)[1]["Authorization"] if key else "Bearer sandbox-token"
        where = urlsplit(url)
        head = f"GET {where.path}?{where.query} HTTP/1.1\r\nHost: {where.netloc}\r\n"
        found.append(f"{head}Cookie: JSESSIONID=0\r\nAuthorization: {signed}\r\n\r\n".encode())
    return found


def measured(served: Served, prepared: Sequence[bytes], connections: int) -> tuple[float, float]:
    """Pages a second and MB a second, over so many connections."""
    shares = [prepared[i::connections] for i in range(connections)]
    sizes: list[int] = []

    def read(share: Sequence[bytes]) -> None:
        with Reader(served.url) as reader:
            sizes.extend([reader.get(request) for request in share])

    threads = [threading.Thread(target=read, args=(share,)) for share in shares]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - started
    if len(sizes) != len(prepared):
        raise RuntimeError(f"{len(prepared) - len(sizes)} requests were not answered")
    return len(sizes) / seconds, sum(sizes) / seconds / 1e6


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--issues", type=int, default=50_000)
    parser.add_argument("--connections", type=int, default=1)
    parser.add_argument("--cold", action="store_true", help="render nothing before it is asked for")
    options = parser.parse_args(argv)
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    public = key.public_key().public_bytes(serialization.Encoding.PEM, form)
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    warm = () if options.cold else FIELDS
    process = context.Process(target=serve, args=(there, options.issues, public, warm))
    process.start()
    try:
        report(here, options, key)
    finally:
        here.close()
        process.join(30)
    return 0


def report(pipe: Connection, options: argparse.Namespace, key: RSAPrivateKey) -> None:
    """Print one figure a line."""
    served: Served = pipe.recv()

    def cpu() -> float:
        pipe.send("cpu")
        seconds: float = pipe.recv()
        return seconds

    def show(what: str, fields: str, prepared: Sequence[bytes]) -> None:
        before = cpu()
        rate, speed = measured(served, prepared, options.connections)
        a_cpu_second = len(prepared) / (cpu() - before)
        sys.stdout.write(
            f"{what:15} fields={fields:8} {rate:7.0f} pages/s {speed:7.1f} MB/s {a_cpu_second:7.0f} pages/CPU s\n"
        )
        sys.stdout.flush()

    sys.stdout.write(
        f"ready after {served.ready_seconds:.1f} s ({served.ready_cpu_seconds:.1f} s of CPU) with {options.issues} issues\n"
    )
    for reading in ("first", "second"):
        for fields in FIELDS:
            every = requests(served, fields, options.issues // PAGE, None)
            show(f"{reading} read", fields, every)
    pages = min(options.issues // PAGE, 100)
    for signing in (None, key):
        how = "signed" if signing else "personal token"
        for fields, rounds in (("updated", 20), ("*all", 2)):
            many = [
                request
                for _ in range(rounds)
                for request in requests(served, fields, pages, signing)
            ]
            show(how, fields, many)
    pipe.send("stop")
    sys.stdout.write(f"peak memory {pipe.recv():.0f} MB\n")


if __name__ == "__main__":
    sys.exit(main())
