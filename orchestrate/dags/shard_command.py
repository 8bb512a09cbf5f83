"""What one shard is: a command, its environment and its folder. Pure; whoever starts it needs nothing else.

| variable | default | meaning |
|---|---|---|
| `SHARDS` | 8 | how many parts all projects are cut into |
| `SHARD_PROJECT` | the working directory | folder of the Meltano project |
| `SHARD_MELTANO` | `meltano` | Meltano's command; the plugins' are looked for beside it first |
| `SHARD_EXTRACTOR`, `SHARD_LOADER` | `tap-jira-oauth`, `target-s3-jsonl` | the pair, by the names of the project |
| `SHARD_SYSTEM_ROOT` | `.meltano/shards` of the project | where each shard has its own system folder |

A shard is named by its number, from 1 on, and how many there are: `7/32`, as the tap's own setting has it.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

DEFAULT_COUNT = 8

INDEXES = ("JOB_COMPLETION_INDEX", "AWS_BATCH_JOB_ARRAY_INDEX")
"""Where Kubernetes and AWS Batch tell a worker which one it is, from 0 on."""

LINKED = ("extractors", "loaders", "utilities")
"""Folders of Meltano's system folder that hold the plugins' environments: every shard uses the project's."""


class ShardError(Exception):
    """Which shard to run cannot be told; the text says what to set."""


@dataclass(frozen=True)
class Shard:
    """One of `count` parts; `number` begins with 1."""

    number: int
    count: int

    def __str__(self) -> str:
        """Return it as the tap's setting has it: `7/32`."""
        return f"{self.number}/{self.count}"

    @property
    def suffix(self) -> str:
        """What the state id ends with. It names the count, too: a part of other parts is another one."""
        return f"{self.number}-of-{self.count}"


@dataclass(frozen=True)
class Project:
    """A Meltano project, with the pair in it."""

    folder: Path
    meltano: str
    extractor: str
    loader: str
    system_root: Path

    def environment(self, around: Mapping[str, str], system: Path) -> dict[str, str]:
        """Return what Meltano runs under, with a system folder of its own.

        Commands beside Meltano's own come first: plugins without a `pip_url` are looked for by name.
        """
        beside, found = Path(self.meltano).parent, around.get("PATH", os.defpath)
        return {
            **around,
            "PATH": f"{beside}{os.pathsep}{found}" if beside.is_absolute() else found,
            "MELTANO_PROJECT_ROOT": str(self.folder),
            "MELTANO_SYS_DIR_ROOT": str(system),
        }


@dataclass(frozen=True)
class ShardCommand:
    """How to start a shard.

    Attributes:
        arguments: the command and what it gets.
        environment: all of it, not only what is added.
        folder: where to start it.
        system: Meltano's system folder of this shard alone; to be made before.
        links: what has to be in that folder, and where it leads, if that exists.
        pair: the names of tap and target; the tap has to be asked first to stop.
    """

    arguments: Sequence[str]
    environment: Mapping[str, str]
    folder: Path
    system: Path
    links: Mapping[Path, Path]
    pair: tuple[str, str]


def shard_named(text: str) -> Shard:
    """Return the shard that `7/32` means.

    Raises:
        ShardError: It means none.
    """
    found = re.fullmatch(r"([1-9]\d{0,5})/([1-9]\d{0,5})", text, re.ASCII)
    if found is None or int(found[1]) > int(found[2]):
        raise ShardError(f"'{text}' is no shard. Write its number, from 1 on, and the count: 7/32.")
    return Shard(int(found[1]), int(found[2]))


def shards(count: int) -> tuple[Shard, ...]:
    """Return all parts, in their order.

    Raises:
        ShardError: There are none, or more than the tap can tell apart.
    """
    last = shard_named(f"{count}/{count}")
    return tuple(Shard(number, last.count) for number in range(1, last.count + 1))


def shard_of_worker(environment: Mapping[str, str]) -> Shard:
    """Return the shard of a worker that only knows its index, from 0 on, as in a Kubernetes Job or an array of AWS Batch.

    Raises:
        ShardError: The environment does not tell, or the index is beyond the count.
    """
    index = next((environment[name] for name in INDEXES if environment.get(name)), None)
    if index is None or not index.isdecimal():
        raise ShardError(f"Name the shard (7/32), or set {' or '.join(INDEXES)} and SHARDS.")
    count = environment.get("SHARDS") or environment.get("AWS_BATCH_JOB_ARRAY_SIZE")
    return shard_named(f"{int(index) + 1}/{count or DEFAULT_COUNT}")


def project_of(environment: Mapping[str, str], here: Path) -> Project:
    """Return the project that the environment names, else the one `here`."""
    folder = Path(environment.get("SHARD_PROJECT") or here).absolute()
    root = environment.get("SHARD_SYSTEM_ROOT") or folder / ".meltano" / "shards"
    return Project(
        folder=folder,
        meltano=environment.get("SHARD_MELTANO") or "meltano",
        extractor=environment.get("SHARD_EXTRACTOR") or "tap-jira-oauth",
        loader=environment.get("SHARD_LOADER") or "target-s3-jsonl",
        system_root=Path(root).absolute(),
    )


def command_of(shard: Shard, environment: Mapping[str, str], here: Path) -> ShardCommand:
    """Return how to start a shard; `here` is the project where the environment names none.

    Two runs of one tap in one system folder of Meltano break each other, so each shard has its own.
    """
    project = project_of(environment, here)
    system = project.system_root / shard.suffix
    variable = re.sub(r"\W", "_", project.extractor).upper()
    more = {f"{variable}_SHARD": str(shard), "MELTANO_RUN_STATE_ID_SUFFIX": shard.suffix}
    if environment.get("MELTANO_STATE_BACKEND_URI", "").startswith("dynamodb://"):
        # The lock of the table admits one run. Meltano's own check would refuse another one for
        # five minutes after a run was killed.
        more["MELTANO_RUN_FORCE"] = "true"
    return ShardCommand(
        arguments=(project.meltano, "run", project.extractor, project.loader),
        environment={**project.environment(environment, system), **more},
        folder=project.folder,
        system=system,
        links={system / name: project.folder / ".meltano" / name for name in LINKED},
        pair=(project.extractor, project.loader),
    )
