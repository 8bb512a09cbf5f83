"""`Sandbox`: a whole Jira on a free loopback port, for a `with` block."""

from __future__ import annotations

import socket
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from sandbox.app import Application
from sandbox.clock import Clock
from sandbox.conditions import Dialect
from sandbox.corpus import Corpus
from sandbox.faults import Fault
from sandbox.http_server import HttpServer
from sandbox.index import Index
from sandbox.issue import Issue
from sandbox.lifetimes import Lifetimes
from sandbox.limits import RateLimit
from sandbox.oauth2_cloud import CloudOAuth2
from sandbox.oauth2_data_center import DataCenterOAuth2
from sandbox.provider import Provider
from sandbox.render import Renderer
from sandbox.rest import Rest
from sandbox.rng import seeded
from sandbox.search import Searcher, selection, split
from sandbox.sign_in import API_HOST, AUTH_HOST, SignIn
from sandbox.users import Directory, User
from sandbox.world import World

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import TracebackType

    from typing_extensions import Self

    from sandbox.journal import Hook, LogEntry
    from sandbox.provider import AccessToken
    from sandbox.replay import Replay
    from sandbox.script import Deed, Order

LOOPBACK = "127.0.0.1"
ONE_NODE = {"sandbox-1": (0.0, 0.0)}
DEFAULT_USERS = (
    User("sandbox", "Sandbox User", password="sandbox", personal_token="sandbox-token"),
)


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
        seed: of the order of ties, of identity hashes, of index lags.
        nodes: each by its name, with the shortest and longest lag of its search index in seconds.
        rate_limit: shown on every answer, and enforced where it says so.
        flavor: Data Center 10.3 or Cloud.
        whole_seconds: a database that keeps no milliseconds; this changes the corpus, too.
        epoch_literals: whether JQL takes a number for a date; without, it is a 400 like any other word.
        scheme: what a proxy in front speaks; signatures are over this, as with `scheme` of Tomcat's connector.
        list_cap: the most comments, worklogs or (on Data Center) histories that an answer holds, embedded or by pages.
        warm: choices of fields, each as a client writes its `fields`, in which every issue is rendered at the start.
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
    lifetimes: Lifetimes = field(default_factory=Lifetimes)
    nodes: Mapping[str, tuple[float, float]] = field(default_factory=lambda: dict(ONE_NODE))
    rate_limit: RateLimit = field(default_factory=RateLimit)
    flavor: Literal["data_center", "cloud"] = "data_center"
    whole_seconds: bool = False
    epoch_literals: bool = True
    scheme: Literal["http", "https"] = "http"
    warm: Sequence[str] = ()
    list_cap: int | None = None

    def __post_init__(self) -> None:
        """Put the parts together; ValueError for a context path that no URL can have."""
        if self.context_path and (
            not self.context_path.startswith("/") or self.context_path.endswith("/")
        ):
            raise ValueError(f"a context path is empty or like /jira, not {self.context_path!r}")
        provider = Provider(self.clock, self.lifetimes)
        directory = Directory(tuple(self.users), self.clock)
        data_center = DataCenterOAuth2(self.clock, self.lifetimes)
        cloud = CloudOAuth2(self.clock, self.lifetimes)
        signing = SignIn(provider, directory, data_center, cloud, self.flavor == "cloud")
        index = Index(self.clock, self.nodes, self.seed)
        if self.whole_seconds:
            self.corpus.change(list(self.corpus.snapshot().by_id), Issue.without_milliseconds)
        self.world = World(
            self.corpus,
            self.clock,
            directory,
            provider,
            self.replay,
            index=index,
            rate_limit=self.rate_limit,
            cloud=self.flavor == "cloud",
            whole_seconds=self.whole_seconds,
            sign_in=signing,
        )
        ties = seeded(self.seed, "ties")
        dialect = Dialect(self.world.cloud, self.epoch_literals)
        searcher = Searcher(self.page_cap, self.window, ties, self.clock, dialect)
        renderer = Renderer(seeded(self.seed, "hashes"))
        rest = Rest(self.corpus, self.clock, searcher, renderer, index, self.list_cap)
        self._rest = rest
        self._app = Application(self.world, rest, self.context_path, self.seed, self.scheme)
        self._server: HttpServer | None = None

    def __enter__(self) -> Self:
        """Start to listen; OSError when the port is taken."""
        self._server = HttpServer(socket.create_server((LOOPBACK, self.port)), self._app)
        self.port = self._server.port
        zones = {user.zone.key: user.zone for user in self.users}.values()
        for fields in self.warm:
            keep = selection(split([fields]), "*navigable")
            self._rest.bodies.warm(zones, self.url, keep, on_cloud=self.world.cloud)
        self._server.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop, and give the port back."""
        if self._server is not None:
            self._server.close()

    @property
    def url(self) -> str:
        """The base URL, what Jira calls it: with the context path, without a slash at the end."""
        return f"http://{LOOPBACK}:{self.port}{self.context_path}"

    @property
    def auth_url(self) -> str:
        """What `https://auth.atlassian.com` is for a client of Cloud."""
        return f"http://{LOOPBACK}:{self.port}{AUTH_HOST}"

    @property
    def gateway_url(self) -> str:
        """What `https://api.atlassian.com` is for a client of Cloud."""
        return f"http://{LOOPBACK}:{self.port}{API_HOST}"

    @property
    def sign_in(self) -> SignIn:
        """Users, refusals, lifetimes, OAuth 2.0 clients."""
        return self.world.sign_in

    @property
    def rendered(self) -> int:
        """How many renderings of issues are at hand: one for each issue and choice of fields that was warmed or read."""
        return self._rest.renderer.held_issues

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

    def register_consumer(
        self, key: str, public_key: str | bytes, name: str = "", acts_as: str | None = None
    ) -> None:
        """Add an application link; ValueError when `public_key` is not an RSA public key. See `Consumer`."""
        self.world.provider.register(key, public_key, name, acts_as)

    def grant(self, consumer_key: str, user: str | None = None) -> AccessToken:
        """An access token without the dance. LookupError or OAuthProblemError for an unknown user or consumer."""
        return self.world.grant(consumer_key, user)

    def approve(self, oauth_token: str) -> str:
        """Allow a request token without a browser; returns the verifier."""
        return self.world.approve(oauth_token)

    def revoke(self, token: str) -> None:
        """Make an access token useless, or a refresh token of OAuth 2.0."""
        self.world.sign_in.revoke(token)

    def edit(self, count: int = 1, keys: Sequence[str] | None = None, seed: int = 0) -> list[str]:
        """Edit issues; see `Life.edit`."""
        return self.world.life.edit(count, keys, seed)

    def move(self, key: str, project_key: str) -> str:
        """Move an issue; returns its new key."""
        return self.world.life.move(key, project_key)

    def delete(self, key: str) -> None:
        """Delete an issue."""
        self.world.life.delete(key)

    def log_work(self, key: str, worklog: str | None = None, *, silent: bool = False) -> str:
        """Add or edit a worklog, also without a trace in its issue; see `Life.log_work`."""
        return self.world.life.log_work(key, worklog, silent=silent)

    def bulk(self, count: int, seed: int = 0) -> list[str]:
        """Edit many issues in one moment; returns their keys."""
        return self.world.life.bulk(count, seed)

    def create(self, project_key: str, seed: int = 0) -> str:
        """Create an issue; returns its key."""
        return self.world.life.create(project_key, seed)

    def play(self, order: Order) -> None:
        """Let things happen to the issues by script or by rate while a client reads; see `script.Order`."""
        self.world.play(order)

    @property
    def deeds(self) -> list[Deed]:
        """What scripts have done so far."""
        return list(self.world.deeds)

    def fault(  # noqa: PLR0913 - one keyword for each part of an answer
        self,
        path_prefix: str,
        *,
        status: int | None = None,
        headers: Mapping[str, str] | None = None,
        body: object = "",
        count: int = 1,
        cut: bool = False,
        shape: str | None = None,
        skip: int = 0,
    ) -> None:
        """Answer the next `count` requests under a path, after the first `skip`, with something else.

        `shape` is a name of `shapes.SHAPES`; without it the parts say what the answer is, see `Fault`.
        """
        if shape is not None:
            fault = Fault.shaped(path_prefix, shape, self.clock, count, skip)
        else:
            fault = Fault(path_prefix, status, headers or {}, body, count, cut, skip=skip)
        self.world.faults.add(fault)
