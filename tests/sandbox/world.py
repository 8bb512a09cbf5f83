"""Everything one sandbox consists of, and what a test or a person can do to it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sandbox import times
from sandbox.faults import Faults
from sandbox.journal import Journal
from sandbox.life import Life

if TYPE_CHECKING:
    from sandbox.clock import Clock
    from sandbox.corpus import Corpus
    from sandbox.provider import AccessToken, Provider
    from sandbox.replay import Replay
    from sandbox.users import Directory


@dataclass(frozen=True)
class World:
    """The parts, shared by the web application, the control endpoints and the Python interface."""

    corpus: Corpus
    clock: Clock
    directory: Directory
    provider: Provider
    replay: Replay | None = None
    journal: Journal = field(default_factory=Journal)
    faults: Faults = field(default_factory=Faults)

    @property
    def life(self) -> Life:
        """The people who edit."""
        return Life(self.corpus, self.clock)

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
