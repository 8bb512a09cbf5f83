"""A Jira Data Center to try the tap with: OAuth 1.0a judged by oauthlib, search, and issues that people keep editing."""

from __future__ import annotations

from sandbox.clock import Clock
from sandbox.corpus import Corpus
from sandbox.limits import RateLimit
from sandbox.replay import Replay
from sandbox.script import Order, Step
from sandbox.server import Sandbox
from sandbox.users import User

__all__ = ["Clock", "Corpus", "Order", "RateLimit", "Replay", "Sandbox", "Step", "User"]
