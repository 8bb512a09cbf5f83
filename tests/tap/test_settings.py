"""Settings: one declaration, checked as a whole before anything is sent."""

from __future__ import annotations

import pytest

from tap_jira_oauth.config_schema import refuse_unknown
from tap_jira_oauth.errors import ConfigurationError
from tap_jira_oauth.settings import SETTINGS, Settings

URL = "https://jira.example.com/jira"


def test_only_the_address_is_required_and_the_defaults_are_the_declared_ones() -> None:
    """A default stands in one place."""
    settings = Settings.from_config({"api_url": f"{URL}/"})
    assert settings.api_url == URL
    for setting in SETTINGS:
        if setting.name != "api_url":
            assert getattr(settings, setting.name) == setting.default


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({}, "full address"),
        ({"api_url": "jira.example.com"}, "full address"),
        ({"api_url": f"{URL}?x=1"}, "no user name, query or fragment"),
        ({"api_url": f"{URL}/rest/api/2"}, "without /rest"),
        ({"project_keys": ["My Project"]}, "no project key"),
        ({"start_date": "yesterday"}, "not an RFC 3339 date"),
        ({"start_date": "2026-01-02", "end_date": "2026-01-01"}, "later than 'start_date'"),
        ({"jql": "type = Bug ORDER BY key"}, "ORDER BY"),
        ({"credentials_store": "file"}, "needs 'credentials_file'"),
        ({"private_key": "x", "private_key_file": "y"}, "not both"),
        ({"auth_method": "personal_token"}, "needs 'personal_token'"),
        ({"auth_method": "basic", "username": "mia"}, "needs 'password'"),
        ({"auth_method": "oauth2"}, "needs credentials_store 'file' or 'ssm'"),
        ({"auth_method": "oauth2", "credentials_store": "ssm"}, "needs 'client_id'"),
    ],
)
def test_a_wrong_configuration_is_one_sentence(config: dict[str, object], said: str) -> None:
    """Before any request, naming the setting and what to write."""
    if config and "api_url" not in config:
        config["api_url"] = URL
    with pytest.raises(ConfigurationError, match=said):
        Settings.from_config(config)


def test_dates_are_moments_in_utc() -> None:
    """With offset, with Z, or without: then UTC."""
    for text in ("2026-01-01T02:00:00+02:00", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00"):
        settings = Settings.from_config({"api_url": URL, "start_date": text})
        assert settings.start_date == 1_767_225_600_000


def test_a_misspelt_setting_is_refused_with_the_nearest_name() -> None:
    """Ignored, it would silently read every project."""
    with pytest.raises(ConfigurationError, match=r"'project_key'\. Did you mean 'project_keys'"):
        refuse_unknown({"project_key"}, {setting.name for setting in SETTINGS})
    refuse_unknown({"project_keys"}, {setting.name for setting in SETTINGS})


@pytest.mark.parametrize(
    ("config", "asked", "refreshed", "consented"),
    [
        (
            {},
            URL,
            f"{URL}/rest/oauth2/latest/token",
            f"{URL}/rest/oauth2/latest/authorize",
        ),
        (
            {"cloud_id": "1-2"},
            "https://api.atlassian.com/ex/jira/1-2",
            "https://auth.atlassian.com/oauth/token",
            "https://auth.atlassian.com/authorize",
        ),
        (
            {"api_url": "https://gate.example.com/ex/jira/1-2", "cloud_id": "1-2"},
            "https://gate.example.com/ex/jira/1-2",
            "https://auth.atlassian.com/oauth/token",
            "https://auth.atlassian.com/authorize",
        ),
    ],
)
def test_with_a_cloud_id_requests_go_through_the_gateway(
    config: dict[str, str], asked: str, refreshed: str, consented: str
) -> None:
    """A site's own address takes no OAuth 2.0; Data Center has everything at one address."""
    settings = Settings.from_config({"api_url": URL, **config})
    assert settings.api_url == asked
    assert settings.token_address == refreshed
    assert settings.authorize_address == consented
