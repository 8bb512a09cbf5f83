"""The Dagster job of the page, run by Dagster's own command."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import sys
from collections import Counter
from typing import TYPE_CHECKING

import pytest

import partners
from docs import pages
from documents import ROOT
from measured import unmeasured
from orchestrate.conftest import BIN
from orchestrate.terminal import terminal
from sandbox import Corpus, Sandbox

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [
    pytest.mark.workspace,
    pytest.mark.skipif(sys.platform != "linux", reason="a session is looked up in /proc"),
]

SECONDS = 120
PAGE = "orchestrate/README.md"
SETTINGS = ("AWS_", "DAGSTER_", "MELTANO_", "SHARD", "TAP_", "TARGET_")


def test_dagster_runs_a_shard(tmp_path: Path) -> None:
    """By the page's command, its file and the one variable that it names: the one shard of one brings every issue."""
    command = pages.written("dagster job execute")
    (program,) = (block.code for block in pages.blocks(PAGE) if block.language == "python")
    (tmp_path / "jira_shards_dagster.py").write_text(program, "utf-8")
    (tmp_path / "orchestrate").symlink_to(ROOT / "orchestrate")
    shutil.copy(ROOT / "meltano.yml", tmp_path)
    (tmp_path / "home").mkdir()
    dagster = partners.installed("dagster").parent
    kept = {name: it for name, it in unmeasured().items() if not name.startswith(SETTINGS)}
    variables = {
        "PATH": os.pathsep.join((str(dagster), os.defpath)),
        "NO_PROXY": "127.0.0.1",
        "DAGSTER_HOME": str(tmp_path / "home"),
        "DAGSTER_DISABLE_TELEMETRY": "1",
        "SHARDS": "1",
        "SHARD_MELTANO": str(BIN / "meltano"),
        "MELTANO_CLI_DISABLE_VERSION_CHECK": "1",
        "TAP_JIRA_OAUTH_AUTH_METHOD": "personal_token",
        "TAP_JIRA_OAUTH_PERSONAL_TOKEN": "sandbox-token",
        "TARGET_S3_JSONL_DESTINATION": str(tmp_path / "lake"),
    }
    log = tmp_path / "log"
    with Sandbox(corpus=Corpus.generate(seed=4, issues=30, projects=3)) as jira:
        variables["TAP_JIRA_OAUTH_API_URL"] = jira.url
        with terminal(command, tmp_path, kept | variables, log) as running:
            status = running.wait(SECONDS)
    said = log.read_text("utf-8")
    assert status == 0, said
    assert "RUN_SUCCESS" in said
    assert '"shard": "1/1"' in said
    read = Counter(
        json.loads(line)["id"]
        for path in (tmp_path / "lake" / "issues").rglob("*.jsonl.gz")
        for line in gzip.decompress(path.read_bytes()).splitlines()
    )
    assert read == Counter(issue["id"] for issue in jira.issues)
