"""The JSON file that `jira-oauth login` writes: readable by its owner only, replaced atomically."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import msgspec

from tap_jira_oauth.errors import ConfigurationError


class CredentialsFile(msgspec.Struct, frozen=True):
    """What a sign-in leaves behind. Both expiry dates are RFC 3339 in UTC, or None if unknown."""

    consumer_key: str
    private_key_file: str | None
    access_token: str
    access_token_secret: str
    session_handle: str | None = None
    access_token_expires: str | None = None
    session_expires: str | None = None

    @classmethod
    def load(cls, path: Path) -> CredentialsFile:
        """Read the file.

        Raises:
            ConfigurationError: it is missing, unreadable or not from `jira-oauth login`.
        """
        try:
            return msgspec.json.decode(path.expanduser().read_bytes(), type=cls)
        except OSError as error:
            raise ConfigurationError(
                f"Cannot read the credentials file {path}: {error.strerror}. "
                "`jira-oauth login` writes it."
            ) from error
        except msgspec.MsgspecError as error:
            raise ConfigurationError(
                f"The credentials file {path} is not one of `jira-oauth login`: {error}."
            ) from error

    @staticmethod
    def check_writable(path: Path) -> None:
        """Make sure that the file could be written.

        Raises:
            ConfigurationError: its folder is missing or not writable.
        """
        folder = path.expanduser().parent
        if not os.access(folder, os.W_OK | os.X_OK):
            reason = "is not writable" if folder.is_dir() else "is no folder"
            raise ConfigurationError(f"Cannot write {path}: {folder.absolute()} {reason}.")

    def save(self, path: Path) -> None:
        """Write the file with mode 0600; an older one stays whole until the new one is complete.

        Raises:
            ConfigurationError: the folder cannot be written to.
        """
        replace_file(
            path.expanduser(), msgspec.json.format(msgspec.json.encode(self), indent=2) + b"\n"
        )


def replace_file(path: Path, content: bytes) -> None:
    """Write a file that only its owner can read, in the place of what is there, whole or not at all.

    Raises:
        ConfigurationError: the folder cannot be written to.
    """
    try:
        # mkstemp creates with mode 0600.
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise ConfigurationError(f"Cannot write {path}: {error.strerror}.") from error
