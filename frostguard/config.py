"""Settings from the environment, a file per secret, or systemd credentials; frozen groups, read once by the programs.

A group is a frozen model that is handed to the part that needs it. `load` reads one or more groups and, if anything is
wrong or missing, raises one UsageError that names all of it. Secrets are `SecretStr`: printing a group never shows one.
"""

import os
from collections.abc import Mapping
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar
from urllib.parse import unquote, urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator

from frostguard.domain.shards import Shard, parse_shard
from frostguard.errors import UsageError
from frostguard.groups import Group, HttpUrl
from frostguard.tracing import TracingSettings

Port = Annotated[int, Field(ge=0, le=65535)]


class DatabaseSettings(Group):
    """Where PostgreSQL is."""

    url: SecretStr = Field(
        alias="DATABASE_URL",
        description="postgresql://user:password@host:port/database; the password may come from a file",
    )
    pool_min: int = Field(2, alias="DATABASE_POOL_MIN", ge=0, le=100, description="connections the API keeps open")
    pool_max: int = Field(7, alias="DATABASE_POOL_MAX", ge=1, le=500, description="connections the API opens at most")
    command_timeout: float = Field(
        7, alias="DATABASE_COMMAND_TIMEOUT", gt=0, le=600, description="seconds after which a statement counts as lost"
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
        alias="MQTT_URL",
        description="mqtt://user:password@host:port, mqtts:// for TLS; %-escapes in user and password; "
        "{shard} in the user is -0-of-4, or nothing for the only daemon",
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
        40_000, alias="MQTT_RECEIVE_MAXIMUM", ge=10, le=65_535,
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

    def of_shard(self, shard: Shard) -> "MqttSettings":
        """Return who this daemon of several is: a session of its own and, where the URL says {shard}, an account."""
        url = SecretStr(self.url.get_secret_value().replace("{shard}", shard.suffix))
        return self.model_copy(update={"url": url, "client_id": self.client_id + shard.suffix})

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
        80_000, alias="INGEST_BATCH_ROWS", ge=1, le=100_000, description="a batch is closed at this many readings"
    )
    batch_ms: float = Field(
        5, alias="INGEST_BATCH_MS", ge=0, le=1000,
        description="a batch waits this long for more when nothing else is being committed",
    )  # fmt: skip
    shard: str = Field(
        "0/1", alias="INGEST_SHARD", description="which of how many daemons this one is: number (from 0) / how many"
    )
    host: str = Field("127.0.0.1", alias="INGEST_HOST", description="where /metrics, /livez and /readyz listen")
    port: Port = Field(4001, alias="INGEST_PORT", description="0 picks a free one; shard 2/4 listens on two above it")
    ready_file: Path | None = Field(
        None, alias="READY_FILE", description="a file with its address, written when the daemon first is ready"
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

    @field_validator("shard")
    @classmethod
    def _is_shard(cls, value: str) -> str:
        return str(parse_shard(value))

    @property
    def part(self) -> Shard:
        """The shard."""
        return parse_shard(self.shard)

    @property
    def own_port(self) -> int:
        """The port of this daemon among those of one machine."""
        return self.port + self.part.number if self.port else 0


def seconds_of(text: str) -> int:
    """Return the seconds of `90`, `45s`, `30m`, `12h`, `7d`. Raises ValueError for anything else."""
    number, unit = (text[:-1], text[-1:]) if text[-1:] in _SPANS else (text, "s")
    if not (number.isascii() and number.isdigit()) or not 0 < int(number) * _SPANS[unit] <= 10 * 366 * 86_400:
        raise ValueError("must be a span such as 900, 15m, 12h or 7d")
    return int(number) * _SPANS[unit]


_SPANS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


class ApiSettings(Group):
    """Where the API listens, whom it believes, how much it takes."""

    host: str = Field("127.0.0.1", alias="HOST", description="the address to listen on; 0.0.0.0 is every IPv4 one")
    port: Port = Field(4000, alias="PORT", description="0 picks a free one")
    cors_origin: str = Field(
        "http://localhost:3000", alias="CORS_ORIGIN",
        description="the frontends that browsers may call us from, exact, separated by commas; empty: none",
    )  # fmt: skip
    public_url: str = Field(
        "http://localhost:3000", alias="PUBLIC_URL", description="the frontend's address, for links in mails"
    )
    trusted_proxies: str = Field(
        "", alias="TRUSTED_PROXIES",
        description="addresses or networks whose X-Forwarded-For counts, separated by commas",
    )  # fmt: skip
    max_connections: int = Field(2000, alias="API_MAX_CONNECTIONS", ge=10, le=100_000, description="beyond: refused")
    max_connections_per_address: int = Field(
        64, alias="API_MAX_CONNECTIONS_PER_ADDRESS", ge=1, le=100_000, description="trusted proxies are exempt"
    )
    request_log: bool = Field(
        default=False, alias="REQUEST_LOG", description="one log line for each request; costs a tenth of the speed"
    )
    ready_file: Path | None = Field(
        None, alias="API_READY_FILE", description="a file with its address, written when the API takes requests"
    )

    @field_validator("trusted_proxies")
    @classmethod
    def _are_networks(cls, value: str) -> str:
        for each in words_of(value):
            ip_network(each, strict=False)
        return value

    @property
    def origins(self) -> frozenset[str]:
        """The allowed origins."""
        return frozenset(words_of(self.cors_origin))

    @property
    def proxies(self) -> tuple[IPv4Network | IPv6Network, ...]:
        """The networks whose X-Forwarded-For counts."""
        return tuple(ip_network(each, strict=False) for each in words_of(self.trusted_proxies))


def words_of(text: str) -> list[str]:
    """Return the parts of a comma-separated list, without blanks."""
    return [word.strip().rstrip("/") for word in text.split(",") if word.strip()]


class AuthSettings(Group):
    """Tokens and accounts."""

    jwt_secret: SecretStr = Field(
        alias="JWT_SECRET", description="signs access tokens: at least 32 characters, random, the same in every process"
    )
    jwt_previous_secret: SecretStr | None = Field(
        None, alias="JWT_PREVIOUS_SECRET", description="the secret before, while its tokens still count"
    )
    jwt_expires_in: str = Field(
        "7d", alias="JWT_EXPIRES_IN", description="how long an access token lasts: 15m, 12h, 7d"
    )
    refresh_expires_in: str = Field(
        "30d", alias="REFRESH_TOKEN_EXPIRES_IN", description="how long a login lasts without being used"
    )
    session_expires_in: str = Field("90d", alias="SESSION_EXPIRES_IN", description="how long a login lasts at all")
    registration: Literal["open", "closed"] = Field(
        "open", alias="REGISTRATION", description="closed: only who is invited gets an account"
    )
    verify_email: bool = Field(
        default=False, alias="REQUIRE_VERIFIED_EMAIL", description="no login before the mailed link was followed"
    )

    @field_validator("jwt_expires_in", "refresh_expires_in", "session_expires_in")
    @classmethod
    def _is_span(cls, value: str) -> str:
        seconds_of(value)
        return value


class MailSettings(Group):
    """How mail leaves: by SMTP, else into a folder."""

    smtp_url: SecretStr | None = Field(
        None, alias="SMTP_URL", description="smtp://user:password@host:587 (STARTTLS where offered) or smtps://...:465"
    )
    mail_from: str = Field("FrostGuard <frostguard@localhost>", alias="MAIL_FROM", description="the sender")
    mail_dir: Path | None = Field(
        None, alias="MAIL_DIR", description="without SMTP_URL: mails are written here, and a log line names the file"
    )

    @field_validator("smtp_url")
    @classmethod
    def _is_smtp(cls, value: SecretStr | None) -> SecretStr | None:
        parts = urlsplit(value.get_secret_value()) if value else None
        if parts is not None and (parts.scheme not in ("smtp", "smtps") or not parts.hostname):
            raise ValueError("must be smtp://host:port or smtps://host:port")
        return value


class FeedSettings(Group):
    """How much the feeds hold, and for how many; in each process of the API."""

    sockets_per_user: int = Field(200, alias="FEED_SOCKETS_PER_USER", ge=1, le=100_000, description="and streams")
    sockets_per_organization: int = Field(
        2000, alias="FEED_SOCKETS_PER_ORGANIZATION", ge=1, le=100_000, description="of all its users"
    )
    subscriptions: int = Field(200, alias="FEED_SUBSCRIPTIONS", ge=1, le=10_000, description="of one socket")
    heartbeat_seconds: int = Field(20, alias="FEED_HEARTBEAT_SECONDS", ge=1, le=600, description="between heartbeats")
    window_bytes: int = Field(
        32_000_000, alias="FEED_WINDOW_BYTES", ge=100_000, le=4_000_000_000, description="memory to come back from"
    )


class ArchiveSettings(Group):
    """Where old readings go: a folder, or a bucket of an S3; without either they stay in the database."""

    folder: Path | None = Field(None, alias="ARCHIVE_DIR", description="a folder for the archive, on a disk of its own")
    endpoint: HttpUrl = Field(
        None, alias="S3_ENDPOINT", description="https://host:port of the S3; without it Amazon's own"
    )
    access_key: SecretStr | None = Field(None, alias="S3_ACCESS_KEY", description="without it what the machine offers")
    secret_key: SecretStr | None = Field(None, alias="S3_SECRET_KEY", description="belongs to the access key")
    bucket: str | None = Field(None, alias="S3_BUCKET", description="the archive's, where ARCHIVE_DIR is not set")
    region: str = Field("us-east-1", alias="S3_REGION", description="of the bucket")
    prefix: str = Field(
        "frostguard", alias="S3_PREFIX", pattern=r"^[A-Za-z0-9_-]{1,64}$",
        description="in front of every key, so that a bucket can be shared",
    )  # fmt: skip
    after_days: int = Field(
        90, alias="ARCHIVE_AFTER_DAYS", ge=35, le=366, description="a week is archived this long after its end"
    )
    quiet_hours: int = Field(
        24, alias="ARCHIVE_QUIET_HOURS", ge=0, le=720,
        description="a week to which readings came within this time waits for the next run",
    )  # fmt: skip

    @property
    def configured(self) -> bool:
        """Whether there is an archive at all."""
        return bool(self.folder or self.bucket)


class HousekeepingSettings(Group):
    """For how many days is kept what is no record; `frostguard housekeeping` removes them. Not on legal hold."""

    dead_letter_days: int = Field(
        90, alias="DEAD_LETTER_DAYS", ge=1, le=36_600, description="messages that could not be used, and their counts"
    )
    event_days: int = Field(
        731, alias="EVENT_DAYS", ge=31, le=36_600,
        description="facts about units; `frostguard replay --verify` compares with those that are there",
    )  # fmt: skip
    notification_days: int = Field(
        90, alias="NOTIFICATION_DAYS", ge=1, le=36_600, description="what people were told, or were to be told"
    )
    invitation_days: int = Field(
        180, alias="INVITATION_DAYS", ge=1, le=36_600, description="invitations and mailed links, after their end"
    )
    five_minute_days: int = Field(731, alias="FIVE_MINUTE_SUM_DAYS", ge=400, le=36_600, description="sums of 5 minutes")
    hour_days: int = Field(1827, alias="HOUR_SUM_DAYS", ge=731, le=36_600, description="sums of hours")


class LogSettings(Group):
    """How log lines look."""

    format: Literal["auto", "json", "text"] = Field(
        "auto", alias="LOG_FORMAT", description="auto is text on a terminal and JSON elsewhere"
    )
    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", alias="LOG_LEVEL", description="the least that is logged"
    )


GROUPS: tuple[type[Group], ...] = (
    DatabaseSettings, MqttSettings, IngestSettings, ApiSettings, AuthSettings, FeedSettings, MailSettings,
    ArchiveSettings, HousekeepingSettings, TracingSettings, LogSettings,
)  # fmt: skip
"""Every group there is: `.env.example` documents each of their settings (a test compares)."""

G = TypeVar("G", bound=Group)


def is_given(name: str) -> bool:
    """Tell whether a setting is there: in the environment, as a file, or as a credential of systemd."""
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    files = [Path(folder) / name, Path(folder) / name.lower()] if folder else []
    return bool(os.environ.get(name) or os.environ.get(f"{name}_FILE")) or any(path.is_file() for path in files)


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
