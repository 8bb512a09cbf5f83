"""`jira-oauth keygen`: a key pair, its private half on disk, its public half for Jira's form."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from tap_jira_oauth.auth.private_key import make_private_key, private_pem, public_pem
from tap_jira_oauth.credentials.file import replace_file
from tap_jira_oauth.errors import ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path

LEAST_BITS = 2048
BITS = 3072

LINK_FORM = """\
Now an administrator of Jira enters the other half.

Jira 8.22 and newer: Administration > Applications > Application links > Create link >
External application > Incoming > OAuth 1.0a.
Older: Application links > enter any address > Create new link > tick "Create incoming link".

  Consumer key    {consumer_key}
  Consumer name   tap-jira-oauth
  Public key      the text below, from the first dash to the last

Leave everything else empty. Then: jira-oauth login --api-url ADDRESS_OF_JIRA{options}

{public_key}"""


def make_key_pair(
    path: Path, consumer_key: str, bits: int, passphrase: str | None, *, force: bool
) -> str:
    """Write the private key for its owner only, and return what to enter in Jira.

    Raises:
        ConfigurationError: a file is there already and `force` is not set, or it cannot be written.
    """
    if path.expanduser().exists() and not force:
        raise _taken(path)
    key = make_private_key(bits)
    _write(path, private_pem(key, passphrase), force=force)
    return LINK_FORM.format(
        consumer_key=consumer_key,
        options=_options(path, consumer_key),
        public_key=public_pem(key).decode(),
    )


DEFAULT_PATH = "jira_private_key.pem"
DEFAULT_CONSUMER = "tap-jira-oauth"


def _options(path: Path, consumer_key: str) -> str:
    """Return the options that `login` needs where the defaults were not taken."""
    told = ""
    if consumer_key != DEFAULT_CONSUMER:
        told += f" --consumer-key {consumer_key}"
    if str(path) != DEFAULT_PATH:
        told += f" --private-key-file {path}"
    return told


def _write(path: Path, pem: bytes, *, force: bool) -> None:
    path = path.expanduser()
    if force:
        replace_file(path, pem)
        return
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(pem)
    except FileExistsError as error:
        raise _taken(path) from error
    except OSError as error:
        raise ConfigurationError(f"Cannot write {path}: {error.strerror}.") from error


def _taken(path: Path) -> ConfigurationError:
    return ConfigurationError(
        f"{path} is there already; Jira knows its public key. Use --force to replace it."
    )
