"""`jira-oauth check`: everything that a sync needs, looked at in the order in which it would fail."""

from __future__ import annotations

import dataclasses
import time
from datetime import datetime, timedelta, timezone
from functools import cached_property
from typing import TYPE_CHECKING

import msgspec

from tap_jira_oauth.auth import build_auth
from tap_jira_oauth.auth.anonymous import Anonymous
from tap_jira_oauth.client import JiraClient
from tap_jira_oauth.credentials import token_expiry
from tap_jira_oauth.errors import AccessError, AuthenticationError, TapError
from tap_jira_oauth.jira import Jira
from tap_jira_oauth.progress import Progress
from tap_jira_oauth.redaction import REDACTION
from tap_jira_oauth.report import Finding, Status

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_jira_oauth.answer import Answer
    from tap_jira_oauth.settings import Settings

PATIENCE = 5
"""Seconds for retries: a person waits for the screen."""

CLOCK_WARNING, CLOCK_LIMIT = 60, 300
"""Seconds; beyond the limit Jira refuses every signature of OAuth 1.0a."""

EXPIRY_WARNING = timedelta(days=30)

RATE_LIMIT = ("Limit", "Remaining", "FillRate", "Interval-Seconds")
"""`X-RateLimit-...`, as Jira Data Center sends them."""

_NAMED = 10


class ServerInfo(msgspec.Struct):
    """`/rest/api/2/serverInfo`."""

    version: str | None = None
    deployment_type: str = msgspec.field(name="deploymentType", default="Server")
    base_url: str | None = msgspec.field(name="baseUrl", default=None)


class Myself(msgspec.Struct):
    """`/rest/api/2/myself`; a name on Data Center, an account id on Cloud."""

    name: str | None = None
    account_id: str | None = msgspec.field(name="accountId", default=None)
    time_zone: str | None = msgspec.field(name="timeZone", default=None)


class Permission(msgspec.Struct):
    """One entry of `/rest/api/2/mypermissions`."""

    have: bool = msgspec.field(name="havePermission", default=False)


class Permissions(msgspec.Struct):
    """`/rest/api/2/mypermissions`."""

    permissions: dict[str, Permission]


class Check:
    """One look at a Jira, step by step; a step that fails names what to do."""

    def __init__(self, settings: Settings, clock: Callable[[], datetime]) -> None:
        """Nothing is sent yet. `clock` returns the time with its zone."""
        self._settings = dataclasses.replace(
            settings,
            max_retry_seconds=min(settings.max_retry_seconds, PATIENCE),
            request_timeout=min(settings.request_timeout, 3 * PATIENCE),
        )
        self._clock = clock
        self._info = ServerInfo()
        self._myself = Myself()
        self._answer: Answer | None = None
        self._rate: dict[str, str] = {}

    def run(self) -> list[Finding]:
        """Return what was found. After a failure without which nothing works, the rest is skipped."""
        essential = {"reached", "signed_in"}
        steps: dict[str, Callable[[], Finding]] = {
            "reached": self._reached,
            "clock": self._clock_difference,
            "token": self._token,
            "signed_in": self._signed_in,
            "time_zone": self._time_zone,
            "rate_limit": self._rate_limit,
            "projects": self._projects,
            "browse": self._browse,
            "epoch_milliseconds": self._epoch_milliseconds,
            "streams": self._streams,
        }
        findings: list[Finding] = []
        broken: str | None = None
        for name, step in steps.items():
            if broken and name != "token":
                findings.append(Finding(name, "skipped", f"not looked at, since {broken} failed"))
                continue
            try:
                findings.append(step())
            except TapError as error:
                findings.append(Finding(name, "failed", REDACTION.hide(str(error))))
                broken = name if name in essential else None
        return findings

    @cached_property
    def _client(self) -> JiraClient:
        return JiraClient(self._settings, build_auth(self._settings))

    @cached_property
    def _jira(self) -> Jira:
        return Jira(self._settings, self._client, Progress(time.monotonic))

    def _reached(self) -> Finding:
        nobody = dataclasses.replace(self._settings, auth_method="anonymous")
        client = JiraClient(nobody, Anonymous())
        url = self._settings.api_url
        try:
            self._info, self._answer = client.get("/rest/api/2/serverInfo", ServerInfo)
        except (AuthenticationError, AccessError):
            says = f"{url} answers, but says what it is only to those who are signed in"
            return Finding("reached", "ok", says, {"url": url})
        says = f"{url} is Jira {self._flavor} {self._info.version or 'of unknown version'}"
        if self._info.base_url and self._info.base_url.rstrip("/") != url:
            says += f"; it calls itself {self._info.base_url}"
        values = {
            "url": url,
            "flavor": self._flavor,
            "version": self._info.version,
            "base_url": self._info.base_url,
        }
        return Finding("reached", "ok", says, values)

    @property
    def _flavor(self) -> str:
        return "Cloud" if self._info.deployment_type == "Cloud" else "Data Center"

    def _clock_difference(self) -> Finding:
        theirs = self._answer.clock if self._answer else None
        if theirs is None:
            return Finding("clock", "skipped", "Jira's answer tells no time")
        # The clock of an answer is the end of its second.
        ahead = round(self._clock().timestamp() - (theirs - 500) / 1000)
        status: Status = "ok" if abs(ahead) <= CLOCK_WARNING else "warning"
        says = f"this machine is {abs(ahead)} s {'ahead of' if ahead > 0 else 'behind'} Jira"
        if abs(ahead) <= 1:
            says = "this machine and Jira agree"
        if abs(ahead) > CLOCK_LIMIT and self._settings.auth_method == "oauth1":
            status = "failed"
            says += "; more than five minutes make every signature invalid: set the clock"
        return Finding("clock", status, says, {"seconds_ahead": ahead})

    def _token(self) -> Finding:
        if self._settings.auth_method != "oauth1":
            return Finding(
                "token",
                "skipped",
                "not told: only a sign-in by OAuth 1.0a says when its token ends",
            )
        expires = token_expiry(self._settings)
        if expires is None:
            says = "until when it is valid is not known; `jira-oauth login` stores that with it"
            return Finding("token", "skipped", says)
        try:
            left = datetime.fromisoformat(expires.replace("Z", "+00:00")) - self._clock()
        except (ValueError, TypeError):  # somebody has edited the file
            return Finding(
                "token", "warning", f"stored with '{expires}' as its end, which is no date"
            )
        values = {"expires": expires, "days_left": left.days}
        if left < timedelta(0):
            says = f"expired on {expires}: run `jira-oauth login`"
            return Finding("token", "failed", says, values)
        if left < EXPIRY_WARNING:
            says = f"valid until {expires} only, {left.days} days: run `jira-oauth login` before"
            return Finding("token", "warning", says, values)
        return Finding("token", "ok", f"valid until {expires}, {left.days} days", values)

    def _signed_in(self) -> Finding:
        if self._settings.auth_method == "anonymous":
            _ = self._jira.started
            return Finding("signed_in", "ok", "as nobody, as auth_method 'anonymous' asks for")
        self._myself, answer = self._client.get("/rest/api/2/myself", Myself)
        self._rate = {
            name: text
            for name in RATE_LIMIT
            if (text := answer.headers.get(f"X-RateLimit-{name}")) is not None
        }
        _ = self._jira.started  # what a sync asks first, with its own checks
        who = self._myself.name or self._myself.account_id or "a user without a name"
        method = self._settings.auth_method
        return Finding("signed_in", "ok", f"as {who}, by {method}", {"user": who, "by": method})

    def _time_zone(self) -> Finding:
        zone = self._myself.time_zone
        if zone is None:
            return Finding("time_zone", "skipped", "Jira does not tell the user's")
        says = f"the user's is {zone}; what the tap emits is UTC"
        return Finding("time_zone", "ok", says, {"time_zone": zone})

    def _rate_limit(self) -> Finding:
        if not self._rate:
            return Finding("rate_limit", "skipped", "Jira announces none")
        limit, left, fill, interval = (self._rate.get(name, "?") for name in RATE_LIMIT)
        says = f"{left} of {limit} requests left, {fill} more every {interval} s"
        if limit == "-1":
            says = "the user is exempt"
        names = {"Limit": limit, "Remaining": left, "FillRate": fill, "Interval-Seconds": interval}
        values = {name.lower().replace("-", "_"): text for name, text in names.items()}
        return Finding("rate_limit", "ok", says, values)

    def _projects(self) -> Finding:
        visible = self._jira.visible
        keys = [project.key for project in self._jira.projects]
        says = f"{len(visible)} visible, {len(keys)} to read: {_few(keys)}"
        values = {"visible": len(visible), "to_read": keys}
        if self._jira.invisible is None:
            return Finding("projects", "ok", says, values)
        skips = self._settings.on_inaccessible_project == "skip"
        says = f"{says}. {self._jira.invisible}"
        return Finding("projects", "warning" if skips else "failed", says, values)

    def _browse(self) -> Finding:
        if not self._settings.project_keys:
            says = "project_keys names none, so every project that can be browsed is read"
            return Finding("browse", "skipped", says)
        keys = [key for key in self._settings.project_keys if key.upper() in self._jira.visible]
        if not keys:
            return Finding("browse", "skipped", "none of the configured projects is visible")
        refused = [key for key in keys if not self._may_browse(key)]
        values = {"allowed": [key for key in keys if key not in refused], "refused": refused}
        if refused:
            says = f"not allowed in {_few(refused)}: ask for the permission 'Browse Projects'"
            return Finding("browse", "failed", says, values)
        return Finding("browse", "ok", f"allowed in {_few(keys)}", values)

    def _may_browse(self, key: str) -> bool:
        path = f"/rest/api/2/mypermissions?projectKey={key}&permissions=BROWSE_PROJECTS"
        answer, _ = self._client.get(path, Permissions)
        return any(
            answer.permissions[name].have
            for name in ("BROWSE_PROJECTS", "BROWSE")
            if name in answer.permissions
        )

    def _streams(self) -> Finding:
        """Ask once for each stream beside the issues; nothing of it stops a sync that selects others."""
        # The SDK takes half a second to load, which the other commands need not wait for.
        from tap_jira_oauth.streams.served import lacking  # noqa: PLC0415 - the SDK is slow to load
        from tap_jira_oauth.tap import TapJiraOAuth  # noqa: PLC0415 - the SDK is slow to load

        served = TapJiraOAuth(validate_config=False).served
        jira = self._jira
        lacks, untried = lacking(served, jira)
        lacks |= untried
        other = [each.name for each in served if each.needs.wrong_flavor(is_cloud=jira.is_cloud)]
        says = f"{len(served) - len(lacks)} of {len(served)} beside the issues can be read"
        if other:
            says += (
                f"; only Jira {'Data Center' if jira.is_cloud else 'Cloud'} has {', '.join(other)}"
            )
        missing = [lack for name, lack in lacks.items() if name not in other]
        status: Status = "warning" if missing else "ok"
        return Finding("streams", status, ". ".join([says, *missing]), {"not_served": lacks})

    def _epoch_milliseconds(self) -> Finding:
        name = "epoch_milliseconds"
        if self._jira.is_cloud:
            return Finding(name, "skipped", "known of Cloud")
        reads = self._jira.reads_milliseconds
        if reads is None:
            return Finding(name, "skipped", "no issue is visible, so nothing can be tried")
        _ = self._jira.literal  # what a sync needs instead, with its own errors
        if not reads:
            says = (
                "Jira does not read numbers in JQL as milliseconds; the tap asks in local minutes"
            )
            return Finding(name, "warning", says, {"reads": False})
        return Finding(name, "ok", "Jira reads numbers in JQL as milliseconds", {"reads": True})


def _few(keys: list[str]) -> str:
    """Name the first ones, and count the rest."""
    rest = len(keys) - _NAMED
    return ", ".join(keys[:_NAMED]) + (f" and {rest} more" if rest > 0 else "")


def utc_now() -> datetime:
    """Return the time by this machine's clock."""
    return datetime.now(timezone.utc)
