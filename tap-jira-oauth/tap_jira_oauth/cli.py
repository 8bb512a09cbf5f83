"""`jira-oauth`: make a key pair, and sign in to Jira once so that the tap can run unattended."""

from __future__ import annotations

import os
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path

import click

from tap_jira_oauth.auth.dance import AccessToken, Dance
from tap_jira_oauth.auth.private_key import (
    load_private_key,
    make_private_key,
    private_pem,
    public_pem,
)
from tap_jira_oauth.credentials import read_text
from tap_jira_oauth.credentials.file import CredentialsFile
from tap_jira_oauth.errors import ConfigurationError, TapError

LINK_FORM = """\
In Jira, as an administrator: Applications > Application links > Create link > External
application > Incoming > OAuth 1.0a (before Jira 8.22: enter any address, ignore the warning,
tick "Create incoming link"). Fill in:

  Consumer key    {consumer_key}
  Consumer name   tap-jira-oauth
  Public key      the text below, with or without its first and last line

{public_key}"""


@click.group()
@click.version_option(package_name="tap-jira-oauth")
def commands() -> None:
    """Sign in to Jira with OAuth 1.0a, for tap-jira-oauth."""


@commands.command()
@click.option(
    "--private-key-file",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("jira_private_key.pem"),
    show_default=True,
    help="Where the private key goes (mode 0600).",
)
@click.option("--consumer-key", default="tap-jira-oauth", show_default=True)
@click.option("--bits", type=click.IntRange(min=2048), default=3072, show_default=True)
@click.option("--force", is_flag=True, help="Replace a key that is there.")
def keygen(private_key_file: Path, consumer_key: str, bits: int, *, force: bool) -> None:
    """Make a key pair, and say what to enter in Jira's application link."""
    key = make_private_key(bits)
    _write_private(private_key_file, private_pem(key), replace=force)
    click.echo(f"Private key: {private_key_file} (keep it secret)\n", err=True)
    public_key = public_pem(key).decode()
    click.echo(LINK_FORM.format(consumer_key=consumer_key, public_key=public_key))


@commands.command()
@click.option("--api-url", required=True, help="Jira's base URL with its context path.")
@click.option("--consumer-key", default="tap-jira-oauth", show_default=True)
@click.option(
    "--private-key-file",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("jira_private_key.pem"),
    show_default=True,
)
@click.option("--passphrase", envvar="JIRA_OAUTH_PASSPHRASE", help="Of an encrypted private key.")
@click.option(
    "--credentials-file",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("jira_credentials.json"),
    show_default=True,
    help="Where the access token goes (mode 0600).",
)
def login(
    api_url: str,
    consumer_key: str,
    private_key_file: Path,
    passphrase: str | None,
    credentials_file: Path,
) -> None:
    """Sign in: open a page of Jira in any browser, allow the access, enter the code it shows."""
    key = load_private_key(read_text(private_key_file), passphrase)
    dance = Dance(api_url.rstrip("/"), consumer_key, key)
    request = dance.request_token()
    click.echo(
        f"Open this page, log in as the user whose issues to read, and allow it:\n\n  "
        f"{dance.authorize_url(request)}\n",
        err=True,
    )
    verifier = click.prompt("Verification code", err=True).strip()
    token = dance.access_token(request, verifier)
    stored = _stored(token, consumer_key, private_key_file, datetime.now(timezone.utc))
    stored.save(credentials_file)
    click.echo(
        f"Signed in until {stored.access_token_expires or 'Jira says otherwise'}.\n"
        f"Set credentials_store to 'file' and credentials_file to '{credentials_file}'."
    )


def _stored(
    token: AccessToken, consumer_key: str, private_key_file: Path, now: datetime
) -> CredentialsFile:
    return CredentialsFile(
        consumer_key,
        str(private_key_file.absolute()),
        token.token,
        token.secret,
        token.session_handle,
        _moment(now, token.expires_in),
        _moment(now, token.session_expires_in),
    )


def _moment(now: datetime, seconds: int | None) -> str | None:
    if seconds is None:
        return None
    return (now + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def _write_private(path: Path, pem: bytes, *, replace: bool) -> None:
    """Write a key that only its owner can read; without `replace` an existing file is safe."""
    flags = os.O_WRONLY | os.O_CREAT | (os.O_TRUNC if replace else os.O_EXCL)
    try:
        handle = os.open(path.expanduser(), flags, 0o600)
    except FileExistsError as error:
        raise ConfigurationError(
            f"{path} is there already; Jira knows its public key. Use --force to replace it."
        ) from error
    except OSError as error:
        raise ConfigurationError(f"Cannot write {path}: {error.strerror}.") from error
    with os.fdopen(handle, "wb") as file:
        os.fchmod(file.fileno(), 0o600)
        file.write(pem)


def main() -> None:
    """Run the command line; an error is one line and status 1."""
    try:
        commands()
    except TapError as error:
        click.echo(f"jira-oauth: {error}", err=True)
        sys.exit(1)
