"""What a signature costs: `./dev bench signing [--bits 3072] [--requests 50]`.

Three ways to sign the same request with RSA-SHA1: our signer, which holds the key object; the same
library given the PEM text, which it parses anew each time; and the PEM text signed twice, which is
what the Singer SDK makes of an authenticator (once when it prepares the request, once when it
sends it). Milliseconds of CPU for one request, the best of three rounds.
"""

from __future__ import annotations

import argparse
import time
from typing import TYPE_CHECKING

import requests
from oauthlib.oauth1 import SIGNATURE_RSA
from requests_oauthlib import OAuth1

from tap_jira_oauth.auth.oauth1 import RSASignature
from tap_jira_oauth.auth.private_key import make_private_key, private_pem

if TYPE_CHECKING:
    from requests.auth import AuthBase

URL = "https://jira.example.com/jira/rest/api/2/search?jql=project%20%3D%20ABC&startAt=100"
ROUNDS = 3


def milliseconds(signers: list[AuthBase], count: int) -> float:
    """CPU time for one request that all of the signers sign in turn."""
    best = float("inf")
    for _ in range(ROUNDS):
        started = time.process_time()
        for _ in range(count):
            prepared = requests.Request("GET", URL).prepare()
            for signer in signers:
                signer(prepared)
        best = min(best, time.process_time() - started)
    return best / count * 1000


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--bits", type=int, default=3072)
    parser.add_argument("--requests", type=int, default=50)
    given = parser.parse_args()
    key = make_private_key(given.bits)
    ours = RSASignature("lake", key, "token", "secret")
    by_text = OAuth1(
        "lake",
        resource_owner_key="token",
        signature_method=SIGNATURE_RSA,
        rsa_key=private_pem(key).decode(),
    )
    unsigned = milliseconds([], given.requests)
    print(f"RSA key of {given.bits} bits, ms of CPU a request (without signing: {unsigned:.2f})")  # noqa: T201 - a bench talks
    for name, signers in (
        ("key object, signed once (this tap)", [ours]),
        ("PEM text, signed once", [by_text]),
        ("PEM text, signed twice (as the SDK does)", [by_text, by_text]),
    ):
        print(f"{milliseconds(list(signers), given.requests):8.2f}  {name}")  # noqa: T201 - what a bench is for


if __name__ == "__main__":
    main()
