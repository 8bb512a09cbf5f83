"""The page's `kubectl`, the real one, before a server that answers as that of a cluster does."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml

from docs import pages
from orchestrate.conftest import DAGS
from shard_report import Report

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

pytestmark = [
    pytest.mark.workspace,
    pytest.mark.skipif(
        shutil.which("kubectl") is None, reason="kubectl (Debian: kubernetes-client) is not here"
    ),
]

SECONDS = 60
PODS = "/api/v1/namespaces/default/pods"
RESOURCE = {"name": "pods", "singularName": "", "namespaced": True, "kind": "Pod"}
DISCOVERY: dict[str, dict[str, Any]] = {
    "/api": {"kind": "APIVersions", "versions": ["v1"]},
    "/apis": {"kind": "APIGroupList", "apiVersion": "v1", "groups": []},
    "/api/v1": {
        "kind": "APIResourceList",
        "groupVersion": "v1",
        "resources": [{**RESOURCE, "verbs": ["get", "list"]}],
    },
}
"""What kubectl asks first."""


def log(shard: int, shards: int) -> list[str]:
    """Return what a pod of the Job has printed: more lines than kubectl gives by itself, and the report."""
    name = f"{shard}/{shards}"
    report = Report(name, name.replace("/", "-of-"), 0, stopped=False, began="b", ended="e", manifests=())  # fmt: skip
    return [*(f"line {number} of {name}" for number in range(50)), report.line().decode().strip()]


@contextmanager
def cluster(job: str, logs: Mapping[str, list[str]]) -> Iterator[str]:
    """Serve the pods of a Job, and their logs as far back as they are asked for."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            url = urlsplit(self.path)
            query = parse_qs(url.query)
            pod = url.path.removeprefix(f"{PODS}/").removesuffix("/log")
            if pod in logs:
                tail = int(query.get("tailLines", ["0"])[0])
                self._answer("text/plain", "".join(f"{line}\n" for line in logs[pod][-tail:]))
            elif url.path == PODS:
                is_meant = query.get("labelSelector") == [f"job-name={job}"]
                items = [_pod(name) for name in logs] if is_meant else []
                found = {"kind": "PodList", "apiVersion": "v1", "metadata": {}, "items": items}
                self._answer("application/json", json.dumps(found))
            else:
                self._answer("application/json", json.dumps(DISCOVERY.get(url.path, {})))

        def _answer(self, kind: str, text: str) -> None:
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(text.encode())))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *arguments: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def _pod(name: str) -> dict[str, Any]:
    return {
        "kind": "Pod",
        "apiVersion": "v1",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"containers": [{"name": "shard"}]},
        "status": {"phase": "Succeeded"},
    }


def test_the_reports_of_all_pods_make_the_object_at_the_end(tmp_path: Path) -> None:
    """As many as the Job has, and the whole log of each, as the page's command says."""
    (job,) = (yaml.safe_load(each.code) for each in pages.blocks("orchestrate/README.md") if each.language == "yaml")  # fmt: skip
    name, shards = job["metadata"]["name"], job["spec"]["completions"]
    logs = {f"{name}-{each}": log(each, shards) for each in range(1, shards + 1)}
    with cluster(name, logs) as server:
        context = {"cluster": "test", "user": "test"}
        config = {
            "clusters": [{"name": "test", "cluster": {"server": server}}],
            "users": [{"name": "test", "user": {}}],
            "contexts": [{"name": "test", "context": context}],
            "current-context": "test",
        }
        (tmp_path / "config").write_text(json.dumps(config))
        variables = {"KUBECONFIG": str(tmp_path / "config"), "HOME": str(tmp_path)}
        said = subprocess.run(
            shlex.split(pages.written("kubectl logs")),
            capture_output=True,
            check=False,
            timeout=SECONDS,
            env=os.environ | variables | {"NO_PROXY": "127.0.0.1"},
        )
    assert said.returncode == 0, said.stderr.decode()
    assert sorted(said.stdout.decode().splitlines()) == sorted(
        line for lines in logs.values() for line in lines
    )
    command = [sys.executable, str(DAGS / "run_manifest.py"), "--run", "r", "--shards", str(shards)]
    lake = {"TARGET_S3_JSONL_DESTINATION": str(tmp_path / "lake")}
    made = subprocess.run(
        command, input=said.stdout, capture_output=True, check=False, env=os.environ | lake
    )
    assert made.returncode == 0, made.stderr.decode()
