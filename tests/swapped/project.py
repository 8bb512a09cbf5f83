"""A clean Meltano project: both plugins of ours by the definitions for the Hub, and others by their command alone."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Any

import yaml

from documents import ROOT
from pair.test_pair import BIN, SECONDS, without_settings

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from swapped.runs import Outcome

OURS = {
    "extractors": ROOT / "hub/extractors/tap-jira-oauth.yml",
    "loaders": ROOT / "hub/loaders/target-s3-jsonl.yml",
}
"""What `meltano add --from-ref` reads, too."""


def other(name: str, command: Path, config: Mapping[str, Any], *can: str) -> dict[str, Any]:
    """Return a plugin that Meltano knows nothing of but its command, its settings and what it can do."""
    return {
        "name": name,
        "namespace": name.replace("-", "_"),
        "executable": str(command),
        "capabilities": list(can),
        "config": dict(config),
    }


class Project:
    """A project in a folder."""

    def __init__(
        self,
        folder: Path,
        *,
        config: Mapping[str, Mapping[str, Any]],
        extractors: Iterable[Mapping[str, Any]] = (),
        loaders: Iterable[Mapping[str, Any]] = (),
    ) -> None:
        """Write `meltano.yml`: `config` and what else is ours by kind of plugin, then the others."""
        self._folder = folder
        folder.mkdir()
        plugins = {"extractors": [*extractors], "loaders": [*loaders]}
        for kind, path in OURS.items():
            ours = yaml.safe_load(path.read_text("utf-8"))
            # Nothing to install: the commands are those of this environment.
            plugins[kind].insert(0, {**ours, "pip_url": None, **config[kind]})
        project = {
            "requires_meltano": ">=4.4,<5",
            "project_id": "swapped",
            "default_environment": "dev",
            "environments": [{"name": "dev"}],
            "send_anonymous_usage_stats": False,
            "plugins": plugins,
        }
        (folder / "meltano.yml").write_text(yaml.safe_dump(project, sort_keys=False))

    def run(self, blocks: Iterable[str], outcomes: Iterable[Outcome]) -> None:
        """Run `meltano run` with pairs of plugins, one after the other; it stops at the first that fails."""
        done = subprocess.run(
            [str(BIN / "meltano"), "run", *blocks],
            cwd=self._folder,
            env=without_settings(
                HOME=str(self._folder),
                MELTANO_CLI_DISABLE_VERSION_CHECK="1",
                MELTANO_SEND_ANONYMOUS_USAGE_STATS="false",
            ),
            capture_output=True,
            text=True,
            timeout=2 * SECONDS,
            check=False,
        )
        for outcome in outcomes:
            outcome.statuses.append(done.returncode)
            outcome.log = done.stderr
