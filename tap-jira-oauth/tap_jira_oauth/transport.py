"""How bytes get to Jira: certificates, proxy, time limit; and what a broken way means."""

from __future__ import annotations

import logging
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import requests
import urllib3

from tap_jira_oauth.errors import ConfigurationError

if TYPE_CHECKING:
    from tap_jira_oauth.settings import Settings

logger = logging.getLogger("tap-jira-oauth")

_HOPELESS = (
    requests.exceptions.InvalidURL,
    requests.exceptions.InvalidSchema,
    requests.exceptions.MissingSchema,
    requests.exceptions.InvalidProxyURL,
)


def transport_options(settings: Settings) -> dict[str, Any]:
    """Return what `requests` takes with every request.

    Given with every request, since requests lets the environment win over the session. No
    redirect is followed: a signature is good for one address only.
    """
    if not settings.verify_ssl:
        logger.warning("verify_ssl is off: whoever is between here and Jira can read along")
        urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
    proxy = settings.proxy_url
    return {
        "timeout": settings.request_timeout,
        "allow_redirects": False,
        "verify": (settings.ca_bundle or True) if settings.verify_ssl else False,
        "cert": settings.client_certificate,
        "proxies": {"http": proxy, "https": proxy} if proxy else None,
    }


def user_agent(settings: Settings) -> str:
    """Return the User-Agent header."""
    return settings.user_agent or f"tap-jira-oauth/{version('tap-jira-oauth')}"


def describe(error: OSError, base: str) -> ConfigurationError | str:
    """Return the error that needs a person, or the words for one that may pass by itself.

    requests' own errors are OSErrors, too; a certificate file that is lost is one of no library.
    Libraries' words are left out where they may hold the proxy's password.
    """
    if isinstance(error, requests.exceptions.SSLError):
        if "EOF" in str(error):
            return f"{base} broke off the TLS connection"
        return ConfigurationError(
            f"TLS with {base} failed: {_cause(error)}. For a private authority set 'ca_bundle' to "
            "its certificates."
        )
    if isinstance(error, requests.exceptions.ProxyError):
        return ConfigurationError(
            f"The proxy does not let us through to {base}. Check 'proxy_url' or HTTPS_PROXY and "
            "NO_PROXY."
        )
    if not isinstance(error, requests.exceptions.RequestException):
        return ConfigurationError(f"Cannot read {error.filename or error}.")
    if isinstance(error, _HOPELESS):
        return ConfigurationError(
            f"Cannot ask {base} ({type(error).__name__}): 'api_url' or the proxy's address is "
            "malformed."
        )
    return f"{base} does not answer ({type(error).__name__})"


def _cause(error: BaseException) -> str:
    """Return the innermost reason of a transport error, without addresses of Python objects."""
    while error.__context__ is not None:
        error = error.__context__
    return str(error).split(":", maxsplit=1)[-1].strip(" )") or type(error).__name__
