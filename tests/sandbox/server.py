"""`Sandbox`: a whole Jira on a free loopback port, for a `with` block."""

from __future__ import annotations

import socket
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from werkzeug.serving import WSGIRequestHandler, make_server

from sandbox.app import Application
from sandbox.clock import Clock
from sandbox.corpus import Corpus
from sandbox.faults import Fault
from sandbox.provider import Provider
from sandbox.render import Renderer
from sandbox.rest import Rest
from sandbox.rng import seeded
from sandbox.search import Searcher
from sandbox.users import Directory, User
from sandbox.world import World

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import TracebackType

    from typing_extensions import Self
    from werkzeug.serving import BaseWSGIServer

    from sandbox.journal import Hook, LogEntry
    from sandbox.provider import AccessToken
    from sandbox.replay import Replay

LOOPBACK = "127.0.0.1"
DEFAULT_USERS = (
    User("sandbox", "Sandbox User", password="sandbox", personal_token="sandbox-token"),
)


class _QuietHandler(WSGIRequestHandler):
    """No line a request on stderr, since the log is `Sandbox.requests`, and no second `Date` beside the sandbox's."""

    def send_response(self, code: int, message: str | None = None) -> None:
        """Send the status line alone; the application sets every header."""
        self.send_response_only(code, message)

    def log(self, type: str, message: str, *args: object) -> None:  # noqa: A002 - werkzeug's name
        """Say nothing."""


@dataclass
class Sandbox:
    """A Jira that starts with the `with` block and stops with it.

    Attributes:
        replay: recorded exchanges that answer everything under `/rest/` instead of the corpus.
        context_path: `/jira`, or empty.
        port: 0 for any free one.
        page_cap: the most issues an answer holds, whatever `maxResults` asks for.
        window: how deep `startAt + maxResults` may reach.
        users: the first one consents on the authorize page.
        seed: of the order of ties and of identity hashes.
    """

    corpus: Corpus = field(default_factory=lambda: Corpus.generate(seed=1, issues=250))
    replay: Replay | None = None
    context_path: str = "/jira"
    port: int = 0
    page_cap: int = 1000
    window: int = 10_000
    users: Sequence[User] = DEFAULT_USERS
    seed: int = 0
    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        """Put the parts together; ValueError for a context path that no URL can have."""
        if self.context_path and (
            not self.context_path.startswith("/") or self.context_path.endswith("/")
        ):
            raise ValueError(f"a context path is empty or like /jira, not {self.context_path!r}")
        provider = Provider(self.clock)
        directory = Directory(tuple(self.users))
        self.world = World(self.corpus, self.clock, directory, provider, self.replay)
        searcher = Searcher(self.page_cap, self.window, seeded(self.seed, "ties"))
        rest = Rest(self.corpus, self.clock, searcher, Renderer(seeded(self.seed, "hashes")))
        self._app = Application(self.world, rest, self.context_path)
        self._server: BaseWSGIServer | None = None
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        """Start to listen; OSError when the port is taken."""
        # Bound here because werkzeug would end the process when the port is in use.
        with socket.create_server((LOOPBACK, self.port)) as bound:
            self._server = make_server(
                LOOPBACK,
                self.port,
                self._app,
                threaded=True,
                request_handler=_QuietHandler,
                fd=bound.fileno(),
            )
        self.port = self._server.port
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.02,), name="sandbox", daemon=True
        )
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop, and give the port back."""
        if self._server is not None and self._thread is not None:
            # werkzeug closes the listening socket when serve_forever ends.
            self._server.shutdown()
            self._thread.join()

    @property
    def url(self) -> str:
        """The base URL, what Jira calls it: with the context path, without a slash at the end."""
        return f"http://{LOOPBACK}:{self.port}{self.context_path}"

    @property
    def requests(self) -> list[LogEntry]:
        """What was asked so far; control requests are not in it."""
        return self.world.journal.entries

    @property
    def before_request(self) -> list[Hook]:
        """Callables that get the log entry of each request before it is answered, in the server's thread."""
        return self.world.journal.before_request

    @property
    def issues(self) -> list[dict[str, Any]]:
        """The truth, by id: what a tap should have read."""
        return self.world.issues()

    def register_consumer(self, key: str, public_key: str | bytes, name: str = "") -> None:
        """Add an application link; ValueError when `public_key` is not an RSA public key."""
        self.world.provider.register(key, public_key, name)

    def grant(self, consumer_key: str, user: str | None = None) -> AccessToken:
        """An access token without the dance. LookupError or OAuthProblemError for an unknown user or consumer."""
        return self.world.grant(consumer_key, user)

    def approve(self, oauth_token: str) -> str:
        """Allow a request token without a browser; returns the verifier."""
        return self.world.approve(oauth_token)

    def revoke(self, token: str) -> None:
        """Make an access token useless."""
        self.world.provider.revoke(token)

    def edit(self, count: int = 1, keys: Sequence[str] | None = None, seed: int = 0) -> list[str]:
        """Edit issues; see `Life.edit`."""
        return self.world.life.edit(count, keys, seed)

    def move(self, key: str, project_key: str) -> str:
        """Move an issue; returns its new key."""
        return self.world.life.move(key, project_key)

    def delete(self, key: str) -> None:
        """Delete an issue."""
        self.world.life.delete(key)

    def fault(  # noqa: PLR0913 - one keyword for each part of an answer
        self,
        path_prefix: str,
        *,
        status: int | None = None,
        headers: Mapping[str, str] | None = None,
        body: object = "",
        count: int = 1,
        cut: bool = False,
    ) -> None:
        """Answer the next `count` requests under a path with something else; see `Fault`."""
        self.world.faults.add(Fault(path_prefix, status, headers or {}, body, count, cut))
