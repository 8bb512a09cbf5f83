"""Singer tap for Jira that signs in with OAuth 1.0a and loses no issue while people edit."""

from __future__ import annotations
