"""Why Jira refused a leg of the sign-in, more exactly than a single request can tell. Pure."""

from __future__ import annotations

import re
from datetime import timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, NoReturn
from urllib.parse import parse_qs, unquote, urlsplit

from tap_jira_oauth import advice
from tap_jira_oauth.answer import Answer, oauth_problem
from tap_jira_oauth.errors import AuthenticationError, ConfigurationError, TapError
from tap_jira_oauth.verdict import refuse

if TYPE_CHECKING:
    from datetime import datetime


def refuse_sign_in(answer: Answer, address: str, servlet: str, now: datetime) -> NoReturn:
    """Raise what a refused leg stands for.

    `address` is what was signed, `servlet` its part behind the base URL, `now` this machine's
    time. Jira echoes the base string of a bad signature, which tells an address that a proxy
    changed from a wrong key; only the address in it is ever shown.

    Raises:
        TapError: always.
    """
    problem = oauth_problem(answer)
    if problem == "signature_invalid":
        raise _signature_refused(answer, address)
    if problem == "timestamp_refused":
        raise AuthenticationError(
            f"Jira refused the sign-in: timestamp_refused. {_difference(answer, now)} More than "
            f"five minutes are too many. {advice.OAUTH[problem].remedy}"
        )
    if problem in advice.SIGN_IN:
        raise AuthenticationError(f"Jira refused the sign-in: {problem}. {advice.SIGN_IN[problem]}")
    if problem is None and HTTPStatus.MULTIPLE_CHOICES <= answer.status < HTTPStatus.BAD_REQUEST:
        raise _moved(answer.headers.get("Location", ""), address, servlet)
    if problem is None and answer.status == HTTPStatus.NOT_FOUND:
        raise no_servlet(address)
    refuse(answer)


def no_servlet(address: str) -> ConfigurationError:
    """Return the error for an address at which there is no OAuth of a Jira."""
    return ConfigurationError(
        f"{address} is not where this Jira signs in. The context path in 'api_url' is wrong or "
        "missing: copy the address of Jira's start page from a browser, up to what comes before "
        "/secure, /browse or /projects."
    )


def _signature_refused(answer: Answer, address: str) -> TapError:
    said = "Jira refused the sign-in: signature_invalid."
    seen = address_seen(answer)
    if seen is not None and seen != _signed_form(address):
        return ConfigurationError(
            f"{said} We signed {_signed_form(address)}, and Jira sees {seen}: a proxy changes the "
            "address. Set 'api_url' to Jira's own base URL, or ask its administrator to set "
            "proxyName, proxyPort and scheme in Tomcat's server.xml, and that the proxy keeps the "
            "Host header."
        )
    return AuthenticationError(
        f"{said} The public key in Jira's incoming link does not belong to this private key. Enter "
        "the public key that `jira-oauth keygen` printed with it, or name the right key with "
        "--private-key-file."
    )


def address_seen(answer: Answer) -> str | None:
    """Return the address under which Jira believes to have been asked; None where it is silent."""
    fields = parse_qs(answer.body.decode("latin-1"))
    parts = fields.get("oauth_signature_base_string", [""])[0].split("&")
    # A base string is METHOD&address&parameters, each percent-encoded (RFC 5849, 3.4.1.1).
    address = unquote(parts[1]) if len(parts) > 1 else ""
    return address if re.match(r"https?://", address) else None


def _signed_form(address: str) -> str:
    """Return an address as it is signed: host in lower case, no default port (RFC 5849, 3.4.1.2)."""
    parts = urlsplit(address)
    host = parts.netloc.lower()
    default = {"http": ":80", "https": ":443"}[parts.scheme.lower()]
    return f"{parts.scheme.lower()}://{host.removesuffix(default)}{parts.path}"


def _difference(answer: Answer, now: datetime) -> str:
    try:
        theirs = parsedate_to_datetime(answer.headers["Date"])
    except (KeyError, TypeError, ValueError):
        return "This machine's clock and Jira's differ."
    ahead = now - theirs
    word = "ahead of" if ahead > timedelta(0) else "behind"
    return f"This machine's clock is {spell_duration(abs(ahead))} {word} Jira's."


def spell_duration(duration: timedelta) -> str:
    """Return a duration in whole seconds below two minutes, then minutes, then hours."""
    seconds = round(duration.total_seconds())
    for unit, size in (("hour", 3600), ("minute", 60)):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}s"
    return f"{seconds} second{'' if seconds == 1 else 's'}"


def _moved(target: str, address: str, servlet: str) -> ConfigurationError:
    path = urlsplit(target)
    if path.path.endswith(servlet) and path.hostname:
        base = f"{path.scheme}://{path.netloc}{path.path.removesuffix(servlet)}"
        return ConfigurationError(f"{address} redirects. Set 'api_url' to {base}")
    return ConfigurationError(
        f"{address} redirects to {target.partition('?')[0] or 'nowhere'}. {advice.REDIRECT.remedy}"
    )
