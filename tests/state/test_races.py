"""Many processes and one lock, against two implementations of DynamoDB."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from state.counting import PLACE
from state.dynamodb import LocalDynamoDB, states
from state_backend_dynamodb.errors import StateHeldError

if TYPE_CHECKING:
    from state_backend_dynamodb.table import Table

PROCESSES = 3
ROUNDS = 5
SECONDS = 60


def counting(
    dynamodb: LocalDynamoDB, table: Table, rounds: str, lease: str
) -> subprocess.Popen[bytes]:
    """Start a process that counts."""
    file = str(Path(__file__).with_name("counting.py"))
    command = [sys.executable, file, dynamodb.url, table.name, rounds, lease]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def test_no_two_of_many_processes_are_inside_at_once(dynamodb: LocalDynamoDB, table: Table) -> None:
    """Each round reads a number and writes the next one: none is lost, and nobody met another."""
    crowd = [counting(dynamodb, table, str(ROUNDS), "10") for _ in range(PROCESSES)]
    for process in crowd:
        _, said = process.communicate(timeout=SECONDS)
        assert process.returncode == 0, said.decode()
    found = table.get(*PLACE)
    assert found is not None
    assert (found["count"], found["inside"], found["most"]) == (PROCESSES * ROUNDS, 0, 1)


def test_a_killed_holder_is_taken_over_after_its_lease(
    dynamodb: LocalDynamoDB, table: Table, caplog: pytest.LogCaptureFixture
) -> None:
    """While it lives nobody gets in; killed, it stops nobody for longer than its lease."""
    lease = 2.0
    holder = counting(dynamodb, table, "hang", str(lease))
    with holder:
        try:
            assert holder.stdout is not None
            assert holder.stdout.readline() == b"held\n"
            with pytest.raises(StateHeldError, match=f"process {holder.pid} "):
                states(table, patience=lease).locked("counted").__enter__()
        finally:
            holder.kill()
    killed = time.monotonic()
    with states(table).locked("counted") as held:
        waited = time.monotonic() - killed
        held.write({"completed": {}, "partial": {}})
    assert 0.9 * lease < waited < lease + 10
    assert f"over from process {holder.pid}" in caplog.text
