"""How a shard is stopped, with processes that stand in for Meltano and its tap."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from measured import unmeasured
from orchestrate.conftest import DAGS
from stopping import Patience, Process, Step, plugins_among, running, step

if TYPE_CHECKING:
    from collections.abc import Iterator

SECONDS = 20.0
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="processes are looked up in /proc")

# Meltano: starts a tap, notes the signals that both get, and ends when the tap has ended.
MELTANO = """
import os, signal, subprocess, sys, time
notes = os.environ["NOTES"]
def note(text):
    with open(notes, "a") as file:
        file.write(text + "\\n")
def heard(*_):
    note("meltano stopped")
    if not os.environ.get("DEAF"):
        sys.exit(143)
signal.signal(signal.SIGTERM, heard)
tap = subprocess.Popen([sys.executable, os.path.join(os.path.dirname(sys.argv[0]), "tap-jira-oauth")])
note(f"tap {tap.pid}")
print("working", flush=True)
while tap.poll() is None:
    print("Manifest of this run: _catalog/runs/0a-1b.jsonl", flush=True)
    time.sleep(0.05)
print("x" * 200_000, flush=True)  # more than a pipe holds that nobody reads
target = os.path.join(os.path.dirname(sys.argv[0]), "target-s3-jsonl")
if os.path.exists(target):
    subprocess.run([sys.executable, target], check=True)
note("meltano saved the state")
sys.exit(1 if tap.returncode else 0)
"""
TAP = """
import os, signal, sys, time
def heard(*_):
    with open(os.environ["NOTES"], "a") as file:
        file.write("tap stopped\\n")
    if not os.environ.get("DEAF"):
        sys.exit(143)
signal.signal(signal.SIGTERM, heard)
with open(os.environ["NOTES"], "a") as file:
    file.write("tap began\\n")
while True:
    time.sleep(0.05)
"""
TARGET = """
import os, time
def note(text):
    with open(os.environ["NOTES"], "a") as file:
        file.write(text + "\\n")
note("target began")
time.sleep(1)
note("target stored")
"""


class Project:
    """A folder with a Meltano and a tap."""

    def __init__(self, folder: Path) -> None:
        """Write them."""
        self.folder = folder
        self.notes = folder / "notes"
        self.notes.touch()
        for name, text in (("meltano", MELTANO), ("tap-jira-oauth", TAP)):
            (folder / name).write_text(f"#!{sys.executable}{text}")
            (folder / name).chmod(0o755)

    def command(self, *options: str) -> list[str]:
        """Return the command of a shard."""
        return [sys.executable, str(DAGS / "shard.py"), "2/3", *options]

    def environment(self, **more: str) -> dict[str, str]:
        """Return what it runs under."""
        mine = {"SHARD_PROJECT": str(self.folder), "SHARD_MELTANO": str(self.folder / "meltano")}
        return unmeasured() | mine | {"NOTES": str(self.notes)} | more

    @contextmanager
    def started(self, *options: str, **more: str) -> Iterator[subprocess.Popen[str]]:
        """Run a shard until its tap has begun; nothing of it is left at the end."""
        with subprocess.Popen(
            self.command(*options),
            env=self.environment(**more),
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            try:
                self.until("tap began")
                yield process
            finally:
                process.kill()

    def until(self, note: str) -> None:
        """Wait for a note."""
        deadline = time.monotonic() + SECONDS
        while note not in self.notes.read_text().splitlines():
            assert time.monotonic() < deadline, self.notes.read_text()
            time.sleep(0.02)

    def tap(self) -> int:
        """Return the tap's process."""
        (pid,) = (line[4:] for line in self.notes.read_text().splitlines() if line[4:].isdecimal())
        return int(pid)

    def tap_is_gone(self) -> bool:
        """Tell whether the tap's process has ended; who should have asked for its status may have, too."""
        try:
            os.kill(self.tap(), 0)
        except ProcessLookupError:
            return True
        stat = Path(f"/proc/{self.tap()}/stat")
        return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] == "Z"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project of its own."""
    return Project(tmp_path)


@pytest.fixture
def hangup_is_heard() -> Iterator[None]:
    """Whoever ran the tests may have had it ignored, as `nohup` does, and what is started inherits that."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@LINUX
@pytest.mark.usefixtures("hangup_is_heard")
@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_the_tap_is_asked_alone_so_that_the_last_state_is_saved(
    project: Project, signum: signal.Signals
) -> None:
    """Meltano hears no signal, and ends by itself; the report says that it was a stop."""
    with project.started() as process:
        process.send_signal(signum)
        printed, _ = process.communicate(timeout=SECONDS)
    assert process.returncode == 1
    notes = project.notes.read_text().splitlines()
    assert notes[1:] == ["tap began", "tap stopped", "meltano saved the state"]
    assert "working\n" in printed
    report = json.loads(printed.splitlines()[-1])["shard_report"]
    assert (report["shard"], report["status"], report["stopped"]) == ("2/3", 1, True)
    assert report["manifests"] == ["_catalog/runs/0a-1b.jsonl"]


@LINUX
def test_a_target_whose_tap_has_ended_gets_its_time_to_store(project: Project) -> None:
    """There is no tap to be asked, and a signal to all would lose the last state."""
    (project.folder / "target-s3-jsonl").write_text(TARGET)
    with project.started() as process:
        os.kill(project.tap(), signal.SIGTERM)
        project.until("target began")
        process.terminate()
        printed, _ = process.communicate(timeout=SECONDS)
    notes = project.notes.read_text().splitlines()
    assert notes[2:] == ["tap stopped", "target began", "target stored", "meltano saved the state"]
    assert json.loads(printed.splitlines()[-1])["shard_report"]["stopped"]


def test_what_does_not_end_in_time_is_asked_as_a_whole_and_then_killed(project: Project) -> None:
    """No process is left, whatever it makes of signals."""
    with project.started(DEAF="1", SHARD_DRAIN_SECONDS="0.5", SHARD_LAST_SECONDS="0.5") as process:
        process.terminate()
        printed, _ = process.communicate(timeout=SECONDS)
    assert process.returncode == 128 + signal.SIGKILL
    assert "meltano stopped" in project.notes.read_text()
    assert project.tap_is_gone()
    assert json.loads(printed.splitlines()[-1])["shard_report"]["status"] == 137


@LINUX
def test_a_shard_whose_starter_is_killed_stops_in_good_order(project: Project) -> None:
    """As Airflow's task is after five seconds; nobody reads what it prints any more."""
    starter = "import subprocess, sys; subprocess.run(sys.argv[1:], stdout=subprocess.PIPE)"
    with subprocess.Popen(
        [sys.executable, "-c", starter, *project.command("--with-parent")],
        env=project.environment(),
    ) as parent:
        project.until("tap began")
        parent.kill()
    project.until("meltano saved the state")
    assert "meltano stopped" not in project.notes.read_text()


@LINUX
def test_a_full_disk_under_the_log_holds_up_no_run(project: Project) -> None:
    """Meltano prints more than a pipe holds, and would wait for ever for somebody to read it."""
    with (
        Path("/dev/full").open("wb") as full,
        subprocess.Popen(project.command(), env=project.environment(), stdout=full) as process,
    ):
        try:
            project.until("tap began")
            os.kill(project.tap(), signal.SIGTERM)
            project.until("meltano saved the state")
            assert process.wait(SECONDS) == 1
        finally:
            process.kill()


def test_without_the_option_a_shard_outlives_its_starter(project: Project) -> None:
    """As `nohup` has it."""
    starter = "import subprocess, sys; subprocess.Popen(sys.argv[1:]); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", starter, *project.command()],
        env=project.environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
    ) as parent:
        project.until("tap began")
        parent.kill()
    time.sleep(1)
    assert not project.tap_is_gone()
    os.kill(project.tap(), signal.SIGTERM)
    project.until("meltano saved the state")


def test_a_terminal_that_is_closed_stops_nothing_under_nohup(project: Project) -> None:
    """It has SIGHUP ignored, and so has the shard."""
    ignoring = "import os, signal, sys; signal.signal(signal.SIGHUP, signal.SIG_IGN); os.execv(sys.argv[1], sys.argv[1:])"
    with subprocess.Popen(
        [sys.executable, "-c", ignoring, *project.command()],
        env=project.environment(),
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        project.until("tap began")
        process.send_signal(signal.SIGHUP)
        time.sleep(0.6)
        assert not project.tap_is_gone()
        process.terminate()
        printed, _ = process.communicate(timeout=SECONDS)
    assert json.loads(printed.splitlines()[-1])["shard_report"]["stopped"]


@LINUX
def test_a_meltano_that_dies_leaves_no_tap_behind(project: Project) -> None:
    """It would read on, and nobody would save its state."""
    with project.started() as process:
        (meltano,) = (each.pid for each in running() if each.parent == process.pid)
        os.kill(meltano, signal.SIGKILL)
        process.communicate(timeout=SECONDS)
    assert process.returncode == 137
    assert project.tap_is_gone()


def test_a_shard_that_cannot_be_told_is_status_2(tmp_path: Path) -> None:
    """Before anything is started or made; the command needs no package."""
    done = subprocess.run(
        [sys.executable, "-S", str(DAGS / "shard.py"), "9/3"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert "'9/3' is no shard" in done.stderr
    assert list(tmp_path.iterdir()) == []


@given(
    looks=st.lists(
        st.tuples(st.floats(0.001, 5), st.booleans(), st.booleans()), min_size=1, max_size=60
    ),
    drain=st.floats(0, 20),
    last=st.floats(0, 20),
)
def test_steps_only_rise_and_end_in_a_kill(
    looks: list[tuple[float, bool, bool]], drain: float, last: float
) -> None:
    """Each is done once; all are asked only when nobody runs or had the time; SIGKILL comes last and in time."""
    patience = Patience(drain, last)
    seconds, done, history = 0.0, None, []
    for pause, tap, target in [(0.0, *looks[0][1:]), *looks, (drain + last, False, False)]:
        seconds += pause
        due = step(seconds, patience, tap_runs=tap, target_runs=target, done=done)
        if due is Step.ASK_TAP:
            assert tap
        if due is Step.ASK_ALL:
            assert seconds >= drain or (done is None and not tap and not target)
        if due is Step.KILL:
            assert seconds >= drain + last
        if due:
            history.append(due.value)
            done = due
    assert history == sorted(set(history))
    assert done is Step.KILL


@pytest.mark.parametrize("name", ["tap-jira-oauth", "tap-jira-oauth--eu"])
def test_the_tap_is_told_from_meltano_and_from_others(name: str) -> None:
    """Meltano's own arguments name it, and another shard has one, too; one that inherits it has its command."""
    tap = ("python", "/bin/tap-jira-oauth", "--config", f"/sys/run/{name}/tap.1.config.json")
    target = (
        "python",
        "/bin/target-s3-jsonl",
        "--config",
        f"/{name}/sys/run/target-s3-jsonl/c.json",
    )
    processes = [
        Process(10, 1, ("python", "/bin/meltano", "run", name, "target-s3-jsonl")),
        Process(11, 10, tap),
        Process(12, 10, target),
        Process(13, 99, tap),
    ]
    assert plugins_among(processes, 10, name) == [11]
    assert plugins_among(processes, 10, "target-s3-jsonl") == [12]
