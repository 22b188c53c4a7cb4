"""Settings from the environment, a file per secret, or systemd credentials; frozen groups, read once by the programs.

A group is a frozen model that is handed to the part that needs it. `load` reads one or more groups and, if anything is
wrong or missing, raises one UsageError that names all of it. Secrets are `SecretStr`: printing a group never shows one.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar
from urllib.parse import unquote, urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from frostguard.errors import UsageError

Port = Annotated[int, Field(ge=0, le=65535)]


class SecretFiles(PydanticBaseSettingsSource):
    """NAME from the file that NAME_FILE names, else from $CREDENTIALS_DIRECTORY/NAME (systemd's LoadCredential)."""

    def get_field_value(self, field: Any, field_name: str) -> tuple[Any, str, bool]:  # noqa: ANN401 - the base class says so
        """Return the file's text without its line end, or None."""
        name = str(field.validation_alias or field_name).upper()
        named = os.environ.get(f"{name}_FILE")
        folder = os.environ.get("CREDENTIALS_DIRECTORY")
        candidates = [Path(named)] if named else []
        if folder:
            candidates += [Path(folder) / name, Path(folder) / name.lower()]
        for path in candidates:
            if named or path.is_file():
                try:
                    return path.read_text().rstrip("\r\n"), name, False
                except OSError as error:
                    raise UsageError(f"{name}_FILE: cannot read {path}: {error.strerror}") from None
        return None, name, False

    def __call__(self) -> dict[str, Any]:
        """Return what files say, by the settings' names."""
        found = {}
        for field_name, field in self.settings_cls.model_fields.items():
            value, name, _ = self.get_field_value(field, field_name)
            if value is not None:
                found[name] = value
        return found


class Group(BaseSettings):
    """A frozen group of settings. Each field's alias is the name of its environment variable."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", populate_by_name=True)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments win over the environment, the environment over files."""
        return init_settings, env_settings, SecretFiles(settings_cls)


class DatabaseSettings(Group):
    """Where PostgreSQL is."""

    url: SecretStr = Field(
        alias="DATABASE_URL",
        description="postgresql://user:password@host:port/database; the password may come from a file",
    )
    pool_min: int = Field(2, alias="DATABASE_POOL_MIN", ge=0, le=100, description="connections the API keeps open")
    pool_max: int = Field(10, alias="DATABASE_POOL_MAX", ge=1, le=500, description="connections the API opens at most")
    command_timeout: float = Field(
        10, alias="DATABASE_COMMAND_TIMEOUT", gt=0, le=600, description="seconds after which a statement counts as lost"
    )

    @field_validator("url")
    @classmethod
    def _is_postgresql(cls, value: SecretStr) -> SecretStr:
        if urlsplit(value.get_secret_value()).scheme not in ("postgresql", "postgres"):
            raise ValueError("must begin with postgresql://")
        return value


class MqttSettings(Group):
    """Where the broker is, and who we are to it."""

    url: SecretStr = Field(
        alias="MQTT_URL", description="mqtt://user:password@host:port, mqtts:// for TLS; %-escapes in user and password"
    )
    ca_file: Path | None = Field(None, alias="MQTT_CA_FILE", description="certificates that may sign the broker's")
    cert_file: Path | None = Field(None, alias="MQTT_CERT_FILE", description="our certificate, for mutual TLS")
    key_file: Path | None = Field(None, alias="MQTT_KEY_FILE", description="its private key")
    client_id: str = Field(
        "frostguard-ingest", alias="MQTT_CLIENT_ID", min_length=1, max_length=64,
        description="names the session that holds our backlog; change it and the backlog is lost",
    )  # fmt: skip
    keepalive: int = Field(30, alias="MQTT_KEEPALIVE", ge=5, le=3600, description="seconds")
    receive_maximum: int = Field(
        20_000, alias="MQTT_RECEIVE_MAXIMUM", ge=10, le=65_535,
        description="messages that the broker may send ahead of our acknowledgements: the back-pressure window",
    )  # fmt: skip
    session_expiry: int = Field(
        14 * 86_400, alias="MQTT_SESSION_EXPIRY", ge=3600, le=4_294_967_294,
        description="seconds that the broker keeps our backlog while we are away",
    )  # fmt: skip

    @field_validator("url")
    @classmethod
    def _is_mqtt(cls, value: SecretStr) -> SecretStr:
        parts = urlsplit(value.get_secret_value())
        if parts.scheme not in ("mqtt", "mqtts") or not parts.hostname:
            raise ValueError("must be mqtt://host:port or mqtts://host:port")
        return value

    @property
    def tls(self) -> bool:
        """Whether the scheme asks for TLS."""
        return urlsplit(self.url.get_secret_value()).scheme == "mqtts"

    @property
    def host(self) -> str:
        """The broker's host name or address."""
        return urlsplit(self.url.get_secret_value()).hostname or ""

    @property
    def port(self) -> int:
        """The broker's port; 1883, or 8883 with TLS, where the URL has none."""
        return urlsplit(self.url.get_secret_value()).port or (8883 if self.tls else 1883)

    @property
    def username(self) -> str | None:
        """The user of the URL, unescaped."""
        user = urlsplit(self.url.get_secret_value()).username
        return unquote(user) if user else None

    @property
    def password(self) -> str | None:
        """The password of the URL, unescaped. A secret: hand it on, never print it."""
        password = urlsplit(self.url.get_secret_value()).password
        return unquote(password) if password else None


class IngestSettings(Group):
    """How the daemon batches, what it refuses, where it answers probes."""

    batch_rows: int = Field(
        10_000, alias="INGEST_BATCH_ROWS", ge=1, le=100_000, description="a batch is closed at this many readings"
    )
    batch_ms: float = Field(
        5, alias="INGEST_BATCH_MS", ge=0, le=1000,
        description="a batch waits this long for more when nothing else is being committed",
    )  # fmt: skip
    host: str = Field("127.0.0.1", alias="INGEST_HOST", description="where /metrics, /livez and /readyz listen")
    port: Port = Field(4001, alias="INGEST_PORT", description="0 picks a free one")
    ready_file: Path | None = Field(
        None,
        alias="READY_FILE",
        description="a file that is written when the daemon first is ready (its address in it)",
    )
    max_future_seconds: int = Field(
        600, alias="MAX_FUTURE_SECONDS", ge=0, le=86_400, description="a reading may be this far ahead of our clock"
    )
    retention_days: int = Field(731, alias="RETENTION_DAYS", ge=1, le=36_600, description="a reading may be this old")
    dead_letters_per_hour: int = Field(
        1000, alias="DEAD_LETTERS_PER_HOUR", ge=0, le=1_000_000,
        description="kept per gateway and hour; what comes beyond is counted, not kept",
    )  # fmt: skip
    pending_sensors_per_gateway: int = Field(
        200, alias="PENDING_SENSORS_PER_GATEWAY", ge=0, le=100_000,
        description="unknown sensors that one gateway may introduce; the readings of more become dead letters",
    )  # fmt: skip


class LogSettings(Group):
    """How log lines look."""

    format: Literal["auto", "json", "text"] = Field(
        "auto", alias="LOG_FORMAT", description="auto is text on a terminal and JSON elsewhere"
    )
    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", alias="LOG_LEVEL", description="the least that is logged"
    )


GROUPS: tuple[type[Group], ...] = (DatabaseSettings, MqttSettings, IngestSettings, LogSettings)
"""Every group there is: `.env.example` documents each of their settings (a test compares)."""

G = TypeVar("G", bound=Group)


def load(group: type[G], given: Mapping[str, Any] | None = None) -> G:
    """Read one group. Raises UsageError that names every wrong or missing setting in one line."""
    try:
        return group(**(given or {}))
    except ValidationError as error:
        raise UsageError("settings: " + "; ".join(_complaint(group, e) for e in error.errors())) from None


def _complaint(group: type[Group], error: Any) -> str:  # noqa: ANN401 - pydantic's ErrorDetails
    name = str(error["loc"][0]) if error["loc"] else group.__name__
    if error["type"] == "missing":
        return f"{name} is missing (or {name}_FILE, a file that holds it)"
    return f"{name}: {error['msg'].removeprefix('Value error, ')}"
