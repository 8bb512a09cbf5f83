"""The target as the Singer SDK knows it: command line, `--about`, the configuration. What is read is in `message_loop`."""

from __future__ import annotations

import os
import sys
from typing import IO, TYPE_CHECKING, Any, ClassVar, NoReturn

import click
from singer_sdk import Target
from singer_sdk.exceptions import ConfigValidationError
from singer_sdk.helpers.capabilities import PluginCapabilities, TargetCapabilities
from singer_sdk.plugin_base import _ConfigInput

from target_s3_jsonl.cli import Commands, commands
from target_s3_jsonl.errors import ConfigurationError, OutputError, TargetError
from target_s3_jsonl.maps import MAP_ERRORS
from target_s3_jsonl.message_loop import MessageLoop
from target_s3_jsonl.settings import Settings, config_jsonschema, refuse_secrets_of_other_types

if TYPE_CHECKING:
    from collections.abc import Sequence

    from singer_sdk.helpers.capabilities import CapabilitiesEnum


class TargetS3Jsonl(Target):
    """Singer target that writes JSONL objects to S3 or a folder and acknowledges only what is stored."""

    name = "target-s3-jsonl"
    package_name = "durable-target-s3-jsonl"
    config_jsonschema = config_jsonschema()
    capabilities: ClassVar[list[CapabilitiesEnum]] = [
        PluginCapabilities.ABOUT,
        PluginCapabilities.STREAM_MAPS,
        PluginCapabilities.FLATTENING,
        PluginCapabilities.STRUCTURED_LOGGING,
        PluginCapabilities.ACTIVATE_VERSION,
        PluginCapabilities.BATCH,
        TargetCapabilities.VALIDATE_RECORDS,
    ]

    def __init__(
        self,
        *,
        config: dict[str, Any] | None = None,
        parse_env_config: bool = False,
        validate_config: bool = True,
    ) -> None:
        """Check the settings.

        Raises:
            ConfigurationError: A setting is unknown, or contradicts another one.
            ConfigValidationError: A setting has the wrong type (from the SDK).
        """
        refuse_secrets_of_other_types(config or {})
        super().__init__(
            config=config,
            parse_env_config=parse_env_config,
            validate_config=validate_config,
            setup_mapper=False,
        )
        settings = Settings.from_config(self.config)
        try:
            self.setup_mapper()
        except MAP_ERRORS as error:
            raise ConfigurationError(f"stream_maps: {error}") from error
        self.message_reader: MessageLoop = MessageLoop(
            settings, self.mapper, self.logger, self.plugin_version
        )

    def _setup_signal_handlers(self) -> None:
        """Leave the signals alone: the SDK's handler stores inside the handler and exits 0."""

    @classmethod
    def append_builtin_config(cls, config_jsonschema: dict[str, Any]) -> None:
        """Add nothing: the settings of the SDK that this target honours are declared with its own."""

    @classmethod
    def cb_config(
        cls, ctx: click.Context, param: click.Option, value: Sequence[str]
    ) -> _ConfigInput:
        """Read the files that `--config` names."""
        del ctx, param
        try:
            return _config_of(value)
        except ConfigurationError as error:
            cls.logger.critical("%s", error)
            _exit(error)

    @classmethod
    def invoke(  # type: ignore[override]  # as the SDK's own Target does
        cls,
        *,
        about: bool = False,
        about_format: str | None = None,
        config: _ConfigInput | None = None,
        file_input: IO[str] | None = None,
        explain_path: bool = False,
    ) -> None:
        """Run; an error of ours is one line on standard error and an exit code, without a traceback."""
        try:
            if explain_path:
                target = cls(
                    config=config.config if config else None,
                    parse_env_config=bool(config and config.parse_env),
                )
                target.message_reader.explains = True
                target.listen(file_input)
            else:
                super().invoke(
                    about=about, about_format=about_format, config=config, file_input=file_input
                )
        except TargetError as error:
            cls.logger.critical("%s", error)
            _exit(error)

    @classmethod
    def get_singer_command(cls) -> click.Command:
        """Return the SDK's command with an option and further commands of our own."""
        command = super().get_singer_command()
        option = click.Option(
            ["--explain-path"],
            is_flag=True,
            help="Print which objects the input would become, and write nothing.",
        )
        command.params.append(option)
        return Commands(command, commands(cls._settings_of))

    @classmethod
    def _settings_of(cls, config: Sequence[str]) -> tuple[Settings, str]:
        """Return the settings that `--config` names, and our version."""
        given = _config_of(config)
        try:
            target = cls(config=given.config, parse_env_config=given.parse_env)
        except (ConfigValidationError, ValueError) as error:
            raise ConfigurationError(f"The configuration cannot be used: {error}") from error
        return Settings.from_config(target.config), target.plugin_version


def _config_of(paths: Sequence[str]) -> _ConfigInput:
    files = [_config_file(path) for path in paths]
    return _ConfigInput(
        config={name: each for file in files for name, each in file.config.items()},
        parse_env=any(file.parse_env for file in files),
    )


def _config_file(path: str) -> _ConfigInput:
    try:
        return _ConfigInput.from_cli_args(path)
    except OSError as error:
        reason = error.strerror or "No such file or directory"  # which the SDK leaves out
        raise ConfigurationError(f"Cannot read the config file {path}: {reason}.") from error
    except (TypeError, ValueError) as error:
        raise ConfigurationError(f"The config file {path} is no JSON object: {error}.") from error


def _exit(error: TargetError) -> NoReturn:
    if isinstance(error, OutputError) and sys.stdout is not None:
        # Python flushes standard output once more at its end, and would fail again with an exit code of its own.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(error.exit_code)
