"""A Jira Data Center to try the tap with: OAuth 1.0a judged by oauthlib, search, and issues that people keep editing."""

from __future__ import annotations

from sandbox.clock import Clock
from sandbox.corpus import Corpus
from sandbox.replay import Replay
from sandbox.server import Sandbox
from sandbox.users import User

__all__ = ["Clock", "Corpus", "Replay", "Sandbox", "User"]
