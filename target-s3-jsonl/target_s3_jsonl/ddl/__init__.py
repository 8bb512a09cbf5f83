"""Tables and views over a lake, from its SCHEMAs, in the words of each engine."""

from __future__ import annotations
