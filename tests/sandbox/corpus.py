"""The issues of a sandbox: loaded once, then changed one version at a time."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from sandbox import fields, generator
from sandbox.administration import Administration
from sandbox.children import Children
from sandbox.query import Snapshot
from sandbox.recorded import read_folder
from sandbox.reference import Reference

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from sandbox.issue import Issue, Project


class Corpus:
    """Issues by id, safe to change while other threads read snapshots."""

    def __init__(
        self,
        issues: Iterable[Issue],
        projects: Iterable[Project],
        reference: Reference,
        children: Children,
        origin: str,
    ) -> None:
        """Issues, the projects there are, what issues refer to, and what hangs below them.

        `origin` says in words where they come from.
        """
        self.origin = origin
        self.reference = reference
        self.children = children
        self._issues = {issue.id: issue for issue in issues}
        self._projects = {project.id: project for project in projects}
        self.administration = Administration(reference, tuple(self._projects.values()))
        self._former_keys: dict[str, str] = {}
        self._numbers: dict[str, int] = {}
        for issue in self._issues.values():
            home = issue.project.key
            self._numbers[home] = max(self._numbers.get(home, 0), issue.number)
        self._lock = threading.Lock()
        self._snapshot: Snapshot | None = None
        self._version = 0
        self._last_id = 0

    @classmethod
    def generate(cls, *, seed: int, issues: int, projects: int = 3) -> Corpus:
        """Invented issues: the same seed gives the same corpus on every machine."""
        homes = generator.projects(projects)
        found = generator.invent(seed, issues, homes)
        origin = f"{issues} generated issues, seed {seed}"
        return cls(found.issues, homes, found.reference, found.children, origin)

    @classmethod
    def from_folder(cls, folder: Path) -> Corpus:
        """Recorded issues; the field list is made up from the fields they have. ValueError as `read_folder`."""
        recording = read_folder(folder)
        known = {entry["id"] for entry in fields.SYSTEM}
        seen = dict.fromkeys(
            name for issue in recording.issues for name in issue.fields if name not in known
        )
        described = [*fields.SYSTEM, *map(fields.unknown, seen)]
        origin = (
            f"{len(recording.issues)} issues from {recording.bodies} recorded bodies in {folder.name}, "
            f"{recording.skipped} incomplete ones skipped"
        )
        homes = [issue.project for issue in recording.issues]
        reference = Reference.collected(recording.issues, described)
        return cls(recording.issues, homes, reference, Children(), origin)

    @property
    def field_list(self) -> tuple[dict[str, Any], ...]:
        """The `/field` list."""
        return self.reference.fields

    def snapshot(self) -> Snapshot:
        """Every issue as of now."""
        with self._lock:
            if self._snapshot is None:
                projects = tuple(self._projects.values())
                issues = tuple(self._issues.values())
                self._snapshot = Snapshot(self._version, issues, projects, dict(self._former_keys))
            return self._snapshot

    def change(self, ids: Iterable[str], make: Callable[[Issue], Issue | None]) -> list[str]:
        """Put the next version of each issue in place, or delete it where `make` gives None; returns the ids changed."""
        changed = []
        with self._lock:
            for id_ in ids:
                old = self._issues.get(id_)
                if old is None:
                    continue
                new = make(old)
                if new is None:
                    del self._issues[id_]
                else:
                    self._issues[id_] = new
                    if new.key != old.key:
                        self._former_keys[old.key] = id_
                changed.append(id_)
            self._version += 1
            self._snapshot = None
        return changed

    def add(self, issue: Issue) -> None:
        """Put a new issue in place."""
        with self._lock:
            self._issues[issue.id] = issue
            self._version += 1
            self._snapshot = None

    def next_id(self) -> str:
        """An id that no issue has; ids of deleted issues stay below it while a younger one lives."""
        with self._lock:
            self._last_id = max(self._last_id, *map(int, self._issues), 0) + 1
            return str(self._last_id)

    def next_key(self, home: Project) -> str:
        """A key that no issue of the project has or had."""
        with self._lock:
            self._numbers[home.key] = number = self._numbers.get(home.key, 0) + 1
        return f"{home.key}-{number}"

    def project(self, key: str) -> Project:
        """The project of that key; LookupError when there is none."""
        for project in self._projects.values():
            if project.key == key:
                return project
        raise LookupError(f"the sandbox has no project {key!r}")
