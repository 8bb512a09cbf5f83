"""Everything one sandbox consists of, and what a test or a person can do to it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sandbox import times
from sandbox.audit import AuditLog
from sandbox.faults import Faults
from sandbox.journal import Journal
from sandbox.life import Life
from sandbox.limits import RateLimit
from sandbox.script import Deed, Order, Script

if TYPE_CHECKING:
    from sandbox.clock import Clock
    from sandbox.corpus import Corpus
    from sandbox.index import Index
    from sandbox.provider import AccessToken, Provider
    from sandbox.replay import Replay
    from sandbox.sign_in import SignIn
    from sandbox.users import Directory


@dataclass(frozen=True)
class World:
    """The parts, shared by the web application, the control endpoints and the Python interface."""

    corpus: Corpus
    clock: Clock
    directory: Directory
    provider: Provider
    sign_in: SignIn = field(kw_only=True)
    replay: Replay | None = None
    journal: Journal = field(default_factory=Journal)
    faults: Faults = field(default_factory=Faults)
    index: Index = field(kw_only=True)
    rate_limit: RateLimit = field(default_factory=RateLimit, kw_only=True)
    cloud: bool = field(default=False, kw_only=True)
    whole_seconds: bool = field(default=False, kw_only=True)
    deeds: list[Deed] = field(default_factory=list, kw_only=True)
    audit: AuditLog = field(default_factory=AuditLog, kw_only=True)

    @property
    def life(self) -> Life:
        """The people who edit."""
        return Life(self.corpus, self.clock, self.index, whole_seconds=self.whole_seconds)

    def play(self, order: Order) -> None:
        """Let a script begin, in the place of the one before it."""
        hooks = self.journal.before_request
        hooks[:] = [hook for hook in hooks if not isinstance(hook, Script)]
        hooks.append(Script(order, self.life, self.deeds))

    def approve(self, oauth_token: str) -> str:
        """Allow a request token as the default user, without a browser; returns the verifier."""
        decided = self.provider.decide(oauth_token, self.directory.default, allow=True)
        return decided.verifier or ""

    def grant(self, consumer_key: str, user: str | None = None) -> AccessToken:
        """An access token for a user, by default the first, without the dance."""
        owner = self.directory.named(user) if user else self.directory.default
        return self.provider.grant(consumer_key, owner)

    def issues(self) -> list[dict[str, Any]]:
        """The truth that a tap should have read: id, key, project and `updated` in UTC, by id."""
        found = sorted(self.corpus.snapshot().issues, key=lambda issue: int(issue.id))
        return [
            {
                "id": issue.id,
                "key": issue.key,
                "project": issue.project.key,
                "updated": times.render(issue.updated_ms),
                "updated_ms": issue.updated_ms,
            }
            for issue in found
        ]
