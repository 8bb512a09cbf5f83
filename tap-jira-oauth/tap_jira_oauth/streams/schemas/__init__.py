"""JSON schemas of the streams, one file each."""

from __future__ import annotations
