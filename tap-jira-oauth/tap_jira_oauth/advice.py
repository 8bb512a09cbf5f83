"""What each refusal of Jira means and what to do about it: once, for errors and for the README. Pure.

Problems by their names in OAuth Problem Reporting, as Jira implements it; statuses by what Jira,
its gateways and the proxies in front of it send.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Advice:
    """Why it happens, and what to do: each one or two whole sentences."""

    cause: str
    remedy: str

    def __str__(self) -> str:
        """Return both, as an error says them."""
        return f"{self.cause} {self.remedy}"


_CHECK_LINK = "Ask a Jira administrator to check the incoming link."
_LOGIN = "Sign in again with `jira-oauth login`."
_LOGIN_AGAIN = "Start `jira-oauth login` again."
_UPDATE = "Update the tap; if it stays so, report it."

OAUTH = {
    "additional_authorization_required": Advice(
        "The access token is not enough for Jira here.", _LOGIN
    ),
    "consumer_key_refused": Advice("Jira refuses this consumer key for now.", _CHECK_LINK),
    "consumer_key_rejected": Advice("Jira refuses this consumer key.", _CHECK_LINK),
    "consumer_key_unknown": Advice(
        "Jira knows no application link with this consumer key.",
        "Compare 'consumer_key' with the consumer key of the incoming link, letter by letter.",
    ),
    "nonce_used": Advice(
        "Jira saw this very request before.",
        "Look for a proxy in between that repeats requests.",
    ),
    "parameter_absent": Advice(
        "A part of the signed request did not reach Jira.",
        "Look for a proxy in between that removes the Authorization header.",
    ),
    "parameter_rejected": Advice("Jira does not accept a part of the signed request.", _UPDATE),
    "permission_denied": Advice(
        "The user has denied the access, or the sign-in is over.", _LOGIN_AGAIN
    ),
    "permission_unknown": Advice("The user has not allowed the access yet.", _LOGIN_AGAIN),
    "signature_invalid": Advice(
        "The private key does not belong to the public key of the application link, or a proxy "
        "changes the address on the way.",
        "Compare the keys; set 'api_url' to Jira's own base URL.",
    ),
    "signature_method_rejected": Advice(
        "The application link does not accept RSA-SHA1.",
        "Make it an OAuth 1.0a link with a public key, as `jira-oauth keygen` prints it.",
    ),
    "timestamp_refused": Advice(
        "This machine's clock and Jira's differ by more than five minutes.",
        "Set this machine's clock, or Jira's.",
    ),
    "token_expired": Advice("The access token has expired.", _LOGIN),
    "token_rejected": Advice(
        "The access token is unknown, was revoked, or belongs to another consumer key.", _LOGIN
    ),
    "token_revoked": Advice("The access token was revoked.", _LOGIN),
    "token_used": Advice("The request token was used before.", _LOGIN_AGAIN),
    "user_refused": Advice("Jira refuses this user.", "Ask a Jira administrator."),
    "version_rejected": Advice("Jira wants another version of OAuth than 1.0.", _UPDATE),
}
"""By `oauth_problem`, for a signed request with an access token."""

UNKNOWN_PROBLEM = Advice("Jira gives no other reason.", "Check the application link in Jira.")

SIGN_IN = {
    "permission_denied": Advice(
        "The access was denied on Jira's page.",
        "Start `jira-oauth login` again, and click Allow.",
    ),
    "permission_unknown": Advice(
        "Nobody has allowed the access on Jira's page yet.",
        "Start `jira-oauth login` again, and click Allow before you enter the code.",
    ),
    "token_expired": Advice(
        "The request token has expired: Jira waits ten minutes for the answer on its page.",
        "Start `jira-oauth login` again, and answer sooner.",
    ),
    "token_rejected": Advice(
        "The verification code is wrong, or this sign-in was finished before.",
        "Start `jira-oauth login` again; each code is good for one sign-in only.",
    ),
}
"""By `oauth_problem`, where it means something else during `jira-oauth login`."""

OAUTH2 = {
    "invalid_client": Advice(
        "The token endpoint does not know this client.",
        "Compare 'client_id' and 'client_secret' with the application link or app.",
    ),
    "invalid_grant": Advice(
        "The token endpoint refuses the refresh token: it is too old, was used before, or the "
        "access was taken back.",
        "A person has to consent again; on Data Center 'redirect_uri' must be the one of the "
        "consent, too.",
    ),
}
"""By `error` of a token endpoint (RFC 6749, section 5.2); Cloud says the second one with 403."""

NOBODY = Advice(
    "Jira answered as if nobody was signed in. Such an answer hides issues in silence.",
    "Check the credentials, or sign in again with `jira-oauth login`.",
)
NOT_JSON = Advice(
    "A login page, a proxy or a gateway answered in Jira's place.",
    "Set 'api_url' to Jira's own address.",
)
REDIRECT = Advice(
    "Jira is somewhere else, and a signature does not survive a redirect.",
    "Set 'api_url' to Jira's own base URL, with scheme, port and context path.",
)
BAD_REQUEST = Advice(
    "Jira does not accept the request; its own words say why.",
    "If they are about 'jql', correct that setting.",
)
INVISIBLE = Advice(
    "The user is not signed in or has no permission to see it, or it does not exist.",
    "Run `jira-oauth check`; ask a Jira administrator for the permission.",
)
UNAUTHORIZED = Advice(
    "The credentials are wrong or too old.",
    "Check the credentials, or sign in again with `jira-oauth login`.",
)
FORBIDDEN = Advice(
    "The signed-in user may not do this.", "Ask a Jira administrator for the permission."
)
CAPTCHA = Advice(
    "Too many failed sign-ins.", "Log in to Jira once in a browser and solve the CAPTCHA."
)
NOT_FOUND = Advice(
    "There is no Jira at this address, or its context path is another.",
    "Correct the context path in 'api_url'.",
)
SCOPE = Advice(
    "The consent of OAuth 2.0 does not cover what was asked for.",
    "The OAuth 2.0 app needs the scopes read:jira-work and read:jira-user; then consent again.",
)
GONE = Advice(
    "Jira Cloud has removed what Data Center still has.",
    "Set 'api_flavor' to 'auto' or 'cloud'.",
)
BUSY = Advice(
    "Jira is overloaded, restarting or being maintained.",
    "The tap waits as long as `Retry-After` says, up to 'max_retry_seconds'; run again later.",
)
SEARCH_LIMIT = Advice(
    "Data Center gives out no more rows of one search than "
    "`jira.search.platform.max.result.window` says.",
    "Ask a Jira administrator to raise it, or deselect the stream.",
)
TOO_MANY = Advice(
    "The user's rate limit is reached.",
    "The tap waits as long as `Retry-After` says, up to 'max_retry_seconds'; lower 'page_size', "
    "or ask a Jira administrator for an exemption.",
)

STATUSES = {
    "200, `X-AUSERNAME: anonymous` or `AUTHENTICATED_FAILED`": NOBODY,
    "200, no JSON": NOT_JSON,
    "301, 302, 303, 307, 308": REDIRECT,
    "400": BAD_REQUEST,
    "400, `does not exist for the field`, `cannot be viewed`": INVISIBLE,
    "401": UNAUTHORIZED,
    "401, `scope does not match`": SCOPE,
    "403": FORBIDDEN,
    "403, `CAPTCHA_CHALLENGE`": CAPTCHA,
    "404": NOT_FOUND,
    "410": GONE,
    "429": TOO_MANY,
    "500, `Search limit exceeded`": SEARCH_LIMIT,
    "500, 502, 503, 504": BUSY,
}
"""By status and what else tells such answers apart, as a person sees them."""
