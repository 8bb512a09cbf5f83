"""`jira-oauth keygen`: what is on disk, what is printed, what is never overwritten."""

from __future__ import annotations

import stat
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tap.command import environment
from tap.sign_in import SECONDS, run
from tap_jira_oauth.auth.private_key import load_private_key

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox import Sandbox

PASSPHRASE = "TAP_JIRA_OAUTH_PRIVATE_KEY_PASSPHRASE"


def keygen(folder: Path, *options: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Make a key pair in a folder; a short key, to save time."""
    return run(folder, "keygen", "--bits", "2048", *options, **variables)


def test_a_key_pair_is_made_for_the_owner_only_and_never_overwritten(tmp_path: Path) -> None:
    """Mode 0600; a second time it is refused, because Jira knows the first one."""
    made = keygen(tmp_path)
    path = tmp_path / "jira_private_key.pem"
    assert made.returncode == 0, made.stderr
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "BEGIN PUBLIC KEY" in made.stdout
    assert "PRIVATE" not in made.stdout
    before = path.read_bytes()
    again = keygen(tmp_path)
    assert again.returncode == 1
    assert "Jira knows its public key" in again.stderr
    assert "--force" in again.stderr
    assert path.read_bytes() == before
    assert keygen(tmp_path, "--force").returncode == 0
    assert path.read_bytes() != before


def test_the_printed_public_key_belongs_to_the_private_one(tmp_path: Path) -> None:
    """What is pasted into Jira verifies what the tap signs."""
    printed = keygen(tmp_path).stdout
    public = serialization.load_pem_public_key(printed[printed.index("-----BEGIN") :].encode())
    private = serialization.load_pem_private_key(
        (tmp_path / "jira_private_key.pem").read_bytes(), None
    )
    assert isinstance(public, rsa.RSAPublicKey)
    assert isinstance(private, rsa.RSAPrivateKey)
    assert public.public_numbers() == private.public_key().public_numbers()


def test_a_key_has_3072_bits_unless_told_and_never_fewer_than_2048(tmp_path: Path) -> None:
    """Shorter ones are refused as what they are, a wrong option."""
    assert run(tmp_path, "keygen").returncode == 0
    assert load_private_key((tmp_path / "jira_private_key.pem").read_text()).key_size == 3072
    refused = run(tmp_path, "keygen", "--bits", "1024", "--private-key-file", "other.pem")
    assert refused.returncode == 2
    assert "2048" in refused.stderr
    assert not (tmp_path / "other.pem").exists()


def test_what_to_enter_in_jira_and_what_to_run_next_is_printed(tmp_path: Path) -> None:
    """With the values as they are, also where they are not the defaults."""
    done = keygen(tmp_path, "--consumer-key", "lake", "--private-key-file", "lake.pem")
    assert "  Consumer key    lake\n" in done.stdout
    assert "External application > Incoming > OAuth 1.0a" in done.stdout
    assert "--consumer-key lake --private-key-file lake.pem" in done.stdout
    assert "lake.pem (keep it secret)" in done.stderr


def test_an_encrypted_key_signs_in_with_its_passphrase_only(
    connected_jira: Sandbox, tmp_path: Path
) -> None:
    """The passphrase is a setting of the tap; it is neither printed nor stored."""
    done = keygen(tmp_path, "--encrypt", **{PASSPHRASE: "open-sesame-17"})
    pem = (tmp_path / "jira_private_key.pem").read_text()
    assert "ENCRYPTED" in pem
    assert "open-sesame-17" not in done.stdout + done.stderr
    connected_jira.register_consumer(
        "tap-jira-oauth", done.stdout[done.stdout.index("-----BEGIN") :]
    )
    login = ("login", "--no-browser", "--api-url", connected_jira.url)
    without = run(tmp_path, *login)
    assert "is encrypted: set 'private_key_passphrase'" in without.stderr
    assert connected_jira.requests == []
    right = run(tmp_path, *login, said="early1\n", **{PASSPHRASE: "open-sesame-17"})
    assert "permission_unknown" in right.stderr


@pytest.mark.parametrize("force", [(), ("--force",)])
def test_a_folder_that_is_missing_is_named(tmp_path: Path, force: tuple[str, ...]) -> None:
    """One line."""
    done = keygen(tmp_path, "--private-key-file", "missing/key.pem", *force)
    assert done.returncode == 1
    assert done.stderr == "jira-oauth: Cannot write missing/key.pem: No such file or directory.\n"


POSIX_ONLY = ("fcntl", "grp", "pwd", "readline", "resource", "syslog", "termios", "tty")
ELSEWHERE = f"""
import os, sys
sys.modules |= dict.fromkeys({POSIX_ONLY!r})
for name in ("chown", "fchmod", "fchown", "fork", "geteuid", "getuid"):
    delattr(os, name)
sys.argv = ["jira-oauth", "keygen", "--bits", "2048"]
from tap_jira_oauth.cli import main
main()
"""


def test_a_key_pair_is_made_without_what_only_unix_has(tmp_path: Path) -> None:
    """As far as Linux can show it: without these modules and functions of Python, and without OpenSSL's command."""
    done = subprocess.run(
        [sys.executable, "-c", ELSEWHERE],
        cwd=tmp_path,
        env=environment() | {"PATH": ""},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert load_private_key((tmp_path / "jira_private_key.pem").read_text()).key_size == 2048
    assert "BEGIN PUBLIC KEY" in done.stdout
