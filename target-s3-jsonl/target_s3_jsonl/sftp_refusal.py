"""What an error on the way to an SSH server means for the person who has to act. Pure."""

from __future__ import annotations

import paramiko


def reason(error: Exception, *, address: str, user: str, connected: bool | None) -> str:
    """Return one sentence on what happened and what to do next; `connected` is None if that never was."""
    said = getattr(error, "strerror", None) or f"{error}"
    file = getattr(error, "filename", None)  # of this machine: the server's answers name none
    if isinstance(error, paramiko.AuthenticationException) or said == _NO_KEYS:
        text = _SHUT_OUT
    elif file:
        text = "{file} cannot be read ({said})."
    elif connected is None and isinstance(error, OSError):
        text = _UNREACHED
    elif connected is False:
        text = _BROKEN
    elif said == "Failure":
        text = _FAILURE
    else:
        text = next((text for kind, text in _BY_CLASS if isinstance(error, kind)), "{said}.")
    return text.format(address=address, user=repr(user), said=said, file=file)


_NO_KEYS = "No authentication methods available"
"""paramiko's words where it has found no key, an error of no class of its own."""
_SHUT_OUT = "{address} does not let {user} in; the private key must be in ~/.ssh here, or in an agent, and the public one in authorized_keys there."
_UNREACHED = "{address} cannot be reached ({said}); check destination and the network."
_BROKEN = (
    "the connection to {address} broke ({said}); the next run goes on from the last STATE printed."
)
_FAILURE = "the server says 'Failure' and no more; its disk or a quota may be full."
_BY_CLASS: tuple[tuple[type[Exception], str], ...] = (
    (
        paramiko.ChannelException,
        "{address} allows no more sessions; lower max_parallel_uploads, or raise MaxSessions there.",
    ),
    (TimeoutError, "{address} does not answer any more; check the server and the network."),
    (PermissionError, "permission denied; {user} must be allowed to write there."),
    (paramiko.SSHException, _BROKEN),
    (EOFError, _BROKEN),
)
