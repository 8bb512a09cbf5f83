"""Every setting of the tap once: name, kind, default, help. Everything else is derived from here.

`config_schema`, `meltano.yml` and the table in the README all follow `SETTINGS`; a test compares them.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Literal

from tap_jira_oauth.errors import ConfigurationError
from tap_jira_oauth.jql import has_order_by
from tap_jira_oauth.setting import Setting, declare
from tap_jira_oauth.setting_value import (
    base_url,
    check_proxy,
    clean,
    epoch_ms,
    expansions,
    project_keys,
)
from tap_jira_oauth.shard import parse_shard

if TYPE_CHECKING:
    from collections.abc import Mapping


LOOKBACK_MINUTES = {"data_center": 5, "cloud": 30}
"""The default of `lookback_minutes`: Cloud's index was seen to lag by more than five minutes."""

FEW = 10
"""So many issues of a project may go in any case, or a small project could lose none."""

GATEWAY = "https://api.atlassian.com"
"""Where Cloud takes OAuth 2.0 and scoped API tokens; a site's own address does not."""

CLOUD_TOKEN_URL = "https://auth.atlassian.com/oauth/token"  # noqa: S105 - an address


@dataclass(frozen=True)
class Settings:
    """The checked settings of one run. Dates are epoch milliseconds, UTC."""

    api_url: str = declare(
        "string",
        "Base URL of Jira with its context path, such as `https://jira.example.com/jira`. Only with `credentials_store` `ssm` it may be left out.",
    )
    api_flavor: str = declare(
        "options",
        "Which Jira this is. `auto` asks the server; `data_center` is Server, too.",
        "auto",
        options=("auto", "data_center", "cloud"),
    )
    auth_method: str = declare(
        "options",
        "How to sign in: OAuth 1.0a (RSA-SHA1), a personal access token, user name and password (on Cloud e-mail and API token), OAuth 2.0, or not at all.",
        "oauth1",
        options=("oauth1", "personal_token", "basic", "oauth2", "anonymous"),
    )
    consumer_key: str | None = declare(
        "string", "OAuth 1.0a: the consumer key of the application link.", reference=True
    )
    private_key: str | None = declare(
        "string",
        "OAuth 1.0a: the RSA private key as PEM text; line breaks real or as `\\n`. Prefer `private_key_file`: Meltano writes settings to disk.",
        secret=True,
    )
    private_key_file: str | None = declare("file", "OAuth 1.0a: path of the PEM file.")
    private_key_passphrase: str | None = declare(
        "string", "OAuth 1.0a: passphrase of an encrypted private key.", secret=True
    )
    access_token: str | None = declare("string", "OAuth 1.0a: the access token.", secret=True)
    access_token_secret: str | None = declare(
        "string",
        "OAuth 1.0a: the access token's secret. RSA-SHA1 does not use it; kept because Jira hands out the pair.",
        secret=True,
    )
    personal_token: str | None = declare(
        "string", "Personal access token (Jira 8.14 and newer).", secret=True
    )
    username: str | None = declare(
        "string", "Basic: the user name; on Cloud the e-mail address.", reference=True
    )
    password: str | None = declare(
        "string", "Basic: the password; on Cloud an API token.", secret=True
    )
    client_id: str | None = declare(
        "string", "OAuth 2.0: the client id of the application link or app.", reference=True
    )
    client_secret: str | None = declare("string", "OAuth 2.0: the client secret.", secret=True)
    refresh_token: str | None = declare(
        "string",
        "OAuth 2.0: the refresh token of the consent. It works once; what follows it is kept where `credentials_store` says.",
        secret=True,
    )
    redirect_uri: str | None = declare(
        "string",
        "OAuth 2.0: the redirect URL of the consent. Data Center wants it with each refresh, too.",
    )
    cloud_id: str | None = declare(
        "string",
        "Cloud: the id of the site, which `/_edge/tenant_info` of the site tells. Requests then go through Atlassian's gateway, as OAuth 2.0 and scoped API tokens need it.",
    )
    token_url: str | None = declare(
        "string",
        "OAuth 2.0: where tokens are refreshed. Unset: Jira's own address, with `cloud_id` Atlassian's.",
    )
    credentials_store: str = declare(
        "options",
        "Where consumer key, private key and tokens come from: these settings (`config`), the file that `jira-oauth login` writes (`file`), or three parameters of AWS Systems Manager (`ssm`).",
        "config",
        options=("config", "file", "ssm"),
    )
    credentials_file: str | None = declare(
        "file", "For `file`: path of that JSON file (mode 0600)."
    )
    ssm_private_key_name: str = declare(
        "string", "For `ssm`: name of the parameter with the PEM text.", "jira_access_private_key"
    )
    ssm_urls_name: str = declare(
        "string",
        "For `ssm`: name of the parameter with Jira's addresses as JSON; read where `api_url` is not set.",
        "jira_access_urls",
    )
    ssm_secrets_name: str = declare(
        "string",
        "For `ssm`: name of the parameter with consumer key and access token as JSON; sign-in writes to it.",
        "jira_access_secrets",
    )
    project_keys: tuple[str, ...] = declare(
        "array",
        "Keys of the projects to read, or `dynamodb:TABLE` for those in a table with `project`. Empty: every project that the user can see.",
        (),
    )
    shard: tuple[int, int] | None = declare(
        "string",
        "Read only one part of these projects, such as `7/32`: the seventh of 32. Each project is in exactly one part, which its id decides. Every part needs a state of its own.",
    )
    jql: str | None = declare(
        "string", "One more condition in JQL, joined by AND. A trailing ORDER BY is refused."
    )
    start_date: int | None = declare(
        "date_iso8601", "RFC 3339. Issues that were last updated before it are not read."
    )
    end_date: int | None = declare(
        "date_iso8601", "RFC 3339. Issues that were updated at or after it are not read."
    )
    fields: tuple[str, ...] = declare(
        "array",
        "Which fields to ask Jira for, in its own notation (`*all`, `*navigable`, `summary`, `-comment`). Deselected properties are not asked for either.",
        ("*all",),
    )
    expand: tuple[str, ...] = declare(
        "array",
        "What Jira is to add to each issue, as a property of that name and as Jira sends it: `changelog`, `editmeta`, `operations`, `renderedFields`, `transitions`, `versionedRepresentations`. Whole histories are in the stream `issue_changelogs`.",
        (),
    )
    custom_field_names: Literal["id", "name"] = declare(
        "options",
        "What custom fields are called in records: by Jira's `id` (`customfield_10016`), or by their `name` in lower case (`story_points`; `story_points_10016` where several have it). A catalog keeps the names that it was made with.",
        "id",
        options=("id", "name"),
    )
    redact_fields: tuple[str, ...] = declare(
        "array",
        "Fields that are kept out of the records of issues and of the streams below them, histories included: by id or exact name (`customfield_10016`, `Story Points`), or a part of their objects (`reporter.emailAddress`, `comment.author.emailAddress`). Fields named whole are not even asked for. In other streams a property, as `users:emailAddress`.",
        (),
    )
    page_size: int = declare(
        "integer",
        "Issues to ask for in one request. The server's own cap is obeyed.",
        100,
        minimum=2,
    )
    pages_per_state: int = declare(
        "integer", "A STATE message is printed after so many pages.", 4, minimum=1
    )
    max_concurrent_requests: int = declare(
        "integer",
        "Requests that may be under way at a time, within a project and across projects. 1 asks one after the other.",
        4,
        minimum=1,
    )
    on_inaccessible_project: str = declare(
        "options",
        "What a project of `project_keys` that cannot be read does to the run: `fail` ends it with an error after the others were read and saved, `skip` warns.",
        "fail",
        options=("fail", "skip"),
    )
    emit_activate_version_messages: bool = declare(
        "boolean",
        "Say the version of a list that was read whole after its last record (ACTIVATE_VERSION), so that targets remove what is no longer there. Turn it off where several pipelines fill one table with parts of a list.",
        default=True,
    )
    lookback_minutes: int | None = declare(
        "integer",
        f"How far behind the bookmark a run looks again, because Jira's search index lags. Nothing is emitted twice for it. Unset: {LOOKBACK_MINUTES['data_center']} on Data Center, {LOOKBACK_MINUTES['cloud']} on Cloud.",
        minimum=1,
    )
    max_deleted_percent: int = declare(
        "integer",
        f"Of `deleted_issues`: how many percent of a project may be gone in one run, and {FEW} issues in any case. More look like a lost permission: then an error says so, and nothing of that project is called gone. 100 believes everything.",
        10,
        minimum=0,
    )
    request_timeout: int = declare(
        "integer",
        "Seconds to wait for Jira to connect, and between two pieces of its answer.",
        60,
        minimum=1,
    )
    max_retry_seconds: int = declare(
        "integer",
        "Patience, in seconds, with rate limits, 5xx answers and broken connections in one request.",
        900,
    )
    ca_bundle: str | None = declare(
        "file",
        "Certificates of a private authority. Unset: REQUESTS_CA_BUNDLE, then the public ones.",
    )
    verify_ssl: bool = declare("boolean", "Check the server's certificate.", default=True)
    client_certificate: str | None = declare("file", "PEM file with client certificate and key.")
    proxy_url: str | None = declare(
        "string",
        "HTTP proxy. Unset: HTTPS_PROXY and NO_PROXY as the environment has them.",
        secret=True,
    )
    user_agent: str | None = declare(
        "string", "User-Agent header. Unset: name and version of this tap."
    )

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Settings:
        """Check a configuration as a whole and return it typed; empty means not set.

        Raises:
            ConfigurationError: a required value is missing, or two contradict each other.
        """
        given = {
            setting.name: config[setting.name]
            for setting in SETTINGS
            if config.get(setting.name) not in (None, "")
        }
        for name, value in given.items():
            given[name] = clean(name, value)
        given["api_url"] = base_url(given.get("api_url"))
        if "cloud_id" in given and "/ex/jira/" not in given["api_url"]:
            given["api_url"] = f"{GATEWAY}/ex/jira/{given['cloud_id']}"
        given["project_keys"] = project_keys(given.get("project_keys", []))
        if "shard" in given:
            given["shard"] = parse_shard(given["shard"])
        given["start_date"] = epoch_ms("start_date", given.get("start_date"))
        given["end_date"] = epoch_ms("end_date", given.get("end_date"))
        given["expand"] = expansions(given.get("expand", []))
        for name in ("fields", "redact_fields"):
            if name in given:
                given[name] = tuple(given[name])
        settings = cls(**given)
        settings._check_together()
        return settings

    def _check_together(self) -> None:
        """Check what only several settings together can tell."""
        if self.jql and has_order_by(self.jql):
            raise ConfigurationError(
                "Setting 'jql' ends with ORDER BY. The tap sorts by `updated` itself, or it could "
                "not resume; give only the condition."
            )
        if self.start_date and self.end_date and self.end_date <= self.start_date:
            raise ConfigurationError("Setting 'end_date' must be later than 'start_date'.")
        if self.proxy_url:
            check_proxy(self.proxy_url)
        if self.credentials_store == "file" and not self.credentials_file:
            raise ConfigurationError("credentials_store 'file' needs 'credentials_file'.")
        if self.private_key and self.private_key_file:
            raise ConfigurationError("Give 'private_key' or 'private_key_file', not both.")
        if self.auth_method == "oauth2" and self.credentials_store == "config":
            raise ConfigurationError(
                "auth_method 'oauth2' needs credentials_store 'file' or 'ssm': Jira gives a new "
                "refresh token with each use and the old one dies, so it must be kept somewhere."
            )
        needed = {
            "personal_token": ["personal_token"],
            "basic": ["username", "password"],
            "oauth2": ["client_id", "client_secret"],
        }
        for name in needed.get(self.auth_method, []):
            if not getattr(self, name):
                raise ConfigurationError(f"auth_method '{self.auth_method}' needs '{name}'.")

    @property
    def on_gateway(self) -> bool:
        """Whether requests go through Atlassian's gateway, not to Jira itself."""
        return "/ex/jira/" in self.api_url

    @property
    def token_address(self) -> str:
        """Where OAuth 2.0 refreshes tokens: `token_url`, else what belongs to `api_url`."""
        if self.token_url:
            return self.token_url
        return CLOUD_TOKEN_URL if self.on_gateway else f"{self.api_url}/rest/oauth2/latest/token"

    @property
    def authorize_address(self) -> str:
        """Where OAuth 2.0 asks a person: beside `token_address`, as both flavours have it."""
        return f"{self.token_address.removesuffix('/token').removesuffix('/oauth')}/authorize"


SETTINGS: tuple[Setting, ...] = tuple(
    Setting(name=each.name, default=each.default, **each.metadata) for each in fields(Settings)
)
