"""`jira-oauth`: make a key pair, sign in to Jira once, and see whether a sync could run."""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from tap_jira_oauth.auth import build_auth
from tap_jira_oauth.check import Check, utc_now
from tap_jira_oauth.client import JiraClient
from tap_jira_oauth.configuration import PREFIX, checked, read_config
from tap_jira_oauth.errors import ConfigurationError, TapError
from tap_jira_oauth.first_load import split_first_load
from tap_jira_oauth.jira import Jira
from tap_jira_oauth.keygen import (
    BITS,
    DEFAULT_CONSUMER,
    DEFAULT_PATH,
    LEAST_BITS,
    make_key_pair,
)
from tap_jira_oauth.login import WAIT_SECONDS, ConsentLogin, Login, Person
from tap_jira_oauth.progress import Progress
from tap_jira_oauth.redaction import REDACTION, guard
from tap_jira_oauth.report import Finding, as_json, as_text, could_sync

if TYPE_CHECKING:
    from tap_jira_oauth.settings import Settings

PASSPHRASE = f"{PREFIX}PRIVATE_KEY_PASSPHRASE"
CREDENTIALS_FILE = "jira_credentials.json"
INTERRUPTED = 130

FILE = click.Path(path_type=Path, dir_okay=False)


@click.group()
@click.version_option(package_name="tap-jira-oauth")
def commands() -> None:
    """Sign in to Jira with OAuth 1.0a or 2.0, for tap-jira-oauth."""


@commands.command()
@click.option(
    "--private-key-file",
    type=FILE,
    default=Path(DEFAULT_PATH),
    show_default=True,
    help="Where the private key goes (mode 0600).",
)
@click.option("--consumer-key", default=DEFAULT_CONSUMER, show_default=True)
@click.option("--bits", type=click.IntRange(min=LEAST_BITS), default=BITS, show_default=True)
@click.option(
    "--encrypt",
    is_flag=True,
    help=f"Encrypt the private key; the passphrase is in {PASSPHRASE}, or asked for.",
)
@click.option("--force", is_flag=True, help="Replace a key that is there.")
def keygen(
    private_key_file: Path, consumer_key: str, bits: int, *, encrypt: bool, force: bool
) -> None:
    """Make a key pair, and say what to enter in Jira's application link."""
    passphrase = _passphrase() if encrypt else None
    form = make_key_pair(private_key_file, consumer_key, bits, passphrase, force=force)
    click.echo(f"Private key: {private_key_file} (keep it secret)\n", err=True)
    click.echo(form)


def _passphrase() -> str:
    """Return the passphrase for a new key: the tap's setting, or asked for twice."""
    return os.environ.get(PASSPHRASE) or str(
        click.prompt("Passphrase", hide_input=True, confirmation_prompt=True, err=True)
    )


@commands.command()
@click.option("--config", type=FILE, help="The tap's config file. Its settings may be left out.")
@click.option("--api-url", help="Jira's base URL with its context path.")
@click.option("--consumer-key", help=f"As in the incoming link.  [default: {DEFAULT_CONSUMER}]")
@click.option("--private-key-file", type=FILE, help=f"[default: {DEFAULT_PATH}]")
@click.option(
    "--credentials-file",
    type=FILE,
    help=f"Where the access token goes (mode 0600).  [default: {CREDENTIALS_FILE}]",
)
@click.option(
    "--no-browser",
    is_flag=True,
    help="Print the page's address and read the code that it shows: for a machine without a browser.",
)
@click.option(
    "--wait",
    type=click.FloatRange(min=0, min_open=True),
    default=WAIT_SECONDS,
    show_default=True,
    help="Seconds to wait for an answer in the browser.",
)
def login(config: Path | None, wait: float, *, no_browser: bool, **given: Any) -> None:
    """Sign in: a page of Jira opens in the browser, on which you allow the access.

    Settings may also come from the tap's environment variables (TAP_JIRA_OAUTH_...).
    """
    settings = checked(_login_config(read_config(config, os.environ), given))
    kind = ConsentLogin if settings.auth_method == "oauth2" else Login
    session = kind(settings, Person(_say, _open_page, _read_code, utc_now))
    by_code = no_browser or not _has_browser()
    outcome = session.by_code() if by_code else session.by_browser(wait)
    click.echo(
        f"Signed in until {outcome.until or 'Jira says otherwise'}.\n"
        f"{_use(settings, outcome.place)}; `jira-oauth check` then shows whether a sync can run."
    )


def _use(settings: Settings, place: str) -> str:
    """Say how the tap finds what was stored."""
    if settings.credentials_store == "ssm":
        return f"The token is in the parameter {place}, from which credentials_store 'ssm' reads it"
    return f"Set credentials_store to 'file' and credentials_file to '{place}'"


def _login_config(config: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """Return the settings of a login: options, over what is configured, over its own defaults."""
    options = {name: str(value) for name, value in given.items() if value is not None}
    if "private_key_file" in options:
        config.pop("private_key", None)
    if "credentials_file" in options:
        options["credentials_store"] = "file"
    configured = {name: value for name, value in config.items() if value not in (None, "")}
    given = {"credentials_store": "file", **configured, **options}
    if given.get("auth_method") == "oauth2":
        return {"credentials_file": CREDENTIALS_FILE, **given}
    if given["credentials_store"] == "ssm":
        # Key, consumer and address stand in the parameters, where the tap reads them, too.
        if "private_key_file" in options:
            raise ConfigurationError(
                "With credentials_store 'ssm' the private key is in Parameter Store; leave out "
                "--private-key-file."
            )
        return given
    defaults = {"consumer_key": DEFAULT_CONSUMER, "credentials_file": CREDENTIALS_FILE}
    if not config.get("private_key"):
        defaults["private_key_file"] = DEFAULT_PATH
    return {**defaults, **given}


@commands.command()
@click.option("--config", type=FILE, help="The tap's config file.")
@click.option("--json", "as_data", is_flag=True, help="Print JSON.")
def check(config: Path | None, *, as_data: bool) -> None:
    """Show whether a sync could run, as whom, and what is in its way: status 1 if it could not.

    Settings come from the config file and from the tap's environment variables
    (TAP_JIRA_OAUTH_...), which win.
    """
    try:
        findings = Check(checked(read_config(config, os.environ)), utc_now).run()
    except TapError as error:
        findings = [Finding("configuration", "failed", REDACTION.hide(str(error)))]
    click.echo(as_json(findings) if as_data else as_text(findings))
    if not could_sync(findings):
        sys.exit(1)


@commands.command()
@click.option("--config", type=FILE, help="The tap's config file.")
@click.option("--project", "project_key", required=True, help="The key of the project.")
@click.option("--parts", type=click.IntRange(min=2), required=True, help="How many parts.")
def split(config: Path | None, project_key: str, parts: int) -> None:
    """Print parts in which the first load of one huge project can be read by several runs at a time.

    JSON: a `jql` for each part, and the `state` for the runs that come after all of them.
    """
    settings = checked(read_config(config, os.environ))
    client = JiraClient(settings, build_auth(settings))
    jira = Jira(settings, client, Progress(time.monotonic))
    found = split_first_load(jira, project_key, parts)
    click.echo(msgspec.json.format(msgspec.json.encode(found), indent=2).decode())


def _say(text: str) -> None:
    click.echo(text, err=True)


def _has_browser() -> bool:
    try:
        webbrowser.get()
    except webbrowser.Error:
        return False
    return True


def _open_page(url: str) -> None:
    """Open a page beside us: a browser that runs in a terminal returns only when it is closed.

    Where none can be opened nothing is lost, since the page's address is printed, too.
    """
    threading.Thread(target=webbrowser.open, args=(url,), daemon=True).start()


def _read_code(what: str) -> str:
    click.echo(f"{what}: ", nl=False, err=True)
    return sys.stdin.readline()


def main() -> None:
    """Run the command line; an error is one line and status 1, Ctrl-C one line and status 130."""
    logging.basicConfig(format="jira-oauth: %(message)s")
    guard(logging.getLogger().handlers)
    try:
        commands(standalone_mode=False)
    except TapError as error:
        click.echo(f"jira-oauth: {REDACTION.hide(str(error))}", err=True)
        sys.exit(1)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except click.Abort:
        click.echo("jira-oauth: stopped; nothing was stored.", err=True)
        sys.exit(INTERRUPTED)
