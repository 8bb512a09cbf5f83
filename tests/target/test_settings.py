"""Settings: declared once, checked at start."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from target.command import run, schema
from target_s3_jsonl.errors import ConfigurationError
from target_s3_jsonl.settings import SETTINGS, Settings, config_jsonschema
from target_s3_jsonl.store import open_store

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        ({"path_tempate": "x"}, "Unknown setting 'path_tempate'. Did you mean 'path_template'?"),
        ({"zzz": 1}, "Unknown setting 'zzz'. `target-s3-jsonl --about`"),
        ({"load_method": "upsert"}, "'upsert' is not possible"),
        ({"add_record_metadata": True}, "add_record_metadata is not available"),
        ({"flattening_enabled": True}, "needs flattening_max_depth"),
        ({"aws_access_key_id": "x"}, "set both or neither"),
        ({"aws_session_token": "x"}, "aws_session_token needs"),
        ({"profile": "p", "aws_access_key_id": "x", "aws_secret_access_key": "y"}, "not both"),
        ({"external_id": "x"}, "external_id needs role_arn"),
        ({"kms_key_id": "x", "sse": "AES256"}, "kms_key_id needs sse"),
        ({"tags": {"a": 1}}, "put it in quotes"),
        ({"tags": {str(number): "x" for number in range(11)}}, "at most 10 tags"),
        ({"ca_bundle": "x.pem", "verify_ssl": False}, "no effect"),
    ],
)
def test_wrong_settings_are_refused_in_words(config: dict[str, Any], reason: str) -> None:
    """A setting that is unknown, impossible or contradictory is a configuration error."""
    with pytest.raises(ConfigurationError) as caught:
        Settings.from_config(config)
    assert reason in str(caught.value)


@pytest.mark.parametrize(
    "destination",
    [
        "gs://",
        "s3://",
        "s3:///key",
        "file://host/x",
        "file://",
        "s3://bucket?versionId=1",
    ],
)
def test_a_destination_that_cannot_be_written_is_refused(destination: str) -> None:
    """Only S3 and folders are destinations; anything else is named in one sentence."""
    with pytest.raises(ConfigurationError, match="cannot be written"):
        open_store(Settings(destination=destination), version="0")


def test_an_unset_setting_may_be_null() -> None:
    """Null means the default, as tools that pass every setting mean it."""
    assert Settings.from_config({"batch_size_rows": None}) == Settings()


def test_the_json_schema_declares_every_setting_and_marks_secrets() -> None:
    """What the SDK shows and reads from the environment is the list of declared settings."""
    properties = config_jsonschema()["properties"]
    assert list(properties) == [setting.name for setting in SETTINGS]
    assert {name for name, each in properties.items() if each.get("secret")} == {
        "aws_access_key_id",
        "aws_secret_access_key",
        "aws_session_token",
        "proxy_url",
    }
    assert not [setting.name for setting in SETTINGS if not setting.help.endswith(".")]


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        ({"path_tempate": "x"}, "Did you mean 'path_template'?"),
        ({"batch_size_rows": 0}, "0 is less than the minimum of 1"),
        ({"compression": "lzma"}, "'lzma' is not one of"),
        ({"destination": "webhdfs://x/y"}, "cannot be written"),
        ({"stream_maps": {"issues": {"x": "1 +"}}}, "stream_maps of stream 'issues'"),
    ],
)
def test_the_command_says_what_to_correct_without_a_traceback(
    tmp_path: Path, config: dict[str, Any], reason: str
) -> None:
    """A wrong config ends the command with 1 before anything is read, in words."""
    code, states, log = run(tmp_path, config, [schema()])
    assert (code, states) == (1, [])
    assert reason in log
    assert "Traceback" not in log


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (None, "Cannot read the config file"),
        ("{", "is no JSON object"),
        ("[1]", "is no JSON object"),
    ],
)
@pytest.mark.parametrize("command", [(), ("verify",)])
def test_a_config_file_that_cannot_be_read_is_named(
    tmp_path: Path, text: str | None, reason: str, command: tuple[str, ...]
) -> None:
    """In the last line, without a traceback."""
    file = tmp_path / "mine.json"
    if text is not None:
        file.write_text(text)
    code, printed, log = run(tmp_path, {}, [], "--config", str(file), command=command)
    assert (code, printed) == (1, [])
    assert reason in log.splitlines()[-1]
    assert str(file) in log.splitlines()[-1]
    assert "Traceback" not in log
