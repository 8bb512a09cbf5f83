"""`credentials_store: ssm`: the three parameters of the AWS article, read and written as they are."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import pytest

from conftest import CONSUMER
from tap.command import run
from tap.sign_in import login_by_code
from tap.sign_in import run as run_command
from tap_jira_oauth.credentials import load_oauth1, load_settings, ssm
from tap_jira_oauth.credentials.sign_in import SignIn
from tap_jira_oauth.errors import ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox import Sandbox
    from tap.local_aws import LocalAws

SERVLETS = "/plugins/servlet/oauth"
STORE = {"credentials_store": "ssm"}


def put(aws: LocalAws, name: str, value: str, **more: Any) -> None:
    """Write a parameter as the article does."""
    aws.ssm.put_parameter(Name=name, Value=value, Type="SecureString", Overwrite=True, **more)


def get(aws: LocalAws, name: str) -> Any:
    """Read a parameter's JSON."""
    return json.loads(aws.ssm.get_parameter(Name=name, WithDecryption=True)["Parameter"]["Value"])


@pytest.fixture
def article(aws: LocalAws, connected_jira: Sandbox, private_key_file: Path) -> str:
    """The parameters of somebody who followed the article; returns the access token."""
    token = connected_jira.grant(CONSUMER)
    base = connected_jira.url
    urls = {
        "request_token_url": f"{base}{SERVLETS}/request-token",
        "access_token_url": f"{base}{SERVLETS}/access-token",
        "authorize_url": f"{base}{SERVLETS}/authorize",
        "data_url": f"{base}/rest/api/2/search",
    }
    secrets = {
        "consumer_key": CONSUMER,
        "consumer_secret": "dont_care",
        "access_token": f"oauth_token={token.token}&oauth_token_secret={token.secret}"
        "&oauth_expires_in=157680000",
    }
    put(aws, "jira_access_private_key", private_key_file.read_text())
    put(aws, "jira_access_urls", json.dumps(urls))
    put(aws, "jira_access_secrets", json.dumps(secrets))
    return token.token


def test_who_followed_the_article_changes_no_parameter(article: str, tmp_path: Path) -> None:
    """Not even an address has to be set; and nothing of it is logged."""
    result = run(tmp_path, STORE)
    assert len(result.records) == 60, result.log
    assert article not in result.log


def test_the_address_of_the_settings_wins(article: str, aws: LocalAws) -> None:
    """The parameter of addresses is not even read."""
    assert article
    aws.ssm.delete_parameter(Name="jira_access_urls")
    settings = load_settings({**STORE, "api_url": "https://jira.example.com/x"})
    assert settings.api_url == "https://jira.example.com/x"
    assert load_oauth1(settings).access_token == article


def test_other_names_are_settings(aws: LocalAws, article: str, connected_jira: Sandbox) -> None:
    """Two Jiras in one account."""
    names = {}
    for part in ("private_key", "urls", "secrets"):
        old, new = f"jira_access_{part}", f"/second/{part}"
        parameter = aws.ssm.get_parameter(Name=old, WithDecryption=True)["Parameter"]
        put(aws, new, parameter["Value"])
        aws.ssm.delete_parameter(Name=old)
        names[f"ssm_{part}_name"] = new
    settings = load_settings({**STORE, **names})
    assert settings.api_url == connected_jira.url
    assert load_oauth1(settings).access_token == article


@pytest.mark.parametrize("known", [["data_url"], ["request_token_url"], ["access_token_url"]])
def test_any_of_the_addresses_tells_where_jira_is(aws: LocalAws, known: list[str]) -> None:
    """With its context path."""
    ends = {
        "data_url": "/rest/api/2/search",
        "request_token_url": f"{SERVLETS}/request-token",
        "access_token_url": f"{SERVLETS}/access-token",
    }
    urls = {name: f"https://jira.example.com/jira{ends[name]}" for name in known}
    put(aws, "jira_access_urls", json.dumps(urls))
    assert load_settings(STORE).api_url == "https://jira.example.com/jira"


def test_a_sign_in_is_written_back_and_other_keys_stay(article: str, aws: LocalAws) -> None:
    """Encrypted with the key that the parameter has, in its tier, as the pairs that Jira sent."""
    key = aws.ssm.get_parameter(Name="jira_access_secrets")["Parameter"]
    assert key["Type"] == "SecureString"
    secrets = get(aws, "jira_access_secrets")
    put(
        aws,
        "jira_access_secrets",
        json.dumps({**secrets, "owner": "the lake"}),
        KeyId="alias/lake",
        Tier="Advanced",
    )
    settings = load_settings(STORE)
    sign_in = SignIn(CONSUMER, "", "n=w&", "s", "h", "1970-01-01T00:01:00Z", "1970-01-01T00:02:00Z")
    with aws.recorded() as bodies:
        ssm.save(settings, sign_in, lambda: 10)
    # Not by what moto holds then: unlike AWS it keeps the key that is not named again.
    assert (bodies[-1]["KeyId"], bodies[-1]["Tier"]) == ("alias/lake", "Advanced")
    assert get(aws, "jira_access_secrets") == {
        "consumer_key": CONSUMER,
        "consumer_secret": "dont_care",
        "access_token": "oauth_token=n%3Dw%26&oauth_token_secret=s&oauth_expires_in=50"
        "&oauth_session_handle=h&oauth_authorization_expires_in=110&expires=1970-01-01T00%3A01%3A00Z",
        "owner": "the lake",
    }
    assert bodies[-1]["Type"] == "SecureString"
    assert load_oauth1(settings).access_token == "n=w&" != article


def test_the_first_sign_in_makes_the_parameter(aws: LocalAws) -> None:
    """Encrypted."""
    settings = load_settings({**STORE, "api_url": "https://jira.example.com"})
    ssm.save(settings, SignIn("mine", "", "t", "s"))
    assert get(aws, "jira_access_secrets")["access_token"] == "oauth_token=t&oauth_token_secret=s"
    assert get(aws, "jira_access_secrets")["consumer_key"] == "mine"
    parameter = aws.ssm.get_parameter(Name="jira_access_secrets")["Parameter"]
    assert parameter["Type"] == "SecureString"
    assert "oauth_token" not in parameter["Value"] or parameter["Value"].startswith("kms:")


def test_a_login_with_the_three_parameters_and_then_a_run(
    article: str, aws: LocalAws, connected_jira: Sandbox, tmp_path: Path
) -> None:
    """No setting but the store: key, consumer and address are read, the token is written, all else stays."""
    put(aws, "jira_access_secrets", json.dumps({"consumer_key": CONSUMER, "owner": "the lake"}))
    (tmp_path / "config.json").write_text(json.dumps(STORE))
    assert "holds no access token yet" in run(tmp_path, STORE).log
    with aws.recorded() as bodies:
        status, said = login_by_code(tmp_path, connected_jira.approve, "--config", "config.json")
    assert status == 0, said
    assert [body["Overwrite"] for body in bodies if "Value" in body] == [True, True]
    kept = get(aws, "jira_access_secrets")
    token = dict(parse_qsl(kept.pop("access_token")))
    assert kept == {"consumer_key": CONSUMER, "owner": "the lake"}
    assert "in the parameter jira_access_secrets" in said
    assert not {token["oauth_token"], token["oauth_token_secret"]} & set(said.split())
    assert article != token["oauth_token"]
    assert not list(tmp_path.glob("*credentials*"))
    assert len(run(tmp_path, STORE).records) == 60
    checked = run_command(tmp_path, "check", "--json", "--config", "config.json")
    found = json.loads(checked.stdout)["checks"]["token"]
    assert found["expires"] == token["expires"]
    assert 1820 < found["days_left"] <= 1826


def test_a_parameter_that_cannot_be_written_is_told_before_anybody_is_asked(
    article: str, aws: LocalAws, connected_jira: Sandbox, tmp_path: Path
) -> None:
    """Nothing is sent to Jira; so too for an option that leads elsewhere."""
    assert article
    put(aws, "jira_access_secrets", "no JSON")
    (tmp_path / "config.json").write_text(json.dumps(STORE))
    for options, reason in (
        ((), "jira_access_secrets is no JSON object"),
        (("--private-key-file", "x.pem"), "leave out --private-key-file"),
    ):
        status, said = login_by_code(tmp_path, str, "--config", "config.json", *options)
        assert status == 1
        assert reason in said
    assert connected_jira.requests == []


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("jira_access_secrets", '{"consumer_key": "x"}', "no access token yet.*jira-oauth login"),
        ("jira_access_secrets", "SECRET-VALUE", "jira_access_secrets is no JSON object"),
        ("jira_access_secrets", '{"access_token": "oauth_token=t"}', "has no 'consumer_key'"),
        ("jira_access_secrets", None, "jira_access_secrets cannot be read: there is none"),
        ("jira_access_private_key", None, "jira_access_private_key cannot be read"),
        ("jira_access_urls", '{"data_url": "https://x"}', "Set 'api_url'"),
    ],
)
def test_what_is_missing_is_named(
    article: str, aws: LocalAws, name: str, value: str | None, said: str
) -> None:
    """By parameter, and never with its content."""
    assert article
    aws.ssm.delete_parameter(Name=name)
    if value is not None:
        put(aws, name, value)
    with pytest.raises(ConfigurationError, match=said) as caught:
        load_oauth1(load_settings(STORE))
    assert "SECRET-VALUE" not in f"{caught.value}{caught.value.__cause__}"
