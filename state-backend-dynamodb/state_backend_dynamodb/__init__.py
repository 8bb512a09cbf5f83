"""State of runs in DynamoDB, behind a lock that only one process at a time can hold."""

from __future__ import annotations
