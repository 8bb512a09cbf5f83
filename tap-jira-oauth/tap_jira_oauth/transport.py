"""Sends one request once, the way the settings say, and tells an answer from a trouble that may pass."""

from __future__ import annotations

import logging
import re
import socket
import ssl
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import requests
import urllib3
from requests.adapters import HTTPAdapter

from tap_jira_oauth.answer import Answer, Wait
from tap_jira_oauth.errors import ConfigurationError, UnavailableError

if TYPE_CHECKING:
    from requests.auth import AuthBase

    from tap_jira_oauth.settings import Settings

logger = logging.getLogger("tap-jira-oauth")


@dataclass(frozen=True)
class Body:
    """What is sent, and its media type."""

    content: bytes
    media_type: str = "application/json"


class Transport:
    """A session with certificates, proxy, time limits and headers as the settings have them.

    Requests are signed once per try by `auth`. No redirect is followed and nothing below repeats a
    request: a signature is good for one address and one moment only.
    """

    def __init__(self, settings: Settings, auth: AuthBase) -> None:
        """Prepare the session; nothing is sent yet.

        Raises:
            ConfigurationError: the client certificate is unusable.
        """
        self._session = requests.Session()
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, HTTPAdapter(pool_maxsize=settings.max_concurrent_requests))
        self._session.auth = auth
        self._session.headers.update(
            {
                "Accept": "application/json",
                "Accept-Language": "en",
                "X-Force-Accept-Language": "true",
                "User-Agent": settings.user_agent or f"tap-jira-oauth/{version('tap-jira-oauth')}",
            }
        )
        if not settings.verify_ssl:
            logger.warning("verify_ssl is off: whoever is between here and Jira can read along")
            urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
        if settings.client_certificate:
            _check_certificate(settings.client_certificate)
        self._certified = bool(settings.client_certificate)
        proxy = settings.proxy_url
        self._timeout = settings.request_timeout
        self._route: dict[str, Any] = {
            "stream": True,
            "verify": (settings.ca_bundle or True) if settings.verify_ssl else False,
            "cert": settings.client_certificate,
            "proxies": {"http": proxy, "https": proxy} if proxy else {},
        }
        # requests would look through the environment for proxies with every request.
        self._route_to = cache(self._found_route)

    def send(
        self,
        method: str,
        base: str,
        path: str = "",
        body: Body | None = None,
        *,
        auth: AuthBase | None = None,
    ) -> Answer | Wait:
        """Send a request; whoever asks judges the answer, or waits and sends it again.

        Errors name the server by `base`; the address is `base` and `path` in one. `auth` signs
        this one request in place of the session's.

        Raises:
            ConfigurationError: no try would ever be answered.
        """
        headers = {"Content-Type": body.media_type} if body is not None else None
        content = body.content if body is not None else None
        try:
            request = requests.Request(
                method, f"{base}{path}", data=content, headers=headers, auth=auth
            )
            with self._session.send(
                self._session.prepare_request(request),
                timeout=self._timeout,
                allow_redirects=False,
                **self._route_to(base),
            ) as response:
                # `content` would put the body together from small pieces, at twice the cost.
                received = response.raw.read(decode_content=True)
                return Answer(response.status_code, response.headers, received)
        except UnavailableError as error:  # the sign-in itself has to wait
            return Wait(str(error).rstrip("."), 0)
        except requests.exceptions.ProxyError as error:
            raise ConfigurationError(
                f"The proxy does not let us through to {base}. Check 'proxy_url' or HTTPS_PROXY "
                "and NO_PROXY."
            ) from error
        except OSError as error:  # requests' own errors are OSErrors, too; a lost file is one
            return self._trouble(base, error)
        except urllib3.exceptions.HTTPError as error:  # while the body was read
            reason = f"{base} broke off its answer ({type(error).__name__})"
            return Wait(reason, 0, heavy=True)

    def _found_route(self, base: str) -> dict[str, Any]:
        """Return proxies and certificates for a server, by the settings or else the environment."""
        return dict(self._session.merge_environment_settings(base, **self._route))

    def _trouble(self, base: str, error: OSError) -> Wait:
        if not isinstance(error, requests.exceptions.RequestException):
            raise ConfigurationError(f"Cannot read {error.filename or error}.") from error
        if isinstance(error, _HOPELESS):
            # Not in the library's words: they may hold the proxy's password.
            raise ConfigurationError(
                f"Cannot ask {base} ({type(error).__name__}): 'api_url' or the proxy's address is "
                "malformed."
            ) from error
        origin = _origin(error)
        if isinstance(origin, socket.gaierror):
            reason = f"{base} does not answer, its name is not known ({origin.strerror})"
            return Wait(reason, 0, nameless=True)
        cause = _cause(origin)
        if _REFUSED_CERTIFICATE.search(cause):
            what = "does not accept" if self._certified else "wants"
            raise ConfigurationError(
                f"{base} {what} a client certificate. Set 'client_certificate' to a PEM file with "
                "certificate and key that it trusts."
            ) from error
        if isinstance(error, requests.exceptions.SSLError):
            if "EOF" in str(error):  # the connection was cut, which may pass
                return Wait(f"{base} broke off the TLS connection", 0)
            raise ConfigurationError(
                f"TLS with {base} failed: {cause}. For a private authority set 'ca_bundle' to its "
                "certificates."
            ) from error
        heavy = isinstance(error, requests.exceptions.ReadTimeout)
        return Wait(f"{base} does not answer ({type(error).__name__})", 0, heavy=heavy)


_HOPELESS = (
    requests.exceptions.InvalidURL,
    requests.exceptions.InvalidSchema,
    requests.exceptions.MissingSchema,
    requests.exceptions.InvalidProxyURL,
)

_REFUSED_CERTIFICATE = re.compile(
    r"alert (unknown ca|bad certificate|certificate \w+|handshake failure|access denied)"
)
"""Alerts that the server sends (RFC 8446, section 6.2); a doubt of our own has other words."""


def _check_certificate(path: str) -> None:
    """Load it once by ourselves: OpenSSL would ask on the terminal for a passphrase, and wait."""
    try:
        ssl.create_default_context().load_cert_chain(path, password="")
    except ssl.SSLError as error:
        raise ConfigurationError(
            f"Setting 'client_certificate': {path} must hold a certificate and its key as PEM, the "
            "key without a passphrase."
        ) from error
    except OSError as error:
        raise ConfigurationError(f"Cannot read {path}: {error.strerror}.") from error


def _origin(error: BaseException) -> BaseException:
    """Return the innermost reason of a transport error."""
    while error.__context__ is not None:
        error = error.__context__
    return error


def _cause(origin: BaseException) -> str:
    """Return a reason in words, without addresses of Python objects."""
    return str(origin).split(":", maxsplit=1)[-1].strip(" )") or type(origin).__name__
